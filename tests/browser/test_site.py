"""A technician at a site's page and at the lists of power and links, in a real Chromium on a running demo."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.room import Person, Room, label_of, person, wait_for

pytestmark = pytest.mark.browser


@pytest.fixture(params=["ar", "en"])
def technician(request: pytest.FixtureRequest, chromium: Browser, room: Room) -> Iterator[Person]:
    """Who looks after the sites, on a small screen, in each language."""
    with person(chromium, room, request.param, 1366, 768) as who:
        who.come_in("technician")
        yield who


ONCE = pytest.mark.parametrize("technician", ["ar"], indirect=True)  # the same act in either language


def _told_site(who: Person) -> dict[str, Any]:
    """The site of the demo's first camera, once its telemetry has told of the battery."""
    site_id = next(one["site_id"] for one in who.api("/api/cameras") if one["code"] == "CAM-0001")

    def told() -> dict[str, Any] | None:
        found: dict[str, Any] = who.api(f"/api/sites/{site_id}/condition")
        vitals = found["vitals"]
        return found if vitals and vitals["state_of_charge_pct"] is not None and found["forecast"] else None

    found = wait_for(told, "the site's controller has told of its battery", 90)
    assert found is not None
    return found


def test_a_site_shows_its_battery_its_links_and_its_year(technician: Person) -> None:
    page, words = technician.page, technician.words
    told = _told_site(technician)
    site = told["site"]
    page.goto(f"{technician.room.base}/sites/{site['id']}")
    page.get_by_role("link", name=words("sites:open_page")).click()
    page.wait_for_url(f"**/site/{site['id']}")

    expect(page.get_by_role("heading", level=1)).to_have_text(site[f"name_{words.language}"])
    expect(page.get_by_text(words("site:power.grid")).first).to_be_visible()
    expect(page.get_by_role("img", name=words("site:chart.battery"))).to_be_visible()
    # The forecast is drawn as a band, the sun is marked, and the charge stands in words.
    expect(page.locator(".st-band")).to_have_count(1)
    expect(page.locator(".st-sun").first).to_be_visible()
    battery = page.locator('.st-source[data-kind="battery"]')
    expect(battery).to_contain_text(re.compile(r"\d+\W*%"))

    link = told["links"][0]
    line = page.locator(".st-parts li").filter(has_text=link["code"]).first
    expect(line).to_contain_text(link["other_site"][f"name_{words.language}"])
    expect(line).to_contain_text(words("site:part.up"))
    ports = page.locator(".st-ports tr")
    expect(ports.filter(has_text="CAM-0001")).to_have_count(1)

    # Today is a day of the year's strip with a figure; tomorrow has none.
    expect(page.locator(".st-month i[title]").last).to_have_attribute("title", re.compile(r"%"))
    expect(page.get_by_role("link", name=words("site:new_order"))).to_have_attribute(
        "href", f"/work/new?site={site['id']}"
    )


@ONCE
def test_shedding_by_hand_says_what_it_does_and_is_undone(technician: Person) -> None:
    page, words = technician.page, technician.words
    site_id = _told_site(technician)["site"]["id"]
    page.goto(f"{technician.room.base}/site/{site_id}")
    page.get_by_role("button", name=words("site:shed.by_hand"), exact=True).click()
    dialog = page.get_by_role("dialog")

    def choose(text: str) -> None:
        dialog.locator(".select-button").click()
        page.get_by_role("option", name=re.compile(re.escape(text))).click()

    half = words("site:shed.do.half_rate")
    choose(half)
    expect(dialog.get_by_text(words("site:shed.until"))).to_be_visible()
    expect(dialog.locator(".st-means li")).to_have_text([half])
    dialog.get_by_role("button", name=words("site:shed.apply")).click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".st-steps li[data-on]")).to_have_count(1)

    page.get_by_role("button", name=words("site:shed.by_hand"), exact=True).click()
    choose(words("site:shed.step_0"))
    dialog.get_by_role("button", name=words("site:shed.apply")).click()
    expect(page.locator(".st-steps li[data-on]")).to_have_count(0)
    expect(page.get_by_test_id("shed-now")).to_have_text(words("site:shed.nothing_hand"))


