"""What an alarm's evidence says in words: with its unit, and its sign where an Arabic reader looks for it."""

import pytest

from manara.network.health.conditions import Condition
from manara.network.health.explain import of_condition
from manara.network.health.topology import Topology


@pytest.mark.parametrize(
    ("kind", "detail", "tail"),
    [
        ("optical_low", {"value": -36.9, "unit": "dBm"}, " (\u2066-36.9 dBm\u2069)"),
        ("bitrate_abnormal", {"value": 512_340.0}, " (\u2066512.3 kbit/s\u2069)"),
        ("battery_empty", {"value": 3.0, "unit": "%"}, " (\u20663 %\u2069)"),
        ("video_lost", {"cause": "timeout"}, ""),
    ],
)
def test_a_value_is_told_with_its_unit(kind: str, detail: dict[str, object], tail: str) -> None:
    told = of_condition(Condition(kind, "link:l1", 0, detail=detail), Topology())
    assert told["text_en"].partition("l1")[2].endswith(tail)
    assert told["text_ar"].endswith(tail)
