"""Root causes of seeded faults on a synthetic province, against one alarm a symptom in the same run.

    python -m benchmarks.causes                     600 faults: two thirds single, one third two at a time
    python -m benchmarks.causes --faults 100 --seed 3 --wrong      and what was concluded where it was wrong

Limit (issue 3): root cause right in >= 95 % of >= 500. The province: 200 sites on rings and trees of fibre below eight
hubs; of the sites 45 % tell readings by a modem of their own, 43 % through their switch, 12 % nothing; one link end in
five is not watched. Symptoms come as they do: streams stall 10 s after the cut and are told within 1.5 s, some close
at once, switches are polled each 10 to 15 s, boxes tell each 10 to 30 s and what matters at once, one reading in
twenty is lost, a device is called silent after a minute, and unrelated noise goes on. All of it goes through the rules
of streams, telemetry and pictures, as in the role.

*Right*: the causes that are open at the end are exactly the true ones. Where nothing that was told can tell a cut link
from a dead switch or lost power (a blind site; a site whose readings pass the link that is cut), `site_isolated` at the
right site is what is true to say, and counts as right; how many those were is printed (`not_tellable`), and the share
without them (`strict_pct`).
"""

import argparse
import json
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from manara.messages import (
    DiskStatus,
    ImageFinding,
    ImageReport,
    ImageVerdict,
    Reading,
    RecorderStatus,
    StreamStatus,
)
from manara.network.health.kinds import cause_of_image
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
LIMIT_PCT = 95.0
RECORDERS = 4
FIRST_S = 70.0  # when the first fault happens
Truth = tuple[str, str]  # kind, subject ("" = any)


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


@dataclass
class Fault:
    """What was done, and what ought to be concluded."""

    name: str
    right: Truth
    also: tuple[Truth, ...] = ()  # what is true to say where nothing told tells more
    sites: set[str] = field(default_factory=set)  # what it touches
    expected: tuple[Truth, ...] = ()  # further causes that are true besides


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
        for site in self.province.modem | self.province.inline:
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
        for site in self.province.modem | self.province.inline:
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
        for site in watch & (self.province.modem | self.province.inline):
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
                for recorder in self.speaking:
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


# ---- faults


def behind(play: Play, site: str) -> set[str]:
    """The sites that go dark with one."""
    return set(play.t.sites) - play.t.reached({site})


def isolated(site: str) -> Truth:
    """What is true to say where nothing tells more."""
    return "site_isolated", f"site:{site}"


def one_camera(play: Play, site: str) -> tuple[Truth, ...]:
    """At a blind site with one camera, even that the site is dark cannot be seen."""
    cameras = play.t.site_cameras.get(site, [])
    if len(cameras) == 1 and site not in play.province.modem | play.province.inline:
        return (("camera_dead", f"camera:{cameras[0]}"),)
    return ()


def pole(play: Play) -> str:
    """Any site with cameras."""
    return play.rng.choice([id for id, site in play.t.sites.items() if site.kind == "pole"])


def site_power(play: Play, at_s: float) -> Fault:
    """Grid gone long ago, battery empty now."""
    site = pole(play)
    node = play.t.sites[site]
    play.grid[site] = False
    play.charge[site] = play.rng.uniform(3, 9)
    hears = play.heard(site) if hasattr(play, "reach") else site in play.province.modem | play.province.inline
    if hears:
        if node.grid:
            play.tell(at_s - 60, site, f"power_source:grid-{site}", "grid_present", 0.0, sure=True)
        else:
            play.tell(at_s - 60, site, f"power_source:battery-{site}", "state_of_charge_pct", 14.0, sure=True)
        for back in (50, 35, 20):
            play.tell(at_s - back, site, f"power_source:battery-{site}", "state_of_charge_pct", play.charge[site])

    def go(now_us: int) -> None:
        play.no_power.add(site)
        play.look((now_us - play.start_us) / S)

    play.at(at_s, go)
    also = () if hears else (isolated(site), *one_camera(play, site))
    return Fault("site_power", ("site_power_lost", f"site:{site}"), also, behind(play, site) | {site})


