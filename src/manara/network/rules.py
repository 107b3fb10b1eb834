"""What a valid sector, town, site and camera is: one table of fields for forms, imports and seeding alike.

Pure: no state, no I/O. `check` takes loose values (JSON of a form, text cells of a file), gives clean ones and *all*
faults.
Codes that refer to other rows are judged by the caller, who knows them. Called by `actions.py` and `imports.py`.
Bounds: every text has a length, every number a range, a boundary at most `BOUNDARY_POINTS_MAX` points.
"""

import ipaddress
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from manara.base.errors import FieldError

URL_MAX = 2048
BOUNDARY_POINTS_MAX = 100_000
VALUE_SHOWN_MAX = 80

_INVISIBLE = dict.fromkeys([0x200E, 0x200F, 0xFEFF, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹٫−", "01234567890123456789.-")
_TRUE = frozenset({"true", "yes", "1", "on", "نعم"})
_FALSE = frozenset({"false", "no", "0", "off", "لا", "كلا"})
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?")
_MISSING = object()


class Fault(ValueError):
    """Why a value is not right, in words for a person."""


Parser = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field: how a loose value becomes a clean one, and what it is when left empty (`required`: may not be)."""

    parse: Parser
    default: Any = ""
    required: bool = False
    secret: bool = False


def text(max_length: int, *, lines: bool = False) -> Parser:
    """Text without control characters (line breaks only where `lines`), trimmed, in normal form C."""

    def parse(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise Fault("must be text")
        if len(str(value)) > max_length * 4:
            raise Fault(f"is longer than {max_length} characters")
        clean = unicodedata.normalize("NFC", str(value).translate(_INVISIBLE)).strip()
        if lines:
            clean = clean.replace("\r\n", "\n").replace("\r", "\n")
        if len(clean) > max_length:
            raise Fault(f"is longer than {max_length} characters")
        for character in clean:
            kind = unicodedata.category(character)
            if kind in ("Cc", "Cs", "Zl", "Zp") and not (lines and character in "\n\t"):
                raise Fault(f"has a character that cannot be kept (U+{ord(character):04X})")
        return clean

    return parse


def number(low: float, high: float) -> Parser:
    """A finite number within `low` and `high`, both included."""

    def parse(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise Fault("must be a number")
        try:
            found = float(value.translate(_DIGITS).strip() if isinstance(value, str) else value)
        except (ValueError, OverflowError):
            raise Fault("must be a number") from None
        if not math.isfinite(found) or not low <= found <= high:
            raise Fault(f"must lie between {low:g} and {high:g}")
        return found + 0.0

    return parse


def integer(low: int, high: int) -> Parser:
    """A whole number within `low` and `high`, both included."""
    as_number = number(low, high)

    def parse(value: Any) -> int:
        found = as_number(value)
        if not float(found).is_integer():
            raise Fault("must be a whole number")
        return int(found)

    return parse


def heading(value: Any) -> float:
    """Degrees clockwise from north; 360 is 0."""
    found: float = number(0, 360)(value)
    return 0.0 if found == 360 else found


def boolean(value: Any) -> bool:
    """True or false; in files also yes/no, 1/0, نعم/لا."""
    if isinstance(value, bool):
        return value
    word = str(value).translate(_DIGITS).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise Fault("must be yes or no")


def choice(words: Mapping[str, str]) -> Parser:
    """One of the values of `words`; its keys are other ways to write them."""
    allowed = sorted(set(words.values()))

    def parse(value: Any) -> str:
        word = str(value).translate(_INVISIBLE).strip().lower()
        if word in allowed:
            return word
        if word in words:
            return words[word]
        raise Fault(f"must be one of {', '.join(allowed)}")

    return parse


def reference(value: Any) -> str:
    """The id (forms) or code (files) of another row."""
    return str(text(64)(value))


def split_url(value: Any, schemes: tuple[str, ...]) -> tuple[str, str | None, str | None]:
    """A clean address without user and password, and those two where they stood in it. Raises `Fault`."""
    if not isinstance(value, str):
        raise Fault("must be text")
    raw = value.translate(_INVISIBLE).strip()
    if len(raw) > URL_MAX:
        raise Fault(f"is longer than {URL_MAX} characters")
    if any(character <= " " or ord(character) == 127 for character in raw) or "\\" in raw:
        raise Fault("has a space or a control character in it")
    try:
        parts = urlsplit(raw)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise Fault("is not an address") from None
    if parts.scheme not in schemes:
        raise Fault(f"must begin with {' or '.join(scheme + '://' for scheme in schemes)}")
    if port == 0 or not _good_host(host):
        raise Fault("has no usable host and port")
    try:
        username = None if parts.username is None else text(120)(unquote(parts.username, errors="strict"))
        password = None if parts.password is None else text(200)(unquote(parts.password, errors="strict"))
    except UnicodeDecodeError:
        raise Fault("has a user or password that is not UTF-8") from None
    where = f"[{host}]" if ":" in host else host
    clean = SplitResult(parts.scheme, where if port is None else f"{where}:{port}", parts.path, parts.query, "")
    return urlunsplit(clean), username, password


def _good_host(host: str) -> bool:
    if ":" in host:
        try:
            ipaddress.IPv6Address(host.split("%", 1)[0])
        except ValueError:
            return False
        return "%" not in host
    return _HOST.fullmatch(host) is not None


def redact_url(url: str) -> str:
    """An address fit for logs and the audit log: no user, no password, no query (some cameras take passwords there)."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        netloc = f"[{host}]" if ":" in host else host
        netloc += f":{parts.port}" if parts.port else ""
    except ValueError:
        return "(not an address)"
    return urlunsplit((parts.scheme, netloc, parts.path, "…" if parts.query else "", ""))


def boundary(value: Any) -> dict[str, Any] | None:
    """A GeoJSON Polygon or MultiPolygon in WGS84 degrees, rings closed, heights dropped. Raises `Fault`."""
    if value is None or value == "":
        return None
    if not isinstance(value, Mapping) or value.get("type") not in ("Polygon", "MultiPolygon"):
        raise Fault("must be a GeoJSON Polygon or MultiPolygon")
    points = 0

    def ring(raw: Any) -> list[list[float]]:
        nonlocal points
        if not isinstance(raw, list) or len(raw) < 4:
            raise Fault("has a ring of fewer than four points")
        points += len(raw)
        if points > BOUNDARY_POINTS_MAX:
            raise Fault(f"has more than {BOUNDARY_POINTS_MAX} points")
        clean = [_position(point) for point in raw]
        if clean[0] != clean[-1]:
            raise Fault("has a ring that is not closed")
        return clean

    def polygon(raw: Any) -> list[list[list[float]]]:
        if not isinstance(raw, list) or not raw:
            raise Fault("has a polygon without rings")
        return [ring(part) for part in raw]

    coordinates = value.get("coordinates")
    if value["type"] == "Polygon":
        return {"type": "Polygon", "coordinates": polygon(coordinates)}
    if not isinstance(coordinates, list) or not coordinates:
        raise Fault("has no polygons")
    return {"type": "MultiPolygon", "coordinates": [polygon(part) for part in coordinates]}


def _position(point: Any) -> list[float]:
    if not isinstance(point, list) or not 2 <= len(point) <= 4:
        raise Fault("has a point that is not [lon, lat]")
    lon, lat = point[0], point[1]
    for degrees, limit in ((lon, 180), (lat, 90)):
        if isinstance(degrees, bool) or not isinstance(degrees, int | float) or not -limit <= degrees <= limit:
            raise Fault("has a point outside WGS84 degrees")
    return [float(lon), float(lat)]


_CODE = Field(text(64), required=True)
_NAME = Field(text(120))
_LAT, _LON = Field(number(-90, 90), required=True), Field(number(-180, 180), required=True)
_REFERENCE = Field(reference, default=None)

SECTOR = {"code": _CODE, "name_ar": _NAME, "name_en": _NAME, "boundary": Field(boundary, default=None)}
TOWN = {"code": _CODE, "name_ar": _NAME, "name_en": _NAME, "lat": _LAT, "lon": _LON, "sector_id": _REFERENCE}
SITE = {
    "code": _CODE,
    "name_ar": _NAME,
    "name_en": _NAME,
    "kind": Field(
        choice(
            {"عمود": "pole", "pole": "pole", "مبنى": "building", "building": "building", "عقدة": "hub", "hub": "hub"}
            | {"غرفة السيطرة": "control_room", "control_room": "control_room"}
        ),
        default="pole",
    ),
    "lat": _LAT,
    "lon": _LON,
    "sector_id": _REFERENCE,
    "town_id": _REFERENCE,
    "supplier": _NAME,
    "notes": Field(text(2000, lines=True)),
}
CAMERA = {
    "code": _CODE,
    "name_ar": _NAME,
    "name_en": _NAME,
    "site_id": _REFERENCE,
    "sector_id": _REFERENCE,
    "town_id": _REFERENCE,
    "switch_id": _REFERENCE,
    "switch_port": Field(integer(1, 512), default=None),
    "supplier": _NAME,
    "kind": Field(
        choice({"ثابتة": "fixed", "ثابته": "fixed", "متحركة": "ptz", "متحركه": "ptz", "fixed": "fixed", "ptz": "ptz"}),
        default="fixed",
    ),
    "make": _NAME,
    "model": _NAME,
    "main_url": Field(lambda value: split_url(value, ("rtsp", "rtsps")), required=True),
    "sub_url": Field(lambda value: split_url(value, ("rtsp", "rtsps"))),
    "onvif_url": Field(lambda value: split_url(value, ("http", "https"))),
    "username": _NAME,
    "password": Field(text(200), default=None, secret=True),
    "transport": Field(choice({"tcp": "tcp", "udp": "udp"}), default="tcp"),
    "lat": _LAT,
    "lon": _LON,
    "heading_deg": Field(heading, default=None),
    "field_of_view_deg": Field(number(1, 360), default=None),
    "height_m": Field(number(0, 1000), default=None),
    "range_m": Field(number(0, 20_000), default=None),
    "purpose": Field(text(400, lines=True)),
    "record": Field(boolean, default=True),
    "sound": Field(boolean, default=False),
    "retention_days": Field(number(0.01, 3660), default=None),
    "retention_bytes": Field(integer(100_000_000, 1_000_000_000_000_000), default=None),
    "priority": Field(integer(-100, 100), default=0),
    "enabled": Field(boolean, default=True),
}
FIELDS: dict[str, dict[str, Field]] = {"sector": SECTOR, "town": TOWN, "site": SITE, "camera": CAMERA}
URL_FIELDS = ("main_url", "sub_url", "onvif_url")


def check(
    noun: str, values: Mapping[str, Any], *, new: bool, row: int | None = None
) -> tuple[dict[str, Any], list[FieldError]]:
    """Clean values of a `sector`, `town`, `site` or `camera`, and all faults.

    With `new`, missing fields get their defaults and required ones are faults; else only the fields given come back.
    A user and password inside an address move to `username` and `password` (the main stream's win). None or empty text
    is the field's default; a `password` of None is left out (unchanged), an empty one clears it. Unknown fields are
    faults.
    """
    return check_fields(FIELDS[noun], values, new=new, row=row)


def check_fields(
    fields: Mapping[str, Field], values: Mapping[str, Any], *, new: bool, row: int | None = None
) -> tuple[dict[str, Any], list[FieldError]]:
    """As `check`, for any table of fields."""
    clean: dict[str, Any] = {}
    faults: list[FieldError] = []
    credentials: list[tuple[str | None, str | None]] = []
    for name in values:
        if name not in fields:
            faults.append(
                FieldError(field=_printable(str(name))[:64], message="is not a field that can be set", row=row)
            )
    for name, rule in fields.items():
        value = values.get(name, _MISSING)
        if value is _MISSING and not new:
            continue
        if rule.secret:
            if value is _MISSING or value is None:
                continue
        elif value is _MISSING or value is None or (isinstance(value, str) and not value.translate(_INVISIBLE).strip()):
            if rule.required:
                faults.append(FieldError(field=name, message="is required", row=row))
            else:
                clean[name] = rule.default
            continue
        try:
            found = rule.parse(value)
        except Fault as fault:
            shown = None if rule.secret else _shown(name, value)
            faults.append(FieldError(field=name, message=str(fault), row=row, value=shown))
            continue
        if name in URL_FIELDS:
            found, username, password = found
            credentials.append((username, password))
        clean[name] = found
    for username, password in credentials:
        if username is not None:
            clean["username"] = username
            if password is not None:
                clean["password"] = password
            break
    return clean, faults


def _shown(name: str, value: Any) -> str:
    """The value for an error message; of an address only what is not secret."""
    if name in URL_FIELDS:
        return redact_url(str(value)[:URL_MAX])[:VALUE_SHOWN_MAX]
    return _printable(str(value)[:VALUE_SHOWN_MAX])


def _printable(raw: str) -> str:
    """Text that can be encoded: half characters from hostile JSON become question marks."""
    return raw.encode("utf-8", "replace").decode()
