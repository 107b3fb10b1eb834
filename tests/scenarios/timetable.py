"""Scenarios as timetables: `at` a time something happens or is told, and by a time something is concluded.

    timetable(
        at(0, "the grid goes at the market", lambda t: t.reading(...)),
        by(5, opens("grid_lost site:market")),
    )

Times are seconds. What is told goes through the whole of `network/health`; whoever judges causes further (alarms) can
hang on with `also`: a callable that sees each batch of changes when it is made.
"""

from collections.abc import Callable
from dataclasses import dataclass

from manara.network.health.actions import Batch
from tests.network.health.world import Told

Act = Callable[[Told], None]


@dataclass(frozen=True)
class Line:
    """One line of a timetable."""

    at_s: float
    words: str
    act: Act


def at(at_s: float, words: str, act: Act) -> Line:
    """At this time, something happens."""
    return Line(at_s, words, act)


def by(at_s: float, check: tuple[str, Act]) -> Line:
    """By this time, something is so."""
    return Line(at_s, check[0], check[1])


def opens(*causes: str) -> tuple[str, Act]:
    """Exactly these causes are open, as `kind subject`."""

    def check(told: Told) -> None:
        assert sorted(told.causes()) == sorted(causes), f"at {told.now_s:g} s: {sorted(told.causes())}"

    return f"open: {', '.join(causes) or 'nothing'}", check


def never_more_than(count: int) -> tuple[str, Act]:
    """So many causes were ever opened, no more."""

    def check(told: Told) -> None:
        assert len(told.opened()) <= count, told.opened()

    return f"never more than {count} causes", check


def timetable(*lines: Line, also: Callable[[Batch], None] | None = None) -> Told:
    """Play the lines in the order of their times; returns where it ended."""
    told = Told()
    seen = 0
    for line in sorted(lines, key=lambda line: line.at_s):
        told.go(line.at_s)
        if also is not None:
            for batch in told.batches[seen:]:
                also(batch)
            seen = len(told.batches)
        line.act(told)
    return told
