"""What was recorded is found and read again: spans, gaps, boxes, key frames and pictures, also while being written."""

import dataclasses
import io
import itertools
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from manara.base.errors import NotFound
from manara.formats.fmp4_read import init_bytes, parse_init, scan
from manara.formats.frames import Fragment
from manara.recorder.archive import Archive
from manara.recorder.gop_table import pack, unpack
from manara.recorder.segments import silences
from tests.recorder.archive_rig import START_US, Feed, Rig, wait_for

SECOND = 1_000_000


def split(data: bytes) -> list:  # type: ignore[type-arg]
    """Init sections (as bytes) and fragment heads of an answer."""
    found, at = [], 0
    while at < len(data):

        def read(offset: int, count: int) -> bytes:
            return data[offset : offset + count]

        if data[at + 4 : at + 8] == b"ftyp":
            rest = data[at:]
            size = init_bytes(lambda offset, count, rest=rest: rest[offset : offset + count])
            found.append(data[at : at + size])
            at += size
        else:
            offset, head = next(scan(read, at, len(data)))
            found.append(head)
            at = offset + head.total_bytes
    return found


@pytest.fixture
def rig(tmp_path: Path):  # type: ignore[no-untyped-def]
    rig = Rig(tmp_path).start()
    yield rig
    rig.writer.stop()


def archive(rig: Rig) -> Archive:
    return Archive([rig.index_path])


def test_what_is_being_written_is_read_at_once(rig: Rig) -> None:
    feed = Feed()
    rig.begin(feed)
    rig.send(feed, 3)
    rig.written()
    here = archive(rig)
    wait_for(lambda: len(here.plan(feed.key.camera_id, START_US, START_US + 60 * SECOND).pieces) == 3)
    told = here.timeline(feed.key.camera_id, START_US, START_US + 60 * SECOND)
    assert told.spans == [(START_US, START_US + 3 * SECOND)]
    rig.send(feed, 1)
    rig.written()
    told = here.timeline(feed.key.camera_id, START_US, START_US + 60 * SECOND)
    assert told.spans == [(START_US, START_US + 4 * SECOND)]
    assert (told.earliest_us, told.latest_us) == (START_US, START_US + 4 * SECOND)
    assert told.gaps == []


def test_every_fragment_comes_back_in_order_over_segments(rig: Rig) -> None:
    feed = Feed()
    rig.begin(feed)
    rig.send(feed, 35)
    rig.written()
    wait_for(lambda: len(archive(rig).plan(feed.key.camera_id, START_US, START_US + 60 * SECOND).pieces) == 35)
    parts = split(b"".join(archive(rig).fragments(feed.key.camera_id, START_US, START_US + 60 * SECOND)))
    assert parse_init(parts[0])[0].same_decoder(feed.video)
    heads = parts[1:]
    assert [(h.wall_us, h.sizes) for h in heads] == [(f.wall_us, f.sizes) for f in feed.sent]
    assert all(b.previous == a.hash for a, b in itertools.pairwise(heads)), "one chain over all segments"


def test_tables_are_stored_small_and_those_stored_before_they_were_are_read(tmp_path: Path) -> None:
    rig, feed = Rig(tmp_path, segment_s=60).start(), Feed()
    rig.begin(feed)
    rig.send(feed, 50)
    rig.writer.stop()
    plan = archive(rig).plan(feed.key.camera_id, START_US, START_US + 60 * SECOND)
    assert [piece.row.wall_us for piece in plan.pieces] == [f.wall_us for f in feed.sent]
    db = sqlite3.connect(rig.index_path)
    stored = db.execute("SELECT id, start_us, init_bytes, packed FROM segment").fetchall()
    for id, start_us, init, packed in stored:
        rows = pack(unpack(packed, start_us, init), start_us)
        assert len(packed) < len(rows)
        db.execute("UPDATE segment SET packed=? WHERE id=?", (rows, id))
    db.commit()
    db.close()
    assert archive(rig).plan(feed.key.camera_id, START_US, START_US + 60 * SECOND) == plan


