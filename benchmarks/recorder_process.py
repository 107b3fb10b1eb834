"""Our recorder in a process of its own, as it is in production, but for a journal in memory instead of NATS.

    python -m benchmarks.recorder_process PORT CAMERAS FOLDER

Prints `ready` when every camera is recorded; runs until its standard input closes or SIGTERM, then stops cleanly.
"""

import asyncio
import signal
import sys
from pathlib import Path

import msgspec

from manara.base.clock import SystemClock
from manara.messages import WantedCamera
from manara.recorder.role import Places, Recorder
from manara.settings import load
from manara.store.journal import BUCKET_WANTED
from manara.store.journal_memory import MemoryJournal


async def record(port: int, cameras: int, folder: Path) -> None:
    """Record until standard input closes."""
    settings = load(None, environ={}, flags={"data": {"directory": str(folder)}})
    journal = MemoryJournal()
    for index in range(1, cameras + 1):
        code = f"CAM-{index:04d}"
        wanted = WantedCamera(camera_id=code, code=code, main_url=f"rtsp://127.0.0.1:{port}/cam/{code}/main")
        await journal.bucket(BUCKET_WANTED).put(f"camera.{code}", msgspec.json.encode(wanted))
    places = Places.of(settings, "recorder-1")
    for path in (places.index.parent, places.socket.parent):
        path.mkdir(parents=True, exist_ok=True)
    recorder = Recorder(settings, "recorder-1", places, journal, SystemClock(), lambda sealed: sealed)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def closed() -> None:
        loop.remove_reader(0)  # an end of file is told again and again
        stop.set()

    loop.add_reader(0, closed)
    running = asyncio.create_task(recorder.run(stop))
    while not running.done() and not stop.is_set():
        states = [status.state for status in recorder.streams.statuses()]
        if states.count("recording") >= cameras:
            print("ready", flush=True)
            break
        await asyncio.sleep(0.1)
    await running


if __name__ == "__main__":
    asyncio.run(record(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
