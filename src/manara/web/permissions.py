"""Who may do what: one table from route to decision, and one from role to permissions.

`gate.Gate` asks `decide` before anything else looks at a request; a route that is not in `RULES` is refused. What a
person may see *within* a route (own sectors, own layouts) is decided where the thing is read. A test walks all routes
against this table.
"""

import re
from dataclasses import dataclass
from enum import Enum, StrEnum

from starlette.routing import compile_path

from manara.access.roles import Role


class Permission(StrEnum):
    """Something a role may or may not do."""

    SEE_NETWORK = "see_network"  # cameras, sites, sectors, towns and how they are doing; no picture
    SEE_LIVE = "see_live"
    SEE_PLAYBACK = "see_playback"
    CONTROL_PTZ = "control_ptz"
    KEEP_LAYOUTS = "keep_layouts"
    HOLD = "hold"
    EXPORT = "export"
    CHANGE_NETWORK = "change_network"  # cameras, sites, guard tours, ONVIF probing
    CHANGE_PLACES = "change_places"  # sectors and towns
    MANAGE_ACCOUNTS = "manage_accounts"
    READ_AUDIT = "read_audit"
    SEE_SYSTEM = "see_system"
    SEE_ALARMS = "see_alarms"
    ACT_ON_ALARMS = "act_on_alarms"  # acknowledge, shelve, take a shift
    MANAGE_ALARMS = "manage_alarms"  # out of service, suppressions
    ADMINISTER_ALARMS = "administer_alarms"  # kinds, consoles, notification routes
    SEE_ALARM_LOAD = "see_alarm_load"
    SEE_WORK = "see_work"  # work orders, outages, rounds, availability
    RAISE_WORK = "raise_work"
    DO_WORK = "do_work"
    MANAGE_WORK = "manage_work"  # teams, outages, rounds


P = Permission
_LOOKING = frozenset({P.SEE_NETWORK, P.SEE_LIVE, P.SEE_PLAYBACK, P.CONTROL_PTZ, P.KEEP_LAYOUTS})
_OPERATING = _LOOKING | {P.SEE_ALARMS, P.ACT_ON_ALARMS, P.SEE_WORK, P.RAISE_WORK}
_SUPERVISING = _OPERATING | {P.HOLD, P.EXPORT, P.SEE_SYSTEM, P.MANAGE_ALARMS, P.SEE_ALARM_LOAD, P.MANAGE_WORK}

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.OPERATOR: _OPERATING,
    Role.SUPERVISOR: _SUPERVISING,
    Role.COMMANDER: _SUPERVISING,
    # A technician sees live pictures to aim a camera, and no recordings.
    Role.TECHNICIAN: frozenset(
        {P.SEE_NETWORK, P.SEE_LIVE, P.CHANGE_NETWORK, P.SEE_SYSTEM, P.SEE_ALARMS, P.SEE_WORK, P.RAISE_WORK, P.DO_WORK}
    ),
    Role.ADMINISTRATOR: frozenset(
        {P.SEE_NETWORK, P.CHANGE_NETWORK, P.CHANGE_PLACES, P.MANAGE_ACCOUNTS, P.SEE_SYSTEM, P.READ_AUDIT}
        | {P.SEE_ALARMS, P.SEE_ALARM_LOAD, P.ADMINISTER_ALARMS, P.SEE_WORK, P.MANAGE_WORK}
    ),
    # An auditor sees which cameras there are, since the log speaks of them, and no picture.
    Role.AUDITOR: frozenset({P.SEE_NETWORK, P.READ_AUDIT, P.SEE_SYSTEM, P.SEE_ALARMS, P.SEE_ALARM_LOAD, P.SEE_WORK}),
}


def permissions_of(roles: frozenset[Role]) -> frozenset[Permission]:
    """Everything that any of these roles grants."""
    return frozenset[Permission]().union(*(GRANTS[role] for role in roles))


class Anyone(Enum):
    """Decisions that need no permission."""

    OPEN = "open"  # without signing in
    DEVICE = "device"  # no person and no session: the route itself asks for the device's own token
    SIGNED_IN = "signed_in"  # any account, whatever its roles
    # As SIGNED_IN, and also before a one-time password has been replaced.
    EVEN_WITH_ONE_TIME_PASSWORD = "even_with_one_time_password"  # noqa: S105


JSON_BODY_BYTES = 1_000_000
IMPORT_BODY_BYTES = 32_000_000
PHOTO_BODY_BYTES = 16_000_000
TELEMETRY_BODY_BYTES = 262_144


@dataclass(frozen=True, slots=True)
class Rule:
    """The decision for one route. `method` is an HTTP method or `WS`."""

    method: str
    path: str
    needs: Permission | Anyone
    body_bytes: int = JSON_BODY_BYTES


