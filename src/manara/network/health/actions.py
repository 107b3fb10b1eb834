"""Committing what health found: conditions, causes, outages of cameras, battery forecasts; reading them back at start.

One transaction a batch: state, audit entry, `HealthChanged` and `CauseChanged` together. Writing the same batch twice
leaves the same state, so that a batch whose commit was not known to succeed is committed again. Called by the `health`
role (in a thread); nothing else writes these tables.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from manara.access.who import Who
from manara.base.clock import to_datetime
from manara.messages import CauseChanged, HealthChanged
from manara.network.health.causes import Cause
from manara.network.health.conditions import Condition, Ended
from manara.network.health.outages import Span
from manara.network.health.tables import BatteryForecast, CameraOutage, CauseRow, ConditionRow
from manara.network.health.topology import (
    CameraNode,
    DeviceNode,
    LinkNode,
    SiteNode,
    SourceNode,
    SwitchNode,
    Topology,
)
from manara.network.infrastructure.tables import Cabinet, Link, PowerSource, Switch, TelemetryDevice
from manara.network.tables import Camera, Site
from manara.store.act import Act
from manara.store.database import Database

HEALTH = Who.system("health")
_AUDIT_MOST = 200  # causes named in one audit entry


@dataclass(slots=True)
class Batch:
    """What changed and is not yet committed."""

    conditions: dict[str, Condition] = field(default_factory=dict)
    ended: dict[str, Ended] = field(default_factory=dict)
    causes: dict[str, Cause] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    forecasts: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    sites: dict[str, str] = field(default_factory=dict)  # condition id → site id

    def __bool__(self) -> bool:
        return bool(self.conditions or self.ended or self.causes or self.spans or self.forecasts)

    def add(self, later: "Batch") -> None:
        """What came after it; the two are committed together."""
        self.conditions |= later.conditions
        self.ended |= later.ended
        self.causes |= later.causes
        self.spans |= later.spans
        self.forecasts |= later.forecasts
        self.sites |= later.sites


def commit(database: Database, at_us: int, batch: Batch) -> None:
    """Commit a batch. Raises `Unavailable` when the state is busy, SQLAlchemy's error when it is away."""
    with database.act(HEALTH, to_datetime(at_us)) as act:
        _conditions(act.session, batch)
        opened, closed = _causes(act, batch)
        for span in batch.spans.values():
            _put(act.session, CameraOutage, span.id, _span_values(span))
        for site_id, values in batch.forecasts.items():
            act.session.merge(BatteryForecast(site_id=site_id, **values))
        touched = [*batch.conditions.values(), *(ended.condition for ended in batch.ended.values())]
        cameras = {one.subject.removeprefix("camera:") for one in touched if one.subject.startswith("camera:")}
        # A cause that opens, grows or ends changes what the screens say of its cameras.
        cameras |= {camera_id for cause in batch.causes.values() for camera_id in cause.camera_ids}
        sites = {id for id in batch.sites.values() if id} | {c.site_id for c in batch.causes.values() if c.site_id}
        if cameras or sites:
            act.publish(HealthChanged(camera_ids=sorted(cameras), site_ids=sorted(sites)))
        if cameras or sites or opened or closed:  # a recorder's or a process's cause has neither
            counts = {"began": len(batch.conditions), "ended": len(batch.ended)}
            act.audit("health:see", detail={**counts, "opened": opened[:_AUDIT_MOST], "closed": closed[:_AUDIT_MOST]})


def _conditions(session: Session, batch: Batch) -> None:
    for condition in batch.conditions.values():
        ended = batch.ended.get(condition.id)
        _put(session, ConditionRow, condition.id, _condition_values(condition, batch, ended))
    for id, ended in batch.ended.items():
        if id not in batch.conditions:
            _put(session, ConditionRow, id, _condition_values(ended.condition, batch, ended))


def _causes(act: Act, batch: Batch) -> tuple[list[str], list[str]]:
    opened, closed = [], []
    for cause in batch.causes.values():
        values = _cause_values(cause)
        there = act.session.get(CauseRow, cause.id)
        # Of the commit: who asks for changes since then must not miss it. A clock set back makes nothing older.
        values["changed_us"] = act.at_us if there is None else max(act.at_us, there.changed_us + 1)
        new = _put(act.session, CauseRow, cause.id, values)
        if new:
            opened.append(f"{cause.kind} {cause.subject}")
        if cause.closed_us is not None:
            closed.append(f"{cause.kind} {cause.subject}")
        act.publish(CauseChanged(cause_id=cause.id))
    if batch.causes and not (opened or closed):
        act.audit("health:learn", detail={"causes": len(batch.causes)})
    return opened, closed


def _put(session: Session, table: type[Any], row_id: str, values: Mapping[str, Any]) -> bool:
    row = session.get(table, row_id)
    if row is None:
        session.add(table(id=row_id, **values))
        return True
    for name, value in values.items():
        setattr(row, name, value)
    return False


def _condition_values(condition: Condition, batch: Batch, ended: Ended | None) -> dict[str, Any]:
    return {
        "kind": condition.kind,
        "subject": condition.subject,
        "site_id": batch.sites.get(condition.id, ""),
        "since_us": condition.since_us,
        "known_us": condition.known_us,
        "ended_us": ended.at_us if ended is not None else None,
        "confidence": condition.confidence,
        "detail": dict(condition.detail),
    }


