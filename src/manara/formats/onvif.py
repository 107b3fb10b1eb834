"""The ONVIF requests we make, and what of the answers we use. Pure: `network/onvif.py` sends and receives.

Device management, Media (ver10 for Profile S, ver20 for Profile T and H.265) and PTZ. Never requested, and dropped
should it come
unasked: metadata and analytics (Profile M carries faces and plates; Manara identifies nobody).
Names are matched without namespaces. Bounds: as `formats/soap.py`, and `PROFILES_MAX`, `PRESETS_MAX`. Source: ONVIF
Core, Media, Media2, PTZ.
"""

import copy
import math
from dataclasses import dataclass
from datetime import UTC, datetime

from manara.formats import soap
from manara.formats.soap import Element, node

DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA1 = "http://www.onvif.org/ver10/media/wsdl"
MEDIA2 = "http://www.onvif.org/ver20/media/wsdl"
PTZ = "http://www.onvif.org/ver20/ptz/wsdl"
SCHEMA = "http://www.onvif.org/ver10/schema"
PROFILES_MAX, PRESETS_MAX = 64, 256
TOKEN_MAX = 64


@dataclass(frozen=True, slots=True)
class DeviceInformation:
    """What a device says it is."""

    manufacturer: str
    model: str
    firmware: str
    serial: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A media profile with a picture; sizes in px, 0 where unknown. `ptz` where it can be moved through this
    profile.
    """

    token: str
    name: str
    codec: str
    width: int
    height: int
    ptz: bool


@dataclass(frozen=True, slots=True)
class EncoderConfiguration:
    """How a video encoder is set. `given` is the device's own element, which is sent back but for what changes."""

    token: str
    frame_rate_hz: float
    given: Element


@dataclass(frozen=True, slots=True)
class Preset:
    """A stored position of a camera."""

    token: str
    name: str


def get_system_date_and_time() -> Element:
    """The device's clock; the one question that needs no password."""
    return node(DEVICE, "GetSystemDateAndTime")


def get_device_information() -> Element:
    """Maker, model, firmware, serial number."""
    return node(DEVICE, "GetDeviceInformation")


def get_services() -> Element:
    """Where the services of this device are."""
    return node(DEVICE, "GetServices", node(DEVICE, "IncludeCapability", text="false"))


def get_capabilities() -> Element:
    """The older way to ask where the services are."""
    return node(DEVICE, "GetCapabilities", node(DEVICE, "Category", text="All"))


def get_profiles(namespace: str) -> Element:
    """The media profiles, of Media (`MEDIA1`) or Media2 (`MEDIA2`)."""
    if namespace == MEDIA2:
        parts = [node(MEDIA2, "Type", text=kind) for kind in ("VideoSource", "VideoEncoder", "PTZ")]
        return node(MEDIA2, "GetProfiles", *parts)
    return node(MEDIA1, "GetProfiles")


def get_stream_uri(namespace: str, profile: str) -> Element:
    """Where the stream of a profile is, by RTSP."""
    if namespace == MEDIA2:
        return node(
            MEDIA2, "GetStreamUri", node(MEDIA2, "Protocol", text="RTSP"), node(MEDIA2, "ProfileToken", text=profile)
        )
    setup = node(
        MEDIA1,
        "StreamSetup",
        node(SCHEMA, "Stream", text="RTP-Unicast"),
        node(SCHEMA, "Transport", node(SCHEMA, "Protocol", text="RTSP")),
    )
    return node(MEDIA1, "GetStreamUri", setup, node(MEDIA1, "ProfileToken", text=profile))


def get_video_encoder_configurations(namespace: str) -> Element:
    """How all video encoders are set."""
    return node(namespace, "GetVideoEncoderConfigurations")


def set_video_encoder_configuration(namespace: str, configuration: EncoderConfiguration, rate_hz: float) -> Element:
    """Set an encoder as it is, but for its frame rate. Not kept over a restart of the device, where it obeys that."""
    changed = node(namespace, "Configuration")
    for name, value in configuration.given.attrib.items():
        changed.set(name, value)
    for part in configuration.given.iterchildren("*"):
        changed.append(copy.deepcopy(part))
    limit = next(soap.find_all(changed, "FrameRateLimit"))
    limit.text = f"{rate_hz:g}" if namespace == MEDIA2 else str(max(1, math.ceil(rate_hz)))
    call = node(namespace, "SetVideoEncoderConfiguration", changed)
    if namespace == MEDIA1:
        call.append(node(MEDIA1, "ForcePersistence", text="false"))
    return call


def continuous_move(profile: str, pan: float, tilt: float, zoom: float, timeout_s: float) -> Element:
    """Move at these speeds (−1…1); the device shall stop by itself after `timeout_s` (not all do)."""
    velocity = node(
        PTZ,
        "Velocity",
        node(SCHEMA, "PanTilt", x=f"{pan:.3f}", y=f"{tilt:.3f}"),
        node(SCHEMA, "Zoom", x=f"{zoom:.3f}"),
    )
    return node(PTZ, "ContinuousMove", _profile(profile), velocity, node(PTZ, "Timeout", text=f"PT{timeout_s:.1f}S"))


def stop(profile: str) -> Element:
    """Stop turning and zooming."""
    parts = [node(PTZ, name, text="true") for name in ("PanTilt", "Zoom")]
    return node(PTZ, "Stop", _profile(profile), *parts)


def get_presets(profile: str) -> Element:
    """The stored positions."""
    return node(PTZ, "GetPresets", _profile(profile))


