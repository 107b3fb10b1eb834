"""How long it takes to find an hour of one camera in a full index, against a bare primary-key SELECT in the same run.

    python -m benchmarks.index_query                      300 cameras x 30 days: one recorder, ~1.3 million segments
    python -m benchmarks.index_query --cameras 10000 --gops 20    all cameras of a province in one file, smaller tables

Limit (issue 2): p99 <= 20 ms. The index is filled through the program's own schema; each query is what playback asks:
segments with their tables, unpacked, and gaps. Bounds: about 2 KB a segment on disk with the default tables.
"""

import argparse
import json
import os
import platform
import random
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from manara.recorder import index as rows
from manara.recorder.gop_table import Packer, unpack

SEGMENT_US = 600 * 1_000_000
START_US = 1_760_000_000_000_000
DAY_US = 86_400 * 1_000_000
LIMIT_MS = 20.0


def table(rng: random.Random, gops: int) -> bytes:
    """A packed table of one segment: GOPs of equal length with sizes and arrivals that jitter."""
    packer = Packer(0)
    duration = 54_000_000 // gops
    wall_us = 0
    for _ in range(gops):
        packer.add(wall_us, duration, rng.randint(300_000, 700_000), 30, key=True)
        wall_us += duration * 100 // 9 + rng.randint(-300, 300)
    return bytes(packer.packed)


def fill(path: Path, cameras: int, days: float, gops: int) -> int:
    """Make the index. Returns the number of segments."""
    db = rows.connect(path)
    db.execute("PRAGMA synchronous=OFF")
    rng = random.Random(7)
    tables = [table(rng, gops) for _ in range(64)]
    disk = rows.disk_id(db, "/disk0")
    per_camera = int(days * DAY_US // SEGMENT_US)
    chain = bytes(32)
    db.execute("BEGIN")
    ids = [rows.stream_id(db, f"cam{number:09d}", "main") for number in range(cameras)]
    # in the order in which a recorder writes: all cameras of one ten minutes, then the next
    for at in range(per_camera):
        begin_us = START_US + at * SEGMENT_US
        db.executemany(
            "INSERT INTO segment (stream, disk, name, state, start_us, end_us, bytes, frames, init_bytes, chain_before,"
            " chain, packed) VALUES (?,?,?,1,?,?,?,?,?,?,?,?)",
            (
                (
                    stream, disk, f"cam{number:09d}/main/20251009/{begin_us + number}-{at:012d}.mp4",
                    begin_us + number, begin_us + number + SEGMENT_US, 150_000_000, 9000, 700, chain, chain,
                    tables[(at + number) % 64],
                )
                for number, stream in enumerate(ids)
            ),
        )  # fmt: skip
        if at % 20 == 0:
            db.execute("COMMIT")
            db.execute("BEGIN")
    db.executemany(
        "INSERT INTO gap (stream, start_us, end_us, cause) VALUES (?,?,?,?)",
        ((s, START_US + d * DAY_US, START_US + d * DAY_US + 9_000_000, "lost") for s in ids for d in range(int(days))),
    )
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    os.sync()  # what filling left to be written must not be counted against the queries
    return per_camera * cameras


def quantile(times: list[float], part: float) -> float:
    """In ms."""
    return sorted(times)[min(len(times) - 1, int(len(times) * part))] * 1000


def ask(path: Path, cameras: int, days: float, queries: int) -> tuple[list[float], list[float], list[float], int]:
    """Times of the queries by the wall and by the processor, of the floor, all in s; and the GOPs found."""
    db = rows.connect_read_only(path)
    rng = random.Random(11)
    (most,) = db.execute("SELECT max(id) FROM segment").fetchone()
    took, busy, floor, found = [], [], [], 0
    for _ in range(queries):
        camera_id = f"cam{rng.randrange(cameras):09d}"
        from_us = START_US + int(rng.random() * (days * DAY_US - 3600 * 1_000_000))
        begun, cpu = time.perf_counter(), time.thread_time()
        for segment, packed in rows.find_segments(db, camera_id, "main", from_us, from_us + 3600 * 1_000_000):
            found += len(unpack(packed, segment.start_us, segment.init_bytes))
        rows.find_gaps(db, camera_id, "main", from_us, from_us + 3600 * 1_000_000)
        took.append(time.perf_counter() - begun)
        busy.append(time.thread_time() - cpu)
        wanted = rng.randrange(1, most)
        begun = time.perf_counter()
        db.execute("SELECT start_us, packed FROM segment WHERE id=?", (wanted,)).fetchone()
        floor.append(time.perf_counter() - begun)
    db.close()
    return took, busy, floor, found


def main() -> int:
    """Prints one line of JSON. Returns 1 where the limit is not held."""
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--cameras", type=int, default=300)
    options.add_argument("--days", type=float, default=30.0)
    options.add_argument("--gops", type=int, default=300, help="GOPs a segment of ten minutes")
    options.add_argument("--queries", type=int, default=2000)
    options.add_argument("--folder", type=Path, default=None, help="where to make the index (default: temporary)")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        path = Path(folder) / "index.sqlite"
        begun = time.perf_counter()
        segments = fill(path, chosen.cameras, chosen.days, chosen.gops)
        filled_s = time.perf_counter() - begun
        took, busy, floor, found = ask(path, chosen.cameras, chosen.days, chosen.queries)
        size = path.stat().st_size
    p99 = quantile(took, 0.99)
    told = {
        "benchmark": "index_query",
        "cameras": chosen.cameras,
        "days": chosen.days,
        "segments": segments,
        "index_bytes": size,
        "filled_s": round(filled_s, 1),
        "queries": chosen.queries,
        "gops_a_query": round(found / chosen.queries),
        "p50_ms": round(quantile(took, 0.5), 3),
        "p99_ms": round(p99, 3),
        "max_ms": round(max(took) * 1000, 3),
        "cpu_p50_ms": round(quantile(busy, 0.5), 3),  # what is left when others use the machine too
        "cpu_p99_ms": round(quantile(busy, 0.99), 3),
        "floor": "one row by primary key",
        "floor_p50_ms": round(quantile(floor, 0.5), 4),
        "floor_p99_ms": round(quantile(floor, 0.99), 4),
        "times_floor_p50": round(quantile(took, 0.5) / quantile(floor, 0.5), 1),
        "limit_p99_ms": LIMIT_MS,
        "ok": p99 <= LIMIT_MS,
        "machine": {
            "cpus": os.cpu_count(),
            "load": round(os.getloadavg()[0], 1),
            "system": platform.platform(),
            "sqlite": sqlite3.sqlite_version,
        },
    }
    print(json.dumps(told))
    return 0 if told["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
