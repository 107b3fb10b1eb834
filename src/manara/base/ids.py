"""Ids: 12 characters, Crockford base 32, 60 random bits. Short enough to read out, too many to guess by accident."""

import secrets

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id() -> str:
    """A new random id, such as `7k2m9qx4c0ta`."""
    bits = secrets.randbits(60)
    return "".join(_ALPHABET[(bits >> shift) & 31] for shift in range(55, -1, -5))
