"""Real peers for the telemetry's tests: Mosquitto, Net-SNMP's agent, a Modbus server of pymodbus, all on loopback."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from manara.base.clock import SystemClock
from manara.messages import Reading
from manara.network.telemetry.devices import Credentials, DeviceSpec, DeviceState, seal_credentials
from manara.network.telemetry.gather import Gatherer
from manara.network.telemetry.latest import Latest
from manara.network.telemetry.own_broker import Place
from manara.network.telemetry.profiles import Profiles
from manara.store.nats_server import free_port
from manara.store.secret import SecretBox
from tests.support.patience import LONG_S

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
SNMPD = shutil.which("snmpd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
BOX = SecretBox(bytes(range(32)))


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(condition: Callable[[], bool], timeout_s: float = LONG_S) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


class Mosquitto:
    """A broker that can be killed and started again on the same port."""

    def __init__(self, folder: Path, *, password: str = "") -> None:
        if MOSQUITTO is None:
            pytest.skip("Debian's mosquitto is not installed")
        self.port = free_port()
        lines = [f"listener {self.port} 127.0.0.1", "persistence false", "user root"]
        if password:
            file = folder / "passwords"
            subprocess.run(["mosquitto_passwd", "-b", "-c", str(file), "field", password], check=True)
            lines += [f"password_file {file}", "allow_anonymous false"]
        else:
            lines.append("allow_anonymous true")
        self._settings = folder / "mosquitto.conf"
        self._settings.write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert MOSQUITTO is not None
        self._process = subprocess.Popen(
            [MOSQUITTO, "-c", str(self._settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + LONG_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=0.2).close()
                return
            except OSError:
                assert self._process.poll() is None, "mosquitto ended"
                assert time.monotonic() < deadline
                time.sleep(0.01)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Snmpd:
    """Net-SNMP's agent: community `public`, v3 user `reader` (SHA-256, AES), and values of our choosing."""

    def __init__(self, folder: Path, values: Mapping[str, str] | None = None) -> None:
        if SNMPD is None:
            pytest.skip("Debian's snmpd is not installed")
        self.port = free_udp_port()
        (folder / "var").mkdir()
        lines = [
            f"agentaddress udp:127.0.0.1:{self.port}",
            "rocommunity public 127.0.0.1",
            'createUser reader SHA-256 "auth-password" AES "privacy-password"',
            "rouser reader authpriv",
        ]
        # `override` answers any OID with a value of ours: a device that we do not own
        lines += [f"override {oid} {value}" for oid, value in (values or {}).items()]
        settings = folder / "snmpd.conf"
        settings.write_text("\n".join(lines) + "\n")
        environment = os.environ | {"SNMP_PERSISTENT_DIR": str(folder / "var"), "MIBS": ""}
        self._process = subprocess.Popen(
            [SNMPD, "-f", "-C", "-c", str(settings), "-Lf", str(folder / "log"), "-I", "-smux"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + LONG_S
        while "NET-SNMP version" not in ((folder / "log").read_text() if (folder / "log").exists() else ""):
            assert self._process.poll() is None, "snmpd ended"
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@contextlib.asynccontextmanager
async def modbus_server(registers: Mapping[int, Sequence[int]], unit: int = 1, port: int = 0) -> AsyncIterator[int]:
    """A server whose input and holding registers hold blocks of values; yields its port."""
    blocks = [
        SimData(address=first, values=list(values), datatype=DataType.REGISTERS)
        for first, values in sorted(registers.items())
    ]
    port = port or free_port()
    server = ModbusTcpServer(SimDevice(id=unit, simdata=blocks), address=("127.0.0.1", port))
    serving = asyncio.create_task(server.serve_forever())
    await until(lambda: server.transport is not None)
    try:
        yield port
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


class Gathering:
    """A gatherer with its latest values, running."""

    def __init__(self, devices: Sequence[DeviceSpec], profiles: Profiles | None, own_broker: Place | None) -> None:
        self.clock = SystemClock()
        self.latest = Latest(self.clock)
        self.devices = list(devices)
        self.believed: list[Reading] = []
        self.gatherer = Gatherer(
            lambda: list(self.devices),
            self._sink,
            BOX,
            self.clock,
            profiles=profiles,
            own_broker=own_broker,
            refresh_s=0.2,
        )

    def _sink(self, readings: Sequence[Reading]) -> list[str]:
        reasons = self.latest.take_each(readings)
        self.believed += [reading for reading, reason in zip(readings, reasons, strict=True) if not reason]
        return reasons

    def state(self, device_id: str = "dev") -> DeviceState:
        return next(state for state in self.gatherer.states() if state.device_id == device_id)

    def known(self) -> bool:
        return bool(self.gatherer.states())

    def value(self, subject: str, quantity: str) -> float | None:
        return self.latest.fresh(subject, quantity)


@contextlib.asynccontextmanager
async def gathering(
    *devices: DeviceSpec, profiles: Profiles | None = None, own_broker: Place | None = None
) -> AsyncIterator[Gathering]:
    """A running gatherer of these devices."""
    made = Gathering(devices, profiles, own_broker)
    running = asyncio.create_task(made.gatherer.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def device(protocol: str, address: str = "", profile: str = "", **changes: object) -> DeviceSpec:
    """A device `dev` at the site `s1`, with the usual parts."""
    credentials = changes.pop("credentials", None)
    sealed = seal_credentials(BOX, credentials) if isinstance(credentials, Credentials) else ""
    given: dict[str, object] = {
        "id": "dev",
        "site_id": "s1",
        "code": "DEV-1",
        "subjects": {
            "grid": "power_source:g1",
            "solar": "power_source:p1",
            "battery": "power_source:b1",
            "switch": "switch:w1",
            "target": "site:s1",
        },
        "poll_s": 2.0,
        "credentials_sealed": sealed,
    }
    return DeviceSpec(protocol=protocol, address=address, profile=profile, **(given | changes))  # type: ignore[arg-type]


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    broker = Mosquitto(tmp_path)
    broker.start()
    yield broker
    broker.kill()
