"""A webhook: one signed POST of JSON to one address (httpx).

    X-Manara-Id: <id of the notification; the same each time it is sent>
    X-Manara-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>" with the route's secret>

An address typed by an administrator must not turn this server against its neighbours: the name is looked up here, every
answer that is not public is left out (unless the settings allow private ones), and the connection goes to the address
that was judged, not to a second look-up. Only https, but to this machine; no redirect is followed, no proxy of the
environment is asked. Of the answer `ANSWER_MAX` bytes are read; every try has one deadline. Called by
`notify_sender.py`.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import json
import socket
import ssl
from typing import Any

import httpx

from manara.alarms.notify import is_loopback
from manara.alarms.notify_actions import Letter
from manara.alarms.notify_smtp import Outcome, tls_context
from manara.base.clock import Clock
from manara.settings import Notifications

ANSWER_MAX = 2048
RECEIPT_MAX = 400
_REFUSED_ONCE = frozenset({408, 425, 429})  # of the 4xx, these are about the moment and not about the message

_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotAllowed(Exception):
    """The address must not be reached."""


def body_of(letter: Letter) -> bytes:
    """What is sent: the same bytes for the same notification."""
    content: dict[str, Any] = {
        "id": letter.id,
        "occasion": letter.occasion,
        "created_us": letter.created_us,
        "language": letter.language,
        "title": letter.subject,
        "text": letter.body,
        **letter.payload,
    }
    return json.dumps(content, ensure_ascii=False, sort_keys=True).encode()


def signature(secret: str, at_s: int, body: bytes) -> str:
    """The value of the signature's header."""
    digest = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={digest}"


def allowed(address: _Ip, *, private: bool) -> bool:
    """True where a webhook may go to this address."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    # never, whatever the settings: 169.254.169.254 and its like hand out a cloud machine's credentials
    if address.is_multicast or address.is_unspecified or address.is_link_local:
        return False
    return address.is_global or (private and (address.is_private or address.is_loopback))


class Webhook:
    """The channel `webhook`."""

    def __init__(self, settings: Notifications, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._tls: ssl.SSLContext | None = None

    async def deliver(self, letter: Letter) -> Outcome:
        """Post one notification. Never raises for what a server or the way to it does."""
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                return await self._post(letter)
        except NotAllowed as error:
            return Outcome(False, error=str(error))
        except TimeoutError:
            return Outcome(False, error=f"no answer within {self._settings.timeout_s:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ssl.SSLError, ValueError) as error:
            return Outcome(False, error=f"{type(error).__name__}: {error}"[:RECEIPT_MAX])

    async def _post(self, letter: Letter) -> Outcome:
        url = httpx.URL(letter.address)
        if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.host)):
            raise NotAllowed("only https is allowed beyond this machine")
        port = url.port or (443 if url.scheme == "https" else 80)
        address = await self._look_up(url.host, port)
        if url.scheme == "http" and not address.is_loopback:
            raise NotAllowed(f"{url.host} is not this machine; only https is allowed beyond it")
        body = body_of(letter)
        headers = {
            "Host": url.netloc.decode("ascii"),
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Manara",
            "Accept-Encoding": "identity",  # of what unpacks to gigabytes nothing is unpacked
            "X-Manara-Id": letter.id,
        }
        if letter.secret:
            headers["X-Manara-Signature"] = signature(letter.secret, self._clock.wall_us() // 1_000_000, body)
        if url.scheme == "https" and self._tls is None:
            self._tls = tls_context(self._settings)
        client = httpx.AsyncClient(
            verify=self._tls if self._tls is not None else True,
            trust_env=False,
            follow_redirects=False,
            timeout=self._settings.timeout_s,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=0),
        )
        async with client:
            request = client.build_request(
                "POST",
                url.copy_with(host=str(address)),
                content=body,
                headers=headers,
                extensions={"sni_hostname": url.host},  # the certificate must be of the name, not of the number
            )
            response = await client.send(request, stream=True)
            try:
                text = await _beginning(response)
            finally:
                await response.aclose()
        receipt = f"HTTP {response.status_code} {text}".strip()[:RECEIPT_MAX]
        if response.is_success:
            return Outcome(True, receipt=receipt)
        if response.is_redirect:
            return Outcome(False, error=f"{receipt} (redirects are not followed)", refused=True)
        refused = 400 <= response.status_code < 500 and response.status_code not in _REFUSED_ONCE
        return Outcome(False, error=receipt, refused=refused)

    async def _look_up(self, host: str, port: int) -> _Ip:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
        for address in addresses:
            if allowed(address, private=self._settings.private_webhooks):
                return address
        raise NotAllowed(
            f"{host} is at {', '.join(str(a) for a in addresses[:3])}, which webhooks may not reach "
            "(notifications.private_webhooks allows private addresses)"
        )


async def _beginning(response: httpx.Response) -> str:
    taken = b""
    async for chunk in response.aiter_raw():
        taken += chunk
        if len(taken) >= ANSWER_MAX:
            break
    text = taken[:ANSWER_MAX].decode("utf-8", errors="replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
