"""What stands still in a scene: sky, ground, roads, marks, houses, palms, lamps, water. Drawn once a scene and light.

Gives the background and, apart from it, those things that may stand in front of a moving one. Called by `draw.py`.
"""

import math
import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from manara.simulate.camera_view import View
from manara.simulate.paint import Brush, Colour, Light

SUPERSAMPLE = 2
ASPHALT: Colour = (96, 96, 99)
PAVEMENT: Colour = (178, 171, 158)
SAND: Colour = (201, 183, 152)
MARK: Colour = (228, 226, 216)
WATER: Colour = (106, 132, 134)
_WALLS: tuple[Colour, ...] = (
    (214, 196, 164), (226, 214, 190), (196, 172, 138), (206, 186, 160), (188, 160, 130), (224, 206, 176), (204, 198,
    188),
)  # fmt: skip
_AWNINGS: tuple[Colour, ...] = ((176, 66, 58), (58, 104, 138), (66, 122, 88), (206, 160, 70))


@dataclass(frozen=True, slots=True)
class Road:
    """A straight road along y (`across` false) or along x."""

    centre_m: float
    width_m: float
    from_m: float
    to_m: float
    across: bool = False
    lanes: int = 4
    median_m: float = 0.0
    pavement_m: float = 4.0


@dataclass(frozen=True, slots=True)
class House:
    """A building on a rectangle; `stalls` puts awnings on its street side."""

    x_m: float
    y_m: float
    wide_m: float
    deep_m: float
    high_m: float
    stalls: bool = False


@dataclass(frozen=True, slots=True)
class Street:
    """A scene's ground plan."""

    roads: tuple[Road, ...]
    houses: tuple[House, ...]
    palms: tuple[tuple[float, float], ...]
    lamps: tuple[tuple[float, float], ...]
    crossings: tuple[tuple[float, float, float, float], ...] = ()  # x0 y0 x1 y1; stripes along the shorter side
    water: tuple[tuple[float, float, float, float], ...] = ()
    ground: Colour = SAND


@dataclass(slots=True)
class Occluder:
    """A thing that stands up, cut out of the picture."""

    distance_m: float
    left_px: int
    top_px: int
    image: Image.Image  # RGBA


def background(street: Street, view: View, light: Light, seed: int) -> tuple[Image.Image, list[Occluder]]:
    """The still picture, and what may stand in front of moving things, nearest last."""
    chance = random.Random(seed)
    large = view.scaled(SUPERSAMPLE)
    image = Image.fromarray(_sky(large, light))
    brush = Brush(ImageDraw.Draw(image), large, light)
    horizon = large.horizon_px
    brush.draw.rectangle((0, horizon, large.width_px, large.height_px), fill=brush.colour(street.ground))
    _ground(brush, street)
    for house in sorted(street.houses, key=lambda house: -view.distance_m(house.x_m, house.y_m)):
        _house(brush, house, chance)
    picture = image.reduce(SUPERSAMPLE)
    picture = _grain(picture, view, light, street, chance)
    standing = []
    for x_m, y_m in street.palms:
        standing.append(_cut(view, light, x_m, y_m, 9.0, 4.5, chance, palm=True))
    for x_m, y_m in street.lamps:
        standing.append(_cut(view, light, x_m, y_m, 9.5, 4.5, chance, palm=False))
    occluders = sorted((one for one in standing if one is not None), key=lambda one: -one.distance_m)
    return picture, occluders


def _sky(view: View, light: Light) -> NDArray[np.uint8]:
    share = np.clip(np.arange(view.height_px) / max(1.0, view.horizon_px), 0, 1)[:, None] ** 1.4
    rows = np.array(light.sky_top) * (1 - share) + np.array(light.sky_low) * share
    return np.repeat(rows[:, None, :], view.width_px, axis=1).astype(np.uint8)


