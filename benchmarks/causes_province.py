"""The province of `benchmarks.causes`: its network, what is physically so in it, and when each thing is told."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from manara.messages import Reading, RecorderStatus, StreamStatus
from manara.network.health.monitor import Monitor
from manara.network.health.telemetry_rules import DeviceLook
from manara.network.health.topology import (
    CameraNode,
    DeviceNode,
    LinkNode,
    SiteNode,
    SourceNode,
    SwitchNode,
    Topology,
)

S = 1_000_000
NOON_US = 1_779_960_000_000_000  # 2026-05-28 09:20 UTC: noon by the sun at 46 E
RECORDERS = 4
FIRST_S = 70.0  # when the first fault happens


@dataclass
class Province:
    """The network, and how each site can be heard."""

    topology: Topology
    modem: set[str]  # sites that tell readings by a way of their own
    inline: set[str]  # sites whose readings pass their switch
    watched: set[tuple[str, str]]  # (link, site): the end at that site is polled
    recorder: dict[str, str]  # camera → recorder
    parent: dict[str, str]  # site → link towards the control room, of trees
    rings: dict[str, list[str]]  # ring → its links in order


def make_province(seed: int = 1, sites: int = 200) -> Province:
    """Eight hubs on a trunk ring; below each a ring or a tree of sites."""
    rng = random.Random(seed)
    nodes = [SiteNode("room", "ROOM", "control_room", grid=True)]
    switches = [SwitchNode("sw-room", "room", "SW-ROOM")]
    links: list[LinkNode] = []
    cameras: list[CameraNode] = []
    sources: list[SourceNode] = []
    devices: list[DeviceNode] = []
    modem, inline, watched, parent = set(), set(), set(), {}
    rings: dict[str, list[str]] = defaultdict(list)
    ports: Counter[str] = Counter()

    def port(site: str) -> tuple[str, int]:
        ports[site] += 1
        return f"sw-{site}", 100 + ports[site]

    def link(a: str, b: str, ring: str = "") -> str:
        id = f"l-{a}-{b}"
        links.append(LinkNode(id, a, b, id, ring=ring, a_port=port(a), b_port=port(b), rx_low_dbm=-22.0))
        if ring:
            rings[ring].append(id)
        return id

    def site(id: str, kind: str, sector: str, hears: str, cameras_n: int) -> None:
        solar = kind == "pole" and rng.random() < 0.25
        node = SiteNode(
            id, id.upper(), kind, sector, grid=not solar, solar=solar or rng.random() < 0.3, battery=True,
            telemetry=hears != "none", lat=31.0, lon=46.0, has_fan=True,
        )  # fmt: skip
        nodes.append(node)
        switches.append(SwitchNode(f"sw-{id}", id, f"SW-{id.upper()}"))
        for source in ("grid", "solar", "battery"):
            if getattr(node, source):
                sources.append(SourceNode(f"{source}-{id}", id, source, 12.0 if source == "battery" else 230.0, 400.0))
        if hears != "none":
            devices.append(DeviceNode(f"rtu-{id}", id))
            (modem if hears == "modem" else inline).add(id)
        for number in range(1, cameras_n + 1):
            cameras.append(
                CameraNode(
                    f"{id}c{number}", f"{id}c{number}", id, sector, f"sw-{id}", number, f"key{rng.randrange(12)}"
                )
            )

    hubs = [f"hub{n}" for n in range(8)]
    for number, hub in enumerate(hubs):
        site(hub, "hub", f"sec{number // 2}", "modem" if rng.random() < 0.9 else "inline", 0)
    # Two hubs hang on the control room by one link each, six on a trunk ring through it.
    for a, b in zip(["room", *hubs[:6]], [*hubs[:6], "room"], strict=True):
        link(a, b, "trunk")
    for hub in hubs[6:]:
        parent[hub] = link("room", hub)
    left = sites - len(hubs)
    number = 0
    while left > 0:
        hub = hubs[number % 8]
        sector = f"sec{(number % 8) // 2}"
        size = min(left, rng.randint(5, 9))
        made = []
        for step in range(size):
            id = f"s{number}x{step}"
            hears = rng.choices(("modem", "inline", "none"), (45, 43, 12))[0]
            site(id, "pole", sector, hears, rng.choices((1, 2, 3, 4), (1, 3, 3, 3))[0])
            made.append(id)
        if number % 2:
            for a, b in zip([hub, *made], [*made, hub], strict=True):
                link(a, b, f"ring{number}")
        else:
            for step, id in enumerate(made):
                parent[id] = link(hub if step == 0 else rng.choice(made[: step + 0][-3:]), id)
        left -= size
        number += 1
    for one in links:
        for end in (one.a_site_id, one.b_site_id):
            if end == "room" or (end in modem | inline and rng.random() < 0.8):
                watched.add((one.id, end))
    recorder = {camera.id: f"recorder-{hash_of(camera.id) % RECORDERS}" for camera in cameras}
    topology = Topology.of(nodes, cameras, switches, links, sources, devices)
    return Province(topology, modem, inline, watched, recorder, parent, dict(rings))


def hash_of(text: str) -> int:
    """The same in every run."""
    return sum(ord(letter) * 31**place for place, letter in enumerate(text)) % 99_991


class Play:
    """One run: what is physically so, when each thing is told, and the monitor that hears it."""

    def __init__(self, province: Province, rng: random.Random, night: bool) -> None:
        self.province = province
        self.t = province.topology
        self.rng = rng
        self.start_us = NOON_US + (12 * 3600 * S if night else 0)
        self.night = night
        self.monitor = Monitor(self.t, self.start_us)
        self.queue: list[tuple[float, int, Callable[[int], None]]] = []
        self.dead_switch: set[str] = set()
        self.no_power: set[str] = set()
        self.cut: set[str] = set()
        self.dead_camera: set[str] = set()
        self.mute: set[str] = set()  # telemetry boxes that broke
        self.quiet_until: dict[str, float] = {}
        self.charge = {id: rng.uniform(55, 98) for id in self.t.sites}
        self.grid = {id: True for id, site in self.t.sites.items() if site.grid}
        self.every = {id: rng.choice((10.0, 15.0, 20.0, 30.0)) for id in self.t.sites}
        self.last_told: dict[str, float] = {}
        self.dark: set[str] = set()
        self.first_symptom_s: float | None = None
        self.symptoms = 0
        self.begin()

    # ---- telling

    def at(self, at_s: float, what: Callable[[int], None]) -> None:
        """Do or tell something at a time (s from the start)."""
        self.queue.append((at_s, len(self.queue), what))

    def us(self, at_s: float) -> int:
        """A time of the run."""
        return self.start_us + round(at_s * S)

    def begin(self) -> None:
        """A quiet minute before: everything plays, everybody tells once."""
        at_us = self.us(0)
        for recorder in range(RECORDERS):
            id = f"recorder-{recorder}"
            streams = [self.stream(camera, "recording") for camera, of in self.province.recorder.items() if of == id]
            self.monitor.status(RecorderStatus(recorder_id=id, at_us=at_us, complete=True, streams=streams), at_us)
        for site in sorted(self.province.modem | self.province.inline):
            self.monitor.readings(self.readings(site, 0.0), at_us)
        self.monitor.step(at_us)

    def stream(self, camera: str, state: str, cause: str = "none", since_s: float = 0.0, **more: float) -> StreamStatus:
        """A status of a main stream."""
        return StreamStatus(
            camera_id=camera, stream="main", state=state, cause=cause, since_us=self.us(since_s),
            recorder_id=self.province.recorder[camera], bitrate_bps=2_000_000, frame_rate_hz=15.0, gop_s=2.0, **more,  # type: ignore[arg-type]
        )  # fmt: skip

    def tell_stream(self, at_s: float, status: StreamStatus) -> None:
        """A recorder tells one stream."""

        def tell(now_us: int) -> None:
            batch = RecorderStatus(recorder_id=status.recorder_id, at_us=now_us, streams=[status])
            self.monitor.status(batch, now_us)
            self.symptom(at_s)

        self.at(at_s, tell)

    def symptom(self, at_s: float) -> None:
        """Something was told of a fault (what comes before the first is noise, or a battery that runs down)."""
        if self.first_symptom_s is None and at_s >= FIRST_S:
            self.first_symptom_s = at_s

    def heard(self, site: str) -> bool:
        """Whether the box at a site can be heard."""
        if site in self.mute or site in self.no_power:
            return False
        return site in self.province.modem or (site in self.province.inline and self.reaches(site))

    def reaches(self, site: str) -> bool:
        """Whether the site has a way to the control room."""
        return site in self.reach

    def look(self, at_s: float) -> None:
        """Something physical changed: who is cut off now, and when is it told."""
        stopped = self.no_power | self.dead_switch
        self.reach = self.t.reached(stopped, self.cut)
        for camera in self.t.cameras.values():
            gone = camera.site_id not in self.reach or camera.id in self.dead_camera
            if gone and camera.id not in self.dark:
                self.dark.add(camera.id)
                # Most streams just stop; some cameras (or the switch before them) close the connection.
                closes = self.rng.random() < 0.12
                known_s = at_s + (self.rng.uniform(0.3, 1.5) if closes else 10 + self.rng.uniform(0, 1.5))
                cause = "server_closed" if closes else "stalled"
                self.tell_stream(known_s, self.stream(camera.id, "lost", cause, at_s - self.rng.uniform(0, 0.3)))
                self.tell_stream(known_s + 12, self.stream(camera.id, "lost", "timeout", at_s))
        for site in sorted(self.province.modem | self.province.inline):
            if not self.heard(site) and site not in self.quiet_until:
                self.quiet_until[site] = at_s
                silent_s = at_s + max(60.0, 3 * self.every[site]) + self.rng.uniform(0, 5)
                self.at(silent_s, lambda now_us, site=site, since=at_s: self.silent(site, since, now_us))  # type: ignore[misc]
        for link in self.t.links.values():
            down = link.id in self.cut or link.a_site_id in stopped or link.b_site_id in stopped
            if not down:
                continue
            for end in (link.a_site_id, link.b_site_id):
                alive = end == "room" or (end in self.reach)
                if alive and (link.id, end) in self.province.watched:
                    poll_s = at_s + self.rng.uniform(0.5, self.rng.choice((10.0, 15.0)))
                    self.tell(poll_s, end, f"link:{link.id}", "link_up", 0.0)

    def silent(self, site: str, since_s: float, now_us: int) -> None:
        """A device is called silent, unless it speaks again."""
        if not self.heard(site):
            self.monitor.devices([DeviceLook(f"rtu-{site}", site, "silent", self.us(since_s))], now_us)

    def tell(
        self,
        at_s: float,
        site: str,
        subject: str,
        quantity: str,
        value: float,
        *,
        sure: bool = False,
        noise: bool = False,
    ) -> None:
        """One reading, one in twenty of which gets lost."""
        again = not sure and self.rng.random() < 0.05
        if again:
            at_s += self.every.get(site, 15.0)  # told again in the next round, if it still can

        def say(now_us: int) -> None:
            if again and not (site == "room" or self.heard(site)):
                return
            reading = Reading(site_id=site, subject=subject, quantity=quantity, value=value, at_us=now_us)
            self.monitor.readings([reading], now_us)
            if not noise:
                self.symptom(at_s)

        self.at(at_s, say)

    def readings(self, site: str, at_s: float) -> list[Reading]:
        """A round of a box."""
        node = self.t.sites[site]
        at_us = self.us(at_s)
        load = 18.0 + (0.0 if site in self.dead_switch else 12.0)
        load += sum(
            8.0
            for id in self.t.site_cameras.get(site, ())
            if id not in self.dead_camera and site not in self.dead_switch
        )
        told = [
            (f"power_source:battery-{site}", "state_of_charge_pct", self.charge[site]),
            (f"site:{site}", "load_power_w", load * self.rng.uniform(0.93, 1.07)),
            (f"switch:sw-{site}", "switch_up", 0.0 if site in self.dead_switch else 1.0),
            (f"cabinet:{site}", "cabinet_temperature_c", self.rng.uniform(25, 45)),
        ]
        if node.grid:
            told.append((f"power_source:grid-{site}", "grid_present", float(self.grid[site])))
        if site not in self.dead_switch and self.reaches_or_modem(site):
            for link_id in self.t.site_links.get(site, ()):
                link = self.t.links[link_id]
                stopped = self.no_power | self.dead_switch
                up = link_id not in self.cut and not {link.a_site_id, link.b_site_id} & stopped
                if (link_id, site) in self.province.watched:
                    told.append((f"link:{link_id}", "link_up", float(up)))
        told = [one for one in told if self.rng.random() > 0.05]
        if self.rng.random() < 0.1 and (site in self.province.modem):
            told = [one for one in told if one[1] != "switch_up"]  # not every controller sees its switch
        return [Reading(site_id=site, subject=s, quantity=q, value=v, at_us=at_us) for s, q, v in told]

    def reaches_or_modem(self, site: str) -> bool:
        """Readings of links that the box's switch tells."""
        return site in self.province.modem or not hasattr(self, "reach") or site in self.reach

    def run(self, until_s: float, watch: set[str], done: Callable[["Play", float], bool]) -> float | None:
        """Let time pass; returns when `done` was first so for good (s)."""
        right_s: float | None = None
        for site in sorted(watch & (self.province.modem | self.province.inline)):
            when = self.rng.uniform(0, self.every[site])
            while when < until_s:
                self.at(when, lambda now_us, site=site: self.round(site, now_us))  # type: ignore[misc]
                when += self.every[site]
        self.queue.sort(key=lambda one: one[:2])
        queue, self.queue = self.queue, []
        place, now_s = 0, 0.0
        while now_s < until_s:
            now_s += 0.5
            while place < len(queue) and queue[place][0] <= now_s:
                when, _, what = queue[place]
                what(self.us(when))
                place += 1
                if self.queue:  # it led to more
                    queue = queue[:place] + sorted(queue[place:] + self.queue, key=lambda one: one[:2])
                    self.queue = []
            if int(now_s * 2) % 2 == 0:
                for recorder in sorted(self.speaking):
                    self.monitor.status(RecorderStatus(recorder_id=recorder, at_us=self.us(now_s)), self.us(now_s))
            batch = self.monitor.step(self.us(now_s))
            self.symptoms += len(batch.conditions)
            if batch.causes or right_s is None:
                right_s = (now_s if right_s is None else right_s) if done(self, now_s) else None
        return right_s

    speaking: set[str] = {f"recorder-{n}" for n in range(RECORDERS)}  # noqa: RUF012 -- replaced, never changed in place

    def round(self, site: str, now_us: int) -> None:
        """A box tells its round, if it can."""
        if self.heard(site):
            self.monitor.readings(self.readings(site, (now_us - self.start_us) / S), now_us)