def grid(play: Play, at_s: float) -> Fault:
    """Grid gone, the battery carries."""
    site = play.rng.choice([id for id, n in play.t.sites.items() if n.grid and n.kind == "pole" and n.telemetry])

    def go(now_us: int) -> None:
        play.grid[site] = False
        play.tell((now_us - play.start_us) / S + 0.8, site, f"power_source:grid-{site}", "grid_present", 0.0)

    play.at(at_s, go)
    return Fault("grid", ("grid_lost", f"site:{site}"), sites={site})


def battery_stolen(play: Play, at_s: float) -> Fault:
    """The cabinet is opened, the battery vanishes while the grid is there."""
    site = play.rng.choice([id for id, n in play.t.sites.items() if n.grid and n.kind == "pole" and n.telemetry])
    if play.rng.random() < 0.8:
        play.tell(at_s - 40, site, f"cabinet:{site}", "cabinet_door_open", 1.0)
    play.tell(at_s + 1, site, f"power_source:battery-{site}", "battery_present", 0.0)
    return Fault("battery_stolen", ("battery_stolen", f"site:{site}"), sites={site})


def battery_failed(play: Play, at_s: float) -> Fault:
    """The battery takes no charge though the grid is there."""
    site = play.rng.choice([id for id, n in play.t.sites.items() if n.grid and n.kind == "pole" and n.telemetry])
    play.charge[site] = 3.0
    for step in range(8):
        play.tell(at_s + 12 * step, site, f"power_source:battery-{site}", "battery_voltage_v", 10.2)
    return Fault("battery_failed", ("battery_failed", f"site:{site}"), sites={site})


def link_of_tree(play: Play) -> tuple[str, str]:
    """A link of a tree, and the site below it."""
    site = play.rng.choice([id for id in play.province.parent if not id.startswith("hub")])
    return play.province.parent[site], site


def cut_tree(play: Play, at_s: float) -> Fault:
    """A fibre of a tree is cut."""
    link, site = link_of_tree(play)
    worn = play.rng.random() < 0.15 and any((link, end) in play.province.watched for end in play.t.sites)
    if worn:
        for back in range(6):
            play.tell(5 + back * 6, play.t.links[link].other(site), f"link:{link}", "optical_rx_dbm", -24.5, sure=True)

    def go(now_us: int) -> None:
        play.cut.add(link)
        play.look((now_us - play.start_us) / S)

    play.at(at_s, go)
    also = () if site in play.province.modem else (isolated(site), *one_camera(play, site))
    return Fault("cut_tree", ("link_cut", f"link:{link}"), also, play.t.sites.keys() - play.t.reached((), {link}))


def ring_once(play: Play, at_s: float) -> Fault:
    """A ring is cut once: nothing is lost."""
    name = play.rng.choice(list(play.province.rings))
    watched = {id for id, _ in play.province.watched}
    link = play.rng.choice([id for id in play.province.rings[name] if id in watched])

    def go(now_us: int) -> None:
        play.cut.add(link)
        play.look((now_us - play.start_us) / S)

    play.at(at_s, go)
    ends = {play.t.links[link].a_site_id, play.t.links[link].b_site_id}
    return Fault("ring_once", ("ring_open", f"link:{link}"), sites=ends | {f"ring:{name}"})


