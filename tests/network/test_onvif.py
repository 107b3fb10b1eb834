"""Our ONVIF client against canned devices: good, old, behind address translation, hostile, slow, on a real loopback
socket.
"""

import base64
import gzip
import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from lxml import etree

from manara.base.clock import FakeClock
from manara.base.errors import InvalidInput, Unavailable
from manara.formats import soap
from manara.network.onvif import OnvifClient, device_url, discover

ENVELOPE = '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>{}</s:Body></s:Envelope>'
CLOCK = FakeClock(1_767_323_045_000_000)  # 2026-01-02T03:04:05Z
PASSWORD = "s3cret"
PACKED = {"Content-Encoding": "gzip"}
FAULT = (
    "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:{}</s:Value></s:Subcode></s:Code></s:Fault>"
)
TIME = (
    "<GetSystemDateAndTimeResponse><SystemDateAndTime><UTCDateTime><Time><Hour>3</Hour><Minute>5</Minute><Second>5</Second>"
    "</Time><Date><Year>2026</Year><Month>1</Month><Day>2</Day></Date></UTCDateTime></SystemDateAndTime></GetSystemDateAndTimeResponse>"
)
ANSWERS = {
    "GetSystemDateAndTime": TIME,
    "GetDeviceInformation": "<R><Manufacturer>Maker</Manufacturer><Model>M-1</Model>"
    "<FirmwareVersion>1.0</FirmwareVersion><SerialNumber>42</SerialNumber></R>",
    "GetServices": "<R><Service><Namespace>http://www.onvif.org/ver10/media/wsdl</Namespace><XAddr>http://192.168.0.9/onvif/media"
    "</XAddr></Service><Service><Namespace>http://www.onvif.org/ver20/ptz/wsdl</Namespace><XAddr>http://evil.example/onvif/ptz"
    "</XAddr></Service></R>",
    "GetCapabilities": "<R><Capabilities><Media><XAddr>http://192.168.0.9/onvif/media</XAddr></Media></Capabilities></R>",
    "GetProfiles": '<R><Profiles token="p1"><Name>main</Name><VideoEncoderConfiguration><Encoding>H264</Encoding>'
    "<Resolution>"
    "<Width>1920</Width><Height>1080</Height></Resolution></VideoEncoderConfiguration><PTZConfiguration/></Profiles></R>",
    "GetStreamUri": "<R><MediaUri><Uri>rtsp://admin:s3cret@192.168.0.9:554/main?x=1</Uri></MediaUri></R>",
    "ContinuousMove": "<R/>",
    "GetPresets": '<R><Preset token="1"><Name>Gate</Name></Preset><Preset token=""/></R>',
    "SetPreset": "<R><PresetToken>7</PresetToken></R>",
}


class Camera(httpx.BaseTransport):
    """A canned device that checks the user name token and notes where it was asked what."""

    def __init__(self, **over: Any) -> None:
        self.answers = ANSWERS | over
        self.asked: list[tuple[str, str]] = []
        self.http_digest = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        root = soap.parse(request.content)
        name = soap.local(next(soap.children(root, "Body"))[0])
        self.asked.append((str(request.url), name))
        if self.http_digest and "authorization" not in request.headers:
            return httpx.Response(401, headers={"WWW-Authenticate": 'Digest realm="cam", nonce="abc", qop="auth"'})
        if name != "GetSystemDateAndTime" and not self._signed(root):
            return httpx.Response(400, text=ENVELOPE.format(FAULT.format("NotAuthorized")))
        answer = self.answers.get(name, FAULT.format("ActionNotSupported"))
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, text=ENVELOPE.format(answer))

    @staticmethod
    def _signed(root: etree._Element) -> bool:
        nonce = base64.b64decode(soap.text_of(root, "Nonce"))
        created = soap.text_of(root, "Created")
        digest = hashlib.sha1(nonce + created.encode() + PASSWORD.encode()).digest()
        by_its_own_clock = created == "2026-01-02T03:05:05Z"
        return soap.text_of(root, "Password") == base64.b64encode(digest).decode() and by_its_own_clock


def client(camera: httpx.BaseTransport, password: str = PASSWORD) -> OnvifClient:
    return OnvifClient("10.0.0.5:8080", "admin", password, CLOCK, transport=camera)


def test_inspect_tells_all_and_stays_with_the_host_it_was_given() -> None:
    camera = Camera()
    seen = client(camera).inspect()
    assert seen == {
        "manufacturer": "Maker",
        "model": "M-1",
        "firmware": "1.0",
        "serial": "42",
        "clock_offset_ms": 60_000,
        "onvif_url": "http://10.0.0.5:8080/onvif/device_service",
        "profiles": [
            {
                "token": "p1",
                "name": "main",
                "codec": "h264",
                "width": 1920,
                "height": 1080,
                "rtsp_url": "rtsp://10.0.0.5:554/main?x=1",
            }
        ],
        "ptz": True,
    }
    assert {httpx.URL(url).netloc for url, _ in camera.asked} == {b"10.0.0.5:8080"}
    assert not {name for _, name in camera.asked} & {"GetMetadataConfigurations", "GetEventProperties", "PullMessages"}


