"""The battery forecast: energy balance, interval, learning, the night that is meant, ranking; and a simulated year."""

import importlib.util
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manara.network.power import battery
from manara.network.power.battery import (
    EMPTY_PCT,
    HORIZON_H,
    Capacity,
    LoadProfile,
    LoadSample,
    Panel,
    PowerSample,
)
from manara.network.power.solar import DAY_US, HOUR_US, Clearness

LAT, LON = 31.05, 46.26
EVENING = int(datetime(2026, 11, 22, 15, 0, tzinfo=UTC).timestamp() * 1e6)  # 18:00 in Nasiriyah, dark
BENCHMARK = Path(__file__).resolve().parents[3] / "benchmarks" / "battery_forecast.py"


def ask(**over: Any) -> battery.Forecast:
    values: dict[str, Any] = {
        "lat_deg": LAT,
        "lon_deg": LON,
        "state_of_charge_pct": 80.0,
        "load_w": 60.0,
        "capacity": Capacity(1000.0),
    }
    now_us = over.pop("now_us", EVENING)
    return battery.forecast(now_us, **(values | over))


def test_without_sun_the_hours_are_charge_over_load() -> None:
    told = ask()
    assert told.hours_left == pytest.approx((80 - EMPTY_PCT) / 100 * 1000 / 60, abs=0.1)
    assert told.dark_at_us == pytest.approx(EVENING + told.hours_left * HOUR_US, abs=1e6)
    assert told.hours_left_low < told.hours_left < told.hours_left_high
    assert told.curve[0].soc_pct == 80
    assert told.curve[-1].soc_pct == 0


def test_a_panel_saves_the_site_that_lives_until_morning() -> None:
    assert ask(capacity=Capacity(1600.0)).hours_left < 22
    with_sun = ask(capacity=Capacity(1600.0), panel=Panel(550.0))
    assert with_sun.hours_left > 30
    assert with_sun.morning_us is not None
    assert EVENING + 12 * HOUR_US < with_sun.morning_us < EVENING + 17 * HOUR_US  # 06:00 to 11:00 of the place
    assert not with_sun.dark_before_morning


def test_dark_before_morning_is_about_the_coming_night() -> None:
    assert ask(state_of_charge_pct=40.0, panel=Panel(550.0)).dark_before_morning
    assert not ask(state_of_charge_pct=100.0, capacity=Capacity(3000.0)).dark_before_morning
    # just after sunrise the sun does not carry the load yet: that morning is meant, not the next
    dawn = int(datetime(2026, 11, 23, 4, 0, tzinfo=UTC).timestamp() * 1e6)
    told = ask(now_us=dawn, state_of_charge_pct=30.0, panel=Panel(550.0))
    assert told.morning_us is not None
    assert told.morning_us < dawn + 4 * HOUR_US


def test_on_the_grid_nothing_goes_dark_but_the_reserve_is_told() -> None:
    told = ask(on_grid=True, state_of_charge_pct=10.0)
    assert told.dark_at_us is None
    assert not told.dark_before_morning
    assert told.hours_left < 2


@pytest.mark.parametrize("over", [{"capacity": Capacity(0)}, {"state_of_charge_pct": 101.0}, {"load_w": -1.0}])
def test_what_cannot_be_is_refused(over: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="outside what can be"):
        ask(**over)


SITES = st.fixed_dictionaries(
    {
        "state_of_charge_pct": st.floats(5, 100),
        "load_w": st.floats(5, 300),
        "capacity": st.builds(Capacity, st.floats(200, 8000), st.floats(0.01, 0.2)),
        "panel": st.none()
        | st.builds(Panel, st.floats(100, 1500), st.builds(Clearness, st.floats(0.1, 1.0), st.floats(0.02, 0.4))),
        "now_us": st.integers(EVENING, EVENING + 365 * DAY_US),
    }
)


@given(SITES, st.floats(1.01, 3))
@settings(max_examples=40, deadline=None)
def test_more_load_never_lengthens_and_more_charge_never_shortens(site: dict[str, Any], more: float) -> None:
    told = ask(**site)
    assert 0 <= told.hours_left_low <= told.hours_left <= told.hours_left_high <= HORIZON_H
    assert all(0 <= point.low_pct <= point.soc_pct <= point.high_pct <= 100 for point in told.curve)
    assert ask(**site, load_share=more).hours_left <= told.hours_left
    assert ask(**{**site, "load_w": site["load_w"] * more}).hours_left <= told.hours_left
    fuller = min(100.0, site["state_of_charge_pct"] * more)
    assert ask(**{**site, "state_of_charge_pct": fuller}).hours_left >= told.hours_left - 1e-9