def ring_twice(play: Play, at_s: float) -> Fault:
    """A ring is cut twice: what lies between is dark."""
    name = play.rng.choice([name for name in play.province.rings if name != "trunk"])
    links = play.province.rings[name]
    first, second = sorted(play.rng.sample(range(len(links)), 2))
    if play.rng.random() < 0.5:
        first, second = second, first
    one, two = links[first], links[second]
    gap_s = play.rng.uniform(70, 100)

    def go(link: str) -> Callable[[int], None]:
        def cut(now_us: int) -> None:
            play.cut.add(link)
            play.look((now_us - play.start_us) / S)

        return cut

    play.at(at_s, go(one))
    play.at(at_s + gap_s, go(two))
    between = play.t.sites.keys() - play.t.reached((), {one, two})
    seen = {id for id, end in play.province.watched if end not in between}
    border = play.t.links[two]
    near = border.a_site_id if border.a_site_id in between else border.b_site_id
    also: tuple[Truth, ...] = ()
    if len(between) == 1 and near not in play.province.modem:
        also = (isolated(near), ("switch_dead", f"switch:sw-{near}"), *one_camera(play, near))
    elif near not in play.province.modem or two not in seen:
        also = (isolated(near), *(isolated(id) for id in between))
        if len(between) == 1 and len(play.t.site_cameras[near]) == 1:
            also = (*also, ("camera_dead", f"camera:{play.t.site_cameras[near][0]}"))  # no end of that link is watched
    expected = (("ring_open", f"link:{one}"),) if one in {id for id, _ in play.province.watched} else ()
    return Fault("ring_twice", ("link_cut", f"link:{two}"), also, set(between) | {f"ring:{name}"}, expected)


def link_worn(play: Play, at_s: float) -> Fault:
    """A bent or dirty fibre: little light, some loss."""
    link, site = link_of_tree(play)
    other = play.t.links[link].other(site)
    for step in range(16):
        play.tell(at_s + 8 * step, other, f"link:{link}", "optical_rx_dbm", -25.0)
        play.tell(at_s + 8 * step + 1, other, f"link:{link}", "loss_pct", 5.0)
    for camera in play.t.site_cameras.get(site, ()):
        for step in range(16):
            lossy = play.stream(camera, "recording", packets_lost=40 * (step + 1))
            play.tell_stream(at_s + 7 * step + 2, lossy)
    return Fault("link_worn", ("link_degraded", f"link:{link}"), sites={site, other} | behind(play, site))


def switch_dead(play: Play, at_s: float) -> Fault:
    """A switch has power and carries nothing."""
    site = pole(play)

    def go(now_us: int) -> None:
        play.dead_switch.add(site)
        play.look((now_us - play.start_us) / S)

    play.at(at_s, go)
    also: tuple[Truth, ...] = () if site in play.province.modem else (isolated(site), *one_camera(play, site))
    return Fault("switch_dead", ("switch_dead", f"switch:sw-{site}"), also, behind(play, site) | {site})


def hub_switch(play: Play, at_s: float) -> Fault:
    """The switch of a hub dies: all below it is dark."""
    hub = play.rng.choice([id for id, n in play.t.sites.items() if n.kind == "hub"])

    def go(now_us: int) -> None:
        play.dead_switch.add(hub)
        play.look((now_us - play.start_us) / S)

    play.at(at_s, go)
    also = () if hub in play.province.modem else (isolated(hub),)
    return Fault("hub_switch", ("switch_dead", f"switch:sw-{hub}"), also, behind(play, hub) | {hub})


def uplink(play: Play, at_s: float) -> Fault:
    """The control room loses all its links at once."""

    def go(now_us: int) -> None:
        play.cut |= set(play.t.site_links["room"])
        play.look((now_us - play.start_us) / S)

    play.at(at_s, go)
    return Fault("uplink", ("site_isolated", "site:room"), sites=set(play.t.sites))


def camera_dead(play: Play, at_s: float) -> Fault:
    """One camera dies."""
    camera = play.rng.choice([one for one in play.t.cameras.values()])

    def go(now_us: int) -> None:
        play.dead_camera.add(camera.id)
        now_s = (now_us - play.start_us) / S
        play.look(now_s)
        if play.heard(camera.site_id) and play.rng.random() < 0.7:
            port = f"port:{camera.switch_id}/{camera.switch_port}"
            play.tell(now_s + play.rng.uniform(0.5, 15), camera.site_id, port, "port_up", 0.0, sure=True)

    play.at(at_s, go)
    return Fault("camera_dead", ("camera_dead", f"camera:{camera.id}"), sites={camera.site_id})


