"""How long a site's battery lasts, with an interval, and which sites go dark before morning. Pure: no clock, no I/O.

The state of charge now is carried forward in steps: minus a load that follows its own day (`learn_load`), plus a sun
that follows place, date and how clear the sky has been (`solar.py`), until the battery is empty. What is not certain
(the load, the sky, the capacity, the state of charge as told) is moved one standard deviation up and down, each alone;
the deviations of the curve are joined by root sum of squares into an interval of `COVERAGE`. Temperature is ignored.
Asked by the `health` role for every site with a battery each few minutes; measured by
`benchmarks/battery_forecast.py` (coverage and error over a simulated year, against capacity over present load).

Sources. End of life of stationary batteries at 80 % of capacity: IEEE 450, 1188 and 1491; a float life of 5 to 10 years
(Eurobat) shortened in hot cabinets gives 3 % ± 1.5 % a year. Charging at most at about 0.3 C and tapering over the last
tenth, watt-hour efficiency about 0.9: usual of valve-regulated lead-acid and lithium iron phosphate, in between.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from manara.network.power.solar import (
    DAY_US,
    HOUR_US,
    Clearness,
    clear_w,
    next_sunrise_us,
)

COVERAGE = 0.9
_Z = 1.645
HORIZON_H = 48.0
_STEP_US = 900_000_000
_CURVE_EVERY = 2  # steps between points of the curve
EMPTY_PCT = 3.0  # the controller has switched the load off by here; a little early rather than late
_CHARGE_C, _TAPER_PCT, _EFFICIENCY = 0.3, 10.0, 0.9
_FADE_PER_YEAR, _FADE_SPREAD, _LEAST_HEALTH = 0.03, 0.015, 0.5
_YEAR_US = 365.25 * DAY_US
_NEW_SPREAD, _LEARNED_SPREAD = 0.06, 0.04
_SOC_SPREAD_PCT = 2.0  # of the controller's own estimate
_UNKNOWN_LOAD_SPREAD, _LEAST_LOAD_SPREAD = 0.2, 0.04
_RATIO_LASTS_H = 12.0  # a load that is unusual now is so for about as long


@dataclass(frozen=True, slots=True)
class LoadSample:
    """Mean load over a span that begins at `at_us`."""

    at_us: int
    mean_w: float
    span_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class LoadProfile:
    """Usual load by hour of the sun's day (24 means in W), and how much a day differs from it (relative)."""

    mean_w: tuple[float, ...]
    spread: float = _UNKNOWN_LOAD_SPREAD

    @classmethod
    def flat(cls, load_w: float) -> "LoadProfile":
        """The present load all day, where nothing has been learned."""
        return cls((load_w,) * 24)

    def at(self, sun_hour: float) -> float:
        """Load at an hour of the day, between the hours' middles."""
        place = (sun_hour - 0.5) % 24
        first = int(place)
        share = place - first
        return self.mean_w[first % 24] * (1 - share) + self.mean_w[(first + 1) % 24] * share


@dataclass(frozen=True, slots=True)
class Capacity:
    """What the battery holds when full, in Wh, and the relative spread of what we know of it."""

    wh: float
    spread: float = _NEW_SPREAD


