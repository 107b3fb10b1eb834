"""One frozen tree of settings, read once from `manara.toml`, the environment (`MANARA_WEB__PORT=8443`) and flags.

Every setting has a description here; `docs/reference/settings.md` lists them and a test keeps the two in step.
A bad setting is named with file, key and reason at start, all of them at once.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from manara.base.errors import FieldError, SettingsError


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Deployment(_Part):
    """What this installation is called and where it stands."""

    name_ar: str = Field("غرفة السيطرة", description="Name of the control room in Arabic, shown in the bar.")
    name_en: str = Field("Control room", description="Name of the control room in English, shown in the bar.")
    language: Literal["ar", "en"] = Field("ar", description="Language before a person has chosen one.")
    timezone: str = Field("Asia/Baghdad", description="IANA time zone in which days begin and times are shown.")


class Data(_Part):
    """Where state lives."""

    directory: Path = Field(
        Path("manara-data"), description="Folder of state, journal, exports and (unless disks are named) recordings."
    )
    store_url: str = Field(
        "", description="SQLAlchemy address of the state (`postgresql+psycopg://…`); empty = SQLite in the data folder."
    )


class Web(_Part):
    """The control room's own web server."""

    host: str = Field("127.0.0.1", description="Address to listen on; beyond loopback it wants TLS or a named proxy.")
    port: int = Field(8400, ge=1, le=65535, description="Port to listen on.")
    tls_certificate: Path | None = Field(None, description="PEM file of the certificate chain; turns TLS on.")
    tls_key: Path | None = Field(None, description="PEM file of the certificate's private key.")
    behind_proxy: str = Field(
        "", description="Address of the proxy that ends TLS in front; only its forwarded headers are believed."
    )

    @model_validator(mode="after")
    def _guard(self) -> "Web":
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")
        if self.host not in ("127.0.0.1", "::1", "localhost") and not self.tls_certificate and not self.behind_proxy:
            raise ValueError(
                f"host {self.host} is not loopback: set tls_certificate and tls_key, or name the proxy in behind_proxy"
            )
        return self


class Access(_Part):
    """Sign-in and sessions."""

    session_idle_s: int = Field(8 * 3600, ge=60, description="A session ends after this long without a request, in s.")
    session_absolute_s: int = Field(13 * 3600, ge=300, description="A session ends after this long in any case, in s.")
    attempts_per_account: int = Field(8, ge=1, description="Failed sign-ins on an account before it must wait.")
    attempts_per_address: int = Field(40, ge=1, description="Failed sign-ins from an address before it must wait.")
    attempts_window_s: int = Field(900, ge=10, description="The window in which failed sign-ins are counted, in s.")
    password_min_length: int = Field(12, ge=8, le=128, description="Shortest password that is accepted.")


class Journal(_Part):
    """The journal (NATS JetStream)."""

    url: str = Field("", description="Address of an outside NATS server; empty = start our own on loopback.")
    port: int = Field(0, ge=0, le=65535, description="Port of our own server on loopback; 0 = any free one.")
    keep_days: float = Field(14.0, gt=0, description="Facts are kept this many days in the journal.")


class Disk(_Part):
    """One recording disk."""

    path: Path = Field(description="Folder on this disk that holds recordings.")
    max_bytes: int = Field(0, ge=0, description="Most bytes of recordings on this disk; 0 = as much as fits.")
    reserve_bytes: int = Field(2_000_000_000, ge=0, description="Bytes that are always left free on this disk.")


class Recorder(_Part):
    """Recording."""

    processes: int = Field(0, ge=0, le=64, description="Recorder processes; 0 = one for every 300 cameras.")
    disks: tuple[Disk, ...] = Field((), description="Recording disks; none = `archive` in the data folder.")
    segment_s: float = Field(600.0, ge=4, le=3600, description="A new segment file about this often, in s (staggered).")
    fragment_max_s: float = Field(2.0, ge=0.2, le=10, description="A GOP longer than this is cut on disk, in s.")
    sync_interval_s: float = Field(2.0, ge=0.1, le=60, description="Written data is synced at least this often, in s.")
    memory_budget_bytes: int = Field(512_000_000, ge=16_000_000, description="Most bytes that wait for disks.")
    low_water_bytes: int = Field(262_144, ge=1, description="An unwatched stream wakes us at this many bytes.")
    retention_days: float = Field(30.0, gt=0, description="Days of recording kept, unless a camera says otherwise.")
    stall_s: float = Field(10.0, ge=1, description="No frame for this long and the stream is lost; connect again.")
    connect_timeout_s: float = Field(10.0, ge=1, description="Connecting takes at most this long, in s.")
    backoff_max_s: float = Field(30.0, ge=1, description="Longest wait between two tries to connect, in s.")
    sub_stream: Literal["on_demand", "always"] = Field(
        "on_demand", description="Whether sub streams are open only while somebody watches, or always."
    )
    sub_stream_linger_s: float = Field(60.0, ge=0, description="A sub stream outlives its last viewer by this, in s.")


