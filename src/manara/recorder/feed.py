"""The recorder's door for control: live pictures and statuses over a Unix socket of its own (mode 0600).

`FeedServer` runs in the recorder, `FeedClient` in whoever asks (web). One JSON line asks; frames `u32 length, u8
kind, payload` answer: kind `J` a state, kind `M` whole boxes (`docs/design/interfaces.md`). A client that does not
keep up is cut to the next key frame and told how many frames it missed; it never slows the recorder. Bounds:
`MAX_CLIENTS`, a line of 4 KiB, `BACKLOG_BYTES` waiting for a client beyond the GOP that it began with, answers of 64
MiB.
"""

import asyncio
import contextlib
import logging
import os
import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec

from manara.base.errors import Unavailable
from manara.messages import RecorderStatus
from manara.recorder.sink import StreamKey
from manara.recorder.streams import StreamSet

MAX_CLIENTS = 1024
MAX_LINE_BYTES = 4096
MAX_ANSWER_BYTES = 64 * 1024 * 1024
BACKLOG_BYTES = 512 * 1024
_HEAD = struct.Struct(">IB")
_J, _M = ord("J"), ord("M")

_log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


class Ask(msgspec.Struct, frozen=True):
    """The line that a client sends."""

    op: str
    camera_id: str = ""
    stream: str = "main"


_ask = msgspec.json.Decoder(Ask)


class FeedServer:
    """Listens on `path`. `status` makes the answer to the status question."""

    def __init__(self, streams: StreamSet, path: Path, status: Callable[[], RecorderStatus]) -> None:
        self.streams = streams
        self.status = status
        self.frames_skipped = 0
        self.clients: set[_Client] = set()
        self._path = path
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. A socket file that a dead process left is replaced. Raises `OSError`."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        before = os.umask(0o177)
        try:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_unix_server(lambda: _Client(self), str(self._path), backlog=256)
        finally:
            os.umask(before)

    async def stop(self) -> None:
        """Close the door and all clients."""
        if self._server is not None:
            self._server.close()
        for client in tuple(self.clients):
            client.drop()
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()


