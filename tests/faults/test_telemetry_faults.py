"""Faults of telemetry, kept for ever: a broker killed and back, devices that send garbage or have a wrong clock, a disk
of measurements that is full, a gateway that hangs.
"""

import asyncio
import errno
import json
import time
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from manara.messages import Reading
from manara.network.telemetry.gather import PUSH_SUBJECT, Gatherer
from manara.store import measurements_files
from manara.store.journal_memory import MemoryJournal
from manara.store.measurements import Measurements
from manara.store.measurements_files import HOUR_US
from tests.network.telemetry.peers import BOX, Mosquitto, device, gathering, modbus_server, mosquitto, until
from tests.network.telemetry.test_modbus import tracer
from tests.support.patience import LONG_S

__all__ = ["mosquitto"]  # a fixture

START = 1_700_006_400_000_000


async def say_until(made: Any, port: int, topic: str, payload: dict[str, Any], subject: str, quantity: str) -> None:
    """Publish until it is believed."""
    before = made.latest.get(subject, quantity)
    at_us = before.at_us if before is not None else 0
    async with asyncio.timeout(LONG_S):
        while True:
            try:
                async with aiomqtt.Client("127.0.0.1", port) as client:
                    while True:
                        await client.publish(topic, json.dumps(payload))
                        await asyncio.sleep(0.05)
                        now = made.latest.get(subject, quantity)
                        if now is not None and now.at_us > at_us:
                            return
            except aiomqtt.MqttError:
                await asyncio.sleep(0.05)


def test_a_broker_is_killed_and_comes_back(mosquitto: Mosquitto) -> None:
    async def play() -> None:
        spec = device("mqtt", f"mqtt://127.0.0.1:{mosquitto.port}/site/1", "mqtt-json")
        async with gathering(spec) as made:
            for round_ in range(2):
                await say_until(made, mosquitto.port, "site/1/cabinet", {"fan_rpm": round_}, "cabinet:s1", "fan_rpm")
                assert made.state().state == "ok"
                mosquitto.kill()
                await until(lambda: made.state().why == "broker")
                assert made.value("cabinet:s1", "fan_rpm") == round_  # what was known is still known, and ages
                mosquitto.start()
            await say_until(made, mosquitto.port, "site/1/cabinet", {"fan_rpm": 7}, "cabinet:s1", "fan_rpm")
            assert (made.state().state, made.state().detail) == ("ok", "")

    asyncio.run(play())


def test_one_device_that_sends_garbage_costs_another_nothing(mosquitto: Mosquitto) -> None:
    async def play() -> None:
        bad = device("mqtt", f"mqtt://127.0.0.1:{mosquitto.port}/bad", "mqtt-json")
        named = device(
            "mqtt", f"mqtt://127.0.0.1:{mosquitto.port}/named", "mqtt-readings", id="named", code="N", site_id="s3"
        )
        good = device("mqtt", f"mqtt://127.0.0.1:{mosquitto.port}/good", "mqtt-json", id="good", code="G", site_id="s2")
        async with gathering(bad, good, named) as made:
            await say_until(made, mosquitto.port, "good/cabinet", {"fan_rpm": 1}, "cabinet:s2", "fan_rpm")
            garbage: list[bytes] = [
                b"",
                b"\x00" * 100,
                b"[" * 60_000,
                b'{"grid": {"present": [[[[1]]]]}}',
                b'{"battery": ' + b'{"x":' * 3000 + b"1" + b"}" * 3001,
                b'{"load_power_w": 1e999, "battery": {"voltage_v": 1e400, "current_a": "NaN"}}',
                b'{"load_power_w": null, "solar": 7, "at_ms": "yesterday"}',
                b'{"readings": {"0": 1}}',
                json.dumps({"readings": [{"part": "battery", "quantity": "\u0000", "value": 1}] * 900}).encode(),
            ]
            async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
                for payload in garbage * 3:
                    await client.publish("bad/power", payload)
                    await client.publish("named/any", payload)
                await client.publish("good/cabinet", b'{"fan_rpm": 2}')
            await until(lambda: made.value("cabinet:s2", "fan_rpm") == 2.0)
            assert made.state("good").state == "ok"
            assert made.state().state == made.state("named").state == "unreadable"
            assert made.state().readings == made.state("named").readings == 0
            assert made.gatherer.counters()["telemetry_errors"] == 0

    asyncio.run(play())


