"""Facts that have arrived and wait for their handler: each thing once, many of a kind together.

    journal ─► take ─► [kind: thing → fact] ─► once: a round takes, of every kind, what waits ─► handle(facts of a kind)

For a reader that reads the state for what is so now and loads all of it when it starts (`wiring.py`): a fact leaves the
journal as soon as it waits here, and one that is told ten times while it waits is handled once. After an import of
thousands of cameras, what changed behind them is handled in the next round, not after them. What cannot be handled
waits by itself, longer and longer, and holds up nothing else. Bounds: `WAITING_MAX` things, beyond which `take` waits
(and the journal with it); `ROUND` of a kind together.
"""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field

import msgspec

from manara.messages import Message
from manara.store.journal import RetryWaits, Stuck

log = logging.getLogger(__name__)

ROUND = 500
WAITING_MAX = 20_000

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class _Waiting:
    fact: Message
    due_s: float = 0.0
    waits: RetryWaits = field(default_factory=RetryWaits)


class Backlog:
    """What one reader has still to do. `handle` gets facts of one kind and raises where it could not do them all."""

    def __init__(
        self,
        reader: str,
        handle: Callable[[Sequence[Message]], Awaitable[None]],
        on_stuck: Callable[[Stuck], Awaitable[None]],
        on_done: Callable[[Message], None],
        each_counts: Collection[type[Message]] = (),
    ) -> None:
        self._reader = reader
        self._handle = handle
        self._on_stuck = on_stuck
        self._on_done = on_done
        self._each_counts = frozenset(each_counts)  # kinds of which two tellings are two events
        self._waiting: dict[type[Message], dict[bytes, _Waiting]] = {}
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self.rounds = 0
        self.failures = 0

    def __len__(self) -> int:
        return sum(len(of_kind) for of_kind in self._waiting.values())

    async def take(self, fact: Message) -> None:
        """A fact has come. Returns when it waits here, at once unless very many do."""
        while len(self) >= WAITING_MAX:
            self._room.clear()
            await self._room.wait()
        thing = fact.message_id.encode() if type(fact) in self._each_counts else _thing(fact)
        known = self._waiting.setdefault(type(fact), {}).setdefault(thing, _Waiting(fact))
        known.due_s = 0.0  # told again: something may have changed
        self._wake.set()

    async def run(self) -> None:
        """Handle what waits, for ever."""
        while True:
            self._wake.clear()
            wait_s = await self.once()
            try:
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            except TimeoutError:
                continue  # something that failed is due again

    async def once(self) -> float | None:
        """One round; returns in how many seconds something is due again, None where nothing waits."""
        self.rounds += 1
        for kind, of_kind in list(self._waiting.items()):
            now_s = asyncio.get_running_loop().time()
            due = dict(itertools.islice(((key, one) for key, one in of_kind.items() if one.due_s <= now_s), ROUND))
            for key in due:  # from now on: what is told again while it is handled is handled again
                del of_kind[key]
            if due:
                await self._handle_due(kind, due)
            self._room.set()
        times = [one.due_s for of_kind in self._waiting.values() for one in of_kind.values()]
        return max(0.0, min(times) - asyncio.get_running_loop().time()) if times else None

    async def _handle_due(self, kind: type[Message], due: dict[bytes, _Waiting]) -> None:
        if len(due) > 1:
            try:
                await self._handle([one.fact for one in due.values()])
            except Exception as error:  # noqa: BLE001 - a handler may raise anything: whose fault it is shows one by one
                log.warning("handled one by one", extra={"fact": kind.__name__, "reason": repr(error)[:300]})
            else:
                for one in due.values():
                    self._on_done(one.fact)
                return
        for key, one in due.items():
            try:
                await self._handle([one.fact])
            except Exception as error:  # noqa: BLE001 - it keeps waiting, is counted, and told when it stays so
                await self._failed(kind, key, one, error)
            else:
                self._on_done(one.fact)

    async def _failed(self, kind: type[Message], key: bytes, one: _Waiting, error: Exception) -> None:
        self.failures += 1
        wait_s = one.waits.next_s()
        told_again = key in self._waiting[kind]
        one.due_s = 0.0 if told_again else asyncio.get_running_loop().time() + wait_s
        self._waiting[kind][key] = one
        log.warning(
            "handler failed, tried again in %.1f s: %r",
            wait_s,
            error,
            extra={"reader": self._reader, "fact": kind.__name__, "tries": one.waits.tries},
            exc_info=error if one.waits.tries == 1 else None,
        )
        if one.waits.worth_telling:
            await self._on_stuck(Stuck(self._reader, one.fact, error, one.waits.tries))


def _thing(fact: Message) -> bytes:
    """What a fact is about: everything in it but which telling of it this is."""
    return _encode(msgspec.structs.replace(fact, message_id="", at_us=0))
