"""What others may know of alarms and suppressions, as JSON (`docs/design/interfaces-health.md`). Reads only.

A person sees what concerns one of their sectors; what concerns the whole program is seen by all supervisors and
commanders, and by whoever sees all sectors.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from manara.access.roles import Role
from manara.access.who import Who
from manara.alarms.room import DAY_US
from manara.alarms.tables import Alarm, AlarmEntry, AlarmSignal, Suppression
from manara.base.errors import NotFound

LIMIT_MAX = 2000
ACCOUNT_ROWS_MAX = 1000
HISTORY_US = 30 * DAY_US
SHOWN_AFTER_US = 3_600_000_000  # closed alarms stay on the screens for an hour
_LEADERS = frozenset({Role.SUPERVISOR, Role.COMMANDER})

_NAMES = (
    "id",
    "kind",
    "state",
    "priority",
    "signal_id",
    "subject",
    "site_id",
    "sector_id",
    "sector_ids",
    "camera_ids",
    "since_us",
    "annunciated_us",
    "acknowledged_us",
    "acknowledged_by",
    "acknowledged_by_name",
    "returned_us",
    "closed_us",
    "active",
    "latched",
    "shelved",
    "suppressed",
    "out_of_service",
    "group_id",
    "group_scope",
    "flooded",
    "members_count",
    "grouped_count",
    "respond_by_us",
    "escalated",
    "owner_role",
    "console_id",
    "direct",
    "confidence",
    "evidence",
    "pictures",
    "detail",
    "count_24h",
    "chattering",
    "work_order_id",
    "exercise",
    "changed_us",
)


def alarm_view(row: Alarm) -> dict[str, Any]:
    """An alarm as JSON."""
    return {name: getattr(row, name) for name in _NAMES}


def may_see(who: Who, sector_ids: Sequence[str]) -> bool:
    """True where this person's sectors include one that the alarm concerns."""
    if who.sector_ids is None:
        return True
    if not sector_ids:
        return bool(who.roles & _LEADERS)
    return any(sector_id in who.sector_ids for sector_id in sector_ids)


def alarms(
    session: Session,
    who: Who,
    *,
    open_only: bool = False,
    from_us: int | None = None,
    to_us: int | None = None,
    kind: str = "",
    site_id: str = "",
    limit: int = 200,
) -> list[dict[str, Any]]:
    """Alarms that this person may see, newest first; `from_us` and `to_us` bound when they began."""
    query = select(Alarm).order_by(Alarm.since_us.desc(), Alarm.id)
    if open_only:
        query = query.where(Alarm.closed_us.is_(None))
    if from_us is not None:
        query = query.where(Alarm.since_us >= from_us)
    if to_us is not None:
        query = query.where(Alarm.since_us < to_us)
    if kind:
        query = query.where(Alarm.kind == kind)
    if site_id:
        query = query.where(Alarm.site_id == site_id)
    found: list[dict[str, Any]] = []
    for row in session.scalars(query.execution_options(yield_per=500)):
        if may_see(who, row.sector_ids):
            found.append(alarm_view(row))
            if len(found) >= min(limit, LIMIT_MAX):
                break
    return found


def shown(session: Session, now_us: int) -> list[dict[str, Any]]:
    """What the screens follow: open alarms and those closed in the last hour."""
    query = select(Alarm).where(or_(Alarm.closed_us.is_(None), Alarm.closed_us > now_us - SHOWN_AFTER_US))
    return [alarm_view(row) for row in session.scalars(query)]


def alarm(session: Session, who: Who, alarm_id: str) -> dict[str, Any]:
    """One alarm with `entries`, `members`, `grouped` and `history`. Raises `NotFound`."""
    row = session.get(Alarm, alarm_id)
    if row is None or not may_see(who, row.sector_ids):
        raise NotFound("There is no such alarm.", code="alarm_not_found")
    return {
        **alarm_view(row),
        "entries": entries(session, alarm_id),
        "members": _members(session, row),
        "grouped": [
            alarm_view(inner)
            for inner in session.scalars(
                select(Alarm).where(Alarm.group_id == alarm_id).order_by(Alarm.since_us, Alarm.id).limit(LIMIT_MAX)
            )
        ],
        "history": _history(session, row),
    }


def entries(session: Session, alarm_id: str) -> list[dict[str, Any]]:
    """The life of an alarm, oldest first."""
    rows = session.scalars(
        select(AlarmEntry).where(AlarmEntry.alarm_id == alarm_id).order_by(AlarmEntry.number).limit(LIMIT_MAX)
    )
    return [
        {
            "number": row.number,
            "at_us": row.at_us,
            "what": row.what,
            "state": row.state,
            "by": row.by,
            "by_name": row.by_name,
            "text": row.text,
            "detail": row.detail,
            "annunciated": row.annunciated,
        }
        for row in rows
    ]


