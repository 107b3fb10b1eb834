"""Fragmented MP4, the one form of video on disk and on the wire: writing.

A file is `ftyp moov` (the init section) and then fragments; a fragment is `uuid moof mdat`. The `uuid` box is ours:
players skip it, and a scan of it alone tells when, how long, whether whole and unchanged. Reading is in `fmp4_read.py`.
No I/O, no clock. The archive and live call this. Bounds: the `MAX_*` constants; more is refused (`Fmp4Error`).
Source: ISO/IEC 14496-12 (boxes), 14496-14 (mp4a), 14496-15 (avcC, hvcC), RFC 6381 (codec strings).

The payload of the `uuid` box, big endian (offsets from the start of the box, size and kind and id included):

    24 u8  version, 2           40 u64 camera clock of the first frame, UTC µs, 0 = unknown
    25 u8  flags: 1 first frame is a key frame, 2 live      48 u64 fragment number in its file or connection, from 0
    26 u16 0                    56 32 bytes chain hash of the fragment before (zeros: none, or live)
    28 u32 frames of video      88 32 bytes chain hash of this fragment (zeros when live)
    32 u64 wall time of the first frame, UTC µs             120 end

Chain hash = BLAKE3(payload of `mdat` ‖ wall time as u64), keyed with the hash before. Both hashes are in the box, so
that each fragment proves itself and names the one it follows. Fragments of version 1, of earlier recordings, have
SHA-256(hash before ‖ wall time ‖ payload) instead: still read and proved, no longer written.
"""

import hashlib
import struct
from collections.abc import Sequence

from blake3 import blake3

from manara.formats.frames import TIMESCALE_HZ, Buffer, Fragment, SoundFormat, VideoFormat

UUID = bytes.fromhex("6d616e61726100018000f4a64d503401")
UUID_BOX_BYTES = 120
VERSION = 2
VERSION_SHA256 = 1
FLAG_KEY = 1
FLAG_LIVE = 2
NO_HASH = bytes(32)
MAX_FRAMES = 4096
MAX_SOUND_FRAMES = 4096
MAX_PAYLOAD_BYTES = 256 * 1024 * 1024
SAMPLE_KEY = 0x02000000  # depends on no other
SAMPLE_DELTA = 0x01010000  # depends on others, no sync sample
VIDEO_TRACK = 1
SOUND_TRACK = 2

_UUID_BODY = struct.Struct(">4s16sBBHIQQQ32s32s")
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_LANGUAGE_UND = 0x55C4


class Fmp4Error(ValueError):
    """The boxes, or what is to be put into them, are wrong; the message says where and how."""


def box(kind: bytes, *parts: Buffer) -> bytes:
    """One box of `kind` (4 bytes) around `parts`."""
    return b"".join((struct.pack(">I4s", 8 + sum(len(p) for p in parts), kind), *parts))


