"""Faults on demand: each does what it says, is accounted for, and leaves nothing behind when it is healed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manara.base.errors import Conflict, InvalidInput, NotFound
from manara.simulate import ballast
from manara.simulate.estate import Estate
from manara.simulate.schedule import CALM_S, Timetable
from manara.simulate.trouble import KINDS, Fault, Trouble
from tests.simulate.estates import NOON_US, PaperCameras, estate, let_pass

PLAYED = [kind for kind in KINDS if kind != "disk_full"]
SMALL = estate(streaming=8)


def _world(played: Estate | None = None) -> tuple[Estate, PaperCameras, Trouble, list[Fault]]:
    played = played or estate()
    cameras, told = PaperCameras(), list[Fault]()
    return played, cameras, Trouble(played, cameras, None, told.append), told


def _wrong(played: Estate, cameras: PaperCameras) -> Iterator[object]:
    """Everything that is not as it should be."""
    for site in played.sites.values():
        faults = site.power.faults
        yield from (getattr(faults, name) for name in faults.__slots__)
        yield site.switch_dead
    yield from (link.cut or link.loss_db for link in played.links.values())
    yield from (camera.dead for camera in played.cameras.values())
    yield from (device.dead for device in played.devices.values())
    yield from (cameras.wire, *cameras.wire.values()) if any(cameras.wire.values()) else ()
    yield cameras.picture
    yield cameras.wrong_password


@given(st.lists(st.tuples(st.sampled_from(PLAYED), st.integers(0, 40), st.booleans()), max_size=25))
@settings(max_examples=60, deadline=None)
def test_whatever_is_ordered_and_healed_in_whatever_order_leaves_nothing_wrong(
    steps: list[tuple[str, int, bool]],
) -> None:
    played, cameras, trouble, told = _world(SMALL)
    for kind, number, heal in steps:
        places = trouble.places(kind)
        try:
            trouble.order(kind, places[number % len(places)], NOON_US)
        except Conflict:
            continue
        assert any(_wrong(played, cameras))
        if heal:
            trouble.heal(list(trouble.active)[number % len(trouble.active)], NOON_US + 1)
    trouble.heal_all(NOON_US + 2)
    assert not any(_wrong(played, cameras))
    assert all(fault.healed_us is not None for fault in told)


def test_a_fault_that_another_still_causes_stays() -> None:
    played, cameras, trouble, _ = _world()
    code = "SITE-001"
    whole = trouble.order("site_power", code, NOON_US)
    trouble.order("grid", code, NOON_US)
    trouble.heal(whole.id, NOON_US + 1)
    assert played.sites[code].power.faults.grid_lost
    camera = next(iter(played.cameras))
    last = trouble.order("blurred", camera, NOON_US)
    trouble.order("sprayed", camera, NOON_US)
    trouble.heal(last.id, NOON_US + 2)
    assert cameras.picture[camera] == "sprayed"


def test_a_cut_in_a_ring_costs_nothing_yet_and_the_second_does() -> None:
    played, _, trouble, _ = _world()
    let_pass(played, 10)
    ring = [one.code for one in played.links.values() if "SITE-001" in (one.a_site, one.b_site) and one.role == "main"]
    first = trouble.order("link_cut", ring[0], NOON_US)
    assert (first.cause, first.cameras) == ("ring_open", [])
    second = trouble.order("link_cut", ring[1], NOON_US)
    assert (second.cause, second.sites) == ("link_cut", ["SITE-001"])


def test_truth_names_whom_it_harms() -> None:
    played, _, trouble, told = _world()
    let_pass(played, 10)
    site = trouble.order("switch_dead", "SITE-080", NOON_US)
    assert site.cameras == [one.code for one in played.sites["SITE-080"].cameras]
    storm = trouble.order("dust", "SEC-SUQ", NOON_US)
    assert len(storm.cameras) == 4
    assert [one.id for one in told] == ["F0001", "F0002"]


def test_what_is_not_there_is_refused_by_name() -> None:
    _, _, trouble, _ = _world()
    with pytest.raises(InvalidInput, match="earthquake"):
        trouble.order("earthquake", "SITE-080", NOON_US)
    with pytest.raises(NotFound, match="SITE-999"):
        trouble.order("grid", "SITE-999", NOON_US)
    with pytest.raises(InvalidInput, match="no recorder"):
        trouble.order("disk_full", "recorder-1", NOON_US)
    with pytest.raises(NotFound, match="F0099"):
        trouble.heal("F0099", NOON_US)
    assert not trouble.active


def test_what_was_ordered_for_a_time_heals_by_itself() -> None:
    played, _, trouble, _ = _world()
    trouble.order("door", "SITE-080", NOON_US, seconds=60)
    assert not trouble.heal_due(NOON_US + 59_000_000)
    assert [one.kind for one in trouble.heal_due(NOON_US + 60_000_000)] == ["door"]
    assert not played.sites["SITE-080"].power.faults.door_open


def test_an_evening_begins_calm_and_never_has_more_than_three_things_wrong() -> None:
    played, _, trouble, _ = _world()
    table = Timetable("evening", trouble.places)
    seen: set[str] = set()
    for second in range(3 * 3600):
        now_us = NOON_US + second * 1_000_000
        trouble.heal_due(now_us)
        for planned in table.due(float(second), len(trouble.active)):
            assert second >= CALM_S
            seen.add(trouble.order(planned.kind, planned.at, now_us, seconds=planned.lasts_s, by="schedule").kind)
        assert len(trouble.active) <= 3
    assert len(seen) >= 12
    assert played.sites


def test_a_calm_province_stays_calm_and_a_bad_day_floods() -> None:
    _, _, trouble, _ = _world()
    assert not Timetable("calm", trouble.places).due(1e6, 0)
    assert len(Timetable("bad_day", trouble.places).due(600, 0)) >= 40


def test_no_large_disk_is_ever_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ballast, "MOST_DISK_BYTES", 1)
    trouble = Trouble(estate(streaming=2), PaperCameras(), ballast.Ballast(tmp_path))
    with pytest.raises(InvalidInput, match="will not be filled"):
        trouble.order("disk_full", "recorder-1", NOON_US)
    assert not trouble.active
    assert list(tmp_path.iterdir()) == []
