"""What cameras and cables do wrong: stalls, cuts, half packets, garbage. It comes back, and every gap has a cause."""

import asyncio
import contextlib
import random

import pytest

from tests.recorder.cameras import Camera, Peer, clip, interleaved, run, until
from tests.recorder.stream_rig import Rig

CAUSES = frozenset(
    (
        "unauthorized", "not_found", "timeout", "connection_refused", "dns", "stalled", "protocol_error",
        "server_closed", "codec_unsupported", "no_video", "tls", "disk", "configuration",
    )
)  # fmt: skip


class Faulty(Camera):
    """Does `fault` on its first connection after half of the clip, and behaves on the next one."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault

    async def play(self, peer: Peer) -> None:
        first = self.connections == 1
        for number, picture in enumerate(self.pictures):
            packets = [interleaved(packet) for packet in self.packetiser.packets(picture)]
            if first and number == 25:
                match self.fault:
                    case "stall":
                        return
                    case "cut":
                        peer.writer.write(packets[0])
                        peer.writer.transport.abort()
                        return
                    case "close":
                        peer.writer.write(packets[0][:30])
                        peer.writer.close()
                        return
                    case "half":
                        peer.send(packets[0][:50])
                        continue
                    case "garbage":
                        peer.send(random.Random(5).randbytes(5000))
                        continue
                    case "flood":
                        dice = random.Random(6)
                        for _ in range(100):
                            peer.send(dice.randbytes(8192))
                            await peer.writer.drain()
                        return
            for packet in packets:
                peer.send(packet)
            await peer.writer.drain()


@pytest.mark.parametrize(
    ("fault", "causes"),
    [
        ("stall", {"stalled"}),
        ("cut", {"server_closed"}),
        ("close", {"server_closed"}),
        ("flood", {"protocol_error", "stalled"}),
    ],
)
def test_the_stream_comes_back_and_the_gap_has_a_cause(fault: str, causes: set[str]) -> None:
    camera = Faulty(fault)

    async def body() -> None:
        async with camera.serving():
            rig = Rig(camera)
            await until(lambda: rig.status.reconnects >= 1 and rig.status.frames >= 60)
            status = rig.status
            assert (status.state, status.gaps_today) == ("recording", 1)
            await rig.stop()
            assert rig.sink.names() == ["format", "fragment", "gap", "recovered", "format", "fragment", "ended"]
            (cause,) = [what for name, what in rig.sink.calls if name == "gap"]
            assert cause in causes
            wanted = [picture.sample for picture in camera.pictures]
            found = rig.sink.samples
            assert found[:25] == wanted[:25]
            assert found[-40:] == wanted

    run(body)


@pytest.mark.parametrize("fault", ["half", "garbage"])
def test_a_spoiled_piece_costs_frames_but_not_the_connection(fault: str) -> None:
    camera = Faulty(fault)

    async def body() -> None:
        async with camera.serving():
            rig = Rig(camera)
            await until(lambda: rig.status.frames >= 35)
            await until(lambda: rig.streams._places and len(rig.sink.fragments) >= 3)
            await rig.stop()
            wanted = [picture.sample for picture in camera.pictures]
            found = rig.sink.samples
            assert camera.connections == 1
            assert found[:25] == wanted[:25]
            assert found[-10:] == wanted[-10:]  # from the next key frame on at the latest
            assert set(found) <= set(wanted)

    run(body)


@pytest.mark.parametrize("seed", range(12))
def test_bytes_flipped_anywhere_never_stop_the_recorder(seed: int) -> None:
    dice = random.Random(seed)

    class Noisy(Camera):
        async def play(self, peer: Peer) -> None:
            for picture in self.pictures:
                for packet in self.packetiser.packets(picture):
                    data = bytearray(interleaved(packet))
                    if self.connections == 1 and dice.random() < 0.05:
                        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
                    peer.send(bytes(data))
                await peer.writer.drain()
            if self.connections == 1:
                await asyncio.sleep(0)
                peer.writer.close()

    camera = Noisy()

    async def body() -> None:
        async with camera.serving():
            rig = Rig(camera)
            await until(lambda: camera.connections >= 2 and rig.status.state == "recording")
            await until(lambda: rig.sink.samples[-1:] != [] and rig.status.frames >= 40)
            await rig.stop()
            assert rig.sink.samples[-40:] == [picture.sample for picture in camera.pictures]

    run(body)


def test_a_change_of_parameter_sets_loses_nothing() -> None:
    from dataclasses import replace

    second = tuple(replace(p, pts=p.pts + 40 * 9000) for p in clip("h264", width=192, height=112))
    camera = Camera(pictures=clip("h264") + second)

    async def body() -> None:
        async with camera.serving():
            rig = Rig(camera)
            await until(lambda: rig.status.frames >= 80)
            assert (rig.status.width, rig.status.height) == (192, 112)
            await rig.stop()
            assert rig.sink.names() == ["format", "fragment", "format", "fragment", "ended"]
            assert rig.sink.samples == [picture.sample for picture in camera.pictures]

    run(body)


@pytest.mark.parametrize("seed", range(30))
def test_nonsense_in_the_dialogue_is_told_with_a_cause(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    dice = random.Random(seed)

    class Mad(Camera):
        async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            peer = Peer(reader, writer)
            self.peers.append(peer)
            with contextlib.suppress(
                asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError, ValueError
            ):
                for _ in range(6):
                    asked = await peer.request()
                    good = (
                        f"RTSP/1.0 200 OK\r\nCSeq: {asked.headers.get('cseq')}\r\nPublic: GET_PARAMETER\r\n"
                        f"Session: 1;timeout=2\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n"
                        f"Content-Base: {self.base}\r\nContent-Length: {len(self.sdp())}\r\n\r\n{self.sdp()}"
                    ).encode()
                    data = bytearray(good)
                    for _ in range(dice.randrange(6)):
                        data[dice.randrange(len(data))] = dice.randrange(256)
                    peer.send(bytes(data[: dice.randint(1, len(data))] if dice.random() < 0.2 else data))
                    if dice.random() < 0.2:
                        peer.send(dice.randbytes(dice.randrange(2000)))
                    await writer.drain()
            writer.close()

    camera = Mad()

    async def body() -> None:
        async with camera.serving():
            rig = Rig(camera, settings={"connect_timeout_s": 0.4, "stall_s": 0.4})
            await until(lambda: rig.status.state in ("lost", "refused"))
            assert rig.status.cause in CAUSES
            assert "internal" not in rig.status.detail
            assert "see the log" not in rig.status.detail
            await rig.stop()

    run(body)
