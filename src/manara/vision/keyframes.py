"""What vision needs of the recorders: the current key frame of a stream. `app/vision.py` hands in the real one.

A room does not import another; so this is a protocol and the form of the answer.
"""

from typing import Protocol

import msgspec


class KeyFrame(msgspec.Struct, frozen=True, kw_only=True):
    """A key frame as the recorder has it, or why there is none."""

    codec: str = ""  # h264, h265
    data: bytes = b""  # parameter sets and frame, each NAL unit after a 4-byte length; empty = none
    at_us: int = 0
    mark: str = ""  # the same mark is the same key frame
    why: str = ""  # no_stream: none comes; waiting: none yet; away: no recorder answers


class KeyFrames(Protocol):
    """Where key frames come from."""

    async def get(self, camera_id: str, stream: str) -> KeyFrame:
        """The current key frame of a stream. Never raises: `why` says that there is none."""
        ...
