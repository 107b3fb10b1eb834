"""A moving camera's picture follows its head and comes home to its clip, without a break in numbers or decoding."""

import av
import numpy as np

from manara.simulate.bar import BarWriter
from manara.simulate.identity import is_slice, slices_crc
from manara.simulate.kit import CARD_TIMEZONE
from manara.simulate.live import MovingMount, window
from manara.simulate.mount import BlackScene, VirtualCamera
from manara.simulate.ptz import Position, PtzState
from manara.simulate.strip import read_frame_number
from manara.simulate.testcard import card_clip
from tests.simulate.wire import identity_of


def _nals(payloads: list[bytes]) -> list[bytes]:
    """NAL units of H.264 RTP payloads."""
    nals: list[bytes] = []
    for payload in payloads:
        kind = payload[0] & 31
        if kind == 24:
            at = 1
            while at < len(payload):
                size = int.from_bytes(payload[at : at + 2], "big")
                nals.append(payload[at + 2 : at + 2 + size])
                at += 2 + size
        elif kind == 28:
            if payload[1] & 0x80:
                nals.append(bytes([payload[0] & 0xE0 | payload[1] & 31]))
            nals[-1] += payload[2:]
        else:
            nals.append(payload)
    return nals


def test_the_window_is_the_whole_at_home_and_never_leaves_the_picture() -> None:
    assert window(Position(), 1280, 688) == (0, 0, 1280, 688)
    for place in (Position(1, 1, 1), Position(-1, -1, 0), Position(0.3, -0.7, 0.5)):
        left, top, wide, high = window(place, 1280, 688)
        assert left >= 0
        assert top >= 0
        assert left + wide <= 1280
        assert top + high <= 688
        assert wide < 1280


def test_it_follows_the_head_and_comes_home() -> None:
    clip = card_clip(bar=True, seconds=4)
    assert clip.headers is not None
    now = [0.0]
    head = PtzState(lambda: now[0])
    camera = VirtualCamera("CAM-0001")
    bar = BarWriter(clip.headers, 640, clip.frame_rate, CARD_TIMEZONE)
    mount = MovingMount(camera, "main", clip, head, bar=bar, black=BlackScene(640, 360))
    decoder = av.CodecContext.create("h264", "r")
    position = mount.start(0)
    pictures, live = [], []
    for number in range(90):
        if number == 10:
            head.go(Position(0.0, 0.0, 1.0))
        if number == 50:
            head.go(Position())
        now[0] += 0.08
        payloads, position = mount.packets(position, number, 0)
        nals = _nals(payloads)
        identity = identity_of([b"\0" * 12 + payload for payload in payloads])
        assert identity.number == number
        assert identity.crc == slices_crc(nal for nal in nals if is_slice("h264", nal))
        live.append(mount.live)
        data = b"".join(b"\0\0\0\1" + nal for nal in nals)
        pictures += [frame.to_ndarray(format="gray") for frame in decoder.decode(av.Packet(data))]
    assert [read_frame_number(picture) for picture in pictures] == list(range(90))
    assert not any(live[:10])
    assert all(live[10:50])
    assert not live[-1]
    # The card's ramp runs from dark to bright: seen through a quarter of the picture it spans far less.
    spread = [int(np.percentile(picture[40:], 98)) - int(np.percentile(picture[40:], 2)) for picture in pictures]
    assert spread[45] < 0.6 * spread[5]
    assert abs(spread[-1] - spread[5]) < 25
