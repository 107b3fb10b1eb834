"""Clips: pictures encoded once, cut into RTP payloads once, played by any number of cameras for ever.

A clip file is a line of JSON (codec, size, rate, parameter sets) and then records `u32 length, u8 key, NAL units with
4-byte lengths`; a record of length 0 ends it. It is read while it is still being written, so that a camera streams a
second after its scene was begun. Written by `scenes.py` (drawn scenes) and `clip_from_file` (any video), read by
`mount.py`. Bounds: `MAX_CLIP_BYTES` in memory. Not a format for anything else.
"""

import json
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from io import BufferedWriter
from pathlib import Path
from typing import Any

import av

from manara.base.errors import InvalidInput
from manara.simulate.encoder import Encoder, parameter_sets
from manara.simulate.identity import is_slice, slices_crc, split_sample
from manara.simulate.rtp import packetise
from manara.simulate.slices import Slice, StreamHeaders, read_headers, read_slice, split_annexb, write_slice
from manara.simulate.strip import bar_height_px

MAX_CLIP_BYTES = 400_000_000
_RECORD = struct.Struct(">IB")


@dataclass(frozen=True, slots=True)
class ClipFrame:
    """One picture, ready to send."""

    key: bool
    payloads: tuple[bytes, ...]
    crc: int  # of its slices
    frame_num: int = 0  # H.264 header fields that a bar must repeat
    idr_pic_id: int = 0

    @property
    def bare(self) -> tuple[bytes, ...]:
        """The slices as NAL units again, joined from H.264 payloads (one slice a frame, as our encoders write)."""
        if len(self.payloads) == 1:
            return self.payloads
        first = self.payloads[0]
        head = bytes([first[0] & 0xE0 | first[1] & 31])
        return (head + b"".join(payload[2:] for payload in self.payloads),)


@dataclass(slots=True)
class Clip:
    """Pictures that play in a circle. `frames` grows while the clip is being made; whole GOPs only are played."""

    codec: str
    width_px: int
    height_px: int
    frame_rate: Fraction
    parameter_sets: tuple[bytes, ...]
    gop: int
    frames: list[ClipFrame] = field(default_factory=list)
    complete: bool = False
    headers: StreamHeaders | None = None  # of the whole picture, where the clip leaves room for a bar

    @property
    def playable(self) -> int:
        """How many frames may be played now: all of a complete clip, whole GOPs of one in the making."""
        return len(self.frames) if self.complete else len(self.frames) // self.gop * self.gop

    def key_at_or_before(self, index: int) -> int:
        """Position of the key frame that starts the GOP of this frame."""
        while index > 0 and not self.frames[index].key:
            index -= 1
        return index

    def add(self, nals: list[bytes], key: bool) -> None:
        """Append one access unit as it came from the encoder."""
        slices = [nal for nal in nals if is_slice(self.codec, nal)]
        frame_num = idr_pic_id = 0
        if self.headers is not None:
            part = read_slice(slices[0], self.headers)
            frame_num, idr_pic_id = part.frame_num, part.idr_pic_id
            slices = [move_below_bar(part, self.headers, self.width_px)]
        payloads = tuple(packetise(self.codec, slices))
        self.frames.append(ClipFrame(key, payloads, slices_crc(slices), frame_num, idr_pic_id))


def move_below_bar(part: Slice, headers: StreamHeaders, width_px: int) -> bytes:
    """The scene's slice, moved below the bar."""
    first = bar_height_px(width_px) // 16 * (width_px // 16)
    return write_slice(
        part,
        headers,
        first_macroblock=first,
        idr=part.idr,
        frame_num=part.frame_num,
        idr_pic_id=part.idr_pic_id,
    )


class ClipWriter:
    """Writes a clip file; `close` marks it complete."""

    def __init__(
        self,
        path: Path,
        *,
        codec: str,
        width_px: int,
        height_px: int,
        frame_rate: Fraction,
        sets: Iterable[bytes],
        gop: int,
        bar: bool,
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BufferedWriter = path.open("wb")
        head = {
            "clip": 1,
            "codec": codec,
            "width_px": width_px,
            "height_px": height_px,
            "frame_rate": [frame_rate.numerator, frame_rate.denominator],
            "parameter_sets": [nal.hex() for nal in sets],
            "gop": gop,
            "bar": bar,
        }
        self._file.write(json.dumps(head).encode() + b"\n")
        self._file.flush()

    def add(self, nals: Iterable[bytes], key: bool) -> None:
        body = b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)
        self._file.write(_RECORD.pack(len(body), key) + body)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.write(_RECORD.pack(0, 0))
        self._file.close()


