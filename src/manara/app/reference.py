"""The reference of settings and of messages, made from the code that defines them, so that it cannot lie.

`manara settings` prints the first; `make docs` writes both under `docs/reference/`; `tests/rules` compares.
"""

import typing
from collections.abc import Iterator
from typing import Any

import msgspec
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from manara import messages
from manara.settings import Disk, Settings


def settings_page() -> str:
    """Every setting with its default and meaning, as Markdown."""
    lines = [
        "# Settings",
        "",
        "One file, `manara.toml` in the working folder (or `--settings FILE`); then the environment",
        "(`MANARA_WEB__PORT=8443` is `port` in `[web]`); then flags. A bad setting is named with file, key and reason",
        "at the start, all of them at once. This page is made by `make docs` from `src/manara/settings.py`.",
        "",
    ]
    for name, field in Settings.model_fields.items():
        part = typing.cast(type[BaseModel], field.annotation)
        lines += [f"## [{name}]", "", (part.__doc__ or "").strip(), ""]
        lines += _table(part)
    lines += ["## [[recorder.disks]]", "", (Disk.__doc__ or "").strip() + " Repeat the heading for each disk.", ""]
    lines += _table(Disk)
    lines += [
        "## Example",
        "",
        "```toml",
        "[deployment]",
        'name_ar = "غرفة سيطرة ذي قار"',
        'name_en = "Dhi Qar control room"',
        "",
        "[data]",
        'directory = "/var/lib/manara"',
        "",
        "[recorder]",
        "retention_days = 30",
        "",
        "[[recorder.disks]]",
        'path = "/disks/1/manara"',
        "",
        "[[recorder.disks]]",
        'path = "/disks/2/manara"',
        "```",
    ]
    return "\n".join(lines) + "\n"


def _table(part: type[BaseModel]) -> list[str]:
    rows = ["| key | default | allowed | meaning |", "|---|---|---|---|"]
    for key, field in part.model_fields.items():
        rows.append(f"| `{key}` | {_default(field)} | {_allowed(field)} | {_cell(field.description or '')} |")
    return [*rows, ""]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    value = field.default
    if value is None or value in ("", ()):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`"


def _allowed(field: FieldInfo) -> str:
    if typing.get_origin(field.annotation) is typing.Literal:
        return ", ".join(f"`{choice}`" for choice in typing.get_args(field.annotation))
    words = []
    for limit in field.metadata:
        for name, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
            if (value := getattr(limit, name, None)) is not None:
                words.append(f"{sign} {value}")
    return ", ".join(words)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def messages_page() -> str:
    """Every message with its fields, as Markdown."""
    lines = [
        "# Messages",
        "",
        "Facts that cross a room, kept in the journal and delivered at least once: a handler is idempotent by",
        "`message_id`. JSON, tagged by `type`. All carry `message_id`, `at_us` (UTC µs) and `exercise` (true for",
        "everything that comes from a drill). This page is made by `make docs` from `src/manara/messages.py`.",
        "",
    ]
    common = {field.name for field in msgspec.structs.fields(messages.Message)}
    for kind in typing.get_args(messages.Fact):
        lines += _struct(kind, skip=common)
    lines += [
        "# Wanted and measured",
        "",
        "Not facts: what recorders are asked for (key-value buckets), and what they measure (each second, never kept).",
        "",
    ]
    for kind in (
        messages.WantedCamera,
        messages.WantedHold,
        messages.StreamStatus,
        messages.DiskStatus,
        messages.RecorderStatus,
    ):
        lines += _struct(kind, skip=set())
    return "\n".join(lines).rstrip() + "\n"


def _struct(kind: type[msgspec.Struct], skip: set[str]) -> list[str]:
    rows = list(_fields(kind, skip))
    return [
        f"## {kind.__name__}",
        "",
        (kind.__doc__ or "").strip(),
        "",
        "| field | type | default |",
        "|---|---|---|",
        *rows,
        "",
    ]


def _fields(kind: type[msgspec.Struct], skip: set[str]) -> Iterator[str]:
    for field in msgspec.structs.fields(kind):
        if field.name in skip:
            continue
        default = "" if field.default is msgspec.NODEFAULT else f"`{field.default!r}`"
        if field.default_factory is not msgspec.NODEFAULT:
            made: Any = field.default_factory()
            default = f"`{made!r}`"
        yield f"| `{field.name}` | {_cell(_type_name(field.type))} | {_cell(default)} |"


def _type_name(kind: Any) -> str:
    return (
        kind.__name__
        if isinstance(kind, type) and not typing.get_args(kind)
        else str(kind).replace("manara.messages.", "")
    )
