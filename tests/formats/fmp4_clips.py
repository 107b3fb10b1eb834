"""Short clips made with PyAV once a process, as fragments: what the tests of fMP4 and of the archive record."""

from fractions import Fraction
from functools import cache

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from manara.formats.frames import Fragment, SoundFormat, VideoFormat

STEP = 6000  # 15 frames/s in 90 kHz


def _nals(data: bytes) -> list[bytes]:
    """NAL units of an Annex B stream."""
    parts = data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
    return [part for part in parts[1:] if part]


def _kind(codec: str, nal: bytes) -> int:
    return nal[0] & 0x1F if codec == "h264" else (nal[0] >> 1) & 0x3F


@cache
def clip(
    codec: str = "h264", frames: int = 60, gop: int = 15, b_frames: int = 0, width: int = 160, height: int = 120
) -> tuple[VideoFormat, list[Fragment]]:
    """A clip of `frames` at 15 frames/s with closed GOPs; picture n is grey of `4 * n % 256`. Times begin at 0."""
    context = av.CodecContext.create("libx264" if codec == "h264" else "libx265", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate, context.gop_size = Fraction(1, 15), Fraction(15), gop
    common = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes={b_frames}:repeat-headers=1:annexb=1"
    if codec == "h264":
        context.options = {"x264-params": common + ":open-gop=0", "preset": "ultrafast" if not b_frames else "fast"}
    else:
        context.options = {"x265-params": common + ":open-gop=0:log-level=none", "preset": "ultrafast"}
    packets = []
    for index in range(frames):
        picture = np.full((height, width, 3), index * 4 % 256, np.uint8)
        picture[: height // 2, (index * 3) % (width - 8) : (index * 3) % (width - 8) + 8] = 255
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = index
        packets += context.encode(frame)
    packets += context.encode(None)

    sets: dict[int, bytes] = {}
    set_kinds = (7, 8) if codec == "h264" else (32, 33, 34)
    fragments: list[Fragment] = []
    shift = -min(packet.dts for packet in packets if packet.dts is not None)
    for packet in packets:
        nals = _nals(bytes(packet))
        for nal in nals:
            if _kind(codec, nal) in set_kinds:
                sets[_kind(codec, nal)] = nal
        sample = b"".join(len(n).to_bytes(4, "big") + n for n in nals if _kind(codec, n) not in set_kinds)
        assert packet.pts is not None
        assert packet.dts is not None
        if packet.is_keyframe:
            start = (packet.dts + shift) * STEP
            fragments.append(Fragment((), [], [], [], True, start, start * 100 // 9, 0, [0]))
        into = fragments[-1]
        into.payload = (*into.payload, sample)
        into.sizes.append(len(sample))
        into.durations.append(STEP)
        into.composition_offsets.append((packet.pts - packet.dts - shift) * STEP)
    ordered = tuple(sets[kind] for kind in sorted(set_kinds))
    string = "avc1." + ordered[0][1:4].hex() if codec == "h264" else "hvc1.1.6.L60.90"
    return VideoFormat(codec, ordered, width, height, string), fragments


@cache
def aac(frames: int = 64) -> tuple[SoundFormat, list[tuple[int, int, bytes]]]:
    """A tone at 16 kHz as raw AAC frames: (decode time, duration, data)."""
    context = av.CodecContext.create("aac", "w")
    context.sample_rate, context.layout, context.format = 16000, "mono", "fltp"  # type: ignore[attr-defined]
    context.open()
    out: list[tuple[int, int, bytes]] = []
    for index in range(frames):
        tone = np.sin(np.arange(1024, dtype=np.float32) * 0.1)[None, :] * 0.2
        frame = av.AudioFrame.from_ndarray(tone.astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16000, index * 1024
        out += [(len(out) * 1024, 1024, bytes(p)) for p in context.encode(frame)]  # type: ignore[attr-defined]
    return SoundFormat("aac", 16000, 1, bytes(context.extradata or b"")), out
