"""An export plays everywhere, holds the very samples that were recorded, proves itself; a change is found."""

import dataclasses
import hashlib
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import av
import pytest

from manara.base.errors import NotFound
from manara.formats.fmp4 import NO_HASH
from manara.formats.fmp4_read import init_bytes, parse_head
from manara.recorder.archive import Archive
from manara.recorder.export import ExportCamera, ExportCancelled, ExportRequest, canonical, export
from manara.recorder.recovery import mend_file
from manara.recorder.verify import verify
from tests.formats.fmp4_clips import aac, clip
from tests.recorder.archive_rig import START_US, Feed, Rig

SECOND = 1_000_000
CAMERA = "cam00000000a"
REQUEST = ExportRequest(
    "exp000000001", (ExportCamera(CAMERA, "NAS-001", "تقاطع الحبوبي", "Habboubi junction"),),
    START_US + 2_400_000, START_US + 15_600_000, "حادث مروري", "acc1", "زينب", START_US + 99 * SECOND,
)  # fmt: skip


@pytest.fixture
def here(tmp_path: Path):  # type: ignore[no-untyped-def]
    rig = Rig(tmp_path / "rig").start()
    feed = Feed(CAMERA)
    rig.begin(feed)
    rig.send(feed, 18)
    rig.written()
    rig.writer.stop()
    return Archive([rig.index_path])


def test_an_export_proves_itself(here: Archive, tmp_path: Path) -> None:
    told: list[float] = []
    files = export(here, REQUEST, tmp_path / "out", progress=told.append)
    assert [f.name for f in files] == ["001_NAS-001_20231114T221322Z.mp4", "manifest.json"]
    assert told == sorted(told)
    assert told[-1] == 100.0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["why"] == "حادث مروري"
    about = manifest["cameras"][0]["files"][0]
    assert about["contained"] == {"start_us": START_US + 2 * SECOND, "end_us": START_US + 16 * SECOND}
    for path in (tmp_path / "out", tmp_path / "out" / "manifest.json", tmp_path / "out" / files[0].name):
        report = verify(path)
        assert report.problems == []
        assert report.ok
        assert report.fragments == 14
    packed = tmp_path / "export.zip"
    with zipfile.ZipFile(packed, "w") as pack:
        for file in files:
            pack.write(tmp_path / "out" / file.name, f"case 7/{file.name}")
    assert verify(packed).ok


def test_any_change_is_found(here: Archive, tmp_path: Path) -> None:
    name = export(here, REQUEST, tmp_path / "out")[0].name
    whole = (tmp_path / "out" / name).read_bytes()
    text = (tmp_path / "out" / "manifest.json").read_text()
    fragment = json.loads(text)["cameras"][0]["files"][0]["fragments"][3]

    def told(data: bytes = whole, manifest: str = text) -> str:
        changed = tmp_path / "changed"
        shutil.rmtree(changed, ignore_errors=True)
        changed.mkdir()
        (changed / name).write_bytes(data)
        (changed / "manifest.json").write_text(manifest)
        report = verify(changed)
        assert report.ok == (not report.problems)
        return " ".join(report.problems)

    assert told() == ""
    at = fragment[0] + fragment[1] // 2
    assert f"footage at {fragment[2]} is not what was recorded" in told(whole[:at] + b"\xff\x00" + whole[at + 2 :])
    assert "SHA-256" in told(whole[:900] + bytes([whole[900] ^ 1]) + whole[901:])
    assert "bytes, the manifest says" in told(whole[:-5])
    assert "was changed" in told(manifest=text.replace("زينب", "علي"))
    assert "missing" in told(
        manifest=json.dumps(json.loads(text) | {"cameras": [{"camera_id": "x", "files": [{"name": "no.mp4"}]}]})
    )
    assert "not an export" in told(manifest="[]")
    assert "not an export" in told(manifest="{")
    assert not verify(tmp_path / "out" / "manifest.json").problems
    lone = tmp_path / "lone.mp4"
    lone.write_bytes(whole[:at] + b"\xff\x00" + whole[at + 2 :])
    assert "is not what was recorded" in " ".join(verify(lone).problems)
    lone.write_bytes(b"not a film at all, but long enough to be looked at")
    assert not verify(lone).ok


def as_version_1(path: Path, before: bytes) -> bytes:
    """Rewrite a segment as it was recorded when fragments were hashed by SHA-256; returns its last hash."""
    data = bytearray(path.read_bytes())
    at = init_bytes(lambda offset, count: bytes(data[offset : offset + count]))
    while at < len(data):
        head = parse_head(data, at)
        payload = bytes(data[at + head.head_bytes : at + head.total_bytes])
        own = hashlib.sha256(before + head.wall_us.to_bytes(8, "big") + payload).digest()
        data[at + 24] = 1
        data[at + 56 : at + 120] = before + own
        before, at = own, at + head.total_bytes
    path.write_bytes(data)
    return before


