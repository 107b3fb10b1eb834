"""What the things of the network are called, for rooms that know them only as `noun:id` (alarms, hand-overs, e-mail).

Reads the rows when it is asked, each thing once for one `names_of`. Handed to the alarms room by whoever runs it; asks
nobody who may see a name: words go only where the alarm itself goes.
"""

from typing import Any

from sqlalchemy.orm import Session

from manara.alarms.words import Named, Names
from manara.network.infrastructure.tables import Link, PowerSource, Switch, TelemetryDevice
from manara.network.tables import Camera, Sector, Site

_CODED: dict[str, Any] = {
    "camera": Camera,
    "site": Site,
    "cabinet": Site,  # has its site's id
    "sector": Sector,
    "switch": Switch,
    "link": Link,
    "device": TelemetryDevice,
}


def names_of(session: Session) -> Names:
    """A look-up of names in this session."""
    known: dict[str, Named | None] = {}

    def name(subject: str) -> Named | None:
        if subject not in known:
            known[subject] = _read(session, subject)
        return known[subject]

    return name


def _read(session: Session, subject: str) -> Named | None:
    noun, _, row_id = subject.partition(":")
    if noun == "port":
        switch_id, _, number = row_id.partition("/")
        switch = session.get(Switch, switch_id)
        return Named(f"{switch.code}/{number}") if switch else None
    if noun == "power_source":
        source = session.get(PowerSource, row_id)
        site = session.get(Site, source.site_id) if source else None
        return Named(f"{site.code}/{source.kind}", site.name_ar, site.name_en) if source and site else None
    if noun == "disk":
        return Named(row_id.replace("|", " "))
    table = _CODED.get(noun)
    row = session.get(table, row_id) if table is not None else None
    if row is None:
        return None
    return Named(row.code, getattr(row, "name_ar", ""), getattr(row, "name_en", ""))
