"""Between a camera's fault and the operator's screen somebody is killed; the alarm comes all the same, and once.

A whole `manara up` with real cameras on real RTSP. The stream of a camera stops; journal and health, then control with
the browser's connection, are killed with SIGKILL while nobody has been told yet.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from manara.access.accounts import add_account
from manara.access.roles import Role
from manara.access.who import Who
from manara.app.data import open_state
from manara.network.tables import Camera
from manara.simulate.kit import CameraThread
from manara.simulate.rtsp_server import RtspServer
from tests.app.running import Running, until

CAMERAS = 4
PASSWORD = "lighthouse-test"
ALARM_S = 60.0


@pytest.fixture
def cameras() -> Iterator[RtspServer]:
    with CameraThread(CAMERAS) as server:
        yield server


class Desk:
    """An operator's browser: a session, the snapshot, the changes."""

    def __init__(self, running: Running) -> None:
        self.base = f"http://127.0.0.1:{running.port}"
        self.client = httpx.Client(base_url=self.base, timeout=10, headers={"X-Manara": "1"})
        self.client.post("/api/session", json={"account": "operator", "password": PASSWORD}).raise_for_status()

    def alarms(self, camera_id: str) -> list[dict[str, Any]]:
        """The alarms of a camera, as the snapshot has them; none while nobody answers."""
        try:
            snapshot = self.client.get("/api/snapshot").raise_for_status().json()
        except httpx.HTTPError:
            return []
        return [one for one in snapshot["alarms"] if camera_id in one["camera_ids"]]

    def changes(self) -> Any:
        """The socket of changes, from now on."""
        snapshot = self.client.get("/api/snapshot").json()
        cookie = "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())
        url = f"{self.base.replace('http', 'ws')}/api/changes?epoch={snapshot['epoch']}&after={snapshot['seq']}"
        return connect(url, additional_headers={"Cookie": cookie, "Origin": self.base})


def _add_operator(running: Running) -> None:
    database = open_state(running.settings)
    account = {"account": "operator", "name": "Operator", "roles": [Role.OPERATOR], "password": PASSWORD}
    add_account(database, Who.system("test"), datetime.now(UTC), account, must_change=False)
    database.close()


def _quick_stall(running: Running) -> None:
    file = running.folder / "manara.toml"
    file.write_text(
        file.read_text(encoding="utf-8").replace("[recorder]\n", "[recorder]\nstall_s = 2\n"), encoding="utf-8"
    )


def _told(socket: Any, camera_id: str) -> Callable[[], bool]:
    """Whether the socket has brought an alarm of the camera, or has ended."""

    def ask() -> bool:
        try:
            told = json.loads(socket.recv(timeout=0.2))
        except TimeoutError:
            return False
        except ConnectionClosed:
            return True
        changes = told.get("changes", ())
        return any(
            one["kind"] == "alarm" and camera_id in (one["value"] or {}).get("camera_ids", ()) for one in changes
        )

    return ask


def test_whoever_is_killed_on_the_way_the_alarm_comes_and_comes_once(tmp_path: Path, cameras: RtspServer) -> None:
    codes = sorted(cameras.cameras)
    running = Running(tmp_path, {code: cameras.url(code) for code in codes})
    _quick_stall(running)
    _add_operator(running)
    with running:
        until(
            lambda: len([one for one in running.status()["streams"] if one["state"] == "recording"]) == CAMERAS,
            "record",
        )
        ids = _ids(running)
        desk = Desk(running)

        cameras.cameras[codes[0]].faults.order("silent")
        killed = {name: running.kill(name) for name in ("journal", "health")}
        until(lambda: desk.alarms(ids[codes[0]]), "the alarm, though journal and health were killed", ALARM_S)
        assert all(running.back(name, pid) for name, pid in killed.items())

        with desk.changes() as socket:
            cameras.cameras[codes[1]].faults.order("silent")
            pid = running.kill("control")
            until(_told(socket, ids[codes[1]]), "the browser's connection ends")
        until(lambda: running.back("control", pid) and running.answers(), "control is back", 40)
        until(lambda: desk.alarms(ids[codes[1]]), "the alarm, though control was killed", ALARM_S)

        with desk.changes() as socket:
            cameras.cameras[codes[2]].faults.order("silent")
            until(_told(socket, ids[codes[2]]), "the alarm comes to a browser that looks", ALARM_S)

        for code in codes[:3]:
            assert len(desk.alarms(ids[code])) == 1, code
        assert desk.alarms(ids[codes[3]]) == []


def _ids(running: Running) -> dict[str, str]:
    database = open_state(running.settings)
    with database.read() as session:
        found = {code: row_id for code, row_id in session.execute(select(Camera.code, Camera.id))}
    database.close()
    return found
