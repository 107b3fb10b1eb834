"""Adding, changing, removing: what is kept, what is told, what is refused, and that no password leaks."""

import time
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from manara.access.roles import Role
from manara.access.who import Who
from manara.base.errors import Conflict, Forbidden, InvalidInput, NotFound
from manara.messages import CameraChanged, decode
from manara.network import actions, views
from manara.network.tables import Camera
from manara.network.wanted import wanted_camera
from manara.store.audit import AuditEntry
from manara.store.database import Database
from manara.store.outbox import OutboxMessage
from manara.store.secret import SecretBox
from tests.support.patience import patience_s

SQUARE = {"type": "Polygon", "coordinates": [[[46.0, 31.0], [46.5, 31.0], [46.5, 31.5], [46.0, 31.5], [46.0, 31.0]]]}


def camera(**over: Any) -> dict[str, Any]:
    return {"code": "CAM-1", "main_url": "rtsp://10.0.0.1/main", "lat": 31.05, "lon": 46.26} | over


def messages(database: Database) -> list[Any]:
    with database.read() as session:
        rows = session.scalars(select(OutboxMessage).order_by(OutboxMessage.number))
        return [decode(row.payload.encode()) for row in rows]


def audit_text(database: Database) -> str:
    with database.read() as session:
        return "\n".join(f"{row.action} {row.subject} {row.detail}" for row in session.scalars(select(AuditEntry)))


def test_camera_is_kept_told_and_audited(database: Database, box: SecretBox, technician: Who, at: datetime) -> None:
    seen = actions.add_camera(database, box, technician, at, camera(name_ar="ساحة الحبوبي", heading_deg=360))
    assert seen["heading_deg"] == 0
    assert seen["kind"] == "fixed"
    assert seen["record"] is True
    assert [type(message) for message in messages(database)] == [CameraChanged]
    with database.read() as session:
        assert views.cameras(session, technician) == [seen]
        assert views.camera(session, seen["id"], technician) == seen


def test_password_in_address_is_split_off_sealed_and_never_shown(
    database: Database, box: SecretBox, technician: Who, at: datetime
) -> None:
    url = "rtsp://admin:s3cr%40t@10.0.0.1:554/main?password=s3cr%40t"
    seen = actions.add_camera(database, box, technician, at, camera(main_url=url))
    assert seen["username"] == "admin"
    assert seen["has_password"]
    assert "password" not in seen
    assert seen["main_url"].startswith("rtsp://10.0.0.1:554/main")
    actions.change_camera(database, box, technician, at, seen["id"], {"password": "0ther-s3cr@t"})
    with database.read() as session:
        row = views.camera_row(session, seen["id"], technician)
        assert box.open(row.password_sealed) == "0ther-s3cr@t"
        assert box.open(wanted_camera(row).password_sealed) == "0ther-s3cr@t"
    assert "s3cr" not in audit_text(database)
    with pytest.raises(InvalidInput) as caught:
        actions.add_camera(
            database, box, technician, at, camera(code="X", sub_url="http://u:s3cr@h/", password="x" * 999)
        )
    assert "s3cr" not in str(caught.value)
    assert "s3cr" not in repr(caught.value.fields)
    assert "xxx" not in repr(caught.value)


def test_a_stored_password_does_not_follow_an_address_to_another_machine(
    database: Database, box: SecretBox, technician: Who, at: datetime
) -> None:
    seen = actions.add_camera(database, box, technician, at, camera(username="admin", password="s3cret-one"))
    actions.change_camera(database, box, technician, at, seen["id"], {"main_url": "rtsp://10.0.0.1/other"})
    elsewhere = {"main_url": "rtsp://10.0.0.66/main"}
    with pytest.raises(InvalidInput) as caught:
        actions.change_camera(database, box, technician, at, seen["id"], elsewhere)
    assert [fault.field for fault in caught.value.fields] == ["password"]
    changed = actions.change_camera(database, box, technician, at, seen["id"], elsewhere | {"password": "s3cret-two"})
    assert changed["main_url"] == "rtsp://10.0.0.66/main"


