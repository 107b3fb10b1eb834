"""RTSP 1.0 messages: writing requests, reading answers, and saying who we are (Basic, Digest).

Pure: bytes in, values out. Called by `recorder/client.py` and by tests. Does not open sockets and does not resolve
names. Bounds: 16 KiB of headers in at most 100 lines, 128 KiB of body. Source: RFC 2326; RFC 2069, 2617 and 7616 for
Digest.
"""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

MAX_HEAD_BYTES = 16_384
MAX_HEADERS = 100
MAX_BODY_BYTES = 131_072


class RtspError(ValueError):
    """What came is not RTSP, or larger than anything sensible."""


class AddressError(ValueError):
    """The address of a stream cannot be used."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. Header names are lower case; a repeated header has all its values (`WWW-Authenticate` comes
    twice)."""

    status: int
    reason: str
    headers: dict[str, list[str]]
    body: bytes = b""

    def get(self, name: str, default: str = "") -> str:
        """The first value of a header."""
        values = self.headers.get(name)
        return values[0] if values else default


@dataclass(frozen=True, slots=True)
class Request:
    """A request that the server makes of us (some announce, redirect or ask whether we live)."""

    method: str
    url: str
    headers: dict[str, list[str]]
    body: bytes = b""


def parse(data: bytes) -> tuple[Answer | Request, int] | None:
    """The message at the start of `data` and how many bytes it took; None while it is not whole.

    Raises `RtspError` where it can never become one.
    """
    end = data.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES + 4)
    gap = 4
    bare = data.find(b"\n\n", 0, end if end >= 0 else MAX_HEAD_BYTES + 4)
    if bare >= 0:  # some end their lines with a bare LF
        end, gap = bare, 2
    if end < 0:
        if len(data) > MAX_HEAD_BYTES:
            raise RtspError(f"no end of headers in {MAX_HEAD_BYTES} bytes")
        return None
    lines = data[:end].decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) > MAX_HEADERS:
        raise RtspError(f"more than {MAX_HEADERS} header lines")
    headers: dict[str, list[str]] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), []).append(value.strip())
    length = headers.get("content-length", ["0"])[0]
    if not length.isascii() or not length.isdigit() or len(length) > 9 or int(length) > MAX_BODY_BYTES:
        raise RtspError(f"body of {length[:20]!r} bytes")
    total = end + gap + int(length)
    if len(data) < total:
        return None
    body = bytes(data[end + gap : total])
    first = lines[0].split(" ", 2)
    if first[0].startswith("RTSP/"):
        if len(first) < 2 or not first[1].isascii() or not first[1].isdigit() or len(first[1]) != 3:
            raise RtspError(f"status line {lines[0][:80]!r}")
        return Answer(int(first[1]), first[2] if len(first) > 2 else "", headers, body), total
    if len(first) != 3 or not first[2].startswith("RTSP/") or not re.fullmatch(r"[A-Z_]{3,32}", first[0]):
        raise RtspError(f"neither an answer nor a request: {lines[0][:80]!r}")
    return Request(first[0], first[1], headers, body), total


def write_request(method: str, url: str, sequence: int, headers: dict[str, str]) -> bytes:
    """A request without a body. A line break in a value would be another header, so it is refused (`RtspError`)."""
    lines = [f"{method} {url} RTSP/1.0", f"CSeq: {sequence}", "User-Agent: Manara"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if any("\r" in line or "\n" in line for line in lines):
        raise RtspError(f"line break in the headers of {method}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def write_answer(sequence: str, status: int = 200, reason: str = "OK") -> bytes:
    """An answer to a request of the server."""
    return f"RTSP/1.0 {status} {reason}\r\nCSeq: {sequence}\r\n\r\n".encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a stream is. `url` carries no credentials; those in the address come apart."""

    url: str
    host: str
    port: int
    secure: bool
    username: str = ""
    password: str = field(default="", repr=False)


def address(url: str) -> Address:
    """Take a stream's address apart. Raises `AddressError` saying what is wrong, without repeating credentials."""
    if len(url) > 2048 or any(ord(char) <= 32 or ord(char) == 127 or char == '"' for char in url):
        raise AddressError("stream address is too long, or has blanks or quotes in it")
    try:
        parts: SplitResult = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressError(f"stream address cannot be read: {error}") from error
    secure = parts.scheme.lower() == "rtsps"
    if parts.scheme.lower() not in ("rtsp", "rtsps") or not parts.hostname:
        raise AddressError("stream address must begin with rtsp:// or rtsps:// and name a host")
    place = parts.netloc.rpartition("@")[2]
    query = f"?{parts.query}" if parts.query else ""
    return Address(
        url=f"{parts.scheme.lower()}://{place}{parts.path}{query}",
        host=parts.hostname,
        port=port or (322 if secure else 554),
        secure=secure,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


_PARAMETER = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]*))')


@dataclass(slots=True)
class Challenge:
    """What a server asks for who we are, and how often we have answered this nonce."""

    scheme: str  # "basic" or "digest"
    realm: str = ""
    nonce: str = ""
    opaque: str | None = None
    algorithm: str = "MD5"
    algorithm_told: bool = False
    qop: bool = False
    stale: bool = False
    count: int = 0


