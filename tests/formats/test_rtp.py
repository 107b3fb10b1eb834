"""RTP and RTCP headers, reports, counters that wrap."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manara.formats import rtp


def test_a_header_with_everything() -> None:
    data = struct.pack(">BBHIII", 0xB1, 0xE0, 7, 8, 9, 10) + b"\xbe\xde\x00\x01ABCD" + b"payload" + b"\x00\x02"
    found = rtp.parse(data, 0, len(data))
    assert (found.marker, found.payload_type, found.sequence, found.timestamp, found.source) == (True, 96, 7, 8, 9)
    assert data[found.start : found.end] == b"payload"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(12),
        b"\x80" + bytes(10),
        b"\x8f" + bytes(20),
        b"\x90" + bytes(11) + b"\x00\x00\xff\xff",
        b"\xa0" + bytes(12),
    ],
)
def test_what_is_no_packet_is_refused(data: bytes) -> None:
    with pytest.raises(rtp.RtpError):
        rtp.parse(data, 0, len(data))


@given(st.binary(max_size=100))
def test_any_bytes_are_a_packet_or_refused(data: bytes) -> None:
    try:
        found = rtp.parse(data, 0, len(data))
        assert 12 <= found.start <= found.end <= len(data)
    except rtp.RtpError:
        pass
    try:
        rtp.parse_control(data)
    except rtp.RtpError:
        pass


def test_a_sender_report_tells_the_time() -> None:
    seconds = 1_700_000_000 + 2_208_988_800
    report = struct.pack(">BBHIIIIII", 0x80, 200, 6, 5, seconds, 1 << 31, 1234, 1, 2)
    found = rtp.parse_control(report + struct.pack(">BBHI", 0x81, 203, 1, 5))
    assert found.goodbye
    assert found.report is not None
    assert (found.report.ntp_us, found.report.timestamp) == (1_700_000_000_500_000, 1234)
    assert found.report.middle == (seconds & 0xFFFF) << 16 | 0x8000


def test_a_camera_without_a_clock_tells_none() -> None:
    found = rtp.parse_control(struct.pack(">BBHIIIIII", 0x80, 200, 6, 5, 3600, 0, 1234, 1, 2))
    assert found.report is not None
    assert found.report.ntp_us == 0


def test_a_receiver_report_counts_losses() -> None:
    reception = rtp.Reception(source=5, first=100, highest=199, received=90)
    data = rtp.receiver_report(1, reception)
    assert len(data) % 4 == 0
    first, kind, words = struct.unpack_from(">BBH", data)
    assert (first, kind, words) == (0x81, 201, 7)
    lost = struct.unpack_from(">I", data, 12)[0]
    assert (lost >> 24, lost & 0xFFFFFF) == (10 * 256 // 100, 10)
    rtp.parse_control(data)
    reception.highest, reception.received = 299, 190
    assert struct.unpack_from(">I", rtp.receiver_report(1, reception), 12)[0] >> 24 == 0


@given(st.integers(0, 65_535), st.integers(-32_767, 32_767))
def test_counters_that_wrap(old: int, step: int) -> None:
    assert rtp.forward((old + step) & 0xFFFF, old, 16) == step
