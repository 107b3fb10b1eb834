"""What the web is handed by `app.py`: everything outside of it that its routes ask. No route builds anything by itself.

The protocols say what the web needs of the rooms, so that a test can hand in a fake; the rooms' own modules fulfil
them.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from manara.access.sessions import SignedIn
from manara.access.who import Who
from manara.alarms.duty_clock import Duty
from manara.base.clock import Clock, to_datetime
from manara.network.power.shed_rates import ShedRates
from manara.network.ptz import PtzControl
from manara.recorder.archive import Archive
from manara.recorder.feed import FeedClient
from manara.settings import Settings
from manara.store.database import Database
from manara.store.journal import Journal
from manara.store.measurements_query import Reader
from manara.store.secret import SecretBox
from manara.web.feeds import Feeds
from manara.web.live import Hub
from manara.web.looking import Looking
from manara.web.ptz_told import PtzTold
from manara.web.statuses import Statuses
from manara.web.vitals import SiteVitals

STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True)
class Services:
    """What the routes ask."""

    settings: Settings
    clock: Clock
    database: Database
    box: SecretBox
    journal: Journal
    hub: Hub
    statuses: Statuses
    vitals: SiteVitals
    feeds: Feeds
    archive: Archive
    looking: Looking
    ptz: PtzControl
    shed_rates: ShedRates
    duty: Duty
    series: Reader
    static: Path = STATIC

    def now(self) -> datetime:
        """The time, as actions take it."""
        return to_datetime(self.clock.wall_us())


def assemble(settings: Settings, clock: Clock, database: Database, box: SecretBox, journal: Journal) -> Services:
    """The services of a control process, as they are outside of tests."""
    hub = Hub(clock, settings.deployment.model_dump())
    statuses = Statuses(hub, clock)
    return Services(
        settings=settings,
        clock=clock,
        database=database,
        box=box,
        journal=journal,
        hub=hub,
        statuses=statuses,
        vitals=SiteVitals(hub, clock),
        feeds=Feeds(settings.data.directory / "run", statuses, FeedClient),
        archive=Archive(lambda: sorted((settings.data.directory / "index").glob("*.sqlite"))),
        looking=Looking(database, clock),
        ptz=PtzControl(database, box, clock, on_moved=PtzTold(journal, clock).moved),
        shed_rates=ShedRates(database, box, clock),
        duty=Duty(database),
        series=Reader(settings.data.directory / "measurements"),
    )


def services(connection: HTTPConnection) -> Services:
    """The services of the application that a request came to."""
    found: Services = connection.app.state.services
    return found


def signed_in(connection: HTTPConnection) -> SignedIn:
    """The session that the gate let through."""
    found: SignedIn = connection.state.signed_in
    return found


def who(connection: HTTPConnection) -> Who:
    """The person that the gate let through."""
    found: Who = connection.state.who
    return found


Handed = Annotated[Services, Depends(services)]
Person = Annotated[Who, Depends(who)]
Session = Annotated[SignedIn, Depends(signed_in)]