def _ground(brush: Brush, street: Street) -> None:
    for x0, y0, x1, y1 in street.water:
        brush.ground(x0, y0, x1, y1, WATER)
    for road in street.roads:
        half = road.width_m / 2
        _strip(brush, road, -half - road.pavement_m, half + road.pavement_m, PAVEMENT)
    for road in street.roads:
        half = road.width_m / 2
        _strip(brush, road, -half - 0.3, half + 0.3, (206, 200, 188))
    for road in street.roads:
        _strip(brush, road, -road.width_m / 2, road.width_m / 2, ASPHALT)
    crossing_boxes = [
        (road.centre_m - road.width_m / 2, road.centre_m + road.width_m / 2) for road in street.roads if road.across
    ]
    for road in street.roads:
        _marks(brush, road, crossing_boxes if not road.across else _spans(street))
    for x0, y0, x1, y1 in street.crossings:
        along_x = abs(x1 - x0) > abs(y1 - y0)
        at, end = (x0, x1) if along_x else (y0, y1)
        while at < end:
            if along_x:
                brush.ground(at, y0, at + 0.5, y1, MARK)
            else:
                brush.ground(x0, at, x1, at + 0.5, MARK)
            at += 1.1


def _spans(street: Street) -> list[tuple[float, float]]:
    return [
        (road.centre_m - road.width_m / 2, road.centre_m + road.width_m / 2) for road in street.roads if not road.across
    ]


def _strip(brush: Brush, road: Road, low: float, high: float, colour: Colour) -> None:
    low, high = road.centre_m + low, road.centre_m + high
    if road.across:
        brush.ground(road.from_m, low, road.to_m, high, colour)
    else:
        brush.ground(low, road.from_m, high, road.to_m, colour)


