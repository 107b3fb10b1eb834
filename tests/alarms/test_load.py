"""Load figures against a reference that counts by hand, and what is read from the lives of real alarms."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manara.access.roles import Role
from manara.alarms import actions, bad_actors, load, load_views
from manara.alarms.load import DAY_US, SECOND_US, SLOT_US, Annunciation, Figure, Load, Standing
from manara.base.errors import InvalidInput
from tests.alarms.duty_world import RULES, DutyWorld, person

T0 = 1_700_000_000_000_000 // SLOT_US * SLOT_US
ALI = person("ali", Role.OPERATOR)

MOMENTS = st.integers(0, 4 * 3600).map(lambda second: T0 + second * SECOND_US)
TOLD = st.lists(
    st.builds(
        Annunciation,
        at_us=MOMENTS | st.integers(0, 900).map(lambda second: T0 + second * SECOND_US),  # often close together
        source=st.sampled_from([("a", "x"), ("b", "x"), ("a", "y")]),
        priority=st.sampled_from(load.PRIORITIES),
        acknowledged_us=st.none(),
        returned_us=st.none() | MOMENTS,
    ),
    max_size=60,
)


def _figure(found: Load, name: str) -> Figure:
    (figure,) = [figure for figure in found.figures if figure.name == name]
    return figure


def _window(times: list[int], at_us: int) -> int:
    return sum(at_us - SLOT_US < t <= at_us for t in times)


def _floods_by_hand(times: list[int], to_us: int) -> list[tuple[int, int]]:
    """Look at every moment at which anything can change."""
    floods, began = [], None
    for at_us in sorted({*times, *(t + SLOT_US for t in times)}):
        count = _window(times, at_us)
        if began is None and count > 10:
            began = at_us
        elif began is not None and count < 5:
            floods.append((began, min(at_us, to_us)))
            began = None
    assert began is None  # everything leaves the window in the end
    return floods


@given(told=TOLD)
@settings(max_examples=150, deadline=None)
def test_slots_floods_and_shares_are_those_counted_by_hand(told: list[Annunciation]) -> None:
    to_us = T0 + 5 * 3600 * SECOND_US
    found = load.measure(told, [], T0, to_us)
    times = sorted(a.at_us for a in told)
    assert found.annunciations == len(told)
    slots = {start: sum(start <= t < start + SLOT_US for t in times) for start in range(T0, to_us, SLOT_US)}
    assert {slot.at_us: slot.count for slot in found.slots} == slots
    assert _figure(found, "peak_10min").value == max(slots.values())
    assert _figure(found, "average_10min").value == pytest.approx(len(told) / len(slots))
    assert _figure(found, "busy_slots").value == pytest.approx(100 * sum(n > 10 for n in slots.values()) / len(slots))
    assert found.floods == _floods_by_hand(times, to_us)
    flooded = sum(end - start for start, end in found.floods)
    assert _figure(found, "flood_time").value == pytest.approx(100 * flooded / (to_us - T0))
    assert sum(found.priorities.values()) == len(told)
    assert sum(top.count for top in found.top) == len(told)  # three sources are all among the top ten


@given(times=st.lists(MOMENTS, max_size=40))
def test_chattering_is_that_counted_by_hand(times: list[int]) -> None:
    times.sort()

    def in_run(place: int) -> bool:
        runs = range(max(0, place - load.CHATTER_COUNT + 1), place + 1)
        return any(
            first + load.CHATTER_COUNT <= len(times)
            and times[first + load.CHATTER_COUNT - 1] - times[first] <= load.CHATTER_US
            for first in runs
        )

    assert load.chattering_spells(times) == sum(in_run(place) for place in range(len(times)))


@given(values=st.lists(st.floats(0, 1e6), min_size=1, max_size=30), share=st.sampled_from([0.5, 0.9]))
def test_a_percentile_has_that_share_at_or_below_it(values: list[float], share: float) -> None:
    found = load.percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= math.ceil(share * len(values))


@given(spans=st.lists(st.tuples(st.integers(-10, 110), st.integers(-10, 110)), max_size=8))
def test_merged_spans_hold_the_same_moments(spans: list[tuple[int, int]]) -> None:
    merged = load.merge(spans, 0, 100)
    inside = {t for start, end in spans for t in range(start, end) if 0 <= t < 100}
    assert {t for start, end in merged for t in range(start, end)} == inside
    assert all(a[1] < b[0] for a, b in itertools.pairwise(merged))


def test_an_empty_chair_has_no_load() -> None:
    told = [Annunciation(T0 + n * SLOT_US, ("a", "x"), "low") for n in range(6)]
    manned = [(T0, T0 + 6 * SLOT_US)]
    found = load.measure(told, [], T0, T0 + DAY_US, manned)
    assert _figure(found, "average_10min").value == 1.0
    assert len(found.slots) == 6


def test_stale_is_counted_by_the_worst_day_and_named_where_it_stands() -> None:
    standing = [
        Standing("a", ("k", "x"), T0 - 2 * DAY_US, None, planned=True),
        Standing("b", ("k", "y"), T0 - 2 * DAY_US, T0 + DAY_US // 2),
        Standing("c", ("k", "z"), T0 + DAY_US, T0 + 2 * DAY_US),  # to the second a day: not stale
        Standing("d", ("k", "w"), T0, T0 + DAY_US + 1),
    ]
    found = load.measure([], standing, T0, T0 + 3 * DAY_US)
    assert [stale.alarm_id for stale in found.stale] == ["a"]
    assert _figure(found, "stale").value == 2
    assert _figure(found, "stale_unplanned").met == "target"


def test_too_little_is_not_judged_and_too_much_is_missed() -> None:
    few = load.measure([Annunciation(T0, ("a", "x"), "critical")], [], T0, T0 + DAY_US)
    assert _figure(few, "priority_critical").met == "unknown"
    assert _figure(few, "average_10min").met == "target"
    many = load.measure(
        [Annunciation(T0 + n * 20 * SECOND_US, ("a", str(n)), "high") for n in range(400)], [], T0, T0 + DAY_US
    )
    assert {
        name: _figure(many, name).met for name in ("average_10min", "peak_10min", "priority_high", "flood_time")
    } == {
        "average_10min": "missed",
        "peak_10min": "missed",
        "priority_high": "missed",
        "flood_time": "missed",
    }


def test_what_nobody_answered_in_time_is_late() -> None:
    told = [
        Annunciation(T0, ("a", "x"), "low", acknowledged_us=T0 + 10 * SECOND_US, respond_s=60),
        Annunciation(T0, ("a", "y"), "low", respond_s=60),
        Annunciation(T0 + DAY_US - SECOND_US, ("a", "z"), "low", respond_s=60),  # its time still runs
    ]
    assert _figure(load.measure(told, [], T0, T0 + DAY_US), "acknowledged_in_time").value == 50


# ---- bad actors


def test_each_bad_actor_gets_the_mend_that_its_figures_ask_for() -> None:
    def told(source: str, times_s: list[int], lasts_s: int, answered: bool = True) -> list[Annunciation]:
        return [
            Annunciation(
                T0 + t * SECOND_US,
                (source, "x"),
                "low",
                acknowledged_us=T0 + (t + 5) * SECOND_US if answered else None,
                returned_us=T0 + (t + lasts_s) * SECOND_US,
            )
            for t in times_s
        ]

    chattering = told("cabinet_hot", [0, 150, 300, 450], 80)
    fleeting = told("camera_black", [0, 4000, 8000, 12000], 20)
    ignored = told("camera_dirty", [0, 9000, 18000, 27000, 36000], 3600, answered=False)
    stale = [Standing("z", ("battery_failed", "x"), T0 - 3 * DAY_US, None)]
    found = {
        actor.source[0]: actor
        for actor in bad_actors.find([*chattering, *fleeting, *ignored], stale, T0 + DAY_US, load.STALE_US)
    }
    mends = {kind: [mend.what for mend in actor.mends] for kind, actor in found.items()}
    assert mends == {
        "cabinet_hot": ["delay_off", "dead_band"],
        "camera_black": ["delay_on"],
        "camera_dirty": ["re_prioritise"],
        "battery_failed": ["maintenance"],
    }
    assert found["cabinet_hot"].mends[0].value_s == 90  # it was quiet for 70 s between two
    assert found["camera_black"].mends[0].value_s == 20


# ---- from the lives of alarms


def test_figures_are_read_from_the_lives_of_alarms(room: DutyWorld) -> None:
    console = room.console("C1")
    room.sit(console, ALI)
    start_us = room.clock.wall_us()
    first = room.raise_alarm("camera_covered", "camera:c1")
    room.clock.advance(30)
    room.acknowledge(first, ALI)
    actions.comment(room.database, ALI, room.at, first, {"text": "a person acts"}, RULES)
    room.raise_alarm("camera_loop", "camera:c2")
    room.raise_alarm("camera_covered", "camera:c3", exercise=True)
    room.clock.advance(3600)
    with room.database.read() as session:
        found = load_views.load_of(session, start_us, room.clock.wall_us(), console)
        nothing = load_views.load_of(session, start_us, room.clock.wall_us(), "another")
        worst = load_views.bad_actors_of(session, start_us, room.clock.wall_us())
    figures = {figure["name"]: figure for figure in found["figures"]}
    assert found["annunciations"] == 2  # neither what operators do nor an exercise
    assert found["priorities"] == {"critical": 1, "high": 1, "medium": 0, "low": 0}
    assert figures["acknowledge_p50"]["value"] == 30
    assert figures["acknowledged_in_time"]["value"] == 50
    assert figures["suppressed_without_authority"]["value"] == 0
    assert found["manned_s"] == 3630
    assert nothing["annunciations"] == 0
    assert worst == []


def test_an_alarm_that_stands_for_days_is_stale_until_it_is_put_away(room: DutyWorld) -> None:
    start_us = room.clock.wall_us()
    stands = room.raise_alarm("link_cut", "link:l1")
    away = room.raise_alarm("link_cut", "link:l2")
    actions.out_of_service(room.database, ALI, room.at, away, {"reason": "rebuilt"}, RULES)
    room.clock.advance(3 * 86_400)
    with room.database.read() as session:
        found = load_views.load_of(session, start_us, room.clock.wall_us())
        (worst,) = load_views.bad_actors_of(session, start_us, room.clock.wall_us())
    assert [stale["alarm_id"] for stale in found["stale"]] == [stands]
    assert worst["subject"] == "link:l1"
    assert worst["mends"][0]["what"] == "maintenance"


@pytest.mark.parametrize("length_us", [0, -1, 401 * DAY_US])
def test_a_span_has_a_length_that_can_be_answered(room: DutyWorld, length_us: int) -> None:
    with room.database.read() as session, pytest.raises(InvalidInput):
        load_views.load_of(session, T0, T0 + length_us)
