"""Holds on footage, export jobs and wall layouts: the changes of the state that the recorder room owns.

Each action commits state, audit entry and message together. Which cameras a person may name is judged by the caller's
`may_see` (this room does not know the network). The footage itself is kept and read elsewhere: retention obeys
`HoldChanged`,
the export worker in control takes jobs by `take_export` and reports by `note_progress` and `finish_export`.
Bounds: 64 tiles a page, 32 pages, 100 cameras a hold, 16 an export, spans up to 366 days (hold) and 7 days (export).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from manara.access.roles import Role
from manara.access.who import Who
from manara.base.errors import Conflict, FieldError, Forbidden, InvalidInput, NotFound
from manara.base.ids import new_id
from manara.messages import ExportChanged, HoldChanged, LayoutChanged, WantedHold
from manara.recorder.tables import ExportJob, Hold, Layout
from manara.store.database import Database

MaySee = Callable[[str], bool]
DAY_US = 86_400_000_000
HOLD_CAMERAS_MAX, HOLD_SPAN_MAX_US = 100, 366 * DAY_US
EXPORT_CAMERAS_MAX, EXPORT_SPAN_MAX_US = 16, 7 * DAY_US
TILES_MAX, PAGES_MAX, GRID_MAX = 64, 32, 16
LAYOUTS_PER_PERSON_MAX = 200
REASON_MIN, REASON_MAX = 3, 1000
_TIME_MAX_US = 4_102_444_800_000_000  # the year 2100


def hold_view(row: Hold) -> dict[str, Any]:
    """A hold as JSON."""
    return {
        "id": row.id,
        "camera_ids": row.camera_ids,
        "start_us": row.start_us,
        "end_us": row.end_us,
        "reason": row.reason,
        "created_us": row.created_us,
        "created_by": row.created_by,
        "created_by_name": row.created_by_name,
    }


def holds(session: Session, may_see: MaySee) -> list[dict[str, Any]]:
    """The holds in force of which this person may see a camera, newest first."""
    rows = session.scalars(select(Hold).where(Hold.released_us.is_(None)).order_by(Hold.created_us.desc(), Hold.id))
    return [hold_view(row) for row in rows if any(may_see(camera_id) for camera_id in row.camera_ids)]


def wanted_holds(session: Session) -> list[WantedHold]:
    """All holds in force, as retention wants them."""
    rows = session.scalars(select(Hold).where(Hold.released_us.is_(None)).order_by(Hold.id))
    return [wanted_hold(row) for row in rows]


def wanted_hold(row: Hold) -> WantedHold:
    """One hold as retention wants it."""
    return WantedHold(hold_id=row.id, camera_ids=list(row.camera_ids), start_us=row.start_us, end_us=row.end_us)


def add_hold(database: Database, who: Who, at: datetime, values: Mapping[str, Any], may_see: MaySee) -> dict[str, Any]:
    """Hold footage of `{camera_ids, start_us, end_us, reason}` (it may lie in the future). Raises `InvalidInput`."""
    clean = _span("hold", values, may_see, HOLD_CAMERAS_MAX, HOLD_SPAN_MAX_US)
    with database.act(who, at) as act:
        row = Hold(
            id=new_id(), created_us=act.at_us, created_by=who.account_id, created_by_name=who.name[:120], **clean
        )
        act.session.add(row)
        act.audit("hold:add", subject=row.id, detail=clean)
        act.publish(HoldChanged(hold_id=row.id))
        return hold_view(row)


def release_hold(database: Database, who: Who, at: datetime, hold_id: str, may_see: MaySee) -> None:
    """Release a hold; from then on retention may take the footage when its time has come."""
    with database.act(who, at) as act:
        row = act.session.get(Hold, hold_id)
        if row is None or row.released_us is not None or not all(may_see(camera_id) for camera_id in row.camera_ids):
            raise NotFound("There is no such hold.", code="hold_not_found")
        row.released_us, row.released_by = act.at_us, who.account_id
        act.audit("hold:release", subject=row.id, detail={"reason": row.reason, "camera_ids": row.camera_ids})
        act.publish(HoldChanged(hold_id=row.id, released=True))


def export_view(row: ExportJob) -> dict[str, Any]:
    """An export job as JSON."""
    return {
        "id": row.id,
        "state": row.state,
        "progress_pct": row.progress_pct,
        "files": row.files,
        "error": row.error,
        "camera_ids": row.camera_ids,
        "start_us": row.start_us,
        "end_us": row.end_us,
        "reason": row.reason,
        "account_id": row.account_id,
        "name": row.account_name,
        "created_us": row.created_us,
        "finished_us": row.finished_us,
    }


def exports(session: Session, who: Who, limit: int = 200) -> list[dict[str, Any]]:
    """The newest export jobs: one's own; a supervisor who sees all sectors sees everybody's."""
    query = select(ExportJob).order_by(ExportJob.created_us.desc(), ExportJob.id).limit(limit)
    if not _sees_all_exports(who):
        query = query.where(ExportJob.account_id == who.account_id)
    return [export_view(row) for row in session.scalars(query)]


def export(session: Session, who: Who, export_id: str) -> dict[str, Any]:
    """One export job. Raises `NotFound` where it is not there or not this person's to see."""
    return export_view(_export(session, who, export_id))


