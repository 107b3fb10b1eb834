"""A moving camera whose picture follows its head: at home it plays its clip, away from home a part of it, encoded live.

The clip is decoded, a window of it cut out where the head looks, made large again and encoded with the clip's own
settings, so that parameter sets and bar stay as they are. Zoom narrows the window to a quarter; pan and tilt move it,
and narrow it as far as the picture's edge asks for. Encoding happens on the event loop: about 10 ms a frame of a camera
away from home, nothing at home. Called by `sessions.py` through `Mount`; made by `role.py`.
"""

from collections.abc import Callable

import av
from av.video.codeccontext import VideoCodecContext

from manara.simulate.bar import BarWriter
from manara.simulate.clips import Clip, move_below_bar
from manara.simulate.encoder import Encoder
from manara.simulate.identity import slices_crc
from manara.simulate.mount import BlackScene, ClipMount, VirtualCamera
from manara.simulate.ptz import Position, PtzState
from manara.simulate.rtp import packetise
from manara.simulate.slices import read_slice
from manara.simulate.strip import bar_height_px

_ZOOM_MOST = 4.0
_EDGE_SHARE = 0.5  # at the end of its travel the head looks at this share of the picture


def window(place: Position, width_px: int, height_px: int) -> tuple[int, int, int, int]:
    """Left, top, width and height (all even) of the part that is seen. Home is the whole."""
    share = 1 / (1 + (_ZOOM_MOST - 1) * place.zoom)
    share = min(share, 1 - _EDGE_SHARE * max(abs(place.pan), abs(place.tilt)))
    wide, high = int(width_px * share) // 2 * 2, int(height_px * share) // 2 * 2
    left = (width_px - wide) * (1 + place.pan) / 2
    top = (height_px - high) * (1 - place.tilt) / 2
    return int(left) // 2 * 2, int(top) // 2 * 2, wide, high


class _Crop:
    """Decodes a clip from a place on and encodes windows of it."""

    def __init__(self, clip: Clip, position: int) -> None:
        self._clip = clip
        self._bar_px = bar_height_px(clip.width_px)
        self._scene_px = clip.height_px - self._bar_px
        decoder = av.CodecContext.create(clip.codec, "r")
        assert isinstance(decoder, VideoCodecContext)  # noqa: S101  (H.264 is a video codec)
        decoder.thread_count = 1
        self._decoder = decoder
        self._encoder = Encoder(
            clip.width_px, self._scene_px, frame_rate=clip.frame_rate, gop=clip.gop, crf=28, max_bps=2_000_000
        )
        for index in range(clip.key_at_or_before(position), position):
            self._decode(index)

    def _decode(self, index: int) -> av.VideoFrame | None:
        frame = self._clip.frames[index]
        sets = self._clip.parameter_sets if frame.key else ()
        data = b"".join(b"\0\0\0\1" + nal for nal in (*sets, *frame.bare))
        pictures = self._decoder.decode(av.Packet(data))
        return pictures[-1] if pictures else None

    def picture(self, index: int, place: Position, *, key: bool) -> list[bytes] | None:
        """The encoded window of the clip's picture at this index; None where it cannot be decoded."""
        whole = self._decode(index)
        if whole is None:
            return None
        left, top, wide, high = window(place, self._clip.width_px, self._scene_px)
        planes = whole.to_ndarray()
        height, width = self._clip.height_px, self._clip.width_px
        top += self._bar_px
        luma = planes[top : top + high, left : left + wide]
        chroma = planes[height:].reshape(2, height // 2, width // 2)
        chroma = chroma[:, top // 2 : (top + high) // 2, left // 2 : (left + wide) // 2]
        part = av.VideoFrame(wide, high, "yuv420p")
        for plane, pixels in zip(part.planes, (luma, chroma[0], chroma[1]), strict=True):
            rows = memoryview(plane).cast("B")
            for row in range(pixels.shape[0]):
                rows[row * plane.line_size : row * plane.line_size + pixels.shape[1]] = pixels[row].tobytes()
        large = part.reformat(width=width, height=self._scene_px, interpolation="BILINEAR")
        return self._encoder.encode(large, key=key)


class MovingMount(ClipMount):
    """A stream of a camera with a head."""

    def __init__(
        self,
        camera: VirtualCamera,
        stream: str,
        clip: Clip,
        head: PtzState,
        *,
        bar: BarWriter,
        black: BlackScene | None,
        offset: int = 0,
        on_live: Callable[[bool], None] | None = None,
    ) -> None:
        super().__init__(camera, stream, clip, bar=bar, black=black, offset=offset)
        self._head_state = head
        self._crop: _Crop | None = None
        self._place = 0
        self._number = -1
        self._sent: list[bytes] = []
        self._want_key = False
        self._on_live = on_live

    @property
    def live(self) -> bool:
        """Whether pictures are encoded live now."""
        return self._crop is not None

    def start(self, number: int) -> int:
        """A client that joins while the head is away gets a key frame at once."""
        self._want_key = True
        return super().start(number)

    def packets(self, position: int, number: int, now_us: int) -> tuple[list[bytes], int]:
        """The clip's frame, or the window's."""
        away = self._head_state.position() != self._head_state.home or self._head_state.moving
        if self._crop is None:
            if not away or self.camera.faults.active or self.clip.headers is None:
                return super().packets(position, number, now_us)
            self._place = self.turned(position, number)
            self._crop = _Crop(self.clip, self._place)
            self._want_key = True
            if self._on_live is not None:
                self._on_live(True)
        if number == self._number:
            return self._sent, self._place
        before = self.clip
        place = self.turned(self._place, number)
        if self.clip is not before:  # another light, or a spoiled picture
            self._crop, self._want_key = _Crop(self.clip, place), True
        if self.clip.frames[place].key and (not away or self.camera.faults.active):
            self._crop = None
            if self._on_live is not None:
                self._on_live(False)
            return super().packets(place, number, now_us)
        self._sent, self._number, self._place = self._window(place, number, now_us), number, place + 1
        return self._sent, self._place

    def _window(self, place: int, number: int, now_us: int) -> list[bytes]:
        headers = self.clip.headers
        if self._crop is None or headers is None or self.bar is None:
            return []
        nals = self._crop.picture(place, self._head_state.position(), key=self._want_key)
        scene = next((nal for nal in nals or [] if nal[0] & 31 in (1, 5)), None)
        if scene is None:
            return []
        self._want_key = False
        part = read_slice(scene, headers)
        moved = move_below_bar(part, headers, self.clip.width_px)
        bar = self.bar.write(
            self.camera.code, number, now_us, idr=part.idr, frame_num=part.frame_num, idr_pic_id=part.idr_pic_id
        )
        head = self._head(self, part.idr, bar, slices_crc([moved]), place, number, now_us)
        return packetise(self.codec, [*head, moved])
