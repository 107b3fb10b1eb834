"""The dialogue before and beside the pictures: accounts, refusals, addresses, redirects, keep-alives, RTSPS."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.recorder.cameras import Asked, Camera, Peer, run, until
from tests.recorder.stream_rig import Rig, record, refused


class Guarded(Camera):
    """Wants to know who we are."""

    def __init__(self, challenge: str, check: Callable[[Asked], bool]) -> None:
        super().__init__()
        self.challenge = challenge
        self.check = check
        self.refusals = 0

    async def handle(self, peer: Peer, asked: Asked) -> bool:
        if asked.method != "TEARDOWN" and not self.check(asked):
            self.refusals += 1
            peer.answer(asked, "401 Unauthorized", f"WWW-Authenticate: {self.challenge}\r\n")
            return True
        return await super().handle(peer, asked)


def digest_ok(algorithm: str, nonce: Callable[[], str]) -> Callable[[Asked], bool]:
    make = hashlib.sha256 if algorithm == "SHA-256" else hashlib.md5

    def check(asked: Asked) -> bool:
        given = dict(re.findall(r'(\w+)="?([^",]*)"?', asked.headers.get("authorization", "")))
        if given.get("nonce") != nonce():
            return False
        a1 = make(b"viewer:cam:secret").hexdigest()
        a2 = make(f"{asked.method}:{asked.url}".encode()).hexdigest()
        middle = f"{given['nonce']}:{given['nc']}:{given['cnonce']}:auth"
        return given["uri"] == asked.url and given["response"] == make(f"{a1}:{middle}:{a2}".encode()).hexdigest()

    return check


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_digest(algorithm: str) -> None:
    camera = Guarded(
        f'Digest realm="cam", nonce="n1", qop="auth", algorithm={algorithm}', digest_ok(algorithm, lambda: "n1")
    )
    _, found = record(camera, 40, username="viewer", password_sealed="terces")
    assert len(found) == 40
    assert camera.refusals == 1


def test_a_stale_nonce_is_replaced() -> None:
    count = 0

    def nonce() -> str:
        return f"n{count // 3}"

    class Stale(Guarded):
        async def handle(self, peer: Peer, asked: Asked) -> bool:
            nonlocal count
            self.challenge = f'Digest realm="cam", nonce="{nonce()}", qop="auth", stale=true'
            result = await super().handle(peer, asked)
            count += 1
            return result

    camera = Stale("", digest_ok("MD5", nonce))
    _, found = record(camera, 40, username="viewer", password_sealed="terces")
    assert len(found) == 40


def test_a_wrong_password_is_refused_and_not_tried_again_and_again() -> None:
    camera = Guarded('Digest realm="cam", nonce="n1", qop="auth"', digest_ok("MD5", lambda: "n1"))
    status = refused(camera, username="viewer", password_sealed="gnorw")
    assert (status.state, status.cause) == ("refused", "unauthorized")
    assert camera.refusals == 2
    assert "wrong" not in status.detail


def test_credentials_in_the_address_are_used_and_basic_is_answered() -> None:
    camera = Guarded('Basic realm="cam"', lambda asked: asked.headers.get("authorization") == "Basic dTpwIHA=")

    async def body() -> None:
        async with camera.serving():
            rig = Rig(camera, main_url=f"rtsp://u:p%20p@127.0.0.1:{camera.port}/stream")
            await until(lambda: rig.status.frames >= 40)
            await rig.stop()

    run(body)
    assert all("p%20p" not in asked.url for asked in camera.peers[0].asked)


@pytest.mark.parametrize(
    ("status_line", "state", "cause"),
    [
        ("404 Not Found", "refused", "not_found"),
        ("403 Forbidden", "refused", "unauthorized"),
        ("503 Service Unavailable", "lost", "protocol_error"),
    ],
)
def test_refusals_have_their_cause(status_line: str, state: str, cause: str) -> None:
    class Refusing(Camera):
        async def handle(self, peer: Peer, asked: Asked) -> bool:
            peer.answer(asked, status_line)
            return True

    status = refused(Refusing())
    assert (status.state, status.cause) == (state, cause)
    assert status_line.split(maxsplit=1)[0] in status.detail


@pytest.mark.parametrize(
    ("sdp", "cause"),
    [
        ("v=0\r\nm=video 0 RTP/AVP 26\r\n", "codec_unsupported"),
        ("v=0\r\nm=audio 0 RTP/AVP 0\r\n", "no_video"),
        ("v=0\r\n", "protocol_error"),
        ("", "no_video"),
    ],
)
def test_what_cannot_be_recorded_is_refused(sdp: str, cause: str) -> None:
    camera = Camera()
    camera.sdp = lambda: sdp  # type: ignore[method-assign]
    assert refused(camera).cause == cause


def test_nobody_there() -> None:
    camera = Camera()

    async def body() -> None:
        async with camera.serving():
            pass
        rig = Rig(camera)
        await until(lambda: rig.status.state == "lost")
        assert rig.status.cause == "connection_refused"
        await rig.stop()
        rig = Rig(camera, main_url="http://nonsense/")
        await until(lambda: rig.status.state == "refused")
        assert rig.status.cause == "configuration"
        await rig.stop()

    run(body)


def test_a_camera_that_says_nothing_times_out() -> None:
    class Silent(Camera):
        async def handle(self, peer: Peer, asked: Asked) -> bool:
            return True

    assert refused(Silent(), settings={"connect_timeout_s": 1.0}).cause == "timeout"


@pytest.mark.parametrize(
    "content_base", ["", "Content-Base: {0}\r\n", "Content-Base: {0}/\r\n", "Content-Base: nonsense\r\n"]
)
@pytest.mark.parametrize("control", ["trackID=1", "{0}/trackID=1"])
def test_content_base_and_control_in_all_their_forms(content_base: str, control: str) -> None:
    class Based(Camera):
        def describe_headers(self) -> str:
            self.control = control.format(self.base)
            return content_base.format(self.base)

    camera = Based()
    record(camera, 40)
    assert camera.peers[0].asked[2].url == camera.base + "/trackID=1"


def test_redirects_are_followed_but_not_for_ever() -> None:
    camera = Camera()

    class Elsewhere(Camera):
        hops = 0

        async def handle(self, peer: Peer, asked: Asked) -> bool:
            if asked.method == "OPTIONS":
                return await super().handle(peer, asked)
            self.hops += 1
            peer.answer(asked, "302 Moved Temporarily", f"Location: {self.there}\r\n")
            return True

    async def body() -> None:
        first = Elsewhere()
        async with camera.serving(), first.serving():
            first.there = camera.base  # type: ignore[attr-defined]
            rig = Rig(first)
            await until(lambda: rig.status.frames >= 40)
            await rig.stop()
            first.hops = 0
            first.there = first.base  # type: ignore[attr-defined]
            rig = Rig(first)
            await until(lambda: rig.status.state == "lost")
            assert (rig.status.cause, first.hops) == ("protocol_error", 4)
            await rig.stop()

    run(body)


def test_keep_alives_are_sent_and_need_no_answer_and_reports_go_out() -> None:
    class Deaf(Camera):
        asked_alive = 0

        async def handle(self, peer: Peer, asked: Asked) -> bool:
            if asked.method == "GET_PARAMETER":
                self.asked_alive += 1
                return True  # never answered
            return await super().handle(peer, asked)

    camera = Deaf()
    camera.session_header = "Session: 4711;timeout=2\r\n"
    camera.pace_s = 0.09

    async def body() -> None:
        async with camera.serving():
            rig = Rig(camera)
            await until(lambda: camera.asked_alive >= 2)
            assert rig.status.state == "recording"
            await rig.stop()
            assert all(a.headers.get("session") == "4711" for a in camera.peers[0].asked if a.method == "GET_PARAMETER")

    run(body)


def test_options_where_get_parameter_is_not_offered_and_a_session_that_is_gone() -> None:
    class Old(Camera):
        async def handle(self, peer: Peer, asked: Asked) -> bool:
            if asked.method == "OPTIONS" and "session" in asked.headers:
                peer.answer(asked, "454 Session Not Found")
                return True
            if asked.method == "OPTIONS":
                peer.answer(asked, headers="Public: DESCRIBE, SETUP, PLAY\r\n")
                return True
            return await super().handle(peer, asked)

    camera = Old()
    camera.session_header = "Session: 4711;timeout=2\r\n"
    camera.pace_s = 0.05

    async def body() -> None:
        async with camera.serving():
            rig = Rig(camera)
            await until(lambda: camera.connections >= 2 and rig.status.state == "recording")
            assert rig.status.reconnects == 1
            assert ("gap", "server_closed") in rig.sink.calls
            assert rig.sink.names()[:5] == ["format", "fragment", "gap", "recovered", "format"]
            await rig.stop()

    run(body)


def test_rtsps_says_that_the_certificate_is_not_verified(tmp_path: Path) -> None:
    import ssl

    from tests.recorder.certificate import self_signed

    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    camera = Camera()

    async def body() -> None:
        async with camera.serving(ssl=context):
            rig = Rig(camera, main_url=camera.base.replace("rtsp://", "rtsps://"))
            await until(lambda: rig.status.frames >= 40)
            assert "not verified" in rig.status.detail
            await rig.stop()
            assert rig.sink.samples == [picture.sample for picture in camera.pictures]

    run(body)


def test_interleaved_packetisation_is_refused() -> None:
    camera = Camera()
    usual = camera.sdp
    camera.sdp = lambda: usual() + "a=fmtp:96 packetization-mode=2\r\n"  # type: ignore[method-assign]
    assert refused(camera).cause == "codec_unsupported"


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        (f"rtsp://{'a' * 300}/x", "dns"),
        ("rtsp://nobody.invalid/x", "dns"),
        ("rtsp://[::1]:9/x", "connection_refused"),
        ("rtsp://x y/", "configuration"),
    ],
)
def test_addresses_that_lead_nowhere(url: str, cause: str) -> None:
    async def body() -> None:
        rig = Rig(Camera(), main_url=url)
        await until(lambda: rig.status.state in ("refused", "lost"))
        assert rig.status.cause in (cause, "timeout")  # a machine without IPv6, or with a slow name server
        await rig.stop()

    run(body)


def test_a_machine_without_sockets_left_says_so_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import os

    from manara.recorder import session

    real = session.connect
    refusals = 0

    async def full(*args: Any) -> Any:
        nonlocal refusals
        refusals += 1
        if refusals < 3:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return await real(*args)

    monkeypatch.setattr(session, "connect", full)
    camera = Camera()

    async def body() -> None:
        async with camera.serving():
            rig = Rig(camera)
            await until(lambda: rig.status.state == "refused")
            assert "Too many open files" in rig.status.detail
            await until(lambda: rig.status.frames >= 40)
            await rig.stop()

    run(body)
