"""What the whole suite shares: engines behind the state's contract, and people who act."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from manara.access.roles import Role
from manara.access.who import Who
from manara.store.database import Database
from tests.support import postgresql
from tests.support.state import migrated

AT = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Address of a real PostgreSQL, or a skip that says why."""
    binaries = postgresql.find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL's server binaries are not installed (Debian package postgresql)")
    with postgresql.running(binaries) as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_migrated(postgresql_server: str) -> str:
    """The same address; a database called `migrated` is there to be copied."""
    admin = create_engine(postgresql_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE migrated"))
    admin.dispose()
    state = Database(postgresql_server.rsplit("/", 1)[0] + "/migrated")
    state.migrate()
    state.close()
    return postgresql_server


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A migrated state on SQLite."""
    state = migrated(tmp_path / "state.sqlite")
    yield state
    state.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def any_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated state on each engine that the contract names; empty each time."""
    if request.param == "sqlite":
        state = migrated(tmp_path / "state.sqlite")
    else:
        url = request.getfixturevalue("postgresql_migrated")
        admin = create_engine(url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text("DROP DATABASE IF EXISTS manara WITH (FORCE)"))
            connection.execute(text("CREATE DATABASE manara TEMPLATE migrated"))
        admin.dispose()
        state = Database(url.rsplit("/", 1)[0] + "/manara")
    yield state
    state.close()


@pytest.fixture
def administrator() -> Who:
    """Somebody who may administer."""
    return Who("adm", "Test Administrator", frozenset({Role.ADMINISTRATOR}), None, "127.0.0.1", "s-adm")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: while Playwright lives, its event loop runs in this thread and `asyncio.run` is refused."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
