"""How long to wait before a role that died is started again. Pure: the time comes in.

A role that dies at once waits twice as long each time, up to `most_s`; one that ran well for `well_s` begins anew.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Restarts:
    """The restarts of one role."""

    first_s: float = 0.2
    most_s: float = 10.0
    well_s: float = 30.0
    count: int = 0
    _in_a_row: int = 0

    def died(self, ran_s: float) -> float:
        """The role died after running `ran_s`; returns how long to wait before it is started again."""
        if ran_s >= self.well_s:
            self._in_a_row = 0
        wait_s = min(self.most_s, self.first_s * float(2 ** min(self._in_a_row, 16)))
        self._in_a_row += 1
        self.count += 1
        return wait_s
