"""One RTSP session: from an address to a playing stream, kept alive, and taken down again.

`open_session` asks (OPTIONS, DESCRIBE, SETUP, PLAY), proves who we are, follows redirects and picks the media.
`Session` then sends keep-alives whose answers nobody waits for, RTCP receiver reports, and reads sender reports.
`stream.py` decides when to open and when to try again. Raises `StreamFault` only. Bounds: 3 redirects, 3 answers to
challenges a request, 8 media.
"""

import asyncio
import contextlib
import secrets
import ssl
from dataclasses import dataclass

from manara.formats import h264, h265, rtp, rtsp, sdp
from manara.recorder import tls
from manara.recorder.connection import Connection, Receiver, connect
from manara.recorder.depacketise import Depacketiser
from manara.recorder.faults import StreamFault
from manara.recorder.gop import GopJoiner, Taker
from manara.recorder.sound import SoundTaker, sound_format
from manara.recorder.udp import Reorder, UdpPair

MAX_REDIRECTS = 3
_MAX_PROOFS = 3
REPORT_INTERVAL_S = 5.0
UDP_SILENCE_S = 3.0
_CODECS = {"H264": "h264", "H265": "h265", "HEVC": "h265"}
_ENDINGS = {401: "unauthorized", 403: "unauthorized", 404: "not_found", 410: "not_found"}


@dataclass(frozen=True, slots=True)
class Target:
    """What to open. The password is for the camera alone and is never shown."""

    url: str
    username: str = ""
    password: str = ""
    udp: bool = False
    sound: bool = False
    max_fragment_s: float = 2.0

    def __repr__(self) -> str:
        return f"Target({rtsp.address(self.url).url})"


class Dialogue:
    """Requests on one connection, with proof of who we are and the session's id."""

    def __init__(self, connection: Connection, username: str, password: str, basic_allowed: bool) -> None:
        self.connection = connection
        self.session_id = ""
        self._username = username
        self._password = password
        self._basic_allowed = basic_allowed
        self._challenge: rtsp.Challenge | None = None

    def send(self, method: str, url: str, headers: dict[str, str] | None = None) -> "asyncio.Future[rtsp.Answer]":
        """Send a request, with what the server is known to want of us."""
        lines = dict(headers or {})
        if self.session_id:
            lines["Session"] = self.session_id
        if self._challenge is not None:
            lines["Authorization"] = rtsp.authorization(self._challenge, method, url, self._username, self._password)
        return self.connection.request(method, url, lines)

    def challenged(self, answer: rtsp.Answer) -> bool:
        """Take the challenge of a 401; False where answering again would say the same."""
        before = self._challenge
        for challenge in rtsp.challenges(answer.headers.get("www-authenticate", [])):
            if challenge.scheme == "basic" and not self._basic_allowed:
                continue
            fresh = challenge.nonce != before.nonce if before is not None else True
            if before is not None and not (challenge.stale or (fresh and before.count > 1)):
                return False
            self._challenge = challenge
            return bool(self._username or self._password)
        return False

    async def ask(self, method: str, url: str, headers: dict[str, str] | None = None) -> rtsp.Answer:
        """Send a request and wait for its answer, proving who we are when asked. Raises `StreamFault` when the
        connection ends."""
        for _ in range(_MAX_PROOFS):
            answer = await self._answer(self.send(method, url, headers))
            if answer.status != 401 or not self.challenged(answer):
                return answer
        return answer

    async def _answer(self, waiting: "asyncio.Future[rtsp.Answer]") -> rtsp.Answer:
        ended = self.connection.ended
        await asyncio.wait((waiting, ended), return_when=asyncio.FIRST_COMPLETED)
        if waiting.done() and not waiting.cancelled():
            return waiting.result()
        raise ended.result() if ended.done() else StreamFault("protocol_error", "the request was given up")


