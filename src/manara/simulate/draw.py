"""Pictures of a scene: the still background, and vehicles and people painted into it, far ones first.

Every moving thing is drawn large on a small tile, made smaller (that smooths its edges) and pasted. Nobody has a face.
Called by `scenes.py` and `live.py`.
"""

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

from manara.simulate.camera_view import Point3, View
from manara.simulate.paint import Brush, Colour, Light, footprint
from manara.simulate.street import Occluder, Street, background
from manara.simulate.world import SIZES, Actor

_SCALE = 3
_CARS: tuple[Colour, ...] = (
    (236, 236, 232), (228, 228, 226), (206, 208, 210), (150, 154, 160), (64, 66, 72), (44, 46, 52), (128, 34, 38),
    (52, 74, 120), (214, 204, 184), (90, 110, 96),
)  # fmt: skip
_CLOTHES: tuple[Colour, ...] = (
    (232, 230, 222), (46, 44, 48), (38, 38, 44), (92, 104, 128), (122, 84, 66), (150, 150, 146), (72, 96, 84),
    (176, 160, 132), (110, 44, 52),
)  # fmt: skip
_GLASS: Colour = (52, 62, 72)
_TYRE: Colour = (34, 34, 36)


class Painter:
    """Paints one scene from one view under one light."""

    def __init__(self, street: Street, view: View, light: Light, seed: int) -> None:
        self.view = view
        self.light = light
        self._lamps = street.lamps
        self.still, self._standing = background(street, view, light, seed)

    def picture(self, actors: list[Actor]) -> Image.Image:
        """The picture at one moment, RGB."""
        image = self.still.copy()
        things: list[tuple[float, Actor | Occluder]] = [(one.distance_m, one) for one in self._standing]
        things += [(self.view.distance_m(actor.x_m, actor.y_m), actor) for actor in actors]
        for _, thing in sorted(things, key=lambda entry: -entry[0]):
            if isinstance(thing, Occluder):
                image.paste(thing.image, (thing.left_px, thing.top_px), thing.image)
            else:
                self._paint(image, thing)
        return image

    def box(self, actor: Actor) -> tuple[int, int, int, int] | None:
        """Left, top, right, bottom of an actor in the picture; None where it is out of sight."""
        wide, long, high = _size(actor)
        corners = footprint((actor.x_m, actor.y_m), (wide, long), actor.heading_deg)
        pixels = [self.view.project((*corner, z)) for corner in corners for z in (0.0, high)]
        seen = [pixel for pixel in pixels if pixel is not None]
        if len(seen) < 8:
            return None
        left, right = min(x for x, _ in seen), max(x for x, _ in seen)
        top, bottom = min(y for _, y in seen), max(y for _, y in seen)
        if right <= 0 or bottom <= 0 or left >= self.view.width_px or top >= self.view.height_px:
            return None
        return (
            max(0, int(left)),
            max(0, int(top)),
            min(self.view.width_px, math.ceil(right)),
            min(self.view.height_px, math.ceil(bottom)),
        )

    def _brightness(self, actor: Actor) -> float:
        if self.light.name != "night" or not self._lamps:
            return 1.0
        nearest = min(math.dist((actor.x_m, actor.y_m), lamp) for lamp in self._lamps)
        return 1.0 + 1.3 * math.exp(-((nearest / 11) ** 2))

    def _paint(self, image: Image.Image, actor: Actor) -> None:
        box = self.box(actor)
        if box is None or box[2] - box[0] < 2 or box[3] - box[1] < 2:
            return
        wide, tall = box[2] - box[0], box[3] - box[1]
        beams = self.light.lamps and actor.kind != "person"
        reach, depth = (wide, tall) if beams else (4 + wide // 4, 3 + tall // 5)
        left, top = max(0, box[0] - reach), max(0, box[1] - depth)
        right = min(self.view.width_px, box[2] + reach)
        bottom = min(self.view.height_px, box[3] + depth)
        scale = _SCALE if wide * tall < 4000 else 2
        tile = image.crop((left, top, right, bottom)).resize(
            ((right - left) * scale, (bottom - top) * scale), Image.Resampling.NEAREST
        )
        brush = _TileBrush(tile, self.view, self.light, (left, top), scale, self._brightness(actor))
        if actor.kind == "person":
            _person(brush, actor)
        else:
            _vehicle(brush, actor)
        image.paste(brush.image.reduce(scale), (left, top))


class _TileBrush(Brush):
    """A brush whose picture is a part of the view, enlarged."""

    def __init__(
        self, tile: Image.Image, view: View, light: Light, corner: tuple[int, int], scale: int, gain: float
    ) -> None:
        super().__init__(ImageDraw.Draw(tile, "RGBA"), view, light, gain=gain)
        self.image = tile
        self._corner = corner
        self._scale = scale

    def face(self, points: Sequence[Point3], base: Colour, shade: float = 1.0, *, raw: bool = False) -> None:
        pixels = self.pixels(points)
        if pixels:
            self.draw.polygon(pixels, fill=base if raw else self.colour(base, shade))

    def pixels(self, points: Sequence[Point3]) -> list[tuple[float, float]]:
        """Pixels of a polygon on the tile."""
        return [
            ((x - self._corner[0]) * self._scale, (y - self._corner[1]) * self._scale)
            for x, y in self.view.polygon(points)
        ]

    def shadow(self, points: Sequence[Point3], opacity: int) -> None:
        """A dark patch that lets the ground through."""
        pixels = self.pixels(points)
        if pixels:
            self.draw.polygon(pixels, fill=(12, 12, 16, opacity))

    def glow(self, points: Sequence[Point3], colour: Colour, opacity: int) -> None:
        """A light patch that lets the ground through."""
        pixels = self.pixels(points)
        if pixels:
            self.draw.polygon(pixels, fill=(*colour, opacity))


def _size(actor: Actor) -> tuple[float, float, float]:
    long, wide, high = SIZES[actor.kind]
    return wide, long, high


def _flat(actor: Actor, wide: float, long: float, dx: float, dy: float) -> list[tuple[float, float, float]]:
    return [(x + dx, y + dy, 0.02) for x, y in footprint((actor.x_m, actor.y_m), (wide, long), actor.heading_deg)]


def _ahead(actor: Actor, along_m: float, aside_m: float = 0.0) -> tuple[float, float]:
    turn = math.radians(actor.heading_deg)
    return (
        actor.x_m + math.sin(turn) * along_m + math.cos(turn) * aside_m,
        actor.y_m + math.cos(turn) * along_m - math.sin(turn) * aside_m,
    )


def _vehicle(brush: _TileBrush, actor: Actor) -> None:
    wide, long, high = _size(actor)
    sun = brush.light.sun
    drift = min(1.4, high * 0.45 / max(0.3, sun[2]))
    brush.shadow(
        _flat(actor, wide + 0.25, long + 0.2, -sun[0] * drift * 0.6, -sun[1] * drift * 0.6), brush.light.shadow
    )
    paint = _CARS[actor.tint % len(_CARS)]
    if actor.kind == "taxi":
        paint = (228, 164, 48) if actor.tint % 2 else (236, 206, 92)
    if actor.kind == "bus":
        paint = ((226, 224, 214), (70, 110, 150), (196, 90, 60))[actor.tint % 3]
    here, turn = (actor.x_m, actor.y_m), actor.heading_deg
    if brush.light.lamps:
        for reach_m, share in ((2.0, 1.0), (3.6, 0.7), (5.5, 0.5)):
            beam = footprint(_ahead(actor, long / 2 + reach_m / 2), (wide * (0.8 + reach_m * 0.06), reach_m), turn)
            opacity = (26 if brush.light.name == "night" else 8) * share
            brush.glow([(*corner, 0.02) for corner in beam], (255, 244, 206), round(opacity))
    brush.box(here, (wide * 0.96, long * 0.97), 0.0, 0.42, _TYRE, heading_deg=turn)
    if actor.kind == "bus":
        brush.box(here, (wide, long), 0.35, 1.25, paint, heading_deg=turn)
        brush.box(here, (wide, long), 1.25, 2.35, _GLASS, heading_deg=turn)
        brush.box(here, (wide, long), 2.35, high, paint, heading_deg=turn, taper=0.96, roof=(232, 230, 224))
    elif actor.kind == "van":
        brush.box(here, (wide, long), 0.3, 1.15, paint, heading_deg=turn)
        brush.box(_ahead(actor, -0.15), (wide * 0.97, long * 0.9), 1.15, 1.75, _GLASS, heading_deg=turn, taper=0.95)
        brush.box(_ahead(actor, -0.15), (wide * 0.92, long * 0.86), 1.75, high, paint, heading_deg=turn, taper=0.96)
    else:
        brush.box(here, (wide, long), 0.3, 0.82, paint, heading_deg=turn)
        cabin = (_ahead(actor, 0.35), long * 0.36) if actor.kind == "pickup" else (_ahead(actor, -0.2), long * 0.56)
        top = high - 0.1
        brush.box(cabin[0], (wide * 0.94, cabin[1]), 0.82, top, _GLASS, heading_deg=turn, taper=0.8)
        roof = (wide * 0.94 * 0.8, cabin[1] * 0.8)
        brush.box(cabin[0], roof, top, high, paint, heading_deg=turn)
        if actor.kind == "taxi":
            brush.box(cabin[0], (0.7, 0.25), high, high + 0.16, (250, 244, 210), heading_deg=turn)
    for along, low, dark, bright in (
        (long / 2 + 0.02, 0.58, (236, 234, 220), (255, 250, 224)),
        (-long / 2 - 0.02, 0.66, (120, 30, 30), (255, 60, 44)),
    ):
        on = brush.light.lamps or (along < 0 and actor.braking)
        for side in (-1, 1):
            a = _ahead(actor, along, side * wide * 0.46)
            b = _ahead(actor, along, side * wide * 0.26)
            facing = (brush.view.x_m - a[0]) * math.sin(math.radians(turn)) + (brush.view.y_m - a[1]) * math.cos(
                math.radians(turn)
            )
            if facing * along > 0:
                brush.face([(*a, low), (*b, low), (*b, low + 0.17), (*a, low + 0.17)], bright if on else dark, raw=on)


def _person(brush: _TileBrush, actor: Actor) -> None:
    high = 1.62 + actor.tint % 5 * 0.04
    foot = brush.pixels([(actor.x_m, actor.y_m, z) for z in (0.0, high / 2, high)])
    if len(foot) < 3:
        return
    (x0, y0), _, (x1, y1) = foot
    tall = y0 - y1
    if tall < 4:
        return
    sun = brush.light.sun
    brush.shadow(_flat(actor, 0.5, 0.5, -sun[0] * 0.5, -sun[1] * 0.5), brush.light.shadow)
    cloth = brush.colour(_CLOTHES[actor.tint % len(_CLOTHES)])
    stride = math.sin((actor.x_m + actor.y_m) * 4.2) * tall * 0.07
    long_dress = actor.tint % 3 == 0
    wide = tall * 0.13
    legs = cloth if long_dress else brush.colour((58, 58, 66))
    if long_dress:
        brush.draw.polygon(
            [
                (x0 - wide * 1.05, y0),
                (x0 + wide * 1.05, y0),
                (x1 + wide, y0 - tall * 0.8),
                (x1 - wide, y0 - tall * 0.8),
            ],
            fill=cloth,
        )
    else:
        thick = max(1, round(tall * 0.085))
        for side in (-1, 1):
            brush.draw.line(
                [(x0 + side * stride, y0), (x0 + side * wide * 0.3, y0 - tall * 0.46)], fill=legs, width=thick
            )
    brush.draw.rounded_rectangle(
        (x1 - wide, y0 - tall * 0.84, x1 + wide, y0 - tall * 0.42), radius=wide * 0.6, fill=cloth
    )
    head = tall * 0.075
    top = brush.colour((64, 50, 42) if actor.tint % 3 else (30, 28, 30) if actor.tint % 2 else (224, 222, 216))
    brush.draw.ellipse((x1 - head, y1, x1 + head, y1 + head * 2.2), fill=top)
