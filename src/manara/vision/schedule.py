"""Which camera is looked at next: all evenly, suspicious ones sooner, never more than the budget. Pure, no clock.

A camera's place in the round comes from its id, so that cameras added together are not looked at together. A camera
that is late by a whole round has missed a look: it is counted and not made up for. Called by `role.py`.
"""

import heapq
import zlib
from dataclasses import dataclass, field


@dataclass(slots=True)
class Schedule:
    """When each camera is due, on the monotonic clock. `every_s` for a calm camera, `soon_s` for a suspicious one."""

    every_s: float
    soon_s: float
    skipped: int = 0
    lag_s: float = 0.0  # how late the last look was
    _due: dict[str, float] = field(default_factory=dict)
    _heap: list[tuple[float, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._due)

    def set(self, cameras: set[str], now_s: float) -> None:
        """Make these the cameras to look at."""
        for gone in self._due.keys() - cameras:
            del self._due[gone]
        for camera_id in cameras - self._due.keys():
            place = zlib.crc32(camera_id.encode()[::-1]) % 10_000 / 10_000
            self._put(camera_id, now_s + place * self.every_s)

    def take(self, now_s: float) -> str | None:
        """The camera that is most overdue, None when nobody is due. Whoever takes one must give it back (`done`)."""
        while self._heap and self._heap[0][0] <= now_s:
            due_s, camera_id = heapq.heappop(self._heap)
            if self._due.get(camera_id) != due_s:
                continue  # changed or removed since
            self.lag_s = now_s - due_s
            missed = int(self.lag_s // self.every_s)
            self.skipped += missed
            return camera_id
        return None

    def wait_s(self, now_s: float) -> float:
        """How long until somebody is due; at most a second."""
        return max(0.0, min(1.0, self._heap[0][0] - now_s)) if self._heap else 1.0

    def done(self, camera_id: str, now_s: float, *, soon: bool) -> None:
        """The camera was looked at (or could not be). Calm cameras keep their place in the round."""
        before_s = self._due.get(camera_id)
        if before_s is None:
            return
        if soon:
            self._put(camera_id, now_s + self.soon_s)
            return
        rounds = max(1, int((now_s - before_s) // self.every_s) + 1)
        self._put(camera_id, before_s + rounds * self.every_s)

    def _put(self, camera_id: str, due_s: float) -> None:
        self._due[camera_id] = due_s
        heapq.heappush(self._heap, (due_s, camera_id))
