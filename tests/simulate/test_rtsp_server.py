"""The virtual cameras on the wire: to ffmpeg, which is not ours, and to a bare socket, fault by fault."""

import hashlib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from manara.base.errors import InvalidInput
from manara.simulate.clips import clip_from_file
from manara.simulate.kit import CameraThread, card_cameras
from manara.simulate.mount import ClipMount, Quirks, VirtualCamera
from manara.simulate.rtsp_server import RtspServer
from manara.simulate.strip import due_us, read_frame_number
from tests.simulate.wire import Wire

RATE = Fraction(25, 2)
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="Debian's ffmpeg is not installed")


@pytest.fixture(scope="module")
def server() -> Iterator[RtspServer]:
    cameras = card_cameras(1, frame_rate=RATE)
    fast = Fraction(25)  # what is waited for is a number of frames
    cameras += card_cameras(3, first=2, frame_rate=fast)
    cameras += card_cameras(1, first=11, scheme="md5", frame_rate=fast)
    cameras += card_cameras(1, first=12, scheme="basic", frame_rate=fast)
    cameras += card_cameras(1, first=13, scheme="sha-256", frame_rate=fast)
    cameras += card_cameras(1, first=14, codec="h265", scheme="md5", frame_rate=fast)
    cameras += card_cameras(1, first=15, quirks=Quirks(join="anywhere", sprop=False, base_slash=False), frame_rate=fast)
    cameras += card_cameras(1, first=16, quirks=Quirks(session_timeout_s=0.4, absolute_control=True), frame_rate=fast)
    with CameraThread(cameras) as running:
        yield running


def _url(server: RtspServer, code: str) -> str:
    return server.url(code).replace("rtsp://", "rtsp://camera:secret@")


@needs_ffmpeg
@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("code", ["CAM-0011", "CAM-0012", "CAM-0014", "CAM-0015", "CAM-0016"])
def test_ffmpeg_plays_it_without_a_warning(server: RtspServer, code: str, transport: str) -> None:
    done = subprocess.run(
        ["ffmpeg", "-v", "warning", "-rtsp_transport", transport, "-i", _url(server, code)]  # noqa: RUF005
        + ["-frames:v", "6", "-f", "framemd5", "-"],
        capture_output=True,
        timeout=30,
        check=False,
    )
    complaints = [
        line
        for line in done.stderr.decode().splitlines()
        # joined anywhere, pictures before the first key frame cannot be decoded, and ffmpeg says so
        if code != "CAM-0015" and "max delay reached" not in line and "RTP: missed" not in line
    ]
    assert done.returncode == 0
    assert complaints == []
    assert len([line for line in done.stdout.decode().splitlines() if not line.startswith("#")]) >= 6


def test_burnt_in_numbers_count_on_and_say_the_time(server: RtspServer) -> None:
    with av.open(server.url("CAM-0001"), options={"rtsp_transport": "tcp"}) as container:
        numbers = []
        for frame in container.decode(video=0):
            numbers.append(read_frame_number(frame.to_ndarray(format="gray")))
            if len(numbers) == 20:
                break
    assert numbers[0] is not None
    assert numbers == list(range(numbers[0], numbers[0] + 20))
    assert abs(time.time() - due_us(numbers[-1], RATE) / 1e6) < 5


def test_a_client_begins_with_a_key_frame_and_every_frame_proves_itself(server: RtspServer) -> None:
    with Wire(server.url("CAM-0002")).play() as wire:
        first = wire.frame()
        assert first[0][12] & 31 == 24  # STAP-A that opens with the parameter set
        assert first[0][15] & 31 == 7
        identities = [wire.identity() for _ in range(5)]
    assert {identity.camera for identity in identities} == {"CAM-0002"}
    assert [identity.number for identity in identities] == list(
        range(identities[0].number, identities[0].number + len(identities))
    )
    assert all(identity.crc for identity in identities)


def test_sender_reports_tie_wall_clock_to_rtp_time(server: RtspServer) -> None:
    with Wire(server.url("CAM-0003")).play() as wire:
        packets = [wire.packet() for _ in range(12)]
    report = next(packet for channel, packet in packets if channel == 1)
    assert report[1] == 200
    ntp_s = int.from_bytes(report[8:12], "big") - 2_208_988_800
    assert abs(ntp_s - time.time()) < 5
    assert report[16:20] in {packet[4:8] for channel, packet in packets if channel == 0}


