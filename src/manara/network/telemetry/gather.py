"""Gathering what all devices tell: listens to brokers, runs our own, asks agents and servers, takes what is pushed.

Runs in the `health` role. `devices` says which devices there are (asked again each 10 s and when `changed` is called);
every reading is handed to `sink`, which answers for each why it is refused (`latest.Latest.take_each`). What became of
it is in the book (`book.py`): `states` says of each device whether it is `ok`, `silent` since when, or `unreadable` and
why. One device that fails costs no other anything. Bounds: `AT_ONCE` polls a protocol at a time; a device is asked at
most every 2 s; polls are spread over the interval.
"""

import asyncio
import contextlib
import logging
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
from anyio.to_thread import run_sync

from manara.base.clock import Clock
from manara.base.errors import ManaraError
from manara.messages import ReadingBatch
from manara.network.telemetry.book import Book, Sink
from manara.network.telemetry.devices import (
    ADDRESS,
    AUTH,
    PROFILE,
    TOKEN,
    DeviceFault,
    DeviceSpec,
    DeviceState,
    open_credentials,
)
from manara.network.telemetry.echo import EchoPoller, EchoShared
from manara.network.telemetry.found import Poller
from manara.network.telemetry.modbus import ModbusPoller, ModbusShared
from manara.network.telemetry.mqtt import Broker, BrokerReader, Listening, broker_of
from manara.network.telemetry.own_broker import OwnBroker, Place
from manara.network.telemetry.payload import PUSH_SUBJECT, Named
from manara.network.telemetry.profiles import (
    EchoProfile,
    ModbusProfile,
    MqttProfile,
    Profiles,
    PushProfile,
    SnmpProfile,
)
from manara.network.telemetry.snmp import SnmpPoller, SnmpShared
from manara.store.secret import SecretBox

log = logging.getLogger(__name__)

REFRESH_S = 10.0
# One that is dark keeps its place until its time-out: enough places that a dark sector does not slow the others.
AT_ONCE = {"snmp": 512, "modbus": 256, "icmp": 128}
POLL_LEAST_S = 2.0

Devices = Callable[[], Sequence[DeviceSpec]]

_batch = msgspec.json.Decoder(ReadingBatch)
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class _Polling:
    poller: Poller
    task: asyncio.Task[None]


@dataclass(slots=True)
class _BrokerRun:
    reader: BrokerReader
    task: asyncio.Task[None]


