"""H.264 slice headers, read and written again, so that pictures can be put together from slices encoded apart.

With CABAC the data of a slice starts at a byte boundary and knows nothing of its place in the picture, so a new header
in front of the same bytes moves a slice: `bar.py` puts a bar (camera, clock, frame number) above a scene that was
encoded once. Deblocking is kept inside each slice (`disable_deblocking_filter_idc` 2), which is what the encoders saw.
Only what our own encoder settings produce is understood (frame pictures, CABAC, one reference, no weights, POC type 2);
anything else raises. Source: ITU-T H.264 7.3.2–7.3.4. Pure.
"""

import re
from dataclasses import dataclass

_NEEDS_ESCAPE = re.compile(rb"\x00\x00(?=[\x00-\x03])")
I_SLICE, P_SLICE = 2, 0
IDR_NAL, SPS_NAL, PPS_NAL = 5, 7, 8


class BitReader:
    """Bits of an RBSP, most significant first. Reading past the end raises `ValueError`."""

    def __init__(self, rbsp: bytes) -> None:
        self._value = int.from_bytes(rbsp, "big")
        self._total = len(rbsp) * 8
        self.position = 0

    def u(self, bits: int) -> int:
        self.position += bits
        if self.position > self._total:
            raise ValueError("ran past the end of the NAL unit")
        return (self._value >> (self._total - self.position)) & ((1 << bits) - 1)

    def ue(self) -> int:
        zeros = 0
        while self.u(1) == 0:
            zeros += 1
            if zeros > 32:
                raise ValueError("Exp-Golomb code is too long")
        return (1 << zeros) - 1 + (self.u(zeros) if zeros else 0)

    def se(self) -> int:
        code = self.ue()
        return (code + 1) // 2 if code % 2 else -(code // 2)


