"""What the archive asks of the operating system, in one place, so that a test can make a disk full, broken or slow.

No decisions here. Every method may block for as long as the disk does and raises `OSError`: it is called only from the
threads of that disk.
"""

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path

from manara.formats.frames import Buffer

IOV_MAX = 1024

_libc = ctypes.CDLL(None, use_errno=True)
_syncfs = getattr(_libc, "syncfs", None)


class DiskIO:
    """The system calls of one disk."""

    def open_new(self, path: Path) -> int:
        """A file descriptor of a file that was not there; its folders are made. Raises `FileExistsError`, `OSError`."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            return os.open(path, flags, 0o640)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(path, flags, 0o640)

    def writev(self, fd: int, buffers: Sequence[Buffer]) -> int:
        """Write at the end of what was written; the number of bytes taken may be less than offered."""
        return os.writev(fd, buffers)

    def truncate(self, fd: int, size_bytes: int) -> None:
        """Cut a file."""
        os.ftruncate(fd, size_bytes)

    def close(self, fd: int) -> None:
        """Close a file."""
        os.close(fd)

    def sync(self, folder: Path) -> None:
        """All that was written to the file system of `folder`, names included, reaches the platter."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if _syncfs is None:
                os.sync()  # no syncfs on this system: all file systems then, rather than none
            elif _syncfs(fd) != 0:
                error = ctypes.get_errno()
                raise OSError(error, os.strerror(error), str(folder))
        finally:
            os.close(fd)

    def sync_folder(self, folder: Path) -> None:
        """The names in one folder reach the platter."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def unlink(self, path: Path) -> None:
        """Remove a file; one that is gone already is fine."""
        path.unlink(missing_ok=True)

    def space(self, folder: Path) -> tuple[int, int]:
        """(total, free) bytes of the file system, free as we may use it."""
        told = os.statvfs(folder)
        return told.f_blocks * told.f_frsize, told.f_bavail * told.f_frsize

    def probe(self, folder: Path) -> None:
        """Write, sync and remove a small file: returns where the disk works again."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / ".manara-probe"
        self.unlink(path)
        fd = self.open_new(path)
        try:
            if self.writev(fd, [bytes(4096)]) != 4096:
                raise OSError(28, "short write", str(path))
            os.fsync(fd)
        finally:
            self.close(fd)
            self.unlink(path)


def write_all(io: DiskIO, fd: int, buffers: Sequence[Buffer]) -> None:
    """Write every buffer: one call where the system takes it all, more where it takes part. Raises `OSError`."""
    left: list[Buffer] = [part for part in buffers if len(part)]
    while left:
        taken = io.writev(fd, left[:IOV_MAX])
        if taken <= 0:
            raise OSError(28, "the disk took nothing")
        while taken and taken >= len(left[0]):
            taken -= len(left.pop(0))
        if taken:
            left[0] = memoryview(left[0])[taken:]
