"""The outbox: messages committed with the state that they tell of, waiting to be put in the journal.

An act that ends writes what it published, all at once; the relay in the control process reads `pending`, publishes in
order, and calls `mark_sent`. A crash between publishing and marking sends again: the journal drops doubles by message
id, handlers are idempotent.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Integer, String, Text, delete, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from manara.messages import Message, encode
from manara.store.base import Base


class OutboxMessage(Base):
    """One message not yet known to be in the journal."""

    __tablename__ = "outbox"

    number: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    message_id: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    payload: Mapped[str] = mapped_column(Text)
    at_us: Mapped[int] = mapped_column(BigInteger)


def row(message: Message, at_us: int) -> dict[str, Any]:
    """A fact as the outbox keeps it."""
    payload = encode(message).decode()
    return {"message_id": message.message_id, "name": type(message).__name__, "payload": payload, "at_us": at_us}


def add(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Enter rows, in their order, by one statement: an import tells of thousands."""
    session.execute(insert(OutboxMessage), rows)


def pending(session: Session, limit: int = 200) -> Sequence[OutboxMessage]:
    """The oldest unsent messages, in the order of their commits."""
    return session.scalars(select(OutboxMessage).order_by(OutboxMessage.number).limit(limit)).all()


def waiting(session: Session) -> tuple[int, int | None]:
    """How many messages wait, and since when (µs) the oldest does."""
    count, oldest = session.execute(select(func.count(), func.min(OutboxMessage.at_us))).one()
    return int(count), oldest


def mark_sent(session: Session, numbers: Sequence[int]) -> None:
    """Forget messages that the journal has acknowledged."""
    session.execute(delete(OutboxMessage).where(OutboxMessage.number.in_(numbers)))
