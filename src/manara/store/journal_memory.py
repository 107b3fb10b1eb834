"""The journal in memory: the twin of `journal_nats.py` for unit tests, under the same contract suite. Keeps nothing.

Several `MemoryJournal`s on one `MemoryServer` are the roles of one installation; `server.away = True` is its loss.
"""

import asyncio
import contextlib
import fnmatch
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from manara.base.errors import Unavailable
from manara.messages import Message, decode, encode
from manara.store.journal import (
    BUCKETS,
    FACT_PREFIX,
    Answerer,
    Entry,
    Handler,
    JournalCounters,
    Listener,
    OnStuck,
    RetryWaits,
    StaleRevision,
    Stuck,
    Subscription,
    Watcher,
    subject_of,
)

log = logging.getLogger(__name__)


class MemoryServer:
    """What a journal server would keep."""

    def __init__(self) -> None:
        self.away = False
        self.facts: list[tuple[str, bytes]] = []
        self.ids: set[str] = set()
        self.places: dict[str, int] = {}
        self.listeners: list[tuple[str, asyncio.Queue[tuple[str, bytes]]]] = []
        self.answerers: list[tuple[str, asyncio.Queue[tuple[bytes, asyncio.Future[bytes]]]]] = []
        self.tables: dict[str, dict[str, tuple[Entry, float]]] = {plan.name: {} for plan in BUCKETS}
        self.ttl_s = {plan.name: plan.ttl_s for plan in BUCKETS}
        self.watchers: dict[str, list[asyncio.Queue[Entry | None]]] = {plan.name: [] for plan in BUCKETS}
        self.revision = 0
        self.arrived = asyncio.Condition()

    def check(self) -> None:
        """Raise as a client would whose server is away."""
        if self.away:
            raise Unavailable("The journal cannot be reached.", code="journal_away")

    def hear(self, subject: str, data: bytes) -> None:
        """Give a word to all who listen."""
        for pattern, queue in self.listeners:
            if fnmatch.fnmatchcase(subject, pattern):
                queue.put_nowait((subject, data))


