"""Spans in which a camera did not do its job, with what caused them: the ground of availability. Pure.

One span a camera, from the first condition that keeps it from its job (`kinds.NOT_DOING_ITS_JOB`) until the last is
over. The cause is the one that holds the condition; a span keeps the largest it ever had. Fed by `monitor.py`,
committed by `actions.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from manara.base.ids import new_id
from manara.network.health.causes import Cause
from manara.network.health.conditions import Condition, Ended
from manara.network.health.kinds import NOT_DOING_ITS_JOB


@dataclass(slots=True)
class Span:
    """One outage of one camera. `end_us` None: still so."""

    camera_id: str
    start_us: int
    known_us: int
    condition: str
    site_id: str = ""
    sector_id: str = ""
    end_us: int | None = None
    cause_id: str = ""
    cause_kind: str = ""
    id: str = field(default_factory=new_id)


@dataclass(slots=True)
class OutageBook:
    """The spans that are open, and those that changed since they were last taken."""

    spans: dict[str, Span] = field(default_factory=dict)  # by camera
    _reasons: dict[str, set[str]] = field(default_factory=dict)  # by camera: ids of its conditions
    _of_condition: dict[str, str] = field(default_factory=dict)
    _changed: dict[str, Span] = field(default_factory=dict)

    def began(self, condition: Condition, site_id: str, sector_id: str) -> None:
        """A condition began."""
        if condition.kind not in NOT_DOING_ITS_JOB or condition.id in self._of_condition:
            return
        camera_id = condition.subject.removeprefix("camera:")
        self._of_condition[condition.id] = camera_id
        self._reasons.setdefault(camera_id, set()).add(condition.id)
        if camera_id not in self.spans:
            span = Span(camera_id, condition.since_us, condition.known_us, condition.kind, site_id, sector_id)
            self.spans[camera_id] = self._changed[span.id] = span

    def ended(self, ended: Ended) -> None:
        """A condition ended."""
        camera_id = self._of_condition.pop(ended.condition.id, None)
        if camera_id is None:
            return
        reasons = self._reasons[camera_id]
        reasons.discard(ended.condition.id)
        if reasons:
            return
        del self._reasons[camera_id]
        span = self.spans.pop(camera_id, None)
        if span is not None:
            span.end_us = max(ended.at_us, span.start_us)
            self._changed[span.id] = span

    def explained(self, causes: Iterable[Cause]) -> None:
        """Causes opened, or hold more conditions than before."""
        for cause in causes:
            for id in cause.condition_ids:
                camera_id = self._of_condition.get(id)
                span = self.spans.get(camera_id) if camera_id is not None else None
                if span is not None and span.cause_id != cause.id:
                    span.cause_id, span.cause_kind = cause.id, cause.kind
                    self._changed[span.id] = span

    def take(self) -> list[Span]:
        """What changed since this was last asked."""
        taken = list(self._changed.values())
        self._changed = {}
        return taken

    def restore(self, spans: Iterable[Span], conditions: Iterable[Condition], at_us: int) -> None:
        """What was open when the program stopped. A span without a condition (lost in a crash) ends now."""
        for span in spans:
            self.spans[span.camera_id] = span
        for condition in conditions:
            self.began(condition, "", "")
        for camera_id in [id for id in self.spans if id not in self._reasons]:
            span = self.spans.pop(camera_id)
            span.end_us = max(at_us, span.start_us)
            self._changed[span.id] = span
