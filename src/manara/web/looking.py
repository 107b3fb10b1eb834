"""Who looked at which recording: complete in the audit log, without a line for every byte range.

The first look of a session at a camera is entered before any picture is given; if that fails, none is given. While
the look goes on (no pause of `PAUSE_S`), the spans of footage that were seen are gathered and entered every `PAUSE_S`
and at its end. So a crash loses at most the last minute's *extent* of a look, never that there was one. Used by
`routes/playback.py`.
"""

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from manara.access.who import Who
from manara.base.clock import Clock, to_datetime
from manara.base.errors import ManaraError
from manara.store.database import Database

log = logging.getLogger(__name__)

PAUSE_S = 60.0
NEAR_US = 5_000_000  # spans closer than this are one
SPANS_MAX = 50  # more of them and they are entered at once

Span = tuple[int, int]


@dataclass(slots=True)
class _Look:
    who: Who
    camera_id: str
    began_us: int
    entered_s: float
    last_s: float
    spans: list[Span] = field(default_factory=list)  # seen and not yet entered
    hows: set[str] = field(default_factory=set)


class Looking:
    """The looks that go on now. Thread-safe."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._looks: dict[tuple[str, str], _Look] = {}
        self._once: dict[tuple[object, ...], float] = {}
        self.failures = 0

    def note(self, who: Who, camera_id: str, from_us: int, to_us: int, how: str) -> None:
        """This person is about to see this span. Raises what the state raises when the look cannot be entered."""
        now_s = self._clock.monotonic_s()
        key = (who.session_id, camera_id)
        with self._lock:
            look = self._looks.get(key)
            if look is not None and now_s - look.last_s <= PAUSE_S:
                look.last_s = now_s
                look.hows.add(how)
                look.spans = merged([*look.spans, (from_us, to_us)])
                if len(look.spans) <= SPANS_MAX:
                    return
            else:
                look = None
        if look is not None:
            self._enter(look)
            return
        began_us = self._clock.wall_us()
        fresh = _Look(who, camera_id, began_us, now_s, now_s)
        self._write(fresh, [(from_us, to_us)], {how}, "playback:look")
        with self._lock:
            ended = self._looks.get(key)
            self._looks[key] = fresh
        if ended is not None:
            self._enter(ended)

    def note_once(self, who: Who, action: str, subject: str, detail: dict[str, str]) -> None:
        """Enter something that a browser asks for in many parts (a file, by ranges); again after a pause."""
        now_s = self._clock.monotonic_s()
        key = (who.session_id, action, subject, *sorted(detail.items()))
        with self._lock:
            before_s = self._once.get(key)
            if before_s is not None and now_s - before_s <= PAUSE_S:
                self._once[key] = now_s
                return
        with self._database.act(who, to_datetime(self._clock.wall_us())) as act:
            act.audit(action, subject=subject, detail=dict(detail))
        with self._lock:
            self._once[key] = now_s

    def tick(self) -> None:
        """Enter what was gathered for long enough, and end looks that paused. Call about once a second."""
        now_s = self._clock.monotonic_s()
        with self._lock:
            due = [look for look in self._looks.values() if look.spans and now_s - look.entered_s >= PAUSE_S]
        for look in due:
            self._enter(look)
        with self._lock:
            over = [key for key, look in self._looks.items() if not look.spans and now_s - look.last_s > PAUSE_S]
            for key in over:
                del self._looks[key]
            self._once = {key: last_s for key, last_s in self._once.items() if now_s - last_s <= PAUSE_S}

    def finish(self) -> None:
        """Enter everything gathered (the program stops)."""
        with self._lock:
            looks = [look for look in self._looks.values() if look.spans]
        for look in looks:
            self._enter(look)

    def _enter(self, look: _Look) -> None:
        with self._lock:
            spans, hows = look.spans, look.hows
            look.spans, look.hows = [], set()
        if not spans:
            return
        try:
            self._write(look, spans, hows, "playback:went_on")
        except ManaraError as error:
            # Kept and tried again at the next tick: what was seen is never dropped from the log.
            self.failures += 1
            log.error("a look at recordings is not yet in the audit log", extra={"code": error.code})
            with self._lock:
                look.spans = merged([*look.spans, *spans])
                look.hows |= hows
            return
        look.entered_s = self._clock.monotonic_s()

    def _write(self, look: _Look, spans: Iterable[Span], hows: Iterable[str], action: str) -> None:
        with self._database.act(look.who, to_datetime(self._clock.wall_us())) as act:
            act.audit(
                action,
                subject=look.camera_id,
                detail={
                    "footage": [{"from_us": start, "to_us": end} for start, end in spans],
                    "how": sorted(hows),
                    "began_us": look.began_us,
                },
            )


def merged(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that touch or nearly touch joined."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1] + NEAR_US:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined
