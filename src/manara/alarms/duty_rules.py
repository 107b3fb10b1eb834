"""What a valid console is, judged as a whole: every fault is named. Pure. Asked by `duty_actions.py`."""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from manara.alarms.duty import ROLES
from manara.base.errors import FieldError

NAME_MAX, CODE_MAX, NOTE_MAX, NOTE_MIN = 120, 64, 4000, 3
SECTORS_MAX = 500
_CONSOLE = ("code", "name_ar", "name_en", "role", "sector_ids", "skills", "enabled")


def line(value: Any, most: int, *, least: int = 0, lines: bool = False) -> tuple[str, str]:
    """Text as it may be kept and why not ("" where it may): trimmed, in normal form C, without control characters."""
    if not isinstance(value, str):
        return "", "must be text"
    text = unicodedata.normalize("NFC", value[: most * 4].replace("\r\n", "\n")).strip()
    if len(text) > most:
        return "", f"is longer than {most} characters"
    if len(text) < least:
        return "", "must not be empty" if least == 1 else f"must have at least {least} characters"
    if any(unicodedata.category(c) in ("Cc", "Cs") and not (lines and c in "\n\t") for c in text):
        return "", "has a character that cannot be kept"
    return text, ""


def console(values: Mapping[str, Any], skills: Iterable[str], *, new: bool) -> tuple[dict[str, Any], list[FieldError]]:
    """The given fields of a console as they may be kept, and all faults. `skills` are the words for skills."""
    clean: dict[str, Any] = {}
    faults = [FieldError(name, "is not a field of a console") for name in values if name not in _CONSOLE]

    def keep(name: str, value: Any, why: str) -> None:
        if why:
            faults.append(FieldError(name, why))
        else:
            clean[name] = value

    if "code" in values or new:
        keep("code", *line(values.get("code", ""), CODE_MAX, least=1))
    for name in ("name_ar", "name_en"):
        if name in values:
            keep(name, *line(values[name], NAME_MAX))
    if "role" in values:
        keep("role", values["role"], "" if values["role"] in ROLES else f"must be one of {', '.join(ROLES)}")
    for name, words in (("sector_ids", None), ("skills", set(skills) - {""})):
        if name in values:
            keep(name, *id_list(values[name], words))
    if "enabled" in values:
        keep("enabled", values["enabled"], "" if isinstance(values["enabled"], bool) else "must be true or false")
    if new and not (clean.get("name_ar") or clean.get("name_en")) and not faults:
        faults.append(FieldError("name_ar", "or name_en must be given"))
    return clean, faults


def id_list(value: Any, words: set[str] | None = None, most: int = SECTORS_MAX) -> tuple[list[str] | None, str]:
    """A list of ids (or of `words`) without doubles; None means all."""
    if value is None:
        return None, ""
    if not isinstance(value, list) or not all(isinstance(item, str) and 0 < len(item) <= 64 for item in value):
        return None, "must be a list of ids, or null for all"
    if len(value) > most:
        return None, f"has more than {most}"
    wrong = sorted(set(value) - words) if words is not None else []
    if wrong:
        return None, f"{wrong[0]} is not one of {', '.join(sorted(words or ()))}"
    return sorted(set(value)), ""
