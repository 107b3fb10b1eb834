"""Talking to ONVIF devices: find them, ask what they are and where their streams are, move a PTZ camera.

Thin on purpose: `formats/onvif.py` says what is asked, this file sends it over httpx within bounds (bytes, seconds,
no redirects,
no proxy) and goes only where it was told: service addresses that a device gives are used for their path alone, so a
device can
neither send us elsewhere nor mislead us behind address translation. Authenticates by WS-Security digest with the
device's own clock,
then by HTTP digest where it asks; never sends a password in clear. Certificates of cameras are not verified: they
sign their own.

Called in threads by the web's routes and `ptz.py`. Raises `Unavailable`, `InvalidInput` with stable codes. No
password in any error.
"""

import logging
import secrets
import socket
import struct
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from manara.base.clock import Clock
from manara.base.errors import FieldError, InvalidInput, ManaraError, Unavailable
from manara.formats import onvif, soap, wsdiscovery
from manara.network import rules

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 6.0
COMMAND_TIMEOUT_S = 3.0
DISCOVERY_S = 3.0
DEVICES_MAX = 500
DEVICE_PATH = "/onvif/device_service"


@dataclass(frozen=True, slots=True)
class Device:
    """A device that answered the discovery."""

    address: str
    name: str
    hardware: str
    location: str
    endpoint: str


def device_url(address: str) -> str:
    """The device service of a host, `host:port` or address. Raises `InvalidInput` (a user and password in it are
    refused).
    """
    text = address.strip()
    if "://" not in text:
        text = f"http://{text}"
    try:
        url, username, _ = rules.split_url(text, ("http", "https"))
    except rules.Fault as fault:
        raise InvalidInput(
            "The address of the camera is not valid.",
            code="onvif_address",
            fields=[FieldError("address", str(fault), value=rules.redact_url(text)[:80])],
        ) from None
    if username is not None:
        raise InvalidInput(
            "Give user and password apart from the address.",
            code="onvif_address",
            fields=[FieldError("address", "has a user in it")],
        )
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=DEVICE_PATH)) if parts.path in ("", "/") else url


