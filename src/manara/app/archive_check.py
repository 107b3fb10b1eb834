"""`manara verify FILE`: an export, checked offline; and `manara doctor --archive`: recordings against their index."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from manara.base.errors import ManaraError
from manara.recorder.doctor import check_archive
from manara.recorder.verify import verify
from manara.settings import Settings

_PROBLEMS_SHOWN = 50


def verify_file(file: Path, say: Callable[[str], None]) -> int:
    """Check an export; 0 where it is whole and unchanged. Raises `OSError` where it cannot be read."""
    report = verify(file)
    for name, value in (
        ("export", report.export_id),
        ("cameras", ", ".join(report.cameras)),
        ("from", report.start),
        ("to", report.end),
        ("by", report.who),
        ("reason", report.why),
        ("content", report.content_sha256),
    ):
        if value:
            say(f"{name:>8}: {value}")
    for problem in report.problems[:_PROBLEMS_SHOWN]:
        say(f"WRONG: {problem}")
    if len(report.problems) > _PROBLEMS_SHOWN:
        say(f"… and {len(report.problems) - _PROBLEMS_SHOWN} more")
    if report.ok:
        say(f"whole and unchanged: {report.files} files, {report.fragments} fragments fit")
        return 0
    if not report.problems:
        say("WRONG: there is nothing in it to check")
    return 1


def check(settings: Settings, *, mend: bool, deep: bool, say: Callable[[str], None]) -> int:
    """Compare every recorder's index with its disks, and mend where told to; 0 where all fits, or was mended.

    Mending is refused while the recorder of an index runs. `deep` reads every fragment.
    """
    indexes = sorted((settings.data.directory / "index").glob("*.sqlite"))
    wrong = sum(_check_one(index, mend=mend, deep=deep, say=say) for index in indexes)
    if not indexes:
        say("nothing was ever recorded here")
    elif not wrong:
        say("index and disks fit: no orphan files, no orphan rows")
    elif not mend:
        say("stop Manara and run it with --mend to put this right; no footage is removed by that")
    return 1 if wrong else 0


def _check_one(index: Path, *, mend: bool, deep: bool, say: Callable[[str], None]) -> int:
    """How many problems are left."""
    try:
        report = check_archive(None, index, mend=mend, deep=deep)
    except (ManaraError, sqlite3.Error, ValueError) as error:
        say(f"WRONG: {index.name}: {error}")
        return 1
    say(f"{index.stem}: {report.segments} segments in the index, {report.files} files, {report.bytes / 1e9:.2f} GB")
    for problem in report.problems[:_PROBLEMS_SHOWN]:
        say(f"WRONG: {problem}")
    found = sum(report.counts.values())
    if found > _PROBLEMS_SHOWN:
        say(f"… and {found - _PROBLEMS_SHOWN} more")
    if mend and found:
        say("mended: " + ", ".join(f"{kind} {count}" for kind, count in sorted(report.mended.items())))
        found = sum(check_archive(None, index, deep=deep).counts.values())
    return found
