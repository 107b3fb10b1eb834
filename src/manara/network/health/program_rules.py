"""Conditions of the program itself: recorders that fall silent, disks, roles that keep dying, stuck handlers. Pure."""

from collections import deque
from dataclasses import dataclass, field

from manara.messages import DiskStatus, RecorderStatus
from manara.network.health.conditions import Latches, S
from manara.network.health.kinds import subject

SILENT_S = 5.0  # a recorder speaks each second; the screens judge it the same
RESTARTS, RESTARTS_WITHIN_S = 2, 600.0  # one restart mends itself and is told by the system screen
DISK_KINDS = {"slow": "disk_slow", "full": "disk_full", "failed": "disk_failed"}
DISK_OFF_S = 10.0
SLOW_ON_S = 10.0


@dataclass(slots=True)
class ProgramRules:
    """The rules of recorders, disks and roles."""

    latches: Latches
    _heard_us: dict[str, int] = field(default_factory=dict)
    _restarts: dict[str, deque[int]] = field(default_factory=dict)

    def status(self, status: RecorderStatus, at_us: int) -> None:
        """A recorder spoke."""
        self._heard_us[status.recorder_id] = at_us
        self.latches.feed("recorder_silent", subject("recorder", status.recorder_id), False, at_us, off_s=2.0)
        for disk in status.disks:
            self.disk(status.recorder_id, disk, at_us)

    def disk(self, recorder_id: str, disk: DiskStatus, at_us: int) -> None:
        """The state of one of its disks."""
        of = subject("disk", f"{recorder_id}|{disk.path}"[:300])
        for state, kind in DISK_KINDS.items():
            so = disk.state == state
            if so or self.latches.is_active(kind, of):
                detail = {"cause": disk.cause, "free_bytes": disk.free_bytes} if so else None
                on_s = SLOW_ON_S if state == "slow" else 0.0
                self.latches.feed(kind, of, so, at_us, on_s=on_s, off_s=DISK_OFF_S, detail=detail)

    def silent(self, at_us: int) -> list[tuple[str, int]]:
        """Judge who has not been heard; returns those that are silent now, with when they last spoke."""
        found = []
        for recorder_id, heard_us in self._heard_us.items():
            if at_us - heard_us > SILENT_S * S:
                of = subject("recorder", recorder_id)
                self.latches.feed("recorder_silent", of, True, at_us, since_us=heard_us)
                found.append((recorder_id, heard_us))
        return found

    def deaf(self, at_us: int) -> None:
        """We ourselves heard nothing (the journal was away): nobody is to blame for the silence."""
        self._heard_us = dict.fromkeys(self._heard_us, at_us)

    def expect(self, recorder_id: str, at_us: int) -> None:
        """A recorder was silent when we stopped: still so until it speaks."""
        self._heard_us.setdefault(recorder_id, at_us)

    def restarted(self, role: str, at_us: int) -> None:
        """The supervisor restarted a role."""
        times = self._restarts.setdefault(role, deque(maxlen=16))
        times.append(at_us)
        self._judge(role, at_us)

    def tick(self, at_us: int) -> None:
        """Time passed."""
        for role in list(self._restarts):
            self._judge(role, at_us)

    def stuck(self, reader: str, at_us: int, *, so: bool, reason: str = "") -> None:
        """A handler of facts keeps failing, or goes on."""
        self.latches.feed(
            "handler_stuck", subject("role", reader), so, at_us, off_s=10.0, detail={"cause": reason[:200]}
        )

    def _judge(self, role: str, at_us: int) -> None:
        times = self._restarts[role]
        while times and at_us - times[0] > RESTARTS_WITHIN_S * S:
            times.popleft()
        detail = {"value": float(len(times))}
        self.latches.feed("role_restarted", subject("role", role), len(times) >= RESTARTS, at_us, detail=detail)
        if not times:
            del self._restarts[role]
