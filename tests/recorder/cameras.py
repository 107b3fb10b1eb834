"""Scripted cameras for tests: pictures encoded once, packets made by hand, and a server that says what it is told."""

import asyncio
import contextlib
import functools
import gc
import io
import struct
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import av
import numpy as np

from manara.base.clock import SystemClock
from manara.formats.frames import Fragment, SoundFormat, VideoFormat
from manara.recorder.sink import StreamKey
from tests.support.patience import LONG_S


@dataclass(frozen=True)
class Picture:
    """One access unit: NAL units without start codes, presentation time in 90 kHz."""

    nals: tuple[bytes, ...]
    pts: int
    key: bool

    @property
    def sample(self) -> bytes:
        """As MP4 stores it."""
        return b"".join(struct.pack(">I", len(nal)) + nal for nal in self.nals)


@functools.lru_cache
def clip(
    codec: str = "h264", frames: int = 40, gop: int = 10, bframes: int = 0, width: int = 160, height: int = 96
) -> tuple[Picture, ...]:
    """An encoded clip, 10 frames a second, parameter sets before each key frame."""
    out = io.BytesIO()
    container = av.open(out, "w", format="h264" if codec == "h264" else "hevc")
    stream = container.add_stream("libx264" if codec == "h264" else "libx265", rate=10)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    common = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes={bframes}:b-adapt=0:repeat-headers=1"
    if codec == "h264":
        stream.options = {"preset": "ultrafast", "x264-params": common + ":cabac=0:b-pyramid=none"}
    else:
        stream.options = {
            "preset": "ultrafast",
            "x265-params": common + ":log-level=none:pools=1:frame-threads=1:open-gop=0",
        }
    found: list[Picture] = []
    noise = np.random.default_rng(3).integers(0, 255, (height, width, 3), dtype=np.uint8)

    def take(packets: Iterable[av.Packet]) -> None:
        for packet in packets:
            nals = tuple(nal for part in bytes(packet).split(b"\x00\x00\x01") if (nal := part.rstrip(b"\x00")))
            assert packet.pts is not None
            assert packet.time_base is not None
            found.append(Picture(nals, round(packet.pts * packet.time_base * 90_000), packet.is_keyframe))

    for number in range(frames):
        frame = av.VideoFrame.from_ndarray(np.roll(noise, number * 3, axis=1), format="rgb24")
        frame.pts = number
        take(stream.encode(frame))
    take(stream.encode(None))
    return tuple(found)


def parameter_sets(codec: str, pictures: Iterable[Picture]) -> tuple[bytes, ...]:
    """Those of the first key frame."""
    first = next(iter(pictures))
    if codec == "h264":
        return tuple(nal for nal in first.nals if nal[0] & 31 in (7, 8))
    return tuple(nal for nal in first.nals if (nal[0] >> 1) & 63 in (32, 33, 34))


