"""Alarm load of a console over a span, against the targets of ISA-18.2 and EEMUA 191. Pure: no I/O, no clock.

Counted are annunciations, never what operators do. Slots are ten minutes by the clock (UTC). Where it is known when a
console was manned, only that time counts: an empty chair has no load. A figure without enough behind it is given and
not judged (`met` "unknown"). `load_views.py` reads the rows and asks here; the bad day's test and the screen get the
same figures. Bounds: linear in annunciations and slots; a month of a busy province is 10,000 and 4,464.

Source of targets: ANSI/ISA-18.2-2016 §16, EEMUA 191 3rd ed. App. 12 (`reference/control-room.md`). The time to
acknowledge has no target there; here 90 % within the time that their kind gives.
"""

import math
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

SECOND_US = 1_000_000
SLOT_US = 600 * SECOND_US
DAY_US = 86_400 * SECOND_US
FLOOD_BEGINS_OVER, FLOOD_ENDS_UNDER = 10, 5  # annunciations in the ten minutes before
BUSY_SLOT_OVER = 10
STALE_US = DAY_US
CHATTER_COUNT, CHATTER_US = 3, SLOT_US  # as often within this, from one source
FLEETING_US = 60 * SECOND_US  # gone before a person could do anything
TOP = 10
PRIORITIES = ("critical", "high", "medium", "low")
ENOUGH_ANNUNCIATIONS = 50  # fewer say nothing of shares
ENOUGH_SLOTS = 6

Span = tuple[int, int]
Source = tuple[str, str]  # kind, subject


