"""A bad day: 10,000 signals an hour with a seeded truth. Each is accounted for, none true is lost, nobody is drowned.

Against the peers: `python -m benchmarks.alarm_replay`.
"""

import pytest
from sqlalchemy import select

from benchmarks.alarm_replay import AVERAGE_TARGET, PEAK_TARGET, Outcome, judge, replay, slots, told_us
from benchmarks.bad_day import SECOND_US, Day, at, make
from manara.alarms import actions, kinds
from manara.alarms.room import Rules
from manara.alarms.signals import Signal
from manara.alarms.tables import Alarm, AlarmEntry, AlarmSignal
from manara.base.clock import to_datetime
from manara.store.database import Database

CONSOLES = 3
HOURS = (8.0, 20.0)  # with every storm in it; the benchmark plays all 24
Played = tuple[Day, Outcome]


@pytest.fixture(scope="module")
def played() -> Played:
    """The day, once."""
    day = make(hours=HOURS)
    return day, replay(day, HOURS, CONSOLES)


def test_every_signal_is_accounted_for(played: Played) -> None:
    day, outcome = played
    assert len(day.signals) > 119_000
    assert judge(day, outcome, at(HOURS[1]))["unaccounted"] == 0
    for account in outcome.accounts.values():
        assert (account.alarm_id is None) == (account.disposition in ("fleeting", "waiting"))
        assert bool(account.by_id) == (account.disposition in ("grouped", "suppressed"))


def test_no_true_incident_is_lost(played: Played) -> None:
    day, outcome = played
    found = judge(day, outcome, at(HOURS[1]))
    assert len(day.incidents) > 50
    assert (found["lost"], found["told_after_their_time"]) == ([], [])
    assert len(found["still_held"]) <= 2  # type: ignore[arg-type]  # low ones of the last minutes
    for incident in day.incidents:
        if kinds.DEFAULTS[incident.kind].rank <= 1:  # critical and high never wait for calm
            assert (told_us(outcome, incident) or 0) - incident.start_us < 60 * SECOND_US, incident


def test_nobody_is_drowned(played: Played) -> None:
    _, outcome = played
    load = slots(((at_us, console) for at_us, console, _, _ in outcome.told), HOURS, CONSOLES)
    assert load["average"] <= AVERAGE_TARGET
    assert load["peak"] <= PEAK_TARGET


def test_the_technicians_window_hides_what_is_expected_and_nothing_else(played: Played) -> None:
    day, outcome = played
    covered = {id for id, account in outcome.accounts.items() if account.disposition == "suppressed"}
    assert {signal.site_id for _, signal in day.signals if signal.id in covered} == {"site077"}
    assert len(covered) >= 5


def test_the_judge_of_the_replay_can_say_lost() -> None:
    """What is thrown away must not pass: the same hour with every account emptied."""
    hours = (18.0, 18.3)
    day: Day = make(hours=hours)
    empty = Outcome()
    found = judge(day, empty, at(hours[1]))
    assert len(found["lost"]) == len(day.incidents) > 0  # type: ignore[arg-type]
    assert found["unaccounted"] == found["signals"]


def test_the_same_minutes_through_the_state_account_for_each_signal(database: Database) -> None:
    hours = (18.0, 18.03)
    day = make(hours=hours)
    rules = Rules()
    for second in range(0, 110, 10):
        from_us, until_us = at(18.0) + second * SECOND_US, at(18.0) + (second + 10) * SECOND_US
        batch: list[Signal] = [signal for at_us, signal in day.signals if from_us <= at_us < until_us]
        actions.take_signals(database, to_datetime(until_us), batch, rules)
        actions.tick(database, to_datetime(until_us), rules)
    ids = {signal.id for _, signal in day.signals}
    with database.read() as session:
        rows = {row.signal_id: row for row in session.scalars(select(AlarmSignal).where(AlarmSignal.member_id == ""))}
        alarms = {row.id: row for row in session.scalars(select(Alarm))}
        told = [entry.alarm_id for entry in session.scalars(select(AlarmEntry).where(AlarmEntry.annunciated))]
    assert rows.keys() == ids
    for row in rows.values():
        if row.disposition in ("waiting", "fleeting"):
            assert row.alarm_id is None
        else:
            assert row.alarm_id in alarms
        if row.disposition == "grouped":
            assert row.by_id in alarms
    assert told
    assert set(told) <= alarms.keys()
