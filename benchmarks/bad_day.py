"""A bad day of a province, with its truth: 10,000 signals an hour, and what among them a person must be told.

Six sectors, 250 sites, 1,000 cameras. Symptom storms (a ring is cut, dust comes over two sectors, the grid fails at
dusk and comes back near midnight, a password change goes wrong), contacts that chatter, links that flap, streams that
stumble, a grid that comes and goes, deliveries twice and out of order, a technician at work; and among all this real
incidents, also at the worst moments and on the worst sources. Health is taken at its worst: a part of what it should
have explained as one cause comes as a cause of its own. Pure and seeded: the same seed gives the same day.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from manara.alarms.signals import Member, Signal

SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
DAY_START_US = 1_700_006_400 * SECOND_US  # midnight UTC
SECTORS = ("rifai", "shatra", "balda", "qadha", "suq", "chibayish")
SITES, CAMERAS_A_SITE = 250, 4
PER_HOUR = 10_000


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that a person must be told of. `signal_ids`: whichever of them is told, or grouped into what is."""

    name: str
    kind: str
    start_us: int
    end_us: int
    signal_ids: tuple[str, ...]


@dataclass(slots=True)
class Day:
    """The signals in the order in which they arrive, the truth, and the technician's window."""

    signals: list[tuple[int, Signal]] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    windows: list[tuple[int, int, str]] = field(default_factory=list)  # from, until, site
    noise_ids: set[str] = field(default_factory=set)


def site(number: int) -> tuple[str, str]:
    """A site's id and its sector's."""
    return f"site{number:03}", SECTORS[number % len(SECTORS)]


class _Maker:
    def __init__(self, seed: int, from_us: int, until_us: int) -> None:
        self.random = random.Random(seed)
        self.from_us, self.until_us = from_us, until_us
        self.day = Day()
        self._count = 0

    def span(
        self,
        kind: str,
        subject: str,
        start_us: int,
        end_us: int,
        place: tuple[str, str] | None,
        *,
        members: int = 0,
        cameras: tuple[str, ...] = (),
        updates: int = 0,
    ) -> str:
        """A cause that begins, may become better known, and ends; returns its id."""
        self._count += 1
        id = f"s{self._count:06}"
        if end_us <= self.from_us or start_us >= self.until_us:
            return id
        symptoms = [
            Member(id=f"{id}.{n}", kind="video_lost", subject=f"{subject}/{n}", since_us=start_us)
            for n in range(members)
        ]

        def tell(at_us: int, active: bool) -> None:
            late_us = round(self.random.expovariate(1 / 0.4) * SECOND_US)
            self.day.signals.append(
                (
                    at_us + late_us,
                    Signal(
                        id=id,
                        version=at_us,
                        kind=kind,
                        subject=subject,
                        active=active,
                        since_us=start_us,
                        ended_us=None if active else end_us,
                        site_id=place[0] if place and place[0] else None,
                        sector_id=place[1] if place else None,
                        sector_ids=[place[1]] if place else [],
                        camera_ids=list(cameras),
                        members=symptoms,
                    ),
                )
            )
            if self.random.random() < 0.02:  # delivered twice, the second time late
                again = self.day.signals[-1]
                self.day.signals.append((again[0] + self.random.randrange(30) * SECOND_US, again[1]))

        tell(start_us, True)
        for _ in range(updates):
            tell(self.random.randrange(start_us + 1, end_us), True)
        tell(end_us, False)
        return id

    def incident(
        self, name: str, kind: str, subject: str, hour: float, hours: float, place: tuple[str, str] | None, **more: int
    ) -> None:
        """A real one."""
        start_us, end_us = at(hour), at(hour + hours)
        id = self.span(kind, subject, start_us, end_us, place, updates=2, **more)  # type: ignore[arg-type]
        self.truth(name, kind, start_us, end_us, [id])

    def truth(self, name: str, kind: str, start_us: int, end_us: int, ids: list[str]) -> None:
        """Enter in the truth what begins within the replay."""
        if self.from_us <= start_us < self.until_us:
            self.day.incidents.append(Incident(name, kind, start_us, end_us, tuple(ids)))

    def flap(
        self,
        kind: str,
        subject: str,
        hours: tuple[float, float],
        on_s: Callable[[], float],
        off_s: Callable[[], float],
        place: tuple[str, str],
    ) -> None:
        """Comes and goes all the time; each time a cause of its own."""
        now_us = at(hours[0])
        while now_us < at(hours[1]):
            end_us = now_us + round(on_s() * SECOND_US)
            if self.from_us <= now_us < self.until_us:
                self.day.noise_ids.add(self.span(kind, subject, now_us, end_us, place))
            now_us = end_us + round(off_s() * SECOND_US)


