"""Consoles and shifts, alarms placed at consoles, and escalation: the changes of the state that belong to duty.

A shift is taken by the person who sits down and handed over with a note; what is open then (alarms, shelved ones,
suppressions) is written into its log, which is closed from that moment: its hash stands in the audit log. A console
handed over to somebody stays theirs who hand it over until it is taken, so that no alarm falls between two chairs.
Called by the web's routes; tells the screens through `ShiftChanged`. Where alarms go is decided by `duty_clock.py`.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from manara.access.roles import Role
from manara.access.tables import Account
from manara.access.who import Who
from manara.alarms import duty, duty_rules, kinds, words
from manara.alarms.duty_clock import seat_of
from manara.alarms.duty_tables import Console, Shift, ShiftEntry
from manara.alarms.kind_table import kind_table
from manara.alarms.kinds import SKILLS
from manara.alarms.tables import Alarm, AlarmEntry, Suppression
from manara.base.errors import Conflict, FieldError, Forbidden, InvalidInput, NotFound
from manara.base.ids import new_id
from manara.messages import ShiftChanged
from manara.store.database import Database

NamesOf = Callable[[Session], words.Names]
CONSOLES_MAX = 200
ENTRIES_MAX = 2000  # a shift
CARRIED_MAX = 2000
_LEADERS = frozenset({Role.SUPERVISOR, Role.COMMANDER})
_HIDDEN = ("shelved", "suppressed_by_design", "out_of_service")


# ---- consoles


def console_view(row: Console) -> dict[str, Any]:
    """A console as JSON."""
    return {
        "id": row.id,
        "code": row.code,
        "name_ar": row.name_ar,
        "name_en": row.name_en,
        "role": row.role,
        "sector_ids": row.sector_ids,
        "skills": row.skills,
        "enabled": row.enabled,
        "changed_us": row.changed_us,
    }


def consoles(session: Session) -> list[dict[str, Any]]:
    """All consoles by code, each with the shift that sits there (or None)."""
    sitting = {shift.console_id: shift_view(shift) for shift in open_shifts(session)}
    rows = session.scalars(select(Console).order_by(Console.code))
    return [{**console_view(row), "shift": sitting.get(row.id)} for row in rows]


def add_console(database: Database, who: Who, at: datetime, values: Mapping[str, Any]) -> dict[str, Any]:
    """Add a console. Raises `InvalidInput` with all faults, `Conflict` when the code is taken."""
    clean, faults = duty_rules.console(values, SKILLS, new=True)
    _refuse("console", faults)
    with database.act(who, at) as act:
        if (act.session.scalar(select(func.count()).select_from(Console)) or 0) >= CONSOLES_MAX:
            raise Conflict(f"There are {CONSOLES_MAX} consoles already.", code="too_many_consoles")
        _free_code(act.session, clean["code"], None)
        row = Console(id=new_id(), changed_us=act.at_us, **clean)
        act.session.add(row)
        act.session.flush()
        act.audit("console:add", subject=row.id, detail=clean)
        return console_view(row)


def change_console(
    database: Database, who: Who, at: datetime, console_id: str, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Change the given fields of a console. One at which somebody sits cannot be taken out of use."""
    given = {name: value for name, value in values.items() if name not in ("id", "changed_us", "shift")}
    clean, faults = duty_rules.console(given, SKILLS, new=False)
    _refuse("console", faults)
    with database.act(who, at) as act:
        row = _console(act.session, console_id)
        if "code" in clean:
            _free_code(act.session, clean["code"], row.id)
        if not clean.get("enabled", row.enabled) and _open_shift(act.session, row.id) is not None:
            raise Conflict("Somebody sits at this console; the shift must end first.", code="console_manned")
        for name, value in clean.items():
            setattr(row, name, value)
        row.changed_us = act.at_us
        act.audit("console:change", subject=row.id, detail=clean)
        shift = _open_shift(act.session, row.id)
        if shift is not None:  # the screens show what it covers
            act.publish(ShiftChanged(shift_id=shift.id))
        return console_view(row)


def ensure_console(database: Database, at: datetime) -> None:
    """A control room has at least one seat: make the first one, for everything, where there is none."""
    with database.read() as session:
        if session.scalar(select(func.count()).select_from(Console)):
            return
    values = {"code": "C1", "name_ar": "منضدة المشغّل 1", "name_en": "Operator's console 1"}
    add_console(database, Who.system("duty"), at, values)


# ---- shifts


