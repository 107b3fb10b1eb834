"""The whole of Manara, with real cameras on real RTSP; its processes are killed one after the other and come back."""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from manara.simulate.kit import CameraThread
from tests.app.running import Running, until
from tests.support.patience import patience_s

CAMERAS = 12  # random ids over 64 shards: that one of two recorders gets none happens once in 2,000 runs


@pytest.fixture
def cameras() -> Iterator[dict[str, str]]:
    with CameraThread(CAMERAS) as server:
        yield {f"CAM-{n:04d}": server.url(f"CAM-{n:04d}") for n in range(1, CAMERAS + 1)}


def recording(running: Running, recorder: str = "recorder-1") -> int:
    return sum(stream["state"] == "recording" for stream in running.status(recorder)["streams"])


def written(running: Running, recorder: str = "recorder-1") -> int:
    return int(running.status(recorder)["counters"].get("fragments_written", 0))


def test_every_role_comes_back_and_recording_goes_on(tmp_path: Path, cameras: dict[str, str]) -> None:
    with Running(tmp_path, cameras) as running:
        until(lambda: recording(running) == CAMERAS, "all cameras record")
        until(lambda: written(running) >= CAMERAS, "fragments reach the disk")

        killed = running.kill("recorder-1")
        began_s = time.monotonic()
        until(lambda: running.status()["pid"] not in (0, killed) and recording(running) == CAMERAS, "recording again")
        assert time.monotonic() - began_s < patience_s(10)
        assert running.back("recorder-1", killed)

        for name in ("health", "vision-1"):
            killed, before = running.kill(name), running.frames()
            until(lambda name=name, killed=killed: running.back(name, killed), f"{name} is back")  # type: ignore[misc]
            until(lambda before=before: running.frames() > before, "recording goes on")  # type: ignore[misc]
        assert recording(running) == CAMERAS

        killed = running.kill("control")
        before = running.frames()
        until(lambda: running.back("control", killed) and running.answers(), "the web is back")
        assert running.frames() > before, "recording did not go on while control was away"

        killed = running.kill("journal")
        before = running.frames()
        until(lambda: running.back("journal", killed), "the journal is back")
        until(lambda: running.frames() > before, "recording goes on")
        assert recording(running) == CAMERAS
        roles = running.processes()
        assert {name: role["restarts"] for name, role in roles.items()} == {
            "journal": 1,
            "control": 1,
            "recorder-1": 1,
            "health": 1,
            "vision-1": 1,
        }
        assert roles["recorder-1"]["exit_code"] == -signal.SIGKILL

        assert running.process is not None
        began_s = time.monotonic()
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(30) == 0
        assert time.monotonic() - began_s < patience_s(5)
    log = (tmp_path / "up.log").read_text()
    assert "is killed" not in log, log[-3000:]
    assert "Traceback" not in log, log[-5000:]


def test_cameras_of_a_dead_recorder_are_taken_by_the_other(tmp_path: Path, cameras: dict[str, str]) -> None:
    with Running(tmp_path, cameras, recorders=2) as running:
        until(
            lambda: (
                recording(running, "recorder-1") + recording(running, "recorder-2") == CAMERAS
                and recording(running, "recorder-1") < CAMERAS
            ),
            "both recorders share the cameras",
        )
        # A recorder that hangs is dead for the others: its heartbeat ends, and nothing starts it again.
        subprocess.run(["kill", "-STOP", str(running.processes()["recorder-1"]["pid"])], check=True)
        began_s = time.monotonic()
        until(lambda: recording(running, "recorder-2") == CAMERAS, "the other took its cameras")
        assert time.monotonic() - began_s < patience_s(10)
        subprocess.run(["kill", "-CONT", str(running.processes()["recorder-1"]["pid"])], check=True)
        until(
            lambda: 0 < recording(running, "recorder-2") < CAMERAS,
            "they share again once it is back",
        )


def test_children_end_with_their_supervisor(tmp_path: Path) -> None:
    with Running(tmp_path) as running:
        pids = [int(process["pid"]) for process in running.processes().values()]
        assert sorted(running.processes()) == ["control", "health", "journal", "recorder-1", "vision-1"]
        assert running.process is not None
        running.process.kill()
        running.process.wait(5)
        until(lambda: not any(_lives(pid) for pid in pids), "all children have ended", 6)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
