"""SIGTERM and Ctrl-C as an `asyncio.Event`. Used by every role."""

import asyncio
import logging
import os
import signal
import sys
from typing import NoReturn

log = logging.getLogger(__name__)


def stop_on_signals() -> asyncio.Event:
    """An event that is set by the first SIGTERM or SIGINT of this process."""
    stop = asyncio.Event()

    def on_signal(number: signal.Signals) -> None:
        if not stop.is_set():
            log.info("asked to stop", extra={"signal": number.name})
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    return stop


def leave(code: int) -> NoReturn:
    """End this process, all its work being done: the interpreter's own sweep of its modules takes half a second."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
