"""What carries the cameras: complete, unambiguous, reachable, and the same for the same seed."""

from collections import Counter

from manara.simulate.infrastructure import CONTROL_CODE, make_infrastructure
from manara.simulate.links import LinkState, reach
from tests.simulate.estates import province

PROVINCE, MADE = province()
SITES = {row["code"] for row in [*PROVINCE.sites, *MADE.sites]}


def test_every_site_has_power_a_cabinet_and_a_switch() -> None:
    assert {row["site"] for row in MADE.cabinets} == SITES
    assert Counter(row["site"] for row in MADE.switches) == Counter(SITES)
    kinds = {(row["site"], row["kind"]) for row in MADE.power_sources}
    assert len(kinds) == len(MADE.power_sources)
    assert all({(site, "grid"), (site, "battery")} <= kinds for site in SITES)
    assert 120 <= sum(kind == "solar" for _, kind in kinds) <= 180


def test_no_port_is_used_twice_and_every_port_is_there() -> None:
    ports = {row["code"]: row["ports"] for row in MADE.switches}
    used = list(MADE.camera_ports.values())
    used += [(row[f"{end}_switch"], row[f"{end}_port"]) for row in MADE.links for end in "ab"]
    assert len(set(used)) == len(used)
    assert all(1 <= port <= ports[switch] for switch, port in used)
    assert set(MADE.camera_ports) == {row["code"] for row in PROVINCE.cameras}


def test_every_site_reaches_the_control_room_and_codes_are_unique() -> None:
    links = [
        LinkState(row["code"], row["kind"], row["role"], row["a_site"], row["b_site"], row["ring"], 1.0)
        for row in MADE.links
    ]
    assert reach(links, {}, CONTROL_CODE) == SITES
    for rows in (MADE.links, MADE.switches, MADE.devices):
        assert len({row["code"] for row in rows}) == len(rows)


def test_the_sites_that_are_played_share_rings_and_trees_of_their_own_and_speak() -> None:
    live = set(MADE.live)
    assert len(live) == 12
    assert {row["site"] for row in MADE.devices} >= live
    assert {row["protocol"] for row in MADE.devices} >= {"push", "modbus", "snmp"}
    beside = [row for row in MADE.links if {row["a_site"], row["b_site"]} & live and row["role"] == "main"]
    assert all(end in live or end.startswith("HUB-") for row in beside for end in (row["a_site"], row["b_site"]))
    assert {bool(row["ring"]) for row in beside} == {True, False}


def test_the_same_province_gives_the_same() -> None:
    assert make_infrastructure(PROVINCE) == MADE
