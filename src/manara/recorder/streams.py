"""All streams of one recorder process: which are open, for whom, and how they are.

`apply` makes the open streams equal to what is wanted; a change of one camera touches no other. Main streams of
recorded cameras are always open; all others only while somebody watches (and for the linger after), unless settings
say always. What a site on its battery sheds is not recorded (cause `shed`), and opened only while somebody looks. The
process (`process.py`) calls `apply`, `run` and `statuses`; the feed calls `join` and `leave`. Runs on the receiver's
loop only.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo

from manara.base.errors import ManaraError
from manara.messages import StreamStatus, WantedCamera
from manara.recorder import tls
from manara.recorder.connection import Receiver
from manara.recorder.faults import StreamFault
from manara.recorder.live import LiveChannel, Viewer
from manara.recorder.session import Target
from manara.recorder.sink import FrameSink, NullSink, StreamKey
from manara.recorder.stream import KeyFrame, Stream, Surroundings
from manara.settings import Recorder

TICK_S = 1.0
_STATUS_EVERY_S = 10.0
_ASKED_S = 45.0  # a stream that was opened for its key frames stays open at least this long after it was asked for one
_TOLD_GONE_S = 12.0  # a stream that was closed is told as stopped for this long

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What of a wanted camera makes a stream; equal wishes need no restart."""

    url: str
    username: str
    password_sealed: str
    udp: bool
    sound: bool
    recorded: bool
    always: bool
    shed: bool = False  # its site saves power: opened only while a person looks


class _Place:
    """One stream that is wanted, whether it is open or not."""

    def __init__(self, wish: _Wish, channel: LiveChannel) -> None:
        self.wish = wish
        self.channel = channel
        self.stream: Stream | None = None
        self.idle_since_s: float | None = None
        self.shed_since_us = 0
        self.shown: tuple[object, ...] = ()
        self.shown_s = 0.0