class Session:
    """A stream that plays. `tick` is called about once a second; `connection.ended` tells when it is over."""

    def __init__(self, receiver: Receiver, dialogue: Dialogue, joiner: GopJoiner, depacketiser: Depacketiser) -> None:
        self.connection = dialogue.connection
        self.joiner = joiner
        self.depacketiser = depacketiser
        self.notes: list[str] = []  # what a person should know of this connection
        self.pair: UdpPair | None = None
        self.reorder: Reorder | None = None
        self.goodbye = False
        self._receiver = receiver
        self._dialogue = dialogue
        self._url = ""
        self._timeout_s = 60.0
        self._alive_method = "OPTIONS"
        self._control_channel = -1
        self._own_source = secrets.randbits(32)
        self._report: rtp.SenderReport | None = None
        self._report_at_s = 0.0
        self._reception: rtp.Reception | None = None
        now = receiver.clock.monotonic_s()
        self._opened_s = self._reported_s = self._kept_s = now

    def begin(self, url: str, timeout_s: float, alive_method: str, control_channel: int) -> None:
        """PLAY was answered."""
        self._url, self._timeout_s, self._alive_method = url, timeout_s, alive_method
        self._control_channel = control_channel

    @property
    def bytes_in(self) -> int:
        """Bytes received, control included."""
        return self.connection.bytes_in + (self.pair.bytes_in if self.pair is not None else 0)

    def tick(self, now_s: float) -> None:
        """Keep-alive, receiver report, packets that wait too long, and what lies below the low-water mark."""
        self.connection.readable()
        if self.reorder is not None:
            self.reorder.tick()
        if now_s - self._kept_s >= self._timeout_s / 2:
            self._kept_s = now_s
            self._dialogue.send(self._alive_method, self._url).add_done_callback(self._kept_alive)
        if now_s - self._reported_s >= REPORT_INTERVAL_S:
            self._reported_s = now_s
            self._send_report(now_s)
        if self.pair is not None and self.pair.packets_in == 0 and now_s - self._opened_s > UDP_SILENCE_S:
            self.connection.fail("timeout", "UDP brought nothing")

    def on_rtcp(self, packet: memoryview) -> None:
        """A control packet of the video."""
        try:
            control = rtp.parse_control(packet)
        except rtp.RtpError:
            self.depacketiser.malformed += 1
            return
        self.goodbye = self.goodbye or control.goodbye
        report = control.report
        if report is None:
            return
        self._report, self._report_at_s = report, self._receiver.clock.monotonic_s()
        if report.ntp_us:
            media = self.joiner.timeline.near(report.timestamp)
            if media is not None:
                self.joiner.camera_offset_us = report.ntp_us - media * 100 // 9

    def _kept_alive(self, answer: "asyncio.Future[rtsp.Answer]") -> None:
        if answer.cancelled():
            return
        status = answer.result().status
        if status == 454:
            self.connection.fail("server_closed", "the camera no longer knows our session")
        elif status == 401:
            if self._dialogue.challenged(answer.result()):
                self._dialogue.send(self._alive_method, self._url)
        elif status >= 400 and self._alive_method != "OPTIONS":
            self._alive_method = "OPTIONS"
            self._kept_s = 0.0

    def _send_report(self, now_s: float) -> None:
        depacketiser = self.depacketiser
        if depacketiser.first_sequence < 0:
            return
        reception = self._reception
        if reception is None:
            reception = self._reception = rtp.Reception(depacketiser.source, depacketiser.first_sequence, 0, 0)
        reception.source = depacketiser.source
        reception.highest = depacketiser.highest_sequence
        reception.received = depacketiser.packets
        if self._report is not None:
            reception.report_middle = self._report.middle
            reception.since_report = int((now_s - self._report_at_s) * 65_536)
        data = rtp.receiver_report(self._own_source, reception)
        if self.pair is not None:
            self.pair.send_rtcp(data)
        elif 0 <= self._control_channel <= 255:
            self.connection.send(bytes((0x24, self._control_channel)) + len(data).to_bytes(2, "big") + data)

    def close(self) -> None:
        """Say good-bye (without waiting for an answer) and hand on what is whole."""
        self.connection.set_low_water(1)
        self.connection.readable()
        if self.reorder is not None:
            self.reorder.drain()
        self.depacketiser.reset()
        self.joiner.flush()
        if self.pair is not None:
            self.pair.close()
        if not self.connection.ended.done():
            with contextlib.suppress(rtsp.RtspError):
                self._dialogue.send("TEARDOWN", self._url)
        self.connection.close()


