"""Our ONVIF client and PTZ control against the virtual devices, over real sockets on loopback."""

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

import pytest

from manara.access.roles import Role
from manara.access.who import Who
from manara.base.clock import SystemClock
from manara.base.errors import Unavailable
from manara.network import actions, onvif
from manara.network.ptz import PtzControl
from manara.simulate.discovery import Discovery
from manara.simulate.http import HttpServer
from manara.simulate.mount import VirtualCamera
from manara.simulate.onvif import OnvifDevice, OnvifDevices, new_head
from manara.store.database import Database
from manara.store.secret import SecretBox
from tests.support.patience import LONG_S, patience_s

SUPERVISOR = Who("chief", "Chief", frozenset({Role.SUPERVISOR}))


@dataclass
class Stream:
    """As much of a mount as ONVIF tells of."""

    camera: VirtualCamera
    stream: str
    codec: str = "h264"
    frame_rate: Fraction = Fraction(15)
    size_px: tuple[int, int] = (1920, 1080)
    phase_us: int = 0
    ready: bool = True
    parameter_sets: tuple[bytes, ...] = ()


@dataclass
class Virtual:
    """A PTZ camera and a fixed one on an event loop of their own."""

    loop: asyncio.AbstractEventLoop
    web: HttpServer
    devices: OnvifDevices
    discovery: Discovery
    thread: threading.Thread
    codes: list[str] = field(default_factory=list)

    def address(self, code: str) -> str:
        return self.devices.address(code)

    def head(self, code: str) -> Any:
        return self.devices.devices[code].ptz


@pytest.fixture(scope="module")
def virtual() -> Iterator[Virtual]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    web = HttpServer()
    devices = OnvifDevices(lambda: f"http://127.0.0.1:{web.port}")
    discovery = Discovery(devices, port=0)
    made = Virtual(loop, web, devices, discovery, thread, ["PTZ-1", "FIX-1"])
    for code in made.codes:
        camera = VirtualCamera(code, username="viewer", password="s3cret")
        urls = {}
        for name in ("main", "sub"):
            camera.mounts[name] = Stream(camera, name)  # type: ignore[assignment]
            urls[name] = f"rtsp://127.0.0.1:8554/cam/{code}/{name}"
        devices.add(OnvifDevice(camera, "Maker", "Model", urls, new_head() if code == "PTZ-1" else None))
    web.route("/onvif/", devices.handle)

    async def start() -> None:
        await web.start()
        assert await discovery.start()

    async def stop() -> None:
        discovery.close()
        await web.close()

    asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    yield made
    asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)


def until(condition: Any) -> None:
    deadline_s = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_both_devices_are_discovered(virtual: Virtual) -> None:
    found = onvif.discover(f"127.0.0.1:{virtual.discovery.port}", wait_s=1.0)
    assert {device["address"] for device in found} == {virtual.address(code) for code in virtual.codes}


def test_what_a_device_is(virtual: Virtual) -> None:
    seen = onvif.inspect(virtual.address("PTZ-1"), "viewer", "s3cret", SystemClock())
    assert (seen["manufacturer"], seen["model"], seen["ptz"]) == ("Maker", "Model", True)
    assert abs(seen["clock_offset_ms"]) <= 1500
    assert [profile["rtsp_url"] for profile in seen["profiles"]] == [
        "rtsp://127.0.0.1:8554/cam/PTZ-1/main",
        "rtsp://127.0.0.1:8554/cam/PTZ-1/sub",
    ]
    assert {(profile["codec"], profile["width"]) for profile in seen["profiles"]} == {("h264", 1920)}
    assert not onvif.inspect(virtual.address("FIX-1"), "viewer", "s3cret", SystemClock())["ptz"]
    with pytest.raises(Unavailable) as caught:
        onvif.inspect(virtual.address("FIX-1"), "viewer", "wrong", SystemClock())
    assert caught.value.code == "onvif_not_authorized"


def test_a_camera_moves_stops_and_remembers(
    virtual: Virtual, database: Database, box: SecretBox, technician: Who, at: datetime
) -> None:
    values = {"code": "PTZ-1", "kind": "ptz", "main_url": "rtsp://127.0.0.1/", "lat": 31, "lon": 46}
    values |= {"onvif_url": virtual.address("PTZ-1"), "username": "viewer", "password": "s3cret"}
    camera_id = actions.add_camera(database, box, technician, at, values)["id"]
    control = PtzControl(database, box, SystemClock())
    head = virtual.head("PTZ-1")
    try:
        control.command(SUPERVISOR, camera_id, {"command": "move", "pan": 1.0})
        until(lambda: head.position().pan > 0.02)
        start_s = time.perf_counter()
        control.command(SUPERVISOR, camera_id, {"command": "stop"})
        assert time.perf_counter() - start_s < patience_s(1.0)
        assert not head.moving
        state = control.command(SUPERVISOR, camera_id, {"command": "save_preset", "name": "الجسر"})
        (preset,) = [preset for preset in state["presets"] if preset["name"] == "الجسر"]
        control.command(SUPERVISOR, camera_id, {"command": "home"})
        until(lambda: abs(head.position().pan) < 0.001)
        control.command(SUPERVISOR, camera_id, {"command": "absolute_preset", "preset": preset["token"]})
        until(lambda: head.position().pan > 0.02)
        state = control.command(SUPERVISOR, camera_id, {"command": "delete_preset", "preset": preset["token"]})
        assert preset not in state["presets"]
        control.command(SUPERVISOR, camera_id, {"command": "move", "tilt": 0.5})
        assert head.moving
    finally:
        control.close()
    assert not head.moving  # the end of the program stops what it moved


def test_frame_rates_are_told_lowered_and_restored(virtual: Virtual) -> None:
    device = virtual.devices.devices["FIX-1"]
    client = onvif.OnvifClient(virtual.address("FIX-1"), "viewer", "s3cret", SystemClock())
    try:
        own = client.frame_rates()
        assert own == {"main": 15.0, "sub": 15.0}
        client.set_frame_rates({"main": 7.5, "nobody": 1.0})
        assert device.frame_limits == {"main": 8}  # whole frames: rounded up, never to none
        assert client.frame_rates() == {"main": 8.0, "sub": 15.0}
        client.set_frame_rates(own)
        assert device.frame_limits == {"main": 15}
        with pytest.raises(Unavailable):
            client.set_frame_rates({"main": 200.0})
    finally:
        client.close()
