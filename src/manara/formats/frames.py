"""What passes between the reader of a stream and whoever takes its frames: pure data, no I/O.

The reader (`recorder/stream.py`) joins access units; the archive (`recorder/segments.py`) stores fragments; live
(`recorder/live.py`) shows frames. Payloads are samples as MP4 stores them: NAL units, each after a 4-byte length.
"""

from dataclasses import dataclass, field

TIMESCALE_HZ = 90_000

Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """What a decoder must know before the first frame. A change starts a new segment and a new init section."""

    codec: str  # "h264" or "h265"
    parameter_sets: tuple[bytes, ...]  # VPS (h265), SPS, PPS: whole NAL units without start code or length
    width_px: int
    height_px: int
    codec_string: str  # RFC 6381, such as avc1.640028

    def same_decoder(self, other: "VideoFormat | None") -> bool:
        """True where one init section serves both."""
        return other is not None and self.codec == other.codec and self.parameter_sets == other.parameter_sets


@dataclass(frozen=True, slots=True)
class SoundFormat:
    """Sound that is passed through when the site has it on."""

    codec: str  # "aac", "pcma" or "pcmu"
    sample_rate_hz: int
    channels: int
    config: bytes = b""  # AudioSpecificConfig for AAC


@dataclass(slots=True)
class Fragment:
    """A run of frames of one stream, in decode order: a GOP, at most about 2 s of it, or one frame for live.

    `payload` holds the samples in turn, in as many buffers as it came in; `sizes`, `durations` and
    `composition_offsets` have an entry a frame.
    """

    payload: tuple[Buffer, ...]
    sizes: list[int]
    durations: list[int]  # 90 kHz
    composition_offsets: list[int]  # 90 kHz, presentation minus decode time, may be negative
    key: bool  # the first frame is a key frame
    decode_time: int  # 90 kHz since the recording's start
    wall_us: int  # UTC of the first frame by arrival, slewed
    camera_us: int = 0  # the camera's own clock for the first frame, 0 if no sender report came
    key_indexes: list[int] = field(default_factory=list)  # frames that are key frames, by position
    sound: list[tuple[int, int, bytes]] = field(
        default_factory=list
    )  # (decode time at the sound's rate, duration, data)

    @property
    def payload_bytes(self) -> int:
        """How many bytes of samples there are."""
        return sum(map(len, self.payload))

    @property
    def duration(self) -> int:
        """Sum of the frames' durations, 90 kHz."""
        return sum(self.durations)
