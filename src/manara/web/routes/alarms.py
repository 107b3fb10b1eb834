"""Alarms: lists, one, what a person does with them, the rationalised table, the account of every signal.

The load figures are `routes/duty.py`'s, which stands before this in `app.py`: `/alarms/load` is not an alarm's id.
"""

from typing import Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from manara.alarms import actions, kind_table, views
from manara.alarms.room import DAY_US, Rules, rules_of
from manara.base.errors import FieldError, InvalidInput
from manara.web.answers import Json
from manara.web.services import Handed, Person

router = APIRouter(prefix="/api")
Body = dict[str, Any]
SPAN_MAX_US = 31 * DAY_US


def _rules(handed: Handed) -> Rules:
    return rules_of(handed.settings.alarms)


@router.get("/alarms")
def alarms(
    handed: Handed,
    person: Person,
    open: bool = False,
    from_us: int | None = None,
    to_us: int | None = None,
    kind: str = Query("", max_length=40),
    site_id: str = Query("", max_length=12),
    limit: int = Query(200, ge=1, le=views.LIMIT_MAX),
) -> Response:
    """Alarms of one's own sectors, newest first."""
    with handed.database.read() as session:
        found = views.alarms(
            session, person, open_only=open, from_us=from_us, to_us=to_us, kind=kind, site_id=site_id, limit=limit
        )
    return Json({"alarms": found})


@router.get("/alarms/account")
def account(handed: Handed, from_us: int | None = None, to_us: int | None = None) -> Response:
    """Every signal of a span (the last day, unless it is said) and what became of it."""
    until_us = to_us if to_us is not None else handed.clock.wall_us()
    since_us = from_us if from_us is not None else until_us - DAY_US
    if not 0 <= since_us < until_us or until_us - since_us > SPAN_MAX_US:
        raise InvalidInput(
            "The span is not valid.",
            code="span_invalid",
            fields=[FieldError("from_us", "must be before to_us, at most 31 days")],
        )
    with handed.database.read() as session:
        return Json(views.account(session, since_us, until_us))


@router.post("/alarms/acknowledge")
def acknowledge(handed: Handed, person: Person, body: Body) -> Response:
    """Acknowledge alarms `{ids}`; `already` names those with which somebody was quicker."""
    ids = body.get("ids")
    if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids):
        raise InvalidInput(
            "Name the alarms.", code="alarms_invalid", fields=[FieldError("ids", "must be a list of ids")]
        )
    return Json(actions.acknowledge(handed.database, person, handed.now(), ids, _rules(handed)))


@router.get("/alarms/{alarm_id}")
def alarm(handed: Handed, person: Person, alarm_id: str) -> Response:
    """One alarm with its life, its symptoms, what is grouped into it, and its past."""
    with handed.database.read() as session:
        return Json(views.alarm(session, person, alarm_id))


@router.post("/alarms/{alarm_id}/shelve")
def shelve(handed: Handed, person: Person, alarm_id: str, body: Body) -> Response:
    """Put an alarm aside until a time, with a reason."""
    return Json(actions.shelve(handed.database, person, handed.now(), alarm_id, body, _rules(handed)))


@router.post("/alarms/{alarm_id}/unshelve")
def unshelve(handed: Handed, person: Person, alarm_id: str) -> Response:
    """Take it off the shelf before its time."""
    return Json(actions.unshelve(handed.database, person, handed.now(), alarm_id, _rules(handed)))


@router.post("/alarms/{alarm_id}/comment")
def comment(handed: Handed, person: Person, alarm_id: str, body: Body) -> Response:
    """Write a line into its life."""
    return Json(actions.comment(handed.database, person, handed.now(), alarm_id, body, _rules(handed)))


@router.post("/alarms/{alarm_id}/reset")
def reset(handed: Handed, person: Person, alarm_id: str) -> Response:
    """Reset a latched alarm whose cause has ended."""
    return Json(actions.reset(handed.database, person, handed.now(), alarm_id, _rules(handed)))


@router.post("/alarms/{alarm_id}/out-of-service")
def out_of_service(handed: Handed, person: Person, alarm_id: str, body: Body) -> Response:
    """Take it out of service until somebody puts it back."""
    return Json(actions.out_of_service(handed.database, person, handed.now(), alarm_id, body, _rules(handed)))


@router.post("/alarms/{alarm_id}/in-service")
def in_service(handed: Handed, person: Person, alarm_id: str) -> Response:
    """Put it back in service."""
    return Json(actions.in_service(handed.database, person, handed.now(), alarm_id, _rules(handed)))


@router.get("/alarm-kinds")
def alarm_kinds(handed: Handed) -> Response:
    """The rationalised table."""
    with handed.database.read() as session:
        return Json({"alarm_kinds": kind_table.listing(session)})


@router.patch("/alarm-kinds/{kind}")
def change_alarm_kind(handed: Handed, person: Person, kind: str, body: Body) -> Response:
    """Change the given fields of a kind."""
    return Json(kind_table.change_kind(handed.database, person, handed.now(), kind, body))


@router.get("/alarm-kinds/{kind}/history")
def alarm_kind_history(handed: Handed, kind: str) -> Response:
    """Who changed a kind, when, from what to what."""
    with handed.database.read() as session:
        return Json({"history": kind_table.history(session, kind)})