class _Client(asyncio.Protocol):
    """One connection; a `Viewer` of at most one stream."""

    def __init__(self, server: FeedServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._line = bytearray()
        self._key: StreamKey | None = None
        self._allowed = BACKLOG_BYTES
        self._joining = False
        self._skipped = 0
        self._closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody came."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 -- what a Unix server makes
        self._transport = transport
        if len(self._server.clients) >= MAX_CLIENTS:
            self.state({"state": "refused", "cause": "too_many"})
            transport.close()
            return
        self._server.clients.add(self)

    def data_received(self, data: bytes) -> None:
        """Part of a question."""
        self._line += data
        while (end := self._line.find(b"\n")) >= 0:
            line = bytes(self._line[:end])
            del self._line[: end + 1]
            self._answer(line)
        if len(self._line) > MAX_LINE_BYTES:
            self.drop()

    def _answer(self, line: bytes) -> None:
        try:
            ask = _ask.decode(line)
        except msgspec.DecodeError as error:
            self.state({"state": "refused", "cause": "configuration", "detail": str(error)[:200]})
            return
        if ask.op == "status":
            self._put(_J, _encode(self._server.status()))
        elif ask.op == "keyframe":
            self._key_frame(StreamKey(ask.camera_id, ask.stream))
        elif ask.op == "live" and self._key is None:
            key = StreamKey(ask.camera_id, ask.stream)
            self._key = key
            self._joining = True
            if not self._server.streams.join(key, self):
                self._key = None
                self.state({"state": "refused", "cause": "not_found"})
            self._joining = False
            if self._transport is not None:
                self._allowed = self._transport.get_write_buffer_size() + BACKLOG_BYTES
        else:
            self.state({"state": "refused", "cause": "configuration", "detail": f"cannot do {ask.op[:40]!r} now"})

    def _key_frame(self, key: StreamKey) -> None:
        """A state and, where it says `keyframe`, the parameter sets and the frame as one run of lengths and NAL
        units."""
        frame = self._server.streams.key_frame(key)
        if isinstance(frame, str):
            state = "refused" if frame == "not_found" else "waiting"
            self.state({"state": state, "cause": "none" if frame == "waiting" else frame})
            return
        video = frame.video
        self.state(
            {"state": "keyframe", "codec": video.codec, "width": video.width_px, "height": video.height_px,
             "at_us": frame.at_us, "mark": frame.mark}
        )  # fmt: skip
        sets = b"".join(len(nal).to_bytes(4, "big") + nal for nal in video.parameter_sets)
        self._put(_M, sets + frame.sample)

    # -- Viewer ------------------------------------------------------------------------------------------------------

    def state(self, state: dict[str, Any]) -> None:
        """A state; always sent."""
        self._put(_J, _encode(state))

    def media(self, boxes: bytes, key: bool, init: bool) -> None:
        """Boxes; frames are left out while the client lags, up to the next key frame."""
        transport = self._transport
        if transport is None or self._closed:
            return
        waiting = transport.get_write_buffer_size()
        if init or self._joining:
            self._skipped = 0 if init else self._skipped
        elif self._skipped:
            if not key or waiting > BACKLOG_BYTES // 2:
                self._skip()
                return
            self.state({"state": "skipped", "frames": self._skipped})
            self._skipped = 0
        elif waiting > self._allowed:
            self._skip()
            return
        elif waiting < BACKLOG_BYTES // 2:
            self._allowed = BACKLOG_BYTES
        self._put(_M, boxes)

    def _skip(self) -> None:
        self._skipped += 1
        self._server.frames_skipped += 1

    def _put(self, kind: int, payload: bytes) -> None:
        if self._transport is not None and not self._closed:
            if self._transport.get_write_buffer_size() > MAX_ANSWER_BYTES:
                self.drop()
                return
            self._transport.writelines((_HEAD.pack(len(payload), kind), payload))

    # -- end ---------------------------------------------------------------------------------------------------------

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._closed = True
        self._server.clients.discard(self)
        if self._key is not None:
            self._server.streams.leave(self._key, self)
            self._key = None

    def drop(self) -> None:
        """Let the client go at once."""
        if self._transport is not None:
            self._transport.abort()


class FeedClient:
    """Asks one recorder. Each call opens a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def live(self, camera_id: str, stream: str) -> AsyncIterator[dict[str, Any] | bytes]:
        """States (dicts) and boxes (bytes) of a stream for as long as the caller iterates. Raises `Unavailable`."""
        async with self._ask({"op": "live", "camera_id": camera_id, "stream": stream}) as reader:
            while True:
                kind, payload = await self._read(reader)
                yield msgspec.json.decode(payload) if kind == _J else payload

    async def key_frame(self, camera_id: str, stream: str) -> tuple[dict[str, Any], bytes]:
        """The current key frame: its state (`state` = keyframe) and, NAL by NAL after 4-byte lengths, parameter sets
        and frame; or why there is none, and no bytes. Raises `Unavailable`."""
        async with self._ask({"op": "keyframe", "camera_id": camera_id, "stream": stream}) as reader:
            kind, payload = await self._read(reader)
            state: dict[str, Any] = msgspec.json.decode(payload) if kind == _J else {}
            if state.get("state") != "keyframe":
                return state, b""
            kind, payload = await self._read(reader)
            return state, payload if kind == _M else b""

    async def status(self) -> RecorderStatus:
        """How the recorder is. Raises `Unavailable`."""
        async with self._ask({"op": "status"}) as reader:
            kind, payload = await self._read(reader)
            if kind != _J:
                raise Unavailable("the recorder did not answer with its status", code="recorder_away")
            return msgspec.json.decode(payload, type=RecorderStatus)

    @contextlib.asynccontextmanager
    async def _ask(self, question: dict[str, str]) -> AsyncIterator[asyncio.StreamReader]:
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._path), limit=1024 * 1024)
        except OSError as error:
            raise Unavailable(f"the recorder does not answer: {error.strerror}", code="recorder_away") from error
        try:
            writer.write(_encode(question) + b"\n")
            yield reader
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    @staticmethod
    async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
        try:
            size, kind = _HEAD.unpack(await reader.readexactly(_HEAD.size))
            if size > MAX_ANSWER_BYTES or kind not in (_J, _M):
                raise Unavailable("the recorder's answer makes no sense", code="recorder_away")
            return kind, await reader.readexactly(size)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise Unavailable("the recorder has gone", code="recorder_away") from error
