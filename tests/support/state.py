"""A migrated state without migrating: the migrations run once a process, each test copies what they made.

They are tested in `tests/contracts/test_store_contract.py`; elsewhere a tenth of a second for each of a thousand tests
is minutes. Not for tests of migrating.
"""

import shutil
import tempfile
from functools import cache
from pathlib import Path

from manara.store.database import Database


@cache
def _template() -> tempfile.TemporaryDirectory[str]:
    """A folder with one migrated, closed state; gone with the process."""
    folder = tempfile.TemporaryDirectory(prefix="manara-state-")
    made = Database(f"sqlite:///{folder.name}/state.sqlite")
    made.migrate()
    with made.engine.connect() as connection:  # all of it into the one file
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    made.close()
    return folder


def migrated(path: Path) -> Database:
    """A state at `path` with the newest schema and nothing in it; one that is there already is opened as it is."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(_template().name) / "state.sqlite", path)
    return Database(f"sqlite:///{path}")