@dataclass(frozen=True, slots=True)
class Annunciation:
    """An alarm asked for attention. `acknowledged_us`, `returned_us`: what came of it, None while it has not."""

    at_us: int
    source: Source
    priority: str
    acknowledged_us: int | None = None
    returned_us: int | None = None
    respond_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Standing:
    """An alarm in the list from when it was annunciated until it went to normal or was put away (None: still)."""

    alarm_id: str
    source: Source
    from_us: int
    until_us: int | None
    planned: bool = False  # a work order says what is done about it


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure against its target and limit. `met`: target, limit (between the two), missed, or unknown."""

    name: str
    value: float | None
    unit: str
    target: float | None
    limit: float | None
    met: str


@dataclass(frozen=True, slots=True)
class Slot:
    """Ten minutes."""

    at_us: int
    count: int


@dataclass(frozen=True, slots=True)
class Top:
    """A source among the busiest."""

    source: Source
    count: int
    share_pct: float


@dataclass(frozen=True, slots=True)
class Stale:
    """An alarm that has stood for more than a day."""

    alarm_id: str
    source: Source
    since_us: int
    planned: bool


@dataclass(frozen=True, slots=True)
class Load:
    """All figures of a span."""

    from_us: int
    to_us: int
    manned_us: int
    annunciations: int
    figures: list[Figure]
    slots: list[Slot]
    floods: list[Span]
    top: list[Top]
    priorities: dict[str, int]
    chattering: list[Top]
    stale: list[Stale] = field(default_factory=list)


def measure(
    annunciations: Iterable[Annunciation],
    standing: Iterable[Standing],
    from_us: int,
    to_us: int,
    manned: Sequence[Span] | None = None,
    unauthorised: int = 0,
) -> Load:
    """The load of one console in [from, to). `manned`: when somebody sat there, None = always.

    `annunciations` and `standing` may reach beyond the span; what lies outside is left out. `unauthorised` counts
    alarms that were suppressed without anybody's authority.
    """
    told = sorted((a for a in annunciations if from_us <= a.at_us < to_us), key=lambda a: (a.at_us, a.source))
    times = [a.at_us for a in told]
    spans = merge([(from_us, to_us)] if manned is None else manned, from_us, to_us)
    manned_us = sum(end - start for start, end in spans)
    slots = count_slots(times, from_us, to_us, spans)
    floods = flood_spans(times, to_us)
    chattering = _chattering(told)
    stale = _stale(standing, from_us, to_us)
    top = _top(Counter(a.source for a in told), len(told))
    priorities = {name: sum(a.priority == name for a in told) for name in PRIORITIES}
    figures = [
        *_rates(len(told), slots, manned_us, floods),
        *_nuisance(told, chattering, stale),
        *_mix(len(told), priorities, top),
        *_answers(told, to_us),
        _judge("suppressed_without_authority", unauthorised, "", 0, None),
    ]
    return Load(from_us, to_us, manned_us, len(told), figures, slots, floods, top, priorities, chattering, stale.at_end)


def merge(spans: Iterable[Span], from_us: int, to_us: int) -> list[Span]:
    """The spans clipped to [from, to), in order, those that touch made one."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        start, end = max(start, from_us), min(end, to_us)
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def count_slots(times: Sequence[int], from_us: int, to_us: int, spans: Sequence[Span]) -> list[Slot]:
    """Annunciations of each ten minutes by the clock in which somebody sat there or something was annunciated."""
    slots: list[Slot] = []
    for at_us in range(from_us // SLOT_US * SLOT_US, to_us, SLOT_US):
        count = bisect_left(times, at_us + SLOT_US) - bisect_left(times, at_us)
        if count or _touches(spans, at_us, at_us + SLOT_US):
            slots.append(Slot(at_us, count))
    return slots


def _touches(spans: Sequence[Span], start_us: int, end_us: int) -> bool:
    place = bisect_right(spans, (start_us, math.inf)) - 1
    return any(s < end_us and e > start_us for s, e in spans[max(0, place) : place + 2])


def flood_spans(times: Sequence[int], to_us: int) -> list[Span]:
    """Floods: begun by the annunciation that makes more than ten in the ten minutes up to it, ended by the moment at
    which fewer than five lie in the ten minutes before; the last is cut at `to_us`. `times` in order.
    """
    floods: list[Span] = []
    ended_us = 0
    for at_us in times:
        if at_us >= ended_us and _within(times, at_us) > FLOOD_BEGINS_OVER:
            ended_us = _flood_end(times, at_us)
            floods.append((at_us, min(ended_us, to_us)))
    return floods


def _within(times: Sequence[int], at_us: int) -> int:
    """Annunciations in the ten minutes up to and with `at_us`."""
    return bisect_right(times, at_us) - bisect_right(times, at_us - SLOT_US)


def _flood_end(times: Sequence[int], began_us: int) -> int:
    """The window holds fewer only when one leaves it: the first such moment after which fewer than five are left."""
    inside = bisect_right(times, began_us - SLOT_US)
    leaving = (times[place] + SLOT_US for place in range(inside, len(times)))
    return next(at_us for at_us in leaving if _within(times, at_us) < FLOOD_ENDS_UNDER)


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile (`share` 0 to 1); None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


# ---- inside


def _judge(name: str, value: float | None, unit: str, target: float | None, limit: float | None) -> Figure:
    """Less is better."""
    if value is None or (target is None and limit is None):
        met = "unknown"
    elif target is not None and value <= target:
        met = "target"
    else:
        met = "limit" if limit is not None and value <= limit else "missed"
    return Figure(name, value, unit, target, limit, met)


def _below(name: str, value: float | None, unit: str, target: float | None, limit: float | None) -> Figure:
    """As `_judge`, where the standard says "less than"."""
    figure = _judge(name, value, unit, target, limit)
    if value is None:
        return figure
    met = "target" if target is not None and value < target else "limit" if limit is not None and value < limit else ""
    return Figure(name, value, unit, target, limit, met or "missed")


def _unknown(figure: Figure, enough: bool) -> Figure:
    return figure if enough else Figure(figure.name, figure.value, figure.unit, figure.target, figure.limit, "unknown")


def _rates(count: int, slots: Sequence[Slot], manned_us: int, floods: Sequence[Span]) -> list[Figure]:
    enough = manned_us >= ENOUGH_SLOTS * SLOT_US
    average = count / (manned_us / SLOT_US) if manned_us else None
    peak = max((slot.count for slot in slots), default=0)
    busy = 100 * sum(slot.count > BUSY_SLOT_OVER for slot in slots) / len(slots) if slots else None
    flooded_us = sum(end - start for start, end in floods)
    flood = min(100.0, 100 * flooded_us / manned_us) if manned_us else None
    return [
        _unknown(_judge("average_10min", average, "", 1.0, 2.0), enough),
        _judge("peak_10min", peak, "", 10, None),
        _unknown(_below("busy_slots", busy, "%", 1.0, None), enough),
        _unknown(_below("flood_time", flood, "%", 1.0, None), enough),
    ]


@dataclass(frozen=True, slots=True)
class _StaleFound:
    at_end: list[Stale]
    worst_day: int
    unplanned: int


def _stale(standing: Iterable[Standing], from_us: int, to_us: int) -> _StaleFound:
    at_end = []
    days: Counter[int] = Counter()
    for alarm in standing:
        until = to_us if alarm.until_us is None else min(alarm.until_us, to_us)
        first = max(alarm.from_us + STALE_US, from_us)
        # stale strictly after a day: one that returns at the very day has not been
        if first >= until:
            continue
        days.update(range((first - from_us) // DAY_US, (until - 1 - from_us) // DAY_US + 1))
        if until == to_us:
            at_end.append(Stale(alarm.alarm_id, alarm.source, alarm.from_us, alarm.planned))
    at_end.sort(key=lambda s: (s.since_us, s.alarm_id))
    return _StaleFound(at_end, max(days.values(), default=0), sum(not s.planned for s in at_end))


def chattering_spells(times: Sequence[int]) -> int:
    """How many annunciations of one source stand in a run of at least three within ten minutes. `times` in order."""
    in_run = [False] * len(times)
    for place in range(len(times) - CHATTER_COUNT + 1):
        if times[place + CHATTER_COUNT - 1] - times[place] <= CHATTER_US:
            in_run[place : place + CHATTER_COUNT] = [True] * CHATTER_COUNT
    return sum(in_run)


def _chattering(told: Sequence[Annunciation]) -> list[Top]:
    by_source: defaultdict[Source, list[int]] = defaultdict(list)
    for a in told:
        by_source[a.source].append(a.at_us)
    found = {source: chattering_spells(times) for source, times in by_source.items()}
    return _top(Counter({source: count for source, count in found.items() if count}), len(told), most=None)


def fleeting(a: Annunciation) -> bool:
    """True of an alarm that went away before a person could do anything."""
    return a.returned_us is not None and a.returned_us - a.at_us < FLEETING_US


def _nuisance(told: Sequence[Annunciation], chattering: Sequence[Top], stale: _StaleFound) -> list[Figure]:
    return [
        _below_or_zero("stale", stale.worst_day, 5),
        _judge("stale_unplanned", stale.unplanned, "", 0, None),
        _judge("chattering", len(chattering), "", 0, None),
        _judge("fleeting", sum(fleeting(a) for a in told), "", 0, None),
    ]


def _below_or_zero(name: str, value: int, limit: int) -> Figure:
    return Figure(name, value, "", 0, limit, "target" if value == 0 else "limit" if value < limit else "missed")


def _top(counts: Counter[Source], total: int, most: int | None = TOP) -> list[Top]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]
    return [Top(source, count, 100 * count / total if total else 0.0) for source, count in ordered]


def _mix(total: int, priorities: dict[str, int], top: Sequence[Top]) -> list[Figure]:
    enough = total >= ENOUGH_ANNUNCIATIONS
    share = {name: 100 * count / total if total else None for name, count in priorities.items()}
    low = share["low"]
    return [
        _unknown(_judge("top_ten", sum(t.share_pct for t in top) if total else None, "%", 5.0, None), enough),
        _unknown(_below("priority_critical", share["critical"], "%", 1.0, None), enough),
        _unknown(_judge("priority_high", share["high"], "%", 5.0, None), enough),
        _unknown(_judge("priority_medium", share["medium"], "%", 15.0, None), enough),
        _unknown(Figure("priority_low", low, "%", 80.0, None, _at_least(low, 80.0)), enough),
    ]


def _at_least(value: float | None, target: float) -> str:
    return "unknown" if value is None else "target" if value >= target else "missed"


def _answers(told: Sequence[Annunciation], to_us: int) -> list[Figure]:
    waits = [(a.acknowledged_us - a.at_us) / SECOND_US for a in told if a.acknowledged_us is not None]
    # an alarm whose time has passed unanswered is late; one whose time still runs is neither
    timed = [
        a
        for a in told
        if a.respond_s > 0 and (a.acknowledged_us is not None or a.at_us + a.respond_s * SECOND_US < to_us)
    ]
    in_time = sum(
        a.acknowledged_us is not None and a.acknowledged_us - a.at_us <= a.respond_s * SECOND_US for a in timed
    )
    share = 100 * in_time / len(timed) if timed else None
    return [
        Figure("acknowledge_p50", percentile(waits, 0.5), "s", None, None, "unknown"),
        Figure("acknowledge_p90", percentile(waits, 0.9), "s", None, None, "unknown"),
        Figure("acknowledged_in_time", share, "%", 90.0, None, _at_least(share, 90.0)),
    ]
