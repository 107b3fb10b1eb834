"""What a site on its battery sheds: the sub stream instead of the main, or nothing, told as `shed`, never as lost."""

import msgspec

from manara.recorder.sink import StreamKey
from tests.recorder.cameras import Camera, run, until
from tests.recorder.stream_rig import Rig


def told(rig: Rig) -> dict[str, tuple[str, str]]:
    return {status.stream: (status.state, status.cause) for status in rig.streams.statuses()}


def test_the_sub_stream_is_recorded_instead_and_the_main_one_comes_back() -> None:
    camera = Camera()

    async def body() -> None:
        async with camera.serving():
            rig = Rig(camera, sub_url=camera.base)
            await until(lambda: rig.status.state == "recording")
            rig.streams.apply({"c1": msgspec.structs.replace(rig.wanted, shed="sub")})
            await until(lambda: told(rig) == {"main": ("stopped", "shed"), "sub": ("recording", "none")})
            assert next(status.since_us for status in rig.streams.statuses() if status.stream == "main") > 0
            assert [(one.state, one.cause) for one in rig.states if one.stream == "main"][-1] == ("stopped", "shed")
            assert [what for name, what in rig.sink.calls if name == "gap"] == ["shed"]
            rig.streams.apply({"c1": rig.wanted})
            await until(lambda: told(rig)["main"] == ("recording", "none"))
            await until(lambda: len(rig.streams) == 1)
            await rig.stop()

    run(body)


def test_a_camera_that_is_shed_is_closed_until_somebody_looks_and_no_picture_check_opens_it() -> None:
    camera = Camera()

    async def body() -> None:
        async with camera.serving():
            rig = Rig(camera, shed="off", sub_url=camera.base)
            assert told(rig) == {"main": ("stopped", "shed"), "sub": ("stopped", "shed")}
            assert len(rig.streams) == 0
            assert rig.streams.key_frame(StreamKey("c1", "sub")) == "shed"
            assert len(rig.streams) == 0
            await rig.stop()

    run(body)


def test_half_the_frame_rate_is_the_camera_s_business() -> None:
    camera = Camera()

    async def body() -> None:
        async with camera.serving():
            rig = Rig(camera)
            await until(lambda: rig.status.state == "recording")
            connections = rig.status.reconnects
            rig.streams.apply({"c1": msgspec.structs.replace(rig.wanted, shed="half_rate")})
            assert rig.status.state == "recording"
            assert rig.status.reconnects == connections
            await rig.stop()

    run(body)
