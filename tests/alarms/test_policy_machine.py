"""Signals, clock and hands in any order: no signal without an account, nothing active that nobody was told of."""

from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from manara.alarms import hands, policy
from manara.alarms.life import NotAllowed, State
from manara.alarms.room import SECOND_US, Covering, OpenAlarm, Room
from manara.alarms.signals import Signal
from tests.alarms.rig import OPERATOR, START_US

KINDS = (
    "camera_dead",
    "site_power_lost",
    "grid_lost",
    "link_cut",
    "battery_stolen",
    "camera_stream_poor",
    "switch_dead",
)
SITES = ("s0", "s1", "s2", "s3")


class Shift(RuleBasedStateMachine):
    """A shift in a small province."""

    def __init__(self) -> None:
        super().__init__()
        number = count()
        self.room = Room(make_id=lambda: f"a{next(number):05}")
        self.now_us = START_US
        self.version = 0
        self.active: dict[str, bool] = {}
        self.since: dict[str, int] = {}
        self.closed: list[OpenAlarm] = []
        self.windows = 0

    def _after(self) -> None:
        self.closed += self.room.closed.values()
        self.room.closed.clear()
        self.room.entries.clear()

    def _tell(self, kind: str, site: str, active: bool, absorbed_into: str = "") -> None:
        id = f"{kind}@{site}"
        self.version += 1
        if active and not self.active.get(id):
            self.since[id] = self.now_us
        signal = Signal(
            id=id,
            version=self.version,
            kind=kind,
            subject=f"site:{site}",
            active=active,
            since_us=self.since.get(id, self.now_us),
            ended_us=None if active else self.now_us,
            site_id=site,
            sector_id="n",
            sector_ids=["n"],
            absorbed_into=absorbed_into,
        )
        assert policy.take(self.room, signal, self.now_us)
        assert not policy.take(self.room, signal, self.now_us)
        self.active[id] = active
        self._after()

    @rule(kind=st.sampled_from(KINDS), site=st.sampled_from(SITES))
    def begins(self, kind: str, site: str) -> None:
        self._tell(kind, site, True)

    @rule(kind=st.sampled_from(KINDS), site=st.sampled_from(SITES))
    def ends(self, kind: str, site: str) -> None:
        self._tell(kind, site, False)

    @rule(site=st.sampled_from(SITES))
    def absorbed(self, site: str) -> None:
        self._tell("camera_dead", site, False, f"site_power_lost@{site}")

    @rule(seconds=st.sampled_from([1, 3, 15, 70, 400, 1000]))
    def time_passes(self, seconds: int) -> None:
        self.now_us += seconds * SECOND_US
        policy.tick(self.room, self.now_us)
        self._after()

    @rule(site=st.sampled_from(SITES), seconds=st.integers(10, 900))
    def a_window_opens(self, site: str, seconds: int) -> None:
        self.windows += 1
        id = f"w{self.windows}"
        self.room.coverings[id] = Covering(
            id, "work", self.now_us, self.now_us + seconds * SECOND_US, frozenset({site})
        )

    @rule(data=st.data(), deed=st.sampled_from(["acknowledge", "shelve", "unshelve", "take_out", "put_in", "reset"]))
    def a_person_acts(self, data: st.DataObject, deed: str) -> None:
        if not self.room.alarms:
            return
        alarm = self.room.alarms[data.draw(st.sampled_from(sorted(self.room.alarms)))]
        try:
            match deed:
                case "shelve":
                    until_us = self.now_us + 300 * SECOND_US
                    hands.shelve(self.room, alarm, OPERATOR, "known", until_us, self.now_us)
                case "take_out":
                    hands.take_out(self.room, alarm, OPERATOR, "rebuilt", self.now_us)
                case _:
                    getattr(hands, deed)(self.room, alarm, OPERATOR, self.now_us)
        except NotAllowed:
            return
        finally:
            self._after()

    @invariant()
    def every_signal_is_accounted_for(self) -> None:
        assert self.active.keys() <= self.room.accounts.keys()

    @invariant()
    def whatever_is_active_waits_or_is_in_an_active_alarm(self) -> None:
        for id, active in self.active.items():
            if active and id not in self.room.waiting:
                alarm = self.room.of_signal(id)
                assert alarm is not None, id
                assert alarm.life.active, id

    @invariant()
    def whatever_asks_was_told_or_stands_in_the_flood_list(self) -> None:
        for alarm in self.room.alarms.values():
            if alarm.group_id is None and alarm.life.state is State.UNACKNOWLEDGED:
                assert alarm.annunciated_us is not None or alarm.flooded, alarm

    @invariant()
    def groups_hold_together(self) -> None:
        for alarm in self.room.alarms.values():
            if alarm.group_id is not None and alarm.released_us is None:
                assert alarm.group_id in self.room.alarms, alarm
            if alarm.is_group and alarm.group_scope != "kind":
                members = self.room.children(alarm.id)
                assert alarm.life.active == any(member.life.active for member in members), alarm
                assert alarm.group_id is None

    @invariant()
    def what_is_closed_was_normal_and_what_is_open_is_not(self) -> None:
        assert all(alarm.life.state is State.NORMAL and alarm.closed_us is not None for alarm in self.closed)
        assert all(alarm.life.state is not State.NORMAL for alarm in self.room.alarms.values())


TestShift = Shift.TestCase
TestShift.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
