"""Drawn scenes as clips, made once in the background and kept under `<data>/simulate/`.

A process of its own (`python -m manara.simulate.scenes`) draws a still for each GOP of all wanted scenes, so that every
camera has a picture within seconds (`stills.py`), and then the scenes, to which the cameras go over. Beside each clip
lies its truth: a line of JSON a frame with every actor's place, speed and box in the main stream's picture. Called by
`role.py`. Bounds: a scene's two streams are about 6 MB on disk and in memory.
"""

import argparse
import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from fractions import Fraction
from io import TextIOWrapper
from pathlib import Path

import av
import numpy as np

from manara.simulate.clips import Clip, ClipReader, ClipWriter, is_whole
from manara.simulate.draw import Painter
from manara.simulate.encoder import Encoder, full_headers, parameter_sets
from manara.simulate.mount import BlackScene
from manara.simulate.paint import LIGHTS
from manara.simulate.scenery import SCENE_HEIGHT_PX, SCENES, WIDTH_PX, Scene
from manara.simulate.slices import Slice
from manara.simulate.stills import hold
from manara.simulate.strip import bar_height_px, strip_row
from manara.simulate.world import Actor, World

log = logging.getLogger(__name__)
VERSION = 1  # part of every file name; raised when the drawing changes
FRAME_RATE = Fraction(25, 2)
GOP = 25
SUB_WIDTH_PX, SUB_HEIGHT_PX = 640, 360
MAIN_HEIGHT_PX = SCENE_HEIGHT_PX + bar_height_px(WIDTH_PX)
_POLL_S = 0.25


def clip_path(folder: Path, scene: str, light: str, form: str) -> Path:
    """Where a clip lies. `form` is main, sub or h265, with `-first` for the stills that are shown before it."""
    return folder / f"scene{VERSION}-{scene}-{light}-{form}.clip"


def truth_path(folder: Path, scene: str, light: str) -> Path:
    """Where a scene's truth lies."""
    return folder / f"scene{VERSION}-{scene}-{light}-truth.jsonl"


