"""Errors and JSON as the browser gets them.

Every error has one form: `{"error": code, "message": text, "detail": {...}, "fields": [{"row", "field", "message",
"value"}]}`. An unexpected one tells the person a reference and the log the rest. Called by `app.py` and `gate.py`.
"""

import logging
from typing import Any

import msgspec
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from manara.base.errors import ManaraError
from manara.base.ids import new_id

log = logging.getLogger(__name__)

_encode = msgspec.json.Encoder().encode
_HTTP_CODES = {400: "bad_request", 403: "forbidden", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}


class Json(Response):
    """JSON by msgspec: several times quicker than the standard library's."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return _encode(content)


def error_body(
    code: str, message: str, detail: dict[str, Any] | None = None, fields: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """The one form of an error."""
    return {"error": code, "message": message, "detail": detail or {}, "fields": fields or []}


def of_error(error: ManaraError) -> Json:
    """An error of ours as an answer."""
    fields = [{"row": f.row, "field": f.field, "message": f.message, "value": f.value} for f in error.fields]
    return Json(error_body(error.code, error.message, error.detail, fields), status_code=error.http_status)


async def manara_error(request: Request, error: Exception) -> Response:
    """Handler of `ManaraError`."""
    if not isinstance(error, ManaraError):
        raise error
    if error.http_status >= 500:
        log.warning("refused", extra={"path": request.url.path, "code": error.code, "reason": error.message})
    return of_error(error)


async def validation_error(request: Request, error: Exception) -> Response:
    """Handler of a body or query that does not fit its model: names every field."""
    del request
    if not isinstance(error, RequestValidationError):
        raise error
    fields = [
        {
            "row": None,
            # the first part says where (body, query, path); the browser knows that
            "field": ".".join(str(part) for part in fault["loc"][1:]) or str(fault["loc"][0]),
            "message": fault["msg"],
            "value": None,  # never echoed: it may be a password
        }
        for fault in error.errors()
    ]
    return Json(error_body("invalid_input", "The input is not valid.", fields=fields), status_code=422)


async def http_error(request: Request, error: Exception) -> Response:
    """Handler of the framework's own refusals (unknown path, wrong method)."""
    del request
    if not isinstance(error, HTTPException):
        raise error
    code = _HTTP_CODES.get(error.status_code, f"http_{error.status_code}")
    return Json(error_body(code, str(error.detail)), status_code=error.status_code, headers=dict(error.headers or {}))


def unexpected(path: str, error: Exception) -> Json:
    """Answer to everything else: a reference for the person, the whole story for the log."""
    reference = new_id()
    log.error("request failed", exc_info=error, extra={"reference": reference, "path": path})
    return Json(
        error_body("internal", f"Something went wrong; reference {reference}.", {"reference": reference}),
        status_code=500,
    )
