"""The virtual cameras' RTSP 1.0 server: one asyncio process, hundreds of clients, pictures packed once and shared.

TCP interleaved and UDP, Basic and Digest, sender reports, session time-out, faults of `faults.py`. It serves
`VirtualCamera`s under `/cam/<code>/main` and `/sub`, and any other path given. It is a test instrument and the demo's
cameras: loopback only, no TLS, no multicast. Source: RFC 2326. Bounds: 64 KiB a request, `MAX_CONNECTIONS`. Called by
`role.py`, tests and benchmarks; tells `sent()` to the ledger.
"""

import asyncio
import base64
import logging
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from urllib.parse import urlsplit

from manara.simulate.auth import Doorkeeper
from manara.simulate.mount import Mount, VirtualCamera
from manara.simulate.sessions import PAYLOAD_TYPE, Sent, Session
from manara.simulate.strip import due_us, number_at

log = logging.getLogger(__name__)
MAX_REQUEST_BYTES = 65_536
MAX_CONNECTIONS = 4096
MAX_LATE_S = 1.0  # later than this, frames are left out (and counted) rather than sent in a burst
LATE_TOLD_EVERY_S = 5.0
PATIENCE_S = 8.0  # below what clients wait for an answer
_LOOK_AGAIN_S = 0.1
_REASONS = {
    200: "OK", 302: "Moved Temporarily", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 454: "Session Not Found", 455: "Method Not Valid in This State",
    461: "Unsupported Transport", 500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip
_METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN"


@dataclass(slots=True)
class Request:
    """One RTSP request."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.url).path.rstrip("/")


@dataclass(slots=True)
class _Ticker:
    """Sessions whose frames fall due together."""

    frame_rate: Fraction
    phase_us: int
    next_number: int = 0
    sessions: set[Session] = field(default_factory=set)
    handle: asyncio.TimerHandle | None = None


class RtspServer:
    """Serves mounts by path. `start` listens, `close` ends every session."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._host = host
        self.port = port
        self.mounts: dict[str, Mount] = {}
        self.cameras: dict[str, VirtualCamera] = {}
        self.doorkeeper = Doorkeeper()
        self.frames_late = 0  # left out because the server itself came too late
        self._late_told_s = 0.0
        self.connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        self._udp: list[socket.socket] = []
        self._tickers: dict[tuple[Fraction, int], _Ticker] = {}
        self._sent: list[Sent] = []
        self._wall_offset_us = time.time_ns() // 1000 - int(time.monotonic() * 1_000_000)

    def add(self, camera: VirtualCamera, paths: dict[str, str] | None = None) -> None:
        """Serve all streams of a camera, at `/cam/<code>/<stream>` or the paths given by stream."""
        self.cameras[camera.code] = camera
        for stream, mount in camera.mounts.items():
            path = (paths or {}).get(stream, f"/cam/{camera.code}/{stream}")
            self.mounts[path.rstrip("/")] = mount

    def url(self, camera: str, stream: str = "main") -> str:
        """The address of a stream, without credentials."""
        return f"rtsp://{self._host}:{self.port}/cam/{camera}/{stream}"

    async def start(self) -> None:
        """Listen. Raises `OSError` where the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self), self._host, self.port, backlog=1024, start_serving=False
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._udp = list(_udp_pair(self._host))
        for sock in self._udp:
            loop.add_reader(sock, self._drain, sock)
        await self._server.start_serving()
        log.info("virtual cameras listen", extra={"host": self._host, "port": self.port})

    async def close(self) -> None:
        """End every session and stop listening."""
        loop = asyncio.get_running_loop()
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections):
            connection.end()
        for ticker in self._tickers.values():
            if ticker.handle is not None:
                ticker.handle.cancel()
        for sock in self._udp:
            loop.remove_reader(sock)
            sock.close()
        self._udp = []
        if self._server is not None:
            await self._server.wait_closed()

    @staticmethod
    def _drain(sock: socket.socket) -> None:
        """Receiver reports are not asked for anything; they only keep the queue from filling."""
        try:
            while sock.recv(2048):
                pass
        except OSError:  # nothing left, or the client's port is gone: both are its business
            return

    @property
    def udp_ports(self) -> tuple[int, int]:
        """Our RTP and RTCP ports."""
        return self._udp[0].getsockname()[1], self._udp[1].getsockname()[1]

    def udp_sender(self, address: str, ports: tuple[int, int]) -> "_UdpSender":
        """A way to one client's pair of ports."""
        return _UdpSender(self._udp[0], self._udp[1], address, ports)

    def sent(self) -> list[Sent]:
        """What every session has sent so far, ended ones too."""
        return self._sent

    def forget_sent(self) -> None:
        """Drop the records of ended sessions."""
        self._sent = [entry for entry in self._sent if not entry.ended]

    def close_sessions(self, camera: str) -> None:
        """Cut all clients of a camera off."""
        for connection in list(self.connections):
            if any(session.mount.camera.code == camera for session in connection.sessions.values()):
                connection.end()

    # --- time ---------------------------------------------------------------------------------------------------------

    def now_us(self) -> int:
        """Wall time that never steps: the wall clock at the start plus what has passed."""
        return self._wall_offset_us + int(time.monotonic() * 1_000_000)

    def current_number(self, mount: Mount) -> int:
        """The number of the frame that is due next."""
        return number_at(self.now_us() - mount.phase_us, mount.frame_rate) + 1

    def begin(self, session: Session) -> tuple[int, int]:
        """Let a session take part from the next frame on."""
        mount = session.mount
        key = (mount.frame_rate, mount.phase_us)
        ticker = self._tickers.get(key)
        if ticker is None:
            ticker = self._tickers[key] = _Ticker(*key)
        if not ticker.sessions:
            ticker.next_number = self.current_number(mount)
        ticker.sessions.add(session)
        if session.sent not in self._sent:
            self._sent.append(session.sent)
        if ticker.handle is None:
            self._arm(ticker)
        return session.play(ticker.next_number)

    def finish(self, session: Session) -> None:
        """Take a session out."""
        ticker = self._tickers.get((session.mount.frame_rate, session.mount.phase_us))
        if ticker is not None:
            ticker.sessions.discard(session)

    def _arm(self, ticker: _Ticker) -> None:
        due_s = (due_us(ticker.next_number, ticker.frame_rate) + ticker.phase_us - self._wall_offset_us) / 1_000_000
        ticker.handle = asyncio.get_running_loop().call_at(due_s, self._tick, ticker)

    def _tick(self, ticker: _Ticker) -> None:
        ticker.handle = None
        if not ticker.sessions:
            return
        now_us = self.now_us()
        last = number_at(now_us - ticker.phase_us + 500, ticker.frame_rate)
        late = last - ticker.next_number - int(ticker.frame_rate * Fraction(MAX_LATE_S))
        if late > 0:
            self.frames_late += late * len(ticker.sessions)
            for session in ticker.sessions:
                session.sent.skipped.extend(range(ticker.next_number, ticker.next_number + late))
            if time.monotonic() - self._late_told_s > LATE_TOLD_EVERY_S:
                self._late_told_s = time.monotonic()
                log.warning("virtual cameras come too late", extra={"frames_left_out": self.frames_late})
            ticker.next_number += late
        now_s = time.monotonic()
        while ticker.next_number <= last:
            for session in list(ticker.sessions):
                session.deliver(ticker.next_number, now_us, now_s)
                if not session.playing:
                    ticker.sessions.discard(session)
            ticker.next_number += 1
        self._arm(ticker)


class _UdpSender:
    """Sends datagrams to one client; what the system does not take is counted, as on a real network."""

    def __init__(self, rtp: socket.socket, rtcp: socket.socket, address: str, ports: tuple[int, int]) -> None:
        self._rtp, self._rtcp, self._address, self._ports = rtp, rtcp, address, ports
        self.refused = 0

    def __call__(self, datagram: bytes, is_rtcp: bool) -> bool:
        try:
            if is_rtcp:
                self._rtcp.sendto(datagram, (self._address, self._ports[1]))
            else:
                self._rtp.sendto(datagram, (self._address, self._ports[0]))
        except OSError:
            self.refused += 1
            return False
        return True


def _udp_pair(host: str) -> tuple[socket.socket, socket.socket]:
    for _ in range(50):
        rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        rtp.setblocking(False)
        rtp.bind((host, 0))
        port = rtp.getsockname()[1]
        rtcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        rtcp.setblocking(False)
        try:
            if port % 2 == 0:
                rtcp.bind((host, port + 1))
                rtp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_000_000)
                return rtp, rtcp
        except OSError:
            log.debug("port pair is taken", extra={"port": port})
        rtp.close()
        rtcp.close()
    raise OSError("no even and odd pair of free UDP ports was found")


