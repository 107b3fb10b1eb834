"""A pytest plugin that ends the run with what was skipped and why, counted: a skip should never look like a pass."""

from collections import Counter
from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say the reasons of all skips."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        longrepr = report.longrepr
        reasons[str(longrepr[2] if isinstance(longrepr, tuple) else longrepr).removeprefix("Skipped: ")] += 1
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"skipped {count}: {reason}")
