"""Joins frames into fragments: the GOP grows in pieces of one size and is handed on once, as it lies there.

`depacketise.py` appends samples to `data` and calls `frame` when one is whole. A fragment ends
before the next key frame, when it is `max_ticks` long, or when the decoder changes. While somebody watches, each frame
also goes out at once as a fragment of its own; what came of the current GOP before is kept for whoever comes next. One
object a stream; no I/O. Tells a `Taker`. Bounds: `MAX_FRAGMENT_BYTES`, `MAX_FRAGMENT_FRAMES`, and `MAX_KEPT_BYTES` of
a GOP for viewers.
"""

from typing import Protocol

from manara.formats import h264, h265
from manara.formats.frames import TIMESCALE_HZ, Buffer, Fragment, SoundFormat, VideoFormat
from manara.formats.h264 import ParameterSetError, Sequence
from manara.recorder.packets import new_pieces
from manara.recorder.timing import Timeline, WallTime

MAX_FRAGMENT_BYTES = 48 * 1024 * 1024
MAX_FRAGMENT_FRAMES = 1024
MAX_KEPT_BYTES = 16 * 1024 * 1024
_MAX_SETS_BYTES = 32_768
_MAX_SETS = 48


class Taker(Protocol):
    """Who is told of formats, whole fragments and (while watched) single frames."""

    watched: bool

    def on_format(self, video: VideoFormat, sound: SoundFormat | None, at_us: int) -> None:
        """A run for this decoder begins; its first frame was taken at `at_us`."""
        ...

    def on_fragment(self, fragment: Fragment) -> None:
        """A whole fragment; its payload is no longer ours."""
        ...

    def on_frame(self, frame: Fragment) -> None:
        """One frame, only while `watched`."""
        ...


def video_format(codec: str, sets: tuple[bytes, ...]) -> tuple[VideoFormat, Sequence] | None:
    """The format that these parameter sets describe; None while one kind is missing. A sequence set that is nonsense is
    left out where there is another. Raises `ParameterSetError`."""
    if codec == "h264":
        kinds = [nal[0] & 31 for nal in sets]
        wanted: tuple[int, ...] = (h264.SPS, h264.PPS)
    else:
        kinds = [h265.kind_of(nal) for nal in sets]
        wanted = (h265.VPS, h265.SPS, h265.PPS)
    if any(kind not in kinds for kind in wanted):
        return None
    parse = h264.parse_sps if codec == "h264" else h265.parse_sps
    sequences: dict[bytes, Sequence] = {}
    for nal, kind in zip(sets, kinds, strict=True):
        if kind == wanted[-2]:
            try:
                sequences[nal] = parse(nal)
            except ParameterSetError as error:
                fault = error
    if not sequences:
        raise fault
    ordered = tuple(
        nal
        for kind in wanted
        for nal, own in zip(sets, kinds, strict=True)
        if own == kind and (kind != wanted[-2] or nal in sequences)
    )
    first = next(iter(sequences.values()))
    return VideoFormat(codec, ordered, first.width_px, first.height_px, first.codec_string), first


