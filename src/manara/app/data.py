"""The state as every command finds it: the newest schema, the key and the first administrator made where missing."""

from alembic.util import CommandError
from sqlalchemy import inspect

from manara.access.accounts import create_first_administrator
from manara.app.folders import Folders
from manara.base.clock import Clock, to_datetime
from manara.base.errors import SettingsError
from manara.settings import Settings
from manara.store.base import Base
from manara.store.database import Database
from manara.store.secret import SecretBox


def open_state(settings: Settings) -> Database:
    """The state database, brought to the newest schema. Raises `SettingsError` (code `other_version`) where another
    version of the program made it and this one cannot use it.
    """
    database = Database(settings.store_url())
    try:
        database.migrate()
        missing = _missing(database)
    except CommandError as error:  # a revision that this program does not know
        database.close()
        raise _other_version(settings, str(error)) from error
    if missing:
        database.close()
        raise _other_version(settings, f"missing there: {', '.join(missing[:5])}")
    return database


def _missing(database: Database) -> list[str]:
    """Tables and columns that this program wants and the database lacks."""
    there = inspect(database.engine)
    tables = set(there.get_table_names())
    missing = []
    for table in Base.metadata.sorted_tables:
        if table.name not in tables:
            missing.append(table.name)
            continue
        columns = {column["name"] for column in there.get_columns(table.name)}
        missing += [f"{table.name}.{column.name}" for column in table.columns if column.name not in columns]
    return missing


def _other_version(settings: Settings, why: str) -> SettingsError:
    return SettingsError(
        f"the state in {settings.data.directory} was made by another version of Manara ({why}); "
        "start that version, or name another folder with --data",
        code="other_version",
    )


def prepare(settings: Settings, clock: Clock) -> str | None:
    """Make the state, the key and the first administrator where they are missing; returns its one-time password."""
    folders = Folders.of(settings)
    SecretBox.from_file(folders.key)
    database = open_state(settings)
    try:
        return create_first_administrator(database, to_datetime(clock.wall_us()))
    finally:
        database.close()
