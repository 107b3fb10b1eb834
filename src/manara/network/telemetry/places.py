"""At which sites a subject of readings stands, so that a person sees series of own sectors only. Reads the state."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from manara.network.infrastructure.tables import Link, PowerSource, Switch, TelemetryDevice
from manara.network.tables import Camera
from manara.network.telemetry.quantities import noun_of


def sites_of(session: Session, subject: str) -> list[str]:
    """Site ids; none where the subject does not exist or stands at no site (recorder, disk, role)."""
    noun, id = noun_of(subject), subject.partition(":")[2]
    match noun:
        case "site" | "cabinet":
            return [id]
        case "camera":
            query = select(Camera.site_id).where(Camera.id == id)
        case "power_source":
            query = select(PowerSource.site_id).where(PowerSource.id == id)
        case "switch" | "port":
            query = select(Switch.site_id).where(Switch.id == id.partition("/")[0])
        case "device":
            query = select(TelemetryDevice.site_id).where(TelemetryDevice.id == id)
        case "link":
            ends = session.execute(select(Link.a_site_id, Link.b_site_id).where(Link.id == id)).one_or_none()
            return [site_id for site_id in ends if site_id] if ends is not None else []
        case _:
            return []
    return [site_id for site_id in session.scalars(query) if site_id]