def add_export(
    database: Database, who: Who, at: datetime, values: Mapping[str, Any], may_see: MaySee
) -> dict[str, Any]:
    """Queue an export of `{camera_ids, start_us, end_us, reason}`. Raises `InvalidInput`."""
    clean = _span("export", values, may_see, EXPORT_CAMERAS_MAX, EXPORT_SPAN_MAX_US)
    with database.act(who, at) as act:
        row = ExportJob(
            id=new_id(),
            state="queued",
            progress_pct=0.0,
            files=[],
            error="",
            account_id=who.account_id,
            account_name=who.name[:120],
            created_us=act.at_us,
            finished_us=None,
            **clean,
        )
        act.session.add(row)
        act.audit("export:add", subject=row.id, detail=clean)
        act.publish(ExportChanged(export_id=row.id))
        return export_view(row)


def cancel_export(database: Database, who: Who, at: datetime, export_id: str) -> dict[str, Any]:
    """Cancel a job that waits or runs; its worker notices at its next report. Raises `Conflict` when it is over."""
    with database.act(who, at) as act:
        row = _export(act.session, who, export_id)
        if row.state not in ("queued", "running"):
            raise Conflict(f"This export is already {row.state}.", code="export_over")
        row.state, row.finished_us = "cancelled", act.at_us
        act.audit("export:cancel", subject=row.id)
        act.publish(ExportChanged(export_id=row.id))
        return export_view(row)


def take_export(database: Database, who: Who, at: datetime) -> dict[str, Any] | None:
    """The oldest waiting job, now running; None where nothing waits. For the one worker in control."""
    with database.act(who, at) as act:
        row = act.session.scalars(
            select(ExportJob).where(ExportJob.state == "queued").order_by(ExportJob.created_us, ExportJob.id).limit(1)
        ).first()
        if row is None:
            return None
        row.state = "running"
        act.audit("export:start", subject=row.id)
        act.publish(ExportChanged(export_id=row.id))
        return export_view(row)


def note_progress(database: Database, who: Who, at: datetime, export_id: str, progress_pct: float) -> bool:
    """Keep how far a job is; False when it was cancelled meanwhile and the worker must stop. Not audited."""
    with database.act(who, at) as act:
        row = act.session.get(ExportJob, export_id)
        if row is None or row.state != "running":
            return False
        row.progress_pct = min(100.0, max(0.0, progress_pct))
        return True


def finish_export(
    database: Database,
    who: Who,
    at: datetime,
    export_id: str,
    *,
    files: Sequence[Mapping[str, Any]] = (),
    error: str = "",
) -> bool:
    """A job is done (with its files) or failed (with the error); False when it was cancelled meanwhile."""
    with database.act(who, at) as act:
        row = act.session.get(ExportJob, export_id)
        if row is None or row.state != "running":
            return False
        row.state = "failed" if error else "done"
        row.error = error[:2000]
        row.files = [dict(file) for file in files]
        row.progress_pct = row.progress_pct if error else 100.0
        row.finished_us = act.at_us
        act.audit(
            f"export:{'fail' if error else 'finish'}", subject=row.id, detail={"error": error, "files": row.files}
        )
        act.publish(ExportChanged(export_id=row.id))
        return True


def requeue_exports(database: Database, who: Who, at: datetime) -> int:
    """At the start of control: jobs that ran when it ended wait again. Returns how many."""
    with database.act(who, at) as act:
        rows = act.session.scalars(select(ExportJob).where(ExportJob.state == "running")).all()
        for row in rows:
            row.state, row.progress_pct = "queued", 0.0
            act.audit("export:requeue", subject=row.id)
            act.publish(ExportChanged(export_id=row.id))
        return len(rows)


