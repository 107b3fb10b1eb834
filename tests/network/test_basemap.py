"""The base map: areas, rivers, places and roads become layers; a bad file changes nothing; real files where they are
at hand.
"""

import gzip
import json
from pathlib import Path
from typing import Any

import osmium
import pytest

from manara.base.errors import InvalidInput, NotFound
from manara.network import basemap

GEO = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "geo"
LINE = {"type": "LineString", "coordinates": [[46.2, 31.0], [46.3, 31.1]]}


def collection(*features: tuple[Any, dict[str, Any]]) -> dict[str, Any]:
    made = [{"type": "Feature", "geometry": geometry, "properties": properties} for geometry, properties in features]
    return {"type": "FeatureCollection", "features": made}


def pbf(path: Path, ways: int = 3, *, lose_nodes: bool = False) -> Path:
    """A made-up extract: a primary road, streets in a comb, a river, a road whose nodes are missing."""
    with osmium.SimpleWriter(str(path)) as writer:
        for number in range(1, ways + 2):
            if not lose_nodes:
                writer.add_node(
                    osmium.osm.mutable.Node(id=number, location=(46 + number / 10_000, 31 + number / 10_000))
                )
        for number in range(1, ways + 1):
            kind = "primary" if number == 1 else "residential"
            tags = {"highway": kind, "name": "شارع الحبوبي", "name:en": "Haboubi Street", "oneway": "yes"}
            writer.add_way(osmium.osm.mutable.Way(id=number, nodes=[number, number + 1], tags=tags))
        writer.add_way(osmium.osm.mutable.Way(id=ways + 1, nodes=[1, 2], tags={"waterway": "river"}))
        writer.add_way(osmium.osm.mutable.Way(id=ways + 2, nodes=[1, 2], tags={"highway": "proposed"}))
        writer.add_way(osmium.osm.mutable.Way(id=ways + 3, nodes=[900_001, 900_002], tags={"highway": "primary"}))
    return path


def test_a_layer_is_written_replaced_and_removed(tmp_path: Path) -> None:
    assert basemap.layers(tmp_path) == []
    entry = basemap.write_layer(
        tmp_path, "roads", "roads", collection((LINE, {"class": "primary"})), "schematic", at_us=5
    )
    assert entry == {
        "id": "roads", "kind": "roads", "file": "roads.geojson", "attribution": "schematic",
        "bounds": [46.2, 31.0, 46.3, 31.1],
        "features": 1, "left_out": 0, "bytes": entry["bytes"], "imported_us": 5,
    }  # fmt: skip
    basemap.write_layer(tmp_path, "rivers-small", "rivers", collection((LINE, {})), "")
    basemap.write_layer(tmp_path, "roads", "roads", collection((LINE, {}), (LINE, {})), "", at_us=6)
    assert [(layer["id"], layer["features"]) for layer in basemap.layers(tmp_path)] == [
        ("rivers-small", 1),
        ("roads", 2),
    ]
    assert len(json.loads((tmp_path / "map" / "roads.geojson").read_text())["features"]) == 2
    basemap.remove_layer(tmp_path, "roads")
    assert [layer["id"] for layer in basemap.layers(tmp_path)] == ["rivers-small"]
    assert sorted(path.name for path in (tmp_path / "map").iterdir()) == ["layers.json", "rivers-small.geojson"]
    with pytest.raises(NotFound):
        basemap.remove_layer(tmp_path, "roads")


def test_bad_layers_name_all_faults_and_change_nothing(tmp_path: Path) -> None:
    basemap.write_layer(tmp_path, "roads", "roads", collection((LINE, {})), "")
    before = (tmp_path / "map" / "roads.geojson").read_bytes()
    point = {"type": "Point", "coordinates": [46, 31]}
    far = {"type": "LineString", "coordinates": [[460, 31], [46, 31]]}
    with pytest.raises(InvalidInput) as caught:
        basemap.write_layer(tmp_path, "roads", "roads", collection((LINE, {}), (point, {}), (None, {}), (far, {})), "")
    assert [fault.row for fault in caught.value.fields] == [4, 2, 3]
    for layer_id, kind in (("roads", "rivers"), ("../roads", "roads"), ("roads", "volcano"), ("Roads", "roads")):
        with pytest.raises(InvalidInput):
            basemap.write_layer(tmp_path, layer_id, kind, collection((LINE, {})), "")
    with pytest.raises(InvalidInput):
        basemap.write_layer(tmp_path, "roads", "roads", collection(), "")
    with pytest.raises(InvalidInput, match="cannot be read"):
        basemap.import_layer(tmp_path, tmp_path / "nothing.geojson", "roads")
    assert (tmp_path / "map" / "roads.geojson").read_bytes() == before


