"""Work is raised in the room and done at the pole (how: `field.py`); `test_work.py` sees it closed some tests later."""

import pytest
from playwright.sync_api import Browser

from tests.browser.room import Room, person

pytestmark = pytest.mark.browser


def test_work_is_raised_on_a_desk_and_done_on_a_phone(chromium: Browser, room: Room, finished_work: str) -> None:
    with person(chromium, room, "en") as supervisor:
        supervisor.come_in("supervisor")
        entries = supervisor.api(f"/api/work-orders/{finished_work}")["entries"]
    assert [entry["what"] for entry in entries][:5] == ["open", "accepted", "on_site", "photo", "done"]