def credential(play: Play, at_s: float) -> Fault:
    """A camera's password was changed; or that of a whole fleet."""
    camera = play.rng.choice(list(play.t.cameras.values()))
    fleet = play.rng.random() < 0.5
    cameras = [one for one in play.t.cameras.values() if fleet and one.credential == camera.credential] or [camera]
    for one in cameras:
        when = at_s + play.rng.uniform(0, 60 if fleet else 1)
        play.tell_stream(when, play.stream(one.id, "refused", "unauthorized", when))
    truth = ("camera_credential", "" if fleet else f"camera:{camera.id}")
    return Fault("credential_fleet" if fleet else "credential", truth, sites={one.site_id for one in cameras})


def picture(play: Play, at_s: float) -> Fault:
    """Something is wrong with a picture; one fault of a lens may look like two."""
    camera = play.rng.choice(list(play.t.cameras.values()))
    kind, second = play.rng.choice(
        [("image_black", ""), ("image_white", ""), ("image_frozen", ""), ("image_covered", "image_black"),
         ("image_blurred", ""), ("image_dirty", "image_blurred"), ("image_moved", "image_vibrating"),
         ("image_colour_lost", ""), ("image_vibrating", ""), ("image_loop", "")]
    )  # fmt: skip
    findings = [ImageFinding(kind=kind, confidence=0.92, since_us=play.us(at_s))]
    if second:
        findings.append(ImageFinding(kind=second, confidence=0.66, since_us=play.us(at_s)))
    play_image(play, at_s + play.rng.uniform(5, 15), camera.id, findings)
    return Fault(f"picture {kind}", (cause_of_image(kind), f"camera:{camera.id}"), sites={camera.site_id})


def play_image(play: Play, when: float, camera: str, findings: list[ImageFinding]) -> None:
    """Vision tells of one camera, and again each minute."""
    for again in range(8):

        def tell(now_us: int) -> None:
            verdict = ImageVerdict(camera_id=camera, at_us=now_us, findings=findings)
            play.monitor.image(ImageReport(vision_id="v1", at_us=now_us, verdicts=[verdict]), now_us)
            play.symptom(when)

        play.at(when + 60 * again, tell)


def weather(play: Play, at_s: float) -> Fault:
    """Dust over a sector."""
    sector = play.rng.choice(["sec0", "sec1", "sec2", "sec3"])
    cameras = play.t.sector_cameras[sector]
    struck = play.rng.sample(cameras, round(len(cameras) * play.rng.uniform(0.5, 0.9)))
    for camera in struck:
        kinds = play.rng.choice(
            [["image_blurred"], ["image_dirty"], ["image_blurred", "image_colour_lost"], ["image_white"]]
        )
        since_s = at_s + play.rng.uniform(0, 90)
        findings = [
            ImageFinding(kind=k, confidence=play.rng.uniform(0.65, 0.95), since_us=play.us(since_s)) for k in kinds
        ]
        play_image(play, since_s + play.rng.uniform(5, 15), camera, findings)
    return Fault("weather", ("sector_weather", ""), sites={play.t.cameras[id].site_id for id in struck})


def cabinet(play: Play, at_s: float) -> Fault:
    """A door stands open, or a fan stands still and the cabinet heats."""
    site = play.rng.choice([id for id, n in play.t.sites.items() if n.telemetry and n.kind == "pole"])
    if play.rng.random() < 0.5:
        play.tell(at_s, site, f"cabinet:{site}", "cabinet_door_open", 1.0)
        return Fault("door", ("cabinet_open", f"site:{site}"), sites={site})
    play.mute_temperature = True  # type: ignore[attr-defined]
    for step in range(20):
        play.tell(at_s + 10 * step, site, f"cabinet:{site}", "cabinet_temperature_c", 72.0, sure=True)
        play.tell(at_s + 10 * step + 1, site, f"cabinet:{site}", "fan_rpm", 0.0, sure=True)
    play.hot.add(site)
    return Fault("hot", ("cabinet_hot", f"site:{site}"), sites={site})