def layout_view(row: Layout) -> dict[str, Any]:
    """A layout as JSON."""
    return {
        "id": row.id,
        "name": row.name,
        "shared": row.shared,
        "owner_account_id": row.owner_account_id,
        "columns": row.columns,
        "rows": row.rows,
        "tiles": row.tiles,
        "cycle_s": row.cycle_s,
        "pages": row.pages,
    }


def layouts(session: Session, who: Who) -> list[dict[str, Any]]:
    """This person's own layouts and the shared ones. Tiles of cameras that a person may not see stay empty there."""
    query = select(Layout).order_by(Layout.name, Layout.id)
    query = query.where(or_(Layout.shared.is_(True), Layout.owner_account_id == who.account_id))
    return [layout_view(row) for row in session.scalars(query)]


def add_layout(database: Database, who: Who, at: datetime, values: Mapping[str, Any]) -> dict[str, Any]:
    """Save a new layout. Raises `InvalidInput` with all faults, `Forbidden` for a shared one by other than a
    supervisor.
    """
    clean = _layout(values)
    with database.act(who, at) as act:
        _may_share(who, clean["shared"])
        own = act.session.scalars(select(Layout.id).where(Layout.owner_account_id == who.account_id)).all()
        if len(own) >= LAYOUTS_PER_PERSON_MAX:
            raise Conflict(f"You have {len(own)} layouts already; remove some.", code="too_many_layouts")
        row = Layout(id=new_id(), owner_account_id=who.account_id, changed_us=act.at_us, **clean)
        act.session.add(row)
        act.audit("layout:add", subject=row.id, detail={"name": row.name, "shared": row.shared})
        act.publish(LayoutChanged(layout_id=row.id))
        return layout_view(row)


