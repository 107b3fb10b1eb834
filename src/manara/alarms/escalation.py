"""Who must know that nobody has acknowledged an alarm, by clock. Pure: everything follows from the alarm's row.

The operator has the time to respond that the kind gives (`respond_s`); then the supervisor is told, and after as long
again, at least `SECOND_MIN_S`, the commander. There is no third step. A row says how far it has gone (`escalated`), so
a restart neither forgets nor doubles a step; steps that fell due while nothing ran are taken one by one. Asked by
`duty_actions.py`.
"""

from dataclasses import dataclass

from manara.alarms.duty import COMMANDER, OPERATOR, SUPERVISOR

STEPS = (OPERATOR, SUPERVISOR, COMMANDER)  # by number of the step
LAST_STEP = len(STEPS) - 1
SECOND_MIN_S = 120
UNACKNOWLEDGED = "unacknowledged"


@dataclass(frozen=True, slots=True)
class Waiting:
    """An alarm as far as its clock is concerned. `annunciated_us` None: nobody was told yet."""

    state: str
    annunciated_us: int | None
    respond_s: float
    escalated: int
    grouped: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A step that is due."""

    number: int
    role: str
    due_us: int


def due_us(annunciated_us: int, respond_s: float, number: int) -> int:
    """When step `number` (1 or 2) is due."""
    waited_s = respond_s if number == 1 else respond_s + max(respond_s, SECOND_MIN_S)
    return annunciated_us + round(waited_s * 1_000_000)


def due(alarm: Waiting, now_us: int) -> list[Step]:
    """The steps to take now, in order; none for an alarm that somebody has, that ended, or that stands in another."""
    if alarm.state != UNACKNOWLEDGED or alarm.grouped or alarm.annunciated_us is None or alarm.respond_s <= 0:
        return []
    steps = []
    for number in range(alarm.escalated + 1, LAST_STEP + 1):
        at_us = due_us(alarm.annunciated_us, alarm.respond_s, number)
        if at_us > now_us:
            break
        steps.append(Step(number, STEPS[number], at_us))
    return steps


def next_us(alarm: Waiting) -> int | None:
    """When the next step is due, None when none will be."""
    if alarm.state != UNACKNOWLEDGED or alarm.grouped or alarm.annunciated_us is None or alarm.respond_s <= 0:
        return None
    if alarm.escalated >= LAST_STEP:
        return None
    return due_us(alarm.annunciated_us, alarm.respond_s, alarm.escalated + 1)
