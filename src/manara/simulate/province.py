"""The virtual province: six sections, twenty towns, 200 sites, 850 cameras, schematic streets, roads and rivers.

Pure, seeded.

Modelled on Dhi Qar: names and towns are real (`places.py`), everything between is made by code and labelled schematic.
Rows have the shape that `network.actions.seed` takes (they refer to each other by code); cameras that do not stream are
`enabled: false`. Called by `role.py` and by `app.py` for `manara demo`. The same seed gives the same province.
"""

import math
import random
from dataclasses import dataclass, field
from typing import Any

from shapely.geometry import MultiPoint, Point, Polygon, mapping
from shapely.ops import unary_union, voronoi_diagram

from manara.simulate.places import KINDS, MAKES, RIVERS, ROADS, SECTIONS, TOWNS, VIRTUAL, Place

SITES, CAMERAS = 200, 850
DEMO_USERNAME, DEMO_PASSWORD = "viewer", "loopback-only"
_M_PER_DEG = 111_320.0
_BLOCK_M = 320.0
_BALDA_RADIUS_DEG = 0.055
_DIRECTIONS = (
    ("شمال", "north"), ("شمال شرق", "north-east"), ("شرق", "east"), ("جنوب شرق", "south-east"),
    ("جنوب", "south"), ("جنوب غرب", "south-west"), ("غرب", "west"), ("شمال غرب", "north-west"),
)  # fmt: skip


@dataclass(slots=True)
class Province:
    """All rows. `streams` names the cameras that really stream, in the order of their scenes."""

    sectors: list[dict[str, Any]] = field(default_factory=list)
    towns: list[dict[str, Any]] = field(default_factory=list)
    sites: list[dict[str, Any]] = field(default_factory=list)
    cameras: list[dict[str, Any]] = field(default_factory=list)
    streams: list[str] = field(default_factory=list)
    roads: dict[str, Any] = field(default_factory=dict)  # GeoJSON
    rivers: dict[str, Any] = field(default_factory=dict)  # GeoJSON


def make_province(
    seed: int = 7, *, streaming: int = 24, rtsp: str = "127.0.0.1:8554", onvif: str = "127.0.0.1:8555"
) -> Province:
    """The province, of which `streaming` cameras have an address that answers (`rtsp`, `onvif`: host and port)."""
    chance = random.Random(seed)
    province = Province()
    province.sectors = _sectors()
    province.rivers = _rivers()
    streets: list[dict[str, Any]] = []
    for town in TOWNS:
        province.towns.append(
            {
                "code": town.code,
                "name_ar": town.name_ar,
                "name_en": town.name_en,
                "lat": town.lat,
                "lon": town.lon,
                "sector": town.section,
            }
        )
        grid = _Grid(town, chance)
        streets += grid.streets()
        for index, (lat, lon) in enumerate(grid.junctions(town.sites, chance)):
            province.sites.append(_site(len(province.sites) + 1, index, town, lat, lon, chance))
            province.sites[-1]["_street_deg"] = grid.angle_deg
    streets += [_road(codes) for codes in ROADS]
    province.roads = {"type": "FeatureCollection", "features": streets}
    _cameras(province, chance, rtsp, onvif)
    _choose_streams(province, min(streaming, CAMERAS))
    for site in province.sites:
        del site["_street_deg"]
    return province


def _sectors() -> list[dict[str, Any]]:
    points = {town.code: Point(town.lon, town.lat) for town in TOWNS}
    box = MultiPoint(list(points.values())).convex_hull.buffer(0.14, quad_segs=3)
    cells = list(voronoi_diagram(MultiPoint(list(points.values())), envelope=box).geoms)
    areas: dict[str, list[Polygon]] = {section.code: [] for section in SECTIONS}
    for town in TOWNS:
        cell = next(cell for cell in cells if cell.covers(points[town.code]))
        areas[town.section].append(cell.intersection(box))
    city = unary_union(areas["SEC-BALDA"])
    centre = unary_union([point.buffer(_BALDA_RADIUS_DEG, quad_segs=4) for point in (points["TWN-JAZIRA"],)])
    merged = {code: unary_union(parts) for code, parts in areas.items()}
    merged["SEC-BALDA"] = city.intersection(centre)
    merged["SEC-QADHA"] = unary_union([merged["SEC-QADHA"], city.difference(centre)])
    return [
        {
            "code": section.code,
            "name_ar": section.name_ar,
            "name_en": section.name_en,
            "boundary": _rounded(mapping(merged[section.code])),
        }
        for section in SECTIONS
    ]


