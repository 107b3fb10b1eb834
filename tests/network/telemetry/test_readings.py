"""What is believed: the checker, the latest values, and the hostile bytes and files in front of them."""

import contextlib
import json
import math
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manara.base.clock import FakeClock
from manara.base.errors import InvalidInput
from manara.messages import Reading
from manara.network.telemetry.convert import ReadingMap, convert, parse_path
from manara.network.telemetry.found import Found, Rates, readings_of
from manara.network.telemetry.latest import Latest
from manara.network.telemetry.payload import (
    BadPayload,
    Named,
    at_path,
    may_speak_for,
    parse_json,
    parse_named,
    parse_time,
    subjects_of,
)
from manara.network.telemetry.profiles import Profiles, parse_profile, shipped
from manara.network.telemetry.quantities import FUTURE_S, NOUNS, QUANTITIES, REASONS, fault, noun_of
from tests.network.telemetry.peers import device

NOW = 1_700_000_000_000_000
CONTRACT = """grid_present, grid_voltage_v, solar_power_w, solar_voltage_v, battery_present, battery_voltage_v,
battery_current_a, state_of_charge_pct, load_power_w, battery_temperature_c, cabinet_temperature_c, cabinet_door_open,
fan_rpm, switch_up, port_up, port_poe_w, port_rx_bps, port_tx_bps, port_errors_per_s, link_up, optical_rx_dbm,
optical_tx_dbm, radio_signal_dbm, rtt_ms, loss_pct, uptime_s, reachable"""


def reading(**changes: object) -> Reading:
    given: dict[str, object] = {
        "site_id": "s1",
        "subject": "power_source:b1",
        "quantity": "battery_voltage_v",
        "value": 12.5,
        "at_us": NOW,
    }
    return Reading(**(given | changes))  # type: ignore[arg-type]


# ---- the checker


def test_the_catalogue_is_the_contracts() -> None:
    assert set(QUANTITIES) == {name.strip() for name in CONTRACT.replace("\n", " ").split(",")}
    for quantity in QUANTITIES.values():
        assert quantity.low < quantity.high
        assert quantity.nouns <= NOUNS
        assert quantity.nouns
        assert quantity.stale_s > 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"value": math.nan}, "not_a_number"),
        ({"value": math.inf}, "not_a_number"),
        ({"value": -0.1}, "out_of_range"),
        ({"value": 1000.1}, "out_of_range"),
        ({"at_us": NOW + 61_000_000}, "from_the_future"),
        ({"at_us": NOW + 59_000_000}, ""),
        ({"at_us": NOW - 8 * 86_400_000_000}, "too_old"),
        ({"at_us": NOW - 6 * 86_400_000_000}, ""),
        ({"subject": "camera:c1"}, "wrong_subject"),
        ({"subject": "power_source:"}, "wrong_subject"),
        ({"subject": "power_source:a b"}, "wrong_subject"),
        ({"subject": "person:1"}, "wrong_subject"),
        ({"subject": "power_source:" + "x" * 201}, "wrong_subject"),
        ({"quantity": "colour"}, "unknown_quantity"),
        ({"quantity": "battery_present", "value": 0.5}, "out_of_range"),
        ({"quantity": "battery_present", "value": 1.0}, ""),
    ],
)
def test_nonsense_is_not_believed(changes: dict[str, object], reason: str) -> None:
    assert fault(reading(**changes), NOW) == reason


@given(
    st.text(max_size=40),
    st.sampled_from([*QUANTITIES, "x", ""]),
    st.floats(allow_nan=True),
    st.integers(-(2**60), 2**60),
)
def test_whatever_is_believed_is_in_range_of_a_known_thing(subject: str, quantity: str, value: float, at: int) -> None:
    reason = fault(reading(subject=subject, quantity=quantity, value=value, at_us=at), NOW)
    assert reason == "" or reason in REASONS
    if not reason:
        known = QUANTITIES[quantity]
        assert noun_of(subject) in known.nouns
        assert known.low <= value <= known.high
        assert at <= NOW + FUTURE_S * 1e6


# ---- the latest values


