"""What changes alarms: signals, the clock, and persons. Each commits alarms, their lives, the account and messages.

`take_signals` may be told of a signal twice, late and out of order; `tick` runs each second in the one control process.
A person's action is audited under the person's name and refused to the program. Two who acknowledge at once: one wins,
the other is told who (`already`, or `Conflict` where nothing else was asked). Who may do what is decided by the web's
permissions; which alarms a person sees, by `views.may_see`. Tells the screens by `AlarmChanged`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from manara.access.who import Who
from manara.alarms import desk, hands, policy, views
from manara.alarms.hands import REASON_MAX, REASON_MIN, Person
from manara.alarms.life import NotAllowed
from manara.alarms.room import SECOND_US, OpenAlarm, Room, Rules
from manara.alarms.signals import Route, Signal, no_console
from manara.alarms.tables import Alarm, Suppression
from manara.base.clock import to_us
from manara.base.errors import Conflict, FieldError, Forbidden, InvalidInput, NotFound
from manara.messages import AlarmChanged, SuppressionChanged
from manara.store.act import Act
from manara.store.database import Database

PROGRAM = Who.system("alarms")
TOGETHER = 500  # signals in one transaction
ACKNOWLEDGE_MAX = 500
HELD_EACH_S = 5
COMMENT_MAX = 2000
_AUDIT_IDS = 200


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a batch: how many were new to us, and which alarms changed."""

    signals: int = 0
    alarm_ids: tuple[str, ...] = ()


def take_signals(
    database: Database, at: datetime, signals: Sequence[Signal], rules: Rules, route: Route = no_console
) -> Taken:
    """Take signals as they are now. Idempotent by id and version; active ones first, so that what explains is there."""
    newest: dict[str, Signal] = {}
    for signal in signals:
        if signal.id not in newest or newest[signal.id].version < signal.version:
            newest[signal.id] = signal
    ordered = sorted(newest.values(), key=lambda signal: (not signal.active, signal.since_us, signal.id))
    count, changed = 0, []
    for first in range(0, len(ordered), TOGETHER):
        with database.act(PROGRAM, at) as act:
            room = desk.load(act.session, act.at_us, rules, route, ordered[first : first + TOGETHER])
            taken = [s for s in ordered[first : first + TOGETHER] if policy.take(room, s, act.at_us)]
            changed += desk.save(act, room, taken)
            _audit_program(act, room)
            count += len(taken)
    return Taken(count, tuple(changed))


def take_signal(database: Database, at: datetime, signal: Signal, rules: Rules, route: Route = no_console) -> Taken:
    """Take one signal; see `take_signals`."""
    return take_signals(database, at, [signal], rules, route)


def tick(database: Database, at: datetime, rules: Rules, route: Route = no_console) -> Taken:
    """Do what the clock asks for; cheap where there is nothing to do. What is held back is looked at each 5 s."""
    look = to_us(at) // SECOND_US % HELD_EACH_S == 0
    with database.read() as session:
        if not desk.due(session, to_us(at)) and not (look and desk.held(session)):
            return Taken()
    with database.act(PROGRAM, at) as act:
        _turn_suppressions(act)
        room = desk.load(act.session, act.at_us, rules, route)
        policy.tick(room, act.at_us)
        changed = desk.save(act, room)
        _audit_program(act, room)
    return Taken(0, tuple(changed))


def reconsider(database: Database, at: datetime, rules: Rules, route: Route = no_console) -> Taken:
    """Judge all open alarms anew now, whether the clock asks or not: after a suppression came or went."""
    with database.act(PROGRAM, at) as act:
        _turn_suppressions(act)
        room = desk.load(act.session, act.at_us, rules, route)
        policy.tick(room, act.at_us)
        changed = desk.save(act, room)
        _audit_program(act, room)
    return Taken(0, tuple(changed))


