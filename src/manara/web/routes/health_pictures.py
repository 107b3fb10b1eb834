"""Pictures by which a camera's health was judged: of the reference and of the moment in which something was found.

They are footage: who looked is entered in the audit log. What is kept and for how long is `vision.store`'s business.
"""

from typing import Any

from anyio.to_thread import run_sync
from fastapi import APIRouter
from starlette.responses import Response

from manara.base.errors import NotFound, Unavailable
from manara.vision.store import VisionStore
from manara.web.answers import Json
from manara.web.ptz_told import take_reference
from manara.web.seeing import camera_code
from manara.web.services import Handed, Person, Services

router = APIRouter(prefix="/api")


def _store(handed: Services) -> VisionStore:
    return VisionStore(handed.settings.data.directory.absolute() / "vision")


@router.get("/cameras/{camera_id}/health/references")
def references(handed: Handed, person: Person, camera_id: str) -> Response:
    """The reference views of a camera, newest first, and the pictures of its findings."""
    camera_code(handed.database, person, camera_id)
    store = _store(handed)
    views: list[dict[str, Any]] = [
        {
            "preset": view.preset,
            "by": view.by,
            "picture": view.picture,
            "first_us": view.first_us,
            "last_us": view.last_us,
            "looks": view.looks,
            "brightness_pct": round(view.mean / 2.55),
            "colour": view.colour >= 1.5,
        }
        for view in store.views(camera_id)
    ]
    views.sort(key=lambda view: -int(view["last_us"]))
    found = [name for name in store.names(camera_id) if name.startswith("now-")]
    return Json({"references": views, "findings": found[::-1]})


@router.get("/cameras/{camera_id}/health/pictures/{name}")
def picture(handed: Handed, person: Person, camera_id: str, name: str) -> Response:
    """One picture, as JPEG."""
    camera_code(handed.database, person, camera_id)
    handed.looking.note_once(person, "health:picture", camera_id, {"name": name[:64]})
    jpeg = _store(handed).picture(camera_id, name)
    if jpeg is None:
        raise NotFound("There is no such picture (any more).", code="picture_not_found")
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


@router.post("/cameras/{camera_id}/health/reference", status_code=202)
async def take(handed: Handed, person: Person, camera_id: str) -> Response:
    """Take the present view as the reference; what was learned before of this view is forgotten."""

    def enter() -> None:
        camera_code(handed.database, person, camera_id)
        with handed.database.act(person, handed.now()) as act:
            act.audit("health:take_reference", subject=camera_id)

    await run_sync(enter)
    if not await take_reference(handed.journal, camera_id, person.name):
        raise Unavailable("The journal is away: try again in a moment.", code="journal_away")
    return Json({"ok": True}, status_code=202)
