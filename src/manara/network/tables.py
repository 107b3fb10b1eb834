"""What the network room keeps: sectors, towns, sites, cameras, the names of PTZ presets, guard tours.

Written only by `actions.py` and `ptz_actions.py` of this room, read by `views.py`. How a camera is doing is not kept
here: that
is measured by the recorder and lives in memory. Times are µs since 1970 UTC, places WGS84 degrees.
"""

from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Float, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from manara.network.infrastructure import tables as _infrastructure  # noqa: F401  (cameras refer to switches)
from manara.store.database import Base

ID = String(12)


def _as_changed(context: Any) -> int:
    """A row is made when it is first changed."""
    made_us: int = context.get_current_parameters()["changed_us"]
    return made_us


class Sector(Base):
    """A sector of responsibility. `boundary` is a GeoJSON Polygon or MultiPolygon, or null while nobody has drawn
    it.
    """

    __tablename__ = "sector"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    name_ar: Mapped[str] = mapped_column(String(120), default="")
    name_en: Mapped[str] = mapped_column(String(120), default="")
    boundary: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    changed_us: Mapped[int] = mapped_column(BigInteger)


class Town(Base):
    """A town, for grouping and for finding a place on the map."""

    __tablename__ = "town"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    name_ar: Mapped[str] = mapped_column(String(120), default="")
    name_en: Mapped[str] = mapped_column(String(120), default="")
    lat: Mapped[float] = mapped_column(Float)
    lon: Mapped[float] = mapped_column(Float)
    sector_id: Mapped[str | None] = mapped_column(ForeignKey("sector.id"), index=True, default=None)
    changed_us: Mapped[int] = mapped_column(BigInteger)


class Site(Base):
    """A pole or a building that carries cameras."""

    __tablename__ = "site"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    name_ar: Mapped[str] = mapped_column(String(120), default="")
    name_en: Mapped[str] = mapped_column(String(120), default="")
    kind: Mapped[str] = mapped_column(String(16), default="pole")  # pole, building, hub, control_room
    lat: Mapped[float] = mapped_column(Float)
    lon: Mapped[float] = mapped_column(Float)
    sector_id: Mapped[str | None] = mapped_column(ForeignKey("sector.id"), index=True, default=None)
    town_id: Mapped[str | None] = mapped_column(ForeignKey("town.id"), index=True, default=None)
    supplier: Mapped[str] = mapped_column(String(120), default="")  # who answers for it under contract
    notes: Mapped[str] = mapped_column(Text, default="")
    changed_us: Mapped[int] = mapped_column(BigInteger)


class Camera(Base):
    """One camera. `password_sealed` never leaves the program but as it is; URLs here carry no user and no password."""

    __tablename__ = "camera"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    name_ar: Mapped[str] = mapped_column(String(120), default="")
    name_en: Mapped[str] = mapped_column(String(120), default="")
    site_id: Mapped[str | None] = mapped_column(ForeignKey("site.id"), index=True, default=None)
    sector_id: Mapped[str | None] = mapped_column(ForeignKey("sector.id"), index=True, default=None)
    town_id: Mapped[str | None] = mapped_column(ForeignKey("town.id"), index=True, default=None)
    switch_id: Mapped[str | None] = mapped_column(ForeignKey("switch.id"), index=True, default=None)
    switch_port: Mapped[int | None] = mapped_column(Integer, default=None)  # counted from 1
    supplier: Mapped[str] = mapped_column(String(120), default="")  # who answers for it under contract
    kind: Mapped[str] = mapped_column(String(16), default="fixed")  # fixed, ptz
    make: Mapped[str] = mapped_column(String(120), default="")
    model: Mapped[str] = mapped_column(String(120), default="")
    main_url: Mapped[str] = mapped_column(Text)
    sub_url: Mapped[str] = mapped_column(Text, default="")
    onvif_url: Mapped[str] = mapped_column(Text, default="")
    username: Mapped[str] = mapped_column(String(120), default="")
    password_sealed: Mapped[str] = mapped_column(Text, default="")
    transport: Mapped[str] = mapped_column(String(8), default="tcp")  # tcp, udp
    lat: Mapped[float] = mapped_column(Float)
    lon: Mapped[float] = mapped_column(Float)
    heading_deg: Mapped[float | None] = mapped_column(Float, default=None)  # clockwise from north
    field_of_view_deg: Mapped[float | None] = mapped_column(Float, default=None)
    height_m: Mapped[float | None] = mapped_column(Float, default=None)
    range_m: Mapped[float | None] = mapped_column(Float, default=None)
    purpose: Mapped[str] = mapped_column(String(400), default="")
    record: Mapped[bool] = mapped_column(Boolean, default=True)
    sound: Mapped[bool] = mapped_column(Boolean, default=False)
    retention_days: Mapped[float | None] = mapped_column(Float, default=None)
    retention_bytes: Mapped[int | None] = mapped_column(BigInteger, default=None)
    priority: Mapped[int] = mapped_column(Integer, default=0)  # recording of the least goes first when disks are full
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    created_us: Mapped[int] = mapped_column(BigInteger, default=_as_changed)  # due from then on, for availability
    changed_us: Mapped[int] = mapped_column(BigInteger)


class PtzPreset(Base):
    """The name of a preset as the camera last told it; the position itself lives in the camera."""

    __tablename__ = "ptz_preset"

    camera_id: Mapped[str] = mapped_column(ForeignKey("camera.id", ondelete="CASCADE"), primary_key=True)
    token: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(120), default="")
    seen_us: Mapped[int] = mapped_column(BigInteger)


class GuardTour(Base):
    """A round of presets a PTZ camera goes through while nobody holds it. `steps` = `[{preset, dwell_s}]`."""

    __tablename__ = "guard_tour"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    camera_id: Mapped[str] = mapped_column(ForeignKey("camera.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(120), default="")
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    running: Mapped[bool] = mapped_column(Boolean, default=False)  # goes on after a restart of control
    changed_us: Mapped[int] = mapped_column(BigInteger)
