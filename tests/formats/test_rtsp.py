"""RTSP messages: whole, halved, odd and hostile; and the proofs of who we are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manara.formats import rtsp


def test_an_answer_is_read_and_what_follows_is_left() -> None:
    data = (
        b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nWWW-Authenticate: a\r\nwww-authenticate: b\r\nContent-Length: 4\r\n\r\nbodyREST"
    )
    found = rtsp.parse(data)
    assert found is not None
    message, size = found
    assert isinstance(message, rtsp.Answer)
    assert (message.status, message.body, data[size:]) == (200, b"body", b"REST")
    assert message.headers["www-authenticate"] == ["a", "b"]


def test_half_a_message_waits_for_more() -> None:
    data = b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Length: 4\r\n\r\nbody"
    for end in range(len(data)):
        assert rtsp.parse(data[:end]) is None


def test_bare_line_feeds_and_requests_of_the_server_are_read() -> None:
    found = rtsp.parse(b"OPTIONS rtsp://x/ RTSP/1.0\nCSeq: 9\n\n")
    assert found is not None
    assert isinstance(found[0], rtsp.Request)
    assert found[0].headers["cseq"] == ["9"]


@pytest.mark.parametrize(
    "data",
    [
        b"RTSP/1.0 200 OK\r\nContent-Length: 999999999\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"RTSP/1.0 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"A" * (rtsp.MAX_HEAD_BYTES + 8),
        b"RTSP/1.0 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
    ],
)
def test_what_can_never_be_a_message_is_refused(data: bytes) -> None:
    with pytest.raises(rtsp.RtspError):
        rtsp.parse(data)


@given(st.binary(max_size=600))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    try:
        rtsp.parse(b"RTSP/1.0 " + data)
        rtsp.parse(data)
    except rtsp.RtspError:
        pass


@given(st.text(max_size=300))
def test_any_header_text_is_survived(text: str) -> None:
    rtsp.challenges([text, "Digest " + text, "Basic " + text])
    rtsp.session(text)
    rtsp.transport(text)
    try:
        rtsp.address("rtsp://" + text)
    except rtsp.AddressError:
        pass


def test_a_line_break_cannot_smuggle_a_header() -> None:
    with pytest.raises(rtsp.RtspError):
        rtsp.write_request("DESCRIBE", "rtsp://x/", 1, {"Session": "1\r\nEvil: yes"})


def test_digest_md5_as_rfc_2617_shows_it() -> None:
    (challenge,) = rtsp.challenges(
        ['Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
         'opaque="5ccc069c403ebaf9f0171e9517f40e41"']
    )  # fmt: skip
    header = rtsp.authorization(challenge, "GET", "/dir/index.html", "Mufasa", "Circle Of Life", "0a4f113b")
    assert 'response="6629fae49393a05397450978507c4ef1"' in header
    assert "nc=00000001" in header
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in header
    assert "nc=00000002" in rtsp.authorization(challenge, "GET", "/", "Mufasa", "Circle Of Life")


def test_digest_sha_256_as_rfc_7616_shows_it() -> None:
    (challenge,) = rtsp.challenges(
        ['Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, '
         'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"']
    )  # fmt: skip
    header = rtsp.authorization(
        challenge, "GET", "/dir/index.html", "Mufasa", "Circle of Life", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    )
    assert 'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"' in header
    assert "algorithm=SHA-256" in header


def test_digest_without_qop_as_rfc_2069_defines_it() -> None:
    (challenge,) = rtsp.challenges(['Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'])
    header = rtsp.authorization(challenge, "GET", "/dir/index.html", "Mufasa", "CircleOfLife")
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in header  # the corrected vector of RFC 2069's errata
    assert "cnonce" not in header
    assert "algorithm" not in header


def test_the_strongest_challenge_comes_first_and_unknown_ones_are_left_out() -> None:
    found = rtsp.challenges(
        ['Basic realm="a"', 'Digest realm="b", nonce="1", algorithm=MD5',
         'Digest realm="c", nonce="2", algorithm=SHA-256',
         'Digest realm="d", nonce="3", algorithm=SHA-512-256',
         'Digest realm="e", nonce="4", qop="auth-int"']
    )  # fmt: skip
    assert [(c.scheme, c.realm) for c in found] == [("digest", "c"), ("digest", "b"), ("basic", "a")]


def test_two_challenges_in_one_header_and_a_stale_nonce() -> None:
    found = rtsp.challenges(['Digest realm="b, c", nonce="1", stale=TRUE, Basic realm="a"'])
    assert [(c.scheme, c.realm, c.stale) for c in found] == [("digest", "b, c", True), ("basic", "a", False)]


def test_basic() -> None:
    assert rtsp.authorization(rtsp.Challenge("basic"), "X", "u", "Aladdin", "open sesame") == (
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    )


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("47112344;timeout=30", ("47112344", 30.0)),
        ("47112344", ("47112344", 60.0)),
        ("1; timeout = 5", ("1", 60.0)),
        ("1;timeout=0", ("1", 60.0)),
        ("1;timeout=1", ("1", 2.0)),
        ("1;timeout=nan", ("1", 60.0)),
        ("1;timeout=99999999", ("1", 3600.0)),
    ],
)
def test_session_headers(value: str, wanted: tuple[str, float]) -> None:
    assert rtsp.session(value) == wanted


def test_transport_headers() -> None:
    found = rtsp.transport("RTP/AVP/TCP;unicast;interleaved=4-5;ssrc=1A2b3C4d;mode=play")
    assert (found.interleaved, found.ssrc) == ((4, 5), 0x1A2B3C4D)
    assert rtsp.transport("RTP/AVP;unicast;client_port=1-2;server_port=6970").server_ports == (6970, 6971)
    assert rtsp.transport("RTP/AVP;interleaved=900-901;server_port=x").interleaved is None


def test_addresses_lose_their_credentials() -> None:
    place = rtsp.address("rtsp://user:p%40ss@camera.example:8554/a/b?x=1&y=2")
    assert (place.url, place.host, place.port) == ("rtsp://camera.example:8554/a/b?x=1&y=2", "camera.example", 8554)
    assert (place.username, place.password) == ("user", "p@ss")
    assert "p@ss" not in repr(place)
    assert rtsp.address("rtsps://[::1]/x").port == 322
    assert rtsp.address("rtsp://10.0.0.1").url == "rtsp://10.0.0.1"


@pytest.mark.parametrize("url", ["http://x/", "rtsp:///x", "rtsp://x:99999/", "rtsp://x/a b", "rtsp://x/\r\nA: b", ""])
def test_bad_addresses_are_named(url: str) -> None:
    with pytest.raises(rtsp.AddressError):
        rtsp.address(url)
