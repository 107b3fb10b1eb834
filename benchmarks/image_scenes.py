"""Scenes for `image_health`: windows of real clips that play for ever, faults made on them, and days made of them.

A `Scene` gives the picture that a camera would see at a time; a `Fault` changes it as a broken camera would, in the
order of a real one: lens, sensor, clock overlay. A `Day` adds sun, dusk, lamps, headlights, rain, dust and exposure
swings. Helper of `benchmarks/image_health.py`; nothing here is used by the program.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from manara.vision.picture import Picture, grain

Rgb = NDArray[np.uint8]
Work = NDArray[np.float32]
WIDTH_PX, HEIGHT_PX = 640, 360
_TO_YUV = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
_TO_RGB = np.linalg.inv(_TO_YUV)
MARGIN = 0.15  # of a clip's frame, kept around the window so that a camera can be turned
STRENGTHS = ("mild", "clear", "useless")

# Which clips thresholds were found on, and which were only measured.
TUNED, HELD_OUT = "tuned", "held out"


@dataclass
class Planes:
    """A picture as a camera codes it: luma, and two of colour at a quarter of its width and height. Full range, float.

    `luma` is (360, 640), 0 to 255; `colour` (2, 90, 160), blue and red less luma, about 0 (BT.601).
    """

    luma: Work
    colour: Work

    @classmethod
    def of(cls, picture: Work) -> "Planes":
        """Of red, green and blue."""
        small = picture.reshape(HEIGHT_PX // 4, 4, WIDTH_PX // 4, 4, 3).mean(axis=(1, 3))
        return cls(picture @ _TO_YUV[0], np.moveaxis(small @ _TO_YUV[1:].T, 2, 0).copy())

    def lit(self, gains: tuple[float, float, float]) -> "Planes":
        """Under a light of another colour (gains of red, green and blue). Of colour's part in luma nothing is made."""
        turned = _TO_YUV @ np.diag(np.array(gains, np.float32)) @ _TO_RGB
        colour = np.tensordot(turned[1:], np.stack((_small(self.luma), *self.colour)), 1)
        return Planes(self.luma * turned[0, 0], colour)

    def picture(self) -> Picture:
        """What `manara.vision.picture.reduce` makes of a decoded frame with these planes, at a tenth of its time."""
        luma = np.clip(self.luma, 0, 255)
        coded = (luma * np.float32(219 / 255) + 16.5).astype(np.uint8)
        half = coded.reshape(HEIGHT_PX // 2, 2, WIDTH_PX // 2, 2).astype(np.uint16)
        half = (half[:, 0, :, 0] + half[:, 0, :, 1] + half[:, 1, :, 0] + half[:, 1, :, 1] + 2) >> 2
        left = np.clip((255 - _small(luma)) / 16, 0, 1)  # what is burnt out has no colour
        colour = np.round(np.clip(self.colour * left * np.float32(224 / 255), -112, 112))
        small = (colour[:, ::2, ::2] + colour[:, 1::2, ::2] + colour[:, ::2, 1::2] + colour[:, 1::2, 1::2]) / 4
        return Picture(half.astype(np.uint8), small, grain(coded), WIDTH_PX, HEIGHT_PX, None)


@dataclass
class Scene:
    """A window of a clip, to and fro for ever. Times in s."""

    name: str
    split: str
    frames: list[Rgb]
    rate_hz: float
    _planes: dict[tuple[int, float, float], tuple[Rgb, NDArray[np.int8]]] = field(default_factory=dict)

    def planes(self, at_s: float, right: float = 0.0, down: float = 0.0) -> "Planes":
        """The same as planes of luma and colour, kept once made: days ask for each picture thousands of times."""
        key = (self._step(at_s), right, down)
        if key not in self._planes:
            made = Planes.of(self.at(at_s, right, down))
            self._planes[key] = np.round(made.luma).astype(np.uint8), np.round(made.colour).astype(np.int8)
        luma, colour = self._planes[key]
        return Planes(luma.astype(np.float32), colour.astype(np.float32))

    def _step(self, at_s: float) -> int:
        """Which frame, to and fro."""
        count = len(self.frames)
        step = int(at_s * self.rate_hz) % max(1, 2 * count - 2)
        return step if step < count else 2 * count - 2 - step

    def at(self, at_s: float, right: float = 0.0, down: float = 0.0) -> Work:
        """The picture at a time, turned by shares of the picture's width and height (at most `MARGIN` a side)."""
        frame = self.frames[self._step(at_s)]
        high, wide = frame.shape[:2]
        inner = 1 - 2 * MARGIN
        left = (MARGIN + np.clip(right * inner, -MARGIN, MARGIN)) * wide
        top = (MARGIN + np.clip(down * inner, -MARGIN, MARGIN)) * high
        box = (float(left), float(top), float(left + inner * wide), float(top + inner * high))
        image = Image.fromarray(frame).resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.BILINEAR, box)
        return np.asarray(image).astype(np.float32)


