"""Secrets at rest: a key file of this installation, and AES-256-GCM over what must not lie open in the state.

Camera passwords pass through here on their way in and out; nothing sealed is ever shown or logged.
"""

import base64
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from manara.base.errors import ManaraError

_PREFIX = "v1:"


class SecretBox:
    """Seals and opens short texts with the installation's key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    @classmethod
    def from_file(cls, path: Path) -> "SecretBox":
        """Read the key, or make it (mode 0600) where there is none yet. Raises `ManaraError` for an unusable file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(handle, "wb") as file:
                file.write(base64.b64encode(secrets.token_bytes(32)) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        try:
            key = base64.b64decode(path.read_bytes().strip(), validate=True)
        except ValueError as error:
            raise ManaraError(f"{path} is not a key file; restore it from your backup", code="secret_key") from error
        if len(key) != 32:
            raise ManaraError(
                f"{path} holds {len(key)} bytes instead of 32; restore it from your backup", code="secret_key"
            )
        return cls(key)

    def seal(self, text: str) -> str:
        """Encrypt; the same text seals differently each time. The empty text stays empty."""
        if not text:
            return ""
        nonce = secrets.token_bytes(12)
        return _PREFIX + base64.b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), None)).decode()

    def open(self, sealed: str) -> str:
        """Decrypt what `seal` made. Raises `ManaraError` when it was sealed with another key or is damaged."""
        if not sealed:
            return ""
        try:
            raw = base64.b64decode(sealed.removeprefix(_PREFIX), validate=True)
            return self._cipher.decrypt(raw[:12], raw[12:], None).decode()
        except (InvalidTag, ValueError) as error:
            raise ManaraError(
                "A stored password cannot be opened: it was sealed with another key (is secret.key the right one?)",
                code="secret_unreadable",
            ) from error
