"""Sectors limit what an operator sees: a camera of another sector does not exist for them, on any way in."""

import pytest

from manara.access.roles import Role
from tests.web.world import NORTH, World

WAYS = (
    "",
    "/ptz",
    "/tours",
    "/timeline?from_us=1&to_us=2",
    "/fragments?from_us=1&to_us=2",
    "/frame.jpg?at_us=1",
)


def test_lists_hold_only_own_sectors(world: World) -> None:
    cameras = world.ask("north", "GET", "/api/cameras").json()
    assert {camera["code"] for camera in cameras} == {"n1", "n2"}
    assert {camera["main_url"] for camera in cameras} == {""}
    assert {site["code"] for site in world.ask("north", "GET", "/api/sites").json()} == {"SN"}
    assert {camera["code"] for camera in world.ask("operator", "GET", "/api/cameras").json()} == {"n1", "n2", "s1"}


@pytest.mark.parametrize("way", WAYS)
def test_another_sectors_camera_does_not_exist(world: World, way: str) -> None:
    other = world.ask("north", "GET", f"/api/cameras/{world.ids['s1']}{way}")
    nothing = world.ask("north", "GET", f"/api/cameras/nosuchcamera{way}")
    assert other.status_code == nothing.status_code == 404
    assert other.json()["error"] == nothing.json()["error"] == "camera_not_found"
    seen = world.ask("operator", "GET", f"/api/cameras/{world.ids['s1']}{way}")
    assert seen.content != other.content


def test_another_sectors_camera_is_not_in_a_shared_timeline(world: World) -> None:
    ids = f"{world.ids['n1']},{world.ids['s1']}"
    path = f"/api/timeline?camera_ids={ids}&from_us=1&to_us=2"
    assert world.ask("north", "GET", path).status_code == 404
    assert set(world.ask("operator", "GET", path).json()) == set(ids.split(","))


def test_another_sectors_camera_cannot_be_watched_live(world: World) -> None:
    with world.client.websocket_connect("/api/live", headers=world.headers("north")) as socket:
        socket.send_json({"op": "open", "look": 1, "camera_id": world.ids["s1"]})
        said = [socket.receive_json(), socket.receive_json()]
        assert {"look": 1, "state": "ended", "cause": "gone"} in said


def test_no_answer_ever_carries_a_cameras_password(world: World) -> None:
    for account in ("technician", "administrator", "operator"):
        for path in ("/api/cameras", f"/api/cameras/{world.ids['n1']}", "/api/snapshot"):
            answer = world.ask(account, "GET", path)
            assert "secret-of-the-camera" not in answer.text
            assert "password_sealed" not in answer.text
    assert "secret-of-the-camera" not in world.ask("technician", "GET", "/api/cameras.csv").text
    assert "secret-of-the-camera" not in world.ask("auditor", "GET", "/api/audit").text


def test_the_snapshot_of_an_operator_is_his_sectors(wired: World) -> None:
    shown = wired.ask("north", "GET", "/api/snapshot").json()
    assert {camera["sector_id"] for camera in shown["cameras"]} == {NORTH}
    assert shown["accounts"] == []
    assert len(wired.ask("administrator", "GET", "/api/snapshot").json()["accounts"]) == len(Role) + 1
