"""Measurements under any order of work, and read by another while they are written, merged and removed."""

import tempfile
import threading
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manara.messages import Reading
from manara.store import measurements_upkeep
from manara.store.measurements import Measurements
from manara.store.measurements_files import HOUR_US
from manara.store.measurements_query import Reader

START = 1_700_006_400_000_000
HOURS = 4

append = st.tuples(st.just("append"), st.integers(0, HOURS * 60 - 1), st.integers(1, 3))
flush = st.tuples(st.just("flush"), st.just(0), st.just(0))
upkeep = st.tuples(st.just("upkeep"), st.integers(0, HOURS + 3), st.just(0))
later = st.tuples(st.just("settle"), st.just(0), st.just(0))
again = st.tuples(st.just("again"), st.just(0), st.just(0))


@settings(max_examples=12, deadline=None)
@given(st.lists(st.one_of(append, append, flush, flush, upkeep, again, later), max_size=25))
def test_any_order_of_work_keeps_every_flushed_reading_once(steps: list[tuple[str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Measurements(Path(folder))
        waiting: list[int] = []
        kept: dict[int, int] = defaultdict(int)  # hour → readings
        settled = False
        for step, at, count in steps:
            if step == "append" and not settled:
                store.append(
                    Reading(
                        site_id="",
                        subject="site:s",
                        quantity="load_power_w",
                        value=float(at),
                        at_us=START + at * 60_000_000,
                    )
                    for _ in range(count)
                )
                waiting += [at] * count
            elif step == "flush":
                store.flush()
                for minute in waiting:
                    kept[minute // 60] += 1
                waiting = []
            elif step == "upkeep":
                store.upkeep(START + at * HOUR_US)
            elif step == "settle":
                # nothing may come for a day that is over for so long: `Latest` refuses it
                settled = True
                store.upkeep(START + 11 * 24 * HOUR_US)
                store.upkeep(START + 11 * 24 * HOUR_US)
            elif step == "again":
                store.close()  # flushes what waits
                for minute in waiting:
                    kept[minute // 60] += 1
                waiting = []
                store = Measurements(Path(folder))
            for points in (HOURS, HOURS * 12, HOURS * 60) if step in ("upkeep", "settle", "again") else ():
                found = store.series("site:s", "load_power_w", START, START + HOURS * HOUR_US, points)
                by_hour: dict[int, int] = defaultdict(int)
                for point in found:
                    by_hour[(point.at_us - START) // HOUR_US] += point.count
                    assert point.low <= point.mean <= point.high
                assert by_hour == {hour: n for hour, n in kept.items() if n}, (step, points)
        store.close()


def test_another_process_reads_while_files_are_written_merged_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measurements_upkeep, "COVERED_KEEP_S", 0.2)
    monkeypatch.setattr(measurements_upkeep, "SMALL_FILES", 4)
    store = Measurements(tmp_path)
    written = [0]  # rows that are on disk for sure
    begun = [0]  # rows that may be
    faults: list[str] = []
    done = threading.Event()

    def read() -> None:
        reader = Reader(tmp_path)
        seen = 0
        while not done.is_set():
            least = written[0]
            points = reader.series("site:s", "load_power_w", START, START + HOUR_US, 1)
            count = sum(point.count for point in points)
            if not max(seen, least) <= count <= begun[0]:
                faults.append(f"{count} rows, after {seen}, of {least} to {begun[0]}")
            seen = count
        if reader.set_aside:
            faults.append(f"{reader.set_aside} files set aside")
        reader.close()

    reading = threading.Thread(target=read)
    reading.start()
    try:
        for number in range(36):
            store.append(
                Reading(site_id="", subject="site:s", quantity="load_power_w", value=1.0, at_us=START + number * 10 + n)
                for n in range(10)
            )
            begun[0] += 10
            store.flush()
            written[0] += 10
            store.upkeep(START + (HOUR_US // 2 if number < 28 else 2 * HOUR_US))
    finally:
        done.set()
        reading.join()
    store.close()
    assert not faults, faults[:5]