class _Connection(asyncio.Protocol):
    """One client's RTSP connection."""

    def __init__(self, server: RtspServer) -> None:
        self._server = server
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._watch: asyncio.TimerHandle | None = None
        self.sessions: dict[str, Session] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  (TCP always is)
        self._transport = transport
        transport.set_write_buffer_limits(high=1 << 30)
        if len(self._server.connections) >= MAX_CONNECTIONS:
            transport.abort()
            return
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server.connections.add(self)
        self._watch = asyncio.get_running_loop().call_later(1.0, self._check)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        for session in self.sessions.values():
            session.close()
            self._server.finish(session)
        self.sessions.clear()
        self._server.connections.discard(self)

    def end(self) -> None:
        """Close from our side."""
        for session in self.sessions.values():
            session.close()
            self._server.finish(session)
        if self._transport is not None:
            self._transport.close()

    def _check(self) -> None:
        now_s = time.monotonic()
        for session in list(self.sessions.values()):
            if now_s - session.heard_s > session.mount.camera.quirks.session_timeout_s:
                log.info("session timed out", extra={"camera": session.mount.camera.code})
                self.end()
                return
            refused = session.mount.camera.faults.get("refuse")
            if refused is not None:
                self.end()
                return
        self._watch = asyncio.get_running_loop().call_later(0.2 if self.sessions else 1.0, self._check)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._buffer:
            if self._buffer[0] == 0x24:
                if len(self._buffer) < 4:
                    return
                length = 4 + int.from_bytes(self._buffer[2:4], "big")
                if len(self._buffer) < length:
                    return
                del self._buffer[:length]
                self._heard(self.sessions.values())
                continue
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > MAX_REQUEST_BYTES and self._transport is not None:
                    self._transport.abort()
                return
            request = _parse(bytes(self._buffer[:end]))
            body = int(request.headers.get("content-length", "0") or 0) if request else 0
            if request is None or not 0 <= body <= MAX_REQUEST_BYTES:
                self._answer({}, 400)
                self.end()
                return
            if len(self._buffer) < end + 4 + body:
                return
            request.body = bytes(self._buffer[end + 4 : end + 4 + body])
            del self._buffer[: end + 4 + body]
            self._handle(request)

    @staticmethod
    def _heard(sessions: Iterable[Session]) -> None:
        now_s = time.monotonic()
        for session in sessions:
            session.heard_s = now_s

    def _answer(self, request: dict[str, str], status: int, *headers: str, body: bytes = b"") -> None:
        lines = [f"RTSP/1.0 {status} {_REASONS.get(status, 'Refused')}"]
        if "cseq" in request:
            lines.append(f"CSeq: {request['cseq']}")
        lines.append("Server: Manara virtual camera")
        lines += headers
        if body:
            lines.append(f"Content-Length: {len(body)}")
        if self._transport is not None:
            self._transport.write("\r\n".join([*lines, "", ""]).encode() + body)

    def _handle(self, request: Request, waited_s: float = 0.0) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        mount = self._mount(request.path)
        if mount is None and not (request.method == "OPTIONS" and request.url in ("*", "")):
            self._answer(request.headers, 404)
            return
        if mount is None:
            self._answer(request.headers, 200, f"Public: {_METHODS}")
            return
        camera = mount.camera
        if camera.faults.get("silent") is not None:
            return
        refused = camera.faults.get("refuse")
        if refused is not None:
            challenge = self._server.doorkeeper.challenge("md5") if refused.value == 401 else []
            self._answer(request.headers, int(refused.value), *(f"WWW-Authenticate: {text}" for text in challenge))
            return
        if request.method != "OPTIONS" and not mount.ready and waited_s < PATIENCE_S:
            # Its scene is still being drawn: a camera that starts up answers late rather than refuses.
            asyncio.get_running_loop().call_later(_LOOK_AGAIN_S, self._handle, request, waited_s + _LOOK_AGAIN_S)
            return
        if request.method != "OPTIONS" and not self._admitted(request, camera):
            return
        if not mount.ready:
            self._answer(request.headers, 503, "Retry-After: 1")
            return
        answer = {
            "OPTIONS": self._options,
            "DESCRIBE": self._describe,
            "SETUP": self._setup,
            "PLAY": self._play,
            "PAUSE": self._pause,
            "GET_PARAMETER": self._parameter,
            "SET_PARAMETER": self._parameter,
            "TEARDOWN": self._teardown,
        }.get(request.method)
        if answer is None:
            self._answer(request.headers, 405, f"Allow: {_METHODS}")
        else:
            answer(request, mount)

    def _mount(self, path: str) -> Mount | None:
        mounts = self._server.mounts
        if path in mounts:
            return mounts[path]
        parent = path.rpartition("/")[0]
        return mounts.get(parent)

    def _admitted(self, request: Request, camera: VirtualCamera) -> bool:
        keeper = self._server.doorkeeper
        verdict = keeper.judge(
            camera.scheme,
            camera.username,
            camera.password,
            request.method,
            request.headers.get("authorization", ""),
            camera.quirks.nonce_lifetime_s,
        )
        if verdict == "ok":
            return True
        challenges = keeper.challenge(camera.scheme, stale=verdict == "stale")
        self._answer(request.headers, 401, *(f"WWW-Authenticate: {text}" for text in challenges))
        return False

    def _options(self, request: Request, mount: Mount) -> None:
        session = self.sessions.get(_session_of(request))
        if session is not None:
            self._heard([session])
            if not mount.camera.quirks.keep_alive:
                return
        self._answer(request.headers, 200, f"Public: {_METHODS}")

    def _describe(self, request: Request, mount: Mount) -> None:
        quirks = mount.camera.quirks
        base = request.url.rstrip("/")
        headers = ["Content-Type: application/sdp"]
        if quirks.content_base:
            headers.append(f"Content-Base: {base}{'/' if quirks.base_slash else ''}")
        control = f"{base}/trackID=0" if quirks.absolute_control else "trackID=0"
        self._answer(request.headers, 200, *headers, body=describe(mount, control).encode())

    def _setup(self, request: Request, mount: Mount) -> None:
        if request.path.endswith("trackID=1"):
            self._answer(request.headers, 461)
            return
        transport = self._transport
        if transport is None:
            return
        for offer in request.headers.get("transport", "").split(","):
            fields = dict(part.partition("=")[::2] for part in offer.strip().split(";"))
            if "RTP/AVP/TCP" in fields:
                channels = _pair(fields.get("interleaved", "0-1"))
                session = Session(mount, transport, channel=channels[0])
                spec = f"RTP/AVP/TCP;unicast;interleaved={channels[0]}-{channels[0] + 1}"
                break
            if ("RTP/AVP" in fields or "RTP/AVP/UDP" in fields) and "client_port" in fields:
                ports = _pair(fields["client_port"])
                peer = transport.get_extra_info("peername")[0]
                session = Session(mount, transport, udp_send=self._server.udp_sender(peer, ports))
                ours = self._server.udp_ports
                spec = f"RTP/AVP;unicast;client_port={ports[0]}-{ports[1]};server_port={ours[0]}-{ours[1]}"
                break
        else:
            self._answer(request.headers, 461)
            return
        self.sessions[session.identifier] = session
        timeout = round(mount.camera.quirks.session_timeout_s)
        self._answer(
            request.headers,
            200,
            f"Transport: {spec};ssrc={session.ssrc:08X}",
            f"Session: {session.identifier};timeout={timeout}",
        )

    def _play(self, request: Request, mount: Mount) -> None:
        session = self.sessions.get(_session_of(request))
        if session is None:
            self._answer(request.headers, 454)
            return
        self._heard([session])
        sequence, rtp_time = self._server.begin(session)
        url = request.url.rstrip("/")
        self._answer(
            request.headers,
            200,
            f"Session: {session.identifier}",
            "Range: npt=now-",
            f"RTP-Info: url={url}/trackID=0;seq={sequence};rtptime={rtp_time}",
        )

    def _pause(self, request: Request, mount: Mount) -> None:
        session = self.sessions.get(_session_of(request))
        if session is None:
            self._answer(request.headers, 454)
            return
        session.pause()
        self._server.finish(session)
        self._answer(request.headers, 200, f"Session: {session.identifier}")

    def _parameter(self, request: Request, mount: Mount) -> None:
        session = self.sessions.get(_session_of(request))
        if session is None:
            self._answer(request.headers, 454)
            return
        self._heard([session])
        if mount.camera.quirks.keep_alive:
            self._answer(request.headers, 200, f"Session: {session.identifier}")

    def _teardown(self, request: Request, mount: Mount) -> None:
        session = self.sessions.pop(_session_of(request), None)
        if session is None:
            self._answer(request.headers, 454)
            return
        session.playing = False
        session.close()
        self._server.finish(session)
        self._answer(request.headers, 200, f"Session: {session.identifier}")


