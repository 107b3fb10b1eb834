"""Alarm load and bad actors as JSON, from the lives of the alarms. Reads only; the figures are `load.py`'s.

An annunciation belongs to the console it was given to at that moment. It was answered by whoever acknowledged, shelved
or took it out of service before it was annunciated again; it went away by the first return after it. Exercises do not
count. Bounds: spans of at most `SPAN_MAX_US`.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from manara.alarms import bad_actors, kinds, load
from manara.alarms.duty_tables import Shift
from manara.alarms.kind_table import kind_table
from manara.alarms.load import Annunciation, Source, Standing
from manara.alarms.tables import Alarm, AlarmEntry, Suppression
from manara.base.errors import FieldError, InvalidInput

SPAN_MAX_US = 400 * load.DAY_US
_ANSWERS = ("acknowledged", "shelved", "out_of_service")
_ENDS = ("returned", "absorbed", "closed")
_STANDING = ("unacknowledged", "acknowledged", "returned_unacknowledged")
_TOGETHER = 500


def check_span(from_us: int, to_us: int) -> None:
    """Raises `InvalidInput` for a span that is empty, or longer than is answered at once."""
    if from_us < to_us <= from_us + SPAN_MAX_US:
        return
    why = f"must lie after from_us, at most {SPAN_MAX_US // load.DAY_US} days"
    raise InvalidInput("This span is not right.", code="invalid_input", fields=[FieldError("to_us", why)])


def load_of(session: Session, from_us: int, to_us: int, console_id: str = "") -> dict[str, Any]:
    """The load of a console ("": of all together) over a span, each figure with target, limit and whether it is met."""
    check_span(from_us, to_us)
    told = annunciations(session, from_us, to_us, console_id)
    standing = standing_alarms(session, from_us, to_us, console_id)
    manned = manned_spans(session, from_us, to_us, console_id) if console_id else None
    found = load.measure(told, standing, from_us, to_us, manned, unauthorised(session))
    return {
        "from_us": from_us,
        "to_us": to_us,
        "console_id": console_id or None,
        "manned_s": found.manned_us // load.SECOND_US,
        "annunciations": found.annunciations,
        "figures": [asdict(figure) for figure in found.figures],
        "slots": [[slot.at_us, slot.count] for slot in found.slots],
        "floods": [list(span) for span in found.floods],
        "priorities": found.priorities,
        "top": [_top(top) for top in found.top],
        "chattering": [_top(top) for top in found.chattering],
        "stale": [
            {"alarm_id": s.alarm_id, **_source(s.source), "since_us": s.since_us, "planned": s.planned}
            for s in found.stale
        ],
    }


def bad_actors_of(session: Session, from_us: int, to_us: int) -> list[dict[str, Any]]:
    """The sources that cost most in a span, the worst first, each with what would mend it."""
    check_span(from_us, to_us)
    told = annunciations(session, from_us, to_us)
    standing = standing_alarms(session, from_us, to_us)
    table = kind_table(session)
    found = bad_actors.find(told, standing, to_us, load.STALE_US)
    places = _places(session, {actor.source[1] for actor in found})
    answer = []
    for actor in found:
        kind = kinds.of(table, actor.source[0])
        answer.append(
            {
                **_source(actor.source),
                "site_id": places.get(actor.source[1], (None, None))[0],
                "sector_id": places.get(actor.source[1], (None, None))[1],
                "annunciations": actor.count,
                "share_pct": actor.share_pct,
                "chattering": actor.chattering,
                "fleeting": actor.fleeting,
                "unanswered": actor.unanswered,
                "stale_s": actor.stale_us // load.SECOND_US,
                "planned": actor.planned,
                "priority": kind.priority,
                "delay_on_s": kind.delay_on_s,
                "delay_off_s": kind.delay_off_s,
                "mends": [asdict(mend) for mend in actor.mends],
            }
        )
    return answer


def annunciations(session: Session, from_us: int, to_us: int, console_id: str = "") -> list[Annunciation]:
    """What was annunciated in the span, with what came of each."""
    query = select(
        AlarmEntry.alarm_id, AlarmEntry.at_us, AlarmEntry.kind, AlarmEntry.subject, AlarmEntry.priority
    ).where(
        AlarmEntry.annunciated,
        AlarmEntry.at_us >= from_us,
        AlarmEntry.at_us < to_us,
        AlarmEntry.alarm_id.in_(select(Alarm.id).where(Alarm.exercise.is_(False))),
    )
    if console_id:
        query = query.where(AlarmEntry.console_id == console_id)
    rows = session.execute(query.order_by(AlarmEntry.number)).all()
    ids = sorted({row.alarm_id for row in rows})
    answers, ends, again = _times(session, ids)
    table = kind_table(session)
    told = []
    for row in rows:
        next_us = _after(again[row.alarm_id], row.at_us)
        answered_us = _after(answers[row.alarm_id], row.at_us - 1)
        ended_us = _after(ends[row.alarm_id], row.at_us - 1)
        if answered_us is not None and next_us is not None and answered_us > next_us:
            answered_us = None
        told.append(
            Annunciation(
                at_us=row.at_us,
                source=(row.kind, row.subject),
                priority=row.priority,
                acknowledged_us=answered_us,
                returned_us=ended_us,
                respond_s=kinds.of(table, row.kind).respond_s,
            )
        )
    return told


def standing_alarms(session: Session, from_us: int, to_us: int, console_id: str = "") -> list[Standing]:
    """Alarms that may have stood for a day: from their first annunciation until they were put away or closed."""
    query = select(Alarm.id, Alarm.kind, Alarm.subject, Alarm.work_order_id).where(
        Alarm.exercise.is_(False),
        Alarm.group_id.is_(None),
        Alarm.annunciated_us.is_not(None),
        Alarm.since_us <= to_us - load.STALE_US,
        or_(Alarm.closed_us.is_(None), Alarm.closed_us > from_us),
        or_(Alarm.closed_us.is_(None), Alarm.closed_us - Alarm.since_us > load.STALE_US),
    )
    if console_id:
        query = query.where(Alarm.console_id == console_id)
    rows = {row.id: row for row in session.execute(query)}
    standing: list[Standing] = []
    for part in _parts(sorted(rows)):
        entries = session.execute(
            select(AlarmEntry.alarm_id, AlarmEntry.at_us, AlarmEntry.state, AlarmEntry.annunciated)
            .where(AlarmEntry.alarm_id.in_(part), AlarmEntry.at_us < to_us)
            .order_by(AlarmEntry.number)
        )
        lives: defaultdict[str, list[tuple[int, str, bool]]] = defaultdict(list)
        for entry in entries:
            lives[entry.alarm_id].append((entry.at_us, entry.state, entry.annunciated))
        for alarm_id, life in lives.items():
            row = rows[alarm_id]
            source = (row.kind, row.subject)
            standing += [Standing(alarm_id, source, start, end, bool(row.work_order_id)) for start, end in _stood(life)]
    return standing


def _stood(life: Iterable[tuple[int, str, bool]]) -> list[tuple[int, int | None]]:
    """The spans of a life in which it stood in the list, from when somebody was first told."""
    spans: list[tuple[int, int | None]] = []
    since: int | None = None
    told = False
    for at_us, state, annunciated in life:
        told = told or annunciated
        stands = told and state in _STANDING
        if stands and since is None:
            since = at_us
        elif not stands and since is not None:
            spans.append((since, at_us))
            since = None
    if since is not None:
        spans.append((since, None))
    return spans


def manned_spans(session: Session, from_us: int, to_us: int, console_id: str) -> list[load.Span] | None:
    """When somebody sat at a console; None where no shift was ever taken there, so that nothing is known."""
    rows = session.execute(
        select(Shift.started_us, Shift.ended_us).where(
            Shift.console_id == console_id,
            Shift.started_us < to_us,
            or_(Shift.ended_us.is_(None), Shift.ended_us > from_us),
        )
    ).all()
    return [(row.started_us, to_us if row.ended_us is None else row.ended_us) for row in rows] or None


def unauthorised(session: Session) -> int:
    """Open alarms that are hidden without anybody's authority: no person behind a shelf, no suppression in force."""
    rows = session.execute(
        select(Alarm.shelved, Alarm.suppressed, Alarm.out_of_service).where(
            Alarm.closed_us.is_(None), Alarm.state.in_(("shelved", "suppressed_by_design", "out_of_service"))
        )
    ).all()
    in_force = set(session.scalars(select(Suppression.id).where(Suppression.ended_us.is_(None))))
    return sum(
        not (
            (row.shelved or {}).get("by")
            or (row.out_of_service or {}).get("by")
            or (row.suppressed or {}).get("id") in in_force
        )
        for row in rows
    )


