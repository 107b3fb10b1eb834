"""A site that sheds load on its battery: what it closes is no fault, and what fails meanwhile is found all the same."""

from tests.scenarios.test_causes import charge, tell
from tests.scenarios.timetable import at, by, never_more_than, opens, timetable


def load(watts: float):  # type: ignore[no-untyped-def]
    """The market's load, told once."""
    return tell("market", "site:market", "load_power_w", watts)


def test_what_a_site_sheds_is_no_fault() -> None:
    timetable(
        at(100, "half the market gives its sub-stream", lambda t: t.shed("market", 2, sub=(1, 2))),
        at(102, "and takes less", load(40)),
        at(600, "three are closed", lambda t: t.shed("market", 3, sub=(1,), off=(2, 3, 4))),
        at(602, "and it takes a quarter", load(15)),
        at(1200, "and still", load(15)),
        at(1800, "all is recorded again", lambda t: t.shed("market", 0)),
        by(1900, opens()),
        by(1901, never_more_than(0)),
    )


def test_a_camera_that_fails_while_its_sub_stream_stands_in_is_told_within_five_seconds() -> None:
    told = timetable(
        at(100, "the market gives sub-streams", lambda t: t.shed("market", 2, sub=(1, 2, 3, 4))),
        at(600, "one of them is lost", lambda t: t.stream("market2", "lost", "stalled", form="sub")),
        by(605, opens("camera_dead camera:market2")),
        at(700, "it is there again", lambda t: t.stream("market2", form="sub")),
        by(760, opens()),
        at(800, "one refuses", lambda t: t.stream("market3", "refused", "unauthorized", form="sub")),
        by(810, opens("camera_credential camera:market3")),
    )
    assert told.opened() == ["camera_dead camera:market2", "camera_credential camera:market3"]


def test_the_recorder_of_sub_streams_that_stand_in_dies() -> None:
    timetable(
        at(100, "the market gives sub-streams", lambda t: t.shed("market", 2, sub=(1, 2, 3, 4))),
        at(600, "the recorder is heard no more", lambda t: t.recorders.clear()),
        by(640, opens("recorder_down recorder:recorder-1")),
        by(641, never_more_than(1)),
    )


def test_a_site_that_dies_when_it_has_shed_all_but_one_camera_is_one_cause() -> None:
    told = timetable(
        at(0, "the grid goes at the market", tell("market", "power_source:grid-market", "grid_present", 0)),
        at(3000, "all but one are closed", lambda t: t.shed("market", 3, off=(2, 3, 4))),
        at(9000, "the battery is empty", charge("market", 4)),
        at(9030, "and still", charge("market", 3)),
        at(9100, "and the last camera stalls", lambda t: t.stream("market1", "lost", "stalled")),
        by(9110, opens("site_power_lost site:market")),
    )
    assert "camera_dead camera:market1" not in told.opened()


def test_the_one_camera_that_was_kept_fails_and_is_not_taken_for_the_site() -> None:
    def keeps_telling(told):  # type: ignore[no-untyped-def]
        told.reading("market", "site:market", "load_power_w", 15)

    timetable(
        at(100, "all but one are closed", lambda t: t.shed("market", 3, off=(2, 3, 4))),
        at(600, "that one stalls", lambda t: t.stream("market1", "lost", "stalled")),
        *(at(605 + 5 * n, "the box tells as ever", keeps_telling) for n in range(6)),
        by(635, opens("camera_dead camera:market1")),
        by(636, never_more_than(1)),
    )


def test_load_that_was_shed_is_not_load_that_fell_with_a_switch() -> None:
    told = timetable(
        at(100, "half are closed", lambda t: t.shed("market", 3, off=(3, 4))),
        at(103, "its link is cut", tell("hub", "link:hub-market", "link_up", 0)),
        at(104, "the others stall", lambda t: t.stream("market1", "lost", "stalled")),
        at(104, "the others stall", lambda t: t.stream("market2", "lost", "stalled")),
        *(at(112 + 5 * n, "it tells by its modem that it takes half", load(25)) for n in range(5)),
        by(140, opens("link_cut link:hub-market")),
    )
    assert told.opened() == ["link_cut link:hub-market"]
