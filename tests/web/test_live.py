"""Snapshot + changes: whatever happens, an old snapshot with the changes after it equals a new one, for every view."""

import json
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manara.access.roles import Role
from manara.access.who import Who
from manara.base.clock import FakeClock
from manara.web import live
from manara.web.live import Hub, View
from tests.support.patience import patience_s

A, B = "sector-a", "sector-b"
VIEWS = {
    "all": View.of(Who("sup", "s", frozenset({Role.SUPERVISOR}))),
    "operator of a": View.of(Who("opa", "o", frozenset({Role.OPERATOR}), frozenset({A}))),
    "operator of b": View.of(Who("opb", "o", frozenset({Role.OPERATOR}), frozenset({B}))),
    "supervisor of a": View.of(Who("supa", "s", frozenset({Role.SUPERVISOR}), frozenset({A}))),
    "technician": View.of(Who("tec", "t", frozenset({Role.TECHNICIAN}))),
    "administrator": View.of(Who("adm", "a", frozenset({Role.ADMINISTRATOR}), frozenset({B}))),
    "auditor": View.of(Who("aud", "a", frozenset({Role.AUDITOR}))),
    "nothing": View.of(Who("non", "n", frozenset())),
}
LISTS = ("sectors", "towns", "sites", "cameras", "layouts", "holds", "exports", "accounts")


def hub(ring: int = 20_000) -> Hub:
    """An empty hub on a fake clock."""
    return Hub(FakeClock(), {"name_en": "Room"}, ring)


def snapshot(source: Hub, view: View) -> dict[str, Any]:
    """A fresh snapshot, by id."""
    source._snapshots.clear()
    value = json.loads(source.snapshot(view))
    for name in LISTS:
        value[name] = {item["id"]: item for item in value[name]}
    return value


def apply(state: dict[str, Any], changes: list[dict[str, Any]]) -> None:
    """What a browser does."""
    for change in changes:
        kind, id = change["kind"], change["id"]
        assert change["seq"] > state["seq"]
        state["seq"] = change["seq"]
        if kind == "system":
            state["system"] = change["value"] or {}
            continue
        place = state["statuses" if kind == "status" else f"{kind}s"]
        if change["op"] == "put":
            place[id] = change["value"]
        else:
            place.pop(id, None)


def follow(source: Hub, view: View, state: dict[str, Any]) -> None:
    """Bring `state` up to now."""
    while state["seq"] < source.seq:
        batch = source.changes(view, state["seq"])
        assert batch is not None
        text, reached = batch
        if text:
            message = json.loads(text)
            assert message["seq"] == reached
            apply(state, message["changes"])
        state["seq"] = reached


def camera(id: str, sector: str | None, **more: Any) -> dict[str, Any]:
    """A camera as the state gives it."""
    return {"id": id, "sector_id": sector, "main_url": "rtsp://10.0.0.9/x", "sub_url": "", "onvif_url": "",
            "username": "viewer", "name_en": id} | more  # fmt: skip


ids = st.sampled_from(["1", "2", "3"])
sectors = st.sampled_from([A, B, None])
steps = st.one_of(
    st.tuples(st.just("camera"), ids, st.builds(lambda s, n: ("put", {"sector_id": s, "name_en": n}), sectors, ids)),
    st.tuples(st.just("camera"), ids, st.just(("delete", None))),
    st.tuples(st.just("status"), ids, st.builds(lambda n: ("put", {"main": {"state": n}}), ids)),
    st.tuples(st.just("site"), ids, st.builds(lambda s: ("put", {"sector_id": s}), sectors)),
    st.tuples(st.just("hold"), ids, st.builds(lambda c: ("put", {"camera_ids": c}), st.lists(ids, max_size=2))),
    st.tuples(st.just("hold"), ids, st.just(("delete", None))),
    st.tuples(
        st.just("layout"),
        ids,
        st.builds(
            lambda shared, owner: ("put", {"shared": shared, "owner_account_id": owner}),
            st.booleans(),
            st.sampled_from(["sup", "opa", "opb"]),
        ),
    ),
    st.tuples(
        st.just("export"), ids, st.builds(lambda a: ("put", {"account_id": a}), st.sampled_from(["sup", "supa"]))
    ),
    st.tuples(st.just("account"), ids, st.builds(lambda n: ("put", {"name": n}), ids)),
    st.tuples(st.just("system"), st.just("system"), st.builds(lambda n: ("put", {"warnings": [n]}), ids)),
)


def do(source: Hub, step: Any) -> None:
    """One change of the world."""
    kind, id, (op, value) = step
    if op == "delete":
        source.delete(kind, id)
    elif kind == "camera":
        source.put(kind, id, camera(id, value["sector_id"], name_en=value["name_en"]))
    elif kind == "status":
        if source.has("camera", id):  # as `Statuses` does
            source.put(kind, id, value)
    else:
        source.put(kind, id, {"id": id} | value)


