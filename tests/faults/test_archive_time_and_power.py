"""Clocks that step, power that fails, an index that is locked: what was synced is there, what is missing says why."""

import os
import shutil
import sqlite3
import time
from pathlib import Path

import pytest

from manara.base.errors import Unavailable
from manara.recorder import archive_writer
from manara.recorder import index as rows
from manara.recorder.archive import Archive
from manara.recorder.doctor import check_archive
from tests.recorder.archive_rig import START_US, FaultyIO, Feed, Rig, wait_for
from tests.support.patience import patience_s

SECOND = 1_000_000
ALL = (START_US - 3600 * SECOND, START_US + 7200 * SECOND)


def causes(rig: Rig, feed: Feed) -> list[tuple[float, float, str]]:
    told = Archive([rig.index_path]).timeline(feed.key.camera_id, *ALL)
    return [((g.start_us - START_US) / SECOND, (g.end_us - START_US) / SECOND, g.cause) for g in told.gaps]


@pytest.mark.parametrize("step_s", [600, -600, 3, -3])
def test_a_step_of_the_clock_begins_a_segment_and_is_written_down(tmp_path: Path, step_s: int) -> None:
    rig = Rig(tmp_path, segment_s=600.0).start()
    feed = Feed()
    rig.begin(feed)
    rig.send(feed, 5)
    rig.clock.step_wall(step_s)
    feed.wall_us += step_s * SECOND
    rig.send(feed, 5)
    rig.written()
    assert rig.writer.stop()
    pieces = Archive([rig.index_path]).plan(feed.key.camera_id, *ALL).pieces
    assert sorted(p.row.wall_us for p in pieces) == sorted(f.wall_us for f in feed.sent), "nothing overwritten"
    assert len({p.segment.name for p in pieces}) >= 2
    stepped = [gap for gap in causes(rig, feed) if gap[2] == "clock_step"]
    assert stepped == [(min(5.0, 5.0 + step_s), 5.0 + step_s, "clock_step")]
    assert check_archive([d.path for d in rig.disks], rig.index_path, deep=True).problems == []


def test_silence_is_not_a_step(tmp_path: Path) -> None:
    rig = Rig(tmp_path).start()
    feed = Feed()
    rig.begin(feed)
    rig.send(feed, 2)
    rig.clock.advance(8)
    feed.wall_us += 8 * SECOND
    rig.send(feed, 2)
    rig.written()
    assert rig.writer.stop()
    assert causes(rig, feed)[0] == (2.0, 10.0, "stalled")


class Recording(FaultyIO):
    """Notes how long every file was when it was last synced: after a power cut, that is what is left for sure."""

    def __init__(self) -> None:
        super().__init__()
        self.synced: dict[str, int] = {}

    def sync(self, folder):  # type: ignore[no-untyped-def]
        lengths = {str(path): path.stat().st_size for path in folder.rglob("*.mp4")}
        super().sync(folder)
        self.synced = lengths


