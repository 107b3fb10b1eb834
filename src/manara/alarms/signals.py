"""What the alarms room is told: a signal is one cause of trouble, as `wiring.py` makes it of what another room found.

The room knows nothing of causes, cameras or recorders; `kind` is a word of the rationalised table (`kinds.py`).
A signal comes as often as it changes, at least once, perhaps late: `id` and `version` make it idempotent.
"""

from collections.abc import Callable
from typing import Any

import msgspec

EVIDENCE_MAX = 40  # lines kept of a signal's evidence
MEMBERS_MAX = 20_000  # a province in the dark has fewer


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A symptom that the signal explains."""

    id: str
    kind: str
    subject: str
    since_us: int


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """One cause as it is known now. `version` grows with each change (the cause's `changed_us`)."""

    id: str
    version: int
    kind: str
    subject: str  # noun:id
    active: bool
    since_us: int
    ended_us: int | None = None
    site_id: str | None = None
    sector_id: str | None = None
    sector_ids: list[str] = []  # of everything it concerns; empty: the whole program
    camera_ids: list[str] = []
    direct: bool = True
    confidence: float = 1.0
    evidence: list[dict[str, Any]] = []
    members: list[Member] = []
    pictures: dict[str, Any] | None = None
    detail: dict[str, Any] = {}
    absorbed_into: str = ""  # ended only because this larger signal explains it
    exercise: bool = False


# Which console is told: (kind, sector, owner role, skill) → console id, None where nobody sits at one.
Route = Callable[[str, str | None, str, str], str | None]


def no_console(kind: str, sector_id: str | None, owner_role: str, skill: str) -> str | None:
    """The route of a control room that has no consoles: everybody sees everything of their sectors."""
    del kind, sector_id, owner_role, skill
    return None
