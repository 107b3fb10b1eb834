"""Wall layouts and holds on footage."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from manara.recorder import actions
from manara.web.answers import Json
from manara.web.seeing import judge_of
from manara.web.services import Handed, Person

router = APIRouter(prefix="/api")
Body = dict[str, Any]  # judged field by field by the action, which names all faults at once


@router.get("/layouts")
def layouts(handed: Handed, person: Person) -> Response:
    """One's own layouts and the shared ones."""
    with handed.database.read() as session:
        return Json(actions.layouts(session, person))


@router.post("/layouts", status_code=201)
def add_layout(handed: Handed, person: Person, body: Body) -> Response:
    """Save a new layout."""
    return Json(actions.add_layout(handed.database, person, handed.now(), body), status_code=201)


@router.put("/layouts/{layout_id}")
def change_layout(handed: Handed, person: Person, layout_id: str, body: Body) -> Response:
    """Replace a layout."""
    return Json(actions.change_layout(handed.database, person, handed.now(), layout_id, body))


@router.delete("/layouts/{layout_id}", status_code=204)
def remove_layout(handed: Handed, person: Person, layout_id: str) -> Response:
    """Remove a layout."""
    actions.remove_layout(handed.database, person, handed.now(), layout_id)
    return Response(status_code=204)


@router.get("/holds")
def holds(handed: Handed, person: Person) -> Response:
    """The holds in force on cameras in one's own sectors."""
    may_see = judge_of(handed.database, person)
    with handed.database.read() as session:
        return Json(actions.holds(session, may_see))


@router.post("/holds", status_code=201)
def add_hold(handed: Handed, person: Person, body: Body) -> Response:
    """Hold footage."""
    may_see = judge_of(handed.database, person)
    return Json(actions.add_hold(handed.database, person, handed.now(), body, may_see), status_code=201)


@router.delete("/holds/{hold_id}", status_code=204)
def release_hold(handed: Handed, person: Person, hold_id: str) -> Response:
    """Release a hold."""
    may_see = judge_of(handed.database, person)
    actions.release_hold(handed.database, person, handed.now(), hold_id, may_see)
    return Response(status_code=204)