def _rules() -> tuple[Rule, ...]:
    me = Anyone.EVEN_WITH_ONE_TIME_PASSWORD
    table: list[tuple[str, str, Permission | Anyone]] = [
        ("GET", "/api/health", Anyone.OPEN),
        ("POST", "/api/session", Anyone.OPEN),
        ("GET", "/api/session", me),
        ("DELETE", "/api/session", me),
        ("POST", "/api/session/password", me),
        ("PATCH", "/api/session/preferences", me),
        ("GET", "/api/openapi.json", Anyone.SIGNED_IN),
        ("GET", "/api/snapshot", P.SEE_NETWORK),
        ("WS", "/api/changes", P.SEE_NETWORK),
        ("GET", "/api/cameras.csv", P.CHANGE_NETWORK),
        ("POST", "/api/cameras/import", P.CHANGE_NETWORK),
        ("GET", "/api/cameras", P.SEE_NETWORK),
        ("POST", "/api/cameras", P.CHANGE_NETWORK),
        ("GET", "/api/cameras/{camera_id}", P.SEE_NETWORK),
        ("PATCH", "/api/cameras/{camera_id}", P.CHANGE_NETWORK),
        ("DELETE", "/api/cameras/{camera_id}", P.CHANGE_NETWORK),
        ("POST", "/api/sites/import", P.CHANGE_NETWORK),
        ("GET", "/api/sites", P.SEE_NETWORK),
        ("POST", "/api/sites", P.CHANGE_NETWORK),
        ("GET", "/api/sites/{site_id}", P.SEE_NETWORK),
        ("PATCH", "/api/sites/{site_id}", P.CHANGE_NETWORK),
        ("DELETE", "/api/sites/{site_id}", P.CHANGE_NETWORK),
        ("GET", "/api/sites/{site_id}/series", P.SEE_NETWORK),
        ("POST", "/api/telemetry", Anyone.DEVICE),
        ("GET", "/api/telemetry/profiles", P.CHANGE_NETWORK),
        ("GET", "/api/sectors", P.SEE_NETWORK),
        ("POST", "/api/sectors", P.CHANGE_PLACES),
        ("GET", "/api/sectors/{sector_id}", P.SEE_NETWORK),
        ("PATCH", "/api/sectors/{sector_id}", P.CHANGE_PLACES),
        ("DELETE", "/api/sectors/{sector_id}", P.CHANGE_PLACES),
        ("GET", "/api/towns", P.SEE_NETWORK),
        ("POST", "/api/towns", P.CHANGE_PLACES),
        ("GET", "/api/towns/{town_id}", P.SEE_NETWORK),
        ("PATCH", "/api/towns/{town_id}", P.CHANGE_PLACES),
        ("DELETE", "/api/towns/{town_id}", P.CHANGE_PLACES),
        ("GET", "/api/sites/{site_id}/condition", P.SEE_NETWORK),
        ("GET", "/api/sites/{site_id}/availability", P.SEE_WORK),
        ("PUT", "/api/sites/{site_id}/shed-policy", P.CHANGE_NETWORK),
        ("POST", "/api/sites/{site_id}/shed", P.CHANGE_NETWORK),
        ("GET", "/api/dark-sites", P.SEE_NETWORK),
        ("GET", "/api/infrastructure/{noun}/export.csv", P.CHANGE_NETWORK),
        ("POST", "/api/infrastructure/{noun}/import", P.CHANGE_NETWORK),
        ("GET", "/api/infrastructure/{noun}", P.SEE_NETWORK),
        ("POST", "/api/infrastructure/{noun}", P.CHANGE_NETWORK),
        ("GET", "/api/infrastructure/{noun}/{row_id}", P.SEE_NETWORK),
        ("PATCH", "/api/infrastructure/{noun}/{row_id}", P.CHANGE_NETWORK),
        ("DELETE", "/api/infrastructure/{noun}/{row_id}", P.CHANGE_NETWORK),
        ("POST", "/api/infrastructure/devices/{row_id}/token", P.CHANGE_NETWORK),
        ("POST", "/api/onvif/discover", P.CHANGE_NETWORK),
        ("POST", "/api/onvif/inspect", P.CHANGE_NETWORK),
        ("GET", "/api/cameras/{camera_id}/health", P.SEE_NETWORK),
        ("GET", "/api/causes", P.SEE_ALARMS),
        ("GET", "/api/causes/{cause_id}", P.SEE_ALARMS),
        ("GET", "/api/cameras/{camera_id}/health/references", P.SEE_LIVE),
        ("GET", "/api/cameras/{camera_id}/health/pictures/{name}", P.SEE_LIVE),
        ("POST", "/api/cameras/{camera_id}/health/reference", P.CHANGE_NETWORK),
        ("GET", "/api/cameras/{camera_id}/ptz", P.CONTROL_PTZ),
        ("POST", "/api/cameras/{camera_id}/ptz", P.CONTROL_PTZ),
        ("DELETE", "/api/cameras/{camera_id}/ptz/lock", P.CONTROL_PTZ),
        ("GET", "/api/cameras/{camera_id}/tours", P.CONTROL_PTZ),
        ("PUT", "/api/cameras/{camera_id}/tours", P.CONTROL_PTZ),
        ("POST", "/api/cameras/{camera_id}/tours/{tour_id}/start", P.CONTROL_PTZ),
        ("POST", "/api/cameras/{camera_id}/tours/{tour_id}/stop", P.CONTROL_PTZ),
        ("WS", "/api/live", P.SEE_LIVE),
        ("GET", "/api/cameras/{camera_id}/timeline", P.SEE_PLAYBACK),
        ("GET", "/api/timeline", P.SEE_PLAYBACK),
        ("GET", "/api/cameras/{camera_id}/fragments", P.SEE_PLAYBACK),
        ("GET", "/api/cameras/{camera_id}/frame.jpg", P.SEE_PLAYBACK),
        ("GET", "/api/alarms/account", P.SEE_ALARM_LOAD),
        ("GET", "/api/alarms/load", P.SEE_ALARM_LOAD),
        ("GET", "/api/alarms/bad-actors", P.SEE_ALARM_LOAD),
        ("GET", "/api/alarms", P.SEE_ALARMS),
        ("POST", "/api/alarms/acknowledge", P.ACT_ON_ALARMS),
        ("GET", "/api/alarms/{alarm_id}", P.SEE_ALARMS),
        ("POST", "/api/alarms/{alarm_id}/shelve", P.ACT_ON_ALARMS),
        ("POST", "/api/alarms/{alarm_id}/unshelve", P.ACT_ON_ALARMS),
        ("POST", "/api/alarms/{alarm_id}/comment", P.ACT_ON_ALARMS),
        ("POST", "/api/alarms/{alarm_id}/reset", P.ACT_ON_ALARMS),
        ("POST", "/api/alarms/{alarm_id}/out-of-service", P.MANAGE_ALARMS),
        ("POST", "/api/alarms/{alarm_id}/in-service", P.MANAGE_ALARMS),
        ("GET", "/api/alarm-kinds", P.SEE_ALARMS),
        ("PATCH", "/api/alarm-kinds/{kind}", P.ADMINISTER_ALARMS),
        ("GET", "/api/alarm-kinds/{kind}/history", P.SEE_ALARMS),
        ("GET", "/api/suppressions", P.SEE_ALARMS),
        ("POST", "/api/suppressions", P.MANAGE_ALARMS),
        ("DELETE", "/api/suppressions/{suppression_id}", P.MANAGE_ALARMS),
        ("GET", "/api/holds", P.SEE_PLAYBACK),
        ("POST", "/api/holds", P.HOLD),
        ("DELETE", "/api/holds/{hold_id}", P.HOLD),
        ("GET", "/api/exports", P.EXPORT),
        ("POST", "/api/exports", P.EXPORT),
        ("GET", "/api/exports/{export_id}", P.EXPORT),
        ("DELETE", "/api/exports/{export_id}", P.EXPORT),
        ("GET", "/api/exports/{export_id}/files/{name}", P.EXPORT),
        ("GET", "/api/layouts", P.KEEP_LAYOUTS),
        ("POST", "/api/layouts", P.KEEP_LAYOUTS),
        ("PUT", "/api/layouts/{layout_id}", P.KEEP_LAYOUTS),
        ("DELETE", "/api/layouts/{layout_id}", P.KEEP_LAYOUTS),
        ("GET", "/api/accounts", P.MANAGE_ACCOUNTS),
        ("POST", "/api/accounts", P.MANAGE_ACCOUNTS),
        ("PATCH", "/api/accounts/{account_id}", P.MANAGE_ACCOUNTS),
        ("POST", "/api/accounts/{account_id}/password", P.MANAGE_ACCOUNTS),
        ("GET", "/api/accounts/{account_id}/sessions", P.MANAGE_ACCOUNTS),
        ("DELETE", "/api/accounts/{account_id}/sessions", P.MANAGE_ACCOUNTS),
        ("GET", "/api/consoles", P.SEE_ALARMS),
        ("POST", "/api/consoles", P.ADMINISTER_ALARMS),
        ("PATCH", "/api/consoles/{console_id}", P.ADMINISTER_ALARMS),
        ("GET", "/api/consoles/{console_id}/people", P.ACT_ON_ALARMS),
        ("GET", "/api/shifts", P.SEE_ALARMS),
        ("POST", "/api/shifts/take", P.ACT_ON_ALARMS),
        ("GET", "/api/shifts/{shift_id}", P.SEE_ALARMS),
        ("GET", "/api/shifts/{shift_id}/carries", P.SEE_ALARMS),
        ("POST", "/api/shifts/{shift_id}/entry", P.ACT_ON_ALARMS),
        ("POST", "/api/shifts/{shift_id}/hand-over", P.ACT_ON_ALARMS),
        ("GET", "/api/notification-routes", P.ADMINISTER_ALARMS),
        ("POST", "/api/notification-routes", P.ADMINISTER_ALARMS),
        ("PATCH", "/api/notification-routes/{route_id}", P.ADMINISTER_ALARMS),
        ("DELETE", "/api/notification-routes/{route_id}", P.ADMINISTER_ALARMS),
        ("POST", "/api/notification-routes/{route_id}/test", P.ADMINISTER_ALARMS),
        ("GET", "/api/notifications", P.ADMINISTER_ALARMS),
        ("POST", "/api/notifications/{notification_id}/send-again", P.ADMINISTER_ALARMS),
        ("GET", "/api/work-orders", P.SEE_WORK),
        ("POST", "/api/work-orders", P.RAISE_WORK),
        ("GET", "/api/work-orders/{order_id}", P.SEE_WORK),
        ("PATCH", "/api/work-orders/{order_id}", P.RAISE_WORK),
        # Doing work is the technicians', giving it out the managers': the route asks further by the state wanted.
        ("POST", "/api/work-orders/{order_id}/state", P.SEE_WORK),
        ("POST", "/api/work-orders/{order_id}/notes", P.RAISE_WORK),
        ("POST", "/api/work-orders/{order_id}/photos", P.DO_WORK),
        ("GET", "/api/work-orders/{order_id}/photos/{photo_id}", P.SEE_WORK),
        ("GET", "/api/teams", P.SEE_WORK),
        ("POST", "/api/teams", P.MANAGE_WORK),
        ("PATCH", "/api/teams/{team_id}", P.MANAGE_WORK),
        ("GET", "/api/outages", P.SEE_WORK),
        ("POST", "/api/outages", P.MANAGE_WORK),
        ("PATCH", "/api/outages/{outage_id}", P.MANAGE_WORK),
        ("DELETE", "/api/outages/{outage_id}", P.MANAGE_WORK),
        ("GET", "/api/rounds", P.SEE_WORK),
        ("POST", "/api/rounds", P.MANAGE_WORK),
        ("PATCH", "/api/rounds/{round_id}", P.MANAGE_WORK),
        ("POST", "/api/rounds/{round_id}/done", P.DO_WORK),
        ("GET", "/api/availability", P.SEE_WORK),
        ("GET", "/api/reports/monthly.pdf", P.SEE_WORK),
        ("GET", "/api/reports/monthly.csv", P.SEE_WORK),
        ("GET", "/api/audit", P.READ_AUDIT),
        ("GET", "/api/audit/verify", P.READ_AUDIT),
        ("GET", "/api/system", P.SEE_SYSTEM),
        ("GET", "/api/map/layers", Anyone.SIGNED_IN),
        ("GET", "/map/{file:path}", Anyone.SIGNED_IN),
        # The built screens hold no data; the sign-in page is one of them.
        ("GET", "/{path:path}", Anyone.OPEN),
    ]
    large = {"/api/cameras/import", "/api/sites/import", "/api/infrastructure/{noun}/import"}
    sizes = {"/api/telemetry": TELEMETRY_BODY_BYTES, "/api/work-orders/{order_id}/photos": PHOTO_BODY_BYTES}
    return tuple(
        Rule(method, path, needs, IMPORT_BODY_BYTES if path in large else sizes.get(path, JSON_BODY_BYTES))
        for method, path, needs in table
    )


RULES: tuple[Rule, ...] = _rules()
_COMPILED: tuple[tuple[Rule, re.Pattern[str]], ...] = tuple((rule, compile_path(rule.path)[0]) for rule in RULES)


def decide(method: str, path: str) -> Rule | None:
    """The rule of a request, None where there is none (refused). HEAD is judged as GET. The first that fits counts."""
    method = "GET" if method == "HEAD" else method
    for rule, pattern in _COMPILED:
        if rule.method == method and pattern.match(path):
            # The screens' catch-all must never answer for the API or the map.
            if rule.path == "/{path:path}" and path.startswith(("/api", "/map/")):
                return None
            return rule
    return None
