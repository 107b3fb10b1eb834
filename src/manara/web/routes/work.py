"""Work orders and their photographs, teams, planned outages, preventive rounds."""

from typing import Annotated, Any, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request
from starlette.responses import FileResponse, Response

from manara.access.who import Who
from manara.alarms.actions import note_work_order
from manara.base.errors import Forbidden, NotFound
from manara.network.maintenance import actions, rules, views
from manara.network.maintenance.tables import WorkOrderPhoto
from manara.web.answers import Json
from manara.web.permissions import Permission, permissions_of
from manara.web.services import Handed, Person, Services

router = APIRouter(prefix="/api")
Body = dict[str, Any]  # judged field by field by `network.maintenance.rules`, which names all faults at once


def _text(body: Body, name: str) -> str:
    value = body.get(name, "")
    return value if isinstance(value, str) else ""


@router.get("/work-orders")
def work_orders(
    handed: Handed,
    person: Person,
    open_only: Annotated[bool, Query(alias="open")] = False,
    site_id: str | None = None,
    cause_id: str | None = None,
) -> Response:
    """Work orders of own sectors, the newest first."""
    with handed.database.read() as session:
        return Json(views.orders(session, person, open_only=open_only, site_id=site_id, cause_id=cause_id))


@router.post("/work-orders", status_code=201)
def raise_work_order(handed: Handed, person: Person, body: Body) -> Response:
    """Raise one, by hand or from an alarm; the open one of the same cause is answered instead (200)."""
    at = handed.now()
    order = actions.raise_order(handed.database, person, at, body)
    alarm_id = _text(body, "alarm_id")
    if alarm_id:
        with handed.database.act(person, at) as act:
            note_work_order(act, alarm_id, order["id"])
            act.audit("alarm:work_order", subject=alarm_id, detail={"work_order": order["id"]})
    return Json(order, status_code=201 if order["raised"] else 200)


@router.get("/work-orders/{order_id}")
def work_order(handed: Handed, person: Person, order_id: str) -> Response:
    """One, with its history, photographs and the nearest teams."""
    with handed.database.read() as session:
        return Json(views.order(session, order_id, person))


@router.patch("/work-orders/{order_id}")
def change_work_order(handed: Handed, person: Person, order_id: str, body: Body) -> Response:
    """Change the given fields."""
    return Json(actions.change_order(handed.database, person, handed.now(), order_id, body))


@router.post("/work-orders/{order_id}/state")
def move_work_order(handed: Handed, person: Person, order_id: str, body: Body) -> Response:
    """Move it on. Doing the work is the technicians', giving it out and taking it back the managers'."""
    state = _text(body, "state")
    needed = Permission.MANAGE_WORK if state in rules.MANAGED else Permission.DO_WORK
    if needed not in permissions_of(person.roles) and not (
        state == rules.OPEN and _may(person, Permission.MANAGE_WORK)
    ):
        raise Forbidden("Your role may not move this work order there.", code="forbidden", detail={"state": state})
    return Json(actions.move_order(handed.database, person, handed.now(), order_id, state, _text(body, "note")))


@router.post("/work-orders/{order_id}/notes")
def note_on_work_order(handed: Handed, person: Person, order_id: str, body: Body) -> Response:
    """Write in its history."""
    return Json(actions.note_order(handed.database, person, handed.now(), order_id, _text(body, "text")))


@router.post("/work-orders/{order_id}/photos", status_code=201)
async def add_photo(
    handed: Handed,
    person: Person,
    request: Request,
    order_id: str,
    when: Annotated[Literal["before", "after"], Query()],
) -> Response:
    """Keep a photograph (the picture is the body); what a phone hides in it is left out."""
    data = await request.body()  # bounded by the gate
    at = handed.now()
    folder = _photos(handed)
    return Json(
        await run_sync(lambda: actions.add_photo(handed.database, person, at, folder, order_id, when, data)),
        status_code=201,
    )


@router.get("/work-orders/{order_id}/photos/{photo_id}")
def photo(handed: Handed, person: Person, order_id: str, photo_id: str) -> Response:
    """A photograph, as JPEG."""
    with handed.database.read() as session:
        views.order_row(session, order_id, person)
        row = session.get(WorkOrderPhoto, photo_id)
    file = _photos(handed) / order_id / f"{photo_id}.jpg"
    if row is None or row.work_order_id != order_id or not file.is_file():
        raise NotFound("There is no such photograph.", code="photo_not_found")
    return FileResponse(file, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400"})


@router.get("/teams")
def teams(handed: Handed) -> Response:
    """All teams."""
    with handed.database.read() as session:
        return Json(views.teams(session))


@router.post("/teams", status_code=201)
def add_team(handed: Handed, person: Person, body: Body) -> Response:
    """Add a team."""
    return Json(actions.keep_team(handed.database, person, handed.now(), None, body), status_code=201)


@router.patch("/teams/{team_id}")
def change_team(handed: Handed, person: Person, team_id: str, body: Body) -> Response:
    """Change a team."""
    return Json(actions.keep_team(handed.database, person, handed.now(), team_id, body))


@router.get("/outages")
def outages(handed: Handed, from_us: int | None = None) -> Response:
    """Planned outages, those that end at or after `from_us`."""
    with handed.database.read() as session:
        return Json(views.outages(session, from_us))


@router.post("/outages", status_code=201)
def add_outage(handed: Handed, person: Person, body: Body) -> Response:
    """Enter a planned outage: what it touches raises no alarm, visibly, until it ends."""
    return Json(actions.keep_outage(handed.database, person, handed.now(), None, body), status_code=201)


@router.patch("/outages/{outage_id}")
def change_outage(handed: Handed, person: Person, outage_id: str, body: Body) -> Response:
    """Change one that has not ended."""
    return Json(actions.keep_outage(handed.database, person, handed.now(), outage_id, body))


@router.delete("/outages/{outage_id}")
def end_outage(handed: Handed, person: Person, outage_id: str) -> Response:
    """End one now."""
    return Json(actions.end_outage(handed.database, person, handed.now(), outage_id))


@router.get("/rounds")
def rounds(handed: Handed) -> Response:
    """Preventive rounds with what is due, the most pressing first."""
    with handed.database.read() as session:
        return Json(views.rounds(session, handed.clock.wall_us()))


@router.post("/rounds", status_code=201)
def add_round(handed: Handed, person: Person, body: Body) -> Response:
    """Add a preventive round."""
    return Json(actions.keep_round(handed.database, person, handed.now(), None, body), status_code=201)


@router.patch("/rounds/{round_id}")
def change_round(handed: Handed, person: Person, round_id: str, body: Body) -> Response:
    """Change a preventive round."""
    return Json(actions.keep_round(handed.database, person, handed.now(), round_id, body))


@router.post("/rounds/{round_id}/done")
def round_done(handed: Handed, person: Person, round_id: str, body: Body) -> Response:
    """A site of the round was done now."""
    return Json(actions.round_done(handed.database, person, handed.now(), round_id, _text(body, "site_id")))


def _may(person: Who, permission: Permission) -> bool:
    return permission in permissions_of(person.roles)


def _photos(handed: Services) -> Any:
    return handed.settings.data.directory / "photos"
