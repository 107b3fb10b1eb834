"""How long a role that dies waits before it is started again."""

from manara.app.restarts import Restarts


def test_a_role_that_dies_at_once_waits_longer_each_time_up_to_a_bound() -> None:
    restarts = Restarts(first_s=0.2, most_s=10, well_s=30)
    waits = [restarts.died(0.1) for _ in range(9)]
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10, 10]
    assert restarts.count == 9


def test_a_role_that_ran_well_begins_anew() -> None:
    restarts = Restarts(first_s=0.2, most_s=10, well_s=30)
    for _ in range(5):
        restarts.died(1)
    assert restarts.died(30) == 0.2
    assert restarts.died(29.9) == 0.4
    assert restarts.count == 7


def test_it_does_not_overflow_after_years_of_dying() -> None:
    restarts = Restarts()
    assert [restarts.died(0) for _ in range(5000)][-1] == restarts.most_s
