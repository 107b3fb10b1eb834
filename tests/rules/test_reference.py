"""Documentation that cannot lie: settings and messages are described where people look, as the code defines them."""

import typing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel

from manara import messages
from manara.app.reference import messages_page, settings_page
from manara.settings import Disk, Settings

DOCS = Path(__file__).resolve().parents[2] / "docs"
PARTS: list[type[BaseModel]] = [
    typing.cast(type[BaseModel], field.annotation) for field in Settings.model_fields.values()
]
EVERY: list[type[BaseModel]] = [*PARTS, Disk]
MESSAGES = [
    *typing.get_args(messages.Fact),
    messages.WantedCamera,
    messages.WantedHold,
    messages.StreamStatus,
    messages.DiskStatus,
    messages.RecorderStatus,
]


@pytest.mark.parametrize(("name", "page"), [("settings", settings_page()), ("messages", messages_page())])
def test_the_reference_is_the_code(name: str, page: str) -> None:
    kept = (DOCS / "reference" / f"{name}.md").read_text(encoding="utf-8")
    assert kept == page, f"docs/reference/{name}.md is old: run `make docs`"


def test_every_setting_says_what_it_does() -> None:
    silent = [
        f"{part.__name__}.{key}"
        for part in EVERY
        for key, field in part.model_fields.items()
        if not (field.description or "").strip().endswith((".", "…"))
    ]
    assert not silent, f"settings without a description: {silent}"


def test_settings_carry_their_units() -> None:
    """A number is a count, or has its unit in its name."""
    units = ("_s", "_ms", "_us", "_bytes", "_days", "_px", "_deg", "_m", "_pct")
    counts = {
        "port",
        "rtsp_port",
        "onvif_port",
        "smtp_port",
        "mqtt_port",
        "processes",
        "cameras",
        "seed",
        "password_min_length",
        "chatter_count",
        "hold_low_at",
        "hold_medium_at",
    }
    found = [
        f"{part.__name__}.{key}"
        for part in EVERY
        for key, field in part.model_fields.items()
        if field.annotation in (int, float)
        and not key.endswith(units)
        and key not in counts
        and not key.startswith("attempts_per_")
    ]
    assert not found, f"numbers without a unit: {found}"


def test_every_message_is_a_fact_that_can_be_read_again() -> None:
    kinds = {
        kind
        for kind in vars(messages).values()
        if isinstance(kind, type) and issubclass(kind, messages.Message) and kind is not messages.Message
    }
    assert kinds == set(typing.get_args(messages.Fact)), "a message is missing in `Fact`, or the other way round"
    for kind in kinds:
        assert (kind.__doc__ or "").strip(), kind
        values: dict[str, Any] = {
            field.name: {str: "x", bool: True, int: 7, list[str]: ["x"]}.get(field.type)
            for field in msgspec.structs.fields(kind)
            if field.name not in ("message_id", "at_us")
        }
        made = kind(**values)
        assert messages.decode(messages.encode(made)) == made


def test_times_in_messages_are_microseconds() -> None:
    bare = {"at", "time", "start", "end", "since", "when"}
    found = [
        f"{kind.__name__}.{field.name}"
        for kind in MESSAGES
        for field in msgspec.structs.fields(kind)
        if field.name in bare or field.name.endswith(("_at", "_time"))
    ]
    assert not found, f"times without a unit: {found}"
