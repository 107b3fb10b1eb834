"""What was never yet seen to be well is given time: a first start, or a camera, switch or link that was entered now.

At a first start pictures and readings come late and in any order. What has not been well once (a camera that played, a
link that was up, a device that told) is not called lost, dead or cut before `START_S` has passed since anything bad was
first said of it. Once it has been well, that is over for good, also after a restart of the role: `known` is kept in a
file (`role.py`), so that a restart silences nothing. Pure; the time comes in. Bounds: one entry a thing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from manara.network.health.conditions import S

# A recorder connects some 4,000 cameras within a minute, a device is called silent after one, and vision looks once in
# one: what is not well after two did not just begin late.
START_S = 120.0


@dataclass(slots=True)
class Beginnings:
    """Which things have been well. `spares` False: nothing is given time (in rules that are played by themselves)."""

    spares: bool = False
    known: set[str] = field(default_factory=set)  # subjects
    changed: bool = False  # since it was last kept
    _first_us: dict[str, int] = field(default_factory=dict)  # when something bad was first said

    def well(self, subject: str) -> None:
        """It is as it should be."""
        if self.spares and subject not in self.known:
            self.known.add(subject)
            self._first_us.pop(subject, None)
            self.changed = True

    def wait_s(self, subject: str, at_us: int) -> float:
        """How long something bad that is said of it now has to wait (s)."""
        if not self.spares or subject in self.known:
            return 0.0
        first_us = self._first_us.setdefault(subject, at_us)
        return max(0.0, START_S - (at_us - first_us) / S)

    def forget(self, subjects: Iterable[str]) -> None:
        """These no longer exist."""
        for subject in subjects:
            self._first_us.pop(subject, None)
            if subject in self.known:
                self.known.discard(subject)
                self.changed = True
