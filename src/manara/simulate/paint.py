"""Colours under a light, and solids drawn with them: the brush that streets, vehicles and people share.

Pure but for the picture drawn on. Called by `street.py` (what stands still) and `draw.py` (what moves).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import ImageDraw

from manara.simulate.camera_view import Point3, View

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Light:
    """A time of day."""

    name: str
    sky_top: Colour
    sky_low: Colour
    tint: tuple[float, float, float]  # factor on every colour
    sun: tuple[float, float, float]  # direction the light comes from, x y z
    contrast: float  # between lit and unlit faces
    shadow: int  # opacity of shadows, 0-255
    lamps: bool


LIGHTS = {
    "day": Light("day", (106, 158, 206), (221, 224, 216), (1.0, 1.0, 0.98), (-0.55, -0.35, 0.75), 0.34, 90, False),
    "evening": Light("evening", (92, 106, 150), (244, 190, 140), (0.86, 0.72, 0.6), (-0.9, 0.25, 0.3), 0.42, 60, True),
    "night": Light("night", (10, 14, 28), (34, 38, 56), (0.27, 0.3, 0.4), (0.2, -0.3, 0.9), 0.2, 40, True),
}


def light_at(hour: float) -> str:
    """The light of an hour of the day (0-24) in southern Iraq, near enough for a picture."""
    if 6.0 <= hour < 17.0:
        return "day"
    return "evening" if 5.2 <= hour < 6.0 or 17.0 <= hour < 18.2 else "night"


class Brush:
    """Draws solids seen from a view under a light."""

    def __init__(self, draw: ImageDraw.ImageDraw, view: View, light: Light, *, gain: float = 1.0) -> None:
        self.draw = draw
        self.view = view
        self.light = light
        self.gain = gain

    def colour(self, base: Colour, shade: float = 1.0) -> Colour:
        """The colour as it looks under the light; `shade` 0 to 1 and a little above."""
        factor = shade * self.gain
        r, g, b = (min(255, int(part * tint * factor)) for part, tint in zip(base, self.light.tint, strict=True))
        return r, g, b

    def face(self, points: Sequence[Point3], base: Colour, shade: float = 1.0, *, raw: bool = False) -> None:
        """One polygon in space."""
        pixels = self.view.polygon(points)
        if pixels:
            self.draw.polygon(pixels, fill=base if raw else self.colour(base, shade))

    def ground(self, x0: float, y0: float, x1: float, y1: float, base: Colour, z: float = 0.0) -> None:
        """A flat rectangle."""
        self.face([(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)], base)

    def shade_of(self, nx: float, ny: float, nz: float) -> float:
        """How bright a face with this normal is."""
        sun = self.light.sun
        length = math.sqrt(sum(part * part for part in sun))
        return 1.0 - self.light.contrast * (1 - (nx * sun[0] + ny * sun[1] + nz * sun[2]) / length) / 1.4

    def box(
        self,
        centre: tuple[float, float],
        size: tuple[float, float],
        low_m: float,
        high_m: float,
        base: Colour,
        *,
        heading_deg: float = 0.0,
        taper: float = 1.0,
        roof: Colour | None = None,
    ) -> None:
        """A box on the ground (`size` across, along), its roof smaller by `taper`, seen faces only."""
        corners = footprint(centre, size, heading_deg)
        tops = footprint(centre, (size[0] * taper, size[1] * taper), heading_deg)
        faces = []
        for index in range(4):
            a, b = corners[index - 1], corners[index]
            c, d = tops[index], tops[index - 1]
            nx, ny = b[1] - a[1], a[0] - b[0]
            length = math.hypot(nx, ny) or 1.0
            nx, ny = nx / length, ny / length
            if (self.view.x_m - a[0]) * nx + (self.view.y_m - a[1]) * ny <= 0:
                continue
            away = self.view.distance_m((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
            points = [(*a, low_m), (*b, low_m), (*c, high_m), (*d, high_m)]
            faces.append((away, points, self.shade_of(nx, ny, 0.0)))
        for _, points, shade in sorted(faces, key=lambda entry: -entry[0]):
            self.face(points, base, shade)
        if self.view.height_m > high_m:
            self.face([(*corner, high_m) for corner in tops], roof or base, self.shade_of(0, 0, 1))


def footprint(centre: tuple[float, float], size: tuple[float, float], heading_deg: float) -> list[tuple[float, float]]:
    """Corners of a rectangle on the ground, counter-clockwise seen from above."""
    turn = math.radians(heading_deg)
    along, across = (math.sin(turn), math.cos(turn)), (math.cos(turn), -math.sin(turn))
    half_w, half_l = size[0] / 2, size[1] / 2
    return [
        (
            centre[0] + across[0] * half_w * sx + along[0] * half_l * sy,
            centre[1] + across[1] * half_w * sx + along[1] * half_l * sy,
        )
        for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
