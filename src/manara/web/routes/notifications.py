"""Notification routes, and the log of what was sent off-screen."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from manara.alarms import notify_actions, notify_routes
from manara.web.answers import Json
from manara.web.services import Handed, Person

router = APIRouter(prefix="/api")
Body = dict[str, Any]  # judged field by field by the room, which names all faults at once


@router.get("/notification-routes")
def routes(handed: Handed) -> Response:
    """All routes, each with what waits and what stands in its way."""
    with handed.database.read() as session:
        return Json(notify_routes.routes(session))


@router.post("/notification-routes", status_code=201)
def add_route(handed: Handed, person: Person, body: Body) -> Response:
    """Add a route."""
    return Json(notify_routes.add_route(handed.database, handed.box, person, handed.now(), body), status_code=201)


@router.patch("/notification-routes/{route_id}")
def change_route(handed: Handed, person: Person, route_id: str, body: Body) -> Response:
    """Change the given fields of a route."""
    return Json(notify_routes.change_route(handed.database, handed.box, person, handed.now(), route_id, body))


@router.delete("/notification-routes/{route_id}", status_code=204)
def remove_route(handed: Handed, person: Person, route_id: str) -> Response:
    """Remove a route; its log stays."""
    notify_routes.remove_route(handed.database, person, handed.now(), route_id)
    return Response(status_code=204)


@router.post("/notification-routes/{route_id}/test", status_code=202)
def test_route(handed: Handed, person: Person, route_id: str) -> Response:
    """Send a message that says it is a test."""
    return Json(notify_actions.write_test(handed.database, person, handed.now(), route_id), status_code=202)


@router.get("/notifications")
def notifications(
    handed: Handed,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    state: str = "",
    route_id: str = "",
    alarm_id: str = "",
) -> Response:
    """The newest notifications."""
    with handed.database.read() as session:
        return Json(
            notify_actions.notifications(session, limit=limit, state=state, route_id=route_id, alarm_id=alarm_id)
        )


@router.post("/notifications/{notification_id}/send-again")
def send_again(handed: Handed, person: Person, notification_id: str) -> Response:
    """Try once more what was given up."""
    return Json(notify_actions.send_again(handed.database, person, handed.now(), notification_id))