class Gatherer:
    """All devices of an installation. Use it from one event loop."""

    def __init__(
        self,
        devices: Devices,
        sink: Sink,
        box: SecretBox,
        clock: Clock,
        *,
        profiles: Profiles | None = None,
        own_broker: Place | None = None,
        refresh_s: float = REFRESH_S,
    ) -> None:
        self._devices = devices
        self._box = box
        self._clock = clock
        self._profiles = profiles or Profiles()
        self._refresh_s = refresh_s
        self._book = Book(sink, clock)
        self._own = OwnBroker(own_broker, self._book) if own_broker is not None else None
        self._specs: dict[str, DeviceSpec] = {}
        self._polling: dict[str, _Polling] = {}
        self._listening: dict[str, tuple[Broker | None, Listening]] = {}  # None: our own broker
        self._brokers: dict[Broker, _BrokerRun] = {}
        self._asked = asyncio.Event()
        self._snmp, self._modbus, self._echo = SnmpShared(), ModbusShared(), EchoShared()
        self._room = {protocol: asyncio.Semaphore(most) for protocol, most in AT_ONCE.items()}
        self.refresh_failures = 0
        self.unknown_pushes = 0
        self.errors = 0

    async def run(self) -> None:
        """Gather for ever; lets go of everything when cancelled."""
        own = None if self._own is None else asyncio.create_task(self._own.run(), name="own-broker")
        try:
            while True:
                if own is not None and own.done():
                    own.result()  # it never ends by itself: let the process die and be started again
                self._asked.clear()
                await self._refresh()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._asked.wait(), self._refresh_s)
        finally:
            if own is not None:
                await _end(own)
            await self._close()

    def changed(self) -> None:
        """The devices changed: look at them again now."""
        self._asked.set()

    def states(self) -> list[DeviceState]:
        """How each enabled device is doing, by code."""
        return self._book.states()

    def counters(self) -> dict[str, int]:
        """For the system screen."""
        states = self._book.states()
        counted = {f"devices_{name}": 0 for name in ("ok", "waiting", "silent", "unreadable")}
        for state in states:
            counted[f"devices_{state.state}"] += 1
        return counted | {
            "devices_limited": self._book.limited,
            "devices_polls": sum(state.polls for state in states),
            "devices_failures": sum(state.failures for state in states),
            "mqtt_kept_messages_ignored": self._book.ignored_kept,
            "pushes_of_unknown_devices": self.unknown_pushes,
            "telemetry_errors": self.errors,
            "telemetry_refresh_failures": self.refresh_failures,
            **(self._own.counters() if self._own is not None else {}),
        }

    async def take_pushed(self, data: bytes) -> bytes:
        """Answer `manara.telemetry.push`: a `ReadingBatch` of one device, already let in by its token.

        Answers `{"ok": true, "reasons": [...]}` (one for each reading, "" = believed); `{"ok": false, "retry_after_s"}`
        when the device floods or is not known here yet.
        """
        try:
            readings = _batch.decode(data).readings
        except msgspec.MsgspecError as error:
            log.warning("a pushed batch cannot be read", extra={"reason": str(error)[:200]})
            return _encode({"ok": False, "retry_after_s": 60})
        if not readings:
            return _encode({"ok": True, "reasons": []})
        device_id = readings[0].device_id
        if self._book.spec(device_id) is None:
            # entered a moment ago: it is let in by its token before we have looked
            self.unknown_pushes += 1
            self.changed()
            return _encode({"ok": False, "retry_after_s": 2})
        if not self._book.may_speak(device_id):
            return _encode({"ok": False, "retry_after_s": max(1, round(self._book.wait_s(device_id)))})
        named = [
            Named(subject=reading.subject, quantity=reading.quantity, value=reading.value, at_us=reading.at_us)
            for reading in readings
        ]
        return _encode({"ok": True, "reasons": self._book.heard_named(device_id, named)})

    # ---- which devices there are

    async def _refresh(self) -> None:
        try:
            specs, profiles_changed = await run_sync(self._look)
        except Exception:
            # The state may be away for a while; what is gathered already goes on.
            self.refresh_failures += 1
            log.exception("devices cannot be read; looked at again")
            return
        wanted = {spec.id: spec for spec in specs if spec.enabled}
        for device_id in self._specs.keys() - wanted.keys():
            await self._stop(device_id)
            self._book.drop(device_id)
            del self._specs[device_id]
        for device_id, spec in wanted.items():
            if self._specs.get(device_id) != spec or profiles_changed:
                await self._stop(device_id)
                self._specs[device_id] = spec
                self._book.put(spec)
                self._start(spec)
        await self._equal_brokers()

    def _look(self) -> tuple[Sequence[DeviceSpec], bool]:
        return self._devices(), self._profiles.load()

    def _start(self, spec: DeviceSpec) -> None:
        try:
            self._begin(spec)
        except DeviceFault as fault:
            self._book.unreadable(spec.id, fault.why, fault.detail)

    def _begin(self, spec: DeviceSpec) -> None:
        if spec.protocol == "push":
            return
        try:
            profile = self._profiles.get(spec.profile)
        except ManaraError as error:
            raise DeviceFault(PROFILE, str(error)) from error
        if profile.protocol != spec.protocol:
            raise DeviceFault(PROFILE, f"{spec.profile} is for {profile.protocol}, the device speaks {spec.protocol}")
        try:
            credentials = open_credentials(self._box, spec.credentials_sealed)
        except ManaraError as error:
            raise DeviceFault(AUTH, error.message) from error
        poller: Poller
        match profile:
            case MqttProfile():
                broker, prefix = broker_of(spec, credentials)
                if broker is None and self._own is None:
                    raise DeviceFault(ADDRESS, "this installation runs no broker of its own: set telemetry.mqtt_port")
                if broker is None and not spec.token_hash:
                    raise DeviceFault(TOKEN, "it has no token yet: make one under Infrastructure")
                self._listening[spec.id] = (broker, Listening(spec, profile, prefix))
                return
            case SnmpProfile():
                poller = SnmpPoller(spec, profile, credentials, self._snmp)
            case ModbusProfile():
                poller = ModbusPoller(spec, profile, self._modbus)
            case EchoProfile():
                poller = EchoPoller(spec, profile, self._echo)
            case PushProfile():
                raise DeviceFault(ADDRESS, "a device that pushes is not asked")
        task = asyncio.create_task(self._poll(spec, poller), name=f"poll-{spec.code}")
        self._polling[spec.id] = _Polling(poller, task)

    async def _stop(self, device_id: str) -> None:
        self._listening.pop(device_id, None)
        polling = self._polling.pop(device_id, None)
        if polling is not None:
            await _end(polling.task)
            await polling.poller.close()

    async def _equal_brokers(self) -> None:
        """One connection for each broker that any device needs, hearing exactly its devices."""
        wanted: dict[Broker, list[Listening]] = {}
        own: list[Listening] = []
        for broker, listening in self._listening.values():
            (own if broker is None else wanted.setdefault(broker, [])).append(listening)
        if self._own is not None:
            self._own.want(own)
        for broker in self._brokers.keys() - wanted.keys():
            await _end(self._brokers.pop(broker).task)
        for broker, all_of_it in wanted.items():
            if broker not in self._brokers:
                reader = BrokerReader(broker, self._book)
                task = asyncio.create_task(self._listen(broker, reader), name=f"broker-{broker.host}:{broker.port}")
                self._brokers[broker] = _BrokerRun(reader, task)
            self._brokers[broker].reader.want(all_of_it)

    async def _listen(self, broker: Broker, reader: BrokerReader) -> None:
        while True:
            try:
                await reader.run()
            except Exception:
                # The library may raise anything; the other brokers and devices must go on.
                self.errors += 1
                log.exception("listening failed and begins again", extra={"broker": f"{broker.host}:{broker.port}"})
                await asyncio.sleep(5.0)

    async def _poll(self, spec: DeviceSpec, poller: Poller) -> None:
        every_s = max(POLL_LEAST_S, spec.poll_s)
        # spread over the interval, each device always at its own place in it
        await asyncio.sleep(zlib.crc32(spec.id.encode()) % 1000 / 1000 * min(every_s, 30.0))
        while True:
            began_s = self._clock.monotonic_s()
            try:
                async with self._room[spec.protocol]:
                    self._book.polled(spec.id)
                    found = await poller.poll()
                self._book.heard(spec.id, found)
            except DeviceFault as fault:
                self._book.unreadable(spec.id, fault.why, fault.detail)
            except Exception as error:
                # A library may raise anything on hostile bytes; the other devices must go on.
                self.errors += 1
                log.exception("a device could not be read", extra={"device": spec.code})
                self._book.unreadable(spec.id, "bad_data", f"{type(error).__name__}: {str(error)[:120]}")
            await asyncio.sleep(max(0.1, every_s - (self._clock.monotonic_s() - began_s)))

    async def _close(self) -> None:
        for device_id in list(self._specs):
            await self._stop(device_id)
        for run in self._brokers.values():
            await _end(run.task)
        self._brokers.clear()
        self._snmp.close()
        self._modbus.close()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


__all__ = ["PUSH_SUBJECT", "Gatherer"]
