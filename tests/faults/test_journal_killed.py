"""A journal server killed with SIGKILL: nothing acknowledged is lost, and all who read, watch or listen go on."""

import asyncio
from pathlib import Path

import pytest

from manara.base.errors import Unavailable
from manara.messages import CameraChanged, Message
from manara.store import journal_nats
from manara.store.journal import BUCKET_RECORDERS, BUCKET_WANTED, Entry
from manara.store.journal_nats import NatsJournal
from manara.store.nats_server import JournalAddress, ServerProcess
from tests.support.patience import LONG_S, patience_s


@pytest.fixture
def soon_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the killed server never answers is given up, and tried again, after one second instead of five."""
    monkeypatch.setattr(journal_nats, "REQUEST_TIMEOUT_S", 1.0)


async def _connect(address: JournalAddress) -> NatsJournal:
    return await NatsJournal.start(address.url, address.user, address.password, name="test")


@pytest.mark.usefixtures("soon_given_up")
def test_nothing_acknowledged_is_lost_and_readers_go_on(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    server.start()

    async def play() -> None:
        journal = await _connect(server.address)
        reader = await _connect(server.address)
        acknowledged: list[str] = []
        got: list[str] = []
        stop = asyncio.Event()

        async def take(message: Message) -> None:
            assert isinstance(message, CameraChanged)
            got.append(message.camera_id)

        async def publish_for_ever() -> None:
            number = 0
            while not stop.is_set():
                fact = CameraChanged(camera_id=str(number))
                while True:  # as the outbox does: the same message until it is acknowledged
                    try:
                        await journal.publish(fact)
                        break
                    except Unavailable:
                        continue
                acknowledged.append(fact.camera_id)
                number += 1

        reader.subscribe("reader", take)
        publishing = asyncio.create_task(publish_for_ever())
        for kill in range(3):
            async with asyncio.timeout(LONG_S):
                while len(acknowledged) < (kill + 1) * 100:
                    await asyncio.sleep(0.005)
            server.kill()
            await asyncio.to_thread(server.start)
        async with asyncio.timeout(LONG_S):
            while len(acknowledged) < 400:
                await asyncio.sleep(0.005)
            stop.set()
            await publishing
            while set(got) != set(acknowledged):
                await asyncio.sleep(0.01)
        first_seen = list(dict.fromkeys(got))
        assert first_seen == acknowledged  # in order; a fact may come twice, none is missing
        await journal.close()
        await reader.close()

    asyncio.run(play())
    server.stop()


def test_a_watch_catches_up_and_the_heartbeat_bucket_is_made_again(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    server.start()

    async def play() -> None:
        journal, other = await _connect(server.address), await _connect(server.address)
        seen: dict[str, bytes | None] = {}
        heard: list[bytes] = []

        async def change(entry: Entry) -> None:
            seen[entry.key] = entry.value

        async def hear(_subject: str, data: bytes) -> None:
            heard.append(data)

        wanted = other.bucket(BUCKET_WANTED)
        await wanted.put("camera.a", b"1")
        journal.bucket(BUCKET_WANTED).watch(change)
        journal.listen("manara.status.*", hear)
        async with asyncio.timeout(LONG_S):
            while seen != {"camera.a": b"1"}:
                await asyncio.sleep(0.005)
            server.kill()
            while journal.connected or other.connected:
                await asyncio.sleep(0.005)
            assert not await journal.tell("manara.status.r", b"lost")
            await asyncio.to_thread(server.start)
            assert await other.wait_connected(10)
            await wanted.put("camera.a", b"2")
            await wanted.put("camera.b", b"1")
            while seen != {"camera.a": b"2", "camera.b": b"1"}:
                await asyncio.sleep(0.005)
            assert await other.bucket(BUCKET_RECORDERS).put("r1", b"alive") > 0
            while not heard:
                await other.tell("manara.status.r1", b"here")
                await asyncio.sleep(0.01)
        await journal.close()
        await other.close()

    asyncio.run(play())
    server.stop()


@pytest.mark.usefixtures("soon_given_up")
def test_a_role_starts_before_its_journal_and_is_told_when_it_is_away(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)

    async def play() -> None:
        journal = await _connect(server.address)
        got: list[Message] = []

        async def take(message: Message) -> None:
            got.append(message)

        journal.subscribe("early", take)
        assert not journal.connected
        starting = asyncio.create_task(asyncio.to_thread(server.start))
        async with asyncio.timeout(LONG_S):
            while True:
                try:
                    await journal.publish(CameraChanged(camera_id="a"))
                    break
                except Unavailable:
                    continue
            while not got:
                await asyncio.sleep(0.005)
        await starting
        server.kill()
        async with asyncio.timeout(LONG_S):
            while journal.connected:
                await asyncio.sleep(0.005)
        with pytest.raises(Unavailable):
            await journal.publish(CameraChanged(camera_id="b"))
        async with asyncio.timeout(patience_s(2)):
            await journal.close()

    asyncio.run(play())
    server.kill()


def test_only_whoever_can_read_the_data_folder_gets_in(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    server.start()
    assert (tmp_path / "run" / "journal.json").stat().st_mode & 0o077 == 0
    assert (tmp_path / "run" / "nats.conf").stat().st_mode & 0o077 == 0
    assert JournalAddress.read(tmp_path / "run") == server.address

    async def play() -> None:
        stranger = await NatsJournal.start(server.address.url, "manara", "guess", name="stranger")
        assert not await stranger.wait_connected(1.0)
        await stranger.close()

    asyncio.run(play())
    server.stop()
    with pytest.raises(Unavailable):
        JournalAddress.read(tmp_path / "elsewhere")
