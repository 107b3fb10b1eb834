"""Our own MQTT broker against a real client: an account for each device, its own topics only, revoked at once."""

import asyncio
import json
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from manara.network.telemetry import own_broker
from manara.network.telemetry.devices import DeviceSpec, new_token
from manara.network.telemetry.own_broker import Place
from manara.simulate.telemetry import Post, Publisher
from manara.store.nats_server import free_port
from tests.network.telemetry.peers import Gathering, device, gathering, until
from tests.recorder.certificate import self_signed
from tests.support.patience import LONG_S

TOKENS = {one: new_token(one) for one in ("d1", "d2")}
FAN = json.dumps({"fan_rpm": 900})


def controller(device_id: str, **changes: Any) -> DeviceSpec:
    """`D1` or `D2`, at `s1` or `s2`, below `site/D1` or `site/D2`."""
    code = device_id.upper()
    given = {"id": device_id, "code": code, "site_id": f"s{code[1]}", "token_hash": TOKENS[device_id][1]}
    return device("mqtt", f"mqtt:///site/{code}", "mqtt-json", **(given | changes))


def client(made: Gathering, username: str, password: str, **more: Any) -> aiomqtt.Client:
    return aiomqtt.Client("127.0.0.1", port_of(made), username=username, password=password, **more)


def as_device(made: Gathering, device_id: str, **more: Any) -> aiomqtt.Client:
    return client(made, device_id.upper(), TOKENS[device_id][0], **more)


def port_of(made: Gathering) -> int:
    assert made.gatherer._own is not None
    return made.gatherer._own._place.port


@asynccontextmanager
async def listening(*devices: DeviceSpec, **place: Any) -> AsyncIterator[Gathering]:
    """A gatherer with our own broker, which answers and knows the devices."""
    async with gathering(*devices, own_broker=Place("127.0.0.1", free_port(), **place)) as made:
        await until(lambda: len(made.gatherer.states()) == len(devices))
        async with asyncio.timeout(LONG_S):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port_of(made))
                except OSError:
                    await asyncio.sleep(0.01)
                    continue
                writer.close()
                break
        yield made


def counted(made: Gathering, name: str) -> int:
    return made.gatherer.counters()[name]


async def is_refused(sign_in: aiomqtt.Client) -> None:
    with pytest.raises(aiomqtt.MqttError) as refused:
        async with sign_in:
            pass  # pragma: no cover
    assert "not auth" in str(refused.value).lower() or "bad user name" in str(refused.value).lower()


@asynccontextmanager
async def cut_off(sign_in: aiomqtt.Client) -> AsyncIterator[aiomqtt.Client]:
    """A client whose connection the broker has ended before this is left."""
    await sign_in.__aenter__()
    yield sign_in
    try:
        async with asyncio.timeout(LONG_S):
            async for _ in sign_in.messages:
                pass  # pragma: no cover
    except aiomqtt.MqttError:
        return
    raise AssertionError("it is still connected")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_broker, "WRONG_S", 0.05)


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_device_publishes_with_its_own_account(qos: int) -> None:
    async def play() -> None:
        async with listening(controller("d1"), controller("d2")) as made, as_device(made, "d1") as field:
            await field.publish("site/D1/cabinet", FAN, qos=qos)
            await until(lambda: made.value("cabinet:s1", "fan_rpm") == 900)
            assert made.state("d1").state == "ok"
            assert made.state("d2").state == "waiting"
            assert counted(made, "mqtt_connections") == 1
            # what nothing is read from is its own all the same
            await field.publish("site/D1/firmware", b"1.2", qos=qos)
            await field.publish("site/D1/cabinet", json.dumps({"fan_rpm": 901}), qos=qos)
            await until(lambda: made.value("cabinet:s1", "fan_rpm") == 901)
            assert counted(made, "mqtt_topics_refused") == 0

    asyncio.run(play())


def test_a_topic_of_another_is_refused_counted_and_shown() -> None:
    async def play() -> None:
        async with listening(controller("d1"), controller("d2")) as made, as_device(made, "d1") as field:
            for topic in ("site/D2/cabinet", "site/D1", "site/D11/cabinet", "/site/D1/cabinet", "$SYS/x"):
                await field.publish(topic, FAN, qos=1)
            assert counted(made, "mqtt_topics_refused") == 5
            assert made.believed == []
            state = made.state("d1")
            assert (state.state, state.why, state.refused) == ("unreadable", "topic", 5)
            assert "site/D1" in state.detail
            assert made.state("d2").state == "waiting"
            await field.publish("site/D1/cabinet", FAN, qos=1)
            assert made.state("d1").state == "ok"  # and what is its own is still believed

    asyncio.run(play())


