"""The state: one engine, read sessions and acting transactions, on SQLite or PostgreSQL through the same models.

`Database.act` is the only way to write; see `store/act.py`. `Database.read` gives a session that never writes. Writers
queue, on both engines: what an act reads stays so until it commits, and nobody's change is written over. On SQLite a
write transaction begins IMMEDIATE, on PostgreSQL with one advisory lock (each act would queue for the audit chain at
its end anyway). Commits are synchronous (an audit entry that was acknowledged survives a power cut). Called by all
rooms; tells `on_commit` listeners (the outbox relay).
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from manara.base.errors import Unavailable
from manara.store.act import Act, Actor
from manara.store.base import Base

__all__ = ["Base", "Database"]

BUSY_TIMEOUT_S = 10
STALLED_S = 60  # a writer that does nothing for so long within its transaction (a frozen machine) loses its turn
_TURN = 0x4D414E41  # the advisory lock of whoever writes
_MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """The state. Thread-safe; one for a process."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        if self.url.get_backend_name() == "sqlite":
            if self.url.database and self.url.database != ":memory:":
                Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
            self.engine: Engine = create_engine(
                self.url, connect_args={"timeout": BUSY_TIMEOUT_S}, hide_parameters=True
            )
            _prepare_sqlite(self.engine)
        else:
            self.engine = create_engine(
                self.url, pool_pre_ping=True, pool_size=10, max_overflow=20, hide_parameters=True
            )
            _prepare_postgresql(self.engine)
        self._writer = self.engine.execution_options(manara_write=True)
        self._listeners: list[Callable[[], None]] = []
        self._local = threading.local()

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Call `listener` (from the committing thread, briefly) after each commit that published a message."""
        self._listeners.append(listener)

    @contextmanager
    def act(self, who: Actor, at: datetime) -> Iterator[Act]:
        """One transaction that commits state, audit entries and outbox messages together, or nothing at all.

        Raises `Unavailable` (code `store_busy`) when the database stays locked beyond its time-out. Acts do not nest.
        """
        if getattr(self._local, "acting", False):
            raise RuntimeError("an action began inside another: they would not commit together")
        self._local.acting = True
        try:
            with Session(self._writer, expire_on_commit=False) as session:
                act = Act(session, who, at)
                yield act
                act.finish()
                session.commit()
        except OperationalError as error:
            if any(word in str(error) for word in ("locked", "busy", "lock timeout")):
                raise Unavailable("The state is busy with another change; try again.", code="store_busy") from error
            raise
        finally:
            self._local.acting = False
        if act.published:
            for listener in self._listeners:
                listener()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading one consistent state. It is rolled back at the end, whatever was done in it."""
        with Session(self.engine, expire_on_commit=False) as session:  # closing rolls back; what was read stays usable
            yield session

    def migrate(self) -> None:
        """Bring the schema to the newest revision (a new database gets all of it)."""
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        with self._writer.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def check(self) -> None:
        """Ask the database the simplest question. Raises SQLAlchemy's error if it does not answer."""
        with self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, record: Any) -> None:
        del record
        connection.isolation_level = None  # we begin transactions ourselves, below
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_S * 1000}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("manara_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _prepare_postgresql(engine: Engine) -> None:
    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("manara_write", False):
            connection.exec_driver_sql(
                f"SET LOCAL lock_timeout = '{BUSY_TIMEOUT_S}s'; "
                f"SET LOCAL idle_in_transaction_session_timeout = '{STALLED_S}s'; "
                f"SELECT pg_advisory_xact_lock({_TURN})"
            )
