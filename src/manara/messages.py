"""Every fact that crosses a room, and what a recorder is asked for and answers.

Facts are frozen, tagged by their name, and travel at least once: a handler is idempotent by `message_id`. `exercise`
marks everything derived from a drill. `WantedCamera` and `WantedHold` are desired state (a key-value bucket), not
facts. `StreamStatus` is measured each second and never kept. See `docs/design/interfaces.md`.
"""

import time
from typing import Any

import msgspec

from manara.base.ids import new_id


def _now_us() -> int:
    return time.time_ns() // 1000


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What every fact carries."""

    message_id: str = msgspec.field(default_factory=new_id)
    at_us: int = msgspec.field(default_factory=_now_us)
    exercise: bool = False


class CameraChanged(Message, frozen=True, kw_only=True):
    """A camera was added, changed or removed; read the state for what it is now."""

    camera_id: str
    removed: bool = False


class SiteChanged(Message, frozen=True, kw_only=True):
    """A site was added, changed or removed."""

    site_id: str
    removed: bool = False


class PlaceChanged(Message, frozen=True, kw_only=True):
    """Sectors or towns changed; few and small, so readers fetch them all."""

    place: str  # "sector" or "town"
    place_id: str
    removed: bool = False


class LayoutChanged(Message, frozen=True, kw_only=True):
    """A wall layout was saved or removed."""

    layout_id: str
    removed: bool = False


class AccountChanged(Message, frozen=True, kw_only=True):
    """An account, its roles or its sectors changed; its open connections must be judged again."""

    account_id: str


class HoldChanged(Message, frozen=True, kw_only=True):
    """A hold was placed on footage, or released."""

    hold_id: str
    released: bool = False


class ExportChanged(Message, frozen=True, kw_only=True):
    """An export job changed state (not its progress)."""

    export_id: str


class StreamStateChanged(Message, frozen=True, kw_only=True):
    """A recorder saw a stream begin, stop, be refused or come back."""

    camera_id: str
    stream: str
    state: str
    cause: str
    since_us: int
    recorder_id: str
    detail: str = ""


class DiskStateChanged(Message, frozen=True, kw_only=True):
    """A recording disk failed, filled, became slow, or recovered."""

    recorder_id: str
    path: str
    state: str  # ok, slow, full, failed
    cause: str = ""


class RoleRestarted(Message, frozen=True, kw_only=True):
    """The supervisor restarted a role that died."""

    role: str
    exit_code: int
    restarts: int


class InfrastructureChanged(Message, frozen=True, kw_only=True):
    """A power source, cabinet, switch, link or telemetry device was added, changed or removed."""

    noun: str  # power_source, cabinet, switch, link, device
    row_id: str
    removed: bool = False


class CauseChanged(Message, frozen=True, kw_only=True):
    """Health concluded a cause, learned more of it, or saw it end."""

    cause_id: str


class HealthChanged(Message, frozen=True, kw_only=True):
    """Conditions of these cameras and sites began or ended."""

    camera_ids: list[str] = []
    site_ids: list[str] = []


class SheddingChanged(Message, frozen=True, kw_only=True):
    """A site on its battery sheds load by this step of its policy (0 = none)."""

    site_id: str
    step: int


class AlarmChanged(Message, frozen=True, kw_only=True):
    """An alarm was raised or changed state."""

    alarm_id: str


class AlarmKindChanged(Message, frozen=True, kw_only=True):
    """The rationalised entry of a kind of alarm was edited."""

    kind: str


class SuppressionChanged(Message, frozen=True, kw_only=True):
    """A suppression by design began, changed or ended."""

    suppression_id: str


class ShiftChanged(Message, frozen=True, kw_only=True):
    """A console's shift was taken, written in or handed over."""

    shift_id: str


class WorkOrderChanged(Message, frozen=True, kw_only=True):
    """A work order was raised or changed."""

    work_order_id: str


class OutageChanged(Message, frozen=True, kw_only=True):
    """A planned outage was entered, changed or ended."""

    outage_id: str


class RoundChanged(Message, frozen=True, kw_only=True):
    """A preventive round was entered, done or changed."""

    round_id: str


Fact = (
    CameraChanged
    | SiteChanged
    | PlaceChanged
    | LayoutChanged
    | AccountChanged
    | HoldChanged
    | ExportChanged
    | StreamStateChanged
    | DiskStateChanged
    | RoleRestarted
    | InfrastructureChanged
    | CauseChanged
    | HealthChanged
    | SheddingChanged
    | AlarmChanged
    | AlarmKindChanged
    | SuppressionChanged
    | ShiftChanged
    | WorkOrderChanged
    | OutageChanged
    | RoundChanged
)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Fact)


def encode(message: Message) -> bytes:
    """A fact as tagged JSON."""
    return _encoder.encode(message)


def decode(data: bytes) -> Message:
    """The fact in `data`. Raises `msgspec.ValidationError` naming the field when it is not one."""
    message: Message = _decoder.decode(data)
    return message


