"""The frame number in the picture survives coding, scaling and dimming, and is never guessed."""

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manara.simulate.bar import BarWriter
from manara.simulate.encoder import Encoder, decode, grey
from manara.simulate.kit import CARD_TIMEZONE
from manara.simulate.strip import bar_height_px, due_us, number_at, read_frame_number, strip_row
from manara.simulate.testcard import card_clip


def _picture(number: int, width: int = 640, height: int = 360) -> np.ndarray:
    luma = np.full((height, width), 120, np.uint8)
    row = strip_row(number, width)
    luma[: bar_height_px(width)] = 24
    luma[: bar_height_px(width), width - row.shape[0] :] = row
    return luma


@given(st.integers(0, 2**36 - 1))
@settings(max_examples=60, deadline=None)
def test_any_number_comes_back(number: int) -> None:
    assert read_frame_number(_picture(number)) == number


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_it_survives_coarse_coding_at_640(codec: str) -> None:
    encoder = Encoder(640, 360, codec=codec, crf=40, gop=5)
    units = [b"".join(b"\0\0\0\1" + nal for nal in encoder.encode(grey(_picture(9_000_000_000 + i)))) for i in range(6)]
    found = [read_frame_number(frame.to_ndarray(format="gray")) for frame in decode(codec, iter(units))]
    assert found == [9_000_000_000 + i for i in range(6)]


@pytest.mark.parametrize("width", [1280, 854, 480, 320])
def test_it_survives_scaling_and_dimming(width: int) -> None:
    frame = av.VideoFrame.from_ndarray(_picture(123_456_789, 1280, 720), format="gray")
    small = frame.reformat(width=width, height=width * 9 // 16 // 2 * 2, interpolation="BILINEAR").to_ndarray()
    dim = (small.astype(np.float32) * 0.4 + 30).astype(np.uint8)
    assert read_frame_number(dim) == 123_456_789


@pytest.mark.parametrize("block", range(48))
def test_one_wrong_block_gives_none(block: int) -> None:
    luma = _picture(77)
    left = 640 * 32 // 80 + block * 8
    luma[:16, left : left + 8] = 255 - luma[:16, left : left + 8]
    assert read_frame_number(luma) is None


def test_other_pictures_give_none() -> None:
    assert read_frame_number(np.zeros((360, 640), np.uint8)) is None
    assert read_frame_number(np.full((360, 640), 255, np.uint8)) is None
    assert read_frame_number(np.zeros((4, 20), np.uint8)) is None


def test_the_number_says_when_it_was_due() -> None:
    rate = Fraction(25, 2)
    number = number_at(1_763_800_000_000_000, rate)
    assert 0 <= 1_763_800_000_000_000 - due_us(number, rate) < 80_000


def test_a_bar_put_together_from_slices_leaves_the_scene_as_it_was_encoded() -> None:
    """The composed picture decodes to the scene bit for bit below the bar, and the bar says clock and number."""
    clip = card_clip(bar=True, seconds=2)
    assert clip.headers is not None
    bar = BarWriter(clip.headers, 640, clip.frame_rate, CARD_TIMEZONE)
    composed = []
    for index, frame in enumerate(clip.frames):
        slices = bar.write(
            "CAM-0007", 5_000 + index, 0, idr=frame.key, frame_num=frame.frame_num, idr_pic_id=frame.idr_pic_id
        )
        sets = clip.parameter_sets if frame.key else ()
        nals = [*sets, *slices, _joined(frame.payloads)]
        composed.append(b"".join(b"\0\0\0\1" + nal for nal in nals))
    pictures = [frame.to_ndarray(format="gray") for frame in decode("h264", iter(composed))]
    assert [read_frame_number(luma) for luma in pictures] == [5_000 + i for i in range(len(clip.frames))]
    height = 360 - 16
    encoder = Encoder(640, height, frame_rate=clip.frame_rate, gop=clip.gop)
    from manara.simulate.testcard import card_pictures

    plain = [
        b"".join(b"\0\0\0\1" + nal for nal in encoder.encode(grey(luma)))
        for luma in card_pictures(640, height, len(clip.frames), strip=False, noise=0)
    ]
    for alone, below in zip(decode("h264", iter(plain)), pictures, strict=True):
        difference = alone.to_ndarray(format="gray").astype(int) - below[16:].astype(int)
        assert np.abs(difference[32:]).max() == 0  # the rows next to the bar may look across its edge


def _joined(payloads: tuple[bytes, ...]) -> bytes:
    """The one slice that these RTP payloads carry."""
    if payloads[0][0] & 31 != 28:
        return payloads[0]
    head = bytes([payloads[0][0] & 0xE0 | payloads[0][1] & 31])
    return head + b"".join(payload[2:] for payload in payloads)
