"""When a site on its battery sheds load, and what each step does to its cameras. Pure: no clock, no I/O.

A policy is an ordered list of steps, mildest first; steps add up. A step begins when the hours left or the state of
charge fall below its threshold. On the battery a step is taken back only when the battery has been charged meanwhile
(by the hysteresis) and the hours left are above the threshold by the hysteresis: shedding itself lengthens the hours,
and would otherwise end itself. When the grid is back all steps end, but no sooner than `REST_S` after the last change,
since a grid that comes and goes must not restart cameras each time. What is not known changes nothing.
Called by `shedding_actions.py`; the recorder carries out `shed`, the cameras' frame rate `shed_rates.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from manara.base.errors import FieldError
from manara.network.rules import Fault, boolean, choice, integer, number

STEPS_MAX = 6
REST_S = 600.0
HALF_RATE, SUB_ONLY, KEEP_PRIORITY = "half_rate", "sub_only", "keep_priority"
# What `WantedCamera.shed` says.
SHED_NONE, SHED_HALF, SHED_SUB, SHED_OFF = "", "half_rate", "sub", "off"

DEFAULT_STEPS: tuple[dict[str, Any], ...] = (
    {"do": HALF_RATE, "hours_left_below": 10.0, "soc_below_pct": 60.0, "priority": None},
    {"do": SUB_ONLY, "hours_left_below": 6.0, "soc_below_pct": 40.0, "priority": None},
    {"do": KEEP_PRIORITY, "hours_left_below": 3.0, "soc_below_pct": 20.0, "priority": 1},
)

_DO = choice({word: word for word in (HALF_RATE, SUB_ONLY, KEEP_PRIORITY)})


@dataclass(frozen=True, slots=True)
class Step:
    """One step; a threshold of None does not count, one of them is there."""

    do: str
    hours_left_below: float | None
    soc_below_pct: float | None
    priority: int | None = None  # of `keep_priority`: cameras of this priority or more stay


@dataclass(frozen=True, slots=True)
class Policy:
    """How a site sheds."""

    steps: tuple[Step, ...]
    hysteresis_h: float = 1.0
    hysteresis_pct: float = 5.0
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class PowerNow:
    """What is known of a site's power; None = not known. `hours_left` under the present load, shed or not."""

    on_grid: bool | None
    hours_left: float | None = None
    state_of_charge_pct: float | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What the steps in force do together."""

    half_rate: bool = False
    sub_only: bool = False
    keep_priority: int | None = None

    def shed(self, priority: int, has_sub: bool) -> str:
        """What becomes of a camera: nothing, half its frame rate, only its sub stream recorded, or not recorded."""
        if self.keep_priority is not None and priority < self.keep_priority:
            return SHED_OFF
        if self.sub_only and has_sub:
            return SHED_SUB
        return SHED_HALF if self.half_rate else SHED_NONE


def policy_of(steps: Sequence[Mapping[str, Any]], hysteresis_h: float, hysteresis_pct: float, enabled: bool) -> Policy:
    """A policy from what is kept (`check_steps` has judged it)."""
    return Policy(
        tuple(
            Step(str(one["do"]), one.get("hours_left_below"), one.get("soc_below_pct"), one.get("priority"))
            for one in steps
        ),
        hysteresis_h,
        hysteresis_pct,
        enabled,
    )


def effect(steps: Sequence[Step], step: int) -> Effect:
    """What the first `step` steps do together."""
    chosen = steps[: max(0, step)]
    kept = [one.priority for one in chosen if one.do == KEEP_PRIORITY and one.priority is not None]
    return Effect(
        half_rate=any(one.do == HALF_RATE for one in chosen),
        sub_only=any(one.do == SUB_ONLY for one in chosen),
        keep_priority=max(kept) if kept else None,
    )


def decide(
    policy: Policy, step: int, now: PowerNow, *, since_s: float | None = None, soc_at_step_pct: float | None = None
) -> int:
    """The step that should be in force, where `step` is. `since_s`: how long `step` has been so (None: ever);
    `soc_at_step_pct`: the state of charge when it began.
    """
    step = min(step, len(policy.steps))
    if not policy.enabled:
        return 0
    rested = since_s is None or since_s >= REST_S
    if now.on_grid:
        return 0 if rested else step
    if now.on_grid is None and now.hours_left is None and now.state_of_charge_pct is None:
        return step
    reached = max((index for index, one in enumerate(policy.steps, start=1) if _below(one, now, 0.0, 0.0)), default=0)
    if reached >= step:
        return reached
    charged = (
        now.state_of_charge_pct is not None
        and soc_at_step_pct is not None
        and now.state_of_charge_pct >= soc_at_step_pct + policy.hysteresis_pct
    )
    if not (rested and charged):
        return step
    held = (
        index
        for index, one in enumerate(policy.steps, start=1)
        if _below(one, now, policy.hysteresis_h, policy.hysteresis_pct)
    )
    return min(step, max(held, default=0))


def _below(step: Step, now: PowerNow, hours: float, pct: float) -> bool:
    if (
        step.hours_left_below is not None
        and now.hours_left is not None
        and now.hours_left < step.hours_left_below + hours
    ):
        return True
    soc = now.state_of_charge_pct
    return step.soc_below_pct is not None and soc is not None and soc < step.soc_below_pct + pct


def check_policy(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
    """Clean `{enabled, steps, hysteresis_h, hysteresis_pct}` and all faults. Missing fields get their defaults."""
    faults: list[FieldError] = []
    clean: dict[str, Any] = {"enabled": True, "steps": list(DEFAULT_STEPS), "hysteresis_h": 1.0, "hysteresis_pct": 5.0}
    parsers = {"enabled": boolean, "hysteresis_h": number(0, 24), "hysteresis_pct": number(0, 50)}
    for name, value in values.items():
        if name == "steps":
            clean["steps"] = _check_steps(value, faults)
        elif name not in parsers:
            faults.append(FieldError(str(name)[:64], "is not a field that can be set"))
        else:
            try:
                clean[name] = parsers[name](value)
            except Fault as fault:
                faults.append(FieldError(name, str(fault), value=str(value)[:80]))
    return clean, faults


def _check_steps(given: Any, faults: list[FieldError]) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not 1 <= len(given) <= STEPS_MAX:
        faults.append(FieldError("steps", f"must be a list of 1 to {STEPS_MAX} steps"))
        return []
    parsers = {
        "do": _DO,
        "hours_left_below": number(0, 48),
        "soc_below_pct": number(0, 100),
        "priority": integer(-100, 100),
    }
    clean: list[dict[str, Any]] = []
    for place, one in enumerate(given, start=1):
        if not isinstance(one, Mapping):
            faults.append(FieldError(f"steps.{place}", "must be an object"))
            continue
        step: dict[str, Any] = dict.fromkeys(parsers)
        for name, value in one.items():
            if name not in parsers:
                faults.append(FieldError(f"steps.{place}.{str(name)[:40]}", "is not a field that can be set"))
            elif value is not None:
                try:
                    step[name] = parsers[name](value)
                except Fault as fault:
                    faults.append(FieldError(f"steps.{place}.{name}", str(fault), value=str(value)[:80]))
        if step["do"] is None:
            faults.append(FieldError(f"steps.{place}.do", "is required"))
        if step["hours_left_below"] is None and step["soc_below_pct"] is None:
            faults.append(FieldError(f"steps.{place}", "needs hours left or a state of charge below which it begins"))
        if (step["do"] == KEEP_PRIORITY) != (step["priority"] is not None):
            faults.append(FieldError(f"steps.{place}.priority", f"goes with {KEEP_PRIORITY}, and only with it"))
        for name in ("hours_left_below", "soc_below_pct"):
            before = next((earlier[name] for earlier in reversed(clean) if earlier[name] is not None), None)
            if step[name] is not None and before is not None and step[name] > before:
                faults.append(FieldError(f"steps.{place}.{name}", "is higher than of the step before"))
        clean.append(step)
    return clean
