"""Several who write the same alarm at once, on every engine: nothing that one of them did is lost or contradicted."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from manara.access.roles import Role
from manara.alarms import actions, duty_clock
from manara.alarms.tables import Alarm, AlarmEntry
from manara.store.database import Database
from tests.alarms.duty_world import RULES, DutyWorld, person

ALI = person("ali", Role.OPERATOR)
ALARMS = 4


@pytest.fixture
def room(any_database: Database) -> DutyWorld:
    return DutyWorld(any_database)


def _lives(room: DutyWorld) -> dict[str, list[str]]:
    with room.database.read() as session:
        rows = session.execute(select(AlarmEntry.alarm_id, AlarmEntry.what).order_by(AlarmEntry.number))
        lives: dict[str, list[str]] = {}
        for alarm_id, what in rows:
            lives.setdefault(alarm_id, []).append(what)
    return lives


def test_nobody_is_called_for_an_alarm_that_somebody_took_in_the_same_moment(
    room: DutyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarm_id = room.raise_alarm("camera_loop")
    room.clock.advance(1000)
    planned, plan = threading.Event(), duty_clock._plan
    acknowledging = threading.Thread(target=lambda: room.acknowledge(alarm_id, ALI))
    calls: list[Any] = []

    def slowly(*arguments: Any) -> Any:
        made = plan(*arguments)
        calls.append(made)
        if len(calls) == 2:  # within the act: what it does follows from what it has just read
            acknowledging.start()
            planned.wait(0.3)  # long enough for the other, were it let in
        return made

    monkeypatch.setattr(duty_clock, "_plan", slowly)
    assert room.tick() == 1
    acknowledging.join()
    life = _lives(room)[alarm_id]
    assert "escalated" in life
    assert "escalated" not in life[life.index("acknowledged") :]


def test_answers_orders_steps_and_the_clock_at_once_lose_nothing(room: DutyWorld) -> None:
    ids = [room.raise_alarm("camera_loop", f"camera:c{number}") for number in range(ALARMS)]
    room.clock.advance(1000)
    faults: list[BaseException] = []
    together = threading.Barrier(4)

    def answer() -> None:
        for alarm_id in ids:
            room.acknowledge(alarm_id, ALI)

    def order() -> None:
        for number, alarm_id in enumerate(ids):
            with room.database.act(ALI, room.at) as act:
                actions.note_work_order(act, alarm_id, f"w{number}")
                act.audit("work_order:raise")

    def keep_time() -> None:
        for _ in range(ALARMS):
            actions.tick(room.database, room.at, RULES)
            actions.reconsider(room.database, room.at, RULES)

    def escalate() -> None:
        for _ in range(ALARMS):
            room.tick()

    def run(work: Callable[[], None]) -> None:
        together.wait()
        try:
            work()
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in (answer, order, keep_time, escalate)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with room.database.read() as session:
        rows = session.scalars(select(Alarm).order_by(Alarm.id)).all()
    assert {row.id: row.work_order_id for row in rows if row.id in ids} == {
        alarm_id: f"w{number}" for number, alarm_id in enumerate(ids)
    }
    assert {row.acknowledged_by for row in rows if row.id in ids} == {ALI.account_id}
    for row in rows:
        life = _lives(room)[row.id]
        assert life.count("acknowledged") == 1
        assert life.count("escalated") == row.escalated
        assert "escalated" not in life[life.index("acknowledged") :]
