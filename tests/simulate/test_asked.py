"""Played controllers and switches, asked by libraries that are not ours; garbage is left unanswered."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusIOException
from pysnmp.hlapi.v1arch import asyncio as snmp

from manara.simulate.asked import AskedServers
from manara.simulate.estate import Estate
from manara.store.nats_server import free_port
from tests.simulate.estates import estate, let_pass


def _with_servers(scene: Callable[[Estate, int, int], Awaitable[None]]) -> None:
    async def play() -> None:
        played = estate()
        let_pass(played, 10)
        modbus_port, snmp_port = free_port(), free_port()
        servers = AskedServers(played, modbus_port, snmp_port)
        await servers.start()
        try:
            await scene(played, modbus_port, snmp_port)
        finally:
            await servers.close()

    asyncio.run(play())


def test_a_charge_controller_tells_its_registers_and_falls_silent_with_its_site() -> None:
    async def scene(played: Estate, port: int, _: int) -> None:
        device = next(one for one in played.devices.values() if one.row["protocol"] == "modbus")
        values = {quantity: value for _, quantity, value in played.readings(device)}
        client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=0.3, retries=0)
        await client.connect()
        answer = await client.read_input_registers(0x3100, count=27, device_id=1)
        assert answer.registers[0x1A] == round(values["state_of_charge_pct"])
        assert (answer.registers[2] + (answer.registers[3] << 16)) / 100 == values["solar_power_w"]
        assert (await client.read_input_registers(1, count=2, device_id=1)).isError()
        assert (await client.read_holding_registers(0x3100, count=2, device_id=1)).isError()
        device.dead = True
        try:
            silent = await client.read_input_registers(0x3100, count=2, device_id=1)
            assert silent.isError()
        except ModbusIOException:
            pass  # what the library makes of no answer
        client.close()

    _with_servers(scene)


def test_a_switch_tells_its_ports_to_whoever_knows_its_community() -> None:
    async def scene(played: Estate, _: int, port: int) -> None:
        device = next(one for one in played.devices.values() if one.row["protocol"] == "snmp")
        site = played.sites[device.site]
        site.cameras[0].dead = True

        async def walk(community: str) -> dict[str, str]:
            dispatcher = snmp.SnmpDispatcher()
            target = await snmp.UdpTransportTarget.create(("127.0.0.1", port), timeout=0.3, retries=0)
            asked = snmp.ObjectType(snmp.ObjectIdentity("1.3.6.1.2.1.2.2.1.8"))
            error, _, _, rows = await snmp.bulk_cmd(dispatcher, snmp.CommunityData(community), target, 0, 8, asked)
            dispatcher.transport_dispatcher.close_dispatcher()
            return {} if error else {str(oid): str(value) for oid, value in rows}

        told = await walk(site.switch)
        state = {camera.port: told[f"1.3.6.1.2.1.2.2.1.8.{camera.port}"] for camera in site.cameras}
        assert state == {camera.port: "2" if camera.dead else "1" for camera in site.cameras}
        assert await walk("public") == {}
        site.switch_dead = True
        let_pass(played, 1)
        assert await walk(site.switch) == {}

    _with_servers(scene)


def test_garbage_is_left_unanswered_and_harms_nobody() -> None:
    async def scene(played: Estate, modbus_port: int, snmp_port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", modbus_port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await asyncio.wait_for(reader.read(100), 5) == b""
        writer.close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for data in (b"", b"\x30\x82\xff\xff", b"\x00" * 4000, bytes(range(256))):
                sock.sendto(data, ("127.0.0.1", snmp_port))
        client = AsyncModbusTcpClient("127.0.0.1", port=modbus_port, timeout=1, retries=0)
        await client.connect()
        assert not (await client.read_input_registers(0x3100, count=2, device_id=1)).isError()
        client.close()
        assert played.devices

    _with_servers(scene)