@given(SITES)
@settings(max_examples=25, deadline=None)
def test_the_battery_gives_no_more_than_it_holds(site: dict[str, Any]) -> None:
    told = ask(**{**site, "panel": None})
    if told.hours_left < HORIZON_H:
        held_wh = site["capacity"].wh * (site["state_of_charge_pct"] - EMPTY_PCT) / 100
        assert told.hours_left * site["load_w"] == pytest.approx(held_wh, rel=0.02, abs=site["load_w"] * 0.3)


def test_the_load_of_the_night_is_learned() -> None:
    def usual(hour: int) -> float:
        return 90.0 if hour < 6 or hour >= 18 else 50.0  # infrared at night

    now_us = EVENING
    history = [
        LoadSample(now_us - age * HOUR_US, usual(int(((now_us - age * HOUR_US) / HOUR_US + LON / 15 + 0.5) % 24)))
        for age in range(1, 12 * 24)
    ]
    profile = battery.learn_load(history, LON, now_us, 60.0)
    assert profile.at(0.0) == pytest.approx(90, abs=4)
    assert profile.at(12.0) == pytest.approx(50, abs=4)
    assert profile.spread < 0.1
    # the load is low just now, and will not stay so: the hours are fewer than the naive ones
    assert ask(load_w=60.0, profile=profile, state_of_charge_pct=95.0).hours_left < 0.92 * 1000 / 60
    assert battery.learn_load([], LON, now_us, 42.0) == LoadProfile.flat(42.0)
    dead = [LoadSample(now_us - age * HOUR_US, 0.0) for age in range(1, 100)]
    assert battery.learn_load(dead, LON, now_us, 42.0).at(3) == 42.0


def test_age_takes_capacity_and_certainty() -> None:
    new, old = (battery.aged_capacity(1000, EVENING - round(years * 365.25 * DAY_US), EVENING) for years in (0, 5))
    assert (new.wh, old.wh) == (1000, pytest.approx(850))
    assert old.spread > new.spread
    assert battery.aged_capacity(1000, EVENING - 40 * 366 * DAY_US, EVENING).wh == 500
    assert battery.aged_capacity(1000, None, EVENING).wh == pytest.approx(940)


def test_what_the_battery_really_holds_is_learned_from_nights_without_grid() -> None:
    by_age = Capacity(1000.0, 0.1)
    night = [PowerSample(EVENING + hour * HOUR_US, 90 - 10.0 * hour, 60.0) for hour in range(6)]  # 600 Wh a full charge
    assert battery.learn_capacity(night, by_age).wh == pytest.approx(600)
    assert battery.learn_capacity(night[:2], by_age) == by_age
    on_grid = [replace(one, grid=1.0) for one in night]
    assert battery.learn_capacity(on_grid, by_age) == by_age
    absurd = [replace(one, load_w=6000.0) for one in night]
    assert battery.learn_capacity(absurd, by_age).wh == 1500


def test_those_that_go_dark_first_come_first() -> None:
    told = {
        "soon": ask(state_of_charge_pct=20.0),
        "later": ask(state_of_charge_pct=40.0),
        "fine": ask(state_of_charge_pct=100.0, capacity=Capacity(5000.0)),
        "maybe": ask(state_of_charge_pct=91.0, capacity=Capacity(1000.0, 0.15)),
        "grid": ask(state_of_charge_pct=5.0, on_grid=True),
    }
    assert told["maybe"].dark_possible
    assert not told["maybe"].dark_before_morning
    assert battery.rank(told) == ["soon", "later", "maybe"]


def test_the_interval_holds_the_truth_in_a_simulated_year() -> None:
    """Two sites of the benchmark: their truth is the simulator's own power model."""
    spec = importlib.util.spec_from_file_location("battery_forecast", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    found = benchmark.measure(sites=2, days=365, seed=11)
    assert found["dark_within_48_h"] >= 20
    assert found["coverage_pct"] >= 100 * battery.COVERAGE
    assert found["coverage_of_dark_pct"] >= 100 * battery.COVERAGE
    assert found["mean_error_h"] < found["naive_mean_error_h"] / 2
