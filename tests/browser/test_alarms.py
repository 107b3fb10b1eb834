"""From a fault in the virtual province to a person who answers it: alarms, overview, sound, in a real Chromium."""

import os
import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from manara.access.roles import Role
from manara.app.demo import NAMES
from tests.browser.room import Person, Room, person, wait_for

pytestmark = pytest.mark.browser
FAULT_TO_ALARM_S = 60.0
CRITICAL = "battery_stolen"


@pytest.fixture(scope="module")
def theft(room: Room, chromium: Browser) -> Iterator[dict[str, Any]]:
    """The alarm of a battery stolen at the site of a camera that streams; healed and acknowledged afterwards."""
    with person(chromium, room, "en") as witness:
        witness.sign_in("supervisor")
        witness.page.wait_for_url("**/overview")
        known = witness.api("/api/snapshot")
        recording = set(witness.recording())
        site_ids = {camera["site_id"] for camera in known["cameras"] if camera["id"] in recording}
        site = next(site for site in known["sites"] if site["id"] in site_ids)
        trouble = room.order("POST", "/trouble", {"kind": CRITICAL, "at": site["code"], "seconds": 600})

        def raised() -> dict[str, Any]:
            mine = (one for one in _open(witness) if one["kind"] == CRITICAL and one["site_id"] == site["id"])
            return next(mine, {})

        alarm = wait_for(raised, "an alarm of the theft", FAULT_TO_ALARM_S)
        witness.page.goto("about:blank")
        try:
            yield alarm
        finally:
            room.order("DELETE", f"/trouble/{trouble['id']}")
            _act(witness, "/api/alarms/acknowledge", {"ids": [alarm["id"]]})


