"""H.265 as far as a recorder needs it: which NAL units are what, and what a sequence parameter set says.

Decodes no picture. Bounds as in `h264.py`. Source: ITU-T H.265 (08/2021) sections 7.3.1, 7.3.2.2 and 7.3.3; RFC 7798
for payloads; ISO/IEC 14496-15 annex E for the codec string.
"""

import base64
import binascii

from manara.formats.bits import BitReader, BitsError, unescape
from manara.formats.h264 import MAX_PARAMETER_SET_BYTES, MAX_SIDE_PX, ParameterSetError, Sequence

FIRST_IRAP, LAST_IRAP, LAST_VCL = 16, 23, 31
VPS, SPS, PPS, DELIMITER, SEI_PREFIX = 32, 33, 34, 35, 39
AP, FU, PACI = 48, 49, 50


def kind_of(nal: bytes) -> int:
    """The type in a NAL unit's header."""
    return (nal[0] >> 1) & 63


def parse_sps(nal: bytes) -> Sequence:
    """Read a sequence parameter set (whole NAL unit). Raises `ParameterSetError`."""
    if not 16 <= len(nal) <= MAX_PARAMETER_SET_BYTES or kind_of(nal) != SPS:
        raise ParameterSetError("not a sequence parameter set of H.265")
    try:
        return _parse_sps(BitReader(unescape(nal[2:])))
    except BitsError as error:
        raise ParameterSetError(f"sequence parameter set of H.265: {error}") from error


def _parse_sps(reader: BitReader) -> Sequence:
    reader.skip(4)
    layers = reader.bits(3)
    reader.skip(1)
    codec = _profile(reader)
    if layers:
        _skip_sub_layers(reader, layers)
    identifier = reader.ue(15)
    chroma = reader.ue(3)
    separate = chroma == 3 and reader.flag()
    width, height = reader.ue(MAX_SIDE_PX), reader.ue(MAX_SIDE_PX)
    if reader.flag():
        left, right, top, bottom = (reader.ue(MAX_SIDE_PX) for _ in range(4))
        plane = 0 if separate else chroma
        width -= (left + right) * (2 if plane in (1, 2) else 1)
        height -= (top + bottom) * (2 if plane == 1 else 1)
    if width <= 0 or height <= 0:
        raise ParameterSetError(f"a picture of {width} by {height} pixels cannot be")
    reader.ue(8)
    reader.ue(8)
    reader.ue(12)  # log2_max_pic_order_cnt_lsb_minus4
    every_layer = reader.flag()
    reorder = 0
    for _ in range(layers + 1 if every_layer else 1):
        reader.ue(15)
        reorder = max(reorder, reader.ue(15))
        reader.ue()
    return Sequence(identifier, width, height, codec, reorder, None)


def _profile(reader: BitReader) -> str:
    """General profile, tier and level as the codec string `hvc1.…`."""
    space, tier, profile = reader.bits(2), reader.bits(1), reader.bits(5)
    compatible = int(f"{reader.bits(32):032b}"[::-1], 2)
    constraints = [reader.bits(8) for _ in range(6)]
    level = reader.bits(8)
    while constraints and constraints[-1] == 0:
        constraints.pop()
    parts = [
        "hvc1",
        f"{'ABC'[space - 1] if space else ''}{profile}",
        f"{compatible:x}",
        f"{'H' if tier else 'L'}{level}",
    ]
    return ".".join(parts + [f"{byte:x}" for byte in constraints])


def _skip_sub_layers(reader: BitReader, layers: int) -> None:
    present = [(reader.flag(), reader.flag()) for _ in range(layers)]
    reader.skip(2 * (8 - layers))
    for profile, level in present:
        reader.skip((88 if profile else 0) + (8 if level else 0))


def identifier_of(nal: bytes) -> int | None:
    """The id inside a video, sequence or picture parameter set; None where it cannot be read."""
    if not 3 <= len(nal) <= MAX_PARAMETER_SET_BYTES:
        return None
    kind = kind_of(nal)
    try:
        if kind == VPS:
            return nal[2] >> 4
        if kind == PPS:
            return BitReader(unescape(nal[2:18])).ue(63)
        return parse_sps(nal).identifier if kind == SPS else None
    except (BitsError, ParameterSetError):
        return None


def sprop_parameter_sets(*values: str) -> tuple[bytes, ...]:
    """The NAL units of `sprop-vps`, `sprop-sps` and `sprop-pps`; what cannot be one is left out."""
    found: list[bytes] = []
    for part in ",".join(values).split(",")[:16]:
        try:
            nal = base64.b64decode(part.strip() + "=" * (-len(part.strip()) % 4), validate=True)
        except (binascii.Error, ValueError):
            continue
        nal = nal.removeprefix(b"\x00\x00\x00\x01").removeprefix(b"\x00\x00\x01").rstrip(b"\x00")
        if 2 < len(nal) <= MAX_PARAMETER_SET_BYTES and kind_of(nal) in (VPS, SPS, PPS):
            found.append(nal)
    return tuple(found)
