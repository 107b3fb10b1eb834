"""The conditions that are so now, found by site, camera and sector; and the few readings that rules of causes ask for.

Pure. Filled by `causes.Engine`, read by `network_causes.py` and `local_causes.py`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from manara.network.health.conditions import Condition
from manara.network.health.explain import Evidence
from manara.network.health.topology import Topology

_NOT_SEEN = (
    "disk",
    "recorder_silent",
)  # why a camera is lost, when it is not the camera's, its power's or its way's doing


class Facts(Protocol):
    """What telemetry last told, also when it is old by now."""

    def value(self, subject: str, quantity: str) -> tuple[float, int] | None:
        """Value and time of the last believed reading."""
        ...

    def heard_us(self, site_id: str) -> int:
        """When the site itself last told anything, 0 when never (that it did not answer is not telling)."""
        ...

    def load_drop(self, site_id: str, at_us: int) -> float | None:
        """Which part of its load (0 to 1) the site lost at `at_us`; None when no reading from after it is there."""
        ...


class NoFacts:
    """No telemetry at all."""

    def value(self, subject: str, quantity: str) -> tuple[float, int] | None:
        """Nothing."""
        del subject, quantity
        return None

    def heard_us(self, site_id: str) -> int:
        """Never."""
        del site_id
        return 0

    def load_drop(self, site_id: str, at_us: int) -> float | None:
        """Not known."""
        del site_id, at_us
        return None


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a rule concludes now. The same `kind` and `key` again is the same cause. Not told before `ready_us`."""

    kind: str
    key: str
    rule: str
    subject: str
    site_id: str
    members: tuple[Condition, ...]
    since_us: int
    ready_us: int
    camera_ids: frozenset[str] = frozenset()
    site_ids: frozenset[str] = frozenset()
    sector_id: str = ""
    direct: bool = True
    confidence: float = 1.0
    evidence: tuple[Evidence, ...] = ()
    pictures: dict[str, Any] | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> tuple[str, str]:
        """What makes it the same cause."""
        return self.kind, self.key


@dataclass(slots=True)
class Board:
    """The active conditions. `closed`: cameras that are shed by ourselves, so that nothing is seen of them."""

    topology: Topology
    facts: Facts
    closed: set[str] = field(default_factory=set)
    active: dict[tuple[str, str], Condition] = field(default_factory=dict)
    _by_subject: dict[str, dict[str, Condition]] = field(default_factory=dict)
    _by_site: dict[str, dict[tuple[str, str], Condition]] = field(default_factory=dict)
    _by_kind: dict[str, dict[str, Condition]] = field(default_factory=dict)

    def put(self, condition: Condition) -> None:
        """A condition began or is known better."""
        self.active[condition.key] = condition
        self._by_subject.setdefault(condition.subject, {})[condition.kind] = condition
        self._by_kind.setdefault(condition.kind, {})[condition.subject] = condition
        site_id = self.topology.site_of(condition.subject)
        if site_id:
            self._by_site.setdefault(site_id, {})[condition.key] = condition

    def remove(self, condition: Condition) -> None:
        """A condition ended."""
        self.active.pop(condition.key, None)
        for index, key in (
            (self._by_subject, condition.subject),
            (self._by_kind, condition.kind),
        ):
            of = index.get(key)
            if of is not None:
                of.pop(condition.kind if index is self._by_subject else condition.subject, None)
                if not of:
                    del index[key]
        site_id = self.topology.site_of(condition.subject)
        here = self._by_site.get(site_id)
        if here is not None:
            here.pop(condition.key, None)
            if not here:
                del self._by_site[site_id]

    def rewire(self, topology: Topology) -> None:
        """The network changed: find everything by its new places."""
        kept = list(self.active.values())
        self.topology = topology
        self.active, self._by_subject, self._by_site, self._by_kind = {}, {}, {}, {}
        for condition in kept:
            self.put(condition)

    def get(self, kind: str, subject: str) -> Condition | None:
        """The condition, None where it is not so."""
        return self._by_subject.get(subject, {}).get(kind)

    def of(self, subject: str) -> dict[str, Condition]:
        """All conditions of a subject, by kind."""
        return self._by_subject.get(subject, {})

    def at_site(self, site_id: str, *kinds: str) -> list[Condition]:
        """The conditions of a site and of what stands there; of some kinds, or all."""
        here = self._by_site.get(site_id, {}).values()
        return [condition for condition in here if not kinds or condition.kind in kinds]

    def first(self, site_id: str, kind: str) -> Condition | None:
        """The earliest condition of a kind at a site."""
        return min(self.at_site(site_id, kind), key=lambda condition: condition.since_us, default=None)

    def of_kind(self, *kinds: str) -> Iterator[Condition]:
        """All conditions of these kinds."""
        for kind in kinds:
            yield from self._by_kind.get(kind, {}).values()

    def lost(self, camera_id: str) -> Condition | None:
        """The camera's lost video, where it can be the network's or the power's doing."""
        condition = self.get("video_lost", f"camera:{camera_id}")
        if condition is None or condition.detail.get("cause") in (*_NOT_SEEN, "configuration"):
            return None
        return condition

    def unseen(self, site_id: str) -> bool:
        """True for a site with cameras of which nothing can be said, since their recorder or its disk is down."""
        cameras = self.topology.site_cameras.get(site_id, ())
        gone = [self.get("video_lost", f"camera:{id}") for id in cameras]
        return bool(gone) and all(one is not None and one.detail.get("cause") in _NOT_SEEN for one in gone)

    def link_down(self, link_id: str) -> Condition | None:
        """Whatever says that a link is down: itself, or one of the ports at its ends."""
        link = self.topology.links[link_id]
        said = [self.get("link_down", f"link:{link_id}")]
        said += [self.get("port_down", f"port:{port[0]}/{port[1]}") for port in (link.a_port, link.b_port) if port]
        return min((one for one in said if one is not None), key=lambda one: one.since_us, default=None)

    def down_links(self) -> set[str]:
        """All links that something says are down."""
        found = {condition.subject.removeprefix("link:") for condition in self.of_kind("link_down")}
        for condition in self.of_kind("port_down"):
            link_id = self.topology.port_link.get(condition.subject.removeprefix("port:"))
            if link_id:
                found.add(link_id)
        return found & self.topology.links.keys()


def cameras_of(conditions: Iterable[Condition]) -> frozenset[str]:
    """The cameras among the subjects."""
    return frozenset(
        condition.subject.removeprefix("camera:") for condition in conditions if condition.subject.startswith("camera:")
    )
