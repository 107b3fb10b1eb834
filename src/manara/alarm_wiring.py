"""The part of the table that is alarms: causes → signals → alarms → screens, and the clock of the alarms room.

    cause (health) ─► Signal ─► alarms.actions.take_signals ─► alarm ─► hub
    RoleRestarted, a stuck handler ─► Signal ─┘        each second: alarms.actions.tick ─┘

A `CauseChanged` only wakes the reading: causes are read from the state, each 2 s also without being told, so a dead
journal delays no alarm. What changed is shown straight from the state for the same reason. At the start, and each 30 s
again, everything is reconciled: open causes are taken, signals whose cause is gone have ended. Owned by
`wiring.Wiring`; decides nothing.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from anyio.to_thread import run_sync
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from manara import messages
from manara.access.who import Who
from manara.alarms import actions, kind_table, suppressing, views
from manara.alarms.room import SECOND_US, rules_of
from manara.alarms.signals import MEMBERS_MAX, Member, Route, Signal, no_console
from manara.alarms.tables import Alarm, AlarmSignal, Suppression
from manara.base.clock import Clock, to_datetime
from manara.base.errors import ManaraError
from manara.base.forever import forever
from manara.network.health import views as health
from manara.network.health.tables import CauseRow
from manara.network.tables import Camera, GuardTour, Site
from manara.settings import Alarms
from manara.store.database import Database
from manara.store.journal import Stuck
from manara.web.live import Hub

log = logging.getLogger(__name__)

PROGRAM = Who.system("alarms")
READ_S, TICK_S = 2.0, 1.0
RECONCILE_S = 30.0
LOOK_BACK_US = 10 * SECOND_US  # another process' commit may come to light after a later one of ours
BATCH = 1000
FORGET_EACH_S = 60.0
OWN = "program:"  # ids of the program's own signals
RESTARTS_MANY, RESTARTS_WITHIN_US = 2, 600 * SECOND_US
TOUR_SOURCE, TOUR_SPAN_US, TOUR_RENEW_US = "ptz_tour", 2 * 3600 * SECOND_US, 3600 * SECOND_US
TOUR_KINDS = ["camera_moved"]
TOUR_REASON = "كاميرات متحركة في جولة · PTZ cameras on tour"


class AlarmWiring:
    """Feeds the alarms room and shows what it says. `failures` counts rounds that went wrong and were tried again."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        hub: Hub,
        settings: Alarms | None = None,
        route: Route = no_console,
        stuck: Mapping[str, Stuck] | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._hub = hub
        self._rules = rules_of(settings or Alarms())
        self._route = route
        self._stuck = stuck if stuck is not None else {}
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()  # judging and the clock take turns
        self._read_us = 0  # causes that changed before this were taken
        self._shown_us = 0  # alarms that changed before this are shown
        self._taken: dict[str, int] = {}  # cause id → version, of what is open and of the look-back
        self._named: set[str] = set()  # causes of which a fact told: read whatever the clocks say
        self._reconciled_s: float | None = None
        self._restarts: dict[str, deque[int]] = {}
        self._own: dict[str, Signal] = {}
        self._untold: list[Signal] = []  # of the program's own, until they were taken
        self._suppressions: frozenset[tuple[str, int]] | None = None  # as they were when alarms were last judged
        self._forgot_s = 0.0
        self.failures = 0

    @property
    def handlers(self) -> dict[type[messages.Message], Callable[[Any], Any]]:
        """What to do with which fact."""
        return {
            messages.CauseChanged: self._cause_changed,
            messages.RoleRestarted: self._role_restarted,
            messages.AlarmKindChanged: self._kind_changed,
            messages.SuppressionChanged: self._suppression_changed,
        }

    def read_all(self, session: Session) -> dict[str, list[dict[str, Any]]]:
        """Everything that the hub shows of alarms."""
        now_us = self._clock.wall_us()
        self._shown_us = now_us - LOOK_BACK_US
        return {
            "alarm": views.shown(session, now_us),
            "alarm_kind": kind_table.listing(session),
            "suppression": views.suppressions(session),
        }

    def start(self) -> list[asyncio.Task[None]]:
        """Reconcile, then follow causes and the clock for ever."""
        return [
            asyncio.create_task(forever("causes to alarms", self._follow)),
            asyncio.create_task(forever("clock of alarms", self._keep_time)),
        ]

    async def judge(self) -> None:
        """Take what changed since the last look; the first time, everything that is open."""
        async with self._turn:
            await run_sync(self._judge)
        await self._show_changed()

    async def tick(self) -> None:
        """One second of the clock."""
        async with self._turn:
            await run_sync(self._tick)
        await self._show_changed()

    # ---- facts

    async def _cause_changed(self, fact: messages.CauseChanged) -> None:
        self._named.add(fact.cause_id)  # read from the state, many at once
        self._wake.set()

    async def _role_restarted(self, fact: messages.RoleRestarted) -> None:
        times = self._restarts.setdefault(fact.role, deque(maxlen=16))
        if fact.at_us not in times:
            times.append(fact.at_us)
        self._wake.set()

    async def alarms_changed(self, facts: Sequence[messages.AlarmChanged]) -> None:
        """Show alarms as they are now; some hundred at most."""
        ids = {fact.alarm_id for fact in facts}

        def read() -> list[dict[str, Any]]:
            with self._database.read() as session:
                return [views.alarm_view(row) for row in session.scalars(select(Alarm).where(Alarm.id.in_(ids)))]

        for value in await run_sync(read):
            self._show_alarm(value)

    async def _kind_changed(self, fact: messages.AlarmKindChanged) -> None:
        def read() -> dict[str, Any]:
            with self._database.read() as session:
                return kind_table.one(session, fact.kind)

        self._hub.put("alarm_kind", fact.kind, await run_sync(read))

    async def _suppression_changed(self, fact: messages.SuppressionChanged) -> None:
        def read() -> dict[str, Any] | None:
            with self._database.read() as session:
                row = session.get(Suppression, fact.suppression_id)
                return None if row is None or row.ended_us is not None else views.suppression_view(row)

        value = await run_sync(read)
        if value is None:
            self._hub.delete("suppression", fact.suppression_id)
        else:
            self._hub.put("suppression", fact.suppression_id, value)

    # ---- loops

    async def _follow(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self.judge()
            except (ManaraError, SQLAlchemyError) as error:
                self._failed("causes cannot be judged", error)
                await asyncio.sleep(TICK_S)
                continue
            try:
                async with asyncio.timeout(READ_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _keep_time(self) -> None:
        while True:
            try:
                await self.tick()
            except (ManaraError, SQLAlchemyError) as error:
                self._failed("the clock of alarms waits", error)
            await asyncio.sleep(TICK_S)

    def _failed(self, what: str, error: Exception) -> None:
        self.failures += 1
        if self.failures % 60 == 1:
            log.error(what, extra={"reason": repr(error)[:300], "failures": self.failures})

    # ---- judging, in a thread

    def _judge(self) -> None:
        at = self._now()
        self._untold += self._own_signals()
        signals = list(self._untold)
        named = set(self._named)
        now_s = self._clock.monotonic_s()
        self._read_us = min(self._read_us, self._clock.wall_us())  # set back: what changes from now on looks old
        whole = self._reconciled_s is None or now_s - self._reconciled_s >= RECONCILE_S
        with self._database.read() as session:
            since_us = self._read_us - LOOK_BACK_US
            causes = health.causes_changed_since(session, since_us, BATCH, self._taken) if self._read_us else []
            if len(causes) == BATCH:
                self._wake.set()
            newest_us = max((cause["changed_us"] for cause in causes), default=0)
            open_ids: set[str] = set()
            if whole:  # also what a clock that was set back has hidden from the mark
                open_causes = health.open_causes(session)
                open_ids = {cause["id"] for cause in open_causes}
                causes += open_causes + self._ended_meanwhile(session)
                signals += self._gone(session)
                newest_us = session.scalar(select(func.max(CauseRow.changed_us))) or 0
            causes += [cause for id in sorted(named) if (cause := health.cause(session, id)) is not None]
            fresh = {cause["id"]: cause for cause in causes if self._taken.get(cause["id"]) != cause["changed_us"]}
            signals += _ended_at_last(session, signals_of(session, list(fresh.values())))
        refused = self._take(at, signals)
        self._untold = [signal for signal in self._untold if signal.id in refused]
        self._named -= named
        self._taken.update({id: cause["changed_us"] for id, cause in fresh.items() if id not in refused})
        self._read_us = max(self._read_us, newest_us, 1)
        if whole:
            self._reconciled_s = now_s
            oldest_us = self._read_us - 2 * LOOK_BACK_US
            self._taken = {id: at_us for id, at_us in self._taken.items() if id in open_ids or at_us >= oldest_us}

    def _take(self, at: datetime, signals: Sequence[Signal]) -> set[str]:
        """Hand signals in; returns the ids of those that the room cannot take: one must not keep back all others."""
        refused: set[str] = set()
        if not signals:
            return refused
        try:
            actions.take_signals(self._database, at, signals, self._rules, self._route)
        except (ManaraError, SQLAlchemyError):
            raise  # the state is away: all of them later
        except Exception:
            log.exception("signals are taken one by one", extra={"signals": len(signals)})
            for signal in signals:
                try:
                    actions.take_signal(self._database, at, signal, self._rules, self._route)
                except (ManaraError, SQLAlchemyError):
                    raise
                except Exception as error:  # noqa: BLE001 - told, counted, tried again while it stands
                    refused.add(signal.id)
                    self._failed(f"signal {signal.id} cannot be taken", error)
        return refused

    def _ended_meanwhile(self, session: Session) -> list[dict[str, Any]]:
        """Causes that ended, or came and went, while nobody judged."""
        mark_us = session.scalar(
            select(func.max(AlarmSignal.version)).where(
                AlarmSignal.member_id == "", AlarmSignal.signal_id.not_like(OWN + "%")
            )
        )
        if mark_us is None:
            return []
        live = select(AlarmSignal.signal_id).where(AlarmSignal.member_id == "", AlarmSignal.ended_us.is_(None))
        rows = session.scalars(
            select(CauseRow).where(
                CauseRow.closed_us.is_not(None),
                (CauseRow.changed_us >= mark_us - LOOK_BACK_US) | CauseRow.id.in_(live),
            )
        )
        return [health.cause_view(row) for row in rows]

    def _gone(self, session: Session) -> list[Signal]:
        """Signals that are still active in the account, and that nothing stands behind any more."""
        rows = session.scalars(
            select(AlarmSignal).where(
                AlarmSignal.member_id == "",
                AlarmSignal.ended_us.is_(None),
                AlarmSignal.signal_id.not_in(select(CauseRow.id)),
            )
        )
        return [
            Signal(
                id=row.signal_id,
                version=row.version + 1,
                kind=row.kind,
                subject=row.subject,
                active=False,
                since_us=row.since_us,
                ended_us=self._clock.wall_us(),
                site_id=row.site_id,
                sector_id=row.sector_id,
                exercise=row.exercise,
            )
            for row in rows
            if row.signal_id not in self._own
        ]

    def _own_signals(self) -> list[Signal]:
        """What the program has to say of itself: roles that keep dying, facts that nobody can handle."""
        now_us = self._clock.wall_us()
        present: dict[str, tuple[str, str, int, dict[str, Any]]] = {}
        for role, times in self._restarts.items():
            late = [at_us for at_us in times if at_us > now_us - RESTARTS_WITHIN_US]
            if len(late) >= RESTARTS_MANY:
                detail = {"restarts": len(late)}
                present[f"{OWN}role:{role}"[:40]] = ("role_restarting", f"role:{role}", min(late), detail)
        if self._stuck:
            first = next(iter(self._stuck.values()))
            words: dict[str, Any] = {"facts": len(self._stuck), "fact": type(first.message).__name__}
            words |= {"tries": first.tries, "reason": repr(first.error)[:200]}
            since_us = self._own[f"{OWN}stuck"].since_us if f"{OWN}stuck" in self._own else now_us
            present[f"{OWN}stuck"] = ("handler_stuck", "role:control", since_us, words)
        changed: list[Signal] = []
        for id, (kind, subject, since_us, detail) in present.items():
            before = self._own.get(id)
            if before is None or before.detail.get("restarts") != detail.get("restarts"):
                self._own[id] = Signal(
                    id=id, version=now_us, kind=kind, subject=subject, active=True, since_us=since_us, detail=detail
                )
                changed.append(self._own[id])
        for id in self._own.keys() - present.keys():
            before = self._own.pop(id)
            changed.append(
                Signal(
                    id=id,
                    version=max(now_us, before.version + 1),
                    kind=before.kind,
                    subject=before.subject,
                    active=False,
                    since_us=before.since_us,
                    ended_us=now_us,
                    detail=before.detail,
                )
            )
        return changed

    def _tick(self) -> None:
        at = self._now()
        self._keep_tours(at)
        with self._database.read() as session:
            in_force = select(Suppression.id, Suppression.changed_us).where(Suppression.ended_us.is_(None))
            present = frozenset((row.id, row.changed_us) for row in session.execute(in_force))
        if present != self._suppressions:  # whoever changed one: what it covers is judged at once
            actions.reconsider(self._database, at, self._rules, self._route)
            self._suppressions = present
        else:
            actions.tick(self._database, at, self._rules, self._route)

    def _keep_tours(self, at: datetime) -> None:
        """A PTZ camera on tour turns away by design: that stands in a suppression that everybody sees."""
        now_us = self._clock.wall_us()
        with self._database.read() as session:
            on_tour = sorted(set(session.scalars(select(GuardTour.camera_id).where(GuardTour.running))))
            present = session.scalar(
                select(Suppression).where(Suppression.source == TOUR_SOURCE, Suppression.ended_us.is_(None))
            )
        if not on_tour:
            if present is not None:
                suppressing.keep(self._database, PROGRAM, at, TOUR_SOURCE, None)
            return
        fresh = present is not None and present.until_us - now_us > TOUR_RENEW_US
        if fresh and present is not None and present.camera_ids == on_tour:
            return
        values = {
            "kind": "ptz_tour",
            "reason": TOUR_REASON,
            "camera_ids": on_tour,
            "kinds": TOUR_KINDS,
            "from_us": now_us if present is None else present.from_us,
            "until_us": now_us + TOUR_SPAN_US,
        }
        suppressing.keep(self._database, PROGRAM, at, TOUR_SOURCE, values)

    # ---- showing

    async def _show_changed(self) -> None:
        def read() -> list[dict[str, Any]]:
            with self._database.read() as session:
                rows = session.scalars(select(Alarm).where(Alarm.changed_us >= self._shown_us))
                return [views.alarm_view(row) for row in rows]

        now_us = self._clock.wall_us()
        for value in await run_sync(read):
            self._show_alarm(value)
        self._shown_us = now_us - LOOK_BACK_US
        now_s = self._clock.monotonic_s()
        if now_s - self._forgot_s >= FORGET_EACH_S:
            self._forgot_s = now_s
            await self._forget()

    def _show_alarm(self, value: dict[str, Any]) -> None:
        closed_us = value["closed_us"]
        if closed_us is not None and closed_us < self._clock.wall_us() - views.SHOWN_AFTER_US:
            self._hub.delete("alarm", value["id"])
        else:
            self._hub.put("alarm", value["id"], value)

    async def _forget(self) -> None:
        """Alarms closed more than an hour ago leave the screens; alarms and suppressions are shown as they are."""

        def read() -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
            with self._database.read() as session:
                alarms = {value["id"]: value for value in views.shown(session, self._clock.wall_us())}
                return alarms, {value["id"]: value for value in views.suppressions(session)}

        alarms, suppressions = await run_sync(read)
        self._hub.replace("alarm", alarms)  # also what a commit that took long has hidden from the look-back
        self._hub.replace("suppression", suppressions)

    def _now(self) -> datetime:
        return to_datetime(self._clock.wall_us())


def _ended_at_last(session: Session, signals: Sequence[Signal]) -> list[Signal]:
    """An end counts whatever clock stamped it: one that was set back makes it look older than its beginning."""
    ended = [signal.id for signal in signals if not signal.active]
    live: dict[str, int] = {}
    for first in range(0, len(ended), BATCH):
        query = select(AlarmSignal.signal_id, AlarmSignal.version).where(
            AlarmSignal.signal_id.in_(ended[first : first + BATCH]),
            AlarmSignal.member_id == "",
            AlarmSignal.ended_us.is_(None),
        )
        live.update({row.signal_id: row.version for row in session.execute(query)})
    return [
        msgspec.structs.replace(signal, version=max(signal.version, live[signal.id] + 1))
        if signal.id in live
        else signal
        for signal in signals
    ]


def signals_of(session: Session, causes: Sequence[Mapping[str, Any]]) -> list[Signal]:
    """Causes as signals: with the sectors of everything that they concern, and the conditions that they explain."""
    camera_ids = {id for cause in causes for id in cause["camera_ids"]}
    site_ids = {id for cause in causes for id in [*cause["site_ids"], cause["site_id"]] if id}
    camera_sectors = _sectors(session, Camera, camera_ids)
    site_sectors = _sectors(session, Site, site_ids)
    return [_signal(session, cause, camera_sectors, site_sectors) for cause in causes]


def _signal(
    session: Session,
    cause: Mapping[str, Any],
    camera_sectors: Mapping[str, str],
    site_sectors: Mapping[str, str],
) -> Signal:
    sectors = {cause["sector_id"], site_sectors.get(cause["site_id"] or "")}
    sectors |= {camera_sectors.get(id) for id in cause["camera_ids"]}
    sectors |= {site_sectors.get(id) for id in cause["site_ids"]}
    members = health.members(session, cause["condition_ids"][:MEMBERS_MAX])
    return Signal(
        id=cause["id"],
        version=cause["changed_us"],
        kind=cause["kind"],
        subject=cause["subject"][:200],
        active=cause["closed_us"] is None,
        since_us=cause["since_us"],
        ended_us=cause["closed_us"],
        site_id=cause["site_id"],
        sector_id=cause["sector_id"] or site_sectors.get(cause["site_id"] or ""),
        sector_ids=sorted(sector for sector in sectors if sector),
        camera_ids=list(cause["camera_ids"]),
        direct=cause["direct"],
        confidence=cause["confidence"],
        evidence=list(cause["evidence"]),
        members=[
            Member(id=one["id"], kind=one["kind"], subject=one["subject"][:200], since_us=one["since_us"])
            for one in members
        ],
        pictures=cause["pictures"],
        detail={**cause["detail"], "rule": cause["rule"], "site_ids": cause["site_ids"]},
        absorbed_into=cause.get("absorbed_into") or "",
        exercise=cause["exercise"],
    )


def _sectors(session: Session, table: type[Camera] | type[Site], ids: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    wanted = sorted(ids)
    for first in range(0, len(wanted), BATCH):
        part = wanted[first : first + BATCH]
        for row in session.execute(select(table.id, table.sector_id).where(table.id.in_(part))):
            if row.sector_id is not None:
                found[row.id] = row.sector_id
    return found
