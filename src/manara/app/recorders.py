"""The recorder role: hands `recorder.role` its journal, its places and the way to open passwords."""

import asyncio

from manara.app.data import Folders, journal_address
from manara.base.clock import SystemClock
from manara.recorder.role import Places, Recorder
from manara.settings import Settings
from manara.store.journal_nats import NatsJournal
from manara.store.secret import SecretBox


async def run_recorder(settings: Settings, recorder_id: str, stop: asyncio.Event) -> None:
    """Record until `stop` is set."""
    folders = Folders.of(settings)
    address = journal_address(settings)
    box = SecretBox.from_file(folders.key)
    journal = await NatsJournal.start(address.url, address.user, address.password, name=recorder_id)
    try:
        recorder = Recorder(
            settings, recorder_id, Places.of(folders.data, recorder_id), journal, SystemClock(), box.open
        )
        await recorder.run(stop)
    finally:
        await journal.close()
