"""What the policy holds in its hands: the open alarms, what waits, what was told lately. Data and look-ups only; pure.

`actions.py` fills a `Room` from the state before a batch of signals, a tick or a person's action, and writes back what
changed; the replay keeps one in memory for a whole day. Bounds: everything open at once, some thousands in a bad hour.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from manara.alarms import kinds
from manara.alarms.kinds import Kind
from manara.alarms.life import Life, State
from manara.alarms.signals import Route, Signal, no_console
from manara.base.ids import new_id
from manara.settings import Alarms

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US


@dataclass(frozen=True, slots=True)
class Rules:
    """The policy's numbers. Sources: EEMUA 191 and ISA-18.2 §16 (window, flood), the rest measured by the replay."""

    window_s: float = 600.0  # the slot in which an operator's load is counted
    flood_begins_over: int = 10  # annunciations in a window
    flood_ends_under: int = 5
    hold_low_at: int = 3  # from this load on, low ones are held back
    hold_medium_at: int = 6
    release_under: int = 2  # what was held is told when the load is under this
    group_window_s: float = 600.0  # the same within this time becomes one
    group_site_min: int = 2
    group_sector_min: int = 3
    regroup_factor: int = 4  # an acknowledged group that has grown this much is told again
    kind_limit: int = 5  # a low kind that a console was told so often within kind_window_s becomes one group of its own
    kind_window_s: float = 3600.0
    chatter_count: int = 4  # so many times within chatter_window_s is chattering
    chatter_window_s: float = 600.0
    chatter_hold_s: float = 900.0  # a chattering one has ended when it was quiet for so long
    repeat_count: int = 4  # so often within repeat_window_s is held together like chattering
    repeat_window_s: float = 3600.0
    steady_s: float = 120.0  # a chattering source that stays so long is real: it is told anew
    steady_low_s: float = 600.0  # the same for low priorities
    repeat_quiet_s: float = 600.0  # a return and a new rise within this is not told twice
    orphan_s: float = 60.0  # what a larger one explained is told by itself when that one ended so long ago
    shelf_max_s: float = 8 * 3600.0
    sources_max: int = 50_000  # sources whose last day is remembered in memory


def rules_of(settings: Alarms) -> Rules:
    """The policy's numbers as this installation has set them."""
    return Rules(
        hold_low_at=settings.hold_low_at,
        hold_medium_at=settings.hold_medium_at,
        group_window_s=settings.group_window_s,
        chatter_count=settings.chatter_count,
        chatter_window_s=settings.chatter_window_s,
        chatter_hold_s=settings.chatter_hold_s,
        shelf_max_s=settings.shelf_max_s,
    )


@dataclass(slots=True)
class OpenAlarm:
    """An alarm that is not normal. Fields as in the table (`tables.Alarm`); the marks of life in `life`."""

    id: str
    kind: str
    priority: str
    subject: str
    since_us: int
    changed_us: int
    life: Life = field(default_factory=Life)
    signal_id: str = ""
    site_id: str | None = None
    sector_id: str | None = None
    sector_ids: list[str] = field(default_factory=list)
    camera_ids: list[str] = field(default_factory=list)
    annunciated_us: int | None = None
    acknowledged_us: int | None = None
    acknowledged_by: str | None = None
    acknowledged_by_name: str = ""
    closed_us: int | None = None
    group_id: str | None = None
    group_scope: str = ""
    joined_us: int = 0
    released_us: int | None = None  # what explained it ended then
    told_count: int = 0
    flooded: bool = False
    live_signals: list[str] = field(default_factory=list)
    off_us: int | None = None
    on_us: int | None = None  # since when it has been active without a break
    members_count: int = 0
    grouped_count: int = 0
    respond_by_us: int | None = None
    escalated: int = 0
    owner_role: str = ""
    console_id: str | None = None
    direct: bool = True
    confidence: float = 1.0
    evidence: list[dict[str, Any]] = field(default_factory=list)
    pictures: dict[str, Any] | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    count_24h: int = 1
    chattering: bool = False
    work_order_id: str | None = None
    exercise: bool = False

    @property
    def rank(self) -> int:
        """0 is the most urgent."""
        return kinds.PRIORITIES.index(self.priority)

    @property
    def is_group(self) -> bool:
        """True for an alarm that stands for several."""
        return bool(self.group_scope)


