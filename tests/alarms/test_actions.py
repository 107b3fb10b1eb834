"""Alarms in the state: idempotent, accounted for, answered by persons, right again after a restart."""

import threading
from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from manara.access.roles import Role
from manara.access.who import Who
from manara.alarms import actions, kind_table, suppressing, views
from manara.alarms.room import SECOND_US, Rules
from manara.alarms.signals import Member, Signal
from manara.alarms.tables import Alarm, AlarmEntry, AlarmSignal, Suppression
from manara.base.clock import FakeClock, to_datetime
from manara.base.errors import Conflict, Forbidden, InvalidInput, ManaraError, NotFound
from manara.store import audit, outbox
from manara.store.database import Database

RULES = Rules()
ZAINAB = Who("zainab", "Zainab", frozenset({Role.OPERATOR}))
KARIM = Who("karim", "Karim", frozenset({Role.SUPERVISOR}))
NORTHERNER = Who("n", "Northerner", frozenset({Role.OPERATOR}), frozenset({"north"}))
CLOCK_US = FakeClock().wall_us()


class Control:
    """The alarms room of a control process, on a clock that is moved by hand."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = FakeClock()

    @property
    def at(self) -> datetime:
        return to_datetime(self.clock.wall_us())

    def take(self, *signals: Signal) -> actions.Taken:
        return actions.take_signals(self.database, self.at, signals, RULES)

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        actions.tick(self.database, self.at, RULES)

    def signal(self, id: str = "c1", kind: str = "link_cut", subject: str = "link:l1", **more: Any) -> Signal:
        values = {"version": self.clock.wall_us(), "active": True, "since_us": self.clock.wall_us(), **more}
        return Signal(id=id, kind=kind, subject=subject, **values)

    def raised(self, **more: Any) -> str:
        """Take a signal, wait until it is told; returns the alarm's id."""
        signal = self.signal(**more)
        self.take(signal)
        self.wait(10)
        with self.database.read() as session:
            row = session.scalars(select(Alarm).where(Alarm.signal_id == signal.id)).one()
        return row.id

    def alarm(self, alarm_id: str) -> dict[str, Any]:
        with self.database.read() as session:
            return views.alarm(session, KARIM, alarm_id)

    def fates(self) -> Counter[tuple[str, bool]]:
        """Dispositions: (what, symptom?) → how many."""
        with self.database.read() as session:
            return Counter((row.disposition, row.member_id != "") for row in session.scalars(select(AlarmSignal)))


@pytest.fixture
def control(database: Database) -> Control:
    return Control(database)


@pytest.fixture
def any_control(any_database: Database) -> Control:
    return Control(any_database)


def test_a_signal_is_told_and_answered(any_control: Control) -> None:
    control = any_control
    control.take(control.signal(members=[Member(id="m1", kind="link_down", subject="link:l1", since_us=CLOCK_US)]))
    assert control.fates() == {("waiting", False): 1, ("waiting", True): 1}
    control.wait(3)
    assert control.fates() == {("annunciated", False): 1, ("grouped", True): 1}
    with control.database.read() as session:
        (shown,) = views.alarms(session, ZAINAB, open_only=True)
    assert (shown["state"], shown["priority"], shown["members_count"]) == ("unacknowledged", "medium", 1)
    answer = actions.acknowledge(control.database, ZAINAB, control.at, [shown["id"]], RULES)
    assert (answer["alarms"][0]["state"], answer["alarms"][0]["acknowledged_by_name"]) == ("acknowledged", "Zainab")
    control.take(control.signal(active=False, ended_us=control.clock.wall_us()))
    control.wait(61)
    whole = control.alarm(shown["id"])
    assert whole["state"] == "normal"
    assert whole["closed_us"] is not None
    assert [entry["what"] for entry in whole["entries"]] == [
        *("raised", "annunciated", "acknowledged", "returned", "closed")
    ]
    assert [member["kind"] for member in whole["members"]] == ["link_down"]


def test_taking_the_same_twice_writes_nothing(control: Control) -> None:
    signal = control.signal()
    control.take(signal, signal)
    control.wait(5)
    with control.database.read() as session:
        before = audit.head(session)
    assert control.take(signal) == actions.Taken()
    assert control.take(control.signal(version=signal.version - 1, active=False, ended_us=CLOCK_US)) == actions.Taken()
    with control.database.read() as session:
        assert audit.head(session) == before
        assert session.scalars(select(Alarm)).one().state == "unacknowledged"


def test_a_restart_forgets_nothing(control: Control) -> None:
    """Every call loads what it needs: a waiting signal and a running dead-band outlive the process."""
    control.take(control.signal("a"), control.signal("b", subject="link:l2"))
    control.wait(3)
    control.take(control.signal("a", active=False, ended_us=control.clock.wall_us()))
    again = Control(control.database)
    again.clock = control.clock
    again.wait(61)
    with control.database.read() as session:
        states = {row.subject: row.state for row in session.scalars(select(Alarm))}
    assert states == {"link:l1": "returned_unacknowledged", "link:l2": "unacknowledged"}


