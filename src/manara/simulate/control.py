"""Orders to the virtual province from outside: which cameras there are, what they have sent, what shall go wrong.

HTTP and JSON on loopback, beside the ONVIF devices:
`GET /control/cameras`, `GET /control/sent`, `GET /control/faults` (the kinds),
`GET /control/estate` (the physical truth), `GET /control/trouble` (what is wrong, and the kinds), `GET /control/truth`,
`POST /control/trouble` with `{"kind", "at", "seconds"}`, `DELETE /control/trouble[/ID]`;
`POST /control/cameras/CODE/faults` with `{"kind", "value", "seconds"}`, `DELETE /control/cameras/CODE/faults[/KIND]`.
Whatever changes something wants the header `X-Manara: 1`, so that no web page can order it. Called by `role.py`.
"""

import json
from dataclasses import asdict
from typing import Any

from manara.base.clock import Clock, SystemClock
from manara.base.errors import InvalidInput, ManaraError
from manara.simulate.faults import KINDS
from manara.simulate.http import HttpAnswer, HttpRequest
from manara.simulate.played import Played
from manara.simulate.rtsp_server import RtspServer
from manara.simulate.trouble import KINDS as TROUBLES


class ControlPort:
    """Answers `/control/…` for one RTSP server and the sites that are played around it."""

    def __init__(self, server: RtspServer, played: Played | None = None, clock: Clock | None = None) -> None:
        self._server = server
        self._played = played
        self._clock = clock or SystemClock()

    async def handle(self, request: HttpRequest) -> HttpAnswer:
        """One request."""
        path = request.path.partition("?")[0].strip("/").split("/")
        if request.method != "GET" and request.headers.get("x-manara") != "1":
            return _json({"error": "header_missing", "message": "X-Manara: 1 is wanted"}, 403)
        try:
            return self._route(request.method, path[1:], request.body)
        except ManaraError as error:
            return _json({"error": error.code, "message": error.message}, 422)

    def _route(self, method: str, path: list[str], body: bytes) -> HttpAnswer:
        match method, path:
            case "GET", ["cameras"]:
                return _json({"cameras": [self._camera(code) for code in self._server.cameras]})
            case "GET", ["sent"]:
                sent = [asdict(entry) for entry in self._server.sent()]
                return _json({"sent": sent, "frames_late": self._server.frames_late})
            case "GET", ["faults"]:
                return _json({kind: words[0] for kind, words in KINDS.items()})
            case "POST", ["cameras", code, "faults"] if code in self._server.cameras:
                order = _object(body)
                self._server.cameras[code].faults.order(
                    str(order.get("kind", "")), value=_number(order, "value"), seconds=_number(order, "seconds")
                )
                return _json(self._camera(code))
            case "DELETE", ["cameras", code, "faults", *kind] if code in self._server.cameras:
                self._server.cameras[code].faults.lift(kind[0] if kind else None)
                return _json(self._camera(code))
        found = None if self._played is None else self._trouble(self._played, method, path, body)
        return found or _json({"error": "not_found", "message": "there is nothing here"}, 404)

    def _trouble(self, played: Played, method: str, path: list[str], body: bytes) -> HttpAnswer | None:
        trouble, now_us = played.trouble, self._clock.wall_us()
        match method, path:
            case "GET", ["estate"]:
                return _json(_estate(played))
            case "GET", ["trouble"]:
                kinds = {name: {"where": kind.where, "words": kind.words} for name, kind in TROUBLES.items()}
                return _json({"active": [one.as_dict() for one in trouble.active.values()], "kinds": kinds})
            case "GET", ["truth"]:
                return _json({"faults": [one.as_dict() for one in trouble.told]})
            case "POST", ["trouble"]:
                order = _object(body)
                kind, at = str(order.get("kind", "")), str(order.get("at", ""))
                return _json(trouble.order(kind, at, now_us, seconds=_number(order, "seconds")).as_dict())
            case "DELETE", ["trouble"]:
                return _json({"healed": [one.as_dict() for one in trouble.heal_all(now_us)]})
            case "DELETE", ["trouble", fault_id]:
                return _json(trouble.heal(fault_id, now_us).as_dict())
        return None

    def _camera(self, code: str) -> dict[str, Any]:
        camera = self._server.cameras[code]
        return {
            "code": code,
            "streams": {
                stream: {"url": self._server.url(code, stream), "codec": mount.codec, "ready": mount.ready}
                for stream, mount in camera.mounts.items()
            },
            "scheme": camera.scheme,
            "faults": camera.faults.as_dict(),
            "clients": sum(not sent.ended for sent in self._server.sent() if sent.camera == code),
        }


def _estate(played: Played) -> dict[str, Any]:
    estate = played.estate
    return {
        "sites": {
            code: {
                "reached": code in estate.reached,
                "powered": site.power.powered,
                "readings": site.power.readings(),
                "cameras": {camera.code: not estate.dark(camera) for camera in site.cameras},
            }
            for code, site in estate.sites.items()
        },
        "links": {code: link.up for code, link in estate.links.items() if link.cut or not link.up},
        "telemetry_lost": played.failures.count + played.posts_left_out,
    }


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except ValueError as error:
        raise InvalidInput(f"the body is not JSON: {error}", code="json") from error
    if not isinstance(value, dict):
        raise InvalidInput("the body is not a JSON object", code="json")
    return value


def _number(order: dict[str, Any], name: str) -> float | None:
    value = order.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise InvalidInput(f"{name} is not a number", code="fault_value")
    return value


def _json(value: Any, status: int = 200) -> HttpAnswer:
    return HttpAnswer(status, json.dumps(value).encode())
