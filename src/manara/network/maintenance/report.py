"""The month on paper: availability against the service level, causes, suppliers, the worst cameras and sites, work
done.

`gather` reads the state, `pdf` and `csv_of` write what was gathered. The page is HTML laid out by WeasyPrint (Pango
shapes the Arabic, right to left) in another process, `paper.py`; nothing is fetched but our own font files. Words
stand in `report_words.py`. Called by `web/routes/availability.py`. Bounds: `WORST` lines in each list; the whole by
camera goes into the CSV.
"""

import csv
import html
import io
import logging
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from manara.access.who import Who
from manara.base.clock import to_datetime
from manara.base.errors import Unavailable
from manara.network.maintenance import rules, views
from manara.network.maintenance.availability import Figures
from manara.network.maintenance.report_words import WORDS
from manara.network.maintenance.tables import WorkOrder
from manara.network.tables import Camera, Sector, Site

log = logging.getLogger(__name__)

WORST = 15
PAPER_S = 120.0
KindName = Callable[[str, str], str]  # of a cause, in a language
_CSS = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
_HEADS = ("name", "cameras", "available", "lost", "spans", "know", "respond", "repair")
_COLUMNS = ("cameras", "available_pct", "lost_h", "planned_h", "spans", "know_s", "respond_s", "repair_s")


@dataclass(frozen=True, slots=True)
class Month:
    """Everything the report says. Names are (Arabic, English) by id."""

    title: tuple[str, str]
    from_us: int
    to_us: int
    now_us: int
    timezone: str
    service_level_pct: float
    whole: Figures
    by: dict[str, list[Figures]]
    names: dict[str, tuple[str, str]]
    codes: dict[str, str]
    orders: dict[str, int]
    reopened: int


def gather(
    session: Session,
    who: Who,
    *,
    from_us: int,
    to_us: int,
    now_us: int,
    service_level_pct: float,
    title: tuple[str, str],
    timezone: str,
) -> Month:
    """The figures of a period in the sectors of `who`."""
    names: dict[str, tuple[str, str]] = {}
    codes: dict[str, str] = {}
    for table in (Sector, Site, Camera):
        for row in session.execute(select(table.id, table.code, table.name_ar, table.name_en)):
            names[row.id] = (row.name_ar or row.name_en or row.code, row.name_en or row.name_ar or row.code)
            codes[row.id] = row.code
    by: dict[str, list[Figures]] = {}
    whole = Figures("all")
    for kind in ("sector", "cause", "supplier", "site", "camera"):
        whole, by[kind] = views.availability_figures(session, who, from_us, to_us, kind, now_us)
    query = select(WorkOrder).where(WorkOrder.opened_us >= from_us, WorkOrder.opened_us < to_us)
    if who.sector_ids is not None:
        query = query.where(WorkOrder.sector_id.in_(sorted(who.sector_ids)))
    found = list(session.scalars(query))
    orders = {"raised": len(found)}
    orders |= {state: sum(order.state == state for order in found) for state in (rules.CLOSED, rules.CANCELLED)}
    orders["open"] = orders["raised"] - orders[rules.CLOSED] - orders[rules.CANCELLED]
    reopened = sum(order.reopened_count for order in found)
    return Month(title, from_us, to_us, now_us, timezone, service_level_pct, whole, by, names, codes, orders, reopened)