def set_preset(profile: str, name: str, token: str = "") -> Element:
    """Store the present position under a name; with `token` instead of that preset."""
    parts = [node(PTZ, "PresetToken", text=token)] if token else []
    return node(PTZ, "SetPreset", _profile(profile), node(PTZ, "PresetName", text=name), *parts)


def goto_preset(profile: str, token: str) -> Element:
    """Go to a stored position."""
    return node(PTZ, "GotoPreset", _profile(profile), node(PTZ, "PresetToken", text=token))


def remove_preset(profile: str, token: str) -> Element:
    """Forget a stored position."""
    return node(PTZ, "RemovePreset", _profile(profile), node(PTZ, "PresetToken", text=token))


def goto_home(profile: str) -> Element:
    """Go to the home position."""
    return node(PTZ, "GotoHomePosition", _profile(profile))


def _profile(token: str) -> Element:
    return node(PTZ, "ProfileToken", text=token)


def read_system_date_and_time(body: Element) -> datetime:
    """The device's UTC. Raises `soap.SoapError` where it gives none (local time without UTC is of no use)."""
    utc = next(soap.find_all(body, "UTCDateTime"), None)
    if utc is None:
        raise soap.SoapError("The device does not tell its time in UTC.")
    names = ("Year", "Month", "Day", "Hour", "Minute", "Second")
    try:
        year, month, day, hour, minute, second = (int(soap.text_of(utc, name, 8)) for name in names)
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except (ValueError, OverflowError):
        raise soap.SoapError("The device's time is not a time.") from None


def read_device_information(body: Element) -> DeviceInformation:
    """What a device says it is; missing parts are empty."""
    return DeviceInformation(
        manufacturer=soap.text_of(body, "Manufacturer", 120),
        model=soap.text_of(body, "Model", 120),
        firmware=soap.text_of(body, "FirmwareVersion", 120),
        serial=soap.text_of(body, "SerialNumber", 120),
    )


def read_services(body: Element) -> dict[str, str]:
    """Namespace → address, from `GetServices` or `GetCapabilities`; only those that we use."""
    found: dict[str, str] = {}
    for service in soap.children(body, "Service"):
        namespace = soap.text_of(service, "Namespace", 200)
        if namespace in (MEDIA1, MEDIA2, PTZ):
            found.setdefault(namespace, soap.text_of(service, "XAddr"))
    capabilities = soap.find(body, "Capabilities")
    if capabilities is not None:
        for name, namespace in (("Media", MEDIA1), ("PTZ", PTZ)):
            part = soap.find(capabilities, name)
            if part is not None:
                found.setdefault(namespace, soap.text_of(part, "XAddr"))
    return {namespace: address for namespace, address in found.items() if address}


def read_profiles(body: Element) -> list[Profile]:
    """The profiles that carry a picture, as the device orders them."""
    profiles = []
    for item in list(soap.children(body, "Profiles"))[:PROFILES_MAX]:
        token = soap.clean(item.get("token"), TOKEN_MAX + 1)
        inside = soap.find(item, "Configurations")  # Media2
        configurations = item if inside is None else inside
        encoder = soap.find(configurations, "VideoEncoderConfiguration")
        if encoder is None:
            encoder = soap.find(configurations, "VideoEncoder")
        if encoder is None or not 1 <= len(token) <= TOKEN_MAX:
            continue
        moved = any(soap.find(configurations, name) is not None for name in ("PTZConfiguration", "PTZ"))
        name_element = soap.find(item, "Name")
        profiles.append(
            Profile(
                token=token,
                name=soap.clean(None if name_element is None else name_element.text, 120),
                codec=_codec(soap.text_of(encoder, "Encoding", 40)),
                width=_size(soap.text_of(encoder, "Width", 8)),
                height=_size(soap.text_of(encoder, "Height", 8)),
                ptz=moved,
            )
        )
    return profiles


def read_video_encoder_configurations(body: Element) -> list[EncoderConfiguration]:
    """The encoders that have a usable token and a limit of their frame rate."""
    found = []
    for item in list(soap.children(body, "Configurations"))[:PROFILES_MAX]:
        token = soap.clean(item.get("token"), TOKEN_MAX + 1)
        try:
            rate_hz = float(soap.text_of(item, "FrameRateLimit", 16))
        except ValueError:
            continue
        if 1 <= len(token) <= TOKEN_MAX and 0 < rate_hz <= 240:
            found.append(EncoderConfiguration(token, rate_hz, item))
    return found


def read_stream_uri(body: Element) -> str:
    """The address of a stream, as the device gives it. Raises `soap.SoapError` where there is none."""
    uri = soap.text_of(body, "Uri")
    if not uri.lower().startswith(("rtsp://", "rtsps://")):
        raise soap.SoapError("The device gives no RTSP address for this profile.")
    return uri


def read_presets(body: Element) -> list[Preset]:
    """The presets that have a usable token."""
    presets = []
    for item in list(soap.children(body, "Preset"))[:PRESETS_MAX]:
        token = soap.clean(item.get("token"), TOKEN_MAX + 1)
        if 1 <= len(token) <= TOKEN_MAX:
            presets.append(Preset(token, soap.text_of(item, "Name", 120)))
    return presets


def read_preset_token(body: Element) -> str:
    """The token of a preset just saved; empty where the device does not tell."""
    token = soap.text_of(body, "PresetToken", TOKEN_MAX + 1)
    return token if len(token) <= TOKEN_MAX else ""


def _codec(encoding: str) -> str:
    name = encoding.upper().replace(".", "").replace("-", "")
    return {"H264": "h264", "H265": "h265", "HEVC": "h265", "JPEG": "mjpeg", "MPEG4": "mpeg4"}.get(
        name, name.lower()[:16]
    )


def _size(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and int(text) <= 65_536 else 0
