"""Played devices that are asked: charge controllers over Modbus TCP, switches over SNMP v2c. Loopback only.

One Modbus server stands for a gateway with a controller behind each unit, laid out as an EPEVER Tracer's input
registers; one SNMP agent stands for all switches, told apart by community (the switch's code), with sysUpTime and the
columns of IF-MIB that `if-mib-switch` reads. A device that cannot be heard (no power, no way, broken) does not answer.
Called by `played.py`. Bounds: 125 registers a request, 64 rows an answer. Sources: MODBUS Application Protocol V1.1b3;
EPEVER B-Series protocol V2.5; RFC 3416, RFC 2863.
"""

import asyncio
import bisect
import logging
import struct
from collections.abc import Callable
from typing import cast

from pyasn1.codec.ber import decoder, encoder  # type: ignore[import-untyped]
from pyasn1.error import PyAsn1Error  # type: ignore[import-untyped]
from pysnmp.proto import api

from manara.simulate.estate import DeviceState, Estate

log = logging.getLogger(__name__)
HOST = "127.0.0.1"
MAX_REGISTERS = 125
MAX_ROWS = 64
_SNMP_MOST_BYTES = 4096
_V2C = api.PROTOCOL_MODULES[api.SNMP_VERSION_2C]
_IF = (1, 3, 6, 1, 2, 1, 2, 2, 1)
_IF_X = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
_UPTIME = (1, 3, 6, 1, 2, 1, 1, 3, 0)
_NAME = (1, 3, 6, 1, 2, 1, 1, 5, 0)
Oid = tuple[int, ...]


class Asked:
    """What the servers need to know of the devices."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self.units = {
            index: device
            for index, device in enumerate(
                (one for one in estate.devices.values() if one.row["protocol"] == "modbus"), start=1
            )
        }
        self.switches = {
            estate.sites[device.site].switch: device
            for device in estate.devices.values()
            if device.row["protocol"] == "snmp"
        }

    def heard(self, device: DeviceState | None) -> bool:
        """Whether it answers."""
        return device is not None and self.estate.speaks(device)

    def registers(self, device: DeviceState) -> dict[int, int]:
        """The input registers of a charge controller."""
        values = {quantity: value for _, quantity, value in self.estate.readings(device)}
        made: dict[int, int] = {}

        def put(register: int, quantity: str, scale: float, words: int = 1) -> None:
            raw = round(values.get(quantity, 0.0) / scale) & (0xFFFF if words == 1 else 0xFFFFFFFF)
            made[register] = raw & 0xFFFF
            if words == 2:
                made[register + 1] = raw >> 16

        put(0x3100, "solar_voltage_v", 0.01)
        put(0x3102, "solar_power_w", 0.01, 2)
        put(0x3104, "battery_voltage_v", 0.01)
        put(0x310E, "load_power_w", 0.01, 2)
        put(0x3110, "battery_temperature_c", 0.01)
        put(0x311A, "state_of_charge_pct", 1.0)
        put(0x331A, "battery_voltage_v", 0.01)
        put(0x331B, "battery_current_a", 0.01, 2)
        return made

    def rows(self, device: DeviceState) -> dict[Oid, object]:
        """The objects of a switch's agent."""
        estate = self.estate
        site = estate.sites[device.site]
        up_s = 400_000 + estate.passed_s - site.switch_since_s
        found: dict[Oid, object] = {
            _UPTIME: _V2C.TimeTicks(int(up_s * 100) & 0xFFFFFFFF),
            _NAME: _V2C.OctetString(site.switch.encode()),
        }
        for camera in site.cameras:
            octets = int(estate.passed_s * 200_000) if not camera.dead else 0
            found[(*_IF, 3, camera.port)] = _V2C.Integer(6)
            found[(*_IF, 8, camera.port)] = _V2C.Integer(2 if camera.dead else 1)
            found[(*_IF, 14, camera.port)] = _V2C.Counter32(0)
            found[(*_IF_X, 6, camera.port)] = _V2C.Counter64(octets)
            found[(*_IF_X, 10, camera.port)] = _V2C.Counter64(octets // 60)
        return found


class ModbusServer(asyncio.Protocol):
    """One connection to the gateway."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  (TCP always is)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= 8:
            number, protocol, length, unit = struct.unpack_from(">HHHB", self._buffer)
            if protocol or not 2 <= length <= 256:
                if self._transport is not None:
                    self._transport.abort()
                return
            if len(self._buffer) < 6 + length:
                return
            request = bytes(self._buffer[7 : 6 + length])
            del self._buffer[: 6 + length]
            device = self._asked.units.get(unit)
            if device is None or not self._asked.heard(device) or self._transport is None:
                continue
            answer = self._answer(device, request)
            self._transport.write(struct.pack(">HHHB", number, 0, len(answer) + 1, unit) + answer)

    def _answer(self, device: DeviceState, request: bytes) -> bytes:
        function = request[0]
        if function != 4 or len(request) != 5:
            return bytes((function | 0x80, 1))
        first, count = struct.unpack_from(">HH", request, 1)
        known = self._asked.registers(device)
        if not 1 <= count <= MAX_REGISTERS or not any(at in known for at in range(first, first + count)):
            return bytes((function | 0x80, 2))
        words = [known.get(at, 0) for at in range(first, first + count)]
        return bytes((function, 2 * count)) + struct.pack(f">{count}H", *words)


class SnmpAgent(asyncio.DatagramProtocol):
    """All switches' agent. Answers GET, GETNEXT and GETBULK; what it cannot read it leaves unanswered."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._transport: asyncio.DatagramTransport | None = None
        self.unreadable = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # what asyncio gives is no subclass of it

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) > _SNMP_MOST_BYTES or self._transport is None:
            return
        try:
            answer = self._answer(data)
        except (PyAsn1Error, ValueError, TypeError):
            self.unreadable += 1
            return
        if answer is not None:
            self._transport.sendto(answer, addr)

    def _answer(self, data: bytes) -> bytes | None:
        message, _ = decoder.decode(data, asn1Spec=_V2C.Message())
        community = bytes(_V2C.apiMessage.get_community(message)).decode("utf-8", "replace")
        device = self._asked.switches.get(community)
        if device is None or not self._asked.heard(device):
            return None
        answer = _V2C.apiMessage.get_response(message)
        pdu, back = _V2C.apiMessage.get_pdu(message), _V2C.apiMessage.get_pdu(answer)
        rows = self._asked.rows(device)
        ordered = sorted(rows)
        wanted = [tuple(oid) for oid, _ in _V2C.apiPDU.get_varbinds(pdu)]
        if pdu.isSameTypeWith(_V2C.GetRequestPDU()):
            binds = [(oid, rows.get(oid, _V2C.NoSuchInstance())) for oid in wanted]
        elif pdu.isSameTypeWith(_V2C.GetNextRequestPDU()):
            binds = [_after(rows, ordered, oid) for oid in wanted]
        elif pdu.isSameTypeWith(_V2C.GetBulkRequestPDU()):
            single = max(0, int(_V2C.apiBulkPDU.get_non_repeaters(pdu)))
            times = min(MAX_ROWS, max(0, int(_V2C.apiBulkPDU.get_max_repetitions(pdu))))
            binds = [_after(rows, ordered, oid) for oid in wanted[:single]]
            repeated = wanted[single:]
            for _ in range(times if repeated else 0):
                some = [_after(rows, ordered, oid) for oid in repeated]
                binds += some
                repeated = [oid for oid, _ in some]
                if all(isinstance(value, _V2C.EndOfMibView) for _, value in some):
                    break
            binds = binds[: MAX_ROWS * 4]
        else:
            return None
        _V2C.apiPDU.set_varbinds(back, [(_V2C.ObjectIdentifier(oid), value) for oid, value in binds])
        encoded: bytes = encoder.encode(answer)
        return encoded


