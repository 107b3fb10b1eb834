"""SNMP against Net-SNMP's own agent: v2c, v3 with authentication and privacy, and what goes wrong."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from manara.network.telemetry.devices import Credentials, DeviceFault
from manara.network.telemetry.profiles import Profiles, SnmpProfile, parse_profile
from manara.network.telemetry.snmp import SnmpPoller, SnmpShared
from tests.network.telemetry.peers import Snmpd, device, free_udp_port, gathering, until

UPS = {
    "1.3.6.1.2.1.33.1.4.1.0": "integer 5",  # on battery
    "1.3.6.1.2.1.33.1.3.3.1.3.1": "integer 4",
    "1.3.6.1.2.1.33.1.2.4.0": "integer 71",
    "1.3.6.1.2.1.33.1.2.5.0": "integer 247",
    "1.3.6.1.2.1.33.1.2.7.0": "integer 400",  # nonsense: 400 °C
}
V2C = Credentials(community="public")
V3 = Credentials(
    username="reader",
    auth_protocol="sha256",
    auth_password="auth-password",
    privacy_protocol="aes128",
    privacy_password="privacy-password",
)


def mapping(text: str) -> SnmpProfile:
    found = parse_profile(text, "own.toml")
    assert isinstance(found, SnmpProfile)
    return found


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    made = Snmpd(tmp_path_factory.mktemp("snmpd"), UPS)
    yield made
    made.kill()


@pytest.mark.parametrize("credentials", [V2C, V3], ids=["v2c", "v3"])
def test_a_ups_by_the_standard_mib(agent: Snmpd, credentials: Credentials) -> None:
    async def play() -> None:
        ups = device("snmp", f"127.0.0.1:{agent.port}", "ups-mib", credentials=credentials)
        async with gathering(ups) as made:
            await until(lambda: made.known() and made.state().state == "ok")
            assert made.value("power_source:g1", "grid_present") == 0.0
            assert made.value("power_source:g1", "grid_voltage_v") == 4.0
            assert made.value("power_source:b1", "state_of_charge_pct") == 71.0
            assert made.value("power_source:b1", "battery_voltage_v") == pytest.approx(24.7)
            hot = made.latest.get("power_source:b1", "battery_temperature_c")
            assert hot is not None
            assert (hot.fault, hot.fault_value) == ("out_of_range", 400.0)
            assert made.value("site:s1", "load_power_w") is None  # the agent has no such object
            assert made.state().refused >= 1

    asyncio.run(play())


@pytest.mark.parametrize("credentials", [V2C, V3], ids=["v2c", "v3"])
def test_ports_of_a_switch_with_rates(agent: Snmpd, credentials: Credentials) -> None:
    async def play() -> None:
        text = """
title = "Interfaces of this machine"
protocol = "snmp"
[[reading]]
part = "switch"
quantity = "uptime_s"
oid = "1.3.6.1.2.1.1.3.0"
scale = 0.01
[[reading]]
part = "port"
quantity = "port_up"
oid = "1.3.6.1.2.1.2.2.1.8"
column = true
true_when = [1]
[[reading]]
part = "port"
quantity = "port_rx_bps"
oid = "1.3.6.1.2.1.2.2.1.10"
column = true
rate = true
scale = 8
"""
        profile = mapping(text)
        poller = SnmpPoller(
            device("snmp", f"127.0.0.1:{agent.port}", credentials=credentials), profile, credentials, SnmpShared()
        )
        found = await poller.poll()
        by_part = {(entry.quantity, index): raw for entry, index, raw, _ in found}
        assert by_part[("port_up", "1")] == 1  # loopback is always up
        assert isinstance(by_part[("port_rx_bps", "1")], int)
        assert isinstance(by_part[("uptime_s", "")], int)
        await poller.close()

    asyncio.run(play())


def test_only_rows_of_the_kind_that_is_wanted(agent: Snmpd) -> None:
    async def play() -> None:
        text = """
