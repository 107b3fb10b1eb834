"""A real PostgreSQL in a temporary folder, started for the suite and gone with it."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DEBIAN = Path("/usr/lib/postgresql")


def find_binaries() -> Path | None:
    """The folder that holds `initdb` and `postgres`, newest version first; None where there is none."""
    for version in sorted(_DEBIAN.glob("*/bin"), reverse=True):
        if (version / "initdb").exists() and (version / "postgres").exists():
            return version
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@contextmanager
def running(binaries: Path) -> Iterator[str]:
    """A cluster on a free loopback port; yields its SQLAlchemy address."""
    folder = Path(tempfile.mkdtemp(prefix="manara-pg-"))
    as_root = os.geteuid() == 0
    user = "postgres" if as_root else None
    if as_root:
        shutil.chown(folder, "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def call(*command: str) -> None:
        subprocess.run(command, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    data = folder / "data"
    call(str(binaries / "initdb"), "-D", str(data), "-U", "manara", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    call(str(binaries / "pg_ctl"), "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start")
    try:
        yield f"postgresql+psycopg://manara@127.0.0.1:{port}/postgres"
    finally:
        call(str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
