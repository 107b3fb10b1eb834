"""Our own MQTT broker: devices reach the gatherer through it, each account may do its part and nothing else."""

import asyncio
import json
import socket
import ssl
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import aiomqtt
import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError

from manara.base.errors import Unavailable
from manara.network.telemetry.mqtt import own_broker, own_broker_of
from manara.store.mqtt_broker import BrokerAddress, configure_broker
from manara.store.nats_server import free_port
from tests.network.telemetry.peers import device, gathering
from tests.recorder.certificate import self_signed
from tests.support.patience import LONG_S


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + LONG_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerAddress]:
    address, command = configure_broker(tmp_path, "127.0.0.1", free_port())
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for_port(address.port)
        yield address
        process.kill()


def as_field(address: BrokerAddress) -> aiomqtt.Client:
    return aiomqtt.Client("127.0.0.1", address.port, username="field", password=address.field_password)


def test_a_device_reaches_the_gatherer(broker: BrokerAddress) -> None:
    async def play() -> None:
        controller = device("mqtt", "mqtt:///site/DQ-001", "mqtt-json")
        async with gathering(controller, own_broker=own_broker(broker)) as made, as_field(broker) as field:
            async with asyncio.timeout(LONG_S):
                while made.value("cabinet:s1", "fan_rpm") is None:
                    await field.publish("site/DQ-001/cabinet", json.dumps({"fan_rpm": 900}), qos=1)
                    await asyncio.sleep(0.05)
            assert made.state().state == "ok"
            # a device that lies outside of what the account may hear says so
            made.devices.append(device("mqtt", "mqtt:///other/DQ-002", "mqtt-json", id="d2", code="D2"))
            made.gatherer.changed()
            async with asyncio.timeout(LONG_S):
                while not any(state.why == "auth" for state in made.gatherer.states()):
                    await asyncio.sleep(0.02)
            assert made.state("d2").why == "auth"

    asyncio.run(play())


def test_what_the_accounts_may_not_do(broker: BrokerAddress) -> None:
    async def play() -> None:
        heard: list[str] = []
        gather = aiomqtt.Client("127.0.0.1", broker.port, username="gather", password=broker.gather_password)
        async with gather as listening, as_field(broker) as field:
            assert [code.is_failure for code in await listening.subscribe("site/#")] == [False]  # type: ignore[union-attr]
            assert [code.is_failure for code in await listening.subscribe("manara/#")] == [True]  # type: ignore[union-attr]
            assert [code.is_failure for code in await field.subscribe("site/#")] == [True]  # type: ignore[union-attr]
            await listening.publish("site/x", b"not mine to say")
            await field.publish("site/1/power", b"mine to say", qos=1)
            async with asyncio.timeout(LONG_S):
                async for message in listening.messages:
                    heard.append(message.topic.value)
                    break
        assert heard == ["site/1/power"]
        for name, password in (("field", "wrong"), ("manara", ""), ("", "")):
            with pytest.raises(aiomqtt.MqttError):
                async with aiomqtt.Client("127.0.0.1", broker.port, username=name or None, password=password or None):
                    pass  # pragma: no cover

    asyncio.run(play())


def test_passwords_are_made_once_and_private(tmp_path: Path) -> None:
    first, command = configure_broker(tmp_path, "127.0.0.1", 1)
    second, _ = configure_broker(tmp_path, "127.0.0.1", 2)
    assert first.field_password == second.field_password
    assert BrokerAddress.read(tmp_path) == second
    for file in (tmp_path / "broker.json", Path(command[-1])):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (tmp_path / "broker.json").write_text("{}")
    with pytest.raises(Unavailable):
        BrokerAddress.read(tmp_path)
    third, _ = configure_broker(tmp_path, "127.0.0.1", 2)
    assert third.field_password != first.field_password
    found = own_broker_of(tmp_path)
    assert found is not None
    assert (found.username, found.password) == ("gather", third.gather_password)
    assert own_broker_of(tmp_path / "nowhere") is None


def test_its_own_protocol_lets_nobody_in(broker: BrokerAddress, tmp_path: Path) -> None:
    async def play() -> None:
        settings = (tmp_path / "run" / "broker.conf").read_text()
        assert "allowed_connection_types: [MQTT]" in settings
        with pytest.raises((NatsError, OSError)):
            await Client().connect(
                f"nats://127.0.0.1:{broker.port}",
                user="field",
                password=broker.field_password,
                allow_reconnect=False,
                connect_timeout=1,
            )

    asyncio.run(play())


def test_with_tls_our_own_certificate_is_trusted_and_no_other(tmp_path: Path) -> None:
    ours, other = tmp_path / "ours", tmp_path / "other"
    ours.mkdir()
    other.mkdir()
    certificate, key = self_signed(ours)
    stranger, _ = self_signed(other)
    address, command = configure_broker(tmp_path, "127.0.0.1", free_port(), certificate, key)

    async def play() -> None:
        controller = device("mqtt", "mqtt:///site/1", "mqtt-json")
        async with gathering(controller, own_broker=own_broker(address)) as made:
            context = ssl.create_default_context(cafile=str(certificate))
            context.check_hostname = False
            field = aiomqtt.Client(
                "127.0.0.1", address.port, username="field", password=address.field_password, tls_context=context
            )
            async with asyncio.timeout(LONG_S), field:
                while made.value("cabinet:s1", "fan_rpm") is None:
                    await field.publish("site/1/cabinet", json.dumps({"fan_rpm": 900}))
                    await asyncio.sleep(0.05)
        wrong = replace(own_broker(address), certificate=str(stranger))
        async with gathering(controller, own_broker=wrong) as made, asyncio.timeout(LONG_S):
            while not made.gatherer.states() or made.state().why != "broker":
                await asyncio.sleep(0.02)

    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for_port(address.port)
            asyncio.run(play())
        finally:
            process.kill()
