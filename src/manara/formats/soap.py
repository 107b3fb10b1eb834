"""SOAP 1.2 as cameras speak it: build an envelope, read one that may be hostile, sign with a WS-Security user name
token.

Pure. The wire is hostile: no DTD, no entities, nothing fetched, bounded bytes, depth and texts. Source: SOAP 1.2,
OASIS WS-Security
UsernameToken Profile 1.0 (digest = base64(sha1(nonce + created + password)); SHA-1 is what the profile says, not our
choice).
"""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any, TypeAlias

from lxml import etree

MAX_BYTES = 1_000_000
MAX_TEXT = 2048
MAX_ELEMENTS = 20_000

ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"
_WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
_MESSAGE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0"

Element: TypeAlias = Any  # an lxml element; lxml has no types of its own


class SoapError(ValueError):
    """What came is not an answer that can be used. The message is for a person and holds nothing secret."""


class SoapFault(SoapError):
    """The device answered with a fault. `subcodes` are local names, such as `NotAuthorized`."""

    def __init__(self, reason: str, subcodes: tuple[str, ...]) -> None:
        super().__init__(reason)
        self.subcodes = subcodes

    @property
    def not_authorized(self) -> bool:
        """True where other credentials may help."""
        return any(code in ("NotAuthorized", "FailedAuthentication", "SenderNotAuthorized") for code in self.subcodes)


def node(namespace: str, name: str, *children: Element, text: str | None = None, **attributes: str) -> Element:
    """An element; texts are escaped by the serialiser."""
    made = etree.Element(f"{{{namespace}}}{name}", attributes)
    made.text = text
    made.extend(children)
    return made


def envelope(body: Element, *headers: Element) -> bytes:
    """The bytes of a SOAP 1.2 envelope."""
    root = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"s": ENVELOPE})
    if headers:
        etree.SubElement(root, f"{{{ENVELOPE}}}Header").extend(headers)
    etree.SubElement(root, f"{{{ENVELOPE}}}Body").append(body)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def username_token(username: str, password: str, nonce: bytes, created: str) -> Element:
    """A WS-Security header. `created` is `2026-01-02T03:04:05Z` by the *device's* clock, or it may call the token
    stale.
    """
    digest = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False).digest()
    encoded = base64.b64encode(digest).decode()
    token = node(
        _WSSE,
        "UsernameToken",
        node(_WSSE, "Username", text=username),
        node(_WSSE, "Password", text=encoded, Type=f"{_PROFILE}#PasswordDigest"),
        node(_WSSE, "Nonce", text=base64.b64encode(nonce).decode(), EncodingType=f"{_MESSAGE}#Base64Binary"),
        node(_WSU, "Created", text=created),
    )
    return node(_WSSE, "Security", token)


def parse(data: bytes) -> Element:
    """The root of an XML document. Raises `SoapError`."""
    if len(data) > MAX_BYTES:
        raise SoapError(f"The answer is larger than {MAX_BYTES} bytes.")
    if b"<!" in data.replace(b"<!--", b"").replace(b"<![CDATA[", b""):
        raise SoapError("The answer has a document type declaration; that is not SOAP.")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SoapError(f"The answer is not XML ({str(error)[:120]}).") from None
    if root is None:
        raise SoapError("The answer is empty.")
    if root.getroottree().docinfo.doctype:
        raise SoapError("The answer has a document type declaration; that is not SOAP.")
    if sum(1 for _ in root.iter()) > MAX_ELEMENTS:
        raise SoapError("The answer has too many elements.")
    return root


def body(data: bytes) -> Element:
    """The first element in the body of an envelope. Raises `SoapFault` for a fault, `SoapError` for anything else."""
    root = parse(data)
    if local(root) != "Envelope":
        raise SoapError("The answer is not a SOAP envelope.")
    for part in children(root, "Body"):
        for inner in part.iterchildren("*"):
            if local(inner) == "Fault":
                raise _fault(inner)
            return inner
    raise SoapError("The answer has no body.")


def _fault(element: Element) -> SoapFault:
    subcodes = tuple(
        text.rpartition(":")[2][:64]
        for value in find_all(element, "Value")
        if (text := (value.text or "").strip())
    )  # fmt: skip
    reason = text_of(element, "Text") or text_of(element, "faultstring") or "no reason given"
    return SoapFault(reason[:200], subcodes[:8])


def local(element: Element) -> str:
    """The name of an element without its namespace (cameras get namespaces wrong; names they get right)."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def children(element: Element, name: str) -> Iterator[Element]:
    """The direct children of this name."""
    return (child for child in element.iterchildren("*") if local(child) == name)


def find_all(element: Element, name: str) -> Iterator[Element]:
    """All descendants of this name, in document order."""
    return (found for found in element.iter("*") if local(found) == name)


def find(element: Element, *path: str) -> Element | None:
    """The first element down this path of children, or None."""
    at: Element | None = element
    for name in path:
        at = None if at is None else next(children(at, name), None)
    return at


def text_of(element: Element, name: str, limit: int = MAX_TEXT) -> str:
    """The text of the first descendant of this name, trimmed and without control characters; empty when there is
    none.
    """
    found = next(find_all(element, name), None)
    return "" if found is None else clean(found.text, limit)


def clean(text: str | None, limit: int = MAX_TEXT) -> str:
    """A text from the wire, bounded, on one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in (text or "")[: limit * 2]).split())[:limit]
