"""Actions on accounts: the first administrator, adding, changing, passwords.

An account is never deleted, since the audit log speaks of it; it is disabled. Every change ends the sessions that it
makes wrong, and publishes `AccountChanged`, so that open connections are judged again.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from manara.access.passwords import hash_password, one_time_password, verify_password
from manara.access.roles import Role
from manara.access.sessions import end_sessions_in
from manara.access.tables import Account
from manara.access.who import Who
from manara.base.errors import Conflict, FieldError, Forbidden, InvalidInput, NotFound
from manara.base.ids import new_id
from manara.messages import AccountChanged
from manara.store.database import Database

_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}[a-z0-9]")
_PREFERENCES = {"language": ("ar", "en"), "digits": ("latn", "arab"), "theme": ("dark", "light")}
PASSWORD_MAX_LENGTH = 128  # argon2 has no limit; a request must


def account_view(row: Account) -> dict[str, Any]:
    """An account as JSON, without its password."""
    return {
        "id": row.id,
        "account": row.account,
        "name": row.name,
        "roles": row.roles,
        "sector_ids": row.sector_ids,
        "enabled": row.enabled,
        "must_change_password": row.must_change_password,
        "created_us": row.created_us,
        "last_sign_in_us": row.last_sign_in_us,
    }


def list_accounts(session: Session) -> list[dict[str, Any]]:
    """All accounts, by name of account."""
    return [account_view(row) for row in session.scalars(select(Account).order_by(Account.account))]


def create_first_administrator(database: Database, at: datetime) -> str | None:
    """Make `admin` with a one-time password where there is no account yet; return the password, or None."""
    with database.read() as session:
        if session.scalar(select(func.count()).select_from(Account)):
            return None
    password = one_time_password()
    try:
        add_account(
            database,
            Who.system("first start"),
            at,
            {"account": "admin", "name": "Administrator", "roles": [Role.ADMINISTRATOR], "password": password},
            must_change=True,
        )
    except Conflict:
        return None  # another process was quicker
    return password


def add_account(
    database: Database, who: Who, at: datetime, values: Mapping[str, Any], *, must_change: bool, min_length: int = 8
) -> dict[str, Any]:
    """Add an account from `{account, name, roles, sector_ids, password}`; without a password one is made.

    Returns its view, with `one_time_password` where one was made. Raises `InvalidInput` with all faults, `Conflict`
    when the account's name is taken.
    """
    account = str(values.get("account", "")).strip().lower()
    faults = _faults(values, new=True)
    made = "" if values.get("password") else one_time_password()
    password = made or str(values["password"])
    faults += _password_faults(password, account, min_length)
    if faults:
        raise InvalidInput("The account is not valid.", code="account_invalid", fields=faults)
    with database.act(who, at) as act:
        if act.session.scalar(select(Account.id).where(Account.account == account)):
            raise Conflict(f"There is already an account {account}.", code="account_taken")
        row = Account(
            id=new_id(),
            account=account,
            name=str(values["name"]).strip(),
            password_hash=hash_password(password),
            roles=sorted(Role(role) for role in values["roles"]),
            sector_ids=_sectors(values.get("sector_ids")),
            enabled=True,
            must_change_password=must_change or bool(made),
            preferences={},
            created_us=act.at_us,
        )
        act.session.add(row)
        act.audit(
            "account:add", subject=row.id, detail={"account": account, "roles": row.roles, "sector_ids": row.sector_ids}
        )
        act.publish(AccountChanged(account_id=row.id))
        view = account_view(row)
    return view | ({"one_time_password": made} if made else {})


def change_account(
    database: Database, who: Who, at: datetime, account_id: str, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Change name, roles, sectors or `enabled`. The last enabled administrator cannot be taken away."""
    faults = _faults(values, new=False)
    if faults:
        raise InvalidInput("The account is not valid.", code="account_invalid", fields=faults)
    with database.act(who, at) as act:
        row = _get(act.session, account_id)
        before = account_view(row)
        if "name" in values:
            row.name = str(values["name"]).strip()
        if "roles" in values:
            row.roles = sorted(Role(role) for role in values["roles"])
        if "sector_ids" in values:
            row.sector_ids = _sectors(values["sector_ids"])
        if "enabled" in values:
            row.enabled = bool(values["enabled"])
        _keep_an_administrator(act.session)
        view = account_view(row)
        changed = {key: [before[key], view[key]] for key in view if before[key] != view[key]}
        act.audit("account:change", subject=row.id, detail=changed)
        if not row.enabled:
            end_sessions_in(act, account_id)
        act.publish(AccountChanged(account_id=row.id))
    return view


