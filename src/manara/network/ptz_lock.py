"""Who may move a PTZ camera when several want to. Pure: no clock, no camera, no state.

The lock belongs to the last person who moved the camera and ends `HOLD_S` after the last command. Meanwhile only a
higher
priority takes it over: supervisor before operator and technician, every person before a guard tour. An equal waits.
"""

from collections.abc import Set
from dataclasses import dataclass, replace

from manara.access.roles import Role

HOLD_S = 15.0
PRIORITIES = {Role.COMMANDER: 4, Role.SUPERVISOR: 3, Role.OPERATOR: 2, Role.TECHNICIAN: 2, Role.ADMINISTRATOR: 1}


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock on a camera; `until_s` on the monotonic clock."""

    account_id: str
    name: str
    role: str
    priority: int
    since_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class Decision:
    """`lock` after the request. `granted` says whether the person moves; `ended` is the lock that was lost by it, if
    any.
    """

    granted: bool
    lock: Lock
    taken: bool = False
    ended: Lock | None = None


def rank(roles: Set[Role]) -> tuple[str, int]:
    """The strongest role for moving cameras, and its priority (0 for none)."""
    best = max(roles, key=lambda role: PRIORITIES.get(role, 0), default=None)
    return ("", 0) if best is None else (str(best), PRIORITIES.get(best, 0))


def ask(
    lock: Lock | None, account_id: str, name: str, roles: Set[Role], now_s: float, hold_s: float = HOLD_S
) -> Decision:
    """A person wants to move the camera now."""
    role, priority = rank(roles)
    if lock is not None and now_s >= lock.until_s:
        lock = None
    if lock is not None and lock.account_id == account_id:
        return Decision(True, replace(lock, role=role, priority=priority, until_s=now_s + hold_s))
    if lock is not None and lock.priority >= priority:
        return Decision(False, lock)
    return Decision(True, Lock(account_id, name, role, priority, now_s, now_s + hold_s), taken=True, ended=lock)


def may_release(lock: Lock, account_id: str, roles: Set[Role]) -> bool:
    """One's own lock, one of a lower priority, or any as an administrator."""
    return lock.account_id == account_id or rank(roles)[1] > lock.priority or Role.ADMINISTRATOR in roles
