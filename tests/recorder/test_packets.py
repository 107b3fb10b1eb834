"""The twins of the packet loop and of the pieces answer alike, on good runs, damaged ones and any bytes; the compiled
ones keep their bounds."""

import importlib.util
import os
import random
import struct
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from build_hook import compile_loop
from hypothesis import given
from hypothesis import strategies as st

from manara.recorder.packets import PIECE_BYTES, Pieces, PiecesInPython, Run, run_in_python
from tests.recorder.test_depacketise import Line

ROOT = Path(__file__).resolve().parents[2]
LANE, PLAIN, STAMP, FIRST, MIDDLE = 0x2400, 0x8060, 9000, 0x7C, 0x05


class Twin(NamedTuple):
    """A loop and the pieces that it appends to."""

    run: Run
    pieces: Callable[[], Pieces]


IN_PYTHON = Twin(run_in_python, PiecesInPython)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Twin:
    """The twin, compiled from what is in the tree now."""
    target = tmp_path_factory.mktemp("loop") / "_packets.abi3.so"
    if not compile_loop(ROOT, target):
        pytest.skip("no C compiler or no Python headers here: the compiled packet loop is not tested")
    spec = importlib.util.spec_from_file_location("_packets", target)
    assert spec
    assert spec.loader
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Twin(module.run, module.Pieces)


def packet(sequence: int, fragment: int, payload: bytes, *, skip: int = 18, flags: int = PLAIN, **other: int) -> bytes:
    """One interleaved packet with a piece of a NAL unit."""
    head = bytes((other.get("first", FIRST), fragment) if skip == 18 else (other.get("first", FIRST), 1, fragment))
    body = struct.pack(">HHII", flags, sequence & 0xFFFF, other.get("stamp", STAMP), 7) + head + payload
    return struct.pack(">HH", other.get("lane", LANE), len(body)) + body


def both(compiled: Twin, buffer: bytes, at: int, end: int, expected: int, skip: int) -> tuple[int, int, int]:
    """What both answer and append."""
    answers = []
    for twin in (IN_PYTHON, compiled):
        data = twin.pieces()
        data.put(b"before")
        answer = twin.run(bytearray(buffer), at, end, data, LANE, PLAIN, expected, STAMP, FIRST, MIDDLE, skip)
        answers.append((answer, data.copy(0, len(data))))
    assert answers[0] == answers[1]
    return answers[0][0]


@pytest.mark.parametrize("skip", [18, 19])
@pytest.mark.parametrize(("flags", "ended"), [(PLAIN, 1), (PLAIN | 0x80, 2)])
def test_a_run_is_appended_to_its_end(compiled: Twin, skip: int, flags: int, ended: int) -> None:
    line = b"".join(packet(0xFFFE + n, MIDDLE, bytes([n]) * 50, skip=skip) for n in range(4))
    line += packet(2, MIDDLE | 0x40, b"end", skip=skip, flags=flags) + packet(3, MIDDLE, b"next", skip=skip)
    at, packets, how = both(compiled, line, 0, len(line), 0xFFFE, skip)
    assert (packets, how) == (5, ended)
    assert line[at:] == packet(3, MIDDLE, b"next", skip=skip)


