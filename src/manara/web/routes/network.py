"""Cameras, sites, sectors and towns: lists, one, add, change, remove. Imports and ONVIF: `routes/onboarding.py`."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from manara.network import actions, views
from manara.web.answers import Json
from manara.web.services import Handed, Person

router = APIRouter(prefix="/api")
Body = dict[str, Any]  # judged field by field by `network.rules`, which names all faults at once


@router.get("/cameras")
def cameras(handed: Handed, person: Person) -> Response:
    """The cameras in one's own sectors."""
    with handed.database.read() as session:
        return Json(views.cameras(session, person))


@router.post("/cameras", status_code=201)
def add_camera(handed: Handed, person: Person, body: Body) -> Response:
    """Add a camera."""
    return Json(actions.add_camera(handed.database, handed.box, person, handed.now(), body), status_code=201)


@router.get("/cameras/{camera_id}")
def camera(handed: Handed, person: Person, camera_id: str) -> Response:
    """One camera."""
    with handed.database.read() as session:
        return Json(views.camera(session, camera_id, person))


@router.patch("/cameras/{camera_id}")
def change_camera(handed: Handed, person: Person, camera_id: str, body: Body) -> Response:
    """Change the given fields of a camera."""
    return Json(actions.change_camera(handed.database, handed.box, person, handed.now(), camera_id, body))


@router.delete("/cameras/{camera_id}", status_code=204)
def remove_camera(handed: Handed, person: Person, camera_id: str) -> Response:
    """Remove a camera; its recordings stay until they are too old."""
    actions.remove_camera(handed.database, person, handed.now(), camera_id)
    handed.ptz.reload()
    return Response(status_code=204)


@router.get("/sites")
def sites(handed: Handed, person: Person) -> Response:
    """The sites in one's own sectors."""
    with handed.database.read() as session:
        return Json(views.sites(session, person))


@router.post("/sites", status_code=201)
def add_site(handed: Handed, person: Person, body: Body) -> Response:
    """Add a site."""
    return Json(actions.add_site(handed.database, person, handed.now(), body), status_code=201)


@router.get("/sites/{site_id}")
def site(handed: Handed, person: Person, site_id: str) -> Response:
    """One site."""
    with handed.database.read() as session:
        return Json(views.one(session, "site", site_id, person))


@router.patch("/sites/{site_id}")
def change_site(handed: Handed, person: Person, site_id: str, body: Body) -> Response:
    """Change the given fields of a site."""
    return Json(actions.change_site(handed.database, person, handed.now(), site_id, body))


@router.delete("/sites/{site_id}", status_code=204)
def remove_site(handed: Handed, person: Person, site_id: str) -> Response:
    """Remove a site that carries no camera."""
    actions.remove_site(handed.database, person, handed.now(), site_id)
    return Response(status_code=204)


@router.get("/sectors")
def sectors(handed: Handed, person: Person) -> Response:
    """All sectors."""
    with handed.database.read() as session:
        return Json(views.sectors(session, person))


@router.post("/sectors", status_code=201)
def add_sector(handed: Handed, person: Person, body: Body) -> Response:
    """Add a sector."""
    return Json(actions.add_sector(handed.database, person, handed.now(), body), status_code=201)


@router.get("/sectors/{sector_id}")
def sector(handed: Handed, person: Person, sector_id: str) -> Response:
    """One sector."""
    with handed.database.read() as session:
        return Json(views.one(session, "sector", sector_id, person))


@router.patch("/sectors/{sector_id}")
def change_sector(handed: Handed, person: Person, sector_id: str, body: Body) -> Response:
    """Change the given fields of a sector."""
    return Json(actions.change_sector(handed.database, person, handed.now(), sector_id, body))


@router.delete("/sectors/{sector_id}", status_code=204)
def remove_sector(handed: Handed, person: Person, sector_id: str) -> Response:
    """Remove a sector that nothing belongs to."""
    actions.remove_sector(handed.database, person, handed.now(), sector_id)
    return Response(status_code=204)


@router.get("/towns")
def towns(handed: Handed, person: Person) -> Response:
    """All towns."""
    with handed.database.read() as session:
        return Json(views.towns(session, person))


@router.post("/towns", status_code=201)
def add_town(handed: Handed, person: Person, body: Body) -> Response:
    """Add a town."""
    return Json(actions.add_town(handed.database, person, handed.now(), body), status_code=201)


@router.get("/towns/{town_id}")
def town(handed: Handed, person: Person, town_id: str) -> Response:
    """One town."""
    with handed.database.read() as session:
        return Json(views.one(session, "town", town_id, person))


@router.patch("/towns/{town_id}")
def change_town(handed: Handed, person: Person, town_id: str, body: Body) -> Response:
    """Change the given fields of a town."""
    return Json(actions.change_town(handed.database, person, handed.now(), town_id, body))


@router.delete("/towns/{town_id}", status_code=204)
def remove_town(handed: Handed, person: Person, town_id: str) -> Response:
    """Remove a town that nothing belongs to."""
    actions.remove_town(handed.database, person, handed.now(), town_id)
    return Response(status_code=204)
