"""TLS over a non-blocking socket by memory buffers, so that RTSPS passes through the same loop and the same buffer.

Cameras come with certificates that they signed themselves, so certificates are not verified; `UNVERIFIED` is put
into the stream's status, never passed over in silence. Called by `connection.py`. No I/O of its own.
"""

import ssl

UNVERIFIED = "TLS, certificate not verified"


def context() -> ssl.SSLContext:
    """A client context that takes any certificate, TLS 1.2 or later."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


class TlsPipe:
    """Encrypts and decrypts one connection. All methods raise `ssl.SSLError` when the other side breaks the
    protocol."""

    def __init__(self, ssl_context: ssl.SSLContext, host: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = ssl_context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self.ready = False
        self._waiting: list[bytes] = []

    def start(self) -> None:
        """Begin the handshake."""
        self._step()

    def received(self, data: memoryview) -> None:
        """Take what came from the socket."""
        self._incoming.write(data)
        if not self.ready:
            self._step()

    def read_into(self, room: memoryview) -> int:
        """Decrypt into `room`; how many bytes, 0 when there are no more for now."""
        if not self.ready:
            return 0
        try:
            return int(self._object.read(len(room), room))
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            return 0

    def write(self, data: bytes) -> None:
        """Encrypt `data`; kept until the handshake is done."""
        if self.ready:
            self._object.write(data)
        else:
            self._waiting.append(data)

    def to_send(self) -> bytes:
        """What must go out on the socket now."""
        return self._outgoing.read()

    def _step(self) -> None:
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return
        self.ready = True
        for data in self._waiting:
            self._object.write(data)
        self._waiting.clear()
