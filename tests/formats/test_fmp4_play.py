"""What we write plays in ffmpeg, with every frame and without a word of complaint."""

import dataclasses
import itertools
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from manara.formats.fmp4 import fragment_boxes, init_section
from manara.formats.frames import Fragment, SoundFormat
from tests.formats.fmp4_clips import STEP, aac, clip

pytestmark = [
    pytest.mark.ffmpeg,
    pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed (Debian package ffmpeg)"),
]


def write(path: Path, codec: str, b_frames: int, live: bool = False, sound: str = "") -> int:
    video, fragments = clip(codec, b_frames=b_frames)
    sound_format: SoundFormat | None = None
    frames: list[tuple[int, int, bytes]] = []
    if sound == "aac":
        sound_format, frames = aac()
    elif sound:
        sound_format, frames = SoundFormat(sound, 8000, 1), [(i * 160, 160, b"\xd5" * 160) for i in range(200)]
    data = bytearray(init_section(video, sound_format))
    previous = None
    for number, fragment in enumerate(singles(fragments) if live else fragments):
        rate = sound_format.sample_rate_hz if sound_format else 1
        end = (fragment.decode_time + fragment.duration) / 90_000
        fragment = dataclasses.replace(
            fragment, sound=[s for s in frames if fragment.decode_time / 90_000 <= s[0] / rate < end]
        )
        buffers, previous = fragment_boxes(fragment, number, previous, live)
        for buffer in buffers:
            data += buffer
    path.write_bytes(data)
    return sum(len(f.sizes) for f in fragments)


def singles(fragments: list[Fragment]) -> list[Fragment]:
    """The same frames, a fragment each."""
    out = []
    for fragment in fragments:
        at, payload = 0, b"".join(fragment.payload)
        for index, size in enumerate(fragment.sizes):
            out.append(
                Fragment(
                    (payload[at : at + size],), [size], [STEP], [fragment.composition_offsets[index]],
                    index == 0, fragment.decode_time + index * STEP, fragment.wall_us,
                )
            )  # fmt: skip
            at += size
    return out


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("sound", ["", "aac", "pcma"])
def test_plays_without_a_warning(tmp_path: Path, codec: str, b_frames: int, live: bool, sound: str) -> None:
    path = tmp_path / "clip.mp4"
    frames = write(path, codec, b_frames, live, sound)
    played = subprocess.run(
        ["ffmpeg", "-v", "warning", "-xerror", "-i", path, "-f", "null", "-"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert played.stderr == ""
    assert played.returncode == 0
    probe = subprocess.run(
        ["ffprobe", "-v", "warning", "-of", "json", "-count_frames", "-show_streams", "-show_frames", path],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert probe.stderr == ""
    told = json.loads(probe.stdout)
    streams = {stream["codec_type"]: stream for stream in told["streams"]}
    assert streams["video"]["codec_name"] == {"h264": "h264", "h265": "hevc"}[codec]
    assert int(streams["video"]["nb_read_frames"]) == frames
    times = [frame["pts"] for frame in told["frames"] if frame["media_type"] == "video"]
    assert [b - a for a, b in itertools.pairwise(times)] == [STEP] * (frames - 1)
    if sound:
        assert streams["audio"]["codec_name"] == {"aac": "aac", "pcma": "pcm_alaw"}[sound]
