"""Parameter sets of H.264 and H.265, against what PyAV says of the same streams, and against anything at all."""

import random

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manara.formats import h264, h265
from manara.formats.bits import BitReader, BitsError, unescape
from tests.recorder.cameras import clip, parameter_sets


@pytest.mark.parametrize("size", [(160, 96), (176, 144), (318, 242), (1920, 1080)])
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_sizes_agree_with_a_real_decoder(codec: str, size: tuple[int, int]) -> None:
    pictures = clip(codec, frames=2, width=size[0], height=size[1])
    sets = parameter_sets(codec, pictures)
    parse = h264.parse_sps if codec == "h264" else h265.parse_sps
    kind = 7 if codec == "h264" else 33
    sps = next(nal for nal in sets if (nal[0] & 31 if codec == "h264" else nal[0] >> 1 & 63) == kind)
    found = parse(sps)
    assert (found.width_px, found.height_px) == size
    decoder = av.CodecContext.create("h264" if codec == "h264" else "hevc", "r")
    data = b"".join(b"\x00\x00\x00\x01" + nal for nal in pictures[0].nals)
    frames = decoder.decode(av.Packet(data)) + decoder.decode(None)
    assert (frames[0].width, frames[0].height) == size
    assert found.identifier == 0


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_the_reorder_depth_is_read(codec: str) -> None:
    for bframes, wanted in ((0, 0), (2, 1)):
        sets = parameter_sets(codec, clip(codec, bframes=bframes))
        parse = h264.parse_sps if codec == "h264" else h265.parse_sps
        kind = 7 if codec == "h264" else 33
        sps = next(nal for nal in sets if (nal[0] & 31 if codec == "h264" else nal[0] >> 1 & 63) == kind)
        reorder = parse(sps).reorder_frames
        assert reorder is not None
        assert reorder >= wanted
        assert bframes or reorder == 0


def test_a_camera_s_own_sps() -> None:
    # Baseline 1280x720 as many cameras send it, without usability information.
    found = h264.parse_sps(bytes.fromhex("67 42 00 1f 95 a8 14 01 6e 40"))
    assert (found.width_px, found.height_px, found.codec_string) == (1280, 720, "avc1.42001f")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["h264", "h265"]))
def test_spoiled_sets_raise_the_declared_error_or_none(seed: int, codec: str) -> None:
    dice = random.Random(seed)
    for nal in parameter_sets(codec, clip(codec)):
        spoiled = bytearray(nal)
        for _ in range(dice.randint(1, 8)):
            spoiled[dice.randrange(1, len(spoiled))] = dice.randrange(256)
        data = bytes(spoiled[: dice.randint(1, len(spoiled))])
        try:
            found = (h264 if codec == "h264" else h265).parse_sps(data)
            assert 0 < found.width_px <= 16_400
            assert 0 < found.height_px <= 16_400
        except h264.ParameterSetError:
            pass
        h264.identifier_of(data)
        h265.identifier_of(data)
        h264.has_recovery_point(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_set_or_refused(data: bytes) -> None:
    for parse, head in ((h264.parse_sps, b"\x67"), (h265.parse_sps, b"\x42\x01")):
        try:
            parse(head + data)
        except h264.ParameterSetError:
            pass
    h264.identifier_of(b"\x68" + data)
    h265.identifier_of(b"\x44\x01" + data)
    h264.has_recovery_point(b"\x06" + data)


@given(st.text(max_size=100))
def test_any_sprop_is_survived(text: str) -> None:
    h264.sprop_parameter_sets(text)
    h265.sprop_parameter_sets(text, text)


def test_a_recovery_point_is_found_behind_other_messages() -> None:
    assert h264.has_recovery_point(b"\x06" + b"\x05\x02ab" + b"\x06\x01\xc4" + b"\x80")
    assert not h264.has_recovery_point(b"\x06" + b"\x05\x04ab\x06\x01" + b"\x80")


def test_bits() -> None:
    reader = BitReader(bytes((0b1_010_011_0, 0b0100_0000)))
    assert [reader.ue(), reader.ue(), reader.ue(), reader.ue()] == [0, 1, 2, 3]
    with pytest.raises(BitsError):
        BitReader(bytes(4)).ue()
    with pytest.raises(BitsError):
        BitReader(bytes(9)).ue()
    assert unescape(b"\x00\x00\x03\x01\x00\x00\x03") == b"\x00\x00\x01\x00\x00"