def test_a_device_whose_clock_is_wrong_is_not_believed(mosquitto: Mosquitto) -> None:
    async def play() -> None:
        spec = device("mqtt", f"mqtt://127.0.0.1:{mosquitto.port}/site/1", "mqtt-json")
        async with gathering(spec) as made:
            async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
                now_ms = round(time.time() * 1000)
                for wrong_ms in (now_ms + 3_600_000, now_ms - 30 * 86_400_000, 0):
                    refused = made.state().refused if made.known() else 0
                    async with asyncio.timeout(LONG_S):
                        while not made.known() or made.state().refused == refused:
                            payload = {"fan_rpm": 900, "at_ms": wrong_ms}
                            await client.publish("site/1/cabinet", json.dumps(payload))
                            await asyncio.sleep(0.05)
                    assert made.value("cabinet:s1", "fan_rpm") is None
                    assert (made.state().state, made.state().why) == ("unreadable", "bad_data")
                    reason = "from_the_future" if wrong_ms > now_ms else "too_old"
                    assert reason in made.state().detail
                    known = made.latest.get("cabinet:s1", "fan_rpm")
                    assert known is not None
                    assert known.fault == reason
            # its clock is put right
            good = {"fan_rpm": 900, "at_ms": round(time.time() * 1000)}
            await say_until(made, mosquitto.port, "site/1/cabinet", good, "cabinet:s1", "fan_rpm")
            assert made.state().state == "ok"

    asyncio.run(play())


def test_a_gateway_that_hangs_holds_up_its_own_devices_only() -> None:
    async def play() -> None:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        hanging = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = hanging.sockets[0].getsockname()[1]
        dead = [device("modbus", f"127.0.0.1:{port}/{n}", "epever-tracer", id=f"h{n}", code=f"H{n}") for n in (1, 2)]
        async with modbus_server(tracer()) as alive:
            good = device("modbus", f"127.0.0.1:{alive}", "epever-tracer", id="good", code="GOOD", site_id="s2")
            async with gathering(good, *dead) as made:
                await until(lambda: made.known() and made.state("good").state == "ok")
                await until(lambda: made.state("h1").why == "timeout")
                assert made.state("good").state == "ok"
        hanging.close()

    asyncio.run(play())


def test_a_full_disk_keeps_readings_waiting_and_drops_the_oldest_at_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Measurements(tmp_path, most_waiting_rows=1000)
    real = measurements_files.write_whole
    full = True

    def write_whole(path: Path, write: Any) -> None:
        def half(part: Path) -> None:
            write(part)
            if full:
                raise OSError(errno.ENOSPC, "No space left on device")

        real(path, half)

    monkeypatch.setattr(measurements_files, "write_whole", write_whole)

    def rows(first: int, count: int) -> list[Reading]:
        return [
            Reading(site_id="", subject="site:s1", quantity="load_power_w", value=float(n), at_us=START + n)
            for n in range(first, first + count)
        ]

    store.append(rows(0, 800))
    assert store.flush() == 0
    assert (store.state, store.waiting) == ("full", 800)
    assert not list(tmp_path.glob("raw/*/*"))  # nothing half written lies about
    store.append(rows(800, 700))
    assert store.waiting == 1000
    assert store.counters()["measurements_dropped"] == 500
    assert store.flush() == 0
    store.upkeep(START + 2 * HOUR_US)
    full = False
    assert store.flush() == 1000
    assert store.state == "ok"
    (point,) = store.series("site:s1", "load_power_w", START, START + HOUR_US, 1)
    assert (point.low, point.high, point.count) == (500.0, 1499.0, 1000)  # the newest were kept
    assert store.counters()["measurements_write_failures"] == 2
    store.close()


