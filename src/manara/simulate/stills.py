"""A scene's first pictures: one still for each GOP, drawn in under a second, shown until the scene itself is drawn.

Drawing and encoding 32 s of eight scenes takes a minute or more. A camera that went round in its first two seconds
meanwhile would be a frozen one, and would rightly be found so; one still after another over the whole 32 s is a poor
camera and a true one. Main and sub stream hold each key frame with pictures in which nothing changes, put together
from one slice (`mount.BlackScene`); H.265 cannot be put together and is encoded. Called by `scenes.py`. Pure but for
the files.
"""

import zlib
from dataclasses import replace

from manara.simulate.clips import Clip, ClipFrame, move_below_bar
from manara.simulate.rtp import packetise
from manara.simulate.slices import Slice


def hold(stills: Clip, unchanged: Slice, into: Clip) -> None:
    """Fill `into` with the key frames of `stills`, each held for a GOP. Both are H.264 clips with room for a bar."""
    headers = into.headers
    if headers is None:
        raise ValueError("only clips with a bar can be put together")
    held: list[ClipFrame] = []
    for number in range(1, into.gop):
        frame_num = number % (1 << headers.frame_num_bits)
        part = replace(unchanged, idr=False, frame_num=frame_num, idr_pic_id=0)
        nal = move_below_bar(part, headers, into.width_px)
        held.append(ClipFrame(False, tuple(packetise("h264", [nal])), zlib.crc32(nal), frame_num))
    into.frames = [frame for still in stills.frames for frame in (still, *held)]
    into.complete = True
