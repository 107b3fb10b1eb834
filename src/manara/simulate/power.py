"""A pole's power and its cabinet's air: sun, clouds, grid with its outages, panel, battery, load, fan. Pure.

No clock and no I/O: `step` is told what time it is and how much has passed, so a test can live through a night in a
millisecond. Rough but honest physics: energy is conserved, a battery's voltage sags under load and falls steeply when
it is nearly empty, a panel gives nothing at night, a cabinet follows the air with a lag. Called by `estate.py`.
Sources: Cooper's declination; Haurwitz clear-sky irradiance; outages as reported for the south of Iraq (four hours on,
two off, worse in summer).
"""

import hashlib
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime

_SHORTED_CELLS = 2 / 12  # of a failed battery's voltage
_CUT_OFF_PCT = 2.0  # the charge controller disconnects the load here
_RECONNECT_PCT = 6.0
_CHARGER_W = 240.0  # of the grid's charger
_BOX_W = 14.0  # switch and telemetry box
_FAN_ON_C, _FAN_OFF_C, _FAN_W, _FAN_RPM = 38.0, 33.0, 5.0, 2400.0
_CABINET_LAG_S = 1500.0
_NIGHT_IR_W = 4.0  # a camera's infrared


def noise(*parts: object) -> float:
    """A number from -1 to 1 that depends on `parts` alone."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") / 0x7FFFFFFF - 1.0


def sun_height(lat: float, lon: float, at_us: int) -> float:
    """Sine of the sun's height over the horizon; negative at night."""
    at = datetime.fromtimestamp(at_us / 1e6, UTC)
    day = at.timetuple().tm_yday
    declination = math.radians(23.45) * math.sin(math.tau * (284 + day) / 365)
    hour = at.hour + at.minute / 60 + at.second / 3600 + lon / 15
    angle = math.radians(15 * (hour - 12))
    here = math.radians(lat)
    return math.sin(here) * math.sin(declination) + math.cos(here) * math.cos(declination) * math.cos(angle)


def clear_sky_w_m2(height: float) -> float:
    """Irradiance on the ground without clouds."""
    return 1098.0 * height * math.exp(-0.057 / height) if height > 0.01 else 0.0


def cloud_share(seed: int, at_us: int) -> float:
    """Share of the light that clouds take, 0 to 0.7, changing over hours; most hours are clear."""
    hour = at_us / 3_600_000_000
    first = math.floor(hour)
    share = hour - first
    here = noise(seed, "cloud", first) * (1 - share) + noise(seed, "cloud", first + 1) * share
    return max(0.0, min(0.7, here * 1.2 - 0.35))


def air_c(at_us: int, lon: float) -> float:
    """Air in the shade: a mean of the season and a swing of the day (Nasiriyah: 12 °C in January, 37 °C in July)."""
    at = datetime.fromtimestamp(at_us / 1e6, UTC)
    season = 24.5 - 12.5 * math.cos(math.tau * (at.timetuple().tm_yday - 15) / 365)
    hour = at.hour + at.minute / 60 + lon / 15
    return season + 7.5 * math.cos(math.tau * (hour - 15) / 24)


def grid_on(feeder: int, at_us: int) -> bool:
    """The programme of a feeder's outages: six hours in turn, two of them (three in summer) without grid."""
    at = datetime.fromtimestamp(at_us / 1e6, UTC)
    off_h = 3.0 if 5 <= at.month <= 9 else 2.0
    return (at_us / 3_600_000_000 + feeder * 1.7) % 6.0 >= off_h


@dataclass(slots=True)
class PowerFaults:
    """What is wrong with a site's power and cabinet."""

    grid_lost: bool = False
    battery_stolen: bool = False
    battery_failed: bool = False
    battery_drained: bool = False  # what is left goes within seconds
    solar_failed: bool = False
    dust_share: float = 0.0  # of the light that dust in the air takes
    door_open: bool = False
    fan_failed: bool = False
    heat_c: float = 0.0


