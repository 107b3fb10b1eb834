"""A stream against scripted cameras: every frame of the usual one, and what odd ones send."""

import asyncio
from typing import Any

import pytest

from manara.formats.frames import Fragment
from manara.messages import StreamStatus, WantedCamera
from tests.recorder.cameras import Asked, Camera, Peer, clip, interleaved, parameter_sets, run, until
from tests.recorder.stream_rig import Rig, record


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_every_frame_of_a_usual_camera(codec: str) -> None:
    camera = Camera(codec)
    rig, found = record(camera, 40)
    assert found == [picture.sample for picture in camera.pictures]
    assert rig.sink.names() == ["format", "fragment", "ended"]
    assert [asked.method for asked in camera.peers[0].asked][:4] == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
    assert camera.peers[0].asked[2].url == camera.base + "/trackID=1"
    status = rig.last  # type: ignore[attr-defined]
    assert (status.state, status.cause) == ("recording", "none")
    assert (status.width, status.height, status.frames) == (160, 96, 40)
    assert status.codec.startswith("avc1" if codec == "h264" else "hvc1")
    assert status.gop_s == 1.0
    assert status.packets_lost == status.reconnects == status.frames_dropped == status.gaps_today == 0


def test_another_interleaved_channel_than_asked_for_and_packets_before_the_answer() -> None:
    class Early(Camera):
        async def handle(self, peer: Peer, asked: Asked) -> bool:
            if asked.method == "SETUP":
                peer.answer(asked, headers=f"{self.session_header}Transport: RTP/AVP/TCP;unicast;interleaved=4-5\r\n")
                return True
            if asked.method == "PLAY":
                await self.play(peer)
                peer.answer(asked)
                return True
            return await super().handle(peer, asked)

        async def play(self, peer: Peer) -> None:
            peer.send(interleaved(b"\x80\xc8\x00\x00", 5))
            for picture in self.pictures:
                for packet in self.packetiser.packets(picture):
                    peer.send(interleaved(packet, 4))

    camera = Early()
    _, found = record(camera, 40)
    assert found == [picture.sample for picture in camera.pictures]


def test_answers_requests_and_garbage_between_the_packets() -> None:
    class Chatty(Camera):
        async def play(self, peer: Peer) -> None:
            for number, picture in enumerate(self.pictures):
                for packet in self.packetiser.packets(picture):
                    peer.send(interleaved(packet))
                if number % 4 == 0:
                    peer.send(b"RTSP/1.0 200 OK\r\nCSeq: 999\r\n\r\n")
                if number % 4 == 1:
                    peer.send(b"OPTIONS rtsp://us/ RTSP/1.0\r\nCSeq: 7\r\n\r\n")
                if number % 4 == 2:
                    peer.send(b"\xff\xfe$\x09GARBAGE\x00$\r\n")
                await peer.writer.drain()

    camera = Chatty()
    _, found = record(camera, 40)
    assert found == [picture.sample for picture in camera.pictures]


def test_in_band_parameter_sets_win_over_stale_ones_and_a_wrong_clock_rate_is_survived() -> None:
    import base64

    stale = ",".join(base64.b64encode(nal).decode() for nal in parameter_sets("h264", clip("h264", width=192)))
    camera = Camera()
    usual = camera.sdp
    camera.sdp = lambda: usual().replace("90000", "abc") + f"a=fmtp:96 sprop-parameter-sets={stale}\r\n"  # type: ignore[method-assign]
    rig, found = record(camera, 40)
    assert found == [picture.sample for picture in camera.pictures]
    assert [video.width_px for video, _ in rig.sink.formats] == [160]


def test_parameter_sets_only_in_the_description() -> None:
    import base64

    pictures = clip("h264")
    sets = parameter_sets("h264", pictures)
    from dataclasses import replace

    bare = tuple(replace(p, nals=tuple(nal for nal in p.nals if nal not in sets)) for p in pictures)
    camera = Camera(pictures=bare)
    usual = camera.sdp
    told = ",".join(base64.b64encode(nal).decode() for nal in sets)
    camera.sdp = lambda: usual() + f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={told}\r\n"  # type: ignore[method-assign]
    rig, found = record(camera, 40)
    assert found == [picture.sample for picture in bare]
    assert rig.sink.formats[0][0].parameter_sets == sets


