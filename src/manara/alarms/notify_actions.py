"""What is told off-screen, written down before it is sent, and what came of it: the changes of the state.

`sweep` compares the alarms with the routes and writes down what is to be told, with its words, before anything is sent:
what is written is not lost, whatever server is away and whenever the program is killed. What was written once is not
written again (`uq_notification_once`). Called by the web's routes and by `notify_sender.py`. Routes themselves are
`notify_routes.py`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from manara.access.who import Who
from manara.alarms import kinds, notify, words
from manara.alarms.duty_tables import Notification, NotificationRoute
from manara.alarms.kind_table import kind_table
from manara.alarms.notify_routes import get_route, get_route_name
from manara.alarms.tables import Alarm
from manara.base.clock import to_us
from manara.base.errors import Conflict, NotFound
from manara.base.ids import new_id
from manara.store.database import Database
from manara.store.secret import SecretBox

RECENT_US = 3600 * 1_000_000  # alarms that closed so long ago are still looked at: that the fault is gone is told too
MARGIN_US = 60 * 1_000_000  # commits may come in another order than their times
KEEP_US = 400 * 86_400 * 1_000_000
TEXT_MAX = 1000
NamesOf = Callable[[Session], words.Names]


# ---- the log


def notification_view(row: Notification, route_name: str) -> dict[str, Any]:
    """A notification as JSON."""
    return {
        "id": row.id,
        "route_id": row.route_id,
        "route_name": route_name,
        "alarm_id": row.alarm_id or None,
        "occasion": row.occasion,
        "priority": row.priority,
        "subject": row.subject,
        "state": row.state,
        "cause": row.cause,
        "attempts": row.attempts,
        "next_us": row.next_us if row.state == "waiting" else None,
        "created_us": row.created_us,
        "sent_us": row.sent_us,
        "receipt": row.receipt,
        "error": row.error,
    }


def notifications(
    session: Session, *, limit: int = 200, state: str = "", route_id: str = "", alarm_id: str = ""
) -> list[dict[str, Any]]:
    """The newest notifications."""
    query = (
        select(Notification, NotificationRoute.name)
        .join(NotificationRoute, NotificationRoute.id == Notification.route_id)
        .order_by(Notification.created_us.desc(), Notification.id)
        .limit(limit)
    )
    for column, value in (
        (Notification.state, state),
        (Notification.route_id, route_id),
        (Notification.alarm_id, alarm_id),
    ):
        if value:
            query = query.where(column == value)
    return [notification_view(row, name) for row, name in session.execute(query)]


def send_again(database: Database, who: Who, at: datetime, notification_id: str) -> dict[str, Any]:
    """Try once more what was given up. It keeps its id, so that who has it already knows."""
    with database.act(who, at) as act:
        row = act.session.get(Notification, notification_id)
        if row is None:
            raise NotFound("There is no such notification.", code="notification_not_found")
        if row.state != "failed":
            raise Conflict("Only what was given up is sent again.", code="notification_not_failed")
        row.state, row.next_us = "waiting", act.at_us
        act.audit("notification:send_again", subject=row.id)
        return notification_view(row, get_route_name(act.session, row.route_id))


def undelivered(session: Session) -> int:
    """How many wait after a try that failed."""
    count = select(func.count()).select_from(Notification)
    return session.scalar(count.where(Notification.state == "waiting", Notification.attempts > 0)) or 0


def write_test(database: Database, who: Who, at: datetime, route_id: str) -> dict[str, Any]:
    """Write down a message that says it is a test; it goes the way of all others."""
    with database.act(who, at) as act:
        row = get_route(act.session, route_id)
        if not row.enabled:
            raise Conflict("This route is switched off.", code="route_off")
        arabic = row.language == "ar"
        subject = "[تجربة] إشعار من منارة" if arabic else "[TEST] Notification from Manara"
        body = "هذه رسالة تجربة، لا إنذار وراءها." if arabic else "This is a test message; there is no alarm behind it."
        made = _new(row, "", "test", act.at_us, "low", None, words.Message(subject, [subject, "", body]), {}, act.at_us)
        act.session.add(made)
        act.session.flush()
        act.audit("notification_route:test", subject=row.id)
        return notification_view(made, row.name)


# ---- what is to be told


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did. `watermark_us` goes into the next one."""

    written: int
    withdrawn: int
    watermark_us: int


