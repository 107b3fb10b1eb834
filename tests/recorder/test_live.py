"""What a viewer is sent, and in which order: state, init section, a key frame, then the rest."""

from collections.abc import Sequence
from typing import Any

from manara.formats.frames import Fragment, VideoFormat
from manara.formats.h264 import parse_sps
from manara.recorder.live import LiveChannel
from manara.recorder.sink import StreamKey

SPS = bytes.fromhex("6742c01ed90141fb0110000003001000000303c0f1622e48")
PPS = bytes.fromhex("68cb83cb20")


class Screen:
    """Notes what comes: `live`, `init`, `key`, `frame`."""

    def __init__(self) -> None:
        self.got: list[str] = []

    def state(self, state: dict[str, Any]) -> None:
        self.got.append(state["state"])

    def media(self, boxes: bytes, key: bool, init: bool) -> None:
        assert boxes[4:8] == (b"ftyp" if init else b"uuid")
        self.got.append("init" if init else "key" if key else "frame")


def fragment(key: bool, number: int = 0) -> Fragment:
    return Fragment(
        payload=(b"\0\0\0\1\x65" if key else b"\0\0\0\1\x41",),
        sizes=[5],
        durations=[6000],
        composition_offsets=[0],
        key=key,
        decode_time=number * 6000,
        wall_us=1,
        camera_us=0,
        key_indexes=[0] if key else [],
    )


def video() -> VideoFormat:
    sequence = parse_sps(SPS)
    return VideoFormat("h264", (SPS, PPS), sequence.width_px, sequence.height_px, sequence.codec_string)


def channel(changed: Any = lambda: None) -> LiveChannel:
    return LiveChannel(StreamKey("c1", "main"), changed)


def none() -> Sequence[Fragment]:
    return ()


def test_who_joins_a_running_stream_gets_its_gop_and_then_each_frame() -> None:
    live, screen = channel(), Screen()
    live.format(video(), None)
    live.join(screen, lambda: [fragment(True), fragment(False, 1)])
    live.frame(fragment(False, 2))
    assert screen.got == ["live", "init", "key", "frame", "frame"]


def test_frames_that_could_not_be_decoded_are_not_sent() -> None:
    live, screen = channel(), Screen()
    live.format(video(), None)
    live.join(screen, none)  # the GOP was too large to keep
    live.frame(fragment(False, 1))
    assert screen.got == ["live", "init"]
    live.frame(fragment(True, 2))
    live.frame(fragment(False, 3))
    assert screen.got == ["live", "init", "key", "frame"]


def test_a_gop_that_has_lost_its_beginning_is_not_sent() -> None:
    live, screen = channel(), Screen()
    live.format(video(), None)
    live.join(screen, lambda: [fragment(False, 1)])
    live.frame(fragment(True, 2))
    assert screen.got == ["live", "init", "key"]


def test_frames_of_a_new_format_wait_for_its_key_frame() -> None:
    live, screen = channel(), Screen()
    live.format(video(), None)
    live.join(screen, lambda: [fragment(True)])
    live.format(video(), None)
    live.frame(fragment(False, 1))
    live.frame(fragment(True, 2))
    assert screen.got == ["live", "init", "key", "live", "init", "key"]


def test_a_format_that_comes_while_joining_is_sent_once_and_first() -> None:
    screen = Screen()

    def changed() -> None:  # what waited in the socket
        if live.viewers:
            live.format(video(), None)
            live.frame(fragment(True))

    live = channel(changed)
    live.join(screen, lambda: [fragment(True)])
    live.frame(fragment(False, 1))
    assert screen.got == ["live", "init", "key", "frame"]


def test_a_stream_that_is_waited_for_shows_nothing_of_the_one_before() -> None:
    live, screen = channel(), Screen()
    live.format(video(), None)
    live.wait("none", 5)
    live.frame(fragment(False, 1))
    live.join(screen, lambda: [fragment(True)])
    assert screen.got == ["waiting"]
    live.format(video(), None)
    live.frame(fragment(True, 2))
    live.leave(screen)
    live.frame(fragment(False, 3))
    assert screen.got == ["waiting", "live", "init", "key"]
