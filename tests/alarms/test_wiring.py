"""From a cause to an alarm on the screens: also with a dead journal, after a restart, for the program's own faults."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from manara import alarm_wiring
from manara.access.roles import Role
from manara.access.who import Who
from manara.alarm_wiring import AlarmWiring
from manara.alarms import policy
from manara.alarms.room import SECOND_US
from manara.alarms.tables import Alarm, AlarmSignal, Suppression
from manara.base.clock import FakeClock, to_datetime
from manara.messages import CauseChanged, RoleRestarted
from manara.network import actions as network_actions
from manara.network.health.tables import CauseRow, ConditionRow
from manara.network.tables import Camera, GuardTour, Site
from manara.settings import Alarms
from manara.store.database import Database
from manara.store.journal import Stuck
from manara.store.journal_memory import MemoryJournal
from manara.store.secret import SecretBox
from manara.web.live import Hub, View
from manara.web.statuses import Statuses
from manara.wiring import Wiring
from tests.support.patience import LONG_S
from tests.web.world import NORTH, SOUTH, network

HEALTH = Who.system("health")


class Province:
    """Two sectors with a pole each, and health's hand in the state."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.clock = FakeClock()
        self.stuck: dict[str, Stuck] = {}
        network_actions.seed(
            database, SecretBox.from_file(folder / "key"), HEALTH, to_datetime(self.clock.wall_us()), **network()
        )
        with database.read() as session:
            self.sites = {row.code: row.id for row in session.scalars(select(Site))}
            self.cameras = {row.code: row.id for row in session.scalars(select(Camera))}
        self.control()

    def control(self) -> None:
        """(Re)start the control process' part."""
        self.hub = Hub(self.clock, {})
        self.wiring = AlarmWiring(self.database, self.clock, self.hub, Alarms(), stuck=self.stuck)
        with self.database.read() as session:
            for kind, values in self.wiring.read_all(session).items():
                self.hub.replace(kind, {value["id"]: value for value in values})

    def cause(self, id: str, kind: str, subject: str, *, closed: bool = False, **more: Any) -> None:
        """Health concludes, learns or ends a cause."""
        now_us = self.clock.wall_us()
        with self.database.act(HEALTH, to_datetime(now_us)) as act:
            row = act.session.get(CauseRow, id)
            if row is None:
                row = CauseRow(
                    id=id, kind=kind, key=subject, rule="test", subject=subject, opened_us=now_us, since_us=now_us
                )
                act.session.add(row)
            for name, value in more.items():
                setattr(row, name, value)
            row.changed_us, row.closed_us = now_us, now_us if closed else None
            act.audit("cause:change", subject=id)
            act.publish(CauseChanged(cause_id=id))

    async def pass_by(self, seconds: float) -> None:
        """Time passes; control reads causes and looks at the clock."""
        self.clock.advance(seconds)
        await self.wiring.judge()
        await self.wiring.tick()

    def shown(self) -> dict[str, str]:
        """The alarms on the screens: `kind subject` → state."""
        values = [self.hub.value("alarm", id) or {} for id in self.hub.ids("alarm")]
        return {f"{value['kind']} {value['subject']}": value["state"] for value in values}

    def seen_by(self, role: Role, sector: str) -> list[str]:
        """Kinds of alarms in the snapshot of somebody of one sector."""
        view = View.of(Who("p", "P", frozenset({role}), frozenset({sector})))
        return [alarm["kind"] for alarm in json.loads(self.hub.snapshot(view))["alarms"]]


@pytest.fixture
def province(database: Database, tmp_path: Path) -> Province:
    return Province(database, tmp_path)


def test_a_cause_is_on_the_screens_without_the_journal(province: Province) -> None:
    async def check() -> None:
        with province.database.act(HEALTH, to_datetime(province.clock.wall_us())) as act:
            act.session.add(
                ConditionRow(
                    id="q1", kind="video_lost", subject=f"camera:{province.cameras['n1']}", since_us=1, known_us=1
                )
            )
        province.cause(
            "c1",
            "camera_dead",
            f"camera:{province.cameras['n1']}",
            site_id=province.sites["SN"],
            sector_id=NORTH,
            camera_ids=[province.cameras["n1"]],
            condition_ids=["q1"],
            evidence=[{"at_us": 1, "subject": "x", "what": "video_lost", "value": None}],
        )
        await province.pass_by(1)
        await province.pass_by(2)
        assert list(province.shown().values()) == ["unacknowledged"]
        (id,) = province.hub.ids("alarm")
        alarm = province.hub.value("alarm", id) or {}
        assert (alarm["site_id"], alarm["sector_ids"], alarm["members_count"]) == (province.sites["SN"], [NORTH], 1)
        assert alarm["detail"]["rule"] == "test"
        province.cause("c1", "camera_dead", "x", closed=True)
        await province.pass_by(40)
        assert list(province.shown().values()) == ["returned_unacknowledged"]

    asyncio.run(check())


