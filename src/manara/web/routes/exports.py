"""Exports: asking for one, following it, calling it off, fetching its files. The work is `web/exporting.py`'s."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from manara.base.errors import NotFound
from manara.recorder import actions
from manara.web.answers import Json
from manara.web.exporting import Exporting
from manara.web.seeing import judge_of
from manara.web.services import Handed, Person

router = APIRouter(prefix="/api/exports")


@router.get("")
def exports(handed: Handed, person: Person) -> Response:
    """The newest jobs."""
    with handed.database.read() as session:
        return Json(actions.exports(session, person))


@router.post("", status_code=201)
def add(handed: Handed, person: Person, request: Request, body: dict[str, Any]) -> Response:
    """Queue an export."""
    may_see = judge_of(handed.database, person)
    job = actions.add_export(handed.database, person, handed.now(), body, may_see)
    exporting: Exporting = request.app.state.exporting
    exporting.wake()
    return Json(job, status_code=201)


@router.get("/{export_id}")
def one(handed: Handed, person: Person, export_id: str) -> Response:
    """One job."""
    with handed.database.read() as session:
        return Json(actions.export(session, person, export_id))


@router.delete("/{export_id}")
def cancel(handed: Handed, person: Person, request: Request, export_id: str) -> Response:
    """Call a job off."""
    job = actions.cancel_export(handed.database, person, handed.now(), export_id)
    exporting: Exporting = request.app.state.exporting
    exporting.cancel(export_id)
    return Json(job)


@router.get("/{export_id}/files/{name}")
def file(handed: Handed, person: Person, request: Request, export_id: str, name: str) -> Response:
    """A file of a job, by ranges."""
    with handed.database.read() as session:
        job = actions.export(session, person, export_id)
    exporting: Exporting = request.app.state.exporting
    path = exporting.folder_of(export_id) / name
    # only names that the job wrote itself: no path of a browser's making ever reaches the disk
    if name not in {made["name"] for made in job["files"]} or not path.is_file():
        raise NotFound("There is no such file.", code="export_file_unknown")
    handed.looking.note_once(person, "export:download", export_id, {"name": name})
    return FileResponse(path, filename=name, headers={"Cache-Control": "no-store"})
