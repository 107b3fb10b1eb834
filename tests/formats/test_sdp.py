"""Session descriptions as cameras of several makes send them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manara.formats import h264, sdp

HIKVISION_LIKE = b"""v=0\r
o=- 1109162014219182 0 IN IP4 0.0.0.0\r
s=HIK Media Server\r
c=IN IP4 0.0.0.0\r
t=0 0\r
a=control:*\r
b=AS:5000\r
a=range:npt=0-\r
m=video 0 RTP/AVP 96\r
a=rtpmap:96 H264/90000\r
a=fmtp:96 profile-level-id=4D0014;packetization-mode=0;sprop-parameter-sets=Z0IAH5WoFAFuQA==,aM48gA==\r
a=control:trackID=video\r
m=audio 0 RTP/AVP 0\r
a=rtpmap:0 PCMU/8000\r
a=control:trackID=audio\r
m=application 0 RTP/AVP 107\r
a=rtpmap:107 vnd.onvif.metadata/90000\r
a=control:trackID=3\r
"""


def test_a_usual_description() -> None:
    found = sdp.parse(HIKVISION_LIKE)
    assert found.control == "*"
    video, audio, other = found.media
    assert (video.kind, video.encoding, video.payload_type, video.clock_rate_hz) == ("video", "H264", 96, 90_000)
    assert [nal[0] & 31 for nal in h264.sprop_parameter_sets(video.parameters["sprop-parameter-sets"])] == [7, 8]
    assert (audio.encoding, audio.clock_rate_hz) == ("PCMU", 8000)
    assert other.kind == "application"


def test_bare_line_feeds_no_rtpmap_and_a_wrong_number_in_fmtp() -> None:
    found = sdp.parse(
        b"v=0\nm=video 0 RTP/AVP 97\na=rtpmap:97 h265/90000\na=fmtp:96 sprop-sps=AAAA\nm=audio 0 RTP/AVP 8\n"
    )
    assert found.media[0].encoding == "H265"
    assert found.media[0].parameters == {"sprop-sps": "AAAA"}
    assert (found.media[1].encoding, found.media[1].clock_rate_hz) == ("PCMA", 8000)


def test_a_clock_rate_that_is_no_number_is_none_at_all() -> None:
    assert sdp.parse(b"m=video 0 RTP/AVP 96\na=rtpmap:96 H264/abc\n").media[0].clock_rate_hz == 0
    assert sdp.parse(b"m=video 0 RTP/AVP 96\na=rtpmap:96 H264\n").media[0].encoding == "H264"


@pytest.mark.parametrize(
    ("base", "session", "control", "wanted"),
    [
        ("rtsp://h/s/", "*", "trackID=1", "rtsp://h/s/trackID=1"),
        ("rtsp://h/s", "*", "trackID=1", "rtsp://h/s/trackID=1"),
        ("rtsp://h/s?a=1", "", "trackID=1", "rtsp://h/s?a=1/trackID=1"),
        ("rtsp://h/s/", "*", "rtsp://h/s/trackID=1", "rtsp://h/s/trackID=1"),
        ("rtsp://h/s/", "rtsp://h/other/", "trackID=1", "rtsp://h/other/trackID=1"),
        ("rtsp://h/s/", "*", "/x/trackID=1", "rtsp://h/x/trackID=1"),
        ("rtsp://h/s", "*", "?ctype=video", "rtsp://h/s?ctype=video"),
        ("rtsp://h/s", "*", "", "rtsp://h/s"),
        ("rtsp://h/s", "", "*", "rtsp://h/s"),
        ("rtsp://h:554/s/", "*", "*", "rtsp://h:554/s/"),
    ],
)
def test_control_addresses(base: str, session: str, control: str, wanted: str) -> None:
    assert sdp.control_url(base, session, control) == wanted


def test_no_media_and_too_much_text_are_refused() -> None:
    for text in (b"", b"v=0\r\n", b"\x00" * 100, b"m=video 0 RTP/AVP 96\n" + b"a" * sdp.MAX_BYTES):
        with pytest.raises(sdp.SdpError):
            sdp.parse(text)


@given(st.binary(max_size=500))
def test_any_text_is_a_description_or_refused(data: bytes) -> None:
    try:
        sdp.parse(data)
        sdp.parse(b"m=video 0 RTP/AVP 96\na=" + data)
    except sdp.SdpError:
        pass


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_any_control_is_survived(base: str, session: str, control: str) -> None:
    try:
        sdp.control_url("rtsp://h/" + base, session, control)
    except ValueError:
        pytest.fail("control_url raised")
