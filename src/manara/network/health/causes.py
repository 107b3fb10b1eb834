"""Causes, not symptoms: from the conditions that are so now to the few things that explain them. Pure: time comes in.

Conditions arrive in any order (`began`, `ended`); `evaluate` says which causes open, change and close. Larger causes
speak first (the program, then sites and links, credentials, weather), what they do not claim is explained within its
site. A cause that turns out to be part of a larger one is closed into it (`absorbed_into`). Only what a change touches
is judged again. Rules, waits and their reasons: `docs/design/causes.md`. Driven by `monitor.py`, committed by
`actions.py`; bounds: one conclusion a condition.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from manara.base.ids import new_id
from manara.network.health.board import Board, Conclusion, Facts, NoFacts
from manara.network.health.conditions import Condition, S
from manara.network.health.explain import Evidence
from manara.network.health.kinds import IMAGE_ORDER, POOR_STREAM, cause_of_image
from manara.network.health.local_causes import Local
from manara.network.health.network_causes import KINDS, Network
from manara.network.health.root_rules import Root
from manara.network.health.settle import SETTLE, Settle
from manara.network.health.topology import Topology
from manara.network.health.wide_causes import PROGRAM, Wide

# Causes that take cameras along. Once mended, these come back one by one, and readings are told again by and by: what
# is still wrong then is theirs for a while (`Settle.linger_s`), and no new fault.
_TAKES_CAMERAS = frozenset(
    {"site_power_lost", "battery_stolen", "battery_failed", "link_cut", "switch_dead", "site_isolated", "recorder_down"}
)
# What a mended place still says for a moment, or says anew while it starts: connections that break once more, devices
# called silent just before they speak. Not a link that goes down: that is told by those who live.
_AFTERMATH = frozenset(
    {"video_lost", "video_refused", "telemetry_silent", "device_unreadable", "site_unreachable", "switch_unreachable"}
    | {"port_down", *POOR_STREAM}
)
_PICTURE_CAUSES = tuple(cause_of_image(kind) for kind in IMAGE_ORDER)


@dataclass(slots=True)
class Cause:
    """What explains one or more conditions, from when it was told until it is over."""

    id: str
    kind: str
    key: str
    rule: str
    subject: str
    site_id: str
    sector_id: str
    direct: bool
    confidence: float
    since_us: int
    opened_us: int
    changed_us: int
    closed_us: int | None = None
    absorbed_into: str = ""
    camera_ids: set[str] = field(default_factory=set)
    site_ids: set[str] = field(default_factory=set)
    condition_ids: set[str] = field(default_factory=set)
    evidence: list[Evidence] = field(default_factory=list)
    pictures: dict[str, Any] | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> tuple[str, str]:
        """What makes it the same cause."""
        return self.kind, self.key


@dataclass(frozen=True, slots=True)
class _Held:
    identity: tuple[str, str]  # of the mended cause that it is left over from; _ANEW: began after the mending
    until_us: int


_ANEW = ("", "")


@dataclass(slots=True)
class Outcome:
    """What one evaluation changed."""

    opened: list[Cause] = field(default_factory=list)
    changed: list[Cause] = field(default_factory=list)
    closed: list[Cause] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.opened or self.changed or self.closed)


class Engine:
    """All causes of the network."""

    def __init__(self, topology: Topology, facts: Facts | None = None, settle: Settle = SETTLE) -> None:
        self.board = Board(topology, facts or NoFacts())
        self.open: dict[tuple[str, str], Cause] = {}
        self.settle = settle
        self.wake_us: int | None = None
        self.evaluations = 0
        self._network = Network(self.board, settle)
        self._local = Local(self.board, settle, self._picture_kind)
        self._wide = Wide(self.board, settle)
        self._network.rewire()
        self._scopes: dict[str, list[Conclusion]] = {}
        self._claims: dict[str, str] = {}  # condition id → site that it belongs to, of all larger conclusions
        self._touched: set[str] = set()  # sites, or "camera:<id>" of cameras without one
        self._dirty: set[str] = {"network", "program", "credentials", "telemetry"}
        self._sectors: set[str] = set()
        self._wakes: dict[str, int] = {}
        self._held: dict[str, _Held] = {}  # by condition id: cameras that are given time to come back
        self._by_id: dict[str, Condition] = {}
        self._grace: dict[str, int] = {}  # place that was mended (site id, or camera without one) → until when

    # ---- feeding

    def began(self, condition: Condition) -> None:
        """A condition began, or is known better."""
        self.board.put(condition)
        new = condition.id not in self._by_id
        self._by_id[condition.id] = condition
        until_us = self._grace.get(self._place(condition), 0) if new and condition.kind in _AFTERMATH else 0
        if until_us > condition.known_us and condition.id not in self._claims:
            self._held[condition.id] = _Held(_ANEW, until_us)
        self._touch(condition)

    def ended(self, condition: Condition) -> None:
        """A condition ended."""
        self.board.remove(condition)
        self._by_id.pop(condition.id, None)
        self._held.pop(condition.id, None)
        self._touch(condition)
        if condition.kind.startswith("image_"):  # what waited because it might have been the weather is judged again
            self._touched |= {scope.removeprefix("place ") for scope in self._wakes if scope.startswith("place ")}

    def heard(self, site_id: str) -> None:
        """A dark site told something: it may be judged otherwise."""
        if site_id in self._network.dark_sites():
            self._dirty.add("network")

    @property
    def wanted(self) -> bool:
        """Whether something was fed since the last evaluation."""
        return bool(self._touched or self._dirty or self._sectors)

    def rewire(self, topology: Topology) -> None:
        """The network was changed: judge everything again."""
        self.board.rewire(topology)
        self._network.rewire()
        self._scopes.clear()
        self._claims.clear()
        for condition in self.board.active.values():
            self._touch(condition)
        self._dirty |= {"network", "program", "credentials", "telemetry"}

    def restore(self, causes: Iterable[Cause], conditions: Iterable[Condition]) -> None:
        """What was open when the program stopped."""
        for condition in conditions:
            self.began(condition)
        for cause in causes:
            self.open[cause.identity] = cause
            onset_us = cause.detail.get("onset_us")
            if isinstance(onset_us, int) and cause.site_id:
                root = Root(cause.kind, cause.subject, cause.rule, cause.direct, cause.confidence)
                self._network.remember(cause.site_id, onset_us, root)

    # ---- judging

    def evaluate(self, now_us: int) -> Outcome:
        """Judge what was touched; returns what changed. `wake_us` is then when to ask again though nothing came."""
        self.evaluations += 1
        self._due(now_us)
        self._larger(now_us)
        for place in sorted(self._touched):
            self._judge_place(place, now_us)
        self._touched.clear()
        outcome = self._settle(now_us)
        self.wake_us = min([*self._wakes.values(), *(held.until_us for held in self._held.values())], default=None)
        return outcome

    def _touch(self, condition: Condition) -> None:
        site_id = self.board.topology.site_of(condition.subject)
        if condition.subject.startswith("camera:") and not site_id:
            self._touched.add(condition.subject)
        elif site_id:
            self._touched.add(site_id)
        if condition.kind in KINDS:
            self._dirty.add("network")
            if condition.subject.startswith("link:"):
                link = self.board.topology.links.get(condition.subject.removeprefix("link:"))
                self._touched |= {link.a_site_id, link.b_site_id} if link else set()
        if condition.kind in PROGRAM or condition.detail.get("cause") in ("disk", "recorder_silent"):
            self._dirty.add("program")
        if condition.kind in ("telemetry_silent", "video_lost"):
            self._dirty.add("telemetry")
        if condition.kind == "video_refused":
            self._dirty.add("credentials")
        if condition.kind.startswith("image_"):
            camera = self.board.topology.cameras.get(condition.subject.removeprefix("camera:"))
            if camera is not None:
                self._sectors.add(camera.sector_id)

    def _due(self, now_us: int) -> None:
        for scope, at_us in list(self._wakes.items()):
            if at_us > now_us:
                continue
            del self._wakes[scope]
            noun, _, rest = scope.partition(" ")
            if noun == "place":
                self._touched.add(rest)
            elif noun == "sector":
                self._sectors.add(rest)
            elif noun != "ready":
                self._dirty.add(noun)
        self._let_go([id for id, held in self._held.items() if held.until_us <= now_us])

    def _larger(self, now_us: int) -> None:
        if "program" in self._dirty:
            self._put("program", self._wide.program(), now_us)
        if "network" in self._dirty:
            taken = {id for cause in self.open.values() if cause.kind in _TAKES_CAMERAS for id in cause.condition_ids}
            concluded = self._network.conclude(now_us, taken | self._held.keys())
            self._put("network", self._without_leftovers(concluded), now_us)
            if self._network.wake_us is not None:
                self._wakes["network"] = self._network.wake_us
        if "telemetry" in self._dirty:
            self._put("telemetry", self._wide.telemetry(), now_us)
        if "credentials" in self._dirty:
            self._put("credentials", self._wide.credentials(), now_us)
        self._dirty.clear()
        for sector_id in self._sectors:
            key = f"sector:{sector_id}"
            known = {kind: cause.condition_ids for (kind, of), cause in self.open.items() if of == key}
            self._put(f"sector {sector_id}", self._wide.pictures(sector_id, known), now_us)
        self._sectors.clear()

    def _put(self, scope: str, conclusions: list[Conclusion], now_us: int) -> None:
        before = {member.id: member for old in self._scopes.get(scope, ()) for member in old.members}
        after = {member.id: member for new in conclusions for member in new.members}
        still = {new.identity for new in conclusions}
        for old in self._scopes.get(scope, ()):
            if old.identity not in self.open or not _lingers(old):
                continue
            wait_s = self.settle.linger_s if old.kind in _TAKES_CAMERAS else self.settle.clearing_s
            for member in old.members:
                if member.id in self._by_id and member.id not in after:
                    self._held[member.id] = _Held(old.identity, now_us + round(wait_s * S))
            if old.identity not in still and old.kind in _TAKES_CAMERAS and not after.keys() & _ids(old):
                self._spare(old, now_us)
        for id in before.keys() ^ after.keys():
            member = before.get(id) or after[id]
            place = self._place(member)
            if place:
                self._touched.add(place)
        for id in before.keys() - after.keys():
            if self._claims.get(id) == scope:
                del self._claims[id]
        for id in after:
            self._claims[id] = scope
        self._keep(scope, conclusions, now_us)

    def _without_leftovers(self, conclusions: list[Conclusion]) -> list[Conclusion]:
        """A mended cause lets its cameras go one after the other, those behind others last, and a link is asked again
        only in a while: what is still dark of it then is no new outage, until it had its time."""
        still = {new.identity for new in conclusions}
        mended = [
            self.open[old.identity]
            for old in self._scopes.get("network", ())
            if old.identity in self.open and old.identity not in still and old.kind in _TAKES_CAMERAS
        ]
        lost = {one.subject for one in self.board.of_kind("video_lost")}
        left = {
            id
            for cause in mended
            if any(f"camera:{c}" not in lost for c in cause.camera_ids)
            for id in cause.condition_ids
        }
        left |= {id for id, held in self._held.items() if held.identity != _ANEW}

        def over(new: Conclusion) -> bool:
            dark = {member.id for member in new.members if member.kind == "video_lost"}
            return new.identity not in self.open and bool(dark) and dark <= left

        return [new for new in conclusions if not over(new)]

    def _spare(self, old: Conclusion, now_us: int) -> None:
        """What begins at a place that was just mended waits a while before it is believed."""
        until_us = now_us + round(self.settle.grace_s * S)
        self._grace = {place: then_us for place, then_us in self._grace.items() if then_us > now_us}
        self._grace.update(dict.fromkeys((*old.site_ids, *(f"camera:{id}" for id in old.camera_ids)), until_us))

    def _place(self, condition: Condition) -> str:
        site_id = self.board.topology.site_of(condition.subject)
        return site_id or (condition.subject if condition.subject.startswith("camera:") else "")

    def _judge_place(self, place: str, now_us: int) -> None:
        if place.startswith("camera:"):
            here: Iterable[Condition] = self.board.of(place).values()
            site_id = ""
        else:
            here, site_id = self.board.at_site(place), place
        free = [one for one in here if one.id not in self._claims and one.id not in self._held]
        self._keep(f"place {place}", self._local.conclude(site_id, free) if free else [], now_us)

    def _keep(self, scope: str, conclusions: list[Conclusion], now_us: int) -> None:
        self._wakes.pop(scope, None)
        if not conclusions:
            self._scopes.pop(scope, None)
            return
        self._scopes[scope] = conclusions
        waiting = [made.ready_us for made in conclusions if made.ready_us > now_us and made.identity not in self.open]
        if waiting:
            self._wakes[scope] = min(waiting)

    def _picture_kind(self, subject: str) -> str | None:
        for condition in _PICTURE_CAUSES:
            if (condition, subject) in self.open:
                return condition
        return None

    # ---- from conclusions to causes

    def _settle(self, now_us: int) -> Outcome:
        outcome = Outcome()
        wanted: dict[tuple[str, str], Conclusion] = {}
        for conclusions in self._scopes.values():
            for made in conclusions:
                wanted[made.identity] = made
        claimed_by: dict[str, tuple[str, str]] = {}
        for identity, made in wanted.items():
            if identity in self.open or made.ready_us <= now_us:
                self._take(made, now_us, outcome)
            for member in made.members:
                claimed_by[member.id] = identity
        for identity in [one for one in self.open if one not in wanted]:
            self._unwanted(identity, claimed_by, wanted, now_us, outcome)
        return outcome

    def _take(self, made: Conclusion, now_us: int, outcome: Outcome) -> None:
        cause = self.open.get(made.identity)
        if cause is None:
            cause = Cause(
                id=new_id(),
                kind=made.kind,
                key=made.key,
                rule=made.rule,
                subject=made.subject,
                site_id=made.site_id,
                sector_id=made.sector_id,
                direct=made.direct,
                confidence=made.confidence,
                since_us=made.since_us,
                opened_us=now_us,
                changed_us=now_us,
                camera_ids=set(made.camera_ids),
                site_ids=set(made.site_ids),
                condition_ids={member.id for member in made.members},
                evidence=list(made.evidence),
                pictures=made.pictures,
                detail=dict(made.detail),
            )
            self.open[made.identity] = cause
            outcome.opened.append(cause)
            return
        members = {member.id for member in made.members}
        grew = not (
            members <= cause.condition_ids and made.camera_ids <= cause.camera_ids and made.site_ids <= cause.site_ids
        )
        # What was known once is not unlearned because a reading ended before the fault did.
        surer = made.confidence >= cause.confidence + 0.05 or (made.direct and not cause.direct)
        if grew or surer or (made.pictures is not None and made.pictures != cause.pictures):
            cause.condition_ids |= members
            cause.camera_ids |= made.camera_ids
            cause.site_ids |= made.site_ids
            cause.since_us = min(cause.since_us, made.since_us)
            cause.detail = {**cause.detail, **made.detail}
            cause.pictures = made.pictures or cause.pictures
            if surer or made.confidence >= cause.confidence:
                cause.rule, cause.direct, cause.confidence = made.rule, made.direct, made.confidence
                cause.evidence = list(made.evidence)
            cause.changed_us = now_us
            outcome.changed.append(cause)

    def _unwanted(
        self,
        identity: tuple[str, str],
        claimed_by: dict[str, tuple[str, str]],
        wanted: dict[tuple[str, str], Conclusion],
        now_us: int,
        outcome: Outcome,
    ) -> None:
        cause = self.open[identity]
        active = [id for id in cause.condition_ids if id in self._by_id]
        held = [id for id in active if id in self._held and self._held[id].identity == identity]
        if any(id not in claimed_by for id in held):
            return  # mended, and its cameras are still coming back
        larger = self._larger_one(active, claimed_by, wanted)
        if larger is not None and _lingers(cause) and not _lingers(wanted[larger]):
            larger = None  # what it leaves behind (a battery that charges) is no larger cause
        if larger is not None and larger not in self.open:
            self._wakes["ready"] = min(self._wakes.get("ready", 1 << 62), wanted[larger].ready_us)
            return  # it closes into the larger one once that has been told
        self._let_go(held)
        del self.open[identity]
        cause.closed_us = cause.changed_us = now_us
        cause.absorbed_into = self.open[larger].id if larger is not None else ""
        if larger is not None:
            into = self.open[larger]
            into.since_us = min(into.since_us, cause.since_us)
        outcome.closed.append(cause)

    def _larger_one(
        self,
        active: list[str],
        claimed_by: dict[str, tuple[str, str]],
        wanted: dict[tuple[str, str], Conclusion],
    ) -> tuple[str, str] | None:
        """The conclusion that now explains all that this cause did, and is no smaller."""
        into = {claimed_by[id] for id in active if id in claimed_by}
        best = max(into, key=lambda one: sum(claimed_by.get(id) == one for id in active), default=None)
        if best is None:
            return None
        mine = sum(claimed_by.get(id) == best for id in active)
        return best if 2 * mine >= len(active) and len(wanted[best].members) >= mine else None

    def _let_go(self, condition_ids: Iterable[str]) -> None:
        """These are free to be explained otherwise."""
        for id in condition_ids:
            self._held.pop(id, None)
            condition = self._by_id.get(id)
            if condition is not None:
                self._touch(condition)


def _ids(conclusion: Conclusion) -> set[str]:
    return {member.id for member in conclusion.members}


def _lingers(cause: Cause | Conclusion) -> bool:
    """Whether what it leaves behind is still its own for a while."""
    return cause.kind in _TAKES_CAMERAS or cause.key.startswith("sector:")
