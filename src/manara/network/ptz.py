"""Moving PTZ cameras: commands of people under a lock, guard tours while nobody holds it, and a stop when a hand
falls away.

State lives in memory of the control process (a restart frees all locks; tours marked as running go on). Who may is
`ptz_lock.py`, what is
kept and audited `ptz_actions.py`, the wire `onvif.py`. Called by the web's routes in threads; a thread of its own
calls `tick`.
Commands to one camera go one after the other; a movement that a newer one has overtaken is not sent. A movement that
nobody
renews is stopped after `MOVE_TIMEOUT_S`. Movements are audited in one entry when the lock ends, presets each.
Bounds: one command under way a camera, `WORKERS` stops and tour steps at a time, every camera answers within 3 s or
is given up.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Protocol

from manara.access.who import Who
from manara.base.clock import Clock, to_datetime
from manara.base.errors import Conflict, FieldError, Forbidden, InvalidInput, ManaraError, NotFound, Unavailable
from manara.formats.onvif import Preset
from manara.network import ptz_actions, ptz_lock, rules, views
from manara.network.onvif import OnvifClient
from manara.store.database import Database
from manara.store.secret import SecretBox

log = logging.getLogger(__name__)

MOVE_TIMEOUT_S = 2.0  # the control room renews a held movement each second
TICK_S = 0.2
BUSY_S = 3.0
WORKERS = 8
CLOSE_S = 3.0
RETRY_S = 10.0  # a tour whose camera does not answer tries again after this
PRESETS_FRESH_S = 300.0
COMMANDS = ("move", "stop", "absolute_preset", "save_preset", "delete_preset", "home")
_TOUR = Who.system("guard tour")


class PtzDevice(Protocol):
    """What moves; `OnvifClient` is one."""

    def move(self, pan: float, tilt: float, zoom: float, timeout_s: float) -> None: ...
    def stop(self) -> None: ...
    def home(self) -> None: ...
    def presets(self) -> list[Preset]: ...
    def go(self, token: str) -> None: ...
    def save(self, name: str, token: str = "") -> str: ...
    def delete(self, token: str) -> None: ...
    def close(self) -> None: ...


Connect = Callable[[str, str, str], PtzDevice]  # address, user name, password
OnMoved = Callable[[str, str, bool], None]  # camera, preset ("" = none), and whether the preset was saved just now
HOME = "home"  # the preset that is told for the home position


@dataclass(slots=True)
class _Tour:
    id: str
    name: str
    steps: list[dict[str, Any]]
    step: int = -1
    next_s: float = 0.0
    error: str = ""


@dataclass(slots=True)
class _Camera:
    """What is known of one camera; `wire` is held while a command is under way, `_Ptz._mutex` guards the rest."""

    wire: threading.Lock = field(default_factory=threading.Lock)
    device: PtzDevice | None = None
    device_key: tuple[str, str, str] = ("", "", "")
    lock: ptz_lock.Lock | None = None
    who: Who | None = None
    counts: dict[str, int] = field(default_factory=dict)
    newest: int = 0
    stop_at_s: float | None = None
    tour: _Tour | None = None
    asked_s: float | None = None  # when the presets were last asked for


class PtzControl:
    """All PTZ cameras of this installation. Thread-safe."""

    def __init__(
        self,
        database: Database,
        box: SecretBox,
        clock: Clock,
        connect: Connect | None = None,
        on_moved: OnMoved | None = None,
    ) -> None:
        """`on_moved` is told of every order to move, before it is sent, from any thread."""
        self._database, self._box, self._clock = database, box, clock
        self._moved: OnMoved = on_moved or (lambda camera_id, preset, saved: None)
        self._connect: Connect = connect or (
            lambda address, user, password: OnvifClient(address, user, password, clock)
        )
        self._cameras: dict[str, _Camera] = {}
        self._mutex = threading.Lock()
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="ptz")
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self.failed_stops = 0

    def start(self) -> None:
        """Take up the running tours and begin to tick."""
        self.reload()
        self._thread = threading.Thread(target=self._run, name="ptz-tick", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop every movement that still goes on, end the locks, give the connections back (within a few seconds)."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(5)
        with self._mutex:
            cameras = list(self._cameras.items())
        self._pool.shutdown(wait=False, cancel_futures=True)
        last = ThreadPoolExecutor(WORKERS, thread_name_prefix="ptz-close")
        wait(
            [last.submit(self._stop_moving, camera_id, camera) for camera_id, camera in cameras if camera.stop_at_s],
            timeout=CLOSE_S,
        )
        last.shutdown(wait=False, cancel_futures=True)
        for camera_id, camera in cameras:
            self._end_lock(camera_id, camera, "shutdown")
            if camera.device is not None:
                camera.device.close()

    def reload(self) -> None:
        """Read from the state which tours run; called at start and after every change of tours or removal of a
        camera.
        """
        with self._database.read() as session:
            running = {tour["camera_id"]: tour for tour in views.tours(session) if tour["running"]}
        with self._mutex:
            for camera_id, camera in self._cameras.items():
                if camera_id not in running:
                    camera.tour = None
            for camera_id, tour in running.items():
                camera = self._cameras.setdefault(camera_id, _Camera())
                if camera.tour is None or (camera.tour.id, camera.tour.steps) != (tour["id"], tour["steps"]):
                    camera.tour = _Tour(tour["id"], tour["name"], tour["steps"], next_s=self._clock.monotonic_s())

    # ---- asked by the web

    def state(self, who: Who, camera_id: str) -> dict[str, Any]:
        """`{lock: {account, name, role, until_us}|null, presets [{token, name}], tour: {…}|null}`. Raises
        `NotFound`, `Conflict`.
        """
        with self._database.read() as session:
            row = views.camera_row(session, camera_id, who)
            presets = views.presets(session, camera_id)
        if row.kind != "ptz":
            raise Conflict("This camera cannot be moved.", code="not_ptz")
        now_s = self._clock.monotonic_s()
        camera = self._camera(camera_id)
        with self._mutex:
            ask = (
                row.enabled
                and bool(row.onvif_url)
                and (camera.asked_s is None or now_s - camera.asked_s > PRESETS_FRESH_S)
            )
            if ask:
                camera.asked_s = now_s
            lock, tour = camera.lock, camera.tour
        if ask and not self._ending.is_set():
            self._pool.submit(self._refresh_presets, camera_id, camera)
        return {"lock": self._shown_lock(lock), "presets": presets, "tour": self._shown_tour(camera, tour)}

    def command(self, who: Who, camera_id: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out `{command, pan, tilt, zoom, preset, name}` and return the state.

        Raises `InvalidInput`, `NotFound`, `Conflict` (`ptz_locked` with the holder, `not_ptz`), `Unavailable` (the
        camera).
        """
        command = _judge(values)
        with self._database.read() as session:
            row = views.camera_row(session, camera_id, who)
        if row.kind != "ptz" or not row.enabled:
            raise Conflict("This camera cannot be moved.", code="not_ptz")
        camera = self._camera(camera_id)
        number = self._take(camera_id, camera, who)
        name = command["command"]
        if name == "move":
            self._moved(camera_id, "", False)
            if self._on_wire(camera_id, camera, number, lambda device: self._move(camera, device, command)):
                self._count(camera, "moves")
        elif name == "stop":
            self._moved(camera_id, "", False)
            with self._mutex:
                camera.stop_at_s = self._clock.monotonic_s()  # until it has been done, the tick tries too
            self._stop_moving(camera_id, camera, loud=True)
        elif name == "home":
            self._moved(camera_id, HOME, False)
            self._on_wire(camera_id, camera, None, lambda device: self._travel(camera, device.home))
            self._count(camera, "home")
        elif name == "absolute_preset":
            self._moved(camera_id, command["preset"], False)
            self._on_wire(camera_id, camera, None, lambda device: self._travel(camera, device.go, command["preset"]))
            self._count(camera, f"preset {command['preset']}")
        else:
            self._preset(who, camera_id, camera, command)
        return self.state(who, camera_id)

    def release(self, who: Who, camera_id: str) -> dict[str, Any]:
        """End the lock: one's own, one of lower priority, or any as an administrator. Raises `Forbidden`."""
        with self._database.read() as session:
            views.camera_row(session, camera_id, who)
        camera = self._camera(camera_id)
        with self._mutex:
            lock = camera.lock
        if lock is not None:
            if not ptz_lock.may_release(lock, who.account_id, who.roles):
                raise Forbidden(f"{lock.name} holds this camera.", code="ptz_release", detail=_holder(lock))
            self._stop_if_moving(camera_id, camera)
            self._end_lock(camera_id, camera, "released", by=who)
        return self.state(who, camera_id)

    def tours(self, who: Who, camera_id: str) -> list[dict[str, Any]]:
        """The guard tours of a camera. Raises `NotFound`."""
        with self._database.read() as session:
            views.camera_row(session, camera_id, who)
            return views.tours(session, camera_id)

    def save_tours(self, who: Who, camera_id: str, tours: Any) -> list[dict[str, Any]]:
        """Replace the guard tours of a camera; see `ptz_actions.save_tours`."""
        saved = ptz_actions.save_tours(self._database, who, self._at(), camera_id, tours)
        self.reload()
        return saved

    def run_tour(self, who: Who, camera_id: str, tour_id: str, running: bool) -> dict[str, Any]:
        """Start or stop a guard tour, and return the state."""
        ptz_actions.set_running(self._database, who, self._at(), camera_id, tour_id, running)
        self.reload()
        return self.state(who, camera_id)

    # ---- time passes

    def tick(self) -> None:
        """What is due now: stops, ends of locks, steps of tours. Quick; the wire is left to the pool."""
        now_s = self._clock.monotonic_s()
        stops, ended, steps = [], [], []
        with self._mutex:
            for camera_id, camera in self._cameras.items():
                if camera.stop_at_s is not None and now_s >= camera.stop_at_s:
                    camera.stop_at_s = now_s + BUSY_S  # tried again should it fail
                    stops.append((camera_id, camera))
                if camera.lock is not None and now_s >= camera.lock.until_s and camera.stop_at_s is None:
                    ended.append((camera_id, camera))
                tour = camera.tour
                if tour is not None and camera.lock is None and now_s >= tour.next_s:
                    tour.step = (tour.step + 1) % len(tour.steps)
                    tour.next_s = now_s + tour.steps[tour.step]["dwell_s"]
                    steps.append((camera_id, camera, tour))
        for camera_id, camera in stops:
            self._pool.submit(self._stop_moving, camera_id, camera)
        for camera_id, camera in ended:
            self._end_lock(camera_id, camera, "time")
        for camera_id, camera, tour in steps:
            self._pool.submit(self._tour_step, camera_id, camera, tour)

    def _run(self) -> None:
        while not self._ending.wait(TICK_S):
            try:
                self.tick()
            except Exception:
                log.exception("the tick of PTZ failed; it goes on")

    # ---- inside

    def _camera(self, camera_id: str) -> _Camera:
        with self._mutex:
            return self._cameras.setdefault(camera_id, _Camera())

    def _at(self) -> Any:
        return to_datetime(self._clock.wall_us())

    def _take(self, camera_id: str, camera: _Camera, who: Who) -> int:
        with self._mutex:
            decision = ptz_lock.ask(camera.lock, who.account_id, who.name, who.roles, self._clock.monotonic_s())
            if not decision.granted:
                shown = self._shown_lock(decision.lock)
                raise Conflict(
                    f"{decision.lock.name} holds this camera.",
                    code="ptz_locked",
                    detail={"lock": shown, **(shown or {})},
                )
            before = (camera.lock, camera.who, dict(camera.counts)) if decision.taken and camera.lock else None
            camera.lock, camera.who = decision.lock, who
            if decision.taken:
                camera.counts = {}
            camera.newest += 1
            number = camera.newest
        if before is not None and before[0] is not None and before[1] is not None:
            how = "taken over" if decision.ended else "time"
            ptz_actions.note(
                self._database, before[1], self._at(), camera_id, "release", {"how": how, "by": who.name, **before[2]}
            )
        if decision.taken:
            ptz_actions.note(self._database, who, self._at(), camera_id, "take", {"role": decision.lock.role})
        return number

    def _end_lock(self, camera_id: str, camera: _Camera, how: str, by: Who | None = None) -> None:
        with self._mutex:
            lock, who, counts = camera.lock, camera.who, camera.counts
            if lock is None or who is None or (how == "time" and self._clock.monotonic_s() < lock.until_s):
                return
            camera.lock, camera.who, camera.counts = None, None, {}
            if camera.tour is not None:
                camera.tour.next_s = self._clock.monotonic_s()
        try:
            ptz_actions.note(
                self._database, by or who, self._at(), camera_id, "release", {"how": how, "held_by": who.name, **counts}
            )
        except Unavailable:
            log.warning("the end of a PTZ lock could not be audited", extra={"camera_id": camera_id, "how": how})

    def _on_wire(self, camera_id: str, camera: _Camera, number: int | None, send: Callable[[PtzDevice], None]) -> bool:
        """Send when the camera is free; False where a newer movement has overtaken this one. Raises `Unavailable`."""
        if not camera.wire.acquire(timeout=BUSY_S):
            raise Unavailable("The camera is still busy with another command.", code="ptz_busy")
        try:
            with self._mutex:
                if number is not None and number < camera.newest:
                    return False
            send(self._device(camera_id, camera))
            return True
        finally:
            camera.wire.release()

    def _device(self, camera_id: str, camera: _Camera) -> PtzDevice:
        with self._database.read() as session:
            row = views.camera_row(session, camera_id, _TOUR)
        if not row.onvif_url:
            raise Conflict("This camera has no ONVIF address.", code="ptz_no_address")
        key = (row.onvif_url, row.username, row.password_sealed)
        if camera.device is None or camera.device_key != key:
            if camera.device is not None:
                camera.device.close()
            camera.device = self._connect(row.onvif_url, row.username, self._box.open(row.password_sealed))
            camera.device_key = key
        return camera.device

    def _move(self, camera: _Camera, device: PtzDevice, command: Mapping[str, Any]) -> None:
        with self._mutex:
            camera.stop_at_s = self._clock.monotonic_s() + MOVE_TIMEOUT_S  # before sending: the answer may get lost
        device.move(command["pan"], command["tilt"], command["zoom"], MOVE_TIMEOUT_S)

    def _travel(self, camera: _Camera, go: Callable[..., None], *where: str) -> None:
        """On the way to a place the camera ends by itself: the stop of a movement before must not hold it up."""
        go(*where)
        with self._mutex:
            camera.stop_at_s = None

    def _stop_if_moving(self, camera_id: str, camera: _Camera) -> None:
        if camera.stop_at_s is not None:
            self._stop_moving(camera_id, camera)

    def _stop_moving(self, camera_id: str, camera: _Camera, *, loud: bool = False) -> None:
        with self._mutex:
            camera.newest += 1  # movements still waiting for the wire are overtaken
            number = camera.newest
        try:
            self._on_wire(camera_id, camera, None, lambda device: device.stop())
        except NotFound:  # the camera was removed from the network
            with self._mutex:
                camera.stop_at_s, camera.tour = None, None
            return
        except ManaraError as error:
            self.failed_stops += 1
            log.warning("a camera could not be stopped", extra={"camera_id": camera_id, "cause": error.code})
            if loud:
                raise
            return
        with self._mutex:
            if camera.newest == number:
                camera.stop_at_s = None

    def _preset(self, who: Who, camera_id: str, camera: _Camera, command: Mapping[str, Any]) -> None:
        made: list[str] = []

        def send(device: PtzDevice) -> None:
            if command["command"] == "save_preset":
                made.append(device.save(command["name"], command["preset"]) or command["preset"])
            else:
                device.delete(command["preset"])

        self._on_wire(camera_id, camera, None, send)
        detail = {"preset": (made or [command["preset"]])[0], "name": command["name"]}
        if made:
            self._moved(camera_id, made[0], True)
        ptz_actions.note(self._database, who, self._at(), camera_id, command["command"], detail)
        self._refresh_presets(camera_id, camera)

    def _refresh_presets(self, camera_id: str, camera: _Camera) -> None:
        found: list[Preset] = []
        try:
            self._on_wire(camera_id, camera, None, lambda device: found.extend(device.presets()))
            ptz_actions.keep_presets(self._database, _TOUR, self._at(), camera_id, found)
        except ManaraError as error:
            log.info("a camera did not tell its presets", extra={"camera_id": camera_id, "cause": error.code})

    def _tour_step(self, camera_id: str, camera: _Camera, tour: _Tour) -> None:
        step = tour.steps[tour.step]

        def send(device: PtzDevice) -> None:
            with self._mutex:
                suspended = camera.lock is not None or camera.tour is not tour
            if not suspended:
                self._moved(camera_id, step["preset"], False)
                device.go(step["preset"])

        try:
            self._on_wire(camera_id, camera, None, send)
            tour.error = ""
        except NotFound:  # the camera was removed from the network, and its tours with it
            with self._mutex:
                camera.tour = None
        except ManaraError as error:
            if tour.error != error.code:
                log.warning("a guard tour cannot go on", extra={"camera_id": camera_id, "cause": error.code})
            tour.error = error.code
            tour.next_s = max(tour.next_s, self._clock.monotonic_s() + RETRY_S)

    def _count(self, camera: _Camera, what: str) -> None:
        with self._mutex:
            if what in camera.counts or len(camera.counts) < 50:
                camera.counts[what] = camera.counts.get(what, 0) + 1

    def _shown_lock(self, lock: ptz_lock.Lock | None) -> dict[str, Any] | None:
        left_s = 0.0 if lock is None else lock.until_s - self._clock.monotonic_s()
        if lock is None or left_s <= 0:
            return None
        return {**_holder(lock), "until_us": self._clock.wall_us() + round(left_s * 1_000_000)}

    def _shown_tour(self, camera: _Camera, tour: _Tour | None) -> dict[str, Any] | None:
        if tour is None:
            return None
        state = "failed" if tour.error else "suspended" if self._shown_lock(camera.lock) else "running"
        return {"id": tour.id, "name": tour.name, "state": state, "step": max(tour.step, 0), "cause": tour.error}


