"""What becomes of a signal, as timetables: delays, dead-bands, groups, larger explanations, suppressions, load."""

import pytest

from manara.alarms import hands
from manara.alarms.life import NotAllowed
from manara.alarms.room import DAY_US, SECOND_US, Rules
from tests.alarms.rig import OPERATOR, OTHER, Desk

LINK = ("link_cut", "link:l1")  # grouped with nothing, 2 s delay, 60 s until it counts as ended


def test_told_once_after_its_delay() -> None:
    desk = Desk()
    desk.up("c1", *LINK)
    assert (desk.told, desk.fate("c1")) == ([], "waiting")
    desk.wait(3)
    desk.up("c1", *LINK)  # more became known of it
    desk.wait(30)
    assert (desk.told, desk.fate("c1")) == (["link_cut link:l1"], "annunciated")


def test_a_signal_twice_late_or_out_of_order_changes_nothing() -> None:
    desk = Desk()
    desk.up("c1", *LINK, version=5)
    desk.wait(3)
    desk.take("c1", *LINK, False, version=9, ended_us=desk.now_us)
    desk.wait(100)
    before = (list(desk.told), dict(desk.open))
    assert not desk.up("c1", *LINK, version=7)
    assert not desk.up("c1", *LINK, version=9)
    assert (desk.told, desk.open) == before == (["link_cut link:l1"], {"link_cut link:l1": "returned_unacknowledged"})


def test_a_fleeting_one_is_counted_and_not_told() -> None:
    desk = Desk()
    desk.up("c1", *LINK)
    desk.wait(1)
    desk.down("c1", *LINK, since_us=desk.now_us - SECOND_US)
    desk.wait(60)
    assert (desk.told, desk.open, desk.fate("c1")) == ([], {}, "fleeting")


def test_what_came_and_went_while_nobody_looked_is_told_if_it_was_real() -> None:
    desk = Desk()
    desk.down("c1", *LINK, since_us=desk.now_us - 300 * SECOND_US)
    desk.down("c2", "link_cut", "link:l2", since_us=desk.now_us - SECOND_US)
    desk.wait(90)
    assert desk.told == ["link_cut link:l1"]
    assert desk.open == {"link_cut link:l1": "returned_unacknowledged"}
    assert desk.fate("c2") == "fleeting"


def test_back_within_its_dead_band_is_the_same_alarm() -> None:
    desk = Desk()
    desk.up("c1", *LINK)
    desk.wait(3)
    desk.down("c1", *LINK)
    desk.wait(30)
    desk.up("c2", *LINK)
    desk.wait(300)
    assert (desk.told, desk.fate("c2")) == (["link_cut link:l1"], "repeated")
    assert desk.open == {"link_cut link:l1": "unacknowledged"}


def test_a_chattering_one_is_one_alarm_until_it_is_quiet() -> None:
    desk = Desk()
    for n in range(40):  # 1 s on, 29 s off: each by itself is fleeting
        desk.up(f"c{n}", *LINK)
        desk.wait(1)
        desk.down(f"c{n}", *LINK, since_us=desk.now_us - SECOND_US)
        desk.wait(29)
    assert desk.told == ["link_cut link:l1"]
    assert desk.alarm(*LINK).chattering
    desk.wait(desk.rules.chatter_hold_s + 5)
    assert desk.open == {"link_cut link:l1": "returned_unacknowledged"}
    hands.acknowledge(desk.room, desk.alarm(*LINK), OPERATOR, desk.now_us)
    assert desk.open == {}


def test_a_cause_that_turns_out_to_be_another_is_told_as_that() -> None:
    desk = Desk()
    desk.up("c1", "grid_lost", "site:s1", site_id="s1", sector_id="n")
    desk.wait(10)
    desk.up("c1", "site_power_lost", "site:s1", site_id="s1", sector_id="n")
    desk.wait(10)
    assert desk.told == ["grid_lost site:s1", "site_power_lost site:s1"]
    assert desk.open["site_power_lost site:s1"] == "unacknowledged"