def shift_view(row: Shift, *, whole: bool = False) -> dict[str, Any]:
    """A shift as JSON; `whole` with what was handed over."""
    view = {
        "id": row.id,
        "console_id": row.console_id,
        "account_id": row.account_id,
        "account_name": row.account_name,
        "started_us": row.started_us,
        "previous_id": row.previous_id,
        "handed_us": row.handed_us,
        "handed_by": row.handed_by,
        "to_account_id": row.to_account_id,
        "to_account_name": row.to_account_name,
        "note": row.note,
        "ended_us": row.ended_us,
    }
    return view | {"carried": row.carried, "carried_sha256": row.carried_sha256} if whole else view


def open_shifts(session: Session) -> list[Shift]:
    """The shifts that sit at consoles now."""
    return list(session.scalars(select(Shift).where(Shift.ended_us.is_(None)).order_by(Shift.started_us, Shift.id)))


def shifts(session: Session, limit: int = 50, console_id: str = "") -> list[dict[str, Any]]:
    """The newest shifts, open ones first."""
    query = select(Shift).order_by(Shift.ended_us.is_not(None), Shift.started_us.desc(), Shift.id).limit(limit)
    if console_id:
        query = query.where(Shift.console_id == console_id)
    return [shift_view(row) for row in session.scalars(query)]


def shift(session: Session, shift_id: str, who: Who | None = None) -> dict[str, Any]:
    """One shift with its log. Raises `NotFound`, also where the log is not for this person (None: the program)."""
    row = _shift(session, shift_id)
    if who is not None and row.account_id != who.account_id and not may_read(session, who, row.console_id):
        raise NotFound("There is no such shift.", code="shift_not_found")
    entries = session.scalars(select(ShiftEntry).where(ShiftEntry.shift_id == row.id).order_by(ShiftEntry.number))
    return {
        **shift_view(row, whole=True),
        "entries": [
            {
                "number": entry.number,
                "at_us": entry.at_us,
                "account_id": entry.account_id,
                "account_name": entry.account_name,
                "text": entry.text,
            }
            for entry in entries
        ],
    }


def may_read(session: Session, who: Who, console_id: str) -> bool:
    """True where the log and the load of a console tell this person of nothing outside their sectors ("": of all)."""
    if who.sector_ids is None:
        return True
    row = session.get(Console, console_id) if console_id else None
    return row is not None and row.sector_ids is not None and set(row.sector_ids) <= who.sector_ids


def people(session: Session, console_id: str) -> list[dict[str, Any]]:
    """Who may sit at a console: for handing over. Names only."""
    seat = seat_of(_console(session, console_id))
    rows = session.scalars(select(Account).where(Account.enabled).order_by(Account.name))
    return [{"account_id": row.id, "name": row.name} for row in rows if not _why_not(row.roles, row.sector_ids, seat)]


def take_shift(database: Database, who: Who, at: datetime, console_id: str) -> dict[str, Any]:
    """Sit down at a console; the shift that was handed over to this person (by a leader also another's) ends.

    Raises `Conflict` naming who sits there, `Forbidden` where role or sectors do not fit.
    """
    with database.act(who, at) as act:
        console = _console(act.session, console_id)
        if not console.enabled:
            raise Conflict("This console is out of use.", code="console_disabled")
        why = duty.may_sit((str(role) for role in who.roles), who.sector_ids, seat_of(console))
        if why:
            raise Forbidden("This console is for others.", code=f"console_not_yours_{why}")
        before = _open_shift(act.session, console.id)
        if before is not None:
            _may_take(who, before)
            before.ended_us = act.at_us
            act.session.flush()  # before the next one begins: one person at a console
            act.publish(ShiftChanged(shift_id=before.id))
        row = Shift(
            id=new_id(),
            console_id=console.id,
            account_id=who.account_id,
            account_name=who.name[:200],
            started_us=act.at_us,
            previous_id=before.id if before else _last_shift_id(act.session, console.id),
        )
        act.session.add(row)
        try:
            act.session.flush()
        except IntegrityError as error:  # where writers do not queue (PostgreSQL), somebody was quicker
            raise Conflict("Somebody has just sat down at this console.", code="console_taken") from error
        act.audit("shift:take", subject=row.id, detail={"console": console.code, "previous": row.previous_id})
        act.publish(ShiftChanged(shift_id=row.id))
        return shift_view(row)