def test_sound_passes_through_only_where_it_is_on() -> None:
    class Sounding(Camera):
        def sdp(self) -> str:
            return super().sdp() + "m=audio 0 RTP/AVP 8\r\na=control:trackID=2\r\n"

        async def play(self, peer: Peer) -> None:
            from tests.recorder.cameras import Packetiser

            sound = Packetiser(payload_type=8, clock_hz=8000)
            for number, picture in enumerate(self.pictures):
                for packet in self.packetiser.packets(picture):
                    peer.send(interleaved(packet))
                if len(peer.asked) > 4 or any("trackID=2" in a.url for a in peer.asked):
                    peer.send(interleaved(sound.packet(bytes([number]) * 800, picture.pts, True), 2))

    rig, _ = record(Sounding(), 40)
    assert all(sound is None for _, sound in rig.sink.formats)
    rig, _ = record(Sounding(), 40, sound=True)
    sound = rig.sink.formats[0][1]
    assert sound is not None
    assert (sound.codec, sound.sample_rate_hz) == ("pcma", 8000)
    pieces = [piece for fragment in rig.sink.fragments for piece in fragment.sound]
    assert len(pieces) >= 38
    assert all(duration == 800 for _, duration, _ in pieces)
    assert [at for at, _, _ in pieces] == [pieces[0][0] + 800 * n for n in range(len(pieces))]


class Watcher:
    """A viewer that remembers."""

    def __init__(self) -> None:
        self.states: list[dict[str, Any]] = []
        self.boxes: list[tuple[bytes, bool, bool]] = []

    def state(self, state: dict[str, Any]) -> None:
        self.states.append(state)

    def media(self, boxes: bytes, key: bool, init: bool) -> None:
        self.boxes.append((boxes, key, init))


def test_one_change_disturbs_no_other_camera() -> None:
    camera = Camera(pictures=clip("h264", frames=200))
    camera.pace_s = 0.02

    async def body() -> None:
        async with camera.serving():
            rig = Rig(camera)
            other = WantedCamera(camera_id="c2", code="C-2", main_url=camera.base)
            rig.streams.apply({"c1": rig.wanted, "c2": other})
            await until(lambda: all(s.state == "recording" for s in rig.streams.statuses()) and len(rig.streams) == 2)
            changed = WantedCamera(camera_id="c2", code="C-2", main_url=camera.base + "?x=1")
            rig.streams.apply({"c1": rig.wanted, "c2": changed})
            await until(lambda: camera.connections == 3)
            assert ("gap", "configuration") in rig.sink.calls
            rig.streams.apply({"c1": rig.wanted})
            await until(lambda: len(rig.streams) == 1)
            status = rig.status
            assert (status.camera_id, status.reconnects, status.gaps_today) == ("c1", 0, 0)
            renamed = WantedCamera(camera_id="c1", code="other", main_url=camera.base, retention_days=3)
            rig.streams.apply({"c1": renamed})
            await asyncio.sleep(0)
            assert camera.connections == 3
            await rig.stop()

    run(body)


def test_a_sub_stream_is_open_while_somebody_watches() -> None:
    camera = Camera(pictures=clip("h264", frames=100))
    camera.pace_s = 0.02

    async def body() -> None:
        from manara.recorder.sink import StreamKey

        async with camera.serving():
            rig = Rig(camera, sub_url=camera.base + "/sub")
            await until(lambda: rig.status.state == "recording")
            assert camera.connections == 1
            key = StreamKey("c1", "sub")
            watcher = Watcher()
            assert rig.streams.join(key, watcher)
            assert not rig.streams.join(StreamKey("nobody", "main"), watcher)
            await until(lambda: len(watcher.boxes) > 5)
            assert [s["state"] for s in watcher.states][:2] == ["waiting", "live"]
            assert watcher.states[1]["stream"] == "sub"
            assert watcher.states[0]["since_us"] > 1_700_000_000_000_000
            status = next(s for s in rig.streams.statuses() if s.stream == "sub")
            assert (status.state, status.viewers) == ("live_only", 1)
            late = Watcher()
            assert rig.streams.join(StreamKey("c1", "main"), late)
            before = len(rig.sink.fragments)
            rig.streams.leave(key, watcher)
            closed: list[StreamStatus] = []  # told once and then forgotten

            def gone() -> bool:
                closed.extend(s for s in rig.streams.statuses() if (s.stream, s.state) == ("sub", "stopped"))
                return len(rig.streams) == 1 and bool(closed)

            await until(gone)
            assert all(isinstance(f, Fragment) for f in rig.sink.fragments[before:])
            assert closed[-1].viewers == 0
            rig.streams.apply({})
            assert late.states[-1] == {"state": "refused", "cause": "not_found"}
            await rig.stop()

    run(body)


