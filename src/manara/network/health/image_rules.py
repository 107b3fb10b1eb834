"""Conditions from the pictures: what vision found, held until it says otherwise. Pure; the time comes in.

Vision decides with references, light and persistence (`vision/`); here its verdicts begin and end conditions, with a
dead-band of confidence, and are held while a verdict is not to be trusted (a PTZ that moves). A camera without video
has no picture to judge: its conditions rest as they are. Called by `monitor.py`; tells `conditions.Latches`.
"""

from dataclasses import dataclass, field

from manara.messages import ImageReport, ImageVerdict
from manara.network.health.conditions import Latches, S
from manara.network.health.kinds import IMAGE_CONDITIONS, subject

CONFIDENT, DOUBTFUL = 0.6, 0.4  # begins at the first, ends below the second
OFF_S = 10.0  # a lens that was wiped is looked at twice before it is said to be well
OLD_S = 300.0  # vision has not spoken of a camera for this long: what it last said is not known to be so still
_KINDS = frozenset(IMAGE_CONDITIONS)


@dataclass(slots=True)
class ImageRules:
    """The rules of all cameras' pictures."""

    latches: Latches
    unknown_kinds: int = 0
    _heard_us: dict[str, int] = field(default_factory=dict)

    def feed(self, report: ImageReport, at_us: int) -> None:
        """One report of one vision process."""
        for verdict in report.verdicts:
            self._verdict(verdict, at_us)

    def heard_us(self, camera_id: str) -> int:
        """When vision last spoke of this camera, 0 when never."""
        return self._heard_us.get(camera_id, 0)

    def expect(self, camera_id: str, at_us: int) -> None:
        """A camera had conditions when we stopped: still so, unless vision says nothing of it for long."""
        self._heard_us.setdefault(camera_id, at_us)

    def tick(self, at_us: int) -> None:
        """What was last said too long ago is not known to be so still."""
        for camera_id in [id for id, heard_us in self._heard_us.items() if at_us - heard_us > OLD_S * S]:
            self.forget(camera_id, at_us)

    def forget(self, camera_id: str, at_us: int) -> None:
        """The camera is gone."""
        self._heard_us.pop(camera_id, None)
        for kind in IMAGE_CONDITIONS:
            self.latches.end(kind, subject("camera", camera_id), at_us)

    def _verdict(self, verdict: ImageVerdict, at_us: int) -> None:
        self._heard_us[verdict.camera_id] = at_us
        if not verdict.trusted:
            return
        camera = subject("camera", verdict.camera_id)
        findings = {}
        for finding in verdict.findings:
            if finding.kind in _KINDS:
                findings[finding.kind] = finding
            else:
                self.unknown_kinds += 1
        for kind in IMAGE_CONDITIONS:
            found = findings.get(kind)
            if found is None:
                if self.latches.is_active(kind, camera):
                    self.latches.feed(kind, camera, False, at_us, off_s=OFF_S)
                continue
            so = True if found.confidence >= CONFIDENT else False if found.confidence < DOUBTFUL else None
            detail = {name: round(value, 3) for name, value in found.detail.items()}
            pictures = {"picture": verdict.picture, "reference": verdict.reference}
            self.latches.feed(
                kind, camera, so, at_us, off_s=OFF_S, since_us=found.since_us, confidence=round(found.confidence, 2),
                detail={**detail, **{name: value for name, value in pictures.items() if value}},
            )  # fmt: skip
