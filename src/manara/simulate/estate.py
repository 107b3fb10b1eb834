"""The sites that are played: their power, switches, links and what that means for their cameras and devices. Pure.

One object holds the whole physical truth; `step` lets time pass, `readings` says what a device's sensors show now,
`dark` which cameras have lost power or way, `speaks` whether a device can be heard. Faults are set on it by
`trouble.py`. Subjects are in codes (`link:LNK-0012`, `power_source:SITE-080/battery`, `port:SW-080/3`); whoever speaks
to the outside turns them into ids. Called by `devices.py`; no I/O, no clock of its own.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from manara.simulate.infrastructure import CONTROL_CODE, Infrastructure
from manara.simulate.links import LinkState, reach
from manara.simulate.power import SitePower, noise
from manara.simulate.province import Province

Told = tuple[str, str, float]  # subject in codes, quantity, value
_FIXED_W, _PTZ_W = 8.0, 21.0
_BOOT_S = 8.0  # a camera that gets its power back
_TX_DBM = -3.0


@dataclass(slots=True)
class DeviceState:
    """One telemetry device. `dead`: broken by itself."""

    row: dict[str, Any]
    dead: bool = False

    @property
    def code(self) -> str:
        """Its code."""
        return str(self.row["code"])

    @property
    def site(self) -> str:
        """Code of its site."""
        return str(self.row["site"])


@dataclass(slots=True)
class CameraState:
    """One camera that streams, as its switch sees it. `dead`: no power drawn, no answer."""

    code: str
    site: str
    sector: str
    switch: str
    port: int
    poe_w: float
    dead: bool = False
    dark_until_s: float = 0.0


@dataclass(slots=True)
class SiteState:
    """A site that is played."""

    code: str
    sector: str
    switch: str
    power: SitePower
    cameras: list[CameraState] = field(default_factory=list)
    switch_dead: bool = False
    switch_since_s: float = 0.0
    solar: bool = False

    @property
    def works(self) -> bool:
        """Whether its switch carries."""
        return self.power.powered and not self.switch_dead


class Estate:
    """Everything at the sites that are played. `passed_s` counts since the start."""

    def __init__(
        self, province: Province, infrastructure: Infrastructure, now_us: int, *, outages: bool = False
    ) -> None:
        self.infrastructure = infrastructure
        self.now_us = now_us
        self.passed_s = 0.0
        self._chance = random.Random(len(province.streams))
        rows = {row["code"]: row for row in [*infrastructure.sites, *province.sites]}
        played = [*(row["code"] for row in infrastructure.sites), *infrastructure.live]
        self.sites = {code: self._site(rows[code], province, outages) for code in played}
        self.cameras = {camera.code: camera for site in self.sites.values() for camera in site.cameras}
        self.devices = {row["code"]: DeviceState(row) for row in infrastructure.devices}
        self.links = {
            row["code"]: LinkState(
                row["code"],
                row["kind"],
                row["role"],
                row["a_site"],
                row["b_site"],
                row["ring"],
                float(row["length_km"] or 0.0),
            )
            for row in infrastructure.links
        }
        self._links_at: dict[str, list[LinkState]] = {}
        for link in self.links.values():
            for end in (link.a_site, link.b_site):
                self._links_at.setdefault(end, []).append(link)
        for site in self.sites.values():
            site.power.settle(now_us)
        self.reached: set[str] = set()
        self.look()

    def _site(self, row: dict[str, Any], province: Province, outages: bool) -> SiteState:
        code = row["code"]
        made = self.infrastructure
        sources = {source["kind"]: source for source in made.power_sources if source["site"] == code}
        cameras = []
        for camera in province.cameras:
            if camera["site"] == code and camera["enabled"]:
                switch, port = made.camera_ports[camera["code"]]
                watts = _PTZ_W if camera["kind"] == "ptz" else _FIXED_W
                cameras.append(CameraState(camera["code"], code, camera["sector"], switch, port, watts))
        seed = sum(map(ord, code))
        age = 0.7 + 0.3 * noise(code, "age")  # what is left of the battery's capacity: 40 to 100 %
        power = SitePower(
            lat=row["lat"],
            lon=row["lon"],
            capacity_wh=float(sources["battery"]["capacity_wh"]) * (age if cameras else 1.0),
            solar_peak_w=float(sources["solar"]["peak_w"]) if "solar" in sources else 0.0,
            nominal_v=float(sources["battery"]["nominal_v"]),
            seed=seed,
            feeder=seed % 5,
            camera_load_w=sum(camera.poe_w for camera in cameras) or 60.0,
            cameras=len(cameras),
            outages=outages and bool(cameras),
        )
        switch = next(switch["code"] for switch in made.switches if switch["site"] == code)
        return SiteState(code, row["sector"], switch, power, cameras, solar="solar" in sources)

    # ---- time

    def step(self, now_us: int, passed_s: float) -> None:
        """Let time pass and see who is left."""
        self.now_us = now_us
        self.passed_s += passed_s
        for site in self.sites.values():
            site.power.step(now_us, passed_s)
        self.look()

    def look(self) -> None:
        """Find out anew who reaches the control room, and which cameras are dark."""
        works = {code: site.works for code, site in self.sites.items()}
        self.reached = reach(self.links.values(), works, CONTROL_CODE)
        for site in self.sites.values():
            if not site.works:
                site.switch_since_s = self.passed_s
            for camera in site.cameras:
                if camera.dead or not site.works:
                    camera.dark_until_s = self.passed_s + _BOOT_S

    def dark(self, camera: CameraState) -> bool:
        """Whether nothing is heard of a camera: it has no power, is dead, starts up, or its site is cut off."""
        return camera.site not in self.reached or self.passed_s < camera.dark_until_s

    def speaks(self, device: DeviceState) -> bool:
        """Whether a device can be heard now."""
        if device.dead or not self.sites[device.site].power.powered:
            return False
        return device.site in self.reached or bool(device.row["_modem"])

    # ---- what sensors show

    def readings(self, device: DeviceState) -> list[Told]:
        """Everything that a device shows now."""
        site = self.sites[device.site]
        told: list[Told] = []
        for part in device.row["_speaks"]:
            told += getattr(self, f"_{part}")(site)
        return told

    def _grid(self, site: SiteState) -> Iterator[Told]:
        """What a telemetry box measures itself: the grid, and whether there is a battery at its poles."""
        told = site.power.readings()
        for quantity, value in told["grid"].items():
            yield f"power_source:{site.code}/grid", quantity, value
        yield f"power_source:{site.code}/battery", "battery_present", told["battery"]["battery_present"]

    def _charger(self, site: SiteState) -> Iterator[Told]:
        """What a charge controller knows."""
        for source, values in site.power.readings().items():
            if source in ("battery", "solar"):
                for quantity, value in values.items():
                    if quantity != "battery_present":
                        yield f"power_source:{site.code}/{source}", quantity, value

    def _cabinet(self, site: SiteState) -> Iterator[Told]:
        for quantity, value in site.power.readings()["cabinet"].items():
            yield f"cabinet:{site.code}", quantity, value

    def _ports(self, site: SiteState) -> Iterator[Told]:
        switch = f"switch:{site.switch}"
        yield switch, "switch_up", float(site.works)
        if not site.works:
            return
        yield switch, "uptime_s", 400_000.0 + round(self.passed_s - site.switch_since_s)
        for camera in site.cameras:
            port = f"port:{site.switch}/{camera.port}"
            up = not camera.dead
            yield port, "port_up", float(up)
            yield port, "port_poe_w", round(camera.poe_w * (0.9 + 0.1 * self._chance.random()), 1) if up else 0.0
            yield port, "port_rx_bps", round(1_700_000 + 300_000 * self._chance.random()) if up else 0.0
            yield port, "port_errors_per_s", 0.0

    def _links(self, site: SiteState) -> Iterator[Told]:
        for link in self._links_at.get(site.code, ()):
            subject = f"link:{link.code}"
            if not site.works or self._other_is_not_played(link, site.code):
                continue
            yield subject, "link_up", float(link.up)
            if link.kind == "radio":
                yield subject, "radio_signal_dbm", round(-61 + 4 * self._chance.random(), 1) if link.up else -120.0
            elif link.a_site == site.code:  # one end tells of the light, or the two would take turns
                yield subject, "optical_rx_dbm", round(link.rx_dbm, 1)
                yield subject, "optical_tx_dbm", _TX_DBM
                yield subject, "loss_pct", round(link.loss_pct, 1)

    def _other_is_not_played(self, link: LinkState, code: str) -> bool:
        other = link.b_site if link.a_site == code else link.a_site
        return other not in self.sites
