"""The book of devices: what each told, what of it was believed, and so how it is doing.

Takes what readers found or a device named, makes readings of it, hands them to the sink, and counts. A device speaks
only for its own subjects and only so much. Knows no socket and no task; `gather.py` owns one and is asked `states`.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from manara.base.clock import Clock
from manara.messages import Reading
from manara.network.telemetry.devices import BAD_DATA, DeviceSpec, DeviceState
from manara.network.telemetry.found import Found, Rates, readings_of
from manara.network.telemetry.payload import Named, may_speak_for, subjects_of
from manara.network.telemetry.quantities import BROKEN, TOO_MANY, WRONG_SUBJECT

log = logging.getLogger(__name__)

MOST_FOUND = 4000  # values of one poll or message
SILENT_POLLS = 3.0  # so many of its own intervals without a believed reading, and at least …
SILENT_LEAST_S = 60.0
# what a device may tell: a second, and at once (one that was cut off sends what it kept)
READINGS_PER_S = 200.0
READINGS_BURST = 5000.0
LISTENED = ("mqtt", "push")  # these speak when they want to; the others when they are asked

Sink = Callable[[Sequence[Reading]], Sequence[str]]


class Limit:
    """A bucket that fills by `per_s` up to `burst`; may be overdrawn once, and is then shut until it has filled."""

    __slots__ = ("_at_s", "_burst", "_level", "_per_s")

    def __init__(self, now_s: float, per_s: float = READINGS_PER_S, burst: float = READINGS_BURST) -> None:
        self._per_s, self._burst = per_s, burst
        self._level, self._at_s = burst, now_s

    def open(self, now_s: float) -> bool:
        """Whether anything may be taken now."""
        self._level = min(self._burst, self._level + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        return self._level > 0

    def take(self, count: float) -> None:
        """So much was taken."""
        self._level -= count

    def wait_s(self) -> float:
        """How long until something may be taken again."""
        return max(0.0, -self._level / self._per_s)


@dataclass(slots=True)
class _Entry:
    spec: DeviceSpec
    state: DeviceState
    subject_of: Callable[[str], str]
    may: Callable[[str], bool]
    limit: Limit
    heard_s: float  # monotonic: last believed reading, or since when we wait for one
    rates: Rates = field(default_factory=Rates)


class Book:
    """The devices and how they are doing."""

    def __init__(self, sink: Sink, clock: Clock) -> None:
        self._sink = sink
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self.ignored_kept = 0
        self.limited = 0

    def put(self, spec: DeviceSpec) -> None:
        """A device is new or was changed; its counters go on."""
        old = self._entries.get(spec.id)
        if old is not None:
            old.spec, old.subject_of, old.may = spec, subjects_of(spec), may_speak_for(spec)
            state = old.state
            state.site_id, state.code, state.protocol = spec.site_id, spec.code, spec.protocol
            self.wait(spec.id)
            return
        state = DeviceState(spec.id, spec.site_id, spec.code, spec.protocol, since_us=self._clock.wall_us())
        now_s = self._clock.monotonic_s()
        self._entries[spec.id] = _Entry(spec, state, subjects_of(spec), may_speak_for(spec), Limit(now_s), now_s)

    def drop(self, device_id: str) -> None:
        """A device is no longer there."""
        self._entries.pop(device_id, None)

    def spec(self, device_id: str) -> DeviceSpec | None:
        """A device that is there."""
        entry = self._entries.get(device_id)
        return None if entry is None else entry.spec

    def states(self) -> list[DeviceState]:
        """How each is doing now, by code; copies."""
        return [self._now(entry) for entry in sorted(self._entries.values(), key=lambda entry: entry.spec.code)]

    # ---- what happens to a device

    def may_speak(self, device_id: str) -> bool:
        """Whether its message may be looked at; one that floods is limited and counted."""
        entry = self._entries.get(device_id)
        if entry is None:
            return False
        if not entry.limit.open(self._clock.monotonic_s()):
            entry.state.limited += 1
            self.limited += 1
            return False
        entry.limit.take(1)
        return True

    def wait_s(self, device_id: str) -> float:
        """How long a limited device should wait."""
        entry = self._entries.get(device_id)
        return entry.limit.wait_s() if entry is not None else 0.0

    def heard(self, device_id: str, found: Sequence[Found]) -> None:
        """Values by the mapping, from a poll or a message."""
        entry = self._entries.get(device_id)
        if entry is None:
            return
        if len(found) > MOST_FOUND:
            self._drop_rest(entry, len(found) - MOST_FOUND)
        now_us, now_s = self._clock.wall_us(), self._clock.monotonic_s()
        readings = readings_of(entry.spec, entry.subject_of, entry.rates, found[:MOST_FOUND], now_us, now_s)
        if found and all(value.raw is None for value in found):
            self.unreadable(device_id, BAD_DATA, "nothing of what its mapping names is in it")
            return
        self._give(entry, readings, nothing_is_fine=bool(found))

    def heard_named(self, device_id: str, named: Sequence[Named | str]) -> list[str]:
        """Readings that the device names itself; answers for each why it is refused, "" where it is believed."""
        entry = self._entries.get(device_id)
        if entry is None:
            return [WRONG_SUBJECT] * len(named)
        now_us = self._clock.wall_us()
        reasons = [""] * len(named)
        readings: list[Reading] = []
        places: list[int] = []
        for place, item in enumerate(named):
            if isinstance(item, str):
                reasons[place] = BROKEN
                continue
            subject = item.subject or entry.subject_of(item.part)
            if not subject or not entry.may(subject):
                reasons[place] = WRONG_SUBJECT  # and nothing is noted at somebody else's subject
                continue
            places.append(place)
            readings.append(
                Reading(
                    site_id=entry.spec.site_id,
                    subject=subject,
                    quantity=item.quantity,
                    value=item.value,
                    at_us=item.at_us or now_us,
                    device_id=device_id,
                )
            )
        entry.state.refused += len(named) - len(readings)
        for place, reason in zip(places, self._give(entry, readings, nothing_is_fine=False), strict=True):
            reasons[place] = reason
        if named and all(reasons) and not readings:
            self.unreadable(device_id, BAD_DATA, f"none of {len(named)} readings is believed: {reasons[0]}")
        return reasons

    def unreadable(self, device_id: str, why: str, detail: str) -> None:
        """It could not be read."""
        entry = self._entries.get(device_id)
        if entry is None:
            return
        state = entry.state
        state.failures += 1
        if (state.state, state.why) != ("unreadable", why):
            log.info("device cannot be read", extra={"device": state.code, "why": why, "detail": detail[:200]})
            self._become(entry, "unreadable", why)
        state.detail = detail[:300]

    def refused(self, device_id: str, why: str, detail: str) -> None:
        """Something that it said was not its to say."""
        entry = self._entries.get(device_id)
        if entry is not None:
            entry.state.refused += 1
            self.unreadable(device_id, why, detail)

    def connected(self, device_id: str) -> None:
        """Its broker is there (again); what it does itself is to be heard."""
        entry = self._entries.get(device_id)
        if entry is not None and entry.state.state == "unreadable":
            self.wait(device_id)

    def ignored(self, device_id: str) -> None:
        """A message that a broker had kept, of unknown age, was left out."""
        self.ignored_kept += 1

    def polled(self, device_id: str) -> None:
        """It is being asked."""
        entry = self._entries.get(device_id)
        if entry is not None:
            entry.state.polls += 1

    def wait(self, device_id: str) -> None:
        """Nothing is known of it from now on until it is heard."""
        entry = self._entries[device_id]
        entry.heard_s = self._clock.monotonic_s()
        entry.state.detail = ""
        self._become(entry, "waiting", "")

    # ---- inside

    def _give(self, entry: _Entry, readings: Sequence[Reading], *, nothing_is_fine: bool) -> list[str]:
        reasons = list(self._sink(readings)) if readings else []
        believed = reasons.count("")
        entry.limit.take(len(readings))
        state = entry.state
        state.readings += believed
        state.refused += len(reasons) - believed
        if believed or (nothing_is_fine and not readings):
            if believed:
                state.last_us = self._clock.wall_us()
            entry.heard_s = self._clock.monotonic_s()
            state.detail = ""
            if state.state != "ok":
                self._become(entry, "ok", "")
        elif readings:
            told = sorted({f"{r.quantity} {reason}" for r, reason in zip(readings, reasons, strict=True)})
            self.unreadable(state.device_id, BAD_DATA, f"nothing of it is believed: {', '.join(told[:4])}")
        return reasons

    def _drop_rest(self, entry: _Entry, count: int) -> None:
        entry.state.limited += count
        self.limited += count

    def _become(self, entry: _Entry, state: str, why: str) -> None:
        entry.state.state = state  # type: ignore[assignment]
        entry.state.why = why
        entry.state.since_us = self._clock.wall_us()

    def _now(self, entry: _Entry) -> DeviceState:
        state = replace(entry.state)
        quiet_s = self._clock.monotonic_s() - entry.heard_s
        speaks_itself = entry.spec.protocol in LISTENED and not (state.state == "unreadable" and state.why != BAD_DATA)
        if speaks_itself and quiet_s > max(SILENT_LEAST_S, SILENT_POLLS * entry.spec.poll_s):
            state.state, state.why = "silent", ""
            state.since_us = self._clock.wall_us() - round(quiet_s * 1e6)
            state.detail = ""
        return state


__all__ = ["TOO_MANY", "Book", "Limit", "Sink"]
