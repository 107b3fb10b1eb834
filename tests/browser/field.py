"""Work from the room to the pole: raised on a desk, done on a phone; in a real Chromium. Called by `conftest.py`."""

import io
import re

from PIL import Image
from playwright.sync_api import Browser, expect

from tests.browser.room import Room, Words, person, wait_for


def raise_work(chromium: Browser, room: Room) -> str:
    """On a desk; the id of the order."""
    english = Words("en")
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
        expect(page.get_by_role("heading", name="Wipe the dome")).to_be_visible()
        return page.url.rsplit("/", 1)[1]


def do_work(chromium: Browser, room: Room, order_id: str) -> None:
    """On a phone, with a photograph, until the check has it."""
    arabic = Words("ar")
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
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "wider than the phone"
