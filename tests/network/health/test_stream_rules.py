"""What a stream's status says: lost, refused, out of its own normal."""

import math
from datetime import UTC

import msgspec
import pytest

from manara.messages import StreamStatus
from manara.network.health.conditions import Latches, S
from manara.network.health.normals import ENOUGH, Learned, dump, load, shown
from manara.network.health.stream_rules import StreamRules

CAMERA = "camera:c1"
NIGHT_US = 1_780_000_000 * S


class Rules:
    """The rules of one camera, told a status a second."""

    def __init__(self) -> None:
        self.latches = Latches()
        self.rules = StreamRules(self.latches, UTC)
        self.now_us = NIGHT_US
        self.status = StreamStatus(
            camera_id="c1", stream="main", state="recording", bitrate_bps=2_000_000, frame_rate_hz=15.0, gop_s=2.0
        )

    def tell(self, seconds: int = 1, **changes: object) -> None:
        """The status, with changes, for so many seconds."""
        self.status = msgspec.structs.replace(self.status, **changes)  # type: ignore[arg-type]
        for _ in range(seconds):
            self.now_us += S
            self.rules.feed(self.status, self.now_us)
            self.rules.tick(self.now_us)
            self.latches.tick(self.now_us)

    def learn(self, hours: int = 24) -> None:
        """Half-hourly values of some nights at the hour of the test."""
        learned = {"bitrate": Learned(), "frame_rate": Learned(), "gop": Learned()}
        for hour in range(hours):
            for day in range(ENOUGH + 4):
                at_s = 1000 + day * 86_400 + hour * 3600.0
                learned["bitrate"].learn(math.log(2_000_000 * (1 + 0.05 * (day % 3))), hour, at_s)
                learned["frame_rate"].learn(15.0, hour, at_s)
                learned["gop"].learn(math.log(2.0), hour, at_s)
        self.rules.normals["c1"] = learned

    @property
    def kinds(self) -> set[str]:
        """What is so now."""
        return {kind for kind, _ in self.latches.active}


def test_lost_video_is_a_condition_in_the_second_in_which_it_is_told() -> None:
    rules = Rules()
    rules.tell(60)
    rules.tell(1, state="lost", cause="stalled", since_us=rules.now_us - 10 * S)
    assert rules.kinds == {"video_lost"}
    condition = rules.latches.active["video_lost", CAMERA]
    assert condition.detail["cause"] == "stalled"
    assert condition.since_us == rules.now_us - 11 * S
    rules.tell(2, state="recording", cause="none")
    assert rules.kinds == {"video_lost"}, "two seconds of video are not believed yet"
    rules.tell(3)
    assert not rules.kinds


def test_connecting_keeps_what_was_so_and_is_lost_when_it_takes_too_long() -> None:
    rules = Rules()
    rules.tell(20, state="connecting")
    assert not rules.kinds
    rules.tell(10)
    assert rules.kinds == {"video_lost"}


def test_a_refusal_is_not_a_loss() -> None:
    rules = Rules()
    rules.tell(1, state="lost", cause="timeout")
    rules.tell(1, state="refused", cause="unauthorized")
    assert rules.kinds == {"video_refused"}


def test_a_stream_that_comes_and_goes_is_one_loss_and_told_to_restart() -> None:
    rules = Rules()
    for again in range(1, 8):
        rules.tell(8, state="recording", cause="none", reconnects=again)
        rules.tell(4, state="lost", cause="stalled")
    assert "stream_restarts" in rules.kinds
    began = [one for one in rules.latches.take()[0] if one.kind == "video_lost"]
    assert len(began) <= 4, "once it restarts all the time, its comings are waited out"


def test_rates_are_judged_against_the_cameras_own_normal() -> None:
    rules = Rules()
    rules.tell(400, bitrate_bps=150_000, frame_rate_hz=4.0)
    assert not rules.kinds, "nothing is known of what is normal"
    rules = Rules()
    rules.learn()
    rules.tell(400)
    assert not rules.kinds
    rules.tell(200, bitrate_bps=150_000, frame_rate_hz=4.0, gop_s=8.0)
    assert rules.kinds == {"bitrate_abnormal", "frame_rate_low", "gop_changed"}
    rules.tell(200, bitrate_bps=2_100_000, frame_rate_hz=15.0, gop_s=2.0)
    assert not rules.kinds


def test_a_site_that_sheds_load_is_meant_to_give_less() -> None:
    rules = Rules()
    rules.learn()
    rules.rules.shedding.add("c1")
    rules.tell(400, frame_rate_hz=5.0, bitrate_bps=400_000)
    assert not rules.kinds


def test_lost_packets_count_by_their_share() -> None:
    rules = Rules()
    rules.tell(60)
    for second in range(120):
        rules.tell(1, packets_lost=second * 10)  # of about 208 a second
    assert rules.kinds == {"packet_loss"}
    rules.tell(120)
    assert not rules.kinds


def test_a_clock_that_runs_away_and_is_set() -> None:
    rules = Rules()
    rules.tell(90, drift_ms=-2600.0)
    assert rules.kinds == {"clock_drift"}
    rules.tell(90, drift_ms=1500.0)
    assert rules.kinds == {"clock_drift"}, "between its limits it stays what it is"
    rules.tell(90, drift_ms=20.0)
    assert not rules.kinds


def test_normals_are_kept_and_read_again() -> None:
    rules = Rules()
    rules.learn()
    again = load(dump(rules.rules.normals))
    before = rules.rules.normals["c1"]["bitrate"].normal(3)
    after = again["c1"]["bitrate"].normal(3)
    assert before is not None
    assert after is not None
    assert after.value == pytest.approx(before.value)
    assert shown(again["c1"])["frame_rate_hz"][5] == 15.0
    with pytest.raises(msgspec.MsgspecError):
        load(b"\x00garbage")


def test_one_bad_night_does_not_move_what_is_normal() -> None:
    learned = Learned()
    for day in range(14):
        learned.learn(900.0 if day == 7 else 100.0 + day % 2, 2, day * 86_400.0 + 7200)
    normal = learned.normal(2)
    assert normal is not None
    assert 99 < normal.value < 102
    assert normal.sigma < 2


def test_what_a_site_sheds_is_not_lost() -> None:
    rules = Rules()
    rules.learn()
    rules.tell(60)
    rules.tell(600, state="stopped", cause="shed", bitrate_bps=0, frame_rate_hz=0.0)
    assert rules.kinds == set()
    rules.tell(5, state="connecting", cause="none")
    rules.tell(60, state="recording", bitrate_bps=2_000_000, frame_rate_hz=15.0)
    assert rules.kinds == set()
    rules.tell(1, state="lost", cause="stalled")
    assert rules.kinds == {"video_lost"}
