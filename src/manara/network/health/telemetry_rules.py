"""Conditions from what sites tell: power, cabinet, switches, ports, links, silence. Pure; the time comes in.

Fed with each believed reading (`feed`), with how each device is doing (`devices`) and with the forecast of batteries
(`dark_before_morning`). A value that grows old ends nothing: a site that told of its lost grid and then fell silent
still has no grid. `SiteFacts` keeps the few last readings that rules of causes ask for. Thresholds are data with their
reasons. Called by `monitor.py`; tells `conditions.Latches`.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from manara.messages import Reading
from manara.network.health.beginnings import Beginnings
from manara.network.health.conditions import Latches, S
from manara.network.health.kinds import parts, subject
from manara.network.health.normals import median
from manara.network.health.topology import Topology
from manara.network.power.solar import clear_w
from manara.network.telemetry.quantities import QUANTITIES

GRID_ON_S, GRID_OFF_S = 3.0, 30.0  # a grid that comes and goes is told once
GRID_GONE_PART, GRID_BACK_PART = 0.7, 0.85  # EN 50160: supply within ±10 % (-15 % for a few); below 70 % nothing runs
BATTERY_GONE_V = 1.0
EMPTY_PART, EMPTY_BACK_PART = 0.92, 1.0  # controllers cut lead batteries off at 10.8 to 11.1 V of 12
EMPTY_SOC_PCT, EMPTY_BACK_PCT = 5.0, 12.0
CHARGE_S = 12 * 3600.0  # an empty battery is full again after this long on the grid
LOW_SOC_PCT, LOW_BACK_PCT = 20.0, 30.0
EMPTY_ON_S, LOW_ON_S, BATTERY_OFF_S = 20.0, 30.0, 60.0
SOLAR_PART, SOLAR_BACK_PART = 0.02, 0.06  # of a clear sky; the thickest dust leaves a tenth
SOLAR_SUN_PART = 0.35  # judged only while a clear sky would give this part of the panel's peak
SOLAR_ON_S, SOLAR_OFF_S = 600.0, 120.0
FULL_SOC_PCT = 95.0  # a full battery takes nothing
DOOR_ON_S, DOOR_OFF_S = 2.0, 5.0
# A cabinet warms over minutes: a second reading that says the same is proof enough, whatever the poll interval is.
HOT_ON_S, HOT_OFF_S, HOT_BACK_C = 5.0, 60.0, 4.0
FAN_RPM, FAN_BACK_RPM, FAN_FROM_C = 100.0, 300.0, 40.0  # fans run by thermostat; below this they may rest
FAN_ON_S, FAN_OFF_S = 5.0, 60.0  # a fan starts within two seconds: two readings of a warm cabinet are enough
PORT_ON_S, PORT_OFF_S = 5.0, 5.0
LINK_OFF_S = 10.0
SWITCH_OFF_S = 10.0
RX_LOW_DBM, RX_BACK_DB = -25.0, 1.0  # 1000BASE-LX receivers see down to -19 … -24 dBm (IEEE 802.3 clause 38)
OPTICAL_ON_S, OPTICAL_OFF_S = 20.0, 60.0
LOSS_ON_PCT, LOSS_OFF_PCT, LOSS_ON_S, LOSS_OFF_S = 2.0, 0.5, 20.0, 60.0
UNREACHABLE_ON_S, UNREACHABLE_OFF_S = 15.0, 5.0
SHED_SETTLES_S = 15.0  # what is shed is looked at each 10 s, and carried out within seconds

# Told by somebody else about the site: that it does not answer is not a sign of its life.
_ABOUT = frozenset({"reachable", "loss_pct", "rtt_ms", "link_up"})
_THINGS = frozenset({"switch_up", "link_up"})
_KEPT = frozenset({"state_of_charge_pct", "grid_present", "load_power_w"})


def _told(reading: Reading) -> dict[str, object]:
    """What a condition says of the reading that made it so."""
    return {"value": reading.value, "unit": QUANTITIES[reading.quantity].unit}


@dataclass(slots=True)
class SiteFacts:
    """The last readings that rules of causes ask for; times are those of arrival. One entry a site and quantity."""

    _of_site: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)
    _things: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)  # switches and links
    _heard: dict[str, int] = field(default_factory=dict)
    _loads: dict[str, deque[tuple[int, float]]] = field(default_factory=dict)
    _shed_us: dict[str, deque[int]] = field(default_factory=dict)  # when the site last shed, or took it back

    def take(self, reading: Reading, at_us: int) -> bool:
        """Keep a believed reading; True where the site itself told it."""
        site_id, quantity = reading.site_id, reading.quantity
        if quantity in _KEPT:
            self._of_site[site_id, quantity] = (reading.value, at_us)
            if quantity == "load_power_w":
                self._loads.setdefault(site_id, deque(maxlen=24)).append((at_us, reading.value))
        elif quantity in _THINGS:
            self._things[reading.subject, quantity] = (reading.value, at_us)
        if quantity in _ABOUT:
            return False
        self._heard[site_id] = at_us
        return True

    def value(self, subject: str, quantity: str) -> tuple[float, int] | None:
        """Value and time of the last believed reading of a site's power, or of a switch."""
        if quantity in _THINGS:
            return self._things.get((subject, quantity))
        return self._of_site.get((subject.removeprefix("site:"), quantity))

    def heard_us(self, site_id: str) -> int:
        """When the site itself last told anything, 0 when never."""
        return self._heard.get(site_id, 0)

    def shed(self, site_id: str, at_us: int) -> None:
        """The site's step of shedding changed: its load does so too."""
        self._shed_us.setdefault(site_id, deque(maxlen=8)).append(at_us)

    def load_drop(self, site_id: str, at_us: int) -> float | None:
        """Which part of its load the site lost at `at_us`; None where there is no reading from before or after.

        Readings from before a change of what is shed are not compared with those from after it.
        """
        loads = self._loads.get(site_id, ())
        sheds = self._shed_us.get(site_id, ())
        settles_us = round(SHED_SETTLES_S * S)
        from_us = max((one + settles_us for one in sheds if one <= at_us), default=0)
        until_us = min((one - settles_us for one in sheds if one > at_us), default=at_us + 86_400 * S)
        before = [value for told_us, value in loads if from_us <= told_us <= at_us][-5:]
        after = [value for told_us, value in loads if at_us + 6 * S < told_us < until_us][:5]
        if not before or not after or median(before) <= 0:
            return None
        return max(0.0, 1 - median(after) / median(before))