def test_roads_of_a_small_extract(tmp_path: Path) -> None:
    entry = basemap.import_roads(tmp_path, pbf(tmp_path / "a.osm.pbf"))
    assert (entry["features"], entry["left_out"], entry["file"]) == (3, 1, "roads.geojson")
    assert "OpenStreetMap" in entry["attribution"]
    first = json.loads((tmp_path / "map" / "roads.geojson").read_text())["features"][0]
    assert first["properties"] == {
        "class": "primary", "name_ar": "شارع الحبوبي", "name_en": "Haboubi Street", "oneway": True
    }  # fmt: skip
    assert first["geometry"]["coordinates"] == [[46.0001, 31.0001], [46.0002, 31.0002]]


def test_roads_of_a_large_extract_become_tiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(basemap, "TILES_FROM_BYTES", 50_000)
    basemap.write_layer(tmp_path, "roads", "roads", collection((LINE, {})), "")
    told: list[tuple[str, int]] = []
    entry = basemap.import_roads(
        tmp_path, pbf(tmp_path / "b.osm.pbf", 2000), progress=lambda what, count: told.append((what, count))
    )
    assert entry["file"] == "roads.pmtiles"
    assert told == [("roads", 2000), ("tiles", 0)]
    assert sorted(path.name for path in (tmp_path / "map").iterdir()) == ["layers.json", "roads.pmtiles"]
    tiles = (tmp_path / "map" / "roads.pmtiles").read_bytes()
    assert (tiles[:7], tiles[7]) == (b"PMTiles", 3)
    assert tiles[101] == 14  # the deepest zoom, in the header of PMTiles 3
    offset, length = (int.from_bytes(tiles[at : at + 8], "little") for at in (24, 32))
    assert json.loads(gzip.decompress(tiles[offset : offset + length]))["vector_layers"][0]["id"] == "roads"


@pytest.mark.parametrize(
    "content", [b"", b"garbage" * 100, b"\x00\x00\x00\x0d\x0a\x09OSMHeader\x18\x7c" + b"\xff" * 200]
)
def test_what_is_no_extract_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.osm.pbf"
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        basemap.import_roads(tmp_path, path)
    assert caught.value.fields[0].field == "file"
    assert basemap.layers(tmp_path) == []


def test_an_extract_without_roads_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no roads"):
        basemap.import_roads(tmp_path, pbf(tmp_path / "c.osm.pbf", lose_nodes=True))
    assert not [path for path in (tmp_path / "map").iterdir()]


@pytest.mark.skipif(not GEO.is_dir(), reason="the files of shared/data/geo are not on this machine")
@pytest.mark.parametrize(
    ("name", "kind", "where", "at_least", "field"),
    [
        ("irq_admbnda_adm3_cso_20190603", "area-subdistricts", ("ADM1_EN", "Thi Qar"), 15, "name_ar"),
        ("irq_admbnda_adm2_cso_20190603", "area-districts", None, 100, "name_en"),
        ("se_iraq_gshhg_rivers_canals", "rivers", None, 10, ""),
        ("se_iraq_ne_10m_lakes", "water", None, 1, "name_en"),
        ("se_iraq_ne_50m_urban_areas", "urban", None, 1, ""),
        ("places_geonames_ar", "places", None, 10, "name_ar"),
        ("villages_dhiqar_maysan_osm", "places-villages", ("ADM1_EN", "Thi Qar"), 10, "name_ar"),
    ],
)
def test_real_files_become_layers(
    tmp_path: Path, name: str, kind: str, where: tuple[str, str] | None, at_least: int, field: str
) -> None:
    entry = basemap.import_layer(tmp_path, GEO / f"{name}.geojson", kind.partition("-")[0], layer_id=kind, where=where)
    assert entry["features"] >= at_least
    west, south, east, north = entry["bounds"]
    assert 38 < west < east < 49
    assert 28 < south < north < 38
    if field and entry["file"].endswith(".geojson"):
        made = json.loads((tmp_path / "map" / entry["file"]).read_text())
        assert any(feature["properties"].get(field) for feature in made["features"])