def test_a_will_is_held_to_the_same_topics() -> None:
    async def play() -> None:
        async with listening(controller("d1"), controller("d2")) as made:
            for topic, spoken in (("site/D2/cabinet", False), ("site/D1/cabinet", True)):
                field = as_device(made, "d1", will=aiomqtt.Will(topic, FAN))
                async with field:
                    sock = field._client.socket()
                    assert isinstance(sock, socket.socket)
                    sock.shutdown(socket.SHUT_RDWR)  # without a goodbye
                    await until(lambda: counted(made, "mqtt_connections") == 0)
                assert (made.value("cabinet:s1", "fan_rpm") == 900) is spoken
            assert counted(made, "mqtt_topics_refused") == 1
            assert made.value("cabinet:s2", "fan_rpm") is None

    asyncio.run(play())


def test_nobody_hears_anything() -> None:
    async def play() -> None:
        async with listening(controller("d1"), controller("d2")) as made, as_device(made, "d1") as field:
            for topic in ("#", "site/D2/cabinet", "site/D1/cabinet", "$SYS/#"):
                assert [code.is_failure for code in await field.subscribe(topic)] == [True]  # type: ignore[union-attr]
            await field.unsubscribe("#")
            assert counted(made, "mqtt_subscriptions_refused") == 4

    asyncio.run(play())


