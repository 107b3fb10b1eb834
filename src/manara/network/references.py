"""Judging rows that refer to each other: which sectors, towns, sites, switches there are, and what a row takes over.

Reads the state once into memory; writes nothing. Used by `actions.py` and `imports.py`; the fields are `rules.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import shapely
from shapely.geometry import Point, shape
from sqlalchemy import select
from sqlalchemy.orm import Session

from manara.base.errors import FieldError
from manara.network import rules
from manara.network.infrastructure.tables import Link, Switch
from manara.network.tables import Camera, Sector, Site, Town


@dataclass(frozen=True, slots=True)
class _Place:
    """What a camera takes over from its site."""

    lat: float
    lon: float
    sector_id: str | None
    town_id: str | None


class References:
    """The sectors, towns, sites and switches that rows may refer to, read once."""

    def __init__(self, session: Session) -> None:
        self.ids: dict[str, dict[str, str]] = {}  # noun → code → id
        for noun, table in (("sector", Sector), ("town", Town), ("site", Site), ("switch", Switch)):
            self.ids[noun] = {row.code: row.id for row in session.execute(select(table.code, table.id))}
        self._switches = {row.id: row.ports for row in session.execute(select(Switch.id, Switch.ports))}
        self._ports = taken_ports(session)
        self._known = {noun: set(codes.values()) for noun, codes in self.ids.items()}
        self.sites: dict[str, _Place] = {
            row.id: _Place(row.lat, row.lon, row.sector_id, row.town_id)
            for row in session.execute(select(Site.id, Site.lat, Site.lon, Site.sector_id, Site.town_id))
        }
        self._areas: list[tuple[str, Any]] = []
        for row in session.execute(select(Sector.id, Sector.boundary).order_by(Sector.code)):
            if row.boundary:
                self._areas.append((row.id, shapely.make_valid(shape(row.boundary))))
        self._tree: shapely.STRtree | None = None

    def learn(self, noun: str, values: Mapping[str, Any]) -> None:
        """A row that comes into being in the same action."""
        if noun == "camera":
            return
        self.ids[noun][values["code"]] = values["id"]
        self._known[noun].add(values["id"])
        if noun == "site":
            self.sites[values["id"]] = _Place(values["lat"], values["lon"], values["sector_id"], values["town_id"])
        if noun == "sector" and values.get("boundary"):
            self._areas.append((values["id"], shapely.make_valid(shape(values["boundary"]))))
            self._tree = None

    def by_code(self, noun: str, values: dict[str, Any], row: int | None) -> list[FieldError]:
        """Replace `sector`, `town`, `site` codes in `values` by ids; faults where there is no such row."""
        faults = []
        for name, codes in self.ids.items():
            if name not in values or f"{name}_id" not in rules.FIELDS[noun]:
                continue
            code = str(values.pop(name) or "").strip()
            if not code:
                values[f"{name}_id"] = None
            elif code in codes:
                values[f"{name}_id"] = codes[code]
            else:
                faults.append(
                    FieldError(field=name, message=f"there is no {name} with this code", row=row, value=code[:80])
                )
        return faults

    def faults(self, values: Mapping[str, Any], row: int | None) -> list[FieldError]:
        """Ids that lead nowhere."""
        return [
            FieldError(field=f"{noun}_id", message=f"there is no such {noun}", row=row, value=values[f"{noun}_id"])
            for noun, known in self._known.items()
            if values.get(f"{noun}_id") and values[f"{noun}_id"] not in known
        ]

    def release_port(self, camera: Camera) -> None:
        """A camera whose port is judged anew in the same action: others may take it (two cameras change places)."""
        self._ports.pop((camera.switch_id or "", camera.switch_port or 0), None)

    def port_faults(self, values: Mapping[str, Any], camera_id: str, row: int | None) -> list[FieldError]:
        """What is wrong with a camera's `switch_id` and `switch_port`; a free port is taken from here on."""
        switch_id, port = values.get("switch_id"), values.get("switch_port")
        if port is None or (switch_id and switch_id not in self._switches):
            return []
        if not switch_id:
            return [FieldError("switch_port", "needs a switch", row=row, value=str(port))]
        if port > self._switches[switch_id]:
            message = f"the switch has {self._switches[switch_id]} ports"
            return [FieldError("switch_port", message, row=row, value=str(port))]
        holder_id, holder = self._ports.get((switch_id, port), (camera_id, ""))
        if holder_id != camera_id:
            return [FieldError("switch_port", f"is taken by {holder}", row=row, value=str(port))]
        self._ports[switch_id, port] = (camera_id, str(values.get("code") or "another row"))
        return []

    def complete(self, values: dict[str, Any]) -> None:
        """Fill in place, sector and town from the site, then the sector whose boundary holds the place (lowest
        code).
        """
        site = self.sites.get(values.get("site_id") or "")
        if site is not None:
            for name in ("lat", "lon", "sector_id", "town_id"):
                if values.get(name) is None:
                    values[name] = getattr(site, name)
        if values.get("sector_id") is None and self._areas and values.get("lat") is not None:
            if self._tree is None:
                self._tree = shapely.STRtree([area for _, area in self._areas])
            hits = self._tree.query(Point(values["lon"], values["lat"]), predicate="intersects")
            if len(hits):
                values["sector_id"] = self._areas[int(min(hits))][0]


