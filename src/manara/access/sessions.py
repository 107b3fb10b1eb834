"""Sign-in and sessions: server-side, revocable, with an idle and an absolute time-out; failed attempts are limited.

The browser holds a random token; the state holds its SHA-256. `who_is` is asked at each request and must be cheap:
the time last seen is written at most once a minute.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from manara.access.passwords import verify_password
from manara.access.roles import Role
from manara.access.tables import Account, FailedSignIn, SignInSession
from manara.access.who import Who
from manara.base.clock import to_us
from manara.base.errors import NotFound, TooMany, Unauthenticated
from manara.base.ids import new_id
from manara.settings import Access
from manara.store.act import Act
from manara.store.database import Database

_SEEN_EVERY_US = 60_000_000
_ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session as asked for by its token."""

    who: Who
    account: str
    must_change_password: bool
    preferences: dict[str, Any]
    expires_us: int

    def view(self, settings: Access) -> dict[str, Any]:
        """`me` of the HTTP contract."""
        return {
            "account_id": self.who.account_id,
            "account": self.account,
            "name": self.who.name,
            "roles": sorted(self.who.roles),
            "sector_ids": None if self.who.sector_ids is None else sorted(self.who.sector_ids),
            "preferences": self.preferences,
            "must_change_password": self.must_change_password,
            "password_min_length": settings.password_min_length,
            "session": {"idle_s": settings.session_idle_s, "expires_us": self.expires_us},
        }


def sign_in(
    database: Database, settings: Access, account: str, password: str, address: str, agent: str, at: datetime
) -> str:
    """Check and open a session; returns its token.

    Raises `Unauthenticated` (the same for an unknown, disabled or wrong one) and `TooMany` when too many attempts
    failed on this account or from this address within the window; then not even the right password is tried.
    """
    account = account.strip().lower()[:64]
    address = address[:80]
    now_us = to_us(at)
    since_us = now_us - settings.attempts_window_s * 1_000_000
    with database.read() as session:
        failed = select(func.count()).select_from(FailedSignIn).where(FailedSignIn.at_us > since_us)
        by_account = session.scalar(failed.where(FailedSignIn.account == account)) or 0
        by_address = session.scalar(failed.where(FailedSignIn.address == address)) or 0
        row = session.scalar(select(Account).where(Account.account == account))
    if by_account >= settings.attempts_per_account or by_address >= settings.attempts_per_address:
        raise TooMany(
            f"Too many failed sign-ins; wait up to {settings.attempts_window_s // 60 or 1} minutes.",
            code="too_many_attempts",
            detail={"wait_s": settings.attempts_window_s},
        )
    fits = verify_password(row.password_hash if row else None, password[:1024])
    if row is None or not row.enabled or not fits:
        nobody = Who(account_id=_ANONYMOUS, name=account, address=address)
        with database.act(nobody, at) as act:
            act.session.execute(delete(FailedSignIn).where(FailedSignIn.at_us <= since_us))
            act.session.add(FailedSignIn(account=account, address=address, at_us=now_us))
            act.audit("session:refused", subject=account)
        raise Unauthenticated("Account or password is wrong.", code="sign_in_refused")
    token = secrets.token_urlsafe(32)
    session_id = new_id()
    who = Who(row.id, row.name, frozenset(Role(r) for r in row.roles), _sectors(row), address, session_id)
    with database.act(who, at) as act:
        act.session.execute(delete(FailedSignIn).where(FailedSignIn.account == account))
        act.session.add(
            SignInSession(
                id=session_id,
                token_hash=_hash(token),
                account_id=row.id,
                address=address,
                agent=agent[:200],
                created_us=now_us,
                last_seen_us=now_us,
                expires_us=now_us + settings.session_absolute_s * 1_000_000,
            )
        )
        act.session.execute(update(Account).where(Account.id == row.id).values(last_sign_in_us=now_us))
        act.audit("session:begin", subject=row.id, detail={"agent": agent[:200]})
    return token


