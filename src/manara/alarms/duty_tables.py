"""What is kept of duty and of telling people elsewhere: consoles, shifts and their log, notification routes and the log
of notifications.

Written only by `duty_actions.py` and `notify_actions.py`. A shift's log cannot be changed: its lines are append-only by
trigger, and the hash of what was handed over stands in the audit log. Times are µs since 1970 UTC.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from manara.store.base import Base

ID = String(12)
_NUMBER = BigInteger().with_variant(Integer, "sqlite")


class Console(Base):
    """A seat. `sector_ids` null: every sector, and what lies in none. `skills` null: every skill."""

    __tablename__ = "console"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    name_ar: Mapped[str] = mapped_column(String(120), default="")
    name_en: Mapped[str] = mapped_column(String(120), default="")
    role: Mapped[str] = mapped_column(String(16), default="operator")  # operator, supervisor, commander
    sector_ids: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True), default=None)
    skills: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True), default=None)
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    changed_us: Mapped[int] = mapped_column(BigInteger)


class Shift(Base):
    """Who sits at a console, from when until when. `carried` is what was open when it was handed over, in words."""

    __tablename__ = "shift"
    __table_args__ = (  # one person at a console
        Index(
            "ix_shift_one_at_a_console",
            "console_id",
            unique=True,
            sqlite_where=text("ended_us IS NULL"),
            postgresql_where=text("ended_us IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    console_id: Mapped[str] = mapped_column(ForeignKey("console.id"), index=True)
    account_id: Mapped[str] = mapped_column(String(32))
    account_name: Mapped[str] = mapped_column(String(200))
    started_us: Mapped[int] = mapped_column(BigInteger, index=True)
    previous_id: Mapped[str | None] = mapped_column(ID, default=None)  # whose hand-over was taken
    handed_us: Mapped[int | None] = mapped_column(BigInteger, default=None)  # the log is closed from here on
    handed_by: Mapped[str] = mapped_column(String(200), default="")
    to_account_id: Mapped[str | None] = mapped_column(String(32), default=None)
    to_account_name: Mapped[str] = mapped_column(String(200), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    carried: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    carried_sha256: Mapped[str] = mapped_column(String(64), default="")
    ended_us: Mapped[int | None] = mapped_column(BigInteger, index=True, default=None)  # somebody took, or it closed


class ShiftEntry(Base):
    """A line that a person wrote into a shift's log."""

    __tablename__ = "shift_entry"

    number: Mapped[int] = mapped_column(_NUMBER, primary_key=True, autoincrement=True)
    shift_id: Mapped[str] = mapped_column(ForeignKey("shift.id"), index=True)
    at_us: Mapped[int] = mapped_column(BigInteger)
    account_id: Mapped[str] = mapped_column(String(32))
    account_name: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)


class NotificationRoute(Base):
    """Whom to tell off-screen of what, where, in which language. `secret_sealed` signs a webhook's messages."""

    __tablename__ = "notification_route"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    channel: Mapped[str] = mapped_column(String(16))  # email, webhook
    address: Mapped[str] = mapped_column(String(2048))
    secret_sealed: Mapped[str] = mapped_column(Text, default="")
    language: Mapped[str] = mapped_column(String(2), default="ar")
    priorities: Mapped[list[str]] = mapped_column(JSON)
    sector_ids: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True), default=None)  # null: all
    kinds: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True), default=None)  # null: all
    escalated_min: Mapped[int] = mapped_column(Integer, default=0)  # only from this step of escalation on
    tell_end: Mapped[bool] = mapped_column(Boolean, default=True)  # also that the fault is gone
    # local minutes of the day between which nothing but critical is sent at once; null: no quiet hours
    quiet_from_min: Mapped[int | None] = mapped_column(Integer, default=None)
    quiet_until_min: Mapped[int | None] = mapped_column(Integer, default=None)
    since_us: Mapped[int] = mapped_column(BigInteger)  # what was annunciated before is not told
    removed_us: Mapped[int | None] = mapped_column(BigInteger, default=None)  # the log still names it
    changed_us: Mapped[int] = mapped_column(BigInteger)


class Notification(Base):
    """One thing to tell by one route: its words, its tries, its receipt. Sent at least once, always with this id."""

    __tablename__ = "notification"
    __table_args__ = (
        UniqueConstraint("route_id", "alarm_id", "occasion", "occasion_us", name="uq_notification_once"),
        Index("ix_notification_due", "state", "next_us"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    route_id: Mapped[str] = mapped_column(ForeignKey("notification_route.id"), index=True)
    alarm_id: Mapped[str] = mapped_column(ID, index=True)  # "" for a test
    occasion: Mapped[str] = mapped_column(String(16))  # raised, escalated_1, escalated_2, ended, test
    occasion_us: Mapped[int] = mapped_column(BigInteger)
    priority: Mapped[str] = mapped_column(String(16))
    sector_id: Mapped[str | None] = mapped_column(ID, default=None)
    subject: Mapped[str] = mapped_column(Text)  # what is told, as it was when it was written
    body: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(16))  # waiting, sent, failed (given up), withdrawn
    cause: Mapped[str] = mapped_column(String(32), default="")  # why held or withdrawn: quiet, ended, exercise, …
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_us: Mapped[int] = mapped_column(BigInteger)
    created_us: Mapped[int] = mapped_column(BigInteger, index=True)
    sent_us: Mapped[int | None] = mapped_column(BigInteger, default=None)
    receipt: Mapped[str] = mapped_column(Text, default="")  # what the other side answered
    error: Mapped[str] = mapped_column(Text, default="")  # of the last try that failed
