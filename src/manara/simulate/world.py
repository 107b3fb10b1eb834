"""The traffic world behind a scene: vehicles on lanes, people on pavements, signals; and its truth.

Metres, seconds, degrees; x to the right of the scene, y away from the camera, z up. A scene's world repeats every
`PERIOD_S`, so that a clip of it can play in a circle without a jump. Vehicles follow the Intelligent Driver Model
(Treiber et al. 2000). Nobody in it is anybody: ids are counters. Pure and seeded. Called by `scenes.py`; drawn by
`draw.py`; its truth is kept in `truth.jsonl`.
"""

import math
import random
from dataclasses import dataclass, field
from typing import Literal

PERIOD_S = 32.0
_STEP_S = 0.04
_WARM_UP_PERIODS = 3
Kind = Literal["car", "taxi", "pickup", "van", "bus", "person"]
# length, width, height in m; wish speed factor; share of traffic
SIZES: dict[str, tuple[float, float, float]] = {
    "car": (4.4, 1.8, 1.45),
    "taxi": (4.4, 1.8, 1.45),
    "pickup": (5.2, 1.9, 1.75),
    "van": (4.9, 1.9, 2.1),
    "bus": (9.0, 2.4, 3.0),
    "person": (0.5, 0.5, 1.72),
}
_MIX: tuple[tuple[Kind, float], ...] = (("car", 0.52), ("taxi", 0.2), ("pickup", 0.12), ("van", 0.11), ("bus", 0.05))


@dataclass(frozen=True, slots=True)
class Lane:
    """A straight lane. Vehicles drive from `start` to `end`; a signal stands at `stop_m` along it."""

    start: tuple[float, float]
    end: tuple[float, float]
    speed_kmh: float
    per_period: int  # vehicles that enter in a period
    stop_m: float | None = None
    phase: int = 0  # which half of the signal's cycle is green

    @property
    def length_m(self) -> float:
        return math.dist(self.start, self.end)

    def at(self, along_m: float) -> tuple[float, float, float]:
        """Place and heading (degrees clockwise from +y) at a distance along the lane."""
        share = along_m / self.length_m
        dx, dy = self.end[0] - self.start[0], self.end[1] - self.start[1]
        return self.start[0] + dx * share, self.start[1] + dy * share, math.degrees(math.atan2(dx, dy))


