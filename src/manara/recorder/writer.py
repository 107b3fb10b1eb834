"""The threads of one disk: one writes what is queued, one syncs. A disk that hangs holds up its own threads only.

`ArchiveWriter` queues items and is told of trouble; it decides where the cameras of a failed disk go. Rows of segments
become "closed" in the index only after a sync, so that a closed row never promises what a power cut takes away.
"""

import errno
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from manara.formats.fmp4 import Fmp4Error
from manara.formats.frames import Fragment
from manara.recorder import index as rows
from manara.recorder.disks import DiskIO
from manara.recorder.index import Gap, IndexWriter
from manara.recorder.segments import OpenSegment, Run, break_cause, silences
from manara.recorder.sink import StreamKey

logger = logging.getLogger(__name__)

CHECKPOINT_S = 10.0  # an open segment's row is brought up to date this often, so that recovery reads little
_ITEM_BYTES = 2000  # what an item costs besides its payload


@dataclass(slots=True, eq=False)
class Entry:
    """What is known of one stream. `disk` changes under the archive's lock, the rest by the thread of that disk."""

    key: StreamKey
    run: Run | None = None
    disk: "DiskWriter | None" = None
    chain: bytes | None = None
    end_us: int = 0
    last_wall_us: int = 0
    last_arrival_s: float = 0.0
    gap_open: bool = False
    usual: float = 0.0  # how long a frame lasts, 90 kHz
    losing: str = ""  # the cause for which fragments are being dropped, until the next key frame that is taken
    priority: int = 0


@dataclass(slots=True, frozen=True)
class Item:
    """Either a fragment, or a gap (cause, since µs) that ends the segment."""

    entry: Entry
    run: Run | None
    fragment: Fragment | None
    arrival_s: float
    gap: tuple[str, int] | None = None

    @property
    def size_bytes(self) -> int:
        """What it holds of the memory budget."""
        if self.fragment is None:
            return 0
        return self.fragment.payload_bytes + sum(len(data) for _, _, data in self.fragment.sound) + _ITEM_BYTES


class Hooks(Protocol):
    """What a disk tells the archive. Called from the disk's threads."""

    def written(self, writer: "DiskWriter", entry: Entry, segment: OpenSegment) -> bool:
        """A fragment is on the disk: bring `entry` up to date. False where the stream has moved to another disk: then
        the fragment was written there and must be taken back here."""
        ...

    def trouble(self, writer: "DiskWriter", state: str, cause: str, item: Item | None) -> None:
        """The disk does not work; `item` was not written."""
        ...

    def refused(self, item: Item, error: Fmp4Error) -> None:
        """The fragment cannot be stored anywhere."""
        ...

    def durable(self, key: StreamKey, end_us: int) -> None:
        """What was written of a stream up to `end_us` (end of the last frame) will survive a power cut."""
        ...


