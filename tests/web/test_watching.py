"""Live pictures through the web: passed through whole, audited, ended with the session, the camera and the right to
see it.
"""

import asyncio
import json
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from manara.base.errors import Unavailable
from manara.web.routes import live
from tests.recorder.archive_rig import wait_for
from tests.web.world import SOUTH, World, running

LIVE = {"state": "live", "codec": "avc1.640028", "width": 1920, "height": 1080, "stream": "main"}
BOXES = [b"ftyp-moov", b"key" * 1000, b"next" * 100]


def framed(kind: bytes, payload: bytes) -> bytes:
    """A frame of the recorder's feed."""
    return struct.pack(">I", len(payload)) + kind + payload


class FakeRecorder:
    """A recorder's door that has some cameras and sends `BOXES` of them."""

    def __init__(self, path: Path, cameras: set[str]) -> None:
        self.path = path
        self.cameras = cameras
        self.asked: list[dict[str, str]] = []
        self.open = 0
        self.writers: list[asyncio.StreamWriter] = []
        self.server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.server = await asyncio.start_unix_server(self._serve, str(self.path))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ask = json.loads(await reader.readline())
        self.asked.append(ask)
        self.open += 1
        self.writers.append(writer)
        if ask["camera_id"] in self.cameras:
            writer.write(framed(b"J", json.dumps(LIVE).encode()) + b"".join(framed(b"M", box) for box in BOXES))
        else:
            writer.write(framed(b"J", b'{"state":"refused","cause":"not_found"}'))
        await writer.drain()
        await reader.read()  # until the other side goes
        self.open -= 1
        writer.close()

    async def give_up(self) -> None:
        """Another recorder has the cameras now."""
        self.cameras = set()
        for writer in self.writers:
            writer.write(framed(b"J", b'{"state":"refused","cause":"not_found"}'))
            await writer.drain()

    async def stop(self) -> None:
        """Go away."""
        if self.server is not None:
            self.server.close()
            self.path.unlink(missing_ok=True)


