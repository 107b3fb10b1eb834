"""The gate: nothing reaches a route before somebody decided that it may.

Pure ASGI, around the whole application, for HTTP and WebSocket alike. In this order: find the rule of the route
(`permissions.decide`; none means refused), refuse what another site's page sent (CSRF), find out who it is, refuse
whoever may not, and bound the body. Leaves `who`, `signed_in` and `rule` in `scope["state"]`.

CSRF: the cookie is SameSite=Strict; besides, whatever is not GET must carry `X-Manara`, which another site's page
cannot send without being allowed to, and an `Origin`, where there is one, must be ours (WebSockets too: they know no
CORS).
"""

import logging
from typing import Any

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from manara.access.sessions import SignedIn, who_is
from manara.base.clock import Clock, to_datetime
from manara.base.errors import Forbidden, ManaraError, NotFound, Unauthenticated
from manara.settings import Access
from manara.store.database import Database
from manara.web.answers import Json, of_error, unexpected
from manara.web.permissions import Anyone, Permission, Rule, decide, permissions_of

log = logging.getLogger(__name__)

COOKIE = "manara_session"
THREADS = 16
SAFE = ("GET", "HEAD", "OPTIONS")


class TooLarge(ManaraError):
    """The body is longer than this route takes."""

    http_status = 413


class Gate:
    """Decides on every request; `app` is everything behind it."""

    def __init__(self, app: ASGIApp, database: Database, access: Access, clock: Clock) -> None:
        self._app = app
        self._database = database
        self._access = access
        self._clock = clock
        # threads of its own: cameras that answer slowly (ONVIF, PTZ) must not keep anybody from being let in
        self._threads = CapacityLimiter(THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            rule = await self._judge(scope)
        except ManaraError as error:
            await _refuse(scope, receive, send, error)
            return
        limited = _Limited(receive, rule.body_bytes, Headers(scope=scope))
        if limited.declared_too_large:
            await _refuse(scope, receive, send, limited.error())
            return
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            if limited.exceeded and not started:
                return  # whatever a route made of the cut body; the answer is given below
            started = True
            await send(message)

        try:
            await self._app(scope, limited, watched_send)
        except TooLarge:
            if started:
                raise
        except Exception as error:  # noqa: BLE001
            # The last catch of a request: the person gets a reference, the log the whole story.
            answer = unexpected(scope["path"], error)
            if not started:
                await answer(scope, receive, send)
                return
        if limited.exceeded and not started:
            await _refuse(scope, receive, send, limited.error())

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:  # noqa: BLE001
            # The last catch of a socket: the log has the story, the browser a code that says "not your fault".
            unexpected(scope["path"], error)
            try:
                await send({"type": "websocket.close", "code": 1011})
            except RuntimeError:
                return  # it is closed already

    async def _judge(self, scope: Scope) -> Rule:
        headers = Headers(scope=scope)
        method = "WS" if scope["type"] == "websocket" else scope["method"]
        rule = decide(method, scope["path"])
        # what a device sends carries its own token, which no browser adds by itself
        foreign = "" if rule is not None and rule.needs is Anyone.DEVICE else _foreign(method, headers)
        state: dict[str, Any] = scope.setdefault("state", {})
        state["rule"] = rule
        if foreign:
            raise Forbidden(foreign, code="foreign_request")
        if rule is not None and rule.needs in (Anyone.OPEN, Anyone.DEVICE):
            return rule
        signed_in = await self._who(scope, headers)
        if rule is None:
            raise NotFound(f"There is no {method} {scope['path'][:200]}.", code="route_unknown")
        if rule.needs is not Anyone.EVEN_WITH_ONE_TIME_PASSWORD and signed_in.must_change_password:
            raise Forbidden("Replace the one-time password first.", code="must_change_password")
        if isinstance(rule.needs, Permission) and rule.needs not in permissions_of(signed_in.who.roles):
            raise Forbidden("Your roles do not allow this.", code="forbidden", detail={"needs": str(rule.needs)})
        state["signed_in"] = signed_in
        state["who"] = signed_in.who
        return rule

    async def _who(self, scope: Scope, headers: Headers) -> SignedIn:
        token = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        if not token or len(token) > 200:
            raise Unauthenticated("Please sign in.", code="not_signed_in")
        address = client_address(scope)
        at = to_datetime(self._clock.wall_us())
        return await run_sync(who_is, self._database, self._access, token, address, at, limiter=self._threads)


def client_address(scope: Scope) -> str:
    """The address a request comes from (the proxy's word is put here by the server, only for the named proxy)."""
    client = scope.get("client")
    return str(client[0])[:80] if client else ""


def _foreign(method: str, headers: Headers) -> str:
    """Why a request looks as if another site's page had sent it; empty when it does not."""
    if method in SAFE:
        return ""
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2] != headers.get("host", ""):
        return f"The request comes from another site ({origin[:100]})."
    if method != "WS" and "x-manara" not in headers:
        return "The header X-Manara is missing."
    return ""


class _Limited:
    """`receive` that stops at a number of bytes."""

    def __init__(self, receive: Receive, limit_bytes: int, headers: Headers) -> None:
        self._receive = receive
        self._limit = limit_bytes
        self._seen = 0
        self.exceeded = False
        declared = headers.get("content-length", "")
        self.declared_too_large = declared.isdigit() and int(declared) > limit_bytes

    def error(self) -> TooLarge:
        return TooLarge(
            f"The body is longer than {self._limit} bytes.", code="too_large", detail={"limit_bytes": self._limit}
        )

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._seen += len(message.get("body", b""))
            if self._seen > self._limit:
                self.exceeded = True
                raise self.error()
        return message


async def _refuse(scope: Scope, receive: Receive, send: Send, error: ManaraError) -> None:
    answer = of_error(error)
    if scope["type"] == "http":
        await answer(scope, receive, send)
        return
    await refuse_socket(scope, receive, send, answer)


async def refuse_socket(scope: Scope, receive: Receive, send: Send, answer: Json) -> None:
    """Answer a WebSocket's handshake with an error instead of accepting it."""
    await receive()  # websocket.connect
    if "websocket.http.response" in scope.get("extensions", {}):
        await send(
            {"type": "websocket.http.response.start", "status": answer.status_code, "headers": answer.raw_headers}
        )
        await send({"type": "websocket.http.response.body", "body": answer.body})
    else:
        await send({"type": "websocket.close", "code": 4000 + answer.status_code % 1000})


__all__ = ["COOKIE", "Gate", "TooLarge", "client_address", "refuse_socket"]
