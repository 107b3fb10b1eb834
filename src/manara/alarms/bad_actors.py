"""The week's bad actors: the sources that cost operators most, each with what would mend it and why. Pure.

A source is a kind of alarm of one thing. Four ways to be bad: it annunciates most, it chatters (three times in ten
minutes), it is fleeting (gone within a minute), it stands for days. The mend is a proposal with the figures behind it;
a person decides. Numbers of the rules: ANSI/ISA-18.2 §16.5 and EEMUA 191 ch. 4 name the means (delay, dead-band,
maintenance, rationalisation); how long a delay must be follows from what was measured. `load_views.py` reads the rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from manara.alarms.load import (
    SECOND_US,
    TOP,
    Annunciation,
    Source,
    Standing,
    chattering_spells,
    fleeting,
    percentile,
)

DELAY_MAX_S = 3600.0
LIST_MAX = 30
MEASURED = frozenset({"battery_low", "cabinet_hot", "link_degraded", "camera_stream_poor"})  # a value against a limit
IGNORED_SHARE = 0.8  # of a source's annunciations went away before anybody acknowledged them
_NICE_S = (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 900, 1200, 1800, 2700, 3600)


@dataclass(frozen=True, slots=True)
class Mend:
    """A proposal. `what`: delay_on, delay_off, dead_band, maintenance, re_prioritise. `value_s`: of a delay.
    `why`: chattering, fleeting, stale, frequent, ignored; `figure`: the number that says so.
    """

    what: str
    why: str
    figure: float
    value_s: float | None = None


@dataclass(frozen=True, slots=True)
class BadActor:
    """A source and what it cost in the span."""

    source: Source
    count: int
    share_pct: float
    chattering: int
    fleeting: int
    unanswered: int
    stale_us: int  # the longest that it stood
    planned: bool
    mends: list[Mend]


def find(
    annunciations: Iterable[Annunciation], standing: Iterable[Standing], to_us: int, stale_after_us: int
) -> list[BadActor]:
    """The worst first: by annunciations, then by how long they stood. At most `LIST_MAX`."""
    told: defaultdict[Source, list[Annunciation]] = defaultdict(list)
    for a in annunciations:
        told[a.source].append(a)
    stood: defaultdict[Source, list[Standing]] = defaultdict(list)
    for s in standing:
        if (to_us if s.until_us is None else s.until_us) - s.from_us > stale_after_us:
            stood[s.source].append(s)
    total = sum(len(some) for some in told.values())
    busiest = {source for source, _ in sorted(told.items(), key=lambda item: (-len(item[1]), item[0]))[:TOP]}
    found = []
    for source in {*told, *stood}:
        actor = _judge(source, sorted(told[source], key=lambda a: a.at_us), stood[source], total, to_us)
        often = source in busiest and actor.count > 1
        if often or actor.chattering or actor.stale_us or actor.fleeting > 1:
            found.append(actor)
    found.sort(key=lambda actor: (-actor.count, -actor.stale_us, actor.source))
    return found[:LIST_MAX]


def _judge(source: Source, told: Sequence[Annunciation], stood: Sequence[Standing], total: int, to_us: int) -> BadActor:
    times = [a.at_us for a in told]
    chattering = chattering_spells(times)
    short = [a for a in told if fleeting(a)]
    unanswered = sum(a.acknowledged_us is None and a.returned_us is not None for a in told)
    stale_us = max(((to_us if s.until_us is None else s.until_us) - s.from_us for s in stood), default=0)
    planned = bool(stood) and all(s.planned for s in stood)
    mends: list[Mend] = []
    if chattering:
        quiet_s = [
            (after.at_us - before.returned_us) / SECOND_US
            for before, after in pairwise(told)
            if before.returned_us is not None and before.returned_us <= after.at_us
        ]
        mends.append(Mend("delay_off", "chattering", chattering, _delay(quiet_s)))
        if source[0] in MEASURED:
            mends.append(Mend("dead_band", "chattering", chattering))
    if len(short) > 1 and len(short) * 2 >= len(told):
        lasted_s = [((a.returned_us or a.at_us) - a.at_us) / SECOND_US for a in short]
        mends.append(Mend("delay_on", "fleeting", len(short), _delay(lasted_s)))
    if stale_us and not planned:
        mends.append(Mend("maintenance", "stale", stale_us / (86_400 * SECOND_US)))
    if len(told) >= 5 and unanswered >= IGNORED_SHARE * len(told):
        mends.append(Mend("re_prioritise", "ignored", 100 * unanswered / len(told)))
    if not mends and len(told) > 1:
        mends.append(Mend("maintenance", "frequent", len(told)))
    share = 100 * len(told) / total if total else 0.0
    return BadActor(source, len(told), share, chattering, len(short), unanswered, stale_us, planned, mends)


def _delay(seconds: Sequence[float]) -> float:
    """A delay that would have spared nine of ten, as people set it; at least 30 s where nothing was measured."""
    wanted = percentile(seconds, 0.9) or 30.0
    return float(next((nice for nice in _NICE_S if nice >= wanted), DELAY_MAX_S))
