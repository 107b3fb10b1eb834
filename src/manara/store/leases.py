"""Which recorder records which cameras: 64 shards, shared evenly among the recorders that are alive.

`share` is the policy, pure. `Leases` plays it: it tells the journal each second that this recorder lives (bucket
`recorders`), watches the others, and takes shards (bucket `leases`, one key a shard, the key's revision is the fencing
token) that are nobody's, a dead recorder's, or its due. Without a journal a recorder keeps what it has: to record
twice is better than not at all. Called by `recorder/role.py`. Source: `docs/design/interfaces.md`.
"""

import asyncio
import logging
import zlib
from collections.abc import Callable, Collection, Mapping

import msgspec

from manara.base.clock import Clock
from manara.base.errors import Unavailable
from manara.store.journal import BUCKET_LEASES, BUCKET_RECORDERS, RECORDER_TTL_S, Entry, Journal, StaleRevision

log = logging.getLogger(__name__)

SHARDS = 64
BEAT_S = 1.0
SETTLE_S = 2.0  # after start or reconnection: hear who else is there before taking what is not ours
LINGER_S = 3.0  # a shard that another took is recorded this much longer, until the other has connected


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """What a recorder tells of itself in the bucket `recorders`."""

    recorder_id: str
    pid: int
    address: str
    at_us: int
    shards: int


def shard_of(camera_id: str) -> int:
    """The shard of a camera, 0 to 63."""
    return zlib.crc32(camera_id.encode()) % SHARDS


def share(alive: Collection[str], owners: Mapping[int, str]) -> dict[int, str]:
    """Who should own each shard: even to within one, moving as few shards as possible.

    `owners` is who owns what now; owners that are not `alive` lose theirs. The same view gives the same answer to every
    recorder, so they need not talk about it. With nobody alive the answer is empty.
    """
    recorders = sorted(set(alive))
    if not recorders:
        return {}
    least, extra = divmod(SHARDS, len(recorders))
    held = {recorder: [s for s in range(SHARDS) if owners.get(s) == recorder] for recorder in recorders}
    # Whoever holds most keeps the one more, so that nothing moves for the sake of the remainder.
    by_held = sorted(recorders, key=lambda recorder: (-len(held[recorder]), recorder))
    due = {recorder: least + (1 if place < extra else 0) for place, recorder in enumerate(by_held)}
    answer = {shard: recorder for recorder in recorders for shard in held[recorder][: due[recorder]]}
    free = iter([shard for shard in range(SHARDS) if shard not in answer])
    for recorder in recorders:
        for _ in range(due[recorder] - min(due[recorder], len(held[recorder]))):
            shard = next(free)
            answer[shard] = recorder
    return answer


class Leases:
    """The shards of one recorder. `changed` is called on the event loop with all shards to record, at each change."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        recorder_id: str,
        changed: Callable[[frozenset[int]], None],
        *,
        heartbeat: Callable[[int], Heartbeat],
        remembered: Collection[int] = (),
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._id = recorder_id
        self._changed = changed
        self._heartbeat = heartbeat
        self._owners: dict[int, tuple[str, int]] = {}  # shard → owner, revision
        self._heard_s: dict[str, float] = {}
        self._mine = frozenset(remembered)
        self._leaving: dict[int, float] = {}  # shard → monotonic time at which we let go
        self._connected_s: float | None = None
        self._caught_up = False
        self.lost = 0
        self.taken = 0

    @property
    def shards(self) -> frozenset[int]:
        """All shards to record now, those that linger too."""
        return self._mine | frozenset(self._leaving)

    async def run(self) -> None:
        """Live and share, until cancelled."""
        watches = [
            self._journal.bucket(BUCKET_LEASES).watch(self._on_lease, self._on_ready),
            self._journal.bucket(BUCKET_RECORDERS).watch(self._on_recorder),
        ]
        try:
            while True:
                try:
                    await self.beat()
                except Unavailable as error:
                    log.info("leases wait for the journal", extra={"reason": error.code})
                await asyncio.sleep(BEAT_S)
        finally:
            for watch in watches:
                await watch.stop()

    async def beat(self) -> None:
        """Once a second: say that we live, let go of what lingered long enough, take what is due."""
        now_s = self._clock.monotonic_s()
        over = [shard for shard, until_s in self._leaving.items() if now_s >= until_s]
        for shard in over:
            del self._leaving[shard]
        if over:
            self._changed(self.shards)
        if not self._journal.connected:
            self._connected_s = None
            return
        if self._connected_s is None:
            self._connected_s = now_s
            # What the others said while we could not hear them is no sign that they are dead.
            self._heard_s = {recorder: now_s for recorder in self._heard_s}
        beat = self._heartbeat(len(self._mine))
        await self._journal.bucket(BUCKET_RECORDERS).put(self._id, msgspec.json.encode(beat))
        self._heard_s[self._id] = now_s
        if self._caught_up and now_s - self._connected_s >= SETTLE_S:
            await self._take_due(now_s)

    def alive(self) -> list[str]:
        """The recorders heard of within the time a heartbeat lives."""
        now_s = self._clock.monotonic_s()
        return [recorder for recorder, heard_s in self._heard_s.items() if now_s - heard_s <= RECORDER_TTL_S]

    async def _take_due(self, now_s: float) -> None:
        owners = {shard: owner for shard, (owner, _) in self._owners.items()}
        due = [shard for shard, recorder in share(self.alive(), owners).items() if recorder == self._id]
        bucket = self._journal.bucket(BUCKET_LEASES)
        before = self._mine
        for shard in due:
            owner, revision = self._owners.get(shard, ("", 0))
            if owner == self._id:
                continue
            try:
                revision = await bucket.update(f"shard.{shard}", self._id.encode(), revision)
            except StaleRevision:
                continue  # somebody was quicker; the watch will tell who
            self._own(shard, self._id, revision, now_s)
            self.taken += 1
        if self._mine != before:
            log.info("shards taken", extra={"shards": len(self._mine), "were": len(before)})
            self._changed(self.shards)

    async def _on_lease(self, entry: Entry) -> None:
        shard = int(entry.key.removeprefix("shard."))
        if not 0 <= shard < SHARDS:
            log.error("a lease names no shard", extra={"key": entry.key})
            return
        before = self.shards
        owner = (entry.value or b"").decode("utf-8", "replace")
        known = self._owners.get(shard)
        if known is None or entry.revision >= known[1]:
            self._own(shard, owner, entry.revision if entry.value is not None else 0, self._clock.monotonic_s())
        if self._caught_up and self.shards != before:
            self._changed(self.shards)

    def _own(self, shard: int, owner: str, revision: int, now_s: float) -> None:
        self._owners[shard] = (owner, revision)
        if owner == self._id:
            self._mine |= {shard}
            self._leaving.pop(shard, None)
        elif owner and shard in self._mine:
            self._mine -= {shard}
            self._leaving[shard] = now_s + LINGER_S
            self.lost += 1

    async def _on_ready(self) -> None:
        self._caught_up = True
        self._changed(self.shards)

    async def _on_recorder(self, entry: Entry) -> None:
        if entry.value is None:
            self._heard_s.pop(entry.key, None)
        else:
            self._heard_s[entry.key] = self._clock.monotonic_s()
