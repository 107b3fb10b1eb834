"""Sign-in, sessions and accounts, with the clock moved by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from manara.access import accounts, sessions
from manara.access.roles import Role
from manara.access.tables import Account, SignInSession
from manara.access.who import Who
from manara.base.errors import Conflict, Forbidden, InvalidInput, NotFound, TooMany, Unauthenticated
from manara.settings import Access
from manara.store import audit
from manara.store.database import Database

AT = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
RULES = Access(session_idle_s=600, session_absolute_s=3600, attempts_per_account=3, attempts_per_address=5)
PASSWORD = "correct horse 7"


@pytest.fixture
def sara(database: Database, administrator: Who) -> str:
    values = {"account": "Sara", "name": "سارة", "roles": ["operator"], "sector_ids": ["s1"], "password": PASSWORD}
    return str(accounts.add_account(database, administrator, AT, values, must_change=False)["id"])


def _sign_in(database: Database, account: str = "sara", password: str = PASSWORD, at: datetime = AT, **kw: str) -> str:
    return sessions.sign_in(database, RULES, account, password, kw.get("address", "10.0.0.9"), "test", at)


def _who(database: Database, token: str, at: datetime = AT) -> sessions.SignedIn:
    return sessions.who_is(database, RULES, token, "10.0.0.9", at)


def test_the_right_password_opens_a_session_that_knows_who_it_is(database: Database, sara: str) -> None:
    signed_in = _who(database, _sign_in(database, "  SARA "))
    assert signed_in.who.account_id == sara
    assert signed_in.who.roles == {Role.OPERATOR}
    assert signed_in.who.sector_ids == {"s1"}


def test_neither_password_nor_token_lies_in_the_state(database: Database, sara: str) -> None:
    token = _sign_in(database)
    with database.read() as session:
        row = session.get(Account, sara)
        assert row is not None
        assert row.password_hash.startswith("$argon2id$")
        stored = session.query(SignInSession).one()
        assert token not in stored.token_hash
    with database.read() as session:
        details = [entry.detail + entry.subject for entry in session.query(audit.AuditEntry)]
    assert not any(PASSWORD in text or token in text for text in details)


@pytest.mark.parametrize(("account", "password"), [("sara", "wrong password"), ("nobody", PASSWORD), ("", "")])
def test_a_refusal_says_the_same_whatever_was_wrong(database: Database, sara: str, account: str, password: str) -> None:
    with pytest.raises(Unauthenticated, match="Account or password is wrong"):
        _sign_in(database, account, password)


def test_after_too_many_failures_even_the_right_password_waits(database: Database, sara: str) -> None:
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            _sign_in(database, password="wrong password")
    with pytest.raises(TooMany):
        _sign_in(database)
    assert _sign_in(database, at=AT + timedelta(seconds=RULES.attempts_window_s + 1))


def test_an_address_that_tries_many_accounts_waits(database: Database, sara: str) -> None:
    for number in range(5):
        with pytest.raises(Unauthenticated):
            _sign_in(database, f"guess{number}")
    with pytest.raises(TooMany):
        _sign_in(database)
    assert _sign_in(database, address="10.0.0.10")


def test_a_session_ends_when_idle(database: Database, sara: str) -> None:
    token = _sign_in(database)
    for minute in range(0, 50, 9):
        _who(database, token, AT + timedelta(minutes=minute))
    with pytest.raises(Unauthenticated, match="ended"):
        _who(database, token, AT + timedelta(minutes=45 + 11))


def test_a_session_ends_after_its_absolute_time_however_busy(database: Database, sara: str) -> None:
    token = _sign_in(database)
    for minute in range(0, 60, 5):
        _who(database, token, AT + timedelta(minutes=minute))
    with pytest.raises(Unauthenticated, match="ended"):
        _who(database, token, AT + timedelta(minutes=60))


def test_signing_out_and_revoking_end_sessions(database: Database, sara: str, administrator: Who) -> None:
    first, second = _sign_in(database), _sign_in(database)
    sessions.sign_out(database, _who(database, first).who, AT)
    with pytest.raises(Unauthenticated):
        _who(database, first)
    open_id = _who(database, second).who.session_id
    with database.read() as session:
        assert [s["id"] for s in sessions.list_sessions(session, RULES, sara, AT)] == [open_id]
        assert sessions.ended_sessions(session, {open_id, "gone"}, RULES, AT) == {"gone"}
    assert sessions.revoke_sessions(database, administrator, AT, sara, open_id) == 1
    with pytest.raises(Unauthenticated):
        _who(database, second)
    with pytest.raises(NotFound):
        sessions.revoke_sessions(database, administrator, AT, sara, open_id)


def test_disabling_an_account_ends_its_sessions(database: Database, sara: str, administrator: Who) -> None:
    token = _sign_in(database)
    with database.act(administrator, AT) as act:  # somebody else stays administrator
        act.session.add(
            Account(
                id="keeper",
                account="keeper",
                name="k",
                password_hash="",
                roles=["administrator"],
                preferences={},
                created_us=0,
            )
        )
    accounts.change_account(database, administrator, AT, sara, {"enabled": False})
    with pytest.raises(Unauthenticated):
        _who(database, token)
    with pytest.raises(Unauthenticated):
        _sign_in(database)


def test_the_first_administrator_is_made_once(database: Database) -> None:
    password = accounts.create_first_administrator(database, AT)
    assert password is not None
    assert accounts.create_first_administrator(database, AT) is None
    signed_in = _who(database, _sign_in(database, "admin", password))
    assert signed_in.must_change_password
    accounts.change_own_password(database, signed_in.who, AT, password, "another good one", min_length=10)
    assert not _who(database, _sign_in(database, "admin", "another good one")).must_change_password


def test_the_last_administrator_stays(database: Database, administrator: Who) -> None:
    password = accounts.create_first_administrator(database, AT)
    assert password is not None
    account_id = _who(database, _sign_in(database, "admin", password)).who.account_id
    for change in ({"enabled": False}, {"roles": ["auditor"]}):
        with pytest.raises(Conflict, match="last administrator"):
            accounts.change_account(database, administrator, AT, account_id, change)


def test_changing_the_password_ends_the_other_sessions(database: Database, sara: str) -> None:
    other, mine = _sign_in(database), _sign_in(database)
    who = _who(database, mine).who
    with pytest.raises(Forbidden):
        accounts.change_own_password(database, who, AT, "wrong", "another good one", min_length=10)
    accounts.change_own_password(database, who, AT, PASSWORD, "another good one", min_length=10)
    assert _who(database, mine).who == who
    with pytest.raises(Unauthenticated):
        _who(database, other)


def test_a_reset_gives_a_one_time_password(database: Database, sara: str, administrator: Who) -> None:
    token = _sign_in(database)
    password = accounts.reset_password(database, administrator, AT, sara)
    with pytest.raises(Unauthenticated):
        _who(database, token)
    assert _who(database, _sign_in(database, password=password)).must_change_password


def test_all_faults_of_an_account_are_named_at_once(database: Database, administrator: Who) -> None:
    values = {"account": "x", "name": " ", "roles": ["king"], "sector_ids": "all", "password": "short"}
    with pytest.raises(InvalidInput) as caught:
        accounts.add_account(database, administrator, AT, values, must_change=False)
    assert {fault.field for fault in caught.value.fields} == {"account", "name", "roles", "sector_ids", "password"}


@pytest.mark.parametrize("password", ["sara and more", "aaaaaaaaaaaa", "x" * 129])
def test_weak_passwords_are_refused(database: Database, administrator: Who, password: str) -> None:
    values = {"account": "sara", "name": "s", "roles": ["operator"], "password": password}
    with pytest.raises(InvalidInput):
        accounts.add_account(database, administrator, AT, values, must_change=False)


def test_an_account_name_is_taken_once(database: Database, sara: str, administrator: Who) -> None:
    values = {"account": "sara", "name": "s", "roles": ["operator"], "password": PASSWORD[::-1]}
    with pytest.raises(Conflict):
        accounts.add_account(database, administrator, AT, values, must_change=False)


def test_preferences_are_kept_and_checked(database: Database, sara: str) -> None:
    who = _who(database, _sign_in(database)).who
    assert accounts.set_preferences(database, who, AT, {"language": "en"}) == {"language": "en"}
    with pytest.raises(InvalidInput):
        accounts.set_preferences(database, who, AT, {"language": "xx", "colour": "red"})