class _Task:
    def __init__(self, journal: "MemoryJournal", work: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.get_running_loop().create_task(work)
        self._journal = journal
        journal._tasks.add(self)

    async def stop(self) -> None:
        self._journal._tasks.discard(self)
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


class MemoryJournal:
    """One role's connection to a `MemoryServer`; see `Journal`."""

    def __init__(self, server: MemoryServer | None = None) -> None:
        self.server = server or MemoryServer()
        self.counters = JournalCounters()
        self._tasks: set[_Task] = set()

    @property
    def connected(self) -> bool:
        """Whether the journal can be reached now."""
        return not self.server.away

    async def publish(self, message: Message) -> None:
        """See `Journal.publish`."""
        self.server.check()
        if message.message_id not in self.server.ids:
            self.server.ids.add(message.message_id)
            fact = (subject_of(type(message)), encode(message))
            self.server.facts.append(fact)
            self.server.hear(*fact)
            async with self.server.arrived:
                self.server.arrived.notify_all()
        self.counters.published += 1

    async def publish_many(self, messages: Sequence[Message]) -> None:
        """See `Journal.publish_many`."""
        for message in messages:
            await self.publish(message)

    def subscribe(
        self,
        name: str,
        handler: Handler,
        kinds: Sequence[type[Message]] = (),
        *,
        from_start: bool = True,
        on_stuck: OnStuck | None = None,
    ) -> Subscription:
        """See `Journal.subscribe`."""
        self.server.places.setdefault(name, 0 if from_start else len(self.server.facts))
        return _Task(self, self._read(name, handler, {subject_of(kind) for kind in kinds}, on_stuck))

    async def _read(self, name: str, handler: Handler, subjects: set[str], on_stuck: OnStuck | None) -> None:
        server = self.server
        while True:
            async with server.arrived:
                await server.arrived.wait_for(lambda: server.places[name] < len(server.facts))
            subject, data = server.facts[server.places[name]]
            if not subjects or subject in subjects:
                await self._handle(name, decode(data), handler, on_stuck)
            server.places[name] += 1

    async def _handle(self, name: str, message: Message, handler: Handler, on_stuck: OnStuck | None) -> None:
        waits = RetryWaits(first_s=0.005, most_s=0.02)
        while True:
            try:
                await handler(message)
                self.counters.handled += 1
                return
            except Exception as error:  # noqa: BLE001 - a handler may raise anything; it keeps its place, and waits
                self.counters.handler_failures += 1
                log.warning("handler failed: %r", error, extra={"reader": name})
                wait_s = waits.next_s()
                if on_stuck is not None and waits.worth_telling:
                    await on_stuck(Stuck(name, message, error, waits.tries))
                await asyncio.sleep(wait_s)

    def follow(self, handler: Handler, kinds: Sequence[type[Message]] = ()) -> Subscription:
        """See `Journal.follow`."""
        wanted = {subject_of(kind) for kind in kinds}

        async def on_word(subject: str, data: bytes) -> None:
            if not wanted or subject in wanted:
                await handler(decode(data))

        return self.listen(FACT_PREFIX + "*", on_word)

    async def tell(self, subject: str, data: bytes) -> bool:
        """See `Journal.tell`."""
        if self.server.away:
            self.counters.lost_words += 1
            return False
        self.server.hear(subject, data)
        self.counters.told += 1
        return True

    def listen(self, subject: str, listener: Listener) -> Subscription:
        """See `Journal.listen`."""
        queue: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self.server.listeners.append((subject, queue))
        return _Task(self, self._hear((subject, queue), listener))

    async def _hear(self, place: tuple[str, asyncio.Queue[tuple[str, bytes]]], listener: Listener) -> None:
        try:
            while True:
                subject, data = await place[1].get()
                try:
                    await listener(subject, data)
                except Exception:
                    # One bad word must not end the hearing of all the others.
                    self.counters.handler_failures += 1
                    log.exception("listener failed", extra={"subject": subject})
        finally:
            self.server.listeners.remove(place)

    async def ask(self, subject: str, data: bytes, timeout_s: float) -> bytes:
        """See `Journal.ask`."""
        self.server.check()
        queue = next((queue for asked, queue in self.server.answerers if asked == subject), None)
        if queue is None:
            raise Unavailable(f"Nobody answers on {subject}.", code="nobody_answers")
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        queue.put_nowait((data, answer))
        try:
            return await asyncio.wait_for(answer, timeout_s)
        except TimeoutError as error:
            raise Unavailable(f"No answer on {subject} within {timeout_s:g} s.", code="no_answer") from error

    def answer(self, subject: str, answerer: Answerer) -> Subscription:
        """See `Journal.answer`."""
        queue: asyncio.Queue[tuple[bytes, asyncio.Future[bytes]]] = asyncio.Queue()
        self.server.answerers.append((subject, queue))
        return _Task(self, self._answer((subject, queue), answerer))

    async def _answer(
        self, place: tuple[str, asyncio.Queue[tuple[bytes, asyncio.Future[bytes]]]], answerer: Answerer
    ) -> None:
        try:
            while True:
                data, asked = await place[1].get()
                try:
                    answer = await answerer(data)
                except Exception:
                    # One bad question must not end the answering of all the others.
                    self.counters.handler_failures += 1
                    log.exception("answerer failed", extra={"subject": place[0]})
                    continue
                if not asked.done():
                    asked.set_result(answer)
        finally:
            self.server.answerers.remove(place)

    def bucket(self, name: str) -> "MemoryBucket":
        """One of `BUCKETS`."""
        if name not in self.server.tables:
            raise ValueError(f"no such bucket: {name}")
        return MemoryBucket(self, name)

    async def close(self) -> None:
        """Stop every subscription."""
        for task in list(self._tasks):
            await task.stop()


class MemoryBucket:
    """See `Bucket`."""

    def __init__(self, journal: MemoryJournal, name: str) -> None:
        self._journal = journal
        self._server = journal.server
        self._name = name

    def _live(self) -> dict[str, Entry]:
        ttl_s = self._server.ttl_s[self._name]
        table = self._server.tables[self._name]
        if ttl_s is not None:
            now = time.monotonic()
            for key in [key for key, (_, written) in table.items() if now - written > ttl_s]:
                del table[key]
        return {key: entry for key, (entry, _) in table.items() if entry.value is not None}

    def _write(self, key: str, value: bytes | None) -> int:
        self._server.revision += 1
        entry = Entry(key, value, self._server.revision)
        self._server.tables[self._name][key] = (entry, time.monotonic())
        for queue in self._server.watchers[self._name]:
            queue.put_nowait(entry)
        return entry.revision

    async def get(self, key: str) -> Entry | None:
        """See `Bucket.get`."""
        self._server.check()
        return self._live().get(key)

    async def all(self) -> dict[str, Entry]:
        """See `Bucket.all`."""
        self._server.check()
        return self._live()

    async def put(self, key: str, value: bytes) -> int:
        """See `Bucket.put`."""
        self._server.check()
        return self._write(key, value)

    async def update(self, key: str, value: bytes, revision: int) -> int:
        """See `Bucket.update`."""
        self._server.check()
        entry = self._live().get(key)
        if (entry.revision if entry else 0) != revision:
            raise StaleRevision(f"Somebody else wrote {self._name}/{key} first.", code="stale_revision")
        return self._write(key, value)

    async def delete(self, key: str) -> None:
        """See `Bucket.delete`."""
        self._server.check()
        if key in self._live():
            self._write(key, None)

    def watch(self, on_change: Watcher, on_ready: Callable[[], Awaitable[None]] | None = None) -> Subscription:
        """See `Bucket.watch`."""
        queue: asyncio.Queue[Entry | None] = asyncio.Queue()
        for entry in self._live().values():
            queue.put_nowait(entry)
        queue.put_nowait(None)
        self._server.watchers[self._name].append(queue)
        return _Task(self._journal, self._watch(queue, on_change, on_ready))

    async def _watch(
        self,
        queue: asyncio.Queue[Entry | None],
        on_change: Watcher,
        on_ready: Callable[[], Awaitable[None]] | None,
    ) -> None:
        try:
            while True:
                entry = await queue.get()
                try:
                    if entry is not None:
                        await on_change(entry)
                    elif on_ready is not None:
                        await on_ready()
                except Exception:
                    # A watcher may raise anything; the next change must still be told.
                    self._journal.counters.handler_failures += 1
                    log.exception("watcher failed", extra={"bucket": self._name})
        finally:
            self._server.watchers[self._name].remove(queue)