# ---- groups


def test_four_cameras_of_a_pole_are_one() -> None:
    desk = Desk()
    for n in range(4):
        desk.up(f"c{n}", "camera_frozen", f"camera:k{n}", site_id="s1", sector_id="n", camera_ids=[f"k{n}"])
        desk.wait(6)
    group = desk.alarm("camera_frozen", "site:s1")
    assert desk.told == ["camera_frozen camera:k0"]  # the group answers to the bell of its first
    assert (group.grouped_count, group.camera_ids) == (4, ["k0", "k1", "k2", "k3"])
    assert desk.open == {"camera_frozen site:s1": "unacknowledged"}
    hands.acknowledge(desk.room, group, OPERATOR, desk.now_us)
    assert {str(alarm.life.state) for alarm in desk.room.alarms.values()} == {"acknowledged"}


def test_many_of_a_kind_in_a_sector_become_one_that_grows() -> None:
    desk = Desk()
    for n in range(60):
        desk.up(f"c{n}", "grid_lost", f"site:s{n}", site_id=f"s{n}", sector_id="n")
        desk.wait(5)
    group = desk.alarm("grid_lost", "sector:n")
    desk.wait(10)
    assert group.grouped_count == 60
    assert desk.told == ["grid_lost site:s0", "grid_lost site:s1"]
    assert [desk.fate(f"c{n}") for n in range(60)] == ["annunciated"] * 2 + ["grouped"] * 58


def test_another_sector_is_another_group() -> None:
    desk = Desk()
    for n in range(6):
        sector = "n" if n % 2 else "s"
        desk.up(f"c{n}", "grid_lost", f"site:s{n}", site_id=f"s{n}", sector_id=sector)
        desk.wait(6)
    assert {"grid_lost sector:n", "grid_lost sector:s"} <= set(desk.open)


def test_an_acknowledged_group_is_told_again_when_it_has_grown_fourfold() -> None:
    desk = Desk()
    for n in range(3):
        desk.up(f"c{n}", "grid_lost", f"site:s{n}", site_id=f"s{n}", sector_id="n")
    desk.wait(10)
    hands.acknowledge(desk.room, desk.alarm("grid_lost", "sector:n"), OPERATOR, desk.now_us)
    told = len(desk.told)
    for n in range(3, 12):
        desk.up(f"c{n}", "grid_lost", f"site:s{n}", site_id=f"s{n}", sector_id="n")
        desk.wait(10)
    assert desk.told[told:] == ["grid_lost sector:n"]
    assert desk.open == {"grid_lost sector:n": "unacknowledged"}


def test_a_straggler_after_the_window_is_told_by_itself() -> None:
    desk = Desk()
    for n in range(3):
        desk.up(f"c{n}", "site_isolated", f"site:s{n}", site_id=f"s{n}", sector_id="n")
    desk.wait(desk.rules.group_window_s + 60, step_s=10)
    desk.up("late", "site_isolated", "site:s9", site_id="s9", sector_id="n")
    desk.wait(10)
    assert desk.told[-1] == "site_isolated site:s9"


def test_a_group_ends_with_its_last_member_and_waits_for_a_person() -> None:
    desk = Desk()
    for n in range(3):
        desk.up(f"c{n}", "grid_lost", f"site:s{n}", site_id=f"s{n}", sector_id="n")
    desk.wait(10)
    for n in range(3):
        desk.down(f"c{n}", "grid_lost", f"site:s{n}", site_id=f"s{n}", sector_id="n")
    desk.wait(150)
    assert desk.open == {"grid_lost sector:n": "returned_unacknowledged"}
    hands.acknowledge(desk.room, desk.alarm("grid_lost", "sector:n"), OPERATOR, desk.now_us)
    assert desk.room.alarms == {}


