"""The packed table of a segment's fragments: so that a time is found without opening the file. Pure.

Per fragment four varints (7 bits a byte, lowest first): wall time less the end of the fragment before (zigzag, µs; the
first: less the segment's start), duration less the duration before (zigzag, 90 kHz), bytes, frames * 2 + key. About
7 bytes a fragment, 2 KB a segment of ten minutes. The segments write it, the archive and retention read it.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

MAX_ROWS = 100_000
_MAX_NUMBER_BYTES = 9  # 63 bits


class Row(NamedTuple):
    """One fragment of a segment."""

    offset: int  # of its `uuid` box in the file
    size_bytes: int
    wall_us: int
    duration: int  # 90 kHz
    frames: int
    key: bool

    @property
    def end_us(self) -> int:
        """When its last frame ends, UTC µs."""
        return self.wall_us + self.duration * 100 // 9


def _put(into: bytearray, value: int) -> None:
    while value > 0x7F:
        into.append(value & 0x7F | 0x80)
        value >>= 7
    into.append(value)


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


class Packer:
    """Packs rows as they come."""

    def __init__(self, start_us: int) -> None:
        self.packed = bytearray()
        self._expected_us = start_us
        self._duration = 0

    def add(self, wall_us: int, duration: int, size_bytes: int, frames: int, *, key: bool) -> None:
        """The next fragment: wall time in UTC µs, duration in 90 kHz."""
        _put(self.packed, _zigzag(wall_us - self._expected_us))
        _put(self.packed, _zigzag(duration - self._duration))
        _put(self.packed, size_bytes)
        _put(self.packed, frames << 1 | key)
        self._expected_us = wall_us + duration * 100 // 9
        self._duration = duration


def pack(rows: Iterable[Row], start_us: int) -> bytes:
    """The table of `rows` of a segment that starts at `start_us`."""
    packer = Packer(start_us)
    for row in rows:
        packer.add(row.wall_us, row.duration, row.size_bytes, row.frames, key=row.key)
    return bytes(packer.packed)


def unpack(packed: bytes, start_us: int, offset: int) -> list[Row]:
    """The rows of a segment whose first fragment lies at `offset`. Raises `ValueError` where the table is damaged."""
    if not packed:
        return []
    data = np.frombuffer(packed, np.uint8)
    ends = np.flatnonzero(data < 0x80)
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1)) if len(ends) else ends
    if not len(ends) or ends[-1] != len(data) - 1 or len(ends) % 4 or len(ends) > 4 * MAX_ROWS:
        raise ValueError(f"packed table of {len(packed)} bytes is cut or too long")
    if int((ends - starts).max()) > _MAX_NUMBER_BYTES - 1:
        raise ValueError("packed table: a number is too long")
    place = np.arange(len(data)) - np.repeat(starts, ends - starts + 1)
    values = np.add.reduceat((data & 0x7F).astype(np.int64) << (7 * place), starts).reshape(-1, 4)
    signed = (values[:, :2] >> 1) ^ -(values[:, :2] & 1)  # zigzag
    durations = np.cumsum(signed[:, 1])
    lengths_us = durations * 100 // 9
    walls_us = start_us + np.cumsum(signed[:, 0]) + np.cumsum(lengths_us) - lengths_us
    sizes = values[:, 2]
    offsets = offset + np.cumsum(sizes) - sizes
    columns = (offsets, sizes, walls_us, durations, values[:, 3] >> 1, (values[:, 3] & 1).astype(bool))
    return list(map(Row._make, zip(*(column.tolist() for column in columns), strict=True)))
