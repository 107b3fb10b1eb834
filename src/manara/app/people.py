"""`manara account …` and `manara audit verify`: for whoever sits at the machine when the web cannot help."""

from collections.abc import Callable, Sequence

from sqlalchemy import select

from manara.access.accounts import add_account, list_accounts, reset_password
from manara.access.tables import Account
from manara.access.who import Who
from manara.app.data import open_state
from manara.base.clock import Clock, iso, to_datetime
from manara.base.errors import NotFound
from manara.settings import Settings
from manara.store import audit

_BODY = Who.system("command line")


def add(
    settings: Settings, clock: Clock, account: str, name: str, roles: Sequence[str], say: Callable[[str], None]
) -> int:
    """Add an account with a one-time password, which is said once."""
    database = open_state(settings)
    try:
        values = {"account": account, "name": name or account, "roles": list(roles)}
        made = add_account(database, _BODY, to_datetime(clock.wall_us()), values, must_change=True)
    finally:
        database.close()
    say(f"account {made['account']}, one-time password {made['one_time_password']} (shown this once)")
    return 0


def new_password(settings: Settings, clock: Clock, account: str, say: Callable[[str], None]) -> int:
    """Give an account a one-time password and end its sessions."""
    database = open_state(settings)
    try:
        with database.read() as session:
            account_id = session.scalar(select(Account.id).where(Account.account == account.lower()))
        if account_id is None:
            raise NotFound(f"There is no account {account}.", code="account_unknown")
        password = reset_password(database, _BODY, to_datetime(clock.wall_us()), account_id)
    finally:
        database.close()
    say(f"account {account}, one-time password {password} (shown this once)")
    return 0


def show(settings: Settings, say: Callable[[str], None]) -> int:
    """List all accounts."""
    database = open_state(settings)
    try:
        with database.read() as session:
            for row in list_accounts(session):
                seen = iso(row["last_sign_in_us"])[:16] if row["last_sign_in_us"] else "never"
                state = "" if row["enabled"] else "  (disabled)"
                say(f"{row['account']:<24} {','.join(row['roles']):<40} last sign-in {seen}{state}")
    finally:
        database.close()
    return 0


def verify_audit(settings: Settings, say: Callable[[str], None]) -> int:
    """Walk the audit log's chain; name the first entry that does not fit."""
    database = open_state(settings)
    try:
        with database.read() as session:
            found = audit.verify(session)
    finally:
        database.close()
    if found.ok:
        say(f"audit log: all {found.entries} entries fit; head {found.head}")
        return 0
    say(f"audit log: entry {found.broken_number} does not fit: {found.reason}")
    return 1