def _cause_values(cause: Cause) -> dict[str, Any]:
    return {
        "kind": cause.kind,
        "key": cause.key,
        "rule": cause.rule,
        "subject": cause.subject,
        "site_id": cause.site_id,
        "sector_id": cause.sector_id,
        "direct": cause.direct,
        "confidence": round(cause.confidence, 3),
        "since_us": cause.since_us,
        "opened_us": cause.opened_us,
        "closed_us": cause.closed_us,
        "absorbed_into": cause.absorbed_into,
        "camera_ids": sorted(cause.camera_ids),
        "site_ids": sorted(cause.site_ids),
        "condition_ids": sorted(cause.condition_ids),
        "evidence": cause.evidence,
        "pictures": cause.pictures,
        "detail": cause.detail,
    }


def _span_values(span: Span) -> dict[str, Any]:
    names = (
        "camera_id",
        "site_id",
        "sector_id",
        "start_us",
        "known_us",
        "end_us",
        "condition",
        "cause_id",
        "cause_kind",
    )
    return {name: getattr(span, name) for name in names}


@dataclass(frozen=True, slots=True)
class Open:
    """What was so when the program stopped."""

    conditions: list[Condition]
    causes: list[Cause]
    spans: list[Span]


def read_open(session: Session) -> Open:
    """Everything that has not ended."""
    conditions = [
        Condition(row.kind, row.subject, row.since_us, row.known_us, row.confidence, row.detail, row.id)
        for row in session.scalars(select(ConditionRow).where(ConditionRow.ended_us.is_(None)))
    ]
    causes = [
        Cause(
            id=row.id,
            kind=row.kind,
            key=row.key,
            rule=row.rule,
            subject=row.subject,
            site_id=row.site_id,
            sector_id=row.sector_id,
            direct=row.direct,
            confidence=row.confidence,
            since_us=row.since_us,
            opened_us=row.opened_us,
            changed_us=row.changed_us,
            camera_ids=set(row.camera_ids),
            site_ids=set(row.site_ids),
            condition_ids=set(row.condition_ids),
            evidence=list(row.evidence),
            pictures=row.pictures,
            detail=dict(row.detail),
        )
        for row in session.scalars(select(CauseRow).where(CauseRow.closed_us.is_(None)).order_by(CauseRow.opened_us))
    ]
    spans = [
        Span(
            row.camera_id, row.start_us, row.known_us, row.condition, row.site_id, row.sector_id,
            None, row.cause_id, row.cause_kind, row.id,
        )
        for row in session.scalars(select(CameraOutage).where(CameraOutage.end_us.is_(None)))
    ]  # fmt: skip
    return Open(conditions, causes, spans)


def read_topology(session: Session, credential: Callable[[str, str], str] = lambda user, sealed: "") -> Topology:
    """The network as it should be: only cameras that are in use and recorded, since nothing is heard of others.

    `credential`: user and sealed password → a text that is equal for equal credentials, "" where there is none.
    """
    cabinets = {row.site_id: row for row in session.scalars(select(Cabinet))}
    sources = list(session.scalars(select(PowerSource)))
    has: dict[str, set[str]] = {}
    for source in sources:
        has.setdefault(source.site_id, set()).add(source.kind)
    devices = list(session.scalars(select(TelemetryDevice).where(TelemetryDevice.enabled)))
    telling = {device.site_id for device in devices}
    sites = []
    for row in session.scalars(select(Site)):
        cabinet = cabinets.get(row.id)
        kinds = has.get(row.id, set())
        sites.append(
            SiteNode(
                row.id, row.code, row.kind, row.sector_id or "", row.name_ar, row.name_en,
                "grid" in kinds, "solar" in kinds, "battery" in kinds, row.id in telling, row.lat, row.lon,
                cabinet.hot_c if cabinet is not None else 65.0, cabinet is not None and cabinet.has_fan,
            )
        )  # fmt: skip
    cameras = [
        CameraNode(
            row.id, row.code, row.site_id or "", row.sector_id or "", row.switch_id or "", row.switch_port,
            credential(row.username, row.password_sealed) if row.username else "", row.name_ar, row.name_en, row.kind,
        )
        for row in session.scalars(select(Camera).where(Camera.enabled, Camera.record))
    ]  # fmt: skip
    switches = [SwitchNode(row.id, row.site_id, row.code) for row in session.scalars(select(Switch))]
    links = [
        LinkNode(
            row.id, row.a_site_id, row.b_site_id, row.code, row.kind, row.role, row.ring,
            _port(row.a_switch_id, row.a_port), _port(row.b_switch_id, row.b_port), row.rx_low_dbm,
        )
        for row in session.scalars(select(Link))
    ]  # fmt: skip
    return Topology.of(
        sites,
        cameras,
        switches,
        links,
        [SourceNode(row.id, row.site_id, row.kind, row.nominal_v, row.peak_w) for row in sources],
        [DeviceNode(row.id, row.site_id, _switch(row)) for row in devices],
    )


def forget_forecasts(database: Database, at_us: int, site_ids: Iterable[str]) -> None:
    """Sites that no longer have a battery."""
    ids = list(site_ids)
    if ids:
        with database.act(HEALTH, to_datetime(at_us)) as act:
            act.session.execute(delete(BatteryForecast).where(BatteryForecast.site_id.in_(ids)))


def _port(switch_id: str | None, port: int | None) -> tuple[str, int] | None:
    return (switch_id, port) if switch_id and port is not None else None


def _switch(device: TelemetryDevice) -> str:
    """The switch that a device is asked about, where it is one that answers for itself."""
    if device.protocol not in ("snmp", "icmp"):
        return ""
    subject = device.subjects.get("switch") or device.subjects.get("target") or ""
    return subject.removeprefix("switch:") if subject.startswith("switch:") else ""
