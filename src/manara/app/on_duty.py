"""What control does by the clock for the people on duty: placing and escalating alarms, and telling off-screen.

Each is a loop of its own, so that a mail server that hangs delays no escalation. Neither stops: a state that cannot be
asked is waited for, a fault of ours is told in the log and the next second tries again. Started by `control.py`.
"""

import asyncio
import logging
from zoneinfo import ZoneInfo

from anyio.to_thread import run_sync
from sqlalchemy.exc import SQLAlchemyError

from manara.alarms.duty_actions import ensure_console
from manara.alarms.notify_actions import undelivered
from manara.alarms.notify_sender import Notifier
from manara.alarms.notify_smtp import Email
from manara.alarms.notify_webhook import Webhook
from manara.base.clock import to_datetime
from manara.base.errors import ManaraError
from manara.web.naming import names_of
from manara.web.services import Services

log = logging.getLogger(__name__)

EVERY_S = 1.0


class OnDuty:
    """The two loops of one control process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        told = services.settings.notifications
        self.notifier = Notifier(
            services.database,
            services.box,
            services.clock,
            {"email": Email(told, services.clock), "webhook": Webhook(told, services.clock)},
            names_of,
            ZoneInfo(services.settings.deployment.timezone),
        )
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """See that there is a console, and begin."""
        services = self._services
        await run_sync(lambda: ensure_console(services.database, to_datetime(services.clock.wall_us())))
        self._tasks = [
            asyncio.create_task(self._keep_duty(), name="duty"),
            asyncio.create_task(self.notifier.run(), name="notifications"),
        ]

    async def stop(self) -> None:
        """End. What waits is in the state."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _tick(self) -> None:
        services = self._services
        services.duty.tick(to_datetime(services.clock.wall_us()))
        with services.database.read() as session:
            services.duty.undelivered = undelivered(session)

    async def _keep_duty(self) -> None:
        while True:
            try:
                await run_sync(self._tick)
            except (ManaraError, SQLAlchemyError) as error:
                log.warning("duty waits for the state", extra={"reason": str(error)[:300]})
            except Exception:
                log.exception("duty failed and goes on")
            await asyncio.sleep(EVERY_S)
