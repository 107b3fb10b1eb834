"""Committing what sheds: a site's policy, and the step in force, by the clock of `health` or by a person.

A step is audited and told as `SheddingChanged`, with `CameraChanged` of the site's cameras, so that their recorders
carry it out (`shed_cameras`). A step that a person chose stays until it is given back, or the grid has been there for
`MANUAL_ON_GRID_S`. Frame rates lowered in cameras are written down (`note_frame_rates`), to be restored later.
Called by the web's routes, by the `health` role (`consider`) and by `shed_rates.py`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from manara.access.who import Who
from manara.base.errors import FieldError, InvalidInput, NotFound
from manara.messages import CameraChanged, SheddingChanged
from manara.network.infrastructure.tables import ShedPolicy
from manara.network.power import shedding
from manara.network.power.shedding import PowerNow
from manara.network.tables import Camera, Site
from manara.store import meanwhile
from manara.store.act import Act
from manara.store.database import Database

CLOCK = Who.system("shedding")
MANUAL_ON_GRID_S = 3600.0  # what a person sheds while the grid is there ends after this long: it must not be forgotten
_SHOWN = ("site_id", "enabled", "steps", "hysteresis_h", "hysteresis_pct", "step", "step_since_us", "manual", "step_by")


def set_policy(database: Database, who: Who, at: datetime, site_id: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Set how a site sheds; returns its view. Raises `InvalidInput` with all faults, `NotFound` outside one's sectors.

    A step beyond the new policy's last becomes its last; a policy that is switched off sheds nothing.
    """
    with database.act(who, at) as act:
        _site(act.session, who, site_id)
        clean, faults = shedding.check_policy(values)
        if faults:
            raise InvalidInput("The shedding policy is not valid.", code="shed_policy_invalid", fields=faults)
        row = act.session.get(ShedPolicy, site_id)
        before = None if row is None else {name: getattr(row, name) for name in clean}
        if row is None:
            row = ShedPolicy(site_id=site_id, frame_rates={}, step=0, manual=False, step_by="", changed_us=0)
            act.session.add(row)
        for name, value in clean.items():
            setattr(row, name, value)
        meanwhile.mark_changed(act, row)
        act.session.flush()
        act.audit("shedding:policy", subject=site_id, detail={"before": before, "after": clean})
        step = min(row.step, len(row.steps)) if row.enabled else 0
        if step != row.step:
            _take(act, row, step, manual=False, soc_pct=row.step_soc_pct)
        elif step:
            _tell(act, row)  # the same step may do something else now
        else:
            act.publish(SheddingChanged(site_id=site_id, step=step))
        return policy_view(row)


def seed_policies(database: Database, who: Who, at: datetime, site_ids: Iterable[str]) -> int:
    """Give the default policy to sites that have none, in one act; returns how many. For sites just seeded."""
    with database.act(who, at) as act:
        there = set(act.session.scalars(select(ShedPolicy.site_id)))
        new = sorted(set(site_ids) - there)
        if new:
            clean, _ = shedding.check_policy({})
            own = {"step": 0, "manual": False, "step_by": "", "frame_rates": {}, "changed_us": act.at_us}
            act.session.execute(insert(ShedPolicy), [{"site_id": site_id, **clean, **own} for site_id in new])
            act.audit("shedding:seed", detail={"sites": len(new), "policy": clean})
        for site_id in new:
            act.publish(SheddingChanged(site_id=site_id, step=0))
    return len(new)


def set_step(
    database: Database, who: Who, at: datetime, site_id: str, step: Any, *, soc_pct: float | None = None
) -> dict[str, Any]:
    """A person chooses the step (0 = none), or gives it back to the clock with None; returns the policy's view."""
    with database.act(who, at) as act:
        _site(act.session, who, site_id)
        row = act.session.get(ShedPolicy, site_id)
        if row is None:
            row = ShedPolicy(
                site_id=site_id, enabled=True, steps=list(shedding.DEFAULT_STEPS), hysteresis_h=1.0, hysteresis_pct=5.0,
                frame_rates={}, step=0, manual=False, step_by="", changed_us=act.at_us,
            )  # fmt: skip
            act.session.add(row)
        if step is None:
            row.manual = False
            act.audit("shedding:give_back", subject=site_id, detail={"step": row.step})
            act.publish(SheddingChanged(site_id=site_id, step=row.step))
            return policy_view(row)
        if isinstance(step, bool) or not isinstance(step, int) or not 0 <= step <= len(row.steps):
            message = f"must be a whole number from 0 to {len(row.steps)}, or null"
            fault = FieldError("step", message, value=str(step)[:40])
            raise InvalidInput("There is no such step.", code="shed_step_invalid", fields=[fault])
        _take(act, row, step, manual=True, soc_pct=soc_pct)
        act.session.flush()
        return policy_view(row)


