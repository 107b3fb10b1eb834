"""One RTSP connection: a non-blocking socket, requests and answers, and the interleaved packets between them.

All connections of a process share one receive buffer (`Receiver`); what a read leaves over is kept here and put in
front of the next one. Knows nothing of cameras, codecs or statuses. `session.py` drives it. It ends once, through
`ended`, with a `StreamFault`. Bounds: 16 requests waiting for an answer, 64 KiB waiting to be sent, 256 KiB of
garbage until the connection is given up.
"""

import asyncio
import contextlib
import ipaddress
import logging
import re
import socket
import ssl
from collections.abc import Callable

from manara.base.clock import Clock
from manara.formats import rtsp
from manara.recorder.depacketise import Depacketiser
from manara.recorder.faults import StreamFault
from manara.recorder.tls import TlsPipe

READ_BYTES = 262_144
_CARRY_BYTES = rtsp.MAX_HEAD_BYTES + rtsp.MAX_BODY_BYTES + 70_000
_MAX_WAITING = 16
_MAX_OUT_BYTES = 65_536
_MAX_GARBAGE_BYTES = 262_144

_MESSAGE = re.compile(rb"RTSP/\d\.\d \d\d\d|[A-Z_]{3,16} (?:rtsps?:|\*)")
_MAYBE_MESSAGE = re.compile(rb"[A-Z_]{1,16}(?:/[0-9.]{0,3}(?: \d{0,3})?)?(?: (?:\*|[rtsp:]{0,6}))?")

_log = logging.getLogger(__name__)