def taken_ports(session: Session) -> dict[tuple[str, int], tuple[str, str]]:
    """Ports in use: (switch id, port) → (id, code) of the camera or link on it."""
    taken: dict[tuple[str, int], tuple[str, str]] = {}
    cameras = select(Camera.switch_id, Camera.switch_port, Camera.id, Camera.code)
    for camera in session.execute(cameras.where(Camera.switch_id.is_not(None), Camera.switch_port.is_not(None))):
        taken[camera.switch_id, camera.switch_port] = (camera.id, camera.code)
    for link in session.execute(
        select(Link.a_switch_id, Link.a_port, Link.b_switch_id, Link.b_port, Link.id, Link.code)
    ):
        for switch_id, port in ((link.a_switch_id, link.a_port), (link.b_switch_id, link.b_port)):
            if switch_id and port:
                taken[switch_id, port] = (link.id, link.code)
    return taken


def judge(
    references: References, noun: str, values: Mapping[str, Any], *, row: int | None = None, before: Any = None
) -> tuple[dict[str, Any], list[FieldError]]:
    """Clean, completed values and all faults. `before` is the row that is changed, None for a new one."""
    clean, faults = rules.check(noun, values, new=before is None, row=row)
    faults += references.faults(clean, row)
    if noun in ("site", "camera"):
        names = [name for name in ("site_id", "lat", "lon", "sector_id", "town_id") if name in rules.FIELDS[noun]]
        whole: dict[str, Any] = {name: clean[name] if name in clean else getattr(before, name, None) for name in names}
        references.complete(whole)
        clean |= {name: value for name, value in whole.items() if value is not None}
        faults = [fault for fault in faults if fault.message != "is required" or clean.get(fault.field) is None]
    if noun == "camera":
        of_port = {name: clean.get(name, getattr(before, name, None)) for name in ("code", "switch_id", "switch_port")}
        if of_port["switch_id"] is None and "switch_port" not in clean:
            clean["switch_port"] = of_port["switch_port"] = None  # whoever takes the switch away means the port too
        faults += references.port_faults(of_port, before.id if before is not None else f"row {row}", row)
    if noun == "camera" and before is not None and before.password_sealed and "password" not in clean:
        known = {urlsplit(getattr(before, name)).hostname for name in rules.URL_FIELDS}
        for name in rules.URL_FIELDS:
            # Otherwise whoever may change an address could have the password sent to a machine of their own.
            if clean.get(name) and urlsplit(clean[name]).hostname not in known:
                faults.append(
                    FieldError(field="password", message=f"enter it again: {name} leads to another machine", row=row)
                )
                break
    return clean, faults
