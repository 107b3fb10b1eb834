"""An action: state, audit entry and outbox message in one transaction, by somebody, at a time.

Opened by `Database.act`; rooms use it in their `actions.py`. An act that publishes without an audit entry is refused.
"""

import json
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.orm import Session

from manara.base.clock import to_us
from manara.messages import Message
from manara.store import audit, outbox


class Actor(Protocol):
    """Who acts. `access.who.Who` is one."""

    @property
    def account_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def address(self) -> str: ...


class Act:
    """One transaction in the making."""

    def __init__(self, session: Session, who: Actor, at: datetime) -> None:
        self.session = session
        self.who = who
        self.at = at
        self.at_us = to_us(at)
        self._facts: list[dict[str, Any]] = []
        self._audits: list[tuple[str, str, str]] = []

    def audit(self, action: str, subject: str = "", detail: dict[str, Any] | None = None) -> None:
        """Enter in the audit log. `action` is `source:verb`; `detail` is JSON without secrets and without pictures."""
        source, colon, verb = action.partition(":")
        if not (source and colon and verb):
            raise ValueError(f"audit action {action!r} is not source:verb")
        self._audits.append((action, subject, json.dumps(detail or {}, ensure_ascii=False, sort_keys=True)))

    def publish(self, message: Message) -> None:
        """Put a fact in the outbox when the act ends; it reaches the journal after the commit, at least once."""
        self._facts.append(outbox.row(message, self.at_us))

    @property
    def published(self) -> int:
        """How many facts this act tells of."""
        return len(self._facts)

    def finish(self) -> None:
        """Called by `Database.act` before the commit: state, then facts, then the audit chain (shortest lock)."""
        self.session.flush()
        if self._facts:
            if not self._audits:
                raise RuntimeError("an action that publishes a message must enter itself in the audit log")
            outbox.add(self.session, self._facts)
        if self._audits:
            audit.append(self.session, self.who.account_id, self.who.name, self.who.address, self.at_us, self._audits)
