"""The ledger: every frame sent against every frame on disk, by number and by checksum.

What was sent comes from the server (`Sent`, or `/control/sent`); what is on disk is read from the MP4 files with
FFmpeg's demuxer, not with our own reader, so that a fault common to writer and reader cannot hide. A frame proves
itself: its SEI carries camera, number and the checksum of its slices. Called by tests and `benchmarks/recorder.py`.
Bounds: one file is in memory at a time.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av

from manara.simulate.identity import FrameIdentity, is_slice, read_identity, slices_crc, split_sample
from manara.simulate.sessions import Sent

log = logging.getLogger(__name__)
Key = tuple[str, str]  # camera, stream letter


@dataclass(slots=True)
class Found:
    """What lies on disk."""

    numbers: dict[Key, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    damaged: list[str] = field(default_factory=list)  # frames whose slices do not fit their checksum
    nameless: int = 0  # frames without an identity
    unreadable: list[str] = field(default_factory=list)
    frames: int = 0
    files: int = 0


@dataclass(slots=True)
class Verdict:
    """The comparison. `lost` and `doubled` name camera, stream and number."""

    sent: int = 0
    found: int = 0
    lost: list[tuple[str, str, int]] = field(default_factory=list)
    doubled: list[tuple[str, str, int]] = field(default_factory=list)
    strangers: list[tuple[str, str, int]] = field(default_factory=list)  # on disk, never sent
    tail: int = 0  # sent last, when the recorder had already left
    damaged: list[str] = field(default_factory=list)
    nameless: int = 0
    unreadable: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """True where every frame sent is on disk once and intact."""
        return not (self.lost or self.doubled or self.strangers or self.damaged or self.nameless or self.unreadable)

    def __str__(self) -> str:
        return (
            f"{self.sent} sent, {self.found} found, {len(self.lost)} lost, {len(self.doubled)} doubled, "
            f"{len(self.strangers)} never sent, {len(self.damaged)} damaged, {self.nameless} nameless, "
            f"{len(self.unreadable)} files unreadable, {self.tail} sent after the end"
        )


def read_folder(folder: Path, *, pattern: str = "*.mp4") -> Found:
    """Read every file of a folder and below."""
    found = Found()
    for path in sorted(folder.rglob(pattern)):
        found.files += 1
        try:
            read_file(path, found)
        except (av.FFmpegError, ValueError) as error:
            found.unreadable.append(f"{path.name}: {error}")
    return found


def read_file(path: Path, found: Found) -> None:
    """Add the frames of one MP4 file. Raises `av.FFmpegError`, `ValueError` where it cannot be read."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        codec = "h265" if stream.codec_context.name == "hevc" else "h264"
        for packet in container.demux(stream):
            if packet.size:
                _take(bytes(packet), codec, path.name, found)


def _take(sample: bytes, codec: str, name: str, found: Found) -> None:
    nals = split_sample(sample)
    identity: FrameIdentity | None = None
    slices = []
    for nal in nals:
        if is_slice(codec, nal):
            slices.append(nal)
        elif identity is None:
            identity = read_identity(nal)
    found.frames += 1
    if identity is None:
        found.nameless += 1
        return
    found.numbers[identity.camera, identity.stream][identity.number] += 1
    if slices_crc(slices) != identity.crc:
        found.damaged.append(f"{identity.camera} {identity.stream} {identity.number} in {name}")


def sent_from(entries: Iterable[Mapping[str, Any]]) -> list[Sent]:
    """Records of `/control/sent`."""
    return [Sent(**entry) for entry in entries]


def compare(sent: Sequence[Sent], found: Found, *, tail_frames: int = 0) -> Verdict:
    """Hold what was sent against what was found.

    Of each session the last `tail_frames` may be missing, in one run at its end: they were on their way when the
    recorder left. A frame that two sessions sent (the recorder connected twice) may be on disk twice.
    """
    verdict = Verdict(found=found.frames, damaged=found.damaged, nameless=found.nameless, unreadable=found.unreadable)
    due: dict[Key, Counter[int]] = defaultdict(Counter)
    for entry in sent:
        if entry.first_number < 0:
            continue
        key = (entry.camera, entry.stream[0])
        skipped = set(entry.skipped)
        numbers = [n for n in range(entry.first_number, entry.last_number + 1) if n not in skipped]
        here = found.numbers.get(key, Counter())
        cut = len(numbers)
        while cut > max(0, len(numbers) - tail_frames) and numbers[cut - 1] not in here:
            cut -= 1
        verdict.tail += len(numbers) - cut
        verdict.sent += cut
        due[key].update(numbers[:cut])
    for key, numbers_due in due.items():
        here = found.numbers.get(key, Counter())
        verdict.lost += [(*key, n) for n, times in numbers_due.items() if n not in here]
        verdict.doubled += [(*key, n) for n, times in here.items() if times > max(1, numbers_due.get(n, 1))]
        verdict.strangers += [(*key, n) for n in here if n not in numbers_due]
    verdict.strangers += [(*key, n) for key, here in found.numbers.items() if key not in due for n in here]
    return verdict
