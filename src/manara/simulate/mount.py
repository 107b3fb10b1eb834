"""A virtual camera and its streams: which pictures are sent, with which identity, under which faults. No sockets.

A `Mount` is one RTSP path. `packets` gives the RTP payloads of one frame: the clip's payloads, shared by all, behind a
head of parameter sets, identity SEI and bar that is made for this camera and frame. Called by `sessions.py` and
`rtsp_server.py`.
"""

import zlib
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal, Protocol

import numpy as np

from manara.simulate.bar import BarWriter
from manara.simulate.clips import Clip, ClipFrame, move_below_bar
from manara.simulate.encoder import Encoder, grey, headers_of
from manara.simulate.faults import FaultBoard
from manara.simulate.identity import FrameIdentity, write_identity
from manara.simulate.rtp import packetise
from manara.simulate.slices import Slice, read_slice
from manara.simulate.strip import bar_height_px

_BORROWED = 1 << 40
Scheme = Literal["none", "basic", "md5", "sha-256"]


@dataclass(frozen=True, slots=True)
class Quirks:
    """How this camera's answers differ from the plain ones, as real cameras' do."""

    sprop: bool = True  # parameter sets in the SDP
    in_band: bool = True  # parameter sets before every key frame
    content_base: bool = True
    base_slash: bool = True
    absolute_control: bool = False
    keep_alive: bool = True  # answers GET_PARAMETER and OPTIONS within a session
    session_timeout_s: float = 60.0
    nonce_lifetime_s: float = 3600.0
    sound: bool = False  # offers a sound track too (never sends on it)
    join: Literal["key", "anywhere", "next_key"] = "key"  # where in the GOP a client begins


@dataclass(slots=True)
class VirtualCamera:
    """One camera: its streams, who may see them, and what is wrong with it."""

    code: str
    username: str = ""
    password: str = ""
    scheme: Scheme = "none"
    quirks: Quirks = field(default_factory=Quirks)
    faults: FaultBoard = field(default_factory=FaultBoard)
    mounts: dict[str, "Mount"] = field(default_factory=dict)  # "main", "sub"


class Mount(Protocol):
    """One stream of one camera."""

    camera: VirtualCamera
    stream: str
    phase_us: int

    @property
    def codec(self) -> str: ...
    @property
    def frame_rate(self) -> Fraction: ...
    @property
    def size_px(self) -> tuple[int, int]: ...
    @property
    def parameter_sets(self) -> tuple[bytes, ...]: ...
    @property
    def ready(self) -> bool: ...
    def start(self, number: int) -> int:
        """Where a client that joins at this frame number begins, or -1 to wait for the next key frame."""
        ...

    def packets(self, position: int, number: int, now_us: int) -> tuple[list[bytes], int]:
        """RTP payloads of the frame at this place (none = nothing yet), and the place of the next."""
        ...


class BlackScene:
    """A black picture and pictures in which nothing changes, as slices for one size of scene."""

    def __init__(self, width_px: int, height_px: int) -> None:
        scene = grey(np.full((height_px - bar_height_px(width_px), width_px), 16, np.uint8))
        encoder = Encoder(width_px, scene.height)
        nals = encoder.encode(scene)
        headers = headers_of(nals)
        self.black: Slice = next(read_slice(nal, headers) for nal in nals if nal[0] & 31 == 5)
        self.unchanged: Slice = next(read_slice(nal, headers) for nal in encoder.encode(scene) if nal[0] & 31 == 1)