def test_nothing_is_done_where_nothing_is_due(control: Control) -> None:
    control.raised()
    with control.database.read() as session:
        before = audit.head(session)
    for _ in range(3):
        control.wait(1)
    with control.database.read() as session:
        assert audit.head(session) == before


def test_every_signal_and_symptom_is_accounted_for(control: Control) -> None:
    symptoms = [Member(id=f"m{n}", kind="video_lost", subject=f"camera:{n}", since_us=CLOCK_US) for n in range(4)]
    control.take(
        control.signal("told", members=symptoms),
        control.signal("fleeting", subject="link:l2", active=False, ended_us=CLOCK_US),
        *(control.signal(f"g{n}", "grid_lost", f"site:{n}", site_id=f"s{n}", sector_id="north") for n in range(5)),
    )
    control.wait(30)
    assert control.fates() == {
        ("annunciated", False): 1 + 2,
        ("grouped", True): 4,
        ("grouped", False): 3,
        ("fleeting", False): 1,
    }
    with control.database.read() as session:
        found = views.account(session, CLOCK_US - 1, CLOCK_US + 3600 * SECOND_US)
    assert found["totals"] == {"signals": {"annunciated": 3, "grouped": 3, "fleeting": 1}, "symptoms": {"grouped": 4}}
    assert (found["unaccounted"], len(found["rows"])) == (0, 7)


def test_symptoms_come_and_go_with_their_signal(control: Control) -> None:
    def symptom(n: int) -> Member:
        return Member(id=f"m{n}", kind="video_lost", subject=f"camera:{n}", since_us=CLOCK_US)

    control.take(control.signal(members=[symptom(1), symptom(2)]))
    control.wait(5)
    control.take(control.signal(members=[symptom(2), symptom(3)]))
    with control.database.read() as session:
        rows = session.scalars(select(AlarmSignal).where(AlarmSignal.member_id != ""))
        ended = {row.member_id: row.ended_us is not None for row in rows}
    assert ended == {"m1": True, "m2": False, "m3": False}
    assert set(control.fates()) == {("annunciated", False), ("grouped", True)}


# ---- persons


def test_only_a_person_acknowledges(control: Control) -> None:
    alarm_id = control.raised()
    with pytest.raises(Forbidden, match="Only a person"):
        actions.acknowledge(control.database, Who.system("robot"), control.at, [alarm_id], RULES)


