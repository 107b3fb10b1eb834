"""What others may know of maintenance, as JSON: the shapes of `docs/design/interfaces-health.md`. Reads only, own
sectors.
"""

from collections.abc import Iterable
from math import asin, cos, radians, sin, sqrt
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from manara.access.who import Who
from manara.base.errors import NotFound
from manara.network.health.tables import CameraOutage
from manara.network.maintenance import rules
from manara.network.maintenance.advice import advice_for
from manara.network.maintenance.availability import Figures, Lost, Planned, Watched, figures, whole
from manara.network.maintenance.tables import (
    Outage,
    PreventiveRound,
    Team,
    WorkOrder,
    WorkOrderEntry,
    WorkOrderPhoto,
)
from manara.network.tables import Camera, Site

_US_A_DAY = 86_400_000_000
_EARTH_KM = 6371.0
LISTED_MOST = 2000


def _columns(row: Any, leave_out: Iterable[str] = ()) -> dict[str, Any]:
    hidden = set(leave_out)
    return {column.name: getattr(row, column.name) for column in row.__table__.columns if column.name not in hidden}


def order_view(row: WorkOrder) -> dict[str, Any]:
    """A work order. What to bring and to mind are keys of the screens' words."""
    value = _columns(row, ("open_cause_id",))
    for name in ("cause_id", "alarm_id", "round_id", "sector_id"):
        value[name] = value[name] or None
    kit = advice_for(row.cause_kind)
    value |= {"parts": list(kit.parts), "tools": list(kit.tools), "safety": list(kit.safety)}
    value["open"] = row.state not in rules.ENDED
    return value


def order_row(session: Session, order_id: str, who: Who) -> WorkOrder:
    """The row, where this person may see it. Raises `NotFound`."""
    row = session.get(WorkOrder, order_id)
    if row is None or not who.may_see_sector(row.sector_id or None):
        raise NotFound("There is no such work order.", code="work_order_not_found")
    return row


def orders(
    session: Session, who: Who, *, open_only: bool = False, site_id: str | None = None, cause_id: str | None = None
) -> list[dict[str, Any]]:
    """Work orders of own sectors, the newest first."""
    query = select(WorkOrder).order_by(WorkOrder.opened_us.desc()).limit(LISTED_MOST)
    if open_only:
        query = query.where(WorkOrder.state.not_in(rules.ENDED))
    if site_id:
        query = query.where(WorkOrder.site_id == site_id)
    if cause_id:
        query = query.where(WorkOrder.cause_id == cause_id)
    if who.sector_ids is not None:
        query = query.where(WorkOrder.sector_id.in_(sorted(who.sector_ids)))
    return [order_view(row) for row in session.scalars(query)]


def order(session: Session, order_id: str, who: Who) -> dict[str, Any]:
    """One work order with its history, photographs and the nearest teams. Raises `NotFound`."""
    row = order_row(session, order_id, who)
    entries = session.scalars(
        select(WorkOrderEntry).where(WorkOrderEntry.work_order_id == order_id).order_by(WorkOrderEntry.at_us)
    )
    return order_view(row) | {
        "entries": [_columns(entry, ("work_order_id",)) for entry in entries],
        "photos": [photo_view(photo) for photo in photo_rows(session, order_id)],
        "nearest_teams": nearest_teams(session, row.site_id),
    }


def photo_rows(session: Session, order_id: str) -> list[WorkOrderPhoto]:
    """A work order's photographs, in order."""
    query = select(WorkOrderPhoto).where(WorkOrderPhoto.work_order_id == order_id).order_by(WorkOrderPhoto.at_us)
    return list(session.scalars(query))


def photo_view(row: WorkOrderPhoto) -> dict[str, Any]:
    """A photograph."""
    return _columns(row)


def nearest_teams(session: Session, site_id: str, most: int = 5) -> list[dict[str, Any]]:
    """Teams that work at this site, the nearest first, as the crow flies; those without a place last."""
    site = session.get(Site, site_id)
    if site is None:
        return []
    found = []
    for team in session.scalars(select(Team).where(Team.enabled)):
        if team.sector_ids is not None and site.sector_id not in team.sector_ids:
            continue
        away_km = None
        if team.lat is not None and team.lon is not None:
            away_km = round(distance_km(site.lat, site.lon, team.lat, team.lon), 1)
        found.append({"team_id": team.id, "away_km": away_km})
    found.sort(key=lambda one: (one["away_km"] is None, one["away_km"] or 0.0))
    return found[:most]