def sweep(database: Database, who: Who, at: datetime, names_of: NamesOf, zone: tzinfo, watermark_us: int = 0) -> Swept:
    """Write down what routes are to be told of alarms that changed since the watermark (0: look at all of them)."""
    now_us = to_us(at)
    watermark_us = max(0, min(watermark_us, now_us - MARGIN_US))  # a clock that was set back hides nothing
    with database.read() as session:
        rows = session.scalars(
            select(NotificationRoute).where(NotificationRoute.enabled, NotificationRoute.removed_us.is_(None))
        ).all()
        if not rows:
            return Swept(0, 0, 0)  # the first route begins with a look at all
        found = _changed(session, now_us, watermark_us)
        reached_us = max((alarm.changed_us for alarm in found), default=watermark_us + MARGIN_US) - MARGIN_US
        new, ended = _due(session, rows, found, now_us, names_of(session), zone)
    if new or ended:
        with database.act(who, at) as act:
            act.session.add_all(new)
            for notification_id in ended:
                act.session.execute(
                    update(Notification)
                    .where(Notification.id == notification_id, Notification.state == "waiting")
                    .values(state="withdrawn", cause="ended")
                )
    return Swept(len(new), len(ended), max(0, reached_us))


def _changed(session: Session, now_us: int, watermark_us: int) -> Sequence[Alarm]:
    return session.scalars(
        select(Alarm).where(
            Alarm.changed_us >= watermark_us,
            Alarm.group_id.is_(None),
            Alarm.annunciated_us.is_not(None),
            or_(Alarm.closed_us.is_(None), Alarm.closed_us > now_us - RECENT_US),
        )
    ).all()


def _due(
    session: Session,
    rows: Sequence[NotificationRoute],
    alarms: Sequence[Alarm],
    now_us: int,
    names: words.Names,
    zone: tzinfo,
) -> tuple[list[Notification], list[str]]:
    """New notifications, and the ids of those that became needless while they waited."""
    table = kind_table(session)
    known = _known(session, [alarm.id for alarm in alarms])
    new: list[Notification] = []
    needless: list[str] = []
    for alarm in alarms:
        kind = kinds.of(table, alarm.kind)
        subject = notify.Subject(
            id=alarm.id,
            kind=alarm.kind,
            priority=alarm.priority,
            sector_ids=frozenset(alarm.sector_ids) | ({alarm.sector_id} if alarm.sector_id else set()),
            annunciated_us=alarm.annunciated_us,
            respond_s=kind.respond_s,
            escalated=alarm.escalated,
        )
        told_us = alarm.annunciated_us or 0
        for row in rows:
            route = _as_route(row)
            told = known.get((row.id, alarm.id, told_us), {})
            first = next((n for occasion, n in told.items() if occasion != "ended"), None)
            if first is None:
                occasion = notify.wants(route, subject)
                if occasion and not (alarm.closed_us and alarm.exercise):
                    new.append(_write(row, route, alarm, kind, occasion, now_us, names, zone))
            elif not alarm.active:
                if first.state == "waiting" and first.cause == "quiet" and not first.attempts:
                    needless.append(first.id)
                elif route.tell_end and first.state != "withdrawn" and "ended" not in told:
                    new.append(_write(row, route, alarm, kind, "ended", now_us, names, zone))
    return new, needless


def _known(session: Session, alarm_ids: Sequence[str]) -> dict[tuple[str, str, int], dict[str, Notification]]:
    """What was written before, by route, alarm and annunciation."""
    known: dict[tuple[str, str, int], dict[str, Notification]] = {}
    for first in range(0, len(alarm_ids), 500):
        found = session.scalars(select(Notification).where(Notification.alarm_id.in_(alarm_ids[first : first + 500])))
        for row in found:
            known.setdefault((row.route_id, row.alarm_id, row.occasion_us), {})[row.occasion] = row
    return known


def _write(
    row: NotificationRoute,
    route: notify.Route,
    alarm: Alarm,
    kind: kinds.Kind,
    occasion: str,
    now_us: int,
    names: words.Names,
    zone: tzinfo,
) -> Notification:
    told = words.Told(
        kind=alarm.kind,
        subject=alarm.subject,
        priority=alarm.priority,
        since_us=alarm.since_us,
        occasion=occasion,
        sector_id=alarm.sector_id,
        cameras=len(alarm.camera_ids),
        grouped=alarm.grouped_count,
        direct=alarm.direct,
        exercise=alarm.exercise,
        evidence=alarm.evidence,
        consequence=kind.consequence_ar if row.language == "ar" else kind.consequence_en,
        advice=kind.advice_ar if row.language == "ar" else kind.advice_en,
    )
    message = words.compose(told, row.language, names, zone)
    named = names(alarm.subject)
    payload = {
        "alarm": {
            "id": alarm.id,
            "kind": alarm.kind,
            "priority": alarm.priority,
            "state": alarm.state,
            "subject": alarm.subject,
            "code": named.code if named else "",
            "site_id": alarm.site_id,
            "sector_id": alarm.sector_id,
            "since_us": alarm.since_us,
            "annunciated_us": alarm.annunciated_us,
            "escalated": alarm.escalated,
            "cameras": len(alarm.camera_ids),
            "exercise": alarm.exercise,
        }
    }
    quiet_us = notify.quiet_until_us(route, alarm.priority, now_us, zone)
    made = _new(
        row, alarm.id, occasion, alarm.annunciated_us or 0, alarm.priority, alarm.sector_id, message, payload, now_us
    )
    if alarm.exercise:  # no drill touches the world outside
        made.state, made.cause = "withdrawn", "exercise"
    elif quiet_us is not None:
        made.next_us, made.cause = quiet_us, "quiet"
    return made


