"""The supervisor on small processes: what dies is started again and told of; stopping is in order and in time."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from manara.app.supervisor import Role, Supervisor, describe_exit
from tests.support.patience import LONG_S, patience_s


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


async def until(condition: Callable[[], Any], timeout_s: float = LONG_S) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


def test_a_role_that_dies_is_started_again_counted_and_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []

    async def on_restart(role: str, code: int, restarts: int) -> None:
        told.append((role, code, restarts))

    async def play() -> None:
        supervisor = Supervisor(tmp_path, on_restart)
        supervisor.start(Role("steady", python("import time; time.sleep(60)")))
        supervisor.start(Role("dying", python("raise SystemExit(3)")))
        await until(lambda: len(told) >= 2)
        state = json.loads((tmp_path / "supervisor.json").read_text())
        roles = {role["name"]: role for role in state["processes"]}
        assert roles["steady"]["state"] == "running"
        assert roles["steady"]["pid"] == supervisor.pid("steady")
        assert roles["dying"]["restarts"] >= 2
        assert roles["dying"]["exit_code"] == 3
        await supervisor.stop()
        stopped = json.loads((tmp_path / "supervisor.json").read_text())["processes"]
        assert {role["state"] for role in stopped} == {"stopped"}

    asyncio.run(play())
    assert told[:2] == [("dying", 3, 1), ("dying", 3, 2)]


def test_a_program_that_is_not_there_is_tried_again_and_does_not_end_the_others(tmp_path: Path) -> None:
    async def play() -> None:
        supervisor = Supervisor(tmp_path)
        supervisor.start(Role("missing", [str(tmp_path / "nothing")]))
        supervisor.start(Role("steady", python("import time; time.sleep(60)")))
        await until(lambda: supervisor.pid("steady") and (tmp_path / "supervisor.json").exists())
        await until(lambda: json.loads((tmp_path / "supervisor.json").read_text())["processes"][0]["restarts"] >= 1)
        assert supervisor.pid("missing") is None
        await supervisor.stop()

    asyncio.run(play())


def test_the_last_role_stops_after_the_others_and_the_stubborn_are_killed(tmp_path: Path) -> None:
    told = tmp_path / "told"
    polite = (
        "import signal, sys, time\n"
        "def stop(*_):\n"
        "    time.sleep(float(sys.argv[2])); open(sys.argv[1], 'a').write(sys.argv[3] + '\\n'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        "open(sys.argv[1], 'a').write('up\\n')\n"
        "while True: time.sleep(1)\n"
    )
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "open({!r}, 'a').write('up\\n')\n"
        "while True: time.sleep(1)\n"
    )

    async def play() -> None:
        supervisor = Supervisor(tmp_path)
        supervisor.start(Role("journal", [*python(polite), str(told), "0", "journal"], last=True))
        supervisor.start(Role("recorder", [*python(polite), str(told), "0.3", "recorder"]))
        supervisor.start(Role("stubborn", python(stubborn.format(str(told)))))
        await until(lambda: told.exists() and told.read_text().count("up") == 3)
        pid = supervisor.pid("stubborn")
        began_s = time.monotonic()
        await supervisor.stop()
        assert time.monotonic() - began_s < patience_s(5)
        assert not Path(f"/proc/{pid}").exists()

    asyncio.run(play())
    assert told.read_text().split()[3:] == ["recorder", "journal"]


def test_exits_are_said_in_words() -> None:
    assert describe_exit(-9) == "SIGKILL"
    assert describe_exit(1) == "status 1"
    assert describe_exit(None) == "unknown"
    assert describe_exit(-200) == "signal 200"
