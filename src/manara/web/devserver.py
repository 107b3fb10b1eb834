"""`python -m manara.web.devserver`: the web on a temporary state with made-up cameras, for whoever works on the
screens.

Not part of an installation: nothing is recorded and the journal is in memory. An account for each role, named like
it, with the password printed at the start. Statuses move each second; some cameras are lost or refused. Screens are
served by Vite (`make dev`), which passes `/api` on to here.
"""

import argparse
import asyncio
import logging
import math
import random
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from manara.access.accounts import add_account
from manara.access.roles import Role
from manara.access.who import Who
from manara.base.clock import SystemClock, to_datetime
from manara.messages import DiskStatus, RecorderStatus, StreamStatus
from manara.network import actions
from manara.settings import Data, Settings, Web
from manara.store.database import Database
from manara.store.journal_memory import MemoryJournal
from manara.store.secret import SecretBox
from manara.web.app import create_app, server_config
from manara.web.live import Hub
from manara.web.services import assemble
from manara.wiring import Wiring

PASSWORD = "lighthouse-dev"  # noqa: S105
SECTORS = (
    ("RIF", "الرفاعي", "Rifai", 31.71, 46.11),
    ("SHA", "الشطرة", "Shatra", 31.41, 46.17),
    ("BAL", "البلدة", "Balda", 31.05, 46.26),
    ("QAD", "القضاء", "Qadha", 31.10, 46.36),
    ("SUQ", "سوق الشيوخ", "Suq al-Shuyukh", 30.89, 46.46),
    ("CHI", "الجبايش", "Chibayish", 30.96, 46.97),
)


def province(count: int) -> dict[str, list[dict[str, Any]]]:
    """A made-up network of `count` cameras."""
    dice = random.Random(7)
    sectors, towns, sites, cameras = [], [], [], []
    for code, name_ar, name_en, lat, lon in SECTORS:
        ring = [
            [lon + 0.12 * math.cos(a * math.pi / 6), lat + 0.1 * math.sin(a * math.pi / 6)] for a in [*range(12), 0]
        ]
        boundary = {"type": "Polygon", "coordinates": [ring]}
        sectors.append({"code": code, "name_ar": name_ar, "name_en": name_en, "boundary": boundary})
        towns.append(
            {"code": f"T-{code}", "name_ar": name_ar, "name_en": name_en, "lat": lat, "lon": lon, "sector": code}
        )
    for number in range(1, count + 1):
        code, name_ar, name_en, lat, lon = SECTORS[number % len(SECTORS)]
        if number % 4 == 1:
            at = {"lat": round(lat + dice.uniform(-0.05, 0.05), 6), "lon": round(lon + dice.uniform(-0.05, 0.05), 6)}
            site = f"S-{number // 4 + 1:04}"
            name = {"name_ar": f"{name_ar} عمود {number}", "name_en": f"{name_en} pole {number}"}
            sites.append({"code": site, **name, **at, "sector": code, "town": f"T-{code}", "kind": "pole"})
        cameras.append(
            {
                "code": f"CAM-{number:04}",
                "name_ar": f"كاميرا {number} {name_ar}",
                "name_en": f"{name_en} camera {number}",
                "site": sites[-1]["code"],
                "sector": code,
                "town": f"T-{code}",
                "kind": "ptz" if number % 7 == 0 else "fixed",
                "make": "Virtual",
                "model": "V1",
                "main_url": f"rtsp://127.0.0.1:8554/{number}/main",
                "sub_url": f"rtsp://127.0.0.1:8554/{number}/sub",
                "lat": sites[-1]["lat"],
                "lon": sites[-1]["lon"],
                "heading_deg": number * 47 % 360,
                "field_of_view_deg": 70,
                "height_m": 6,
                "range_m": 60,
                "purpose": "traffic",
            }
        )
    return {"sectors": sectors, "towns": towns, "sites": sites, "cameras": cameras}


def status_of(camera_id: str, number: int, now_us: int, dice: random.Random) -> StreamStatus:
    """A made-up status: every 17th camera is lost, every 29th refused."""
    state, cause = "recording", "none"
    if number % 17 == 5:
        state, cause = "lost", "timeout"
    elif number % 29 == 7:
        state, cause = "refused", "unauthorized"
    runs = state == "recording"
    return StreamStatus(
        camera_id=camera_id,
        stream="main",
        state=state,
        cause=cause,
        since_us=1_795_000_000_000_000,
        last_frame_us=now_us if runs else 1_795_000_000_000_000,
        bitrate_bps=round(dice.gauss(2e6, 1e5)) if runs else 0,
        frame_rate_hz=15.0 if runs else 0.0,
        gop_s=2.0,
        width=1920,
        height=1080,
        codec="avc1.640028",
        drift_ms=round(dice.gauss(0, 20), 1),
        recorder_id="recorder-1",
    )


async def serve(port: int, cameras: int, folder: Path) -> None:
    """Build everything and serve until stopped."""
    clock = SystemClock()
    settings = Settings(data=Data(directory=folder), web=Web(port=port))
    database = Database(settings.store_url())
    database.migrate()
    box = SecretBox.from_file(folder / "secret.key")
    somebody, at = Who.system("devserver"), to_datetime(clock.wall_us())
    actions.seed(database, box, somebody, at, **province(cameras))
    for role in Role:
        values = {"account": str(role), "name": str(role).title(), "roles": [role], "password": PASSWORD}
        add_account(database, somebody, at, values, must_change=False)
    journal = MemoryJournal()
    services = assemble(settings, clock, database, box, journal)
    wiring = Wiring(database, journal, clock, services.hub, services.statuses)
    await wiring.start()
    telling = asyncio.create_task(_tell(journal, services.hub, clock))
    print(f"http://127.0.0.1:{port}  accounts: {', '.join(Role)}  password: {PASSWORD}", flush=True)
    await uvicorn.Server(server_config(create_app(services), settings)).serve()
    telling.cancel()
    await wiring.stop()


async def _tell(journal: MemoryJournal, hub: Hub, clock: SystemClock) -> None:
    dice = random.Random(1)
    disk = DiskStatus(path="/archive", total_bytes=4 * 10**12, free_bytes=10**12, write_bytes_per_s=15_000_000)
    while True:
        now_us = clock.wall_us()
        ids = sorted(hub.ids("camera"))
        streams = [status_of(id, number, now_us, dice) for number, id in enumerate(ids)]
        batch = RecorderStatus(
            recorder_id="recorder-1", at_us=now_us, pid=1, complete=True, streams=streams, disks=[disk]
        )
        await journal.tell("manara.status.recorder-1", msgspec.json.encode(batch))
        await asyncio.sleep(1.0)


def main() -> None:
    """Read the flags and serve."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=8400)
    parser.add_argument("--cameras", type=int, default=60)
    parser.add_argument("--data", type=Path, help="keep the state here (default: a temporary folder)")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    with tempfile.TemporaryDirectory(prefix="manara-dev-") as temporary:
        asyncio.run(serve(given.port, given.cameras, given.data or Path(temporary)))


if __name__ == "__main__":
    main()
