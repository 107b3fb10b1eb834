"""Suppressions by design: what is expected and therefore not annunciated, until when. Always visible."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from manara.access.who import Who
from manara.alarms import actions, suppressing, views
from manara.alarms.room import DAY_US, rules_of
from manara.network.tables import Camera, Sector, Site
from manara.web.answers import Json
from manara.web.services import Handed, Person

router = APIRouter(prefix="/api")


@router.get("/suppressions")
def suppressions(handed: Handed, ended_days: int = 0) -> Response:
    """Those planned and in force; with `ended_days`, also those that ended in the last days."""
    since_us = handed.clock.wall_us() - min(max(ended_days, 0), 366) * DAY_US if ended_days else None
    with handed.database.read() as session:
        return Json({"suppressions": views.suppressions(session, ended_since_us=since_us)})


@router.post("/suppressions", status_code=201)
def add_suppression(handed: Handed, person: Person, body: dict[str, Any]) -> Response:
    """Enter a maintenance window, a planned outage or an exercise."""
    at = handed.now()
    added = suppressing.add(handed.database, person, at, body, _known(handed, person))
    actions.reconsider(handed.database, at, rules_of(handed.settings.alarms))
    return Json(added, status_code=201)


@router.delete("/suppressions/{suppression_id}")
def end_suppression(handed: Handed, person: Person, suppression_id: str) -> Response:
    """End one now: what it covered and is still active asks for attention again."""
    at = handed.now()
    ended = suppressing.end(handed.database, person, at, suppression_id, _known(handed, person))
    actions.reconsider(handed.database, at, rules_of(handed.settings.alarms))
    return Json(ended)


def _known(handed: Handed, person: Who) -> suppressing.Known:
    """Whether a site, camera or sector is there and within this person's sectors."""

    def known(noun: str, id: str) -> bool:
        with handed.database.read() as session:
            if noun == "sector":
                return session.get(Sector, id) is not None and person.may_see_sector(id)
            row = session.get(Camera, id) if noun == "camera" else session.get(Site, id)
            return row is not None and person.may_see_sector(row.sector_id)

    return known