class OnvifClient:
    """One device. Keeps its connection and what it learnt; safe to use from one thread at a time."""

    def __init__(
        self,
        address: str,
        username: str,
        password: str,
        clock: Clock,
        *,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url = device_url(address)
        self._username, self._password = username, password
        self._clock = clock
        self._offset: timedelta | None = None
        self._http_digest: httpx.DigestAuth | None = None  # once asked for; keeps the challenge between requests
        self._services: dict[str, str] | None = None
        self._ptz_profile = ""
        self._http = httpx.Client(
            timeout=httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            follow_redirects=False,
            trust_env=False,
            verify=False,  # noqa: S501 - cameras carry self-signed certificates; see the module's docstring
            transport=transport,
            headers={"User-Agent": "manara", "Accept-Encoding": "identity"},
        )

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    # ---- what a device is

    def clock_offset_ms(self) -> int:
        """How far the device's clock is ahead of ours, in ms (its answer has whole seconds). Raises `Unavailable`."""
        before_us = self._clock.wall_us()
        answer = self._ask(self.url, onvif.get_system_date_and_time(), signed=False)
        try:
            theirs = onvif.read_system_date_and_time(answer)
        except soap.SoapError as error:
            raise Unavailable(f"{self._where}: {error}", code="onvif_protocol") from None
        middle_us = (before_us + self._clock.wall_us()) / 2
        offset = theirs - datetime(1970, 1, 1, tzinfo=UTC) - timedelta(microseconds=middle_us)
        self._offset = offset
        return round(offset.total_seconds() * 1000)

    def inspect(self) -> dict[str, Any]:
        """`{manufacturer, model, firmware, serial, clock_offset_ms, profiles [{token, name, codec, width, height,
        rtsp_url}], ptz}`.

        `clock_offset_ms` is null where the device does not tell its time. Raises `Unavailable`.
        """
        try:
            offset_ms: int | None = self.clock_offset_ms()
        except Unavailable as error:
            if error.code != "onvif_protocol":
                raise
            offset_ms = None
        about = onvif.read_device_information(self._ask(self.url, onvif.get_device_information()))
        namespace, profiles = self._profiles()
        shown = []
        for profile in profiles:
            try:
                answer = self._ask(self._service(namespace), onvif.get_stream_uri(namespace, profile.token))
                url = self._stream_url(onvif.read_stream_uri(answer))
            except (Unavailable, soap.SoapError, rules.Fault) as error:
                if isinstance(error, Unavailable) and error.code != "onvif_protocol":
                    raise
                log.info("no stream address", extra={"device": self._where, "profile": profile.token})
                url = ""
            shown.append(
                {
                    "token": profile.token,
                    "name": profile.name,
                    "codec": profile.codec,
                    "width": profile.width,
                    "height": profile.height,
                    "rtsp_url": url,
                }
            )
        return {
            "manufacturer": about.manufacturer,
            "model": about.model,
            "firmware": about.firmware,
            "serial": about.serial,
            "clock_offset_ms": offset_ms,
            "onvif_url": self.url,
            "profiles": shown,
            "ptz": onvif.PTZ in self._known_services() and any(profile.ptz for profile in profiles),
        }

    # ---- encoders

    def frame_rates(self) -> dict[str, float]:
        """The limit of the frame rate of each video encoder, in Hz, by its token. Raises `Unavailable`."""
        return {one.token: one.frame_rate_hz for one in self._encoders()[1]}

    def set_frame_rates(self, rates_hz: Mapping[str, float]) -> None:
        """Set the limits of these encoders; all else stays. Unknown tokens are left out. Raises `Unavailable`."""
        namespace, encoders = self._encoders()
        for one in encoders:
            wanted_hz = rates_hz.get(one.token)
            if wanted_hz is not None and wanted_hz != one.frame_rate_hz:
                request = onvif.set_video_encoder_configuration(namespace, one, wanted_hz)
                self._ask(self._service(namespace), request)

    def _encoders(self) -> tuple[str, list[onvif.EncoderConfiguration]]:
        services = self._known_services()
        failed: Unavailable | None = None
        for namespace in (onvif.MEDIA2, onvif.MEDIA1):
            if namespace not in services:
                continue
            try:
                answer = self._ask(self._service(namespace), onvif.get_video_encoder_configurations(namespace))
            except Unavailable as error:
                if error.code != "onvif_protocol":
                    raise
                failed = error
                continue
            if found := onvif.read_video_encoder_configurations(answer):
                return namespace, found
        raise failed or Unavailable("This camera tells of no video encoder.", code="onvif_no_encoder")

    # ---- PTZ

    def move(self, pan: float, tilt: float, zoom: float, timeout_s: float) -> None:
        """Turn and zoom at these speeds (−1…1) until `stop`, or `timeout_s` where the device obeys it."""
        self._command(onvif.continuous_move(self._moved_profile(), pan, tilt, zoom, timeout_s))

    def stop(self) -> None:
        """Stop all movement."""
        self._command(onvif.stop(self._moved_profile()))

    def home(self) -> None:
        """Go to the home position."""
        self._command(onvif.goto_home(self._moved_profile()))

    def presets(self) -> list[onvif.Preset]:
        """The stored positions."""
        return onvif.read_presets(self._command(onvif.get_presets(self._moved_profile())))

    def go(self, token: str) -> None:
        """Go to a stored position."""
        self._command(onvif.goto_preset(self._moved_profile(), token))

    def save(self, name: str, token: str = "") -> str:
        """Store the present position; returns its token (empty where the device does not tell)."""
        return onvif.read_preset_token(self._command(onvif.set_preset(self._moved_profile(), name, token)))

    def delete(self, token: str) -> None:
        """Forget a stored position."""
        self._command(onvif.remove_preset(self._moved_profile(), token))

    # ---- inside

    @property
    def _where(self) -> str:
        return urlsplit(self.url).netloc

    def _command(self, request: soap.Element) -> soap.Element:
        return self._ask(self._service(onvif.PTZ), request, timeout_s=COMMAND_TIMEOUT_S)

    def _moved_profile(self) -> str:
        if not self._ptz_profile:
            _, profiles = self._profiles()
            moved = [profile.token for profile in profiles if profile.ptz]
            if not moved:
                raise Unavailable("This camera has no profile that can be moved.", code="onvif_no_ptz")
            self._ptz_profile = moved[0]
        return self._ptz_profile

    def _profiles(self) -> tuple[str, list[onvif.Profile]]:
        services = self._known_services()
        failed: Unavailable | None = None
        for namespace in (onvif.MEDIA2, onvif.MEDIA1):
            if namespace not in services:
                continue
            try:
                profiles = onvif.read_profiles(self._ask(self._service(namespace), onvif.get_profiles(namespace)))
            except Unavailable as error:
                if error.code != "onvif_protocol":
                    raise
                failed = error
                continue
            if profiles:
                return namespace, profiles
        if failed is not None:
            raise failed
        return onvif.MEDIA1, []

    def _known_services(self) -> dict[str, str]:
        if self._services is None:
            try:
                self._services = onvif.read_services(self._ask(self.url, onvif.get_services()))
            except Unavailable as error:
                if error.code != "onvif_protocol":
                    raise
                self._services = {}
            if not self._services:  # devices before 2012 know only this
                self._services = onvif.read_services(self._ask(self.url, onvif.get_capabilities()))
        return self._services

    def _service(self, namespace: str) -> str:
        given = self._known_services().get(namespace)
        if not given:
            raise Unavailable("This camera does not offer that service.", code="onvif_no_service")
        try:
            path = urlsplit(given)._replace(scheme="", netloc="").geturl()
        except ValueError:
            path = ""
        if not path.startswith("/") or path.startswith("//"):
            path = DEVICE_PATH
        return urlunsplit(urlsplit(self.url)._replace(path="", query="")) + path

    def _stream_url(self, given: str) -> str:
        """The stream's address at the host we talk to, without user and password. Raises `rules.Fault`."""
        url, _, _ = rules.split_url(given, ("rtsp", "rtsps"))
        parts = urlsplit(url)
        host = urlsplit(self.url).hostname or ""
        host = f"[{host}]" if ":" in host else host
        return urlunsplit(parts._replace(netloc=host if parts.port is None else f"{host}:{parts.port}"))

    def _ask(
        self, url: str, request: soap.Element, *, signed: bool = True, timeout_s: float = ANSWER_TIMEOUT_S
    ) -> soap.Element:
        headers = []
        if signed and self._username:
            if self._offset is None:
                self._learn_offset()
            now = datetime.fromtimestamp(self._clock.wall_us() / 1e6, UTC) + (self._offset or timedelta())
            created = now.strftime("%Y-%m-%dT%H:%M:%SZ")
            headers = [soap.username_token(self._username, self._password, secrets.token_bytes(16), created)]
        content = soap.envelope(request, *headers)
        try:
            status, data = self._post(url, content, timeout_s)
            if status == 401 and self._username and self._http_digest is None:
                self._http_digest = httpx.DigestAuth(self._username, self._password)
                status, data = self._post(url, content, timeout_s)
        except httpx.TimeoutException:
            raise Unavailable(f"{self._where} did not answer in time.", code="onvif_timeout") from None
        except httpx.HTTPError as error:
            raise Unavailable(
                f"{self._where} cannot be reached ({type(error).__name__}).", code="onvif_unreachable"
            ) from None
        if status == 401:
            raise Unavailable(f"{self._where} refuses this user and password.", code="onvif_not_authorized")
        try:
            return soap.body(data)
        except soap.SoapFault as fault:
            if fault.not_authorized:
                raise Unavailable(
                    f"{self._where} refuses this user and password.", code="onvif_not_authorized"
                ) from None
            raise Unavailable(f"{self._where} refuses: {fault}", code="onvif_protocol") from None
        except soap.SoapError as error:
            raise Unavailable(f"{self._where} (HTTP {status}): {error}", code="onvif_protocol") from None

    def _learn_offset(self) -> None:
        try:
            self.clock_offset_ms()
        except Unavailable as error:
            if error.code in ("onvif_timeout", "onvif_unreachable"):
                raise
            self._offset = timedelta()  # it does not tell its time: ours must do

    def _post(self, url: str, content: bytes, timeout_s: float) -> tuple[int, bytes]:
        """Status and body, bounded in bytes and in all in time. Raises `httpx.HTTPError`."""
        deadline_s = time.monotonic() + timeout_s
        headers = {"Content-Type": "application/soap+xml; charset=utf-8"}
        timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, CONNECT_TIMEOUT_S))
        with self._http.stream(
            "POST", url, content=content, headers=headers, auth=self._http_digest, timeout=timeout
        ) as response:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise httpx.DecodingError("the answer is packed, unasked")  # it might unpack to any size
            data = bytearray()
            for chunk in response.iter_bytes(65_536):
                data += chunk
                if len(data) > soap.MAX_BYTES:
                    raise httpx.DecodingError("the answer is too large")
                if time.monotonic() > deadline_s:
                    raise httpx.ReadTimeout("the answer takes too long")
            return response.status_code, bytes(data)


