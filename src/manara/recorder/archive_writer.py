"""The archive as a recorder process sees it: a `FrameSink` that stores what it is given, and never waits for a disk.

Spreads streams over disks, keeps one budget of memory, leaves a disk that fails, hangs or is full and takes what was
queued for it elsewhere, and writes down every gap with its cause. `app.py` builds it; `on_disk_state` and
`on_stream_stopped` are called from threads of ours and must be quick. What happens on a disk is in `writer.py`, what is
deleted in `retention.py`.
"""

import logging
import os
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from manara.base.clock import Clock
from manara.formats.fmp4 import Fmp4Error
from manara.formats.frames import Fragment, SoundFormat, VideoFormat
from manara.messages import DiskStatus, WantedHold
from manara.recorder import index as rows
from manara.recorder.disks import DiskIO
from manara.recorder.index import IndexWriter
from manara.recorder.recovery import boot_id, claim_disk, note_crash, recover_disk
from manara.recorder.retention import Janitor, Keep
from manara.recorder.segments import OpenSegment, Run
from manara.recorder.sink import StreamKey
from manara.recorder.writer import DiskWriter, Entry, Item
from manara.settings import Disk, Recorder

logger = logging.getLogger(__name__)

HANG_S = 10.0  # one write that takes longer than this: the disk hangs, its cameras go elsewhere
SYNC_HANG_S = 60.0
SLOW_S = 1.0
SLOW_LASTS_S = 10.0  # a disk is called slow for so long after it was, so that its state does not flutter
LOCK_S = 10.0  # a recorder that was killed may take this long to be gone
_WATCH_S = 0.25

OnDiskState = Callable[[str, str, str], None]  # path, state, cause
OnStreamStopped = Callable[[StreamKey, str], None]  # cause; "" when it goes on
OnDurable = Callable[[StreamKey, int], None]


@dataclass(slots=True)
class _Disk:
    """A disk with what watches over it."""

    setting: Disk
    writer: DiskWriter
    janitor: Janitor
    told: tuple[str, str] = ("ok", "")
    slow_s: float = -1.0  # when it was last slow, monotonic
    rate_bytes: int = 0
    rate_s: float = 0.0
    rate: int = 0