def _parse(head: bytes) -> Request | None:
    lines = head.decode("utf-8", "replace").lstrip("\r\n").split("\r\n")
    words = lines[0].split()
    if len(words) != 3 or not words[2].startswith("RTSP/1."):
        return None
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            return None
        headers[name.strip().lower()] = value.strip()
    if not headers.get("content-length", "0").isdigit():
        return None
    return Request(words[0], words[1], headers)


def _session_of(request: Request) -> str:
    return request.headers.get("session", "").partition(";")[0].strip()


def _pair(text: str) -> tuple[int, int]:
    first, _, second = text.partition("-")
    if not first.isdigit():
        return 0, 1
    return int(first) & 0xFFFF, int(second) & 0xFFFF if second.isdigit() else int(first) + 1


def describe(mount: Mount, control: str) -> str:
    """The SDP of a stream."""
    sets = mount.parameter_sets
    texts = [base64.b64encode(nal).decode() for nal in sets]
    if mount.codec == "h264":
        name, fmtp = "H264", f"packetization-mode=1;profile-level-id={sets[0][1:4].hex().upper()}"
        if mount.camera.quirks.sprop:
            fmtp += f";sprop-parameter-sets={','.join(texts)}"
    else:
        name, fmtp = "H265", ""
        if mount.camera.quirks.sprop:
            fmtp = f"sprop-vps={texts[0]};sprop-sps={texts[1]};sprop-pps={texts[2]}"
    lines = [
        "v=0",
        f"o=- {time.time_ns()} 1 IN IP4 127.0.0.1",
        f"s={mount.camera.code}",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=range:npt=now-",
        "a=control:*",
        f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
        f"a=rtpmap:{PAYLOAD_TYPE} {name}/90000",
        f"a=framerate:{float(mount.frame_rate):g}",
    ]
    if fmtp:
        lines.append(f"a=fmtp:{PAYLOAD_TYPE} {fmtp}")
    lines.append(f"a=control:{control}")
    if mount.camera.quirks.sound:
        lines += ["m=audio 0 RTP/AVP 8", "a=rtpmap:8 PCMA/8000", "a=control:trackID=1"]
    return "\r\n".join([*lines, ""])
