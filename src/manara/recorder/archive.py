"""Reading the archive: what is there when, and the boxes themselves from the files. Decodes only for a snapshot.

Used by the control process on the index files of the recorders of this machine, read-only, while they write; also by
export and by the command line. Knows neither people nor rights: the routes decide who may. Any thread; a connection a
thread. Bounds: at most `MAX_ROWS` fragments are planned for one request, at most `MAX_GOP_BYTES` are decoded for a
snapshot.
"""

import io
import logging
import os
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

import av
from PIL import Image

from manara.base.errors import NotFound
from manara.formats.fmp4 import Fmp4Error, fragment_boxes
from manara.formats.fmp4_read import FragmentHead, read_head, scan
from manara.formats.frames import Fragment
from manara.recorder import index as rows
from manara.recorder.gop_table import Row, unpack
from manara.recorder.index import Gap, Segment
from manara.recorder.recovery import table_rows
from manara.recorder.segments import STEP_US

logger = logging.getLogger(__name__)
T = TypeVar("T")

MAX_ROWS = 200_000
MAX_GOP_BYTES = 64 << 20
_CHUNK_BYTES = 1 << 20
_LOOK_BACK_US = 60 * 1_000_000  # how far before a time its key frame is looked for
_NEAR_US = 1_000_000
_OVERLAP_US = 200_000
_MAX_TAILS = 1000


@dataclass(frozen=True, slots=True)
class Held:
    """A hold as a timeline shows it."""

    hold_id: str
    start_us: int
    end_us: int


