"""What the alarms room keeps: alarms, the append-only life of each, edited kinds, the account of signals, suppressions.

Written only by this room's actions. Times are µs since 1970 UTC. Ids of cameras, sites and sectors are plain: an alarm
outlives what it tells of. Consoles, shifts and notifications have tables of their own (`duty_tables.py`).
"""

from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Float, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from manara.store.database import Base

ID = String(12)
NUMBER = BigInteger().with_variant(Integer, "sqlite")


class Alarm(Base):
    """One alarm: what a person is told of a cause, once. Open while `closed_us` is null."""

    __tablename__ = "alarm"
    __table_args__ = (Index("ix_alarm_source", "subject", "kind"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40), index=True)
    state: Mapped[str] = mapped_column(String(32), index=True)
    priority: Mapped[str] = mapped_column(String(10))
    signal_id: Mapped[str] = mapped_column(String(40), default="")  # the newest; "" of a group
    subject: Mapped[str] = mapped_column(String(200))
    site_id: Mapped[str | None] = mapped_column(String(12), index=True, default=None)
    sector_id: Mapped[str | None] = mapped_column(String(12), index=True, default=None)
    sector_ids: Mapped[list[str]] = mapped_column(JSON, default=list)  # empty: the whole program's
    camera_ids: Mapped[list[str]] = mapped_column(JSON, default=list)
    since_us: Mapped[int] = mapped_column(BigInteger, index=True)
    annunciated_us: Mapped[int | None] = mapped_column(BigInteger, index=True, default=None)
    acknowledged_us: Mapped[int | None] = mapped_column(BigInteger, default=None)
    acknowledged_by: Mapped[str | None] = mapped_column(String(32), default=None)
    acknowledged_by_name: Mapped[str] = mapped_column(String(200), default="")
    returned_us: Mapped[int | None] = mapped_column(BigInteger, default=None)
    closed_us: Mapped[int | None] = mapped_column(BigInteger, index=True, default=None)
    # the machine of life.py
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    owed: Mapped[bool] = mapped_column(Boolean, default=True)
    latched: Mapped[bool] = mapped_column(Boolean, default=False)
    latch_holds: Mapped[bool] = mapped_column(Boolean, default=False)
    shelved: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    suppressed: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    out_of_service: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    # grouping and flood
    group_id: Mapped[str | None] = mapped_column(String(12), index=True, default=None)
    group_scope: Mapped[str] = mapped_column(String(10), default="")  # of a group: site, sector, flood
    joined_us: Mapped[int] = mapped_column(BigInteger, default=0)  # when the last one joined this group
    released_us: Mapped[int | None] = mapped_column(BigInteger, default=None)  # what explained it ended then
    told_count: Mapped[int] = mapped_column(Integer, default=0)  # the group's count when it was last annunciated
    flooded: Mapped[bool] = mapped_column(Boolean, default=False)  # held back for the load; in the flood list
    # what the policy remembers
    live_signals: Mapped[list[str]] = mapped_column(JSON, default=list)
    off_us: Mapped[int | None] = mapped_column(BigInteger, default=None)  # ended then; returns after the delay
    on_us: Mapped[int | None] = mapped_column(BigInteger, default=None)  # active without a break since then
    due_us: Mapped[int | None] = mapped_column(BigInteger, index=True, default=None)  # the clock must look again
    # what the screen shows
    members_count: Mapped[int] = mapped_column(Integer, default=0)
    grouped_count: Mapped[int] = mapped_column(Integer, default=0)
    respond_by_us: Mapped[int | None] = mapped_column(BigInteger, default=None)
    escalated: Mapped[int] = mapped_column(Integer, default=0)
    owner_role: Mapped[str] = mapped_column(String(20), default="")
    console_id: Mapped[str | None] = mapped_column(String(12), index=True, default=None)
    direct: Mapped[bool] = mapped_column(Boolean, default=True)
    confidence: Mapped[float] = mapped_column(Float, default=1.0)
    evidence: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    pictures: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    count_24h: Mapped[int] = mapped_column(Integer, default=1)
    chattering: Mapped[bool] = mapped_column(Boolean, default=False)
    work_order_id: Mapped[str | None] = mapped_column(String(12), default=None)
    exercise: Mapped[bool] = mapped_column(Boolean, default=False)
    changed_us: Mapped[int] = mapped_column(BigInteger, index=True)