def test_each_sees_what_concerns_their_sector(province: Province) -> None:
    async def check() -> None:
        province.cause("c1", "camera_covered", "camera:a", sector_id=NORTH)
        province.cause("c2", "link_cut", "link:b", site_ids=list(province.sites.values()))
        province.cause("c3", "recorder_down", "recorder:r")
        await province.pass_by(10)
        assert province.seen_by(Role.OPERATOR, SOUTH) == ["link_cut"]
        assert sorted(province.seen_by(Role.OPERATOR, NORTH)) == ["camera_covered", "link_cut"]
        assert sorted(province.seen_by(Role.SUPERVISOR, SOUTH)) == ["link_cut", "recorder_down"]

    asyncio.run(check())


def test_a_restart_reconciles_with_the_causes_that_are_open(province: Province) -> None:
    async def check() -> None:
        for number in range(3):
            province.cause(f"c{number}", "link_cut", f"link:{number}")
        await province.pass_by(5)
        # control is dead; meanwhile one ends, one is forgotten by health, one begins, one comes and goes
        province.clock.advance(600)
        province.cause("c0", "link_cut", "link:0", closed=True)
        with province.database.act(HEALTH, to_datetime(province.clock.wall_us())) as act:
            act.session.delete(act.session.get_one(CauseRow, "c1"))
        province.cause("c3", "link_cut", "link:3")
        province.cause("c4", "link_cut", "link:4", since_us=province.clock.wall_us() - 300 * SECOND_US)
        province.cause("c4", "link_cut", "link:4", closed=True)
        province.clock.advance(100)
        province.control()
        await province.pass_by(5)
        await province.pass_by(70)
        assert province.shown() == {
            "link_cut link:0": "returned_unacknowledged",
            "link_cut link:1": "returned_unacknowledged",
            "link_cut link:2": "unacknowledged",
            "link_cut link:3": "unacknowledged",
            "link_cut link:4": "returned_unacknowledged",
        }

    asyncio.run(check())


def test_a_cause_committed_late_by_another_process_is_not_missed(province: Province) -> None:
    async def check() -> None:
        province.cause("early", "link_cut", "link:1")
        await province.pass_by(5)
        province.cause("late", "link_cut", "link:2", since_us=province.clock.wall_us() - 4 * SECOND_US)
        with province.database.act(HEALTH, to_datetime(province.clock.wall_us())) as act:
            act.session.get_one(CauseRow, "late").changed_us -= 5 * SECOND_US
        await province.pass_by(2)
        assert province.shown()["link_cut link:2"] == "unacknowledged"

    asyncio.run(check())


def test_more_causes_in_one_moment_than_are_read_at_once_are_all_taken(
    province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm_wiring, "BATCH", 3)

    async def check() -> None:
        province.cause("first", "link_cut", "link:0")
        await province.pass_by(1)
        for number in range(1, 10):
            province.cause(f"c{number}", "link_cut", f"link:{number}")
        for _ in range(4):
            await province.pass_by(1)
        with province.database.read() as session:
            taken = session.scalars(select(AlarmSignal.signal_id).where(AlarmSignal.member_id == "")).all()
        assert len(taken) == 10

    asyncio.run(check())


def test_a_signal_that_nobody_can_take_keeps_back_no_other(province: Province, monkeypatch: pytest.MonkeyPatch) -> None:
    take = policy.take

    def breaks(room: Any, signal: Any, now_us: int) -> bool:
        if signal.id == "bad":
            raise KeyError("a fault of ours")
        return take(room, signal, now_us)

    monkeypatch.setattr(policy, "take", breaks)

    async def check() -> None:
        province.cause("bad", "link_cut", "link:1")
        province.cause("good", "link_cut", "link:2")
        await province.pass_by(1)
        await province.pass_by(2)
        assert province.shown() == {"link_cut link:2": "unacknowledged"}
        assert province.wiring.failures > 0
        monkeypatch.setattr(policy, "take", take)
        await province.pass_by(1)
        await province.pass_by(2)
        assert "link_cut link:1" in province.shown()

    asyncio.run(check())


