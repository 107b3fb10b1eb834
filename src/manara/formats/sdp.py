"""Session descriptions as real cameras send them. Pure; called by the RTSP client.

Tolerant: unknown lines are passed over, line ends may be of any kind, a missing `rtpmap` of a static payload type is
filled in. Bounds: 64 KiB of text, 32 media, 64 attributes each. Source: RFC 8866, RFC 2326 appendix C.
"""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

MAX_BYTES = 65_536
_MAX_MEDIA = 32
_MAX_ATTRIBUTES = 64
_STATIC = {
    0: ("PCMU", 8000, 1),
    8: ("PCMA", 8000, 1),
    26: ("JPEG", 90_000, 1),
    32: ("MPV", 90_000, 1),
    33: ("MP2T", 90_000, 1),
}


class SdpError(ValueError):
    """The description cannot be used at all."""


@dataclass(slots=True)
class Media:
    """One `m=` section. `control` is as it stood in the text, empty if it did not; `parameters` have lower-case
    names."""

    kind: str
    payload_type: int
    encoding: str = ""
    clock_rate_hz: int = 0
    channels: int = 1
    control: str = ""
    direction: str = ""
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Description:
    """The whole session."""

    control: str = ""
    media: list[Media] = field(default_factory=list)


def parse(text: bytes) -> Description:
    """Read a description. Raises `SdpError` when there is not one `m=` line in it or it is longer than 64 KiB."""
    if len(text) > MAX_BYTES:
        raise SdpError(f"session description of {len(text)} bytes, at most {MAX_BYTES} are read")
    session = Description()
    current: Media | None = None
    formats: list[int] = []
    attributes = 0
    for line in text.decode("utf-8", "replace").replace("\r", "\n").split("\n"):
        if len(line) < 2 or line[1] != "=":
            continue
        kind, value = line[0], line[2:].strip()
        if kind == "m":
            if len(session.media) >= _MAX_MEDIA:
                break
            current, formats = _media(value)
            attributes = 0
            if current is not None:
                session.media.append(current)
        elif kind == "a" and attributes < _MAX_ATTRIBUTES:
            attributes += 1
            name, _, rest = value.partition(":")
            if current is None:
                if name == "control" and not session.media:
                    session.control = rest.strip()
            else:
                _attribute(current, formats, name.strip().lower(), rest.strip())
    if not session.media:
        raise SdpError("session description without media")
    return session


def _media(value: str) -> tuple[Media | None, list[int]]:
    parts = value.split()
    if len(parts) < 4:
        return None, []
    formats = [number for part in parts[3:35] if (number := _number(part, 127)) is not None]
    if not formats:
        return None, []
    media = Media(parts[0].lower(), formats[0])
    if formats[0] in _STATIC:
        media.encoding, media.clock_rate_hz, media.channels = _STATIC[formats[0]]
    return media, formats


def _attribute(media: Media, formats: list[int], name: str, value: str) -> None:
    if name == "control":
        media.control = value
    elif name in ("sendonly", "recvonly", "sendrecv", "inactive"):
        media.direction = name
    elif name == "rtpmap":
        number, _, rest = value.partition(" ")
        parts = rest.strip().split("/")
        if _number(number, 127) != media.payload_type or not parts[0]:
            return
        media.encoding = parts[0].strip().upper()
        media.clock_rate_hz = (_number(parts[1], 10_000_000) or 0) if len(parts) > 1 else 0
        media.channels = (_number(parts[2], 64) or 1) if len(parts) > 2 else 1
    elif name == "fmtp":
        number, _, rest = value.partition(" ")
        # Some cameras write the wrong payload type here; with one format there is no doubt what is meant.
        if _number(number, 127) != media.payload_type and len(formats) > 1:
            return
        for pair in rest.split(";")[:_MAX_ATTRIBUTES]:
            key, _, setting = pair.strip().partition("=")
            if key:
                media.parameters[key.strip().lower()] = setting.strip()


def _number(text: str, most: int) -> int | None:
    text = text.strip()
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        return None
    value = int(text)
    return value if value <= most else None


def control_url(base: str, session_control: str, control: str) -> str:
    """The address of a media for SETUP, or of the session for PLAY (`control` empty or `*`).

    `base` is Content-Base, Content-Location or the address asked. Cameras do not mean URL resolution here but
    appending, with or without a slash at the end of the base, and a query in the base stays before the slash (as VLC
    and FFmpeg do).
    """
    if session_control and session_control != "*":
        base = session_control if _absolute(session_control) else _append(base, session_control)
    if not control or control == "*":
        return base
    return control if _absolute(control) else _append(base, control)


def _absolute(url: str) -> bool:
    return url.lower().startswith(("rtsp://", "rtsps://", "rtspu://"))


def _append(base: str, control: str) -> str:
    if control.startswith("/"):
        parts = urlsplit(base)
        return f"{parts.scheme}://{parts.netloc}{control}"
    if control.startswith("?"):
        return base + control
    return base + ("" if base.endswith("/") else "/") + control