def at(hour: float) -> int:
    """A time of the day."""
    return DAY_START_US + round(hour * HOUR_US)


def make(seed: int = 7, hours: tuple[float, float] = (0.0, 24.0), per_hour: int = PER_HOUR) -> Day:
    """The day, or these hours of it, filled up with noise to `per_hour` signals."""
    make_one = _Maker(seed, at(hours[0]), at(hours[1]))
    _incidents(make_one)
    _ring(make_one)
    _dust(make_one)
    _dusk(make_one)
    _password(make_one)
    _technician(make_one)
    _chatter(make_one)
    _stumble(make_one, hours, per_hour)
    make_one.day.signals = sorted(
        (pair for pair in make_one.day.signals if at(hours[0]) <= pair[0] < at(hours[1])), key=lambda pair: pair[0]
    )
    return make_one.day


def _incidents(maker: _Maker) -> None:
    rng = maker.random
    plan = (
        *(("battery stolen", "battery_stolen", "site:{site}", 0.7) for _ in range(2)),
        *(("lens covered", "camera_covered", "camera:{camera}", 0.5) for _ in range(5)),
        *(("camera turned", "camera_moved", "camera:{camera}", 3.0) for _ in range(6)),
        *(("old scene replayed", "camera_loop", "camera:{camera}", 1.0) for _ in range(1)),
        *(("switch dead", "switch_dead", "switch:{site}", 2.5) for _ in range(5)),
        *(("camera dead", "camera_dead", "camera:{camera}", 6.0) for _ in range(22)),
        *(("camera frozen", "camera_frozen", "camera:{camera}", 1.5) for _ in range(5)),
        *(("picture black", "camera_black", "camera:{camera}", 1.0) for _ in range(5)),
        *(("fibre cut", "link_cut", "link:{site}", 4.0) for _ in range(3)),
        *(("ring open", "ring_open", "link:r{site}", 5.0) for _ in range(2)),
        *(("cabinet open", "cabinet_open", "site:{site}", 0.6) for _ in range(5)),
        *(("cabinet hot", "cabinet_hot", "site:{site}", 3.0) for _ in range(4)),
        *(("dark before morning", "battery_low", "site:{site}", 5.0) for _ in range(6)),
        *(("readings fail", "telemetry_failed", "site:{site}", 5.0) for _ in range(4)),
        *(("password refused", "camera_credential", "camera:{camera}", 4.0) for _ in range(4)),
    )
    # sites of the storms have their own below; a site each, since a dead camera does not die again
    places = rng.sample(range(150, SITES), len(plan))
    for number, (name, kind, subject, hours) in zip(places, plan, strict=True):
        place = site(number)
        camera = f"{place[0]}.{rng.randrange(CAMERAS_A_SITE)}"
        maker.incident(name, kind, subject.format(site=place[0], camera=camera), rng.uniform(0.1, 23.0), hours, place)
    maker.incident("disk failed", "recorder_disk_failed", "disk:rec-1|/d1", 3.3, 2, None)
    maker.incident("disk full", "recorder_disk_full", "disk:rec-2|/d2", 15.2, 1, None)
    maker.incident("recorder down", "recorder_down", "recorder:rec-3", 18.3, 0.3, None)
    # at the worst moments: a theft while the grid is down, a bag over a lens in the dust, a door that truly opens on
    # a contact that chatters all day, a cut at the same site whose ring is open already
    maker.incident("battery stolen in the outage", "battery_stolen", "site:site012", 18.6, 0.5, site(12))
    maker.incident("lens covered in the dust", "camera_covered", "camera:site018.1", 14.8, 0.4, site(18))
    maker.incident("door open on a chattering contact", "cabinet_open", "site:site100", 11.0, 0.5, site(100))
    maker.incident("camera turned during the ring cut", "camera_moved", "camera:site200.0", 10.4, 1.0, site(200))
    maker.incident("switch dead in the dust", "switch_dead", "switch:site024", 15.1, 2.0, site(24))


