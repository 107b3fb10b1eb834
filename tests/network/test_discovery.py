"""Asking all interfaces: which options are set and what is sent, on a socket that only notes it (nothing leaves this
machine).
"""

import socket

import pytest

from manara.network import onvif


class Socket:
    """Notes what it is told; interfaces in `down` refuse."""

    def __init__(self, down: set[int] | None = None) -> None:
        self.down = down or set()
        self.chosen = b""
        self.sent_from: list[bytes] = []

    def setsockopt(self, level: int, option: int, value: bytes) -> None:
        self.chosen = value

    def sendto(self, data: bytes, where: tuple[str, int]) -> None:
        if len(self.chosen) == 12 and self.chosen[8] in self.down:
            raise OSError(101, "Network is unreachable")
        self.sent_from.append(self.chosen)


def test_every_interface_is_asked_and_one_that_is_down_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "if_nameindex", lambda: [(1, "lo"), (2, "eth0"), (3, "eth1")])
    sock = Socket(down={3})
    onvif._send(sock, b"probe", ("239.255.255.250", 3702), "", False)  # type: ignore[arg-type]
    assert sock.sent_from == [socket.inet_aton("127.0.0.1"), bytes(8) + b"\x02\x00\x00\x00"]


def test_no_interface_at_all_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "if_nameindex", lambda: [(2, "eth0")])
    with pytest.raises(OSError, match="unreachable"):
        onvif._send(Socket(down={2}), b"probe", ("239.255.255.250", 3702), "", False)  # type: ignore[arg-type]


def test_one_interface_by_its_address() -> None:
    sock = Socket()
    onvif._send(sock, b"probe", ("239.255.255.250", 3702), "127.0.0.1", False)  # type: ignore[arg-type]
    assert sock.sent_from == [socket.inet_aton("127.0.0.1")]
