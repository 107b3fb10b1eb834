"""How much of their time cameras did their job: lost hours, time to know, to respond, to repair, against a service
level.

Pure: spans in, figures out. A camera is lost from when it stopped doing its job until it did it again
(`camera_outage`); spans that overlap count once. What falls into a planned outage counts apart and not against the
service level; nothing counts before a camera was there. Called by `views.py` and `report.py`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

_HOUR_US = 3_600_000_000
BY = ("camera", "site", "sector", "supplier", "cause")


@dataclass(frozen=True, slots=True)
class Lost:
    """A span in which a camera did not do its job; `end_us` None: still so. `responded_us`: work was taken on."""

    camera_id: str
    start_us: int
    end_us: int | None
    known_us: int
    cause_kind: str = ""
    responded_us: int | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """A camera and what it is counted under; it is due from `from_us` on."""

    id: str
    site_id: str = ""
    sector_id: str = ""
    supplier: str = ""
    from_us: int = 0


@dataclass(frozen=True, slots=True)
class Planned:
    """A planned outage of cameras."""

    camera_ids: frozenset[str]
    from_us: int
    until_us: int


@dataclass(slots=True)
class Figures:
    """Of one camera, site, sector, supplier or cause. Times to … are means over spans that began in the period, s."""

    key: str
    cameras: int = 0
    due_us: int = 0
    lost_us: int = 0
    planned_us: int = 0
    spans: int = 0
    know_s: list[float] = field(default_factory=list)
    respond_s: list[float] = field(default_factory=list)
    repair_s: list[float] = field(default_factory=list)

    def view(self, service_level_pct: float) -> dict[str, object]:
        """As JSON."""
        pct = None if not self.due_us else round(100 * (1 - self.lost_us / self.due_us), 3)
        return {
            "key": self.key,
            "cameras": self.cameras,
            "available_pct": pct,
            "met": None if pct is None else pct >= service_level_pct,
            "lost_h": round(self.lost_us / _HOUR_US, 2),
            "planned_h": round(self.planned_us / _HOUR_US, 2),
            "spans": self.spans,
            "know_s": _mean(self.know_s),
            "respond_s": _mean(self.respond_s),
            "repair_s": _mean(self.repair_s),
        }


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 1) if values else None


def union(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans as few that do not touch, in order."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(span for span in spans if span[1] > span[0]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def without(spans: Sequence[tuple[int, int]], taken: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """What of `spans` lies outside `taken` (both as `union` makes them)."""
    left = []
    for start, end in spans:
        at = start
        for from_us, until_us in taken:
            if until_us <= at or from_us >= end:
                continue
            if from_us > at:
                left.append((at, from_us))
            at = max(at, until_us)
        if at < end:
            left.append((at, end))
    return left


def _length_us(spans: Iterable[tuple[int, int]]) -> int:
    return sum(end - start for start, end in spans)


def figures(
    cameras: Sequence[Watched],
    lost: Iterable[Lost],
    planned: Sequence[Planned],
    from_us: int,
    to_us: int,
    by: str,
    now_us: int,
) -> list[Figures]:
    """Figures of the period `from_us` … `to_us` (no further than `now_us`), grouped `by`, the most lost first.

    By cause, each lost moment counts under every cause that was given for it; due time is that of all cameras. Raises
    `ValueError` for a `by` that there is not.
    """
    if by not in BY:
        raise ValueError(f"by must be one of {', '.join(BY)}")
    to_us = min(to_us, now_us)
    spans_of: dict[str, list[Lost]] = defaultdict(list)
    for one in lost:
        spans_of[one.camera_id].append(one)
    groups: dict[str, Figures] = {}
    due_of_all = 0
    for camera in cameras:
        begin = max(from_us, camera.from_us)
        if begin >= to_us:
            continue
        apart = union(
            (max(begin, one.from_us), min(to_us, one.until_us)) for one in planned if camera.id in one.camera_ids
        )
        due = to_us - begin - _length_us(apart)
        due_of_all += due
        own = spans_of.get(camera.id, [])
        for key, some in _keys(camera, own, by).items():
            group = groups.setdefault(key, Figures(key))
            group.cameras += 1
            group.due_us += due
            group.planned_us += _length_us(apart)
            clipped = union((max(begin, one.start_us), min(to_us, one.end_us or to_us)) for one in some)
            group.lost_us += _length_us(without(clipped, apart))
            for one in some:
                if not from_us <= one.start_us < to_us:
                    continue
                group.spans += 1
                group.know_s.append(max(0, one.known_us - one.start_us) / 1e6)
                if one.responded_us is not None:
                    group.respond_s.append(max(0, one.responded_us - one.start_us) / 1e6)
                if one.end_us is not None:
                    group.repair_s.append((one.end_us - one.start_us) / 1e6)
    if by == "cause":
        for group in groups.values():
            group.due_us = due_of_all
    return sorted(groups.values(), key=lambda group: (-group.lost_us, group.key))


def _keys(camera: Watched, own: list[Lost], by: str) -> Mapping[str, list[Lost]]:
    if by != "cause":
        return {
            {"camera": camera.id, "site": camera.site_id, "sector": camera.sector_id, "supplier": camera.supplier}[
                by
            ]: own
        }
    found: dict[str, list[Lost]] = defaultdict(list)
    for one in own:
        found[one.cause_kind].append(one)
    return found


def whole(
    cameras: Sequence[Watched], lost: Iterable[Lost], planned: Sequence[Planned], from_us: int, to_us: int, now_us: int
) -> Figures:
    """Figures of all these cameras together."""
    together = [Watched(one.id, "all", "all", "all", one.from_us) for one in cameras]
    found = figures(together, lost, planned, from_us, to_us, "site", now_us)
    return found[0] if found else Figures("all")
