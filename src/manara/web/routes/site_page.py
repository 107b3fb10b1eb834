"""Everything of a site's page in one answer, the sites that go dark before morning, and a site's load shedding."""

from typing import Any

from anyio.to_thread import run_sync
from fastapi import APIRouter
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from manara.access.who import Who
from manara.messages import LatestReading
from manara.network import views
from manara.network.health import views as health
from manara.network.health.tables import BatteryForecast, ConditionRow
from manara.network.infrastructure import views as infrastructure
from manara.network.maintenance import views as work
from manara.network.power import shedding_actions
from manara.network.power.shedding import DEFAULT_STEPS
from manara.network.power.solar import next_sunrise_us, next_sunset_us
from manara.network.tables import Camera, Site
from manara.network.telemetry.quantities import QUANTITIES
from manara.web.answers import Json
from manara.web.permissions import Permission, permissions_of
from manara.web.services import Handed, Person, Services

router = APIRouter(prefix="/api")
Body = dict[str, Any]  # judged by the action, which names all faults at once
_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US
WORK_ORDERS_MOST = 50  # the newest; all are in the list of work orders


@router.get("/sites/{site_id}/condition")
async def condition(handed: Handed, person: Person, site_id: str) -> Response:
    """Sources, latest readings, forecast curve, cabinet, links, switches, cameras' health, causes, shedding."""
    # Memory is read here, on the loop; the state in a thread.
    vitals = handed.vitals.of(site_id)
    latest = handed.vitals.latest(site_id)
    found = await run_sync(_read, handed, person, site_id)
    now_us = handed.clock.wall_us()
    for noun in ("switch", "link"):
        for row in found[f"{noun}es" if noun == "switch" else "links"]:
            row["state"] = handed.vitals.state(noun, row["id"])
    for row in found["devices"]:
        row |= handed.vitals.device(row["id"])
    for camera in found["cameras"]:
        camera["status"] = handed.hub.value("status", camera["id"]) or {}
    failures = handed.shed_rates.failures()
    found["shedding"]["failures"] = {id: failures[id] for id in found["shedding"]["cameras"] if id in failures}
    found |= {
        "at_us": now_us,
        "silent_since_us": handed.vitals.silent_since_us,
        "vitals": vitals,
        "nights": _nights(found["site"]["lat"], found["site"]["lon"], now_us),
        "readings": [_reading(one, now_us) for one in latest],
    }
    return Json(found)


@router.get("/dark-sites")
async def dark_sites(handed: Handed, person: Person) -> Response:
    """Sites in one's own sectors that go dark before morning, the soonest first; then those that may."""
    on_grid = {vitals["id"] for vitals in handed.vitals.all() if vitals["grid"] is True}
    sites = await run_sync(_dark, handed, person, on_grid)
    return Json({"at_us": handed.clock.wall_us(), "silent_since_us": handed.vitals.silent_since_us, "sites": sites})


@router.put("/sites/{site_id}/shed-policy")
def set_policy(handed: Handed, person: Person, site_id: str, body: Body) -> Response:
    """Set how a site sheds load on its battery."""
    return Json(shedding_actions.set_policy(handed.database, person, handed.now(), site_id, body))


@router.post("/sites/{site_id}/shed")
async def shed(handed: Handed, person: Person, site_id: str, body: Body) -> Response:
    """Choose the step by hand (0 = none); `step` null gives it back to the clock."""
    vitals = handed.vitals.of(site_id)
    soc_pct = None if vitals is None else vitals["state_of_charge_pct"]
    at = handed.now()
    return Json(
        await run_sync(
            lambda: shedding_actions.set_step(
                handed.database, person, at, site_id, body.get("step", "missing"), soc_pct=soc_pct
            )
        )
    )


