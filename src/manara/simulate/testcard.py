"""Plain moving pictures made in a moment: for tests and benchmarks, where nobody looks.

Drawn scenes are in `scenes.py`.
"""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from manara.simulate.clips import Clip
from manara.simulate.encoder import Encoder, full_headers, grey, parameter_sets
from manara.simulate.strip import bar_height_px, strip_row


def card_pictures(width_px: int, height_px: int, count: int, *, strip: bool, noise: int) -> Iterator[NDArray[np.uint8]]:
    """`count` luma pictures (height, width) in which a bright square moves; `strip` burns the index in."""
    random = np.random.default_rng(7)
    ramp = np.linspace(60, 180, height_px)[:, None] + np.zeros((1, width_px))
    grain = random.integers(-noise, noise + 1, (height_px + 64, width_px + 64)) if noise else None
    size = max(16, height_px // 8)
    bar = bar_height_px(width_px)
    for index in range(count):
        picture = ramp.copy()
        if grain is not None:
            top, left = (index * 7) % 64, (index * 13) % 64
            picture[bar * 2 :] += grain[top : top + height_px - bar * 2, left : left + width_px]
        left = index * 9 % (width_px - size)
        picture[height_px // 2 : height_px // 2 + size, left : left + size] = 225
        luma = picture.clip(16, 235).astype(np.uint8)
        if strip:
            row = strip_row(index, width_px)
            luma[:bar] = 20
            luma[:bar, width_px - row.shape[0] :] = row
        yield luma


def card_clip(
    *,
    codec: str = "h264",
    width_px: int = 640,
    height_px: int = 360,
    frame_rate: Fraction = Fraction(25, 2),
    seconds: float = 4.0,
    gop: int = 12,
    bar: bool = False,
    noise: int = 0,
    crf: int = 26,
) -> Clip:
    """A clip of the test card.

    With `bar` (H.264 only) the clip leaves room for a live bar, so clock and number go on counting; without it the
    strip shows the place in the clip and comes back with every round. An even number of whole GOPs is made. `noise` (0
    to 60) raises the bit rate.
    """
    if bar and codec != "h264":
        raise ValueError("only H.264 pictures can carry a bar of their own")
    gops = max(2, round(seconds * frame_rate / gop / 2) * 2)
    top = bar_height_px(width_px) if bar else 0
    encoder = Encoder(width_px, height_px - top, codec=codec, frame_rate=frame_rate, gop=gop, crf=crf)
    clip: Clip | None = None
    for luma in card_pictures(width_px, height_px - top, gops * gop, strip=not bar, noise=noise):
        nals = encoder.encode(grey(luma))
        if clip is None:
            headers = full_headers(width_px, height_px, frame_rate, gop) if bar else None
            sets = (headers.sps, headers.pps) if headers else parameter_sets(codec, nals)
            clip = Clip(codec, width_px, height_px, frame_rate, sets, gop, headers=headers)
        key = any((nal[0] & 31 == 5) if codec == "h264" else (16 <= nal[0] >> 1 & 63 <= 21) for nal in nals)
        clip.add(nals, key)
    if clip is None:
        raise ValueError("a clip needs at least one picture")
    clip.complete = True
    return clip