def _open(who: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = who.api("/api/alarms?open=1")["alarms"]
    return found


def _act(who: Person, path: str, body: dict[str, Any] | None = None) -> int:
    headers = {"X-Manara": "1"}
    return who.page.request.post(f"{who.room.base}{path}", data=body or {}, headers=headers).status


def _choose(who: Person, alarm_id: str) -> None:
    """By j from the top of the list, as an operator does."""
    who.page.goto(f"{who.room.base}/alarms")
    expect(who.page.get_by_role("grid")).to_be_visible()
    expect(who.page.locator(".table-row").first).to_be_visible()

    def chosen() -> bool:
        if who.page.url.endswith(f"/alarms/{alarm_id}"):
            return True
        who.page.keyboard.press("j")
        return False

    wait_for(chosen, "j comes to the alarm")


def test_a_fault_becomes_an_alarm_that_is_answered_by_keyboard_and_seen_by_others(
    chromium: Browser, room: Room, theft: dict[str, Any]
) -> None:
    with person(chromium, room, "ar") as operator, person(chromium, room, "en", 1366, 768) as supervisor:
        operator.sign_in("operator")
        operator.page.wait_for_url("**/overview")
        sentence = operator.words(f"alarms:what.{CRITICAL}")
        # It hangs in the room, it is in the bar, and it is heard.
        expect(operator.page.get_by_test_id("overview")).to_contain_text(sentence)
        expect(operator.page.locator("[data-testid=alarm-bar] [data-priority=critical]")).to_be_visible()
        expect(operator.page.locator("html")).to_have_attribute("data-sounding", "critical")

        # Silence is bounded, and says for how long.
        operator.page.get_by_role("button", name=operator.words("alarms:bar.silence")).click()
        expect(operator.page.locator(".bell[data-phase=silenced]")).to_contain_text(re.compile(r"1:[345]\d"))
        expect(operator.page.locator("html")).to_have_attribute("data-sounding", "")
        operator.page.locator(".bell[data-phase=silenced]").click()
        expect(operator.page.locator("html")).to_have_attribute("data-sounding", "critical")

        _choose(operator, theft["id"])
        side = operator.page.locator(".al-side")
        expect(side.locator("h2")).to_contain_text(sentence)
        # Its picture, live, without another action; advice and evidence beside it.
        live = side.locator("[data-testid=live]")
        expect(live).to_have_attribute("data-state", "live")
        expect(side.locator(".al-advice li").first).to_be_visible()
        expect(side.locator(".al-evidence li").first).to_be_visible()

        supervisor.sign_in("supervisor")
        supervisor.page.wait_for_url("**/overview")
        supervisor.page.goto(f"{room.base}/alarms/{theft['id']}")
        taken = supervisor.words("alarms:state.acknowledged")
        shown = supervisor.page.locator(".al-head")
        expect(shown).to_contain_text(supervisor.words("alarms:state.unacknowledged"))

        operator.page.keyboard.press("a")
        expect(side.locator(".al-head")).to_contain_text(operator.words("alarms:state.acknowledged"))
        expect(shown).to_contain_text(taken)
        expect(shown).to_contain_text(NAMES[Role.OPERATOR])
        expect(operator.page.locator("html")).not_to_have_attribute("data-sounding", "critical")

        # Whoever comes second is told who was first.
        supervisor.page.keyboard.press("a")
        already = supervisor.words("alarms:done.already").split("{{")[0].strip() or NAMES[Role.OPERATOR]
        expect(supervisor.page.locator(".toast").filter(has_text=already).first).to_be_visible()


def test_an_alarm_is_shelved_with_a_reason_and_comes_back(chromium: Browser, room: Room, theft: dict[str, Any]) -> None:
    with person(chromium, room, "ar", 1366, 768) as who:
        page, words = who.page, who.words
        who.sign_in("supervisor")
        page.wait_for_url("**/overview")
        _choose(who, theft["id"])
        page.keyboard.press("s")
        dialog = page.get_by_role("dialog")
        send = dialog.locator("footer .primary")
        send.click()
        expect(dialog).to_contain_text(words("alarms:shelve.reason_wanted"))
        dialog.get_by_label(words("alarms:shelve.reason")).fill("الفريق في الموقع")
        send.click()
        expect(dialog).to_have_count(0)
        side = page.locator(".al-side")
        expect(side).to_contain_text("الفريق في الموقع")
        expect(side.locator(".al-head")).to_contain_text(words("alarms:state.shelved"))
        page.get_by_role("button", name=words("alarms:act.unshelve")).click()
        expect(side.locator(".al-head")).not_to_contain_text(words("alarms:state.shelved"))
        expect(page.get_by_role("button", name=words("alarms:act.unshelve"))).to_have_count(0)


def test_the_overview_is_read_from_afar_and_silence_is_not_calm(chromium: Browser, room: Room) -> None:
    with person(chromium, room, "en") as who:
        page = who.page
        who.sign_in("operator")
        page.wait_for_url("**/overview")
        overview = page.get_by_test_id("overview")
        expect(overview.locator(".ov-panel")).to_have_count(6)
        page.keyboard.press("f")
        expect(page.get_by_role("banner")).to_have_count(0)
        sizes = overview.locator(".ov-figure strong").evaluate_all(
            "all => all.map(one => parseFloat(getComputedStyle(one).fontSize))"
        )
        assert len(sizes) >= 4
        assert min(sizes) >= 40
        spills = (
            "(all => all.scrollHeight > innerHeight || all.scrollWidth > innerWidth)(document.querySelector('.ov'))"
        )
        assert not page.evaluate(spills)
        control = room.pid_of("control")
        os.kill(control, signal.SIGSTOP)
        try:
            expect(overview).to_have_attribute("data-stale", "true")
            expect(overview).not_to_contain_text(who.words("overview:calm_text"))
        finally:
            os.kill(control, signal.SIGCONT)
        expect(overview).not_to_have_attribute("data-stale", "true")
        page.keyboard.press("f")
        expect(page.get_by_role("banner").first).to_be_visible()
