"""From the outbox to the journal, and buckets that are equal to the state at every start."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select

from manara.access.who import Who
from manara.alarms.tables import Alarm
from manara.base.clock import SystemClock, to_datetime
from manara.base.errors import Unavailable
from manara.messages import AlarmChanged, CameraChanged, Message, PlaceChanged, SiteChanged
from manara.network import actions
from manara.network.tables import Camera, Site
from manara.store.backlog import ROUND
from manara.store.database import Database
from manara.store.journal import BUCKET_HOLDS, BUCKET_WANTED, BUCKET_WHOLE
from manara.store.journal_memory import MemoryJournal
from manara.store.outbox import OutboxMessage
from manara.store.secret import SecretBox
from manara.web.live import Hub
from manara.web.statuses import Statuses
from manara.wiring import Relay, Wiring
from tests.support.patience import LONG_S
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


def test_a_handler_that_fails_is_tried_again_and_holds_up_nothing(database: Database) -> None:
    async def check() -> None:
        journal = MemoryJournal()
        hub = Hub(CLOCK, {})
        wiring = Wiring(database, journal, CLOCK, hub, Statuses(hub, CLOCK))
        seen: list[str] = []

        async def shaky(fact: Message) -> None:
            assert isinstance(fact, PlaceChanged)
            seen.append(fact.place_id)
            if fact.place_id == "a" and seen.count("a") < 4:
                raise Unavailable("not yet")

        wiring.handlers = {PlaceChanged: (shaky,)}
        await wiring.start()
        act(database, "a")
        async with asyncio.timeout(LONG_S):
            while not wiring.stuck:
                await asyncio.sleep(0.01)
            act(database, "b")
            while "b" not in seen or wiring.stuck:
                await asyncio.sleep(0.01)
        await wiring.stop()
        assert seen in (["a", "a", "a", "b", "a"], ["a", "a", "a", "a", "b"])
        assert wiring.backlog.failures == 3

    asyncio.run(check())


def test_an_alarm_behind_thousands_of_cameras_is_shown_in_the_next_round(database: Database) -> None:
    async def check() -> None:
        journal = MemoryJournal()
        hub = Hub(CLOCK, {})
        wiring = Wiring(database, journal, CLOCK, hub, Statuses(hub, CLOCK))
        with database.act(TESTER, to_datetime(CLOCK.wall_us())) as acting:
            now_us = acting.at_us
            alarm = {"kind": "link_cut", "subject": "link:l", "state": "unacknowledged", "since_us": now_us}
            acting.session.add(Alarm(id="alarm", priority="high", signal_id="s", changed_us=now_us, **alarm))
        for number in range(5000):
            await wiring.backlog.take(CameraChanged(camera_id=f"c{number}"))
        await wiring.backlog.take(AlarmChanged(alarm_id="alarm"))
        assert len(wiring.backlog) == 5001
        await wiring.backlog.once()
        assert hub.has("alarm", "alarm")
        while await wiring.backlog.once() is not None:
            pass
        assert wiring.backlog.rounds <= 5000 / ROUND + 1

    asyncio.run(check())


def test_cameras_of_an_import_are_wanted_and_shown_together(database: Database, tmp_path: Path) -> None:
    actions.seed(database, SecretBox.from_file(tmp_path / "key"), TESTER, to_datetime(CLOCK.wall_us()), **network())

    async def check() -> None:
        journal = MemoryJournal()
        hub = Hub(CLOCK, {})
        wiring = Wiring(database, journal, CLOCK, hub, Statuses(hub, CLOCK))
        bucket = journal.bucket(BUCKET_WANTED)
        await bucket.put("camera.gone", b"{}")
        with database.read() as session:
            ids = session.scalars(select(Camera.id)).all()
            sites = session.scalars(select(Site.id)).all()
        for camera_id in [*ids, "gone", *ids]:
            await wiring.backlog.take(CameraChanged(camera_id=camera_id))
        for site_id in [*sites, "gone"]:
            await wiring.backlog.take(SiteChanged(site_id=site_id))
        assert await wiring.backlog.once() is None
        assert set(hub.ids("camera")) == set(ids)
        assert set(hub.ids("site")) == set(sites)
        assert set(await bucket.all()) == {f"camera.{camera_id}" for camera_id in ids}

    asyncio.run(check())


def test_what_a_journal_kept_before_its_first_reader_is_told_and_what_a_lost_one_kept_is_read(
    database: Database, tmp_path: Path
) -> None:
    async def check() -> None:
        journal = MemoryJournal()
        hub = Hub(CLOCK, {})
        wiring = Wiring(database, journal, CLOCK, hub, Statuses(hub, CLOCK))
        seen = asyncio.Event()

        async def see(fact: Message) -> None:
            seen.set()

        wiring.handlers = {PlaceChanged: (see,)}
        await journal.publish(PlaceChanged(place="town", place_id="t"))
        await wiring.start()
        async with asyncio.timeout(10):
            await seen.wait()
            journal.server.away = True
            rows = network()
            actions.seed(database, SecretBox.from_file(tmp_path / "key"), TESTER, to_datetime(CLOCK.wall_us()), **rows)
            with database.act(TESTER, to_datetime(CLOCK.wall_us())) as acting:  # its facts are lost with the journal
                acting.session.execute(delete(OutboxMessage))
            journal.server.away = False
            journal.counters.reconnects += 1
            while len(hub.ids("camera")) < len(rows["cameras"]):
                await asyncio.sleep(0.01)
        await wiring.stop()

    asyncio.run(check())