def _ring(maker: _Maker) -> None:
    """10:20 a ring is cut twice: twelve sites isolated; health explains most of their cameras, not all."""
    start_us, end_us = at(10.33), at(12.08)
    cut = maker.span("link_cut", "link:ring-a", start_us, end_us, ("", SECTORS[2]), members=60)
    maker.truth("ring cut", "link_cut", start_us, end_us, [cut])
    isolated = []
    for number in range(60, 132, 6):
        place = site(number)
        begin_us = start_us + maker.random.randrange(2, 40) * SECOND_US
        isolated.append(maker.span("site_isolated", f"site:{place[0]}", begin_us, end_us, place, members=5))
        for camera in range(CAMERAS_A_SITE):
            if maker.random.random() < 0.5:
                lag_us = maker.random.randrange(5, 60) * SECOND_US
                maker.span("camera_dead", f"camera:{place[0]}.{camera}", begin_us + lag_us, end_us, place)
        maker.span("telemetry_failed", f"site:{place[0]}", begin_us + 90 * SECOND_US, end_us, place)
    maker.truth("sites isolated", "site_isolated", start_us, end_us, isolated)


def _dust(maker: _Maker) -> None:
    """14:30 to 16:00 dust over two sectors: health says weather, and a third of the cameras slip through."""
    for sector in (SECTORS[0], SECTORS[3]):
        start_us, end_us = at(14.5), at(16.0)
        weather = maker.span("sector_weather", f"sector:{sector}", start_us, end_us, ("", sector), members=160)
        maker.truth(f"dust over {sector}", "sector_weather", start_us, end_us, [weather])
        for number in range(SITES):
            place = site(number)
            if place[1] != sector:
                continue
            for camera in range(CAMERAS_A_SITE):
                if maker.random.random() < 0.33:
                    begin_us = start_us + maker.random.randrange(-120, 2400) * SECOND_US
                    kind = maker.random.choice(("camera_blurred", "camera_dirty", "camera_white"))
                    until_us = end_us - maker.random.randrange(1800) * SECOND_US
                    id = maker.span(kind, f"camera:{place[0]}.{camera}", begin_us, until_us, place)
                    maker.day.noise_ids.add(id)


def _dusk(maker: _Maker) -> None:
    """18:00 the grid fails in four sectors; from 21:00 batteries empty; 23:30 it comes back."""
    by_sector: dict[str, list[str]] = {}
    dark: dict[str, list[str]] = {}
    for number in range(120):
        place = site(number)
        if place[1] in SECTORS[4:]:
            continue
        start_us = at(18.0) + maker.random.randrange(900) * SECOND_US
        back_us = at(23.5) + maker.random.randrange(900) * SECOND_US
        by_sector.setdefault(place[1], []).append(
            maker.span("grid_lost", f"site:{place[0]}", start_us, back_us, place, members=1)
        )
        if number % 5 == 0:
            empty_us = at(21.0) + maker.random.randrange(7200) * SECOND_US
            dark.setdefault(place[1], []).append(
                maker.span("site_power_lost", f"site:{place[0]}", empty_us, back_us, place, members=6)
            )
            for camera in range(CAMERAS_A_SITE):
                if maker.random.random() < 0.5:
                    maker.span("camera_dead", f"camera:{place[0]}.{camera}", empty_us + 20 * SECOND_US, back_us, place)
            maker.span("switch_dead", f"switch:{place[0]}", empty_us + 15 * SECOND_US, back_us, place)
    for sector, ids in by_sector.items():
        maker.truth(f"grid fails in {sector}", "grid_lost", at(18.0), at(23.5), ids)
    for sector, ids in dark.items():
        for number, id in enumerate(ids):
            first = next((pair[1] for pair in maker.day.signals if pair[1].id == id), None)
            if first is not None:
                maker.truth(f"site {number} of {sector} dark", "site_power_lost", first.since_us, at(23.5), [id])


