"""Moving cameras: locks, the dead hand, guard tours, audit; on a clock moved by hand, with a camera that notes what
it is told.
"""

import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from manara.access.roles import Role
from manara.access.who import Who
from manara.base.clock import FakeClock
from manara.base.errors import Conflict, Forbidden, InvalidInput, NotFound, Unavailable
from manara.formats.onvif import Preset
from manara.network import actions
from manara.network.ptz import MOVE_TIMEOUT_S, PtzControl
from manara.network.ptz_lock import HOLD_S
from manara.store.audit import AuditEntry
from manara.store.database import Database
from manara.store.secret import SecretBox

ALI = Who("ali", "Ali", frozenset({Role.OPERATOR}))
SARA = Who("sara", "Sara", frozenset({Role.OPERATOR}))
CHIEF = Who("chief", "Chief", frozenset({Role.SUPERVISOR}))


class Device:
    """A camera that notes what it is told; `broken` makes it answer nothing."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.stored = {"1": "Gate"}
        self.broken = False
        self.changed = threading.Condition()
        self.password = ""

    def _tell(self, what: Any) -> None:
        with self.changed:
            if self.broken:
                raise Unavailable("away", code="onvif_timeout")
            self.told.append(what)
            self.changed.notify_all()

    def wait(self, what: Any, times: int = 1) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.told.count(what) >= times, 5), self.told

    def move(self, pan: float, tilt: float, zoom: float, timeout_s: float) -> None:
        self._tell(("move", pan, tilt, zoom))

    def stop(self) -> None:
        self._tell("stop")

    def home(self) -> None:
        self._tell("home")

    def presets(self) -> list[Preset]:
        if self.broken:
            raise Unavailable("away", code="onvif_timeout")
        return [Preset(token, name) for token, name in self.stored.items()]

    def go(self, token: str) -> None:
        self._tell(("go", token))

    def save(self, name: str, token: str = "") -> str:
        token = token or str(len(self.stored) + 1)
        self.stored[token] = name
        return token

    def delete(self, token: str) -> None:
        del self.stored[token]

    def close(self) -> None:
        pass


class Room:
    """A control with one PTZ camera, its clock and its device."""

    def __init__(self, database: Database, box: SecretBox, technician: Who, at: datetime) -> None:
        self.database, self.clock, self.device = database, FakeClock(), Device()
        values = {"main_url": "rtsp://h/", "lat": 31, "lon": 46, "onvif_url": "http://h/onvif", "password": "pw"}
        add = lambda **more: actions.add_camera(database, box, technician, at, values | more)["id"]  # noqa: E731
        self.camera_id = add(code="PTZ", kind="ptz")
        self.fixed_id = add(code="FIX")

        def connect(address: str, user: str, password: str) -> Device:
            self.device.password = password
            return self.device

        self.control = PtzControl(database, box, self.clock, connect)

    def do(self, who: Who, command: str, **more: Any) -> dict[str, Any]:
        return self.control.command(who, self.camera_id, {"command": command, **more})

    def audited(self) -> list[str]:
        with self.database.read() as session:
            entries = session.scalars(select(AuditEntry).order_by(AuditEntry.number))
            return [
                f"{entry.action} {entry.account_id}" for entry in entries if entry.action.startswith(("ptz:", "tour:"))
            ]


@pytest.fixture
def room(database: Database, box: SecretBox, technician: Who, at: datetime) -> Iterator[Room]:
    made = Room(database, box, technician, at)
    yield made
    made.control.close()


def test_a_movement_reaches_the_camera_and_locks_it(room: Room) -> None:
    state = room.do(ALI, "move", pan=0.5, tilt=-0.25)
    assert room.device.told == [("move", 0.5, -0.25, 0.0)]
    assert room.device.password == "pw"
    assert (state["lock"]["account"], state["lock"]["role"]) == ("ali", "operator")
    assert state["lock"]["until_us"] == room.clock.wall_us() + round(HOLD_S * 1e6)
    with pytest.raises(Conflict) as caught:
        room.do(SARA, "move", pan=1)
    assert (caught.value.code, caught.value.detail["name"]) == ("ptz_locked", "Ali")
    assert len(room.device.told) == 1
    room.do(CHIEF, "stop")
    assert room.device.told[-1] == "stop"
    with pytest.raises(Conflict):
        room.do(ALI, "home")
    with pytest.raises(Forbidden):
        room.control.release(ALI, room.camera_id)
    assert room.control.release(CHIEF, room.camera_id)["lock"] is None
    assert room.audited() == ["ptz:take ali", "ptz:release ali", "ptz:take chief", "ptz:release chief"]


def test_a_hand_that_falls_away_stops_the_camera(room: Room) -> None:
    room.do(ALI, "move", pan=1)
    room.clock.advance(MOVE_TIMEOUT_S - 0.1)
    room.control.tick()
    assert "stop" not in room.device.told
    room.clock.advance(0.2)
    room.control.tick()
    room.device.wait("stop")


def test_the_dead_hand_acts_soon_and_lets_a_renewed_movement_go_on(room: Room) -> None:
    assert MOVE_TIMEOUT_S <= 2
    for _ in range(5):  # as the control room does: once a second
        room.do(ALI, "move", pan=1)
        room.clock.advance(1.0)
        room.control.tick()
    assert "stop" not in room.device.told


def test_a_preset_chosen_while_moving_is_reached(room: Room) -> None:
    room.do(ALI, "move", pan=1)
    room.do(ALI, "absolute_preset", preset="p1")
    room.clock.advance(MOVE_TIMEOUT_S + 0.1)
    room.control.tick()
    assert room.control._camera(room.camera_id).stop_at_s is None
    assert "stop" not in room.device.told


def test_a_stop_that_fails_is_tried_again(room: Room) -> None:
    room.do(ALI, "move", pan=1)
    room.device.broken = True
    with pytest.raises(Unavailable):
        room.do(ALI, "stop")
    assert room.control.failed_stops == 1
    room.device.broken = False
    room.control.tick()
    room.device.wait("stop")


def test_a_lock_ends_by_time_and_its_movements_are_audited_once(room: Room) -> None:
    for _ in range(5):
        room.do(ALI, "move", pan=1)
    room.do(ALI, "stop")
    room.clock.advance(HOLD_S + 0.1)
    room.control.tick()
    assert room.control.state(SARA, room.camera_id)["lock"] is None
    with room.database.read() as session:
        (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "ptz:release"))
    assert '"moves": 5' in entry.detail
    assert '"how": "time"' in entry.detail


def test_a_newer_movement_overtakes_one_that_waits(room: Room) -> None:
    camera = room.control._camera(room.camera_id)
    camera.wire.acquire()
    first = threading.Thread(target=room.do, args=(ALI, "move"), kwargs={"pan": 0.1})
    second = threading.Thread(target=room.do, args=(ALI, "move"), kwargs={"pan": 0.2})
    first.start()
    while camera.newest < 1:
        pass
    second.start()
    while camera.newest < 2:
        pass
    camera.wire.release()
    first.join(5)
    second.join(5)
    assert room.device.told == [("move", 0.2, 0.0, 0.0)]


def test_presets_are_kept_listed_and_audited(room: Room) -> None:
    state = room.do(CHIEF, "save_preset", name="الجسر")
    assert {preset["name"] for preset in state["presets"]} == {"Gate", "الجسر"}
    room.do(CHIEF, "absolute_preset", preset="1")
    assert ("go", "1") in room.device.told
    assert [preset["token"] for preset in room.do(CHIEF, "delete_preset", preset="2")["presets"]] == ["1"]
    assert room.audited() == ["ptz:take chief", "ptz:save_preset chief", "ptz:delete_preset chief"]


def test_a_guard_tour_goes_round_waits_for_people_and_survives_restart(room: Room) -> None:
    steps = [{"preset": "1", "dwell_s": 10}, {"preset": "2", "dwell_s": 20}]
    (tour,) = room.control.save_tours(CHIEF, room.camera_id, [{"name": "Night", "steps": steps}])
    state = room.control.run_tour(CHIEF, room.camera_id, tour["id"], True)
    assert state["tour"]["state"] == "running"
    room.control.tick()
    room.device.wait(("go", "1"))
    room.clock.advance(10.1)
    room.control.tick()
    room.device.wait(("go", "2"))
    room.do(ALI, "move", pan=1)
    room.do(ALI, "stop")
    assert room.control.state(ALI, room.camera_id)["tour"]["state"] == "suspended"
    room.clock.advance(HOLD_S - 1)
    room.control.tick()
    assert room.device.told.count(("go", "1")) == 1
    room.clock.advance(2)
    room.control.tick()
    room.control.tick()
    room.device.wait(("go", "1"), 2)
    room.control.reload()  # as a restart does
    assert room.control.state(ALI, room.camera_id)["tour"]["name"] == "Night"
    assert room.control.run_tour(CHIEF, room.camera_id, tour["id"], False)["tour"] is None
    with pytest.raises(NotFound):
        room.control.run_tour(CHIEF, room.camera_id, "nothing", True)


def test_a_tour_whose_camera_is_away_says_so_and_goes_on(room: Room) -> None:
    (tour,) = room.control.save_tours(
        CHIEF, room.camera_id, [{"name": "Day", "steps": [{"preset": "1", "dwell_s": 5}]}]
    )
    room.device.broken = True
    room.control.run_tour(CHIEF, room.camera_id, tour["id"], True)
    camera = room.control._camera(room.camera_id)
    room.control._tour_step(room.camera_id, camera, camera.tour)  # type: ignore[arg-type]
    assert room.control.state(CHIEF, room.camera_id)["tour"]["state"] == "failed"
    room.device.broken = False
    room.clock.advance(20)
    room.control.tick()
    room.device.wait(("go", "1"))


def test_a_camera_that_was_removed_is_let_go(room: Room, technician: Who, at: datetime) -> None:
    (tour,) = room.control.save_tours(
        CHIEF, room.camera_id, [{"name": "Day", "steps": [{"preset": "1", "dwell_s": 5}]}]
    )
    room.control.run_tour(CHIEF, room.camera_id, tour["id"], True)
    room.do(ALI, "move", pan=1)
    actions.remove_camera(room.database, technician, at, room.camera_id)
    camera = room.control._camera(room.camera_id)
    room.control._stop_moving(room.camera_id, camera)
    assert (camera.stop_at_s, camera.tour) == (None, None)


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"command": "explode", "pan": 2}, ["command", "pan"]),
        ({"command": "move", "pan": float("nan")}, ["pan"]),
        ({"command": "save_preset"}, ["name"]),
        ({"command": "absolute_preset", "preset": "x" * 65}, ["preset", "preset"]),
    ],
)
def test_bad_commands_are_named(room: Room, values: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        room.control.command(ALI, room.camera_id, values)
    assert [fault.field for fault in caught.value.fields] == fields
    assert room.audited() == []


def test_only_ptz_cameras_in_ones_sectors_move(room: Room) -> None:
    with pytest.raises(Conflict, match="cannot be moved"):
        room.control.command(ALI, room.fixed_id, {"command": "home"})
    stranger = Who("x", "X", frozenset({Role.OPERATOR}), frozenset({"other"}))
    with pytest.raises(NotFound):
        room.control.command(stranger, room.camera_id, {"command": "home"})
    bad = [{"name": "", "steps": [{"preset": "", "dwell_s": 1}, {"preset": "1", "dwell_s": 1}]}]
    with pytest.raises(InvalidInput) as caught:
        room.control.save_tours(CHIEF, room.camera_id, bad)
    assert [fault.field for fault in caught.value.fields] == ["name", "steps.0.preset", "steps.1.dwell_s"]
