"""Forms of sites and sectors, the end of a session, an audit log longer than a page: clicked, in a real Chromium."""

import json
import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.room import Person, Room, Words, label_of, person, wait_for

pytestmark = pytest.mark.browser
PAGE = 200  # entries the log is read by


def _fill(who: Person, values: dict[str, str]) -> None:
    for key, value in values.items():
        who.page.get_by_label(label_of(who.words(key))).fill(value)


@pytest.mark.parametrize("language", ["ar", "en"])
def test_a_site_and_a_sector_are_added_changed_and_removed(chromium: Browser, room: Room, language: str) -> None:
    words, code = Words(language), f"SITE-FORM-{language.upper()}"
    with person(chromium, room, language, 1366, 768) as who:
        page = who.page
        who.come_in("administrator")
        page.goto(f"{room.base}/sites/new")
        save = page.get_by_role("button", name=words("common:save"), exact=True)
        save.click()
        expect(page.get_by_text(words("fields:required")).first).to_be_visible()
        field = "cameras:field."
        _fill(who, {field + "code": code, field + "lat": "31.05", field + "lon": "46.25", field + "name_en": "Gate"})
        save.click()
        made = wait_for(lambda: [one for one in who.api("/api/sites") if one["code"] == code], "the site is kept")[0]
        page.goto(f"{room.base}/sites/{made['id']}")
        page.get_by_role("button", name=words("common:edit")).click()
        _fill(who, {field + "name_ar": "البوابة"})
        save.click()
        wait_for(lambda: who.api(f"/api/sites/{made['id']}")["name_ar"] == "البوابة", "the change is kept")
        expect(page.get_by_role("heading", name="البوابة" if language == "ar" else "Gate")).to_be_visible()

        page.goto(f"{room.base}/sectors")
        page.get_by_role("button", name=words("sectors:add.sectors")).click()
        sector = f"SEC-{language.upper()}"
        ring = [[46.0, 31.0], [46.1, 31.0], [46.1, 31.1], [46.0, 31.0]]
        _fill(who, {field + "code": sector, field + "name_ar": "قاطع", field + "name_en": "Sector"})
        boundary = page.get_by_label(label_of(words("sectors:boundary")))
        boundary.fill("no json")
        save.click()
        expect(page.get_by_text(words("sectors:not_geojson"))).to_be_visible()
        boundary.fill(json.dumps({"type": "Polygon", "coordinates": [ring]}))
        save.click()
        kept = wait_for(lambda: [one for one in who.api("/api/sectors") if one["code"] == sector], "the sector is kept")
        assert kept[0]["boundary"]["type"] == "Polygon"


def test_a_person_who_is_disabled_is_out_at_once(chromium: Browser, room: Room) -> None:
    words = Words("en")
    with person(chromium, room, "en") as administrator, person(chromium, room, "ar") as technician:
        technician.come_in("technician")
        page = administrator.page
        administrator.come_in("administrator")
        found = next(one for one in administrator.api("/api/accounts") if one["account"] == "technician")
        page.goto(f"{room.base}/people/{found['id']}")
        # Other tests left this account signed in elsewhere: then all sessions are ended with one press.
        sessions = administrator.api(f"/api/accounts/{found['id']}/sessions")
        button = "people:end_all" if len(sessions) > 1 else "people:end"
        page.get_by_role("button", name=words(button), exact=True).first.click()
        wait_for(lambda: not administrator.api(f"/api/accounts/{found['id']}/sessions"), "the session has ended")
        expect(technician.page.get_by_label(technician.words("signin:account"))).to_be_visible(timeout=15_000)

        page.get_by_role("button", name=words("people:disable"), exact=True).click()
        expect(page.get_by_text(words("people:is_disabled"))).to_be_visible()
        technician.sign_in("technician")
        expect(technician.page.get_by_role("alert").or_(technician.page.get_by_role("status")).first).to_be_visible()
        assert technician.page.request.get(f"{room.base}/api/cameras").status == 401
        page.get_by_role("button", name=words("people:enable"), exact=True).click()
        expect(page.get_by_text(words("people:is_disabled"))).to_have_count(0)
        technician.come_in("technician")


def test_the_audit_log_goes_on_beyond_its_first_page(chromium: Browser, room: Room) -> None:
    with person(chromium, room, "en") as operator:
        operator.come_in("operator")
        layout = {"name": "L", "shared": False, "columns": 1, "rows": 1, "tiles": []}
        request, headers = operator.page.request, {"X-Manara": "1"}
        made = request.post(f"{room.base}/api/layouts", headers=headers, data=layout).json()
        for number in range(PAGE + 10):
            at = f"{room.base}/api/layouts/{made['id']}"
            answer = request.put(at, headers=headers, data=layout | {"name": f"L{number}"})
            assert answer.ok, answer.text()
    with person(chromium, room, "en", 1366, 768) as auditor:
        auditor.come_in("auditor")
        page = auditor.page
        page.goto(f"{room.base}/audit")
        numbers = page.get_by_role("row").filter(has_text=re.compile(r"\d"))
        expect(numbers.first).to_be_visible()
        newest = int(re.match(r"\d+", numbers.first.inner_text()).group())  # type: ignore[union-attr]
        page.mouse.move(600, 500)

        def oldest() -> int:
            page.mouse.wheel(0, 4000)
            texts = numbers.all_inner_texts()
            return min(int(found.group()) for text in texts if (found := re.match(r"\d+", text)))

        wait_for(lambda: oldest() < newest - PAGE, "entries of the second page are shown")
