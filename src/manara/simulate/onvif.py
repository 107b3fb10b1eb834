"""Virtual ONVIF devices: SOAP over HTTP for device, media and PTZ, one device a camera at `/onvif/<code>/…`.

Answers what a client needs to find out what a camera is and to move it; faults for the rest. Guarded by
WS-UsernameToken digest (whose time must fit the camera's own clock within five minutes, as on real cameras) or HTTP
digest. It is a test instrument: loopback, no TLS, no events, no analytics. Source: ONVIF Core 2.6, Media 2.6, PTZ 2.6.
Called by `role.py` and tests.
"""

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

from lxml import etree

from manara.base.errors import InvalidInput
from manara.simulate.auth import Doorkeeper
from manara.simulate.http import HttpAnswer, HttpRequest
from manara.simulate.mount import Mount, VirtualCamera
from manara.simulate.ptz import Position, PtzState

CLOCK_TOLERANCE_S = 300.0
SILENT_S = 20.0  # longer than anybody waits for a device that is not there
_OPEN = frozenset({"GetSystemDateAndTime", "GetCapabilities", "GetServices", "GetServiceCapabilities", "GetWsdlUrl"})
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:ter="http://www.onvif.org/ver10/error" xmlns:tds="http://www.onvif.org/ver10/device/wsdl" '
    'xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:tptz="http://www.onvif.org/ver20/ptz/wsdl" '
    'xmlns:tt="http://www.onvif.org/ver10/schema"><s:Body>{}</s:Body></s:Envelope>'
)
_PAN_TILT = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/"
_ZOOM = "http://www.onvif.org/ver10/tptz/ZoomSpaces/"


@dataclass(slots=True)
class OnvifDevice:
    """One device: the camera, what it says of itself, its head if it can move."""

    camera: VirtualCamera
    make: str
    model: str
    urls: dict[str, str]  # stream → RTSP address
    ptz: PtzState | None = None
    serial: str = ""
    replay: set[bytes] = field(default_factory=set)
    frame_limits: dict[str, int] = field(default_factory=dict)  # stream → Hz; told, and not obeyed by the clip

    def now(self) -> datetime:
        """The camera's own clock, which may be wrong."""
        wrong = self.camera.faults.get("wrong_time")
        return datetime.now(UTC) + timedelta(seconds=wrong.value if wrong else 0.0)


