"""Sealing of camera passwords."""

import base64
import stat
from pathlib import Path

import pytest

from manara.base.errors import ManaraError
from manara.store.secret import SecretBox


def test_what_is_sealed_opens_again_after_a_restart(tmp_path: Path) -> None:
    sealed = SecretBox.from_file(tmp_path / "secret.key").seal("كلمة سر 1")
    assert "كلمة" not in sealed
    assert SecretBox.from_file(tmp_path / "secret.key").open(sealed) == "كلمة سر 1"
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600


def test_the_same_password_seals_differently_and_empty_stays_empty(tmp_path: Path) -> None:
    box = SecretBox.from_file(tmp_path / "k")
    assert box.seal("a") != box.seal("a")
    assert box.open(box.seal("")) == ""


def test_another_key_or_a_changed_byte_is_told(tmp_path: Path) -> None:
    box = SecretBox.from_file(tmp_path / "k")
    sealed = box.seal("a")
    with pytest.raises(ManaraError, match="another key"):
        SecretBox.from_file(tmp_path / "other").open(sealed)
    raw = bytearray(base64.b64decode(sealed.removeprefix("v1:")))
    raw[-1] ^= 1
    with pytest.raises(ManaraError, match="another key"):
        box.open("v1:" + base64.b64encode(raw).decode())


@pytest.mark.parametrize("content", [b"", b"short", b"!!not base64!!"])
def test_a_bad_key_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(content)
    with pytest.raises(ManaraError, match=r"secret\.key"):
        SecretBox.from_file(path)