def distance_km(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Great-circle distance by the haversine formula, km."""
    up, side = radians(other_lat - lat) / 2, radians(other_lon - lon) / 2
    part = sin(up) ** 2 + cos(radians(lat)) * cos(radians(other_lat)) * sin(side) ** 2
    return 2 * _EARTH_KM * asin(sqrt(part))


def team_view(row: Team) -> dict[str, Any]:
    """A team."""
    return _columns(row)


def teams(session: Session) -> list[dict[str, Any]]:
    """All teams, by code."""
    return [team_view(row) for row in session.scalars(select(Team).order_by(Team.code))]


def outage_view(row: Outage) -> dict[str, Any]:
    """A planned outage."""
    return _columns(row)


def outages(session: Session, from_us: int | None = None) -> list[dict[str, Any]]:
    """Planned outages that end at or after `from_us`, by their beginning."""
    query = select(Outage).order_by(Outage.from_us.desc()).limit(LISTED_MOST)
    if from_us is not None:
        query = query.where(Outage.until_us >= from_us, or_(Outage.ended_us.is_(None), Outage.ended_us >= from_us))
    return [outage_view(row) for row in session.scalars(query)]


def round_view(row: PreventiveRound, now_us: int) -> dict[str, Any]:
    """A preventive round, with what is due: each site's next time and how many are overdue."""
    value = _columns(row)
    every_us = row.every_days * _US_A_DAY
    due = {
        site_id: row.done[site_id] + every_us if site_id in row.done else row.first_due_us for site_id in row.site_ids
    }
    value["due_us"] = due
    value["next_due_us"] = min(due.values(), default=None)
    value["overdue"] = sum(at_us <= now_us for at_us in due.values()) if row.enabled else 0
    return value


def rounds(session: Session, now_us: int) -> list[dict[str, Any]]:
    """All rounds, the most pressing first."""
    found = [round_view(row, now_us) for row in session.scalars(select(PreventiveRound))]
    return sorted(found, key=lambda one: (not one["enabled"], one["next_due_us"] or 0))


# ---- availability


def availability(
    session: Session, who: Who, from_us: int, to_us: int, by: str, now_us: int, service_level_pct: float
) -> dict[str, Any]:
    """Availability of own sectors in a period, as a whole and grouped `by`. Raises `ValueError`."""
    together, groups = availability_figures(session, who, from_us, to_us, by, now_us)
    return {
        "from_us": from_us,
        "to_us": min(to_us, now_us),
        "by": by,
        "service_level_pct": service_level_pct,
        "whole": together.view(service_level_pct),
        "groups": [group.view(service_level_pct) for group in groups],
    }


def availability_figures(
    session: Session, who: Who, from_us: int, to_us: int, by: str, now_us: int
) -> tuple[Figures, list[Figures]]:
    """The figures behind `availability`."""
    sites = {row.id: row for row in session.execute(select(Site.id, Site.sector_id, Site.supplier))}
    query = select(Camera.id, Camera.site_id, Camera.sector_id, Camera.supplier, Camera.created_us).where(
        Camera.enabled, Camera.record
    )
    cameras = []
    for row in session.execute(query):
        site = sites.get(row.site_id)
        sector_id = row.sector_id or (site.sector_id if site else None)
        if who.may_see_sector(sector_id):
            supplier = row.supplier or (site.supplier if site else "") or ""
            cameras.append(Watched(row.id, row.site_id or "", sector_id or "", supplier, row.created_us))
    responded = {
        row.cause_id: row.accepted_us
        for row in session.execute(
            select(WorkOrder.cause_id, WorkOrder.accepted_us).where(
                WorkOrder.cause_id != "", WorkOrder.accepted_us.is_not(None)
            )
        )
    }
    spans = session.scalars(
        select(CameraOutage).where(
            CameraOutage.start_us < to_us, or_(CameraOutage.end_us.is_(None), CameraOutage.end_us > from_us)
        )
    )
    lost = [
        Lost(
            span.camera_id,
            span.start_us,
            span.end_us,
            span.known_us,
            span.cause_kind or span.condition,
            responded.get(span.cause_id) if span.cause_id else None,
        )
        for span in spans
    ]
    at_site: dict[str, set[str]] = {}
    for camera in cameras:
        at_site.setdefault(camera.site_id, set()).add(camera.id)
    planned = [
        Planned(
            frozenset(row.camera_ids).union(*(at_site.get(site_id, set()) for site_id in row.site_ids)),
            row.from_us,
            min(row.until_us, row.ended_us or row.until_us),
        )
        for row in session.scalars(select(Outage).where(Outage.from_us < to_us, Outage.until_us > from_us))
    ]
    return whole(cameras, lost, planned, from_us, to_us, now_us), figures(
        cameras, lost, planned, from_us, to_us, by, now_us
    )
