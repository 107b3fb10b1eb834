"""The state as every command finds it: the newest schema, the key and the first administrator made where missing."""

from manara.access.accounts import create_first_administrator
from manara.app.folders import Folders
from manara.base.clock import Clock, to_datetime
from manara.settings import Settings
from manara.store.database import Database
from manara.store.secret import SecretBox


def open_state(settings: Settings) -> Database:
    """The state database, brought to the newest schema."""
    database = Database(settings.store_url())
    database.migrate()
    return database


def prepare(settings: Settings, clock: Clock) -> str | None:
    """Make the state, the key and the first administrator where they are missing; returns its one-time password."""
    folders = Folders.of(settings)
    SecretBox.from_file(folders.key)
    database = open_state(settings)
    try:
        return create_first_administrator(database, to_datetime(clock.wall_us()))
    finally:
        database.close()
