"""Our own MQTT broker: takes what field devices publish, and hands it to the book. An account for each device.

A device signs in with its code and its token (`devices.token_fits`; only a hash is kept). What comes on its connection
is its own whatever the topic says, and only topics below its own prefix are taken: nobody speaks in another's place.
Nobody hears anything: subscriptions are refused. A message is acknowledged when it has been taken, so a device that
waits for that loses nothing while we are away. `want` says which devices there are: a token that was renewed, a device
that was disabled or removed ends its open connections at once.

Bounds: 64 KiB a message (8 KiB to sign in); 5,000 connections, or half of the files we may open; 4 of one device, then
its oldest ends; 32 of one address and 512 in all that have not signed in, within 10 s; a wrong password is answered
after 3 s and holds its place until then, so 32 in 3 s can be tried from an address. A device that floods is not read
until its share has filled again. Nothing from the wire is logged. Source: OASIS MQTT 3.1.1 (`formats/mqtt.py`); why it
is no server of others: docs/design/mqtt-accounts.md.
"""

import asyncio
import logging
import resource
import socket
import ssl
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from manara.formats import mqtt
from manara.formats.mqtt import MqttError
from manara.network.telemetry.book import Book
from manara.network.telemetry.devices import BAD_DATA, BROKER, TOKEN, TOPIC, token_fits
from manara.network.telemetry.mqtt import MOST_BYTES, Listening, hand_on

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 5000
MOST_OF_ONE = 4
MOST_STRANGERS, MOST_OF_ADDRESS = 512, 32
MOST_SIGN_IN_BYTES = 8192
MOST_PACKET_BYTES = MOST_BYTES + 1024  # with its topic
MOST_UNFINISHED = 100  # messages with QoS 2 of one connection
MOST_CLIENT_ID = 256
SIGN_IN_S = 10.0
WRONG_S = 3.0
ANSWER_S = 10.0
MOST_PAUSE_S = 5.0
RETRY_S = 5.0
_LOST = (OSError, EOFError)  # a TimeoutError is an OSError


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen. `certificate` and `key`: PEM files; None = without TLS."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None


@dataclass(slots=True, eq=False)
class _Connection:
    device_id: str
    token_hash: str
    client_id: str
    keep_alive_s: int
    will: mqtt.Publish | None
    task: asyncio.Task[None]
    unfinished: set[int] = field(default_factory=set)


