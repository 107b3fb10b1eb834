"""Judging rows that refer to each other: which sectors, towns and sites there are, and what a row takes over from them.

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
from manara.network.tables import Sector, Site, Town


@dataclass(frozen=True, slots=True)
class _Place:
    """What a camera takes over from its site."""

    lat: float
    lon: float
    sector_id: str | None
    town_id: str | None


class References:
    """The sectors, towns and sites that rows may refer to, read once."""

    def __init__(self, session: Session) -> None:
        self.ids: dict[str, dict[str, str]] = {}  # noun → code → id
        for noun, table in (("sector", Sector), ("town", Town), ("site", Site)):
            self.ids[noun] = {row.code: row.id for row in session.execute(select(table.code, table.id))}
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