class Receiver:
    """What all connections of one event loop share: loop, clock and the receive buffer."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock) -> None:
        self.loop = loop
        self.clock = clock
        self.buffer = bytearray(READ_BYTES + _CARRY_BYTES)
        self.view = memoryview(self.buffer)
        self.cipher = bytearray(READ_BYTES)
        self.cipher_view = memoryview(self.cipher)


async def connect(receiver: Receiver, host: str, port: int) -> socket.socket:
    """A connected non-blocking TCP socket. Raises `StreamFault` (dns, connection_refused, timeout); the caller
    bounds the time."""
    loop = receiver.loop
    try:
        family: int = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
        places: list[tuple[int, tuple[object, ...]]] = [(family, (host, port))]
    except ValueError:
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise StreamFault("dns", f"no address for the name {host[:80]}: {error}") from error
        places = [(entry[0], entry[4]) for entry in found[:4]]
    fault = StreamFault("dns", f"no address for the name {host}")
    for family, place in places:
        sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            await loop.sock_connect(sock, place)
        except ConnectionRefusedError:
            fault = StreamFault("connection_refused", f"{host} port {port} refuses connections")
            sock.close()
        except OSError as error:
            fault = StreamFault("timeout", f"{host} port {port} cannot be reached: {error.strerror or error}")
            sock.close()
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise fault


class Connection:
    """Requests out, answers and packets in. Everything runs on the receiver's loop."""

    def __init__(self, receiver: Receiver, sock: socket.socket, tls: TlsPipe | None = None) -> None:
        self.ended: asyncio.Future[StreamFault] = receiver.loop.create_future()
        self.bytes_in = 0
        self.garbage_bytes = 0
        self.depacketiser: Depacketiser | None = None
        self.channels: dict[int, Callable[[memoryview], None]] = {}
        self._receiver = receiver
        self._sock = sock
        self._tls = tls
        self._carry = b""
        self._sequence = 0
        self._waiting: dict[int, asyncio.Future[rtsp.Answer]] = {}
        self._out = bytearray()
        self._low_water = 1
        self._closed = False
        receiver.loop.add_reader(sock.fileno(), self.readable)
        if tls is not None:
            tls.start()
            self._push(tls.to_send())

    # -- out ---------------------------------------------------------------------------------------------------------

    def request(self, method: str, url: str, headers: dict[str, str]) -> "asyncio.Future[rtsp.Answer]":
        """Send a request; the future holds the answer. Answers that nobody waits for any more are dropped."""
        self._sequence += 1
        while len(self._waiting) >= _MAX_WAITING:  # keep-alives that were never answered
            self._waiting.pop(next(iter(self._waiting))).cancel()
        answer: asyncio.Future[rtsp.Answer] = self._receiver.loop.create_future()
        self._waiting[self._sequence] = answer
        self.send(rtsp.write_request(method, url, self._sequence, headers))
        return answer

    def send(self, data: bytes) -> None:
        """Send bytes, or keep them until the socket takes them; a peer that takes nothing ends the connection."""
        if self._closed:
            return
        if self._tls is not None:
            try:
                self._tls.write(data)
            except ssl.SSLError as error:
                self.fail("tls", f"cannot encrypt: {error.reason}")
                return
            data = self._tls.to_send()
        self._push(data)

    def _push(self, data: bytes) -> None:
        if self._out:
            self._out += data
            if len(self._out) > _MAX_OUT_BYTES:
                self.fail("stalled", "the camera takes no more requests")
            return
        sent = 0
        try:
            sent = self._sock.send(data) if data else 0
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self.fail("server_closed", f"cannot send: {error.strerror}")
            return
        if sent < len(data):
            self._out += data[sent:]
            self._receiver.loop.add_writer(self._sock.fileno(), self._writable)

    def _writable(self) -> None:
        try:
            sent = self._sock.send(self._out)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.fail("server_closed", f"cannot send: {error.strerror}")
            return
        del self._out[:sent]
        if not self._out:
            self._receiver.loop.remove_writer(self._sock.fileno())

    # -- in ----------------------------------------------------------------------------------------------------------

    def set_low_water(self, count_bytes: int) -> None:
        """Be woken only when so many bytes wait (1: at once). Where the kernel cannot, we are woken at once."""
        if count_bytes != self._low_water and not self._closed:
            self._low_water = count_bytes
            with contextlib.suppress(OSError):
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count_bytes)

    def readable(self) -> None:
        """Take what has come. Also called by the second's tick, for streams that stay below the low-water mark."""
        if self._closed:
            return
        receiver = self._receiver
        carry = self._carry
        start = len(carry)
        try:
            if self._tls is None:
                view = receiver.view
                if start:
                    view[:start] = carry
                count = self._sock.recv_into(view[start : start + READ_BYTES])
            else:
                count = self._sock.recv_into(receiver.cipher_view)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.fail("server_closed", f"connection broken: {error.strerror}")
            return
        if count == 0:
            self.fail("server_closed", "the camera closed the connection")
            return
        self.bytes_in += count
        try:
            if self._tls is None:
                self._take(start + count)
            else:
                self._decrypt(count)
        except rtsp.RtspError as error:
            self.fail("protocol_error", str(error))
        except ssl.SSLError as error:
            self.fail("tls", f"TLS failed: {error.reason}")
        except Exception:  # noqa: BLE001 -- one camera's bytes must never stop the loop of all others
            _log.exception("taking what a camera sent failed")
            self.fail("protocol_error", "what the camera sent could not be taken; see the log")

    def _decrypt(self, count: int) -> None:
        tls, receiver = self._tls, self._receiver
        if tls is None:
            return
        tls.received(receiver.cipher_view[:count])
        out = tls.to_send()
        if out:
            self._push(out)
        while not self._closed:
            start = len(self._carry)
            got = tls.read_into(receiver.view[start : start + READ_BYTES])
            if got == 0:
                return
            receiver.view[:start] = self._carry
            self._take(start + got)

    def _take(self, end: int) -> None:
        """What is in the shared buffer up to `end`: packets and messages."""
        receiver = self._receiver
        depacketiser = self.depacketiser
        if depacketiser is None:
            at = 0
            while at < end and (after := self._one(at, end)) != at:
                at = after
                if self._closed:
                    return
        else:
            joiner = depacketiser.joiner
            frames = joiner.frames
            joiner.arrival_us = receiver.clock.wall_us()
            at = depacketiser.feed(receiver.buffer, receiver.view, 0, end)
            if joiner.frames != frames:
                joiner.arrived()
        left = end - at
        if left > _CARRY_BYTES:
            raise rtsp.RtspError(f"{left} bytes that make no message")
        self._carry = bytes(receiver.view[at:end]) if left else b""

    def _one(self, at: int, end: int) -> int:
        """As `Depacketiser._one`, before there is one."""
        buffer = self._receiver.buffer
        if buffer[at] != 0x24:
            return at + self.text(at, end)
        if end - at < 4:
            return at
        after = at + 4 + (buffer[at + 2] << 8 | buffer[at + 3])
        if after > end:
            return at
        self.other(buffer[at + 1], self._receiver.view[at + 4 : after])
        return after

    def other(self, channel: int, packet: memoryview) -> None:
        """A packet of a channel that is not the video's; channels that nobody set up are passed over."""
        taker = self.channels.get(channel)
        if taker is not None:
            taker(packet)

    def text(self, at: int, end: int) -> int:
        """Bytes that begin no packet: a message, white space, or garbage. How many were taken; 0 = wait for more."""
        view = self._receiver.view
        head = bytes(view[at : min(end, at + 40)])
        if head[0] in b"\r\n\0":
            return 1
        if _MESSAGE.match(head):
            found = rtsp.parse(bytes(view[at:end]))
            if found is None:
                return 0
            message, size = found
            if isinstance(message, rtsp.Answer):
                self._answered(message)
            else:
                self._asked(message)
            return size
        if len(head) < 24 and _MAYBE_MESSAGE.fullmatch(head):
            return 0
        return self._garbage(at, end)

    def _garbage(self, at: int, end: int) -> int:
        """Find where sense begins again: a packet of a channel of ours, or an answer."""
        buffer = self._receiver.buffer
        place = end
        for mark in [bytes((0x24, channel)) for channel in self._lanes()] + [b"RTSP/1."]:
            found = buffer.find(mark, at + 1, place)
            if found >= 0:
                place = found
        if place == end and end - at > 1 and buffer[end - 1] == 0x24:
            place = end - 1
        self.garbage_bytes += place - at
        if self.garbage_bytes > _MAX_GARBAGE_BYTES:
            raise rtsp.RtspError(f"{self.garbage_bytes} bytes that are neither packets nor messages")
        return place - at

    def _lanes(self) -> list[int]:
        return list(self.channels) + ([] if self.depacketiser is None else [self.depacketiser.channel])

    def _answered(self, answer: rtsp.Answer) -> None:
        text = answer.get("cseq").strip()
        waiting = self._waiting
        future = waiting.pop(int(text), None) if text.isascii() and text.isdigit() and len(text) < 10 else None
        if future is None and not text and waiting:  # some leave the number out
            future = waiting.pop(next(iter(waiting)))
        if future is not None and not future.done():
            future.set_result(answer)

    def _asked(self, request: rtsp.Request) -> None:
        number = request.headers.get("cseq", ["0"])[0][:20]
        if request.method in ("OPTIONS", "GET_PARAMETER", "SET_PARAMETER", "ANNOUNCE"):
            self.send(rtsp.write_answer(number))
        else:
            self.send(rtsp.write_answer(number, 501, "Not Implemented"))
        if request.method in ("TEARDOWN", "REDIRECT"):
            self.fail("server_closed", f"the camera asked us to leave ({request.method})")

    # -- end ---------------------------------------------------------------------------------------------------------

    def fail(self, cause: str, detail: str) -> None:
        """End the connection and tell why; only the first reason counts."""
        if not self.ended.done():
            self.ended.set_result(StreamFault(cause, detail))
        self.close()

    def close(self) -> None:
        """Close the socket; may be called twice."""
        if self._closed:
            return
        self._closed = True
        loop, number = self._receiver.loop, self._sock.fileno()
        loop.remove_reader(number)
        loop.remove_writer(number)
        self._sock.close()
        for future in self._waiting.values():
            future.cancel()
        self._waiting.clear()