def _marks(brush: Brush, road: Road, gaps: list[tuple[float, float]]) -> None:
    def piece(offset: float, at: float, end: float, wide: float, colour: Colour) -> None:
        if any(low - 4 < end and at < high + 4 for low, high in gaps):
            return
        low, high = road.centre_m + offset - wide / 2, road.centre_m + offset + wide / 2
        if road.across:
            brush.ground(at, low, end, high, colour)
        else:
            brush.ground(low, at, high, end, colour)

    at = road.from_m
    while at < road.to_m:
        for side in (-1, 1):
            usable = (road.width_m - road.median_m) / 2
            for lane in range(1, road.lanes // 2):
                offset = side * (road.median_m / 2 + usable * lane / (road.lanes // 2))
                piece(offset, at, at + 3, 0.14, MARK)
            piece(side * (road.width_m / 2 - 0.3), at, at + 9, 0.12, MARK)
        if road.median_m:
            piece(0, at, at + 9.0, road.median_m, (150, 150, 112))
            for side in (-1, 1):
                dark = int(at // 3) % 2
                piece(side * road.median_m / 2, at, at + 9, 0.3, (70, 68, 62) if dark else (222, 196, 96))
        else:
            piece(0, at, at + 9, 0.14, (224, 190, 90))
        at += 9


def _house(brush: Brush, house: House, chance: random.Random) -> None:
    wall = chance.choice(_WALLS)
    brush.box((house.x_m, house.y_m), (house.wide_m, house.deep_m), 0, house.high_m, wall, roof=(190, 178, 158))
    brush.box(
        (house.x_m, house.y_m),
        (house.wide_m + 0.3, house.deep_m + 0.3),
        house.high_m - 0.5,
        house.high_m,
        (226, 216, 198),
    )
    for axis in (0, 1):
        for side in (-1, 1):
            if axis == 0:  # the face at x = ±
                face = house.x_m + side * house.wide_m / 2
                if (brush.view.x_m - face) * side <= 0:
                    continue
                length, centre = house.deep_m, house.y_m
            else:
                face = house.y_m + side * house.deep_m / 2
                if (brush.view.y_m - face) * side <= 0:
                    continue
                length, centre = house.wide_m, house.x_m
            if house.high_m > 2 and length > 2.5:
                _windows(brush, house, chance, axis, face + side * 0.05, centre, length)
            if house.stalls:
                _stalls(brush, chance, axis, face, side, centre, length)


def _windows(
    brush: Brush, house: House, chance: random.Random, axis: int, face: float, centre: float, length: float
) -> None:
    columns = max(1, int(length // 3.2))
    for floor in range(max(1, int(house.high_m // 3.3))):
        for column in range(columns):
            middle = centre + (column - (columns - 1) / 2) * 3.2
            low, high = floor * 3.3 + (0.2 if floor == 0 else 1.0), floor * 3.3 + 2.4
            wide = 1.1 if floor == 0 else 0.7
            points = [
                (face, middle + d, z) if axis == 0 else (middle + d, face, z)
                for d, z in ((-wide, low), (wide, low), (wide, high), (-wide, high))
            ]
            lit = brush.light.lamps and chance.random() < 0.45
            if lit:
                warm: Colour = chance.choice(((250, 206, 128), (236, 220, 170), (214, 226, 236)))
                brush.face(points, warm, raw=True)
            else:
                brush.face(points, (88, 98, 108) if floor else (122, 100, 80), 0.9)


def _stalls(
    brush: Brush, chance: random.Random, axis: int, face: float, side: int, centre: float, length: float
) -> None:
    at = centre - length / 2 + 0.6
    while at < centre + length / 2 - 2:
        wide = chance.uniform(2.4, 3.4)
        colour = chance.choice(_AWNINGS)
        out = face + side * 1.9
        points = [
            (x, y, z) if axis == 0 else (y, x, z)
            for x, y, z in ((face, at, 2.9), (face, at + wide, 2.9), (out, at + wide, 2.3), (out, at, 2.3))
        ]
        brush.face(points, colour, 1.0)
        at += wide + 0.5


def _grain(picture: Image.Image, view: View, light: Light, street: Street, chance: random.Random) -> Image.Image:
    """Haze towards the horizon, lamplight on the ground, a little grain: what makes a drawing look like a picture."""
    pixels: NDArray[np.floating] = np.asarray(picture).astype(np.float32)
    rows = np.arange(view.height_px, dtype=np.float32)[:, None]
    away = rows - view.horizon_px
    haze = 0.3 * np.where(away >= 0, 1 - away / (view.height_px * 0.22), 1 + away / (view.height_px * 0.09))
    haze = np.clip(haze, 0, 1)[..., None]
    pixels = pixels * (1 - haze) + np.array(light.sky_low, np.float32) * haze
    if light.lamps:
        columns = np.arange(view.width_px, dtype=np.float32)[None, :]
        strength = 0.55 if light.name == "night" else 0.15
        for x_m, y_m in street.lamps:
            spot = view.project((x_m, y_m, 0.0))
            if spot is None:
                continue
            near = max(4.0, view.distance_m(x_m, y_m))
            wide, high = view.focal_px * 9 / near, view.focal_px * 9 / near * min(0.9, view.height_m / near + 0.06)
            pool = np.exp(-(((columns - spot[0]) / wide) ** 2) - ((rows - spot[1]) / high) ** 2)[..., None]
            pixels = pixels + pool * strength * np.array((255, 214, 150), np.float32) * 0.62
    noise = np.random.default_rng(chance.randrange(1 << 30)).normal(0, 2.2, pixels.shape[:2])[..., None]
    pixels = pixels + noise * (rows[..., None] > view.horizon_px)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.5))


def _cut(
    view: View, light: Light, x_m: float, y_m: float, high_m: float, wide_m: float, chance: random.Random, *, palm: bool
) -> Occluder | None:
    foot, top = view.project((x_m, y_m, 0)), view.project((x_m, y_m, high_m))
    near = view.distance_m(x_m, y_m)
    if foot is None or top is None or near < 9:
        return None
    half = view.focal_px * wide_m / near / 1.0
    left, upper = int(foot[0] - half), int(top[1] - half * 0.5)
    right, lower = int(foot[0] + half) + 1, int(foot[1] + half * 0.2) + 1
    box = (max(left, -200), max(upper, -200), min(right, view.width_px + 200), min(lower, view.height_px + 200))
    if box[2] - box[0] < 3 or box[3] - box[1] < 3 or box[2] < 0 or box[0] > view.width_px or box[3] < 0:
        return None
    scale = 3
    image = Image.new("RGBA", ((box[2] - box[0]) * scale, (box[3] - box[1]) * scale), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    brush = Brush(draw, view, light)

    def at(point: tuple[float, float]) -> tuple[float, float]:
        return (point[0] - box[0]) * scale, (point[1] - box[1]) * scale

    pixel_per_m = view.focal_px / near * scale
    if palm:
        _palm(draw, brush, at(foot), at(top), pixel_per_m, chance)
    else:
        _lamp(draw, brush, at(foot), at(top), pixel_per_m, x_m)
    return Occluder(near, box[0], box[1], image.reduce(scale))


def _palm(
    draw: ImageDraw.ImageDraw,
    brush: Brush,
    foot: tuple[float, float],
    top: tuple[float, float],
    pixel_per_m: float,
    chance: random.Random,
) -> None:
    crown = (
        foot[0] + chance.uniform(-0.3, 0.3) * pixel_per_m,
        foot[1] + (top[1] - foot[1]) * chance.uniform(0.62, 0.8),
    )
    trunk = 0.19 * pixel_per_m
    bark = (*brush.colour((128, 102, 76)), 255)
    draw.polygon(
        [(foot[0] - trunk * 1.3, foot[1]), (foot[0] + trunk * 1.3, foot[1]), (crown[0] + trunk, crown[1]),
         (crown[0] - trunk, crown[1])],
        fill=bark,
    )  # fmt: skip
    for leaf in range(15):
        turn = leaf / 15 * 2 * math.pi + chance.uniform(-0.15, 0.15)
        reach = pixel_per_m * chance.uniform(1.8, 2.5)
        green = (*brush.colour((74 + leaf % 3 * 10, 104 + leaf % 4 * 8, 58)), 255)
        points = []
        for step in range(7):
            out = step / 6
            points.append(
                (
                    crown[0] + math.cos(turn) * reach * out,
                    crown[1] - math.sin(turn) * reach * 0.42 * out + reach * 0.75 * out**2 - reach * 0.28 * out,
                )
            )
        wide = max(1.0, 0.16 * pixel_per_m)
        upper = [(x, y - wide * (1 - abs(i / 6 - 0.4))) for i, (x, y) in enumerate(points)]
        lower = [(x, y + wide * (1 - abs(i / 6 - 0.4)) * 0.6) for i, (x, y) in enumerate(points)]
        draw.polygon(upper + lower[::-1], fill=green)


def _lamp(
    draw: ImageDraw.ImageDraw,
    brush: Brush,
    foot: tuple[float, float],
    top: tuple[float, float],
    pixel_per_m: float,
    x_m: float,
) -> None:
    steel = (*brush.colour((126, 130, 134)), 255)
    wide = max(1.5, 0.09 * pixel_per_m)
    arm = (1 if x_m < 0 else -1) * 1.8 * pixel_per_m
    draw.polygon(
        [
            (foot[0] - wide, foot[1]),
            (foot[0] + wide, foot[1]),
            (top[0] + wide * 0.6, top[1]),
            (top[0] - wide * 0.6, top[1]),
        ],
        fill=steel,
    )
    draw.line([top, (top[0] + arm, top[1] - 0.2 * pixel_per_m)], fill=steel, width=max(1, round(wide)))
    head = (top[0] + arm, top[1] - 0.2 * pixel_per_m)
    size = 0.35 * pixel_per_m
    if brush.light.lamps:
        for ring, alpha in ((2.6, 40), (1.7, 80), (1.0, 255)):
            box = (
                head[0] - size * ring,
                head[1] - size * ring * 0.6,
                head[0] + size * ring,
                head[1] + size * ring * 0.6,
            )
            draw.ellipse(box, fill=(255, 232, 186, alpha))
    else:
        draw.ellipse((head[0] - size, head[1] - size * 0.35, head[0] + size, head[1] + size * 0.35), fill=steel)
