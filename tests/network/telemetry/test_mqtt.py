"""MQTT against Mosquitto: values by path, named readings, kept messages, credentials, floods."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from manara.network.telemetry.devices import Credentials, DeviceFault
from manara.network.telemetry.mqtt import Broker, broker_of
from tests.network.telemetry.peers import Mosquitto, device, gathering, mosquitto, until
from tests.support.patience import LONG_S

__all__ = ["mosquitto"]  # a fixture

POWER: dict[str, Any] = {
    "grid": {"present": True, "voltage_v": 229.5},
    "solar": {"power_w": 120.0, "voltage_v": 36.0},
    "battery": {
        "present": True,
        "voltage_v": 25.6,
        "current_a": 3.0,
        "state_of_charge_pct": 88,
        "temperature_c": 31,
    },
    "load_power_w": 42.0,
}


async def say(port: int, topic: str, payload: Any, **options: Any) -> None:
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.publish(topic, payload if isinstance(payload, bytes | str) else json.dumps(payload), **options)


def test_values_by_path(mosquitto: Mosquitto) -> None:
    async def play() -> None:
        controller = device("mqtt", f"mqtt://127.0.0.1:{mosquitto.port}/site/DQ-001", "mqtt-json")
        async with gathering(controller) as made:
            await until(lambda: made.known() and "dev" in {state.device_id for state in made.gatherer.states()})
            assert made.state().state == "waiting"
            while made.value("power_source:b1", "state_of_charge_pct") is None:  # until the subscription is there
                await say(mosquitto.port, "site/DQ-001/power", POWER)
                await asyncio.sleep(0.05)
            assert made.value("power_source:g1", "grid_present") == 1.0
            assert made.value("power_source:b1", "battery_current_a") == 3.0
            assert made.value("site:s1", "load_power_w") == 42.0
            assert made.state().state == "ok"
            # another site's topic is not ours; nonsense is refused and shown
            await say(mosquitto.port, "site/DQ-002/power", POWER | {"load_power_w": 1.0})
            bad = POWER | {"load_power_w": -5.0, "battery": {"state_of_charge_pct": "full"}}
            await say(mosquitto.port, "site/DQ-001/power", bad)
            await until(lambda: made.state().refused >= 2)
            assert made.value("site:s1", "load_power_w") == 42.0
            faults = {r.quantity: r.fault for r in made.latest.of_site("s1") if r.fault}
            assert faults == {"load_power_w": "out_of_range", "state_of_charge_pct": "not_a_number"}
            assert made.state().state == "ok"  # the rest of it is believed
            for number, garbage in enumerate((b"\xff\xfe\x00", b"{" * 5000, b"x" * 70_000), start=1):
                await say(mosquitto.port, "site/DQ-001/power", garbage)
                async with asyncio.timeout(LONG_S):
                    while made.state().failures < number:
                        await asyncio.sleep(0.01)
            assert (made.state().state, made.state().why) == ("unreadable", "bad_data")
            await say(mosquitto.port, "site/DQ-001/power", POWER)
            await until(lambda: made.state().state == "ok")

    asyncio.run(play())


def test_a_device_that_names_its_readings_speaks_only_for_itself(mosquitto: Mosquitto) -> None:
    async def play() -> None:
        controller = device("mqtt", f"mqtt://127.0.0.1:{mosquitto.port}/own/1", "mqtt-readings")
        readings = [
            {"part": "battery", "quantity": "battery_voltage_v", "value": 12.5},
            {"subject": "port:w1/3", "quantity": "port_up", "value": 1},
            {"subject": "port:w2/3", "quantity": "port_up", "value": 1},
            {"subject": "site:other", "quantity": "load_power_w", "value": 1},
            {"part": "battery", "quantity": "battery_voltage_v"},
            7,
        ]
        async with gathering(controller) as made:
            while made.value("power_source:b1", "battery_voltage_v") is None:
                await say(mosquitto.port, "own/1/all", {"readings": readings})
                await asyncio.sleep(0.05)
            assert made.value("port:w1/3", "port_up") == 1.0
            assert made.value("port:w2/3", "port_up") is None
            assert made.value("site:other", "load_power_w") is None
            assert made.state().refused == 4 * (made.state().readings // 2)

    asyncio.run(play())


def test_a_message_that_the_broker_kept_counts_only_with_its_own_time(mosquitto: Mosquitto) -> None:
    async def play() -> None:
        await say(mosquitto.port, "site/A/power", POWER, retain=True)
        at_ms = round(time.time() * 1000) - 20_000
        await say(mosquitto.port, "site/A/cabinet", {"temperature_c": 44, "at_ms": at_ms}, retain=True)
        async with gathering(device("mqtt", f"mqtt://127.0.0.1:{mosquitto.port}/site/A", "mqtt-json")) as made:
            await until(lambda: made.value("cabinet:s1", "cabinet_temperature_c") is not None)
            told = made.latest.get("cabinet:s1", "cabinet_temperature_c")
            assert told is not None
            assert told.at_us == at_ms * 1000
            await until(lambda: made.gatherer.counters()["mqtt_kept_messages_ignored"] == 1)
            assert made.value("site:s1", "load_power_w") is None

    asyncio.run(play())


def test_many_devices_share_one_connection_and_come_and_go(mosquitto: Mosquitto) -> None:
    async def play() -> None:
        specs = [
            device(
                "mqtt",
                f"mqtt://127.0.0.1:{mosquitto.port}/site/{n}",
                "mqtt-json",
                id=f"d{n}",
                code=f"D{n}",
                site_id=f"s{n}",
            )
            for n in range(150)
        ]
        async with gathering(*specs) as made, aiomqtt.Client("127.0.0.1", mosquitto.port) as client:

            async def all_of(numbers: range) -> None:
                while any(made.value(f"cabinet:s{n}", "fan_rpm") is None for n in numbers):
                    for n in numbers:
                        await client.publish(f"site/{n}/cabinet", json.dumps({"fan_rpm": n}))
                    await asyncio.sleep(0.1)

            await all_of(range(150))
            del made.devices[10:]
            made.devices.append(
                device("mqtt", f"mqtt://127.0.0.1:{mosquitto.port}/site/new", "mqtt-json", id="new", site_id="s999")
            )
            while made.value("cabinet:s999", "fan_rpm") is None:
                await client.publish("site/new/cabinet", json.dumps({"fan_rpm": 999}))
                await asyncio.sleep(0.05)
            assert len(made.gatherer.states()) == 11

    asyncio.run(play())


def test_a_flood_is_limited_and_counted(mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        monkeypatch.setattr("manara.network.telemetry.book.Limit.__init__.__defaults__", (10.0, 200.0))
        loud = device("mqtt", f"mqtt://127.0.0.1:{mosquitto.port}/loud", "mqtt-json")
        calm = device(
            "mqtt", f"mqtt://127.0.0.1:{mosquitto.port}/calm", "mqtt-json", id="calm", code="CALM", site_id="s2"
        )
        async with gathering(loud, calm) as made, aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
            while made.value("cabinet:s2", "fan_rpm") is None:
                await client.publish("calm/cabinet", b'{"fan_rpm": 1}')
                await asyncio.sleep(0.02)
            for _ in range(2000):
                await client.publish("loud/power", json.dumps(POWER))
            await client.publish("calm/cabinet", b'{"fan_rpm": 2}')
            await until(lambda: made.value("cabinet:s2", "fan_rpm") == 2.0)
            assert made.state().limited > 1900
            assert made.state("calm").limited == 0
            assert made.gatherer.counters()["devices_limited"] == made.state().limited

    asyncio.run(play())


def test_a_wrong_password_is_told_apart_from_a_broker_that_is_away(tmp_path: Path) -> None:
    async def play() -> None:
        broker = Mosquitto(tmp_path, password="right-password")
        broker.start()
        address = f"mqtt://127.0.0.1:{broker.port}/site/1"
        wrong = device("mqtt", address, "mqtt-json", credentials=Credentials(username="field", password="wrong"))
        try:
            async with gathering(wrong) as made:
                await until(lambda: made.known() and made.state().why == "auth")
                right = Credentials(username="field", password="right-password")
                made.devices[0] = device("mqtt", address, "mqtt-json", credentials=right)
                # signed in, and not only about to: a broker killed half-way costs the library's whole time-out
                await until(lambda: any(run.reader.connects for run in made.gatherer._brokers.values()))
                assert made.state().state == "waiting"
                broker.kill()
                await until(lambda: made.state().why == "broker")
                assert "right-password" not in repr(made.gatherer._brokers)
        finally:
            broker.kill()

    asyncio.run(play())


@pytest.mark.parametrize(
    "address",
    [
        "",
        "host/prefix",
        "mqtt://host",
        "mqtt://host/",
        "mqtt://u:p@host/x",
        "mqtt://host/a/#",
        "mqtt://h:99999/x",
    ],
)
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(DeviceFault) as fault:
        broker_of(device("mqtt", address), Credentials())
    assert fault.value.why == "address"


def test_an_address_names_broker_and_prefix() -> None:
    named = Credentials(username="u", password="p")
    assert broker_of(device("mqtt", "mqtts://h/a/b"), named) == (Broker("h", 8883, True, "u", "p"), "a/b")
    assert broker_of(device("mqtt", "mqtt:///site/1"), named) == (None, "site/1")
