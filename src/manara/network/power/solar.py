"""The sun over a place: how high it stands, when it rises, what a panel gives, and how clear the sky has been. Pure.

Place and date only; panels are taken as lying flat, and what tilt, dust, temperature, wiring and clouds do to them is
learned in one factor from what the panel gave (`learn_clearness`). Used by `battery.py`.

Sources. Sun: NOAA Solar Calculator, which follows Meeus, *Astronomical Algorithms* (1991), ch. 25, low accuracy (0.01°
from 1900 to 2100). Sunrise: the upper limb with 34′ of refraction, -0.833°. Clear sky: Haurwitz (1945), *J. Meteorol.*
2, 154; among the simple models the best in Reno, Hansen and Stein (2012), SAND2012-2389. Performance ratio before
anything is learned: 0.75 ± 0.05 for installed PV (IEC 61724-1; Reich et al. 2012 for the range), less here for clouds.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
SUNRISE_DEG = -0.833
STANDARD_W_M2 = 1000.0  # irradiance under which a panel gives its peak
FULL_PCT = 95.0  # a battery fuller than this takes less than the panel could give
_LOW_SUN_DEG = 15.0  # below it, hills, poles and a tilted panel's edge decide, not the sky
_FORGET_DAYS = 4.0  # weather of so many days ago counts a third
_PRIOR_DAYS = 1.0


@dataclass(frozen=True, slots=True)
class Clearness:
    """Which part of the clear sky's energy (on a panel lying flat) a day brings: mean and spread from day to day."""

    mean: float = 0.68
    spread: float = 0.17


@dataclass(frozen=True, slots=True)
class SolarSample:
    """What a panel gave on average over a span (about an hour) that begins at `at_us`; and how full the battery was."""

    at_us: int
    mean_w: float
    state_of_charge_pct: float | None = None
    span_s: float = 3600.0


def elevation_deg(lat_deg: float, lon_deg: float, at_us: int) -> float:
    """How high the sun's middle stands over the horizon, without refraction; negative at night."""
    century = (at_us / DAY_US + 2_440_587.5 - 2_451_545.0) / 36_525.0
    mean_longitude = math.radians((280.46646 + century * (36_000.76983 + century * 0.0003032)) % 360)
    anomaly = math.radians(357.52911 + century * (35_999.05029 - 0.0001537 * century))
    orbit = 0.016708634 - century * (0.000042037 + 0.0000001267 * century)
    centre = (
        math.sin(anomaly) * (1.914602 - century * (0.004817 + 0.000014 * century))
        + math.sin(2 * anomaly) * (0.019993 - 0.000101 * century)
        + math.sin(3 * anomaly) * 0.000289
    )
    node = math.radians(125.04 - 1934.136 * century)
    longitude = mean_longitude + math.radians(centre - 0.00569 - 0.00478 * math.sin(node))
    tilt = math.radians(23.4392911 - 0.0130042 * century + 0.00256 * math.cos(node))
    declination = math.asin(math.sin(tilt) * math.sin(longitude))
    half = math.tan(tilt / 2) ** 2
    equation_min = 4 * math.degrees(
        half * math.sin(2 * mean_longitude)
        - 2 * orbit * math.sin(anomaly)
        + 4 * orbit * half * math.sin(anomaly) * math.cos(2 * mean_longitude)
        - 0.5 * half * half * math.sin(4 * mean_longitude)
        - 1.25 * orbit * orbit * math.sin(2 * anomaly)
    )
    minutes = (at_us % DAY_US) / 60_000_000 + equation_min + 4 * lon_deg
    hour_angle = math.radians(minutes / 4 - 180)
    here = math.radians(lat_deg)
    sine = math.sin(here) * math.sin(declination) + math.cos(here) * math.cos(declination) * math.cos(hour_angle)
    return math.degrees(math.asin(max(-1.0, min(1.0, sine))))


