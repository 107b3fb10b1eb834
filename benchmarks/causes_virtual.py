"""Root causes of seeded faults in the virtual province itself (`simulate/`), single and double.

    python -m benchmarks.causes_virtual                      600 runs: two thirds one fault, one third two
    python -m benchmarks.causes_virtual --runs 60 --seed 3 --wrong     and what was concluded where it was wrong

Limit (issue 3): root cause right in >= 95 % of >= 500. The province is the demo's: 200 sites below six hubs, two
cameras streaming at each, as `simulate/infrastructure.py` lays it out; physics, faults and their truth are
`estate.py` and `trouble.py`, what devices say and when is `telemetry.Voices`. Only the wire between is left out: a
lost stream is told 10 s after it stopped, a refused one within 2 s, vision speaks within 5 to 15 s (that it names what
it sees is `benchmarks.image_health`), devices that are asked answer each 10 s, one message in twenty of those that
send by themselves is lost. Every kind of `trouble.KINDS` is as likely as any other, at a place where it makes a
difference; half of the runs are at noon, half at midnight.

*Right* is strict: the causes that are open at the end are exactly the true ones, by kind and place, no other beside.
`site_isolated` where a link was cut or a switch died is counted as wrong, and shown apart (`named_place_only`): two of
four sites have no way of their own to tell, and nothing that is told there can decide.
"""

import argparse
import copy
import json
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache

from benchmarks.causes_province import hash_of
from manara.base.errors import ManaraError
from manara.messages import (
    DiskStatus,
    ImageFinding,
    ImageReport,
    ImageVerdict,
    Reading,
    RecorderStatus,
    StreamStatus,
)
from manara.network.health.monitor import Monitor
from manara.network.health.telemetry_rules import SOLAR_ON_S, DeviceLook
from manara.network.health.topology import (
    CameraNode,
    DeviceNode,
    LinkNode,
    SiteNode,
    SourceNode,
    SwitchNode,
    Topology,
)
from manara.network.telemetry.book import LISTENED, SILENT_LEAST_S, SILENT_POLLS
from manara.simulate.directory import Directory
from manara.simulate.estate import Estate
from manara.simulate.infrastructure import Infrastructure, make_infrastructure
from manara.simulate.power import sun_height
from manara.simulate.province import SITES, Province, make_province
from manara.simulate.telemetry import Voices
from manara.simulate.trouble import KINDS, Fault, Trouble

S = 1_000_000
NOON_US, MIDNIGHT_US = 1_779_960_000_000_000, 1_780_003_200_000_000  # 2026-05-28 at 46 E, by the sun
CALM_S, GAP_S, AFTER_S = 60, (5, 70), 200
STALL_S = 10
RECORDERS = 3
LIMIT_PCT = 95.0
LOST_SHARE = 0.05  # of messages that devices send by themselves; a question is asked again
Truth = tuple[str, str]  # kind and subject of a cause; a subject of "" is any
PLACE = {
    "site_power_lost": "site", "grid_lost": "site", "battery_stolen": "site", "battery_failed": "site",
    "solar_failed": "site", "telemetry_failed": "site", "cabinet_open": "site", "cabinet_hot": "site",
    "link_cut": "link", "ring_open": "link", "link_degraded": "link",
}  # fmt: skip  # the rest: a camera's is its camera, a sector's and a disk's any

# What vision says of a spoiled picture, surest first; one fault of the lens may look like two.
SEEN: dict[str, tuple[str, ...]] = {
    "freeze": ("frozen",), "black": ("black",), "white": ("white",), "covered": ("covered", "black"),
    "sprayed": ("dirty", "blurred"), "blurred": ("blurred",), "turned": ("moved", "vibrating"),
    "colour_lost": ("colour_lost",), "vibrating": ("vibrating",), "loop": ("loop",),
}  # fmt: skip
HAZE = (("blurred",), ("dirty",), ("blurred", "colour_lost"), ("white",))


class SameCodes(Directory):
    """The topology below has codes for ids."""

    def subject(self, in_codes: str) -> str:
        """As it is."""
        return in_codes


