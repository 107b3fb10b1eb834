"""Work that was finished is closed by the check, and the month's report is printed; in a real Chromium."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.room import Room, person, wait_for

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("language", ["ar", "en"])
def test_the_report_of_the_month_is_printed_in_the_readers_language(
    chromium: Browser, room: Room, language: str
) -> None:
    with person(chromium, room, language, 1366, 768) as supervisor:
        supervisor.come_in("supervisor")
        page = supervisor.page
        page.goto(f"{room.base}/work?sheet=availability")
        with page.expect_download() as download:
            page.get_by_role("link", name=supervisor.words("work:report_pdf")).click()
        assert download.value.suggested_filename.endswith(f"-{language}.pdf")
        assert download.value.path().read_bytes().startswith(b"%PDF-")


def test_finished_work_is_closed_when_the_time_of_its_check_is_up(
    chromium: Browser, room: Room, finished_work: str
) -> None:
    with person(chromium, room, "ar", 390, 844) as technician:
        technician.come_in("technician")
        technician.page.goto(f"{room.base}/work/{finished_work}")
        # Nothing is known to be wrong there.
        at = f"/api/work-orders/{finished_work}"
        wait_for(lambda: technician.api(at)["state"] == "closed", "the check", 90)
        expect(technician.page.get_by_text(technician.words("work:entry.closed"))).to_be_visible()
        told = [entry["what"] for entry in technician.api(at)["entries"]]
        assert told == ["open", "accepted", "on_site", "photo", "done", "closed"]
