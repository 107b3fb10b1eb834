"""A plain MP4 file (not fragmented) around samples that exist already: what an export is. Pure; the samples are not
touched.

The index (`moov`) comes first, so that it plays while it loads; an edit list begins the picture at the moment asked
for, though the samples begin at the key frame before. Samples lie in chunks of one fragment each, exactly as they were
hashed. Source: ISO/IEC 14496-12.
"""

import struct
from array import array
from dataclasses import dataclass, field
from itertools import groupby

from manara.formats.fmp4 import Fmp4Error, box, full_box, movie_header, sound_entry, track_box, video_entry
from manara.formats.fmp4_read import FragmentHead
from manara.formats.frames import TIMESCALE_HZ, SoundFormat, VideoFormat

FTYP = box(b"ftyp", b"isom", struct.pack(">I", 512), b"isomiso2avc1mp41")
MDAT_HEADER_BYTES = 16
MAX_SAMPLES = 20_000_000


@dataclass(slots=True)
class Track:
    """The samples of one track, as they are added."""

    start: int = -1  # decode time of the first sample, in the track's own timescale
    end: int = 0
    durations: "array[int]" = field(default_factory=lambda: array("I"))
    sizes: "array[int]" = field(default_factory=lambda: array("I"))
    offsets: "array[int]" = field(default_factory=lambda: array("i"))
    keys: "array[int]" = field(default_factory=lambda: array("I"))  # numbers of key frames, from 1
    chunk_at: "array[int]" = field(default_factory=lambda: array("Q"))  # from the start of the payload
    chunk_samples: "array[int]" = field(default_factory=lambda: array("I"))

    def add(self, decode_time: int, durations: list[int], sizes: list[int], at: int) -> None:
        """A chunk of samples that lies at `at`. A hole before it is given to the sample before."""
        if len(self.sizes) + len(sizes) > MAX_SAMPLES:
            raise Fmp4Error(f"more than {MAX_SAMPLES} samples in one file")
        if self.start < 0:
            self.start = self.end = decode_time
        if self.durations and decode_time != self.end:
            self.durations[-1] = max(1, self.durations[-1] + decode_time - self.end)
        self.durations.extend(durations)
        self.sizes.extend(sizes)
        self.chunk_at.append(at)
        self.chunk_samples.append(len(sizes))
        self.end = decode_time + sum(durations)

    @property
    def duration(self) -> int:
        """Of all samples, in the track's timescale."""
        return self.end - self.start if self.start >= 0 else 0

    def tables(self, base: int) -> list[bytes]:
        """The sample tables, for a payload that begins at `base` of the file."""
        made = [_runs(b"stts", 0, self.durations)]
        if any(self.offsets):
            made.append(_runs(b"ctts", 1, self.offsets))
        if self.keys:
            made.append(full_box(b"stss", 0, 0, struct.pack(">I", len(self.keys)), _big(self.keys)))
        chunks = [
            (number + 1, samples)
            for number, samples in enumerate(self.chunk_samples)
            if not number or samples != self.chunk_samples[number - 1]
        ]
        stsc = b"".join(struct.pack(">III", first, samples, 1) for first, samples in chunks)
        made.append(full_box(b"stsc", 0, 0, struct.pack(">I", len(chunks)), stsc))
        made.append(full_box(b"stsz", 0, 0, struct.pack(">II", 0, len(self.sizes)), _big(self.sizes)))
        at = array("Q", (base + offset for offset in self.chunk_at))
        made.append(full_box(b"co64", 0, 0, struct.pack(">I", len(at)), _big(at)))
        return made


def _big(values: "array[int]") -> bytes:
    swapped = values[:]
    swapped.byteswap()
    return swapped.tobytes()


def _runs(kind: bytes, version: int, values: "array[int]") -> bytes:
    """Run lengths of `values` (`stts`, `ctts`)."""
    runs = [(len(list(group)), value) for value, group in groupby(values)]
    body = b"".join(struct.pack(">Ii" if version else ">II", count, value) for count, value in runs)
    return full_box(kind, version, 0, struct.pack(">I", len(runs)), body)


class Mp4File:
    """Collects the tables of one file; `head` gives all bytes before the payload."""

    def __init__(self, video: VideoFormat, sound: SoundFormat | None) -> None:
        self.video_format, self.sound_format = video, sound
        self.video = Track()
        self.sound = Track()
        self.payload_bytes = 0

    def add(self, head: FragmentHead) -> int:
        """Add a fragment whose `mdat` payload will lie next; returns where, from the start of the payload."""
        at = self.payload_bytes
        known = len(self.video.sizes)
        self.video.add(head.decode_time, head.durations, head.sizes, at)
        self.video.offsets.extend(head.composition_offsets)
        self.video.keys.extend(known + index + 1 for index in head.key_indexes)
        if head.sound_sizes and self.sound_format is not None:
            self.sound.add(head.sound_decode_time, head.sound_durations, head.sound_sizes, at + sum(head.sizes))
        self.payload_bytes += head.payload_bytes
        return at

    def head(self, skip: int, duration: int) -> bytes:
        """`ftyp moov` and the header of `mdat`. The picture begins `skip` after the first frame, for `duration`."""
        # the tables are as long whatever the offsets are: make them once to learn their length, then once for good
        length = len(FTYP) + len(self._moov(0, skip, duration)) + MDAT_HEADER_BYTES
        moov = self._moov(length, skip, duration)
        return FTYP + moov + struct.pack(">I4sQ", 1, b"mdat", MDAT_HEADER_BYTES + self.payload_bytes)

    def _moov(self, base: int, skip: int, duration: int) -> bytes:
        first_shown = (self.video.offsets[0] if self.video.offsets else 0) + skip
        video = track_box(
            1, video_entry(self.video_format), handler=b"vide", timescale_hz=TIMESCALE_HZ,
            size_px=(self.video_format.width_px, self.video_format.height_px), tables=self.video.tables(base),
            duration=self.video.duration, movie_duration=duration, edit=_edit([(duration, first_shown)]),
        )  # fmt: skip
        tracks = [video]
        if self.sound_format is not None and self.sound.sizes:
            rate_hz = self.sound_format.sample_rate_hz
            shown_at = self.video.start + skip  # 90 kHz; the sound of that moment
            late = self.sound.start * TIMESCALE_HZ // rate_hz - shown_at
            edits = [(late, -1)] if late > 0 else []
            begin = max(0, -late) * rate_hz // TIMESCALE_HZ
            tracks.append(
                track_box(
                    2, sound_entry(self.sound_format), handler=b"soun", timescale_hz=rate_hz,
                    tables=self.sound.tables(base), duration=self.sound.duration, movie_duration=duration,
                    edit=_edit([*edits, (max(0, duration - max(0, late)), begin)]),
                )
            )  # fmt: skip
        return box(b"moov", movie_header(duration, len(tracks) + 1), *tracks)


def _edit(entries: list[tuple[int, int]]) -> bytes:
    """An edit list: (duration in 90 kHz, media time or -1 for nothing shown)."""
    body = b"".join(struct.pack(">QqHH", duration, media_time, 1, 0) for duration, media_time in entries)
    return box(b"edts", full_box(b"elst", 1, 0, struct.pack(">I", len(entries)), body))
