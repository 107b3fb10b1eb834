"""Imports: all faults with row and field, nothing changed by a bad file, again = unchanged, round trip, fuzz."""

import json
import time
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from manara.access.roles import Role
from manara.access.who import Who
from manara.network import actions, imports, views
from manara.network.tables import Camera
from manara.store.audit import AuditEntry
from manara.store.database import Database
from manara.store.secret import SecretBox
from tests.support.patience import patience_s

ARABIC = """\ufeffالرمز;الاسم;الموقع;القاطع;النوع;الرابط;اسم المستخدم;كلمة المرور;خط العرض;خط الطول;الاتجاه;التسجيل
CAM-1;ساحة الحبوبي;;S1;متحركة;rtsp://10.0.0.1/a;admin;s3cret;٣١٫٠٥;46.26;٩٠;نعم
CAM-2;الجسر;P1;;ثابتة;rtsp://root:s3cret@10.0.0.2/a;;;;;;لا
"""


def ground(database: Database, who: Who, at: datetime) -> None:
    actions.add_sector(database, who, at, {"code": "S1"})
    actions.add_site(database, who, at, {"code": "P1", "lat": 31.1, "lon": 46.2, "sector_id": None})


def run(database: Database, box: SecretBox, who: Who, at: datetime, data: str | bytes, **over: Any) -> dict[str, Any]:
    raw = data.encode() if isinstance(data, str) else data
    options = {"noun": "camera", "form": "csv", "dry_run": False} | over
    return imports.import_data(database, box, who, at, data=raw, **options)


def test_arabic_file_is_added_then_unchanged_then_updated(
    database: Database, box: SecretBox, technician: Who, at: datetime
) -> None:
    ground(database, technician, at)
    tried = run(database, box, technician, at, ARABIC, dry_run=True)
    assert (tried["ok"], tried["added"]) == (True, 2)
    with database.read() as session:
        assert views.cameras(session, technician) == []
    assert run(database, box, technician, at, ARABIC)["added"] == 2
    with database.read() as session:
        one, two = views.cameras(session, technician)
        assert (one["kind"], one["lat"], one["heading_deg"], one["record"]) == ("ptz", 31.05, 90.0, True)
        assert (two["lat"], two["username"], two["record"], two["has_password"]) == (31.1, "root", False, True)
        assert "s3cret" not in "".join(entry.detail for entry in session.scalars(select(AuditEntry)))
    again = run(database, box, technician, at, ARABIC)
    assert (again["added"], again["updated"], again["unchanged"]) == (0, 0, 2)
    changed = run(database, box, technician, at, ARABIC.replace("الجسر", "جسر النصر"))
    assert (changed["added"], changed["updated"], changed["unchanged"]) == (0, 1, 1)


def test_all_errors_are_named_and_nothing_changes(
    database: Database, box: SecretBox, technician: Who, at: datetime
) -> None:
    ground(database, technician, at)
    bad = (
        "code,main_url,lat,lon,site,record,colour\n"
        "A,rtsp://h/,31,46,,,\n"
        "A,rtsp://h/,31,46,,,\n"
        ",rtsp://h/,31,46,,,\n"
        "B,http://u:s3cret@h/,x,181,P9,perhaps,\n"
    )
    result = run(database, box, technician, at, bad)
    assert not result["ok"]
    assert [(error["row"], error["field"]) for error in result["errors"]] == [
        (1, "colour"), (3, "code"), (4, "code"), (5, "site"), (5, "main_url"), (5, "lat"), (5, "lon"), (5, "record"),
    ]  # fmt: skip
    assert "s3cret" not in json.dumps(result)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Camera)) == 0


