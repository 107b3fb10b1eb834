"""Unacknowledged alarms climb by clock, once a step, whatever is restarted."""

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from manara.access.roles import Role
from manara.alarms import escalation
from manara.alarms.duty_clock import Duty
from manara.alarms.escalation import Waiting
from manara.alarms.tables import Alarm, AlarmEntry
from manara.store.audit import AuditEntry
from tests.alarms.duty_world import DutyWorld, person

ALI = person("ali", Role.OPERATOR)
RESPOND_S = 180  # of camera_loop, critical


def _steps(room: DutyWorld, alarm_id: str) -> list[int]:
    with room.database.read() as session:
        rows = session.scalars(
            select(AlarmEntry)
            .where(AlarmEntry.alarm_id == alarm_id, AlarmEntry.what == "escalated")
            .order_by(AlarmEntry.number)
        ).all()
        audited = session.scalars(select(AuditEntry).where(AuditEntry.action == "alarm:escalate")).all()
        assert len(audited) == len(rows)
        assert session.get_one(Alarm, alarm_id).escalated == len(rows)
    return [row.detail["step"] for row in rows]


@given(
    respond_s=st.floats(1, 100_000),
    waited_s=st.lists(st.floats(0, 50_000), min_size=1, max_size=20),
)
def test_each_step_comes_once_in_order_and_never_early(respond_s: float, waited_s: list[float]) -> None:
    annunciated_us, now_us, escalated = 1_000_000, 1_000_000, 0
    taken = []
    for wait_s in waited_s:
        now_us += round(wait_s * 1_000_000)
        for step in escalation.due(Waiting("unacknowledged", annunciated_us, respond_s, escalated), now_us):
            assert step.due_us <= now_us
            escalated = step.number
            taken.append(step.number)
    assert taken == list(range(1, len(taken) + 1))
    assert len(taken) <= escalation.LAST_STEP
    following = escalation.next_us(Waiting("unacknowledged", annunciated_us, respond_s, escalated))
    assert following is None or following > now_us


def test_nobody_is_disturbed_for_what_somebody_has() -> None:
    for state in (
        "acknowledged",
        "returned_unacknowledged",
        "shelved",
        "suppressed_by_design",
        "out_of_service",
        "normal",
    ):
        assert escalation.due(Waiting(state, 0, 1, 0), 10**15) == []
    assert escalation.due(Waiting("unacknowledged", None, 1, 0), 10**15) == []
    assert escalation.due(Waiting("unacknowledged", 0, 1, 0, grouped=True), 10**15) == []


def test_an_alarm_climbs_to_the_commander_and_no_further(room: DutyWorld) -> None:
    room.sit(room.console("C1"), ALI)
    alarm_id = room.raise_alarm("camera_loop")
    room.clock.advance(RESPOND_S - 1)
    room.tick()
    assert _steps(room, alarm_id) == []
    room.clock.advance(1)
    room.tick()
    room.tick()
    assert _steps(room, alarm_id) == [1]
    room.clock.advance(RESPOND_S)
    room.duty = Duty(room.database)  # control was restarted: it neither forgets nor doubles
    room.tick()
    assert _steps(room, alarm_id) == [1, 2]
    room.clock.advance(100_000)
    room.tick()
    assert _steps(room, alarm_id) == [1, 2]


def test_steps_that_fell_due_while_control_was_away_are_all_taken(room: DutyWorld) -> None:
    alarm_id = room.raise_alarm("camera_loop")
    room.clock.advance(50_000)
    Duty(room.database).tick(room.at)
    assert _steps(room, alarm_id) == [1, 2]


def test_an_acknowledged_alarm_stays_where_it_is(room: DutyWorld) -> None:
    room.sit(room.console("C1"), ALI)
    alarm_id = room.raise_alarm("camera_loop")
    room.acknowledge(alarm_id, ALI)
    room.clock.advance(50_000)
    assert room.tick() == 0
    assert _steps(room, alarm_id) == []
