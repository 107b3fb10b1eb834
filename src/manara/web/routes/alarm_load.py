"""Alarm load against its targets, and the bad actors. (The account of every signal: `routes/alarms.py`.)"""

from fastapi import APIRouter
from starlette.responses import Response

from manara.alarms import load_views
from manara.alarms.duty_actions import may_read
from manara.base.errors import Forbidden
from manara.web.answers import Json
from manara.web.services import Handed, Person

router = APIRouter(prefix="/api/alarms")


@router.get("/load")
def load(handed: Handed, person: Person, from_us: int, to_us: int, console_id: str = "") -> Response:
    """The load of a console, or of all together, over a span."""
    with handed.database.read() as session:
        if not may_read(session, person, console_id):
            raise Forbidden("This console reaches beyond your sectors.", code="outside_sectors")
        return Json(load_views.load_of(session, from_us, to_us, console_id))


@router.get("/bad-actors")
def bad_actors(handed: Handed, person: Person, from_us: int, to_us: int) -> Response:
    """The sources that cost operators most in a span, each with what would mend it."""
    with handed.database.read() as session:
        found = load_views.bad_actors_of(session, from_us, to_us)
    return Json([actor for actor in found if person.may_see_sector(actor["sector_id"])])
