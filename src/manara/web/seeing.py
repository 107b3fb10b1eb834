"""Which cameras a person may look at, asked of the state at each request. A camera of another sector does not exist
for them.
"""

from collections.abc import Callable

from sqlalchemy import select

from manara.access.who import Who
from manara.base.errors import NotFound
from manara.network.tables import Camera
from manara.store.database import Database


def camera_code(database: Database, who: Who, camera_id: str) -> str:
    """The camera's code. Raises `NotFound` where it is not there or not this person's to see."""
    with database.read() as session:
        row = session.execute(select(Camera.code, Camera.sector_id).where(Camera.id == camera_id)).one_or_none()
    if row is None or not who.may_see_sector(row.sector_id):
        raise NotFound("There is no such camera.", code="camera_not_found")
    return str(row.code)


def judge_of(database: Database, who: Who) -> Callable[[str], bool]:
    """A function that says whether this person may see a camera; reads all their cameras once."""
    with database.read() as session:
        rows = session.execute(select(Camera.id, Camera.sector_id))
        seen = {id for id, sector_id in rows if who.may_see_sector(sector_id)}
    return seen.__contains__
