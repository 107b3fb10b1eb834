"""How fluidly the map is dragged with 10,000 cameras on it, in a real Chromium, against the map with the demo's 850.

    python -m benchmarks.map_pan                       10,000 cameras more, 8 s of dragging at each zoom
    python -m benchmarks.map_pan --cameras 20000 --gpu    on a machine with a graphics card

A demo of its own, the cameras by the ordinary import. The mouse drags the map to and fro without a pause. Printed for
each zoom: frames drawn a second (`requestAnimationFrame`), processor time of the page's own thread a frame (scripts,
styles, layout, paint; CDP `Performance.getMetrics`), and the longest task. Without a graphics card Chromium draws on
the processor, in a process of its own that takes all there is: then the frames a second are that renderer's, and only
the page's time says whether the screen's own code leaves room for 60 a second. Limit (`screens.md`): 60 frames a second
of panning, judged with `--gpu`; else that the page needs less than the 16.7 ms of a frame.
"""

import argparse
import csv
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import CDPSession, Page, sync_playwright

from tests.browser.room import Person, Room, Words, find_chromium, wait_for

FRAME_MS = 1000 / 60
ZOOMS_IN = (0, 2, 3)  # clicks on "+" from the whole province: clusters; towns; single cameras with their cones
_FRAMES = """() => {
  window.drawn = 0;
  window.longest = 0;
  const step = () => { window.drawn += 1; requestAnimationFrame(step); };
  requestAnimationFrame(step);
  const long = (list) => list.getEntries().map((one) => one.duration);
  new PerformanceObserver((list) => { window.longest = Math.max(window.longest, ...long(list)); })
    .observe({ type: "longtask" });
}"""


def write_cameras(path: Path, count: int) -> None:
    """A file to import: cameras about the towns, switched off, so that nothing but the map is measured."""
    chance = random.Random(7)
    with path.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(("code", "kind", "lat", "lon", "heading_deg", "field_of_view_deg", "main_url", "enabled"))
        for number in range(count):
            lat, lon = chance.gauss(31.1, 0.25), chance.gauss(46.25, 0.3)
            rows.writerow(
                (f"MORE-{number:05d}", "fixed", round(lat, 6), round(lon, 6), chance.randrange(360), 72,
                 f"rtsp://127.0.0.1:9/{number}", "false")
            )  # fmt: skip


def metrics(cdp: CDPSession) -> dict[str, float]:
    """The page's own times, s."""
    return {one["name"]: one["value"] for one in cdp.send("Performance.getMetrics")["metrics"]}


def drag(page: Page, seconds: float) -> None:
    """The mouse, held, in circles."""
    box = page.locator("[data-testid=map]").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    until = time.monotonic() + seconds
    step = 0
    while time.monotonic() < until:
        step += 1
        page.mouse.move(x + (step * 7 % 400) - 200, y + (step * 3 % 240) - 120)
    page.mouse.up()


def measure(page: Page, seconds: float) -> list[dict[str, float]]:
    """The figures at each zoom."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("Performance.enable", {"timeDomain": "threadTicks"})  # processor time: the renderer takes both cores
    found = []
    page.evaluate(_FRAMES)
    for clicks in ZOOMS_IN:
        for _ in range(clicks):
            page.keyboard.press("+")
            page.wait_for_timeout(700)
        page.wait_for_timeout(2000)
        page.evaluate("() => { window.drawn = 0; window.longest = 0; }")
        before, begun_s = metrics(cdp), time.monotonic()
        drag(page, seconds)
        took_s = time.monotonic() - begun_s
        after = metrics(cdp)
        drawn = max(1, page.evaluate("window.drawn"))
        found.append(
            {
                "frames_a_second": round(drawn / took_s, 1),
                "page_ms_a_frame": round(1000 * (after["TaskDuration"] - before["TaskDuration"]) / drawn, 2),
                "script_ms_a_frame": round(1000 * (after["ScriptDuration"] - before["ScriptDuration"]) / drawn, 2),
                "longest_task_ms": round(page.evaluate("window.longest")),
            }
        )
    return found


def open_map(who: Person, at_least: int) -> None:
    """The map, once it shows so many cameras."""
    wait_for(lambda: len(who.api("/api/snapshot")["cameras"]) >= at_least, f"{at_least} cameras are known", 300)
    who.page.goto(f"{who.room.base}/map")
    who.page.locator("[data-testid=map][data-idle]").wait_for(timeout=60_000)


def main() -> int:
    """Prints one line of JSON. Returns 1 where the limit is missed."""
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    options.add_argument("--cameras", type=int, default=10_000)
    options.add_argument("--seconds", type=float, default=8.0)
    options.add_argument("--gpu", action="store_true", help="let Chromium draw on the graphics card")
    chosen = options.parse_args()
    executable = find_chromium()
    if executable is None:
        print("no Chromium: nothing is measured", file=sys.stderr)
        return 2
    drawing = ["--use-gl=egl", "--ignore-gpu-blocklist"] if chosen.gpu else ["--use-angle=swiftshader"]
    with tempfile.TemporaryDirectory(prefix="manara-map-") as made, sync_playwright() as playwright:
        folder = Path(made)
        room = Room(folder)
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", *drawing])
        try:
            room.wait_until_pictures_flow()
            who = Person(browser.new_context(viewport={"width": 1920, "height": 1080}), room, Words("en"))
            who.come_in("supervisor")
            few = len(who.api("/api/snapshot")["cameras"])
            open_map(who, few)
            told = {"few": measure(who.page, chosen.seconds)}
            write_cameras(folder / "more.csv", chosen.cameras)
            subprocess.run(
                [sys.executable, "-m", "manara.cli", "--data", str(folder / "data"), "import", "--apply", "cameras",
                 str(folder / "more.csv")],
                check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            open_map(who, few + chosen.cameras)
            told["many"] = measure(who.page, chosen.seconds)
        finally:
            browser.close()
            room.close()
    worst_ms = max(one["page_ms_a_frame"] for one in told["many"])
    slowest = min(one["frames_a_second"] for one in told["many"])
    ok = slowest >= 58 if chosen.gpu else worst_ms <= FRAME_MS
    print(f"{platform.platform()}, {os.cpu_count()} cores, {'graphics card' if chosen.gpu else 'software rendering'}")
    for name, cameras in (("few", few), ("many", few + chosen.cameras)):
        for place, one in enumerate(told[name]):
            print(
                f"{cameras:6} cameras, zoom {place + 1}: {one['frames_a_second']:5.1f} frames/s, page "
                f"{one['page_ms_a_frame']:5.2f} ms a frame (scripts {one['script_ms_a_frame']:.2f}), "
                f"longest task {one['longest_task_ms']} ms"
            )
    ratio = worst_ms / max(0.01, *(one["page_ms_a_frame"] for one in told["few"]))
    print(
        json.dumps(
            {"benchmark": "map_pan", "cameras": few + chosen.cameras, "peer_cameras": few, "gpu": chosen.gpu}
            | told
            | {"page_time_ratio": round(ratio, 2), "ok": ok}
        )
    )
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
