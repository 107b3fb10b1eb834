"""What a stream's status says of a camera, without a picture: conditions from `StreamStatus`. Pure; time comes in.

Fed with each status of a camera's streams as it comes (`feed`) and once a second with the time (`tick`). Bit rate,
frame rate and GOP are judged against the camera's own learned normal (`normals.py`), never against a fixed number:
a quiet street at night is not a fault. While a site sheds load its cameras are meant to give less, and are not judged
for it (`shedding`); where the sub-stream is recorded instead of the main one, it is the sub-stream that can be lost.
Thresholds have their reasons beside them. Called by `monitor.py`; tells `conditions.Latches`.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from manara.messages import StreamStatus
from manara.network.health.beginnings import Beginnings
from manara.network.health.conditions import Latches, S
from manara.network.health.kinds import STREAM_CONDITIONS, subject
from manara.network.health.normals import Learned

PLAYING = ("recording", "live_only")
CONNECTING_S = 25.0  # a connection is tried for 10 s; a stream that has only ever been connecting is not there
LOST_OFF_S = 3.0  # it plays again: believed after this, so that a stream that comes and goes does not chatter
FLAPPING_OFF_S = 60.0  # and after this while it keeps restarting
MEASURE_EVERY_S = 5.0
SETTLED_S = 30.0  # measures of a stream that has just begun mean nothing
BITRATE_FACTOR = 3.0  # scenes double their bit rate (rain, headlights); a threefold change is the encoder's or a fault
SIGMAS = 6.0
BITRATE_ON_S, BITRATE_OFF_S = 120.0, 60.0
FRAME_RATE_PART, FRAME_RATE_BACK = 0.7, 0.85  # of its normal; long exposures at night take a quarter at most
FRAME_RATE_ON_S, FRAME_RATE_OFF_S = 30.0, 30.0
GOP_FACTOR = 1.6
GOP_ON_S, GOP_OFF_S = 120.0, 60.0
DRIFT_ON_MS, DRIFT_OFF_MS = 2000.0, 1000.0  # NTP keeps 100 ms; at 2 s pictures of two cameras no longer fit together
DRIFT_ON_S, DRIFT_OFF_S = 60.0, 60.0
RESTARTS, RESTARTS_WITHIN_S = 4, 600.0
RESTARTS_BACK = 1
LOSS_ON_PCT, LOSS_OFF_PCT = 1.0, 0.3  # above one packet in a hundred, most GOPs are damaged
LOSS_WINDOW_S, LOSS_ON_S, LOSS_OFF_S = 30.0, 10.0, 30.0
PACKET_BYTES = 1200


@dataclass(slots=True)
class _Stream:
    status: StreamStatus
    since_state_us: int
    measured_us: int = 0
    played_us: int = 0
    restarts: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=64))  # when, how many
    losses: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=16))  # when, packets lost so far


def _changed(before: StreamStatus | None, now: StreamStatus) -> bool:
    """Whether there is something to judge: also where only now it is told that it ever played."""
    return before is None or _said(before) != _said(now)


def _said(status: StreamStatus) -> tuple[str, str, str, bool]:
    return status.state, status.cause, status.recorder_id, bool(status.last_frame_us)


def _shed(known: _Stream | None) -> bool:
    """Closed by ourselves, to save its site's power."""
    return known is not None and known.status.state == "stopped" and known.status.cause == "shed"


