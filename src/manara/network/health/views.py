"""What others may know of health, as JSON: the shapes of `docs/design/interfaces-health.md`. Reads only.

`cause_view` is what `wiring.py` makes a signal of; `camera_health` is the hub's kind `health`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from manara.network.health.kinds import NOT_DOING_ITS_JOB
from manara.network.health.tables import BatteryForecast, CameraOutage, CauseRow, ConditionRow

_CAUSE_NAMES = (
    "id",
    "kind",
    "rule",
    "subject",
    "site_id",
    "sector_id",
    "direct",
    "confidence",
    "since_us",
    "opened_us",
    "changed_us",
    "closed_us",
    "absorbed_into",
    "camera_ids",
    "site_ids",
    "evidence",
    "condition_ids",
    "pictures",
    "detail",
    "exercise",
)


def cause_view(row: CauseRow) -> dict[str, Any]:
    """A cause: the shape of the contract. Ids that are not there are null."""
    value = {name: getattr(row, name) for name in _CAUSE_NAMES}
    for name in ("site_id", "sector_id", "absorbed_into"):
        value[name] = value[name] or None
    return value


def condition_view(row: ConditionRow) -> dict[str, Any]:
    """A condition with its times."""
    return {
        "id": row.id,
        "kind": row.kind,
        "subject": row.subject,
        "site_id": row.site_id or None,
        "since_us": row.since_us,
        "known_us": row.known_us,
        "ended_us": row.ended_us,
        "confidence": row.confidence,
        "detail": row.detail,
    }


def cause(session: Session, cause_id: str) -> dict[str, Any] | None:
    """One cause, None where there is none."""
    row = session.get(CauseRow, cause_id)
    return None if row is None else cause_view(row)


def causes_changed_since(
    session: Session, changed_us: int, limit: int = 1000, known: Mapping[str, int] | None = None
) -> list[dict[str, Any]]:
    """Causes that changed at or after `changed_us`, the oldest first: what control asks each 2 s.

    `known`: id → `changed_us` of what the asker has already; of the rest at most `limit`, so that asking again goes on.
    """
    stamps = session.execute(
        select(CauseRow.id, CauseRow.changed_us)
        .where(CauseRow.changed_us >= changed_us)
        .order_by(CauseRow.changed_us, CauseRow.id)
    )
    new = [row.id for row in stamps if known is None or known.get(row.id) != row.changed_us][:limit]
    found: list[CauseRow] = []
    for first in range(0, len(new), 500):
        found += session.scalars(select(CauseRow).where(CauseRow.id.in_(new[first : first + 500]))).all()
    return [cause_view(row) for row in sorted(found, key=lambda row: (row.changed_us, row.id))]


def open_causes(
    session: Session, *, site_id: str | None = None, sector_ids: Iterable[str] | None = None
) -> list[dict[str, Any]]:
    """Causes that are so now; of a site, or of sectors."""
    query = select(CauseRow).where(CauseRow.closed_us.is_(None)).order_by(CauseRow.opened_us)
    if site_id is not None:
        query = query.where(CauseRow.site_id == site_id)
    if sector_ids is not None:
        query = query.where(CauseRow.sector_id.in_(sorted(sector_ids)))
    return [cause_view(row) for row in session.scalars(query)]


def members(session: Session, condition_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Conditions by id, the earliest first."""
    found: list[ConditionRow] = []
    for first in range(0, len(condition_ids), 500):
        some = condition_ids[first : first + 500]
        found += session.scalars(select(ConditionRow).where(ConditionRow.id.in_(some))).all()
    return [condition_view(row) for row in sorted(found, key=lambda row: row.since_us)]


def camera_health(session: Session, camera_ids: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
    """The hub's kind `health` by camera id; a camera without a condition is not there. None: all cameras."""
    query = select(ConditionRow).where(ConditionRow.ended_us.is_(None)).order_by(ConditionRow.since_us)
    if camera_ids is not None:
        query = query.where(ConditionRow.subject.in_([f"camera:{id}" for id in camera_ids]))
    else:
        query = query.where(ConditionRow.subject.like("camera:%"))
    rows = session.scalars(query).all()
    if not rows:
        return {}
    cause_of = {
        condition_id: row.id
        for row in session.scalars(select(CauseRow).where(CauseRow.closed_us.is_(None)).order_by(CauseRow.opened_us))
        for condition_id in row.condition_ids
    }
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        camera_id = row.subject.removeprefix("camera:")
        value = found.setdefault(
            camera_id, {"id": camera_id, "doing_job": True, "conditions": [], "cause_id": cause_of.get(row.id)}
        )
        told = {"kind": row.kind, "since_us": row.since_us, "confidence": round(row.confidence, 2)}
        value["conditions"].append(told)
        value["doing_job"] = value["doing_job"] and row.kind not in NOT_DOING_ITS_JOB
        value["cause_id"] = value["cause_id"] or cause_of.get(row.id)
    return found


def outages(session: Session, from_us: int, to_us: int, camera_id: str | None = None) -> list[dict[str, Any]]:
    """Spans that touch `from_us` … `to_us`, in order: for availability."""
    query = (
        select(CameraOutage)
        .where(CameraOutage.start_us < to_us, or_(CameraOutage.end_us.is_(None), CameraOutage.end_us > from_us))
        .order_by(CameraOutage.start_us)
    )
    if camera_id is not None:
        query = query.where(CameraOutage.camera_id == camera_id)
    return [
        {
            "id": row.id,
            "camera_id": row.camera_id,
            "site_id": row.site_id or None,
            "sector_id": row.sector_id or None,
            "start_us": row.start_us,
            "known_us": row.known_us,
            "end_us": row.end_us,
            "condition": row.condition,
            "cause_id": row.cause_id or None,
            "cause_kind": row.cause_kind,
        }
        for row in session.scalars(query)
    ]


def forecast(session: Session, site_id: str) -> dict[str, Any] | None:
    """The newest battery forecast of a site, with its curve."""
    row = session.get(BatteryForecast, site_id)
    if row is None:
        return None
    return {column.name: getattr(row, column.name) for column in BatteryForecast.__table__.columns}


def recent_causes(session: Session, *, site_id: str | None = None, limit: int = 200) -> list[dict[str, Any]]:
    """Causes by when they opened, the newest first, open or not."""
    query = select(CauseRow).order_by(CauseRow.opened_us.desc()).limit(limit)
    if site_id is not None:
        query = query.where(CauseRow.site_id == site_id)
    return [cause_view(row) for row in session.scalars(query)]


def absorbed(session: Session, cause_id: str) -> list[dict[str, Any]]:
    """The causes that were closed into this one."""
    query = select(CauseRow).where(CauseRow.absorbed_into == cause_id).order_by(CauseRow.opened_us)
    return [
        {"id": row.id, "kind": row.kind, "subject": row.subject, "opened_us": row.opened_us, "closed_us": row.closed_us}
        for row in session.scalars(query)
    ]
