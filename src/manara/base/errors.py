"""Errors that say what was attempted, for which thing, and what to do next.

Every error a person may see derives from `ManaraError` and carries a stable `code` that the browser translates.
The web layer maps `http_status`; nothing else in the program looks at it.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field of one row of input (`row` is 1-based, None where there is only one record)."""

    field: str
    message: str
    row: int | None = None
    value: str | None = None


@dataclass(eq=False)
class ManaraError(Exception):
    """Base of all errors that are told to a person."""

    message: str
    code: str = "error"
    detail: dict[str, Any] = field(default_factory=dict)
    fields: list[FieldError] = field(default_factory=list)
    http_status = 500

    def __str__(self) -> str:
        parts = [self.message]
        parts += [f"{'' if f.row is None else f'row {f.row}, '}{f.field}: {f.message}" for f in self.fields]
        return "; ".join(parts)


class InvalidInput(ManaraError):
    """The input is wrong; `fields` names every fault found, not the first."""

    http_status = 422


class NotFound(ManaraError):
    """The named thing does not exist, or this person may not know that it does."""

    http_status = 404


class Forbidden(ManaraError):
    """The person is known and may not do this."""

    http_status = 403


class Unauthenticated(ManaraError):
    """Nobody is signed in, or the session has ended."""

    http_status = 401


class Conflict(ManaraError):
    """Somebody else holds or has changed the thing."""

    http_status = 409


class TooMany(ManaraError):
    """A limit was reached; try again later."""

    http_status = 429


class Unavailable(ManaraError):
    """Something that this needs is away (a camera, a disk, the journal)."""

    http_status = 503


class SettingsError(ManaraError):
    """A setting is wrong; the message names file, key and reason."""
