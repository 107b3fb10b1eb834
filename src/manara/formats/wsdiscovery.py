"""WS-Discovery (OASIS 1.1, the April 2005 namespace that ONVIF uses): ask for cameras, read who answers. Pure.

Bounds: as `formats/soap.py`; at most `ADDRESSES_MAX` addresses of one device are kept.
"""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from lxml import etree

from manara.formats import soap

GROUP, PORT = "239.255.255.250", 3702
ADDRESSES_MAX = 8
DATAGRAM_MAX = 65_507

_DISCOVERY = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
_ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_NETWORK = "http://www.onvif.org/ver10/network/wsdl"
_SCOPE = "onvif://www.onvif.org/"


@dataclass(frozen=True, slots=True)
class Match:
    """A device that answered: what it calls itself and where its device service is."""

    endpoint: str
    addresses: tuple[str, ...]
    name: str = ""
    hardware: str = ""
    location: str = ""


def probe(message_id: str) -> bytes:
    """The question: which network video transmitters are there? `message_id` is a `urn:uuid:…`."""
    types = etree.Element(f"{{{_DISCOVERY}}}Types", nsmap={"dn": _NETWORK, "d": _DISCOVERY})
    types.text = "dn:NetworkVideoTransmitter"
    return soap.envelope(
        soap.node(_DISCOVERY, "Probe", types),
        soap.node(_ADDRESSING, "MessageID", text=message_id),
        soap.node(_ADDRESSING, "To", text="urn:schemas-xmlsoap-org:ws:2005:04:discovery"),
        soap.node(_ADDRESSING, "Action", text=f"{_DISCOVERY}/Probe"),
    )


def matches(data: bytes, message_id: str) -> list[Match]:
    """The devices in an answer to our `probe` with this id. Raises `soap.SoapError` for anything else."""
    if len(data) > DATAGRAM_MAX:
        raise soap.SoapError("The answer is larger than a datagram.")
    body = soap.body(data)
    if soap.local(body) != "ProbeMatches":
        raise soap.SoapError("The answer is not a probe match.")
    envelope = body.getroottree().getroot()
    if soap.text_of(envelope, "RelatesTo") != message_id:
        raise soap.SoapError("The answer is to another question.")
    return [_match(item) for item in soap.children(body, "ProbeMatch")]


def _match(item: soap.Element) -> Match:
    scopes = soap.text_of(item, "Scopes", 8192).split()

    def scope(name: str) -> str:
        for one in scopes:
            if one.startswith(f"{_SCOPE}{name}/"):
                return soap.clean(unquote(one.removeprefix(f"{_SCOPE}{name}/")), 120)
        return ""

    addresses = [url for url in soap.text_of(item, "XAddrs", 8192).split() if _is_http(url)]
    return Match(
        endpoint=soap.text_of(item, "Address", 200),
        addresses=tuple(addresses[:ADDRESSES_MAX]),
        name=scope("name"),
        hardware=scope("hardware"),
        location=scope("location"),
    )


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 80) > 0
    except ValueError:
        return False
