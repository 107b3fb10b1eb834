"""The table: message → handlers. What happens because something else happened, in one place.

    an action commits state + audit + outbox → Relay → journal → Backlog → HANDLERS → the recorders' buckets, the hub

Handlers read the state for what is so *now* and make others equal to it, so they may see a fact twice or late, and many
of a kind at once (`store/backlog.py`). One that fails waits and is tried again. At every start all is loaded, and
whenever the journal comes back, the buckets `wanted` and `holds` are made equal to the state. Started by `manara.app`
in the control process; decides nothing itself.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
from anyio.to_thread import run_sync
from sqlalchemy import select

from manara import messages
from manara.access.accounts import list_accounts
from manara.access.who import Who
from manara.alarm_wiring import AlarmWiring
from manara.alarms.duty_actions import open_shifts, shift_view
from manara.alarms.duty_tables import Shift
from manara.alarms.signals import Route, no_console
from manara.base.clock import Clock, to_datetime
from manara.base.errors import ManaraError, NotFound, Unavailable
from manara.base.forever import forever
from manara.messages import Message, RecorderStatus, VitalsReport
from manara.network import views
from manara.network.health.views import camera_health
from manara.network.infrastructure import views as infrastructure
from manara.network.power.shedding_actions import shed_cameras
from manara.network.tables import Camera, Site
from manara.network.wanted import wanted_camera
from manara.recorder.actions import export_view, exports, hold_view, layout_view, wanted_hold, wanted_holds
from manara.recorder.tables import ExportJob, Hold, Layout
from manara.settings import Alarms, Maintenance
from manara.store import outbox
from manara.store.backlog import Backlog
from manara.store.database import Database
from manara.store.journal import (
    BUCKET_HOLDS,
    BUCKET_WANTED,
    BUCKET_WHOLE,
    POKE_SUBJECT,
    STATUS_PREFIX,
    VITALS_SUBJECT,
    Bucket,
    Journal,
    Stuck,
    Subscription,
)
from manara.web.live import Hub
from manara.web.statuses import Statuses
from manara.web.vitals import SiteVitals
from manara.work_wiring import WorkWiring

log = logging.getLogger(__name__)

PROGRAM = Who.system("wiring")  # sees everything; what a person sees of it is the hub's business
RELAY_BATCH = 200
RELAY_IDLE_S = 2.0  # also without being told of a commit: another process may have made one
RETRY_S = 1.0
EQUAL_TOGETHER = 64  # keys written at once
READ_TOGETHER = 1000  # ids in one question; of more, everything is read
FEW_SITES = 8  # of so many sites what stands there is asked one by one

_encode = msgspec.json.Encoder().encode
_status = msgspec.json.Decoder(RecorderStatus)
_vitals = msgspec.json.Decoder(VitalsReport)
_SHOWN = ("power_source", "cabinet", "switch", "link")  # of the infrastructure, what the screens follow


class Relay:
    """Carries committed messages from the outbox to the journal, in order, until each is acknowledged."""

    def __init__(self, database: Database, journal: Journal, clock: Clock) -> None:
        self._database = database
        self._journal = journal
        self._clock = clock
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.sent = 0
        self.failures = 0
        self.unreadable = 0
        database.on_commit(self.wake)

    def wake(self) -> None:
        """Something was committed; called from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    async def run(self) -> None:
        """Relay for ever."""
        while True:
            self._wake.clear()
            try:
                more = await self.once()
            except ManaraError as error:
                self.failures += 1
                if self.failures % 60 == 1:
                    log.warning("outbox waits", extra={"code": error.code, "reason": error.message})
                await asyncio.sleep(RETRY_S)
                continue
            if not more:
                try:
                    await asyncio.wait_for(self._wake.wait(), RELAY_IDLE_S)
                except TimeoutError:
                    continue

    async def once(self) -> bool:
        """Relay one batch; returns whether more may wait. Raises `Unavailable` when the journal or the state is."""
        rows = await run_sync(self._pending)
        if not rows:
            return False
        facts = []
        for number, payload in rows:
            try:
                facts.append(messages.decode(payload.encode()))
            except msgspec.MsgspecError as error:
                # Written by another version of the program; waiting for it would hold up everything after it.
                self.unreadable += 1
                log.error("outbox message cannot be read", extra={"number": number, "reason": str(error)})
        await self._journal.publish_many(facts)
        await run_sync(self._mark, [number for number, _ in rows])
        self.sent += len(facts)
        return len(rows) == RELAY_BATCH

    def _pending(self) -> list[tuple[int, str]]:
        with self._database.read() as session:
            return [(row.number, row.payload) for row in outbox.pending(session, RELAY_BATCH)]

    def _mark(self, numbers: list[int]) -> None:
        with self._database.act(Who.system("outbox relay"), to_datetime(self._clock.wall_us())) as act:
            outbox.mark_sent(act.session, numbers)