def test_nothing_new_disappears_into_a_shelved_group() -> None:
    desk = Desk()
    for n in range(3):
        desk.up(f"c{n}", "site_isolated", f"site:s{n}", site_id=f"s{n}", sector_id="n")
    desk.wait(10)
    group = desk.alarm("site_isolated", "sector:n")
    hands.shelve(desk.room, group, OPERATOR, "known", desk.now_us + 3600 * SECOND_US, desk.now_us)
    desk.up("new", "site_isolated", "site:s9", site_id="s9", sector_id="n")
    desk.wait(10)
    assert desk.told[-1] == "site_isolated site:s9"


# ---- larger explanations


def test_a_dead_camera_at_a_site_without_power_is_not_told_beside_it() -> None:
    desk = Desk()
    desk.up("p", "site_power_lost", "site:s1", site_id="s1", sector_id="n")
    desk.wait(2)
    desk.up("c", "camera_dead", "camera:k1", site_id="s1", sector_id="n")
    desk.wait(10)
    assert (desk.told, desk.fate("c")) == (["site_power_lost site:s1"], "grouped")


def test_what_outlasts_its_explanation_is_told_by_itself() -> None:
    desk = Desk()
    desk.up("p", "site_power_lost", "site:s1", site_id="s1", sector_id="n")
    desk.up("c", "camera_dead", "camera:k1", site_id="s1", sector_id="n")
    desk.wait(10)
    hands.acknowledge(desk.room, desk.alarm("site_power_lost", "site:s1"), OPERATOR, desk.now_us)
    desk.down("p", "site_power_lost", "site:s1", site_id="s1", sector_id="n")
    desk.wait(200)
    assert desk.told == ["site_power_lost site:s1", "camera_dead camera:k1"]
    assert desk.open == {"camera_dead camera:k1": "unacknowledged"}


def test_a_larger_one_takes_in_what_was_told_before_it_was_known() -> None:
    desk = Desk()
    desk.up("c", "camera_dead", "camera:k1", site_id="s1", sector_id="n")
    desk.wait(5)
    desk.up("p", "site_power_lost", "site:s1", site_id="s1", sector_id="n")
    desk.wait(5)
    assert desk.open == {"site_power_lost site:s1": "unacknowledged"}
    assert desk.alarm("site_power_lost", "site:s1").grouped_count == 1


def test_a_cause_absorbed_by_a_larger_one_leaves_no_bell_of_its_own() -> None:
    desk = Desk()
    for n in range(4):
        desk.up(f"c{n}", "camera_dead", f"camera:k{n}", site_id="s1", sector_id="n")
    desk.wait(5)
    for n in range(4):  # the smaller causes end first, the larger one is known a moment later
        desk.down(f"c{n}", "camera_dead", f"camera:k{n}", site_id="s1", sector_id="n", absorbed_into="p")
    desk.up("p", "site_isolated", "site:s1", site_id="s1", sector_id="n")
    desk.wait(60)
    assert desk.open == {"site_isolated site:s1": "unacknowledged"}


# ---- covers


def test_a_maintenance_window_covers_what_lies_within_it_and_ends_by_itself() -> None:
    desk = Desk()
    desk.up("before", *LINK, site_id="s1", sector_id="n")
    desk.wait(5)
    desk.covering(600, site_ids=["s1"])
    desk.up("c", "camera_covered", "camera:k1", site_id="s1", sector_id="n")
    desk.up("else", "camera_covered", "camera:k2", site_id="s2", sector_id="n")
    desk.wait(30)
    assert desk.told == ["link_cut link:l1", "camera_covered camera:k2"]
    assert desk.open["camera_covered camera:k1"] == desk.open["link_cut link:l1"] == "suppressed_by_design"
    assert desk.room.accounts["c"].by_id == "s0"
    desk.down("before", *LINK, site_id="s1", sector_id="n")
    desk.wait(600)
    assert desk.told[2:] == ["camera_covered camera:k1"]  # still covered by somebody's hand when the window is over
    assert desk.open["link_cut link:l1"] == "returned_unacknowledged"  # was told before, and never answered


