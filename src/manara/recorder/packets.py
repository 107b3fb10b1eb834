"""What the recorder does most: bytes kept in pieces of one size, and the usual packets of a frame, nearly all that
come, appended to them without an object for any.

`_packets.c` has the compiled twins, used where they were built (`COMPILED` says so); this is what they do, and what
runs where there is no C compiler. Pure but for what is appended. Called by `depacketise.py` and `gop.py`. Source: RFC
2326 section 10.12, RFC 6184, RFC 7798.
"""

import struct
from collections.abc import Callable
from typing import Protocol

from manara.formats import h264, h265
from manara.formats.frames import Buffer

PIECE_BYTES = 32_768  # memory is asked for and given back in one size, and what grows is never moved

# `$` and channel, size, version to payload type, sequence number, timestamp, source, then the two bytes that tell
# fragments apart: FU indicator and header (H.264), or the first byte of the payload header and the FU header (H.265).
_HEADS = {18: struct.Struct(">HHHHIIBB"), 19: struct.Struct(">HHHHIIBxB")}
_LENGTH = struct.Struct(">I")
_NO_LENGTH = b"\x00\x00\x00\x00"
_RECOVERY_POINT = 6  # a supplemental payload type; such a unit may make a key frame of its picture


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
        """Hand on the first `size` bytes: they are no longer here. Nobody writes to them any more. What is left, of a
        GOP its key frame, moves to pieces of its own, so that all of them but the last are full: hashes of whole
        pieces are three times as fast."""
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
        taken, rest = self._pieces[:number], self._pieces[number:]
        self._pieces, self._size = [], 0
        for piece in rest:
            self.put(memoryview(piece)[within:])
            if within:
                taken.append(piece[:within])
            within = 0
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


# How far a frame has come: nothing of it is there; NAL units before its first slice; a slice in fragments is open; a
# slice is over; and that one had the marker.
BETWEEN, BEFORE, WITHIN, AFTER, WHOLE = range(5)

Walk = Callable[
    [bytearray, int, int, Pieces, int, int, int, int, int, int, int, int, int, int],
    tuple[int, int, int, int, int, int, int],
]


def walk_in_python(
    buffer: bytearray,
    at: int,
    end: int,
    data: Pieces,
    skip: int,
    lane: int,
    plain: int,
    source: int,
    expected: int,
    place: int,
    stamp: int,
    begins: int,
    first: int,
    middle: int,
) -> tuple[int, int, int, int, int, int, int]:
    """Append what the packets in `buffer[at:end]` bring of one frame to `data`, as long as they are usual ones.

    Usual is the packet that is due: of this lane (`$` and channel), source and sequence number, with `plain` flags, and
    of the frame's timestamp `stamp` (of another one while there is nothing of a frame). Up to the first slice such a
    packet may hold a delimiter, a supplemental unit without marker that makes no key frame, or a first slice that is no
    key frame's, whole or its beginning; while a slice is open, its middle or end: then its NAL unit begins at `begins`
    of `data`, and `first` and `middle` are the first payload byte and the fragment header of its middle packets.
    `skip` is from `$` to the payload of a fragment, 18 (H.264) or 19 bytes (H.265).

    Stops where a slice ends, or at a packet of any other kind. Answers where that is, how many packets were taken, and
    what then holds of `place`, `stamp`, `begins` and `first` (-1: no slice is open), and `middle`.
    """
    is_h264 = skip == 18
    before = (h264.SEI, h264.DELIMITER) if is_h264 else (h265.SEI_PREFIX, h265.DELIMITER)
    unpack = _HEADS[skip].unpack_from
    packets = 0
    with memoryview(buffer) as view:
        while place < AFTER and end - at >= skip:
            head, size, flags, sequence, now, sender, one, fragment = unpack(buffer, at)
            after = at + 4 + size
            marked = flags & 0x80
            if (
                not at + skip <= after <= end
                or head != lane
                or flags ^ marked != plain
                or sequence != expected
                or sender != source
                or (now == stamp) != (place != BETWEEN)
            ):
                break
            kind = one & 31 if is_h264 else one >> 1 & 63
            if place == WITHIN:
                ended = fragment == middle | 0x40
                if one != first or after == at + skip or not (ended or (fragment == middle and not marked)):
                    break
                data.put(view[at + skip : after])
                if ended:
                    data.write(begins, _LENGTH.pack(len(data) - begins - 4))
                    begins = first = -1
                    place = WHOLE if marked else AFTER
            elif kind == (h264.FU_A if is_h264 else h265.FU):
                usual = fragment & 0xDF == 0x81 if is_h264 else fragment & 0xF0 == 0x80
                if not usual or marked or after == at + skip or not buffer[at + skip] & 0x80:
                    break
                place, begins, first, middle = WITHIN, len(data), one, fragment & 0x3F
                header = (one & 0xE0 | 1,) if is_h264 else (one & 0x81 | middle << 1, buffer[at + 17])
                data.put(_NO_LENGTH, bytes(header), view[at + skip : after])
            else:
                if kind == h264.SLICE if is_h264 else kind < h265.FIRST_IRAP:
                    if not fragment & 0x80:
                        break
                    place = WHOLE if marked else AFTER
                elif (
                    marked
                    or kind not in before
                    or (is_h264 and kind == h264.SEI and buffer.find(_RECOVERY_POINT, at + 17, after) >= 0)
                ):
                    break
                else:
                    place = BEFORE
                data.put(_LENGTH.pack(size - 12), view[at + 16 : after])
            packets += 1
            expected = (expected + 1) & 0xFFFF
            stamp = now
            at = after
    return at, packets, place, stamp, begins, first, middle


try:
    from manara.recorder._packets import Pieces as _Compiled
    from manara.recorder._packets import walk as _compiled
except ImportError:
    COMPILED = False
    walk: Walk = walk_in_python
    new_pieces: Callable[[], Pieces] = PiecesInPython
else:
    COMPILED = True
    walk = _compiled
    new_pieces = _Compiled
