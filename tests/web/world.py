"""A control process for tests: real state, real gate, the journal in memory, two sectors, an account for each role."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from manara.access.passwords import hash_password
from manara.access.roles import Role
from manara.access.sessions import sign_in
from manara.access.tables import Account
from manara.access.who import Who
from manara.base.clock import FakeClock, to_datetime
from manara.base.ids import new_id
from manara.network import actions, views
from manara.settings import Data, Settings
from manara.store.database import Database
from manara.store.journal_memory import MemoryJournal
from manara.store.secret import SecretBox
from manara.web.app import create_app
from manara.web.gate import COOKIE
from manara.web.live import Hub
from manara.web.services import Services, assemble
from manara.wiring import Wiring
from tests.support.state import migrated

PASSWORD = "Lighthouse-7"
NORTH, SOUTH = "north0000000", "south0000000"
CAMERAS = {"n1": NORTH, "n2": NORTH, "s1": SOUTH}


@dataclass
class World:
    """Everything of one control process."""

    services: Services
    app: FastAPI
    client: TestClient
    journal: MemoryJournal
    clock: FakeClock
    wiring: Wiring | None = None
    tokens: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)  # camera code → id

    @property
    def database(self) -> Database:
        """The state."""
        return self.services.database

    @property
    def hub(self) -> Hub:
        """What the screens follow."""
        return self.services.hub

    def headers(self, account: str | None) -> dict[str, str]:
        """Headers of a signed-in browser (None: of nobody)."""
        headers = {"X-Manara": "1", "Origin": "http://testserver"}
        if account is not None:
            if account not in self.tokens:
                at = to_datetime(self.clock.wall_us())
                access = self.services.settings.access
                self.tokens[account] = sign_in(self.database, access, account, PASSWORD, "testclient", "test", at)
            headers["Cookie"] = f"{COOKIE}={self.tokens[account]}"
        return headers

    def ask(self, account: str | None, method: str, path: str, **options: Any) -> Any:
        """One request of an account; returns the response."""
        headers = self.headers(account) | options.pop("headers", {})
        return self.client.request(method, path, headers=headers, **options)


def network() -> dict[str, list[dict[str, Any]]]:
    """Two sectors, a site and cameras in each."""
    place = {"lat": 31.0, "lon": 46.0}
    return {
        "sectors": [
            {"id": NORTH, "code": "N", "name_ar": "شمال", "name_en": "North"},
            {"id": SOUTH, "code": "S", "name_ar": "جنوب", "name_en": "South"},
        ],
        "towns": [{"code": "T", "name_ar": "مدينة", "name_en": "Town", "sector": "N", **place}],
        "sites": [
            {"code": "SN", "name_ar": "عمود", "name_en": "Pole", "sector": "N", **place},
            {"code": "SS", "name_ar": "عمود", "name_en": "Pole", "sector": "S", **place},
        ],
        "cameras": [
            {
                "code": code,
                "name_ar": "كاميرا",
                "name_en": f"Camera {code}",
                "site": "SN" if sector == NORTH else "SS",
                "kind": "ptz" if code == "n2" else "fixed",
                "main_url": f"rtsp://10.0.0.1/{code}",
                "username": "viewer",
                "password": "secret-of-the-camera",
                **place,
            }
            for code, sector in CAMERAS.items()
        ],
    }


@cache
def _password_hash() -> str:
    return hash_password(PASSWORD)


def _furnish(folder: Path, database: Database, box: SecretBox, at: datetime) -> None:
    """Two sectors with cameras, an account for each role, screens and a map."""
    program = Who.system("test")
    actions.seed(database, box, program, at, **network())
    people = {str(role): ([role], None) for role in Role} | {"north": ([Role.OPERATOR], [NORTH])}
    with database.act(program, at) as act:
        for account, (roles, sector_ids) in people.items():
            # straight into the table: one slow password hash serves all
            act.session.add(
                Account(
                    id=new_id(),
                    account=account,
                    name=f"The {account}",
                    password_hash=_password_hash(),
                    roles=[str(role) for role in roles],
                    sector_ids=sector_ids,
                    preferences={},
                    created_us=act.at_us,
                )
            )
    static = folder / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<!doctype html><title>screens</title>")
    (static / "assets" / "app-1a2b.js").write_text("export {};" * 400)
    (folder / "map").mkdir()
    (folder / "map" / "base.pmtiles").write_bytes(bytes(range(256)))


@contextmanager
def running(folder: Path, *, wired: bool = False, again: bool = False, **handed: Any) -> Iterator[World]:
    """A control process on a state in `folder`; with `wired`, facts and statuses flow; `again`: on what is there."""
    clock = FakeClock()
    settings = Settings(data=Data(directory=folder))  # type: ignore[call-arg]
    database = migrated(folder / "state.sqlite")
    box = SecretBox.from_file(folder / "secret.key")
    program = Who.system("test")
    static = folder / "static"
    if not again:
        _furnish(folder, database, box, to_datetime(clock.wall_us()))
    journal = MemoryJournal()
    services = replace(assemble(settings, clock, database, box, journal), static=static, **handed)
    app = create_app(services)
    with TestClient(app) as client:
        world = World(services, app, client, journal, clock)
        with database.read() as session:
            world.ids = {camera["code"]: camera["id"] for camera in views.cameras(session, program)}
        if wired:
            assert client.portal is not None

            async def start() -> Wiring:
                wiring = Wiring(database, journal, clock, services.hub, services.statuses, services.vitals)
                await wiring.start()
                return wiring

            world.wiring = client.portal.call(start)
        yield world
        if world.wiring is not None:
            assert client.portal is not None
            client.portal.call(world.wiring.stop)
    database.close()
