"""Consoles and shifts: who sits where, the log of a shift, and its hand-over."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from manara.alarms import duty_actions
from manara.web.answers import Json
from manara.web.naming import names_of
from manara.web.services import Handed, Person

router = APIRouter(prefix="/api")
Body = dict[str, Any]  # judged field by field by the room, which names all faults at once


@router.get("/consoles")
def consoles(handed: Handed) -> Response:
    """All consoles, each with the shift that sits there."""
    with handed.database.read() as session:
        return Json(duty_actions.consoles(session))


@router.post("/consoles", status_code=201)
def add_console(handed: Handed, person: Person, body: Body) -> Response:
    """Add a console."""
    return Json(duty_actions.add_console(handed.database, person, handed.now(), body), status_code=201)


@router.patch("/consoles/{console_id}")
def change_console(handed: Handed, person: Person, console_id: str, body: Body) -> Response:
    """Change the given fields of a console."""
    return Json(duty_actions.change_console(handed.database, person, handed.now(), console_id, body))


@router.get("/consoles/{console_id}/people")
def people(handed: Handed, console_id: str) -> Response:
    """Who may sit at a console, by name."""
    with handed.database.read() as session:
        return Json(duty_actions.people(session, console_id))


@router.get("/shifts")
def shifts(handed: Handed, limit: Annotated[int, Query(ge=1, le=500)] = 50, console_id: str = "") -> Response:
    """The newest shifts, those that sit now first."""
    with handed.database.read() as session:
        return Json(duty_actions.shifts(session, limit, console_id))


@router.post("/shifts/take", status_code=201)
def take(handed: Handed, person: Person, body: Body) -> Response:
    """Sit down at a console."""
    at = handed.now()
    taken = duty_actions.take_shift(handed.database, person, at, str(body.get("console_id", "")))
    return Json(taken, status_code=201)


@router.get("/shifts/{shift_id}")
def shift(handed: Handed, person: Person, shift_id: str) -> Response:
    """One shift with its log and what it handed over."""
    with handed.database.read() as session:
        return Json(duty_actions.shift(session, shift_id, person))


@router.get("/shifts/{shift_id}/carries")
def carries(handed: Handed, person: Person, shift_id: str) -> Response:
    """What a hand-over of this shift would carry now."""
    with handed.database.read() as session:
        return Json(duty_actions.would_carry(session, shift_id, person, handed.clock.wall_us(), names_of(session)))


@router.post("/shifts/{shift_id}/entry", status_code=201)
def write_entry(handed: Handed, person: Person, shift_id: str, body: Body) -> Response:
    """Write a line into the log of a shift."""
    at = handed.now()
    return Json(duty_actions.write_entry(handed.database, person, at, shift_id, body.get("text")), status_code=201)


@router.post("/shifts/{shift_id}/hand-over")
def hand_over(handed: Handed, person: Person, shift_id: str, body: Body) -> Response:
    """Close the log of a shift and hand it over, or end it."""
    return Json(duty_actions.hand_over(handed.database, person, handed.now(), shift_id, body, names_of))