@dataclass(slots=True)
class SitePower:
    """One site. `powered` is what everything else at the site hangs on."""

    lat: float
    lon: float
    capacity_wh: float
    solar_peak_w: float
    nominal_v: float
    seed: int
    feeder: int
    camera_load_w: float  # of all its cameras
    cameras: int
    faults: PowerFaults = field(default_factory=PowerFaults)
    charge_wh: float = 0.0
    powered: bool = True
    grid: bool = True
    outages: bool = True
    solar_w: float = 0.0
    load_w: float = 0.0
    battery_w: float = 0.0  # into the battery
    cabinet_c: float = 25.0
    fan: bool = False
    load_share: float = 1.0  # shedding makes it less

    def __post_init__(self) -> None:
        self.charge_wh = self.capacity_wh * 0.8

    @property
    def battery(self) -> bool:
        """Whether there is one that holds charge."""
        return self.capacity_wh > 0 and not self.faults.battery_stolen

    @property
    def charge_pct(self) -> float:
        """State of charge."""
        return 100.0 * self.charge_wh / self.capacity_wh if self.battery else 0.0

    @property
    def battery_v(self) -> float:
        """At its poles, under the present current."""
        if not self.battery:
            return 0.0
        full = self.charge_pct / 100
        rest = 0.93 + 0.12 * full + 0.05 * full**8 - 0.10 * math.exp(-full * 22)
        rest -= _SHORTED_CELLS if self.faults.battery_failed else 0.0
        sag = self.battery_w / max(200.0, self.capacity_wh) * (0.5 if self.faults.battery_failed else 0.08)
        return self.nominal_v * (rest + max(-0.25, min(0.12, sag)))

    @property
    def battery_a(self) -> float:
        """Positive while it charges."""
        return self.battery_w / self.battery_v if self.battery_v > 1 else 0.0

    def settle(self, at_us: int, hours: float = 36.0) -> None:
        """Live through the time before `at_us`, so that charge and temperature are what they would be."""
        outages, self.outages = self.outages, True
        begin_us = at_us - round(hours * 3_600_000_000)
        self.cabinet_c = air_c(begin_us, self.lon)
        for minute in range(0, round(hours * 60), 10):
            self.step(begin_us + minute * 60_000_000, 600.0)
        self.outages = outages
        self.charge_wh = max(self.charge_wh, self.capacity_wh * 0.35)
        self.step(at_us, 1.0)

    def step(self, at_us: int, passed_s: float) -> None:
        """Let time pass."""
        faults = self.faults
        height = sun_height(self.lat, self.lon, at_us)
        light = clear_sky_w_m2(height) * (1 - cloud_share(self.seed, at_us)) * (1 - faults.dust_share)
        self.grid = not faults.grid_lost and (not self.outages or grid_on(self.feeder, at_us))
        sun_w = 0.0 if faults.solar_failed else self.solar_peak_w * light / 1000 * 0.85
        night_w = _NIGHT_IR_W * self.cameras if height < 0.05 else 0.0
        wanted_w = _BOX_W + (self.camera_load_w + night_w) * self.load_share + (_FAN_W if self.fan else 0.0)
        self._energy(wanted_w, sun_w, passed_s)
        self._air(at_us, light, passed_s)

    def _energy(self, wanted_w: float, sun_w: float, passed_s: float) -> None:
        room_wh = max(0.0, self.capacity_wh - self.charge_wh) if self.battery else 0.0
        if self.faults.battery_failed:  # cells that take no charge and give it up quickly
            room_wh = 0.0
        if self.faults.battery_drained and self.battery:
            self.charge_wh -= self.capacity_wh * passed_s / 300.0
        enough = self.grid or sun_w >= wanted_w
        reserve_pct = _CUT_OFF_PCT if self.powered else _RECONNECT_PCT
        self.powered = enough or (self.battery and self.charge_pct > reserve_pct)
        self.load_w = wanted_w if self.powered else 0.0
        fill = min(1.0, room_wh / (self.capacity_wh * 0.1)) if self.capacity_wh else 0.0
        most_w = fill * self.capacity_wh * 0.3  # a third of the capacity an hour, less when nearly full
        self.solar_w = min(sun_w, self.load_w + most_w) if self.battery or self.grid else 0.0
        grid_w = max(0.0, min(_CHARGER_W + self.load_w, self.load_w + most_w - self.solar_w)) if self.grid else 0.0
        self.battery_w = self.solar_w + grid_w - self.load_w if self.battery else 0.0
        if self.battery:
            drain = 8.0 if self.faults.battery_failed and self.battery_w < 0 else 1.0
            self.charge_wh += self.battery_w * drain * passed_s / 3600
            self.charge_wh = max(0.0, min(self.capacity_wh, self.charge_wh))

    def _air(self, at_us: int, light: float, passed_s: float) -> None:
        fan = self.fan if self.cabinet_c > _FAN_OFF_C else False
        self.fan = self.powered and not self.faults.fan_failed and (fan or self.cabinet_c > _FAN_ON_C)
        towards = air_c(at_us, self.lon) + 0.11 * self.load_w + 0.008 * light + self.faults.heat_c
        towards -= 5.0 if self.fan else 0.0
        lag_s = 20.0 if self.faults.heat_c else _CABINET_LAG_S
        self.cabinet_c += (towards - self.cabinet_c) * (1 - math.exp(-passed_s / lag_s))

    def readings(self) -> dict[str, dict[str, float]]:
        """What its sensors say now, by noun: power (by source) and cabinet. Booleans are 0 and 1."""
        here = self.battery
        grid = {"grid_present": float(self.grid), "grid_voltage_v": 230.0 + 6 * noise(self.seed, self.charge_wh)}
        if not self.grid:
            grid["grid_voltage_v"] = 0.0
        battery = {
            "battery_present": float(here),
            "battery_voltage_v": round(self.battery_v, 2),
            "battery_current_a": round(self.battery_a, 2),
            "state_of_charge_pct": round(self.charge_pct, 1),
            "load_power_w": round(self.load_w, 1),
            "battery_temperature_c": round(self.cabinet_c - 2, 1),
        }
        solar = {
            "solar_power_w": round(self.solar_w, 1),
            "solar_voltage_v": round(self.nominal_v * 1.3, 1) if self.solar_w > 0.5 else 0.0,
        }
        cabinet = {
            "cabinet_temperature_c": round(self.cabinet_c, 1),
            "cabinet_door_open": float(self.faults.door_open),
            "fan_rpm": round(_FAN_RPM + 60 * noise(self.seed, self.cabinet_c)) if self.fan else 0.0,
        }
        told = {"grid": {key: round(value, 1) for key, value in grid.items()}, "battery": battery, "cabinet": cabinet}
        if self.solar_peak_w:
            told["solar"] = solar
        if self.capacity_wh <= 0:
            del told["battery"]
        return told
