"""From the outbox to the journal, and buckets that are equal to the state at every start."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from manara.access.who import Who
from manara.base.clock import SystemClock, to_datetime
from manara.base.errors import Unavailable
from manara.messages import Message, PlaceChanged
from manara.network import actions
from manara.store.database import Database
from manara.store.journal import BUCKET_HOLDS, BUCKET_WANTED, BUCKET_WHOLE
from manara.store.journal_memory import MemoryJournal
from manara.store.outbox import OutboxMessage
from manara.store.secret import SecretBox
from manara.web.live import Hub
from manara.web.statuses import Statuses
from manara.wiring import Relay, Wiring
from tests.web.world import network

CLOCK = SystemClock()
TESTER = Who.system("test")


def act(database: Database, *places: str) -> None:
    """Commit a fact for each place."""
    with database.act(TESTER, to_datetime(CLOCK.wall_us())) as acting:
        acting.audit("place:change")
        for place in places:
            acting.publish(PlaceChanged(place="sector", place_id=place))


def waiting(database: Database) -> int:
    """How many messages wait."""
    with database.read() as session:
        return len(session.scalars(select(OutboxMessage)).all())


def places(journal: MemoryJournal) -> list[str]:
    """The facts that the journal keeps, in order."""
    return [data.decode().split('"place_id":"')[1].split('"')[0] for _, data in journal.server.facts]


def test_messages_reach_the_journal_in_order_and_once(database: Database) -> None:
    async def check() -> None:
        journal = MemoryJournal()
        relay = Relay(database, journal, CLOCK)
        act(database, *(str(n) for n in range(450)))
        while await relay.once():
            pass
        assert places(journal) == [str(n) for n in range(450)]
        assert waiting(database) == 0

    asyncio.run(check())


def test_a_message_waits_until_the_journal_has_it(database: Database) -> None:
    async def check() -> None:
        journal = MemoryJournal()
        relay = Relay(database, journal, CLOCK)
        act(database, "a")
        journal.server.away = True
        with pytest.raises(Unavailable):
            await relay.once()
        assert waiting(database) == 1
        journal.server.away = False
        await relay.once()
        assert (places(journal), waiting(database)) == (["a"], 0)

    asyncio.run(check())


def test_a_crash_between_publishing_and_marking_doubles_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check() -> None:
        journal = MemoryJournal()
        relay = Relay(database, journal, CLOCK)
        act(database, "a", "b")
        with monkeypatch.context() as crash:
            crash.setattr(relay, "_mark", lambda numbers: (_ for _ in ()).throw(Unavailable("killed")))
            with pytest.raises(Unavailable):
                await relay.once()
        await relay.once()
        assert (places(journal), waiting(database)) == (["a", "b"], 0)

    asyncio.run(check())


def test_a_message_that_cannot_be_read_holds_up_nothing(database: Database) -> None:
    async def check() -> None:
        journal = MemoryJournal()
        relay = Relay(database, journal, CLOCK)
        with database.act(TESTER, to_datetime(CLOCK.wall_us())) as acting:
            row = {"message_id": "old", "name": "Old", "payload": '{"type":"OfAnotherAge"}', "at_us": 1}
            acting.session.execute(insert(OutboxMessage).values(row))
        act(database, "after")
        await relay.once()
        assert (places(journal), relay.unreadable, waiting(database)) == (["after"], 1, 0)

    asyncio.run(check())


def test_buckets_are_made_equal_to_the_state(database: Database, tmp_path: Path) -> None:
    actions.seed(database, SecretBox.from_file(tmp_path / "key"), TESTER, to_datetime(CLOCK.wall_us()), **network())

    async def check() -> None:
        journal = MemoryJournal()
        hub = Hub(CLOCK, {})
        wiring = Wiring(database, journal, CLOCK, hub, Statuses(hub, CLOCK))
        await journal.bucket(BUCKET_WANTED).put("camera.removed", b"{}")
        await journal.bucket(BUCKET_HOLDS).put("hold.released", b"{}")
        assert await wiring.equal_buckets() == 5
        assert len((await journal.bucket(BUCKET_WANTED).all()).keys() - {BUCKET_WHOLE}) == 3
        assert list(await journal.bucket(BUCKET_HOLDS).all()) == [BUCKET_WHOLE]
        assert await wiring.equal_buckets() == 0

    asyncio.run(check())


def test_a_handler_that_fails_keeps_its_place(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def check() -> None:
        journal = MemoryJournal()
        hub = Hub(CLOCK, {})
        wiring = Wiring(database, journal, CLOCK, hub, Statuses(hub, CLOCK))
        seen: list[str] = []

        async def shaky(fact: Message) -> None:
            assert isinstance(fact, PlaceChanged)
            seen.append(fact.place_id)
            if len(seen) < 3:
                raise Unavailable("not yet")

        wiring.handlers = {PlaceChanged: (shaky,)}
        await wiring.start()
        act(database, "a", "b")
        async with asyncio.timeout(10):
            while len(seen) < 4:
                await asyncio.sleep(0.01)
        await wiring.stop()
        assert seen == ["a", "a", "a", "b"]

    asyncio.run(check())