class StreamSet:
    """The streams of this process."""

    def __init__(
        self,
        receiver: Receiver,
        settings: Recorder,
        sink: FrameSink,
        open_password: Callable[[str], str],
        recorder_id: str,
        *,
        timezone: tzinfo = UTC,
        on_state: Callable[[StreamStatus], None] | None = None,
    ) -> None:
        self._around = Surroundings(receiver, settings, tls.context(), recorder_id, timezone, on_state)
        self._clock = receiver.clock
        self._settings = settings
        self._sink = sink
        self._nothing = NullSink()
        self._open_password = open_password
        self._places: dict[StreamKey, _Place] = {}
        self._closing: dict[StreamKey, asyncio.Task[None]] = {}
        self._gone: dict[StreamKey, tuple[StreamStatus, float]] = {}  # closed, and until when that is told
        self._stopped = False
        self.tick_failures = 0

    def __len__(self) -> int:
        return sum(place.stream is not None for place in self._places.values())

    # -- what is wanted ----------------------------------------------------------------------------------------------

    def apply(self, wanted: Mapping[str, WantedCamera]) -> None:
        """Make the open streams equal to `wanted`. Returns at once; streams stop and start beside."""
        wishes: dict[StreamKey, _Wish] = {}
        for camera in wanted.values():
            if not camera.enabled:
                continue
            wishes.update(self._wishes(camera))
        for key in [key for key in self._places if key not in wishes]:
            place = self._places.pop(key)
            self._close(key, place)
            place.channel.gone()
        for key, wish in wishes.items():
            place_now = self._places.get(key)
            if place_now is None:
                place_now = self._places[key] = _Place(wish, LiveChannel(key, lambda key=key: self._watching(key)))  # type: ignore[misc]
                self._settle(key, place_now)
            elif place_now.wish != wish:
                recorded_before = place_now.wish.recorded
                place_now.wish = wish
                self._close(key, place_now, reopen=True, gap=recorded_before and wish.recorded)
            place_now.shed_since_us = (place_now.shed_since_us or self._clock.wall_us()) if wish.shed else 0

    def _wishes(self, camera: WantedCamera) -> dict[StreamKey, _Wish]:
        udp = camera.transport == "udp"
        always = self._settings.sub_stream == "always"
        found: dict[StreamKey, _Wish] = {}
        common = (camera.username, camera.password_sealed, udp, camera.sound)
        off = camera.shed == "off"
        instead = camera.record and camera.shed == "sub" and bool(camera.sub_url)  # the sub stream instead of the main
        if camera.main_url:
            key = StreamKey(camera.camera_id, "main")
            main = camera.record and not off and not instead
            found[key] = _Wish(camera.main_url, *common, recorded=main, always=main, shed=off or instead)
        if camera.sub_url:
            key = StreamKey(camera.camera_id, "sub")
            sub = instead or (always and not off)
            found[key] = _Wish(camera.sub_url, *common, recorded=instead, always=sub, shed=off)
        return found

    def _settle(self, key: StreamKey, place: _Place, gap_since_us: int = 0) -> None:
        """Open the stream where it must be open now."""
        if self._stopped or place.stream is not None or key in self._closing:
            return
        asked = place.idle_since_s is not None and place.idle_since_s > self._clock.monotonic_s()
        if not place.wish.always and not place.channel.viewers and not asked:
            return
        wish = place.wish
        sink = self._sink if wish.recorded else self._nothing
        stream = Stream(
            key, lambda: self._target(wish), self._around, sink, place.channel, recorded=wish.recorded,
            gap_since_us=gap_since_us,
        )  # fmt: skip
        place.stream = stream
        if not asked:
            place.idle_since_s = None
        stream.watch(place.channel.viewers > 0)
        stream.start()

    def _target(self, wish: _Wish) -> Target:
        try:
            password = self._open_password(wish.password_sealed) if wish.password_sealed else ""
        except ManaraError as error:
            raise StreamFault("configuration", f"the password cannot be opened: {error.message}") from error
        return Target(wish.url, wish.username, password, wish.udp, wish.sound, self._settings.fragment_max_s)

    def _close(self, key: StreamKey, place: _Place, reopen: bool = False, gap: bool = False) -> None:
        stream, place.stream = place.stream, None
        if stream is None:
            if reopen:
                self._settle(key, place)
            return
        # Whoever joins from here on waits for the next stream: the old one's init section is not for its frames.
        place.channel.wait("none", self._clock.wall_us())

        cause = "shed" if place.wish.shed else "none"

        async def closing() -> None:
            try:
                end_us = await stream.stop(cause)
            finally:
                self._closing.pop(key, None)
            now = self._places.get(key)
            if now is not None:
                self._settle(key, now, end_us if gap else 0)
            if now is None or now.stream is None:
                self._gone[key] = (stream.status(), self._clock.monotonic_s() + _TOLD_GONE_S)

        self._closing[key] = self._around.receiver.loop.create_task(closing())

    # -- viewers -----------------------------------------------------------------------------------------------------

    def join(self, key: StreamKey, viewer: Viewer) -> bool:
        """Let `viewer` watch a stream; False where this process has no such stream."""
        place = self._places.get(key)
        if place is None:
            return False

        place.channel.join(viewer, lambda: () if place.stream is None else place.stream.current_gop())
        return True

    def leave(self, key: StreamKey, viewer: Viewer) -> None:
        """The viewer has gone."""
        place = self._places.get(key)
        if place is not None:
            place.channel.leave(viewer)

    def key_frame(self, key: StreamKey) -> KeyFrame | str:
        """The current key frame of a stream, or why there is none (`not_found` where this process has no such stream).

        A stream that was closed is opened for it, and stays open while it is asked within `_ASKED_S`; not one that is
        `shed`.
        """
        place = self._places.get(key)
        if place is None:
            return "not_found"
        if place.wish.shed and place.stream is None:
            return "shed"
        if not place.wish.always and not place.wish.shed and not place.channel.viewers:
            later_s = max(0.0, _ASKED_S - self._settings.sub_stream_linger_s)
            place.idle_since_s = self._clock.monotonic_s() + max(later_s, 0.001)
            self._settle(key, place)
        frame = place.stream.key_frame() if place.stream is not None else None
        return frame or "waiting"

    def _watching(self, key: StreamKey) -> None:
        place = self._places.get(key)
        if place is None:
            return
        if place.channel.viewers:
            place.idle_since_s = None
            self._settle(key, place)
        else:
            place.idle_since_s = self._clock.monotonic_s()
        if place.stream is not None:
            place.stream.watch(place.channel.viewers > 0)

    # -- time --------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Tick for ever; cancel to end."""
        while True:
            await asyncio.sleep(TICK_S)
            self.tick()

    def tick(self) -> None:
        """Once a second: measure, keep alive, find stalls, close what nobody watches any more."""
        now_s = self._clock.monotonic_s()
        for key, place in list(self._places.items()):
            stream = place.stream
            if stream is None:
                continue
            try:
                stream.tick()
            except Exception:  # noqa: BLE001 -- one stream's trouble must not stop the clock of all others
                self.tick_failures += 1
                _log.exception("tick of a stream failed", extra={"camera_id": key.camera_id, "stream": key.stream})
            idle = place.idle_since_s
            if not place.wish.always and idle is not None and now_s - idle >= self._settings.sub_stream_linger_s:
                place.channel.wait("none", self._clock.wall_us())
                self._close(key, place)

    async def stop(self) -> None:
        """Stop all streams, with everything handed to the sink."""
        self._stopped = True
        for key, place in list(self._places.items()):
            self._close(key, place)
        if self._closing:
            await asyncio.wait(list(self._closing.values()))

    def statuses(self, changed_only: bool = False) -> list[StreamStatus]:
        """How the streams are; `changed_only` leaves out those that said the same within the last 10 s."""
        now_s = self._clock.monotonic_s()
        found: list[StreamStatus] = []
        for key, (status, until_s) in list(self._gone.items()):
            place = self._places.get(key)
            if until_s < now_s or (place is not None and (place.stream is not None or place.wish.shed)):
                del self._gone[key]
            else:
                found.append(status)
        for key, place in self._places.items():
            if place.stream is None and not place.wish.shed:
                continue
            status = self._shed(key, place) if place.stream is None else place.stream.status()
            shown = (
                status.state, status.cause, status.detail, status.codec, status.viewers, status.gaps_today,
                round(status.frame_rate_hz), status.bitrate_bps // 250_000, status.packets_lost,
                status.frames_dropped,
            )  # fmt: skip
            if changed_only and shown == place.shown and now_s - place.shown_s < _STATUS_EVERY_S:
                continue
            place.shown, place.shown_s = shown, now_s
            found.append(status)
        return found

    def _shed(self, key: StreamKey, place: _Place) -> StreamStatus:
        """A stream that is closed because its site saves power."""
        return StreamStatus(
            camera_id=key.camera_id,
            stream=key.stream,
            state="stopped",
            cause="shed",
            since_us=place.shed_since_us,
            viewers=place.channel.viewers,
            recorder_id=self._around.recorder_id,
        )
