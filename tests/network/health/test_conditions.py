"""Latches: no chattering, nothing forgotten, one bad value alone is not believed."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from manara.network.health.conditions import Condition, Latches, S
from manara.network.health.kinds import CAUSES, CONDITIONS, IMAGE_ORDER, NOT_DOING_ITS_JOB, cause_of_image


def test_it_begins_after_its_delay_and_says_since_when() -> None:
    latches = Latches()
    latches.feed("grid_lost", "site:a", True, 10 * S, on_s=5)
    latches.tick(14 * S)
    assert latches.take() == ([], [], [])
    latches.tick(15 * S)
    ((begun,), _, _) = latches.take()
    assert (begun.since_us, begun.known_us) == (10 * S, 15 * S)


def test_a_value_that_flutters_between_its_limits_changes_nothing() -> None:
    latches = Latches()
    latches.feed("cabinet_hot", "cabinet:a", True, 0, on_s=0)
    for second in range(1, 100):
        latches.feed("cabinet_hot", "cabinet:a", (None, True, False)[second % 3], second * S, off_s=5)
    assert latches.is_active("cabinet_hot", "cabinet:a")
    assert len(latches.take()[0]) == 1


def test_one_bad_value_that_must_be_confirmed_is_not_believed() -> None:
    latches = Latches()
    latches.feed("optical_low", "link:a", True, 0, on_s=20, confirm=True)
    latches.tick(3600 * S)
    latches.feed("optical_low", "link:a", True, 7200 * S, on_s=20, confirm=True)
    assert not latches.is_active("optical_low", "link:a"), "hours lie between them"
    latches.feed("optical_low", "link:a", True, 7225 * S, on_s=20, confirm=True)
    assert latches.is_active("optical_low", "link:a")


def test_what_began_and_ended_between_two_looks_was_never_there() -> None:
    latches = Latches()
    latches.feed("port_down", "port:a/1", True, 0)
    latches.feed("port_down", "port:a/1", False, S)
    assert latches.take() == ([], [], [])


def test_a_restored_condition_lasts_until_a_rule_says_otherwise() -> None:
    latches = Latches()
    latches.restore(Condition("grid_lost", "site:a", 5, 6, id="kept"))
    latches.feed("grid_lost", "site:a", True, S)
    assert latches.take() == ([], [], [])
    latches.feed("grid_lost", "site:a", False, 2 * S)
    (_, _, (ended,)) = latches.take()
    assert ended.condition.id == "kept"


@given(st.lists(st.tuples(st.integers(1, 40), st.sampled_from([True, False, None])), max_size=60))
def test_begins_and_ends_take_turns_and_never_closer_than_the_delays(steps: list[tuple[int, bool | None]]) -> None:
    latches, now_s, told = Latches(), 0, []
    for wait_s, value in steps:
        now_s += wait_s
        latches.tick(now_s * S)
        latches.feed("link_loss", "link:a", value, now_s * S, on_s=10, off_s=20)
        began, _, ended = latches.take()
        told += [(one.known_us, "began") for one in began] + [(now_s * S, "ended") for one in ended]
    kinds = [kind for _, kind in told]
    assert kinds == ["began", "ended"] * (len(kinds) // 2) + ["began"] * (len(kinds) % 2)
    assert latches.is_active("link_loss", "link:a") == (len(kinds) % 2 == 1)
    for (one_us, _), (two_us, kind) in itertools.pairwise(told):
        assert two_us - one_us >= (20 if kind == "ended" else 10) * S


def test_the_words_fit_together() -> None:
    assert len(set(CONDITIONS)) == len(CONDITIONS)
    assert {cause_of_image(kind) for kind in IMAGE_ORDER} <= set(CAUSES)
    assert set(CONDITIONS) >= NOT_DOING_ITS_JOB
