"""The program's own state, and which layers the offline base map has."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from manara.network import basemap
from manara.store import outbox
from manara.web.answers import Json
from manara.web.services import Handed
from manara.web.system import System

router = APIRouter(prefix="/api")


@router.get("/system")
def system(handed: Handed, request: Request) -> Response:
    """Processes, disks, journal, recorders, warnings."""
    found: System = request.app.state.system
    with handed.database.read() as session:
        return Json(found.view(outbox.waiting(session)))


@router.get("/map/layers")
def layers(handed: Handed) -> Response:
    """The layers of the base map, each with its address and whom to name for it."""
    found = basemap.layers(handed.settings.data.directory)
    return Json({"layers": [layer | {"url": f"/map/{layer['file']}"} for layer in found]})
