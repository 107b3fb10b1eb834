"""Finds the recorder that has a camera and brings its live frames. Opens sockets in `<data>/run`; keeps nothing.

The recorder that last spoke of the camera is asked first, then all others: after a recorder has died another takes the
camera, and its status may not have come yet. Used by `routes/live.py`.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from manara.base.errors import Unavailable
from manara.web.statuses import Statuses

Frame = dict[str, Any] | bytes


class LiveSource(Protocol):
    """One recorder's door (`recorder.feed.FeedClient`)."""

    def live(self, camera_id: str, stream: str) -> AsyncIterator[Frame]:
        """States (dicts) and boxes (bytes) of a stream. Raises `Unavailable` when the recorder is not there."""
        ...


@dataclass(frozen=True)
class Feeds:
    """All recorders of this machine."""

    folder: Path
    statuses: Statuses
    door: Callable[[Path], LiveSource]

    def candidates(self, camera_id: str) -> list[str]:
        """Recorders to ask for a camera, the likeliest first."""
        known = self.statuses.recorder_of(camera_id)
        others = sorted(path.stem for path in self.folder.glob("*.sock") if path.stem != known)
        return ([known] if known else []) + others

    async def live(self, camera_id: str, stream: str) -> AsyncGenerator[Frame, None]:
        """Frames of a stream from whichever recorder has it. Raises `Unavailable` when none has, or it went away."""
        refusal = Unavailable("No recorder has this camera yet.", code="recorder_away")
        asked: set[str] = set()
        while recorder_id := next((one for one in self.candidates(camera_id) if one not in asked), None):
            asked.add(recorder_id)  # listed anew each time: who has the camera now may have begun meanwhile
            frames = self.door(self.folder / f"{recorder_id}.sock").live(camera_id, stream)
            try:
                async with aclosing(frames) as open_frames:  # type: ignore[type-var]
                    async for frame in open_frames:
                        if isinstance(frame, dict):
                            if _not_here(frame):
                                break
                            if frame.get("state") == "waiting" and self._moved(camera_id, recorder_id):
                                break
                        yield frame
                    else:
                        return
            except Unavailable as error:
                refusal = error
        raise refusal

    def _moved(self, camera_id: str, recorder_id: str) -> bool:
        return self.statuses.recorder_of(camera_id) not in (None, recorder_id)


def _not_here(state: dict[str, Any]) -> bool:
    return state.get("state") == "refused" and state.get("cause") == "not_found"
