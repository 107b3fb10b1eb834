"""A whole demo in processes of its own, and a person's browser in front of it."""

import base64
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.request import Request, urlopen

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page

from manara.app.demo import PASSWORD
from manara.simulate.strip import EPOCH_US, read_frame_number
from manara.store.nats_server import free_port
from tests.support.patience import LONG_S

T = TypeVar("T")
_TOP = """canvas => {
  const top = document.createElement("canvas");
  top.width = canvas.width;
  top.height = Math.ceil(canvas.width / 40);
  top.getContext("2d").drawImage(canvas, 0, 0);
  return top.toDataURL("image/png");
}"""

ROOT = Path(__file__).resolve().parents[2]
CAMERAS = 4


def find_chromium() -> str | None:
    """Debian's Chromium or whatever is on the path."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    return None


def wait_for(ask: Callable[[], T], what: str, timeout_s: float = LONG_S) -> T:
    """Ask until the answer is true; the answer. Raises `AssertionError` naming `what` when it stays false."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > deadline_s:
            raise AssertionError(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(0.05)


class Room:
    """`manara demo` with a few cameras, on ports of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        onvif_port = free_port()
        self.province = f"http://127.0.0.1:{onvif_port}/control"
        environment = os.environ | {
            "MANARA_SIMULATE__CAMERAS": str(CAMERAS),
            "MANARA_SIMULATE__RTSP_PORT": str(free_port()),
            "MANARA_SIMULATE__ONVIF_PORT": str(onvif_port),
            "MANARA_SIMULATE__FAULTS": "calm",  # what goes wrong is what a test orders
            "MANARA_RECORDER__SEGMENT_S": "30",
            "MANARA_MAINTENANCE__CHECK_S": "30",
        }
        self.output = (folder / "demo.log").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "manara.cli", "--data", str(folder / "data"), "--port", str(self.port), "demo"],
            cwd=folder, env=environment, stdout=self.output, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def said(self) -> str:
        """What the terminal shows."""
        return (self.folder / "demo.log").read_text(encoding="utf-8")

    def wait_until_pictures_flow(self) -> None:
        """As a person would: until the terminal says so."""

        def flows() -> bool:
            assert self.process.poll() is None, f"the demo ended:\n{self.said()[-4000:]}"
            return "Pictures flow" in self.said()

        wait_for(flows, "the demo says that pictures flow", 3 * LONG_S)

    def pid_of(self, role: str) -> int:
        """The process of a role, as the supervisor says it."""
        known = json.loads((self.folder / "data/run/supervisor.json").read_text(encoding="utf-8"))
        processes = known["processes"] if isinstance(known, dict) else known
        return int(next(one["pid"] for one in processes if one["name"] == role))

    def order(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """An order to the virtual province: something goes wrong, or is well again."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.province}{path}", data, {"X-Manara": "1"}, method=method)
        with urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def close(self) -> None:
        """Ctrl-C."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.output.close()


class Words:
    """The texts of one language, as the translation files have them."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._files = {
            path.stem: json.loads(path.read_text(encoding="utf-8"))
            for path in (ROOT / "ui/src/locales" / language).glob("*.json")
        }

    def __call__(self, key: str) -> str:
        """`signin:account` and the like."""
        file, _, path = key.partition(":")
        value: Any = self._files[file]
        for part in path.split("."):
            value = value[part]
        return str(value)


def label_of(text: str) -> re.Pattern[str]:
    """A field's label, with or without the mark that it is required."""
    return re.compile(rf"^\s*{re.escape(text)}\s*\*?\s*$")


class Person:
    """Somebody at a browser: a page, a language, and what a person does with them."""

    def __init__(self, context: BrowserContext, room: Room, words: Words) -> None:
        self.room = room
        self.words = words
        self.page: Page = context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def sign_in(self, account: str, password: str = PASSWORD) -> None:
        """Through the door, typing."""
        self.page.goto(self.room.base)
        self.page.get_by_role("radio", name=self.words(f"common:language.{self.words.language}")).or_(
            self.page.get_by_role("button", name=self.words(f"common:language.{self.words.language}"))
        ).first.click()
        self.page.get_by_label(self.words("signin:account")).fill(account)
        self.page.get_by_label(self.words("signin:password")).fill(password)
        self.page.get_by_role("button", name=self.words("signin:sign_in")).click()

    def come_in(self, account: str) -> None:
        """Sign in, and stand at the person's own first screen."""
        self.sign_in(account)
        self.wait_until_in()

    def wait_until_in(self) -> None:
        """The person's own first screen has come."""
        self.page.wait_for_url(re.compile(r"/(map|overview)$"))

    def to_map(self) -> None:
        """Once in: to the map, whatever the person's own first screen."""
        if not self.page.url.endswith("/map"):
            self.page.goto(f"{self.room.base}/map")

    def api(self, path: str) -> Any:
        """What the server answers to this person."""
        answer = self.page.request.get(self.room.base + path)
        assert answer.ok, f"{path}: {answer.status} {answer.text()[:300]}"
        return answer.json()

    def recording(self) -> list[str]:
        """Ids of the cameras that record now."""
        statuses = self.api("/api/snapshot")["statuses"]
        return sorted(key for key, one in statuses.items() if one.get("main", {}).get("state") == "recording")


def frame_number(surface: Locator) -> int | None:
    """The number burnt into what a canvas shows now."""
    data = surface.evaluate(_TOP)  # the whole picture takes thirty times as long to pack and to read
    picture = Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))).convert("L")
    return read_frame_number(np.asarray(picture, dtype=np.uint8))


def due_us(number: int, rate_hz: float) -> int:
    """When the frame with this number was due to be sent, µs UTC."""
    return EPOCH_US + round(number * 1_000_000 / rate_hz)


@contextmanager
def person(
    browser: Browser, room: Room, language: str, width_px: int = 1920, height_px: int = 1080
) -> Iterator[Person]:
    """A fresh browser profile; its page must not have thrown anything by the end."""
    locale = "ar-IQ" if language == "ar" else "en-GB"
    context = browser.new_context(
        viewport={"width": width_px, "height": height_px}, locale=locale, accept_downloads=True
    )
    context.set_default_timeout(LONG_S * 1000)
    who = Person(context, room, Words(language))
    try:
        yield who
    finally:
        context.close()
    assert who.errors == []
