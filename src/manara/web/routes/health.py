"""A camera's health in one answer, and causes: what is wrong and why, also in the past. Pictures: `health_pictures.py`.

A cause of another sector does not exist for a person; one of no sector (the program itself) is for those who see all.
"""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from manara.access.who import Who
from manara.base.errors import NotFound
from manara.network import views as network
from manara.network.health import normals, views
from manara.web.answers import Json
from manara.web.services import Handed, Person, Services

router = APIRouter(prefix="/api")

HISTORY_DAYS = 30
_DAY_US = 86_400_000_000


@router.get("/cameras/{camera_id}/health")
def camera_health(handed: Handed, person: Person, camera_id: str) -> Response:
    """Conditions now, their cause, outages of the last 30 days, and what is normal for this camera."""
    now_us = handed.clock.wall_us()
    with handed.database.read() as session:
        network.camera(session, camera_id, person)
        found = views.camera_health(session, [camera_id]).get(camera_id)
        cause_id = found["cause_id"] if found is not None else None
        cause = views.cause(session, cause_id) if cause_id else None
        outages = views.outages(session, now_us - HISTORY_DAYS * _DAY_US, now_us + 1, camera_id)
    return Json(
        {
            "id": camera_id,
            "doing_job": found is None or found["doing_job"],
            "conditions": found["conditions"] if found is not None else [],
            "cause": cause if cause is not None and _sees(person, cause) else None,
            "outages": outages,
            "normal": _normal(handed, camera_id),
        }
    )


@router.get("/causes")
def causes(
    handed: Handed,
    person: Person,
    site_id: str | None = None,
    open: bool = True,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    """What is so now, or (`open=0`) what was lately, the newest first."""
    with handed.database.read() as session:
        if open:
            found = views.open_causes(session, site_id=site_id)[::-1]
        else:
            found = views.recent_causes(session, site_id=site_id, limit=5 * limit)
    return Json({"causes": [cause for cause in found if _sees(person, cause)][:limit]})


@router.get("/causes/{cause_id}")
def cause(handed: Handed, person: Person, cause_id: str) -> Response:
    """One cause with its conditions, and those that were closed into it."""
    with handed.database.read() as session:
        found = views.cause(session, cause_id)
        if found is None or not _sees(person, found):
            raise NotFound("There is no such cause.", code="cause_not_found")
        found["members"] = views.members(session, found["condition_ids"])
        found["absorbed"] = views.absorbed(session, cause_id)
    return Json(found)


def _sees(person: Who, cause: dict[str, Any]) -> bool:
    return person.may_see_sector(cause["sector_id"])


def _normal(handed: Services, camera_id: str) -> dict[str, Any]:
    """By the file that the health role keeps; empty until enough is known."""
    path = handed.settings.data.directory / "health" / "normals.msgpack"
    try:
        return normals.shown(normals.load(path.read_bytes()).get(camera_id, {}))
    except (OSError, msgspec.MsgspecError):
        return {}  # nothing was learned yet, or it is just being written; there is none to show
