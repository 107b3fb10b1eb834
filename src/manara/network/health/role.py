"""The `health` role: hears recorders, vision and site devices, and commits what is wrong and why.

    journal (status, image, ptz, facts) ┐
    Gatherer (MQTT, SNMP, Modbus, ICMP, push) ├─► Monitor ─► Batch ─► actions.commit ─► outbox, `manara.poke`
    clock                                ┘        └─► `manara.vitals` each 5 s

Judges on its event loop and commits in a thread, one batch at a time; what comes meanwhile joins the next batch. A
batch that cannot be committed is kept and tried again: nothing that was concluded is lost while the program lives, and
what was so is found again after a kill. While the journal is away nobody is heard, and nobody is blamed for it.
Started by `app/health.py`.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from anyio.to_thread import run_sync
from sqlalchemy.exc import SQLAlchemyError

from manara import messages
from manara.base.clock import Clock
from manara.base.errors import ManaraError
from manara.messages import DeviceTold, DiskStatus, ImageReport, Message, Reading, RecorderStatus
from manara.network.health import normals
from manara.network.health.actions import commit, read_open, read_topology
from manara.network.health.batteries import Batteries, forecast_values
from manara.network.health.beginnings import Beginnings
from manara.network.health.monitor import Monitor, Pending
from manara.network.health.telemetry_rules import DeviceLook
from manara.network.health.topology import Topology
from manara.network.health.vitals import VitalsBook, in_parts
from manara.network.infrastructure.devices import device_specs
from manara.network.power import shed_clock
from manara.network.telemetry.devices import DeviceSpec
from manara.network.telemetry.gather import PUSH_SUBJECT, Gatherer
from manara.network.telemetry.latest import Latest
from manara.network.telemetry.own_broker import Place
from manara.network.telemetry.profiles import Profiles
from manara.settings import Settings
from manara.store.database import Database
from manara.store.journal import POKE_SUBJECT, STATUS_PREFIX, VITALS_SUBJECT, Journal, Subscription
from manara.store.measurements import Measurements
from manara.store.secret import SecretBox

log = logging.getLogger(__name__)

IMAGE_SUBJECT = "manara.image.*"
TICK_S = 1.0
GATHER_S = 0.1  # what comes within this is judged together
COMMIT_RETRY_S = 1.0
DEVICES_EVERY_S = 5.0
VITALS_EVERY_S = 5.0
VITALS_COMPLETE = 12  # every twelfth report tells all
FORECAST_EVERY_S = 60.0
SHED_EVERY_S = 10.0
LEARN_EVERY_S = 3600.0
REREAD_EVERY_S = 300.0  # the network is read again also when no word of a change came
SAVE_EVERY_S = 900.0
MEASUREMENTS = "measurements"  # in the place of a recorder, where their folder cannot be written
KEEP_EVERY_S = 2.0  # only while something is well for the first time

_CHANGES = (messages.CameraChanged, messages.SiteChanged, messages.InfrastructureChanged)
_FACTS = (messages.StreamStateChanged, messages.RoleRestarted, *_CHANGES)
_encode = msgspec.json.Encoder().encode
_status = msgspec.json.Decoder(RecorderStatus)
_report = msgspec.json.Decoder(ImageReport)


class Health:
    """One health process. Make it with `open`, then `run`."""

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        database: Database,
        box: SecretBox,
        journal: Journal,
        clock: Clock,
        credential: Callable[[str, str], str],
    ) -> None:
        self._folder = folder
        self._database = database
        self._journal = journal
        self._clock = clock
        self._credential = credential
        self._timezone = ZoneInfo(settings.deployment.timezone)
        self._wake = asyncio.Event()
        self._pending = Pending()
        self._reread = asyncio.Event()
        self._learned = asyncio.Event()
        self.latest = Latest(clock)
        keep = settings.telemetry
        self.measurements = Measurements(
            folder / "measurements", keep_raw_days=keep.keep_raw_days, keep_rollup_days=keep.keep_rollup_days
        )
        place = Place(keep.mqtt_host, keep.mqtt_port, keep.mqtt_tls_certificate, keep.mqtt_tls_key)
        own = place if keep.mqtt_port else None
        self.gatherer = Gatherer(self._specs, self._sink, box, clock, profiles=Profiles(folder), own_broker=own)
        self.batteries = Batteries()
        self.vitals = VitalsBook()
        self.forecasts: dict[str, Mapping[str, Any]] = {}
        self._device_states: dict[str, DeviceTold] = {}
        self.shed: dict[str, int] = {}
        self.commits = 0
        self.monitor: Monitor | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Judge until `stop` is set; then commit what is known and keep what was learned."""
        monitor = await run_sync(self._begin)
        self.monitor = monitor
        journal = self._journal
        heard: list[Subscription] = [
            journal.listen(STATUS_PREFIX + "*", self._on_status),
            journal.listen(IMAGE_SUBJECT, self._on_image),
            journal.follow(self._on_fact, _FACTS),
            journal.answer(PUSH_SUBJECT, self.gatherer.take_pushed),
        ]
        loops = [
            asyncio.create_task(loop, name=name)
            for name, loop in (
                ("judge", self._judge(monitor)),
                ("gather", self.gatherer.run()),
                ("measurements", self.measurements.run(self._clock)),
                ("devices", self._every(DEVICES_EVERY_S, self._look_at_devices)),
                ("vitals", self._tell_vitals(monitor)),
                ("forecasts", self._every(FORECAST_EVERY_S, self._forecast, first_s=10.0)),
                ("shedding", self._every(SHED_EVERY_S, self._shed_load)),
                ("learning", self._every(LEARN_EVERY_S, self._learn, first_s=30.0)),
                ("network", self._follow_network(monitor)),
                ("normals", self._every(SAVE_EVERY_S, self._save)),
                ("known", self._every(KEEP_EVERY_S, self._keep_known)),
            )
        ]
        stopping = asyncio.create_task(stop.wait(), name="stop")
        try:
            done, _ = await asyncio.wait([stopping, *loops], return_when=asyncio.FIRST_COMPLETED)
            for ended in done - {stopping}:
                ended.result()  # a loop never ends by itself: let the process die and be started again
        finally:
            stopping.cancel()
            for subscription in heard:
                await subscription.stop()
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            await self._finish(monitor)

    # ---- begin and end

    def _begin(self) -> Monitor:
        now_us = self._clock.wall_us()
        with self._database.read() as session:
            topology = read_topology(session, self._credential)
            found = read_open(session)
            self.batteries.read(session, topology, now_us)
        learned = self._load_normals()
        monitor = Monitor(topology, now_us, self._timezone, beginnings=self._load_known(topology, learned.keys()))
        monitor.normals(learned)
        monitor.restore(found, now_us)
        log.info(
            "health begins",
            extra={
                "cameras": len(topology.cameras),
                "sites": len(topology.sites),
                "open_conditions": len(found.conditions),
                "open_causes": len(found.causes),
            },
        )
        return monitor

    async def _finish(self, monitor: Monitor) -> None:
        self._pending.add(monitor.step(self._clock.wall_us()))
        await self._commit()
        await self._save()
        await run_sync(self.measurements.close)

    def _load_normals(self) -> dict[str, dict[str, normals.Learned]]:
        try:
            return normals.load((self._folder / "health" / "normals.msgpack").read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError) as error:
            log.warning("what is normal is learned anew", extra={"reason": str(error)[:200]})
            return {}

    def _load_known(self, topology: Topology, played: Iterable[str]) -> Beginnings:
        """What has been well before, so that a restart silences nothing; nothing at a first start."""
        try:
            kept = msgspec.json.decode((self._folder / "health" / "known.json").read_bytes(), type=set[str])
        except FileNotFoundError:
            kept = set()
        except (OSError, msgspec.MsgspecError) as error:
            log.warning("what was well before is not known", extra={"reason": str(error)[:200]})
            kept = set()
        kept |= {f"camera:{id}" for id in played}
        there = {f"camera:{id}" for id in topology.cameras}
        return Beginnings(True, {one for one in kept if one in there or not one.startswith("camera:")})

    async def _keep_known(self) -> None:
        if self.monitor is None or not self.monitor.beginnings.changed:
            return
        self.monitor.beginnings.changed = False
        data = msgspec.json.encode(sorted(self.monitor.beginnings.known))
        try:
            await run_sync(self._write, "known.json", data)
        except OSError:
            self.monitor.beginnings.changed = True
            raise

    def _write(self, name: str, data: bytes) -> None:
        folder = self._folder / "health"
        folder.mkdir(exist_ok=True, mode=0o700)
        part = folder / f"{name}.part"
        part.write_bytes(data)
        part.replace(folder / name)

    async def _save(self) -> None:
        if self.monitor is None:
            return
        data = normals.dump(self.monitor.streams.normals)
        try:
            await run_sync(self._write, "normals.msgpack", data)
        except OSError as error:
            log.warning("what is normal could not be kept", extra={"reason": str(error)})

    # ---- what is heard

    async def _on_status(self, subject: str, data: bytes) -> None:
        try:
            status = _status.decode(data)
        except msgspec.MsgspecError as error:
            self._unreadable(subject, error)
            return
        if self.monitor is not None:
            self.monitor.status(status, self._clock.wall_us())
            self._wake.set()

    async def _on_image(self, subject: str, data: bytes) -> None:
        try:
            report = _report.decode(data)
        except msgspec.MsgspecError as error:
            self._unreadable(subject, error)
            return
        if self.monitor is not None:
            self.monitor.image(report, self._clock.wall_us())
            self._wake.set()

    async def _on_fact(self, fact: Message) -> None:
        if self.monitor is None:
            return
        now_us = self._clock.wall_us()
        if isinstance(fact, messages.StreamStateChanged):
            self.monitor.stream_state(fact, now_us)
        elif isinstance(fact, messages.RoleRestarted):
            self.monitor.program.restarted(fact.role, now_us)
        else:
            self._reread.set()
            if isinstance(fact, messages.InfrastructureChanged) and fact.noun == "device":
                self.gatherer.changed()
        self._wake.set()

    def _unreadable(self, subject: str, error: Exception) -> None:
        if self.monitor is not None:
            self.monitor.counters.unreadable += 1
        log.warning("a word cannot be read", extra={"subject": subject, "reason": str(error)[:200]})

    def _specs(self) -> Sequence[DeviceSpec]:
        with self._database.read() as session:
            return device_specs(session)

    def _sink(self, readings: Sequence[Reading]) -> Sequence[str]:
        reasons = self.latest.take_each(readings)
        believed = [reading for reading, reason in zip(readings, reasons, strict=True) if not reason]
        if believed:
            self.measurements.append(believed)
            if self.monitor is not None:
                self.monitor.readings(believed, self._clock.wall_us())
                self._wake.set()
        return reasons

    # ---- what is done

    async def _judge(self, monitor: Monitor) -> None:
        while True:
            if not self._journal.connected:
                monitor.deaf(self._clock.wall_us())
            self._pending.add(monitor.step(self._clock.wall_us()))
            if self._pending.batch and not await self._commit():
                await asyncio.sleep(COMMIT_RETRY_S)
            wait_s = TICK_S
            next_us = monitor.next_us()
            if next_us is not None:
                wait_s = min(TICK_S, max(0.01, (next_us - self._clock.wall_us()) / 1e6))
            try:
                await asyncio.wait_for(self._wake.wait(), wait_s)
            except TimeoutError:
                continue  # time has passed, which is a reason to look too
            await asyncio.sleep(GATHER_S)
            self._wake.clear()

    async def _commit(self) -> bool:
        batch = self._pending.take()
        if not batch:
            return True
        try:
            await run_sync(commit, self._database, self._clock.wall_us(), batch)
        except (ManaraError, SQLAlchemyError) as error:
            self._pending.again(batch)
            log.warning("what was found is committed later", extra={"reason": str(error)[:200]})
            return False
        self.commits += 1
        await self._journal.tell(POKE_SUBJECT, b"")
        return True

    async def _look_at_devices(self) -> None:
        if self.monitor is None:
            return
        states = self.gatherer.states()
        self._device_states = {
            state.device_id: DeviceTold(state=state.state, since_us=state.since_us, why=state.why) for state in states
        }
        kept = self.measurements
        told = DiskStatus(path=str(kept.folder), state=kept.state, cause=kept.cause)
        self.monitor.program.disk(MEASUREMENTS, told, self._clock.wall_us())
        looks = [DeviceLook(state.device_id, state.site_id, state.state, state.since_us, state.why) for state in states]
        self.monitor.devices(looks, self._clock.wall_us())
        self._wake.set()

    async def _tell_vitals(self, monitor: Monitor) -> None:
        number = 0
        while True:
            topology = monitor.engine.board.topology
            report = self.vitals.report(
                topology,
                monitor.latches,
                self.latest,
                self.forecasts,
                self.shed,
                self._clock.wall_us(),
                complete=number % VITALS_COMPLETE == 0,
                devices=self._device_states,
                counters=self.counters(),
            )
            number += 1
            for part in in_parts(report):
                if not await self._journal.tell(VITALS_SUBJECT, _encode(part)):
                    number = 0  # whoever comes back gets all of it
            await asyncio.sleep(VITALS_EVERY_S)

    async def _forecast(self) -> None:
        if self.monitor is None:
            return
        now_us = self._clock.wall_us()
        made = await run_sync(self.batteries.forecasts, self.monitor.facts, now_us)
        for site_id, forecast in made.items():
            values = forecast_values(forecast)
            self.forecasts[site_id] = values
            self.monitor.forecast(site_id, values, now_us)
        self._wake.set()

    async def _shed_load(self) -> None:
        """Sites on their battery shed by their policies; their cameras are then meant to give less."""
        if self.monitor is None:
            return
        now_us = self._clock.wall_us()
        sites = await run_sync(shed_clock.with_policy, self._database)
        power = {
            site_id: shed_clock.power_now(self.monitor.facts, self.forecasts.get(site_id), site_id, now_us)
            for site_id in sites
        }
        found = await run_sync(shed_clock.look, self._database, now_us, power)
        self.shed = found.steps
        self.monitor.shed(found.steps, found.cameras, now_us)
        if found.changed:
            await self._journal.tell(POKE_SUBJECT, b"")

    async def _learn(self) -> None:
        if self.monitor is not None:
            topology = self.monitor.engine.board.topology
            await run_sync(self.batteries.learn, self.measurements, topology, self._clock.wall_us())

    async def _follow_network(self, monitor: Monitor) -> None:
        while True:
            try:
                await asyncio.wait_for(self._reread.wait(), REREAD_EVERY_S)
                await asyncio.sleep(TICK_S)  # an import changes many at once
            except TimeoutError:
                pass  # read again all the same: a fact may have been missed while the journal was away
            self._reread.clear()

            def read() -> Any:
                with self._database.read() as session:
                    topology = read_topology(session, self._credential)
                    self.batteries.read(session, topology, self._clock.wall_us())
                    return topology

            try:
                topology = await run_sync(read)
            except SQLAlchemyError as error:
                log.warning("the network cannot be read; read again later", extra={"reason": str(error)[:200]})
                self._reread.set()
                await asyncio.sleep(COMMIT_RETRY_S)
                continue
            old = monitor.engine.board.topology
            if topology != old:
                self.latest.forget(gone(old, topology, self.latest))
                monitor.topology(topology, self._clock.wall_us())
                self._wake.set()

    async def _every(
        self, every_s: float, work: Callable[[], Coroutine[Any, Any, None]], *, first_s: float = 0.0
    ) -> None:
        await asyncio.sleep(first_s)
        while True:
            try:
                await work()
            except (ManaraError, SQLAlchemyError, OSError) as error:
                log.warning("done again later", extra={"work": work.__name__, "reason": str(error)[:200]})
            await asyncio.sleep(every_s)

    def counters(self) -> dict[str, int]:
        """For the system screen."""
        counted = {
            "commits": self.commits,
            "commit_failures": self._pending.failures,
            "forecasts": len(self.forecasts),
            "forecast_faults": self.batteries.faults,
        }
        if self.monitor is not None:
            counted |= {f"heard_{name}": value for name, value in asdict(self.monitor.counters).items()}
            counted["open_conditions"] = len(self.monitor.latches.active)
            counted["open_causes"] = len(self.monitor.engine.open)
        return counted | self.latest.counters() | self.gatherer.counters() | self.measurements.counters()


def gone(old: Topology, new: Topology, latest: Latest) -> set[str]:
    """The subjects of which something is known and that exist no more."""
    kept = (
        (old.sites, new.sites), (old.cameras, new.cameras), (old.switches, new.switches), (old.links, new.links),
        (old.sources, new.sources), (old.devices, new.devices),
    )  # fmt: skip
    if all(before.keys() <= after.keys() for before, after in kept):
        return set()
    known = {one.subject for site_id in latest.sites() for one in latest.of_site(site_id)}
    return {one for one in known if old.site_of(one) in old.sites and new.site_of(one) not in new.sites}
