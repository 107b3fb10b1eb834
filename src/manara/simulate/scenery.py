"""The scenes of the virtual province: where roads, houses and cameras are in each. Data, made by a few helpers.

Eight scenes, shared by all cameras that stream; each is a `Street`, a view and the lanes and walks of its world.
Read by `scenes.py` and `live.py`.
"""

import random
from dataclasses import dataclass

from manara.simulate.camera_view import View
from manara.simulate.street import House, Road, Street
from manara.simulate.world import Lane, Walk

WIDTH_PX, SCENE_HEIGHT_PX = 1280, 688  # 1280x720 less the bar


@dataclass(frozen=True, slots=True)
class Scene:
    """One place as one camera sees it."""

    name: str
    street: Street
    view: View
    lanes: tuple[Lane, ...]
    walks: tuple[Walk, ...]
    seed: int


def _view(x: float, y: float, high: float, yaw: float, pitch: float, field: float) -> View:
    return View(x, y, high, yaw, pitch, field, WIDTH_PX, SCENE_HEIGHT_PX)


def _row(
    seed: int, x: float, from_y: float, to_y: float, deep: float, *, tall: float = 9, stalls: bool = False
) -> list[House]:
    """Houses along a street that runs along y, their front at `x` (negative: on the left)."""
    chance = random.Random(seed)
    houses = []
    at = from_y
    while at < to_y:
        long = chance.uniform(11, 19)
        centre = x + (deep / 2 if x > 0 else -deep / 2)
        houses.append(House(centre, at + long / 2, deep, long - 0.6, chance.uniform(0.6, 1.35) * tall, stalls))
        at += long
    return houses


