"""The recorder's archive is killed with -9 at random moments, again and again; nothing promised may be missing.

A child records two synthetic cameras into the same folders every time and writes down what it was told is durable.
After the kill the archive recovers, and the ledger is compared with what is on the disk: every promised fragment is
there, proved by its hash, in one chain; there are no orphans; every hole has a cause. `MANARA_KILLS=1000` for the long
form.
"""

import itertools
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

from manara.base.clock import SystemClock
from manara.formats.fmp4 import chain_hash
from manara.formats.fmp4_read import read_head
from manara.messages import WantedHold
from manara.recorder.archive import Archive
from manara.recorder.archive_writer import ArchiveWriter
from manara.recorder.doctor import check_archive
from manara.recorder.sink import StreamKey
from manara.settings import Disk, Recorder
from tests.recorder.archive_rig import Feed

KILLS = int(os.environ.get("MANARA_KILLS", "100"))
ROOM_BYTES = 3_000_000  # so little that segments are deleted, and held ones rewritten, in every life
CAMERAS = ("cam00000000a", "cam00000000b")


def record(folder: Path, disks: list[Disk], start_us: int, ledger_fd: int) -> None:
    """The child: record as fast as the disk goes, with everything that happens in a life happening often."""

    def durable(key: StreamKey, end_us: int) -> None:
        os.write(ledger_fd, f"{key.camera_id} {end_us}\n".encode())

    settings = Recorder.model_validate({"segment_s": 4.0, "sync_interval_s": 0.1, "retention_days": 1000.0})
    writer = ArchiveWriter(settings, folder / "index.sqlite", disks, SystemClock(), on_durable=durable, janitor_s=0.02)
    writer.start()
    held_us = start_us - 20_000_000
    writer.set_holds([WantedHold(hold_id="h", camera_ids=[CAMERAS[0]], start_us=held_us, end_us=held_us + 2_500_000)])
    os.write(ledger_fd, b"started\n")
    chance = random.Random(os.getpid())
    feeds = [Feed(camera_id, start_us) for camera_id in CAMERAS]
    for feed in feeds:
        writer.format(feed.key, feed.video, None)
    while True:
        feed = chance.choice(feeds)
        writer.fragment(feed.key, feed.next())
        if chance.random() < 0.02:
            writer.gap(feed.key, "lost", feed.wall_us)
            feed.wall_us += 3_000_000
            writer.format(feed.key, feed.video, None)
        time.sleep(0.0005)


def life(folder: Path, disks: list[Disk], start_us: int, after_s: float) -> list[str]:
    """One life of the child; returns its ledger."""
    read_fd, write_fd = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read_fd)
            record(folder, disks, start_us, write_fd)
        finally:
            os._exit(7)
    os.close(write_fd)
    with os.fdopen(read_fd, "rb") as pipe:
        assert pipe.readline() == b"started\n"
        time.sleep(after_s)
        os.kill(pid, signal.SIGKILL)
        ledger = pipe.read().decode().split("\n")
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status), "the child was alive until it was killed"
    return ledger[:-1]


def proved(archive: Archive, camera_id: str, from_us: int, *, chained: bool = True) -> list[tuple[int, int]]:
    """(start, end) of all fragments since `from_us`, each proved by its hash, and the chain between them."""
    plan = archive.plan(camera_id, from_us, 1 << 60)
    spans, before = [], None
    for piece in plan.pieces:
        with piece.segment.path.open("rb") as file:
            fd = file.fileno()
            head = read_head(lambda offset, count, fd=fd: os.pread(fd, count, offset), piece.row.offset)
            payload = os.pread(fd, head.payload_bytes, piece.row.offset + head.head_bytes)
        assert chain_hash(head.previous, head.wall_us, [payload]) == head.hash
        assert not chained or before is None or head.previous == before, "the chain is unbroken over crashes"
        before = head.hash
        spans.append((piece.row.wall_us, piece.row.end_us))
    return spans


@pytest.mark.timeout(900)
def test_nothing_promised_is_lost_by_kill_9(tmp_path: Path) -> None:
    disks = [Disk(path=tmp_path / name, reserve_bytes=0, max_bytes=ROOM_BYTES) for name in "ab"]
    index_path = tmp_path / "index.sqlite"
    chance = random.Random(7)
    promised, begun_us = 0, SystemClock().wall_us()
    for _ in range(KILLS):
        ledger = life(tmp_path, disks, begun_us, chance.uniform(0.0, 0.25))
        keeper = ArchiveWriter(Recorder(), index_path, disks, SystemClock())
        keeper.start()
        assert keeper.stop()
        archive = Archive([index_path])
        last_us = begun_us
        for camera_id in CAMERAS:
            ends = [int(line.split()[1]) for line in ledger if line.startswith(camera_id)]
            promised += len(ends)
            spans = proved(archive, camera_id, begun_us)
            assert not ends or max(ends) <= spans[-1][1], "what was promised is there"
            last_us = max([last_us, *(end for _, end in spans)])
        begun_us = last_us + 5_000_000  # media time runs faster than the clock here
    assert promised > KILLS
    for camera_id in CAMERAS:
        spans = proved(archive, camera_id, 0, chained=False)
        assert all(b[0] >= a[1] - 10 for a, b in itertools.pairwise(spans) if b[0] > a[0]), "nothing doubled"
        told = archive.timeline(camera_id, 0, 1 << 60)
        assert "unknown" not in {gap.cause for gap in told.gaps}
        assert {gap.cause for gap in told.gaps} >= {"crash"}
    report = check_archive([disk.path for disk in disks], index_path, deep=True)
    assert report.problems == []
