"""Export: a span of some cameras as MP4 files that play anywhere, with a manifest by which they prove themselves.

Nothing is decoded or encoded: the samples in the files are those on the disk, in the blocks that were hashed when they
were recorded. One file per camera and unbroken run of footage (a gap or a new decoder begins the next file; most
exports have one). Files begin at the key frame before the span and end with a whole fragment; an edit list shows just
the span. `verify.py` checks it offline. Runs in a worker thread of the control process, or from the command line.

The folder holds the files and `manifest.json`. Each file ends in a `uuid` box with its own part of the manifest, so
that a file that was parted from its folder still proves itself. `content_sha256` covers the whole manifest: sign that.
"""

import hashlib
import json
import os
import re
import shutil
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from manara import __version__
from manara.base.clock import iso
from manara.base.errors import ManaraError, NotFound
from manara.formats.fmp4 import box
from manara.formats.fmp4_read import FragmentHead, parse_init, read_head
from manara.formats.mp4_file import Mp4File
from manara.recorder.archive import Archive, Piece
from manara.recorder.segments import STEP_US

FORMAT = "manara-export/2"
FILE_UUID = bytes.fromhex("6d616e61726100028000f4a64d503401")
_COPY_BYTES = 4 << 20


class ExportCancelled(ManaraError):
    """Somebody called it off; nothing is left behind."""