def topology_of(province: Province, made: Infrastructure) -> Topology:
    """What the demo's state holds of the province, with codes for ids."""
    kinds = defaultdict(set)
    for row in made.power_sources:
        kinds[row["site"]].add(row["kind"])
    sites = [
        SiteNode(
            row["code"], row["code"], row["kind"], row["sector"], grid="grid" in kinds[row["code"]],
            solar="solar" in kinds[row["code"]], battery="battery" in kinds[row["code"]], telemetry=True,
            lat=row["lat"], lon=row["lon"], hot_c=55.0, has_fan=True,
        )
        for row in [*made.sites, *province.sites]
    ]  # fmt: skip
    cameras = [
        CameraNode(
            row["code"], row["code"], row["site"], row["sector"], *made.camera_ports[row["code"]], credential="1"
        )
        for row in province.cameras
        if row["enabled"]
    ]
    links = [
        LinkNode(
            row["code"], row["a_site"], row["b_site"], row["code"], row["kind"], row["role"], row["ring"],
            (row["a_switch"], row["a_port"]), (row["b_switch"], row["b_port"]), row["rx_low_dbm"],
        )
        for row in made.links
    ]  # fmt: skip
    sources = [
        SourceNode(f"{row['site']}/{row['kind']}", row["site"], row["kind"], row["nominal_v"], row["peak_w"])
        for row in made.power_sources
    ]
    switch_at = {row["site"]: row["code"] for row in made.switches}
    devices = [
        DeviceNode(row["code"], row["site"], switch_at[row["site"]] if row["protocol"] == "snmp" else "")
        for row in made.devices
    ]
    switches = [SwitchNode(row["code"], row["site"], row["code"]) for row in made.switches]
    return Topology.of(sites, cameras, switches, links, sources, devices)


@dataclass
class Ground:
    """What all runs begin from."""

    topology: Topology
    estates: dict[bool, Estate]  # by noon


@cache
def ground(seed: int) -> Ground:
    """The province, settled at noon and at midnight."""
    province = make_province(seed, streaming=2 * SITES)
    made = make_infrastructure(province, seed)
    estates = {noon: Estate(province, made, NOON_US if noon else MIDNIGHT_US) for noon in (True, False)}
    return Ground(topology_of(province, made), estates)


@dataclass
class Wire:
    """The cameras and the recorders' disk, as `trouble.py` orders them."""

    orders: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    shown: dict[str, str] = field(default_factory=dict)
    other_password: set[str] = field(default_factory=set)
    full: bool = False

    def order(self, code: str, kind: str, value: float | None = None) -> None:
        """A fault of the wire."""
        self.orders[code].add(kind)

    def lift(self, code: str, kind: str) -> None:
        """Its end."""
        self.orders[code].discard(kind)

    def spoil(self, code: str, kind: str) -> None:
        """A spoiled picture."""
        self.shown[code] = kind

    def mend(self, code: str) -> None:
        """Its end."""
        self.shown.pop(code, None)

    def shows(self, code: str) -> bool:
        """At once."""
        return True

    def change_password(self, code: str, wrong: bool) -> None:
        """Another one, or the old one."""
        (self.other_password.add if wrong else self.other_password.discard)(code)

    def fill(self, recorder: str) -> None:
        """No room."""
        self.full = True

    def free(self, recorder: str) -> None:
        """Room again."""
        self.full = False

    def picture(self, code: str) -> str:
        """What is wrong with a camera's picture, "" where nothing is."""
        return next((one for one in ("freeze", "black") if one in self.orders[code]), "") or self.shown.get(code, "")


