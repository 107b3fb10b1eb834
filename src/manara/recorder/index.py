"""The index of one recorder process: which segment, gap and hold lies where. One SQLite file, written by one thread.

Video never waits for it: writers queue operations and go on; a locked or failing file is tried again with a bounded
wait, counted, and what was not written is found again on the disks by recovery. Readers (`archive.py`, other processes)
open the same file read-only; WAL lets them read while we write. Queries are at the end of this file.
"""

import fcntl
import logging
import os
import queue
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from manara.base.errors import Unavailable
from manara.recorder.gop_table import shrink

logger = logging.getLogger(__name__)

VERSION = 1
OPEN_END_US = 1 << 62  # the end of a gap that has not ended
MAX_SEGMENT_US = 3 * 3600 * 1_000_000  # no segment is longer, so that a time finds its segments by their start
MAX_QUEUED = 200_000
_BATCH = 2000
_JOIN_US = 2_000_000
_BUSY_MS = 1000
_PASSING = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
)

SCHEMA = """
-- One stream of one camera.
CREATE TABLE stream (
    id INTEGER PRIMARY KEY,
    camera_id TEXT NOT NULL,
    stream TEXT NOT NULL,                   -- main, sub
    UNIQUE (camera_id, stream)
);
-- A folder that holds recordings; never renumbered, also when it leaves the settings.
CREATE TABLE disk (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
-- One file. Times are UTC in microseconds since 1970, by arrival.
CREATE TABLE segment (
    id INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL REFERENCES stream,
    disk INTEGER NOT NULL REFERENCES disk,
    name TEXT NOT NULL UNIQUE,              -- relative to the disk: camera/stream/day/start-id.mp4
    state INTEGER NOT NULL,                 -- 0 open (being written, or torn by a crash), 1 closed, 2 being deleted
    start_us INTEGER NOT NULL,              -- first frame
    end_us INTEGER NOT NULL,                -- end of the last frame; of an open one: as far as `packed` goes
    bytes INTEGER NOT NULL,                 -- length of the file; of an open one: as far as `packed` goes
    frames INTEGER NOT NULL,
    init_bytes INTEGER NOT NULL,            -- ftyp and moov; the first fragment begins here
    chain_before BLOB NOT NULL,             -- chain hash of the fragment before the first
    chain BLOB NOT NULL,                    -- chain hash of the last fragment
    packed BLOB NOT NULL                    -- gop_table.py
);
CREATE INDEX segment_time ON segment (stream, start_us, end_us, state); -- a timeline of a month reads no rows
CREATE INDEX segment_age ON segment (disk, start_us, bytes);
CREATE INDEX segment_unfinished ON segment (state) WHERE state <> 1;
-- A time without frames, and why. While it lasts, end_us is 1 << 62.
CREATE TABLE gap (
    id INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL REFERENCES stream,
    start_us INTEGER NOT NULL,
    end_us INTEGER NOT NULL,
    cause TEXT NOT NULL
);
CREATE INDEX gap_time ON gap (stream, end_us);
-- The holds as last told, so that retention respects them with no journal.
CREATE TABLE hold (hold_id TEXT, camera_id TEXT, start_us INTEGER, end_us INTEGER, PRIMARY KEY (hold_id, camera_id));
-- Small things to be remembered over a restart (wanted cameras, the machine's boot).
CREATE TABLE memory (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], object]


@dataclass(frozen=True, slots=True)
class Segment:
    """One row of `segment`, without the table."""

    id: int
    camera_id: str
    stream: str
    disk: str
    name: str
    state: int
    start_us: int
    end_us: int
    size_bytes: int
    frames: int
    init_bytes: int
    chain_before: bytes
    chain: bytes

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return Path(self.disk) / self.name


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without frames; `end_us` is `OPEN_END_US` while it lasts."""

    start_us: int
    end_us: int
    cause: str


def lock(path: Path, timeout_s: float) -> int:
    """Be the only writer of an index: a file descriptor that holds the lock until it is closed, or the process ends.

    Raises `Unavailable` where another process still holds it after `timeout_s`.
    """
    fd = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    end_s = time.monotonic() + timeout_s
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return fd
        except OSError:
            if time.monotonic() >= end_s:
                os.close(fd)
                raise Unavailable(f"{path}: its recorder is running", "index_in_use") from None
        time.sleep(0.05)


