"""Clocks that come in from outside, so that a test can be a timetable.

Wall time is UTC in integer microseconds since 1970 (`*_us`); intervals are measured on the monotonic clock (`*_s`).
"""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is (wall) and how much has passed (monotonic)."""

    def wall_us(self) -> int:
        """UTC in µs since 1970; may step when the machine's clock is set."""
        ...

    def monotonic_s(self) -> float:
        """Seconds since an arbitrary start; never steps."""
        ...


class SystemClock:
    """The machine's clocks."""

    def wall_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic_s(self) -> float:
        return time.monotonic()


class FakeClock:
    """A clock that a test moves by hand."""

    def __init__(self, wall_us: int = 1_700_000_000_000_000) -> None:
        self._wall_us = wall_us
        self._monotonic_s = 1000.0

    def wall_us(self) -> int:
        return self._wall_us

    def monotonic_s(self) -> float:
        return self._monotonic_s

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self._wall_us += round(seconds * 1_000_000)
        self._monotonic_s += seconds

    def step_wall(self, seconds: float) -> None:
        """Set the wall clock forward or back; the monotonic clock does not notice."""
        self._wall_us += round(seconds * 1_000_000)


def to_datetime(at_us: int) -> datetime:
    """UTC µs to an aware datetime."""
    return datetime.fromtimestamp(at_us / 1_000_000, UTC)


def to_us(at: datetime) -> int:
    """Aware datetime to UTC µs, exact to the microsecond."""
    delta = at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def iso(at_us: int) -> str:
    """`2026-11-22T06:07:56.123456Z`, for logs, manifests and file names made by people."""
    return to_datetime(at_us).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
