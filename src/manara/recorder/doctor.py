"""Does the index fit the disks? `manara doctor --archive` reports every orphan of either kind, and mends when told to.

Reads all names and sizes, not the footage (`deep=True` proves every fragment by its hash). To be run while the
recorder of this index is stopped; while it runs, what it is writing just now may be reported. Never removes footage:
what is not in the index is taken in, what is no segment of ours is set aside as `.damaged`; only rows without a file
and empty files go.
"""

import os
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from manara.recorder import index as rows
from manara.recorder.index import IndexWriter
from manara.recorder.recovery import adopt_or_remove, claim_disk, finish_deletions, mend_file, recover_disk

_SHOWN = 200


@dataclass(slots=True)
class ArchiveReport:
    """What was found; `mended` counts what was done about it. At most `_SHOWN` problems are listed, all are counted."""

    segments: int = 0
    files: int = 0
    bytes: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    mended: Counter[str] = field(default_factory=Counter)

    @property
    def ok(self) -> bool:
        """Whether index and disks fit."""
        return not self.counts

    def add(self, kind: str, text: str) -> None:
        """Note a problem."""
        self.counts[kind] += 1
        if len(self.problems) < _SHOWN:
            self.problems.append(text)


def check_archive(
    disks: list[Path] | None, index_path: Path, *, mend: bool = False, deep: bool = False
) -> ArchiveReport:
    """Compare the folders of recordings with one index; `disks` None: all that the index knows.

    Raises `sqlite3.Error`, `ValueError` (another version), `Unavailable` where it shall mend while the recorder runs.
    """
    report = ArchiveReport()
    lock_fd = rows.lock(index_path, 0.0) if mend else -1
    writer = IndexWriter(index_path) if mend else None
    db = rows.connect_read_only(index_path)
    try:
        if disks is None:
            disks = [Path(path) for (path,) in db.execute("SELECT path FROM disk ORDER BY path")]
        for disk in disks:
            try:
                _check_disk(report, db, disk.absolute(), writer, deep=deep)
            except OSError as error:
                report.add("disk_unreadable", f"{disk}: {error}")
    finally:
        db.close()
        if writer is not None:
            writer.stop(30.0)
            os.close(lock_fd)
    return report


def _check_disk(
    report: ArchiveReport, db: sqlite3.Connection, disk: Path, writer: IndexWriter | None, *, deep: bool
) -> None:
    known = db.execute("SELECT value FROM memory WHERE key=?", (f"disk:{disk}",)).fetchone()
    if known:
        claim_disk(disk, known[0].decode())
    gone: list[tuple[int]] = []
    for segment in rows.segments_where(db, "d.path=? ORDER BY s.name", (str(disk),)):
        report.segments += 1
        try:
            size = segment.path.stat().st_size
        except FileNotFoundError:
            if segment.state == 2:
                report.add("deletion_unfinished", f"{segment.name}: was being deleted")
            else:
                report.add("row_without_file", f"{segment.name}: in the index, not on the disk")
                gone.append((segment.id,))
            continue
        report.bytes += size
        if segment.state == 2:
            report.add("deletion_unfinished", f"{segment.name}: was being deleted")
        elif segment.state == 0:
            report.add("segment_open", f"{segment.name}: was not closed")
        elif size != segment.size_bytes:
            report.add("size_differs", f"{segment.name}: {size} bytes, the index says {segment.size_bytes}")
            if writer is not None:
                _reopen(writer, segment.id)
        elif deep and mend_file(segment.path, 0, b"", cut=False, hash_all=True)[0] != size:
            report.add("fragment_damaged", f"{segment.name}: a fragment does not fit its hash")
    strangers = _strangers(report, db, disk)
    if writer is None:
        return
    if gone:
        writer.call(lambda w: w.executemany("DELETE FROM segment WHERE id=?", gone)).result()
        report.mended["rows_removed"] += len(gone)
    finish_deletions(writer, db, disk, report.mended)
    for name in strangers:
        adopt_or_remove(writer, db, disk, name, report.mended)
    report.mended.update(recover_disk(writer, db, disk, set()))
    report.mended += Counter()  # leave out what is zero


def _reopen(writer: IndexWriter, segment_id: int) -> None:
    """Have a segment read again from its start."""
    reset = "UPDATE segment SET state=0, packed=x'', bytes=init_bytes WHERE id=?"
    writer.call(lambda w: w.execute(reset, (segment_id,))).result()


def _strangers(report: ArchiveReport, db: sqlite3.Connection, disk: Path) -> list[str]:
    """Names of files that the index does not know."""
    found = []
    for path in disk.glob("*/*/*/*"):
        name = str(path.relative_to(disk))
        report.files += 1
        if path.suffix == ".damaged":
            report.add("file_damaged", f"{name}: set aside earlier, no segment that can be read")
        elif db.execute("SELECT 1 FROM segment WHERE name=?", (name,)).fetchone() is None:
            report.add("file_without_row", f"{name}: on the disk, not in the index")
            found.append(name)
    return found