def _members(session: Session, row: Alarm) -> list[dict[str, Any]]:
    """The symptoms of the signals that feed it."""
    signals = select(AlarmSignal.signal_id).where(AlarmSignal.alarm_id == row.id, AlarmSignal.member_id == "")
    rows = session.scalars(
        select(AlarmSignal)
        .where(AlarmSignal.signal_id.in_(signals), AlarmSignal.member_id != "")
        .order_by(AlarmSignal.since_us, AlarmSignal.member_id)
        .limit(LIMIT_MAX)
    )
    return [
        {
            "id": member.member_id,
            "kind": member.kind,
            "subject": member.subject,
            "since_us": member.since_us,
            "ended_us": member.ended_us,
        }
        for member in rows
    ]


def _history(session: Session, row: Alarm) -> list[dict[str, Any]]:
    """Earlier alarms of the same kind and subject in 30 days."""
    rows = session.scalars(
        select(Alarm)
        .where(
            Alarm.subject == row.subject,
            Alarm.kind == row.kind,
            Alarm.id != row.id,
            Alarm.since_us > row.since_us - HISTORY_US,
        )
        .order_by(Alarm.since_us.desc())
        .limit(100)
    )
    return [alarm_view(past) for past in rows]


def suppression_view(row: Suppression) -> dict[str, Any]:
    """A suppression as JSON."""
    return {
        "id": row.id,
        "kind": row.kind,
        "reason": row.reason,
        "site_ids": row.site_ids,
        "camera_ids": row.camera_ids,
        "sector_ids": row.sector_ids,
        "kinds": row.kinds,
        "from_us": row.from_us,
        "until_us": row.until_us,
        "state": row.state,
        "ended_us": row.ended_us,
        "ended_by_name": row.ended_by_name,
        "source": row.source,
        "created_us": row.created_us,
        "created_by": row.created_by,
        "created_by_name": row.created_by_name,
        "changed_us": row.changed_us,
    }


def suppressions(session: Session, *, ended_since_us: int | None = None) -> list[dict[str, Any]]:
    """Suppressions planned and active, and those that ended since."""
    in_force = Suppression.ended_us.is_(None)
    query = select(Suppression).where(
        in_force if ended_since_us is None else or_(in_force, Suppression.ended_us >= ended_since_us)
    )
    return [suppression_view(row) for row in session.scalars(query.order_by(Suppression.from_us, Suppression.id))]


def account(session: Session, from_us: int, to_us: int) -> dict[str, Any]:
    """Every signal seen in a span and what became of it: `totals` by disposition (signals and symptoms), `rows` newest
    first up to 1,000, `unaccounted` (0, or something is wrong).
    """
    span = (AlarmSignal.seen_us >= from_us, AlarmSignal.seen_us < to_us)
    counted = session.execute(
        select(AlarmSignal.member_id == "", AlarmSignal.disposition, func.count())
        .where(*span)
        .group_by(AlarmSignal.member_id == "", AlarmSignal.disposition)
    )
    totals: dict[str, Counter[str]] = {"signals": Counter(), "symptoms": Counter()}
    for is_signal, disposition, count in counted:
        totals["signals" if is_signal else "symptoms"][disposition] += count
    told_later = session.scalar(
        select(func.count())
        .select_from(AlarmSignal)
        .join(Alarm, Alarm.id == AlarmSignal.alarm_id)
        .where(
            *span,
            AlarmSignal.member_id == "",
            AlarmSignal.disposition == "flood",
            or_(Alarm.annunciated_us.is_not(None), Alarm.group_id.is_not(None)),
        )
    )
    placeless = ("annunciated", "grouped", "repeated", "listed", "flood", "shelved", "suppressed", "out_of_service")
    unaccounted = session.scalar(
        select(func.count())
        .select_from(AlarmSignal)
        .where(*span, AlarmSignal.disposition.in_(placeless), AlarmSignal.alarm_id.is_(None))
    )
    rows = session.scalars(
        select(AlarmSignal)
        .where(*span, AlarmSignal.member_id == "")
        .order_by(AlarmSignal.seen_us.desc(), AlarmSignal.signal_id)
        .limit(ACCOUNT_ROWS_MAX)
    )
    return {
        "from_us": from_us,
        "to_us": to_us,
        "totals": {name: dict(counter) for name, counter in totals.items()},
        "flood_told_later": told_later or 0,
        "unaccounted": unaccounted or 0,
        "rows": [
            {
                "signal_id": row.signal_id,
                "kind": row.kind,
                "subject": row.subject,
                "site_id": row.site_id,
                "sector_id": row.sector_id,
                "since_us": row.since_us,
                "ended_us": row.ended_us,
                "seen_us": row.seen_us,
                "disposition": row.disposition,
                "alarm_id": row.alarm_id,
                "by_id": row.by_id,
            }
            for row in rows
        ],
    }
