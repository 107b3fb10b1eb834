"""The program's own state, and which layers the offline base map has."""

from fastapi import APIRouter, Request
from starlette.responses import Response

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
    """The files of the base map."""
    folder = handed.settings.data.directory / "map"
    files = sorted(path for path in folder.glob("*") if path.is_file()) if folder.is_dir() else []
    return Json(
        {
            "layers": [
                {
                    "name": path.stem,
                    "file": path.name,
                    "url": f"/map/{path.name}",
                    "bytes": path.stat().st_size,
                    "kind": path.suffix.removeprefix("."),
                    "changed_us": path.stat().st_mtime_ns // 1000,
                }
                for path in files
                if not path.name.startswith(".")
            ]
        }
    )
