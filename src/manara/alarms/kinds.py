"""The rationalised table: for each kind of alarm its priority, what happens if nobody acts, what to do, who, how soon.

The words here are the program's; an administrator's edits lie over them (`table alarm_kind`), so that kinds added by a
later version appear and edited ones are kept. `CONSEQUENCES` says which kinds are explained by a larger one at the same
place (a camera without power is dead): they are not told beside it.

A kind without an entry is treated as `UNKNOWN`: told as medium, never dropped.
Source: ANSI/ISA-18.2 §8 (rationalisation); share of priorities 80/15/5 with the highest under 1 % (EEMUA 191).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from manara.alarms.kind_words import WORDS
from manara.base.errors import FieldError

PRIORITIES = ("critical", "high", "medium", "low")  # in the order of response
GROUP_BY = ("none", "site", "sector")
OWNER_ROLES = ("operator", "supervisor", "technician", "administrator")
SKILLS = ("", "power", "network", "cameras", "systems")
TEXT_MAX = 2000
RESPOND_MAX_S = 7 * 86_400
DELAY_MAX_S = 3600


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table. `latched`: stays until a person resets it, also when the cause has ended."""

    kind: str
    priority: str
    respond_s: int
    owner_role: str = "operator"
    skill: str = ""
    delay_on_s: float = 0.0
    delay_off_s: float = 30.0
    group_by: str = "none"
    annunciate: bool = True
    latched: bool = False
    consequence_ar: str = ""
    consequence_en: str = ""
    advice_ar: str = ""
    advice_en: str = ""
    changed_us: int = 0
    changed_by: str = ""

    @property
    def rank(self) -> int:
        """0 is the most urgent."""
        return PRIORITIES.index(self.priority)


_MIN, _HOUR = 60, 3600

# Delays are short, since health has made sure before it concludes; what comes and goes is the policy's chatter rule's.
# kind: (priority, respond_s, skill, delay_on_s, delay_off_s, group_by, more)
_Row = tuple[str, int, str, float, float, str, dict[str, Any]]
_TABLE: dict[str, _Row] = {
    # power
    "site_power_lost": ("high", 15 * _MIN, "power", 0, 60, "sector", {}),
    "grid_lost": ("low", 2 * _HOUR, "power", 5, 120, "sector", {}),
    "battery_low": ("medium", _HOUR, "power", 20, 600, "sector", {}),
    "battery_stolen": ("critical", 3 * _MIN, "power", 0, 60, "none", {"latched": True}),
    "battery_failed": ("low", 24 * _HOUR, "power", 20, 600, "site", {}),
    "solar_failed": ("low", 24 * _HOUR, "power", 20, 600, "sector", {}),
    # links and switches
    "link_cut": ("medium", 30 * _MIN, "network", 2, 60, "none", {}),
    "link_degraded": ("low", 8 * _HOUR, "network", 20, 300, "none", {}),
    "ring_open": ("medium", _HOUR, "network", 5, 120, "none", {}),
    "switch_dead": ("medium", 30 * _MIN, "network", 2, 60, "sector", {}),
    "site_isolated": ("high", 15 * _MIN, "network", 2, 60, "sector", {}),
    # cameras
    "camera_dead": ("low", 4 * _HOUR, "cameras", 2, 30, "site", {}),
    "camera_credential": ("low", 4 * _HOUR, "cameras", 2, 30, "sector", {}),
    "camera_stream_poor": ("low", 8 * _HOUR, "cameras", 20, 180, "site", {}),
    "camera_black": ("low", 2 * _HOUR, "cameras", 5, 60, "site", {}),
    "camera_white": ("low", 2 * _HOUR, "cameras", 10, 120, "site", {}),
    "camera_frozen": ("medium", _HOUR, "cameras", 5, 60, "site", {}),
    "camera_covered": ("high", 10 * _MIN, "cameras", 2, 30, "site", {}),
    "camera_blurred": ("low", 8 * _HOUR, "cameras", 5, 300, "sector", {}),
    "camera_dirty": ("low", 24 * _HOUR, "cameras", 10, 600, "sector", {}),
    "camera_moved": ("medium", _HOUR, "cameras", 5, 60, "site", {}),
    "camera_colour_lost": ("low", 24 * _HOUR, "cameras", 10, 600, "sector", {}),
    "camera_vibrating": ("low", 24 * _HOUR, "cameras", 10, 600, "sector", {}),
    "camera_loop": ("critical", 3 * _MIN, "cameras", 0, 60, "none", {"latched": True}),
    "sector_weather": ("medium", _HOUR, "", 5, 600, "none", {}),
    # cabinets
    "cabinet_open": ("medium", 15 * _MIN, "power", 5, 30, "site", {}),
    "cabinet_hot": ("medium", 2 * _HOUR, "power", 2, 600, "sector", {}),
    "telemetry_failed": ("low", 8 * _HOUR, "network", 10, 120, "sector", {}),
    # the program itself
    "recorder_disk_full": ("high", 15 * _MIN, "systems", 0, 60, "none", {"owner_role": "administrator"}),
    "recorder_disk_failed": ("high", 15 * _MIN, "systems", 0, 60, "none", {"owner_role": "administrator"}),
    "recorder_disk_slow": ("medium", _HOUR, "systems", 20, 300, "none", {"owner_role": "administrator"}),
    "recorder_down": ("critical", 3 * _MIN, "systems", 2, 30, "none", {"owner_role": "administrator"}),
    "role_restarting": ("medium", 30 * _MIN, "systems", 0, 300, "none", {"owner_role": "administrator"}),
    "handler_stuck": ("high", 15 * _MIN, "systems", 0, 30, "none", {"owner_role": "administrator"}),
}


