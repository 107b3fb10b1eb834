"""The audit log of looks at recordings: complete, and readable."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manara.access.who import Who
from manara.base.clock import FakeClock
from manara.base.errors import Unavailable
from manara.store.audit import AuditEntry
from manara.store.database import Database
from manara.web.looking import NEAR_US, Looking, merged

SECOND = 1_000_000
ANNA = Who("anna", "Anna", address="10.0.0.7", session_id="s1")


@pytest.fixture
def clock() -> FakeClock:
    """A clock moved by hand."""
    return FakeClock()


@pytest.fixture
def looking(database: Database, clock: FakeClock) -> Looking:
    """Looks entered in a real state."""
    return Looking(database, clock)


def entries(database: Database) -> list[tuple[str, str, str]]:
    """(action, subject, detail) of the log."""
    with database.read() as session:
        rows = session.query(AuditEntry).order_by(AuditEntry.number)
        return [(row.action, row.subject, row.detail) for row in rows]


def test_the_first_look_is_entered_at_once_and_its_course_each_minute(
    database: Database, looking: Looking, clock: FakeClock
) -> None:
    looking.note(ANNA, "cam", 0, 4 * SECOND, "play")
    assert [entry[:2] for entry in entries(database)] == [("playback:look", "cam")]
    for second in range(4, 64, 4):
        clock.advance(4)
        looking.note(ANNA, "cam", second * SECOND, (second + 4) * SECOND, "play")
        looking.tick()
    found = entries(database)
    assert [entry[0] for entry in found] == ["playback:look", "playback:went_on"]
    assert '"from_us": 4000000, "to_us": 64000000' in found[1][2]


def test_a_look_after_a_pause_is_a_new_look(database: Database, looking: Looking, clock: FakeClock) -> None:
    looking.note(ANNA, "cam", 0, SECOND, "play")
    looking.note(ANNA, "cam", 60 * SECOND, 61 * SECOND, "scrub")
    clock.advance(61)
    looking.note(ANNA, "cam", 5 * SECOND, 6 * SECOND, "play")
    assert [entry[0] for entry in entries(database)] == ["playback:look", "playback:look", "playback:went_on"]


def test_each_session_and_each_camera_is_a_look_of_its_own(database: Database, looking: Looking) -> None:
    looking.note(ANNA, "cam", 0, SECOND, "play")
    looking.note(ANNA, "other", 0, SECOND, "play")
    looking.note(Who("anna", "Anna", session_id="s2"), "cam", 0, SECOND, "play")
    assert len(entries(database)) == 3


def test_what_was_gathered_is_entered_when_the_program_stops(database: Database, looking: Looking) -> None:
    looking.note(ANNA, "cam", 0, SECOND, "play")
    looking.note(ANNA, "cam", 100 * SECOND, 101 * SECOND, "snapshot")
    looking.finish()
    assert '"from_us": 100000000' in entries(database)[1][2]


def test_without_the_log_there_is_no_look_and_nothing_gathered_is_dropped(
    database: Database, looking: Looking, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking.note(ANNA, "cam", 0, SECOND, "play")
    looking.note(ANNA, "cam", 90 * SECOND, 91 * SECOND, "play")

    def busy(*args: object) -> None:
        raise Unavailable("busy", code="store_busy")

    with monkeypatch.context() as broken:
        broken.setattr(database, "act", busy)
        with pytest.raises(Unavailable):
            looking.note(ANNA, "other", 0, SECOND, "play")
        looking.finish()
        assert looking.failures == 1
    looking.finish()
    assert '"from_us": 90000000' in entries(database)[-1][2]
    looking.note(ANNA, "other", 0, SECOND, "play")
    assert entries(database)[-1][1] == "other"


def test_a_file_fetched_in_parts_is_one_entry(database: Database, looking: Looking, clock: FakeClock) -> None:
    for _ in range(5):
        looking.note_once(ANNA, "export:download", "exp", {"name": "1.mp4"})
        clock.advance(10)
    looking.note_once(ANNA, "export:download", "exp", {"name": "2.mp4"})
    clock.advance(61)
    looking.note_once(ANNA, "export:download", "exp", {"name": "1.mp4"})
    assert len(entries(database)) == 3


def test_many_scattered_looks_do_not_gather_without_bound(database: Database, looking: Looking, tmp_path: Path) -> None:
    for number in range(120):
        looking.note(ANNA, "cam", number * 60 * SECOND, number * 60 * SECOND + SECOND, "snapshot")
    assert 2 < len(entries(database)) < 6


span = st.tuples(st.integers(0, 10**9), st.integers(0, 10**8)).map(lambda s: (s[0], s[0] + s[1]))


@given(st.lists(span, max_size=30))
def test_merged_spans_cover_all_in_order(given_spans: list[tuple[int, int]]) -> None:
    joined = merged(given_spans)
    assert all(any(a <= start and end <= b for a, b in joined) for start, end in given_spans)
    assert all(one[1] + NEAR_US < two[0] for one, two in pairwise(joined))