def _read(path: Path, first: int, last: int, step: int, cut: tuple[float, float, float, float]) -> list[Rgb]:
    frames: list[Rgb] = []
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number > last:
                break
            if number >= first and (number - first) % step == 0:
                whole = frame.to_ndarray(format="rgb24")
                high, wide = whole.shape[:2]
                x, y, w, h = cut
                frames.append(whole[int(y * high) : int((y + h) * high), int(x * wide) : int((x + w) * wide)].copy())
    return frames


def steadied(frames: list[Rgb]) -> list[Rgb]:
    """Frames of a hand-held shot, each shifted by whole px onto the first: a camera on a pole does not sway."""
    first = np.fft.fft2(frames[0][..., 1].astype(np.float32))
    found: list[Rgb] = []
    for frame in frames:
        cross = np.fft.fft2(frame[..., 1].astype(np.float32)) * np.conj(first)
        peak = int(np.fft.ifft2(cross / (np.abs(cross) + 1e-6)).real.argmax())
        down, right = divmod(peak, frame.shape[1])
        found.append(np.roll(frame, (-down, -right), axis=(0, 1)))
    return found


def scenes(folder: Path) -> list[Scene]:
    """All scenes. Raises `FileNotFoundError` where a clip is missing."""
    for name in ("vtest.avi", "car-detection.mp4", "bikes.mp4"):
        if not (folder / name).is_file():
            raise FileNotFoundError(folder / name)
    walk, car, street = folder / "vtest.avi", folder / "car-detection.mp4", folder / "bikes.mp4"
    return [
        Scene("crossing, whole", TUNED, _read(walk, 0, 790, 5, (0, 0, 1, 1)), 2.0),
        Scene("crossing, left", TUNED, _read(walk, 100, 790, 7, (0, 0.1, 0.65, 0.75)), 1.4),
        Scene("crossing, right", TUNED, _read(walk, 200, 790, 7, (0.35, 0.2, 0.65, 0.8)), 1.4),
        Scene("square", HELD_OUT, steadied(_read(street, 138, 184, 1, (0, 0, 1, 1))), 12.0),
        Scene("wall", HELD_OUT, steadied(_read(street, 188, 239, 1, (0, 0, 1, 1))), 12.0),
        Scene("bare asphalt", HELD_OUT, _read(car, 0, 360, 3, (0, 0, 1, 1)), 4.0),
    ]


# -- faults ---------------------------------------------------------------------------------------------------------


def blurred(picture: Work, sigma_px: float) -> Work:
    """Out of focus; sigma in px of 640."""
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(sigma_px))).astype(np.float32)


def noise(rng: np.random.Generator, picture: Work, sigma: float) -> Work:
    """A sensor's."""
    grain = rng.normal(0, sigma, picture.shape[:2]).astype(np.float32)
    return picture + grain[..., None]


