"""Fragmented MP4: bounded reading of what `fmp4.py` writes, from memory or through a `read(offset, size)` function.

It reads our own form only (and init sections); anything else raises `Fmp4Error`, never another error, and never asks
for more memory than the `MAX_*` bounds. The archive, recovery, export and verification call this.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from manara.formats.fmp4 import (
    FLAG_KEY,
    FLAG_LIVE,
    MAX_FRAMES,
    MAX_PAYLOAD_BYTES,
    MAX_SOUND_FRAMES,
    SAMPLE_KEY,
    SOUND_TRACK,
    UUID,
    UUID_BOX_BYTES,
    VERSION,
    VERSION_SHA256,
    VIDEO_TRACK,
    Fmp4Error,
    chain_hash,
)
from manara.formats.frames import TIMESCALE_HZ, Buffer, Fragment, SoundFormat, VideoFormat

Read = Callable[[int, int], bytes]

MAX_INIT_BYTES = 1 << 20
MAX_BOXES = 256
_PROBE_BYTES = 2048
_MAX_MOOF_BYTES = 24 + 64 + 16 * MAX_FRAMES + 64 + 8 * MAX_SOUND_FRAMES


class Box(NamedTuple):
    """Where one box lies in a buffer: its header begins at `start`, its body at `body`, the next box at `end`."""

    kind: bytes
    start: int
    body: int
    end: int


def walk(data: Buffer, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes of `data[start:end]`, at most `MAX_BOXES`. Raises `Fmp4Error` where a size runs over the end."""
    end = len(data) if end is None else end
    for _ in range(MAX_BOXES):
        if start == end:
            return
        if start + 8 > end:
            raise Fmp4Error(f"a box header at {start} runs over the end at {end}")
        size, kind = struct.unpack_from(">I4s", data, start)
        if size < 8 or start + size > end:
            raise Fmp4Error(f"box {kind!r} at {start} of {size} bytes runs over the end at {end}")
        yield Box(kind, start, start + 8, start + size)
        start += size
    raise Fmp4Error(f"more than {MAX_BOXES} boxes")


def _child(data: Buffer, parent: Box, kind: bytes, skip: int = 0) -> Box:
    for found in walk(data, parent.body + skip, parent.end):
        if found.kind == kind:
            return found
    raise Fmp4Error(f"no {kind!r} in {parent.kind!r}")


def _unpack(layout: str, data: Buffer, offset: int, end: int) -> tuple[Any, ...]:
    if offset < 0 or offset + struct.calcsize(layout) > end:
        raise Fmp4Error(f"{end - offset} bytes at {offset}, {struct.calcsize(layout)} wanted")
    return struct.unpack_from(layout, data, offset)


@dataclass(frozen=True, slots=True)
class FragmentHead:
    """All of a fragment but its payload."""

    version: int
    key: bool
    live: bool
    number: int
    wall_us: int
    camera_us: int
    previous: bytes
    hash: bytes
    decode_time: int
    durations: list[int]
    sizes: list[int]
    composition_offsets: list[int]
    key_indexes: list[int]
    sound_decode_time: int
    sound_durations: list[int]
    sound_sizes: list[int]
    head_bytes: int  # uuid, moof and the header of mdat
    payload_bytes: int

    @property
    def total_bytes(self) -> int:
        """The whole fragment."""
        return self.head_bytes + self.payload_bytes

    @property
    def duration(self) -> int:
        """Of the frames of video, 90 kHz."""
        return sum(self.durations)

    @property
    def end_us(self) -> int:
        """Wall time at which the last frame ends, UTC µs."""
        return self.wall_us + self.duration * 100 // 9

    def proves(self, payload: bytes) -> bool:
        """Whether this is the payload that was hashed when it was recorded."""
        return chain_hash(self.previous, self.wall_us, [payload], self.version) == self.hash

    def fragment(self, payload: bytes) -> Fragment:
        """The fragment again, from its `mdat` payload."""
        if len(payload) != self.payload_bytes:
            raise Fmp4Error(f"payload of {len(payload)} bytes, {self.payload_bytes} wanted")
        video_bytes = sum(self.sizes)
        sound, at, time = [], video_bytes, self.sound_decode_time
        for duration, size in zip(self.sound_durations, self.sound_sizes, strict=True):
            sound.append((time, duration, payload[at : at + size]))
            at, time = at + size, time + duration
        return Fragment(
            (payload[:video_bytes],), self.sizes, self.durations, self.composition_offsets, self.key, self.decode_time,
            self.wall_us, self.camera_us, self.key_indexes, sound,
        )  # fmt: skip


def moof_end(data: Buffer, offset: int = 0) -> int:
    """How many bytes from `offset` `parse_head` needs. `data` must hold 128 bytes there. Raises `Fmp4Error`."""
    size, kind, uuid = _unpack(">I4s16s", data, offset, len(data))
    if kind != b"uuid" or size != UUID_BOX_BYTES or uuid != UUID:
        raise Fmp4Error(f"no fragment at {offset}")
    moof_bytes, kind = _unpack(">I4s", data, offset + UUID_BOX_BYTES, len(data))
    if kind != b"moof" or not 24 <= moof_bytes <= _MAX_MOOF_BYTES:
        raise Fmp4Error(f"no moof at {offset + UUID_BOX_BYTES}")
    return UUID_BOX_BYTES + int(moof_bytes) + 8