CHANGES: list[Callable[[], bytes]] = [
    lambda: packet(2, MIDDLE, b"x"),  # one is missing
    lambda: packet(1, MIDDLE, b"x", stamp=STAMP + 1),
    lambda: packet(1, MIDDLE, b"x", lane=LANE + 1),
    lambda: packet(1, MIDDLE, b"x", first=FIRST - 1),
    lambda: packet(1, MIDDLE | 0x80, b"x"),  # begins another
    lambda: packet(1, MIDDLE, b"x", flags=PLAIN | 0x80),  # a marker where the unit does not end
    lambda: packet(1, MIDDLE, b"x", flags=PLAIN | 0x1000),  # a header extension
    lambda: packet(1, MIDDLE, b""),  # nothing in it
    lambda: packet(1, MIDDLE, b"xxxx")[:-1],  # not whole yet
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_run_ends_before_what_is_unusual(compiled: Twin, change: Callable[[], bytes]) -> None:
    good = packet(0, MIDDLE, b"good")
    line = good + change()
    assert both(compiled, line, 0, len(line), 0, 18) == (len(good), 1, 0)


@given(
    st.lists(
        st.one_of(
            st.builds(packet, st.integers(0, 3), st.sampled_from([MIDDLE, MIDDLE | 0x40]), st.binary(max_size=40)),
            st.binary(max_size=40),
        ),
        max_size=8,
    ),
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(-1, 3),
    st.sampled_from([18, 19]),
)
def test_any_bytes_are_answered_alike(
    compiled: Twin, parts: list[bytes], skipped: int, cut: int, expected: int, skip: int
) -> None:
    line = b"".join(parts)
    at = min(skipped, len(line))
    both(compiled, line, at, max(at, len(line) - cut), expected, skip)


def test_the_compiled_loop_keeps_its_bounds(compiled: Twin) -> None:
    buffer, data, run = bytearray(100), compiled.pieces(), compiled.run
    rest = (data, LANE, PLAIN, 0, STAMP, FIRST, MIDDLE, 18)
    for at, end in ((-1, 50), (60, 50), (0, 101), (101, 101)):
        with pytest.raises(ValueError, match="within"):
            run(buffer, at, end, *rest)
    with pytest.raises(ValueError, match="within"):
        run(buffer, 0, 50, *rest[:-1], 17)
    with pytest.raises(TypeError):
        run(b"bytes", 0, 5, *rest)  # type: ignore[arg-type]
    for other in (buffer, PiecesInPython()):
        with pytest.raises(TypeError):
            run(buffer, 0, 50, other, *rest[1:])  # type: ignore[arg-type]
    for wrong in ((), (1,), (1, 2, 3)):
        for ask in (data.copy, data.write):
            with pytest.raises(TypeError):
                ask(*wrong)
    with pytest.raises(TypeError):
        data.put("text")  # type: ignore[arg-type]


# What may be done to pieces: sizes that end within a piece, at its end, and beyond several.
SIZES = st.one_of(st.integers(-1, 40), st.sampled_from([PIECE_BYTES - 1, PIECE_BYTES, 3 * PIECE_BYTES]))
STEPS = st.one_of(
    st.tuples(st.just("put"), st.lists(SIZES.filter(lambda size: size >= 0), max_size=3)),
    st.tuples(st.sampled_from(["cut", "take"]), SIZES),
    st.tuples(st.sampled_from(["copy", "write"]), SIZES, SIZES),
)


@given(st.lists(STEPS, max_size=12), st.integers(0, 2**32))
def test_both_kinds_of_pieces_hold_what_one_array_would(
    compiled: Twin, steps: list[tuple[Any, ...]], seed: int
) -> None:
    dice, array = random.Random(seed), bytearray()
    twins = [IN_PYTHON.pieces(), compiled.pieces()]
    handed: list[tuple[tuple[Any, ...], bytes]] = []
    for name, *given_sizes in steps:
        sizes = given_sizes[0] if name == "put" else given_sizes
        if name == "put":
            parts = [dice.randbytes(size) for size in sizes]
            array += b"".join(parts)
            for data in twins:
                data.put(*parts)
        elif name == "write":
            at, size = sizes[0], max(0, sizes[1])
            more = dice.randbytes(size)
            fits = 0 <= at <= len(array) - size
            if fits:
                array[at : at + size] = more
            for data in twins:
                with nullcontext() if fits else pytest.raises(ValueError, match="within"):
                    data.write(at, more)
        else:
            fits = all(size >= 0 for size in sizes) and sum(sizes) <= len(array)
            for data in twins:
                with nullcontext() if fits else pytest.raises(ValueError, match="within"):
                    answer = getattr(data, name)(*sizes)
                    if name == "take":
                        handed.append((answer, bytes(array[: sizes[0]])))
                    elif name == "copy":
                        assert answer == bytes(array[sizes[0] : sizes[0] + sizes[1]])
            if fits and name == "cut":
                del array[sizes[0] :]
            elif fits and name == "take":
                del array[: sizes[0]]
        for data in twins:
            assert len(data) == len(array)
            assert data.copy(0, len(array)) == array
    for taken, whole in handed:  # whatever came after, nobody wrote to it
        assert b"".join(taken) == whole
        assert sum(map(len, taken)) == len(whole)


def test_the_recorder_uses_either(monkeypatch: pytest.MonkeyPatch, compiled: Twin) -> None:
    pieces = [packet(0, 0x85, b"\x88" * 30), packet(1, MIDDLE, b"b" * 30), packet(2, MIDDLE | 0x40, b"c", flags=0x80E0)]
    seen = []
    for twin in (IN_PYTHON, compiled):
        monkeypatch.setattr("manara.recorder.depacketise.run", twin.run)
        monkeypatch.setattr("manara.recorder.gop.new_pieces", twin.pieces)
        line = Line()
        line.feed(b"".join(pieces))
        seen.append((line.depacketiser.packets, line.depacketiser.malformed, line.joiner.dropped))
    assert seen[0] == seen[1]
    assert seen[0][0] == 3


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_memory_of_pieces_goes_back_to_the_system_when_a_slow_disk_has_caught_up(compiled: Twin) -> None:
    def resident_bytes() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    waiting = []
    for _ in range(64):
        pieces = compiled.pieces()
        pieces.put(b"\x01" * 2**20)
        waiting.append(pieces.take(2**20))
    most = resident_bytes()
    waiting.clear()
    assert most - resident_bytes() > 48 * 2**20
