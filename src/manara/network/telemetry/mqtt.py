"""Listening to devices that publish to outside brokers: one connection a broker, each device below its own prefix.

A device's address is `mqtt://host[:port]/prefix` (`mqtts://` with TLS; without a host: our own, see `own_broker.py`).
Its messages are taken where the mapping file names their topic, or, where the device names its readings itself, from
any topic directly below the prefix (`Listening`, `hand_on`: of our own broker's devices too). A message that the broker
kept for us (*retained*) may be old and is believed only where it carries its own time. The connection is made again for
ever, with growing waits. Bounds: 64 KiB a message, 20,000 waiting messages, 0.5 to 30 s between two tries; floods are
the gatherer's to limit.
Source: OASIS MQTT 3.1.1; the library aiomqtt.
"""

import asyncio
import logging
import random
import secrets
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

import aiomqtt

from manara.network.telemetry.convert import parse_path
from manara.network.telemetry.devices import ADDRESS, AUTH, BAD_DATA, BROKER, Credentials, DeviceFault, DeviceSpec
from manara.network.telemetry.found import Found
from manara.network.telemetry.payload import BadPayload, Named, at_path, parse_json, parse_named, parse_time
from manara.network.telemetry.profiles import MqttProfile, MqttReading

log = logging.getLogger(__name__)

MOST_BYTES = 65_536
MOST_WAITING = 20_000
FIRST_WAIT_S = 0.5
MOST_WAIT_S = 30.0
KEEPALIVE_S = 20
CONNECT_S = 5.0  # also for each subscription
TOPICS_TOGETHER = 100
_NOT_GRANTED = 128
_REFUSED_CODES = (4, 5, 134, 135)  # bad user name or password, not authorised (3.1.1 and 5)


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is and as whom to sign in. The same broker is one connection for all its devices."""

    host: str
    port: int
    tls: bool
    username: str
    password: str = field(repr=False)


Entries = Sequence[tuple[MqttReading, tuple[str | int, ...]]]


@dataclass(frozen=True, slots=True)
class Listening:
    """One device's part of a broker's messages."""

    spec: DeviceSpec
    profile: MqttProfile
    prefix: str
    topics: Mapping[str, Entries] = field(init=False)  # whole topic → what is read there; empty where it names itself

    def __post_init__(self) -> None:
        found: dict[str, list[tuple[MqttReading, tuple[str | int, ...]]]] = {}
        if not self.names_itself:
            for entry in self.profile.reading:
                found.setdefault(f"{self.prefix}/{entry.topic}", []).append((entry, parse_path(entry.path)))
        object.__setattr__(self, "topics", found)

    @property
    def names_itself(self) -> bool:
        """Whether the device names its readings as in a push."""
        return self.profile.mqtt.format == "readings"

    def asked(self) -> Iterator[str]:
        """The topics to subscribe to."""
        yield from [f"{self.prefix}/+"] if self.names_itself else self.topics

    def asks_for(self, topic: str) -> bool:
        """Whether this topic tells anything of the device."""
        return topic.rpartition("/")[0] == self.prefix if self.names_itself else topic in self.topics


class Hearer(Protocol):
    """Who is told what a broker said; the gatherer."""

    def may_speak(self, device_id: str) -> bool:
        """Whether a message of this device may be looked at now (it may flood)."""
        ...

    def heard(self, device_id: str, found: Sequence[Found]) -> None:
        """Values by the mapping."""
        ...

    def heard_named(self, device_id: str, named: Sequence[Named | str]) -> Sequence[str]:
        """Readings that the device names itself; why each is refused, which nobody is told here."""
        ...

    def unreadable(self, device_id: str, why: str, detail: str) -> None:
        """A message made no sense, or the broker is away."""
        ...

    def connected(self, device_id: str) -> None:
        """The broker is there; what the device itself does is not known yet."""
        ...

    def ignored(self, device_id: str) -> None:
        """A kept message without a time of its own was left out."""
        ...


def broker_of(spec: DeviceSpec, credentials: Credentials) -> tuple[Broker | None, str]:
    """The broker of a device (None: our own) and its prefix there. Raises `DeviceFault` where the address is none."""
    try:
        parts = urlsplit(spec.address)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise DeviceFault(ADDRESS, f"the address {spec.address[:80]!r} is not mqtt://host:port/prefix") from error
    prefix = parts.path.strip("/")
    if (
        parts.scheme not in ("mqtt", "mqtts")
        or parts.username
        or parts.query
        or "#" in spec.address
        or not prefix
        or set(prefix) & set("#+\0")
    ):
        raise DeviceFault(
            ADDRESS,
            f"the address {spec.address[:80]!r} is not mqtt://host:port/prefix (credentials go into their fields)",
        )
    if not host:
        return None, prefix
    tls = parts.scheme == "mqtts"
    broker = Broker(host, port or (8883 if tls else 1883), tls, credentials.username, credentials.password)
    return broker, prefix


def hand_on(hearer: Hearer, one: Listening, topic: str, payload: bytes, *, kept: bool) -> None:
    """Tell the hearer what a message says that the device's profile asks for."""
    try:
        if one.names_itself:
            _named(hearer, one, payload, kept=kept)
        else:
            _mapped(hearer, one, one.topics[topic], payload, kept=kept)
    except BadPayload as error:
        hearer.unreadable(one.spec.id, BAD_DATA, str(error))


