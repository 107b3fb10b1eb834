"""Upkeep of the measurements: merging small files, roll-ups by 5 minutes and hours, removing what is too old.

Called by `measurements.Measurements.upkeep` about each minute, in a thread of the one process that writes. Each step is
one whole file and can be broken off anywhere (see `measurements_files.py`). An hour is rolled up once it is over and a
little longer, and again when late readings come. Days that no reading may change any more have their roll-ups merged
into a file a day. Bounds: DuckDB with 256 MB and one thread, spilling to disk; at most `MOST_HOURS_A_RUN` hours a call.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from manara.store import measurements_files as files
from manara.store.measurements_files import DAY_US, FIVE_MINUTES, HOUR, HOUR_US, LEVEL_US, RAW, WHOLE_DAY, Piece
from manara.store.measurements_query import connect, why_unreadable

log = logging.getLogger(__name__)

SMALL_FILES = 24  # so many of one hour are merged while it still runs
CLOSED_AFTER_US = 180_000_000  # an hour is rolled up this long after its end
COVERED_KEEP_S = 120.0  # a reader that has listed a covered file may still open it
SETTLED_AFTER_US = 9 * DAY_US  # nothing arrives for a day that is over for so long (readings are refused after 7 days)
MOST_HOURS_A_RUN = 8

_ORDER = "ORDER BY subject, quantity, at_us"


@dataclass(frozen=True, slots=True)
class KeepDays:
    """How long readings and roll-ups are kept."""

    raw: float
    rollup: float


class Upkeep:
    """Does what is due in one folder."""

    def __init__(self, folder: Path, keep: KeepDays) -> None:
        self._folder = folder
        self._keep = keep
        self._duck: duckdb.DuckDBPyConnection | None = None
        self.merged = 0
        self.rolled_up = 0
        self.removed = 0
        self.set_aside = 0
        self.failures = 0

    def run(self, now_us: int) -> None:
        """One round. Raises `OSError` or `duckdb.Error`; what was done until then stays done."""
        try:
            self._remove_old(now_us)
            hours = 0
            for day in files.days(self._folder / RAW):
                self._remove_covered(day)
                start_us = files.start_of_day_us(day)
                for hour, found in _by_hour(files.uncovered(files.pieces(self._folder / RAW / day))).items():
                    closed = now_us >= start_us + (int(hour) + 1) * HOUR_US + CLOSED_AFTER_US
                    if hours < MOST_HOURS_A_RUN and self._try_hour(day, hour, found, closed=closed):
                        hours += 1
            for day in files.days(self._folder / FIVE_MINUTES):
                if now_us >= files.start_of_day_us(day) + DAY_US + SETTLED_AFTER_US:
                    self._settle(day)
        finally:
            if self._duck is not None:
                self._duck.close()  # its memory is wanted again only in a minute
                self._duck = None

    # ---- inside

    def _try_hour(self, day: str, hour: str, found: Sequence[Piece], *, closed: bool) -> bool:
        """An hour that cannot be worked on must not hold up all the others."""
        try:
            return self._hour(day, hour, found, closed=closed)
        except duckdb.Error as error:
            self.failures += 1
            log.warning(
                "an hour of measurements cannot be merged or rolled up; tried again",
                extra={"day": day, "hour": hour, "reason": str(error)[:300]},
            )
            return True

    def _hour(self, day: str, hour: str, found: Sequence[Piece], *, closed: bool) -> bool:
        """Merge and roll up one hour where that is due; returns whether anything was done."""
        done = False
        small = [piece for piece in found if piece.first == piece.last]
        if len(found) > 1 and closed:
            found = self._merge(RAW, day, hour, found)
            done = True
        elif len(small) >= SMALL_FILES:
            self._merge(RAW, day, hour, small)  # each row is written once more, not again with every merge
            done = True
        if not closed or not found:
            return done
        newest = max(piece.last for piece in found)
        for level in (FIVE_MINUTES, HOUR):
            there = [piece for piece in files.pieces(self._folder / level / day) if piece.hour in (hour, WHOLE_DAY)]
            if not any(piece.last >= newest for piece in there):
                self._roll_up(level, day, hour, found)
                done = True
        return done

    def _merge(self, level: str, day: str, hour: str, found: Sequence[Piece]) -> list[Piece]:
        """One file out of several; returns what there is then."""
        made = self._make(level, day, hour, found, f"SELECT * FROM read_parquet(?) {_ORDER}", [])  # noqa: S608
        self.merged += len(found) if made else 0
        return made

    def _roll_up(self, level: str, day: str, hour: str, found: Sequence[Piece]) -> None:
        step_us = LEVEL_US[level]
        select = (
            "SELECT subject, quantity, (at_us // ?) * ? AS at_us, avg(value) AS mean, min(value) AS low, "  # noqa: S608
            f"max(value) AS high, count(*)::BIGINT AS count FROM read_parquet(?) GROUP BY ALL {_ORDER}"
        )
        self.rolled_up += bool(self._make(level, day, hour, found, select, [step_us, step_us]))

    def _make(
        self, level: str, day: str, hour: str, found: Sequence[Piece], select: str, values: Sequence[object]
    ) -> list[Piece]:
        """The file that `select` makes of others. A broken one is set aside, and the rest is taken."""
        for last_try in (False, True):
            if not found:
                return []
            first, last = min(piece.first for piece in found), max(piece.last for piece in found)
            path = self._folder / level / day / files.name_of(hour, first, last)
            try:
                self._copy(path, select, [*values, [str(piece.path) for piece in found]])
            except duckdb.Error:
                good = self._readable(found)
                if last_try or len(good) == len(found):
                    raise
                found = good
            else:
                return [Piece(hour, first, last, path)]
        return []

    def _settle(self, day: str) -> None:
        """One file a day and level, for days that do not change any more."""
        for level in (FIVE_MINUTES, HOUR):
            found = files.pieces(self._folder / level / day)
            if found and not any(piece.hour == WHOLE_DAY for piece in found):
                # a roll-up holds its whole hour: of several, the one made last counts
                newest = {piece.hour: piece for piece in sorted(found, key=lambda piece: piece.last)}
                self._merge(level, day, WHOLE_DAY, list(newest.values()))
        self._remove_covered(day)

    def _readable(self, found: Sequence[Piece]) -> list[Piece]:
        """Those that can be read; the others are set aside."""
        good = []
        for piece in found:
            reason = why_unreadable(self._connected(), piece.path)
            if not reason:
                good.append(piece)
            elif files.set_aside(piece.path, reason):
                self.set_aside += 1
        return good

    def _connected(self) -> duckdb.DuckDBPyConnection:
        if self._duck is None:
            self._duck = connect(self._folder)
        return self._duck

    def _copy(self, path: Path, select: str, values: list[object]) -> None:
        duck = self._connected()

        def write(part: Path) -> None:
            target = str(part).replace("'", "''")
            duck.execute(
                f"COPY ({select}) TO '{target}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 65536)", values
            )

        files.write_whole(path, write)

    def _remove_covered(self, day: str) -> None:
        now_s = time.time()  # the files' own times are the machine's
        for level in files.LEVELS:
            found = files.pieces(self._folder / level / day)
            for piece in found:
                covering = [other for other in found if other.covers(piece)]
                if any(now_s - other.path.stat().st_mtime > COVERED_KEEP_S for other in covering):
                    piece.path.unlink(missing_ok=True)

    def _remove_old(self, now_us: int) -> None:
        for level in files.LEVELS:
            keep_days = self._keep.raw if level == RAW else self._keep.rollup
            for day in files.days(self._folder / level):
                if files.start_of_day_us(day) + DAY_US + keep_days * DAY_US > now_us:
                    break
                folder = self._folder / level / day
                for path in folder.iterdir():
                    path.unlink()
                    self.removed += 1
                folder.rmdir()


def _by_hour(found: Sequence[Piece]) -> dict[str, list[Piece]]:
    by_hour: dict[str, list[Piece]] = {}
    for piece in found:
        by_hour.setdefault(piece.hour, []).append(piece)
    return by_hour