def test_the_latest_is_kept_with_its_age_and_its_last_fault() -> None:
    clock = FakeClock(NOW)
    latest = Latest(clock)
    assert latest.get("power_source:b1", "battery_voltage_v") is None
    assert latest.take([reading(), reading(value=math.nan), reading(quantity="x")]) == [reading()]
    known = latest.get("power_source:b1", "battery_voltage_v")
    assert known is not None
    assert (known.value, known.age_s, known.stale, known.fault) == (12.5, 0.0, False, "not_a_number")
    clock.advance(299)
    assert latest.fresh("power_source:b1", "battery_voltage_v") == 12.5
    clock.advance(2)
    assert latest.fresh("power_source:b1", "battery_voltage_v") is None
    known = latest.get("power_source:b1", "battery_voltage_v")
    assert known is not None
    assert known.stale
    latest.take([reading(value=12.6, at_us=clock.wall_us())])
    known = latest.get("power_source:b1", "battery_voltage_v")
    assert known is not None
    assert (known.value, known.stale, known.fault) == (12.6, False, "")  # a newer belief clears the fault
    assert latest.counters() == {
        "readings_accepted": 2,
        "readings_late": 0,
        "values_kept": 1,
        "readings_refused_not_a_number": 1,
        "readings_refused_unknown_quantity": 1,
    }


def test_what_was_never_believed_is_shown_with_its_fault_only() -> None:
    latest = Latest(FakeClock(NOW))
    assert latest.take([reading(value=5000.0)]) == []
    known = latest.get("power_source:b1", "battery_voltage_v")
    assert known is not None
    assert math.isnan(known.value)
    assert known.stale
    assert (known.fault, known.fault_value) == ("out_of_range", 5000.0)
    assert latest.fresh("power_source:b1", "battery_voltage_v") is None
    (told,) = latest.of_site("s1")
    assert (told.value, told.at_us, told.fault) == (5000.0, NOW, "out_of_range")
    json.dumps([told.value])


def test_late_readings_are_believed_and_do_not_replace_newer_ones() -> None:
    latest = Latest(FakeClock(NOW))
    late = reading(value=11.0, at_us=NOW - 3_600_000_000)
    assert latest.take([reading(), late]) == [reading(), late]
    assert latest.fresh("power_source:b1", "battery_voltage_v") == 12.5
    assert latest.late == 1


def test_changes_are_told_once_by_site() -> None:
    clock = FakeClock(NOW)
    latest = Latest(clock)
    latest.take([reading(), reading(site_id="s2", subject="site:s2", quantity="load_power_w", value=9)])
    assert {site: [told.value for told in found] for site, found in latest.changes().items()} == {
        "s1": [12.5],
        "s2": [9.0],
    }
    assert latest.changes() == {}
    clock.advance(1)
    latest.take([reading(at_us=clock.wall_us())])  # the same value again
    assert latest.changes() == {}
    latest.take([reading(value=-5)])
    assert [told.fault for told in latest.changes()["s1"]] == ["out_of_range"]
    latest.take([reading(site_id="s3", at_us=clock.wall_us())])  # the thing was moved to another site
    assert list(latest.changes()) == ["s3"]
    assert latest.of_site("s1") == []
    assert latest.sites() == ["s2", "s3"]
    assert latest.last_told_us("s3") == clock.wall_us()
    latest.forget(["power_source:b1", "nothing:1"])
    assert latest.sites() == ["s2"]
    assert latest.changes() == {}


def test_memory_is_bounded() -> None:
    latest = Latest(FakeClock(NOW), most_values=100)
    for n in range(300):
        latest.take([reading(subject=f"power_source:x{n}")])
        latest.take([reading(subject=f"power_source:bad{n}", value=-1.0)])
    assert latest.counters()["values_kept"] == 100
    assert latest.refused["too_many"] > 0
    assert latest.take([reading(subject="power_source:x0", at_us=NOW + 1)]) != []  # what is known goes on


