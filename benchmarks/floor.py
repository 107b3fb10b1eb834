"""The floor: sockets read into one append file each, nothing parsed. No recorder that keeps the bytes can do less.

    python -m benchmarks.floor PORT CAMERAS FOLDER [hashed]

One process, one epoll loop, a read of up to 256 KiB and a write a wake-up. The files are the interleaved stream as it
came and play nowhere. `hashed` takes the hash of each file besides (BLAKE3, as ours does): what no archive that proves
itself can do without. Prints `ready` when all cameras play; runs until its standard input closes, then prints how much
it wrote.
"""

import os
import select
import socket
import sys
from pathlib import Path

from blake3 import blake3

READ_BYTES = 262_144
LOW_WATER_BYTES = 65_536


def _ask(sock: socket.socket, request: str) -> bytes:
    sock.sendall(request.encode())
    data = b""
    while b"\r\n\r\n" not in data:
        data += sock.recv(4096)
    return data


def connect(port: int, camera: int) -> socket.socket:
    """A playing interleaved session, by the shortest way."""
    url = f"rtsp://127.0.0.1:{port}/cam/CAM-{camera:04d}/main"
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    answer = _ask(
        sock, f"SETUP {url}/trackID=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n"
    )
    session = answer.split(b"Session: ")[1].split(b";")[0].decode()
    sock.sendall(f"PLAY {url} RTSP/1.0\r\nCSeq: 2\r\nSession: {session}\r\n\r\n".encode())
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, LOW_WATER_BYTES)
    sock.setblocking(False)
    return sock


def main() -> None:
    """Read and append until told to end."""
    port, cameras, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    hashed = sys.argv[4:] == ["hashed"]
    folder.mkdir(parents=True, exist_ok=True)
    poll = select.epoll()
    places: dict[int, tuple[socket.socket, int, blake3]] = {}
    for camera in range(1, cameras + 1):
        sock = connect(port, camera)
        file = os.open(folder / f"CAM-{camera:04d}.raw", os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_TRUNC)
        places[sock.fileno()] = (sock, file, blake3())
        poll.register(sock.fileno(), select.EPOLLIN)
    poll.register(0, select.EPOLLIN)
    print("ready", flush=True)
    buffer = bytearray(READ_BYTES)
    view = memoryview(buffer)
    written = 0
    while True:
        for number, _ in poll.poll():
            if number == 0:
                print(written, flush=True)
                return
            sock, file, digest = places[number]
            try:
                count = sock.recv_into(buffer)
            except BlockingIOError:
                continue
            if count == 0:
                poll.unregister(number)
                continue
            if hashed:
                digest.update(view[:count])
            written += os.write(file, view[:count])


if __name__ == "__main__":
    main()
