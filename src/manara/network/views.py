"""What others may know of the network, as JSON: the shapes of `docs/design/interfaces.md`.

Everything is seen through a `Who`: only own sectors, and a camera's addresses only by those who care for cameras
(technician, administrator) or the program itself. No password ever. Reads only; Core rows, so that 10,000 cameras
take tens of ms.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from manara.access.roles import Role
from manara.access.who import Who
from manara.base.errors import NotFound
from manara.network.tables import Camera, GuardTour, PtzPreset, Sector, Site, Town

_TABLES: dict[str, Any] = {"sector": Sector, "town": Town, "site": Site, "camera": Camera}
_HIDDEN = frozenset({"password_sealed", "created_us"})
_ADDRESSES = ("main_url", "sub_url", "onvif_url", "username")
_COLUMNS = {
    noun: tuple(column.name for column in table.__table__.columns if column.name not in _HIDDEN)
    for noun, table in _TABLES.items()
}


def sees_addresses(who: Who) -> bool:
    """True where this person (or part of the program) may see where a camera is reached."""
    return who.account_id.startswith("system:") or bool(who.roles & {Role.TECHNICIAN, Role.ADMINISTRATOR})


def view(noun: str, row: Any, who: Who) -> dict[str, Any]:
    """One row of `sector`, `town`, `site` or `camera` as JSON for this person (who may see it)."""
    value = {name: getattr(row, name) for name in _COLUMNS[noun]}
    if noun == "camera":
        value["has_password"] = bool(row.password_sealed)
        value["has_sub"] = bool(row.sub_url)
        if not sees_addresses(who):
            _hide(value)
    return value


def for_who(noun: str, value: Mapping[str, Any], who: Who) -> dict[str, Any] | None:
    """A view made for somebody who sees all, as `who` may see it; None where not at all. For live changes."""
    if noun in ("site", "camera") and not who.may_see_sector(value.get("sector_id")):
        return None
    seen = dict(value)
    if noun == "camera" and not sees_addresses(who):
        _hide(seen)
    return seen


def listing(session: Session, noun: str, who: Who) -> list[dict[str, Any]]:
    """All rows of a noun that this person may see, by code."""
    table = _TABLES[noun]
    names = _COLUMNS[noun]
    columns = [table.__table__.c[name] for name in names]
    if noun == "camera":
        columns.append(Camera.__table__.c.password_sealed)
    query: Select[Any] = select(*columns).order_by(table.__table__.c.code)
    if noun in ("site", "camera") and who.sector_ids is not None:
        query = query.where(table.__table__.c.sector_id.in_(sorted(who.sector_ids)))
    rows = session.execute(query)
    if noun != "camera":
        return [dict(zip(names, row, strict=True)) for row in rows]
    open_addresses = sees_addresses(who)
    cameras = []
    for row in rows:
        value: dict[str, Any] = dict(zip(names, row, strict=False))
        value["has_password"] = bool(row[-1])
        value["has_sub"] = bool(value["sub_url"])
        if not open_addresses:
            _hide(value)
        cameras.append(value)
    return cameras


def sectors(session: Session, who: Who) -> list[dict[str, Any]]:
    """All sectors; everybody knows that they exist."""
    return listing(session, "sector", who)


def towns(session: Session, who: Who) -> list[dict[str, Any]]:
    """All towns."""
    return listing(session, "town", who)


def sites(session: Session, who: Who) -> list[dict[str, Any]]:
    """The sites in this person's sectors."""
    return listing(session, "site", who)


def cameras(session: Session, who: Who) -> list[dict[str, Any]]:
    """The cameras in this person's sectors."""
    return listing(session, "camera", who)


def one(session: Session, noun: str, row_id: str, who: Who) -> dict[str, Any]:
    """One row. Raises `NotFound` where it is not there or not this person's to see."""
    row = session.get(_TABLES[noun], row_id)
    if row is None or (noun in ("site", "camera") and not who.may_see_sector(row.sector_id)):
        raise NotFound(f"There is no such {noun}.", code=f"{noun}_not_found")
    return view(noun, row, who)


def camera(session: Session, row_id: str, who: Who) -> dict[str, Any]:
    """One camera. Raises `NotFound` where it is not there or not this person's to see."""
    return one(session, "camera", row_id, who)


def camera_row(session: Session, row_id: str, who: Who) -> Camera:
    """The row itself, for wiring (`wanted.py`) and PTZ. Raises `NotFound` as `camera` does."""
    row = session.get(Camera, row_id)
    if row is None or not who.may_see_sector(row.sector_id):
        raise NotFound("There is no such camera.", code="camera_not_found")
    return row


def presets(session: Session, camera_id: str) -> list[dict[str, Any]]:
    """The presets a camera told of when it was last asked: `[{token, name}]`."""
    rows = session.execute(
        select(PtzPreset.token, PtzPreset.name).where(PtzPreset.camera_id == camera_id).order_by(PtzPreset.token)
    )
    return [{"token": row.token, "name": row.name} for row in rows]


def tours(session: Session, camera_id: str | None = None) -> list[dict[str, Any]]:
    """Guard tours of a camera, or all: `[{id, camera_id, name, steps, running}]`."""
    query = select(GuardTour).order_by(GuardTour.camera_id, GuardTour.name, GuardTour.id)
    if camera_id is not None:
        query = query.where(GuardTour.camera_id == camera_id)
    return [
        {"id": row.id, "camera_id": row.camera_id, "name": row.name, "steps": row.steps, "running": row.running}
        for row in session.scalars(query)
    ]


def _hide(value: dict[str, Any]) -> None:
    for name in _ADDRESSES:
        value[name] = ""