def inspect(address: str, username: str, password: str, clock: Clock) -> dict[str, Any]:
    """What `OnvifClient.inspect` gives, for one look. Raises `Unavailable`, `InvalidInput`."""
    client = OnvifClient(address, username, password, clock)
    try:
        return client.inspect()
    except soap.SoapError as error:
        raise Unavailable(f"{urlsplit(client.url).netloc}: {error}", code="onvif_protocol") from None
    finally:
        client.close()


def discover(target: str = "", *, interface: str = "", wait_s: float = DISCOVERY_S) -> list[dict[str, Any]]:
    """Ask who is there: by multicast on an interface (its IPv4 address; empty = all), or only `target`
    (`host[:port]`).

    Returns `[{address, name, hardware, location, endpoint}]` of all who answered within `wait_s`. Answers are
    believed only as far as the
    host that sent them. Raises `InvalidInput` for a bad target, `Unavailable` where the network cannot be used.
    """
    where = (wsdiscovery.GROUP, wsdiscovery.PORT)
    if target:
        host, _, port = target.strip().rpartition(":") if ":" in target else (target.strip(), "", "")
        try:
            number = int(port) if port else wsdiscovery.PORT
            where = (str(socket.getaddrinfo(host, number, socket.AF_INET, socket.SOCK_DGRAM)[0][4][0]), number)
        except (OSError, ValueError, OverflowError, UnicodeError):
            raise InvalidInput(
                "There is no such host.", code="onvif_address", fields=[FieldError("address", "is not a host")]
            ) from None
    message_id = f"urn:uuid:{uuid.uuid4()}"
    question = wsdiscovery.probe(message_id)
    found: dict[str, Device] = {}
    ignored = 0
    deadline_s = time.monotonic() + wait_s
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
            sock.bind((interface, 0))
            _send(sock, question, where, interface, bool(target))
            again_s = time.monotonic() + wait_s / 4  # datagrams get lost; ask twice
            while (left_s := deadline_s - time.monotonic()) > 0 and len(found) < DEVICES_MAX:
                if again_s and time.monotonic() >= again_s:
                    _send(sock, question, where, interface, bool(target))
                    again_s = 0.0
                sock.settimeout(max(0.01, min(left_s, again_s - time.monotonic()) if again_s else left_s))
                try:
                    data, sender = sock.recvfrom(wsdiscovery.DATAGRAM_MAX)
                except TimeoutError:
                    continue
                try:
                    for match in wsdiscovery.matches(data, message_id):
                        device = _believed(match, sender[0])
                        if device is not None:
                            found.setdefault(device.address, device)
                except soap.SoapError:
                    ignored += 1
    except OSError as error:
        raise Unavailable(f"The network cannot be asked: {error.strerror}.", code="onvif_network") from error
    if ignored:
        log.info("answers to discovery that were not understood", extra={"answers": ignored})
    devices = sorted(found.values(), key=lambda device: device.address)
    return [
        {name: getattr(device, name) for name in ("address", "name", "hardware", "location", "endpoint")}
        for device in devices
    ]


