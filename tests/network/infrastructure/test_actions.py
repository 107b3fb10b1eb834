"""Infrastructure committed: audit, message, ports that are taken, what hangs on what, secrets, a whole network."""

import json
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from manara.access.roles import Role
from manara.access.who import Who
from manara.base.errors import Conflict, Forbidden, InvalidInput, NotFound
from manara.messages import InfrastructureChanged, decode
from manara.network import actions as network
from manara.network.infrastructure import actions, views
from manara.network.infrastructure.devices import device_specs
from manara.network.tables import Camera, Site
from manara.network.telemetry.devices import Credentials, open_credentials
from manara.store import outbox
from manara.store.audit import AuditEntry
from manara.store.database import Database
from manara.store.secret import SecretBox


class Rig:
    """The actions, by one person at one time."""

    def __init__(self, database: Database, box: SecretBox, who: Who, at: datetime) -> None:
        self.database, self.box, self.who, self.at = database, box, who, at

    def add(self, noun: str, **values: Any) -> dict[str, Any]:
        return actions.add(self.database, self.box, self.who, self.at, noun, values)

    def change(self, noun: str, row_id: str, **values: Any) -> dict[str, Any]:
        return actions.change(self.database, self.box, self.who, self.at, noun, row_id, values)

    def remove(self, noun: str, row_id: str) -> None:
        actions.remove(self.database, self.who, self.at, noun, row_id)


@pytest.fixture
def rig(database: Database, box: SecretBox, technician: Who, at: datetime) -> Rig:
    return Rig(database, box, technician, at)


def wrong(error: pytest.ExceptionInfo[InvalidInput]) -> set[str]:
    return {fault.field for fault in error.value.fields}


def test_each_change_is_audited_and_told(rig: Rig, sites: dict[str, str]) -> None:
    made = rig.add("switch", site_id=sites["P1"], code="SW-1")
    rig.change("switch", made["id"], ports=16)
    rig.change("switch", made["id"], ports=16)  # nothing new: no entry
    rig.remove("switch", made["id"])
    with rig.database.read() as session:
        entries = session.scalars(select(AuditEntry.action).where(AuditEntry.subject == made["id"])).all()
        facts = [decode(row.payload.encode()) for row in outbox.pending(session, 500)]
    assert entries == ["switch:add", "switch:change", "switch:remove"]
    told = [fact for fact in facts if isinstance(fact, InfrastructureChanged)]
    assert [(fact.noun, fact.row_id, fact.removed) for fact in told] == [
        ("switch", made["id"], False), ("switch", made["id"], False), ("switch", made["id"], True),
    ]  # fmt: skip


def test_a_site_has_one_source_of_a_kind_and_one_cabinet(rig: Rig, sites: dict[str, str]) -> None:
    rig.add("power_source", site_id=sites["P1"], kind="grid")
    with pytest.raises(Conflict):
        rig.add("power_source", site_id=sites["P1"], kind="grid")
    rig.add("power_source", site_id=sites["P2"], kind="grid")
    assert rig.add("cabinet", site_id=sites["P1"])["id"] == sites["P1"]
    with pytest.raises(Conflict):
        rig.add("cabinet", site_id=sites["P1"])


def test_a_port_takes_one_thing(rig: Rig, sites: dict[str, str]) -> None:
    one = rig.add("switch", site_id=sites["P1"], code="SW-1", ports=4)["id"]
    two = rig.add("switch", site_id=sites["P2"], code="SW-2", ports=4)["id"]
    ends = {"a_site_id": sites["P1"], "b_site_id": sites["P2"]}
    link = rig.add("link", code="L-1", **ends, a_switch_id=one, a_port=1, b_switch_id=two, b_port=1)["id"]

    def camera(**values: Any) -> None:
        network.change_camera(rig.database, rig.box, rig.who, rig.at, sites["C1"], values)

    for port in (1, 5):
        with pytest.raises(InvalidInput) as error:
            camera(switch_id=one, switch_port=port)
        assert wrong(error) == {"switch_port"}
    with pytest.raises(InvalidInput) as error:
        camera(switch_port=2)
    assert wrong(error) == {"switch_port"}
    camera(switch_id=one, switch_port=2)
    camera(switch_id=one, switch_port=2)
    with pytest.raises(InvalidInput) as error:
        rig.change("link", link, a_port=2)
    assert wrong(error) == {"a_port"}
    with pytest.raises(InvalidInput) as error:
        rig.change("link", link, b_switch_id=one)
    assert wrong(error) == {"b_switch_id"}
    with pytest.raises(InvalidInput) as error:
        rig.change("switch", one, ports=1)
    assert wrong(error) == {"ports"}
    with pytest.raises(InvalidInput) as error:
        rig.change("switch", one, site_id=sites["P2"])
    assert wrong(error) == {"site_id"}
    with pytest.raises(Conflict) as used:
        rig.remove("switch", one)
    assert used.value.detail == {"camera": 1, "link": 1}
    camera(switch_id=None)  # and the port with it
    with rig.database.read() as session:
        row = session.get(Camera, sites["C1"])
        assert row is not None
        assert (row.switch_id, row.switch_port) == (None, None)
    rig.remove("link", link)
    rig.remove("switch", one)
    with pytest.raises(Conflict) as used:
        network.remove_site(rig.database, rig.who, rig.at, sites["P2"])
    assert used.value.detail == {"switch": 1}


