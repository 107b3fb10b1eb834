"""GeoJSON (RFC 7946) read within bounds: features with their geometry and plain properties, and all faults.

WGS84 only, as the RFC says. Geometries are checked for shape and range here; what a property means is the caller's.
Bounds: bytes, features, nesting, positions of a feature, length of a text.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from manara.base.errors import FieldError

MAX_BYTES = 50_000_000
MAX_FEATURES = 100_000
MAX_PROPERTIES = 200
MAX_TEXT = 20_000
FAULTS_MAX = 1000
_DEPTH = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}


@dataclass(slots=True)
class Feature:
    """`geometry` is None or a checked `{type, coordinates}` with heights dropped; `row` counts features from 1."""

    row: int
    geometry: dict[str, Any] | None
    properties: dict[str, Any]


@dataclass(slots=True)
class Collection:
    """What a file held."""

    features: list[Feature] = field(default_factory=list)
    faults: list[FieldError] = field(default_factory=list)


def read(data: bytes, *, max_bytes: int = MAX_BYTES, max_features: int = MAX_FEATURES) -> Collection:
    """Read a FeatureCollection (or one Feature); whatever is wrong is in `faults`, never raised."""
    found = Collection()
    if len(data) > max_bytes:
        found.faults.append(FieldError("file", f"is larger than {max_bytes // 1_000_000} MB"))
        return found
    try:
        root = json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
    except UnicodeDecodeError:
        found.faults.append(FieldError("file", "is not UTF-8"))
        return found
    except (ValueError, RecursionError) as error:
        found.faults.append(FieldError("file", f"is not JSON: {error}"[:200]))
        return found
    kind = root.get("type") if isinstance(root, dict) else None
    raw = root.get("features") if kind == "FeatureCollection" else [root] if kind == "Feature" else None
    if not isinstance(raw, list):
        found.faults.append(FieldError("file", "is not a GeoJSON FeatureCollection"))
        return found
    if len(raw) > max_features:
        found.faults.append(FieldError("file", f"has more than {max_features} features"))
        return found
    for row, item in enumerate(raw, start=1):
        if len(found.faults) >= FAULTS_MAX:
            break
        try:
            found.features.append(_feature(row, item))
        except _Wrong as wrong:
            found.faults.append(FieldError(wrong.field, str(wrong), row=row))
    return found


def positions(geometry: dict[str, Any]) -> Iterator[tuple[float, float]]:
    """All (lon, lat) of a checked geometry."""

    def walk(value: Any, depth: int) -> Iterator[tuple[float, float]]:
        if depth == 0:
            yield value[0], value[1]
        else:
            for part in value:
                yield from walk(part, depth - 1)

    yield from walk(geometry["coordinates"], _DEPTH[geometry["type"]])


class _Wrong(ValueError):
    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")


def _feature(row: int, item: Any) -> Feature:
    if not isinstance(item, dict) or item.get("type") != "Feature":
        raise _Wrong("feature", "is not a GeoJSON Feature")
    properties = item.get("properties")
    if properties is None:
        properties = {}
    if not isinstance(properties, dict) or len(properties) > MAX_PROPERTIES:
        raise _Wrong("properties", f"are not an object of at most {MAX_PROPERTIES} values")
    for name, value in properties.items():
        if len(name) > 200 or (isinstance(value, str) and len(value) > MAX_TEXT):
            raise _Wrong("properties", f"have a value longer than {MAX_TEXT} characters")
        try:
            name.encode()
            str(value).encode()
        except UnicodeEncodeError:
            raise _Wrong("properties", "have a text with half a character") from None
    return Feature(row, _geometry(item.get("geometry")), properties)


def _geometry(raw: Any) -> dict[str, Any] | None:
    if raw is None:
        return None
    if not isinstance(raw, dict) or raw.get("type") not in _DEPTH:
        raise _Wrong("geometry", f"is none of {', '.join(_DEPTH)}")
    depth = _DEPTH[raw["type"]]
    clean = _coordinates(raw.get("coordinates"), depth)
    if raw["type"] in ("Polygon", "MultiPolygon"):
        for polygon in [clean] if depth == 2 else clean:
            if not polygon or any(len(ring) < 4 or ring[0] != ring[-1] for ring in polygon):
                raise _Wrong("geometry", "has a ring that is not closed or has fewer than four points")
    elif raw["type"] in ("LineString", "MultiLineString"):
        for line in [clean] if depth == 1 else clean:
            if len(line) < 2:
                raise _Wrong("geometry", "has a line of fewer than two points")
    return {"type": raw["type"], "coordinates": clean}


def _coordinates(value: Any, depth: int) -> Any:
    if not isinstance(value, list):
        raise _Wrong("geometry", "has coordinates of the wrong depth")
    if depth:
        return [_coordinates(part, depth - 1) for part in value]
    if not 2 <= len(value) <= 4:
        raise _Wrong("geometry", "has a position that is not [lon, lat]")
    lon, lat = value[0], value[1]
    for degrees, limit in ((lon, 180), (lat, 90)):
        if isinstance(degrees, bool) or not isinstance(degrees, int | float) or not math.isfinite(degrees):
            raise _Wrong("geometry", "has a position that is not a number")
        if not -limit <= degrees <= limit:
            raise _Wrong("geometry", "lies outside WGS84 degrees (is it projected?)")
    return [float(lon), float(lat)]
