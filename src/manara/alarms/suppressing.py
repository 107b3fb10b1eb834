"""Suppressions by design: what is expected, where, from when until when. They always end by themselves.

A person enters one (maintenance window, planned outage, exercise) and may end it early; the program keeps some of its
own, each with a `source` (a planned outage of the maintenance room, a PTZ camera on tour). All are visible to everybody
who sees alarms. What they cover is decided by `policy.py`; `actions.reconsider` makes a change so at once.
Bounds: 31 days, 200 ids of each sort. Tells the screens by `SuppressionChanged`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from manara.access.who import Who
from manara.alarms import kinds
from manara.alarms.room import DAY_US
from manara.alarms.tables import Suppression
from manara.alarms.views import suppression_view
from manara.base.clock import to_us
from manara.base.errors import Conflict, FieldError, InvalidInput, NotFound
from manara.base.ids import new_id
from manara.messages import SuppressionChanged
from manara.store.act import Act
from manara.store.database import Database

KINDS = ("maintenance_window", "planned_outage", "exercise")
PROGRAM_KINDS = (*KINDS, "ptz_tour")
SPAN_MAX_US = 31 * DAY_US
IDS_MAX = 200
REASON_MIN, REASON_MAX = 3, 500
_LISTS = {"site_ids": "site", "camera_ids": "camera", "sector_ids": "sector"}

# Whether a thing exists and this person may act on it: (noun, id) → bool.
Known = Callable[[str, str], bool]


def add(database: Database, who: Who, at: datetime, values: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """Enter a suppression; returns its view. Raises `InvalidInput` with all faults."""
    clean, faults = judge(values, to_us(at), known)
    if faults:
        raise InvalidInput("The suppression is not valid.", code="suppression_invalid", fields=faults)
    with database.act(who, at) as act:
        return suppression_view(_add(act, clean, ""))


def end(database: Database, who: Who, at: datetime, suppression_id: str, known: Known) -> dict[str, Any]:
    """End a suppression now. Raises `NotFound`, `Conflict` where it has ended already."""
    with database.act(who, at) as act:
        row = act.session.get(Suppression, suppression_id)
        if row is None or not all(known(noun, id) for name, noun in _LISTS.items() for id in getattr(row, name)):
            raise NotFound("There is no such suppression.", code="suppression_not_found")
        if row.ended_us is not None:
            raise Conflict(
                "This suppression has ended already.",
                code="suppression_ended",
                detail={"by": row.ended_by_name, "at_us": row.ended_us},
            )
        _end(act, row)
        return suppression_view(row)


def keep(database: Database, who: Who, at: datetime, source: str, values: Mapping[str, Any] | None) -> bool:
    """Make the suppression of a `source` so (None: none); returns whether anything changed. For the program itself."""
    with database.read() as session:
        row = session.scalar(select(Suppression).where(Suppression.source == source, Suppression.ended_us.is_(None)))
        if (row is None and values is None) or (row is not None and values is not None and _same(row, values)):
            return False
    with database.act(who, at) as act:
        standing = select(Suppression).where(Suppression.source == source, Suppression.ended_us.is_(None))
        row = act.session.scalar(standing)
        if row is not None and values is None:
            _end(act, row)
        elif row is None and values is not None:
            _add(act, {"site_ids": [], "camera_ids": [], "sector_ids": [], "kinds": [], **values}, source)
        elif row is not None and values is not None:
            for name, value in values.items():
                setattr(row, name, value)
            row.changed_us = act.at_us
            act.audit("suppression:change", subject=row.id, detail=dict(values))
            act.publish(SuppressionChanged(suppression_id=row.id))
    return True


def judge(values: Mapping[str, Any], now_us: int, known: Known) -> tuple[dict[str, Any], list[FieldError]]:
    """The fields of a suppression as they may be kept, and everything wrong with them."""
    faults: list[FieldError] = []
    clean: dict[str, Any] = {}
    reason = values.get("reason")
    if isinstance(reason, str) and REASON_MIN <= len(reason.strip()) <= REASON_MAX:
        clean["reason"] = reason.strip()
    else:
        faults.append(FieldError("reason", f"must be {REASON_MIN} to {REASON_MAX} characters"))
    if values.get("kind") in KINDS:
        clean["kind"] = values["kind"]
    else:
        faults.append(FieldError("kind", f"must be one of {', '.join(KINDS)}"))
    for name, noun in _LISTS.items():
        clean[name] = _ids(name, noun, values.get(name, []), known, faults)
    wanted = values.get("kinds", [])
    if not isinstance(wanted, list) or any(kind not in kinds.DEFAULTS for kind in wanted):
        faults.append(FieldError("kinds", "must be a list of kinds of alarm"))
    else:
        clean["kinds"] = sorted(set(wanted))
    if not faults and not any(clean[name] for name in _LISTS):
        faults.append(FieldError("site_ids", "name at least one site, camera or sector"))
    from_us, until_us = values.get("from_us", now_us), values.get("until_us")
    if not _is_time(from_us) or from_us < now_us - DAY_US:
        faults.append(FieldError("from_us", "must be a time, not longer ago than a day"))
    elif not _is_time(until_us) or until_us <= max(from_us, now_us):
        faults.append(FieldError("until_us", "must be a time after from_us and after now"))
    elif until_us - from_us > SPAN_MAX_US:
        faults.append(FieldError("until_us", "must be at most 31 days after from_us"))
    clean |= {"from_us": from_us, "until_us": until_us}
    return clean, faults


def _ids(name: str, noun: str, given: Any, known: Known, faults: list[FieldError]) -> list[str]:
    if not isinstance(given, list) or len(given) > IDS_MAX or not all(isinstance(id, str) for id in given):
        faults.append(FieldError(name, f"must be a list of at most {IDS_MAX} ids"))
        return []
    strange = [id for id in given if not known(noun, id)]
    if strange:
        faults.append(FieldError(name, f"there is no {noun} {strange[0][:40]} in your sectors"))
        return []
    return sorted(set(given))


def _add(act: Act, clean: Mapping[str, Any], source: str) -> Suppression:
    row = Suppression(
        id=new_id(),
        state="active" if clean["from_us"] <= act.at_us else "planned",
        source=source,
        created_us=act.at_us,
        created_by=act.who.account_id,
        created_by_name=act.who.name[:200],
        ended_us=None,
        ended_by_name="",
        changed_us=act.at_us,
        **clean,
    )
    act.session.add(row)
    act.session.flush()
    act.audit("suppression:add", subject=row.id, detail={**clean, "source": source})
    act.publish(SuppressionChanged(suppression_id=row.id))
    return row


def _end(act: Act, row: Suppression) -> None:
    row.state, row.ended_us, row.ended_by_name, row.changed_us = "ended", act.at_us, act.who.name[:200], act.at_us
    act.audit("suppression:end", subject=row.id, detail={"until_us": row.until_us, "source": row.source})
    act.publish(SuppressionChanged(suppression_id=row.id))


def _same(row: Suppression, values: Mapping[str, Any]) -> bool:
    return all(getattr(row, name) == value for name, value in values.items())


def _is_time(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 4_102_444_800_000_000
