"""The recorder role: hands `recorder.role` its journal, its places and the way to open passwords.

`python -m manara.app.recorders` is `manara run --role recorder` without the rest of the program behind it: a recorder
that was killed must record again at once, and reading the web's modules takes longer than all else it does.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from manara.app import flags
from manara.app.folders import Folders, journal_address
from manara.app.stopping import leave, stop_on_signals
from manara.base import log
from manara.base.clock import SystemClock
from manara.base.errors import ManaraError
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
    log.setup(recorder_id, Folders.of(settings).logs)

    async def until_stopped() -> None:
        await run_recorder(settings, recorder_id, recorders, stop_on_signals())

    asyncio.run(until_stopped())


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of a recorder alone."""
    parser.add_argument("--id", default="recorder-1", help="name of the recorder")
    parser.add_argument("--of", type=int, default=1, help="how many recorders share the disks of this machine")


def main(arguments: Sequence[str] | None = None) -> int:
    """The recorder's own command line; the exit code."""
    parser = argparse.ArgumentParser(prog="manara-recorder")
    flags.add(parser)
    add_flags(parser)
    given = parser.parse_args(arguments)
    try:
        play(flags.settings_of(given), given.id, given.of)
    except ManaraError as error:
        print(f"{given.id}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    leave(main())