@dataclass(frozen=True, slots=True)
class PowerSample:
    """Means over a span: for learning what a battery really holds."""

    at_us: int
    state_of_charge_pct: float
    load_w: float
    solar_w: float = 0.0
    grid: float = 0.0  # share of the span
    span_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class Panel:
    """A solar array and how clear its sky has been."""

    peak_w: float
    clearness: Clearness = field(default_factory=Clearness)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """State of charge at a time, and the interval it lies in."""

    at_us: int
    low_pct: float
    soc_pct: float
    high_pct: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to come. `hours_left` ends at `HORIZON_H`, which then means "at least".

    With `on_grid` it is what would be if the grid went now, and nothing is told to go dark.
    """

    at_us: int
    state_of_charge_pct: float
    load_power_w: float
    hours_left: float
    hours_left_low: float
    hours_left_high: float
    on_grid: bool
    dark_at_us: int | None
    dark_before_morning: bool
    dark_possible: bool  # the lower end of the interval goes dark before morning
    morning_us: int | None  # when the sun carries the load again; None where no night is coming
    curve: tuple[CurvePoint, ...]


def learn_load(samples: Iterable[LoadSample], lon_deg: float, now_us: int, present_w: float) -> LoadProfile:
    """The usual day of a load, from the last weeks; hours of which nothing is known are the mean of the others."""
    sums, counts = [0.0] * 24, [0.0] * 24
    days: dict[int, list[tuple[int, float]]] = {}
    for sample in samples:
        if not 0 < sample.mean_w < 1e6 or sample.at_us > now_us:
            continue  # a site without power draws nothing: that says nothing of what it would draw
        middle_us = sample.at_us + round(sample.span_s * 500_000) + round(lon_deg / 15 * HOUR_US)
        hour = int(middle_us % DAY_US // HOUR_US)
        weight = math.exp(-(now_us - sample.at_us) / (7 * DAY_US))
        sums[hour] += weight * sample.mean_w
        counts[hour] += weight
        days.setdefault(middle_us // DAY_US, []).append((hour, sample.mean_w))
    known = [total / count for total, count in zip(sums, counts, strict=True) if count]
    if not known:
        return LoadProfile.flat(max(0.0, present_w))
    mean = sum(known) / len(known)
    profile = tuple(total / count if count else mean for total, count in zip(sums, counts, strict=True))
    ratios = [
        sum(value for _, value in told) / expected
        for told in days.values()
        if len(told) >= 6 and (expected := sum(profile[hour] for hour, _ in told)) > 0
    ]
    if len(ratios) < 3:
        return LoadProfile(profile, _UNKNOWN_LOAD_SPREAD / 2)
    spread = math.sqrt(sum((ratio - 1) ** 2 for ratio in ratios) / (len(ratios) - 1))
    return LoadProfile(profile, min(0.5, max(_LEAST_LOAD_SPREAD, spread)))


def aged_capacity(new_wh: float, installed_us: int | None, now_us: int) -> Capacity:
    """What a battery of `new_wh` still holds by its age; an unknown age counts as two years and is less certain."""
    years = 2.0 if installed_us is None else max(0.0, (now_us - installed_us) / _YEAR_US)
    health = max(_LEAST_HEALTH, 1 - _FADE_PER_YEAR * years)
    spread = math.hypot(_NEW_SPREAD, _FADE_SPREAD * max(years, 2.0 if installed_us is None else 0.0))
    return Capacity(new_wh * health, min(0.3, spread))


def learn_capacity(samples: Sequence[PowerSample], by_age: Capacity) -> Capacity:
    """What the battery really holds, from spans without grid and sun: energy drawn by the fall of the state of charge.

    Keeps `by_age` until 15 points of fall have been seen; and never believes less than a third or more than one and a
    half of it, since then the controller's own estimate is wrong, and its hours with it.
    """
    drawn_wh = fallen_pct = 0.0
    for one, two in itertools.pairwise(samples):
        apart_s = (two.at_us - one.at_us) / 1e6
        dark = max(one.grid, two.grid) < 0.02 and max(one.solar_w, two.solar_w) < 0.03 * max(one.load_w, 1.0)
        fall = one.state_of_charge_pct - two.state_of_charge_pct
        if dark and 0 < apart_s <= 2 * one.span_s and one.load_w > 0 < two.load_w and fall > 0.2:
            drawn_wh += (one.load_w + two.load_w) / 2 * apart_s / 3600
            fallen_pct += fall
    if fallen_pct < 15:
        return by_age
    found = drawn_wh / fallen_pct * 100
    return Capacity(max(by_age.wh / 3, min(by_age.wh * 1.5, found)), _LEARNED_SPREAD)


def forecast(
    now_us: int,
    *,
    lat_deg: float,
    lon_deg: float,
    state_of_charge_pct: float,
    load_w: float,
    capacity: Capacity,
    profile: LoadProfile | None = None,
    panel: Panel | None = None,
    on_grid: bool = False,
    load_share: float = 1.0,
) -> Forecast:
    """Carry the battery forward. `load_w` is the load now (what is shed already is not in it); `load_share` tries a
    load that is so much less. Raises `ValueError` for a capacity or state of charge that cannot be.
    """
    if not (capacity.wh > 0 and 0 <= state_of_charge_pct <= 100 and 0 <= load_w < 1e6):
        raise ValueError(
            f"no forecast of {capacity.wh} Wh at {state_of_charge_pct} % under {load_w} W: outside what can be"
        )
    usual = profile or LoadProfile.flat(load_w)
    steps = round(HORIZON_H * HOUR_US / _STEP_US)
    times = [now_us + index * _STEP_US for index in range(steps + 1)]
    expected = usual.at(_sun_hour(now_us, lon_deg))
    ratio = min(4.0, max(0.25, load_w / expected)) if expected > 0 and load_w > 0 else 1.0
    loads, suns = [], []
    for index in range(steps):
        middle_us = times[index] + _STEP_US // 2
        lasting = math.exp(-(index + 0.5) * _STEP_US / HOUR_US / _RATIO_LASTS_H)
        loads.append(usual.at(_sun_hour(middle_us, lon_deg)) * (1 + (ratio - 1) * lasting) * load_share)
        suns.append(clear_w(lat_deg, lon_deg, panel.peak_w, middle_us) if panel else 0.0)
    sky = panel.clearness if panel else Clearness(0.0, 0.0)

    def run(load: float = 0.0, clear: float = 0.0, held: float = 0.0, charge: float = 0.0) -> list[float]:
        return _carry(
            state_of_charge_pct + charge * _SOC_SPREAD_PCT,
            capacity.wh * (1 + held * capacity.spread),
            [one * (1 + load * usual.spread) for one in loads],
            [one * max(0.0, sky.mean + clear * sky.spread) for one in suns],
        )

    centre = run()
    pairs = [(run(**{name: -1.0}), run(**{name: 1.0})) for name in ("load", "clear", "held", "charge")]
    low, high = [], []
    for index, value in enumerate(centre):
        down = up = 0.0
        for minus, plus in pairs:
            moved = (minus[index] - value, plus[index] - value)
            down += min(0.0, *moved) ** 2
            up += max(0.0, *moved) ** 2
        low.append(value - _Z * math.sqrt(down))
        high.append(value + _Z * math.sqrt(up))
    hours = [_hours_until_empty(curve) for curve in (low, centre, high)]
    morning_us = _morning(now_us, lat_deg, lon_deg, times, loads, [one * sky.mean for one in suns])
    dark_us = [None if one >= HORIZON_H or on_grid else now_us + round(one * HOUR_US) for one in hours]
    return Forecast(
        at_us=now_us,
        state_of_charge_pct=state_of_charge_pct,
        load_power_w=load_w,
        hours_left=hours[1],
        hours_left_low=hours[0],
        hours_left_high=hours[2],
        on_grid=on_grid,
        dark_at_us=dark_us[1],
        dark_before_morning=_before(dark_us[1], morning_us),
        dark_possible=_before(dark_us[0], morning_us),
        morning_us=morning_us,
        curve=tuple(
            CurvePoint(times[index], _shown(low[index]), _shown(centre[index]), _shown(high[index]))
            for index in range(0, steps + 1, _CURVE_EVERY)
        ),
    )


def rank(forecasts: Mapping[str, Forecast]) -> list[str]:
    """The ids of those that go dark before morning, the soonest first, and then those that may, the likeliest first."""
    surely = [id for id, one in forecasts.items() if one.dark_before_morning]
    maybe = [id for id, one in forecasts.items() if one.dark_possible and not one.dark_before_morning]
    return sorted(surely, key=lambda id: (forecasts[id].hours_left, id)) + sorted(
        maybe, key=lambda id: (forecasts[id].hours_left_low, id)
    )


def _sun_hour(at_us: int, lon_deg: float) -> float:
    """Hour of the sun's mean day at a longitude."""
    return ((at_us / HOUR_US) + lon_deg / 15) % 24