def who_is(database: Database, settings: Access, token: str, address: str, at: datetime) -> SignedIn:
    """Whose token this is. Raises `Unauthenticated` when it is unknown, ended, idle for too long or past its time."""
    now_us = to_us(at)
    with database.read() as session:
        found = session.execute(
            select(SignInSession, Account)
            .join(Account, Account.id == SignInSession.account_id)
            .where(SignInSession.token_hash == _hash(token))
        ).one_or_none()
    if found is None:
        raise Unauthenticated("Please sign in.", code="not_signed_in")
    row, account = found
    idle = now_us - row.last_seen_us > settings.session_idle_s * 1_000_000
    if row.ended_us is not None or idle or now_us >= row.expires_us or not account.enabled:
        raise Unauthenticated("The session has ended; please sign in again.", code="session_ended")
    if now_us - row.last_seen_us > _SEEN_EVERY_US:
        with database.act(Who.system("sessions"), at) as act:
            act.session.execute(
                update(SignInSession)
                .where(SignInSession.id == row.id)
                .values(last_seen_us=now_us, address=address[:80])
            )
    who = Who(
        account.id, account.name, frozenset(Role(r) for r in account.roles), _sectors(account), address[:80], row.id
    )
    return SignedIn(who, account.account, account.must_change_password, dict(account.preferences), row.expires_us)


def sign_out(database: Database, who: Who, at: datetime) -> None:
    """End the session of the person who acts."""
    with database.act(who, at) as act:
        act.session.execute(
            update(SignInSession)
            .where(SignInSession.id == who.session_id, SignInSession.ended_us.is_(None))
            .values(ended_us=act.at_us)
        )
        act.audit("session:end", subject=who.account_id)


def list_sessions(session: Session, settings: Access, account_id: str, at: datetime) -> list[dict[str, Any]]:
    """The live sessions of an account, newest first."""
    now_us = to_us(at)
    rows = session.scalars(
        select(SignInSession)
        .where(
            SignInSession.account_id == account_id,
            SignInSession.ended_us.is_(None),
            SignInSession.expires_us > now_us,
            SignInSession.last_seen_us > now_us - settings.session_idle_s * 1_000_000,
        )
        .order_by(SignInSession.created_us.desc())
    )
    return [
        {
            "id": row.id,
            "address": row.address,
            "agent": row.agent,
            "created_us": row.created_us,
            "last_seen_us": row.last_seen_us,
            "expires_us": row.expires_us,
        }
        for row in rows
    ]


def revoke_sessions(database: Database, who: Who, at: datetime, account_id: str, session_id: str | None = None) -> int:
    """End one session of an account, or all of them; returns how many ended. Raises `NotFound` for an unknown one."""
    with database.act(who, at) as act:
        ended = end_sessions_in(act, account_id, only=session_id)
        if session_id and not ended:
            raise NotFound("That session is not open.", code="session_unknown")
        act.audit("session:revoke", subject=account_id, detail={"sessions": ended})
    return ended


def end_sessions_in(act: Act, account_id: str, *, only: str | None = None, but: str | None = None) -> int:
    """End sessions of an account as part of another action; returns how many."""
    condition = [SignInSession.account_id == account_id, SignInSession.ended_us.is_(None)]
    if only:
        condition.append(SignInSession.id == only)
    if but:
        condition.append(SignInSession.id != but)
    result = act.session.execute(update(SignInSession).where(*condition).values(ended_us=act.at_us))
    return int(getattr(result, "rowcount", 0))


def ended_sessions(session: Session, session_ids: set[str], settings: Access, at: datetime) -> set[str]:
    """Which of these sessions are over; asked each second for the open WebSockets."""
    now_us = to_us(at)
    idle_before_us = now_us - settings.session_idle_s * 1_000_000
    live = session.scalars(
        select(SignInSession.id)
        .join(Account, Account.id == SignInSession.account_id)
        .where(
            SignInSession.id.in_(session_ids),
            SignInSession.ended_us.is_(None),
            SignInSession.expires_us > now_us,
            SignInSession.last_seen_us > idle_before_us,
            Account.enabled,
        )
    )
    return session_ids - set(live)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _sectors(row: Account) -> frozenset[str] | None:
    return None if row.sector_ids is None else frozenset(row.sector_ids)
