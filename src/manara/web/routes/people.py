"""Accounts and their sessions, and the audit log."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import or_, select
from starlette.responses import Response

from manara.access import accounts
from manara.access.sessions import list_sessions, revoke_sessions
from manara.store import audit
from manara.store.audit import AuditEntry
from manara.web.answers import Json
from manara.web.services import Handed, Person

router = APIRouter(prefix="/api")
Body = dict[str, Any]  # judged field by field by the action, which names all faults at once

AUDIT_LIMIT = 500


@router.get("/accounts")
def list_accounts(handed: Handed) -> Response:
    """All accounts."""
    with handed.database.read() as session:
        return Json(accounts.list_accounts(session))


@router.post("/accounts", status_code=201)
def add_account(handed: Handed, person: Person, body: Body) -> Response:
    """Add an account. A password that somebody else chose must be replaced at the first sign-in."""
    view = accounts.add_account(
        handed.database,
        person,
        handed.now(),
        body,
        must_change=True,
        min_length=handed.settings.access.password_min_length,
    )
    return Json(view, status_code=201)


@router.patch("/accounts/{account_id}")
def change_account(handed: Handed, person: Person, account_id: str, body: Body) -> Response:
    """Change name, roles, sectors or `enabled`."""
    return Json(accounts.change_account(handed.database, person, handed.now(), account_id, body))


@router.post("/accounts/{account_id}/password")
def reset_password(handed: Handed, person: Person, account_id: str) -> Response:
    """Give a one-time password; it is told once."""
    return Json({"one_time_password": accounts.reset_password(handed.database, person, handed.now(), account_id)})


@router.get("/accounts/{account_id}/sessions")
def sessions(handed: Handed, account_id: str) -> Response:
    """The live sessions of an account."""
    at = handed.now()
    with handed.database.read() as session:
        return Json(list_sessions(session, handed.settings.access, account_id, at))


@router.delete("/accounts/{account_id}/sessions")
def revoke(handed: Handed, person: Person, account_id: str, session_id: str | None = None) -> Response:
    """End all sessions of an account, or one of them."""
    return Json({"ended": revoke_sessions(handed.database, person, handed.now(), account_id, session_id)})


@router.get("/audit")
def entries(
    handed: Handed,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    limit: Annotated[int, Query(ge=1, le=AUDIT_LIMIT)] = 100,
    actor: Annotated[str, Query(max_length=200)] = "",
    action: Annotated[str, Query(max_length=80)] = "",
    subject: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Entries of the audit log, newest first, below number `before`.

    `actor`: an account's id or part of a name. `action`: its beginning (`playback` or `camera:add`). `subject`: exact.
    """
    query = select(AuditEntry).order_by(AuditEntry.number.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEntry.number < before)
    if actor:
        query = query.where(
            or_(AuditEntry.account_id == actor, AuditEntry.actor_name.icontains(actor, autoescape=True))
        )
    if action:
        query = query.where(AuditEntry.action.startswith(action, autoescape=True))
    if subject:
        query = query.where(AuditEntry.subject == subject)
    with handed.database.read() as session:
        return Json(
            [
                {
                    "number": row.number,
                    "at_us": row.at_us,
                    "actor": row.account_id,
                    "actor_name": row.actor_name,
                    "address": row.address,
                    "action": row.action,
                    "subject": row.subject,
                    "detail": json.loads(row.detail),
                    "hash": row.hash,
                }
                for row in session.scalars(query)
            ]
        )


@router.get("/audit/verify")
def verify(handed: Handed) -> Response:
    """Walk the whole chain; names the first entry that does not fit."""
    with handed.database.read() as session:
        found = audit.verify(session)
    return Json(
        {
            "ok": found.ok,
            "entries": found.entries,
            "head": found.head,
            "broken_number": found.broken_number,
            "reason": found.reason,
        }
    )