def test_sha_256_digest_is_asked_for_and_taken(server: RtspServer) -> None:
    with Wire(server.url("CAM-0013")) as wire:
        status, fields, _ = wire.ask("DESCRIBE")
        assert status == 401
        challenge = dict(re.findall(r'(\w+)="?([^",]+)', fields["www-authenticate"]))
        assert challenge["algorithm"] == "SHA-256"

        def digest(text: str) -> str:
            return hashlib.sha256(text.encode()).hexdigest()

        secret = digest(f"camera:{challenge['realm']}:secret")
        response = digest(f"{secret}:{challenge['nonce']}:{digest(f'DESCRIBE:{wire.url}')}")
        header = (
            f'Authorization: Digest username="camera", realm="{challenge["realm"]}", nonce="{challenge["nonce"]}", '
            f'uri="{wire.url}", response="{response}"'
        )
        assert wire.ask("DESCRIBE", header)[0] == 200
        assert wire.ask("DESCRIBE", header.replace(response, "0" * 64))[0] == 401
        assert "stale=TRUE" in wire.ask("DESCRIBE", _stale(header, wire.url, secret))[1]["www-authenticate"]


def _stale(header: str, url: str, secret: str) -> str:
    two = hashlib.sha256(f"DESCRIBE:{url}".encode()).hexdigest()
    response = hashlib.sha256(f"{secret}:old:{two}".encode()).hexdigest()
    header = re.sub(r'nonce="[^"]*"', 'nonce="old"', header)
    return re.sub(r'response="[^"]*"', f'response="{response}"', header)


def test_a_silent_session_is_ended_and_a_kept_one_is_not(server: RtspServer) -> None:
    with Wire(server.url("CAM-0016")).play() as silent, Wire(server.url("CAM-0016")).play() as kept:
        deadline = time.monotonic() + 10

        def keep_one() -> None:
            while time.monotonic() < deadline:
                assert kept.ask("GET_PARAMETER")[0] == 200
                silent.frame()

        with pytest.raises(EOFError):
            keep_one()


def test_teardown_stops_the_pictures(server: RtspServer) -> None:
    with Wire(server.url("CAM-0001")).play() as wire:
        wire.frame()
        assert wire.ask("TEARDOWN")[0] == 200
        wire.data.clear()
        wire.sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            wire.packet()


@pytest.mark.parametrize("junk", [b"HELLO\r\n\r\n", b"DESCRIBE x RTSP/1.0\r\nno colon\r\n\r\n", b"\x00" * 70_000])
def test_junk_ends_the_connection_and_nothing_else(server: RtspServer, junk: bytes) -> None:
    with Wire(server.url("CAM-0001")) as wire:
        wire.sock.sendall(junk)
        with pytest.raises((EOFError, ConnectionError)):
            wire.read_to_end()
    with Wire(server.url("CAM-0001")) as wire:
        assert wire.ask("OPTIONS")[0] == 200