@settings(max_examples=150, deadline=None)
@given(before=st.lists(steps, max_size=12), after=st.lists(steps, max_size=25), batch=st.integers(1, 5))
def test_old_snapshot_plus_changes_is_the_new_snapshot(before: list[Any], after: list[Any], batch: int) -> None:
    source = hub()
    for step in before:
        do(source, step)
    old = {name: snapshot(source, view) for name, view in VIEWS.items()}
    for step in after:
        do(source, step)
    kept, live.BATCH = live.BATCH, batch
    try:
        for name, view in VIEWS.items():
            follow(source, view, old[name])
            assert old[name] == snapshot(source, view), name
    finally:
        live.BATCH = kept


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(steps, max_size=30))
def test_no_view_is_told_of_another_sectors_cameras(steps: list[Any]) -> None:
    source = hub()
    for step in steps:
        do(source, step)
    for name, sector in (("operator of a", A), ("operator of b", B)):
        view = VIEWS[name]
        text, _ = source.changes(view, 0) or (b"", 0)
        told = [c for c in (json.loads(text)["changes"] if text else []) if c["op"] == "put" and c["kind"] == "camera"]
        assert {c["value"]["sector_id"] for c in told} <= {sector}
        assert all(c["value"]["main_url"] == "" and c["value"]["username"] == "" for c in told)
        shown = snapshot(source, view)
        assert {c["sector_id"] for c in shown["cameras"].values()} <= {sector}
        assert set(shown["statuses"]) <= set(shown["cameras"])  # a status goes where its camera goes
        for hold in shown["holds"].values():
            assert set(hold["camera_ids"]) & set(shown["cameras"])


def test_only_those_who_care_for_cameras_see_addresses() -> None:
    source = hub()
    source.put("camera", "1", camera("1", A))
    for name, view in VIEWS.items():
        shown = [c["main_url"] for c in snapshot(source, view)["cameras"].values()]
        expected = {"technician": ["rtsp://10.0.0.9/x"], "administrator": [], "nothing": [], "operator of b": []}
        assert shown == expected.get(name, [""]), name


def test_whoever_fell_out_of_the_ring_is_told_to_fetch_again() -> None:
    source = hub(ring=10)
    for number in range(30):
        source.put("sector", str(number), {"id": str(number)})
    view = VIEWS["all"]
    assert source.changes(view, 19) is None
    assert source.changes(view, 20) is not None
    assert source.changes(view, 31) is None  # from the future: another epoch's number
    assert len(source._changes) == 10


def test_nothing_is_told_when_nothing_changed() -> None:
    source = hub()
    assert source.put("camera", "1", camera("1", A))
    assert not source.put("camera", "1", camera("1", A))
    assert not source.delete("camera", "2")
    assert source.seq == 1


def test_equal_views_share_one_encoding() -> None:
    source = hub()
    source.put("camera", "1", camera("1", A))
    one = View.of(Who("t1", "t", frozenset({Role.TECHNICIAN})))
    other = View.of(Who("t2", "t", frozenset({Role.TECHNICIAN})))
    first, second = source.changes(one, 0), source.changes(other, 0)
    assert first is not None
    assert second is not None
    assert first[0] is second[0]


@pytest.mark.parametrize("count", [10_000])
def test_ten_thousand_cameras_are_shown_quickly(count: int) -> None:
    source = hub()
    for number in range(count):
        source.put("camera", str(number), camera(str(number), A if number % 2 else B))
        source.put("status", str(number), {"main": {"state": "recording", "bitrate_bps": number}})

    began = perf_counter()
    body = source.snapshot(VIEWS["all"])
    took_s = perf_counter() - began
    assert len(json.loads(body)["cameras"]) == count
    assert took_s < patience_s(0.5)
    again = perf_counter()
    source.snapshot(VIEWS["all"])
    assert perf_counter() - again < patience_s(0.01)


def test_a_status_and_a_hold_go_where_their_camera_goes() -> None:
    source = hub()
    source.put("camera", "1", camera("1", A))
    source.put("status", "1", {"main": {"state": "recording"}})
    source.put("hold", "h", {"id": "h", "camera_ids": ["1"]})
    leaving, joining = snapshot(source, VIEWS["operator of a"]), snapshot(source, VIEWS["operator of b"])
    assert (set(leaving["statuses"]), set(leaving["holds"])) == ({"1"}, {"h"})
    source.put("camera", "1", camera("1", B))
    follow(source, VIEWS["operator of a"], leaving)
    follow(source, VIEWS["operator of b"], joining)
    for name in ("cameras", "statuses", "holds"):
        assert (len(leaving[name]), len(joining[name])) == (0, 1), name
    source.delete("camera", "1")
    follow(source, VIEWS["operator of b"], joining)
    assert (joining["cameras"], joining["statuses"], joining["holds"]) == ({}, {}, {})