class ClipMount:
    """A stream that plays a clip."""

    def __init__(
        self,
        camera: VirtualCamera,
        stream: str,
        clip: Clip,
        *,
        bar: BarWriter | None = None,
        black: BlackScene | None = None,
        offset: int = 0,
        phase_us: int = 0,
    ) -> None:
        self.camera = camera
        self.stream = stream
        self.clip = clip
        self.bar = bar
        self.black = black
        self.offset = offset
        self.phase_us = phase_us
        self._frozen: int | None = None
        self._next: Clip | None = None
        self._kept: tuple[ClipMount, int, int, list[bytes]] | None = None
        camera.mounts[stream] = self

    @property
    def codec(self) -> str:
        return self.clip.codec

    @property
    def frame_rate(self) -> Fraction:
        return self.clip.frame_rate

    @property
    def size_px(self) -> tuple[int, int]:
        return self.clip.width_px, self.clip.height_px

    @property
    def parameter_sets(self) -> tuple[bytes, ...]:
        return self.clip.parameter_sets

    @property
    def ready(self) -> bool:
        return self.clip.playable > 0

    def start(self, number: int) -> int:
        """Where a client begins: in the GOP that is on now, at its key frame or wherever the camera is; or not yet."""
        index = (number + self.offset) % self.clip.playable
        join = self.camera.quirks.join
        if join == "next_key":
            return index if self.clip.frames[index].key else -1
        return index if join == "anywhere" else self.clip.key_at_or_before(index)

    def follow(self, clip: Clip) -> None:
        """Go over to another clip of the same form, at a key frame of both."""
        self._next = clip

    def packets(self, position: int, number: int, now_us: int) -> tuple[list[bytes], int]:
        """RTP payloads of one frame; clients at the same place share them."""
        other = self._other()
        if other is not None:  # places in the other stream's clip are told apart by their size
            position = other.turned(max(0, position - _BORROWED), number) if position >= _BORROWED else 0
            payloads, following = self._shared(other, position, number, now_us), position + 1 + _BORROWED
            return payloads, following
        position = self.turned(position, number) if position < _BORROWED else 0
        return self._shared(self, position, number, now_us), position + 1

    def turned(self, position: int, number: int) -> int:
        """The place, or the clip's beginning at its end; goes over to a clip that was ordered at a key frame of it."""
        if position >= self.clip.playable:
            position = 0
        following = self._next
        if following is not None and following.playable and self.clip.frames[position].key:
            there = following.key_at_or_before(position % following.playable)
            self.clip, self._next, position = following, None, there
        return position

    def _other(self) -> "ClipMount | None":
        """The mount whose pictures are sent instead, under the fault `parameters`."""
        faults = self.camera.faults
        if not faults.active or faults.get("parameters") is None:
            return None
        other = self.camera.mounts.get("sub" if self.stream == "main" else "main")
        return other if isinstance(other, ClipMount) and other.codec == self.codec and other.ready else None

    def _shared(self, source: "ClipMount", position: int, number: int, now_us: int) -> list[bytes]:
        if self._kept is not None and self._kept[:3] == (source, position, number):
            return self._kept[3]
        payloads = self._make(source, position, number, now_us)
        self._kept = (source, position, number, payloads)
        return payloads

    def _make(self, source: "ClipMount", position: int, number: int, now_us: int) -> list[bytes]:
        faults = self.camera.faults
        frame = source.clip.frames[position]
        shown_us = now_us
        if faults.active:
            wrong = faults.get("wrong_time")
            if wrong is not None:
                shown_us += round(wrong.value * 1_000_000)
            still = "black" if faults.get("black") else "freeze" if faults.get("freeze") else ""
            if still:
                return self._still(source, still, position, number, now_us, shown_us)
        self._frozen = None
        bar = self._bar(source, frame, number, shown_us)
        head = self._head(source, frame.key, bar, frame.crc, position, number, now_us)
        return [*packetise(self.codec, head), *frame.payloads]

    def _head(
        self, source: "ClipMount", key: bool, bar: list[bytes], crc: int, position: int, number: int, now_us: int
    ) -> list[bytes]:
        for nal in bar:
            crc ^= zlib.crc32(nal)
        identity = FrameIdentity(self.camera.code, self.stream[0], number, now_us, position, crc)
        sets = source.parameter_sets if key and self.camera.quirks.in_band else ()
        return [*sets, write_identity(self.codec, identity), *bar]

    def _still(
        self, source: "ClipMount", kind: str, position: int, number: int, now_us: int, shown_us: int
    ) -> list[bytes]:
        """A frozen or black scene: its key frame where a GOP begins, pictures without change after it."""
        if self._frozen is None:
            self._frozen = source.clip.key_at_or_before(position)
        frozen = source.clip.frames[self._frozen]
        if source.bar is None or source.black is None or source.clip.headers is None:
            head = self._head(source, True, [], frozen.crc, self._frozen, number, now_us)
            return [*packetise(self.codec, head), *frozen.payloads]
        frame = source.clip.frames[position]
        if frame.key and kind == "freeze":
            frame = frozen
            crc, scene = frozen.crc, frozen.payloads
        else:
            part = replace(
                source.black.black if frame.key else source.black.unchanged,
                idr=frame.key,
                frame_num=frame.frame_num,
                idr_pic_id=frame.idr_pic_id,
            )
            nal = move_below_bar(part, source.clip.headers, source.clip.width_px)
            crc, scene = zlib.crc32(nal), tuple(packetise(self.codec, [nal]))
        bar = self._bar(source, frame, number, shown_us)
        return [*packetise(self.codec, self._head(source, frame.key, bar, crc, position, number, now_us)), *scene]

    def _bar(self, source: "ClipMount", frame: ClipFrame, number: int, shown_us: int) -> list[bytes]:
        if source.bar is None:
            return []
        return source.bar.write(
            self.camera.code,
            number,
            shown_us,
            idr=frame.key,
            frame_num=frame.frame_num,
            idr_pic_id=frame.idr_pic_id,
        )
