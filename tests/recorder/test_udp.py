"""Video over UDP: order restored, losses counted, TCP where nothing comes."""

import asyncio
import random
import socket
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manara.recorder.udp import SLOTS, Reorder
from tests.recorder.cameras import Asked, Camera, Peer, clip, run, until
from tests.recorder.stream_rig import Rig


def numbered(sequence: int) -> bytes:
    return (sequence & 0xFFFF).to_bytes(2, "big")


@given(st.integers(0, 65_535), st.integers(0, 2**32), st.integers(1, SLOTS // 2))
def test_shuffled_packets_come_out_in_order(start: int, seed: int, reach: int) -> None:
    dice = random.Random(seed)
    order = sorted(range(200), key=lambda n: n + dice.random() * reach)
    order.remove(0)
    out: list[bytes] = []
    reorder = Reorder(out.append, lambda: 0.0)
    for number in [0, *order]:
        reorder.push((start + number) & 0xFFFF, numbered(start + number))
    reorder.drain()
    assert out == [numbered(start + number) for number in range(200)]


def test_what_is_missing_is_given_up_after_64_packets_or_250_ms() -> None:
    out: list[bytes] = []
    now = [0.0]
    reorder = Reorder(out.append, lambda: now[0])
    for number in (0, *range(2, 2 + SLOTS)):
        reorder.push(number, numbered(number))
    assert out == [numbered(n) for n in (0, *range(2, 2 + SLOTS))]
    reorder.push(1, numbered(1))
    reorder.push(70, numbered(70))
    now[0] = 0.3
    reorder.tick()
    assert out[-1] == numbered(70)
    assert reorder.late == 1


@given(st.lists(st.integers(0, 65_535), max_size=200))
def test_any_order_is_survived_and_bounded(numbers: list[int]) -> None:
    out: list[bytes] = []
    reorder = Reorder(out.append, lambda: 0.0)
    for number in numbers:
        reorder.push(number, numbered(number))
    reorder.drain()
    assert len(out) + reorder.late == len(numbers)


class UdpCamera(Camera):
    """Sends over UDP as it is told."""

    def __init__(self, lose: int = 0, swap: bool = False, silent: bool = False, only: str = "") -> None:
        super().__init__()
        self.lose, self.swap, self.silent, self.only = lose, swap, silent, only
        self.place = ("127.0.0.1", 0)
        self.udp = False

    async def handle(self, peer: Peer, asked: Asked) -> bool:
        if asked.method == "SETUP":
            self.udp = "client_port" in asked.headers["transport"]
            if self.only and (self.only == "udp") != self.udp:
                peer.answer(asked, "461 Unsupported Transport")
                return True
            if self.udp:
                port = int(asked.headers["transport"].partition("client_port=")[2].partition("-")[0])
                assert port % 2 == 0
                self.place = ("127.0.0.1", port)
                headers = f"Session: 1\r\nTransport: {asked.headers['transport']};server_port=9-10\r\n"
                peer.answer(asked, headers=headers)
                return True
        return await super().handle(peer, asked)

    async def play(self, peer: Peer) -> None:
        if not self.udp:
            await super().play(peer)
            return
        if self.silent:
            return
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            packets = [packet for picture in self.pictures for packet in self.packetiser.packets(picture)]
            if self.lose:
                del packets[self.lose]
            if self.swap:
                for at in range(1, len(packets) - 1, 4):
                    packets[at], packets[at + 1] = packets[at + 1], packets[at]
            for number, packet in enumerate(packets):
                sock.sendto(packet, self.place)
                if number % 20 == 0:
                    await asyncio.sleep(0.001)


def recorded(camera: Camera, frames: int, transport: str) -> Rig:
    found: list[Rig] = []

    async def body() -> None:
        async with camera.serving():
            rig = Rig(camera, transport=transport)
            found.append(rig)
            await until(lambda: rig.status.frames >= frames)
            rig.last = rig.status  # type: ignore[attr-defined]
            await rig.stop()

    run(body)
    return found[0]


@pytest.mark.parametrize("swap", [False, True])
def test_every_frame_over_udp(swap: bool) -> None:
    camera = UdpCamera(swap=swap)
    rig = recorded(camera, 40, "udp")
    assert camera.udp
    assert rig.sink.samples == [picture.sample for picture in camera.pictures]
    assert rig.last.packets_lost == 0  # type: ignore[attr-defined]


def test_a_lost_packet_is_counted_and_costs_one_frame() -> None:
    camera = UdpCamera(lose=300)
    rig = recorded(camera, 39, "udp")
    found = rig.sink.samples
    wanted = [picture.sample for picture in camera.pictures]
    assert len(found) == 39
    assert set(found) < set(wanted)
    assert rig.last.packets_lost == 1  # type: ignore[attr-defined]
    assert rig.last.frames_dropped == 1  # type: ignore[attr-defined]
    lengths = [d for f in rig.sink.fragments for d in f.durations]
    assert lengths.count(18_000) == 1  # the frame before the lost one stands for both


def test_tcp_is_used_where_udp_brings_nothing() -> None:
    camera = UdpCamera(silent=True)
    rig = recorded(camera, 40, "udp")
    assert not camera.udp
    assert rig.sink.samples == [picture.sample for picture in camera.pictures]


@pytest.mark.parametrize(("only", "asked"), [("udp", "tcp"), ("tcp", "udp")])
def test_the_transport_that_the_camera_has_is_used(only: str, asked: str) -> None:
    camera = UdpCamera(only=only)
    rig = recorded(camera, 40, asked)
    assert camera.udp == (only == "udp")
    assert "offers only" in rig.last.detail  # type: ignore[attr-defined]


def test_ports_of_a_pair_are_even_and_odd() -> None:
    from manara.recorder.udp import _bind_pair

    pairs = [_bind_pair(socket.AF_INET) for _ in range(8)]
    for first, second in pairs:
        assert first.getsockname()[1] % 2 == 0
        assert second.getsockname()[1] == first.getsockname()[1] + 1
    assert all(a is not b for a, b in pairwise(pairs))
    for pair in pairs:
        for sock in pair:
            sock.close()


def test_the_clip_is_what_it_should_be() -> None:
    assert len(clip("h264")) == 40
