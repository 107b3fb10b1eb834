"""From the camera's clock to wall time: slewed, stepped, measured."""

from itertools import pairwise

import pytest

from manara.formats.frames import TIMESCALE_HZ
from manara.recorder.timing import Timeline, WallTime

START_US = 1_700_000_000_000_000
FRAME = 6000  # 15 frames a second


def play(wall: WallTime, frames: int, arrival_us: "object", first: int = 0) -> list[int]:
    """Wall times of frames whose arrivals `arrival_us(n)` gives; a fragment every 30."""
    found = []
    for number in range(first, first + frames):
        wall.observe(number * FRAME, arrival_us(number))  # type: ignore[operator]
        if number % 30 == 29:
            wall.settle()
        found.append(wall.wall_us(number * FRAME))
    return found


def even(number: int) -> int:
    return START_US + number * FRAME * 100 // 9


def test_frames_that_come_late_together_do_not_move_the_clock() -> None:
    wall = WallTime()
    found = play(wall, 600, lambda n: even(n - n % 8 + 7))  # batches of eight: only the last of each is on time
    assert all(abs(at - even(n)) < 1000 for n, at in enumerate(found) if n > 30)
    assert wall.steps == 0


def test_a_first_burst_is_not_taken_for_the_present() -> None:
    wall = WallTime()
    play(wall, 300, lambda n: max(even(n), even(45)))  # the camera sends the GOP that it had kept
    assert abs(wall.wall_us(300 * FRAME) - even(300)) < 1000 + 500


@pytest.mark.parametrize("ppm", [-300, 300])
def test_a_clock_that_runs_wrong_is_followed_slowly_and_measured(ppm: int) -> None:
    wall = WallTime()

    def arrival(number: int) -> int:
        return START_US + round(number * FRAME * 100 / 9 * (1 + ppm / 1e6))

    found = play(wall, 15 * 600, arrival)
    assert wall.steps == 0
    assert abs(found[-1] - arrival(15 * 600 - 1)) < 10_000
    for before, after in pairwise(found[100:]):
        assert abs(after - before - FRAME * 100 / 9) < 2_000  # no frame is moved by more than a fragment's slew
    assert wall.drift_ms == pytest.approx(ppm * 600 / 1000, abs=10)


@pytest.mark.parametrize("step_s", [-3600, -5, 5, 3600])
def test_a_step_of_our_clock_is_taken_over(step_s: int) -> None:
    wall = WallTime()
    play(wall, 600, even)
    play(wall, 900, lambda n: even(n) + step_s * 1_000_000, first=600)
    assert wall.steps == 1
    assert abs(wall.wall_us(1500 * FRAME) - even(1500) - step_s * 1_000_000) < 20_000


@pytest.mark.parametrize(("told", "true"), [(8_000, 90_000), (90_000, 8_000), (90_000, 1_000), (25, 90_000)])
def test_a_wrong_clock_rate_is_found_out(told: int, true: int) -> None:
    timeline = Timeline(told)
    pts = []
    changed = 0
    for number in range(15 * 20):
        arrival_us = even(number)
        pts.append(timeline.presentation(number * true // 15 & 0xFFFFFFFF, arrival_us))
        changed += timeline.check_rate(arrival_us)
    assert changed == (told >= 1000)
    assert timeline.rate_hz == true
    assert (pts[-1] - pts[-16]) == pytest.approx(TIMESCALE_HZ, rel=0.01)
    assert pts == sorted(pts)


def test_a_stall_is_not_taken_for_a_wrong_rate() -> None:
    timeline = Timeline(90_000)
    for number in range(15 * 60):
        arrival = number + 60 if 300 < number < 360 else number
        timeline.presentation(number * FRAME, even(arrival))
        assert not timeline.check_rate(even(arrival))
