"""What vision keeps on disk: each camera's references and the pictures of its findings, under `<data>/vision/`.

    <camera_id>/state.bin          references, the recent picture, what is normal (msgpack), replaced whole and synced
    <camera_id>/ref-<µs>.jpg       what a reference view looked like
    <camera_id>/now-<µs>.jpg       the picture in which a finding began

A state that cannot be read is put aside as `state.bad` and the camera learns anew; nothing here stops the looking.
Written by one vision process a camera, read by the web (`picture`, `names`). Bounds a camera: `MOST_STATE_BYTES`,
`MOST_NOW` pictures of findings, one picture a view.
"""

import contextlib
import dataclasses
import os
import re
from pathlib import Path

import msgspec
import numpy as np

from manara.vision.detectors import Spans
from manara.vision.judge import CameraJudge
from manara.vision.picture import BLOCKS_ACROSS, BLOCKS_DOWN, EDGE_ACROSS, EDGE_DOWN, Field, Floats
from manara.vision.references import References, View
from manara.vision.repeats import Repeats

MOST_STATE_BYTES = 8_000_000
MOST_NOW = 24
VERSION = 2
_CAMERA = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PICTURE = re.compile(r"(?:ref|now)-\d{1,20}\.jpg")
_SCALARS = ("mean", "low", "high", "chroma_u", "chroma_v", "colour", "score", "scatter", "sigmas", "white_share")
_BLOCKS = ("block_edges", "block_mean", "block_std", "block_fine", "kept")


class KeptView(msgspec.Struct, frozen=True, kw_only=True):
    """A `View` on disk: edges as signed bytes, blocks as half floats."""

    edges: bytes
    blocks: bytes
    scalars: list[float]
    looks: int
    first_us: int
    last_us: int
    preset: str
    by: str
    picture: str


class KeptCamera(msgspec.Struct, frozen=True, kw_only=True):
    """A `CameraJudge` on disk, less what is only of the moment."""

    version: int
    preset: str
    recent: KeptView | None
    views: list[KeptView]
    longest_still: int
    nearest: float
    compared: int
    hours_seen: list[int]
    hours_days: list[int]
    hours_colour: list[float]
    sway_px: float
    spans: tuple[float, float, float, int]
    restless_us: float


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(KeptCamera)


def _keep_view(view: View) -> KeptView:
    parts = np.stack([view.edges.real, view.edges.imag])
    return KeptView(
        edges=np.clip(np.rint(parts * 127), -127, 127).astype(np.int8).tobytes(),
        blocks=np.stack([getattr(view, name) for name in _BLOCKS]).astype(np.float16).tobytes(),
        scalars=[float(getattr(view, name)) for name in _SCALARS],
        looks=view.looks,
        first_us=view.first_us,
        last_us=view.last_us,
        preset=view.preset,
        by=view.by,
        picture=view.picture,
    )


def _view_of(kept: KeptView) -> View:
    parts = np.frombuffer(kept.edges, np.int8).reshape(2, EDGE_DOWN, EDGE_ACROSS).astype(np.float32) / 127
    edges: Field = (parts[0] + 1j * parts[1]).astype(np.complex64)
    shape = (len(_BLOCKS), BLOCKS_DOWN, BLOCKS_ACROSS)
    blocks: Floats = np.frombuffer(kept.blocks, np.float16).reshape(shape).astype(np.float32)
    if not (np.isfinite(blocks).all() and len(kept.scalars) == len(_SCALARS)):
        raise ValueError("a view with values that are no numbers")
    arrays = dict(zip(_BLOCKS, blocks, strict=True))
    scalars = dict(zip(_SCALARS, kept.scalars, strict=True))
    return View(
        edges=edges,
        block_edges=arrays["block_edges"],
        block_mean=arrays["block_mean"],
        block_std=arrays["block_std"],
        block_fine=arrays["block_fine"],
        mean=scalars["mean"],
        low=scalars["low"],
        high=scalars["high"],
        chroma_u=scalars["chroma_u"],
        chroma_v=scalars["chroma_v"],
        colour=scalars["colour"],
        score=scalars["score"],
        scatter=scalars["scatter"],
        sigmas=scalars["sigmas"],
        white_share=scalars["white_share"],
        kept=arrays["kept"],
        looks=kept.looks,
        first_us=kept.first_us,
        last_us=kept.last_us,
        preset=kept.preset,
        by=kept.by,
        picture=kept.picture if _PICTURE.fullmatch(kept.picture) else "",
    )


def pack(judge: CameraJudge) -> bytes:
    """A camera's memory as bytes."""
    repeats = judge.repeats
    return _encode(
        KeptCamera(
            version=VERSION,
            preset=judge.preset,
            recent=None if judge.recent is None else _keep_view(judge.recent),
            views=[_keep_view(view) for view in judge.references.views],
            longest_still=repeats.longest_still,
            nearest=repeats.nearest,
            compared=repeats.compared,
            hours_seen=judge.hours_seen,
            hours_days=judge.hours_days,
            hours_colour=judge.hours_colour,
            sway_px=judge.sway_px,
            spans=dataclasses.astuple(judge.spans),
            restless_us=judge.restless_us,
        )
    )


