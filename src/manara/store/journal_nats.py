"""The journal on NATS JetStream: the engine behind `journal.py`, on one machine and on a cluster alike.

Connects in the background and for ever: a role starts, records and stops without it. Subscriptions and watches made
while it is away begin when it comes. Does not start a server (`nats_server.py`) and does not decide what facts mean.
Bounds: 64 unacknowledged facts a reader, 5 s a request. Source: NATS JetStream; its key-value calls answer "no stream"
while a leader changes, so they are tried again.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, KeyValueConfig, StorageType, StreamConfig
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError, NoStreamResponseError, NotFoundError
from nats.js.kv import KV_DEL, KV_PURGE, KeyValue

from manara.base.errors import Unavailable
from manara.messages import Message, decode, encode
from manara.store.journal import (
    BUCKETS,
    FACT_PREFIX,
    Answerer,
    BucketPlan,
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

STREAM = "FACTS"
REQUEST_TIMEOUT_S = 5.0
_BATCH = 64
_ACK_WAIT_S = 30.0
_RETRY_S = 0.25
_RECONNECT_WAIT_S = 1
_POLL_S = 1.0
_DUPLICATE_WINDOW_S = 600.0

T = TypeVar("T")
_AWAY = (NatsError, TimeoutError, OSError)


class _Task:
    """A loop that runs until it is stopped."""

    def __init__(self, journal: "NatsJournal", work: Coroutine[Any, Any, None], name: str) -> None:
        self._journal = journal
        self._task = asyncio.get_running_loop().create_task(work, name=name)
        journal._tasks.add(self)

    async def stop(self) -> None:
        self._journal._tasks.discard(self)
        await _cancel(self._task)


async def _cancel(task: asyncio.Task[None]) -> None:
    """Cancel until it has ended: on Python 3.11 `wait_for` inside the client may swallow one cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_RETRY_S)


