"""Live pictures: browser ↔ control ↔ recorder, whole boxes passed through unchanged.

Nothing is buffered here: while the browser takes nothing, nothing is read from the recorder, which then cuts this
viewer to the next key frame and says so (`skipped`). Who looked, at what and for how long is entered in the audit
log, the opening before the first picture. Ends with the session, with the right to see the camera, and with the
camera.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import aclosing
from functools import partial
from typing import Literal

import anyio
import msgspec
from anyio.to_thread import run_sync
from fastapi import APIRouter, WebSocket

from manara.access.who import Who
from manara.base.errors import ManaraError, NotFound, Unavailable
from manara.web.live import View
from manara.web.seeing import camera_code
from manara.web.services import Handed, Person, Services
from manara.web.watch import GONE, SEND_S, SocketWatch, Watched, close_socket, send_text, serve_socket

router = APIRouter(prefix="/api")
log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode

CLOCK_EVERY_S = 2.0
RETRY_S = 1.0
TRY_LATER = 1013
LOOK_EVERY_S = 1.0


@router.websocket("/cameras/{camera_id}/live")
async def live(
    socket: WebSocket, handed: Handed, person: Person, camera_id: str, stream: Literal["main", "sub"] = "main"
) -> None:
    """Texts are states of the stream, binaries whole boxes of fragmented MP4."""
    watch: SocketWatch = socket.app.state.watch
    await socket.accept()
    try:
        code = await run_sync(camera_code, handed.database, person, camera_id)
        began_us = handed.clock.wall_us()
        await run_sync(_enter, handed, person, camera_id, "live:open", {"stream": stream, "code": code})
    except NotFound:
        await close_socket(socket, GONE)
        return
    except Unavailable:  # the look cannot be entered in the log: then there is none
        await close_socket(socket, TRY_LATER)
        return
    sent = [0]
    try:
        with watch.watching(person) as watched:
            show = partial(_show, socket, handed, watched, camera_id, stream, sent)
            await serve_socket(socket, watched, show)
    finally:
        took_s = round((handed.clock.wall_us() - began_us) / 1e6, 1)
        detail = {"stream": stream, "code": code, "took_s": took_s, "bytes": sent[0]}
        # shielded: the entry is made even when the program is stopping
        await asyncio.shield(asyncio.create_task(_enter_end(handed, person, camera_id, detail)))


async def _show(
    socket: WebSocket, handed: Services, watched: Watched, camera_id: str, stream: str, sent: list[int]
) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(_tell_clock, socket, handed)
        group.start_soon(_guard, handed, watched, camera_id)
        while True:
            try:
                await _pass_through(socket, handed, camera_id, stream, sent)
                cause = "server_closed"
            except Unavailable as error:
                cause = error.code
            waiting = f'{{"state":"waiting","since_us":{handed.clock.wall_us()},"cause":"{cause}"}}'
            await send_text(socket, waiting)
            await asyncio.sleep(RETRY_S)


async def _pass_through(socket: WebSocket, handed: Services, camera_id: str, stream: str, sent: list[int]) -> None:
    async with aclosing(handed.feeds.live(camera_id, stream)) as frames:
        async for frame in frames:
            if isinstance(frame, bytes):
                async with asyncio.timeout(SEND_S):
                    await socket.send_bytes(frame)
                sent[0] += len(frame)
            else:
                await send_text(socket, _encode(frame).decode())


async def _tell_clock(socket: WebSocket, handed: Services) -> None:
    while True:
        await send_text(socket, f'{{"state":"clock","time_us":{handed.clock.wall_us()}}}')
        await asyncio.sleep(CLOCK_EVERY_S)


async def _guard(handed: Services, watched: Watched, camera_id: str) -> None:
    """End when the camera is removed or leaves this person's sectors. The hub knows a new camera a moment late."""
    view = View.of(watched.who)
    unseen = 0
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        unseen = 0 if handed.hub.sees(view, "camera", camera_id) else unseen + 1
        if unseen >= 2:
            watched.end(GONE)


def _enter(handed: Services, who: Who, camera_id: str, action: str, detail: Mapping[str, object]) -> None:
    with handed.database.act(who, handed.now()) as act:
        act.audit(action, subject=camera_id, detail=dict(detail))


async def _enter_end(handed: Services, who: Who, camera_id: str, detail: Mapping[str, object]) -> None:
    """The state may be busy for a moment; the end of a look is entered all the same."""
    for attempt in range(3):
        try:
            await run_sync(_enter, handed, who, camera_id, "live:close", detail)
        except ManaraError as error:
            log.error("the end of a look is not in the audit log", extra={"code": error.code, "attempt": attempt})
        else:
            return
