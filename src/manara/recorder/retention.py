"""What is deleted, when and in what order; one janitor thread a disk does it, and looks after its space and health.

By age (a camera's days), then by room (`max_bytes`, `reserve_bytes`), oldest first. What is held is never deleted: a
segment that is held in part is rewritten to the held fragments (`holds.py`). Deletion survives a crash at any point:
row "being deleted" → file → folder → row. When there is no room and nothing may go, the least important recording
stops.

Age is counted on a clock that a wrong wall clock cannot push: it follows the wall back at once, and forward at most
`CATCH_UP` times as fast as time passes. After long idleness or a step, footage stays a little longer; never shorter.
"""

import logging
import sqlite3
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from manara.base.clock import Clock
from manara.recorder import index as rows
from manara.recorder.holds import Span, held_spans, touches, trim
from manara.recorder.index import IndexWriter, Segment
from manara.recorder.recovery import finish_deletions
from manara.recorder.sink import StreamKey
from manara.recorder.writer import DiskWriter
from manara.settings import Disk

logger = logging.getLogger(__name__)

CATCH_UP = 10.0
PROBE_S = 15.0
_AGE_ROUND_S = 60.0
_BATCH = 100
_SHORT_ROUNDS = 3
_COUNT_S = 600.0  # the sum over the index is taken anew, so that small errors do not add up
_DAY_US = 86_400 * 1_000_000
_AGE_KEY = "age_clock_us"


@dataclass(slots=True)
class Keep:
    """How long, and how important: shared by all janitors of a process."""

    default_days: float
    stopped: dict[StreamKey, str] = field(default_factory=dict)  # streams that have no room, with the cause
    limits_bytes: dict[str, int] = field(default_factory=dict)  # of cameras that have a limit of their own
    _cameras: dict[str, tuple[float | None, int]] = field(default_factory=dict)

    def set(self, camera_id: str, days: float | None, priority: int, max_bytes: int | None = None) -> bool:
        """`days` None: the setting. A higher `priority` is stopped later. Returns whether anything changed."""
        changed = self._cameras.get(camera_id) != (days, priority) or self.limits_bytes.get(camera_id) != max_bytes
        self._cameras[camera_id] = (days, priority)
        if max_bytes is None:
            self.limits_bytes.pop(camera_id, None)
        else:
            self.limits_bytes[camera_id] = max_bytes
        return changed

    def days(self, camera_id: str) -> float:
        """Days a camera's footage is kept."""
        days = self._cameras.get(camera_id, (None, 0))[0]
        return self.default_days if days is None else days

    def priority(self, camera_id: str) -> int:
        """How important a camera's recording is."""
        return self._cameras.get(camera_id, (None, 0))[1]


class AgeClock:
    """The clock by which footage grows old (see above). Pure but for the clock that is handed in."""

    def __init__(self, clock: Clock, known_us: int = 0) -> None:
        self._clock = clock
        self._now_us = known_us or clock.wall_us()
        self._at_s = clock.monotonic_s()

    def now_us(self) -> int:
        """UTC µs, never later than the wall clock."""
        at_s, wall_us = self._clock.monotonic_s(), self._clock.wall_us()
        most_us = self._now_us + int((at_s - self._at_s) * 1_000_000 * CATCH_UP)
        self._now_us, self._at_s = min(wall_us, most_us), at_s
        return self._now_us


class Owner(Protocol):
    """What a janitor asks of the archive."""

    def reopen(self, writer: DiskWriter) -> None:
        """The disk answers again: mend it and use it. Raises `OSError`, `sqlite3.Error`, `ValueError`."""
        ...

    def stop_least(self, writer: DiskWriter) -> int:
        """Stop the least important streams of the disk. Returns how many."""
        ...

    def room_again(self) -> None:
        """Streams that were stopped may go on."""
        ...


