"""Who sits where, where alarms go, and what a hand-over carries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from manara.access.roles import Role
from manara.alarms import actions, duty, duty_actions
from manara.alarms.duty_tables import Shift
from manara.alarms.tables import Alarm, AlarmEntry
from manara.base.errors import Conflict, Forbidden, InvalidInput, NotFound
from manara.store.audit import AuditEntry
from tests.alarms.duty_world import NORTH, PROGRAM, RULES, SOUTH, DutyWorld, names_of, person

ALI = person("ali", Role.OPERATOR)
SARA = person("sara", Role.OPERATOR)
HUDA = person("huda", Role.SUPERVISOR)
NOUR = person("nour", Role.OPERATOR, sectors=[NORTH])


def _alarm(room: DutyWorld, alarm_id: str) -> Alarm:
    with room.database.read() as session:
        return session.get_one(Alarm, alarm_id)


# ---- the pure rule

SEATS = st.lists(
    st.builds(
        duty.Seat,
        console_id=st.integers(0, 9).map(str),
        code=st.text("ab", max_size=2),
        role=st.sampled_from(duty.ROLES),
        sector_ids=st.none() | st.frozensets(st.sampled_from("xyz"), max_size=3),
        skills=st.none() | st.frozensets(st.sampled_from(["power", "network"]), max_size=2),
    ),
    max_size=6,
    unique_by=lambda seat: seat.console_id,
)


@given(
    seats=SEATS,
    sector=st.none() | st.sampled_from("xyz"),
    skill=st.sampled_from(["", "power", "network"]),
    present=st.none() | st.integers(0, 9).map(str),
    load=st.dictionaries(st.integers(0, 9).map(str), st.integers(0, 50)),
)
def test_an_alarm_goes_where_it_is_covered_or_to_the_supervisor(
    seats: list[duty.Seat], sector: str | None, skill: str, present: str | None, load: dict[str, int]
) -> None:
    found = duty.place(seats, sector, skill, present, load)
    able = [seat for seat in seats if duty.covers(seat, sector, skill)]
    operators = [seat for seat in able if seat.role == "operator"]
    assert found.covered == bool(operators)
    if operators:
        assert found.console_id in {seat.console_id for seat in operators}
        if present in {seat.console_id for seat in operators}:
            assert found.console_id == present  # nothing jumps
    else:
        assert found.owner_role == "supervisor"
        assert found.console_id in {None, *(seat.console_id for seat in able if seat.role == "supervisor")}
    again = duty.place(seats, sector, skill, found.console_id, load)
    assert again == found


def test_the_console_made_for_it_comes_first() -> None:
    everything = duty.Seat("all", "A", "operator", None, None)
    north = duty.Seat("north", "B", "operator", frozenset({NORTH}), None)
    power = duty.Seat("power", "C", "operator", frozenset({NORTH}), frozenset({"power"}))
    assert duty.place([everything, north, power], NORTH, "power", None, {}).console_id == "power"
    assert duty.place([everything, north, power], NORTH, "network", None, {}).console_id == "north"
    assert duty.place([everything, north, power], None, "", None, {}).console_id == "all"


# ---- consoles


def test_every_fault_of_a_console_is_named(room: DutyWorld) -> None:
    with pytest.raises(InvalidInput) as caught:
        room.console("", role="king", skills=["cooking"], sector_ids="north", colour="red")
    assert {fault.field for fault in caught.value.fields} == {"code", "role", "skills", "sector_ids", "colour"}


def test_a_first_console_is_made_once(room: DutyWorld) -> None:
    duty_actions.ensure_console(room.database, room.at)
    duty_actions.ensure_console(room.database, room.at)
    with room.database.read() as session:
        assert len(duty_actions.consoles(session)) == 1


def test_a_manned_console_is_not_taken_out_of_use(room: DutyWorld) -> None:
    console = room.console("C1")
    room.sit(console, ALI)
    with pytest.raises(Conflict, match="Somebody sits"):
        duty_actions.change_console(room.database, PROGRAM, room.at, console, {"enabled": False})


# ---- shifts


def test_one_person_sits_at_a_console(room: DutyWorld) -> None:
    console = room.console("C1")
    room.sit(console, ALI)
    with pytest.raises(Conflict, match="Ali sits at this console"):
        room.sit(console, SARA)
    with pytest.raises(Conflict):
        room.sit(console, HUDA)  # not even a supervisor, before it is handed over


def test_who_would_be_sent_what_they_may_not_see_does_not_sit_there(room: DutyWorld) -> None:
    everything, north = room.console("ALL"), room.console("N", sector_ids=[NORTH])
    with pytest.raises(Forbidden):
        room.sit(everything, NOUR)
    room.sit(north, NOUR)
    with pytest.raises(Forbidden):
        room.sit(room.console("SUP", role="supervisor"), ALI)


def test_a_hand_over_carries_what_is_open_and_closes_the_log(room: DutyWorld) -> None:
    room.account(SARA)
    console = room.console("C1")
    shift_id = room.sit(console, ALI)
    opened = room.raise_alarm("camera_covered", "camera:c9")
    shelved = room.raise_alarm("link_cut", "link:l1")
    actions.shelve(
        room.database,
        ALI,
        room.at,
        shelved,
        {"reason": "being spliced", "until_us": room.clock.wall_us() + 3600_000_000},
        RULES,
    )
    duty_actions.write_entry(room.database, ALI, room.at, shift_id, "الفريق في الطريق")
    room.clock.advance(60)
    handed = duty_actions.hand_over(
        room.database, ALI, room.at, shift_id, {"note": "كل شيء هادئ", "to_account_id": "sara"}, names_of
    )
    assert [alarm["id"] for alarm in handed["carried"]["open"]] == [opened]
    assert [alarm["id"] for alarm in handed["carried"]["shelved"]] == [shelved]
    assert "C9" in handed["carried"]["open"][0]["title_ar"]
    assert handed["carried"]["annunciated"] == 2
    assert handed["ended_us"] is None  # until Sara takes it
    with pytest.raises(Conflict, match="log is closed"):
        duty_actions.write_entry(room.database, ALI, room.at, shift_id, "one more")
    with pytest.raises(Conflict, match="handed over to Sara"):
        room.sit(console, person("omar", Role.OPERATOR))
    taken = room.sit(console, SARA)
    with room.database.read() as session:
        now = duty_actions.shift(session, taken)
        before = duty_actions.shift(session, shift_id)
        audited = session.scalars(select(AuditEntry).where(AuditEntry.action == "shift:hand_over")).one()
        assert duty_actions.log_hash(session, session.get_one(Shift, shift_id)) == before["carried_sha256"]
    assert now["previous_id"] == shift_id
    assert before["ended_us"] == room.clock.wall_us()
    assert before["carried_sha256"] in audited.detail


def test_a_closed_log_cannot_be_changed_in_the_database(room: DutyWorld) -> None:
    shift_id = room.sit(room.console("C1"), ALI)
    duty_actions.write_entry(room.database, ALI, room.at, shift_id, "first")
    duty_actions.hand_over(room.database, ALI, room.at, shift_id, {"note": "home"}, names_of)
    statements = (
        update(Shift).values(note="other"),
        text("UPDATE shift_entry SET text = 'other'"),
        text("DELETE FROM shift_entry"),
    )
    for statement in statements:
        with pytest.raises(DBAPIError), room.database.engine.begin() as connection:
            connection.execute(statement)


def test_a_hand_over_without_a_note_or_to_nobody_is_refused(room: DutyWorld) -> None:
    shift_id = room.sit(room.console("C1"), ALI)
    for values, field in (({"note": ""}, "note"), ({"note": "ok then", "to_account_id": "ghost"}, "to_account_id")):
        with pytest.raises(InvalidInput) as caught:
            duty_actions.hand_over(room.database, ALI, room.at, shift_id, values, names_of)
        assert caught.value.fields[0].field == field
    with pytest.raises(Forbidden):
        duty_actions.hand_over(room.database, SARA, room.at, shift_id, {"note": "not mine"}, names_of)
    duty_actions.hand_over(room.database, HUDA, room.at, shift_id, {"note": "Ali fell ill"}, names_of)


def test_a_log_is_read_within_own_sectors(room: DutyWorld) -> None:
    south = room.sit(room.console("S", sector_ids=[SOUTH]), ALI)
    with room.database.read() as session, pytest.raises(NotFound):
        duty_actions.shift(session, south, NOUR)


# ---- placing


def test_alarms_are_placed_as_people_sit_and_leave(room: DutyWorld) -> None:
    north, south = room.console("N", sector_ids=[NORTH]), room.console("S", sector_ids=[SOUTH])
    shift_id = room.sit(north, ALI)
    mine = room.raise_alarm("camera_covered", sector_id=NORTH)
    nobodys = room.raise_alarm("camera_covered", sector_id=SOUTH)
    assert _alarm(room, mine).console_id == north
    assert _alarm(room, nobodys).console_id is None
    assert room.tick() == 1  # it goes to the supervisor, and says so
    assert _alarm(room, nobodys).owner_role == "supervisor"
    assert room.tick() == 0
    room.sit(south, SARA)
    assert room.tick() == 1
    assert (_alarm(room, nobodys).console_id, _alarm(room, nobodys).owner_role) == (south, "operator")
    duty_actions.hand_over(room.database, ALI, room.at, shift_id, {"note": "end"}, names_of)
    assert room.tick() == 1
    assert _alarm(room, mine).console_id is None
    supervisor = room.console("SUP", role="supervisor")
    room.sit(supervisor, HUDA)
    room.tick()
    assert _alarm(room, mine).console_id == supervisor
    with room.database.read() as session:
        lines = session.scalars(
            select(AlarmEntry)
            .where(AlarmEntry.alarm_id == mine, AlarmEntry.what == "routed")
            .order_by(AlarmEntry.number)
        ).all()
    assert [line.detail["covered"] for line in lines] == [False, False]
