"""The physics: energy is kept, the sun comes and goes, what has no power or no way is dark, and says so once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manara.simulate.directory import Directory
from manara.simulate.power import SitePower, clear_sky_w_m2, sun_height
from manara.simulate.telemetry import Voices
from tests.simulate.estates import MIDNIGHT_US, NOON_US, estate, let_pass

RING_SITE, RING_NEXT = "SITE-001", "SITE-004"  # on a ring of the section Rifai
TREE_SITE, TREE_LEAF = "SITE-043", "SITE-056"  # the second hangs on the first


def _power(at_us: int, **more: float) -> SitePower:
    values = {"capacity_wh": 1920.0, "solar_peak_w": 440.0, "nominal_v": 24.0, "camera_load_w": 40.0} | more
    power = SitePower(lat=31.0, lon=46.2, seed=3, feeder=1, cameras=4, outages=False, **values)  # type: ignore[arg-type]
    power.settle(at_us)
    return power


def test_the_sun_stands_high_at_noon_and_below_the_horizon_at_midnight() -> None:
    assert 700 < clear_sky_w_m2(sun_height(31.0, 46.2, NOON_US)) + 250 < 1100
    assert sun_height(31.0, 46.2, MIDNIGHT_US) < -0.5


def test_a_site_without_grid_lives_on_its_battery_through_the_night_and_then_goes_dark() -> None:
    power = _power(MIDNIGHT_US, solar_peak_w=0.0)
    power.charge_wh = 400.0
    power.faults.grid_lost = True
    hours = 0.0
    while power.powered:
        power.step(MIDNIGHT_US + round(hours * 3_600_000_000), 60.0)
        hours += 1 / 60
        assert hours < 12
    assert hours == pytest.approx((400 - 1920 * 0.02) / (14 + 40 + 16), rel=0.05)
    assert power.load_w == 0
    power.faults.grid_lost = False
    power.step(MIDNIGHT_US, 1.0)
    assert power.powered


@given(st.floats(0, 24), st.floats(0, 1), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_energy_is_kept(hour: float, full: float, grid_lost: bool, failed: bool) -> None:
    power = _power(NOON_US)
    power.charge_wh, power.faults.grid_lost, power.faults.solar_failed = 1920 * full, grid_lost, failed
    before_wh = power.charge_wh
    power.step(NOON_US + round(hour * 3_600_000_000), 60.0)
    assert 0 <= power.charge_wh <= 1920
    gained_wh = power.charge_wh - before_wh
    assert gained_wh == pytest.approx(max(-before_wh, power.battery_w / 60), abs=0.5)
    if grid_lost:
        assert power.battery_w <= power.solar_w - power.load_w + 0.01
    assert 15 < power.battery_v < 32


def test_a_failed_battery_takes_no_charge_and_shows_it_by_its_voltage() -> None:
    power = _power(MIDNIGHT_US)
    power.charge_wh, power.faults.battery_failed = 200.0, True
    for minute in range(60):
        power.step(MIDNIGHT_US + minute * 60_000_000, 60.0)
    assert power.grid
    assert power.charge_wh == pytest.approx(200.0)
    assert power.battery_v < 0.9 * power.nominal_v


def test_a_dark_site_takes_its_switch_and_cameras_and_its_ring_lives_on() -> None:
    played = estate()
    let_pass(played, 10)
    faults = played.sites[RING_SITE].power.faults
    faults.grid_lost = faults.solar_failed = faults.battery_drained = True
    played.sites[RING_SITE].power.charge_wh *= 0.05
    let_pass(played, 20)
    assert {camera.site for camera in played.cameras.values() if played.dark(camera)} == {RING_SITE}
    assert RING_NEXT in played.reached
    assert not any(played.speaks(one) for one in played.devices.values() if one.site == RING_SITE)
    faults.grid_lost = faults.battery_drained = False
    let_pass(played, 2)
    assert all(played.dark(camera) for camera in played.sites[RING_SITE].cameras), "cameras take a while to start"
    let_pass(played, 10)
    assert not any(played.dark(camera) for camera in played.cameras.values())


def test_a_cut_in_a_tree_darkens_what_hangs_on_it_and_the_other_end_says_so() -> None:
    played = estate()
    let_pass(played, 10)
    link = next(one for one in played.links.values() if one.b_site == TREE_SITE and one.role == "main")
    link.cut = True
    let_pass(played, 1)
    assert {camera.site for camera in played.cameras.values() if played.dark(camera)} == {TREE_SITE, TREE_LEAF}
    hub = next(one for one in played.devices.values() if one.site == link.a_site)
    told = {(subject, quantity): value for subject, quantity, value in played.readings(hub)}
    assert told[f"link:{link.code}", "link_up"] == 0
    assert told[f"link:{link.code}", "optical_rx_dbm"] == -40


def test_a_box_that_loses_power_says_so_with_its_last_breath_and_then_nothing() -> None:
    played = estate()
    names = {f"power_source:{code}/{kind}" for code in played.sites for kind in ("grid", "battery", "solar")}
    voices = Voices(played, Directory(ids={name: name for name in names}))
    for _ in range(34):
        let_pass(played, 1)
        list(voices.due())
    faults = played.sites[RING_SITE].power.faults
    faults.grid_lost = faults.solar_failed = faults.battery_drained = True
    played.sites[RING_SITE].power.charge_wh *= 0.05
    said = []
    for _ in range(60):
        let_pass(played, 1)
        said += [post for post in voices.due() if post.device == "RTU-001"]
    first, last = {one[:2]: one[2] for one in said[0].told}, {one[:2]: one[2] for one in said[-1].told}
    assert first == {(f"power_source:{RING_SITE}/grid", "grid_present"): 0}, "what is thrown is told at once, alone"
    assert last[f"power_source:{RING_SITE}/battery", "state_of_charge_pct"] < 3
    assert len(said) <= 5


def test_every_device_tells_all_it_has_in_its_own_turn() -> None:
    played = estate()
    ids = {subject: subject for one in played.devices.values() for subject, _, _ in played.readings(one)}
    voices = Voices(played, Directory(ids=ids))
    count: dict[str, int] = {}
    for _ in range(60):
        let_pass(played, 1)
        for post in voices.due():
            count[post.device] = count.get(post.device, 0) + 1
    telling = [one.code for one in played.devices.values() if one.row["protocol"] in ("push", "mqtt")]
    assert set(count) == set(telling)
    assert all(5 <= number <= 8 for number in count.values()), count
