"""Who is told off-screen of what and when: the rules, the routes, and what is written down."""

import ipaddress
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manara.access.roles import Role
from manara.alarms import kinds, notify, notify_actions, notify_routes, notify_webhook, words
from manara.alarms.notify import Route, Subject
from manara.alarms.tables import Alarm
from manara.base.clock import to_datetime, to_us
from manara.base.errors import InvalidInput
from manara.store.secret import SecretBox
from tests.alarms.duty_world import NORTH, PROGRAM, SOUTH, DutyWorld, names_of, person

BAGHDAD = ZoneInfo("Asia/Baghdad")
ALI = person("ali", Role.OPERATOR)
HOUR_US = 3600 * 1_000_000
GOOD: dict[str, Any] = {
    "name": "Duty officer",
    "channel": "email",
    "address": "duty@example.org",
    "priorities": ["critical", "high"],
}


@pytest.fixture
def box(tmp_path: Path) -> SecretBox:
    """Seals secrets."""
    return SecretBox.from_file(tmp_path / "key")


def _sweep(room: DutyWorld, watermark_us: int = 0) -> notify_actions.Swept:
    return notify_actions.sweep(room.database, PROGRAM, room.at, names_of, BAGHDAD, watermark_us)


def _log(room: DutyWorld) -> list[dict[str, Any]]:
    with room.database.read() as session:
        return notify_actions.notifications(session)


def _add(room: DutyWorld, box: SecretBox, **more: Any) -> str:
    return str(notify_routes.add_route(room.database, box, PROGRAM, room.at, {**GOOD, **more})["id"])


# ---- the rules


def test_quiet_hours_span_midnight_by_the_clock_of_the_place() -> None:
    route = Route("r", "email", frozenset(), None, None, 0, True, 22 * 60, 6 * 60, 0)
    for local, until in (((21, 59), None), ((22, 0), (6, 0)), ((3, 0), (6, 0)), ((5, 59), (6, 0)), ((6, 0), None)):
        now = datetime(2026, 11, 22, *local, tzinfo=BAGHDAD)
        found = notify.quiet_until_us(route, "high", to_us(now), BAGHDAD)
        if until is None:
            assert found is None
        else:
            assert found is not None
            end = to_datetime(found).astimezone(BAGHDAD)
            assert (end.hour, end.minute) == until
            assert timedelta() < end - now <= timedelta(hours=8)
    assert notify.quiet_until_us(route, "critical", to_us(datetime(2026, 11, 22, 0, 0, tzinfo=UTC)), BAGHDAD) is None


@given(start=st.integers(0, 1439), end=st.integers(0, 1439), at_min=st.integers(0, 3 * 1440))
def test_quiet_hours_end_within_a_day_and_are_over_then(start: int, end: int, at_min: int) -> None:
    route = Route("r", "email", frozenset(), None, None, 0, True, start, end, 0)
    now_us = to_us(datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=at_min))
    until_us = notify.quiet_until_us(route, "low", now_us, BAGHDAD)
    if until_us is not None:
        assert 0 < until_us - now_us <= 24 * HOUR_US
        assert notify.quiet_until_us(route, "low", until_us, BAGHDAD) is None


@given(attempts=st.integers(0, 10_000), refused=st.booleans())
def test_waiting_grows_and_is_bounded(attempts: int, refused: bool) -> None:
    waited = notify.backoff_s(attempts, refused)
    assert 5 <= waited <= (1800 if refused else 60)
    assert waited <= notify.backoff_s(attempts + 1, refused)


@pytest.mark.parametrize(
    ("channel", "address", "fits"),
    [
        ("email", "duty@example.org", True),
        ("email", "Duty <duty@example.org>", False),
        ("email", "duty@example.org\r\nBcc: x@y.z", False),
        ("email", "duty", False),
        ("webhook", "https://hooks.example.org/a?b=c", True),
        ("webhook", "http://127.0.0.1:8080/", True),
        ("webhook", "http://hooks.example.org/", False),
        ("webhook", "https://user:secret@hooks.example.org/", False),
        ("webhook", "file:///etc/passwd", False),
        ("webhook", "https://", False),
        ("webhook", "https://a b/", False),
    ],
)
def test_addresses(channel: str, address: str, fits: bool) -> None:
    assert (notify.address_fault(channel, address) == "") is fits


