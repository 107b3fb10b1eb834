"""Faults of the virtual province on demand: what each does, where it may be, which cause should be found.

`Trouble.order` makes something wrong, `heal` puts it right, `active` lists what is wrong now. What was wrong, where,
from when to when and what ought to be concluded is told to `tell` (a JSON line a change; see `devices.py`), so that
figures can be held against the truth. Changes `estate.py` and, through `Cameras`, the virtual cameras; opens no
socket, reads no clock but the one handed in. Called by `devices.py` (orders from outside) and `schedule.py`.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

from manara.base.errors import Conflict, InvalidInput, NotFound
from manara.simulate.estate import Estate, SiteState

Where = Literal["site", "camera", "link", "sector", "recorder"]
MAX_ACTIVE = 1000


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault. `cause` is what should be concluded (`docs/design/interfaces-health.md`)."""

    where: Where
    cause: str
    words: str


KINDS: dict[str, Kind] = {
    "site_power": Kind("site", "site_power_lost", "no grid and an empty battery: all at the site is dark"),
    "grid": Kind("site", "grid_lost", "grid gone, the site lives on its battery"),
    "battery_stolen": Kind("site", "battery_stolen", "the cabinet is opened and the battery is gone"),
    "battery_failed": Kind("site", "battery_failed", "two cells of the battery are shorted: it takes no charge"),
    "solar_failed": Kind("site", "solar_failed", "the panel gives nothing by day"),
    "switch_dead": Kind("site", "switch_dead", "the switch has power and carries nothing"),
    "telemetry": Kind("site", "telemetry_failed", "the telemetry box is silent, all else works"),
    "door": Kind("site", "cabinet_open", "the cabinet stands open"),
    "hot": Kind("site", "cabinet_hot", "the fan stands still and the cabinet heats up"),
    "link_cut": Kind("link", "link_cut", "a fibre is cut"),
    "link_degraded": Kind("link", "link_degraded", "a fibre is bent or dirty: little light, some loss"),
    "credential": Kind("camera", "camera_credential", "the camera's password was changed"),
    "camera_dead": Kind("camera", "camera_dead", "the camera is silent and draws no power"),
    "camera_stalled": Kind("camera", "camera_dead", "the camera answers and sends no pictures"),
    "stream_poor": Kind("camera", "camera_stream_poor", "half the frames, a tenth of the packets lost"),
    "frozen": Kind("camera", "camera_frozen", "the same scene under a running clock"),
    "black": Kind("camera", "camera_black", "a black scene under a running clock"),
    "white": Kind("camera", "camera_white", "overexposed, nothing to be seen"),
    "covered": Kind("camera", "camera_covered", "something hangs over the lens"),
    "sprayed": Kind("camera", "camera_dirty", "paint on the dome"),
    "blurred": Kind("camera", "camera_blurred", "out of focus"),
    "turned": Kind("camera", "camera_moved", "somebody turned it to the side"),
    "colour_lost": Kind("camera", "camera_colour_lost", "no colour by day: the infrared filter is stuck"),
    "vibrating": Kind("camera", "camera_vibrating", "the pole shakes"),
    "loop": Kind("camera", "camera_loop", "the same seconds again and again under a running clock"),
    "dust": Kind("sector", "sector_weather", "a dust storm over a sector: haze before all its cameras, little sun"),
    "disk_full": Kind("recorder", "recorder_disk_full", "a recorder's disk has no room"),
}
SPOILED = frozenset(("white", "covered", "sprayed", "blurred", "turned", "colour_lost", "vibrating"))
_WIRE = {"frozen": "freeze", "black": "black", "camera_stalled": "stall"}  # of `faults.py`


class Cameras(Protocol):
    """The virtual cameras, as faults need them. Every method raises `NotFound` for a code that does not stream."""

    def order(self, code: str, kind: str, value: float | None = None) -> None:
        """Put a fault of `faults.py` in force."""

    def lift(self, code: str, kind: str) -> None:
        """End it."""

    def spoil(self, code: str, kind: str) -> None:
        """Show a spoiled picture (of `SPOILED`, `dust` or `loop`) from the next key frame that there is of it."""

    def mend(self, code: str) -> None:
        """Show the scene again as it is."""

    def shows(self, code: str) -> bool:
        """Whether the picture that was ordered is on the wire by now."""

    def change_password(self, code: str, wrong: bool) -> None:
        """Let the camera have another password than it had, and end its sessions; or the old one again."""


class Disks(Protocol):
    """The recorders' disks, as faults need them."""

    def fill(self, recorder: str) -> None:
        """Let a recorder's disk have no room. Raises `InvalidInput` where that cannot be done."""

    def free(self, recorder: str) -> None:
        """Give the room back."""