async def open_session(receiver: Receiver, target: Target, taker: Taker, tls_context: ssl.SSLContext) -> Session:
    """Open `target` and let it play into `taker`. Raises `StreamFault`; the caller bounds the time and cancels."""
    try:
        place = rtsp.address(target.url)
    except rtsp.AddressError as error:
        raise StreamFault("configuration", str(error)) from error
    first_host = place.host
    username = target.username or place.username
    password = target.password if target.username else place.password
    for _ in range(MAX_REDIRECTS + 1):
        sock = await connect(receiver, place.host, place.port)
        try:
            peer = sock.getpeername()[0], sock.family
            pipe = tls.TlsPipe(tls_context, place.host) if place.secure else None
        except ValueError as error:
            sock.close()
            raise StreamFault("tls", f"TLS cannot be spoken with {place.host[:80]}: {error}") from error
        except OSError as error:
            sock.close()
            raise StreamFault("server_closed", f"connection broken: {error.strerror}") from error
        connection = Connection(receiver, sock, pipe)
        dialogue = Dialogue(connection, username, password, basic_allowed=place.host == first_host)
        try:
            answer, alive_method = await _describe(dialogue, place.url)
            if answer.status not in (301, 302, 303, 305, 307, 308):
                session = await _play(receiver, target, taker, dialogue, answer, place.url, alive_method, peer)
                if pipe is not None:
                    session.notes.append(tls.UNVERIFIED)
                return session
        except BaseException:
            connection.close()
            raise
        connection.close()
        try:
            place = rtsp.address(answer.get("location"))
        except rtsp.AddressError as error:
            raise StreamFault("protocol_error", f"the camera sent us elsewhere, but: {error}") from error
    raise StreamFault("protocol_error", f"the camera sent us elsewhere more than {MAX_REDIRECTS} times")


async def _describe(dialogue: Dialogue, url: str) -> tuple[rtsp.Answer, str]:
    """The answer to DESCRIBE, and the method to keep the session alive with."""
    options = await dialogue.ask("OPTIONS", url)
    if options.status in (401, 403):
        raise _refusal("OPTIONS", options)
    public = options.get("public").upper()
    alive_method = "GET_PARAMETER" if "GET_PARAMETER" in public or not public else "OPTIONS"
    answer = await dialogue.ask("DESCRIBE", url, {"Accept": "application/sdp"})
    if answer.status >= 400 or answer.status < 200:
        raise _refusal("DESCRIBE", answer)
    return answer, alive_method


def _refusal(method: str, answer: rtsp.Answer) -> StreamFault:
    detail = f"{method} was answered {answer.status} {answer.reason[:80]}".rstrip()
    return StreamFault(_ENDINGS.get(answer.status, "protocol_error"), detail)


def _pick(description: sdp.Description) -> tuple[sdp.Media, str]:
    """The first video that we can record. Raises `StreamFault`."""
    videos = [media for media in description.media if media.kind == "video"]
    for media in videos:
        codec = _CODECS.get(media.encoding)
        if codec is not None:
            if (
                media.parameters.get("packetization-mode") == "2"
                or media.parameters.get("sprop-max-don-diff", "0") != "0"
            ):
                raise StreamFault("codec_unsupported", "the camera sends NAL units out of order (interleaved mode)")
            return media, codec
    if videos:
        names = ", ".join(sorted({media.encoding or "unnamed" for media in videos}))
        raise StreamFault("codec_unsupported", f"the camera offers {names[:120]}; H.264 and H.265 can be recorded")
    raise StreamFault("no_video", "the camera offers no video at this address")


async def _play(
    receiver: Receiver, target: Target, taker: Taker, dialogue: Dialogue, described: rtsp.Answer, url: str,
    alive_method: str, peer: tuple[str, int],
) -> Session:  # fmt: skip
    try:
        description = sdp.parse(described.body)
    except sdp.SdpError as error:
        cause = "no_video" if not described.body.strip() else "protocol_error"
        raise StreamFault(cause, f"DESCRIBE brought nothing to play: {error}") from error
    base = described.get("content-base") or described.get("content-location") or url
    if not base.lower().startswith(("rtsp://", "rtsps://")):
        base = url
    media, codec = _pick(description)
    if codec == "h264":
        sets = h264.sprop_parameter_sets(media.parameters.get("sprop-parameter-sets", ""))
    else:
        sets = h265.sprop_parameter_sets(*(media.parameters.get(f"sprop-{name}", "") for name in ("vps", "sps", "pps")))
    joiner = GopJoiner(taker, codec, media.clock_rate_hz, sets, target.max_fragment_s)
    connection = dialogue.connection
    depacketiser = Depacketiser(
        joiner, channel=0, payload_type=media.payload_type, text=connection.text, other=connection.other
    )
    session = Session(receiver, dialogue, joiner, depacketiser)
    try:
        timeout_s, control_channel = await _set_up_video(
            receiver, target, session, dialogue, description, base, media, peer
        )
        if target.sound:
            await _set_up_sound(session, dialogue, description, base)
        everything = sdp.control_url(base, description.control, "")
        answer = await dialogue.ask("PLAY", everything, {"Range": "npt=0.000-"})
        if answer.status in (455, 457):
            answer = await dialogue.ask("PLAY", everything)
        if answer.status != 200:
            raise _refusal("PLAY", answer)
    except BaseException:
        if session.pair is not None:
            session.pair.close()
        raise
    session.begin(everything, timeout_s, alive_method, control_channel)
    return session


