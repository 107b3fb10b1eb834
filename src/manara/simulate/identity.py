"""The exact identity of a simulated frame: a user-data SEI NAL of constant length in front of the picture.

It names camera, stream, frame number, the time it was sent, its place in the clip (key to the truth) and the CRC-32 of
the frame's slices, so that a frame found on disk proves itself: nothing but the list of numbers sent is needed to find
a lost, doubled, mixed-up or damaged one. All text, so no emulation prevention is ever needed and the length never
changes. Not a standard; H.264/H.265 `user_data_unregistered` is. Called by `mount.py` (write) and `ledger.py` (read).
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

_UUID = b"manara:frame-id1"
_BODY_BYTES = 16 + 1 + 1 + 1 + 12 + 1 + 14 + 1 + 6 + 1 + 8
_SIZE = 16 + _BODY_BYTES
_HEADER = {"h264": b"\x06", "h265": b"\x4e\x01"}
SEI_BYTES = {codec: len(header) + 2 + _SIZE + 1 for codec, header in _HEADER.items()}


@dataclass(frozen=True, slots=True)
class FrameIdentity:
    """What the SEI says."""

    camera: str
    stream: str  # "m" main, "s" sub
    number: int
    sent_us: int
    clip_index: int
    crc: int


def write_identity(codec: str, identity: FrameIdentity) -> bytes:
    """The whole SEI NAL (no start code). `camera` is at most 16 ASCII characters without blanks."""
    camera = identity.camera.encode("ascii")
    if len(camera) > 16 or len(identity.stream) != 1:
        raise ValueError(f"camera {identity.camera!r} or stream {identity.stream!r} is too long for the frame identity")
    body = b"%-16s %s %012x %014x %06x %08x" % (
        camera,
        identity.stream.encode("ascii"),
        identity.number,
        identity.sent_us,
        identity.clip_index,
        identity.crc,
    )
    return b"%s\x05%c%s%s\x80" % (_HEADER[codec], _SIZE, _UUID, body)


def read_identity(nal: bytes | memoryview) -> FrameIdentity | None:
    """The identity in this NAL, or None where it is another NAL."""
    data = bytes(nal)
    at = data.find(_UUID)
    if not 0 <= at <= 8 or len(data) < at + _SIZE:
        return None
    parts = data[at + 16 : at + _SIZE].split()
    if len(parts) != 6:
        return None
    try:
        return FrameIdentity(
            camera=parts[0].decode("ascii"),
            stream=parts[1].decode("ascii"),
            number=int(parts[2], 16),
            sent_us=int(parts[3], 16),
            clip_index=int(parts[4], 16),
            crc=int(parts[5], 16),
        )
    except ValueError:
        return None


def is_slice(codec: str, nal: bytes | memoryview) -> bool:
    """True for NAL units that carry picture, the only ones that the CRC covers (recorders may drop the rest)."""
    return 1 <= nal[0] & 31 <= 5 if codec == "h264" else (nal[0] >> 1) & 63 < 32


def slices_crc(nals: Iterable[bytes | memoryview]) -> int:
    """XOR of the CRC-32 of every slice NAL unit: a part that many frames share is summed once."""
    crc = 0
    for nal in nals:
        crc ^= zlib.crc32(nal)
    return crc


def split_sample(sample: bytes | memoryview) -> list[memoryview]:
    """The NAL units of a sample as MP4 stores it (4-byte lengths). Raises `ValueError` where the lengths do not fit."""
    view = memoryview(sample)
    nals = []
    at = 0
    while at < len(view):
        length = int.from_bytes(view[at : at + 4], "big")
        if length == 0 or at + 4 + length > len(view):
            raise ValueError(f"NAL length {length} at byte {at} does not fit a sample of {len(view)} bytes")
        nals.append(view[at + 4 : at + 4 + length])
        at += 4 + length
    return nals