@dataclass(slots=True)
class Fault:
    """One fault, in force or healed: the truth that conclusions are held against."""

    id: str
    kind: str
    where: Where
    at: str  # code of the site, camera, link, sector or recorder
    cause: str
    began_us: int
    cameras: list[str] = field(default_factory=list)  # that do not do their job because of it
    sites: list[str] = field(default_factory=list)
    shown_us: int | None = None  # when it took effect: pictures are made first, batteries last a moment
    healed_us: int | None = None
    heal_at_us: int | None = None
    by: str = "order"  # or "schedule"

    def as_dict(self) -> dict[str, Any]:
        """For the control port and the file of truth."""
        return asdict(self)


class Trouble:
    """What is wrong in the province."""

    def __init__(
        self, estate: Estate, cameras: Cameras, disks: Disks | None, tell: Callable[[Fault], None] = lambda fault: None
    ) -> None:
        self._estate = estate
        self._cameras = cameras
        self._disks = disks
        self._tell = tell
        self._count = 0
        self.active: dict[str, Fault] = {}
        self.told: list[Fault] = []  # all of this run
        self._spoiled: dict[str, list[str]] = {}  # camera → what spoils its picture, the last one seen

    # ---- orders

    def order(self, kind: str, at: str, now_us: int, *, seconds: float | None = None, by: str = "order") -> Fault:
        """Make something wrong. Raises `InvalidInput`, `NotFound` naming what is not there, `Conflict` if it is so."""
        known = KINDS.get(kind)
        if known is None:
            raise InvalidInput(f"no fault is called {kind!r}; known: {', '.join(KINDS)}", code="fault_unknown")
        if len(self.active) >= MAX_ACTIVE:
            raise Conflict("so many things are wrong already that one more would not be seen", code="faults_full")
        at = self._place(known, at)
        if any((one.kind, one.at) == (kind, at) for one in self.active.values()):
            raise Conflict(f"{kind} is in force already at {at}", code="fault_there")
        self._count += 1
        heal_at_us = None if seconds is None else now_us + round(seconds * 1_000_000)
        fault = Fault(f"F{self._count:04d}", kind, known.where, at, known.cause, now_us, heal_at_us=heal_at_us, by=by)
        before = self._dark()
        self._apply(fault, True)  # raises where it cannot be done, and then nothing is wrong
        self._estate.look()
        self._account(fault, before)
        self.active[fault.id] = fault
        self.told.append(fault)
        if self._in_effect(fault):
            fault.shown_us = now_us
        del self.told[:-5000]
        self._tell(fault)
        return fault

    def heal(self, fault_id: str, now_us: int) -> Fault:
        """Put one right. Raises `NotFound`."""
        fault = self.active.pop(fault_id, None)
        if fault is None:
            raise NotFound(f"no fault {fault_id} is in force", code="fault_not_there")
        self._apply(fault, False)
        for other in self.active.values():  # two faults may need the same thing wrong
            if other.where == fault.where and other.at == fault.at:
                self._apply(other, True)
        fault.healed_us = now_us
        self._estate.look()
        self._tell(fault)
        return fault

    def heal_due(self, now_us: int) -> list[Fault]:
        """Put right what was ordered for a time that is over."""
        due = [one.id for one in self.active.values() if one.heal_at_us is not None and one.heal_at_us <= now_us]
        return [self.heal(fault_id, now_us) for fault_id in due]

    def look(self, now_us: int) -> None:
        """See which faults have taken effect since."""
        for fault in self.active.values():
            if fault.shown_us is None and self._in_effect(fault):
                fault.shown_us = now_us
                self._tell(fault)

    def heal_all(self, now_us: int) -> list[Fault]:
        """Put everything right."""
        return [self.heal(fault_id, now_us) for fault_id in list(self.active)]

    def places(self, kind: str) -> list[str]:
        """Where a fault of this kind may be, in a constant order. Raises `InvalidInput` for an unknown kind."""
        known = KINDS.get(kind)
        if known is None:
            raise InvalidInput(f"no fault is called {kind!r}", code="fault_unknown")
        return list(self._places(known.where))

    # ---- inside

    def _in_effect(self, fault: Fault) -> bool:
        if fault.kind == "site_power":
            return not self._estate.sites[fault.at].power.powered
        if fault.kind == "dust" or fault.kind in SPOILED:
            return all(self._cameras.shows(code) for code in fault.cameras)
        return True

    def _places(self, where: Where) -> Iterator[str]:
        estate = self._estate
        if where == "site":
            yield from estate.infrastructure.live
        elif where == "camera":
            yield from estate.cameras
        elif where == "link":
            for link in estate.links.values():
                if link.kind == "fibre" and link.a_site in estate.sites and link.b_site in estate.sites:
                    yield link.code
        elif where == "sector":
            yield from dict.fromkeys(estate.sites[code].sector for code in estate.infrastructure.live)
        else:
            yield "recorder-1"

    def _place(self, known: Kind, at: str) -> str:
        """The place itself; a fault of a link may also name a site, whose way to the control room it is then."""
        places = list(self._places(known.where))
        if known.where == "link" and at in self._estate.sites:
            own = [
                code for code in places if self._estate.links[code].b_site == at and not self._estate.links[code].cut
            ]
            if own:
                return own[0]
        if known.where == "recorder" and at:
            return at
        if at not in places:
            what = "streams" if known.where == "camera" else "is played"
            raise NotFound(f"no {known.where} {at or '(none named)'} {what}", code="fault_place")
        return at

    def _dark(self) -> set[str]:
        return {camera.code for camera in self._estate.cameras.values() if self._estate.dark(camera)}

    def _account(self, fault: Fault, before: set[str]) -> None:
        """Whom it harms, and what a cut means in a ring."""
        estate = self._estate
        if fault.where == "camera":
            fault.cameras, fault.sites = [fault.at], [estate.cameras[fault.at].site]
        elif fault.where == "sector":
            sites = [site for site in estate.sites.values() if site.sector == fault.at and site.cameras]
            fault.sites = [site.code for site in sites]
            fault.cameras = [camera.code for site in sites for camera in site.cameras]
        elif fault.where == "site":
            fault.sites = [fault.at]
            if fault.kind in ("site_power", "switch_dead"):
                fault.cameras = [camera.code for camera in estate.sites[fault.at].cameras]
        elif fault.kind == "link_cut":
            fault.cameras = sorted(self._dark() - before)
            fault.sites = sorted({estate.cameras[code].site for code in fault.cameras})
            if not fault.cameras:
                fault.cause = "ring_open"

    def _apply(self, fault: Fault, wrong: bool) -> None:
        if fault.where == "site":
            self._at_site(fault.kind, self._estate.sites[fault.at], wrong)
        elif fault.where == "link":
            link = self._estate.links[fault.at]
            if fault.kind == "link_cut":
                link.cut = wrong
            else:
                link.loss_db, link.loss_pct = (20.0, 3.0) if wrong else (0.0, 0.0)
        elif fault.where == "camera":
            self._at_camera(fault.kind, fault.at, wrong)
        elif fault.where == "sector":
            self._over_sector(fault.at, wrong)
        elif self._disks is None:
            raise InvalidInput("there is no recorder here whose disk could be filled", code="fault_place")
        elif wrong:
            self._disks.fill(fault.at)
        else:
            self._disks.free(fault.at)

    def _at_site(self, kind: str, site: SiteState, wrong: bool) -> None:
        faults = site.power.faults
        if kind == "site_power":
            faults.grid_lost = faults.battery_drained = faults.solar_failed = wrong
            power = site.power
            if wrong:  # the end of a long night: what is left lasts half a minute
                power.charge_wh = min(power.charge_wh, power.capacity_wh * 0.12)
            else:  # a charged battery was brought, or the next cut would leave it dark at once
                power.charge_wh = max(power.charge_wh, power.capacity_wh * 0.6)
        elif kind == "grid":
            faults.grid_lost = wrong
        elif kind == "battery_stolen":
            faults.battery_stolen = faults.door_open = wrong
        elif kind == "battery_failed":
            faults.battery_failed = wrong
            site.power.charge_wh = min(site.power.charge_wh, site.power.capacity_wh * (0.12 if wrong else 1.0))
        elif kind == "solar_failed":
            faults.solar_failed = wrong
        elif kind == "switch_dead":
            site.switch_dead = wrong
        elif kind == "door":
            faults.door_open = wrong
        elif kind == "hot":
            faults.fan_failed = wrong
            faults.heat_c = 55.0 if wrong else 0.0
        elif kind == "telemetry":
            for device in self._estate.devices.values():
                if device.site == site.code:
                    device.dead = wrong

    def _at_camera(self, kind: str, code: str, wrong: bool) -> None:
        if kind == "camera_dead":
            self._estate.cameras[code].dead = wrong
        elif kind == "credential":
            self._cameras.change_password(code, wrong)
        elif kind in _WIRE or kind == "stream_poor":
            for wire, value in ((_WIRE[kind], None),) if kind in _WIRE else (("half_speed", None), ("drop", 10.0)):
                if wrong:
                    self._cameras.order(code, wire, value)
                else:
                    self._cameras.lift(code, wire)
        else:
            self._picture(code, kind, wrong)

    def _over_sector(self, sector: str, wrong: bool) -> None:
        for site in self._estate.sites.values():
            if site.sector == sector:
                site.power.faults.dust_share = 0.75 if wrong else 0.0
                for camera in site.cameras:
                    self._picture(camera.code, "dust", wrong)

    def _picture(self, code: str, kind: str, wrong: bool) -> None:
        """What spoils a picture last is what is seen; what spoiled it before comes back when that is healed."""
        stack = self._spoiled.setdefault(code, [])
        if kind in stack:
            stack.remove(kind)
        if wrong:
            stack.append(kind)
        if stack:
            self._cameras.spoil(code, stack[-1])
        else:
            self._cameras.mend(code)