def test_what_is_no_longer_heard_of_is_dropped_in_the_end() -> None:
    clock = FakeClock(NOW)
    latest = Latest(clock)
    latest.take(
        [reading(), reading(quantity="state_of_charge_pct", value=900), reading(subject="site:s", quantity="rtt_ms")]
    )
    clock.advance(29 * 86_400)
    latest.take([reading(subject="site:s", quantity="rtt_ms", at_us=clock.wall_us())])
    assert latest.counters()["values_kept"] == 3
    clock.advance(2 * 86_400)
    latest.take([])
    assert latest.counters()["values_kept"] == 1
    assert latest.of("power_source:b1") == {}
    assert latest.sites() == ["s1"]
    assert latest._only_faults == 0


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([12.0, 13.0, -1.0, math.nan]), st.integers(0, 5))))
def test_latest_agrees_with_a_plain_model(steps: list[tuple[int, float, int]]) -> None:
    latest = Latest(FakeClock(NOW))
    model: dict[int, tuple[int, float]] = {}
    for thing, value, ago in steps:
        at_us = NOW - ago
        accepted = latest.take([reading(subject=f"power_source:p{thing}", value=value, at_us=at_us)])
        assert bool(accepted) == (value > 0)
        if value > 0 and at_us >= model.get(thing, (0, 0.0))[0]:
            model[thing] = (at_us, value)
    for thing, (at_us, value) in model.items():
        known = latest.get(f"power_source:p{thing}", "battery_voltage_v")
        assert known is not None
        assert (known.at_us, known.value) == (at_us, value)
    assert latest._only_faults >= 0


# ---- raw values


def entry(**changes: object) -> ReadingMap:
    given: dict[str, object] = {"part": "battery", "quantity": "battery_voltage_v"}
    return ReadingMap(**(given | changes))  # type: ignore[arg-type]


def test_raw_values_become_numbers() -> None:
    assert convert(entry(scale=0.1, offset=1.0), 120) == pytest.approx(13.0)
    assert convert(entry(), "12.5") == 12.5
    assert convert(entry(), None) is None
    assert convert(entry(no_value=(65535,)), 65535) is None
    assert convert(entry(no_value=("n/a",)), "N/A") is None
    assert convert(entry(), 10**400) == math.inf
    door = entry(quantity="cabinet_door_open", true_when=("open", 1), false_when=("closed", 0))
    assert [convert(door, raw) for raw in ("OPEN", 1, "closed", 0, "ajar", 7, True)] == [1, 1, 0, 0, None, None, None]
    assert convert(entry(quantity="grid_present", true_when=(3,)), 9) == 0.0
    assert convert(entry(quantity="grid_present"), True) == 1.0
    for nonsense in ([], {}, "full", "x" * 1000, object()):
        with pytest.raises(ValueError, match=r".*"):
            convert(entry(), nonsense)


def test_rates_survive_wraps_and_resets() -> None:
    rates = Rates()
    assert rates.rise_per_s("p", "q", 100, 0.0) is None
    assert rates.rise_per_s("p", "q", 300, 2.0) == 100.0
    assert rates.rise_per_s("p", "q", 50, 3.0) is None  # the device began again
    assert rates.rise_per_s("p", "q", 2**32 - 100, 4.0) is not None
    assert rates.rise_per_s("p", "q", 100, 5.0) == 200.0  # 32 bits went round
    assert rates.rise_per_s("p", "q", 200, 5.0) is None  # no time has passed


def test_a_value_that_is_none_is_refused_where_it_belongs() -> None:
    spec = device("mqtt")
    found = [Found(entry(), "", "full"), Found(entry(part="nothing"), "", 1.0), Found(entry(), "", None)]
    readings = readings_of(spec, subjects_of(spec), Rates(), found, NOW, 0.0)
    assert [(r.subject, math.isnan(r.value)) for r in readings] == [("power_source:b1", True)]


def test_parts_and_who_may_speak_for_what() -> None:
    spec = device("push", subjects={"switch": "switch:w1", "port/10101": "port:w1/1", "battery": "power_source:b1"})
    subject = subjects_of(spec)
    assert {part: subject(part) for part in ("site", "cabinet", "device", "battery", "port/3", "port/10101")} == {
        "site": "site:s1",
        "cabinet": "cabinet:s1",
        "device": "device:dev",
        "battery": "power_source:b1",
        "port/3": "port:w1/3",
        "port/10101": "port:w1/1",
    }
    assert subject("solar") == subject("port") == ""
    may = may_speak_for(spec)
    assert may("port:w1/99")
    assert may("cabinet:s1")
    assert not may("port:w10/1")
    assert not may("cabinet:s2")
    assert not may_speak_for(device("push", subjects={}))("port:/1")


