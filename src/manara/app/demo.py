"""`manara demo`: a virtual province with accounts for every role, virtual cameras, and all that `manara up` runs.

Seeds an empty data folder and then hands over to `up`. Accounts and passwords are the same each time and printed, which
is why it refuses to run on another address than loopback. Keeps nothing secret and is no installation.
"""

import asyncio
import json
import logging
import os
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from manara.access.accounts import add_account
from manara.access.roles import Role
from manara.access.tables import Account
from manara.access.who import Who
from manara.app.data import open_state
from manara.app.folders import Folders, journal_address
from manara.app.up import address_of, run_up, say
from manara.base.clock import Clock, SystemClock, to_datetime
from manara.base.errors import SettingsError
from manara.network import actions, basemap
from manara.network.infrastructure import actions as infrastructure
from manara.network.infrastructure.tables import Link, PowerSource, Switch
from manara.network.power import shedding_actions
from manara.network.tables import Camera, Site
from manara.settings import Settings
from manara.simulate.directory import Directory
from manara.simulate.infrastructure import Infrastructure, make_infrastructure, switch_code
from manara.simulate.province import make_province
from manara.simulate.role import draw_first
from manara.store.database import Database
from manara.store.journal import STATUS_PREFIX
from manara.store.journal_nats import NatsJournal
from manara.store.nats_server import free_port
from manara.store.secret import SecretBox

log = logging.getLogger(__name__)

PASSWORD = "lighthouse-demo"  # noqa: S105 - printed at each start, and good on loopback only
NAMES = {
    Role.OPERATOR: "زينب كاظم",
    Role.SUPERVISOR: "حيدر عبد الله",
    Role.COMMANDER: "سعد جبار",
    Role.TECHNICIAN: "علي ناصر",
    Role.ADMINISTRATOR: "مريم حسن",
    Role.AUDITOR: "نور صالح",
}
FLOW_S = 120.0
_MAP_ATTRIBUTION = "تخطيطية، للعرض · schematic, for the demo"
_BODY = Who.system("demo")
_PROFILES = {"push": "push", "mqtt": "mqtt-readings", "modbus": "epever-tracer", "snmp": "if-mib-switch"}


def seed(settings: Settings, clock: Clock) -> bool:
    """Fill an empty state with the province and an account for each role. Returns False where cameras were there."""
    folders = Folders.of(settings)
    box = SecretBox.from_file(folders.key)
    database = open_state(settings)
    at = to_datetime(clock.wall_us())
    try:
        with database.read() as session:
            has_accounts = bool(session.scalar(select(func.count()).select_from(Account)))
            has_cameras = bool(session.scalar(select(func.count()).select_from(Camera)))
        if not has_accounts:
            for role in Role:
                values = {"account": str(role), "name": NAMES[role], "roles": [role], "password": PASSWORD}
                add_account(database, _BODY, at, values, must_change=False)
        if has_cameras:
            return False
        province = make_province(
            settings.simulate.seed,
            streaming=settings.simulate.cameras,
            rtsp=f"127.0.0.1:{settings.simulate.rtsp_port}",
            onvif=f"127.0.0.1:{settings.simulate.onvif_port}",
        )
        carrying = make_infrastructure(province, settings.simulate.seed)
        actions.seed(
            database,
            box,
            _BODY,
            at,
            sectors=province.sectors,
            towns=province.towns,
            sites=[*province.sites, *carrying.sites],
            cameras=province.cameras,
        )
        seed_infrastructure(database, box, at, carrying).write(folders.data / "simulate")
        with database.read() as session:
            on_battery = session.scalars(select(PowerSource.site_id).where(PowerSource.kind == "battery")).all()
        shedding_actions.seed_policies(database, _BODY, at, on_battery)
    finally:
        database.close()
    _keep_map(folders, province.roads, province.rivers)
    return True


def seed_infrastructure(database: Database, box: SecretBox, at: datetime, made: Infrastructure) -> Directory:
    """Add what carries the cameras; returns what the simulation must know to speak as its devices."""
    directory = Directory()
    infrastructure.seed(
        database,
        box,
        _BODY,
        at,
        suppliers=made.suppliers,
        power_sources=made.power_sources,
        cabinets=made.cabinets,
        switches=made.switches,
    )
    infrastructure.seed(database, box, _BODY, at, camera_ports=made.camera_ports, links=made.links)
    directory.ids = _subjects(database)
    directory.modbus_port, directory.snmp_port = free_port(), free_port()
    devices = _device_rows(made, directory)
    infrastructure.seed(database, box, _BODY, at, devices=devices, tokens=directory.tokens)
    return directory


