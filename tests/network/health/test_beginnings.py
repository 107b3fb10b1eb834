"""A first start opens no causes for what only comes late; what was well before is judged at once."""

from manara.messages import Reading, RecorderStatus, StreamStateChanged, StreamStatus
from manara.network.health.beginnings import START_S, Beginnings
from manara.network.health.conditions import S
from manara.network.health.monitor import Monitor
from manara.network.health.telemetry_rules import DeviceLook
from tests.network.health.world import EVENING_US, topology


class First:
    """A monitor at its first start, or after a restart with what it knew."""

    def __init__(self, known: set[str] | None = None) -> None:
        self.monitor = Monitor(topology(), EVENING_US, beginnings=Beginnings(True, known or set()))
        self.now_s = 0
        for camera in topology().cameras:
            if not camera.startswith("market") and camera not in ("gate1", "gate2"):
                self.stream(camera, "recording")

    @property
    def now_us(self) -> int:
        return EVENING_US + self.now_s * S

    def go(self, to_s: int) -> set[str]:
        """Time passes; what is open then."""
        while self.now_s < to_s:
            self.now_s += 1
            self.monitor.status(RecorderStatus(recorder_id="recorder-1", at_us=self.now_us), self.now_us)
            self.monitor.step(self.now_us)
        return {f"{cause.kind} {cause.subject}" for cause in self.monitor.engine.open.values()}

    def stream(self, camera: str, state: str, last_frame_us: int = 0) -> None:
        cause = "none" if state == "recording" else "timeout"
        told = StreamStatus(
            camera_id=camera, stream="main", state=state, cause=cause, since_us=self.now_us,
            last_frame_us=last_frame_us, recorder_id="recorder-1",
        )  # fmt: skip
        status = RecorderStatus(recorder_id="recorder-1", at_us=self.now_us, streams=[told])
        self.monitor.status(status, self.now_us)

    def reading(self, site: str, subject: str, quantity: str, value: float) -> None:
        told = Reading(site_id=site, subject=subject, quantity=quantity, value=value, at_us=self.now_us)
        self.monitor.readings([told], self.now_us)


def everything_late(first: First) -> None:
    """Cameras that are tried in vain, a link and a switch that are not up yet, boxes that nobody heard."""
    for number in range(1, 5):
        first.stream(f"market{number}", "lost")
    for camera in ("gate1", "gate2"):
        first.stream(camera, "lost")
    first.reading("hub", "link:hub-market", "link_up", 0)
    first.reading("market", "switch:sw-market", "switch_up", 0)
    first.monitor.devices([DeviceLook("rtu-market", "market", "unreadable", first.now_us, "timeout")], first.now_us)


def test_what_comes_late_at_a_first_start_is_no_fault() -> None:
    first = First()
    everything_late(first)
    assert not first.go(60)
    for number in range(1, 5):
        first.stream(f"market{number}", "recording")
    first.stream("gate1", "recording")
    first.stream("gate2", "recording")
    first.reading("hub", "link:hub-market", "link_up", 1)
    first.reading("market", "switch:sw-market", "switch_up", 1)
    first.monitor.devices([DeviceLook("rtu-market", "market", "ok", first.now_us)], first.now_us)
    assert not first.go(int(START_S) + 60)


def test_what_was_well_once_is_judged_at_once_within_the_same_minutes() -> None:
    first = First()
    first.stream("gate1", "recording")
    first.go(20)
    everything_late(first)
    assert first.go(25) == {"camera_dead camera:gate1"}


def test_what_played_for_its_recorder_before_health_was_there_is_judged_at_once() -> None:
    first = First()
    first.stream("gate1", "lost", last_frame_us=first.now_us - 3_000_000)
    first.stream("gate2", "lost")
    assert first.go(25) == {"camera_dead camera:gate1"}


def test_that_it_played_may_be_told_after_that_it_was_lost() -> None:
    first = First()
    lost = StreamStateChanged(
        camera_id="gate1", stream="main", state="lost", cause="timeout", since_us=first.now_us, recorder_id="recorder-1"
    )
    first.monitor.stream_state(lost, first.now_us)  # the fact is quicker than the recorder's status, and says less
    assert not first.go(5)
    first.stream("gate1", "lost", last_frame_us=first.now_us - 3_000_000)
    assert first.go(10) == {"camera_dead camera:gate1"}


def test_what_never_comes_is_told_when_its_time_is_over() -> None:
    first = First()
    everything_late(first)
    assert not first.go(int(START_S) - 5)
    assert first.go(int(START_S) + 40) == {
        "camera_dead camera:gate1",
        "camera_dead camera:gate2",
        "site_isolated site:market",
    }


def test_a_restart_silences_nothing_that_was_well_before() -> None:
    before = First()
    before.stream("gate1", "recording")
    before.reading("hub", "link:hub-market", "link_up", 1)
    before.go(5)
    assert before.monitor.beginnings.changed
    again = First(before.monitor.beginnings.known)
    again.stream("gate1", "lost")
    again.stream("gate2", "lost")
    again.reading("hub", "link:hub-market", "link_up", 0)
    assert again.go(20) == {"camera_dead camera:gate1", "ring_open link:hub-market"}
