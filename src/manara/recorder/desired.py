"""What a bucket asks of a recorder, joined with what the recorder remembers, until the bucket is known to be whole.

An empty journal must not be read as "stop everything, release everything": a bucket that was lost comes back empty and
is filled again by control some seconds later. So control writes the key `BUCKET_WHOLE` last, and until it is there
nothing that was asked for before is taken back. Pure. Used by `role.py` for cameras and for holds.
"""

from collections.abc import Mapping
from typing import Generic, TypeVar

T = TypeVar("T")


class Desired(Generic[T]):
    """The things that are wanted, by key."""

    def __init__(self) -> None:
        self._remembered: dict[str, T] = {}
        self._told: dict[str, T] = {}
        self._marked = False
        self._listed = False

    def remember(self, things: Mapping[str, T]) -> None:
        """What was wanted before this process began."""
        self._remembered = dict(things)

    def put(self, key: str, thing: T) -> None:
        """The bucket asks for this."""
        self._told[key] = thing

    def remove(self, key: str) -> None:
        """The bucket no longer asks for this."""
        self._told.pop(key, None)

    def mark(self, whole: bool) -> None:
        """Control's mark came, or went (the bucket was lost): then what was wanted stays until it is whole again."""
        if self._marked and not whole:
            self._remembered = {**self._remembered, **self._told}
        self._marked = whole

    def listed(self) -> None:
        """Everything that was in the bucket at the beginning has been told."""
        self._listed = True

    @property
    def whole(self) -> bool:
        """True where the bucket alone says what is wanted."""
        return self._marked and self._listed

    def now(self) -> dict[str, T]:
        """What is wanted now."""
        if self.whole:
            self._remembered = {}
            return dict(self._told)
        return {**self._remembered, **self._told}
