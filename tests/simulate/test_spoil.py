"""Spoiled pictures: each is what it is called, is really in the video, and plays below the running bar."""

import asyncio
import shutil
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from manara.simulate.clips import Clip, load_clip
from manara.simulate.mount import ClipMount, VirtualCamera
from manara.simulate.pictures import Pictures
from manara.simulate.scenery import SCENES
from manara.simulate.scenes import GOP, SceneMaker, clip_path
from manara.simulate.spoil import SPOILED_KINDS, Planes, SpoiledClips, forget_old, spoiled_path, spoiler
from tests.support.patience import LONG_S

SCENE = SCENES[1].name


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene of two GOPs."""
    made = tmp_path_factory.mktemp("spoiled")
    maker = SceneMaker(made, SCENES[1], "day", h265=False, frames=2 * GOP)
    while not maker.work(GOP):
        pass
    return made


def _picture(clip: Clip, index: int) -> NDArray[np.float32]:
    """The luma below the bar. One thread: with more, FFmpeg fills in for the missing bar from other pictures."""
    context = av.CodecContext.create("h264", "r")
    assert isinstance(context, VideoCodecContext)
    context.thread_count = 1
    frames = []
    for frame in clip.frames[: index + 1]:
        nals = (*(clip.parameter_sets if frame.key else ()), *frame.bare)
        frames += context.decode(av.Packet(b"".join(b"\0\0\0\1" + nal for nal in nals)))
    frames += context.decode(None)
    return frames[-1].to_ndarray()[32 : clip.height_px].astype(np.float32)


def _sharpness(luma: NDArray[np.float32]) -> float:
    return float(np.abs(np.diff(luma, axis=1)).mean())


@pytest.mark.parametrize("kind", ["white", "covered", "blurred", "sprayed", "colour_lost"])
def test_a_spoiled_picture_is_what_it_is_called(folder: Path, kind: str) -> None:
    maker = SpoiledClips(folder, SCENE, "day", kind, ("sub", "main"))
    while not maker.work(GOP):
        pass
    clip = load_clip(spoiled_path(folder, SCENE, "day", kind, "main"))
    plain = load_clip(clip_path(folder, SCENE, "day", "main"))
    assert (len(clip.frames), clip.parameter_sets) == (len(plain.frames), plain.parameter_sets)
    spoiled, was = _picture(clip, GOP + 3), _picture(plain, GOP + 3)
    if kind == "white":
        assert spoiled.mean() > 220
    elif kind == "covered":
        assert spoiled.mean() < 60
        assert spoiled.std() < 12
    elif kind == "blurred":
        assert _sharpness(spoiled) < _sharpness(was) / 4
    elif kind == "sprayed":
        assert 0.5 < float((np.abs(spoiled - 58) < 12).mean()) < 0.9
    else:
        assert abs(spoiled.mean() - was.mean()) < 3


def test_shaking_and_dust_change_every_picture_and_colour_goes() -> None:
    chance = np.random.default_rng(1)
    y, u, v = (chance.random(shape) * 200 + 20 for shape in ((688, 1280), (344, 640), (344, 640)))
    planes: Planes = (y, u, v)
    shaken = [spoiler("vibrating")(planes, index)[0] for index in (1, 2)]
    assert np.abs(shaken[0] - shaken[1]).mean() > 20
    dusty = spoiler("dust")(planes, 0)
    assert dusty[0].std() < y.std() / 3
    assert np.ptp(spoiler("colour_lost")(planes, 0)[1]) == 0
    with pytest.raises(KeyError):
        spoiler("haunted")


def test_a_camera_goes_over_to_the_spoiled_clip_at_a_key_frame_and_back(folder: Path) -> None:
    plain = load_clip(clip_path(folder, SCENE, "day", "main"))

    async def scene() -> None:
        pictures = Pictures(folder)
        camera = VirtualCamera("CAM-0001")
        mount = ClipMount(camera, "main", plain)
        pictures.add(mount, SCENE, "main")
        pictures.light({(SCENE, "main"): plain}, "day")
        running = asyncio.create_task(pictures.run())
        position = 3

        async def play_until(wanted: bool) -> None:
            nonlocal position
            async with asyncio.timeout(2 * LONG_S):
                while (mount.clip is plain) != wanted:
                    before = mount.clip
                    _, following = mount.packets(position, 0, 0)
                    if mount.clip is not before:
                        assert mount.clip.frames[following - 1].key
                    position = following
                    await asyncio.sleep(0.001)

        pictures.spoil("CAM-0001", "white")
        await play_until(False)
        assert _picture(mount.clip, 3).mean() > 220
        pictures.mend("CAM-0001")
        await play_until(True)
        pictures.spoil("CAM-0001", "loop")
        await play_until(False)
        assert len(mount.clip.frames) == 2 * GOP
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(scene())


def test_only_so_many_spoiled_clips_are_kept_and_no_other(folder: Path, tmp_path: Path) -> None:
    shutil.copy(clip_path(folder, SCENE, "day", "main"), tmp_path)
    for kind in SPOILED_KINDS:
        spoiled_path(tmp_path, SCENE, "day", kind, "main").write_bytes(b"")
    assert forget_old(tmp_path, keep=3) == len(SPOILED_KINDS) - 3
    assert clip_path(tmp_path, SCENE, "day", "main").exists()
