"""How long to wait before the next try to connect: doubling, bounded, jittered. Pure but for the dice handed in."""

import random
from collections.abc import Callable

FIRST_S = 0.5


class Backoff:
    """Waits of one stream. Half of each wait is chance, so that a thousand cameras behind one switch do not come
    back at once."""

    def __init__(self, max_s: float, dice: Callable[[], float] = random.random) -> None:
        self._max_s = max_s
        self._dice = dice
        self._tries = 0

    def next_s(self, refused: bool = False) -> float:
        """The next wait, s. A camera that refused us (wrong password) is asked only at the longest interval: it may
        lock us out."""
        full = self._max_s if refused else min(self._max_s, FIRST_S * 2 ** min(self._tries, 16))
        self._tries += 1
        return full * (0.5 + 0.5 * self._dice())

    def reset(self) -> None:
        """The stream came."""
        self._tries = 0
