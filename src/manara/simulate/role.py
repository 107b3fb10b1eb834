"""The role `simulate`:

the cameras of the virtual province that really stream, their ONVIF devices, the sites around them and the control port.

Everything listens on loopback. Where it listens is written to `<data>/run/simulate.json`. Started by `app.py` under the
supervisor; stops within a second of being asked. Which camera shows which scene is decided here.
"""

import asyncio
import json
import logging
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from manara.base.clock import SystemClock
from manara.settings import Settings
from manara.simulate.bar import BarWriter
from manara.simulate.clips import Clip, clip_from_file
from manara.simulate.control import ControlPort
from manara.simulate.desk import CameraDesk
from manara.simulate.directory import Directory
from manara.simulate.discovery import Discovery
from manara.simulate.estate import Estate
from manara.simulate.http import HttpServer
from manara.simulate.infrastructure import make_infrastructure
from manara.simulate.live import MovingMount
from manara.simulate.mount import BlackScene, ClipMount, Scheme, VirtualCamera
from manara.simulate.onvif import OnvifDevice, OnvifDevices, new_head
from manara.simulate.paint import light_at
from manara.simulate.pictures import Pictures
from manara.simulate.played import Played
from manara.simulate.province import DEMO_PASSWORD, DEMO_USERNAME, make_province
from manara.simulate.rtsp_server import RtspServer
from manara.simulate.scenery import SCENES
from manara.simulate.scenes import FRAME_RATE, GOP, SceneShelf, draw_stills

log = logging.getLogger(__name__)
HOST = "127.0.0.1"
_SCHEMES: tuple[Scheme, ...] = ("md5", "md5", "md5", "sha-256", "basic", "md5")
_H265_SCENE = "entrance"
_LIGHT_CHECK_S = 60.0
_STAGGER_FRAMES = 4 * GOP  # cameras that share a scene are this far apart in it


def scene_of(index: int) -> str:
    """The scene that the n-th streaming camera shows."""
    return SCENES[index % len(SCENES)].name


def shows_h265(index: int) -> bool:
    """Whether the n-th streaming camera's main stream is H.265: about one in twelve."""
    return scene_of(index) == _H265_SCENE and index // len(SCENES) % 3 < 2


class _Stage:
    """The cameras on the server, and the clips that they play."""

    def __init__(self, settings: Settings, server: RtspServer) -> None:
        self._settings = settings
        self._server = server
        self._zone = ZoneInfo(settings.deployment.timezone)
        self.pictures = Pictures(settings.data.directory / "simulate")
        self.province = province = make_province(settings.simulate.seed, streaming=settings.simulate.cameras)
        self.codes = province.streams
        self.rows = {row["code"]: row for row in province.cameras}
        self.heads = {code: new_head() for code in self.codes if self.rows[code]["kind"] == "ptz"}
        names = dict.fromkeys(scene_of(index) for index in range(len(self.codes)))
        self.scenes = list(names)
        self.h265 = [_H265_SCENE] if any(shows_h265(index) for index in range(len(self.codes))) else []

    def light(self) -> str:
        """The light outside, by the deployment's clock."""
        now = datetime.now(self._zone)
        return light_at(now.hour + now.minute / 60)

    def _camera(self, index: int, code: str) -> VirtualCamera:
        return VirtualCamera(
            code, username=DEMO_USERNAME, password=DEMO_PASSWORD, scheme=_SCHEMES[index % len(_SCHEMES)]
        )

    def mount_scenes(self, clips: dict[tuple[str, str], Clip]) -> None:
        """Put every camera on the server, playing its scene."""
        bars: dict[int, tuple[BarWriter, BlackScene]] = {}
        for clip in clips.values():
            if clip.headers is not None and clip.width_px not in bars:
                writer = BarWriter(clip.headers, clip.width_px, FRAME_RATE, self._zone)
                bars[clip.width_px] = (writer, BlackScene(clip.width_px, clip.height_px))
        for index, code in enumerate(self.codes):
            camera = self._camera(index, code)
            scene = scene_of(index)
            for stream in ("main", "sub"):
                form = "h265" if stream == "main" and shows_h265(index) else stream
                clip = clips[scene, form]
                bar, black = bars[clip.width_px] if clip.headers is not None else (None, None)
                offset = index // len(SCENES) * _STAGGER_FRAMES
                head = self.heads.get(code)
                mount = (
                    MovingMount(camera, stream, clip, head, bar=bar, black=black, offset=offset)
                    if head is not None and bar is not None
                    else ClipMount(camera, stream, clip, bar=bar, black=black, offset=offset)
                )
                self.pictures.add(mount, scene, form)
            self._server.add(camera)

    def mount_file(self, clip: Clip) -> None:
        """Put every camera on the server, all playing one file."""
        for index, code in enumerate(self.codes):
            camera = self._camera(index, code)
            for stream in ("main", "sub"):
                ClipMount(camera, stream, clip, offset=index * 7)
            self._server.add(camera)

    def add_devices(self, devices: OnvifDevices) -> None:
        """Give every camera its ONVIF device; those that move get a head."""
        for code in self.codes:
            row, camera = self.rows[code], self._server.cameras[code]
            urls = {stream: self._server.url(code, stream) for stream in camera.mounts}
            devices.add(OnvifDevice(camera, row["make"], row["model"], urls, self.heads.get(code)))


