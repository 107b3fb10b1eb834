"""From a camera's RTP clock to decode times, presentation times and wall time. Arithmetic only; arrival times are
handed in.

`Timeline` unwraps the 32-bit RTP clock, bounds jumps, finds out when the told clock rate is wrong, and derives
decode times where frames are reordered (B-frames). `WallTime` lays wall time under it: the lower envelope of
(arrival − media time), so that frames which come late together do not disturb it, followed at no more than 500 ppm.
Called by `gop.py`, one pair a stream.

What degrades when an assumption fails: a camera whose clock runs more than 500 ppm wrong drifts until it is 1 s off
and is then set right at once (counted); so is a step of our own clock. A camera that sends one timestamp for ever is
timed by arrival.
"""

from bisect import insort

from manara.formats.frames import TIMESCALE_HZ

MAX_SLEW = 500e-6
STEP_US = 1_000_000
_BUCKET_US = 8_000_000
_MAX_REORDER = 16
_FORWARD_S = 10
_BACK_S = 2
_NOMINAL = TIMESCALE_HZ // 25
_RATE_WINDOW_US = 5_000_000
_MICROS = 1_000_000


class Timeline:
    """Presentation and decode times, 90 kHz, of one stream's frames in decode order."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz if 1000 <= rate_hz <= 10_000_000 else TIMESCALE_HZ
        self.reorder = 0
        self.nominal = _NOMINAL  # duration of a frame, measured
        self.jumps = 0
        self.newest_pts = 0  # the largest so far
        self._stamp: int | None = None
        self._raw = 0  # unwrapped RTP clock since `_pts_base`
        self._pts_base = 0
        self._pts = 0
        self._arrival_us = 0
        self._window: list[int] = []
        self._dts = -(1 << 62)
        self._rate_mark: tuple[int, int] | None = None
        self._rate_suspect = 0.0
        self._raw_total = 0

    def expect(self, reorder: int | None, frame_rate_hz: float | None) -> None:
        """What the parameter sets tell: the reorder depth, and the frame rate until one is measured."""
        if reorder is not None:
            self.reorder = min(reorder, _MAX_REORDER)
        if frame_rate_hz and self._stamp is None:
            self.nominal = max(1, round(TIMESCALE_HZ / frame_rate_hz))

    def presentation(self, stamp: int, arrival_us: int) -> int:
        """Presentation time of the next frame, whose packets say `stamp`."""
        if self._stamp is None:
            self._stamp = stamp
            self._arrival_us = arrival_us
            return self._pts
        delta = (stamp - self._stamp) & 0xFFFFFFFF
        if delta >= 0x80000000:
            delta -= 0x100000000
        self._stamp = stamp
        if delta == 0 or not -_BACK_S * self.rate_hz < delta < _FORWARD_S * self.rate_hz:
            if delta:
                self.jumps += 1
            since_us = arrival_us - self._arrival_us
            step = since_us * 9 // 100 if 0 < since_us < _FORWARD_S * _MICROS else self.nominal
            self._pts = max(self._pts, self.newest_pts) + step
            self._pts_base, self._raw = self._pts, 0
        else:
            self._raw += delta
            self._raw_total += delta
            if self.rate_hz == TIMESCALE_HZ:
                self._pts = self._pts_base + self._raw
            else:
                self._pts = self._pts_base + self._raw * TIMESCALE_HZ // self.rate_hz
        self._arrival_us = arrival_us
        self.newest_pts = max(self.newest_pts, self._pts)
        return self._pts

    def near(self, stamp: int) -> int | None:
        """Presentation time of an RTP time near the last frame's (a sender report's); None before the first frame."""
        if self._stamp is None:
            return None
        delta = (stamp - self._stamp) & 0xFFFFFFFF
        if delta >= 0x80000000:
            delta -= 0x100000000
        return self._pts + delta * TIMESCALE_HZ // self.rate_hz

    def decode(self, pts: int) -> int:
        """Decode time of the frame presented at `pts`: strictly rising, and at or before `pts` once the reorder
        depth is known."""
        if self.reorder == 0:
            dts = pts
            if dts <= self._dts:
                if pts < self._dts:
                    self.reorder = 1
                    self._window = [self._dts]
                dts = self._dts + 1
        else:
            window = self._window
            if window and pts < self._dts and self.reorder < _MAX_REORDER:
                self.reorder += 1
            insort(window, pts)
            short = self.reorder + 1 - len(window)
            if short > 0:
                dts = window[0] - short * self.nominal
            else:
                dts = window.pop(0)
                del window[: len(window) - self.reorder]
            if dts <= self._dts:
                dts = self._dts + 1
        self._dts = dts
        return dts

    def check_rate(self, arrival_us: int) -> bool:
        """Compare the RTP clock with our own; True when the told clock rate was found wrong (twice alike) and is now
        corrected.

        Called a few times a second at most. Only errors above 25 % are taken for a wrong rate; less is drift.
        """
        mark = self._rate_mark
        if mark is None:
            self._rate_mark = (arrival_us, self._raw_total)
            return False
        passed_us = arrival_us - mark[0]
        if passed_us < _RATE_WINDOW_US:
            return False
        self._rate_mark = (arrival_us, self._raw_total)
        if passed_us > 4 * _RATE_WINDOW_US:
            return False
        measured_hz = (self._raw_total - mark[1]) * _MICROS / passed_us
        if measured_hz < 500 or 0.75 < measured_hz / self.rate_hz < 1.25:
            self._rate_suspect = 0.0
            return False
        before, self._rate_suspect = self._rate_suspect, measured_hz
        if not before or not 0.9 < measured_hz / before < 1.1:
            return False
        usual = [rate for rate in (90_000, 48_000, 16_000, 8_000, 1_000) if 0.9 < measured_hz / rate < 1.1]
        self._pts_base, self._raw = self._pts, 0
        self.rate_hz = usual[0] if usual else round(measured_hz)
        self._rate_suspect = 0.0
        return True


class WallTime:
    """UTC of presentation times, from arrival."""

    def __init__(self) -> None:
        self.steps = 0
        self._offset_us: int | None = None
        self._first_offset_us = 0
        self._now_low: int | None = None
        self._before_low: int | None = None
        self._bucket_us = 0
        self._settled_us = 0
        self._clock_us = 0

    def observe(self, pts: int, arrival_us: int) -> None:
        """The frame presented at `pts` was whole at `arrival_us` (the latest of those that came together)."""
        sample = arrival_us - pts * 100 // 9
        if self._now_low is None or sample < self._now_low:
            self._now_low = sample
        self._clock_us = arrival_us
        if arrival_us - self._bucket_us > _BUCKET_US or arrival_us < self._bucket_us:
            self._before_low = self._now_low if self._bucket_us else None
            self._now_low = sample
            self._bucket_us = arrival_us

    def _low(self) -> int:
        lows = [low for low in (self._now_low, self._before_low) if low is not None]
        return min(lows) if lows else 0

    def settle(self) -> bool:
        """Follow the arrivals, by 500 ppm of the time since the last call at most; True where a step was needed."""
        low = self._low()
        passed_us = self._clock_us - self._settled_us
        self._settled_us = self._clock_us
        if self._offset_us is None:
            self._offset_us = self._first_offset_us = low
            return False
        error = low - self._offset_us
        if abs(error) > STEP_US:
            self._offset_us += error
            self._first_offset_us += error
            self.steps += 1
            self._now_low = self._before_low = low
            return True
        most = int(max(passed_us, 0) * MAX_SLEW)
        self._offset_us += max(-most, min(most, error))
        return False

    def wall_us(self, pts: int) -> int:
        """UTC, µs, at which the frame at `pts` was taken, as far as arrival tells."""
        return pts * 100 // 9 + (self._offset_us if self._offset_us is not None else self._low())

    @property
    def drift_ms(self) -> float:
        """How far the camera's clock has run away from ours since the connection began (positive: it is slow), ms."""
        return 0.0 if self._offset_us is None else (self._low() - self._first_offset_us) / 1000
