"""A recorder process: joins reader, archive, live and leases, and tells how they are. Decides nothing about frames.

Starts without journal and without control: what was wanted last, and which shards were ours, is remembered in the
recorder's own index. Then it follows the buckets `wanted` and `holds`, shares cameras with the other recorders
(`store/leases.py`), tells `RecorderStatus` each second and states as facts, and stops within 5 s with all that was
read handed to the disks. Started by `app/recorders.py`.
Bounds: facts that wait for the journal are at most `UNTOLD_MOST`; the oldest are dropped and counted.
"""

import asyncio
import contextlib
import gc
import logging
import os
import sqlite3
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec

from manara.base.clock import Clock
from manara.base.errors import Unavailable
from manara.messages import (
    DiskStateChanged,
    Message,
    RecorderStatus,
    StreamStateChanged,
    StreamStatus,
    WantedCamera,
    WantedHold,
)
from manara.recorder.archive_writer import ArchiveWriter
from manara.recorder.connection import Receiver
from manara.recorder.desired import Desired
from manara.recorder.feed import FeedServer
from manara.recorder.sink import StreamKey
from manara.recorder.streams import StreamSet
from manara.settings import Disk, Settings
from manara.store.journal import BUCKET_HOLDS, BUCKET_WANTED, BUCKET_WHOLE, STATUS_PREFIX, Entry, Journal, Subscription
from manara.store.leases import Heartbeat, Leases, shard_of

log = logging.getLogger(__name__)

STATUS_EVERY_S = 1.0
APPLY_AFTER_S = 0.05  # changes that come together are applied together
APPLY_SHARE = 0.05  # of this process's time at most: each change looks at all cameras, and an import brings thousands
COMPLETE_EVERY = 10  # every tenth status lists all streams
UNTOLD_MOST = 10_000
STREAMS_STOP_S = 1.0
ARCHIVE_STOP_S = 2.5

T = TypeVar("T", WantedCamera, WantedHold)
_encode = msgspec.json.Encoder().encode
_wanted = msgspec.json.Decoder(WantedCamera)
_hold = msgspec.json.Decoder(WantedHold)


class Remembered(msgspec.Struct, frozen=True):
    """What a recorder knows when it starts alone."""

    wanted: list[WantedCamera] = []
    shards: list[int] = []
    holds: list[WantedHold] = []


_remembered = msgspec.json.Decoder(Remembered)