def test_a_span_begins_at_the_key_frame_before_it_and_a_limit_says_where_to_go_on(rig: Rig) -> None:
    feed = Feed()
    rig.begin(feed)
    rig.send(feed, 8)
    rig.written()
    here, camera_id = archive(rig), feed.key.camera_id
    wait_for(lambda: len(here.plan(camera_id, START_US, START_US + 60 * SECOND).pieces) == 8)
    plan = here.plan(camera_id, START_US + 2_500_000, START_US + 4_100_000)
    assert [(p.row.wall_us - START_US) // SECOND for p in plan.pieces] == [2, 3, 4]
    assert plan.next_us is None
    seen, at_us = [], START_US
    while at_us is not None:
        plan = here.plan(camera_id, at_us, START_US + 60 * SECOND, limit_bytes=1)
        assert len(plan.pieces) == 1
        seen.append(plan.pieces[0].row.wall_us)
        at_us = plan.next_us  # type: ignore[assignment]
    assert seen == [f.wall_us for f in feed.sent]


def test_key_frames_alone_fill_the_time(rig: Rig) -> None:
    feed = Feed()
    rig.begin(feed)
    rig.send(feed, 6)
    rig.written()
    wait_for(lambda: len(archive(rig).plan(feed.key.camera_id, START_US, START_US + 60 * SECOND).pieces) == 6)
    heads = split(
        b"".join(archive(rig).fragments(feed.key.camera_id, START_US, START_US + 60 * SECOND, keyframes_only=True))
    )[1:]
    assert [len(h.sizes) for h in heads] == [1] * 6
    assert all(b.decode_time == a.decode_time + a.duration for a, b in itertools.pairwise(heads))


def test_a_snapshot_is_the_picture_of_that_moment(rig: Rig) -> None:
    feed = Feed()
    rig.begin(feed)
    rig.send(feed, 4)
    rig.written()
    here, camera_id = archive(rig), feed.key.camera_id
    wait_for(lambda: len(here.plan(camera_id, START_US, START_US + 60 * SECOND).pieces) == 4)
    for picture in (0, 7, 15, 44, 59):
        at_us = START_US + picture * SECOND // 15 + 1000
        data, frame_us = here.frame_at(camera_id, at_us)
        assert abs(frame_us - (at_us - 1000)) < 10
        level = np.asarray(Image.open(io.BytesIO(data)).convert("L"))[-20:].mean()
        assert abs(level - picture * 4) < 6
    small, _ = here.frame_at(camera_id, START_US, width_px=80)
    assert Image.open(io.BytesIO(small)).size == (80, 60)
    _, key_us = here.frame_at(camera_id, START_US + 1_900_000, exact=False)
    assert key_us == START_US + SECOND
    with pytest.raises(NotFound):
        here.frame_at(camera_id, START_US + 50 * SECOND)
    with pytest.raises(NotFound):
        here.frame_at("nobody", START_US)


def test_a_gap_has_a_start_an_end_and_a_cause(rig: Rig) -> None:
    feed = Feed()
    rig.begin(feed)
    rig.send(feed, 2)
    rig.writer.gap(feed.key, "stalled", feed.wall_us)
    rig.clock.advance(7.0)
    feed.wall_us += 7 * SECOND
    rig.writer.recovered(feed.key, feed.wall_us)
    feed.decode_time = 0
    rig.begin(feed)
    rig.send(feed, 2)
    rig.written()
    here, camera_id = archive(rig), feed.key.camera_id
    wait_for(lambda: len(here.timeline(camera_id, START_US, START_US + 60 * SECOND).spans) == 2)
    told = here.timeline(camera_id, START_US, START_US + 60 * SECOND)
    assert told.spans == [(START_US, START_US + 2 * SECOND), (START_US + 9 * SECOND, START_US + 11 * SECOND)]
    assert [(g.start_us - START_US, g.end_us - START_US, g.cause) for g in told.gaps] == [
        (2 * SECOND, 9 * SECOND, "stalled")
    ]
    parts = split(b"".join(here.fragments(camera_id, START_US, START_US + 60 * SECOND)))
    assert [isinstance(p, bytes) for p in parts] == [True, False, False, True, False, False], "new times, new decoder"


def test_silence_within_a_segment_is_a_gap_too(rig: Rig) -> None:
    feed = Feed()
    rig.begin(feed)
    rig.send(feed, 2)
    rig.written()
    held = feed.next()  # its last frame "lasts" until the next one came, 5 s later
    held.durations = [*held.durations[:-1], held.durations[-1] + 5 * 90_000]
    rig.writer.fragment(feed.key, held)
    feed.wall_us += 5 * SECOND
    feed.decode_time += 5 * 90_000
    rig.clock.advance(6.0)
    rig.send(feed, 2)
    rig.written()
    here, camera_id = archive(rig), feed.key.camera_id
    wait_for(lambda: here.timeline(camera_id, START_US, START_US + 60 * SECOND).gaps)
    told = here.timeline(camera_id, START_US, START_US + 60 * SECOND)
    assert [(g.start_us - START_US, g.end_us - START_US, g.cause) for g in told.gaps] == [
        (3 * SECOND, 8 * SECOND, "stalled")
    ]
    assert told.spans == [(START_US, START_US + 3 * SECOND), (START_US + 8 * SECOND, START_US + 10 * SECOND)]


def test_a_camera_of_few_frames_is_not_silent_between_them() -> None:
    slow = Fragment((b"x",), [1], [5 * 90_000], [0], True, 0, START_US)
    assert silences(slow, 5 * 90_000.0) == []
    assert silences(slow, 0.0) == []
    assert silences(slow, 6_000.0) == [(START_US + 66_667, START_US + 5 * SECOND)]


def test_a_stream_that_never_was_has_no_gap(tmp_path: Path) -> None:
    rig = Rig(tmp_path).start()
    feed = Feed()
    rig.begin(feed)
    rig.writer.ended(feed.key)
    assert rig.writer.stop()
    told = archive(rig).timeline(feed.key.camera_id, START_US, START_US + 60 * SECOND)
    assert (told.spans, told.gaps, told.earliest_us) == ([], [], None)


def test_two_streams_of_a_camera_are_apart(rig: Rig) -> None:
    main, sub = Feed(), Feed(stream="sub")
    for feed in (main, sub):
        rig.begin(feed)
    rig.send(main, 2)
    rig.send(sub, 1)
    rig.written()
    here = archive(rig)
    wait_for(lambda: here.timeline(main.key.camera_id, START_US, START_US + 60 * SECOND, "sub").spans)
    assert len(here.plan(main.key.camera_id, START_US, START_US + 60 * SECOND).pieces) == 2
    assert len(here.plan(main.key.camera_id, START_US, START_US + 60 * SECOND, stream="sub").pieces) == 1


def test_what_two_recorders_wrote_twice_is_played_once(tmp_path: Path) -> None:
    first, second = Rig(tmp_path / "a").start(), Rig(tmp_path / "b").start()
    feed, late = Feed(), Feed(start_us=START_US + 3 * SECOND)
    for rig, source in ((first, feed), (second, late)):
        rig.begin(source)
        rig.send(source, 6)
        rig.written()
        assert rig.writer.stop()
    (tmp_path / "broken.sqlite").write_bytes(b"no index at all" * 1000)
    here = Archive([tmp_path / "broken.sqlite", first.index_path, second.index_path, tmp_path / "none.sqlite"])
    plan = here.plan(feed.key.camera_id, START_US, START_US + 60 * SECOND)
    assert [(p.row.wall_us - START_US) // SECOND for p in plan.pieces] == list(range(9))
    assert here.errors == 1, "one that cannot be read is told, and the others answer"
    told = here.timeline(feed.key.camera_id, START_US, START_US + 60 * SECOND)
    assert told.spans == [(START_US, START_US + 9 * SECOND)]
    assert [(g.start_us - START_US, g.cause) for g in told.gaps] == [(9 * SECOND, "stopped")]


def cut(fragment: Fragment, frames: int) -> Fragment:
    """The first `frames` of a GOP: what a recorder has of it when it gives the camera up."""
    payload = b"".join(bytes(part) for part in fragment.payload)[: sum(fragment.sizes[:frames])]
    return dataclasses.replace(
        fragment, payload=(payload,), sizes=fragment.sizes[:frames], durations=fragment.durations[:frames],
        composition_offsets=fragment.composition_offsets[:frames],
    )  # fmt: skip


@pytest.mark.parametrize("frames", [1, 3, 9])
@pytest.mark.parametrize("goes_on", [True, False])
def test_no_frame_is_missing_or_doubled_where_a_camera_went_to_another_recorder(
    tmp_path: Path, frames: int, goes_on: bool
) -> None:
    """The first gives it up within its sixth GOP; the second has it from the fourth on."""
    first, second = Rig(tmp_path / "a").start(), Rig(tmp_path / "b").start()
    old, new = Feed(), Feed(start_us=START_US + 3 * SECOND + 7_000)  # each tells times of its own
    new.sent = list(new.clip[:3])  # the camera shows the same to both
    first.begin(old)
    first.send(old, 5)
    first.writer.fragment(old.key, cut(old.next(), frames))
    first.writer.ended(old.key)
    second.begin(new)
    second.send(new, 6 if goes_on else 3)
    for rig in (first, second):
        rig.written()
    here, camera_id, end_us = Archive([first.index_path, second.index_path]), old.key.camera_id, START_US + 60 * SECOND
    gops = 9 if goes_on else 6
    try:
        wait_for(lambda: here.plan(camera_id, START_US, end_us).pieces[-1].row.wall_us > START_US + (gops - 1) * SECOND)
        plan = here.plan(camera_id, START_US, end_us)
        assert [(p.row.wall_us - START_US) // SECOND for p in plan.pieces] == list(range(gops))
        assert [p.row.frames for p in plan.pieces] == [len(old.clip[n % len(old.clip)].sizes) for n in range(gops)]
        told = here.timeline(camera_id, START_US, end_us)
        assert told.gaps == [], "it never stopped"
        assert told.spans == [(START_US, START_US + gops * SECOND + 7_000)]
    finally:
        assert first.writer.stop()
        assert second.writer.stop()


def test_the_recorder_that_has_a_camera_says_why_there_is_no_footage(tmp_path: Path) -> None:
    first, second = Rig(tmp_path / "a").start(), Rig(tmp_path / "b").start()
    old, new = Feed(), Feed(start_us=START_US + 4 * SECOND)
    first.begin(old)
    first.send(old, 5)
    first.writer.ended(old.key)
    second.begin(new)
    second.send(new, 2)
    second.writer.gap(new.key, "timeout", new.wall_us)
    for rig in (first, second):
        rig.written()
    here, camera_id = Archive([first.index_path, second.index_path]), old.key.camera_id

    def causes(from_s: int, to_s: int) -> list[tuple[float, str]]:
        told = here.timeline(camera_id, START_US + from_s * SECOND, START_US + to_s * SECOND)
        return [((gap.start_us - START_US) / SECOND, gap.cause) for gap in told.gaps]

    wait_for(lambda: causes(0, 60) == [(6.0, "timeout")], "the gap and its cause")
    assert causes(20, 30) == [(20.0, "timeout")]
    assert first.writer.stop()
    assert second.writer.stop()


def test_who_pages_on_gets_no_fragment_twice_where_times_jitter(rig: Rig) -> None:
    feed = Feed()
    rig.begin(feed)
    for jitter_us in (0, -4_000, 3_000, -9_000, 6_000, 0):
        at_us = feed.wall_us
        feed.wall_us += jitter_us  # the fragment before seems to end up to 9 ms later
        rig.send(feed)
        feed.wall_us = at_us + SECOND
    rig.written()
    here, camera_id, end_us = archive(rig), feed.key.camera_id, START_US + 60 * SECOND
    wait_for(lambda: len(here.plan(camera_id, START_US, end_us).pieces) == 6)
    seen, at_us = [], START_US
    while at_us is not None:
        plan = here.plan(camera_id, at_us, end_us, limit_bytes=1)
        seen += [piece.row.wall_us for piece in plan.pieces]
        at_us = plan.next_us  # type: ignore[assignment]
    assert seen == [f.wall_us for f in feed.sent]
