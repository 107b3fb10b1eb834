"""Battery forecasts of all sites, each minute where it matters: puts `network/power/battery.py` to work.

What a site's load usually is and how clear its sky has been are learned from the measurements of the last weeks, once
an hour in a thread (`learn`); the forecast itself (`forecasts`) reads only memory. Sites on the grid with a full
battery change slowly and are looked at each ten minutes. Called by `role.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from manara.network.health.topology import Topology
from manara.network.infrastructure.tables import PowerSource
from manara.network.power import battery, solar

LEARN_HOURS = 14 * 24
ON_GRID_EVERY = 10  # minutes
FRESH_S = 1800.0  # a state of charge older than this is no ground for a forecast


class Point(Protocol):
    """A mean over an hour."""

    @property
    def at_us(self) -> int: ...
    @property
    def mean(self) -> float: ...


class History(Protocol):
    """What `store.measurements.Measurements` offers."""

    def last_hours(
        self, subjects: Sequence[str], quantity: str, hours: int, now_us: int
    ) -> Mapping[str, Sequence[Point]]:
        """Hourly means of the last hours, by subject."""
        ...


class Facts(Protocol):
    """What `telemetry_rules.SiteFacts` offers."""

    def value(self, subject: str, quantity: str) -> tuple[float, int] | None:
        """Value and time of the last believed reading of a site."""
        ...


@dataclass(slots=True)
class _Battery:
    capacity: battery.Capacity
    lat_deg: float
    lon_deg: float
    peak_w: float = 0.0
    profile: battery.LoadProfile | None = None
    clearness: solar.Clearness = field(default_factory=solar.Clearness)
    learned: battery.Capacity | None = None  # what it really holds, from hours without grid and sun


@dataclass(slots=True)
class Batteries:
    """All batteries of the network."""

    known: dict[str, _Battery] = field(default_factory=dict)  # by site
    faults: int = 0  # forecasts that could not be made of what the site tells
    _minute: int = 0
    _made: set[str] = field(default_factory=set)  # sites that had a forecast: before the first, none waits

    def read(self, session: Session, topology: Topology, now_us: int) -> None:
        """Which batteries there are; what was learned of them is kept."""
        rows = list(session.scalars(select(PowerSource)))
        peaks = {row.site_id: row.peak_w or 0.0 for row in rows if row.kind == "solar"}
        found = {}
        for row in rows:
            site = topology.sites.get(row.site_id)
            if row.kind != "battery" or not row.capacity_wh or site is None:
                continue
            capacity = battery.aged_capacity(row.capacity_wh, row.installed_us, now_us)
            made = _Battery(capacity, site.lat, site.lon, peaks.get(row.site_id, 0.0))
            before = self.known.get(row.site_id)
            if before is not None:
                made.profile, made.clearness, made.learned = before.profile, before.clearness, before.learned
            found[row.site_id] = made
        self.known = found

    def learn(self, history: History, topology: Topology, now_us: int) -> None:
        """Learn loads and skies from what was measured. Slow: for a thread, once an hour."""
        of_site: dict[str, dict[str, list[str]]] = {}
        for source in topology.sources.values():
            of_site.setdefault(source.site_id, {}).setdefault(source.kind, []).append(f"power_source:{source.id}")
        subjects = {id: [f"site:{id}", *(s for some in kinds.values() for s in some)] for id, kinds in of_site.items()}
        every = [subject for id in self.known for subject in subjects.get(id, [])]
        loads = history.last_hours(every, "load_power_w", LEARN_HOURS, now_us)
        suns = history.last_hours(every, "solar_power_w", LEARN_HOURS, now_us)
        charges = history.last_hours(every, "state_of_charge_pct", LEARN_HOURS, now_us)
        grids = history.last_hours(every, "grid_present", LEARN_HOURS, now_us)
        for site_id, one in self.known.items():
            mine = subjects.get(site_id, [])
            load = next((loads[subject] for subject in mine if loads.get(subject)), ())
            sun = next((suns[subject] for subject in mine if suns.get(subject)), ())
            charge = {p.at_us: p.mean for subject in mine for p in charges.get(subject, ())}
            if load:
                samples = [battery.LoadSample(point.at_us, point.mean) for point in load]
                one.profile = battery.learn_load(samples, one.lon_deg, now_us, load[-1].mean)
            if sun and one.peak_w:
                shone = [solar.SolarSample(point.at_us, point.mean, charge.get(point.at_us)) for point in sun]
                one.clearness = solar.learn_clearness(shone, one.lat_deg, one.lon_deg, one.peak_w, now_us)
            sun_w = {point.at_us: point.mean for point in sun}
            grid = {p.at_us: p.mean for subject in mine for p in grids.get(subject, ())}
            if not one.peak_w or sun:  # without the sun's share, what was drawn from the battery is not known
                hours = [
                    battery.PowerSample(
                        p.at_us, charge[p.at_us], p.mean, sun_w.get(p.at_us, 0.0), grid.get(p.at_us, 0.0)
                    )
                    for p in load
                    if p.at_us in charge
                ]
                found = battery.learn_capacity(hours, one.capacity)
                one.learned = None if found == one.capacity else found

    def forecasts(self, facts: Facts, now_us: int) -> dict[str, battery.Forecast]:
        """The forecasts that are due this minute, by site."""
        self._minute += 1
        found = {}
        for site_id, one in self.known.items():
            subject = f"site:{site_id}"
            charge = facts.value(subject, "state_of_charge_pct")
            load = facts.value(subject, "load_power_w")
            grid = facts.value(subject, "grid_present")
            if charge is None or load is None or now_us - charge[1] > FRESH_S * 1e6:
                continue
            on_grid = grid is not None and bool(grid[0])
            if on_grid and charge[0] > 60 and site_id in self._made and self._minute % ON_GRID_EVERY != 1:
                continue
            try:
                found[site_id] = battery.forecast(
                    now_us,
                    lat_deg=one.lat_deg,
                    lon_deg=one.lon_deg,
                    state_of_charge_pct=charge[0],
                    load_w=load[0],
                    capacity=one.learned or one.capacity,
                    profile=one.profile,
                    panel=battery.Panel(one.peak_w, one.clearness) if one.peak_w else None,
                    on_grid=on_grid,
                )
                self._made.add(site_id)
            except ValueError:
                self.faults += 1  # shown among the counters; the readings themselves were judged where they came in
        return found


def forecast_values(made: battery.Forecast) -> dict[str, Any]:
    """The columns of `battery_forecast`, without the site."""
    return {
        "at_us": made.at_us,
        "state_of_charge_pct": round(made.state_of_charge_pct, 1),
        "load_power_w": round(made.load_power_w, 1),
        "hours_left": round(made.hours_left, 2),
        "hours_left_low": round(made.hours_left_low, 2),
        "hours_left_high": round(made.hours_left_high, 2),
        "dark_at_us": made.dark_at_us,
        "dark_before_morning": made.dark_before_morning and not made.on_grid,
        "curve": [
            {
                "at_us": p.at_us,
                "low_pct": round(p.low_pct, 1),
                "soc_pct": round(p.soc_pct, 1),
                "high_pct": round(p.high_pct, 1),
            }
            for p in made.curve
        ],
    }
