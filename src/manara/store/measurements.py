"""Measurements: readings of site devices kept as series in Parquet, asked with DuckDB.

One process writes (`health`), any process reads (`measurements_query.Reader`). `append` only remembers; `flush` writes
what was remembered as one whole file an hour touched (temporary file, sync, rename); `upkeep` merges small files, makes
the roll-ups by 5 minutes and by hours, and removes what is too old (`measurements_upkeep.py`). A kill loses at most
what was not flushed. A disk that refuses keeps the rows waiting in memory, up to a bound beyond which the oldest are
dropped and counted; `state` says so. How the files lie: `measurements_files.py`.
"""

import asyncio
import errno
import fcntl
import logging
import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from anyio.to_thread import run_sync

from manara.base.clock import Clock
from manara.base.errors import Conflict
from manara.messages import Reading
from manara.store import measurements_files as files
from manara.store.measurements_files import HOUR_US, RAW
from manara.store.measurements_query import Point, Reader
from manara.store.measurements_upkeep import KeepDays, Upkeep

log = logging.getLogger(__name__)

FLUSH_S = 10.0
FLUSH_ROWS = 100_000
MOST_WAITING_ROWS = 2_000_000
UPKEEP_S = 60.0
ROW_GROUP_ROWS = 65_536

SCHEMA = pa.schema(
    [
        ("subject", pa.string()),
        ("quantity", pa.string()),
        ("at_us", pa.int64()),
        ("value", pa.float64()),
    ]
)


@dataclass(slots=True)
class _Rows:
    """Columns that wait to be written."""

    subject: list[str] = field(default_factory=list)
    quantity: list[str] = field(default_factory=list)
    at_us: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.at_us)


