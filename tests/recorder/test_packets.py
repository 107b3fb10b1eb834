"""The twins of the packet loop and of the pieces answer alike, on good runs, damaged ones and any bytes; the compiled
ones keep their bounds."""

import importlib.util
import os
import random
import resource
import struct
import sys
from collections.abc import Callable
from contextlib import nullcontext
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from build_hook import compile_loop
from hypothesis import given, settings
from hypothesis import strategies as st

from manara.recorder.packets import (
    AFTER,
    BEFORE,
    BETWEEN,
    PIECE_BYTES,
    WHOLE,
    WITHIN,
    Pieces,
    PiecesInPython,
    Walk,
    walk_in_python,
)
from tests.recorder.cameras import Packetiser, Picture, clip, interleaved
from tests.recorder.test_depacketise import Line, all_of, spoiled

ROOT = Path(__file__).resolve().parents[2]
LANE, PLAIN, STAMP, SOURCE, FIRST, MIDDLE = 0x2400, 0x8060, 9000, 7, 0x7C, 0x01
OPEN = b"\x00\x00\x00\x00\x61"  # an open slice: no length yet, and its header


class Twin(NamedTuple):
    """A loop and the pieces that it appends to."""

    walk: Walk
    pieces: Callable[[], Pieces]


def take_nothing(
    buffer: bytearray, at: int, end: int, data: Pieces, *rest: int
) -> tuple[int, int, int, int, int, int, int]:
    """What leaves every packet to the long way."""
    return (at, 0, *rest[5:])  # type: ignore[return-value]


IN_PYTHON = Twin(walk_in_python, PiecesInPython)
LONG_WAY = Twin(take_nothing, PiecesInPython)


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
    return Twin(module.walk, module.Pieces)


def packet(sequence: int, payload: bytes, *, flags: int = PLAIN, stamp: int = STAMP, **other: int) -> bytes:
    """One interleaved packet."""
    body = struct.pack(">HHII", flags, sequence & 0xFFFF, stamp, other.get("source", SOURCE)) + payload
    return struct.pack(">HH", other.get("lane", LANE), len(body)) + body


def piece(sequence: int, fragment: int, payload: bytes, *, skip: int = 18, first: int = FIRST, **other: int) -> bytes:
    """One interleaved packet with a piece of a NAL unit."""
    head = bytes((first, fragment) if skip == 18 else (first, 1, fragment))
    return packet(sequence, head + payload, **other)


class Walked(NamedTuple):
    """What a walk answers, and all that there is then."""

    at: int
    packets: int
    place: int
    stamp: int
    begins: int
    first: int
    middle: int
    data: bytes


def both(
    compiled: Twin,
    buffer: bytes,
    expected: int = 0,
    *,
    skip: int = 18,
    place: int = WITHIN,
    stamp: int = STAMP,
    at: int = 0,
    end: int | None = None,
) -> Walked:
    """What both answer and append."""
    answers = []
    for twin in (IN_PYTHON, compiled):
        data = twin.pieces()
        data.put(b"before", OPEN)
        answer = twin.walk(
            bytearray(buffer), at, len(buffer) if end is None else end, data, skip, LANE, PLAIN, SOURCE, expected,
            place, stamp, 6, FIRST, MIDDLE,
        )  # fmt: skip
        answers.append(Walked(*answer, data.copy(0, len(data))))
    assert answers[0] == answers[1]
    return answers[0]


@pytest.mark.parametrize("skip", [18, 19])
@pytest.mark.parametrize(("flags", "place"), [(PLAIN, AFTER), (PLAIN | 0x80, WHOLE)])
def test_an_open_slice_is_taken_to_its_end(compiled: Twin, skip: int, flags: int, place: int) -> None:
    line = b"".join(piece(0xFFFE + n, MIDDLE, bytes([n]) * 50, skip=skip) for n in range(4))
    line += piece(2, MIDDLE | 0x40, b"end", skip=skip, flags=flags) + piece(3, MIDDLE, b"next", skip=skip)
    found = both(compiled, line, 0xFFFE, skip=skip)
    assert found[1:3] == (5, place)
    assert line[found.at :] == piece(3, MIDDLE, b"next", skip=skip)
    whole = OPEN[4:] + b"".join(bytes([n]) * 50 for n in range(4)) + b"end"
    assert found.data == b"before" + struct.pack(">I", len(whole)) + whole


