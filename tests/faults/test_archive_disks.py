"""Disks that are full, broken, slow or hang: other disks and cameras go on, nothing waits, every loss has a row and a
cause.
"""

import errno
import subprocess
import time
from pathlib import Path

import pytest

from manara.recorder import index as rows
from manara.recorder.archive import Archive
from manara.recorder.doctor import check_archive
from tests.recorder.archive_rig import START_US, FaultyIO, Feed, Rig, wait_for
from tests.support.patience import patience_s

SECOND = 1_000_000
ALL = (START_US, START_US + 3600 * SECOND)


class Broken:
    """A rig whose disks the test can break."""

    def __init__(self, folder: Path, disks: int, **options: object) -> None:
        self.ios: list[FaultyIO] = []

        def make(disk: object) -> FaultyIO:
            self.ios.append(FaultyIO())
            return self.ios[-1]

        self.rig = Rig(folder, disks, io=make, janitor_s=0.02, **options).start()
        self.archive = Archive([self.rig.index_path])

    def walls(self, feed: Feed) -> list[int]:
        return [p.row.wall_us for p in self.archive.plan(feed.key.camera_id, *ALL).pieces]

    def gaps(self, feed: Feed) -> list[tuple[float, float, str]]:
        told = self.archive.timeline(feed.key.camera_id, *ALL)
        return [((g.start_us - START_US) / SECOND, (g.end_us - START_US) / SECOND, g.cause) for g in told.gaps]

    def home(self, feed: Feed) -> int:
        disk = self.rig.writer._entries[feed.key].disk
        return next(n for n, d in enumerate(self.rig.writer._disks) if d.writer is disk)


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EROFS])
def test_a_disk_that_fails_is_left_without_losing_a_frame(tmp_path: Path, error: int) -> None:
    broken = Broken(tmp_path, 2)
    rig, feeds = broken.rig, [Feed("cam00000000a"), Feed("cam00000000b")]
    for feed in feeds:
        rig.begin(feed)
    for _ in range(3):
        for feed in feeds:
            rig.send(feed)
    rig.written()
    bad = broken.home(feeds[0])
    assert broken.home(feeds[1]) != bad, "cameras are spread"
    broken.ios[bad].write_error = OSError(error, "broken")
    for _ in range(5):
        for feed in feeds:
            rig.send(feed)
    wait_for(lambda: broken.home(feeds[0]) != bad)
    rig.written()
    state = "full" if error == errno.ENOSPC else "failed"
    assert any(told[0].endswith(f"disk{bad}") and told[1] == state for told in rig.states)
    for feed in feeds:
        wait_for(lambda feed=feed: broken.walls(feed) == [f.wall_us for f in feed.sent])
        assert broken.gaps(feed) == []
    assert rig.writer.counters().get("fragments_dropped", 0) == 0
    broken.ios[bad].write_error = None
    rig.clock.advance(30)
    wait_for(lambda: rig.writer._disks[bad].writer.state == "ok", "the disk is used again")
    assert rig.writer.stop()
    report = check_archive([d.path for d in rig.disks], rig.index_path, deep=True)
    assert report.problems == []


def test_a_disk_that_takes_part_of_a_write_gets_the_rest(tmp_path: Path) -> None:
    broken = Broken(tmp_path, 1)
    feed = Feed()
    broken.rig.begin(feed)
    for size in (1, 7, 300):
        broken.ios[0].partial = size
        broken.rig.send(feed)
        broken.rig.written()
    assert broken.rig.writer.stop()
    assert broken.walls(feed) == [f.wall_us for f in feed.sent]
    assert check_archive([d.path for d in broken.rig.disks], broken.rig.index_path, deep=True).ok


def test_a_torn_write_is_cut_off_and_the_frame_goes_elsewhere(tmp_path: Path) -> None:
    broken = Broken(tmp_path, 2)
    feed = Feed()
    broken.rig.begin(feed)
    broken.rig.send(feed, 2)
    broken.rig.written()
    bad = broken.home(feed)
    broken.ios[bad].partial = 50
    broken.ios[bad].write_error = OSError(errno.ENOSPC, "full")
    broken.rig.send(feed, 2)
    wait_for(lambda: broken.walls(feed) == [f.wall_us for f in feed.sent])
    broken.ios[bad].write_error = None
    broken.rig.written()
    assert broken.rig.writer.stop()
    assert check_archive([d.path for d in broken.rig.disks], broken.rig.index_path, deep=True).ok


def test_a_disk_that_hangs_holds_up_nobody_else(tmp_path: Path) -> None:
    broken = Broken(tmp_path, 2, hang_s=0.5)
    rig, feeds = broken.rig, [Feed("cam00000000a"), Feed("cam00000000b")]
    for feed in feeds:
        rig.begin(feed)
        rig.send(feed, 2)
    rig.written()
    bad = broken.home(feeds[0])
    broken.ios[bad].gate.clear()
    begun = time.monotonic()
    for _ in range(10):
        for feed in feeds:
            rig.send(feed)
    assert time.monotonic() - begun < patience_s(0.5), "the sink never waits"
    wait_for(lambda: broken.walls(feeds[1]) == [f.wall_us for f in feeds[1].sent], "the other camera goes on")
    rig.clock.advance(1.0)  # the watch sees that the write takes longer than hang_s
    wait_for(lambda: broken.home(feeds[0]) != bad)
    wait_for(lambda: broken.walls(feeds[0])[-1:] == [feeds[0].sent[-1].wall_us])
    assert ("disk_hangs") in {told[2] for told in rig.states}
    broken.ios[bad].gate.set()
    wait_for(lambda: not rig.writer._disks[bad].writer.busy(), "its threads are back")
    rig.clock.advance(30)
    wait_for(lambda: rig.writer._disks[bad].writer.state == "ok", "the disk is used again")
    wait_for(lambda: broken.walls(feeds[0]) == [f.wall_us for f in feeds[0].sent], "nothing lost, nothing doubled")
    assert rig.writer.stop()
    assert check_archive([d.path for d in rig.disks], rig.index_path, deep=True).problems == []


