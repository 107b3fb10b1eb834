"""Encoders with the settings that the rest of `simulate` relies on. Pictures in, NAL units out; no files, no sockets.

H.264: one slice a picture, CABAC, no B-frames, closed GOPs of constant length, one reference, parameter sets that do
not depend on the content (`stitchable`), so that slices can be moved (`slices.py`). Called by `scenes.py`, `bar.py`,
`live.py`, `clips.py`.
"""

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from numpy.typing import NDArray

from manara.simulate.slices import StreamHeaders, read_headers, split_annexb

_X264 = (
    "bframes=0:ref=1:scenecut=0:weightp=0:cabac=1:8x8dct=1:slices=1:sliced-threads=0:threads=1:stitchable=1:open-gop=0:"
    "rc-lookahead=0:sync-lookahead=0:mbtree=0:mvrange=32:aud=0:repeat-headers=1:deblock=0,0"
)
_X265 = (
    "bframes=0:ref=1:scenecut=0:open-gop=0:repeat-headers=1:pools=none:frame-threads=1:wpp=0:rc-lookahead=0:info=0:"
    "log-level=none:aud=0"
)


class Encoder:
    """One running encoder; every call gives the NAL units of the picture put in."""

    def __init__(
        self,
        width_px: int,
        height_px: int,
        *,
        codec: str = "h264",
        frame_rate: Fraction = Fraction(25, 2),
        gop: int = 25,
        crf: int = 26,
        max_bps: int = 0,
        preset: str = "superfast",
    ) -> None:
        name = "libx264" if codec == "h264" else "libx265"
        context = av.CodecContext.create(name, "w")
        assert isinstance(context, VideoCodecContext)  # noqa: S101  (for the type checker: both are video encoders)
        context.width, context.height, context.pix_fmt = width_px, height_px, "yuv420p"
        context.framerate = frame_rate
        context.time_base = 1 / frame_rate
        common = f"keyint={gop}:min-keyint={gop}"
        if max_bps:
            common += f":vbv-maxrate={max_bps // 1000}:vbv-bufsize={2 * max_bps // 1000}"
        if codec == "h264":
            context.options = {
                "preset": preset,
                "tune": "zerolatency",
                "crf": str(crf),
                "x264-params": f"{_X264}:{common}",
            }
        else:
            context.options = {
                "preset": "ultrafast",
                "tune": "zerolatency",
                "crf": str(crf),
                "x265-params": f"{_X265}:{common}",
            }
        self._context = context
        self._count = 0

    def encode(self, picture: NDArray[np.uint8] | av.VideoFrame, *, key: bool = False) -> list[bytes]:
        """NAL units of one picture.

        `picture` is RGB (height, width, 3), grey (height, width), or a frame in yuv420p.
        """
        if isinstance(picture, np.ndarray):
            form = "gray" if picture.ndim == 2 else "rgb24"
            frame = av.VideoFrame.from_ndarray(picture, format=form).reformat(format="yuv420p")
        else:
            frame = picture
        frame.pts = self._count
        frame.pict_type = PictureType.I if key else PictureType.NONE
        self._count += 1
        return [nal for packet in self._context.encode(frame) for nal in split_annexb(bytes(packet))]

    def flush(self) -> list[bytes]:
        """NAL units still held back."""
        return [nal for packet in self._context.encode(None) for nal in split_annexb(bytes(packet))]


def grey(luma: NDArray[np.uint8]) -> av.VideoFrame:
    """A luma plane (height, width) as a colourless yuv420p frame; values are kept as they are (16 black, 235 white)."""
    height, width = luma.shape
    planes = np.full((height * 3 // 2, width), 128, np.uint8)
    planes[:height] = luma
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")


def full_headers(width_px: int, height_px: int, frame_rate: Fraction, gop: int) -> StreamHeaders:
    """SPS and PPS for pictures of this size, from the same settings as the parts that are put together in them."""
    encoder = Encoder(width_px, height_px, frame_rate=frame_rate, gop=gop)
    nals = encoder.encode(grey(np.full((height_px, width_px), 16, np.uint8))) + encoder.flush()
    return headers_of(nals)


def headers_of(nals: list[bytes]) -> StreamHeaders:
    """The H.264 headers among NAL units. Raises `ValueError` where there are none."""
    sets = {nal[0] & 31: nal for nal in nals}
    if 7 not in sets or 8 not in sets:
        raise ValueError("the encoder gave no parameter sets")
    return read_headers(sets[7], sets[8])


def parameter_sets(codec: str, nals: list[bytes]) -> tuple[bytes, ...]:
    """VPS (h265), SPS and PPS among NAL units, in this order."""
    kinds = (7, 8) if codec == "h264" else (32, 33, 34)
    found = {nal[0] & 31 if codec == "h264" else nal[0] >> 1 & 63: nal for nal in nals}
    return tuple(found[kind] for kind in kinds if kind in found)


def decode(codec: str, access_units: Iterator[bytes]) -> Iterator[av.VideoFrame]:
    """Pictures of Annex B access units, for tests."""
    context = av.CodecContext.create("h264" if codec == "h264" else "hevc", "r")
    assert isinstance(context, VideoCodecContext)  # noqa: S101
    for unit in access_units:
        yield from context.decode(av.Packet(unit))
    yield from context.decode(None)
