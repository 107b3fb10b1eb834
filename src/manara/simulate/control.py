"""Orders to the virtual cameras from outside: which there are, what they have sent, what shall go wrong with them.

HTTP and JSON on loopback, beside the ONVIF devices:
`GET /control/cameras`, `GET /control/sent`, `GET /control/faults` (the kinds),
`POST /control/cameras/CODE/faults` with `{"kind", "value", "seconds"}`, `DELETE /control/cameras/CODE/faults[/KIND]`.
Whatever changes something wants the header `X-Manara: 1`, so that no web page can order it. Called by `role.py`.
"""

import json
from dataclasses import asdict
from typing import Any

from manara.base.errors import InvalidInput
from manara.simulate.faults import KINDS
from manara.simulate.http import HttpAnswer, HttpRequest
from manara.simulate.rtsp_server import RtspServer


class ControlPort:
    """Answers `/control/…` for one RTSP server."""

    def __init__(self, server: RtspServer) -> None:
        self._server = server

    async def handle(self, request: HttpRequest) -> HttpAnswer:
        """One request."""
        path = request.path.partition("?")[0].strip("/").split("/")
        if request.method != "GET" and request.headers.get("x-manara") != "1":
            return _json({"error": "header_missing", "message": "X-Manara: 1 is wanted"}, 403)
        try:
            return self._route(request.method, path[1:], request.body)
        except InvalidInput as error:
            return _json({"error": error.code, "message": str(error)}, 422)

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
        return _json({"error": "not_found", "message": "there is nothing here"}, 404)

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
