"""The network's fixtures, and two sites with a camera each."""

from datetime import datetime

import pytest

from manara.access.who import Who
from manara.network import actions
from manara.store.database import Database
from manara.store.secret import SecretBox


@pytest.fixture
def sites(database: Database, box: SecretBox, technician: Who, at: datetime) -> dict[str, str]:
    """Site code → id: P1 in sector N, P2 in sector S, CTRL (a control room) in none."""
    ids = {}
    for code in ("N", "S"):
        ids[code] = actions.add_sector(database, technician, at, {"code": code})["id"]
    for code, kind, sector in (("P1", "pole", "N"), ("P2", "pole", "S"), ("CTRL", "control_room", None)):
        values = {"code": code, "kind": kind, "lat": 31, "lon": 46, "sector_id": ids.get(sector or "")}
        ids[code] = actions.add_site(database, technician, at, values)["id"]
    for code in ("C1", "C2"):
        values = {"code": code, "site_id": ids["P1"], "main_url": f"rtsp://h/{code}"}
        ids[code] = actions.add_camera(database, box, technician, at, values)["id"]
    return ids
