"""What a site stands on: power sources, cabinet, switches, links, telemetry devices, shedding policy.

Written only by `actions.py` here and `power/shedding_actions.py`; read by `views.py`, `network/health` and
`network/telemetry` (as `DeviceSpec`). How these things are doing is not kept here. Times are µs since 1970 UTC. The
shapes are those of `docs/design/interfaces-health.md`.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ColumnElement,
    Float,
    ForeignKey,
    Integer,
    String,
    Text,
    UniqueConstraint,
    or_,
)
from sqlalchemy.orm import Mapped, mapped_column

from manara.store.database import Base

ID = String(12)


class PowerSource(Base):
    """Grid, solar array or battery of a site; at most one of each kind (a bank of batteries counts as one)."""

    __tablename__ = "power_source"
    __table_args__ = (UniqueConstraint("site_id", "kind"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"))
    kind: Mapped[str] = mapped_column(String(16))  # grid, solar, battery
    name: Mapped[str] = mapped_column(String(120), default="")
    capacity_wh: Mapped[float | None] = mapped_column(Float, default=None)  # battery, when it was new
    peak_w: Mapped[float | None] = mapped_column(Float, default=None)  # solar, under standard test conditions
    nominal_v: Mapped[float | None] = mapped_column(Float, default=None)
    installed_us: Mapped[int | None] = mapped_column(BigInteger, default=None)
    notes: Mapped[str] = mapped_column(Text, default="")
    changed_us: Mapped[int] = mapped_column(BigInteger)


class Cabinet(Base):
    """The box at a site; has the site's id."""

    __tablename__ = "cabinet"

    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"), primary_key=True)
    has_fan: Mapped[bool] = mapped_column(Boolean, default=False)
    has_door_sensor: Mapped[bool] = mapped_column(Boolean, default=False)
    hot_c: Mapped[float] = mapped_column(Float, default=65.0)  # too hot from here on
    changed_us: Mapped[int] = mapped_column(BigInteger)

    @property
    def id(self) -> str:
        """The site's."""
        return self.site_id


class Switch(Base):
    """A network switch at a site; cameras hang on its ports, links end at them."""

    __tablename__ = "switch"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"), index=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    make: Mapped[str] = mapped_column(String(120), default="")
    model: Mapped[str] = mapped_column(String(120), default="")
    ports: Mapped[int] = mapped_column(Integer, default=8)
    changed_us: Mapped[int] = mapped_column(BigInteger)


class Link(Base):
    """A connection between two sites, one of which may be a hub or the control room. A ring is links of one name."""

    __tablename__ = "link"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(16), default="fibre")  # fibre, radio, mobile
    role: Mapped[str] = mapped_column(String(16), default="main")  # main, reserve
    a_site_id: Mapped[str] = mapped_column(ForeignKey("site.id"), index=True)
    b_site_id: Mapped[str] = mapped_column(ForeignKey("site.id"), index=True)
    ring: Mapped[str] = mapped_column(String(64), default="")
    length_km: Mapped[float | None] = mapped_column(Float, default=None)
    capacity_mbps: Mapped[float | None] = mapped_column(Float, default=None)
    rx_low_dbm: Mapped[float | None] = mapped_column(Float, default=None)  # received light below this is too little
    a_switch_id: Mapped[str | None] = mapped_column(ForeignKey("switch.id"), default=None)
    a_port: Mapped[int | None] = mapped_column(Integer, default=None)
    b_switch_id: Mapped[str | None] = mapped_column(ForeignKey("switch.id"), default=None)
    b_port: Mapped[int | None] = mapped_column(Integer, default=None)
    changed_us: Mapped[int] = mapped_column(BigInteger)


class TelemetryDevice(Base):
    """What tells readings of a site. Secrets never leave the program: `credentials_sealed` is sealed, the token of
    one that pushes, or publishes to our own broker, is kept as its SHA-256.
    """

    __tablename__ = "device"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"), index=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    protocol: Mapped[str] = mapped_column(String(16))  # mqtt, snmp, modbus, icmp, push
    address: Mapped[str] = mapped_column(String(300), default="")  # topic filter, or host[:port]
    profile: Mapped[str] = mapped_column(String(64), default="")  # the mapping of its values
    subjects: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)  # part of the profile → noun:id
    poll_s: Mapped[float] = mapped_column(Float, default=30.0)
    credentials_sealed: Mapped[str] = mapped_column(Text, default="")  # a JSON object of texts
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True, default=None)
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    changed_us: Mapped[int] = mapped_column(BigInteger)


class ShedPolicy(Base):
    """How a site sheds load on its battery, and which step of it is in force (0 = none).

    `steps` = `[{do: half_rate|sub_only|keep_priority, hours_left_below, soc_below_pct, priority}]`, mildest first.
    `frame_rates` = what control lowered in the cameras, to be restored: `{camera_id: {configuration token: Hz}}`.
    """

    __tablename__ = "shed_policy"

    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"), primary_key=True)
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    hysteresis_h: Mapped[float] = mapped_column(Float, default=1.0)
    hysteresis_pct: Mapped[float] = mapped_column(Float, default=5.0)
    step: Mapped[int] = mapped_column(Integer, default=0)
    step_since_us: Mapped[int | None] = mapped_column(BigInteger, default=None)
    step_soc_pct: Mapped[float | None] = mapped_column(Float, default=None)  # state of charge when the step began
    manual: Mapped[bool] = mapped_column(Boolean, default=False)  # a person chose the step; the clock leaves it alone
    step_by: Mapped[str] = mapped_column(String(200), default="")  # name of who did
    frame_rates: Mapped[dict[str, dict[str, float]]] = mapped_column(JSON, default=dict)
    changed_us: Mapped[int] = mapped_column(BigInteger)


def infrastructure_at(site_id: str) -> list[tuple[str, ColumnElement[bool]]]:
    """What stands at a site, as conditions by noun: a site is removed only when there is nothing of it."""
    return [
        ("power_source", PowerSource.site_id == site_id),
        ("cabinet", Cabinet.site_id == site_id),
        ("switch", Switch.site_id == site_id),
        ("link", or_(Link.a_site_id == site_id, Link.b_site_id == site_id)),
        ("device", TelemetryDevice.site_id == site_id),
        ("shed_policy", (ShedPolicy.site_id == site_id) & (ShedPolicy.step > 0)),  # at rest it goes with the site
    ]