def csv_of(month: Month) -> bytes:
    """One line a camera; times in seconds, decimal points, UTF-8 with a byte order mark for spreadsheets."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["camera", "name_ar", "name_en", "met", *_COLUMNS])
    for one in month.by["camera"]:
        view = one.view(month.service_level_pct)
        names = month.names.get(one.key, ("", ""))
        cells = ["" if view[name] is None else view[name] for name in ("met", *_COLUMNS)]
        writer.writerow([_plain(month.codes.get(one.key, one.key)), *map(_plain, names), *cells])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _plain(text: str) -> str:
    """A cell that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def pdf(month: Month, language: str, fonts: Path, kind_name: KindName) -> bytes:
    """The report as PDF in `ar` or `en`; `fonts` is where the screens' own font files lie.

    Raises `Unavailable` (code `report_failed`) when it cannot be laid out, or not within `PAPER_S`.
    """
    html_page = page(month, language, fonts, kind_name).encode()
    command = [sys.executable, "-m", "manara.network.maintenance.paper"]
    try:
        done = subprocess.run(command, input=html_page, capture_output=True, timeout=PAPER_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or b""
        log.error("the report cannot be laid out", extra={"reason": str(error), "said": said.decode()[-500:]})
        raise Unavailable("The report cannot be laid out; the log says why.", code="report_failed") from error
    return done.stdout


def page(month: Month, language: str, fonts: Path, kind_name: KindName) -> str:
    """The report as HTML."""
    words = WORDS[language]
    side = 0 if language == "ar" else 1
    zone = ZoneInfo(month.timezone)
    begin = to_datetime(month.from_us).astimezone(zone)
    partial = month.now_us < month.to_us
    name = html.escape(month.title[side] or month.title[0])

    def named(one: Figures) -> str:
        if not one.key:
            return str(words["none"])
        text = month.names[one.key][side] if one.key in month.names else one.key
        code = month.codes.get(one.key, "")
        return f"<bdi>{html.escape(text)}</bdi>" + (f" <code>{html.escape(code)}</code>" if code else "")

    def caused(one: Figures) -> str:
        return html.escape(kind_name(one.key, language) if one.key else words["none"])

    sections = [
        _table(words, words["by_sector"], month.by["sector"], named, month.service_level_pct),
        _table(words, words["by_cause"], _lost(month.by["cause"]), caused, None),
        _table(words, words["by_supplier"], month.by["supplier"], named, month.service_level_pct),
        _table(words, words["worst_sites"], _lost(month.by["site"])[:WORST], named, month.service_level_pct),
        _table(words, words["worst_cameras"], _lost(month.by["camera"])[:WORST], named, month.service_level_pct),
    ]
    whole = month.whole.view(month.service_level_pct)
    tiles = [
        (words["available"], _pct(whole["available_pct"])),
        (words["lost"], _hours(whole["lost_h"])),
        (words["know"], _span(words, whole["know_s"])),
        (words["respond"], _span(words, whole["respond_s"])),
        (words["repair"], _span(words, whole["repair_s"])),
    ]
    met = "" if whole["met"] is None else words["met" if whole["met"] else "not_met"]
    orders = "".join(
        f"<li>{words['order_' + key]}: <b>{count}</b></li>"
        for key, count in [*month.orders.items(), ("reopened", month.reopened)]
    )
    made = to_datetime(month.now_us).astimezone(zone)
    direction = "rtl" if language == "ar" else "ltr"
    shown_tiles = "".join(f"<div><b>{value}</b><span>{label}</span></div>" for label, value in tiles)
    level = words["level"].format(level=_pct(month.service_level_pct), cameras=month.whole.cameras)
    return "\n".join(
        [
            f'<!doctype html><html lang="{language}" dir="{direction}"><head><meta charset="utf-8">',
            f"<title>{words['title']}</title><style>{_style(fonts, words['page'])}</style></head><body>",
            f"<header><p>{name}</p>",
            f"<h1>{words['title']} — {words['months'][begin.month - 1]} <bdi>{begin.year}</bdi></h1>",
            f"<p>{words['partial'].format(until=_day(made)) if partial else ''}</p></header>",
            f'<section class="tiles">{shown_tiles}</section><p>{level} <b>{met}</b></p>',
            *sections,
            f"<section><h2>{words['orders']}</h2><ul>{orders}</ul></section>",
            f"<footer>{words['how']} {words['made'].format(at=_day(made))}</footer></body></html>",
        ]
    )


def _lost(groups: Sequence[Figures]) -> list[Figures]:
    return [one for one in groups if one.lost_us > 0]


def _table(
    words: dict[str, Any], title: str, groups: Sequence[Figures], name: Callable[[Figures], str], level: float | None
) -> str:
    if not groups:
        return f"<section><h2>{title}</h2><p class='none'>{words['nothing']}</p></section>"
    head = "".join(f"<th>{words[key]}</th>" for key in _HEADS)
    lines = []
    for one in groups:
        view = one.view(level or 0.0)
        missed = level is not None and view["met"] is False
        cells = [
            _count(view["cameras"]),
            _pct(view["available_pct"]) + (" ▼" if missed else ""),  # told without colour
            _hours(view["lost_h"]),
            _count(view["spans"]),
            *(_span(words, view[key]) for key in ("know_s", "respond_s", "repair_s")),
        ]
        row = "".join(f"<td>{cell}</td>" for cell in cells)
        lines.append(f"<tr class='{'missed' if missed else ''}'><th>{name(one)}</th>{row}</tr>")
    body = "".join(lines)
    return f"<section><h2>{title}</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></section>"


def _count(value: object) -> str:
    return f"<bdi>{value}</bdi>"


def _pct(value: Any) -> str:
    return "—" if value is None else f"<bdi>{value:.2f} %</bdi>"


def _hours(value: Any) -> str:
    return f"<bdi>{value:,.1f}</bdi>"


def _span(words: dict[str, Any], value: object) -> str:
    """A duration in the unit that a person would choose."""
    if not isinstance(value, int | float):
        return "—"
    for unit, length_s in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if value >= 2 * length_s:
            return f"<bdi>{value / length_s:.1f}</bdi> {words[unit]}"
    return f"<bdi>{value:.0f}</bdi> {words['second']}"


def _day(at: datetime) -> str:
    return f"<bdi>{at:%Y-%m-%d %H:%M}</bdi>"


def _style(fonts: Path, page_word: str) -> str:
    faces = []
    for family, pattern in (
        ("IBM Plex Sans Arabic", "ibm-plex-sans-arabic-arabic-{}-*.woff2"),
        ("IBM Plex Sans", "ibm-plex-sans-latin-{}-*.woff2"),
    ):
        for weight in (400, 600):
            for file in sorted(fonts.glob(pattern.format(weight)))[:1]:
                faces.append(
                    f"@font-face{{font-family:'{family}';font-weight:{weight};src:url('{file.resolve().as_uri()}')}}"
                )
    return "\n".join([*faces, _CSS.replace("PAGE", page_word)])