def test_a_viewer_of_a_recorded_stream_gets_each_frame_once_and_in_order() -> None:
    class Bursty(Camera):
        async def play(self, peer: Peer) -> None:
            for number, picture in enumerate(self.pictures):
                for packet in self.packetiser.packets(picture):
                    peer.send(interleaved(packet))
                if number % 7 == 6:
                    await peer.writer.drain()
                    await asyncio.sleep(0.02)

    camera = Bursty(pictures=clip("h264", frames=100, gop=50))

    async def body() -> None:
        from manara.recorder.sink import StreamKey

        async with camera.serving():
            rig = Rig(camera)
            await until(lambda: rig.status.frames >= 10)
            watcher = Watcher()
            # Frames lie in the socket, unread, when the viewer comes: the low-water mark keeps them there.
            stream = rig.streams._places[StreamKey("c1", "main")].stream
            assert stream is not None
            session = stream._session
            assert session is not None
            session.connection.set_low_water(1 << 20)
            await asyncio.sleep(0.05)
            rig.streams.join(StreamKey("c1", "main"), watcher)
            assert [init for _, _, init in watcher.boxes][:1] == [True]
            assert watcher.boxes[1][1]
            await until(lambda: rig.status.frames >= 100)
            await rig.stop()
            numbers = []
            for boxes, _, init in watcher.boxes:
                if not init:
                    at = boxes.index(b"tfdt") + 8
                    start = int.from_bytes(boxes[at : at + 8], "big") // 9000
                    count = int.from_bytes(boxes[28:32], "big")
                    numbers += range(start, start + count)
            assert numbers == list(range(numbers[0], 100))

    run(body)


def test_a_camera_whose_clock_is_wrong_shows_as_drift() -> None:
    import struct
    import time

    class Late(Camera):
        async def play(self, peer: Peer) -> None:
            for picture in self.pictures:
                for packet in self.packetiser.packets(picture):
                    peer.send(interleaved(packet))
                if picture.pts == 9000:
                    seconds = int(time.time()) - 3600 + 2_208_988_800
                    stamp = (self.packetiser.stamp + picture.pts) & 0xFFFFFFFF
                    peer.send(interleaved(struct.pack(">BBHIIIIII", 0x80, 200, 6, 5, seconds, 0, stamp, 0, 0), 1))
                await peer.writer.drain()
                await asyncio.sleep(0.01)

    rig, _ = record(Late(), 40)
    assert rig.last.drift_ms == pytest.approx(-3_600_000, abs=6_000)  # type: ignore[attr-defined]
    assert rig.sink.fragments[0].camera_us or rig.sink.fragments[1].camera_us


def test_a_good_bye_after_the_last_frame_ends_the_connection_before_the_stall_does() -> None:
    class Polite(Camera):
        async def play(self, peer: Peer) -> None:
            peer.send(interleaved(b"\x81\xcb\x00\x01\x11\x22\x33\x44", 1))  # said too early: nothing may come of it
            await super().play(peer)

    camera = Polite()
    camera.pace_s = 0.04

    async def body() -> None:
        async with camera.serving():
            rig = Rig(camera, settings={"stall_s": 20.0})
            await until(lambda: rig.status.frames >= 40)
            await until(lambda: rig.status.reconnects == 1)
            assert [what for name, what in rig.sink.calls if name == "gap"] == ["server_closed"]
            await rig.stop()

    run(body)
