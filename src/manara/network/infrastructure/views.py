"""Power sources, cabinets, switches, links, devices as JSON, as far as a person's sectors reach.

Each carries the sectors it is seen from (`sector_ids`: of its site; of a link, of both ends), which the screens' hub
goes by. A device's address only for those who care for devices; credentials and tokens never.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from manara.access.who import Who
from manara.base.errors import NotFound
from manara.network.infrastructure.tables import (
    Cabinet,
    Link,
    PowerSource,
    Switch,
    TelemetryDevice,
)
from manara.network.tables import Site
from manara.network.views import sees_addresses

TABLES: dict[str, Any] = {
    "power_source": PowerSource,
    "cabinet": Cabinet,
    "switch": Switch,
    "link": Link,
    "device": TelemetryDevice,
}
_HIDDEN = frozenset({"credentials_sealed", "token_hash"})
COLUMNS = {
    noun: tuple(column.name for column in table.__table__.columns if column.name not in _HIDDEN)
    for noun, table in TABLES.items()
}
_ORDER = {"power_source": ("site_id", "kind"), "cabinet": ("site_id",)}


def sectors(session: Session, site_ids: Collection[str] | None = None) -> dict[str, str | None]:
    """Site id → sector id, of these sites or all."""
    query = select(Site.id, Site.sector_id)
    if site_ids is not None:
        query = query.where(Site.id.in_(site_ids))
    return {row.id: row.sector_id for row in session.execute(query)}


def view(noun: str, row: Any, sector_of: Mapping[str, str | None], who: Who) -> dict[str, Any]:
    """One row as JSON for this person (who may see it)."""
    value: dict[str, Any] = {"id": row.id} | {name: getattr(row, name) for name in COLUMNS[noun]}
    value["sector_ids"] = [sector_of.get(site_id) for site_id in _sites(noun, row)]
    if noun == "device":
        value["has_credentials"] = bool(row.credentials_sealed)
        value["has_token"] = bool(row.token_hash)
        if not sees_addresses(who):
            value["address"] = ""
    return value


def listing(session: Session, noun: str, who: Who, site_id: str | None = None) -> list[dict[str, Any]]:
    """All rows of a noun that this person may see; of one site with `site_id`."""
    table = TABLES[noun]
    query = select(table).order_by(*(getattr(table, name) for name in _ORDER.get(noun, ("code",))))
    if site_id is not None and noun == "link":
        query = query.where((Link.a_site_id == site_id) | (Link.b_site_id == site_id))
    elif site_id is not None:
        query = query.where(table.site_id == site_id)
    rows = session.scalars(query).all()
    # of one site's rows only their sites are asked for: `wiring.py` does so at each change of a site
    sector_of = sectors(session, None if site_id is None else {one for row in rows for one in _sites(noun, row)})
    return [
        view(noun, row, sector_of, who)
        for row in rows
        if any(who.may_see_sector(sector_of.get(one)) for one in _sites(noun, row))
    ]


def row_of(session: Session, noun: str, row_id: str, who: Who) -> Any:
    """The row itself. Raises `NotFound` where it is not there or not this person's to see."""
    row = session.get(TABLES[noun], row_id)
    if row is not None:
        of = sectors(session, _sites(noun, row))
        if any(who.may_see_sector(sector_id) for sector_id in of.values()):
            return row
    raise NotFound(f"There is no such {noun.replace('_', ' ')}.", code=f"{noun}_not_found")


def one(session: Session, noun: str, row_id: str, who: Who) -> dict[str, Any]:
    """One row as JSON. Raises `NotFound` as `row_of` does."""
    row = row_of(session, noun, row_id, who)
    return view(noun, row, sectors(session, _sites(noun, row)), who)


def _sites(noun: str, row: Any) -> list[str]:
    return [row.a_site_id, row.b_site_id] if noun == "link" else [row.site_id]
