"""Health is killed, its state is busy, the journal goes away, garbage comes: nothing is lost, nothing is told twice."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import func, select

from manara.access.who import Who
from manara.base.clock import SystemClock, to_datetime
from manara.base.errors import Unavailable
from manara.messages import CauseChanged, RecorderStatus, StreamStatus
from manara.network import actions as network_actions
from manara.network.health import role as role_module
from manara.network.health import views
from manara.network.health.actions import Batch, commit, read_open, read_topology
from manara.network.health.monitor import Monitor, Pending
from manara.network.health.role import Health
from manara.network.health.tables import CameraOutage, CauseRow, ConditionRow
from manara.settings import Data, Settings
from manara.store.database import Database
from manara.store.journal import POKE_SUBJECT, STATUS_PREFIX
from manara.store.journal_memory import MemoryJournal
from manara.store.outbox import OutboxMessage
from manara.store.secret import SecretBox
from tests.support.patience import LONG_S
from tests.support.state import migrated
from tests.web.world import network

CLOCK = SystemClock()
S = 1_000_000


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Database]:
    database = migrated(tmp_path / "state.sqlite")
    box = SecretBox.from_file(tmp_path / "secret.key")
    network_actions.seed(database, box, Who.system("test"), to_datetime(CLOCK.wall_us()), **network())
    yield database
    database.close()


def monitor_of(database: Database, now_us: int) -> Monitor:
    """A monitor as after a start."""
    with database.read() as session:
        monitor = Monitor(read_topology(session), now_us)
        monitor.restore(read_open(session), now_us)
    return monitor


def lose(monitor: Monitor, camera: str, at_us: int, state: str = "lost") -> None:
    """A recorder tells one camera's stream."""
    status = StreamStatus(
        camera_id=camera, stream="main", state=state, cause="stalled" if state == "lost" else "none", since_us=at_us,
        recorder_id="recorder-1",
    )  # fmt: skip
    monitor.status(RecorderStatus(recorder_id="recorder-1", at_us=at_us, streams=[status]), at_us)


def play(monitor: Monitor, database: Database, from_us: int, seconds: float) -> None:
    """Let time pass, and commit what changes."""
    for step in range(round(seconds * 2)):
        at_us = from_us + step * S // 2
        monitor.status(RecorderStatus(recorder_id="recorder-1", at_us=at_us), at_us)
        batch = monitor.step(at_us)
        if batch:
            commit(database, at_us, batch)


def count(database: Database, table: type, *where: object) -> int:
    """Rows of a table."""
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(table).where(*where)) or 0  # type: ignore[arg-type]


def test_a_kill_loses_nothing_and_doubles_nothing(state: Database) -> None:
    now_us = CLOCK.wall_us()
    first = monitor_of(state, now_us)
    camera = sorted(first.engine.board.topology.cameras)[0]
    for other in first.engine.board.topology.cameras:
        lose(first, other, now_us, "recording")
    lose(first, camera, now_us)
    play(first, state, now_us, 5)
    with state.read() as session:
        (before,) = views.open_causes(session)
    assert before["kind"] == "camera_dead"
    # Killed: nothing of it is left but what was committed. The recorder tells the same again.
    later_us = now_us + 20 * S
    second = monitor_of(state, later_us)
    for other in second.engine.board.topology.cameras:
        lose(second, other, later_us, "lost" if other == camera else "recording")
    play(second, state, later_us, 5)
    with state.read() as session:
        (after,) = views.open_causes(session)
    assert after["id"] == before["id"]
    assert (count(state, CauseRow), count(state, ConditionRow), count(state, CameraOutage)) == (1, 1, 1)
    # Killed again, and meanwhile it came back: found at the first word.
    last_us = later_us + 20 * S
    third = monitor_of(state, last_us)
    lose(third, camera, last_us, "recording")
    play(third, state, last_us, 8)
    assert count(state, CauseRow, CauseRow.closed_us.is_(None)) == 0
    assert count(state, CameraOutage, CameraOutage.end_us.is_(None)) == 0
    with state.read() as session:
        (outage,) = views.outages(session, now_us - S, last_us + 60 * S)
    assert outage["cause_kind"] == "camera_dead"


def test_a_batch_committed_twice_is_the_same_state(state: Database) -> None:
    now_us = CLOCK.wall_us()
    monitor = monitor_of(state, now_us)
    camera = sorted(monitor.engine.board.topology.cameras)[0]
    lose(monitor, camera, now_us)
    batch = monitor.step(now_us)
    pending = Pending()
    pending.add(batch)
    taken = pending.take()
    commit(state, now_us, taken)
    pending.again(taken)  # the answer of the commit was lost
    pending.add(monitor.step(now_us + 4 * S))
    commit(state, now_us + 4 * S, pending.take())
    assert not pending.batch
    assert (count(state, ConditionRow), count(state, CauseRow)) == (1, 1)