def _holder(lock: ptz_lock.Lock) -> dict[str, Any]:
    return {"account": lock.account_id, "name": lock.name, "role": lock.role}


def _judge(values: Mapping[str, Any]) -> dict[str, Any]:
    """Clean values of a command. Raises `InvalidInput` with all faults."""
    faults: list[FieldError] = []
    command = values.get("command")
    if command not in COMMANDS:
        faults.append(FieldError("command", f"must be one of {', '.join(COMMANDS)}"))
    clean: dict[str, Any] = {"command": command, "preset": "", "name": ""}
    speed = rules.number(-1, 1)
    for name in ("pan", "tilt", "zoom"):
        try:
            clean[name] = speed(values.get(name) or 0.0)
        except rules.Fault as fault:
            faults.append(FieldError(name, str(fault)))
    for name in ("preset", "name"):
        try:
            clean[name] = ptz_actions.PRESET_NAME(values.get(name) or "")
        except rules.Fault as fault:
            faults.append(FieldError(name, str(fault)))
    if command in ("absolute_preset", "delete_preset") and not clean["preset"]:
        faults.append(FieldError("preset", "is required"))
    if command == "save_preset" and not clean["name"]:
        faults.append(FieldError("name", "is required"))
    if faults:
        raise InvalidInput("The command is not valid.", code="ptz_invalid", fields=faults)
    if command == "move" and not (clean["pan"] or clean["tilt"] or clean["zoom"]):
        clean["command"] = "stop"
    return clean