def unpack(camera_id: str, data: bytes, *, recent_from_us: int) -> CameraJudge:
    """The memory in `data`. The recent picture is kept only if it is younger than `recent_from_us`.

    Raises `ValueError` for anything that is not one of ours.
    """
    try:
        kept = _decoder.decode(data)
        if kept.version != VERSION or {len(kept.hours_seen), len(kept.hours_days), len(kept.hours_colour)} != {24}:
            raise ValueError("another version")
        views = [_view_of(view) for view in kept.views]
        recent = None if kept.recent is None or kept.recent.last_us < recent_from_us else _view_of(kept.recent)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)[:200]) from error
    return CameraJudge(
        camera_id,
        References(views),
        Repeats(longest_still=kept.longest_still, nearest=kept.nearest, compared=kept.compared),
        recent,
        kept.preset,
        hours_seen=kept.hours_seen,
        hours_days=kept.hours_days,
        hours_colour=kept.hours_colour,
        sway_px=kept.sway_px,
        spans=Spans(*kept.spans),
        restless_us=kept.restless_us,
    )


class VisionStore:
    """The folder. Every method may raise `OSError`; none raises anything else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bad_states = 0

    def load(self, camera_id: str, *, recent_from_us: int) -> CameraJudge | None:
        """A camera's memory, None where there is none (or none that can be read)."""
        file = self._of(camera_id) / "state.bin"
        try:
            if file.stat().st_size > MOST_STATE_BYTES:
                raise ValueError("too large")
            return unpack(camera_id, file.read_bytes(), recent_from_us=recent_from_us)
        except FileNotFoundError:
            return None
        except ValueError:
            self.bad_states += 1
            file.replace(file.with_suffix(".bad"))
            return None

    def views(self, camera_id: str) -> list[View]:
        """The reference views that are on disk; none where they cannot be read. Changes nothing."""
        try:
            file = self._of(camera_id) / "state.bin"
            if file.stat().st_size > MOST_STATE_BYTES:
                return []
            return unpack(camera_id, file.read_bytes(), recent_from_us=0).references.views
        except (FileNotFoundError, ValueError):
            return []

    def save(self, camera_id: str, data: bytes) -> None:
        """Replace a camera's memory: after a crash there is the old one or the new one."""
        folder = self._of(camera_id)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = folder / "state.new"
        with new.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        new.replace(folder / "state.bin")

    def keep_picture(self, camera_id: str, kind: str, at_us: int, jpeg: bytes, used: set[str]) -> str:
        """Keep a picture (`kind` ref or now) and return its name. Pictures of references that are not `used` go, and
        of findings all but the newest."""
        folder = self._of(camera_id)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{kind}-{at_us}.jpg"
        new = folder / "picture.new"
        new.write_bytes(jpeg)
        new.replace(folder / name)
        names = self.names(camera_id)
        gone = [old for old in names if old.startswith("ref-") and old not in used and old != name]
        gone += [old for old in names if old.startswith("now-")][:-MOST_NOW]
        for old in gone:
            with contextlib.suppress(FileNotFoundError):
                (folder / old).unlink()
        return name

    def names(self, camera_id: str) -> list[str]:
        """Names of a camera's pictures, oldest first."""
        try:
            found = [path.name for path in self._of(camera_id).iterdir() if _PICTURE.fullmatch(path.name)]
        except FileNotFoundError:
            return []
        return sorted(found, key=lambda name: int(name[4:-4]))

    def picture(self, camera_id: str, name: str) -> bytes | None:
        """A picture, None where there is none of that name."""
        if not _PICTURE.fullmatch(name):
            return None
        try:
            return (self._of(camera_id) / name).read_bytes()
        except FileNotFoundError:
            return None

    def forget(self, camera_id: str) -> None:
        """Remove everything of a camera."""
        folder = self._of(camera_id)
        with contextlib.suppress(FileNotFoundError):
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()

    def kept(self) -> dict[str, float]:
        """The cameras of which something is kept, and when the newest of it was written (s since 1970)."""
        found: dict[str, float] = {}
        with contextlib.suppress(FileNotFoundError):
            for folder in self.folder.iterdir():
                if _CAMERA.fullmatch(folder.name) and folder.is_dir():
                    times = [path.stat().st_mtime for path in folder.iterdir()]
                    found[folder.name] = max(times, default=folder.stat().st_mtime)
        return found

    def _of(self, camera_id: str) -> Path:
        if not _CAMERA.fullmatch(camera_id):
            raise FileNotFoundError(camera_id)
        return self.folder / camera_id