def _send(sock: socket.socket, question: bytes, where: tuple[str, int], interface: str, one: bool) -> None:
    """Send the question to one address, or to the group on one interface or on all. Raises `OSError` where none
    takes it.
    """
    if one:
        sock.sendto(question, where)
        return
    if interface:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
        sock.sendto(question, where)
        return
    failed: OSError | None = None
    sent = 0
    for index, name in socket.if_nameindex():
        chosen = struct.pack("=4s4si", bytes(4), bytes(4), index)
        if name.startswith("lo"):  # by its address: by its number the question would come from another interface's
            chosen = socket.inet_aton("127.0.0.1")
        try:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, chosen)
            sock.sendto(question, where)
            sent += 1
        except OSError as error:  # an interface that is down or knows no multicast
            failed = error
    if not sent and failed is not None:
        raise failed


def _believed(match: wsdiscovery.Match, sender: str) -> Device | None:
    """The device with the address at the host that really answered."""
    if not match.addresses:
        return None
    parts = [urlsplit(address) for address in match.addresses]
    chosen = next((part for part in parts if part.hostname == sender), parts[0])
    port = chosen.port
    try:
        url = device_url(
            urlunsplit(chosen._replace(netloc=sender if port is None else f"{sender}:{port}", fragment=""))
        )
    except ManaraError:
        return None
    return Device(url, match.name, match.hardware, match.location, match.endpoint)
