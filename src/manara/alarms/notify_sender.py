"""Carries notifications to people off-screen. Runs in control, beside the alarms and never in their way.

Each second: what routes are to be told is written down (`notify_actions.sweep`), then every route's oldest due messages
are tried, one after another; routes do not wait for each other. A server that is away stops its own route, until it is
tried again within a minute; a message that is refused by itself lets the others pass. Delivered at least once: killed
between the other side's answer and our note of it, the message goes again with the same id.
Bounds: `AT_ONCE` tries at a time, `DAY_S` between two looks for what is old enough to be forgotten.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial
from typing import Protocol

from anyio.to_thread import run_sync
from sqlalchemy.exc import SQLAlchemyError

from manara.access.who import Who
from manara.alarms import notify_actions
from manara.alarms.notify_actions import Letter, NamesOf
from manara.alarms.notify_smtp import Outcome
from manara.base.clock import Clock, to_datetime
from manara.base.errors import ManaraError
from manara.store.database import Database
from manara.store.secret import SecretBox

log = logging.getLogger(__name__)

EVERY_S = 1.0
AT_ONCE = 8
DAY_S = 86_400.0


class Channel(Protocol):
    """One way to deliver."""

    async def deliver(self, letter: Letter) -> Outcome:
        """Try once. Never raises for what the other side or the way to it does."""
        ...


@dataclass(slots=True)
class Counters:
    """Since the start."""

    written: int = 0
    withdrawn: int = 0
    sent: int = 0
    tries_failed: int = 0
    given_up: int = 0


class Notifier:
    """The sender of one control process."""

    def __init__(
        self,
        database: Database,
        box: SecretBox,
        clock: Clock,
        channels: Mapping[str, Channel],
        names_of: NamesOf,
        zone: tzinfo,
    ) -> None:
        self._database = database
        self._box = box
        self._clock = clock
        self._channels = channels
        self._names_of = names_of
        self._zone = zone
        self._who = Who.system("notify")
        self._watermark_us = 0
        self._purged_s: float | None = None
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._busy: dict[str, asyncio.Task[None]] = {}
        self.counters = Counters()

    async def run(self) -> None:
        """For ever."""
        try:
            while True:
                try:
                    await self.once()
                except (ManaraError, SQLAlchemyError) as error:
                    log.warning("notifications wait for the state", extra={"reason": str(error)[:300]})
                await asyncio.sleep(EVERY_S)
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def once(self) -> None:
        """Write down what is to be told, and set every route going that has something due and is not under way."""
        await run_sync(self._sweep)
        letters = await run_sync(self._letters)
        for route_id, waiting in letters.items():
            if route_id not in self._busy:
                task = asyncio.create_task(self._route(waiting), name=f"notify {route_id}")
                self._busy[route_id] = task
                task.add_done_callback(partial(self._done, route_id))
        if self._purged_s is None or self._clock.monotonic_s() - self._purged_s > DAY_S:
            self._purged_s = self._clock.monotonic_s()
            await run_sync(lambda: notify_actions.purge(self._database, self._who, self._now()))

    async def idle(self) -> None:
        """Wait until no route is under way."""
        while self._busy:
            await asyncio.wait(set(self._busy.values()))
            await asyncio.sleep(0)

    def _now(self) -> datetime:
        return to_datetime(self._clock.wall_us())

    def _sweep(self) -> None:
        swept = notify_actions.sweep(
            self._database, self._who, self._now(), self._names_of, self._zone, self._watermark_us
        )
        self._watermark_us = swept.watermark_us
        self.counters.written += swept.written
        self.counters.withdrawn += swept.withdrawn

    def _letters(self) -> dict[str, list[Letter]]:
        with self._database.read() as session:
            return notify_actions.due_letters(session, self._box, self._clock.wall_us())

    def _done(self, route_id: str, task: asyncio.Task[None]) -> None:
        del self._busy[route_id]
        if not task.cancelled() and task.exception() is not None:
            # a fault of ours: the message waits as it is and the next second tries it again
            log.error("a route stopped", exc_info=task.exception(), extra={"route": route_id})

    async def _route(self, letters: list[Letter]) -> None:
        async with self._slots:
            for letter in letters:
                if not await self._try(letter):
                    return

    async def _try(self, letter: Letter) -> bool:
        """One try; False where the rest of the route need not be tried now."""
        channel = self._channels.get(letter.channel)
        outcome = Outcome(False, error="no such channel") if channel is None else await channel.deliver(letter)
        if outcome.delivered:
            await run_sync(
                lambda: notify_actions.note_sent(self._database, self._who, self._now(), letter, outcome.receipt)
            )
            self.counters.sent += 1
            return True
        state = await run_sync(
            lambda: notify_actions.note_failed(
                self._database, self._who, self._now(), letter, outcome.error, outcome.refused
            )
        )
        self.counters.tries_failed += 1
        if state == "failed":
            self.counters.given_up += 1
            log.error("a notification was given up", extra={"notification": letter.id, "reason": outcome.error})
        elif letter.attempts == 0:
            log.warning("a notification waits", extra={"notification": letter.id, "reason": outcome.error})
        return outcome.refused
