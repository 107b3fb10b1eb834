"""Work from the room to the pole and back: raised on a desk, done on a phone, closed by the check; in Chromium."""

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.browser.room import Room, Words, person, wait_for

pytestmark = pytest.mark.browser


def test_work_is_raised_on_a_desk_done_on_a_phone_and_closed_by_the_check(chromium: Browser, room: Room) -> None:
    english, arabic = Words("en"), Words("ar")
    with person(chromium, room, "en", 1366, 768) as supervisor:
        page = supervisor.page
        supervisor.come_in("supervisor")
        site = supervisor.api("/api/sites")[0]
        page.goto(f"{room.base}/work/new?site={site['id']}")
        save = page.get_by_role("button", name=english("common:save"), exact=True)
        save.click()
        expect(page.get_by_text(english("fields:required"))).to_be_visible()
        page.get_by_label(re.compile(english("work:what"))).fill("Wipe the dome")
        save.click()
        page.wait_for_url(re.compile(r"/work/\w{12}$"))
        order_id = page.url.rsplit("/", 1)[1]
        expect(page.get_by_role("heading", name="Wipe the dome")).to_be_visible()
    with person(chromium, room, "ar", 390, 844) as technician:
        page = technician.page
        technician.come_in("technician")
        page.goto(f"{room.base}/work/{order_id}")
        for state in ("accepted", "on_site"):
            page.get_by_role("button", name=arabic(f"work:step.{state}"), exact=True).click()
            wait_for(lambda state=state: technician.api(f"/api/work-orders/{order_id}")["state"] == state, state)
        picture = io.BytesIO()
        Image.new("RGB", (800, 600), "grey").save(picture, "JPEG")
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name=arabic("work:taken.after"), exact=True).click()
        chooser.value.set_files({"name": "after.jpg", "mimeType": "image/jpeg", "buffer": picture.getvalue()})
        expect(page.get_by_role("img", name=arabic("work:taken.after"))).to_be_visible()
        page.get_by_role("button", name=arabic("work:step.done"), exact=True).click()
        expect(page.get_by_text(arabic("work:checking_text"))).to_be_visible()
        # Nothing is known to be wrong there: closed when the time of the check is up.
        wait_for(lambda: technician.api(f"/api/work-orders/{order_id}")["state"] == "closed", "the check", 90)
        expect(page.get_by_text(arabic("work:entry.closed"))).to_be_visible()
        found = technician.api(f"/api/work-orders/{order_id}")
        assert [entry["what"] for entry in found["entries"]] == [
            "open",
            "accepted",
            "on_site",
            "photo",
            "done",
            "closed",
        ]
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "wider than the phone"


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
