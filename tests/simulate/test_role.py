"""The role as the supervisor runs it: scenes drawn behind its back, cameras that answer within seconds, a clean end."""

import asyncio
import json
import time
import urllib.request
from pathlib import Path

import av
import numpy as np
import pytest

from manara.base.errors import InvalidInput
from manara.settings import Settings, load
from manara.simulate.clips import load_clip
from manara.simulate.faults import KINDS
from manara.simulate.role import run_simulator, scene_of, shows_h265
from manara.simulate.scenery import SCENES
from manara.simulate.scenes import GOP, SceneMaker, clip_path, truth_path
from manara.simulate.strip import read_frame_number
from manara.simulate.world import PERIOD_S, World
from tests.support.patience import patience_s


def _settings(folder: Path, cameras: int) -> Settings:
    flags = {"data": {"directory": str(folder)}, "simulate": {"rtsp_port": 0, "onvif_port": 18_999, "cameras": cameras}}
    return load(None, environ={}, flags=flags)


def _ask(port: int, path: str, body: dict[str, object] | None = None, method: str = "GET") -> dict[str, object]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"X-Manara": "1"}, method=method)
    with urllib.request.urlopen(request, timeout=5) as answer:
        told: dict[str, object] = json.load(answer)
        return told


def _numbers(url: str, count: int) -> list[int | None]:
    with av.open(
        url.replace("rtsp://", "rtsp://viewer:loopback-only@"), options={"rtsp_transport": "tcp"}
    ) as container:
        numbers = []
        for frame in container.decode(video=0):
            numbers.append(read_frame_number(frame.to_ndarray(format="gray")))
            if len(numbers) == count:
                break
        return numbers


def test_cameras_answer_within_seconds_and_the_end_is_clean(tmp_path: Path) -> None:
    async def scene() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(run_simulator(_settings(tmp_path, 2), stop))
        told = tmp_path / "run" / "simulate.json"
        began_s = time.monotonic()
        cameras: list[dict[str, object]] = []
        while not cameras or not all(stream["ready"] for one in cameras for stream in one["streams"].values()):  # type: ignore[attr-defined]
            assert time.monotonic() - began_s < patience_s(40), "no picture in time"
            assert not running.done() or running.result() is None
            await asyncio.sleep(0.1)
            if told.exists():
                port = json.loads(told.read_text())["onvif_port"]
                cameras = (await asyncio.to_thread(_ask, port, "/control/cameras"))["cameras"]  # type: ignore[assignment]
        url = cameras[0]["streams"]["main"]["url"]  # type: ignore[index]
        numbers = await asyncio.to_thread(_numbers, url, 5)
        assert numbers[0] is not None
        assert numbers == list(range(numbers[0], numbers[0] + 5))
        code = cameras[0]["code"]
        order = {"kind": "stall", "seconds": 30}
        answer = await asyncio.to_thread(_ask, port, f"/control/cameras/{code}/faults", order, "POST")
        assert answer["faults"] == {"stall": 0}
        assert set(await asyncio.to_thread(_ask, port, "/control/faults")) == set(KINDS)
        stop.set()
        await asyncio.wait_for(running, 5)

    asyncio.run(scene())


def test_a_clip_that_is_no_video_ends_the_role_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "holiday.mp4"
    path.write_bytes(b"not a video")

    with pytest.raises(InvalidInput, match=r"holiday\.mp4"):
        asyncio.run(run_simulator(_settings(tmp_path, 1), asyncio.Event(), clip=path))


def test_a_scene_keeps_its_truth_and_is_not_taken_for_whole_before_it_is(tmp_path: Path) -> None:
    scene = SCENES[5]
    maker = SceneMaker(tmp_path, scene, "day", h265=False, frames=4 * GOP)
    for _ in range(2):
        assert not maker.work(GOP)
    with pytest.raises(InvalidInput, match="not a complete"):
        load_clip(clip_path(tmp_path, scene.name, "day", "main"))
    maker.work(10_000)
    for form, size in (("main", (1280, 720)), ("sub", (640, 360))):
        clip = load_clip(clip_path(tmp_path, scene.name, "day", form))
        assert (clip.width_px, clip.height_px) == size
        assert len(clip.frames) == 4 * GOP
        assert [index for index, frame in enumerate(clip.frames) if frame.key] == list(range(0, 4 * GOP, GOP))
    lines = truth_path(tmp_path, scene.name, "day").read_text().splitlines()
    assert json.loads(lines[0])["scene"] == scene.name
    assert len(lines) == 4 * GOP + 1
    boxes = [actor["box_px"] for line in lines[1:] for actor in json.loads(line)["actors"] if actor["box_px"]]
    assert len(boxes) > 100
    assert all(0 <= left < right <= 1280 and 32 <= top < bottom <= 720 for left, top, right, bottom in boxes)


def test_the_world_closes_its_circle_and_nobody_drives_through_another() -> None:
    for scene in SCENES[:2]:
        moments = World(scene.lanes, scene.walks, scene.seed).moments(0.08)
        assert len(moments) == round(PERIOD_S / 0.08)
        first = sorted((a.kind, a.x_m, a.y_m) for a in moments[0] if a.kind != "person")
        last = sorted((a.kind, a.x_m, a.y_m) for a in moments[-1] if a.kind != "person")
        assert abs(len(first) - len(last)) <= 2
        for actors in moments[::20]:
            by_lane: dict[tuple[float, int], list[float]] = {}
            for actor in actors:
                if actor.kind != "person" and round(actor.heading_deg) % 180 == 0:
                    by_lane.setdefault((round(actor.x_m, 1), round(actor.heading_deg)), []).append(actor.y_m)
            for places in by_lane.values():
                gaps = np.diff(sorted(places))
                assert not len(gaps) or gaps.min() > 3.0


def test_one_camera_in_twelve_or_so_is_h265_and_scenes_come_in_turn() -> None:
    assert [scene_of(index) for index in range(8)] == [scene.name for scene in SCENES]
    assert sum(shows_h265(index) for index in range(24)) == 2
