"""No route without a decision: every route of the application is walked as everybody, and the answers are compared."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from manara.access.roles import Role
from manara.network import basemap
from manara.web.permissions import GRANTS, RULES, Anyone, Permission, decide
from tests.web.world import PASSWORD, World, running

# What each role may, written out once more by hand: a change of the table must be meant.
_OPERATING = "see_network see_live see_playback control_ptz keep_layouts see_alarms act_on_alarms see_work raise_work"
_SUPERVISING = _OPERATING + " hold export see_system manage_alarms see_alarm_load manage_work"
EXPECTED = {
    Role.OPERATOR: _OPERATING,
    Role.SUPERVISOR: _SUPERVISING,
    Role.COMMANDER: _SUPERVISING,
    Role.TECHNICIAN: "see_network see_live change_network see_system see_alarms see_work raise_work do_work",
    Role.ADMINISTRATOR: "see_network change_network change_places manage_accounts see_system read_audit "
    "see_alarms see_alarm_load administer_alarms see_work manage_work",
    Role.AUDITOR: "see_network read_audit see_system see_alarms see_alarm_load see_work",
}


def routes_of(app: FastAPI) -> Iterator[tuple[str, str]]:
    """(method or WS, path template) of every route, however it was added."""

    def walk(routes: list[BaseRoute]) -> Iterator[tuple[str, str]]:
        for route in routes:
            if isinstance(route, APIWebSocketRoute | WebSocketRoute):
                yield "WS", route.path
            elif isinstance(route, APIRoute | Route):
                for method in route.methods or ():
                    if method != "HEAD":
                        yield method, route.path
            else:
                # a mount or something new: it must be looked into, never passed over
                inner = getattr(route, "original_router", None) or getattr(route, "app", None)
                assert hasattr(inner, "routes"), f"cannot look into {route!r}"
                yield from walk(list(inner.routes))

    return walk(list(app.routes))


def filled(path: str, world: World) -> str:
    """A template with ids in it: a camera that exists, other things that do not."""
    path = path.replace("{camera_id}", world.ids["n1"]).replace("{file:path}", "none.pmtiles")
    return re.sub(r"{[^}]+}", "nothing", path)


def status_of(world: World, account: str | None, method: str, path: str) -> int:
    """The HTTP status that an account gets; 101 for a socket that was accepted."""
    if method != "WS":
        body = b"{}" if method in ("POST", "PUT", "PATCH") else None
        return int(world.ask(account, method, path, content=body).status_code)
    try:
        with world.client.websocket_connect(path, headers=world.headers(account)):
            return 101
    except WebSocketDenialResponse as refused:
        return int(refused.status_code)
    except WebSocketDisconnect:
        return 101


def test_every_route_has_exactly_one_decision(world: World) -> None:
    there = set(routes_of(world.app))
    decided = [(rule.method, rule.path) for rule in RULES]
    assert len(decided) == len(set(decided))
    assert there - set(decided) == set(), "routes without a decision"
    assert set(decided) - there == set(), "decisions without a route"


def test_the_gate_means_the_same_route_as_the_router(world: World) -> None:
    for method, path in routes_of(world.app):
        rule = decide(method, filled(path, world))
        assert rule is not None
        assert rule.path == path, f"{method} {path} is judged as {rule.path}"


def test_grants_are_what_was_agreed() -> None:
    assert {role: set(EXPECTED[role].split()) for role in Role} == {
        role: {str(p) for p in GRANTS[role]} for role in Role
    }


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.method} {rule.path}")
def test_nobody_passes_without_signing_in(world: World, rule: object) -> None:
    method, path = rule.method, filled(rule.path, world)  # type: ignore[attr-defined]
    status = status_of(world, None, method, path)
    if rule.needs is Anyone.OPEN:  # type: ignore[attr-defined]
        assert status not in (401, 403)
    else:
        assert status == 401


@pytest.mark.parametrize(
    "rule", [r for r in RULES if isinstance(r.needs, Permission)], ids=lambda r: f"{r.method} {r.path}"
)
def test_each_role_gets_what_the_table_says(world: World, rule: object) -> None:
    method, path = rule.method, filled(rule.path, world)  # type: ignore[attr-defined]
    for role in Role:
        if rule.needs in GRANTS[role]:  # type: ignore[attr-defined]
            continue  # what it may do is not done here: it would change the world for the others
        status = status_of(world, str(role), method, path)
        assert status == 403, f"{role} got {status}"


@pytest.mark.parametrize(
    "rule",
    [r for r in RULES if isinstance(r.needs, Permission) and r.method in ("GET", "WS")],
    ids=lambda r: f"{r.method} {r.path}",
)
def test_whoever_may_look_is_let_in(world: World, rule: object) -> None:
    method, path = rule.method, filled(rule.path, world)  # type: ignore[attr-defined]
    for role in Role:
        if rule.needs in GRANTS[role]:  # type: ignore[attr-defined]
            assert status_of(world, str(role), method, path) not in (401, 403, 405, 500)


def test_unknown_paths_are_refused(world: World) -> None:
    assert world.ask(None, "GET", "/api/secret").status_code == 401
    assert world.ask("operator", "GET", "/api/secret").status_code == 404
    assert world.ask("operator", "TRACE", "/api/cameras").status_code == 404
    assert world.ask(None, "POST", "/").status_code == 401
    assert world.ask("operator", "GET", "/api").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/map/../state.sqlite",
        "/map/%2e%2e/state.sqlite",
        "/..%2fsecret.key",
        "/map//etc/passwd",
        "/map/%00",
        "/%2e%2e/",
    ],
)
def test_files_do_not_leave_their_folder(world: World, path: str) -> None:
    answer = world.ask("administrator", "GET", path)
    assert answer.status_code == 404 or "<title>screens</title>" in answer.text


def test_screens_and_map_files(world: World) -> None:
    script = world.ask(None, "GET", "/assets/app-1a2b.js")
    assert "immutable" in script.headers["cache-control"]
    assert world.ask(None, "GET", "/assets/old-9f9f.js").status_code == 404
    page = world.ask(None, "GET", "/wall/7")
    assert page.headers["cache-control"] == "no-cache"
    part = world.ask("operator", "GET", "/map/base.pmtiles", headers={"Range": "bytes=16-31"})
    assert part.status_code == 206
    assert part.content == bytes(range(16, 32))
    line = {"type": "LineString", "coordinates": [[46.2, 31.0], [46.3, 31.1]]}
    rivers = {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": line}]}
    basemap.write_layer(world.services.settings.data.directory, "rivers", "rivers", rivers, "nobody in particular")
    layers = world.ask("operator", "GET", "/api/map/layers").json()["layers"]
    assert [(layer["kind"], layer["attribution"]) for layer in layers] == [("rivers", "nobody in particular")]
    river = world.ask("operator", "GET", layers[0]["url"])
    assert river.json()["features"][0]["geometry"]["type"] == "LineString"


def test_a_request_of_another_sites_page_is_refused(world: World) -> None:
    path = "/api/session/preferences"
    good = world.headers("operator")
    bare = {"Cookie": good["Cookie"]}
    assert world.client.patch(path, json={}, headers=bare).status_code == 403
    foreign = good | {"Origin": "http://elsewhere.example"}
    assert world.client.patch(path, json={}, headers=foreign).json()["error"] == "foreign_request"
    assert world.client.patch(path, json={"theme": "dark"}, headers=good).status_code == 200
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        world.client.websocket_connect("/api/changes", headers=foreign),
    ):
        pass
    assert refused.value.status_code == 403


def test_a_body_is_bounded(world: World) -> None:
    big = b"x" * 1_100_000
    declared = world.ask("technician", "POST", "/api/cameras", content=big)
    assert declared.status_code == 413
    assert declared.json()["error"] == "too_large"

    def chunks() -> Iterator[bytes]:
        for _ in range(11):
            yield b" " * 100_000

    assert world.ask("technician", "POST", "/api/cameras", content=chunks()).status_code == 413
    # files to import may be larger
    wide = world.ask("technician", "POST", "/api/cameras/import?format=csv&dry_run=true", content=big)
    assert wide.status_code != 413


def test_security_headers_and_no_store(world: World) -> None:
    for path in ("/", "/api/session", "/api/health"):
        answer = world.ask(None, "GET", path)
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert world.ask(None, "GET", "/api/session").headers["cache-control"] == "no-store"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(world: World) -> None:
    answer = world.client.post(
        "/api/session", json={"account": "operator", "password": "Lighthouse-7"}, headers={"X-Manara": "1"}
    )
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    world.client.cookies.clear()


def test_errors_have_one_form(world: World) -> None:
    wrong = world.client.post("/api/session", json={"account": "x"}, headers={"X-Manara": "1"})
    assert wrong.status_code == 422
    assert wrong.json()["error"] == "invalid_input"
    assert wrong.json()["fields"] == [{"row": None, "field": "password", "message": "Field required", "value": None}]
    unknown = world.ask("operator", "GET", "/api/cameras/nothing").json()
    assert set(unknown) == {"error", "message", "detail", "fields"}
    not_json = world.ask(
        "technician", "POST", "/api/cameras", content=b"{", headers={"Content-Type": "application/json"}
    )
    assert not_json.status_code == 422


def test_an_unexpected_error_gives_a_reference_and_no_story(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("the inside of the program")

    monkeypatch.setattr("manara.network.views.cameras", broken)
    answer = world.ask("operator", "GET", "/api/cameras")
    assert answer.status_code == 500
    reference = answer.json()["detail"]["reference"]
    assert reference in answer.json()["message"]
    assert "inside" not in answer.text
    assert any(getattr(record, "reference", None) == reference for record in caplog.records)


def test_too_many_wrong_passwords_must_wait(tmp_path: Path) -> None:
    with running(tmp_path) as world:
        wrong = {"account": "operator", "password": "not this one"}
        statuses = [world.ask(None, "POST", "/api/session", json=wrong).status_code for _ in range(9)]
        assert statuses == [401] * 8 + [429]
        right = {"account": "operator", "password": PASSWORD}
        assert world.ask(None, "POST", "/api/session", json=right).status_code == 429
        world.clock.advance(world.services.settings.access.attempts_window_s + 1)
        assert world.ask(None, "POST", "/api/session", json=right).status_code == 200


def test_a_one_time_password_opens_nothing_but_its_replacement(tmp_path: Path) -> None:
    with running(tmp_path) as world:
        body = {"account": "new.person", "name": "New", "roles": ["operator"], "sector_ids": None}
        made = world.ask("administrator", "POST", "/api/accounts", json=body).json()["one_time_password"]
        signed = world.ask(None, "POST", "/api/session", json={"account": "new.person", "password": made})
        assert signed.json()["must_change_password"] is True
        assert signed.json()["password_min_length"] == world.services.settings.access.password_min_length
        world.tokens["new.person"] = signed.cookies["manara_session"]
        world.client.cookies.clear()
        assert world.ask("new.person", "GET", "/api/cameras").json()["error"] == "must_change_password"
        assert world.ask("new.person", "GET", "/api/session").status_code == 200
        change = {"old": made, "new": "a better password"}
        assert world.ask("new.person", "POST", "/api/session/password", json=change).status_code == 204
        assert world.ask("new.person", "GET", "/api/cameras").status_code == 200


def test_signing_out_ends_the_session(tmp_path: Path) -> None:
    with running(tmp_path) as world:
        assert world.ask("operator", "GET", "/api/session").json()["preferences"]["language"] == "ar"
        assert world.ask("operator", "DELETE", "/api/session").status_code == 204
        assert world.ask("operator", "GET", "/api/session").json()["error"] == "session_ended"


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_text_is_compressed_and_the_rest_is_not(world: World, encoding: str) -> None:
    for path in ("/api/openapi.json", "/assets/app-1a2b.js"):
        plain = world.ask("operator", "GET", path, headers={"Accept-Encoding": "identity"})
        packed = world.ask("operator", "GET", path, headers={"Accept-Encoding": encoding})
        assert "content-encoding" not in plain.headers
        assert packed.headers["content-encoding"] == encoding
        assert int(packed.headers["content-length"]) < len(plain.content)
        assert packed.content == plain.content
    ranged = world.ask(None, "GET", "/assets/app-1a2b.js", headers={"Range": "bytes=0-2000"})
    assert (ranged.status_code, "content-encoding" in ranged.headers) == (206, False)
