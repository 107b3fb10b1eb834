"""RTP over UDP: a pair of sockets, packets put back in order, losses counted by whoever takes them.

Packets that come too early wait in at most 64 places and at most 250 ms; what is missing then is given up. Packets
from another host than the camera's are dropped and counted. Called by `session.py`. Source: RFC 3550; the figures
follow what MediaMTX does.
"""

import contextlib
import socket
from collections.abc import Callable

from manara.formats import rtp
from manara.recorder.connection import Receiver
from manara.recorder.faults import StreamFault

SLOTS = 64
_WAIT_S = 0.25
_READS = 256
_BUFFER_BYTES = 2 * 1024 * 1024
_PORT_TRIES = 32


class Reorder:
    """Puts packets back in the order of their sequence numbers. `deliver` gets each once, in rising order."""

    def __init__(self, deliver: Callable[[bytes], None], monotonic_s: Callable[[], float]) -> None:
        self.late = 0  # came after their place was given up, or twice
        self._deliver = deliver
        self._monotonic_s = monotonic_s
        self._expected = -1
        self._early: dict[int, bytes] = {}
        self._since_s = 0.0

    def push(self, sequence: int, packet: bytes | bytearray | memoryview) -> None:
        """Take a packet with this 16-bit sequence number."""
        ahead = 0 if self._expected < 0 else rtp.forward(sequence, self._expected, 16)
        if abs(ahead) > 16 * SLOTS:  # the sender began anew
            self.drain()
            ahead = 0
        if ahead == 0:
            self._deliver(bytes(packet))
            self._expected = (sequence + 1) & 0xFFFF
            self._follow()
        elif ahead < 0 or sequence in self._early:
            self.late += 1
        else:
            if not self._early:
                self._since_s = self._monotonic_s()
            self._early[sequence] = bytes(packet)
            if len(self._early) >= SLOTS or self._monotonic_s() - self._since_s > _WAIT_S:
                self._give_up()

    def tick(self) -> None:
        """Give up what has been missing for too long."""
        if self._early and self._monotonic_s() - self._since_s > _WAIT_S:
            self._give_up()

    def drain(self) -> None:
        """Deliver all that waits."""
        while self._early:
            self._give_up()

    def _give_up(self) -> None:
        nearest = min(self._early, key=lambda number: rtp.forward(number, self._expected, 16))
        self._expected = nearest
        self._follow()

    def _follow(self) -> None:
        while (packet := self._early.pop(self._expected, None)) is not None:
            self._deliver(packet)
            self._expected = (self._expected + 1) & 0xFFFF
        self._since_s = self._monotonic_s()


class UdpPair:
    """The RTP and RTCP sockets of one media."""

    def __init__(
        self, receiver: Receiver, remote_host: str, family: int, on_rtp: Callable[[memoryview], None],
        on_rtcp: Callable[[memoryview], None],
    ) -> None:  # fmt: skip
        self.bytes_in = 0
        self.packets_in = 0
        self.strangers = 0
        self._receiver = receiver
        self._host = remote_host
        self._remote_ports: tuple[int, int] | None = None
        self._on_rtp = on_rtp
        self._on_rtcp = on_rtcp
        self._rtp, self._rtcp = _bind_pair(family)
        self.port: int = self._rtp.getsockname()[1]
        self._closed = False
        receiver.loop.add_reader(self._rtp.fileno(), self._readable, self._rtp, on_rtp)
        receiver.loop.add_reader(self._rtcp.fileno(), self._readable, self._rtcp, on_rtcp)

    def remote(self, ports: tuple[int, int]) -> None:
        """The camera's ports; a first packet to each opens the way back through address translators."""
        self._remote_ports = ports
        with contextlib.suppress(OSError):
            self._rtp.sendto(b"\x80\x00\x00\x00" + bytes(8), (self._host, ports[0]))

    def send_rtcp(self, data: bytes) -> None:
        """Send a control packet; a full socket or an unreachable port loses it, as UDP may."""
        if self._remote_ports is not None and not self._closed:
            with contextlib.suppress(OSError):
                self._rtcp.sendto(data, (self._host, self._remote_ports[1]))

    def _readable(self, sock: socket.socket, taker: Callable[[memoryview], None]) -> None:
        view = self._receiver.view
        for _ in range(_READS):
            if self._closed:
                return
            try:
                count, place = sock.recvfrom_into(view)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                return  # an ICMP answer to what we sent; the tick sees it when nothing comes
            if place[0] != self._host:
                self.strangers += 1
                continue
            self.bytes_in += count
            self.packets_in += 1
            taker(view[:count])

    def close(self) -> None:
        """Close both sockets."""
        if not self._closed:
            self._closed = True
            for sock in (self._rtp, self._rtcp):
                self._receiver.loop.remove_reader(sock.fileno())
                sock.close()


def _bind_pair(family: int) -> tuple[socket.socket, socket.socket]:
    """Two sockets on an even port and the next one. Raises `StreamFault`."""
    kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    anywhere = "::" if family == socket.AF_INET6 else "0.0.0.0"  # noqa: S104 -- only packets from the camera are taken
    for _ in range(_PORT_TRIES):
        first = socket.socket(family, kind)
        try:
            first.bind((anywhere, 0))
            port = first.getsockname()[1] & ~1
            if first.getsockname()[1] != port:
                first.close()
                first = socket.socket(family, kind)
                first.bind((anywhere, port))
            second = socket.socket(family, kind)
            try:
                second.bind((anywhere, port + 1))
            except OSError:
                second.close()
                raise
        except OSError:
            first.close()
            continue
        first.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        return first, second
    raise StreamFault("configuration", "no pair of free UDP ports on this machine")
