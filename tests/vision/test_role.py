"""A vision process on a journal in memory, with key frames from a drawn camera."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from manara.base.clock import SystemClock
from manara.messages import ImageReport, PtzMoved, WantedCamera
from manara.settings import Settings
from manara.store.journal import BUCKET_WANTED, BUCKET_WHOLE
from manara.store.journal_memory import MemoryJournal
from manara.vision.judge import CameraJudge
from manara.vision.keyframes import KeyFrame
from manara.vision.role import Vision
from tests.vision.drawn import HEIGHT_PX, WIDTH_PX, Camera, key_frame

_reports = msgspec.json.Decoder(ImageReport)


class Frames:
    """Key frames of a camera; `say` makes them another thing."""

    def __init__(self) -> None:
        self.camera = Camera()
        self.say = "well"
        self.asked = 0

    async def get(self, camera_id: str, stream: str) -> KeyFrame:
        self.asked += 1
        if self.say == "none":
            return KeyFrame(why="no_stream")
        data = b"\0\0\0\5nonse" if self.say == "garbage" else key_frame(self.seen())
        return KeyFrame(codec="h264", data=data, at_us=0, mark=str(self.asked))

    def seen(self) -> np.ndarray:  # type: ignore[type-arg]
        if self.say == "black":
            return np.zeros((HEIGHT_PX, WIDTH_PX, 3))
        return self.camera.seen()


def setters(judge: CameraJudge) -> set[str]:
    return {view.by for view in judge.references.views}


async def until(wish: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not wish():
            await asyncio.sleep(0.02)


def test_findings_are_told_at_once_and_references_survive_a_kill(tmp_path: Path) -> None:
    async def body() -> None:
        journal, frames = MemoryJournal(), Frames()
        settings = Settings.model_validate(
            {"data": {"directory": tmp_path}, "vision": {"look_s": 2, "soon_s": 0.5, "cpu_pct": 100}}
        )
        vision = Vision(settings, 1, 1, frames, journal, SystemClock())
        vision.schedule.every_s, vision.schedule.soon_s = 0.02, 0.01
        reports: list[ImageReport] = []

        async def on_report(subject: str, data: bytes) -> None:
            reports.append(_reports.decode(data))

        heard = journal.listen("manara.image.*", on_report)
        wanted = WantedCamera(camera_id="c1", code="C-1", main_url="rtsp://x")
        await journal.bucket(BUCKET_WANTED).put("camera.c1", msgspec.json.encode(wanted))
        await journal.bucket(BUCKET_WANTED).put("camera.c2", b"nonsense")
        stop = asyncio.Event()
        running = asyncio.create_task(vision.run(stop))

        def said(why: str) -> bool:
            return any(verdict.why == why for report in reports for verdict in report.verdicts)

        await until(lambda: vision.counters["looks"] >= 16)
        frames.say = "garbage"
        await until(lambda: said("not_decodable"))
        frames.say = "none"
        await until(lambda: said("no_stream"))
        frames.say = "well"
        await journal.tell("manara.ptz.c1", msgspec.json.encode(PtzMoved(camera_id="c1", at_us=1, preset="")))
        await journal.tell("manara.ptz.c1", b"nonsense")
        await until(lambda: said("ptz_moving"))
        await journal.tell("manara.vision.reference", b'{"camera_id":"c1","by":"a technician"}')
        await until(lambda: "a technician" in setters(vision._cameras["c1"].judge))
        assert vision.counters["unreadable"] == 2
        assert vision.report(complete=True).counters["cameras"] == 1
        stop.set()
        await running
        await heard.stop()

        again = Vision(settings, 1, 1, frames, journal, SystemClock())
        back = again._remember("c1")
        assert "a technician" in setters(back)
        assert back.recent is not None
        assert again.store.picture("c1", again.store.names("c1")[0])

    asyncio.run(body())


def test_a_finding_has_its_two_pictures(tmp_path: Path) -> None:
    async def body() -> None:
        journal, frames = MemoryJournal(), Frames()
        settings = Settings.model_validate({"data": {"directory": tmp_path}})
        vision = Vision(settings, 1, 1, frames, journal, SystemClock())
        vision._want("c1", WantedCamera(camera_id="c1", code="C-1", main_url="rtsp://x"))
        camera = vision._cameras["c1"]
        at_us = SystemClock().wall_us() - 100_000_000
        camera.judge.take_reference("somebody")

        def look() -> None:
            nonlocal at_us
            at_us += 3_000_000
            frames.asked += 1
            vision._look(
                camera, KeyFrame(codec="h264", data=key_frame(frames.seen()), at_us=at_us, mark=str(frames.asked))
            )

        for _ in range(8):
            look()
        frames.say = "black"
        for _ in range(5):
            look()
        verdict = camera.verdict
        assert verdict is not None
        assert [found.kind for found in verdict.findings] == ["image_black"]
        assert vision.store.picture("c1", verdict.picture)
        assert vision.store.picture("c1", verdict.reference)
        assert verdict.picture.startswith("now-")
        assert verdict.reference.startswith("ref-")
        assert [each.camera_id for each in vision.report(complete=False).verdicts] == ["c1"]

    asyncio.run(body())


def test_what_is_kept_of_a_removed_camera_goes_after_a_month(tmp_path: Path) -> None:
    async def body() -> None:
        journal = MemoryJournal()
        vision = Vision(
            Settings.model_validate({"data": {"directory": tmp_path}}), 1, 2, Frames(), journal, SystemClock()
        )
        ours = [name for name in (f"c{number}" for number in range(40)) if vision._ours(name)]
        theirs = next(name for name in (f"c{number}" for number in range(40)) if not vision._ours(name))
        wanted, removed, lately = ours[:3]
        for name in (wanted, removed, lately, theirs):
            vision.store.save(name, b"learned")
            if name != lately:
                long_ago_s = time.time() - 31 * 86_400
                os.utime(tmp_path / "vision" / name / "state.bin", (long_ago_s, long_ago_s))
        told = WantedCamera(camera_id=wanted, code="C-1", main_url="rtsp://x", enabled=False)
        await journal.bucket(BUCKET_WANTED).put(f"camera.{wanted}", msgspec.json.encode(told))
        await vision._on_listed()
        assert set(vision.store.kept()) == {wanted, removed, lately, theirs}  # control may not have said all yet
        await journal.bucket(BUCKET_WANTED).put(BUCKET_WHOLE, b"1")
        stop = asyncio.Event()
        running = asyncio.create_task(vision.run(stop))
        await until(lambda: removed not in vision.store.kept())
        assert set(vision.store.kept()) == {wanted, lately, theirs}
        stop.set()
        await running

    asyncio.run(body())