def _password(maker: _Maker) -> None:
    """08:40 a wrong password goes out to forty cameras of a sector."""
    ids = []
    for number in range(1, SITES, 6)[:10]:
        place = site(number)
        for camera in range(CAMERAS_A_SITE):
            begin_us = at(8.67) + maker.random.randrange(900) * SECOND_US
            ids.append(maker.span("camera_credential", f"camera:{place[0]}.{camera}", begin_us, at(9.6), place))
    maker.truth("wrong password rolled out", "camera_credential", at(8.67), at(9.6), ids)


def _technician(maker: _Maker) -> None:
    """13:00 to 13:45 a technician works at a site: everything there is expected."""
    place = site(77)
    maker.day.windows.append((at(13.0), at(13.75), place[0]))
    for kind, subject, minute in (
        ("cabinet_open", f"site:{place[0]}", 2),
        ("grid_lost", f"site:{place[0]}", 6),
        ("switch_dead", f"switch:{place[0]}", 8),
        ("camera_moved", f"camera:{place[0]}.0", 15),
        ("camera_dead", f"camera:{place[0]}.1", 9),
    ):
        begin_us = at(13.0) + minute * 60 * SECOND_US
        maker.day.noise_ids.add(maker.span(kind, subject, begin_us, at(13.7), place))


def _chatter(maker: _Maker) -> None:
    rng = maker.random
    for number in range(100, 108):  # door contacts that a lorry's passing moves
        maker.flap(
            "cabinet_open",
            f"site:site{number}",
            (0, 24),
            lambda: rng.uniform(1, 8),
            lambda: rng.uniform(10, 60),
            site(number),
        )
    for number in range(110, 116):  # radio links in the heat
        maker.flap(
            "link_degraded",
            f"link:x{number}",
            (9, 19),
            lambda: rng.uniform(20, 90),
            lambda: rng.uniform(20, 120),
            site(number),
        )
    for number in range(116, 122):  # a grid that comes and goes all evening
        maker.flap(
            "grid_lost",
            f"site:x{number}",
            (17, 23),
            lambda: rng.uniform(60, 240),
            lambda: rng.uniform(60, 300),
            site(number),
        )
    maker.flap(  # a camera with a loose connector
        "camera_dead",
        "camera:site140.2",
        (2, 22),
        lambda: rng.uniform(10, 200),
        lambda: rng.uniform(30, 400),
        site(140),
    )


def _stumble(maker: _Maker, hours: tuple[float, float], per_hour: int) -> None:
    """Streams that stumble for seconds, all over the province, until there are as many signals as promised."""
    rng = maker.random
    for hour in range(int(hours[0]), max(int(hours[0]) + 1, int(hours[1] + 0.999))):
        first_us, last_us = max(at(hour), maker.from_us), min(at(hour + 1), maker.until_us)
        there = sum(first_us <= pair[0] < last_us for pair in maker.day.signals)
        wanted = round(per_hour * (last_us - first_us) / HOUR_US) - there
        for _ in range(max(0, round(wanted / 2.04))):
            number = rng.randrange(SITES)
            begin_us = rng.randrange(first_us, last_us)
            camera = rng.randrange(CAMERAS_A_SITE)
            # one in thirty lasts longer than any delay, and mends itself all the same
            lasts_s = rng.uniform(25, 300) if rng.random() < 1 / 30 else rng.uniform(1, 15)
            end_us = begin_us + round(lasts_s * SECOND_US)
            maker.day.noise_ids.add(
                maker.span("camera_stream_poor", f"camera:site{number:03}.{camera}", begin_us, end_us, site(number))
            )
