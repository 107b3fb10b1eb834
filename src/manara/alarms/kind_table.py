"""The rationalised table as it is in force: the program's rows with the administrator's edits over them; editing it.

Each edit is audited and kept in the history with who, when, before and after. Tells the screens by `AlarmKindChanged`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from manara.access.who import Who
from manara.alarms import kinds
from manara.alarms.kinds import Kind
from manara.alarms.tables import AlarmKind, AlarmKindHistory
from manara.base.errors import InvalidInput, NotFound
from manara.messages import AlarmKindChanged
from manara.store import meanwhile
from manara.store.database import Database

HISTORY_MAX = 500


def kind_table(session: Session) -> dict[str, Kind]:
    """All kinds, edited ones as edited."""
    table = dict(kinds.DEFAULTS)
    for row in session.scalars(select(AlarmKind)):
        if row.kind in table:
            table[row.kind] = kinds.edited(table[row.kind], row.values, row.changed_us, row.changed_by)
    return table


def listing(session: Session) -> list[dict[str, Any]]:
    """All kinds as JSON, the most urgent first."""
    return [kinds.view(kind) for kind in sorted(kind_table(session).values(), key=lambda kind: (kind.rank, kind.kind))]


def one(session: Session, kind: str) -> dict[str, Any]:
    """One kind as JSON. Raises `NotFound`."""
    return kinds.view(_get(kind_table(session), kind))


def history(session: Session, kind: str) -> list[dict[str, Any]]:
    """The edits of a kind, newest first. Raises `NotFound`."""
    _get(kinds.DEFAULTS, kind)
    rows = session.scalars(
        select(AlarmKindHistory)
        .where(AlarmKindHistory.kind == kind)
        .order_by(AlarmKindHistory.number.desc())
        .limit(HISTORY_MAX)
    )
    return [
        {"at_us": row.at_us, "by": row.by, "by_name": row.by_name, "before": row.before, "after": row.after}
        for row in rows
    ]


def change_kind(database: Database, who: Who, at: datetime, kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Change the given fields of a kind; returns its row. Open alarms keep what they were raised with.

    `changed_us`, when given, must be what the person saw: otherwise `Conflict` (code `changed_meanwhile`). Raises
    `InvalidInput` with all faults, `NotFound`.
    """
    given = {name: value for name, value in values.items() if name not in ("id", "kind", "changed_by")}
    seen_us = given.pop("changed_us", None)
    clean, faults = kinds.judge(given)
    with database.act(who, at) as act:
        present = _get(kind_table(act.session), kind)
        if faults:
            raise InvalidInput(f"The kind {kind} is not valid.", code="alarm_kind_invalid", fields=faults)
        meanwhile.unchanged(present, seen_us, present.changed_by)
        after = {name: value for name, value in clean.items() if getattr(present, name) != value}
        if not after:
            return kinds.view(present)
        before = {name: getattr(present, name) for name in after}
        row = act.session.get(AlarmKind, kind)
        if row is None:
            row = AlarmKind(kind=kind, values={}, changed_us=0, changed_by="")
            act.session.add(row)
        row.values = {**row.values, **after}
        meanwhile.mark_changed(act, row)
        row.changed_by = who.name[:200]
        act.session.add(
            AlarmKindHistory(
                kind=kind, at_us=act.at_us, by=who.account_id, by_name=who.name[:200], before=before, after=after
            )
        )
        act.audit("alarm_kind:change", subject=kind, detail={"before": before, "after": after})
        act.publish(AlarmKindChanged(kind=kind))
        act.session.flush()
        return kinds.view(kinds.edited(kinds.DEFAULTS[kind], row.values, row.changed_us, row.changed_by))


def _get(table: Mapping[str, Kind], kind: str) -> Kind:
    found = table.get(kind)
    if found is None:
        raise NotFound(f"There is no kind of alarm called {kind[:40]}.", code="alarm_kind_not_found")
    return found