@pytest.mark.parametrize("skip", [18, 19])
def test_a_usual_frame_is_taken_whole_and_no_other(compiled: Twin, skip: int) -> None:
    units = (b"\x09\xf0", b"\x06\x05\x01\x00\x80") if skip == 18 else (b"\x46\x01\x50", b"\x4e\x01\x05\x01\x00\x80")
    fu, header = (0x7C, b"\x61") if skip == 18 else (0x62, b"\x02\x01")
    parts = (b"\x9a" + bytes(40), bytes(40), b"end")
    line = b"".join(packet(n, unit) for n, unit in enumerate(units))
    for n, (fragment, part) in enumerate(zip((0x81, 0x01, 0x41), parts, strict=True), 2):
        line += piece(n, fragment, part, skip=skip, first=fu, flags=PLAIN | (0x80 if n == 4 else 0))
    following = packet(5, units[0], stamp=STAMP + 6000)
    found = both(compiled, line + following, skip=skip, place=BETWEEN, stamp=STAMP - 6000)
    assert found[:4] == (len(line), 5, WHOLE, STAMP)
    whole = (*units, header + b"".join(parts))
    assert found.data == b"before" + OPEN + b"".join(struct.pack(">I", len(unit)) + unit for unit in whole)
    single = packet(5, whole[2], stamp=STAMP + 6000, flags=PLAIN | 0x80)
    assert both(compiled, single, 5, skip=skip, place=BETWEEN)[1:3] == (1, WHOLE)


CHANGES: list[Callable[[], bytes]] = [
    lambda: piece(2, MIDDLE, b"x"),  # one is missing
    lambda: piece(1, MIDDLE, b"x", stamp=STAMP + 1),
    lambda: piece(1, MIDDLE, b"x", lane=LANE + 1),
    lambda: piece(1, MIDDLE, b"x", source=SOURCE + 1),
    lambda: piece(1, MIDDLE, b"x", first=FIRST - 1),
    lambda: piece(1, MIDDLE | 0x80, b"x"),  # begins another
    lambda: piece(1, MIDDLE, b"x", flags=PLAIN | 0x80),  # a marker where the unit does not end
    lambda: piece(1, MIDDLE, b"x", flags=PLAIN | 0x1000),  # a header extension
    lambda: piece(1, MIDDLE, b"x", flags=PLAIN + 1),  # another payload type
    lambda: piece(1, MIDDLE, b""),  # nothing in it
    lambda: piece(1, MIDDLE, b"xxxx")[:-1],  # not whole yet
    lambda: packet(1, b"\x61\x9a\x00"),  # another unit
]


@pytest.mark.parametrize("change", CHANGES)
def test_an_open_slice_is_left_before_what_is_unusual(compiled: Twin, change: Callable[[], bytes]) -> None:
    good = piece(0, MIDDLE, b"good")
    assert both(compiled, good + change())[:3] == (len(good), 1, WITHIN)


UNUSUAL: list[Callable[[], bytes]] = [
    lambda: packet(1, b"\x65\x88\x80\x00"),  # a key frame
    lambda: piece(1, 0x85, b"\x88\x80"),  # the beginning of one
    lambda: packet(1, b"\x67\x64\x00\x28\xac"),  # parameter sets
    lambda: packet(1, b"\x68\xee\x3c\x80"),
    lambda: packet(1, b"\x61\x50\x00\x00"),  # not the first slice
    lambda: piece(1, 0x81, b"\x50\x00"),
    lambda: piece(1, 0x81, b""),
    lambda: piece(1, 0xC1, b"\x9a\x00"),  # begins and ends at once
    lambda: piece(1, 0x81, b"\x9a\x00", flags=PLAIN | 0x80),
    lambda: piece(1, 0x01, b"\x9a\x00"),  # the middle of what never began
    lambda: packet(1, b"\x06\x06\x01\xc4\x80"),  # a recovery point
    lambda: packet(1, b"\x06\x05\x01\x00\x80", flags=PLAIN | 0x80),
    lambda: packet(1, b"\x78\x00\x02\x09\xf0"),  # several units in one packet
    lambda: packet(1, b"\x00\x00\x01\x61"),
    lambda: packet(1, b"\x61"),
    lambda: packet(1, b""),
    lambda: packet(1, b"\x61\x9a", lane=0x2401),
    lambda: b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n",
]