@dataclass(frozen=True, slots=True)
class Places:
    """Where a recorder keeps what is its own. Recorders may share a disk: each has a folder of its own on it."""

    index: Path
    socket: Path
    disks: tuple[Disk, ...]
    retired: tuple["Places", ...] = ()  # of recorders that no longer run and whose footage this one looks after

    @classmethod
    def of(cls, settings: Settings, recorder_id: str, recorders: int = 1) -> "Places":
        """By the settings; a disk's limit is shared evenly among `recorders` and those that are retired.

        Recorders are called `recorder-1` to `recorder-N`; an index beyond N is left from when there were more of them.
        """
        data = settings.data.directory.absolute()
        retired = sorted(
            number
            for path in (data / "index").glob("recorder-*.sqlite")
            if (number := _number(path.stem)) is not None and number > recorders
        )

        def place(name: str, adopted: tuple["Places", ...] = ()) -> "Places":
            share = max(1, recorders) + len(retired)
            disks = tuple(
                disk.model_copy(update={"path": disk.path.absolute() / name, "max_bytes": disk.max_bytes // share})
                for disk in settings.recording_disks()
            )
            return cls(data / "index" / f"{name}.sqlite", data / "run" / f"{name}.sock", disks, adopted)

        own = _number(recorder_id)
        mine = [number for number in retired if own is not None and (number - own) % max(1, recorders) == 0]
        return place(recorder_id, tuple(place(f"recorder-{number}") for number in mine))


def _number(recorder_id: str) -> int | None:
    text = recorder_id.removeprefix("recorder-")
    return int(text) if text.isdecimal() and len(text) < 5 else None


class Recorder:
    """One recorder process. Make it on the running loop, then `run`."""

    def __init__(
        self,
        settings: Settings,
        recorder_id: str,
        places: Places,
        journal: Journal,
        clock: Clock,
        open_password: Callable[[str], str],
    ) -> None:
        self._settings = settings
        self._id = recorder_id
        self._places = places
        self._journal = journal
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._started_us = clock.wall_us()
        self._untold: deque[Message] = deque(maxlen=UNTOLD_MOST)
        self._told = asyncio.Event()
        self._counters = {"facts_dropped": 0, "wanted_unreadable": 0}
        self._wanted: Desired[WantedCamera] = Desired()
        self._holds: Desired[WantedHold] = Desired()
        self._apply_due = False
        self._apply_not_before_s = 0.0
        self._retired: list[ArchiveWriter] = []
        self._ticks = 0
        self.archive = ArchiveWriter(
            settings.recorder,
            places.index,
            places.disks,
            clock,
            self._disk_state,
            on_stream_stopped=self._stream_stopped,
        )
        self.streams = StreamSet(
            Receiver(self._loop, clock),
            settings.recorder,
            self.archive,
            open_password,
            recorder_id,
            timezone=ZoneInfo(settings.deployment.timezone),
            on_state=self._stream_state,
        )
        self.feed = FeedServer(self.streams, places.socket, lambda: self.status(complete=True))
        self.leases: Leases | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Record until `stop` is set, then close everything. Raises `OSError`, `sqlite3.Error` if it cannot begin."""
        mended = await asyncio.to_thread(self.archive.start)
        log.info("archive is open", extra={"mended": dict(mended)})
        remembered = await asyncio.to_thread(self._recall)
        self._wanted.remember({f"camera.{camera.camera_id}": camera for camera in remembered.wanted})
        self._holds.remember({f"hold.{hold.hold_id}": hold for hold in remembered.holds})
        self.leases = Leases(
            self._journal,
            self._clock,
            self._id,
            self._shards_changed,
            heartbeat=self._heartbeat,
            remembered=remembered.shards,
        )
        self._apply()
        await self.feed.start()
        watches = [
            self._follow(BUCKET_WANTED, self._wanted, _wanted),
            self._follow(BUCKET_HOLDS, self._holds, _hold),
        ]
        loops = [
            asyncio.create_task(self.streams.run(), name="streams"),
            asyncio.create_task(self.leases.run(), name="leases"),
            asyncio.create_task(self._tell_status(), name="status"),
            asyncio.create_task(self._tell_facts(), name="facts"),
        ]
        adopting = asyncio.create_task(self._adopt(), name="adopt")
        # Packets make no cycles: what is alive now stays, and need not be looked at again.
        gc.collect()
        gc.freeze()
        stopping = asyncio.create_task(stop.wait(), name="stop")
        try:
            done, _ = await asyncio.wait([stopping, *loops], return_when=asyncio.FIRST_COMPLETED)
            for ended in done - {stopping}:
                # A loop never ends by itself: let the process die and be started again rather than limp.
                ended.result()
        finally:
            stopping.cancel()
            adopting.cancel()
            await self._stop(loops)
            for watch in watches:
                await watch.stop()

    async def _stop(self, loops: list[asyncio.Task[None]]) -> None:
        for loop in loops:
            loop.cancel()
        try:
            async with asyncio.timeout(STREAMS_STOP_S):
                await self.streams.stop()
        except TimeoutError:
            log.error("some streams did not stop in time", extra={"waited_s": STREAMS_STOP_S})
        await self.feed.stop()
        retired = [asyncio.to_thread(archive.stop, ARCHIVE_STOP_S) for archive in self._retired]
        stopped, *_ = await asyncio.gather(asyncio.to_thread(self.archive.stop, ARCHIVE_STOP_S), *retired)
        if not stopped:
            log.error("a disk did not take all that was queued", extra={"waited_s": ARCHIVE_STOP_S})
        with contextlib.suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(0.3):
                await self._journal.tell(STATUS_PREFIX + self._id, _encode(self.status(complete=True)))
                await self._publish_waiting()
        log.info("recorder has stopped", extra={"counters": self.archive.counters()})

    # -- what is wanted ---------------------------------------------------------------------------------------------

    def _recall(self) -> Remembered:
        kept = self.archive.recall("wanted")
        if kept is None:
            return Remembered()
        try:
            return _remembered.decode(kept)
        except msgspec.MsgspecError as error:
            log.error("what was wanted last cannot be read", extra={"reason": str(error)})
            return Remembered()

    def _follow(self, bucket: str, desired: Desired[T], decoder: msgspec.json.Decoder[T]) -> Subscription:
        async def on_change(entry: Entry) -> None:
            if entry.key == BUCKET_WHOLE:
                desired.mark(entry.value is not None)
            elif entry.value is None:
                desired.remove(entry.key)
            else:
                try:
                    desired.put(entry.key, decoder.decode(entry.value))
                except msgspec.MsgspecError as error:
                    # What was wanted under this key before stays wanted.
                    self._counters["wanted_unreadable"] += 1
                    log.error("what is wanted cannot be read", extra={"key": entry.key, "reason": str(error)})
                    return
            self._apply_soon()

        async def on_ready() -> None:
            desired.listed()
            self._apply_soon()

        return self._journal.bucket(bucket).watch(on_change, on_ready)

    async def _adopt(self) -> None:
        """Look after the footage of recorders that were given up: their holds, their retention, what a crash left."""
        for place in self._places.retired:
            archive = ArchiveWriter(self._settings.recorder, place.index, place.disks, self._clock, self._disk_state)
            try:
                await asyncio.to_thread(archive.start)
            except (OSError, sqlite3.Error, Unavailable) as error:
                log.error(
                    "a retired archive is not looked after", extra={"index": str(place.index), "reason": str(error)}
                )
                continue
            self._retired.append(archive)
            log.info("retired archive is looked after", extra={"index": str(place.index)})
            self._apply_soon()

    def _shards_changed(self, shards: frozenset[int]) -> None:
        del shards
        self._apply_soon()

    def _apply_soon(self) -> None:
        if not self._apply_due:
            self._apply_due = True
            now_s = self._clock.monotonic_s()
            self._loop.call_later(max(APPLY_AFTER_S, self._apply_not_before_s - now_s), self._apply)

    def _apply(self) -> None:
        self._apply_due = False
        began_s = self._clock.monotonic_s()
        shards = self.leases.shards if self.leases is not None else frozenset()
        cameras = list(self._wanted.now().values())
        holds = list(self._holds.now().values())
        for archive in (self.archive, *self._retired):
            for camera in cameras:
                archive.set_retention(camera.camera_id, camera.retention_days, camera.priority, camera.retention_bytes)
            archive.set_holds(holds)
        self.streams.apply({camera.camera_id: camera for camera in cameras if shard_of(camera.camera_id) in shards})
        self.archive.remember("wanted", _encode(Remembered(cameras, sorted(shards), holds)))
        ended_s = self._clock.monotonic_s()
        self._apply_not_before_s = ended_s + (ended_s - began_s) / APPLY_SHARE

    # -- what is told -----------------------------------------------------------------------------------------------

    def status(self, *, complete: bool) -> RecorderStatus:
        """This second of this recorder."""
        return RecorderStatus(
            recorder_id=self._id,
            at_us=self._clock.wall_us(),
            started_us=self._started_us,
            pid=os.getpid(),
            address=str(self._places.socket),
            complete=complete,
            streams=self.streams.statuses(changed_only=not complete),
            disks=[
                msgspec.structs.replace(disk, path=str(Path(disk.path).parent)) for disk in self.archive.disk_statuses()
            ],
            counters={**self.archive.counters(), **self._counters, "frames_skipped": self.feed.frames_skipped},
        )

    def _heartbeat(self, shards: int) -> Heartbeat:
        return Heartbeat(
            recorder_id=self._id,
            pid=os.getpid(),
            address=str(self._places.socket),
            at_us=self._clock.wall_us(),
            shards=shards,
        )

    async def _tell_status(self) -> None:
        while True:
            status = self.status(complete=self._ticks % COMPLETE_EVERY == 0)
            self._ticks += 1
            await self._journal.tell(STATUS_PREFIX + self._id, _encode(status))
            await asyncio.sleep(STATUS_EVERY_S)

    def _tell(self, fact: Message) -> None:
        if len(self._untold) == UNTOLD_MOST:
            self._counters["facts_dropped"] += 1
        self._untold.append(fact)
        self._told.set()

    async def _tell_facts(self) -> None:
        while True:
            await self._told.wait()
            self._told.clear()
            try:
                await self._publish_waiting()
            except Unavailable as error:
                log.info("facts wait for the journal", extra={"waiting": len(self._untold), "reason": error.code})
                self._told.set()
                await asyncio.sleep(STATUS_EVERY_S)

    async def _publish_waiting(self) -> None:
        while self._untold:
            batch = [self._untold[place] for place in range(min(64, len(self._untold)))]
            await self._journal.publish_many(batch)
            for fact in batch:
                if self._untold and self._untold[0] is fact:
                    self._untold.popleft()

    def _stream_state(self, status: StreamStatus) -> None:
        log.info(
            "stream",
            extra={
                "camera_id": status.camera_id,
                "stream": status.stream,
                "state": status.state,
                "cause": status.cause,
                "detail": status.detail,
            },
        )
        self._tell(
            StreamStateChanged(
                camera_id=status.camera_id,
                stream=status.stream,
                state=status.state,
                cause=status.cause,
                since_us=status.since_us,
                recorder_id=self._id,
                detail=status.detail,
            )
        )

    def _disk_state(self, path: str, state: str, cause: str) -> None:
        """From a thread of the archive."""
        path = str(Path(path).parent)  # the disk that people know, not our folder on it
        level = logging.INFO if state == "ok" else logging.ERROR
        log.log(level, "disk", extra={"path": path, "state": state, "cause": cause})
        fact = DiskStateChanged(recorder_id=self._id, path=path, state=state, cause=cause)
        self._loop.call_soon_threadsafe(self._tell, fact)

    def _stream_stopped(self, key: StreamKey, cause: str) -> None:
        """From a thread of the archive: recording of a stream stopped for want of room (cause), or goes on ("")."""
        fact = StreamStateChanged(
            camera_id=key.camera_id,
            stream=key.stream,
            state="stopped" if cause else "recording",
            cause="disk" if cause else "none",
            since_us=self._clock.wall_us(),
            recorder_id=self._id,
            detail=cause,
        )
        self._loop.call_soon_threadsafe(self._tell, fact)
