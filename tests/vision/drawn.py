"""Drawn scenes for tests of vision: a street of blocks, with sensor noise, on a clock of its own."""

from dataclasses import dataclass, field
from fractions import Fraction

import av
import numpy as np
from PIL import Image, ImageFilter

from manara.vision.judge import CameraJudge, Judged
from manara.vision.picture import Look, look, reduce

START_US = 1_790_000_000_000_000
WIDTH_PX, HEIGHT_PX = 640, 360


def scene(seed: int = 1, wide: int = 1000, high: int = 560) -> np.ndarray:  # type: ignore[type-arg]
    """A coloured picture (560, 1000, 3) of buildings, kerbs and windows, larger than what the camera sees."""
    rng = np.random.default_rng(seed)
    picture = np.full((high, wide, 3), 120.0, np.float32)
    for _ in range(170):
        x, y = int(rng.integers(0, wide - 10)), int(rng.integers(0, high - 10))
        w, h = int(rng.integers(10, 120)), int(rng.integers(10, 90))
        picture[y : y + h, x : x + w] = rng.uniform(40, 215, 3)
    return picture


def key_frame(picture: np.ndarray, codec: str = "libx264") -> bytes:  # type: ignore[type-arg]
    """Parameter sets and key frame of a picture, each NAL unit after a 4-byte length."""
    context = av.CodecContext.create(codec, "w")
    context.width, context.height = picture.shape[1], picture.shape[0]  # type: ignore[attr-defined]
    context.pix_fmt, context.time_base = "yuv420p", Fraction(1, 25)  # type: ignore[attr-defined]
    context.options = {"preset": "ultrafast", "tune": "zerolatency"}
    if codec == "libx265":
        context.options |= {"x265-params": "log-level=none:pools=1:frame-threads=1"}
    frame = av.VideoFrame.from_ndarray(np.clip(picture, 0, 255).astype(np.uint8), format="rgb24")
    frame = frame.reformat(format="yuv420p")
    frame.pts = 0
    packets = [*context.encode(frame), *context.encode(None)]  # type: ignore[attr-defined]
    nals = [nal.rstrip(b"\0") for nal in bytes(packets[0]).split(b"\0\0\1")]
    return b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals if nal)


@dataclass
class Camera:
    """A camera on a pole before a drawn scene."""

    seed: int = 1
    judge: CameraJudge = field(default_factory=lambda: CameraJudge("c1"))
    at_us: int = START_US
    noise: float = 2.5
    hour: int = 12

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.world = scene(self.seed)

    def seen(self, right: int = 0, down: int = 0, gain: float = 1.0) -> np.ndarray:  # type: ignore[type-arg]
        """What the lens sees now, turned by so many px."""
        x, y = 180 + right, 100 + down
        picture = self.world[y : y + HEIGHT_PX, x : x + WIDTH_PX] * gain
        return picture + self.rng.normal(0, self.noise, picture.shape[:2])[..., None]

    def look(self, picture: np.ndarray | None = None, step_s: float = 8.0) -> Judged:  # type: ignore[type-arg]
        """The next look, `step_s` after the last."""
        self.at_us += round(step_s * 1_000_000)
        return self.judge.take(looked(self.seen() if picture is None else picture, self.at_us), self.hour)

    def looks(self, count: int) -> Judged:
        """So many healthy looks."""
        for _ in range(count):
            judged = self.look()
        return judged


def looked(picture: np.ndarray, at_us: int) -> Look:  # type: ignore[type-arg]
    """The numbers of a picture, without coding it."""
    frame = av.VideoFrame.from_ndarray(np.clip(picture, 0, 255).astype(np.uint8), format="rgb24")
    return look(reduce(frame.reformat(format="yuv420p")), at_us)


def blurred(picture: np.ndarray, sigma: float) -> np.ndarray:  # type: ignore[type-arg]
    """Out of focus."""
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(sigma))
    return np.asarray(image).astype(np.float32)


def with_clock(picture: np.ndarray, second: int) -> np.ndarray:  # type: ignore[type-arg]
    """A running clock in the middle of the picture's upper third, where no band hides it."""
    picture = picture.copy()
    for digit in range(6):
        shade = 255.0 if (second >> digit) & 1 else 0.0
        picture[70:86, 40 + 14 * digit : 50 + 14 * digit] = shade
    return picture
