"""A plain RTSP client for tests: what comes over the wire, byte by byte, judged by nobody."""

import socket
import time
from dataclasses import dataclass, field

from manara.simulate.identity import FrameIdentity, read_identity


@dataclass
class Wire:
    """One interleaved session on one stream."""

    url: str
    sock: socket.socket = field(init=False)
    data: bytearray = field(default_factory=bytearray)
    session: str = ""
    _cseq: int = 0

    def __post_init__(self) -> None:
        host, _, rest = self.url.removeprefix("rtsp://").partition(":")
        self.sock = socket.create_connection((host, int(rest.partition("/")[0])), 5)
        self.sock.settimeout(5)

    def ask(self, method: str, *headers: str, url: str = "") -> tuple[int, dict[str, str], bytes]:
        """Send a request and take its answer, leaving interleaved packets in front of it aside."""
        self._cseq += 1
        lines = [f"{method} {url or self.url} RTSP/1.0", f"CSeq: {self._cseq}", *headers]
        if self.session:
            lines.append(f"Session: {self.session}")
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode())
        packets = bytearray()
        while True:
            self._fill(4)
            if self.data[0] == 0x24:
                size = 4 + int.from_bytes(self.data[2:4], "big")
                self._fill(size)
                packets += self.data[:size]
                del self.data[:size]
                continue
            while (end := self.data.find(b"\r\n\r\n")) < 0:
                self._more()
            head = bytes(self.data[:end]).decode().split("\r\n")
            fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            size = int(fields.get("content-length", 0))
            self._fill(end + 4 + size)
            body = bytes(self.data[end + 4 : end + 4 + size])
            self.data = packets + self.data[end + 4 + size :]
            return int(head[0].split()[1]), fields, body

    def play(self) -> "Wire":
        """SETUP and PLAY, interleaved."""
        status, fields, _ = self.ask(
            "SETUP", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1", url=self.url + "/trackID=0"
        )
        assert status == 200
        self.session = fields["session"].partition(";")[0]
        assert self.ask("PLAY")[0] == 200
        return self

    def _more(self) -> None:
        got = self.sock.recv(65536)
        if not got:
            raise EOFError
        self.data += got

    def _fill(self, size: int) -> None:
        while len(self.data) < size:
            self._more()

    def packet(self) -> tuple[int, bytes]:
        """The next interleaved packet: channel, bytes. Raises `EOFError` at the end, `ValueError` for anything else."""
        self._fill(4)
        if self.data[0] != 0x24:
            raise ValueError(f"not an interleaved packet: {bytes(self.data[:8])!r}")
        size = int.from_bytes(self.data[2:4], "big")
        self._fill(4 + size)
        channel, packet = self.data[1], bytes(self.data[4 : 4 + size])
        del self.data[: 4 + size]
        return channel, packet

    def packets_to_end(self) -> None:
        """Take packets until something that is none, silence, or the end."""
        while True:
            channel, packet = self.packet()
            if channel > 1 or (channel == 0 and packet[0] != 0x80):
                raise ValueError("not a packet of this session")

    def read_to_end(self) -> None:
        """Take bytes until silence or the end."""
        while True:
            self._more()

    def frame(self, limit_s: float = 5.0) -> list[bytes]:
        """RTP packets up to the next marker."""
        packets = []
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            channel, packet = self.packet()
            if channel == 0:
                packets.append(packet)
                if packet[1] & 0x80:
                    return packets
        raise TimeoutError("no frame came")

    def identity(self) -> FrameIdentity:
        """Who the next frame says it is."""
        return identity_of(self.frame())

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def identity_of(packets: list[bytes]) -> FrameIdentity:
    """The identity SEI in a frame's first packets."""
    for packet in packets:
        payload = packet[12:]
        at = payload.find(b"manara:frame-id1")
        if at >= 0:
            found = read_identity(payload[max(0, at - 3) :])
            assert found is not None
            return found
    raise AssertionError("the frame has no identity")
