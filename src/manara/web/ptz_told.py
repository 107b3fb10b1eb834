"""Tells whoever judges pictures that a PTZ camera was ordered to move (`manara.ptz.<camera_id>`).

`network.ptz` calls `moved` from its own threads; telling is done on the event loop. Not kept, not waited for: without a
journal nobody judges pictures either.
"""

import asyncio
import logging

import msgspec

from manara.base.clock import Clock
from manara.messages import PtzMoved
from manara.store.journal import Journal

log = logging.getLogger(__name__)

PTZ_PREFIX = "manara.ptz."
REFERENCE_SUBJECT = "manara.vision.reference"
_encode = msgspec.json.Encoder().encode


class PtzTold:
    """Made on the event loop; without one (a tool that serves nothing) it tells nobody."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None

    def moved(self, camera_id: str, preset: str, saved: bool) -> None:
        """The camera is ordered to move; `saved`: where it stands now was saved as this preset. From any thread."""
        if self._loop is None or self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._tell(camera_id, preset, saved), self._loop)

    async def _tell(self, camera_id: str, preset: str, saved: bool) -> None:
        told = PtzMoved(camera_id=camera_id, at_us=self._clock.wall_us(), preset=preset)
        await self._journal.tell(PTZ_PREFIX + camera_id, _encode(told))
        if saved:
            await take_reference(self._journal, camera_id, "")


async def take_reference(journal: Journal, camera_id: str, by: str) -> bool:
    """Ask vision to take a camera's present view as its reference; False where nobody could be told."""
    return await journal.tell(REFERENCE_SUBJECT, _encode({"camera_id": camera_id, "by": by}))
