"""Checks an export, offline, with nothing but the export: `manara verify FILE` (a folder, its manifest, a ZIP, or one
MP4).

It proves that the files are those the manifest names, that every fragment in them is what the recorder hashed when it
recorded it, and that none is missing between the first and the last. It does not prove who wrote the manifest: for
that `content_sha256` is signed, or compared with the audit log. Hostile input gives problems, never an error or
unbounded memory.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from manara.formats.fmp4 import VERSION, VERSION_SHA256, chain_hash
from manara.recorder.export import FORMAT, canonical, file_manifest

_FORMATS = (FORMAT, "manara-export/1")  # the older one did not tell how a fragment was hashed: by SHA-256
MAX_MANIFEST_BYTES = 256 << 20
MAX_FRAGMENT_BYTES = 512 << 20
_READ_BYTES = 1 << 20


@dataclass(slots=True)
class VerifyReport:
    """What was found. `ok` only where something was checked and nothing is wrong."""

    problems: list[str] = field(default_factory=list)
    export_id: str = ""
    content_sha256: str = ""
    who: str = ""
    why: str = ""
    start: str = ""
    end: str = ""
    cameras: list[str] = field(default_factory=list)
    files: int = 0
    fragments: int = 0

    @property
    def ok(self) -> bool:
        """Whether the export is whole and unchanged."""
        return not self.problems and self.fragments > 0


def verify(path: Path) -> VerifyReport:
    """Check the export at `path`. Raises `OSError` only where `path` itself cannot be read."""
    report = VerifyReport()
    try:
        if path.is_dir():
            _folder(report, lambda name: (path / name).open("rb"))
        elif path.name == "manifest.json":
            _folder(report, lambda name: (path.parent / name).open("rb"))
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as pack:
                names = {Path(name).name: name for name in pack.namelist()}
                _folder(report, lambda name: pack.open(names.get(name, name)))  # type: ignore[arg-type,return-value]
        else:
            with path.open("rb") as file:
                _single(report, path.name, file)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, zipfile.BadZipFile) as error:
        report.problems.append(f"{path.name}: not an export that can be read: {error!r}")
    return report


def _check_content(report: VerifyReport, manifest: dict[str, Any], where: str) -> None:
    if manifest.get("format") not in _FORMATS:
        report.problems.append(f"{where}: format {manifest.get('format')!r} is none of {', '.join(_FORMATS)}")
    own = hashlib.sha256(canonical(manifest)).hexdigest()
    if own != manifest.get("content_sha256"):
        report.problems.append(f"{where}: was changed: its own hash does not fit")
    report.export_id = str(manifest.get("export_id", ""))
    report.content_sha256 = own
    report.who = str(dict(manifest.get("who") or {}).get("name", ""))
    report.why = str(manifest.get("why", ""))
    report.start, report.end = str(manifest.get("start", "")), str(manifest.get("end", ""))


def _folder(report: VerifyReport, opened: Callable[[str], BinaryIO]) -> None:
    try:
        with opened("manifest.json") as file:
            text = file.read(MAX_MANIFEST_BYTES + 1)
    except (OSError, KeyError):
        report.problems.append("manifest.json: missing")
        return
    if len(text) > MAX_MANIFEST_BYTES:
        raise ValueError("manifest.json is too long")
    manifest = json.loads(text)
    _check_content(report, manifest, "manifest.json")
    for camera in manifest["cameras"]:
        report.cameras.append(str(camera.get("code") or camera["camera_id"]))
        for about in camera["files"]:
            name = str(about["name"])
            if "/" in name or name.startswith("."):
                report.problems.append(f"{name}: a name that leads elsewhere")
                continue
            try:
                with opened(name) as file:
                    _check_file(report, name, file, about)
            except (OSError, KeyError) as error:
                report.problems.append(f"{name}: missing or unreadable: {error}")


def _single(report: VerifyReport, name: str, file: BinaryIO) -> None:
    manifest = file_manifest(file)
    if manifest is None:
        report.problems.append(f"{name}: carries no manifest, so it was not exported by Manara, or was changed since")
        return
    _check_content(report, manifest, name)
    camera = manifest["camera"]
    report.cameras.append(str(camera.get("code") or camera["camera_id"]))
    _check_file(report, name, file, manifest["file"])


def _check_file(report: VerifyReport, name: str, file: BinaryIO, about: dict[str, Any]) -> None:
    """Every fragment by its chain hash; the whole by its SHA-256 where the manifest tells it."""
    report.files += 1
    size = file.seek(0, os.SEEK_END)
    if "bytes" in about and size != about["bytes"]:
        report.problems.append(f"{name}: {size} bytes, the manifest says {about['bytes']}")
    if "sha256" in about:
        file.seek(0)
        digest = hashlib.sha256()
        while chunk := file.read(_READ_BYTES):
            digest.update(chunk)
        if digest.hexdigest() != about["sha256"]:
            report.problems.append(f"{name}: was changed: its SHA-256 does not fit")
    for wall_us in about.get("damaged_us", []):
        report.problems.append(f"{name}: the recording itself was damaged at {wall_us}, before the export")
    before, end = None, 0
    for offset, count, wall_us, _frames, previous, own, *version in about["fragments"]:
        how = version[0] if version else VERSION_SHA256
        if how not in (VERSION, VERSION_SHA256):
            report.problems.append(f"{name}: fragment at {wall_us}: version {how!r} is not known")
            return
        if not 0 <= count <= MAX_FRAGMENT_BYTES or offset < end:
            report.problems.append(f"{name}: fragment at {wall_us}: impossible place or length")
            return
        end = offset + count
        file.seek(offset)
        if chain_hash(bytes.fromhex(previous), wall_us, [file.read(count)], how).hex() != own:
            report.problems.append(f"{name}: the footage at {wall_us} is not what was recorded")
        if before is not None and previous != before:
            report.problems.append(f"{name}: footage is missing before {wall_us}")
        before = own
        report.fragments += 1