def _device_rows(made: Infrastructure, directory: Directory) -> list[dict[str, Any]]:
    """The telemetry devices as Manara has to know them: where each is asked or heard, and what it may speak of."""
    rows = []
    units = 0
    for row in made.devices:
        site, protocol = row["site"], row["protocol"]
        codes = {source: f"power_source:{site}/{source}" for source in ("grid", "battery", "solar")}
        codes["switch"] = f"switch:{switch_code(site)}"
        links = (link["code"] for link in made.links if site in (link["a_site"], link["b_site"]))
        codes |= {code: f"link:{code}" for code in links}
        subjects = {part: directory.ids[code] for part, code in codes.items() if code in directory.ids}
        more: dict[str, Any] = {"profile": _PROFILES[protocol], "subjects": subjects}
        if protocol == "modbus":
            units += 1
            more["address"] = f"127.0.0.1:{directory.modbus_port}/{units}"
        elif protocol == "snmp":
            more["address"] = f"127.0.0.1:{directory.snmp_port}"
            more["credentials"] = {"community": switch_code(site)}
            more["subjects"] = {"switch": subjects["switch"]}
        elif protocol == "mqtt":
            more["address"] = f"mqtt:///site/{row['code']}"
        rows.append({name: value for name, value in row.items() if name[0] != "_"} | more)
    return rows


def _subjects(database: Database) -> dict[str, str]:
    """Subjects in codes, as the simulation has them, and what they are here."""
    with database.read() as session:
        sites = {site.id: site.code for site in session.scalars(select(Site))}
        named = [(f"site:{code}", f"site:{row_id}") for row_id, code in sites.items()]
        named += [(f"cabinet:{code}", f"cabinet:{row_id}") for row_id, code in sites.items()]
        for source in session.scalars(select(PowerSource)):
            named.append((f"power_source:{sites[source.site_id]}/{source.kind}", f"power_source:{source.id}"))
        named += [(f"switch:{row.code}", f"switch:{row.id}") for row in session.scalars(select(Switch))]
        named += [(f"link:{row.code}", f"link:{row.id}") for row in session.scalars(select(Link))]
    return dict(named)


def _keep_map(folders: Folders, roads: Mapping[str, Any], rivers: Mapping[str, Any]) -> None:
    """The schematic streets and rivers, for the base map to draw."""
    for kind, features in (("roads", roads), ("rivers", rivers)):
        basemap.write_layer(folders.data, kind, kind, features, _MAP_ATTRIBUTION)


async def run_demo(settings: Settings, settings_arguments: Sequence[str]) -> None:
    """Seed, start everything with the virtual cameras, say when pictures flow; until a signal."""
    if settings.web.host not in ("127.0.0.1", "::1", "localhost"):
        raise SettingsError(
            "web.host: the demo's passwords are printed; it runs on loopback only", code="demo_loopback"
        )
    began_s = time.monotonic()
    seeded = await asyncio.to_thread(seed, settings, SystemClock())
    log.info("province is there", extra={"seeded": seeded, "took_s": round(time.monotonic() - began_s, 1)})
    settings = for_children(settings)
    drawn = await draw_first(settings)
    log.info("the first pictures are there", extra={"drawn": drawn, "took_s": round(time.monotonic() - began_s, 1)})
    telling = asyncio.create_task(_say_when_it_flows(settings), name="say-when-it-flows")
    try:
        await run_up(
            settings, settings_arguments, simulate=True, greeting=f"  Sign in as one of\n\n{accounts_table()}\n\n"
        )
    finally:
        telling.cancel()


def for_children(settings: Settings) -> Settings:
    """What the demo needs beyond the settings; children read the same from the environment.

    A broker of our own, for the played devices that speak MQTT. And no looking for pictures that repeat an earlier
    hour: the drawn scenes do so every 32 s.
    """
    mqtt_port = settings.telemetry.mqtt_port or free_port()
    os.environ.setdefault("MANARA_TELEMETRY__MQTT_PORT", str(mqtt_port))
    os.environ.setdefault("MANARA_VISION__LOOPS", "false")
    telemetry = settings.telemetry.model_copy(update={"mqtt_port": mqtt_port})
    return settings.model_copy(update={"telemetry": telemetry})


def accounts_table() -> str:
    """The demo's accounts as a table for the terminal."""
    rows = [("account", "password", "role"), *((str(role), PASSWORD, str(role)) for role in Role)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "    " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


async def _say_when_it_flows(settings: Settings) -> None:
    """Listen to the recorders until as many streams record as should, then print where to look."""
    await asyncio.sleep(2.0)  # the supervisor writes the journal's address first
    address = journal_address(settings)
    journal = await NatsJournal.start(address.url, address.user, address.password, name="demo")
    recording: dict[str, set[str]] = {}
    enough = asyncio.Event()

    async def on_status(_subject: str, data: bytes) -> None:
        status = json.loads(data)
        known = recording.setdefault(status["recorder_id"], set())
        for stream in status["streams"]:
            if stream["stream"] == "main":
                as_meant = stream["state"] == "recording" or stream["cause"] == "shed"
                (known.add if as_meant else known.discard)(stream["camera_id"])
        if sum(len(cameras) for cameras in recording.values()) >= settings.simulate.cameras:
            enough.set()

    listening = journal.listen(STATUS_PREFIX + "*", on_status)
    try:
        async with asyncio.timeout(FLOW_S):
            await enough.wait()
        words = f"Pictures flow: {settings.simulate.cameras} cameras are recorded."
    except TimeoutError:
        count = sum(len(cameras) for cameras in recording.values())
        words = f"Only {count} of {settings.simulate.cameras} cameras are recorded; see {settings.data.directory}/logs."
    finally:
        await listening.stop()
        await journal.close()
    say(f"\n  {words} Look: {address_of(settings)}\n")
