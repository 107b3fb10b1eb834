"""What health keeps: conditions, causes, spans in which a camera did not do its job, and battery forecasts.

Written only by `actions.py` of this folder. Ids of cameras, sites and sectors are not foreign keys: what was wrong is
remembered also when the thing is gone. Times are µs since 1970 UTC.
"""

from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Float, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from manara.store.database import Base

ID = String(12)
SUBJECT = String(320)


class ConditionRow(Base):
    """A symptom of one thing, from when it was first so until it ended."""

    __tablename__ = "condition"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(SUBJECT, index=True)
    site_id: Mapped[str] = mapped_column(ID, default="")
    since_us: Mapped[int] = mapped_column(BigInteger)
    known_us: Mapped[int] = mapped_column(BigInteger)
    ended_us: Mapped[int | None] = mapped_column(BigInteger, index=True, default=None)
    confidence: Mapped[float] = mapped_column(Float, default=1.0)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class CauseRow(Base):
    """What explains one or more conditions. `key` with `kind` is what makes it the same cause."""

    __tablename__ = "cause"
    __table_args__ = (
        Index("ix_cause_site", "site_id", "opened_us"),
        Index("ix_cause_changed", "changed_us"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(SUBJECT)
    rule: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(SUBJECT)
    site_id: Mapped[str] = mapped_column(ID, default="")
    sector_id: Mapped[str] = mapped_column(ID, default="")
    direct: Mapped[bool] = mapped_column(Boolean, default=True)
    confidence: Mapped[float] = mapped_column(Float, default=1.0)
    since_us: Mapped[int] = mapped_column(BigInteger)
    opened_us: Mapped[int] = mapped_column(BigInteger)
    changed_us: Mapped[int] = mapped_column(BigInteger)
    closed_us: Mapped[int | None] = mapped_column(BigInteger, index=True, default=None)
    absorbed_into: Mapped[str] = mapped_column(ID, default="")
    camera_ids: Mapped[list[str]] = mapped_column(JSON, default=list)
    site_ids: Mapped[list[str]] = mapped_column(JSON, default=list)
    condition_ids: Mapped[list[str]] = mapped_column(JSON, default=list)
    evidence: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    pictures: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    exercise: Mapped[bool] = mapped_column(Boolean, default=False)


class CameraOutage(Base):
    """A span in which a camera did not do its job, for availability. `end_us` null: still so."""

    __tablename__ = "camera_outage"
    __table_args__ = (Index("ix_camera_outage_span", "start_us", "end_us"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    camera_id: Mapped[str] = mapped_column(ID, index=True)
    site_id: Mapped[str] = mapped_column(ID, default="")
    sector_id: Mapped[str] = mapped_column(ID, default="")
    start_us: Mapped[int] = mapped_column(BigInteger)
    known_us: Mapped[int] = mapped_column(BigInteger)
    end_us: Mapped[int | None] = mapped_column(BigInteger, index=True, default=None)
    condition: Mapped[str] = mapped_column(String(40))
    cause_id: Mapped[str] = mapped_column(ID, default="")
    cause_kind: Mapped[str] = mapped_column(String(40), default="")


class BatteryForecast(Base):
    """The newest forecast of a site's battery. `curve` = `[{at_us, soc_pct, low_pct, high_pct}]`."""

    __tablename__ = "battery_forecast"

    site_id: Mapped[str] = mapped_column(ID, primary_key=True)
    at_us: Mapped[int] = mapped_column(BigInteger)
    state_of_charge_pct: Mapped[float | None] = mapped_column(Float, default=None)
    load_power_w: Mapped[float | None] = mapped_column(Float, default=None)
    hours_left: Mapped[float | None] = mapped_column(Float, default=None)
    hours_left_low: Mapped[float | None] = mapped_column(Float, default=None)
    hours_left_high: Mapped[float | None] = mapped_column(Float, default=None)
    dark_at_us: Mapped[int | None] = mapped_column(BigInteger, default=None)
    dark_before_morning: Mapped[bool] = mapped_column(Boolean, default=False)
    curve: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
