"""The vision role: hands `vision.role` its journal and the recorders' key frames. No database, no web behind it.

`python -m manara.app.vision` is `manara run --role vision` without the rest of the program behind it.
"""

import argparse
import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from manara.app import alone
from manara.app.folders import Folders, journal_address
from manara.base.clock import SystemClock
from manara.base.errors import Unavailable
from manara.recorder.feed import FeedClient
from manara.settings import Settings
from manara.store.journal_nats import NatsJournal
from manara.vision.keyframes import KeyFrame
from manara.vision.role import Vision

logger = logging.getLogger(__name__)

CAMERAS_A_PROCESS = 200
ANSWER_S = 5.0


class Door(Protocol):
    """One recorder's door (`recorder.feed.FeedClient`)."""

    async def key_frame(self, camera_id: str, stream: str) -> tuple[dict[str, Any], bytes]:
        """State and bytes of the current key frame. Raises `Unavailable`."""
        ...


class RecorderFrames:
    """Key frames from whichever recorder of this machine has the camera: the one that had it last is asked first."""

    def __init__(self, folder: Path, door: Callable[[Path], Door] = FeedClient) -> None:
        self._folder = folder
        self._door = door
        self._at: dict[str, str] = {}

    async def get(self, camera_id: str, stream: str) -> KeyFrame:
        """The current key frame, or why there is none."""
        last = self._at.get(camera_id)
        names = sorted(path.stem for path in self._folder.glob("*.sock"))
        if last in names:
            names.remove(last)
            names.insert(0, last)
        why = "away"
        for name in names:
            try:
                async with asyncio.timeout(ANSWER_S):
                    state, data = await self._door(self._folder / f"{name}.sock").key_frame(camera_id, stream)
            except (Unavailable, TimeoutError):
                continue
            if state.get("state") == "refused":
                why = "no_stream"
                continue
            self._at[camera_id] = name
            if state.get("state") != "keyframe":
                return KeyFrame(why="waiting")
            return KeyFrame(
                codec=str(state.get("codec", "")),
                data=data,
                at_us=int(state.get("at_us", 0)),
                mark=f"{name}.{state.get('mark', '')}",
            )
        self._at.pop(camera_id, None)
        return KeyFrame(why=why)


async def run_vision(settings: Settings, number: int, count: int, stop: asyncio.Event) -> None:
    """Look at this process's share of the cameras until `stop` is set."""
    folders = Folders.of(settings)
    address = journal_address(settings)
    journal = await NatsJournal.start(address.url, address.user, address.password, name=f"vision-{number}")
    try:
        vision = Vision(settings, number, count, RecorderFrames(folders.run), journal, SystemClock())
        await vision.run(stop)
    finally:
        await journal.close()
    logger.info("vision has stopped", extra={"counters": vision.counters})


def processes(settings: Settings, cameras: int) -> int:
    """How many vision processes there should be."""
    if not settings.vision.enabled:
        return 0
    return settings.vision.processes or max(1, -(-cameras // CAMERAS_A_PROCESS))


def play(settings: Settings, number: int, count: int) -> None:
    """Be this vision process until a signal."""
    alone.until_a_signal(f"vision-{number}", settings, lambda stop: run_vision(settings, number, count, stop))


def _add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--number", type=int, default=1, help="which vision process this is")
    parser.add_argument("--of", type=int, default=1, help="how many vision processes share the cameras")


if __name__ == "__main__":
    alone.main("vision", lambda settings, given: play(settings, given.number, given.of), _add_flags)
