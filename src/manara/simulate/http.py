"""A very small HTTP/1.1 server for virtual devices: one request, one answer, loopback. Not for anything real.

Called by `role.py` with handlers of `onvif.py` and `control.py`. Bounds: 64 KiB of head, 256 KiB of body, 30 s a
connection without a request. Source: RFC 9112, the part that is needed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

log = logging.getLogger(__name__)
MAX_HEAD_BYTES = 65_536
MAX_BODY_BYTES = 262_144
IDLE_S = 30.0
_REASONS = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 413: "Content Too Large", 422: "Unprocessable Content",
    500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What was asked. Header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What is answered."""

    status: int = 200
    body: bytes = b""
    kind: str = "application/json"
    headers: list[tuple[str, str]] = field(default_factory=list)


Handler = Callable[[HttpRequest], Awaitable[HttpAnswer]]


class HttpServer:
    """Serves handlers by path prefix, the longest that fits first."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host = host
        self.port = port
        self._routes: list[tuple[str, Handler]] = []
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def route(self, prefix: str, handler: Handler) -> None:
        """Let a handler answer every path that begins so."""
        self._routes.append((prefix, handler))
        self._routes.sort(key=lambda entry: -len(entry[0]))

    async def start(self) -> None:
        """Listen. Raises `OSError` where the port is taken."""
        self._server = await asyncio.start_server(self._serve, self.host, self.port, limit=MAX_HEAD_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop, and cut open connections."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            log.debug("connection ended", extra={"cause": repr(error)})
        finally:
            if task is not None:
                self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        async with asyncio.timeout(IDLE_S):
            head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, version = first.split(" ", 2)
        headers = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if colon:
                headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        if not 0 <= length <= MAX_BODY_BYTES:
            _write(writer, HttpAnswer(413), close=True)
            return False
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        async with asyncio.timeout(IDLE_S):
            body = await reader.readexactly(length)
        answer = await self._answer(HttpRequest(method, path, headers, body))
        close = headers.get("connection", "").lower() == "close" or version == "HTTP/1.0"
        _write(writer, answer, close=close)
        await writer.drain()
        return not close

    async def _answer(self, request: HttpRequest) -> HttpAnswer:
        for prefix, handler in self._routes:
            if request.path.startswith(prefix):
                try:
                    return await handler(request)
                except Exception:
                    log.exception("virtual device failed to answer", extra={"path": request.path})
                    return HttpAnswer(500)
        return HttpAnswer(404)


def _write(writer: asyncio.StreamWriter, answer: HttpAnswer, *, close: bool) -> None:
    lines = [
        f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Answer')}",
        f"Content-Type: {answer.kind}",
        f"Content-Length: {len(answer.body)}",
        f"Connection: {'close' if close else 'keep-alive'}",
        *(f"{name}: {value}" for name, value in answer.headers),
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + answer.body)
