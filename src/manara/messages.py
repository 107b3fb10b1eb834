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


def to_builtins(value: Any) -> Any:
    """A struct as plain dicts and lists, for JSON answers."""
    return msgspec.to_builtins(value)