def test_geojson_points_and_polygons(database: Database, box: SecretBox, technician: Who, at: datetime) -> None:
    ring = [[46, 31], [47, 31], [47, 32], [46, 32], [46, 31]]
    area = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": {"code": "S1"}}
    sectors = json.dumps({"type": "FeatureCollection", "features": [area]})
    assert run(database, box, technician, at, sectors, noun="sector", form="geojson")["added"] == 1
    assert run(database, box, technician, at, sectors, noun="sector", form="geojson")["unchanged"] == 1
    point = {"type": "Point", "coordinates": [46.5, 31.5, 12]}
    camera = {"code": "C1", "url": "rtsp://h/x", "heading": 45, "operator": "somebody"}
    features = [
        {"type": "Feature", "geometry": point, "properties": camera},
        {"type": "Feature", "geometry": area["geometry"], "properties": {"code": "C2", "url": "rtsp://h/"}},
    ]
    data = json.dumps({"type": "FeatureCollection", "features": features})
    result = run(database, box, technician, at, data, form="geojson")
    assert [(error["row"], error["field"]) for error in result["errors"]] == [(2, "geometry"), (2, "lat"), (2, "lon")]
    assert result["ignored"] == ["operator"]
    data = json.dumps({"type": "FeatureCollection", "features": features[:1]})
    assert run(database, box, technician, at, data, form="geojson")["added"] == 1
    with database.read() as session:
        (seen,) = views.cameras(session, technician)
        assert seen["sector_id"] == views.sectors(session, technician)[0]["id"]


def test_a_limited_person_imports_only_into_own_sectors(
    database: Database, box: SecretBox, technician: Who, at: datetime
) -> None:
    mine = actions.add_sector(database, technician, at, {"code": "S1"})
    actions.add_sector(database, technician, at, {"code": "S2"})
    run(database, box, technician, at, "code,main_url,lat,lon,sector\nA,rtsp://h/,31,46,S2\n")
    limited = Who("limited", "L", frozenset({Role.TECHNICIAN}), frozenset({mine["id"]}))
    data = "code,main_url,lat,lon,sector\nA,rtsp://h/,31,46,S1\nB,rtsp://h/,31,46,S2\nC,rtsp://h/,31,46,\n"
    result = run(database, box, limited, at, data)
    assert [(error["row"], error["field"]) for error in result["errors"]] == [(2, "code"), (3, "sector"), (4, "sector")]


def test_five_thousand_rows_export_and_import_as_unchanged(
    database: Database, box: SecretBox, technician: Who, at: datetime
) -> None:
    ground(database, technician, at)
    rows = [
        f'C{n},"=1+{n}, ""x""",S1,rtsp://10.0.{n // 250}.{n % 250}/main,user{n},pw{n},31.{n},46.{n},{n % 360}'
        for n in range(5_000)
    ]
    data = "\n".join(["code,name_ar,sector,main_url,username,password,lat,lon,heading_deg", *rows])
    start = time.perf_counter()
    assert run(database, box, technician, at, data)["added"] == 5_000
    assert time.perf_counter() - start < patience_s(60)  # about 2 s on an idle core
    with database.read() as session:
        start = time.perf_counter()
        listed = views.cameras(session, technician)
        took_s = time.perf_counter() - start
        out = imports.export_csv(session, "camera", technician)
    assert len(listed) == 5_000
    assert took_s < patience_s(5)  # about 0.05 s on an idle core
    assert b"pw77" not in out
    result = run(database, box, technician, at, out)
    assert (result["errors"], result["unchanged"]) == ([], 5_000)


def test_an_operators_export_has_no_addresses(
    database: Database, box: SecretBox, technician: Who, at: datetime
) -> None:
    ground(database, technician, at)
    run(database, box, technician, at, ARABIC)
    with database.read() as session:
        out = imports.export_csv(session, "camera", Who("o", "O", frozenset({Role.OPERATOR})))
        assert b"10.0.0.1" not in out
        assert b"admin" not in out
    assert run(database, box, technician, at, out)["unchanged"] == 2


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.lists(st.text(max_size=12), min_size=6, max_size=6), max_size=5))
def test_any_cells_are_judged_without_raising(
    database: Database, box: SecretBox, technician: Who, at: datetime, cells: list[list[str]]
) -> None:
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in cells]
    data = "\n".join(["code,main_url,lat,sector,retention_days,notes", *lines]).encode("utf-8", "replace")
    for noun in ("camera", "site", "sector", "town"):
        result = run(database, box, technician, at, data, noun=noun, dry_run=True)
        assert result["ok"] == (not result["errors"])
        json.dumps(result).encode()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_parsed_without_raising(data: bytes) -> None:
    for form in ("csv", "geojson"):
        imports.parse("camera", data, form)  # type: ignore[arg-type]