def _run(data: Buffer, traf: Box, run_flags: int, most: int) -> tuple[int, int, tuple[int, ...]]:
    """Decode time, data offset and the sample table of one `traf`."""
    tfdt = _child(data, traf, b"tfdt")
    version, decode_time = _unpack(">IQ", data, tfdt.body, tfdt.end)
    trun = _child(data, traf, b"trun")
    flags, samples, offset = _unpack(">IIi", data, trun.body, trun.end)
    if version != 1 << 24 or flags != 1 << 24 | run_flags or not 0 < samples <= most:
        raise Fmp4Error(f"traf at {traf.start}: not of our form")
    width = run_flags.bit_count() - 1
    return decode_time, offset, _unpack(f">{width * samples}I", data, trun.body + 12, trun.end)


def parse_head(data: Buffer, offset: int = 0) -> FragmentHead:
    """The fragment that begins at `offset`; `data` must hold it up to the header of `mdat`. Raises `Fmp4Error`."""
    head_bytes = moof_end(data, offset)
    end = offset + head_bytes
    _unpack(">Q", data, end - 8, len(data))
    version, flags, _, frames, wall_us, camera_us, number, previous, own = struct.unpack_from(
        ">BBHIQQQ32s32s", data, offset + 24
    )
    mdat_bytes, mdat = struct.unpack_from(">I4s", data, end - 8)
    if version not in (VERSION, VERSION_SHA256) or mdat != b"mdat" or not 8 <= mdat_bytes <= MAX_PAYLOAD_BYTES * 2:
        raise Fmp4Error(f"fragment at {offset}: version {version}, then {mdat!r}")
    trafs: dict[int, Box] = {}
    for child in walk(data, offset + UUID_BOX_BYTES + 8, end - 8):
        if child.kind == b"traf":
            tfhd = _child(data, child, b"tfhd")
            trafs.setdefault(_unpack(">II", data, tfhd.body, tfhd.end)[1], child)
    if VIDEO_TRACK not in trafs:
        raise Fmp4Error(f"fragment at {offset}: no video")
    decode_time, data_offset, table = _run(data, trafs[VIDEO_TRACK], 0xF01, MAX_FRAMES)
    sizes = list(table[1::4])
    if frames != len(sizes) or data_offset != head_bytes - UUID_BOX_BYTES:
        raise Fmp4Error(f"fragment at {offset}: {frames} frames told, {len(sizes)} there")
    sound_time, sound_offset, sound = 0, 0, tuple[int, ...]()
    if SOUND_TRACK in trafs:
        sound_time, sound_offset, sound = _run(data, trafs[SOUND_TRACK], 0x301, MAX_SOUND_FRAMES)
        if sound_offset != data_offset + sum(sizes):
            raise Fmp4Error(f"fragment at {offset}: sound is not after the video")
    if sum(sizes) + sum(sound[1::2]) != mdat_bytes - 8:
        raise Fmp4Error(f"fragment at {offset}: the sizes of its frames do not add up to its payload")
    return FragmentHead(
        version=version,
        key=bool(flags & FLAG_KEY),
        live=bool(flags & FLAG_LIVE),
        number=number,
        wall_us=wall_us,
        camera_us=camera_us,
        previous=previous,
        hash=own,
        decode_time=decode_time,
        durations=list(table[0::4]),
        sizes=sizes,
        composition_offsets=[v - (1 << 32) if v >= 1 << 31 else v for v in table[3::4]],
        key_indexes=[i for i, v in enumerate(table[2::4]) if v == SAMPLE_KEY],
        sound_decode_time=sound_time,
        sound_durations=list(sound[0::2]),
        sound_sizes=list(sound[1::2]),
        head_bytes=head_bytes,
        payload_bytes=mdat_bytes - 8,
    )


def read_head(read: Read, offset: int) -> FragmentHead:
    """The fragment at `offset` of a file, by one read, or two where it has many frames. Raises `Fmp4Error`."""
    data = read(offset, _PROBE_BYTES)
    need = moof_end(data)
    if need > len(data):
        data += read(offset + len(data), need - len(data))
    return parse_head(data)


def scan(read: Read, start: int, end: int) -> Iterator[tuple[int, FragmentHead]]:
    """Offset and head of every whole fragment from `start`; stops at one that is torn, foreign or runs over `end`."""
    while start < end:
        try:
            head = read_head(read, start)
        except Fmp4Error:
            return
        if start + head.total_bytes > end:
            return
        yield start, head
        start += head.total_bytes


def init_bytes(read: Read) -> int:
    """The length of the init section at the start of a file. Raises `Fmp4Error`."""
    at = 0
    for kind in (b"ftyp", b"moov"):
        data = read(at, 8)
        size, found = _unpack(">I4s", data, 0, len(data))
        if found != kind or not 8 <= size <= MAX_INIT_BYTES:
            raise Fmp4Error(f"no {kind!r} at {at}")
        at += size
    return at