def test_a_power_source_is_added_by_form_which_names_what_is_wrong(technician: Person) -> None:
    page, words = technician.page, technician.words
    sources = technician.api("/api/infrastructure/power_sources")
    taken = {one["site_id"] for one in sources if one["kind"] == "solar"}
    free = next(one for one in technician.api("/api/sites") if one["id"] not in taken and one["kind"] == "pole")
    page.goto(f"{technician.room.base}/infrastructure/power_sources/new?site={free['id']}")
    side = page.locator(".page-side")
    solar = words("infrastructure:choice.kind.solar")
    side.get_by_role("radio", name=solar).or_(side.get_by_role("button", name=solar)).first.click()
    save = side.get_by_role("button", name=words("common:save"), exact=True)
    save.click()
    expect(side.get_by_text(words("fields:required"))).to_have_count(1)  # its peak power
    peak = side.get_by_label(label_of(words("infrastructure:field.peak_w")))
    peak.fill("0")
    save.click()
    expect(side.locator(".error")).to_contain_text("1")  # from the server: its least is 1 W
    assert len(technician.api("/api/infrastructure/power_sources")) == len(sources)
    peak.fill("330")
    save.click()
    page.wait_for_url(re.compile(r"/infrastructure/power_sources/(?!new)\w+"))
    expect(side).to_contain_text("330")
    made = next(
        one
        for one in technician.api("/api/infrastructure/power_sources")
        if one["site_id"] == free["id"] and one["kind"] == "solar"
    )
    assert made["peak_w"] == 330

    # And it goes again, which the next language needs.
    side.get_by_role("button", name=words("common:remove")).click()
    page.get_by_role("dialog").get_by_role("button", name=words("common:remove")).click()
    page.wait_for_url(re.compile(r"/infrastructure/power_sources(\?|$)"))
    assert len(technician.api("/api/infrastructure/power_sources")) == len(sources)


@ONCE
@pytest.mark.parametrize("protocol", ["push", "mqtt"])
def test_a_devices_token_is_shown_once(technician: Person, protocol: str) -> None:
    page, words = technician.page, technician.words
    site = next(one for one in technician.api("/api/sites") if one["kind"] == "pole")
    code = f"{protocol.upper()}-{words.language.upper()}"
    page.goto(f"{technician.room.base}/infrastructure/devices/new?site={site['id']}")
    side = page.locator(".page-side")
    side.get_by_label(label_of(words("infrastructure:field.code"))).fill(code)
    side.locator(".select-button").first.click()
    page.get_by_role("option", name=words(f"infrastructure:choice.protocol.{protocol}")).click()
    if protocol == "mqtt":
        side.get_by_label(label_of(words("infrastructure:field.address"))).fill(f"mqtt:///site/{code}")
    side.get_by_role("button", name=words("common:save"), exact=True).click()
    token = page.get_by_test_id("token")
    expect(token).to_be_visible()
    secret = token.inner_text()
    assert len(secret) > 20
    dialog = page.get_by_role("dialog")
    how = {"push": ["POST /api/telemetry"], "mqtt": [code, f"site/{code}/"]}
    for told in how[protocol]:
        expect(dialog.locator("bdi", has_text=re.compile(f"^{re.escape(told)}$"))).to_be_visible()
    page.get_by_role("button", name=words("infrastructure:token_kept")).click()
    expect(token).to_have_count(0)
    assert secret not in page.content()
    made = next(one for one in technician.api("/api/infrastructure/devices") if one["code"] == code)
    assert made["has_token"]


def test_a_file_with_a_bad_row_is_named_and_changes_nothing(technician: Person) -> None:
    page, words = technician.page, technician.words
    before = technician.api("/api/infrastructure/links")
    page.goto(f"{technician.room.base}/infrastructure/links")
    page.get_by_role("button", name=words("cameras:import"), exact=True).click()
    dialog = page.get_by_role("dialog")
    rows = [
        "code,kind,a_site,b_site,length_km",
        "LNK-NEW-1,fibre,SITE-001,SITE-002,1.5",
        "LNK-NEW-2,fibre,SITE-001,NOWHERE,2",
    ]
    page.locator("input[type=file]").set_input_files(
        {"name": "links.csv", "mimeType": "text/csv", "buffer": "\n".join(rows).encode()}
    )
    fault = dialog.locator("tbody tr")
    expect(fault).to_have_count(1)
    expect(fault).to_contain_text("NOWHERE")
    expect(fault).to_contain_text(words("fields:no_such").replace("{{what}}", words("common:site")))
    assert fault.locator("td").first.inner_text() == "3"
    expect(dialog.locator(".outcome strong").last).to_have_text("1")
    assert technician.api("/api/infrastructure/links") == before