def test_two_acknowledge_at_once_and_one_is_told_who_was_quicker(any_control: Control) -> None:
    control = any_control
    alarm_id = control.raised()
    both = threading.Barrier(2)
    said: list[str] = []

    def click(who: Who) -> None:
        both.wait()
        try:
            actions.acknowledge(control.database, who, control.at, [alarm_id], RULES)
            said.append(f"{who.name} won")
        except ManaraError as error:
            said.append(f"{error.code} {error.detail['by']}")

    threads = [threading.Thread(target=click, args=(who,)) for who in (ZAINAB, KARIM)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner = control.alarm(alarm_id)["acknowledged_by_name"]
    assert sorted(said) == sorted([f"{winner} won", f"already_acknowledged {winner}"])
    with control.database.read() as session:
        entries = session.scalars(select(AlarmEntry).where(AlarmEntry.what == "acknowledged")).all()
        audited = session.scalars(select(audit.AuditEntry).where(audit.AuditEntry.action == "alarm:acknowledge")).all()
    assert (len(entries), [entry.actor_name for entry in audited]) == (1, [winner])


def test_many_at_once_and_those_already_answered_are_named(control: Control) -> None:
    first, second = control.raised(), control.raised(id="c2", subject="link:l2")
    actions.acknowledge(control.database, KARIM, control.at, [first], RULES)
    answer = actions.acknowledge(control.database, ZAINAB, control.at, [first, second], RULES)
    assert [alarm["id"] for alarm in answer["alarms"]] == [second]
    assert [(one["id"], one["code"], one["by"]) for one in answer["already"]] == [
        (first, "already_acknowledged", "Karim")
    ]


def test_a_closed_one_says_who_answered_it(control: Control) -> None:
    alarm_id = control.raised()
    actions.acknowledge(control.database, KARIM, control.at, [alarm_id], RULES)
    control.take(control.signal(active=False, ended_us=control.clock.wall_us()))
    control.wait(61)
    with pytest.raises(Conflict) as refused:
        actions.acknowledge(control.database, ZAINAB, control.at, [alarm_id], RULES)
    assert (refused.value.code, refused.value.detail["by"]) == ("already_acknowledged", "Karim")


def test_nobody_answers_what_lies_outside_their_sectors(control: Control) -> None:
    own = control.raised(sector_id="north", sector_ids=["north"])
    others = control.raised(id="c2", subject="link:l2", sector_id="south", sector_ids=["south"])
    program = control.raised(id="c3", kind="recorder_down", subject="recorder:r")
    with control.database.read() as session:
        assert [alarm["id"] for alarm in views.alarms(session, NORTHERNER)] == [own]
        leader = Who("l", "Leader", frozenset({Role.SUPERVISOR}), frozenset({"north"}))
        assert {alarm["id"] for alarm in views.alarms(session, leader)} == {own, program}
    for alarm_id in (others, program, "nonsense"):
        with pytest.raises(NotFound):
            actions.acknowledge(control.database, NORTHERNER, control.at, [alarm_id], RULES)
    with control.database.read() as session, pytest.raises(NotFound):
        views.alarm(session, NORTHERNER, others)


def test_a_shelf_has_who_why_and_until_and_comes_back(control: Control) -> None:
    alarm_id = control.raised()
    for values in ({}, {"reason": "x", "until_us": 1}, {"reason": "known fault"}):
        with pytest.raises(InvalidInput):
            actions.shelve(control.database, ZAINAB, control.at, alarm_id, values, RULES)
    until_us = control.clock.wall_us() + 600 * SECOND_US
    values = {"reason": "team is on its way", "until_us": until_us}
    (shelved,) = actions.shelve(control.database, ZAINAB, control.at, alarm_id, values, RULES)["alarms"]
    assert shelved["state"] == "shelved"
    assert (shelved["shelved"]["by_name"], shelved["shelved"]["until_us"]) == ("Zainab", until_us)
    control.wait(601)
    back = control.alarm(alarm_id)
    assert (back["state"], back["shelved"]) == ("unacknowledged", None)
    assert [entry["what"] for entry in back["entries"]][-2:] == ["shelf_ended", "annunciated"]


def test_out_of_service_and_comment_are_written_down(control: Control) -> None:
    alarm_id = control.raised()
    actions.comment(control.database, ZAINAB, control.at, alarm_id, {"text": " seen it "}, RULES)
    actions.out_of_service(control.database, KARIM, control.at, alarm_id, {"reason": "being rebuilt"}, RULES)
    assert control.alarm(alarm_id)["state"] == "out_of_service"
    actions.in_service(control.database, KARIM, control.at, alarm_id, RULES)
    whole = control.alarm(alarm_id)
    assert whole["state"] == "unacknowledged"
    lines = [(entry["what"], entry["by_name"], entry["text"]) for entry in whole["entries"] if entry["by"]]
    assert lines == [
        ("commented", "Zainab", "seen it"),
        ("out_of_service", "Karim", "being rebuilt"),
        ("in_service", "Karim", ""),
    ]


def test_the_life_of_an_alarm_cannot_be_rewritten(any_control: Control) -> None:
    any_control.raised()
    for statement in (update(AlarmEntry).values(text="never was"), delete(AlarmEntry)):
        with pytest.raises(DBAPIError, match="append-only"), any_control.database.engine.begin() as connection:
            connection.execute(statement)


def test_what_failed_leaves_nothing(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as crash:
        crash.setattr(actions, "_audit_program", killed)
        with pytest.raises(RuntimeError, match="killed"):
            control.take(control.signal(kind="recorder_disk_failed", subject="disk:d"))
    with control.database.read() as session:
        assert session.scalars(select(Alarm)).all() == []
        assert session.scalars(select(AlarmSignal)).all() == []
        assert outbox.pending(session) == []
    assert control.take(control.signal(kind="recorder_disk_failed", subject="disk:d")).signals == 1


# ---- the table


def test_an_edit_of_a_kind_is_kept_with_its_history(control: Control) -> None:
    administrator = Who("adm", "Administrator", frozenset({Role.ADMINISTRATOR}))
    edit = {"priority": "critical", "advice_ar": "اتصل بالفني", "delay_on_s": 0}
    changed = kind_table.change_kind(control.database, administrator, control.at, "link_cut", edit)
    assert (changed["priority"], changed["changed_by"]) == ("critical", "Administrator")
    control.take(control.signal())
    with control.database.read() as session:
        assert session.scalars(select(Alarm)).one().priority == "critical"
        (line,) = kind_table.history(session, "link_cut")
        listed = {kind["kind"]: kind for kind in kind_table.listing(session)}
    assert (line["by_name"], line["before"]["priority"], line["after"]["priority"]) == (
        *("Administrator", "medium", "critical"),
    )
    assert listed["link_cut"]["advice_ar"] == "اتصل بالفني"
    assert len(listed) == 34


def test_a_bad_edit_names_every_fault_and_changes_nothing(control: Control) -> None:
    bad = {"priority": "urgent", "respond_s": 1, "delay_on_s": -1, "advice_en": " ", "kind": "x", "sound": "bell"}
    with pytest.raises(InvalidInput) as refused:
        kind_table.change_kind(control.database, KARIM, control.at, "link_cut", bad)
    assert {fault.field for fault in refused.value.fields} == {
        *("priority", "respond_s", "delay_on_s", "advice_en", "sound")
    }
    with pytest.raises(NotFound):
        kind_table.change_kind(control.database, KARIM, control.at, "no_such", {})
    kind_table.change_kind(control.database, KARIM, control.at, "link_cut", {"respond_s": 60})
    with pytest.raises(Conflict, match="Karim changed"):
        kind_table.change_kind(control.database, ZAINAB, control.at, "link_cut", {"respond_s": 90, "changed_us": 0})


# ---- suppressions


def _window(control: Control, **more: Any) -> dict[str, Any]:
    return {
        "reason": "battery test",
        "kind": "maintenance_window",
        "site_ids": ["s1"],
        "from_us": control.clock.wall_us(),
        "until_us": control.clock.wall_us() + 600 * SECOND_US,
        **more,
    }


def _known(noun: str, id: str) -> bool:
    return (noun, id) == ("site", "s1")


def test_a_window_covers_and_ends_by_the_clock(control: Control) -> None:
    added = suppressing.add(control.database, KARIM, control.at, _window(control), _known)
    control.take(control.signal(site_id="s1"))
    control.wait(10)
    with control.database.read() as session:
        row = session.scalars(select(Alarm)).one()
    assert (row.state, row.suppressed["id"] if row.suppressed else None) == ("suppressed_by_design", added["id"])
    assert control.fates() == {("suppressed", False): 1}
    control.wait(600)
    with control.database.read() as session:
        assert session.scalars(select(Alarm)).one().state == "unacknowledged"
        ended = session.scalars(select(Suppression)).one()
    assert (ended.state, ended.ended_us) == ("ended", added["until_us"])


def test_a_planned_window_begins_by_the_clock_over_what_is_open(control: Control) -> None:
    alarm_id = control.raised(site_id="s1")
    later = control.clock.wall_us() + 300 * SECOND_US
    values = _window(control, from_us=later, until_us=later + 600 * SECOND_US)
    planned = suppressing.add(control.database, KARIM, control.at, values, _known)
    assert planned["state"] == "planned"
    control.wait(299)
    assert control.alarm(alarm_id)["state"] == "unacknowledged"
    control.wait(2)
    assert control.alarm(alarm_id)["state"] == "suppressed_by_design"
    suppressing.end(control.database, KARIM, control.at, planned["id"], _known)
    actions.reconsider(control.database, control.at, RULES)
    assert control.alarm(alarm_id)["state"] == "unacknowledged"
    with pytest.raises(Conflict, match="ended already"):
        suppressing.end(control.database, KARIM, control.at, planned["id"], _known)


def test_a_suppression_without_scope_end_or_reason_is_refused(control: Control) -> None:
    now_us = control.clock.wall_us()
    bad: list[tuple[dict[str, Any], str]] = [
        ({"reason": ""}, "reason"),
        ({"kind": "quiet"}, "kind"),
        ({"site_ids": []}, "site_ids"),
        ({"site_ids": ["elsewhere"]}, "site_ids"),
        ({"kinds": ["nonsense"]}, "kinds"),
        ({"until_us": None}, "until_us"),
        ({"until_us": now_us - 1}, "until_us"),
        ({"until_us": now_us + 40 * 86_400 * SECOND_US}, "until_us"),
    ]
    for change, field in bad:
        with pytest.raises(InvalidInput) as refused:
            suppressing.add(control.database, KARIM, control.at, _window(control, **change), _known)
        assert [fault.field for fault in refused.value.fields] == [field], change


def test_a_suppression_of_the_program_is_renewed_and_ended_without_noise(control: Control) -> None:
    values = {
        "kind": "ptz_tour",
        "reason": "tour",
        "camera_ids": ["k1"],
        "kinds": ["camera_moved"],
        "from_us": CLOCK_US,
        "until_us": CLOCK_US + 3600 * SECOND_US,
    }
    program = Who.system("alarms")
    assert suppressing.keep(control.database, program, control.at, "ptz_tour", values)
    assert not suppressing.keep(control.database, program, control.at, "ptz_tour", values)
    assert suppressing.keep(control.database, program, control.at, "ptz_tour", {**values, "camera_ids": ["k1", "k2"]})
    assert suppressing.keep(control.database, program, control.at, "ptz_tour", None)
    with control.database.read() as session:
        (row,) = views.suppressions(session, ended_since_us=0)
    assert (row["camera_ids"], row["state"]) == (["k1", "k2"], "ended")
