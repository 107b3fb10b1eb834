"""Is the fault really gone? What a technician calls done is closed only when health agrees, else it comes back.

A work order that is `done` is looked at until `CHECK_S` have passed since: when its cause has ended and none of its
cameras has a condition any more, it is closed at once; when the time is up and something is still wrong, it is
reopened and says what. An order without cause and cameras is closed when the time is up. Called by control's clock;
writes through `actions.py`.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from manara.access.who import Who
from manara.base.clock import to_us
from manara.base.errors import Conflict
from manara.network.health.tables import CauseRow, ConditionRow
from manara.network.maintenance import actions, rules
from manara.network.maintenance.tables import WorkOrder
from manara.store.database import Database

PROGRAM = Who.system("health check")
CHECK_S = 300.0  # pictures are looked at every 15 s and believed after 30; a stream learns its normal again in a minute


@dataclass(frozen=True, slots=True)
class Found:
    """What health says of a work order: which conditions are still there."""

    still: tuple[str, ...]

    @property
    def gone(self) -> bool:
        """Whether nothing is wrong any more."""
        return not self.still


def look(session: Session, order: WorkOrder) -> Found:
    """What is still wrong with what this order is about."""
    still: list[str] = []
    if order.cause_id:
        cause = session.get(CauseRow, order.cause_id)
        if cause is not None:
            # The same thing may be wrong anew under another id.
            again = select(CauseRow).where(
                CauseRow.kind == cause.kind, CauseRow.subject == cause.subject, CauseRow.closed_us.is_(None)
            )
            still += [f"{row.kind} {row.subject}" for row in session.scalars(again)]
    if order.camera_ids:
        subjects = [f"camera:{camera_id}" for camera_id in order.camera_ids]
        query = select(ConditionRow).where(ConditionRow.subject.in_(subjects), ConditionRow.ended_us.is_(None))
        still += [f"{row.kind} {row.subject}" for row in session.scalars(query)]
    return Found(tuple(dict.fromkeys(still)))


def check(database: Database, at: datetime, check_s: float = CHECK_S) -> int:
    """Look at every order that is done; returns how many were closed or reopened."""
    now_us = to_us(at)
    moves: list[tuple[str, str, Found]] = []
    with database.read() as session:
        for order in session.scalars(select(WorkOrder).where(WorkOrder.state == rules.DONE)):
            found = look(session, order)
            time_is_up = now_us - (order.done_us or now_us) >= check_s * 1e6
            something_to_ask = bool(order.cause_id or order.camera_ids)
            if found.gone and (something_to_ask or time_is_up):
                moves.append((order.id, rules.CLOSED, found))
            elif time_is_up:
                moves.append((order.id, rules.REOPENED, found))
    moved = 0
    for order_id, state, found in moves:
        try:
            actions.move_order(database, PROGRAM, at, order_id, state, check={"still": list(found.still)[:20]})
        except Conflict:
            continue  # somebody moved it in this moment
        moved += 1
    return moved
