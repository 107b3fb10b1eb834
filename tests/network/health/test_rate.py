"""The rate of right root causes must stay: a short form of `benchmarks/causes.py`."""

from benchmarks.causes import LIMIT_PCT, measure


def test_root_causes_are_right_in_95_of_100() -> None:
    told = measure(60, seed=5, wrong=True, print_table=False)
    assert float(str(told["right_pct"])) >= LIMIT_PCT, told
    assert int(str(told["alarms_opened"])) < int(str(told["peer_alarms"])) / 5, told
