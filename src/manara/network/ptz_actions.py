"""What of PTZ is kept in the state: names of presets, guard tours, and the audit log of who moved what.

Moving itself is `ptz.py`. Each change is one action with its audit entry; readers ask again (there is no message for
these).
Bounds: `TOURS_MAX` tours a camera, `STEPS_MAX` steps a tour, dwell `DWELL_MIN_S`…`DWELL_MAX_S` s.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from manara.access.who import Who
from manara.base.errors import FieldError, InvalidInput, NotFound
from manara.base.ids import new_id
from manara.formats.onvif import Preset
from manara.network import rules, views
from manara.network.tables import GuardTour, PtzPreset
from manara.store.database import Database

TOURS_MAX, STEPS_MAX = 16, 64
DWELL_MIN_S, DWELL_MAX_S = 2.0, 3600.0
PRESET_NAME = rules.text(64)


def keep_presets(database: Database, who: Who, at: datetime, camera_id: str, presets: Sequence[Preset]) -> bool:
    """Keep the presets that a camera told of; True where they differ from before. Not audited: nobody did anything."""
    with database.read() as session:
        before = [(preset["token"], preset["name"]) for preset in views.presets(session, camera_id)]
    unique = {preset.token: preset.name for preset in presets}
    if before == sorted(unique.items()):
        return False
    with database.act(who, at) as act:
        act.session.execute(delete(PtzPreset).where(PtzPreset.camera_id == camera_id))
        for token, name in unique.items():
            act.session.add(PtzPreset(camera_id=camera_id, token=token, name=name, seen_us=act.at_us))
    return True


def note(database: Database, who: Who, at: datetime, camera_id: str, verb: str, detail: Mapping[str, Any]) -> None:
    """Enter in the audit log what was done with a camera's movement, such as `ptz:take`."""
    with database.act(who, at) as act:
        act.audit(f"ptz:{verb}", subject=camera_id, detail=dict(detail))


def save_tours(
    database: Database, who: Who, at: datetime, camera_id: str, tours: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Replace the guard tours of a camera by `[{id?, name, steps [{preset, dwell_s}]}]`; a known id keeps running.

    Returns the tours. Raises `InvalidInput` with all faults, `NotFound` where there is no such camera.
    """
    clean = _tours(tours)
    with database.act(who, at) as act:
        views.camera_row(act.session, camera_id, who)
        rows = {row.id: row for row in act.session.scalars(select(GuardTour).where(GuardTour.camera_id == camera_id))}
        for tour in clean:
            row = rows.pop(tour["id"], None)
            if row is None:
                row = GuardTour(id=new_id(), camera_id=camera_id, running=False)
                act.session.add(row)
            row.name, row.steps, row.changed_us = tour["name"], tour["steps"], act.at_us
        for row in rows.values():
            act.session.delete(row)
        act.audit("tour:save", subject=camera_id, detail={"tours": [tour["name"] for tour in clean]})
        act.session.flush()
        return views.tours(act.session, camera_id)


def set_running(database: Database, who: Who, at: datetime, camera_id: str, tour_id: str, running: bool) -> None:
    """Start a tour (and end the others of this camera), or stop it. Raises `NotFound`."""
    with database.act(who, at) as act:
        views.camera_row(act.session, camera_id, who)
        rows = {row.id: row for row in act.session.scalars(select(GuardTour).where(GuardTour.camera_id == camera_id))}
        tour = rows.get(tour_id)
        if tour is None:
            raise NotFound("There is no such guard tour.", code="tour_not_found")
        for row in rows.values():
            if running:
                row.running = row is tour
            elif row is tour:
                row.running = False
        act.audit(f"tour:{'start' if running else 'stop'}", subject=camera_id, detail={"tour": tour.name})


def _tours(tours: Any) -> list[dict[str, Any]]:
    faults: list[FieldError] = []
    clean: list[dict[str, Any]] = []
    if not isinstance(tours, list) or len(tours) > TOURS_MAX:
        raise InvalidInput(
            "The guard tours are not valid.",
            code="tours_invalid",
            fields=[FieldError("tours", f"must be a list of at most {TOURS_MAX} tours")],
        )
    for number, tour in enumerate(tours, start=1):
        values = tour if isinstance(tour, Mapping) else {}
        name, steps = "", []
        try:
            name = PRESET_NAME(values.get("name"))
            if not name:
                raise rules.Fault("is required")
        except rules.Fault as fault:
            faults.append(FieldError("name", str(fault), row=number))
        raw = values.get("steps")
        if not isinstance(raw, list) or not 1 <= len(raw) <= STEPS_MAX:
            faults.append(FieldError("steps", f"must be 1 to {STEPS_MAX} steps", row=number))
            raw = []
        for index, step in enumerate(raw):
            preset = step.get("preset") if isinstance(step, Mapping) else None
            dwell_s = step.get("dwell_s") if isinstance(step, Mapping) else None
            if not isinstance(preset, str) or not 1 <= len(preset) <= 64:
                faults.append(FieldError(f"steps.{index}.preset", "must be the token of a preset", row=number))
            elif (
                isinstance(dwell_s, bool)
                or not isinstance(dwell_s, int | float)
                or not math.isfinite(dwell_s)
                or not DWELL_MIN_S <= dwell_s <= DWELL_MAX_S
            ):
                message = f"must lie between {DWELL_MIN_S:g} and {DWELL_MAX_S:g}"
                faults.append(FieldError(f"steps.{index}.dwell_s", message, row=number))
            else:
                steps.append({"preset": preset, "dwell_s": float(dwell_s)})
        tour_id = values.get("id")
        clean.append({"id": tour_id if isinstance(tour_id, str) else "", "name": name, "steps": steps})
    if faults:
        raise InvalidInput("The guard tours are not valid.", code="tours_invalid", fields=faults)
    return clean
