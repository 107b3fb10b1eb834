"""Causes within one site: its power, its cabinet, its telemetry, one switch, one camera. Pure; the time comes in.

Given the conditions of a site (or of a camera that belongs to none) that no larger cause has claimed, says what
explains them. Every condition ends in exactly one conclusion. Called by `causes.Engine` for the sites that changed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from manara.network.health.board import Board, Conclusion, cameras_of
from manara.network.health.conditions import Condition, S
from manara.network.health.explain import evidence_of
from manara.network.health.kinds import ALIKE, IMAGE_ORDER, POOR_STREAM, WEATHER_LIKE, cause_of_image
from manara.network.health.settle import SETTLE, Settle

_TELEMETRY = ("telemetry_silent", "device_unreadable", "site_unreachable", "switch_unreachable")
_NEARBY_S = 600.0


@dataclass(slots=True)
class Local:
    """The rules of one site at a time. `dark`: whether the network's rules hold a site for dark already."""

    board: Board
    settle: Settle = SETTLE
    kinds_open: Callable[[str], str | None] = field(default=lambda key: None)  # kind of the open picture cause of a key

    def conclude(self, site_id: str, conditions: Iterable[Condition]) -> list[Conclusion]:
        """What explains these conditions of a site."""
        rest = {condition.id: condition for condition in conditions}
        found: list[Conclusion] = []
        for rule in (self._power, self._cabinet, self._switches, self._cameras, self._telemetry):
            for made in rule(site_id, list(rest.values())):
                found.append(made)
                for member in made.members:
                    rest.pop(member.id, None)
        return found

    # ---- power

    def _power(self, site_id: str, conditions: list[Condition]) -> list[Conclusion]:
        by = _first(conditions)
        found: list[Conclusion] = []
        door = by.get("cabinet_door_open")
        missing, empty, low = by.get("battery_missing"), by.get("battery_empty"), by.get("battery_low")
        grid, solar = by.get("grid_lost"), by.get("solar_failed")
        site = self.board.topology.sites.get(site_id)
        if missing is not None:
            opened = door is not None and door.since_us <= missing.since_us + 60 * S
            with_it = [missing, *([door] if opened and door is not None else [])]
            with_it += [grid] if grid is not None and grid.since_us >= missing.since_us else []
            with_it += [one for one in (empty, low) if one is not None and one.since_us >= missing.since_us - 60 * S]
            rule = "battery_vanished_door_open" if opened else "battery_vanished"
            found.append(
                self._made(
                    "battery_stolen", rule, site_id, with_it, self.settle.power_s, confidence=0.97 if opened else 0.85
                )
            )
            grid = None if grid in with_it else grid
            empty = None if empty in with_it else empty
            low = None if low in with_it else low
        if empty is not None and grid is None and (site is None or site.grid):
            members = [one for one in (empty, low) if one is not None]
            found.append(
                self._made(
                    "battery_failed", "battery_empty_on_grid", site_id, members, self.settle.power_s, confidence=0.85
                )
            )
        elif solar is not None and (low or empty) is not None and grid is None:
            worst = [one for one in (low, empty) if one is not None]
            if min(one.since_us for one in worst) >= solar.since_us:
                found.append(
                    self._made(
                        "solar_failed", "no_sun_power_battery_falls", site_id, [solar, *worst], self.settle.power_s
                    )
                )
            else:
                found.append(self._made("battery_low", "battery_low", site_id, worst, self.settle.power_s))
                found.append(self._made("solar_failed", "no_sun_power", site_id, [solar], self.settle.power_s))
            solar = None
        elif low is not None or empty is not None:
            members = [one for one in (grid, low, empty) if one is not None]
            rule = "grid_lost_battery_low" if grid is not None else "battery_low"
            found.append(self._made("battery_low", rule, site_id, members, self.settle.power_s))
            grid = None
        if grid is not None:
            found.append(self._made("grid_lost", "grid_lost", site_id, [grid], self.settle.power_s))
        if solar is not None:
            found.append(self._made("solar_failed", "no_sun_power", site_id, [solar], self.settle.power_s))
        return found

    def _cabinet(self, site_id: str, conditions: list[Condition]) -> list[Conclusion]:
        by = _first(conditions)
        found = []
        warm = [by[kind] for kind in ("cabinet_hot", "fan_failed") if kind in by]
        if warm:
            rule = "hot" if "cabinet_hot" in by else "fan_stands_still"
            found.append(self._made("cabinet_hot", rule, site_id, warm, self.settle.cabinet_s))
        if "cabinet_door_open" in by:
            # A theft shows within seconds of the door.
            found.append(
                self._made("cabinet_open", "door_open", site_id, [by["cabinet_door_open"]], self.settle.power_s * 2)
            )
        return found

    def _telemetry(self, site_id: str, conditions: list[Condition]) -> list[Conclusion]:
        signs = [
            one for one in conditions if one.kind in (*_TELEMETRY, "port_down", "link_loss", "optical_low", "link_down")
        ]
        if not signs:
            return []
        if self.board.unseen(site_id):  # its recorder is down: it may as well be dark, and nobody could say so
            rule, wait_s, confidence = "readings_missing_pictures_unknown", self.settle.unseen_s, 0.6
        else:
            rule, wait_s, confidence = "readings_missing_pictures_there", self.settle.telemetry_s, 0.9
        return [self._made("telemetry_failed", rule, site_id, signs, wait_s, confidence=confidence)]

    # ---- switches and cameras

    def _switches(self, site_id: str, conditions: list[Condition]) -> list[Conclusion]:
        topology = self.board.topology
        found = []
        lost = {one.subject.removeprefix("camera:"): one for one in conditions if one.kind == "video_lost"}
        for switch_id in topology.site_switches.get(site_id, ()) if len(lost) > 1 else ():
            cameras = [id for id in topology.switch_cameras.get(switch_id, []) if id not in self.board.closed]
            if len(cameras) < 2 or not all(id in lost for id in cameras):
                continue
            seen = [lost[id] for id in cameras]
            if max(one.since_us for one in seen) - min(one.since_us for one in seen) > self.settle.together_s * S:
                continue
            subject = f"switch:{switch_id}"
            signs = [
                one for one in conditions if one.subject == subject or one.subject.startswith(f"port:{switch_id}/")
            ]
            found.append(
                self._made(
                    "switch_dead", "all_cameras_of_a_switch", site_id, [*seen, *signs], self.settle.root_s,
                    subject=subject, direct=bool(signs), confidence=0.95 if signs else 0.8,
                )
            )  # fmt: skip
        return found

    def _cameras(self, site_id: str, conditions: list[Condition]) -> list[Conclusion]:
        of_camera: dict[str, dict[str, Condition]] = {}
        ports = {one.subject: one for one in conditions if one.kind == "port_down"}
        for one in conditions:
            if one.subject.startswith("camera:"):
                of_camera.setdefault(one.subject, {})[one.kind] = one
        found = []
        lost = [by["video_lost"] for by in of_camera.values() if "video_lost" in by]
        for subject, by in of_camera.items():
            found += self._camera(site_id, subject, by, lost, ports)
        return found

    def _camera(
        self,
        site_id: str,
        subject: str,
        by: dict[str, Condition],
        lost: Sequence[Condition],
        ports: dict[str, Condition],
    ) -> list[Conclusion]:
        found: list[Conclusion] = []
        gone = by.get("video_lost") or by.get("video_refused")
        weak = [by[kind] for kind in sorted(POOR_STREAM) if kind in by]
        if gone is not None:
            port = self._port_of(subject, ports)
            # A stream that broke up before it went is the same fault.
            members = [gone, *weak, *([port] if port is not None else [])]
            rule, direct, confidence = "camera_alone", False, 0.8
            if port is not None:
                rule, direct, confidence = "port_down", True, 0.97
            elif gone.kind == "video_refused":
                refused_login = gone.detail.get("cause") == "unauthorized"
                rule, direct, confidence = ("refused_login" if refused_login else "refused"), True, 0.95
                if refused_login:
                    made = self._made(
                        "camera_credential", rule, site_id, members, self.settle.camera_s, subject=subject
                    )
                    return [*found, made, *self._picture(site_id, subject, by)]
            wait_s = self.settle.camera_s
            others = [
                one
                for one in lost
                if one is not gone and abs(one.known_us - gone.known_us) <= self.settle.siblings_s * S
            ]
            if others and gone.kind == "video_lost":
                wait_s = self.settle.siblings_s
            found.append(
                self._made(
                    "camera_dead", rule, site_id, members, wait_s, subject=subject, direct=direct, confidence=confidence
                )
            )
        elif weak:
            found.append(
                self._made(
                    "camera_stream_poor",
                    "out_of_its_normal",
                    site_id,
                    weak,
                    self.settle.stream_s,
                    subject=subject,
                    confidence=0.8,
                )
            )
        return found + self._picture(site_id, subject, by)

    def _port_of(self, subject: str, ports: dict[str, Condition]) -> Condition | None:
        camera = self.board.topology.cameras.get(subject.removeprefix("camera:"))
        if camera is None or not camera.switch_id or camera.switch_port is None:
            return None
        return ports.get(f"port:{camera.switch_id}/{camera.switch_port}")

    def _picture(self, site_id: str, subject: str, by: dict[str, Condition]) -> list[Conclusion]:
        seen = [by[kind] for kind in IMAGE_ORDER if kind in by]
        if not seen:
            return []
        surest = max(one.confidence for one in seen)
        head = next(one for one in seen if one.confidence >= 0.8 * surest)
        # What it was called first it stays, while that is still seen.
        kept = self.kinds_open(subject)
        if kept is not None:
            head = next((one for one in seen if cause_of_image(one.kind) == kept), head)
        wait_s = self.settle.picture_s
        if head.kind in WEATHER_LIKE and self._weather_near(site_id, subject, head):
            wait_s = self.settle.weather_s
        elif head.kind in ALIKE and self._weather_near(site_id, subject, head):
            wait_s = self.settle.alike_s
        pictures = {
            "reference": head.detail.get("reference") or None,
            "now": head.detail.get("picture") or None,
        }
        return [
            self._made(
                cause_of_image(head.kind),
                "seen_in_the_picture",
                site_id,
                [head, *(one for one in seen if one is not head)],
                wait_s,
                subject=subject,
                confidence=head.confidence,
                pictures=pictures,
            )
        ]

    def _weather_near(self, site_id: str, subject: str, head: Condition) -> bool:
        """Whether another site of the sector shows the like (weather, or the same) at about the same time."""
        topology = self.board.topology
        camera = topology.cameras.get(subject.removeprefix("camera:"))
        if camera is None:
            return False
        for other in self.board.of_kind(*(WEATHER_LIKE if head.kind in WEATHER_LIKE else (head.kind,))):
            there = topology.cameras.get(other.subject.removeprefix("camera:"))
            if (
                there is not None
                and there.site_id != site_id
                and there.sector_id == camera.sector_id
                and abs(other.since_us - head.since_us) <= _NEARBY_S * S
            ):
                return True
        return False

    # ---- making conclusions

    def _made(
        self,
        kind: str,
        rule: str,
        site_id: str,
        members: Sequence[Condition],
        wait_s: float,
        *,
        subject: str = "",
        direct: bool = True,
        confidence: float = 0.95,
        pictures: dict[str, Any] | None = None,
    ) -> Conclusion:
        topology = self.board.topology
        subject = subject or f"site:{site_id}"
        sector_id = topology.sector_of(site_id)
        if not sector_id and subject.startswith("camera:"):
            camera = topology.cameras.get(subject.removeprefix("camera:"))
            sector_id = camera.sector_id if camera is not None else ""
        cameras = cameras_of(members)
        return Conclusion(
            kind=kind,
            key=subject,
            rule=rule,
            subject=subject,
            site_id=site_id,
            sector_id=sector_id,
            members=tuple(members),
            since_us=min(one.since_us for one in members),
            ready_us=max(members[0].known_us, min(one.known_us for one in members)) + round(wait_s * S),
            camera_ids=cameras,
            site_ids=frozenset({site_id} if site_id else ()),
            direct=direct,
            confidence=confidence,
            evidence=tuple(evidence_of(list(members), topology)),
            pictures=pictures,
        )


def _first(conditions: Iterable[Condition]) -> dict[str, Condition]:
    """The earliest condition of each kind."""
    found: dict[str, Condition] = {}
    for one in conditions:
        known = found.get(one.kind)
        if known is None or one.since_us < known.since_us:
            found[one.kind] = one
    return found