class GopJoiner:
    """Takes the frames of one connection. `frame_start` is where the frame that is being received begins in
    `data`."""

    def __init__(self, taker: Taker, codec: str, rate_hz: int, sets: tuple[bytes, ...], max_fragment_s: float) -> None:
        self.taker = taker
        self.codec = codec
        self.data = new_pieces()
        self.frame_start = 0
        self.timeline = Timeline(rate_hz)
        self.wall = WallTime()
        self.video: VideoFormat | None = None
        self.sound_format: SoundFormat | None = None
        self.sound: list[tuple[int, int, bytes]] = []
        self.arrival_us = 0
        self.frames = 0
        self.dropped = 0  # frames that could not be used: damaged, before the first key frame, without parameter sets
        self.bad_sets = 0
        self.gop_s = 0.0
        self.last_pts = 0
        self.camera_offset_us: int | None = None  # camera's clock minus media time, once a sender report told
        self._max_ticks = round(max_fragment_s * TIMESCALE_HZ)
        self._sets: dict[tuple[int, int], bytes] = {}
        self._origin = 0
        self._delay = 0
        self._sizes: list[int] = []
        self._durations: list[int] = []
        self._offsets: list[int] = []
        self._keys: list[int] = []
        self._first_dts = 0
        self._dts = 0
        self._kept: list[Fragment] = []
        self._kept_bytes = 0
        self._key_dts: int | None = None
        self._live_sound = 0
        self._last_sets: list[bytes] = []
        self._same_sets = False  # the parameter sets are those of `video`
        self._fresh = False  # a new format waits for its first frame
        self._add_sets(sets)

    # -- frames ------------------------------------------------------------------------------------------------------

    def frame(self, stamp: int, key: bool, sets: list[bytes] | None) -> None:
        """`data[frame_start:]` is one whole frame with RTP timestamp `stamp`; `sets` are the parameter sets that
        came in it."""
        if sets:
            self._take_sets(sets)
        usable = self._key_frame() if key else self.video is not None
        if not usable:
            self.drop()
            return
        timeline = self.timeline
        pts = timeline.presentation(stamp, self.arrival_us)
        dts = timeline.decode(pts)
        self.frames += 1
        self.last_pts = pts
        sizes = self._sizes
        if sizes:
            step = dts - self._dts
            self._durations.append(step)
            if step < TIMESCALE_HZ:
                timeline.nominal = step
            if (
                key
                or dts - self._first_dts >= self._max_ticks
                or len(sizes) >= MAX_FRAGMENT_FRAMES
                or self.frame_start > MAX_FRAGMENT_BYTES
            ):
                self._close(key)
        if key:
            self._begin_gop(pts, dts)
        if not sizes:
            self._first_dts = dts
        if key:
            self._keys.append(len(sizes))
        size = len(self.data) - self.frame_start
        sizes.append(size)
        self._offsets.append(pts - dts)
        self._dts = dts
        if self.taker.watched:
            self._show(pts, dts, key)
        self.frame_start += size

    def drop(self) -> None:
        """Forget the frame that is being received."""
        self.data.cut(self.frame_start)
        self.dropped += 1

    def extend_last(self) -> bool:
        """`data[frame_start:]` belongs to the frame before (a camera that marks each slice); False if there is
        none."""
        if not self._sizes:
            return False
        more = len(self.data) - self.frame_start
        self._sizes[-1] += more
        self.frame_start += more
        return True

    def flush(self) -> None:
        """The connection ends: hand on what is whole."""
        self.data.cut(self.frame_start)
        if self._sizes:
            self._durations.append(self.timeline.nominal)
            self._close(True)

    def arrived(self) -> None:
        """All frames of one read were taken; learn from when they came."""
        self.wall.observe(self.timeline.newest_pts, self.arrival_us)
        if self.timeline.check_rate(self.arrival_us):
            self.wall = WallTime()
            self.wall.observe(self.timeline.newest_pts, self.arrival_us)

    def current_gop(self) -> list[Fragment]:
        """Copies of what there is of the current GOP, in fragments; empty where it was too large to keep."""
        if self._key_dts is None:
            return []
        gop = list(self._kept)
        if self._sizes and (gop or self._keys):
            durations = [*self._durations, self.timeline.nominal]
            gop.append(self._fragment((self.data.copy(0, self.frame_start),), durations))
        return gop

    def key_frame(self) -> tuple[VideoFormat, bytes, int, int] | None:
        """The current GOP's key frame: format, sample, wall time (UTC µs) and a mark that differs from GOP to GOP.

        None before there is one, and where the GOP was too large to keep.
        """
        if self._key_dts is None or self.video is None:
            return None
        if self._kept:
            sample = b"".join(self._kept[0].payload)[: self._kept[0].sizes[0]]
        elif self._sizes and self._keys:
            sample = self.data.copy(0, self._sizes[0])
        else:
            return None
        return self.video, sample, self.wall.wall_us(self._key_dts + self._delay), self._key_dts

    # -- within ------------------------------------------------------------------------------------------------------

    def _key_frame(self) -> bool:
        """See to the format before a key frame; False while the parameter sets are missing or not to be
        understood."""
        sets = tuple(self._sets.values())
        if self.video is not None and self._same_sets:
            return True
        try:
            found = video_format(self.codec, sets)
        except ParameterSetError:
            self.bad_sets += 1
            found = None
        if found is None:
            return self.video is not None
        video, sequence = found
        self._same_sets = True
        if video.same_decoder(self.video):
            return True
        if self._sizes:
            self._durations.append(self.timeline.nominal)
            self._close(True)
        self.timeline.expect(sequence.reorder_frames, sequence.frame_rate_hz)
        self.video = video
        self._key_dts = None
        self._fresh = True
        return True

    def _begin_gop(self, pts: int, dts: int) -> None:
        if self._key_dts is not None:
            self.gop_s = (dts - self._key_dts) / TIMESCALE_HZ
        self._key_dts = dts
        self._kept = []
        self._kept_bytes = 0
        if self._fresh and self.video is not None:
            self._fresh = False
            self._origin = dts
            self._delay = pts - dts
            self.sound.clear()
            self.wall.observe(pts, self.arrival_us)
            self.taker.on_format(self.video, self.sound_format, self.wall.wall_us(pts))

    def _close(self, gop_ends: bool) -> None:
        payload = self.data.take(self.frame_start)
        self.wall.observe(self.timeline.newest_pts, self.arrival_us)
        self.wall.settle()
        fragment = self._fragment(payload, self._durations)
        fragment.sound, self.sound, self._live_sound = self.sound, [], 0
        self.frame_start = 0
        self._sizes.clear()  # `frame` holds on to this list
        self._durations = []
        self._offsets = []
        self._keys = []
        if not gop_ends and self._key_dts is not None:
            self._kept.append(fragment)
            self._kept_bytes += fragment.payload_bytes
            if self._kept_bytes > MAX_KEPT_BYTES:
                self._kept = []
                self._key_dts = None
        self.taker.on_fragment(fragment)

    def _fragment(self, payload: tuple[Buffer, ...], durations: list[int]) -> Fragment:
        media = self._first_dts + self._delay
        return Fragment(
            payload=payload,
            sizes=self._sizes.copy(),
            durations=durations,
            composition_offsets=self._offsets.copy(),
            key=bool(self._keys) and self._keys[0] == 0,
            decode_time=self._first_dts - self._origin,
            wall_us=self.wall.wall_us(media),
            camera_us=self._camera_us(media),
            key_indexes=self._keys.copy(),
        )

    def _show(self, pts: int, dts: int, key: bool) -> None:
        media = dts + self._delay
        sound = self.sound[self._live_sound :]
        self._live_sound = len(self.sound)
        payload = self.data.copy(self.frame_start, len(self.data) - self.frame_start)
        self.taker.on_frame(
            Fragment(
                payload=(payload,),
                sizes=[len(payload)],
                durations=[self.timeline.nominal],
                composition_offsets=[pts - dts],
                key=key,
                decode_time=dts - self._origin,
                wall_us=self.wall.wall_us(media),
                camera_us=self._camera_us(media),
                key_indexes=[0] if key else [],
                sound=sound,
            )
        )

    def _camera_us(self, media: int) -> int:
        return 0 if self.camera_offset_us is None else media * 100 // 9 + self.camera_offset_us

    @property
    def origin(self) -> int:
        """Decode time at which the run began, 90 kHz on the connection's own scale."""
        return self._origin

    # -- parameter sets ----------------------------------------------------------------------------------------------

    def _take_sets(self, sets: list[bytes]) -> None:
        """Sets that came with a frame. A whole family of them replaces all that was known: what came before the
        stream (in the session description) is often stale. Single ones replace those with their id. Nearly every key
        frame brings the same ones again."""
        if sets == self._last_sets:
            return
        self._last_sets = sets
        kinds = {self._name(nal)[0] for nal in sets}
        whole = {h264.SPS, h264.PPS} if self.codec == "h264" else {h265.VPS, h265.SPS, h265.PPS}
        before = dict(self._sets)
        if whole <= kinds:
            self._sets.clear()
        self._add_sets(tuple(sets))
        if self._sets != before:
            self._same_sets = False

    def _add_sets(self, sets: tuple[bytes, ...]) -> None:
        for nal in sets:
            name = self._name(nal)
            if name not in self._sets and len(self._sets) >= _MAX_SETS:
                self.bad_sets += 1
                continue
            if sum(map(len, self._sets.values())) + len(nal) > _MAX_SETS_BYTES:
                self.bad_sets += 1
                continue
            self._sets[name] = nal

    def _name(self, nal: bytes) -> tuple[int, int]:
        if self.codec == "h264":
            identifier = h264.identifier_of(nal)
            return nal[0] & 31, -1 if identifier is None else identifier
        identifier = h265.identifier_of(nal)
        return h265.kind_of(nal), -1 if identifier is None else identifier
