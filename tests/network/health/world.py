"""A small network for tests: a control room, a hub, a site on a tree, three on a ring; on a fake clock."""

import itertools
from collections.abc import Iterable
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
from manara.network.health.actions import Batch
from manara.network.health.causes import Cause
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
EVENING_US = 1_779_993_000_000_000  # 2026-05-28 18:30 UTC, dark at 46 E
LEAVES = ("market", "bridge", "school", "gate", "river")


def topology() -> Topology:
    """room — hub — market (tree); room — bridge — school — gate — room (ring); river by a radio of nobody's list."""
    sites = [SiteNode("room", "ROOM", "control_room", grid=True), SiteNode("hub", "HUB", "hub", "s1", telemetry=True)]
    switches = [SwitchNode("sw-hub", "hub", "SW-HUB")]
    cameras, sources = [], []
    for id in LEAVES:
        sector = "s2" if id in ("gate", "river") else "s1"
        site = SiteNode(id, id.upper(), "pole", sector, id, id.title(), True, False, True, True, 31.0, 46.0, 65.0, True)
        sites.append(site)
        switches.append(SwitchNode(f"sw-{id}", id, f"SW-{id.upper()}"))
        sources += [SourceNode(f"grid-{id}", id, "grid", 230.0), SourceNode(f"battery-{id}", id, "battery", 12.0)]
        for number in range(1, 5):
            key = "fleet" if number == 1 else f"own-{id}{number}"
            cameras.append(CameraNode(f"{id}{number}", f"{id}{number}", id, sector, f"sw-{id}", number, key))
    pairs = [("room", "hub", ""), ("hub", "market", "")]
    ring = ["room", "bridge", "school", "gate", "room"]
    pairs += [(a, b, "ring") for a, b in itertools.pairwise(ring)]
    links = [
        LinkNode(f"{a}-{b}", a, b, f"{a}-{b}", ring=name, a_port=(f"sw-{a}", 8), b_port=(f"sw-{b}", 9), rx_low_dbm=-22)
        for a, b, name in pairs
    ]
    devices = [DeviceNode(f"rtu-{id}", id) for id in ("hub", *LEAVES)]
    return Topology.of(sites, cameras, switches, links, sources, devices)


@dataclass
class Told:
    """A monitor that is told things at times, and what it concluded."""

    now_s: float = 0.0
    start_us: int = EVENING_US
    monitor: Monitor = field(init=False)
    batches: list[Batch] = field(default_factory=list)
    recorders: set[str] = field(default_factory=lambda: {"recorder-1"})

    def __post_init__(self) -> None:
        self.monitor = Monitor(topology(), self.start_us)
        for camera in self.monitor.engine.board.topology.cameras:
            self.stream(camera)
        for site in LEAVES:
            self.reading(site, f"site:{site}", "load_power_w", 60.0)
            self.reading(site, f"power_source:battery-{site}", "state_of_charge_pct", 90.0)
            self.reading(site, f"power_source:grid-{site}", "grid_present", 1.0)

    @property
    def now_us(self) -> int:
        """The time."""
        return self.start_us + round(self.now_s * S)

    # ---- telling

    def stream(
        self, camera: str, state: str = "recording", cause: str = "none", form: str = "main", **more: float
    ) -> None:
        """What a recorder says of a camera's stream."""
        since_us = self.now_us - (10 * S if cause == "stalled" else 0)
        status = StreamStatus(
            camera_id=camera, stream=form, state=state, cause=cause, since_us=since_us, recorder_id="recorder-1",
            bitrate_bps=2_000_000, frame_rate_hz=15.0, gop_s=2.0,
        )  # fmt: skip
        for name, value in more.items():
            status = StreamStatus(**{**{f: getattr(status, f) for f in status.__struct_fields__}, name: value})
        batch = RecorderStatus(recorder_id="recorder-1", at_us=self.now_us, streams=[status])
        self.monitor.status(batch, self.now_us)

    def lose(self, *sites: str) -> None:
        """All cameras of these sites are lost."""
        for site in sites:
            for number in range(1, 5):
                self.stream(f"{site}{number}", "lost", "stalled")

    def shed(self, site: str, step: int, *, sub: Iterable[int] = (), off: Iterable[int] = ()) -> None:
        """A site sheds: of these cameras only the sub-stream is recorded, those are closed; of none: it plays again."""
        subs, offs = [f"{site}{number}" for number in sub], [f"{site}{number}" for number in off]
        self.monitor.shed({site: step} if step else {}, [*subs, *offs], self.now_us)
        for number in range(1, 5):
            camera = f"{site}{number}"
            if camera in (*subs, *offs):
                self.stream(camera, "stopped", "shed")
                self.stream(camera, *(("recording",) if camera in subs else ("stopped", "shed")), form="sub")
            else:
                self.stream(camera)

    def back(self, *sites: str) -> None:
        """They play again."""
        for site in sites:
            for number in range(1, 5):
                self.stream(f"{site}{number}")

    def reading(self, site: str, subject: str, quantity: str, value: float) -> None:
        """A reading that was believed."""
        told = Reading(site_id=site, subject=subject, quantity=quantity, value=value, at_us=self.now_us)
        self.monitor.readings([told], self.now_us)

    def box(self, site: str, state: str = "silent") -> None:
        """How the telemetry box of a site is doing."""
        self.monitor.devices([DeviceLook(f"rtu-{site}", site, state, self.now_us)], self.now_us)

    def picture(self, camera: str, *kinds: str, confidence: float = 0.9) -> None:
        """What vision sees to be wrong with a camera's picture, nothing: it is well."""
        found = [ImageFinding(kind=kind, confidence=confidence, since_us=self.now_us) for kind in kinds]
        verdict = ImageVerdict(
            camera_id=camera, at_us=self.now_us, findings=found, picture="now.jpg" if kinds else "", reference="ref.jpg"
        )
        report = ImageReport(vision_id="vision-1", at_us=self.now_us, verdicts=[verdict])
        self.monitor.image(report, self.now_us)

    def disk(self, state: str) -> None:
        """How the recording disk is."""
        disk = DiskStatus(path="/disk0", state=state)
        self.monitor.status(RecorderStatus(recorder_id="recorder-1", at_us=self.now_us, disks=[disk]), self.now_us)

    # ---- time, and what was concluded

    def go(self, to_s: float) -> None:
        """Let time pass, half a second at a time; recorders that live speak each second."""
        while self.now_s < to_s:
            self.now_s += 0.5
            if self.now_s % 1 == 0:
                for recorder in self.recorders:
                    self.monitor.status(RecorderStatus(recorder_id=recorder, at_us=self.now_us), self.now_us)
            batch = self.monitor.step(self.now_us)
            if batch:
                self.batches.append(batch)

    def causes(self) -> dict[str, Cause]:
        """What is open now, by `kind subject`."""
        return {f"{cause.kind} {cause.subject}": cause for cause in self.monitor.engine.open.values()}

    def opened(self) -> list[str]:
        """Everything that was ever opened, in order."""
        seen: dict[str, str] = {}
        for batch in self.batches:
            for cause in batch.causes.values():
                seen.setdefault(cause.id, f"{cause.kind} {cause.subject}")
        return list(seen.values())
