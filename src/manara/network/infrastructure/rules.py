"""What a valid power source, cabinet, switch, link and telemetry device is: for forms, imports and seeding alike.

Pure: no state, no I/O. The fields of each noun, and what must fit together within one row (`together`); what must fit
with other rows is judged by `known.py`. Bounds: every text has a length, every number a range.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from manara.base.clock import to_us
from manara.base.errors import FieldError
from manara.network.rules import Fault, Field, boolean, choice, integer, number, reference, text
from manara.network.telemetry.devices import Credentials

SUBJECTS_MAX = 256
# In the order in which they refer to each other.
PLURALS = {
    "power_sources": "power_source",
    "cabinets": "cabinet",
    "switches": "switch",
    "links": "link",
    "devices": "device",
}
# A row is found again by these, in an import; all but the code are of the site.
KEYS = {
    "power_source": ("site_id", "kind"),
    "cabinet": ("site_id",),
    "switch": ("code",),
    "link": ("code",),
    "device": ("code",),
}
NOUNS = tuple(PLURALS.values())
SUBJECT_NOUNS = ("site", "power_source", "cabinet", "switch", "port", "link", "camera")
_NAME_OR_IP = r"(\[[0-9A-Fa-f:]{2,45}\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?)"
_HOST = re.compile(_NAME_OR_IP + r"(?::(\d{1,5}))?(/\d{1,3})?")
_TOKEN = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,63}")  # `port/3` and `LNK-0001` are parts too
_FIRST_US, _LAST_US = 631_152_000_000_000, 4_102_444_800_000_000  # 1990 to 2100


def moment(value: Any) -> int:
    """A date (2024-05-31) or µs since 1970 UTC."""
    if isinstance(value, str):
        try:
            day = date.fromisoformat(value.strip())
        except ValueError:
            value = value.strip()
        else:
            value = to_us(datetime(day.year, day.month, day.day, tzinfo=UTC))
    try:
        return int(integer(_FIRST_US, _LAST_US)(value))
    except Fault:
        raise Fault("must be a date such as 2024-05-31") from None


def token(value: Any) -> str:
    """A short name of letters, digits, `_`, `.` and `-`."""
    found = str(text(64)(value))
    if not _TOKEN.fullmatch(found):
        raise Fault("may have only letters, digits, _ . and -")
    return found


def subjects(value: Any) -> dict[str, str]:
    """Which subject each part of a profile stands for; in files `part=noun:code; …`. What they lead to: `known.py`."""
    given = _pairs(value, ";")
    if len(given) > SUBJECTS_MAX:
        raise Fault(f"names more than {SUBJECTS_MAX} parts")
    for part, subject in given.items():
        if not _PART.fullmatch(part):
            raise Fault(f"has a part that is not a name: {part[:40]!r}")
        if subject.partition(":")[0] not in SUBJECT_NOUNS or len(subject) > 160:
            raise Fault(f"{part}: must be {', '.join(SUBJECT_NOUNS)}, a colon and which one")
    return given


def credentials(value: Any) -> str:
    """Credentials as JSON text, to be sealed; in files `name=value; …` or JSON. Never shown."""
    given = _pairs(value, ";")
    if any(len(one) > 200 for one in given.values()):
        raise Fault("has a value that is longer than 200 characters")
    try:
        found = msgspec.convert(given, Credentials)
    except msgspec.ValidationError as error:
        where = str(error).rpartition(" - at ")[2].strip("`$.")
        known = ", ".join(Credentials.__struct_fields__)
        raise Fault(f"cannot be used ({where[:40]}); known are {known}") from None
    return msgspec.json.encode(found).decode() if any(given.values()) else ""


def _pairs(value: Any, between: str) -> dict[str, str]:
    if isinstance(value, str) and len(value) > 20_000:
        raise Fault("is too long")
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            raise Fault("is not a JSON object") from None
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) and isinstance(one, str) for name, one in value.items()):
            raise Fault("must be an object of texts")
        return {name.strip(): one.strip() for name, one in value.items()}
    if not isinstance(value, str):
        raise Fault("must be an object of texts")
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in value.split(between))):
        name, equals, one = pair.partition("=")
        if not equals or name.strip() in found:
            raise Fault("must be name=value, each name once, with ; between")
        found[name.strip()] = one.strip()
    return found


_CODE = Field(text(64), required=True)
_NAME = Field(text(120))
_SITE = Field(reference, default=None, required=True)
_PORT = Field(integer(1, 512), default=None)
_SWITCH = Field(reference, default=None)

FIELDS: dict[str, dict[str, Field]] = {
    "power_source": {
        "site_id": _SITE,
        "kind": Field(
            choice(
                {"grid": "grid", "كهرباء": "grid", "الشبكة": "grid", "وطنية": "grid"}
                | {"solar": "solar", "شمسي": "solar", "شمسية": "solar"}
                | {"battery": "battery", "بطارية": "battery"}
            ),
            required=True,
        ),
        "name": _NAME,
        "capacity_wh": Field(number(1, 10_000_000), default=None),
        "peak_w": Field(number(1, 1_000_000), default=None),
        "nominal_v": Field(number(1, 1000), default=None),
        "installed_us": Field(moment, default=None),
        "notes": Field(text(2000, lines=True)),
    },
    "cabinet": {
        "site_id": _SITE,
        "has_fan": Field(boolean, default=False),
        "has_door_sensor": Field(boolean, default=False),
        "hot_c": Field(number(20, 120), default=65.0),
    },
    "switch": {
        "site_id": _SITE,
        "code": _CODE,
        "make": _NAME,
        "model": _NAME,
        "ports": Field(integer(1, 512), default=8),
    },
    "link": {
        "code": _CODE,
        "kind": Field(
            choice(
                {"fibre": "fibre", "fiber": "fibre", "ضوئي": "fibre", "كيبل ضوئي": "fibre"}
                | {"radio": "radio", "راديو": "radio", "لاسلكي": "radio", "mobile": "mobile", "موبايل": "mobile"}
            ),
            default="fibre",
        ),
        "role": Field(
            choice({"main": "main", "رئيسي": "main", "reserve": "reserve", "backup": "reserve", "احتياطي": "reserve"}),
            default="main",
        ),
        "a_site_id": _SITE,
        "b_site_id": _SITE,
        "ring": Field(text(64)),
        "length_km": Field(number(0, 2000), default=None),
        "capacity_mbps": Field(number(0.01, 1_000_000), default=None),
        "rx_low_dbm": Field(number(-60, 10), default=None),
        "a_switch_id": _SWITCH,
        "a_port": _PORT,
        "b_switch_id": _SWITCH,
        "b_port": _PORT,
    },
    "device": {
        "site_id": _SITE,
        "code": _CODE,
        "protocol": Field(choice({word: word for word in ("mqtt", "snmp", "modbus", "icmp", "push")}), required=True),
        "address": Field(text(300)),
        "profile": Field(token),
        "subjects": Field(subjects, default={}),
        "poll_s": Field(number(1, 86_400), default=30.0),
        "credentials": Field(credentials, default=None, secret=True),
        "enabled": Field(boolean, default=True),
    },
}


def together(noun: str, whole: Mapping[str, Any], row: int | None) -> list[FieldError]:
    """Faults of fields that do not fit each other; `whole` is the row as it would be."""
    if noun == "power_source":
        return _power(whole, row)
    if noun == "link":
        return _link(whole, row)
    return _device(whole, row) if noun == "device" else []


def _power(whole: Mapping[str, Any], row: int | None) -> list[FieldError]:
    faults = []
    for name, kind in (("capacity_wh", "battery"), ("peak_w", "solar")):
        if whole.get("kind") == kind and whole.get(name) is None:
            faults.append(FieldError(name, f"is required for a {kind}: the forecast stands on it", row=row))
        elif whole.get("kind") != kind and whole.get(name) is not None:
            faults.append(FieldError(name, f"is only for a {kind}", row=row, value=f"{whole[name]:g}"))
    return faults


def _link(whole: Mapping[str, Any], row: int | None) -> list[FieldError]:
    faults = []
    if whole.get("a_site_id") is not None and whole.get("a_site_id") == whole.get("b_site_id"):
        faults.append(FieldError("b_site_id", "is the same site at both ends", row=row))
    for end in "ab":
        if whole.get(f"{end}_port") is not None and not whole.get(f"{end}_switch_id"):
            faults.append(FieldError(f"{end}_port", "needs a switch", row=row, value=str(whole[f"{end}_port"])))
    if whole.get("rx_low_dbm") is not None and whole.get("kind") != "fibre":
        faults.append(FieldError("rx_low_dbm", "is only for fibre", row=row))
    return faults


def _device(whole: Mapping[str, Any], row: int | None) -> list[FieldError]:
    protocol, address = whole.get("protocol"), str(whole.get("address") or "")
    fault = ""
    if protocol == "push":
        fault = "stays empty: the device calls us" if address else ""
    elif not address:
        fault = f"is required for {protocol}"
    elif protocol == "mqtt":
        fault = _mqtt(address)
    else:
        fault = _host_fault(str(protocol), address)
    return [FieldError("address", fault, row=row, value=address[:80] or None)] if fault else []


def _mqtt(address: str) -> str:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return "is not an address"
    if parts.scheme not in ("mqtt", "mqtts"):
        return "must begin with mqtt:// or mqtts://"
    if parts.username or parts.password:
        return "must not carry a password; enter it under credentials"
    if parts.netloc and (port == 0 or not _HOST.fullmatch(parts.netloc)):
        return "has no usable host"
    if not parts.path.strip("/") or parts.query or parts.fragment or "#" in address or "+" in address:
        return "must name a topic, without wildcards"
    return ""


def _host_fault(protocol: str, address: str) -> str:
    match = _HOST.fullmatch(address)
    if match is None or (match[2] and not 0 < int(match[2]) < 65_536):
        return "must be a host, or host:port"
    if match[3] and (protocol != "modbus" or int(match[3][1:]) > 247):
        return "must be a host, or host:port (Modbus: host:port/unit, up to 247)"
    return "must be a host without port" if protocol == "icmp" and match[2] else ""
