"""Shifts, load and notification routes over HTTP, each as the role that may and one that may not."""

import socket
from collections.abc import Iterator

import pytest

from manara.app.on_duty import OnDuty
from tests.web.world import NORTH, World, running


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A control process in which facts flow."""
    with running(tmp_path_factory.mktemp("duty"), wired=True) as made:
        yield made


def test_a_shift_from_taking_to_the_closed_log(world: World) -> None:
    made = world.ask("administrator", "POST", "/api/consoles", json={"code": "C1", "name_ar": "منضدة"}).json()
    assert world.ask("operator", "POST", "/api/consoles", json={"code": "C2", "name_ar": "x"}).status_code == 403
    assert world.ask("auditor", "POST", "/api/shifts/take", json={"console_id": made["id"]}).status_code == 403
    refused = world.ask("north", "POST", "/api/shifts/take", json={"console_id": made["id"]})
    assert (refused.status_code, refused.json()["error"]) == (403, "console_not_yours_sectors")
    shift = world.ask("operator", "POST", "/api/shifts/take", json={"console_id": made["id"]}).json()
    assert world.ask("operator", "POST", f"/api/shifts/{shift['id']}/entry", json={"text": "سطر"}).status_code == 201
    taken = world.ask("supervisor", "POST", "/api/shifts/take", json={"console_id": made["id"]})
    assert (taken.status_code, taken.json()["error"]) == (409, "console_taken")
    people = world.ask("operator", "GET", f"/api/consoles/{made['id']}/people").json()
    assert {one["name"] for one in people} == {"The operator", "The supervisor", "The commander"}
    assert world.ask("operator", "GET", f"/api/shifts/{shift['id']}/carries").json()["open"] == []
    done = world.ask("operator", "POST", f"/api/shifts/{shift['id']}/hand-over", json={"note": "هادئ"}).json()
    assert done["ended_us"] is not None
    late = world.ask("operator", "POST", f"/api/shifts/{shift['id']}/entry", json={"text": "x"})
    assert (late.status_code, late.json()["error"]) == (409, "shift_closed")
    assert world.ask("north", "GET", f"/api/shifts/{shift['id']}").status_code == 404  # it covers more than the north
    assert world.ask("auditor", "GET", f"/api/shifts/{shift['id']}").json()["entries"][0]["text"] == "سطر"


def test_who_sits_is_on_the_screens_at_once(world: World) -> None:
    made = world.ask(
        "administrator", "POST", "/api/consoles", json={"code": "N1", "name_ar": "شمال", "sector_ids": [NORTH]}
    ).json()
    shift = world.ask("north", "POST", "/api/shifts/take", json={"console_id": made["id"]}).json()
    assert world.wiring is not None
    assert world.client.portal is not None
    world.client.portal.call(world.wiring.load)
    shown = world.ask("operator", "GET", "/api/snapshot").json()["shifts"]
    assert [one["id"] for one in shown] == [shift["id"]]


def test_load_is_seen_within_own_sectors_and_by_who_may(world: World) -> None:
    query = {"from_us": 0, "to_us": 86_400_000_000}
    assert world.ask("operator", "GET", "/api/alarms/load", params=query).status_code == 403
    found = world.ask("supervisor", "GET", "/api/alarms/load", params=query).json()
    assert found["annunciations"] == 0
    assert {figure["name"] for figure in found["figures"]} >= {"average_10min", "flood_time", "acknowledged_in_time"}
    assert world.ask("auditor", "GET", "/api/alarms/bad-actors", params=query).json() == []
    bad = world.ask("supervisor", "GET", "/api/alarms/load", params={"from_us": 5, "to_us": 5})
    assert bad.json()["fields"][0]["field"] == "to_us"


def test_routes_are_the_administrators_and_their_secrets_stay_here(world: World) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    values = {
        "name": "duty",
        "channel": "webhook",
        "address": f"http://127.0.0.1:{port}/",
        "priorities": ["high"],
        "secret": "0123456789abcdef",
    }
    assert world.ask("supervisor", "POST", "/api/notification-routes", json=values).status_code == 403
    faulty = world.ask("administrator", "POST", "/api/notification-routes", json={**values, "channel": "pigeon"})
    assert faulty.json()["fields"][0]["field"] == "channel"
    made = world.ask("administrator", "POST", "/api/notification-routes", json=values).json()
    assert world.ask("administrator", "POST", f"/api/notification-routes/{made['id']}/test").status_code == 202
    assert world.client.portal is not None

    async def serve() -> None:
        on_duty = OnDuty(world.services)
        await on_duty.notifier.once()
        await on_duty.notifier.idle()

    world.client.portal.call(serve)
    (written,) = world.ask("administrator", "GET", "/api/notifications").json()
    assert (written["state"], written["attempts"]) == ("waiting", 1)
    assert "private_webhooks" in written["error"]
    (route,) = world.ask("administrator", "GET", "/api/notification-routes").json()
    assert route["has_secret"]
    assert "0123456789abcdef" not in world.ask("administrator", "GET", "/api/notification-routes").text
    assert route["waiting"] == 1
    assert world.ask("administrator", "DELETE", f"/api/notification-routes/{made['id']}").status_code == 204
    assert world.ask("administrator", "GET", "/api/notifications").json()[0]["state"] == "withdrawn"