async def _set_up_video(
    receiver: Receiver, target: Target, session: Session, dialogue: Dialogue, description: sdp.Description, base: str,
    media: sdp.Media, peer: tuple[str, int],
) -> tuple[float, int]:  # fmt: skip
    """SETUP over UDP or TCP, whichever is wanted, and the other one when the camera refuses (461). Time-out and RTCP
    channel."""
    url = sdp.control_url(base, description.control, media.control)
    connection, depacketiser = session.connection, session.depacketiser
    udp = target.udp
    for attempt in range(2):
        if udp:
            _open_pair(receiver, session, peer)
            port = session.pair.port if session.pair is not None else 0
            wish = f"RTP/AVP;unicast;client_port={port}-{port + 1}"
        else:
            wish = "RTP/AVP/TCP;unicast;interleaved=0-1"
            # Some cameras send before they have answered.
            connection.depacketiser = depacketiser
            connection.channels[1] = session.on_rtcp
        answer = await dialogue.ask("SETUP", url, {"Transport": wish})
        if answer.status != 461 or attempt:
            break
        if session.pair is not None:
            session.pair.close()
            session.pair = None
        connection.depacketiser = None
        connection.channels.clear()
        udp = not udp
        session.notes.append("the camera offers only " + ("UDP" if udp else "TCP"))
    if answer.status != 200:
        raise _refusal("SETUP", answer)
    granted = rtsp.transport(answer.get("transport"))
    control_channel = 1
    if udp and session.pair is not None:
        if granted.server_ports is not None:
            session.pair.remote(granted.server_ports)
    elif granted.interleaved is not None:
        connection.channels.clear()
        control_channel = granted.interleaved[1]
        depacketiser.use_channel(granted.interleaved[0])
        connection.channels[control_channel] = session.on_rtcp
    dialogue.session_id, timeout_s = rtsp.session(answer.get("session"))
    return timeout_s, control_channel


def _open_pair(receiver: Receiver, session: Session, peer: tuple[str, int]) -> None:
    joiner, depacketiser = session.joiner, session.depacketiser

    def deliver(packet: bytes) -> None:
        joiner.arrival_us = receiver.clock.wall_us()
        frames = joiner.frames
        depacketiser.packet(packet, memoryview(packet), 0, len(packet))
        if joiner.frames != frames:
            joiner.arrived()

    reorder = Reorder(deliver, receiver.clock.monotonic_s)

    def on_rtp(packet: memoryview) -> None:
        if len(packet) >= rtp.HEADER_BYTES:
            reorder.push(packet[2] << 8 | packet[3], packet)

    session.reorder = reorder
    session.pair = UdpPair(receiver, peer[0], peer[1], on_rtp, session.on_rtcp)


async def _set_up_sound(session: Session, dialogue: Dialogue, description: sdp.Description, base: str) -> None:
    """SETUP of the first sound that we can pass through; without one the picture plays alone. Only over TCP."""
    if session.pair is not None:
        session.notes.append("sound only over TCP")
        return
    for media in description.media[:8]:
        sound = sound_format(media) if media.kind == "audio" and media.direction != "sendonly" else None
        if sound is None:
            continue
        url = sdp.control_url(base, description.control, media.control)
        answer = await dialogue.ask("SETUP", url, {"Transport": "RTP/AVP/TCP;unicast;interleaved=2-3"})
        if answer.status != 200:
            session.notes.append(f"sound refused ({answer.status})")
            return
        granted = rtsp.transport(answer.get("transport")).interleaved or (2, 3)
        session.connection.channels[granted[0]] = SoundTaker(session.joiner, sound, media.payload_type).take
        return
    session.notes.append("no sound that can be recorded")
