"""Logging: one line an event, for people on the terminal and as JSON lines in a rotated file.

Every role calls `setup` once. Fields given as `extra={...}` are kept. Whatever looks like the account and password of
an address (`rtsp://user:secret@…`) is blanked, should anybody ever log one by mistake. Sends nothing anywhere.
"""

import json
import logging
import re
import sys
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TextIO

from manara.base.clock import iso

FILE_BYTES = 10_000_000
FILES_KEPT = 5
_CREDENTIALS = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@]+@", re.IGNORECASE)
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def redact(text: str) -> str:
    """Blank the account and password of any address in `text`."""
    return _CREDENTIALS.sub(r"\1…@", text)


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What was given as `extra`."""
    return {key: value for key, value in vars(record).items() if key not in _OWN}


class JsonLines(logging.Formatter):
    """A record as one JSON object: at, level, role, logger, message, the fields given, and a traceback if any."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "at": iso(round(record.created * 1_000_000)),
            "level": record.levelname.lower(),
            "role": self._role,
            "logger": record.name,
            "message": record.getMessage(),
            **fields_of(record),
        }
        if record.exc_info:
            line["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        return redact(json.dumps(line, ensure_ascii=False, default=str))


class Plain(logging.Formatter):
    """A record as a person reads it: time, role, level where it matters, message, fields."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        """The line (and a traceback below it), without its end."""
        at = self.formatTime(record, "%H:%M:%S")
        level = "" if record.levelno <= logging.INFO else f"{record.levelname} "
        fields = " ".join(f"{key}={value}" for key, value in fields_of(record).items())
        line = f"{at} {self._role:<12} {level}{record.getMessage()}{'  ' + fields if fields else ''}"
        if record.exc_info:
            line += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
        return redact(line)


def setup(role: str, folder: Path | None, *, terminal: TextIO | None = sys.stderr, level: int = logging.INFO) -> None:
    """Log to `<folder>/<role>.jsonl` (rotated at 10 MB, five kept) and, where given, to a terminal.

    Replaces what was set up before. A folder that cannot be written is said on the terminal and does not stop the role.
    """
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    if terminal is not None:
        to_terminal = logging.StreamHandler(terminal)
        to_terminal.setFormatter(Plain(role))
        root.addHandler(to_terminal)
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            to_file = RotatingFileHandler(
                folder / f"{role}.jsonl", maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8"
            )
        except OSError as error:
            root.error("log file cannot be written", extra={"folder": str(folder), "reason": error.strerror})
        else:
            to_file.setFormatter(JsonLines(role))
            root.addHandler(to_file)
    for noisy in ("httpx", "httpcore", "alembic", "zeep", "asyncio", "nats", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.captureWarnings(True)