# ---- hostile bytes


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode) | st.from_regex(rb"[\[{\"0-9,:}\]]{0,80}"))
def test_no_bytes_raise_anything_but_bad_payload(data: bytes) -> None:
    for parse in (parse_json, parse_named):
        with contextlib.suppress(BadPayload):
            parse(data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    )
)
def test_any_json_can_be_walked_and_converted(value: object) -> None:
    for path in ("", "a", "a.b", "[0]", "a[1].b"):
        raw = at_path(value, parse_path(path))
        try:
            number = convert(entry(), raw)
        except ValueError:
            continue
        assert number is None or isinstance(number, float)


@given(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=50)),
    st.sampled_from(["s", "ms", "us", "iso"]),
)
def test_any_time_is_a_time_or_none_or_refused(raw: object, unit: str) -> None:
    try:
        at_us = parse_time(raw, unit)
    except BadPayload:
        return
    assert at_us is None or abs(at_us) < 2**62


def test_times_of_devices() -> None:
    assert parse_time(1_700_000_000, "s") == NOW
    assert parse_time(1_700_000_000_000.0, "ms") == NOW
    assert parse_time("2023-11-14T22:13:20Z", "iso") == NOW
    assert parse_time("2023-11-14T22:13:20", "iso") == NOW  # without a zone it is UTC
    assert parse_time("2023-11-15T01:13:20+03:00", "iso") == NOW


def test_named_readings_are_judged_one_by_one() -> None:
    body = {
        "readings": [
            {"part": "battery", "quantity": "q", "value": 1},
            {"quantity": "q"},
            5,
            {"quantity": "q", "value": 1, "at_us": -1},
            {"part": "x" * 99, "quantity": "q", "value": 1},
        ]
    }
    first, *others = parse_named(json.dumps(body).encode())
    assert first == Named(part="battery", quantity="q", value=1.0)
    assert all(isinstance(other, str) for other in others)
    assert parse_json(b" ON ") == "ON"
    for bad in (b"", b"two words", b"{", b'{"readings": [1]', b"[" * 100_000, b"x" * 100):
        with pytest.raises(BadPayload):
            parse_json(bad)
    with pytest.raises(BadPayload, match="at most 1000"):
        parse_named(json.dumps({"readings": [1] * 1001}).encode())
    with pytest.raises(BadPayload, match="longer than"):
        parse_named(b" " * 300_000)


def test_paths() -> None:
    assert parse_path("battery.cells[2].mv") == ("battery", "cells", 2, "mv")
    assert parse_path("") == ()
    assert at_path({"a": [1, {"b": 2}]}, parse_path("a[1].b")) == 2
    for bad in ("a..b", ".a", "a b", "a[", "a[x]", "[99999]", "a."):
        with pytest.raises(ValueError, match="path"):
            parse_path(bad)


# ---- mapping files


def test_shipped_mapping_files_are_whole() -> None:
    there = shipped()
    assert {profile.protocol for profile in there.values()} == {"mqtt", "snmp", "modbus", "icmp", "push"}
    for name in (
        "if-mib-switch",
        "ups-mib",
        "epever-tracer",
        "victron-gx",
        "victron-solarcharger",
        "mqtt-json",
        "echo",
    ):
        assert name in there


