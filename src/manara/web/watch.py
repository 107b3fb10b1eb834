"""Watches over open WebSockets: a session that ends, or a person whose roles or sectors change, loses them within 2 s.

One question a second to the state for all sockets together. Where the state cannot be asked, sockets stay open for
`GRACE_S` and are then closed: not knowing must not become a way to keep looking. Used by the routes that hold sockets.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import anyio
from anyio.to_thread import run_sync
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocket, WebSocketDisconnect

from manara.access.roles import Role
from manara.access.sessions import ended_sessions
from manara.access.tables import Account
from manara.access.who import Who
from manara.base.clock import Clock, to_datetime
from manara.settings import Access
from manara.store.database import Database

log = logging.getLogger(__name__)

ASK_EVERY_S = 1.0
GRACE_S = 10.0

SESSION_ENDED = 4401
RIGHTS_CHANGED = 4403
STOPPING = 1001
SEND_S = 15.0  # a browser that takes nothing for this long is let go


@dataclass(eq=False)
class Watched:
    """One open socket. `ended` is set, with the close code, when it must go."""

    who: Who
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    code: int = 0

    def end(self, code: int) -> None:
        """Tell the socket's route to close; the first reason counts."""
        if not self.ended.is_set():
            self.code = code
            self.ended.set()


class SocketWatch:
    """All open sockets of this process."""

    def __init__(self, database: Database, access: Access, clock: Clock) -> None:
        self._database = database
        self._access = access
        self._clock = clock
        self._sockets: set[Watched] = set()
        self._asked_s = clock.monotonic_s()

    def __len__(self) -> int:
        return len(self._sockets)

    @contextmanager
    def watching(self, who: Who) -> Iterator[Watched]:
        """Watch over a socket while the block runs."""
        watched = Watched(who)
        self._sockets.add(watched)
        try:
            yield watched
        finally:
            self._sockets.discard(watched)

    def end_all(self, code: int) -> None:
        """Close all sockets (the program stops)."""
        for watched in self._sockets:
            watched.end(code)

    async def run(self) -> None:
        """Ask each second, for ever."""
        self._asked_s = self._clock.monotonic_s()
        while True:
            await self.ask()
            await asyncio.sleep(ASK_EVERY_S)

    async def ask(self) -> None:
        """Ask once, and end what must end."""
        sockets = list(self._sockets)
        if not sockets:
            self._asked_s = self._clock.monotonic_s()
            return
        try:
            ended, rights = await run_sync(
                self._read, {socket.who.session_id for socket in sockets}, {socket.who.account_id for socket in sockets}
            )
        except SQLAlchemyError as error:
            log.error("open sessions cannot be judged", extra={"reason": type(error).__name__, "sockets": len(sockets)})
            if self._clock.monotonic_s() - self._asked_s > GRACE_S:
                self.end_all(SESSION_ENDED)
            return
        self._asked_s = self._clock.monotonic_s()
        for socket in sockets:
            if socket.who.session_id in ended:
                socket.end(SESSION_ENDED)
            elif rights.get(socket.who.account_id) != (socket.who.roles, socket.who.sector_ids):
                socket.end(RIGHTS_CHANGED)

    def _read(
        self, session_ids: set[str], account_ids: set[str]
    ) -> tuple[set[str], dict[str, tuple[frozenset[Role], frozenset[str] | None]]]:
        at = to_datetime(self._clock.wall_us())
        with self._database.read() as session:
            ended = ended_sessions(session, session_ids, self._access, at)
            rows = session.execute(
                select(Account.id, Account.roles, Account.sector_ids).where(Account.id.in_(account_ids))
            )
            rights = {
                id: (frozenset(Role(role) for role in roles), None if sectors is None else frozenset(sectors))
                for id, roles, sectors in rows
            }
        return ended, rights


async def serve_socket(
    socket: WebSocket,
    watched: Watched,
    work: Callable[[], Awaitable[None]],
    hear: Callable[[str | None], None] = lambda text: None,
) -> None:
    """Run `work` on an accepted socket until it is done, the browser goes, or the watch ends it (with its close code).

    `work` may raise `WebSocketDisconnect` or `TimeoutError` (the browser takes nothing); both are ends like any other.
    `hear` gets what the browser says, None for bytes; by default nobody listens.
    """
    gone = False

    async def part(run: Callable[[], Awaitable[object]]) -> None:
        nonlocal gone
        try:
            await run()
        except* (WebSocketDisconnect, TimeoutError):
            gone = True
        group.cancel_scope.cancel()

    async def drain() -> None:
        nonlocal gone
        while (message := await socket.receive())["type"] != "websocket.disconnect":
            hear(message.get("text"))
        gone = True

    async with anyio.create_task_group() as group:
        group.start_soon(part, work)
        group.start_soon(part, drain)
        group.start_soon(part, watched.ended.wait)
    if not gone:
        await close_socket(socket, watched.code if watched.ended.is_set() else 1000)


async def close_socket(socket: WebSocket, code: int) -> None:
    """Close, if it is still there."""
    try:
        async with asyncio.timeout(2.0):
            await socket.close(code)
    except (RuntimeError, WebSocketDisconnect, TimeoutError):
        return  # it went by itself


async def send_text(socket: WebSocket, text: str) -> None:
    """Send, or raise `TimeoutError` when the browser takes nothing for `SEND_S`."""
    async with asyncio.timeout(SEND_S):
        await socket.send_text(text)
