"""A bounded reader of bits, for parameter sets that come from the wire.

Reads past the end raise `BitsError` and nothing else; an Exp-Golomb code longer than 32 bits is refused, so time and
memory are bounded by the input. Called by `h264.py` and `h265.py`. Source: ITU-T H.264 sections 7.2, 7.4.1 and 9.1.
"""


class BitsError(ValueError):
    """The bits end too early or say what they may not."""


def unescape(nal: bytes) -> bytes:
    """The NAL unit without its emulation prevention bytes (00 00 03 → 00 00)."""
    if b"\x00\x00\x03" not in nal:
        return nal
    out = bytearray()
    start = 0
    while (at := nal.find(b"\x00\x00\x03", start)) >= 0:
        out += nal[start : at + 2]
        start = at + 3
    return bytes(out + nal[start:])


class BitReader:
    """Reads from the most significant bit on."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._size = len(data) * 8
        self._at = 0

    @property
    def left(self) -> int:
        """Bits not yet read."""
        return self._size - self._at

    def bits(self, count: int) -> int:
        """The next `count` bits as an unsigned number."""
        if count > self.left:
            raise BitsError(f"wanted {count} bits, {self.left} are left")
        self._at += count
        return (self._value >> (self._size - self._at)) & ((1 << count) - 1)

    def flag(self) -> bool:
        """The next bit."""
        return self.bits(1) == 1

    def skip(self, count: int) -> None:
        """Leave out `count` bits."""
        if count > self.left:
            raise BitsError(f"cannot skip {count} bits, {self.left} are left")
        self._at += count

    def ue(self, most: int = 0xFFFFFFFF) -> int:
        """An unsigned Exp-Golomb code, at most `most`."""
        zeros = 0
        while not self.bits(1):
            zeros += 1
            if zeros > 32:
                raise BitsError("Exp-Golomb code longer than 32 bits")
        value = (1 << zeros) - 1 + self.bits(zeros)
        if value > most:
            raise BitsError(f"{value} where at most {most} is allowed")
        return value

    def se(self) -> int:
        """A signed Exp-Golomb code."""
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)