def acknowledge(database: Database, who: Who, at: datetime, ids: Sequence[str], rules: Rules) -> dict[str, Any]:
    """Acknowledge alarms, and what is grouped into them; returns `{alarms, already}`.

    `already` names those that somebody else was quicker with, or that no longer ask. Raises `Conflict` where all were,
    `NotFound` where one is not there or not this person's to see.
    """
    wanted = list(dict.fromkeys(ids))
    if not wanted or len(wanted) > ACKNOWLEDGE_MAX:
        raise InvalidInput(
            f"Name 1 to {ACKNOWLEDGE_MAX} alarms to acknowledge.",
            code="alarms_invalid",
            fields=[FieldError("ids", f"must be 1 to {ACKNOWLEDGE_MAX} ids")],
        )
    already: list[dict[str, Any]] = []
    with _acting(database, who, at, rules) as (act, room, by):
        done: list[str] = []
        refused: NotAllowed | None = None
        for id in wanted:
            alarm = _find(act, room, who, id)
            try:
                hands.acknowledge(room, alarm, by, act.at_us)
                done.append(id)
            except NotAllowed as error:
                refused = error
                already.append({"id": id, "code": error.code, **error.detail})
        if not done and refused is not None:
            raise refused
        act.audit("alarm:acknowledge", subject=done[0], detail={"alarm_ids": done})
    return {"alarms": _views(database, done), "already": already}


def shelve(
    database: Database, who: Who, at: datetime, alarm_id: str, values: Mapping[str, Any], rules: Rules
) -> dict[str, Any]:
    """Shelve an alarm by `{until_us, reason}`; the clock returns it. Raises `InvalidInput`, `NotAllowed`."""
    reason = _text(values, "reason", REASON_MIN, REASON_MAX)
    until_us = values.get("until_us")
    if not isinstance(until_us, int) or isinstance(until_us, bool):
        raise InvalidInput(
            "The shelf needs an end.", code="shelf_invalid", fields=[FieldError("until_us", "must be a time in µs")]
        )
    detail = {"reason": reason, "until_us": until_us}
    return _one(
        database,
        who,
        at,
        alarm_id,
        rules,
        "shelve",
        detail,
        lambda room, alarm, by, now_us: hands.shelve(room, alarm, by, reason, until_us, now_us),
    )


def unshelve(database: Database, who: Who, at: datetime, alarm_id: str, rules: Rules) -> dict[str, Any]:
    """Take an alarm off the shelf before its time."""
    return _one(database, who, at, alarm_id, rules, "unshelve", {}, hands.unshelve)


def comment(
    database: Database, who: Who, at: datetime, alarm_id: str, values: Mapping[str, Any], rules: Rules
) -> dict[str, Any]:
    """Write `{text}` into an alarm's life."""
    text = _text(values, "text", 1, COMMENT_MAX)
    return _one(
        database,
        who,
        at,
        alarm_id,
        rules,
        "comment",
        {"text": text},
        lambda room, alarm, by, now_us: hands.comment(room, alarm, by, text, now_us),
    )


def out_of_service(
    database: Database, who: Who, at: datetime, alarm_id: str, values: Mapping[str, Any], rules: Rules
) -> dict[str, Any]:
    """Take an alarm out of service by `{reason}` until somebody puts it back."""
    reason = _text(values, "reason", REASON_MIN, REASON_MAX)
    return _one(
        database,
        who,
        at,
        alarm_id,
        rules,
        "out_of_service",
        {"reason": reason},
        lambda room, alarm, by, now_us: hands.take_out(room, alarm, by, reason, now_us),
    )


def in_service(database: Database, who: Who, at: datetime, alarm_id: str, rules: Rules) -> dict[str, Any]:
    """Put an alarm back in service."""
    return _one(database, who, at, alarm_id, rules, "in_service", {}, hands.put_in)


def reset(database: Database, who: Who, at: datetime, alarm_id: str, rules: Rules) -> dict[str, Any]:
    """Reset a latched alarm whose cause has ended."""
    return _one(database, who, at, alarm_id, rules, "reset", {}, hands.reset)


