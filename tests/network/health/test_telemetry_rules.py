"""What sites tell, as conditions: with dead-bands, and nothing concluded of one bad value."""

from manara.messages import ImageFinding, ImageReport, ImageVerdict
from manara.network.health.conditions import S
from manara.network.health.telemetry_rules import DeviceLook
from tests.network.health.world import Told


def kinds(told: Told) -> set[str]:
    """What is so now."""
    return {f"{kind} {subject}" for kind, subject in told.monitor.latches.active}


def each(told: Told, seconds: int, site: str, subject: str, quantity: str, value: float) -> None:
    """The same reading each ten seconds for a while."""
    for _ in range(seconds // 10):
        told.reading(site, subject, quantity, value)
        told.go(told.now_s + 10)


def test_grid_battery_and_cabinet() -> None:
    told = Told()
    told.go(5)
    told.reading("gate", "power_source:grid-gate", "grid_present", 0)
    told.go(9)
    assert kinds(told) == {"grid_lost site:gate"}
    told.reading("gate", "power_source:grid-gate", "grid_present", 1)
    told.go(30)
    assert kinds(told) == {"grid_lost site:gate"}, "a grid that comes and goes is told once"
    told.go(45)
    assert not kinds(told)
    each(told, 60, "gate", "power_source:battery-gate", "battery_voltage_v", 0.2)
    assert kinds(told) == {"battery_missing site:gate"}
    each(told, 100, "gate", "power_source:battery-gate", "battery_voltage_v", 13.0)
    each(told, 100, "gate", "cabinet:gate", "cabinet_temperature_c", 71.0)
    each(told, 80, "gate", "cabinet:gate", "fan_rpm", 0.0)
    told.reading("gate", "cabinet:gate", "cabinet_door_open", 1)
    told.go(told.now_s + 3)
    assert kinds(told) == {f"{kind} cabinet:gate" for kind in ("cabinet_hot", "fan_failed", "cabinet_door_open")}


def test_a_battery_that_charges_on_the_grid_is_not_low() -> None:
    told = Told()
    told.reading("gate", "power_source:grid-gate", "grid_present", 0)
    each(told, 60, "gate", "power_source:battery-gate", "state_of_charge_pct", 15.0)
    assert "battery_low site:gate" in kinds(told)
    told.reading("gate", "power_source:grid-gate", "grid_present", 1)
    each(told, 100, "gate", "power_source:battery-gate", "state_of_charge_pct", 16.0)
    assert not kinds(told)


def test_one_dip_of_the_light_is_no_condition_and_a_cut_fibre_is_only_cut() -> None:
    told = Told()
    told.reading("hub", "link:hub-market", "optical_rx_dbm", -30.0)
    told.go(300)
    assert not kinds(told)
    told.reading("hub", "link:hub-market", "link_up", 0)
    each(told, 100, "hub", "link:hub-market", "optical_rx_dbm", -40.0)
    assert kinds(told) == {"link_down link:hub-market"}


def test_a_silent_site_and_an_unreadable_device() -> None:
    told = Told()
    told.go(3)
    told.box("school")
    assert kinds(told) == {"telemetry_silent site:school"}
    condition = told.monitor.latches.active["telemetry_silent", "site:school"]
    assert condition.detail["cause"] == ""
    told.monitor.devices([DeviceLook("rtu-school", "school", "unreadable", told.now_us, "token")], told.now_us)
    condition = told.monitor.latches.active["telemetry_silent", "site:school"]
    assert condition.detail["cause"] == "token"  # it tries to sign in, and that is why
    told.box("school", "ok")
    told.go(5)
    assert not kinds(told)


def test_solar_panels_are_judged_by_the_sun() -> None:
    told = Told()
    assert not kinds(told)
    each(told, 1200, "gate", "power_source:battery-gate", "state_of_charge_pct", 60.0)
    each(told, 60, "gate", "power_source:grid-gate", "solar_power_w", 0.0)
    assert not kinds(told), "it is night, and that is no panel"


def test_a_forecast_that_is_dark_before_morning_is_a_low_battery() -> None:
    told = Told()
    told.reading("gate", "power_source:grid-gate", "grid_present", 0)
    told.monitor.forecast("gate", {"dark_before_morning": True, "hours_left": 4.2}, told.now_us)
    told.go(1)
    assert "battery_low site:gate" in kinds(told)
    each(told, 100, "gate", "power_source:battery-gate", "state_of_charge_pct", 85.0)
    assert "battery_low site:gate" in kinds(told), "the forecast said so, the forecast takes it back"
    told.monitor.forecast("gate", {"dark_before_morning": False, "hours_left": 20.0}, told.now_us)
    told.go(told.now_s + 90)
    assert "battery_low site:gate" not in kinds(told)


def test_pictures_of_a_camera_that_is_being_moved_are_not_believed() -> None:
    told = Told()
    told.picture("gate1", "image_moved")
    finding = [ImageFinding(kind="image_moved", confidence=0.9, since_us=told.now_us)]
    moving = ImageVerdict(camera_id="gate2", at_us=told.now_us, findings=finding, trusted=False)
    told.monitor.image(ImageReport(vision_id="v", at_us=told.now_us, verdicts=[moving]), told.now_us)
    told.go(1)
    assert kinds(told) == {"image_moved camera:gate1"}
    told.picture("gate1", "image_moved", confidence=0.5)
    told.go(30)
    assert kinds(told) == {"image_moved camera:gate1"}, "doubtful is neither one nor the other"
    told.go(400)
    assert not kinds(told), "vision has not spoken of it for minutes"
    assert told.now_us > 400 * S