def test_every_fault_is_named(database: Database, box: SecretBox, technician: Who, at: datetime) -> None:
    values = {"main_url": "http://x", "lat": 91, "lon": float("nan"), "record": "maybe", "site_id": "no", "colour": 1}
    with pytest.raises(InvalidInput) as caught:
        actions.add_camera(database, box, technician, at, values)
    assert {fault.field for fault in caught.value.fields} == {
        "code", "main_url", "lat", "lon", "record", "site_id", "colour"
    }  # fmt: skip
    assert messages(database) == []
    assert audit_text(database) == ""


def test_code_is_unique_and_a_stale_change_is_refused(
    database: Database, box: SecretBox, technician: Who, at: datetime
) -> None:
    first = actions.add_camera(database, box, technician, at, camera())
    second = actions.add_camera(database, box, technician, at, camera(code="CAM-2"))
    with pytest.raises(Conflict):
        actions.add_camera(database, box, technician, at, camera())
    with pytest.raises(Conflict):
        actions.change_camera(database, box, technician, at, second["id"], {"code": "CAM-1"})
    changed = actions.change_camera(database, box, technician, at, first["id"], {"purpose": "gate"})
    assert changed["changed_us"] > first["changed_us"]
    stale = {"purpose": "door", "changed_us": first["changed_us"]}
    with pytest.raises(Conflict, match="meanwhile"):
        actions.change_camera(database, box, technician, at, first["id"], stale)
    told = len(messages(database))
    actions.change_camera(database, box, technician, at, first["id"], {"purpose": "gate"})
    assert len(messages(database)) == told  # nothing changed, nothing told


def test_place_comes_from_the_site_and_the_sector_from_the_boundary(
    database: Database, box: SecretBox, technician: Who, at: datetime
) -> None:
    sector = actions.add_sector(database, technician, at, {"code": "S1", "name_ar": "قاطع", "boundary": SQUARE})
    site = actions.add_site(database, technician, at, {"code": "P1", "lat": 31.1, "lon": 46.1})
    assert site["sector_id"] == sector["id"]
    values = {"code": "C", "main_url": "rtsp://h/", "site_id": site["id"]}
    seen = actions.add_camera(database, box, technician, at, values)
    assert (seen["lat"], seen["lon"], seen["sector_id"]) == (31.1, 46.1, sector["id"])
    with pytest.raises(Conflict) as caught:
        actions.remove_sector(database, technician, at, sector["id"])
    assert caught.value.detail == {"site": 1, "camera": 1}
    actions.remove_camera(database, technician, at, seen["id"])
    actions.remove_site(database, technician, at, site["id"])
    actions.remove_sector(database, technician, at, sector["id"])
    assert messages(database)[-1].removed


