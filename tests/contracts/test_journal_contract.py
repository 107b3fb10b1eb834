"""One suite for both journals: NATS JetStream on disk, and the twin in memory that unit tests use."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from manara.base.errors import Unavailable
from manara.messages import CameraChanged, Message, SiteChanged
from manara.store.journal import BUCKET_LEASES, BUCKET_WANTED, Entry, Journal, StaleRevision, Stuck
from manara.store.journal_memory import MemoryJournal, MemoryServer
from manara.store.journal_nats import NatsJournal
from manara.store.nats_server import ServerProcess
from tests.support.patience import LONG_S

Make = Callable[[], Awaitable[Journal]]


async def until(condition: Callable[[], bool], timeout_s: float = LONG_S) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture(params=["memory", "nats"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "memory":
        yield None
        return
    server = ServerProcess(tmp_path)
    server.start()
    yield server
    server.kill()


@asynccontextmanager
async def journals(engine: ServerProcess | None) -> AsyncIterator[Make]:
    """A function that makes connections to one and the same journal."""
    made: list[Journal] = []
    memory = MemoryServer()

    async def make() -> Journal:
        journal: Journal
        if engine is None:
            journal = MemoryJournal(memory)
        else:
            address = engine.address
            nats = await NatsJournal.start(address.url, address.user, address.password, name="test")
            assert await nats.wait_connected(10)
            journal = nats
        made.append(journal)
        return journal

    try:
        yield make
    finally:
        for journal in made:
            await journal.close()


def test_a_new_reader_gets_every_kept_fact_in_order_and_another_gets_them_too(engine: Any) -> None:
    async def play() -> None:
        async with journals(engine) as make:
            journal, other = await make(), await make()
            sent: list[Message] = [CameraChanged(camera_id=f"c{n}") for n in range(100)]
            await journal.publish_many(sent)
            first: list[Message] = []
            second: list[Message] = []

            async def to_first(message: Message) -> None:
                first.append(message)

            async def to_second(message: Message) -> None:
                second.append(message)

            journal.subscribe("first", to_first)
            other.subscribe("second", to_second)
            await until(lambda: len(first) >= 100 and len(second) >= 100)
            assert first == sent
            assert second == sent
            assert journal.counters.published == 100

    asyncio.run(play())


def test_a_fact_published_twice_is_kept_once(engine: Any) -> None:
    async def play() -> None:
        async with journals(engine) as make:
            journal = await make()
            fact, last = CameraChanged(camera_id="a"), SiteChanged(site_id="end")
            got: list[Message] = []

            async def take(message: Message) -> None:
                got.append(message)

            journal.subscribe("reader", take)
            for message in (fact, fact, last):
                await journal.publish(message)
            await until(lambda: last in got)
            assert got == [fact, last]

    asyncio.run(play())


def test_a_reader_sees_only_the_kinds_it_asked_for(engine: Any) -> None:
    async def play() -> None:
        async with journals(engine) as make:
            journal = await make()
            got: list[Message] = []

            async def take(message: Message) -> None:
                got.append(message)

            journal.subscribe("sites", take, [SiteChanged])
            await journal.publish(CameraChanged(camera_id="a"))
            await journal.publish(SiteChanged(site_id="s"))
            await until(lambda: bool(got))
            assert [type(message) for message in got] == [SiteChanged]

    asyncio.run(play())


def test_a_failing_handler_keeps_its_place_and_is_told_of(engine: Any) -> None:
    async def play() -> None:
        async with journals(engine) as make:
            journal = await make()
            facts = [CameraChanged(camera_id="bad"), CameraChanged(camera_id="good")]
            calls: list[str] = []
            stuck: list[Stuck] = []

            async def handle(message: Message) -> None:
                assert isinstance(message, CameraChanged)
                calls.append(message.camera_id)
                if message.camera_id == "bad" and calls.count("bad") < 4:
                    raise ValueError("not today")

            async def on_stuck(told: Stuck) -> None:
                stuck.append(told)

            journal.subscribe("reader", handle, on_stuck=on_stuck)
            await journal.publish_many(facts)
            await until(lambda: "good" in calls)
            assert calls == ["bad", "bad", "bad", "bad", "good"]
            assert [(told.reader, told.tries) for told in stuck] == [("reader", 3)]
            assert journal.counters.handler_failures == 3

    asyncio.run(play())


def test_a_reader_that_comes_back_goes_on_where_it_was(engine: Any) -> None:
    async def play() -> None:
        async with journals(engine) as make:
            journal = await make()
            got: list[str] = []

            async def take(message: Message) -> None:
                assert isinstance(message, CameraChanged)
                got.append(message.camera_id)

            reading = journal.subscribe("reader", take)
            await journal.publish(CameraChanged(camera_id="1"))
            await until(lambda: got == ["1"])
            # The acknowledgement follows the handler; the counter says that it did.
            await until(lambda: journal.counters.handled == 1)
            await asyncio.sleep(0.05)
            await reading.stop()
            await journal.publish(CameraChanged(camera_id="2"))
            again = await make()
            again.subscribe("reader", take)
            await until(lambda: "2" in got)
            assert got == ["1", "2"]

    asyncio.run(play())


def test_a_new_reader_may_begin_with_the_next_fact(engine: Any) -> None:
    async def play() -> None:
        async with journals(engine) as make:
            journal = await make()
            got: list[str] = []

            async def take(message: Message) -> None:
                assert isinstance(message, CameraChanged)
                got.append(message.camera_id)

            await journal.publish(CameraChanged(camera_id="old"))
            journal.subscribe("late", take, from_start=False)
            number = 0
            while not got:  # the reader begins in the background
                await journal.publish(CameraChanged(camera_id=str(number)))
                number += 1
                await asyncio.sleep(0.01)
            assert "old" not in got

    asyncio.run(play())


def test_words_reach_whoever_listens_and_a_bad_listener_goes_on(engine: Any) -> None:
    async def play() -> None:
        async with journals(engine) as make:
            journal, other = await make(), await make()
            heard: list[tuple[str, bytes]] = []

            async def hear(subject: str, data: bytes) -> None:
                heard.append((subject, data))
                if len(heard) == 1:
                    raise ValueError("once")

            other.listen("manara.status.*", hear)
            while len(heard) < 2:
                assert await journal.tell("manara.status.r1", b"x")
                await asyncio.sleep(0.01)
            assert heard[0] == ("manara.status.r1", b"x")
            assert other.counters.handler_failures == 1

    asyncio.run(play())


def test_a_question_is_answered_once_and_one_that_nobody_answers_fails_at_once(engine: Any) -> None:
    async def play() -> None:
        async with journals(engine) as make:
            asker, other = await make(), await make()
            with pytest.raises(Unavailable, match=r"manara\.test"):
                await asker.ask("manara.test", b"anybody?", 5.0)

            async def answerer(data: bytes) -> bytes:
                if data == b"bad":
                    raise ValueError(data)
                return b"<" + data + b">"

            answering = other.answer("manara.test", answerer)
            async with asyncio.timeout(LONG_S):
                while True:  # until the subscription has reached the server
                    try:
                        assert await asker.ask("manara.test", b"one", 5.0) == b"<one>"
                        break
                    except Unavailable:
                        await asyncio.sleep(0.005)
            with pytest.raises(Unavailable):
                await asker.ask("manara.test", b"bad", 0.2)
            assert other.counters.handler_failures == 1
            assert await asker.ask("manara.test", b"two", 5.0) == b"<two>"
            await answering.stop()

    asyncio.run(play())


def test_facts_can_be_followed_from_now_on(engine: Any) -> None:
    async def play() -> None:
        async with journals(engine) as make:
            journal = await make()
            await journal.publish(SiteChanged(site_id="before"))
            got: list[Message] = []

            async def take(message: Message) -> None:
                got.append(message)

            journal.follow(take, [SiteChanged])
            while not got:
                await journal.publish(CameraChanged(camera_id="other"))
                await journal.publish(SiteChanged(site_id="after"))
                await asyncio.sleep(0.01)
            assert {message.site_id for message in got if isinstance(message, SiteChanged)} == {"after"}
            assert all(isinstance(message, SiteChanged) for message in got)

    asyncio.run(play())


def test_a_bucket_keeps_values_and_a_revision_fences_writers(engine: Any) -> None:
    async def play() -> None:
        async with journals(engine) as make:
            bucket = (await make()).bucket(BUCKET_LEASES)
            assert await bucket.get("shard.1") is None
            first = await bucket.update("shard.1", b"a", 0)
            with pytest.raises(StaleRevision):
                await bucket.update("shard.1", b"b", 0)
            second = await bucket.update("shard.1", b"b", first)
            with pytest.raises(StaleRevision):
                await bucket.update("shard.1", b"c", first)
            assert await bucket.get("shard.1") == Entry("shard.1", b"b", second)
            await bucket.put("shard.2", b"")
            assert {key: entry.value for key, entry in (await bucket.all()).items()} == {
                "shard.1": b"b",
                "shard.2": b"",
            }
            await bucket.delete("shard.1")
            await bucket.delete("never.there")
            assert await bucket.get("shard.1") is None
            assert set(await bucket.all()) == {"shard.2"}
            assert await bucket.update("shard.1", b"d", 0) > second

    asyncio.run(play())


def test_a_watch_tells_all_there_is_then_ready_then_changes(engine: Any) -> None:
    async def play() -> None:
        async with journals(engine) as make:
            journal, other = await make(), await make()
            bucket = journal.bucket(BUCKET_WANTED)
            await bucket.put("camera.a", b"1")
            await bucket.put("camera.b", b"1")
            await bucket.delete("camera.b")
            told: list[Any] = []

            async def change(entry: Entry) -> None:
                told.append((entry.key, entry.value))
                if entry.value == b"bad":
                    raise ValueError("a watcher may fail")

            async def ready() -> None:
                told.append("ready")

            other.bucket(BUCKET_WANTED).watch(change, ready)
            await until(lambda: "ready" in told)
            for value in (b"2", b"bad", b"3"):
                await bucket.put("camera.a", value)
                # A slow watcher is told the last value alone.
                await until(lambda value=value: ("camera.a", value) in told)  # type: ignore[misc]
            await bucket.delete("camera.a")
            await until(lambda: ("camera.a", None) in told)
            assert told == [
                ("camera.a", b"1"),
                "ready",
                ("camera.a", b"2"),
                ("camera.a", b"bad"),
                ("camera.a", b"3"),
                ("camera.a", None),
            ]

    asyncio.run(play())


def test_a_watch_of_an_empty_bucket_is_ready_at_once(engine: Any) -> None:
    async def play() -> None:
        async with journals(engine) as make:
            journal = await make()
            told: list[str] = []

            async def change(entry: Entry) -> None:
                told.append(entry.key)

            async def ready() -> None:
                told.append("ready")

            journal.bucket(BUCKET_WANTED).watch(change, ready)
            await until(lambda: told == ["ready"])

    asyncio.run(play())
