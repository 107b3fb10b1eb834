"""The simulate role (virtual cameras on loopback), and orders to one that runs (`manara simulate fault …`).

`python -m manara.app.simulators` is `manara run --role simulate` without the other commands behind it.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from manara.app import alone
from manara.base.errors import InvalidInput, Unavailable
from manara.settings import Settings
from manara.simulate.province import DEMO_PASSWORD, DEMO_USERNAME
from manara.simulate.role import run_simulator

Say = Callable[[str], None]
ANSWER_S = 5.0


async def run_simulate(settings: Settings, stop: asyncio.Event) -> None:
    """Serve the cameras of the province that stream until `stop` is set."""
    await run_simulator(settings, stop)


async def run_clip(settings: Settings, clip: Path, stop: asyncio.Event, say: Say) -> None:
    """Serve cameras that all play a file. Raises `InvalidInput` where it is no video, `OSError` for a taken port."""
    say(f"virtual cameras play {clip}: rtsp://127.0.0.1:{settings.simulate.rtsp_port}/cam/CODE/main")
    say(f"account {DEMO_USERNAME}, password {DEMO_PASSWORD}; Ctrl-C stops them")
    await run_simulator(settings, stop, clip=clip)


def _ask(settings: Settings, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """One order to the running simulation. Raises `Unavailable` when none runs, `InvalidInput` when it refuses."""
    address = f"http://127.0.0.1:{settings.simulate.onvif_port}/control{path}"
    try:
        answer = httpx.request(method, address, json=body, headers={"X-Manara": "1"}, timeout=ANSWER_S, trust_env=False)
        told: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise Unavailable(
            f"No simulation answers at {address}: start `manara demo`, or name its port with simulate.onvif_port.",
            code="simulation_away",
        ) from error
    if answer.status_code != 200:
        raise InvalidInput(str(told.get("message", answer.status_code)), code=str(told.get("error", "refused")))
    return told


def fault(settings: Settings, kind: str, at: str, seconds: float | None, say: Say) -> int:
    """Make something wrong."""
    made = _ask(settings, "POST", "/trouble", {"kind": kind, "at": at, "seconds": seconds})
    harmed = f"; cameras without use: {', '.join(made['cameras'])}" if made["cameras"] else ""
    say(f"{made['id']}: {kind} at {made['at']}, to be found as {made['cause']}{harmed}")
    return 0


def heal(settings: Settings, fault_id: str, say: Say) -> int:
    """Put one fault right, or all."""
    if fault_id == "all":
        healed = _ask(settings, "DELETE", "/trouble")["healed"]
    else:
        healed = [_ask(settings, "DELETE", f"/trouble/{fault_id}")]
    say(f"healed: {', '.join(one['id'] for one in healed) or 'nothing was wrong'}")
    return 0


def show(settings: Settings, say: Say) -> int:
    """What is wrong now, and what could be."""
    told = _ask(settings, "GET", "/trouble")
    for one in told["active"]:
        say(f"{one['id']}  {one['kind']} at {one['at']}, {len(one['cameras'])} cameras ({one['by']})")
    if not told["active"]:
        say("nothing is wrong")
    say("")
    for name, kind in told["kinds"].items():
        say(f"  {name:16} --{kind['where']:8} {kind['words']}")
    return 0


def play(settings: Settings) -> None:
    """Be the simulate role until a signal."""
    alone.until_a_signal("simulate", settings, lambda stop: run_simulate(settings, stop))


if __name__ == "__main__":
    alone.main("simulate", lambda settings, _given: play(settings))
