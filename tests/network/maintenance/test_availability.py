"""Availability against a count by hand: second by second, with overlaps, planned outages and cameras that came late."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from manara.network.maintenance.availability import Lost, Planned, Watched, figures, union, whole, without

S = 1_000_000
SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (min(pair), max(pair))), max_size=6)


def seconds(spans: list[tuple[int, int]]) -> set[int]:
    return {second for start, end in spans for second in range(start, end)}


@given(SPANS, SPANS)
def test_spans_are_joined_and_taken_away_as_sets_of_seconds(
    spans: list[tuple[int, int]], taken: list[tuple[int, int]]
) -> None:
    joined = union(spans)
    assert seconds(joined) == seconds(spans)
    assert all(one[1] < other[0] for one, other in itertools.pairwise(joined))
    assert seconds(without(joined, union(taken))) == seconds(spans) - seconds(taken)


@given(st.lists(SPANS, min_size=3, max_size=3), SPANS, st.integers(0, 30), st.integers(31, 60), st.integers(20, 60))
def test_figures_are_those_counted_by_hand(
    lost: list[list[tuple[int, int]]], apart: list[tuple[int, int]], begin: int, end: int, now: int
) -> None:
    cameras = [Watched(f"c{n}", site_id="s" if n else "t", from_us=n * 10 * S) for n in range(3)]
    spans = [
        Lost(f"c{n}", start * S, stop * S, start * S)
        for n, some in enumerate(lost)
        for start, stop in some
        if start < stop
    ]
    planned = [Planned(frozenset({"c0", "c1"}), start * S, stop * S) for start, stop in apart]
    due = gone = 0
    for n in range(3):
        there = {second for second in range(begin, min(end, now)) if second >= n * 10}
        if n < 2:
            there -= seconds(apart)
        due += len(there)
        gone += len(there & seconds(lost[n]))
    found = whole(cameras, spans, planned, begin * S, end * S, now * S)
    assert (found.due_us, found.lost_us) == (due * S, gone * S)
    by_site = figures(cameras, spans, planned, begin * S, end * S, "site", now * S)
    assert sum(one.lost_us for one in by_site) == found.lost_us
    assert sum(one.due_us for one in by_site) == found.due_us


def test_times_to_know_respond_and_repair_are_means_over_what_began_in_the_period() -> None:
    cameras = [Watched("a", "s", "north", "Basra Electric")]
    lost = [
        Lost("a", 10 * S, 30 * S, 12 * S, "camera_dead", responded_us=18 * S),
        Lost("a", 50 * S, None, 54 * S, "site_power_lost"),
        Lost("a", 0, 5 * S, 1 * S, "camera_dead"),  # before the period
    ]
    one = whole(cameras, lost, [], 6 * S, 100 * S, 80 * S).view(99.0)
    assert one["know_s"] == 3.0
    assert one["respond_s"] == 8.0
    assert one["repair_s"] == 20.0
    assert one["spans"] == 2
    assert one["available_pct"] == round(100 * (1 - 50 / 74), 3)
    assert one["met"] is False
    causes = figures(cameras, lost, [], 6 * S, 100 * S, "cause", 80 * S)
    assert [(cause.key, cause.lost_us // S) for cause in causes] == [("site_power_lost", 30), ("camera_dead", 20)]
    (supplier,) = figures(cameras, lost, [], 6 * S, 100 * S, "supplier", 80 * S)
    assert supplier.key == "Basra Electric"


def test_nobody_due_is_no_figure_rather_than_a_perfect_one() -> None:
    one = whole([Watched("a", from_us=200 * S)], [], [], 0, 100 * S, 100 * S).view(99.0)
    assert one["available_pct"] is None
    assert one["met"] is None
