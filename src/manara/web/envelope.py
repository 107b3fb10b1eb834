"""What every answer carries whatever route gave it: security headers, `no-store` for data, compression of text.

Pure ASGI. Compression is for whole bodies of text (JSON, CSV, scripts); video, pictures and ranges pass untouched.
Large bodies are compressed in a thread, so that a snapshot of 10,000 cameras does not hold up the live pictures.
Called by `app.py`, outermost.
"""

import gzip

import brotli
from anyio.to_thread import run_sync
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MIN_BYTES = 1024
THREAD_BYTES = 32_768
_TEXT = ("application/json", "application/geo+json", "text/", "application/javascript", "image/svg+xml")

# MapLibre's worker comes as a blob; MSE plays blobs; style attributes come from the component library. No inline
# script.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "font-src 'self' data:",
        "manifest-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


class Envelope:
    """Adds the headers, and compresses. `secure`: the way to the browser is TLS, so it may be told to insist on it."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._headers = dict(HEADERS)
        if secure:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        accepted = Headers(scope=scope).get("accept-encoding", "")
        encoding = "br" if "br" in accepted else "gzip" if "gzip" in accepted else ""
        start: Message | None = None

        async def wrapped(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
                message["headers"] = headers.raw
                start = message  # held back until it is known whether the body is whole
                return
            if message["type"] == "http.response.body" and start is not None:
                first, start = start, None
                message = await _compress(first, message, encoding)
                await send(first)
            await send(message)

        await self._app(scope, receive, wrapped)


async def _compress(start: Message, body: Message, encoding: str) -> Message:
    data = body.get("body", b"")
    headers = MutableHeaders(raw=start["headers"])
    if (
        body.get("more_body")
        or len(data) < MIN_BYTES
        or start["status"] == 206
        or "content-encoding" in headers
        or not headers.get("content-type", "").startswith(_TEXT)
    ):
        return body
    headers.add_vary_header("Accept-Encoding")
    if encoding:
        data = await run_sync(squeeze, data, encoding) if len(data) > THREAD_BYTES else squeeze(data, encoding)
        headers["Content-Encoding"] = encoding
        headers["Content-Length"] = str(len(data))
    start["headers"] = headers.raw
    return {**body, "body": data}


def squeeze(data: bytes, encoding: str) -> bytes:
    """`data` in `br` or `gzip`, quick rather than small."""
    if encoding == "br":
        packed: bytes = brotli.compress(data, quality=3)
        return packed
    return gzip.compress(data, compresslevel=2)