def _avcc_sets(data: Buffer, at: Box) -> list[bytes]:
    sets: list[bytes] = []
    (count,) = _unpack(">B", data, at.body + 5, at.end)
    offset = at.body + 6
    for mask in (0x1F, 0xFF):
        for _ in range(count & mask):
            offset = _take(data, offset, at.end, sets)
        if mask == 0x1F:
            (count,) = _unpack(">B", data, offset, at.end)
            offset += 1
    return sets


def _hvcc_sets(data: Buffer, at: Box) -> list[bytes]:
    sets: list[bytes] = []
    (arrays,) = _unpack(">B", data, at.body + 22, at.end)
    offset = at.body + 23
    for _ in range(arrays):
        _, count = _unpack(">BH", data, offset, at.end)
        offset += 3
        for _ in range(count):
            offset = _take(data, offset, at.end, sets)
    return sets


def _take(data: Buffer, offset: int, end: int, into: list[bytes]) -> int:
    (size,) = _unpack(">H", data, offset, end)
    if offset + 2 + size > end or size == 0:
        raise Fmp4Error(f"parameter set at {offset} runs over its box")
    into.append(bytes(data[offset + 2 : offset + 2 + size]))
    return offset + 2 + int(size)


def _hevc_string(general: bytes) -> str:
    """RFC 6381 as ISO/IEC 14496-15 annex E writes it, from the 12 bytes of general profile, tier and level."""
    compatibility = int(f"{int.from_bytes(general[1:5], 'big'):032b}"[::-1], 2)
    constraints = general[5:11].rstrip(b"\0")
    tier = "H" if general[0] & 0x20 else "L"
    space = ("", "A", "B", "C")[general[0] >> 6]
    parts = [f"hvc1.{space}{general[0] & 0x1F}", f"{compatibility:X}", f"{tier}{general[11]}"]
    return ".".join(parts + [f"{byte:X}" for byte in constraints])


def _aac_config(data: Buffer, esds: Box) -> bytes:
    """The AudioSpecificConfig, as `fmp4.sound_entry` puts it (descriptor lengths of one byte)."""
    body = bytes(data[esds.body + 4 : esds.end])
    at = body.find(b"\x05", 18)
    if at < 0 or at + 2 > len(body) or at + 2 + body[at + 1] > len(body):
        raise Fmp4Error("no AAC configuration in esds")
    return body[at + 2 : at + 2 + body[at + 1]]


def _video_format(data: Buffer, entry: Box) -> VideoFormat:
    width, height = _unpack(">HH", data, entry.body + 24, entry.end)
    if entry.kind == b"avc1":
        config = _child(data, entry, b"avcC", 78)
        sets = _avcc_sets(data, config)
        return VideoFormat("h264", tuple(sets), width, height, f"avc1.{sets[0][1:4].hex()}" if sets else "")
    config = _child(data, entry, b"hvcC", 78)
    sets = _hvcc_sets(data, config)
    general = bytes(data[config.body + 1 : config.body + 13])
    return VideoFormat("h265", tuple(sets), width, height, _hevc_string(general))


def _sound_format(data: Buffer, entry: Box, rate_hz: int) -> SoundFormat:
    (channels,) = _unpack(">H", data, entry.body + 16, entry.end)
    if entry.kind == b"mp4a":
        return SoundFormat("aac", rate_hz, channels, _aac_config(data, _child(data, entry, b"esds", 28)))
    return SoundFormat("pcma" if entry.kind == b"alaw" else "pcmu", rate_hz, channels)


def parse_init(data: Buffer) -> tuple[VideoFormat, SoundFormat | None]:
    """The formats of an init section `ftyp moov`. Raises `Fmp4Error`."""
    moov = _child(data, Box(b"file", 0, 0, len(data)), b"moov")
    video: VideoFormat | None = None
    sound: SoundFormat | None = None
    for trak in walk(data, moov.body, moov.end):
        if trak.kind != b"trak":
            continue
        mdia = _child(data, trak, b"mdia")
        mdhd = _child(data, mdia, b"mdhd")
        version, _, _, rate_hz = _unpack(">IQQI", data, mdhd.body, mdhd.end)
        if version != 1 << 24:
            raise Fmp4Error("mdhd is not of our form")
        stsd = _child(data, _child(data, _child(data, mdia, b"minf"), b"stbl"), b"stsd")
        for entry in walk(data, stsd.body + 8, stsd.end):
            if entry.kind in (b"avc1", b"hvc1") and rate_hz == TIMESCALE_HZ:
                video = _video_format(data, entry)
            elif entry.kind in (b"mp4a", b"alaw", b"ulaw"):
                sound = _sound_format(data, entry, rate_hz)
            else:
                raise Fmp4Error(f"sample entry {entry.kind!r} at {rate_hz} Hz")
    if video is None:
        raise Fmp4Error("no video in the init section")
    return video, sound
