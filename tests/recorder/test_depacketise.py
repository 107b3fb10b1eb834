"""Packets to frames: every way a picture may be packed, and every way it may be spoiled."""

import random
import struct
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from manara.recorder.depacketise import Depacketiser
from manara.recorder.gop import GopJoiner
from manara.recorder.packets import Pieces
from tests.recorder.cameras import ListTaker, Packetiser, Picture, clip, interleaved, parameter_sets, samples


class Line:
    """A depacketiser with a shared buffer, fed in pieces as a socket would."""

    def __init__(self, codec: str = "h264", sets: tuple[bytes, ...] = (), max_fragment_s: float = 100.0) -> None:
        self.taker = ListTaker()
        self.joiner = GopJoiner(self.taker, codec, 90_000, sets, max_fragment_s)
        self.depacketiser = Depacketiser(
            self.joiner, channel=0, payload_type=96, text=lambda at, end: end - at, other=lambda channel, view: None
        )
        self.buffer = bytearray(1 << 20)
        self.view = memoryview(self.buffer)
        self.carry = b""
        self.now_us = 1_700_000_000_000_000

    def feed(self, data: bytes) -> None:
        whole = self.carry + data
        self.buffer[: len(whole)] = whole
        self.now_us += 1
        self.joiner.arrival_us = self.now_us
        frames = self.joiner.frames
        at = self.depacketiser.feed(self.buffer, self.view, 0, len(whole))
        if self.joiner.frames != frames:
            self.joiner.arrived()
        self.carry = bytes(self.view[at : len(whole)])

    def finish(self) -> list[bytes]:
        self.depacketiser.reset()
        self.joiner.flush()
        return list(samples(self.taker.fragments))


def all_of(data: Pieces) -> bytes:
    return data.copy(0, len(data))


def stream_of(packetiser: Packetiser, pictures: tuple[Picture, ...]) -> list[bytes]:
    return [packet for picture in pictures for packet in packetiser.packets(picture)]


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("aggregate", [False, True])
@pytest.mark.parametrize("most", [60, 400, 60_000])
@pytest.mark.parametrize("piece", [17, 1000, 1 << 18])
def test_every_frame_arrives_unchanged(codec: str, aggregate: bool, most: int, piece: int) -> None:
    pictures = clip(codec)
    line = Line(codec)
    data = b"".join(map(interleaved, stream_of(Packetiser(codec, most=most, aggregate=aggregate), pictures)))
    for at in range(0, len(data), piece):
        line.feed(data[at : at + piece])
    found = line.finish()
    if aggregate:  # small NAL units go first in these packets, so only their order may differ
        assert [sorted(s) for s in found] == [sorted(p.sample) for p in pictures]
    else:
        assert found == [picture.sample for picture in pictures]
    assert line.depacketiser.lost == line.depacketiser.malformed == line.joiner.dropped == 0
    assert [len(f.sizes) for f in line.taker.fragments] == [10, 10, 10, 10]
    assert all(f.key and f.key_indexes == [0] for f in line.taker.fragments)
    assert [f.decode_time for f in line.taker.fragments] == [0, 90_000, 180_000, 270_000]
    assert all(d == 9000 for f in line.taker.fragments[:-1] for d in f.durations)
    assert line.depacketiser.highest_sequence - line.depacketiser.first_sequence + 1 == line.depacketiser.packets


def test_the_picture_size_and_codec_are_told() -> None:
    for codec, start in (("h264", "avc1."), ("h265", "hvc1.")):
        line = Line(codec)
        for packet in stream_of(Packetiser(codec), clip(codec)):
            line.feed(interleaved(packet))
        (video,) = line.taker.formats
        assert (video.width_px, video.height_px) == (160, 96)
        assert video.codec_string.startswith(start)
        assert video.parameter_sets == parameter_sets(codec, clip(codec))


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_a_lost_packet_costs_one_frame_and_no_other(codec: str) -> None:
    pictures = clip(codec)
    for lost in range(3, 40):
        line = Line(codec)
        packetiser = Packetiser(codec, most=120)
        packets = [(index, p) for index, picture in enumerate(pictures) for p in packetiser.packets(picture)]
        victim = packets[lost][0]
        for number, (_, packet) in enumerate(packets):
            if number != lost:
                line.feed(interleaved(packet))
        found = line.finish()
        wanted = [picture.sample for picture in pictures]
        assert line.depacketiser.lost == 1
        missing = [sample for sample in wanted if sample not in found]
        # A missing first packet of a parameter set or delimiter may leave a frame that is whole but for it.
        assert set(found) <= set(wanted) or len(found) == len(wanted)
        assert missing in ([wanted[victim]], [wanted[victim], wanted[victim + 1]]) or victim == 0


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_b_frames_get_rising_decode_times_and_true_presentation_times(codec: str) -> None:
    pictures = clip(codec, frames=40, gop=20, bframes=2)
    assert [p.pts for p in pictures] != sorted(p.pts for p in pictures)
    line = Line(codec)
    for packet in stream_of(Packetiser(codec), pictures):
        line.feed(interleaved(packet))
    found = line.finish()
    assert found == [picture.sample for picture in pictures]
    times: list[tuple[int, int]] = []
    for fragment in line.taker.fragments:
        at = fragment.decode_time
        for duration, offset in zip(fragment.durations, fragment.composition_offsets, strict=True):
            times.append((at, at + offset))
            at += duration
    decode = [d for d, _ in times]
    shown = [p for _, p in times]
    assert decode == sorted(set(decode))
    assert [s - shown[0] for s in shown] == [p.pts - pictures[0].pts for p in pictures]
    assert all(p >= d for d, p in times)