@pytest.mark.parametrize("left", ["nothing", "half", "zeros"])
def test_a_power_cut_costs_only_what_was_not_synced(tmp_path: Path, left: str) -> None:
    io = Recording()
    promised: list[int] = []
    rig = Rig(tmp_path / "before", io=lambda disk: io, on_durable=lambda key, end_us: promised.append(end_us)).start()
    feed = Feed()
    rig.begin(feed)
    rig.send(feed, 23)
    rig.written()
    wait_for(lambda: promised and max(promised) >= START_US + 23 * SECOND)
    wait_for(lambda: len(Archive([rig.index_path]).plan(feed.key.camera_id, *ALL).pieces) == 23)
    io.sync_error = OSError(5, "no more power")  # from here on nothing is promised
    rig.writer._disks[0].writer.state = "ok"
    rig.send(feed, 1)
    rig.written()
    before, after = tmp_path / "before", tmp_path / "after"
    shutil.copytree(before, after)
    for path in (after / "disk0").rglob("*.mp4"):
        length = io.synced.get(str(path).replace(str(after), str(before)), 0)
        size = path.stat().st_size
        os.truncate(path, {"nothing": length, "half": (length + size) // 2, "zeros": length}[left])
        if left == "zeros":
            os.truncate(path, size)
    db = rows.connect(after / "index.sqlite")
    db.execute("UPDATE memory SET value=CAST('another boot' AS BLOB) WHERE key='boot_id'")
    db.execute("UPDATE memory SET key=replace(key, ?, ?)", (str(before), str(after)))
    db.execute("UPDATE disk SET path=replace(path, ?, ?)", (str(before), str(after)))
    db.close()
    again = Rig(after)
    again.clock = rig.clock
    again.start()
    pieces = Archive([again.index_path]).plan(feed.key.camera_id, *ALL).pieces
    assert max(p.row.end_us for p in pieces) >= max(promised)
    feed.wall_us += 20 * SECOND
    again.clock.advance(20)
    again.begin(feed)
    again.send(feed, 1)
    again.written()
    assert again.writer.stop()
    gap = causes(again, feed)[0]
    assert gap[2] == "power"
    assert 23.0 <= gap[0] <= 24.0
    assert gap[1] == 44.0
    assert check_archive([d.path for d in again.disks], again.index_path, deep=True).problems == []
    io.sync_error = None
    rig.writer.stop()


def test_a_locked_index_never_holds_up_video(tmp_path: Path) -> None:
    rig = Rig(tmp_path, segment_s=4.0).start()
    feed = Feed()
    rig.begin(feed)
    rig.send(feed, 2)
    rig.written()
    locker = sqlite3.connect(rig.index_path, isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    begun = time.monotonic()
    rig.send(feed, 20)
    rig.written()
    assert time.monotonic() - begun < patience_s(0.9), "written while the index is locked"
    wait_for(lambda: rig.writer.index.counters["index_retries"] > 0, "it was tried")
    locker.execute("COMMIT")
    locker.close()
    wait_for(lambda: len(Archive([rig.index_path]).plan(feed.key.camera_id, *ALL).pieces) == 22)
    assert rig.writer.stop()
    assert check_archive([d.path for d in rig.disks], rig.index_path, deep=True).problems == []


def test_the_doctor_finds_and_mends_orphans_of_both_kinds(tmp_path: Path) -> None:
    rig = Rig(tmp_path).start()
    feed = Feed()
    rig.begin(feed)
    rig.send(feed, 45)
    rig.written()
    assert rig.writer.stop()
    folders, everything = [d.path for d in rig.disks], [f.wall_us for f in feed.sent]
    files = sorted((tmp_path / "disk0").rglob("*.mp4"))
    files[0].rename(tmp_path / "stolen.mp4")
    db = rows.connect(rig.index_path)
    db.execute("DELETE FROM segment WHERE name LIKE ?", (f"%{files[2].name}",))
    db.close()
    with files[3].open("ab") as file:
        file.write(b"torn")
    (files[1].parent / "1-x.part").write_bytes(b"half a copy")
    (files[1].parent / "holiday.mp4").write_bytes(b"not ours" * 20_000)
    report = check_archive(None, rig.index_path)
    assert dict(report.counts) == {"row_without_file": 1, "size_differs": 1, "file_without_row": 3}
    check_archive(folders, rig.index_path, mend=True)
    report = check_archive(folders, rig.index_path, deep=True)
    assert dict(report.counts) == {"file_damaged": 1}, "the stranger is kept for a person to see"
    left = [p.row.wall_us for p in Archive([rig.index_path]).plan(feed.key.camera_id, *ALL).pieces]
    assert left == everything[-len(left) :]
    assert len(left) >= 30
    with files[1].open("r+b") as file:
        file.seek(-40, os.SEEK_END)
        file.write(b"changed!")
    assert "fragment_damaged" in check_archive(folders, rig.index_path, deep=True).counts
    files[1].write_bytes(b"")
    assert "size_differs" in check_archive(folders, rig.index_path).counts


def test_two_recorders_never_write_one_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_writer, "LOCK_S", 0.1)
    rig = Rig(tmp_path).start()
    with pytest.raises(Unavailable):
        Rig(tmp_path).start()
    with pytest.raises(Unavailable):
        check_archive(None, rig.index_path, mend=True)
    assert check_archive(None, rig.index_path).ok
    assert rig.writer.stop()
    assert Rig(tmp_path).start().writer.stop()