def test_pushes_are_limited_answered_one_by_one_and_survive_garbage() -> None:
    async def play() -> None:
        journal = MemoryJournal()
        pusher = device("push", "", "")
        async with gathering(pusher) as made:
            answering = journal.answer(PUSH_SUBJECT, made.gatherer.take_pushed)
            await until(made.known)

            async def ask(readings: object) -> Any:
                body = readings if isinstance(readings, bytes) else json.dumps({"readings": readings}).encode()
                return json.loads(await journal.ask(PUSH_SUBJECT, body, 5.0))

            def one(**changes: object) -> dict[str, object]:
                return {
                    "site_id": "s1",
                    "subject": "power_source:b1",
                    "quantity": "battery_voltage_v",
                    "value": 12.0,
                    "at_us": made.clock.wall_us(),
                    "device_id": "dev",
                } | changes

            answer = await ask([one(), one(subject="power_source:other"), one(value=-3), one(quantity="colour")])
            assert answer == {"ok": True, "reasons": ["", "wrong_subject", "out_of_range", "unknown_quantity"]}
            assert made.latest.get("power_source:other", "battery_voltage_v") is None
            assert await ask(b"garbage") == {"ok": False, "retry_after_s": 60}
            assert (await ask([one(device_id="unknown")]))["ok"] is False
            assert await ask([]) == {"ok": True, "reasons": []}
            many = [one(at_us=made.clock.wall_us()) for _ in range(1000)]
            answers = [(await ask(many))["ok"] for _ in range(12)]
            assert answers[0] is True
            assert False in answers  # five thousand at once, then so many a second, and this machine may be slow
            assert made.state().limited > 0
            await answering.stop()

    asyncio.run(play())


def test_what_goes_wrong_with_one_device_leaves_the_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def play() -> None:
        (tmp_path / "profiles").mkdir()
        specs = [
            device("modbus", "127.0.0.1:1", "no-such-profile", id="a", code="A"),
            device("snmp", "127.0.0.1:1", "epever-tracer", id="b", code="B"),
            device("snmp", "127.0.0.1:1", "ups-mib", id="c", code="C"),
            device("modbus", "a b c", "epever-tracer", id="d", code="D"),
            device("modbus", "127.0.0.1:1", "epever-tracer", id="e", code="E", credentials_sealed="v1:garbage"),
            device("pigeon", "", "push", id="f", code="F"),
            device("push", "", "", id="g", code="G", enabled=False),
        ]
        async with gathering(*specs) as made:
            await until(lambda: len(made.gatherer.states()) == 6)
            assert {state.code: state.why for state in made.gatherer.states()} == {
                "A": "profile",
                "B": "profile",
                "C": "auth",
                "D": "address",
                "E": "auth",
                "F": "profile",
            }
            assert all(state.detail for state in made.gatherer.states())

            class Odd:
                async def poll(self) -> Any:
                    raise ZeroDivisionError("a library's own fault")

                async def close(self) -> None: ...

            monkeypatch.setattr("manara.network.telemetry.gather.ModbusPoller", lambda *_: Odd())
            made.devices.append(device("modbus", "127.0.0.1:1", "epever-tracer", id="odd", code="ODD"))
            await until(lambda: made.gatherer.errors > 0)
            assert made.state("odd").why == "bad_data"

    asyncio.run(play())


def test_devices_that_cannot_be_read_from_the_state_leave_all_going(mosquitto: Mosquitto) -> None:
    async def play() -> None:
        spec = device("mqtt", f"mqtt://127.0.0.1:{mosquitto.port}/site/1", "mqtt-json")
        async with gathering(spec) as made:
            await say_until(made, mosquitto.port, "site/1/cabinet", {"fan_rpm": 1}, "cabinet:s1", "fan_rpm")

            def away() -> Any:
                raise RuntimeError("the state is away")

            gatherer: Gatherer = made.gatherer
            gatherer._devices = away
            await until(lambda: gatherer.refresh_failures > 1)
            await say_until(made, mosquitto.port, "site/1/cabinet", {"fan_rpm": 2}, "cabinet:s1", "fan_rpm")
            assert made.state().state == "ok"
            assert BOX is not None

    asyncio.run(play())
