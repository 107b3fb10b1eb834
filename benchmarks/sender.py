"""Many cameras of 1080p15 at about 2 Mbit/s from one cheap process: packed once, sent many times, each frame known.

    python -m benchmarks.sender --cameras 200 --codec h264

Prints one line of JSON with its ports when it listens; `GET /control/sent` says what it has sent. Runs until its
standard input closes. The clip is made once and kept in the temporary folder.
"""

import argparse
import asyncio
import gc
import json
import os
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

from manara.simulate.clips import Clip, ClipWriter, load_clip
from manara.simulate.control import ControlPort
from manara.simulate.encoder import Encoder, grey, parameter_sets
from manara.simulate.http import HttpServer
from manara.simulate.mount import ClipMount, Quirks, VirtualCamera
from manara.simulate.rtsp_server import RtspServer
from manara.simulate.testcard import card_pictures

FRAME_RATE, GOP = Fraction(15), 30
PHASES = 24


def bench_clip(codec: str) -> Clip:
    """4 s of 1080p15 at about 2 Mbit/s, GOP 2 s."""
    path = Path(tempfile.gettempdir()) / f"manara-bench-1-{codec}.clip"
    if not path.exists():
        fresh = path.with_suffix(f".{os.getpid()}")
        writer: ClipWriter | None = None
        encoder = Encoder(1920, 1080, codec=codec, frame_rate=FRAME_RATE, gop=GOP, crf=30, max_bps=2_000_000)
        for index, luma in enumerate(card_pictures(1920, 1080, 2 * GOP, strip=True, noise=14)):
            nals = encoder.encode(grey(luma))
            writer = writer or ClipWriter(
                fresh,
                codec=codec,
                width_px=1920,
                height_px=1080,
                frame_rate=FRAME_RATE,
                sets=parameter_sets(codec, nals),
                gop=GOP,
                bar=False,
            )
            writer.add(nals, index % GOP == 0)
        assert writer is not None
        writer.close()
        fresh.rename(path)
    return load_clip(path)


async def serve(cameras: int, codec: str) -> None:
    """Serve until standard input closes."""
    clip = bench_clip(codec)
    server, web = RtspServer(), HttpServer()
    for index in range(cameras):
        camera = VirtualCamera(f"CAM-{index + 1:04d}", quirks=Quirks(join="next_key"))
        phase_us = index % PHASES * int(1_000_000 / FRAME_RATE / PHASES)
        # Cameras run free: their key frames come at any moment, not all in the same tenth of a second, nor with PLAY.
        ClipMount(camera, "main", clip, offset=index * 37 % (2 * GOP), phase_us=phase_us)
        server.add(camera)
    await server.start()
    web.route("/control/", ControlPort(server).handle)
    await web.start()
    payload = sum(len(part) for frame in clip.frames for part in frame.payloads)
    bit_rate = payload * 8 / (len(clip.frames) / FRAME_RATE)
    gc.collect()
    gc.freeze()
    print(json.dumps({"rtsp": server.port, "control": web.port, "bps": int(bit_rate)}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await web.close()
    await server.close()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", type=int, default=50)
    parser.add_argument("--codec", choices=("h264", "h265"), default="h264")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.cameras, arguments.codec))


if __name__ == "__main__":
    main()
