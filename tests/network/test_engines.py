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
from manara.network.infrastructure import actions as infrastructure
from manara.network.infrastructure import rules as infrastructure_rules
from manara.network.infrastructure import views as infrastructure_views
from manara.network.power import shedding_actions
from manara.network.power.shedding import PowerNow
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


def test_infrastructure_and_shedding_live_on_every_engine(any_database: Database, box: SecretBox, at: datetime) -> None:
    database = any_database
    actions.seed(
        database,
        box,
        CHIEF,
        at,
        sites=[{"code": "P1", "lat": 31, "lon": 46}, {"code": "CTRL", "kind": "control_room", "lat": 31, "lon": 46}],
        cameras=[{"code": "C1", "site": "P1", "main_url": "rtsp://h/x", "sub_url": "rtsp://h/y", "priority": 0}],
    )
    infrastructure.seed(
        database,
        box,
        CHIEF,
        at,
        power_sources=[{"site": "P1", "kind": "battery", "capacity_wh": 900}],
        cabinets=[{"site": "P1"}],
        switches=[{"site": "P1", "code": "SW-1"}],
        links=[{"code": "L", "a_site": "P1", "b_site": "CTRL", "a_switch": "SW-1", "a_port": 8}],
        devices=[{"site": "P1", "code": "D", "protocol": "push", "subjects": {"b": "power_source:battery"}}],
        camera_ports={"C1": ("SW-1", 1)},
    )
    with database.read() as session:
        for noun in infrastructure_rules.NOUNS:
            (row,) = infrastructure_views.listing(session, noun, CHIEF)
        (camera,) = views.cameras(session, CHIEF)
    site_id = camera["site_id"]
    with pytest.raises(Conflict):
        infrastructure.add(database, box, CHIEF, at, "cabinet", {"site_id": site_id})
    shedding_actions.set_policy(database, CHIEF, at, site_id, {})
    assert shedding_actions.consider(database, at, {site_id: PowerNow(False, 2.0, 15.0)}) == [site_id]
    with database.read() as session:
        assert shedding_actions.shed_cameras(session) == {camera["id"]: "off"}
    shedding_actions.note_frame_rates(database, at, site_id, camera["id"], {"main": 25.0})
    shedding_actions.set_step(database, CHIEF, at, site_id, 0)
    for noun in ("device", "link", "power_source", "cabinet"):
        with database.read() as session:
            (row,) = infrastructure_views.listing(session, noun, CHIEF)
        infrastructure.remove(database, CHIEF, at, noun, row["id"])
    actions.remove_camera(database, CHIEF, at, camera["id"])
    with pytest.raises(Conflict, match="switch"):
        actions.remove_site(database, CHIEF, at, site_id)


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
