"""Adding, changing and removing power sources, cabinets, switches, links and telemetry devices; also many at once.

Each action judges everything first and names all faults, then commits state, audit entry and `InfrastructureChanged`
together. Credentials are sealed here and go nowhere else; a device's token is answered once and kept as its hash.
Called by the web's routes, by `imports.py` and by seeding; reading: `views.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, insert, or_, select

from manara.access.who import Who
from manara.base.errors import Conflict, FieldError, Forbidden, InvalidInput
from manara.base.ids import new_id
from manara.messages import CameraChanged, InfrastructureChanged
from manara.network.infrastructure import rules, views
from manara.network.infrastructure.known import Known, judge, value_of
from manara.network.infrastructure.tables import Link
from manara.network.infrastructure.views import TABLES
from manara.network.tables import Camera, Site
from manara.network.telemetry.devices import new_token, takes_token
from manara.store import meanwhile
from manara.store.act import Act
from manara.store.database import Database
from manara.store.secret import SecretBox

_AUDIT_MOST = 500  # names in one audit entry of a bulk action; more make several entries


def add(
    database: Database, box: SecretBox, who: Who, at: datetime, noun: str, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Add a row of `noun`; returns its view, of a device that takes one also the `token`, never shown again.

    Raises `InvalidInput` with all faults, `Conflict` where there is such a row, `Forbidden` outside one's own sectors.
    """
    with database.act(who, at) as act:
        known = Known(act.session)
        clean, faults = judge(known, noun, values)
        if faults:
            raise InvalidInput(f"The {_words(noun)} is not valid.", code=f"{noun}_invalid", fields=faults)
        _within_sectors(known, who, noun, clean)
        _free_key(act, noun, clean, None)
        stored = identified(noun, sealed(box, clean))
        token = ""
        if noun == "device" and takes_token(stored["protocol"], stored["address"]):
            token, stored["token_hash"] = new_token(stored["id"])
        row = TABLES[noun](changed_us=act.at_us, **stored)
        act.session.add(row)
        meanwhile.flush(act)
        act.audit(f"{noun}:add", subject=row.id, detail=_public(clean))
        act.publish(InfrastructureChanged(noun=noun, row_id=row.id))
        return views.view(noun, row, known.sector_of, who) | ({"token": token} if token else {})


