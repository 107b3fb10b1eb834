"""ICMP echo: whether something answers, how quickly, and how much is lost.

Without privileges where the kernel allows it (`net.ipv4.ping_group_range`), with a raw socket where we may have one;
where neither is so, the device says that in plain words, instead of looking as if everything were cut off. Something
that does not answer is a measurement (`reachable` 0), not a fault of the measuring. Source: RFC 792; the library
icmplib.
"""

import asyncio
import socket

from icmplib import ICMPLibError, SocketPermissionError, async_ping

from manara.network.telemetry.devices import ADDRESS, NOT_ALLOWED, UNREACHABLE, DeviceFault, DeviceSpec
from manara.network.telemetry.found import Found, host_port
from manara.network.telemetry.profiles import EchoProfile

INTERVAL_S = 0.2
_HOW = (
    "this machine's kernel lets nobody here send an echo: "
    'set sysctl net.ipv4.ping_group_range="0 2147483647", or give the service CAP_NET_RAW'
)


class EchoShared:
    """Remembers which kind of socket the kernel allows."""

    def __init__(self) -> None:
        self.privileged = False


class EchoPoller:
    """One address."""

    def __init__(self, spec: DeviceSpec, profile: EchoProfile, shared: EchoShared) -> None:
        self._host, _, _ = host_port(spec.address, 1)
        self._profile = profile
        self._shared = shared

    async def poll(self) -> list[Found]:
        """Reachable, round-trip time, loss. Raises `DeviceFault`."""
        address = await self._resolve()
        try:
            answer = await self._ping(address)
        except (ICMPLibError, OSError) as error:
            raise DeviceFault(UNREACHABLE, f"{self._host}: {str(error)[:120]}") from error
        alive, rtt_ms, loss_pct = answer
        measured: dict[str, object] = {"reachable": alive, "rtt_ms": rtt_ms if alive else None, "loss_pct": loss_pct}
        return [Found(entry, "", measured[entry.measure]) for entry in self._profile.reading]

    async def close(self) -> None:
        """Nothing stays open."""

    async def _resolve(self) -> str:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(self._host, None, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError) as error:
            raise DeviceFault(ADDRESS, f"the name {self._host} is not known") from error
        return str(found[0][4][0])

    async def _ping(self, address: str) -> tuple[bool, float, float]:
        part = self._profile.icmp
        for privileged in (self._shared.privileged, True):
            try:
                host = await async_ping(
                    address, count=part.count, interval=INTERVAL_S, timeout=part.timeout_s, privileged=privileged
                )
            except SocketPermissionError as error:
                if privileged:
                    raise DeviceFault(NOT_ALLOWED, _HOW) from error
                continue
            self._shared.privileged = privileged
            return host.is_alive, host.avg_rtt, round(host.packet_loss * 100, 1)
        raise DeviceFault(NOT_ALLOWED, _HOW)