@contextmanager
def recorder(world: World, name: str, *codes: str) -> Iterator[FakeRecorder]:
    """A recorder that has these cameras."""
    folder = world.services.settings.data.directory / "run"
    fake = FakeRecorder(folder / f"{name}.sock", {world.ids[code] for code in codes})
    assert world.client.portal is not None
    world.client.portal.call(fake.start)
    yield fake
    world.client.portal.call(fake.stop)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A control process in which facts flow."""
    with running(tmp_path, wired=True) as world:
        yield world


@contextmanager
def live_line(world: World, account: str) -> Iterator[WebSocketTestSession]:
    """A browser that may look."""
    with world.client.websocket_connect("/api/live", headers=world.headers(account)) as socket:
        yield socket


@contextmanager
def watching(world: World, account: str, code: str = "n1", stream: str = "main") -> Iterator[WebSocketTestSession]:
    """A browser that watches a camera, as look 1."""
    with live_line(world, account) as socket:
        look(world, socket, 1, code, stream)
        yield socket


def look(world: World, socket: WebSocketTestSession, number: int, code: str, stream: str = "main") -> None:
    """Begin a look."""
    socket.send_json({"op": "open", "look": number, "camera_id": world.ids[code], "stream": stream})


def until_boxes(
    socket: WebSocketTestSession, count: int = len(BOXES), number: int = 1
) -> tuple[list[str], list[bytes]]:
    """States and boxes of all looks up to the `count`-th box, which must be of look `number`."""
    states, boxes = [], []
    while len(boxes) < count:
        message = socket.receive()
        if message["type"] == "websocket.close":
            raise WebSocketDisconnect(message["code"])
        if message.get("bytes") is not None:
            assert int.from_bytes(message["bytes"][:4], "big") == number
            boxes.append(message["bytes"][4:])
        else:
            states.append(json.loads(message["text"])["state"])
    return states, boxes


def closed_code(socket: WebSocketTestSession) -> int:
    """Read until the server closes; its code."""
    with pytest.raises(WebSocketDisconnect) as closed:
        until_boxes(socket, 1000)
    return closed.value.code


def told(socket: WebSocketTestSession, state: str, number: int = 1) -> dict[str, Any]:
    """Read until this is said of a look."""
    while True:
        message = socket.receive()
        if message["type"] == "websocket.close":
            raise WebSocketDisconnect(message["code"])
        if message.get("text"):
            said: dict[str, Any] = json.loads(message["text"])
            if said.get("look") == number and said["state"] == state:
                return said


def audited(world: World, action: str) -> list[dict]:  # type: ignore[type-arg]
    """Entries of the log with this action."""
    return list(world.ask("auditor", "GET", f"/api/audit?action={action}").json())


def test_boxes_pass_through_whole_and_the_look_is_in_the_log(world: World) -> None:
    with recorder(world, "r1", "n1") as fake:
        with watching(world, "operator", stream="sub") as socket:
            states, boxes = until_boxes(socket)
            assert boxes == BOXES
            assert {"live", "clock"} <= set(states)
            assert fake.asked == [{"op": "live", "camera_id": world.ids["n1"], "stream": "sub"}]
            opened = audited(world, "live:open")
            assert (opened[0]["subject"], opened[0]["detail"]["stream"]) == (world.ids["n1"], "sub")
            world.clock.advance(7)
        wait_for(lambda: audited(world, "live:close"), "the end of the look")
        closed = audited(world, "live:close")[0]
        assert closed["detail"]["took_s"] == 7.0
        assert closed["detail"]["bytes"] == sum(map(len, BOXES))
        wait_for(lambda: fake.open == 0, "the recorder is let go")


def test_the_recorder_that_has_the_camera_is_found(world: World) -> None:
    with recorder(world, "r1", "s1") as other, recorder(world, "r2", "n1"), watching(world, "operator") as socket:
        assert until_boxes(socket)[1] == BOXES
        assert len(other.asked) == 1


def test_a_camera_that_goes_to_a_recorder_that_began_meanwhile_is_watched_on(world: World) -> None:
    with recorder(world, "r1", "n1") as first, watching(world, "operator") as socket:
        assert until_boxes(socket)[1] == BOXES
        with recorder(world, "r2", "n1"):
            assert world.client.portal is not None
            world.client.portal.call(first.give_up)
            states, boxes = until_boxes(socket)
            assert boxes == BOXES
            assert "waiting" not in states


def test_without_a_recorder_the_browser_is_told_and_waits(world: World) -> None:
    with watching(world, "operator") as socket:
        assert told(socket, "waiting")["cause"] == "recorder_away"
        with recorder(world, "r1", "n1"):
            assert until_boxes(socket)[1] == BOXES


def test_one_line_carries_many_looks_and_ends_each_alone(world: World) -> None:
    with recorder(world, "r1", "n1", "s1") as fake, live_line(world, "operator") as socket:
        look(world, socket, 1, "n1")
        assert until_boxes(socket)[1] == BOXES
        look(world, socket, 7, "s1", "sub")
        assert until_boxes(socket, number=7)[1] == BOXES
        assert fake.open == 2
        socket.send_json({"op": "close", "look": 1})
        socket.send_json({"op": "close", "look": 1})  # has ended already: no fault
        wait_for(lambda: fake.open == 1, "the first look's recorder is let go")
        wait_for(lambda: len(audited(world, "live:close")) == 1, "the end of one look")
        look(world, socket, 1, "n1")  # the number is free again
        assert until_boxes(socket)[1] == BOXES
    wait_for(lambda: len(audited(world, "live:close")) == 3, "the end of all looks")
    assert len(audited(world, "live:open")) == 3


def test_a_look_that_is_closed_at_once_has_both_ends_in_the_log_or_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter = live._enter

    def slowly(*args: Any) -> None:
        time.sleep(0.05)
        enter(*args)

    monkeypatch.setattr(live, "_enter", slowly)
    with recorder(world, "r1", "n1"), live_line(world, "operator") as socket:
        for number in range(1, 9):
            look(world, socket, number, "n1")
            time.sleep(0.01 * number)
            socket.send_json({"op": "close", "look": number})
        look(world, socket, 9, "n1")
        told(socket, "live", 9)
    wait_for(lambda: audited(world, "live:close"), "the end of the last look")
    wait_for(lambda: len(audited(world, "live:open")) == len(audited(world, "live:close")), "both ends of each look")


@pytest.mark.parametrize(
    "said",
    ["", "[]", "nonsense", '{"op":"open","look":1}', '{"op":"open","look":-1,"camera_id":"x"}', '{"op":"fly","look":1}',
     '{"op":"open","look":4294967296,"camera_id":"x"}', '{"op":"open","look":1,"camera_id":"x","stream":"third"}',
     '{"op":"open","look":1,"camera_id":"' + "x" * 65 + '"}'],
)  # fmt: skip
def test_what_is_not_understood_ends_the_line(world: World, said: str) -> None:
    with live_line(world, "operator") as socket:
        socket.send_text(said)
        assert closed_code(socket) == 1003


def test_bytes_and_a_number_in_use_end_the_line(world: World) -> None:
    with live_line(world, "operator") as socket:
        socket.send_bytes(b"\x00\x01")
        assert closed_code(socket) == 1003
    with recorder(world, "r1", "n1"), watching(world, "operator") as socket:
        until_boxes(socket)
        look(world, socket, 1, "n1")
        assert closed_code(socket) == 1003


def test_looks_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_LOOKS", 2)
    with recorder(world, "r1", "n1"), live_line(world, "operator") as socket:
        for number in (1, 2):
            look(world, socket, number, "n1")
            until_boxes(socket, number=number)
        look(world, socket, 3, "n1")
        assert told(socket, "ended", 3)["cause"] == "too_many"
        socket.send_json({"op": "close", "look": 2})
        wait_for(lambda: len(audited(world, "live:close")) == 1, "the end of a look")
        look(world, socket, 4, "n1")
        assert until_boxes(socket, number=4)[1] == BOXES


def test_a_technician_aims_and_an_auditor_sees_nothing(world: World) -> None:
    with recorder(world, "r1", "n1"), watching(world, "technician") as socket:
        assert until_boxes(socket)[1] == BOXES


def test_the_picture_ends_with_the_session(world: World) -> None:
    account = next(a for a in world.ask("administrator", "GET", "/api/accounts").json() if a["account"] == "operator")
    with recorder(world, "r1", "n1"), watching(world, "operator") as socket:
        until_boxes(socket)
        world.ask("administrator", "DELETE", f"/api/accounts/{account['id']}/sessions")
        assert closed_code(socket) == 4401


@pytest.mark.parametrize("how", ["moved", "removed"])
def test_the_picture_ends_when_the_camera_leaves_ones_sectors(world: World, how: str) -> None:
    camera = f"/api/cameras/{world.ids['n1']}"
    with recorder(world, "r1", "n1"), watching(world, "north") as socket:
        until_boxes(socket)
        if how == "moved":
            world.ask("technician", "PATCH", camera, json={"sector_id": SOUTH})
        else:
            world.ask("technician", "DELETE", camera)
        assert told(socket, "ended")["cause"] == "gone"


@pytest.mark.parametrize(
    ("error", "cause"), [(Unavailable("busy", code="store_busy"), "busy"), (RuntimeError("no log"), "failed")]
)
def test_a_look_that_cannot_be_entered_shows_nothing_and_disturbs_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception, cause: str
) -> None:
    with recorder(world, "r1", "n1", "n2") as fake, watching(world, "operator") as socket:
        assert until_boxes(socket)[1] == BOXES

        def broken(*args: object) -> None:
            raise error

        with monkeypatch.context() as busy:
            busy.setattr(world.database, "act", broken)
            look(world, socket, 2, "n2")
            assert told(socket, "ended", 2)["cause"] == cause
        assert len(fake.asked) == 1
        look(world, socket, 2, "n2")
        assert until_boxes(socket, number=2)[1] == BOXES
