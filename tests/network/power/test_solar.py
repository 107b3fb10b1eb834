"""The sun over Nasiriyah against an almanac, and what is learned of the sky."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manara.network.power.solar import (
    DAY_US,
    HOUR_US,
    Clearness,
    SolarSample,
    clear_sky_w_m2,
    clear_w,
    elevation_deg,
    learn_clearness,
    next_sunrise_us,
    next_sunset_us,
)

LAT, LON = 31.05, 46.26


def us(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp() * 1e6)  # type: ignore[misc,arg-type]


# Computed with PyEphem 4 (VSOP87): upper limb, 34' of refraction; UTC.
@pytest.mark.parametrize(
    ("day", "rise", "set_"),
    [
        ((2026, 1, 15), (3, 53, 46), (14, 15, 5)),
        ((2026, 3, 20), (2, 59, 5), (15, 6, 15)),
        ((2026, 6, 21), (1, 51, 48), (16, 1, 42)),
        ((2026, 9, 10), (2, 36, 11), (15, 7, 18)),
        ((2026, 12, 21), (3, 48, 59), (13, 56, 56)),
    ],
)
def test_sunrise_and_sunset_of_nasiriyah(
    day: tuple[int, int, int], rise: tuple[int, int, int], set_: tuple[int, int, int]
) -> None:
    midnight = us(*day)
    found = next_sunrise_us(LAT, LON, midnight), next_sunset_us(LAT, LON, midnight)
    assert found[0] is not None
    assert found[1] is not None
    assert abs(found[0] - us(*day, *rise)) < 30e6
    assert abs(found[1] - us(*day, *set_)) < 30e6


@pytest.mark.parametrize(
    ("at", "degrees"),
    [((2026, 1, 15, 6), 21.633), ((2026, 6, 21, 9), 82.353), ((2026, 9, 10, 14), 13.577)],
)
def test_height_of_the_sun(at: tuple[int, ...], degrees: float) -> None:
    assert elevation_deg(LAT, LON, us(*at)) == pytest.approx(degrees, abs=0.02)


def test_where_the_sun_does_not_set_there_is_no_sunrise() -> None:
    assert next_sunrise_us(78.2, 15.6, us(2026, 6, 21)) is None


@given(st.floats(-70, 70), st.floats(-180, 180), st.integers(us(2000, 1, 1), us(2060, 1, 1)))
def test_height_is_a_height_and_the_night_gives_nothing(lat: float, lon: float, at_us: int) -> None:
    height = elevation_deg(lat, lon, at_us)
    assert -90 <= height <= 90
    assert (clear_sky_w_m2(height) > 0) <= (height > 0)
    assert 0 <= clear_w(lat, lon, 400, at_us) < 440


def samples(share: float, days: int, *, full_from_hour: int = 24) -> list[SolarSample]:
    begin = us(2026, 11, 1)
    made = []
    for hour in range(days * 24):
        at_us = begin + hour * HOUR_US
        given_w = share * clear_w(LAT, LON, 400, at_us + HOUR_US // 2)
        full = hour % 24 >= full_from_hour
        made.append(SolarSample(at_us, 0.0 if full else given_w, 100.0 if full else 60.0))
    return made


def test_clearness_is_learned_and_a_full_battery_teaches_nothing() -> None:
    now_us = us(2026, 11, 1) + 10 * DAY_US
    learned = learn_clearness(samples(0.5, 10), LAT, LON, 400, now_us)
    assert learned.mean == pytest.approx(0.5, abs=0.06)
    curtailed = learn_clearness(samples(0.5, 10, full_from_hour=9), LAT, LON, 400, now_us)
    assert curtailed.mean == pytest.approx(0.5, abs=0.06)
    assert learn_clearness([], LAT, LON, 400, now_us) == Clearness()


def test_days_that_differ_make_a_wide_spread() -> None:
    now_us = us(2026, 11, 1) + 10 * DAY_US
    mixed = [
        SolarSample(one.at_us, one.mean_w * (0.4 if (one.at_us // DAY_US) % 2 else 1.6), 50.0)
        for one in samples(0.5, 10)
    ]
    assert learn_clearness(mixed, LAT, LON, 400, now_us).spread > 0.2
