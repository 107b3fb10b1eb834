"""The data folder: its parts and modes. Used by every role; knows no database, so that recorders start quickly."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from manara.base.errors import Conflict, SettingsError
from manara.settings import Settings
from manara.store.nats_server import JournalAddress


@dataclass(frozen=True, slots=True)
class Folders:
    """Where things lie under the data folder."""

    data: Path

    @classmethod
    def of(cls, settings: Settings) -> "Folders":
        """The folders of an installation, made where they are missing. Raises `SettingsError` if they cannot be."""
        folders = cls(settings.data.directory.absolute())
        for folder, mode in ((folders.data, 0o700), (folders.run, 0o700), (folders.logs, 0o700)):
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=mode)
            except OSError as error:
                raise SettingsError(
                    f"data.directory: {folder} cannot be made: {error.strerror}", code="data_folder"
                ) from error
        if not os.access(folders.data, os.W_OK):
            raise SettingsError(f"data.directory: {folders.data} cannot be written", code="data_folder")
        return folders

    @property
    def run(self) -> Path:
        """Sockets and what one run tells another (mode 0700)."""
        return self.data / "run"

    @property
    def logs(self) -> Path:
        """Log files."""
        return self.data / "logs"

    @property
    def key(self) -> Path:
        """The key that seals camera passwords."""
        return self.data / "secret.key"


def journal_address(settings: Settings) -> JournalAddress:
    """Where the journal is: the one named in the settings, or the one that `manara up` started for this data folder."""
    if settings.journal.url:
        return JournalAddress(settings.journal.url, "", "")
    return JournalAddress.read(Folders.of(settings).run)


class OnlyOne:
    """A lock that two supervisors of one data folder cannot both hold; the kernel lets go of it when we end."""

    def __init__(self, folders: Folders) -> None:
        self._handle = os.open(folders.run / "supervisor.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._handle)
            raise Conflict(f"Manara runs already on {folders.data}.", code="already_running") from error

    def release(self) -> None:
        """Let go."""
        os.close(self._handle)
