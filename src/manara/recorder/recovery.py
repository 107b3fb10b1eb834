"""After a crash: make disks and index agree again, keep every whole fragment, say what is missing and why.

Runs before recording begins, and again for a disk that comes back. Only what the crash may have touched is read: open
rows from their last checkpoint, rows being deleted, and files without a row in the newest day folders. `doctor.py`
walks everything. Whole fragments are proved by their chain hash; the torn tail is cut off.
"""

import itertools
import logging
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from manara.base.ids import new_id
from manara.formats.fmp4 import NO_HASH, Fmp4Error
from manara.formats.fmp4_read import FragmentHead, init_bytes, scan
from manara.recorder import index as rows
from manara.recorder.gop_table import Row, pack, unpack
from manara.recorder.index import IndexWriter, Segment
from manara.recorder.segments import STEP_US

logger = logging.getLogger(__name__)

MARKER = ".manara-disk"
_HASHED_TAIL_BYTES = 64 << 20  # of a file without a checkpoint, this much of its end is proved by hash
_NEWEST_DAYS = 2
_LAST_SEGMENTS = 20
_TORN_INIT_BYTES = 65_536


class DiskMissing(OSError):
    """The folder is there, but it is not the disk it was: it is not mounted."""


def claim_disk(folder: Path, known: str) -> str:
    """The mark of the disk at `folder`, made if the disk is new (`known` is empty). Raises `DiskMissing`, `OSError`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / MARKER
    try:
        found = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        if known:
            raise DiskMissing(2, "its mark is missing: the disk is not mounted", str(folder)) from None
        found = new_id()
        path.write_text(found + "\n", encoding="ascii")
    return found


def boot_id() -> str:
    """Changes with every start of the machine; empty where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def mend_file(
    path: Path, from_bytes: int, chain: bytes, *, cut: bool = True, hash_all: bool = False
) -> tuple[int, list[tuple[int, FragmentHead]]]:
    """Prove a torn file from `from_bytes` on (0: from its start), cut off what is not whole.

    Returns where it ends now and the fragments found from there. `chain` is the hash before `from_bytes`. Raises
    `Fmp4Error` where not even the init section is whole, `OSError`.
    """
    fd = os.open(path, (os.O_RDWR if cut else os.O_RDONLY) | os.O_CLOEXEC)
    try:
        size = os.fstat(fd).st_size

        def read(offset: int, count: int) -> bytes:
            return os.pread(fd, count, offset)

        start = from_bytes or init_bytes(read)
        end, found = start, []
        for offset, head in scan(read, start, size):
            if from_bytes and head.previous != chain:
                break
            if from_bytes or hash_all or offset >= size - _HASHED_TAIL_BYTES:
                payload = read(offset + head.head_bytes, head.payload_bytes)
                if not head.proves(payload):
                    break
            found.append((offset, head))
            chain, end = head.hash, offset + head.total_bytes
        if cut and end < size:
            os.ftruncate(fd, end)
            os.fsync(fd)
        return end, found
    finally:
        os.close(fd)


def table_rows(found: Iterable[tuple[int, FragmentHead]]) -> list[Row]:
    """Fragments of a file as rows of its table."""
    return [Row(at, h.total_bytes, h.wall_us, h.duration, len(h.sizes), h.key) for at, h in found]


def mended(segment: Segment, packed: bytes, *, cut: bool = True) -> tuple[Segment, bytes] | None:
    """The closed row of a segment whose file was left open; None where nothing of it is whole. Raises `OSError`."""
    known = unpack(packed, segment.start_us, segment.init_bytes)
    size = segment.path.stat().st_size
    try:
        if known and size >= segment.size_bytes:
            _, found = mend_file(segment.path, segment.size_bytes, segment.chain, cut=cut)
            table = known + table_rows(found)
            before, chain = segment.chain_before, found[-1][1].hash if found else segment.chain
            start = segment.init_bytes
        else:
            _, found = mend_file(segment.path, 0, NO_HASH, cut=cut)
            table = table_rows(found)
            if not table:
                return None
            before, chain, start = found[0][1].previous, found[-1][1].hash, table[0].offset
    except Fmp4Error:
        return None
    last = table[-1]
    row = replace(
        segment,
        state=1,
        start_us=table[0].wall_us,
        end_us=last.end_us,
        size_bytes=last.offset + last.size_bytes,
        frames=sum(r.frames for r in table),
        init_bytes=start,
        chain_before=before,
        chain=chain,
    )
    return row, pack(table, row.start_us)


def adopt(disk: Path, name: str, *, cut: bool = True) -> tuple[Segment, bytes] | None:
    """The row of a file that the index does not know; None where nothing of it is whole. Raises `OSError`."""
    camera_id, stream = name.split("/")[:2]
    blank = Segment(0, camera_id, stream, str(disk), name, 0, 0, 0, 0, 0, 0, NO_HASH, NO_HASH)
    return mended(blank, b"", cut=cut)


def _newest_files(disk: Path) -> Iterable[str]:
    """Names of all files in the newest day folders of every stream."""
    for stream in disk.glob("*/*"):
        if not stream.is_dir():
            continue
        for day in sorted((d for d in stream.iterdir() if d.is_dir()), reverse=True)[:_NEWEST_DAYS]:
            for path in day.iterdir():
                yield str(path.relative_to(disk))


