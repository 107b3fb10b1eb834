"""Cameras, sites, towns and sectors from CSV or GeoJSON, and back to CSV.

A file is parsed (pure, `parse`), planned against what is there (`_plan`: added, updated or unchanged by code) and
then, if nothing at all is
wrong, applied in one action. A dry run stops after the plan. All faults come back with row, field and value; a bad
file changes nothing.
Rows refer to sectors, towns and sites by code. A column that is missing leaves its field alone; an empty cell sets
the default, but an
empty password leaves the password. Called by the web and the commands. Bounds are those of `formats/csv_table.py`
and `geojson.py`.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from manara.access.who import Who
from manara.base.errors import FieldError, ManaraError
from manara.base.ids import new_id
from manara.formats import csv_table, geojson
from manara.network import rules, views
from manara.network.actions import TABLES, Row, apply, sealed
from manara.network.infrastructure.tables import Switch
from manara.network.references import References, judge
from manara.network.tables import Camera, Sector, Site, Town
from manara.store.act import Act
from manara.store.database import Database
from manara.store.secret import SecretBox

Format = Literal["csv", "geojson"]
ERRORS_SHOWN_MAX = 1000

_SAME = {
    "code": "code رمز الرمز كود الكود",
    "name_ar": "name_ar arabic_name الاسم اسم الاسم_العربي الاسم_بالعربية الاسم_عربي",
    "name_en": "name_en name english_name الاسم_الانجليزي الاسم_الانكليزي الاسم_بالانجليزية الاسم_بالانكليزية",
    "site": "site site_code موقع الموقع رمز_الموقع",
    "sector": "sector sector_code قاطع القاطع رمز_القاطع",
    "town": "town town_code مدينة المدينة بلدة البلدة قضاء القضاء رمز_المدينة",
    "switch": "switch switch_code المبدل رمز_المبدل المحول",
    "switch_port": "switch_port port منفذ المنفذ منفذ_المبدل",
    "supplier": "supplier contractor المجهز المورد المقاول",
    "kind": "kind type نوع النوع",
    "make": "make manufacturer vendor الشركة الشركة_المصنعة المصنع",
    "model": "model موديل الموديل الطراز",
    "main_url": "main_url url rtsp main_stream الرابط الرابط_الرئيسي رابط_البث البث_الرئيسي",
    "sub_url": "sub_url sub_stream الرابط_الفرعي البث_الفرعي",
    "onvif_url": "onvif_url onvif رابط_onvif",
    "username": "username user المستخدم اسم_المستخدم",
    "password": "password كلمة_المرور كلمة_السر",
    "transport": "transport النقل بروتوكول_النقل",
    "lat": "lat latitude خط_العرض العرض",
    "lon": "lon lng long longitude خط_الطول الطول",
    "heading_deg": "heading_deg heading azimuth الاتجاه زاوية_الاتجاه",
    "field_of_view_deg": "field_of_view_deg field_of_view fov مجال_الرؤية زاوية_الرؤية",
    "height_m": "height_m height الارتفاع",
    "range_m": "range_m range المدى",
    "purpose": "purpose الغرض الغاية",
    "record": "record recording التسجيل تسجيل",
    "sound": "sound audio الصوت صوت",
    "retention_days": "retention_days retention ايام_الحفظ مدة_الحفظ",
    "retention_bytes": "retention_bytes اقصى_حجم",
    "priority": "priority الاولوية",
    "enabled": "enabled active مفعلة مفعل فعالة",
    "notes": "notes note ملاحظات الملاحظات",
}
_REFERENCES = ("site", "sector", "town", "switch")


def fold(header: str) -> str:
    """A header without what differs between people who write it: case, marks, forms of alef, blanks."""
    text = unicodedata.normalize("NFKC", header).casefold().strip().strip("#*: ")
    text = "".join(c for c in text if not unicodedata.combining(c) and unicodedata.category(c) != "Cf" and c != "ـ")
    text = text.translate(str.maketrans("أإآىة", "ااايه"))
    return "_".join(text.replace("-", " ").replace("_", " ").split())


_HEADERS = {fold(word): name for name, words in _SAME.items() for word in words.split()}


@dataclass(slots=True)
class Parsed:
    """Loose values by field name with the row each came from; `ignored` are properties that mean nothing here."""

    rows: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    faults: list[FieldError] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Plan:
    added: list[dict[str, Any]] = field(default_factory=list)
    changed: list[tuple[Row, dict[str, Any]]] = field(default_factory=list)
    unchanged: int = 0
    faults: list[FieldError] = field(default_factory=list)


def columns(noun: str) -> list[str]:
    """The columns that a file of this noun may have, by their English names."""
    names = []
    for name in rules.FIELDS[noun]:
        if name != "boundary":
            names.append(name.removesuffix("_id"))
    return names


def parse(noun: str, data: bytes, form: Format) -> Parsed:
    """The rows of a file and all that is wrong with its form; values are judged later. Pure."""
    return _parse_csv(noun, data) if form == "csv" else _parse_geojson(noun, data)


def _parse_csv(noun: str, data: bytes) -> Parsed:
    table = csv_table.read(data)
    parsed = Parsed(faults=list(table.faults))
    allowed = set(columns(noun))
    names: list[str | None] = []
    for header in table.header:
        name = _HEADERS.get(fold(header))
        if not header:
            names.append(None)
        elif name not in allowed:
            names.append(None)
            parsed.faults.append(FieldError(header[:64], "is not a column that is known here", row=1))
        elif name in names:
            names.append(None)
            parsed.faults.append(FieldError(header[:64], f"says the same as another column ({name})", row=1))
        else:
            names.append(name)
    if table.header and "code" not in names:
        parsed.faults.append(FieldError("code", "has no column in this file", row=1))
    for row, cells in table.rows:
        parsed.rows.append((row, {name: cell for name, cell in zip(names, cells, strict=True) if name}))
    return parsed


def _parse_geojson(noun: str, data: bytes) -> Parsed:
    found = geojson.read(data)
    parsed = Parsed(faults=list(found.faults))
    allowed = set(columns(noun))
    ignored: set[str] = set()
    for feature in found.features:
        values: dict[str, Any] = {}
        for key, value in feature.properties.items():
            name = _HEADERS.get(fold(key))
            if name not in allowed or name in values:
                ignored.add(key[:64])
            else:
                values[name] = value
        if "code" not in values:
            parsed.faults.append(FieldError("code", "is not among the properties", row=feature.row))
        shape = feature.geometry
        if noun == "sector":
            if shape is not None:
                values["boundary"] = shape
        elif shape is not None and shape["type"] == "Point":
            values["lon"], values["lat"] = shape["coordinates"]
        elif shape is not None:
            parsed.faults.append(FieldError("geometry", f"is a {shape['type']}, not a Point", row=feature.row))
        parsed.rows.append((feature.row, values))
    parsed.ignored = sorted(ignored)[:100]
    return parsed


def import_data(
    database: Database,
    box: SecretBox,
    who: Who,
    at: datetime,
    noun: str,
    data: bytes,
    form: Format,
    *,
    dry_run: bool,
) -> dict[str, Any]:
    """Import `data` of cameras (`noun` "camera"), sites, towns or sectors.

    Returns `{ok, dry_run, added, updated, unchanged, errors: [{row, field, value, message}], errors_total, ignored}`.
    With any error nothing is changed. Importing the same file again gives only `unchanged`.
    """
    parsed = parse(noun, data, form)
    if dry_run:
        with database.read() as session:
            plan = _plan(session, box, who, noun, parsed)
    else:
        with database.read() as session:  # most bad files are found without holding up other writers
            plan = _plan(session, box, who, noun, parsed)
        if not plan.faults and (plan.added or plan.changed):
            with database.act(who, at) as act:
                plan = _plan(act.session, box, who, noun, parsed)
                if not plan.faults:
                    _commit(act, box, noun, plan)
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
        "ignored": parsed.ignored,
    }


def _commit(act: Act, box: SecretBox, noun: str, plan: _Plan) -> None:
    added = [{"id": new_id(), "changed_us": act.at_us, **sealed(box, values)} for values in plan.added]
    changed = [(row, sealed(box, values)) for row, values in plan.changed]
    apply(act, noun, added, changed)


def _plan(session: Session, box: SecretBox, who: Who, noun: str, parsed: Parsed) -> _Plan:
    plan = _Plan(faults=list(parsed.faults))
    references = References(session)
    table: Any = TABLES[noun]
    existing: dict[str, Row] = {row.code: row for row in session.scalars(select(table))}
    seen: dict[str, int] = {}
    scoped = noun in ("site", "camera")
    for _, raw in parsed.rows:
        named = existing.get(_code(raw.get("code")))
        if isinstance(named, Camera) and ("switch" in raw or "switch_port" in raw):
            references.release_port(named)
    for number, raw in parsed.rows:
        if len(plan.faults) > 10 * ERRORS_SHOWN_MAX:
            break
        values = dict(raw)
        if values.get("password") == "":
            del values["password"]
        faults = references.by_code(noun, values, number)
        code = _code(values.get("code"))
        before = existing.get(code)
        clean, wrong = judge(references, noun, values, row=number, before=before)
        faults += wrong
        if code and code in seen:
            faults.append(FieldError("code", f"stands already in row {seen[code]}", row=number, value=code))
        seen.setdefault(code, number)
        if scoped and before is not None and not who.may_see_sector(getattr(before, "sector_id", None)):
            faults.append(FieldError("code", "belongs to a sector that is not yours", row=number, value=code))
        elif (
            scoped and not faults and not who.may_see_sector(clean.get("sector_id", getattr(before, "sector_id", None)))
        ):
            faults.append(FieldError("sector", "would lie outside your sectors", row=number))
        if faults:
            plan.faults += faults
        elif before is None:
            plan.added.append(clean)
        else:
            changes = {name: value for name, value in clean.items() if _differs(box, before, name, value)}
            if changes:
                plan.changed.append((before, changes))
            else:
                plan.unchanged += 1
    plan.faults.sort(key=lambda fault: fault.row or 0)
    return plan


def _code(value: Any) -> str:
    try:
        return str(rules.FIELDS["camera"]["code"].parse(value))
    except rules.Fault:
        return ""  # judged as a fault of its field


def _differs(box: SecretBox, row: Row, name: str, value: Any) -> bool:
    if name != "password":
        return bool(getattr(row, name) != value)
    try:
        return bool(box.open(getattr(row, "password_sealed", "")) != value)
    except ManaraError:
        return True  # sealed with a lost key: the file's password replaces it


def export_csv(session: Session, noun: str, who: Who) -> bytes:
    """All rows that this person may see, as a CSV that imports again as `unchanged`. Passwords are never in it."""
    names = [name for name in columns(noun) if name != "password"]
    if noun == "camera" and not views.sees_addresses(who):
        names = [name for name in names if name not in (*rules.URL_FIELDS, "username")]
    codes: Mapping[str, dict[str, str]] = {
        name: {row.id: row.code for row in session.execute(select(table.id, table.code))}
        for name, table in (("site", Site), ("sector", Sector), ("town", Town), ("switch", Switch))
    }

    def cell(value: Mapping[str, Any], name: str) -> object:
        if name in _REFERENCES and f"{name}_id" in value:
            return codes[name].get(value[f"{name}_id"] or "")
        return value[name]

    rows = views.listing(session, noun, who)
    return csv_table.write(names, ([cell(value, name) for name in names] for value in rows))
