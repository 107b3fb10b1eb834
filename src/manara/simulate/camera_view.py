"""A pinhole camera over flat ground: world metres to picture pixels, with clipping at the near plane. Pure.

World: x right, y forward, z up. Picture: x right, y down. Called by `draw.py`, `street.py` and, for the truth's boxes,
`scenes.py`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

NEAR_M = 0.8
Point3 = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class View:
    """Where the camera stands and how it looks. `field_deg` is horizontal."""

    x_m: float
    y_m: float
    height_m: float
    yaw_deg: float  # clockwise from +y
    pitch_deg: float  # downwards
    field_deg: float
    width_px: int
    height_px: int

    @property
    def focal_px(self) -> float:
        return self.width_px / 2 / math.tan(math.radians(self.field_deg / 2))

    @property
    def horizon_px(self) -> float:
        """Row of the horizon."""
        return self.height_px / 2 - self.focal_px * math.tan(math.radians(self.pitch_deg))

    def scaled(self, factor: float) -> "View":
        """The same view on a picture that is larger or smaller."""
        return View(
            self.x_m,
            self.y_m,
            self.height_m,
            self.yaw_deg,
            self.pitch_deg,
            self.field_deg,
            round(self.width_px * factor),
            round(self.height_px * factor),
        )

    def to_camera(self, point: Point3) -> Point3:
        """Right, down and forward of the camera, in metres."""
        yaw, pitch = math.radians(self.yaw_deg), math.radians(self.pitch_deg)
        dx, dy, dz = point[0] - self.x_m, point[1] - self.y_m, point[2] - self.height_m
        right = dx * math.cos(yaw) - dy * math.sin(yaw)
        ahead = dx * math.sin(yaw) + dy * math.cos(yaw)
        return (
            right,
            -dz * math.cos(pitch) - ahead * math.sin(pitch),
            ahead * math.cos(pitch) - dz * math.sin(pitch),
        )

    def _to_pixel(self, point: Point3) -> tuple[float, float]:
        return (
            self.width_px / 2 + self.focal_px * point[0] / point[2],
            self.height_px / 2 + self.focal_px * point[1] / point[2],
        )

    def project(self, point: Point3) -> tuple[float, float] | None:
        """Pixel of a point, None behind the camera."""
        inside = self.to_camera(point)
        return self._to_pixel(inside) if inside[2] > NEAR_M else None

    def polygon(self, points: Sequence[Point3]) -> list[tuple[float, float]]:
        """Pixels of a polygon, cut at the near plane; empty where nothing is left."""
        inside = [self.to_camera(point) for point in points]
        kept: list[Point3] = []
        for index, here in enumerate(inside):
            before = inside[index - 1]
            if (here[2] > NEAR_M) != (before[2] > NEAR_M):
                share = (NEAR_M - before[2]) / (here[2] - before[2])
                kept.append(
                    (
                        before[0] + (here[0] - before[0]) * share,
                        before[1] + (here[1] - before[1]) * share,
                        NEAR_M + 1e-6,
                    )
                )
            if here[2] > NEAR_M:
                kept.append(here)
        return [self._to_pixel(point) for point in kept] if len(kept) >= 3 else []

    def distance_m(self, x_m: float, y_m: float) -> float:
        """Distance over ground."""
        return math.hypot(x_m - self.x_m, y_m - self.y_m)
