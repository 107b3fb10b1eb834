"""Live pictures of this process's streams: each frame is boxed once and given to all who watch.

A `LiveChannel` belongs to one stream. `Stream` feeds it; viewers (`feed.py`) join and leave. Whoever joins gets the
init section and the current GOP at once, so that the first picture does not wait for a key frame. A viewer's first
frame after an init section is a key frame: what it could not decode is not sent. Holds no queues: a viewer that is
slow sees to that itself. No I/O. A frame that cannot be boxed is counted and left out.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from manara.formats import fmp4
from manara.formats.frames import Fragment, SoundFormat, VideoFormat
from manara.recorder.sink import StreamKey


class Viewer(Protocol):
    """Somebody who watches one stream. Called on the event loop; must return at once."""

    def state(self, state: dict[str, Any]) -> None:
        """A `J` state."""
        ...

    def media(self, boxes: bytes, key: bool, init: bool) -> None:
        """Whole boxes: the init section (`init`), or a fragment that begins with a key frame or not."""
        ...


class LiveChannel:
    """One stream for its viewers. `changed` is told when the first comes and when the last has gone."""

    def __init__(self, key: StreamKey, changed: Callable[[], None]) -> None:
        self.key = key
        self.unboxed = 0
        self._changed = changed
        self._viewers: list[Viewer] = []
        self._keyless: list[Viewer] = []  # those whose next frame must be a key frame
        self._joining = 0
        self._video: VideoFormat | None = None
        self._init = b""
        self._number = 0
        self._waiting: dict[str, Any] = {"state": "waiting", "since_us": 0, "cause": "none"}
        self._playing = False

    @property
    def viewers(self) -> int:
        """How many watch."""
        return len(self._viewers) + self._joining

    def join(self, viewer: Viewer, gop: Callable[[], Sequence[Fragment]]) -> None:
        """Begin to watch. `gop` gives what there is of the current GOP, once the stream knows that it is watched."""
        self._joining += 1
        if self.viewers == 1:
            self._changed()  # brings what waited in the socket, even a new format; the viewer gets it with the GOP
        if self._playing:
            viewer.state(self._live_state())
            viewer.media(self._init, False, True)
            decodable = False
            for fragment in gop():
                boxes = self._box(fragment)
                decodable = bool(boxes) and (decodable or fragment.key)
                if decodable:
                    viewer.media(boxes, fragment.key, False)
            if not decodable:  # a GOP too large to keep, or a stream that is just beginning
                self._keyless.append(viewer)
        else:
            viewer.state(self._waiting)
        self._joining -= 1
        self._viewers.append(viewer)

    def leave(self, viewer: Viewer) -> None:
        """Stop watching; may be called twice."""
        if viewer in self._viewers:
            self._viewers.remove(viewer)
            if viewer in self._keyless:
                self._keyless.remove(viewer)
            if not self._viewers:
                self._changed()

    def format(self, video: VideoFormat, sound: SoundFormat | None) -> None:
        """A run of frames begins."""
        try:
            self._init = fmp4.init_section(video, sound)
        except fmp4.Fmp4Error:
            self.unboxed += 1
            self.wait("protocol_error", 0)
            return
        self._video, self._playing = video, True
        self._keyless = list(self._viewers)
        state = self._live_state()
        for viewer in tuple(self._viewers):
            viewer.state(state)
            viewer.media(self._init, False, True)

    def frame(self, frame: Fragment) -> None:
        """The next frame."""
        if not self._playing:
            return
        boxes = self._box(frame)
        if boxes:
            for viewer in tuple(self._viewers):
                if viewer in self._keyless:
                    if not frame.key:
                        continue
                    self._keyless.remove(viewer)
                viewer.media(boxes, frame.key, False)

    def wait(self, cause: str, since_us: int) -> None:
        """No frames come."""
        self._playing = False
        self._waiting = {"state": "waiting", "since_us": since_us, "cause": cause}
        for viewer in tuple(self._viewers):
            viewer.state(self._waiting)

    def gone(self) -> None:
        """This process no longer has the stream: whoever watches must ask elsewhere."""
        self._playing = False
        self._waiting = {"state": "refused", "cause": "not_found"}
        for viewer in tuple(self._viewers):
            viewer.state(self._waiting)

    def _box(self, fragment: Fragment) -> bytes:
        try:
            boxes, _ = fmp4.fragment_boxes(fragment, self._number, None, live=True)
        except fmp4.Fmp4Error:
            self.unboxed += 1
            return b""
        self._number += 1
        return b"".join(boxes)

    def _live_state(self) -> dict[str, Any]:
        video = self._video
        if video is None:
            return self._waiting
        return {
            "state": "live",
            "codec": video.codec_string,
            "width": video.width_px,
            "height": video.height_px,
            "stream": self.key.stream,
        }