class Play:
    """One run: second after second, what happens, what is told of it, what health makes of it."""

    def __init__(self, seed: int, number: int) -> None:
        self.rng = random.Random(seed * 100_003 + number)
        base = ground(seed)
        self.noon = self.rng.random() < 0.5
        self.estate = copy.deepcopy(base.estates[self.noon])
        self.topology = base.topology
        if self.noon:  # after a night with little grid: a panel is missed only where its battery has room
            for site in self.estate.sites.values():
                if site.solar:
                    site.power.charge_wh = 0.6 * site.power.capacity_wh
        self.wire = Wire()
        self.trouble = Trouble(self.estate, self.wire, self.wire)
        self.voices = Voices(self.estate, SameCodes())
        self.now_us = self.estate.now_us
        self.monitor = Monitor(self.topology, self.now_us)
        self.recorder = {code: f"recorder-{index % RECORDERS + 1}" for index, code in enumerate(self.estate.cameras)}
        self.state: dict[str, str] = {}  # of streams
        self.bad_since_s: dict[str, float] = {}
        self.looks_at_s: dict[str, float] = {}  # vision, at cameras with something wrong
        self.haze: dict[str, tuple[str, ...]] = {}
        self.lost: Counter[str] = Counter()  # packets of poor streams
        self.heard_s = {code: self.rng.uniform(-10, 0) for code in self.estate.devices}
        self.symptoms = 0
        self.cpu_s = 0.0

    @property
    def passed_s(self) -> float:
        """Since the start."""
        return self.estate.passed_s

    def second(self) -> None:
        """Let one pass."""
        self.now_us += S
        self.estate.step(self.now_us, 1.0)
        self.trouble.look(self.now_us)
        statuses = self._statuses()
        readings = [one for batch in self._told() for one in batch]
        reports = [ImageReport(vision_id="vision-1", at_us=self.now_us, verdicts=list(self._verdicts()))]
        looks = [self._look(code) for code in self.heard_s]
        begun = time.process_time()
        for status in statuses:
            self.monitor.status(status, self.now_us)
        self.monitor.readings(readings, self.now_us)
        for report in reports:
            self.monitor.image(report, self.now_us)
        self.monitor.devices(looks, self.now_us)
        self.symptoms += len(self.monitor.step(self.now_us).conditions)
        self.cpu_s += time.process_time() - begun

    # ---- streams

    def _statuses(self) -> list[RecorderStatus]:
        told: dict[str, list[StreamStatus]] = {f"recorder-{n + 1}": [] for n in range(RECORDERS)}
        for code, camera in self.estate.cameras.items():
            orders = self.wire.orders[code]
            silent = self.estate.dark(camera) or "stall" in orders
            refused = code in self.wire.other_password and not silent
            if not (silent or refused):
                self.bad_since_s.pop(code, None)
            since_s = self.bad_since_s.setdefault(code, self.passed_s) if silent or refused else self.passed_s
            state, cause = "recording", "none"
            wait_s = (STALL_S if silent else 0.3) + hash_of(code) % 13 / 10
            if silent or refused:
                due = self.passed_s - since_s >= wait_s
                state = self.state.get(code, "recording") if not due else "lost" if silent else "refused"
                cause = {"recording": "none", "lost": "stalled", "refused": "unauthorized"}[state]
            poor = "drop" in orders and not silent
            if poor:
                self.lost[code] += 20  # a tenth of the packets of 2 Mbit/s
            if state == self.state.get(code) and not (poor and int(self.passed_s) % 5 == 0):
                continue
            self.state[code] = state
            told[self.recorder[code]].append(
                StreamStatus(
                    camera_id=code, stream="main", state=state, cause=cause, recorder_id=self.recorder[code],
                    since_us=self.now_us - round((self.passed_s - since_s) * S), bitrate_bps=2_000_000,
                    frame_rate_hz=7.5 if "half_speed" in orders else 15.0, gop_s=2.0, packets_lost=self.lost[code],
                )
            )  # fmt: skip
        disk = DiskStatus(path="/disk0", state="full" if self.wire.full else "ok", cause="no_space" * self.wire.full)
        return [
            RecorderStatus(
                recorder_id=id, at_us=self.now_us, complete=self.passed_s <= 1, streams=streams, disks=[disk]
            )
            for id, streams in told.items()
        ]

    # ---- pictures

    def _verdicts(self) -> Iterator[ImageVerdict]:
        bad = {code for code in self.estate.cameras if self.wire.picture(code)}
        for code in bad | self.looks_at_s.keys():
            due_s = self.looks_at_s.setdefault(code, self.passed_s + self.rng.uniform(5, 15))
            if self.passed_s < due_s or self.state.get(code) != "recording":
                continue
            self.looks_at_s[code] = self.passed_s + 15.0
            kinds = self._kinds(code, self.wire.picture(code))
            findings = [
                ImageFinding(kind=f"image_{kind}", confidence=0.92 - 0.26 * place, since_us=self.now_us)
                for place, kind in enumerate(kinds)
            ]
            yield ImageVerdict(camera_id=code, at_us=self.now_us, findings=findings)
            if code not in bad:
                del self.looks_at_s[code]

    def _kinds(self, code: str, spoiled: str) -> tuple[str, ...]:
        if spoiled != "dust":
            return SEEN.get(spoiled, ())
        if code not in self.haze:  # haze looks different before every camera, and one in three sees through it
            self.haze[code] = self.rng.choice(HAZE) if self.rng.random() < 0.7 else ()
        return self.haze[code]

    # ---- what devices tell

    def _told(self) -> Iterator[list[Reading]]:
        posts = [(post.device, post.told) for post in self.voices.due()]
        for code, device in self.estate.devices.items():
            asked = device.row["protocol"] not in LISTENED
            if asked and (int(self.passed_s) + hash_of(code)) % 10 == 0 and self.estate.speaks(device):
                told = tuple(self.estate.readings(device))
                if device.row["protocol"] == "snmp":
                    told = tuple(one for one in told if one[1].startswith("port_"))
                posts.append((code, told))
        for code, told in posts:
            listened = self.estate.devices[code].row["protocol"] in LISTENED
            if listened and self.rng.random() < LOST_SHARE:
                continue
            self.heard_s[code] = self.passed_s
            site = self.estate.devices[code].site
            yield [
                Reading(
                    site_id=site, subject=subject, quantity=quantity, value=value, at_us=self.now_us, device_id=code
                )
                for subject, quantity, value in told
                if quantity != "uptime_s"
            ]

    def _look(self, code: str) -> DeviceLook:
        row = self.estate.devices[code].row
        quiet_s = self.passed_s - self.heard_s[code]
        listened = row["protocol"] in LISTENED
        most_s = max(SILENT_LEAST_S, SILENT_POLLS * row["poll_s"]) if listened else row["poll_s"] + 5.0
        if quiet_s <= most_s:
            return DeviceLook(code, row["site"], "ok", self.now_us)
        state, why = ("silent", "") if listened else ("unreadable", "timeout")
        return DeviceLook(code, row["site"], state, self.now_us - round(quiet_s * S), why)