def test_b_frames_that_the_parameter_sets_do_not_announce_are_found_out() -> None:
    line = Line()
    line.joiner.timeline.reorder = 0
    timeline = line.joiner.timeline
    decode = []
    for pts in [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]:
        decode.append(timeline.decode(timeline.presentation(pts * 9000, 0)))
    assert decode == sorted(set(decode))
    assert timeline.reorder >= 1


def test_parameter_sets_that_change_begin_a_new_run() -> None:
    first, second = clip("h264"), clip("h264", width=192, height=112)
    line = Line()
    packetiser = Packetiser()
    for packet in stream_of(packetiser, first):
        line.feed(interleaved(packet))
    for picture in second:
        moved = Picture(picture.nals, picture.pts + 40 * 9000, picture.key)
        for packet in packetiser.packets(moved):
            line.feed(interleaved(packet))
    assert line.finish() == [p.sample for p in first + second]
    assert [(v.width_px, v.height_px) for v in line.taker.formats] == [(160, 96), (192, 112)]
    assert [f.decode_time for f in line.taker.fragments] == [0, 90_000, 180_000, 270_000] * 2


def test_a_marker_on_each_slice_does_not_split_pictures() -> None:
    # Two slices a picture, made by hand: the second one's first_mb_in_slice is not 0.
    sets = parameter_sets("h264", clip("h264"))
    pictures = [
        Picture((*sets, b"\x65\x88" + bytes(20), b"\x65\x40" + bytes(20)), 0, True),
        Picture((b"\x41\x9a" + bytes(20), b"\x41\x50" + bytes(20)), 9000, False),
        Picture((b"\x41\x9a" + bytes(30), b"\x41\x50" + bytes(30)), 18000, False),
    ]
    line = Line()
    packetiser = Packetiser(marker_on_each_slice=True)
    for picture in pictures:
        for packet in packetiser.packets(picture):
            line.feed(interleaved(packet))
    assert line.finish() == [p.sample for p in pictures]


def test_pictures_without_any_marker_end_at_the_next_timestamp() -> None:
    pictures = clip("h264")
    line = Line()
    for packet in stream_of(Packetiser(), pictures):
        line.feed(interleaved(packet[:1] + bytes((packet[1] & 0x7F,)) + packet[2:]))
    assert line.finish() == [p.sample for p in pictures[:-1]]  # of the last one nobody knows whether it is whole


def test_header_extensions_and_padding_are_taken_off() -> None:
    pictures = clip("h264")
    line = Line()
    for packet in stream_of(Packetiser(), pictures):
        odd = bytes((packet[0] | 0x30,)) + packet[1:12] + b"\xbe\xde\x00\x01abcd" + packet[12:] + b"\x00\x00\x03"
        line.feed(interleaved(odd))
    assert line.finish() == [p.sample for p in pictures]


def test_all_parameter_sets_and_the_key_frame_in_one_unit_with_start_codes() -> None:
    pictures = clip("h264")
    key = pictures[0]
    joined = Picture((b"\x00\x00\x00\x01".join(key.nals),), 0, True)
    line = Line()
    packetiser = Packetiser()
    for picture in (joined, *pictures[1:]):
        for packet in packetiser.packets(picture):
            line.feed(interleaved(packet))
    assert line.finish() == [p.sample for p in pictures]


def test_a_gop_longer_than_allowed_is_cut() -> None:
    pictures = clip("h264", frames=40, gop=40)
    line = Line(max_fragment_s=1.0)
    packetiser = Packetiser()
    for picture in pictures:
        line.now_us += 100_000
        for packet in packetiser.packets(picture):
            line.feed(interleaved(packet))
    gop = line.joiner.current_gop()
    assert list(samples(gop)) == [p.sample for p in pictures]
    assert [f.key for f in gop] == [True, False, False, False]
    assert line.finish() == [p.sample for p in pictures]
    assert [len(f.sizes) for f in line.taker.fragments] == [10, 10, 10, 10]
    walls = [f.wall_us for f in line.taker.fragments]
    assert walls == sorted(walls)