class WantedCamera(msgspec.Struct, frozen=True, kw_only=True):
    """What a recorder needs to know of one camera. `password_sealed` is sealed by `store.secret` (empty = none)."""

    camera_id: str
    code: str
    main_url: str
    sub_url: str = ""
    username: str = ""
    password_sealed: str = ""
    transport: str = "tcp"
    record: bool = True
    sound: bool = False
    retention_days: float | None = None
    retention_bytes: int | None = None  # most bytes of its footage, over all its streams
    priority: int = 0
    enabled: bool = True
    shed: str = ""  # "", half_rate (the camera does that), sub (record the sub stream instead), off (do not record)
    ptz: bool = False  # it may turn by itself


class WantedHold(msgspec.Struct, frozen=True, kw_only=True):
    """A span of one or more cameras that retention must leave alone."""

    hold_id: str
    camera_ids: list[str]
    start_us: int
    end_us: int


class StreamStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How one stream of one camera is doing, as its recorder sees it."""

    camera_id: str
    stream: str
    state: str  # connecting, recording, live_only, refused, lost, stopped
    cause: str = "none"
    detail: str = ""
    since_us: int = 0
    last_frame_us: int = 0
    bitrate_bps: int = 0
    frame_rate_hz: float = 0.0
    gop_s: float = 0.0
    width: int = 0
    height: int = 0
    codec: str = ""
    drift_ms: float = 0.0
    packets_lost: int = 0
    reconnects: int = 0
    frames: int = 0
    frames_dropped: int = 0
    gaps_today: int = 0
    viewers: int = 0
    recorder_id: str = ""


class DiskStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One recording disk as its recorder sees it."""

    path: str
    state: str = "ok"
    cause: str = ""
    total_bytes: int = 0
    free_bytes: int = 0
    archive_bytes: int = 0
    queued_bytes: int = 0
    write_bytes_per_s: int = 0
    slowest_write_ms: float = 0.0


class RecorderStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One second of one recorder."""

    recorder_id: str
    at_us: int
    started_us: int = 0
    pid: int = 0
    address: str = ""
    complete: bool = False  # True when `streams` lists all its streams, not only those that changed
    streams: list[StreamStatus] = []
    disks: list[DiskStatus] = []
    counters: dict[str, int] = {}


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One value of one quantity of one thing (`network/telemetry/quantities.py`), as a site device told it."""

    site_id: str
    subject: str  # noun:id
    quantity: str
    value: float
    at_us: int
    device_id: str = ""


class ReadingBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Readings that came together."""

    readings: list[Reading]


class ImageFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What a camera's picture shows to be wrong. `kind` is a condition's name (`image_black`, …)."""

    kind: str
    confidence: float  # 0 to 1
    since_us: int
    detail: dict[str, float] = {}


class ImageVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """How one camera's picture is, from key frames. No finding and `trusted`: the picture is as it should be."""

    camera_id: str
    at_us: int
    findings: list[ImageFinding] = []
    trusted: bool = True  # False while a PTZ moves, while references are being learned
    why: str = ""  # why not trusted
    picture: str = ""  # name of the picture kept of this moment, when there is a finding
    reference: str = ""  # name of the reference picture


class ImageReport(msgspec.Struct, frozen=True, kw_only=True):
    """Verdicts of one vision process: each that changed, and all of them every minute (`complete`)."""

    vision_id: str
    at_us: int
    complete: bool = False
    verdicts: list[ImageVerdict] = []
    counters: dict[str, int] = {}


class Vitals(msgspec.Struct, frozen=True, kw_only=True):
    """A site's power at a glance; None = not known. `id` is the site's."""

    id: str
    grid: bool | None = None
    state_of_charge_pct: float | None = None
    hours_left: float | None = None
    hours_left_low: float | None = None
    hours_left_high: float | None = None
    dark_at_us: int | None = None
    dark_before_morning: bool = False
    solar_power_w: float | None = None
    load_power_w: float | None = None
    cabinet_temperature_c: float | None = None
    door_open: bool | None = None
    silent_since_us: int | None = None
    shed_step: int = 0


class LatestReading(msgspec.Struct, frozen=True, kw_only=True):
    """The last value believed, or the last one refused with the reason (`fault`)."""

    subject: str
    quantity: str
    value: float
    at_us: int
    fault: str = ""


class DeviceTold(msgspec.Struct, frozen=True, kw_only=True):
    """How a telemetry device is doing: `ok`, `silent`, `unreadable` (`why`), `waiting`; since when."""

    state: str
    since_us: int
    why: str = ""


class VitalsReport(msgspec.Struct, frozen=True, kw_only=True):
    """What changed at the sites since the last report; all of it every minute (`complete`)."""

    at_us: int
    complete: bool = False
    vitals: list[Vitals] = []
    latest: dict[str, list[LatestReading]] = {}  # by site
    links: dict[str, str] = {}  # link id: up, down, degraded, unknown
    switches: dict[str, str] = {}
    devices: dict[str, DeviceTold] = {}  # by id
    counters: dict[str, int] = {}


class PtzMoved(msgspec.Struct, frozen=True, kw_only=True):
    """A camera was told to move. `preset` is where it will stand, "" when a person steers it."""

    camera_id: str
    at_us: int
    preset: str = ""


def to_builtins(value: Any) -> Any:
    """A struct as plain dicts and lists, for JSON answers."""
    return msgspec.to_builtins(value)
