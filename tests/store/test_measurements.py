"""Measurements: what is appended is asked back, whatever was merged, rolled up, killed or broken in between."""

import asyncio
import multiprocessing
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from manara.base.clock import FakeClock
from manara.base.errors import Conflict
from manara.messages import Reading
from manara.store import measurements_upkeep
from manara.store.measurements import Measurements
from manara.store.measurements_files import HOUR_US, day_of, pieces, uncovered
from manara.store.measurements_query import Reader
from tests.support.patience import LONG_S

HOUR = HOUR_US
START = 1_700_006_400_000_000  # 2023-11-15 00:00 UTC
MINUTE = 60_000_000


def reading(at_us: int, value: float, subject: str = "site:s1", quantity: str = "load_power_w") -> Reading:
    return Reading(site_id="s1", subject=subject, quantity=quantity, value=value, at_us=at_us)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Measurements]:
    made = Measurements(tmp_path / "m")
    yield made
    made.close()


def raw_files(store: Measurements) -> list[str]:
    return [piece.path.name for piece in uncovered(pieces(store.folder / "raw" / day_of(START)))]


def test_a_series_has_mean_and_extremes_of_each_span_and_only_its_own_subject(store: Measurements) -> None:
    store.append(reading(START + n * MINUTE, float(n)) for n in range(120))
    store.append(reading(START + n * MINUTE, 9999.0, subject="site:s2") for n in range(120))
    store.append(reading(START + n * MINUTE, -1.0, quantity="battery_current_a") for n in range(120))
    assert store.series("site:s1", "load_power_w", START, START + 2 * HOUR, 12) == []  # not on disk yet
    assert store.flush() == 360
    points = store.series("site:s1", "load_power_w", START, START + 2 * HOUR, 12)
    assert [(p.at_us, p.mean, p.low, p.high, p.count) for p in points] == [
        (START + n * 10 * MINUTE, n * 10 + 4.5, n * 10.0, n * 10 + 9.0, 10) for n in range(12)
    ]
    assert store.series("site:s1", "load_power_w", START, START, 10) == []
    assert store.series("site:none", "load_power_w", START, START + HOUR, 10) == []
    # [from, to): the end is the next question's beginning
    assert [p.mean for p in store.series("site:s1", "load_power_w", START + MINUTE, START + 3 * MINUTE, 2)] == [
        1.0,
        2.0,
    ]


