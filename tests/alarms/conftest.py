"""What the tests of alarms share."""

import pytest

from manara.store.database import Database
from tests.alarms.duty_world import DutyWorld


@pytest.fixture
def room(database: Database) -> DutyWorld:
    """A control room on a fake clock, without consoles yet."""
    return DutyWorld(database)
