"""Which console an alarm belongs to: by sector, by who sits where, by skill. Pure.

An alarm goes to a manned operator's console whose sectors hold it and which has the skill that its kind asks for. Among
several, the one made for it: with the fewest sectors, then the fewest skills, then the fewest open alarms. It stays
where it is for as long as that console is manned and covers it, so that nothing jumps between two people. What no
operator covers goes to the supervisor, at a manned console of theirs where there is one, and is shown as uncovered.
Asked by `duty_actions.py`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

OPERATOR, SUPERVISOR, COMMANDER = "operator", "supervisor", "commander"
ROLES = (OPERATOR, SUPERVISOR, COMMANDER)
_MANY = 1_000_000


@dataclass(frozen=True, slots=True)
class Seat:
    """A console at which somebody sits. `sector_ids` None: every sector, and none; `skills` None: every skill."""

    console_id: str
    code: str
    role: str
    sector_ids: frozenset[str] | None
    skills: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an alarm belongs. `covered` False: no operator's console is for it, the supervisor answers for it."""

    console_id: str | None
    owner_role: str
    covered: bool


def covers(seat: Seat, sector_id: str | None, skill: str) -> bool:
    """True where this seat is for alarms of this sector (None: of no sector) and skill ("": of none in particular)."""
    if seat.sector_ids is not None and sector_id not in seat.sector_ids:
        return False
    return not skill or seat.skills is None or skill in seat.skills


def place(
    seats: Iterable[Seat], sector_id: str | None, skill: str, present: str | None, load: Mapping[str, int]
) -> Placement:
    """The console of an alarm. `present` is the one it has now, `load` the open alarms of each console."""
    able = [seat for seat in seats if covers(seat, sector_id, skill)]
    operators = [seat for seat in able if seat.role == OPERATOR]
    if operators:
        return Placement(_choose(operators, present, load), OPERATOR, True)
    supervisors = [seat for seat in able if seat.role == SUPERVISOR]
    return Placement(_choose(supervisors, present, load) if supervisors else None, SUPERVISOR, False)


def _choose(seats: list[Seat], present: str | None, load: Mapping[str, int]) -> str:
    if any(seat.console_id == present for seat in seats) and present is not None:
        return present

    def fit(seat: Seat) -> tuple[int, int, int, str]:
        sectors = _MANY if seat.sector_ids is None else len(seat.sector_ids)
        skills = _MANY if seat.skills is None else len(seat.skills)
        return sectors, skills, load.get(seat.console_id, 0), seat.code

    return min(seats, key=fit).console_id


def may_sit(roles: Iterable[str], person_sectors: frozenset[str] | None, seat: Seat) -> str:
    """Why somebody may not sit at a console: "" (may), `role` or `sectors` (would be sent what they may not see)."""
    held = set(roles)
    wanted = {OPERATOR: {OPERATOR, SUPERVISOR, COMMANDER}, SUPERVISOR: {SUPERVISOR}, COMMANDER: {COMMANDER}}[seat.role]
    if not held & wanted:
        return "role"
    if person_sectors is None:
        return ""
    if seat.sector_ids is None or not seat.sector_ids <= person_sectors:
        return "sectors"
    return ""
