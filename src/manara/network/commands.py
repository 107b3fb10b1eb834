"""What the commands `manara import …` do for the network: read a file within bounds and hand it to `imports.py` or
`basemap.py`.

Each returns a report for the terminal and raises only `ManaraError`s. Called by `cli.py`; prints nothing itself.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from manara.access.who import Who
from manara.base.clock import to_us
from manara.base.errors import FieldError, InvalidInput
from manara.formats import csv_table
from manara.network import basemap
from manara.network.imports import Format, import_data
from manara.network.infrastructure.imports import import_csv
from manara.store.database import Database
from manara.store.secret import SecretBox


def import_cameras(
    database: Database, box: SecretBox, who: Who, at: datetime, path: Path, *, apply: bool
) -> dict[str, Any]:
    """Add and update cameras from a `.csv` or `.geojson`; without `apply` a dry run. Report as
    `imports.import_data`.
    """
    return _import(database, box, who, at, "camera", path, apply)


def import_sites(
    database: Database, box: SecretBox, who: Who, at: datetime, path: Path, *, apply: bool
) -> dict[str, Any]:
    """Add and update sites from a `.csv` or `.geojson`."""
    return _import(database, box, who, at, "site", path, apply)


def import_towns(
    database: Database, box: SecretBox, who: Who, at: datetime, path: Path, *, apply: bool
) -> dict[str, Any]:
    """Add and update towns from a `.csv` or `.geojson`."""
    return _import(database, box, who, at, "town", path, apply)


def import_sectors(
    database: Database,
    box: SecretBox,
    who: Who,
    at: datetime,
    path: Path,
    *,
    apply: bool,
    where: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """Make sectors of the polygons of a GeoJSON file (their names and codes are recognised); `where` chooses among
    them.
    """
    if path.suffix.lower() == ".csv":
        return _import(database, box, who, at, "sector", path, apply)
    read = basemap.read_file(path, where)
    if read.faults:
        raise InvalidInput(f"{path}: {len(read.faults)} faults.", code="area_invalid", fields=read.faults)
    features = [
        {
            "type": "Feature",
            "geometry": feature.geometry,
            "properties": {
                name: feature.properties[name] for name in ("code", "name_ar", "name_en") if name in feature.properties
            },
        }
        for feature in read.features
    ]
    data = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False).encode()
    return import_data(database, box, who, at, "sector", data, "geojson", dry_run=not apply)


def import_infrastructure(
    database: Database, box: SecretBox, who: Who, at: datetime, path: Path, *, apply: bool, noun: str
) -> dict[str, Any]:
    """Add and update power sources, cabinets, switches, links or telemetry devices from a `.csv`."""
    if path.suffix.lower() != ".csv":
        fault = FieldError("file", "must end in .csv")
        raise InvalidInput(f"{path}: is not .csv.", code="import_format", fields=[fault])
    return import_csv(database, box, who, at, noun, _read(path), dry_run=not apply)


def import_area(
    data_dir: Path, at: datetime, path: Path, *, where: tuple[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    """Put administrative areas on the base map; `more` as for `basemap.import_layer`."""
    return basemap.import_area(data_dir, path, where=where, at_us=to_us(at), **more)


def import_roads(data_dir: Path, at: datetime, path: Path, **more: Any) -> dict[str, Any]:
    """Put the roads of an OpenStreetMap extract on the base map; `more` as for `basemap.import_roads`."""
    return basemap.import_roads(data_dir, path, at_us=to_us(at), **more)


def import_layer(data_dir: Path, at: datetime, path: Path, kind: str, **more: Any) -> dict[str, Any]:
    """Put rivers, water, towns' ground or places on the base map."""
    return basemap.import_layer(data_dir, path, kind, at_us=to_us(at), **more)


def _import(
    database: Database, box: SecretBox, who: Who, at: datetime, noun: str, path: Path, apply: bool
) -> dict[str, Any]:
    forms: dict[str, Format] = {".csv": "csv", ".geojson": "geojson", ".json": "geojson"}
    form = forms.get(path.suffix.lower())
    if form is None:
        raise InvalidInput(
            f"{path}: is neither .csv nor .geojson.",
            code="import_format",
            fields=[FieldError("file", "must end in .csv or .geojson")],
        )
    return import_data(database, box, who, at, noun, _read(path), form, dry_run=not apply)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(csv_table.MAX_BYTES + 1)  # one more, so that the reader says that it is too large
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be read: {error.strerror}.", code="import_unreadable") from error