def challenges(values: list[str]) -> list[Challenge]:
    """The challenges that we can answer, strongest first: Digest SHA-256, Digest MD5, Basic."""
    found: list[tuple[int, Challenge]] = []
    for value in values[:8]:
        for part in re.split(r"(?:^|,)\s*(?=(?:Digest|Basic)(?:\s|$))", value[:4096], flags=re.IGNORECASE):
            scheme, _, rest = part.strip().partition(" ")
            items = {m[1].lower(): m[2] if m[2] is not None else m[3] for m in _PARAMETER.finditer(rest)}
            if scheme.lower() == "basic":
                found.append((2, Challenge("basic", items.get("realm", ""))))
            elif scheme.lower() == "digest" and "nonce" in items:
                algorithm = (items.get("algorithm") or "MD5").upper()
                if algorithm not in ("MD5", "SHA-256", "MD5-SESS", "SHA-256-SESS"):
                    continue
                qops = [word.strip() for word in items.get("qop", "").lower().split(",")]
                if items.get("qop") and "auth" not in qops:
                    continue
                challenge = Challenge(
                    "digest",
                    items.get("realm", ""),
                    items["nonce"],
                    items.get("opaque"),
                    algorithm,
                    "algorithm" in items,
                    "auth" in qops,
                    items.get("stale", "").lower() == "true",
                )
                found.append((0 if algorithm.startswith("SHA") else 1, challenge))
    return [challenge for _, challenge in sorted(found, key=lambda pair: pair[0])]


def authorization(
    challenge: Challenge, method: str, url: str, username: str, password: str, client_nonce: str | None = None
) -> str:
    """The `Authorization` header that answers `challenge`. Counts the use of the nonce."""
    if challenge.scheme == "basic":
        return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
    hasher = hashlib.sha256 if challenge.algorithm.startswith("SHA") else hashlib.md5

    def digest(text: str) -> str:
        return hasher(text.encode()).hexdigest()

    challenge.count += 1
    count = f"{challenge.count:08x}"
    own = client_nonce if client_nonce is not None else secrets.token_hex(8)
    secret = digest(f"{username}:{challenge.realm}:{password}")
    if challenge.algorithm.endswith("-SESS"):
        secret = digest(f"{secret}:{challenge.nonce}:{own}")
    what = digest(f"{method}:{url}")
    middle = f"{challenge.nonce}:{count}:{own}:auth" if challenge.qop else challenge.nonce
    parts = [
        f'username="{_quoted(username)}"',
        f'realm="{_quoted(challenge.realm)}"',
        f'nonce="{_quoted(challenge.nonce)}"',
        f'uri="{url}"',
        f'response="{digest(f"{secret}:{middle}:{what}")}"',
    ]
    if challenge.algorithm_told:
        parts.append(f"algorithm={challenge.algorithm.replace('-SESS', '-sess')}")
    if challenge.opaque is not None:
        parts.append(f'opaque="{_quoted(challenge.opaque)}"')
    if challenge.qop or challenge.algorithm.endswith("-SESS"):
        parts.append(f'cnonce="{own}"')
    if challenge.qop:
        parts += ["qop=auth", f"nc={count}"]
    return "Digest " + ", ".join(parts)


def _quoted(text: str) -> str:
    # The values of a challenge were taken as they stood between the quotes, escapes included, and go back the same
    # way.
    return text.replace("\r", "").replace("\n", "")


def session(value: str) -> tuple[str, float]:
    """Session id and time-out in seconds (60 where none is given or it makes no sense; at least 2, at most an
    hour)."""
    identifier, *rest = value.split(";")
    timeout_s = 60.0
    for part in rest:
        name, _, number = part.strip().partition("=")
        if name.lower() == "timeout":
            try:
                timeout_s = float(number)
            except ValueError:
                continue
    if not 0 < timeout_s < 1e9:
        timeout_s = 60.0
    return identifier.strip()[:256], min(max(timeout_s, 2.0), 3600.0)


@dataclass(frozen=True, slots=True)
class Transport:
    """What a server answers to SETUP."""

    interleaved: tuple[int, int] | None = None
    server_ports: tuple[int, int] | None = None
    source: str = ""
    ssrc: int | None = None


def transport(value: str) -> Transport:
    """Read a `Transport` header of an answer; what makes no sense is left out."""
    channels: tuple[int, int] | None = None
    ports: tuple[int, int] | None = None
    source = ""
    ssrc: int | None = None
    for part in value.split(",", maxsplit=1)[0].split(";"):
        name, _, text = part.strip().partition("=")
        if name == "interleaved":
            channels = _pair(text, 255)
        elif name == "server_port":
            ports = _pair(text, 65_535)
        elif name == "source":
            source = text
        elif name == "ssrc" and re.fullmatch(r"[0-9A-Fa-f]{1,8}", text):
            ssrc = int(text, 16)
    return Transport(channels, ports, source, ssrc)


def _pair(text: str, most: int) -> tuple[int, int] | None:
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", text.strip(), re.ASCII)
    if not match:
        return None
    first = int(match[1])
    second = int(match[2]) if match[2] else first + 1
    return (first, second) if first <= most and second <= most else None
