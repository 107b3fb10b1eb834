"""What a reader found in a device, before it is a reading: raw values, addresses, rates of what counts up.

Pure but for the memory of the last count. Used by `snmp`, `modbus`, `echo`, `mqtt` (who find) and `gather` (who makes
readings of it).
"""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from manara.messages import Reading
from manara.network.telemetry.convert import ReadingMap, convert
from manara.network.telemetry.devices import ADDRESS, DeviceFault, DeviceSpec

_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.%]{2,60}\]|[A-Za-z0-9_][A-Za-z0-9_.\-]{0,252})(?::(\d{1,5}))?(?:/(\d{1,3}))?")
_WRAPS = 2.0**32
MOST_RATES = 4096  # of one device


class Found(NamedTuple):
    """A raw value of an entry of the mapping. `row`: of a table's row, "" otherwise. `at_us`: None = now."""

    entry: ReadingMap
    row: str
    raw: object
    at_us: int | None = None


class Poller(Protocol):
    """Reads one device when asked."""

    async def poll(self) -> list[Found]:
        """Everything the mapping names. Raises `DeviceFault`."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


def host_port(address: str, default_port: int) -> tuple[str, int, int | None]:
    """`host[:port][/number]` taken apart. Raises `DeviceFault` where it is not that."""
    match = _HOST_PORT.fullmatch(address)
    port = int(match[2]) if match and match[2] else default_port
    if match is None or not 0 < port < 65_536:
        raise DeviceFault(ADDRESS, f"the address {address[:80]!r} is not host or host:port")
    return match[1].strip("[]"), port, int(match[3]) if match[3] else None


class Rates:
    """How quickly what counts up does so, of one device."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], tuple[float, float]] = {}

    def rise_per_s(self, part: str, quantity: str, count: float, at_s: float) -> float | None:
        """Rise a second since the last call; None the first time, or when the counter began again."""
        key = (part, quantity)
        last = self._last.get(key)
        if last is None and len(self._last) >= MOST_RATES:
            return None
        self._last[key] = (count, at_s)
        if last is None or at_s <= last[1]:
            return None
        rise = count - last[0]
        if rise < 0 and _WRAPS / 2 < last[0] < _WRAPS and count < _WRAPS / 2:
            rise += _WRAPS  # a 32-bit counter went round; anything else that falls was reset
        return None if rise < 0 else rise / (at_s - last[1])


def readings_of(
    spec: DeviceSpec, subject_of: Callable[[str], str], rates: Rates, found: Iterable[Found], now_us: int, now_s: float
) -> list[Reading]:
    """Raw values as readings. One that is no value at all becomes NaN, so that its refusal is shown at its place."""
    readings = []
    for entry, row, raw, at_us in found:
        part = f"{entry.part}/{row}" if row else entry.part
        subject = subject_of(part)
        if not subject:
            continue  # the device has no such part
        try:
            value = _value(entry, part, raw, rates, now_s)
        except ValueError:
            value = float("nan")
        if value is not None:
            readings.append(
                Reading(
                    site_id=spec.site_id,
                    subject=subject,
                    quantity=entry.quantity,
                    value=value,
                    at_us=now_us if at_us is None else at_us,
                    device_id=spec.id,
                )
            )
    return readings


def _value(entry: ReadingMap, part: str, raw: object, rates: Rates, now_s: float) -> float | None:
    value = convert(entry, raw)
    if value is None or not entry.rate:
        return value
    rise = rates.rise_per_s(part, entry.quantity, (value - entry.offset) / entry.scale, now_s)
    return None if rise is None else rise * entry.scale + entry.offset