def _read(handed: Services, person: Who, site_id: str) -> dict[str, Any]:
    sees_work = Permission.SEE_WORK in permissions_of(person.roles)
    with handed.database.read() as session:
        site = views.one(session, "site", site_id, person)
        cameras = [camera for camera in views.cameras(session, person) if camera["site_id"] == site_id]
        told = health.camera_health(session, [camera["id"] for camera in cameras])
        for camera in cameras:
            camera["health"] = told.get(camera["id"])
        links = infrastructure.listing(session, "link", person, site_id)
        others = {link["a_site_id"] for link in links} | {link["b_site_id"] for link in links}
        names = select(Site.id, Site.code, Site.name_ar, Site.name_en, Site.kind).where(Site.id.in_(others))
        known = {row.id: dict(row._mapping) for row in session.execute(names)}
        for link in links:
            link["other_site"] = known.get(link["b_site_id"] if link["a_site_id"] == site_id else link["a_site_id"])
        cabinets = infrastructure.listing(session, "cabinet", person, site_id)
        shed = shedding_actions.shed_cameras(session, [site_id])
        return {
            "site": site,
            "power_sources": infrastructure.listing(session, "power_source", person, site_id),
            "cabinet": cabinets[0] if cabinets else None,
            "switches": infrastructure.listing(session, "switch", person, site_id),
            "links": links,
            "devices": infrastructure.listing(session, "device", person, site_id),
            "cameras": cameras,
            "causes": health.open_causes(session, site_id=site_id),
            "conditions": _conditions(session, site_id),
            "forecast": health.forecast(session, site_id),
            "shedding": {
                "policy": shedding_actions.policy(session, site_id),
                "default_steps": DEFAULT_STEPS,
                "cameras": shed,
            },
            "work_orders": work.orders(session, person, site_id=site_id)[:WORK_ORDERS_MOST] if sees_work else [],
        }


def _conditions(session: Session, site_id: str) -> list[dict[str, Any]]:
    """What is wrong now with the site, its power, cabinet, network and devices; its cameras carry their own."""
    query = select(ConditionRow).where(ConditionRow.site_id == site_id, ConditionRow.ended_us.is_(None))
    return [
        {"kind": row.kind, "subject": row.subject, "since_us": row.since_us, "detail": row.detail}
        for row in session.scalars(query.order_by(ConditionRow.since_us))
        if not row.subject.startswith("camera:")
    ]


def _nights(lat: float, lon: float, now_us: int) -> list[tuple[int, int]]:
    """Sunset and sunrise of the nights from a day ago to two days ahead."""
    found = []
    at_us = now_us - 2 * _DAY_US
    while at_us < now_us + 2 * _DAY_US:
        sunset_us = next_sunset_us(lat, lon, at_us)
        sunrise_us = None if sunset_us is None else next_sunrise_us(lat, lon, sunset_us)
        if sunset_us is None or sunrise_us is None:
            break
        if sunrise_us > now_us - _DAY_US:
            found.append((sunset_us, sunrise_us))
        at_us = sunrise_us
    return found


def _dark(handed: Services, person: Who, on_grid: set[str]) -> list[dict[str, Any]]:
    with handed.database.read() as session:
        cameras: dict[str | None, int] = {
            row[0]: row[1]
            for row in session.execute(
                select(Camera.site_id, func.count()).where(Camera.enabled).group_by(Camera.site_id)
            )
        }
        steps = shedding_actions.steps(session)
        rows = session.execute(
            select(BatteryForecast, Site)
            .join(Site, Site.id == BatteryForecast.site_id)
            .where(BatteryForecast.hours_left.is_not(None))
        )
        found = []
        for told, site in rows:
            if not person.may_see_sector(site.sector_id) or site.id in on_grid:
                continue
            low_us = None if told.hours_left_low is None else told.at_us + round(told.hours_left_low * _HOUR_US)
            sunrise_us = next_sunrise_us(site.lat, site.lon, told.at_us)
            possible = low_us is not None and sunrise_us is not None and low_us < sunrise_us
            if not (told.dark_before_morning or possible):
                continue
            found.append(
                {
                    "site_id": site.id,
                    "code": site.code,
                    "name_ar": site.name_ar,
                    "name_en": site.name_en,
                    "sector_id": site.sector_id,
                    "surely": told.dark_before_morning,
                    "at_us": told.at_us,
                    "state_of_charge_pct": told.state_of_charge_pct,
                    "load_power_w": told.load_power_w,
                    "hours_left": told.hours_left,
                    "hours_left_low": told.hours_left_low,
                    "hours_left_high": told.hours_left_high,
                    "dark_at_us": told.dark_at_us,
                    "sunrise_us": sunrise_us,
                    "cameras": cameras.get(site.id, 0),
                    "shed_step": steps.get(site.id, 0),
                }
            )
    found.sort(key=lambda one: (not one["surely"], one["dark_at_us"] or one["at_us"], one["hours_left_low"] or 0.0))
    return found


def _reading(one: LatestReading, now_us: int) -> dict[str, Any]:
    """A reading with its age, and whether it is too old to be believed; `fault` where the last one was refused."""
    quantity = QUANTITIES.get(one.quantity)
    age_s = max(0.0, (now_us - one.at_us) / 1e6)
    return {
        "subject": one.subject,
        "quantity": one.quantity,
        "unit": quantity.unit if quantity is not None else "",
        "value": one.value,
        "at_us": one.at_us,
        "age_s": round(age_s),
        "stale": quantity is not None and age_s > quantity.stale_s,
        "fault": one.fault,
    }
