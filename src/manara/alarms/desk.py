"""Between the state and a `Room`: what is open is loaded before a decision, and what came of it is written after.

Only within one transaction (`Database.act`), which lets one writer in at a time. Asked by `actions.py`. Bounds:
everything open, all signals of a batch.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import msgspec
from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.orm import Session

from manara.alarms.kind_table import kind_table
from manara.alarms.life import Life, OutOfService, Shelf, Suppressed
from manara.alarms.room import DAY_US, SECOND_US, Account, Covering, Flood, OpenAlarm, Room, Rules, Waiting
from manara.alarms.signals import MEMBERS_MAX, Route, Signal, no_console
from manara.alarms.tables import Alarm, AlarmEntry, AlarmFlood, AlarmSignal, Suppression
from manara.messages import AlarmChanged
from manara.store.act import Act

_FIELDS = tuple(name for name in OpenAlarm.__dataclass_fields__ if name != "life")
_decode_signal = msgspec.json.Decoder(Signal)
_encode = msgspec.json.Encoder().encode
_TOGETHER = 500  # rows in one statement


def load(
    session: Session, now_us: int, rules: Rules, route: Route = no_console, signals: Sequence[Signal] = ()
) -> Room:
    """Everything open, and what is remembered of these signals and their sources."""
    room = Room(kind_table(session), rules, route)
    rows = session.scalars(select(Alarm).where(Alarm.closed_us.is_(None)).order_by(Alarm.id))
    for row in rows:
        room.add(_open(row))
    for payload, due_us in session.execute(
        select(AlarmSignal.payload, AlarmSignal.due_us).where(
            AlarmSignal.disposition == "waiting", AlarmSignal.due_us.is_not(None)
        )
    ):
        signal = _decode_signal.decode(payload or "")
        room.waiting[signal.id] = Waiting(signal, due_us or now_us)
    oldest_us = now_us - round(rules.window_s * SECOND_US)
    for console_id, kind, at_us in session.execute(
        select(AlarmEntry.console_id, AlarmEntry.kind, AlarmEntry.at_us)
        .where(AlarmEntry.at_us > now_us - round(rules.kind_window_s * SECOND_US), AlarmEntry.annunciated)
        .order_by(AlarmEntry.at_us)
    ):
        room.recent_kinds.setdefault((console_id, kind), deque()).append(at_us)
        if at_us > oldest_us:
            room.recent.setdefault(console_id, deque()).append(at_us)
    for flood in session.scalars(select(AlarmFlood).where(AlarmFlood.ended_us.is_(None))):
        room.floods[flood.console_id] = Flood(flood.id, flood.console_id, flood.began_us)
    for planned in session.scalars(select(Suppression).where(Suppression.ended_us.is_(None))):
        room.coverings[planned.id] = covering(planned)
    if signals:
        _remember(session, room, now_us, signals)
    return room


def covering(row: Suppression) -> Covering:
    """A suppression as the policy knows it."""
    return Covering(
        row.id,
        row.reason,
        row.from_us,
        row.until_us,
        frozenset(row.site_ids),
        frozenset(row.camera_ids),
        frozenset(row.sector_ids),
        frozenset(row.kinds),
    )


def save(act: Act, room: Room, taken: Sequence[Signal] = ()) -> list[str]:
    """Write what came of it: alarms, the lines of their lives, the account of the signals; returns the alarms' ids.

    Publishes `AlarmChanged` for each. The caller enters what was done in the audit log.
    """
    session = act.session
    changed = sorted(room.changed)
    rows = {row.id: row for part in _parts(changed) for row in session.scalars(select(Alarm).where(Alarm.id.in_(part)))}
    for id in changed:
        alarm = room.alarms.get(id) or room.closed[id]
        row = rows.get(id)
        if row is None:
            row = Alarm(id=id)
            session.add(row)
        _write(row, alarm, room.due_us(alarm) if alarm.closed_us is None else None)
    for flood in room.floods_changed:
        session.merge(
            AlarmFlood(id=flood.id, console_id=flood.console_id, began_us=flood.began_us, ended_us=flood.ended_us)
        )
    session.flush()
    if room.entries:
        session.execute(insert(AlarmEntry), [asdict(entry) for entry in room.entries])
    _account(act, room, taken)
    for id in changed:
        alarm = room.alarms.get(id) or room.closed[id]
        act.publish(AlarmChanged(alarm_id=id, exercise=alarm.exercise))
    return changed


def _open(row: Alarm) -> OpenAlarm:
    values: dict[str, Any] = {name: getattr(row, name) for name in _FIELDS}
    for name in ("sector_ids", "camera_ids", "live_signals", "evidence"):
        values[name] = list(values[name])
    values["detail"] = dict(values["detail"])
    alarm = OpenAlarm(**values)
    alarm.life = Life(
        active=row.active,
        owed=row.owed,
        latched=row.latched,
        held=row.latch_holds,
        shelf=Shelf(**row.shelved) if row.shelved else None,
        suppressed=Suppressed(**row.suppressed) if row.suppressed else None,
        out=OutOfService(**row.out_of_service) if row.out_of_service else None,
        returned_us=row.returned_us,
    )
    return alarm


def _write(row: Alarm, alarm: OpenAlarm, due_us: int | None) -> None:
    for name in _FIELDS:
        value = getattr(alarm, name)
        setattr(row, name, list(value) if isinstance(value, list) else value)
    now = alarm.life
    row.state = str(now.state)
    row.active, row.owed, row.latched, row.latch_holds = now.active, now.owed, now.latched, now.held
    row.shelved = asdict(now.shelf) if now.shelf else None
    row.suppressed = asdict(now.suppressed) if now.suppressed else None
    row.out_of_service = asdict(now.out) if now.out else None
    row.returned_us = now.returned_us
    row.due_us = due_us


def _remember(session: Session, room: Room, now_us: int, signals: Sequence[Signal]) -> None:
    ids = sorted({signal.id for signal in signals})
    for part in _parts(ids):
        query = select(AlarmSignal.signal_id, AlarmSignal.version).where(
            AlarmSignal.signal_id.in_(part), AlarmSignal.member_id == ""
        )
        room.versions.update({row.signal_id: row.version for row in session.execute(query)})
    for part in _parts(sorted({signal.subject for signal in signals})):
        for kind, subject, seen_us in session.execute(
            select(AlarmSignal.kind, AlarmSignal.subject, AlarmSignal.seen_us)
            .where(AlarmSignal.subject.in_(part), AlarmSignal.member_id == "", AlarmSignal.seen_us > now_us - DAY_US)
            .order_by(AlarmSignal.seen_us)
        ):
            room.history.setdefault((kind, subject), deque()).append(seen_us)


def _account(act: Act, room: Room, taken: Sequence[Signal]) -> None:
    """What became of each signal, and of each symptom within it."""
    session = act.session
    latest = {signal.id: signal for signal in taken}
    ids = sorted(set(latest) | set(room.accounts))
    known: dict[str, AlarmSignal] = {}
    for part in _parts(ids):
        query = select(AlarmSignal).where(AlarmSignal.signal_id.in_(part), AlarmSignal.member_id == "")
        known.update({row.signal_id: row for row in session.scalars(query)})
    for id in ids:
        row, signal, account = known.get(id), latest.get(id), room.accounts.get(id)
        if row is None:
            if signal is None:
                raise RuntimeError(f"signal {id} is accounted for and was never taken")
            row = AlarmSignal(signal_id=id, member_id="", seen_us=act.at_us, disposition="listed")
            session.add(row)
        if signal is not None:
            _tell_row(row, signal, act.at_us)
            _members(session, signal, row, account, act.at_us)
        if account is not None:
            moved = (row.disposition, row.alarm_id, row.by_id) != (account.disposition, account.alarm_id, account.by_id)
            row.disposition, row.alarm_id, row.by_id = account.disposition, account.alarm_id, account.by_id
            row.changed_us = act.at_us
            if moved:
                session.flush()
                session.execute(
                    update(AlarmSignal)
                    .where(AlarmSignal.signal_id == id, AlarmSignal.member_id != "")
                    .values(disposition=_of_member(account), alarm_id=account.alarm_id, by_id=account.by_id)
                )
        waiting = room.waiting.get(id)
        row.due_us = waiting.due_us if waiting else None
        row.payload = _encode(waiting.signal).decode() if waiting else None


def _tell_row(row: AlarmSignal, signal: Signal, at_us: int) -> None:
    row.kind, row.subject = signal.kind, signal.subject
    row.site_id, row.sector_id = signal.site_id, signal.sector_id
    row.since_us, row.version = signal.since_us, signal.version
    row.ended_us = None if signal.active else signal.ended_us or at_us
    row.exercise = signal.exercise
    row.changed_us = at_us


def _members(session: Session, signal: Signal, row: AlarmSignal, account: Account | None, at_us: int) -> None:
    """A row for each symptom that the signal explains; those it no longer names have ended."""
    query = select(AlarmSignal.member_id, AlarmSignal.ended_us).where(
        AlarmSignal.signal_id == signal.id, AlarmSignal.member_id != ""
    )
    there = {known.member_id: known.ended_us for known in session.execute(query)}
    named = {member.id: member for member in signal.members[:MEMBERS_MAX]}
    fate = account or Account(row.disposition, row.alarm_id, row.by_id)
    new = [
        {
            "signal_id": signal.id,
            "member_id": member.id,
            "kind": member.kind,
            "subject": member.subject,
            "site_id": signal.site_id,
            "sector_id": signal.sector_id,
            "since_us": member.since_us,
            "ended_us": None if signal.active else signal.ended_us or at_us,
            "version": signal.version,
            "seen_us": at_us,
            "disposition": _of_member(fate),
            "alarm_id": fate.alarm_id,
            "by_id": fate.by_id,
            "exercise": signal.exercise,
            "changed_us": at_us,
        }
        for member in named.values()
        if member.id not in there
    ]
    if new:
        session.flush()
        session.execute(insert(AlarmSignal), new)
    gone = [id for id, ended_us in there.items() if ended_us is None and (id not in named or not signal.active)]
    back = [id for id, ended_us in there.items() if ended_us is not None and id in named and signal.active]
    for ids, ended_us in ((gone, signal.ended_us or at_us), (back, None)):
        for part in _parts(ids):
            session.execute(
                update(AlarmSignal)
                .where(AlarmSignal.signal_id == signal.id, AlarmSignal.member_id.in_(part))
                .values(ended_us=ended_us, changed_us=at_us)
            )


def _of_member(account: Account) -> str:
    """A symptom of what was told is told within it."""
    return "grouped" if account.disposition in ("annunciated", "repeated", "listed") else account.disposition


def due(session: Session, now_us: int) -> bool:
    """True where the clock has something to do."""
    checks = (
        select(Alarm.id).where(Alarm.due_us <= now_us, Alarm.closed_us.is_(None)),
        select(AlarmSignal.signal_id).where(AlarmSignal.due_us <= now_us),
        select(Suppression.id).where(
            Suppression.ended_us.is_(None),
            or_((Suppression.state == "planned") & (Suppression.from_us <= now_us), Suppression.until_us <= now_us),
        ),
    )
    return any(session.execute(check.limit(1)).first() is not None for check in checks)


def held(session: Session) -> bool:
    """True where something is held back for the load, or a flood is on."""
    flooded = select(func.count()).select_from(Alarm).where(Alarm.flooded, Alarm.closed_us.is_(None))
    floods = select(func.count()).select_from(AlarmFlood).where(AlarmFlood.ended_us.is_(None))
    return bool(session.scalar(flooded)) or bool(session.scalar(floods))


def _parts(ids: Iterable[str]) -> Iterable[list[str]]:
    listed = list(ids)
    return (listed[first : first + _TOGETHER] for first in range(0, len(listed), _TOGETHER))
