"""SIGTERM and Ctrl-C as an `asyncio.Event`. Used by every role."""

import asyncio
import atexit
import gc
import logging
import signal

log = logging.getLogger(__name__)


def stop_on_signals() -> asyncio.Event:
    """An event that is set by the first SIGTERM or SIGINT of this process."""
    stop = asyncio.Event()
    atexit.register(gc.freeze)  # else the interpreter sweeps all modules at its end: half a second of each stop

    def on_signal(number: signal.Signals) -> None:
        if not stop.is_set():
            log.info("asked to stop", extra={"signal": number.name})
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    return stop
