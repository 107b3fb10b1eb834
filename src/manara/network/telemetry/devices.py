"""What the gatherer is told of a device, what it tells of one, and how a device's secrets are kept.

A `DeviceSpec` is made by whoever reads the table of devices; this folder knows no table. Credentials are one JSON
object sealed by `store.secret` (`Credentials`). A device that pushes, or publishes to our own MQTT broker, has a token
instead, of which only a hash is kept.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from manara.base.errors import ManaraError
from manara.store.secret import SecretBox

Protocol = Literal["mqtt", "snmp", "modbus", "icmp", "push"]
PROTOCOLS: tuple[Protocol, ...] = ("mqtt", "snmp", "modbus", "icmp", "push")

_NO_SUBJECTS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSpec:
    """One device. `subjects`: part of the profile → subject (`noun:id`).

    `address`: `mqtt://host[:port]/topic/prefix` (`mqtts://`; no host = the own broker), `host[:port]` of an SNMP agent,
    `host[:port][/unit]` of a Modbus server, `host` for echo; nothing for push.
    """

    id: str
    site_id: str
    code: str
    protocol: str
    address: str = ""
    profile: str = ""
    subjects: Mapping[str, str] = field(default_factory=dict)
    poll_s: float = 30.0
    credentials_sealed: str = ""
    token_hash: str = ""
    enabled: bool = True


class Credentials(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is sealed. SNMP: `community` (v2c), or `username` with the keys (v3). MQTT: `username`, `password`."""

    username: str = ""
    password: str = ""
    community: str = ""
    auth_protocol: Literal["", "md5", "sha1", "sha224", "sha256", "sha384", "sha512"] = ""
    auth_password: str = ""
    privacy_protocol: Literal["", "des", "aes128", "aes192", "aes256"] = ""
    privacy_password: str = ""


_credentials = msgspec.json.Decoder(Credentials)


def seal_credentials(box: SecretBox, credentials: Credentials) -> str:
    """The credentials as they are kept."""
    return box.seal(msgspec.json.encode(credentials).decode())


def open_credentials(box: SecretBox, sealed: str) -> Credentials:
    """The credentials; none where there are none. Raises `ManaraError` when they cannot be opened or read."""
    if not sealed:
        return Credentials()
    try:
        return _credentials.decode(box.open(sealed))
    except msgspec.MsgspecError as error:
        raise ManaraError("The device's stored credentials cannot be read; enter them again.", "credentials") from error


def takes_token(protocol: str, address: str) -> bool:
    """Whether a device signs in with a token of ours: it pushes, or publishes to our own broker (an address without
    a host); an outside broker has its own accounts.
    """
    return protocol == "push" or (protocol == "mqtt" and not urlsplit(address).netloc)


def new_token(device_id: str) -> tuple[str, str]:
    """A token for a device, and the hash to keep. The token is shown once."""
    token = f"{device_id}.{secrets.token_urlsafe(32)}"
    return token, hash_token(token)


def hash_token(token: str) -> str:
    """SHA-256 in hex: a token has 256 random bits, which no slow hash would make safer."""
    return hashlib.sha256(token.encode()).hexdigest()


def token_fits(token: str, token_hash: str) -> bool:
    """Whether a token is the one of which this hash is kept."""
    return bool(token_hash) and hmac.compare_digest(hash_token(token), token_hash)


State = Literal["waiting", "ok", "silent", "unreadable"]

# why a device is unreadable
AUTH = "auth"
TOKEN = "token"  # noqa: S105 it signs in to our own broker with a wrong token, or was never given one
TOPIC = "topic"  # it publishes to a topic of our own broker that is not its own
TIMEOUT = "timeout"
BAD_DATA = "bad_data"
ADDRESS = "address"  # it cannot be asked as it is written
PROFILE = "profile"  # there is no such mapping file, or it has errors
UNREACHABLE = "unreachable"  # nothing listens there
BROKER = "broker"  # the MQTT broker cannot be reached
NOT_ALLOWED = "not_allowed"  # this machine's kernel does not let us


@dataclass(slots=True)
class DeviceState:
    """How one device is doing. `waiting`: nothing has been heard yet and it is too early to say."""

    device_id: str
    site_id: str
    code: str
    protocol: str
    state: State = "waiting"
    since_us: int = 0
    why: str = ""
    detail: str = ""
    last_us: int = 0  # when it last told something that was believed
    readings: int = 0
    refused: int = 0
    limited: int = 0  # messages or readings dropped because it floods
    polls: int = 0
    failures: int = 0


class DeviceFault(Exception):
    """A device could not be read. `why` is one of the words above; `detail` says what was tried and what to do."""

    def __init__(self, why: str, detail: str) -> None:
        super().__init__(f"{why}: {detail}")
        self.why = why
        self.detail = detail
