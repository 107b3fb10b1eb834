"""ICMP echo by the kernel of this machine, and what is said where it does not allow it."""

import asyncio
import socket
from typing import Any, NamedTuple

import pytest
from icmplib import SocketPermissionError

from manara.network.telemetry import echo
from manara.network.telemetry.devices import DeviceFault
from manara.network.telemetry.echo import EchoPoller, EchoShared
from manara.network.telemetry.profiles import EchoProfile, parse_profile
from tests.network.telemetry.peers import device, gathering, until

QUICK = """
title = "Quick echo"
protocol = "icmp"
[icmp]
count = 2
timeout_s = 0.2
[[reading]]
part = "target"
quantity = "reachable"
measure = "reachable"
[[reading]]
part = "target"
quantity = "rtt_ms"
measure = "rtt_ms"
[[reading]]
part = "target"
quantity = "loss_pct"
measure = "loss_pct"
"""


def quick() -> EchoProfile:
    found = parse_profile(QUICK, "quick.toml")
    assert isinstance(found, EchoProfile)
    return found


def test_this_machine_answers_itself() -> None:
    async def play() -> None:
        async with gathering(device("icmp", "127.0.0.1", "echo")) as made:
            await until(lambda: made.known() and made.state().state in ("ok", "unreadable"))
            if made.state().why == "not_allowed":
                pytest.skip(made.state().detail)
            assert made.value("site:s1", "reachable") == 1.0
            assert made.value("site:s1", "loss_pct") == 0.0
            rtt_ms = made.value("site:s1", "rtt_ms")
            assert rtt_ms is not None
            assert 0 < rtt_ms < 1000

    asyncio.run(play())


class Answer(NamedTuple):
    is_alive: bool
    avg_rtt: float
    packet_loss: float


def test_what_does_not_answer_is_measured_and_no_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nobody(*_: Any, **__: Any) -> Answer:
        return Answer(False, 0.0, 1.0)

    monkeypatch.setattr(echo, "async_ping", nobody)
    found = asyncio.run(EchoPoller(device("icmp", "127.0.0.1"), quick(), EchoShared()).poll())
    assert [raw for _, _, raw, _ in found] == [False, None, 100.0]


def test_a_kernel_that_does_not_allow_it_is_told_in_plain_words(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    async def refused(*_: Any, privileged: bool, **__: Any) -> None:
        tried.append(privileged)
        raise SocketPermissionError(privileged)

    monkeypatch.setattr(echo, "async_ping", refused)

    async def play() -> None:
        with pytest.raises(DeviceFault) as fault:
            await EchoPoller(device("icmp", "127.0.0.1"), quick(), EchoShared()).poll()
        assert fault.value.why == "not_allowed"
        assert "ping_group_range" in fault.value.detail

    asyncio.run(play())
    assert tried == [False, True]


@pytest.mark.parametrize("address", ["", "no such host", "nowhere.invalid"])
def test_names_that_are_not_known(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(-2, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    async def play() -> None:
        with pytest.raises(DeviceFault) as fault:
            await EchoPoller(device("icmp", address), quick(), EchoShared()).poll()
        assert fault.value.why == "address"

    asyncio.run(play())
