"""Steering a camera on its picture: it moves while the hand holds, stands still after, and others see who holds it."""

import base64
import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, expect

from manara.access.roles import Role
from manara.app.demo import NAMES
from tests.browser.room import Person, Room, person, wait_for

pytestmark = pytest.mark.browser

SMALL = """canvas => {
  const small = document.createElement("canvas");
  [small.width, small.height] = [320, 180];
  const context = small.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(canvas, 0, 0, 320, 180);
  return small.toDataURL("image/png");
}"""
MOVED = 15.0  # mean difference of luma; traffic alone makes less than half of it


def _picture(who: Person) -> NDArray[np.float64]:
    """What is seen, small, without the bar on top."""
    surface = who.page.locator("[data-testid=live] canvas").first
    data = str(surface.evaluate(SMALL))
    image = Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))).convert("L").resize((160, 90))
    return np.asarray(image, dtype=np.float64)[12:]


def _moving_camera(who: Person) -> dict[str, Any]:
    recording = set(who.recording())
    cameras = who.api("/api/snapshot")["cameras"]
    return next(one for one in cameras if one["kind"] == "ptz" and one["id"] in recording)


def _open(who: Person, account: str, camera_id: str = "") -> str:
    who.come_in(account)
    camera_id = camera_id or _moving_camera(who)["id"]
    who.page.goto(f"{who.room.base}/camera/{camera_id}")
    expect(who.page.locator("[data-testid=live]").first).to_have_attribute("data-state", "live")
    return camera_id


@pytest.mark.parametrize("language", ["ar", "en"])
def test_a_drag_moves_the_camera_and_others_see_who_holds_it(chromium: Browser, room: Room, language: str) -> None:
    with person(chromium, room, language) as first, person(chromium, room, language) as second:
        camera_id = _open(first, "operator")
        _open(second, "supervisor", camera_id)
        free = first.words("video:ptz.free")
        expect(second.page.locator(".ptz-lock")).to_contain_text(free)
        before = _picture(first)
        box = first.page.get_by_test_id("ptz-layer").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        first.page.mouse.move(x, y)
        first.page.mouse.down()
        first.page.mouse.move(x + 300, y, steps=4)
        wait_for(lambda: np.abs(_picture(first) - before).mean() > MOVED, "the picture follows the hand")
        expect(second.page.locator(".ptz-lock")).to_contain_text(NAMES[Role.OPERATOR])
        first.page.mouse.up()
        state = first.api(f"/api/cameras/{camera_id}/ptz")
        assert state["lock"]["name"] == NAMES[Role.OPERATOR]
        expect(first.page.locator(".ptz-lock")).to_contain_text(first.words("video:ptz.yours").split("{{")[0].strip())
        first.page.get_by_role("button", name=first.words("video:ptz.home")).click()
        wait_for(lambda: np.abs(_picture(first) - before).mean() < MOVED, "it goes home")
        first.page.get_by_role("button", name=first.words("video:ptz.release")).click()
        expect(second.page.locator(".ptz-lock")).to_contain_text(free)
