"""The network's and the recorder's state on every engine: SQLite and a real PostgreSQL, with the migrated schema."""

import threading
from datetime import datetime
from typing import Any

import pytest

from manara.access.roles import Role
from manara.access.who import Who
from manara.base.errors import Conflict, InvalidInput
from manara.formats.onvif import Preset
from manara.network import actions, imports, ptz_actions, views
from manara.recorder import actions as recorder_actions
from manara.store.database import Database
from manara.store.secret import SecretBox

CHIEF = Who("chief", "Chief", frozenset({Role.SUPERVISOR, Role.TECHNICIAN}))
SQUARE = {"type": "Polygon", "coordinates": [[[46.0, 31.0], [46.5, 31.0], [46.5, 31.5], [46.0, 31.5], [46.0, 31.0]]]}


def test_a_network_lives_on_every_engine(any_database: Database, box: SecretBox, at: datetime) -> None:
    database = any_database
    counts = actions.seed(
        database,
        box,
        CHIEF,
        at,
        sectors=[{"code": "S1", "name_ar": "قاطع", "boundary": SQUARE}],
        towns=[{"code": "T1", "lat": 31.05, "lon": 46.25, "sector": "S1"}],
        sites=[{"code": "P1", "lat": 31.1, "lon": 46.2, "town": "T1"}],
        cameras=[{"code": "C1", "kind": "ptz", "site": "P1", "main_url": "rtsp://u:pw@h/x"}],
    )
    assert counts == {"sector": 1, "town": 1, "site": 1, "camera": 1}
    data = b"code,main_url,lat,lon\nC1,rtsp://h/y,,\nC2,rtsp://h/z,31.2,46.3\n"
    report = imports.import_data(database, box, CHIEF, at, "camera", data, "csv", dry_run=False)
    assert (report["added"], report["updated"], report["errors"]) == (1, 1, [])
    with database.read() as session:
        one, two = views.cameras(session, CHIEF)
        assert one["sector_id"] == two["sector_id"] == views.sectors(session, CHIEF)[0]["id"]
        out = imports.export_csv(session, "camera", CHIEF)
    assert imports.import_data(database, box, CHIEF, at, "camera", out, "csv", dry_run=False)["unchanged"] == 2
    assert ptz_actions.keep_presets(database, CHIEF, at, one["id"], [Preset("1", "بوابة"), Preset("2", "")])
    assert not ptz_actions.keep_presets(database, CHIEF, at, one["id"], [Preset("2", ""), Preset("1", "بوابة")])
    (tour,) = ptz_actions.save_tours(
        database, CHIEF, at, one["id"], [{"name": "Night", "steps": [{"preset": "1", "dwell_s": 9}]}]
    )
    ptz_actions.set_running(database, CHIEF, at, one["id"], tour["id"], True)
    with pytest.raises(Conflict):
        actions.remove_site(database, CHIEF, at, one["site_id"])
    actions.remove_camera(database, CHIEF, at, one["id"])
    actions.remove_site(database, CHIEF, at, one["site_id"])
    with database.read() as session:
        assert views.tours(session) == []
        assert [camera["code"] for camera in views.cameras(session, CHIEF)] == ["C2"]


def test_holds_exports_and_layouts_live_on_every_engine(any_database: Database, at: datetime) -> None:
    span = {"camera_ids": ["c1"], "start_us": 1, "end_us": 2_000_000_000_000_000, "reason": "case"}
    with pytest.raises(InvalidInput):
        recorder_actions.add_hold(any_database, CHIEF, at, span, lambda camera_id: True)
    span["end_us"] = 2_000_000
    recorder_actions.add_hold(any_database, CHIEF, at, span, lambda camera_id: True)
    recorder_actions.add_export(any_database, CHIEF, at, span, lambda camera_id: True)
    assert recorder_actions.take_export(any_database, CHIEF, at) is not None
    tile = {"camera_id": "c1", "column": 0, "row": 0, "span": 1}
    layout = {"name": "ساحة", "shared": True, "columns": 2, "rows": 2, "tiles": [tile], "pages": [[tile], []]}
    kept = recorder_actions.add_layout(any_database, CHIEF, at, layout)
    with any_database.read() as session:
        assert recorder_actions.layouts(session, CHIEF) == [kept]
        assert len(recorder_actions.wanted_holds(session)) == 1


def test_two_people_add_the_same_code_at_once(any_database: Database, box: SecretBox, at: datetime) -> None:
    ready = threading.Barrier(4)
    outcomes: list[str] = []

    def add() -> None:
        values: dict[str, Any] = {"code": "SAME", "main_url": "rtsp://h/", "lat": 31, "lon": 46}
        ready.wait(10)
        try:
            actions.add_camera(any_database, box, CHIEF, at, values)
            outcomes.append("added")
        except Conflict:
            outcomes.append("conflict")

    people = [threading.Thread(target=add) for _ in range(4)]
    for person in people:
        person.start()
    for person in people:
        person.join(20)
    assert sorted(outcomes) == ["added", "conflict", "conflict", "conflict"]
