"""Causes across sites that are not the network's: the program itself, a credential, weather over a sector. Pure."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from manara.network.health.board import Board, Conclusion, cameras_of
from manara.network.health.conditions import Condition, S
from manara.network.health.explain import evidence_of, note
from manara.network.health.kinds import ALIKE, WEATHER_LIKE, cause_of_image, parts
from manara.network.health.settle import SETTLE, Settle

PROGRAM = frozenset({"recorder_silent", "disk_full", "disk_slow", "disk_failed", "role_restarted", "handler_stuck"})
CREDENTIAL_WITHIN_S = 1800.0  # a password changed on a fleet reaches its cameras within minutes; tries are 30 s apart

ALL_SILENT_SITES, ALL_SILENT_PART, ALL_SILENT_WITHIN_S = 5, 0.6, 120.0

# A storm front crosses a sector within this; cameras of one street that are sprayed by hand are at one site.
WEATHER_WITHIN_S = 1200.0
WEATHER_CAMERAS = 4
WEATHER_SITES = 3
WEATHER_PART = 0.25
WEATHER_ENDS_PART = 0.1


@dataclass(slots=True)
class Wide:
    """The rules across sites."""

    board: Board
    settle: Settle = SETTLE

    def program(self) -> list[Conclusion]:
        """Recorders, disks, roles, handlers; with the cameras that they took along."""
        lost_by: dict[str, list[Condition]] = defaultdict(list)
        for one in self.board.of_kind("video_lost"):
            if one.detail.get("cause") in ("disk", "recorder_silent"):
                lost_by[str(one.detail.get("recorder_id", ""))].append(one)
        found = []
        silent = {one.subject.removeprefix("recorder:") for one in self.board.of_kind("recorder_silent")}
        for one in self.board.of_kind("recorder_silent"):
            recorder_id = one.subject.removeprefix("recorder:")
            with_it = [again] if (again := self.board.get("role_restarted", f"role:{recorder_id}")) else []
            members = [one, *with_it, *lost_by.pop(recorder_id, [])]
            found.append(self._made("recorder_down", "recorder_not_heard", one.subject, members))
        for recorder_id, lost in [(id, lost) for id, lost in lost_by.items() if _silent(lost)]:
            # Cameras that no recorder speaks of, and no recorder to ask.
            del lost_by[recorder_id]
            found.append(self._made("recorder_down", "nobody_speaks_of_them", f"recorder:{recorder_id or 'any'}", lost))
        disks: dict[tuple[str, str], list[Condition]] = defaultdict(list)
        for kind in ("disk_failed", "disk_full", "disk_slow"):
            for one in self.board.of_kind(kind):
                # Recorders of one machine share its disks: one disk is one cause.
                disks[kind, one.subject.partition("|")[2]].append(one)
        for (kind, path), told in disks.items():
            members = list(told)
            for one in told:
                members += lost_by.pop(parts(one.subject)[1].partition("|")[0], [])
            made = self._made(
                f"recorder_{kind}", "recorder_told", min(one.subject for one in told), members, key=f"disk:{path}"
            )
            found.append(made)
        for one in self.board.of_kind("role_restarted"):
            if one.subject.removeprefix("role:") not in silent:
                found.append(self._made("role_restarting", "restarted_again", one.subject, [one]))
        for one in self.board.of_kind("handler_stuck"):
            found.append(self._made("handler_stuck", "fact_keeps_failing", one.subject, [one]))
        return found

    def telemetry(self) -> list[Conclusion]:
        """Most sites silent at once: the way of readings (broker, collector) is what failed, not each of its sites."""
        silent = sorted(self.board.of_kind("telemetry_silent"), key=lambda one: one.since_us)
        telling = sum(site.telemetry for site in self.board.topology.sites.values())
        together = _densest(silent, ALL_SILENT_WITHIN_S)
        if len(together) < ALL_SILENT_SITES or len(together) < ALL_SILENT_PART * telling:
            return []
        plays = [one for one in together if not self._dark(self.board.topology.site_of(one.subject))]
        if len(plays) < ALL_SILENT_PART * len(together):
            return []  # they are dark: that has another cause
        made = self._made("telemetry_failed", "all_silent_at_once", "role:health", plays)
        return [replace(made, ready_us=max(made.ready_us, plays[0].known_us + round(self.settle.telemetry_s * S)))]

    def _dark(self, site_id: str) -> bool:
        cameras = self.board.topology.site_cameras.get(site_id, ())
        return bool(cameras) and all(self.board.get("video_lost", f"camera:{id}") is not None for id in cameras)

    def credentials(self) -> list[Conclusion]:
        """Cameras with one credential that refuse it at about the same time."""
        groups: dict[str, list[Condition]] = defaultdict(list)
        for one in self.board.of_kind("video_refused"):
            camera = self.board.topology.cameras.get(one.subject.removeprefix("camera:"))
            if camera is not None and camera.credential and one.detail.get("cause") == "unauthorized":
                groups[camera.credential].append(one)
        found = []
        for credential, refused in groups.items():
            refused.sort(key=lambda one: (one.since_us, one.subject))
            latest_us = refused[-1].since_us
            together = [one for one in refused if latest_us - one.since_us <= CREDENTIAL_WITHIN_S * S]
            if len(together) < 2:
                continue
            topology = self.board.topology
            sites = {topology.site_of(one.subject) for one in together} - {""}
            sectors = {topology.sector_of(id) for id in sites}
            cameras = len(together)
            evidence = [
                *evidence_of(together[:8], topology),
                note(
                    latest_us, together[0].subject, "same_credential", cameras,
                    f"كلها بنفس الحساب ({cameras})", f"All {cameras} use the same account",
                ),
            ]  # fmt: skip
            found.append(
                Conclusion(
                    kind="camera_credential",
                    key=f"credential:{credential}",
                    rule="same_credential_refused",
                    subject=together[0].subject,
                    site_id=topology.site_of(together[0].subject),
                    sector_id=next(iter(sectors)) if len(sectors) == 1 else "",
                    members=tuple(together),
                    since_us=together[0].since_us,
                    # More of them follow at their next try.
                    ready_us=together[0].known_us + round(self.settle.camera_s * S),
                    camera_ids=cameras_of(together),
                    site_ids=frozenset(sites),
                    confidence=0.97,
                    evidence=tuple(evidence),
                )
            )
        return found

    def pictures(self, sector_id: str, known: Mapping[str, Collection[str]]) -> list[Conclusion]:
        """What many pictures of a sector show at once. `known`: ids of the conditions of its open causes, by kind."""
        found = self.weather(sector_id, known.get("sector_weather", ()))
        taken = {member.id for made in found for member in made.members}
        for kind in sorted(ALIKE):
            found += self._alike(sector_id, kind, known.get(cause_of_image(kind), ()), taken)
        return found

    def _alike(self, sector_id: str, kind: str, known: Collection[str], taken: Collection[str]) -> list[Conclusion]:
        """One thing that many cameras of a sector show at once (frozen, dark, shaken by wind) is one cause."""
        cameras = self.board.topology.sector_cameras.get(sector_id, [])
        here = [self.board.get(kind, f"camera:{id}") for id in cameras]
        seen = [one for one in here if one is not None and one.id not in taken]
        together = self._together(seen, cameras, known)
        if not together:
            return []
        rule = "many_cameras_alike"
        return [self._of_sector(cause_of_image(kind), rule, sector_id, together, together, known=bool(known))]

    def _together(
        self, seen: list[Condition], cameras: Collection[str], open_members: Collection[str]
    ) -> list[Condition]:
        """Those that began together, where they are enough to be one cause (fewer keep one alive), else nothing."""
        known = [one for one in seen if one.id in open_members]
        if known:
            since_us = min(one.since_us for one in known)
            together = [one for one in seen if one.since_us >= since_us - WEATHER_WITHIN_S * S]
        else:
            together = _densest(seen, WEATHER_WITHIN_S)
        affected = cameras_of(together)
        part = WEATHER_ENDS_PART if known else WEATHER_PART
        if len(affected) < (1 if known else WEATHER_CAMERAS) or len(affected) < part * len(cameras):
            return []
        sites = {self.board.topology.cameras[id].site_id for id in affected}
        return together if known or len(sites) >= WEATHER_SITES else []

    def weather(self, sector_id: str, open_members: Collection[str]) -> list[Conclusion]:
        """Dust, fog or rain over a sector. `open_members`: ids of the conditions of a cause already open."""
        topology = self.board.topology
        cameras = topology.sector_cameras.get(sector_id, [])
        seen: list[Condition] = []
        for camera_id in cameras:
            by = self.board.of(f"camera:{camera_id}")
            seen += [by[kind] for kind in WEATHER_LIKE if kind in by]
        together = self._together(seen, cameras, open_members)
        if not together:
            return []
        affected = cameras_of(together)
        first_us = min(one.since_us for one in together)
        # What else the picture of these cameras shows meanwhile is the weather's too.
        also = [
            one
            for id in affected
            for kind, one in self.board.of(f"camera:{id}").items()
            if kind.startswith("image_") and kind not in WEATHER_LIKE and one.since_us >= first_us - 60 * S
            and kind in ("image_black", "image_moved", "image_frozen")
        ]  # fmt: skip
        known = any(one.id in open_members for one in together)
        members = [*together, *also]
        return [self._of_sector("sector_weather", "many_cameras_alike", sector_id, together, members, known=known)]

    def _of_sector(
        self,
        kind: str,
        rule: str,
        sector_id: str,
        together: Sequence[Condition],
        members: Sequence[Condition],
        *,
        known: bool,
    ) -> Conclusion:
        topology = self.board.topology
        cameras = topology.sector_cameras.get(sector_id, [])
        affected = cameras_of(together)
        sites = {topology.cameras[id].site_id for id in affected}
        first_us = min(one.since_us for one in together)
        share = 100 * len(affected) / max(1, len(cameras))
        evidence = [
            note(
                first_us, f"camera:{min(affected)}", "cameras_alike", len(affected),
                f"{share:.0f}٪ من كاميرات القاطع تضررت معاً في {len(sites)} مواقع",
                f"{share:.0f} % of the sector's cameras at {len(sites)} sites turned alike",
            ),
            *evidence_of(list(together[:8]), topology),
        ]  # fmt: skip
        return Conclusion(
            kind=kind,
            key=f"sector:{sector_id}",
            rule=rule,
            subject=f"camera:{min(affected)}",
            site_id="",
            sector_id=sector_id,
            members=tuple(members),
            since_us=first_us,
            ready_us=max(one.known_us for one in together) if not known else 0,
            camera_ids=affected,
            site_ids=frozenset(sites - {""}),
            direct=False,
            confidence=min(0.95, 0.6 + 0.5 * len(affected) / max(1, len(cameras))),
            evidence=tuple(evidence),
            detail={"part_pct": round(share)},
        )

    def _made(self, kind: str, rule: str, subject: str, members: list[Condition], key: str = "") -> Conclusion:
        topology = self.board.topology
        cameras = cameras_of(members)
        return Conclusion(
            kind=kind,
            key=key or subject,
            rule=rule,
            subject=subject,
            site_id="",
            members=tuple(members),
            since_us=min(one.since_us for one in members),
            ready_us=min(one.known_us for one in members) + round(self.settle.program_s * S),
            camera_ids=cameras,
            site_ids=frozenset(),
            confidence=0.97,
            evidence=tuple(evidence_of(members, topology)),
        )


def _silent(lost: list[Condition]) -> bool:
    return all(one.detail.get("cause") == "recorder_silent" for one in lost)


def _densest(conditions: list[Condition], within_s: float) -> list[Condition]:
    """The most conditions that began within a span."""
    ordered = sorted(conditions, key=lambda one: one.since_us)
    best: list[Condition] = []
    first = 0
    for last, one in enumerate(ordered):
        while one.since_us - ordered[first].since_us > within_s * S:
            first += 1
        if last - first + 1 > len(best):
            best = ordered[first : last + 1]
    return best