class Measurements:
    """The writer's side of a folder of measurements, and a reader of it.

    Raises `Conflict` when another process writes there. `append` may be called from one thread (the event loop's)
    while `flush` and `upkeep` run in another.
    """

    def __init__(
        self,
        folder: Path,
        *,
        keep_raw_days: float = 14.0,
        keep_rollup_days: float = 800.0,
        most_waiting_rows: int = MOST_WAITING_ROWS,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder
        self._lock_file = _lock(folder)
        self._most = most_waiting_rows
        self._rows = _Rows()
        self._swap = threading.Lock()
        self._writing = threading.Lock()
        self._full = asyncio.Event()
        self._number = files.last_number(folder)
        self._parts_removed = files.remove_parts(folder)
        self._upkeep = Upkeep(folder, KeepDays(raw=keep_raw_days, rollup=keep_rollup_days))
        self.reader = Reader(folder)
        self.state = "ok"  # ok, full, failed
        self.cause = ""
        self.rows_written = 0
        self.rows_dropped = 0
        self.files_written = 0
        self.write_failures = 0
        self.upkeep_failures = 0

    # ---- writing

    def append(self, readings: Iterable[Reading]) -> None:
        """Remember readings until the next `flush`."""
        with self._swap:
            rows = self._rows
            for reading in readings:
                rows.subject.append(reading.subject)
                rows.quantity.append(reading.quantity)
                rows.at_us.append(reading.at_us)
                rows.value.append(reading.value)
            self._bound()
            waiting = len(rows)
        if waiting >= FLUSH_ROWS:
            self._full.set()

    @property
    def waiting(self) -> int:
        """Rows that are not on disk yet."""
        return len(self._rows)

    def flush(self) -> int:
        """Write what waits; returns the rows written. A disk that refuses keeps them waiting and is told in `state`."""
        with self._writing:
            with self._swap:
                rows, self._rows = self._rows, _Rows()
            if not rows:
                return 0
            table = pa.table([rows.subject, rows.quantity, rows.at_us, rows.value], schema=SCHEMA)
            hours = pc.divide(table["at_us"], HOUR_US)
            written = 0
            for hour in pc.unique(hours).to_pylist():
                part = table.filter(pc.equal(hours, hour))
                try:
                    self._write(hour * HOUR_US, part)
                except (OSError, pa.ArrowException) as error:
                    self._refused(error)
                    self._put_back(part)
                else:
                    written += part.num_rows
            if written == len(rows):
                self._recovered()
            self.rows_written += written
            return written

    def upkeep(self, now_us: int) -> None:
        """Merge, roll up, remove what is too old. Raises nothing: a failure is counted, told, and tried again later."""
        with self._writing:
            try:
                self._upkeep.run(now_us)
            except (OSError, duckdb.Error, pa.ArrowException) as error:
                self.upkeep_failures += 1
                log.warning("upkeep of measurements failed; tried again", extra={"reason": str(error)[:300]})

    async def run(self, clock: Clock, flush_s: float = FLUSH_S) -> None:
        """Flush and keep up for ever; flushes a last time when cancelled."""
        next_upkeep_s = clock.monotonic_s()
        try:
            while True:
                try:
                    await asyncio.wait_for(self._full.wait(), flush_s)
                except TimeoutError:
                    pass  # the usual case: time has come
                self._full.clear()
                await run_sync(self.flush)
                if clock.monotonic_s() >= next_upkeep_s:
                    next_upkeep_s = clock.monotonic_s() + UPKEEP_S
                    await run_sync(self.upkeep, clock.wall_us())
        finally:
            self.flush()

    def close(self) -> None:
        """Flush, and let another process write here."""
        self.flush()
        self.reader.close()
        os.close(self._lock_file)

    # ---- asking

    def series(self, subject: str, quantity: str, from_us: int, to_us: int, points: int) -> list[Point]:
        """See `Reader.series`; what was not flushed yet is not in it."""
        return self.reader.series(subject, quantity, from_us, to_us, points)

    def last_hours(self, subjects: Sequence[str], quantity: str, hours: int, now_us: int) -> dict[str, list[Point]]:
        """See `Reader.last_hours`."""
        return self.reader.last_hours(subjects, quantity, hours, now_us)

    def counters(self) -> dict[str, int]:
        """For the system screen."""
        return {
            "measurements_waiting": self.waiting,
            "measurements_written": self.rows_written,
            "measurements_dropped": self.rows_dropped,
            "measurements_files": self.files_written,
            "measurements_write_failures": self.write_failures,
            "measurements_upkeep_failures": self.upkeep_failures + self._upkeep.failures,
            "measurements_merged": self._upkeep.merged,
            "measurements_rolled_up": self._upkeep.rolled_up,
            "measurements_removed": self._upkeep.removed,
            "measurements_broken_files": len(files.broken_files(self.folder)),
        }

    # ---- inside

    def _write(self, hour_us: int, table: pa.Table) -> None:
        number = self._number = self._number + 1
        name = files.name_of(f"{hour_us // HOUR_US % 24:02d}", number, number)
        table = table.sort_by([("subject", "ascending"), ("quantity", "ascending"), ("at_us", "ascending")])
        files.write_whole(
            self.folder / RAW / files.day_of(hour_us) / name,
            lambda part: pq.write_table(table, part, compression="zstd", row_group_size=ROW_GROUP_ROWS),
        )
        self.files_written += 1

    def _put_back(self, part: pa.Table) -> None:
        columns = {name: part[name].to_pylist() for name in ("subject", "quantity", "at_us", "value")}
        with self._swap:
            newer, self._rows = self._rows, _Rows(**columns)
            self._rows.subject += newer.subject
            self._rows.quantity += newer.quantity
            self._rows.at_us += newer.at_us
            self._rows.value += newer.value
            self._bound()

    def _bound(self) -> None:
        over = len(self._rows) - self._most
        if over > 0:
            self.rows_dropped += over
            for column in (self._rows.subject, self._rows.quantity, self._rows.at_us, self._rows.value):
                del column[:over]

    def _refused(self, error: Exception) -> None:
        self.write_failures += 1
        state = "full" if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT) else "failed"
        if state != self.state:
            log.error("measurements cannot be written and wait", extra={"state": state, "reason": str(error)[:200]})
        self.state, self.cause = state, str(error)[:200]

    def _recovered(self) -> None:
        if self.state != "ok":
            log.info("measurements are written again")
        self.state, self.cause = "ok", ""


def _lock(folder: Path) -> int:
    handle = os.open(folder / "writer.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise Conflict(f"Another process writes the measurements in {folder}.", code="measurements_locked") from error
    return handle
