"""Spoiled pictures: a scene overexposed, covered, sprayed, out of focus, turned away, colourless, shaken, in dust.

A process of its own (`python -m manara.simulate.spoil`, low priority) decodes some seconds of a scene's clip, spoils
each picture, encodes them with the clip's own settings and writes clips that the cameras go over to at a key frame, so
the fault is really in the video and costs nothing while it is shown. Made when first asked for and kept on disk
(`MOST_KEPT` files). Called by `pictures.py`. The filters are pure; strengths are such that a person would call the
picture useless, but for dust, through which something is still seen.
"""

import argparse
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from manara.simulate.clips import Clip, ClipReader, ClipWriter
from manara.simulate.draw import Painter
from manara.simulate.encoder import Encoder, full_headers, parameter_sets
from manara.simulate.paint import LIGHTS
from manara.simulate.scenery import SCENE_HEIGHT_PX, SCENES, WIDTH_PX
from manara.simulate.scenes import (
    FRAME_RATE,
    GOP,
    MAIN_HEIGHT_PX,
    SUB_HEIGHT_PX,
    SUB_WIDTH_PX,
    clip_path,
    with_strip,
)
from manara.simulate.strip import bar_height_px
from manara.simulate.world import World

FRAMES = 6 * GOP
MOST_KEPT = 120
TURNED_DEG = 34.0
SPOILED_KINDS = ("white", "covered", "sprayed", "blurred", "turned", "colour_lost", "vibrating", "dust")
_VERSION = 3  # part of every file name; raised when a filter changes
_FLICKER = 2.0  # grey levels, of the exposure
_BAR_PX = bar_height_px(WIDTH_PX)

Plane = NDArray[np.floating[Any]]
Planes = tuple[Plane, Plane, Plane]  # Y (688, 1280), U and V (344, 640)


def spoiled_path(folder: Path, scene: str, light: str, kind: str, form: str) -> Path:
    """Where a spoiled clip lies."""
    return clip_path(folder, scene, f"{light}-{kind}.{_VERSION}", form)


# --- filters


def _smooth(seed: int, height: int, width: int, cells: int) -> Plane:
    """Soft hills, -1 to 1."""
    chance = np.random.default_rng(seed)
    small = chance.random((cells, cells * 2), dtype=np.float32) * 2 - 1
    frame = av.VideoFrame.from_ndarray(((small + 1) * 127).astype(np.uint8), format="gray")
    large = frame.reformat(width=width, height=height, interpolation="BICUBIC").to_ndarray()
    hills: Plane = large.astype(np.float32) / 127 - 1
    return hills


def _mask(hills: Plane, share: float) -> Plane:
    """0 to 1, soft at the edge; `share` of the picture is over a half."""
    level = float(np.quantile(hills, 1 - share))
    mask: Plane = np.clip((hills - level) * 6 + 0.5, 0, 1)
    return mask


def _halved(plane: Plane) -> Plane:
    half: Plane = plane[::2, ::2]
    return half