def test_a_slow_disk_is_over_its_memory_and_what_is_dropped_is_a_gap(tmp_path: Path) -> None:
    broken = Broken(tmp_path, 1, memory_budget_bytes=16_000_000)
    rig, feed = broken.rig, Feed()
    rig.begin(feed)
    rig.send(feed, 2)
    rig.written()
    broken.ios[0].gate.clear()
    disk = rig.writer._disks[0].writer
    disk.cap_bytes = 30_000
    rig.send(feed, 20)
    assert disk.queued_bytes <= 30_000
    dropped = rig.writer.counters()["fragments_dropped"]
    assert 0 < dropped < 20
    broken.ios[0].gate.set()
    rig.written()
    rig.send(feed, 2)
    rig.written()
    wait_for(lambda: len(broken.walls(feed)) == 24 - dropped)
    assert rig.writer.stop()
    gaps = broken.gaps(feed)
    assert [g[2] for g in gaps] == ["disk_slow", "stopped"]
    assert gaps[0][1] - gaps[0][0] == dropped


def test_with_no_disk_left_it_is_counted_and_said_and_goes_on_when_one_is_back(tmp_path: Path) -> None:
    broken = Broken(tmp_path, 1)
    rig, feed = broken.rig, Feed()
    rig.begin(feed)
    rig.send(feed, 3)
    rig.written()
    broken.ios[0].write_error = OSError(errno.EIO, "broken")
    rig.send(feed)
    wait_for(lambda: rig.writer._disks[0].writer.state == "failed")
    rig.send(feed, 2)
    wait_for(lambda: rig.writer.counters().get("fragments_dropped") == 3)
    broken.ios[0].write_error = None
    rig.clock.advance(30)
    feed.wall_us += 30 * SECOND
    wait_for(lambda: rig.writer._disks[0].writer.state == "ok")
    rig.begin(feed)
    rig.send(feed, 2)
    rig.written()
    assert rig.writer.stop()
    assert broken.gaps(feed)[0] == (3.0, 36.0, "disk_failed")
    assert len(broken.walls(feed)) == 5
    assert [told[1] for told in rig.states] == ["failed", "ok"]
    assert check_archive([d.path for d in rig.disks], rig.index_path, deep=True).problems == []


def test_a_failed_sync_is_a_failed_disk(tmp_path: Path) -> None:
    broken = Broken(tmp_path, 2)
    feed = Feed()
    broken.rig.begin(feed)
    broken.rig.send(feed, 2)
    broken.rig.written()
    bad = broken.home(feed)
    broken.ios[bad].sync_error = OSError(errno.EIO, "broken")
    broken.rig.send(feed, 1)
    wait_for(lambda: broken.rig.writer._disks[bad].writer.state == "failed")
    broken.rig.send(feed, 2)
    broken.rig.written()
    assert broken.home(feed) != bad
    broken.ios[bad].sync_error = None
    broken.rig.clock.advance(30)
    wait_for(lambda: broken.rig.writer._disks[bad].writer.state == "ok")
    assert broken.rig.writer.stop()
    assert broken.walls(feed) == [f.wall_us for f in feed.sent]


def test_a_disk_that_is_not_mounted_is_not_written_to(tmp_path: Path) -> None:
    rig = Rig(tmp_path).start()
    feed = Feed()
    rig.begin(feed)
    rig.send(feed, 2)
    rig.written()
    assert rig.writer.stop()
    (tmp_path / "disk0").rename(tmp_path / "away")
    (tmp_path / "disk0").mkdir()
    again = Rig(tmp_path, janitor_s=0.02)
    again.start()
    again.begin(feed)
    again.send(feed, 1)
    wait_for(lambda: again.writer.counters().get("fragments_dropped") == 1)
    assert list((tmp_path / "disk0").iterdir()) == []
    (tmp_path / "disk0").rmdir()
    (tmp_path / "away").rename(tmp_path / "disk0")
    again.clock.advance(60)
    wait_for(lambda: again.writer._disks[0].writer.state == "ok")
    again.send(feed, 1)
    again.written()
    assert again.writer.stop()
    db = rows.connect_read_only(rig.index_path)
    assert len(rows.segments_where(db, "s.state=1", ())) == 2, "no row was thrown away"
    db.close()


def test_a_full_tmpfs(tmp_path: Path) -> None:
    """A real file system that is full, where we may mount one."""
    disk = tmp_path / "disk0"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "none", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting needs root")
    try:
        rig = Rig(tmp_path, janitor_s=0.02, segment_s=5.0).start()
        feed = Feed()
        rig.begin(feed)
        for _ in range(300):
            rig.send(feed)
            rig.written()
            wait_for(lambda: rig.writer._disks[0].writer.state in ("ok", "slow"), "retention makes room")
        assert rig.writer.stop()
        archive = Archive([rig.index_path])
        told = archive.timeline(feed.key.camera_id, START_US, START_US + 400 * SECOND)
        assert told.latest_us == feed.wall_us, "the newest is kept"
        assert told.earliest_us is not None
        assert told.earliest_us > START_US, "the oldest went"
        assert {told[1] for told in rig.states} <= {"full", "ok"}
        assert check_archive([disk], rig.index_path, deep=True).problems == []
    finally:
        subprocess.run(["umount", "-l", disk], check=False)
