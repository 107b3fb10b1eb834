"""A state with sectors, people, consoles and alarms for the tests of duty, load and notifications."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from manara.access.roles import Role
from manara.access.tables import Account
from manara.access.who import Who
from manara.alarms import actions, duty_actions
from manara.alarms.duty_clock import Duty
from manara.alarms.room import Rules
from manara.alarms.signals import Signal
from manara.alarms.words import Named
from manara.base.clock import FakeClock, to_datetime
from manara.store.database import Database

NORTH, SOUTH = "north0000000", "south0000000"
RULES = Rules()
PROGRAM = Who.system("test")


def names_of(session: Any) -> Any:
    """Things are called after the second half of their subject."""
    del session
    return lambda subject: Named(subject.partition(":")[2].upper(), "اسم", "name")


def person(name: str, *roles: Role, sectors: list[str] | None = None) -> Who:
    """Somebody."""
    return Who(name, name.title(), frozenset(roles), None if sectors is None else frozenset(sectors), "127.0.0.1", "s")


@dataclass
class DutyWorld:
    """A control room on a fake clock."""

    database: Database
    clock: FakeClock = field(default_factory=FakeClock)
    numbers: Any = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.duty = Duty(self.database)

    @property
    def at(self) -> datetime:
        """Now."""
        return to_datetime(self.clock.wall_us())

    def account(self, who: Who) -> Who:
        """Make an account of a person."""
        with self.database.act(PROGRAM, self.at) as act:
            act.session.add(
                Account(
                    id=who.account_id,
                    account=who.account_id,
                    name=who.name,
                    password_hash="x",
                    roles=[str(role) for role in who.roles],
                    sector_ids=None if who.sector_ids is None else sorted(who.sector_ids),
                    preferences={},
                    created_us=act.at_us,
                )
            )
        return who

    def console(self, code: str, **more: Any) -> str:
        """Add a console; returns its id."""
        made = duty_actions.add_console(self.database, PROGRAM, self.at, {"code": code, "name_en": code, **more})
        return str(made["id"])

    def sit(self, console_id: str, who: Who) -> str:
        """Take a console; returns the shift's id."""
        return str(duty_actions.take_shift(self.database, who, self.at, console_id)["id"])

    def signal(self, kind: str, subject: str = "", sector_id: str | None = NORTH, **more: Any) -> Signal:
        """A cause that is there now, long enough to be told."""
        number = next(self.numbers)
        now_us = self.clock.wall_us()
        return Signal(
            id=f"s{number:011d}",
            version=now_us + number,
            kind=kind,
            subject=subject or f"camera:c{number}",
            active=True,
            since_us=now_us - 4000_000_000,
            sector_id=sector_id,
            sector_ids=[sector_id] if sector_id else [],
            **more,
        )

    def raise_alarm(self, kind: str, subject: str = "", sector_id: str | None = NORTH, **more: Any) -> str:
        """Raise an alarm; returns its id."""
        signal = self.signal(kind, subject, sector_id, **more)
        taken = actions.take_signals(self.database, self.at, [signal], RULES, self.duty.route)
        (alarm_id,) = taken.alarm_ids
        return alarm_id

    def acknowledge(self, alarm_id: str, who: Who) -> None:
        """A person takes notice."""
        actions.acknowledge(self.database, who, self.at, [alarm_id], RULES)

    def tick(self) -> int:
        """The clock of duty."""
        return self.duty.tick(self.at)
