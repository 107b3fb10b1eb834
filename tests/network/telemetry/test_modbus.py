"""Modbus TCP against a server of pymodbus: the shipped mappings, shared gateways, and what goes wrong."""

import asyncio
import struct

import pytest

from manara.network.telemetry.devices import DeviceFault
from manara.network.telemetry.modbus import Block, ModbusPoller, ModbusShared, blocks_of, decode
from manara.network.telemetry.profiles import ModbusProfile, parse_profile, shipped
from manara.store.nats_server import free_port
from tests.network.telemetry.peers import device, gathering, modbus_server, until


def tracer() -> dict[int, list[int]]:
    """An EPEVER Tracer at noon: 18.2 V and 64.25 W from the panels, 13.41 V, −0.55 A, 87 %, 31.2 °C, 12.3 W."""
    live = [0] * 0x20
    live[0x00] = 1820
    live[0x02], live[0x03] = 6425, 0
    live[0x0E], live[0x0F] = 1230, 0
    live[0x10] = 3120
    live[0x1A] = 87
    current = struct.unpack(">HH", struct.pack(">i", -55))
    return {0x3100: live, 0x331A: [1341, current[1], current[0]]}


def profile(name: str) -> ModbusProfile:
    found = shipped()[name]
    assert isinstance(found, ModbusProfile)
    return found


def test_a_solar_charge_controller() -> None:
    async def play() -> None:
        async with (
            modbus_server(tracer()) as port,
            gathering(device("modbus", f"127.0.0.1:{port}", "epever-tracer")) as made,
        ):
            await until(lambda: made.known() and made.state().state == "ok")
            expected = {
                ("power_source:p1", "solar_voltage_v"): 18.2,
                ("power_source:p1", "solar_power_w"): 64.25,
                ("power_source:b1", "battery_voltage_v"): 13.41,
                ("power_source:b1", "battery_current_a"): -0.55,
                ("power_source:b1", "state_of_charge_pct"): 87.0,
                ("power_source:b1", "battery_temperature_c"): 31.2,
                ("site:s1", "load_power_w"): 12.3,
            }
            for (subject, quantity), value in expected.items():
                assert made.value(subject, quantity) == pytest.approx(value), quantity
            assert made.state().refused == 0

    asyncio.run(play())


def test_units_behind_one_gateway_share_its_connection() -> None:
    async def play() -> None:
        async with modbus_server({840: [253, 65486, 0, 64] + [0] * 6 + [150]}, unit=100) as port:
            shared = ModbusShared()
            pollers = [
                ModbusPoller(device("modbus", f"127.0.0.1:{port}/{unit}"), profile("victron-gx"), shared)
                for unit in (100, 100)
            ]
            # of the six only those that the server holds; the rest is an exception of the device
            with pytest.raises(DeviceFault) as fault:
                await asyncio.gather(*(poller.poll() for poller in pollers))
            assert fault.value.why == "bad_data"
            assert "817" in fault.value.detail
            for poller in pollers:
                await poller.close()
                await poller.close()  # twice does no harm
            shared.close()

    asyncio.run(play())


def test_a_server_that_is_not_there_and_one_that_says_nothing() -> None:
    async def play() -> None:
        shared = ModbusShared()
        quick = parse_profile(
            'title = "t"\nprotocol = "modbus"\n[modbus]\ntimeout_s = 0.2\n'
            '[[reading]]\npart = "battery"\nquantity = "state_of_charge_pct"\nregister = 1\n',
            "own.toml",
        )
        assert isinstance(quick, ModbusProfile)
        with pytest.raises(DeviceFault) as fault:
            await ModbusPoller(device("modbus", f"127.0.0.1:{free_port()}"), quick, shared).poll()
        assert fault.value.why == "unreachable"

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(DeviceFault) as fault:
            await ModbusPoller(device("modbus", f"127.0.0.1:{port}"), quick, shared).poll()
        assert fault.value.why == "timeout"
        shared.close()
        server.close()

        async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.read(256):
                writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20)
            writer.close()

        server = await asyncio.start_server(garbage, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(DeviceFault) as fault:
            await ModbusPoller(device("modbus", f"127.0.0.1:{port}"), quick, shared).poll()
        assert fault.value.why in ("timeout", "bad_data", "unreachable")
        shared.close()
        server.close()

    asyncio.run(play())


def test_neighbours_are_asked_together_and_gaps_only_where_allowed() -> None:
    entries = profile("epever-tracer").reading
    blocks = blocks_of(entries, gap=0, most=32)
    assert [(hex(block.first), block.count) for block in blocks] == [
        ("0x3100", 1),
        ("0x3102", 2),
        ("0x310e", 3),
        ("0x311a", 1),
        ("0x331a", 3),
    ]
    assert [(hex(block.first), block.count) for block in blocks_of(entries, gap=12, most=64)] == [
        ("0x3100", 27),
        ("0x331a", 3),
    ]
    assert all(block.count <= 8 for block in blocks_of(entries, gap=32, most=8))
    assert blocks_of([], 0, 10) == []
    assert isinstance(blocks[0], Block)


def test_registers_become_numbers() -> None:
    def entry(kind: str, bit: int = 0) -> object:
        text = (
            'title = "t"\nprotocol = "modbus"\n[[reading]]\npart = "battery"\nquantity = "state_of_charge_pct"\n'
            f'register = 1\ntype = "{kind}"\nbit = {bit}\n'
        )
        found = parse_profile(text, "own.toml")
        assert isinstance(found, ModbusProfile)
        return found.reading[0]

    words = list(struct.unpack(">HH", struct.pack(">f", 12.5)))
    assert decode(entry("f32"), words, "high_first") == 12.5  # type: ignore[arg-type]
    assert decode(entry("f32"), words[::-1], "low_first") == 12.5  # type: ignore[arg-type]
    assert decode(entry("s16"), [0xFFFE], "high_first") == -2  # type: ignore[arg-type]
    assert decode(entry("u16"), [0xFFFE], "high_first") == 65534  # type: ignore[arg-type]
    assert decode(entry("bit", 3), [0b1000], "high_first") == 1  # type: ignore[arg-type]
    assert decode(entry("u32"), [1, 2], "high_first") == 65538  # type: ignore[arg-type]
    assert decode(entry("s32"), [0xFFFF, 0xFFFF], "high_first") == -1  # type: ignore[arg-type]
