"""What people do with lists and forms, in a real Chromium on a running demo: add, import, let in, prove."""

import csv
import io
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.room import Person, Room, Words, label_of, person

pytestmark = pytest.mark.browser


@pytest.fixture(params=["ar", "en"])
def technician(request: pytest.FixtureRequest, chromium: Browser, room: Room) -> Iterator[Person]:
    """Who looks after the cameras, on a small screen, in each language."""
    with person(chromium, room, request.param, 1366, 768) as who:
        who.come_in("technician")
        yield who


def test_a_camera_is_added_by_the_form_which_names_what_is_missing(technician: Person) -> None:
    page, words = technician.page, technician.words
    code = f"CAM-FORM-{words.language.upper()}"
    page.goto(f"{technician.room.base}/cameras/new")
    save = page.get_by_role("button", name=words("common:save"), exact=True)
    page.get_by_label(label_of(words("cameras:field.main_url"))).fill("http://10.0.0.9/video")
    save.click()
    expect(page.get_by_text(words("fields:required"))).to_have_count(3)  # code, latitude, longitude
    page.get_by_label(label_of(words("cameras:field.main_url"))).fill("rtsp://127.0.0.1:1/nobody")
    for field, value in {"code": code, "lat": "31.05", "lon": "46.25", "name_ar": "باب", "name_en": "Gate"}.items():
        page.get_by_label(label_of(words(f"cameras:field.{field}"))).fill(value)
    save.click()
    page.goto(f"{technician.room.base}/cameras")
    page.get_by_label(words("cameras:filter")).fill(code)
    row = page.get_by_role("row").filter(has_text=code)
    expect(row).to_be_visible()
    # Nobody listens there: the list says so, and with the cause.
    expect(row).to_contain_text(words("common:cause.connection_refused"))


def test_an_import_with_a_bad_row_names_it_and_changes_nothing(technician: Person) -> None:
    page, words = technician.page, technician.words
    exported = page.request.get(f"{technician.room.base}/api/cameras.csv").text()
    rows = list(csv.DictReader(io.StringIO(exported.removeprefix("\ufeff"))))
    there = len(rows)
    chosen, other = rows[5], rows[6]

    def choose(content: list[dict[str, str]]) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(content[0]))
        writer.writeheader()
        writer.writerows(content)
        page.locator("input[type=file]").set_input_files(
            {"name": "cameras.csv", "mimeType": "text/csv", "buffer": text.getvalue().encode()}
        )

    page.goto(f"{technician.room.base}/cameras")
    page.get_by_role("button", name=words("cameras:import"), exact=True).click()
    dialog = page.get_by_role("dialog")
    choose([chosen, other | {"lat": "131.5"}])
    fault = dialog.locator("tbody tr")
    expect(fault).to_have_count(1)
    expect(fault).to_contain_text("lat")
    expect(fault).to_contain_text("131.5")
    assert fault.locator("td").first.inner_text() == "3"  # the line in the file, the heading being the first
    expect(dialog.get_by_role("button", name=words("common:cancel"))).to_be_enabled()
    assert len(technician.api("/api/cameras")) == there

    dialog.get_by_role("button", name=words("cameras:other_file")).click()
    choose([chosen | {"purpose": f"by file, {words.language}"}, other])
    expect(dialog.locator(".outcome strong")).to_have_text(["0", "1", "1", "0"])  # added, updated, unchanged, faults
    dialog.locator("button.primary").click()
    expect(dialog).to_have_count(0)
    assert f"by file, {words.language}" in {camera["purpose"] for camera in technician.api("/api/cameras")}


@pytest.mark.parametrize("language", ["ar", "en"])
def test_a_new_person_replaces_the_one_time_password(chromium: Browser, room: Room, language: str) -> None:
    account, own = f"newcomer.{language}", "lantern over the marsh"
    words = Words(language)
    with person(chromium, room, language) as administrator:
        page = administrator.page
        administrator.come_in("administrator")
        page.goto(f"{room.base}/people/new")
        page.get_by_label(label_of(words("people:account"))).fill(account)
        page.get_by_label(label_of(words("people:name"))).fill("New")
        page.get_by_role("button", name=words("common:save"), exact=True).click()
        once = page.get_by_role("dialog").locator("code").first.inner_text()
    with person(chromium, room, language) as newcomer:
        page = newcomer.page
        newcomer.sign_in(account, once)
        page.get_by_label(label_of(words("signin:old_once"))).fill(once)
        change = page.get_by_role("button", name=words("signin:change"), exact=True)
        for text in ("short", own):
            page.get_by_label(label_of(words("signin:new"))).fill(text)
            page.get_by_label(label_of(words("signin:again"))).fill(text)
            expect(change).to_be_enabled() if text == own else expect(change).to_be_disabled()
        change.click()
        newcomer.wait_until_in()
        expect(page.get_by_role("navigation", name=words("shell:rooms"))).to_be_visible()
        # A deep link to a room that an operator may not enter says so.
        page.goto(f"{room.base}/audit")
        expect(page.get_by_text(words("shell:refused").replace("{{room}}", words("shell:room.audit")))).to_be_visible()


@pytest.mark.parametrize("account", ["auditor", "administrator"])
def test_the_audit_log_is_filtered_and_proved_whole(chromium: Browser, room: Room, account: str) -> None:
    with person(chromium, room, "ar", 1366, 768) as who:
        who.come_in(account)
        who.page.goto(f"{room.base}/audit")
        who.page.get_by_label(who.words("audit:filter.action")).fill("session:begin")
        expect(who.page.get_by_role("row").nth(1)).to_contain_text(who.words("audit:action.session_begin"))
        who.page.get_by_role("button", name=who.words("audit:verify")).click()
        expect(who.page.get_by_role("status").filter(has_text="السلسلة سليمة")).to_be_visible()
