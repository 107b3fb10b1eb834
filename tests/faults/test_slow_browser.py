"""A browser that takes nothing: it is let go, its recorder is left alone meanwhile, and no other browser notices."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from manara.web import watch
from manara.web.app import server_config
from manara.web.routes import live
from tests.recorder.archive_rig import wait_for
from tests.web.test_watching import LIVE, FakeRecorder, audited, framed
from tests.web.world import World, running

BOX = bytes(64 * 1024)
MOST_BYTES = 32 << 20  # what sockets on the way may hold


class Fountain(FakeRecorder):
    """Sends boxes for as long as they are taken."""

    def __init__(self, path: Path, cameras: set[str]) -> None:
        super().__init__(path, cameras)
        self.given_bytes: dict[str, int] = {}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        camera_id = json.loads(await reader.readline())["camera_id"]
        writer.write(framed(b"J", json.dumps(LIVE).encode()))
        try:
            while True:
                writer.write(framed(b"M", BOX))
                await writer.drain()
                self.given_bytes[camera_id] = self.given_bytes.get(camera_id, 0) + len(BOX)
                await asyncio.sleep(0.002)
        except ConnectionError:
            writer.close()


@contextmanager
def served(world: World) -> Iterator[int]:
    """The application on a real port."""
    config = server_config(world.app, world.services.settings)
    config.port, config.lifespan = 0, "off"  # TestClient has begun it
    server = uvicorn.Server(config)
    portal = world.client.portal
    assert portal is not None
    running = portal.start_task_soon(server.serve)
    wait_for(lambda: server.started, "the server listens")
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    running.result(20)


@contextmanager
def watching(world: World, port: int, code: str) -> Iterator[ClientConnection]:
    """A browser that has asked to look and has not read yet."""
    headers = {"Cookie": world.headers("operator")["Cookie"]}
    origin = Origin(f"http://127.0.0.1:{port}")
    address = f"ws://127.0.0.1:{port}/api/live"
    with connect(address, additional_headers=headers, origin=origin, max_queue=1, close_timeout=0.5) as line:
        line.send(json.dumps({"op": "open", "look": 1, "camera_id": world.ids[code]}))
        yield line


def test_a_browser_that_takes_nothing_is_let_go_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (live, watch):
        monkeypatch.setattr(module, "SEND_S", 2.0)
    with running(tmp_path, wired=True) as world, served(world) as port:
        fake = Fountain(tmp_path / "run" / "r1.sock", {world.ids["n1"], world.ids["s1"]})
        assert world.client.portal is not None
        world.client.portal.call(fake.start)
        with watching(world, port, "n1"), watching(world, port, "s1") as well:
            taken_bytes = 0
            until = time.monotonic() + 60
            while not audited(world, "live:close"):
                assert time.monotonic() < until, "the frozen browser is still held"
                for _ in range(50):
                    taken_bytes += len(well.recv(timeout=10))
            ended = audited(world, "live:close")
            assert [entry["subject"] for entry in ended] == [world.ids["n1"]]
            assert fake.given_bytes[world.ids["n1"]] < MOST_BYTES
            assert taken_bytes > fake.given_bytes[world.ids["n1"]]  # it was not held with the other
        wait_for(lambda: len(audited(world, "live:close")) == 2, "the end of the other look")
        world.client.portal.call(fake.stop)
