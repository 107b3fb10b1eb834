"""The life of one alarm: the state machine of ISA-18.2 (states of `design.md`), pure.

An alarm is `active` while its cause is, whatever a person has said of it. Three marks hide it from the operator's
attention, never from the list: a shelf (a person, with a reason and an end), a suppression by design (a maintenance
window, …) and out of service (a person). They may lie over each other; the state shows the strongest. Leaving the last
of them while active annunciates again. `owed` says that somebody was told and nobody has acknowledged: a return does
not clear it, a suppression keeps it. A latched alarm stays until a person resets it.

Decides nothing about when (`policy.py`) and commits nothing (`actions.py`). Times are µs since 1970 UTC.
Source: ANSI/ISA-18.2-2016 §5.2, figure 3; the latched states E and F are `acknowledged` (or
`returned_unacknowledged`) with `active` false.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from manara.base.errors import Conflict


class State(StrEnum):
    """What an alarm is now."""

    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED_UNACKNOWLEDGED = "returned_unacknowledged"
    SHELVED = "shelved"
    SUPPRESSED_BY_DESIGN = "suppressed_by_design"
    OUT_OF_SERVICE = "out_of_service"


@dataclass(frozen=True, slots=True)
class Shelf:
    """Put aside by a person for a bounded time."""

    by: str  # account id
    by_name: str
    reason: str
    since_us: int
    until_us: int


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Expected, and therefore not annunciated, until a known time."""

    id: str  # of the suppression
    why: str
    until_us: int


@dataclass(frozen=True, slots=True)
class OutOfService:
    """Taken out of service by a person (a thing being rebuilt) until somebody puts it back."""

    by: str
    by_name: str
    reason: str
    since_us: int


@dataclass(frozen=True, slots=True)
class Life:
    """Everything the machine knows of an alarm. `state` follows from the rest."""

    active: bool = False
    owed: bool = False  # a person was told, or must be, and nobody has acknowledged
    latched: bool = False  # the kind wants a reset by a person
    held: bool = False  # a latched alarm that returned and waits for its reset
    shelf: Shelf | None = None
    suppressed: Suppressed | None = None
    out: OutOfService | None = None
    returned_us: int | None = None

    @property
    def state(self) -> State:
        """The state on the screen."""
        if self.out is not None:
            return State.OUT_OF_SERVICE
        if self.suppressed is not None:
            return State.SUPPRESSED_BY_DESIGN
        if self.shelf is not None:
            return State.SHELVED
        if self.active:
            return State.UNACKNOWLEDGED if self.owed else State.ACKNOWLEDGED
        if self.owed:
            return State.RETURNED_UNACKNOWLEDGED
        return State.ACKNOWLEDGED if self.held else State.NORMAL

    @property
    def hidden(self) -> bool:
        """True while a shelf, a suppression or out of service keeps it from being annunciated."""
        return self.out is not None or self.suppressed is not None or self.shelf is not None


class NotAllowed(Conflict):
    """The state does not allow this."""


def raised(life: Life) -> Life:
    """The cause is there (again). Idempotent while active. Under a cover nothing comes to be owed."""
    if life.active:
        return life
    return replace(life, active=True, owed=life.owed or not life.hidden, held=False, returned_us=None)


def returned(life: Life, at_us: int) -> Life:
    """The cause has ended. What nobody acknowledged stays owed; what is latched waits for its reset."""
    if not life.active:
        return life
    return replace(life, active=False, held=life.latched, returned_us=at_us)


def acknowledged(life: Life) -> Life:
    """A person has taken notice. Raises `NotAllowed` where there is nothing to acknowledge."""
    if life.state not in (State.UNACKNOWLEDGED, State.RETURNED_UNACKNOWLEDGED):
        raise NotAllowed(f"An alarm that is {life.state} cannot be acknowledged.", code="alarm_not_unacknowledged")
    return replace(life, owed=False)


def realarmed(life: Life) -> Life:
    """It has become worse: it must be acknowledged anew. Without effect under a cover or while nothing is active."""
    return replace(life, owed=True) if life.active and not life.hidden else life


def shelved(life: Life, shelf: Shelf) -> Life:
    """A person puts it aside. The person has seen it, so nothing stays owed. Raises `NotAllowed`."""
    if life.state is State.NORMAL:
        raise NotAllowed("There is no alarm to shelve.", code="alarm_not_open")
    if life.out is not None:
        raise NotAllowed("An alarm out of service is not shelved as well.", code="alarm_out_of_service")
    if not shelf.by or not shelf.reason.strip() or shelf.until_us <= shelf.since_us:
        raise NotAllowed("A shelf needs who, why and until when.", code="shelf_incomplete")
    return replace(life, shelf=shelf, owed=False)


def unshelved(life: Life) -> Life:
    """Taken off the shelf by a person or the clock. Raises `NotAllowed` where it is not shelved."""
    if life.shelf is None:
        raise NotAllowed("This alarm is not shelved.", code="alarm_not_shelved")
    return _uncovered(replace(life, shelf=None))


def suppressed(life: Life, by: Suppressed) -> Life:
    """A suppression by design covers it (or another one takes its place)."""
    return replace(life, suppressed=by)


def unsuppressed(life: Life) -> Life:
    """The suppression has ended. Raises `NotAllowed` where there is none."""
    if life.suppressed is None:
        raise NotAllowed("This alarm is not suppressed.", code="alarm_not_suppressed")
    return _uncovered(replace(life, suppressed=None))


def taken_out(life: Life, out: OutOfService) -> Life:
    """A person takes it out of service; a shelf ends with that. Raises `NotAllowed`."""
    if life.out is not None:
        raise NotAllowed("This alarm is already out of service.", code="alarm_out_of_service")
    if not out.by or not out.reason.strip():
        raise NotAllowed("Out of service needs who and why.", code="out_of_service_incomplete")
    return replace(life, out=out, shelf=None, owed=False)


def put_in(life: Life) -> Life:
    """Back in service. Raises `NotAllowed` where it was not out."""
    if life.out is None:
        raise NotAllowed("This alarm is in service.", code="alarm_in_service")
    return _uncovered(replace(life, out=None))


def reset(life: Life) -> Life:
    """A person resets a latched alarm whose cause has ended. Raises `NotAllowed` otherwise."""
    if not life.held or life.active or life.owed:
        raise NotAllowed("Only a latched alarm that returned and was acknowledged is reset.", code="alarm_not_latched")
    return replace(life, held=False)


def annunciates(before: Life, after: Life) -> bool:
    """True where a person must be told: it was not asking for attention, and now it is."""
    return after.state is State.UNACKNOWLEDGED and before.state is not State.UNACKNOWLEDGED


def _uncovered(life: Life) -> Life:
    """What lay under the cover comes to light: still active means unacknowledged, whoever had seen it before."""
    return life if life.hidden or not life.active else replace(life, owed=True)
