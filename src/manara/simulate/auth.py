"""The server's side of RTSP Basic and Digest (RFC 2617, RFC 7616: MD5 and SHA-256, with and without qop).

Pure but for nonces.

Called by `rtsp_server.py` and `onvif.py`. The passwords are those of virtual cameras; nothing here guards anything
real.
"""

import base64
import hashlib
import hmac
import re
import secrets
import time

from manara.simulate.mount import Scheme

REALM = "Manara virtual camera"
_FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')
_MAX_NONCES = 20_000


class Doorkeeper:
    """Gives out nonces and judges answers."""

    def __init__(self) -> None:
        self._nonces: dict[str, float] = {}

    def challenge(self, scheme: Scheme, *, stale: bool = False) -> list[str]:
        """Values of the `WWW-Authenticate` headers."""
        if scheme == "basic":
            return [f'Basic realm="{REALM}"']
        if len(self._nonces) >= _MAX_NONCES:
            self._nonces.clear()
        nonce = secrets.token_hex(16)
        self._nonces[nonce] = time.monotonic()
        algorithm = "SHA-256" if scheme == "sha-256" else "MD5"
        return [f'Digest realm="{REALM}", nonce="{nonce}", algorithm={algorithm}, stale={"TRUE" if stale else "FALSE"}']

    def judge(
        self, scheme: Scheme, username: str, password: str, method: str, header: str, nonce_lifetime_s: float
    ) -> str:
        """`ok`, `no`, or `stale` (right, but with a nonce that is too old or unknown)."""
        if scheme == "none":
            return "ok"
        kind, _, rest = header.partition(" ")
        if scheme == "basic":
            expected = base64.b64encode(f"{username}:{password}".encode()).decode()
            return "ok" if kind.lower() == "basic" and hmac.compare_digest(rest.strip(), expected) else "no"
        if kind.lower() != "digest":
            return "no"
        fields = {name.lower(): quoted or plain for name, quoted, plain in _FIELD.findall(rest)}
        expected = digest_response(scheme, fields, username, password, method)
        if fields.get("username") != username or not hmac.compare_digest(fields.get("response", ""), expected):
            return "no"
        born_s = self._nonces.get(fields.get("nonce", ""))
        if born_s is None or time.monotonic() - born_s > nonce_lifetime_s:
            return "stale"
        return "ok"


def digest_response(scheme: Scheme, fields: dict[str, str], username: str, password: str, method: str) -> str:
    """The response that fits these fields of an `Authorization: Digest` header."""
    algorithm = "sha256" if scheme == "sha-256" else "md5"

    def digest(text: str) -> str:
        return hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()

    first = digest(f"{username}:{fields.get('realm', REALM)}:{password}")
    second = digest(f"{method}:{fields.get('uri', '')}")
    nonce = fields.get("nonce", "")
    if "qop" in fields:
        return digest(f"{first}:{nonce}:{fields.get('nc', '')}:{fields.get('cnonce', '')}:{fields['qop']}:{second}")
    return digest(f"{first}:{nonce}:{second}")
