"""Alarms over HTTP: who may do what, what a person gets back, and what the account says."""

from collections.abc import Iterator
from typing import Any

import pytest

from manara.alarms import actions
from manara.alarms.room import SECOND_US, Rules
from manara.alarms.signals import Signal
from manara.base.clock import to_datetime
from tests.web.world import NORTH, SOUTH, World, running


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A control process with an alarm in each sector, one of the program, and one outside the door."""
    with running(tmp_path_factory.mktemp("alarms")) as made:
        for id, kind, sector in (("n", "link_cut", NORTH), ("s", "link_cut", SOUTH), ("p", "recorder_down", None)):
            signal = Signal(
                id=id,
                version=1,
                kind=kind,
                subject=f"link:{id}",
                active=True,
                since_us=made.clock.wall_us() - 60 * SECOND_US,
                sector_id=sector,
                sector_ids=[sector] if sector else [],
            )
            actions.take_signals(made.database, to_datetime(made.clock.wall_us()), [signal], Rules())
        yield made


def listed(world: World, account: str, query: str = "open=1") -> dict[str, dict[str, Any]]:
    """The alarms that an account sees, by signal."""
    answer = world.ask(account, "GET", f"/api/alarms?{query}")
    assert answer.status_code == 200
    return {alarm["signal_id"]: alarm for alarm in answer.json()["alarms"]}


def test_each_sees_their_own(world: World) -> None:
    assert listed(world, "north").keys() == {"n"}
    assert listed(world, "supervisor").keys() == {"n", "s", "p"}
    assert listed(world, "supervisor", "kind=recorder_down").keys() == {"p"}
    others = listed(world, "supervisor")["s"]["id"]
    for method, path in (("GET", ""), ("POST", "/shelve"), ("POST", "/comment")):
        body = {"text": "x", "reason": "known", "until_us": world.clock.wall_us() + SECOND_US}
        options = {} if method == "GET" else {"json": body}
        answer = world.ask("north", method, f"/api/alarms/{others}{path}", **options)
        assert (answer.status_code, answer.json()["error"]) == (404, "alarm_not_found")


def test_the_second_to_acknowledge_is_told_who_was_first(world: World) -> None:
    alarm_id = listed(world, "north")["n"]["id"]
    first = world.ask("north", "POST", "/api/alarms/acknowledge", json={"ids": [alarm_id]})
    assert (first.status_code, first.json()["alarms"][0]["state"]) == (200, "acknowledged")
    second = world.ask("operator", "POST", "/api/alarms/acknowledge", json={"ids": [alarm_id]})
    assert second.status_code == 409
    assert (second.json()["error"], second.json()["detail"]["by"]) == ("already_acknowledged", "The north")
    refused = world.ask("auditor", "POST", "/api/alarms/acknowledge", json={"ids": [alarm_id]})
    assert refused.status_code == 403


def test_a_shelf_over_http(world: World) -> None:
    alarm_id = listed(world, "supervisor")["s"]["id"]
    until_us = world.clock.wall_us() + 600 * SECOND_US
    asked = {"reason": "team is on its way", "until_us": until_us}
    answer = world.ask("operator", "POST", f"/api/alarms/{alarm_id}/shelve", json=asked)
    assert (answer.status_code, answer.json()["alarms"][0]["state"]) == (200, "shelved")
    too_long = {**asked, "until_us": until_us + 86_400 * SECOND_US}
    refused = world.ask("operator", "POST", f"/api/alarms/{alarm_id}/shelve", json=too_long)
    assert (refused.status_code, refused.json()["error"]) == (409, "shelf_too_long")
    whole = world.ask("operator", "GET", f"/api/alarms/{alarm_id}").json()
    assert [entry["what"] for entry in whole["entries"]] == ["raised", "annunciated", "shelved"]
    assert whole.keys() >= {"members", "grouped", "history"}
    back = world.ask("operator", "POST", f"/api/alarms/{alarm_id}/unshelve")
    assert back.json()["alarms"][0]["state"] == "unacknowledged"


def test_only_a_supervisor_takes_out_of_service(world: World) -> None:
    alarm_id = listed(world, "supervisor")["p"]["id"]
    path = f"/api/alarms/{alarm_id}/out-of-service"
    assert world.ask("operator", "POST", path, json={"reason": "rebuilt"}).status_code == 403
    assert world.ask("supervisor", "POST", path, json={"reason": "rebuilt"}).status_code == 200
    assert world.ask("supervisor", "POST", f"/api/alarms/{alarm_id}/in-service").status_code == 200


def test_the_administrator_edits_the_table_and_everybody_reads_it(world: World) -> None:
    edit = {"priority": "high", "advice_ar": "أرسل فريق الألياف"}
    assert world.ask("operator", "PATCH", "/api/alarm-kinds/ring_open", json=edit).status_code == 403
    assert world.ask("administrator", "PATCH", "/api/alarm-kinds/ring_open", json=edit).json()["priority"] == "high"
    kinds = {kind["kind"]: kind for kind in world.ask("technician", "GET", "/api/alarm-kinds").json()["alarm_kinds"]}
    assert kinds["ring_open"]["advice_ar"] == "أرسل فريق الألياف"
    (line,) = world.ask("auditor", "GET", "/api/alarm-kinds/ring_open/history").json()["history"]
    assert (line["by_name"], line["before"]["priority"]) == ("The administrator", "medium")


def test_a_suppression_over_http(world: World) -> None:
    now_us = world.clock.wall_us()
    body = {
        "reason": "battery test",
        "kind": "maintenance_window",
        "sector_ids": [SOUTH],
        "from_us": now_us,
        "until_us": now_us + 600 * SECOND_US,
    }
    assert world.ask("operator", "POST", "/api/suppressions", json=body).status_code == 403
    added = world.ask("supervisor", "POST", "/api/suppressions", json=body)
    assert added.status_code == 201
    assert listed(world, "supervisor")["s"]["state"] == "suppressed_by_design"
    shown = world.ask("operator", "GET", "/api/suppressions").json()["suppressions"]
    assert [(one["id"], one["created_by_name"]) for one in shown] == [(added.json()["id"], "The supervisor")]
    assert world.ask("supervisor", "DELETE", f"/api/suppressions/{added.json()['id']}").status_code == 200
    assert listed(world, "supervisor")["s"]["state"] == "unacknowledged"
    bad = world.ask("supervisor", "POST", "/api/suppressions", json={**body, "site_ids": ["nowhere"], "reason": ""})
    assert bad.status_code == 422
    assert {fault["field"] for fault in bad.json()["fields"]} == {"reason", "site_ids"}


def test_the_account_of_a_day(world: World) -> None:
    assert world.ask("operator", "GET", "/api/alarms/account").status_code == 403
    world.clock.advance(1)
    found = world.ask("auditor", "GET", "/api/alarms/account").json()
    assert (found["totals"]["signals"], found["unaccounted"]) == ({"annunciated": 3}, 0)
    span = f"from_us={world.clock.wall_us()}&to_us=5"
    assert world.ask("auditor", "GET", f"/api/alarms/account?{span}").status_code == 422
