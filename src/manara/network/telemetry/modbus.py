"""Reading Modbus TCP servers: charge controllers and their gateways.

Registers that lie together are asked together. Several units behind one gateway share its connection and are asked one
after the other, since most gateways speak to one at a time. Bounds: time-out of the mapping file, `most_registers` a
request, 64 requests a poll. Source: MODBUS Application Protocol V1.1b3; the library pymodbus.
"""

import asyncio
import logging
import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException, ModbusIOException

from manara.network.telemetry.devices import BAD_DATA, TIMEOUT, UNREACHABLE, DeviceFault, DeviceSpec
from manara.network.telemetry.found import Found, host_port
from manara.network.telemetry.profiles import ModbusProfile, ModbusReading

MOST_REQUESTS = 64
_EXCEPTIONS = {
    1: "it does not know this function",
    2: "it has no such register",
    3: "it does not take the request",
    4: "it has a fault",
    6: "it is busy",
    10: "the gateway has no path to the unit",
    11: "the unit behind the gateway does not answer",
}

logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # what it has to say is in the device's state


class Gateway:
    """One TCP connection to a server, for all devices behind it."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._client: AsyncModbusTcpClient | None = None
        self._lock = asyncio.Lock()
        self.users = 0

    async def ask(self, timeout_s: float, call: Callable[[AsyncModbusTcpClient], Awaitable[Any]]) -> Any:
        """One request on the connection, which is made where it is not there. Raises `DeviceFault`."""
        async with self._lock:
            if self._client is None:
                self._client = AsyncModbusTcpClient(
                    self._host, port=self._port, timeout=timeout_s, retries=0, reconnect_delay=0
                )
            client = self._client
            try:
                async with asyncio.timeout(timeout_s * 2 + 1):
                    if not client.connected and not await client.connect():
                        raise DeviceFault(UNREACHABLE, f"{self._host}:{self._port} takes no Modbus connection")
                    return await call(client)
            except ConnectionException as error:
                self._drop()
                raise DeviceFault(UNREACHABLE, f"{self._host}:{self._port}: the connection was lost") from error
            except (ModbusIOException, TimeoutError) as error:
                # what comes late must not be taken for the answer to the next question
                self._drop()
                raise DeviceFault(TIMEOUT, f"{self._host}:{self._port} does not answer Modbus") from error
            except ModbusException as error:
                self._drop()
                raise DeviceFault(BAD_DATA, f"{self._host}:{self._port}: {str(error)[:120]}") from error
            except OSError as error:
                self._drop()
                raise DeviceFault(UNREACHABLE, f"{self._host}:{self._port}: {error.strerror}") from error

    def close(self) -> None:
        """Close the connection."""
        self._drop()

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


class ModbusShared:
    """The gateways."""

    def __init__(self) -> None:
        self._gateways: dict[tuple[str, int], Gateway] = {}

    def use(self, host: str, port: int) -> Gateway:
        """The gateway at an address; give it back with `leave`."""
        gateway = self._gateways.setdefault((host, port), Gateway(host, port))
        gateway.users += 1
        return gateway

    def leave(self, host: str, port: int) -> None:
        """A device no longer needs it."""
        gateway = self._gateways.get((host, port))
        if gateway is not None:
            gateway.users -= 1
            if gateway.users <= 0:
                gateway.close()
                del self._gateways[(host, port)]

    def close(self) -> None:
        """Close all connections."""
        for gateway in self._gateways.values():
            gateway.close()
        self._gateways.clear()


@dataclass(frozen=True, slots=True)
class Block:
    """Registers (or bits) of one table that are asked together."""

    table: str
    first: int
    count: int
    entries: tuple[ModbusReading, ...]


def blocks_of(readings: Sequence[ModbusReading], gap: int, most: int) -> list[Block]:
    """What to ask: neighbours together, at most `most` at once, at most `gap` unused ones in between."""
    blocks: list[Block] = []
    for entry in sorted(readings, key=lambda entry: (entry.table, entry.register_)):
        end = entry.register_ + entry.count
        last = blocks[-1] if blocks else None
        if (
            last is not None
            and last.table == entry.table
            and entry.register_ <= last.first + last.count + gap
            and end - last.first <= most
        ):
            blocks[-1] = Block(last.table, last.first, max(last.count, end - last.first), (*last.entries, entry))
        else:
            blocks.append(Block(entry.table, entry.register_, entry.count, (entry,)))
    return blocks


def decode(entry: ModbusReading, words: Sequence[int], word_order: str) -> object:
    """The raw value of registers (16 bits each)."""
    if entry.type == "bit":
        return (words[0] >> entry.bit) & 1
    if entry.count == 1:
        return struct.unpack(">h" if entry.type == "s16" else ">H", struct.pack(">H", words[0]))[0]
    high, low = (words[0], words[1]) if word_order == "high_first" else (words[1], words[0])
    kind = {"u32": ">I", "s32": ">i", "f32": ">f"}[entry.type]
    return struct.unpack(kind, struct.pack(">HH", high, low))[0]


class ModbusPoller:
    """One unit."""

    def __init__(self, spec: DeviceSpec, profile: ModbusProfile, shared: ModbusShared) -> None:
        self._host, self._port, unit = host_port(spec.address, 502)
        self._unit = profile.modbus.unit if unit is None else unit
        self._profile = profile
        self._shared = shared
        self._blocks = blocks_of(profile.reading, profile.modbus.gap, profile.modbus.most_registers)
        self._gateway = shared.use(self._host, self._port)
        self._closed = False

    async def poll(self) -> list[Found]:
        """All blocks. Raises `DeviceFault`."""
        if len(self._blocks) > MOST_REQUESTS:
            raise DeviceFault(BAD_DATA, f"{len(self._blocks)} requests would be needed; at most {MOST_REQUESTS}")
        found: list[Found] = []
        for block in self._blocks:
            found += await self._block(block)
        return found

    async def close(self) -> None:
        """Let go of the gateway."""
        if not self._closed:
            self._closed = True
            self._shared.leave(self._host, self._port)

    async def _block(self, block: Block) -> list[Found]:
        async def ask(client: AsyncModbusTcpClient) -> Any:
            call = {
                "input": client.read_input_registers,
                "holding": client.read_holding_registers,
                "coil": client.read_coils,
                "discrete": client.read_discrete_inputs,
            }[block.table]
            return await call(block.first, count=block.count, device_id=self._unit)

        answer = await self._gateway.ask(self._profile.modbus.timeout_s, ask)
        where = f"{block.table} {block.first}, unit {self._unit}"
        if answer.isError():
            code = int(getattr(answer, "exception_code", 0))
            raise DeviceFault(BAD_DATA, f"{where}: {_EXCEPTIONS.get(code, f'exception {code}')}")
        bits = block.table in ("coil", "discrete")
        words = [int(word) for word in (answer.bits if bits else answer.registers)]
        if len(words) < block.count:
            raise DeviceFault(BAD_DATA, f"{where}: {len(words)} values instead of {block.count}")
        found = []
        for entry in block.entries:
            at = entry.register_ - block.first
            raw = words[at] if bits else decode(entry, words[at : at + entry.count], self._profile.modbus.word_order)
            found.append(Found(entry, "", raw))
        return found
