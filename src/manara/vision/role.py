"""A vision process: looks at its share of the cameras in turn, and tells how each picture is.

    schedule → key frame from the recorder → decode → `CameraJudge` → `ImageReport` on `manara.image.<vision_id>`

Cameras are shared by a hash of their id among the processes of this machine; which there are comes from the bucket
`wanted`, as for recorders. It holds no database and writes only `<data>/vision/`. Decoding is done between the waits of
one event loop: a process uses at most `vision.cpu_pct` of one core and then falls behind, which it counts and tells.
Listens to `manara.ptz.*` and to `manara.vision.reference` (a technician takes the present view as the reference).
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec

from manara.base.clock import Clock
from manara.messages import ImageReport, ImageVerdict, PtzMoved, WantedCamera
from manara.settings import Settings
from manara.store.journal import BUCKET_WANTED, BUCKET_WHOLE, Entry, Journal, Subscription
from manara.store.leases import shard_of
from manara.vision.judge import CameraJudge, Judged
from manara.vision.keyframes import KeyFrame, KeyFrames
from manara.vision.picture import BadPicture, Picture, decode, look
from manara.vision.schedule import Schedule
from manara.vision.store import VisionStore, pack

log = logging.getLogger(__name__)

IMAGE_PREFIX = "manara.image."
PTZ_PREFIX = "manara.ptz."
REFERENCE_SUBJECT = "manara.vision.reference"
FETCHERS = 4  # key frames asked for at the same time
COMPLETE_EVERY_S = 60.0
REPORT_EVERY_S = 0.5
FORGET_S = 30 * 86_400.0
SAVE_EVERY_S = 1800.0
SAVE_AFTER_S = 120.0  # the first save of a camera's memory after a new reference
RECENT_US = 900_000_000  # after a restart, a recent picture older than this says nothing of the light now
BAD_LOOKS = 3  # so many key frames in a row that are no pictures, and the verdict says so
_CLOCK_US = 120_000_000

T = TypeVar("T")
_encode = msgspec.json.Encoder().encode
_wanted = msgspec.json.Decoder(WantedCamera)
_ptz = msgspec.json.Decoder(PtzMoved)


class TakeReference(msgspec.Struct, frozen=True, kw_only=True):
    """Ask that the present view of a camera becomes its reference (`manara.vision.reference`)."""

    camera_id: str
    by: str = ""


_reference = msgspec.json.Decoder(TakeReference)


@dataclass(slots=True)
class _Watched:
    """One camera of ours."""

    wanted: WantedCamera
    judge: CameraJudge
    verdict: ImageVerdict | None = None
    mark: str = ""
    bad: int = 0
    last_us: int = 0
    save_due_s: float = 0.0

    def stream(self, wish: str) -> str:
        """Which stream to look at: the one that is open anyway, unless the settings want the small one."""
        if self.wanted.sub_url and (wish == "sub" or not self.wanted.record or not self.wanted.main_url):
            return "sub"
        return "main"


class Vision:
    """One vision process, `number` of `count`. Make it on the running loop, then `run`."""

    def __init__(
        self,
        settings: Settings,
        number: int,
        count: int,
        source: KeyFrames,
        journal: Journal,
        clock: Clock,
        folder: Path | None = None,
    ) -> None:
        vision = settings.vision
        self.id = f"vision-{number}"
        self._number, self._count = number, count
        self._stream = vision.stream
        self._cpu_share = vision.cpu_pct / 100
        self._loops = vision.loops
        self._zone: tzinfo = ZoneInfo(settings.deployment.timezone)
        self._source = source
        self._journal = journal
        self._clock = clock
        self.store = VisionStore(folder or settings.data.directory.absolute() / "vision")
        self.schedule = Schedule(vision.look_s, vision.soon_s)
        self._cameras: dict[str, _Watched] = {}
        self._there: set[str] = set()  # with those that are switched off
        self._whole = (
            False  # control has written all that there are: a bucket that was lost and is filled anew is short
        )
        self._changed: dict[str, ImageVerdict] = {}
        self._turn = asyncio.Lock()
        self._looks_then, self._then_s, self._looks_per_s = 0, clock.monotonic_s(), 0.0
        self.counters = dict.fromkeys(
            (
                "looks",
                "same_key_frame",
                "no_picture",
                "bad_pictures",
                "look_failures",
                "store_failures",
                "bad_states",
                "unreadable",
                "skipped",
            ),
            0,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop` is set; then keep what was learned."""
        subscriptions: list[Subscription] = [
            self._journal.bucket(BUCKET_WANTED).watch(self._on_wanted, self._on_listed),
            self._journal.listen(PTZ_PREFIX + "*", self._on_ptz),
            self._journal.listen(REFERENCE_SUBJECT, self._on_reference),
        ]
        tasks = [asyncio.create_task(self._fetcher(), name=f"look-{number}") for number in range(FETCHERS)]
        tasks.append(asyncio.create_task(self._tell(), name="report"))
        stopping = asyncio.create_task(stop.wait(), name="stop")
        try:
            done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for ended in done - {stopping}:
                # A loop never ends by itself: let the process die and be started again rather than limp.
                ended.result()
        finally:
            stopping.cancel()
            for task in tasks:
                task.cancel()
            for subscription in subscriptions:
                await subscription.stop()
            await asyncio.to_thread(self._save_all)

    # -- which cameras -----------------------------------------------------------------------------------------------

    async def _on_wanted(self, entry: Entry) -> None:
        if entry.key == BUCKET_WHOLE:
            self._whole = entry.value is not None
        if not entry.key.startswith("camera."):
            return
        camera_id = entry.key.removeprefix("camera.")
        if not self._ours(camera_id):
            return
        wanted: WantedCamera | None = None
        if entry.value is not None:
            try:
                wanted = _wanted.decode(entry.value)
            except msgspec.MsgspecError as error:
                self._there.add(camera_id)
                self.counters["unreadable"] += 1
                log.error("what is wanted cannot be read", extra={"key": entry.key, "reason": str(error)[:200]})
                return
        if wanted is None:
            self._there.discard(camera_id)
        else:
            self._there.add(camera_id)
        self._want(camera_id, wanted)

    async def _on_listed(self) -> None:
        log.info("cameras to look at", extra={"cameras": len(self._cameras)})
        if self._whole:
            await asyncio.to_thread(self._forget_removed)

    def _forget_removed(self) -> None:
        """What was kept of cameras that are there no more goes after `FORGET_S`: alarms of theirs show it till then."""
        try:
            for camera_id, written_s in self.store.kept().items():
                if camera_id in self._there or not self._ours(camera_id):
                    continue
                if self._clock.wall_us() / 1e6 - written_s > FORGET_S:
                    self.store.forget(camera_id)
                    log.info("what was kept of a removed camera is gone", extra={"camera_id": camera_id})
        except OSError as error:
            self.counters["store_failures"] += 1
            log.error("what was kept of removed cameras stays", extra={"reason": str(error)[:200]})

    def _ours(self, camera_id: str) -> bool:
        return shard_of(camera_id) % self._count == self._number - 1

    def _want(self, camera_id: str, wanted: WantedCamera | None) -> None:
        known = self._cameras.get(camera_id)
        if wanted is None or not wanted.enabled:
            if known is not None:
                self._save(known)
                del self._cameras[camera_id]
        elif known is not None:
            known.wanted = wanted
            known.judge.ptz = wanted.ptz
        else:
            judge = self._remember(camera_id)
            judge.ptz = wanted.ptz
            self._cameras[camera_id] = _Watched(wanted, judge)
        self.schedule.set(set(self._cameras), self._clock.monotonic_s())

    def _remember(self, camera_id: str) -> CameraJudge:
        try:
            judge = self.store.load(camera_id, recent_from_us=self._clock.wall_us() - RECENT_US)
        except OSError as error:
            self.counters["store_failures"] += 1
            log.error("references cannot be read", extra={"camera_id": camera_id, "reason": str(error)[:200]})
            judge = None
        self.counters["bad_states"] = self.store.bad_states
        judge = judge or CameraJudge(camera_id)
        judge.loops = self._loops
        return judge

    async def _on_ptz(self, subject: str, data: bytes) -> None:
        moved = self._read(subject, data, _ptz.decode)
        camera = self._cameras.get(moved.camera_id) if moved is not None else None
        if camera is not None and moved is not None:
            camera.judge.moved(self._clock.wall_us(), moved.preset[:64])
            self.schedule.done(moved.camera_id, self._clock.monotonic_s(), soon=True)

    async def _on_reference(self, subject: str, data: bytes) -> None:
        asked = self._read(subject, data, _reference.decode)
        camera = self._cameras.get(asked.camera_id) if asked is not None else None
        if camera is not None and asked is not None:
            camera.judge.take_reference(asked.by[:120])
            camera.mark = ""  # the present key frame will do
            self.schedule.done(asked.camera_id, self._clock.monotonic_s() - self.schedule.soon_s, soon=True)

    def _read(self, subject: str, data: bytes, decoder: Callable[[bytes], T]) -> T | None:
        try:
            return decoder(data)
        except msgspec.MsgspecError as error:
            self.counters["unreadable"] += 1
            log.warning("a message cannot be read", extra={"subject": subject, "reason": str(error)[:200]})
            return None

    # -- looking -----------------------------------------------------------------------------------------------------

    async def _fetcher(self) -> None:
        while True:
            now_s = self._clock.monotonic_s()
            camera_id = self.schedule.take(now_s)
            if camera_id is None:
                await asyncio.sleep(max(0.02, self.schedule.wait_s(now_s)))
                continue
            soon = False
            try:
                camera = self._cameras.get(camera_id)
                if camera is not None:
                    key_frame = await self._source.get(camera_id, camera.stream(self._stream))
                    async with self._turn:
                        began_s = time.thread_time()
                        soon = self._look(camera, key_frame)
                        used_s = time.thread_time() - began_s
                        # The rest of the core is others'.
                        await asyncio.sleep(used_s * (1 / self._cpu_share - 1))
            except Exception:  # one camera's picture must not stop the looking at all others
                self.counters["look_failures"] += 1
                log.exception("looking at a camera failed", extra={"camera_id": camera_id})
            self.schedule.done(camera_id, self._clock.monotonic_s(), soon=soon)

    def _look(self, camera: _Watched, key_frame: KeyFrame) -> bool:
        """Look at one key frame; True where the next should come soon."""
        now_us = self._clock.wall_us()
        if not key_frame.data:
            self.counters["no_picture"] += 1
            camera.mark = ""
            self._heard(camera, camera.judge.unusable(now_us, key_frame.why or "waiting"))
            return False
        if key_frame.mark == camera.mark:
            self.counters["same_key_frame"] += 1
            return True
        camera.mark = key_frame.mark
        self.counters["looks"] += 1
        at_us = key_frame.at_us if abs(key_frame.at_us - now_us) < _CLOCK_US else now_us
        at_us = camera.last_us = max(at_us, camera.last_us + 1)
        try:
            picture = decode(key_frame.codec, key_frame.data)
        except BadPicture as error:
            self.counters["bad_pictures"] += 1
            camera.bad += 1
            if camera.bad == BAD_LOOKS:
                log.warning("pictures cannot be decoded", extra={"camera_id": camera.wanted.camera_id,
                                                                 "reason": error.message})  # fmt: skip
            if camera.bad >= BAD_LOOKS:
                self._heard(camera, camera.judge.unusable(now_us, "not_decodable"))
            return camera.bad < BAD_LOOKS
        camera.bad = 0
        hour = datetime.fromtimestamp(at_us / 1_000_000, UTC).astimezone(self._zone).hour
        judged = camera.judge.take(look(picture, at_us), hour)
        if judged.learned is not None or judged.begun:
            judged = self._keep(camera, judged, picture, at_us)
        self._heard(camera, judged)
        return judged.hurry

    def _keep(self, camera: _Watched, judged: Judged, picture: Picture, at_us: int) -> Judged:
        """Keep the pictures of a new reference or of a finding that began."""
        judge, camera_id = camera.judge, camera.wanted.camera_id
        used = {view.picture for view in judge.references.views}
        try:
            if judged.learned is not None:
                judged.learned.picture = self.store.keep_picture(camera_id, "ref", at_us, picture.jpeg(), used)
                camera.save_due_s = min(camera.save_due_s or float("inf"), self._clock.monotonic_s() + SAVE_AFTER_S)
            if judged.begun:
                judge.picture = self.store.keep_picture(camera_id, "now", at_us, picture.jpeg(), used)
                judge.reference = self._reference_of(camera, judged)
        except OSError as error:
            self.counters["store_failures"] += 1
            log.error("a picture cannot be kept", extra={"camera_id": camera_id, "reason": str(error)[:200]})
        verdict = msgspec.structs.replace(
            judged.verdict,
            picture=judge.picture if judged.verdict.findings else "",
            reference=judge.reference if judged.verdict.findings else "",
        )
        return Judged(verdict, judged.changed, judged.hurry, judged.begun, judged.base, judged.learned)

    @staticmethod
    def _reference_of(camera: _Watched, judged: Judged) -> str:
        base = judged.base
        if base is not None and base.picture:
            return base.picture
        mine = [view for view in camera.judge.references.of(camera.judge.preset) if view.picture]
        if base is not None and mine:
            return min(mine, key=lambda view: abs(view.mean - base.mean)).picture
        return mine[-1].picture if mine else ""

    def _heard(self, camera: _Watched, judged: Judged) -> None:
        camera.verdict = judged.verdict
        if judged.changed:
            self._changed[camera.wanted.camera_id] = judged.verdict
            log.info(
                "picture",
                extra={
                    "camera_id": camera.wanted.camera_id,
                    "findings": {found.kind: found.confidence for found in judged.verdict.findings},
                    "trusted": judged.verdict.trusted,
                    "why": judged.verdict.why,
                },
            )

    # -- telling and keeping -----------------------------------------------------------------------------------------

    async def _tell(self) -> None:
        complete_s = self._clock.monotonic_s()
        while True:
            await asyncio.sleep(REPORT_EVERY_S)
            now_s = self._clock.monotonic_s()
            complete = now_s - complete_s >= COMPLETE_EVERY_S
            if complete or self._changed:
                if complete:
                    complete_s = now_s
                    self._rate(now_s)
                await self._journal.tell(IMAGE_PREFIX + self.id, _encode(self.report(complete=complete)))
                self._changed.clear()
            await self._save_some(now_s)

    def report(self, *, complete: bool) -> ImageReport:
        """What changed, or all verdicts."""
        if complete:
            verdicts = [camera.verdict for camera in self._cameras.values() if camera.verdict is not None]
        else:
            verdicts = list(self._changed.values())
        self.counters["skipped"] = self.schedule.skipped
        more = {
            "cameras": len(self._cameras),
            "lag_ms": round(self.schedule.lag_s * 1000),
            "looks_per_1000_s": round(self._looks_per_s * 1000),
        }
        return ImageReport(
            vision_id=self.id,
            at_us=self._clock.wall_us(),
            complete=complete,
            verdicts=verdicts,
            counters=self.counters | more,
        )

    def _rate(self, now_s: float) -> None:
        if now_s > self._then_s:
            self._looks_per_s = (self.counters["looks"] - self._looks_then) / (now_s - self._then_s)
        self._looks_then, self._then_s = self.counters["looks"], now_s

    async def _save_some(self, now_s: float) -> None:
        for camera in list(self._cameras.values()):
            if camera.save_due_s == 0.0:
                camera.save_due_s = now_s + SAVE_EVERY_S
            elif now_s >= camera.save_due_s:
                camera.save_due_s = now_s + SAVE_EVERY_S
                data = pack(camera.judge)
                await asyncio.to_thread(self._write, camera.wanted.camera_id, data)
                return  # one at a time, so that looking goes on

    def _save_all(self) -> None:
        for camera in self._cameras.values():
            self._save(camera)

    def _save(self, camera: _Watched) -> None:
        if camera.judge.recent is not None or camera.judge.references.views:
            self._write(camera.wanted.camera_id, pack(camera.judge))

    def _write(self, camera_id: str, data: bytes) -> None:
        try:
            self.store.save(camera_id, data)
        except OSError as error:
            self.counters["store_failures"] += 1
            log.error("references cannot be kept", extra={"camera_id": camera_id, "reason": str(error)[:200]})
