"""Asking the measurements: series of one quantity of one thing in so many points, and hourly figures of many things.

Reads Parquet with DuckDB, from whichever level is fine enough (readings, 5 minutes, hours) and exists; hours that are
not rolled up yet come from the readings. Writes nothing but that a file which cannot be read is set aside, counted and
told in the log, and the answer is given from the rest. Safe beside a writer in another process: a file that goes away
between listing and reading was merged, and is listed again. Bounds: 256 MB of memory and one thread a reader.
"""

import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from manara.store import measurements_files as files
from manara.store.measurements_files import DAY_US, FIVE_MINUTES, HOUR, HOUR_US, LEVEL_US, RAW, WHOLE_DAY, Piece

log = logging.getLogger(__name__)

MOST_POINTS = 5000
TRIES = 4


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A span of a series, from `at_us` to the next point's."""

    at_us: int
    mean: float
    low: float
    high: float
    count: int


@dataclass(slots=True)
class _Chosen:
    raw: list[Path]
    rolled: list[Path]


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB that holds nothing itself, bounded, spilling into the folder of measurements."""
    spill = folder / "tmp"
    spill.mkdir(parents=True, exist_ok=True)
    return duckdb.connect(
        ":memory:",
        config={
            "threads": 1,
            "memory_limit": "256MB",
            "temp_directory": str(spill),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )


class Reader:
    """Asks the files of one folder. Calls block: make them in a thread. One question at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._duck: duckdb.DuckDBPyConnection | None = None
        self.set_aside = 0
        self.asked = 0

    def series(self, subject: str, quantity: str, from_us: int, to_us: int, points: int) -> list[Point]:
        """About `points` (1 to 5000) spans of [from_us, to_us) that hold a value, oldest first.

        Spans begin at multiples of their own length, so that neighbouring questions meet.
        """
        points = max(1, min(MOST_POINTS, points))
        step_us = max(1, -(-(to_us - from_us) // points))
        rows = self._ask((subject,), quantity, from_us, to_us, step_us)
        return [Point(at_us=at, mean=mean, low=low, high=high, count=count) for _, at, mean, low, high, count in rows]

    def last_hours(self, subjects: Sequence[str], quantity: str, hours: int, now_us: int) -> dict[str, list[Point]]:
        """Hourly means of the last whole and the present hours, by subject; a subject without values is not in it."""
        from_us = (now_us // HOUR_US - hours) * HOUR_US
        found: dict[str, list[Point]] = {}
        for subject, at, mean, low, high, count in self._ask(subjects, quantity, from_us, now_us + 1, HOUR_US):
            found.setdefault(subject, []).append(Point(at_us=at, mean=mean, low=low, high=high, count=count))
        return found

    def close(self) -> None:
        """Let go of DuckDB's memory."""
        with self._lock:
            if self._duck is not None:
                self._duck.close()
                self._duck = None

    # ---- inside

    def _ask(
        self, subjects: Sequence[str], quantity: str, from_us: int, to_us: int, step_us: int
    ) -> list[tuple[str, int, float, float, float, int]]:
        if to_us <= from_us or not subjects:
            return []
        with self._lock:
            self.asked += 1
            for last_try in (False,) * (TRIES - 1) + (True,):
                chosen = self._choose(from_us, to_us, step_us)
                if not chosen.raw and not chosen.rolled:
                    return []
                try:
                    return self._query(chosen, subjects, quantity, from_us, to_us, step_us)
                except duckdb.Error as error:
                    aside = sum(self._check(path) for path in (*chosen.raw, *chosen.rolled))
                    if last_try or (not aside and all(path.exists() for path in (*chosen.raw, *chosen.rolled))):
                        raise
                    log.info("measurements are asked again", extra={"reason": str(error)[:200], "set_aside": aside})
        return []

    def _query(
        self, chosen: _Chosen, subjects: Sequence[str], quantity: str, from_us: int, to_us: int, step_us: int
    ) -> list[tuple[str, int, float, float, float, int]]:
        if self._duck is None:
            self._duck = connect(self._folder)
        parts: list[str] = []
        values: list[Any] = []
        for paths, columns in (
            (chosen.raw, "value AS mean, value AS low, value AS high, 1 AS count"),
            (chosen.rolled, "mean, low, high, count"),
        ):
            if paths:
                parts.append(
                    f"SELECT subject, at_us, {columns} FROM read_parquet(?) "  # noqa: S608 - our own words
                    "WHERE subject IN (SELECT unnest(?)) AND quantity = ? AND at_us >= ? AND at_us < ?"
                    if len(subjects) > 1
                    else f"SELECT subject, at_us, {columns} FROM read_parquet(?) "  # noqa: S608
                    "WHERE subject = ? AND quantity = ? AND at_us >= ? AND at_us < ?"
                )
                asked: Any = list(subjects) if len(subjects) > 1 else subjects[0]
                values += [[str(path) for path in paths], asked, quantity, from_us, to_us]
        question = (
            "SELECT subject, (at_us // ?) * ? AS span_us, sum(mean * count) / sum(count), min(low), max(high), "  # noqa: S608
            f"sum(count)::BIGINT FROM ({' UNION ALL '.join(parts)}) GROUP BY subject, span_us ORDER BY subject, span_us"
        )
        return self._duck.execute(question, [step_us, step_us, *values]).fetchall()

    def _choose(self, from_us: int, to_us: int, step_us: int) -> _Chosen:
        level = HOUR if step_us >= HOUR_US else FIVE_MINUTES if step_us >= LEVEL_US[FIVE_MINUTES] else RAW
        chosen = _Chosen([], [])
        known = sorted({day for name in files.LEVELS for day in files.days(self._folder / name)})
        for day in known:
            start_us = files.start_of_day_us(day)
            if start_us < to_us and start_us + DAY_US > from_us:
                self._choose_day(day, level, start_us, from_us, to_us, chosen)
        return chosen

    def _choose_day(self, day: str, level: str, start_us: int, from_us: int, to_us: int, chosen: _Chosen) -> None:
        # readings first: should an hour be rolled up between the two listings, it is found in both, never in neither
        there = {name: files.uncovered(files.pieces(self._folder / name / day)) for name in (RAW, FIVE_MINUTES, HOUR)}
        for name in (level, FIVE_MINUTES, HOUR):
            whole = [piece.path for piece in there[name] if piece.hour == WHOLE_DAY]
            if name != RAW and whole and (level != RAW or not there[RAW]):  # nothing is added to such a day
                chosen.rolled += whole
                return
        for number in range(24):
            hour_us = start_us + number * HOUR_US
            if hour_us >= to_us or hour_us + HOUR_US <= from_us:
                continue
            by_level = {name: _of_hour(there[name], f"{number:02d}") for name in there}
            raw = by_level[RAW]
            if level != RAW and raw:
                newest = max(piece.last for piece in raw)
                rolled = _newest(by_level[level])
                if rolled and rolled[0].last >= newest:
                    chosen.rolled.append(rolled[0].path)
                    continue
            if raw:
                chosen.raw += [piece.path for piece in raw]
                continue
            for name in (level, FIVE_MINUTES, HOUR):
                if name != RAW and by_level[name]:
                    chosen.rolled.append(_newest(by_level[name])[0].path)
                    break

    def _check(self, path: Path) -> int:
        """1 if the file could not be read and was set aside."""
        if self._duck is None:
            self._duck = connect(self._folder)
        reason = why_unreadable(self._duck, path)
        if reason and files.set_aside(path, reason):
            self.set_aside += 1
            return 1
        return 0


def why_unreadable(duck: duckdb.DuckDBPyConnection, path: Path) -> str:
    """What is wrong with a file of ours, "" when every value in it can be read (or it is gone)."""
    try:
        # a hash of every value: minima and maxima would be answered from the footer alone
        duck.execute("SELECT bit_xor(hash(COLUMNS(*))) FROM read_parquet(?)", [str(path)]).fetchall()
    except duckdb.Error as error:
        return str(error)[:300] if path.exists() else ""
    return ""


def _newest(rolled: Sequence[Piece]) -> list[Piece]:
    """A roll-up holds its whole hour: of several, the one made last counts."""
    return sorted(rolled, key=lambda piece: piece.last)[-1:]


def _of_hour(found: Iterable[Piece], hour: str) -> list[Piece]:
    return [piece for piece in found if piece.hour == hour]
