"""The simulate role: the virtual cameras on loopback, from the province's scenes or from a file."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from manara.settings import Settings
from manara.simulate.province import DEMO_PASSWORD, DEMO_USERNAME
from manara.simulate.role import run_simulator


async def run_simulate(settings: Settings, stop: asyncio.Event) -> None:
    """Serve the cameras of the province that stream until `stop` is set."""
    await run_simulator(settings, stop)


async def run_clip(settings: Settings, clip: Path, stop: asyncio.Event, say: Callable[[str], None]) -> None:
    """Serve cameras that all play a file. Raises `InvalidInput` where it is no video, `OSError` for a taken port."""
    say(f"virtual cameras play {clip}: rtsp://127.0.0.1:{settings.simulate.rtsp_port}/cam/CODE/main")
    say(f"account {DEMO_USERNAME}, password {DEMO_PASSWORD}; Ctrl-C stops them")
    await run_simulator(settings, stop, clip=clip)
