"""Virtual cameras for a test or a try-out in a few lines.

Example: `server = await card_server(3)`, then `server.url("CAM-0001")`; where the test has no event loop of its own,
`with CameraThread(3) as cameras:` runs the same in a thread. Pictures are test cards with a live bar (clock, frame
number).
"""

import asyncio
import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta, timezone
from fractions import Fraction
from types import TracebackType
from typing import TypeVar

from manara.simulate.bar import BarWriter
from manara.simulate.clips import Clip
from manara.simulate.mount import BlackScene, ClipMount, Quirks, Scheme, VirtualCamera
from manara.simulate.rtsp_server import RtspServer
from manara.simulate.testcard import card_clip

T = TypeVar("T")
CARD_PASSWORD = "secret"  # noqa: S105  (of cameras that exist in memory alone)
CARD_TIMEZONE = timezone(timedelta(hours=3))


@functools.cache
def _card(codec: str, height_px: int, frame_rate: Fraction, gop: int) -> Clip:
    return card_clip(codec=codec, height_px=height_px, frame_rate=frame_rate, gop=gop, bar=codec == "h264")


def card_cameras(
    count: int,
    *,
    codec: str = "h264",
    frame_rate: Fraction = Fraction(25, 2),
    gop: int = 12,
    scheme: Scheme = "none",
    quirks: Quirks | None = None,
    first: int = 1,
    clip: Clip | None = None,
) -> list[VirtualCamera]:
    """Cameras `CAM-0001` and on, with main and sub stream; username `camera`, password `secret` where `scheme` asks."""
    cameras = []
    main = clip or _card(codec, 360, frame_rate, gop)
    sub = _card(codec, 368, frame_rate, gop)
    bars = [
        BarWriter(one.headers, one.width_px, one.frame_rate, CARD_TIMEZONE) if one.headers else None
        for one in (main, sub)
    ]
    black = [BlackScene(one.width_px, one.height_px) if one.headers else None for one in (main, sub)]
    for index in range(first, first + count):
        camera = VirtualCamera(
            f"CAM-{index:04d}", username="camera", password=CARD_PASSWORD, scheme=scheme, quirks=quirks or Quirks()
        )
        ClipMount(camera, "main", main, bar=bars[0], black=black[0], phase_us=index % 8 * 10_000)
        ClipMount(camera, "sub", sub, bar=bars[1], black=black[1], phase_us=index % 8 * 10_000)
        cameras.append(camera)
    return cameras


async def card_server(count: int = 1, *, port: int = 0, scheme: Scheme = "none", codec: str = "h264") -> RtspServer:
    """A running server with `count` cameras; the caller closes it."""
    server = RtspServer(port=port)
    for camera in await asyncio.to_thread(card_cameras, count, codec=codec, scheme=scheme):
        server.add(camera)
    await server.start()
    return server


class CameraThread:
    """A server in a thread with an event loop of its own, for tests that have none."""

    def __init__(self, cameras: int | list[VirtualCamera] = 1) -> None:
        self.server = RtspServer()
        self._cameras = card_cameras(cameras) if isinstance(cameras, int) else cameras
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="virtual-cameras", daemon=True)

    def __enter__(self) -> RtspServer:
        for camera in self._cameras:
            self.server.add(camera)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.server.start(), self._loop).result(10)
        return self.server

    def call(self, action: Callable[[], T]) -> T:
        """Run something in the server's thread and wait for it."""
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(action())
            except Exception as error:  # noqa: BLE001  (handed to the caller)
                done.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return done.result(10)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self.server.close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
