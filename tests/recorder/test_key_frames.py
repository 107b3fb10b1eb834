"""Key frames for whoever looks at pictures: cheap, whole, also under low water and of a stream that is closed."""

from pathlib import Path

import av

from manara.recorder.feed import FeedClient
from tests.recorder.cameras import Camera, clip, run, until
from tests.recorder.test_feed import feeding


def decoded(data: bytes) -> list[av.VideoFrame]:
    """The frames in a run of lengths and NAL units."""
    stream, at = b"", 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        stream += b"\0\0\0\1" + data[at + 4 : at + 4 + size]
        at += 4 + size
    context = av.CodecContext.create("h264", "r")
    return [*context.decode(av.Packet(stream)), *context.decode(None)]  # type: ignore[attr-defined]


def test_the_current_key_frame_is_told_once_a_gop(tmp_path: Path) -> None:
    camera = Camera(pictures=clip("h264", frames=200, gop=20))
    camera.pace_s = 0.01
    path = tmp_path / "r.sock"

    async def body() -> None:
        async with feeding(camera, path) as (rig, _):
            await until(lambda: rig.status.frames >= 5)
            client = FeedClient(path)
            state, data = await client.key_frame("c1", "main")
            assert (state["state"], state["codec"], state["width"], state["height"]) == ("keyframe", "h264", 160, 96)
            frames = decoded(data)
            assert len(frames) == 1
            assert frames[0].key_frame
            marks = {state["mark"]}
            while len(marks) < 3:
                state, data = await client.key_frame("c1", "main")
                marks.add(state["mark"])
            assert (await client.key_frame("c1", "sub"))[0] == {"state": "refused", "cause": "not_found"}
            assert rig.status.viewers == 0

    run(body)


def test_a_closed_stream_is_opened_for_its_key_frames(tmp_path: Path) -> None:
    camera = Camera(pictures=clip("h264", frames=400, gop=10))
    camera.pace_s = 0.01
    path = tmp_path / "r.sock"

    async def body() -> None:
        async with feeding(camera, path) as (rig, _):
            rig.streams.apply({"c1": _sub_only(rig, camera)})
            client = FeedClient(path)
            assert (await client.key_frame("c1", "sub"))[0]["state"] == "waiting"
            data = b""
            while not data:
                _, data = await client.key_frame("c1", "sub")
            assert decoded(data)

    run(body)


def _sub_only(rig, camera: Camera):  # type: ignore[no-untyped-def]
    return type(rig.wanted)(camera_id="c1", code="C-1", main_url="", sub_url=camera.base, record=False)
