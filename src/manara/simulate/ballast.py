"""A recording disk that is really full: a file of ballast beside the recordings, on small disks only.

Refuses disks of more than `MOST_DISK_BYTES`, since nobody's own disk is to be filled for a demonstration. Retention
makes room by deleting what is old, and the ballast takes that room again each second, so that the disk stays full until
it is freed. Called by `trouble.py` through `played.py`.
"""

import os
import shutil
from pathlib import Path

from manara.base.errors import InvalidInput

MOST_DISK_BYTES = 4_000_000_000
_LEAVE_BYTES = 65_536


class Ballast:
    """The ballast on one recording disk; every recorder of this machine writes there."""

    def __init__(self, disk: Path) -> None:
        self._disk = disk
        self._file = disk / "ballast.simulated"
        self._full: set[str] = set()

    def fill(self, recorder: str) -> None:
        """Take all the room there is. Raises `InvalidInput` where the disk is too large for that."""
        try:
            total = shutil.disk_usage(self._disk).total
        except OSError as error:
            raise InvalidInput(f"{self._disk}: {error.strerror}", code="fault_place") from error
        if total > MOST_DISK_BYTES:
            raise InvalidInput(
                f"{self._disk} is a disk of {total / 1e9:.0f} GB and will not be filled; record onto one of at most "
                f"{MOST_DISK_BYTES / 1e9:.0f} GB to see this (docs/guide/simulate.md).",
                code="fault_place",
            )
        self._full.add(recorder)
        self.keep()

    def free(self, recorder: str) -> None:
        """Give the room back."""
        self._full.discard(recorder)
        if not self._full:
            self._file.unlink(missing_ok=True)

    def keep(self) -> None:
        """Take what has become free since."""
        if not self._full:
            return
        free = shutil.disk_usage(self._disk).free - _LEAVE_BYTES
        if free <= 0:
            return
        handle = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(handle, os.fstat(handle).st_size, free)
        except OSError:  # somebody else took the room first: it is full, which is what was wanted
            return
        finally:
            os.close(handle)
