"""Our recorder against one `ffmpeg -c copy` a camera and against the floor, in the same run, every frame accounted for.

    python -m benchmarks.recorder                              50 cameras, H.264, 20 s an arm: the short form
    python -m benchmarks.recorder --cameras 50 200 500 --codec h264 h265 --seconds 60 --rounds 3

The sender has one core, the arm that is measured the other. The arms take turns; with several rounds the limits are
held against the medians, as a machine that is shared is twice as fast in one minute as in the next. For each arm: CPU
(user and system, all its processes, from /proc) as a share of a core and as cameras a core, proportional memory (PSS) a
camera, and the ledger: frames sent against frames on disk by number and checksum (for the floor bytes alone are
compared, it writes no file that plays). `floor-hashed` also hashes what it writes, as our archive does.
Limits from issue 2: cameras a core at least 2.5 times ffmpeg's; no frame lost or doubled. The floor is `floor.py`.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from manara.simulate.ledger import compare, read_folder, sent_from

ARMS = ("manara", "ffmpeg", "floor", "floor-hashed")
FLOORS = ("floor", "floor-hashed")
FFMPEG_MOST = 200  # more would measure starting processes
_TICKS_HZ = os.sysconf("SC_CLK_TCK")
READY_S = 180.0
WANTED_OF_FFMPEG = 2.5


@dataclass
class Result:
    """One arm at one number of cameras."""

    arm: str
    codec: str
    cameras: int
    seconds: float
    cpu_pct: float  # of one core
    cameras_a_core: float
    user_pct: float
    system_pct: float
    pss_mib_a_camera: float
    sender_cpu_pct: float
    sent_mbps: float
    frames_sent: int
    frames_lost: int
    frames_doubled: int
    frames_skipped_by_sender: int
    verdict: str


def _spawn(core: int, command: list[str], *, piped: bool = True) -> subprocess.Popen[bytes]:
    """A process that stays on one core (itself and what it starts)."""
    cores = sorted(os.sched_getaffinity(0))
    pipe = subprocess.PIPE if piped else subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe)
    os.sched_setaffinity(process.pid, {cores[core % len(cores)]})
    return process


def _cpu_s(pids: list[int]) -> tuple[float, float]:
    user = system = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        user, system = user + int(fields[11]), system + int(fields[12])
    return user / _TICKS_HZ, system / _TICKS_HZ


def _pss_bytes(pids: list[int]) -> int:
    total = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:"))
    return total


def _told(port: int) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/control/sent", timeout=60) as answer:
        told: dict[str, Any] = json.load(answer)
        return told


def _start(arm: str, port: int, cameras: int, folder: Path) -> list[subprocess.Popen[bytes]]:
    if arm == "ffmpeg":
        movie = "movflags=+frag_keyframe+empty_moov+default_base_moof"
        before = ["ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", "tcp", "-timeout", "10000000", "-i"]
        after = ["-c", "copy", "-f", "segment", "-segment_time", "600", "-segment_format", "mp4"]
        after += ["-segment_format_options", movie]
        codes = [f"CAM-{camera:04d}" for camera in range(1, cameras + 1)]
        return [
            _spawn(
                0,
                [*before, f"rtsp://127.0.0.1:{port}/cam/{code}/main", *after, str(folder / f"{code}-%03d.mp4")],
                piped=False,
            )
            for code in codes
        ]
    module = "benchmarks.floor" if arm in FLOORS else "benchmarks.recorder_process"
    more = ["hashed"] if arm == "floor-hashed" else []
    return [_spawn(0, [sys.executable, "-m", module, str(port), str(cameras), str(folder), *more])]


def _wait_ready(arm: str, processes: list[subprocess.Popen[bytes]], control: int, cameras: int) -> None:
    if arm != "ffmpeg":
        output = processes[0].stdout
        assert output is not None
        if output.readline() != b"ready\n":
            raise RuntimeError(f"{arm} did not become ready")
        return
    deadline = time.monotonic() + READY_S
    while sum(entry["frames"] > 30 for entry in _told(control)["sent"]) < cameras:
        if time.monotonic() > deadline:
            raise RuntimeError("not every ffmpeg became ready")
        time.sleep(0.5)


def measure(arm: str, codec: str, cameras: int, seconds: float, folder: Path) -> Result:
    """Run one arm."""
    folder.mkdir(parents=True)
    sender = _spawn(1, [sys.executable, "-m", "benchmarks.sender", "--cameras", str(cameras), "--codec", codec])
    processes: list[subprocess.Popen[bytes]] = []
    try:
        assert sender.stdout is not None
        ports = json.loads(sender.stdout.readline())
        processes = _start(arm, ports["rtsp"], cameras, folder)
        _wait_ready(arm, processes, ports["control"], cameras)
        pids = [process.pid for process in processes]
        time.sleep(3)  # let buffers and the first GOPs pass: the steady state is what is measured
        began_s, before, sender_before = time.monotonic(), _cpu_s(pids), _cpu_s([sender.pid])
        bytes_before = sum(entry["payload_bytes"] for entry in _told(ports["control"])["sent"])
        time.sleep(seconds)
        passed_s, after, sender_after = time.monotonic() - began_s, _cpu_s(pids), _cpu_s([sender.pid])
        bytes_after = sum(entry["payload_bytes"] for entry in _told(ports["control"])["sent"])
        pss = _pss_bytes(pids)
        for process in processes:
            if process.stdin is not None:
                process.stdin.close()
            else:
                process.terminate()
        for process in processes:
            process.wait(60)
        told = _told(ports["control"])
    finally:
        for process in [*processes, sender]:
            if process.poll() is None:
                process.kill()
                process.wait()
    user, system = (100 * (b - a) / passed_s for a, b in zip(before, after, strict=True))
    return Result(
        arm=arm,
        codec=codec,
        cameras=cameras,
        seconds=round(passed_s, 1),
        cpu_pct=round(user + system, 1),
        cameras_a_core=round(cameras * 100 / max(0.1, user + system)),
        user_pct=round(user, 1),
        system_pct=round(system, 1),
        pss_mib_a_camera=round(pss / cameras / 2**20, 2),
        sender_cpu_pct=round(100 * (sum(sender_after) - sum(sender_before)) / passed_s, 1),
        sent_mbps=round((bytes_after - bytes_before) * 8 / passed_s / 1e6, 1),
        **_account(arm, told, folder),
    )


def _account(arm: str, told: dict[str, Any], folder: Path) -> dict[str, Any]:
    sent = sent_from(told["sent"])
    skipped = sum(len(entry.skipped) for entry in sent)
    frames = sum(entry.frames for entry in sent)
    if arm in FLOORS:
        stored = sum(path.stat().st_size for path in folder.glob("*.raw"))
        total = sum(entry.payload_bytes for entry in sent)
        words = f"{stored / max(1, total):.1%} of the bytes sent are on disk"
        return {
            "frames_sent": frames,
            "frames_lost": 0,
            "frames_doubled": 0,
            "frames_skipped_by_sender": skipped,
            "verdict": words,
        }
    # ffmpeg drops what it has not written when it ends; two seconds of each stream are left out for every arm alike.
    verdict = compare(sent, read_folder(folder), tail_frames=30)
    return {
        "frames_sent": verdict.sent,
        "frames_lost": len(verdict.lost),
        "frames_doubled": len(verdict.doubled),
        "frames_skipped_by_sender": skipped,
        "verdict": str(verdict),
    }


def main() -> int:
    """Run all arms and print a table and one line of JSON. Returns 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, nargs="+", default=[50])
    parser.add_argument("--codec", nargs="+", choices=("h264", "h265"), default=["h264"])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=1, help="how often the arms take turns")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--folder", type=Path, default=None, help="where the arms write (default: temporary)")
    given = parser.parse_args()
    results: list[Result] = []
    base = Path(tempfile.mkdtemp(prefix="manara-bench-", dir=given.folder))
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, writing to {base}")
    print("arm           codec cameras  CPU % (user+sys)  cameras/core  MiB/camera  sender %  Mbit/s  ledger")
    try:
        for codec in given.codec:
            for cameras in given.cameras:
                for arm in given.arms * given.rounds:
                    if arm == "ffmpeg" and (cameras > FFMPEG_MOST or shutil.which("ffmpeg") is None):
                        continue
                    result = measure(arm, codec, cameras, given.seconds, base / f"{arm}-{codec}-{cameras}")
                    shutil.rmtree(base / f"{arm}-{codec}-{cameras}")
                    results.append(result)
                    cpu = f"{result.cpu_pct:6.1f} ({result.user_pct:.1f}+{result.system_pct:.1f})"
                    print(
                        f"{arm:14}{codec:6}{cameras:7}  {cpu:17}{result.cameras_a_core:13.0f}"
                        f"{result.pss_mib_a_camera:12.2f}{result.sender_cpu_pct:10.1f}{result.sent_mbps:8.0f}"
                        f"  {result.verdict}",
                        flush=True,
                    )
    finally:
        shutil.rmtree(base, ignore_errors=True)
    print(json.dumps([asdict(result) for result in results]))
    return _judge(results)


