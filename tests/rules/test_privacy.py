"""Manara identifies nobody and follows nobody: no schema has a field that could hold who a person in a picture is.

Walks the tables of the state, the recorders' indexes, the messages and the settings. A new field whose name is caught
here is either renamed, because it means something else, or it does not belong into Manara (`mission.md`).
"""

import importlib
import pkgutil
import re
import typing
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from pydantic import BaseModel

import manara
from manara import messages
from manara.recorder.index import connect
from manara.settings import Settings
from manara.store.database import Base

IDENTIFYING = re.compile(
    r"""(?:^|_)(?:
        face|faces|facial|gait|iris|fingerprint|biometric\w*|embedding\w*|appearance|
        plate|plates|licence|license|number_plate|vin|
        person_id|people_id|suspect\w*|subject_name|national_id|passport|identity|identities|
        reid|re_identification|track_id|tracklet\w*|watch_?list\w*|blacklist\w*|
        ethnicity|religion|sect|gender|sex|age|emotion|skin|race|score_of_person|person_score
    )(?:_|$)""",
    re.VERBOSE | re.IGNORECASE,
)


def fields_of_tables() -> Iterator[str]:
    for found in pkgutil.walk_packages(manara.__path__, "manara."):
        if found.name.endswith("tables"):
            importlib.import_module(found.name)
    for table in Base.metadata.tables.values():
        yield table.name
        for column in table.columns:
            yield f"{table.name}.{column.name}"


def fields_of_index(file: Path) -> Iterator[str]:
    connection = connect(file)
    try:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        for table in tables:
            yield table
            for row in connection.execute(f"PRAGMA table_info({table})"):
                yield f"{table}.{row[1]}"
    finally:
        connection.close()


def fields_of_messages() -> Iterator[str]:
    for kind in vars(messages).values():
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            for field in msgspec.structs.fields(kind):
                yield f"{kind.__name__}.{field.name}"


def fields_of_settings() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        for key in typing.cast(type[BaseModel], field.annotation).model_fields:
            yield f"{name}.{key}"


def identifying(names: Iterator[str]) -> list[str]:
    listed = list(names)
    assert listed, "there is nothing to look at: the walk is broken"
    return [name for name in listed if IDENTIFYING.search(name.rpartition(".")[2])]


def test_no_field_of_the_state_identifies() -> None:
    assert not identifying(fields_of_tables())


def test_no_field_of_the_index_identifies(tmp_path: Path) -> None:
    assert not identifying(fields_of_index(tmp_path / "index.sqlite"))


def test_no_field_of_a_message_identifies() -> None:
    assert not identifying(fields_of_messages())


def test_no_setting_identifies() -> None:
    assert not identifying(fields_of_settings())


@pytest.mark.parametrize("name", ["face_id", "plate", "person_id", "track_id", "watchlist", "national_id", "gender"])
def test_such_a_field_would_be_caught(name: str) -> None:
    assert identifying(iter([f"thing.{name}"]))


@pytest.mark.parametrize("name", ["camera_id", "surface", "template", "message_id", "percentage", "session_id"])
def test_an_innocent_one_is_not(name: str) -> None:
    assert not identifying(iter([f"thing.{name}"]))
