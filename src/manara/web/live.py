"""Snapshot and ordered changes: what the screens of the control room follow.

The hub keeps the present state of everything shown (cameras, sites, statuses …) as encoded JSON, numbers every change
and keeps the last `RING` of them. A browser takes a snapshot at a sequence number and then the changes after it;
whoever has fallen out of the ring, or holds another epoch (the process was restarted), is told to fetch again. No
connection has a buffer of its own: the ring is the buffer, so a slow consumer costs nothing and is reset in the end.

Each change is encoded once; a batch is joined once for each *view* (same sectors and permissions) and sent to all of
them. A thing that moves out of a view arrives there as `delete`, one that moves in as `put`. Only used on the event
loop's thread. Fed by `wiring.py` and `statuses.py`; asked by `routes/changes.py`. Does not read the database.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import msgspec

from manara.access.who import Who
from manara.base.clock import Clock
from manara.base.ids import new_id
from manara.network import views
from manara.web.permissions import Permission, permissions_of

RING = 20_000
BATCH = 2_000  # changes in one text; more follow in the next
GATHER_S = 0.05  # changes of this long travel together
SNAPSHOT_S = 1.0  # a snapshot this old is still good: the changes after its number follow

_OF_SITES = ("power_source", "cabinet", "switch", "link")  # carry the sectors that they are seen from
KINDS = (
    *("sector", "town", "site", "camera", "status", "layout", "export", "hold", "account", "system"),
    *_OF_SITES,
    *("vitals", "health"),
    *("alarm", "alarm_kind", "suppression", "shift"),
    *("work_order", "outage", "round"),
)
_LISTS = {
    "sector": "sectors",
    "town": "towns",
    "site": "sites",
    "camera": "cameras",
    "layout": "layouts",
    "export": "exports",
    "hold": "holds",
    "account": "accounts",
    "power_source": "power_sources",
    "cabinet": "cabinets",
    "switch": "switches",
    "link": "links",
    "vitals": "vitals",
    "health": "health",
    "alarm": "alarms",
    "alarm_kind": "alarm_kinds",
    "shift": "shifts",
    "suppression": "suppressions",
    "work_order": "work_orders",
    "outage": "outages",
    "round": "rounds",
}
_encode = msgspec.json.Encoder().encode
_SEES_NO_ADDRESSES = Who(account_id="", name="")


@dataclass(frozen=True, slots=True)
class View:
    """What one person sees; equal views share one encoding."""

    sector_ids: frozenset[str] | None
    permissions: frozenset[Permission]
    addresses: bool = False  # sees where a camera is reached
    account_id: str = ""  # only where something of one's own is seen (layouts, exports)

    @classmethod
    def of(cls, who: Who) -> "View":
        """The view of a signed-in person."""
        permissions = permissions_of(who.roles)
        own = who.account_id if Permission.KEEP_LAYOUTS in permissions else ""
        return cls(who.sector_ids, permissions, views.sees_addresses(who), own)


@dataclass(frozen=True, slots=True)
class Audience:
    """Who sees a thing: all who hold `permission` and have one of its sectors; or only its owner.

    `sectors` None: no sector limits it. None among the sectors is a sector that only those have who see all.
    `or_all`: besides the owner, those who see all sectors. `or_holders`: besides the sectors, whoever holds this.
    """

    permission: Permission
    sectors: frozenset[str | None] | None = None
    owner: str | None = None
    or_all: bool = False
    or_holders: Permission | None = None

    def includes(self, view: View) -> bool:
        """True where this view shows the thing."""
        if self.permission not in view.permissions:
            return False
        if self.owner is not None:
            return self.owner == view.account_id or (self.or_all and view.sector_ids is None)
        if self.sectors is None or view.sector_ids is None or self.or_holders in view.permissions:
            return True
        return not self.sectors.isdisjoint(view.sector_ids)


@dataclass(slots=True)
class _Item:
    encoded: bytes
    plain: bytes  # the same without what only some views show
    audience: Audience
    camera_ids: tuple[str, ...] = ()  # whose sectors decide who sees it


@dataclass(frozen=True, slots=True)
class _Change:
    seq: int
    kind: str
    id: str
    before: Audience | None
    after: Audience | None
    put: bytes
    put_plain: bytes

    def seen_by(self, view: View) -> bytes:
        """The change as this view sees it, empty when it does not."""
        if self.after is not None and self.after.includes(view):
            return self.put if view.addresses else self.put_plain
        if self.before is not None and self.before.includes(view):
            return _encode({"seq": self.seq, "kind": self.kind, "id": self.id, "op": "delete", "value": None})
        return b""


@dataclass(slots=True)
class Hub:
    """The state that the screens follow, and its changes."""

    clock: Clock
    deployment: Mapping[str, Any]
    ring: int = RING
    epoch: str = field(default_factory=new_id)
    seq: int = 0
    resets: int = 0  # consumers told to fetch again
    _items: dict[str, dict[str, _Item]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    _sectors: dict[str, str | None] = field(default_factory=dict)  # camera id → sector id
    _site_sectors: dict[str, str | None] = field(default_factory=dict)  # site id → sector id
    _changes: deque[_Change] = field(default_factory=deque)
    _batches: dict[tuple[View, int], tuple[bytes, int]] = field(default_factory=dict)
    _snapshots: dict[View, tuple[float, int, bytes]] = field(default_factory=dict)
    _moved: asyncio.Event | None = None
    _timer: asyncio.TimerHandle | None = None

    # ---- feeding

    def put(self, kind: str, id: str, value: Mapping[str, Any]) -> bool:
        """Set a thing; returns False when nothing changed (no change is told)."""
        items = self._items[kind]
        encoded = _encode(value)
        camera_ids = _cameras_of(kind, id, value)
        if kind == "camera":
            self._sectors[id] = value.get("sector_id")
        if kind == "site":
            self._site_sectors[id] = value.get("sector_id")
        audience = self._audience(kind, value, camera_ids)
        before = items.get(id)
        if before is not None and before.encoded == encoded and before.audience == audience:
            return False
        plain = encoded
        if kind == "camera":
            plain = _encode(views.for_who("camera", value, _SEES_NO_ADDRESSES))
        items[id] = item = _Item(encoded, plain, audience, camera_ids)
        self._tell(kind, id, before.audience if before else None, item)
        if kind == "camera" and (before is None or before.audience != audience):
            self._follow(id)
        if kind == "site" and before is not None and before.audience != audience:
            self._follow_site(id)
        return True

    def delete(self, kind: str, id: str) -> bool:
        """Forget a thing; returns False when it was not there. With a camera goes its status."""
        before = self._items[kind].pop(id, None)
        if before is None:
            return False
        self._tell(kind, id, before.audience, None)
        if kind == "camera":
            self._sectors.pop(id, None)
            self.delete("status", id)
            self.delete("health", id)
            self._follow(id)
        if kind == "site":
            self._site_sectors.pop(id, None)
            self.delete("vitals", id)
        return True

    def replace(self, kind: str, values: Mapping[str, Mapping[str, Any]]) -> None:
        """Make all of a kind equal to `values` by id."""
        for id in [id for id in self._items[kind] if id not in values]:
            self.delete(kind, id)
        for id, value in values.items():
            self.put(kind, id, value)

    # ---- asking

    def has(self, kind: str, id: str) -> bool:
        """True where the thing is there."""
        return id in self._items[kind]

    def ids(self, kind: str) -> list[str]:
        """The ids of a kind."""
        return list(self._items[kind])

    def value(self, kind: str, id: str) -> dict[str, Any] | None:
        """A thing as it was put, None when it is not there."""
        item = self._items[kind].get(id)
        return None if item is None else msgspec.json.decode(item.encoded)

    def sees(self, view: View, kind: str, id: str) -> bool:
        """True where this view shows this thing."""
        item = self._items[kind].get(id)
        return item is not None and item.audience.includes(view)

    def snapshot(self, view: View) -> bytes:
        """Everything that this view shows, as JSON, with the number after which changes follow."""
        kept = self._snapshots.get(view)
        now_s = self.clock.monotonic_s()
        if kept and (kept[1] == self.seq or now_s - kept[0] < SNAPSHOT_S) and kept[1] >= self.seq - self.ring // 2:
            return kept[2]
        body = self._build_snapshot(view)
        if len(self._snapshots) >= 64:  # views are few: sets of sectors times roles; bounded all the same
            self._snapshots.clear()
        self._snapshots[view] = (now_s, self.seq, body)
        return body

    def changes(self, view: View, after: int) -> tuple[bytes, int] | None:
        """The next changes after number `after` as one text, and the number they reach; None: fetch again.

        An empty text means that nothing up to that number concerns this view.
        """
        first = self._changes[0].seq if self._changes else self.seq + 1
        if after > self.seq or after < first - 1:
            self.resets += 1
            return None
        key = (view, after)
        known = self._batches.get(key)
        if known is not None:
            return known
        window = list(islice(self._changes, after - first + 1, after - first + 1 + BATCH))
        parts = [part for part in (change.seen_by(view) for change in window) if part]
        reached = window[-1].seq if window else after
        text = b'{"type":"changes","seq":%d,"changes":[%s]}' % (reached, b",".join(parts)) if parts else b""
        if len(self._batches) < 4096:
            self._batches[key] = (text, reached)
        return text, reached

    def beat(self, told: int) -> bytes:
        """What says that silence means calm; `told` is the last number that this connection was sent."""
        return b'{"type":"beat","seq":%d,"time_us":%d}' % (told, self.clock.wall_us())

    async def moved(self, after: int, timeout_s: float) -> None:
        """Wait until there is a change after `after`, at most `timeout_s`."""
        if self.seq > after and self._timer is None:
            return
        if self._moved is None:
            self._moved = asyncio.Event()
        try:
            async with asyncio.timeout(timeout_s):
                await self._moved.wait()
        except TimeoutError:
            return

    # ---- inside

    def _tell(self, kind: str, id: str, before: Audience | None, item: _Item | None) -> None:
        self.seq += 1
        put = plain = b""
        if item is not None:
            head = b'{"seq":%d,"kind":"%s","id":%s,"op":"put","value":' % (self.seq, kind.encode(), _encode(id))
            put = head + item.encoded + b"}"
            plain = put if item.plain is item.encoded else head + item.plain + b"}"
        self._changes.append(_Change(self.seq, kind, id, before, item.audience if item else None, put, plain))
        while len(self._changes) > self.ring:
            self._changes.popleft()
        self._batches.clear()
        if self._moved is not None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self._fire)

    def _fire(self) -> None:
        self._timer = None
        if self._moved is not None:
            self._moved.set()
            self._moved = None

    def _follow(self, camera_id: str) -> None:
        """A camera came, went or changed sector: whatever shows it changes audience with it."""
        shown = [(kind, camera_id, self._items[kind].get(camera_id)) for kind in ("status", "health")]
        shown += [("hold", id, item) for id, item in self._items["hold"].items()]
        for kind, id, item in shown:
            if item is not None and camera_id in item.camera_ids:
                audience = Audience(item.audience.permission, self._sectors_of(item.camera_ids))
                if audience != item.audience:
                    before, item.audience = item.audience, audience
                    self._tell(kind, id, before, item)

    def _follow_site(self, site_id: str) -> None:
        """A site changed sector, and its vitals with it. What stands there is put again by `wiring.py`."""
        item = self._items["vitals"].get(site_id)
        if item is not None:
            before, item.audience = item.audience, self._audience("vitals", {"id": site_id}, ())
            self._tell("vitals", site_id, before, item)

    def _audience(self, kind: str, value: Mapping[str, Any], camera_ids: Iterable[str]) -> Audience:
        match kind:
            case "camera" | "site":  # everybody knows of sectors and towns
                return Audience(Permission.SEE_NETWORK, frozenset({value.get("sector_id")}))
            case "power_source" | "cabinet" | "switch" | "link":
                return Audience(Permission.SEE_NETWORK, frozenset(value.get("sector_ids", ())))
            case "vitals":
                return Audience(Permission.SEE_NETWORK, frozenset({self._site_sectors.get(str(value.get("id")))}))
            case "alarm":  # what concerns the whole program is for all supervisors
                sectors = frozenset(value.get("sector_ids", ()))
                return Audience(
                    Permission.SEE_ALARMS, sectors, or_holders=None if sectors else Permission.MANAGE_ALARMS
                )
            case "alarm_kind" | "suppression" | "shift":
                return Audience(Permission.SEE_ALARMS)
            case "work_order":
                return Audience(Permission.SEE_WORK, frozenset({value.get("sector_id")}))
            case "outage" | "round":
                return Audience(Permission.SEE_WORK)
            case "status" | "health":
                return Audience(Permission.SEE_NETWORK, self._sectors_of(camera_ids))
            case "layout":
                owner = None if value.get("shared") else str(value.get("owner_account_id", ""))
                return Audience(Permission.KEEP_LAYOUTS, owner=owner)
            case "hold":
                return Audience(Permission.SEE_PLAYBACK, self._sectors_of(camera_ids))
            case "export":
                return Audience(Permission.EXPORT, owner=str(value.get("account_id", "")), or_all=True)
            case "account":
                return Audience(Permission.MANAGE_ACCOUNTS)
            case _:
                return Audience(Permission.SEE_NETWORK)

    def _sectors_of(self, camera_ids: Iterable[str]) -> frozenset[str | None]:
        return frozenset(self._sectors.get(camera_id) for camera_id in camera_ids)

    def _build_snapshot(self, view: View) -> bytes:
        def seen(kind: str) -> Iterator[tuple[str, bytes]]:
            return (
                (id, item.encoded if view.addresses else item.plain)
                for id, item in self._items[kind].items()
                if item.audience.includes(view)
            )

        head = {"epoch": self.epoch, "seq": self.seq, "time_us": self.clock.wall_us(), "deployment": self.deployment}
        parts = [_encode(head)[:-1]]
        for kind, name in _LISTS.items():
            parts.append(b',"%s":[%s]' % (name.encode(), b",".join(encoded for _, encoded in seen(kind))))
        statuses = b",".join(b"%s:%s" % (_encode(id), encoded) for id, encoded in seen("status"))
        parts.append(b',"statuses":{%s}' % statuses)
        system = dict(seen("system")).get("system", b"{}")
        parts.append(b',"system":%s}' % system)
        return b"".join(parts)


def _cameras_of(kind: str, id: str, value: Mapping[str, Any]) -> tuple[str, ...]:
    if kind in ("status", "health"):
        return (id,)
    if kind == "hold":
        return tuple(value.get("camera_ids", ()))
    return ()