class Alarms(_Part):
    """How alarms are judged. What each kind means and how urgent it is stands in the rationalised table instead."""

    shelf_max_s: float = Field(
        8 * 3600.0, ge=300, le=7 * 86400, description="An alarm is shelved at most so long, in s."
    )
    group_window_s: float = Field(
        600.0, ge=60, le=7200, description="Alarms of a kind at a place within this time become one group, in s."
    )
    chatter_count: int = Field(4, ge=2, le=100, description="So many begins within `chatter_window_s` are chattering.")
    chatter_window_s: float = Field(600.0, ge=30, le=7200, description="The window for `chatter_count`, in s.")
    chatter_hold_s: float = Field(
        900.0, ge=30, le=86400, description="A chattering alarm has ended when it was quiet for so long, in s."
    )
    hold_low_at: int = Field(
        3, ge=1, le=10, description="From so many alarms in ten minutes on, a console's low ones are held back."
    )
    hold_medium_at: int = Field(6, ge=1, le=10, description="The same for medium ones; high and critical never are.")


class Notifications(_Part):
    """Telling people off-screen: the mail server, and what webhooks may reach. Routes are set in the control room."""

    smtp_host: str = Field("", description="Mail server that takes our e-mail; empty = no e-mail is sent.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Port of the mail server (587 STARTTLS, 465 TLS, 25).")
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the way to the mail server is encrypted; `none` only to this machine."
    )
    smtp_account: str = Field("", description="Account at the mail server; empty = none is needed.")
    smtp_password: SecretStr = Field(
        SecretStr(""),
        description="Its password; give it as `MANARA_NOTIFICATIONS__SMTP_PASSWORD` rather than in the file.",
    )
    tls_authority: Path | None = Field(
        None, description="PEM file of the authority that signs mail server and webhooks; none = those of the machine."
    )
    from_address: str = Field("manara@localhost", description="Address that our e-mail comes from.")
    private_webhooks: bool = Field(
        False, description="Webhooks may go to private and loopback addresses; otherwise only to public ones."
    )
    timeout_s: float = Field(15.0, ge=1, le=120, description="One try to deliver takes at most this long, in s.")

    @model_validator(mode="after")
    def _guard(self) -> "Notifications":
        if self.smtp_host and self.smtp_tls == "none" and self.smtp_host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError(f"smtp_tls = none would send alarms in the clear to {self.smtp_host}")
        return self


class Vision(_Part):
    """Looking at the cameras' pictures: only how the picture is, never what or who is in it."""

    enabled: bool = Field(True, description="Whether pictures are looked at at all.")
    processes: int = Field(0, ge=0, le=64, description="Vision processes; 0 = one for every 200 cameras.")
    stream: Literal["main", "sub"] = Field(
        "main",
        description="Stream whose key frames are decoded: `main` is open anyway; `sub` costs a fourth of the processor"
        " time but a second stream from each camera.",
    )
    look_s: float = Field(8.0, ge=2, le=60, description="Every camera is looked at about this often, in s.")
    soon_s: float = Field(2.5, ge=0.5, le=30, description="A suspicious picture is looked at again after this, in s.")
    cpu_pct: float = Field(
        80.0, gt=1, le=100, description="Most of a core that a vision process takes; looks are skipped beyond it."
    )
    loops: bool = Field(True, description="Whether a picture that repeats an earlier hour is a finding.")


