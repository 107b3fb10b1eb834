"""One demo and one Chromium for all browser tests."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser import field
from tests.browser.room import ROOT, Person, Room, find_chromium, person
from tests.support.patience import LONG_S


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """A running demo. Missing screens are a failure where CI runs, elsewhere a skip that says what to do."""
    if not (ROOT / "src/manara/web/static/index.html").exists():
        reason = "the screens are not built: run `make ui`"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    running = Room(tmp_path_factory.mktemp("room"))
    try:
        running.wait_until_pictures_flow()
        yield running
    finally:
        running.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A real Chromium without a screen; WebGL by its software renderer."""
    path = find_chromium()
    if path is None:
        pytest.skip("Chromium is not installed (Debian package chromium)")
    flags = [
        "--no-sandbox",
        "--use-angle=swiftshader",
        "--enable-unsafe-swiftshader",
        "--disable-background-networking",
    ]
    expect.set_options(timeout=LONG_S * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@pytest.fixture(params=["ar", "en"])
def supervisor(request: pytest.FixtureRequest, chromium: Browser, room: Room) -> Iterator[Person]:
    """A shift supervisor, signed in, in each language."""
    with person(chromium, room, request.param) as who:
        who.come_in("supervisor")
        yield who


@pytest.fixture(scope="session")
def finished_work(chromium: Browser, room: Room) -> str:
    """The id of a work order raised on a desk and done on a phone.

    The check has half a minute to close it: asked for early, other tests pass meanwhile.
    """
    order_id = field.raise_work(chromium, room)
    field.do_work(chromium, room, order_id)
    return order_id
