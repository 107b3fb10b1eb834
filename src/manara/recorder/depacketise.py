"""The packet loop: interleaved RTP in one shared buffer to frames in a `GopJoiner`. The recorder's hottest code.

`feed` walks what one read brought. The usual packets of a frame (nearly all) are taken in one go by `packets.py` or its
compiled twin, and one at a time by `packet` what is not usual; both do the same to a `Depacketiser`. Called by
`connection.py`; UDP packets come with the same 4-byte frame in front. Errors in one packet spoil one frame
(counted), never the connection; only what is no longer RTSP at all is told, by `text`. Source: RFC 2326 section
10.12, RFC 6184, RFC 7798.
"""

import struct
from collections.abc import Callable

from manara.formats import h264, h265, rtp
from manara.recorder.gop import GopJoiner
from manara.recorder.packets import BEFORE, BETWEEN, WHOLE, WITHIN, walk

MAX_FRAME_BYTES = 16 * 1024 * 1024
_MAX_SETS_A_FRAME = 48
_DOLLAR = 0x24
_START_CODE = b"\x00\x00\x01"

_LENGTH = struct.Struct(">I")
_SHORT = struct.Struct(">H")
_NO_LENGTH = b"\x00\x00\x00\x00"


class Depacketiser:
    """Turns the packets of one video stream into frames.

    `text(at, end)` is asked about bytes that do not begin a packet and answers how many it took (0: wait for more);
    `other(channel, view)` gets the packets of other channels (RTCP, sound).
    """

    def __init__(
        self,
        joiner: GopJoiner,
        *,
        channel: int,
        payload_type: int,
        text: Callable[[int, int], int],
        other: Callable[[int, memoryview], None],
    ) -> None:
        self.joiner = joiner
        self.lost = 0  # packets that never came, by sequence number
        self.malformed = 0
        self.packets = 0
        self.source = 0
        self.first_sequence = -1
        self.cycles = 0
        self.expected = -1
        self.stray_types = 0
        self._h264 = joiner.codec == "h264"
        self._skip = 18 if self._h264 else 19  # from `$` to the payload of a fragment
        self.channel = channel
        self._lane = _DOLLAR << 8 | channel
        self._type = payload_type
        self._text = text
        self._other = other
        self._stamp = -1
        self._begun = False  # something of a frame is there
        self._vcl = False
        self._key = False
        self._damaged = False
        self._unsure = False  # packets were lost just before: is the beginning of this frame whole?
        self._sets: list[bytes] = []
        self._nal_at = -1  # where the fragmented NAL unit's length stands, -1 when none is open
        self._fu_first = -1  # of that unit's packets where it is a slice, else -1: see `walk`
        self._fu_middle = -1
        self._slices_marked = False
        self._ended_stamp = -1

    def use_channel(self, channel: int) -> None:
        """The camera chose another channel than we asked for."""
        self.channel = channel
        self._lane = _DOLLAR << 8 | channel

    # -- the loop ----------------------------------------------------------------------------------------------------

    def feed(self, buffer: bytearray, view: memoryview, at: int, end: int) -> int:
        """Take the packets in `buffer[at:end]` (`view` is the same memory); answers where the first one that is not
        whole begins."""
        joiner = self.joiner
        data, skip, lane, plain = joiner.data, self._skip, self._lane, 0x8000 | self._type
        while True:
            if self._fu_first >= 0 or not (self._vcl or self._unsure or self._nal_at >= 0):
                place = WITHIN if self._fu_first >= 0 else BEFORE if self._begun else BETWEEN
                at, packets, place, stamp, begins, first, middle = walk(
                    buffer, at, end, data, skip, lane, plain, self.source, self.expected,
                    place, self._stamp, self._nal_at, self._fu_first, self._fu_middle,
                )  # fmt: skip
                if packets:
                    self.packets += packets
                    self.expected = (self.expected + packets) & 0xFFFF
                    self.cycles += self.expected < packets
                    self._stamp = stamp
                    self._begun = True
                    self._vcl = place >= WITHIN
                    self._nal_at, self._fu_first, self._fu_middle = begins, first, middle
                    if place == WHOLE:
                        self._end_frame()
                        continue
            after = self._one(buffer, view, at, end)
            if after == at:
                if len(data) - joiner.frame_start > MAX_FRAME_BYTES:
                    self._spoil()
                return at
            at = after

    def _one(self, buffer: bytearray, view: memoryview, at: int, end: int) -> int:
        """Take one thing of whatever kind at `at`; answers where the next begins, or `at` while it is not whole."""
        if at >= end:
            return at
        if buffer[at] != _DOLLAR:
            return at + self._text(at, end)
        if end - at < 4:
            return at
        size: int = _SHORT.unpack_from(buffer, at + 2)[0]
        after = at + 4 + size
        if after > end:
            return at
        if buffer[at + 1] == self.channel:
            self.packet(buffer, view, at + 4, after)
        else:
            self._other(buffer[at + 1], view[at + 4 : after])
        return after

    # -- one packet --------------------------------------------------------------------------------------------------

    def packet(self, buffer: bytes | bytearray, view: memoryview, at: int, end: int) -> None:
        """One RTP packet of any kind in `buffer[at:end]`."""
        try:
            head = rtp.parse(buffer, at, end)
        except rtp.RtpError:
            self.malformed += 1
            return
        if head.payload_type != self._type:
            self.stray_types += 1
            return
        sequence = head.sequence
        if sequence != self.expected:
            if self.expected < 0:
                self.first_sequence = sequence
            else:
                ahead = rtp.forward(sequence, self.expected, 16)
                if head.source != self.source:
                    pass  # the sender began anew
                elif ahead > 0:
                    self.lost += ahead
                elif ahead > -64:
                    self.malformed += 1  # an old packet once more
                    return
                self._lose()
                if sequence < self.expected:
                    self.cycles += ahead > 0
        self.packets += 1
        self.source = head.source
        self.expected = (sequence + 1) & 0xFFFF
        if self.expected == 0:
            self.cycles += 1
        if head.timestamp != self._stamp:
            if self._begun and (self._vcl or self._nal_at >= 0):  # a unit that never ended spoils no other frame
                self._end_frame()
            self._stamp = head.timestamp
        if head.start < head.end:
            if self._h264:
                self._h264_payload(view, head.start, head.end)
            else:
                self._h265_payload(view, head.start, head.end)
        if head.marker and self._begun and self._vcl:
            self._end_frame()

    def _lose(self) -> None:
        """Packets are missing before this one: an open frame is spoiled; of the next one we cannot know yet."""
        if self._begun:
            self._spoil()
        self._unsure = True

    def _spoil(self) -> None:
        joiner = self.joiner
        joiner.data.cut(joiner.frame_start)
        self._damaged = self._begun = True
        self._vcl = True
        self._nal_at = self._fu_first = -1

    def _h264_payload(self, view: memoryview, at: int, end: int) -> None:
        kind = view[at] & 31
        if kind == h264.FU_A:
            if end - at < 3:
                self.malformed += 1
                self._spoil()
                return
            indicator, fragment = view[at], view[at + 1]
            self._fragment(view, at + 2, end, fragment, bytes((indicator & 0xE0 | fragment & 31,)), indicator)
        elif kind == h264.STAP_A:
            self._aggregate(view, at + 1, end)
        elif 1 <= kind <= 23:
            self._single(view, at, end)
        elif kind == 0 and bytes(view[at : at + 4]).startswith((_START_CODE, b"\x00" + _START_CODE)):
            self._annex_b(bytes(view[at:end]))
        else:
            self.malformed += 1
            self._spoil()

    def _h265_payload(self, view: memoryview, at: int, end: int) -> None:
        if end - at < 3:
            self.malformed += 1
            self._spoil()
            return
        kind = (view[at] >> 1) & 63
        if kind == h265.FU:
            if end - at < 4:
                self.malformed += 1
                self._spoil()
                return
            fragment = view[at + 2]
            header = bytes((view[at] & 0x81 | (fragment & 63) << 1, view[at + 1]))
            self._fragment(view, at + 3, end, fragment, header, view[at])
        elif kind == h265.AP:
            self._aggregate(view, at + 2, end)
        elif kind == 0 and bytes(view[at : at + 4]).startswith((_START_CODE, b"\x00" + _START_CODE)):
            self._annex_b(bytes(view[at:end]))
        elif kind < h265.AP:
            self._single(view, at, end)
        else:
            self.malformed += 1
            self._spoil()

    def _fragment(self, view: memoryview, at: int, end: int, fragment: int, header: bytes, first: int) -> None:
        """A piece of a NAL unit: begin, go on, end. `header` is what the whole unit's header will be."""
        if self._damaged:
            return
        data = self.joiner.data
        if fragment & 0x80:
            if self._nal_at >= 0:
                self.malformed += 1  # the last one never ended
                self._spoil()
                return
            if not self._begin_nal(header, view[at]):
                return
            self._nal_at = len(data)
            data.put(_NO_LENGTH, header, view[at:end])
            if self._is_slice(header[0]):
                self._fu_first = first
                self._fu_middle = fragment & 0x3F
            if fragment & 0x40:
                self._end_fragments()
            return
        if self._nal_at < 0:
            self._begun = True
            self._spoil()
            return
        data.put(view[at:end])
        if fragment & 0x40:
            self._end_fragments()

    def _end_fragments(self) -> None:
        data, start = self.joiner.data, self._nal_at
        data.write(start, _LENGTH.pack(len(data) - start - 4))
        self._nal_at = self._fu_first = -1
        first = data.copy(start + 4, 1)[0]
        kind = first & 31 if self._h264 else (first >> 1) & 63
        if kind in (h264.SPS, h264.PPS) if self._h264 else h265.VPS <= kind <= h265.PPS:
            # A parameter set in fragments: some cameras send all sets and the key frame as one such unit, with start
            # codes.
            whole = data.copy(start + 4, len(data) - start - 4)
            data.cut(start)
            self._annex_b(_START_CODE + whole)

    def _aggregate(self, view: memoryview, at: int, end: int) -> None:
        while at + 2 < end:
            size = _SHORT.unpack_from(view, at)[0]
            at += 2
            if size == 0:
                continue
            if at + size > end:
                self.malformed += 1
                self._spoil()
                return
            self._single(view, at, at + size)
            at += size

    def _annex_b(self, data: bytes) -> None:
        """NAL units with start codes between them, which RTP does not want and some cameras send all the same."""
        for nal in data.split(_START_CODE):
            nal = nal.rstrip(b"\x00")
            if len(nal) > (0 if self._h264 else 2):
                self._single(memoryview(nal), 0, len(nal))

    def _single(self, view: memoryview, at: int, end: int) -> None:
        if self._damaged:
            return
        if self._nal_at >= 0:
            self.malformed += 1
            self._spoil()
            return
        length = 1 if self._h264 else 2
        if end - at < length:
            self.malformed += 1
            return
        header = bytes(view[at : at + length])
        if not self._begin_nal(header, view[at + length] if end - at > length else 0):
            return
        kind = header[0] & 31 if self._h264 else (header[0] >> 1) & 63
        if kind in (h264.SPS, h264.PPS) if self._h264 else h265.VPS <= kind <= h265.PPS:
            self._parameter_set(bytes(view[at:end]))
        elif self._h264 and kind == h264.SEI and not self._key and h264.has_recovery_point(bytes(view[at:end])):
            self._key = True
        self.joiner.data.put(_LENGTH.pack(end - at), view[at:end])

    def _parameter_set(self, nal: bytes) -> None:
        if len(self._sets) < _MAX_SETS_A_FRAME and 3 < len(nal) <= h264.MAX_PARAMETER_SET_BYTES:
            self._sets.append(nal)
        else:
            self.malformed += 1

    def _is_slice(self, first: int) -> bool:
        """Whether a NAL unit that begins with this byte is one."""
        return 1 <= first & 31 <= 5 if self._h264 else (first >> 1) & 63 <= h265.LAST_VCL

    def _begin_nal(self, header: bytes, slice_byte: int) -> bool:
        """Note what a NAL unit is; False where it cannot be used. `slice_byte` follows the header."""
        vcl = self._is_slice(header[0])
        kind = header[0] & 31 if self._h264 else (header[0] >> 1) & 63
        key = kind == h264.IDR if self._h264 else h265.FIRST_IRAP <= kind <= h265.LAST_IRAP
        first_slice = vcl and slice_byte & 0x80 != 0  # first_mb_in_slice is 0, first_slice_segment_in_pic_flag is set
        if self._unsure:
            self._unsure = False
            if vcl and not first_slice:
                self._spoil()
                return False
        if not self._begun and vcl and not first_slice and self._stamp == self._ended_stamp:
            self._slices_marked = True  # the marker stood on a slice, not on a frame: the frame before goes on
        self._begun = True
        if vcl:
            self._vcl = True
            self._key = self._key or key
        return True

    def _end_frame(self) -> None:
        joiner = self.joiner
        if self._nal_at >= 0:
            self.malformed += 1
            self._damaged = True
        if self._damaged:
            joiner.drop()
        elif self._slices_marked and self._stamp == self._ended_stamp and joiner.extend_last():
            self._slices_marked = False
        else:
            joiner.frame(self._stamp, self._key, self._sets or None)
        self._ended_stamp = -1 if self._damaged else self._stamp
        self._begun = self._vcl = self._key = self._damaged = self._slices_marked = False
        self._nal_at = self._fu_first = -1
        if self._sets:
            self._sets = []

    def reset(self) -> None:
        """Forget an unfinished frame (the connection ended)."""
        joiner = self.joiner
        joiner.data.cut(joiner.frame_start)
        self._begun = self._vcl = self._key = self._damaged = False
        self._nal_at = self._fu_first = -1
        self._sets = []

    @property
    def highest_sequence(self) -> int:
        """Extended highest sequence number, for receiver reports."""
        return (self.cycles << 16) + self.expected - 1 if self.expected >= 0 else 0
