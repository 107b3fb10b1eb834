"""What rows of the infrastructure may be: all faults at once, what fits together, addresses, secrets, hostile rows."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manara.network.infrastructure import rules
from manara.network.rules import Fault, check_fields


def faults(noun: str, **values: Any) -> dict[str, str]:
    clean, found = check_fields(rules.FIELDS[noun], values, new=True)
    whole = {name: clean.get(name) for name in rules.FIELDS[noun]}
    return {fault.field: fault.message for fault in [*rules.together(noun, whole, None), *found]}


def test_a_battery_needs_its_capacity_and_only_a_battery_has_one() -> None:
    assert set(faults("power_source", site_id="s", kind="battery")) == {"capacity_wh"}
    assert set(faults("power_source", site_id="s", kind="solar", capacity_wh=5)) == {"capacity_wh", "peak_w"}
    assert faults("power_source", site_id="s", kind="شمسية", peak_w="٤٤٠", installed_us="2024-05-31") == {}
    assert set(faults("power_source", kind="coal", nominal_v=0, installed_us="soon")) == {
        "site_id", "kind", "nominal_v", "installed_us",
    }  # fmt: skip


def test_a_link_has_two_ends() -> None:
    assert faults("link", code="L", a_site_id="a", b_site_id="b", rx_low_dbm=-24) == {}
    assert set(faults("link", code="L", kind="radio", a_site_id="a", b_site_id="a", a_port=1, rx_low_dbm=-24)) == {
        "b_site_id", "a_port", "rx_low_dbm",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("protocol", "address", "good"),
    [
        ("push", "", True),
        ("push", "10.0.0.1", False),
        ("mqtt", "mqtt:///manara/site-1", True),
        ("mqtt", "mqtts://broker:8883/a/b", True),
        ("mqtt", "mqtt://user:secret@broker/a", False),
        ("mqtt", "mqtt:///a/#", False),
        ("mqtt", "http://broker/a", False),
        ("snmp", "10.0.0.1:1161", True),
        ("snmp", "[fd00::1]:161", True),
        ("snmp", "10.0.0.1:99999", False),
        ("snmp", "10.0.0.1; rm -rf /", False),
        ("snmp", "", False),
        ("modbus", "10.0.0.1:502/17", True),
        ("modbus", "10.0.0.1/300", False),
        ("snmp", "10.0.0.1/3", False),
        ("icmp", "pole-1.example", True),
        ("icmp", "10.0.0.1:7", False),
    ],
)
def test_addresses_of_devices(protocol: str, address: str, good: bool) -> None:
    found = faults("device", site_id="s", code="D", protocol=protocol, address=address)
    assert (found == {}) is good, found


def test_credentials_are_those_that_are_known() -> None:
    assert rules.credentials("community=public") == rules.credentials({"community": "public"})
    assert rules.credentials({}) == ""
    for bad in (
        {"cookie": "x"},
        {"auth_protocol": "rot13"},
        "no equals",
        "a=1;a=2",
        {"community": 5},
        "{",
        "x=" + "y" * 300,
    ):
        with pytest.raises(Fault):
            rules.credentials(bad)


def test_subjects_have_a_noun_we_know() -> None:
    assert rules.subjects("battery=power_source:battery; port/10101=port:SW-1/1") == {
        "battery": "power_source:battery",
        "port/10101": "port:SW-1/1",
    }
    for bad in ("battery=camel:1", "../x=site:1", {"a": None}, ";".join(f"p{i}=site:" for i in range(300))):
        with pytest.raises(Fault):
            rules.subjects(bad)


loose = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def row_of(noun: str) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    return st.tuples(st.just(noun), st.dictionaries(st.sampled_from(sorted(rules.FIELDS[noun])), loose, max_size=5))


@given(st.sampled_from(rules.NOUNS).flatmap(row_of))
@settings(max_examples=60)
def test_whatever_comes_is_judged_and_nothing_secret_is_repeated(given_row: tuple[str, dict[str, Any]]) -> None:
    noun, values = given_row
    clean, found = check_fields(rules.FIELDS[noun], values, new=True)
    rules.together(noun, {name: clean.get(name) for name in rules.FIELDS[noun]}, None)
    assert all(fault.value is None for fault in found if fault.field == "credentials")
