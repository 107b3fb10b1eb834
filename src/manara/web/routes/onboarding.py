"""Cameras and sites from files, and back to a file."""

from typing import Annotated, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from manara.base.clock import iso
from manara.network import imports
from manara.web.answers import Json
from manara.web.services import Handed, Person

router = APIRouter(prefix="/api")
Format = Annotated[Literal["csv", "geojson"], Query(alias="format")]


@router.post("/cameras/import")
async def import_cameras(
    handed: Handed, person: Person, request: Request, form: Format, dry_run: bool = False
) -> Response:
    """Add and update cameras from a file; nothing at all where anything is wrong in it."""
    at = handed.now()
    data = await request.body()  # bounded by the gate
    return Json(
        await run_sync(
            lambda: imports.import_data(handed.database, handed.box, person, at, "camera", data, form, dry_run=dry_run)
        )
    )


@router.post("/sites/import")
async def import_sites(
    handed: Handed, person: Person, request: Request, form: Format, dry_run: bool = False
) -> Response:
    """Add and update sites from a file; nothing at all where anything is wrong in it."""
    at = handed.now()
    data = await request.body()  # bounded by the gate
    return Json(
        await run_sync(
            lambda: imports.import_data(handed.database, handed.box, person, at, "site", data, form, dry_run=dry_run)
        )
    )


@router.get("/cameras.csv")
def export_cameras(handed: Handed, person: Person) -> Response:
    """All one's cameras as a file that can be imported again (without passwords)."""
    with handed.database.act(person, handed.now()) as act:
        data = imports.export_csv(act.session, "camera", person)
        act.audit("camera:export_list", detail={"bytes": len(data)})
    name = f"cameras-{iso(handed.clock.wall_us())[:10]}.csv"
    return Response(
        data,
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
