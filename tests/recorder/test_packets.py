"""The packet loop's twins answer alike on good runs, damaged ones and any bytes; the compiled one keeps its bounds."""

import importlib.util
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from build_hook import compile_loop
from hypothesis import given
from hypothesis import strategies as st

from manara.recorder.packets import Run, run_in_python
from tests.recorder.test_depacketise import Line

ROOT = Path(__file__).resolve().parents[2]
LANE, PLAIN, STAMP, FIRST, MIDDLE = 0x2400, 0x8060, 9000, 0x7C, 0x05


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The twin, compiled from what is in the tree now."""
    target = tmp_path_factory.mktemp("loop") / "_packets.abi3.so"
    if not compile_loop(ROOT, target):
        pytest.skip("no C compiler or no Python headers here: the compiled packet loop is not tested")
    spec = importlib.util.spec_from_file_location("_packets", target)
    assert spec
    assert spec.loader
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    run: Run = module.run
    return run


def packet(sequence: int, fragment: int, payload: bytes, *, skip: int = 18, flags: int = PLAIN, **other: int) -> bytes:
    """One interleaved packet with a piece of a NAL unit."""
    head = bytes((other.get("first", FIRST), fragment) if skip == 18 else (other.get("first", FIRST), 1, fragment))
    body = struct.pack(">HHII", flags, sequence & 0xFFFF, other.get("stamp", STAMP), 7) + head + payload
    return struct.pack(">HH", other.get("lane", LANE), len(body)) + body


def both(compiled: Run, buffer: bytes, at: int, end: int, expected: int, skip: int) -> tuple[int, int, int]:
    """What both answer and append."""
    answers = []
    for twin in (run_in_python, compiled):
        data = bytearray(b"before")
        answer = twin(bytearray(buffer), at, end, data, LANE, PLAIN, expected, STAMP, FIRST, MIDDLE, skip)
        answers.append((answer, data))
    assert answers[0] == answers[1]
    return answers[0][0]


@pytest.mark.parametrize("skip", [18, 19])
@pytest.mark.parametrize(("flags", "ended"), [(PLAIN, 1), (PLAIN | 0x80, 2)])
def test_a_run_is_appended_to_its_end(compiled: Run, skip: int, flags: int, ended: int) -> None:
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
def test_a_run_ends_before_what_is_unusual(compiled: Run, change: Callable[[], bytes]) -> None:
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
    compiled: Run, parts: list[bytes], skipped: int, cut: int, expected: int, skip: int
) -> None:
    line = b"".join(parts)
    at = min(skipped, len(line))
    both(compiled, line, at, max(at, len(line) - cut), expected, skip)


def test_the_compiled_loop_keeps_its_bounds(compiled: Run) -> None:
    buffer, data = bytearray(100), bytearray()
    rest = (data, LANE, PLAIN, 0, STAMP, FIRST, MIDDLE, 18)
    for at, end in ((-1, 50), (60, 50), (0, 101), (101, 101)):
        with pytest.raises(ValueError, match="within"):
            compiled(buffer, at, end, *rest)
    with pytest.raises(ValueError, match="within"):
        compiled(buffer, 0, 50, *rest[:-1], 17)
    with pytest.raises(TypeError):
        compiled(b"bytes", 0, 5, *rest)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        compiled(buffer, 0, 50, buffer, *rest[1:])  # growing what is read
    line = bytearray(packet(0, MIDDLE, b"x" * 60))
    with memoryview(data), pytest.raises(BufferError):  # somebody looks at it: it must not move
        compiled(line, 0, len(line), *rest)


def test_the_recorder_uses_either(monkeypatch: pytest.MonkeyPatch, compiled: Run) -> None:
    pieces = [packet(0, 0x85, b"\x88" * 30), packet(1, MIDDLE, b"b" * 30), packet(2, MIDDLE | 0x40, b"c", flags=0x80E0)]
    seen = []
    for twin in (run_in_python, compiled):
        monkeypatch.setattr("manara.recorder.depacketise.run", twin)
        line = Line()
        line.feed(b"".join(pieces))
        seen.append((line.depacketiser.packets, line.depacketiser.malformed, line.joiner.dropped))
    assert seen[0] == seen[1]
    assert seen[0][0] == 3
