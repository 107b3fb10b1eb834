"""RTP and RTCP: headers, sender reports in, receiver reports out, extended sequence numbers.

The hot loop of the recorder (`recorder/depacketise.py`) reads the plain header itself; what is unusual comes here.
Pure, no clock. Source: RFC 3550 (sections 5.1, 6.4 and appendix A.3).
"""

import struct
from dataclasses import dataclass
from typing import NamedTuple

HEADER_BYTES = 12
_HEAD = struct.Struct(">BBHII")
_NTP_EPOCH_S = 2_208_988_800  # 1900 to 1970
_YEAR_2000_US = 946_684_800_000_000
SENDER_REPORT, RECEIVER_REPORT, DESCRIPTION, BYE = 200, 201, 202, 203


class RtpError(ValueError):
    """The packet is not RTP."""


class Packet(NamedTuple):
    """A parsed header; the payload lies at `start` to `end` of what was given. A tuple: one is made a packet."""

    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    source: int
    start: int
    end: int


def parse(data: bytes | bytearray | memoryview, at: int, end: int) -> Packet:
    """Read the header of the packet in `data[at:end]`, with contributors, extension and padding. Raises
    `RtpError`."""
    if end - at < HEADER_BYTES:
        raise RtpError(f"packet of {end - at} bytes")
    first, second, sequence, timestamp, source = _HEAD.unpack_from(data, at)
    if first == 0x80:  # version 2 and nothing else: nearly all
        return Packet(second & 0x80 != 0, second & 0x7F, sequence, timestamp, source, at + HEADER_BYTES, end)
    if first >> 6 != 2:
        raise RtpError(f"RTP version {first >> 6}")
    start = at + HEADER_BYTES + 4 * (first & 15)
    if first & 0x10:
        if start + 4 > end:
            raise RtpError("header extension without end")
        start += 4 + 4 * struct.unpack_from(">H", data, start + 2)[0]
    if first & 0x20:
        padding = data[end - 1]
        if padding == 0:
            raise RtpError("padding of no bytes")
        end -= padding
    if start > end:
        raise RtpError("header longer than its packet")
    return Packet(second & 0x80 != 0, second & 0x7F, sequence, timestamp, source, start, end)


@dataclass(frozen=True, slots=True)
class SenderReport:
    """What the sender says of its clock: at `ntp_us` (UTC µs, 0 if it has no sensible clock) its RTP clock showed
    `timestamp`.

    `middle` is the middle of the NTP time, which a receiver report gives back.
    """

    source: int
    ntp_us: int
    timestamp: int
    middle: int


@dataclass(frozen=True, slots=True)
class Control:
    """What an RTCP packet told."""

    report: SenderReport | None = None
    goodbye: bool = False


def parse_control(data: bytes | bytearray | memoryview) -> Control:
    """Read a compound RTCP packet; raises `RtpError` when a part is longer than the whole."""
    at = 0
    report: SenderReport | None = None
    goodbye = False
    while at + 4 <= len(data):
        first, kind, words = struct.unpack_from(">BBH", data, at)
        size = 4 * (words + 1)
        if first >> 6 != 2 or at + size > len(data):
            raise RtpError("RTCP packet with a wrong header")
        if kind == SENDER_REPORT and size >= 28:
            source, seconds, fraction, timestamp = struct.unpack_from(">IIII", data, at + 4)
            ntp_us = (seconds - _NTP_EPOCH_S) * 1_000_000 + (fraction * 1_000_000 >> 32)
            # Cameras without a clock send their uptime or nothing; that is no time of day.
            middle = (seconds & 0xFFFF) << 16 | fraction >> 16
            report = SenderReport(source, ntp_us if ntp_us > _YEAR_2000_US else 0, timestamp, middle)
        elif kind == BYE:
            goodbye = True
        at += size
    return Control(report, goodbye)


@dataclass(slots=True)
class Reception:
    """What a receiver report says of one sender; `first` and `highest` are extended sequence numbers."""

    source: int
    first: int
    highest: int
    received: int
    jitter: int = 0
    report_middle: int = 0
    since_report: int = 0  # 1/65536 s since the sender report came, 0 if none came
    expected_before: int = 0
    received_before: int = 0

    def lost(self) -> int:
        """Packets that did not come, so far; never below 0 here (doubled packets may make it so in RFC 3550)."""
        return max(0, self.highest - self.first + 1 - self.received)


def receiver_report(own_source: int, reception: Reception) -> bytes:
    """A receiver report with one block and an (empty-named) description, as RFC 3550 wants; updates the `…_before`
    fields."""
    expected = reception.highest - reception.first + 1
    expected_now = expected - reception.expected_before
    lost_now = expected_now - (reception.received - reception.received_before)
    reception.expected_before, reception.received_before = expected, reception.received
    fraction = min(255, (lost_now << 8) // expected_now) if expected_now > 0 and lost_now > 0 else 0
    report = struct.pack(
        ">BBHIIIIIII",
        0x81,
        RECEIVER_REPORT,
        7,
        own_source,
        reception.source,
        fraction << 24 | min(reception.lost(), 0x7FFFFF),
        reception.highest & 0xFFFFFFFF,
        reception.jitter & 0xFFFFFFFF,
        reception.report_middle,
        reception.since_report & 0xFFFFFFFF,
    )
    name = b"manara"
    items = struct.pack(">IBB", own_source, 1, len(name)) + name
    items += bytes(4 - len(items) % 4)
    return report + struct.pack(">BBH", 0x81, DESCRIPTION, len(items) // 4) + items


def forward(new: int, old: int, bits: int) -> int:
    """How far `new` lies after `old` on a counter that wraps at `bits`: negative where it lies before."""
    half = 1 << (bits - 1)
    return ((new - old + half) & ((1 << bits) - 1)) - half
