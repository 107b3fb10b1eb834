"""What a valid team, work order, outage and round is, and how a work order moves. Pure.

    open → assigned → accepted → on_site → done → closed
                 (from any of the first four: cancelled)   done → reopened → accepted …

`done` is what the technician says; `closed` is what the health check found (`checking.py`). Called by `actions.py`.
"""

from collections.abc import Mapping
from typing import Any

from manara.network.infrastructure.rules import moment
from manara.network.rules import Fault, Field, boolean, choice, integer, number, reference, text

OPEN, ASSIGNED, ACCEPTED, ON_SITE, DONE, REOPENED, CLOSED, CANCELLED = (
    "open",
    "assigned",
    "accepted",
    "on_site",
    "done",
    "reopened",
    "closed",
    "cancelled",
)
STATES = (OPEN, ASSIGNED, ACCEPTED, ON_SITE, DONE, REOPENED, CLOSED, CANCELLED)
ENDED = (CLOSED, CANCELLED)
PRIORITIES = ("critical", "high", "medium", "low")
ROUND_KINDS = ("cleaning", "battery_test", "inspection")
IDS_MAX = 500
PARTS_MAX = 40

# Who moves what: these are orders of a person; `closed` and `reopened` also come from the health check.
MOVES: Mapping[str, frozenset[str]] = {
    OPEN: frozenset({ASSIGNED, ACCEPTED, CANCELLED}),
    ASSIGNED: frozenset({OPEN, ACCEPTED, CANCELLED}),
    ACCEPTED: frozenset({ON_SITE, DONE, OPEN, CANCELLED}),
    ON_SITE: frozenset({DONE, OPEN, CANCELLED}),
    DONE: frozenset({REOPENED, CLOSED}),
    REOPENED: frozenset({ASSIGNED, ACCEPTED, CANCELLED}),
    CLOSED: frozenset(),
    CANCELLED: frozenset(),
}
# Managing work, not doing it.
MANAGED = frozenset({ASSIGNED, CANCELLED, REOPENED, CLOSED})


def may_move(state: str, wanted: str) -> bool:
    """Whether an order in `state` may become `wanted`."""
    return wanted in MOVES.get(state, frozenset())


def ids(value: Any) -> list[str]:
    """A list of ids, each once."""
    if not isinstance(value, list) or len(value) > IDS_MAX:
        raise Fault(f"must be a list of at most {IDS_MAX} ids")
    return list(dict.fromkeys(reference(one) for one in value))


def some_ids(value: Any) -> list[str] | None:
    """A list of ids; all of them where it is null."""
    return None if value is None else ids(value)


def parts(value: Any) -> list[dict[str, Any]]:
    """Parts used: `[{part, count}]`."""
    if not isinstance(value, list) or len(value) > PARTS_MAX:
        raise Fault(f"must be a list of at most {PARTS_MAX} parts")
    found = []
    for one in value:
        if not isinstance(one, Mapping) or set(one) - {"part", "count"}:
            raise Fault("must be a list of {part, count}")
        name = text(120)(one.get("part", ""))
        if not name:
            raise Fault("has a part without a name")
        found.append({"part": name, "count": integer(1, 999)(one.get("count", 1))})
    return found


_words = {name: name for name in PRIORITIES}
TEAM = {
    "code": Field(text(64), required=True),
    "name_ar": Field(text(120)),
    "name_en": Field(text(120)),
    "phone": Field(text(40)),
    "sector_ids": Field(some_ids, None),
    "lat": Field(number(-90, 90), None),
    "lon": Field(number(-180, 180), None),
    "enabled": Field(boolean, True),
}
ORDER = {
    "site_id": Field(reference, required=True),
    "camera_ids": Field(ids, []),
    "cause_id": Field(reference, ""),
    "alarm_id": Field(reference, ""),
    "round_id": Field(reference, ""),
    "description": Field(text(4000, lines=True)),
    "priority": Field(choice(_words), "medium"),
    "team_id": Field(reference, None),
    "due_us": Field(moment, None),
}
ORDER_CHANGES = {name: ORDER[name] for name in ("description", "priority", "team_id", "due_us", "camera_ids")} | {
    "parts_used": Field(parts, []),
    "work_min": Field(integer(0, 60 * 24 * 14), 0),
}
OUTAGE = {
    "reason": Field(text(400), required=True),
    "site_ids": Field(ids, []),
    "camera_ids": Field(ids, []),
    "from_us": Field(moment, required=True),
    "until_us": Field(moment, required=True),
}
ROUND = {
    "name_ar": Field(text(120)),
    "name_en": Field(text(120)),
    "kind": Field(choice({name: name for name in ROUND_KINDS}), required=True),
    "site_ids": Field(ids, required=True),
    "every_days": Field(integer(1, 3660), required=True),
    "first_due_us": Field(moment, required=True),
    "team_id": Field(reference, None),
    "notes": Field(text(2000, lines=True)),
    "enabled": Field(boolean, True),
}
