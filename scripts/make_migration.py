"""Write a new migration from the difference between the models and the newest revision: `make_migration.py MESSAGE`."""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

import manara.access.tables
import manara.network.tables
import manara.recorder.tables  # noqa: F401  (the whole schema must be known to compare it)
from manara.store import database as database_module
from manara.store.database import Database


def main() -> None:
    """Bring an empty SQLite state to the newest revision, compare, and write what is missing."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/state.sqlite")
        config = Config()
        config.set_main_option("script_location", str(Path(database_module.__file__).parent / "migrations"))
        database.migrate()
        with database.engine.connect() as connection:
            config.attributes["connection"] = connection
            command.revision(config, message=sys.argv[1], autogenerate=True)


if __name__ == "__main__":
    main()