def connect(path: Path) -> sqlite3.Connection:
    """The index for writing, made if absent. Raises `sqlite3.Error`, or `ValueError` where it is of another version."""
    connection = sqlite3.connect(path, timeout=_BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA page_size=16384")  # several rows with their tables a page; only for a new file
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # a deletion must not be forgotten after the file is gone
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version={VERSION}; COMMIT;")
    elif version != VERSION:
        connection.close()
        raise ValueError(f"{path}: index of version {version}, this program knows {VERSION}")
    return connection


def connect_read_only(path: Path) -> sqlite3.Connection:
    """The index of a running or stopped recorder, for reading only. Raises `sqlite3.Error`."""
    uri = f"file:{path.absolute()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA query_only=1")
    return connection


class IndexWriter:
    """The one thread that writes the index. `put` never waits; `call` gives a future of what the operation returned."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counters: Counter[str] = Counter()
        self._queue: queue.SimpleQueue[tuple[Operation, Future[Any] | None] | None] = queue.SimpleQueue()
        self._connection = connect(path)
        self._thread = threading.Thread(target=self._run, name="index", daemon=True)
        self._thread.start()

    def put(self, operation: Operation) -> None:
        """Queue an operation. Over `MAX_QUEUED` it is dropped and counted: recovery finds the files again."""
        if self._queue.qsize() >= MAX_QUEUED:
            self.counters["index_dropped"] += 1
            return
        self._queue.put((operation, None))

    def call(self, operation: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Queue an operation; the future is done once it is committed, or carries its error."""
        future: Future[T] = Future()
        self._queue.put((operation, future))
        return future

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Write what is queued and close. False where it did not end in time."""
        self._queue.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        ending = False
        while not ending:
            batch = [self._queue.get()]
            while batch[-1] is not None and len(batch) < _BATCH:
                try:
                    batch.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            ending = batch[-1] is None
            self._commit([item for item in batch if item is not None])
        self._connection.close()

    def _commit(self, batch: list[tuple[Operation, Future[Any] | None]]) -> None:
        """One transaction; tried again while the file is locked or full, for as long as the process lives."""
        wait_s = 0.05
        while batch:
            results: list[object] = []
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                for operation, _ in batch:
                    results.append(operation(self._connection))
                self._connection.execute("COMMIT")
            except sqlite3.OperationalError as error:
                self._rollback()
                if error.sqlite_errorcode & 0xFF not in _PASSING:
                    self._one_by_one(batch, error)
                    return
                self.counters["index_retries"] += 1
                logger.warning("index not written, trying again", extra={"index": str(self.path), "error": str(error)})
                time.sleep(wait_s)
                wait_s = min(wait_s * 2, 2.0)
                continue
            except Exception as error:  # noqa: BLE001 -- one wrong operation must not end the index; it is told
                self._rollback()
                self._one_by_one(batch, error)
                return
            for (_, future), result in zip(batch, results, strict=True):
                if future is not None:
                    future.set_result(result)
            return

    def _one_by_one(self, batch: list[tuple[Operation, Future[Any] | None]], error: Exception) -> None:
        """A batch failed for good: leave out the operation that is wrong, keep the others."""
        if len(batch) > 1:
            for item in batch:
                self._commit([item])
            return
        self.counters["index_errors"] += 1
        logger.error("index operation failed", extra={"index": str(self.path), "error": repr(error)})
        if batch[0][1] is not None:
            batch[0][1].set_exception(error)

    def _rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


# Operations: run by the index thread inside its transaction.


def stream_id(db: sqlite3.Connection, camera_id: str, stream: str) -> int:
    """The row of a stream, made if absent."""
    row = db.execute("SELECT id FROM stream WHERE camera_id=? AND stream=?", (camera_id, stream)).fetchone()
    if row is None:
        row = db.execute(
            "INSERT INTO stream (camera_id, stream) VALUES (?, ?) RETURNING id", (camera_id, stream)
        ).fetchone()
    return int(row[0])


def disk_id(db: sqlite3.Connection, path: str) -> int:
    """The row of a disk, made if absent."""
    db.execute("INSERT INTO disk (path) VALUES (?) ON CONFLICT DO NOTHING", (path,))
    return int(db.execute("SELECT id FROM disk WHERE path=?", (path,)).fetchone()[0])


def put_segment(db: sqlite3.Connection, segment: Segment, packed: bytes) -> None:
    """Add the row of a segment, or bring it up to date, found by its name. A row being deleted stays so.

    The table of an open segment is made small too: were it so only when closed, the pages would have been parted for
    the large one by then, and be left half empty.
    """
    db.execute(
        "INSERT INTO segment (stream, disk, name, state, start_us, end_us, bytes, frames, init_bytes,"
        " chain_before, chain, packed) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"
        " ON CONFLICT (name) DO UPDATE SET state=excluded.state, end_us=excluded.end_us, bytes=excluded.bytes,"
        " frames=excluded.frames, chain=excluded.chain, packed=excluded.packed WHERE state=0",
        (
            stream_id(db, segment.camera_id, segment.stream), disk_id(db, segment.disk), segment.name, segment.state,
            segment.start_us, segment.end_us, segment.size_bytes, segment.frames, segment.init_bytes,
            segment.chain_before, segment.chain, shrink(packed),
        ),
    )  # fmt: skip


def open_gap(db: sqlite3.Connection, camera_id: str, stream: str, start_us: int, cause: str) -> None:
    """A gap begins, unless one is open already: then its first cause stands."""
    row = stream_id(db, camera_id, stream)
    if db.execute("SELECT 1 FROM gap WHERE stream=? AND end_us=?", (row, OPEN_END_US)).fetchone() is None:
        db.execute(
            "INSERT INTO gap (stream, start_us, end_us, cause) VALUES (?,?,?,?)", (row, start_us, OPEN_END_US, cause)
        )


def close_gap(db: sqlite3.Connection, camera_id: str, stream: str, end_us: int) -> None:
    """The open gap of a stream ends; one that would end before it began (the clock was set back) is of length 0."""
    row = stream_id(db, camera_id, stream)
    db.execute("UPDATE gap SET end_us=max(start_us, ?) WHERE stream=? AND end_us=?", (end_us, row, OPEN_END_US))


def add_gap(db: sqlite3.Connection, camera_id: str, stream: str, gap: Gap) -> None:
    """A gap that is over already."""
    row = stream_id(db, camera_id, stream)
    db.execute(
        "INSERT INTO gap (stream, start_us, end_us, cause) VALUES (?,?,?,?)", (row, gap.start_us, gap.end_us, gap.cause)
    )


def mark_deleting(db: sqlite3.Connection, segments: list[Segment]) -> None:
    """First step of deletion. A gap says that retention took them, one for segments that followed each other."""
    for segment in segments:
        if not db.execute("UPDATE segment SET state=2 WHERE id=? AND state=1", (segment.id,)).rowcount:
            continue
        row = stream_id(db, segment.camera_id, segment.stream)
        grown = db.execute(
            "UPDATE gap SET end_us=max(end_us, ?) WHERE stream=? AND cause='retention' AND end_us BETWEEN ? AND ?",
            (segment.end_us, row, segment.start_us - _JOIN_US, segment.start_us + _JOIN_US),
        )
        if not grown.rowcount:
            add_gap(db, segment.camera_id, segment.stream, Gap(segment.start_us, segment.end_us, "retention"))


def remove_segments(db: sqlite3.Connection, segments: list[Segment]) -> None:
    """Last step of deletion: the files are gone."""
    db.executemany("DELETE FROM segment WHERE id=?", [(segment.id,) for segment in segments])


def forget_gaps(db: sqlite3.Connection, stream: int, before_us: int) -> None:
    """Remove gaps of a stream (by its row) that ended before `before_us`, and before all footage there is."""
    first = db.execute("SELECT min(start_us) FROM segment WHERE stream=?", (stream,)).fetchone()[0]
    until_us = before_us if first is None else min(before_us, first)
    db.execute("DELETE FROM gap WHERE stream=? AND end_us<?", (stream, until_us))


def set_holds(db: sqlite3.Connection, holds: list[tuple[str, str, int, int]]) -> None:
    """Replace all holds: (hold, camera, start µs, end µs)."""
    db.execute("DELETE FROM hold")
    db.executemany("INSERT OR REPLACE INTO hold (hold_id, camera_id, start_us, end_us) VALUES (?,?,?,?)", holds)


# Queries: any connection.

_SEGMENT = (
    "SELECT s.id, t.camera_id, t.stream, d.path, s.name, s.state, s.start_us, s.end_us, s.bytes, s.frames,"
    " s.init_bytes, s.chain_before, s.chain{packed}"
    " FROM segment s JOIN stream t ON t.id=s.stream JOIN disk d ON d.id=s.disk "
)


def knows(db: sqlite3.Connection, camera_id: str, stream: str) -> bool:
    """Whether there was ever anything of a stream here."""
    asked = "SELECT 1 FROM stream WHERE camera_id=? AND stream=?"
    return db.execute(asked, (camera_id, stream)).fetchone() is not None


def find_segments(
    db: sqlite3.Connection, camera_id: str, stream: str, from_us: int, to_us: int
) -> list[tuple[Segment, bytes]]:
    """Segments of a stream that touch [from_us, to_us) with their tables, by start. Open ones may reach further."""
    row = db.execute("SELECT id FROM stream WHERE camera_id=? AND stream=?", (camera_id, stream)).fetchone()
    if row is None:
        return []
    found = db.execute(
        _SEGMENT.format(packed=", s.packed") + "WHERE s.stream=? AND s.start_us>? AND s.start_us<? AND s.state<2"
        " AND (s.end_us>? OR s.state=0) ORDER BY s.start_us, s.id",
        (row[0], from_us - MAX_SEGMENT_US, to_us, from_us),
    )
    return [(Segment(*columns[:-1]), columns[-1]) for columns in found]


def find_spans(
    db: sqlite3.Connection, camera_id: str, stream: str, from_us: int, to_us: int
) -> list[tuple[int, int, int]]:
    """(start µs, end µs, state) of the segments that touch [from_us, to_us), by start: no tables are read."""
    row = db.execute("SELECT id FROM stream WHERE camera_id=? AND stream=?", (camera_id, stream)).fetchone()
    if row is None:
        return []
    return db.execute(
        "SELECT start_us, end_us, state FROM segment WHERE stream=? AND start_us>? AND start_us<? AND state<2"
        " AND (end_us>? OR state=0) ORDER BY start_us",
        (row[0], from_us - MAX_SEGMENT_US, to_us, from_us),
    ).fetchall()


def find_gaps(db: sqlite3.Connection, camera_id: str, stream: str, from_us: int, to_us: int) -> list[Gap]:
    """Gaps of a stream that touch [from_us, to_us], by start."""
    found = db.execute(
        "SELECT g.start_us, g.end_us, g.cause FROM gap g JOIN stream t ON t.id=g.stream"
        " WHERE t.camera_id=? AND t.stream=? AND g.end_us>=? AND g.start_us<=? ORDER BY g.start_us",
        (camera_id, stream, from_us, to_us),
    )
    return [Gap(*columns) for columns in found]


def find_extent(db: sqlite3.Connection, camera_id: str, stream: str) -> tuple[int, int] | None:
    """Start of the earliest and end of the latest segment (of an open one: as far as the index knows)."""
    row = db.execute("SELECT id FROM stream WHERE camera_id=? AND stream=?", (camera_id, stream)).fetchone()
    if row is None:
        return None
    order = "SELECT start_us, end_us FROM segment WHERE stream=? AND state<2 ORDER BY start_us {} LIMIT 1"
    first = db.execute(order.format("ASC"), row).fetchone()
    last = db.execute(order.format("DESC"), row).fetchone()
    return None if first is None else (first[0], max(first[1], last[1]))


def segments_where(db: sqlite3.Connection, condition: str, values: tuple[object, ...]) -> list[Segment]:
    """Segments by a condition of ours on `s` (segment), `t` (stream), `d` (disk); may end in ORDER BY and LIMIT."""
    return [Segment(*columns) for columns in db.execute(_SEGMENT.format(packed="") + "WHERE " + condition, values)]


def packed_of(db: sqlite3.Connection, segment_id: int) -> bytes:
    """The table of one segment; empty where it is gone."""
    row = db.execute("SELECT packed FROM segment WHERE id=?", (segment_id,)).fetchone()
    return bytes(row[0]) if row else b""


def find_holds(db: sqlite3.Connection) -> list[tuple[str, str, int, int]]:
    """All holds: (hold, camera, start µs, end µs)."""
    return db.execute("SELECT hold_id, camera_id, start_us, end_us FROM hold").fetchall()
