"""What maintenance keeps: teams, work orders with their history and photographs, planned outages, preventive rounds.

Written only by this folder's actions. Photographs lie as files (`photos.py`); here is what is known of them. Ids of
cameras, sites and causes are plain: a work order outlives what it tells of. Times are µs since 1970 UTC.
"""

from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Float, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from manara.store.database import Base

ID = String(12)


class Team(Base):
    """Technicians who go out together. `sector_ids` null: everywhere. `lat`, `lon` is where they start from."""

    __tablename__ = "team"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    name_ar: Mapped[str] = mapped_column(String(120), default="")
    name_en: Mapped[str] = mapped_column(String(120), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    sector_ids: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True), default=None)
    lat: Mapped[float | None] = mapped_column(Float, default=None)
    lon: Mapped[float | None] = mapped_column(Float, default=None)
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    changed_us: Mapped[int] = mapped_column(BigInteger)


class WorkOrder(Base):
    """One job at one site. `open_cause_id` is the cause while the order is open, so that a cause has one open order."""

    __tablename__ = "work_order"
    __table_args__ = (Index("ix_work_order_site", "site_id", "opened_us"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, unique=True)
    state: Mapped[str] = mapped_column(String(12), index=True)
    priority: Mapped[str] = mapped_column(String(10))
    site_id: Mapped[str] = mapped_column(ID)
    sector_id: Mapped[str] = mapped_column(ID, default="")
    camera_ids: Mapped[list[str]] = mapped_column(JSON, default=list)
    cause_id: Mapped[str] = mapped_column(ID, index=True, default="")
    open_cause_id: Mapped[str | None] = mapped_column(ID, unique=True, default=None)
    cause_kind: Mapped[str] = mapped_column(String(40), default="")
    alarm_id: Mapped[str] = mapped_column(ID, default="")
    round_id: Mapped[str] = mapped_column(ID, default="")
    description: Mapped[str] = mapped_column(Text, default="")
    team_id: Mapped[str | None] = mapped_column(ForeignKey("team.id"), index=True, default=None)
    parts_used: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)  # [{part, count}]
    work_min: Mapped[int] = mapped_column(Integer, default=0)
    opened_us: Mapped[int] = mapped_column(BigInteger, index=True)
    opened_by: Mapped[str] = mapped_column(String(32))
    opened_by_name: Mapped[str] = mapped_column(String(200), default="")
    due_us: Mapped[int | None] = mapped_column(BigInteger, default=None)
    accepted_us: Mapped[int | None] = mapped_column(BigInteger, default=None)
    arrived_us: Mapped[int | None] = mapped_column(BigInteger, default=None)
    done_us: Mapped[int | None] = mapped_column(BigInteger, default=None)  # the technician says so
    closed_us: Mapped[int | None] = mapped_column(BigInteger, index=True, default=None)  # the health check agrees
    reopened_count: Mapped[int] = mapped_column(Integer, default=0)
    changed_us: Mapped[int] = mapped_column(BigInteger)


class WorkOrderEntry(Base):
    """One line of a work order's history; never changed. `by` empty: the program."""

    __tablename__ = "work_order_entry"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    work_order_id: Mapped[str] = mapped_column(ForeignKey("work_order.id"), index=True)
    at_us: Mapped[int] = mapped_column(BigInteger)
    what: Mapped[str] = mapped_column(String(16))  # the new state, or note, change, photo
    by: Mapped[str] = mapped_column(String(32), default="")
    by_name: Mapped[str] = mapped_column(String(200), default="")
    text: Mapped[str] = mapped_column(Text, default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class WorkOrderPhoto(Base):
    """A photograph taken `before` or `after` the work. The file is `<data>/photos/<work order>/<id>.jpg`."""

    __tablename__ = "work_order_photo"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    work_order_id: Mapped[str] = mapped_column(ForeignKey("work_order.id"), index=True)
    taken: Mapped[str] = mapped_column(String(8))
    at_us: Mapped[int] = mapped_column(BigInteger)
    by: Mapped[str] = mapped_column(String(32))
    by_name: Mapped[str] = mapped_column(String(200), default="")
    width_px: Mapped[int] = mapped_column(Integer)
    height_px: Mapped[int] = mapped_column(Integer)
    size_bytes: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(String(64))


class Outage(Base):
    """An outage that is planned: what it touches raises no alarm and counts apart in availability."""

    __tablename__ = "outage"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    reason: Mapped[str] = mapped_column(String(400))
    site_ids: Mapped[list[str]] = mapped_column(JSON, default=list)
    camera_ids: Mapped[list[str]] = mapped_column(JSON, default=list)
    from_us: Mapped[int] = mapped_column(BigInteger, index=True)
    until_us: Mapped[int] = mapped_column(BigInteger, index=True)
    ended_us: Mapped[int | None] = mapped_column(BigInteger, default=None)  # ended early, or taken back
    by: Mapped[str] = mapped_column(String(32))
    by_name: Mapped[str] = mapped_column(String(200), default="")
    changed_us: Mapped[int] = mapped_column(BigInteger)


class PreventiveRound(Base):
    """Work that comes back: cleaning, battery tests, inspections. `done` = when each site was last done, by site id."""

    __tablename__ = "preventive_round"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    name_ar: Mapped[str] = mapped_column(String(120), default="")
    name_en: Mapped[str] = mapped_column(String(120), default="")
    kind: Mapped[str] = mapped_column(String(16))  # cleaning, battery_test, inspection
    site_ids: Mapped[list[str]] = mapped_column(JSON, default=list)
    every_days: Mapped[int] = mapped_column(Integer)
    first_due_us: Mapped[int] = mapped_column(BigInteger)
    done: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    team_id: Mapped[str | None] = mapped_column(ForeignKey("team.id"), default=None)
    notes: Mapped[str] = mapped_column(Text, default="")
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    changed_us: Mapped[int] = mapped_column(BigInteger)
