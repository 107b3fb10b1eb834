"""What goes wrong by itself while somebody looks at the demo: a timetable of faults, each healed after a while. Pure.

`calm` has none. `evening` (the default) leaves two minutes of calm and then makes one understandable thing wrong about
every minute and a half, never more than three at once. `bad_day` is a flood: many at once, a dust storm and power cuts
among them. The same seed and places give the same timetable, for ever. Called by `devices.py` once a second.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Mood = Literal["calm", "evening", "bad_day"]
CALM_S = 120.0


@dataclass(frozen=True, slots=True)
class Planned:
    """One fault to come. `after_s` counts from the start."""

    after_s: float
    kind: str
    at: str
    lasts_s: float


# What is understood at a glance first; a round takes about twenty minutes and begins again elsewhere.
_EVENING = (
    ("camera_dead", 240), ("sprayed", 240), ("grid", 420), ("site_power", 300), ("link_cut", 300), ("turned", 240),
    ("credential", 240), ("door", 180), ("black", 180), ("switch_dead", 300), ("battery_stolen", 420),
    ("blurred", 240), ("link_degraded", 300), ("frozen", 240), ("hot", 240), ("covered", 240),
)  # fmt: skip
_EVENING_EVERY_S = 90.0
_BAD = (
    "grid", "site_power", "camera_dead", "link_cut", "black", "switch_dead", "credential", "dust", "covered", "grid",
    "camera_stalled", "battery_stolen", "frozen", "link_degraded", "stream_poor", "hot", "turned", "telemetry",
)  # fmt: skip
_BAD_EVERY_S = 12.0
_MOST_AT_ONCE = {"calm": 0, "evening": 3, "bad_day": 40}


class Timetable:
    """Gives out faults as they fall due."""

    def __init__(self, mood: Mood, places: Callable[[str], Sequence[str]], seed: int = 7) -> None:
        self._mood = mood
        self._places = places
        self._chance = random.Random(seed)
        self._count = 0
        self._next = self._plan()

    def due(self, passed_s: float, active: int) -> list[Planned]:
        """The faults whose time has come; what would be too much at once is left out."""
        found: list[Planned] = []
        while self._next is not None and self._next.after_s <= passed_s:
            if active + len(found) < _MOST_AT_ONCE[self._mood]:
                found.append(self._next)
            self._next = self._plan()
        return found

    def _plan(self) -> Planned | None:
        """The next one that has a place to be."""
        if self._mood == "calm":
            return None
        for _ in range(len(_EVENING) + len(_BAD)):
            kind, lasts_s, after_s = self._one()
            places = self._places(kind)
            if places:
                return Planned(after_s, kind, self._chance.choice(list(places)), lasts_s)
        return None

    def _one(self) -> tuple[str, float, float]:
        number, self._count = self._count, self._count + 1
        if self._mood == "evening":
            kind, lasts_s = _EVENING[number % len(_EVENING)]
            return kind, float(lasts_s), CALM_S + number * _EVENING_EVERY_S
        return _BAD[number % len(_BAD)], self._chance.uniform(120, 600), 20.0 + number * _BAD_EVERY_S