class SoapFault(Exception):
    """An ONVIF fault: subcodes and a reason."""

    def __init__(self, subcode: str, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.subcode, self.reason, self.status = subcode, reason, status


class OnvifDevices:
    """Answers for all devices."""

    def __init__(self, base_url: Callable[[], str]) -> None:
        self.devices: dict[str, OnvifDevice] = {}
        self._base_url = base_url
        self._keeper = Doorkeeper()

    def add(self, device: OnvifDevice) -> None:
        """Let a device be found at `/onvif/<code>/device_service`."""
        device.serial = device.serial or hashlib.sha256(device.camera.code.encode()).hexdigest()[:12].upper()
        self.devices[device.camera.code] = device

    def address(self, code: str, service: str = "device") -> str:
        """The address of a service of a device."""
        return f"{self._base_url()}/onvif/{code}/{service}_service"

    async def handle(self, request: HttpRequest) -> HttpAnswer:
        """One SOAP call."""
        parts = request.path.partition("?")[0].strip("/").split("/")
        device = self.devices.get(parts[1]) if len(parts) == 3 else None
        if len(parts) == 2:  # where a device usually has its service, and where clients look first: our first one
            device = next(iter(self.devices.values()), None)
        if device is None:
            return HttpAnswer(404)
        if device.camera.faults.get("silent") is not None:
            await asyncio.sleep(SILENT_S)
            return HttpAnswer(503)
        if request.method != "POST":
            return HttpAnswer(405)
        try:
            root = etree.fromstring(
                request.body, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
            )
            body = next(node for node in root if _name(node) == "Body")
            call = next(node for node in body if isinstance(node.tag, str))
        except (etree.XMLSyntaxError, StopIteration):
            return _fault(SoapFault("ter:WellFormed", "this is no SOAP call"))
        if _name(call) not in _OPEN and not self._admitted(request, root, device):
            challenges = self._keeper.challenge("md5")
            answer = _fault(SoapFault("ter:NotAuthorized", "Sender not Authorized", 401))
            return HttpAnswer(401, answer.body, answer.kind, [("WWW-Authenticate", text) for text in challenges])
        try:
            return _soap(self._answer(device, _name(call), call))
        except SoapFault as fault:
            return _fault(fault)
        except InvalidInput as error:
            return _fault(SoapFault("ter:InvalidArgVal", str(error)))

    def _admitted(self, request: HttpRequest, root: etree._Element, device: OnvifDevice) -> bool:
        camera = device.camera
        if not camera.username:
            return True
        token = root.find(".//{*}UsernameToken")
        if token is not None:
            return _token_fits(token, device)
        header = request.headers.get("authorization", "")
        return self._keeper.judge("md5", camera.username, camera.password, request.method, header, 3600) == "ok"

    def _answer(self, device: OnvifDevice, name: str, call: etree._Element) -> str:
        answer = _ANSWERS.get(name)
        if answer is not None:
            return answer(self, device, call)
        if name in _PTZ_ANSWERS:
            if device.ptz is None:
                raise SoapFault("ter:ActionNotSupported", "this camera does not move")
            return _PTZ_ANSWERS[name](device.ptz, call)
        raise SoapFault("ter:ActionNotSupported", f"{name} is not known here")

    # --- device -------------------------------------------------------------------------------------------------------

    def date_and_time(self, device: OnvifDevice, _: etree._Element) -> str:
        now = device.now()
        return (
            "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>"
            "<tt:DaylightSavings>false</tt:DaylightSavings><tt:TimeZone><tt:TZ>UTC0</tt:TZ></tt:TimeZone>"
            f"<tt:UTCDateTime><tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute>"
            f"<tt:Second>{now.second}</tt:Second></tt:Time><tt:Date><tt:Year>{now.year}</tt:Year>"
            f"<tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date></tt:UTCDateTime>"
            "</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
        )

    def information(self, device: OnvifDevice, _: etree._Element) -> str:
        return (
            f"<tds:GetDeviceInformationResponse><tds:Manufacturer>{escape(device.make)}</tds:Manufacturer>"
            f"<tds:Model>{escape(device.model)}</tds:Model><tds:FirmwareVersion>1.0 virtual</tds:FirmwareVersion>"
            f"<tds:SerialNumber>{device.serial}</tds:SerialNumber><tds:HardwareId>virtual</tds:HardwareId>"
            "</tds:GetDeviceInformationResponse>"
        )

    def capabilities(self, device: OnvifDevice, _: etree._Element) -> str:
        code = device.camera.code
        ptz = f"<tt:PTZ><tt:XAddr>{self.address(code, 'ptz')}</tt:XAddr></tt:PTZ>" if device.ptz else ""
        return (
            "<tds:GetCapabilitiesResponse><tds:Capabilities>"
            f"<tt:Device><tt:XAddr>{self.address(code)}</tt:XAddr></tt:Device>"
            f"<tt:Media><tt:XAddr>{self.address(code, 'media')}</tt:XAddr><tt:StreamingCapabilities>"
            "<tt:RTPMulticast>false</tt:RTPMulticast><tt:RTP_TCP>true</tt:RTP_TCP>"
            f"<tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP></tt:StreamingCapabilities></tt:Media>{ptz}</tds:Capabilities>"
            "</tds:GetCapabilitiesResponse>"
        )

    def services(self, device: OnvifDevice, _: etree._Element) -> str:
        code = device.camera.code
        known = [
            ("device", "http://www.onvif.org/ver10/device/wsdl"),
            ("media", "http://www.onvif.org/ver10/media/wsdl"),
        ]
        if device.ptz:
            known.append(("ptz", "http://www.onvif.org/ver20/ptz/wsdl"))
        return "<tds:GetServicesResponse>{}</tds:GetServicesResponse>".format(
            "".join(
                f"<tds:Service><tds:Namespace>{space}</tds:Namespace>"
                f"<tds:XAddr>{self.address(code, service)}</tds:XAddr>"
                "<tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>"
                for service, space in known
            )
        )

    def scopes(self, device: OnvifDevice, _: etree._Element) -> str:
        return "<tds:GetScopesResponse>{}</tds:GetScopesResponse>".format(
            "".join(
                f"<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef><tt:ScopeItem>{item}</tt:ScopeItem></tds:Scopes>"
                for item in scopes_of(device)
            )
        )

    # --- media --------------------------------------------------------------------------------------------------------

    def profiles(self, device: OnvifDevice, _: etree._Element) -> str:
        return "<trt:GetProfilesResponse>{}</trt:GetProfilesResponse>".format(
            "".join(_profile("trt:Profiles", device, stream, mount) for stream, mount in device.camera.mounts.items())
        )

    def profile(self, device: OnvifDevice, call: etree._Element) -> str:
        stream = _text(call, "ProfileToken")
        mount = device.camera.mounts.get(stream)
        if mount is None:
            raise SoapFault("ter:NoProfile", f"there is no profile {stream}")
        return f"<trt:GetProfileResponse>{_profile('trt:Profile', device, stream, mount)}</trt:GetProfileResponse>"

    def encoders(self, device: OnvifDevice, _: etree._Element) -> str:
        return "<trt:GetVideoEncoderConfigurationsResponse>{}</trt:GetVideoEncoderConfigurationsResponse>".format(
            "".join(
                _encoder("trt:Configurations", device, stream, mount) for stream, mount in device.camera.mounts.items()
            )
        )

    def set_encoder(self, device: OnvifDevice, call: etree._Element) -> str:
        configuration = call.find("{*}Configuration")
        stream = "" if configuration is None else configuration.get("token", "")
        if configuration is None or stream not in device.camera.mounts:
            raise SoapFault("ter:NoConfig", f"there is no encoder {stream}")
        for part in ("Name", "Encoding", "Quality", "SessionTimeout"):  # a real camera refuses half a configuration
            _text(configuration, part)
        try:
            limit = int(_text(configuration, "FrameRateLimit"))
        except ValueError as error:
            raise SoapFault("ter:ConfigModify", "FrameRateLimit is not a number") from error
        if not 1 <= limit <= 60:
            raise SoapFault("ter:ConfigModify", f"{limit} frames a second cannot be")
        device.frame_limits[stream] = limit
        return "<trt:SetVideoEncoderConfigurationResponse/>"

    def stream_uri(self, device: OnvifDevice, call: etree._Element) -> str:
        stream = _text(call, "ProfileToken")
        if stream not in device.urls:
            raise SoapFault("ter:NoProfile", f"there is no profile {stream}")
        return (
            f"<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>{escape(device.urls[stream])}</tt:Uri>"
            "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot>"
            "<tt:Timeout>PT0S</tt:Timeout></trt:MediaUri></trt:GetStreamUriResponse>"
        )


def _profile(tag: str, device: OnvifDevice, stream: str, mount: Mount) -> str:
    width, height = mount.size_px
    ptz = ""
    if device.ptz is not None:
        ptz = f'<tt:PTZConfiguration token="ptz">{_PTZ_CONFIGURATION}</tt:PTZConfiguration>'
    return (
        f'<{tag} token="{stream}" fixed="true"><tt:Name>{stream}</tt:Name>'
        '<tt:VideoSourceConfiguration token="source"><tt:Name>source</tt:Name><tt:UseCount>2</tt:UseCount>'
        f'<tt:SourceToken>source</tt:SourceToken><tt:Bounds x="0" y="0" width="{width}" height="{height}"/>'
        f"</tt:VideoSourceConfiguration>{_encoder('tt:VideoEncoderConfiguration', device, stream, mount)}{ptz}</{tag}>"
    )


def _encoder(tag: str, device: OnvifDevice, stream: str, mount: Mount) -> str:
    width, height = mount.size_px
    coding = "H264" if mount.codec == "h264" else "H265"
    limit = device.frame_limits.get(stream, round(mount.frame_rate))
    return (
        f'<{tag} token="{stream}"><tt:Name>{stream}</tt:Name>'
        f"<tt:UseCount>1</tt:UseCount><tt:Encoding>{coding}</tt:Encoding><tt:Resolution><tt:Width>{width}</tt:Width>"
        f"<tt:Height>{height}</tt:Height></tt:Resolution><tt:Quality>4</tt:Quality><tt:RateControl>"
        f"<tt:FrameRateLimit>{limit}</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval>"
        "<tt:BitrateLimit>2000</tt:BitrateLimit></tt:RateControl><tt:SessionTimeout>PT60S</tt:SessionTimeout>"
        f"</{tag}>"
    )


# --- PTZ --------------------------------------------------------------------------------------------------------------

_PTZ_CONFIGURATION = (
    "<tt:Name>ptz</tt:Name><tt:UseCount>2</tt:UseCount><tt:NodeToken>node</tt:NodeToken>"
    f"<tt:DefaultAbsolutePantTiltPositionSpace>{_PAN_TILT}PositionGenericSpace</tt:DefaultAbsolutePantTiltPositionSpace>"
    f"<tt:DefaultAbsoluteZoomPositionSpace>{_ZOOM}PositionGenericSpace</tt:DefaultAbsoluteZoomPositionSpace>"
    f"<tt:DefaultContinuousPanTiltVelocitySpace>{_PAN_TILT}VelocityGenericSpace</tt:DefaultContinuousPanTiltVelocitySpace>"
    f"<tt:DefaultContinuousZoomVelocitySpace>{_ZOOM}VelocityGenericSpace</tt:DefaultContinuousZoomVelocitySpace>"
    "<tt:DefaultPTZTimeout>PT60S</tt:DefaultPTZTimeout>"
)


def _range(tag: str, uri: str, low: float, *, two: bool) -> str:
    ends = f"<tt:Min>{low}</tt:Min><tt:Max>1</tt:Max>"
    second = f"<tt:YRange>{ends}</tt:YRange>" if two else ""
    return f"<tt:{tag}><tt:URI>{uri}</tt:URI><tt:XRange>{ends}</tt:XRange>{second}</tt:{tag}>"


_NODE = (
    '<tptz:{0} token="node" FixedHomePosition="false"><tt:Name>node</tt:Name><tt:SupportedPTZSpaces>'
    + _range("AbsolutePanTiltPositionSpace", f"{_PAN_TILT}PositionGenericSpace", -1, two=True)
    + _range("AbsoluteZoomPositionSpace", f"{_ZOOM}PositionGenericSpace", 0, two=False)
    + _range("ContinuousPanTiltVelocitySpace", f"{_PAN_TILT}VelocityGenericSpace", -1, two=True)
    + _range("ContinuousZoomVelocitySpace", f"{_ZOOM}VelocityGenericSpace", -1, two=False)
    + "</tt:SupportedPTZSpaces><tt:MaximumNumberOfPresets>64</tt:MaximumNumberOfPresets>"
    "<tt:HomeSupported>true</tt:HomeSupported></tptz:{0}>"
)


def _vector(call: etree._Element, tag: str) -> tuple[float, float, float]:
    """Pan, tilt and zoom of a vector; absent parts are NaN-free zeros."""
    pan = tilt = zoom = 0.0
    outer = call.find(f"{{*}}{tag}")
    try:
        part = outer.find("{*}PanTilt") if outer is not None else None
        if part is not None:
            pan, tilt = float(part.get("x", "0")), float(part.get("y", "0"))
        part = outer.find("{*}Zoom") if outer is not None else None
        if part is not None:
            zoom = float(part.get("x", "0"))
    except ValueError as error:
        raise SoapFault("ter:InvalidArgVal", f"{tag} is not a vector of numbers") from error
    if not all(-1e6 < value < 1e6 for value in (pan, tilt, zoom)):
        raise SoapFault("ter:InvalidArgVal", f"{tag} is out of bounds")
    return pan, tilt, zoom


def _position(place: Position) -> str:
    return (
        f'<tt:PanTilt x="{place.pan:.4f}" y="{place.tilt:.4f}" space="{_PAN_TILT}PositionGenericSpace"/>'
        f'<tt:Zoom x="{place.zoom:.4f}" space="{_ZOOM}PositionGenericSpace"/>'
    )


def _status(ptz: PtzState, _: etree._Element) -> str:
    state = "MOVING" if ptz.moving else "IDLE"
    return (
        f"<tptz:GetStatusResponse><tptz:PTZStatus><tt:Position>{_position(ptz.position())}</tt:Position>"
        f"<tt:MoveStatus><tt:PanTilt>{state}</tt:PanTilt><tt:Zoom>{state}</tt:Zoom></tt:MoveStatus>"
        f"<tt:UtcTime>{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}</tt:UtcTime></tptz:PTZStatus></tptz:GetStatusResponse>"
    )


def _continuous(ptz: PtzState, call: etree._Element) -> str:
    timeout = call.findtext("{*}Timeout") or ""
    seconds = None
    if timeout.startswith("PT") and timeout.endswith("S"):
        try:
            seconds = float(timeout[2:-1])
        except ValueError as error:
            raise SoapFault("ter:InvalidArgVal", f"Timeout {timeout} is not understood") from error
    ptz.move(*_vector(call, "Velocity"), seconds)
    return "<tptz:ContinuousMoveResponse/>"


def _absolute(ptz: PtzState, call: etree._Element) -> str:
    pan, tilt, zoom = _vector(call, "Position")
    outer = call.find("{*}Position")
    here = ptz.position()
    if outer is not None and outer.find("{*}PanTilt") is None:
        pan, tilt = here.pan, here.tilt
    if outer is not None and outer.find("{*}Zoom") is None:
        zoom = here.zoom
    ptz.go(Position(pan, tilt, zoom))
    return "<tptz:AbsoluteMoveResponse/>"


def _relative(ptz: PtzState, call: etree._Element) -> str:
    pan, tilt, zoom = _vector(call, "Translation")
    here = ptz.position()
    ptz.go(Position(here.pan + pan, here.tilt + tilt, here.zoom + zoom))
    return "<tptz:RelativeMoveResponse/>"


def _stop(ptz: PtzState, _: etree._Element) -> str:
    ptz.stop()
    return "<tptz:StopResponse/>"


def _presets(ptz: PtzState, _: etree._Element) -> str:
    return "<tptz:GetPresetsResponse>{}</tptz:GetPresetsResponse>".format(
        "".join(
            f'<tptz:Preset token="{token}"><tt:Name>{escape(name)}</tt:Name>'
            f"<tt:PTZPosition>{_position(place)}</tt:PTZPosition></tptz:Preset>"
            for token, (name, place) in ptz.presets.items()
        )
    )


def _set_preset(ptz: PtzState, call: etree._Element) -> str:
    token = ptz.set_preset(call.findtext("{*}PresetToken") or "", (call.findtext("{*}PresetName") or "")[:64])
    return f"<tptz:SetPresetResponse><tptz:PresetToken>{token}</tptz:PresetToken></tptz:SetPresetResponse>"


def _goto_preset(ptz: PtzState, call: etree._Element) -> str:
    ptz.goto_preset(_text(call, "PresetToken"))
    return "<tptz:GotoPresetResponse/>"


def _remove_preset(ptz: PtzState, call: etree._Element) -> str:
    ptz.remove_preset(_text(call, "PresetToken"))
    return "<tptz:RemovePresetResponse/>"


def _home(ptz: PtzState, _: etree._Element) -> str:
    ptz.go(ptz.home)
    return "<tptz:GotoHomePositionResponse/>"


def _set_home(ptz: PtzState, _: etree._Element) -> str:
    ptz.home = ptz.position()
    return "<tptz:SetHomePositionResponse/>"


_PTZ_ANSWERS: dict[str, Callable[[PtzState, etree._Element], str]] = {
    "GetNodes": lambda *_: f"<tptz:GetNodesResponse>{_NODE.format('PTZNode')}</tptz:GetNodesResponse>",
    "GetNode": lambda *_: f"<tptz:GetNodeResponse>{_NODE.format('PTZNode')}</tptz:GetNodeResponse>",
    "GetConfigurations": lambda *_: (
        f'<tptz:GetConfigurationsResponse><tptz:PTZConfiguration token="ptz">{_PTZ_CONFIGURATION}'
        "</tptz:PTZConfiguration></tptz:GetConfigurationsResponse>"
    ),
    "GetStatus": _status,
    "ContinuousMove": _continuous,
    "AbsoluteMove": _absolute,
    "RelativeMove": _relative,
    "Stop": _stop,
    "GetPresets": _presets,
    "SetPreset": _set_preset,
    "GotoPreset": _goto_preset,
    "RemovePreset": _remove_preset,
    "GotoHomePosition": _home,
    "SetHomePosition": _set_home,
}
_ANSWERS: dict[str, Callable[[OnvifDevices, OnvifDevice, etree._Element], str]] = {
    "GetSystemDateAndTime": OnvifDevices.date_and_time,
    "GetDeviceInformation": OnvifDevices.information,
    "GetCapabilities": OnvifDevices.capabilities,
    "GetServices": OnvifDevices.services,
    "GetScopes": OnvifDevices.scopes,
    "GetProfiles": OnvifDevices.profiles,
    "GetProfile": OnvifDevices.profile,
    "GetStreamUri": OnvifDevices.stream_uri,
    "GetVideoEncoderConfigurations": OnvifDevices.encoders,
    "SetVideoEncoderConfiguration": OnvifDevices.set_encoder,
}


# --- helpers ----------------------------------------------------------------------------------------------------------


def scopes_of(device: OnvifDevice) -> list[str]:
    """The scopes that a device tells, in discovery too."""
    kinds = ["video_encoder", *(["ptz"] if device.ptz is not None else [])]
    return [
        *(f"onvif://www.onvif.org/type/{kind}" for kind in kinds),
        "onvif://www.onvif.org/Profile/Streaming",
        f"onvif://www.onvif.org/name/{device.camera.code}",
        f"onvif://www.onvif.org/hardware/{device.model.replace(' ', '%20')}",
    ]


def _token_fits(token: etree._Element, device: OnvifDevice) -> bool:
    camera = device.camera
    username, password = token.findtext("{*}Username") or "", token.findtext("{*}Password") or ""
    created, nonce = token.findtext("{*}Created") or "", token.findtext("{*}Nonce") or ""
    try:
        at = datetime.fromisoformat(created.replace("Z", "+00:00"))
        raw = base64.b64decode(nonce, validate=True)
    except ValueError:
        return False
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    digest = hashlib.sha1(raw + created.encode() + camera.password.encode(), usedforsecurity=False).digest()
    fits = hmac.compare_digest(base64.b64encode(digest).decode(), password) and username == camera.username
    if not fits or abs((at - device.now()).total_seconds()) > CLOCK_TOLERANCE_S:
        return False
    mark = raw + created.encode()
    if mark in device.replay:
        return False
    if len(device.replay) > 10_000:
        device.replay.clear()
    device.replay.add(mark)
    return True


def _name(node: etree._Element) -> str:
    return etree.QName(node).localname if isinstance(node.tag, str) else ""


def _text(call: etree._Element, tag: str) -> str:
    value = call.findtext(f".//{{*}}{tag}")
    if not value:
        raise SoapFault("ter:InvalidArgVal", f"{tag} is missing")
    return str(value).strip()


def _soap(body: str) -> HttpAnswer:
    return HttpAnswer(200, _ENVELOPE.format(body).encode(), "application/soap+xml; charset=utf-8")


def _fault(fault: SoapFault) -> HttpAnswer:
    body = (
        f"<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>{fault.subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en">{escape(fault.reason)}</s:Text></s:Reason></s:Fault>'
    )
    return HttpAnswer(fault.status, _ENVELOPE.format(body).encode(), "application/soap+xml; charset=utf-8")


def new_head() -> PtzState:
    """A head on the machine's clock, with three presets as an installer would leave them."""
    head = PtzState(time.monotonic)
    for name, place in (
        ("1", Position(-0.6, 0.0, 0.2)),
        ("2", Position(0.0, -0.2, 0.6)),
        ("3", Position(0.6, 0.1, 0.0)),
    ):
        head.presets[f"preset-{name}"] = (f"View {name}", place)
    head._count = 3
    return head