def test_who_is_not_let_in(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def play() -> None:
        wrong = "d1." + "x" * 43
        async with listening(
            controller("d1"), controller("d2"), controller("d2", id="d3", code="D3", token_hash="")
        ) as made:
            for name, password in (("D1", wrong), ("D1", TOKENS["d2"][0]), ("D1", ""), ("d1", TOKENS["d1"][0])):
                await is_refused(client(made, name, password))
            assert (made.state("d1").state, made.state("d1").why) == ("unreadable", "token")
            assert (made.state("d2").state, made.state("d3").why) == ("waiting", "token")
            # the account that all devices once shared, and one without a token
            for name, password in (("field", "anything"), ("gather", "anything"), ("", ""), ("D3", "")):
                await is_refused(client(made, name, password))
            assert counted(made, "mqtt_logins_refused") == 8
            # a stranger with a wrong password changes nothing of a device that is there
            async with as_device(made, "d1") as field:
                await field.publish("site/D1/cabinet", FAN, qos=1)
                await is_refused(client(made, "D1", wrong))
                assert made.state("d1").state == "ok"
            told = caplog.text + repr(made.gatherer.states()) + repr(made.gatherer._own)
            assert not any(secret in told for secret in (wrong, TOKENS["d1"][0], TOKENS["d2"][0]))

    asyncio.run(play())


def test_a_new_token_ends_the_old_one_and_what_is_open() -> None:
    async def play() -> None:
        token, token_hash = new_token("d1")
        async with listening(controller("d1"), controller("d2")) as made:
            will = aiomqtt.Will("site/D1/cabinet", FAN)
            async with as_device(made, "d2") as other:
                async with cut_off(as_device(made, "d1", will=will)):
                    made.devices[0] = replace(made.devices[0], token_hash=token_hash)
                    made.gatherer.changed()
                assert made.value("cabinet:s1", "fan_rpm") is None  # not even its will
                await is_refused(as_device(made, "d1"))
                async with client(made, "D1", token) as again:
                    await again.publish("site/D1/cabinet", FAN, qos=1)
                assert made.state("d1").state == "ok"
                await other.publish("site/D2/cabinet", FAN, qos=1)  # which never lost its connection
                assert made.value("cabinet:s2", "fan_rpm") == 900

    asyncio.run(play())


@pytest.mark.parametrize("how", ["disabled", "removed", "moved to an outside broker"])
def test_a_device_that_is_gone_is_cut_off(how: str) -> None:
    async def play() -> None:
        async with listening(controller("d1"), controller("d2")) as made:
            async with cut_off(as_device(made, "d1", will=aiomqtt.Will("site/D1/cabinet", FAN))):
                if how == "removed":
                    del made.devices[0]
                elif how == "disabled":
                    made.devices[0] = replace(made.devices[0], enabled=False)
                else:
                    made.devices[0] = replace(made.devices[0], address="mqtt://127.0.0.1:1/site/D1")
                made.gatherer.changed()
            await is_refused(as_device(made, "d1"))
            assert made.value("cabinet:s1", "fan_rpm") is None

    asyncio.run(play())


def test_one_that_is_changed_otherwise_stays_connected() -> None:
    async def play() -> None:
        async with listening(controller("d1")) as made, as_device(made, "d1") as field:
            made.devices[0] = replace(made.devices[0], address="mqtt:///yard/7", poll_s=60.0)
            made.gatherer.changed()
            async with asyncio.timeout(LONG_S):
                while made.value("cabinet:s1", "fan_rpm") is None:
                    await field.publish("yard/7/cabinet", FAN, qos=1)

    asyncio.run(play())


def test_a_client_that_comes_again_takes_its_own_place_and_a_device_has_few() -> None:
    async def play() -> None:
        async with listening(controller("d1")) as made:
            async with cut_off(as_device(made, "d1", identifier="box")):
                box = as_device(made, "d1", identifier="box")
                await box.__aenter__()
            rest = [as_device(made, "d1", identifier=f"c{n}") for n in range(own_broker.MOST_OF_ONE)]
            async with cut_off(as_device(made, "d1", identifier="oldest")):
                await box.__aexit__(None, None, None)
                for one in rest:
                    await one.__aenter__()
            assert counted(made, "mqtt_connections") == own_broker.MOST_OF_ONE
            for one in rest:
                await one.__aexit__(None, None, None)

    asyncio.run(play())


def test_strangers_have_few_places_and_little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_broker, "MOST_OF_ADDRESS", 3)

    async def play() -> None:
        async with listening(controller("d1")) as made:
            silent = [await asyncio.open_connection("127.0.0.1", port_of(made)) for _ in range(3)]
            own = made.gatherer._own
            assert own is not None
            await until(lambda: own._strangers.total() == 3)
            with pytest.raises(aiomqtt.MqttError):
                async with as_device(made, "d1", timeout=2):
                    pass  # pragma: no cover
            assert counted(made, "mqtt_turned_away") >= 1
            for _, writer in silent:
                writer.close()
            await until(lambda: not own._strangers)
            monkeypatch.setattr(own_broker, "SIGN_IN_S", 0.1)
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(made))
            assert await reader.read() == b""  # it had its time
            writer.close()
            async with as_device(made, "d1") as field:
                await field.publish("site/D1/cabinet", FAN, qos=1)
            assert made.state("d1").state == "ok"

    asyncio.run(play())


