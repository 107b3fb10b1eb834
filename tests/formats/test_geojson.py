"""GeoJSON: shapes and ranges are checked, everything wrong is named by feature, garbage is never raised."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from manara.formats import geojson


def collection(*features: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": list(features)}).encode()


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def test_good_features_come_back_checked() -> None:
    ring = [[46, 31, 5], [47, 31], [47, 32], [46, 31]]
    read = geojson.read(
        collection(
            feature({"type": "Point", "coordinates": [46.2, 31]}, a=1),
            feature({"type": "Polygon", "coordinates": [ring]}),
        )
    )
    assert read.faults == []
    assert read.features[0].geometry == {"type": "Point", "coordinates": [46.2, 31.0]}
    assert read.features[1].geometry is not None
    assert list(geojson.positions(read.features[1].geometry))[:2] == [(46.0, 31.0), (47.0, 31.0)]


def test_every_bad_feature_is_named() -> None:
    bad = [
        feature({"type": "Point", "coordinates": [500_000, 3_400_000]}),
        feature({"type": "Point", "coordinates": [[1, 2]]}),
        feature({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}),
        feature({"type": "Polygon", "coordinates": []}),
        feature({"type": "LineString", "coordinates": [[0, 0]]}),
        feature({"type": "Circle", "coordinates": [0, 0]}),
        {"type": "Point"},
        feature(None, name="x" * 30_000),
        feature(None, name="\ud800"),
        feature({"type": "Point", "coordinates": [True, 2]}),
    ]
    read = geojson.read(collection(*bad, feature(None, code="good")))
    assert [fault.row for fault in read.faults] == list(range(1, 11))
    assert [found.properties for found in read.features] == [{"code": "good"}]


def test_what_is_not_geojson_is_said() -> None:
    for data in (
        b"",
        b"{",
        b"[]",
        b'{"type":"Topology"}',
        b"\xff",
        b"[" * 200_000,
        b'{"type":"FeatureCollection","features":[NaN]}',
    ):
        assert len(geojson.read(data).faults) == 1
    assert geojson.read(collection(*[feature(None)] * 3), max_features=2).faults


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


@given(json_values, json_values, st.sampled_from(["Point", "LineString", "Polygon", "MultiPolygon"]))
def test_garbage_inside_is_never_raised(coordinates: Any, properties: Any, kind: str) -> None:
    item = {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": properties}
    read = geojson.read(collection(item))
    assert len(read.faults) + len(read.features) == 1
