"""Availability against the service level, and the monthly report to print or to work on with."""

from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from starlette.responses import Response

from manara.alarms.words import title_of
from manara.base.clock import to_us
from manara.base.errors import FieldError, InvalidInput
from manara.network.maintenance import report, views
from manara.web.answers import Json
from manara.web.services import Handed, Person

router = APIRouter(prefix="/api")

By = Literal["camera", "site", "sector", "supplier", "cause"]
Month = Annotated[str, Query(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]


@router.get("/availability")
def availability(handed: Handed, person: Person, from_us: int, to_us: int, by: By = "sector") -> Response:
    """Lost camera-hours, time to know, to respond and to repair in a period, as a whole and grouped."""
    if not 0 < to_us - from_us <= 400 * 86_400_000_000:
        raise InvalidInput(
            "The period is not valid.",
            code="period_invalid",
            fields=[FieldError("to_us", "must be after from_us, by at most 400 days")],
        )
    level = handed.settings.maintenance.service_level_pct
    with handed.database.read() as session:
        return Json(views.availability(session, person, from_us, to_us, by, handed.clock.wall_us(), level))


@router.get("/reports/monthly.pdf")
def monthly_pdf(handed: Handed, person: Person, month: Month, language: Literal["ar", "en"] = "ar") -> Response:
    """The month on paper, right to left in Arabic."""
    found = _month(handed, person, month)
    return _file(
        report.pdf(found, language, handed.static / "assets", title_of),
        "application/pdf",
        f"manara-{month}-{language}.pdf",
    )


@router.get("/reports/monthly.csv")
def monthly_csv(handed: Handed, person: Person, month: Month) -> Response:
    """The month's figures by camera, for a spreadsheet."""
    found = _month(handed, person, month)
    return _file(report.csv_of(found), "text/csv; charset=utf-8", f"manara-{month}.csv")


def _month(handed: Handed, person: Person, month: str) -> report.Month:
    deployment = handed.settings.deployment
    zone = ZoneInfo(deployment.timezone)
    year, number = (int(part) for part in month.split("-"))
    begin = datetime(year, number, 1, tzinfo=zone)
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=zone)
    with handed.database.read() as session:
        return report.gather(
            session,
            person,
            from_us=to_us(begin),
            to_us=to_us(end),
            now_us=handed.clock.wall_us(),
            service_level_pct=handed.settings.maintenance.service_level_pct,
            title=(deployment.name_ar, deployment.name_en),
            timezone=deployment.timezone,
        )


def _file(data: bytes, media_type: str, name: str) -> Response:
    return Response(data, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})