def can_show(play: Play, kind: str, place: str) -> bool:
    """Whether the fault makes any difference there and then."""
    estate = play.estate
    if kind == "link_cut":
        return estate.links[place].up
    if kind == "colour_lost":
        return play.noon
    if kind == "solar_failed":  # no panel, no sun, or a battery that is full and takes nothing
        power = estate.sites[place].power
        height = sun_height(power.lat, power.lon, play.now_us)
        return estate.sites[place].solar and height > 0.5 and power.charge_pct < 90
    return True


def strike(play: Play, before: list[Fault], kinds: tuple[str, ...]) -> Fault:
    """Make one thing wrong somewhere, apart from what is wrong already: of two faults of which one hides the other
    nobody could tell the hidden one."""
    taken = {site for fault in before for site in fault.sites}
    for _ in range(1000):
        kind = play.rng.choice(kinds)
        places = [one for one in play.trouble.places(kind) if can_show(play, kind, one)]
        if not places or (kind in ("credential", "disk_full") and any(one.kind == kind for one in before)):
            continue  # one credential serves all cameras: a second camera that refuses it is the same cause
        place = play.rng.choice(places)
        dark = {camera.site for camera in play.estate.cameras.values() if play.estate.dark(camera)}
        if site_of(play, kind, place) in taken | dark:
            continue
        try:
            fault = play.trouble.order(kind, place, play.now_us)
        except ManaraError:
            continue
        if taken & set(fault.sites):
            play.trouble.heal(fault.id, play.now_us)
            continue
        return fault
    raise RuntimeError(f"nowhere can any of {', '.join(kinds)} make a difference now")


def site_of(play: Play, kind: str, place: str) -> str:
    """The site where a fault is, "" where it is between sites or everywhere."""
    where = KINDS[kind].where
    return place if where == "site" else play.estate.cameras[place].site if where == "camera" else ""


def truth_of(play: Play, fault: Fault) -> Truth:
    """The cause that should be open."""
    if fault.cause == "switch_dead":
        return fault.cause, f"switch:{play.estate.sites[fault.at].switch}"
    if fault.cause in PLACE:
        return fault.cause, f"{PLACE[fault.cause]}:{fault.at}"
    return fault.cause, f"camera:{fault.at}" if fault.where == "camera" else ""


@dataclass
class Result:
    """How one run ended. `found`: for each fault its kind, its true cause and what was concluded."""

    number: int
    faults: int
    right: bool
    place_only: bool
    found: list[tuple[str, str, str]]
    told: str
    took_s: float | None
    symptoms: int
    causes: int
    cpu_s: float
    seconds: float


def play_one(seed: int, number: int, kinds: tuple[str, ...] = tuple(KINDS)) -> Result:
    """One run, with faults of these kinds."""
    play = Play(seed, number)
    count = 2 if number % 3 == 2 else 1
    for _ in range(CALM_S):
        play.second()
    calm = len(play.monitor.engine.open)
    faults = [strike(play, [], kinds)]
    struck_s = play.passed_s
    while len(faults) < count:
        for _ in range(play.rng.randint(*GAP_S)):
            play.second()
        faults.append(strike(play, faults, kinds))
        struck_s = play.passed_s
    truths = [truth_of(play, fault) for fault in faults]
    after_s = AFTER_S + (SOLAR_ON_S if any(fault.kind == "solar_failed" for fault in faults) else 0)
    right_s: float | None = None
    while play.passed_s < struck_s + after_s:
        play.second()
        right = not calm and match(truths, now_open(play))[0]
        right_s = None if not right else right_s if right_s is not None else play.passed_s - struck_s
    opened = now_open(play)
    _, found, rest = match(truths, opened)
    place_only = right_s is None and same_place(play, faults, truths, opened)
    return Result(
        number, count, right_s is not None, place_only,
        [(fault.kind, fault.cause, hit or "+".join(sorted({one[0] for one in rest})) or "nothing")
         for fault, hit in zip(faults, found, strict=True)],
        f"{[(fault.kind, fault.at, fault.sites[:6]) for fault in faults]} -> {opened}", right_s, play.symptoms,
        play.monitor.counters.causes, play.cpu_s, play.passed_s,
    )  # fmt: skip


