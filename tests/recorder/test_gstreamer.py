"""Our reader against a server that is not ours: GStreamer's, both codecs, TCP and UDP, B-frames, sound."""

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from manara.formats import fmp4
from tests.recorder.cameras import Camera, run, until
from tests.recorder.stream_rig import Rig

pytestmark = pytest.mark.gstreamer
_SERVER = Path(__file__).parents[1] / "support" / "gstreamer_server.py"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[int, list[str]]]:
    """Port and paths of a running server."""
    python = Path("/usr/bin/python3")
    if not python.exists():
        pytest.skip("no system Python for GStreamer's bindings")
    process = subprocess.Popen([python, _SERVER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port, *paths = process.stdout.readline().split() or ["0"]
        if port == "0":
            assert process.stderr is not None
            pytest.skip(f"GStreamer's RTSP server is missing: {process.stderr.read()[-200:]}")
        yield int(port), paths
    finally:
        process.kill()
        process.wait()


def recorded(served: tuple[int, list[str]], path: str, gops: int, tmp_path: Path, **wanted: object) -> Rig:
    """Record some GOPs of half a second, put them into a file and let a decoder read all of them."""
    port, paths = served
    if path not in paths:
        pytest.skip(f"GStreamer lacks the plugin for {path}")
    found: list[Rig] = []

    async def body() -> None:
        camera = Camera()
        camera.port = port
        settings = {"settings": {"connect_timeout_s": 10.0, "stall_s": 10.0}}
        rig = Rig(camera, main_url=f"rtsp://127.0.0.1:{port}{path}", **settings, **wanted)
        found.append(rig)
        await until(lambda: rig.status.frames >= 15 * gops, 25)
        rig.last = rig.status  # type: ignore[attr-defined]
        await rig.stop()

    run(body, 40)
    (rig,) = found
    file = tmp_path / "out.mp4"
    with file.open("wb") as out:
        out.write(fmp4.init_section(*rig.sink.formats[0]))
        previous = None
        for number, fragment in enumerate(rig.sink.fragments):
            boxes, previous = fmp4.fragment_boxes(fragment, number, previous)
            out.writelines(boxes)
    with av.open(str(file)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == sum(len(fragment.sizes) for fragment in rig.sink.fragments)
    times = [frame.pts for frame in frames]
    steps = {b - a for a, b in itertools.pairwise(times)}
    assert min(steps) == 3000, "in order and even"
    assert all(step % 3000 == 0 for step in steps), "a busy machine leaves pictures out before they are encoded"
    assert rig.last.packets_lost == rig.last.frames_dropped == 0  # type: ignore[attr-defined]
    return rig


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("path", ["/h264", "/h265"])
def test_both_codecs(served: tuple[int, list[str]], path: str, transport: str, tmp_path: Path) -> None:
    rig = recorded(served, path, 3, tmp_path, transport=transport)
    status = rig.last  # type: ignore[attr-defined]
    assert (status.width, status.height, status.state) == (320, 240, "recording")
    assert status.frame_rate_hz > 0
    assert status.gop_s == 0.5
    assert abs(status.drift_ms) < 2000  # same machine, so same clock


def test_b_frames(served: tuple[int, list[str]], tmp_path: Path) -> None:
    rig = recorded(served, "/bframes", 3, tmp_path)
    offsets = [offset for fragment in rig.sink.fragments for offset in fragment.composition_offsets]
    assert len(set(offsets)) > 1
    assert min(offsets) >= 0


def test_sound(served: tuple[int, list[str]], tmp_path: Path) -> None:
    rig = recorded(served, "/sound", 3, tmp_path, sound=True)
    pieces = [piece for fragment in rig.sink.fragments for piece in fragment.sound]
    heard_s = sum(duration for _, duration, _ in pieces) / 8000
    seen_s = sum(fragment.duration for fragment in rig.sink.fragments) / 90_000
    assert abs(heard_s - seen_s) < 1