def test_merging_and_rolling_up_change_no_answer(store: Measurements) -> None:
    chance = random.Random(3)
    rows = [reading(START + chance.randrange(5 * HOUR), chance.uniform(0, 100), f"site:s{n % 3}") for n in range(6000)]
    asked = [("site:s0", START, START + 5 * HOUR, points) for points in (1, 5, 60)]
    asked += [("site:s1", START + HOUR // 2, START + 3 * HOUR, 300)]
    for first in range(0, len(rows), 200):
        store.append(rows[first : first + 200])
        store.flush()

    def answers() -> list[list[tuple[int, float, float, float, int]]]:
        found = []
        for subject, from_us, to_us, points in asked:
            series = store.series(subject, "load_power_w", from_us, to_us, points)
            found.append([(p.at_us, round(p.mean, 6), p.low, p.high, p.count) for p in series])
        return found

    before = answers()
    assert sum(row[4] for row in before[0]) == 2000
    assert len(raw_files(store)) == 5 * 30
    store.upkeep(START + 3 * HOUR)  # hours 0, 1 are over; 2 not for long enough; too many small files in 3 and 4
    assert answers() == before
    assert len(raw_files(store)) == 5
    store.upkeep(START + 20 * HOUR)
    assert answers() == before
    counters = store.counters()
    assert counters["measurements_rolled_up"] == 10
    assert counters["measurements_merged"] == 150
    # a late reading: the hour is rolled up again, and meanwhile answered from the readings
    store.append([reading(START + 90 * MINUTE, 500.0, "site:s0")])
    store.flush()
    assert max(p.high for p in store.series("site:s0", "load_power_w", START, START + 5 * HOUR, 5)) == 500.0
    store.upkeep(START + 20 * HOUR)
    assert max(p.high for p in store.series("site:s0", "load_power_w", START, START + 5 * HOUR, 5)) == 500.0
    assert store.counters()["measurements_rolled_up"] == 12
    assert sum(p.count for p in store.series("site:s0", "load_power_w", START, START + 5 * HOUR, 5)) == 2001


def test_readings_age_before_roll_ups_do(store: Measurements) -> None:
    day = 24 * HOUR
    store.append(reading(START + n * 10 * MINUTE, float(n)) for n in range(6 * 24))
    store.flush()
    for _ in range(3):
        store.upkeep(START + 2 * day)  # a bounded number of hours each time
    assert store.counters()["measurements_rolled_up"] == 48
    store.upkeep(START + 11 * day)  # nothing arrives any more: one file a day
    assert [piece.hour for piece in uncovered(pieces(store.folder / "1h" / day_of(START)))] == ["day"]
    store.upkeep(START + 16 * day)
    assert not (store.folder / "raw" / day_of(START)).exists()
    hourly = store.series("site:s1", "load_power_w", START, START + day, 24)
    assert [p.mean for p in hourly] == [n * 6 + 2.5 for n in range(24)]
    fine = store.series("site:s1", "load_power_w", START, START + HOUR, 3600)  # finer than what is left
    assert [p.mean for p in fine] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    store.upkeep(START + 900 * day)
    assert store.series("site:s1", "load_power_w", START, START + day, 24) == []


def test_covered_files_go_once_nobody_can_be_reading_them(store: Measurements, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        store.append([reading(START + n, float(n))])
        store.flush()
    store.upkeep(START + 2 * HOUR)
    assert len(list(store.folder.glob("raw/*/*"))) == 4
    store.upkeep(START + 2 * HOUR)
    assert len(list(store.folder.glob("raw/*/*"))) == 4
    monkeypatch.setattr(measurements_upkeep, "COVERED_KEEP_S", -1.0)
    store.upkeep(START + 2 * HOUR)
    assert len(list(store.folder.glob("raw/*/*"))) == 1
    assert [p.count for p in store.series("site:s1", "load_power_w", START, START + HOUR, 1)] == [3]


def test_hours_of_many_sites_come_together(store: Measurements) -> None:
    for n in range(5):
        store.append(reading(START + hour * HOUR + MINUTE, float(n * 100 + hour), f"site:s{n}") for hour in range(10))
    store.flush()
    store.upkeep(START + 10 * HOUR)
    found = store.last_hours(["site:s1", "site:s3", "site:s9"], "load_power_w", 3, START + 9 * HOUR + 2 * MINUTE)
    assert {subject: [p.mean for p in hours] for subject, hours in found.items()} == {
        "site:s1": [106.0, 107.0, 108.0, 109.0],
        "site:s3": [306.0, 307.0, 308.0, 309.0],
    }
    assert store.last_hours([], "load_power_w", 3, START) == {}


def test_one_process_writes_and_another_reads(store: Measurements) -> None:
    with pytest.raises(Conflict):
        Measurements(store.folder)
    reader = Reader(store.folder)
    assert reader.series("site:s1", "load_power_w", START, START + HOUR, 1) == []
    store.append([reading(START, 1.0)])
    store.flush()
    assert [p.mean for p in reader.series("site:s1", "load_power_w", START, START + HOUR, 1)] == [1.0]
    reader.close()


def test_a_file_that_cannot_be_read_is_set_aside_and_told(store: Measurements) -> None:
    for n in range(3):
        store.append([reading(START + n, float(n))])
        store.flush()
    first, second, _ = sorted(store.folder.glob("raw/*/*.parquet"))
    first.write_bytes(first.read_bytes()[:-20])
    whole = bytearray(second.read_bytes())
    whole[8:40] = os.urandom(32)  # the footer still promises what is not there
    second.write_bytes(whole)
    reader = Reader(store.folder)
    assert [p.mean for p in reader.series("site:s1", "load_power_w", START, START + HOUR, 1)] == [2.0]
    assert reader.set_aside == 2
    assert store.counters()["measurements_broken_files"] == 2
    assert [p.mean for p in store.series("site:s1", "load_power_w", START, START + HOUR, 1)] == [2.0]


def test_upkeep_sets_broken_files_aside_and_goes_on(store: Measurements) -> None:
    for n in range(3):
        store.append([reading(START + n, float(n))])
        store.flush()
    sorted(store.folder.glob("raw/*/*.parquet"))[0].write_bytes(b"PAR1")
    store.upkeep(START + 2 * HOUR)
    assert [p.mean for p in store.series("site:s1", "load_power_w", START, START + HOUR, 1)] == [1.5]
    assert store.counters()["measurements_broken_files"] == 1
    assert store.counters()["measurements_upkeep_failures"] == 0


def _write_for_ever(folder: str) -> None:
    store = Measurements(Path(folder))
    number = 0
    while True:
        store.append(reading(START + n, 1.0) for n in range(number, number + 100))
        number += 100
        store.flush()
        store.upkeep(START + 2 * HOUR)


def test_a_kill_leaves_whole_files_only(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    for _ in range(2):
        writer = context.Process(target=_write_for_ever, args=(str(tmp_path),))
        writer.start()
        seen = len(list(tmp_path.glob("raw/*/*.parquet")))
        while len(list(tmp_path.glob("raw/*/*.parquet"))) < seen + 6:
            assert writer.is_alive()
        writer.kill()
        writer.join()
    store = Measurements(tmp_path)
    assert not list(tmp_path.glob("*/*/*.part"))
    points = store.series("site:s1", "load_power_w", START, START + HOUR, 1)
    assert points[0].count % 100 == 0  # no batch in part, none twice at a rename
    assert points[0].count == sum(
        pq.read_metadata(piece.path).num_rows for piece in uncovered(pieces(tmp_path / "raw" / day_of(START)))
    )
    assert store.counters()["measurements_broken_files"] == 0
    store.close()


def test_it_flushes_by_itself_when_much_waits_and_when_it_ends(tmp_path: Path) -> None:
    async def play() -> None:
        clock = FakeClock(START)
        store = Measurements(tmp_path)
        running = asyncio.create_task(store.run(clock, flush_s=60.0))
        await asyncio.sleep(0)
        store.append(reading(START + n, 1.0) for n in range(100_000))
        async with asyncio.timeout(LONG_S):
            while store.rows_written < 100_000:
                await asyncio.sleep(0.01)
        store.append([reading(START, 1.0)])
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert store.rows_written == 100_001
        store.close()

    asyncio.run(play())
