"""What is old goes, oldest first; what is held stays, to the fragment; a wrong clock deletes nothing it should not."""

from pathlib import Path

import pytest

from manara.base.clock import FakeClock
from manara.messages import WantedHold
from manara.recorder import index as rows
from manara.recorder.archive import Archive
from manara.recorder.doctor import check_archive
from manara.recorder.gop_table import Row
from manara.recorder.holds import held_runs
from manara.recorder.retention import AgeClock
from tests.recorder.archive_rig import START_US, Feed, Rig, wait_for

SECOND = 1_000_000
DAY = 86_400
CAMERA = "cam00000000a"
ALL = (START_US, START_US + 100 * DAY * SECOND)


def seconds(rig: Rig, camera_id: str = CAMERA) -> list[int]:
    """Which seconds of the feed are there, each a GOP."""
    pieces = Archive([rig.index_path]).plan(camera_id, *ALL).pieces
    return [(piece.row.wall_us - START_US) // SECOND for piece in pieces]


def closed(rig: Rig, count: int) -> None:
    """Until so many segments are closed in the index."""
    db = rows.connect_read_only(rig.index_path)
    wait_for(lambda: len(rows.segments_where(db, "s.state=1", ())) >= count, "segments closed")
    db.close()


def age(rig: Rig, days: float) -> None:
    """Let days pass while the program runs."""
    for _ in range(200):
        rig.clock.advance(days * DAY / 200)


def test_footage_older_than_its_days_is_deleted_and_a_camera_may_have_its_own(tmp_path: Path) -> None:
    rig = Rig(tmp_path, retention_days=10.0, janitor_s=0.02).start()
    short, long = Feed(CAMERA), Feed("cam00000000b")
    rig.writer.set_retention(CAMERA, 2.0)
    for feed in (short, long):
        rig.begin(feed)
        rig.send(feed, 25)
        rig.writer.ended(feed.key)
    rig.written()
    closed(rig, 6)
    age(rig, 1.9)
    assert len(seconds(rig)) == 25
    age(rig, 0.2)
    wait_for(lambda: seconds(rig) == [], "the short one is gone")
    assert len(seconds(rig, "cam00000000b")) == 25
    assert rig.writer.stop()
    assert check_archive([d.path for d in rig.disks], rig.index_path).ok
    assert not list((tmp_path / "disk0").glob(f"{CAMERA}/*/*/*")), "no files, no empty days"


def test_a_camera_keeps_no_more_than_its_own_bytes_and_the_oldest_go_first(tmp_path: Path) -> None:
    rig = Rig(tmp_path, retention_days=10.0, janitor_s=0.02).start()
    limited, free = Feed(CAMERA), Feed("cam00000000b")
    for feed in (limited, free):
        rig.begin(feed)
        rig.send(feed, 60)
        rig.writer.ended(feed.key)
    rig.written()
    closed(rig, 12)
    db = rows.connect_read_only(rig.index_path)
    size = sum(segment.size_bytes for segment in rows.segments_where(db, "t.camera_id=?", (CAMERA,)))
    db.close()
    rig.writer.set_retention(CAMERA, None, max_bytes=size // 2)
    wait_for(lambda: 0 < len(seconds(rig)) <= 30, "half of it is gone")
    kept = seconds(rig)
    assert kept == list(range(60 - len(kept), 60)), "the newest stay"
    assert len(kept) >= 20, "no more went than had to, to the segment"
    assert len(seconds(rig, "cam00000000b")) == 60
    assert rig.writer.stop()
    assert check_archive([d.path for d in rig.disks], rig.index_path).ok


def test_room_is_made_by_deleting_the_oldest_of_all(tmp_path: Path) -> None:
    rig = Rig(tmp_path, max_bytes0=250_000, janitor_s=0.02).start()
    first, second = Feed(CAMERA), Feed("cam00000000b")
    for feed in (first, second):
        rig.begin(feed)
    for _ in range(80):
        rig.send(first)
        rig.send(second)
        rig.written()
        # a minute that passes in a moment must not outrun the syncs: what is not synced cannot go, and the other goes
        wait_for(lambda: not any(d.writer.closing() for d in rig.writer._disks), "closed ones are known")
    folders = [d.path for d in rig.disks]
    wait_for(lambda: check_archive(folders, rig.index_path).bytes <= 250_000, "within the limit")
    wait_for(lambda: 0 < rig.writer.disk_statuses()[0].archive_bytes <= 250_000, "and known to be")
    assert rig.writer.stop()
    kept = seconds(rig)
    assert kept == list(range(kept[0], 80)), "the newest, unbroken"
    assert abs(kept[0] - seconds(rig, "cam00000000b")[0]) <= 12, "the oldest of both"
    assert check_archive([d.path for d in rig.disks], rig.index_path, deep=True).problems == []


def test_what_is_held_stays_to_the_fragment_and_goes_when_released(tmp_path: Path) -> None:
    rig = Rig(tmp_path, retention_days=2.0, janitor_s=0.02).start()
    feed = Feed(CAMERA)
    rig.begin(feed)
    rig.send(feed, 40)
    rig.writer.ended(feed.key)
    rig.written()
    hold = WantedHold(hold_id="h1", camera_ids=[CAMERA], start_us=START_US + 14_500_000, end_us=START_US + 17_200_000)
    other = WantedHold(hold_id="h2", camera_ids=[CAMERA], start_us=START_US + 31_100_000, end_us=START_US + 31_200_000)
    rig.writer.set_holds([hold, other])
    closed(rig, 4)
    age(rig, 3)
    wait_for(lambda: seconds(rig) == [14, 15, 16, 17, 31], "exactly what is held")
    told = Archive([rig.index_path]).timeline(CAMERA, START_US, START_US + 40 * SECOND)
    assert [(h.hold_id, h.start_us) for h in told.holds] == [("h1", hold.start_us), ("h2", other.start_us)]
    assert [(g.start_us, g.end_us, g.cause) for g in told.gaps] == [
        (START_US + 18 * SECOND, START_US + 31 * SECOND, "retention"),
        (START_US + 32 * SECOND, START_US + 40 * SECOND, "retention"),
    ]
    assert rig.writer.stop()
    assert check_archive([d.path for d in rig.disks], rig.index_path, deep=True).problems == []
    again = Rig(tmp_path, retention_days=2.0, janitor_s=0.02)
    again.clock = rig.clock
    again.start()
    wait_for(lambda: seconds(again) == [14, 15, 16, 17, 31], "remembered over a restart")
    again.writer.set_holds([other])
    again.clock.advance(120)
    wait_for(lambda: seconds(again) == [31])
    assert again.writer.stop()


def test_no_room_and_all_held_stops_the_least_important_and_says_so(tmp_path: Path) -> None:
    rig = Rig(tmp_path, max_bytes0=120_000, janitor_s=0.02).start()
    feeds = [Feed(CAMERA), Feed("cam00000000b")]
    rig.writer.set_retention(CAMERA, None, priority=5)
    every = WantedHold(hold_id="h", camera_ids=[f.key.camera_id for f in feeds], start_us=0, end_us=ALL[1])
    rig.writer.set_holds([every])
    for feed in feeds:
        rig.begin(feed)
    for _ in range(16):
        for feed in feeds:
            rig.send(feed)
    wait_for(lambda: rig.stopped, "somebody is stopped")
    assert rig.stopped[0] == (feeds[1].key, "disk_full"), "the least important first"
    held = seconds(rig)
    rig.send(feeds[1], 2)
    wait_for(lambda: rig.writer.counters().get("fragments_dropped", 0) >= 2)
    assert seconds(rig)[: len(held)] == held, "nothing held was deleted"
    rig.writer.set_holds([])
    wait_for(lambda: (feeds[1].key, "") in rig.stopped, "there is room again")
    rig.send(feeds[1], 1)
    rig.written()
    assert rig.writer.stop()


@pytest.mark.parametrize("step_s", [400 * DAY, -400 * DAY])
def test_a_wrong_clock_deletes_nothing(tmp_path: Path, step_s: float) -> None:
    rig = Rig(tmp_path, retention_days=10.0, janitor_s=0.02).start()
    feed = Feed(CAMERA)
    rig.begin(feed)
    rig.send(feed, 15)
    rig.writer.ended(feed.key)
    rig.written()
    closed(rig, 2)
    rig.clock.step_wall(step_s)
    for _ in range(20):
        rig.clock.advance(61)
        rounds = rig.writer._disks[0].janitor
        rounds.poke()
    assert rig.writer.stop()
    again = Rig(tmp_path, retention_days=10.0, janitor_s=0.02)
    again.clock = rig.clock
    again.start()
    assert again.writer.stop()
    assert len(seconds(rig)) == 15


def test_the_age_clock_follows_slowly_forward_and_at_once_back() -> None:
    clock = FakeClock(START_US)
    age_clock = AgeClock(clock)
    clock.advance(100)
    assert age_clock.now_us() == clock.wall_us()
    clock.step_wall(1000)
    clock.advance(1)
    assert age_clock.now_us() == START_US + 110 * SECOND
    clock.advance(200)
    assert age_clock.now_us() == clock.wall_us()
    clock.step_wall(-5000)
    assert age_clock.now_us() == clock.wall_us()


def test_a_hold_keeps_the_key_frame_its_frames_need() -> None:
    table = [Row(n * 10, 10, START_US + n * 2 * SECOND, 180_000, 30, n % 3 == 0) for n in range(9)]
    span = (START_US + 11 * SECOND, START_US + 12 * SECOND)
    assert [[row.offset // 10 for row in run] for run in held_runs(table, [span])] == [[3, 4, 5]]
    assert held_runs(table, []) == []
