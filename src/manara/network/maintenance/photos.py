"""Photographs of work: read as a picture, made small, written anew without what a phone hides in it (place, owner,
time).

Files lie under `<data>/photos/<work order>/`, mode 0600, written whole or not at all. Bounds: `UPLOAD_BYTES` in,
`PIXELS_MAX` decoded, `SIDE_PX` kept. Called by `actions.py`; knows no database.
"""

import hashlib
import io
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

from manara.base.errors import FieldError, InvalidInput

UPLOAD_BYTES = 16_000_000
PIXELS_MAX = 80_000_000
SIDE_PX = 1920
_QUALITY = 82


@dataclass(frozen=True, slots=True)
class Kept:
    """A photograph on disk."""

    width_px: int
    height_px: int
    size_bytes: int
    sha256: str


def keep(folder: Path, photo_id: str, data: bytes) -> Kept:
    """Write a photograph as `<folder>/<photo_id>.jpg`. Raises `InvalidInput` where it is no picture that we take."""
    small = _small(data)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=_QUALITY, optimize=True)
    written = out.getvalue()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    half = folder / f".{photo_id}.half"
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(written)
        file.flush()
        os.fsync(file.fileno())
    half.replace(folder / f"{photo_id}.jpg")
    return Kept(small.width, small.height, len(written), hashlib.sha256(written).hexdigest())


def _small(data: bytes) -> Image.Image:
    if len(data) > UPLOAD_BYTES:
        raise _refused(f"is larger than {UPLOAD_BYTES // 1_000_000} MB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as picture:
                if picture.width * picture.height > PIXELS_MAX:
                    raise _refused("has too many pixels")
                picture.draft("RGB", (SIDE_PX, SIDE_PX))  # a JPEG is decoded no larger than we need
                upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _refused("is not a JPEG, PNG or WebP picture that can be read") from error
    upright.thumbnail((SIDE_PX, SIDE_PX))
    clean = Image.new("RGB", upright.size)
    clean.paste(upright)  # a new picture: nothing of the old one's metadata comes along
    return clean


def _refused(why: str) -> InvalidInput:
    return InvalidInput(f"The photograph {why}.", code="photo_invalid", fields=[FieldError(field="photo", message=why)])
