"""A whole `manara up` in processes of its own, for tests that kill parts of it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from manara.access.who import Who
from manara.app.data import open_state
from manara.network import actions
from manara.settings import Settings, load
from manara.store.nats_server import free_port
from manara.store.secret import SecretBox
from tests.support.patience import LONG_S


def until(condition: Callable[[], Any], what: str, timeout_s: float = LONG_S) -> Any:
    """Wait for a condition; what it answered."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline_s:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(0.05)


class Running:
    """`manara up` on a data folder. `cameras` is {code: RTSP address}, seeded before it starts."""

    def __init__(self, folder: Path, cameras: dict[str, str] | None = None, recorders: int = 1) -> None:
        self.folder = folder
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "manara.toml").write_text(
            f"[recorder]\nprocesses = {recorders}\nbackoff_max_s = 1\nsync_interval_s = 0.5\n"
            f"[web]\nport = {self.port}\n",
            encoding="utf-8",
        )
        self.settings: Settings = load(folder / "manara.toml", environ={}, flags={"data": {"directory": str(folder)}})
        self.camera_ids: dict[str, str] = {}
        if cameras:
            self._seed(cameras)
        self.process: subprocess.Popen[str] | None = None

    def _seed(self, cameras: dict[str, str]) -> None:
        database = open_state(self.settings)
        box = SecretBox.from_file(self.folder / "secret.key")
        rows = [
            {
                "code": code,
                "name_ar": code,
                "name_en": code,
                "kind": "fixed",
                "lat": 31.05,
                "lon": 46.26,
                "main_url": url,
            }
            for code, url in cameras.items()
        ]
        actions.seed(database, box, Who.system("test"), datetime.now(UTC), cameras=rows)
        database.close()

    def __enter__(self) -> "Running":
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "manara.cli", "--settings", str(self.folder / "manara.toml"),
                "--data", str(self.folder), "up",
            ],
            stdout=subprocess.PIPE,
            stderr=(self.folder / "up.log").open("w"),
            text=True,
        )  # fmt: skip
        until(self.answers, "the web answers")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
                raise
        if self.process.stdout is not None:
            self.process.stdout.close()
        if error is not None:
            print((self.folder / "up.log").read_text()[-6000:])

    def answers(self) -> bool:
        """Whether the web answers."""
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "up.log").read_text()[-3000:]
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/api/health", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def processes(self) -> dict[str, dict[str, Any]]:
        """What the supervisor tells of its roles."""
        told = json.loads((self.folder / "run" / "supervisor.json").read_text())
        return {process["name"]: process for process in told["processes"]}

    def kill(self, name: str) -> int:
        """SIGKILL a role; its process id."""
        pid = int(self.processes()[name]["pid"])
        os.kill(pid, signal.SIGKILL)
        return pid

    def back(self, name: str, killed: int) -> bool:
        """Whether another process plays the role."""
        process = self.processes()[name]
        return process["state"] == "running" and process["pid"] not in (None, killed)

    def frames(self, recorder: str = "recorder-1") -> int:
        """Frames that a recorder has read of all its streams since they opened, by its own word."""
        return sum(stream["frames"] for stream in self.status(recorder)["streams"])

    def status(self, recorder: str = "recorder-1") -> dict[str, Any]:
        """A recorder's own word, asked at its socket; empty while it does not answer."""
        empty: dict[str, Any] = {"streams": [], "counters": {}, "pid": 0}
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(2)
            try:
                door.connect(str(self.folder / "run" / f"{recorder}.sock"))
                door.sendall(b'{"op":"status"}\n')
                head = _exactly(door, 5)
                answer: dict[str, Any] = json.loads(_exactly(door, int.from_bytes(head[:4], "big")))
            except (OSError, EOFError, ValueError):
                return empty
            return answer


def _exactly(door: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = door.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data
