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
from itertools import accumulate
from typing import NamedTuple

MAX_ROWS = 100_000
_MAX_NUMBER_BYTES = 9  # 63 bits
_MAX_WIDTH = 62
_HEAD_NUMBERS = 9
_COLUMNS = 0x80
_RAW_DEFLATE = -15  # without zlib's header and sum

Columns = tuple[list[int], list[int], list[int], list[int]]
"""Steps of wall time as told above, durations, bytes, frames * 2 + key; all of one length."""


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


def _signed(zigzag: int) -> int:
    return (zigzag >> 1) ^ -(zigzag & 1)


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
        columns = _from_rows(packed)
    except ValueError:
        return packed
    head, planes = bytearray(), bytearray()
    _put(head, len(columns[0]))
    for numbers in columns:
        least = min(numbers)
        width = (max(numbers) - least).bit_length()
        if width > _MAX_WIDTH:
            return packed
        _put(head, _zigzag(least))
        _put(head, width)
        if width:
            planes += _planes(numbers, least, width)
    deflate = zlib.compressobj(wbits=_RAW_DEFLATE)
    deflated = deflate.compress(planes) + deflate.flush()
    return min(packed, bytes(head) + deflated + bytes([_COLUMNS]), key=len)


def unpack(packed: bytes, start_us: int, offset: int) -> list[Row]:
    """The rows of a segment whose first fragment lies at `offset`. Raises `ValueError` where the table is damaged."""
    if not packed:
        return []
    columns = _from_columns(packed) if packed[-1] == _COLUMNS else _from_rows(packed)
    rows, end_us = [], start_us
    for step, duration, size, mark in zip(*columns, strict=True):
        wall_us = end_us + step
        rows.append(Row(offset, size, wall_us, duration, mark >> 1, mark & 1 == 1))
        end_us = wall_us + duration * 100 // 9
        offset += size
    return rows


def _from_rows(packed: bytes) -> Columns:
    values, end = _varints(packed, 4 * MAX_ROWS + 1)
    if not values or end != len(packed) or len(values) % 4 or len(values) > 4 * MAX_ROWS:
        raise ValueError(f"packed table of {len(packed)} bytes is cut or too long")
    steps = [_signed(step) for step in values[::4]]
    durations = list(accumulate(_signed(more) for more in values[1::4]))
    return steps, durations, values[2::4], values[3::4]


def _from_columns(packed: bytes) -> Columns:
    """No more is inflated than the head tells, and no more rows are told than `MAX_ROWS`."""
    head, head_bytes = _varints(packed, _HEAD_NUMBERS)
    if len(head) < _HEAD_NUMBERS or not 0 < head[0] <= MAX_ROWS or max(head[2::2]) > _MAX_WIDTH:
        raise ValueError(f"packed table of {len(packed)} bytes has no head")
    count, widths = head[0], head[2::2]
    plane_bytes = (count + 7) // 8
    size = sum(widths) * plane_bytes
    inflate = zlib.decompressobj(wbits=_RAW_DEFLATE)
    try:
        planes = inflate.decompress(packed[head_bytes:-1], size + 1)
    except zlib.error as error:
        raise ValueError(f"packed table of {len(packed)} bytes: {error}") from error
    if len(planes) != size or not inflate.eof or inflate.unused_data:
        raise ValueError(f"packed table of {len(packed)} bytes is not of the length it tells")
    columns, at = [], 0
    for low, width in zip(map(_signed, head[1::2]), widths, strict=True):
        end = at + width * plane_bytes
        columns.append(_numbers(planes[at:end], count, low) if width else [low] * count)
        at = end
    steps, durations, sizes, marks = columns
    if min(map(min, columns[1:])) < 0:
        raise ValueError(f"packed table of {len(packed)} bytes tells numbers below zero")
    return steps, durations, sizes, marks


def _planes(numbers: list[int], least: int, width: int) -> bytes:
    """The bits of a column above its least: the lowest of every row, then the next; each plane begins a byte."""
    bits = "".join([f"{number - least:0{width}b}" for number in numbers])
    plane_bytes = (len(numbers) + 7) // 8
    planes = "".join(bits[place::width].ljust(8 * plane_bytes, "0") for place in reversed(range(width)))
    return int(planes, 2).to_bytes(width * plane_bytes, "big")


def _numbers(planes: bytes, count: int, least: int) -> list[int]:
    """The column again."""
    row_bits = (count + 7) // 8 * 8
    bits = f"{int.from_bytes(planes, 'big'):0{8 * len(planes)}b}"[::-1]  # so that of a row the highest bit comes first
    return [least + int(bits[place::row_bits], 2) for place in range(row_bits - 1, row_bits - 1 - count, -1)]


def _varints(packed: bytes, most: int) -> tuple[list[int], int]:
    """At most `most` numbers from the start of `packed`, and where they end."""
    values = []
    value = place = end = 0
    for at, byte in enumerate(packed):
        value |= (byte & 0x7F) << place
        if byte < 0x80:
            values.append(value)
            value, place, end = 0, 0, at + 1
            if len(values) == most:
                break
        elif (place := place + 7) == 7 * _MAX_NUMBER_BYTES:
            raise ValueError("packed table: a number is too long")
    return values, end