def _carry(soc_pct: float, capacity_wh: float, loads: Sequence[float], suns: Sequence[float]) -> list[float]:
    """State of charge at each step, in %. It runs on below zero, so that deviations stay in proportion."""
    curve = [min(100.0, soc_pct)]
    hours = _STEP_US / HOUR_US
    for load, sun in zip(loads, suns, strict=True):
        soc = curve[-1]
        net_w = sun - load
        if net_w > 0:
            room = max(0.0, min(1.0, (100 - soc) / _TAPER_PCT))
            net_w = min(net_w * _EFFICIENCY, capacity_wh * _CHARGE_C * room)
        curve.append(min(100.0, soc + net_w * hours / capacity_wh * 100))
    return curve


def _hours_until_empty(curve: Sequence[float]) -> float:
    """Hours until the curve first falls to `EMPTY_PCT`, at most `HORIZON_H`."""
    if curve[0] <= EMPTY_PCT:
        return 0.0
    for index, (one, two) in enumerate(itertools.pairwise(curve)):
        if two <= EMPTY_PCT:
            return (index + (one - EMPTY_PCT) / (one - two)) * _STEP_US / HOUR_US
    return HORIZON_H


def _morning(
    now_us: int, lat_deg: float, lon_deg: float, times: Sequence[int], loads: Sequence[float], suns: Sequence[float]
) -> int | None:
    """When the night that is, or comes next, is over: after sunrise, as soon as the sun carries the load.

    Where the sun never does (no panel, or too small a one) at sunrise.
    """
    # In the first hours of a day the sun may not carry the load yet: then it is last sunrise's morning that counts.
    last_us = next_sunrise_us(lat_deg, lon_deg, now_us - DAY_US)
    if last_us is not None and last_us <= now_us < last_us + 4 * HOUR_US and suns and max(suns) > 0:
        for at_us, load, sun in zip(times, loads, suns, strict=False):
            if at_us > last_us + 4 * HOUR_US:
                break
            if sun >= load:
                if at_us > now_us:
                    return at_us
                break
    rise_us = next_sunrise_us(lat_deg, lon_deg, now_us)
    if rise_us is None:
        return None
    for at_us, load, sun in zip(times, loads, suns, strict=False):
        if rise_us <= at_us <= rise_us + 6 * HOUR_US and sun >= load:
            return at_us
    return rise_us


def _before(dark_us: int | None, morning_us: int | None) -> bool:
    return dark_us is not None and morning_us is not None and dark_us < morning_us


def _shown(soc_pct: float) -> float:
    return round(min(100.0, max(0.0, soc_pct)), 1)
