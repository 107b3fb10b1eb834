"""The life of an alarm: no sequence of occurrences loses one; nothing is put aside without who, why and until when."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from manara.alarms import life
from manara.alarms.life import Life, NotAllowed, OutOfService, Shelf, State, Suppressed

ASKING = (State.UNACKNOWLEDGED, State.RETURNED_UNACKNOWLEDGED)


class Lives(RuleBasedStateMachine):
    """Everything that can befall an alarm, in any order, against a plain memory of who was told what."""

    def __init__(self) -> None:
        super().__init__()
        self.now = Life()
        self.clock_us = 1_000
        self.active = False
        self.told = False  # annunciated, and nobody has answered since by acknowledging, shelving or taking it out

    def _to(self, after: Life) -> None:
        if life.annunciates(self.now, after):
            self.told = True
        self.now = after

    @rule()
    def raised(self) -> None:
        self.active = True
        self._to(life.raised(self.now))

    @rule()
    def returned(self) -> None:
        self.active = False
        self._to(life.returned(self.now, self.clock_us))

    @rule()
    def acknowledged(self) -> None:
        if self.now.state in ASKING:
            self._to(life.acknowledged(self.now))
            self.told = False
        else:
            with pytest.raises(NotAllowed):
                life.acknowledged(self.now)

    @rule()
    def realarmed(self) -> None:
        self._to(life.realarmed(self.now))

    @rule(who=st.sampled_from(["", "p1"]), why=st.sampled_from(["", " ", "dust"]), for_us=st.integers(-5, 50))
    def shelved(self, who: str, why: str, for_us: int) -> None:
        shelf = Shelf(who, "Person", why, self.clock_us, self.clock_us + for_us)
        whole = bool(who and why.strip() and for_us > 0)
        if whole and self.now.state is not State.NORMAL and self.now.out is None:
            self._to(life.shelved(self.now, shelf))
            self.told = False
        else:
            with pytest.raises(NotAllowed):
                life.shelved(self.now, shelf)

    @precondition(lambda self: self.now.shelf is not None)
    @rule()
    def unshelved(self) -> None:
        self._to(life.unshelved(self.now))

    @rule(for_us=st.integers(1, 50))
    def suppressed(self, for_us: int) -> None:
        self._to(life.suppressed(self.now, Suppressed("s1", "maintenance", self.clock_us + for_us)))

    @precondition(lambda self: self.now.suppressed is not None)
    @rule()
    def unsuppressed(self) -> None:
        self._to(life.unsuppressed(self.now))

    @precondition(lambda self: self.now.out is None)
    @rule(who=st.sampled_from(["", "p2"]), why=st.sampled_from(["", "rebuilt"]))
    def taken_out(self, who: str, why: str) -> None:
        out = OutOfService(who, "Person", why, self.clock_us)
        if who and why:
            self._to(life.taken_out(self.now, out))
            self.told = False
        else:
            with pytest.raises(NotAllowed):
                life.taken_out(self.now, out)

    @precondition(lambda self: self.now.out is not None)
    @rule()
    def put_in(self) -> None:
        self._to(life.put_in(self.now))

    @rule()
    def reset(self) -> None:
        if self.now.held and not self.now.owed and not self.now.active:
            self._to(life.reset(self.now))
        else:
            with pytest.raises(NotAllowed):
                life.reset(self.now)

    @rule(by_us=st.integers(1, 30))
    def time_passes(self, by_us: int) -> None:
        self.clock_us += by_us

    @invariant()
    def what_was_told_is_not_lost(self) -> None:
        """Told and unanswered: it still asks, or lies under a cover and is remembered."""
        if self.told:
            assert self.now.state in ASKING or self.now.owed

    @invariant()
    def whatever_is_active_and_in_the_open_was_told_or_answered(self) -> None:
        assert self.now.active == self.active
        if self.active and not self.now.hidden:
            assert self.now.state in (State.UNACKNOWLEDGED, State.ACKNOWLEDGED)
        if self.now.state is State.UNACKNOWLEDGED:
            assert self.told

    @invariant()
    def nothing_is_shelved_without_who_why_and_until(self) -> None:
        if self.now.shelf is not None:
            assert self.now.shelf.by
            assert self.now.shelf.reason.strip()
            assert self.now.shelf.until_us > self.now.shelf.since_us

    @invariant()
    def covers_show(self) -> None:
        shown = self.now.state in (State.SHELVED, State.SUPPRESSED_BY_DESIGN, State.OUT_OF_SERVICE)
        assert shown == self.now.hidden

    @invariant()
    def normal_means_that_nothing_is_left(self) -> None:
        if self.now.state is State.NORMAL:
            assert not self.now.active
            assert not self.now.owed
            assert not self.now.hidden
            assert not self.now.held


class LatchedLives(Lives):
    """The same for an alarm that a person must reset."""

    def __init__(self) -> None:
        super().__init__()
        self.now = Life(latched=True)

    @invariant()
    def a_latched_alarm_that_was_raised_does_not_go_by_itself(self) -> None:
        if self.now.returned_us is not None and self.now.state is State.NORMAL:
            assert not self.now.held


TestLives = Lives.TestCase
TestLatchedLives = LatchedLives.TestCase
TestLives.settings = TestLatchedLives.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)

SHELF = Shelf("p1", "Person", "dust", 10, 20)
MAINTENANCE = Suppressed("s1", "maintenance", 50)


def test_the_ordinary_life() -> None:
    up = life.raised(Life())
    assert up.state is State.UNACKNOWLEDGED
    assert life.acknowledged(up).state is State.ACKNOWLEDGED
    assert life.returned(life.acknowledged(up), 5).state is State.NORMAL
    assert life.returned(up, 5).state is State.RETURNED_UNACKNOWLEDGED
    assert life.acknowledged(life.returned(up, 5)).state is State.NORMAL
    assert life.raised(life.returned(up, 5)).state is State.UNACKNOWLEDGED


@pytest.mark.parametrize("cover", ["shelf", "suppression", "service"])
def test_leaving_the_last_cover_while_active_annunciates_again(cover: str) -> None:
    seen = life.acknowledged(life.raised(Life()))
    if cover == "shelf":
        before, after = life.shelved(seen, SHELF), life.unshelved(life.shelved(seen, SHELF))
    elif cover == "suppression":
        before, after = life.suppressed(seen, MAINTENANCE), life.unsuppressed(life.suppressed(seen, MAINTENANCE))
    else:
        before = life.taken_out(seen, OutOfService("p2", "Person", "rebuilt", 1))
        after = life.put_in(before)
    assert after.state is State.UNACKNOWLEDGED
    assert life.annunciates(before, after)


def test_covers_lie_over_each_other() -> None:
    both = life.suppressed(life.shelved(life.raised(Life()), SHELF), MAINTENANCE)
    assert both.state is State.SUPPRESSED_BY_DESIGN
    assert life.unsuppressed(both).state is State.SHELVED
    assert life.unshelved(both).state is State.SUPPRESSED_BY_DESIGN
    assert life.unshelved(life.unsuppressed(both)).state is State.UNACKNOWLEDGED


def test_what_came_and_went_within_a_window_asks_for_nothing_afterwards() -> None:
    covered = life.returned(life.raised(life.suppressed(Life(), MAINTENANCE)), 5)
    assert covered.state is State.SUPPRESSED_BY_DESIGN
    assert life.unsuppressed(covered).state is State.NORMAL


def test_an_unacknowledged_one_survives_a_window_that_opens_over_it() -> None:
    covered = life.returned(life.suppressed(life.raised(Life()), MAINTENANCE), 5)
    assert life.unsuppressed(covered).state is State.RETURNED_UNACKNOWLEDGED


def test_a_latched_alarm_waits_for_its_reset() -> None:
    gone = life.returned(life.acknowledged(life.raised(Life(latched=True))), 5)
    assert gone.state is State.ACKNOWLEDGED
    assert life.reset(gone).state is State.NORMAL
    with pytest.raises(NotAllowed):
        life.reset(life.raised(Life(latched=True)))
