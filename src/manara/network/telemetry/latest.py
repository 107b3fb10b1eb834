"""The latest believed value of each quantity of each thing, how old it is, and the last one that was not believed.

Everything that a site device tells passes `take`, which asks `quantities.fault`; what is refused is counted by reason
and kept as the last fault of that subject and quantity, beside the last value that was believed. Late readings (a
device that was cut off sends what it kept) are believed and go into the series, and do not take the place of newer
ones. Lives in the `health` role, in memory only: after a restart the devices tell it again. Feeds `VitalsReport.latest`
through `changes`. Bound: `MOST_VALUES` pairs of subject and quantity; more are refused and counted, and
what nothing was heard of for 30 days is dropped.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from manara.base.clock import Clock
from manara.messages import LatestReading, Reading
from manara.network.telemetry.quantities import QUANTITIES, TOO_MANY, fault, noun_of

MOST_VALUES = 400_000
# A peer that sends a new made-up subject each time must not fill the memory: faults of pairs that were never believed.
MOST_ONLY_FAULTS = 20_000
FORGET_US = 30 * 86_400_000_000  # what nothing was heard of for so long is no longer there
PRUNE_EVERY_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Value:
    """What is known of one quantity of one thing at the time it was asked for."""

    value: float  # NaN when none was ever believed
    at_us: int  # when it was measured; 0 when none was ever believed
    age_s: float
    stale: bool
    device_id: str
    fault: str  # why the last refused one was refused, "" when a newer one was believed
    fault_value: float
    fault_at_us: int


class _Kept:
    __slots__ = ("at_us", "device_id", "fault", "fault_at_us", "fault_value", "site_id", "value")

    def __init__(self, site_id: str) -> None:
        self.site_id = site_id
        self.value = float("nan")
        self.at_us = 0
        self.device_id = ""
        self.fault = ""
        self.fault_value = 0.0
        self.fault_at_us = 0


Key = tuple[str, str]  # subject, quantity


class Latest:
    """The latest values of a whole network. Used from one event loop."""

    def __init__(self, clock: Clock, most_values: int = MOST_VALUES) -> None:
        self._clock = clock
        self._most = most_values
        self._kept: dict[Key, _Kept] = {}
        self._of_subject: dict[str, set[str]] = {}
        self._of_site: dict[str, set[Key]] = {}
        self._changed: set[Key] = set()
        self._only_faults = 0
        self._prune_us = 0
        self.accepted = 0
        self.late = 0  # believed, but older than what was known
        self.refused: Counter[str] = Counter()

    def take(self, readings: Sequence[Reading]) -> list[Reading]:
        """Judge readings; returns those believed, in their order."""
        reasons = self.take_each(readings)
        return [reading for reading, reason in zip(readings, reasons, strict=True) if not reason]

    def take_each(self, readings: Sequence[Reading]) -> list[str]:
        """Judge readings; returns for each why it was refused, or "" where it was believed."""
        now_us = self._clock.wall_us()
        if now_us >= self._prune_us:
            self._prune(now_us)
        return [self._take(reading, now_us) for reading in readings]

    def _take(self, reading: Reading, now_us: int) -> str:
        key = (reading.subject, reading.quantity)
        reason = fault(reading, now_us)
        kept = self._kept.get(key)
        if kept is None:
            if len(self._kept) >= self._most:
                reason = reason or TOO_MANY
            elif not reason or (key[1] in QUANTITIES and noun_of(key[0]) and self._only_faults < MOST_ONLY_FAULTS):
                kept = self._open(key, reading.site_id)
        if reason or kept is None:
            self.refused[reason] += 1
            if kept is not None:
                kept.fault, kept.fault_value, kept.fault_at_us = reason, reading.value, now_us
                self._changed.add(key)
            return reason
        self.accepted += 1
        if reading.at_us < kept.at_us:
            self.late += 1
            return ""
        if not kept.at_us:
            self._only_faults -= 1
        if kept.site_id != reading.site_id:
            self._move(key, kept, reading.site_id)
        if kept.value != reading.value or kept.fault:
            self._changed.add(key)
        kept.value, kept.at_us, kept.device_id, kept.fault = reading.value, reading.at_us, reading.device_id, ""
        return ""

    def get(self, subject: str, quantity: str) -> Value | None:
        """What is known, None when nothing was ever told of it."""
        kept = self._kept.get((subject, quantity))
        return None if kept is None else self._value(kept, quantity, self._clock.wall_us())

    def fresh(self, subject: str, quantity: str) -> float | None:
        """The value if one is believed and not stale, else None."""
        found = self.get(subject, quantity)
        return None if found is None or found.stale else found.value

    def of(self, subject: str) -> dict[str, Value]:
        """Everything known of one thing, by quantity."""
        now_us = self._clock.wall_us()
        return {
            quantity: self._value(self._kept[(subject, quantity)], quantity, now_us)
            for quantity in sorted(self._of_subject.get(subject, ()))
        }

    def of_site(self, site_id: str) -> list[LatestReading]:
        """Everything known at one site, in the order of subject and quantity."""
        return [_told(key, self._kept[key]) for key in sorted(self._of_site.get(site_id, ()))]

    def sites(self) -> list[str]:
        """The sites of which anything is known."""
        return sorted(self._of_site)

    def changes(self) -> dict[str, list[LatestReading]]:
        """What changed since this was last asked, by site, and begin again. A value told again is no change."""
        found: dict[str, list[LatestReading]] = {}
        for key in sorted(self._changed):
            kept = self._kept.get(key)
            if kept is not None:
                found.setdefault(kept.site_id, []).append(_told(key, kept))
        self._changed.clear()
        return found

    def last_told_us(self, site_id: str) -> int:
        """When the youngest believed value of a site was measured, 0 when there is none."""
        return max((self._kept[key].at_us for key in self._of_site.get(site_id, ())), default=0)

    def forget(self, subjects: Iterable[str]) -> None:
        """Drop what is known of things that no longer exist."""
        for subject in subjects:
            for quantity in self._of_subject.pop(subject, ()):
                self._drop((subject, quantity))

    def counters(self) -> dict[str, int]:
        """For the system screen: `readings_accepted`, `readings_late`, `readings_refused_<reason>`, `values_kept`."""
        counted = {"readings_accepted": self.accepted, "readings_late": self.late, "values_kept": len(self._kept)}
        return counted | {f"readings_refused_{reason}": count for reason, count in sorted(self.refused.items())}

    # ---- inside

    def _prune(self, now_us: int) -> None:
        self._prune_us = now_us + PRUNE_EVERY_US
        old_us = now_us - FORGET_US
        for key in [key for key, kept in self._kept.items() if max(kept.at_us, kept.fault_at_us) < old_us]:
            self._drop(key)
            quantities = self._of_subject[key[0]]
            quantities.discard(key[1])
            if not quantities:
                del self._of_subject[key[0]]

    def _drop(self, key: Key) -> None:
        kept = self._kept.pop(key)
        self._only_faults -= not kept.at_us
        self._leave(key, kept)

    def _open(self, key: Key, site_id: str) -> _Kept:
        kept = self._kept[key] = _Kept(site_id)
        self._only_faults += 1
        self._of_subject.setdefault(key[0], set()).add(key[1])
        self._of_site.setdefault(site_id, set()).add(key)
        return kept

    def _move(self, key: Key, kept: _Kept, site_id: str) -> None:
        self._leave(key, kept)
        kept.site_id = site_id
        self._of_site.setdefault(site_id, set()).add(key)
        self._changed.add(key)

    def _leave(self, key: Key, kept: _Kept) -> None:
        keys = self._of_site[kept.site_id]
        keys.discard(key)
        if not keys:
            del self._of_site[kept.site_id]

    def _value(self, kept: _Kept, quantity: str, now_us: int) -> Value:
        age_s = max(0.0, (now_us - kept.at_us) / 1e6) if kept.at_us else float("inf")
        return Value(
            value=kept.value,
            at_us=kept.at_us,
            age_s=age_s,
            stale=age_s > QUANTITIES[quantity].stale_s,
            device_id=kept.device_id,
            fault=kept.fault,
            fault_value=kept.fault_value,
            fault_at_us=kept.fault_at_us,
        )


def _told(key: Key, kept: _Kept) -> LatestReading:
    """The last value believed, or, where none ever was, the one refused (`at_us` is then when it came)."""
    if kept.at_us:
        return LatestReading(subject=key[0], quantity=key[1], value=kept.value, at_us=kept.at_us, fault=kept.fault)
    return LatestReading(
        subject=key[0], quantity=key[1], value=_number(kept.fault_value), at_us=kept.fault_at_us, fault=kept.fault
    )


def _number(value: float) -> float:
    """JSON has no NaN and no infinity."""
    return value if abs(value) < 1e300 else 0.0
