"""The packed table of a segment's fragments: so that a time is found without opening the file. Pure.

It grows as rows, the index stores it in columns, and it is read in either form; the last byte tells them apart. The
segments write it, the archive and retention read it.

Rows: per fragment four varints (7 bits a byte, lowest first): wall time less the end of the fragment before (zigzag,
µs; the first: less the segment's start), duration less the duration before (zigzag, 90 kHz), bytes, frames * 2 + key.
About 7 bytes a fragment. The last byte ends a number, so it is below 0x80.

Columns: the number of rows; for each of wall time (as above), duration, bytes, frames * 2 + key the least (zigzag) and
how many bits the others need above it; all as varints. Then, deflated, those bits: column after column, and of a column
the lowest bit of every row, then the next. The last byte is 0x80. The low bits are noise and stay as many as they are,
the high ones hardly change: about 4 bytes a fragment.
"""

import zlib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

MAX_ROWS = 100_000
_MAX_NUMBER_BYTES = 9  # 63 bits
_MAX_WIDTH = 62
_HEAD_NUMBERS = 9
_COLUMNS = 0x80
_RAW_DEFLATE = -15  # without zlib's header and sum

Numbers = npt.NDArray[np.int64]


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


def shrink(packed: bytes) -> bytes:
    """The table in columns, where that is smaller. One that is in columns already or damaged comes back as it is."""
    try:
        numbers = _from_rows(packed)
    except ValueError:
        return packed
    least = numbers.min(axis=1)
    widths = [(high - low).bit_length() for high, low in zip(numbers.max(axis=1).tolist(), least.tolist(), strict=True)]
    if max(widths) > _MAX_WIDTH:
        return packed
    head = bytearray()
    _put(head, numbers.shape[1])
    for low, width in zip(least.tolist(), widths, strict=True):
        _put(head, _zigzag(low))
        _put(head, width)
    places = np.concatenate([np.arange(width) for width in widths])
    bits = np.repeat(numbers - least[:, None], widths, axis=0) >> places[:, None] & 1
    deflate = zlib.compressobj(wbits=_RAW_DEFLATE)
    planes = deflate.compress(np.packbits(bits.astype(np.uint8), axis=1).tobytes()) + deflate.flush()
    return min(packed, bytes(head) + planes + bytes([_COLUMNS]), key=len)


def unpack(packed: bytes, start_us: int, offset: int) -> list[Row]:
    """The rows of a segment whose first fragment lies at `offset`. Raises `ValueError` where the table is damaged."""
    if not packed:
        return []
    steps, durations, sizes, marks = _from_columns(packed) if packed[-1] == _COLUMNS else _from_rows(packed)
    lengths_us = durations * 100 // 9
    walls_us = start_us + np.cumsum(steps) + np.cumsum(lengths_us) - lengths_us
    offsets = offset + np.cumsum(sizes) - sizes
    columns = (offsets, sizes, walls_us, durations, marks >> 1, (marks & 1).astype(bool))
    return list(map(Row._make, zip(*(column.tolist() for column in columns), strict=True)))


def _from_rows(packed: bytes) -> Numbers:
    """Wall times as told above, durations, bytes, frames * 2 + key."""
    values, end = _varints(packed, 4 * MAX_ROWS + 1)
    if not len(values) or end != len(packed) or len(values) % 4 or len(values) > 4 * MAX_ROWS:
        raise ValueError(f"packed table of {len(packed)} bytes is cut or too long")
    numbers = values.reshape(-1, 4).T.copy()
    numbers[:2] = _signed(numbers[:2])
    numbers[1] = np.cumsum(numbers[1])
    return numbers


def _from_columns(packed: bytes) -> Numbers:
    """The same. No more is inflated than the head tells, and no more rows are told than `MAX_ROWS`."""
    head, end = _varints(packed[: _HEAD_NUMBERS * _MAX_NUMBER_BYTES], _HEAD_NUMBERS)
    if len(head) < _HEAD_NUMBERS or not 0 < head[0] <= MAX_ROWS or head[2::2].max() > _MAX_WIDTH:
        raise ValueError(f"packed table of {len(packed)} bytes has no head")
    count, least, widths = int(head[0]), _signed(head[1::2]), head[2::2]
    plane_bytes = (count + 7) // 8
    size = int(widths.sum()) * plane_bytes
    inflate = zlib.decompressobj(wbits=_RAW_DEFLATE)
    try:
        planes = inflate.decompress(packed[end:-1], size + 1)
    except zlib.error as error:
        raise ValueError(f"packed table of {len(packed)} bytes: {error}") from error
    if len(planes) != size or not inflate.eof or inflate.unused_data:
        raise ValueError(f"packed table of {len(packed)} bytes is not of the length it tells")
    bits = np.unpackbits(np.frombuffer(planes, np.uint8).reshape(-1, plane_bytes), axis=1, count=count)
    columns = np.split(bits, np.cumsum(widths[:-1]))
    numbers = np.stack([low + (1 << np.arange(len(part))) @ part for low, part in zip(least, columns, strict=True)])
    if numbers[1:].min() < 0:
        raise ValueError(f"packed table of {len(packed)} bytes tells numbers below zero")
    return numbers


def _varints(packed: bytes, most: int) -> tuple[Numbers, int]:
    """At most `most` numbers from the start of `packed`, and where they end."""
    data = np.frombuffer(packed, np.uint8)
    ends = np.flatnonzero(data < 0x80)[:most]
    if not len(ends):
        return np.zeros(0, np.int64), 0
    data = data[: ends[-1] + 1]
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1))
    if int((ends - starts).max()) > _MAX_NUMBER_BYTES - 1:
        raise ValueError("packed table: a number is too long")
    place = np.arange(len(data)) - np.repeat(starts, ends - starts + 1)
    return np.add.reduceat((data & 0x7F).astype(np.int64) << (7 * place), starts), len(data)


def _signed(zigzag: Numbers) -> Numbers:
    return (zigzag >> 1) ^ -(zigzag & 1)
