"""What recorders measure: states at once, measurements now and then, and never an old status for a present one."""

from typing import Any

import pytest

from manara.base.clock import FakeClock
from manara.messages import DiskStatus, RecorderStatus, StreamStatus
from manara.web.live import Hub
from manara.web.statuses import MEASURES_S, SILENT_S, Statuses


class Rig:
    """A hub with camera `c`, and recorders that tell."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.hub = Hub(self.clock, {})
        self.statuses = Statuses(self.hub, self.clock)
        self.hub.put("camera", "c", {"id": "c", "sector_id": None})

    def tell(self, recorder: str = "r1", *, complete: bool = False, disks: Any = (), **fields: Any) -> int:
        """A second of a recorder; returns how many changes the screens got."""
        before = self.hub.seq
        known = {"camera_id": "c", "stream": "main", "state": "recording", "recorder_id": recorder}
        streams = [StreamStatus(**(known | fields))] if fields.get("state") != "none" else []
        self.statuses.take(
            RecorderStatus(recorder_id=recorder, at_us=1, complete=complete, streams=streams, disks=list(disks))
        )
        return self.hub.seq - before

    @property
    def main(self) -> dict[str, Any]:
        """What the screens show."""
        value = self.hub.value("status", "c") or {}
        return dict(value.get("main", {}))


@pytest.fixture
def rig() -> Rig:
    """A fresh rig."""
    return Rig()


def test_a_state_is_shown_at_once_and_measurements_now_and_then(rig: Rig) -> None:
    assert rig.tell(bitrate_bps=1) == 1
    assert rig.tell(bitrate_bps=2) == 0
    assert rig.tell(bitrate_bps=3, cause="timeout", state="lost") == 1
    assert rig.main["state"] == "lost"
    rig.clock.advance(MEASURES_S)
    assert rig.tell(bitrate_bps=4, cause="timeout", state="lost") == 1
    assert rig.main["bitrate_bps"] == 4


def test_silence_is_lost_and_speech_is_not(rig: Rig) -> None:
    rig.tell()
    rig.clock.advance(SILENT_S - 1)
    rig.statuses.tick()
    assert rig.main["state"] == "recording"
    rig.clock.advance(2)
    rig.statuses.tick()
    assert (rig.main["state"], rig.main["cause"]) == ("lost", "recorder_silent")
    assert rig.clock.wall_us() - rig.main["since_us"] == round((SILENT_S + 1) * 1e6)
    assert rig.statuses.recorder_of("c") is None
    rig.tell()
    assert rig.main["state"] == "recording"
    assert rig.statuses.recorder_of("c") == "r1"


def test_a_camera_that_another_recorder_took_is_not_lost_with_the_first(rig: Rig) -> None:
    rig.tell("r1")
    rig.clock.advance(4)
    rig.tell("r2")
    rig.clock.advance(2)
    rig.tell("r2", state="recording")
    rig.statuses.tick()
    assert (rig.main["state"], rig.main["recorder_id"]) == ("recording", "r2")


def test_a_stream_that_a_recorder_no_longer_lists_goes(rig: Rig) -> None:
    rig.tell()
    rig.tell(stream="sub")
    rig.tell(complete=True)
    assert set(rig.hub.value("status", "c") or {}) == {"main"}
    rig.tell(complete=True, state="none")
    assert rig.hub.value("status", "c") is None


def test_cameras_that_nobody_knows_are_counted_and_forgotten(rig: Rig) -> None:
    rig.tell(camera_id="gone")
    assert rig.statuses.unknown_cameras == 1
    rig.tell()
    rig.hub.delete("camera", "c")
    rig.statuses.tick()
    assert rig.statuses.recorder_of("c") is None
    assert rig.hub.ids("status") == []


def test_the_worst_word_about_a_disk_counts(rig: Rig) -> None:
    rig.tell("r1", disks=[DiskStatus(path="/a", write_bytes_per_s=1_000_000), DiskStatus(path="/b")])
    rig.tell("r2", disks=[DiskStatus(path="/a", state="failed", cause="EIO", write_bytes_per_s=1_000_000)])
    shown = rig.statuses.disks()
    told = [(disk["path"], disk["state"], disk["cause"]) for disk in shown]
    assert told == [("/a", "failed", "EIO"), ("/b", "ok", "")]
    assert shown[0]["write_mbps"] == 16.0
