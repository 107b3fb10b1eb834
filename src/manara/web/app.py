"""The web application: routes behind the gate, in the envelope. Built by `manara.app` (and by tests) with what it is
handed.

    browser → Envelope (headers, compression) → Gate (who may) → routes → rooms' actions and views

The application's lifespan runs what only it needs: the watch over sockets and the judging of silent recorders. The
journal's side (relay, handlers) is `manara.wiring`, started by whoever builds the application.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import uvicorn
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from manara import __version__
from manara.base.errors import Forbidden, ManaraError
from manara.base.forever import forever
from manara.settings import Settings
from manara.store import outbox
from manara.web import answers, static
from manara.web.answers import Json
from manara.web.envelope import Envelope
from manara.web.exporting import Exporting
from manara.web.gate import Gate
from manara.web.permissions import Rule
from manara.web.routes import (
    alarm_load,
    alarms,
    availability,
    changes,
    duty,
    exports,
    health,
    health_pictures,
    infrastructure,
    keeping,
    live,
    network,
    notifications,
    onboarding,
    people,
    playback,
    ptz,
    session,
    site_availability,
    site_page,
    suppressions,
    system,
    telemetry,
    work,
)
from manara.web.services import Services
from manara.web.system import System
from manara.web.watch import STOPPING, SocketWatch

log = logging.getLogger(__name__)

SHED_RATES_S = 3.0
STOP_S = 3  # open requests and sockets get this long when the program stops


def create_app(services: Services) -> FastAPI:
    """The application with all routes."""
    app = FastAPI(
        title="Manara",
        version=__version__,
        openapi_url=None,  # served below, behind the gate like everything else
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        dependencies=[Depends(_confirm)],
        exception_handlers={
            ManaraError: answers.manara_error,
            RequestValidationError: answers.validation_error,
            HTTPException: answers.http_error,
        },
        redirect_slashes=False,
    )
    app.state.services = services
    app.state.system = System(services)
    app.state.watch = SocketWatch(services.database, services.settings.access, services.clock)
    # onboarding first: `/cameras/import` must not be taken for a camera
    parts = (session, changes, onboarding, network, infrastructure, site_page, site_availability, ptz, live)
    # alarm_load before alarms: `/alarms/load` must not be taken for an alarm
    on_duty = (alarm_load, duty, notifications)
    alarming = (alarms, suppressions)
    for part in (
        *parts,
        *on_duty,
        *alarming,
        health,
        health_pictures,
        telemetry,
        playback,
        exports,
        keeping,
        people,
        system,
        work,
        availability,
    ):
        app.include_router(part.router)

    @app.get("/api/health", include_in_schema=False)
    def alive() -> Response:
        return Json({"ok": True})

    @app.get("/api/openapi.json", include_in_schema=False)
    def openapi(request: Request) -> Response:
        return Json(request.app.openapi())

    app.include_router(static.router)  # last: its catch-all takes what is left
    app.add_middleware(Gate, database=services.database, access=services.settings.access, clock=services.clock)
    web = services.settings.web
    app.add_middleware(Envelope, secure=bool(web.tls_certificate or web.behind_proxy))
    return app


def server_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """How uvicorn serves the application: TLS, proxy, limits."""
    web = settings.web
    return uvicorn.Config(
        app,
        host=web.host,
        port=web.port,
        ssl_certfile=str(web.tls_certificate) if web.tls_certificate else None,
        ssl_keyfile=str(web.tls_key) if web.tls_key else None,
        proxy_headers=bool(web.behind_proxy),
        forwarded_allow_ips=web.behind_proxy or None,
        server_header=False,
        access_log=False,  # who looked at what is the audit log's; addresses with queries do not belong in files
        log_config=None,
        ws_max_size=4096,  # browsers say little on our sockets
        ws_per_message_deflate=False,  # video does not compress, and it would cost memory for every socket
        timeout_graceful_shutdown=STOP_S,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=32_768,
    )


def _confirm(connection: HTTPConnection) -> None:
    """The gate judged a path; the router chose a route: both must mean the same one."""
    rule: Rule | None = getattr(connection.state, "rule", None)
    route = connection.scope.get("route")
    if rule is None or route is None or rule.path != getattr(route, "path", None):
        raise Forbidden("There is no decision on who may use this.", code="no_decision")


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    watch: SocketWatch = app.state.watch
    app.state.decoders = CapacityLimiter(playback.DECODERS)
    exporting = app.state.exporting = Exporting(services)
    tasks = [
        asyncio.create_task(forever("socket watch", watch.run)),
        asyncio.create_task(forever("tick", lambda: _tick(services, app.state.system))),
        asyncio.create_task(forever("exports", exporting.run)),
        asyncio.create_task(forever("frame rates", lambda: _shed_rates(services))),
    ]
    await run_sync(services.ptz.start)
    try:
        yield
    finally:
        watch.end_all(STOPPING)
        exporting.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await run_sync(services.looking.finish)
        await run_sync(services.ptz.close)
        await run_sync(services.series.close)


async def _shed_rates(services: Services) -> None:
    """Make the cameras' frame rates what the sites' shedding asks."""
    while True:
        await asyncio.sleep(SHED_RATES_S)
        await run_sync(services.shed_rates.work)


async def _tick(services: Services, system: System) -> None:
    """Each second: judge silent recorders, and show everybody what to be warned of."""

    def waiting() -> tuple[int, int | None]:
        with services.database.read() as session:
            return outbox.waiting(session)

    while True:
        services.statuses.tick()
        services.vitals.tick()
        await run_sync(services.looking.tick)
        try:
            services.hub.put("system", "system", system.summary(await run_sync(waiting)))
        except SQLAlchemyError as error:
            log.warning("the outbox cannot be asked", extra={"reason": type(error).__name__})
        await asyncio.sleep(1.0)