def change(
    database: Database, box: SecretBox, who: Who, at: datetime, noun: str, row_id: str, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Change the given fields; returns its view. `credentials` None leaves them, {} clears them.

    `changed_us`, when given, must be what the person saw: otherwise `Conflict` (code `changed_meanwhile`).
    """
    given = dict(values)
    seen_us = given.pop("changed_us", None)
    with database.act(who, at) as act:
        row = views.row_of(act.session, noun, row_id, who)
        meanwhile.unchanged(row, seen_us)
        known = Known(act.session)
        clean, faults = judge(known, noun, given, before=row)
        if "site_id" in clean and noun == "switch" and clean["site_id"] != row.site_id:
            faults += _switch_moves(act, row_id)
        if faults:
            raise InvalidInput(f"The {_words(noun)} is not valid.", code=f"{noun}_invalid", fields=faults)
        whole = {name: clean.get(name, getattr(row, name, None)) for name in rules.FIELDS[noun]}
        _within_sectors(known, who, noun, whole)
        _free_key(act, noun, whole, row)
        if noun == "cabinet" and whole["site_id"] != row.site_id:
            raise Conflict("A cabinet stays at its site; remove it and add one there.", code="cabinet_moves")
        before, after = {}, {}
        for name, value in sealed(box, clean).items():
            if getattr(row, name) != value:
                before[name], after[name] = getattr(row, name), value
                setattr(row, name, value)
        if after:
            meanwhile.mark_changed(act, row)
            meanwhile.flush(act)
            act.audit(f"{noun}:change", subject=row.id, detail={"before": _public(before), "after": _public(after)})
            act.publish(InfrastructureChanged(noun=noun, row_id=row.id))
        return views.view(noun, row, known.sector_of, who)


def remove(database: Database, who: Who, at: datetime, noun: str, row_id: str) -> None:
    """Remove a row that nothing hangs on. Raises `Conflict` otherwise."""
    with database.act(who, at) as act:
        row = views.row_of(act.session, noun, row_id, who)
        used = {
            name: count
            for name, condition in _users(noun, row_id)
            if (count := act.session.scalar(select(func.count()).where(condition)))
        }
        if used:
            listed = ", ".join(f"{count} {name}(s)" for name, count in used.items())
            raise Conflict(f"{_words(noun)} {row.code} still has {listed}.", code=f"{noun}_in_use", detail=used)
        act.session.delete(row)
        meanwhile.flush(act)
        act.audit(f"{noun}:remove", subject=row_id, detail=_name(noun, row))
        act.publish(InfrastructureChanged(noun=noun, row_id=row_id, removed=True))


def renew_token(database: Database, who: Who, at: datetime, device_id: str) -> str:
    """A new token for a device that pushes, or publishes to our own broker; the old one ends at once, and with it what
    is open. Answered once, never shown again.
    """
    with database.act(who, at) as act:
        row = views.row_of(act.session, "device", device_id, who)
        if not takes_token(row.protocol, row.address):
            raise Conflict(
                f"Device {row.code} neither pushes nor publishes to our own broker; it needs no token.",
                code="device_needs_no_token",
            )
        token, row.token_hash = new_token(row.id)
        meanwhile.mark_changed(act, row)
        act.audit("device:renew_token", subject=row.id)
        act.publish(InfrastructureChanged(noun="device", row_id=row.id))
    return token


def seed(
    database: Database,
    box: SecretBox,
    who: Who,
    at: datetime,
    *,
    camera_ports: Mapping[str, tuple[str, int]] | None = None,
    suppliers: Mapping[str, str] | None = None,
    tokens: dict[str, str] | None = None,
    **given: Iterable[Mapping[str, Any]],
) -> dict[str, int]:
    """Add many rows at once, or nothing; returns how many of each.

    `given`: `power_sources`, `cabinets`, `switches`, `links`, `devices`, rows as for `add`, which refer to each other
    by id or by `site`, `a_site`, `a_switch` … code, and may carry an `id`. `camera_ports`: camera code → switch code
    and port. `suppliers`: site code → name. `tokens`, where given, is filled with the tokens of devices by code.
    Raises `InvalidInput` with all faults (row numbers count within each noun).
    """
    unknown = given.keys() - rules.PLURALS.keys()
    if unknown:
        raise TypeError(f"not known here: {sorted(unknown)}")
    faults: list[FieldError] = []
    counts: dict[str, int] = {}
    with database.act(who, at) as act:
        known = Known(act.session)
        for plural, noun in rules.PLURALS.items():
            made: list[dict[str, Any]] = []
            taken = {key_of(noun, row) for row in act.session.scalars(select(TABLES[noun]))}
            for number, raw in enumerate(given.get(plural, ()), start=1):
                values = dict(raw)
                row_id = str(values.pop("id", "") or "")
                wrong = known.by_code(noun, values, number)
                clean, more = judge(known, noun, values, row=number)
                wrong += more
                if not wrong and key_of(noun, clean) in taken:
                    wrong.append(FieldError(rules.KEYS[noun][-1], "is already taken", row=number))
                faults += wrong
                if wrong:
                    continue
                taken.add(key_of(noun, clean))
                stored = identified(noun, sealed(box, clean)) | {"changed_us": act.at_us}
                if row_id and noun != "cabinet":
                    stored["id"] = row_id
                if noun == "device" and tokens is not None and takes_token(stored["protocol"], stored["address"]):
                    tokens[stored["code"]], stored["token_hash"] = new_token(stored["id"])
                made.append(stored)
                known.learn(noun, stored)
            if not faults:
                apply(act, noun, made, [])
            counts[plural] = len(made)
        if not faults:
            faults += _put_on_ports(act, known, camera_ports or {})
            for code, supplier in (suppliers or {}).items():
                site = act.session.get(Site, known.codes["site"].get(code, ""))
                if site is not None:
                    site.supplier = supplier
        if faults:
            raise InvalidInput(f"{len(faults)} faults; nothing was added.", code="seed_invalid", fields=faults)
    return counts


def _put_on_ports(act: Act, known: Known, camera_ports: Mapping[str, tuple[str, int]]) -> list[FieldError]:
    faults = []
    for code, (switch, port) in camera_ports.items():
        camera = act.session.get(Camera, known.codes["camera"].get(code, ""))
        switch_id = known.codes["switch"].get(switch)
        if camera is None or switch_id is None:
            faults.append(FieldError("camera_ports", "leads nowhere", value=f"{code}: {switch}/{port}"))
            continue
        camera.switch_id, camera.switch_port, camera.changed_us = switch_id, port, act.at_us
        act.publish(CameraChanged(camera_id=camera.id))
    if camera_ports and not faults:
        act.audit("camera:ports", detail={"cameras": len(camera_ports)})
    return faults


def apply(act: Act, noun: str, added: Sequence[dict[str, Any]], changed: Sequence[tuple[Any, dict[str, Any]]]) -> None:
    """Within `act`: insert complete rows, change rows, publish a message each, enter all of them in the audit log."""
    if added:
        with meanwhile.first_come():
            act.session.execute(insert(TABLES[noun]), list(added))
    for row, values in changed:
        for name, value in values.items():
            setattr(row, name, value)
        meanwhile.mark_changed(act, row)
    meanwhile.flush(act)
    ids = [values["site_id"] if noun == "cabinet" else values["id"] for values in added]
    for row_id in [*ids, *(row.id for row, _ in changed)]:
        act.publish(InfrastructureChanged(noun=noun, row_id=row_id))
    entries: list[tuple[str, str]] = [("added", " ".join(key_of(noun, values))) for values in added]
    entries += [("updated", " ".join(key_of(noun, row))) for row, _ in changed]
    for start in range(0, len(entries), _AUDIT_MOST):
        part = entries[start : start + _AUDIT_MOST]
        detail = {kind: [name for one, name in part if one == kind] for kind in ("added", "updated")}
        act.audit(f"{noun}:import", detail={**detail, "from": start + 1, "of": len(entries)})


def sealed(box: SecretBox, clean: Mapping[str, Any]) -> dict[str, Any]:
    """`clean` with its `credentials` replaced by `credentials_sealed`."""
    values = dict(clean)
    if "credentials" in values:
        values["credentials_sealed"] = box.seal(values.pop("credentials"))
    return values


def key_of(noun: str, row: Any) -> tuple[str, ...]:
    """What a row is found again by in an import; of a row or a mapping of its values."""
    return tuple(str(value_of(row, name) or "") for name in rules.KEYS[noun])


def identified(noun: str, stored: dict[str, Any]) -> dict[str, Any]:
    """A new row with an id (a cabinet has its site's) and nothing of what bulk inserts want to be whole missing."""
    if noun == "device":
        stored = {"credentials_sealed": "", "token_hash": None} | stored
    return stored if noun == "cabinet" else {"id": new_id()} | stored


def _users(noun: str, row_id: str) -> list[tuple[str, ColumnElement[bool]]]:
    if noun == "switch":
        on_link = or_(Link.a_switch_id == row_id, Link.b_switch_id == row_id)
        return [("camera", Camera.switch_id == row_id), ("link", on_link)]
    return []


def _switch_moves(act: Act, switch_id: str) -> list[FieldError]:
    """A switch that links end at stays where it is."""
    on_link = or_(Link.a_switch_id == switch_id, Link.b_switch_id == switch_id)
    if act.session.scalar(select(func.count()).where(on_link)):
        return [FieldError("site_id", "cannot change while links end at this switch")]
    return []


def _within_sectors(known: Known, who: Who, noun: str, values: Mapping[str, Any]) -> None:
    if not known.seen_by(who, noun, values):
        raise Forbidden(f"This {_words(noun)} would lie outside your sectors.", code="outside_sectors")


def _free_key(act: Act, noun: str, whole: Mapping[str, Any], before: Any) -> None:
    key = key_of(noun, whole)
    if before is not None and key == key_of(noun, before):
        return
    table = TABLES[noun]
    conditions = [getattr(table, name) == whole[name] for name in rules.KEYS[noun]]
    if act.session.scalar(select(func.count()).select_from(table).where(*conditions)):
        field = rules.KEYS[noun][-1]
        message = "is already taken" if field == "code" else "the site has one already"
        raise Conflict(
            f"There is such a {_words(noun)} already.",
            code="code_taken" if field == "code" else f"{noun}_exists",
            fields=[FieldError(field, message, value=str(whole[field])[:80])],
        )


def _name(noun: str, row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in rules.KEYS[noun]}


def _words(noun: str) -> str:
    return noun.replace("_", " ")


def _public(values: Mapping[str, Any]) -> dict[str, Any]:
    """What may stand in the audit log: no secrets."""
    shown = dict(values)
    for name in ("credentials", "credentials_sealed"):
        if name in shown:
            shown["credentials"] = "set" if shown.pop(name) else "none"
    return shown
