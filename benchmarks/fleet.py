"""A large network without video: 1,000 sites, 4,000 cameras, their telemetry and health, a storm in the middle.

    python -m benchmarks.fleet                 5 minutes
    python -m benchmarks.fleet --minutes 60    the long form of issue 3
    python -m benchmarks.fleet --sites 200     smaller

The real control and health processes with the real journal and SQLite; recorders, vision and devices are played by
`fleet_sender.py`. A client follows `/api/changes` as a browser does and signs in as the supervisor. Beside them in the
same run, as a floor, a process that only decodes the same messages. Printed: CPU of each process calm and in the storm,
memory and its slope, changes a second at the client and its longest silence, causes and alarms. Limits (issue 3):
control ≤ 50 % of a core, memory flat (≤ 20 MB an hour over the second half, of runs of 20 minutes or more), the client
never silent for 5 s.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import websockets
from sqlalchemy import select

from manara.access.accounts import add_account
from manara.access.roles import Role
from manara.access.who import Who
from manara.app.data import open_state
from manara.app.demo import PASSWORD, seed_infrastructure
from manara.network import actions
from manara.network.infrastructure.tables import TelemetryDevice
from manara.network.tables import Camera
from manara.settings import Settings, load
from manara.simulate.infrastructure import make_infrastructure
from manara.simulate.province import Province, make_province
from manara.store.nats_server import ServerProcess, free_port
from manara.store.secret import SecretBox

CONTROL_LIMIT_PCT, SILENCE_LIMIT_S, SLOPE_LIMIT_MB_H = 50.0, 5.0, 20.0
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def large_province(sites: int, cameras: int) -> Province:
    """The province several times over, each time a little beside itself; `cameras` of its cameras are enabled."""
    made = Province()
    copies = -(-sites // 200)
    for number in range(copies):
        part = make_province(7 + number, streaming=850)
        shift = number * 0.011
        if not number:
            made.sectors, made.towns = part.sectors, part.towns
        for site in part.sites[: sites - len(made.sites)]:
            made.sites.append(site | {"code": f"{site['code']}-{number}", "lat": site["lat"] + shift})
        kept = {site["code"] for site in made.sites}
        for camera in part.cameras:
            site_code = f"{camera['site']}-{number}"
            if site_code in kept:
                code = f"{camera['code']}-{number}"
                urls = {name: "rtsp://127.0.0.1:9/" + code for name in ("main_url", "sub_url")}
                fresh = {"code": code, "site": site_code, "onvif_url": "", "enabled": False, **urls}
                made.cameras.append(camera | fresh)
    by_site: dict[str, list[dict[str, Any]]] = {}
    for camera in made.cameras:
        by_site.setdefault(camera["site"], []).append(camera)
    turn = 0
    while len(made.streams) < min(cameras, len(made.cameras)):  # as evenly as there are
        for listed in by_site.values():
            if turn < len(listed) and len(made.streams) < cameras:
                listed[turn]["enabled"] = True
                made.streams.append(listed[turn]["code"])
        turn += 1
    return made


def build(settings: Settings, folder: Path, sites: int, cameras: int, plan: dict[str, Any]) -> None:
    """Seed the state and write down what the sender needs."""
    province = large_province(sites, cameras)
    made = make_infrastructure(province)
    for switch in made.switches:
        switch["ports"] = 512 if "HUB" in switch["code"] or "CTRL" in switch["code"] else switch["ports"]
    for device in made.devices:  # all tell by themselves; how much of it goes through HTTP is the sender's business
        device["protocol"] = "push"
        device["poll_s"] = plan["telemetry_every_s"]
    box, who, at = SecretBox.from_file(folder / "secret.key"), Who.system("fleet"), datetime.now(UTC)
    database = open_state(settings)
    account = {"account": "supervisor", "name": "Supervisor", "roles": [Role.SUPERVISOR], "password": PASSWORD}
    add_account(database, who, at, account, must_change=False)
    actions.seed(
        database,
        box,
        who,
        at,
        sectors=province.sectors,
        towns=province.towns,
        sites=[*province.sites, *made.sites],
        cameras=province.cameras,
    )
    seed_infrastructure(database, box, at, made).write(folder)
    with database.read() as session:
        plan["camera_ids"] = {code: row_id for code, row_id in session.execute(select(Camera.code, Camera.id))}
        devices = session.execute(select(TelemetryDevice.code, TelemetryDevice.id))
        plan["device_ids"] = {code: row_id for code, row_id in devices}
    database.close()
    plan |= {"province": asdict(province), "infrastructure": asdict(made)}
    (folder / "fleet.json").write_text(json.dumps(plan), encoding="utf-8")


@dataclass(slots=True)
class Watched:
    """One process: CPU and memory over time."""

    process: subprocess.Popen[str]
    samples: list[tuple[float, float, int]] = field(default_factory=list)  # at_s, CPU s, bytes

    def sample(self) -> None:
        """Take a look. Raises `OSError` when it is gone."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1])
        self.samples.append((time.monotonic(), (int(stat[11]) + int(stat[12])) / _TICKS, pages * _PAGE))

    def cpu_pct(self, from_s: float, to_s: float) -> float:
        """Percent of a core between two times."""
        inside = [one for one in self.samples if from_s <= one[0] <= to_s]
        if len(inside) < 2:
            return 0.0
        return 100 * (inside[-1][1] - inside[0][1]) / (inside[-1][0] - inside[0][0])

    def peak_pct(self, over_s: float = 10.0) -> float:
        """The busiest span of this length."""
        return max((self.cpu_pct(one[0] - over_s, one[0]) for one in self.samples), default=0.0)

    def slope_mb_h(self) -> float:
        """Growth of memory over the second half."""
        half = self.samples[len(self.samples) // 2 :]
        if len(half) < 10:
            return 0.0
        return statistics.linear_regression([one[0] for one in half], [one[2] for one in half])[0] * 3600 / 1e6


@dataclass(slots=True)
class Browser:
    """What a browser would see of `/api/changes`."""

    kinds: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    silence_s: float = 0.0
    resets: int = 0
    per_s: Counter[int] = field(default_factory=Counter)

    async def follow(self, base: str, cookie: str, epoch: str, seq: int) -> None:
        """Until cancelled; a reset begins anew at the present."""
        last_s = time.monotonic()
        url = f"{base.replace('http', 'ws')}/api/changes"
        while True:
            headers = {"Cookie": cookie, "Origin": base}
            async with websockets.connect(
                f"{url}?epoch={epoch}&after={seq}", additional_headers=headers, max_size=None
            ) as socket:
                async for text in socket:
                    now_s = time.monotonic()
                    self.silence_s = max(self.silence_s, now_s - last_s)
                    last_s = now_s
                    told = json.loads(text)
                    self.bytes += len(text)
                    if told["type"] == "reset":
                        self.resets += 1
                        break
                    for change in told.get("changes", ()):
                        self.kinds[change["kind"]] += 1
                        self.per_s[int(now_s)] += 1
            async with httpx.AsyncClient(base_url=base, headers={"Cookie": cookie}) as client:
                fresh = (await client.get("/api/snapshot", timeout=30)).json()
                epoch, seq = fresh["epoch"], fresh["seq"]


async def sign_in(base: str) -> tuple[str, dict[str, Any], float]:
    """A session's cookie, the snapshot, and how long that took in s."""
    async with httpx.AsyncClient(base_url=base, timeout=60) as client:
        body = {"account": "supervisor", "password": PASSWORD}
        for _ in range(300):
            try:
                (await client.post("/api/session", json=body, headers={"X-Manara": "1"})).raise_for_status()
                break
            except httpx.ConnectError:
                await asyncio.sleep(0.2)
        else:
            raise SystemExit("control does not answer within a minute")
        began_s = time.monotonic()
        snapshot = (await client.get("/api/snapshot")).json()
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        return cookie, snapshot, time.monotonic() - began_s


async def run(folder: Path, base: str, watched: dict[str, Watched], plan: dict[str, Any]) -> dict[str, Any]:
    """Let it all play; the figures."""
    cookie, snapshot, took_s = await sign_in(base)
    browser = Browser()
    following = asyncio.create_task(browser.follow(base, cookie, snapshot["epoch"], snapshot["seq"]))
    began_s = time.monotonic()
    counted: list[dict[str, int]] = []
    async with httpx.AsyncClient(base_url=base, headers={"Cookie": cookie}, timeout=30) as client:
        while time.monotonic() - began_s < plan["seconds"]:
            await asyncio.sleep(1.0)
            for one in watched.values():
                one.sample()
            if following.done():
                following.result()
            if len(watched["control"].samples) % 15 == 0:
                counted.append(await _counts(client))
        counted.append(await _counts(client))
    following.cancel()
    storm = (began_s + plan["storm_at_s"], began_s + plan["storm_ends_s"])
    processes = {
        name: {
            "calm_pct": round(one.cpu_pct(began_s + 20, storm[0]), 1),
            "storm_pct": round(one.cpu_pct(*storm), 1),
            "whole_pct": round(one.cpu_pct(began_s, began_s + plan["seconds"]), 1),
            "busiest_10s_pct": round(one.peak_pct(), 1),
            "memory_mb": round(one.samples[-1][2] / 1e6),
            "slope_mb_h": round(one.slope_mb_h(), 1),
        }
        for name, one in watched.items()
    }
    return {
        "processes": processes,
        "client": {
            "snapshot_s": round(took_s, 2),
            "changes_per_s": round(sum(browser.kinds.values()) / plan["seconds"], 1),
            "busiest_second": max(browser.per_s.values(), default=0),
            "kbytes_per_s": round(browser.bytes / 1000 / plan["seconds"], 1),
            "longest_silence_s": round(browser.silence_s, 2),
            "resets": browser.resets,
            "kinds": dict(browser.kinds.most_common()),
        },
        "counts": counted[-1],
        "most_at_once": {name: max(one.get(name, 0) for one in counted) for name in counted[-1]},
    }


async def _counts(client: httpx.AsyncClient) -> dict[str, int]:
    """Alarms, and what health has to say of cameras, as a screen would count them."""
    snapshot = (await client.get("/api/snapshot")).json()
    states = Counter(one.get("main", {}).get("state", "") for one in snapshot["statuses"].values())
    alarms = snapshot.get("alarms", [])
    return {
        "cameras_recording": states["recording"],
        "cameras_lost_or_refused": states["lost"] + states["refused"],
        "cameras_with_a_condition": len(snapshot.get("healths", snapshot.get("health", []))),
        "alarms_open": len(alarms),
        "alarms_shown": sum(not one.get("group_id") and one.get("state") == "unacknowledged" for one in alarms),
    }


def start(folder: Path, settings_file: Path, role: str) -> Watched:
    """A role in a process of its own."""
    command = [sys.executable, "-m", "manara.cli", "--settings", str(settings_file), "--data", str(folder)]
    out = (folder / f"{role}.out").open("w", encoding="utf-8")
    return Watched(subprocess.Popen([*command, "run", "--role", role], stdout=out, stderr=out, text=True))


def helper(folder: Path, what: str) -> Watched:
    """The sender or the floor; `ready` when it works."""
    command = [sys.executable, "-m", "benchmarks.fleet_sender", what, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    if process.stdout.readline().strip() != "ready":
        raise SystemExit(f"the {what} did not start")
    return Watched(process)


def ended(one: Watched) -> dict[str, Any]:
    """What a helper counted."""
    told, _ = one.process.communicate("", timeout=30)
    result: dict[str, Any] = json.loads(told.strip().splitlines()[-1])
    return result


def measure(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """All of it in one folder."""
    port = free_port()
    seconds = given.minutes * 60
    plan: dict[str, Any] = {
        "seconds": seconds,
        "storm_at_s": round(seconds * 0.5),
        "storm_ends_s": round(seconds * 0.7),
        "push_pct": given.push_pct,
        "telemetry_every_s": given.every_s,
        "base_url": f"http://127.0.0.1:{port}",
    }
    file = folder / "manara.toml"
    file.write_text(f"[web]\nport = {port}\n", encoding="utf-8")
    settings = load(file, environ={}, flags={"data": {"directory": str(folder)}})
    build(settings, folder, given.sites, given.cameras, plan)
    journal = ServerProcess(folder)
    journal.start()
    watched: dict[str, Watched] = {}
    try:
        watched["control"] = start(folder, file, "control")
        watched["health"] = start(folder, file, "health")
        time.sleep(5)
        for name, one in watched.items():
            if one.process.poll() is not None:
                raise SystemExit(f"{name} ended:\n{(folder / f'{name}.out').read_text(encoding='utf-8')[-2000:]}")
        watched["floor"] = helper(folder, "floor")
        watched["sender"] = helper(folder, "speak")
        figures = asyncio.run(run(folder, plan["base_url"], watched, plan))
        figures["sent"] = ended(watched.pop("sender"))
        figures["floor_heard"] = ended(watched.pop("floor"))["heard"]
        return figures
    finally:
        for one in watched.values():
            one.process.terminate()
        for one in watched.values():
            try:
                one.process.wait(10)
            except subprocess.TimeoutExpired:
                one.process.kill()
        journal.stop()


def main() -> int:
    """Print the figures; 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description="Telemetry and health of a large network, without video.")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--sites", type=int, default=1000)
    parser.add_argument("--cameras", type=int, default=4000)
    parser.add_argument("--every-s", type=float, default=30.0, help="how often a device tells all its values")
    parser.add_argument("--push-pct", type=int, default=25, help="share of devices that push over HTTP through control")
    given = parser.parse_args()
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="manara-fleet-") as folder:
        figures = measure(Path(folder), given)
    for name, values in figures["processes"].items():
        print(f"{name:8} " + "  ".join(f"{key} {value:g}" for key, value in values.items()))
    control, health, floor = (figures["processes"][name]["whole_pct"] for name in ("control", "health", "floor"))
    print(f"control / floor {control / max(0.1, floor):.1f}, health / floor {health / max(0.1, floor):.1f}")
    for name in ("client", "sent", "counts", "most_at_once"):
        print(f"{name:8} {json.dumps(figures[name])}")
    machine = {"cpus": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version(),
               "load_before": round(load_before, 2), "load_after": round(os.getloadavg()[0], 2)}  # fmt: skip
    given_here = {"minutes": given.minutes, "sites": given.sites, "cameras": given.cameras}
    print(json.dumps({"figures": figures, "given": given_here, "on": machine}))
    sent = figures["sent"]
    print(
        f"readings: taken {sent['readings'] + sent['pushed']}, sent again {sent['sent_again']}, "
        f"lost {sent['lost']}, not taken {sent['not_taken']}, refused {sent['refused']}"
    )
    slope = figures["processes"]["control"]["slope_mb_h"]
    silence_s = figures["client"]["longest_silence_s"]
    print(f"control {control} % (limit {CONTROL_LIMIT_PCT:g}), silence {silence_s} s (limit {SILENCE_LIMIT_S:g})")
    if load_before > (os.cpu_count() or 1):
        print("the machine was busy before it began: these figures judge nothing")
        return 0
    grows = given.minutes >= 20 and slope > SLOPE_LIMIT_MB_H
    return int(control > CONTROL_LIMIT_PCT or silence_s > SILENCE_LIMIT_S or grows)


if __name__ == "__main__":
    sys.exit(main())
