"""Whose turn it is."""

from hypothesis import given
from hypothesis import strategies as st

from manara.vision.schedule import Schedule


def test_cameras_are_spread_over_the_round_and_keep_their_place() -> None:
    schedule = Schedule(10.0, 2.0)
    schedule.set({f"camera-{number}" for number in range(200)}, 0.0)
    times: dict[str, list[float]] = {}
    for tick in range(300):
        now_s = tick / 10
        while (camera := schedule.take(now_s)) is not None:
            times.setdefault(camera, []).append(now_s)
            schedule.done(camera, now_s, soon=False)
    assert len(times) == 200
    assert all(len(looks) in (2, 3) and abs(looks[1] - looks[0] - 10) < 0.2 for looks in times.values())
    busiest = max(sum(second <= looks[0] < second + 1 for looks in times.values()) for second in range(10))
    assert busiest < 40
    assert schedule.skipped == 0


def test_a_suspicious_camera_comes_soon_and_a_removed_one_never() -> None:
    schedule = Schedule(10.0, 2.0)
    schedule.set({"a"}, 0.0)
    assert schedule.take(10.0) == "a"
    schedule.done("a", 10.0, soon=True)
    assert schedule.take(11.9) is None
    assert schedule.take(12.0) == "a"
    schedule.set(set(), 12.0)
    schedule.done("a", 12.0, soon=False)
    assert schedule.take(100.0) is None
    assert schedule.wait_s(100.0) == 1.0


def test_missed_rounds_are_counted_and_not_made_up_for() -> None:
    schedule = Schedule(10.0, 2.0)
    schedule.set({"a"}, 0.0)
    assert schedule.take(45.0) == "a"
    assert schedule.skipped in (3, 4)
    schedule.done("a", 45.0, soon=False)
    assert schedule.take(45.0) is None


@given(st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=60))
def test_nobody_is_forgotten(steps: list[tuple[float, bool]]) -> None:
    schedule = Schedule(10.0, 2.0)
    schedule.set({"a", "b", "c"}, 0.0)
    now_s = 0.0
    for wait_s, soon in steps:
        now_s += wait_s
        while (camera := schedule.take(now_s)) is not None:
            schedule.done(camera, now_s, soon=soon)
    found = set()
    while (camera := schedule.take(now_s + 10)) is not None:
        found.add(camera)
    assert found == {"a", "b", "c"}