class ClipReader:
    """Reads a clip file that may still be growing."""

    def __init__(self, path: Path, clip: Clip | None = None) -> None:
        """`clip`, where given, is filled in place, so that it can be mounted before the file is there."""
        self._path = path
        self._at = 0
        self._given = clip
        self.clip: Clip | None = None

    def poll(self) -> bool:
        """Take in what has come since; True once the clip is complete.

        Raises `InvalidInput` for a file that is no clip.
        """
        if self.clip is not None and self.clip.complete:
            return True
        if not self._path.exists():
            return False
        with self._path.open("rb") as file:
            file.seek(self._at)
            data = file.read(MAX_CLIP_BYTES)
        if self.clip is None:
            line, newline, rest = data.partition(b"\n")
            if not newline:
                return False
            self.clip = self._head(line)
            self._at, data = len(line) + 1, rest
        self._records(self.clip, data)
        return self.clip.complete

    def _head(self, line: bytes) -> Clip:
        try:
            head: dict[str, Any] = json.loads(line)
            sets = tuple(bytes.fromhex(text) for text in head["parameter_sets"])
            clip = Clip(
                codec=head["codec"],
                width_px=head["width_px"],
                height_px=head["height_px"],
                frame_rate=Fraction(*head["frame_rate"]),
                parameter_sets=sets,
                gop=head["gop"],
            )
            if head["bar"]:
                clip.headers = read_headers(sets[0], sets[1])
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise InvalidInput(f"{self._path} is not a clip file: {error}", code="clip_invalid") from error
        if self._given is not None:
            if self._given.parameter_sets and self._given.parameter_sets != clip.parameter_sets:
                raise InvalidInput(f"{self._path} has other parameter sets than this program makes", code="clip_other")
            self._given.parameter_sets = clip.parameter_sets
            return self._given
        return clip

    def _records(self, clip: Clip, data: bytes) -> None:
        at = 0
        while at + _RECORD.size <= len(data) and not clip.complete:
            length, key = _RECORD.unpack_from(data, at)
            if length == 0:
                clip.complete = True
            elif at + _RECORD.size + length > len(data):
                break
            else:
                body = data[at + _RECORD.size : at + _RECORD.size + length]
                clip.add([bytes(nal) for nal in split_sample(body)], bool(key))
            at += _RECORD.size + length
        self._at += at


def is_whole(path: Path) -> bool:
    """Whether the file has its end, without reading what is before it."""
    end = _RECORD.pack(0, 0)
    try:
        with path.open("rb") as file:
            file.seek(-len(end), os.SEEK_END)
            return file.read() == end
    except OSError:
        return False


def load_clip(path: Path) -> Clip:
    """A complete clip file. Raises `InvalidInput` where it is absent or incomplete."""
    reader = ClipReader(path)
    if not reader.poll() or reader.clip is None:
        raise InvalidInput(f"{path} is not a complete clip file", code="clip_incomplete")
    return reader.clip


def clip_from_file(path: Path, *, max_frames: int = 4000) -> Clip:
    """Any video as a clip:

    copied where it is H.264/H.265 without B-frames that starts at a key frame, else encoded once.

    The picture is left as it is (no bar); its frames are known by their SEI alone. Raises `InvalidInput` naming the
    file.
    """
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InvalidInput(f"{path} holds no video", code="clip_invalid")
            stream = container.streams.video[0]
            rate = Fraction(stream.average_rate or stream.guessed_rate or 25).limit_denominator(1001)
            name = stream.codec_context.name
            codec = {"h264": "h264", "hevc": "h265"}.get(name)
            clip = None
            if codec is not None and not stream.codec_context.has_b_frames:
                clip = _copied(container, stream, codec, rate, max_frames)
            if clip is None:
                container.seek(0)
                clip = _encoded(container, rate, max_frames)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read as video: {error}", code="clip_invalid") from error
    if not clip.frames:
        raise InvalidInput(f"{path} holds no pictures", code="clip_invalid")
    clip.complete = True
    return clip


def _copied(container: Any, stream: Any, codec: str, rate: Fraction, max_frames: int) -> Clip | None:
    annexb = av.BitStreamFilterContext("h264_mp4toannexb" if codec == "h264" else "hevc_mp4toannexb", stream)
    clip: Clip | None = None
    for packet in container.demux(stream):
        for out in annexb.filter(packet if packet.size else None):
            nals = split_annexb(bytes(out))
            sets = parameter_sets(codec, nals)
            if clip is None:
                if not out.is_keyframe or not sets:
                    return None
                clip = Clip(codec, stream.width, stream.height, rate, sets, gop=1)
            clip.add(nals, bool(out.is_keyframe))
            if len(clip.frames) >= max_frames:
                return clip
    return clip


def _encoded(container: Any, rate: Fraction, max_frames: int) -> Clip:
    clip: Clip | None = None
    encoder: Encoder | None = None
    gop = max(1, round(rate * 2))
    for picture in container.decode(video=0):
        if encoder is None:
            width, height = picture.width & ~1, picture.height & ~1
            encoder = Encoder(width, height, frame_rate=rate, gop=gop)
        nals = encoder.encode(picture.reformat(width=width, height=height, format="yuv420p"))
        if clip is None:
            clip = Clip("h264", width, height, rate, parameter_sets("h264", nals), gop=gop)
        clip.add(nals, any(nal[0] & 31 == 5 for nal in nals))
        if len(clip.frames) >= max_frames:
            break
    if clip is None:
        raise ValueError("no picture could be decoded")
    return clip
