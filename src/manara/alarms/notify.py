"""Telling people who are not at a screen: which alarm goes by which route, when, and how often it is tried. Pure.

A route names one address and what it wants to know: priorities, sectors, kinds, from which step of escalation on. Each
route is told of an annunciation once, and, where it asks for it, that the fault is gone. In its quiet hours only what
is critical goes out at once; the rest waits until they end, and is withdrawn if its alarm ended by then. An exercise is
written into the log and sent nowhere. Used by `notify_actions.py`; the sending itself is `notify_sender.py`.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from email.headerregistry import Address
from typing import Any
from urllib.parse import urlsplit

from manara.alarms import duty_rules, escalation
from manara.alarms.kinds import PRIORITIES
from manara.base.clock import to_datetime, to_us
from manara.base.errors import FieldError

CHANNELS = ("email", "webhook")
LANGUAGES = ("ar", "en")
ADDRESS_MAX = 2048
SECRET_MIN, SECRET_MAX = 16, 200
DAY_MIN = 24 * 60
BACKOFF_FIRST_S, BACKOFF_MAX_S = 5.0, 60.0  # a server that comes back is found within a minute
REFUSED_MAX_S = 1800.0  # a message that is refused by itself is tried less often
GIVE_UP_US = 24 * 3600 * 1_000_000  # after this long nobody needs the message any more; it stays in the log as failed

_FIELDS = frozenset(
    {"name", "enabled", "channel", "address", "secret", "language", "priorities", "sector_ids", "kinds"}
    | {"escalated_min", "tell_end", "quiet_from_min", "quiet_until_min"}
)


@dataclass(frozen=True, slots=True)
class Route:
    """A route as far as matching is concerned."""

    id: str
    channel: str
    priorities: frozenset[str]
    sector_ids: frozenset[str] | None
    kinds: frozenset[str] | None
    escalated_min: int
    tell_end: bool
    quiet_from_min: int | None
    quiet_until_min: int | None
    since_us: int


@dataclass(frozen=True, slots=True)
class Subject:
    """An alarm as far as routes are concerned."""

    id: str
    kind: str
    priority: str
    sector_ids: frozenset[str]  # empty: of no sector
    annunciated_us: int | None
    respond_s: float
    escalated: int


def wants(route: Route, alarm: Subject) -> str:
    """The occasion on which this route is to be told of this alarm by now (`raised`, `escalated_1` …), "" for none."""
    if alarm.annunciated_us is None or alarm.escalated < route.escalated_min:
        return ""
    if alarm.priority not in route.priorities or (route.kinds is not None and alarm.kind not in route.kinds):
        return ""
    if route.sector_ids is not None and not route.sector_ids & alarm.sector_ids:
        return ""
    step = route.escalated_min
    at_us = escalation.due_us(alarm.annunciated_us, alarm.respond_s, step) if step else alarm.annunciated_us
    if at_us < route.since_us:  # a new route is not told of everything that was open before
        return ""
    return f"escalated_{step}" if step else "raised"


def quiet_until_us(route: Route, priority: str, now_us: int, zone: tzinfo) -> int | None:
    """When the quiet hours that hold this back end; None where nothing holds it back."""
    start, end = route.quiet_from_min, route.quiet_until_min
    if start is None or end is None or start == end or priority == "critical":
        return None
    local = to_datetime(now_us).astimezone(zone)
    minute = local.hour * 60 + local.minute
    quiet = start <= minute < end if start < end else minute >= start or minute < end
    if not quiet:
        return None
    midnight = datetime(local.year, local.month, local.day, tzinfo=zone)
    if minute >= end:  # it ends after midnight
        midnight = datetime.combine(midnight.date() + timedelta(days=1), midnight.time(), tzinfo=zone)
    return to_us(midnight + timedelta(minutes=end))


def backoff_s(attempts: int, refused: bool = False) -> float:
    """How long to wait after this many tries that failed. `refused`: the message itself was, not the way to it."""
    most = REFUSED_MAX_S if refused else BACKOFF_MAX_S
    # 2 ** 20 is beyond any limit; a large exponent would only overflow
    return float(min(most, BACKOFF_FIRST_S * 2 ** min(max(0, attempts - 1), 20)))


def judge_route(
    values: Mapping[str, Any], kinds: set[str], present: Mapping[str, Any] | None
) -> tuple[dict[str, Any], list[FieldError]]:
    """The given fields of a route as they may be kept, and all faults. `present`: the route as it is (None: new)."""
    clean: dict[str, Any] = {}
    faults = [FieldError(name, "is not a field of a route") for name in values if name not in _FIELDS]
    new = present is None

    def keep(name: str, value: Any, why: str = "") -> None:
        if why:
            faults.append(FieldError(name, why))
        else:
            clean[name] = value

    if "name" in values or new:
        keep("name", *duty_rules.line(values.get("name", ""), duty_rules.NAME_MAX, least=1))
    for name, words in (("channel", CHANNELS), ("language", LANGUAGES)):
        if name in values or (new and name == "channel"):
            keep(name, values.get(name), "" if values.get(name) in words else f"must be one of {', '.join(words)}")
    channel = clean.get("channel") or (present or {}).get("channel", "")
    if "address" in values or "channel" in values or new:
        address = values.get("address", (present or {}).get("address", ""))
        keep("address", address, address_fault(channel, address))
    if values.get("secret") is not None:
        secret = values["secret"]
        fits = isinstance(secret, str) and (secret == "" or SECRET_MIN <= len(secret) <= SECRET_MAX)
        keep("secret", secret, "" if fits else f"must have {SECRET_MIN} to {SECRET_MAX} characters")
    if "priorities" in values or new:
        found, why = duty_rules.id_list(values.get("priorities"), set(PRIORITIES))
        keep("priorities", found, why or ("" if found else "must name at least one"))
    if "sector_ids" in values:
        keep("sector_ids", *duty_rules.id_list(values["sector_ids"]))
    if "kinds" in values:
        keep("kinds", *duty_rules.id_list(values["kinds"], kinds))
    for name in ("enabled", "tell_end"):
        if name in values:
            keep(name, values[name], "" if isinstance(values[name], bool) else "must be true or false")
    if "escalated_min" in values:
        keep(
            "escalated_min",
            values["escalated_min"],
            "" if values["escalated_min"] in (0, 1, 2) else "must be 0, 1 or 2",
        )
    for name in ("quiet_from_min", "quiet_until_min"):
        if name in values:
            keep(name, values[name], _minute_fault(values[name]))
    both = {name: clean.get(name, (present or {}).get(name)) for name in ("quiet_from_min", "quiet_until_min")}
    if not faults and (both["quiet_from_min"] is None) != (both["quiet_until_min"] is None):
        faults.append(FieldError("quiet_until_min", "and quiet_from_min go together"))
    return clean, faults


def _minute_fault(value: Any) -> str:
    fits = value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value < DAY_MIN)
    return "" if fits else "must be a minute of the day from 0 to 1439, or null"


def address_fault(channel: str, address: Any) -> str:
    """Why an address is not one of this channel, "" where it is."""
    if not isinstance(address, str) or not address or len(address) > ADDRESS_MAX:
        return "must be given"
    if channel == "email":
        return _email_fault(address)
    return _url_fault(address) if channel == "webhook" else ""


def _email_fault(address: str) -> str:
    try:
        found = Address(addr_spec=address)
    except (ValueError, IndexError):
        return "is not an e-mail address"
    whole = found.username and found.domain and address == found.addr_spec and address.isascii()
    return "" if whole and len(address) <= 254 and "\\" not in address else "is not an e-mail address"


def _url_fault(address: str) -> str:
    if any(character <= " " or ord(character) == 127 for character in address) or "\\" in address:
        return "has a space or a control character in it"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "is not an address"
    if not host or port == 0 or parts.scheme not in ("https", "http"):
        return "must begin with https:// and name a host"
    if parts.username is not None or parts.password is not None:
        return "must not carry a user or password; a secret signs what is sent"
    if parts.fragment:
        return "must not have a fragment"
    return (
        "" if parts.scheme == "https" or is_loopback(host) else "must begin with https:// (http only on this machine)"
    )


def is_loopback(host: str) -> bool:
    """True of a name or address of this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