Handler = Callable[[Any], Awaitable[None]]
ManyHandler = Callable[[Sequence[Any]], Awaitable[None]]


class Wiring:
    """The control process' side of the journal."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        clock: Clock,
        hub: Hub,
        statuses: Statuses,
        vitals: SiteVitals | None = None,
        judging: Alarms | None = None,
        route: Route = no_console,
        maintenance: Maintenance | None = None,
    ) -> None:
        self.relay = Relay(database, journal, clock)
        self._database = database
        self._journal = journal
        self._hub = hub
        self._statuses = statuses
        self._vitals = vitals if vitals is not None else SiteVitals(hub, clock)
        self._order = asyncio.Lock()  # loading and handling take turns
        self._subscriptions: list[Subscription] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.stuck: dict[str, Stuck] = {}  # by message id: what could not be handled
        self.alarms = AlarmWiring(database, clock, hub, judging, route, self.stuck)
        self.work = WorkWiring(database, clock, hub, maintenance)
        self.together: Mapping[type[Message], ManyHandler] = {  # of what an import or a bad hour changes by thousands
            messages.CameraChanged: self._cameras_changed,
            messages.SiteChanged: self._sites_changed,
            messages.InfrastructureChanged: self._infrastructure_changed,
            messages.HealthChanged: self._health_changed,
            messages.AlarmChanged: self.alarms.alarms_changed,
        }
        self.handlers: Mapping[type[Message], tuple[Handler, ...]] = {
            messages.PlaceChanged: (self._place_shown,),
            messages.AccountChanged: (self._accounts_shown,),
            messages.LayoutChanged: (self._layout_shown,),
            messages.HoldChanged: (self._hold_wanted, self._hold_shown),
            messages.ExportChanged: (self._export_shown,),
            messages.ShiftChanged: (self._shift_shown,),
            **{fact: (handler,) for fact, handler in self.alarms.handlers.items()},
            **{fact: (handler,) for fact, handler in self.work.handlers.items()},
        }
        self.backlog = Backlog(
            "control", self._handle, self._on_stuck, self._done, each_counts=[messages.RoleRestarted]
        )

    async def start(self) -> None:
        """Load the state into the hub, follow the facts, relay the outbox, make the buckets equal to the state."""
        self._subscriptions = [
            self._journal.subscribe(
                "control", self.backlog.take, (*self.together, *self.handlers), on_stuck=self._on_stuck
            ),  # from the start: what a new journal keeps before its first reader is there must not be missed
            self._journal.listen(STATUS_PREFIX + "*", self._on_status),
            self._journal.listen(VITALS_SUBJECT, self._on_vitals),
            self._journal.listen(POKE_SUBJECT, self._on_poke),
        ]
        await self.load()
        self._tasks = [
            asyncio.create_task(forever("backlog", self.backlog.run)),
            asyncio.create_task(forever("outbox relay", self.relay.run)),
            asyncio.create_task(forever("buckets", self._keep_buckets)),
            *self.alarms.start(),
            *self.work.start(),
        ]

    async def stop(self) -> None:
        """Stop following and relaying. What waits in the outbox is relayed at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for subscription in self._subscriptions:
            await subscription.stop()

    async def _handle(self, facts: Sequence[Message]) -> None:
        """Run the handlers of some facts of one kind. Raises what they raise: the backlog tries again."""
        kind = type(facts[0])
        async with self._order:
            together = self.together.get(kind)
            if together is not None:
                await together(facts)
            for fact in facts:
                for handler in self.handlers.get(kind, ()):
                    await handler(fact)

    def _done(self, fact: Message) -> None:
        self.stuck.pop(fact.message_id, None)

    async def load(self) -> None:
        """Make the hub equal to the state."""
        async with self._order:
            for kind, values in (await run_sync(self._read_all)).items():
                self._hub.replace(kind, {value["id"]: value for value in values})

    async def equal_buckets(self) -> int:
        """Make `wanted` and `holds` equal to the state; returns how many keys were written. Raises `Unavailable`."""
        async with self._order:
            wanted, holds = await run_sync(self._read_wanted)
            written = await _equal(self._journal.bucket(BUCKET_WANTED), wanted)
            return written + await _equal(self._journal.bucket(BUCKET_HOLDS), holds)

    # ---- handlers

    async def _cameras_changed(self, facts: Sequence[messages.CameraChanged]) -> None:
        ids = list(dict.fromkeys(fact.camera_id for fact in facts))
        shown, wanted = await run_sync(self._read_cameras, ids)
        for camera_id in ids:
            self._show("camera", camera_id, shown.get(camera_id))
        changes = {f"camera.{camera_id}": wanted.get(camera_id) for camera_id in ids}
        await _write(self._journal.bucket(BUCKET_WANTED), changes)

    async def _sites_changed(self, facts: Sequence[messages.SiteChanged]) -> None:
        """Also what stands there: a site may have changed sector, and whoever sees them changes with it."""
        ids = list(dict.fromkeys(fact.site_id for fact in facts))
        sites, carrying = await run_sync(self._read_sites, ids)
        for site_id in ids:
            self._show("site", site_id, sites.get(site_id))
        for noun, values in carrying.items():
            for value in values:
                self._show(noun, value["id"], self._with_state(noun, value))

    async def _infrastructure_changed(self, facts: Sequence[messages.InfrastructureChanged]) -> None:
        changed = list(dict.fromkeys((fact.noun, fact.row_id) for fact in facts if fact.noun in _SHOWN))
        for (noun, row_id), value in (await run_sync(self._read_infrastructure, changed)).items():
            self._show(noun, row_id, self._with_state(noun, value))

    async def _place_shown(self, fact: messages.PlaceChanged) -> None:
        await self._show_one(fact.place, fact.place_id)

    async def _accounts_shown(self, fact: messages.AccountChanged) -> None:
        del fact
        accounts = await run_sync(self._read_accounts)
        self._hub.replace("account", {value["id"]: value for value in accounts})

    async def _layout_shown(self, fact: messages.LayoutChanged) -> None:
        value = await run_sync(self._read_row, Layout, fact.layout_id, layout_view)
        self._show("layout", fact.layout_id, value)

    async def _hold_wanted(self, fact: messages.HoldChanged) -> None:
        bucket = self._journal.bucket(BUCKET_HOLDS)
        value = await run_sync(self._read_wanted_hold, fact.hold_id)
        if value is None:
            await bucket.delete(f"hold.{fact.hold_id}")
        else:
            await bucket.put(f"hold.{fact.hold_id}", value)

    async def _hold_shown(self, fact: messages.HoldChanged) -> None:
        value = await run_sync(self._read_row, Hold, fact.hold_id, _hold_in_force)
        self._show("hold", fact.hold_id, value)

    async def _export_shown(self, fact: messages.ExportChanged) -> None:
        value = await run_sync(self._read_row, ExportJob, fact.export_id, export_view)
        self._show("export", fact.export_id, value)

    async def _shift_shown(self, fact: messages.ShiftChanged) -> None:
        value = await run_sync(self._read_row, Shift, fact.shift_id, _shift_sitting)
        self._show("shift", fact.shift_id, value)

    # ---- inside

    async def _show_one(self, noun: str, row_id: str) -> None:
        self._show(noun, row_id, await run_sync(self._read_one, noun, row_id))

    def _show(self, kind: str, id: str, value: dict[str, Any] | None) -> None:
        if value is None:
            self._hub.delete(kind, id)
        else:
            self._hub.put(kind, id, value)

    async def _on_status(self, subject: str, data: bytes) -> None:
        try:
            status = _status.decode(data)
        except msgspec.MsgspecError as error:
            log.warning("status cannot be read", extra={"subject": subject, "reason": str(error)[:200]})
            return
        self._statuses.take(status)

    def _with_state(self, noun: str, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is None or noun not in ("switch", "link"):
            return value
        return value | {"state": self._vitals.state(noun, value["id"])}

    async def _health_changed(self, facts: Sequence[messages.HealthChanged]) -> None:
        ids = list(dict.fromkeys(camera_id for fact in facts for camera_id in fact.camera_ids))
        found = await run_sync(self._read_health, ids if len(ids) <= READ_TOGETHER else None)
        for camera_id in ids:
            self._show("health", camera_id, found.get(camera_id))

    async def _on_poke(self, subject: str, data: bytes) -> None:
        """Another process committed facts."""
        del subject, data
        self.relay.wake()

    async def _on_vitals(self, subject: str, data: bytes) -> None:
        try:
            report = _vitals.decode(data)
        except msgspec.MsgspecError as error:
            log.warning("vitals cannot be read", extra={"subject": subject, "reason": str(error)[:200]})
            return
        self._vitals.take(report)

    async def _on_stuck(self, stuck: Stuck) -> None:
        self.stuck[stuck.message.message_id] = stuck
        log.error(
            "a handler keeps failing",
            extra={"fact": type(stuck.message).__name__, "tries": stuck.tries, "reason": repr(stuck.error)[:300]},
        )

    async def _keep_buckets(self) -> None:
        """At the start, and each time the journal was away: it may have come back empty."""
        done_at = -1
        while True:
            if self._journal.connected and done_at != self._journal.counters.reconnects:
                reconnects = self._journal.counters.reconnects
                try:
                    if reconnects:
                        await self.load()  # facts that a lost journal kept, nobody will tell
                    written = await self.equal_buckets()
                except Unavailable as error:
                    log.warning("buckets wait", extra={"reason": error.message})
                else:
                    done_at = reconnects
                    log.info("buckets are equal to the state", extra={"written": written})
            await asyncio.sleep(RETRY_S)

    def _read_all(self) -> dict[str, list[dict[str, Any]]]:
        with self._database.read() as session:
            return {
                "sector": views.sectors(session, PROGRAM),
                "town": views.towns(session, PROGRAM),
                "site": views.sites(session, PROGRAM),
                "camera": views.cameras(session, PROGRAM),
                "account": list_accounts(session),
                "layout": [layout_view(row) for row in session.scalars(select(Layout))],
                "hold": [hold_view(row) for row in session.scalars(select(Hold).where(Hold.released_us.is_(None)))],
                "export": exports(session, PROGRAM),
                "shift": [shift_view(row) for row in open_shifts(session)],
                "health": list(camera_health(session).values()),
                **self.alarms.read_all(session),
                **self.work.read_all(session),
            } | {
                noun: [
                    self._with_state(noun, value) or value for value in infrastructure.listing(session, noun, PROGRAM)
                ]
                for noun in _SHOWN
            }

    def _read_one(self, noun: str, row_id: str) -> dict[str, Any] | None:
        with self._database.read() as session:
            try:
                return views.one(session, noun, row_id, PROGRAM)
            except NotFound:
                return None

    def _read_health(self, camera_ids: list[str] | None) -> dict[str, dict[str, Any]]:
        with self._database.read() as session:
            return camera_health(session, camera_ids)

    def _read_infrastructure(self, rows: Sequence[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any] | None]:
        found: dict[tuple[str, str], dict[str, Any] | None] = {}
        with self._database.read() as session:
            for noun, row_id in rows:
                try:
                    found[noun, row_id] = infrastructure.one(session, noun, row_id, PROGRAM)
                except NotFound:
                    found[noun, row_id] = None
        return found

    def _read_sites(self, ids: Sequence[str]) -> tuple[dict[str, dict[str, Any]], dict[str, list[dict[str, Any]]]]:
        with self._database.read() as session:
            rows = session.scalars(select(Site).where(Site.id.in_(ids)))
            sites = {row.id: views.view("site", row, PROGRAM) for row in rows}
            of_each: list[str | None] = list(ids) if len(ids) <= FEW_SITES else [None]  # or all there are, once
            carrying = {
                noun: [value for one in of_each for value in infrastructure.listing(session, noun, PROGRAM, one)]
                for noun in _SHOWN
            }
        return sites, carrying

    def _read_cameras(self, ids: Sequence[str]) -> tuple[dict[str, dict[str, Any]], dict[str, bytes]]:
        """Cameras as they are shown, and as recorders shall have them."""
        with self._database.read() as session:
            rows = session.scalars(select(Camera).where(Camera.id.in_(ids))).all()
            shed = shed_cameras(session, {row.site_id for row in rows if row.site_id})
            return (
                {row.id: views.view("camera", row, PROGRAM) for row in rows},
                {row.id: _encode(wanted_camera(row, shed.get(row.id, ""))) for row in rows},
            )

    def _read_accounts(self) -> list[dict[str, Any]]:
        with self._database.read() as session:
            return list_accounts(session)

    def _read_wanted_hold(self, hold_id: str) -> bytes | None:
        with self._database.read() as session:
            row = session.get(Hold, hold_id)
            return None if row is None or row.released_us is not None else _encode(wanted_hold(row))

    def _read_wanted(self) -> tuple[dict[str, bytes], dict[str, bytes]]:
        with self._database.read() as session:
            shed = shed_cameras(session)
            cameras = {
                f"camera.{row.id}": _encode(wanted_camera(row, shed.get(row.id, "")))
                for row in session.scalars(select(Camera))
            }
            holds = {f"hold.{hold.hold_id}": _encode(hold) for hold in wanted_holds(session)}
        return cameras, holds

    def _read_row(
        self, table: type[Any], row_id: str, view: Callable[[Any], dict[str, Any] | None]
    ) -> dict[str, Any] | None:
        with self._database.read() as session:
            row = session.get(table, row_id)
            return None if row is None else view(row)


def _hold_in_force(row: Hold) -> dict[str, Any] | None:
    return None if row.released_us is not None else hold_view(row)


def _shift_sitting(row: Shift) -> dict[str, Any] | None:
    return None if row.ended_us is not None else shift_view(row)


async def _equal(bucket: Bucket, wanted: Mapping[str, bytes]) -> int:
    """Make a bucket hold exactly `wanted` and say that it does; returns how many keys were written or deleted."""
    there = await bucket.all()
    changes: dict[str, bytes | None] = {
        key: value for key, value in wanted.items() if key not in there or there[key].value != value
    }
    changes |= dict.fromkeys(there.keys() - wanted.keys() - {BUCKET_WHOLE})

    await _write(bucket, changes)
    if BUCKET_WHOLE not in there:
        await bucket.put(BUCKET_WHOLE, b"1")  # last: see `recorder/desired.py`
    return len(changes)


async def _write(bucket: Bucket, changes: Mapping[str, bytes | None]) -> None:
    """Put or delete (None) keys, many at once."""

    async def write(key: str, value: bytes | None) -> None:
        await (bucket.delete(key) if value is None else bucket.put(key, value))

    keys = list(changes)
    for first in range(0, len(keys), EQUAL_TOGETHER):
        await asyncio.gather(*(write(key, changes[key]) for key in keys[first : first + EQUAL_TOGETHER]))