class Janitor:
    """The thread that keeps one disk in order."""

    def __init__(
        self,
        disk: Disk,
        writer: DiskWriter,
        index: IndexWriter,
        keep: Keep,
        clock: Clock,
        owner: Owner,
        *,
        interval_s: float = 10.0,
    ) -> None:
        self.disk, self.writer = disk, writer
        self.total_bytes = self.free_bytes = self.archive_bytes = 0
        self.counters: Counter[str] = Counter()
        self._index, self._keep, self._clock, self._owner, self._interval_s = index, keep, clock, owner, interval_s
        self._archive_known = -1  # bytes in the index when `_written_then` was read; -1: not yet asked
        self._written_then = 0
        self._counted_s = 0.0
        self._short_rounds = 0
        self._last_written = 0
        self._age: AgeClock | None = None
        self._aged_s = -_AGE_ROUND_S
        self._probed_s = 0.0
        self._stopped_any = False
        self._stopping = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"janitor {writer.path}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def poke(self) -> None:
        """Look now."""
        self._wake.set()

    def look_again(self) -> None:
        """Holds or days have changed: look now, at the age of everything too."""
        self._aged_s = -_AGE_ROUND_S
        self._wake.set()

    def stop(self) -> None:
        """End after the deletion at hand; does not wait."""
        self._stopping = True
        self._wake.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the end."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        db: sqlite3.Connection | None = None
        while not self._stopping:
            try:
                db = db or rows.connect_read_only(self._index.path)
                self.round(db)
            except Exception as error:  # noqa: BLE001 -- a janitor that died would let the disk fill up in silence
                self.counters["janitor_errors"] += 1
                logger.warning("disk not looked after", extra={"disk": str(self.writer.path), "error": repr(error)})
            self._wake.wait(self._interval_s)
            self._wake.clear()
        if db is not None:
            db.close()

    def round(self, db: sqlite3.Connection) -> None:
        """One look at the disk. Raises `OSError`, `sqlite3.Error`."""
        if self.writer.state == "failed":
            self._try_again()
            return
        self.measure()
        self._count(db)
        due = self._clock.monotonic_s() - self._aged_s >= _AGE_ROUND_S
        if due:
            self._aged_s = self._clock.monotonic_s()  # before the holds are read: what changes now is seen next time
        holds = held_spans(rows.find_holds(db))
        if due:
            finish_deletions(self._index, db, self.writer.path, self.counters)
            self._by_age(db, holds)
            self._by_camera(db, holds)
        self._by_room(db, holds)

    def measure(self) -> None:
        """Ask the disk for its space. Raises `OSError`."""
        self.total_bytes, self.free_bytes = self.writer.io.space(self.writer.path)

    def _try_again(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._probed_s < PROBE_S and self._probed_s:
            return
        self._probed_s = now_s
        self._owner.reopen(self.writer)
        self._archive_known = -1

    def _count(self, db: sqlite3.Connection) -> None:
        now_s = self._clock.monotonic_s()
        if self._archive_known < 0 or now_s - self._counted_s > _COUNT_S:
            self._counted_s = now_s
            found = db.execute(
                "SELECT total(bytes), (SELECT total(bytes) FROM segment WHERE disk=d.id AND state=0)"
                " FROM segment s JOIN disk d ON d.id=s.disk WHERE d.path=?",
                (str(self.writer.path),),
            ).fetchone()
            self._written_then = self.writer.written_bytes
            self._archive_known = int(found[0] - (found[1] or 0)) + self.writer.open_bytes()
        self.archive_bytes = self._archive_known + self.writer.written_bytes - self._written_then

    # By age.

    def _by_age(self, db: sqlite3.Connection, holds: dict[str, list[Span]]) -> None:
        if self._age is None:
            known = db.execute("SELECT value FROM memory WHERE key=?", (_AGE_KEY,)).fetchone()
            self._age = AgeClock(self._clock, int(known[0]) if known else 0)
        now_us = self._age.now_us()
        self._index.put(
            lambda w: w.execute("INSERT OR REPLACE INTO memory (key, value) VALUES (?,?)", (_AGE_KEY, str(now_us)))
        )
        for stream_row, camera_id in db.execute("SELECT id, camera_id FROM stream").fetchall():
            before_us = now_us - int(self._keep.days(camera_id) * _DAY_US)
            cursor = -1
            while not self._stopping:
                old = rows.segments_where(
                    db,
                    "s.stream=? AND s.start_us>? AND s.start_us<? AND s.end_us<? AND d.path=? AND s.state=1"
                    " ORDER BY s.start_us LIMIT ?",
                    (stream_row, cursor, before_us, before_us, str(self.writer.path), _BATCH),
                )
                if not old:
                    break
                cursor = old[-1].start_us
                self._remove(db, old, holds)
            self._forget_gaps(stream_row, before_us)

    def _forget_gaps(self, stream_row: int, before_us: int) -> None:
        self._index.put(lambda w: rows.forget_gaps(w, stream_row, before_us))

    # By a camera's own limit.

    def _by_camera(self, db: sqlite3.Connection, holds: dict[str, list[Span]]) -> None:
        """Of each camera that holds more than it may, the oldest on this disk goes until it does not."""
        for camera_id, most in list(self._keep.limits_bytes.items()):
            (kept,) = db.execute(
                "SELECT total(s.bytes) FROM segment s JOIN stream t ON t.id=s.stream WHERE t.camera_id=?", (camera_id,)
            ).fetchone()
            over, cursor = int(kept) - most, -1
            while over > 0 and not self._stopping:
                old = rows.segments_where(
                    db,
                    "t.camera_id=? AND s.start_us>? AND d.path=? AND s.state=1 ORDER BY s.start_us LIMIT ?",
                    (camera_id, cursor, str(self.writer.path), _BATCH),
                )
                if not old:
                    break  # the rest is open, or lies on another disk
                cursor = old[-1].start_us
                for segment in old:
                    if over <= 0:
                        break
                    over -= self._remove(db, [segment], holds)

    # By room.

    def _needed(self) -> int:
        """Bytes that must go."""
        over = self.archive_bytes - self.disk.max_bytes if self.disk.max_bytes else 0
        return max(over, self.disk.reserve_bytes - self.free_bytes)

    def _by_room(self, db: sqlite3.Connection, holds: dict[str, list[Span]]) -> None:
        full = self.writer.state == "full"
        if self._needed() <= 0 and not full:
            self._short_rounds = 0
            if self._stopped_any:
                self._stopped_any = False
                self._owner.room_again()
            return
        # a little more than needed, so that the next round is not needed at once
        target = -max(self._interval_bytes(), (self.disk.max_bytes or self.total_bytes) // 200)
        cursor, freed = -1, 0
        while self._needed() > target and not self._stopping:
            old = rows.segments_where(
                db,
                "d.path=? AND s.start_us>? AND s.state=1 ORDER BY s.start_us LIMIT ?",
                (str(self.writer.path), cursor, _BATCH),
            )
            if not old:
                break
            cursor = old[-1].start_us
            for at in range(0, len(old), 10):
                if self._needed() <= target:
                    break
                freed += self._remove(db, old[at : at + 10], holds)
                self.measure()
                self._count(db)
        if self._needed() > 0:
            # segments that were closed just now may be deleted once they are synced: that is not yet "nothing may go"
            self._short_rounds = 0 if self.writer.closing() else self._short_rounds + 1
            self.counters["disk_full_rounds"] += 1
            if self._short_rounds >= _SHORT_ROUNDS:
                self._stopped_any = bool(self._owner.stop_least(self.writer)) or self._stopped_any
        elif full:
            self._owner.reopen(self.writer)

    def _interval_bytes(self) -> int:
        """What about two rounds of recording write."""
        written = self.writer.written_bytes
        grown, self._last_written = written - self._last_written, written
        return 2 * grown

    # Deletion.

    def _remove(self, db: sqlite3.Connection, segments: list[Segment], holds: dict[str, list[Span]]) -> int:
        """Delete what is not held. Returns the bytes that became free. Raises `OSError`, `sqlite3.Error`."""
        doomed, freed = [], 0
        for segment in segments:
            spans = holds.get(segment.camera_id, [])
            if not touches(spans, segment.start_us, segment.end_us):
                doomed.append(segment)
                freed += segment.size_bytes
                continue
            result = trim(self._index, db, self.writer.io, segment, spans)
            if result is not None:
                doomed.append(segment)
                freed += segment.size_bytes - result
        if doomed:
            self._delete(db, doomed)
            self.counters["segments_deleted"] += len(doomed)
            self.counters["bytes_deleted"] += freed
            self._archive_known -= freed
        return freed

    def _delete(self, db: sqlite3.Connection, doomed: list[Segment]) -> None:
        self._index.call(lambda w: rows.mark_deleting(w, doomed)).result()
        folders: set[Path] = set()
        for segment in doomed:
            self.writer.io.unlink(segment.path)
            folders.add(segment.path.parent)
        for folder in folders:
            if folder.exists():
                self.writer.io.sync_folder(folder)
        self._index.call(lambda w: rows.remove_segments(w, doomed)).result()
        self._drop_empty(folders)

    def _drop_empty(self, folders: set[Path]) -> None:
        """Day folders that are empty; one that is filled again at this moment stays."""
        for folder in folders:
            try:
                folder.rmdir()
            except OSError:
                continue  # not empty: the usual case

    def finish(self, db: sqlite3.Connection) -> None:
        """Finish deletions that an error cut short. Raises `OSError`, `sqlite3.Error`."""
        finish_deletions(self._index, db, self.writer.path, self.counters)