# ---- inside

_Times = defaultdict[str, list[int]]


def _times(session: Session, ids: Sequence[str]) -> tuple[_Times, _Times, _Times]:
    """When each alarm was answered, ended, annunciated; in order."""
    answers: _Times = defaultdict(list)
    ends: _Times = defaultdict(list)
    again: _Times = defaultdict(list)
    for part in _parts(ids):
        rows = session.execute(
            select(AlarmEntry.alarm_id, AlarmEntry.at_us, AlarmEntry.what, AlarmEntry.annunciated)
            .where(
                AlarmEntry.alarm_id.in_(part),
                or_(AlarmEntry.annunciated, AlarmEntry.what.in_((*_ANSWERS, *_ENDS))),
            )
            .order_by(AlarmEntry.at_us)
        )
        for row in rows:
            if row.annunciated:
                again[row.alarm_id].append(row.at_us)
            elif row.what in _ANSWERS:
                answers[row.alarm_id].append(row.at_us)
            else:
                ends[row.alarm_id].append(row.at_us)
    return answers, ends, again


def _after(times: Sequence[int], at_us: int) -> int | None:
    place = bisect_right(times, at_us)
    return times[place] if place < len(times) else None


def _parts(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[first : first + _TOGETHER] for first in range(0, len(ids), _TOGETHER))


def _places(session: Session, subjects: set[str]) -> dict[str, tuple[str | None, str | None]]:
    rows = session.execute(
        select(Alarm.subject, Alarm.site_id, Alarm.sector_id).where(Alarm.subject.in_(sorted(subjects)))
    )
    return {row.subject: (row.site_id, row.sector_id) for row in rows}


def _source(source: Source) -> dict[str, str]:
    return {"kind": source[0], "subject": source[1]}


def _top(top: load.Top) -> dict[str, Any]:
    return {**_source(top.source), "count": top.count, "share_pct": top.share_pct}