def _new(
    row: NotificationRoute,
    alarm_id: str,
    occasion: str,
    occasion_us: int,
    priority: str,
    sector_id: str | None,
    message: words.Message,
    payload: dict[str, Any],
    now_us: int,
) -> Notification:
    return Notification(
        id=new_id(),
        route_id=row.id,
        alarm_id=alarm_id,
        occasion=occasion,
        occasion_us=occasion_us,
        priority=priority,
        sector_id=sector_id,
        subject=message.title,
        body=message.body,
        payload=payload,
        state="waiting",
        cause="",
        attempts=0,
        next_us=now_us,
        created_us=now_us,
        sent_us=None,
        receipt="",
        error="",
    )


# ---- sending, as `notify_sender.py` sees it


@dataclass(frozen=True, slots=True)
class Letter:
    """One notification on its way."""

    id: str
    route_id: str
    channel: str
    address: str
    secret: str
    language: str
    occasion: str
    subject: str
    body: str
    payload: dict[str, Any]
    attempts: int
    created_us: int


def due_letters(session: Session, box: SecretBox, now_us: int, limit: int = 200) -> dict[str, list[Letter]]:
    """What is to be sent now, the oldest first, by route."""
    rows = session.execute(
        select(Notification, NotificationRoute)
        .join(NotificationRoute, NotificationRoute.id == Notification.route_id)
        .where(Notification.state == "waiting", Notification.next_us <= now_us)
        .order_by(Notification.created_us, Notification.occasion_us, Notification.id)
        .limit(limit)
    )
    letters: dict[str, list[Letter]] = {}
    for row, route in rows:
        letters.setdefault(route.id, []).append(
            Letter(
                id=row.id,
                route_id=route.id,
                channel=route.channel,
                address=route.address,
                secret=box.open(route.secret_sealed),
                language=route.language,
                occasion=row.occasion,
                subject=row.subject,
                body=row.body,
                payload=row.payload,
                attempts=row.attempts,
                created_us=row.created_us,
            )
        )
    return letters


def note_sent(database: Database, who: Who, at: datetime, letter: Letter, receipt: str) -> None:
    """The other side has it, and said so."""
    with database.act(who, at) as act:
        row = act.session.get(Notification, letter.id)
        if row is not None:
            row.state, row.cause, row.sent_us = "sent", "", act.at_us
            row.attempts, row.receipt, row.error = letter.attempts + 1, receipt[:TEXT_MAX], ""


def note_failed(database: Database, who: Who, at: datetime, letter: Letter, error: str, refused: bool) -> str:
    """A try failed: wait and try again, or give up after a day. Returns the state that it has now."""
    with database.act(who, at) as act:
        row = act.session.get(Notification, letter.id)
        if row is None or row.state != "waiting":  # withdrawn meanwhile
            return "" if row is None else row.state
        row.attempts, row.error, row.cause = letter.attempts + 1, error[:TEXT_MAX], ""
        if act.at_us - row.created_us >= notify.GIVE_UP_US:
            row.state = "failed"
        next_us = row.next_us = act.at_us + round(notify.backoff_s(row.attempts, refused) * 1_000_000)
        if not refused:  # the way is closed: what else waits for it waits as long, or each would knock by itself
            act.session.execute(
                update(Notification)
                .where(
                    Notification.route_id == row.route_id,
                    Notification.state == "waiting",
                    Notification.next_us < next_us,
                )
                .values(next_us=next_us)
            )
        return row.state


def purge(database: Database, who: Who, at: datetime) -> int:
    """Forget what was settled more than `KEEP_US` ago; returns how many."""
    with database.act(who, at) as act:
        gone = act.session.execute(
            delete(Notification).where(Notification.created_us < act.at_us - KEEP_US, Notification.state != "waiting")
        )
        return int(gone.rowcount)  # type: ignore[attr-defined]


# ---- inside


def _as_route(row: NotificationRoute) -> notify.Route:
    def some(values: Iterable[str] | None) -> frozenset[str] | None:
        return None if values is None else frozenset(values)

    return notify.Route(
        id=row.id,
        channel=row.channel,
        priorities=frozenset(row.priorities),
        sector_ids=some(row.sector_ids),
        kinds=some(row.kinds),
        escalated_min=row.escalated_min,
        tell_end=row.tell_end,
        quiet_from_min=row.quiet_from_min,
        quiet_until_min=row.quiet_until_min,
        since_us=row.since_us,
    )