def test_a_clock_that_is_set_back_hides_no_cause(province: Province) -> None:
    async def check() -> None:
        province.cause("before", "link_cut", "link:1")
        await province.pass_by(5)
        province.clock.step_wall(-3600)
        province.cause("before", "link_cut", "link:1", closed=True)
        province.cause("told", "link_cut", "link:2")
        province.cause("untold", "link_cut", "link:3")
        await province.wiring.handlers[CauseChanged](CauseChanged(cause_id="told"))
        await province.pass_by(3)
        assert province.shown()["link_cut link:2"] == "unacknowledged"
        assert province.shown()["link_cut link:3"] == "unacknowledged"
        await province.pass_by(30)
        await province.pass_by(61)
        assert province.shown()["link_cut link:1"] == "returned_unacknowledged"

    asyncio.run(check())


def test_a_fact_that_nobody_can_handle_is_an_alarm_until_it_is_handled(province: Province) -> None:
    async def check() -> None:
        fact = CauseChanged(cause_id="x")
        province.stuck[fact.message_id] = Stuck("wiring", fact, RuntimeError("boom"), 5)
        await province.pass_by(2)
        assert province.shown() == {"handler_stuck role:control": "unacknowledged"}
        province.stuck.clear()
        await province.pass_by(2)
        await province.pass_by(40)
        assert province.shown() == {"handler_stuck role:control": "returned_unacknowledged"}

    asyncio.run(check())


def test_a_role_that_keeps_dying_is_an_alarm_and_one_restart_is_none(province: Province) -> None:
    async def check() -> None:
        tell: Callable[[RoleRestarted], Any] = province.wiring.handlers[RoleRestarted]
        once = RoleRestarted(role="vision-1", exit_code=1, restarts=1, at_us=province.clock.wall_us())
        for _ in range(3):  # told three times, happened once
            await tell(once)
        await province.pass_by(2)
        assert province.shown() == {}
        await tell(RoleRestarted(role="vision-1", exit_code=1, restarts=2, at_us=province.clock.wall_us()))
        await province.pass_by(2)
        assert province.shown() == {"role_restarting role:vision-1": "unacknowledged"}
        await province.pass_by(700)
        await province.pass_by(310)
        assert province.shown() == {"role_restarting role:vision-1": "returned_unacknowledged"}

    asyncio.run(check())


def test_a_camera_on_tour_turns_away_by_design(province: Province) -> None:
    async def check() -> None:
        camera_id = province.cameras["n2"]
        with province.database.act(HEALTH, to_datetime(province.clock.wall_us())) as act:
            act.session.add(GuardTour(id="t", camera_id=camera_id, name="", steps=[], running=True, changed_us=1))
        await province.pass_by(1)
        province.cause("c1", "camera_moved", f"camera:{camera_id}", camera_ids=[camera_id], sector_id=NORTH)
        await province.pass_by(10)
        assert province.shown() == {f"camera_moved camera:{camera_id}": "suppressed_by_design"}
        with province.database.act(HEALTH, to_datetime(province.clock.wall_us())) as act:
            act.session.get_one(GuardTour, "t").running = False
        await province.pass_by(2)
        await province.pass_by(2)
        assert province.shown() == {f"camera_moved camera:{camera_id}": "unacknowledged"}
        with province.database.read() as session:
            assert [row.state for row in session.scalars(select(Suppression))] == ["ended"]

    asyncio.run(check())


def test_what_was_closed_an_hour_ago_leaves_the_screens(province: Province) -> None:
    async def check() -> None:
        province.cause("c1", "link_cut", "link:1")
        await province.pass_by(5)
        with province.database.act(HEALTH, to_datetime(province.clock.wall_us())) as act:
            row = act.session.scalars(select(Alarm)).one()
            row.state, row.closed_us = "normal", province.clock.wall_us()
            act.session.get_one(CauseRow, "c1").closed_us = province.clock.wall_us()
        await province.pass_by(600)
        assert len(province.hub.ids("alarm")) == 1
        await province.pass_by(3100)
        assert province.hub.ids("alarm") == []

    asyncio.run(check())


def test_the_whole_wiring_shows_alarms_kinds_and_suppressions(database: Database, tmp_path: Path) -> None:
    province = Province(database, tmp_path)
    province.cause("c1", "recorder_disk_failed", "disk:r|/d")

    async def check() -> None:
        hub = Hub(province.clock, {})
        wiring = Wiring(database, MemoryJournal(), province.clock, hub, Statuses(hub, province.clock))
        await wiring.start()
        try:
            async with asyncio.timeout(LONG_S):
                while not hub.ids("alarm"):
                    await asyncio.sleep(0.02)
        finally:
            await wiring.stop()
        assert len(hub.ids("alarm_kind")) == 34
        with database.read() as session:
            assert session.scalars(select(AlarmSignal)).one().disposition == "annunciated"

    asyncio.run(check())
