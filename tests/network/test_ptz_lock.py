"""Who may move a camera: a timetable without cameras."""

from hypothesis import given
from hypothesis import strategies as st

from manara.access.roles import Role
from manara.network.ptz_lock import HOLD_S, Lock, ask, may_release

OPERATOR, SUPERVISOR = frozenset({Role.OPERATOR}), frozenset({Role.SUPERVISOR})


def test_the_last_mover_holds_until_the_time_is_over() -> None:
    first = ask(None, "a", "A", OPERATOR, 0.0)
    assert first.granted
    assert first.taken
    assert not ask(first.lock, "b", "B", OPERATOR, HOLD_S - 0.1).granted
    again = ask(first.lock, "a", "A", OPERATOR, 10.0)
    assert not again.taken
    assert not ask(again.lock, "b", "B", OPERATOR, HOLD_S + 1).granted
    later = ask(again.lock, "b", "B", OPERATOR, 10.0 + HOLD_S)
    assert later.granted
    assert later.ended is None  # it had ended by itself


def test_a_supervisor_takes_over_and_is_not_taken_over() -> None:
    held = ask(None, "a", "A", OPERATOR, 0.0).lock
    taken = ask(held, "s", "S", SUPERVISOR | OPERATOR, 1.0)
    assert taken.granted
    assert taken.ended == held
    assert not ask(taken.lock, "a", "A", OPERATOR, 2.0).granted
    assert not ask(taken.lock, "t", "T", SUPERVISOR, 2.0).granted


def test_release() -> None:
    held = ask(None, "a", "A", OPERATOR, 0.0).lock
    assert may_release(held, "a", OPERATOR)
    assert not may_release(held, "b", OPERATOR)
    assert may_release(held, "s", SUPERVISOR)
    assert may_release(held, "x", frozenset({Role.ADMINISTRATOR}))


roles = st.frozensets(st.sampled_from(list(Role)), max_size=3)


@given(st.lists(st.tuples(st.sampled_from("abc"), roles, st.floats(0, 20)), max_size=30))
def test_at_any_time_one_holds_and_never_a_weaker_one_takes_over(
    steps: list[tuple[str, frozenset[Role], float]],
) -> None:
    lock: Lock | None = None
    now_s = 0.0
    for account, has, passed_s in steps:
        now_s += passed_s
        before, decision = lock, ask(lock, account, account, has, now_s)
        lock = decision.lock
        if before is not None and now_s < before.until_s and lock.account_id != before.account_id:
            assert lock.priority > before.priority
        assert decision.granted == (lock.account_id == account and lock.until_s == now_s + HOLD_S)
