"""One segment file while it is written, and the rules of when a new one begins. Called by the thread of its disk.

A segment is unbroken: fragments follow each other within `STEP_US` of wall time and with rising decode times, for one
decoder. Whatever breaks that begins a new segment, so that a span of the index is a span of footage.
"""

import re
import threading
import zlib
from dataclasses import dataclass
from pathlib import Path

from manara.base.clock import to_datetime
from manara.base.ids import new_id
from manara.formats.fmp4 import NO_HASH, Fmp4Error, fragment_boxes, init_section
from manara.formats.frames import TIMESCALE_HZ, Fragment, SoundFormat, VideoFormat
from manara.recorder.disks import DiskIO, write_all
from manara.recorder.gop_table import Packer
from manara.recorder.index import Segment
from manara.recorder.sink import StreamKey

STEP_US = 1_000_000  # a larger difference between expected and told wall time is a break
_MAX_FRAGMENTS = 50_000
_MAX_BYTES = 16 << 30
_SILENT = 2 * TIMESCALE_HZ
_KNOWN_FRAMES = 10
_SAFE = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Run:
    """What `FrameSink.format` told: one unbroken run of frames for one decoder."""

    number: int
    video: VideoFormat
    sound: SoundFormat | None


def end_us_of(fragment: Fragment) -> int:
    """When the last frame ends, UTC µs."""
    return fragment.wall_us + fragment.duration * 100 // 9


def break_cause(end_us: int, last_wall_us: int, last_s: float, fragment: Fragment, arrival_s: float) -> str:
    """Why `fragment` does not follow on `end_us`: "" where it does, "clock_step" where wall time and the monotonic
    clock (`last_s`, `arrival_s`) disagree about how much has passed, "stalled" where no frames came."""
    if abs(fragment.wall_us - end_us) <= STEP_US:
        return ""
    passed_us = (arrival_s - last_s) * 1_000_000
    return "clock_step" if abs(fragment.wall_us - last_wall_us - passed_us) > STEP_US else "stalled"


def silences(fragment: Fragment, usual: float) -> list[tuple[int, int]]:
    """(start, end) in UTC µs of the times within a fragment without frames: one frame "lasted" for them.

    `usual` is how long a frame lasts otherwise (90 kHz, 0 where not known yet): a camera of one frame in five seconds
    is not silent between them.
    """
    found = []
    passed = 0
    for duration in fragment.durations:
        if duration > _SILENT and usual and duration > 4 * usual:
            start_us = fragment.wall_us + round((passed + usual) * 100 / 9)
            found.append((start_us, fragment.wall_us + (passed + duration) * 100 // 9))
        passed += duration
    return found


class OpenSegment:
    """A file that is being written. Only its thread appends; `snapshot` may be taken by the syncing thread."""

    def __init__(
        self, io: DiskIO, disk: Path, key: StreamKey, run: Run, first: Fragment, chain: bytes | None, segment_s: float
    ) -> None:
        """Makes the file and writes the init section. Raises `OSError`, `Fmp4Error`."""
        self.key, self.run, self.disk = key, run, disk
        self._io = io
        self._phase_us = zlib.crc32("/".join(key).encode()) % 1_000_000 * int(segment_s)  # spreads rotation
        self._period_us = int(segment_s * 1_000_000)
        self.start_us = first.wall_us
        self.end_us = first.wall_us
        self.last_wall_us = first.wall_us
        self.last_arrival_s = 0.0
        self.decode_start = self.decode_end = first.decode_time
        self.chain_before = chain or NO_HASH
        self.chain = self.chain_before
        self.frames = 0
        self.fragments = 0
        self.checkpoint_s = 0.0
        self._packer = Packer(first.wall_us)
        self._lock = threading.Lock()
        if not _SAFE.fullmatch(key.camera_id) or not _SAFE.fullmatch(key.stream):
            raise Fmp4Error(f"{key}: not a name for a folder")
        init = init_section(run.video, run.sound)
        day = to_datetime(first.wall_us).strftime("%Y%m%d")
        self.name = f"{key.camera_id}/{key.stream}/{day}/{first.wall_us}-{new_id()}.mp4"
        self._fd = io.open_new(disk / self.name)
        self.init_bytes = self.size_bytes = len(init)
        try:
            write_all(io, self._fd, [init])
        except OSError:
            io.close(self._fd)
            io.unlink(disk / self.name)
            raise

    def usual_duration(self) -> float:
        """How long a frame of this segment lasts on average, 90 kHz; 0 where too few are known."""
        return (self.decode_end - self.decode_start) / self.frames if self.frames >= _KNOWN_FRAMES else 0.0

    def fits(self, run: Run, fragment: Fragment) -> bool:
        """Whether `fragment` belongs into this segment, or begins the next."""
        if run.number != self.run.number or abs(fragment.wall_us - self.end_us) > STEP_US:
            return False
        if not self.decode_end <= fragment.decode_time <= self.decode_end + 10 * TIMESCALE_HZ:
            return False
        if self.fragments >= _MAX_FRAGMENTS or self.size_bytes >= _MAX_BYTES:
            return False
        if fragment.key:
            return self._period(fragment.wall_us) == self._period(self.start_us)
        return fragment.wall_us - self.start_us < 2 * self._period_us  # a camera that sends no key frames at all

    def _period(self, wall_us: int) -> int:
        return (wall_us + self._phase_us) // self._period_us

    def append(self, fragment: Fragment, arrival_s: float) -> None:
        """Write one fragment. Raises `Fmp4Error`, `OSError`: the segment then ends after the fragment before."""
        buffers, chain = fragment_boxes(fragment, self.fragments, self.chain)
        size = sum(len(part) for part in buffers)
        write_all(self._io, self._fd, buffers)
        with self._lock:
            self._packer.add(fragment.wall_us, fragment.duration, size, len(fragment.sizes), key=fragment.key)
            self.size_bytes += size
            self.frames += len(fragment.sizes)
            self.fragments += 1
            self.chain = chain
            self.end_us = end_us_of(fragment)
            self.last_wall_us = fragment.wall_us
            self.last_arrival_s = arrival_s
            self.decode_end = fragment.decode_time + fragment.duration

    def close(self, *, cut_to_bytes: int | None = None) -> None:
        """Close the file; after a failed write, cut off what is torn (`cut_to_bytes`). Raises `OSError`."""
        try:
            if cut_to_bytes is not None:
                self._io.truncate(self._fd, cut_to_bytes)
        finally:
            self._io.close(self._fd)

    def snapshot(self, state: int) -> tuple[Segment, bytes]:
        """The row and the table as they are now."""
        with self._lock:
            row = Segment(
                0, self.key.camera_id, self.key.stream, str(self.disk), self.name, state, self.start_us, self.end_us,
                self.size_bytes, self.frames, self.init_bytes, self.chain_before, self.chain,
            )  # fmt: skip
            return row, bytes(self._packer.packed)
