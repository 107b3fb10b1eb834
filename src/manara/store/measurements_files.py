"""How measurements lie on disk: names, which file covers which, writing whole files or none, setting broken ones aside.

    <folder>/raw/2026-11-22/13.000000120-000000151.parquet     readings of the hour 13 (UTC)
    <folder>/5m/2026-11-22/13.000000120-000000151.parquet      their roll-up by 5 minutes
    <folder>/1h/2026-11-22/…                                   by the hour
    <folder>/5m/2026-11-01/day.000000001-000009999.parquet     all hours of an old day

The two numbers are the first and last write whose rows the file holds. A file whose range lies within another's of the
same hour is covered: it counts for nothing and is removed once nobody can be reading it any more. So a merge is one
rename, and a kill at any point neither loses rows nor counts them twice. A roll-up is up to date when its last number
is that of the readings. Used by `measurements.py` and its siblings only; decides nothing.
"""

import logging
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

log = logging.getLogger(__name__)

RAW, FIVE_MINUTES, HOUR = "raw", "5m", "1h"
LEVELS = (RAW, FIVE_MINUTES, HOUR)
LEVEL_US = {RAW: 0, FIVE_MINUTES: 300_000_000, HOUR: 3_600_000_000}
HOUR_US = 3_600_000_000
DAY_US = 86_400_000_000
WHOLE_DAY = "day"
BROKEN = ".broken"

_NAME = re.compile(r"(\d\d|day)\.(\d{9,})-(\d{9,})\.parquet")


@dataclass(frozen=True, slots=True, order=True)
class Piece:
    """One file. `hour` is `00` to `23`, or `day`."""

    hour: str
    first: int
    last: int
    path: Path

    def covers(self, other: "Piece") -> bool:
        """Whether all rows of `other` are in this one."""
        return (
            self is not other
            and self.hour in (other.hour, WHOLE_DAY)
            and (self.hour != other.hour or (self.first, self.last) != (other.first, other.last))
            and self.first <= other.first
            and other.last <= self.last
        )


def name_of(hour: str, first: int, last: int) -> str:
    """The file name of a piece."""
    return f"{hour}.{first:09d}-{last:09d}.parquet"


def day_of(at_us: int) -> str:
    """The day (UTC) of a time, as its folder is called."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)).strftime("%Y-%m-%d")


def start_of_day_us(day: str) -> int:
    """When a day (UTC) begins."""
    date = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    return int(date.timestamp()) * 1_000_000


def days(folder: Path) -> list[str]:
    """The days of which a level has a folder, oldest first."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return sorted(name for name in names if re.fullmatch(r"\d{4}-\d\d-\d\d", name))


def pieces(folder: Path) -> list[Piece]:
    """All whole files of one day's folder, covered ones too."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    found = []
    for name in names:
        if match := _NAME.fullmatch(name):
            found.append(Piece(match[1], int(match[2]), int(match[3]), folder / name))
    return sorted(found)


def uncovered(found: Iterable[Piece]) -> list[Piece]:
    """Those that count: no other piece holds all their rows."""
    found = list(found)
    return [piece for piece in found if not any(other.covers(piece) for other in found)]


def last_number(folder: Path) -> int:
    """The highest number of any write in the readings, 0 where there is none."""
    return max(
        (piece.last for level in LEVELS for day in days(folder / level) for piece in pieces(folder / level / day)),
        default=0,
    )


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` make a file beside `path`, sync it, and give it its name. Raises `OSError`; then nothing is left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    try:
        write(part)
        handle = os.open(part, os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    for folder in (path.parent, path.parent.parent):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def set_aside(path: Path, reason: str) -> bool:
    """Rename a file that cannot be read, so that nobody stumbles over it again. Returns False if it was gone."""
    try:
        path.rename(path.with_name(path.name + BROKEN))
    except FileNotFoundError:
        return False
    log.error("a file of measurements cannot be read and is set aside", extra={"file": str(path), "reason": reason})
    return True


def broken_files(folder: Path) -> list[Path]:
    """The files that were set aside and not yet looked at by a person."""
    return sorted(folder.glob(f"*/*/*{BROKEN}"))


def remove_parts(folder: Path) -> int:
    """Remove what a kill left half written. Returns how many."""
    left = list(folder.glob("*/*/*.part"))
    for part in left:
        part.unlink(missing_ok=True)
    return len(left)
