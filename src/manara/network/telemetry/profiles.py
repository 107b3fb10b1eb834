"""Mapping files: what a model of device tells, where it is found in it, and which quantity of which part that is.

A mapping file is strict TOML: an unknown key, a quantity that we do not know, a double or a wrong type is named with
file, key and reason, all of them at once. Those that come with Manara lie in `profiles/` here; an administrator's own
in `<data>/profiles/`, where a file of the same name takes the place of ours. A file with errors is left out and told,
and the devices that use it are `unreadable: profile`. How to write one: `docs/guide/telemetry.md`.
Bounds: 64 KiB a file, 400 readings a file.
"""

import logging
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from manara.base.errors import FieldError, InvalidInput
from manara.network.telemetry.convert import ReadingMap, Strict, parse_path
from manara.network.telemetry.devices import PROTOCOLS

log = logging.getLogger(__name__)

MOST_BYTES = 65_536

Oid = Annotated[str, StringConstraints(pattern=r"^[0-2](\.(0|[1-9][0-9]{0,9})){2,60}$")]
Topic = Annotated[str, StringConstraints(pattern=r"^[^\s#+/\x00]+(/[^\s#+/\x00]+)*$", max_length=200)]


class MqttReading(ReadingMap):
    """A value in a topic's JSON. `path`: `battery.voltage` or `cells[2].mv`; empty = the whole payload."""

    topic: Topic  # below the prefix of the device's address
    path: str = Field("", max_length=200)

    @model_validator(mode="after")
    def _path(self) -> Self:
        parse_path(self.path)
        return self


class SnmpReading(ReadingMap):
    """A scalar (its whole OID, with the `.0`), or with `column` each row of a table: parts `<part>/<index>`."""

    oid: Oid
    column: bool = False


class ModbusReading(ReadingMap):
    """One or two registers, or a bit."""

    register_: int = Field(alias="register", ge=0, le=65_535)
    table: Literal["input", "holding", "coil", "discrete"] = "input"
    type: Literal["u16", "s16", "u32", "s32", "f32", "bit"] = "u16"
    bit: int = Field(0, ge=0, le=15)  # of a register, when `type` is bit

    @property
    def count(self) -> int:
        """How many registers it takes."""
        return 2 if self.type in ("u32", "s32", "f32") else 1


class EchoReading(ReadingMap):
    """What an echo measures."""

    measure: Literal["reachable", "rtt_ms", "loss_pct"]


class MqttPart(Strict):
    """`format`: `json` takes values by path; with `readings` the device names them itself, as in a push."""

    format: Literal["json", "readings"] = "json"
    time_path: str = Field("", max_length=200)  # when it was measured; without it: when it came
    time_unit: Literal["s", "ms", "us", "iso"] = "s"
    qos: Literal[0, 1] = 0

    @model_validator(mode="after")
    def _path(self) -> Self:
        parse_path(self.time_path)
        return self


class SnmpPart(Strict):
    """`rows`: most rows of a table. `only`: rows of tables count only where this column has one of these values."""

    rows: int = Field(64, ge=1, le=512)
    only_oid: Oid | None = None
    only_values: tuple[int, ...] = ()
    timeout_s: float = Field(2.0, gt=0, le=10)
    retries: int = Field(1, ge=0, le=3)


class ModbusPart(Strict):
    """`unit` where the address names none. `gap`: registers that may be read in between, to ask less often."""

    unit: int = Field(1, ge=0, le=247)
    word_order: Literal["high_first", "low_first"] = "high_first"
    gap: int = Field(0, ge=0, le=32)
    most_registers: int = Field(64, ge=2, le=125)
    timeout_s: float = Field(2.0, gt=0, le=10)


class EchoPart(Strict):
    """How often and how long."""

    count: int = Field(3, ge=1, le=10)
    timeout_s: float = Field(1.0, gt=0, le=10)


class _Profile(Strict):
    title: str = Field(min_length=1, max_length=120)
    source: str = Field("", max_length=400)  # where the mapping was read from


class MqttProfile(_Profile):
    """A device that publishes."""

    protocol: Literal["mqtt"]
    mqtt: MqttPart = MqttPart()
    reading: tuple[MqttReading, ...] = Field((), max_length=400)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.mqtt.format == "json" and not self.reading:
            raise ValueError("reading: at least one [[reading]] is needed")
        if self.mqtt.format == "readings" and self.reading:
            raise ValueError("reading: with format readings the device names them itself")
        _no_doubles(self.reading)
        return self


class SnmpProfile(_Profile):
    """An SNMP agent."""

    protocol: Literal["snmp"]
    snmp: SnmpPart = SnmpPart()
    reading: tuple[SnmpReading, ...] = Field(min_length=1, max_length=400)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        _no_doubles(self.reading)
        if bool(self.snmp.only_oid) != bool(self.snmp.only_values):
            raise ValueError("snmp: only_oid and only_values go together")
        return self


class ModbusProfile(_Profile):
    """A Modbus server."""

    protocol: Literal["modbus"]
    modbus: ModbusPart = ModbusPart()
    reading: tuple[ModbusReading, ...] = Field(min_length=1, max_length=400)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        _no_doubles(self.reading)
        for entry in self.reading:
            if entry.table in ("coil", "discrete") and entry.type != "bit":
                raise ValueError(f"reading {entry.part} {entry.quantity}: a {entry.table} is a bit")
        return self