@pytest.mark.parametrize(
    ("address", "public", "private"),
    [
        ("93.184.216.34", True, True),
        ("10.0.0.1", False, True),
        ("127.0.0.1", False, True),
        ("::1", False, True),
        ("::ffff:10.0.0.1", False, True),
        ("fd00::1", False, True),
        ("169.254.169.254", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("0.0.0.0", False, False),
        ("224.0.0.1", False, False),
        ("fe80::1", False, False),
    ],
)
def test_where_a_webhook_may_go(address: str, public: bool, private: bool) -> None:
    ip = ipaddress.ip_address(address)
    assert notify_webhook.allowed(ip, private=False) is public
    assert notify_webhook.allowed(ip, private=True) is private


def test_a_route_wants_what_it_names_once_it_is_there() -> None:
    route = Route(
        "r", "email", frozenset({"high"}), frozenset({NORTH}), frozenset({"link_cut"}), 0, True, None, None, 100
    )
    alarm = Subject("a", "link_cut", "high", frozenset({NORTH, SOUTH}), 200, 60.0, 0)
    assert notify.wants(route, alarm) == "raised"
    for other in (
        Subject("a", "link_cut", "low", frozenset({NORTH}), 200, 60.0, 0),
        Subject("a", "grid_lost", "high", frozenset({NORTH}), 200, 60.0, 0),
        Subject("a", "link_cut", "high", frozenset({SOUTH}), 200, 60.0, 0),
        Subject("a", "link_cut", "high", frozenset(), 200, 60.0, 0),
        Subject("a", "link_cut", "high", frozenset({NORTH}), 99, 60.0, 0),
        Subject("a", "link_cut", "high", frozenset({NORTH}), None, 60.0, 0),
    ):
        assert notify.wants(route, other) == ""


# ---- routes


def test_every_fault_of_a_route_is_named(room: DutyWorld, box: SecretBox) -> None:
    with pytest.raises(InvalidInput) as caught:
        _add(
            room, box, name="", address="no", priorities=[], kinds=["flying"], escalated_min=7, quiet_from_min=5000, x=1
        )
    named = {fault.field for fault in caught.value.fields}
    assert named == {"name", "address", "priorities", "kinds", "escalated_min", "quiet_from_min", "x"}


def test_a_secret_is_sealed_and_never_shown(room: DutyWorld, box: SecretBox) -> None:
    secret = "a-secret-of-the-hook"
    route_id = _add(room, box, channel="webhook", address="https://example.org/h?token=abc", secret=secret)
    with room.database.read() as session:
        (shown,) = notify_routes.routes(session)
        assert shown["has_secret"]
        assert secret not in str(shown)
        assert secret not in notify_routes.get_route(session, route_id).secret_sealed
    raw = room.database.url.database
    assert raw is not None
    everything = b"".join(path.read_bytes() for path in Path(raw).parent.glob("state.sqlite*"))
    assert secret.encode() not in everything


# ---- what is written down


def test_an_alarm_is_written_down_once_for_each_route_that_wants_it(room: DutyWorld, box: SecretBox) -> None:
    _add(room, box, name="A")
    _add(room, box, name="B", kinds=["link_cut"])
    alarm_id = room.raise_alarm("camera_covered", "camera:c7")
    swept = _sweep(room)
    assert swept.written == 1
    assert _sweep(room, swept.watermark_us).written == 0
    assert _sweep(room).written == 0
    (written,) = _log(room)
    assert (written["alarm_id"], written["occasion"], written["state"]) == (alarm_id, "raised", "waiting")
    assert "\u2068C7\u2069" in written["subject"]


def test_what_is_raised_after_the_clock_was_set_back_is_told(room: DutyWorld, box: SecretBox) -> None:
    _add(room, box)
    room.clock.advance(7200)
    room.raise_alarm("camera_covered")
    swept = _sweep(room)
    room.clock.step_wall(-3600)
    room.raise_alarm("camera_covered")
    assert _sweep(room, swept.watermark_us).written == 1


def test_what_was_there_before_the_route_is_not_told(room: DutyWorld, box: SecretBox) -> None:
    room.raise_alarm("camera_covered")
    room.clock.advance(10)
    _add(room, box)
    assert _sweep(room).written == 0


def test_a_route_for_the_commander_is_told_at_its_step(room: DutyWorld, box: SecretBox) -> None:
    _add(room, box, escalated_min=2)
    room.raise_alarm("camera_loop")
    assert _sweep(room).written == 0
    room.clock.advance(180)
    room.tick()
    assert _sweep(room).written == 0
    room.clock.advance(180)
    room.tick()
    assert _sweep(room).written == 1
    assert _log(room)[0]["occasion"] == "escalated_2"


def test_quiet_hours_hold_back_and_withdraw_what_ended(room: DutyWorld, box: SecretBox) -> None:
    _add(room, box, quiet_from_min=0, quiet_until_min=1439)
    high = room.raise_alarm("camera_covered", "camera:c1")
    critical = room.raise_alarm("camera_loop", "camera:c2")
    _sweep(room)
    log = {entry["alarm_id"]: entry for entry in _log(room)}
    assert log[high]["cause"] == "quiet"
    assert log[high]["next_us"] > room.clock.wall_us()
    assert log[critical]["next_us"] == room.clock.wall_us()
    _end(room, high)
    assert _sweep(room).withdrawn == 1
    log = {entry["alarm_id"]: entry for entry in _log(room)}
    assert (log[high]["state"], log[high]["cause"]) == ("withdrawn", "ended")


def test_that_the_fault_is_gone_is_told_to_who_was_told(room: DutyWorld, box: SecretBox) -> None:
    _add(room, box, name="told")
    _add(room, box, name="not of the end", tell_end=False)
    alarm_id = room.raise_alarm("camera_covered")
    _sweep(room)
    _end(room, alarm_id)
    assert _sweep(room).written == 1
    assert _sweep(room).written == 0
    assert sorted(entry["occasion"] for entry in _log(room)) == ["ended", "raised", "raised"]


def test_no_drill_touches_the_world_outside(room: DutyWorld, box: SecretBox) -> None:
    _add(room, box)
    room.raise_alarm("camera_covered", exercise=True)
    _sweep(room)
    (written,) = _log(room)
    assert (written["state"], written["cause"]) == ("withdrawn", "exercise")


def _end(room: DutyWorld, alarm_id: str) -> None:
    """The fault is gone: as the policy writes it."""
    room.clock.advance(120)
    with room.database.act(PROGRAM, room.at) as act:
        row = act.session.get_one(Alarm, alarm_id)
        row.active, row.state, row.changed_us = False, "returned_unacknowledged", act.at_us


# ---- words


@given(number=st.integers(0, 500))
def test_arabic_counts_have_the_form_of_their_number(number: int) -> None:
    text = words.counted_ar(number, ["zero", "one", "two", "{n} few", "{n} many", "{n} other"])
    rest = number % 100
    if number < 3:
        assert text == ("zero", "one", "two")[number]
    else:
        assert text.split()[1] == ("few" if 3 <= rest <= 10 else "many" if rest >= 11 else "other")


@given(code=st.text(max_size=200), kind=st.sampled_from(["camera_dead", "nobody_knows"]))
def test_words_are_one_line_and_their_isolates_are_closed(code: str, kind: str) -> None:
    def names(subject: str) -> words.Named:
        del subject
        return words.Named(code, code, code)

    for language in words.LANGUAGES:
        told = words.Told(kind, "camera:x", "high", 0, evidence=[{"text_ar": code, "text_en": code, "at_us": 5}])
        message = words.compose(told, language, names, BAGHDAD)
        assert len(message.title) <= words.TITLE_MAX
        for line in [message.title, *message.lines]:
            assert "\n" not in line
            assert "\r" not in line
        assert message.title.count("\u2068") == message.title.count("\u2069")


def test_every_kind_has_its_words_and_they_are_those_of_the_screens() -> None:
    assert set(words.TITLES) == set(kinds.DEFAULTS)
    locales = Path(__file__).resolve().parents[2] / "ui" / "src" / "locales"
    for place, language in enumerate(words.LANGUAGES):
        shown = json.loads((locales / language / "alarms.json").read_text(encoding="utf-8"))["kind"]
        assert {kind: titles[place] for kind, titles in words.TITLES.items()} == shown
