"""Readings a second from a device's bytes to the disk in one process, against the floor of writing the same rows only.

    python -m benchmarks.telemetry                      1,000 sites, an hour at a reading of 12 quantities each 30 s
    python -m benchmarks.telemetry --sites 200 --minutes 20

The way: JSON of a site's message → values by the mapping → readings → check → latest → Parquet (written and synced each
10 s of the played time). The floor: the same rows, already in columns, written by pyarrow alone into as many files with
the same settings and synced. Then what it costs to roll the hour up, to ask one series of it and the hourly load of all
sites. Limits: ten times what 1,000 such sites send; a series within 100 ms (p95).
"""

import argparse
import json
import os
import platform
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from manara.base.clock import FakeClock
from manara.network.telemetry.book import Book
from manara.network.telemetry.convert import parse_path
from manara.network.telemetry.devices import DeviceSpec
from manara.network.telemetry.found import Found
from manara.network.telemetry.latest import Latest
from manara.network.telemetry.payload import at_path, parse_json
from manara.network.telemetry.profiles import MqttProfile, shipped
from manara.store.measurements import ROW_GROUP_ROWS, SCHEMA, Measurements
from manara.store.measurements_files import HOUR_US, RAW, days, pieces, write_whole

EVERY_S = 30
FLUSH_EVERY_S = 10
START_US = 1_760_000_400_000_000 // HOUR_US * HOUR_US
SERIES_LIMIT_MS = 100.0
HEADROOM = 10.0


def payloads(rng: random.Random, count: int) -> list[bytes]:
    """Messages as a site controller sends them."""
    return [
        json.dumps(
            {
                "grid": {"present": rng.random() > 0.05, "voltage_v": round(rng.gauss(225, 8), 1)},
                "solar": {"power_w": round(rng.uniform(0, 300), 1), "voltage_v": round(rng.uniform(0, 40), 2)},
                "battery": {
                    "present": True,
                    "voltage_v": round(rng.uniform(23, 28), 2),
                    "current_a": round(rng.uniform(-8, 8), 2),
                    "state_of_charge_pct": rng.randrange(20, 101),
                    "temperature_c": round(rng.uniform(15, 60), 1),
                },
                "load_power_w": round(rng.uniform(40, 160), 1),
            }
        ).encode()
        for _ in range(count)
    ]


