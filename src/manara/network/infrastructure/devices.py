"""Telemetry devices as those who ask and hear them need them: with opened credentials, for the `health` role only.

Reads the state; writes nothing. A device whose credentials cannot be opened is listed with `fault`, so that one lost
secret does not silence the others. `device_by_token` answers who pushes. Called by `network/telemetry` (through
`app/`) and by the push route.
"""

import hashlib
import json
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from manara.base.errors import ManaraError
from manara.network.infrastructure.tables import TelemetryDevice
from manara.store.secret import SecretBox


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """One source of readings. `repr` shows no secret.

    `address`: mqtt a topic filter, snmp and modbus `host[:port]`, icmp a host, push empty. `credentials` by protocol:
    snmp `version` (2c, 3), `community`, `username`, `auth_protocol`, `auth_password`, `privacy_protocol`,
    `privacy_password`; modbus `unit`; others none.
    """

    id: str
    site_id: str
    code: str
    protocol: str
    address: str
    profile: str
    subjects: dict[str, str]
    poll_s: float
    enabled: bool
    credentials: dict[str, str] = field(default_factory=dict, repr=False)
    fault: str = ""  # why it cannot be asked


def hash_token(token: str) -> str:
    """What is kept of a push device's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def device_specs(session: Session, box: SecretBox) -> list[DeviceSpec]:
    """All devices, also those that are not enabled, by code."""
    return [_spec(row, box) for row in session.scalars(select(TelemetryDevice).order_by(TelemetryDevice.code))]


def device_by_token(session: Session, token: str) -> DeviceSpec | None:
    """The enabled push device with this token, None where there is none. Its credentials stay closed."""
    if not 20 <= len(token) <= 200:
        return None
    row = session.scalar(select(TelemetryDevice).where(TelemetryDevice.token_hash == hash_token(token)))
    if row is None or not row.enabled or row.protocol != "push":
        return None
    return _spec(row, None)


def _spec(row: TelemetryDevice, box: SecretBox | None) -> DeviceSpec:
    credentials: dict[str, str] = {}
    fault = ""
    if box is not None and row.credentials_sealed:
        try:
            credentials = json.loads(box.open(row.credentials_sealed))
        except ManaraError as error:
            fault = error.message
    return DeviceSpec(
        id=row.id,
        site_id=row.site_id,
        code=row.code,
        protocol=row.protocol,
        address=row.address,
        profile=row.profile,
        subjects=dict(row.subjects),
        poll_s=row.poll_s,
        enabled=row.enabled,
        credentials=credentials,
        fault=fault,
    )
