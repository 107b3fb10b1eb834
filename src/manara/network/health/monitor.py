"""Health put together: everything that is heard goes in, what changed comes out as a batch to commit. No I/O.

Holds rules, latches, the engine of causes and the book of outages, all on one event loop's thread. `app/health.py`
feeds it from the journal and the gatherer, calls `step` when something came and once a second, and commits what it
returns. Nothing is lost by a kill: what was open is read back (`restore`) and what is so now is heard again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

import msgspec

from manara.messages import ImageReport, Reading, RecorderStatus, StreamStateChanged, StreamStatus
from manara.network.health.actions import Batch, Open
from manara.network.health.beginnings import START_S, Beginnings
from manara.network.health.causes import Engine
from manara.network.health.conditions import Latches, S
from manara.network.health.image_rules import ImageRules
from manara.network.health.kinds import parts
from manara.network.health.normals import Learned
from manara.network.health.outages import OutageBook
from manara.network.health.program_rules import ProgramRules
from manara.network.health.settle import SETTLE, Settle
from manara.network.health.stream_rules import StreamRules
from manara.network.health.telemetry_rules import DeviceLook, SiteFacts, TelemetryRules
from manara.network.health.topology import Topology

UNHEARD_S = 60.0  # a camera of which no recorder has ever spoken for this long is not recorded
UNHEARD_EVERY_S = 10.0


@dataclass(slots=True)
class Counters:
    """What came in and went out, for the system screen."""

    statuses: int = 0
    verdicts: int = 0
    readings: int = 0
    conditions: int = 0
    causes: int = 0
    unreadable: int = 0


class Monitor:
    """The health of the whole network."""

    def __init__(
        self,
        topology: Topology,
        now_us: int,
        timezone: tzinfo = UTC,
        settle: Settle = SETTLE,
        beginnings: Beginnings | None = None,
    ) -> None:
        self.beginnings = beginnings or Beginnings()
        self.latches = Latches()
        self.facts = SiteFacts()
        self.engine = Engine(topology, self.facts, settle)
        self.streams = StreamRules(self.latches, timezone, closed=self.engine.board.closed, beginnings=self.beginnings)
        self.images = ImageRules(self.latches)
        self.telemetry = TelemetryRules(self.latches, topology, self.beginnings)
        self.program = ProgramRules(self.latches)
        self.outages = OutageBook()
        self.counters = Counters()
        self._since_us: dict[str, int] = dict.fromkeys(topology.cameras, now_us)  # known to us since
        self._unheard_us = now_us
        self._silenced_us = 0
        self._forecasts: dict[str, Mapping[str, Any]] = {}
        self._shed: dict[str, int] = {}

    # ---- what is heard

    def status(self, status: RecorderStatus, at_us: int) -> None:
        """A second of a recorder."""
        self.counters.statuses += 1
        self.program.status(status, at_us)
        cameras = self.engine.board.topology.cameras
        for stream in status.streams:
            if stream.camera_id in cameras:
                self.streams.feed(stream, at_us)

    def stream_state(self, fact: StreamStateChanged, at_us: int) -> None:
        """A stream changed state: said at once, where the status would say it up to a second later."""
        if fact.stream != "main" or fact.camera_id not in self.engine.board.topology.cameras:
            return
        known = self.streams.status_of(fact.camera_id)
        told = known or StreamStatus(camera_id=fact.camera_id, stream="main", state=fact.state)
        if known is not None and (known.recorder_id != fact.recorder_id or known.since_us > fact.since_us):
            return  # of a recorder that had it before, or older than what is known
        self.streams.feed(
            msgspec.structs.replace(
                told, state=fact.state, cause=fact.cause, detail=fact.detail, since_us=fact.since_us,
                recorder_id=fact.recorder_id,
            ),
            at_us,
        )  # fmt: skip

    def image(self, report: ImageReport, at_us: int) -> None:
        """A report of a vision process."""
        self.counters.verdicts += len(report.verdicts)
        cameras = self.engine.board.topology.cameras
        if all(verdict.camera_id in cameras for verdict in report.verdicts):
            self.images.feed(report, at_us)
        else:
            seen = [verdict for verdict in report.verdicts if verdict.camera_id in cameras]
            self.images.feed(msgspec.structs.replace(report, verdicts=seen), at_us)

    def readings(self, readings: Iterable[Reading], at_us: int) -> None:
        """Readings that were believed."""
        for reading in readings:
            self.counters.readings += 1
            if self.facts.take(reading, at_us):
                self.engine.heard(reading.site_id)
            self.telemetry.feed(reading, at_us)

    def devices(self, looks: Iterable[DeviceLook], at_us: int) -> None:
        """How all telemetry devices are doing."""
        self.telemetry.devices(looks, at_us)

    def forecast(self, site_id: str, values: Mapping[str, Any], at_us: int) -> None:
        """A battery's forecast (columns of `battery_forecast`)."""
        self._forecasts[site_id] = values
        self.telemetry.dark_before_morning(
            site_id, bool(values.get("dark_before_morning")), values.get("hours_left"), at_us
        )

    def shed(self, steps: Mapping[str, int], cameras: Iterable[str], at_us: int) -> None:
        """What sites shed now, by step: their cameras are meant to give less, and their load changes by itself."""
        self.streams.shedding = set(cameras)
        for site_id in steps.keys() | self._shed.keys():
            if steps.get(site_id, 0) != self._shed.get(site_id, 0):
                self.facts.shed(site_id, at_us)
        self._shed = dict(steps)

    def topology(self, topology: Topology, at_us: int) -> None:
        """The network was changed by somebody."""
        old = self.engine.board.topology
        for camera_id in old.cameras.keys() - topology.cameras.keys():
            self.streams.forget(camera_id, at_us)
            self.images.forget(camera_id, at_us)
            self._since_us.pop(camera_id, None)
            self.beginnings.forget([f"camera:{camera_id}"])
        for camera_id in topology.cameras.keys() - old.cameras.keys():
            self._since_us[camera_id] = at_us
        for site_id in old.sites.keys() - topology.sites.keys():
            self.telemetry.forget_site(site_id)
        self.telemetry.topology = topology
        self.engine.rewire(topology)
        self._forget_gone(topology, at_us)

    def deaf(self, at_us: int) -> None:
        """The journal is away: nobody is heard, and nobody is to blame."""
        self.program.deaf(at_us)

    # ---- what follows

    def step(self, now_us: int) -> Batch:
        """Let time pass and judge; returns what changed."""
        silent = self.program.silent(now_us)
        if silent and now_us - self._silenced_us >= S:  # each stream of it: once a second is enough
            self._silenced_us = now_us
            for recorder_id, heard_us in silent:
                self.streams.silent(recorder_id, now_us, heard_us)
        self.program.tick(now_us)
        self.streams.tick(now_us)
        self.images.tick(now_us)
        if now_us - self._unheard_us >= UNHEARD_EVERY_S * S:
            self._unheard_us = now_us
            self._unheard(now_us)
        self.latches.tick(now_us)
        return self._judge(now_us)

    def next_us(self) -> int | None:
        """When `step` has something to do though nothing came."""
        times = [one for one in (self.engine.wake_us, self.latches.next_us()) if one is not None]
        return min(times, default=None)

    def restore(self, found: Open, now_us: int) -> None:
        """What was open when the program stopped."""
        for condition in found.conditions:
            self.latches.restore(condition)
            noun, row_id = parts(condition.subject)
            if condition.kind == "recorder_silent":
                self.program.expect(row_id, condition.since_us)
            if noun == "camera" and condition.kind.startswith("image_"):
                self.images.expect(row_id, now_us)
        self.engine.restore(found.causes, found.conditions)
        self.outages.restore(found.spans, found.conditions, now_us)
        self._forget_gone(self.engine.board.topology, now_us)

    def normals(self, learned: dict[str, dict[str, Learned]]) -> None:
        """The cameras' normals, as they were kept."""
        self.streams.normals = learned

    # ---- inside

    def _judge(self, now_us: int) -> Batch:
        began, changed, ended = self.latches.take()
        batch = Batch(forecasts=self._forecasts)
        self._forecasts = {}
        topology = self.engine.board.topology
        for condition in (*began, *changed):
            batch.conditions[condition.id] = condition
            self.engine.began(condition)
        for condition in began:
            site_id = topology.site_of(condition.subject)
            camera = topology.cameras.get(condition.subject.removeprefix("camera:"))
            self.outages.began(condition, site_id, camera.sector_id if camera is not None else "")
        self.counters.conditions += len(began)
        for one in ended:
            batch.ended[one.condition.id] = one
            self.engine.ended(one.condition)
            self.outages.ended(one)
        if began or changed or ended or self._engine_due(now_us):
            outcome = self.engine.evaluate(now_us)
            self.counters.causes += len(outcome.opened)
            self.outages.explained([*outcome.opened, *outcome.changed])
            for cause in (*outcome.opened, *outcome.changed, *outcome.closed):
                batch.causes[cause.id] = cause
        batch.spans = {span.id: span for span in self.outages.take()}
        batch.sites = {
            id: topology.site_of(one.subject)
            for id, one in [*batch.conditions.items(), *((id, ended.condition) for id, ended in batch.ended.items())]
        }
        return batch

    def _engine_due(self, now_us: int) -> bool:
        return self.engine.wanted or (self.engine.wake_us is not None and self.engine.wake_us <= now_us)

    def _unheard(self, now_us: int) -> None:
        heard = self.streams.cameras()
        for camera_id, since_us in self._since_us.items():
            if camera_id in heard or now_us - since_us <= UNHEARD_S * S:
                continue
            if now_us - since_us > START_S * S or not self.beginnings.wait_s(f"camera:{camera_id}", now_us):
                detail = {"cause": "recorder_silent", "recorder_id": ""}
                self.latches.feed("video_lost", f"camera:{camera_id}", True, now_us, since_us=since_us, detail=detail)

    def _forget_gone(self, topology: Topology, at_us: int) -> None:
        """Conditions of things that no longer exist end."""
        known: dict[str, Mapping[str, Any]] = {
            "camera": topology.cameras,
            "site": topology.sites,
            "cabinet": topology.sites,
            "switch": topology.switches,
            "link": topology.links,
            "device": topology.devices,
        }
        gone: Sequence[str] = [
            condition.subject
            for condition in self.latches.active.values()
            if (noun := parts(condition.subject)[0]) in known and parts(condition.subject)[1] not in known[noun]
        ]
        for subject in gone:
            self.latches.forget(subject, at_us)


@dataclass(slots=True)
class Pending:
    """Batches that wait to be committed, joined; bounded by what can be wrong at all."""

    batch: Batch = field(default_factory=Batch)
    failures: int = 0

    def add(self, batch: Batch) -> None:
        """Something more."""
        self.batch.add(batch)

    def take(self) -> Batch:
        """All that waits."""
        taken, self.batch = self.batch, Batch()
        return taken

    def again(self, batch: Batch) -> None:
        """It could not be committed: what came meanwhile is the later of the two."""
        self.failures += 1
        batch.add(self.batch)
        self.batch = batch
