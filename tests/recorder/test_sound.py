"""Sound that passes through: which descriptions are taken, and AAC frames out of packets."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manara.formats import sdp
from manara.formats.frames import SoundFormat
from manara.recorder.gop import GopJoiner
from manara.recorder.sound import SoundTaker, sound_format
from tests.recorder.cameras import ListTaker, Packetiser, clip

AAC = (
    b"m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/16000/1\r\n"
    b"a=fmtp:97 profile-level-id=15; mode=AAC-hbr; config=1408; SizeLength=13; IndexLength=3; IndexDeltaLength=3\r\n"
)


def test_descriptions_that_are_taken() -> None:
    (aac,) = sdp.parse(AAC).media
    assert sound_format(aac) == SoundFormat("aac", 16_000, 1, b"\x14\x08")
    (pcmu,) = sdp.parse(b"m=audio 0 RTP/AVP 0\r\n").media
    assert sound_format(pcmu) == SoundFormat("pcmu", 8000, 1)


@pytest.mark.parametrize(
    "text",
    [
        b"m=audio 0 RTP/AVP 98\r\na=rtpmap:98 G726-32/8000\r\n",
        AAC.replace(b"config=1408", b"config=zz"),
        AAC.replace(b"config=1408", b""),
        AAC.replace(b"AAC-hbr", b"AAC-lbr"),
    ],
)
def test_descriptions_that_are_not(text: bytes) -> None:
    assert sound_format(sdp.parse(text).media[0]) is None


def begun() -> tuple[GopJoiner, SoundTaker]:
    """A joiner that has had its first key frame."""
    joiner = GopJoiner(ListTaker(), "h264", 90_000, (), 2.0)
    joiner.data.put(clip("h264")[0].sample)
    joiner.frame(0, True, [nal for nal in clip("h264")[0].nals if nal[0] & 31 in (7, 8)])
    return joiner, SoundTaker(joiner, SoundFormat("aac", 16_000, 1, b"\x14\x08"), 97)


def test_several_aac_frames_in_a_packet() -> None:
    joiner, taker = begun()
    packetiser = Packetiser(payload_type=97, clock_hz=16_000)
    frames = [bytes([n]) * (50 + n) for n in range(3)]
    head = struct.pack(">H", 16 * len(frames)) + b"".join(struct.pack(">H", len(frame) << 3) for frame in frames)
    for turn in range(2):
        pts = turn * 3 * 1024 * 90_000 // 16_000
        taker.take(memoryview(packetiser.packet(head + b"".join(frames), pts, True)))
    assert [(duration, data) for _, duration, data in joiner.sound] == [(1024, frame) for frame in frames * 2]
    assert [at - joiner.sound[0][0] for at, _, _ in joiner.sound] == [1024 * n for n in range(6)]


@given(st.binary(max_size=100))
def test_any_bytes_are_survived(data: bytes) -> None:
    joiner, taker = begun()
    taker.take(memoryview(data))
    taker.take(memoryview(Packetiser(payload_type=97).packet(data, 0, True)))
    assert all(duration > 0 and size for _, duration, size in joiner.sound)


def test_sound_that_nobody_fetches_is_bounded() -> None:
    joiner, taker = begun()
    packetiser = Packetiser(payload_type=97, clock_hz=16_000)
    for turn in range(3000):
        taker.take(memoryview(packetiser.packet(struct.pack(">HH", 16, 8 << 3) + bytes(8), turn * 5760, True)))
    assert len(joiner.sound) == 2048
    assert taker.dropped == 952
