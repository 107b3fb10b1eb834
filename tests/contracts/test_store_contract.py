"""What every engine of the state must keep: SQLite and a real PostgreSQL."""

import contextlib
import threading
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

import manara.access.tables
import manara.alarms.duty_tables
import manara.alarms.tables
import manara.network.health.tables
import manara.network.infrastructure.tables
import manara.network.maintenance.tables
import manara.network.tables
import manara.recorder.tables  # noqa: F401  (the whole schema must be known to compare it)
from manara.access.who import Who
from manara.base.errors import Unavailable
from manara.messages import CameraChanged, SiteChanged, decode
from manara.store import audit, outbox
from manara.store.base import Base
from manara.store.database import Database
from manara.store.outbox import OutboxMessage

AT = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
WHO = Who.system("test")


def test_migrations_make_the_schema_that_the_models_say(any_database: Database) -> None:
    with any_database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Base.metadata)
    assert differences == []


def test_state_audit_and_outbox_commit_together(any_database: Database) -> None:
    with any_database.act(WHO, AT) as act:
        act.audit("camera:add", subject="cam1", detail={"code": "CAM-1", "name": "ساحة"})
        act.publish(CameraChanged(camera_id="cam1"))
    with any_database.read() as session:
        assert audit.head(session)[0] == 1
        (message,) = outbox.pending(session)
    assert decode(message.payload.encode()).camera_id == "cam1"  # type: ignore[attr-defined]


def test_a_failed_action_leaves_nothing(any_database: Database) -> None:
    with pytest.raises(RuntimeError, match="boom"), any_database.act(WHO, AT) as act:  # noqa: PT012
        act.audit("camera:add", subject="cam1")
        act.publish(CameraChanged(camera_id="cam1"))
        act.session.flush()
        raise RuntimeError("boom")
    with any_database.read() as session:
        assert audit.head(session) == (0, audit.GENESIS)
        assert outbox.pending(session) == []


def test_publishing_without_an_audit_entry_is_refused(any_database: Database) -> None:
    with pytest.raises(RuntimeError, match="audit log"), any_database.act(WHO, AT) as act:
        act.publish(CameraChanged(camera_id="cam1"))


def test_the_audit_log_refuses_to_be_changed(any_database: Database) -> None:
    with any_database.act(WHO, AT) as act:
        act.audit("camera:add", subject="cam1")
    for statement in (update(audit.AuditEntry).values(subject="other"), delete(audit.AuditEntry)):
        with pytest.raises(DBAPIError, match="append-only"), any_database.engine.begin() as connection:
            connection.execute(statement)


def _entries(database: Database, count: int) -> None:
    for number in range(count):
        with database.act(WHO, AT) as act:
            act.audit("camera:look", subject=f"cam{number}", detail={"n": number})


def _unguard(database: Database) -> None:
    """What somebody with the database's own password could do."""
    with database.engine.begin() as connection:
        if database.url.get_backend_name() == "sqlite":
            connection.execute(text("DROP TRIGGER audit_no_update"))
            connection.execute(text("DROP TRIGGER audit_no_delete"))
        else:
            connection.execute(text("DROP TRIGGER audit_no_change ON audit"))


def test_verify_accepts_a_whole_chain(any_database: Database) -> None:
    _entries(any_database, 25)
    with any_database.read() as session:
        found = audit.verify(session, batch=7)
        assert found.ok
        assert found.entries == 25
        assert found.head == audit.head(session)[1]


def test_verify_names_the_first_changed_entry(any_database: Database) -> None:
    _entries(any_database, 9)
    _unguard(any_database)
    with any_database.engine.begin() as connection:
        connection.execute(update(audit.AuditEntry).where(audit.AuditEntry.number == 5).values(subject="elsewhere"))
    with any_database.read() as session:
        found = audit.verify(session)
    assert found.broken_number == 5
    assert "changed" in found.reason


def test_verify_names_a_missing_entry(any_database: Database) -> None:
    _entries(any_database, 9)
    _unguard(any_database)
    with any_database.engine.begin() as connection:
        connection.execute(delete(audit.AuditEntry).where(audit.AuditEntry.number == 4))
    with any_database.read() as session:
        found = audit.verify(session)
    assert found.broken_number == 4
    assert "missing" in found.reason


def test_verify_names_an_inserted_entry(any_database: Database) -> None:
    _entries(any_database, 3)
    with any_database.engine.begin() as connection:
        connection.execute(
            insert(audit.AuditEntry).values(
                number=4,
                at_us=0,
                account_id="x",
                actor_name="x",
                address="",
                action="a:b",
                subject="",
                detail="{}",
                hash="0" * 64,
            )
        )
    with any_database.read() as session:
        assert audit.verify(session).broken_number == 4


def test_writers_side_by_side_keep_the_chain_whole(any_database: Database) -> None:
    faults: list[BaseException] = []

    def write() -> None:
        try:
            _entries(any_database, 20)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with any_database.read() as session:
        found = audit.verify(session)
    assert found.ok
    assert found.entries == 80


def test_the_outbox_keeps_order_and_forgets_what_was_sent(any_database: Database) -> None:
    for numbers in ((0, 1, 2, 3), (4,)):  # of one act, and of the next
        with any_database.act(WHO, AT) as act:
            act.audit("camera:change")
            for number in numbers:
                act.publish(CameraChanged(camera_id=str(number)))
    with any_database.read() as session:
        first = outbox.pending(session, limit=3)
        assert outbox.waiting(session)[0] == 5
    with any_database.act(WHO, AT) as act:
        outbox.mark_sent(act.session, [row.number for row in first])
    with any_database.read() as session:
        assert [decode(r.payload.encode()).camera_id for r in outbox.pending(session)] == ["3", "4"]  # type: ignore[attr-defined]


def test_commit_listeners_are_told_once_the_message_can_be_read(any_database: Database) -> None:
    seen: list[int] = []

    def listener() -> None:
        with any_database.read() as session:
            seen.append(len(outbox.pending(session)))

    any_database.on_commit(listener)
    with any_database.act(WHO, AT) as act:
        act.audit("camera:add")
        act.publish(CameraChanged(camera_id="a"))
    assert seen == [1]


def test_what_an_act_has_read_stays_so_until_it_commits(any_database: Database) -> None:
    """Two that read a number and write it back plus one: on an engine that lets both in, one of them is lost."""
    read, counted = threading.Barrier(2), [0]

    def count() -> None:
        with any_database.act(WHO, AT) as act:
            seen = act.session.scalar(select(func.count()).select_from(OutboxMessage)) or 0
            with contextlib.suppress(threading.BrokenBarrierError):
                read.wait(0.3)  # the other reads meanwhile, if it is let in
            counted[0] = max(counted[0], seen + 1)
            act.publish(SiteChanged(site_id=f"s{seen}"))
            act.audit("test:count")

    threads = [threading.Thread(target=count) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted == [2]


def test_who_waits_too_long_for_its_turn_is_told_so(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("manara.store.database.BUSY_TIMEOUT_S", 1)
    any_database.engine.dispose()  # SQLite is told of the wait when it connects
    told: list[str] = []

    def second() -> None:
        try:
            with any_database.act(WHO, AT) as act:
                act.session.scalar(select(func.count()).select_from(OutboxMessage))
        except Unavailable as error:
            told.append(error.code)

    with any_database.act(WHO, AT) as act:
        act.session.scalar(select(func.count()).select_from(OutboxMessage))
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert told == ["store_busy"]
    _entries(any_database, 1)  # and the next one's turn comes
