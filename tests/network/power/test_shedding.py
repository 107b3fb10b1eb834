"""Shedding: when a step begins and ends, what it does to cameras; committed, undone, and carried into the cameras."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from manara.access.who import Who
from manara.base.clock import Clock, FakeClock, to_datetime, to_us
from manara.base.errors import InvalidInput, Unavailable
from manara.messages import CameraChanged, SheddingChanged, decode
from manara.network import actions
from manara.network.infrastructure.tables import ShedPolicy
from manara.network.power import shed_clock, shedding_actions
from manara.network.power.shed_rates import FIRST_WAIT_S, ShedRates
from manara.network.power.shedding import DEFAULT_STEPS, REST_S, Effect, PowerNow, decide, effect, policy_of
from manara.store import outbox
from manara.store.audit import AuditEntry
from manara.store.base import Base
from manara.store.database import Database
from manara.store.secret import SecretBox

POLICY = policy_of(DEFAULT_STEPS, 1.0, 5.0, enabled=True)  # 10 h or 60 %, 6 h or 40 %, 3 h or 20 %
AT = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
WHO = Who.system("test")


def on_battery(hours: float | None, soc: float | None) -> PowerNow:
    return PowerNow(False, hours, soc)


@pytest.mark.parametrize(
    ("now", "step"),
    [
        (on_battery(20, 90), 0),
        (on_battery(9.9, 90), 1),
        (on_battery(20, 59), 1),
        (on_battery(5, 50), 2),
        (on_battery(None, 19), 3),
        (PowerNow(None, 2.0, None), 3),
        (PowerNow(True, 2.0, 10.0), 0),
    ],
)
def test_the_step_that_power_asks_for(now: PowerNow, step: int) -> None:
    assert decide(POLICY, 0, now) == step


def test_what_is_not_known_changes_nothing() -> None:
    assert decide(POLICY, 2, PowerNow(None)) == 2
    assert decide(replace(POLICY, enabled=False), 2, PowerNow(None)) == 0


def test_a_step_does_not_end_itself_by_lengthening_the_hours() -> None:
    # half the load, twice the hours: the battery still empties, so the step stays
    assert decide(POLICY, 2, on_battery(12, 45), since_s=7200, soc_at_step_pct=50) == 2
    # charged by the sun meanwhile, and clear of the threshold
    assert decide(POLICY, 2, on_battery(12, 66), since_s=7200, soc_at_step_pct=50) == 0
    # charged, but within the hysteresis of the first step
    assert decide(POLICY, 2, on_battery(10.5, 62), since_s=7200, soc_at_step_pct=50) == 1


def test_a_grid_that_comes_and_goes_restarts_no_cameras() -> None:
    back = PowerNow(True, 30, 30)
    assert decide(POLICY, 2, back, since_s=REST_S - 1) == 2
    assert decide(POLICY, 2, back, since_s=REST_S) == 0


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=60), st.floats(-2, 2))
def test_while_a_battery_empties_steps_only_rise(falls: list[float], noise: float) -> None:
    soc, step, since_s, at_step = 100.0, 0, 0.0, 100.0
    for index, fall in enumerate(falls):
        soc = max(0.0, soc - fall * 5)
        told = min(100.0, max(0.0, soc + (noise if index % 2 else -noise)))
        new = decide(POLICY, step, on_battery(told / 5, told), since_s=since_s, soc_at_step_pct=at_step)
        assert new >= step
        since_s = 0.0 if new != step else since_s + 900
        if new != step:
            step, at_step = new, told
    assert decide(POLICY, step, PowerNow(True, 50, 90), since_s=REST_S) == 0


def test_what_a_step_does_to_a_camera() -> None:
    assert effect(POLICY.steps, 0) == Effect()
    assert effect(POLICY.steps, 1).shed(0, True) == "half_rate"
    assert effect(POLICY.steps, 2).shed(0, True) == "sub"
    assert effect(POLICY.steps, 2).shed(0, False) == "half_rate"  # there is no sub stream to record instead
    assert effect(POLICY.steps, 3).shed(0, True) == "off"
    assert effect(POLICY.steps, 3).shed(1, True) == "sub"


class World:
    """A site with a camera that matters and one that does not."""

    def __init__(self, database: Database, box: SecretBox) -> None:
        self.database, self.box, self.clock = database, box, FakeClock(to_us(AT))
        site = actions.add_site(database, WHO, AT, {"code": "P1", "lat": 31, "lon": 46})
        self.site_id = site["id"]
        self.ids = {}
        for code, priority in (("A", 5), ("B", 0)):
            values = {"code": code, "site_id": self.site_id, "priority": priority, "main_url": f"rtsp://h/{code}"}
            values |= {"sub_url": f"rtsp://h/{code}/sub", "onvif_url": f"http://h/{code}", "password": "p"}
            self.ids[code] = actions.add_camera(database, box, WHO, AT, values)["id"]
        shedding_actions.set_policy(database, WHO, AT, self.site_id, {})

    @property
    def at(self) -> datetime:
        return to_datetime(self.clock.wall_us())

    def power(self, now: PowerNow, later_s: float = 0.0) -> int:
        self.clock.advance(later_s)
        shedding_actions.consider(self.database, self.at, {self.site_id: now, "nobody": now})
        return self.row().step

    def row(self) -> ShedPolicy:
        with self.database.read() as session:
            row = session.get(ShedPolicy, self.site_id)
            assert row is not None
            return row

    def shed(self) -> dict[str, str]:
        with self.database.read() as session:
            found = shedding_actions.shed_cameras(session)
        return {code: found[id] for code, id in self.ids.items() if id in found}


@pytest.fixture
def world(tmp_path: Any) -> Any:
    database = Database(f"sqlite:///{tmp_path / 'state.sqlite'}")
    Base.metadata.create_all(database.engine)
    yield World(database, SecretBox(b"k" * 32))
    database.close()


def test_a_night_on_the_battery_is_audited_and_undone(world: World) -> None:
    assert world.power(on_battery(20, 95)) == 0
    assert world.power(on_battery(9, 55), 3600) == 1
    assert world.shed() == {"A": "half_rate", "B": "half_rate"}
    assert world.power(on_battery(2, 15), 3600) == 3
    assert world.shed() == {"A": "sub", "B": "off"}
    assert world.row().step_by == "shedding"
    assert world.power(PowerNow(True, 20, 20), 60) == 3
    assert world.power(PowerNow(True, 20, 30), REST_S) == 0
    assert world.shed() == {}
    with world.database.read() as session:
        steps = session.scalars(select(AuditEntry.detail).where(AuditEntry.action == "shedding:step")).all()
        facts = [decode(row.payload.encode()) for row in outbox.pending(session, 500)]
    assert len(steps) == 3
    told = [fact.step for fact in facts if isinstance(fact, SheddingChanged)]
    assert told[-3:] == [1, 3, 0]
    assert sum(isinstance(fact, CameraChanged) for fact in facts) >= 2 + 3 * 2


def test_many_sites_get_the_default_policy_in_one_act_and_keep_their_own(world: World) -> None:
    more = [actions.add_site(world.database, WHO, AT, {"code": f"Q{n}", "lat": 31, "lon": 46})["id"] for n in range(3)]
    shedding_actions.set_policy(world.database, WHO, AT, more[0], {"hysteresis_h": 3})
    assert shedding_actions.seed_policies(world.database, WHO, AT, [world.site_id, *more]) == 2
    assert shedding_actions.seed_policies(world.database, WHO, AT, more) == 0
    with world.database.read() as session:
        policies = [shedding_actions.policy(session, site_id) for site_id in more]
    assert [policy and policy["hysteresis_h"] for policy in policies] == [3, 1, 1]
    assert policies[2] is not None
    assert policies[2]["steps"] == list(DEFAULT_STEPS)


def test_what_a_person_chose_stays_until_the_grid_has_been_back(world: World) -> None:
    shedding_actions.set_step(world.database, WHO, world.at, world.site_id, 1)
    assert world.power(on_battery(1, 5), 3600) == 1
    assert world.power(PowerNow(True), 60) == 0  # an hour has passed since, and the grid is there
    shedding_actions.set_step(world.database, WHO, world.at, world.site_id, 2)
    assert world.power(PowerNow(True), 1800) == 2
    shedding_actions.set_step(world.database, WHO, world.at, world.site_id, None)
    assert world.power(PowerNow(True), 1) == 0
    with pytest.raises(InvalidInput):
        shedding_actions.set_step(world.database, WHO, world.at, world.site_id, 4)


def test_a_policy_that_is_switched_off_sheds_nothing_and_a_site_at_rest_can_go(world: World) -> None:
    assert world.power(on_battery(2, 15)) == 3
    shedding_actions.set_policy(world.database, WHO, world.at, world.site_id, {"enabled": False})
    assert world.row().step == 0
    for id in world.ids.values():
        actions.remove_camera(world.database, WHO, AT, id)
    actions.remove_site(world.database, WHO, AT, world.site_id)


class Facts:
    def __init__(self, at_us: int, **values: float) -> None:
        self.values = {name: (value, at_us) for name, value in values.items()}

    def value(self, subject: str, quantity: str) -> tuple[float, int] | None:
        assert subject == "site:P"
        return self.values.get(quantity)


def test_old_readings_are_not_known() -> None:
    now_us = to_us(AT)
    fresh = Facts(now_us, grid_present=0, state_of_charge_pct=44)
    forecast = {"at_us": now_us, "hours_left": 7.5}
    assert shed_clock.power_now(fresh, forecast, "P", now_us) == PowerNow(False, 7.5, 44)
    assert shed_clock.power_now(fresh, None, "P", now_us) == PowerNow(False, None, 44)
    assert shed_clock.power_now(fresh, forecast, "P", now_us + 3_600_000_000) == PowerNow(None)


class Cameras:
    """Encoders that remember, of which some do not answer."""

    def __init__(self) -> None:
        self.rates: dict[str, dict[str, float]] = {}
        self.away: set[str] = set()
        self.forgets: set[str] = set()

    def connect(self, url: str, username: str, password: str, clock: Clock) -> "Encoders":
        assert password == "p"
        return Encoders(self, url)


class Encoders:
    def __init__(self, cameras: Cameras, url: str) -> None:
        self.cameras, self.url = cameras, url

    def frame_rates(self) -> dict[str, float]:
        if self.url in self.cameras.away:
            raise Unavailable("no answer", code="onvif_unreachable")
        return dict(self.cameras.rates.setdefault(self.url, {"main": 25.0, "sub": 10.0, "still": 1.0}))

    def set_frame_rates(self, rates_hz: Mapping[str, float]) -> None:
        if self.url in self.cameras.away:
            raise Unavailable("no answer", code="onvif_unreachable")
        self.cameras.rates.setdefault(self.url, {}).update(rates_hz)

    def close(self) -> None:
        return None


def test_frame_rates_are_lowered_and_restored_whatever_happens_between(world: World) -> None:
    cameras = Cameras()
    rates = ShedRates(world.database, world.box, world.clock, cameras.connect)
    assert rates.work() == 0
    cameras.away.add("http://h/B")
    world.power(on_battery(9, 55))
    assert rates.work() == 1
    assert cameras.rates["http://h/A"] == {"main": 12.5, "sub": 5.0, "still": 1.0}
    assert rates.failures()[world.ids["B"]] == {"times": 1, "why": "onvif_unreachable"}
    assert rates.work() == 0  # B is asked again only after a wait
    cameras.away.clear()
    world.clock.advance(FIRST_WAIT_S + 1)
    assert rates.work() == 1
    assert rates.failures() == {}
    assert rates.work() == 0
    # control is killed; a new one makes sure once, and does not take the lowered rate for the camera's own
    rates = ShedRates(world.database, world.box, world.clock, cameras.connect)
    assert rates.work() == 2
    assert cameras.rates["http://h/A"]["main"] == 12.5
    cameras.away.add("http://h/A")
    assert world.power(PowerNow(True), REST_S) == 0
    assert rates.work() == 1
    assert sorted(world.row().frame_rates) == [world.ids["A"]]
    cameras.away.clear()
    world.clock.advance(timedelta(hours=1).total_seconds())
    assert rates.work() == 1
    assert cameras.rates == {key: {"main": 25.0, "sub": 10.0, "still": 1.0} for key in ("http://h/A", "http://h/B")}
    assert world.row().frame_rates == {}
