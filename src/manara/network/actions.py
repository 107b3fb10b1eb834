"""Adding, changing and removing sectors, towns, sites and cameras; also many at once (`seed`, `imports.py` by `apply`).

Each action judges everything first and names all faults, then commits state, audit entry and message together.
A camera's password is sealed here and goes nowhere else: not into an answer, a log or the audit log. Reading:
`views.py`.
Called by the web's routes and the commands; tells the recorder through `CameraChanged` (see `wiring.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select
from sqlalchemy.orm import Session

from manara.access.who import Who
from manara.base.errors import Conflict, FieldError, Forbidden, InvalidInput, NotFound
from manara.base.ids import new_id
from manara.messages import CameraChanged, Message, PlaceChanged, SiteChanged
from manara.network import rules, views
from manara.network.infrastructure.tables import ShedPolicy, infrastructure_at
from manara.network.references import References, judge
from manara.network.tables import Camera, GuardTour, PtzPreset, Sector, Site, Town
from manara.store import meanwhile
from manara.store.act import Act
from manara.store.database import Database
from manara.store.secret import SecretBox

Row = Sector | Town | Site | Camera
TABLES: dict[str, type[Row]] = {"sector": Sector, "town": Town, "site": Site, "camera": Camera}
_AUDIT_CODES_MAX = 500  # codes in one audit entry of a bulk action; more make several entries


def add_sector(database: Database, who: Who, at: datetime, values: Mapping[str, Any]) -> dict[str, Any]:
    """Add a sector; returns its view. Raises `InvalidInput` with all faults, `Conflict` when the code is taken."""
    return _add(database, None, who, at, "sector", values)


def change_sector(database: Database, who: Who, at: datetime, row_id: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Change the given fields of a sector; returns its view."""
    return _change(database, None, who, at, "sector", row_id, values)


def remove_sector(database: Database, who: Who, at: datetime, row_id: str) -> None:
    """Remove a sector that nothing belongs to. Raises `Conflict` otherwise."""
    _remove(database, who, at, "sector", row_id)


def add_town(database: Database, who: Who, at: datetime, values: Mapping[str, Any]) -> dict[str, Any]:
    """Add a town; returns its view."""
    return _add(database, None, who, at, "town", values)


