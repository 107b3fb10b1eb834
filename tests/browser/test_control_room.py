"""What a person does in the control room, in a real Chromium on a running demo, in Arabic and in English."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.room import Person, Room, due_us, frame_number, person, wait_for
from tests.support.patience import patience_s

pytestmark = pytest.mark.browser


def _shown(who: Person, selector: str) -> int:
    surface = who.page.locator(f"{selector} canvas").first
    return wait_for(lambda: frame_number(surface), f"a readable frame number in {selector}")


def _rate_hz(who: Person, camera_id: str) -> float:
    """The nominal rate nearest to the measured one."""
    measured = who.api("/api/snapshot")["statuses"][camera_id]["main"]["frame_rate_hz"]
    return min((10.0, 12.5, 15.0, 25.0), key=lambda rate: abs(rate - measured))


def test_a_wrong_password_is_told_and_lets_nobody_in(chromium: Browser, room: Room) -> None:
    with person(chromium, room, "ar") as who:
        who.sign_in("operator", "not the password")
        expect(who.page.get_by_role("alert")).to_contain_text(who.words("errors:bad_credentials"))
        assert who.page.request.get(room.base + "/api/snapshot").status == 401


def test_the_map_opens_and_a_camera_on_it_is_live(supervisor: Person) -> None:
    page, words = supervisor.page, supervisor.words
    supervisor.to_map()
    right_to_left = words.language == "ar"
    expect(page.locator("html")).to_have_attribute("dir", "rtl" if right_to_left else "ltr")
    expect(page.locator("canvas.maplibregl-canvas")).to_be_visible()
    rail = page.get_by_role("navigation", name=words("shell:rooms")).bounding_box()
    assert rail is not None
    assert (rail["x"] > 960) == right_to_left  # the rail stands where reading begins
    recorded = supervisor.recording()[0]
    code = next(c["code"] for c in supervisor.api("/api/snapshot")["cameras"] if c["id"] == recorded)
    page.get_by_role("main").get_by_role("combobox", name=words("video:picker.search")).fill(code)
    page.get_by_role("main").get_by_text(code, exact=True).first.click()
    live = page.locator("[data-testid=live]").first
    expect(live).to_have_attribute("data-state", "live")
    first = _shown(supervisor, "[data-testid=live]")
    wait_for(lambda: _shown(supervisor, "[data-testid=live]") > first + 10, "the picture goes on changing")


def test_live_shows_what_happens_now(supervisor: Person) -> None:
    camera = supervisor.recording()[0]
    supervisor.page.goto(f"{supervisor.room.base}/camera/{camera}")
    expect(supervisor.page.locator("[data-testid=live]").first).to_have_attribute("data-state", "live")
    number = _shown(supervisor, "[data-testid=live]")
    behind_s = (time.time() * 1e6 - due_us(number, _rate_hz(supervisor, camera))) / 1e6
    assert -0.5 < behind_s < 10, f"the picture is {behind_s:.2f} s behind"


def test_the_wall_shows_several_cameras_that_all_change(supervisor: Person) -> None:
    page = supervisor.page
    cameras = supervisor.recording()[:4]
    lines: list[str] = []
    page.on("websocket", lambda socket: lines.append(socket.url) if "/api/live" in socket.url else None)
    page.goto(f"{supervisor.room.base}/wall?cameras={','.join(cameras)}")
    for camera in cameras:
        live = page.locator(f"[data-testid=live][data-camera='{camera}']")
        expect(live).to_have_attribute("data-state", "live")
        before = int(live.get_attribute("data-frames") or 0)
        wait_for(
            lambda live=live, before=before: int(live.get_attribute("data-frames") or 0) > before + 5, "frames go on"
        )
    assert len(lines) == 1, "one socket carries all live pictures"


def test_playback_shows_the_chosen_moment_and_steps_by_frames(supervisor: Person) -> None:
    camera = supervisor.recording()[0]
    rate_hz = _rate_hz(supervisor, camera)
    now_us = int(time.time() * 1e6)
    earliest_us = supervisor.api(f"/api/cameras/{camera}/timeline?from_us={now_us - 3_600_000_000}&to_us={now_us}")[
        "spans"
    ][0]["start_us"]
    at_us = max(now_us - 12_000_000, earliest_us + 1_000_000)
    supervisor.page.goto(f"{supervisor.room.base}/playback?cameras={camera}&at={at_us}")
    tile = supervisor.page.locator(f"[data-playback='{camera}']")
    expect(tile).to_have_attribute("data-state", "ok")
    number = _shown(supervisor, f"[data-playback='{camera}']")
    off_s = (due_us(number, rate_hz) - at_us) / 1e6
    assert abs(off_s) < 1.0, f"the frame shown was sent {off_s:.2f} s from the moment asked for"
    supervisor.page.get_by_role("button", name=supervisor.words("playback:step_on")).click()
    wait_for(lambda: _shown(supervisor, f"[data-playback='{camera}']") == number + 1, "one frame on")
    supervisor.page.get_by_role("button", name=supervisor.words("playback:step_back")).click()
    wait_for(lambda: _shown(supervisor, f"[data-playback='{camera}']") == number, "one frame back")


def test_two_cameras_play_in_step(supervisor: Person) -> None:
    first, second = supervisor.recording()[:2]
    at_us = int(time.time() * 1e6) - 10_000_000
    supervisor.page.goto(f"{supervisor.room.base}/playback?cameras={first},{second}&at={at_us}")
    for camera in (first, second):
        expect(supervisor.page.locator(f"[data-playback='{camera}']")).to_have_attribute("data-state", "ok")
    supervisor.page.get_by_role("button", name=supervisor.words("playback:play"), exact=True).click()
    before = _shown(supervisor, f"[data-playback='{first}']")
    wait_for(lambda: _shown(supervisor, f"[data-playback='{first}']") > before + 15, "it plays")
    supervisor.page.get_by_role("button", name=supervisor.words("playback:pause"), exact=True).click()
    rates = _rate_hz(supervisor, first), _rate_hz(supervisor, second)

    def in_step() -> bool:
        shown = [
            due_us(_shown(supervisor, f"[data-playback='{c}']"), r) for c, r in zip((first, second), rates, strict=True)
        ]
        return abs(shown[0] - shown[1]) <= 1_000_000 / min(rates)

    wait_for(in_step, "both show the same moment to a frame")


def test_an_export_is_made_and_proves_itself(supervisor: Person, tmp_path: Path) -> None:
    page, words = supervisor.page, supervisor.words
    camera = supervisor.recording()[0]
    page.goto(f"{supervisor.room.base}/playback?cameras={camera}&at={int(time.time() * 1e6) - 8_000_000}")
    expect(page.locator(f"[data-playback='{camera}']")).to_have_attribute("data-state", "ok")
    page.get_by_role("button", name=words("playback:export"), exact=True).click()
    panel = page.get_by_test_id("export-panel")
    panel.get_by_label(words("playback:reason")).fill("Case 7 · قضية ٧")
    panel.get_by_role("button").filter(has_text=re.compile(r"\d|[٠-٩]|كاميرا")).last.click()
    expect(page.locator("[data-testid=export-progress][data-state=done]")).to_be_visible(timeout=30_000)
    files = []
    for link in page.locator("[data-testid=export-progress] a[download]").all():
        with page.expect_download() as download:
            link.click()
        target = tmp_path / str(download.value.suggested_filename)
        download.value.save_as(target)
        files.append(target)
    video = next(path for path in files if path.suffix == ".mp4")
    verify = [sys.executable, "-m", "manara.cli", "verify"]
    assert subprocess.run([*verify, str(tmp_path)], check=False).returncode == 0
    manifest = json.loads(next(path for path in files if path.suffix == ".json").read_text(encoding="utf-8"))
    assert "Case 7 · قضية ٧" in json.dumps(manifest, ensure_ascii=False)
    data = bytearray(video.read_bytes())
    data[len(data) // 2] ^= 1
    video.write_bytes(data)
    assert subprocess.run([*verify, str(tmp_path)], check=False, capture_output=True).returncode != 0


def test_a_change_made_in_one_browser_is_seen_in_another(chromium: Browser, room: Room) -> None:
    with person(chromium, room, "en") as technician, person(chromium, room, "ar") as operator:
        technician.come_in("technician")
        operator.come_in("operator")
        operator.to_map()
        camera = operator.api("/api/snapshot")["cameras"][0]
        operator.page.get_by_role("main").get_by_text(camera["code"], exact=True).first.wait_for()
        name = f"بوابة {int(time.time())}"
        answer = technician.page.request.patch(
            f"{room.base}/api/cameras/{camera['id']}", data={"name_ar": name}, headers={"X-Manara": "1"}
        )
        assert answer.ok
        changed = time.monotonic()
        expect(operator.page.get_by_role("main").get_by_text(name).first).to_be_visible()
        assert time.monotonic() - changed < patience_s(5)


def test_the_language_is_switched_without_leaving_the_place(chromium: Browser, room: Room) -> None:
    with person(chromium, room, "ar") as who:
        who.come_in("operator")
        who.to_map()
        who.page.get_by_role("button", name="English").click()
        expect(who.page.locator("html")).to_have_attribute("dir", "ltr")
        expect(who.page.get_by_role("navigation", name="Rooms")).to_contain_text("Playback")
        assert who.page.url.endswith("/map")


@pytest.mark.parametrize("language", ["ar", "en"])
def test_a_lost_server_is_told_and_found_again(chromium: Browser, room: Room, language: str) -> None:
    with person(chromium, room, language) as who:
        who.come_in("operator")
        who.to_map()
        expect(who.page.get_by_role("banner")).to_contain_text(who.words("shell:live"))
        stale = who.words("shell:stale").split("{{")[0].strip()
        control = room.pid_of("control")
        os.kill(control, signal.SIGSTOP)
        try:
            expect(who.page.locator("body")).to_contain_text(stale)
        finally:
            os.kill(control, signal.SIGCONT)
        expect(who.page.locator("body")).not_to_contain_text(stale)


def test_live_pictures_come_back_by_themselves_after_the_server_died(chromium: Browser, room: Room) -> None:
    with person(chromium, room, "ar") as who:
        who.come_in("supervisor")
        cameras = who.recording()[:2]
        who.page.goto(f"{room.base}/wall?cameras={','.join(cameras)}")
        tiles = [who.page.locator(f"[data-testid=live][data-camera='{camera}']") for camera in cameras]
        for live in tiles:
            expect(live).to_have_attribute("data-state", "live")
        os.kill(room.pid_of("control"), signal.SIGKILL)
        for live in tiles:
            expect(live).not_to_have_attribute("data-state", "live")
        for live in tiles:
            expect(live).to_have_attribute("data-state", "live")
        number = _shown(who, f"[data-camera='{cameras[0]}']")
        wait_for(lambda: _shown(who, f"[data-camera='{cameras[0]}']") > number + 10, "the picture goes on changing")


def test_a_camera_that_stops_is_never_shown_as_live(chromium: Browser, room: Room) -> None:
    with person(chromium, room, "ar") as who:
        who.come_in("supervisor")
        camera = who.recording()[-1]
        who.page.goto(f"{room.base}/camera/{camera}")
        live = who.page.locator("[data-testid=live]").first
        expect(live).to_have_attribute("data-state", "live")
        simulator = room.pid_of("simulate")
        os.kill(simulator, signal.SIGSTOP)
        try:
            wait_for(lambda: live.get_attribute("data-state") != "live", "the tile no longer claims to be live")
        finally:
            os.kill(simulator, signal.SIGCONT)
        wait_for(lambda: live.get_attribute("data-state") == "live", "it comes back")
