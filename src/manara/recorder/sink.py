"""What the reader of a stream offers to those who take its frames. Interfaces and two small types; no I/O.

`stream.py` calls a `FrameSink` from the recorder's one event loop, so a sink may never wait for a disk: it queues
and returns. The archive (`segments.py`) implements it; tests use a list. Order of calls for one stream, repeated for
ever: `format`, (`fragment` …), then either `format` (the decoder changes, no time is lost), or `gap`, later
`recovered` and `format` again, or `ended`. `format` always begins a new run: decode times start again near 0 and the
next fragment begins with a key frame.
"""

from typing import NamedTuple, Protocol

from manara.formats.frames import Fragment, SoundFormat, VideoFormat


class StreamKey(NamedTuple):
    """Which stream: `stream` is "main" or "sub"."""

    camera_id: str
    stream: str


class FrameSink(Protocol):
    """Takes what a stream brings. Called on the event loop; must return at once and must not raise."""

    def format(self, stream: StreamKey, video: VideoFormat, sound: SoundFormat | None) -> None:
        """A run of frames for this decoder begins: a new segment."""
        ...

    def fragment(self, stream: StreamKey, fragment: Fragment) -> None:
        """The next frames, in decode order: a GOP or at most about `fragment_max_s` of it. The payload is the sink's
        to keep and nobody changes it any more."""
        ...

    def gap(self, stream: StreamKey, cause: str, since_us: int) -> None:
        """No frames since `since_us` (UTC: the end of the last frame, or when the stream was first wanted). Once an
        outage."""
        ...

    def recovered(self, stream: StreamKey, at_us: int) -> None:
        """Frames come again; the gap ends at `at_us`, the wall time of the first new key frame."""
        ...

    def ended(self, stream: StreamKey) -> None:
        """The stream is no longer wanted, or the process stops: close what is open. No gap."""
        ...


class NullSink:
    """Takes everything and keeps nothing: for streams that are only watched."""

    def format(self, stream: StreamKey, video: VideoFormat, sound: SoundFormat | None) -> None:
        """Nothing is kept."""

    def fragment(self, stream: StreamKey, fragment: Fragment) -> None:
        """Nothing is kept."""

    def gap(self, stream: StreamKey, cause: str, since_us: int) -> None:
        """Nothing is kept."""

    def recovered(self, stream: StreamKey, at_us: int) -> None:
        """Nothing is kept."""

    def ended(self, stream: StreamKey) -> None:
        """Nothing is kept."""
