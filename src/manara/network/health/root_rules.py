"""What took a dark site: each rule looks at one kind of evidence and says how sure it is. Pure.

`power_root` asks whether the site lost its power; `reach_root` what lies between it and the control room. Each answers
a `Root`, with the conditions and readings that speak for it. Thresholds have their reasons beside them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from manara.network.health.board import Board
from manara.network.health.conditions import Condition, S
from manara.network.health.explain import Evidence, name_of, note, of_reading
from manara.network.health.settle import Settle

HEARD_AFTER_S = 6.0  # what a site told just as it died may arrive this much later
EMPTY_SOC_PCT = 20.0  # lead batteries are cut off by their controllers at 10 to 20 %
FULL_SOC_PCT = 50.0  # a battery that was at least half full does not end within minutes
SOON_S = 600.0
LOAD_GONE = 0.35  # a switch that feeds its cameras takes far more than a third of a site's load with it when it dies
LOAD_STAYS = 0.15


@dataclass(frozen=True, slots=True)
class Root:
    """What a rule says took a site."""

    kind: str
    subject: str
    rule: str
    direct: bool
    confidence: float
    conditions: tuple[Condition, ...] = ()
    readings: tuple[Evidence, ...] = ()
    detail: dict[str, Any] = field(default_factory=dict)


def heard(board: Board, site_id: str, onset_us: int) -> bool:
    """True where the site told something after it went dark: its power lives, and some way out of it."""
    return board.facts.heard_us(site_id) > onset_us + HEARD_AFTER_S * S


def power_root(board: Board, site_id: str, onset_us: int, settle: Settle) -> Root | None:
    """Whether a dark site lost its power; None where nothing speaks for it."""
    if heard(board, site_id, onset_us):
        return None
    site = board.topology.sites.get(site_id)
    grid = board.first(site_id, "grid_lost")
    empty = board.first(site_id, "battery_empty")
    missing = board.first(site_id, "battery_missing")
    low = board.first(site_id, "battery_low")
    door = board.first(site_id, "cabinet_door_open")
    subject = f"site:{site_id}"
    charge = _charge(board, site_id)
    charged = () if charge is None else (of_reading(subject, "state_of_charge_pct", *charge),)
    latest_us = onset_us + settle.hint_s * S
    if missing is not None and missing.since_us <= latest_us:
        conditions = tuple(one for one in (door, missing, grid, low, empty) if one is not None)
        return Root("battery_stolen", subject, "battery_vanished_then_dark", True, 0.97, conditions, charged)
    if empty is not None:
        conditions = tuple(one for one in (grid, low, empty) if one is not None)
        return Root("site_power_lost", subject, "battery_empty_then_dark", True, 0.98, conditions, charged)
    opened = door is not None and onset_us - settle.hint_s * S <= door.since_us <= onset_us + S * 30
    if grid is None:
        if site is not None and not site.grid and low is not None:
            return Root("site_power_lost", subject, "solar_battery_low_then_dark", True, 0.85, (low,), charged)
        if opened and door is not None and site is not None and site.battery and not site.grid:
            return Root("battery_stolen", subject, "door_open_then_dark", False, 0.7, (door,), charged)
        return None
    if site is not None and not site.battery:
        return Root("site_power_lost", subject, "grid_lost_no_battery", True, 0.95, (grid,))
    if low is not None or (charge is not None and charge[0] <= EMPTY_SOC_PCT):
        conditions = tuple(one for one in (grid, low) if one is not None)
        return Root("site_power_lost", subject, "grid_lost_battery_low_then_dark", True, 0.93, conditions, charged)
    if opened and door is not None:
        return Root("battery_stolen", subject, "door_open_on_battery_then_dark", False, 0.72, (door, grid), charged)
    if onset_us - grid.since_us <= SOON_S * S and charge is not None and charge[0] >= FULL_SOC_PCT:
        return Root("battery_failed", subject, "dark_soon_after_grid", False, 0.75, (grid,), charged)
    if charge is None:
        return Root("site_power_lost", subject, "grid_lost_then_dark", False, 0.65, (grid,))
    return None


def reach_root(board: Board, site_id: str, onset_us: int, borders: Sequence[str], sites: int) -> Root:
    """What lies between a site that has its power, or may have it, and the control room. `borders`: the links that
    lead out of the outage."""
    down = {id: one for id in borders if (one := board.link_down(id)) is not None}
    switches = board.topology.site_switches.get(site_id, [])
    switch = f"switch:{switches[0]}" if len(switches) == 1 else f"site:{site_id}"
    signs = tuple(down.values())
    unreachable = board.at_site(site_id, "switch_unreachable")
    if heard(board, site_id, onset_us):
        return _alive(board, site_id, onset_us, borders, down, switch)
    ways = len(borders)
    if ways >= 2 and sites == 1 and (len(down) == ways or not down):
        # Two cuts at once are rarer by far than one death in between.
        if _powered(board, site_id):
            root = Root("switch_dead", switch, "all_ways_down_power_was_well", False, 0.7, (*signs, *unreachable))
        else:
            root = Root("site_isolated", f"site:{site_id}", "all_ways_down", False, 0.55, (*signs, *unreachable))
        return root
    worn = [board.of(f"link:{id}").get(kind) for id in borders for kind in ("optical_low", "link_loss")]
    worn_out = [one for one in worn if one is not None and one.since_us < onset_us]
    if ways == 1 and worn_out:
        conditions = (*worn_out, *signs)
        return Root("link_cut", f"link:{borders[0]}", "weak_link_then_dark", bool(down), 0.8, conditions)
    powered = _powered(board, site_id)
    candidates = ["link_cut", "switch_dead", *([] if powered else ["site_power_lost"])]
    beyond = _beyond(board, site_id, onset_us, borders)
    if beyond and ways == 1:
        told = tuple(of_reading(*one) for one in beyond)
        if any(value for _, _, value, _ in beyond):
            return Root(
                "link_cut", f"link:{borders[0]}", "seen_from_beyond", bool(down), 0.88, (*signs, *unreachable), told
            )
        if powered:
            return Root("switch_dead", switch, "missed_from_beyond", False, 0.75, (*signs, *unreachable), told)
        candidates.remove("link_cut")
    detail = {"candidates": candidates, "links": list(borders)[:8]}
    rule = "no_way_in" if borders else "dark_without_evidence"
    either = _either(board, site_id, onset_us, candidates, borders, switch)
    return Root("site_isolated", f"site:{site_id}", rule, False, 0.5, (*signs, *unreachable), either, detail=detail)


def _beyond(board: Board, site_id: str, onset_us: int, borders: Sequence[str]) -> list[tuple[str, str, float, int]]:
    """What sites behind a dark one, heard by ways of their own, tell of their links to it: up, its switch lives."""
    found = []
    for link_id in board.topology.site_links.get(site_id, ()):
        seen = board.facts.value(f"link:{link_id}", "link_up") if link_id not in borders else None
        if seen is not None and seen[1] > onset_us + HEARD_AFTER_S * S:
            found.append((f"link:{link_id}", "link_up", *seen))
    return found


def _either(
    board: Board, site_id: str, onset_us: int, candidates: Sequence[str], borders: Sequence[str], switch: str
) -> tuple[Evidence, ...]:
    """In words, between what nothing that was told decides: whoever goes there knows what to take along."""
    links_ar, links_en = ("، ".join(names) for names in _names([f"link:{id}" for id in borders[:3]], board))
    switch_ar, switch_en = (names[0] for names in _names([switch], board))
    words = {
        "link_cut": (f"قطع خط الاتصال {links_ar}", f"link {links_en} is cut"),
        "switch_dead": (f"عطل المبدّل {switch_ar}", f"switch {switch_en} is dead"),
        "site_power_lost": ("انقطاع الطاقة عن الموقع", "the site lost its power"),
    }
    named = [words[one] for one in candidates if borders or one != "link_cut"]
    arabic = "لا قراءة تحسم بين: " + " أو ".join(one[0] for one in named)
    english = "No reading decides between: " + " or ".join(one[1] for one in named)
    return (note(onset_us, f"site:{site_id}", "candidates", list(candidates), arabic, english),)


def _names(subjects: Sequence[str], board: Board) -> tuple[list[str], list[str]]:
    both = [name_of(one, board.topology) for one in subjects]
    return [one[0] for one in both], [one[1] for one in both]


def _alive(
    board: Board, site_id: str, onset_us: int, borders: Sequence[str], down: dict[str, Condition], switch: str
) -> Root:
    """The site still tells readings, by a way that does not pass its cameras' link: power is not it."""
    signs = tuple(down.values())
    told: list[Evidence] = []
    subject = f"site:{site_id}"
    alive = note(
        board.facts.heard_us(site_id),
        subject,
        "heard",
        True,
        "الموقع ما زال يرسل قراءاته",
        "The site still tells readings",
    )
    missing = board.first(site_id, "battery_missing")
    if missing is not None and missing.since_us >= onset_us - 60 * S:
        power = (board.first(site_id, kind) for kind in ("battery_low", "battery_empty"))
        conditions = (missing, *(one for one in power if one is not None))
        return Root("battery_stolen", subject, "battery_vanished_then_dark", True, 0.95, conditions, (alive,))
    whole = [id for id in borders if id not in down and _up_since(board, id, onset_us)]
    for id in board.topology.site_switches.get(site_id, ()):
        seen = board.facts.value(f"switch:{id}", "switch_up")
        if seen is not None and seen[1] > onset_us:
            told = [of_reading(f"switch:{id}", "switch_up", *seen), alive]
            if not seen[0]:
                return Root("switch_dead", f"switch:{id}", "controller_misses_switch", True, 0.95, signs, tuple(told))
            if whole:
                # Power, switch and link are well: what is wrong lies between the switch and its cameras.
                return Root("switch_dead", f"switch:{id}", "link_and_switch_live", False, 0.56, (), tuple(told))
            if len(borders) == 1:
                sure = 0.92 if down else 0.6
                return Root(
                    "link_cut", f"link:{borders[0]}", "switch_lives_link_gone", bool(down), sure, signs, tuple(told)
                )
    drop = board.facts.load_drop(site_id, onset_us)
    load = board.facts.value(subject, "load_power_w")
    told = [alive] + ([] if load is None else [of_reading(subject, "load_power_w", *load)])
    if drop is not None and drop >= LOAD_GONE:
        unreachable = board.at_site(site_id, "switch_unreachable")
        return Root(
            "switch_dead",
            switch,
            "load_fell_with_the_cameras",
            bool(unreachable),
            0.9,
            (*signs, *unreachable),
            tuple(told),
        )
    if len(borders) == 1 and (down or (drop is not None and drop <= LOAD_STAYS)):
        # Without a word of the load, a dead switch looks the same: wait for one.
        sure = 0.55 if drop is None else 0.9 if down else 0.7
        return Root("link_cut", f"link:{borders[0]}", "site_lives_link_gone", bool(down), sure, signs, tuple(told))
    if len(borders) >= 2:
        return Root("switch_dead", switch, "site_lives_all_ways_down", False, 0.75, signs, tuple(told))
    return Root("site_isolated", subject, "site_lives_no_video", False, 0.55, signs, tuple(told))


def _up_since(board: Board, link_id: str, onset_us: int) -> bool:
    """True where something told after the onset that the link is up."""
    seen = board.facts.value(f"link:{link_id}", "link_up")
    return seen is not None and bool(seen[0]) and seen[1] > onset_us + HEARD_AFTER_S * S


def _charge(board: Board, site_id: str) -> tuple[float, int] | None:
    """The last state of charge of a site's battery."""
    return board.facts.value(f"site:{site_id}", "state_of_charge_pct")


def _powered(board: Board, site_id: str) -> bool:
    """True where the last readings of the site's power were well."""
    if board.at_site(site_id, "grid_lost", "battery_empty", "battery_missing", "battery_low"):
        return False
    charge = _charge(board, site_id)
    grid = board.facts.value(f"site:{site_id}", "grid_present")
    return (charge is not None and charge[0] > EMPTY_SOC_PCT) or (grid is not None and bool(grid[0]))