def _make(kind: str, row: _Row) -> Kind:
    priority, respond_s, skill, on_s, off_s, group_by, more = row
    values: dict[str, Any] = {**WORDS[kind], **more}
    return Kind(
        kind=kind,
        priority=priority,
        respond_s=respond_s,
        skill=skill,
        delay_on_s=on_s,
        delay_off_s=off_s,
        group_by=group_by,
        **values,
    )


DEFAULTS: Mapping[str, Kind] = {kind: _make(kind, row) for kind, row in _TABLE.items()}
UNKNOWN = _make("unknown", ("medium", _HOUR, "", 0, 30, "none", {}))

# A camera, switch or link at a site that has one of these on the right is not told beside it.
_SITE_DOWN = frozenset({"site_power_lost", "site_isolated"})
CONSEQUENCES: Mapping[str, frozenset[str]] = {
    "camera_dead": _SITE_DOWN | {"switch_dead"},
    "camera_stream_poor": _SITE_DOWN | {"switch_dead"},
    "camera_frozen": frozenset({"site_power_lost"}),
    "switch_dead": _SITE_DOWN,
    "telemetry_failed": _SITE_DOWN | {"switch_dead"},
    "site_isolated": frozenset({"site_power_lost"}),
    "grid_lost": frozenset({"site_power_lost"}),
    "battery_low": frozenset({"site_power_lost"}),
}
# The same within a sector: a dust storm explains what its pictures show.
SECTOR_CONSEQUENCES: Mapping[str, frozenset[str]] = {
    "camera_blurred": frozenset({"sector_weather"}),
    "camera_dirty": frozenset({"sector_weather"}),
    "camera_white": frozenset({"sector_weather"}),
    "camera_colour_lost": frozenset({"sector_weather"}),
    "camera_vibrating": frozenset({"sector_weather"}),
}

_EDITABLE = frozenset(Kind.__dataclass_fields__) - {"kind", "changed_us", "changed_by"}


def of(table: Mapping[str, Kind], kind: str) -> Kind:
    """The row of a kind; the row of the unknown where the table has none."""
    return table.get(kind) or replace(UNKNOWN, kind=kind)


def edited(default: Kind, values: Mapping[str, Any], changed_us: int, changed_by: str) -> Kind:
    """A row with an administrator's edits over it. Fields that this version does not know are left out."""
    known = {name: value for name, value in values.items() if name in _EDITABLE}
    return replace(default, **known, changed_us=changed_us, changed_by=changed_by)


def view(kind: Kind) -> dict[str, Any]:
    """The row as JSON; `id` is the kind."""
    return {"id": kind.kind, **asdict(kind)}


def judge(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
    """The fields of an edit as they may be kept, and everything that is wrong with them."""
    clean: dict[str, Any] = {}
    faults: list[FieldError] = []
    for name, value in values.items():
        why = _fault(name, value)
        if why:
            faults.append(FieldError(name, why, value=str(value)[:80]))
        else:
            clean[name] = value.strip() if isinstance(value, str) else value
    return clean, faults


def _fault(name: str, value: Any) -> str:
    if name not in _EDITABLE:
        return "is not a field of a kind that can be edited"
    choices = {"priority": PRIORITIES, "group_by": GROUP_BY, "owner_role": OWNER_ROLES, "skill": SKILLS}.get(name)
    if choices is not None:
        return "" if value in choices else f"must be one of {', '.join(choices)}"
    if name in ("annunciate", "latched"):
        return "" if isinstance(value, bool) else "must be true or false"
    if name == "respond_s":
        fits = isinstance(value, int) and not isinstance(value, bool) and 10 <= value <= RESPOND_MAX_S
        return "" if fits else f"must be whole seconds from 10 to {RESPOND_MAX_S}"
    if name in ("delay_on_s", "delay_off_s"):
        fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= DELAY_MAX_S
        return "" if fits else f"must be seconds from 0 to {DELAY_MAX_S}"
    if not isinstance(value, str) or len(value) > TEXT_MAX:
        return f"must be text of at most {TEXT_MAX} characters"
    return "" if value.strip() else "must not be empty"
