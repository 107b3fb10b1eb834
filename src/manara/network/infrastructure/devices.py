"""The table of telemetry devices as `network/telemetry` needs it. Reads only; opens no secret.

Called by the `health` role, which hands the specs to the gatherer, and by the route that takes pushed readings.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from manara.network.infrastructure.tables import TelemetryDevice
from manara.network.telemetry.devices import DeviceSpec, token_fits

TOKEN_MAX = 200


def device_specs(session: Session) -> list[DeviceSpec]:
    """All devices, also those that are not enabled, by code."""
    return [device_spec(row) for row in session.scalars(select(TelemetryDevice).order_by(TelemetryDevice.code))]


def device_by_token(session: Session, token: str) -> DeviceSpec | None:
    """The enabled push device that this token belongs to, None where there is none."""
    device_id, dot, _ = token[: TOKEN_MAX + 1].partition(".")
    if not dot or len(token) > TOKEN_MAX:
        return None
    row = session.get(TelemetryDevice, device_id)
    if row is None or not row.enabled or row.protocol != "push" or not token_fits(token, row.token_hash or ""):
        return None
    return device_spec(row)


def device_spec(row: TelemetryDevice) -> DeviceSpec:
    """One row."""
    return DeviceSpec(
        id=row.id,
        site_id=row.site_id,
        code=row.code,
        protocol=row.protocol,
        address=row.address,
        profile=row.profile,
        subjects=dict(row.subjects),
        poll_s=row.poll_s,
        credentials_sealed=row.credentials_sealed,
        token_hash=row.token_hash or "",
        enabled=row.enabled,
    )