UNUSUAL_IN_H265: list[Callable[[], bytes]] = [
    lambda: packet(1, b"\x20\x01\x80\x00"),  # kinds 16 to 23 are key frames
    lambda: packet(1, b"\x2a\x01\x80\x00"),
    lambda: piece(1, 0x93, b"\x80\x00", first=0x62, skip=19),
    lambda: packet(1, b"\x02\x01\x00\x80"),  # not the first slice
    lambda: piece(1, 0x81, b"\x00\x80", first=0x62, skip=19),
    lambda: packet(1, b"\x40\x01\x0c\x01"),  # parameter sets
    lambda: packet(1, b"\x50\x01\x05\x00"),  # a supplemental unit for what came before
    lambda: packet(1, b"\x60\x01\x00\x02\x02\x01"),  # several units in one packet
]


@pytest.mark.parametrize("change", UNUSUAL_IN_H265)
def test_a_frame_of_h265_is_left_before_what_is_unusual(compiled: Twin, change: Callable[[], bytes]) -> None:
    good = packet(0, b"\x46\x01\x50")
    assert both(compiled, good + change(), skip=19, place=BEFORE)[:3] == (len(good), 1, BEFORE)


@pytest.mark.parametrize("change", UNUSUAL)
def test_a_frame_is_left_before_what_is_unusual(compiled: Twin, change: Callable[[], bytes]) -> None:
    good = packet(0, b"\x09\xf0")
    assert both(compiled, good + change(), place=BEFORE)[:3] == (len(good), 1, BEFORE)


HEADERS = [b"\x61", b"\x06", b"\x09", b"\x02\x01", b"\x4e\x01", b"\x46\x01"]
UNITS = st.builds(packet, st.integers(0, 3), st.builds(bytes.__add__, st.sampled_from(HEADERS), st.binary(max_size=9)))
FRAGMENTS = st.builds(
    piece,
    st.integers(0, 3),
    st.sampled_from([MIDDLE, MIDDLE | 0x40, 0x81]),
    st.binary(max_size=40),
    flags=st.sampled_from([PLAIN, PLAIN | 0x80]),
    first=st.sampled_from([FIRST, 0x62]),
    skip=st.sampled_from([18, 19]),
)


@given(
    st.lists(st.one_of(FRAGMENTS, UNITS, st.binary(max_size=40)), max_size=8),
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(-1, 3),
    st.sampled_from([18, 19]),
    st.sampled_from([BETWEEN, BEFORE, WITHIN]),
    st.sampled_from([-1, STAMP]),
)
def test_any_bytes_are_answered_alike(
    compiled: Twin, parts: list[bytes], skipped: int, cut: int, expected: int, skip: int, place: int, stamp: int
) -> None:
    line = b"".join(parts)
    at = min(skipped, len(line))
    both(compiled, line, expected, skip=skip, place=place, stamp=stamp, at=at, end=max(at, len(line) - cut))


def test_the_compiled_loop_keeps_its_bounds(compiled: Twin) -> None:
    buffer, data, walk = bytearray(100), compiled.pieces(), compiled.walk
    rest = (LANE, PLAIN, SOURCE, 0, BETWEEN, STAMP, -1, -1, -1)
    for at, end in ((-1, 50), (60, 50), (0, 101), (101, 101)):
        with pytest.raises(ValueError, match="within"):
            walk(buffer, at, end, data, 18, *rest)
    with pytest.raises(ValueError, match="within"):
        walk(buffer, 0, 50, data, 17, *rest)
    data.put(bytes(10))
    for begins in (-1, 7, 1 << 40):  # no room for a length
        with pytest.raises(ValueError, match="within"):
            walk(buffer, 0, 50, data, 18, *rest[:4], WITHIN, STAMP, begins, FIRST, MIDDLE)
    with pytest.raises(TypeError):
        walk(buffer, 0, 50, data, 18, *rest[:-1])  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        walk(b"bytes", 0, 5, data, 18, *rest)  # type: ignore[arg-type]
    for other in (buffer, PiecesInPython()):
        with pytest.raises(TypeError):
            walk(buffer, 0, 50, other, 18, *rest)  # type: ignore[arg-type]
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