class AlarmEntry(Base):
    """One line of an alarm's life; the database refuses to change or delete it.

    `what`: raised, annunciated, grouped, joined, held_in_flood, repeated, returned, realarmed, acknowledged, shelved,
    unshelved, shelf_ended, suppressed, unsuppressed, out_of_service, in_service, commented, escalated, reset, closed …
    `annunciated` marks those that asked for an operator's attention: load figures count these and nothing else.
    """

    __tablename__ = "alarm_entry"

    number: Mapped[int] = mapped_column(NUMBER, primary_key=True, autoincrement=True)
    alarm_id: Mapped[str] = mapped_column(ID, index=True)
    at_us: Mapped[int] = mapped_column(BigInteger, index=True)
    what: Mapped[str] = mapped_column(String(24))
    state: Mapped[str] = mapped_column(String(32))  # after it
    by: Mapped[str] = mapped_column(String(32), default="")  # "" = the program
    by_name: Mapped[str] = mapped_column(String(200), default="")
    text: Mapped[str] = mapped_column(Text, default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    annunciated: Mapped[bool] = mapped_column(Boolean, default=False, index=True)
    console_id: Mapped[str | None] = mapped_column(String(12), default=None)
    priority: Mapped[str] = mapped_column(String(10), default="")
    kind: Mapped[str] = mapped_column(String(40), default="")
    subject: Mapped[str] = mapped_column(String(200), default="")


class AlarmSignal(Base):
    """The account of one signal (`member_id` "") or of one symptom within it: what became of it.

    `disposition`: waiting, annunciated, grouped, repeated, fleeting, shelved, suppressed, out_of_service, flood,
    listed.
    `payload` is kept only while it waits for its delay.
    """

    __tablename__ = "alarm_signal"
    __table_args__ = (Index("ix_alarm_signal_source", "subject", "kind", "seen_us"),)

    signal_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    member_id: Mapped[str] = mapped_column(String(40), primary_key=True, default="")
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(200))
    site_id: Mapped[str | None] = mapped_column(String(12), default=None)
    sector_id: Mapped[str | None] = mapped_column(String(12), default=None)
    since_us: Mapped[int] = mapped_column(BigInteger)
    ended_us: Mapped[int | None] = mapped_column(BigInteger, default=None)
    version: Mapped[int] = mapped_column(BigInteger)
    seen_us: Mapped[int] = mapped_column(BigInteger, index=True)
    disposition: Mapped[str] = mapped_column(String(16), index=True)
    alarm_id: Mapped[str | None] = mapped_column(String(12), index=True, default=None)
    by_id: Mapped[str] = mapped_column(String(12), default="")  # of the group or suppression, where there is one
    due_us: Mapped[int | None] = mapped_column(BigInteger, index=True, default=None)
    payload: Mapped[str | None] = mapped_column(Text, default=None)
    exercise: Mapped[bool] = mapped_column(Boolean, default=False)
    changed_us: Mapped[int] = mapped_column(BigInteger)


class AlarmKind(Base):
    """What the administrator changed of a kind; kinds nobody edited stand in `kinds.py` alone."""

    __tablename__ = "alarm_kind"

    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    values: Mapped[dict[str, Any]] = mapped_column(JSON)
    changed_us: Mapped[int] = mapped_column(BigInteger)
    changed_by: Mapped[str] = mapped_column(String(200))  # name


class AlarmKindHistory(Base):
    """One edit of a kind: the fields that changed, before and after."""

    __tablename__ = "alarm_kind_history"

    number: Mapped[int] = mapped_column(NUMBER, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(40), index=True)
    at_us: Mapped[int] = mapped_column(BigInteger)
    by: Mapped[str] = mapped_column(String(32))
    by_name: Mapped[str] = mapped_column(String(200))
    before: Mapped[dict[str, Any]] = mapped_column(JSON)
    after: Mapped[dict[str, Any]] = mapped_column(JSON)


class Suppression(Base):
    """A suppression by design: what is expected, where, from when until when. It always ends by itself."""

    __tablename__ = "suppression"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))  # maintenance_window, planned_outage, exercise, ptz_tour
    reason: Mapped[str] = mapped_column(Text)
    site_ids: Mapped[list[str]] = mapped_column(JSON, default=list)
    camera_ids: Mapped[list[str]] = mapped_column(JSON, default=list)
    sector_ids: Mapped[list[str]] = mapped_column(JSON, default=list)
    kinds: Mapped[list[str]] = mapped_column(JSON, default=list)  # empty: all
    from_us: Mapped[int] = mapped_column(BigInteger, index=True)
    until_us: Mapped[int] = mapped_column(BigInteger, index=True)
    state: Mapped[str] = mapped_column(String(8), index=True)  # planned, active, ended
    ended_us: Mapped[int | None] = mapped_column(BigInteger, default=None)
    ended_by_name: Mapped[str] = mapped_column(String(200), default="")
    source: Mapped[str] = mapped_column(String(64), default="")  # what the program made it of, such as `outage:<id>`
    created_us: Mapped[int] = mapped_column(BigInteger)
    created_by: Mapped[str] = mapped_column(String(32))
    created_by_name: Mapped[str] = mapped_column(String(200), default="")
    changed_us: Mapped[int] = mapped_column(BigInteger)


class AlarmFlood(Base):
    """A span in which a console was flooded (began over 10 annunciations in 10 minutes, ended under 5)."""

    __tablename__ = "alarm_flood"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    console_id: Mapped[str | None] = mapped_column(String(12), index=True, default=None)
    began_us: Mapped[int] = mapped_column(BigInteger, index=True)
    ended_us: Mapped[int | None] = mapped_column(BigInteger, default=None)
