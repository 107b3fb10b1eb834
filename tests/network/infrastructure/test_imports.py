"""Infrastructure from files: Arabic headers, all faults with their rows, again = unchanged, ports change places."""

from datetime import datetime
from typing import Any

import pytest

from manara.access.roles import Role
from manara.access.who import Who
from manara.network import imports as network_imports
from manara.network.infrastructure import imports, rules, views
from manara.network.infrastructure.tables import TelemetryDevice
from manara.network.telemetry.devices import open_credentials
from manara.store.database import Database
from manara.store.secret import SecretBox

FILES = {
    "power_source": "الموقع;النوع;السعة_واط_ساعة;النصب\nP1;بطارية;١٢٠٠;2024-05-31\nP1;كهرباء;;\nP2;بطارية;900;\n",
    "cabinet": "site,fan,door sensor,hot\nP1,yes,نعم,60\n",
    "switch": "code,site,ports\nSW-1,P1,8\nSW-2,P2,8\nSW-0,CTRL,48\n",
    "link": "code,kind,role,from site,to site,a_switch,a_port,b_switch,b_port,ring\n"
    "L-1,ضوئي,رئيسي,P1,CTRL,SW-1,8,SW-0,1,R1\nL-2,موبايل,احتياطي,P1,CTRL,,,,,\n",
    "device": "code,site,protocol,address,profile,subjects,credentials\n"
    "D-1,P1,snmp,10.0.0.1,ups-mib,ups=power_source:battery; uplink=port:SW-1/8,community=s3cret\nD-2,P2,push,,,,\n",
}


@pytest.fixture
def run(database: Database, box: SecretBox, technician: Who, at: datetime) -> Any:
    def body(noun: str, data: str, who: Who = technician, dry_run: bool = False) -> dict[str, Any]:
        return imports.import_csv(database, box, who, at, noun, data.encode(), dry_run=dry_run)

    return body


def test_files_are_added_then_unchanged_and_go_round(
    run: Any, sites: dict[str, str], database: Database, box: SecretBox, technician: Who
) -> None:
    for noun, data in FILES.items():
        rows = data.count("\n") - 1
        assert run(noun, data, dry_run=True)["added"] == rows, run(noun, data, dry_run=True)
        assert run(noun, data)["added"] == rows
        again = run(noun, data)
        assert (again["added"], again["updated"], again["unchanged"]) == (0, 0, rows)
        with database.read() as session:
            exported = imports.export_csv(session, noun, views.listing(session, noun, technician)).decode("utf-8-sig")
        assert run(noun, exported)["unchanged"] == rows, exported
        assert "s3cret" not in exported
    with database.read() as session:
        devices = {row.code: row for row in session.query(TelemetryDevice)}
        assert open_credentials(box, devices["D-1"].credentials_sealed).community == "s3cret"
        assert set(devices["D-1"].subjects) == {"ups", "uplink"}
        assert devices["D-2"].token_hash is None
    changed = run("power_source", FILES["power_source"].replace("900", "950"))
    assert (changed["updated"], changed["unchanged"]) == (1, 2)


def test_every_fault_is_named_and_nothing_changes(run: Any, sites: dict[str, str], database: Database) -> None:
    bad = (
        "site,kind,capacity_wh,colour\n"
        "P1,battery,,\n"
        "P1,battery,100,\n"
        "P9,grid,,\n"
        ",solar,,\n"
        "P2,coal,5,\n"
    )  # fmt: skip
    found = run("power_source", bad)
    assert not found["ok"]
    assert [(fault["row"], fault["field"]) for fault in found["errors"]] == [
        (1, "colour"), (2, "capacity_wh"), (3, "kind"), (4, "site"), (5, "site_id"), (5, "peak_w"), (6, "kind"),
        (6, "capacity_wh"),
    ]  # fmt: skip
    with database.read() as session:
        assert views.listing(session, "power_source", Who.system("test")) == []
    assert run("switch", "site,ports\nP1,4\n")["errors"][0] == {
        "row": 1, "field": "code", "value": None, "message": "has no column in this file",
    }  # fmt: skip


def test_links_may_change_places(run: Any, sites: dict[str, str]) -> None:
    run("switch", FILES["switch"])
    data = "code,a_site,b_site,a_switch,a_port\nL-1,P1,CTRL,SW-1,1\nL-2,P1,CTRL,SW-1,2\n"
    assert run("link", data)["ok"]
    swapped = "code,a_site,b_site,a_switch,a_port\nL-1,P1,CTRL,SW-1,2\nL-2,P1,CTRL,SW-1,1\n"
    assert run("link", swapped)["updated"] == 2
    twice = "code,a_site,b_site,a_switch,a_port\nL-1,P1,CTRL,SW-1,2\nL-2,P1,CTRL,SW-1,2\n"
    assert [fault["field"] for fault in run("link", twice)["errors"]] == ["a_port"]


def test_rows_of_another_sector_are_refused(run: Any, sites: dict[str, str]) -> None:
    north = Who("n", "N", frozenset({Role.TECHNICIAN}), frozenset({sites["N"]}))
    found = run("switch", "code,site\nSW-1,P1\nSW-2,P2\n", who=north)
    assert [(fault["row"], fault["field"]) for fault in found["errors"]] == [(3, "site")]


def test_cameras_change_places_on_a_switch(
    run: Any, sites: dict[str, str], database: Database, box: SecretBox, technician: Who, at: datetime
) -> None:
    run("switch", FILES["switch"])

    def cameras(data: str) -> dict[str, Any]:
        return network_imports.import_data(database, box, technician, at, "camera", data.encode(), "csv", dry_run=False)

    assert cameras("code,switch,port,supplier\nC1,SW-1,1,Ur Works\nC2,SW-1,2,Ur Works\n")["updated"] == 2
    assert cameras("code,switch,port\nC1,SW-1,2\nC2,SW-1,1\n")["updated"] == 2
    clash = cameras("code,switch,port\nC1,SW-1,1\n")
    assert [(fault["field"], fault["message"]) for fault in clash["errors"]] == [("switch_port", "is taken by C2")]
    assert cameras("code,switch,port\nC1,SW-9,1\n")["errors"][0]["field"] == "switch"


def test_every_field_has_a_header() -> None:
    for noun in rules.NOUNS:
        for column in imports.columns(noun):
            _, faults = imports.parse(noun, f"{column}\n".encode())
            assert not [fault for fault in faults if fault.row and "known" in fault.message], column
