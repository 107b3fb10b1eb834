"""The other side of `benchmarks.fleet`: what recorders, vision and site devices of a large network say. No video.

    python -m benchmarks.fleet_sender speak FOLDER    plays the sites of `fleet.json`, publishes as they would
    python -m benchmarks.fleet_sender floor FOLDER    hears the same subjects and decodes each message, nothing more

`speak` publishes a `RecorderStatus` a second for every 300 cameras (changed streams, all each 10 s, as recorders do),
an `ImageReport` with all verdicts each minute, and the sites' readings, one part by HTTP push through control, the
others straight to whoever takes readings, as MQTT, SNMP and Modbus would reach it. A storm breaks out and ends as told.
Both print a JSON line on standard output when their standard input closes.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import msgspec

from manara.base.errors import ManaraError, Unavailable
from manara.messages import ImageReport, ImageVerdict, Reading, ReadingBatch, RecorderStatus, StreamStatus
from manara.simulate.directory import Directory
from manara.simulate.estate import Estate
from manara.simulate.infrastructure import Infrastructure
from manara.simulate.province import Province
from manara.simulate.telemetry import Post, Pusher, Voices
from manara.simulate.trouble import Trouble
from manara.store.journal_nats import NatsJournal
from manara.store.nats_server import JournalAddress

PUSH_SUBJECT = "manara.telemetry.push"
CAMERAS_A_RECORDER = 300
AGAIN_S = (2.0, 5.0)  # a box with a little memory sends again after these, then the readings are lost
_encode = msgspec.json.Encoder().encode
# What goes wrong at once, by a thousand sites: a quarter of them, and a dust storm over a section.
STORM = (("grid", 60), ("site_power", 30), ("switch_dead", 20), ("link_cut", 30), ("camera_dead", 60),
         ("credential", 20), ("door", 30), ("battery_stolen", 10), ("dust", 1))  # fmt: skip


class _States:
    """Cameras as recorders would see them: what `trouble` orders of a camera becomes a state and a cause."""

    def __init__(self) -> None:
        self.wrong: dict[str, str] = {}
        self.spoiled: dict[str, str] = {}

    def order(self, code: str, kind: str, value: float | None = None) -> None:
        self.wrong[code] = "stalled"

    def lift(self, code: str, kind: str) -> None:
        self.wrong.pop(code, None)

    def spoil(self, code: str, kind: str) -> None:
        self.spoiled[code] = kind

    def mend(self, code: str) -> None:
        self.spoiled.pop(code, None)

    def shows(self, code: str) -> bool:
        return True

    def change_password(self, code: str, wrong: bool) -> None:
        if wrong:
            self.wrong[code] = "unauthorized"
        else:
            self.wrong.pop(code, None)


class Speaker:
    """Everything that is said."""

    def __init__(self, folder: Path, plan: dict[str, Any], journal: NatsJournal) -> None:
        province = Province(**plan["province"])
        infrastructure = Infrastructure(**plan["infrastructure"])
        self.estate = Estate(province, infrastructure, time.time_ns() // 1000)
        self.states = _States()
        self.trouble = Trouble(self.estate, self.states, None)
        directory = Directory.read(folder)
        assert directory is not None, "fleet.py writes it"
        self.voices = Voices(self.estate, directory)
        self.pusher = Pusher(plan["base_url"], directory.tokens)
        self.plan = plan
        self.journal = journal
        names = (
            "statuses",
            "verdicts",
            "readings",
            "pushed",
            "sent_again",
            "no_answer",
            "not_taken",
            "lost",
            "refused",
        )
        self.counts = Counter(dict.fromkeys(names, 0))
        self.site_ids = {code: directory.ids[f"site:{code}"].partition(":")[2] for code in self.estate.sites}
        self.camera_ids: dict[str, str] = plan["camera_ids"]
        self.device_ids: dict[str, str] = plan["device_ids"]
        self._chance = random.Random(3)
        self._posts: set[asyncio.Task[None]] = set()
        self._shown: dict[str, tuple[str, str, int]] = {}
        codes = list(self.estate.cameras)
        self.recorders = [codes[at : at + CAMERAS_A_RECORDER] for at in range(0, len(codes), CAMERAS_A_RECORDER)]

    def stream(self, code: str, now_us: int) -> tuple[StreamStatus, bool]:
        """One camera's main stream now, and whether a recorder would tell it at once."""
        dark = self.estate.dark(self.estate.cameras[code])
        cause = "timeout" if dark else self.states.wrong.get(code, "none")
        state = "recording" if cause == "none" else "refused" if cause == "unauthorized" else "lost"
        known = self._shown.get(code)
        since_us = known[2] if known is not None and known[:2] == (state, cause) else now_us
        new = (state, cause, since_us)
        changed = new != known or self._chance.random() < 0.01  # a bitrate that crossed a step
        self._shown[code] = new
        fine = state == "recording"
        return StreamStatus(
            camera_id=self.camera_ids[code],
            stream="main",
            state=state,
            cause=cause,
            since_us=since_us,
            last_frame_us=now_us if fine else since_us,
            bitrate_bps=1_500_000 + self._chance.randrange(400_000) if fine else 0,
            frame_rate_hz=12.5 if fine else 0.0,
            gop_s=2.0,
            width=1280,
            height=720,
            codec="avc1.640028",
            recorder_id="",
        ), changed

    async def say_statuses(self, second: int) -> None:
        """One second of all recorders; all streams each 10 s, recorder by recorder."""
        now_us = time.time_ns() // 1000
        for number, codes in enumerate(self.recorders, start=1):
            complete = (second + number) % 10 == 0
            streams = []
            for code in codes:
                status, changed = self.stream(code, now_us)
                if complete or changed:
                    streams.append(status)
            recorder_id = f"recorder-{number}"
            streams = [msgspec.structs.replace(one, recorder_id=recorder_id) for one in streams]
            report = RecorderStatus(
                recorder_id=recorder_id, at_us=now_us, pid=number, complete=complete, streams=streams
            )
            await self.journal.tell(f"manara.status.{recorder_id}", _encode(report))
            self.counts["statuses"] += len(streams)

    async def say_pictures(self, second: int) -> None:
        """A sixtieth of all verdicts each second, as several vision processes would."""
        part = self.recorders[second % len(self.recorders)] if second % 60 < len(self.recorders) else []
        if part:
            now_us = time.time_ns() // 1000
            verdicts = [ImageVerdict(camera_id=self.camera_ids[code], at_us=now_us) for code in part]
            report = ImageReport(vision_id=f"vision-{second % 60 + 1}", at_us=now_us, complete=True, verdicts=verdicts)
            await self.journal.tell(f"manara.image.{report.vision_id}", _encode(report))
            self.counts["verdicts"] += len(verdicts)

    def say_readings(self) -> None:
        """What the devices have to say now."""
        for post in self.voices.due():
            pushed = hash(post.device) % 100 < self.plan["push_pct"]
            task = asyncio.create_task(self._push(post) if pushed else self._ask(post))
            self._posts.add(task)
            task.add_done_callback(self._posts.discard)

    async def _push(self, post: Post) -> None:
        for wait_s in (*AGAIN_S, None):
            try:
                await self.pusher.say(post)
            except httpx.HTTPStatusError as error:  # 503 "nobody took it", 429: a device sends it again
                self.counts[f"answered_{error.response.status_code}"] += 1
            except (httpx.HTTPError, OSError):
                self.counts["no_answer"] += 1
            else:
                self.counts["pushed"] += len(post.told)
                return
            if wait_s is not None:
                self.counts["sent_again"] += len(post.told)
                await asyncio.sleep(wait_s)
        self.counts["lost"] += len(post.told)

    async def _ask(self, post: Post) -> None:
        site_id, device_id = self.site_ids[self.estate.devices[post.device].site], self.device_ids[post.device]
        readings = [
            Reading(
                site_id=site_id, subject=subject, quantity=quantity, value=value, at_us=post.at_us, device_id=device_id
            )
            for subject, quantity, value in post.told
        ]
        try:
            answer = json.loads(await self.journal.ask(PUSH_SUBJECT, _encode(ReadingBatch(readings=readings)), 10.0))
        except Unavailable:
            self.counts["lost"] += len(readings)
            return
        if not answer.get("ok"):
            self.counts["not_taken"] += len(readings)
            return
        self.counts["refused"] += sum(bool(reason) for reason in answer.get("reasons", ()))
        self.counts["readings"] += len(readings)

    def storm(self, now_us: int) -> None:
        """Everything at once."""
        for kind, most in STORM:
            places = self.trouble.places(kind)
            if kind == "link_cut":  # a cut of the core takes a section with it; that is another story
                places = [code for code in places if self.estate.links[code].b_site.startswith("SITE")]
            most = max(1, most * len(self.site_ids) // 1000)
            for place in self._chance.sample(places, k=min(most, len(places))):
                try:
                    self.trouble.order(kind, place, now_us)
                except ManaraError:
                    continue

    async def run(self) -> None:
        """Until standard input closes."""
        loop = asyncio.get_running_loop()
        ended = loop.run_in_executor(None, sys.stdin.read)
        began_s = loop.time()
        second = 0
        behind_s = 0.0
        print("ready", flush=True)
        while not ended.done():
            self.estate.step(time.time_ns() // 1000, 1.0)
            if second == self.plan["storm_at_s"]:
                self.storm(time.time_ns() // 1000)
            if second == self.plan["storm_ends_s"]:
                self.trouble.heal_all(time.time_ns() // 1000)
            await self.say_statuses(second)
            await self.say_pictures(second)
            self.say_readings()
            second += 1
            left_s = began_s + second - loop.time()
            behind_s = max(behind_s, -left_s)
            await asyncio.sleep(max(0.0, left_s))
        faults = [one.as_dict() for one in self.trouble.told]
        dark = sorted({code for one in faults for code in one["cameras"]})
        kinds = sorted({one["kind"] for one in faults})
        more = {"behind_s": round(behind_s, 2), "faults": len(faults), "kinds": kinds, "cameras_harmed": len(dark)}
        print(json.dumps(dict(self.counts) | more | {"posts_on_the_way": len(self._posts)}), flush=True)


async def speak(folder: Path) -> None:
    """Play and publish."""
    plan = json.loads((folder / "fleet.json").read_text(encoding="utf-8"))
    address = JournalAddress.read(folder / "run")
    journal = await NatsJournal.start(address.url, address.user, address.password, name="fleet")
    await journal.wait_connected(10)
    await Speaker(folder, plan, journal).run()
    await journal.close()


async def floor(folder: Path) -> None:
    """Hear and decode: what no health or control process can do without."""
    address = JournalAddress.read(folder / "run")
    journal = await NatsJournal.start(address.url, address.user, address.password, name="floor")
    await journal.wait_connected(10)
    heard = 0
    kinds = (("manara.status.*", RecorderStatus), ("manara.image.*", ImageReport), (PUSH_SUBJECT, ReadingBatch))

    def hears(decoder: msgspec.json.Decoder[Any]) -> Any:
        async def hear(_subject: str, data: bytes) -> None:
            nonlocal heard
            decoder.decode(data)
            heard += 1

        return hear

    subscriptions = [journal.listen(subject, hears(msgspec.json.Decoder(kind))) for subject, kind in kinds]
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(json.dumps({"heard": heard}), flush=True)
    for subscription in subscriptions:
        await subscription.stop()
    await journal.close()


if __name__ == "__main__":
    asyncio.run({"speak": speak, "floor": floor}[sys.argv[1]](Path(sys.argv[2])))
