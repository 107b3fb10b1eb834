"""`manara import …`: files of cameras, sites, towns and sectors from the command line. Without `apply` it only says."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from manara.access.who import Who
from manara.app.data import Folders, open_state
from manara.base.clock import Clock, to_datetime
from manara.base.errors import InvalidInput
from manara.network.imports import import_data
from manara.settings import Settings
from manara.store.secret import SecretBox

_NOUNS = {"cameras": "camera", "sites": "site", "towns": "town", "sectors": "sector"}
KINDS = (*_NOUNS,)
MAX_BYTES = 64 * 1024 * 1024
_BODY = Who.system("command line")


def run(settings: Settings, clock: Clock, what: str, file: Path, *, apply: bool, say: Callable[[str], None]) -> int:
    """Import one file; every fault is said with its row and field. Returns 1 where there was one."""
    if file.stat().st_size > MAX_BYTES:
        raise InvalidInput(f"{file} is larger than {MAX_BYTES // 1024 // 1024} MB.", code="file_too_large")
    form: Literal["csv", "geojson"] = "geojson" if file.suffix.lower() in (".geojson", ".json") else "csv"
    folders = Folders.of(settings)
    database = open_state(settings)
    try:
        answer = import_data(
            database,
            SecretBox.from_file(folders.key),
            _BODY,
            to_datetime(clock.wall_us()),
            _NOUNS[what],
            file.read_bytes(),
            form,
            dry_run=not apply,
        )
    finally:
        database.close()
    for error in answer["errors"]:
        row = "" if error["row"] is None else f"row {error['row']}, "
        value = "" if error["value"] in (None, "") else f" ({error['value']!r})"
        say(f"{row}{error['field']}: {error['message']}{value}")
    if answer["ignored"]:
        say(f"columns that are not ours and were left out: {', '.join(answer['ignored'])}")
    verb = "" if apply and answer["ok"] else "would be "
    say(f"{answer['added']} {verb}added, {answer['updated']} {verb}changed, {answer['unchanged']} as they are")
    if not answer["ok"]:
        say(f"{answer['errors_total']} faults: nothing was changed")
        return 1
    if not apply:
        say("nothing was changed; do it with --apply")
    return 0
