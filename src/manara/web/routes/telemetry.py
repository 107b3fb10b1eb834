"""Telemetry over HTTP: devices push readings, people ask for series and for the mapping files.

A push is let in by the device's own token (no session, no cookie, so no other site's page can send one) and handed to
the `health` role over the journal, which answers for each reading. Where nobody takes it the device is told to come
again: nothing is said to be accepted that was not. Series are read from the measurements' files here.
"""

import logging
from typing import Any

import msgspec
from anyio.to_thread import run_sync
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from manara.base.errors import InvalidInput, NotFound, Unauthenticated, Unavailable
from manara.messages import Reading, ReadingBatch
from manara.network import views
from manara.network.infrastructure.devices import device_by_token
from manara.network.telemetry.devices import DeviceSpec
from manara.network.telemetry.payload import PUSH_SUBJECT, BadPayload, Named, parse_named, subjects_of
from manara.network.telemetry.places import sites_of
from manara.network.telemetry.profiles import Profiles
from manara.network.telemetry.quantities import BROKEN, QUANTITIES, WRONG_SUBJECT
from manara.web.answers import Json, error_body
from manara.web.services import Handed, Person, Services

log = logging.getLogger(__name__)

router = APIRouter(prefix="/api")

ANSWER_S = 5.0
RETRY_AFTER_S = 10
MOST_POINTS = 2000
MOST_SPAN_US = 800 * 86_400_000_000

_encode = msgspec.json.Encoder().encode


class _Answer(msgspec.Struct):
    """What the `health` role says of a push."""

    ok: bool
    reasons: list[str] = []
    retry_after_s: int = RETRY_AFTER_S


_answer = msgspec.json.Decoder(_Answer)


@router.post("/telemetry")
async def push(request: Request, handed: Handed) -> Response:
    """Take a device's readings; answers how many were accepted, and for each other one why not."""
    token = request.headers.get("authorization", "")
    scheme, _, secret = token.partition(" ")
    spec = await run_sync(_device, handed, secret.strip()) if scheme.lower() == "bearer" else None
    if spec is None:
        raise Unauthenticated("This needs the token of a device.", code="device_unknown")
    try:
        named = parse_named(await request.body())
    except BadPayload as error:
        raise InvalidInput(f"The body {error}.", code="readings_invalid") from error
    reasons, readings, places = _readings(spec, named, handed.clock.wall_us())
    if readings:
        try:
            answer = _answer.decode(
                await handed.journal.ask(PUSH_SUBJECT, _encode(ReadingBatch(readings=readings)), ANSWER_S)
            )
        except (Unavailable, msgspec.MsgspecError) as error:
            log.info("a push was not taken", extra={"device": spec.code, "reason": str(error)[:200]})
            return _later(503, "not_taken", "Nobody could take the readings; send them again.", RETRY_AFTER_S)
        if not answer.ok:
            message = "The device sends more than it may; wait."
            return _later(429, "too_many_readings", message, answer.retry_after_s)
        for place, reason in zip(places, answer.reasons, strict=False):
            reasons[place] = reason
    rejected = [{"index": place, "reason": reason} for place, reason in enumerate(reasons) if reason]
    return Json({"accepted": len(named) - len(rejected), "rejected": rejected})


@router.get("/sites/{site_id}/series")
def series(
    handed: Handed,
    person: Person,
    site_id: str,
    subject: str,
    quantity: str,
    from_us: int,
    to_us: int,
    points: int = 300,
) -> Response:
    """One quantity of one thing at a site, in about `points` spans with mean, low and high."""
    known = QUANTITIES.get(quantity)
    if known is None:
        raise InvalidInput(f"There is no quantity {quantity[:60]!r}.", code="quantity_unknown")
    if not 1 <= points <= MOST_POINTS or not 0 < to_us - from_us <= MOST_SPAN_US:
        raise InvalidInput(
            f"Ask for 1 to {MOST_POINTS} points of a span that begins before it ends (at most 800 days).",
            code="span_invalid",
        )
    with handed.database.read() as session:
        views.one(session, "site", site_id, person)
        if site_id not in sites_of(session, subject):
            raise NotFound("There is no such thing at this site.", code="subject_not_found")
    found = handed.series.series(subject, quantity, from_us, to_us, points)
    high = known.roll == "high"
    return Json(
        {
            "unit": known.unit,
            "points": [
                {"at_us": point.at_us, "mean": point.high if high else point.mean, "low": point.low, "high": point.high}
                for point in found
            ],
        }
    )


@router.get("/telemetry/profiles")
def profiles(handed: Handed) -> Response:
    """The mapping files there are, with what is wrong with the administrator's own."""
    there = Profiles(handed.settings.data.directory)
    there.load()
    faults = there.faults()
    listed: list[dict[str, Any]] = []
    for name in there.names():
        fault = faults.get(name)
        if fault is not None:
            listed.append({"name": name, "title": name, "protocol": "", "parts": [], "faults": str(fault)})
            continue
        profile = there.get(name)
        parts = sorted({entry.part for entry in getattr(profile, "reading", ())})
        listed.append(
            {"name": name, "title": profile.title, "protocol": profile.protocol, "parts": parts, "faults": ""}
        )
    return Json({"profiles": listed})


def _device(handed: Services, token: str) -> DeviceSpec | None:
    with handed.database.read() as session:
        return device_by_token(session, token)


def _readings(spec: DeviceSpec, named: list[Named | str], now_us: int) -> tuple[list[str], list[Reading], list[int]]:
    """What to hand on, with its places; for every other one why it is refused."""
    subject_of = subjects_of(spec)
    reasons = [""] * len(named)
    readings: list[Reading] = []
    places: list[int] = []
    for place, item in enumerate(named):
        if isinstance(item, str):
            reasons[place] = BROKEN
            continue
        subject = item.subject or subject_of(item.part)
        if not subject:
            reasons[place] = WRONG_SUBJECT
            continue
        places.append(place)
        readings.append(
            Reading(
                site_id=spec.site_id,
                subject=subject,
                quantity=item.quantity,
                value=item.value,
                at_us=item.at_us or now_us,
                device_id=spec.id,
            )
        )
    return reasons, readings, places


def _later(status: int, code: str, message: str, after_s: int) -> Response:
    return Json(error_body(code, message), status_code=status, headers={"Retry-After": str(after_s)})