def _lanes_along(
    road: Road, speed_kmh: float, load: int, *, stop_before: float | None = None, stop_after: float | None = None,
    phase: int = 0,
) -> list[Lane]:  # fmt: skip
    """Lanes of a road, right-hand traffic. Stop lines lie at these coordinates along the road, for either direction."""
    lanes = []
    each = (road.width_m - road.median_m) / 2 / (road.lanes // 2)
    for index in range(road.lanes // 2):
        offset = road.median_m / 2 + each * (index + 0.5)
        for forward in (True, False):
            side = offset if forward != road.across else -offset
            side = side if not road.across else (-offset if forward else offset)
            low, high = (road.from_m, road.to_m) if forward else (road.to_m, road.from_m)
            line = road.centre_m + side
            start, end = ((low, line), (high, line)) if road.across else ((line, low), (line, high))
            stop_at = stop_before if forward else stop_after
            stop_m = None if stop_at is None else abs(stop_at - low)
            lanes.append(Lane(start, end, speed_kmh, max(1, load - index), stop_m, phase))
    return lanes


def _junction(name: str, seed: int, view: View, *, tall: float) -> Scene:
    main = Road(0, 15.2, -70, 190, lanes=4, median_m=1.6)
    cross = Road(22, 13.6, -120, 120, across=True, lanes=4)
    corner = 22 + 6.8 + 4.5
    houses = (
        _row(seed, 13.5, corner, 180, 16, tall=tall)
        + _row(seed + 1, -13.5, corner, 180, 16, tall=tall)
        + [House(s * (13.5 + 17 * n + 25), corner + 9, 16, 17, tall * h, False)
           for s in (-1, 1) for n, h in ((0, 0.8), (1, 1.1), (2, 0.7), (3, 1.0))]
    )  # fmt: skip
    palms = [(s * 11.4, y) for s in (-1, 1) for y in range(40, 180, 17)] + [
        (s * x, 11.6) for s in (-1, 1) for x in (30, 48, 66)
    ]
    lamps = [(s * 9.9, y) for s in (-1, 1) for y in (36, 66, 96, 130)] + [(-28.0, 31.5), (28.0, 31.5)]
    crossings = ((-7.4, 11.0, 7.4, 13.6), (-7.4, 30.6, 7.4, 33.2), (-12.4, 15.4, -9.8, 28.6), (9.8, 15.4, 12.4, 28.6))
    street = Street((main, cross), tuple(houses), tuple(palms), tuple(lamps), crossings)
    lanes = _lanes_along(main, 46, 4, stop_before=10.2, stop_after=34.0, phase=0)
    lanes += _lanes_along(cross, 42, 4, stop_before=-13.2, stop_after=13.2, phase=1)
    walks = (
        Walk((-9.6, -30), (-9.6, 12), 4), Walk((9.6, -30), (9.6, 12), 4),
        Walk((-9.6, 33), (-9.6, 120), 4), Walk((9.6, 33), (9.6, 120), 4),
        Walk((-60, 31.2), (-11, 31.2), 3), Walk((11, 31.2), (60, 31.2), 3), Walk((-60, 13.0), (-11, 13.0), 2),
        Walk((-9, 12.3), (9, 12.3), 4, 1.6, 0), Walk((-9, 31.9), (9, 31.9), 4, 1.6, 0),
        Walk((-11.1, 14), (-11.1, 30), 3, 1.6, 1), Walk((11.1, 14), (11.1, 30), 3, 1.6, 1),
    )  # fmt: skip
    return Scene(name, street, view, tuple(lanes), walks, seed)


def _avenue(name: str, seed: int, view: View, *, tall: float, load: int) -> Scene:
    main = Road(0, 24.0, -40, 260, lanes=6, median_m=4.0, pavement_m=5)
    houses = _row(seed, 19, 8, 250, 18, tall=tall) + _row(seed + 1, -19, 8, 250, 18, tall=tall)
    palms = [(0.0, float(y)) for y in range(16, 240, 15)]
    lamps = [(s * 13.2, y) for s in (-1, 1) for y in range(22, 230, 30)]
    crossing = ((-11.8, 27.0, -2.2, 30.0), (2.2, 27.0, 11.8, 30.0))
    street = Street((main,), tuple(houses), tuple(palms), tuple(lamps), crossing)
    walks = (Walk((-14.6, -10), (-14.6, 200), 4), Walk((14.6, -10), (14.6, 200), 4))
    return Scene(name, street, view, tuple(_lanes_along(main, 58, load)), walks, seed)


def _market(name: str, seed: int, view: View) -> Scene:
    main = Road(0, 7.4, -30, 190, lanes=2, pavement_m=5)
    houses = _row(seed, 8.8, 2, 180, 13, tall=7, stalls=True) + _row(seed + 1, -8.8, 2, 180, 13, tall=7, stalls=True)
    lamps = [(s * 4.6, y + (s + 1) * 9) for s in (-1, 1) for y in range(16, 150, 36)]
    street = Street((main,), tuple(houses), (), tuple((float(x), float(y)) for x, y in lamps), ((-3.6, 17, 3.6, 19.5),))
    along = ((-6.0, 9), (6.0, 9), (-4.6, 4), (4.6, 4))
    walks = (
        *(Walk((x, -12.0), (x, 130.0), count, 2.4) for x, count in along),
        Walk((-6, 18.2), (6, 18.2), 5, 2.2),
        Walk((-6, 44), (6, 44), 4, 3.0),
    )
    return Scene(name, street, view, tuple(_lanes_along(main, 24, 3)), walks, seed)


def _bridge(name: str, seed: int, view: View) -> Scene:
    main = Road(0, 14.4, -40, 300, lanes=4, median_m=0.8, pavement_m=2.4)
    houses = _row(seed, 24, 150, 280, 20, tall=9) + _row(seed + 1, -24, 150, 280, 20, tall=9)
    rails = [House(s * 9.9, y + 6, 0.35, 11.6, 1.1) for s in (-1, 1) for y in range(-6, 132, 12)]
    lamps = [(s * 9.4, y) for s in (-1, 1) for y in range(14, 250, 28)]
    palms = [(s * (30 + x), 142.0 + x % 5) for s in (-1, 1) for x in range(0, 70, 9)]
    water = ((-400, -40, -9.8, 134), (9.8, -40, 400, 134))
    street = Street(
        (main,),
        tuple(houses + rails),
        tuple(palms),
        tuple((float(x), float(y)) for x, y in lamps),
        (),
        water,
        (188, 178, 140),
    )
    walks = (Walk((-8.5, -10), (-8.5, 160), 3, 1.0), Walk((8.5, -10), (8.5, 160), 3, 1.0))
    return Scene(name, street, view, tuple(_lanes_along(main, 54, 5)), walks, seed)


def _entrance(name: str, seed: int, view: View) -> Scene:
    main = Road(0, 18.0, -40, 400, lanes=4, median_m=3.0, pavement_m=1.5)
    posts = [House(s * 11.5, 62, 1.6, 1.6, 8.5) for s in (-1, 1)] + [House(0, 62, 1.4, 1.6, 8.5)]
    houses = [
        House(s * x, y, 14, 12, h)
        for s, x, y, h in ((1, 44, 90, 5), (-1, 52, 120, 4), (1, 60, 170, 6), (-1, 40, 210, 5))
    ]
    palms = [(s * 17.0, float(y)) for s in (-1, 1) for y in range(30, 330, 24)]
    lamps = [(0.0, float(y)) for y in range(20, 300, 32)]
    street = Street((main,), tuple(posts + houses), tuple(palms), tuple(lamps), (), (), (208, 190, 156))
    walks = (Walk((-13, 20), (-13, 120), 2),)
    return Scene(name, street, view, tuple(_lanes_along(main, 78, 5)), walks, seed)


SCENES: tuple[Scene, ...] = (
    _junction("junction", 11, _view(17, -24, 11.5, -23, 16, 66), tall=9),
    _avenue("avenue", 21, _view(-6.5, -9, 9, 10, 13, 62), tall=11, load=4),
    _market("market", 31, _view(3.4, -9, 7.5, -7, 15, 60)),
    _bridge("bridge", 41, _view(-6.0, -10, 9.5, 9, 13, 60)),
    _junction("corner", 51, _view(-19, -20, 10.5, 29, 17, 70), tall=7),
    _entrance("entrance", 61, _view(8.5, -14, 10, -9, 11, 56)),
    _avenue("boulevard", 71, _view(8, -8, 8, -12, 12, 66), tall=8, load=3),
    _market("souk", 81, _view(-3.2, -8, 6.8, 8, 14, 64)),
)