class TestFaults:
    """Each fault really happens on the wire, and goes when it is lifted."""

    @pytest.fixture
    def camera(self, server: RtspServer) -> Iterator[VirtualCamera]:
        camera = server.cameras["CAM-0004"]
        yield camera
        camera.faults.lift()

    def test_stall(self, server: RtspServer, camera: VirtualCamera) -> None:
        with Wire(server.url("CAM-0004")).play() as wire:
            before = wire.identity().number
            camera.faults.order("stall")
            wire.sock.settimeout(0.6)
            with pytest.raises(TimeoutError):
                wire.read_to_end()
            camera.faults.lift("stall")
            wire.sock.settimeout(5)
            assert wire.identity().number > before + 5

    def test_drop(self, server: RtspServer, camera: VirtualCamera) -> None:
        camera.faults.order("drop", value=50)
        with Wire(server.url("CAM-0004")).play() as wire:
            sequence = [int.from_bytes(packet[2:4], "big") for channel, packet in _packets(wire, 30) if channel == 0]
        steps = [(b - a) & 0xFFFF for a, b in pairwise(sequence)]
        assert max(steps) > 1

    @pytest.mark.parametrize("kind", ["freeze", "black"])
    def test_freeze_and_black_keep_the_clock_running(
        self, server: RtspServer, camera: VirtualCamera, kind: str
    ) -> None:
        camera.faults.order(kind)
        with av.open(server.url("CAM-0004"), options={"rtsp_transport": "tcp"}) as container:
            pictures = []
            for frame in container.decode(video=0):
                pictures.append(frame.to_ndarray(format="gray"))
                if len(pictures) == 30:
                    break
        numbers = [read_frame_number(picture) for picture in pictures]
        assert numbers[0] is not None
        assert numbers == list(range(numbers[0], numbers[0] + 30))
        scenes = [picture[64:] for picture in pictures[13:]]  # after the first key frame under the fault
        assert max(int(np.abs(scene.astype(int) - scenes[0]).max()) for scene in scenes) <= 2
        assert (scenes[0].max() < 30) == (kind == "black")

    def test_wrong_time(self, server: RtspServer, camera: VirtualCamera) -> None:
        camera.faults.order("wrong_time", value=7200)
        with Wire(server.url("CAM-0004")).play() as wire:
            report = next(packet for channel, packet in _packets(wire, 20) if channel == 1)
        assert int.from_bytes(report[8:12], "big") - 2_208_988_800 - time.time() == pytest.approx(7200, abs=5)

    @pytest.mark.parametrize("status", [401, 404, 503])
    def test_refuse(self, server: RtspServer, camera: VirtualCamera, status: int) -> None:
        with Wire(server.url("CAM-0004")).play() as wire:
            camera.faults.order("refuse", value=status)
            with pytest.raises(EOFError):
                wire.packets_to_end()
        with Wire(server.url("CAM-0004")) as wire:
            assert wire.ask("DESCRIBE")[0] == status

    def test_cut(self, server: RtspServer, camera: VirtualCamera) -> None:
        with Wire(server.url("CAM-0004")).play() as wire:
            wire.frame()
            camera.faults.order("cut")
            with pytest.raises(EOFError):
                wire.packets_to_end()
            assert wire.data  # half a packet is left
        with Wire(server.url("CAM-0004")).play() as wire:
            wire.frame()

    def test_garbage(self, server: RtspServer, camera: VirtualCamera) -> None:
        with Wire(server.url("CAM-0004")).play() as wire:
            wire.frame()
            camera.faults.order("garbage", value=4000)
            with pytest.raises((ValueError, TimeoutError)):
                wire.packets_to_end()

    def test_parameters(self, server: RtspServer, camera: VirtualCamera) -> None:
        sets = {stream: mount.parameter_sets[0] for stream, mount in camera.mounts.items()}
        assert sets["main"] != sets["sub"]
        with Wire(server.url("CAM-0004")).play() as wire:
            assert sets["main"] in wire.frame()[0]
            camera.faults.order("parameters")
            frames = [wire.frame() for _ in range(3)]
            assert any(sets["sub"] in frame[0] for frame in frames)
            camera.faults.lift()
            frames = [wire.frame() for _ in range(3)]
            assert any(sets["main"] in frame[0] for frame in frames)

    def test_half_speed(self, server: RtspServer, camera: VirtualCamera) -> None:
        camera.faults.order("half_speed")
        with Wire(server.url("CAM-0004")).play() as wire:
            numbers = [wire.identity().number for _ in range(5)]
        assert [b - a for a, b in pairwise(numbers)] == [2, 2, 2, 2]

    def test_unknown_ones_are_refused_by_name(self, camera: VirtualCamera) -> None:
        with pytest.raises(InvalidInput, match=r"flood.*stall"):
            camera.faults.order("flood")
        with pytest.raises(InvalidInput, match="drop"):
            camera.faults.order("drop", value=101)


def _packets(wire: Wire, count: int) -> list[tuple[int, bytes]]:
    return [wire.packet() for _ in range(count)]


@pytest.mark.parametrize(("codec", "name"), [("libx264", "a.mp4"), ("mpeg4", "b.avi")])
def test_any_file_can_be_played(tmp_path: Path, codec: str, name: str) -> None:
    path = tmp_path / name
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for index in range(20):
            frame = av.VideoFrame.from_ndarray(np.full((240, 320, 3), index * 9, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    clip = clip_from_file(path)
    assert len(clip.frames) == 20
    camera = VirtualCamera("FILE")
    ClipMount(camera, "main", clip)
    with CameraThread([camera]) as server, Wire(server.url("FILE")).play() as wire:
        places = [wire.identity().clip_index for _ in range(24)]
    assert 0 in places[1:]  # it went round


def test_a_file_that_is_no_video_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    path.write_text(json.dumps({}))
    with pytest.raises(InvalidInput, match=r"x\.mp4"):
        clip_from_file(path)
