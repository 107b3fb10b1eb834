"""Our own MQTT broker for field devices, so that a small installation needs no other: `nats-server` speaks MQTT 3.1.1.

A process of its own beside the journal, since what comes from the field must never reach the journal's. Two accounts,
both for MQTT only: `field`, with which devices publish below `site/` and hear nothing, and `gather`, with which the
`health` role listens there. Their passwords are made once and kept in `<data>/broker.json` (0600), where the
administrator reads what to enter in the devices. Off unless `telemetry.mqtt_port` is set. Started and watched by the
supervisor. Bounds: 64 KB a message, 5,000 connections, 256 MB of kept messages.
"""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from manara.base.errors import Unavailable
from manara.store.nats_server import find_binary, write_private

TOPICS = "site"
MOST_CONNECTIONS = 5000
MOST_KEPT_BYTES = 256 * 1024**2


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is, and the passwords of its two accounts. `certificate`: path, "" = without TLS."""

    host: str
    port: int
    certificate: str
    field_password: str
    gather_password: str

    @classmethod
    def read(cls, data_folder: Path) -> "BrokerAddress":
        """What `configure_broker` wrote. Raises `Unavailable` when there is none or it cannot be read."""
        try:
            return msgspec.json.decode((data_folder / "broker.json").read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError) as error:
            raise Unavailable(
                f"No broker is known in {data_folder}: set telemetry.mqtt_port and start `manara up`.",
                code="broker_unknown",
            ) from error


def configure_broker(
    data_folder: Path, host: str, port: int, certificate: Path | None = None, key: Path | None = None
) -> tuple[BrokerAddress, list[str]]:
    """Write the broker's settings and return its address and command line. Passwords stay what they were."""
    try:
        known = BrokerAddress.read(data_folder)
        passwords = known.field_password, known.gather_password
    except Unavailable:
        passwords = secrets.token_urlsafe(18), secrets.token_urlsafe(24)
    address = BrokerAddress(host, port, str(certificate.absolute()) if certificate else "", *passwords)
    run_folder = data_folder / "run"
    run_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    store = data_folder / "broker"
    store.mkdir(parents=True, exist_ok=True, mode=0o700)
    tls = ""
    if certificate and key:
        tls = f", tls {{ cert_file: {_quoted(certificate.absolute())}, key_file: {_quoted(key.absolute())} }}"
    hears = f'["{TOPICS}", "{TOPICS}.>", "$MQTT.sub.>", "$MQTT.deliver.>"]'
    settings = "\n".join(
        (
            "server_name: manara_broker",
            "host: 127.0.0.1",
            "port: -1",  # its own protocol: a port of loopback that nobody is let in by
            "max_payload: 64KB",
            f"max_connections: {MOST_CONNECTIONS}",
            "jetstream {",
            f"  store_dir: {_quoted(store.absolute())}",
            f"  max_file_store: {MOST_KEPT_BYTES}",
            "  max_memory_store: 16777216",
            "}",
            f"mqtt {{ host: {_quoted(host)}, port: {port}{tls} }}",
            "authorization { users = [",
            f"  {{ user: field, password: {_quoted(address.field_password)}, allowed_connection_types: [MQTT],",
            f'    permissions {{ publish: ["{TOPICS}.>"], subscribe: {{ deny: ">" }} }} }},',
            f"  {{ user: gather, password: {_quoted(address.gather_password)}, allowed_connection_types: [MQTT],",
            f'    permissions {{ subscribe: {hears}, publish: {{ deny: ">" }} }} }}',
            "] }",
            "",
        )
    )
    file = run_folder / "broker.conf"
    write_private(file, settings)
    write_private(data_folder / "broker.json", json.dumps(asdict(address), indent=1))
    return address, [find_binary(), "-c", str(file)]


def _quoted(value: object) -> str:
    return json.dumps(str(value))
