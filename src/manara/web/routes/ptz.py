"""Finding ONVIF devices, asking what they are, and moving PTZ cameras."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from manara.network import onvif
from manara.web.answers import Json
from manara.web.services import Handed, Person

router = APIRouter(prefix="/api")
Body = dict[str, Any]  # judged by `network.ptz`


class Discover(BaseModel):
    """Where to look: nowhere in particular (multicast), one host, or an interface by its address."""

    model_config = ConfigDict(extra="forbid")
    target: str = Field("", max_length=300)
    interface: str = Field("", max_length=64)


class Inspect(BaseModel):
    """Which device to ask, and as whom."""

    model_config = ConfigDict(extra="forbid")
    address: str = Field(min_length=1, max_length=2048)
    username: str = Field("", max_length=120)
    password: str = Field("", max_length=200)


@router.post("/onvif/discover")
def discover(handed: Handed, person: Person, body: Discover | None = None) -> Response:
    """Ask the network which devices are there; takes about 3 s."""
    asked = body or Discover()
    with handed.database.act(person, handed.now()) as act:
        act.audit("onvif:discover", detail={"target": asked.target, "interface": asked.interface})
    return Json(onvif.discover(asked.target, interface=asked.interface))


@router.post("/onvif/inspect")
def inspect(handed: Handed, person: Person, body: Inspect) -> Response:
    """Ask one device what it is and where its streams are."""
    with handed.database.act(person, handed.now()) as act:
        act.audit("onvif:inspect", subject=onvif.device_url(body.address)[:200])
    return Json(onvif.inspect(body.address, body.username, body.password, handed.clock))


@router.get("/cameras/{camera_id}/ptz")
def state(handed: Handed, person: Person, camera_id: str) -> Response:
    """Who holds the camera, its presets, and the guard tour that runs."""
    return Json(handed.ptz.state(person, camera_id))


@router.post("/cameras/{camera_id}/ptz")
def command(handed: Handed, person: Person, camera_id: str, body: Body) -> Response:
    """Move, stop, go to a preset, keep or forget one, go home."""
    return Json(handed.ptz.command(person, camera_id, body))


@router.delete("/cameras/{camera_id}/ptz/lock")
def release(handed: Handed, person: Person, camera_id: str) -> Response:
    """Release the camera: one's own lock, or one of lower priority."""
    return Json(handed.ptz.release(person, camera_id))


@router.get("/cameras/{camera_id}/tours")
def tours(handed: Handed, person: Person, camera_id: str) -> Response:
    """The guard tours of a camera."""
    return Json(handed.ptz.tours(person, camera_id))


@router.put("/cameras/{camera_id}/tours")
def save_tours(handed: Handed, person: Person, camera_id: str, body: list[dict[str, Any]]) -> Response:
    """Replace the guard tours of a camera."""
    return Json(handed.ptz.save_tours(person, camera_id, body))


@router.post("/cameras/{camera_id}/tours/{tour_id}/start")
def start_tour(handed: Handed, person: Person, camera_id: str, tour_id: str) -> Response:
    """Start a guard tour."""
    return Json(handed.ptz.run_tour(person, camera_id, tour_id, True))


@router.post("/cameras/{camera_id}/tours/{tour_id}/stop")
def stop_tour(handed: Handed, person: Person, camera_id: str, tour_id: str) -> Response:
    """Stop a guard tour."""
    return Json(handed.ptz.run_tour(person, camera_id, tour_id, False))
