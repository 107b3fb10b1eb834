"""What goes wrong in `benchmarks.causes`: each fault is laid out in a run, and says what ought to be concluded."""

from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.causes_province import RECORDERS, Play, S
from manara.messages import DiskStatus, ImageFinding, ImageReport, ImageVerdict, RecorderStatus
from manara.network.health.kinds import cause_of_image

Truth = tuple[str, str]  # kind, subject ("" = any)


@dataclass
class Fault:
    """What was done, and what ought to be concluded."""

    name: str
    right: Truth
    also: tuple[Truth, ...] = ()  # what is true to say where nothing told tells more
    sites: set[str] = field(default_factory=set)  # what it touches
    expected: tuple[Truth, ...] = ()  # further causes that are true besides


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
