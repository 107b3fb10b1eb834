"""Holds, exports and layouts: what is refused, who may, and what is told."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from manara.access.roles import Role
from manara.access.who import Who
from manara.base.errors import Conflict, Forbidden, InvalidInput, NotFound
from manara.recorder import actions
from manara.store.database import Base, Database
from manara.store.outbox import OutboxMessage

AT = datetime(2026, 1, 2, tzinfo=UTC)
SUPERVISOR = Who("supervisor01", "S", frozenset({Role.SUPERVISOR}))
OPERATOR = Who("operator01", "O", frozenset({Role.OPERATOR}))
WORKER = Who.system("export")


def everything(camera_id: str) -> bool:
    return True


def span(**over: Any) -> dict[str, Any]:
    return {"camera_ids": ["c1"], "start_us": 1_000_000, "end_us": 9_000_000, "reason": "case 7"} | over


def layout(**over: Any) -> dict[str, Any]:
    tile = {"camera_id": "c1", "column": 0, "row": 0, "span": 2}
    return {"name": "Gates", "shared": False, "columns": 3, "rows": 3, "tiles": [tile], "cycle_s": None} | over


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'state.sqlite'}")
    Base.metadata.create_all(made.engine)
    yield made
    made.close()


def told(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(OutboxMessage)) or 0


def test_a_hold_is_wanted_until_it_is_released(database: Database) -> None:
    held = actions.add_hold(database, SUPERVISOR, AT, span(camera_ids=["c2", "c1", "c1"]), everything)
    assert held["camera_ids"] == ["c1", "c2"]
    with database.read() as session:
        assert [wanted.hold_id for wanted in actions.wanted_holds(session)] == [held["id"]]
        assert actions.holds(session, lambda camera_id: False) == []
    with pytest.raises(NotFound):
        actions.release_hold(database, SUPERVISOR, AT, held["id"], lambda camera_id: camera_id == "c1")
    actions.release_hold(database, SUPERVISOR, AT, held["id"], everything)
    with database.read() as session:
        assert actions.wanted_holds(session) == []
    with pytest.raises(NotFound):
        actions.release_hold(database, SUPERVISOR, AT, held["id"], everything)
    assert told(database) == 2


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"camera_ids": []}, "camera_ids"),
        ({"camera_ids": "c1"}, "camera_ids"),
        ({"camera_ids": ["x"]}, "camera_ids"),
        ({"camera_ids": ["c1"] * 5 + [f"c1{n}" for n in range(101)]}, "camera_ids"),
        ({"start_us": "now"}, "start_us"),
        ({"end_us": 1_000_000}, "end_us"),
        ({"end_us": 10**18}, "end_us"),
        ({"end_us": 1_000_000 + 367 * 86_400_000_000}, "end_us"),
        ({"reason": "  x "}, "reason"),
        ({"reason": None}, "reason"),
    ],
)
def test_a_bad_span_is_named(database: Database, over: dict[str, Any], field: str) -> None:
    for add in (actions.add_hold, actions.add_export):
        with pytest.raises(InvalidInput) as caught:
            add(database, SUPERVISOR, AT, span(**over), lambda camera_id: camera_id.startswith("c1"))
        assert [fault.field for fault in caught.value.fields] == [field]
    assert told(database) == 0


def test_an_export_runs_once_and_may_be_cancelled(database: Database) -> None:
    first = actions.add_export(database, SUPERVISOR, AT, span(), everything)
    second = actions.add_export(database, SUPERVISOR, AT, span(), everything)
    taken = actions.take_export(database, WORKER, AT)
    assert taken is not None
    rest = {first["id"], second["id"]} - {taken["id"]}
    assert actions.note_progress(database, WORKER, AT, taken["id"], 40.0)
    actions.cancel_export(database, SUPERVISOR, AT, taken["id"])
    assert not actions.note_progress(database, WORKER, AT, taken["id"], 50.0)
    assert not actions.finish_export(database, WORKER, AT, taken["id"], files=[])
    with pytest.raises(Conflict):
        actions.cancel_export(database, SUPERVISOR, AT, taken["id"])
    again = actions.take_export(database, WORKER, AT)
    assert again is not None
    assert again["id"] in rest
    assert actions.take_export(database, WORKER, AT) is None
    assert actions.requeue_exports(database, WORKER, AT) == 1
    assert actions.take_export(database, WORKER, AT) is not None
    assert actions.finish_export(
        database, WORKER, AT, again["id"], files=[{"name": "a.mp4", "bytes": 1, "sha256": "0" * 64}]
    )
    with database.read() as session:
        done = actions.export(session, SUPERVISOR, again["id"])
        assert (done["state"], done["progress_pct"], done["files"][0]["name"]) == ("done", 100.0, "a.mp4")
        other = Who("supervisor02", "T", frozenset({Role.SUPERVISOR}), frozenset({"s1"}))
        assert actions.exports(session, other) == []
        with pytest.raises(NotFound):
            actions.export(session, other, again["id"])


def test_layouts_are_own_or_shared(database: Database) -> None:
    own = actions.add_layout(database, OPERATOR, AT, layout())
    with pytest.raises(Forbidden):
        actions.add_layout(database, OPERATOR, AT, layout(shared=True))
    shared = actions.add_layout(
        database, SUPERVISOR, AT, layout(shared=True, pages=[[], layout()["tiles"]], cycle_s=10)
    )
    with database.read() as session:
        assert {seen["id"] for seen in actions.layouts(session, OPERATOR)} == {own["id"], shared["id"]}
        assert {seen["id"] for seen in actions.layouts(session, SUPERVISOR)} == {shared["id"]}
    with pytest.raises(Forbidden):
        actions.change_layout(database, OPERATOR, AT, shared["id"], layout())
    with pytest.raises(NotFound):
        actions.remove_layout(database, SUPERVISOR, AT, own["id"])
    actions.change_layout(database, OPERATOR, AT, own["id"], layout(name="Doors"))
    actions.remove_layout(database, OPERATOR, AT, own["id"])


def test_every_fault_of_a_layout_is_named(database: Database) -> None:
    tiles = [
        {"camera_id": "a", "column": 0, "row": 0, "span": 2},
        {"camera_id": "b", "column": 1, "row": 1},
        {"camera_id": "c", "column": 2, "row": 2, "span": 2},
        {"camera_id": "", "column": 2, "row": 2},
        {"camera_id": "e", "column": 3, "row": "0"},
        "tile",
    ]
    bad = {"name": " ", "columns": 3, "rows": 3, "tiles": tiles, "cycle_s": 1, "pages": {}}
    with pytest.raises(InvalidInput) as caught:
        actions.add_layout(database, OPERATOR, AT, bad)
    assert [fault.field for fault in caught.value.fields] == [
        "name", "tiles.1", "tiles.2", "tiles.3", "tiles.4.column", "tiles.4.row", "tiles.5", "pages", "cycle_s"
    ]  # fmt: skip
