"""WS-Discovery for the virtual devices:

answers probes on UDP, by multicast on the loopback interface where that can be had.

Called by `role.py`. Bounds: a datagram is 64 KiB, an answer a device. Source: WS-Discovery 1.0 (2005/04), ONVIF Core
7.3.
"""

import asyncio
import logging
import socket
import struct
import uuid
from xml.sax.saxutils import escape

from lxml import etree

from manara.simulate.onvif import OnvifDevice, OnvifDevices, scopes_of

log = logging.getLogger(__name__)
GROUP, PORT = "239.255.255.250", 3702
_MATCH = (
    '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
    'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" '
    'xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><s:Header><a:MessageID>urn:uuid:{message}</a:MessageID>'
    "<a:RelatesTo>{relates}</a:RelatesTo>"
    "<a:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:To>"
    "<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</a:Action></s:Header><s:Body>"
    "<d:ProbeMatches><d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:{device}</a:Address>"
    "</a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>{scopes}</d:Scopes>"
    "<d:XAddrs>{address}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches>"
    "</s:Body></s:Envelope>"
)


def probe_id(datagram: bytes) -> str | None:
    """The message id of a probe that asks for cameras (or for anything); None for all else."""
    try:
        root = etree.fromstring(datagram, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError:
        return None
    probe = root.find(".//{*}Probe")
    message = root.findtext(".//{*}MessageID")
    if probe is None or not message:
        return None
    types = probe.findtext("{*}Types") or ""
    wanted = [word.rpartition(":")[2] for word in types.split()]
    if wanted and not {"NetworkVideoTransmitter", "Device"} & set(wanted):
        return None
    return str(message).strip()


def match(devices: OnvifDevices, device: OnvifDevice, relates: str) -> bytes:
    """The answer of one device to a probe."""
    return _MATCH.format(
        message=uuid.uuid4(),
        relates=escape(relates),
        device=uuid.uuid5(uuid.NAMESPACE_URL, device.serial),
        scopes=escape(" ".join(scopes_of(device))),
        address=devices.address(device.camera.code),
    ).encode()


class Discovery(asyncio.DatagramProtocol):
    """Answers probes. `start` gives False where the port cannot be had (another responder runs)."""

    def __init__(self, devices: OnvifDevices, host: str = "127.0.0.1", port: int = PORT) -> None:
        self._devices = devices
        self._host = host
        self.port = port
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self) -> bool:
        """Listen on the loopback interface, to the group too where the system lets us."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            # Bound to the group's address nothing from another interface's unicast reaches us; the membership is on
            # loopback alone. Port 0 (tests) is unicast.
            multicast = self.port != 0
            sock.bind((GROUP if multicast else self._host, self.port))
            if multicast:
                member = struct.pack("=4s4s", socket.inet_aton(GROUP), socket.inet_aton(self._host))
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        except OSError as error:
            sock.close()
            log.warning("virtual devices cannot be discovered", extra={"port": self.port, "cause": str(error)})
            return False
        self.port = sock.getsockname()[1]
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, sock=sock)
        return True

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        relates = probe_id(data)
        if relates is None or self._transport is None:
            return
        if not addr[0].startswith("127."):
            return
        for device in self._devices.devices.values():
            self._transport.sendto(match(self._devices, device, relates), addr)

    def close(self) -> None:
        """Stop."""
        if self._transport is not None:
            self._transport.close()