def _rounded(geometry: dict[str, Any]) -> dict[str, Any]:
    def walk(value: Any) -> Any:
        return round(value, 5) if isinstance(value, float) else [walk(part) for part in value]

    return {"type": geometry["type"], "coordinates": walk(geometry["coordinates"])}


def _feature(line: list[list[float]], **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": line},
        "properties": {**properties, "schematic": True},
    }


def _rivers() -> dict[str, Any]:
    features = [
        _feature([list(point) for point in line], kind="river", name_ar=names[0], name_en=names[1])
        for names, line in RIVERS.items()
    ]
    return {"type": "FeatureCollection", "features": features}


def _road(codes: tuple[str, ...]) -> dict[str, Any]:
    places = {town.code: town for town in TOWNS}
    line = [[places[code].lon, places[code].lat] for code in codes]
    first, last = places[codes[0]], places[codes[-1]]
    return _feature(
        line,
        kind="road",
        name_ar=f"طريق {first.name_ar} – {last.name_ar}",
        name_en=f"{first.name_en} – {last.name_en} road",
    )


class _Grid:
    """A town's streets: a turned grid around its centre, large enough for its sites."""

    def __init__(self, town: Place, chance: random.Random) -> None:
        self._town = town
        self._side = math.ceil(math.sqrt(town.sites)) + 1
        self.angle_deg = chance.uniform(-25, 25)
        self._drift = [(chance.uniform(-40, 40), chance.uniform(-40, 40)) for _ in range(self._side**2)]

    def point(self, column: int, row: int) -> tuple[float, float]:
        """Latitude and longitude of a junction."""
        half = (self._side - 1) / 2
        dx, dy = self._drift[row * self._side + column]
        x_m, y_m = (column - half) * _BLOCK_M + dx, (row - half) * _BLOCK_M + dy
        turn = math.radians(self.angle_deg)
        east_m = x_m * math.cos(turn) + y_m * math.sin(turn)
        north_m = -x_m * math.sin(turn) + y_m * math.cos(turn)
        lat = self._town.lat + north_m / _M_PER_DEG
        lon = self._town.lon + east_m / (_M_PER_DEG * math.cos(math.radians(self._town.lat)))
        return round(lat, 6), round(lon, 6)

    def streets(self) -> list[dict[str, Any]]:
        """Every row and column as a line."""
        features = []
        for index in range(self._side):
            for across in (True, False):
                cells = [(other, index) if across else (index, other) for other in range(self._side)]
                line = [list(reversed(self.point(*cell))) for cell in cells]
                main = index == self._side // 2
                features.append(
                    _feature(
                        line,
                        kind="main_street" if main else "street",
                        name_ar=f"شارع {index * 2 + across + 1}، {self._town.name_ar}",
                        name_en=f"Street {index * 2 + across + 1}, {self._town.name_en}",
                    )
                )
        return features

    def junctions(self, count: int, chance: random.Random) -> list[tuple[float, float]]:
        """`count` junctions, near ones first."""
        cells = [(column, row) for column in range(self._side) for row in range(self._side)]
        middle = (self._side - 1) / 2
        cells.sort(key=lambda cell: math.hypot(cell[0] - middle, cell[1] - middle) + chance.random() * 0.8)
        return [self.point(*cell) for cell in cells[:count]]


def _site(number: int, index: int, town: Place, lat: float, lon: float, chance: random.Random) -> dict[str, Any]:
    name_ar, name_en, kind, purpose = KINDS[0] if index % 3 == 0 else chance.choice(KINDS)
    return {
        "code": f"SITE-{number:03d}",
        "name_ar": f"{name_ar} {index + 1}، {town.name_ar}",
        "name_en": f"{name_en} {index + 1}, {town.name_en}",
        "kind": kind,
        "lat": lat,
        "lon": lon,
        "sector": town.section,
        "town": town.code,
        "notes": f"{VIRTUAL}{purpose}",
    }