def _after(rows: dict[Oid, object], ordered: list[Oid], oid: Oid) -> tuple[Oid, object]:
    """The first object behind an OID."""
    at = bisect.bisect_right(ordered, oid)
    return (ordered[at], rows[ordered[at]]) if at < len(ordered) else (oid, _V2C.EndOfMibView())


class AskedServers:
    """Both servers. One whose port is taken is left out, and said."""

    def __init__(self, estate: Estate, modbus_port: int, snmp_port: int) -> None:
        self._asked = Asked(estate)
        self._ports = (modbus_port, snmp_port)
        self._modbus: asyncio.Server | None = None
        self._snmp: asyncio.DatagramTransport | None = None

    async def start(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        modbus_port, snmp_port = self._ports
        if self._asked.units and modbus_port:
            try:
                self._modbus = await loop.create_server(lambda: ModbusServer(self._asked), HOST, modbus_port)
            except OSError as error:
                _left_out("modbus", modbus_port, error)
        if self._asked.switches and snmp_port:
            make: Callable[[], SnmpAgent] = lambda: SnmpAgent(self._asked)  # noqa: E731  (names its type)
            try:
                self._snmp, _ = await loop.create_datagram_endpoint(make, local_addr=(HOST, snmp_port))
            except OSError as error:
                _left_out("snmp", snmp_port, error)

    async def close(self) -> None:
        """Stop listening."""
        if self._modbus is not None:
            self._modbus.close()
        if self._snmp is not None:
            self._snmp.close()


def _left_out(protocol: str, port: int, error: OSError) -> None:
    log.warning("played devices do not answer", extra={"protocol": protocol, "port": port, "reason": str(error)})
