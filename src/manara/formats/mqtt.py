"""MQTT as a server reads it: the packets that a client sends, and the answers.

Pure; the bytes are hostile: everything is bounded by the packet, which the caller bounds, and nothing raises but
`MqttError`. Used by `network/telemetry/own_broker.py`, to which devices publish and subscribe to nothing, so no packet
of delivery is here. Source: OASIS MQTT 3.1.1, by section; 3.1 differs in its name and level only.
"""

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

CONNECT, PUBLISH, PUBREL, SUBSCRIBE, UNSUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 6, 8, 10, 12, 14
ACCEPTED, BAD_VERSION, BAD_CLIENT_ID, UNAVAILABLE, BAD_PASSWORD, NOT_AUTHORISED = range(6)  # of a CONNACK
PING_ANSWER = b"\xd0\x00"
LENGTH_BYTES_MOST = 4
_NAMES = {("MQIsdp", 3), ("MQTT", 4)}
_FLAGS = {PUBREL: 2, SUBSCRIBE: 2, UNSUBSCRIBE: 2}  # 2.2.2: what the low four bits must be, else 0


class MqttError(ValueError):
    """The bytes are not MQTT; the message says what is wrong, without repeating them."""


class Publish(NamedTuple):
    """A message. `packet_id`: 0 with QoS 0."""

    topic: str
    payload: bytes
    qos: int
    packet_id: int
    kept: bool


@dataclass(frozen=True, slots=True)
class Connect:
    """Who signs in. `keep_alive_s`: 0 = none. `known`: whether we speak its version; all else is empty where not."""

    level: int
    known: bool
    clean: bool = True
    keep_alive_s: int = 0
    client_id: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    will: Publish | None = None


class _Reader:
    """Takes a packet's fields in turn."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        part = self._data[self._at : self._at + count]
        if len(part) != count:
            raise MqttError("a packet ends before its fields do")
        self._at += count
        return part

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        return int.from_bytes(self.take(2))

    def sized(self) -> bytes:
        return self.take(self.number())

    def text(self) -> str:
        try:
            found = self.sized().decode()
        except UnicodeDecodeError as error:
            raise MqttError("a text is not UTF-8") from error
        if "\0" in found:
            raise MqttError("a text holds a NUL")
        return found

    def rest(self) -> bytes:
        part, self._at = self._data[self._at :], len(self._data)
        return part

    def end(self) -> None:
        if self._at != len(self._data):
            raise MqttError("a packet is longer than its fields")


def kind_of(first: int) -> int:
    """Which packet begins with this byte. Raises `MqttError` where its flags are not as they must be."""
    kind, flags = first >> 4, first & 15
    if kind != PUBLISH and flags != _FLAGS.get(kind, 0):
        raise MqttError(f"packet {kind} has flags {flags}")
    return kind


def parse_connect(body: bytes) -> Connect:
    """Section 3.1."""
    reader = _Reader(body)
    name, level = reader.text(), reader.byte()
    if (name, level) not in _NAMES:
        return Connect(level, known=False)
    flags, keep_alive_s, client_id = reader.byte(), reader.number(), reader.text()
    will_qos = flags >> 3 & 3
    if flags & 1 or will_qos == 3 or (not flags & 4 and flags & 0x38) or (flags & 0x40 and not flags & 0x80):
        raise MqttError("the flags of a sign-in contradict each other")
    will = None
    if flags & 4:
        topic, payload = _topic(reader), reader.sized()
        will = Publish(topic, payload, will_qos, 0, bool(flags & 0x20))
    username = reader.text() if flags & 0x80 else ""
    password = reader.sized().decode(errors="replace") if flags & 0x40 else ""
    reader.end()
    return Connect(level, True, bool(flags & 2), keep_alive_s, client_id, username, password, will)


def parse_publish(first: int, body: bytes) -> Publish:
    """Section 3.3."""
    reader = _Reader(body)
    qos = first >> 1 & 3
    if qos == 3:
        raise MqttError("there is no QoS 3")
    topic = _topic(reader)
    return Publish(topic, b"", qos, parse_id(reader.take(2)) if qos else 0, bool(first & 1))._replace(
        payload=reader.rest()
    )


def parse_id(body: bytes) -> int:
    """The packet identifier with which a body begins. Raises `MqttError` for 0 (2.3.1)."""
    found = _Reader(body).number()
    if not found:
        raise MqttError("a packet has the identifier 0")
    return found


def count_filters(body: bytes) -> int:
    """How many topics a SUBSCRIBE asks for (3.8.3)."""
    reader, count = _Reader(body[2:]), 0
    left = len(body) - 2
    while left > 0:
        left -= len(reader.sized()) + 3
        reader.byte()
        count += 1
    if not count:
        raise MqttError("a subscription to nothing")
    return count


def connack(code: int, level: int = 4) -> bytes:
    """The answer to a CONNECT; a client of MQTT 5 is told in its own words that we do not speak it."""
    if code == BAD_VERSION and level >= 5:
        return b"\x20\x03\x00\x84\x00"
    return bytes((0x20, 2, 0, code))


def publish_answer(qos: int, packet_id: int) -> bytes:
    """PUBACK for QoS 1, PUBREC for QoS 2, nothing for QoS 0."""
    return b"" if not qos else struct.pack(">BBH", 0x40 if qos == 1 else 0x50, 2, packet_id)


def pubcomp(packet_id: int) -> bytes:
    """The end of a message with QoS 2."""
    return struct.pack(">BBH", 0x70, 2, packet_id)


def subscriptions_refused(packet_id: int, count: int) -> bytes:
    """A SUBACK that grants none of them."""
    body = struct.pack(">H", packet_id) + b"\x80" * count
    return b"\x90" + length_of(len(body)) + body


def unsuback(packet_id: int) -> bytes:
    """There was nothing to end."""
    return struct.pack(">BBH", 0xB0, 2, packet_id)


def length_of(count: int) -> bytes:
    """A remaining length (2.2.3)."""
    found = bytearray()
    while True:
        count, low = count >> 7, count & 0x7F
        found.append(low | (0x80 if count else 0))
        if not count:
            return bytes(found)


def _topic(reader: _Reader) -> str:
    topic = reader.text()
    if not topic or "#" in topic or "+" in topic:
        raise MqttError("a topic is empty or has wildcards")
    return topic
