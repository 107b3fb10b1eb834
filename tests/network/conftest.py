"""A migrated state in a temporary folder, a box for secrets, and people."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from manara.access.roles import Role
from manara.access.who import Who
from manara.store.database import Base, Database
from manara.store.secret import SecretBox

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TECHNICIAN = Who(account_id="technician01", name="Technician", roles=frozenset({Role.TECHNICIAN}))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'state.sqlite'}")
    Base.metadata.create_all(made.engine)
    yield made
    made.close()


@pytest.fixture
def box() -> SecretBox:
    return SecretBox(b"k" * 32)


@pytest.fixture
def at() -> datetime:
    return AT


@pytest.fixture
def technician() -> Who:
    return TECHNICIAN
