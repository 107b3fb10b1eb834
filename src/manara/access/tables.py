"""Accounts, sessions and failed sign-ins."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from manara.store.base import Base


class Account(Base):
    """A person who may sign in."""

    __tablename__ = "account"

    id: Mapped[str] = mapped_column(String(12), primary_key=True)
    account: Mapped[str] = mapped_column(String(64), unique=True)  # what is typed at sign-in, lower case
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str] = mapped_column(String(255))  # argon2id
    roles: Mapped[list[str]] = mapped_column(JSON)
    sector_ids: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))  # null: all sectors
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    must_change_password: Mapped[bool] = mapped_column(Boolean, default=False)
    preferences: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_us: Mapped[int] = mapped_column(BigInteger)
    last_sign_in_us: Mapped[int | None] = mapped_column(BigInteger)


class SignInSession(Base):
    """A signed-in browser. Only a hash of its token is kept."""

    __tablename__ = "sign_in_session"

    id: Mapped[str] = mapped_column(String(12), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"), index=True)
    address: Mapped[str] = mapped_column(String(80))
    agent: Mapped[str] = mapped_column(String(200))
    created_us: Mapped[int] = mapped_column(BigInteger)
    last_seen_us: Mapped[int] = mapped_column(BigInteger)
    expires_us: Mapped[int] = mapped_column(BigInteger)
    ended_us: Mapped[int | None] = mapped_column(BigInteger)


class FailedSignIn(Base):
    """A sign-in that failed, kept for the length of the counting window."""

    __tablename__ = "failed_sign_in"

    number: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    account: Mapped[str] = mapped_column(String(64), index=True)
    address: Mapped[str] = mapped_column(String(80), index=True)
    at_us: Mapped[int] = mapped_column(BigInteger)