def finish_deletions(index: IndexWriter, db: sqlite3.Connection, disk: Path, counts: Counter[str]) -> None:
    """Remove the files of rows that were being deleted, then the rows. Raises `OSError`, `sqlite3.Error`."""
    doomed = rows.segments_where(db, "d.path=? AND s.state=2", (str(disk),))
    for segment in doomed:
        segment.path.unlink(missing_ok=True)
    if doomed:
        index.call(lambda w: rows.remove_segments(w, doomed)).result()
    counts["deletions_finished"] += len(doomed)


def recover_disk(index: IndexWriter, db: sqlite3.Connection, disk: Path, in_use: set[str]) -> Counter[str]:
    """Mend one disk; `in_use` are names of files that are being written now. Raises `OSError`, `sqlite3.Error`."""
    counts: Counter[str] = Counter()
    made: list[tuple[Segment, bytes]] = []
    gone: list[Segment] = []
    finish_deletions(index, db, disk, counts)
    for segment in rows.segments_where(db, "d.path=? AND s.state=0", (str(disk),)):
        if segment.name in in_use:
            continue
        _finish_rename(segment)
        result = mended(segment, rows.packed_of(db, segment.id)) if segment.path.exists() else None
        if result is None:
            if segment.path.exists():
                _set_aside(segment.path, counts)
            gone.append(segment)
        else:
            made.append(result)
            counts["segments_mended"] += 1

    def write(w: sqlite3.Connection) -> None:
        for row, packed in made:
            rows.put_segment(w, row, packed)
        rows.remove_segments(w, gone)

    index.call(write).result()  # all at once: a commit a camera would make the restart wait for the disk of the index
    for name in list(_newest_files(disk)):
        if name in in_use or db.execute("SELECT 1 FROM segment WHERE name=?", (name,)).fetchone():
            continue
        adopt_or_remove(index, db, disk, name, counts)
    if counts:
        logger.info("disk recovered", extra={"disk": str(disk), **counts})
    return counts


def _set_aside(path: Path, counts: Counter[str]) -> None:
    """Remove a file that holds no whole fragment; one that is large and not of our form is kept for a person to see."""
    with path.open("rb") as file:
        try:
            init_bytes(lambda offset, count: os.pread(file.fileno(), count, offset))
            ours = True
        except Fmp4Error:
            ours = os.fstat(file.fileno()).st_size < _TORN_INIT_BYTES
    if ours:
        path.unlink()
        counts["empty_removed"] += 1
    else:
        path.rename(path.with_suffix(".damaged"))
        counts["files_damaged"] += 1
        logger.error("not a segment of ours, set aside", extra={"path": str(path.with_suffix(".damaged"))})


def _finish_rename(segment: Segment) -> None:
    """A file that retention rewrote and was not renamed before the crash."""
    part = segment.path.with_suffix(".part")
    if not segment.path.exists() and part.exists():
        part.rename(segment.path)


def adopt_or_remove(index: IndexWriter, db: sqlite3.Connection, disk: Path, name: str, counts: Counter[str]) -> None:
    """Take a file without a row into the index, or put away what is none. Raises `OSError`, `sqlite3.Error`."""
    path = disk / name
    if name.endswith(".part"):
        final = str(Path(name).with_suffix(".mp4"))
        if db.execute("SELECT 1 FROM segment WHERE name=?", (final,)).fetchone() and not (disk / final).exists():
            path.rename(disk / final)
            return
        path.unlink(missing_ok=True)
        counts["parts_removed"] += 1
        return
    if not name.endswith(".mp4"):
        return
    result = adopt(disk, name)
    if result is None:
        _set_aside(path, counts)
        return
    row, packed = result
    index.call(lambda w: rows.put_segment(w, row, packed)).result()
    counts["files_adopted"] += 1


def note_crash(index: IndexWriter, cause: str) -> int:
    """Open a gap for every stream that was being recorded when the process died. Returns how many.

    A hole just before, whose own gap was still on its way to the index when the process died, gets the same cause.
    """

    def note(db: sqlite3.Connection) -> int:
        torn = db.execute(
            "SELECT id FROM stream t WHERE NOT EXISTS (SELECT 1 FROM gap g WHERE g.stream=t.id AND g.end_us=?)",
            (rows.OPEN_END_US,),
        ).fetchall()
        found = 0
        for (stream,) in torn:
            last = db.execute(
                "SELECT start_us, end_us FROM segment WHERE stream=? AND state<2 ORDER BY start_us DESC LIMIT ?",
                (stream, _LAST_SEGMENTS),
            ).fetchall()
            holes = [
                (before[1], after[0])
                for after, before in itertools.pairwise(last)
                if after[0] > before[1] + STEP_US and not _has_gap(db, stream, before[1], after[0])
            ]
            if last:
                found += 1
                holes.append((max(end_us for _, end_us in last), rows.OPEN_END_US))
            db.executemany(
                "INSERT INTO gap (stream, start_us, end_us, cause) VALUES (?,?,?,?)",
                [(stream, start_us, end_us, cause) for start_us, end_us in holes],
            )
        return found

    return index.call(note).result()


def _has_gap(db: sqlite3.Connection, stream: int, start_us: int, end_us: int) -> bool:
    query = "SELECT 1 FROM gap WHERE stream=? AND end_us>? AND start_us<?"
    return db.execute(query, (stream, start_us, end_us)).fetchone() is not None
