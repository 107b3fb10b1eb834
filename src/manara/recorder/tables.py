"""What the recorder room keeps in the state: holds on footage, export jobs, wall layouts.

Not the footage and not its index: those lie on the recorders' disks. Written only by `recorder/actions.py`.
Times are µs since 1970 UTC. `camera_ids` are plain ids: footage and its holds outlive the row of a removed camera.
"""

from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Float, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from manara.store.database import Base

ID = String(12)


class Hold(Base):
    """A span of footage that retention leaves alone. A released hold stays as a row, so that its story can be told."""

    __tablename__ = "hold"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    camera_ids: Mapped[list[str]] = mapped_column(JSON)
    start_us: Mapped[int] = mapped_column(BigInteger)
    end_us: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text)
    created_us: Mapped[int] = mapped_column(BigInteger)
    created_by: Mapped[str] = mapped_column(String(64))
    created_by_name: Mapped[str] = mapped_column(String(120), default="")
    released_us: Mapped[int | None] = mapped_column(BigInteger, index=True, default=None)
    released_by: Mapped[str | None] = mapped_column(String(64), default=None)


class ExportJob(Base):
    """An export somebody asked for. `files` = `[{name, bytes, sha256}]` once done."""

    __tablename__ = "export_job"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    camera_ids: Mapped[list[str]] = mapped_column(JSON)
    start_us: Mapped[int] = mapped_column(BigInteger)
    end_us: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), index=True)  # queued, running, done, failed, cancelled
    progress_pct: Mapped[float] = mapped_column(Float, default=0.0)
    files: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    error: Mapped[str] = mapped_column(Text, default="")
    account_id: Mapped[str] = mapped_column(String(64), index=True)
    account_name: Mapped[str] = mapped_column(String(120), default="")
    created_us: Mapped[int] = mapped_column(BigInteger)
    finished_us: Mapped[int | None] = mapped_column(BigInteger, default=None)


class Layout(Base):
    """A wall layout. `tiles` = `[{camera_id, column, row, span}]`; `pages`, a list of such lists, change every
    `cycle_s`.
    """

    __tablename__ = "layout"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    shared: Mapped[bool] = mapped_column(Boolean, default=False)
    owner_account_id: Mapped[str] = mapped_column(String(64), index=True)
    columns: Mapped[int] = mapped_column(Integer)
    rows: Mapped[int] = mapped_column(Integer)
    tiles: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    cycle_s: Mapped[float | None] = mapped_column(Float, default=None)
    pages: Mapped[list[list[dict[str, Any]]] | None] = mapped_column(JSON(none_as_null=True), default=None)
    changed_us: Mapped[int] = mapped_column(BigInteger)
