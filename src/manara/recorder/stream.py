"""The life of one stream: connect, play, notice that it died, tell, wait, connect again.

Between the session (packets) and those who take frames (the archive's `FrameSink`, the `LiveChannel`). `streams.py`
makes streams, ticks them once a second and stops them. Everything it reports is measured here. It never gives up: a
camera that refuses is asked again at the longest interval.
"""

import asyncio
import logging
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from manara.formats import rtsp
from manara.formats.frames import Fragment, SoundFormat, VideoFormat
from manara.messages import StreamStatus
from manara.recorder.backoff import Backoff
from manara.recorder.connection import Receiver
from manara.recorder.faults import StreamFault
from manara.recorder.live import LiveChannel
from manara.recorder.session import Session, Target, open_session
from manara.recorder.sink import FrameSink, StreamKey
from manara.settings import Recorder

_RATE_TICKS = 5
_LOW_WATER_S = 0.5  # frames of a stream that nobody watches may lie in the socket for about this long
_GOODBYE_S = 1.0  # some cameras say good-bye (RTCP BYE) and go on; so frames must also be missing for this long
_UDP_REST_S = 600.0  # after UDP brought nothing, TCP is used for this long

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all streams of a process share."""

    receiver: Receiver
    settings: Recorder
    tls_context: ssl.SSLContext
    recorder_id: str
    timezone: tzinfo = UTC
    on_state: Callable[[StreamStatus], None] | None = None  # told of each change of state or cause


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """A key frame as MP4 stores it. Two asks that get the same `mark` got the same key frame."""

    video: VideoFormat
    sample: bytes
    at_us: int
    mark: str


class Stream:
    """One stream of one camera. `target` is called before each try (it opens the password then, not before)."""

    def __init__(
        self,
        key: StreamKey,
        target: Callable[[], Target],
        surroundings: Surroundings,
        sink: FrameSink,
        channel: LiveChannel,
        *,
        recorded: bool,
        gap_since_us: int = 0,
    ) -> None:
        self.key = key
        self.watched = False
        self._target = target
        self._around = surroundings
        self._clock = surroundings.receiver.clock
        self._sink = sink
        self._channel = channel
        self._recorded = recorded
        self._task: asyncio.Task[None] | None = None
        self._session: Session | None = None
        self._backoff = Backoff(surroundings.settings.backoff_max_s)
        self._state, self._cause, self._detail = "connecting", "none", ""
        self._since_us = self._end_us = self._clock.wall_us()
        self._gap_open = False
        self._gap_days: deque[int] = deque(maxlen=10_000)
        self._reconnects = 0
        self._had_session = False
        self._had_frames = False
        self._frames = self._dropped = self._lost = 0  # of sessions that have ended
        self._video: VideoFormat | None = None
        self._video_at_s = 0.0
        self._frames_seen = 0
        self._no_udp_until_s = 0.0
        self._rates: deque[tuple[float, int, int]] = deque(maxlen=_RATE_TICKS + 1)
        if gap_since_us:
            self._end_us = gap_since_us
            self._open_gap("configuration")

    # -- life --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to connect. Must run on the loop."""
        self._channel.wait("none", self._since_us)
        self._task = self._around.receiver.loop.create_task(self._run(), name=f"{self.key.camera_id}/{self.key.stream}")

    async def stop(self, cause: str = "none") -> int:
        """Stop, with everything handed on. Answers when the last frame ended (UTC µs), 0 if none ever came.

        `cause` is told with it, and is the gap's: `shed` where the site saves power.
        """
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        if cause != "none":
            self._open_gap(cause)
        self._become("stopped", cause, "")
        self._sink.ended(self.key)
        return self._end_us

    async def _run(self) -> None:
        while True:
            try:
                await self._play()
            except StreamFault as fault:
                refused = self._note(fault)
            except asyncio.CancelledError:
                self._put_down()
                raise
            except Exception as error:  # noqa: BLE001 -- one stream must not take the others with it, nor stay down
                _log.exception("stream failed", extra={"camera_id": self.key.camera_id, "stream": self.key.stream})
                detail = f"internal error: {type(error).__name__}; see the log"
                refused = self._note(StreamFault("protocol_error", detail))
            await asyncio.sleep(self._backoff.next_s(refused))

    async def _play(self) -> None:
        settings = self._around.settings
        target = self._target()
        if target.udp and self._clock.monotonic_s() < self._no_udp_until_s:
            target = Target(target.url, target.username, target.password, False, target.sound, target.max_fragment_s)
        try:
            async with asyncio.timeout(settings.connect_timeout_s):
                session = await open_session(self._around.receiver, target, self, self._around.tls_context)
        except TimeoutError:
            raise StreamFault("timeout", f"no answer within {settings.connect_timeout_s:g} s") from None
        except OSError as error:  # such as no more sockets
            raise StreamFault("configuration", f"this machine refuses: {error.strerror or error}") from error
        except rtsp.RtspError as error:
            raise StreamFault("protocol_error", str(error)) from error
        self._session = session
        self._rates.clear()
        self._video_at_s = self._clock.monotonic_s()
        self._frames_seen = 0
        if self._had_session:
            self._reconnects += 1
        self._had_session = True
        try:
            fault = await asyncio.shield(session.connection.ended)
        finally:
            self._put_down()
        if session.pair is not None and session.pair.packets_in == 0:
            self._no_udp_until_s = self._clock.monotonic_s() + _UDP_REST_S
            self._backoff.reset()
        raise fault

    def _put_down(self) -> None:
        session, self._session = self._session, None
        if session is None:
            return
        session.close()
        self._frames += session.joiner.frames
        self._dropped += session.joiner.dropped
        self._lost += session.depacketiser.lost

    def _note(self, fault: StreamFault) -> bool:
        """The stream is down: tell everybody; True where the camera refused."""
        refused = fault.state == "refused"
        self._open_gap(fault.cause)
        if (self._state, self._cause) != (fault.state, fault.cause):
            _log.warning(
                "stream is down",
                extra={"camera_id": self.key.camera_id, "stream": self.key.stream, "cause": fault.cause,
                       "reason": fault.detail},
            )  # fmt: skip
        since = self._since_us if self._state in ("lost", "refused") else self._end_us
        self._become(fault.state, fault.cause, fault.detail, since)
        self._channel.wait(fault.cause, since)
        return refused

    def _open_gap(self, cause: str) -> None:
        if not self._gap_open:
            self._gap_open = True
            self._gap_days.append(self._day(self._end_us))
            if self._recorded:
                self._sink.gap(self.key, cause, self._end_us)

    def _become(self, state: str, cause: str, detail: str, since_us: int | None = None) -> None:
        changed = (state, cause) != (self._state, self._cause)
        if state != self._state:
            self._since_us = self._clock.wall_us() if since_us is None else since_us
        self._state, self._cause, self._detail = state, cause, detail
        if changed and self._around.on_state is not None:
            self._around.on_state(self.status())

    # -- frames (called by the joiner)
    # ---------------------------------------------------------------------------------

    def on_format(self, video: VideoFormat, sound: SoundFormat | None, at_us: int) -> None:
        """A run of frames begins."""
        self._video = video
        self._had_frames = True
        self._backoff.reset()
        if self._recorded:
            if self._gap_open:
                self._sink.recovered(self.key, max(at_us, self._end_us))
            self._sink.format(self.key, video, sound)
        self._gap_open = False
        self._end_us = max(self._end_us, at_us)
        self._become("recording" if self._recorded else "live_only", "none", "")
        self._channel.format(video, sound)

    def on_fragment(self, fragment: Fragment) -> None:
        """A whole fragment."""
        self._end_us = fragment.wall_us + fragment.duration * 100 // 9
        if self._recorded:
            self._sink.fragment(self.key, fragment)

    def on_frame(self, frame: Fragment) -> None:
        """One frame, as somebody watches."""
        self._channel.frame(frame)

    # -- viewers -----------------------------------------------------------------------------------------------------

    def watch(self, watched: bool) -> None:
        """Whether somebody watches: frames then go out one by one, and the socket wakes us at each."""
        self.watched = watched
        if watched and self._session is not None:
            self._session.connection.set_low_water(1)
            self._session.connection.readable()

    def current_gop(self) -> Sequence[Fragment]:
        """What there is of the current GOP."""
        return self._session.joiner.current_gop() if self._session is not None else ()

    def key_frame(self) -> KeyFrame | None:
        """The key frame of the current GOP, with what still lay in the socket; None while there is none."""
        session = self._session
        if session is None:
            return None
        if not self.watched:
            session.connection.readable()
        found = session.joiner.key_frame() if self._session is session else None
        if found is None:
            return None
        video, sample, at_us, mark = found
        return KeyFrame(video, sample, at_us, f"{self._reconnects}.{mark}")

    # -- once a second -----------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Measure, keep alive, and notice a stall."""
        session = self._session
        if session is None:
            return
        now_s = self._clock.monotonic_s()
        session.tick(now_s)
        if self._session is not session:
            return
        frames = session.joiner.frames
        self._rates.append((now_s, session.bytes_in, frames))
        if frames != self._frames_seen:
            self._frames_seen, self._video_at_s = frames, now_s
        elif session.goodbye and now_s - self._video_at_s > _GOODBYE_S:
            session.connection.fail("server_closed", "the camera said good-bye")
            return
        elif now_s - self._video_at_s > self._around.settings.stall_s:
            self._stalled(session)
            return
        if not self.watched and len(self._rates) > 2:
            wish = int(self._bytes_per_s() * _LOW_WATER_S)
            nearest = 1 << max(0, (wish + wish // 2).bit_length() - 1)  # of two's powers: steady as the rate swings
            session.connection.set_low_water(min(self._around.settings.low_water_bytes, nearest))

    def _stalled(self, session: Session) -> None:
        settings = self._around.settings
        if session.joiner.frames:
            session.connection.fail("stalled", f"no frame for {settings.stall_s:g} s")
        elif session.joiner.dropped:
            session.connection.fail("no_video", f"no key frame with parameter sets in {settings.stall_s:g} s")
        elif session.depacketiser.stray_types:
            session.connection.fail("no_video", "packets of another payload type than the camera announced")
        else:
            session.connection.fail("stalled", f"the camera plays but sends nothing for {settings.stall_s:g} s")

    def _bytes_per_s(self) -> float:
        first, last = self._rates[0], self._rates[-1]
        return (last[1] - first[1]) / (last[0] - first[0]) if last[0] > first[0] else 0.0

    def _day(self, at_us: int) -> int:
        return datetime.fromtimestamp(at_us / 1_000_000, self._around.timezone).toordinal()

    def status(self) -> StreamStatus:
        """How the stream is, as measured."""
        session, video, rates = self._session, self._video, self._rates
        playing = session is not None and self._state in ("recording", "live_only")
        rate_hz = bytes_per_s = 0.0
        if playing and len(rates) > 1 and rates[-1][0] > rates[0][0]:
            bytes_per_s = self._bytes_per_s()
            rate_hz = (rates[-1][2] - rates[0][2]) / (rates[-1][0] - rates[0][0])
        drift_ms, last_us = 0.0, self._end_us if self._had_frames else 0
        if session is not None:
            joiner = session.joiner
            if joiner.frames:
                last_us = max(last_us, joiner.wall.wall_us(joiner.last_pts))
                camera = joiner.camera_offset_us
                media_us = joiner.last_pts * 100 // 9
                # The camera's clock against ours where it tells one, else how its RTP clock has run away from ours.
                drift_ms = (
                    (camera + media_us - joiner.wall.wall_us(joiner.last_pts)) / 1000
                    if camera is not None
                    else -joiner.wall.drift_ms
                )
        today = self._day(self._clock.wall_us())
        return StreamStatus(
            camera_id=self.key.camera_id,
            stream=self.key.stream,
            state=self._state,
            cause=self._cause,
            detail=self._detail or ("; ".join(session.notes) if session is not None else ""),
            since_us=self._since_us,
            last_frame_us=last_us,
            bitrate_bps=round(bytes_per_s * 8),
            frame_rate_hz=round(rate_hz, 2),
            gop_s=round(session.joiner.gop_s, 3) if session is not None else 0.0,
            width=video.width_px if video is not None else 0,
            height=video.height_px if video is not None else 0,
            codec=video.codec_string if video is not None else "",
            drift_ms=round(drift_ms, 1),
            packets_lost=self._lost + (session.depacketiser.lost if session is not None else 0),
            reconnects=self._reconnects,
            frames=self._frames + (session.joiner.frames if session is not None else 0),
            frames_dropped=self._dropped + (session.joiner.dropped if session is not None else 0),
            gaps_today=sum(1 for day in self._gap_days if day == today),
            viewers=self._channel.viewers,
            recorder_id=self._around.recorder_id,
        )
