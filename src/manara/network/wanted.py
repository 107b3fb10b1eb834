"""From a camera as kept in the state to what a recorder is asked for. Pure; `wiring.py` puts the answer in the
bucket `wanted`.
"""

from manara.messages import WantedCamera
from manara.network.tables import Camera


def wanted_camera(row: Camera, shed: str = "") -> WantedCamera:
    """What a recorder needs to know; the password stays sealed. `shed`: how the camera is shed now."""
    return WantedCamera(
        camera_id=row.id,
        code=row.code,
        main_url=row.main_url,
        sub_url=row.sub_url,
        username=row.username,
        password_sealed=row.password_sealed,
        transport=row.transport,
        record=row.record,
        sound=row.sound,
        retention_days=row.retention_days,
        retention_bytes=row.retention_bytes,
        priority=row.priority,
        enabled=row.enabled,
        shed=shed,
        ptz=row.kind == "ptz",
    )