def state_of(error: OSError) -> tuple[str, str]:
    """Disk state and cause of a failed call."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "full", "disk_full"
    return "failed", "disk_failed"


class DiskWriter:
    """One disk: its queue, its open segments, its two threads."""

    def __init__(
        self,
        path: Path,
        io: DiskIO,
        index: IndexWriter,
        hooks: Hooks,
        *,
        cap_bytes: int,
        segment_s: float,
        sync_interval_s: float,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path, self.io, self.index = path, io, index
        self.cap_bytes = cap_bytes
        self.state, self.cause = "ok", ""
        self.queued_bytes = 0
        self.written_bytes = 0
        self.slowest_write_s = 0.0
        self._hooks = hooks
        self._segment_s, self._sync_interval_s = segment_s, sync_interval_s
        self._monotonic_s = monotonic_s
        self._ready = threading.Condition()
        self._queue: deque[Item] = deque()
        self._current: Item | None = None
        self._busy_since_s = 0.0  # 0: not busy
        self._stopping = False
        self._abandon = False
        self._lists = threading.Lock()
        self._open: dict[StreamKey, OpenSegment] = {}
        self._closing: list[OpenSegment] = []
        self._settling = 0
        self._dirty = False
        self._sync_since_s = 0.0
        self._sync_stop = threading.Event()
        self._writer = threading.Thread(target=self._write_loop, name=f"write {path}", daemon=True)
        self._syncer = threading.Thread(target=self._sync_loop, name=f"sync {path}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._writer.start()
        self._syncer.start()

    # Called by the archive, under its lock.

    def put(self, item: Item) -> bool:
        """Queue an item; False where this disk's part of the memory is used up (never for a gap)."""
        size = item.size_bytes
        with self._ready:
            if size and self.queued_bytes + size > self.cap_bytes:
                return False
            self.queued_bytes += size
            self._queue.append(item)
            self._ready.notify()
        return True

    def take_all(self) -> list[Item]:
        """Empty the queue: what was not written, in order, with what a stuck thread is at."""
        with self._ready:
            items = list(self._queue)
            self._queue.clear()
            self.queued_bytes = self._current.size_bytes if self._current else 0
            if self._current is not None and self._busy_since_s:
                items.insert(0, self._current)
            self._abandon = True
            self._ready.notify()
        return items

    def stuck_s(self) -> tuple[float, float]:
        """For how long the present write, and the present sync, have been going on."""
        now, write, sync = self._monotonic_s(), self._busy_since_s, self._sync_since_s
        return (now - write if write else 0.0), (now - sync if sync else 0.0)

    def busy(self) -> bool:
        """Whether a write or a sync is under way."""
        return bool(self._busy_since_s or self._sync_since_s)

    def open_names(self) -> set[str]:
        """Names of the files that are being written or wait for their last sync."""
        with self._lists:
            return {segment.name for segment in (*self._open.values(), *self._closing)}

    def closing(self) -> int:
        """How many segments are closed, but their rows are not: they wait for a sync or for the index."""
        with self._lists:
            return len(self._closing) + self._settling

    def open_bytes(self) -> int:
        """Bytes of the files that the index does not yet know in full."""
        with self._lists:
            return sum(segment.size_bytes for segment in (*self._open.values(), *self._closing))

    def _settled(self) -> None:
        with self._lists:
            self._settling -= 1

    def stop(self, deadline_s: float) -> bool:
        """Write what is queued, close, sync. False where the disk did not do it before `deadline_s` (monotonic)."""
        with self._ready:
            self._stopping = True
            self._ready.notify()
        self._writer.join(max(0.0, deadline_s - time.monotonic()))
        self._sync_stop.set()
        self._syncer.join(max(0.0, deadline_s - time.monotonic()))
        return not (self._writer.is_alive() or self._syncer.is_alive())

    # The writing thread.

    def _write_loop(self) -> None:
        while True:
            with self._ready:
                while not (self._queue or self._stopping or self._abandon):
                    self._ready.wait()
                abandon, self._abandon = self._abandon, False
                item = self._queue.popleft() if self._queue else None
                self._current = item
                self._busy_since_s = self._monotonic_s() if item else 0.0
            if abandon:
                self._close_all(failed=self.state == "failed")
            if item is not None:
                self._one(item)
            elif self._stopping and not abandon:
                self._close_all(failed=False)
                return

    def _one(self, item: Item) -> None:
        begun = self._monotonic_s()
        failed: OSError | None = None
        try:
            self._do(item)
        except Fmp4Error as error:
            self._hooks.refused(item, error)
        except OSError as error:
            failed = error
        took = self._monotonic_s() - begun
        self.slowest_write_s = max(self.slowest_write_s, took)
        with self._ready:
            self.queued_bytes = max(0, self.queued_bytes - item.size_bytes)
            self._current = None
            self._busy_since_s = 0.0
        if failed is not None:
            state, cause = state_of(failed)
            logger.error("disk write failed", extra={"disk": str(self.path), "cause": cause, "error": str(failed)})
            self._hooks.trouble(self, state, cause, item)

    def _do(self, item: Item) -> None:
        entry, key = item.entry, item.entry.key
        segment = self._open.get(key)
        if item.fragment is None or item.run is None:
            if segment is not None:
                self._finish(segment)
            if item.gap is not None and not entry.gap_open:
                cause, since_us = item.gap
                start_us = max(since_us, entry.end_us)
                if not start_us:
                    return  # a stream that never was: nothing is missing
                entry.gap_open = True
                self.index.put(lambda db: rows.open_gap(db, key.camera_id, key.stream, start_us, cause))
            return
        fragment = item.fragment
        if segment is not None and not segment.fits(item.run, fragment):
            self._finish(segment)
            segment = None
        if segment is None:
            segment = OpenSegment(self.io, self.path, key, item.run, fragment, entry.chain, self._segment_s)
            with self._lists:
                self._open[key] = segment
            row, packed = segment.snapshot(0)
            self.index.put(lambda db: rows.put_segment(db, row, packed))
        before, earlier = segment.size_bytes, (entry.end_us, entry.last_wall_us, entry.last_arrival_s)
        entry.usual = segment.usual_duration() or entry.usual
        segment.append(fragment, item.arrival_s)
        if not self._hooks.written(self, entry, segment):
            with self._lists:
                self._open.pop(key, None)
            segment.close(cut_to_bytes=before)  # it was written elsewhere meanwhile; recovery mends the row
            return
        self._dirty = True
        self.written_bytes += segment.size_bytes - before
        self._note_break(entry, fragment, item.arrival_s, earlier)
        for start_us, end_us in silences(fragment, entry.usual):
            gap = Gap(start_us, end_us, "stalled")
            self.index.put(lambda db, gap=gap: rows.add_gap(db, key.camera_id, key.stream, gap))  # type: ignore[misc]

    def _note_break(self, entry: Entry, fragment: Fragment, arrival_s: float, earlier: tuple[int, int, float]) -> None:
        """Write the gap before this fragment into the index, if there is one. `earlier` is `entry` before it."""
        key, wall_us, (end_us, last_wall_us, last_arrival_s) = entry.key, fragment.wall_us, earlier
        if entry.gap_open:
            entry.gap_open = False
            self.index.put(lambda db: rows.close_gap(db, key.camera_id, key.stream, wall_us))
        elif end_us:
            cause = break_cause(end_us, last_wall_us, last_arrival_s, fragment, arrival_s)
            if cause:
                gap = Gap(min(end_us, wall_us), wall_us, cause)
                self.index.put(lambda db: rows.add_gap(db, key.camera_id, key.stream, gap))

    def _finish(self, segment: OpenSegment) -> None:
        """Close a segment; its row follows after the next sync."""
        with self._lists:
            self._open.pop(segment.key, None)
        segment.close()
        with self._lists:
            self._closing.append(segment)
        self._dirty = True

    def _close_all(self, *, failed: bool) -> None:
        """Close every segment. On a failed disk their rows stay open: what is on it is read again when it is back."""
        with self._lists:
            segments = list(self._open.values())
            self._open.clear()
            if failed:
                self._closing.clear()
        for segment in segments:
            try:
                segment.close(cut_to_bytes=segment.size_bytes)
            except OSError as error:
                logger.warning("segment not closed", extra={"segment": segment.name, "error": str(error)})
                continue
            if not failed:
                with self._lists:
                    self._closing.append(segment)
                self._dirty = True

    # The syncing thread.

    def _sync_loop(self) -> None:
        ending, took_s = False, 0.0
        while not ending:
            ending = self._sync_stop.wait(max(self._sync_interval_s / 4, self._sync_interval_s - took_s))
            begun = self._monotonic_s()
            try:
                self._sync()
            except Exception as error:  # noqa: BLE001 -- were this thread to die, nothing would be synced any more
                logger.error("disk sync failed", extra={"disk": str(self.path), "error": repr(error)})
                self._hooks.trouble(self, "failed", "disk_failed", None)
            took_s = self._monotonic_s() - begun

    def _sync(self) -> None:
        if not self._dirty or self.state == "failed":
            return
        self._dirty = False
        now = self._monotonic_s()
        with self._lists:
            closing, self._closing = self._closing, []
            self._settling += len(closing)
            opened = list(self._open.values())
        taken = [(segment, *segment.snapshot(0)) for segment in opened] + [(s, *s.snapshot(1)) for s in closing]
        self._sync_since_s = now
        try:
            self.io.sync(self.path)
        except OSError:
            with self._lists:
                self._settling -= len(closing)
            raise
        finally:
            self._sync_since_s = 0.0
        for segment, row, packed in taken:
            if row.state == 1:
                done = self.index.call(lambda db, row=row, packed=packed: rows.put_segment(db, row, packed))  # type: ignore[misc]
                done.add_done_callback(lambda _: self._settled())
            elif now - segment.checkpoint_s >= CHECKPOINT_S:
                segment.checkpoint_s = now
                self.index.put(lambda db, row=row, packed=packed: rows.put_segment(db, row, packed))  # type: ignore[misc]
            if row.frames:
                self._hooks.durable(segment.key, row.end_us)
