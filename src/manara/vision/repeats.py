"""A picture that repeats itself: frozen, or a loop. By single pixels of the full picture, where a sensor's noise is.

A live camera never sends the same pixels twice; how alike two of its pictures can be is learned for each camera
(`floor`), so that a camera whose encoder smooths all noise away is not called frozen: what it does by itself, its
longest still run included, is what a fault must clearly exceed. A clock that runs in the picture is a few blocks that
stay in one place. Pure; one object a camera, about 180 KiB.
"""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from manara.vision.picture import BLOCKS_ACROSS, BLOCKS_DOWN, Bytes, Floats
from manara.vision.references import Mask

HISTORY_LOOKS = 360
KNOWN_LOOKS = 30  # before so many, what is normal is not known
_LEARN_LOOKS = 400
_CLOCK_ROWS = 2
_CLOCK_BLOCKS = 14
_LOOP_LAST, _LOOP_HITS = 6, 4
_FROZEN_SPAN_US = 8_000_000
_LEAST_LAG_US = 8_000_000


def differences(now: Bytes, before: Bytes) -> Floats:
    """Mean difference in each block (9, 16), grey levels."""
    apart = np.abs(now.astype(np.int16) - before.astype(np.int16))
    means: Floats = apart.reshape(BLOCKS_DOWN, 6, BLOCKS_ACROSS, 6).mean(axis=(1, 3), dtype=np.float32)
    return means


def core_of(blocks: Floats) -> float:
    """The calm nine tenths of the blocks."""
    ordered = np.sort(blocks, axis=None)
    return float(ordered[: ordered.size * 9 // 10].mean())


@dataclass(slots=True)
class Repeats:
    """What a camera's pictures were, to know them again."""

    floor: float = 0.0  # how alike two looks one after the other are when they are most alike
    nearest_floor: float = 0.0  # how near a look comes to any of the last hour
    longest_still: int = 0  # looks one after the other that were as good as the same, on a camera that was well
    known: int = 0
    frozen: bool = False
    looping: bool = False
    _last: Bytes | None = None
    _run: int = 0
    _run_us: int = 0
    _moving: Mask | None = None
    _cores: deque[float] = field(default_factory=lambda: deque(maxlen=_LEARN_LOOKS))
    _nearest: deque[float] = field(default_factory=lambda: deque(maxlen=_LEARN_LOOKS))
    _history: Bytes | None = None
    _times: deque[int] = field(default_factory=lambda: deque(maxlen=HISTORY_LOOKS))
    _next: int = 0
    _hits: deque[bool] = field(default_factory=lambda: deque(maxlen=_LOOP_LAST))

    def take(self, grain: Bytes, at_us: int) -> None:
        """The next look's samples."""
        last, self._last = self._last, grain
        if last is None or last.shape != grain.shape:
            self._keep(grain, at_us)
            return
        blocks = differences(grain, last)
        core = core_of(blocks)
        if self._same(core, blocks):
            self._run += 1
            self._run_us = self._run_us or at_us
            wanted = max(2, 2 * self.longest_still + 2)
            if self._run >= wanted and at_us - self._run_us >= _FROZEN_SPAN_US:
                self.frozen = True
            return
        if self._run and not self.frozen:
            self.longest_still = max(self.longest_still, self._run)
        self._run, self._run_us, self._moving, self.frozen = 0, 0, None, False
        self._loop(grain, at_us)
        if not self.looping:
            self._learn(core)
        self._keep(grain, at_us)

    @property
    def suspicious(self) -> bool:
        """Whether another look soon would tell more."""
        return (self._run > 0 and not self.frozen) or (bool(self._hits) and self._hits[-1] and not self.looping)

    @property
    def still_since_us(self) -> int:
        """Since when the picture is the same; 0 = it is not."""
        return self._run_us

    def forget(self) -> None:
        """The camera looks elsewhere: earlier pictures say nothing of it."""
        self._last, self._run, self._run_us, self._moving, self.frozen = None, 0, 0, None, False
        self._hits.clear()

    def _same(self, core: float, blocks: Floats) -> bool:
        limit = 0.03
        if self.known >= KNOWN_LOOKS:
            limit = min(0.5, 0.3 * self.floor) if self.floor > 0.1 else 0.01
        if core > limit:
            return False
        moving = blocks > max(0.6, 4 * limit)
        if self._moving is not None:
            moving = moving | self._moving
        if moving.sum() > _CLOCK_BLOCKS:
            return False
        if moving.any():
            rows = np.flatnonzero(moving.any(axis=1))
            if rows[-1] - rows[0] >= _CLOCK_ROWS:
                return False
        self._moving = moving
        return True

    def _learn(self, core: float) -> None:
        self._cores.append(core)
        self.known += 1
        if self.known == KNOWN_LOOKS or self.known % 20 == 0:
            floor = float(np.percentile(self._cores, 5))
            self.floor = floor if self.floor == 0.0 else min(floor, self.floor * 1.2)

    def _loop(self, grain: Bytes, at_us: int) -> None:
        if self._history is None or not self._times:
            return
        count = len(self._times)
        small = grain[::3, ::6].ravel().astype(np.int16)
        apart = (np.abs(self._history[:count].astype(np.int16) - small) > 1).mean(axis=1)
        first = 0 if count < HISTORY_LOOKS else self._next
        order = (first + np.arange(count)) % HISTORY_LOOKS  # oldest first, as the times are
        old = np.fromiter(self._times, np.int64, count) < at_us - _LEAST_LAG_US
        candidates = apart[order][old]
        if candidates.size == 0:
            return
        nearest = float(candidates.min())
        usable = len(self._nearest) >= KNOWN_LOOKS or self.nearest_floor > 0
        hit = usable and self.nearest_floor > 0.12 and nearest < 0.25 * self.nearest_floor
        self._hits.append(hit)
        self.looping = sum(self._hits) >= _LOOP_HITS or (self.looping and any(self._hits))
        if not hit and not self.looping:
            self._nearest.append(nearest)
            if len(self._nearest) == KNOWN_LOOKS or len(self._nearest) % 20 == 0:
                self.nearest_floor = float(np.percentile(self._nearest, 5))

    def _keep(self, grain: Bytes, at_us: int) -> None:
        small = grain[::3, ::6].ravel()
        if self._history is None or self._history.shape[1] != small.size:
            self._history = np.zeros((HISTORY_LOOKS, small.size), np.uint8)
            self._next = 0
            self._times.clear()
        self._history[self._next] = small
        self._next = (self._next + 1) % HISTORY_LOOKS
        self._times.append(at_us)
