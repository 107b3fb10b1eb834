"""Conditions: symptoms of one thing that begin and end. A latch for each keeps a value that flutters from chattering.

Every rule (`stream_rules`, `telemetry_rules`, `image_rules`, `program_rules`) says of a kind and a subject whether it
is so *now* (`Latches.feed`): True, False, or None where the value lies between its on and off limits. The latch lets
it begin after `on_s` of True and end after `off_s` of False; what began or ended is taken with `take`. Pure: the time
comes in. Bounds: one entry a kind and subject that ever was active or about to be; `forget` drops a subject.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from manara.base.ids import new_id

S = 1_000_000


@dataclass(frozen=True, slots=True)
class Condition:
    """One symptom. `since_us`: when it was first so, which is earlier than when it was known."""

    kind: str
    subject: str
    since_us: int
    known_us: int = 0
    confidence: float = 1.0
    detail: Mapping[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=new_id)

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same condition: there is one of a kind on a subject at a time."""
        return self.kind, self.subject


@dataclass(frozen=True, slots=True)
class Ended:
    """A condition ended."""

    condition: Condition
    at_us: int


@dataclass(slots=True)
class _Pending:
    active: bool  # what it is about to become
    since_us: int
    due_us: int
    confidence: float
    detail: Mapping[str, Any]
    seen_us: int = 0  # when it was last said
    confirm: bool = False  # only saying it again lets it begin


@dataclass(slots=True)
class Latches:
    """Which conditions are active, and what changed since it was last asked."""

    active: dict[tuple[str, str], Condition] = field(default_factory=dict)
    _pending: dict[tuple[str, str], _Pending] = field(default_factory=dict)
    _began: dict[str, Condition] = field(default_factory=dict)
    _changed: dict[str, Condition] = field(default_factory=dict)
    _ended: list[Ended] = field(default_factory=list)

    def restore(self, condition: Condition) -> None:
        """A condition that was open when the program stopped: still so until a rule says otherwise."""
        self.active[condition.key] = condition

    def is_active(self, kind: str, subject: str) -> bool:
        """True between its begin and its end."""
        return (kind, subject) in self.active

    def feed(
        self,
        kind: str,
        subject: str,
        now: bool | None,
        at_us: int,
        *,
        on_s: float = 0.0,
        off_s: float = 0.0,
        since_us: int | None = None,
        confidence: float = 1.0,
        detail: Mapping[str, Any] | None = None,
        confirm: bool = False,
    ) -> None:
        """Say whether `kind` is so of `subject` at `at_us`. `since_us`: since when, where that is known better.

        `confirm`: one bad value is not enough; it begins when a value after `on_s` says the same.
        """
        key = (kind, subject)
        known = self.active.get(key)
        pending = self._pending.get(key)
        if now is None or now == (known is not None):
            if pending is not None:
                del self._pending[key]
            if now and known is not None:
                self._learn(known, confidence, detail)
            return
        delay_us = round((on_s if now else off_s) * S)
        if pending is not None and confirm and at_us - pending.seen_us > max(60 * S, 5 * delay_us):
            pending = None  # what was said so long ago, once, has nothing to do with this
        if pending is None:
            begun_us = min(since_us, at_us) if since_us is not None and now else at_us
            pending = _Pending(now, begun_us, at_us + delay_us, confidence, detail or {}, at_us, confirm and now)
            if at_us < pending.due_us:
                self._pending[key] = pending
                return
        else:
            pending.confidence, pending.detail, pending.seen_us = confidence, detail or pending.detail, at_us
            pending.due_us = min(pending.due_us, at_us + delay_us)  # what is known by now may need no wait
        if at_us >= pending.due_us:
            self._settle(key, pending, at_us)

    def tick(self, at_us: int) -> None:
        """Let what was pending long enough become so, though nobody said it again."""
        due = [(key, one) for key, one in self._pending.items() if one.due_us <= at_us and not one.confirm]
        for key, pending in due:
            self._settle(key, pending, at_us)

    def next_us(self) -> int | None:
        """When `tick` has something to do."""
        return min((pending.due_us for pending in self._pending.values() if not pending.confirm), default=None)

    def end(self, kind: str, subject: str, at_us: int) -> None:
        """End it at once, whatever its delays."""
        self._pending.pop((kind, subject), None)
        if (kind, subject) in self.active:
            self._settle((kind, subject), _Pending(False, at_us, at_us, 1.0, {}), at_us)

    def forget(self, subject: str, at_us: int) -> None:
        """The thing is gone: whatever it had, ends."""
        for kind, of in [key for key in (*self.active, *self._pending) if key[1] == subject]:
            self.end(kind, of, at_us)

    def take(self) -> tuple[list[Condition], list[Condition], list[Ended]]:
        """What began, what became known better, and what ended since this was last asked."""
        taken = (list(self._began.values()), list(self._changed.values()), self._ended)
        self._began, self._changed, self._ended = {}, {}, []
        return taken

    def _learn(self, known: Condition, confidence: float, detail: Mapping[str, Any] | None) -> None:
        # Details of measure change at each look; only a change of what they *say* is told.
        said = {name: value for name, value in (detail or {}).items() if isinstance(value, str)}
        if abs(confidence - known.confidence) < 0.1 and all(known.detail.get(name) == said[name] for name in said):
            return
        better = Condition(
            known.kind,
            known.subject,
            known.since_us,
            known.known_us,
            confidence,
            {**known.detail, **(detail or {})},
            known.id,
        )
        self.active[known.key] = better
        if known.id in self._began:
            self._began[known.id] = better
        else:
            self._changed[known.id] = better

    def _settle(self, key: tuple[str, str], pending: _Pending, at_us: int) -> None:
        self._pending.pop(key, None)
        if pending.active:
            begun = Condition(*key, pending.since_us, at_us, pending.confidence, pending.detail)
            self.active[key] = begun
            self._began[begun.id] = begun
            return
        ended = self.active.pop(key)
        self._changed.pop(ended.id, None)
        if self._began.pop(ended.id, None) is None:  # else nobody has heard of it yet
            self._ended.append(Ended(ended, max(pending.since_us, ended.since_us)))
