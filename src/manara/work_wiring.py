"""The part of the table that is maintenance: work on the screens, planned outages that hold alarms back, the health
check.

    OutageChanged ─► suppression of the alarms room, visible to all, ended with the outage
    WorkOrderChanged, RoundChanged ─► hub          each 15 s: maintenance.checking.check

Owned by `wiring.Wiring`; decides nothing. Bounds: orders that ended over a day ago leave the screens.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from anyio.to_thread import run_sync
from sqlalchemy import or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from manara import messages
from manara.access.who import Who
from manara.alarms import suppressing
from manara.base.clock import Clock, to_datetime
from manara.base.errors import ManaraError
from manara.base.forever import forever
from manara.network.maintenance import checking, views
from manara.network.maintenance.tables import Outage, PreventiveRound, WorkOrder
from manara.settings import Maintenance
from manara.store.database import Database
from manara.web.live import Hub

log = logging.getLogger(__name__)

PROGRAM = Who.system("maintenance")
CHECK_EVERY_S = 15.0
SHOW_EVERY = 20  # checks; what is due and what has ended moves with the clock
_US_A_DAY = 86_400_000_000


class WorkWiring:
    """Shows maintenance and keeps its clock. `failures` counts rounds that went wrong and were tried again."""

    def __init__(self, database: Database, clock: Clock, hub: Hub, settings: Maintenance | None = None) -> None:
        self._database = database
        self._clock = clock
        self._hub = hub
        self._settings = settings or Maintenance()
        self.failures = 0

    @property
    def handlers(self) -> dict[type[messages.Message], Callable[[Any], Any]]:
        """What to do with which fact."""
        return {
            messages.WorkOrderChanged: self._order_changed,
            messages.OutageChanged: self._outage_changed,
            messages.RoundChanged: self._round_changed,
        }

    def read_all(self, session: Session) -> dict[str, list[dict[str, Any]]]:
        """Everything that the hub shows of maintenance."""
        now_us = self._clock.wall_us()
        recent = select(WorkOrder).where(or_(WorkOrder.closed_us.is_(None), WorkOrder.closed_us > now_us - _US_A_DAY))
        return {
            "work_order": [views.order_view(row) for row in session.scalars(recent)],
            "outage": [one for one in views.outages(session, now_us) if one["ended_us"] is None],
            "round": views.rounds(session, now_us),
        }

    def start(self) -> list[asyncio.Task[None]]:
        """Check finished work, for ever."""
        return [asyncio.create_task(forever("clock of maintenance", self._keep_time))]

    async def _keep_time(self) -> None:
        turn = 0
        while True:
            try:
                await run_sync(self._check)
                if turn % SHOW_EVERY == 0:
                    for kind, values in (await run_sync(self._read)).items():
                        self._hub.replace(kind, {value["id"]: value for value in values})
                turn += 1
            except (ManaraError, SQLAlchemyError) as error:
                self.failures += 1
                log.warning("maintenance waits for the state", extra={"reason": str(error)[:300]})
            await asyncio.sleep(CHECK_EVERY_S)

    def _check(self) -> None:
        at = to_datetime(self._clock.wall_us())
        moved = checking.check(self._database, at, self._settings.check_s)
        if moved:
            log.info("finished work was checked", extra={"moved": moved})
        with self._database.read() as session:
            now_us = self._clock.wall_us()
            standing = [row.id for row in session.scalars(select(Outage).where(Outage.until_us > now_us))]
        for outage_id in standing:  # also those whose fact was lost with the journal
            self._suppress(outage_id)

    def _read(self) -> dict[str, list[dict[str, Any]]]:
        with self._database.read() as session:
            return self.read_all(session)

    def _suppress(self, outage_id: str) -> dict[str, Any] | None:
        """Make the suppression of an outage equal to it; its view where it still stands."""
        now_us = self._clock.wall_us()
        with self._database.read() as session:
            row = session.get(Outage, outage_id)
            view = None if row is None or row.ended_us is not None or row.until_us <= now_us else views.outage_view(row)
        values = view and {
            "kind": "planned_outage",
            "reason": view["reason"],
            "site_ids": view["site_ids"],
            "camera_ids": view["camera_ids"],
            "from_us": view["from_us"],
            "until_us": view["until_us"],
        }
        suppressing.keep(self._database, PROGRAM, to_datetime(now_us), f"outage:{outage_id}", values)
        return view

    async def _order_changed(self, fact: messages.WorkOrderChanged) -> None:
        def read() -> dict[str, Any] | None:
            with self._database.read() as session:
                row = session.get(WorkOrder, fact.work_order_id)
                return None if row is None else views.order_view(row)

        self._show("work_order", fact.work_order_id, await run_sync(read))

    async def _outage_changed(self, fact: messages.OutageChanged) -> None:
        self._show("outage", fact.outage_id, await run_sync(self._suppress, fact.outage_id))

    async def _round_changed(self, fact: messages.RoundChanged) -> None:
        def read() -> dict[str, Any] | None:
            with self._database.read() as session:
                row = session.get(PreventiveRound, fact.round_id)
                return None if row is None else views.round_view(row, self._clock.wall_us())

        self._show("round", fact.round_id, await run_sync(read))

    def _show(self, kind: str, id: str, value: dict[str, Any] | None) -> None:
        if value is None:
            self._hub.delete(kind, id)
        else:
            self._hub.put(kind, id, value)
