"""The simulate role: the virtual cameras of the province on loopback. Hands the settings to `simulate`, no more."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from manara.base.errors import NotFound
from manara.settings import Settings
from manara.simulate.kit import card_cameras
from manara.simulate.mount import ClipMount, VirtualCamera
from manara.simulate.province import DEMO_PASSWORD, DEMO_USERNAME, make_province
from manara.simulate.rtsp_server import RtspServer


async def run_simulate(settings: Settings, stop: asyncio.Event) -> None:
    """Serve the cameras of the province that stream until `stop` is set."""
    province = make_province(settings.simulate.seed, streaming=settings.simulate.cameras)
    server = RtspServer(port=settings.simulate.rtsp_port)
    template = (await asyncio.to_thread(card_cameras, 1))[0]
    for index, code in enumerate(province.streams):
        camera = VirtualCamera(code, username=DEMO_USERNAME, password=DEMO_PASSWORD, scheme="md5")
        for stream, mount in template.mounts.items():
            ClipMount(camera, stream, mount.clip, bar=mount.bar, black=mount.black, phase_us=index % 8 * 10_000)  # type: ignore[attr-defined]
        server.add(camera)
    await server.start()
    await stop.wait()
    await server.close()


async def run_clip(settings: Settings, clip: Path, stop: asyncio.Event, say: Callable[[str], None]) -> None:
    """Serve one camera that plays a file."""
    del settings, stop, say
    raise NotFound(f"{clip} cannot be played yet.", code="clip_unknown")