def reset_password(database: Database, who: Who, at: datetime, account_id: str) -> str:
    """Give a one-time password, end all sessions of the account; the password is shown once and never again."""
    password = one_time_password()
    with database.act(who, at) as act:
        row = _get(act.session, account_id)
        row.password_hash = hash_password(password)
        row.must_change_password = True
        end_sessions_in(act, account_id)
        act.audit("account:reset_password", subject=row.id)
        act.publish(AccountChanged(account_id=row.id))
    return password


def change_own_password(database: Database, who: Who, at: datetime, old: str, new: str, *, min_length: int) -> None:
    """Change one's own password; all other sessions of the account end. Raises `Forbidden` if `old` does not fit."""
    with database.read() as session:
        row = _get(session, who.account_id)
        stored, account = row.password_hash, row.account
    if not verify_password(stored, old):
        raise Forbidden("The present password does not fit.", code="password_wrong")
    faults = _password_faults(new, account, min_length)
    if new == old:
        faults.append(FieldError("new", "must differ from the present one"))
    if faults:
        raise InvalidInput("The new password is not accepted.", code="password_invalid", fields=faults)
    with database.act(who, at) as act:
        row = _get(act.session, who.account_id)
        row.password_hash = hash_password(new)
        row.must_change_password = False
        end_sessions_in(act, who.account_id, but=who.session_id)
        act.audit("account:change_password", subject=row.id)


def set_preferences(database: Database, who: Who, at: datetime, values: Mapping[str, Any]) -> dict[str, Any]:
    """Keep language, digits or theme of the person who acts; returns all preferences."""
    faults = [
        FieldError(
            str(key)[:40], f"must be one of {', '.join(_PREFERENCES[key])}" if key in _PREFERENCES else "is unknown"
        )
        for key, value in values.items()
        if value not in _PREFERENCES.get(key, ())
    ]
    if faults:
        raise InvalidInput("The preferences are not valid.", code="preferences_invalid", fields=faults)
    with database.act(who, at) as act:
        row = _get(act.session, who.account_id)
        row.preferences = {**row.preferences, **values}
        act.audit("account:preferences", subject=row.id, detail=dict(values))
        return dict(row.preferences)


def _get(session: Session, account_id: str) -> Account:
    row = session.get(Account, account_id)
    if row is None:
        raise NotFound(f"There is no account {account_id}.", code="account_unknown")
    return row


def _sectors(value: Iterable[str] | None) -> list[str] | None:
    return None if value is None else sorted(set(value))


def _keep_an_administrator(session: Session) -> None:
    session.flush()
    enabled = session.scalars(select(Account).where(Account.enabled))
    if not any(Role.ADMINISTRATOR in row.roles for row in enabled):
        raise Conflict("This is the last administrator; name another first.", code="last_administrator")


def _faults(values: Mapping[str, Any], *, new: bool) -> list[FieldError]:
    faults = []
    if new and not _ACCOUNT.fullmatch(str(values.get("account", "")).strip().lower()):
        faults.append(
            FieldError("account", "3 to 64 of a–z, 0–9, dot, dash, underscore; begins and ends with a letter or digit")
        )
    if new or "name" in values:
        name = values.get("name")
        if not isinstance(name, str) or not 1 <= len(name.strip()) <= 200:
            faults.append(FieldError("name", "1 to 200 characters"))
    if new or "roles" in values:
        roles = values.get("roles")
        if not isinstance(roles, list) or not roles or any(role not in set(Role) for role in roles):
            faults.append(FieldError("roles", f"one or more of {', '.join(Role)}"))
    sectors = values.get("sector_ids")
    if sectors is not None and (
        not isinstance(sectors, list)
        or len(sectors) > 1000
        or not all(isinstance(s, str) and len(s) <= 12 for s in sectors)
    ):
        faults.append(FieldError("sector_ids", "a list of sector ids, or null for all"))
    if "enabled" in values and not isinstance(values["enabled"], bool):
        faults.append(FieldError("enabled", "true or false"))
    return faults


def _password_faults(password: str, account: str, min_length: int) -> list[FieldError]:
    if len(password) > PASSWORD_MAX_LENGTH:
        return [FieldError("password", f"at most {PASSWORD_MAX_LENGTH} characters")]
    if len(password) < min_length:
        return [FieldError("password", f"at least {min_length} characters")]
    if account and account in password.lower():
        return [FieldError("password", "must not contain the account's name")]
    if len(set(password)) < 5:
        return [FieldError("password", "too few different characters")]
    return []
