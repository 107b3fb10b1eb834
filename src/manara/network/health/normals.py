"""A camera's own normal: what its bit rate, frame rate and GOP are at each hour of the day, learned. Pure.

Robust: of each hour the newest `SAMPLES` values (one each half hour, so about two weeks of that hour) are kept; normal
is their median, its width their median absolute deviation (MAD) times 1.4826, which is the standard deviation where
values are Gaussian and is not moved by a few bad nights (Hampel 1974). Nothing is learned while something is wrong.
Kept over restarts as one file (`dump`, `load`); about 2.5 KB a camera.
"""

import math
from array import array
from dataclasses import dataclass, field

import msgspec

SAMPLES = 28
ENOUGH = 4  # values of an hour before it is judged by itself
ENOUGH_ANY = 8  # values of all hours together before anything is judged
EVERY_S = 1800.0
_SIGMA = 1.4826


def median(values: "list[float] | array[float]") -> float:
    """The middle value (mean of the middle two). Raises `ValueError` of none."""
    if not values:
        raise ValueError("there is no median of nothing")
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


@dataclass(frozen=True, slots=True)
class Normal:
    """What is normal now, and how much it varies (standard deviation, robust). `of_hour`: learned of this hour."""

    value: float
    sigma: float
    of_hour: bool


@dataclass(slots=True)
class Learned:
    """The normal of one quantity of one camera."""

    hours: "list[array[float]]" = field(default_factory=lambda: [array("f") for _ in range(24)])
    last_s: float = 0.0

    def learn(self, value: float, hour: int, at_s: float) -> None:
        """A good value of an hour of the day (local time). Taken at most each half hour."""
        if at_s - self.last_s < EVERY_S:
            return
        self.last_s = at_s
        kept = self.hours[hour]
        kept.append(value)
        if len(kept) > SAMPLES:
            del kept[0]

    def normal(self, hour: int) -> Normal | None:
        """What is normal at this hour, by this hour if enough is known of it, else by its neighbours, else by all."""
        kept = self.hours[hour]
        if len(kept) >= ENOUGH:
            return _normal(kept, of_hour=True)
        near = [value for step in (-1, 0, 1) for value in self.hours[(hour + step) % 24]]
        if len(near) >= ENOUGH:
            return _normal(near, of_hour=False)
        every = [value for kept in self.hours for value in kept]
        return _normal(every, of_hour=False) if len(every) >= ENOUGH_ANY else None

    def forget(self) -> None:
        """Begin anew: what was normal is so no more, by somebody's wish."""
        for kept in self.hours:
            del kept[:]
        self.last_s = 0.0


def _normal(values: "list[float] | array[float]", *, of_hour: bool) -> Normal:
    middle = median(values)
    return Normal(middle, _SIGMA * median([abs(value - middle) for value in values]), of_hour)


class _File(msgspec.Struct):
    version: int
    cameras: dict[str, dict[str, list[list[float]]]]


def dump(cameras: dict[str, dict[str, Learned]]) -> bytes:
    """All normals as one file."""
    plain = {
        id: {name: [kept.tolist() for kept in learned.hours] for name, learned in of.items()}
        for id, of in cameras.items()
    }
    return msgspec.msgpack.encode(_File(1, plain))


def load(data: bytes) -> dict[str, dict[str, Learned]]:
    """The normals in a file. Raises `msgspec.MsgspecError` where it is not one."""
    kept = msgspec.msgpack.decode(data, type=_File)
    return {
        id: {
            name: Learned([array("f", (hours[hour] if hour < len(hours) else [])[-SAMPLES:]) for hour in range(24)])
            for name, hours in of.items()
        }
        for id, of in kept.cameras.items()
    }


def shown(learned: dict[str, Learned]) -> dict[str, list[float | None]]:
    """What is normal at each of the 24 hours (`bitrate_bps`, `frame_rate_hz`, `gop_s`); null: too little is known."""
    named = {"bitrate": ("bitrate_bps", True), "frame_rate": ("frame_rate_hz", False), "gop": ("gop_s", True)}
    told: dict[str, list[float | None]] = {}
    for name, of in learned.items():
        if name in named:
            title, logarithmic = named[name]
            normal = [of.normal(hour) for hour in range(24)]
            told[title] = [
                None if one is None else round(math.exp(one.value) if logarithmic else one.value, 2) for one in normal
            ]
    return told
