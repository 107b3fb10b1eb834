"""Faults that a simulated camera shows on demand. Data and rules; the sessions and the server carry them out.

Ordered in process (`VirtualCamera.order`) or through the control port. A fault ends by itself after `seconds`, or when
lifted.
"""

import time
from dataclasses import dataclass, field
from typing import Any

from manara.base.errors import InvalidInput

# What each fault does, and the values it takes (name, default, lowest, highest).
KINDS: dict[str, tuple[str, float, float, float]] = {
    "silent": ("nothing is sent and nothing is answered, as without power or way", 0, 0, 0),
    "stall": ("frames stop, the connection stays", 0, 0, 0),
    "drop": ("this percentage of packets is not sent", 10, 0, 100),
    "freeze": ("the same scene for ever under a running clock", 0, 0, 0),
    "black": ("a black scene under a running clock", 0, 0, 0),
    "wrong_time": ("picture clock and sender reports are off by so many seconds", 3600, -1e9, 1e9),
    "refuse": ("sessions are closed; new ones are answered with this RTSP status", 503, 300, 599),
    "cut": ("the connection is cut in the middle of a packet, once", 0, 0, 0),
    "garbage": ("so many bytes that are no RTP are mixed into the stream, once", 2000, 1, 1_000_000),
    "parameters": ("the stream changes to other parameter sets (the other stream's pictures)", 0, 0, 0),
    "half_speed": ("every frame takes twice as long", 0, 0, 0),
}
ONCE = ("cut", "garbage")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in force."""

    kind: str
    value: float
    until_s: float  # monotonic, inf = until lifted


@dataclass(slots=True)
class FaultBoard:
    """The faults of one camera that are in force."""

    active: dict[str, Fault] = field(default_factory=dict)

    def order(self, kind: str, *, value: float | None = None, seconds: float | None = None) -> Fault:
        """Put a fault in force. Raises `InvalidInput` for an unknown one or a value out of bounds."""
        if kind not in KINDS:
            raise InvalidInput(f"no fault is called {kind!r}; known: {', '.join(KINDS)}", code="fault_unknown")
        _, default, lowest, highest = KINDS[kind]
        chosen = default if value is None else value
        if lowest != highest and not lowest <= chosen <= highest:
            raise InvalidInput(f"fault {kind}: {chosen} is not between {lowest} and {highest}", code="fault_value")
        until_s = float("inf") if seconds is None else time.monotonic() + seconds
        fault = Fault(kind, chosen, until_s)
        self.active[kind] = fault
        return fault

    def lift(self, kind: str | None = None) -> None:
        """End one fault, or all."""
        if kind is None:
            self.active.clear()
        else:
            self.active.pop(kind, None)

    def get(self, kind: str) -> Fault | None:
        """The fault if it is in force now."""
        fault = self.active.get(kind)
        if fault is not None and time.monotonic() >= fault.until_s:
            del self.active[kind]
            return None
        return fault

    def take(self, kind: str) -> Fault | None:
        """A fault that happens once: given out and gone."""
        fault = self.get(kind)
        if fault is not None:
            del self.active[kind]
        return fault

    def as_dict(self) -> dict[str, Any]:
        """For the control port."""
        return {kind: self.active[kind].value for kind in list(self.active) if self.get(kind)}
