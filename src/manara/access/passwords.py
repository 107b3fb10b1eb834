"""Passwords: argon2id hashes and one-time passwords that can be read out over a telephone."""

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)  # OWASP's argon2id minimum, m = 19 MiB
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"  # no 0/o, 1/l/i
_NOBODY = _hasher.hash("nobody has this password")


def hash_password(password: str) -> str:
    """An argon2id hash with its own salt and parameters."""
    return _hasher.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """True where `password` fits. With no stored hash the same time is spent, so that unknown accounts do not show."""
    try:
        return _hasher.verify(stored or _NOBODY, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def one_time_password() -> str:
    """Four groups of four, about 79 bits, such as `k7mp-2xqa-…`."""
    return "-".join("".join(secrets.choice(_READABLE) for _ in range(4)) for _ in range(4))
