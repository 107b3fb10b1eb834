"""A role's own command line: `python -m manara.app.control` is `manara run --role control` without the other roles.

What a process imports is what it waits for when it is started again. The supervisor starts roles this way.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import NoReturn

from manara.app import flags
from manara.app.folders import Folders
from manara.app.stopping import leave, stop_on_signals
from manara.base import log, memory
from manara.base.errors import ManaraError
from manara.base.forever import forever
from manara.settings import Settings


def until_a_signal(name: str, settings: Settings, role: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Be a role, with its log under `name`, until SIGTERM or Ctrl-C."""
    log.setup(name, Folders.of(settings).logs)

    memory.few_heaps()

    async def until_stopped() -> None:
        giving_back = asyncio.create_task(forever("memory", memory.give_back), name="memory")
        await role(stop_on_signals())
        giving_back.cancel()

    asyncio.run(until_stopped())


def main(
    name: str,
    play: Callable[[Settings, argparse.Namespace], None],
    add_flags: Callable[[argparse.ArgumentParser], None] | None = None,
) -> NoReturn:
    """Read the flags, play, end the process: with 0, or with 1 and what was wrong."""
    parser = argparse.ArgumentParser(prog=f"manara-{name}")
    flags.add(parser)
    if add_flags is not None:
        add_flags(parser)
    given = parser.parse_args()
    try:
        play(flags.settings_of(given), given)
    except ManaraError as error:
        print(f"{name}: {error}", file=sys.stderr)
        leave(1)
    leave(0)