def telemetry(play: Play, at_s: float) -> Fault:
    """A box falls silent, all else works."""
    site = play.rng.choice([id for id, n in play.t.sites.items() if n.telemetry and n.kind == "pole"])

    def go(now_us: int) -> None:
        play.mute.add(site)
        play.look((now_us - play.start_us) / S)

    play.at(at_s, go)
    return Fault("telemetry", ("telemetry_failed", f"site:{site}"), sites={site})


def stream_poor(play: Play, at_s: float) -> Fault:
    """A camera's stream breaks up."""
    camera = play.rng.choice(list(play.t.cameras))
    for step in range(20):
        play.tell_stream(
            at_s + 6 * step, play.stream(camera, "recording", packets_lost=120 * step, reconnects=step // 3)
        )
    site = play.t.cameras[camera].site_id
    return Fault("stream_poor", ("camera_stream_poor", f"camera:{camera}"), sites={site})


def recorder_down(play: Play, at_s: float) -> Fault:
    """A recorder dies and is not started again; nobody takes its cameras."""
    recorder = f"recorder-{play.rng.randrange(RECORDERS)}"
    play.at(at_s, lambda now_us: setattr(play, "speaking", play.speaking - {recorder}))
    play.at(at_s + 5, lambda now_us: play.symptom(at_s + 5))
    return Fault("recorder_down", ("recorder_down", f"recorder:{recorder}"), sites={recorder})


def disk_full(play: Play, at_s: float) -> Fault:
    """The disk that all recorders of a machine share is full."""
    for number in range(RECORDERS):

        def tell(now_us: int, number: int = number) -> None:
            disk = DiskStatus(path="/disk0", state="full", cause="no_space")
            play.monitor.status(RecorderStatus(recorder_id=f"recorder-{number}", at_us=now_us, disks=[disk]), now_us)
            play.symptom(at_s)

        play.at(at_s + number * play.rng.uniform(0, 8), tell)
    return Fault("disk_full", ("recorder_disk_full", ""), sites={"disks"})


FAULTS: list[tuple[Callable[[Play, float], Fault], int]] = [
    (site_power, 12), (grid, 5), (battery_stolen, 5), (battery_failed, 3), (cut_tree, 12), (ring_once, 6),
    (ring_twice, 6), (link_worn, 5), (switch_dead, 10), (hub_switch, 4), (uplink, 2), (camera_dead, 12),
    (credential, 6), (picture, 10), (weather, 5), (cabinet, 5), (telemetry, 5), (stream_poor, 5),
    (recorder_down, 3), (disk_full, 3),
]  # fmt: skip


@dataclass
class Result:
    """How one run ended."""

    faults: list[Fault]
    open: list[Truth]
    right: bool
    strict: bool
    took_s: float | None
    symptoms: int
    causes: int
    cpu_s: float


def fits(fault: Fault, causes: list[Truth]) -> Truth | None:
    """The open cause that says what is true of a fault."""
    for truth in (fault.right, *fault.also):
        for one in causes:
            if one[0] == truth[0] and (not truth[1] or one[1] == truth[1]):
                return one
    return None


def play_one(province: Province, seed: int, count: int) -> Result:
    """One run with so many faults."""
    rng = random.Random(seed)
    play = Play(province, rng, night=rng.random() < 0.5)
    play.hot = set()  # type: ignore[attr-defined]
    play.look(0.0)
    makers, weights = zip(*FAULTS, strict=True)
    faults: list[Fault] = []
    while len(faults) < count:
        maker = rng.choices(makers, weights)[0]
        trial = Play.__new__(Play)
        trial.__dict__.update(play.__dict__)
        for name in ("queue", "no_power", "grid", "charge"):
            setattr(trial, name, type(getattr(play, name))(getattr(play, name)))
        fault = maker(trial, FIRST_S + (rng.uniform(0, 60) if faults else 0.0))
        if any(fault.sites & other.sites for other in faults):
            continue  # one would hide the other: nobody could say
        for name in ("queue", "no_power", "grid", "charge"):
            setattr(play, name, getattr(trial, name))
        # What was laid out acts on the play itself.
        trial.__dict__ = play.__dict__
        faults.append(fault)
    touched = {id for fault in faults for id in fault.sites if id in province.topology.sites}
    near = {
        province.topology.links[link].other(id) for id in touched for link in province.topology.site_links.get(id, ())
    }
    others = set(rng.sample(sorted(province.topology.sites), 12))
    hot = play.hot  # type: ignore[attr-defined]
    if hot:
        original = play.readings
        play.readings = lambda site, at_s: [  # type: ignore[method-assign]
            one for one in original(site, at_s) if site not in hot or one.quantity != "cabinet_temperature_c"
        ]

    def now_open() -> list[Truth]:
        return [(cause.kind, cause.subject) for cause in play.monitor.engine.open.values()]

    def judge(strict: bool) -> bool:
        causes = now_open()
        for fault in faults:
            bare = Fault(fault.name, fault.right) if strict else fault
            found = fits(bare, causes)
            if found is None:
                return False
            causes.remove(found)
            for truth in fault.expected:
                found = next((one for one in causes if one == truth), None)
                if found is None:
                    return False
                causes.remove(found)
        return not causes

    begun = time.process_time()
    noise(play)
    right_s = play.run(330.0, touched | near | others, lambda _play, _now_s: judge(strict=False))
    cpu_s = time.process_time() - begun
    first_s = play.first_symptom_s or 0.0
    took_s = None if right_s is None else right_s - first_s
    opened = play.monitor.counters.causes
    return Result(faults, now_open(), judge(strict=False), judge(strict=True), took_s, play.symptoms, opened, cpu_s)


def noise(play: Play) -> None:
    """What goes on all the time and is no fault: a short dip of the light, a little loss, a stream that hiccups."""
    rng = play.rng
    for _ in range(3):
        link = rng.choice(list(play.t.links))
        play.tell(
            rng.uniform(5, 300), play.t.links[link].a_site_id, f"link:{link}", "optical_rx_dbm", -22.6, noise=True
        )
        play.tell(rng.uniform(5, 300), play.t.links[link].a_site_id, f"link:{link}", "loss_pct", 1.4, noise=True)
    for _ in range(2):
        camera = rng.choice(list(play.t.cameras))
        if camera not in play.dark:
            play.tell_stream(rng.uniform(5, 40), play.stream(camera, "recording", reconnects=1))
    play.first_symptom_s = None


def steady(sites: int = 1000, seconds: int = 60) -> dict[str, object]:
    """What an ordinary minute of a large network costs: every stream told each 10 s, one in five changed each second,
    every box a round each 10 to 30 s, and a fault somewhere each second."""
    province = make_province(7, sites)
    rng = random.Random(7)
    play = Play(province, rng, night=False)
    play.look(0.0)
    cameras = list(province.recorder)
    words: list[list[tuple[float, RecorderStatus]]] = []
    for second in range(seconds):
        batch = []
        for number in range(RECORDERS):
            id = f"recorder-{number}"
            mine = [one for one in cameras if province.recorder[one] == id]
            told = mine if second % 10 == 0 else rng.sample(mine, len(mine) // 5)
            streams = [play.stream(one, "recording") for one in told]
            if second % 2:
                streams.append(play.stream(rng.choice(mine), "lost", "stalled", second))
            batch.append((float(second), RecorderStatus(recorder_id=id, at_us=play.us(second), streams=streams)))
        words.append(batch)
    rounds = {site: play.readings(site, 1.0) for site in province.modem | province.inline}
    begun = time.process_time()
    for second, batch in enumerate(words):
        now_us = play.us(second)
        for _, status in batch:
            play.monitor.status(status, now_us)
        for site, readings in rounds.items():
            if (second + hash_of(site)) % play.every[site] < 1:
                play.monitor.readings(readings, now_us)
        for _ in range(5):  # the role looks at most ten times a second
            play.monitor.step(now_us)
    used_s = time.process_time() - begun
    return {
        "sites": len(province.topology.sites),
        "cameras": len(province.topology.cameras),
        "core_pct": round(100 * used_s / seconds, 1),
        "readings": play.monitor.counters.readings,
        "causes": play.monitor.counters.causes,
    }


def quantile(values: list[float], part: float) -> float:
    """In the unit of the values."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))] if values else 0.0


def measure(faults: int, seed: int, *, wrong: bool = False, print_table: bool = True) -> dict[str, object]:
    """Play so many faults; returns the figures."""
    province = make_province(seed)
    results = [play_one(province, seed * 100_003 + number, 2 if number % 3 == 2 else 1) for number in range(faults)]
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        causes = list(result.open)
        for fault in result.faults:
            found = fits(fault, causes)
            if found is not None:
                causes.remove(found)
            table[fault.name][found[0] if found else ("+".join(sorted({c[0] for c in causes})) or "nothing")] += 1
        if wrong and not result.right:
            print(
                "wrong:", [(f.name, f.right, f.also, f.expected) for f in result.faults], "->", str(result.open)[:700]
            )
    if print_table:
        for name in sorted(table):
            print(f"  {name:28}", ", ".join(f"{kind} {count}" for kind, count in table[name].most_common()))
    took = [one.took_s for one in results if one.took_s is not None]
    share = 100 * sum(one.right for one in results) / len(results)
    singles = [one for one in results if len(one.faults) == 1]
    doubles = [one for one in results if len(one.faults) == 2]
    cpu_ms = 1000 * sum(one.cpu_s for one in results) / len(results) / 330
    return {
        "benchmark": "causes",
        "faults": faults,
        "sites": len(province.topology.sites),
        "cameras": len(province.topology.cameras),
        "right_pct": round(share, 1),
        "right_single_pct": round(100 * sum(one.right for one in singles) / max(1, len(singles)), 1),
        "right_double_pct": round(100 * sum(one.right for one in doubles) / max(1, len(doubles)), 1),
        "strict_pct": round(100 * sum(one.strict for one in results) / len(results), 1),
        "not_tellable": sum(one.right and not one.strict for one in results),
        "to_the_right_cause_s": {"p50": round(quantile(took, 0.5), 1), "p95": round(quantile(took, 0.95), 1)},
        "alarms_opened": sum(one.causes for one in results),
        "peer": "one alarm a symptom",
        "peer_alarms": sum(one.symptoms for one in results),
        "cpu_ms_a_second": round(cpu_ms, 2),
        "steady": steady() if print_table else None,
        "limit_pct": LIMIT_PCT,
        "ok": share >= LIMIT_PCT,
    }


def main() -> int:
    """Prints the confusion table and one line of JSON. Returns 1 where the limit is not held."""
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--faults", type=int, default=600)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--wrong", action="store_true", help="print what was concluded where it was wrong")
    chosen = options.parse_args()
    told = measure(chosen.faults, chosen.seed, wrong=chosen.wrong)
    print(
        f"{told['strict_pct']} % name the very fault; {told['right_pct']} % say all that could be known: "
        f"{told['not_tellable']} of {told['faults']} runs say less (`site_isolated`) where nothing told could decide"
    )
    print(json.dumps(told))
    return 0 if told["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
