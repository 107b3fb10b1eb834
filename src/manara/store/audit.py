"""The audit log: append-only, hash-chained, written in the same transaction as what it tells of.

Each entry's hash covers its fields and the hash before it, so that a changed, removed or inserted entry breaks the
chain at that place; `verify` names it. The database itself refuses to update or delete entries (triggers). What the
chain alone cannot show is a cut tail: `head` is what a witness outside keeps to prove it. Written by `store.act`.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import DDL, BigInteger, Integer, String, Text, event, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from manara.store.base import Base

GENESIS = "0" * 64


class AuditEntry(Base):
    """One line of the log."""

    __tablename__ = "audit"

    number: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
    )
    at_us: Mapped[int] = mapped_column(BigInteger, index=True)
    account_id: Mapped[str] = mapped_column(String(32), index=True)
    actor_name: Mapped[str] = mapped_column(String(200))
    address: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(80), index=True)
    subject: Mapped[str] = mapped_column(String(200), index=True)
    detail: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(String(64))


APPEND_ONLY_SQLITE = (
    "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit "
    "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit "
    "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
)
APPEND_ONLY_POSTGRESQL = (
    "CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$",
    "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_append_only()",
    "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit EXECUTE FUNCTION audit_append_only()",
)
for _statement in APPEND_ONLY_SQLITE:
    event.listen(AuditEntry.__table__, "after_create", DDL(_statement).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]
for _statement in APPEND_ONLY_POSTGRESQL:
    event.listen(AuditEntry.__table__, "after_create", DDL(_statement).execute_if(dialect="postgresql"))  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found. `broken_number` is the first entry that does not fit, None when all do."""

    entries: int
    head: str
    broken_number: int | None = None
    reason: str = ""

    @property
    def ok(self) -> bool:
        """True where the whole chain fits."""
        return self.broken_number is None


def entry_hash(
    previous: str,
    number: int,
    at_us: int,
    account_id: str,
    name: str,
    address: str,
    action: str,
    subject: str,
    detail: str,
) -> str:
    """SHA-256 (hex) over the previous hash and the entry's fields as a JSON array."""
    body = json.dumps(
        [previous, number, at_us, account_id, name, address, action, subject, detail],
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return hashlib.sha256(body.encode()).hexdigest()


def head(session: Session) -> tuple[int, str]:
    """Number and hash of the last entry; (0, GENESIS) for an empty log."""
    row = session.execute(
        select(AuditEntry.number, AuditEntry.hash).order_by(AuditEntry.number.desc()).limit(1)
    ).one_or_none()
    return (row[0], row[1]) if row else (0, GENESIS)


def append(
    session: Session, account_id: str, name: str, address: str, at_us: int, entries: Sequence[tuple[str, str, str]]
) -> None:
    """Extend the chain by `entries` of (action, subject, detail as JSON). Part of the caller's act: writers queue."""
    number, previous = head(session)
    name, address = name[:200], address[:80]
    rows = []
    for action, subject, detail in entries:
        number += 1
        subject = subject[:200]
        previous = entry_hash(previous, number, at_us, account_id, name, address, action, subject, detail)
        rows.append(
            {
                "number": number,
                "at_us": at_us,
                "account_id": account_id,
                "actor_name": name,
                "address": address,
                "action": action,
                "subject": subject,
                "detail": detail,
                "hash": previous,
            }
        )
    session.execute(insert(AuditEntry), rows)


def verify(session: Session, *, batch: int = 5000) -> Verification:
    """Walk the whole chain and name the first entry that does not fit, if any."""
    number, previous = 0, GENESIS
    while True:
        rows = session.execute(
            select(AuditEntry).where(AuditEntry.number > number).order_by(AuditEntry.number).limit(batch)
        ).scalars()
        seen = False
        for row in rows:
            seen = True
            if row.number != number + 1:
                return Verification(number, previous, number + 1, f"entry {number + 1} is missing")
            expected = entry_hash(
                previous,
                row.number,
                row.at_us,
                row.account_id,
                row.actor_name,
                row.address,
                row.action,
                row.subject,
                row.detail,
            )
            if row.hash != expected:
                return Verification(
                    number, previous, row.number, f"entry {row.number} was changed after it was written"
                )
            number, previous = row.number, row.hash
        if not seen:
            return Verification(number, previous)
        session.expunge_all()
