"""Virtual ONVIF devices, asked by a client that is not ours (onvif-zeep-async) and by plain datagrams."""

import asyncio
import time

import pytest
from lxml import etree
from onvif import ONVIFCamera
from onvif.exceptions import ONVIFError
from zeep.exceptions import Fault

from manara.simulate.discovery import Discovery
from manara.simulate.http import HttpServer
from manara.simulate.kit import card_cameras
from manara.simulate.onvif import OnvifDevice, OnvifDevices, new_head
from manara.simulate.ptz import Position, PtzState
from tests.support.patience import LONG_S


async def _devices() -> tuple[HttpServer, OnvifDevices]:
    web = HttpServer()
    devices = OnvifDevices(lambda: f"http://127.0.0.1:{web.port}")
    for index, camera in enumerate(await asyncio.to_thread(card_cameras, 2, scheme="md5")):
        urls = {stream: f"rtsp://127.0.0.1:1/cam/{camera.code}/{stream}" for stream in camera.mounts}
        devices.add(OnvifDevice(camera, "Axis", "Q60 VP", urls, new_head() if index == 0 else None))
    web.route("/onvif/", devices.handle)
    await web.start()
    return web, devices


def _client(web: HttpServer, password: str = "secret") -> ONVIFCamera:
    return ONVIFCamera("127.0.0.1", web.port, "camera", password)


def test_a_client_not_ours_finds_out_and_moves_the_camera() -> None:
    async def scene() -> None:
        web, devices = await _devices()
        client = _client(web)
        try:
            device = await client.create_devicemgmt_service()
            information = await device.GetDeviceInformation()
            assert (information.Manufacturer, information.Model) == ("Axis", "Q60 VP")
            clock = await device.GetSystemDateAndTime()
            assert clock.UTCDateTime.Date.Year >= 2025
            services = await device.GetServices({"IncludeCapability": False})
            assert [service.XAddr.rpartition("/")[2] for service in services] == [
                "device_service",
                "media_service",
                "ptz_service",
            ]
            client.xaddrs.update({service.Namespace: service.XAddr for service in services})
            media = await client.create_media_service()
            profiles = await media.GetProfiles()
            assert [profile.token for profile in profiles] == ["main", "sub"]
            assert profiles[0].VideoEncoderConfiguration.Resolution.Width == 640
            uri = await media.GetStreamUri(
                {"StreamSetup": {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}, "ProfileToken": "sub"}
            )
            assert uri.Uri.endswith("/cam/CAM-0001/sub")
            ptz = await client.create_ptz_service()
            assert len(await ptz.GetNodes()) == 1
            token = await ptz.SetPreset({"ProfileToken": "main", "PresetName": "gate"})
            names = {preset.token: preset.Name for preset in await ptz.GetPresets({"ProfileToken": "main"})}
            assert names[token] == "gate"
            move = {"ProfileToken": "main", "Velocity": {"PanTilt": {"x": 1.0, "y": 0.0}, "Zoom": {"x": 0.0}}}
            await ptz.ContinuousMove(move)
            head = devices.devices["CAM-0001"].ptz
            assert head is not None
            deadline = time.monotonic() + LONG_S
            while head.position().pan < 0.05:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.01)
            await ptz.Stop({"ProfileToken": "main"})
            assert not head.moving
            await ptz.RemovePreset({"ProfileToken": "main", "PresetToken": token})
            with pytest.raises((ONVIFError, Fault)):
                await ptz.GotoPreset({"ProfileToken": "main", "PresetToken": token})
        finally:
            await client.close()
            await web.close()

    asyncio.run(scene())


@pytest.mark.parametrize(("password", "wrong_s"), [("wrong", 0.0), ("secret", 3600.0)])
def test_a_wrong_password_or_a_clock_far_off_is_refused(password: str, wrong_s: float) -> None:
    async def scene() -> None:
        web, devices = await _devices()
        if wrong_s:
            devices.devices["CAM-0001"].camera.faults.order("wrong_time", value=wrong_s)
        client = _client(web, password)
        try:
            device = await client.create_devicemgmt_service()
            await device.GetSystemDateAndTime()  # always answered: how else could a client learn the time
            with pytest.raises((ONVIFError, Fault)):
                await device.GetDeviceInformation()
        finally:
            await client.close()
            await web.close()

    asyncio.run(scene())


def test_each_device_answers_a_probe_once_and_strangers_get_nothing() -> None:
    probe = (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
        'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><s:Header><a:MessageID>urn:uuid:1</a:MessageID>'
        "</s:Header><s:Body><d:Probe><d:Types>{}</d:Types></d:Probe></s:Body></s:Envelope>"
    )

    async def scene() -> list[bytes]:
        web, devices = await _devices()
        discovery = Discovery(devices, port=0)
        assert await discovery.start()
        answers: asyncio.Queue[bytes] = asyncio.Queue()

        class Asker(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
                answers.put_nowait(data)

        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            Asker, remote_addr=("127.0.0.1", discovery.port)
        )
        try:
            for text in ("not xml", probe.format("x:Printer"), probe.format("dn:NetworkVideoTransmitter")):
                transport.sendto(text.encode())
            return [await asyncio.wait_for(answers.get(), 5) for _ in range(2)] + list(answers._queue)
        finally:
            transport.close()
            discovery.close()
            await web.close()

    answers = asyncio.run(scene())
    assert len(answers) == 2
    addresses = [etree.fromstring(answer).findtext(".//{*}XAddrs") for answer in answers]
    assert [address.split("/")[-2] for address in addresses] == ["CAM-0001", "CAM-0002"]
    assert all(etree.fromstring(answer).findtext(".//{*}RelatesTo") == "urn:uuid:1" for answer in answers)


def test_a_head_moves_with_time_stops_at_its_end_and_at_its_timeout() -> None:
    now = [0.0]
    head = PtzState(lambda: now[0])
    head.move(1.0, 0.0, 0.0)
    now[0] += 1.0
    assert head.position().pan == pytest.approx(0.35)
    now[0] += 60.0
    assert head.position().pan == 1.0
    head.move(-1.0, 0.0, 0.0, timeout_s=1.0)
    now[0] += 30.0
    assert head.position().pan == pytest.approx(0.65)
    assert not head.moving
    head.go(Position(0.0, 0.5, 1.0))
    now[0] += 10.0
    assert head.position() == Position(0.0, 0.5, 1.0)
