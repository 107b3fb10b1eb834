"""What the recorders measure, brought to the screens: statuses of streams and disks, held in memory only.

A change of state or cause is shown at once; measurements (bitrate, frame rate …) at most every `MEASURES_S` a stream,
so that 10,000 cameras do not flood the browsers. A recorder that has gone silent makes its streams `lost` (cause
`recorder_silent`): an old status must never pass for a present one. Fed with `RecorderStatus` by `wiring.py`; writes
into `live.Hub`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from manara.base.clock import Clock
from manara.messages import DiskStatus, RecorderStatus, StreamStatus
from manara.web.live import Hub

MEASURES_S = 5.0
SILENT_S = 5.0
_AT_ONCE = ("state", "cause", "detail", "codec", "width", "height", "recorder_id", "since_us")


@dataclass(slots=True)
class _Stream:
    status: StreamStatus
    shown_s: float  # monotonic; when the screens last saw it


@dataclass(slots=True)
class _Recorder:
    last: RecorderStatus
    heard_s: float
    disks: list[DiskStatus]
    silent: bool = False


@dataclass(slots=True)
class Statuses:
    """The last known status of every stream and recorder."""

    hub: Hub
    clock: Clock
    unknown_cameras: int = 0  # statuses of cameras that the state does not know (removed a moment ago)
    _streams: dict[str, dict[str, _Stream]] = field(default_factory=dict)
    _recorders: dict[str, _Recorder] = field(default_factory=dict)

    def take(self, batch: RecorderStatus) -> None:
        """One second of one recorder."""
        now_s = self.clock.monotonic_s()
        known = self._recorders.get(batch.recorder_id)
        disks = batch.disks or (known.disks if known else [])
        self._recorders[batch.recorder_id] = _Recorder(batch, now_s, disks)
        touched: set[str] = set()
        for status in batch.streams:
            if not self.hub.has("camera", status.camera_id):
                self.unknown_cameras += 1
                continue
            if self._keep(status, now_s):
                touched.add(status.camera_id)
        if batch.complete:
            touched |= self._drop_missing(batch)
        self._show(touched)

    def tick(self) -> None:
        """Once a second: judge silent recorders and forget cameras that are gone."""
        now_s = self.clock.monotonic_s()
        for recorder_id, recorder in self._recorders.items():
            if not recorder.silent and now_s - recorder.heard_s > SILENT_S:
                recorder.silent = True
                self._show(self._silence(recorder_id, now_s))
        for camera_id in [id for id in self._streams if not self.hub.has("camera", id)]:
            del self._streams[camera_id]

    def recorder_of(self, camera_id: str) -> str | None:
        """The recorder that last spoke of this camera and is still heard, None when nobody does."""
        for stream in ("main", "sub"):
            kept = self._streams.get(camera_id, {}).get(stream)
            if kept is not None:
                recorder = self._recorders.get(kept.status.recorder_id)
                if recorder is not None and not recorder.silent:
                    return kept.status.recorder_id
        return None

    def recorders(self) -> list[dict[str, Any]]:
        """All recorders heard of, for the system screen."""
        now_s = self.clock.monotonic_s()
        return [
            {
                "recorder_id": id,
                "pid": recorder.last.pid,
                "address": recorder.last.address,
                "started_us": recorder.last.started_us,
                "at_us": recorder.last.at_us,
                "heard_s_ago": round(now_s - recorder.heard_s, 1),
                "silent": recorder.silent,
                "counters": recorder.last.counters,
                "streams": sum(
                    1
                    for streams in self._streams.values()
                    for kept in streams.values()
                    if kept.status.recorder_id == id
                ),
            }
            for id, recorder in sorted(self._recorders.items())
        ]

    def disks(self) -> list[dict[str, Any]]:
        """All recording disks; several recorders on one disk are joined, the worst state counts."""
        worst = {"ok": 0, "slow": 1, "full": 2, "failed": 3}
        joined: dict[str, dict[str, Any]] = {}
        for recorder in self._recorders.values():
            for disk in recorder.disks:
                value = joined.setdefault(
                    disk.path,
                    {
                        "path": disk.path,
                        "state": disk.state,
                        "cause": disk.cause,
                        "total_bytes": disk.total_bytes,
                        "free_bytes": disk.free_bytes,
                        "archive_bytes": 0,
                        "queued_bytes": 0,
                        "write_mbps": 0.0,
                        "slowest_write_ms": 0.0,
                    },
                )
                value["archive_bytes"] += disk.archive_bytes
                value["queued_bytes"] += disk.queued_bytes
                value["write_mbps"] = round(value["write_mbps"] + disk.write_bytes_per_s * 8 / 1e6, 2)
                value["slowest_write_ms"] = max(value["slowest_write_ms"], disk.slowest_write_ms)
                if worst.get(disk.state, 3) > worst.get(value["state"], 3):
                    value["state"], value["cause"] = disk.state, disk.cause
        return [joined[path] for path in sorted(joined)]

    def _keep(self, status: StreamStatus, now_s: float) -> bool:
        streams = self._streams.setdefault(status.camera_id, {})
        before = streams.get(status.stream)
        if before is not None:
            at_once = any(getattr(before.status, name) != getattr(status, name) for name in _AT_ONCE)
            if not at_once and now_s - before.shown_s < MEASURES_S:
                before.status = status
                return False
        streams[status.stream] = _Stream(status, now_s)
        return True

    def _drop_missing(self, batch: RecorderStatus) -> set[str]:
        """Streams that this recorder had and no longer lists."""
        listed = {(status.camera_id, status.stream) for status in batch.streams}
        gone: set[str] = set()
        for camera_id, streams in self._streams.items():
            for name in [
                name
                for name, kept in streams.items()
                if kept.status.recorder_id == batch.recorder_id and (camera_id, name) not in listed
            ]:
                del streams[name]
                gone.add(camera_id)
        return gone

    def _silence(self, recorder_id: str, now_s: float) -> set[str]:
        touched: set[str] = set()
        for camera_id, streams in self._streams.items():
            for name, kept in streams.items():
                if kept.status.recorder_id == recorder_id and kept.status.state != "stopped":
                    status = msgspec.structs.replace(
                        kept.status,
                        state="lost",
                        cause="recorder_silent",
                        since_us=self.clock.wall_us() - round((now_s - self._recorders[recorder_id].heard_s) * 1e6),
                        bitrate_bps=0,
                        frame_rate_hz=0.0,
                    )
                    streams[name] = _Stream(status, now_s)
                    touched.add(camera_id)
        return touched

    def _show(self, camera_ids: Iterable[str]) -> None:
        for camera_id in camera_ids:
            streams = self._streams.get(camera_id)
            if streams and self.hub.has("camera", camera_id):
                self.hub.put(
                    "status", camera_id, {name: msgspec.to_builtins(kept.status) for name, kept in streams.items()}
                )
            else:
                self.hub.delete("status", camera_id)
