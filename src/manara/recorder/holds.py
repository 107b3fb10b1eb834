"""Holds: spans of footage that retention must leave alone, exact to the fragment (a GOP). Called by the janitors.

A segment that is held in part and must go is copied: the held fragments, byte for byte, into new files that take its
place in one transaction. Fragments carry the hash before them, so a copy proves itself as the original did.
"""

import os
import sqlite3
from dataclasses import replace
from pathlib import Path

from manara.base.ids import new_id
from manara.formats.fmp4_read import read_head
from manara.recorder import index as rows
from manara.recorder.disks import DiskIO, write_all
from manara.recorder.gop_table import Row, pack, unpack
from manara.recorder.index import IndexWriter, Segment

Span = tuple[int, int]


def held_spans(holds: list[tuple[str, str, int, int]]) -> dict[str, list[Span]]:
    """(hold, camera, start µs, end µs) as spans by camera."""
    spans: dict[str, list[Span]] = {}
    for _, camera_id, start_us, end_us in holds:
        spans.setdefault(camera_id, []).append((start_us, end_us))
    return spans


def touches(spans: list[Span], start_us: int, end_us: int) -> bool:
    """Whether any span holds some of [start_us, end_us]."""
    return any(start < end_us and end > start_us for start, end in spans)


def held_runs(table: list[Row], spans: list[Span]) -> list[list[Row]]:
    """The fragments that must stay, in unbroken runs. With a fragment stay those before it back to its key frame."""
    keep = [touches(spans, row.wall_us, row.end_us) for row in table]
    for at in range(len(table) - 1, 0, -1):
        if keep[at] and not table[at].key:
            keep[at - 1] = True
    runs: list[list[Row]] = []
    for at, row in enumerate(table):
        if not keep[at]:
            continue
        if at and keep[at - 1]:
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs


def trim(index: IndexWriter, db: sqlite3.Connection, io: DiskIO, segment: Segment, spans: list[Span]) -> int | None:
    """Put copies of the held parts of `segment` in its place, so that it may be deleted.

    Returns the bytes of the copies, or None where all of it is held. A crash leaves either the whole or the copies
    (`.part` files without a row are removed by recovery, those with one renamed). Raises `OSError`, `sqlite3.Error`.
    """
    table = unpack(rows.packed_of(db, segment.id), segment.start_us, segment.init_bytes)
    runs = held_runs(table, spans)
    if not table or sum(len(run) for run in runs) == len(table):
        return None
    made: list[tuple[Path, Segment, bytes]] = []
    fd = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        for run in runs:
            made.append(_copy(io, fd, segment, run))
    finally:
        os.close(fd)
    io.sync_folder(segment.path.parent)

    def swap(w: sqlite3.Connection) -> None:
        for _, row, packed in made:
            rows.put_segment(w, row, packed)
        rows.mark_deleting(w, [segment])

    index.call(swap).result()
    for part, row, _ in made:
        part.rename(row.path)
    io.sync_folder(segment.path.parent)
    return sum(row.size_bytes for _, row, _ in made)


def _copy(io: DiskIO, fd: int, segment: Segment, run: list[Row]) -> tuple[Path, Segment, bytes]:
    """Write one run of fragments, synced, to a `.part` file. Returns it, and the row it will have."""

    def read(offset: int, count: int) -> bytes:
        return os.pread(fd, count, offset)

    first, last = run[0], run[-1]
    folder = Path(segment.name).parent
    name = folder / f"{first.wall_us}-{new_id()}.mp4"
    part = Path(segment.disk) / name.with_suffix(".part")
    out = io.open_new(part)
    try:
        write_all(io, out, [read(0, segment.init_bytes)])
        for row in run:
            data = read(row.offset, row.size_bytes)
            if len(data) != row.size_bytes:
                raise OSError(5, "shorter than its table says", str(segment.path))
            write_all(io, out, [data])
        os.fsync(out)
    except OSError:
        io.unlink(part)
        raise
    finally:
        io.close(out)
    moved, at = [], segment.init_bytes
    for row in run:
        moved.append(row._replace(offset=at))
        at += row.size_bytes
    copy = replace(
        segment,
        name=str(name),
        state=1,
        start_us=first.wall_us,
        end_us=last.end_us,
        size_bytes=at,
        frames=sum(row.frames for row in run),
        chain_before=read_head(read, first.offset).previous,
        chain=read_head(read, last.offset).hash,
    )
    return part, copy, pack(moved, first.wall_us)
