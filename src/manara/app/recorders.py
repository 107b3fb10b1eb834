"""The recorder role: hands `recorder.role` its journal, its places and the way to open passwords.

`python -m manara.app.recorders` is `manara run --role recorder` without the rest of the program behind it: a recorder
that was killed must record again at once, and reading the web's modules takes longer than all else it does.
"""

import argparse
import asyncio

from manara.app import alone
from manara.app.folders import Folders, journal_address
from manara.base.clock import SystemClock
from manara.recorder.role import Places, Recorder
from manara.settings import Settings
from manara.store.journal_nats import NatsJournal
from manara.store.secret import SecretBox


async def run_recorder(settings: Settings, recorder_id: str, recorders: int, stop: asyncio.Event) -> None:
    """Record until `stop` is set, as one of so many recorders on these disks."""
    folders = Folders.of(settings)
    address = journal_address(settings)
    box = SecretBox.from_file(folders.key)
    journal = await NatsJournal.start(address.url, address.user, address.password, name=recorder_id)
    try:
        recorder = Recorder(
            settings, recorder_id, Places.of(settings, recorder_id, recorders), journal, SystemClock(), box.open
        )
        await recorder.run(stop)
    finally:
        await journal.close()


def play(settings: Settings, recorder_id: str, recorders: int) -> None:
    """Be this recorder until a signal."""
    alone.until_a_signal(recorder_id, settings, lambda stop: run_recorder(settings, recorder_id, recorders, stop))


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of a recorder alone."""
    parser.add_argument("--id", default="recorder-1", help="name of the recorder")
    parser.add_argument("--of", type=int, default=1, help="how many recorders share the disks of this machine")


if __name__ == "__main__":
    alone.main("recorder", lambda settings, given: play(settings, given.id, given.of), add_flags)
