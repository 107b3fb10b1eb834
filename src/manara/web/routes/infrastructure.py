"""Power sources, cabinets, switches, links and telemetry devices: lists, one, add, change, remove, import, export."""

from typing import Annotated, Any, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from manara.base.clock import iso
from manara.base.errors import NotFound
from manara.network.infrastructure import actions, imports, views
from manara.network.infrastructure.rules import PLURALS
from manara.web.answers import Json
from manara.web.services import Handed, Person

router = APIRouter(prefix="/api/infrastructure")
Body = dict[str, Any]  # judged field by field by `network.infrastructure.rules`, which names all faults at once


def _noun(plural: str) -> str:
    if plural not in PLURALS:
        raise NotFound(f"There is no such list; there are {', '.join(PLURALS)}.", code="noun_unknown")
    return PLURALS[plural]


@router.post("/{noun}/import")
async def import_rows(
    handed: Handed,
    person: Person,
    request: Request,
    noun: str,
    form: Annotated[Literal["csv"], Query(alias="format")],
    dry_run: bool = False,
) -> Response:
    """Add and update rows from a file; nothing at all where anything is wrong in it."""
    kind = _noun(noun)
    at = handed.now()
    data = await request.body()  # bounded by the gate
    return Json(
        await run_sync(lambda: imports.import_csv(handed.database, handed.box, person, at, kind, data, dry_run=dry_run))
    )


@router.get("/{noun}/export.csv")
def export_rows(handed: Handed, person: Person, noun: str) -> Response:
    """All rows in one's own sectors as a file that imports again."""
    kind = _noun(noun)
    with handed.database.read() as session:
        data = imports.export_csv(session, kind, views.listing(session, kind, person))
    name = f"{noun}-{iso(handed.clock.wall_us())[:10]}.csv"
    return Response(
        data,
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get("/{noun}")
def rows(handed: Handed, person: Person, noun: str, site_id: str | None = None) -> Response:
    """The rows in one's own sectors, of one site or all."""
    with handed.database.read() as session:
        return Json(views.listing(session, _noun(noun), person, site_id))


@router.post("/{noun}", status_code=201)
def add_row(handed: Handed, person: Person, noun: str, body: Body) -> Response:
    """Add a row; of a push device the answer has the `token`, this once."""
    return Json(actions.add(handed.database, handed.box, person, handed.now(), _noun(noun), body), status_code=201)


@router.get("/{noun}/{row_id}")
def row(handed: Handed, person: Person, noun: str, row_id: str) -> Response:
    """One row."""
    with handed.database.read() as session:
        return Json(views.one(session, _noun(noun), row_id, person))


@router.patch("/{noun}/{row_id}")
def change_row(handed: Handed, person: Person, noun: str, row_id: str, body: Body) -> Response:
    """Change the given fields."""
    return Json(actions.change(handed.database, handed.box, person, handed.now(), _noun(noun), row_id, body))


@router.delete("/{noun}/{row_id}", status_code=204)
def remove_row(handed: Handed, person: Person, noun: str, row_id: str) -> Response:
    """Remove a row that nothing hangs on."""
    actions.remove(handed.database, person, handed.now(), _noun(noun), row_id)
    return Response(status_code=204)


@router.post("/devices/{row_id}/token")
def renew_token(handed: Handed, person: Person, row_id: str) -> Response:
    """A new token for a device that pushes or publishes to our own broker; the old one ends at once."""
    return Json({"token": actions.renew_token(handed.database, person, handed.now(), row_id)})
