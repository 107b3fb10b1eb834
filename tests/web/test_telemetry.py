"""Devices push readings, people ask for series: who is let in, what is answered, and what when nobody takes it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from manara.access.who import Who
from manara.base.clock import to_datetime
from manara.messages import Reading, ReadingBatch
from manara.network.infrastructure.tables import PowerSource, TelemetryDevice
from manara.network.telemetry.devices import new_token
from manara.network.telemetry.payload import PUSH_SUBJECT
from manara.store.measurements import Measurements
from manara.store.measurements_files import HOUR_US
from tests.web.world import World, running

TOKEN, HASH = new_token("dev000000001")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("world")) as made:
        at, north = to_datetime(made.clock.wall_us()), site_id(made, "north")
        with made.database.act(Who.system("test"), at) as act:
            act.session.add(PowerSource(id="b1", site_id=north, kind="battery", changed_us=act.at_us))
            act.session.add(
                TelemetryDevice(
                    id="dev000000001",
                    site_id=north,
                    code="PUSH-1",
                    protocol="push",
                    subjects={"battery": "power_source:b1"},
                    token_hash=HASH,
                    changed_us=act.at_us,
                )
            )
        yield made


def site_id(world: World, sector: str) -> str:
    return str(
        next(
            s["id"]
            for s in world.ask("administrator", "GET", "/api/sites").json()
            if s["code"] == f"S{sector[0].upper()}"
        )
    )


def push(world: World, body: Any, token: str = TOKEN) -> Any:
    # as a device does it: no session, no header of ours
    content = body if isinstance(body, bytes) else json.dumps(body)
    return world.client.post("/api/telemetry", content=content, headers={"Authorization": f"Bearer {token}"})


READINGS = [
    {"part": "battery", "quantity": "battery_voltage_v", "value": 12.5},
    {"part": "nothing", "quantity": "battery_voltage_v", "value": 12.5},
    {"subject": "power_source:b1", "quantity": "state_of_charge_pct", "value": 250, "at_us": 1_700_000_000_000_000},
    {"part": "battery", "quantity": "battery_voltage_v", "value": "much"},
]


def test_nobody_pushes_without_a_devices_token(world: World) -> None:
    for token in ("", "x", "dev000000001.", "dev000000001.wrong", "nothing.wrong", "a" * 5000, TOKEN + "x"):
        assert push(world, {"readings": []}, token).status_code == 401
    assert world.client.post("/api/telemetry", json={}, headers={"Authorization": f"Basic {TOKEN}"}).status_code == 401
    assert world.ask("administrator", "POST", "/api/telemetry", json={"readings": []}).status_code == 401


def test_a_push_is_not_accepted_while_nobody_takes_it(world: World) -> None:
    answer = push(world, {"readings": READINGS})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    assert answer.json()["error"] == "not_taken"


def test_each_reading_is_answered(world: World) -> None:
    taken: list[Reading] = []
    replies = [b'{"ok": true, "reasons": ["", "out_of_range"]}', b'{"ok": false, "retry_after_s": 7}', b"garbage"]

    async def health(data: bytes) -> bytes:
        taken.extend(msgspec.json.decode(data, type=ReadingBatch).readings)
        return replies.pop(0)

    assert world.client.portal is not None

    async def start() -> Any:
        return world.journal.answer(PUSH_SUBJECT, health)

    answering = world.client.portal.call(start)
    try:
        answer = push(world, {"readings": READINGS})
        assert answer.status_code == 200
        assert answer.json() == {
            "accepted": 1,
            "rejected": [
                {"index": 1, "reason": "wrong_subject"},
                {"index": 2, "reason": "out_of_range"},
                {"index": 3, "reason": "broken"},
            ],
        }
        assert [(r.subject, r.quantity, r.value, r.at_us, r.device_id) for r in taken] == [
            ("power_source:b1", "battery_voltage_v", 12.5, world.clock.wall_us(), "dev000000001"),
            ("power_source:b1", "state_of_charge_pct", 250.0, 1_700_000_000_000_000, "dev000000001"),
        ]
        answer = push(world, {"readings": READINGS[:1]})
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
        assert push(world, {"readings": READINGS[:1]}).status_code == 503
        assert push(world, {"readings": []}).json() == {"accepted": 0, "rejected": []}
    finally:
        world.client.portal.call(answering.stop)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"[]", 422),
        (b'{"readings": 1}', 422),
        (b"\xff" * 100, 422),
        (b"[" * 100_000, 422),
        (b'{"readings": [' + b"1," * 1000 + b"1]}", 422),
        (b" " * 262_145, 413),
    ],
)
def test_hostile_bodies_are_refused(world: World, body: bytes, status: int) -> None:
    assert push(world, body).status_code == status


def test_a_series_of_ones_own_sectors(world: World) -> None:
    now_us = world.clock.wall_us()
    store = Measurements(world.services.settings.data.directory / "measurements")
    at_us = now_us // HOUR_US * HOUR_US
    store.append(
        Reading(site_id="", subject="power_source:b1", quantity=q, value=float(n), at_us=at_us + n * 60_000_000)
        for n in range(10)
        for q in ("battery_voltage_v", "uptime_s")
    )
    store.close()
    north, south = site_id(world, "north"), site_id(world, "south")
    query = f"subject=power_source:b1&quantity=battery_voltage_v&from_us={at_us}&to_us={at_us + HOUR_US}&points=6"
    answer = world.ask("operator", "GET", f"/api/sites/{north}/series?{query}")
    assert answer.json() == {"unit": "V", "points": [{"at_us": at_us, "mean": 4.5, "low": 0.0, "high": 9.0}]}
    high = world.ask("operator", "GET", f"/api/sites/{north}/series?{query.replace('battery_voltage_v', 'uptime_s')}")
    assert high.json()["points"][0]["mean"] == 9.0  # of what counts up, the highest stands for a span
    # another site's thing, another sector's site, nonsense
    assert world.ask("operator", "GET", f"/api/sites/{south}/series?{query}").status_code == 404
    other = query.replace("power_source:b1", f"site:{south}")
    assert world.ask("north", "GET", f"/api/sites/{south}/series?{other}").status_code == 404
    assert world.ask("north", "GET", f"/api/sites/{north}/series?{query}").status_code == 200
    for bad in ("points=0", "points=99999", "to_us=0", f"to_us={now_us * 10}", "quantity=colour", "points=x"):
        name = bad.partition("=")[0]
        changed = "&".join(part for part in query.split("&") if not part.startswith(name + "=")) + "&" + bad
        assert world.ask("operator", "GET", f"/api/sites/{north}/series?{changed}").status_code == 422, bad
    assert world.ask(None, "GET", f"/api/sites/{north}/series?{query}").status_code == 401


def test_mapping_files_are_listed_with_their_faults(world: World) -> None:
    folder: Path = world.services.settings.data.directory / "profiles"
    folder.mkdir()
    (folder / "mine.toml").write_text('title = "Mine"\nprotocol = "modbus"\n')
    listed = {p["name"]: p for p in world.ask("technician", "GET", "/api/telemetry/profiles").json()["profiles"]}
    assert listed["epever-tracer"]["parts"] == ["battery", "site", "solar"]
    assert "mine.toml" in listed["mine"]["faults"]
    assert "reading" in listed["mine"]["faults"]
    assert world.ask("operator", "GET", "/api/telemetry/profiles").status_code == 403