def soft_blobs(rng: np.random.Generator, share: float, soft_px: float) -> NDArray[np.float32]:
    """An opacity mask (0 to 1) of round blobs that cover about `share` of the picture."""
    image = Image.new("L", (WIDTH_PX // 4, HEIGHT_PX // 4), 0)
    draw = ImageDraw.Draw(image)
    total = image.width * image.height
    covered = 0.0
    for _ in range(400):
        x, y, r = rng.uniform(0, image.width), rng.uniform(0, image.height), rng.uniform(4, 16)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=255)
        covered = np.count_nonzero(np.asarray(image)) / total
        if covered >= share:
            break
    whole = image.resize((WIDTH_PX, HEIGHT_PX)).filter(ImageFilter.GaussianBlur(soft_px))
    return np.asarray(whole).astype(np.float32) / 255


def _small(luma: Work) -> Work:
    """Luma at the places of the planes of colour."""
    return luma[1::4, 1::4]


@cache
def _normal() -> Work:
    """A field of normal noise, out of which windows are cut at random places."""
    return np.random.default_rng(1).normal(0, 1, (4 * HEIGHT_PX, 4 * WIDTH_PX)).astype(np.float32)


def mono(picture: Work, keep: float = 0.0) -> Work:
    """Colour reduced to a share."""
    grey = (picture @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]
    return grey + (picture - grey) * keep


def clock(picture: Work, at_s: float) -> Work:
    """Name and running clock, as cameras write them."""
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.text((8, 6), _clock_text(at_s), fill=(255, 255, 255), font_size=20, stroke_width=1, stroke_fill=(0, 0, 0))
    return np.asarray(image).astype(np.float32)


def _clock_text(at_s: float) -> str:
    seconds = int(at_s)
    return f"CAM-0042  2026-11-22 {seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _write_clock(luma: Work, at_s: float) -> None:
    """The same into a plane of luma."""
    strip = Image.new("L", (WIDTH_PX // 2, 32), 0)
    ImageDraw.Draw(strip).text((8, 6), _clock_text(at_s), fill=255, font_size=20)
    letters = np.asarray(strip)
    corner = luma[: letters.shape[0], : letters.shape[1]]
    corner[letters > 96] = 255


@dataclass
class Fault:
    """One fault of one strength on one scene. `seed` makes another instance of it."""

    kind: str
    strength: str
    seed: int
    other: Scene | None = None  # where a camera that was turned away looks
    variant: str = ""
    _rng: np.random.Generator = field(init=False)
    _mask: NDArray[np.float32] | None = None
    _kept: dict[int, Work] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)

    def seen(self, scene: Scene, at_s: float, since_s: float) -> Work:
        """What the sensor sees `since_s` after the fault began, before the overlay."""
        level = STRENGTHS.index(self.strength)
        rng = self._rng
        if self.kind == "image_frozen":
            # clear: one picture; useless: the same second again, of which each key frame is the first; mild: 10 s again
            step = int(since_s / 2) % 5 if self.strength == "mild" else 0
            if step not in self._kept:
                self._kept[step] = noise(rng, scene.at(at_s), 2.0)
            return self._kept[step]
        if self.kind == "image_loop":
            raise AssertionError("loops are played by the bench")
        if self.kind == "image_vibrating":
            most = (0.005, 0.015, 0.04)[level]
            angle = rng.uniform(0, 2 * math.pi)
            right, down = most * math.cos(angle) * rng.uniform(0.4, 1), most * math.sin(angle) * rng.uniform(0.4, 1)
            one, two = scene.at(at_s, right, down), scene.at(at_s, right * 0.7, down * 0.7)
            return noise(rng, (one + two) / 2, 2.0)
        if self.kind == "image_moved":
            if self.strength == "useless" and self.other is not None:
                return noise(rng, self.other.at(at_s), 2.0)
            shift = (0.04, 0.15, 0.2)[level] * (1 if self.seed % 2 else -1)
            return noise(rng, scene.at(at_s, shift, shift / 4), 2.0)
        picture = scene.at(at_s)
        if self.kind == "image_black":
            return noise(rng, picture * (0.3, 0.06, 0.0)[level], 1.0)
        if self.kind == "image_white":
            return noise(rng, picture * (1.6, 3.0, 1.0)[level] + (10, 90, 250)[level], 1.0)
        if self.kind == "image_blurred":
            return noise(rng, blurred(picture, (1.5, 4.0, 9.0)[level]), 2.0)
        if self.kind == "image_covered":
            shade = 30 + 70 * rng.random()
            mask = self._cover((0.4, 0.75, 1.0)[level])
            glow = shade + 12 * np.linspace(-1, 1, WIDTH_PX, dtype=np.float32)[None, :, None]
            return noise(rng, picture * (1 - mask) + glow * mask, 2.0)
        if self.kind == "image_dirty":
            if self._mask is None:
                self._mask = soft_blobs(rng, (0.08, 0.25, 0.6)[level], 4.0)[..., None] * 0.93
                self._kept[0] = np.float32(rng.choice([40, 90, 130])) + np.zeros((1, 1, 3), np.float32)
            return noise(rng, picture * (1 - self._mask) + self._kept[0] * self._mask, 2.0)
        if self.kind == "image_colour_lost":
            if self.variant == "cast":
                gains = np.array([1.0, 1.0, 1.0], np.float32) + (0.15, 0.35, 0.7)[level] * np.array(
                    [1.0, -0.25, 0.6], np.float32
                )
                return noise(rng, picture * gains, 2.0)
            return noise(rng, mono(picture, (0.5, 0.2, 0.0)[level]), 2.0)
        raise AssertionError(self.kind)

    def _cover(self, share: float) -> NDArray[np.float32]:
        if self._mask is None:
            across = np.arange(WIDTH_PX, dtype=np.float32)[None, :, None] / WIDTH_PX
            self._mask = np.clip((share - across) * 12 + 0.5, 0, 1) * np.ones((HEIGHT_PX, 1, 1), np.float32)
            if share >= 1:
                self._mask[:] = 1
        return self._mask


# -- days -----------------------------------------------------------------------------------------------------------


@dataclass
class Day:
    """A day of weather and light over a scene, without any fault. Times in s since the first midnight."""

    scene: Scene
    seed: int
    presets: tuple[tuple[float, float], ...] = ()  # for a PTZ camera: where it looks
    at_preset: int = 0
    _rng: np.random.Generator = field(init=False)
    _gain: float = 1.0
    _night: bool = False
    _flare_until_s: float = 0.0
    _flare: tuple[float, float, float] = (0, 0, 0)
    _swing_until_s: float = 0.0
    _swing: float = 1.0
    _before_s: float = -1.0
    _truck_until_s: float = 0.0
    _truck: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)
    _passed_s: float = 0.0  # since the last look
    _rain: list[tuple[float, float]] = field(default_factory=list)
    _dust: list[tuple[float, float]] = field(default_factory=list)
    _drops: NDArray[np.float32] | None = None
    _drops_s: float = 0.0
    _lamps: list[tuple[float, float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        rng = self._rng
        for day in range(40):
            if rng.random() < 0.3:
                begin_s = (day + rng.uniform(0, 0.9)) * 86_400
                self._rain.append((begin_s, begin_s + rng.uniform(1800, 14_400)))
            if rng.random() < 0.15:
                begin_s = (day + rng.uniform(0.2, 0.8)) * 86_400
                self._dust.append((begin_s, begin_s + rng.uniform(7200, 28_800)))
        self._lamps = [(rng.uniform(0.1, 0.9), rng.uniform(0.05, 0.5), rng.uniform(0.1, 0.25)) for _ in range(3)]

    def at(self, at_s: float) -> Planes:
        """The picture at a time; call it in the order of time."""
        self._passed_s = at_s - self._before_s if self._before_s >= 0 else 0.0
        self._before_s = at_s
        hour = at_s / 3600 % 24
        sun = float(np.clip(math.sin((hour - 6) / 12 * math.pi) * 3 + 0.25, 0.0, 1.0))
        right, down = self.presets[self.at_preset] if self.presets else (0.0, 0.0)
        scene = self._traffic(self.scene.planes(at_s, right, down), at_s)
        lit = Planes(scene.luma * sun, scene.colour * sun)
        if sun > 0.3:
            lit.luma *= self._shadow(hour, sun)
        if sun < 1.0:
            lit = lit.lit((1 + 0.25 * (1 - sun), 1.0, 1 - 0.2 * (1 - sun)))
        if sun < 0.6:
            lamps = scene.lit((0.55, 0.45, 0.3))
            glow = self._lamp_light() * np.float32(0.6 - sun)
            lit = Planes(lit.luma + lamps.luma * glow, lit.colour + lamps.colour * glow[::4, ::4])
        # The camera: mono by night with its own infrared, and an exposure that follows slowly.
        if self._night:
            self._night = sun < 0.22
        else:
            self._night = sun < 0.12
        if self._night:
            lit = Planes(lit.luma + scene.luma * (self._infrared() * np.float32(0.16)), np.zeros_like(lit.colour))
        wanted = float(np.clip(105 / max(4.0, float(lit.luma.mean())), 0.6, 7.0))
        self._gain += (wanted - self._gain) * 0.5
        shown = self._weather(Planes(lit.luma * self._gain, lit.colour * self._gain), at_s, sun)
        shown = self._surprises(shown, at_s, sun)
        normal, rng = _normal(), self._rng
        top, left = int(rng.integers(normal.shape[0] - HEIGHT_PX)), int(rng.integers(normal.shape[1] - WIDTH_PX))
        shown.luma += normal[top : top + HEIGHT_PX, left : left + WIDTH_PX] * np.float32(1.5 + 0.9 * self._gain)
        _write_clock(shown.luma, at_s)
        return shown

    def _comes(self, each_s: float) -> bool:
        """Whether something that comes once in so many seconds came since the last look, however often is looked."""
        return bool(self._rng.random() < -math.expm1(-self._passed_s / each_s))

    def _shadow(self, hour: float, sun: float) -> Work:
        """Hard shadows of things outside of the picture, which go round with the sun."""
        across = np.linspace(0, 1, WIDTH_PX, dtype=np.float32)[None, :]
        down = np.linspace(0, 1, HEIGHT_PX, dtype=np.float32)[:, None]
        edge = (hour - 12) / 6
        dark = (across - 0.5 - 0.4 * edge) * (1 if edge < 0 else -1) + 0.3 * (down - 0.5) > 0.25
        return np.where(dark, np.float32(1 - 0.45 * sun), np.float32(1))

    def _lamp_light(self) -> Work:
        return self._glow("lamps", [(x, y, size) for x, y, size in self._lamps]) + np.float32(0.12)

    def _infrared(self) -> Work:
        return self._glow("infrared", [(0.5, 0.6, 0.35)])

    def _glow(self, name: str, spots: list[tuple[float, float, float]]) -> Work:
        kept: dict[str, Work] = self.__dict__.setdefault("_glows", {})
        if name not in kept:
            across = np.linspace(0, 1, WIDTH_PX, dtype=np.float32)[None, :]
            down = np.linspace(0, 1, HEIGHT_PX, dtype=np.float32)[:, None] * HEIGHT_PX / WIDTH_PX
            total = np.zeros((HEIGHT_PX, WIDTH_PX), np.float32)
            for x, y, size in spots:
                total += np.exp(-((across - x) ** 2 + (down - y * HEIGHT_PX / WIDTH_PX) ** 2) / (2 * size * size))
            kept[name] = total
        return kept[name]

    def _traffic(self, picture: Planes, at_s: float) -> Planes:
        """Now and then a lorry stands before the camera for up to two minutes."""
        rng = self._rng
        if at_s >= self._truck_until_s + 1800 and self._comes(400):
            self._truck_until_s = at_s + rng.uniform(20, 120)
            wide, high = int(WIDTH_PX * rng.uniform(0.15, 0.35)), int(HEIGHT_PX * rng.uniform(0.25, 0.5))
            left = int(rng.uniform(0, WIDTH_PX - wide))
            self._truck = (left, HEIGHT_PX - high - 20, wide, high, int(rng.integers(60, 220)))
        if at_s < self._truck_until_s:
            left, top, wide, high, shade = self._truck
            picture.luma[top : top + high, left : left + wide] = shade
            picture.luma[top + high // 2 : top + high // 2 + 3, left : left + wide] = shade * 0.6
            picture.colour[:, top // 4 : (top + high) // 4, left // 4 : (left + wide) // 4] = 0
        return picture

    def _weather(self, shown: Planes, at_s: float, sun: float) -> Planes:
        rng = self._rng
        for begin_s, end_s in (span for span in self._dust if span[0] < at_s < span[1]):
            thick = 0.75 * math.sin(math.pi * (at_s - begin_s) / (end_s - begin_s))
            sand = thick * (0.3 + 0.7 * sun) * (_TO_YUV @ np.array([150, 130, 100], np.float32))
            shown.luma = shown.luma * (1 - thick) + sand[0]
            shown.colour = shown.colour * (1 - thick) + sand[1:, None, None]
        if any(begin_s < at_s < end_s for begin_s, end_s in self._rain):
            if self._drops is None or at_s - self._drops_s > rng.uniform(60, 240):
                self._drops = soft_blobs(rng, float(rng.uniform(0.03, 0.12)), 3.0)
                self._drops_s = at_s
            image = Image.fromarray(np.clip(shown.luma, 0, 255).astype(np.uint8))
            smeared = np.asarray(image.filter(ImageFilter.GaussianBlur(7.0))).astype(np.float32)
            shown.luma += (np.roll(smeared, (4, 6), axis=(0, 1)) - shown.luma) * self._drops
        return shown

    def _surprises(self, shown: Planes, at_s: float, sun: float) -> Planes:
        """Headlights into the lens by night; clouds and exposure swings by day."""
        rng = self._rng
        if sun < 0.2 and at_s >= self._flare_until_s and self._comes(60):
            self._flare_until_s = at_s + rng.uniform(1, 9)
            self._flare = (rng.uniform(0.1, 0.9), rng.uniform(0.3, 0.8), rng.uniform(0.03, 0.25))
        if at_s < self._flare_until_s:
            x, y, size = self._flare
            across = np.linspace(0, 1, WIDTH_PX, dtype=np.float32)
            down = np.linspace(0, 1, HEIGHT_PX, dtype=np.float32)
            beside, below = ((at - x) ** 2 / (2 * size * size) for at in (across, (down - y) * 0.56 + x))
            spot = np.exp(-below)[:, None] * np.exp(-beside)[None, :]
            veil = 1 - 0.4 * min(1.0, size * 5)
            shown = Planes(shown.luma * veil + 300 * spot, shown.colour * veil)
        if at_s >= self._swing_until_s and self._comes(270):
            self._swing_until_s = at_s + rng.uniform(3, 60)
            self._swing = float(rng.choice([0.45, 0.6, 1.5, 1.9]))
        if at_s < self._swing_until_s:
            shown = Planes(shown.luma * self._swing, shown.colour * self._swing)
        return shown


Mangle = Callable[[Work], Work]