title = "Loopback only"
protocol = "snmp"
[snmp]
only_oid = "1.3.6.1.2.1.2.2.1.3"
only_values = [24]
[[reading]]
part = "port"
quantity = "port_up"
oid = "1.3.6.1.2.1.2.2.1.8"
column = true
true_when = [1]
"""
        poller = SnmpPoller(device("snmp", f"127.0.0.1:{agent.port}"), mapping(text), V2C, SnmpShared())
        assert [index for _, index, _, _ in await poller.poll()] == ["1"]

    asyncio.run(play())


@pytest.mark.parametrize(
    ("credentials", "why"),
    [
        (Credentials(community="wrong"), "timeout"),  # v2c agents keep silent
        (Credentials(username="nobody", auth_protocol="sha256", auth_password="auth-password"), "auth"),
        (Credentials(username="reader", auth_protocol="sha256", auth_password="another-password"), "auth"),
        (Credentials(), "auth"),
        (Credentials(username="reader", privacy_protocol="aes128", privacy_password="privacy-password"), "auth"),
    ],
    ids=["community", "user", "password", "nothing", "privacy alone"],
)
def test_credentials_that_do_not_work_are_told(agent: Snmpd, credentials: Credentials, why: str) -> None:
    async def play() -> None:
        profile = mapping(QUICK)
        spec = device("snmp", f"127.0.0.1:{agent.port}")
        with pytest.raises(DeviceFault) as fault:
            await SnmpPoller(spec, profile, credentials, SnmpShared()).poll()
        assert fault.value.why == why
        assert fault.value.detail

    asyncio.run(play())


QUICK = """
title = "Quick"
protocol = "snmp"
[snmp]
timeout_s = 0.2
retries = 0
[[reading]]
part = "switch"
quantity = "uptime_s"
oid = "1.3.6.1.2.1.1.3.0"
scale = 0.01
"""


@pytest.mark.parametrize(
    ("address", "why"),
    [("127.0.0.1:{free}", "timeout"), ("no such host", "address"), ("127.0.0.1:99999", "address"), ("", "address")],
)
def test_an_agent_that_is_not_there(address: str, why: str) -> None:
    async def play() -> None:
        spec = device("snmp", address.format(free=free_udp_port()))
        with pytest.raises(DeviceFault) as fault:
            await SnmpPoller(spec, mapping(QUICK), V2C, SnmpShared()).poll()
        assert fault.value.why == why

    asyncio.run(play())


def test_an_agent_that_goes_silent(tmp_path: Path) -> None:
    async def play() -> None:
        (tmp_path / "profiles").mkdir()
        (tmp_path / "profiles" / "quick.toml").write_text(QUICK)
        folder = tmp_path / "one"
        folder.mkdir()
        agent = Snmpd(folder)
        from_now = device("snmp", f"127.0.0.1:{agent.port}", "quick", credentials=V2C)
        async with gathering(from_now, profiles=Profiles(tmp_path)) as made:
            try:
                await until(lambda: made.known() and made.state().state == "ok")
            finally:
                agent.kill()
            await until(lambda: made.state().state == "unreadable")
            assert made.state().why == "timeout"
            assert "does not answer SNMP" in made.state().detail

    asyncio.run(play())


def test_long_tables_come_whole_and_within_their_bound(agent: Snmpd) -> None:
    async def play() -> None:
        text = """
title = "What the agent serves (sysORTable)"
protocol = "snmp"
[snmp]
rows = {rows}
[[reading]]
part = "switch"
quantity = "uptime_s"
oid = "1.3.6.1.2.1.1.9.1.4"
column = true
scale = 0.01
"""
        spec = device("snmp", f"127.0.0.1:{agent.port}")
        whole = SnmpPoller(spec, mapping(text.format(rows=512)), V2C, SnmpShared())
        first = [row for _, row, _, _ in await whole.poll()]
        assert len(first) >= 9  # more than one request the first time …
        assert first == [str(n) for n in range(1, len(first) + 1)]
        requests = whole._requests
        assert [row for _, row, _, _ in await whole.poll()] == first
        assert whole._requests == 1 <= requests  # … and one from then on
        bounded = SnmpPoller(spec, mapping(text.format(rows=4)), V2C, SnmpShared())
        assert [row for _, row, _, _ in await bounded.poll()] == ["1", "2", "3", "4"]

    asyncio.run(play())
