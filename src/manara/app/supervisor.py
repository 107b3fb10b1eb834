"""Keeps the roles of one machine alive: starts them, starts again what dies, stops all in order. Knows no role's job.

Each role is a process of its own, in a session of its own (so Ctrl-C reaches only us) and asked by the kernel to stop
if we die. What it does is told in the log, as `RoleRestarted` to whoever passed `on_restart`, and in `<data>/run/
supervisor.json`, which the web shows. Stopping: SIGTERM to all but the last group, then to the last (the journal, since
the others still tell it things), SIGKILL for whoever is left when its time is up. Called by `up.py`.
"""

import asyncio
import ctypes
import json
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from manara.app.restarts import Restarts

log = logging.getLogger(__name__)

# glibc keeps freed memory by thread: with two pools for all of a role's threads, control takes 27 MB less, health 39.
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"}

STOP_S = 3.8  # for everybody but the last group
ALL_STOP_S = 4.7  # for both groups: stopping may take 5 s
_PR_SET_PDEATHSIG = 1

OnRestart = Callable[[str, int, int], Awaitable[None]]  # role, exit code, restarts so far


@dataclass(frozen=True, slots=True)
class Role:
    """A process to keep alive."""

    name: str
    command: Sequence[str]
    last: bool = False  # stopped after all others
    output: Path | None = None  # where its output goes; None = ours


@dataclass(slots=True)
class _Kept:
    role: Role
    restarts: Restarts = field(default_factory=Restarts)
    process: asyncio.subprocess.Process | None = None
    state: str = "waiting"
    started_us: int = 0
    exit_code: int | None = None
    next_try_us: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """The processes of one `manara up`."""

    def __init__(self, run_folder: Path, on_restart: OnRestart | None = None) -> None:
        self._file = run_folder / "supervisor.json"
        self._on_restart = on_restart
        self._kept: dict[str, _Kept] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = False
        self._started_us = time.time_ns() // 1000

    def start(self, role: Role) -> None:
        """Begin to keep a role alive; of one that is kept already, the command counts from its next start. Returns at
        once.
        """
        if role.name in self._kept:
            self._kept[role.name].role = role
            return
        kept = _Kept(role)
        self._kept[role.name] = kept
        self._tasks[role.name] = asyncio.create_task(self._keep(kept), name=f"keep-{role.name}")

    def pid(self, name: str) -> int | None:
        """The process that plays a role now, None while there is none."""
        process = self._kept[name].process
        return process.pid if process is not None and process.returncode is None else None

    async def _keep(self, kept: _Kept) -> None:
        while not self._stopping:
            began_s = time.monotonic()
            try:
                kept.process = await self._spawn(kept.role)
            except OSError as error:
                kept.exit_code, kept.process = 127, None
                log.error("role cannot be started", extra={"started": kept.role.name, "reason": str(error)})
            else:
                kept.state, kept.started_us = "running", time.time_ns() // 1000
                log.info("role started", extra={"started": kept.role.name, "pid": kept.process.pid})
                self._tell_state()
                kept.exit_code = await kept.process.wait()
            if self._stopping:
                break
            wait_s = kept.restarts.died(time.monotonic() - began_s)
            kept.state, kept.next_try_us = "restarting", round(time.time() * 1e6 + wait_s * 1e6)
            log.error(
                "role died and is started again",
                extra={
                    "died": kept.role.name,
                    "exit": describe_exit(kept.exit_code),
                    "restarts": kept.restarts.count,
                    "wait_s": wait_s,
                },
            )
            self._tell_state()
            if self._on_restart is not None:
                await self._on_restart(kept.role.name, kept.exit_code, kept.restarts.count)
            await asyncio.sleep(wait_s)
        kept.state = "stopped"
        kept.gone.set()

    async def _spawn(self, role: Role) -> asyncio.subprocess.Process:
        output = role.output.open("ab") if role.output is not None else None
        try:
            return await asyncio.create_subprocess_exec(
                *role.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=_ENVIRONMENT | dict(os.environ),
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        finally:
            if output is not None:
                output.close()

    async def stop(self) -> None:
        """Stop all, the last group last. Returns when nobody is left, within about 5 s."""
        self._stopping = True
        began_s = time.monotonic()
        await self._stop_group([kept for kept in self._kept.values() if not kept.role.last], STOP_S)
        left_s = max(0.5, ALL_STOP_S - (time.monotonic() - began_s))
        await self._stop_group([kept for kept in self._kept.values() if kept.role.last], left_s)
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for kept in self._kept.values():
            kept.state = "stopped"
        self._tell_state()
        log.info("all roles have stopped", extra={"took_s": round(time.monotonic() - began_s, 2)})

    async def _stop_group(self, group: Sequence[_Kept], patience_s: float) -> None:
        running = [kept.process for kept in group if kept.process is not None and kept.process.returncode is None]
        for process in running:
            _signal(process, signal.SIGTERM)
        waits = [asyncio.create_task(process.wait()) for process in running]
        if not waits:
            return
        _, late = await asyncio.wait(waits, timeout=patience_s)
        for kept in group:
            if kept.process is not None and kept.process.returncode is None:
                log.error(
                    "role did not stop in time and is killed",
                    extra={"killed": kept.role.name, "waited_s": round(patience_s, 1)},
                )
                _signal(kept.process, signal.SIGKILL)
        if late:
            await asyncio.wait(late, timeout=1.0)

    def _tell_state(self) -> None:
        told = {
            "pid": os.getpid(),
            "started_us": self._started_us,
            "processes": [
                {
                    "name": kept.role.name,
                    "pid": self.pid(kept.role.name),
                    "state": kept.state,
                    "started_us": kept.started_us,
                    "restarts": kept.restarts.count,
                    "exit_code": kept.exit_code,
                    "next_try_us": kept.next_try_us if kept.state == "restarting" else None,
                }
                for kept in self._kept.values()
            ],
        }
        part = self._file.with_suffix(".part")
        try:
            part.write_text(json.dumps(told), encoding="utf-8")
            part.replace(self._file)
        except OSError as error:
            log.error("state of the roles cannot be written", extra={"file": str(self._file), "reason": error.strerror})


def describe_exit(code: int | None) -> str:
    """An exit code in words: `SIGKILL` or `status 1`."""
    if code is None:
        return "unknown"
    if code < 0:
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"
    return f"status {code}"


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except ProcessLookupError:
        log.debug("process was gone already", extra={"pid": process.pid})


_LIBC = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    """Runs in the child before it becomes the role: ask the kernel for SIGTERM when the supervisor dies."""
    if hasattr(_LIBC, "prctl"):
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