@dataclass
class Packetiser:
    """RTP packets of a clip."""

    codec: str = "h264"
    sequence: int = 65_500  # so that the wrap is always passed
    stamp: int = 0xFFFF0000
    payload_type: int = 96
    most: int = 400
    aggregate: bool = False
    marker_on_each_slice: bool = False
    source: int = 0x11223344
    clock_hz: int = 90_000

    def packet(self, payload: bytes, pts: int, marker: bool) -> bytes:
        """One packet."""
        stamp = (self.stamp + pts * self.clock_hz // 90_000) & 0xFFFFFFFF
        head = struct.pack(
            ">BBHII", 0x80, (0x80 if marker else 0) | self.payload_type, self.sequence, stamp, self.source
        )
        self.sequence = (self.sequence + 1) & 0xFFFF
        return head + payload

    def packets(self, picture: Picture) -> list[bytes]:
        """The packets of one picture."""
        made: list[bytes] = []
        nals = list(picture.nals)
        if self.aggregate:
            small = [nal for nal in nals if len(nal) < 100]
            if len(small) > 1:
                body = b"".join(struct.pack(">H", len(nal)) + nal for nal in small)
                head = b"\x78" if self.codec == "h264" else b"\x60\x01"
                made.append(self.packet(head + body, picture.pts, False))
                nals = [nal for nal in nals if len(nal) >= 100]
        for index, nal in enumerate(nals):
            last = index == len(nals) - 1
            if len(nal) <= self.most:
                vcl = 1 <= nal[0] & 31 <= 5 if self.codec == "h264" else (nal[0] >> 1) & 63 < 32
                made.append(self.packet(nal, picture.pts, last or (self.marker_on_each_slice and vcl)))
                continue
            if self.codec == "h264":
                lead, kind, skip = bytes((nal[0] & 0xE0 | 28,)), nal[0] & 31, 1
            else:
                lead, kind, skip = bytes((nal[0] & 0x81 | 49 << 1, nal[1])), (nal[0] >> 1) & 63, 2
            pieces = [nal[at : at + self.most] for at in range(skip, len(nal), self.most)]
            for number, piece in enumerate(pieces):
                end = number == len(pieces) - 1
                flags = kind | (0x80 if number == 0 else 0) | (0x40 if end else 0)
                made.append(self.packet(lead + bytes((flags,)) + piece, picture.pts, last and end))
        return made


def interleaved(packet: bytes, channel: int = 0) -> bytes:
    """As it travels over TCP."""
    return struct.pack(">BBH", 0x24, channel, len(packet)) + packet


@dataclass
class ListSink:
    """A `FrameSink` that remembers."""

    calls: list[tuple[str, object]] = field(default_factory=list)
    fragments: list[Fragment] = field(default_factory=list)
    formats: list[tuple[VideoFormat, SoundFormat | None]] = field(default_factory=list)

    def format(self, stream: StreamKey, video: VideoFormat, sound: SoundFormat | None) -> None:
        self.calls.append(("format", video))
        self.formats.append((video, sound))

    def fragment(self, stream: StreamKey, fragment: Fragment) -> None:
        self.calls.append(("fragment", fragment))
        self.fragments.append(fragment)

    def gap(self, stream: StreamKey, cause: str, since_us: int) -> None:
        self.calls.append(("gap", cause))

    def recovered(self, stream: StreamKey, at_us: int) -> None:
        self.calls.append(("recovered", at_us))

    def ended(self, stream: StreamKey) -> None:
        self.calls.append(("ended", None))

    def names(self) -> list[str]:
        """What was called, without repeats of `fragment`."""
        found: list[str] = []
        for name, _ in self.calls:
            if name != "fragment" or found[-1:] != ["fragment"]:
                found.append(name)
        return found

    @property
    def samples(self) -> list[bytes]:
        """All frames."""
        return list(samples(self.fragments))


@dataclass
class ListTaker:
    """A joiner's `Taker` that remembers."""

    watched: bool = False
    formats: list[VideoFormat] = field(default_factory=list)
    fragments: list[Fragment] = field(default_factory=list)
    frames: list[Fragment] = field(default_factory=list)

    def on_format(self, video: VideoFormat, sound: SoundFormat | None, at_us: int) -> None:
        self.formats.append(video)

    def on_fragment(self, fragment: Fragment) -> None:
        self.fragments.append(fragment)

    def on_frame(self, frame: Fragment) -> None:
        self.frames.append(frame)


def samples(fragments: Iterable[Fragment]) -> Iterator[bytes]:
    """The frames in some fragments."""
    for fragment in fragments:
        at, payload = 0, b"".join(fragment.payload)
        for size in fragment.sizes:
            yield payload[at : at + size]
            at += size


@dataclass
class Asked:
    """A request that came to the scripted camera."""

    method: str
    url: str
    headers: dict[str, str]


class Peer:
    """The camera's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.asked: list[Asked] = []
        self.reports: list[bytes] = []

    async def request(self) -> Asked:
        """The next request; interleaved packets (receiver reports) are put aside."""
        while True:
            first = await self.reader.readexactly(1)
            if first == b"$":
                head = await self.reader.readexactly(3)
                self.reports.append(await self.reader.readexactly(struct.unpack(">H", head[1:])[0]))
                continue
            text = (first + await self.reader.readuntil(b"\r\n\r\n")).decode()
            if text.startswith("RTSP/"):
                continue  # an answer to a request of ours
            lines = text.split("\r\n")
            method, url, _ = lines[0].split(" ")
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)
            }
            asked = Asked(method, url, headers)
            self.asked.append(asked)
            return asked

    def answer(self, asked: Asked, status: str = "200 OK", headers: str = "", body: str = "") -> None:
        """Answer; `headers` are whole lines."""
        text = f"RTSP/1.0 {status}\r\nCSeq: {asked.headers.get('cseq', '0')}\r\n{headers}"
        if body:
            text += f"Content-Type: application/sdp\r\nContent-Length: {len(body.encode())}\r\n"
        self.writer.write((text + "\r\n" + body).encode())

    def send(self, data: bytes) -> None:
        """Any bytes."""
        self.writer.write(data)


class Camera:
    """A camera that does what is usual. Tests override the parts that are odd."""

    def __init__(self, codec: str = "h264", pictures: tuple[Picture, ...] | None = None) -> None:
        self.codec = codec
        self.pictures = pictures if pictures is not None else clip(codec)
        self.packetiser = Packetiser(codec)
        self.pace_s = 0.0
        self.connections = 0
        self.peers: list[Peer] = []
        self.port = 0
        self.control = "trackID=1"
        self.session_header = "Session: 4711;timeout=60\r\n"
        self.forever = False
        self.hold_open = True

    @property
    def base(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/stream"

    def describe_headers(self) -> str:
        return f"Content-Base: {self.base}/\r\n"

    def sdp(self) -> str:
        name = "H264" if self.codec == "h264" else "H265"
        return (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\na=control:*\r\n"
            f"m=video 0 RTP/AVP 96\r\na=rtpmap:96 {name}/90000\r\na=control:{self.control}\r\n"
        )

    async def handle(self, peer: Peer, asked: Asked) -> bool:
        """Answer one request; False to close."""
        match asked.method:
            case "OPTIONS":
                peer.answer(asked, headers="Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER\r\n")
            case "DESCRIBE":
                peer.answer(asked, headers=self.describe_headers(), body=self.sdp())
            case "SETUP":
                peer.answer(asked, headers=f"{self.session_header}Transport: {asked.headers['transport']}\r\n")
            case "PLAY":
                peer.answer(asked, headers=self.session_header)
                self.playing = asyncio.ensure_future(self._play(peer))
            case "TEARDOWN":
                peer.answer(asked)
                return False
            case _:
                peer.answer(asked)
        return True

    async def _play(self, peer: Peer) -> None:
        with contextlib.suppress(ConnectionError):  # the reader has left
            await self.play(peer)
            if not self.hold_open:
                await peer.writer.drain()
                peer.writer.close()

    async def play(self, peer: Peer) -> None:
        """Send the clip."""
        for picture in self.pictures:
            for packet in self.packetiser.packets(picture):
                peer.send(interleaved(packet))
            await peer.writer.drain()
            if self.pace_s:
                await asyncio.sleep(self.pace_s)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        peer = Peer(reader, writer)
        self.peers.append(peer)
        try:
            while await self.handle(peer, await peer.request()):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def serving(self, ssl=None):  # type: ignore[no-untyped-def]
        server = await asyncio.start_server(self.connected, "127.0.0.1", 0, ssl=ssl)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for peer in self.peers:
                peer.writer.close()


async def until(condition: Callable[[], object], timeout_s: float = LONG_S) -> None:
    """Wait for a condition with a deadline."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.01)


def run(body: Callable[[], Awaitable[None]], timeout_s: float = 2 * LONG_S) -> None:
    """Run an asynchronous test."""
    asyncio.run(asyncio.wait_for(body(), timeout_s))  # type: ignore[arg-type]
    gc.collect()  # what the closed loop left behind goes here and not in the middle of another test


CLOCK = SystemClock()
