"""A frame number that a program can read back from the picture: 48 black and white blocks in the bar at the top.

The bar is the top 1/40 of the picture's *width* (16 px at 640, 32 px at 1280). The strip is its right 60 %: four sync
blocks (white, black, white, black), 36 bits of number, most significant first, 8 bits of CRC-8. A block is 1/80 of the
width, so it is 8 px wide at 640x360 and survives H.264 at any quality a person would accept. Pure; no I/O. Called by
`bar.py` and `live.py` (draw) and by tests, the browser suite and `ledger.py` (read).

What the number means: `n` ticks of the stream's frame rate since `EPOCH_US`, so it goes on counting over restarts and
says when the frame was due. 36 bits at 15 Hz last 145 years.
"""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

EPOCH_US = 1_735_689_600_000_000  # 2025-01-01T00:00:00Z
NUMBER_BITS = 36
BLOCKS = 48
_SYNC = (1, 0, 1, 0)
_LEFT_BLOCKS = 32  # the strip starts at 32/80 of the width
_WIDTH_BLOCKS = 80


def bar_height_px(width_px: int) -> int:
    """Height of the bar for a picture of this width: a whole number of 16 px rows."""
    return max(16, width_px // 40 // 16 * 16)


def _crc8(bits: list[int]) -> list[int]:
    register = 0x5A  # not zero, so that an all-black strip is no valid number
    for bit in bits:
        feedback = ((register >> 7) & 1) ^ bit
        register = ((register << 1) & 0xFF) ^ (0x07 if feedback else 0)
    return [(register >> shift) & 1 for shift in range(7, -1, -1)]


def strip_bits(number: int) -> list[int]:
    """The 48 blocks for a number (taken modulo 2**36), 1 = white."""
    number %= 1 << NUMBER_BITS
    data = [(number >> shift) & 1 for shift in range(NUMBER_BITS - 1, -1, -1)]
    return [*_SYNC, *data, *_crc8(data)]


def strip_row(number: int, width_px: int) -> NDArray[np.uint8]:
    """One row of luma of the strip alone, shape (width_px * 48 / 80,), values 20 and 235."""
    block_px = width_px // _WIDTH_BLOCKS
    blocks = np.where(np.array(strip_bits(number)) == 1, 235, 20).astype(np.uint8)
    return np.repeat(blocks, block_px)


def read_frame_number(luma: NDArray[np.uint8]) -> int | None:
    """The frame number burnt into a picture, or None where there is none or it is damaged.

    `luma` has shape (height, width), any scale of the original picture (blocks of 3 px or more are readable). Each
    block is judged by the mean of its middle against the mean of the sync blocks, so brightness and contrast may have
    changed.
    """
    if luma.ndim != 2 or luma.shape[1] < _WIDTH_BLOCKS * 3:
        return None
    width_px = luma.shape[1]
    block = width_px / _WIDTH_BLOCKS
    top, bottom = round(block * 0.5), max(round(block * 1.5), round(block * 0.5) + 1)
    if bottom > luma.shape[0]:
        return None
    rows = luma[top:bottom].astype(np.float32).mean(axis=0)
    means: list[float] = []
    for index in range(BLOCKS):
        left = (_LEFT_BLOCKS + index) * block
        start = int(left + block * 0.3)
        means.append(float(rows[start : max(start + 1, int(left + block * 0.7))].mean()))
    white, black = (means[0] + means[2]) / 2, (means[1] + means[3]) / 2
    if white - black < 40:
        return None
    middle = (white + black) / 2
    bits = [1 if mean > middle else 0 for mean in means]
    data = bits[4 : 4 + NUMBER_BITS]
    if tuple(bits[:4]) != _SYNC or bits[4 + NUMBER_BITS :] != _crc8(data):
        return None
    return int("".join(map(str, data)), 2)


def number_at(wall_us: int, frame_rate: Fraction) -> int:
    """The number of the frame that is due at or last before this time (UTC µs)."""
    return int((wall_us - EPOCH_US) * frame_rate / 1_000_000)


def due_us(number: int, frame_rate: Fraction) -> int:
    """When the frame of this number was due, UTC µs."""
    return EPOCH_US + int(number * 1_000_000 / frame_rate)