def change_town(database: Database, who: Who, at: datetime, row_id: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Change the given fields of a town; returns its view."""
    return _change(database, None, who, at, "town", row_id, values)


def remove_town(database: Database, who: Who, at: datetime, row_id: str) -> None:
    """Remove a town that nothing belongs to. Raises `Conflict` otherwise."""
    _remove(database, who, at, "town", row_id)


def add_site(database: Database, who: Who, at: datetime, values: Mapping[str, Any]) -> dict[str, Any]:
    """Add a site; returns its view. Without a sector it gets the one whose boundary holds it."""
    return _add(database, None, who, at, "site", values)


def change_site(database: Database, who: Who, at: datetime, row_id: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Change the given fields of a site; returns its view."""
    return _change(database, None, who, at, "site", row_id, values)


def remove_site(database: Database, who: Who, at: datetime, row_id: str) -> None:
    """Remove a site that carries no camera. Raises `Conflict` otherwise."""
    _remove(database, who, at, "site", row_id)


def add_camera(database: Database, box: SecretBox, who: Who, at: datetime, values: Mapping[str, Any]) -> dict[str, Any]:
    """Add a camera; returns its view.

    Place, sector and town left empty come from its site, a sector also from the boundary that holds the camera.
    Raises `InvalidInput` with all faults, `Conflict` when the code is taken, `Forbidden` outside one's own sectors.
    """
    return _add(database, box, who, at, "camera", values)


def change_camera(
    database: Database, box: SecretBox, who: Who, at: datetime, row_id: str, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Change the given fields of a camera; returns its view. `password` "" clears it, None leaves it.

    `changed_us`, when given, must be what the person saw: otherwise `Conflict` (code `changed_meanwhile`).
    """
    return _change(database, box, who, at, "camera", row_id, values)


def remove_camera(database: Database, who: Who, at: datetime, row_id: str) -> None:
    """Remove a camera from the network. Its recordings stay until they are too old, its holds stay."""
    _remove(database, who, at, "camera", row_id)


def seed(
    database: Database,
    box: SecretBox,
    who: Who,
    at: datetime,
    *,
    sectors: Iterable[Mapping[str, Any]] = (),
    towns: Iterable[Mapping[str, Any]] = (),
    sites: Iterable[Mapping[str, Any]] = (),
    cameras: Iterable[Mapping[str, Any]] = (),
) -> dict[str, int]:
    """Add a whole network at once, or nothing; returns how many of each.

    The rows are as for `add_*`, may carry an `id`, and refer to each other by id *or* by `sector`, `town`, `site` code.
    Raises `InvalidInput` with all faults (row numbers count within each kind).
    """
    given = {"sector": list(sectors), "town": list(towns), "site": list(sites), "camera": list(cameras)}
    faults: list[FieldError] = []
    with database.act(who, at) as act:
        references = References(act.session)
        for noun, rows in given.items():
            taken = set(act.session.scalars(select(TABLES[noun].code)))
            made: list[dict[str, Any]] = []
            for number, raw in enumerate(rows, start=1):
                values = dict(raw)
                row_id = str(values.pop("id", "") or new_id())
                found = references.by_code(noun, values, number)
                clean, wrong = judge(references, noun, values, row=number)
                wrong = found + wrong
                code = clean.get("code")
                if code in taken:
                    wrong.append(FieldError(field="code", message="is already taken", row=number, value=str(code)))
                faults += wrong
                if not wrong:
                    taken.add(str(code))
                    made.append({"id": row_id, **sealed(box, clean), "changed_us": act.at_us})
                    references.learn(noun, made[-1])
            if not faults:
                apply(act, noun, made, [])
        if faults:
            raise InvalidInput(f"{len(faults)} faults; nothing was added.", code="seed_invalid", fields=faults)
    return {noun: len(rows) for noun, rows in given.items()}


def sealed(box: SecretBox | None, clean: dict[str, Any]) -> dict[str, Any]:
    """`clean` with its `password` replaced by `password_sealed`."""
    values = dict(clean)
    if "password" in values:
        password = values.pop("password")
        if box is None:
            raise TypeError("a password came without a box to seal it in")
        values["password_sealed"] = box.seal(password)
    return values


def apply(act: Act, noun: str, added: Sequence[dict[str, Any]], changed: Sequence[tuple[Row, dict[str, Any]]]) -> None:
    """Within `act`: insert complete rows, change rows, publish a message each, and enter all codes in the audit log."""
    if added:
        with meanwhile.first_come():
            act.session.execute(insert(TABLES[noun]), list(added))
    for row, values in changed:
        for name, value in values.items():
            setattr(row, name, value)
        meanwhile.mark_changed(act, row)
    meanwhile.flush(act)
    for values in added:
        act.publish(message(noun, values["id"]))
    for row, _ in changed:
        act.publish(message(noun, row.id))
    entries: list[tuple[str, str, list[str]]] = [("added", values["code"], []) for values in added]
    entries += [("updated", row.code, sorted(_public(values))) for row, values in changed]
    for start in range(0, len(entries), _AUDIT_CODES_MAX):
        part = entries[start : start + _AUDIT_CODES_MAX]
        act.audit(
            f"{noun}:import",
            detail={
                "added": [code for kind, code, _ in part if kind == "added"],
                "updated": {code: names for kind, code, names in part if kind == "updated"},
                "from": start + 1,
                "of": len(entries),
            },
        )


def message(noun: str, row_id: str, *, removed: bool = False) -> Message:
    """The fact that a row of this noun changed."""
    if noun == "camera":
        return CameraChanged(camera_id=row_id, removed=removed)
    if noun == "site":
        return SiteChanged(site_id=row_id, removed=removed)
    return PlaceChanged(place=noun, place_id=row_id, removed=removed)


def _add(
    database: Database, box: SecretBox | None, who: Who, at: datetime, noun: str, values: Mapping[str, Any]
) -> dict[str, Any]:
    with database.act(who, at) as act:
        clean, faults = judge(References(act.session), noun, values)
        if faults:
            raise InvalidInput(f"The {noun} is not valid.", code=f"{noun}_invalid", fields=faults)
        _within_sectors(who, noun, clean.get("sector_id"))
        _free_code(act.session, noun, clean["code"])
        row = TABLES[noun](id=new_id(), changed_us=act.at_us, **sealed(box, clean))
        act.session.add(row)
        meanwhile.flush(act)
        act.audit(f"{noun}:add", subject=row.id, detail=_public(clean))
        act.publish(message(noun, row.id))
        return views.view(noun, row, who)


def _change(
    database: Database,
    box: SecretBox | None,
    who: Who,
    at: datetime,
    noun: str,
    row_id: str,
    values: Mapping[str, Any],
) -> dict[str, Any]:
    given = dict(values)
    seen_us = given.pop("changed_us", None)
    with database.act(who, at) as act:
        row = _get(act.session, who, noun, row_id)
        meanwhile.unchanged(row, seen_us)
        clean, faults = judge(References(act.session), noun, given, before=row)
        if faults:
            raise InvalidInput(f"The {noun} is not valid.", code=f"{noun}_invalid", fields=faults)
        if "sector_id" in clean:
            _within_sectors(who, noun, clean["sector_id"])
        if clean.get("code", row.code) != row.code:
            _free_code(act.session, noun, clean["code"])
        before, after = {}, {}
        for name, value in sealed(box, clean).items():
            if getattr(row, name) != value:
                before[name], after[name] = getattr(row, name), value
                setattr(row, name, value)
        if after:
            meanwhile.mark_changed(act, row)
            meanwhile.flush(act)
            act.audit(f"{noun}:change", subject=row.id, detail={"before": _public(before), "after": _public(after)})
            act.publish(message(noun, row.id))
        return views.view(noun, row, who)


def _remove(database: Database, who: Who, at: datetime, noun: str, row_id: str) -> None:
    with database.act(who, at) as act:
        row = _get(act.session, who, noun, row_id)
        used = {
            name: count
            for name, condition in _users(noun, row_id)
            if (count := act.session.scalar(select(func.count()).where(condition)))
        }
        if used:
            listed = ", ".join(f"{count} {name.replace('_', ' ')}(s)" for name, count in used.items())
            raise Conflict(f"{noun} {row.code} still has {listed}.", code=f"{noun}_in_use", detail=used)
        if noun == "site":
            act.session.execute(delete(ShedPolicy).where(ShedPolicy.site_id == row_id))
        if noun == "camera":
            act.session.execute(delete(GuardTour).where(GuardTour.camera_id == row_id))
            act.session.execute(delete(PtzPreset).where(PtzPreset.camera_id == row_id))
        act.session.delete(row)
        meanwhile.flush(act)
        act.audit(f"{noun}:remove", subject=row_id, detail={"code": row.code})
        act.publish(message(noun, row_id, removed=True))


def _users(noun: str, row_id: str) -> list[tuple[str, ColumnElement[bool]]]:
    if noun == "sector":
        return [
            ("town", Town.sector_id == row_id),
            ("site", Site.sector_id == row_id),
            ("camera", Camera.sector_id == row_id),
        ]
    if noun == "town":
        return [("site", Site.town_id == row_id), ("camera", Camera.town_id == row_id)]
    if noun == "site":
        return [("camera", Camera.site_id == row_id), *infrastructure_at(row_id)]
    return []


def _get(session: Session, who: Who, noun: str, row_id: str) -> Row:
    found: Any = session.get(TABLES[noun], row_id)
    row: Row | None = found
    if row is None or (noun in ("site", "camera") and not who.may_see_sector(getattr(row, "sector_id", None))):
        raise NotFound(f"There is no such {noun}.", code=f"{noun}_not_found")
    return row


def _within_sectors(who: Who, noun: str, sector_id: str | None) -> None:
    if noun in ("site", "camera") and not who.may_see_sector(sector_id):
        raise Forbidden(f"This {noun} would lie outside your sectors.", code="outside_sectors")


def _free_code(session: Session, noun: str, code: str) -> None:
    table = TABLES[noun]
    if session.scalar(select(table.id).where(table.code == code)):
        raise Conflict(
            f"There is already a {noun} with the code {code}.",
            code="code_taken",
            fields=[FieldError(field="code", message="is already taken", value=code)],
        )


def _public(values: Mapping[str, Any]) -> dict[str, Any]:
    """What may stand in the audit log: no passwords, addresses without query, boundaries only as a word."""
    shown: dict[str, Any] = {}
    for name, value in values.items():
        if name in ("password", "password_sealed"):
            shown["password"] = "set" if value else "none"
        elif name in rules.URL_FIELDS:
            shown[name] = rules.redact_url(value) if value else ""
        elif name == "boundary":
            shown[name] = None if value is None else value["type"]
        else:
            shown[name] = value
    return shown
