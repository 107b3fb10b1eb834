"""The control role: the web, the wiring of facts to handlers, and reading the archive.

`python -m manara.app.control` is `manara run --role control` without the other commands behind it.
"""

import asyncio
import contextlib
import gc
import logging
from collections.abc import Iterator

import uvicorn

from manara.app import alone
from manara.app.data import open_state
from manara.app.folders import Folders, journal_address
from manara.app.on_duty import OnDuty
from manara.base.clock import SystemClock
from manara.settings import Settings
from manara.store.journal_nats import NatsJournal
from manara.store.secret import SecretBox
from manara.web.app import create_app, server_config
from manara.web.services import assemble
from manara.wiring import Wiring

log = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """uvicorn without its own signal handling: the role decides when it ends, and what is done after."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to us."""
        yield


async def run_control(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set; then close what is open within about 3 s."""
    clock = SystemClock()
    folders = Folders.of(settings)
    database = open_state(settings)
    box = SecretBox.from_file(folders.key)
    address = journal_address(settings)
    journal = await NatsJournal.start(
        address.url, address.user, address.password, name="control", keep_days=settings.journal.keep_days
    )
    # From here on the journal must be closed whatever happens: its own tasks would keep a failed start from ending.
    async with contextlib.AsyncExitStack() as opened:
        opened.callback(database.close)
        opened.push_async_callback(journal.close)
        services = assemble(settings, clock, database, box, journal)
        wiring = Wiring(
            database,
            journal,
            clock,
            services.hub,
            services.statuses,
            services.vitals,
            settings.alarms,
            services.duty.route,
            settings.maintenance,
        )
        opened.push_async_callback(wiring.stop)
        await wiring.start()
        on_duty = OnDuty(services)
        opened.push_async_callback(on_duty.stop)
        await on_duty.start()
        server = Server(server_config(create_app(services), settings))
        # What is alive now stays: looking at it again would halt every answer for tens of milliseconds, now and then.
        gc.collect()
        gc.freeze()
        opened.callback(gc.unfreeze)
        serving = asyncio.create_task(server.serve(), name="web")
        stopped = asyncio.create_task(stop.wait(), name="stop")
        opened.callback(stopped.cancel)
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
    log.info("control has stopped")


def play(settings: Settings) -> None:
    """Be the control role until a signal."""
    alone.until_a_signal("control", settings, lambda stop: run_control(settings, stop))


if __name__ == "__main__":
    alone.main("control", lambda settings, _given: play(settings))
