"""Power sources, cabinets, switches, links and telemetry devices from CSV, as cameras have it (`network/imports.py`).

A file is parsed (pure), planned against what is there (added, updated or unchanged: a row is found again by its code,
or by site and kind) and then, if nothing at all is wrong, applied in one action. A dry run stops after the plan. Rows
refer to sites, switches, links and cameras by code. A column that is missing leaves its field alone; an empty cell sets
the default, but empty credentials leave the credentials. A device that is new here gets its token afterwards, by its
own route. Bounds are those of `formats/csv_table.py`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from manara.access.who import Who
from manara.base.errors import FieldError, ManaraError
from manara.formats import csv_table
from manara.network.imports import ERRORS_SHOWN_MAX, fold
from manara.network.infrastructure import rules
from manara.network.infrastructure.actions import apply, identified, key_of, sealed
from manara.network.infrastructure.known import Known, judge
from manara.network.infrastructure.views import TABLES
from manara.network.rules import Fault
from manara.store.database import Database
from manara.store.secret import SecretBox

_SAME = {
    "code": "code رمز الرمز كود الكود",
    "site": "site site_code موقع الموقع رمز_الموقع",
    "a_site": "a_site from_site site_a من الموقع_أ من_موقع",
    "b_site": "b_site to_site site_b الى الموقع_ب الى_موقع",
    "a_switch": "a_switch switch_a المبدل_أ",
    "b_switch": "b_switch switch_b المبدل_ب",
    "a_port": "a_port port_a المنفذ_أ",
    "b_port": "b_port port_b المنفذ_ب",
    "kind": "kind type نوع النوع",
    "role": "role دور الدور",
    "name": "name الاسم اسم",
    "make": "make manufacturer vendor الشركة الشركة_المصنعة المصنع",
    "model": "model موديل الموديل الطراز",
    "ports": "ports عدد_المنافذ المنافذ",
    "ring": "ring حلقة الحلقة",
    "length_km": "length_km length الطول طول_كم",
    "capacity_mbps": "capacity_mbps capacity bandwidth السعة",
    "rx_low_dbm": "rx_low_dbm rx_low ادنى_استقبال",
    "capacity_wh": "capacity_wh battery_wh سعة_البطارية السعة_واط_ساعة",
    "peak_w": "peak_w solar_w قدرة_الالواح القدرة",
    "nominal_v": "nominal_v voltage الجهد الفولتية",
    "installed_us": "installed_us installed تاريخ_النصب النصب",
    "notes": "notes note ملاحظات الملاحظات",
    "has_fan": "has_fan fan مروحة المروحة",
    "has_door_sensor": "has_door_sensor door_sensor متحسس_الباب حساس_الباب",
    "hot_c": "hot_c hot حد_الحرارة",
    "protocol": "protocol بروتوكول البروتوكول",
    "address": "address العنوان عنوان",
    "profile": "profile ملف_التعريف",
    "subjects": "subjects parts الاجزاء",
    "poll_s": "poll_s poll interval فترة_السؤال",
    "credentials": "credentials الاعتماد بيانات_الدخول",
    "enabled": "enabled active مفعلة مفعل فعالة",
}
_HEADERS = {fold(word): name for name, words in _SAME.items() for word in words.split()}


@dataclass(slots=True)
class _Plan:
    added: list[dict[str, Any]] = field(default_factory=list)
    changed: list[tuple[Any, dict[str, Any]]] = field(default_factory=list)
    unchanged: int = 0
    faults: list[FieldError] = field(default_factory=list)


def columns(noun: str) -> list[str]:
    """The columns that a file of this noun may have, by their English names."""
    return [name.removesuffix("_id") for name in rules.FIELDS[noun]]


def parse(noun: str, data: bytes) -> tuple[list[tuple[int, dict[str, Any]]], list[FieldError]]:
    """The rows of a file and all that is wrong with its form; values are judged later. Pure."""
    table = csv_table.read(data)
    faults = list(table.faults)
    allowed = set(columns(noun))
    names: list[str | None] = []
    for header in table.header:
        name = _HEADERS.get(fold(header))
        names.append(None)
        if not header:
            continue
        if name not in allowed:
            faults.append(FieldError(header[:64], "is not a column that is known here", row=1))
        elif name in names:
            faults.append(FieldError(header[:64], f"says the same as another column ({name})", row=1))
        else:
            names[-1] = name
    for key in rules.KEYS[noun]:
        if table.header and key.removesuffix("_id") not in names:
            faults.append(FieldError(key.removesuffix("_id"), "has no column in this file", row=1))
    rows = [
        (row, {name: cell for name, cell in zip(names, cells, strict=True) if name is not None})
        for row, cells in table.rows
    ]
    return rows, faults


def import_csv(
    database: Database, box: SecretBox, who: Who, at: datetime, noun: str, data: bytes, *, dry_run: bool
) -> dict[str, Any]:
    """Import rows of `noun` (`power_source` …).

    Returns `{ok, dry_run, added, updated, unchanged, errors: [{row, field, value, message}], errors_total, ignored}`.
    With any error nothing is changed. Importing the same file again gives only `unchanged`.
    """
    rows, faults = parse(noun, data)
    with database.read() as session:  # most bad files are found without holding up other writers
        plan = _plan(session, box, who, noun, rows, faults)
    if not dry_run and not plan.faults and (plan.added or plan.changed):
        with database.act(who, at) as act:
            plan = _plan(act.session, box, who, noun, rows, faults)
            if not plan.faults:
                added = [identified(noun, sealed(box, row)) | {"changed_us": act.at_us} for row in plan.added]
                apply(act, noun, added, [(row, sealed(box, values)) for row, values in plan.changed])
    return {
        "ok": not plan.faults,
        "dry_run": dry_run,
        "added": len(plan.added),
        "updated": len(plan.changed),
        "unchanged": plan.unchanged,
        "errors": [
            {"row": fault.row, "field": fault.field, "value": fault.value, "message": fault.message}
            for fault in plan.faults[:ERRORS_SHOWN_MAX]
        ],
        "errors_total": len(plan.faults),
        "ignored": [],
    }


def _plan(
    session: Session,
    box: SecretBox,
    who: Who,
    noun: str,
    rows: list[tuple[int, dict[str, Any]]],
    faults: list[FieldError],
) -> _Plan:
    plan = _Plan(faults=list(faults))
    known = Known(session)
    existing = {key_of(noun, row): row for row in session.scalars(select(TABLES[noun]))}
    keyed: list[tuple[int, dict[str, Any], Any, tuple[str, ...] | None, list[FieldError]]] = []
    for number, raw in rows:
        values = dict(raw)
        if not values.get("credentials"):
            values.pop("credentials", None)
        wrong = known.by_code(noun, values, number)
        key = _key(noun, values)
        before = existing.get(key) if key else None
        if noun == "link" and before is not None and values.keys() & {"a_switch_id", "a_port", "b_switch_id", "b_port"}:
            known.release(before)
        keyed.append((number, values, before, key, wrong))
    seen: dict[tuple[str, ...], int] = {}
    for number, values, before, key, wrong in keyed:
        if len(plan.faults) > 10 * ERRORS_SHOWN_MAX:
            break
        clean, more = judge(known, noun, values, row=number, before=before)
        named = {fault.field for fault in wrong}
        wrong += [fault for fault in more if fault.field.removesuffix("_id") not in named]
        last = rules.KEYS[noun][-1].removesuffix("_id")
        if key is not None and key in seen:
            wrong.append(FieldError(last, f"stands already in row {seen[key]}", row=number))
        if key is not None:
            seen.setdefault(key, number)
        if before is not None and not known.seen_by(who, noun, before):
            wrong.append(FieldError(last, "belongs to a sector that is not yours", row=number))
        elif not wrong and not known.seen_by(who, noun, _whole(noun, clean, before)):
            wrong.append(FieldError("site", "would lie outside your sectors", row=number))
        if wrong:
            plan.faults += wrong
        elif before is None:
            plan.added.append(clean)
        elif changes := {name: value for name, value in clean.items() if _differs(box, before, name, value)}:
            plan.changed.append((before, changes))
        else:
            plan.unchanged += 1
    plan.faults.sort(key=lambda fault: fault.row or 0)
    return plan


def _key(noun: str, values: dict[str, Any]) -> tuple[str, ...] | None:
    """The key of a loose row, None where it is not whole (which is then a fault of its fields)."""
    found = []
    for name in rules.KEYS[noun]:
        try:
            found.append(str(rules.FIELDS[noun][name].parse(values[name] if values.get(name) else "")))
        except (Fault, KeyError):
            return None
    return tuple(found) if all(found) else None


def _whole(noun: str, clean: dict[str, Any], before: Any) -> dict[str, Any]:
    return {name: clean.get(name, getattr(before, name, None)) for name in rules.FIELDS[noun] if name != "credentials"}


def _differs(box: SecretBox, row: Any, name: str, value: Any) -> bool:
    if name != "credentials":
        return bool(getattr(row, name) != value)
    try:
        return bool(box.open(row.credentials_sealed) != value)
    except ManaraError:
        return True  # sealed with a lost key: the file's credentials replace them


def export_csv(session: Session, noun: str, rows: list[dict[str, Any]]) -> bytes:
    """`rows` (views) as a CSV that imports again as `unchanged`; without credentials."""
    known = Known(session)
    codes = {kind: {row_id: code for code, row_id in found.items()} for kind, found in known.codes.items()}
    names = [name for name in rules.FIELDS[noun] if name != "credentials"]

    def cell(value: dict[str, Any], name: str) -> object:
        found = value[name]
        if name.endswith("_id"):
            return codes["switch" if name.endswith("switch_id") else "site"].get(found or "", "")
        if name == "subjects":
            return "; ".join(f"{part}={subject}" for part, subject in found.items())
        return found

    header = [name.removesuffix("_id") for name in names]
    return csv_table.write(header, ([cell(value, name) for name in names] for value in rows))
