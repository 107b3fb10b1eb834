"""Infrastructure over HTTP and on the screens' hub: sectors, tokens, what health tells, its silence; shedding."""

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from manara.access.who import Who
from manara.base.clock import to_datetime
from manara.messages import LatestReading, Vitals, VitalsReport
from manara.network.health.tables import BatteryForecast
from manara.network.infrastructure.devices import device_by_token, device_specs
from manara.network.telemetry.devices import token_fits
from manara.store.journal import BUCKET_WANTED, VITALS_SUBJECT
from manara.web.vitals import SILENT_S
from tests.support.patience import LONG_S
from tests.web.world import NORTH, World

_numbers = itertools.count(1)


def site_id(world: World, code: str) -> str:
    found = world.ask("technician", "GET", "/api/sites").json()
    return str(next(site["id"] for site in found if site["code"] == code))


def add(world: World, noun: str, status: int = 201, **values: Any) -> dict[str, Any]:
    answer = world.ask("technician", "POST", f"/api/infrastructure/{noun}", json=values)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def furnish(world: World) -> dict[str, str]:
    """A battery, a cabinet, switches, a link between the two sites, at the sites of both sectors."""
    north, south = site_id(world, "SN"), site_id(world, "SS")
    ids = {"north": north, "south": south}
    ids["battery"] = add(world, "power_sources", site_id=north, kind="battery", capacity_wh=1200)["id"]
    ids["cabinet"] = add(world, "cabinets", site_id=north, has_fan=True)["id"]
    ids["switch"] = add(world, "switches", site_id=north, code="SW-N", ports=8)["id"]
    ids["south_switch"] = add(world, "switches", site_id=south, code="SW-S", ports=8)["id"]
    ids["link"] = add(world, "links", code="L-1", a_site_id=north, b_site_id=south)["id"]
    return ids


def until(world: World, so: Callable[[], bool]) -> None:
    """Let the control process work until something is so."""
    assert world.client.portal is not None
    deadline_s = time.monotonic() + LONG_S
    while not so():
        assert time.monotonic() < deadline_s, "it did not come about"
        world.client.portal.call(asyncio.sleep, 0.005)


def wanted(world: World) -> dict[str, str]:
    """What the recorders are told to shed, by the code of the camera."""
    assert world.client.portal is not None
    kept = world.client.portal.call(world.journal.bucket(BUCKET_WANTED).all)
    return {code: json.loads(kept[f"camera.{id}"].value)["shed"] for code, id in world.ids.items()}


def tell(world: World, **report: Any) -> None:
    assert world.client.portal is not None
    told = {"number": next(_numbers)}
    data = msgspec.json.encode(VitalsReport(at_us=world.clock.wall_us(), counters=told, **report))
    world.client.portal.call(world.journal.tell, VITALS_SUBJECT, data)
    until(world, lambda: world.services.vitals.counters == told)


def shown(world: World, account: str) -> dict[str, Any]:
    world.clock.advance(1.1)  # a snapshot is kept for a second
    found: dict[str, Any] = world.ask(account, "GET", "/api/snapshot").json()
    return found


def test_every_noun_by_form_with_all_faults(world: World) -> None:
    ids = furnish(world)
    bad = add(world, "links", 422, code="", kind="string", a_site_id=ids["north"], b_site_id=ids["north"], a_port=3)
    assert {fault["field"] for fault in bad["fields"]} == {"code", "kind", "b_site_id", "a_port"}
    changed = world.ask(
        "technician", "PATCH", f"/api/infrastructure/links/{ids['link']}", json={"ring": "R1", "length_km": 3}
    ).json()
    assert (changed["ring"], changed["length_km"]) == ("R1", 3.0)
    assert world.ask("technician", "GET", "/api/infrastructure/links").json()[0]["id"] == ids["link"]
    assert world.ask("technician", "GET", "/api/infrastructure/lamps").json()["error"] == "noun_unknown"
    assert world.ask("operator", "POST", "/api/infrastructure/links", json={}).status_code == 403
    removed = world.ask("technician", "DELETE", f"/api/infrastructure/cabinets/{ids['cabinet']}")
    assert removed.status_code == 204
    data = "site,kind,capacity_wh\nSN,battery,1300\n"
    answer = world.ask(
        "technician", "POST", "/api/infrastructure/power_sources/import?format=csv", content=data.encode()
    ).json()
    assert (answer["ok"], answer["updated"]) == (True, 1)
    export = world.ask("technician", "GET", "/api/infrastructure/power_sources/export.csv").content
    path = "/api/infrastructure/power_sources/import?format=csv"
    again = world.ask("technician", "POST", path, content=export).json()
    assert (again["ok"], again["unchanged"]) == (True, 1)


