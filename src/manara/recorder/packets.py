"""A run of the middle packets of one fragmented NAL unit: five packets of six, appended without an object for any.

`_packets.c` is its compiled twin, used where it was built (`COMPILED` says so); this is what it does, and what runs
where there is no C compiler. Pure but for appending to `data`. Called by `depacketise.py`. Source: RFC 2326 section
10.12, RFC 6184, RFC 7798.
"""

import struct
from collections.abc import Callable

# `$` and channel, size, version to payload type, sequence number, timestamp, source, then the two bytes that tell
# fragments apart: FU indicator and header (H.264), or the first byte of the payload header and the FU header (H.265).
_HEADS = {18: struct.Struct(">HHHHIIBB"), 19: struct.Struct(">HHHHIIBxB")}
_SMALLEST = 20

Run = Callable[[bytearray, int, int, bytearray, int, int, int, int, int, int, int], tuple[int, int, int]]


def run_in_python(
    buffer: bytearray,
    at: int,
    end: int,
    data: bytearray,
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
            data += view[at + skip : after]
            packets += 1
            expected = (expected + 1) & 0xFFFF
            at = after
            if ended:
                return at, packets, 2 if flags == marked else 1
    return at, packets, 0


try:
    from manara.recorder._packets import run as _compiled
except ImportError:
    COMPILED = False
    run: Run = run_in_python
else:
    COMPILED = True
    run = _compiled