def play(folder: Path, sites: int, minutes: int) -> tuple[Measurements, FakeClock, dict[str, float]]:
    """An hour of messages through the program's own way. Returns what it left and what it cost."""
    clock = FakeClock(START_US)
    latest = Latest(clock)
    store = Measurements(folder)
    written_s = 0.0

    def sink(readings: object) -> list[str]:
        reasons = latest.take_each(readings)  # type: ignore[arg-type]
        store.append(r for r, reason in zip(readings, reasons, strict=True) if not reason)  # type: ignore[call-overload]
        return reasons

    book = Book(sink, clock)
    profile = shipped()["mqtt-json"]
    assert isinstance(profile, MqttProfile)
    entries = [(entry, parse_path(entry.path)) for entry in profile.reading if entry.topic == "power"]
    for n in range(sites):
        parts = {part: f"power_source:{part}{n:08d}" for part in ("grid", "solar", "battery")}
        book.put(DeviceSpec(id=f"d{n}", site_id=f"site{n:08d}", code=f"D{n}", protocol="mqtt", subjects=parts))
    messages = payloads(random.Random(7), sites * minutes * 60 // EVERY_S)
    began, cpu = time.perf_counter(), time.process_time()
    count = 0
    for tick in range(minutes * 60 // FLUSH_EVERY_S):
        share = EVERY_S // FLUSH_EVERY_S
        for n in range(tick % share, sites, share):
            device_id = f"d{n}"
            if book.may_speak(device_id):
                value = parse_json(messages[count % len(messages)])
                book.heard(device_id, [Found(entry, "", at_path(value, steps)) for entry, steps in entries])
            count += 1
        clock.advance(FLUSH_EVERY_S)
        flushed = time.perf_counter()
        store.flush()
        if tick % 6 == 5:
            store.upkeep(clock.wall_us())  # as `Measurements.run` does
        written_s += time.perf_counter() - flushed
    took = time.perf_counter() - began
    return (
        store,
        clock,
        {"s": took, "cpu_s": time.process_time() - cpu, "writing_s": written_s, "rows": latest.accepted},
    )


def floor(folder: Path, store: Measurements) -> dict[str, float]:
    """Write the rows of each flush again, from columns in memory, by pyarrow alone. Seconds."""
    flushed = [
        piece.path
        for day in days(store.folder / RAW)
        for piece in pieces(store.folder / RAW / day)
        if piece.first == piece.last
    ]
    tables: list[pa.Table] = [pq.read_table(path, schema=SCHEMA) for path in flushed]
    began, cpu = time.perf_counter(), time.process_time()
    for number, table in enumerate(tables):
        write_whole(
            folder / "floor" / "day" / f"{number}.parquet",
            lambda part, table=table: pq.write_table(  # type: ignore[misc]
                table, part, compression="zstd", row_group_size=ROW_GROUP_ROWS
            ),
        )
    return {
        "s": time.perf_counter() - began,
        "cpu_s": time.process_time() - cpu,
        "rows": float(sum(table.num_rows for table in tables)),
        "files": float(len(tables)),
    }


def ask(store: Measurements, clock: FakeClock, sites: int) -> dict[str, float]:
    """What questions cost before and after the hour is rolled up. Milliseconds and seconds."""
    rng = random.Random(11)

    def series(points: int) -> list[float]:
        took = []
        for _ in range(30):
            subject = f"power_source:battery{rng.randrange(sites):08d}"
            began = time.perf_counter()
            found = store.series(subject, "battery_voltage_v", START_US, START_US + HOUR_US, points)
            took.append((time.perf_counter() - began) * 1000)
            assert found
        return sorted(took)

    before = series(300)  # as it is while the hour still runs
    began = time.perf_counter()
    store.upkeep(clock.wall_us() + 2 * HOUR_US)
    upkeep_s = time.perf_counter() - began
    after = series(300)
    began = time.perf_counter()
    hours = store.last_hours([f"site:site{n:08d}" for n in range(sites)], "load_power_w", 24, clock.wall_us())
    hours_s = time.perf_counter() - began
    assert len(hours) == sites
    return {
        "series_p95_ms_this_hour": before[28],
        "series_p95_ms_past_hour": after[28],
        "upkeep_s": upkeep_s,
        "hours_of_all_sites_s": hours_s,
    }


def per_core(cost: dict[str, float]) -> float:
    """Readings a second of a core's time."""
    return cost["rows"] / cost["cpu_s"]


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=1000)
    parser.add_argument("--minutes", type=int, default=20)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="manara-bench-"))
    try:
        store, clock, cost = play(folder / "m", given.sites, given.minutes)
        bare = floor(folder, store)
        asked = ask(store, clock, given.sites)
        merged = max(store.folder.glob("raw/*/*.parquet"), key=lambda path: path.stat().st_size)
        bytes_a_reading = merged.stat().st_size / cost["rows"]
        store.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    rate = cost["rows"] / cost["s"]
    wanted = given.sites * 10 / EVERY_S
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, pyarrow {pa.__version__}")
    print(
        f"{given.sites} sites, {given.minutes} min played: {cost['rows']:,.0f} readings in {bare['files']:.0f} flushes"
    )
    print(f"  from a device's bytes to the disk: {rate:,.0f} readings/s, {per_core(cost):,.0f} a second of a core")
    print(f"    (writing and merging is {cost['writing_s'] / cost['s'] * 100:.0f} %; these sites send {wanted:,.0f}/s)")
    print(
        f"  floor, pyarrow writing the same rows only: {bare['rows'] / bare['s']:,.0f}/s, {per_core(bare):,.0f} a core"
    )
    clock_share, core_share = rate * bare["s"] / bare["rows"], per_core(cost) / per_core(bare)
    print(f"  over the floor: {clock_share:.2f} by the clock, {core_share:.2f} by a core's time")
    print(f"  on disk after merging: {bytes_a_reading:.1f} bytes a reading")
    for name, value in asked.items():
        print(f"  {name}: {value:.2f}" if name.endswith("_s") else f"  {name}: {value:.1f}")
    missed = []
    if rate < HEADROOM * wanted:
        missed.append(f"fewer than {HEADROOM * wanted:,.0f} readings/s")
    if asked["series_p95_ms_past_hour"] > SERIES_LIMIT_MS:
        missed.append(f"a series took more than {SERIES_LIMIT_MS:.0f} ms")
    for what in missed:
        print(f"MISSED: {what}")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