def test_what_was_recorded_with_the_older_hash_still_proves_itself(here: Archive, tmp_path: Path) -> None:
    chain = bytes(32)
    for path in dict.fromkeys(piece.segment.path for piece in here.plan(CAMERA, 0, 1 << 60).pieces):
        chain = as_version_1(path, chain)
        assert mend_file(path, 0, NO_HASH, cut=False, hash_all=True)[0] == path.stat().st_size
    name = export(here, REQUEST, tmp_path / "out")[0].name
    text = (tmp_path / "out" / "manifest.json").read_text()
    assert {row[-1] for row in json.loads(text)["cameras"][0]["files"][0]["fragments"]} == {1}
    assert verify(tmp_path / "out").problems == []
    whole = bytearray((tmp_path / "out" / name).read_bytes())
    whole[len(whole) // 2] ^= 1
    (tmp_path / "out" / name).write_bytes(whole)
    assert "is not what was recorded" in " ".join(verify(tmp_path / "out").problems)


def test_an_export_of_the_older_form_is_still_verified(tmp_path: Path) -> None:
    payload, wall_us, before = b"a fragment", 7, bytes(32)
    own = hashlib.sha256(before + wall_us.to_bytes(8, "big") + payload).hexdigest()
    (tmp_path / "a.mp4").write_bytes(payload)
    manifest = {
        "format": "manara-export/1",
        "cameras": [
            {
                "camera_id": CAMERA,
                "files": [{"name": "a.mp4", "fragments": [[0, len(payload), wall_us, 1, before.hex(), own]]}],
            }
        ],
    }
    manifest["content_sha256"] = hashlib.sha256(canonical(manifest)).hexdigest()
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert verify(tmp_path).ok
    (tmp_path / "a.mp4").write_bytes(b"A fragment")
    assert not verify(tmp_path).ok


def test_the_samples_are_those_that_were_recorded(here: Archive, tmp_path: Path) -> None:
    name = export(here, REQUEST, tmp_path / "out")[0].name
    _, fragments = clip()
    samples = []
    for number in range(2, 16):
        fragment, at = fragments[number % 4], 0
        payload = b"".join(fragment.payload)
        for size in fragment.sizes:
            samples.append(payload[at : at + size])
            at += size
    with av.open(tmp_path / "out" / name, options={"ignore_editlist": "1"}) as container:
        found = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    assert found == samples
    with av.open(tmp_path / "out" / name) as container:
        shown = [float(frame.time) for frame in container.decode(video=0)]  # type: ignore[arg-type]
    assert len(shown) == round((15.6 - 2.4) * 15)
    assert abs(shown[0]) < 1e-3


@pytest.mark.ffmpeg
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed (Debian package ffmpeg)")
@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize("sound", [False, True])
def test_an_export_plays_in_ffmpeg_without_a_warning(tmp_path: Path, codec: str, b_frames: int, sound: bool) -> None:
    rig = Rig(tmp_path / "rig").start()
    feed = Feed(CAMERA)
    feed.video, feed.clip = clip(codec, b_frames=b_frames)
    sound_format, tones = aac()
    rig.writer.format(feed.key, feed.video, sound_format if sound else None)
    for _ in range(4):
        fragment = feed.next()
        start, end = fragment.decode_time / 90_000, (fragment.decode_time + fragment.duration) / 90_000
        mine = [tone for tone in tones if sound and start <= tone[0] / 16_000 < end]
        rig.writer.fragment(feed.key, dataclasses.replace(fragment, sound=mine))
        rig.clock.advance(1.0)
    rig.written()
    rig.writer.stop()
    request = dataclasses.replace(REQUEST, start_us=START_US + 1_500_000, end_us=START_US + 3_300_000)
    name = export(Archive([rig.index_path]), request, tmp_path / "out")[0].name
    for path in (tmp_path / "out" / name, *(tmp_path / "rig" / "disk0").glob("*/*/*/*.mp4")):
        played = subprocess.run(
            ["ffmpeg", "-v", "warning", "-xerror", "-i", path, "-f", "null", "-"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (played.returncode, played.stderr) == (0, "")
    assert verify(tmp_path / "out").ok


def test_a_gap_parts_the_file_and_is_in_the_manifest(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "rig").start()
    feed = Feed(CAMERA)
    rig.begin(feed)
    rig.send(feed, 4)
    rig.writer.gap(feed.key, "lost", feed.wall_us)
    feed.wall_us += 5 * SECOND
    rig.clock.advance(5)
    rig.begin(feed)
    rig.send(feed, 4)
    rig.written()
    rig.writer.stop()
    export(
        Archive([rig.index_path]),
        dataclasses.replace(REQUEST, start_us=START_US, end_us=START_US + 13 * SECOND),
        tmp_path / "out",
    )
    camera = json.loads((tmp_path / "out" / "manifest.json").read_text())["cameras"][0]
    assert [f["frames"] for f in camera["files"]] == [60, 60]
    assert [g["cause"] for g in camera["gaps"]] == ["lost"]
    assert verify(tmp_path / "out").ok


def test_what_cannot_be_done_leaves_nothing(here: Archive, tmp_path: Path) -> None:
    with pytest.raises(ExportCancelled):
        export(here, REQUEST, tmp_path / "out", cancelled=lambda: True)
    with pytest.raises(NotFound):
        export(here, dataclasses.replace(REQUEST, start_us=0, end_us=1), tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["rig"]