def test_all_faults_of_a_file_are_named() -> None:
    text = """
title = ""
protocol = "modbus"
colour = "red"
[modbus]
unit = 300
[[reading]]
part = "Battery"
quantity = "battery_voltage_v"
register = 70000
[[reading]]
part = "battery"
quantity = "voltage"
register = 1
"""
    with pytest.raises(InvalidInput) as error:
        parse_profile(text, "mine.toml")
    assert "mine.toml" in error.value.message
    fields = {field.field for field in error.value.fields}
    assert fields == {"title", "colour", "modbus.unit", "reading.0.part", "reading.0.register", "reading.1"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "protocol = 7",
        'protocol = "carrier pigeon"',
        "not toml",
        "a = " + "[" * 5000,
        'title = "t"\nprotocol = "snmp"\n[[reading]]\npart = "p"\nquantity = "uptime_s"\noid = "iso.3"',
        'title = "t"\nprotocol = "mqtt"\n[[reading]]\npart = "p"\nquantity = "uptime_s"\ntopic = "a/#"',
        'title = "t"\nprotocol = "mqtt"\n[[reading]]\npart = "p"\nquantity = "uptime_s"\ntopic = "a"\npath = "a["',
        'title = "t"\nprotocol = "mqtt"\n[[reading]]\npart = "p"\nquantity = "uptime_s"\ntopic = "a"\nscale = 0',
        'title = "t"\nprotocol = "mqtt"\n[[reading]]\npart = "p"\nquantity = "uptime_s"\ntopic = "a"\nscale = nan',
        'title = "t"\nprotocol = "mqtt"\n[[reading]]\npart = "p"\nquantity = "uptime_s"\ntopic = "a"\ntrue_when = [1]',
        'title = "t"\nprotocol = "mqtt"\n[[reading]]\npart = "p"\nquantity = "link_up"\ntopic = "a"\nrate = true',
        'title = "t"\nprotocol = "modbus"\n[[reading]]\npart = "p"\nquantity = "link_up"\nregister = 1\ntable = "coil"',
        'title = "t"\nprotocol = "mqtt"\n' + 2 * '[[reading]]\npart = "p"\nquantity = "uptime_s"\ntopic = "a"\n',
        "#" * 70_000,
    ],
)
def test_files_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"mine\.toml"):
        parse_profile(text, "mine.toml")


WORDS = [
    "title",
    "protocol",
    "reading",
    "part",
    "quantity",
    "scale",
    "modbus",
    "=",
    "[[",
    "]]",
    '"',
    "\n",
    "1",
    "x",
    "[",
    "]",
]


@settings(max_examples=80)
@given(st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join) | st.text(max_size=200), st.integers())
def test_no_text_raises_anything_but_invalid_input(text: str, seed: int) -> None:
    whole = 'title = "t"\nprotocol = "mqtt"\n[[reading]]\npart = "p"\nquantity = "uptime_s"\ntopic = "a"\n'
    at = random.Random(seed).randrange(len(whole))
    for candidate in (text, whole[:at] + text + whole[at:]):
        with contextlib.suppress(InvalidInput):
            parse_profile(candidate, "mine.toml")


def test_an_administrators_file_takes_the_place_of_ours_and_is_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "profiles"
    profiles = Profiles(tmp_path)
    assert profiles.load()
    assert not profiles.load()
    folder.mkdir()
    mine = 'title = "Mine"\nprotocol = "modbus"\n[[reading]]\npart = "p"\nquantity = "uptime_s"\nregister = 1\n'
    (folder / "epever-tracer.toml").write_text(mine)
    (folder / "bad.toml").write_text("title = 1")
    (folder / "Bad Name.toml").write_text(mine)
    (folder / "binary.toml").write_bytes(b"\xff\xfe")
    assert profiles.load()
    assert profiles.get("epever-tracer").title == "Mine"
    assert set(profiles.faults()) == {"bad", "Bad Name", "binary"}
    for name in ("bad", "binary", "nowhere"):
        with pytest.raises(InvalidInput):
            profiles.get(name)
    for file in folder.iterdir():
        file.unlink()
    assert profiles.load()
    assert profiles.get("epever-tracer").title != "Mine"
    assert profiles.faults() == {}


def test_the_guide_lists_every_quantity_reason_and_profile() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "guide" / "telemetry.md").read_text(encoding="utf-8")
    for quantity in QUANTITIES.values():
        believed = "0 or 1" if quantity.boolean else f"{quantity.low:g} to {quantity.high:g}"
        assert f"| `{quantity.name}` | {quantity.unit} | {believed} | {quantity.stale_s:g} s |" in guide
    for word in (*REASONS, *(name for name in shipped() if name != "push")):
        assert f"`{word}`" in guide, word