def change_layout(
    database: Database, who: Who, at: datetime, layout_id: str, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Replace a layout (its owner keeps it). A shared one is changed by its owner or a supervisor."""
    clean = _layout(values)
    with database.act(who, at) as act:
        row = _own_layout(act.session, who, layout_id)
        _may_share(who, clean["shared"])
        for name, value in clean.items():
            setattr(row, name, value)
        row.changed_us = act.at_us
        act.audit("layout:change", subject=row.id, detail={"name": row.name, "shared": row.shared})
        act.publish(LayoutChanged(layout_id=row.id))
        return layout_view(row)


def remove_layout(database: Database, who: Who, at: datetime, layout_id: str) -> None:
    """Remove a layout: one's own, or as a supervisor a shared one."""
    with database.act(who, at) as act:
        row = _own_layout(act.session, who, layout_id)
        act.session.delete(row)
        act.audit("layout:remove", subject=layout_id, detail={"name": row.name})
        act.publish(LayoutChanged(layout_id=layout_id, removed=True))


def _span(noun: str, values: Mapping[str, Any], may_see: MaySee, cameras_max: int, span_max_us: int) -> dict[str, Any]:
    faults: list[FieldError] = []
    camera_ids = values.get("camera_ids")
    if (
        not isinstance(camera_ids, list)
        or not camera_ids
        or not all(isinstance(camera_id, str) and len(camera_id) <= 64 for camera_id in camera_ids)
    ):
        faults.append(FieldError("camera_ids", "must name at least one camera"))
        camera_ids = []
    camera_ids = sorted(set(camera_ids))
    if len(camera_ids) > cameras_max:
        faults.append(FieldError("camera_ids", f"names more than {cameras_max} cameras"))
    else:
        unknown = [camera_id for camera_id in camera_ids if not may_see(camera_id)]
        faults += [FieldError("camera_ids", "there is no such camera", value=camera_id) for camera_id in unknown]
    times = {name: values.get(name) for name in ("start_us", "end_us")}
    for name, value in times.items():
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _TIME_MAX_US:
            faults.append(FieldError(name, "must be a time in µs since 1970"))
    start_us, end_us = times["start_us"], times["end_us"]
    if not any(fault.field in times for fault in faults) and isinstance(start_us, int) and isinstance(end_us, int):
        if end_us <= start_us:
            faults.append(FieldError("end_us", "must lie after start_us"))
        elif end_us - start_us > span_max_us:
            faults.append(FieldError("end_us", f"lies more than {span_max_us // DAY_US} days after start_us"))
    reason = values.get("reason")
    reason = " ".join(reason.split()) if isinstance(reason, str) else ""
    if not REASON_MIN <= len(reason) <= REASON_MAX:
        faults.append(FieldError("reason", f"must say why, in {REASON_MIN} to {REASON_MAX} characters"))
    if faults:
        raise InvalidInput(f"The {noun} is not valid.", code=f"{noun}_invalid", fields=faults)
    return {"camera_ids": camera_ids, "start_us": start_us, "end_us": end_us, "reason": reason}


def _layout(values: Mapping[str, Any]) -> dict[str, Any]:
    faults: list[FieldError] = []
    name = values.get("name")
    name = " ".join(name.split()) if isinstance(name, str) else ""
    if not 1 <= len(name) <= 120:
        faults.append(FieldError("name", "must have 1 to 120 characters"))
    shared = values.get("shared", False)
    if not isinstance(shared, bool):
        faults.append(FieldError("shared", "must be true or false"))
    columns, rows = (_whole(values, faults, name, 1, GRID_MAX) for name in ("columns", "rows"))
    if columns * rows > TILES_MAX:
        faults.append(FieldError("columns", f"make more than {TILES_MAX} tiles with the rows"))
    tiles = _tiles(values.get("tiles", []), columns, rows, "tiles", faults)
    pages = values.get("pages")
    if pages is not None:
        if not isinstance(pages, list) or len(pages) > PAGES_MAX:
            faults.append(FieldError("pages", f"must be a list of at most {PAGES_MAX} pages"))
            pages = None
        else:
            pages = [_tiles(page, columns, rows, f"pages.{n}", faults) for n, page in enumerate(pages)] or None
    cycle_s = values.get("cycle_s")
    if cycle_s is not None and (
        isinstance(cycle_s, bool)
        or not isinstance(cycle_s, int | float)
        or not math.isfinite(cycle_s)
        or not (cycle_s == 0 or 2 <= cycle_s <= 3600)
    ):
        faults.append(FieldError("cycle_s", "must be 0 or lie between 2 and 3600"))
    if faults:
        raise InvalidInput("The layout is not valid.", code="layout_invalid", fields=faults)
    return {
        "name": name,
        "shared": shared,
        "columns": columns,
        "rows": rows,
        "tiles": tiles,
        "pages": pages,
        "cycle_s": None if cycle_s is None else float(cycle_s),
    }


def _tiles(raw: Any, columns: int, rows: int, field: str, faults: list[FieldError]) -> list[dict[str, Any]]:
    if not isinstance(raw, list) or len(raw) > TILES_MAX:
        faults.append(FieldError(field, f"must be a list of at most {TILES_MAX} tiles"))
        return []
    tiles: list[dict[str, Any]] = []
    taken: set[tuple[int, int]] = set()
    for number, tile in enumerate(raw):
        where = f"{field}.{number}"
        camera_id = tile.get("camera_id") if isinstance(tile, Mapping) else None
        if not isinstance(camera_id, str) or not 1 <= len(camera_id) <= 64:
            faults.append(FieldError(where, "must name a camera"))
            continue
        before = len(faults)
        column, row = (
            _whole(tile, faults, name, 0, most - 1, where) for name, most in (("column", columns), ("row", rows))
        )
        span = _whole({"span": 1} | dict(tile), faults, "span", 1, GRID_MAX, where)
        if len(faults) > before:
            continue
        cells = {(column + x, row + y) for x in range(span) for y in range(span)}
        if column + span > columns or row + span > rows:
            faults.append(FieldError(where, "reaches over the edge of the grid"))
        elif cells & taken:
            faults.append(FieldError(where, "lies over another tile"))
        taken |= cells
        tiles.append({"camera_id": camera_id, "column": column, "row": row, "span": span})
    return tiles


def _whole(values: Mapping[str, Any], faults: list[FieldError], name: str, low: int, high: int, where: str = "") -> int:
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        field = f"{where}.{name}" if where else name
        faults.append(FieldError(field, f"must be a whole number between {low} and {high}"))
        return low
    return value


def _may_share(who: Who, shared: bool) -> None:
    if shared and not who.roles & {Role.SUPERVISOR, Role.COMMANDER, Role.ADMINISTRATOR}:
        raise Forbidden("Only a supervisor shares layouts.", code="layout_share")


def _own_layout(session: Session, who: Who, layout_id: str) -> Layout:
    row = session.get(Layout, layout_id)
    mine = row is not None and row.owner_account_id == who.account_id
    if row is None or not (mine or row.shared):
        raise NotFound("There is no such layout.", code="layout_not_found")
    if not mine:
        _may_share(who, True)
    return row


def _sees_all_exports(who: Who) -> bool:
    return who.account_id.startswith("system:") or (Role.SUPERVISOR in who.roles and who.sector_ids is None)


def _export(session: Session, who: Who, export_id: str) -> ExportJob:
    row = session.get(ExportJob, export_id)
    if row is None or not (row.account_id == who.account_id or _sees_all_exports(who)):
        raise NotFound("There is no such export.", code="export_not_found")
    return row