def test_a_jump_of_the_timestamp_is_bounded() -> None:
    pictures = clip("h264")
    line = Line()
    packetiser = Packetiser()
    for number, picture in enumerate(pictures):
        jump = 0 if number < 15 else 3_000_000_000 if number < 25 else 12_345
        for packet in packetiser.packets(Picture(picture.nals, picture.pts + jump, picture.key)):
            line.feed(interleaved(packet))
    assert line.finish() == [p.sample for p in pictures]
    assert line.joiner.timeline.jumps == 2
    assert all(0 < d <= 900_000 for f in line.taker.fragments for d in f.durations)


def test_one_timestamp_for_ever_still_gives_rising_times() -> None:
    pictures = clip("h264")
    line = Line()
    packetiser = Packetiser()
    for picture in pictures:
        for packet in packetiser.packets(Picture(picture.nals, 0, picture.key)):
            line.feed(interleaved(packet))
    assert line.finish() == [p.sample for p in pictures]
    assert all(d > 0 for f in line.taker.fragments for d in f.durations)


def test_frames_before_the_first_key_frame_are_left_out() -> None:
    pictures = clip("h264")[5:]
    line = Line()
    for packet in stream_of(Packetiser(), pictures):
        line.feed(interleaved(packet))
    assert line.finish() == [p.sample for p in pictures[5:]]
    assert line.joiner.dropped == 5


def test_watched_frames_come_one_by_one_and_the_gop_before_them_is_there() -> None:
    pictures = clip("h264")
    line = Line()
    packetiser = Packetiser()
    for picture in pictures[:15]:
        for packet in packetiser.packets(picture):
            line.feed(interleaved(packet))
    before = line.joiner.current_gop()
    line.taker.watched = True
    for picture in pictures[15:]:
        for packet in packetiser.packets(picture):
            line.feed(interleaved(packet))
    assert list(samples(before)) == [p.sample for p in pictures[10:15]]
    assert list(samples(line.taker.frames)) == [p.sample for p in pictures[15:]]
    assert [f.decode_time for f in line.taker.frames] == [n * 9000 for n in range(15, 40)]
    assert line.finish() == [p.sample for p in pictures]


def test_a_frame_without_end_is_given_up() -> None:
    line = Line(sets=parameter_sets("h264", clip("h264")))
    packetiser = Packetiser()
    line.feed(interleaved(packetiser.packet(b"\x7c\x85" + bytes(1000), 0, False)))
    for _ in range(300):
        line.feed(interleaved(packetiser.packet(b"\x7c\x05" + bytes(60_000), 0, False)))
    assert len(line.joiner.data) < 17 * 1024 * 1024
    pictures = clip("h264")
    for picture in pictures:
        moved = Picture(picture.nals, picture.pts + 9000, picture.key)
        for packet in packetiser.packets(moved):
            line.feed(interleaved(packet))
    assert line.finish() == [p.sample for p in pictures]


def spoiled(dice: random.Random, packets: list[bytes], one_in: int = 4) -> Iterator[bytes]:
    """The packets, of which one in so many is changed, cut, left out or something else."""
    for packet in packets:
        roll = dice.random() * one_in / 4
        if roll < 0.1:
            changed = bytearray(packet)
            for _ in range(dice.randint(1, 6)):
                changed[dice.randrange(min(len(changed), dice.choice((20, 2000))))] = dice.randrange(256)
            yield bytes(changed)
        elif roll < 0.15:
            yield packet[: dice.randrange(len(packet))]
        elif roll < 0.2:
            continue
        elif roll < 0.25:
            yield dice.randbytes(dice.randrange(80))
        else:
            yield packet


@example(662770, "h264")  # a sequence set of nonsense just before a good one
@example(247332, "h264")  # what was made to look like a supplemental unit never ended
@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["h264", "h265"]))
def test_spoiled_packets_never_raise_and_the_stream_goes_on(seed: int, codec: str) -> None:
    dice = random.Random(seed)
    pictures = clip(codec)
    line = Line(codec)
    packetiser = Packetiser(codec, most=150)
    for packet in spoiled(dice, stream_of(packetiser, pictures[:30])):
        line.feed(interleaved(packet))
    packetiser.source = 0x55667788  # the encoder began anew, whatever the fuzz did to the sequence
    for picture in pictures[30:]:
        for packet in packetiser.packets(picture):
            line.feed(interleaved(packet))
    first, *others = line.finish()[-10:]
    # What was made up may have been a whole NAL unit that belongs to no picture: it then stands before the first one.
    assert first.endswith(pictures[30].sample)
    assert others == [p.sample for p in pictures[31:]]
    for fragment in line.taker.fragments:
        assert sum(fragment.sizes) == fragment.payload_bytes
        assert len(fragment.sizes) == len(fragment.durations) == len(fragment.composition_offsets)
        assert all(0 < d < 2**31 for d in fragment.durations)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_survived(data: bytes) -> None:
    line = Line()
    line.feed(struct.pack(">BBH", 0x24, 0, len(data)) + data)
    line.feed(data)
    line.finish()