def test_what_changes_after_the_clock_was_set_back_is_newer_than_what_was_before(state: Database) -> None:
    now_us = CLOCK.wall_us()
    monitor = monitor_of(state, now_us)
    camera = sorted(monitor.engine.board.topology.cameras)[0]
    lose(monitor, camera, now_us)
    play(monitor, state, now_us, 5)
    with state.read() as session:
        (before,) = views.open_causes(session)
    (cause,) = monitor.engine.open.values()
    cause.evidence.append(before["evidence"][0])
    commit(state, now_us - 3600 * S, Batch(causes={cause.id: cause}))
    with state.read() as session:
        (after,) = views.open_causes(session)
    assert len(after["evidence"]) == len(before["evidence"]) + 1
    assert after["changed_us"] > before["changed_us"]


def test_cameras_removed_while_health_was_dead_leave_nothing_open(state: Database) -> None:
    now_us = CLOCK.wall_us()
    monitor = monitor_of(state, now_us)
    camera = sorted(monitor.engine.board.topology.cameras)[0]
    lose(monitor, camera, now_us)
    play(monitor, state, now_us, 5)
    network_actions.remove_camera(state, Who.system("test"), to_datetime(now_us), camera)
    again = monitor_of(state, now_us + 10 * S)
    play(again, state, now_us + 10 * S, 2)
    assert count(state, ConditionRow, ConditionRow.ended_us.is_(None)) == 0
    assert count(state, CauseRow, CauseRow.closed_us.is_(None)) == 0


@asynccontextmanager
async def running(state: Database, folder: Path, journal: MemoryJournal) -> AsyncIterator[Health]:
    """The role itself, on the journal in memory."""
    settings = Settings(data=Data(directory=folder))  # type: ignore[call-arg]
    box = SecretBox.from_file(folder / "secret.key")
    health = Health(settings, folder, state, box, journal, CLOCK, lambda user, sealed: user)
    stop = asyncio.Event()
    task = asyncio.create_task(health.run(stop))
    try:
        await until(lambda: health.monitor is not None, "it has begun")
        yield health
    finally:
        stop.set()
        await task


async def until(check: object, what: str, within_s: float = LONG_S) -> None:
    """Wait for something to be so."""
    async with asyncio.timeout(within_s):
        while not check():  # type: ignore[operator]
            await asyncio.sleep(0.02)
    assert what


def status(camera: str, state: str) -> bytes:
    """A recorder's word of one camera."""
    stream = StreamStatus(camera_id=camera, stream="main", state=state, cause="stalled", recorder_id="recorder-1")
    return msgspec.json.encode(RecorderStatus(recorder_id="recorder-1", at_us=CLOCK.wall_us(), streams=[stream]))


def test_the_role_outlives_garbage_a_busy_state_and_a_journal_that_goes_away(
    state: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pokes: list[bytes] = []
    real, failures = role_module.commit, [0]

    def busy(database: Database, at_us: int, batch: Batch) -> None:
        if failures[0] < 2:
            failures[0] += 1
            raise Unavailable("The state is busy", code="store_busy")
        real(database, at_us, batch)

    async def check() -> None:
        journal = MemoryJournal()
        monkeypatch.setattr(role_module, "commit", busy)
        monkeypatch.setattr(role_module, "COMMIT_RETRY_S", 0.05)

        async def on_poke(subject: str, data: bytes) -> None:
            pokes.append(data)

        listening = journal.listen(POKE_SUBJECT, on_poke)
        async with running(state, tmp_path, journal) as health:
            assert health.monitor is not None
            camera = sorted(health.monitor.engine.board.topology.cameras)[0]
            for garbage in (b"", b"\xff\x00", b'{"recorder_id": 7}', b"[" * 10_000):
                await journal.tell(STATUS_PREFIX + "recorder-1", garbage)
                await journal.tell("manara.image.vision-1", garbage)
            await until(lambda: health.monitor.counters.unreadable == 8, "garbage is counted")  # type: ignore[union-attr]
            await journal.tell(STATUS_PREFIX + "recorder-1", status(camera, "recording"))
            await journal.tell(STATUS_PREFIX + "recorder-1", status(camera, "lost"))
            await until(lambda: count(state, CauseRow) == 1, "the cause is committed though the state was busy")
            assert failures[0] == 2
            assert count(state, OutboxMessage, OutboxMessage.name == CauseChanged.__name__) >= 1
            await until(lambda: bool(pokes), "the relay is told")
            journal.server.away = True
            health.monitor.program._heard_us["recorder-1"] -= 60 * S
            await asyncio.sleep(1.5)  # longer than a look: silence must not be blamed on the recorder
            assert not health.monitor.latches.is_active("recorder_silent", "recorder:recorder-1")
            journal.server.away = False
        await listening.stop()

    asyncio.run(check())
    assert (tmp_path / "health" / "normals.msgpack").exists(), "what was learned is kept"
