"""A site's availability day by day through a year, for the strip on its page.

Figures are those of `network/maintenance/availability.py`, of one site and each local day. Days before its
first camera was added are not known and say so (null). Called by the screens.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from sqlalchemy import or_, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from manara.base.clock import to_us
from manara.network import views
from manara.network.health.tables import CameraOutage
from manara.network.maintenance.availability import Lost, Planned, Watched, whole
from manara.network.maintenance.tables import Outage
from manara.network.tables import Camera
from manara.web.answers import Json
from manara.web.services import Handed, Person

router = APIRouter(prefix="/api")


@router.get("/sites/{site_id}/availability")
def availability(
    handed: Handed, person: Person, site_id: str, year: Annotated[int, Query(ge=2000, le=2100)]
) -> Response:
    """`{year, service_level_pct, cameras, whole, days: [{day, available_pct|null, lost_h, planned_h}]}` up to today."""
    zone = ZoneInfo(handed.settings.deployment.timezone)
    level = handed.settings.maintenance.service_level_pct
    now_us = handed.clock.wall_us()
    begin = datetime(year, 1, 1, tzinfo=zone)
    from_us, to_us_ = to_us(begin), min(now_us, to_us(datetime(year + 1, 1, 1, tzinfo=zone)))
    with handed.database.read() as session:
        views.one(session, "site", site_id, person)
        cameras, lost, planned = _read(session, site_id, from_us, to_us_)
    days = []
    day = begin.date()
    while (start_us := to_us(datetime(day.year, day.month, day.day, tzinfo=zone))) < to_us_:
        after = day + timedelta(days=1)
        end_us = to_us(datetime(after.year, after.month, after.day, tzinfo=zone))
        touching = [one for one in lost if one.start_us < end_us and (one.end_us is None or one.end_us > start_us)]
        days.append({"day": day.isoformat()} | _figures(cameras, touching, planned, start_us, end_us, now_us))
        day = after
    together = whole(cameras, lost, planned, from_us, to_us_, now_us).view(level) if from_us < now_us else None
    return Json({"year": year, "service_level_pct": level, "cameras": len(cameras), "whole": together, "days": days})


def _figures(
    cameras: list[Watched], lost: Iterable[Lost], planned: list[Planned], from_us: int, to_us: int, now_us: int
) -> dict[str, Any]:
    found = whole(cameras, lost, planned, from_us, to_us, now_us).view(0.0)
    return {name: found[name] for name in ("available_pct", "lost_h", "planned_h")}


def _read(session: Session, site_id: str, from_us: int, to_us: int) -> tuple[list[Watched], list[Lost], list[Planned]]:
    query = select(Camera.id, Camera.created_us).where(Camera.site_id == site_id, Camera.enabled, Camera.record)
    cameras = [Watched(row.id, site_id, from_us=row.created_us) for row in session.execute(query)]
    ids = [camera.id for camera in cameras]
    spans = session.scalars(
        select(CameraOutage).where(
            CameraOutage.camera_id.in_(ids),
            CameraOutage.start_us < to_us,
            or_(CameraOutage.end_us.is_(None), CameraOutage.end_us > from_us),
        )
    )
    lost = [Lost(span.camera_id, span.start_us, span.end_us, span.known_us) for span in spans]
    planned = [
        Planned(
            frozenset(ids) if site_id in row.site_ids else frozenset(row.camera_ids).intersection(ids),
            row.from_us,
            min(row.until_us, row.ended_us or row.until_us),
        )
        for row in session.scalars(select(Outage).where(Outage.from_us < to_us, Outage.until_us > from_us))
    ]
    return cameras, lost, planned
