"""The played sites as a task: physics once a second, darkness to the cameras, telemetry out, faults by timetable.

Also keeps the truth: each fault, when it began and when it ended, a JSON line in `<data>/simulate/faults.jsonl`.
Started by `role.py`; ordered through `control.py`.
"""

import asyncio
import json
import logging
import time
from pathlib import Path

from manara.base.clock import Clock
from manara.base.errors import ManaraError
from manara.simulate.asked import AskedServers
from manara.simulate.ballast import Ballast
from manara.simulate.desk import CameraDesk
from manara.simulate.directory import Directory
from manara.simulate.estate import Estate
from manara.simulate.schedule import Mood, Timetable
from manara.simulate.telemetry import LOST, Failures, Post, Publisher, Pusher, Speaker, Voices
from manara.simulate.trouble import Fault, Trouble

log = logging.getLogger(__name__)
STEP_S = 1.0
_POSTS_MOST = 64  # that may be on their way at once


class Played:
    """The sites that are played."""

    def __init__(
        self,
        estate: Estate,
        desk: CameraDesk,
        clock: Clock,
        folder: Path,
        *,
        mood: Mood,
        disk: Path | None = None,
        seed: int = 7,
    ) -> None:
        self.estate = estate
        self._ballast = None if disk is None else Ballast(disk)
        self.trouble = Trouble(estate, desk, self._ballast, self._keep)
        self._desk = desk
        self._clock = clock
        self._folder = folder
        self._table = Timetable(mood, self.trouble.places, seed)
        self._speakers: dict[str, Speaker] = {}
        self._voices: Voices | None = None
        self._asked: AskedServers | None = None
        self._posts: set[asyncio.Task[None]] = set()
        self.failures = Failures()
        self.posts_left_out = 0

    def speak(self, directory: Directory, base_url: str, broker: tuple[str, int]) -> None:
        """Let the devices tell Manara; without it they are mute. `broker`: host and port of Manara's own, 0 = none."""
        self._voices = Voices(self.estate, directory)
        self._speakers["push"] = Pusher(base_url, directory.tokens)
        if broker[1]:
            self._speakers["mqtt"] = Publisher(*broker, directory.tokens)
        self._asked = AskedServers(self.estate, directory.modbus_port, directory.snmp_port)

    async def run(self) -> None:
        """Play, for ever."""
        last_s = self._clock.monotonic_s()
        try:
            if self._asked is not None:
                await self._asked.start()
            while True:
                now_s = self._clock.monotonic_s()
                self.step(now_s - last_s)
                last_s = now_s
                await asyncio.sleep(max(0.05, STEP_S - (self._clock.monotonic_s() - now_s)))
        finally:
            for task in self._posts:
                task.cancel()
            for speaker in self._speakers.values():
                await speaker.close()
            if self._asked is not None:
                await self._asked.close()

    def step(self, passed_s: float) -> None:
        """Let time pass once: physics, faults that are due, darkness, what devices have to say."""
        now_us = self._clock.wall_us()
        self.trouble.heal_due(now_us)
        self.estate.step(now_us, passed_s)
        self.trouble.look(now_us)
        if self._ballast is not None:
            self._ballast.keep()
        for planned in self._table.due(self.estate.passed_s, len(self.trouble.active)):
            try:
                fault = self.trouble.order(planned.kind, planned.at, now_us, seconds=planned.lasts_s, by="schedule")
                log.info("something goes wrong by itself", extra={"kind": fault.kind, "at": fault.at})
            except ManaraError as error:
                log.info("a planned fault is left out", extra={"kind": planned.kind, "reason": error.message})
        for camera in self.estate.cameras.values():
            self._desk.darken(camera.code, self.estate.dark(camera))
        for post in self._voices.due() if self._voices is not None else ():
            self._send(post)

    def _send(self, post: Post) -> None:
        speaker = self._speakers.get(str(self.estate.devices[post.device].row["protocol"]))
        if speaker is None:
            return
        if len(self._posts) >= _POSTS_MOST:
            self.posts_left_out += 1
            return
        task = asyncio.create_task(self._say(speaker, post))
        self._posts.add(task)
        task.add_done_callback(self._posts.discard)

    async def _say(self, speaker: Speaker, post: Post) -> None:
        try:
            await speaker.say(post)
        except LOST as error:
            self.failures.add(post.device, error)

    def _keep(self, fault: Fault) -> None:
        """A line of truth."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "faults.jsonl").open("a", encoding="utf-8") as out:
            out.write(json.dumps(fault.as_dict() | {"told_us": time.time_ns() // 1000}) + "\n")