class Telemetry(_Part):
    """What site devices tell, and how long it is kept."""

    mqtt_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="Port of our own MQTT broker for field devices, each with its own account; 0 = none.",
    )
    mqtt_host: str = Field("127.0.0.1", description="Address our own broker listens on; beyond loopback it wants TLS.")
    mqtt_tls_certificate: Path | None = Field(None, description="PEM file of the broker's certificate; turns TLS on.")
    mqtt_tls_key: Path | None = Field(None, description="PEM file of the broker's private key.")
    keep_raw_days: float = Field(14.0, ge=9, description="Days that readings are kept as they came.")
    keep_rollup_days: float = Field(800.0, ge=30, description="Days that their means by 5 minutes and hours are kept.")

    @model_validator(mode="after")
    def _guard(self) -> "Telemetry":
        if (self.mqtt_tls_certificate is None) != (self.mqtt_tls_key is None):
            raise ValueError("mqtt_tls_certificate and mqtt_tls_key go together")
        if self.mqtt_host not in ("127.0.0.1", "::1", "localhost") and not self.mqtt_tls_certificate:
            raise ValueError(f"mqtt_host {self.mqtt_host} is not loopback: set mqtt_tls_certificate and mqtt_tls_key")
        return self


class Simulate(_Part):
    """The virtual province."""

    cameras: int = Field(24, ge=0, le=2000, description="How many of the defined cameras really stream.")
    rtsp_port: int = Field(
        8554, ge=0, le=65535, description="Port of the virtual cameras on loopback; 0 = any free one."
    )
    onvif_port: int = Field(8555, ge=0, le=65535, description="Port of the virtual ONVIF devices on loopback.")
    seed: int = Field(7, description="Seed of the virtual province; the same seed gives the same province.")
    faults: Literal["calm", "evening", "bad_day"] = Field(
        "evening",
        description="What goes wrong by itself: nothing, one thing after another from two minutes on, or a flood.",
    )


class Maintenance(_Part):
    """Work orders and availability."""

    service_level_pct: float = Field(
        99.0, gt=0, le=100, description="Share of their time that cameras shall do their job, in per cent."
    )
    check_s: float = Field(
        300.0, ge=30, le=86400, description="Health has this long to confirm that finished work helped, in s."
    )


class Settings(_Part):
    """All settings."""

    deployment: Deployment = Field(default_factory=Deployment)
    data: Data = Field(default_factory=Data)
    web: Web = Field(default_factory=Web)
    access: Access = Field(default_factory=Access)
    journal: Journal = Field(default_factory=Journal)
    recorder: Recorder = Field(default_factory=Recorder)
    alarms: Alarms = Field(default_factory=Alarms)
    notifications: Notifications = Field(default_factory=Notifications)
    vision: Vision = Field(default_factory=Vision)
    telemetry: Telemetry = Field(default_factory=Telemetry)
    maintenance: Maintenance = Field(default_factory=Maintenance)
    simulate: Simulate = Field(default_factory=Simulate)

    def recording_disks(self) -> tuple[Disk, ...]:
        """The named disks, or the one in the data folder."""
        return self.recorder.disks or (Disk(path=self.data.directory / "archive"),)

    def store_url(self) -> str:
        """The SQLAlchemy address of the state."""
        return self.data.store_url or f"sqlite:///{(self.data.directory / 'state.sqlite').absolute()}"


def _merge(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), dict):
            merged[key] = _merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in environ.items():
        if not name.startswith("MANARA_") or "__" not in name:
            continue
        part, _, key = name.removeprefix("MANARA_").lower().partition("__")
        tree.setdefault(part, {})[key] = value
    return tree


def load(
    file: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Settings:
    """Read the settings.

    `file` must exist when given; without it `manara.toml` in the working folder is read if there. `flags` is a tree.
    Raises `SettingsError` naming every bad key with its file and reason.
    """
    source = file or Path("manara.toml")
    tree: dict[str, Any] = {}
    if file is not None or source.exists():
        try:
            tree = tomllib.loads(source.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"{source}: cannot be read: {error.strerror}", code="settings_unreadable") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{source}: is not TOML: {error}", code="settings_syntax") from error
    tree = _merge(tree, _from_environment(os.environ if environ is None else environ))
    tree = _merge(tree, flags or {})
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        faults = [
            FieldError(
                field=".".join(str(part) for part in e["loc"]),
                message=e["msg"],
                # of a whole section nothing is shown: a password may stand in it
                value="" if isinstance(e.get("input"), Mapping) else str(e.get("input"))[:80],
            )
            for e in error.errors()
        ]
        raise SettingsError(f"{source}: {len(faults)} bad settings", code="settings_invalid", fields=faults) from error