class EchoProfile(_Profile):
    """Something that answers an echo."""

    protocol: Literal["icmp"]
    icmp: EchoPart = EchoPart()
    reading: tuple[EchoReading, ...] = Field(min_length=1, max_length=400)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        _no_doubles(self.reading)
        return self


class PushProfile(_Profile):
    """A device that names its readings itself over HTTP."""

    protocol: Literal["push"]


Profile = MqttProfile | SnmpProfile | ModbusProfile | EchoProfile | PushProfile
_KINDS: dict[str, type[Profile]] = {
    "mqtt": MqttProfile,
    "snmp": SnmpProfile,
    "modbus": ModbusProfile,
    "icmp": EchoProfile,
    "push": PushProfile,
}


def _no_doubles(readings: Sequence[ReadingMap]) -> None:
    seen: set[tuple[str, str]] = set()
    for entry in readings:
        key = (entry.part, entry.quantity)
        if key in seen:
            raise ValueError(f"reading: {entry.part} {entry.quantity} is there twice")
        seen.add(key)


def parse_profile(text: str, file: str) -> Profile:
    """The mapping in a file's text. Raises `InvalidInput` naming every fault as `file: key: reason`."""
    if len(text.encode()) > MOST_BYTES:
        raise InvalidInput(f"{file}: is longer than {MOST_BYTES} bytes", code="profile_invalid")
    try:
        tree = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidInput(f"{file}: is not TOML: {error}", code="profile_invalid") from error
    kind = tree.get("protocol")
    if not isinstance(kind, str) or kind not in _KINDS:
        fault = FieldError("protocol", f"must be one of {', '.join(PROTOCOLS)}", value=str(kind)[:80])
        raise InvalidInput(f"{file}: 1 fault", code="profile_invalid", fields=[fault])
    try:
        # TOML has no tuples; strict validation wants them
        return _KINDS[kind].model_validate(_tuples(tree))
    except ValidationError as error:
        faults = [
            FieldError(
                field=".".join(str(part) for part in fault["loc"]) or "file",
                message=fault["msg"].removeprefix("Value error, "),
                value=None if isinstance(fault.get("input"), dict) else str(fault.get("input"))[:80],
            )
            for fault in error.errors()
            if fault["type"] != "too_short" or not fault.get("input")  # only says that all entries have faults
        ]
        raise InvalidInput(f"{file}: {len(faults)} faults", code="profile_invalid", fields=faults) from error


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value


@dataclass(slots=True)
class _Loaded:
    stamp: tuple[int, int]
    profile: Profile | None
    fault: InvalidInput | None = None


@dataclass
class Profiles:
    """The mapping files by name. `load` reads what is new or changed; call it in a thread."""

    data_folder: Path | None = None
    _own: dict[str, _Loaded] = field(default_factory=dict)
    _ours: dict[str, Profile] = field(default_factory=dict)

    def load(self) -> bool:
        """Read the files; returns whether anything changed."""
        changed = False
        if not self._ours:
            self._ours = dict(shipped())
            changed = True
        there: dict[str, Path] = {}
        if self.data_folder is not None and (self.data_folder / "profiles").is_dir():
            there = {path.stem: path for path in sorted((self.data_folder / "profiles").glob("*.toml"))}
        for name in self._own.keys() - there.keys():
            del self._own[name]
            changed = True
        for name, path in there.items():
            try:
                stat = path.stat()
                stamp = (stat.st_mtime_ns, stat.st_size)
                known = self._own.get(name)
                if known is not None and known.stamp == stamp:
                    continue
                changed = True
                if stat.st_size > MOST_BYTES:
                    raise InvalidInput(f"{path}: is longer than {MOST_BYTES} bytes", code="profile_invalid")
                if re.fullmatch(r"[a-z0-9][a-z0-9_\-]{0,62}", name) is None:
                    raise InvalidInput(f"{path}: name it with a-z, 0-9, - and _", code="profile_invalid")
                self._own[name] = _Loaded(stamp, parse_profile(path.read_text(encoding="utf-8"), str(path)))
            except (OSError, UnicodeDecodeError) as error:
                fault = InvalidInput(f"{path}: cannot be read: {error}", code="profile_invalid")
                self._own[name] = _Loaded((0, 0), None, fault)
            except InvalidInput as error:
                self._own[name] = _Loaded(stamp, None, error)
                log.error("a mapping file has errors", extra={"file": str(path), "reason": str(error)[:1000]})
        return changed

    def get(self, name: str) -> Profile:
        """A mapping. Raises `InvalidInput` where there is none of this name, or with the faults of its file."""
        own = self._own.get(name)
        if own is not None:
            if own.profile is None:
                raise own.fault or InvalidInput(f"profile {name} has errors", code="profile_invalid")
            return own.profile
        if name in self._ours:
            return self._ours[name]
        raise InvalidInput(
            f"There is no mapping file {name!r}; there are: {', '.join(self.names())}.", code="profile_unknown"
        )

    def names(self) -> list[str]:
        """All names, those of files with errors too."""
        return sorted(self._own.keys() | self._ours.keys())

    def faults(self) -> dict[str, InvalidInput]:
        """What is wrong with the administrator's own files, by name."""
        return {name: loaded.fault for name, loaded in self._own.items() if loaded.fault is not None}


def shipped() -> Mapping[str, Profile]:
    """The mapping files that come with Manara."""
    folder = resources.files("manara.network.telemetry") / "profiles"
    return {
        entry.name.removesuffix(".toml"): parse_profile(entry.read_text(encoding="utf-8"), entry.name)
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    }
