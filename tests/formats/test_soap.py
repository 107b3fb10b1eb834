"""SOAP and WS-Discovery: what is built can be read, what is hostile is refused within bounds, nothing else is
raised.
"""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manara.formats import onvif, soap, wsdiscovery

ENVELOPE = '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>{}</s:Body></s:Envelope>'

HOSTILE = [
    b"",
    b"<",
    b"<html><body>Not found</body></html>",
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>',
    '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>'.encode("utf-16"),
    b"<a>" * 5000 + b"</a>" * 5000,
    b"<a>" + b"<b/>" * 30_000 + b"</a>",
    b"x" * 1_000_001,
    ENVELOPE.format("").encode(),
    b'<x xmlns:s="y"><Body/></x>',
]


@pytest.mark.parametrize("data", HOSTILE)
def test_hostile_answers_are_refused(data: bytes) -> None:
    with pytest.raises(soap.SoapError):
        soap.body(data)


@given(st.binary(max_size=300))
def test_garbage_raises_only_soap_error(data: bytes) -> None:
    for read in (soap.body, lambda raw: wsdiscovery.matches(raw, "urn:uuid:1")):
        try:
            read(data)
        except soap.SoapError:
            continue


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=30)


@given(texts, texts)
def test_texts_are_escaped(name: str, token: str) -> None:
    body = soap.body(soap.envelope(onvif.set_preset("p<", name, token)))
    found = next(soap.find_all(body, "PresetName"))
    assert (found.text or "") == name
    assert soap.local(body) == "SetPreset"


def test_digest_is_that_of_the_standard() -> None:
    token = soap.username_token("admin", "p&ss", b"nonce", "2026-01-02T03:04:05Z")
    data = soap.envelope(onvif.get_device_information(), token)
    assert b"p&amp;ss" not in data
    digest = base64.b64encode(hashlib.sha1(b"nonce2026-01-02T03:04:05Zp&ss").digest())
    assert digest in data


def test_faults_say_whether_credentials_may_help() -> None:
    fault = (
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code>"
        "<s:Reason><s:Text>Sender\x85 not\nauthorized</s:Text></s:Reason></s:Fault>"
    )
    with pytest.raises(soap.SoapFault, match="Sender not authorized") as caught:
        soap.body(ENVELOPE.format(fault).encode())
    assert caught.value.not_authorized


def test_profiles_of_both_media_services_without_what_identifies_people() -> None:
    media1 = """<GetProfilesResponse>
      <Profiles token="a"><Name>main</Name><VideoEncoderConfiguration><Encoding>H264</Encoding>
        <Resolution><Width>1920</Width><Height>1080</Height></Resolution></VideoEncoderConfiguration>
        <PTZConfiguration token="x"/><MetadataConfiguration
        token="faces"><Analytics>true</Analytics></MetadataConfiguration></Profiles>
      <Profiles token=""><VideoEncoderConfiguration/></Profiles>
      <Profiles token="m"><Name>metadata only</Name><MetadataConfiguration/></Profiles></GetProfilesResponse>"""
    assert onvif.read_profiles(soap.body(ENVELOPE.format(media1).encode())) == [
        onvif.Profile("a", "main", "h264", 1920, 1080, True)
    ]
    media2 = """<GetProfilesResponse><Profiles token="b"><Name>sub</Name><Configurations><VideoEncoder>
        <Encoding>H265</Encoding><Resolution><Width>99999999</Width><Height>x</Height></Resolution></VideoEncoder>
        </Configurations></Profiles></GetProfilesResponse>"""
    assert onvif.read_profiles(soap.body(ENVELOPE.format(media2).encode())) == [
        onvif.Profile("b", "sub", "h265", 0, 0, False)
    ]


def test_discovery_reads_only_answers_to_its_question() -> None:
    answer = """<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header><RelatesTo>{}</RelatesTo></s:Header>
      <s:Body><ProbeMatches><ProbeMatch><EndpointReference><Address>urn:uuid:7</Address></EndpointReference>
      <Scopes>onvif://www.onvif.org/name/Gate%20North onvif://www.onvif.org/hardware/X1 bad</Scopes>
      <XAddrs>ftp://x http://10.0.0.9:8080/onvif/device_service http://[bad</XAddrs></ProbeMatch></ProbeMatches></s:Body>
      </s:Envelope>"""
    (match,) = wsdiscovery.matches(answer.format("urn:uuid:1").encode(), "urn:uuid:1")
    assert (match.name, match.hardware, match.endpoint) == ("Gate North", "X1", "urn:uuid:7")
    assert match.addresses == ("http://10.0.0.9:8080/onvif/device_service",)
    with pytest.raises(soap.SoapError):
        wsdiscovery.matches(answer.format("urn:uuid:2").encode(), "urn:uuid:1")
    assert b"NetworkVideoTransmitter" in wsdiscovery.probe("urn:uuid:1")
