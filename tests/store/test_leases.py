"""Shards shared among recorders: the policy alone, and recorders on a clock moved by hand with a journal in memory."""

import asyncio
from collections import Counter
from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manara.base.clock import FakeClock
from manara.store.journal_memory import MemoryJournal, MemoryServer
from manara.store.leases import LINGER_S, SETTLE_S, SHARDS, Heartbeat, Leases, shard_of, share

names = st.sampled_from([f"r{n}" for n in range(12)])


@given(st.lists(names, min_size=1), st.dictionaries(st.integers(0, SHARDS - 1), names))
def test_all_shards_have_a_living_owner_evenly_and_little_moves(alive: list[str], owners: dict[int, str]) -> None:
    answer = share(alive, owners)
    assert set(answer) == set(range(SHARDS))
    counts = Counter({recorder: 0 for recorder in set(alive)})
    counts.update(answer.values())
    assert set(counts) == set(alive)
    assert max(counts.values()) - min(counts.values()) <= 1
    # Nobody gives up a shard while holding no more than the due share.
    most = max(counts.values())
    for recorder in set(alive):
        held = {shard for shard, owner in owners.items() if owner == recorder}
        kept = {shard for shard in held if answer[shard] == recorder}
        assert len(kept) >= min(len(held), most - 1)
    assert share(alive, answer) == answer


def test_with_nobody_alive_nobody_owns() -> None:
    assert share([], {1: "r1"}) == {}


def test_a_camera_has_one_shard_for_ever() -> None:
    assert [shard_of(camera_id) for camera_id in ("a", "b", "7k2m9qx4c0ta")] == [3, 57, 12]


class Stage:
    """Recorders on one clock; `pass_time` lets seconds pass and every recorder that lives say so."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.server = MemoryServer()
        self.leases: dict[str, Leases] = {}
        self.journals: dict[str, MemoryJournal] = {}
        self.told: dict[str, frozenset[int]] = {}

    async def add(self, name: str, remembered: Collection[int] = ()) -> Leases:
        journal = MemoryJournal(self.server)

        def changed(shards: frozenset[int]) -> None:
            self.told[name] = shards

        leases = Leases(
            journal,
            self.clock,
            name,
            changed,
            heartbeat=lambda shards: Heartbeat(recorder_id=name, pid=1, address="", at_us=0, shards=shards),
            remembered=remembered,
        )
        journal.bucket("leases").watch(leases._on_lease, leases._on_ready)
        journal.bucket("recorders").watch(leases._on_recorder)
        self.leases[name], self.journals[name] = leases, journal
        await self.settle()
        return leases

    async def settle(self) -> None:
        for _ in range(400):
            await asyncio.sleep(0)

    async def pass_time(self, seconds: int, *, dead: Collection[str] = ()) -> None:
        for _ in range(seconds):
            self.clock.advance(1)
            for name, leases in self.leases.items():
                if name not in dead:
                    await leases.beat()
                    await self.settle()

    def counts(self) -> dict[str, int]:
        return {name: len(leases.shards) for name, leases in self.leases.items()}

    async def close(self) -> None:
        for journal in self.journals.values():
            await journal.close()


def play(scene: object) -> None:
    async def run() -> None:
        stage = Stage()
        await scene(stage)  # type: ignore[operator]
        await stage.close()

    asyncio.run(run())


def test_a_lone_recorder_takes_all_after_it_has_listened() -> None:
    async def scene(stage: Stage) -> None:
        await stage.add("r1")
        await stage.pass_time(1)
        assert stage.counts() == {"r1": 0}
        await stage.pass_time(round(SETTLE_S))
        assert stage.counts() == {"r1": SHARDS}
        assert stage.told["r1"] == frozenset(range(SHARDS))

    play(scene)


def test_a_second_recorder_gets_half_and_nothing_is_unrecorded_meanwhile() -> None:
    async def scene(stage: Stage) -> None:
        await stage.add("r1")
        await stage.pass_time(4)
        await stage.add("r2")
        for _ in range(8):
            await stage.pass_time(1)
            recorded = stage.leases["r1"].shards | stage.leases["r2"].shards
            assert recorded == frozenset(range(SHARDS))
        assert stage.counts() == {"r1": 32, "r2": 32}
        assert stage.leases["r1"].lost == 32

    play(scene)


def test_the_shards_of_a_dead_recorder_are_taken_within_ten_seconds() -> None:
    async def scene(stage: Stage) -> None:
        for name in ("r1", "r2", "r3"):
            await stage.add(name)
        await stage.pass_time(12)
        assert sorted(stage.counts().values()) == [21, 21, 22]
        await stage.pass_time(7, dead=("r2",))
        taken = stage.leases["r1"].shards | stage.leases["r3"].shards
        assert taken == frozenset(range(SHARDS))
        # The dead one was only asleep: it sees that others took its shards, and gets its share again.
        await stage.pass_time(8)
        assert sorted(stage.counts().values()) == [21, 21, 22]

    play(scene)


def test_a_recorder_that_comes_back_in_time_keeps_its_shards() -> None:
    async def scene(stage: Stage) -> None:
        await stage.add("r1")
        await stage.add("r2")
        await stage.pass_time(8)
        before = stage.leases["r1"].shards
        await stage.pass_time(3, dead=("r1",))
        again = await stage.add("r1", remembered=before)
        assert again.shards == before
        await stage.pass_time(6)
        assert again.shards == before
        assert stage.leases["r2"].taken == 32

    play(scene)


def test_without_a_journal_everybody_goes_on_with_what_they_have() -> None:
    async def scene(stage: Stage) -> None:
        await stage.add("r1")
        await stage.add("r2")
        await stage.pass_time(8)
        before = {name: leases.shards for name, leases in stage.leases.items()}
        stage.server.away = True
        await stage.pass_time(60)
        assert {name: leases.shards for name, leases in stage.leases.items()} == before
        stage.server.away = False
        await stage.pass_time(1)
        assert {name: leases.shards for name, leases in stage.leases.items()} == before
        await stage.pass_time(10)
        assert stage.counts() == {"r1": 32, "r2": 32}

    play(scene)


def test_a_shard_that_was_taken_lingers_until_the_other_has_connected() -> None:
    async def scene(stage: Stage) -> None:
        remembered = frozenset(range(SHARDS))
        await stage.add("r1")
        await stage.pass_time(4)
        late = await stage.add("r2", remembered=remembered)  # its memory is old: r1 owns all now
        assert late.shards == remembered
        await stage.pass_time(round(SETTLE_S + LINGER_S) + 2)
        assert stage.counts() == {"r1": 32, "r2": 32}

    play(scene)


def test_a_lease_of_no_shard_is_not_taken_for_one(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(stage: Stage) -> None:
        await stage.add("r1")
        await stage.journals["r1"].bucket("leases").put("shard.99", b"r9")
        await stage.settle()
        await stage.pass_time(4)
        assert stage.counts() == {"r1": SHARDS}

    play(scene)
    assert "names no shard" in caplog.text
