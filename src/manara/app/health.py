"""The health role: hands `network.health.role` the state, the journal and the way to compare credentials.

`python -m manara.app.health` is `manara run --role health` without the web behind it.
"""

import asyncio
import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable

from manara.app import alone
from manara.app.data import open_state
from manara.app.folders import Folders, journal_address
from manara.base.clock import SystemClock
from manara.base.errors import ManaraError
from manara.network.health.role import Health
from manara.settings import Settings
from manara.store.journal_nats import NatsJournal
from manara.store.secret import SecretBox

logger = logging.getLogger(__name__)


async def run_health(settings: Settings, stop: asyncio.Event) -> None:
    """Judge the network's health until `stop` is set."""
    folders = Folders.of(settings)
    database = open_state(settings)
    box = SecretBox.from_file(folders.key)
    address = journal_address(settings)
    journal = await NatsJournal.start(address.url, address.user, address.password, name="health")
    try:
        health = Health(settings, folders.data, database, box, journal, SystemClock(), same_credential(box))
        await health.run(stop)
    finally:
        await journal.close()
        database.close()
    logger.info("health has stopped", extra={"counters": health.counters()})


def same_credential(box: SecretBox) -> Callable[[str, str], str]:
    """User and sealed password → a text that is equal for equal credentials, and says nothing of them.

    The key lives as long as this process: the text is good for comparing in memory and for nothing else.
    """
    key = secrets.token_bytes(32)
    opened: dict[str, str] = {}

    def compare(user: str, sealed: str) -> str:
        if not sealed:
            return ""
        if sealed not in opened:
            try:
                secret = box.open(sealed)
            except ManaraError as error:
                logger.warning("a camera's password cannot be opened", extra={"code": error.code})
                return ""
            opened[sealed] = hmac.new(key, f"{user}\0{secret}".encode(), hashlib.sha256).hexdigest()[:16]
        return opened[sealed]

    return compare


def play(settings: Settings) -> None:
    """Be the health role until a signal."""
    alone.until_a_signal("health", settings, lambda stop: run_health(settings, stop))


if __name__ == "__main__":
    alone.main("health", lambda settings, _given: play(settings))
