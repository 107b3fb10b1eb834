"""The bar at the top of a simulated picture: camera code, date and time, frame number.

Written, not encoded, for each camera.

The code's slices are encoded once a camera; the slices with clock and number once a tick for all cameras of one size.
Headers are then rewritten to fit each camera's own frame (`slices.py`). So hundreds of cameras carry a right clock and
a number that never repeats at the price of one tiny encode a tick. Pure but for the encoder. Called by `mount.py`.
"""

from datetime import datetime, tzinfo
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from manara.simulate.encoder import Encoder, grey, headers_of
from manara.simulate.slices import Slice, StreamHeaders, read_slice, write_slice
from manara.simulate.strip import bar_height_px, strip_row

_BACKGROUND, _INK = 24, 225
_CODE_COLUMNS, _CODE_SHARE = 5, 40  # macroblock columns of the code, of 40 in all at 640 px


def _font(height_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=height_px * 0.72)


def _text(text: str, width_px: int, height_px: int, left_px: int) -> NDArray[np.uint8]:
    image = Image.new("L", (width_px, height_px), _BACKGROUND)
    ImageDraw.Draw(image).text((left_px, height_px / 2), text, fill=_INK, font=_font(height_px), anchor="lm")
    return np.asarray(image)


def code_luma(code: str, width_px: int) -> NDArray[np.uint8]:
    """The bar's left part: the camera code. Shape (bar height, width / 8)."""
    height = bar_height_px(width_px)
    return _text(code, width_px * _CODE_COLUMNS // _CODE_SHARE, height, height // 2)


def clock_luma(number: int, shown: datetime, width_px: int) -> NDArray[np.uint8]:
    """The bar's right part: date, time and strip. Shape (bar height, width * 7 / 8)."""
    height = bar_height_px(width_px)
    strip = strip_row(number, width_px)
    left = width_px - width_px * _CODE_COLUMNS // _CODE_SHARE - strip.shape[0]
    text = _text(f"{shown:%Y-%m-%d  %H:%M:%S}", left, height, height // 4)
    return np.concatenate([text, np.broadcast_to(strip, (height, strip.shape[0]))], axis=1)


def bar_luma(code: str, number: int, shown: datetime, width_px: int) -> NDArray[np.uint8]:
    """The whole bar, for pictures that are encoded live. Shape (bar height, width)."""
    return np.concatenate([code_luma(code, width_px), clock_luma(number, shown, width_px)], axis=1)


class _Rows:
    """Encodes pictures of some rows of macroblocks, one intra slice a row."""

    def __init__(self, width_px: int) -> None:
        self._encoder = Encoder(width_px, 16, gop=1, crf=29)
        self._headers: StreamHeaders | None = None

    def encode(self, luma: NDArray[np.uint8]) -> list[Slice]:
        slices = []
        for top in range(0, luma.shape[0], 16):
            nals = self._encoder.encode(grey(luma[top : top + 16]))
            if self._headers is None:
                self._headers = headers_of(nals)
            slices += [read_slice(nal, self._headers) for nal in nals if nal[0] & 31 == 5]
        if len(slices) != luma.shape[0] // 16:
            raise ValueError("the encoder did not give one slice a row")
        return slices


class BarWriter:
    """Writes bars for all cameras whose pictures have one size and headers."""

    def __init__(self, headers: StreamHeaders, width_px: int, frame_rate: Fraction, timezone: tzinfo) -> None:
        if width_px % 640:
            raise ValueError(f"a bar needs a picture of a multiple of 640 px wide, not {width_px}")
        self.headers = headers
        self.width_px = width_px
        self.frame_rate = frame_rate
        self._timezone = timezone
        self._columns = width_px // 16
        self._code_columns = self._columns * _CODE_COLUMNS // _CODE_SHARE
        self._clock = _Rows((self._columns - self._code_columns) * 16)
        self._code = _Rows(self._code_columns * 16)
        self._codes: dict[str, list[Slice]] = {}
        self._code_nals: dict[tuple[str, bool, int, int], list[bytes]] = {}
        self._clock_slices: dict[tuple[int, int], list[Slice]] = {}
        self._clock_nals: dict[tuple[int, int, bool, int, int], list[bytes]] = {}

    def write(
        self, code: str, number: int, shown_us: int, *, idr: bool, frame_num: int, idr_pic_id: int
    ) -> list[bytes]:
        """The bar's slice NAL units, in order, for one frame of one camera that shows this clock (UTC µs)."""
        frame = (idr, frame_num, idr_pic_id)
        left = self._code_nals.get((code, *frame))
        if left is None:
            if code not in self._codes:
                self._codes[code] = self._code.encode(code_luma(code, self.width_px))
            left = self._place(self._codes[code], 0, *frame)
            self._code_nals[(code, *frame)] = left
        second = shown_us // 1_000_000
        right = self._clock_nals.get((number, second, *frame))
        if right is None:
            right = self._place(self._clock_of(number, second), self._code_columns, *frame)
            if len(self._clock_nals) > 256:
                self._clock_nals.clear()
            self._clock_nals[(number, second, *frame)] = right
        return [nal for pair in zip(left, right, strict=True) for nal in pair]

    def _clock_of(self, number: int, second: int) -> list[Slice]:
        slices = self._clock_slices.get((number, second))
        if slices is None:
            shown = datetime.fromtimestamp(second, self._timezone)
            slices = self._clock.encode(clock_luma(number, shown, self.width_px))
            if len(self._clock_slices) > 32:
                self._clock_slices.clear()
            self._clock_slices[(number, second)] = slices
        return slices

    def _place(self, slices: list[Slice], column: int, idr: bool, frame_num: int, idr_pic_id: int) -> list[bytes]:
        return [
            write_slice(
                part,
                self.headers,
                first_macroblock=row * self._columns + column,
                idr=idr,
                frame_num=frame_num,
                idr_pic_id=idr_pic_id,
            )
            for row, part in enumerate(slices)
        ]