@dataclass(frozen=True, slots=True)
class DeviceLook:
    """How a telemetry device is doing: `ok`, `silent`, `unreadable`, `waiting`."""

    device_id: str
    site_id: str
    state: str
    since_us: int
    why: str = ""


@dataclass(slots=True)
class TelemetryRules:
    """The rules of all sites."""

    latches: Latches
    topology: Topology
    beginnings: Beginnings = field(default_factory=Beginnings)
    _spared: set[tuple[str, str]] = field(default_factory=set)  # devices that failed before they were ever heard
    _rules: dict[str, Callable[[Reading, int], None]] = field(default_factory=dict)
    _temperature_c: dict[str, float] = field(default_factory=dict)  # of cabinets, by site
    _charge_pct: dict[str, float] = field(default_factory=dict)  # by site
    _empty: dict[tuple[str, str], bool] = field(default_factory=dict)  # by site and what says so: voltage, charge
    _grid: dict[str, float] = field(default_factory=dict)  # by site: what was told last
    _grid_back_us: dict[str, int] = field(default_factory=dict)
    _grid_told: set[str] = field(default_factory=set)  # subjects that say themselves whether there is grid

    def __post_init__(self) -> None:
        self._rules = {
            "grid_present": self._grid_present,
            "grid_voltage_v": self._grid_voltage,
            "battery_present": self._battery_present,
            "battery_voltage_v": self._battery_voltage,
            "state_of_charge_pct": self._charge,
            "solar_power_w": self._solar,
            "cabinet_door_open": self._door,
            "cabinet_temperature_c": self._cabinet,
            "fan_rpm": self._fan,
            "switch_up": self._switch,
            "port_up": self._port,
            "link_up": self._link,
            "optical_rx_dbm": self._light,
            "loss_pct": self._loss,
            "reachable": self._reachable,
        }

    def feed(self, reading: Reading, at_us: int) -> None:
        """One believed reading, that came at `at_us`."""
        rule = self._rules.get(reading.quantity)
        if rule is not None:
            rule(reading, at_us)

    def devices(self, looks: Iterable[DeviceLook], at_us: int) -> None:
        """How all devices are doing: a site whose devices are all silent is silent itself."""
        by_site: dict[str, list[DeviceLook]] = {}
        for look in looks:
            by_site.setdefault(look.site_id, []).append(look)
        for site_id, here in by_site.items():
            gone = [look for look in here if look.state in ("silent", "unreadable")]
            known = [look for look in here if look.state != "waiting"]
            silent = bool(gone) and len(gone) == len(known)
            since_us = max((look.since_us for look in gone), default=at_us) if silent else at_us
            site = subject("site", site_id)
            if known and not silent:
                self.beginnings.well(site)
            wait_s = self.beginnings.wait_s(site, at_us) if silent else 0.0
            reasons = {look.why for look in gone}
            detail = {"cause": reasons.pop() if len(reasons) == 1 else ""}  # where it is the same of all its devices
            self.latches.feed("telemetry_silent", site, silent, at_us, on_s=wait_s, since_us=since_us, detail=detail)
            for look in here:
                of, kind = subject("device", look.device_id), "device_unreadable"
                device = self.topology.devices.get(look.device_id)
                if device is not None and device.switch_id:
                    of, kind = subject("switch", device.switch_id), "switch_unreachable"
                elif silent:
                    continue  # said of the site already
                so = look in gone
                wait_s = self._begins_s(of, look.state != "ok", at_us)
                if so or (kind, of) in self._spared or self.latches.is_active(kind, of):
                    detail = {"cause": look.why}
                    self.latches.feed(
                        kind, of, so, at_us, on_s=wait_s, off_s=5.0, since_us=look.since_us, detail=detail
                    )
                if so and wait_s:
                    self._spared.add((kind, of))
                elif not so:
                    self._spared.discard((kind, of))

    def dark_before_morning(self, site_id: str, so: bool, hours_left: float | None, at_us: int) -> None:
        """The forecast of a site's battery."""
        detail = (
            {"value": round(hours_left, 1), "unit": "h", "cause": "forecast"}
            if hours_left is not None
            else {"cause": "forecast"}
        )
        charge = self._charge_pct.get(site_id)
        on_grid = self._grid.get(site_id) == 1
        low = so or (charge is not None and charge <= LOW_SOC_PCT and not on_grid)
        rest = not so and (charge is None or charge >= LOW_BACK_PCT or on_grid)
        verdict = True if low else False if rest else None
        self.latches.feed("battery_low", subject("site", site_id), verdict, at_us, off_s=BATTERY_OFF_S, detail=detail)

    def forget_site(self, site_id: str) -> None:
        """The site is gone."""
        self._temperature_c.pop(site_id, None)
        self._charge_pct.pop(site_id, None)

    def _begins_s(self, of: str, bad: bool, at_us: int) -> float:
        """How long something bad that is said of a thing waits, because it has never yet been well."""
        if bad:
            return self.beginnings.wait_s(of, at_us)
        self.beginnings.well(of)
        return 0.0

    # ---- power

    def _grid_present(self, reading: Reading, at_us: int) -> None:
        self._grid_told.add(reading.site_id)
        if reading.value and self._grid.get(reading.site_id) == 0:
            self._grid_back_us[reading.site_id] = at_us
        self._grid[reading.site_id] = reading.value
        self._judge_grid(reading, reading.value == 0, at_us)

    def _grid_voltage(self, reading: Reading, at_us: int) -> None:
        if reading.site_id in self._grid_told:
            return
        source = self.topology.sources.get(parts(reading.subject)[1])
        nominal = (source.nominal_v if source is not None else None) or 230.0
        part = reading.value / nominal
        self._judge_grid(reading, True if part < GRID_GONE_PART else False if part > GRID_BACK_PART else None, at_us)

    def _judge_grid(self, reading: Reading, so: bool | None, at_us: int) -> None:
        self.latches.feed(
            "grid_lost", subject("site", reading.site_id), so, at_us, on_s=GRID_ON_S, off_s=GRID_OFF_S,
            since_us=reading.at_us,
        )  # fmt: skip

    def _battery_present(self, reading: Reading, at_us: int) -> None:
        of = subject("site", reading.site_id)
        self.latches.feed("battery_missing", of, reading.value == 0, at_us, off_s=BATTERY_OFF_S, since_us=reading.at_us)

    def _battery_voltage(self, reading: Reading, at_us: int) -> None:
        of = subject("site", reading.site_id)
        gone = reading.value < BATTERY_GONE_V
        # The controller still measures, so something feeds it: the battery is what is missing.
        if gone or self.latches.is_active("battery_missing", of):
            self.latches.feed(
                "battery_missing", of, gone, at_us, on_s=2.0, off_s=BATTERY_OFF_S, since_us=reading.at_us,
                detail=_told(reading),
            )  # fmt: skip
        source = self.topology.sources.get(parts(reading.subject)[1])
        if gone or source is None or not source.nominal_v:
            return
        part = reading.value / source.nominal_v
        so = True if part < EMPTY_PART else False if part > EMPTY_BACK_PART else None
        self._is_empty(reading, "voltage", so, at_us)

    def _is_empty(self, reading: Reading, says: str, so: bool | None, at_us: int) -> None:
        """Either voltage or charge may say so; both must take it back."""
        site_id = reading.site_id
        if so is not None:
            self._empty[site_id, says] = so
        elif not self._empty.get((site_id, says), False):
            self._empty[site_id, says] = False
        charging = self._grid.get(site_id) == 1 and at_us - self._grid_back_us.get(site_id, 0) < CHARGE_S * S
        either = not charging and any(self._empty.get((site_id, one), False) for one in ("voltage", "charge"))
        of = subject("site", site_id)
        if either or self.latches.is_active("battery_empty", of) or so is False:
            self.latches.feed(
                "battery_empty",
                of,
                either,
                at_us,
                on_s=EMPTY_ON_S,
                off_s=BATTERY_OFF_S,
                confirm=True,
                detail=_told(reading),
            )

    def _charge(self, reading: Reading, at_us: int) -> None:
        of = subject("site", reading.site_id)
        self._charge_pct[reading.site_id] = reading.value
        detail = _told(reading)
        empty = True if reading.value <= EMPTY_SOC_PCT else False if reading.value >= EMPTY_BACK_PCT else None
        self._is_empty(reading, "charge", empty, at_us)
        on_grid = self._grid.get(reading.site_id) == 1  # then a low charge is being mended
        so = (
            False
            if on_grid
            else True
            if reading.value <= LOW_SOC_PCT
            else False
            if reading.value >= LOW_BACK_PCT
            else None
        )
        if so is False and self.latches.is_active("battery_low", of):
            condition = self.latches.active["battery_low", of]
            if condition.detail.get("cause") == "forecast" and not on_grid:
                return  # the forecast said so, the forecast takes it back
        if so is not None:
            self.latches.feed(
                "battery_low", of, so, at_us, on_s=LOW_ON_S, off_s=BATTERY_OFF_S, confirm=True, detail=detail
            )

    def _solar(self, reading: Reading, at_us: int) -> None:
        of = subject("site", reading.site_id)
        source = self.topology.sources.get(parts(reading.subject)[1])
        site = self.topology.sites.get(reading.site_id)
        if source is None or site is None or not source.peak_w:
            return
        clear = clear_w(site.lat, site.lon, source.peak_w, at_us)
        charge = self._charge_pct.get(reading.site_id)
        if clear < SOLAR_SUN_PART * source.peak_w or (charge is not None and charge >= FULL_SOC_PCT):
            self.latches.feed("solar_failed", of, None, at_us)
            return
        part = reading.value / clear
        so = True if part < SOLAR_PART else False if part > SOLAR_BACK_PART else None
        self.latches.feed(
            "solar_failed",
            of,
            so,
            at_us,
            on_s=SOLAR_ON_S,
            off_s=SOLAR_OFF_S,
            confirm=True,
            detail=_told(reading),
        )

    # ---- cabinet

    def _door(self, reading: Reading, at_us: int) -> None:
        of = subject("cabinet", reading.site_id)
        self.latches.feed(
            "cabinet_door_open", of, reading.value == 1, at_us, on_s=DOOR_ON_S, off_s=DOOR_OFF_S, since_us=reading.at_us
        )

    def _cabinet(self, reading: Reading, at_us: int) -> None:
        site = self.topology.sites.get(reading.site_id)
        hot_c = site.hot_c if site is not None else 65.0
        self._temperature_c[reading.site_id] = reading.value
        so = True if reading.value > hot_c else False if reading.value < hot_c - HOT_BACK_C else None
        self.latches.feed(
            "cabinet_hot", subject("cabinet", reading.site_id), so, at_us, on_s=HOT_ON_S, off_s=HOT_OFF_S,
            confirm=True, detail=_told(reading),
        )  # fmt: skip

    def _fan(self, reading: Reading, at_us: int) -> None:
        site = self.topology.sites.get(reading.site_id)
        of = subject("cabinet", reading.site_id)
        warm = self._temperature_c.get(reading.site_id, 0.0) >= FAN_FROM_C
        if site is None or not site.has_fan:
            return
        so = True if reading.value < FAN_RPM and warm else False if reading.value > FAN_BACK_RPM else None
        self.latches.feed(
            "fan_failed", of, so, at_us, on_s=FAN_ON_S, off_s=FAN_OFF_S, confirm=True, detail=_told(reading)
        )

    # ---- network

    def _switch(self, reading: Reading, at_us: int) -> None:
        self.latches.feed(
            "switch_unreachable", reading.subject, reading.value == 0, at_us,
            on_s=self._begins_s(reading.subject, reading.value == 0, at_us), off_s=SWITCH_OFF_S, since_us=reading.at_us,
        )  # fmt: skip

    def _port(self, reading: Reading, at_us: int) -> None:
        port = parts(reading.subject)[1]
        if port in self.topology.port_camera or port in self.topology.port_link:
            on_s = max(PORT_ON_S, self._begins_s(reading.subject, reading.value == 0, at_us))
            self.latches.feed(
                "port_down", reading.subject, reading.value == 0, at_us, on_s=on_s, off_s=PORT_OFF_S,
                since_us=reading.at_us,
            )  # fmt: skip

    def _link(self, reading: Reading, at_us: int) -> None:
        self.latches.feed(
            "link_down", reading.subject, reading.value == 0, at_us,
            on_s=self._begins_s(reading.subject, reading.value == 0, at_us), off_s=LINK_OFF_S, since_us=reading.at_us,
        )  # fmt: skip

    def _light(self, reading: Reading, at_us: int) -> None:
        noun, row_id = parts(reading.subject)
        link_id = row_id if noun == "link" else self.topology.port_link.get(row_id, "")
        link = self.topology.links.get(link_id)
        if link is None:
            return
        of = subject("link", link_id)
        if self.latches.is_active("link_down", of):
            self.latches.feed("optical_low", of, None, at_us)  # a cut fibre is dark: no news
            return
        low = link.rx_low_dbm if link.rx_low_dbm is not None else RX_LOW_DBM
        so = True if reading.value < low else False if reading.value > low + RX_BACK_DB else None
        self.latches.feed(
            "optical_low",
            of,
            so,
            at_us,
            on_s=OPTICAL_ON_S,
            off_s=OPTICAL_OFF_S,
            confirm=True,
            detail=_told(reading),
        )

    def _loss(self, reading: Reading, at_us: int) -> None:
        if not reading.subject.startswith("link:"):
            return
        if self.latches.is_active("link_down", reading.subject):
            self.latches.feed("link_loss", reading.subject, None, at_us)
            return
        so = True if LOSS_ON_PCT < reading.value < 100 else False if reading.value < LOSS_OFF_PCT else None
        self.latches.feed(
            "link_loss",
            reading.subject,
            so,
            at_us,
            on_s=LOSS_ON_S,
            off_s=LOSS_OFF_S,
            confirm=True,
            detail=_told(reading),
        )

    def _reachable(self, reading: Reading, at_us: int) -> None:
        noun, _ = parts(reading.subject)
        kind = {"site": "site_unreachable", "switch": "switch_unreachable", "link": "link_down"}.get(noun)
        if kind is not None:
            on_s = max(UNREACHABLE_ON_S, self._begins_s(reading.subject, reading.value == 0, at_us))
            self.latches.feed(
                kind, reading.subject, reading.value == 0, at_us, on_s=on_s, off_s=UNREACHABLE_OFF_S,
                since_us=reading.at_us,
            )  # fmt: skip
