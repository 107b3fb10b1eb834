"""How long what changes after a large import is shown late: thousands of changed cameras, then one site.

    python -m benchmarks.after_import                  5,000 cameras
    python -m benchmarks.after_import --cameras 20000

The control process' wiring on a real journal and SQLite, nothing else running. Printed: seconds from the commit until
the site's new name is on the hub, and until all cameras are. No limit: the machine decides. On two busy cores, 5,000
cameras took 99 s when each fact was handled by itself.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from manara.access.who import Who
from manara.base.clock import SystemClock, to_datetime
from manara.messages import CameraChanged, SiteChanged
from manara.network import actions
from manara.network.tables import Camera, Site
from manara.store.database import Database
from manara.store.journal_nats import NatsJournal
from manara.store.nats_server import ServerProcess
from manara.store.secret import SecretBox
from manara.web.live import Hub
from manara.web.statuses import Statuses
from manara.wiring import Wiring

CLOCK = SystemClock()
WHO = Who.system("bench")


def _state(folder: Path, cameras: int) -> Database:
    database = Database(f"sqlite:///{folder / 'state.sqlite'}")
    database.migrate()
    box, at = SecretBox.from_file(folder / "key"), to_datetime(CLOCK.wall_us())
    rows = [
        {"code": f"C{n}", "kind": "fixed", "site": "S", "lat": 31.0, "lon": 46.0, "main_url": f"rtsp://h/{n}"}
        for n in range(cameras)
    ]
    sites = [{"code": "S", "lat": 31.0, "lon": 46.0}]
    actions.seed(database, box, WHO, at, sectors=[], towns=[], sites=sites, cameras=rows)
    return database


async def _until(check: Callable[[], bool]) -> None:
    while True:
        if check():
            return
        await asyncio.sleep(0.05)


async def _run(folder: Path, database: Database, cameras: int) -> dict[str, float]:
    server = ServerProcess(folder)
    server.start()
    try:
        address = server.address
        journal = await NatsJournal.start(address.url, address.user, address.password, name="bench")
        await journal.wait_connected(10)
        hub = Hub(CLOCK, {})
        wiring = Wiring(database, journal, CLOCK, hub, Statuses(hub, CLOCK))
        await wiring.start()
        await _until(lambda: wiring.relay.sent >= cameras)
        await asyncio.sleep(2.0 + cameras / 500)  # the seed's own facts
        with database.read() as session:
            site_id = session.scalars(select(Site.id)).one()
            ids = session.scalars(select(Camera.id)).all()
        began_s = time.monotonic()
        with database.act(WHO, to_datetime(CLOCK.wall_us())) as act:
            act.audit("bench:change")
            for camera in act.session.scalars(select(Camera)):
                camera.purpose = "changed"
            for camera_id in ids:
                act.publish(CameraChanged(camera_id=camera_id))
            act.session.get_one(Site, site_id).name_en = "After"
            act.publish(SiteChanged(site_id=site_id))
        committed_s = time.monotonic()
        await _until(lambda: (hub.value("site", site_id) or {}).get("name_en") == "After")
        shown_s = time.monotonic()
        await _until(lambda: all((hub.value("camera", id) or {}).get("purpose") == "changed" for id in ids))
        done_s = time.monotonic()
        await wiring.stop()
        await journal.close()
    finally:
        server.stop()
    return {
        "commit_s": committed_s - began_s,
        "what_came_after_is_shown_s": shown_s - committed_s,
        "all_cameras_are_shown_s": done_s - committed_s,
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=5000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="manara-bench-") as name:
        folder = Path(name)
        database = _state(folder, chosen.cameras)
        found = asyncio.run(_run(folder, database, chosen.cameras))
        database.close()
    print(json.dumps({"cameras": chosen.cameras} | {name: round(value, 2) for name, value in found.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
