"""Carrying a site's frame rates into its cameras by ONVIF, and back: what shedding's `half_rate` means.

Makes the cameras equal to the state, again and again, so that a restart, a camera that is away or a lost answer costs
nothing but time: what an encoder gave is written into the state before it is lowered, and forgotten once it is
restored. A camera that does not answer is asked again after a growing wait; failures are counted and shown on the
site's page. Runs in control, in threads (`web/app.py`). Bounds: `TOGETHER` cameras at once, `PASS_MOST` a pass.
"""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import select

from manara.base.clock import Clock, to_datetime
from manara.base.errors import ManaraError
from manara.network.infrastructure.tables import ShedPolicy
from manara.network.onvif import OnvifClient
from manara.network.power import shedding
from manara.network.power.shedding_actions import note_frame_rates
from manara.network.tables import Camera
from manara.store.database import Database
from manara.store.secret import SecretBox

log = logging.getLogger(__name__)

TOGETHER = 4
PASS_MOST = 64
FIRST_WAIT_S, LONGEST_WAIT_S = 15.0, 600.0
LOWEST_HZ = 2.0  # an encoder that gives less than this is left alone


class Encoders(Protocol):
    """What is asked of a camera; `OnvifClient` is one."""

    def frame_rates(self) -> dict[str, float]: ...
    def set_frame_rates(self, rates_hz: Mapping[str, float]) -> None: ...
    def close(self) -> None: ...


Connect = Callable[[str, str, str, Clock], Encoders]


@dataclass(frozen=True, slots=True)
class _Task:
    site_id: str
    camera_id: str
    code: str
    onvif_url: str
    username: str
    password_sealed: str
    kept: dict[str, float]  # what the encoders gave, empty where that is not known yet
    lower: bool


@dataclass(slots=True)
class _Failure:
    times: int
    next_s: float
    why: str


class ShedRates:
    """Lowers and restores frame rates."""

    def __init__(self, database: Database, box: SecretBox, clock: Clock, connect: Connect = OnvifClient) -> None:
        self._database = database
        self._box = box
        self._clock = clock
        self._connect = connect
        self._lowered: set[str] = set()  # cameras that this process has lowered; after a restart it makes sure again
        self._failures: dict[str, _Failure] = {}
        self.changes = 0
        self.failed = 0

    def failures(self) -> dict[str, dict[str, object]]:
        """Cameras that could not be changed: how often it was tried and why it failed."""
        return {id: {"times": one.times, "why": one.why} for id, one in self._failures.items()}

    def work(self) -> int:
        """One pass; returns how many cameras were changed. Never raises for a camera."""
        tasks = self._tasks()[:PASS_MOST]
        if not tasks:
            return 0
        with ThreadPoolExecutor(TOGETHER, thread_name_prefix="frame rates") as pool:
            return sum(pool.map(self._do, tasks))

    def _tasks(self) -> list[_Task]:
        now_s = self._clock.monotonic_s()
        found: list[_Task] = []
        known: set[str] = set()
        with self._database.read() as session:
            rows = [row for row in session.scalars(select(ShedPolicy)) if row.step or row.frame_rates]
            for row in rows:
                made = shedding.policy_of(row.steps, row.hysteresis_h, row.hysteresis_pct, row.enabled)
                half = shedding.effect(made.steps, row.step).half_rate
                cameras = select(Camera).where(
                    (Camera.site_id == row.site_id) | Camera.id.in_(list(row.frame_rates)), Camera.onvif_url != ""
                )
                for camera in session.scalars(cameras):
                    kept = dict(row.frame_rates.get(camera.id, {}))
                    lower = half and camera.enabled and camera.site_id == row.site_id
                    known.add(camera.id)
                    if camera.id in self._lowered if lower else not kept:
                        continue  # it is as it should be
                    failure = self._failures.get(camera.id)
                    if failure is not None and failure.next_s > now_s:
                        continue
                    found.append(
                        _Task(
                            row.site_id,
                            camera.id,
                            camera.code,
                            camera.onvif_url,
                            camera.username,
                            camera.password_sealed,
                            kept,
                            lower,
                        )
                    )
        for gone in self._failures.keys() - known:
            del self._failures[gone]
        self._lowered &= known
        return found

    def _do(self, task: _Task) -> int:
        try:
            password = self._box.open(task.password_sealed)
            client = self._connect(task.onvif_url, task.username, password, self._clock)
            try:
                if task.lower:
                    self._lower(client, task)
                else:
                    self._restore(client, task)
            finally:
                client.close()
        except ManaraError as error:
            self.failed += 1
            before = self._failures.get(task.camera_id)
            times = 1 if before is None else before.times + 1
            wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(times - 1, 10))
            self._failures[task.camera_id] = _Failure(times, self._clock.monotonic_s() + wait_s, error.code)
            log.warning(
                "a frame rate could not be set",
                extra={"camera": task.code, "lower": task.lower, "code": error.code, "reason": error.message[:200]},
            )
            return 0
        self._failures.pop(task.camera_id, None)
        self.changes += 1
        return 1

    def _lower(self, client: Encoders, task: _Task) -> None:
        kept = task.kept
        if not kept:
            kept = {token: rate_hz for token, rate_hz in client.frame_rates().items() if rate_hz >= LOWEST_HZ}
            if kept:  # before anything is changed: what is not written down could not be restored
                note_frame_rates(self._database, self._at(), task.site_id, task.camera_id, kept)
        client.set_frame_rates({token: rate_hz / 2 for token, rate_hz in kept.items()})
        self._lowered.add(task.camera_id)

    def _restore(self, client: Encoders, task: _Task) -> None:
        client.set_frame_rates(task.kept)
        note_frame_rates(self._database, self._at(), task.site_id, task.camera_id, {})
        self._lowered.discard(task.camera_id)

    def _at(self) -> datetime:
        return to_datetime(self._clock.wall_us())