def test_a_token_is_shown_once_and_opens_only_its_device(world: World) -> None:
    north = site_id(world, "SN")
    made = add(world, "devices", site_id=north, code="RTU-1", protocol="push")
    token = made["token"]
    assert made["has_token"]
    row = world.ask("technician", "GET", f"/api/infrastructure/devices/{made['id']}").json()
    assert "token" not in row
    assert "token_hash" not in row
    with world.database.read() as session:
        assert getattr(device_by_token(session, token), "id", None) == made["id"]
        assert device_by_token(session, token[:-1] + "_") is None
        assert device_by_token(session, "nobody." + token.partition(".")[2]) is None
    renewed = world.ask("technician", "POST", f"/api/infrastructure/devices/{made['id']}/token").json()["token"]
    with world.database.read() as session:
        assert device_by_token(session, token) is None
        assert device_by_token(session, renewed) is not None
    own = add(world, "devices", site_id=north, code="RTU-2", protocol="mqtt", address="mqtt:///site/RTU-2")
    assert own["has_token"]
    with world.database.read() as session:
        assert device_by_token(session, own["token"]) is None  # it is let in by the broker, not by HTTP
        specs = {spec.id: spec for spec in device_specs(session)}
        assert token_fits(own["token"], specs[own["id"]].token_hash)
    outside = add(world, "devices", site_id=north, code="RTU-3", protocol="mqtt", address="mqtt://broker/site/RTU-3")
    assert not outside["has_token"]
    refused = world.ask("technician", "POST", f"/api/infrastructure/devices/{outside['id']}/token")
    assert (refused.status_code, refused.json()["error"]) == (409, "device_needs_no_token")
    change = {"address": "mqtt:///site/RTU-3"}
    world.ask("technician", "PATCH", f"/api/infrastructure/devices/{outside['id']}", json=change)
    assert world.ask("technician", "POST", f"/api/infrastructure/devices/{outside['id']}/token").status_code == 200
    values = {"protocol": "snmp", "address": "10.0.0.9", "credentials": {"community": "s3cret"}}
    asked = add(world, "devices", site_id=north, code="SNMP-1", **values)
    assert asked["has_credentials"]
    assert "s3cret" not in json.dumps(world.ask("auditor", "GET", "/api/audit?limit=500").json())
    assert world.ask("operator", "GET", f"/api/infrastructure/devices/{asked['id']}").json()["address"] == ""


def test_the_screens_follow_infrastructure_within_their_sectors(wired: World) -> None:
    ids = furnish(wired)
    until(wired, lambda: wired.hub.has("link", ids["link"]))
    mine = shown(wired, "north")
    assert {row["id"] for row in mine["switches"]} == {ids["switch"]}
    assert [row["id"] for row in mine["links"]] == [ids["link"]]
    assert mine["links"][0]["state"] == "unknown"
    assert [row["kind"] for row in mine["power_sources"]] == ["battery"]
    assert {row["id"] for row in shown(wired, "operator")["switches"]} == {ids["switch"], ids["south_switch"]}
    # a site that moves to another sector takes what stands there with it
    body = {"sector_id": NORTH}
    assert wired.ask("administrator", "PATCH", f"/api/sites/{ids['south']}", json=body).status_code == 200
    until(wired, lambda: (wired.hub.value("switch", ids["south_switch"]) or {})["sector_ids"] == [NORTH])
    assert {row["id"] for row in shown(wired, "north")["switches"]} == {ids["switch"], ids["south_switch"]}


def test_what_health_tells_is_shown_and_its_silence_too(wired: World) -> None:
    ids = furnish(wired)
    until(wired, lambda: wired.hub.has("link", ids["link"]))
    at_us, subject = wired.clock.wall_us(), f"power_source:{ids['battery']}"
    reading = LatestReading(subject=subject, quantity="state_of_charge_pct", value=61.0, at_us=at_us)
    tell(
        wired,
        complete=True,
        vitals=[Vitals(id=ids["north"], grid=False, state_of_charge_pct=61), Vitals(id=ids["south"]), Vitals(id="x")],
        links={ids["link"]: "down"},
        switches={ids["switch"]: "up", "nobody": "up"},
        latest={ids["north"]: [reading]},
    )
    mine = shown(wired, "north")
    assert [row["id"] for row in mine["vitals"]] == [ids["north"]]
    assert mine["links"][0]["state"] == "down"
    assert wired.services.vitals.unknown == 2
    page = wired.ask("north", "GET", f"/api/sites/{ids['north']}/condition").json()
    assert page["vitals"]["state_of_charge_pct"] == 61
    assert page["links"][0]["state"] == "down"
    assert page["links"][0]["other_site"]["code"] == "SS"
    assert page["readings"][0] | {"age_s": 0} == {
        "subject": reading.subject, "quantity": "state_of_charge_pct", "unit": "%", "value": 61.0,
        "at_us": reading.at_us, "age_s": 0, "stale": False, "fault": "",
    }  # fmt: skip
    assert {camera["code"] for camera in page["cameras"]} == {"n1", "n2"}
    assert wired.ask("north", "GET", f"/api/sites/{ids['south']}/condition").status_code == 404
    wired.clock.advance(SILENT_S + 1)
    assert wired.client.portal is not None
    wired.client.portal.call(wired.services.vitals.tick)
    mine = shown(wired, "north")
    assert mine["vitals"][0]["silent_since_us"] == reading.at_us
    assert mine["links"][0]["state"] == "unknown"
    tell(wired)
    assert shown(wired, "north")["vitals"][0]["silent_since_us"] is None
    assert shown(wired, "north")["links"][0]["state"] == "down"