def _blur(plane: Plane, factor: int) -> Plane:
    height, width = plane.shape
    frame = av.VideoFrame.from_ndarray(np.clip(plane, 0, 255).astype(np.uint8), format="gray")
    small = frame.reformat(width=max(8, width // factor), height=max(8, height // factor), interpolation="AREA")
    large: Plane = small.reformat(width=width, height=height, interpolation="BICUBIC").to_ndarray().astype(np.float32)
    return large


def _shifted(plane: Plane, down: int, right: int) -> Plane:
    """Moved, with its edge repeated."""
    height, width = plane.shape
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - right, 0, width - 1)
    moved: Plane = plane[rows][:, columns]
    return moved


def _mixed(planes: Planes, mask: Plane, paint: tuple[float, float, float]) -> Planes:
    half = _halved(mask)
    y, u, v = planes
    return y * (1 - mask) + paint[0] * mask, u * (1 - half) + paint[1] * half, v * (1 - half) + paint[2] * half


def spoiler(kind: str, height: int = SCENE_HEIGHT_PX, width: int = WIDTH_PX) -> Callable[[Planes, int], Planes]:
    """What makes of a picture (and its number) the spoiled one. Raises `KeyError` for an unknown kind."""
    cloth = 34 + 10 * _blur(_smooth(3, height, width, 6) * 60 + 128, 40) / 128 + 2.5 * _smooth(4, height, width, 90)
    blots = _mask(_smooth(11, height, width, 7), 0.7)
    chance = np.random.default_rng(5)
    shakes = chance.integers(-9, 10, (FRAMES, 2))

    def white(planes: Planes, _: int) -> Planes:
        y, u, v = planes
        return 233 + (y - 128) * 0.03, 128 + (u - 128) * 0.1, 128 + (v - 128) * 0.1

    def covered(planes: Planes, index: int) -> Planes:
        swing = 2.0 * np.sin(index / 9)
        chroma = np.full(planes[1].shape, 0, np.float32)
        return cloth + swing, chroma + 124, chroma + 133

    def sprayed(planes: Planes, _: int) -> Planes:
        y, u, v = planes
        return _mixed((_blur(y, 3), u, v), blots, (58.0, 118.0, 150.0))

    def blurred(planes: Planes, _: int) -> Planes:
        return _blur(planes[0], 28), _blur(planes[1], 18), _blur(planes[2], 18)

    def colour_lost(planes: Planes, _: int) -> Planes:
        grey = np.full(planes[1].shape, 128, np.float32)
        return planes[0], grey, grey

    def vibrating(planes: Planes, index: int) -> Planes:
        down, right = (int(value) for value in shakes[index % FRAMES])
        y = _shifted(planes[0], down * 2, right * 2)
        y = (y + _shifted(y, 3, 0)) / 2
        return y, _shifted(planes[1], down, right), _shifted(planes[2], down, right)

    def dust(planes: Planes, index: int) -> Planes:
        y, u, v = planes
        veil = 0.8 + 0.06 * np.sin(index / 25)
        return y * (1 - veil) + 150 * veil, u * (1 - veil) + 112 * veil, v * (1 - veil) + 143 * veil

    def turned(planes: Planes, _: int) -> Planes:
        return planes  # drawn that way

    known = (white, covered, sprayed, blurred, colour_lost, vibrating, dust, turned)
    return {one.__name__: one for one in known}[kind]


# --- making


def _planes_of(frame: av.VideoFrame, top_px: int) -> Planes:
    """The scene's planes of a picture whose first `top_px` rows are something else."""
    planes = frame.to_ndarray().astype(np.float32)
    height, width = frame.height, frame.width
    chroma = planes[height:].reshape(2, height // 2, width // 2)[:, top_px // 2 :]
    return planes[top_px:height], chroma[0], chroma[1]


def _frame_of(planes: Planes) -> av.VideoFrame:
    height, width = planes[0].shape
    out = np.empty((height * 3 // 2, width), np.uint8)
    out[:height] = np.clip(planes[0], 16, 235)
    for index, plane in enumerate(planes[1:]):
        rows = slice(height + index * height // 4, height + (index + 1) * height // 4)
        out[rows] = np.clip(plane, 16, 240).astype(np.uint8).reshape(height // 4, width)
    return av.VideoFrame.from_ndarray(out, format="yuv420p")


def _decoded(clip: Clip) -> Iterator[av.VideoFrame]:
    context = av.CodecContext.create(clip.codec, "r")
    assert isinstance(context, VideoCodecContext)  # noqa: S101  (H.264 is a video codec)
    context.thread_count = 1
    for frame in clip.frames[: min(FRAMES, clip.playable)]:
        sets = clip.parameter_sets if frame.key else ()
        yield from context.decode(av.Packet(b"".join(b"\0\0\0\1" + nal for nal in (*sets, *frame.bare))))
    yield from context.decode(None)


def _drawn_turned(name: str, light: str) -> Iterator[Planes]:
    scene = next(scene for scene in SCENES if scene.name == name)
    view = replace(scene.view, yaw_deg=scene.view.yaw_deg + TURNED_DEG)
    painter = Painter(scene.street, view, LIGHTS[light], scene.seed)
    for actors in World(scene.lanes, scene.walks, scene.seed).moments(float(1 / FRAME_RATE))[:FRAMES]:
        pixels = np.asarray(painter.picture(actors))
        yield _planes_of(av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p"), 0)


class SpoiledClips:
    """Writes the spoiled clips of one scene, all forms side by side. `work` makes some frames."""

    def __init__(self, folder: Path, scene: str, light: str, kind: str, forms: tuple[str, ...]) -> None:
        self._filter = spoiler(kind)
        self._index = 0
        self._forms = forms
        if kind == "turned":
            self._source = _drawn_turned(scene, light)
        else:
            reader = ClipReader(clip_path(folder, scene, light, "main"))
            reader.poll()
            if reader.clip is None or not reader.clip.playable:
                raise SystemExit(f"scene {scene} has no picture yet")
            clip = reader.clip
            self._source = (_planes_of(frame, _BAR_PX) for frame in _decoded(clip))
        self._encoders: dict[str, Encoder] = {}
        self._writers: dict[str, ClipWriter] = {}
        self._paths = {form: spoiled_path(folder, scene, light, kind, form) for form in forms}

    def work(self, frames: int) -> bool:
        """Make the next frames; True once the clips are complete."""
        for _ in range(frames):
            planes = next(self._source, None)
            if planes is None:
                for writer in self._writers.values():
                    writer.close()
                return True
            spoiled = self._filter(planes, self._index)
            # No two pictures of a live camera are the same, however little there is to be seen.
            flicker = _FLICKER * np.sin(self._index * 0.83)
            picture = _frame_of((spoiled[0] + flicker, *spoiled[1:]))
            for form in self._forms:
                self._add(form, picture, self._index % GOP == 0)
            self._index += 1
        for writer in self._writers.values():
            writer.flush()
        return False

    def _add(self, form: str, picture: av.VideoFrame, key: bool) -> None:
        if form == "sub":
            picture = picture.reformat(width=SUB_WIDTH_PX, height=SUB_HEIGHT_PX - bar_height_px(SUB_WIDTH_PX))
        elif form == "h265":
            picture = with_strip(picture, self._index)
        if form != "h265":
            picture = _fenced(picture)
        encoder = self._encoders.get(form)
        if encoder is None:
            encoder = self._encoders[form] = _encoder(form, picture)
        nals = encoder.encode(picture)
        writer = self._writers.get(form)
        if writer is None:
            writer = self._writers[form] = self._writer(form, nals)
        writer.add(nals, key)

    def _writer(self, form: str, nals: list[bytes]) -> ClipWriter:
        width, height = (SUB_WIDTH_PX, SUB_HEIGHT_PX) if form == "sub" else (WIDTH_PX, MAIN_HEIGHT_PX)
        if form == "h265":
            sets = parameter_sets("h265", nals)
        else:
            headers = full_headers(width, height, FRAME_RATE, GOP)
            sets = (headers.sps, headers.pps)
        return ClipWriter(
            self._paths[form],
            codec="h265" if form == "h265" else "h264",
            width_px=width,
            height_px=height,
            frame_rate=Fraction(FRAME_RATE),
            sets=sets,
            gop=GOP,
            bar=form != "h265",
        )


def _fenced(picture: av.VideoFrame) -> av.VideoFrame:
    """The picture with two rows of still noise at its top.

    The bar is put above what was encoded without it (`bar.py`): where the encoder points above its picture it means the
    repeated top row, and the decoder finds the bar. A smooth picture, dark as the bar, is full of such places and would
    smear from the top; streaks of noise are a good reference for nothing.
    """
    planes = picture.to_ndarray()
    planes[:2, : picture.width] = np.random.default_rng(5).integers(16, 236, (2, picture.width), dtype=np.uint8)
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")


def _encoder(form: str, picture: av.VideoFrame) -> Encoder:
    codec = "h265" if form == "h265" else "h264"
    crf, most = {"main": (27, 1_800_000), "sub": (28, 450_000), "h265": (30, 1_500_000)}[form]
    return Encoder(picture.width, picture.height, codec=codec, frame_rate=FRAME_RATE, gop=GOP, crf=crf, max_bps=most)


def forget_old(folder: Path, keep: int = MOST_KEPT) -> int:
    """Remove the spoiled clips that were made longest ago, all but `keep`; how many went."""
    found = [path for kind in SPOILED_KINDS for path in folder.glob(f"scene*-*-*-{kind}*.clip")]
    found.sort(key=lambda path: path.stat().st_mtime)
    gone = found[: max(0, len(found) - keep)]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)


def main() -> None:
    """`python -m manara.simulate.spoil FOLDER LIGHT KIND SCENE:FORM,FORM…`."""
    parser = argparse.ArgumentParser(description="Spoil the pictures of scenes.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("light", choices=sorted(LIGHTS))
    parser.add_argument("kind", choices=SPOILED_KINDS)
    parser.add_argument("scenes", nargs="+")
    given = parser.parse_args()
    os.nice(5)
    makers = []
    for text in given.scenes:
        scene, _, forms = text.partition(":")
        makers.append(SpoiledClips(given.folder, scene, given.light, given.kind, tuple(forms.split(","))))
    while makers:
        makers = [maker for maker in makers if not maker.work(GOP)]


if __name__ == "__main__":
    main()
