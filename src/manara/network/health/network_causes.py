"""Causes that take whole sites: power, switches, links, the way to the control room. Pure; the time comes in.

A site is *dark* when all its cameras (but those that are shed) are lost together. Dark sites that hang together are one
outage: what lies nearest to the control room (its frontier) is judged by what is known of its power, its switch and the
links on its border; everything behind it is a consequence. Where readings do not tell a cut link from a dead switch,
the cause is `site_isolated` and names its candidates: that is what is known. Rules and their numbers:
`docs/design/causes.md`.
Called by `causes.Engine` when something of this kind changed. Cost: one walk over the links while anything is dark.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from manara.network.health.board import Board, Conclusion, cameras_of
from manara.network.health.conditions import Condition, S
from manara.network.health.explain import MOST_EVIDENCE, Evidence, dark, note, of_condition
from manara.network.health.root_rules import Root, heard, power_root, reach_root
from manara.network.health.settle import SETTLE, Settle
from manara.network.health.topology import Topology

_SITE_SIGNS = ("telemetry_silent", "site_unreachable", "switch_unreachable", "device_unreadable")
_WEAK = ("packet_loss", "stream_restarts", "bitrate_abnormal", "frame_rate_low")
KINDS = frozenset(
    {"video_lost", "video_refused", "link_down", "port_down", "optical_low", "link_loss"}
    | {"grid_lost", "battery_low", "battery_empty", "battery_missing", "cabinet_door_open"}
    | set(_SITE_SIGNS)
    | {"packet_loss", "stream_restarts"}
)  # a change of any other kind leaves these conclusions as they are
_MASS_SITES = 5
_ALL_SITES = 3  # so many linked sites, and they are all there are
_MASS_PART = 0.6
_MASS_S = 30.0


@dataclass(frozen=True, slots=True)
class Dark:
    """A site of which no camera is seen any more. `lost`: those that went together."""

    site_id: str
    onset_us: int
    first_known_us: int
    last_known_us: int
    lost: tuple[Condition, ...]


@dataclass(slots=True)
class Network:
    """The rules of sites and links; remembers how it judged each outage, so that old readings do not turn it."""

    board: Board
    settle: Settle = SETTLE
    wake_us: int | None = None
    _depth: dict[str, int] = field(default_factory=dict)
    _reserve: frozenset[str] = frozenset()
    _beyond: dict[str, list[str]] = field(default_factory=dict)
    _judged: dict[str, tuple[int, Root]] = field(default_factory=dict)  # by site: onset, root
    _darks: dict[str, Dark] = field(default_factory=dict)
    _suspects: set[str] = field(default_factory=set)
    _down: set[str] = field(default_factory=set)
    _now_us: int = 0

    def rewire(self) -> None:
        """The topology changed."""
        topology = self.board.topology
        self._reserve = frozenset(id for id, link in topology.links.items() if link.role == "reserve")
        self._depth = _depths(topology, self._reserve)
        self._beyond = {}

    def dark_sites(self) -> Collection[str]:
        """The sites that are dark, as of the last look."""
        return self._darks.keys()

    def conclude(self, now_us: int, held: Collection[str] = ()) -> list[Conclusion]:
        """What is so now of sites and links. `wake_us` is then when time alone may change it.

        `held`: ids of conditions that are still a mended cause's, until they end too.
        """
        self._now_us, self.wake_us = now_us, None
        self._darks = self._find_dark()
        self._down = self.board.down_links()
        self._judged = {
            id: judged for id, judged in self._judged.items() if id in self._darks or id in self._kept(now_us)
        }
        self._suspects = self._find_suspects()
        found: list[Conclusion] = []
        if self._darks:
            found += self._outages()
        claimed = {condition.id for conclusion in found for condition in conclusion.members} | set(held)
        found += self._open_rings(claimed)
        found += self._degraded(claimed)
        return found

    # ---- what is dark

    def _find_dark(self) -> dict[str, Dark]:
        sites = {self.board.topology.site_of(condition.subject) for condition in self.board.of_kind("video_lost")}
        found = {}
        for site_id in sites:
            one = self._dark(site_id)
            if one is not None:
                found[site_id] = one
        return found

    def _dark(self, site_id: str) -> Dark | None:
        if not site_id or site_id in self.board.topology.control_rooms:
            return None
        seen = []
        cameras = self.board.topology.site_cameras.get(site_id, ())
        open_ones = [camera_id for camera_id in cameras if camera_id not in self.board.closed]
        for camera_id in open_ones:
            lost = self.board.lost(camera_id)
            if lost is not None:
                seen.append(lost)
            elif self.board.get("video_lost", f"camera:{camera_id}") is None:
                return None  # it plays, or at least answers
        if not seen:
            return None
        if len(open_ones) == 1 < len(cameras) and heard(self.board, site_id, seen[0].since_us):
            return None  # the others are shed, and the site lives: one camera says nothing of it
        latest_us = max(one.since_us for one in seen)
        together = [one for one in seen if latest_us - one.since_us <= self.settle.together_s * S]
        return Dark(
            site_id,
            min(one.since_us for one in together),
            min(one.known_us for one in together),
            max(one.known_us for one in together),
            tuple(together),
        )

    def _find_suspects(self) -> set[str]:
        """Hubs without a camera, all of whose sites beyond are dark, and which have not been heard since."""
        topology = self.board.topology
        gone = set(self._darks)
        suspects: set[str] = set()
        queue = list(self._darks)
        while queue:
            for hub in self._neighbours(queue.pop()):
                if hub in gone or hub in topology.control_rooms or topology.site_cameras.get(hub):
                    continue
                beyond = self._only_by(hub)
                if not beyond or not all(one in gone for one in beyond):
                    continue
                onset_us = max((self._darks[one].onset_us for one in beyond if one in self._darks), default=0)
                silent = bool(self.board.at_site(hub, *_SITE_SIGNS))
                dead = bool(self.board.at_site(hub, "switch_unreachable"))
                if dead or ((len(beyond) >= 2 or silent) and not heard(self.board, hub, onset_us)):
                    gone.add(hub)
                    suspects.add(hub)
                    queue.append(hub)
        return suspects

    def _only_by(self, hub: str) -> list[str]:
        """The neighbours of a hub that reach the control room by it alone."""
        found = self._beyond.get(hub)
        if found is None:
            reached = self.board.topology.reached({hub}, self._reserve)
            found = self._beyond[hub] = [one for one in self._neighbours(hub) if one not in reached]
        return found

    def _neighbours(self, site_id: str) -> list[str]:
        topology = self.board.topology
        return [
            topology.links[link_id].other(site_id)
            for link_id in topology.site_links.get(site_id, ())
            if link_id not in self._reserve
        ]

    def _main_links(self, site_id: str) -> list[str]:
        return [id for id in self.board.topology.site_links.get(site_id, ()) if id not in self._reserve]

    def _ways(self, site_id: str) -> list[str]:
        """Main links, and those of the reserve that are known to be down: one that may be up did not help."""
        links = self.board.topology.site_links.get(site_id, ())
        return [id for id in links if id not in self._reserve or id in self._down]

    # ---- outages

    def _outages(self) -> list[Conclusion]:
        topology = self.board.topology
        found: list[Conclusion] = []
        roots = {site_id: root for site_id, one in self._darks.items() if (root := self._power(one)) is not None}
        behind: dict[str, list[str]] = {site_id: [] for site_id in roots}
        rest = set(self._darks) - roots.keys()
        if roots and rest and topology.control_rooms:
            reached = topology.reached(roots.keys(), self._reserve)
            for site_id in list(rest):
                if site_id in reached or not self._main_links(site_id):
                    continue
                before = self._nearest(site_id, roots)
                if before is not None:
                    behind[before].append(site_id)
                    rest.discard(site_id)
        for site_id, root in roots.items():
            found.append(self._conclusion(root, site_id, [site_id, *behind[site_id]], set()))
        linked = {site_id for site_id in rest if topology.control_rooms and self._main_links(site_id)}
        if linked and self._nobody_left(linked):
            room = topology.control_rooms[0]
            down = tuple(one for id in self._main_links(room) if (one := self.board.link_down(id)) is not None)
            root = Root("site_isolated", f"site:{room}", "nobody_left", False, 0.85, down)
            hubs = [id for id in topology.sites if id not in linked and id != room and self._says_nothing(id)]
            found.append(self._conclusion(root, room, sorted(linked) + hubs, set()))
        elif linked:
            live = topology.reached(self._darks.keys() | self._suspects, self._reserve | self._down)
            blind = {id for id in topology.sites if id not in live and id not in self._darks and self._says_nothing(id)}
            for part in self._components(linked | self._suspects | blind):
                found += self._outage(part)
        found += self._unlinked(rest - linked)
        return found

    def _says_nothing(self, site_id: str) -> bool:
        """Whether a site has no camera that would show that it lives: none at all, or none that is recorded now."""
        return not self.board.topology.site_cameras.get(site_id) or self.board.unseen(site_id)

    def _nobody_left(self, linked: Collection[str]) -> bool:
        """Whether all cameras went at about the same time: then it is the control room that is cut off."""
        topology = self.board.topology
        if len(linked) < _ALL_SITES or len(topology.control_rooms) != 1:
            return False
        onsets = sorted(self._darks[one].onset_us for one in linked)
        middle_us = onsets[len(onsets) // 2]
        together = sum(abs(one - middle_us) <= _MASS_S * S for one in onsets)
        if together < 0.8 * len(onsets):
            return False
        for site_id, cameras in topology.site_cameras.items():
            if site_id not in self._darks and self._main_links(site_id):
                open_ones = [id for id in cameras if id not in self.board.closed]
                lost = [self.board.get("video_lost", f"camera:{id}") for id in open_ones]
                if any(one is None for one in lost):
                    return False
        return True

    def _power(self, one: Dark) -> Root | None:
        root = power_root(self.board, one.site_id, one.onset_us, self.settle)
        return None if root is None else self._best(one.site_id, one.onset_us, root)

    def remember(self, site_id: str, onset_us: int, root: Root) -> None:
        """How an outage was judged before the program was started again."""
        self._judged[site_id] = (onset_us, root)

    def _best(self, site_id: str, onset_us: int, root: Root) -> Root:
        """The surest judgement of this outage so far: what was read when it happened counts also when it is old."""
        then_us, known = self._judged.get(site_id, (0, None))
        same = known is not None and abs(then_us - onset_us) <= self.settle.together_s * S
        if same and known is not None:
            surer = 0.0 if root.kind == known.kind else 0.05
            return root if root.confidence >= known.confidence + surer else known
        return root

    def _kept(self, now_us: int) -> set[str]:
        """Judgements of places that are not dark themselves (hubs) are forgotten after a day."""
        return {id for id, (onset_us, _) in self._judged.items() if now_us - onset_us < 86_400 * S}

    def _nearest(self, site_id: str, roots: dict[str, Root]) -> str | None:
        """The dead site that stands between a dark one and the control room, unless it died long after it."""
        onset_us = self._darks[site_id].onset_us + self.settle.before_s * S
        seen, queue, met = {site_id}, [site_id], []
        while queue:
            for there in self._neighbours(queue.pop()):
                if there in seen:
                    continue
                seen.add(there)
                if there in roots:
                    met.append(there)
                elif there in self._darks or not self.board.topology.site_cameras.get(there):
                    queue.append(there)
        met = [one for one in met if self._darks[one].onset_us <= onset_us]
        return max(met, key=lambda one: self._darks[one].onset_us, default=None)

    def _components(self, sites: Collection[str]) -> list[set[str]]:
        """The sites, by what hangs together; parts without a dark site are left out."""
        rest, parts = set(sites), []
        while rest:
            part, queue = set(), [rest.pop()]
            while queue:
                here = queue.pop()
                part.add(here)
                near = [one for one in self._neighbours(here) if one in rest]
                rest.difference_update(near)
                queue += near
            if any(one in self._darks for one in part):
                parts.append(part)
        return parts

    def _outage(self, part: set[str]) -> list[Conclusion]:
        """Dark sites that hang together: what is nearest to the control room is the root."""
        topology = self.board.topology
        borders = {
            link_id: (site_id, topology.links[link_id].other(site_id))
            for site_id in part
            for link_id in self._ways(site_id)
            if topology.links[link_id].other(site_id) not in part
        }
        darks = [self._darks[one] for one in part if one in self._darks]
        latest_us = max(one.onset_us for one in darks)
        old = {id for id in borders if self._down_before(id, latest_us)}
        ways_in = topology.reached(part, self._reserve)  # what hangs on the outage is no way into it
        fresh = {id: ends for id, ends in borders.items() if id not in old and ends[1] in ways_in}
        fresh = fresh or {id: ends for id, ends in borders.items() if ends[1] in ways_in} or borders
        frontier = sorted({ends[0] for ends in fresh.values()})
        onset_us = min((self._darks[one].onset_us for one in frontier if one in self._darks), default=latest_us)
        early = {one.site_id for one in darks if one.onset_us < onset_us - self.settle.before_s * S}
        if early and len(early) < len(darks):
            found = [done for some in self._components(early) for done in self._outage(some)]
            return found + [done for some in self._components(part - early) for done in self._outage(some)]
        if len(frontier) == 1:
            root = reach_root(self.board, frontier[0], onset_us, list(fresh), len(part))
            root = self._best(frontier[0], onset_us, root)
            if not self._worth(part, root, fresh):
                return []
            return [self._conclusion(root, frontier[0], sorted(part), old)]
        if not fresh:  # nothing leads anywhere
            return self._unlinked({one.site_id for one in darks})
        return [self._wide(part, fresh, frontier, onset_us, old)]

    def _down_before(self, link_id: str, onset_us: int) -> bool:
        down = self.board.link_down(link_id)
        return down is not None and down.since_us < onset_us - self.settle.before_s * S

    def _worth(self, part: Collection[str], root: Root, borders: Iterable[str]) -> bool:
        """One lost camera that is alone at its site is a camera's matter until anything speaks for more."""
        darks = [self._darks[one] for one in part if one in self._darks]
        if len(darks) > 1 or len(darks[0].lost) > 1 or root.direct:
            return True
        signs = self.board.at_site(darks[0].site_id, *_SITE_SIGNS)
        return bool(signs) or any(link_id in self._down for link_id in borders)

    def _wide(
        self,
        part: set[str],
        borders: dict[str, tuple[str, str]],
        frontier: list[str],
        onset_us: int,
        old: Collection[str],
    ) -> Conclusion:
        """An outage with several ways in: what they share, or the link that went last."""
        topology = self.board.topology
        ends = {end for _, end in borders.values()}
        down = {id: one for id in borders if (one := self.board.link_down(id)) is not None}
        if len(ends) == 1 and (end := next(iter(ends))) and not topology.site_cameras.get(end):
            # All ways lead to one place, which has no camera of its own to prove that it lives.
            root = Root("site_isolated", f"site:{end}", "uplink_shared", False, 0.7, tuple(down.values()))
            return self._conclusion(root, end, sorted(part), old)
        if down:
            link_id = max(down, key=lambda id: down[id].since_us)
            root = Root(
                "link_cut", f"link:{link_id}", "ring_cut_twice", len(down) == len(borders), 0.85, tuple(down.values())
            )
            others = {id for id in down if id != link_id}
            return self._conclusion(root, borders[link_id][0], sorted(part), {*old, *others})
        first = min(frontier, key=lambda one: self._darks[one].onset_us if one in self._darks else onset_us)
        root = Root("site_isolated", f"site:{first}", "segment_dark", False, 0.5)
        return self._conclusion(root, first, sorted(part), old)

    def _unlinked(self, sites: Collection[str]) -> list[Conclusion]:
        """Dark sites of which nobody entered how they are linked."""
        if not sites:
            return []
        topology = self.board.topology
        every = [id for id, cameras in topology.site_cameras.items() if id and cameras and not self._main_links(id)]
        onsets = sorted(self._darks[one].onset_us for one in sites)
        if (
            len(sites) >= _MASS_SITES
            and len(sites) >= _MASS_PART * len(every)
            and onsets[-1] - onsets[0] <= _MASS_S * S
        ):
            room = topology.control_rooms[0] if topology.control_rooms else ""
            subject = f"site:{room}" if room else "role:control"
            root = Root("site_isolated", subject, "all_at_once", False, 0.8)
            return [self._conclusion(root, room, sorted(sites), set())]
        found = []
        for site_id in sorted(sites):
            one = self._darks[site_id]
            root = self._best(site_id, one.onset_us, reach_root(self.board, site_id, one.onset_us, [], 1))
            if self._worth([site_id], root, ()):
                found.append(self._conclusion(root, site_id, [site_id], set()))
        return found

    # ---- making conclusions

    def _conclusion(self, root: Root, site_id: str, sites: list[str], old: Collection[str]) -> Conclusion:
        darks = [self._darks[one] for one in sites if one in self._darks]
        members: dict[str, Condition] = {one.id: one for one in root.conditions}
        for one in sites:
            here = [*self.board.at_site(one, *_SITE_SIGNS)]
            if one in self._darks:
                here += self._darks[one].lost
                for lost in self._darks[one].lost:
                    here += [c for kind, c in self.board.of(lost.subject).items() if kind in _WEAK]
            for link_id in self.board.topology.site_links.get(one, ()):
                if link_id not in old:
                    here += self._link_signs(link_id)
            here += [
                down
                for down in self.board.at_site(one, "port_down")
                if self.board.topology.port_link.get(down.subject.removeprefix("port:")) not in old
            ]
            members.update((condition.id, condition) for condition in here)
        ready_us = self._ready(root, darks)
        since_us = min([one.onset_us for one in darks] + [one.since_us for one in root.conditions])
        cameras = cameras_of(condition for one in darks for condition in one.lost)
        if ready_us <= self._now_us:
            # While symptoms still come in, a judgement is not worth remembering.
            self._judged[site_id] = (min(one.onset_us for one in darks), root)
        evidence: list[Evidence] = [of_condition(one, self.board.topology) for one in root.conditions]
        evidence += root.readings
        onset_us = min(one.onset_us for one in darks)
        evidence.append(dark(onset_us, root.subject, len(cameras), len(darks)))
        signs = [one for one in members.values() if one.kind in (*_SITE_SIGNS, "link_down", "port_down")]
        signs = [one for one in signs if one not in root.conditions]
        evidence += [of_condition(one, self.board.topology) for one in sorted(signs, key=lambda one: one.since_us)]
        if not root.direct:
            evidence.append(
                note(
                    self._now_us,
                    root.subject,
                    root.rule,
                    root.confidence,
                    "استنتاج بلا دليل مباشر",
                    "Inferred, without direct evidence",
                )
            )
        topology = self.board.topology
        return Conclusion(
            kind=root.kind,
            key=root.subject,
            rule=root.rule,
            subject=root.subject,
            site_id=site_id,
            sector_id=topology.sector_of(site_id),
            members=tuple(members.values()),
            since_us=since_us,
            ready_us=ready_us,
            camera_ids=cameras,
            site_ids=frozenset(sites),
            direct=root.direct,
            confidence=root.confidence,
            evidence=tuple(evidence[:MOST_EVIDENCE]),
            detail={**root.detail, "onset_us": onset_us},
        )

    def _link_signs(self, link_id: str) -> list[Condition]:
        link = self.board.topology.links[link_id]
        found = list(self.board.of(f"link:{link_id}").values())
        for port in (link.a_port, link.b_port):
            if port is not None:
                found += [c for c in self.board.of(f"port:{port[0]}/{port[1]}").values() if c.kind == "port_down"]
        return found

    def _ready(self, root: Root, darks: list[Dark]) -> int:
        first_us = min(one.first_known_us for one in darks)
        if root.kind == "site_isolated" or root.confidence < 0.6:
            ready_us = first_us + round(self.settle.unexplained_s * S)
        else:
            last_us = max(one.last_known_us for one in darks) + round(self.settle.root_s * S)
            ready_us = min(last_us, first_us + round(self.settle.unexplained_s * S))
        self._wake(ready_us)
        return ready_us

    def _wake(self, at_us: int) -> None:
        if at_us > self._now_us and (self.wake_us is None or at_us < self.wake_us):
            self.wake_us = at_us

    # ---- links that cost nothing yet, or give poor service

    def _open_rings(self, claimed: Collection[str]) -> list[Conclusion]:
        found = []
        for link_id in sorted(self._down):
            link = self.board.topology.links[link_id]
            signs = [one for one in self._link_signs(link_id) if one.id not in claimed]
            down = [one for one in signs if one.kind in ("link_down", "port_down")]
            if not down:
                continue
            ready_us = min(one.known_us for one in down) + round(self.settle.link_s * S)
            self._wake(ready_us)
            found.append(
                self._of_link(
                    "ring_open", "link_down_nothing_lost", link.id, signs, ready_us, direct=True, confidence=0.95
                )
            )
        return found

    def _degraded(self, claimed: Collection[str]) -> list[Conclusion]:
        found = []
        links = {one.subject.removeprefix("link:") for one in self.board.of_kind("optical_low", "link_loss")}
        for link_id in sorted(links & self.board.topology.links.keys() - self._down):
            signs = [one for one in self.board.of(f"link:{link_id}").values() if one.id not in claimed]
            if not signs:
                continue
            link = self.board.topology.links[link_id]
            behind = self._behind(link_id) or [
                one for one in (link.a_site_id, link.b_site_id) if one not in self.board.topology.control_rooms
            ]
            for site_id in behind[:50]:
                for camera_id in self.board.topology.site_cameras.get(site_id, ()):
                    weak = self.board.of(f"camera:{camera_id}")
                    signs += [weak[kind] for kind in _WEAK if kind in weak and weak[kind].id not in claimed]
            ready_us = min(one.known_us for one in signs) + round(self.settle.power_s * S)
            self._wake(ready_us)
            found.append(
                self._of_link("link_degraded", "light_or_loss", link_id, signs, ready_us, direct=True, confidence=0.9)
            )
        return found

    def _behind(self, link_id: str) -> list[str]:
        """The sites that have no other way to the control room than this link."""
        reached = self.board.topology.reached((), {link_id, *self._reserve})
        return [id for id in self._depth if id not in reached]

    def _of_link(
        self,
        kind: str,
        rule: str,
        link_id: str,
        signs: list[Condition],
        ready_us: int,
        *,
        direct: bool,
        confidence: float,
    ) -> Conclusion:
        topology = self.board.topology
        link = topology.links[link_id]
        far = max(link.a_site_id, link.b_site_id, key=lambda one: self._depth.get(one, 0))
        detail: dict[str, Any] = {"ring": link.ring} if link.ring else {}
        ordered = sorted(signs, key=lambda one: one.since_us)
        return Conclusion(
            kind=kind,
            key=f"link:{link_id}",
            rule=rule,
            subject=f"link:{link_id}",
            site_id=far,
            sector_id=topology.sector_of(far),
            members=tuple(signs),
            since_us=min(one.since_us for one in signs),
            ready_us=ready_us,
            camera_ids=cameras_of(signs),
            site_ids=frozenset({link.a_site_id, link.b_site_id}),
            direct=direct,
            confidence=confidence,
            evidence=tuple(of_condition(one, topology) for one in ordered[:MOST_EVIDENCE]),
            detail=detail,
        )


def _depths(topology: Topology, reserve: Collection[str]) -> dict[str, int]:
    """How many links each site is from the control room."""
    depth = dict.fromkeys(topology.control_rooms, 0)
    queue = list(topology.control_rooms)
    for here in queue:
        for link_id in topology.site_links.get(here, ()):
            there = topology.links[link_id].other(here)
            if link_id not in reserve and there not in depth:
                depth[there] = depth[here] + 1
                queue.append(there)
    return depth
