"""What arrives as bytes from a device, judged before anything believes it: JSON by path, and named readings.

Pure; the bytes are hostile: length, depth and number are bounded, nothing raises but `BadPayload`. Used by the MQTT
reader and by the HTTP push.
"""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from manara.base.clock import to_us
from manara.network.telemetry.convert import MOST_TEXT
from manara.network.telemetry.devices import DeviceSpec

PUSH_SUBJECT = "manara.telemetry.push"
MOST_BYTES = 262_144
MOST_READINGS = 1000
_MOST_US = 4_102_444_800_000_000  # the year 2100; later is no time of a reading


class BadPayload(ValueError):
    """The bytes are not what was agreed; the message says what is wrong, without repeating them."""


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A reading as a device names it: `subject`, or `part` of its own `subjects`."""

    quantity: str
    value: float
    subject: str = ""
    part: str = ""
    at_us: int = 0  # 0 = now


class _Body(msgspec.Struct, frozen=True):
    readings: list[msgspec.Raw]


_any = msgspec.json.Decoder()
_body = msgspec.json.Decoder(_Body)
_named = msgspec.json.Decoder(Named)


def parse_json(data: bytes, *, most_bytes: int = MOST_BYTES) -> Any:
    """Any JSON; a bare word that is no JSON (`ON`, `open`) is text. Raises `BadPayload`."""
    if len(data) > most_bytes:
        raise BadPayload(f"longer than {most_bytes} bytes")
    try:
        return _any.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        text = data.strip()
        if 0 < len(text) <= MOST_TEXT and text.isalnum():
            return text.decode("ascii")
        raise BadPayload("is not JSON") from error


def at_path(value: Any, steps: tuple[str | int, ...]) -> Any:
    """The value at a path, None where there is none."""
    for step in steps:
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                return None
            value = value[step]
        else:
            if not isinstance(value, dict):
                return None
            value = value.get(step)
    return value


def parse_named(data: bytes, *, most_bytes: int = MOST_BYTES) -> list[Named | str]:
    """The readings of `{"readings": [...]}` in their order; what is wrong with one stands in its place as text.

    Raises `BadPayload` where the whole is not of that form, too long, or holds more than `MOST_READINGS`.
    """
    if len(data) > most_bytes:
        raise BadPayload(f"longer than {most_bytes} bytes")
    try:
        body = _body.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadPayload(f'is not {{"readings": [...]}}: {str(error)[:120]}') from error
    if len(body.readings) > MOST_READINGS:
        raise BadPayload(f"{len(body.readings)} readings; at most {MOST_READINGS} at once")
    return [_one(raw) for raw in body.readings]


def _one(raw: msgspec.Raw) -> Named | str:
    try:
        named = _named.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return str(error)[:120]
    if len(named.subject) > 240 or len(named.part) > 80 or len(named.quantity) > 80:
        return "a name is too long"
    if not 0 <= named.at_us <= _MOST_US:
        return "at_us is no time in µs since 1970"
    return named


def parse_time(raw: object, unit: str) -> int | None:
    """A device's time in µs since 1970; None where there is none. Raises `BadPayload` where it is no time."""
    if raw is None:
        return None
    if unit == "iso":
        if not isinstance(raw, str) or len(raw) > 40:
            raise BadPayload("the time is no ISO 8601 text")
        try:
            at = datetime.fromisoformat(raw)
        except ValueError as error:
            raise BadPayload("the time is no ISO 8601 text") from error
        try:
            return to_us(at if at.tzinfo is not None else at.replace(tzinfo=UTC))
        except OverflowError as error:
            raise BadPayload("the time is out of all range") from error
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise BadPayload("the time is no number")
    factor = {"s": 1_000_000, "ms": 1_000, "us": 1}[unit]
    if not math.isfinite(raw) or not 0 <= raw * factor <= _MOST_US:
        raise BadPayload("the time is out of all range")
    return int(raw * factor)


def subjects_of(spec: DeviceSpec) -> Callable[[str], str]:
    """A function from a part to its subject, "" where this device has no such part."""
    own = {"site": f"site:{spec.site_id}", "cabinet": f"cabinet:{spec.site_id}", "device": f"device:{spec.id}"}
    noun, _, switch_id = spec.subjects.get("switch", "").partition(":")

    def subject(part: str) -> str:
        found = spec.subjects.get(part) or own.get(part)
        if found:
            return found
        name, slash, number = part.partition("/")
        if name == "port" and slash and noun == "switch":
            return f"port:{switch_id}/{number}"
        return ""

    return subject


def may_speak_for(spec: DeviceSpec) -> Callable[[str], bool]:
    """A function that says whether a device may tell readings of a subject: its own, and its switch's ports."""
    own = {f"site:{spec.site_id}", f"cabinet:{spec.site_id}", f"device:{spec.id}", *spec.subjects.values()}
    ports = tuple(f"port:{subject.partition(':')[2]}/" for subject in own if subject.startswith("switch:"))

    def may(subject: str) -> bool:
        return subject in own or (bool(ports) and subject.startswith(ports))

    return may
