"""How the network hangs together: sites, cameras on switch ports, links up to the control room. Pure; no database.

Made by `actions.read_topology` from the state and handed to `causes.Engine`. A link joins two sites; a site of kind
`control_room` is where everything must arrive. What a port leads to (a camera or a link) is looked up here.
"""

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CameraNode:
    """A camera that should be doing its job. `credential`: equal for cameras with the same user and password."""

    id: str
    code: str
    site_id: str = ""
    sector_id: str = ""
    switch_id: str = ""
    switch_port: int | None = None
    credential: str = ""
    name_ar: str = ""
    name_en: str = ""
    kind: str = "fixed"


@dataclass(frozen=True, slots=True)
class SwitchNode:
    """A switch in a site's cabinet."""

    id: str
    site_id: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class LinkNode:
    """A link between two sites."""

    id: str
    a_site_id: str
    b_site_id: str
    code: str = ""
    kind: str = "fibre"
    role: str = "main"
    ring: str = ""
    a_port: tuple[str, int] | None = None  # switch id, port
    b_port: tuple[str, int] | None = None
    rx_low_dbm: float | None = None

    def other(self, site_id: str) -> str:
        """The site at the other end."""
        return self.b_site_id if site_id == self.a_site_id else self.a_site_id


@dataclass(frozen=True, slots=True)
class SiteNode:
    """A site with the power it should have. `telemetry`: something there tells readings."""

    id: str
    code: str = ""
    kind: str = "pole"
    sector_id: str = ""
    name_ar: str = ""
    name_en: str = ""
    grid: bool = False
    solar: bool = False
    battery: bool = False
    telemetry: bool = False
    lat: float = 0.0
    lon: float = 0.0
    hot_c: float = 65.0
    has_fan: bool = False


@dataclass(frozen=True, slots=True)
class SourceNode:
    """A power source of a site."""

    id: str
    site_id: str
    kind: str  # grid, solar, battery
    nominal_v: float | None = None
    peak_w: float | None = None


@dataclass(frozen=True, slots=True)
class DeviceNode:
    """Something that tells readings. `switch_id`: the switch that it is, or ""."""

    id: str
    site_id: str
    switch_id: str = ""


@dataclass(slots=True)
class Topology:
    """The whole network, with what is asked of it often worked out once."""

    sites: dict[str, SiteNode] = field(default_factory=dict)
    cameras: dict[str, CameraNode] = field(default_factory=dict)
    switches: dict[str, SwitchNode] = field(default_factory=dict)
    links: dict[str, LinkNode] = field(default_factory=dict)
    sources: dict[str, SourceNode] = field(default_factory=dict)
    devices: dict[str, DeviceNode] = field(default_factory=dict)
    site_devices: dict[str, list[str]] = field(default_factory=dict)
    site_sources: dict[str, list[str]] = field(default_factory=dict)
    site_cameras: dict[str, list[str]] = field(default_factory=dict)
    site_links: dict[str, list[str]] = field(default_factory=dict)
    site_switches: dict[str, list[str]] = field(default_factory=dict)
    switch_cameras: dict[str, list[str]] = field(default_factory=dict)
    sector_cameras: dict[str, list[str]] = field(default_factory=dict)
    port_camera: dict[str, str] = field(default_factory=dict)  # "<switch_id>/<port>" → camera id
    port_link: dict[str, str] = field(default_factory=dict)
    control_rooms: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        sites: Iterable[SiteNode],
        cameras: Iterable[CameraNode],
        switches: Iterable[SwitchNode] = (),
        links: Iterable[LinkNode] = (),
        sources: Iterable[SourceNode] = (),
        devices: Iterable[DeviceNode] = (),
    ) -> "Topology":
        """From rows; what points to something that is not there is left out."""
        made = cls({site.id: site for site in sites})
        made.control_rooms = [site.id for site in made.sites.values() if site.kind == "control_room"]
        for switch in switches:
            if switch.site_id in made.sites:
                made.switches[switch.id] = switch
                made.site_switches.setdefault(switch.site_id, []).append(switch.id)
        for camera in cameras:
            made.cameras[camera.id] = camera
            made.site_cameras.setdefault(camera.site_id, []).append(camera.id)
            made.sector_cameras.setdefault(camera.sector_id, []).append(camera.id)
            if camera.switch_id:
                made.switch_cameras.setdefault(camera.switch_id, []).append(camera.id)
                if camera.switch_port is not None:
                    made.port_camera[f"{camera.switch_id}/{camera.switch_port}"] = camera.id
        for link in links:
            if link.a_site_id in made.sites and link.b_site_id in made.sites and link.a_site_id != link.b_site_id:
                made.links[link.id] = link
                for site_id in (link.a_site_id, link.b_site_id):
                    made.site_links.setdefault(site_id, []).append(link.id)
                for port in (link.a_port, link.b_port):
                    if port is not None:
                        made.port_link[f"{port[0]}/{port[1]}"] = link.id
        made.sources = {source.id: source for source in sources}
        for source in made.sources.values():
            made.site_sources.setdefault(source.site_id, []).append(source.id)
        for device in devices:
            made.devices[device.id] = device
            made.site_devices.setdefault(device.site_id, []).append(device.id)
        return made

    def site_of(self, subject: str) -> str:
        """The site that a subject belongs to, "" where none (a recorder, a link has two: its `a` end)."""
        noun, _, row_id = subject.partition(":")
        match noun:
            case "site" | "cabinet":
                return row_id
            case "camera":
                camera = self.cameras.get(row_id)
                return camera.site_id if camera else ""
            case "power_source":
                source = self.sources.get(row_id)
                return source.site_id if source else ""
            case "switch":
                switch = self.switches.get(row_id)
                return switch.site_id if switch else ""
            case "port":
                switch = self.switches.get(row_id.rpartition("/")[0])
                return switch.site_id if switch else ""
            case "link":
                link = self.links.get(row_id)
                return link.a_site_id if link else ""
            case "device":
                device = self.devices.get(row_id)
                return device.site_id if device else ""
            case _:
                return ""

    def sources_at(self, site_id: str) -> list[SourceNode]:
        """The power sources of a site."""
        return [self.sources[id] for id in self.site_sources.get(site_id, ())]

    def sector_of(self, site_id: str) -> str:
        """The sector of a site, "" where none."""
        site = self.sites.get(site_id)
        return site.sector_id if site else ""

    def reached(self, dead_sites: Collection[str] = (), dead_links: Collection[str] = ()) -> set[str]:
        """The sites that the control room reaches without passing a dead site or a dead link."""
        seen = {site_id for site_id in self.control_rooms if site_id not in dead_sites}
        queue = deque(seen)
        while queue:
            here = queue.popleft()
            for link_id in self.site_links.get(here, ()):
                there = self.links[link_id].other(here)
                if there not in seen and link_id not in dead_links and there not in dead_sites:
                    seen.add(there)
                    queue.append(there)
        return seen
