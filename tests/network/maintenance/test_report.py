"""The monthly report: what it says in both languages, that names cannot break it, that it is a real PDF."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from manara.base.errors import Unavailable
from manara.network.maintenance import paper, report
from manara.network.maintenance.availability import Lost, Watched, figures, whole
from manara.network.maintenance.report_words import WORDS

DAY_US = 86_400_000_000
BEGIN = 1_793_480_400_000_000  # 2026-11-01 in Baghdad


def month() -> report.Month:
    cameras = [Watched("cam1", "site1", "sect1", "<b>&Co"), Watched("cam2", "site1", "sect1", "Basra")]
    lost = [Lost("cam1", BEGIN + DAY_US, BEGIN + 4 * DAY_US, BEGIN + DAY_US + 60_000_000, "site_power_lost")]
    span = (BEGIN, BEGIN + 30 * DAY_US)
    by = {
        name: figures(cameras, lost, [], *span, name, span[1])
        for name in ("sector", "cause", "supplier", "site", "camera")
    }
    names = {
        "cam1": ("=كاميرا", "=cmd"),
        "cam2": ("ك", "C"),
        "site1": ("ساحة الحبوبي", "Haboubi"),
        "sect1": ("الرفاعي", "Rifai"),
    }
    return report.Month(
        ("ذي قار", "Dhi Qar"), *span, span[1] + 1, "Asia/Baghdad", 99.0, whole(cameras, lost, [], *span, span[1]),
        by, names,
        {"cam1": "CAM-1", "cam2": "CAM-2", "site1": "S-1"}, {"raised": 3, "closed": 2, "cancelled": 0, "open": 1}, 1,
    )  # fmt: skip


def kind_name(kind: str, language: str) -> str:
    return {"ar": "موقع بلا كهرباء", "en": "Site without power"}[language] if kind == "site_power_lost" else kind


def test_both_languages_say_the_same() -> None:
    assert WORDS["ar"].keys() == WORDS["en"].keys()
    assert len(WORDS["ar"]["months"]) == len(WORDS["en"]["months"]) == 12


@pytest.mark.parametrize(("language", "direction", "says"), [("ar", "rtl", "تشرين الثاني"), ("en", "ltr", "November")])
def test_the_page_says_what_was_found(language: str, direction: str, says: str, tmp_path: Path) -> None:
    page = report.page(month(), language, tmp_path, kind_name)
    assert f'dir="{direction}"' in page
    assert says in page
    assert "95.00 %" in page  # 3 of 60 camera-days
    assert "&lt;b&gt;&amp;Co" in page
    assert kind_name("site_power_lost", language) in page
    assert WORDS[language]["not_met"] in page
    assert WORDS[language]["partial"].split("{")[0] not in page
    half = replace(month(), now_us=BEGIN + 15 * DAY_US)
    assert WORDS[language]["partial"].split("{")[0] in report.page(half, language, tmp_path, kind_name)


def test_it_is_a_pdf_and_fetches_nothing(tmp_path: Path) -> None:
    data = report.pdf(month(), "ar", tmp_path, kind_name)
    assert data.startswith(b"%PDF-")
    assert len(data) > 5000
    with pytest.raises(ValueError, match="fetches nothing"):
        paper.only_files("http://127.0.0.1/x")


def test_what_cannot_be_laid_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "PAPER_S", 0.01)
    with pytest.raises(Unavailable) as told:
        report.pdf(month(), "ar", tmp_path, kind_name)
    assert told.value.code == "report_failed"


def test_a_spreadsheet_takes_no_name_for_a_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(report.csv_of(month()).decode("utf-8-sig"))))
    assert [row["camera"] for row in rows] == ["CAM-1", "CAM-2"]
    assert rows[0]["name_en"] == "'=cmd"
    assert (rows[0]["lost_h"], rows[0]["met"], rows[1]["met"]) == ("72.0", "False", "True")
