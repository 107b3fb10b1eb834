"""Decoding: real key frames, and bytes that are none."""

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manara.vision.picture import BadPicture, decode, look, over_blocks
from tests.vision.drawn import key_frame, scene

PICTURE = scene()[:360, :640]


@pytest.mark.parametrize(("codec", "encoder"), [("h264", "libx264"), ("h265", "libx265")])
def test_a_key_frame_becomes_a_look(codec: str, encoder: str) -> None:
    picture = decode(codec, key_frame(PICTURE, encoder))
    assert (picture.width_px, picture.height_px) == (640, 360)
    seen = look(picture, 5)
    assert seen.luma.shape == (180, 320)
    assert abs(seen.mean - 16 - float(PICTURE.mean()) * 219 / 255) < 12
    assert picture.jpeg()[:2] == b"\xff\xd8"


@pytest.mark.parametrize("size", [(1280, 720), (704, 576), (352, 288), (64, 64)])
def test_every_size_gives_the_same_numbers(size: tuple[int, int]) -> None:
    frame = av.VideoFrame.from_ndarray(PICTURE.astype(np.uint8), format="rgb24").reformat(*size)
    seen = look(decode("h264", key_frame(frame.to_ndarray(format="rgb24"))), 5)
    assert (seen.edges.shape, seen.grain.shape) == ((90, 160), (54, 96))


@pytest.mark.parametrize("size", [(180, 320), (90, 160)])
def test_means_over_blocks_leave_the_bands_out(size: tuple[int, int]) -> None:
    values = np.random.default_rng(3).uniform(0, 255, size).astype(np.float32)
    down, across, band = size[0] * 16 // 180, size[1] // 16, size[0] // 10
    inner = values[band : size[0] - band].reshape(9, down, 16, across)
    assert np.allclose(over_blocks(values), inner.mean(axis=(1, 3)), atol=1e-3)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["h264", "h265", "", "mjpeg"]))
def test_garbage_is_told(data: bytes, codec: str) -> None:
    with pytest.raises(BadPicture):
        decode(codec, data)


GOOD = key_frame(PICTURE)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=30))
def test_a_damaged_key_frame_is_told_or_a_picture(at: int, garbage: bytes) -> None:
    data = GOOD[:at] + garbage + GOOD[at + len(garbage) :]
    try:
        look(decode("h264", data), 1)
    except BadPicture:
        pass