def write_entry(database: Database, who: Who, at: datetime, shift_id: str, text: Any) -> dict[str, Any]:
    """Write a line into the log of a shift: by who sits there, or by a leader. Raises `Conflict` once handed over."""
    clean, why = duty_rules.line(text, duty_rules.NOTE_MAX, least=1, lines=True)
    _refuse("entry", [FieldError("text", why)] if why else [])
    with database.act(who, at) as act:
        row = _shift(act.session, shift_id)
        _still_open(row)
        _own_or_leader(who, row)
        count = select(func.count()).select_from(ShiftEntry).where(ShiftEntry.shift_id == row.id)
        if (act.session.scalar(count) or 0) >= ENTRIES_MAX:
            raise Conflict(f"The log of this shift has {ENTRIES_MAX} lines already.", code="shift_log_full")
        act.session.add(
            ShiftEntry(
                shift_id=row.id, at_us=act.at_us, account_id=who.account_id, account_name=who.name[:200], text=clean
            )
        )
        act.session.flush()
        act.audit("shift:write", subject=row.id, detail={"text": clean[:200]})
        act.publish(ShiftChanged(shift_id=row.id))
        return shift(act.session, row.id)


def hand_over(
    database: Database, who: Who, at: datetime, shift_id: str, values: Mapping[str, Any], names_of: NamesOf
) -> dict[str, Any]:
    """Close a shift's log with a note and all that is open. To somebody: theirs once they take it; else it ends now.

    `values` = `{note, to_account_id (or null)}`. By who sits there, or by a leader for somebody who left.
    """
    note, why = duty_rules.line(values.get("note", ""), duty_rules.NOTE_MAX, least=duty_rules.NOTE_MIN, lines=True)
    _refuse("hand-over", [FieldError("note", why)] if why else [])
    with database.act(who, at) as act:
        row = _shift(act.session, shift_id)
        _still_open(row)
        _own_or_leader(who, row)
        console = _console(act.session, row.console_id)
        to_account_id = values.get("to_account_id") or None
        to = _receiver(act.session, to_account_id, row, seat_of(console))
        carries = carried(act.session, console, row, act.at_us, names_of(act.session))
        with act.session.no_autoflush:  # the row is written once: from then on the database keeps it as it is
            row.note, row.carried = note, carries
            row.handed_us, row.handed_by = act.at_us, who.name[:200]
            row.carried_sha256 = log_hash(act.session, row)
        if to is None:
            row.ended_us = act.at_us
        else:
            row.to_account_id, row.to_account_name = to.id, to.name
        act.audit(
            "shift:hand_over",
            subject=row.id,
            detail={
                "console": console.code,
                "to": to_account_id,
                "open": len(carries["open"]),
                "shelved": len(carries["shelved"]),
                "log_sha256": row.carried_sha256,
            },
        )
        act.publish(ShiftChanged(shift_id=row.id))
        act.session.flush()
        return shift(act.session, row.id)


def would_carry(session: Session, shift_id: str, who: Who, now_us: int, names: words.Names) -> dict[str, Any]:
    """What a hand-over of this shift would carry now. Raises `NotFound`."""
    row = _shift(session, shift_id)
    shift(session, shift_id, who)
    return carried(session, _console(session, row.console_id), row, now_us, names)