class BitWriter:
    """The other way round."""

    def __init__(self) -> None:
        self._value = 0
        self._bits = 0

    def u(self, bits: int, value: int) -> None:
        self._value = (self._value << bits) | value
        self._bits += bits

    def ue(self, value: int) -> None:
        length = (value + 1).bit_length()
        self.u(2 * length - 1, value + 1)

    def se(self, value: int) -> None:
        self.ue(2 * value - 1 if value > 0 else -2 * value)

    def aligned(self, fill: int) -> bytes:
        """All bits so far, filled up to a byte with `fill` bits."""
        while self._bits % 8:
            self.u(1, fill)
        return self._value.to_bytes(self._bits // 8, "big")


def unescape(nal: bytes) -> bytes:
    """Without emulation prevention bytes. (Exact: 00 00 03 only ever comes from escaping.)"""
    return nal.replace(b"\x00\x00\x03", b"\x00\x00")


def escape(rbsp: bytes) -> bytes:
    """With emulation prevention bytes."""
    return _NEEDS_ESCAPE.sub(b"\x00\x00\x03", rbsp)


@dataclass(frozen=True, slots=True)
class StreamHeaders:
    """What the slice header's syntax depends on, from SPS and PPS."""

    sps: bytes
    pps: bytes
    frame_num_bits: int
    init_qp: int
    deblocking_control: bool


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice taken from its picture: what a new header needs, and the CABAC data."""

    kind: int  # I_SLICE or P_SLICE
    idr: bool
    frame_num: int
    idr_pic_id: int
    cabac_init_idc: int
    qp: int
    deblocking_idc: int
    alpha_div2: int
    beta_div2: int
    data: bytes  # unescaped, from the first byte after cabac_alignment_one_bit


def read_headers(sps: bytes, pps: bytes) -> StreamHeaders:
    """Read one SPS and one PPS (NAL units). Raises `ValueError` for anything but what our encoders write."""
    bits = BitReader(unescape(sps[1:]))
    profile = bits.u(8)
    bits.u(16)
    bits.ue()
    if profile in (100, 110, 122, 244):
        if bits.ue() != 1 or bits.ue() or bits.ue():
            raise ValueError("only 8-bit 4:2:0 is understood")
        if bits.u(2):
            raise ValueError("scaling matrices are not understood")
    frame_num_bits = bits.ue() + 4
    if bits.ue() != 2:
        raise ValueError("only picture order count type 2 is understood")
    bits = BitReader(unescape(pps[1:]))
    if bits.ue() or bits.ue():
        raise ValueError("only parameter set id 0 is understood")
    cabac, bottom = bits.u(1), bits.u(1)
    groups = bits.ue()
    references = bits.ue()
    bits.ue()
    weighted = bits.u(3)
    init_qp = 26 + bits.se()
    bits.se()
    bits.se()
    deblocking_control = bool(bits.u(1))
    if not cabac or bottom or groups or references or weighted or bits.u(2):
        raise ValueError("only CABAC with one reference, no weights and no slice groups is understood")
    return StreamHeaders(sps, pps, frame_num_bits, init_qp, deblocking_control)


def read_slice(nal: bytes, headers: StreamHeaders) -> Slice:
    """Take a slice NAL unit apart. Raises `ValueError` for anything but what our encoders write."""
    idr = nal[0] & 31 == IDR_NAL
    reference = nal[0] >> 5 & 3
    rbsp = unescape(nal[1:])
    bits = BitReader(rbsp[:64])
    bits.ue()
    kind = bits.ue() % 5
    if kind not in (I_SLICE, P_SLICE) or bits.ue():
        raise ValueError("only I and P slices of parameter set 0 are understood")
    frame_num = bits.u(headers.frame_num_bits)
    idr_pic_id = bits.ue() if idr else 0
    if kind == P_SLICE:
        if bits.u(1) and bits.ue():
            raise ValueError("only one reference picture is understood")
        if bits.u(1):
            raise ValueError("reordered references are not understood")
    if reference and bits.u(2 if idr else 1):
        raise ValueError("reference marking is not understood")
    cabac_init_idc = bits.ue() if kind != I_SLICE else 0
    qp = headers.init_qp + bits.se()
    deblocking_idc = alpha = beta = 0
    if headers.deblocking_control:
        deblocking_idc = bits.ue()
        if deblocking_idc != 1:
            alpha, beta = bits.se(), bits.se()
    start = (bits.position + 7) // 8
    return Slice(kind, idr, frame_num, idr_pic_id, cabac_init_idc, qp, deblocking_idc, alpha, beta, rbsp[start:])


def write_slice(
    part: Slice, headers: StreamHeaders, *, first_macroblock: int, idr: bool, frame_num: int, idr_pic_id: int
) -> bytes:
    """The slice as a NAL unit of the picture described by `headers`, at a place and in a frame of its own."""
    bits = BitWriter()
    bits.ue(first_macroblock)
    bits.ue(part.kind)
    bits.ue(0)
    bits.u(headers.frame_num_bits, frame_num)
    if idr:
        bits.ue(idr_pic_id)
    if part.kind == P_SLICE:
        bits.u(2, 0)  # no override of the reference count, no reordering
    bits.u(2 if idr else 1, 0)  # reference marking: sliding window
    if part.kind != I_SLICE:
        bits.ue(part.cabac_init_idc)
    bits.se(part.qp - headers.init_qp)
    if not headers.deblocking_control:
        raise ValueError("the encoder must signal deblocking control, or slices would be filtered into each other")
    bits.ue(1 if part.deblocking_idc == 1 else 2)
    if part.deblocking_idc != 1:
        bits.se(part.alpha_div2)
        bits.se(part.beta_div2)
    return bytes([0x60 | (IDR_NAL if idr else 1)]) + escape(bits.aligned(1) + part.data)


def split_annexb(data: bytes) -> list[bytes]:
    """The NAL units of an Annex B byte string."""
    nals = []
    for piece in data.split(b"\x00\x00\x01"):
        nal = piece.rstrip(b"\x00")
        if nal:
            nals.append(nal)
    return nals