@dataclass(frozen=True, slots=True)
class Covering:
    """A suppression by design, as far as the policy is concerned."""

    id: str
    reason: str
    from_us: int
    until_us: int
    site_ids: frozenset[str] = frozenset()
    camera_ids: frozenset[str] = frozenset()
    sector_ids: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()

    def covers(self, alarm: OpenAlarm, now_us: int) -> bool:
        """True where all of the alarm lies within it now: an alarm that reaches beyond is not hidden by it."""
        if not self.from_us <= now_us < self.until_us or (self.kinds and alarm.kind not in self.kinds):
            return False
        if not (self.site_ids or self.camera_ids or self.sector_ids):
            return bool(self.kinds)
        if alarm.site_id is not None and alarm.site_id in self.site_ids:
            return True
        if alarm.sector_id is not None and alarm.sector_id in self.sector_ids:
            return set(alarm.sector_ids) <= self.sector_ids
        return bool(alarm.camera_ids) and self.camera_ids.issuperset(alarm.camera_ids)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an alarm's life, as `tables.AlarmEntry`."""

    alarm_id: str
    at_us: int
    what: str
    state: str
    console_id: str | None
    priority: str
    kind: str
    subject: str
    annunciated: bool = False
    by: str = ""
    by_name: str = ""
    text: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Account:
    """What became of a signal. `by_id`: the group or suppression, where there is one."""

    disposition: str
    alarm_id: str | None = None
    by_id: str = ""


@dataclass(slots=True)
class Waiting:
    """A signal whose delay runs."""

    signal: Signal
    due_us: int


@dataclass(slots=True)
class Flood:
    """A span in which a console is flooded."""

    id: str
    console_id: str | None
    began_us: int
    ended_us: int | None = None


Source = tuple[str, str]  # kind, subject


