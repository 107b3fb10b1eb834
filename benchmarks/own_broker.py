"""Our own MQTT broker under many devices: signing in, telling every 10 s, and as fast as it goes.

`python -m benchmarks.own_broker --devices 2000`. The broker runs with a gatherer in a process of its own, whose
processor time and memory are told; the devices are raw sockets, so that they cost little themselves.
"""

import argparse
import asyncio
import multiprocessing
import resource
import struct
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from manara.base.clock import SystemClock
from manara.formats.mqtt import length_of
from manara.network.telemetry.devices import DeviceSpec, new_token
from manara.network.telemetry.gather import Gatherer
from manara.network.telemetry.latest import Latest
from manara.network.telemetry.own_broker import Place
from manara.store.nats_server import free_port
from manara.store.secret import SecretBox

AT_ONCE = 20
TOLD = b'{"fan_rpm": 900, "temperature_c": 31.5}'
Pipe = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Look(NamedTuple):
    """What the broker's process has used until now."""

    at_s: float
    cpu_s: float
    memory_mb: float


def serve(port: int, specs: list[DeviceSpec], asked: "Connection[Look, str]") -> None:
    """Gather until told to end, and answer each question with a `Look`."""

    async def run() -> None:
        clock = SystemClock()
        sink = Latest(clock).take_each
        gatherer = Gatherer(lambda: specs, sink, SecretBox(bytes(32)), clock, own_broker=Place("127.0.0.1", port))
        gathering = asyncio.create_task(gatherer.run())
        while len(gatherer.states()) < len(specs):  # noqa: ASYNC110 nothing tells of it
            await asyncio.sleep(0.05)
        question = "begin"
        while question != "end":
            used = resource.getrusage(resource.RUSAGE_SELF)
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            memory_mb = pages * resource.getpagesize() / 1e6
            asked.send(Look(time.monotonic(), used.ru_utime + used.ru_stime, memory_mb))
            question = await asyncio.get_running_loop().run_in_executor(None, asked.recv)
        gathering.cancel()

    asyncio.run(run())


def text(value: str) -> bytes:
    """A text as MQTT writes it."""
    return struct.pack(">H", len(value)) + value.encode()


def publish(device: int, number: int) -> bytes:
    """A message with QoS 1."""
    body = text(f"site/D{device}/cabinet") + struct.pack(">H", number) + TOLD
    return b"\x32" + length_of(len(body)) + body


async def play(port: int, tokens: list[str], broker: "Connection[str, Look]") -> None:
    """All devices, and what is printed."""
    count = len(tokens)

    def look() -> Look:
        broker.send("look")
        return broker.recv()

    async def sign_in(device: int) -> Pipe:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        body = text("MQTT") + b"\x04\xc2\x00\x3c" + text(f"c{device}") + text(f"D{device}") + text(tokens[device])
        writer.write(b"\x10" + length_of(len(body)) + body)
        assert await reader.readexactly(4) == b"\x20\x02\x00\x00"
        return reader, writer

    async def say(device: int, numbers: range) -> None:
        reader, writer = pipes[device]
        writer.write(b"".join(publish(device, number) for number in numbers))
        await reader.readexactly(4 * len(numbers))

    before, pipes = broker.recv(), list[Pipe]()
    began_s = time.monotonic()
    for first in range(0, count, AT_ONCE):
        pipes += await asyncio.gather(*(sign_in(device) for device in range(first, min(count, first + AT_ONCE))))
    took_s, after = time.monotonic() - began_s, look()
    print(
        f"{count} devices signed in within {took_s:.1f} s: {1e3 * (after.cpu_s - before.cpu_s) / count:.2f} ms of "
        f"processor and {1e3 * (after.memory_mb - before.memory_mb) / count:.1f} kB each"
    )
    before = look()
    for number in (1, 2):
        for step in range(100):
            next_s = time.monotonic() + 0.1
            devices = range(step * count // 100, (step + 1) * count // 100)
            await asyncio.gather(*(say(device, range(number, number + 1)) for device in devices))
            await asyncio.sleep(max(0.0, next_s - time.monotonic()))
    after = look()
    part = (after.cpu_s - before.cpu_s) / (after.at_s - before.at_s)
    print(f"each tells two readings every 10 s: {100 * part:.1f} % of a core")
    before = look()
    await asyncio.gather(*(say(device, range(10, 30)) for device in range(count)))
    after, messages = look(), 20 * count
    rate = messages / (after.at_s - before.at_s)
    each_us = 1e6 * (after.cpu_s - before.cpu_s) / messages
    print(f"as fast as it goes: {rate:.0f} messages/s, {each_us:.0f} µs of processor each")
    broker.send("end")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=2000)
    count, port = parser.parse_args().devices, free_port()
    made = [new_token(f"d{number}") for number in range(count)]
    specs = [
        DeviceSpec(
            id=f"d{number}",
            site_id=f"s{number}",
            code=f"D{number}",
            protocol="mqtt",
            address=f"mqtt:///site/D{number}",
            profile="mqtt-json",
            token_hash=token_hash,
        )
        for number, (_, token_hash) in enumerate(made)
    ]
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(port, specs, theirs), daemon=True)
    server.start()
    asyncio.run(play(port, [token for token, _ in made], ours))
    server.join(10)


if __name__ == "__main__":
    main()
