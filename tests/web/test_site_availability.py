"""A site's year over HTTP: a lost hour stands in its day, days before its cameras are not known, sectors hold."""

from manara.access.who import Who
from manara.base.clock import to_datetime
from manara.network.health.tables import CameraOutage, ConditionRow
from tests.web.world import World

HOUR_US = 3_600_000_000
DAY_S = 86_400


def site_id(world: World, code: str) -> str:
    found = world.ask("technician", "GET", "/api/sites").json()
    return str(next(site["id"] for site in found if site["code"] == code))


def test_a_lost_hour_stands_in_its_day(wired: World) -> None:
    north, south = site_id(wired, "SN"), site_id(wired, "SS")
    wired.clock.advance(3 * DAY_S)
    now_us = wired.clock.wall_us()
    start_us = now_us - 36 * HOUR_US
    lost = CameraOutage(
        id="o1", camera_id=wired.ids["n1"], site_id=north, start_us=start_us, known_us=start_us,
        end_us=start_us + HOUR_US, condition="video_lost",
    )  # fmt: skip
    open_one = ConditionRow(
        id="c1", kind="device_unreadable", subject="device:d1", site_id=north, since_us=start_us, known_us=start_us,
        detail={"cause": "auth"},
    )  # fmt: skip
    with wired.database.act(Who.system("test"), to_datetime(now_us)) as act:
        act.session.add_all([lost, open_one])
    year = to_datetime(now_us).year
    found = wired.ask("north", "GET", f"/api/sites/{north}/availability?year={year}").json()
    days = found["days"]
    assert found["cameras"] == 2
    assert sum(day["lost_h"] for day in days) == 1.0 == found["whole"]["lost_h"]
    assert all((day["available_pct"] < 100) == (day["lost_h"] > 0) for day in days if day["available_pct"] is not None)
    known = [day["available_pct"] is not None for day in days]
    assert known == sorted(known), "known from the first camera on, and never again unknown"
    assert 3 <= sum(known) <= 5
    assert wired.ask("north", "GET", f"/api/sites/{north}/availability?year={year + 1}").json()["days"] == []
    assert wired.ask("north", "GET", f"/api/sites/{south}/availability?year={year}").status_code == 404
    assert wired.ask("north", "GET", f"/api/sites/{north}/availability?year=1").status_code == 422

    page = wired.ask("north", "GET", f"/api/sites/{north}/condition").json()
    assert [(one["kind"], one["subject"], one["detail"]) for one in page["conditions"]] == [
        ("device_unreadable", "device:d1", {"cause": "auth"})
    ]
    assert all(sunset < sunrise for sunset, sunrise in page["nights"])
    assert page["nights"][0][1] > now_us - 24 * HOUR_US
    assert page["nights"][-1][0] > now_us