def now_open(play: Play) -> list[Truth]:
    """The causes that are open."""
    return [(cause.kind, cause.subject) for cause in play.monitor.engine.open.values()]


def match(truths: list[Truth], opened: list[Truth]) -> tuple[bool, list[str], list[Truth]]:
    """Whether exactly the true causes are open; for each what found it ("" = nothing); what is open besides."""
    rest, found = list(opened), []
    for kind, subject in truths:
        hit = next((one for one in rest if one[0] == kind and subject in ("", one[1])), None)
        found.append(kind if hit else "")
        if hit:
            rest.remove(hit)
    return all(found) and not rest, found, rest


def same_place(play: Play, faults: list[Fault], truths: list[Truth], opened: list[Truth]) -> bool:
    """Whether it is right but for `site_isolated` where a link or a switch failed that only one site hangs on."""
    softer = []
    for fault, truth in zip(faults, truths, strict=True):
        softer.append(truth)
        if truth not in opened and fault.cause in ("link_cut", "switch_dead", "site_power_lost"):
            ends = {fault.at} if fault.where == "site" else {play.topology.links[fault.at].b_site_id}
            softer[-1] = next((("site_isolated", f"site:{one}") for one in ends), truth)
    return match(softer, opened)[0]


def measure(runs: int, seed: int, processes: int, kinds: tuple[str, ...]) -> tuple[dict[str, object], list[Result]]:
    """Play so many runs; returns the figures and the runs."""
    with ProcessPoolExecutor(processes) as pool:
        results = list(pool.map(play_one, [seed] * runs, range(runs), [kinds] * runs, chunksize=5))
    topology = ground(seed).topology

    def share(chosen: list[Result]) -> float:
        return round(100 * sum(one.right for one in chosen) / max(1, len(chosen)), 1)

    took = sorted(one.took_s for one in results if one.took_s is not None)
    return {
        "benchmark": "causes_virtual",
        "runs": len(results),
        "faults": sum(one.faults for one in results),
        "sites": len(topology.sites),
        "cameras": len(topology.cameras),
        "right_pct": share(results),
        "right_single_pct": share([one for one in results if one.faults == 1]),
        "right_double_pct": share([one for one in results if one.faults == 2]),
        "named_place_only": sum(one.place_only for one in results),
        "to_the_right_causes_s": {
            "p50": took[len(took) // 2] if took else None,
            "p95": took[int(len(took) * 0.95)] if took else None,
        },
        "alarms_opened": sum(one.causes for one in results),
        "peer": "one alarm a symptom",
        "peer_alarms": sum(one.symptoms for one in results),
        "cpu_ms_a_second": round(1000 * sum(one.cpu_s for one in results) / sum(one.seconds for one in results), 2),
        "limit_pct": LIMIT_PCT,
        "ok": share(results) >= LIMIT_PCT,
    }, results


def main() -> int:
    """Prints the confusion table and one line of JSON. Returns 1 where the limit is not held."""
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--runs", type=int, default=600)
    options.add_argument("--kinds", default=",".join(KINDS))
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("--wrong", action="store_true", help="print what was concluded where it was wrong")
    chosen = options.parse_args()
    told, results = measure(chosen.runs, chosen.seed, chosen.processes, tuple(chosen.kinds.split(",")))
    table: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for result in results:
        for kind, cause, found in result.found:
            table[kind, cause][found] += 1
        if chosen.wrong and not result.right:
            print(f"wrong {result.number}:", result.told[:900])
    print(f"{'fault':16} {'true cause':20} concluded")
    for (kind, cause), row in sorted(table.items()):
        print(f"{kind:16} {cause:20}", ", ".join(f"{one} {count}" for one, count in row.most_common()))
    print(json.dumps(told))
    return 0 if told["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
