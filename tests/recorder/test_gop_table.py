"""A packed table comes back in either form; a damaged one gives `ValueError` or other rows, nothing worse."""

import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manara.recorder.gop_table import MAX_ROWS, Row, pack, shrink, unpack

START_US = 1_700_000_000_000_000

fragments = st.lists(
    st.tuples(
        st.integers(1, 2**31), st.integers(START_US - 10**12, START_US + 10**12), st.integers(0, 2**33),
        st.integers(1, 4096), st.booleans(),
    ),
    max_size=50,
)  # fmt: skip


def columns(count: int, planes: bytes, widths: tuple[int, int, int, int]) -> bytes:
    """A table in columns with these bits, each least number 0."""
    head = bytes([count & 127 | 128, count >> 7 & 127 | 128, count >> 14])
    head += bytes(number for width in widths for number in (0, width))
    deflate = zlib.compressobj(wbits=-15)
    return head + deflate.compress(planes) + deflate.flush() + b"\x80"


def usual(rows: int) -> bytes:
    """A table of rows as cameras make them: sizes and arrivals jitter, the rest stays."""
    at, made = 0, []
    for n in range(rows):
        size = 350_000 + n * 7919 % 300_000
        made.append(Row(at, size, START_US + n * 2_000_000 + n * 101 % 600, 180_000, 30, True))
        at += size
    return pack(made, START_US)


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
    small = shrink(packed)
    assert len(small) <= len(packed)
    assert shrink(small) == small
    found = unpack(small, START_US, offset)
    assert found == rows
    assert all(type(value) in (int, bool) for row in found for value in row)


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_read(data: bytes) -> None:
    for table in (data, data + b"\x80", shrink(data)):
        try:
            unpack(table, START_US, 0)
        except ValueError:
            pass


@given(
    st.integers(0, 400), st.tuples(*[st.integers(0, 70)] * 4), st.integers(-1, 1), st.sampled_from(b"\0\x5a\xff")
)  # fmt: skip
def test_a_head_that_lies_is_refused(count: int, widths: tuple[int, int, int, int], more: int, fill: int) -> None:
    told = sum(widths) * ((count + 7) // 8)
    given_bytes = max(0, told + more)
    try:
        found = unpack(columns(count, bytes([fill]) * given_bytes, widths), START_US, 0)
    except ValueError:
        assert count == 0 or max(widths) > 62 or given_bytes != told
        return
    assert len(found) == count
    assert max(widths) <= 62
    assert given_bytes == told


@given(st.integers(0, 1200), st.integers(1, 255))
def test_a_flipped_byte_is_refused_or_read(at: int, flip: int) -> None:
    table = bytearray(shrink(usual(300)))
    table[at % len(table)] ^= flip
    try:
        unpack(bytes(table), START_US, 0)
    except ValueError:
        pass


def test_a_cut_table_is_refused() -> None:
    packed = pack([Row(0, 1000, START_US, 90_000, 30, True)] * 3, START_US)
    with pytest.raises(ValueError, match="cut"):
        unpack(packed[:-1], START_US, 0)
    with pytest.raises(ValueError, match="too long"):
        unpack(b"\xff" * 12 + b"\0" * 4, START_US, 0)
    small = shrink(usual(300))
    for length in range(1, len(small) - 1):
        with pytest.raises(ValueError, match="packed table"):
            unpack(small[:length] + b"\x80", START_US, 0)
    below = bytearray(columns(1, b"", (0, 0, 0, 0)))
    below[7] = 1  # the least size, zigzag
    with pytest.raises(ValueError, match="below zero"):
        unpack(bytes(below), START_US, 0)


def test_no_more_is_inflated_than_the_head_tells() -> None:
    bomb = columns(8, bytes(1 << 26), (0, 0, 8, 0))
    tracemalloc.start()
    with pytest.raises(ValueError, match="not of the length"):
        unpack(bomb, START_US, 0)
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most_bytes < 1 << 20
    assert len(unpack(columns(MAX_ROWS, b"", (0, 0, 0, 0)), START_US, 0)) == MAX_ROWS
    with pytest.raises(ValueError, match="no head"):
        unpack(columns(MAX_ROWS + 1, b"", (0, 0, 0, 0)), START_US, 0)


def test_a_table_is_small() -> None:
    rows = [Row(n * 500_000, 500_000, START_US + n * 2_000_000, 180_000, 30, True) for n in range(300)]
    assert len(pack(rows, START_US)) < 300 * 8
    assert len(shrink(pack(rows, START_US))) < 100
    assert len(usual(300)) > 300 * 6.5
    assert len(shrink(usual(300))) < 300 * 4
