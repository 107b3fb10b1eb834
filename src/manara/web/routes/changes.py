"""The snapshot, and the socket on which ordered changes follow it."""

import asyncio
from functools import partial

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, WebSocket
from starlette.responses import Response

from manara.web.envelope import squeeze
from manara.web.live import Hub, View
from manara.web.services import Handed, Person
from manara.web.watch import SocketWatch, send_text, serve_socket

router = APIRouter(prefix="/api")

BEAT_S = 1.0


@router.get("/snapshot")
async def snapshot(handed: Handed, person: Person, request: Request) -> Response:
    """Everything this person sees, and the number after which changes follow."""
    body = handed.hub.snapshot(View.of(person))
    headers = {"Vary": "Accept-Encoding"}
    accepted = request.headers.get("accept-encoding", "")
    encoding = "br" if "br" in accepted else "gzip" if "gzip" in accepted else ""
    if encoding and len(body) > 4096:
        headers["Content-Encoding"] = encoding
        body = await run_sync(squeeze, body, encoding)
    return Response(body, media_type="application/json", headers=headers)


@router.websocket("/changes")
async def changes(socket: WebSocket, handed: Handed, person: Person, epoch: str = "", after: int = -1) -> None:
    """Changes after number `after` of `epoch`, and a beat each second. After a `reset` the socket is closed."""
    watch: SocketWatch = socket.app.state.watch
    await socket.accept()
    with watch.watching(person) as watched:
        await serve_socket(socket, watched, partial(_follow, socket, handed.hub, View.of(person), epoch, after))


async def _follow(socket: WebSocket, hub: Hub, view: View, epoch: str, after: int) -> None:
    loop = asyncio.get_running_loop()
    cursor = told = after if epoch == hub.epoch else -1
    beat_s = -BEAT_S
    while True:
        batch = hub.changes(view, cursor) if cursor >= 0 else None
        if batch is None:
            await send_text(socket, '{"type":"reset"}')
            return
        text, cursor = batch
        if text:
            await send_text(socket, text.decode())
            told = cursor
        now_s = loop.time()
        if now_s - beat_s >= BEAT_S:
            beat_s = now_s
            if told < cursor:  # numbers that did not concern this view: move the browser on, or it would fall behind
                await send_text(socket, f'{{"type":"changes","seq":{cursor},"changes":[]}}')
                told = cursor
            await send_text(socket, hub.beat(told).decode())
        await hub.moved(cursor, max(0.01, BEAT_S - (loop.time() - beat_s)))
