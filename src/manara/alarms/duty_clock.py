"""Each second: alarms placed at the consoles that are manned now, and the steps of escalation that are due.

Runs in the one control process (`tick`). All it knows is in the rows, so a restart forgets nothing and doubles nothing.
An alarm that moves or escalates gets a line in its life and an entry in the audit log, and the screens are told through
`AlarmChanged`. A new alarm is placed by `route` before anybody sees it. Bounds: `TICK_MAX` alarms a transaction.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from manara.access.who import Who
from manara.alarms import duty, escalation, kinds
from manara.alarms.duty_tables import Console, Shift
from manara.alarms.kind_table import kind_table
from manara.alarms.tables import Alarm, AlarmEntry
from manara.base.clock import to_us
from manara.messages import AlarmChanged
from manara.store.act import Act
from manara.store.database import Database

log = logging.getLogger(__name__)

TICK_MAX = 500  # alarms changed in one transaction; the rest in the next second


def seat_of(row: Console) -> duty.Seat:
    """A console as the rules know it."""
    return duty.Seat(
        console_id=row.id,
        code=row.code,
        role=row.role,
        sector_ids=None if row.sector_ids is None else frozenset(row.sector_ids),
        skills=None if row.skills is None else frozenset(row.skills),
    )


def seats(session: Session) -> list[duty.Seat]:
    """The consoles in use at which somebody sits."""
    rows = session.scalars(
        select(Console).join(Shift, Shift.console_id == Console.id).where(Shift.ended_us.is_(None), Console.enabled)
    )
    return [seat_of(row) for row in rows]


@dataclass(frozen=True, slots=True)
class _Planned:
    """One alarm and what to do with it. `placement` None: it stays."""

    alarm_id: str
    placement: duty.Placement | None
    kind_role: str
    steps: Sequence[escalation.Step]


@dataclass(slots=True)
class Duty:
    """Places and escalates. `placed` and `escalated` count what was done since the start."""

    database: Database
    placed: int = 0
    escalated: int = 0
    undelivered: int = 0  # notifications that wait after a try that failed, for the screens' warning
    _who: Who = field(default_factory=lambda: Who.system("duty"))

    def route(self, kind: str, sector_id: str | None, owner_role: str, skill: str) -> str | None:
        """The console of a new alarm (`signals.Route`): its id, None where nobody's console covers it."""
        del kind, owner_role
        with self.database.read() as session:
            placement = duty.place(seats(session), sector_id, skill, None, _open_load(session))
        return placement.console_id

    def tick(self, at: datetime) -> int:
        """Do what is due; returns how many alarms changed."""
        with self.database.read() as session:
            if not _plan(session, to_us(at)):
                return 0
        with self.database.act(self._who, at) as act:
            plan = _plan(act.session, act.at_us)  # anew: somebody may have acknowledged meanwhile
            moved: list[str] = []
            for planned in plan:
                alarm = act.session.get_one(Alarm, planned.alarm_id)
                if planned.placement is not None:
                    self._place(act, alarm, planned.placement, planned.kind_role)
                    moved.append(alarm.id)
                for step in planned.steps:
                    self._escalate(act, alarm, step)
                alarm.changed_us = act.at_us
                act.publish(AlarmChanged(alarm_id=alarm.id, exercise=alarm.exercise))
            if moved:
                act.audit("alarm:route", detail={"alarm_ids": moved})
        return len(plan)

    def _place(self, act: Act, alarm: Alarm, placement: duty.Placement, kind_role: str) -> None:
        before, alarm.console_id = alarm.console_id, placement.console_id
        alarm.owner_role = kind_role if placement.covered else placement.owner_role
        _enter(act, alarm, "routed", {"from": before, "covered": placement.covered, "to": alarm.owner_role})
        self.placed += 1

    def _escalate(self, act: Act, alarm: Alarm, step: escalation.Step) -> None:
        alarm.escalated = step.number
        detail = {"step": step.number, "role": step.role, "due_us": step.due_us}
        _enter(act, alarm, "escalated", detail)
        act.audit("alarm:escalate", subject=alarm.id, detail={"kind": alarm.kind, **detail})
        self.escalated += 1
        log.info("alarm escalated", extra={"alarm": alarm.id, "kind": alarm.kind, "to": step.role})


def _plan(session: Session, now_us: int) -> list[_Planned]:
    """Every alarm that is at the wrong console or has a step due, with what to do."""
    table, manned, load = kind_table(session), seats(session), _open_load(session)
    rows = session.execute(
        select(
            Alarm.id,
            Alarm.kind,
            Alarm.sector_id,
            Alarm.state,
            Alarm.annunciated_us,
            Alarm.escalated,
            Alarm.console_id,
            Alarm.owner_role,
            Alarm.flooded,
        )
        .where(Alarm.closed_us.is_(None), Alarm.group_id.is_(None))
        .order_by(Alarm.since_us, Alarm.id)
    )
    plan: list[_Planned] = []
    for row in rows:
        kind = kinds.of(table, row.kind)
        placement = duty.place(manned, row.sector_id, kind.skill, row.console_id, load)
        role = kind.owner_role if placement.covered else placement.owner_role
        stays = placement.console_id == row.console_id and role == row.owner_role
        waiting = escalation.Waiting(row.state, row.annunciated_us, kind.respond_s, row.escalated, row.flooded)
        steps = escalation.due(waiting, now_us)
        if stays and not steps:
            continue
        if not stays and placement.console_id:
            load[placement.console_id] += 1
        plan.append(_Planned(row.id, None if stays else placement, kind.owner_role, steps))
        if len(plan) >= TICK_MAX:
            break
    return plan


def _open_load(session: Session) -> Counter[str]:
    rows = session.execute(
        select(Alarm.console_id, func.count())
        .where(Alarm.closed_us.is_(None), Alarm.group_id.is_(None), Alarm.console_id.is_not(None))
        .group_by(Alarm.console_id)
    )
    return Counter({console_id: count for console_id, count in rows if console_id is not None})


def _enter(act: Act, alarm: Alarm, what: str, detail: dict[str, Any]) -> None:
    act.session.add(
        AlarmEntry(
            alarm_id=alarm.id,
            at_us=act.at_us,
            what=what,
            state=alarm.state,
            detail=detail,
            console_id=alarm.console_id,
            priority=alarm.priority,
            kind=alarm.kind,
            subject=alarm.subject,
        )
    )
