"""Two people change one thing: the first is not written over, and the second is told (`Conflict`, `changed_meanwhile`).

A row's `changed_us` is what its forms were filled in upon, and comes back with the change. Called by `actions.py`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy.exc import IntegrityError

from manara.base.errors import Conflict
from manara.store.act import Act

_WORDS = "{by} changed this meanwhile; look again."


class Changing(Protocol):
    """A row, or a view of one, that says when it was last changed."""

    @property
    def changed_us(self) -> int: ...


def unchanged(row: Changing, seen_us: Any, by: str = "Somebody") -> None:
    """Raise `Conflict` where the row is no longer what a person saw at `seen_us`; None: they do not say. `by`: who
    changed it last, where the row knows."""
    if seen_us is not None and seen_us != row.changed_us:
        raise Conflict(_WORDS.format(by=by), code="changed_meanwhile", detail={"changed_us": row.changed_us})


def mark_changed(act: Act, row: Any) -> None:
    """The row changes now: later than whatever anybody saw, also where the clock was set back."""
    row.changed_us = max(act.at_us, row.changed_us + 1)


@contextmanager
def first_come() -> Iterator[None]:
    """What the database's own rules refuse within, somebody else did first: raises `Conflict`."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict(_WORDS.format(by="Somebody"), code="changed_meanwhile") from error


def flush(act: Act) -> None:
    """Write now what the act has changed. Raises `Conflict` where somebody was first."""
    with first_come():
        act.session.flush()
