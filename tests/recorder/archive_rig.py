"""A recorder's archive on temporary folders, fed with clips on a clock that the test moves."""

import dataclasses
import threading
import time
from collections.abc import Callable
from pathlib import Path

from manara.base.clock import FakeClock
from manara.formats.frames import Fragment, VideoFormat
from manara.recorder.archive_writer import ArchiveWriter
from manara.recorder.disks import DiskIO
from manara.recorder.sink import StreamKey
from manara.settings import Disk, Recorder
from tests.formats.fmp4_clips import clip
from tests.support.patience import LONG_S

START_US = 1_700_000_000_000_000


def wait_for(condition: Callable[[], object], what: str = "", deadline_s: float = LONG_S) -> None:
    """Until `condition` holds; fails after the deadline."""
    end = time.monotonic() + deadline_s
    tick = threading.Event()
    while not condition():
        assert time.monotonic() < end, f"not in time: {what}"
        tick.wait(0.005)


class Feed:
    """An endless camera: the clip over and over, on the wall clock."""

    def __init__(self, camera_id: str = "cam00000000a", start_us: int = START_US, stream: str = "main") -> None:
        self.key = StreamKey(camera_id, stream)
        self.video, self.clip = clip()
        self.wall_us = start_us
        self.decode_time = 0
        self.sent: list[Fragment] = []

    def next(self) -> Fragment:
        """The next fragment (a GOP of 1 s)."""
        source = self.clip[len(self.sent) % len(self.clip)]
        fragment = dataclasses.replace(source, wall_us=self.wall_us, decode_time=self.decode_time)
        self.wall_us += fragment.duration * 100 // 9
        self.decode_time += fragment.duration
        self.sent.append(fragment)
        return fragment


class Rig:
    """An `ArchiveWriter` with its folders; `send` moves the clock along with the frames."""

    def __init__(self, folder: Path, disks: int = 1, **options: object) -> None:
        self.folder = folder
        self.clock = FakeClock(START_US)
        self.disks = [
            Disk(path=folder / f"disk{n}", reserve_bytes=0, max_bytes=int(options.pop(f"max_bytes{n}", 0)))  # type: ignore[call-overload]
            for n in range(disks)
        ]
        known = {"segment_s": 10.0, "sync_interval_s": 0.1}
        known |= {name: options.pop(name) for name in list(options) if name in Recorder.model_fields}
        self.settings = Recorder.model_validate(known)
        self.states: list[tuple[str, str, str]] = []
        self.stopped: list[tuple[StreamKey, str]] = []
        self.options = options
        self.writer: ArchiveWriter

    @property
    def index_path(self) -> Path:
        return self.folder / "index.sqlite"

    def start(self) -> "Rig":
        self.writer = ArchiveWriter(
            self.settings,
            self.index_path,
            self.disks,
            self.clock,
            lambda *told: self.states.append(told),
            on_stream_stopped=lambda *told: self.stopped.append(told),
            **self.options,  # type: ignore[arg-type]
        )
        self.writer.start()
        return self

    def begin(self, feed: Feed, video: VideoFormat | None = None) -> None:
        self.writer.format(feed.key, video or feed.video, None)

    def send(self, feed: Feed, count: int = 1) -> None:
        for _ in range(count):
            fragment = feed.next()
            self.writer.fragment(feed.key, fragment)
            self.clock.advance(fragment.duration / 90_000)

    def written(self) -> None:
        """Until all that was sent is on the disks."""
        wait_for(lambda: all(d.writer.queued_bytes == 0 for d in self.writer._disks), "queues empty")


class FaultyIO(DiskIO):
    """A disk that does what the test says: raise `error` on writes or syncs, or wait until `gate` is set."""

    def __init__(self) -> None:
        self.write_error: OSError | None = None
        self.sync_error: OSError | None = None
        self.partial = 0
        self.gate = threading.Event()
        self.gate.set()

    def writev(self, fd, buffers):  # type: ignore[no-untyped-def]
        assert self.gate.wait(60)
        if self.partial:
            taken, self.partial = min(self.partial, len(buffers[0])), 0
            return super().writev(fd, [memoryview(buffers[0])[:taken]])
        if self.write_error is not None:
            raise self.write_error
        return super().writev(fd, buffers)

    def sync(self, folder):  # type: ignore[no-untyped-def]
        assert self.gate.wait(60)
        if self.sync_error is not None:
            raise self.sync_error
        super().sync(folder)

    def probe(self, folder):  # type: ignore[no-untyped-def]
        if self.write_error or self.sync_error or not self.gate.is_set():
            raise OSError(5, "still broken")
        super().probe(folder)
