"""Every frame sent is on disk once and intact: sender and recorder in processes of their own, files read by FFmpeg.

Short form here: 20 cameras for 12 s in H.264, 8 for 5 s in H.265. Long form (200 cameras for 10 minutes, issue 2):
`MANARA_LEDGER=200x600 python -m pytest tests/ledger -m slow`.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from manara.simulate.ledger import Found, Verdict, compare, read_folder, sent_from
from manara.simulate.sessions import Sent

READY_S = 60.0
BYTES_A_SECOND = 330_000  # of one camera
RESERVE_BYTES = 3_000_000_000  # what recording leaves free
TAIL_FRAMES = 30  # 2 s at 15 Hz: a clean stop loses what was on its way
# A kill loses the GOP that was open (2 s), the key frame whose arrival closes it, and what lay in the sockets (0.5 s on
# two busy cores): the sender counts a frame as sent when the kernel took it, not when the recorder saw it.
KILLED_TAIL_FRAMES = TAIL_FRAMES + 1 + 8


def _record(
    folder: Path,
    cameras: int,
    seconds: float,
    codec: str,
    end: Callable[[subprocess.Popen[bytes]], None],
    starts: int = 1,
    tail_frames: int = TAIL_FRAMES,
) -> Verdict:
    sender = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.sender", "--cameras", str(cameras), "--codec", codec],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert sender.stdout is not None
        ports = json.loads(sender.stdout.readline())
        for _ in range(starts):
            recorder = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.recorder_process", str(ports["rtsp"]), str(cameras), str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            assert recorder.stdout is not None
            assert recorder.stdout.readline() == b"ready\n"
            time.sleep(seconds / starts)  # the measured time itself, not a wait for something
            end(recorder)
            recorder.wait(15)
        url = f"http://127.0.0.1:{ports['control']}/control/sent"
        with urllib.request.urlopen(url, timeout=10) as answer:
            told = json.load(answer)
    finally:
        sender.kill()
        sender.wait()
    # Frames that a sender on a busy machine left out are numbers it says it skipped: they were never sent.
    return compare(sent_from(told["sent"]), read_folder(folder), tail_frames=tail_frames)


def _stop(recorder: subprocess.Popen[bytes]) -> None:
    recorder.send_signal(signal.SIGTERM)


@pytest.mark.parametrize(("codec", "cameras", "seconds"), [("h264", 20, 12.0), ("h265", 8, 5.0)])
def test_no_frame_is_lost_or_doubled(tmp_path: Path, codec: str, cameras: int, seconds: float) -> None:
    verdict = _record(tmp_path, cameras, seconds, codec, _stop)
    assert verdict.whole, str(verdict)
    assert verdict.found >= cameras * seconds * 15 * 0.5


def test_a_killed_recorder_loses_at_most_two_seconds_of_each_stream(tmp_path: Path) -> None:
    verdict = _record(
        tmp_path, 6, 8.0, "h264", lambda recorder: recorder.kill(), starts=2, tail_frames=KILLED_TAIL_FRAMES
    )
    assert not verdict.lost, str(verdict)
    assert not verdict.doubled, str(verdict)
    assert not verdict.damaged, str(verdict)
    assert verdict.found > 6 * 3 * 15


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_no_frame_is_lost_or_doubled_in_the_long_form(tmp_path: Path, codec: str) -> None:
    cameras, _, seconds = os.environ.get("MANARA_LEDGER", "200x600").partition("x")
    needed_bytes = int(int(cameras) * float(seconds) * BYTES_A_SECOND) + RESERVE_BYTES
    free_bytes = shutil.disk_usage(tmp_path).free
    assert free_bytes > needed_bytes, f"{needed_bytes} bytes are needed or retention makes room; {free_bytes} are free"
    try:
        verdict = _record(tmp_path / codec, int(cameras), float(seconds), codec, _stop)
    finally:
        shutil.rmtree(tmp_path / codec, ignore_errors=True)
    print(codec, verdict)
    assert verdict.whole, str(verdict)


class TestComparison:
    """The ledger itself can fail."""

    @staticmethod
    def _found(numbers: list[int]) -> Found:
        found = Found(frames=len(numbers))
        found.numbers["CAM-0001", "m"] = Counter(numbers)
        return found

    @staticmethod
    def _sent(first: int, last: int, skipped: list[int] | None = None) -> Sent:
        return Sent("CAM-0001", "main", "", first, last, last - first + 1, 0, skipped or [])

    def test_all_there(self) -> None:
        assert compare([self._sent(5, 9)], self._found([5, 6, 7, 8, 9])).whole
        assert compare([self._sent(5, 9, [7])], self._found([5, 6, 8, 9])).whole

    def test_a_lost_one(self) -> None:
        assert compare([self._sent(5, 9)], self._found([5, 6, 8, 9]), tail_frames=3).lost == [("CAM-0001", "m", 7)]

    def test_the_tail_may_be_missing_but_no_more_of_it(self) -> None:
        assert compare([self._sent(5, 9)], self._found([5, 6, 7]), tail_frames=2).tail == 2
        assert compare([self._sent(5, 9)], self._found([5, 6]), tail_frames=2).lost == [("CAM-0001", "m", 7)]

    def test_a_doubled_one_and_a_stranger(self) -> None:
        verdict = compare([self._sent(5, 6)], self._found([5, 6, 6, 40]))
        assert verdict.doubled == [("CAM-0001", "m", 6)]
        assert verdict.strangers == [("CAM-0001", "m", 40)]
