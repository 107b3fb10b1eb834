"""What the recorder does most: bytes kept in pieces of one size, and a run of the middle packets of one fragmented NAL
unit, five packets of six, appended to them without an object for any.

`_packets.c` has the compiled twins, used where they were built (`COMPILED` says so); this is what they do, and what
runs where there is no C compiler. Pure but for what is appended. Called by `depacketise.py` and `gop.py`. Source: RFC
2326 section 10.12, RFC 6184, RFC 7798.
"""

import struct
from collections.abc import Callable
from typing import Protocol

from manara.formats.frames import Buffer

PIECE_BYTES = 32_768  # memory is asked for and given back in one size, and what grows is never moved

# `$` and channel, size, version to payload type, sequence number, timestamp, source, then the two bytes that tell
# fragments apart: FU indicator and header (H.264), or the first byte of the payload header and the FU header (H.265).
_HEADS = {18: struct.Struct(">HHHHIIBB"), 19: struct.Struct(">HHHHIIBxB")}
_SMALLEST = 20


class Pieces(Protocol):
    """Bytes that grow at their end and are handed on from their beginning. `ValueError` for places beyond them."""

    def __len__(self) -> int:
        """How many bytes there are."""
        ...

    def put(self, *data: Buffer) -> None:
        """Append."""
        ...

    def cut(self, size: int) -> None:
        """Keep the first `size` bytes."""
        ...

    def write(self, at: int, data: Buffer) -> None:
        """Put other bytes in the place of those from `at` on."""
        ...

    def copy(self, at: int, size: int) -> bytes:
        """The `size` bytes from `at` on."""
        ...

    def take(self, size: int) -> tuple[Buffer, ...]:
        """Hand on the first `size` bytes: they are no longer here. Nobody writes to them any more."""
        ...


class PiecesInPython:
    """`Pieces` where nothing was compiled."""

    def __init__(self) -> None:
        self._pieces: list[bytearray] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def put(self, *data: Buffer) -> None:
        """Append."""
        for part in data:
            self._size += len(part)
            if self._pieces and len(self._pieces[-1]) + len(part) <= PIECE_BYTES:
                self._pieces[-1] += part
                continue
            with memoryview(part) as left:
                while left:
                    if not self._pieces or len(self._pieces[-1]) >= PIECE_BYTES:
                        self._pieces.append(bytearray())
                    room = PIECE_BYTES - len(self._pieces[-1])
                    self._pieces[-1] += left[:room]
                    left = left[room:]

    def cut(self, size: int) -> None:
        """Keep the first `size` bytes."""
        number, within = self._find(size, 0)
        if within:
            self._pieces[number] = self._pieces[number][:within]
            number += 1
        del self._pieces[number:]
        self._size = size

    def write(self, at: int, data: Buffer) -> None:
        """Put other bytes in the place of those from `at` on."""
        number, within = self._find(at, len(data))
        done = 0
        while done < len(data):
            piece = self._pieces[number]
            now = min(len(piece) - within, len(data) - done)
            piece[within : within + now] = data[done : done + now]
            done += now
            number, within = number + 1, 0

    def copy(self, at: int, size: int) -> bytes:
        """The `size` bytes from `at` on."""
        number, within = self._find(at, size)
        found = bytearray()
        while len(found) < size:
            found += self._pieces[number][within : within + size - len(found)]
            number, within = number + 1, 0
        return bytes(found)

    def take(self, size: int) -> tuple[Buffer, ...]:
        """Hand on the first `size` bytes."""
        number, within = self._find(size, 0)
        rest = self._pieces[number:]
        taken = self._pieces[:number]
        if within:
            taken.append(rest[0][:within])
            rest[0] = rest[0][within:]
        self._pieces = rest
        self._size -= size
        return tuple(taken)

    def _find(self, at: int, size: int) -> tuple[int, int]:
        """The piece in which byte `at` lies, and where in it."""
        if at < 0 or size < 0 or at + size > self._size:
            raise ValueError("not within the pieces")
        number, begins = len(self._pieces), self._size
        while number and begins > at:
            number -= 1
            begins -= len(self._pieces[number])
        return number, at - begins


Run = Callable[[bytearray, int, int, Pieces, int, int, int, int, int, int, int], tuple[int, int, int]]


def run_in_python(
    buffer: bytearray,
    at: int,
    end: int,
    data: Pieces,
    lane: int,
    plain: int,
    expected: int,
    stamp: int,
    first: int,
    middle: int,
    skip: int,
) -> tuple[int, int, int]:
    """Append the payloads of the packets in `buffer[at:end]` that go on with the open NAL unit to `data`.

    A packet goes on with it when its lane (`$` and channel), sequence number, timestamp, first payload byte and
    fragment header are what is expected and its flags are `plain` (or, at the end of the unit, `plain` with the
    marker). `skip` is from `$` to the payload of a fragment, 18 (H.264) or 19 bytes (H.265).
    Answers where the first byte that was not taken stands, how many packets were taken, and 0 while the unit is open, 1
    where it ended, 2 where it ended with the marker.
    """
    if expected < 0 or first < 0 or stamp < 0:
        return at, 0, 0
    unpack = _HEADS[skip].unpack_from
    marked, last = plain | 0x80, middle | 0x40
    packets = 0
    with memoryview(buffer) as view:
        while end - at >= _SMALLEST:
            head, size, flags, sequence, now, _, kind, fragment = unpack(buffer, at)
            after = at + 4 + size
            if after > end or after <= at + skip or head != lane or sequence != expected or now != stamp:
                break
            if kind != first:
                break
            ended = fragment == last and flags in (plain, marked)
            if not ended and (fragment != middle or flags != plain):
                break
            data.put(view[at + skip : after])
            packets += 1
            expected = (expected + 1) & 0xFFFF
            at = after
            if ended:
                return at, packets, 2 if flags == marked else 1
    return at, packets, 0


try:
    from manara.recorder._packets import Pieces as _Compiled
    from manara.recorder._packets import run as _compiled
except ImportError:
    COMPILED = False
    run: Run = run_in_python
    new_pieces: Callable[[], Pieces] = PiecesInPython
else:
    COMPILED = True
    run = _compiled
    new_pieces = _Compiled
