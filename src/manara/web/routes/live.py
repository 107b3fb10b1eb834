"""Live pictures: browser ↔ control ↔ recorder, whole boxes passed through unchanged.

One socket carries all live pictures of a window, each as a *look* of its own number: it stands open before anybody
clicks, so that a click costs no handshake, and a wall of 64 opens no 64 sockets. Nothing is buffered here: while the
browser takes nothing, nothing is read from the recorders, which then cut each look to the next key frame and say so
(`skipped`). Who looked, at what and for how long is entered in the audit log, the opening before the first picture.
The socket ends with the session and when the person's rights change; a look with the right to see its camera, and
with the camera. Bounds: `MAX_LOOKS` a socket, a message of `ws_max_size` (`web/app.py`).
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import aclosing
from typing import Annotated, Literal

import anyio
import msgspec
from anyio.abc import TaskGroup
from anyio.to_thread import run_sync
from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from manara.access.who import Who
from manara.base.errors import ManaraError, NotFound, Unavailable
from manara.web.live import View
from manara.web.seeing import camera_code
from manara.web.services import Handed, Person, Services
from manara.web.watch import SEND_S, SocketWatch, Watched, send_text, serve_socket

router = APIRouter(prefix="/api")
log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode

CLOCK_EVERY_S = 2.0
RETRY_S = 1.0
LOOK_EVERY_S = 1.0
MAX_LOOKS = 256  # a wall of 64 tiles that changes streams has 128
NOT_UNDERSTOOD = 1003

Number = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)]
End = Literal["gone", "busy", "too_many", "failed"]


class Open(msgspec.Struct, frozen=True, tag_field="op", tag="open"):
    """Begin a look. The browser chooses its number, which must not be in use."""

    look: Number
    camera_id: Annotated[str, msgspec.Meta(max_length=64)]
    stream: Literal["main", "sub"] = "main"


class Close(msgspec.Struct, frozen=True, tag_field="op", tag="close"):
    """End a look; one that has ended already is no fault."""

    look: Number


_asked = msgspec.json.Decoder(Open | Close)


@router.websocket("/live")
async def live(socket: WebSocket, handed: Handed, person: Person) -> None:
    """Texts are states of looks (and the clock), binaries a look's number (u32, big-endian) and whole boxes."""
    watch: SocketWatch = socket.app.state.watch
    await socket.accept()
    with watch.watching(person) as watched:
        looks = _Looks(socket, handed, watched)
        await serve_socket(socket, watched, looks.run, looks.hear)


class _Looks:
    """All looks of one socket."""

    def __init__(self, socket: WebSocket, handed: Services, watched: Watched) -> None:
        self._socket = socket
        self._handed = handed
        self._watched = watched
        self._open: dict[int, anyio.CancelScope] = {}
        self._group: TaskGroup = anyio.create_task_group()

    async def run(self) -> None:
        """Tell the time, and serve looks, until cancelled."""
        async with self._group:
            while True:
                await send_text(self._socket, f'{{"state":"clock","time_us":{self._handed.clock.wall_us()}}}')
                await asyncio.sleep(CLOCK_EVERY_S)

    def hear(self, text: str | None) -> None:
        """The browser says something: a look begins or ends. What is not understood ends the socket."""
        try:
            asked = _asked.decode(text or "")
        except msgspec.DecodeError as error:
            log.warning("a live socket said what is not understood", extra={"reason": str(error)[:200]})
            self._watched.end(NOT_UNDERSTOOD)
            return
        if isinstance(asked, Close):
            if scope := self._open.get(asked.look):
                scope.cancel()
        elif asked.look in self._open:
            self._watched.end(NOT_UNDERSTOOD)
        else:
            scope = self._open[asked.look] = anyio.CancelScope()
            self._group.start_soon(self._serve, asked, scope)

    async def _serve(self, asked: Open, scope: anyio.CancelScope) -> None:
        end: End | None = None
        try:
            with scope:
                end = await self._look(asked) if len(self._open) <= MAX_LOOKS else "too_many"
        except* (WebSocketDisconnect, TimeoutError):
            raise  # the socket itself: all looks end
        except* Exception:
            log.exception("a live look failed", extra={"camera_id": asked.camera_id})
            end = "failed"  # and leaves the others alone
        finally:
            del self._open[asked.look]
        if end:
            await self._tell(asked, {"state": "ended", "cause": end})

    async def _look(self, asked: Open) -> End:
        handed, person = self._handed, self._watched.who
        try:
            code = await run_sync(camera_code, handed.database, person, asked.camera_id)
            began_us = handed.clock.wall_us()
            detail: dict[str, object] = {"stream": asked.stream, "code": code}
            with anyio.CancelScope(shield=True):  # closed meanwhile: the log gets both ends
                await run_sync(_enter, handed, person, asked.camera_id, "live:open", detail)
        except NotFound:
            return "gone"
        except Unavailable:  # the look cannot be entered in the log: then there is none
            return "busy"
        sent = [0]
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._show, asked, sent)
                await self._until_gone(asked.camera_id)
                group.cancel_scope.cancel()
        finally:
            took_s = round((handed.clock.wall_us() - began_us) / 1e6, 1)
            detail |= {"took_s": took_s, "bytes": sent[0]}
            # shielded: the entry is made even when the program is stopping
            await asyncio.shield(asyncio.create_task(_enter_end(handed, person, asked.camera_id, detail)))
        return "gone"

    async def _show(self, asked: Open, sent: list[int]) -> None:
        while True:
            try:
                await self._pass_through(asked, sent)
                cause = "server_closed"
            except Unavailable as error:
                cause = error.code
            await self._tell(asked, {"state": "waiting", "since_us": self._handed.clock.wall_us(), "cause": cause})
            await asyncio.sleep(RETRY_S)

    async def _pass_through(self, asked: Open, sent: list[int]) -> None:
        head = asked.look.to_bytes(4, "big")
        async with aclosing(self._handed.feeds.live(asked.camera_id, asked.stream)) as frames:
            async for frame in frames:
                if isinstance(frame, bytes):
                    async with asyncio.timeout(SEND_S):
                        await self._socket.send_bytes(head + frame)
                    sent[0] += len(frame)
                else:
                    await self._tell(asked, frame)

    async def _tell(self, asked: Open, state: Mapping[str, object]) -> None:
        await send_text(self._socket, _encode({"look": asked.look, **state}).decode())

    async def _until_gone(self, camera_id: str) -> None:
        """Until the camera is removed or leaves this person's sectors. The hub knows a new camera a moment late."""
        view = View.of(self._watched.who)
        unseen = 0
        while unseen < 2:
            await asyncio.sleep(LOOK_EVERY_S)
            unseen = 0 if self._handed.hub.sees(view, "camera", camera_id) else unseen + 1


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
