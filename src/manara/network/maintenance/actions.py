"""Work orders, teams, planned outages and preventive rounds: added, changed, moved on, by whom, each with audit and
fact.

A cause has one open work order: a second request answers the first. Called by the web's routes and by `checking.py`;
reading: `views.py`. What follows elsewhere (the alarm that shows its order, alarms held back during an outage) is
`wiring.py`'s.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select

from manara.access.who import Who
from manara.base.errors import Conflict, FieldError, InvalidInput, NotFound
from manara.base.ids import new_id
from manara.messages import OutageChanged, RoundChanged, WorkOrderChanged
from manara.network.health.tables import CauseRow
from manara.network.maintenance import photos, rules, views
from manara.network.maintenance.tables import (
    Outage,
    PreventiveRound,
    Team,
    WorkOrder,
    WorkOrderEntry,
    WorkOrderPhoto,
)
from manara.network.rules import Field, check_fields
from manara.network.tables import Camera, Site
from manara.store import meanwhile
from manara.store.act import Act
from manara.store.database import Database

_US_A_DAY = 86_400_000_000
OUTAGE_MAX_US = 31 * _US_A_DAY  # as long as alarms may be suppressed
PHOTOS_MAX = 40
NOTE_MAX = 4000


def raise_order(database: Database, who: Who, at: datetime, values: Mapping[str, Any]) -> dict[str, Any]:
    """Raise a work order, by hand or for a cause; the open one of the same cause is answered instead, `raised` False.

    Raises `InvalidInput` with all faults, `NotFound` where the site is not one's own.
    """
    given = dict(values)
    with database.act(who, at) as act:
        cause = act.session.get(CauseRow, str(given.get("cause_id") or ""))
        if cause is not None:
            there = act.session.scalar(select(WorkOrder).where(WorkOrder.open_cause_id == cause.id))
            if there is not None:
                return views.order_view(there) | {"raised": False}
            given.setdefault("site_id", cause.site_id)
            given.setdefault("camera_ids", cause.camera_ids)
        clean = _judged("work_order", rules.ORDER, given)
        site = _site(act, who, clean["site_id"])
        _known(act, clean)
        order = WorkOrder(
            id=new_id(),
            number=(act.session.scalar(select(func.max(WorkOrder.number))) or 0) + 1,
            state=rules.ASSIGNED if clean["team_id"] else rules.OPEN,
            sector_id=site.sector_id or "",
            open_cause_id=None if cause is None or cause.closed_us is not None else cause.id,
            cause_kind="" if cause is None else cause.kind,
            opened_us=act.at_us,
            opened_by=who.account_id,
            opened_by_name=who.name,
            changed_us=act.at_us,
            **clean,
        )
        act.session.add(order)
        meanwhile.flush(act)
        _entry(act, order, order.state, clean["description"])
        _told(act, order, "raise", {"site": site.code, "cause": order.cause_kind, "number": order.number})
        return views.order_view(order) | {"raised": True}


def change_order(
    database: Database, who: Who, at: datetime, order_id: str, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Change the given fields. `changed_us`, when given, must be what the person saw: otherwise `Conflict`."""
    given = dict(values)
    seen_us = given.pop("changed_us", None)
    with database.act(who, at) as act:
        order = views.order_row(act.session, order_id, who)
        meanwhile.unchanged(order, seen_us)
        clean = _judged("work_order", rules.ORDER_CHANGES, given, new=False)
        _known(act, clean)
        if order.state in rules.ENDED:
            raise Conflict("This work order has ended.", code="work_order_ended")
        changes = {name: value for name, value in clean.items() if getattr(order, name) != value}
        for name, value in changes.items():
            setattr(order, name, value)
        if "team_id" in changes and order.state in (rules.OPEN, rules.ASSIGNED):
            order.state = rules.ASSIGNED if order.team_id else rules.OPEN
        if changes:
            meanwhile.mark_changed(act, order)
            _entry(act, order, "change", "", changes)
            _told(act, order, "change", changes)
        return views.order_view(order)


