"""A day's timetable for the policy: a room on a clock that is moved by hand, and signals in few words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from manara.alarms import kinds, policy
from manara.alarms.hands import Person
from manara.alarms.kinds import Kind
from manara.alarms.room import SECOND_US, Covering, Entry, OpenAlarm, Room, Rules
from manara.alarms.signals import Member, Signal

START_US = 1_700_000_000 * SECOND_US
OPERATOR, OTHER = Person("op1", "Zainab"), Person("op2", "Karim")


@dataclass
class Desk:
    """A room, its clock, and what an operator would see."""

    rules: Rules = field(default_factory=Rules)
    table: dict[str, Kind] = field(default_factory=lambda: dict(kinds.DEFAULTS))
    now_us: int = START_US

    def __post_init__(self) -> None:
        number = count(1)
        self.room = Room(self.table, self.rules, make_id=lambda: f"a{next(number)}")
        self.log: list[Entry] = []
        self._versions = count(1)

    def wait(self, seconds: float, step_s: float = 1.0) -> None:
        """Let time pass, with the clock's tick each second."""
        end_us = self.now_us + round(seconds * SECOND_US)
        while self.now_us < end_us:
            self.now_us = min(end_us, self.now_us + round(step_s * SECOND_US))
            policy.tick(self.room, self.now_us)
            self._collect()

    def up(self, id: str, kind: str, subject: str, **more: Any) -> bool:
        """A signal is active now."""
        return self.take(id, kind, subject, True, **more)

    def down(self, id: str, kind: str, subject: str, **more: Any) -> bool:
        """A signal has ended now."""
        return self.take(id, kind, subject, False, ended_us=self.now_us, **more)

    def take(self, id: str, kind: str, subject: str, active: bool, **more: Any) -> bool:
        """Hand a signal in."""
        values = {"since_us": self.now_us, "version": next(self._versions), **more}
        taken = policy.take(self.room, Signal(id=id, kind=kind, subject=subject, active=active, **values), self.now_us)
        self._collect()
        return taken

    def covering(self, for_s: float, **scope: Sequence[str]) -> str:
        """Put a suppression in force from now on; returns its id."""
        id = f"s{len(self.room.coverings)}"
        until_us = self.now_us + round(for_s * SECOND_US)
        sets = {name: frozenset(ids) for name, ids in scope.items()}
        self.room.coverings[id] = Covering(id, "maintenance", self.now_us, until_us, **sets)
        return id

    @property
    def told(self) -> list[str]:
        """Every annunciation so far: `kind subject`."""
        return [f"{entry.kind} {entry.subject}" for entry in self.log if entry.annunciated]

    @property
    def open(self) -> dict[str, str]:
        """The open alarms that stand for themselves: `kind subject` → state."""
        return {
            f"{alarm.kind} {alarm.subject}": str(alarm.life.state)
            for alarm in self.room.alarms.values()
            if alarm.group_id is None
        }

    def alarm(self, kind: str, subject: str) -> OpenAlarm:
        """The open alarm of this kind and subject."""
        return next(alarm for alarm in self.room.alarms.values() if (alarm.kind, alarm.subject) == (kind, subject))

    def fate(self, id: str) -> str:
        """What became of a signal."""
        return self.room.accounts[id].disposition

    def _collect(self) -> None:
        self.log += self.room.entries
        self.room.entries.clear()


def members(*kinds_of: str) -> list[Member]:
    """Symptoms of these kinds."""
    return [Member(id=f"m{n}", kind=kind, subject="camera:c", since_us=0) for n, kind in enumerate(kinds_of)]
