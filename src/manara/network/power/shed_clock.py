"""Shedding by the clock of the `health` role: the power of the sites that have a policy, and the step it asks for.

Reads the latest readings (through `Facts`) and forecasts it is handed; `shedding_actions.consider` decides and commits.
A reading or forecast that is old is not known, and what is not known changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from manara.base.clock import to_datetime
from manara.network.power import shedding_actions
from manara.network.power.shedding import PowerNow
from manara.store.database import Database

FRESH_S = 300.0
FORECAST_FRESH_S = 900.0


class Facts(Protocol):
    """The last believed readings."""

    def value(self, subject: str, quantity: str) -> tuple[float, int] | None:
        """Value and time of the last believed reading of a site."""
        ...


@dataclass(frozen=True, slots=True)
class Shed:
    """What is shed now: steps by site, cameras that are meant to give less, and the sites whose step just changed."""

    steps: dict[str, int] = field(default_factory=dict)
    cameras: dict[str, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)


def power_now(facts: Facts, forecast: Mapping[str, Any] | None, site_id: str, now_us: int) -> PowerNow:
    """What is known of a site's power now. Memory only."""

    def fresh(quantity: str) -> float | None:
        found = facts.value(f"site:{site_id}", quantity)
        return found[0] if found is not None and now_us - found[1] <= FRESH_S * 1e6 else None

    grid = fresh("grid_present")
    charge = fresh("state_of_charge_pct")
    hours = None
    if forecast is not None and charge is not None and now_us - int(forecast["at_us"]) <= FORECAST_FRESH_S * 1e6:
        hours = forecast["hours_left"]
    return PowerNow(None if grid is None else bool(grid), hours, charge)


def with_policy(database: Database) -> list[str]:
    """The sites that have a policy, or shed something."""
    with database.read() as session:
        return shedding_actions.sites_with_policy(session)


def look(database: Database, now_us: int, sites: Mapping[str, PowerNow]) -> Shed:
    """Take the steps that are due, and say what is shed now. Commits; for a thread."""
    changed = shedding_actions.consider(database, to_datetime(now_us), sites) if sites else []
    with database.read() as session:
        return Shed(shedding_actions.steps(session), shedding_actions.shed_cameras(session), changed)
