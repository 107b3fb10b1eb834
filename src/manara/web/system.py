"""How the program itself is doing: processes, disks, journal, recorders, and what a person should be warned of.

Processes come from the supervisor's file (`run/supervisor.json`) and `/proc`; the rest from memory. Warnings are
codes with details, translated in the browser; they are shown to everybody in the snapshot (`system`), the whole only
by permission.
"""

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from manara import __version__
from manara.web.services import Services

RELAY_LATE_S = 10.0
RESTARTED_S = 600.0  # for so long a role that died is told to everybody
FILE_MAX_BYTES = 1_000_000
_TICKS_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class ProcessTimes:
    """CPU shares of processes between two looks."""

    _last: dict[int, tuple[float, float]] = field(default_factory=dict)

    def look(self, pid: int) -> tuple[float | None, int | None]:
        """CPU share in percent of one core since the last look (None at the first), and resident bytes."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
            pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        except (OSError, ValueError, IndexError):
            self._last.pop(pid, None)
            return None, None
        fields = stat.rpartition(")")[2].split()
        used_s = (int(fields[11]) + int(fields[12])) / _TICKS_S
        now_s = time.monotonic()
        before = self._last.get(pid)
        if len(self._last) > 10_000:
            self._last.clear()
        self._last[pid] = (used_s, now_s)
        share = None
        if before is not None and now_s > before[1]:
            share = round(100 * (used_s - before[0]) / (now_s - before[1]), 1)
        return share, pages * _PAGE_BYTES


class System:
    """Answers for the system screen."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._times = ProcessTimes()

    def view(self, outbox_waiting: tuple[int, int | None] = (0, None)) -> dict[str, Any]:
        """Everything, for those who may see it."""
        services = self._services
        return {
            "version": __version__,
            "processes": self.processes(),
            "disks": services.statuses.disks(),
            "journal": self.journal(outbox_waiting),
            "recorders": services.statuses.recorders(),
            "health": {"silent_since_us": services.vitals.silent_since_us, "counters": services.vitals.counters},
            "warnings": self.warnings(outbox_waiting),
        }

    def summary(self, outbox_waiting: tuple[int, int | None] = (0, None)) -> dict[str, Any]:
        """What everybody sees in the snapshot."""
        # The count is there so that a restart too short for a warning still makes the screens ask again.
        restarts = sum(int(process.get("restarts") or 0) for process in self._supervisor())
        return {"version": __version__, "restarts": restarts, "warnings": self.warnings(outbox_waiting)}

    def processes(self) -> list[dict[str, Any]]:
        """The supervisor's children with their share of the machine; without a supervisor this process alone."""
        known = self._supervisor()
        if not known:
            known = [{"name": "control", "pid": os.getpid(), "state": "running", "started_us": None, "restarts": 0}]
        shown = []
        for process in known:
            pid = process.get("pid")
            cpu_pct, memory_bytes = self._times.look(pid) if isinstance(pid, int) and pid > 0 else (None, None)
            shown.append({**process, "cpu_pct": cpu_pct, "memory_bytes": memory_bytes})
        return shown

    def journal(self, outbox_waiting: tuple[int, int | None]) -> dict[str, Any]:
        """Whether the journal answers, what passed through it, and what waits for it."""
        journal = self._services.journal
        counters = journal.counters
        return {
            "connected": journal.connected,
            "published": counters.published,
            "handled": counters.handled,
            "handler_failures": counters.handler_failures,
            "reconnects": counters.reconnects,
            "outbox_waiting": outbox_waiting[0],
            "outbox_since_us": outbox_waiting[1],
        }

    def warnings(self, outbox_waiting: tuple[int, int | None]) -> list[dict[str, Any]]:
        """What somebody should look at."""
        services = self._services
        found: list[dict[str, Any]] = []
        if not services.journal.connected:
            found.append(_warning("journal_away", "The journal does not answer; changes reach the recorders late."))
        waiting, since_us = outbox_waiting
        if since_us is not None and services.clock.wall_us() - since_us > RELAY_LATE_S * 1_000_000:
            found.append(_warning("outbox_late", f"{waiting} messages wait for the journal.", waiting=waiting))
        if services.duty.undelivered:
            count = services.duty.undelivered
            found.append(_warning("notifications_late", f"{count} notifications could not be sent.", waiting=count))
        for disk in services.statuses.disks():
            if disk["state"] != "ok":
                words = f"Disk {disk['path']} is {disk['state']}."
                found.append(_warning("disk", words, path=disk["path"], state=disk["state"], cause=disk["cause"]))
        for recorder in services.statuses.recorders():
            if recorder["silent"]:
                name = recorder["recorder_id"]
                found.append(_warning("recorder_silent", f"Recorder {name} is not heard.", recorder_id=name))
        if services.vitals.silent_since_us is not None:
            words = "The health role is not heard; power, links and causes are not known."
            found.append(_warning("health_silent", words, since_us=services.vitals.silent_since_us))
        for process in self._supervisor():
            if process.get("state") not in ("running", "starting", None):
                name = str(process.get("name", ""))[:80]
                found.append(_warning("process", f"{name} is {process['state']}.", name=name, state=process["state"]))
            elif restarts := int(process.get("restarts") or 0):
                started_us = int(process.get("started_us") or 0)
                if services.clock.wall_us() - started_us < RESTARTED_S * 1_000_000:
                    name = str(process.get("name", ""))[:80]
                    words = f"{name} ended unexpectedly and was started again."
                    found.append(_warning("restarted", words, name=name, at_us=started_us, restarts=restarts))
        return found

    def _supervisor(self) -> Sequence[Mapping[str, Any]]:
        path = self._services.settings.data.directory / "run" / "supervisor.json"
        try:
            with path.open("rb") as file:
                state = json.loads(file.read(FILE_MAX_BYTES))
        except (OSError, ValueError):
            return []  # not started by the supervisor, or it is just writing
        processes = state.get("processes", []) if isinstance(state, dict) else []
        return [process for process in processes if isinstance(process, dict)]


def _warning(code: str, message: str, **detail: Any) -> dict[str, Any]:
    return {"code": code, "message": message, "detail": detail}