class OwnBroker:
    """The broker. `want` may be called at any time from the event loop; `run` goes on for ever."""

    def __init__(self, place: Place, book: Book) -> None:
        self._place = place
        self._book = book
        self._wanted: dict[str, Listening] = {}  # by device
        self._by_code: dict[str, Listening] = {}
        self._open: dict[str, list[_Connection]] = {}  # by device, the oldest first
        self._strangers: Counter[str] = Counter()  # by address, while they have not signed in
        self._tasks: set[asyncio.Task[None]] = set()
        self._fault = ""  # why it does not listen
        self._most = MOST_CONNECTIONS
        self.logins_refused = 0
        self.topics_refused = 0
        self.subscriptions_refused = 0
        self.turned_away = 0  # for want of a place

    def want(self, listening: Sequence[Listening]) -> None:
        """Take from exactly these devices from now on; what was open with another token ends."""
        self._wanted = {one.spec.id: one for one in listening}
        self._by_code = {one.spec.code: one for one in listening}
        for device_id, connections in self._open.items():
            one = self._wanted.get(device_id)
            for connection in connections:
                if one is None or one.spec.token_hash != connection.token_hash:
                    connection.task.cancel()
        if self._fault:
            self._say_fault()

    def counters(self) -> dict[str, int]:
        """For the system screen."""
        return {
            "mqtt_connections": sum(len(connections) for connections in self._open.values()),
            "mqtt_logins_refused": self.logins_refused,
            "mqtt_topics_refused": self.topics_refused,
            "mqtt_subscriptions_refused": self.subscriptions_refused,
            "mqtt_turned_away": self.turned_away,
        }

    async def run(self) -> None:
        """Listen, and listen again where that failed."""
        try:
            while True:
                try:
                    with self._listen() as listening:
                        context = self._tls()
                        log.info("our own MQTT broker listens", extra={"port": self._place.port})
                        self._fault = ""
                        for device_id in self._wanted:
                            self._book.connected(device_id)
                        await self._accept(listening, context)
                except OSError as error:
                    where = f"{self._place.host}:{self._place.port}"
                    self._fault = f"our own MQTT broker cannot listen on {where}: {error.strerror or error}"
                    log.warning("our own MQTT broker cannot listen", extra={"where": where, "reason": str(error)})
                    self._say_fault()
                await asyncio.sleep(RETRY_S)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- who comes in

    def _say_fault(self) -> None:
        for device_id in self._wanted:
            self._book.unreadable(device_id, BROKER, self._fault)

    def _listen(self) -> socket.socket:
        place = self._place
        family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
        listening = socket.create_server((place.host, place.port), family=family, backlog=512)
        listening.setblocking(False)
        # a process that may open few files keeps half of them for its other work
        self._most = min(MOST_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
        return listening

    def _tls(self) -> ssl.SSLContext | None:
        if self._place.certificate is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._place.certificate, self._place.key)
        return context

    async def _accept(self, listening: socket.socket, context: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                door, peer = await loop.sock_accept(listening)
            except ConnectionError:
                continue  # it went away while it waited
            except OSError as error:  # no more files may be opened
                log.warning("an MQTT connection cannot be taken", extra={"reason": str(error)})
                await asyncio.sleep(RETRY_S)
                continue
            address = str(peer[0])
            if self._strangers.total() >= MOST_STRANGERS or self._strangers[address] >= MOST_OF_ADDRESS:
                self.turned_away += 1
                door.close()
                continue
            door.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._strangers[address] += 1
            task = asyncio.create_task(self._serve(door, address, context), name="mqtt-device")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, door: socket.socket, address: str, context: ssl.SSLContext | None) -> None:
        """One connection from its first byte to its last."""
        writer: asyncio.StreamWriter | None = None
        connection: _Connection | None = None
        try:
            try:
                async with asyncio.timeout(SIGN_IN_S):
                    reader, writer = await _open(door, context)
                    connection = await self._sign_in(reader, writer, address)
            finally:
                self._strangers[address] -= 1
                self._strangers += Counter()  # forgets those of whom there is none left
            if connection is not None:
                await self._hear(connection, reader, writer)
        except MqttError as error:
            if connection is not None:
                self._book.unreadable(connection.device_id, BAD_DATA, str(error))
        except _LOST:
            pass
        except asyncio.CancelledError:
            if connection is not None:
                connection.will = None  # it is not let in any more, or there is no more time
        except Exception:
            # the bytes are hostile; the other devices must go on
            log.exception("an MQTT connection failed")
        finally:
            if connection is not None:
                self._forget(connection)
                if connection.will is not None:
                    self._take(connection.device_id, connection.will)
            if writer is not None:
                writer.transport.abort()
            else:
                door.close()

    async def _sign_in(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str
    ) -> _Connection | None:
        """The connection of a device whose password fits; None where it was refused, and told so."""
        first, body = await _packet(reader, MOST_SIGN_IN_BYTES)
        if mqtt.kind_of(first) != mqtt.CONNECT:
            raise MqttError("it does not begin with a sign-in")
        told = mqtt.parse_connect(body)
        one = self._by_code.get(told.username)
        code = mqtt.ACCEPTED
        if not told.known:
            code = mqtt.BAD_VERSION
        elif len(told.client_id) > MOST_CLIENT_ID or (not told.client_id and not told.clean):
            code = mqtt.BAD_CLIENT_ID
        elif one is None or not token_fits(told.password, one.spec.token_hash):
            code = mqtt.BAD_PASSWORD
            self.logins_refused += 1
            if one is not None and one.spec.id not in self._open:
                self._book.unreadable(one.spec.id, TOKEN, f"a sign-in from {address} had not its token")
            await asyncio.sleep(WRONG_S)
        elif sum(len(connections) for connections in self._open.values()) >= self._most:
            code = mqtt.UNAVAILABLE
            self.turned_away += 1
        writer.write(mqtt.connack(code, told.level))
        if code == mqtt.ACCEPTED and one is not None:
            return self._let_in(one, told)  # and nothing is waited for between this and its first packet
        writer.close()  # the answer goes out before the connection is cut
        await writer.wait_closed()
        return None

    def _let_in(self, one: Listening, told: mqtt.Connect) -> _Connection:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        connection = _Connection(one.spec.id, one.spec.token_hash, told.client_id, told.keep_alive_s, told.will, task)
        there = self._open.setdefault(one.spec.id, [])
        again = [old for old in there if told.client_id and old.client_id == told.client_id]
        for old in again or there[: max(0, len(there) + 1 - MOST_OF_ONE)]:
            old.task.cancel()
        there.append(connection)
        self._book.connected(one.spec.id)
        return connection

    def _forget(self, connection: _Connection) -> None:
        there = self._open[connection.device_id]
        there.remove(connection)
        if not there:
            del self._open[connection.device_id]

    # ---- what they say

    async def _hear(self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take packets until the device says goodbye."""
        silence_s = connection.keep_alive_s * 1.5 or None
        while True:
            async with asyncio.timeout(silence_s):
                first, body = await _packet(reader, MOST_PACKET_BYTES)
            within_share = self._book.may_speak(connection.device_id)
            # one that floods waits; and between two packets of one, others have their turn
            await asyncio.sleep(0 if within_share else min(MOST_PAUSE_S, self._book.wait_s(connection.device_id)))
            answer = b""
            match mqtt.kind_of(first):
                case mqtt.PUBLISH:
                    message = mqtt.parse_publish(first, body)
                    if within_share and message.packet_id not in connection.unfinished:
                        self._take(connection.device_id, message)
                    if message.qos == 2:
                        connection.unfinished.add(message.packet_id)
                    if len(connection.unfinished) > MOST_UNFINISHED:
                        raise MqttError(f"more than {MOST_UNFINISHED} messages are not finished")
                    answer = mqtt.publish_answer(message.qos, message.packet_id)
                case mqtt.PUBREL:
                    packet_id = mqtt.parse_id(body)
                    connection.unfinished.discard(packet_id)
                    answer = mqtt.pubcomp(packet_id)
                case mqtt.SUBSCRIBE:
                    self.subscriptions_refused += 1
                    answer = mqtt.subscriptions_refused(mqtt.parse_id(body), mqtt.count_filters(body))
                case mqtt.UNSUBSCRIBE:
                    answer = mqtt.unsuback(mqtt.parse_id(body))
                case mqtt.PINGREQ:
                    answer = mqtt.PING_ANSWER
                case mqtt.DISCONNECT:
                    connection.will = None
                    return
                case kind:
                    raise MqttError(f"packet {kind} makes no sense from a device")
            if answer:
                writer.write(answer)
                async with asyncio.timeout(ANSWER_S):
                    await writer.drain()

    def _take(self, device_id: str, message: mqtt.Publish) -> None:
        """Hand a message on, or refuse its topic."""
        one = self._wanted.get(device_id)
        if one is None:
            return
        if not message.topic.startswith(one.prefix + "/"):
            self.topics_refused += 1
            self._book.refused(device_id, TOPIC, f"it published to a topic that is not below {one.prefix}")
        elif one.asks_for(message.topic):
            hand_on(self._book, one, message.topic, message.payload, kept=False)


async def _open(
    door: socket.socket, context: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(loop=loop)
    transport, protocol = await loop.connect_accepted_socket(
        lambda: asyncio.StreamReaderProtocol(reader, loop=loop), door, ssl=context
    )
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


async def _packet(reader: asyncio.StreamReader, most_bytes: int) -> tuple[int, bytes]:
    """The first byte of a packet, and what comes after its length. Raises `MqttError`, `EOFError`."""
    first = (await reader.readexactly(1))[0]
    length = 0
    for place in range(mqtt.LENGTH_BYTES_MOST):
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            break
    else:
        raise MqttError("a length is longer than four bytes")
    if length > most_bytes:
        raise MqttError(f"a packet of {length} bytes; at most {most_bytes}")
    return first, await reader.readexactly(length)


__all__ = ["OwnBroker", "Place"]
