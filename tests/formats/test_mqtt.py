"""MQTT as a server reads it: what a client library sends, and what nobody should."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manara.formats import mqtt
from manara.formats.mqtt import Connect, MqttError, Publish


def text(value: str) -> bytes:
    return struct.pack(">H", len(value.encode())) + value.encode()


def test_a_sign_in_with_everything() -> None:
    body = (
        text("MQTT") + b"\x04\xee" + b"\x00\x3c" + text("id") + text("a/b") + text("gone") + text("RTU-1") + text("x.y")
    )
    told = mqtt.parse_connect(body)
    assert told == Connect(4, True, True, 60, "id", "RTU-1", "x.y", Publish("a/b", b"gone", 1, 0, True))
    assert "x.y" not in repr(told)
    assert mqtt.parse_connect(text("MQIsdp") + b"\x03\x02\x00\x00" + text("")) == Connect(3, True)
    five = mqtt.parse_connect(text("MQTT") + b"\x05 and what this version knows nothing of")
    assert (five.known, mqtt.connack(mqtt.BAD_VERSION, five.level)) == (False, b"\x20\x03\x00\x84\x00")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        text("MQTT"),
        text("MQTT") + b"\x04\x01\x00\x00" + text("id"),  # the reserved flag
        text("MQTT") + b"\x04\x1e\x00\x00" + text("id") + text("a") + text("b"),  # a will of QoS 3
        text("MQTT") + b"\x04\x40\x00\x00" + text("id") + text("password without a name"),
        text("MQTT") + b"\x04\x82\x00\x00" + text("id") + b"\x00\x02\xff\xfe",
        text("MQTT") + b"\x04\x82\x00\x00" + text("id") + text("a\0b"),
        text("MQTT") + b"\x04\x02\x00\x00" + text("id") + b"more",
    ],
)
def test_sign_ins_that_are_none(body: bytes) -> None:
    with pytest.raises(MqttError):
        mqtt.parse_connect(body)


def test_a_message_and_its_answer() -> None:
    assert mqtt.parse_publish(0x30, text("a") + b"hi") == Publish("a", b"hi", 0, 0, False)
    kept = mqtt.parse_publish(0x35, text("a/b") + b"\x01\x02" + b"hi")
    assert kept == Publish("a/b", b"hi", 2, 258, True)
    assert [mqtt.publish_answer(qos, 258) for qos in (0, 1, 2)] == [b"", b"\x40\x02\x01\x02", b"\x50\x02\x01\x02"]
    for first, body in ((0x36, text("a")), (0x30, text("")), (0x30, text("a/#")), (0x32, text("a") + b"\0\0")):
        with pytest.raises(MqttError):
            mqtt.parse_publish(first, body)


def test_subscriptions_are_counted_and_all_refused() -> None:
    body = b"\x00\x07" + text("a/#") + b"\x01" + text("b") + b"\x00"
    assert mqtt.count_filters(body) == 2
    assert mqtt.subscriptions_refused(7, 2) == b"\x90\x04\x00\x07\x80\x80"
    assert mqtt.subscriptions_refused(7, 200)[:3] == b"\x90\xca\x01"
    for bad in (b"\x00\x07", b"\x00\x07" + text("a")):
        with pytest.raises(MqttError):
            mqtt.count_filters(bad)
    with pytest.raises(MqttError):
        mqtt.kind_of(0x80)  # a SUBSCRIBE has the flags 2


@given(st.binary(max_size=80), st.integers(0, 255))
def test_no_bytes_raise_anything_else(body: bytes, first: int) -> None:
    for read in (
        mqtt.parse_connect,
        mqtt.count_filters,
        mqtt.parse_id,
        lambda data: mqtt.parse_publish(first, data),
        lambda data: mqtt.parse_connect(text("MQTT") + b"\x04" + data),
        lambda _: mqtt.kind_of(first),
    ):
        try:
            read(body)
        except MqttError:
            pass