def test_a_person_sheds_and_gives_back(wired: World) -> None:
    north = site_id(wired, "SN")
    bad = {"steps": [{"do": "sub_only"}, {"do": "keep_priority", "soc_below_pct": 200}], "colour": 1}
    refused = wired.ask("technician", "PUT", f"/api/sites/{north}/shed-policy", json=bad)
    assert {fault["field"] for fault in refused.json()["fields"]} == {
        "steps.1", "steps.2", "steps.2.soc_below_pct", "steps.2.priority", "colour",
    }  # fmt: skip
    keep = {"do": "keep_priority", "soc_below_pct": 20, "priority": 1}
    good = {"steps": [{"do": "half_rate", "soc_below_pct": 50}, keep]}
    assert wired.ask("technician", "PUT", f"/api/sites/{north}/shed-policy", json=good).json()["step"] == 0
    assert wired.ask("operator", "POST", f"/api/sites/{north}/shed", json={"step": 1}).status_code == 403
    for step in (3, -1, "1", None, True):
        expected = 200 if step is None else 422
        assert wired.ask("technician", "POST", f"/api/sites/{north}/shed", json={"step": step}).status_code == expected
    wired.ask("technician", "PATCH", f"/api/cameras/{wired.ids['n1']}", json={"priority": 5})
    done = wired.ask("technician", "POST", f"/api/sites/{north}/shed", json={"step": 2}).json()
    assert (done["step"], done["manual"], done["step_by"]) == (2, True, "The technician")
    assert wired.client.portal is not None
    until(wired, lambda: wanted(wired) == {"n1": "half_rate", "n2": "off", "s1": ""})
    page = wired.ask("technician", "GET", f"/api/sites/{north}/condition").json()
    assert page["shedding"]["cameras"] == {wired.ids["n1"]: "half_rate", wired.ids["n2"]: "off"}
    wired.ask("technician", "POST", f"/api/sites/{north}/shed", json={"step": 0})
    until(wired, lambda: set(wanted(wired).values()) == {""})


@pytest.mark.parametrize("path", ["condition", "shed", "shed-policy"])
def test_a_site_of_another_sector_does_not_exist(world: World, path: str) -> None:
    method = {"condition": "GET", "shed": "POST", "shed-policy": "PUT"}[path]
    south = site_id(world, "SS")
    answer = world.ask("north", method, f"/api/sites/{south}/{path}", **({} if method == "GET" else {"json": {}}))
    assert answer.status_code == (404 if method == "GET" else 403)


def test_sites_that_go_dark_are_ranked_within_ones_sectors(wired: World) -> None:
    ids = {code: site_id(wired, code) for code in ("SN", "SS")}
    at_us = wired.clock.wall_us()  # 22:13 UTC: night in Nasiriyah, sunrise some hours away

    def forecast(code: str, hours: float, low: float, *, dark: bool) -> BatteryForecast:
        return BatteryForecast(
            site_id=ids[code], at_us=at_us, state_of_charge_pct=20, load_power_w=50, hours_left=hours,
            hours_left_low=low, hours_left_high=hours + 1, dark_at_us=at_us + round(hours * 3.6e9),
            dark_before_morning=dark, curve=[],
        )  # fmt: skip

    with wired.database.act(Who.system("test"), to_datetime(at_us)) as act:
        act.session.add_all([forecast("SN", 6.5, 3.0, dark=False), forecast("SS", 2.0, 1.0, dark=True)])

    def ranked(account: str) -> list[tuple[str, bool, int]]:
        found = wired.ask(account, "GET", "/api/dark-sites").json()["sites"]
        return [(site["code"], site["surely"], site["cameras"]) for site in found]

    assert ranked("operator") == [("SS", True, 1), ("SN", False, 2)]
    assert ranked("north") == [("SN", False, 2)]
    tell(wired, vitals=[Vitals(id=ids["SS"], grid=True)])
    assert ranked("operator") == [("SN", False, 2)]  # what is on the grid goes dark for nobody