def test_a_wrong_password_keeps_its_place_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many wrong ones can be tried at once, and no more until those were answered."""
    monkeypatch.setattr(own_broker, "MOST_OF_ADDRESS", 2)
    monkeypatch.setattr(own_broker, "WRONG_S", 5.0)

    async def play() -> None:
        async with listening(controller("d1")) as made:
            trying = [asyncio.create_task(is_refused(client(made, "D1", f"d1.{n}"))) for n in range(2)]
            await until(lambda: counted(made, "mqtt_logins_refused") == 2)
            with pytest.raises(aiomqtt.MqttError):
                async with client(made, "D1", "d1.3", timeout=2):
                    pass  # pragma: no cover
            assert counted(made, "mqtt_logins_refused") == 2
            for task in trying:
                task.cancel()
            await asyncio.gather(*trying, return_exceptions=True)

    asyncio.run(play())


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x10\xff\xff\xff\xff\x01",  # a length of five bytes
        b"\x10\xff\xff\x7f",  # a sign-in of 2 MB
        b"\x30\x03\x00\x01a",  # a message before the sign-in
        b"\x10\x0c\x00\x04MQTT\x04\x82\x00\x00\x00\x09",
    ],
)
def test_garbage_ends_its_own_connection_only(garbage: bytes) -> None:
    async def play() -> None:
        async with listening(controller("d1")) as made, as_device(made, "d1") as field:
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(made))
            writer.write(garbage)
            writer.write_eof()
            async with asyncio.timeout(LONG_S):
                try:
                    assert await reader.read() == b""
                except ConnectionResetError:
                    pass
            writer.close()
            await field.publish("site/D1/cabinet", FAN, qos=1)
            assert made.state("d1").state == "ok"

    asyncio.run(play())


def test_a_message_too_long_ends_the_connection_and_is_shown() -> None:
    async def play() -> None:
        async with listening(controller("d1")) as made:
            async with cut_off(as_device(made, "d1")) as field:
                await field.publish("site/D1/cabinet", b"x" * 70_000)
            assert (made.state("d1").why, counted(made, "mqtt_connections")) == ("bad_data", 0)

    asyncio.run(play())


def test_an_old_version_is_heard_and_a_new_one_told() -> None:
    async def play() -> None:
        async with listening(controller("d1")) as made:
            async with as_device(made, "d1", protocol=aiomqtt.ProtocolVersion.V31, identifier="old") as field:
                await field.publish("site/D1/cabinet", FAN, qos=1)
            assert made.state("d1").state == "ok"
            with pytest.raises(aiomqtt.MqttError) as refused:
                async with as_device(made, "d1", protocol=aiomqtt.ProtocolVersion.V5):
                    pass  # pragma: no cover
            assert "version" in str(refused.value).lower()

    asyncio.run(play())


def test_played_devices_speak_each_with_its_own_account() -> None:
    async def play() -> None:
        played = [replace(controller(one), profile="mqtt-readings") for one in ("d1", "d2")]
        async with listening(*played) as made:
            publisher = Publisher("127.0.0.1", port_of(made), {"D1": TOKENS["d1"][0], "D2": TOKENS["d2"][0]})
            for number in (1, 2):
                told = ((f"cabinet:s{number}", "fan_rpm", 900.0),)
                await publisher.say(Post(f"D{number}", time.time_ns() // 1000, told))
            assert (made.state("d1").state, made.state("d2").state) == ("ok", "ok")
            assert counted(made, "mqtt_connections") == 2
            await publisher.close()
            await until(lambda: counted(made, "mqtt_connections") == 0)

    asyncio.run(play())


def test_one_that_floods_is_limited_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("manara.network.telemetry.book.Limit.__init__.__defaults__", (200.0, 200.0))

    async def play() -> None:
        async with (
            listening(controller("d1"), controller("d2")) as made,
            as_device(made, "d1") as loud,
            as_device(made, "d2") as calm,
        ):
            for _ in range(400):
                await loud.publish("site/D1/cabinet", FAN, qos=0)
            await calm.publish("site/D2/cabinet", FAN, qos=1)
            assert made.value("cabinet:s2", "fan_rpm") == 900
            await until(lambda: made.state("d1").limited > 0)
            assert made.state("d2").limited == 0

    asyncio.run(play())


def test_a_port_that_is_taken_is_said_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_broker, "RETRY_S", 0.05)

    async def play() -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            async with gathering(controller("d1"), own_broker=Place(*other.getsockname())) as made:
                await until(lambda: made.known() and made.state("d1").why == "broker")
                assert str(port_of(made)) in made.state("d1").detail
                other.close()
                await until(lambda: made.state("d1").state == "waiting")
                async with as_device(made, "d1") as field:
                    await field.publish("site/D1/cabinet", FAN, qos=1)
                assert made.state("d1").state == "ok"

    asyncio.run(play())


def test_without_a_broker_of_ours_the_device_says_so() -> None:
    async def play() -> None:
        async with gathering(controller("d1")) as made:
            await until(made.known)
            assert made.state("d1").why == "address"

    asyncio.run(play())


def test_with_tls(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)

    async def play() -> None:
        async with listening(controller("d1"), certificate=certificate, key=key) as made:
            context = ssl.create_default_context(cafile=str(certificate))
            context.check_hostname = False
            async with cut_off(as_device(made, "d1", tls_context=context)) as field:
                await field.publish("site/D1/cabinet", FAN, qos=1)
                assert made.state("d1").state == "ok"
                made.devices[0] = replace(made.devices[0], enabled=False)
                made.gatherer.changed()
            with pytest.raises(aiomqtt.MqttError):
                async with as_device(made, "d1", timeout=2):  # not in the clear
                    pass  # pragma: no cover

    asyncio.run(play())