def next_sunrise_us(lat_deg: float, lon_deg: float, after_us: int) -> int | None:
    """The first sunrise after `after_us`, to the second; None where there is none within two days (polar)."""
    return _crossing(lat_deg, lon_deg, after_us, up=True)


def next_sunset_us(lat_deg: float, lon_deg: float, after_us: int) -> int | None:
    """The first sunset after `after_us`, to the second; None where there is none within two days."""
    return _crossing(lat_deg, lon_deg, after_us, up=False)


def _crossing(lat_deg: float, lon_deg: float, after_us: int, *, up: bool) -> int | None:
    sign = 1.0 if up else -1.0
    step_us = 900_000_000
    low = after_us
    before = sign * (elevation_deg(lat_deg, lon_deg, low) - SUNRISE_DEG)
    for high in range(after_us + step_us, after_us + 2 * DAY_US, step_us):
        now = sign * (elevation_deg(lat_deg, lon_deg, high) - SUNRISE_DEG)
        if before <= 0 < now:
            while high - low > 1_000_000:
                middle = (low + high) // 2
                if sign * (elevation_deg(lat_deg, lon_deg, middle) - SUNRISE_DEG) > 0:
                    high = middle
                else:
                    low = middle
            return high
        low, before = high, now
    return None


def clear_sky_w_m2(elevation: float) -> float:
    """Irradiance on level ground without clouds, for the sun at `elevation` degrees (Haurwitz)."""
    sine = math.sin(math.radians(elevation))
    return 1098.0 * sine * math.exp(-0.057 / sine) if sine > 0.005 else 0.0


def clear_w(lat_deg: float, lon_deg: float, peak_w: float, at_us: int) -> float:
    """What a panel of `peak_w` lying flat would give under a clear sky, without any loss."""
    return peak_w * clear_sky_w_m2(elevation_deg(lat_deg, lon_deg, at_us)) / STANDARD_W_M2


def learn_clearness(
    samples: Iterable[SolarSample], lat_deg: float, lon_deg: float, peak_w: float, now_us: int
) -> Clearness:
    """From what the panel gave in the last weeks; what is not known is what is usual.

    Hours with a low sun are left out, and those with a full battery, when the controller takes less than the panel
    could give. Recent days count more: the weather keeps.
    """
    if peak_w <= 0:
        return Clearness()
    given: dict[int, float] = {}
    clear: dict[int, float] = {}
    for sample in samples:
        middle_us = sample.at_us + round(sample.span_s * 500_000)
        full = sample.state_of_charge_pct is not None and sample.state_of_charge_pct >= FULL_PCT
        if full or not 0 <= sample.mean_w < 10 * peak_w or middle_us > now_us:
            continue
        elevation = elevation_deg(lat_deg, lon_deg, middle_us)
        if elevation < _LOW_SUN_DEG:
            continue
        day = (middle_us + round(lon_deg / 15 * HOUR_US)) // DAY_US
        given[day] = given.get(day, 0.0) + sample.mean_w * sample.span_s
        clear[day] = clear.get(day, 0.0) + peak_w * clear_sky_w_m2(elevation) / STANDARD_W_M2 * sample.span_s
    usual = Clearness()
    if not clear:
        return usual
    today = (now_us + round(lon_deg / 15 * HOUR_US)) // DAY_US
    weight, total, square = _PRIOR_DAYS, _PRIOR_DAYS * usual.mean, _PRIOR_DAYS * (usual.mean**2 + usual.spread**2)
    for day, energy in clear.items():
        if energy < 3600 * 0.3 * peak_w:  # less than a third of an hour of full sun says nothing of a day
            continue
        ratio = min(1.6, given[day] / energy)
        counts = math.exp(-(today - day) / _FORGET_DAYS)
        weight, total, square = weight + counts, total + counts * ratio, square + counts * ratio**2
    mean = total / weight
    return Clearness(mean, max(0.06, math.sqrt(max(0.0, square / weight - mean**2))))
