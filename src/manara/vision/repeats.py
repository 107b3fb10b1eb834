"""A picture that repeats itself: frozen, or a loop. By single pixels of the full picture, where a sensor's noise is.

A live camera never sends the same pixels twice. How alike two looks in turn have lately been at the least is what a
repeated picture must clearly fall below, so that light and noise of the hour cancel; and a run of such looks must be
more than twice as long as the longest that the camera showed while it was well, so that a camera whose encoder smooths
all noise away is not called frozen each night. A clock that runs in the picture is a few blocks that stay in one place.
Pure; one object a camera, about 120 KiB.
"""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from manara.vision.picture import BLOCKS_ACROSS, BLOCKS_DOWN, Bytes, Floats
from manara.vision.references import Mask

HISTORY_LOOKS = 360
_LEAST_LOOKS = 8  # before so many, what is normal is not known
_LATELY = 12
_ALIKE, _ALIKE_AGAIN = 0.65, 1.3  # of the least difference lately
_UNLIKE_MOST = 5  # looks in turn that may be of another quality
_CALMER = 0.85  # of the least difference lately: the next look should come soon
_CLOCK_ROWS = 2
_CLOCK_BLOCKS = 14
_LATEST = 8  # earlier looks that a frozen picture is sought among
_LATEST_US = 25_000_000  # what comes again after longer is a loop
_HURRY_LOOKS = 12
_LOOP_LAST, _LOOP_HITS = 30, 3
_KNOWN_LOOKS = 40  # before so many, how alike a camera's pictures are by themselves is not known
_FROZEN_SPAN_US = 6_000_000
_LEAST_LAG_US = 8_000_000
_SMALL_MOST = 12


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

    longest_still: int = 0  # looks in turn that were as good as earlier ones, on a camera that was well
    nearest: float = float(_SMALL_MOST)  # how near a look comes to any of the last hour, at its nearest
    compared: int = 0
    frozen: bool = False
    looping: bool = False
    _latest: deque[tuple[int, Bytes]] = field(default_factory=lambda: deque(maxlen=_LATEST))
    _still: int = 0  # looks of this run that were an earlier one again
    _run: int = 0  # looks of this run
    _unlike: int = 0  # of them the last ones in turn that were not
    _calmer: bool = False  # this look differs less from the last one than any did lately
    _since_us: int = 0
    _moving: Mask | None = None
    _cores: deque[float] = field(default_factory=lambda: deque(maxlen=_LATELY))
    _steps: deque[float] = field(default_factory=lambda: deque(maxlen=_LATELY))
    _history: Bytes | None = None
    _times: deque[int] = field(default_factory=lambda: deque(maxlen=HISTORY_LOOKS))
    _next: int = 0
    _hits: deque[bool] = field(default_factory=lambda: deque(maxlen=_LOOP_LAST))

    def take(self, grain: Bytes, at_us: int, *, well: bool = True) -> None:
        """The next look's samples; `well`: nothing else was wrong with the last ones (paint on a lens stands still)."""
        while self._latest and (at_us - self._latest[0][0] > _LATEST_US and len(self._latest) > 1):
            self._latest.popleft()
        times_us = [earlier_us for earlier_us, _ in self._latest]
        blocks = [differences(grain, earlier) for _, earlier in self._latest]
        self._latest.append((at_us, grain))
        if not blocks:
            self._keep(grain, at_us)
            return
        cores = [core_of(each) for each in blocks]
        nearest = int(np.argmin(cores))
        usual = min(self._cores) if len(self._cores) >= _LEAST_LOOKS else 0.0
        same = cores[nearest] <= max(0.02, min(0.5, 0.2 * usual))
        same = same and self._like_a_clock(blocks[nearest], max(0.6, usual))
        # An encoder that changes its quality makes the same picture look a little different: such looks do not count,
        # nor do they end the run; less so once a picture came again exactly, which a live one never does.
        self._calmer = usual > 0.5 and cores[-1] <= _CALMER * usual
        alike = same or (usual > 0.5 and cores[-1] <= (_ALIKE_AGAIN if self._still else _ALIKE) * usual)
        self._unlike = 0 if same else self._unlike + 1
        if alike and self._unlike <= _UNLIKE_MOST:
            self._run += 1
            self._still += same
            self._since_us = min(self._since_us or at_us, times_us[nearest] if same else at_us)
            lasted = at_us - self._since_us >= _FROZEN_SPAN_US
            if lasted and self._still >= max(2, 2 * self.longest_still + 2):
                self.frozen = True
            return
        if well and not self.frozen:
            self.longest_still = max(self.longest_still, self._still)
        self._end()
        self._loop(grain, at_us)
        if not self.looping:
            self._cores.append(cores[-1])
        self._keep(grain, at_us)

    @property
    def suspicious(self) -> bool:
        """Whether another look soon would tell more."""
        return self._unlike > 0 if self.frozen else 0 < self._run <= _HURRY_LOOKS or self._calmer

    @property
    def still_since_us(self) -> int:
        """Since when the picture is the same; 0 = it is not."""
        return self._since_us

    def forget(self) -> None:
        """The camera looks elsewhere: earlier pictures say nothing of it."""
        self._latest.clear()
        self._end()
        self._hits.clear()

    def _end(self) -> None:
        self._still, self._run, self._unlike, self._since_us, self._moving, self.frozen = 0, 0, 0, 0, None, False

    def _like_a_clock(self, blocks: Floats, limit: float) -> bool:
        """Whether what did change is a few blocks in one place: a clock, not something that moves about."""
        moving: Mask = blocks > limit
        if self._moving is not None:
            moving = moving | self._moving
        if moving.sum() > _CLOCK_BLOCKS:
            return False
        rows = np.flatnonzero(moving.any(axis=1))
        if rows.size and rows[-1] - rows[0] >= _CLOCK_ROWS:
            return False
        self._moving = moving
        return True

    def _loop(self, grain: Bytes, at_us: int) -> None:
        """Whether this look is one of the last hour again, though not the last one."""
        if self._history is None or not self._times:
            return
        count = len(self._times)
        small = grain[::3, ::6].ravel().astype(np.int16)
        apart = np.minimum(np.abs(self._history[:count].astype(np.int16) - small), _SMALL_MOST).mean(axis=1)
        first = 0 if count < HISTORY_LOOKS else self._next
        apart = apart[(first + np.arange(count)) % HISTORY_LOOKS]  # oldest first, as the times are
        usual = min(self._steps) if len(self._steps) >= _LEAST_LOOKS else 0.0
        old = np.fromiter(self._times, np.int64, count) < at_us - _LEAST_LAG_US
        old[-1] = False
        nearest = float(apart[old].min()) if old.any() else _SMALL_MOST
        self.compared += 1
        known = self.compared > _KNOWN_LOOKS
        hit = known and usual > 0.3 and nearest < 0.15 * usual and nearest < 0.2 * self.nearest
        self._hits.append(hit)
        self.looping = sum(self._hits) >= _LOOP_HITS or (self.looping and any(self._hits))
        if not hit:
            self._steps.append(float(apart[-1]))
            if nearest < self.nearest or old.any():
                self.nearest += (nearest - self.nearest) * (0.5 if nearest < self.nearest else 0.005)

    def _keep(self, grain: Bytes, at_us: int) -> None:
        small = grain[::3, ::6].ravel()
        if self._history is None or self._history.shape[1] != small.size:
            self._history = np.zeros((HISTORY_LOOKS, small.size), np.uint8)
            self._next = 0
            self._times.clear()
        self._history[self._next] = small
        self._next = (self._next + 1) % HISTORY_LOOKS
        self._times.append(at_us)