def _mapped(hearer: Hearer, one: Listening, entries: Entries, payload: bytes, *, kept: bool) -> None:
    value = parse_json(payload, most_bytes=MOST_BYTES)
    part = one.profile.mqtt
    at_us = parse_time(at_path(value, parse_path(part.time_path)), part.time_unit) if part.time_path else None
    if kept and at_us is None:
        hearer.ignored(one.spec.id)
        return
    hearer.heard(one.spec.id, [Found(entry, "", at_path(value, steps), at_us) for entry, steps in entries])


def _named(hearer: Hearer, one: Listening, payload: bytes, *, kept: bool) -> None:
    named = parse_named(payload, most_bytes=MOST_BYTES)
    if kept:
        timed = [item for item in named if isinstance(item, str) or item.at_us]
        if not timed:
            hearer.ignored(one.spec.id)
            return
        named = timed
    hearer.heard_named(one.spec.id, named)


class BrokerReader:
    """One connection, and the devices heard on it. `want` may be called at any time; `run` goes on for ever."""

    def __init__(self, broker: Broker, hearer: Hearer) -> None:
        self._broker = broker
        self._hearer = hearer
        self._wanted: dict[str, Listening] = {}
        self._topics: dict[str, list[Listening]] = {}  # as subscribed to
        self._qos: dict[str, int] = {}
        self._changed = asyncio.Event()
        self.connects = 0
        self.unasked = 0  # messages that nobody asked for

    def want(self, listening: Sequence[Listening]) -> None:
        """Hear exactly these devices from now on."""
        self._wanted = {one.spec.id: one for one in listening}
        self._topics, self._qos = {}, {}
        for one in listening:
            for topic in one.asked():
                self._topics.setdefault(topic, []).append(one)
                self._qos[topic] = max(one.profile.mqtt.qos, self._qos.get(topic, 0))
        self._changed.set()

    async def run(self) -> None:
        """Connect, listen, connect again."""
        wait_s = FIRST_WAIT_S
        while True:
            try:
                async with self._client() as client:
                    self.connects += 1
                    wait_s = FIRST_WAIT_S
                    for device_id in self._wanted:
                        self._hearer.connected(device_id)
                    await self._listen(client)
            except aiomqtt.MqttError as error:
                self._lost(error)
            except (OSError, ssl.SSLError, ValueError) as error:
                self._lost(error)
            await asyncio.sleep(wait_s * random.uniform(0.8, 1.2))
            wait_s = min(MOST_WAIT_S, wait_s * 2)

    # ---- inside

    def _client(self) -> aiomqtt.Client:
        broker = self._broker
        return aiomqtt.Client(
            broker.host,
            broker.port,
            username=broker.username or None,
            password=broker.password or None,
            identifier=f"manara-{secrets.token_hex(6)}",
            tls_context=ssl.create_default_context() if broker.tls else None,
            keepalive=KEEPALIVE_S,
            timeout=CONNECT_S,
            max_queued_incoming_messages=MOST_WAITING,
        )

    async def _listen(self, client: aiomqtt.Client) -> None:
        self._changed.set()
        subscribing = asyncio.create_task(self._subscribe(client))
        try:
            async for message in client.messages:
                payload = message.payload
                if isinstance(payload, bytes | bytearray):
                    self._take(message.topic.value, bytes(payload), kept=bool(message.retain))
                if subscribing.done():
                    subscribing.result()
        finally:
            subscribing.cancel()
            await asyncio.gather(subscribing, return_exceptions=True)

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        """Make the broker's list of our topics equal to what is wanted, whenever that changes."""
        there: dict[str, int] = {}
        while True:
            await self._changed.wait()
            self._changed.clear()
            wanted = dict(self._qos)
            gone = sorted(there.keys() - wanted.keys())
            new = sorted(topic for topic, qos in wanted.items() if there.get(topic) != qos)
            for first in range(0, len(gone), TOPICS_TOGETHER):
                await client.unsubscribe(gone[first : first + TOPICS_TOGETHER])
            for first in range(0, len(new), TOPICS_TOGETHER):
                topics = new[first : first + TOPICS_TOGETHER]
                codes = await client.subscribe([(topic, wanted[topic]) for topic in topics])
                for topic, code in zip(topics, codes, strict=False):
                    if getattr(code, "is_failure", False) or code == _NOT_GRANTED:
                        self._denied(topic)
            there = wanted

    def _take(self, topic: str, payload: bytes, *, kept: bool) -> None:
        asking = self._topics.get(topic, []) + self._topics.get(f"{topic.rpartition('/')[0]}/+", [])
        self.unasked += not asking
        for one in asking:
            if self._hearer.may_speak(one.spec.id):
                hand_on(self._hearer, one, topic, payload, kept=kept)

    def _denied(self, topic: str) -> None:
        for one in self._wanted.values():
            if topic.startswith(one.prefix + "/"):
                detail = f"the broker lets this account not hear {topic[:80]}"
                self._hearer.unreadable(one.spec.id, AUTH, detail)

    def _lost(self, error: Exception) -> None:
        code = getattr(error, "rc", None)
        value = getattr(code, "value", code)
        refused = value in _REFUSED_CODES
        where = f"{self._broker.host}:{self._broker.port}"
        detail = f"the broker {where} refuses the user name or password" if refused else f"the broker {where} is away"
        log.info("broker is away", extra={"broker": where, "reason": str(error)[:200]})
        for device_id in self._wanted:
            self._hearer.unreadable(device_id, AUTH if refused else BROKER, detail)