def test_ptz_commands() -> None:
    camera = Camera()
    one = client(camera)
    one.move(0.5, -1, 0, 5)
    assert [(preset.token, preset.name) for preset in one.presets()] == [("1", "Gate")]
    assert one.save("Gate") == "7"
    assert camera.asked[-1][0] == "http://10.0.0.5:8080/onvif/ptz"
    with pytest.raises(Unavailable) as caught:
        one.home()
    assert caught.value.code == "onvif_protocol"


def test_old_devices_and_http_digest() -> None:
    camera = Camera(GetServices=FAULT.format("ActionNotSupported"))
    camera.http_digest = True
    assert client(camera).inspect()["profiles"][0]["token"] == "p1"


@pytest.mark.parametrize(
    ("over", "password", "code"),
    [
        ({}, "wrong", "onvif_not_authorized"),
        ({"GetDeviceInformation": httpx.Response(401)}, PASSWORD, "onvif_not_authorized"),
        ({"GetDeviceInformation": httpx.Response(200, content=b"x" * 1_200_000)}, PASSWORD, "onvif_unreachable"),
        ({"GetDeviceInformation": httpx.Response(404, text="<html/>")}, PASSWORD, "onvif_protocol"),
        (
            {"GetDeviceInformation": httpx.Response(200, content=gzip.compress(b"x"), headers=PACKED)},
            PASSWORD,
            "onvif_unreachable",
        ),
        (
            {"GetDeviceInformation": httpx.Response(302, headers={"Location": "http://evil/"})},
            PASSWORD,
            "onvif_protocol",
        ),
        ({"GetDeviceInformation": '<!DOCTYPE x [<!ENTITY a "b">]>&a;'}, PASSWORD, "onvif_protocol"),
    ],
)
def test_what_cannot_be_used_is_said_without_the_password(over: dict[str, Any], password: str, code: str) -> None:
    with pytest.raises(Unavailable) as caught:
        client(Camera(**over), password).inspect()
    assert caught.value.code == code
    assert password not in str(caught.value)


def test_a_device_without_a_usable_clock_is_still_inspected() -> None:
    bad = TIME.replace("<Month>1<", "<Month>13<")
    camera = Camera(GetSystemDateAndTime=bad)
    camera._signed = lambda root: True  # type: ignore[method-assign,misc,assignment]
    assert client(camera).inspect()["clock_offset_ms"] is None


def test_nobody_there_and_bad_addresses() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        with pytest.raises(Unavailable) as caught:
            OnvifClient(f"127.0.0.1:{port}", "u", "p", CLOCK).inspect()
    assert caught.value.code == "onvif_unreachable"
    for address in ("", "http://u:s3cret@h/", "ftp://h", "h h", "http://[::1", "h:99999"):
        with pytest.raises(InvalidInput) as bad:
            device_url(address)
        assert "s3cret" not in str(bad.value)
    assert device_url("[::1]:80") == "http://[::1]:80/onvif/device_service"


@contextmanager
def responder(answer: Callable[[str, int], list[bytes]]) -> Iterator[int]:
    """A device on loopback that answers each probe with these datagrams."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    port = sock.getsockname()[1]

    def serve() -> None:
        while True:
            data, sender = sock.recvfrom(65_507)
            if data == b"end":
                return
            for datagram in answer(soap.text_of(soap.parse(data), "MessageID"), port):
                sock.sendto(datagram, sender)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield port
    finally:
        sock.sendto(b"end", sock.getsockname())
        thread.join(5)
        sock.close()


def test_discovery_of_one_address_believes_only_the_host_that_answers() -> None:
    def answer(message_id: str, port: int) -> list[bytes]:
        match = (
            '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header><RelatesTo>{}</RelatesTo></s:Header><s:Body>'
            "<ProbeMatches><ProbeMatch><Scopes>onvif://www.onvif.org/name/Gate</Scopes>"
            "<XAddrs>http://10.9.9.9:8080/onvif/device_service</XAddrs></ProbeMatch></ProbeMatches></s:Body></s:Envelope>"
        )
        return [b"garbage", match.format("urn:uuid:other").encode(), match.format(message_id).encode()]

    with responder(answer) as port:
        (device,) = discover(f"127.0.0.1:{port}", wait_s=0.4)
    assert device["address"] == "http://127.0.0.1:8080/onvif/device_service"
    assert device["name"] == "Gate"
    with pytest.raises(InvalidInput):
        discover("no such host", wait_s=0.1)
