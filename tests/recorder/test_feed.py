"""The feed between recorder and control: first picture at once, slow clients cut to key frames, statuses."""

import asyncio
import json
import os
import stat
import struct
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from manara.base.errors import Unavailable
from manara.formats import fmp4
from manara.messages import RecorderStatus
from manara.recorder.feed import BACKLOG_BYTES, FeedClient, FeedServer
from tests.recorder.cameras import Camera, clip, run, until
from tests.recorder.stream_rig import Rig


@asynccontextmanager
async def feeding(camera: Camera, path: Path):  # type: ignore[no-untyped-def]
    async with camera.serving():
        rig = Rig(camera)
        server = FeedServer(
            rig.streams, path, lambda: RecorderStatus(recorder_id="r", at_us=1, streams=rig.streams.statuses())
        )
        await server.start()
        try:
            yield rig, server
        finally:
            await server.stop()
            await rig.stop()


def test_a_viewer_gets_state_init_gop_and_then_frames(tmp_path: Path) -> None:
    camera = Camera(pictures=clip("h264", frames=100, gop=20))
    camera.pace_s = 0.02
    path = tmp_path / "run" / "r.sock"

    async def body() -> None:
        async with feeding(camera, path) as (rig, server):
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
            await until(lambda: rig.status.frames >= 5)
            got: list[object] = []
            async with aclosing(FeedClient(path).live("c1", "main")) as live:
                async for item in live:
                    got.append(item)
                    if len(got) == 8:
                        break
            assert got[0] == {
                "state": "live", "codec": rig.status.codec, "width": 160, "height": 96, "stream": "main",
            }  # fmt: skip
            init, *fragments = [item for item in got[1:] if isinstance(item, bytes)]
            assert init[4:8] == b"ftyp"
            assert all(fragment[4:8] == b"uuid" for fragment in fragments)
            flags = [fragment[25] for fragment in fragments]
            assert flags[0] == fmp4.FLAG_KEY | fmp4.FLAG_LIVE
            counts = [struct.unpack_from(">I", fragment, 28)[0] for fragment in fragments]
            assert counts[0] >= 5
            assert counts[1:] == [1] * (len(counts) - 1)
            await until(lambda: not server.clients)
            assert rig.status.viewers == 0

    run(body)


def test_waiting_is_told_with_its_cause(tmp_path: Path) -> None:
    camera = Camera()
    camera.sdp = lambda: "v=0\r\nm=video 0 RTP/AVP 26\r\n"  # type: ignore[method-assign]
    path = tmp_path / "r.sock"

    async def body() -> None:
        async with feeding(camera, path) as (rig, _):
            await until(lambda: rig.status.state == "refused")
            async with aclosing(FeedClient(path).live("c1", "main")) as live:
                state = await anext(live)
            assert state == {"state": "waiting", "since_us": rig.status.since_us, "cause": "codec_unsupported"}
            async with aclosing(FeedClient(path).live("c1", "sub")) as live:
                assert await anext(live) == {"state": "refused", "cause": "not_found"}

    run(body)


def test_status_and_nonsense(tmp_path: Path) -> None:
    camera = Camera()
    path = tmp_path / "r.sock"

    async def body() -> None:
        async with feeding(camera, path) as (rig, server):
            await until(lambda: rig.status.frames >= 40)
            status = await FeedClient(path).status()
            assert (status.recorder_id, status.streams[0].frames) == ("r", 40)
            for line in (b"nonsense\n", b'{"op": 5}\n', b'{"op": "fly"}\n', b"\xff\n"):
                reader, writer = await asyncio.open_unix_connection(str(path))
                writer.write(line)
                size, kind = struct.unpack(">IB", await reader.readexactly(5))
                assert kind == ord("J")
                assert json.loads(await reader.readexactly(size))["state"] == "refused"
                writer.close()
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(b"x" * 10_000)
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await reader.readexactly(5)
            writer.close()
            await until(lambda: not server.clients)
        with pytest.raises(Unavailable):
            await FeedClient(path).status()

    run(body)


class _Pipe:
    """A transport that takes nothing."""

    def __init__(self) -> None:
        self.waiting = 0
        self.sent: list[tuple[int, bytes]] = []

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def writelines(self, parts: tuple[bytes, bytes]) -> None:
        self.sent.append((parts[0][4], parts[1]))
        self.waiting += sum(map(len, parts))


def test_a_slow_client_is_cut_to_the_next_key_frame_and_told() -> None:
    from manara.recorder.feed import _Client

    class Door:
        frames_skipped = 0

    door = Door()
    client = _Client(door)  # type: ignore[arg-type]
    pipe = _Pipe()
    client._transport = pipe  # type: ignore[assignment]
    frame = bytes(BACKLOG_BYTES // 4 - 8)
    for number in range(12):
        client.media(frame, number % 5 == 0, False)
    assert len(pipe.sent) == 5
    assert door.frames_skipped == 7
    pipe.waiting = 0  # it has caught up, but a frame that is no key frame would be of no use
    client.media(frame, False, False)
    assert len(pipe.sent) == 5
    client.media(frame, True, False)
    client.media(frame, False, False)
    assert [kind for kind, _ in pipe.sent[5:]] == [ord("J"), ord("M"), ord("M")]
    assert json.loads(pipe.sent[5][1]) == {"state": "skipped", "frames": 8}