def _judge(results: list[Result]) -> int:
    failed = 0
    for ours in (r for r in results if r.arm == "manara"):
        if ours.frames_skipped_by_sender:
            print(
                f"NOT VALID: {ours.cameras} cameras {ours.codec}: the sender left frames out; the machine is too busy"
            )
            failed = 1
        if ours.frames_lost or ours.frames_doubled:
            print(f"FAILED: {ours.cameras} cameras {ours.codec}: {ours.verdict}")
            failed = 1
    held: dict[tuple[str, int], dict[str, list[float]]] = {}
    for result in results:
        held.setdefault((result.codec, result.cameras), {}).setdefault(result.arm, []).append(result.cameras_a_core)
    for (codec, cameras), arms in held.items():
        medians = {arm: statistics.median(found) for arm, found in arms.items()}
        if "manara" not in medians:
            continue
        words = [f"{medians['manara'] / medians[peer]:.2f} of {peer}'s" for peer in ARMS[1:] if peer in medians]
        ours_a_core = medians["manara"]
        print(f"{cameras} cameras {codec}: {ours_a_core:.0f} cameras a core ({', '.join(words)}; medians)")
        if "ffmpeg" in medians and ours_a_core < WANTED_OF_FFMPEG * medians["ffmpeg"]:
            print(f"FAILED: {cameras} cameras {codec}: {WANTED_OF_FFMPEG} times ffmpeg's is wanted")
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
