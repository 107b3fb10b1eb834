"""`manara import …`: network and base map from files. Network files only say what they would do, without `apply`."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from manara.access.who import Who
from manara.app.data import open_state
from manara.app.folders import Folders
from manara.base.clock import Clock, to_datetime
from manara.base.errors import InvalidInput
from manara.network import commands
from manara.network.infrastructure.rules import PLURALS
from manara.settings import Settings
from manara.store.secret import SecretBox

_NETWORK: dict[str, Callable[..., dict[str, Any]]] = {
    "cameras": commands.import_cameras,
    "sites": commands.import_sites,
    "towns": commands.import_towns,
    "sectors": commands.import_sectors,
}
_NETWORK |= {plural: partial(commands.import_infrastructure, noun=noun) for plural, noun in PLURALS.items()}
_LAYERS = ("water", "rivers", "places")
KINDS = (*_NETWORK, "area", "roads", *_LAYERS)
_BODY = Who.system("command line")
Say = Callable[[str], None]


def run(settings: Settings, clock: Clock, what: str, file: Path, *, where: str | None, apply: bool, say: Say) -> int:
    """Import one file; every fault is said with its row and field. Returns 1 where there was one.

    `where` is `PROPERTY=VALUE`: of sectors and layers only features that have it. Raises `InvalidInput`.
    """
    chosen = _chosen(where)
    if what in _NETWORK:
        return _network(settings, clock, what, file, chosen, apply=apply, say=say)
    folders, at = Folders.of(settings), to_datetime(clock.wall_us())
    if what == "roads":
        entry = commands.import_roads(folders.data, at, file)
    elif what == "area":
        entry = commands.import_area(folders.data, at, file, where=chosen)
    else:
        entry = commands.import_layer(folders.data, at, file, what, where=chosen)
    say(f"{what}: {entry.get('features', '?')} features are on the base map")
    if entry.get("left_out"):
        say(f"{entry['left_out']} were left out: their points are not in the file")
    return 0


def _chosen(where: str | None) -> tuple[str, str] | None:
    if where is None:
        return None
    name, sign, value = where.partition("=")
    if not sign or not name:
        raise InvalidInput(f"--where {where}: write PROPERTY=VALUE.", code="where_invalid")
    return name, value


def _network(
    settings: Settings, clock: Clock, what: str, file: Path, where: tuple[str, str] | None, *, apply: bool, say: Say
) -> int:
    box = SecretBox.from_file(Folders.of(settings).key)
    database = open_state(settings)
    more: dict[str, Any] = {"where": where} if what == "sectors" else {}
    if where is not None and not more:
        raise InvalidInput("--where is for sectors and layers of the base map.", code="where_invalid")
    try:
        answer = _NETWORK[what](database, box, _BODY, to_datetime(clock.wall_us()), file, apply=apply, **more)
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
