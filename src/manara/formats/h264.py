"""H.264 as far as a recorder needs it: which NAL units are what, and what a sequence parameter set says.

Decodes no picture. Called by the reader of streams and by tests. Bounds: a parameter set of at most 4 KiB, pictures
of at most 16,384 pixels a side. Source: ITU-T H.264 (08/2021) sections 7.3.2.1 and E.1; RFC 6184 for payloads; RFC
6381 for the codec string.
"""

import base64
import binascii
from dataclasses import dataclass

from manara.formats.bits import BitReader, BitsError, unescape

SLICE, IDR, SEI, SPS, PPS, DELIMITER = 1, 5, 6, 7, 8, 9
STAP_A, FU_A = 24, 28
MAX_PARAMETER_SET_BYTES = 4096
MAX_SIDE_PX = 16_384

_HIGH_PROFILES = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135))


class ParameterSetError(ValueError):
    """A parameter set cannot be understood."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """What a sequence parameter set tells. `reorder_frames` is None where it does not say."""

    identifier: int
    width_px: int
    height_px: int
    codec_string: str
    reorder_frames: int | None
    frame_rate_hz: float | None


def parse_sps(nal: bytes) -> Sequence:
    """Read a sequence parameter set (whole NAL unit). Raises `ParameterSetError`."""
    if not 4 <= len(nal) <= MAX_PARAMETER_SET_BYTES or nal[0] & 31 != SPS:
        raise ParameterSetError("not a sequence parameter set of H.264")
    try:
        return _parse_sps(nal)
    except BitsError as error:
        raise ParameterSetError(f"sequence parameter set of H.264: {error}") from error


def _parse_sps(nal: bytes) -> Sequence:
    profile, constraints, level = nal[1], nal[2], nal[3]
    reader = BitReader(unescape(nal[4:]))
    identifier = reader.ue(31)
    chroma, separate = 1, False
    if profile in _HIGH_PROFILES:
        chroma = reader.ue(3)
        if chroma == 3:
            separate = reader.flag()
        reader.ue(6)  # bit depth of luma
        reader.ue(6)  # and of chroma
        reader.skip(1)
        if reader.flag():
            for index in range(8 if chroma != 3 else 12):
                if reader.flag():
                    _skip_scaling_list(reader, 16 if index < 6 else 64)
    reader.ue(12)  # log2_max_frame_num_minus4
    order = reader.ue(2)
    if order == 0:
        reader.ue(12)
    elif order == 1:
        reader.skip(1)
        reader.se()
        reader.se()
        for _ in range(reader.ue(255)):
            reader.se()
    reader.ue(16)  # max_num_ref_frames
    reader.skip(1)
    width_mbs = reader.ue(MAX_SIDE_PX // 16 - 1) + 1
    map_units = reader.ue(MAX_SIDE_PX // 16 - 1) + 1
    frames_only = reader.flag()
    if not frames_only:
        reader.skip(1)
    reader.skip(1)
    width, height = width_mbs * 16, map_units * 16 * (1 if frames_only else 2)
    if reader.flag():
        left, right, top, bottom = (reader.ue(MAX_SIDE_PX) for _ in range(4))
        plane = 0 if separate else chroma
        unit_x = 2 if plane in (1, 2) else 1
        unit_y = (2 if plane == 1 else 1) * (1 if frames_only else 2)
        width -= (left + right) * unit_x
        height -= (top + bottom) * unit_y
    if width <= 0 or height <= 0 or height > MAX_SIDE_PX:
        raise ParameterSetError(f"a picture of {width} by {height} pixels cannot be")
    reorder, rate = _usability(reader)
    if order == 2 or profile == 66:
        reorder = 0
    return Sequence(identifier, width, height, f"avc1.{profile:02x}{constraints:02x}{level:02x}", reorder, rate)


def _usability(reader: BitReader) -> tuple[int | None, float | None]:
    """Reorder depth and frame rate from the usability information; a broken one is as good as none."""
    rate: float | None = None
    try:
        if not reader.flag():
            return None, None
        if reader.flag() and reader.bits(8) == 255:
            reader.skip(32)
        if reader.flag():
            reader.skip(1)
        if reader.flag():
            reader.skip(4)
            if reader.flag():
                reader.skip(24)
        if reader.flag():
            reader.ue()
            reader.ue()
        if reader.flag():
            units, scale = reader.bits(32), reader.bits(32)
            reader.skip(1)
            if units and 0.1 <= scale / units / 2 <= 1000:
                rate = scale / units / 2
        network = reader.flag()
        if network:
            _skip_hrd(reader)
        vcl = reader.flag()
        if vcl:
            _skip_hrd(reader)
        if network or vcl:
            reader.skip(1)
        reader.skip(1)
        if not reader.flag():
            return None, rate
        reader.skip(1)
        for _ in range(4):
            reader.ue()
        return reader.ue(16), rate
    except BitsError:
        return None, rate


def _skip_hrd(reader: BitReader) -> None:
    count = reader.ue(31) + 1
    reader.skip(8)
    for _ in range(count):
        reader.ue()
        reader.ue()
        reader.skip(1)
    reader.skip(20)


def _skip_scaling_list(reader: BitReader, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + reader.se()) % 256
        last = following or last


def identifier_of(nal: bytes) -> int | None:
    """The id inside a sequence or picture parameter set; None where it cannot be read."""
    kind = nal[0] & 31 if nal else 0
    start = 4 if kind == SPS else 1
    if kind not in (SPS, PPS) or not start < len(nal) <= MAX_PARAMETER_SET_BYTES:
        return None
    try:
        return BitReader(unescape(nal[start : start + 16])).ue(255)
    except BitsError:
        return None


def has_recovery_point(sei: bytes) -> bool:
    """Whether a supplemental NAL unit holds a recovery point (payload type 6): decoding may begin at this picture."""
    data = sei[1 : 1 + MAX_PARAMETER_SET_BYTES]
    if b"\x06" not in data:  # nearly every frame of some cameras has such a unit
        return False
    data = unescape(data)
    at = 0
    while at + 2 <= len(data) and data[at] != 0x80:
        kind = size = 0
        while at < len(data) and data[at] == 255:
            kind, at = kind + 255, at + 1
        if at >= len(data):
            return False
        kind, at = kind + data[at], at + 1
        while at < len(data) and data[at] == 255:
            size, at = size + 255, at + 1
        if at >= len(data):
            return False
        size, at = size + data[at], at + 1
        if kind == 6:
            return True
        at += size
    return False


def sprop_parameter_sets(value: str) -> tuple[bytes, ...]:
    """The NAL units of `sprop-parameter-sets`; what is not base64, too long or no parameter set is left out."""
    found: list[bytes] = []
    for part in value.split(",")[:16]:
        try:
            nal = base64.b64decode(part.strip() + "=" * (-len(part.strip()) % 4), validate=True)
        except (binascii.Error, ValueError):
            continue
        nal = nal.removeprefix(b"\x00\x00\x00\x01").removeprefix(b"\x00\x00\x01").rstrip(b"\x00")
        if nal and len(nal) <= MAX_PARAMETER_SET_BYTES and nal[0] & 31 in (SPS, PPS):
            found.append(nal)
    return tuple(found)