def _cameras(province: Province, chance: random.Random, rtsp: str, onvif: str) -> None:
    counts = [CAMERAS // SITES] * SITES
    for _ in range(CAMERAS - sum(counts)):
        counts[chance.randrange(SITES)] += 1
    for _ in range(SITES):  # from evenly many to few here and many there
        giver, taker = chance.randrange(SITES), chance.randrange(SITES)
        if counts[giver] > 2 and counts[taker] < 8:
            counts[giver] -= 1
            counts[taker] += 1
    for site, count in zip(province.sites, counts, strict=True):
        make, fixed_model, ptz_model = chance.choice(MAKES)
        for index in range(count):
            number = len(province.cameras) + 1
            ptz = index == 0 and chance.random() < 0.45
            code = f"CAM-{number:04d}"
            heading = (site["_street_deg"] + index * 90 + (45 if index >= 4 else 0)) % 360
            word = _DIRECTIONS[round(heading / 45) % 8]
            view = "متحركة" if ptz else word[0]
            province.cameras.append(
                {
                    "code": code,
                    "name_ar": f"{site['name_ar']}، {view}",
                    "name_en": f"{site['name_en']}, {'moving' if ptz else word[1]}",
                    "kind": "ptz" if ptz else "fixed",
                    "make": make,
                    "model": ptz_model if ptz else fixed_model,
                    "site": site["code"],
                    "sector": site["sector"],
                    "town": site["town"],
                    "lat": site["lat"],
                    "lon": site["lon"],
                    "heading_deg": round(heading, 1),
                    "field_of_view_deg": float(chance.choice((58, 72, 90) if not ptz else (60,))),
                    "height_m": float(chance.choice((6, 8, 10))),
                    "range_m": float(chance.choice((60, 80, 120)) if not ptz else 200),
                    "purpose": site["notes"].removeprefix(VIRTUAL),
                    "main_url": f"rtsp://{rtsp}/cam/{code}/main",
                    "sub_url": f"rtsp://{rtsp}/cam/{code}/sub",
                    "onvif_url": f"http://{onvif}/onvif/{code}/device_service",
                    "username": DEMO_USERNAME,
                    "password": DEMO_PASSWORD,
                    "transport": "tcp",
                    "record": True,
                    "priority": int(index == 0),  # kept to the last when its site sheds load
                    "enabled": False,
                }
            )


def _choose_streams(province: Province, count: int) -> None:
    """Let cameras stream, two at a site, section by section in turn, at one site in three a moving one among them."""
    cameras: dict[str, list[dict[str, Any]]] = {}
    for camera in province.cameras:
        cameras.setdefault(camera["site"], []).append(camera)
    waiting: dict[str, list[dict[str, Any]]] = {}
    for site in province.sites:
        waiting.setdefault(site["sector"], []).append(site)
    order = sorted(waiting, key=lambda code: -len(waiting[code]))
    first: dict[str, dict[str, Any]] = {}  # of each section; the others of it that stream stand near
    sites: list[dict[str, Any]] = []
    for turn in range(len(province.sites)):
        section = next(
            order[at % len(order)] for at in range(turn, turn + len(order)) if waiting[order[at % len(order)]]
        )
        near = first.get(section, waiting[section][0])
        wants_ptz = turn % 3 == 0
        best = min(
            waiting[section], key=lambda site: (_has_ptz(cameras[site["code"]]) != wants_ptz, _apart(site, near))
        )
        waiting[section].remove(best)
        first.setdefault(section, best)
        sites.append(best)
    for share in (slice(0, 2), slice(2, None)):
        for site in sites:
            moving_first = sorted(cameras[site["code"]], key=lambda camera: camera["kind"] != "ptz")
            for camera in reversed(moving_first[share]):
                if len(province.streams) < count:
                    camera["enabled"] = True
                    camera["transport"] = "udp" if len(province.streams) % 12 == 7 else "tcp"
                    province.streams.append(camera["code"])


def _has_ptz(cameras: list[dict[str, Any]]) -> bool:
    return any(camera["kind"] == "ptz" for camera in cameras)


def _apart(one: dict[str, Any], other: dict[str, Any]) -> float:
    return math.hypot(one["lat"] - other["lat"], one["lon"] - other["lon"])