def test_a_window_of_some_cameras_does_not_hide_an_alarm_that_reaches_beyond() -> None:
    desk = Desk()
    desk.covering(600, camera_ids=["k1"])
    desk.up("a", "camera_covered", "camera:k1", camera_ids=["k1"])
    desk.up("b", "switch_dead", "switch:w", camera_ids=["k1", "k2"])
    desk.wait(10)
    assert desk.told == ["switch_dead switch:w"]


def test_a_shelf_ends_by_the_clock_and_what_is_still_active_is_told_again() -> None:
    desk = Desk()
    desk.up("c", *LINK)
    desk.wait(5)
    hands.shelve(
        desk.room, desk.alarm(*LINK), OPERATOR, "team is on its way", desk.now_us + 900 * SECOND_US, desk.now_us
    )
    desk.up("c2", *LINK)
    assert desk.fate("c2") == "shelved"
    desk.wait(899, step_s=10)
    assert len(desk.told) == 1
    desk.wait(5)
    assert desk.told == ["link_cut link:l1"] * 2
    assert desk.open == {"link_cut link:l1": "unacknowledged"}


def test_a_shelf_has_a_longest_time() -> None:
    desk = Desk(Rules(shelf_max_s=3600))
    desk.up("c", *LINK)
    desk.wait(5)
    for until_us in (desk.now_us + 3601 * SECOND_US, desk.now_us):
        with pytest.raises(NotAllowed, match="at most 1 hours"):
            hands.shelve(desk.room, desk.alarm(*LINK), OPERATOR, "known", until_us, desk.now_us)


def test_out_of_service_stays_quiet_until_it_is_put_back() -> None:
    desk = Desk()
    desk.up("c", *LINK)
    desk.wait(5)
    hands.take_out(desk.room, desk.alarm(*LINK), OPERATOR, "being rebuilt", desk.now_us)
    desk.down("c", *LINK)
    desk.wait(100)
    desk.up("c2", *LINK)
    desk.wait(10)
    assert (desk.told, desk.fate("c2")) == (["link_cut link:l1"], "out_of_service")
    hands.put_in(desk.room, desk.alarm(*LINK), OPERATOR, desk.now_us)
    assert desk.told + [entry.kind for entry in desk.room.entries if entry.annunciated] == [
        "link_cut link:l1",
        "link_cut",
    ]


def test_who_is_second_to_acknowledge_is_told_who_was_first() -> None:
    desk = Desk()
    desk.up("c", *LINK)
    desk.wait(5)
    hands.acknowledge(desk.room, desk.alarm(*LINK), OPERATOR, desk.now_us)
    with pytest.raises(NotAllowed, match="Zainab has already"):
        hands.acknowledge(desk.room, desk.alarm(*LINK), OTHER, desk.now_us)


# ---- load


def test_under_load_the_less_urgent_wait_and_the_urgent_do_not() -> None:
    desk = Desk()
    for n in range(6):
        desk.up(f"m{n}", "link_cut", f"link:l{n}")
        desk.wait(3)
    desk.up("low", "link_degraded", "link:x")
    desk.up("medium", "link_cut", "link:y")
    desk.up("critical", "recorder_down", "recorder:r1")
    desk.wait(30)
    assert desk.fate("low") == desk.fate("medium") == "flood"
    assert desk.told[-1] == "recorder_down recorder:r1"
    assert desk.alarm("link_degraded", "link:x").flooded


def test_what_was_held_back_is_told_together_when_it_is_calm() -> None:
    desk = Desk()
    for n in range(9):
        desk.up(f"m{n}", "link_cut", f"link:l{n}")
        desk.wait(3)
    assert len(desk.told) == 6
    desk.wait(620)
    assert desk.told[6:] == ["link_cut program:all"]
    group = desk.alarm("link_cut", "program:all")
    assert (group.grouped_count, group.group_scope) == (3, "flood")