async def draw_first(settings: Settings) -> int:
    """Draw what the cameras show first, before anybody asks for it; how many scenes that took (0 on later starts)."""
    stage = _Stage(settings, RtspServer(HOST))
    return await draw_stills(settings.data.directory / "simulate", stage.light(), stage.scenes, stage.h265)


async def run_simulator(settings: Settings, stop: asyncio.Event, *, clip: Path | None = None) -> None:
    """Run the virtual cameras until `stop`. With `clip` all of them play this file instead of drawn scenes.

    Raises `OSError` where a port is taken, `InvalidInput` where the file is no video.
    """
    server = RtspServer(HOST, settings.simulate.rtsp_port)
    web = HttpServer(HOST, settings.simulate.onvif_port)
    devices = OnvifDevices(lambda: f"http://{HOST}:{web.port}")
    discovery = Discovery(devices)
    stage = _Stage(settings, server)
    shelf = SceneShelf(settings.data.directory / "simulate", stage.pictures.better)
    tasks: list[asyncio.Task[None]] = []
    try:
        if clip is not None:
            stage.mount_file(await asyncio.to_thread(clip_from_file, clip))
        elif stage.codes:
            clips = await shelf.open(stage.scenes, stage.light(), h265=stage.h265)
            stage.mount_scenes(clips)
            stage.pictures.light(clips, shelf.light)
            tasks.append(asyncio.create_task(stage.pictures.run()))
            tasks.append(asyncio.create_task(_keep_light(stage, shelf)))
        await server.start()
        played = None if clip is not None else _played(settings, stage, server)
        web.route("/control/", ControlPort(server, played).handle)
        web.route("/onvif/", devices.handle)
        await web.start()
        stage.add_devices(devices)
        await discovery.start()
        if played is not None:
            tasks.append(asyncio.create_task(played.run()))
        await asyncio.to_thread(_tell_ports, settings.data.directory / "run", server.port, web.port)
        log.info("virtual province runs", extra={"cameras": len(stage.codes), "rtsp": server.port, "onvif": web.port})
        ended = asyncio.create_task(stop.wait())
        await asyncio.wait([ended, *tasks], return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        discovery.close()
        await shelf.close()
        await web.close()
        await server.close()


def _played(settings: Settings, stage: _Stage, server: RtspServer) -> Played:
    """The sites around the cameras that stream, with a voice where the demo has told who they are."""
    clock = SystemClock()
    infrastructure = make_infrastructure(stage.province, settings.simulate.seed)
    estate = Estate(stage.province, infrastructure, clock.wall_us(), outages=settings.simulate.faults == "bad_day")
    folder = settings.data.directory / "simulate"
    desk = CameraDesk(server, stage.pictures)
    disk = settings.recording_disks()[0].path
    played = Played(estate, desk, clock, folder, mood=settings.simulate.faults, disk=disk, seed=settings.simulate.seed)
    directory = Directory.read(folder)
    if directory is not None:
        scheme = "https" if settings.web.tls_certificate else "http"
        broker = (settings.telemetry.mqtt_host, settings.telemetry.mqtt_port)
        played.speak(directory, f"{scheme}://127.0.0.1:{settings.web.port}", broker)
    return played


async def _keep_light(stage: _Stage, shelf: SceneShelf) -> None:
    """Let the scenes become complete; at dawn and dusk make them anew and go over to them."""
    await shelf.watch()
    while True:
        await asyncio.sleep(_LIGHT_CHECK_S)
        light = stage.light()
        if light != shelf.light:
            clips = await shelf.open(stage.scenes, light, h265=stage.h265)
            await shelf.watch()
            stage.pictures.light(clips, light)
            log.info("the light has changed", extra={"light": light})


def _tell_ports(folder: Path, rtsp_port: int, onvif_port: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"rtsp_port": rtsp_port, "onvif_port": onvif_port})
    fresh = folder / "simulate.json.new"
    fresh.write_text(text, encoding="utf-8")
    fresh.rename(folder / "simulate.json")
