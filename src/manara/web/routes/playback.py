"""Recorded footage: what there is when, the boxes themselves, and single frames. Every look is entered in the audit
log.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request
from sqlalchemy import select
from starlette.responses import Response, StreamingResponse

from manara.base.errors import FieldError, InvalidInput, NotFound, TooMany
from manara.recorder.archive import Timeline
from manara.recorder.tables import Hold
from manara.web.answers import Json
from manara.web.seeing import camera_code
from manara.web.services import Handed, Person, Services

router = APIRouter(prefix="/api")

DAY_US = 86_400_000_000
TIMELINE_MAX_US = 400 * DAY_US
FRAGMENTS_MAX_US = DAY_US
CAMERAS_MAX = 64
LIMIT_BYTES = 8_000_000
LIMIT_MAX_BYTES = 64_000_000
KEY_SHARE = 8  # a key frame is about this part of its GOP: how much footage a limit reaches when only they are sent
DECODERS = 2  # decoding a picture takes a core; live pictures need the others
DECODES_WAITING = 64

Us = Annotated[int, Query(ge=0, le=4_102_444_800_000_000)]
Stream = Literal["main", "sub"]


@router.get("/cameras/{camera_id}/timeline")
def timeline(
    handed: Handed, person: Person, camera_id: str, from_us: Us, to_us: Us, stream: Stream = "main"
) -> Response:
    """Recording, gaps with their cause, and holds of a camera."""
    _span(from_us, to_us, TIMELINE_MAX_US)
    camera_code(handed.database, person, camera_id)
    return Json(_timeline(handed, camera_id, from_us, to_us, stream))


@router.get("/timeline")
def timelines(
    handed: Handed,
    person: Person,
    camera_ids: Annotated[str, Query(max_length=2000)],
    from_us: Us,
    to_us: Us,
    stream: Stream = "main",
) -> Response:
    """The same for several cameras, by id."""
    _span(from_us, to_us, TIMELINE_MAX_US)
    ids = list(dict.fromkeys(id for id in camera_ids.split(",") if id))
    if not 1 <= len(ids) <= CAMERAS_MAX:
        raise InvalidInput(
            f"Name 1 to {CAMERAS_MAX} cameras.",
            code="invalid_input",
            fields=[FieldError("camera_ids", f"must name 1 to {CAMERAS_MAX} cameras")],
        )
    for id in ids:
        camera_code(handed.database, person, id)
    return Json({id: _timeline(handed, id, from_us, to_us, stream) for id in ids})


@router.get("/cameras/{camera_id}/fragments")
def fragments(
    handed: Handed,
    person: Person,
    camera_id: str,
    from_us: Us,
    to_us: Us,
    keyframes: bool = False,
    limit_bytes: Annotated[int, Query(ge=1, le=LIMIT_MAX_BYTES)] = LIMIT_BYTES,
    stream: Stream = "main",
) -> Response:
    """The bytes that show a span, from the key frame at or before it; `X-Next-Us` says where to go on."""
    _span(from_us, to_us, FRAGMENTS_MAX_US)
    camera_code(handed.database, person, camera_id)
    reach_bytes = limit_bytes * KEY_SHARE if keyframes else limit_bytes
    plan = handed.archive.plan(camera_id, from_us, to_us, stream=stream, limit_bytes=reach_bytes)
    headers = {"Cache-Control": "no-store"}
    if plan.next_us is not None:
        headers["X-Next-Us"] = str(plan.next_us)
    if not plan.pieces:
        return Response(b"", media_type="video/mp4", headers=headers)
    seen = (plan.pieces[0].row.wall_us, plan.pieces[-1].row.end_us)
    handed.looking.note(person, camera_id, *seen, "scrub" if keyframes else "play")
    return StreamingResponse(
        _whole(handed.archive.read(plan, keyframes_only=keyframes)), media_type="video/mp4", headers=headers
    )


@router.get("/cameras/{camera_id}/frame.jpg")
async def frame(
    handed: Handed,
    person: Person,
    request: Request,
    camera_id: str,
    at_us: Us,
    width_px: Annotated[int | None, Query(ge=16, le=8192)] = None,
    exact: bool = True,
    stream: Stream = "main",
) -> Response:
    """The frame shown at a time, as JPEG; with `exact=0` the key frame before it, which is quicker."""
    limiter: CapacityLimiter = request.app.state.decoders
    if limiter.statistics().tasks_waiting >= DECODES_WAITING:
        raise TooMany("Too many pictures are being made; try again in a moment.", code="decoders_busy")

    def make() -> tuple[bytes, int]:
        camera_code(handed.database, person, camera_id)
        picture, frame_us = handed.archive.frame_at(camera_id, at_us, width_px=width_px, stream=stream, exact=exact)
        handed.looking.note(person, camera_id, frame_us, frame_us, "snapshot")
        return picture, frame_us

    picture, frame_us = await run_sync(make, limiter=limiter)
    return Response(picture, media_type="image/jpeg", headers={"X-Frame-Us": str(frame_us)})


def _timeline(handed: Services, camera_id: str, from_us: int, to_us: int, stream: str) -> dict[str, Any]:
    told: Timeline = handed.archive.timeline(camera_id, from_us, to_us, stream)
    with handed.database.read() as session:
        rows = session.scalars(
            select(Hold).where(Hold.released_us.is_(None), Hold.start_us < to_us, Hold.end_us > from_us)
        )
        holds = [
            {"id": row.id, "start_us": row.start_us, "end_us": row.end_us, "reason": row.reason}
            for row in rows
            if camera_id in row.camera_ids
        ]
    return {
        "spans": [{"start_us": start_us, "end_us": end_us} for start_us, end_us in told.spans],
        "gaps": [{"start_us": gap.start_us, "end_us": gap.end_us, "cause": gap.cause} for gap in told.gaps],
        "holds": holds,
        "earliest_us": told.earliest_us,
        "latest_us": told.latest_us,
    }


def _span(from_us: int, to_us: int, most_us: int) -> None:
    fault = ""
    if to_us <= from_us:
        fault = "must lie after from_us"
    elif to_us - from_us > most_us:
        fault = f"lies more than {most_us // DAY_US} days after from_us"
    if fault:
        raise InvalidInput("The span is not valid.", code="invalid_input", fields=[FieldError("to_us", fault)])


def _whole(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The parts; footage that goes away while it is sent ends the answer, it is no fault of the program."""
    try:
        yield from parts
    except NotFound:
        return