class NatsJournal:
    """One connection to the journal. Make it with `start` inside the event loop that uses it."""

    def __init__(self, *, name: str, keep_days: float = 14.0) -> None:
        self.counters = JournalCounters()
        self._name = name
        self._keep_days = keep_days
        self._client = Client()
        self._js: JetStreamContext | None = None
        self._ready = asyncio.Event()
        self._generation = 0
        self._tasks: set[_Task] = set()
        self._connecting: asyncio.Task[None] | None = None
        self._preparing: asyncio.Task[None] | None = None
        self._closed = False

    @classmethod
    async def start(cls, url: str, user: str, password: str, *, name: str, keep_days: float = 14.0) -> "NatsJournal":
        """Begin to connect (in the background). `name` is shown in the server's list of connections."""
        journal = cls(name=name, keep_days=keep_days)
        journal._connecting = asyncio.create_task(journal._connect(url, user, password), name="journal-connect")
        return journal

    @property
    def connected(self) -> bool:
        """Whether the journal can be reached now."""
        return self._ready.is_set() and self._client.is_connected

    async def wait_connected(self, timeout_s: float) -> bool:
        """Wait until the journal is there. Returns False when it was not within `timeout_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not self.connected:
                    await self._ready.wait()
                    # The client knows of a loss a little before it tells us: give it the time, rather than spin.
                    if not self.connected:
                        await asyncio.sleep(_RETRY_S)
        return self.connected

    async def _connect(self, url: str, user: str, password: str) -> None:
        async def disconnected() -> None:
            if not self._closed:
                self._ready.clear()
                log.warning("journal lost", extra={"reader": self._name})

        async def reconnected() -> None:
            self.counters.reconnects += 1
            log.info("journal is back", extra={"reader": self._name})
            self._preparing = asyncio.create_task(self._prepare(), name="journal-prepare")

        async def failed(error: Exception) -> None:
            log.debug("journal connection: %s", error, extra={"reader": self._name})

        waits = RetryWaits(first_s=0.1, most_s=2.0)
        while True:
            try:
                await self._client.connect(
                    servers=[url],
                    user=user or None,
                    password=password or None,
                    name=self._name,
                    allow_reconnect=True,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=_RECONNECT_WAIT_S,
                    connect_timeout=3,
                    ping_interval=5,
                    max_outstanding_pings=2,
                    disconnected_cb=disconnected,
                    reconnected_cb=reconnected,
                    error_cb=failed,
                )
                break
            except _AWAY as error:
                wait_s = waits.next_s()
                log.info("journal cannot be reached yet: %s", type(error).__name__, extra={"next_try_s": wait_s})
                self._client = Client()
                await asyncio.sleep(wait_s)
        await self._prepare()

    async def _prepare(self) -> None:
        """Make the stream and the buckets if they are not there, then let the waiting begin."""
        waits = RetryWaits(first_s=0.1, most_s=2.0)
        while not self._closed and self._client.is_connected:
            js = self._client.jetstream(timeout=REQUEST_TIMEOUT_S)
            try:
                await self._ensure_stream(js)
                for plan in BUCKETS:
                    await _ensure_bucket(js, plan)
            except _AWAY as error:
                log.info("journal is not ready yet: %s", error)
                await asyncio.sleep(waits.next_s())
                continue
            self._js = js
            self._generation += 1
            self._ready.set()
            return

    async def _ensure_stream(self, js: JetStreamContext) -> None:
        config = StreamConfig(
            name=STREAM,
            subjects=[FACT_PREFIX + ">"],
            storage=StorageType.FILE,
            max_age=self._keep_days * 86_400,
            duplicate_window=_DUPLICATE_WINDOW_S,
            max_msg_size=1_000_000,
        )
        try:
            info = await js.stream_info(STREAM)
        except NotFoundError:
            await js.add_stream(config)
            return
        if info.config.max_age != config.max_age:
            await js.update_stream(config)

    async def _context(self) -> JetStreamContext:
        if not await self.wait_connected(REQUEST_TIMEOUT_S) or self._js is None:
            raise Unavailable("The journal cannot be reached; it is tried again by itself.", code="journal_away")
        return self._js

    async def attempt(self, what: str, call: Callable[[JetStreamContext], Awaitable[T]]) -> T:
        """Run one request, again while a leader changes. Raises `Unavailable` naming `what` after 5 s."""
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                while True:
                    js = await self._context()
                    try:
                        return await call(js)
                    except NoStreamResponseError:
                        await asyncio.sleep(0.1)
        except (StaleRevision, KeyNotFoundError, KeyWrongLastSequenceError):
            raise
        except _AWAY as error:
            raise Unavailable(
                f"The journal did not answer: {what} ({type(error).__name__}).", code="journal_away"
            ) from error

    # -- facts ------------------------------------------------------------------------------------------------------

    async def publish(self, message: Message) -> None:
        """Keep a fact; see `Journal.publish`."""
        subject, payload = subject_of(type(message)), encode(message)
        await self.attempt(
            f"publishing {type(message).__name__}",
            lambda js: js.publish(subject, payload, headers={"Nats-Msg-Id": message.message_id}),
        )
        self.counters.published += 1

    async def publish_many(self, messages: Sequence[Message]) -> None:
        """Keep several, in order; see `Journal.publish_many`."""
        for start in range(0, len(messages), _BATCH):
            # Requests leave on one connection in the order in which they are started, so the stream keeps that order.
            results = await asyncio.gather(
                *(self.publish(message) for message in messages[start : start + _BATCH]), return_exceptions=True
            )
            for result in results:
                if isinstance(result, BaseException):
                    raise result

    def subscribe(
        self,
        name: str,
        handler: Handler,
        kinds: Sequence[type[Message]] = (),
        *,
        from_start: bool = True,
        on_stuck: OnStuck | None = None,
    ) -> Subscription:
        """Deliver kept facts in order; see `Journal.subscribe`."""
        config = ConsumerConfig(
            durable_name=name,
            deliver_policy=DeliverPolicy.ALL if from_start else DeliverPolicy.NEW,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=_ACK_WAIT_S,
            max_ack_pending=_BATCH,
            filter_subjects=[subject_of(kind) for kind in kinds] or [FACT_PREFIX + ">"],
        )
        return _Task(self, self._read(name, config, handler, on_stuck), f"journal-read-{name}")

    async def _read(self, name: str, config: ConsumerConfig, handler: Handler, on_stuck: OnStuck | None) -> None:
        waits = RetryWaits(first_s=0.1, most_s=5.0)
        while True:
            try:
                js = await self._context()
                await js.add_consumer(STREAM, config)
                pull = await js.pull_subscribe_bind(consumer=name, stream=STREAM)
            except (Unavailable, *_AWAY) as error:
                log.info("reader cannot begin yet: %s", error, extra={"reader": name})
                await asyncio.sleep(waits.next_s())
                continue
            waits = RetryWaits(first_s=0.1, most_s=5.0)
            generation = self._generation
            try:
                while generation == self._generation:
                    await self._read_batch(name, pull, handler, on_stuck)
            except _AWAY as error:
                log.info("reader begins again: %s", type(error).__name__, extra={"reader": name})
                await asyncio.sleep(waits.next_s())
            finally:
                with contextlib.suppress(*_AWAY):
                    await pull.unsubscribe()

    async def _read_batch(self, name: str, pull: Any, handler: Handler, on_stuck: OnStuck | None) -> None:
        try:
            batch: list[Msg] = await pull.fetch(1, timeout=_POLL_S)
        except TimeoutError:
            return
        # Asking for more than there is would wait out the whole time-out.
        more = min(_BATCH - 1, batch[0].metadata.num_pending)
        if more:
            with contextlib.suppress(TimeoutError):
                batch += await pull.fetch(more, timeout=_POLL_S)
        waiting = list(batch)
        touch = asyncio.create_task(_keep_in_progress(waiting), name=f"journal-touch-{name}")
        try:
            for raw in batch:
                await self._handle(name, raw, handler, on_stuck)
                waiting.remove(raw)
        finally:
            touch.cancel()

    async def _handle(self, name: str, raw: Msg, handler: Handler, on_stuck: OnStuck | None) -> None:
        try:
            message = decode(raw.data)
        except msgspec.MsgspecError as error:
            self.counters.undecodable += 1
            log.error(
                "a fact cannot be read and is left out: %s", error, extra={"reader": name, "subject": raw.subject}
            )
            await raw.term()
            return
        waits = RetryWaits()
        while True:
            try:
                await handler(message)
                break
            except Exception as error:
                # A handler may raise anything; it keeps its place, so that order holds, and is tried again.
                self.counters.handler_failures += 1
                wait_s = waits.next_s()
                log.warning(
                    "handler failed, tried again in %.1f s: %r",
                    wait_s,
                    error,
                    extra={"reader": name, "fact": type(message).__name__, "tries": waits.tries},
                    exc_info=waits.tries == 1,
                )
                if on_stuck is not None and waits.worth_telling:
                    await on_stuck(Stuck(name, message, error, waits.tries))
                await asyncio.sleep(wait_s)
        self.counters.handled += 1
        await raw.ack_sync(timeout=REQUEST_TIMEOUT_S)

    def follow(self, handler: Handler, kinds: Sequence[type[Message]] = ()) -> Subscription:
        """Deliver facts from now on; see `Journal.follow`."""
        wanted = {subject_of(kind) for kind in kinds}

        async def on_word(subject: str, data: bytes) -> None:
            if wanted and subject not in wanted:
                return
            try:
                message = decode(data)
            except msgspec.MsgspecError as error:
                self.counters.undecodable += 1
                log.error("a fact cannot be read and is left out: %s", error, extra={"subject": subject})
                return
            await handler(message)

        return self.listen(FACT_PREFIX + ">", on_word)

    # -- words ------------------------------------------------------------------------------------------------------

    async def tell(self, subject: str, data: bytes) -> bool:
        """Say something to whoever listens now; see `Journal.tell`."""
        if not self.connected:
            self.counters.lost_words += 1
            return False
        try:
            await self._client.publish(subject, data)
        except _AWAY:
            self.counters.lost_words += 1
            return False
        self.counters.told += 1
        return True

    def listen(self, subject: str, listener: Listener) -> Subscription:
        """Hear a subject; see `Journal.listen`."""

        async def hear(raw: Msg) -> None:
            await listener(raw.subject, raw.data)

        return _Task(self, self._hear(subject, hear), f"journal-hear-{subject}")

    async def ask(self, subject: str, data: bytes, timeout_s: float) -> bytes:
        """Ask whoever answers; see `Journal.ask`."""
        if not self.connected:
            raise Unavailable("The journal cannot be reached.", code="journal_away")
        try:
            return (await self._client.request(subject, data, timeout=timeout_s)).data
        except NoRespondersError as error:
            raise Unavailable(f"Nobody answers on {subject}.", code="nobody_answers") from error
        except _AWAY as error:
            raise Unavailable(f"No answer on {subject} within {timeout_s:g} s.", code="no_answer") from error

    def answer(self, subject: str, answerer: Answerer) -> Subscription:
        """Answer what is asked; see `Journal.answer`."""

        async def reply(raw: Msg) -> None:
            answer = await answerer(raw.data)
            with contextlib.suppress(*_AWAY):  # who asked has gone, or the journal: they ask again
                await raw.respond(answer)

        return _Task(self, self._hear(subject, reply), f"journal-answer-{subject}")

    async def _hear(self, subject: str, hear: Callable[[Msg], Awaitable[None]]) -> None:
        while True:
            await self._ready.wait()
            try:
                # The client subscribes again by itself after a reconnection.
                subscription = await self._client.subscribe(subject)
                break
            except _AWAY:
                await asyncio.sleep(_RETRY_S)
        try:
            async for raw in subscription.messages:
                try:
                    await hear(raw)
                except Exception:
                    # One bad word must not end the hearing of all the others.
                    self.counters.handler_failures += 1
                    log.exception("listener failed", extra={"subject": raw.subject})
        finally:
            with contextlib.suppress(*_AWAY):
                await subscription.unsubscribe()

    # -- buckets ----------------------------------------------------------------------------------------------------

    def bucket(self, name: str) -> "NatsBucket":
        """One of `BUCKETS`; see `Bucket`."""
        if name not in {plan.name for plan in BUCKETS}:
            raise ValueError(f"no such bucket: {name}")
        return NatsBucket(self, name)

    async def watch_bucket(self, name: str, on_change: Watcher, on_ready: Callable[[], Awaitable[None]] | None) -> None:
        """The loop behind `Bucket.watch`."""
        known: dict[str, tuple[int, bytes | None]] = {}
        told_ready = False

        async def change(entry: Entry) -> None:
            if known.get(entry.key) == (entry.revision, entry.value):
                return
            if entry.value is None:
                if known.pop(entry.key, None) is None:
                    return
            else:
                known[entry.key] = (entry.revision, entry.value)
            try:
                await on_change(entry)
            except Exception:
                # A watcher may raise anything; the next change must still be told.
                self.counters.handler_failures += 1
                log.exception("watcher failed", extra={"bucket": name, "key": entry.key})

        while True:
            await self._ready.wait()
            generation = self._generation
            watcher: Any = None
            seen: set[str] | None = set()
            try:
                js = await self._context()
                watcher = await (await js.key_value(name)).watchall()
                while generation == self._generation:
                    try:
                        update = await watcher.updates(timeout=_POLL_S)
                    except TimeoutError:
                        continue
                    if update is None:
                        if seen is not None:
                            for key in sorted(key for key in known if key not in seen):
                                await change(Entry(key, None, known[key][0]))
                            seen = None
                        if on_ready is not None and not told_ready:
                            await on_ready()
                        told_ready = True
                        continue
                    entry = _entry(update)
                    if seen is not None and entry.value is not None:
                        seen.add(entry.key)
                    await change(entry)
            except (Unavailable, *_AWAY) as error:
                log.info("watch begins again: %s", type(error).__name__, extra={"bucket": name})
                await asyncio.sleep(_RETRY_S)
            finally:
                if watcher is not None:
                    with contextlib.suppress(*_AWAY):
                        await watcher.stop()

    async def close(self) -> None:
        """Stop every subscription and the connection."""
        self._closed = True
        # The client cancels its own reconnecting only once; were that swallowed, it would go on for ever.
        for begun in (self._connecting, self._preparing, self._client._reconnection_task):
            if begun is not None:
                await _cancel(begun)
        for task in list(self._tasks):
            await task.stop()
        self._ready.clear()
        # From Python 3.12 on, what still waits to be sent on a lost connection makes asyncio itself raise `TypeError`.
        with contextlib.suppress(*_AWAY, TypeError):
            async with asyncio.timeout(1.0):
                await self._client.close()


class NatsBucket:
    """A JetStream key-value bucket; see `Bucket`."""

    def __init__(self, journal: NatsJournal, name: str) -> None:
        self._journal = journal
        self._name = name

    async def _call(self, what: str, call: Callable[[KeyValue], Awaitable[T]]) -> T:
        async def with_bucket(js: JetStreamContext) -> T:
            return await call(KeyValue(self._name, f"KV_{self._name}", f"$KV.{self._name}.", js, True))

        return await self._journal.attempt(f"{what} in bucket {self._name}", with_bucket)

    async def get(self, key: str) -> Entry | None:
        """The key's value now."""
        try:
            return _entry(await self._call(f"reading {key}", lambda kv: kv.get(key)))
        except KeyNotFoundError:
            return None

    async def all(self) -> dict[str, Entry]:
        """Every live key."""

        async def gather(kv: KeyValue) -> dict[str, Entry]:
            found: dict[str, Entry] = {}
            watcher: Any = await kv.watchall()
            try:
                while (update := await watcher.updates(timeout=REQUEST_TIMEOUT_S)) is not None:
                    entry = _entry(update)
                    if entry.value is not None:
                        found[entry.key] = entry
            finally:
                await watcher.stop()
            return found

        return await self._call("listing", gather)

    async def put(self, key: str, value: bytes) -> int:
        """Write, whoever wrote before."""
        return int(await self._call(f"writing {key}", lambda kv: kv.put(key, value)))

    async def update(self, key: str, value: bytes, revision: int) -> int:
        """Write if the key is still at `revision`."""
        try:
            if revision == 0:
                return int(await self._call(f"creating {key}", lambda kv: kv.create(key, value)))
            return int(await self._call(f"writing {key}", lambda kv: kv.update(key, value, revision)))
        except KeyWrongLastSequenceError as error:
            raise StaleRevision(f"Somebody else wrote {self._name}/{key} first.", code="stale_revision") from error

    async def delete(self, key: str) -> None:
        """Forget the key."""
        await self._call(f"deleting {key}", lambda kv: kv.delete(key))

    def watch(self, on_change: Watcher, on_ready: Callable[[], Awaitable[None]] | None = None) -> Subscription:
        """Everything there is, then every change."""
        work = self._journal.watch_bucket(self._name, on_change, on_ready)
        return _Task(self._journal, work, f"journal-watch-{self._name}")


def _entry(raw: KeyValue.Entry) -> Entry:
    gone = raw.operation in (KV_DEL, KV_PURGE)
    return Entry(raw.key, None if gone else (raw.value or b""), raw.revision or 0)


async def _ensure_bucket(js: JetStreamContext, plan: BucketPlan) -> None:
    try:
        await js.stream_info(f"KV_{plan.name}")
    except NotFoundError:
        await js.create_key_value(
            KeyValueConfig(
                bucket=plan.name,
                history=1,
                ttl=plan.ttl_s,
                storage=StorageType.FILE if plan.on_disk else StorageType.MEMORY,
                direct=True,
            )
        )


async def _keep_in_progress(waiting: list[Msg]) -> None:
    while True:
        await asyncio.sleep(_ACK_WAIT_S / 3)
        for raw in list(waiting):
            with contextlib.suppress(*_AWAY):
                await raw.in_progress()


__all__ = ["NatsBucket", "NatsJournal"]
