"""A stream set with one scripted camera, and what it read."""

import asyncio
from typing import Any

from manara.messages import StreamStatus, WantedCamera
from manara.recorder.connection import Receiver
from manara.recorder.streams import StreamSet
from manara.settings import Recorder
from tests.recorder.cameras import CLOCK, Camera, ListSink, run, until

SETTINGS = {"connect_timeout_s": 2.0, "stall_s": 1.0, "backoff_max_s": 1.0, "sub_stream_linger_s": 0.0}


class Rig:
    """A `StreamSet` with one camera."""

    def __init__(self, camera: Camera, **wanted: Any) -> None:
        # Unchecked: a test may wait for less long than an installation may.
        settings = Recorder().model_copy(update={**SETTINGS, **wanted.pop("settings", {})})
        self.sink = ListSink()
        self.states: list[StreamStatus] = []
        self.streams = StreamSet(
            Receiver(asyncio.get_running_loop(), CLOCK), settings, self.sink, lambda sealed: sealed[::-1], "recorder-1",
            on_state=self.states.append,
        )  # fmt: skip
        self.wanted = WantedCamera(**{"camera_id": "c1", "code": "C-1", "main_url": camera.base, **wanted})
        self.streams.apply({"c1": self.wanted})
        self.ticking = asyncio.ensure_future(self._tick())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            self.streams.tick()

    @property
    def status(self) -> StreamStatus:
        return self.streams.statuses()[0]

    async def stop(self) -> None:
        self.ticking.cancel()
        await self.streams.stop()


def record(camera: Camera, frames: int, ssl: Any = None, **wanted: Any) -> tuple[Rig, list[bytes]]:
    """Run a camera until so many frames are read, stop, and answer with what the sink got."""
    found: list[Rig] = []

    async def body() -> None:
        async with camera.serving(ssl=ssl):
            rig = Rig(camera, **wanted)
            found.append(rig)
            await until(lambda: rig.status.frames >= frames)
            rig.last = rig.status  # type: ignore[attr-defined]
            await rig.stop()

    run(body)
    return found[0], found[0].sink.samples


def refused(camera: Camera, **wanted: Any) -> StreamStatus:
    """Run a camera until its stream is refused or lost."""
    found: list[StreamStatus] = []

    async def body() -> None:
        async with camera.serving():
            rig = Rig(camera, **wanted)
            await until(lambda: rig.status.state in ("refused", "lost"))
            found.append(rig.status)
            assert rig.sink.names()[0] == "gap"
            await rig.stop()

    run(body)
    return found[0]