def test_secrets_are_sealed_and_told_to_telemetry_alone(rig: Rig, sites: dict[str, str]) -> None:
    made = rig.add(
        "device", site_id=sites["P1"], code="D", protocol="snmp", address="10.0.0.1",
        credentials={"community": "s3cret"}, subjects={"ups": "site"},
    )  # fmt: skip
    assert (made["has_credentials"], made["subjects"]) == (True, {"ups": f"site:{sites['P1']}"})
    with pytest.raises(InvalidInput) as error:
        rig.change("device", made["id"], address="10.6.6.6")
    assert wrong(error) == {"credentials"}
    rig.change("device", made["id"], poll_s=60)
    with rig.database.read() as session:
        (spec,) = device_specs(session)
        assert open_credentials(rig.box, spec.credentials_sealed) == Credentials(community="s3cret")
        assert "s3cret" not in json.dumps([entry.detail for entry in session.scalars(select(AuditEntry))])
        operator = Who("o", "O", frozenset({Role.OPERATOR}))
        assert views.one(session, "device", made["id"], operator)["address"] == ""
    assert not rig.change("device", made["id"], credentials={})["has_credentials"]


def test_subjects_that_lead_nowhere(rig: Rig, sites: dict[str, str]) -> None:
    switch = rig.add("switch", site_id=sites["P1"], code="SW-1", ports=4)["id"]
    base = {"site_id": sites["P1"], "code": "D", "protocol": "push"}
    for subject in ("power_source:battery", "port:SW-1/9", "port:SW-9/1", "link:L", "camera:C9", "port:SW-1/x"):
        with pytest.raises(InvalidInput) as error:
            rig.add("device", **base, subjects={"x": subject})
        assert wrong(error) == {"subjects"}
    battery = rig.add("power_source", site_id=sites["P1"], kind="battery", capacity_wh=1000)["id"]
    given = {"b": "power_source:battery", "c": "power_source:P1/battery", "p": "port:SW-1/3", "k": "camera:C1"}
    found = rig.add("device", **base, subjects=given)["subjects"]
    told = f"power_source:{battery}"
    assert found == {"b": told, "c": told, "p": f"port:{switch}/3", "k": f"camera:{sites['C1']}"}


def test_other_sectors_are_not_ours(rig: Rig, sites: dict[str, str]) -> None:
    north = Who("n", "N", frozenset({Role.TECHNICIAN}), frozenset({sites["N"]}))
    mine = Rig(rig.database, rig.box, north, rig.at)
    theirs = rig.add("switch", site_id=sites["P2"], code="SW-2")["id"]
    with pytest.raises(NotFound):
        mine.change("switch", theirs, ports=4)
    with pytest.raises(Forbidden):
        mine.add("switch", site_id=sites["P2"], code="SW-3")
    link = mine.add("link", code="L", a_site_id=sites["P1"], b_site_id=sites["P2"])
    assert link["sector_ids"] == [sites["N"], sites["S"]]
    with rig.database.read() as session:
        assert views.listing(session, "switch", north) == []
        assert len(views.listing(session, "link", north)) == 1


def test_a_whole_network_or_nothing(rig: Rig, sites: dict[str, str]) -> None:
    subjects = {"b": "power_source:battery", "l": "link:L"}
    rows: dict[str, Any] = {
        "power_sources": [{"site": "P1", "kind": "battery", "capacity_wh": 900}],
        "cabinets": [{"site": "P1"}],
        "switches": [{"site": "P1", "code": "SW-1"}, {"site": "CTRL", "code": "SW-0"}],
        "links": [{"code": "L", "a_site": "P1", "b_site": "CTRL", "a_switch": "SW-1", "a_port": 8}],
        "devices": [
            {"site": "P1", "code": "D", "protocol": "push", "subjects": subjects},
            {"site": "P1", "code": "M", "protocol": "mqtt", "address": "mqtt:///site/M"},
            {"site": "P1", "code": "O", "protocol": "mqtt", "address": "mqtt://broker/site/O"},
        ],
    }  # fmt: skip
    bad = rows | {
        "links": [{"code": "L", "a_site": "P9", "b_site": "CTRL"}],
        "cabinets": [{"site": "P1"}, {"site": "P1"}],
    }
    with pytest.raises(InvalidInput) as error:
        actions.seed(rig.database, rig.box, rig.who, rig.at, **bad)
    assert {"a_site", "site_id"} <= wrong(error)
    tokens: dict[str, str] = {}
    counts = actions.seed(
        rig.database, rig.box, rig.who, rig.at, **rows, tokens=tokens, camera_ports={"C1": ("SW-1", 1)},
        suppliers={"P1": "Ur Works"},
    )  # fmt: skip
    assert counts == {"power_sources": 1, "cabinets": 1, "switches": 2, "links": 1, "devices": 3}
    assert list(tokens) == ["D", "M"]
    with rig.database.read() as session:
        site = session.get(Site, sites["P1"])
        camera = session.get(Camera, sites["C1"])
        assert site is not None
        assert camera is not None
        assert (site.supplier, camera.switch_port) == ("Ur Works", 1)