@dataclass(slots=True)
class StreamRules:
    """The rules of all cameras' streams. `closed`: cameras that are shed, of which nothing is seen just now."""

    latches: Latches
    timezone: tzinfo
    normals: dict[str, dict[str, Learned]] = field(default_factory=dict)
    shedding: set[str] = field(default_factory=set)  # cameras that are meant to give less just now
    closed: set[str] = field(default_factory=set)
    _streams: dict[str, _Stream] = field(default_factory=dict)  # main streams
    _subs: dict[str, _Stream] = field(default_factory=dict)
    beginnings: Beginnings = field(default_factory=Beginnings)
    _waiting: set[str] = field(default_factory=set)  # cameras whose state may mean more as time passes

    def feed(self, status: StreamStatus, at_us: int) -> None:
        """One status. A sub-stream, open only while somebody watches, says nothing of a camera unless it stands in."""
        if status.stream != "main":
            before = self._keep(self._subs, status, at_us)
            if _changed(before, status) and _shed(self._streams.get(status.camera_id)):
                self._state(self._judged(status.camera_id), at_us)
            return
        before = self._keep(self._streams, status, at_us)
        known = self._streams[status.camera_id]
        if _changed(before, status):
            if _shed(known) and (sub := self._subs.get(status.camera_id)) is not None:
                sub.since_state_us = at_us  # it stands in from now on: what it was before is over
            self._state(self._judged(status.camera_id), at_us)
        if before is not None:
            self._count(known, before, at_us)
        if status.state in PLAYING and at_us - known.measured_us >= MEASURE_EVERY_S * S:
            known.measured_us = at_us
            self._measure(known, at_us)

    def tick(self, at_us: int) -> None:
        """Time passed: a stream that is connecting for ever is lost."""
        for camera_id in list(self._waiting):
            self._state(self._judged(camera_id), at_us)

    def silent(self, recorder_id: str, at_us: int, since_us: int) -> list[str]:
        """Nothing is heard of a recorder: what it last said of its cameras is no longer so. Returns the cameras."""
        found = []
        for camera_id in self._streams:
            known = self._judged(camera_id)
            if known.status.recorder_id == recorder_id and known.status.state != "stopped":
                found.append(camera_id)
                detail = {"cause": "recorder_silent", "recorder_id": recorder_id}
                self.latches.feed(
                    "video_lost", subject("camera", camera_id), True, at_us, on_s=15.0, since_us=since_us, detail=detail
                )
        return found

    def forget(self, camera_id: str, at_us: int) -> None:
        """The camera is gone, or no longer wanted."""
        self._streams.pop(camera_id, None)
        self._subs.pop(camera_id, None)
        self._waiting.discard(camera_id)
        self.closed.discard(camera_id)
        for kind in STREAM_CONDITIONS:
            self.latches.end(kind, subject("camera", camera_id), at_us)

    def cameras(self) -> set[str]:
        """Those that anything was heard of."""
        return set(self._streams)

    def status_of(self, camera_id: str) -> StreamStatus | None:
        """The last status, None where none was heard."""
        known = self._streams.get(camera_id)
        return None if known is None else known.status

    # ---- inside

    @staticmethod
    def _keep(streams: dict[str, _Stream], status: StreamStatus, at_us: int) -> StreamStatus | None:
        """Keep a status; returns the one before it."""
        known = streams.get(status.camera_id)
        if known is None:
            streams[status.camera_id] = _Stream(status, at_us)
            return None
        before, known.status = known.status, status
        if before.state != status.state:
            known.since_state_us = at_us
        return before

    def _judged(self, camera_id: str) -> _Stream:
        """The stream by which a camera is judged: the main one, or the sub-stream that is recorded instead of it."""
        main, sub = self._streams[camera_id], self._subs.get(camera_id)
        return sub if _shed(main) and sub is not None and not _shed(sub) else main

    def _state(self, known: _Stream, at_us: int) -> None:
        status = known.status
        camera = subject("camera", status.camera_id)
        lost = refused = False
        waited_s = (at_us - known.since_state_us) / S
        self._waiting.discard(status.camera_id)
        self.closed.discard(status.camera_id)
        match status.state:
            case "lost":
                lost = True
            case "refused":
                refused = True
            case "stopped" if status.cause == "shed":
                self.closed.add(status.camera_id)
                return  # closed by ourselves, to save the site's power: nothing begins, and what was stays to be seen
            case "connecting" | "stopped":
                # What it had, it keeps until it plays; what it had not, begins when this takes too long.
                if waited_s < CONNECTING_S:
                    self._waiting.add(status.camera_id)
                    return
                lost = not self.latches.is_active("video_refused", camera)
            case _:
                pass
        since_us = status.since_us or at_us
        detail = {"cause": status.cause if lost or refused else "none", "recorder_id": status.recorder_id}
        if status.detail:
            detail["told"] = status.detail[:200]
        if status.last_frame_us:  # it played for its recorder before we were there to see it
            self.beginnings.well(camera)
        flapping = self.latches.is_active("stream_restarts", camera)
        off_s = FLAPPING_OFF_S if flapping else LOST_OFF_S
        on_s = self.beginnings.wait_s(camera, at_us) if lost else 0.0
        self.latches.feed(
            "video_lost",
            camera,
            lost,
            at_us,
            on_s=on_s,
            off_s=0 if refused else off_s,
            since_us=since_us,
            detail=detail,
        )
        self.latches.feed(
            "video_refused", camera, refused, at_us, off_s=0 if lost else off_s, since_us=since_us, detail=detail
        )
        if status.state in PLAYING:
            known.played_us = at_us
            self.beginnings.well(camera)
            return
        known.losses.clear()
        for kind in ("bitrate_abnormal", "frame_rate_low", "gop_changed", "clock_drift", "packet_loss"):
            self.latches.end(kind, camera, at_us)  # nothing can be said of a stream that is not there

    def _count(self, known: _Stream, before: StreamStatus, at_us: int) -> None:
        again = known.status.reconnects - before.reconnects
        if again > 0 and before.recorder_id == known.status.recorder_id:
            known.restarts.append((at_us, again))
        if known.restarts:
            while known.restarts and at_us - known.restarts[0][0] > RESTARTS_WITHIN_S * S:
                known.restarts.popleft()
            count = sum(times for _, times in known.restarts)
            so = True if count >= RESTARTS else False if count <= RESTARTS_BACK else None
            self.latches.feed(
                "stream_restarts", subject("camera", known.status.camera_id), so, at_us, detail={"value": float(count)}
            )

    def _measure(self, known: _Stream, at_us: int) -> None:
        status = known.status
        camera = subject("camera", status.camera_id)
        drift = abs(status.drift_ms)
        so = True if drift > DRIFT_ON_MS else False if drift < DRIFT_OFF_MS else None
        self.latches.feed(
            "clock_drift", camera, so, at_us, on_s=DRIFT_ON_S, off_s=DRIFT_OFF_S, detail={"value": status.drift_ms}
        )
        self._loss(known, camera, at_us)
        if at_us - known.played_us < SETTLED_S * S or status.camera_id in self.shedding:
            return
        hour = datetime.fromtimestamp(at_us / S, self.timezone).hour
        learned = self.normals.setdefault(
            status.camera_id, {"bitrate": Learned(), "frame_rate": Learned(), "gop": Learned()}
        )
        well = self._bitrate(learned["bitrate"], camera, status, hour, at_us)
        well &= self._frame_rate(learned["frame_rate"], camera, status, hour, at_us)
        well &= self._gop(learned["gop"], camera, status, hour, at_us)
        if well:
            at_s = at_us / S
            if status.bitrate_bps > 0:
                learned["bitrate"].learn(math.log(status.bitrate_bps), hour, at_s)
            if status.frame_rate_hz > 0:
                learned["frame_rate"].learn(status.frame_rate_hz, hour, at_s)
            if status.gop_s > 0:
                learned["gop"].learn(math.log(status.gop_s), hour, at_s)

    def _loss(self, known: _Stream, camera: str, at_us: int) -> None:
        known.losses.append((at_us, known.status.packets_lost))
        while len(known.losses) > 2 and at_us - known.losses[1][0] >= LOSS_WINDOW_S * S:
            known.losses.popleft()
        first_us, first = known.losses[0]
        took_s = (at_us - first_us) / S
        if took_s < LOSS_WINDOW_S / 2:
            return
        lost = max(0, known.status.packets_lost - first)
        came = known.status.bitrate_bps / 8 / PACKET_BYTES * took_s
        pct = 100 * lost / (lost + came) if lost else 0.0
        so = True if pct > LOSS_ON_PCT else False if pct < LOSS_OFF_PCT else None
        self.latches.feed(
            "packet_loss", camera, so, at_us, on_s=LOSS_ON_S, off_s=LOSS_OFF_S, detail={"value": round(pct, 1)}
        )

    def _bitrate(self, learned: Learned, camera: str, status: StreamStatus, hour: int, at_us: int) -> bool:
        normal = learned.normal(hour)
        if normal is None or status.bitrate_bps <= 0:
            return True
        off = abs(math.log(status.bitrate_bps) - normal.value)
        limit = max(math.log(BITRATE_FACTOR), SIGMAS * normal.sigma)
        so = True if off > limit else False if off < 0.7 * limit else None
        detail = {"value": float(status.bitrate_bps), "normal": round(math.exp(normal.value))}
        self.latches.feed(
            "bitrate_abnormal", camera, so, at_us, on_s=BITRATE_ON_S, off_s=BITRATE_OFF_S,
            confidence=0.9 if normal.of_hour else 0.7, detail=detail,
        )  # fmt: skip
        return so is False

    def _frame_rate(self, learned: Learned, camera: str, status: StreamStatus, hour: int, at_us: int) -> bool:
        normal = learned.normal(hour)
        if normal is None or normal.value <= 0:
            return True
        part = status.frame_rate_hz / normal.value
        wide = SIGMAS * normal.sigma / normal.value
        low = min(FRAME_RATE_PART, 1 - wide)
        so = True if part < low else False if part > max(low, min(FRAME_RATE_BACK, 1 - wide / 2)) else None
        detail = {"value": status.frame_rate_hz, "normal": round(normal.value, 1)}
        self.latches.feed(
            "frame_rate_low",
            camera,
            so,
            at_us,
            on_s=FRAME_RATE_ON_S,
            off_s=FRAME_RATE_OFF_S,
            confidence=0.9,
            detail=detail,
        )
        return so is False

    def _gop(self, learned: Learned, camera: str, status: StreamStatus, hour: int, at_us: int) -> bool:
        normal = learned.normal(hour)
        if normal is None or status.gop_s <= 0:
            return True
        off = abs(math.log(status.gop_s) - normal.value)
        limit = max(math.log(GOP_FACTOR), SIGMAS * normal.sigma)
        so = True if off > limit else False if off < 0.7 * limit else None
        detail = {"value": status.gop_s, "normal": round(math.exp(normal.value), 2)}
        self.latches.feed("gop_changed", camera, so, at_us, on_s=GOP_ON_S, off_s=GOP_OFF_S, detail=detail)
        # A camera that was set otherwise on purpose: after an hour this is its normal.
        if so and self.latches.is_active("gop_changed", camera):
            condition = self.latches.active[("gop_changed", camera)]
            if at_us - condition.since_us > 3600 * S:
                learned.forget()
        return so is False
