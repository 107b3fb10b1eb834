"""What the screens see of each site's power, links and switches, rounded so that it seldom changes. Pure.

Made of the latest readings, the active conditions and the battery forecasts, for `VitalsReport`: what changed since the
last report, and all of it when asked for `complete`. Called by `role.py`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import msgspec

from manara.messages import DeviceTold, LatestReading, Vitals, VitalsReport
from manara.network.health.conditions import Latches
from manara.network.health.topology import SiteNode, Topology

READINGS_A_PART = 3000
DEVICES_BESIDE = 500
_Told = TypeVar("_Told")


class Readings(Protocol):
    """What `telemetry.latest.Latest` offers."""

    def fresh(self, subject: str, quantity: str) -> float | None:
        """The value if it is believed and not stale."""
        ...

    def of_site(self, site_id: str) -> list[LatestReading]:
        """Everything known at one site."""
        ...

    def sites(self) -> list[str]:
        """The sites of which anything is known."""
        ...

    def changes(self) -> dict[str, list[LatestReading]]:
        """What changed since this was last asked."""
        ...


@dataclass(slots=True)
class VitalsBook:
    """What was last reported."""

    _told: dict[str, Vitals] = field(default_factory=dict)
    _links: dict[str, str] = field(default_factory=dict)
    _switches: dict[str, str] = field(default_factory=dict)
    _devices: dict[str, DeviceTold] = field(default_factory=dict)

    def report(
        self,
        topology: Topology,
        latches: Latches,
        readings: Readings,
        forecasts: Mapping[str, Mapping[str, Any]],
        shed: Mapping[str, int],
        at_us: int,
        *,
        complete: bool,
        devices: Mapping[str, DeviceTold] | None = None,
        counters: Mapping[str, int] | None = None,
    ) -> VitalsReport:
        """The next report."""
        now = {
            site.id: _site(site, topology, latches, readings, forecasts.get(site.id), shed.get(site.id, 0))
            for site in topology.sites.values()
            if site.telemetry or site.grid or site.solar or site.battery
        }
        links = {id: _link(id, latches, readings) for id in topology.links}
        switches = {id: _switch(id, topology, latches, readings) for id in topology.switches}
        looks = dict(devices or {})
        for id, before in self._devices.items():
            look = looks.get(id)
            if look is not None and (look.state, look.why) == (before.state, before.why):
                looks[id] = before  # its silence only grew longer
        latest = readings.changes()
        if complete:
            latest = {site_id: readings.of_site(site_id) for site_id in readings.sites()}
        report = VitalsReport(
            at_us=at_us,
            complete=complete,
            vitals=list(now.values()) if complete else [one for id, one in now.items() if self._told.get(id) != one],
            latest=latest,
            links=links if complete else _changed(links, self._links),
            switches=switches if complete else _changed(switches, self._switches),
            devices=looks if complete else _changed(looks, self._devices),
            counters=dict(counters or {}),
        )
        self._told, self._links, self._switches, self._devices = now, links, switches, looks
        return report


def in_parts(report: VitalsReport) -> Iterator[VitalsReport]:
    """The report in messages of a size that the journal carries (1 MB): readings follow the rest, some at a time."""
    readings = list(report.latest.items())
    parts: list[dict[str, list[LatestReading]]] = [{}]
    count = 0
    for site_id, told in readings:
        if count and count + len(told) > READINGS_A_PART:
            parts.append({})
            count = 0
        parts[-1][site_id] = told[:READINGS_A_PART]
        count += len(told)
    apart = len(report.devices) > DEVICES_BESIDE  # with all sites' vitals and readings in it, the first is long enough
    yield msgspec.structs.replace(report, latest=parts[0], devices={} if apart else report.devices)
    if apart:
        yield VitalsReport(at_us=report.at_us, devices=report.devices, counters=report.counters)
    for part in parts[1:]:
        yield VitalsReport(at_us=report.at_us, latest=part, counters=report.counters)


def _changed(now: dict[str, _Told], before: dict[str, _Told]) -> dict[str, _Told]:
    return {id: state for id, state in now.items() if before.get(id) != state}


def _site(
    site: SiteNode,
    topology: Topology,
    latches: Latches,
    readings: Readings,
    forecast: Mapping[str, Any] | None,
    shed_step: int,
) -> Vitals:
    sources = {source.kind: f"power_source:{source.id}" for source in topology.sources_at(site.id)}
    here = f"site:{site.id}"
    cabinet = f"cabinet:{site.id}"

    def read(quantity: str, *kinds: str) -> float | None:
        for subject in (*(sources[kind] for kind in kinds if kind in sources), here):
            value = readings.fresh(subject, quantity)
            if value is not None:
                return value
        return None

    grid = read("grid_present", "grid")
    if grid is None and latches.is_active("grid_lost", here):
        grid = 0.0
    charge = read("state_of_charge_pct", "battery")
    known: Callable[[str], Any] = lambda name: forecast.get(name) if forecast is not None else None  # noqa: E731
    silent = latches.active.get(("telemetry_silent", here))
    temperature = readings.fresh(cabinet, "cabinet_temperature_c")
    door = readings.fresh(cabinet, "cabinet_door_open")
    dark_at_us = known("dark_at_us")
    return Vitals(
        id=site.id,
        grid=None if grid is None else bool(grid),
        state_of_charge_pct=None if charge is None else round(charge),
        hours_left=_half(known("hours_left")),
        hours_left_low=_half(known("hours_left_low")),
        hours_left_high=_half(known("hours_left_high")),
        dark_at_us=None if dark_at_us is None else round(dark_at_us / 600e6) * 600_000_000,
        dark_before_morning=bool(known("dark_before_morning")),
        solar_power_w=_five(read("solar_power_w", "solar")),
        load_power_w=_five(read("load_power_w", "battery", "grid", "solar")),
        cabinet_temperature_c=None if temperature is None else round(temperature),
        door_open=None if door is None else bool(door),
        silent_since_us=silent.since_us if silent is not None else None,
        shed_step=shed_step,
    )


def _half(hours: float | None) -> float | None:
    """To half an hour: what changes each minute tells nobody anything."""
    return None if hours is None else round(hours * 2) / 2


def _five(watts: float | None) -> float | None:
    return None if watts is None else float(round(watts / 5) * 5)


def _link(link_id: str, latches: Latches, readings: Readings) -> str:
    subject = f"link:{link_id}"
    if latches.is_active("link_down", subject):
        return "down"
    if latches.is_active("optical_low", subject) or latches.is_active("link_loss", subject):
        return "degraded"
    up = readings.fresh(subject, "link_up")
    if up is None:
        up = readings.fresh(subject, "reachable")
    return "unknown" if up is None else "up" if up else "down"


def _switch(switch_id: str, topology: Topology, latches: Latches, readings: Readings) -> str:
    subject = f"switch:{switch_id}"
    if latches.is_active("switch_unreachable", subject):
        return "down"
    up = readings.fresh(subject, "switch_up")
    if up is None and (readings.fresh(subject, "reachable") or readings.fresh(subject, "uptime_s") is not None):
        up = 1.0
    if up is None:
        # A camera that plays proves its switch; one that does not proves nothing.
        return "unknown"
    return "up" if up else "down"
