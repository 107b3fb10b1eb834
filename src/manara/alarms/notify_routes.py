"""Notification routes: whom to tell off-screen of what. The changes of the state, and what others may know of them.

A route's secret is sealed here and opened only to sign a message. A route that is removed stays as a row, since the log
names it. Called by the web's routes.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from manara.access.who import Who
from manara.alarms import kinds, notify
from manara.alarms.duty_tables import Notification, NotificationRoute
from manara.base.errors import Conflict, InvalidInput, NotFound
from manara.base.ids import new_id
from manara.store.database import Database
from manara.store.secret import SecretBox

ROUTES_MAX = 200


def route_view(row: NotificationRoute) -> dict[str, Any]:
    """A route as JSON; of the secret only whether there is one."""
    return {
        "id": row.id,
        "name": row.name,
        "enabled": row.enabled,
        "channel": row.channel,
        "address": row.address,
        "has_secret": bool(row.secret_sealed),
        "language": row.language,
        "priorities": row.priorities,
        "sector_ids": row.sector_ids,
        "kinds": row.kinds,
        "escalated_min": row.escalated_min,
        "tell_end": row.tell_end,
        "quiet_from_min": row.quiet_from_min,
        "quiet_until_min": row.quiet_until_min,
        "changed_us": row.changed_us,
    }


def routes(session: Session) -> list[dict[str, Any]]:
    """All routes by name, each with how many wait, the last that arrived and the last error."""
    rows = session.scalars(
        select(NotificationRoute).where(NotificationRoute.removed_us.is_(None)).order_by(NotificationRoute.name)
    ).all()
    waiting = {
        route_id: count
        for route_id, count in session.execute(
            select(Notification.route_id, func.count())
            .where(Notification.state == "waiting")
            .group_by(Notification.route_id)
        )
    }
    sent = {
        route_id: sent_us
        for route_id, sent_us in session.execute(
            select(Notification.route_id, func.max(Notification.sent_us)).group_by(Notification.route_id)
        )
    }
    return [
        {
            **route_view(row),
            "waiting": waiting.get(row.id, 0),
            "last_sent_us": sent.get(row.id),
            "error": _error(session, row.id),
        }
        for row in rows
    ]


def _error(session: Session, route_id: str) -> str:
    """The error of the oldest message that waits after a try that failed: what stands in the way now."""
    found = session.scalar(
        select(Notification.error)
        .where(Notification.route_id == route_id, Notification.state == "waiting", Notification.attempts > 0)
        .order_by(Notification.created_us)
        .limit(1)
    )
    return found or ""


def add_route(database: Database, box: SecretBox, who: Who, at: datetime, values: Mapping[str, Any]) -> dict[str, Any]:
    """Add a route. Raises `InvalidInput` with all faults. It is told of what is annunciated from now on."""
    clean = _judge(values, None)
    with database.act(who, at) as act:
        count = select(func.count()).select_from(NotificationRoute).where(NotificationRoute.removed_us.is_(None))
        if (act.session.scalar(count) or 0) >= ROUTES_MAX:
            raise Conflict(f"There are {ROUTES_MAX} routes already.", code="too_many_routes")
        sealed = box.seal(clean.pop("secret", "") or "")
        row = NotificationRoute(id=new_id(), since_us=act.at_us, changed_us=act.at_us, secret_sealed=sealed, **clean)
        act.session.add(row)
        act.session.flush()
        act.audit("notification_route:add", subject=row.id, detail=_public(clean, sealed))
        return route_view(row)


def change_route(
    database: Database, box: SecretBox, who: Who, at: datetime, route_id: str, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Change the given fields of a route. `secret` "" clears it, None leaves it. What waits goes when it is off."""
    given = {name: value for name, value in values.items() if name not in ("id", "changed_us", "has_secret")}
    with database.act(who, at) as act:
        row = get_route(act.session, route_id)
        clean = _judge(given, route_view(row))
        secret = clean.pop("secret", None)
        if secret is not None:
            row.secret_sealed = box.seal(secret)
        before = route_view(row)
        for name, value in clean.items():
            setattr(row, name, value)
        widened = any(before[name] != clean.get(name, before[name]) for name in _SELECTS) or not before["enabled"]
        if widened:
            row.since_us = act.at_us
        row.changed_us = act.at_us
        if not row.enabled:
            _withdraw(act.session, row.id, "route_off")
        act.audit("notification_route:change", subject=row.id, detail=_public(clean, row.secret_sealed))
        return route_view(row)


_SELECTS = ("priorities", "sector_ids", "kinds", "escalated_min")


def remove_route(database: Database, who: Who, at: datetime, route_id: str) -> None:
    """Remove a route; what waits is withdrawn, its log stays."""
    with database.act(who, at) as act:
        row = get_route(act.session, route_id)
        row.removed_us, row.enabled, row.secret_sealed = act.at_us, False, ""
        _withdraw(act.session, row.id, "route_removed")
        act.audit("notification_route:remove", subject=row.id, detail={"name": row.name})


# ---- inside


def _judge(values: Mapping[str, Any], present: Mapping[str, Any] | None) -> dict[str, Any]:
    clean, faults = notify.judge_route(values, set(kinds.DEFAULTS), present)
    if faults:
        raise InvalidInput("This route is not right.", code="invalid_input", fields=faults)
    return clean


def _public(clean: Mapping[str, Any], sealed: str) -> dict[str, Any]:
    """What may stand in the audit log: an address without its query, of the secret only that there is one."""
    shown = dict(clean)
    if "address" in shown:
        shown["address"] = str(shown["address"]).split("?", 1)[0]
    return shown | {"secret": "set" if sealed else "none"}


def get_route(session: Session, route_id: str) -> NotificationRoute:
    """A route that was not removed. Raises `NotFound`."""
    row = session.get(NotificationRoute, route_id)
    if row is None or row.removed_us is not None:
        raise NotFound("There is no such route.", code="route_not_found")
    return row


def get_route_name(session: Session, route_id: str) -> str:
    """What a route is called, also one that was removed."""
    return session.scalar(select(NotificationRoute.name).where(NotificationRoute.id == route_id)) or ""


def _withdraw(session: Session, route_id: str, cause: str) -> None:
    session.execute(
        update(Notification)
        .where(Notification.route_id == route_id, Notification.state == "waiting")
        .values(state="withdrawn", cause=cause)
    )