class Room:
    """Everything that is open, with the look-ups that the policy needs, and what came of the last calls."""

    def __init__(
        self,
        table: Mapping[str, Kind] = kinds.DEFAULTS,
        rules: Rules | None = None,
        route: Route = no_console,
        make_id: Callable[[], str] = new_id,
    ) -> None:
        self.table = table
        self.rules = rules or Rules()
        self.route = route
        self.make_id = make_id
        self.alarms: dict[str, OpenAlarm] = {}
        self.waiting: dict[str, Waiting] = {}
        self.versions: dict[str, int] = {}
        self.history: dict[Source, deque[int]] = {}  # when each source was seen to begin, the last day
        self.recent: dict[str | None, deque[int]] = {}  # annunciations of the last window, by console
        self.recent_kinds: dict[tuple[str | None, str], deque[int]] = {}  # the same of the last kind_window_s, by kind
        self.floods: dict[str | None, Flood] = {}
        self.coverings: dict[str, Covering] = {}
        self._by_source: dict[Source, str] = {}
        self._by_signal: dict[str, str] = {}
        self._by_site: dict[str, set[str]] = {}
        self._by_sector: dict[tuple[str, str], set[str]] = {}  # kind, sector
        self._children: dict[str, set[str]] = {}
        self._kind_groups: dict[tuple[str | None, str], str] = {}
        # what came of it: emptied by whoever has written it down
        self.entries: list[Entry] = []
        self.accounts: dict[str, Account] = {}
        self.changed: set[str] = set()
        self.closed: dict[str, OpenAlarm] = {}
        self.floods_changed: list[Flood] = []

    def add(self, alarm: OpenAlarm) -> None:
        """Take an open alarm into the look-ups."""
        self.alarms[alarm.id] = alarm
        if alarm.group_scope == "kind":
            self._kind_groups[alarm.console_id, alarm.kind] = alarm.id
        if not alarm.is_group:
            self._by_source[alarm.kind, alarm.subject] = alarm.id
            for signal_id in alarm.live_signals:
                self._by_signal[signal_id] = alarm.id
        if alarm.site_id is not None:
            self._by_site.setdefault(alarm.site_id, set()).add(alarm.id)
        if alarm.sector_id is not None:
            self._by_sector.setdefault((alarm.kind, alarm.sector_id), set()).add(alarm.id)
        if alarm.group_id is not None:
            self._children.setdefault(alarm.group_id, set()).add(alarm.id)

    def remove(self, alarm: OpenAlarm) -> None:
        """Forget a closed alarm."""
        self.alarms.pop(alarm.id, None)
        if self._kind_groups.get((alarm.console_id, alarm.kind)) == alarm.id:
            del self._kind_groups[alarm.console_id, alarm.kind]
        if self._by_source.get((alarm.kind, alarm.subject)) == alarm.id:
            del self._by_source[alarm.kind, alarm.subject]
        for signal_id in alarm.live_signals:
            self._by_signal.pop(signal_id, None)
        if alarm.site_id is not None:
            self._by_site.get(alarm.site_id, set()).discard(alarm.id)
        if alarm.sector_id is not None:
            self._by_sector.get((alarm.kind, alarm.sector_id), set()).discard(alarm.id)
        if alarm.group_id is not None:
            self._children.get(alarm.group_id, set()).discard(alarm.id)
        self.closed[alarm.id] = alarm

    def attach(self, alarm: OpenAlarm, signal_id: str) -> None:
        """This signal feeds this alarm from now on."""
        alarm.live_signals.append(signal_id)
        self._by_signal[signal_id] = alarm.id

    def detach(self, alarm: OpenAlarm, signal_id: str) -> None:
        """This signal has ended, or turned into something else."""
        if signal_id in alarm.live_signals:
            alarm.live_signals.remove(signal_id)
        self._by_signal.pop(signal_id, None)

    def put_into(self, alarm: OpenAlarm, group_id: str | None) -> None:
        """Move an alarm into a group, or out of it (None)."""
        if alarm.group_id is not None:
            self._children.get(alarm.group_id, set()).discard(alarm.id)
        alarm.group_id = group_id
        if group_id is not None:
            self._children.setdefault(group_id, set()).add(alarm.id)

    def of_signal(self, signal_id: str) -> OpenAlarm | None:
        """The alarm that a signal feeds."""
        return self.alarms.get(self._by_signal.get(signal_id, ""))

    def of_source(self, kind: str, subject: str) -> OpenAlarm | None:
        """The open alarm of this kind and subject."""
        return self.alarms.get(self._by_source.get((kind, subject), ""))

    def children(self, alarm_id: str) -> list[OpenAlarm]:
        """The alarms grouped into one."""
        return [self.alarms[id] for id in sorted(self._children.get(alarm_id, ())) if id in self.alarms]

    def at_site(self, site_id: str) -> Iterable[OpenAlarm]:
        """The open alarms of a site."""
        return (self.alarms[id] for id in self._by_site.get(site_id, ()))

    def in_sector(self, kind: str, sector_id: str) -> Iterable[OpenAlarm]:
        """The open alarms of a kind in a sector."""
        return (self.alarms[id] for id in self._by_sector.get((kind, sector_id), ()))

    def of_kind(self, console_id: str | None, kind: str) -> OpenAlarm | None:
        """The group in which a console has everything of a kind that came too often."""
        return self.alarms.get(self._kind_groups.get((console_id, kind), ""))

    def told_of_kind(self, console_id: str | None, kind: str, now_us: int) -> int:
        """How often a console was told of a kind in the last `kind_window_s`."""
        recent = self.recent_kinds.setdefault((console_id, kind), deque())
        oldest_us = now_us - round(self.rules.kind_window_s * SECOND_US)
        while recent and recent[0] <= oldest_us:
            recent.popleft()
        return len(recent)

    def load(self, console_id: str | None, now_us: int) -> int:
        """Annunciations of a console in the last window."""
        recent = self.recent.setdefault(console_id, deque())
        oldest_us = now_us - round(self.rules.window_s * SECOND_US)
        while recent and recent[0] <= oldest_us:
            recent.popleft()
        return len(recent)

    def note(self, alarm: OpenAlarm, at_us: int, what: str, **more: Any) -> None:
        """Enter a line in an alarm's life and mark the alarm as changed."""
        alarm.changed_us = max(at_us, alarm.changed_us)
        self.changed.add(alarm.id)
        self.entries.append(
            Entry(
                alarm.id,
                at_us,
                what,
                str(alarm.life.state),
                alarm.console_id,
                alarm.priority,
                alarm.kind,
                alarm.subject,
                **more,
            )
        )

    def close_if_normal(self, alarm: OpenAlarm, now_us: int) -> bool:
        """An alarm that is normal again is closed and leaves the room."""
        if alarm.life.state is not State.NORMAL or alarm.closed_us is not None:
            return False
        alarm.closed_us = now_us
        self.note(alarm, now_us, "closed")
        self.remove(alarm)
        return True

    def due_us(self, alarm: OpenAlarm) -> int | None:
        """When the clock must look at this alarm, None: not by itself."""
        times = []
        if alarm.released_us is not None:
            times.append(alarm.released_us + round(self.rules.orphan_s * SECOND_US))
        if alarm.off_us is not None:
            times.append(alarm.off_us + self.off_delay_us(alarm))
        if alarm.chattering and alarm.on_us is not None:
            times.append(alarm.on_us + self.steady_us(alarm))
        if alarm.life.shelf is not None:
            times.append(alarm.life.shelf.until_us)
        if alarm.life.suppressed is not None:
            times.append(alarm.life.suppressed.until_us)
        return min(times, default=None)

    def off_delay_us(self, alarm: OpenAlarm) -> int:
        """How long it must be quiet before it counts as ended."""
        delay_s = kinds.of(self.table, alarm.kind).delay_off_s
        if alarm.chattering or alarm.group_scope == "kind":
            delay_s = max(delay_s, self.rules.chatter_hold_s)
        return round(delay_s * SECOND_US)

    def steady_us(self, alarm: OpenAlarm) -> int:
        """How long a chattering source must stay active to be told anew."""
        low = alarm.rank == len(kinds.PRIORITIES) - 1
        return round((self.rules.steady_low_s if low else self.rules.steady_s) * SECOND_US)

    def asks(self, alarm: OpenAlarm) -> bool:
        """True where it stands for itself before an operator: not inside another, not under a cover, not held back."""
        return alarm.group_id is None and not alarm.flooded and alarm.life.state is State.UNACKNOWLEDGED