def note_work_order(act: Act, alarm_id: str, work_order_id: str) -> None:
    """Within another room's act: this alarm has a work order now. Nothing where there is no such alarm."""
    row = act.session.get(Alarm, alarm_id)
    if row is not None and row.work_order_id != work_order_id:
        act.session.execute(
            update(Alarm).where(Alarm.id == alarm_id).values(work_order_id=work_order_id, changed_us=act.at_us)
        )
        act.publish(AlarmChanged(alarm_id=alarm_id, exercise=row.exercise))


# ---- inside


Deed = Callable[[Room, OpenAlarm, Person, int], None]


@contextmanager
def _acting(database: Database, who: Who, at: datetime, rules: Rules) -> Iterator[tuple[Act, Room, Person]]:
    """A person's transaction: everything open in hand, written back at its end."""
    if who.account_id.startswith("system:") or not who.account_id:
        raise Forbidden("Only a person answers an alarm.", code="person_needed")
    with database.act(who, at) as act:
        room = desk.load(act.session, act.at_us, rules)
        yield act, room, Person(who.account_id, who.name)
        desk.save(act, room)


def _one(
    database: Database,
    who: Who,
    at: datetime,
    alarm_id: str,
    rules: Rules,
    verb: str,
    detail: Mapping[str, Any],
    deed: Deed,
) -> dict[str, Any]:
    with _acting(database, who, at, rules) as (act, room, by):
        alarm = _find(act, room, who, alarm_id)
        deed(room, alarm, by, act.at_us)
        act.audit(f"alarm:{verb}", subject=alarm_id, detail={"kind": alarm.kind, "subject": alarm.subject, **detail})
    return {"alarms": _views(database, [alarm_id])}


def _find(act: Act, room: Room, who: Who, alarm_id: str) -> OpenAlarm:
    alarm = room.alarms.get(alarm_id) or room.closed.get(alarm_id)
    if alarm is not None and views.may_see(who, alarm.sector_ids):
        if alarm.closed_us is not None:
            raise Conflict("This alarm is closed already.", code="alarm_closed")
        return alarm
    row = act.session.get(Alarm, alarm_id)
    if row is None or not views.may_see(who, row.sector_ids):
        raise NotFound("There is no such alarm.", code="alarm_not_found")
    raise NotAllowed(
        "This alarm is closed already.",
        code="already_acknowledged" if row.acknowledged_by else "alarm_closed",
        detail={"by": row.acknowledged_by_name, "at_us": row.acknowledged_us},
    )


def _views(database: Database, ids: Iterable[str]) -> list[dict[str, Any]]:
    with database.read() as session:
        rows = {row.id: row for row in session.scalars(select(Alarm).where(Alarm.id.in_(list(ids))))}
    return [views.alarm_view(rows[id]) for id in ids if id in rows]


def _text(values: Mapping[str, Any], name: str, least: int, most: int) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not least <= len(value.strip()) <= most:
        raise InvalidInput(
            f"Say {name}: {least} to {most} characters.",
            code=f"{name}_invalid",
            fields=[FieldError(name, f"must be {least} to {most} characters")],
        )
    return value.strip()


def _turn_suppressions(act: Act) -> None:
    """Suppressions whose time has come begin; those whose time is over end."""
    for row in act.session.scalars(select(Suppression).where(Suppression.ended_us.is_(None))):
        state = (
            "active" if row.from_us <= act.at_us < row.until_us else "ended" if row.until_us <= act.at_us else "planned"
        )
        if state == row.state:
            continue
        row.state = state
        if state == "ended":
            row.ended_us = row.until_us
        row.changed_us = act.at_us
        act.audit(f"suppression:{'end' if state == 'ended' else 'begin'}", subject=row.id, detail={"by": "clock"})
        act.publish(SuppressionChanged(suppression_id=row.id))
    act.session.flush()


def _audit_program(act: Act, room: Room) -> None:
    """What the program did by itself, as counts: each alarm's own life has the rest."""
    if not room.changed:
        return
    ids = sorted(room.changed)
    counts = Counter(entry.what for entry in room.entries)
    act.audit(
        "alarm:judge",
        subject=ids[0] if len(ids) == 1 else "",
        detail={"alarm_ids": ids[:_AUDIT_IDS], "alarms": len(ids), "done": dict(sorted(counts.items()))},
    )
