"""The built screens and the files of the offline base map.

Screens: names with a hash in them (`/assets/…`) may be kept for ever, everything else is asked again; a path without
a file gives `index.html`, where the screens' own router goes on. Where nothing was built, a plain page says what to
do. Map: any file in `<data>/map`, by ranges (PMTiles). Paths never leave their folder.
"""

from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse, HTMLResponse, Response

from manara.base.errors import NotFound
from manara.web.services import Handed

router = APIRouter(include_in_schema=False)

_NOT_BUILT = """<!doctype html><meta charset="utf-8"><title>Manara</title>
<h1>Manara</h1><p>The screens have not been built yet. Run <code>make ui</code>, then load this page again.</p>
<p dir="rtl" lang="ar">لم تُبنَ الشاشات بعد. نفّذ <code>make ui</code> ثم أعد تحميل الصفحة.</p>
"""


@router.get("/map/{file:path}")
def map_file(handed: Handed, file: str) -> Response:
    """A file of the base map, by ranges."""
    found = inside(handed.settings.data.directory / "map", file)
    if found is None:
        raise NotFound("There is no such map file.", code="map_file_unknown")
    return FileResponse(found, headers={"Cache-Control": "private, max-age=60"})


@router.get("/{path:path}")
def screen(handed: Handed, path: str) -> Response:
    """A file of the built screens, or their first page."""
    found = inside(handed.static, path) if path else None
    if found is not None and found.name != "index.html":
        hashed = path.startswith("assets/")
        return FileResponse(
            found, headers={"Cache-Control": "public, max-age=31536000, immutable" if hashed else "no-cache"}
        )
    if path.startswith("assets/"):
        raise NotFound("There is no such file.", code="file_unknown")
    index = handed.static / "index.html"
    if not index.is_file():
        return HTMLResponse(_NOT_BUILT, status_code=503)
    return FileResponse(index, headers={"Cache-Control": "no-cache"})


def inside(folder: Path, path: str) -> Path | None:
    """The file at `path` below `folder`, None where there is none or the path leads out of it."""
    if "\0" in path:
        return None
    root = folder.resolve()
    found = (root / path).resolve()
    return found if found.is_relative_to(root) and found.is_file() else None