def move_order(
    database: Database,
    who: Who,
    at: datetime,
    order_id: str,
    state: str,
    note: str = "",
    *,
    check: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Move a work order on, with a note. `check` is what the health check found, when it is the one who moves.

    Raises `Conflict` (code `work_order_state`) where it may not go there from where it is.
    """
    text = note.strip()
    if len(text) > NOTE_MAX:
        raise InvalidInput(
            "The note is too long.",
            code="note_invalid",
            fields=[FieldError("note", f"is longer than {NOTE_MAX} characters")],
        )
    with database.act(who, at) as act:
        order = views.order_row(act.session, order_id, who)
        if not rules.may_move(order.state, state):
            raise Conflict(
                f"A work order that is {order.state} cannot become {state}.",
                code="work_order_state",
                detail={"state": order.state, "may": sorted(rules.MOVES[order.state])},
            )
        if state == rules.ASSIGNED and order.team_id is None:
            raise InvalidInput(
                "Name the team first.", code="work_order_invalid", fields=[FieldError("team_id", "is required")]
            )
        order.state = state
        meanwhile.mark_changed(act, order)
        if state == rules.ACCEPTED:
            order.accepted_us = order.accepted_us or act.at_us
        elif state == rules.ON_SITE:
            order.arrived_us = order.arrived_us or act.at_us
        elif state == rules.DONE:
            order.done_us = act.at_us
        elif state == rules.REOPENED:
            order.reopened_count += 1
            order.done_us = None
        elif state in rules.ENDED:
            order.closed_us = act.at_us
            order.open_cause_id = None
        if state == rules.CLOSED and order.round_id:
            _round_done(act, order)
        _entry(act, order, state, text, dict(check or {}))
        _told(act, order, state, {"note": text[:200], **(check or {})})
        return views.order_view(order)


def note_order(database: Database, who: Who, at: datetime, order_id: str, text: str) -> dict[str, Any]:
    """Write in a work order's history."""
    clean = text.strip()
    if not 1 <= len(clean) <= NOTE_MAX:
        raise InvalidInput(
            "The note is not valid.",
            code="note_invalid",
            fields=[FieldError("note", f"must be 1 to {NOTE_MAX} characters")],
        )
    with database.act(who, at) as act:
        order = views.order_row(act.session, order_id, who)
        meanwhile.mark_changed(act, order)
        _entry(act, order, "note", clean)
        _told(act, order, "note", {})
        return views.order_view(order)


def add_photo(
    database: Database, who: Who, at: datetime, folder: Path, order_id: str, taken: str, data: bytes
) -> dict[str, Any]:
    """Keep a photograph taken `before` or `after`. Raises `InvalidInput` where it is no picture."""
    if taken not in ("before", "after"):
        raise InvalidInput(
            "When was it taken?", code="photo_invalid", fields=[FieldError("when", "must be before or after")]
        )
    with database.read() as session:
        views.order_row(session, order_id, who)
        if len(views.photo_rows(session, order_id)) >= PHOTOS_MAX:
            raise Conflict(f"A work order keeps {PHOTOS_MAX} photographs.", code="too_many_photos")
    photo_id = new_id()
    kept = photos.keep(folder / order_id, photo_id, data)  # first the file: a row without one would be a lie
    with database.act(who, at) as act:
        order = views.order_row(act.session, order_id, who)
        photo = WorkOrderPhoto(
            id=photo_id,
            work_order_id=order_id,
            taken=taken,
            at_us=act.at_us,
            by=who.account_id,
            by_name=who.name,
            width_px=kept.width_px,
            height_px=kept.height_px,
            size_bytes=kept.size_bytes,
            sha256=kept.sha256,
        )
        act.session.add(photo)
        meanwhile.mark_changed(act, order)
        _entry(act, order, "photo", "", {"photo_id": photo_id, "taken": taken})
        _told(act, order, "photo", {"photo": photo_id, "sha256": kept.sha256})
        return views.photo_view(photo)


# ---- teams, outages, rounds


def keep_team(
    database: Database, who: Who, at: datetime, team_id: str | None, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Add a team (`team_id` None) or change one."""
    with database.act(who, at) as act:
        row, clean = _kept(act, Team, team_id, "team", rules.TEAM, values)
        meanwhile.flush(act)
        act.audit("team:change" if team_id else "team:add", subject=row.id, detail=clean)
        return views.team_view(row)


def keep_outage(
    database: Database, who: Who, at: datetime, outage_id: str | None, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Enter a planned outage (`outage_id` None) or change one that has not ended."""
    with database.act(who, at) as act:
        row, clean = _kept(act, Outage, outage_id, "outage", rules.OUTAGE, values)
        faults = []
        if row.ended_us is not None:
            raise Conflict("This outage has ended.", code="outage_ended")
        if not row.site_ids and not row.camera_ids:
            faults.append(FieldError("site_ids", "name at least one site or camera"))
        if row.until_us <= max(row.from_us, act.at_us):
            faults.append(FieldError("until_us", "must be after from_us and after now"))
        elif row.until_us - row.from_us > OUTAGE_MAX_US:
            faults.append(FieldError("until_us", "must be at most 31 days after from_us"))
        for site_id in row.site_ids:
            site = act.session.get(Site, site_id)
            if site is None or not who.may_see_sector(site.sector_id):
                faults.append(FieldError("site_ids", "names a site that there is not", value=site_id))
        _known(act, clean, faults)
        if faults:
            raise InvalidInput("The outage is not valid.", code="outage_invalid", fields=faults)
        if outage_id is None:
            row.by, row.by_name = who.account_id, who.name
        meanwhile.flush(act)
        act.audit("outage:change" if outage_id else "outage:add", subject=row.id, detail=clean)
        act.publish(OutageChanged(outage_id=row.id))
        return views.outage_view(row)


def end_outage(database: Database, who: Who, at: datetime, outage_id: str) -> dict[str, Any]:
    """End a planned outage now; one that has not begun is taken back."""
    with database.act(who, at) as act:
        row = act.session.get(Outage, outage_id)
        if row is None:
            raise NotFound("There is no such outage.", code="outage_not_found")
        if row.ended_us is not None or row.until_us <= act.at_us:
            raise Conflict("This outage has ended.", code="outage_ended")
        row.ended_us = act.at_us
        meanwhile.mark_changed(act, row)
        act.audit("outage:end", subject=row.id, detail={"until_us": row.until_us})
        act.publish(OutageChanged(outage_id=row.id))
        return views.outage_view(row)


def keep_round(
    database: Database, who: Who, at: datetime, round_id: str | None, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Add a preventive round (`round_id` None) or change one."""
    with database.act(who, at) as act:
        row, clean = _kept(act, PreventiveRound, round_id, "round", rules.ROUND, values)
        faults = [] if row.site_ids else [FieldError("site_ids", "name at least one site")]
        if not row.name_ar and not row.name_en:
            faults.append(FieldError("name_ar", "is required"))
        known = set(act.session.scalars(select(Site.id).where(Site.id.in_(row.site_ids))))
        faults += [
            FieldError("site_ids", "names a site that there is not", value=one)
            for one in row.site_ids
            if one not in known
        ]
        _known(act, clean, faults)
        if faults:
            raise InvalidInput("The round is not valid.", code="round_invalid", fields=faults)
        meanwhile.flush(act)
        act.audit("round:change" if round_id else "round:add", subject=row.id, detail=clean)
        act.publish(RoundChanged(round_id=row.id))
        return views.round_view(row, act.at_us)


def round_done(database: Database, who: Who, at: datetime, round_id: str, site_id: str) -> dict[str, Any]:
    """A site of a round was done now, without a work order."""
    with database.act(who, at) as act:
        row = act.session.get(PreventiveRound, round_id)
        if row is None or site_id not in row.site_ids:
            raise NotFound("There is no such round at this site.", code="round_not_found")
        row.done = {**row.done, site_id: act.at_us}
        meanwhile.mark_changed(act, row)
        act.audit("round:done", subject=row.id, detail={"site_id": site_id})
        act.publish(RoundChanged(round_id=row.id))
        return views.round_view(row, act.at_us)


# ---- inside


def _judged(noun: str, fields: Mapping[str, Field], values: Mapping[str, Any], *, new: bool = True) -> dict[str, Any]:
    clean, faults = check_fields(fields, values, new=new)
    if faults:
        raise InvalidInput(f"The {noun.replace('_', ' ')} is not valid.", code=f"{noun}_invalid", fields=faults)
    return clean


def _kept(
    act: Act, table: Any, row_id: str | None, noun: str, fields: Mapping[str, Field], values: Mapping[str, Any]
) -> tuple[Any, dict[str, Any]]:
    given = dict(values)
    seen_us = given.pop("changed_us", None)
    clean = _judged(noun, fields, given, new=row_id is None)
    if row_id is None:
        row = table(id=new_id(), changed_us=act.at_us, **clean)
        if noun == "outage":
            row.by, row.ended_us = act.who.account_id, None
        act.session.add(row)
        return row, clean
    row = act.session.get(table, row_id)
    if row is None:
        raise NotFound(f"There is no such {noun}.", code=f"{noun}_not_found")
    meanwhile.unchanged(row, seen_us)
    for name, value in clean.items():
        setattr(row, name, value)
    meanwhile.mark_changed(act, row)
    return row, clean


def _site(act: Act, who: Who, site_id: str) -> Site:
    site = act.session.get(Site, site_id)
    if site is None or not who.may_see_sector(site.sector_id):
        raise NotFound("There is no such site.", code="site_not_found")
    return site


def _known(act: Act, clean: Mapping[str, Any], faults: list[FieldError] | None = None) -> None:
    found = [] if faults is None else faults
    if clean.get("team_id") and act.session.get(Team, clean["team_id"]) is None:
        found.append(FieldError("team_id", "is a team that there is not"))
    if wanted := clean.get("camera_ids"):
        known = set(act.session.scalars(select(Camera.id).where(Camera.id.in_(wanted))))
        found += [
            FieldError("camera_ids", "names a camera that there is not", value=one)
            for one in wanted
            if one not in known
        ]
    if clean.get("round_id") and act.session.get(PreventiveRound, clean["round_id"]) is None:
        found.append(FieldError("round_id", "is a round that there is not"))
    if faults is None and found:
        raise InvalidInput("It is not valid.", code="work_order_invalid", fields=found)


def _entry(act: Act, order: WorkOrder, what: str, text: str, detail: Mapping[str, Any] | None = None) -> None:
    by = "" if act.who.account_id.startswith("system:") else act.who.account_id
    act.session.execute(
        insert(WorkOrderEntry).values(
            id=new_id(),
            work_order_id=order.id,
            at_us=act.at_us,
            what=what,
            by=by,
            by_name=act.who.name if by else "",
            text=text,
            detail=dict(detail or {}),
        )
    )


def _told(act: Act, order: WorkOrder, verb: str, detail: Mapping[str, Any]) -> None:
    act.audit(f"work_order:{verb}", subject=order.id, detail=dict(detail))
    act.publish(WorkOrderChanged(work_order_id=order.id))


def _round_done(act: Act, order: WorkOrder) -> None:
    row = act.session.get(PreventiveRound, order.round_id)
    if row is not None and order.site_id in row.site_ids:
        row.done = {**row.done, order.site_id: act.at_us}
        meanwhile.mark_changed(act, row)
        act.publish(RoundChanged(round_id=row.id))
