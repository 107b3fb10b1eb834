"""Background jobs that must not end: one that fails is told in the log and begins again. Knows nothing of what they do.

Used for every loop of the control process: a loop that ended in silence would leave alarms unjudged and facts untold
while everything looks well.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

AGAIN_S = 1.0


async def forever(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` again and again, `AGAIN_S` after it ended or failed, until cancelled."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("a background job failed and begins again", extra={"job": name})
        await asyncio.sleep(AGAIN_S)
