"""The catalogue of what site devices may tell: unit, range, age at which it is stale, of which things, how it rolls up.

`fault` judges one reading and says why it is not believed. Pure: no I/O, and the time comes in. Used by `latest.py`
(which keeps the last fault of each subject and quantity, so that nonsense is shown and not believed), by the mapping
files and by whoever names a unit on a screen. Ranges are what such a thing can physically be on a pole, wide enough
that no true value is refused; they are not alarm limits.
"""

import math
import re
from dataclasses import dataclass
from typing import Literal

from manara.messages import Reading

Roll = Literal["mean", "share", "high"]

FUTURE_S = 60.0  # a site device's clock may run ahead of ours by this much
OLDEST_S = 7 * 86_400.0  # a device that was cut off may send what it kept for this long
MOST_ID_CHARS = 200

NOUNS = frozenset(
    {"camera", "site", "power_source", "cabinet", "switch", "port", "link", "recorder", "disk", "role", "device"}
)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-/|]*")

NOT_A_NUMBER = "not_a_number"
OUT_OF_RANGE = "out_of_range"
FROM_THE_FUTURE = "from_the_future"
TOO_OLD = "too_old"
WRONG_SUBJECT = "wrong_subject"
UNKNOWN_QUANTITY = "unknown_quantity"
TOO_MANY = "too_many"
BROKEN = "broken"  # could not be read as a value at all
REASONS = (
    NOT_A_NUMBER,
    OUT_OF_RANGE,
    FROM_THE_FUTURE,
    TOO_OLD,
    WRONG_SUBJECT,
    UNKNOWN_QUANTITY,
    TOO_MANY,
    BROKEN,
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """One quantity. `roll`: what stands for a span: the mean, the share of time that it was 1, or the highest."""

    name: str
    unit: str
    low: float
    high: float
    stale_s: float
    nouns: frozenset[str]
    roll: Roll = "mean"

    @property
    def boolean(self) -> bool:
        """Whether only 0 and 1 are values."""
        return self.roll == "share"


def _table() -> dict[str, Quantity]:
    power = ("site", "power_source")
    air = ("cabinet", "site")
    wire = ("port", "switch")
    path = ("link", "port")
    rows: tuple[tuple[str, str, float, float, float, tuple[str, ...], Roll], ...] = (
        ("grid_present", "", 0, 1, 180, power, "share"),
        ("grid_voltage_v", "V", 0, 500, 180, power, "mean"),
        ("solar_power_w", "W", 0, 50_000, 300, power, "mean"),
        ("solar_voltage_v", "V", 0, 1000, 300, power, "mean"),
        ("battery_present", "", 0, 1, 300, power, "share"),
        ("battery_voltage_v", "V", 0, 1000, 300, power, "mean"),
        ("battery_current_a", "A", -1000, 1000, 300, power, "mean"),
        ("state_of_charge_pct", "%", 0, 100, 600, power, "mean"),
        ("load_power_w", "W", 0, 50_000, 300, power, "mean"),
        ("battery_temperature_c", "°C", -40, 120, 600, power, "mean"),
        ("cabinet_temperature_c", "°C", -40, 120, 600, air, "mean"),
        ("cabinet_door_open", "", 0, 1, 600, air, "share"),
        ("fan_rpm", "1/min", 0, 30_000, 600, air, "mean"),
        ("switch_up", "", 0, 1, 180, ("switch",), "share"),
        ("port_up", "", 0, 1, 180, ("port",), "share"),
        ("port_poe_w", "W", 0, 200, 300, ("port",), "mean"),
        ("port_rx_bps", "bit/s", 0, 4e11, 180, wire, "mean"),
        ("port_tx_bps", "bit/s", 0, 4e11, 180, wire, "mean"),
        ("port_errors_per_s", "1/s", 0, 1e9, 180, wire, "mean"),
        ("link_up", "", 0, 1, 180, ("link",), "share"),
        ("optical_rx_dbm", "dBm", -60, 20, 300, path, "mean"),
        ("optical_tx_dbm", "dBm", -60, 20, 300, path, "mean"),
        ("radio_signal_dbm", "dBm", -150, 20, 300, ("link", "device"), "mean"),
        ("rtt_ms", "ms", 0, 60_000, 180, ("site", "switch", "link", "camera", "device", "recorder"), "mean"),
        ("loss_pct", "%", 0, 100, 180, ("site", "switch", "link", "camera", "device", "recorder"), "mean"),
        ("uptime_s", "s", 0, 4e9, 600, ("switch", "camera", "device", "site", "recorder", "power_source"), "high"),
        (
            "reachable",
            "",
            0,
            1,
            180,
            ("site", "switch", "link", "camera", "device", "recorder", "power_source", "cabinet"),
            "share",
        ),
    )
    return {row[0]: Quantity(row[0], row[1], row[2], row[3], row[4], frozenset(row[5]), row[6]) for row in rows}


QUANTITIES: dict[str, Quantity] = _table()


def noun_of(subject: str) -> str:
    """The noun of `noun:id`, "" where it is not one of ours or the id could not be one."""
    noun, _, id = subject.partition(":")
    if noun not in NOUNS or len(id) > MOST_ID_CHARS or _ID.fullmatch(id) is None:
        return ""
    return noun


def fault(reading: Reading, now_us: int) -> str:
    """Why a reading is not believed (one of `REASONS`), "" when it is. Looks at no other reading."""
    quantity = QUANTITIES.get(reading.quantity)
    if quantity is None:
        return UNKNOWN_QUANTITY
    if noun_of(reading.subject) not in quantity.nouns:
        return WRONG_SUBJECT
    value = reading.value
    if not math.isfinite(value):
        return NOT_A_NUMBER
    if not quantity.low <= value <= quantity.high or (quantity.boolean and value not in (0.0, 1.0)):
        return OUT_OF_RANGE
    if reading.at_us > now_us + FUTURE_S * 1e6:
        return FROM_THE_FUTURE
    if reading.at_us < now_us - OLDEST_S * 1e6:
        return TOO_OLD
    return ""
