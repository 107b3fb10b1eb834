"""A packed table comes back as it went in; a damaged one gives `ValueError` or other rows, nothing worse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manara.recorder.gop_table import Row, pack, unpack

START_US = 1_700_000_000_000_000

fragments = st.lists(
    st.tuples(
        st.integers(1, 2**31), st.integers(START_US - 10**12, START_US + 10**12), st.integers(0, 2**33),
        st.integers(1, 4096), st.booleans(),
    ),
    max_size=50,
)  # fmt: skip


@given(fragments, st.integers(0, 10_000))
def test_a_table_comes_back(made: list[tuple[int, int, int, int, bool]], offset: int) -> None:
    rows, at = [], offset
    for size, wall_us, duration, frames, key in made:
        rows.append(Row(at, size, wall_us, duration, frames, key))
        at += size
    packed = pack(rows, START_US)
    found = unpack(packed, START_US, offset)
    assert found == rows
    assert all(type(value) in (int, bool) for row in found for value in row)


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_read(data: bytes) -> None:
    try:
        unpack(data, START_US, 0)
    except ValueError:
        pass


def test_a_cut_table_is_refused() -> None:
    packed = pack([Row(0, 1000, START_US, 90_000, 30, True)] * 3, START_US)
    with pytest.raises(ValueError, match="cut"):
        unpack(packed[:-1], START_US, 0)
    with pytest.raises(ValueError, match="too long"):
        unpack(b"\xff" * 12 + b"\0" * 4, START_US, 0)


def test_a_table_is_small() -> None:
    rows = [Row(n * 500_000, 500_000, START_US + n * 2_000_000, 180_000, 30, True) for n in range(300)]
    assert len(pack(rows, START_US)) < 300 * 8