def consider(database: Database, at: datetime, sites: Mapping[str, PowerNow]) -> list[str]:
    """Take the step that each site's power asks for; returns the sites whose step changed.

    Sites without a policy shed nothing. A step that a person chose is left alone until the grid is back.
    """
    now_us = round(at.timestamp() * 1_000_000)
    with database.read() as session:
        due = {
            row.site_id: step
            for row in session.scalars(select(ShedPolicy))
            if row.site_id in sites and (step := _due(row, sites[row.site_id], now_us)) is not None
        }
    changed = []
    for site_id in due:
        with database.act(CLOCK, at) as act:
            row = act.session.get(ShedPolicy, site_id)
            step = None if row is None else _due(row, sites[site_id], now_us)
            if row is not None and step is not None:
                _take(act, row, step, manual=False, soc_pct=sites[site_id].state_of_charge_pct)
                changed.append(site_id)
    return changed


def note_frame_rates(
    database: Database, at: datetime, site_id: str, camera_id: str, rates: Mapping[str, float]
) -> None:
    """What a camera's encoders gave before they were lowered (empty: they are restored)."""
    with database.act(CLOCK, at) as act:
        row = act.session.get(ShedPolicy, site_id)
        if row is None:
            raise NotFound("There is no shedding policy at this site.", code="shed_policy_not_found")
        kept = dict(row.frame_rates)
        if rates:
            kept[camera_id] = dict(rates)
        else:
            kept.pop(camera_id, None)
        row.frame_rates = kept
        act.audit("shedding:frame_rate", subject=camera_id, detail={"before_hz": dict(rates), "site_id": site_id})


def policy_view(row: ShedPolicy) -> dict[str, Any]:
    """A policy and its step as JSON. `lowered` = cameras whose frame rate is lowered now."""
    value: dict[str, Any] = {name: getattr(row, name) for name in _SHOWN}
    return value | {"lowered": sorted(row.frame_rates), "changed_us": row.changed_us}


def policy(session: Session, site_id: str) -> dict[str, Any] | None:
    """The policy of a site, None where it has none."""
    row = session.get(ShedPolicy, site_id)
    return None if row is None else policy_view(row)


def shed_cameras(session: Session, site_ids: Iterable[str] | None = None) -> dict[str, str]:
    """Cameras that are shed now, and how (`half_rate`, `sub`, `off`): they are meant to give less."""
    query = select(ShedPolicy).where(ShedPolicy.step > 0)
    if site_ids is not None:
        query = query.where(ShedPolicy.site_id.in_(list(site_ids)))
    found: dict[str, str] = {}
    for row in session.scalars(query):
        told = _effect(row)
        cameras = select(Camera.id, Camera.priority, Camera.sub_url).where(Camera.site_id == row.site_id)
        for camera in session.execute(cameras):
            how = told.shed(camera.priority, bool(camera.sub_url))
            if how:
                found[camera.id] = how
    return found


def sites_with_policy(session: Session) -> list[str]:
    """The sites that have a policy, or shed something."""
    return list(session.scalars(select(ShedPolicy.site_id).order_by(ShedPolicy.site_id)))


def steps(session: Session) -> dict[str, int]:
    """Sites that shed, and by which step."""
    found = session.execute(select(ShedPolicy.site_id, ShedPolicy.step).where(ShedPolicy.step > 0))
    return {row.site_id: row.step for row in found}


def _due(row: ShedPolicy, now: PowerNow, now_us: int) -> int | None:
    """The step that should be taken now, None where it is the one in force."""
    since_s = None if row.step_since_us is None else max(0.0, (now_us - row.step_since_us) / 1e6)
    if row.manual and not (now.on_grid and since_s is not None and since_s >= MANUAL_ON_GRID_S):
        return None
    made = shedding.policy_of(row.steps, row.hysteresis_h, row.hysteresis_pct, row.enabled)
    step = shedding.decide(made, row.step, now, since_s=since_s, soc_at_step_pct=row.step_soc_pct)
    return None if step == row.step else step


def _take(act: Act, row: ShedPolicy, step: int, *, manual: bool, soc_pct: float | None) -> None:
    before, row.step = row.step, step
    row.manual = manual
    row.step_since_us, row.step_soc_pct = act.at_us, soc_pct
    row.step_by = act.who.name[:200]
    meanwhile.mark_changed(act, row)
    act.audit("shedding:step", subject=row.site_id, detail={"before": before, "after": step, "manual": manual})
    _tell(act, row)


def _tell(act: Act, row: ShedPolicy) -> None:
    act.publish(SheddingChanged(site_id=row.site_id, step=row.step))
    for camera_id in act.session.scalars(select(Camera.id).where(Camera.site_id == row.site_id)):
        act.publish(CameraChanged(camera_id=camera_id))


def _effect(row: ShedPolicy) -> shedding.Effect:
    made = shedding.policy_of(row.steps, row.hysteresis_h, row.hysteresis_pct, row.enabled)
    return shedding.effect(made.steps, row.step)


def _site(session: Session, who: Who, site_id: str) -> Site:
    row = session.get(Site, site_id)
    if row is None or not who.may_see_sector(row.sector_id):
        raise NotFound("There is no such site.", code="site_not_found")
    return row
