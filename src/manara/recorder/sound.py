"""Sound that passes through: AAC as `mpeg4-generic` sends it, and G.711. Only where the site has sound on.

Packets in, samples into the `GopJoiner`. Nothing is decoded. A packet that makes no sense is counted and dropped.
Source: RFC 3640 (mode AAC-hbr), RFC 3551 section 4.5.14.
"""

import binascii
import struct

from manara.formats import rtp
from manara.formats.frames import TIMESCALE_HZ, SoundFormat
from manara.formats.sdp import Media
from manara.recorder.gop import GopJoiner

_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_MAX_PENDING = 2048
_AAC_FRAME = 1024


def sound_format(media: Media) -> SoundFormat | None:
    """What this `m=audio` section holds, or None where it is not one that we pass through."""
    if media.encoding in ("PCMA", "PCMU"):
        rate = media.clock_rate_hz or 8000
        return SoundFormat(media.encoding.lower(), rate, max(1, min(media.channels, 2)))
    if media.encoding != "MPEG4-GENERIC":
        return None
    parameters = media.parameters
    if parameters.get("mode", "").lower() != "aac-hbr" or parameters.get("sizelength") != "13":
        return None
    try:
        config = binascii.unhexlify(parameters.get("config", ""))
    except (binascii.Error, ValueError):
        return None
    if not 2 <= len(config) <= 64:
        return None
    index = (config[0] & 7) << 1 | config[1] >> 7
    rate = _AAC_RATES[index] if index < len(_AAC_RATES) else media.clock_rate_hz
    channels = config[1] >> 3 & 15
    return SoundFormat("aac", rate, channels, config) if rate and 1 <= channels <= 7 else None


class SoundTaker:
    """Takes the sound packets of one connection."""

    def __init__(self, joiner: GopJoiner, sound: SoundFormat, payload_type: int) -> None:
        self.malformed = 0
        self.dropped = 0
        self._joiner = joiner
        self._sound = sound
        self._type = payload_type
        self._stamp: int | None = None
        self._time = 0  # on the sound's clock, on the scale of the joiner's presentation times
        joiner.sound_format = sound

    def take(self, packet: memoryview) -> None:
        """One RTP packet."""
        try:
            head = rtp.parse(packet, 0, len(packet))
        except rtp.RtpError:
            self.malformed += 1
            return
        joiner, rate = self._joiner, self._sound.sample_rate_hz
        if head.payload_type != self._type or joiner.video is None or head.start >= head.end:
            return
        step = 0 if self._stamp is None else rtp.forward(head.timestamp, self._stamp, 32)
        if self._stamp is None or not 0 <= step < 10 * rate:
            # Sound begins, or its clock jumped: from here on it runs beside the picture that came last.
            self._time = max(self._time, joiner.timeline.newest_pts * rate // TIMESCALE_HZ)
        else:
            self._time += step
        self._stamp = head.timestamp
        if len(joiner.sound) >= _MAX_PENDING:
            self.dropped += 1
            return
        body = bytes(packet[head.start : head.end])
        if self._sound.codec == "aac":
            self._aac(body)
        else:
            self._put(self._time, len(body) // self._sound.channels, body)

    def _put(self, at: int, duration: int, data: bytes) -> None:
        time = at - self._joiner.origin * self._sound.sample_rate_hz // TIMESCALE_HZ
        if time >= 0 and duration > 0:
            self._joiner.sound.append((time, duration, data))

    def _aac(self, body: bytes) -> None:
        if len(body) < 4:
            self.malformed += 1
            return
        header_bytes = (struct.unpack_from(">H", body)[0] + 7) // 8
        at = 2 + header_bytes
        count = header_bytes // 2
        for index in range(min(count, 64)):
            if 4 + 2 * index > len(body):
                break
            size = struct.unpack_from(">H", body, 2 + 2 * index)[0] >> 3
            if size == 0 or at + size > len(body):
                self.malformed += 1  # also a frame in several packets, which cameras do not send
                return
            self._put(self._time + index * _AAC_FRAME, _AAC_FRAME, body[at : at + size])
            at += size