def log_hash(session: Session, row: Shift) -> str:
    """SHA-256 (hex) over a shift's log: who, when, every line, the note and what was carried."""
    entries = session.execute(
        select(ShiftEntry.at_us, ShiftEntry.account_id, ShiftEntry.text)
        .where(ShiftEntry.shift_id == row.id)
        .order_by(ShiftEntry.number)
    )
    body = [
        row.id,
        row.console_id,
        row.account_id,
        row.started_us,
        row.handed_us,
        row.note,
        [list(entry) for entry in entries],
        row.carried,
    ]
    return hashlib.sha256(json.dumps(body, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def carried(session: Session, console: Console, row: Shift, at_us: int, names: words.Names) -> dict[str, Any]:
    """What a hand-over carries: open alarms, those put aside, suppressions in force, and counts of the shift."""
    seat = seat_of(console)
    table = kind_table(session)
    rows = session.scalars(
        select(Alarm)
        .where(
            Alarm.closed_us.is_(None),
            Alarm.group_id.is_(None),
            or_(Alarm.console_id == console.id, Alarm.console_id.is_(None)),
        )
        .order_by(Alarm.since_us, Alarm.id)
    )
    mine = [
        a for a in rows if a.console_id == console.id or duty.covers(seat, a.sector_id, kinds.of(table, a.kind).skill)
    ]
    shown, left_out = mine[:CARRIED_MAX], len(mine[CARRIED_MAX:])
    suppressions = session.scalars(
        select(Suppression)
        .where(Suppression.ended_us.is_(None), Suppression.until_us > at_us)
        .order_by(Suppression.from_us, Suppression.id)
    )
    counts = session.execute(
        select(AlarmEntry.what, func.count())
        .where(AlarmEntry.console_id == console.id, AlarmEntry.at_us >= row.started_us, AlarmEntry.at_us <= at_us)
        .group_by(AlarmEntry.what)
    )
    annunciated = session.scalar(
        select(func.count())
        .select_from(AlarmEntry)
        .where(
            AlarmEntry.console_id == console.id,
            AlarmEntry.at_us >= row.started_us,
            AlarmEntry.at_us <= at_us,
            AlarmEntry.annunciated,
        )
    )
    return {
        "at_us": at_us,
        "open": [_carried_alarm(a, names) for a in shown if a.state not in _HIDDEN],
        "shelved": [_carried_alarm(a, names) for a in shown if a.state in _HIDDEN],
        "suppressions": [
            {
                "id": s.id,
                "kind": s.kind,
                "reason": s.reason,
                "from_us": s.from_us,
                "until_us": s.until_us,
                "state": s.state,
            }
            for s in suppressions
        ],
        "left_out": left_out,
        "annunciated": annunciated or 0,
        "counts": {what: count for what, count in counts},
    }


def _carried_alarm(row: Alarm, names: words.Names) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "subject": row.subject,
        "priority": row.priority,
        "state": row.state,
        "since_us": row.since_us,
        "acknowledged_us": row.acknowledged_us,
        "acknowledged_by": row.acknowledged_by_name,
        "escalated": row.escalated,
        "shelved": row.shelved,
        "suppressed": row.suppressed,
        "out_of_service": row.out_of_service,
        "work_order_id": row.work_order_id,
        "members": row.members_count,
        "grouped": row.grouped_count,
        "title_ar": words.short(row.kind, row.subject, "ar", names),
        "title_en": words.short(row.kind, row.subject, "en", names),
    }


# ---- inside


def _refuse(noun: str, faults: Sequence[FieldError]) -> None:
    if faults:
        raise InvalidInput(f"This {noun} is not right.", code="invalid_input", fields=list(faults))


def _why_not(roles: Sequence[str], sector_ids: Sequence[str] | None, seat: duty.Seat) -> str:
    return duty.may_sit(roles, None if sector_ids is None else frozenset(sector_ids), seat)


def _console(session: Session, console_id: str) -> Console:
    row = session.get(Console, console_id)
    if row is None:
        raise NotFound("There is no such console.", code="console_not_found")
    return row


def _shift(session: Session, shift_id: str) -> Shift:
    row = session.get(Shift, shift_id)
    if row is None:
        raise NotFound("There is no such shift.", code="shift_not_found")
    return row


def _open_shift(session: Session, console_id: str) -> Shift | None:
    return session.scalars(select(Shift).where(Shift.console_id == console_id, Shift.ended_us.is_(None))).first()


def _last_shift_id(session: Session, console_id: str) -> str | None:
    return session.scalar(
        select(Shift.id).where(Shift.console_id == console_id).order_by(Shift.started_us.desc()).limit(1)
    )


def _free_code(session: Session, code: str, own_id: str | None) -> None:
    found = session.scalar(select(Console.id).where(Console.code == code))
    if found is not None and found != own_id:
        fields = [FieldError("code", "is already taken", value=code)]
        raise Conflict(f"There is already a console {code}.", code="code_taken", fields=fields)


def _may_take(who: Who, sitting: Shift) -> None:
    if sitting.handed_us is None:
        raise Conflict(
            f"{sitting.account_name} sits at this console and has not handed over.",
            code="console_taken",
            detail={"account_name": sitting.account_name, "since_us": sitting.started_us},
        )
    if sitting.to_account_id != who.account_id and not _LEADERS & who.roles:
        raise Conflict(
            f"This console was handed over to {sitting.to_account_name}.",
            code="console_for_another",
            detail={"account_name": sitting.to_account_name},
        )


def _still_open(row: Shift) -> None:
    if row.handed_us is not None or row.ended_us is not None:
        raise Conflict("This shift was handed over; its log is closed.", code="shift_closed")


def _own_or_leader(who: Who, row: Shift) -> None:
    if row.account_id != who.account_id and not _LEADERS & who.roles:
        raise Forbidden("This is somebody else's shift.", code="shift_not_yours")


def _receiver(session: Session, account_id: Any, row: Shift, seat: duty.Seat) -> Account | None:
    if account_id is None:
        return None
    account = session.get(Account, account_id) if isinstance(account_id, str) else None
    why = ""
    if account is None or not account.enabled:
        why = "is nobody who can sign in"
    elif account.id == row.account_id:
        why = "is who hands over"
    elif _why_not(account.roles, account.sector_ids, seat):
        why = "may not sit at this console"
    if why:
        _refuse("hand-over", [FieldError("to_account_id", why)])
    return account