def states(twin: Twin, codec: str, chunks: list[bytes]) -> list[dict[str, Any]]:
    """All that a depacketiser and its joiner know after each chunk, and at last what came of it."""
    own = {"joiner", "taker", "data", "timeline", "wall", "_text", "_other"}
    seen: list[dict[str, Any]] = []
    others: list[bytes] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("manara.recorder.depacketise.walk", twin.walk)
        patch.setattr("manara.recorder.gop.new_pieces", twin.pieces)
        line = Line(codec, max_fragment_s=0.7)
        line.depacketiser._other = lambda channel, view: others.append(bytes(view))
        line.depacketiser._text = lambda at, end: max(1, line.buffer.find(b"$\0", at, end) - at)
        joiner = line.joiner
        for chunk in chunks:
            line.feed(chunk)
            known = {"data": hash(all_of(joiner.data)), "others": len(others)}
            for part in (line.depacketiser, joiner, joiner.timeline, joiner.wall):
                known |= {name: copy(value) for name, value in vars(part).items() if name not in own}
            seen.append(known)
        samples = line.finish()
    fragments = [replace(fragment, payload=()) for fragment in line.taker.fragments]
    return [*seen, {"samples": samples, "others": others, "fragments": fragments}]


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["h264", "h265"]), st.sampled_from([0, 2]), st.booleans())
def test_usual_packets_and_the_long_way_do_the_same(
    compiled: Twin, seed: int, codec: str, bframes: int, clean: bool
) -> None:
    dice = random.Random(seed)
    header, delimiter = (b"\x06", b"\x09\xf0") if codec == "h264" else (b"\x4e\x01", b"\x46\x01\x50")
    told = [header + body for body in (b"\x05\x01\x00\x80", b"\x06\x01\xc4\x80", b"\x05\x01\x06\x80", bytes(700))]
    packetiser = Packetiser(
        codec,
        most=dice.choice((60, 150, 1400, 60_000)),
        aggregate=dice.random() < 0.2,
        marker_on_each_slice=dice.random() < 0.2,
    )
    packets = []
    for one in clip(codec, bframes=bframes):
        before = [delimiter] * dice.randrange(2) + dice.sample(told, dice.randrange(3))
        packets += packetiser.packets(Picture((*before, *one.nals), one.pts, one.key))
        if dice.random() < 0.05:
            packetiser.source += 1
    stream = b""
    for one in packets if clean else spoiled(dice, packets, 100):
        stream += interleaved(one)
        if dice.random() < 0.05:
            stream += interleaved(dice.randbytes(20), dice.choice((1, 2)))
    if not clean:
        for _ in range(dice.randrange(3)):
            at = dice.randrange(len(stream))
            stream = stream[:at] + dice.randbytes(dice.randrange(60)) + stream[at + dice.randrange(60) :]
    chunks = []
    while stream:
        size = dice.choice((dice.randint(1, 40), dice.randint(1, 3000), dice.randint(1, 50_000)))
        chunks.append(stream[:size])
        stream = stream[size:]
    taken = 0

    def counted(*args: Any) -> tuple[int, int, int, int, int, int, int]:
        nonlocal taken
        answer = compiled.walk(*args)
        taken += answer[1]
        return answer

    ways = (Twin(counted, compiled.pieces), IN_PYTHON, LONG_WAY)
    quick, plain, long = (states(way, codec, chunks) for way in ways)
    assert quick == plain
    assert plain == long
    assert taken > len(packets) / 2 or not clean


def resident_bytes() -> int:
    """What this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_memory_of_pieces_goes_back_to_the_system_when_a_slow_disk_has_caught_up(compiled: Twin) -> None:
    waiting, block = [], bytes(2**20)
    for _ in range(64):
        pieces = compiled.pieces()
        pieces.put(block)
        waiting.append(pieces.take(2**20))
    most = resident_bytes()
    waiting.clear()
    for _ in range(20_000):  # the other streams go on
        pieces.put(block[:1000])
        pieces.take(1000)
    assert most - resident_bytes() > 48 * 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="asks the system for page faults")
def test_the_memory_of_pieces_is_used_again_where_gops_end_together(compiled: Twin) -> None:
    streams = [compiled.pieces() for _ in range(16)]
    block, faults = bytes(2**20), []
    for _ in range(12):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for pieces in streams:
            pieces.put(block)
        for pieces in streams:
            pieces.take(2**20)
        faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    assert max(faults[1:]) < 2**24 / resource.getpagesize() / 8, faults
