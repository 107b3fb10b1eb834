"""`manara verify FILE`: an export, checked offline; and `manara doctor --archive`: recordings against their index."""

from collections.abc import Callable
from pathlib import Path

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


def check(settings: Settings, *, mend: bool, say: Callable[[str], None]) -> int:
    """Compare every index with its disks."""
    del settings, mend
    say("the archive cannot be checked yet")
    return 1
