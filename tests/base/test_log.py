"""Log lines: for people, as JSON, and never with a password in an address."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from manara.base import log


@pytest.fixture(autouse=True)
def _own_handlers() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    root.handlers = []
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers, root.level = before, level
    logging.captureWarnings(False)


def test_a_line_goes_to_the_terminal_and_to_the_file(tmp_path: Path) -> None:
    terminal = io.StringIO()
    log.setup("recorder-1", tmp_path / "logs", terminal=terminal)
    logging.getLogger("manara.test").warning("stream is down", extra={"camera_id": "abc", "reason": "زمن"})
    assert "recorder-1" in terminal.getvalue()
    assert "WARNING stream is down  camera_id=abc reason=زمن" in terminal.getvalue()
    line = json.loads((tmp_path / "logs" / "recorder-1.jsonl").read_text(encoding="utf-8"))
    assert line["message"] == "stream is down"
    assert (line["level"], line["role"], line["camera_id"], line["reason"]) == ("warning", "recorder-1", "abc", "زمن")
    assert line["at"].endswith("Z")


@pytest.mark.parametrize(
    "address", ["rtsp://viewer:s3cret@10.0.0.1/main", "RTSPS://viewer:s3cret@cam:322/x", "nats://manara:s3cret@h"]
)
def test_credentials_in_an_address_are_blanked_wherever_they_stand(tmp_path: Path, address: str) -> None:
    terminal = io.StringIO()
    log.setup("control", tmp_path, terminal=terminal)
    try:
        raise ValueError(f"cannot reach {address}")
    except ValueError:
        logging.getLogger("manara.test").exception("asked %s", address, extra={"url": address})
    for text in (terminal.getvalue(), (tmp_path / "control.jsonl").read_text(encoding="utf-8")):
        assert "s3cret" not in text
        assert "viewer" not in text
        assert "asked" in text


def test_a_folder_that_cannot_be_written_is_said_and_stops_nothing(tmp_path: Path) -> None:
    terminal = io.StringIO()
    (tmp_path / "file").write_text("")
    log.setup("control", tmp_path / "file" / "logs", terminal=terminal)
    logging.getLogger("manara.test").info("goes on")
    assert "log file cannot be written" in terminal.getvalue()
    assert "goes on" in terminal.getvalue()


def test_what_cannot_be_json_is_written_as_text() -> None:
    record = logging.makeLogRecord({"msg": "x", "levelname": "INFO", "thing": Path("/a")})
    assert json.loads(log.JsonLines("r").format(record))["thing"] == "/a"
