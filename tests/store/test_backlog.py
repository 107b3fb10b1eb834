"""Facts that wait: each thing once, many of a kind together, what fails by itself, nothing lost."""

import asyncio
from collections.abc import Sequence

import pytest

from manara.messages import CameraChanged, Message, PlaceChanged, RoleRestarted
from manara.store import backlog as module
from manara.store.backlog import Backlog
from manara.store.journal import Stuck


class Reader:
    """A handler that writes down what it gets, and cannot do what it is told not to."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.bad: set[str] = set()
        self.stuck: list[Stuck] = []
        self.done: list[str] = []
        self.backlog = Backlog("test", self.handle, self.on_stuck, self.on_done, each_counts=[RoleRestarted])

    async def handle(self, facts: Sequence[Message]) -> None:
        names = [_name(fact) for fact in facts]
        self.calls.append(names)
        if self.bad & set(names):
            raise RuntimeError("cannot")

    async def on_stuck(self, stuck: Stuck) -> None:
        self.stuck.append(stuck)

    def on_done(self, fact: Message) -> None:
        self.done.append(_name(fact))


def _name(fact: Message) -> str:
    if isinstance(fact, CameraChanged):
        return fact.camera_id
    return fact.place_id if isinstance(fact, PlaceChanged) else type(fact).__name__


def test_a_thing_that_is_told_often_is_handled_once_and_each_event_by_itself() -> None:
    async def check() -> None:
        reader = Reader()
        for _ in range(10):
            await reader.backlog.take(CameraChanged(camera_id="a"))
        await reader.backlog.take(CameraChanged(camera_id="a", removed=True))
        for _ in range(2):
            await reader.backlog.take(RoleRestarted(role="vision", exit_code=1, restarts=1))
        assert await reader.backlog.once() is None
        assert reader.calls == [["a", "a"], ["RoleRestarted", "RoleRestarted"]]

    asyncio.run(check())


def test_each_kind_has_its_part_of_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROUND", 3)

    async def check() -> None:
        reader = Reader()
        for number in range(5):
            await reader.backlog.take(CameraChanged(camera_id=f"c{number}"))
        await reader.backlog.take(PlaceChanged(place="town", place_id="t"))
        assert await reader.backlog.once() == 0
        assert reader.calls == [["c0", "c1", "c2"], ["t"]]
        assert await reader.backlog.once() is None
        assert reader.calls[2:] == [["c3", "c4"]]

    asyncio.run(check())


def test_what_fails_is_found_among_many_waits_and_is_tried_again() -> None:
    async def check() -> None:
        reader = Reader()
        reader.bad = {"b"}
        for name in "abc":
            await reader.backlog.take(CameraChanged(camera_id=name))
        wait_s = await reader.backlog.once()
        assert wait_s is not None
        assert wait_s > 0
        assert (reader.calls, reader.done) == ([["a", "b", "c"], ["a"], ["b"], ["c"]], ["a", "c"])
        await reader.backlog.once()  # not yet due
        assert reader.calls[4:] == []
        await reader.backlog.take(CameraChanged(camera_id="b"))  # told again: now
        reader.bad = set()
        assert await reader.backlog.once() is None
        assert (reader.calls[4:], reader.done) == ([["b"]], ["a", "c", "b"])

    asyncio.run(check())


def test_what_keeps_failing_is_said_and_forgotten_when_it_is_done() -> None:
    async def check() -> None:
        reader = Reader()
        reader.bad = {"b"}
        fact = CameraChanged(camera_id="b")
        for _ in range(3):
            await reader.backlog.take(fact)
            await reader.backlog.once()
        assert [(stuck.message, stuck.tries) for stuck in reader.stuck] == [(fact, 3)]
        assert len(reader.backlog) == 1

    asyncio.run(check())


def test_what_is_told_while_it_is_handled_is_handled_again() -> None:
    async def check() -> None:
        reader = Reader()
        handle = reader.handle

        async def told_meanwhile(facts: Sequence[Message]) -> None:
            if not reader.calls:
                await reader.backlog.take(CameraChanged(camera_id="a"))
            await handle(facts)

        reader.backlog._handle = told_meanwhile
        await reader.backlog.take(CameraChanged(camera_id="a"))
        await reader.backlog.once()
        await reader.backlog.once()
        assert reader.calls == [["a"], ["a"]]

    asyncio.run(check())


def test_who_brings_too_much_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_MAX", 2)

    async def check() -> None:
        reader = Reader()
        for name in "ab":
            await reader.backlog.take(CameraChanged(camera_id=name))
        third = asyncio.create_task(reader.backlog.take(CameraChanged(camera_id="c")))
        await asyncio.sleep(0)
        assert not third.done()
        await reader.backlog.once()
        await third
        await reader.backlog.once()
        assert reader.done == ["a", "b", "c"]

    asyncio.run(check())
