"""One client's session on one stream:

RTP headers, the way out (interleaved or UDP), sender reports, faults on the wire.

Frames come from a mount and go out in one write each. A client that does not read is skipped to the next key frame,
never waited for. Called by `rtsp_server.py`, which owns the clock.
"""

import asyncio
import logging
import os
import random
import secrets
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from manara.simulate.mount import Mount
from manara.simulate.rtp import goodbye, sender_report

log = logging.getLogger(__name__)
PAYLOAD_TYPE = 96
REPORT_INTERVAL_S = 2.0
MAX_BACKLOG_BYTES = 8_000_000
_INTERLEAVED = struct.Struct(">BBHBBHII")
_RTP = struct.Struct(">BBHII")


@dataclass(slots=True)
class Sent:
    """What one session has sent: the ledger's left-hand column."""

    camera: str
    stream: str
    client: str
    first_number: int = -1
    last_number: int = -1
    frames: int = 0
    payload_bytes: int = 0
    skipped: list[int] = field(default_factory=list)  # numbers that this client was not sent
    ended: bool = False


class Session:
    """A client that was let in. `deliver` is called at every frame time while it plays."""

    def __init__(
        self,
        mount: Mount,
        transport: asyncio.Transport,
        *,
        channel: int = 0,
        udp_send: Callable[[bytes, bool], bool] | None = None,
    ) -> None:
        self.identifier = secrets.token_hex(6)
        self.mount = mount
        self.playing = False
        self.ssrc = secrets.randbits(32)
        self.sent = Sent(mount.camera.code, mount.stream, str(transport.get_extra_info("peername")))
        self.heard_s = time.monotonic()
        self._transport = transport
        self._channel = channel
        self._udp_send = udp_send  # (datagram, is RTCP) -> handed to the system
        self._sequence = secrets.randbits(15)
        self._time_base = secrets.randbits(31)
        self._time_step = 90_000 / mount.frame_rate
        self._first_number = 0
        self._position = -1
        self._packets = 0
        self._report_s = 0.0
        self._held = False  # half speed: every other tick

    def play(self, number: int) -> tuple[int, int]:
        """Begin; gives sequence number and RTP time of the first packet."""
        if not self.playing:
            self.playing = True
            self._first_number = number
            self._position = self.mount.start(number)
        return self._sequence, self._rtp_time(number)

    def pause(self) -> None:
        """Stop sending until `play`."""
        self.playing = False

    def _rtp_time(self, number: int) -> int:
        return (self._time_base + int((number - self._first_number) * self._time_step)) & 0xFFFFFFFF

    def deliver(self, number: int, now_us: int, now_s: float) -> None:
        """Send the frame of this number (or what the camera's faults make of it)."""
        if self._transport.is_closing():
            self.playing = False
            return
        faults = self.mount.camera.faults
        if faults.active and self._faulty(number):
            return
        if self._udp_send is None and self._transport.get_write_buffer_size() > MAX_BACKLOG_BYTES:
            self.sent.skipped.append(number)
            self._position = -1
            return
        if self._position < 0:
            self._position = self.mount.start(number)
            if self._position < 0:
                return
        payloads, self._position = self.mount.packets(self._position, number, now_us)
        if not payloads:
            return
        rtp_time = self._rtp_time(number)
        drop = faults.get("drop") if faults.active else None
        if self._udp_send is None:
            self._transport.write(self._interleave(payloads, rtp_time, drop.value if drop else 0.0))
        else:
            self._send_datagrams(payloads, rtp_time, drop.value if drop else 0.0)
        sent = self.sent
        if sent.first_number < 0:
            sent.first_number = number
        sent.last_number = number
        sent.frames += 1
        self._packets += len(payloads)
        if now_s - self._report_s >= REPORT_INTERVAL_S:
            self._report_s = now_s
            wrong = faults.get("wrong_time") if faults.active else None
            self._report(now_us + (round(wrong.value * 1_000_000) if wrong else 0), rtp_time)

    def _interleave(self, payloads: list[bytes], rtp_time: int, drop_pct: float) -> bytes:
        sequence, ssrc, channel, pack = self._sequence, self.ssrc, self._channel, _INTERLEAVED.pack
        out: list[bytes] = []
        left = len(payloads)
        for payload in payloads:
            left -= 1
            if not drop_pct or random.random() * 100 >= drop_pct:
                kind = PAYLOAD_TYPE if left else PAYLOAD_TYPE | 0x80
                out.append(pack(0x24, channel, len(payload) + 12, 0x80, kind, sequence, rtp_time, ssrc))
                out.append(payload)
            sequence = (sequence + 1) & 0xFFFF
        self._sequence = sequence
        data = b"".join(out)
        self.sent.payload_bytes += len(data)
        return data

    def _send_datagrams(self, payloads: list[bytes], rtp_time: int, drop_pct: float) -> None:
        assert self._udp_send is not None  # noqa: S101  (for the type checker)
        last = len(payloads) - 1
        for index, payload in enumerate(payloads):
            if not drop_pct or random.random() * 100 >= drop_pct:
                kind = PAYLOAD_TYPE | (0x80 if index == last else 0)
                head = _RTP.pack(0x80, kind, self._sequence, rtp_time, self.ssrc)
                self._udp_send(head + payload, False)
                self.sent.payload_bytes += len(payload) + 12
            self._sequence = (self._sequence + 1) & 0xFFFF

    def _report(self, wall_us: int, rtp_time: int) -> None:
        self._control(sender_report(self.ssrc, wall_us, rtp_time, self._packets, self.sent.payload_bytes))

    def _control(self, packet: bytes) -> None:
        if self._udp_send is not None:
            self._udp_send(packet, True)
        else:
            self._transport.write(struct.pack(">BBH", 0x24, self._channel + 1, len(packet)) + packet)

    def _faulty(self, number: int) -> bool:
        """Carry out the faults that replace a frame; True where nothing more is sent at this tick."""
        faults = self.mount.camera.faults
        if faults.get("stall") is not None or faults.get("silent") is not None:
            self.sent.skipped.append(number)
            return True
        if faults.get("half_speed") is not None:
            self._held = not self._held
            if self._held:
                self.sent.skipped.append(number)
                return True
        garbage = faults.take("garbage")
        if garbage is not None:
            self._garbage(int(garbage.value))
        if faults.take("cut") is not None:
            self._cut(number)
            return True
        return False

    def _garbage(self, size_bytes: int) -> None:
        if self._udp_send is not None:
            for at in range(0, size_bytes, 1200):
                self._udp_send(os.urandom(min(1200, size_bytes - at)), False)
        else:
            self._transport.write(os.urandom(size_bytes))

    def _cut(self, number: int) -> None:
        if self._udp_send is None and self._position >= 0:
            payloads, _ = self.mount.packets(self._position, number, time.time_ns() // 1000)
            data = self._interleave(payloads, self._rtp_time(number), 0.0)
            self._transport.write(data[: max(5, len(data) // 2)])
        self.sent.skipped.append(number)
        self.playing = False
        self._transport.close()

    def close(self) -> None:
        """Say goodbye and stop."""
        if self.playing and not self._transport.is_closing():
            self._control(goodbye(self.ssrc))
        self.playing = False
        self.sent.ended = True