class ArchiveWriter:
    """Implements `sink.FrameSink`. Sink methods are called on one thread; the others on any."""

    def __init__(
        self,
        settings: Recorder,
        index_path: Path,
        disks: Sequence[Disk],
        clock: Clock,
        on_disk_state: OnDiskState = lambda path, state, cause: None,
        *,
        on_stream_stopped: OnStreamStopped = lambda key, cause: None,
        on_durable: OnDurable | None = None,
        io: Callable[[Disk], DiskIO] = lambda disk: DiskIO(),
        hang_s: float = HANG_S,
        janitor_s: float = 10.0,
    ) -> None:
        self.settings, self.index_path = settings, index_path
        self._clock = clock
        self._on_disk_state, self._on_stream_stopped, self._on_durable = on_disk_state, on_stream_stopped, on_durable
        self._hang_s = hang_s
        self._lock = threading.RLock()
        self._counters: Counter[str] = Counter()
        self._entries: dict[StreamKey, Entry] = {}
        self._run_number = 0
        self._stop = threading.Event()
        self._lock_fd = -1
        index_path.parent.mkdir(parents=True, exist_ok=True)
        self.index = IndexWriter(index_path)
        self.keep = Keep(settings.retention_days)
        self._disks: list[_Disk] = []
        for disk in disks:
            writer = DiskWriter(
                disk.path.absolute(), io(disk), self.index, self,
                cap_bytes=settings.memory_budget_bytes // len(disks), segment_s=settings.segment_s,
                sync_interval_s=settings.sync_interval_s, monotonic_s=clock.monotonic_s,
            )  # fmt: skip
            janitor = Janitor(disk, writer, self.index, self.keep, clock, self, interval_s=janitor_s)
            self._disks.append(_Disk(disk, writer, janitor))
        self._watch = threading.Thread(target=self._watch_loop, name="disk watch", daemon=True)

    # Life.

    def start(self) -> Counter[str]:
        """Recover what a crash left, then take frames. Returns what was mended.

        Raises `sqlite3.Error`, and `Unavailable` where another process writes this index and does not end.
        """
        self._lock_fd = rows.lock(self.index_path, LOCK_S)
        counts: Counter[str] = Counter()
        lock = threading.Lock()

        def one(disk: _Disk) -> None:
            db = rows.connect(self.index_path)
            try:
                found = self._open_disk(disk, db)
                with lock:
                    counts.update(found)
            except (OSError, ValueError, sqlite3.Error) as error:
                logger.error("disk not usable", extra={"disk": str(disk.writer.path), "error": str(error)})
                disk.writer.state, disk.writer.cause = "failed", "disk_failed"
            finally:
                db.close()

        threads = [threading.Thread(target=one, args=(disk,), name="recover", daemon=True) for disk in self._disks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(self._hang_s)  # a disk that hangs already is left; it is recovered when it comes back
        for disk, thread in zip(self._disks, threads, strict=True):
            if thread.is_alive():
                disk.writer.state, disk.writer.cause = "failed", "disk_hangs"
        boot = boot_id()
        known = self.recall("boot_id")
        counts["crash_gaps"] = note_crash(self.index, "power" if known and known.decode() != boot else "crash")
        self.remember("boot_id", boot.encode())
        self._load_entries()
        for disk in self._disks:
            disk.writer.start()
            disk.janitor.start()
        self._watch.start()
        return counts

    def stop(self, timeout_s: float = 3.0) -> bool:
        """Write and sync what is queued, close all. False where a disk did not do it in time."""
        deadline_s = time.monotonic() + timeout_s
        self._stop.set()
        with self._lock:
            for entry in self._entries.values():
                if entry.disk is not None:
                    entry.disk.put(Item(entry, None, None, 0.0, ("stopped", 0)))
        for disk in self._disks:
            disk.janitor.stop()
        done = [disk.writer.stop(deadline_s) for disk in self._disks]
        for disk in self._disks:
            disk.janitor.join(max(0.0, deadline_s - time.monotonic()))
        self._watch.join(max(0.0, deadline_s - time.monotonic()))
        closed = self.index.stop(max(0.2, deadline_s - time.monotonic()))
        if closed and self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1
        return closed and all(done)

    def _open_disk(self, disk: _Disk, db: sqlite3.Connection) -> Counter[str]:
        """Make sure that this is the disk we know, and mend it."""
        path, key = disk.writer.path, f"disk:{disk.writer.path}"
        known = db.execute("SELECT value FROM memory WHERE key=?", (key,)).fetchone()
        mark = claim_disk(path, known[0].decode() if known else "")
        disk.writer.io.probe(path)
        disk.janitor.measure()
        self.remember(key, mark.encode())
        return recover_disk(self.index, db, path, disk.writer.open_names())

    def _load_entries(self) -> None:
        """Where every stream ended, so that its chain of hashes and its gaps go on."""
        db = rows.connect_read_only(self.index_path)
        try:
            found = db.execute(
                "SELECT t.camera_id, t.stream, s.chain, s.end_us,"
                " EXISTS (SELECT 1 FROM gap g WHERE g.stream=t.id AND g.end_us=?)"
                " FROM stream t LEFT JOIN segment s ON s.id="
                " (SELECT id FROM segment WHERE stream=t.id AND state<2 ORDER BY start_us DESC LIMIT 1)",
                (rows.OPEN_END_US,),
            )
            for camera_id, stream, chain, end_us, gap_open in found:
                key = StreamKey(camera_id, stream)
                self._entries[key] = Entry(key, chain=chain, end_us=end_us or 0, gap_open=bool(gap_open))
        finally:
            db.close()

    # The sink: on the event loop, never waiting for a disk.

    def format(self, stream: StreamKey, video: VideoFormat, sound: SoundFormat | None) -> None:
        """A run of frames for this decoder begins: a new segment."""
        with self._lock:
            self._run_number += 1
            self._entry(stream).run = Run(self._run_number, video, sound)

    def fragment(self, stream: StreamKey, fragment: Fragment) -> None:
        """Queue a fragment for its disk, or drop and count it where there is no room."""
        item_s = self._clock.monotonic_s()
        with self._lock:
            entry = self._entry(stream)
            if entry.run is None:
                self._counters["fragments_without_format"] += 1
                return
            self._place(Item(entry, entry.run, fragment, item_s))

    def gap(self, stream: StreamKey, cause: str, since_us: int) -> None:
        """No frames since `since_us`."""
        self._end(stream, cause, since_us)

    def recovered(self, stream: StreamKey, at_us: int) -> None:
        """Nothing to do: a gap ends when the first fragment after it is on the disk."""

    def ended(self, stream: StreamKey) -> None:
        """The stream is no longer wanted; what is missing from here on is missing because of that."""
        self._end(stream, "stopped", 0)

    def _end(self, stream: StreamKey, cause: str, since_us: int) -> None:
        with self._lock:
            entry = self._entry(stream)
            self._put_gap(entry, cause, since_us)

    def _put_gap(self, entry: Entry, cause: str, since_us: int) -> None:
        """In the order of the frames where the stream has a disk; else at once."""
        if entry.disk is not None:
            entry.disk.put(Item(entry, None, None, 0.0, (cause, since_us)))
        elif not entry.gap_open:
            key, start_us = entry.key, max(since_us, entry.end_us)
            if not start_us:
                return  # a stream that never was: nothing is missing
            entry.gap_open = True
            self.index.put(lambda db: rows.open_gap(db, key.camera_id, key.stream, start_us, cause))

    def _entry(self, key: StreamKey) -> Entry:
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = Entry(key)
        return entry

    # Placement: under the lock.

    def _place(self, item: Item) -> None:
        entry, fragment = item.entry, item.fragment
        if fragment is None:
            if item.gap is not None:
                self._put_gap(entry, *item.gap)
            return
        if entry.losing and not fragment.key:
            self._lose(item, entry.losing)
            return
        cause = self.keep.stopped.get(entry.key, "")
        if cause:
            self._lose(item, cause)
            return
        if entry.disk is None or entry.disk.state not in ("ok", "slow"):
            entry.disk = self._choose()
        if entry.disk is None:
            self._lose(item, self._disks[0].writer.cause if self._disks else "disk_failed")
        elif entry.disk.put(item):
            entry.losing = ""
        else:
            self._lose(item, "disk_slow")

    def _choose(self) -> DiskWriter | None:
        """The working disk with the fewest streams for its size."""
        usable = [disk for disk in self._disks if disk.writer.state in ("ok", "slow")]
        counts = Counter(id(entry.disk) for entry in self._entries.values() if entry.disk is not None)

        def load(disk: _Disk) -> float:
            size = min(disk.janitor.total_bytes or 1, disk.setting.max_bytes or 1 << 62)
            return (counts[id(disk.writer)] + 1) / max(1, size)

        return min(usable, key=load).writer if usable else None

    def _lose(self, item: Item, cause: str) -> None:
        """A fragment that is not stored: counted, and the gap written down once."""
        fragment = item.fragment
        self._counters["fragments_dropped"] += 1
        self._counters["bytes_dropped"] += item.size_bytes
        if fragment is not None and not item.entry.losing:
            item.entry.losing = cause
            self._put_gap(item.entry, cause, fragment.wall_us)

    # Hooks of the disks' threads.

    def written(self, writer: DiskWriter, entry: Entry, segment: OpenSegment) -> bool:
        """See `writer.Hooks`."""
        with self._lock:
            if entry.disk is not writer:
                return False
            entry.chain, entry.end_us = segment.chain, segment.end_us
            entry.last_wall_us, entry.last_arrival_s = segment.last_wall_us, segment.last_arrival_s
            self._counters["fragments_written"] += 1
            return True

    def trouble(self, writer: DiskWriter, state: str, cause: str, item: Item | None) -> None:
        """See `writer.Hooks`. What was queued goes to other disks, in order, before anything newer."""
        with self._lock:
            self._counters[cause] += 1
            writer.state, writer.cause = state, cause
            items = ([item] if item is not None else []) + writer.take_all()
            for entry in self._entries.values():
                if entry.disk is writer:
                    entry.disk = None
            for moved in items:
                self._place(moved)
        self._tell(writer)
        for disk in self._disks:
            if disk.writer is writer:
                disk.janitor.poke()

    def refused(self, item: Item, error: Fmp4Error) -> None:
        """See `writer.Hooks`."""
        logger.error("fragment cannot be stored", extra={"stream": "/".join(item.entry.key), "error": str(error)})
        with self._lock:
            self._lose(item, "protocol_error")

    def durable(self, key: StreamKey, end_us: int) -> None:
        """See `writer.Hooks`."""
        if self._on_durable is not None:
            self._on_durable(key, end_us)

    # Hooks of the janitors.

    def reopen(self, writer: DiskWriter) -> None:
        """A disk works again: mend it and use it. Raises `OSError`, `sqlite3.Error`, `ValueError`."""
        disk = next(d for d in self._disks if d.writer is writer)
        if writer.busy():
            raise OSError(5, "a call is still under way", str(writer.path))
        db = rows.connect(self.index_path)
        try:
            self._open_disk(disk, db)
        finally:
            db.close()
        with self._lock:
            writer.state, writer.cause = "ok", ""
        self._tell(writer)

    def stop_least(self, writer: DiskWriter) -> int:
        """There is no room and nothing may be deleted: stop the streams of the lowest priority on this disk."""
        with self._lock:
            here = [e for e in self._entries.values() if e.disk is writer and e.key not in self.keep.stopped]
            if not here:
                return 0
            lowest = min(self.keep.priority(entry.key.camera_id) for entry in here)
            doomed = [entry for entry in here if self.keep.priority(entry.key.camera_id) == lowest]
            doomed = doomed[: max(1, len(here) // 10)]
            for entry in doomed:
                self.keep.stopped[entry.key] = "disk_full"
        for entry in doomed:
            logger.error("no room and nothing may be deleted: recording stops", extra={"stream": "/".join(entry.key)})
            self._on_stream_stopped(entry.key, "disk_full")
        return len(doomed)

    def room_again(self) -> None:
        """There is room: streams that were stopped for want of it go on."""
        with self._lock:
            again, self.keep.stopped = list(self.keep.stopped), {}
        for key in again:
            self._on_stream_stopped(key, "")

    # Watching.

    def _watch_loop(self) -> None:
        while not self._stop.wait(_WATCH_S):
            for disk in self._disks:
                writer = disk.writer
                write_s, sync_s = writer.stuck_s()
                with self._lock:
                    if writer.state not in ("ok", "slow"):
                        continue
                    hangs = write_s > self._hang_s or sync_s > max(SYNC_HANG_S, self._hang_s)
                    now_s = self._clock.monotonic_s()
                    if write_s > SLOW_S or writer.queued_bytes > writer.cap_bytes // 2:
                        disk.slow_s = now_s
                    slow = disk.slow_s == now_s or (writer.state == "slow" and now_s - disk.slow_s < SLOW_LASTS_S)
                    writer.state, writer.cause = ("slow", "disk_slow") if slow else ("ok", "")
                if hangs:
                    logger.error("disk hangs", extra={"disk": str(writer.path), "write_s": write_s, "sync_s": sync_s})
                    self.trouble(writer, "failed", "disk_hangs", None)
                self._tell(writer)

    def _tell(self, writer: DiskWriter) -> None:
        for disk in self._disks:
            now = (writer.state, writer.cause)
            if disk.writer is writer and disk.told != now:
                disk.told = now
                self._on_disk_state(str(writer.path), *now)

    # What others ask.

    def disk_statuses(self) -> list[DiskStatus]:
        """One `messages.DiskStatus` a disk, from what is known: never asks the disk."""
        found = []
        for disk in self._disks:
            writer, janitor, now_s = disk.writer, disk.janitor, self._clock.monotonic_s()
            if now_s - disk.rate_s >= 1.0:
                passed_s, grown = now_s - disk.rate_s, writer.written_bytes - disk.rate_bytes
                disk.rate = round(grown / passed_s) if disk.rate_s else 0
                disk.rate_bytes, disk.rate_s = writer.written_bytes, now_s
            found.append(
                DiskStatus(
                    path=str(writer.path), state=writer.state, cause=writer.cause, total_bytes=janitor.total_bytes,
                    free_bytes=janitor.free_bytes, archive_bytes=janitor.archive_bytes,
                    queued_bytes=writer.queued_bytes, write_bytes_per_s=disk.rate,
                    slowest_write_ms=round(writer.slowest_write_s * 1000, 1),
                )
            )  # fmt: skip
            writer.slowest_write_s = 0.0
        return found

    def counters(self) -> dict[str, int]:
        """What was done and lost since the start."""
        with self._lock:
            total = Counter(self._counters)
        total.update(self.index.counters)
        for disk in self._disks:
            total.update(disk.janitor.counters)
        return dict(total)

    def set_holds(self, holds: Sequence[WantedHold]) -> None:
        """All holds there are; remembered over a restart."""
        flat = [(h.hold_id, camera_id, h.start_us, h.end_us) for h in holds for camera_id in h.camera_ids]
        self.index.call(lambda db: rows.set_holds(db, flat)).add_done_callback(lambda done: self._look_again())

    def set_retention(
        self, camera_id: str, days: float | None, priority: int = 0, max_bytes: int | None = None
    ) -> None:
        """How long a camera's footage is kept (None: the setting), how much of it at most (None: no limit of its own),
        and how important it is when there is no room.
        """
        if self.keep.set(camera_id, days, priority, max_bytes):
            self._look_again()

    def _look_again(self) -> None:
        for disk in self._disks:
            disk.janitor.look_again()

    def remember(self, key: str, value: bytes) -> None:
        """Keep a small thing over a restart."""
        self.index.put(lambda db: db.execute("INSERT OR REPLACE INTO memory (key, value) VALUES (?,?)", (key, value)))

    def recall(self, key: str) -> bytes | None:
        """What was remembered, or None. Raises `sqlite3.Error`."""
        found = self.index.call(
            lambda db: db.execute("SELECT value FROM memory WHERE key=?", (key,)).fetchone()
        ).result()
        return bytes(found[0]) if found else None