def test_a_flood_begins_over_ten_and_ends_under_five() -> None:
    desk = Desk()
    for n in range(14):
        desk.up(f"c{n}", "recorder_disk_failed", f"disk:d{n}")
        desk.wait(1)
    assert list(desk.room.floods) == [None]
    assert len(desk.told) == 14  # high ones are never held
    desk.wait(620)
    assert desk.room.floods == {}
    assert desk.room.floods_changed[-1].ended_us is not None


def test_a_latched_alarm_stays_until_it_is_reset() -> None:
    desk = Desk()
    stolen = ("battery_stolen", "site:s1")
    desk.up("c", *stolen, site_id="s1")
    desk.wait(5)
    desk.down("c", *stolen, site_id="s1")
    hands.acknowledge(desk.room, desk.alarm(*stolen), OPERATOR, desk.now_us)
    desk.wait(100)
    assert desk.open == {"battery_stolen site:s1": "acknowledged"}
    hands.reset(desk.room, desk.alarm(*stolen), OPERATOR, desk.now_us)
    assert desk.open == {}


def test_a_source_is_counted_over_a_day() -> None:
    desk = Desk()
    for n in range(3):
        desk.up(f"c{n}", *LINK)
        desk.wait(5)
        desk.down(f"c{n}", *LINK)
        desk.now_us += DAY_US // 3
        desk.wait(5)
        hands.acknowledge(desk.room, desk.alarm(*LINK), OPERATOR, desk.now_us)
    desk.up("last", *LINK)
    desk.wait(5)
    assert desk.alarm(*LINK).count_24h == 3


def test_a_low_kind_that_keeps_coming_from_all_over_drowns_nothing_else() -> None:
    desk = Desk()
    for n in range(20):
        poor = ("camera_stream_poor", f"camera:k{n}")
        desk.up(f"c{n}", *poor, site_id=f"s{n}", sector_id="n")
        desk.wait(60)
        desk.down(f"c{n}", *poor, site_id=f"s{n}", sector_id="n", since_us=desk.now_us - 60 * SECOND_US)
        desk.wait(300, step_s=10)
    assert desk.told == [f"camera_stream_poor camera:k{n}" for n in range(5)] + ["camera_stream_poor program:all"]
    desk.up("dead", "camera_dead", "camera:k99", site_id="s99", sector_id="n")
    desk.wait(5)
    assert desk.told[-1] == "camera_dead camera:k99"


def test_a_chattering_source_that_stays_is_told_anew() -> None:
    desk = Desk()
    for n in range(6):
        desk.up(f"c{n}", *LINK)
        desk.wait(1)
        desk.down(f"c{n}", *LINK, since_us=desk.now_us - SECOND_US)
        desk.wait(20)
    hands.acknowledge(desk.room, desk.alarm(*LINK), OPERATOR, desk.now_us)
    desk.up("cut", *LINK)
    desk.wait(100)
    assert desk.told == ["link_cut link:l1"]
    desk.wait(30)
    assert desk.told == ["link_cut link:l1"] * 2
    assert desk.open == {"link_cut link:l1": "unacknowledged"}


def test_a_source_that_recurs_all_evening_is_held_together() -> None:
    desk = Desk()
    for n in range(20):  # a grid that comes and goes each five minutes
        desk.up(f"c{n}", "grid_lost", "site:s1", site_id="s1")
        desk.wait(120, step_s=5)
        if desk.room.of_source("grid_lost", "site:s1").life.owed:  # type: ignore[union-attr]
            hands.acknowledge(desk.room, desk.alarm("grid_lost", "site:s1"), OPERATOR, desk.now_us)
        desk.down(f"c{n}", "grid_lost", "site:s1", site_id="s1", since_us=desk.now_us - 120 * SECOND_US)
        desk.wait(180, step_s=5)
    assert len(desk.told) <= 4
    assert desk.room.accounts["c19"].disposition == "repeated"
