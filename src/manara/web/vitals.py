"""What the `health` role tells of the sites each few seconds, brought to the screens; held in memory only.

Vitals of sites, states of links and switches, and the latest readings (for the page of a site). When `health` falls
silent, what it said must not pass for present: every site is shown as silent since it was last heard, links and
switches as `unknown`, and `silent_since_us` feeds the warning that all see. Fed with `VitalsReport` by `wiring.py`;
writes into `live.Hub`. Bound: only sites, links and switches that the state knows are kept; of a site at most
`READINGS_MOST` readings.
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from manara.base.clock import Clock
from manara.messages import DeviceTold, LatestReading, Vitals, VitalsReport
from manara.web.live import Hub

SILENT_S = 20.0  # `health` reports at least every 5 s, changed or not
READINGS_MOST = 2_000
UNKNOWN = "unknown"


@dataclass(slots=True)
class SiteVitals:
    """The last of every site."""

    hub: Hub
    clock: Clock
    unknown: int = 0  # told of sites, links or switches that the state does not know
    dropped: int = 0  # readings beyond the bound of a site
    counters: dict[str, int] = field(default_factory=dict)
    silent_since_us: int | None = None  # since when `health` is not heard; None while it is
    _heard_s: float | None = None
    _heard_us: int = 0
    _vitals: dict[str, Vitals] = field(default_factory=dict)
    _states: dict[tuple[str, str], str] = field(default_factory=dict)  # ("link", id) → up, down …
    _latest: dict[str, dict[tuple[str, str], LatestReading]] = field(default_factory=dict)

    _devices: dict[str, DeviceTold] = field(default_factory=dict)

    def take(self, report: VitalsReport) -> None:
        """What changed at the sites, or all of it."""
        self._heard_s, self._heard_us = self.clock.monotonic_s(), self.clock.wall_us()
        self.counters = report.counters
        woke = self.silent_since_us is not None
        self.silent_since_us = None
        if report.complete:
            told = {vitals.id for vitals in report.vitals}
            for site_id in [id for id in self._vitals if id not in told]:
                del self._vitals[site_id]
                self.hub.delete("vitals", site_id)
            self._latest.clear()
            self._devices.clear()
        for vitals in report.vitals:
            if self._known("site", vitals.id):
                self._vitals[vitals.id] = vitals
                self.hub.put("vitals", vitals.id, msgspec.to_builtins(vitals))
        for kind, states in (("link", report.links), ("switch", report.switches)):
            for row_id, state in states.items():
                if self._known(kind, row_id):
                    self._states[kind, row_id] = state
                    self._show_state(kind, row_id)
        self._devices.update(report.devices)
        for site_id, readings in report.latest.items():
            if self._known("site", site_id):
                self._remember(site_id, readings)
        if woke:
            self._show_all()

    def tick(self) -> None:
        """Once a second: judge whether `health` is heard, and forget sites that are gone."""
        if self._heard_s is None:
            self._heard_s, self._heard_us = self.clock.monotonic_s(), self.clock.wall_us()  # from the start of control
        if self.silent_since_us is None and self.clock.monotonic_s() - self._heard_s > SILENT_S:
            self.silent_since_us = self._heard_us
            self._show_all()
        for site_id in [id for id in self._vitals if not self.hub.has("site", id)]:
            del self._vitals[site_id]
            self.hub.delete("vitals", site_id)
        for site_id in [id for id in self._latest if not self.hub.has("site", id)]:
            del self._latest[site_id]
        for key in [key for key in self._states if not self.hub.has(*key)]:
            del self._states[key]

    def state(self, kind: str, row_id: str) -> str:
        """How a `link` or `switch` is: up, down, degraded or unknown."""
        if self.silent_since_us is not None:
            return UNKNOWN
        return self._states.get((kind, row_id), UNKNOWN)

    def device(self, device_id: str) -> dict[str, Any]:
        """How a telemetry device is doing: `state` (ok, silent, unreadable, waiting, unknown), `since_us`, `why`."""
        told = self._devices.get(device_id)
        if told is None or self.silent_since_us is not None:
            return {"state": UNKNOWN, "since_us": self.silent_since_us, "why": ""}
        return {"state": told.state, "since_us": told.since_us, "why": told.why}

    def of(self, site_id: str) -> dict[str, Any] | None:
        """The vitals of a site as shown, None where nothing was told."""
        vitals = self._vitals.get(site_id)
        return None if vitals is None else self._shown(vitals)

    def all(self) -> list[dict[str, Any]]:
        """The vitals of all sites as shown."""
        return [self._shown(vitals) for vitals in self._vitals.values()]

    def latest(self, site_id: str) -> list[LatestReading]:
        """The latest readings of a site, believed or refused, by subject and quantity."""
        kept = self._latest.get(site_id, {})
        return [kept[key] for key in sorted(kept)]

    def _known(self, kind: str, row_id: str) -> bool:
        if self.hub.has(kind, row_id):
            return True
        self.unknown += 1
        return False

    def _remember(self, site_id: str, readings: list[LatestReading]) -> None:
        kept = self._latest.setdefault(site_id, {})
        for reading in readings:
            key = (reading.subject, reading.quantity)
            if key in kept or len(kept) < READINGS_MOST:
                kept[key] = reading
            else:
                self.dropped += 1

    def _shown(self, vitals: Vitals) -> dict[str, Any]:
        if self.silent_since_us is not None and vitals.silent_since_us is None:
            vitals = msgspec.structs.replace(vitals, silent_since_us=self.silent_since_us)
        shown: dict[str, Any] = msgspec.to_builtins(vitals)
        return shown

    def _show_state(self, kind: str, row_id: str) -> None:
        value = self.hub.value(kind, row_id)
        if value is not None:
            self.hub.put(kind, row_id, value | {"state": self.state(kind, row_id)})

    def _show_all(self) -> None:
        for site_id, vitals in self._vitals.items():
            self.hub.put("vitals", site_id, self._shown(vitals))
        for kind, row_id in list(self._states):
            self._show_state(kind, row_id)