@pytest.mark.parametrize(
    ("boundary", "message"),
    [
        ({"type": "Point", "coordinates": [46, 31]}, "Polygon"),
        ({"type": "Polygon", "coordinates": []}, "without rings"),
        ({"type": "Polygon", "coordinates": [[[46, 31], [46.5, 31], [46, 31]]]}, "four points"),
        ({"type": "Polygon", "coordinates": [[[46, 31], [46.5, 31], [46.5, 32], [46, 32]]]}, "not closed"),
        ({"type": "Polygon", "coordinates": [[[46, 31], [46.5, 310], [46.5, 32], [46, 31]]]}, "WGS84"),
        ({"type": "MultiPolygon", "coordinates": [[["x"] * 4]]}, r"not \[lon, lat\]"),
        ("a square", "Polygon"),
    ],
)
def test_a_bad_boundary_is_named(
    database: Database, technician: Who, at: datetime, boundary: Any, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        actions.add_sector(database, technician, at, {"code": "S", "boundary": boundary})


def test_a_boundary_that_crosses_itself_still_holds_what_lies_in_it(
    database: Database, technician: Who, at: datetime
) -> None:
    bow_tie = [[46.0, 31.0], [46.5, 31.5], [46.5, 31.0], [46.0, 31.5], [46.0, 31.0]]
    sector = actions.add_sector(
        database, technician, at, {"code": "S", "boundary": {"type": "Polygon", "coordinates": [bow_tie]}}
    )
    site = actions.add_site(database, technician, at, {"code": "P", "lat": 31.25, "lon": 46.05})
    assert site["sector_id"] == sector["id"]
    assert actions.add_site(database, technician, at, {"code": "Q", "lat": 31.45, "lon": 46.25})["sector_id"] is None


def test_sectors_limit_what_is_seen_and_changed(
    database: Database, box: SecretBox, technician: Who, at: datetime
) -> None:
    mine = actions.add_sector(database, technician, at, {"code": "S1"})
    other = actions.add_sector(database, technician, at, {"code": "S2"})
    inside = actions.add_camera(database, box, technician, at, camera(code="A", sector_id=mine["id"]))
    outside = actions.add_camera(database, box, technician, at, camera(code="B", sector_id=other["id"]))
    nowhere = actions.add_camera(database, box, technician, at, camera(code="C"))
    limited = Who("a", "A", frozenset({Role.TECHNICIAN}), frozenset({mine["id"]}))
    with database.read() as session:
        assert [value["code"] for value in views.cameras(session, limited)] == ["A"]
        for hidden in (outside, nowhere):
            with pytest.raises(NotFound):
                views.camera(session, hidden["id"], limited)
            assert views.for_who("camera", hidden, limited) is None
    with pytest.raises(NotFound):
        actions.change_camera(database, box, limited, at, outside["id"], {"purpose": "x"})
    with pytest.raises(NotFound):
        actions.remove_camera(database, limited, at, nowhere["id"])
    for values in ({"sector_id": other["id"]}, {"sector_id": None}):
        with pytest.raises(Forbidden):
            actions.change_camera(database, box, limited, at, inside["id"], values)


def test_an_operator_does_not_see_where_a_camera_is_reached(
    database: Database, box: SecretBox, technician: Who, at: datetime
) -> None:
    actions.add_camera(
        database, box, technician, at, camera(username="root", password="x", sub_url="rtsp://10.0.0.5/sub")
    )
    operator = Who("o", "O", frozenset({Role.OPERATOR}))
    with database.read() as session:
        (seen,) = views.cameras(session, operator)
    assert (seen["main_url"], seen["username"], seen["has_password"]) == ("", "", True)
    assert (seen["sub_url"], seen["has_sub"]) == ("", True)  # that there is one is no secret: small tiles use it


def test_seed_adds_a_province_at_once_or_nothing(database: Database, box: SecretBox, at: datetime) -> None:
    who = Who.system("simulate")
    sectors = [{"code": f"S{i}", "name_ar": f"قاطع {i}"} for i in range(6)]
    towns = [{"code": "T", "lat": 31.0, "lon": 46.2, "sector": "S1"}]
    sites = [{"code": f"P{i}", "lat": 31.0, "lon": 46.2, "sector": f"S{i % 6}", "town": "T"} for i in range(200)]
    cameras = [camera(code=f"C{i}", site=f"P{i % 200}", username="u", password="p") for i in range(850)]
    with pytest.raises(InvalidInput) as caught:
        actions.seed(database, box, who, at, sectors=sectors, cameras=[camera(site="nowhere"), camera(), camera()])
    assert [(fault.row, fault.field) for fault in caught.value.fields] == [(1, "site"), (3, "code")]
    start = time.perf_counter()
    counts = actions.seed(database, box, who, at, sectors=sectors, towns=towns, sites=sites, cameras=cameras)
    took_s = time.perf_counter() - start
    assert counts == {"sector": 6, "town": 1, "site": 200, "camera": 850}
    assert took_s < patience_s(3)  # 1 s on the reference machine
    with database.read() as session:
        seen = views.cameras(session, who)
        assert len(seen) == 850
        assert all(value["sector_id"] and value["town_id"] for value in seen)
        assert session.scalars(select(Camera)).first() is not None
    assert len(messages(database)) == 6 + 1 + 200 + 850