@dataclass(frozen=True, slots=True)
class Walk:
    """A way that people walk, both ways; `crossing` phase means they wait for that phase's vehicles to stand."""

    start: tuple[float, float]
    end: tuple[float, float]
    per_period: int
    width_m: float = 2.0
    crossing: int | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody or something at one moment."""

    number: int
    kind: Kind
    x_m: float
    y_m: float
    heading_deg: float
    speed_ms: float
    tint: int  # chooses the colour
    braking: bool = False


@dataclass(slots=True)
class _Vehicle:
    number: int
    kind: Kind
    tint: int
    wish_ms: float
    along_m: float = 0.0
    speed_ms: float = 0.0
    braking: bool = False


@dataclass(slots=True)
class _Track:
    lane: Lane
    entries: list[tuple[float, Kind, int, float]]  # time in the period, kind, tint, wish speed
    vehicles: list[_Vehicle] = field(default_factory=list)  # first in the lane first
    waiting: list[_Vehicle] = field(default_factory=list)


def green(phase: int, at_s: float) -> bool:
    """Whether the vehicles of this phase may go: 13 s, then 3 s of clearing, then the other phase."""
    return (at_s - phase * PERIOD_S / 2) % PERIOD_S < PERIOD_S / 2 - 3


class World:
    """A world that moves. `moments` gives all actors at each frame time of one period."""

    def __init__(self, lanes: tuple[Lane, ...], walks: tuple[Walk, ...], seed: int) -> None:
        self._chance = random.Random(seed)
        self._number = 0
        self._tracks = [self._track(lane) for lane in lanes]
        self._people = [person for walk in walks for person in self._walkers(walk)]

    def _track(self, lane: Lane) -> _Track:
        kinds, weights = zip(*_MIX, strict=True)
        slot_s = PERIOD_S / max(1, lane.per_period)
        entries = []
        for index in range(lane.per_period):
            kind: Kind = self._chance.choices(kinds, weights)[0]
            wish_ms = lane.speed_kmh / 3.6 * self._chance.uniform(0.85, 1.1) * (0.85 if kind == "bus" else 1.0)
            entries.append(
                (slot_s * (index + self._chance.uniform(0.1, 0.8)), kind, self._chance.randrange(64), wish_ms)
            )
        return _Track(lane, sorted(entries, key=lambda entry: entry[0]))

    def _walkers(self, walk: Walk) -> list[tuple[Walk, bool, float, float, float, int, int]]:
        people = []
        for _ in range(walk.per_period):
            self._number += 1
            back = self._chance.random() < 0.5
            aside_m = self._chance.uniform(-walk.width_m / 2, walk.width_m / 2)
            speed_ms = self._chance.uniform(1.0, 1.55)
            start_s = self._chance.uniform(0, PERIOD_S)
            if walk.crossing is not None:
                start_s = (walk.crossing * PERIOD_S / 2 + PERIOD_S / 2 + self._chance.uniform(0, 3)) % PERIOD_S
            people.append((walk, back, aside_m, speed_ms, start_s, self._chance.randrange(64), self._number))
        return people

    def moments(self, frame_s: float) -> list[list[Actor]]:
        """All actors at 0, `frame_s`, … of one period, the world having settled into its rhythm before."""
        frames: list[list[Actor]] = []
        steps = round(PERIOD_S / _STEP_S)
        for period in range(_WARM_UP_PERIODS + 1):
            next_frame = 0
            for step in range(steps):
                at_s = step * _STEP_S
                if period == _WARM_UP_PERIODS and at_s >= next_frame * frame_s - 1e-9:
                    frames.append(self._vehicles() + self._pedestrians(next_frame * frame_s))
                    next_frame += 1
                for track in self._tracks:
                    self._advance(track, at_s)
        return frames

    def _advance(self, track: _Track, at_s: float) -> None:
        for entry_s, kind, tint, wish_ms in track.entries:
            if at_s <= entry_s < at_s + _STEP_S:
                self._number += 1
                track.waiting.append(_Vehicle(self._number, kind, tint, wish_ms, speed_ms=wish_ms))
        if track.waiting and (not track.vehicles or track.vehicles[-1].along_m > 14):
            track.vehicles.append(track.waiting.pop(0))
        lane = track.lane
        red = lane.stop_m is not None and not green(lane.phase, at_s)
        ahead: _Vehicle | None = None
        for vehicle in track.vehicles:
            length_m = SIZES[vehicle.kind][0]
            gap_m, closing_ms = math.inf, 0.0
            if ahead is not None:
                gap_m = ahead.along_m - vehicle.along_m - (SIZES[ahead.kind][0] + length_m) / 2
                closing_ms = vehicle.speed_ms - ahead.speed_ms
            if red and lane.stop_m is not None:
                to_line_m = lane.stop_m - vehicle.along_m - length_m / 2
                can_stop = to_line_m > vehicle.speed_ms**2 / (2 * 4.5)
                if 0 < to_line_m < gap_m and can_stop:
                    gap_m, closing_ms = to_line_m, vehicle.speed_ms
            push = _follow(vehicle.speed_ms, vehicle.wish_ms, gap_m, closing_ms)
            vehicle.braking = push < -0.7 or vehicle.speed_ms < 0.3
            vehicle.speed_ms = max(0.0, vehicle.speed_ms + push * _STEP_S)
            vehicle.along_m += vehicle.speed_ms * _STEP_S
            ahead = vehicle
        while track.vehicles and track.vehicles[0].along_m > lane.length_m:
            track.vehicles.pop(0)

    def _vehicles(self) -> list[Actor]:
        actors = []
        for track in self._tracks:
            for vehicle in track.vehicles:
                x_m, y_m, heading = track.lane.at(vehicle.along_m)
                actors.append(
                    Actor(
                        vehicle.number, vehicle.kind, x_m, y_m, heading, vehicle.speed_ms, vehicle.tint, vehicle.braking
                    )
                )
        return actors

    def _pedestrians(self, at_s: float) -> list[Actor]:
        actors = []
        for walk, back, aside_m, speed_ms, start_s, tint, number in self._people:
            a, b = (walk.end, walk.start) if back else (walk.start, walk.end)
            length_m = math.dist(a, b)
            dx, dy = (b[0] - a[0]) / length_m, (b[1] - a[1]) / length_m
            stride_m = PERIOD_S * speed_ms  # a long way carries several people, a period apart, so that the loop closes
            first_m = ((at_s - start_s) % PERIOD_S) * speed_ms
            for turn in range(1 if walk.crossing is not None else math.ceil(length_m / stride_m)):
                along_m = first_m + turn * stride_m
                if along_m > length_m:
                    break
                x_m, y_m = a[0] + dx * along_m - dy * aside_m, a[1] + dy * along_m + dx * aside_m
                heading = math.degrees(math.atan2(dx, dy))
                actors.append(Actor(number * 10 + turn, "person", x_m, y_m, heading, speed_ms, (tint + turn * 7) % 64))
        return actors


def _follow(speed_ms: float, wish_ms: float, gap_m: float, closing_ms: float) -> float:
    """Acceleration by the Intelligent Driver Model, m/s²: 1.6 up, 2.2 down in comfort, 1.2 s and 2 m apart."""
    free = 1.6 * (1 - (speed_ms / wish_ms) ** 4)
    if math.isinf(gap_m):
        return free
    wanted_m = 2.0 + max(0.0, speed_ms * 1.2 + speed_ms * closing_ms / (2 * math.sqrt(1.6 * 2.2)))
    return max(-8.0, free - 1.6 * (wanted_m / max(0.3, gap_m)) ** 2)
