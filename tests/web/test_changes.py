"""Two browsers: what one changes, the other sees within a second; and a session that ends loses its sockets."""

import json
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from manara.messages import RecorderStatus, StreamStatus, WantedCamera, WantedHold
from manara.store import outbox
from manara.store.journal import BUCKET_HOLDS, BUCKET_WANTED, BUCKET_WHOLE
from tests.support.patience import LONG_S, patience_s
from tests.web.world import NORTH, SOUTH, World


def followed(world: World, account: str) -> tuple[dict[str, Any], str]:
    """A snapshot, and the path on which its changes follow."""
    snapshot = world.ask(account, "GET", "/api/snapshot").json()
    return snapshot, f"/api/changes?epoch={snapshot['epoch']}&after={snapshot['seq']}"


def until(socket: WebSocketTestSession, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first change that is wanted. Beats come each second, so that the deadline is looked at."""
    end_s = time.monotonic() + LONG_S
    while time.monotonic() < end_s:
        message = json.loads(socket.receive_text())
        for change in message.get("changes", []):
            if wanted(change):
                return dict(change)
    raise AssertionError("the change did not come")


def wait_for(world: World, condition: Callable[[], bool], deadline_s: float = LONG_S) -> None:
    """Until `condition` holds, looked at on the application's loop."""
    assert world.client.portal is not None
    end_s = time.monotonic() + deadline_s
    while not world.client.portal.call(condition):
        assert time.monotonic() < end_s, "not in time"
        world.client.portal.call(_pause)


def wait_until_quiet(world: World) -> None:
    """Until every fact of the start has been relayed, read and handled, and stays so for a while."""
    server, wiring = world.journal.server, world.wiring
    assert wiring is not None
    quiet_since_s = time.monotonic()

    def quiet() -> bool:
        nonlocal quiet_since_s
        with world.database.read() as session:
            waits = bool(outbox.pending(session, 1))
        if waits or len(wiring.backlog) or any(place < len(server.facts) for place in server.places.values()):
            quiet_since_s = time.monotonic()
        return time.monotonic() - quiet_since_s > 0.25

    wait_for(world, quiet)


async def _pause() -> None:
    import asyncio

    await asyncio.sleep(0.01)


def test_a_change_in_one_browser_is_seen_in_another_within_a_second(wired: World) -> None:
    _, path = followed(wired, "north")
    camera = wired.ids["n1"]
    with wired.client.websocket_connect(path, headers=wired.headers("north")) as socket:
        began_s = time.monotonic()
        answer = wired.ask("technician", "PATCH", f"/api/cameras/{camera}", json={"name_en": "Renamed"})
        assert answer.status_code == 200
        change = until(socket, lambda c: c["kind"] == "camera")
        assert time.monotonic() - began_s < patience_s(1.0)
    assert change["value"]["name_en"] == "Renamed"
    assert change["value"]["main_url"] == ""


def test_a_camera_that_leaves_a_sector_leaves_the_screen(wired: World) -> None:
    _, path = followed(wired, "north")
    camera = wired.ids["n1"]
    with wired.client.websocket_connect(path, headers=wired.headers("north")) as socket:
        wired.ask("technician", "PATCH", f"/api/cameras/{camera}", json={"sector_id": SOUTH})
        change = until(socket, lambda c: c["kind"] == "camera")
        assert (change["op"], change["value"]) == ("delete", None)
        wired.ask("technician", "PATCH", f"/api/cameras/{camera}", json={"sector_id": NORTH})
        assert until(socket, lambda c: c["kind"] == "camera")["op"] == "put"


def test_beats_come_each_second_and_name_what_was_sent(wired: World) -> None:
    snapshot, path = followed(wired, "north")
    with wired.client.websocket_connect(path, headers=wired.headers("north")) as socket:
        seq, beats, began_s = snapshot["seq"], 0, time.monotonic()
        # what does not concern this view must not look like something missed
        wired.ask("technician", "PATCH", f"/api/cameras/{wired.ids['s1']}", json={"name_en": "Elsewhere"})
        while beats < 3:
            message = json.loads(socket.receive_text())
            if message["type"] == "beat":
                assert message["seq"] == seq
                beats += 1
            else:
                assert all(change["id"] != wired.ids["s1"] for change in message["changes"])
                seq = message["seq"]
        assert time.monotonic() - began_s < patience_s(4)


@pytest.mark.parametrize("query", ["", "?epoch=other&after=1", "?after=0"])
def test_whoever_holds_another_epoch_is_told_to_fetch_again(wired: World, query: str) -> None:
    with wired.client.websocket_connect(f"/api/changes{query}", headers=wired.headers("operator")) as socket:
        assert json.loads(socket.receive_text()) == {"type": "reset"}
        with pytest.raises(WebSocketDisconnect):
            socket.receive_text()


def closed_code(socket: WebSocketTestSession) -> int:
    """Read until the server closes; the code it gives."""
    try:
        for _ in range(50):
            socket.receive_text()
    except WebSocketDisconnect as closed:
        return closed.code
    raise AssertionError("the socket stays open")


def test_a_revoked_session_loses_its_socket_within_two_seconds(wired: World) -> None:
    _, path = followed(wired, "operator")
    account = next(a for a in wired.ask("administrator", "GET", "/api/accounts").json() if a["account"] == "operator")
    with wired.client.websocket_connect(path, headers=wired.headers("operator")) as socket:
        socket.receive_text()
        began_s = time.monotonic()
        ended = wired.ask("administrator", "DELETE", f"/api/accounts/{account['id']}/sessions")
        assert ended.json() == {"ended": 1}
        assert closed_code(socket) == 4401
        assert time.monotonic() - began_s < patience_s(2.0)
    assert wired.ask("operator", "GET", "/api/session").status_code == 401


def test_a_person_whose_sectors_change_is_judged_again(wired: World) -> None:
    _, path = followed(wired, "north")
    account = next(a for a in wired.ask("administrator", "GET", "/api/accounts").json() if a["account"] == "north")
    with wired.client.websocket_connect(path, headers=wired.headers("north")) as socket:
        socket.receive_text()
        wired.ask("administrator", "PATCH", f"/api/accounts/{account['id']}", json={"sector_ids": [SOUTH]})
        assert closed_code(socket) == 4403
    shown = wired.ask("north", "GET", "/api/snapshot").json()
    assert {camera["sector_id"] for camera in shown["cameras"]} == {SOUTH}


def test_what_recorders_measure_is_shown_and_silence_is_told(wired: World) -> None:
    camera = wired.ids["n1"]
    status = StreamStatus(camera_id=camera, stream="main", state="recording", bitrate_bps=5, recorder_id="r1")
    batch = RecorderStatus(recorder_id="r1", at_us=1, complete=True, streams=[status])
    _, path = followed(wired, "north")
    assert wired.client.portal is not None
    with wired.client.websocket_connect(path, headers=wired.headers("north")) as socket:
        wired.client.portal.call(wired.journal.tell, "manara.status.r1", msgspec.json.encode(batch))
        change = until(socket, lambda c: c["kind"] == "status")
        assert change["value"]["main"]["state"] == "recording"
        wired.clock.advance(6)
        change = until(socket, lambda c: c["kind"] == "status")
        assert (change["value"]["main"]["state"], change["value"]["main"]["cause"]) == ("lost", "recorder_silent")
    warnings = wired.ask("auditor", "GET", "/api/system").json()["warnings"]
    assert [warning["code"] for warning in warnings] == ["recorder_silent"]


def test_a_role_that_died_and_was_started_again_is_told_on_its_own(wired: World) -> None:
    def told(restarts: int) -> None:
        file = wired.services.settings.data.directory / "run" / "supervisor.json"
        file.parent.mkdir(exist_ok=True)
        role = {"name": "recorder-1", "pid": 0, "state": "running", "restarts": restarts}
        file.write_text(json.dumps({"processes": [role | {"started_us": wired.clock.wall_us()}]}), encoding="utf-8")

    told(0)
    assert wired.ask("auditor", "GET", "/api/system").json()["warnings"] == []
    _, path = followed(wired, "auditor")
    with wired.client.websocket_connect(path, headers=wired.headers("auditor")) as socket:
        told(1)
        change = until(socket, lambda c: c["kind"] == "system" and c["value"]["restarts"] == 1)
        assert [(w["code"], w["detail"]["name"]) for w in change["value"]["warnings"]] == [("restarted", "recorder-1")]
    wired.clock.advance(3600)
    assert wired.ask("technician", "GET", "/api/system").json()["warnings"] == []


def bucket(world: World, name: str) -> dict[str, bytes]:
    """What is in a bucket now."""
    assert world.client.portal is not None
    entries = world.client.portal.call(world.journal.bucket(name).all)
    return {key: entry.value for key, entry in entries.items() if entry.value is not None}


def test_recorders_are_told_what_to_record_and_what_to_hold(wired: World) -> None:
    wait_for(wired, lambda: len(wired.journal.server.tables[BUCKET_WANTED].keys() - {BUCKET_WHOLE}) == 3)
    camera = wired.ids["n1"]
    wired.ask("technician", "PATCH", f"/api/cameras/{camera}", json={"main_url": "rtsp://10.0.0.1/new"})
    wait_for(wired, lambda: b"rtsp://10.0.0.1/new" in _entry(wired, BUCKET_WANTED, f"camera.{camera}"))
    kept = msgspec.json.decode(bucket(wired, BUCKET_WANTED)[f"camera.{camera}"], type=WantedCamera)
    assert wired.services.box.open(kept.password_sealed) == "secret-of-the-camera"
    body = {"camera_ids": [camera], "start_us": 1, "end_us": 2, "reason": "an accident"}
    hold = wired.ask("supervisor", "POST", "/api/holds", json=body).json()
    wait_for(wired, lambda: bool(_entry(wired, BUCKET_HOLDS, f"hold.{hold['id']}")))
    held = msgspec.json.decode(bucket(wired, BUCKET_HOLDS)[f"hold.{hold['id']}"], type=WantedHold)
    assert (held.camera_ids, held.start_us, held.end_us) == ([camera], 1, 2)
    wired.ask("supervisor", "DELETE", f"/api/holds/{hold['id']}")
    wired.ask("technician", "DELETE", f"/api/cameras/{camera}")
    wait_for(wired, lambda: not _entry(wired, BUCKET_HOLDS, f"hold.{hold['id']}"))
    wait_for(wired, lambda: not _entry(wired, BUCKET_WANTED, f"camera.{camera}"))


def _entry(world: World, name: str, key: str) -> bytes:
    found = world.journal.server.tables[name].get(key)
    return found[0].value or b"" if found else b""


def test_what_was_committed_while_the_journal_was_away_arrives_when_it_is_back(wired: World) -> None:
    wait_for(wired, lambda: len(wired.journal.server.tables[BUCKET_WANTED].keys() - {BUCKET_WHOLE}) == 3)
    wait_until_quiet(wired)  # else an older fact of the same camera, tried again, shows the change before its time
    wired.journal.server.away = True
    camera = wired.ids["n1"]
    assert wired.ask("technician", "PATCH", f"/api/cameras/{camera}", json={"name_en": "Kept"}).status_code == 200
    wait_for(wired, lambda: wired.wiring is not None and wired.wiring.relay.failures > 0)
    _, path = followed(wired, "technician")
    with wired.client.websocket_connect(path, headers=wired.headers("technician")) as socket:
        until(socket, lambda c: c["kind"] == "system" and c["value"]["warnings"][0]["code"] == "journal_away")
        wired.journal.server.away = False
        assert until(socket, lambda c: c["kind"] == "camera")["value"]["name_en"] == "Kept"