@dataclass(frozen=True, slots=True)
class ExportCamera:
    """How a camera is called in the manifest and in file names."""

    camera_id: str
    code: str = ""
    name_ar: str = ""
    name_en: str = ""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Who asked for what, and why. Times UTC µs."""

    export_id: str
    cameras: tuple[ExportCamera, ...]
    start_us: int
    end_us: int
    reason: str
    account_id: str
    account_name: str
    made_us: int
    deployment: str = ""


@dataclass(frozen=True, slots=True)
class ExportFile:
    """One file of an export."""

    name: str
    bytes: int
    sha256: str


@dataclass(slots=True)
class _Fragment:
    piece: Piece
    fd: int
    at: int = 0


def canonical(manifest: dict[str, Any]) -> bytes:
    """The bytes that `content_sha256` covers: the manifest without it, as JSON with sorted keys and no spaces."""
    bare = {key: value for key, value in manifest.items() if key != "content_sha256"}
    return json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def export(
    archive: Archive,
    request: ExportRequest,
    destination: Path,
    *,
    progress: Callable[[float], None] = lambda percent: None,
    cancelled: Callable[[], bool] = lambda: False,
    stream: str = "main",
) -> list[ExportFile]:
    """Write the export into the folder `destination`, which must not exist. Returns its files, the manifest last.

    `progress` is told percent. Raises `NotFound` (`no_footage`), `ExportCancelled`, `OSError`, `sqlite3.Error`; then
    nothing is left behind.
    """
    work = destination.with_name(destination.name + ".part")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        files = _export(archive, request, work, progress, cancelled, stream)
        work.rename(destination)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return files


def _export(
    archive: Archive,
    request: ExportRequest,
    work: Path,
    progress: Callable[[float], None],
    cancelled: Callable[[], bool],
    stream: str,
) -> list[ExportFile]:
    plans = [
        archive.plan(camera.camera_id, request.start_us, request.end_us, stream=stream) for camera in request.cameras
    ]
    total = sum(plan.size_bytes for plan in plans)
    if not total:
        raise NotFound("nothing was recorded in this span", "no_footage")
    done = 0

    def step(count: int) -> None:
        nonlocal done
        if cancelled():
            raise ExportCancelled("the export was called off", "cancelled")
        done += count
        progress(min(99.0, 100.0 * done / total))

    made: list[ExportFile] = []
    cameras: list[dict[str, Any]] = []
    for camera, plan in zip(request.cameras, plans, strict=True):
        told = archive.timeline(camera.camera_id, request.start_us, request.end_us, stream)
        entry: dict[str, Any] = {
            "camera_id": camera.camera_id,
            "code": camera.code,
            "name_ar": camera.name_ar,
            "name_en": camera.name_en,
            "stream": stream,
            "gaps": [{"start_us": g.start_us, "end_us": g.end_us, "cause": g.cause} for g in told.gaps],
            "files": [],
        }
        with ExitStack() as stack:
            for video_init, run in _runs(plan.pieces, stack):
                file, about = _write_run(work, request, camera, video_init, run, len(made), step)
                made.append(file)
                entry["files"].append(about | {"sha256": file.sha256, "bytes": file.bytes})
        cameras.append(entry)
    manifest = _about(request) | {"cameras": cameras}
    manifest["content_sha256"] = hashlib.sha256(canonical(manifest)).hexdigest()
    text = json.dumps(manifest, ensure_ascii=False, indent=1).encode() + b"\n"
    _write_synced(work / "manifest.json", text)
    progress(100.0)
    return [*made, ExportFile("manifest.json", len(text), hashlib.sha256(text).hexdigest())]


def _about(request: ExportRequest) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "program": f"manara {__version__}",
        "export_id": request.export_id,
        "deployment": request.deployment,
        "start_us": request.start_us,
        "end_us": request.end_us,
        "start": iso(request.start_us),
        "end": iso(request.end_us),
        "made": iso(request.made_us),
        "made_us": request.made_us,
        "who": {"account_id": request.account_id, "name": request.account_name},
        "why": request.reason,
    }


def _runs(pieces: Sequence[Piece], stack: ExitStack) -> Iterator[tuple[bytes, list[tuple[_Fragment, FragmentHead]]]]:
    """Fragments that go into one file: one decoder, decode times that go on, no gap. Files stay open for the copy."""
    run: list[tuple[_Fragment, FragmentHead]] = []
    name, fd, init, run_init = "", -1, b"", b""
    decode_end = wall_end_us = -1
    for piece in pieces:
        if piece.segment.name != name:
            name = piece.segment.name
            try:
                fd = stack.enter_context(piece.segment.path.open("rb")).fileno()
            except FileNotFoundError:
                fd = -1  # retention was quicker: a hole, which the manifest shows as a gap
                continue
            init = os.pread(fd, piece.segment.init_bytes, 0)
        if fd < 0:
            continue
        head = read_head(lambda offset, count, fd=fd: os.pread(fd, count, offset), piece.row.offset)  # type: ignore[misc]
        broken = abs(head.wall_us - wall_end_us) > STEP_US or not 0 <= head.decode_time - decode_end <= 90_000
        if run and (broken or init != run_init):
            yield run_init, run
            run = []
        run_init = init
        run.append((_Fragment(piece, fd), head))
        decode_end, wall_end_us = head.decode_time + head.duration, head.end_us
    if run:
        yield run_init, run


def _shown(request: ExportRequest, run: list[tuple[_Fragment, FragmentHead]]) -> tuple[int, int, int, int]:
    """(skip, duration) in 90 kHz and (start, end) in UTC µs of what the file shows: the span, cut to whole frames."""
    first, last = run[0][1], run[-1][1]
    start_us, skip = first.wall_us, 0
    for _, head in run:
        if head.wall_us > request.start_us and start_us >= request.start_us:
            break
        passed = 0
        base = head.composition_offsets[0]
        for duration, offset in zip(head.durations, head.composition_offsets, strict=True):
            shown = passed + offset - base  # from the first frame of the fragment, as presented
            at_us = head.wall_us + shown * 100 // 9
            if start_us < at_us <= request.start_us:
                start_us, skip = at_us, head.decode_time - first.decode_time + shown
            passed += duration
    end_us = min(request.end_us, last.end_us)
    whole = last.decode_time + last.duration - first.decode_time
    duration = min(whole - skip, (end_us - start_us) * 9 // 100)
    return skip, max(1, duration), start_us, end_us


def _write_run(
    work: Path,
    request: ExportRequest,
    camera: ExportCamera,
    init: bytes,
    run: list[tuple[_Fragment, FragmentHead]],
    number: int,
    step: Callable[[int], None],
) -> tuple[ExportFile, dict[str, Any]]:
    """One file. Returns it and its part of the manifest."""
    movie = Mp4File(*parse_init(init))
    for fragment, head in run:
        fragment.at = movie.add(head)
    skip, duration, start_us, end_us = _shown(request, run)
    head_bytes = movie.head(skip, duration)
    stamp = iso(start_us).replace("-", "").replace(":", "").split(".")[0] + "Z"
    safe = re.sub(r"[^A-Za-z0-9_-]+", "_", camera.code or camera.camera_id)[:60]
    name = f"{number + 1:03d}_{safe}_{stamp}.mp4"
    damaged: list[int] = []
    digest = hashlib.sha256()
    with (work / name).open("xb") as out:

        def put(data: bytes) -> None:
            out.write(data)
            digest.update(data)

        put(head_bytes)
        for fragment, head in run:
            at = fragment.piece.row.offset + head.head_bytes
            payload = _read(fragment.fd, at, head.payload_bytes)
            if not head.proves(payload):
                damaged.append(head.wall_us)
            put(payload)
            step(fragment.piece.row.size_bytes)
        about: dict[str, Any] = {
            "name": name,
            "shown": {"start_us": start_us, "end_us": end_us, "start": iso(start_us), "end": iso(end_us)},
            "contained": {"start_us": run[0][1].wall_us, "end_us": run[-1][1].end_us},
            "codec": movie.video_format.codec_string,
            "width_px": movie.video_format.width_px,
            "height_px": movie.video_format.height_px,
            "frames": sum(len(head.sizes) for _, head in run),
            "damaged_us": damaged,
            # offset in the file, bytes, wall time of the first frame, frames, hash before, hash, version of its box
            "fragments": [
                [
                    len(head_bytes) + f.at,
                    h.payload_bytes,
                    h.wall_us,
                    len(h.sizes),
                    h.previous.hex(),
                    h.hash.hex(),
                    h.version,
                ]
                for f, h in run
            ],
        }
        own = {key: value for key, value in _about(request).items() if key not in ("cameras",)}
        own["camera"] = {
            "camera_id": camera.camera_id,
            "code": camera.code,
            "name_ar": camera.name_ar,
            "name_en": camera.name_en,
        }
        own["file"] = about
        own["content_sha256"] = hashlib.sha256(canonical(own)).hexdigest()
        put(box(b"uuid", FILE_UUID, json.dumps(own, ensure_ascii=False).encode()))
        out.flush()
        os.fsync(out.fileno())
        size = out.tell()
    return ExportFile(name, size, digest.hexdigest()), about


def _read(fd: int, at: int, count: int) -> bytes:
    data = os.pread(fd, count, at)
    while len(data) < count:
        more = os.pread(fd, count - len(data), at + len(data))
        if not more:
            raise OSError(5, "the recording is shorter than its index says")
        data += more
    return data


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("xb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def file_manifest(file: BinaryIO) -> dict[str, Any] | None:
    """The part of the manifest that a file carries in itself; None: it carries none. Raises `OSError`, `ValueError`."""
    end = file.seek(0, os.SEEK_END)
    at = 0
    while at + 8 <= end:
        file.seek(at)
        head = file.read(24)
        size, kind = struct.unpack_from(">I4s", head)
        if size == 1 and len(head) >= 16:
            (size,) = struct.unpack_from(">Q", head, 8)
        if kind == b"uuid" and head[8:24] == FILE_UUID:
            if size > 256 << 20 or at + size > end:
                raise ValueError("the manifest in the file is cut or too long")
            found = json.loads(file.read(size - 24))
            return found if isinstance(found, dict) else None
        if size < 8:
            return None
        at += size
    return None
