"""What the program asks of its journal: facts that are kept, words that are not, and small tables that can be watched.

Three kinds of traffic. *Facts* (`publish`, `subscribe`) are kept on disk once acknowledged and delivered at least once,
in order, to every named reader; a handler is idempotent by `message_id`. *Words* (`tell`, `listen`) reach whoever
listens now (status each second); `ask` and `answer` are words with one reply. *Buckets* hold desired state and leases;
a revision is the fencing token.

The engine is NATS JetStream (`journal_nats.py`); `journal_memory.py` is its twin for tests. Both pass the one suite in
`tests/contracts/test_journal_contract.py`. Called by every role; knows no room.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from manara.base.errors import Conflict
from manara.messages import Message

FACT_PREFIX = "manara.fact."
STATUS_PREFIX = "manara.status."
VITALS_SUBJECT = "manara.vitals"
POKE_SUBJECT = "manara.poke"  # somebody committed facts: the relay of control need not wait

BUCKET_WANTED = "wanted"
BUCKET_HOLDS = "holds"
BUCKET_LEASES = "leases"
BUCKET_RECORDERS = "recorders"
BUCKET_WHOLE = "all"  # in `wanted` and `holds`: control has written everything; sorts before all their keys

RECORDER_TTL_S = 5.0

Handler = Callable[[Message], Awaitable[None]]
Listener = Callable[[str, bytes], Awaitable[None]]
Answerer = Callable[[bytes], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a bucket. `value` is None when the key was deleted (or ran out)."""

    key: str
    value: bytes | None
    revision: int


@dataclass(frozen=True, slots=True)
class Stuck:
    """A handler that keeps failing on a fact; it keeps its place and is tried again until it succeeds."""

    reader: str
    message: Message
    error: Exception
    tries: int


Watcher = Callable[[Entry], Awaitable[None]]
OnStuck = Callable[[Stuck], Awaitable[None]]


class StaleRevision(Conflict):
    """Somebody else wrote the key since it was read."""


@dataclass(slots=True)
class JournalCounters:
    """What the journal's client did since it started, for the system screen and the logs."""

    published: int = 0
    handled: int = 0
    handler_failures: int = 0
    undecodable: int = 0
    reconnects: int = 0
    told: int = 0
    lost_words: int = 0


@dataclass(frozen=True, slots=True)
class BucketPlan:
    """How a bucket is kept."""

    name: str
    on_disk: bool
    ttl_s: float | None = None


BUCKETS = (
    BucketPlan(BUCKET_WANTED, on_disk=True),
    BucketPlan(BUCKET_HOLDS, on_disk=True),
    BucketPlan(BUCKET_LEASES, on_disk=True),
    # A heartbeat a second is not worth a disk write each: after a restart of the journal it is told again.
    BucketPlan(BUCKET_RECORDERS, on_disk=False, ttl_s=RECORDER_TTL_S),
)


class Subscription(Protocol):
    """Something that goes on until it is stopped."""

    async def stop(self) -> None:
        """Stop and wait for the running call to end."""
        ...


class Bucket(Protocol):
    """A small table of bytes. Every call raises `Unavailable` when the journal does not answer within a few seconds."""

    async def get(self, key: str) -> Entry | None:
        """The key's value now, None if there is none."""
        ...

    async def all(self) -> dict[str, Entry]:
        """Every live key."""
        ...

    async def put(self, key: str, value: bytes) -> int:
        """Write, whoever wrote before. Returns the revision."""
        ...

    async def update(self, key: str, value: bytes, revision: int) -> int:
        """Write if the key is still at `revision` (0 = must not exist). Raises `StaleRevision` when it is not."""
        ...

    async def delete(self, key: str) -> None:
        """Forget the key; no error if it is not there."""
        ...

    def watch(self, on_change: Watcher, on_ready: Callable[[], Awaitable[None]] | None = None) -> Subscription:
        """Call `on_change` for every key there is, then `on_ready` once, then `on_change` for each change, in order.

        Survives the loss of the journal: on its return everything that changed meanwhile is told, deletions too, in the
        order of their keys. Keys
        that ran out by age are not told while connected. A watcher that raises is logged and counted, and goes on.
        """
        ...


class Journal(Protocol):
    """The journal as a role sees it."""

    @property
    def counters(self) -> JournalCounters:
        """Counted since start."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the journal can be reached now."""
        ...

    async def publish(self, message: Message) -> None:
        """Keep a fact. Returns when it is on disk. Raises `Unavailable` if that is not known within a few seconds.

        Publishing the same `message_id` again within ten minutes is dropped as a double.
        """
        ...

    async def publish_many(self, messages: Sequence[Message]) -> None:
        """Keep several, in order. On `Unavailable` any of them may have been kept: publish them all again."""
        ...

    def subscribe(
        self,
        name: str,
        handler: Handler,
        kinds: Sequence[type[Message]] = (),
        *,
        from_start: bool = True,
        on_stuck: OnStuck | None = None,
    ) -> Subscription:
        """Deliver kept facts of these kinds (none = all) to `handler`, in order, each until it returns without raising.

        `name` is the reader's place in the journal and survives restarts; one process reads under a name at a time.
        `from_start`: a new reader begins with the oldest fact kept, else with the next one. A failing handler is tried
        again with growing waits (0.2 s to 30 s); `on_stuck` is told at the third failure and every tenth after.
        """
        ...

    def follow(self, handler: Handler, kinds: Sequence[type[Message]] = ()) -> Subscription:
        """Deliver facts from now on, without a kept place; what happens while the journal is away is missed."""
        ...

    async def tell(self, subject: str, data: bytes) -> bool:
        """Say something to whoever listens now. Returns False (and counts) when the journal is away."""
        ...

    def listen(self, subject: str, listener: Listener) -> Subscription:
        """Hear a subject; `*` stands for one word of it."""
        ...

    async def ask(self, subject: str, data: bytes, timeout_s: float) -> bytes:
        """Ask whoever answers on a subject. Raises `Unavailable` when nobody does, or not within `timeout_s`."""
        ...

    def answer(self, subject: str, answerer: Answerer) -> Subscription:
        """Answer what is asked on a subject, one after the other. One that raises is logged, counted, not answered."""
        ...

    def bucket(self, name: str) -> Bucket:
        """One of `BUCKETS`."""
        ...

    async def close(self) -> None:
        """Stop every subscription and the connection."""
        ...


@dataclass(slots=True)
class RetryWaits:
    """Growing waits of a failing handler."""

    first_s: float = 0.2
    most_s: float = 30.0
    tries: int = field(default=0)

    def next_s(self) -> float:
        """The wait before the next try."""
        wait_s = min(self.most_s, self.first_s * float(2 ** min(self.tries, 16)))
        self.tries += 1
        return wait_s

    @property
    def worth_telling(self) -> bool:
        """At the third failure and every tenth."""
        return self.tries == 3 or (self.tries > 3 and self.tries % 10 == 0)


def subject_of(kind: type[Message]) -> str:
    """The subject on which facts of a kind are kept."""
    return FACT_PREFIX + kind.__name__