class SceneMaker:
    """Draws and encodes one scene, some frames at a time."""

    def __init__(self, folder: Path, scene: Scene, light: str, *, h265: bool, frames: int | None = None) -> None:
        """`frames` cuts the scene short, for tests."""
        self._folder, self._scene, self._light = folder, scene.name, light
        self._moments = World(scene.lanes, scene.walks, scene.seed).moments(float(1 / FRAME_RATE))[:frames]
        self._painter = Painter(scene.street, scene.view, LIGHTS[light], scene.seed)
        self._index = 0
        sub_scene_px = SUB_HEIGHT_PX - bar_height_px(SUB_WIDTH_PX)
        self._main = Encoder(WIDTH_PX, SCENE_HEIGHT_PX, frame_rate=FRAME_RATE, gop=GOP, crf=27, max_bps=1_800_000)
        self._sub = Encoder(SUB_WIDTH_PX, sub_scene_px, frame_rate=FRAME_RATE, gop=GOP, crf=28, max_bps=450_000)
        self._writers = {
            "main": _writer(folder, scene.name, light, "main", WIDTH_PX, MAIN_HEIGHT_PX),
            "sub": _writer(folder, scene.name, light, "sub", SUB_WIDTH_PX, SUB_HEIGHT_PX),
        }
        self._sub_scene_px = sub_scene_px
        self._h265: Encoder | None = None
        self._h265_path = clip_path(folder, scene.name, light, "h265")
        if h265:
            self._h265 = Encoder(
                WIDTH_PX, MAIN_HEIGHT_PX, codec="h265", frame_rate=FRAME_RATE, gop=GOP, crf=30, max_bps=1_500_000
            )
        self._with_h265 = h265
        self._truth: TextIOWrapper = truth_path(folder, scene.name, light).open("w", encoding="utf-8")
        head = {"scene": scene.name, "light": light, "frame_rate": [25, 2], "view": asdict(scene.view)}
        self._truth.write(json.dumps(head) + "\n")

    def stills(self) -> None:
        """Make the pictures that are shown first."""
        sizes = {"main": (WIDTH_PX, MAIN_HEIGHT_PX), "sub": (SUB_WIDTH_PX, SUB_HEIGHT_PX)}
        writers = {
            form: _writer(self._folder, self._scene, self._light, f"{form}-first", *size, gop=1)
            for form, size in sizes.items()
        }
        encoders = {
            "main": Encoder(WIDTH_PX, SCENE_HEIGHT_PX, frame_rate=FRAME_RATE, gop=GOP, crf=27),
            "sub": Encoder(SUB_WIDTH_PX, self._sub_scene_px, frame_rate=FRAME_RATE, gop=GOP, crf=28),
        }
        whole = Encoder(WIDTH_PX, MAIN_HEIGHT_PX, codec="h265", frame_rate=FRAME_RATE, gop=GOP, crf=30)
        for index in range(0, len(self._moments), GOP):
            picture = self._drawn(self._moments[index])
            small = picture.reformat(width=SUB_WIDTH_PX, height=self._sub_scene_px)
            for form, frame in (("main", picture), ("sub", small)):
                writers[form].add(encoders[form].encode(frame, key=True), True)
            for number in range(GOP) if self._with_h265 else ():
                nals = whole.encode(with_strip(picture, index + number))
                if "h265" not in writers:
                    path = clip_path(self._folder, self._scene, self._light, "h265-first")
                    writers["h265"] = _h265_writer(path, nals)
                writers["h265"].add(nals, number == 0)
        for writer in writers.values():
            writer.close()

    def work(self, frames: int) -> bool:
        """Make the next frames; True once the scene is complete."""
        for _ in range(frames):
            if self._index >= len(self._moments):
                break
            self._frame(self._moments[self._index])
            self._index += 1
        done = self._index >= len(self._moments)
        for writer in self._writers.values():
            writer.close() if done else writer.flush()
        if done:
            self._truth.close()
        return done

    def _drawn(self, actors: list[Actor]) -> av.VideoFrame:
        pixels = np.asarray(self._painter.picture(actors))
        return av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")

    def _frame(self, actors: list[Actor]) -> None:
        main = self._drawn(actors)
        key = self._index % GOP == 0
        self._writers["main"].add(self._main.encode(main), key)
        sub = main.reformat(width=SUB_WIDTH_PX, height=self._sub_scene_px)
        self._writers["sub"].add(self._sub.encode(sub), key)
        if self._h265 is not None:
            nals = self._h265.encode(with_strip(main, self._index))
            if "h265" not in self._writers:
                self._writers["h265"] = _h265_writer(self._h265_path, nals)
            self._writers["h265"].add(nals, key)
        self._truth.write(json.dumps({"index": self._index, "actors": list(self._told(actors))}) + "\n")

    def _told(self, actors: list[Actor]) -> Iterator[dict[str, object]]:
        bar = bar_height_px(WIDTH_PX)
        for actor in actors:
            box = self._painter.box(actor)
            yield {
                "number": actor.number,
                "kind": actor.kind,
                "x_m": round(actor.x_m, 2),
                "y_m": round(actor.y_m, 2),
                "heading_deg": round(actor.heading_deg % 360, 1),
                "speed_kmh": round(actor.speed_ms * 3.6, 1),
                "box_px": None if box is None else [box[0], box[1] + bar, box[2], box[3] + bar],
            }


def _h265_writer(path: Path, nals: list[bytes]) -> ClipWriter:
    return ClipWriter(
        path,
        codec="h265",
        width_px=WIDTH_PX,
        height_px=MAIN_HEIGHT_PX,
        frame_rate=FRAME_RATE,
        sets=parameter_sets("h265", nals),
        gop=GOP,
        bar=False,
    )


def _writer(
    folder: Path, scene: str, light: str, form: str, width_px: int, height_px: int, *, gop: int = GOP
) -> ClipWriter:
    headers = full_headers(width_px, height_px, FRAME_RATE, GOP)
    return ClipWriter(
        clip_path(folder, scene, light, form),
        codec="h264",
        width_px=width_px,
        height_px=height_px,
        frame_rate=FRAME_RATE,
        sets=(headers.sps, headers.pps),
        gop=gop,
        bar=True,
    )


