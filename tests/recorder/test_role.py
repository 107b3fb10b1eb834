"""The recorder process on a journal in memory: a lost bucket takes nothing back, retired footage is looked after."""

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest

from manara.base.clock import SystemClock
from manara.messages import WantedCamera, WantedHold
from manara.recorder import index as rows
from manara.recorder import role
from manara.recorder.role import Places, Recorder
from manara.settings import Data, Settings
from manara.store.journal import BUCKET_HOLDS, BUCKET_WANTED, BUCKET_WHOLE
from manara.store.journal_memory import MemoryJournal
from tests.support.patience import LONG_S


def _settings(folder: Path) -> Settings:
    return Settings(data=Data(directory=folder))  # type: ignore[call-arg]


async def _until(condition: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(LONG_S):
            while not condition():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within 10 s: {what}") from None


def _holds(index: Path) -> set[str]:
    db = rows.connect(index)
    try:
        return {hold_id for hold_id, *_ in rows.find_holds(db)}
    finally:
        db.close()


def _hold(hold_id: str) -> bytes:
    return msgspec.json.encode(WantedHold(hold_id=hold_id, camera_ids=["cam"], start_us=1, end_us=2))


async def _run(
    settings: Settings, journal: MemoryJournal, name: str = "recorder-1", of: int = 1
) -> tuple[Recorder, asyncio.Event, "asyncio.Task[None]"]:
    places = Places.of(settings, name, of)
    recorder = Recorder(settings, name, places, journal, SystemClock(), lambda sealed: sealed)
    stop = asyncio.Event()
    return recorder, stop, asyncio.create_task(recorder.run(stop))


def test_an_empty_bucket_after_a_restart_releases_no_hold_and_stops_no_camera(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    index = Places.of(settings, "recorder-1").index
    camera = WantedCamera(camera_id="cam", code="CAM-1", main_url="rtsp://127.0.0.1:1/none")

    async def before() -> None:
        journal = MemoryJournal()
        await journal.bucket(BUCKET_WANTED).put("camera.cam", msgspec.json.encode(camera))
        await journal.bucket(BUCKET_HOLDS).put("hold.h1", _hold("h1"))
        await journal.bucket(BUCKET_HOLDS).put("hold.h2", _hold("h2"))
        for bucket in (BUCKET_WANTED, BUCKET_HOLDS):
            await journal.bucket(bucket).put(BUCKET_WHOLE, b"1")
        recorder, stop, task = await _run(settings, journal)
        await _until(lambda: index.exists() and _holds(index) == {"h1", "h2"}, "holds are in the index")
        await _until(lambda: bool(recorder.streams.statuses(changed_only=False)), "the camera is opened")
        stop.set()
        await task

    async def after() -> None:
        journal = MemoryJournal()  # the journal was lost with everything in it
        recorder, stop, task = await _run(settings, journal)
        await _until(lambda: bool(recorder.streams.statuses(changed_only=False)), "the camera is opened again")
        assert _holds(index) == {"h1", "h2"}
        await journal.bucket(BUCKET_HOLDS).put("hold.h2", _hold("h2"))  # control: h1 was released meanwhile
        await journal.bucket(BUCKET_HOLDS).put(BUCKET_WHOLE, b"1")
        await _until(lambda: _holds(index) == {"h2"}, "the released hold goes once the bucket is whole")
        stop.set()
        await task

    asyncio.run(before())
    asyncio.run(after())


def test_footage_of_a_recorder_that_was_given_up_is_looked_after(tmp_path: Path) -> None:
    settings = _settings(tmp_path)

    async def check() -> None:
        journal = MemoryJournal()
        for name in ("recorder-1", "recorder-2"):
            _, stop, task = await _run(settings, journal, name, 2)
            await _until(lambda name=name: Places.of(settings, name).index.exists(), "its index is made")
            stop.set()
            await task
        await journal.bucket(BUCKET_HOLDS).put("hold.h9", _hold("h9"))
        await journal.bucket(BUCKET_HOLDS).put(BUCKET_WHOLE, b"1")
        _, stop, task = await _run(settings, journal, "recorder-1", 1)
        retired = tmp_path / "index/recorder-2.sqlite"
        await _until(lambda: _holds(retired) == {"h9"}, "the retired index learns of holds")
        stop.set()
        await task

    asyncio.run(check())


def test_retired_archives_are_shared_out_and_share_the_limit(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"data": {"directory": tmp_path}, "recorder": {"disks": [{"path": tmp_path / "d", "max_bytes": 1000}]}}
    )
    (tmp_path / "index").mkdir()
    for number in (1, 2, 3, 4, 5):
        (tmp_path / f"index/recorder-{number}.sqlite").touch()
    first, second = Places.of(settings, "recorder-1", 2), Places.of(settings, "recorder-2", 2)
    assert [place.index.stem for place in first.retired] == ["recorder-3", "recorder-5"]
    assert [place.index.stem for place in second.retired] == ["recorder-4"]
    assert {disk.max_bytes for place in (first, second, *first.retired) for disk in place.disks} == {200}


def test_an_import_takes_a_share_of_the_recorders_time_and_is_applied_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(role, "APPLY_SHARE", 0.2)
    look_s = 0.05
    settings = _settings(tmp_path)

    async def check() -> None:
        journal = MemoryJournal()
        await journal.bucket(BUCKET_WANTED).put(BUCKET_WHOLE, b"1")
        recorder, stop, task = await _run(settings, journal)
        apply, looks = recorder.streams.apply, 0

        def slowly(wanted: Mapping[str, WantedCamera]) -> None:
            nonlocal looks
            looks += 1
            time.sleep(look_s)
            apply(wanted)

        monkeypatch.setattr(recorder.streams, "apply", slowly)
        await _until(lambda: recorder.leases is not None and bool(recorder.leases.shards), "it has its shards")
        began_s, before = time.monotonic(), looks
        for number in range(60):
            camera = WantedCamera(camera_id=f"c{number}", code=f"C-{number}", main_url="rtsp://127.0.0.1:1/none")
            await journal.bucket(BUCKET_WANTED).put(f"camera.c{number}", msgspec.json.encode(camera))
            await asyncio.sleep(0.03)
        await _until(lambda: len(recorder.streams.statuses(changed_only=False)) == 60, "all cameras are opened")
        took_s = time.monotonic() - began_s
        assert looks - before <= 2 + took_s * 0.2 / look_s
        stop.set()
        await task

    asyncio.run(check())