def full_box(kind: bytes, version: int, flags: int, *parts: Buffer) -> bytes:
    """One box with version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


class _Bits:
    """Reads bits of a parameter set; emulation prevention is taken out first."""

    def __init__(self, nal: bytes, skip_bytes: int) -> None:
        rbsp = nal[skip_bytes:4096].replace(b"\0\0\3", b"\0\0")
        self._value = int.from_bytes(rbsp, "big")
        self._left = len(rbsp) * 8

    def u(self, bits: int) -> int:
        if bits > self._left:
            raise Fmp4Error("parameter set ends early")
        self._left -= bits
        return (self._value >> self._left) & ((1 << bits) - 1)

    def ue(self) -> int:
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > 32:
                raise Fmp4Error("parameter set: number too large")
        return (1 << zeros) - 1 + (self.u(zeros) if zeros else 0)


def _split_sets(video: VideoFormat) -> dict[int, list[bytes]]:
    """Parameter sets by NAL unit type."""
    by_type: dict[int, list[bytes]] = {}
    for nal in video.parameter_sets:
        if len(nal) < 4 or len(nal) > 0xFFFF:
            raise Fmp4Error(f"parameter set of {len(nal)} bytes")
        kind = nal[0] & 0x1F if video.codec == "h264" else (nal[0] >> 1) & 0x3F
        by_type.setdefault(kind, []).append(bytes(nal))
    return by_type


def _with_lengths(nals: Sequence[bytes]) -> bytes:
    return b"".join(struct.pack(">H", len(n)) + n for n in nals)


def _avcc(video: VideoFormat) -> bytes:
    sets = _split_sets(video)
    sps, pps = sets.get(7, []), sets.get(8, [])
    if not sps or not pps or len(sps) > 31 or len(pps) > 255:
        raise Fmp4Error(f"H.264 wants sequence and picture parameter sets, got {len(sps)} and {len(pps)}")
    profile = sps[0][1]
    body = bytes((1, profile, sps[0][2], sps[0][3], 0xFF, 0xE0 | len(sps))) + _with_lengths(sps)
    body += bytes((len(pps),)) + _with_lengths(pps)
    if profile in (100, 110, 122, 144):
        bits = _Bits(sps[0], 4)
        bits.ue()  # seq_parameter_set_id
        chroma = bits.ue()
        if chroma == 3:
            bits.u(1)
        luma_depth, chroma_depth = bits.ue(), bits.ue()
        if chroma > 3 or luma_depth > 6 or chroma_depth > 6:
            raise Fmp4Error("H.264 sequence parameter set: chroma format or depth out of range")
        body += bytes((0xFC | chroma, 0xF8 | luma_depth, 0xF8 | chroma_depth, 0))
    return box(b"avcC", body)


def _hvcc(video: VideoFormat) -> bytes:
    sets = _split_sets(video)
    if not all(sets.get(kind) for kind in (32, 33, 34)):
        raise Fmp4Error("H.265 wants video, sequence and picture parameter sets")
    bits = _Bits(sets[33][0], 2)
    bits.u(4)
    sub_layers = bits.u(3)
    nesting = bits.u(1)
    general = bits.u(96).to_bytes(12, "big")  # profile space, tier, profile, compatibility, constraints, level
    present = [(bits.u(1), bits.u(1)) for _ in range(8 if sub_layers else 0)][:sub_layers]
    for profile_present, level_present in present:
        bits.u(88 * profile_present + 8 * level_present)
    bits.ue()  # sps_seq_parameter_set_id
    chroma = bits.ue()
    if chroma == 3:
        bits.u(1)
    bits.ue()  # width and height in luma samples
    bits.ue()
    if bits.u(1):
        for _ in range(4):
            bits.ue()
    luma_depth, chroma_depth = bits.ue(), bits.ue()
    if chroma > 3 or luma_depth > 8 or chroma_depth > 8:
        raise Fmp4Error("H.265 sequence parameter set: chroma format or depth out of range")
    head = (
        b"\1"
        + general
        + struct.pack(">HBBBBH", 0xF000, 0xFC, 0xFC | chroma, 0xF8 | luma_depth & 7, 0xF8 | chroma_depth & 7, 0)
    )
    head += bytes(((sub_layers + 1) << 3 | nesting << 2 | 3, 3))
    arrays = b"".join(
        struct.pack(">BH", 0x80 | kind, len(sets[kind])) + _with_lengths(sets[kind]) for kind in (32, 33, 34)
    )
    return box(b"hvcC", head + arrays)


def _descriptor(tag: int, body: bytes) -> bytes:
    if len(body) > 0x7F:
        raise Fmp4Error("AAC configuration too long")
    return bytes((tag, len(body))) + body


def video_entry(video: VideoFormat) -> bytes:
    """The sample entry (`avc1` or `hvc1`). Raises `Fmp4Error` where parameter sets are missing or malformed."""
    if video.codec not in ("h264", "h265"):
        raise Fmp4Error(f"no sample entry for codec {video.codec!r}")
    if not (0 < video.width_px <= 0xFFFF and 0 < video.height_px <= 0xFFFF):
        raise Fmp4Error(f"picture of {video.width_px} x {video.height_px}")
    kind, config = (b"avc1", _avcc(video)) if video.codec == "h264" else (b"hvc1", _hvcc(video))
    head = struct.pack(
        ">6xH16xHHIIIH32sHh", 1, video.width_px, video.height_px, 0x480000, 0x480000, 0, 1, b"", 0x18, -1
    )
    return box(kind, head, config)


def sound_entry(sound: SoundFormat) -> bytes:
    """The sample entry (`mp4a`, `alaw` or `ulaw`)."""
    head = struct.pack(">6xH8xHHHHI", 1, sound.channels, 16, 0, 0, min(sound.sample_rate_hz, 0xFFFF) << 16)
    if sound.codec == "aac":
        config = _descriptor(5, sound.config)
        decoder = _descriptor(4, struct.pack(">BB3xII", 0x40, 0x15, 0, 0) + config)
        return box(b"mp4a", head, full_box(b"esds", 0, 0, _descriptor(3, b"\0\2\0" + decoder + _descriptor(6, b"\2"))))
    kinds = {"pcma": b"alaw", "pcmu": b"ulaw"}
    if sound.codec not in kinds:
        raise Fmp4Error(f"no sample entry for sound {sound.codec!r}")
    layout = {1: 0x640001, 2: 0x650002}.get(sound.channels)  # kCAFChannelLayoutTag; else players must guess it
    return box(kinds[sound.codec], head, full_box(b"chan", 0, 0, struct.pack(">III", layout, 0, 0)) if layout else b"")


def track_box(
    track: int,
    entry: bytes,
    *,
    handler: bytes,
    timescale_hz: int,
    size_px: tuple[int, int] = (0, 0),
    tables: Sequence[bytes] = (),
    duration: int = 0,
    movie_duration: int = 0,
    edit: bytes = b"",
) -> bytes:
    """A `trak`. `tables` are the boxes after `stsd`; empty ones are made where the samples lie in fragments."""
    sound = handler == b"soun"
    tkhd = full_box(
        b"tkhd", 1, 3,
        struct.pack(">QQIIQ8xHHHH", 0, 0, track, 0, movie_duration, 0, 0, 0x100 if sound else 0, 0),
        _MATRIX,
        struct.pack(">II", size_px[0] << 16, size_px[1] << 16),
    )  # fmt: skip
    mdhd = full_box(b"mdhd", 1, 0, struct.pack(">QQIQHH", 0, 0, timescale_hz, duration, _LANGUAGE_UND, 0))
    name = b"Sound\0" if sound else b"Video\0"
    hdlr = full_box(b"hdlr", 0, 0, struct.pack(">4x4s12x", handler), name)
    media = full_box(b"smhd", 0, 0, bytes(4)) if sound else full_box(b"vmhd", 0, 1, bytes(8))
    dinf = box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, 1)))
    tables = tables or (
        full_box(b"stts", 0, 0, bytes(4)),
        full_box(b"stsc", 0, 0, bytes(4)),
        full_box(b"stsz", 0, 0, bytes(8)),
        full_box(b"stco", 0, 0, bytes(4)),
    )
    stbl = box(b"stbl", full_box(b"stsd", 0, 0, struct.pack(">I", 1), entry), *tables)
    return box(b"trak", tkhd, edit, box(b"mdia", mdhd, hdlr, box(b"minf", media, dinf, stbl)))


def movie_header(duration: int, next_track: int) -> bytes:
    """The `mvhd`; `duration` in 90 kHz."""
    fixed = struct.pack(">QQIQIH10x", 0, 0, TIMESCALE_HZ, duration, 0x10000, 0x100)
    return full_box(b"mvhd", 1, 0, fixed, _MATRIX, bytes(24), struct.pack(">I", next_track))


def init_section(video: VideoFormat, sound: SoundFormat | None) -> bytes:
    """`ftyp moov`: what a decoder must have before the first fragment. Raises `Fmp4Error`."""
    tracks = [
        track_box(
            VIDEO_TRACK, video_entry(video), handler=b"vide", timescale_hz=TIMESCALE_HZ,
            size_px=(video.width_px, video.height_px),
        )
    ]  # fmt: skip
    if sound is not None:
        tracks.append(track_box(SOUND_TRACK, sound_entry(sound), handler=b"soun", timescale_hz=sound.sample_rate_hz))
    extends = [full_box(b"trex", 0, 0, struct.pack(">5I", n + 1, 1, 0, 0, 0)) for n in range(len(tracks))]
    ftyp = box(b"ftyp", b"iso6", bytes(4), b"iso6iso5mp41")
    return ftyp + box(b"moov", movie_header(0, len(tracks) + 1), *tracks, box(b"mvex", *extends))


def _sound_run(fragment: Fragment) -> tuple[list[int], list[int]]:
    """Durations and sizes of the sound frames; a hole between two is given to the first, so that no frame moves."""
    sound = fragment.sound
    durations = [duration for _, duration, _ in sound]
    for i in range(len(sound) - 1):
        step = sound[i + 1][0] - sound[i][0]
        if 0 < step < 1 << 31:
            durations[i] = step
    return durations, [len(data) for _, _, data in sound]


def _check(fragment: Fragment) -> int:
    frames = len(fragment.sizes)
    if not 0 <= fragment.wall_us < 1 << 63:
        raise Fmp4Error(f"a wall time of {fragment.wall_us} µs")
    if not 0 < frames <= MAX_FRAMES:
        raise Fmp4Error(f"a fragment of {frames} frames")
    if len(fragment.durations) != frames or len(fragment.composition_offsets) != frames:
        raise Fmp4Error("sizes, durations and composition offsets differ in number")
    if sum(fragment.sizes) != fragment.payload_bytes or fragment.payload_bytes > MAX_PAYLOAD_BYTES:
        raise Fmp4Error(f"sizes add up to {sum(fragment.sizes)} bytes, the payload has {fragment.payload_bytes}")
    if len(fragment.sound) > MAX_SOUND_FRAMES:
        raise Fmp4Error(f"a fragment of {len(fragment.sound)} sound frames")
    return frames


def chain_hash(previous: bytes, wall_us: int, payload: Sequence[Buffer], version: int = VERSION) -> bytes:
    """The chain hash of a fragment whose `mdat` payload is `payload`, after a fragment with hash `previous`.

    `version` is that of its `uuid` box. The payload comes first: BLAKE3 is three times as fast on pieces that begin at
    a multiple of 1 KiB, as the recorder's do.
    """
    at = wall_us.to_bytes(8, "big")
    if version == VERSION_SHA256:
        return hashlib.sha256(b"".join((previous, at, *payload))).digest()
    digest = blake3(key=previous)
    for part in payload:
        digest.update(part)
    digest.update(at)
    return digest.digest()


def fragment_boxes(
    fragment: Fragment, number: int, previous_hash: bytes | None, live: bool = False
) -> tuple[list[Buffer], bytes]:
    """`uuid moof mdat` as buffers for one vectored write, and the fragment's chain hash.

    The first buffer holds `uuid`, `moof` and the header of `mdat`; the others are the payload, not copied.
    `previous_hash` is the hash of the stream's fragment before (None: the first). Live fragments carry no hash.
    Raises `Fmp4Error`.
    """
    frames = _check(fragment)
    table = [0] * (4 * frames)
    table[0::4] = fragment.durations
    table[1::4] = fragment.sizes
    flags = [SAMPLE_DELTA] * frames
    if fragment.key:
        flags[0] = SAMPLE_KEY
    for index in fragment.key_indexes:
        flags[index] = SAMPLE_KEY
    table[2::4] = flags
    table[3::4] = [offset & 0xFFFFFFFF for offset in fragment.composition_offsets]

    sound_durations, sound_sizes = _sound_run(fragment) if fragment.sound else ([], [])
    # sizes of the boxes: tfhd 16, tfdt 20, trun 20 + 16 a frame (8 a sound frame), traf 8, mfhd 16, moof 8
    video_traf_bytes = 64 + 16 * frames
    sound_traf_bytes = 64 + 8 * len(sound_sizes) if sound_sizes else 0
    moof_bytes = 24 + video_traf_bytes + sound_traf_bytes
    payload_bytes = fragment.payload_bytes + sum(sound_sizes)
    payload: list[Buffer] = [*fragment.payload, *(data for _, _, data in fragment.sound)]
    previous = previous_hash or NO_HASH
    hashed = NO_HASH if live else chain_hash(previous, fragment.wall_us, payload)
    try:
        head = [
            struct.pack(">I", UUID_BOX_BYTES),
            _UUID_BODY.pack(
                b"uuid", UUID, VERSION, FLAG_KEY * fragment.key | FLAG_LIVE * live, 0, frames, fragment.wall_us,
                fragment.camera_us, number, NO_HASH if live else previous, hashed,
            ),
            struct.pack(">I4sI4sII", moof_bytes, b"moof", 16, b"mfhd", 0, (number + 1) & 0xFFFFFFFF),
            _traf_head(VIDEO_TRACK, video_traf_bytes, fragment.decode_time, 0xF01, frames, moof_bytes + 8),
            struct.pack(f">{4 * frames}I", *table),
        ]  # fmt: skip
        if sound_sizes:
            pairs = [0] * (2 * len(sound_sizes))
            pairs[0::2] = sound_durations
            pairs[1::2] = sound_sizes
            offset = moof_bytes + 8 + fragment.payload_bytes
            head.append(
                _traf_head(SOUND_TRACK, sound_traf_bytes, fragment.sound[0][0], 0x301, len(sound_sizes), offset)
            )
            head.append(struct.pack(f">{len(pairs)}I", *pairs))
        head.append(struct.pack(">I4s", 8 + payload_bytes, b"mdat"))
    except struct.error as error:
        raise Fmp4Error(f"fragment {number}: a time, duration or size is out of range: {error}") from error
    return [b"".join(head), *payload], hashed


def _traf_head(track: int, traf_bytes: int, decode_time: int, run_flags: int, samples: int, offset: int) -> bytes:
    """`traf` up to the samples of its `trun`: `tfhd` (default base is moof), `tfdt` v1, `trun` v1."""
    return struct.pack(
        ">I4sI4sIII4sIQI4sIIi",
        traf_bytes, b"traf",
        16, b"tfhd", 0x020000, track,
        20, b"tfdt", 1 << 24, decode_time,
        traf_bytes - 44, b"trun", 1 << 24 | run_flags, samples, offset,
    )  # fmt: skip
