"""What is written is read again exactly; what is torn or hostile gives `Fmp4Error` and nothing else."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manara.formats.fmp4 import VERSION, VERSION_SHA256, Fmp4Error, chain_hash, fragment_boxes, init_section
from manara.formats.fmp4_read import init_bytes, parse_head, parse_init, read_head, scan
from manara.formats.frames import Fragment, SoundFormat
from tests.formats.fmp4_clips import aac, clip


def joined(fragment: Fragment, number: int = 0, previous: bytes | None = None) -> bytes:
    return b"".join(fragment_boxes(fragment, number, previous)[0])


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("sound", [None, aac()[0], SoundFormat("pcma", 8000, 1), SoundFormat("pcmu", 8000, 2)])
def test_an_init_section_says_what_went_in(codec: str, sound: SoundFormat | None) -> None:
    video, _ = clip(codec)
    data = init_section(video, sound)
    found, found_sound = parse_init(data)
    assert found.same_decoder(video)
    assert (found.width_px, found.height_px) == (160, 120)
    assert found_sound == sound
    assert found.codec_string.startswith({"h264": "avc1.42", "h265": "hvc1.1.6.L"}[codec])
    assert init_bytes(lambda at, size: data[at : at + size]) == len(data)


numbers = st.integers(0, 2**32 - 1)
fragments = st.builds(
    lambda frames, key, time, wall, camera, sound: Fragment(
        (b"".join(bytes([n % 256]) * size for n, (size, _, _) in enumerate(frames)),),
        [size for size, _, _ in frames],
        [duration for _, duration, _ in frames],
        [offset for _, _, offset in frames],
        key,
        time,
        wall,
        camera,
        [0] if key else [],
        [(i * 160, 160, data) for i, data in enumerate(sound)],
    ),
    st.lists(st.tuples(st.integers(0, 50), numbers, st.integers(-(2**31), 2**31 - 1)), min_size=1, max_size=40),
    st.booleans(),
    st.integers(0, 2**63),
    st.integers(0, 2**62),
    st.integers(0, 2**62),
    st.lists(st.binary(min_size=1, max_size=20), max_size=5),
)


@given(fragments, st.integers(0, 2**40), st.binary(min_size=32, max_size=32))
def test_a_fragment_comes_back_as_it_went(fragment: Fragment, number: int, previous: bytes) -> None:
    buffers, own = fragment_boxes(fragment, number, previous)
    data = b"".join(buffers)
    head = parse_head(data)
    assert head.total_bytes == len(data)
    assert (head.number, head.previous, head.hash) == (number, previous, own)
    assert head.fragment(data[head.head_bytes :]) == fragment
    assert chain_hash(previous, head.wall_us, [data[head.head_bytes :]]) == own
    assert head == read_head(lambda at, size: data[at : at + size], 0)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_fragment_is_refused_or_read_never_worse(data: st.DataObject) -> None:
    whole = bytearray(joined(clip()[1][0]))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, min(len(whole), 700) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    try:
        parse_head(whole[:cut])
    except Fmp4Error:
        pass


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_init_section_is_refused_or_read_never_worse(data: st.DataObject) -> None:
    codec = data.draw(st.sampled_from(["h264", "h265"]))
    whole = bytearray(init_section(clip(codec)[0], aac()[0]))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        parse_init(whole[: data.draw(st.integers(0, len(whole)))])
    except Fmp4Error:
        pass


@given(st.binary(max_size=300))
def test_garbage_is_refused(data: bytes) -> None:
    for function in (parse_head, parse_init):
        with pytest.raises(Fmp4Error):
            function(data)


@given(st.integers(0, 4000))
@settings(deadline=None)
def test_a_scan_ends_at_the_torn_fragment(cut: int) -> None:
    _, parts = clip()
    whole = b"".join(joined(part, number) for number, part in enumerate(parts))
    ends = [head.total_bytes + at for at, head in scan(lambda at, size: whole[at : at + size], 0, len(whole))]
    assert len(ends) == len(parts)
    torn = whole[: max(0, len(whole) - cut)]
    found = list(scan(lambda at, size: torn[at : at + size], 0, len(torn)))
    assert len(found) == sum(end <= len(torn) for end in ends)


def test_what_does_not_fit_is_refused_by_the_writer() -> None:
    video, parts = clip()
    for wrong in (
        dataclasses.replace(parts[0], sizes=[]),
        dataclasses.replace(parts[0], payload=(b"short",)),
        dataclasses.replace(parts[0], durations=[-1] * len(parts[0].sizes)),
        dataclasses.replace(parts[0], wall_us=2**65),
    ):
        with pytest.raises(Fmp4Error):
            fragment_boxes(wrong, 0, None)
    with pytest.raises(Fmp4Error):
        init_section(dataclasses.replace(video, parameter_sets=()), None)
    with pytest.raises(Fmp4Error):
        init_section(dataclasses.replace(video, codec="av1"), None)


def test_the_screens_read_the_versions_that_are_written_and_were() -> None:
    page = (Path(__file__).resolve().parents[2] / "ui/src/video/facts.ts").read_text(encoding="utf-8")
    assert f"const VERSIONS = [{VERSION_SHA256}, {VERSION}];" in page