@dataclass(slots=True)
class Timeline:
    """What there is of a stream within a span. All times UTC µs."""

    spans: list[tuple[int, int]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    holds: list[Held] = field(default_factory=list)
    earliest_us: int | None = None
    latest_us: int | None = None


class Piece(NamedTuple):
    """One fragment: which file, and where in it."""

    segment: Segment
    row: Row


@dataclass(frozen=True, slots=True)
class Plan:
    """The fragments of an answer, in order; `next_us` is where to go on when the limit cut it (None: complete)."""

    pieces: list[Piece]
    next_us: int | None = None

    @property
    def size_bytes(self) -> int:
        """Of the fragments, without init sections."""
        return sum(piece.row.size_bytes for piece in self.pieces)


class Archive:
    """The recordings of this machine."""

    def __init__(self, index_paths: Sequence[Path] | Callable[[], Sequence[Path]]) -> None:
        """`index_paths`: one index a recorder process, or a function that lists them now; those absent are left out."""
        self._paths = index_paths if callable(index_paths) else (lambda: index_paths)
        self._local = threading.local()
        self._lock = threading.Lock()
        self.errors = 0  # index files that could not be read, counted
        self._tails: OrderedDict[str, list[Row]] = OrderedDict()

    # The index files.

    def _ask(self, camera_id: str, stream: str, question: Callable[[sqlite3.Connection], T]) -> list[T]:
        """The answers of the index files that know a stream. One that cannot be read is left out and told."""
        known: dict[Path, sqlite3.Connection] = self._local.__dict__.setdefault("known", {})
        answers: list[T] = []
        for path in self._paths():
            try:
                if path not in known:
                    if not path.exists():
                        continue
                    known[path] = rows.connect_read_only(path)
                if rows.knows(known[path], camera_id, stream):
                    answers.append(question(known[path]))
            except (sqlite3.Error, ValueError) as error:
                logger.error("index not read", extra={"index": str(path), "error": str(error)})
                self.errors += 1
                broken = known.pop(path, None)
                if broken is not None:
                    broken.close()
        return answers

    def _rows(self, segment: Segment, packed: bytes) -> list[Row]:
        """The table of a segment; of an open one also what has been written since, from the file."""
        table = unpack(packed, segment.start_us, segment.init_bytes)
        if segment.state != 0:
            with self._lock:
                self._tails.pop(segment.name, None)
            return table
        with self._lock:
            cached = self._tails.get(segment.name, [])
        table = cached if len(cached) > len(table) else table
        at = table[-1].offset + table[-1].size_bytes if table else segment.init_bytes
        try:
            with segment.path.open("rb") as file:
                fd = file.fileno()
                table = table + table_rows(
                    scan(lambda offset, count: os.pread(fd, count, offset), at, os.fstat(fd).st_size)
                )
        except OSError as error:
            logger.warning("open segment not read", extra={"segment": segment.name, "error": str(error)})
            return table
        with self._lock:
            self._tails[segment.name] = table
            self._tails.move_to_end(segment.name)
            while len(self._tails) > _MAX_TAILS:
                self._tails.popitem(last=False)
        return table

    def _pieces(self, camera_id: str, stream: str, from_us: int, to_us: int) -> list[Piece]:
        """Fragments of [from_us, to_us) in order. Where two recorders wrote the same time, the first one's."""

        def pieces(db: sqlite3.Connection) -> list[Piece]:
            mine: list[Piece] = []
            for segment, packed in rows.find_segments(db, camera_id, stream, from_us, to_us):
                table = self._rows(segment, packed)
                mine += [Piece(segment, row) for row in table if row.end_us > from_us and row.wall_us < to_us]
                if len(mine) > MAX_ROWS:
                    break
            return mine

        found = [mine for mine in self._ask(camera_id, stream, pieces) if mine]
        if len(found) <= 1:
            return found[0] if found else []
        return _merge(found)

    # What there is.

    def timeline(self, camera_id: str, from_us: int, to_us: int, stream: str = "main") -> Timeline:
        """Spans of footage and the gaps between them within [from_us, to_us). A gap that lasts ends at `to_us`."""
        told = Timeline()
        told_apart: list[tuple[list[tuple[int, int]], list[Gap]]] = []

        def look(db: sqlite3.Connection) -> None:
            mine = [
                (start_us, self._open_end(db, camera_id, stream, start_us) if state == 0 else end_us)
                for start_us, end_us, state in rows.find_spans(db, camera_id, stream, from_us, to_us)
            ]
            known = rows.find_gaps(db, camera_id, stream, from_us, to_us)
            spans = _cut(mine, [gap for gap in known if gap.cause == "stalled"])
            told_apart.append((spans, known))
            told.holds += [
                Held(hold_id, start_us, end_us)
                for hold_id, camera, start_us, end_us in rows.find_holds(db)
                if camera == camera_id and start_us < to_us and end_us > from_us
            ]
            extent = rows.find_extent(db, camera_id, stream)
            if extent is not None:
                told.earliest_us = min(extent[0], told.earliest_us or extent[0])
                told.latest_us = max(extent[1], told.latest_us or 0, *(end for _, end in spans))

        self._ask(camera_id, stream, look)
        merged = merge_spans(span for spans, _ in told_apart for span in spans)
        told.spans = [(max(a, from_us), min(b, to_us)) for a, b in merged if a < to_us and b > from_us]
        told.holds = list(dict.fromkeys(told.holds))
        told.gaps = _gaps(told, _handed_on(told_apart), from_us, to_us)
        return told

    def _open_end(self, db: sqlite3.Connection, camera_id: str, stream: str, start_us: int) -> int:
        for segment, packed in rows.find_segments(db, camera_id, stream, start_us, start_us + 1):
            if segment.state == 0 and segment.start_us == start_us:
                table = self._rows(segment, packed)
                return table[-1].end_us if table else start_us
        return start_us

    # The boxes.

    def plan(self, camera_id: str, from_us: int, to_us: int, *, stream: str = "main", limit_bytes: int = 0) -> Plan:
        """The fragments that show [from_us, to_us), from the key frame at or before `from_us` on.

        With a limit the answer ends before the key frame that would exceed it (at least one GOP is given).
        """
        pieces = self._pieces(camera_id, stream, from_us - _LOOK_BACK_US, to_us)
        first = next((at for at, piece in enumerate(pieces) if piece.row.end_us > from_us), len(pieces))
        while first + 1 < len(pieces) and pieces[first + 1].row.wall_us <= from_us:
            first += 1  # times jitter: a fragment may end after the next began, and who pages on asks for the next
        while (
            first and first < len(pieces) and not pieces[first].row.key and _follows(pieces[first - 1], pieces[first])
        ):
            first -= 1
        pieces = pieces[first:]
        if limit_bytes:
            total = 0
            for at, piece in enumerate(pieces):
                total += piece.row.size_bytes
                if at and total > limit_bytes and piece.row.key:
                    return Plan(pieces[:at], piece.row.wall_us)
        return Plan(pieces)

    def read(self, plan: Plan, *, keyframes_only: bool = False) -> Iterator[bytes]:
        """The bytes of a plan: init sections where a new decoder or new decode times begin, and whole fragments.

        A file that retention removed meanwhile is left out. `keyframes_only`: fragments of one key frame each, lasting
        until the next.
        """
        last_init, decode_end = b"", -1
        for segment, run in _by_segment(plan.pieces):
            try:
                file = segment.path.open("rb")
            except FileNotFoundError:
                logger.info("segment is gone", extra={"segment": segment.name})
                continue
            with file:
                fd = file.fileno()

                def read(offset: int, count: int, fd: int = fd) -> bytes:
                    return os.pread(fd, count, offset)

                init, head = read(0, segment.init_bytes), read_head(read, run[0].offset)
                if init != last_init or not 0 <= head.decode_time - decode_end <= 90_000:
                    yield init
                last_init = init
                last = read_head(read, run[-1].offset)
                decode_end = last.decode_time + last.duration
                if keyframes_only:
                    yield from _key_frames(read, run)
                else:
                    yield from _ranges(read, run)

    def fragments(
        self, camera_id: str, from_us: int, to_us: int, *, stream: str = "main", keyframes_only: bool = False,
        limit_bytes: int = 0,
    ) -> Iterator[bytes]:  # fmt: skip
        """`read` of `plan`, for who needs no `next_us`."""
        plan = self.plan(camera_id, from_us, to_us, stream=stream, limit_bytes=limit_bytes)
        return self.read(plan, keyframes_only=keyframes_only)

    # Snapshots.

    def frame_at(
        self, camera_id: str, at_us: int, *, width_px: int | None = None, stream: str = "main", exact: bool = True
    ) -> tuple[bytes, int]:
        """The frame shown at `at_us` as JPEG, and its time (UTC µs). `exact=False`: the key frame before, quicker.

        Raises `NotFound` (`no_footage`) where there is none within a second.
        """
        plan = self.plan(camera_id, at_us - _NEAR_US, at_us + _NEAR_US, stream=stream)
        shown = [at for at, piece in enumerate(plan.pieces) if piece.row.wall_us <= at_us]
        target = shown[-1] if shown else 0
        if not plan.pieces or plan.pieces[target].row.end_us < at_us - _NEAR_US:
            raise NotFound(f"no footage of camera {camera_id} at this time", "no_footage", {"at_us": at_us})
        key = target
        while key and not plan.pieces[key].row.key:
            key -= 1
        pieces = plan.pieces[key : key + 1 if not exact else target + 1]
        pieces = [piece for piece in pieces if piece.segment.id == pieces[-1].segment.id]
        if sum(piece.row.size_bytes for piece in pieces) > MAX_GOP_BYTES:
            pieces = pieces[:1]
        data = b"".join(self.read(Plan(pieces)))
        return _decode(data, pieces, at_us if exact else 0, width_px)


def _merge(found: list[list[Piece]]) -> list[Piece]:
    """Fragments of several recorders as one run: one is followed until it ends and another has a key frame.

    Where it was cut within a GOP, as when it gave the camera up, and another has this GOP whole, it is the other's.
    """
    tagged = sorted(
        ((piece, number, at) for number, mine in enumerate(found) for at, piece in enumerate(mine)),
        key=lambda tag: tag[0].row.wall_us,
    )
    kept: list[Piece] = []
    owner, until_us = -1, 0
    for piece, number, at in tagged:
        if number != owner:
            if piece.row.wall_us < until_us - _near_us(piece) or (kept and not piece.row.key):
                continue
            kept = _seam(kept, found[number], at)
        kept.append(piece)
        owner, until_us = number, piece.row.end_us
    for number, mine in enumerate(found):
        if number != owner and mine[-1].row.end_us > until_us:
            longer = _seam(kept, mine, len(mine))
            if longer[-1].row.end_us > until_us:
                kept, owner, until_us = longer, number, longer[-1].row.end_us
    return kept


def _seam(kept: list[Piece], other: list[Piece], end: int) -> list[Piece]:
    """`kept` with its last GOP, and what `other[:end]` has after it, taken from `other`, if that has this GOP and goes
    on without a break; as it is otherwise."""
    last = next((at for at in reversed(range(len(kept))) if kept[at].row.key), None)
    if last is None:
        return kept
    start_us = kept[last].row.wall_us
    for at in reversed(range(min(end + 1, len(other)))):
        piece = other[at]
        if at < end and at + 1 < len(other) and not _follows(piece, other[at + 1]):
            break
        if piece.row.key and abs(piece.row.wall_us - start_us) <= _near_us(piece):
            return kept[:last] + other[at:end]
        if piece.row.wall_us < start_us:
            break
    return kept


def _near_us(piece: Piece) -> int:
    """How far two recorders' times of the beginning of this GOP may lie apart."""
    return min(_OVERLAP_US, (piece.row.end_us - piece.row.wall_us) // 2)


def merge_spans(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans that touch or overlap (holes up to `STEP_US` are jitter, not gaps) as one."""
    merged: list[tuple[int, int]] = []
    for start_us, end_us in sorted(span for span in spans if span[1] > span[0]):
        if merged and start_us <= merged[-1][1] + STEP_US:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end_us))
        else:
            merged.append((start_us, end_us))
    return merged


def _cut(spans: list[tuple[int, int]], silent: list[Gap]) -> list[tuple[int, int]]:
    """Spans without the times in which a stream was silent though its segment went on."""
    for gap in silent:
        parted: list[tuple[int, int]] = []
        for start_us, end_us in spans:
            parted += [(start_us, min(end_us, gap.start_us)), (max(start_us, gap.end_us), end_us)]
        spans = [span for span in parted if span[1] > span[0]]
    return spans


def _handed_on(told_apart: list[tuple[list[tuple[int, int]], list[Gap]]]) -> list[Gap]:
    """The gaps of all recorders (each one's spans and gaps). One that gave a camera up does not know why there is no
    footage later: its `stopped` lasts until another one has the camera, or says what is wrong with it."""
    gaps: list[Gap] = []
    for number, (_, mine) in enumerate(told_apart):
        others: list[tuple[int, int]] = []
        for other, (spans, known) in enumerate(told_apart):
            if other != number:
                others += [*spans, *((gap.start_us, gap.end_us) for gap in known if gap.cause != "stopped")]
        for gap in mine:
            if gap.cause == "stopped":
                taken_us = min((max(start, gap.start_us) for start, end in others if end > gap.start_us), default=None)
                if taken_us is not None and taken_us < gap.end_us:
                    gap = Gap(gap.start_us, taken_us, gap.cause)
                if gap.start_us == gap.end_us:
                    continue
            gaps.append(gap)
    return gaps


def _gaps(told: Timeline, known: list[Gap], from_us: int, to_us: int) -> list[Gap]:
    """Every hole between spans with its cause; and set-backs of the clock, which leave no hole."""
    if told.earliest_us is None:
        holes = [(max(from_us, gap.start_us), min(to_us, gap.end_us)) for gap in known]
    else:
        edges = [max(from_us, min(told.earliest_us, to_us)), *(edge for span in told.spans for edge in span), to_us]
        holes = list(zip(edges[0::2], edges[1::2], strict=True))
    gaps: list[Gap] = []
    for start_us, end_us in holes:
        causes = sorted(
            (Gap(max(g.start_us, start_us), min(g.end_us, end_us), g.cause) for g in known), key=lambda g: g.start_us
        )
        at_us = start_us
        for gap in causes:
            if gap.end_us <= max(at_us, gap.start_us):
                continue
            if gap.start_us > at_us + STEP_US:
                gaps.append(Gap(at_us, gap.start_us, "unknown"))
            gaps.append(Gap(max(at_us, gap.start_us), gap.end_us, gap.cause))
            at_us = gap.end_us
        if end_us > at_us + STEP_US and end_us < min(to_us, told.latest_us or 0):
            gaps.append(Gap(at_us, end_us, "unknown"))
    gaps += [g for g in known if g.start_us == g.end_us and from_us <= g.start_us < to_us]
    return sorted(set(gaps), key=lambda g: g.start_us)


def _follows(before: Piece, after: Piece) -> bool:
    return abs(after.row.wall_us - before.row.end_us) <= STEP_US


def _by_segment(pieces: list[Piece]) -> Iterator[tuple[Segment, list[Row]]]:
    """Pieces in runs of one file."""
    at = 0
    while at < len(pieces):
        end = at
        while end < len(pieces) and pieces[end].segment.name == pieces[at].segment.name:
            end += 1
        yield pieces[at].segment, [piece.row for piece in pieces[at:end]]
        at = end


def _ranges(read: Callable[[int, int], bytes], run: list[Row]) -> Iterator[bytes]:
    """Byte ranges of a file: rows that lie together are read together."""
    at = 0
    while at < len(run):
        start, end = run[at].offset, run[at].offset
        while at < len(run) and run[at].offset == end and end - start < _CHUNK_BYTES:
            end += run[at].size_bytes
            at += 1
        yield read(start, end - start)


def single_key(head: FragmentHead, first_sample: bytes, duration: int) -> Fragment:
    """A fragment of the first frame only, shown for `duration` (90 kHz)."""
    return Fragment(
        (first_sample,), head.sizes[:1], [duration], head.composition_offsets[:1], True, head.decode_time, head.wall_us,
        head.camera_us, [0],
    )  # fmt: skip


def _key_frames(read: Callable[[int, int], bytes], run: list[Row]) -> Iterator[bytes]:
    keys = [row for row in run if row.key]
    for number, row in enumerate(keys):
        head = read_head(read, row.offset)
        if number + 1 < len(keys):
            duration = read_head(read, keys[number + 1].offset).decode_time - head.decode_time
        else:
            duration = sum(later.duration for later in run if later.offset >= row.offset)
        sample = read(row.offset + head.head_bytes, head.sizes[0])
        fragment = single_key(head, sample, max(1, min(duration, (1 << 32) - 1)))
        yield b"".join(fragment_boxes(fragment, number, None, live=True)[0])


def _decode(data: bytes, pieces: list[Piece], at_us: int, width_px: int | None) -> tuple[bytes, int]:
    """JPEG of the last frame at or before `at_us`, or the first one."""
    first_us = pieces[0].row.wall_us
    chosen: av.VideoFrame | None = None
    chosen_us = 0
    try:
        with av.open(io.BytesIO(data), "r", format="mp4") as container:
            stream = container.streams.video[0]
            stream.thread_count = 1
            begin: int | None = None
            for frame in container.decode(stream):
                if frame.pts is None:
                    continue
                begin = frame.pts if begin is None else begin
                frame_us = first_us + (frame.pts - begin) * 100 // 9
                if chosen is not None and frame_us > at_us:
                    break
                chosen, chosen_us = frame, frame_us
    except (av.FFmpegError, Fmp4Error) as error:
        if chosen is None:
            raise NotFound("the footage at this time cannot be decoded", "not_decodable") from error
    if chosen is None:
        raise NotFound("the footage at this time holds no picture", "not_decodable")
    if width_px and width_px < chosen.width:
        height = max(2, round(chosen.height * width_px / chosen.width))
        chosen = chosen.reformat(width=width_px, height=height)
    out = io.BytesIO()
    picture: Image.Image = chosen.to_image()  # type: ignore[no-untyped-call]
    picture.save(out, "JPEG", quality=85)
    return out.getvalue(), chosen_us