def with_strip(scene: av.VideoFrame, index: int) -> av.VideoFrame:
    """The scene below a bar that shows the place in the clip (H.265 pictures cannot be put together from slices)."""
    bar = bar_height_px(WIDTH_PX)
    planes = scene.to_ndarray()
    height, width = SCENE_HEIGHT_PX, WIDTH_PX
    out = np.full(((height + bar) * 3 // 2, width), 128, np.uint8)
    out[:bar] = 24
    row = strip_row(index, width)
    out[:bar, width - row.shape[0] :] = row
    out[bar : height + bar] = planes[:height]
    chroma = out[height + bar :].reshape(2, (height + bar) // 2, width // 2)
    chroma[:, bar // 2 :] = planes[height:].reshape(2, height // 2, width // 2)
    return av.VideoFrame.from_ndarray(out, format="yuv420p")


async def draw_stills(folder: Path, light: str, scenes: list[str], h265: list[str], processes: int = 2) -> int:
    """Make the first pictures of the scenes that have none, by some processes at once; how many scenes that were."""
    missing = []
    for scene in scenes:
        forms = ("main", "sub", "h265") if scene in h265 else ("main", "sub")
        whole = all(is_whole(clip_path(folder, scene, light, form)) for form in forms)
        if not whole and not have_stills(folder, scene, light, scene in h265):
            missing.append(scene)
    command = [sys.executable, "-m", "manara.simulate.scenes", str(folder), light]
    parts = [part for part in (missing[number::processes] for number in range(processes)) if part]
    running = [
        await asyncio.create_subprocess_exec(*command, *part, "--h265", ",".join(h265), "--only-stills")
        for part in parts
    ]
    await asyncio.gather(*(process.wait() for process in running))
    return len(missing)


class SceneShelf:
    """The clips of the scenes under one light: those on disk, and those being made.

    `on_better` is told of each scene that was drawn meanwhile: its key, and the clip to go over to.
    """

    def __init__(self, folder: Path, on_better: Callable[[tuple[str, str], Clip], None] | None = None) -> None:
        self._folder = folder
        self._on_better = on_better
        self._readers: dict[tuple[str, str], ClipReader] = {}
        self._first: dict[tuple[str, str], tuple[ClipReader, Clip]] = {}  # stills, and the clip to be filled with them
        self._unchanged: dict[str, BlackScene] = {}
        self._process: asyncio.subprocess.Process | None = None
        self.light = ""

    async def open(self, scenes: list[str], light: str, *, h265: list[str]) -> dict[tuple[str, str], Clip]:
        """Clips by (scene, form), filled in place as they come; missing ones are begun. Nothing else is waited for."""
        await self.close()
        self.light = light
        self._folder.mkdir(parents=True, exist_ok=True)
        missing = []
        clips: dict[tuple[str, str], Clip] = {}
        for scene in scenes:
            forms = ("main", "sub", "h265") if scene in h265 else ("main", "sub")
            whole = await asyncio.to_thread(self._whole, scene, light, forms)
            if not whole:
                missing.append(scene)
            for form in forms:
                path, first = (clip_path(self._folder, scene, light, name) for name in (form, f"{form}-first"))
                clips[scene, form] = clip = empty_clip(form)
                if whole:
                    self._readers[scene, form] = ClipReader(path, clip)
                    continue
                path.unlink(missing_ok=True)
                if not await asyncio.to_thread(is_whole, first):
                    first.unlink(missing_ok=True)
                still = replace(empty_clip(form), gop=1) if form != "h265" else clip
                self._first[scene, form] = ClipReader(first, still), clip
                self._readers[scene, form] = ClipReader(path, empty_clip(form))
        if missing:
            log.info("scenes are drawn in the background", extra={"scenes": missing, "light": light})
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "manara.simulate.scenes",
                str(self._folder),
                light,
                *missing,
                "--h265",
                ",".join(h265),
            )
        return clips

    def _whole(self, scene: str, light: str, forms: tuple[str, ...]) -> bool:
        return all(is_whole(clip_path(self._folder, scene, light, form)) for form in forms)

    async def poll(self) -> bool:
        """Take in what has been made since; True once all is complete. Raises `RuntimeError` where the maker failed."""
        for key, (reader, clip) in list(self._first.items()):
            if await asyncio.to_thread(reader.poll) and reader.clip is not None:
                del self._first[key]
                if reader.clip is not clip:
                    hold(reader.clip, self._held(key[1]), clip)
        for key, reader in list(self._readers.items()):
            if await asyncio.to_thread(reader.poll):
                del self._readers[key]
                clip_path(self._folder, key[0], self.light, f"{key[1]}-first").unlink(missing_ok=True)
                if self._on_better is not None and reader.clip is not None:
                    self._on_better(key, reader.clip)
        process = self._process
        if self._readers and process is not None and process.returncode not in (None, 0):
            raise RuntimeError(f"drawing the scenes ended with status {process.returncode}")
        return not self._readers

    def _held(self, form: str) -> Slice:
        if form not in self._unchanged:
            size = (WIDTH_PX, MAIN_HEIGHT_PX) if form == "main" else (SUB_WIDTH_PX, SUB_HEIGHT_PX)
            self._unchanged[form] = BlackScene(*size)
        return self._unchanged[form].unchanged

    async def watch(self) -> None:
        """Poll until all scenes are complete."""
        while not await self.poll():  # noqa: ASYNC110  (another process writes; nothing here could set an event)
            await asyncio.sleep(_POLL_S)
        log.info("all scenes are complete", extra={"light": self.light})

    async def close(self) -> None:
        """Stop making scenes."""
        process, self._process = self._process, None
        self._readers.clear()
        self._first.clear()
        if process is not None and process.returncode is None:
            process.terminate()
            await process.wait()


def empty_clip(form: str) -> Clip:
    """A clip of this form (main, sub, h265), to be filled."""
    if form == "h265":
        return Clip("h265", WIDTH_PX, MAIN_HEIGHT_PX, FRAME_RATE, (), GOP)
    width, height = (WIDTH_PX, MAIN_HEIGHT_PX) if form == "main" else (SUB_WIDTH_PX, SUB_HEIGHT_PX)
    headers = full_headers(width, height, FRAME_RATE, GOP)
    return Clip("h264", width, height, FRAME_RATE, (headers.sps, headers.pps), GOP, headers=headers)


def have_stills(folder: Path, scene: str, light: str, h265: bool) -> bool:
    """Whether the first pictures of a scene are there."""
    forms = ("main", "sub", "h265") if h265 else ("main", "sub")
    return all(is_whole(clip_path(folder, scene, light, f"{form}-first")) for form in forms)


def make_scenes(folder: Path, light: str, names: list[str], h265: list[str], *, only_stills: bool = False) -> None:
    """Make the stills of all scenes, then the scenes one after the other. Stays at it until all are complete."""
    wanted = [scene for scene in SCENES if scene.name in names]
    wanted.sort(key=lambda scene: names.index(scene.name))
    makers = []
    for scene in wanted:
        makers.append(SceneMaker(folder, scene, light, h265=scene.name in h265))
        if not have_stills(folder, scene.name, light, scene.name in h265):
            makers[-1].stills()
    for maker in () if only_stills else makers:
        while not maker.work(GOP):
            continue


def main() -> None:
    """`python -m manara.simulate.scenes FOLDER LIGHT SCENE… [--h265 SCENE,…] [--only-stills]`."""
    parser = argparse.ArgumentParser(description="Draw and encode scenes of the virtual province.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("light", choices=sorted(LIGHTS))
    parser.add_argument("scenes", nargs="+", choices=[scene.name for scene in SCENES])
    parser.add_argument("--h265", default="")
    parser.add_argument("--only-stills", action="store_true")
    given = parser.parse_args()
    if not given.only_stills:
        os.nice(10)  # cameras and recorder go first
    given.folder.mkdir(parents=True, exist_ok=True)
    h265 = [name for name in given.h265.split(",") if name]
    make_scenes(given.folder, given.light, given.scenes, h265, only_stills=given.only_stills)


if __name__ == "__main__":
    main()
