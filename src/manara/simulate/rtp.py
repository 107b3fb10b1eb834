"""NAL units to RTP payloads (RFC 6184 packetisation mode 1, RFC 7798) and sender reports (RFC 3550). Pure.

Small NAL units that follow one another share a packet (STAP-A, AP); large ones are cut (FU-A, FU). Payloads carry no
RTP header: they are made once a clip and shared by every client. Called by `clips.py`, `mount.py` and `sessions.py`.
"""

import struct

MAX_PAYLOAD_BYTES = 1400
_NTP_OFFSET_S = 2_208_988_800


def packetise(codec: str, nals: list[bytes], max_bytes: int = MAX_PAYLOAD_BYTES) -> list[bytes]:
    """RTP payloads of these NAL units, in order."""
    payloads: list[bytes] = []
    group: list[bytes] = []
    group_bytes = 2
    for nal in nals:
        if len(nal) + 2 + group_bytes > max_bytes and group:
            payloads.append(_aggregate(codec, group))
            group, group_bytes = [], 2
        if len(nal) > max_bytes - 4:
            payloads += _fragment(codec, nal, max_bytes)
        else:
            group.append(nal)
            group_bytes += len(nal) + 2
    if group:
        payloads.append(_aggregate(codec, group))
    return payloads


def _aggregate(codec: str, nals: list[bytes]) -> bytes:
    if len(nals) == 1:
        return nals[0]
    head = bytes([max(nal[0] & 0x60 for nal in nals) | 24]) if codec == "h264" else bytes([48 << 1, 1])
    return head + b"".join(len(nal).to_bytes(2, "big") + nal for nal in nals)


def _fragment(codec: str, nal: bytes, max_bytes: int) -> list[bytes]:
    if codec == "h264":
        start, kind, head = 1, nal[0] & 31, bytes([nal[0] & 0x60 | 28])
    else:
        start, kind, head = 2, nal[0] >> 1 & 63, bytes([nal[0] & 0x81 | 49 << 1, nal[1]])
    size = max_bytes - len(head) - 1
    pieces = []
    for at in range(start, len(nal), size):
        flags = (0x80 if at == start else 0) | (0x40 if at + size >= len(nal) else 0)
        pieces.append(head + bytes([flags | kind]) + nal[at : at + size])
    return pieces


def sender_report(ssrc: int, wall_us: int, rtp_time: int, packets: int, payload_bytes: int) -> bytes:
    """An RTCP compound of sender report and CNAME."""
    seconds, rest_us = divmod(wall_us, 1_000_000)
    report = struct.pack(
        ">BBHIIIIII",
        0x80,
        200,
        6,
        ssrc,
        (seconds + _NTP_OFFSET_S) & 0xFFFFFFFF,
        (rest_us << 32) // 1_000_000,
        rtp_time & 0xFFFFFFFF,
        packets & 0xFFFFFFFF,
        payload_bytes & 0xFFFFFFFF,
    )
    name = b"camera"
    chunk = struct.pack(">IBB", ssrc, 1, len(name)) + name
    chunk += b"\0" * (4 - len(chunk) % 4)
    return report + struct.pack(">BBH", 0x81, 202, len(chunk) // 4) + chunk


def goodbye(ssrc: int) -> bytes:
    """An RTCP BYE."""
    return struct.pack(">BBHI", 0x81, 203, 1, ssrc)
