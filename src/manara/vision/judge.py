"""One camera: from look to look to a verdict. Pure; no clock, no I/O.

    Look → evidence against recent picture and references → lasts? → findings; calm? → learned from

A thing is a finding only when it lasted over several looks (`LASTING`); a suspicious look asks for the next one soon
(`hurry`), so that this takes seconds. The recent picture follows the light only while nothing is suspicious. A PTZ
camera is not trusted from the order to move until two looks in turn show the same view; each preset has references of
its own. `role.py` calls `take` for each look and tells what came of it.
"""

import itertools
from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np

from manara.messages import ImageFinding, ImageVerdict
from manara.vision.detectors import Evidence, Spans, judge, ramp
from manara.vision.picture import Floats, Look
from manara.vision.references import ANOTHER_LIGHT, RECENT_LOOKS, SAME_VIEW, Mask, References, View
from manara.vision.repeats import Repeats

LEARNING_LOOKS = 6
REFERENCE_LOOKS = 12  # healthy looks in a row before anything is learned into a reference
REFERENCE_EVERY_US = 60_000_000
SETTLE_US = 4_000_000
SETTLE_MOST_US = 40_000_000
FREE = "?"  # a PTZ camera that a person steered: it stands anywhere
OWN = "own-"  # a view of a PTZ camera to which we did not send it
_ODD_US = 90_000_000  # another light, the same view: followed after this long
_ODD_MOST_US = 600_000_000  # nothing that has a name, but not what it was: accepted after this long
_NEW_US = 5_000_000  # what passes by itself is taken to last so long while the camera is new
_HEALS_US = 40_000_000  # what passes within this long was none
_GLARE_US = 20_000_000  # lights shine into the lens for seconds
_SWING_US = 90_000_000  # an exposure that swings hides the brightest for a minute; paint stays
_RESTLESS = 2  # a finding needs so many times as long as what passed by itself lately
_RESTLESS_FORGET = 0.0005  # a look: half is forgotten in three hours
_TAKEN_US = 20_000_000  # a suspicion of another kind goes before "frozen" for so long
_SHIFTS = 6
_SHIFTS_US = 60_000_000
_HOUR_DAYS = 3  # before an hour was seen on so many days, the clock says whether it is day
_DAY_US = 86_400_000_000

# For each kind: how many looks one after the other, and over which time at least.
LASTING: dict[str, tuple[int, int]] = {
    "image_black": (3, 5_000_000),
    "image_white": (3, 6_000_000),
    "image_covered": (3, 6_000_000),
    "image_blurred": (4, 11_000_000),
    "image_moved": (3, 6_000_000),
    "image_dirty": (4, 14_000_000),
    "image_colour_lost": (4, 9_000_000),
}
_STOOD_LOOKS = 20  # of a camera that goes about, at one preset
_TOUR_US = 900_000_000  # a PTZ camera may have a tour of its own: an unknown view is none of it when it stays so long
_HURRY_US = 120_000_000  # what is not sure by then can wait for looks in their turn
_STANDS_US = 180_000_000  # sent to a preset that shows something else: no lorry stands before it for so long
_COLOURLESS, _COLOURLESS_US = 0.5, 600_000_000  # no colour at all, for so long, in hours that always had some
_FINE = ("image_dirty", "image_blurred")  # found by what is missing
_SLOW_DIRT = (12, 300_000_000)  # dirt that hides little, or stands before a view where a queue may stand as well
_GAINED_SHARE = (0.15, 0.35)  # of a bare view's blocks: none of it is dirt, all of it is
_SAME_ADDED = 0.4  # how well two looks at what was added lie on each other where it stays
_COLOUR = "image_colour_lost"
_ABSOLUTE = ("image_black", "image_white")  # seen in the picture alone


@dataclass(slots=True)
class _Streak:
    """Looks in a row that spoke for something."""

    since_us: int = 0
    last_us: int = 0
    looks: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    stuck: Floats | None = None  # how steadily each block was hidden
    calm: int = 0
    glares: int = 0  # looks in which more was burnt out than usual

    def add(self, kinds: dict[str, float], at_us: int, hidden: Mask | None) -> None:
        if not self.looks:
            self.since_us = at_us
        self.last_us = at_us
        self.looks += 1
        if hidden is not None:
            now = hidden.astype(np.float32)
            self.stuck = now if self.stuck is None else self.stuck + (now - self.stuck) * np.float32(0.25)
        for kind, value in kinds.items():
            self.sums[kind] = self.sums.get(kind, 0.0) + value

    def stuck_share(self) -> float:
        """The share of blocks that are hidden look after look."""
        return 0.0 if self.stuck is None else float((self.stuck > 0.7).mean())

    def strongest(self) -> tuple[str, float]:
        kind = max(self.sums, key=lambda name: self.sums[name])
        return kind, sum(self.sums.values()) / self.looks


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a look."""

    verdict: ImageVerdict
    changed: bool  # the verdict says something else than before
    hurry: bool  # the next look should be soon
    begun: bool  # a finding began: keep this picture
    base: View | None
    learned: View | None  # a new reference view: keep this picture as its picture


@dataclass(slots=True)
class CameraJudge:
    """The memory of one camera. `utc_offset_s` is the deployment's, for the hours of the day."""

    camera_id: str
    references: References = field(default_factory=References)
    repeats: Repeats = field(default_factory=Repeats)
    recent: View | None = None
    preset: str = ""
    findings: dict[str, ImageFinding] = field(default_factory=dict)
    hours_seen: list[int] = field(default_factory=lambda: [0] * 24)
    hours_days: list[int] = field(default_factory=lambda: [0] * 24)
    hours_last: list[int] = field(default_factory=lambda: [0] * 24)
    hours_colour: list[float] = field(default_factory=lambda: [0.0] * 24)
    sway_px: float = 0.3
    spans: Spans = field(default_factory=Spans)
    restless_us: float = 0.0  # how long what passed by itself lasted, lately
    picture: str = ""
    reference: str = ""
    loops: bool = True
    ptz: bool = False
    _streak: _Streak = field(default_factory=_Streak)
    _colour: _Streak = field(default_factory=_Streak)
    _colourless_us: int = 0
    _calm: int = 0
    _odd_us: int = 0
    _learned_us: int = 0
    _moving_us: int = 0
    _arrived: bool = True  # it has shown the view of the preset that it was sent to
    _settling: Look | None = None
    _shifts: deque[tuple[int, float, float]] = field(default_factory=lambda: deque(maxlen=_SHIFTS))
    _shaking: int = 0
    _told: tuple[object, ...] = ()
    _take_reference_by: str = ""
    _added: View | None = None  # what lies before a bare view, as long as it stays where it is

    # -- asked from outside ------------------------------------------------------------------------------------------

    def moved(self, at_us: int, preset: str) -> None:
        """The camera was told to move; `preset` is where to, "" when a person steers it."""
        self.preset = preset or FREE
        self._moving_us = at_us
        self._arrived = False
        self._settling = None
        self.recent = None
        self._calm = 0
        self.findings = {kind: kept for kind, kept in self.findings.items() if kind in _ABSOLUTE}
        self._streak, self._colour = _Streak(), _Streak()
        self._shifts.clear()
        self.repeats.forget()

    def take_reference(self, by: str) -> None:
        """Make the next look the reference of the present preset."""
        self._take_reference_by = by or "?"

    def unusable(self, at_us: int, why: str) -> Judged:
        """There was no picture to look at."""
        return self._said(at_us, False, why, None, None, begun=False)

    @property
    def goes_about(self) -> bool:
        """Whether the camera shows more than one view."""
        return self.ptz or bool(self.preset) or not self.references.still

    # -- a look ------------------------------------------------------------------------------------------------------

    def take(self, look: Look, hour: int) -> Judged:
        """The next look; `hour` is the local hour of the day, 0 to 23."""
        at_us = look.at_us
        if self._take_reference_by:
            return self._set_reference(look)
        if self._moving_us and not self._settled(look):
            return self._said(at_us, False, "ptz_moving", None, None, begun=False, hurry=True)
        self.repeats.take(look.grain, at_us, well=not self.findings and not self._streak.looks)
        base = self._base(look)
        evidence = judge(look, base, day=self._day(hour), spans=self.spans)
        if evidence.kinds.get("image_moved") or (evidence.kinds and self.goes_about):
            other = self.references.elsewhere(look, self.preset)
            if other is not None:  # a tour of the camera's own
                self._stands_at(other)
                base = self._base(look)
                evidence = judge(look, base, day=self._day(hour), spans=self.spans)
        if evidence.kinds.get("image_covered") and (known_view := self._known_view(look, self._day(hour))) is not None:
            base, evidence = known_view  # what stood before the camera has left: this was seen when it was well
        first = _STOOD_LOOKS if self.goes_about and not self.references.of(self.preset) else LEARNING_LOOKS
        if base is self.recent and base is not None and base.looks < first:
            for kind in [kind for kind in evidence.kinds if kind not in _ABSOLUTE]:
                del evidence.kinds[kind]  # too little is known of the view to say that this is not it
        elif base is not None:
            if not self._lasting(base, look) or (self.goes_about and _beside(evidence)):
                for kind in _FINE:
                    evidence.kinds.pop(kind, None)
            if base is not self.recent and self.goes_about:  # it comes by at dawn and had colour at noon
                evidence.kinds.pop(_COLOUR, None)
        new = self._added is None
        if base is not None and base.looks >= first and self.spans.known and not self.goes_about:
            evidence = self._weigh_added(evidence, look)
        else:
            self._added = None
        before = set(self.findings)
        self._shake(evidence, base, at_us)
        self._weigh(evidence, look)
        self._weigh_colour(evidence, look, hour)
        self._weigh_repeats(at_us)
        learned = self._learn(look, evidence, hour)
        begun = bool(set(self.findings) - before)
        known = self.recent is not None and (
            self.recent.looks >= LEARNING_LOOKS or bool(self.references.of(self.preset))
        )
        trusted = bool(self.findings) or known
        hurry = bool(
            (self._streak.looks and not before and at_us - self._streak.since_us < _HURRY_US)
            or self._colour.looks
            or self.repeats.suspicious
            or self._streak.calm
            or self._shaking
            or (new and self._added is not None and evidence.changed)
        )
        return self._said(at_us, trusted, "" if trusted else "learning", base, learned, begun=begun, hurry=hurry)

    # -- within ------------------------------------------------------------------------------------------------------

    def _base(self, look: Look) -> View | None:
        """The healthy view to hold the look against."""
        recent = self.recent
        share = -1.0
        if recent is not None:
            share = recent.score_of(look) / max(0.15, recent.score or 0.5)
            if share >= 0.7:
                return recent
        if self.preset == FREE:
            return recent
        view, other = self.references.best(look, self.preset)
        if recent is None or (view is not None and other >= SAME_VIEW and other > share + 0.25):
            return view
        return recent

    def _lasting(self, base: View, look: Look) -> bool:
        """Whether what is missing from a look says something.

        By day a view shows what no night does, and a camera that goes about has each view in few lights and for a short
        time: paint on its lens shows once it has stood a while.
        """
        if base is not self.recent:
            return self.references.still and base.lit_like(look)
        return self.references.still or base.looks >= _STOOD_LOOKS

    def _known_view(self, look: Look, day: float) -> tuple[View, Evidence] | None:
        """A reference on which this look is well: its structure lies there, whatever the recent picture had besides."""
        for view in self.references.of(self.preset):
            evidence = judge(look, view, day=day)
            match = evidence.match
            if match is None or evidence.kinds or evidence.changed:
                continue
            if match.sigmas >= 8 and match.score >= SAME_VIEW * evidence.usual and evidence.layout >= 0.6:
                return view, evidence
        return None

    def _weigh(self, evidence: Evidence, look: Look) -> None:
        """Whatever takes the view away: one finding at a time, the strongest."""
        kinds = {kind: value for kind, value in evidence.kinds.items() if kind != _COLOUR and value >= 0.3}
        if self.preset == FREE:
            kinds.pop("image_moved", None)
        if "image_moved" in kinds and self._streak.looks and self._step_px() > 4 and self._shaking:
            kinds.pop("image_moved")
        streak = self._streak
        mine = [kind for kind in self.findings if kind in LASTING and kind != _COLOUR]
        if not kinds:
            streak.calm += bool(streak.looks or mine)
            if streak.looks and streak.calm == 1 and (lasted_us := streak.last_us - streak.since_us) <= _HEALS_US:
                self.restless_us = max(self.restless_us, lasted_us)
            if streak.calm >= 2 or (streak.looks and not mine):
                for kind in mine:
                    del self.findings[kind]
                self._streak = _Streak()
            return
        streak.calm = 0
        streak.add(kinds, look.at_us, evidence.hidden)
        streak.glares += evidence.glare
        kind, mean = streak.strongest()
        looks, span_us = LASTING[kind]
        if kind == "image_moved" and self.goes_about:
            span_us = _TOUR_US if self._arrived else _STANDS_US
            if self._arrived and look.at_us - streak.since_us >= span_us and self._new(look):
                self._own_preset()
                return
        if kind == "image_dirty":
            stuck = streak.stuck_share()
            if self._added is None and stuck < 0.08:  # what hides the view moves about: rain, people, a queue
                return
            if self._added is not None or stuck < 0.3:
                looks, span_us = _SLOW_DIRT
        if kind not in _ABSOLUTE:
            restless_us = max(self.restless_us, 0 if self.spans.known else _NEW_US)
            swings = kind != "image_moved" and 2 * streak.glares > streak.looks
            bright_us = _SWING_US if swings else _GLARE_US if streak.glares else 0
            span_us = max(span_us, round(_RESTLESS * restless_us), bright_us)
        if streak.looks >= looks and look.at_us - streak.since_us >= span_us and mean >= 0.5:
            for old in mine:
                if old != kind:
                    del self.findings[old]
            self._find(kind, mean, streak.since_us, evidence)

    def _weigh_added(self, evidence: Evidence, look: Look) -> Evidence:
        """What the bare view of a camera that stands still shows besides what it had: dirt cannot hide, but adds.

        Paint, or another view, stays where it is; the vehicles of a queue move on, and are learned from.
        """
        value = ramp(evidence.gained_share, *_GAINED_SHARE)
        if value <= 0 or evidence.kinds.keys() - {"image_moved"}:
            self._added = None
            return evidence
        added, self._added = self._added, View.of(look)
        if added is None or added.score_of(look) < _SAME_ADDED:
            moved = "image_moved" in evidence.kinds
            evidence.kinds.clear()
            return replace(evidence, changed=moved and added is None)
        added.learn(look, look.at_us, RECENT_LOOKS)
        self._added = added
        if not evidence.kinds:
            evidence.kinds["image_dirty"] = value
        return evidence

    def _new(self, look: Look) -> bool:
        """Whether the camera is known for less than a day: its own tour is not known yet."""
        return look.at_us - min((view.first_us for view in self.references.views), default=look.at_us) < _DAY_US

    def _own_preset(self) -> None:
        """It stands where nobody sent it: a station of its own tour, learned like a preset."""
        names = {view.preset for view in self.references.views}
        self._stands_at(next(name for number in itertools.count(1) if (name := f"{OWN}{number}") not in names))

    def _stands_at(self, preset: str) -> None:
        self.preset, self.recent, self._calm, self._streak = preset, None, 0, _Streak()
        self._shifts.clear()

    def _weigh_colour(self, evidence: Evidence, look: Look, hour: int) -> None:
        value = max(evidence.kinds.get(_COLOUR, 0.0), self._colourless(look, hour))
        if value < 0.3:
            self._colour.calm += 1
            if self._colour.calm >= 2 or _COLOUR not in self.findings:
                self._colour = _Streak()
                self.findings.pop(_COLOUR, None)
            return
        self._colour.calm = 0
        self._colour.add({_COLOUR: value}, look.at_us, None)
        looks, span_us = LASTING[_COLOUR]
        if self._colour.looks >= looks and look.at_us - self._colour.since_us >= span_us:
            self._find(_COLOUR, value, self._colour.since_us, evidence)

    def _colourless(self, look: Look, hour: int) -> float:
        """A filter that stuck at dawn: the recent picture is grey too, and only the hours say that it should not be."""
        if look.colour >= _COLOURLESS or not all(self._always_colour((hour + near) % 24) for near in (-1, 0, 1)):
            self._colourless_us = 0
            return 0.0
        self._colourless_us = self._colourless_us or look.at_us
        return 0.9 if look.at_us - self._colourless_us >= _COLOURLESS_US else 0.0

    def _weigh_repeats(self, at_us: int) -> None:
        repeats = self.repeats
        hidden = any(kind in ("image_black", "image_white", "image_covered") for kind in self.findings)
        # Paint on the lens or a turned camera leaves a picture that may well stand still: what took the view away is
        # the finding, and has the time it needs to be known. A picture that froze shows the usual view.
        taken = any(kind in LASTING and kind != _COLOUR for kind in self.findings) or (
            self._streak.looks > 0 and at_us - self._streak.since_us < _TAKEN_US
        )
        if repeats.frozen and not hidden and not taken:
            self.findings.setdefault(
                "image_frozen", ImageFinding(kind="image_frozen", confidence=0.95, since_us=repeats.still_since_us)
            )
        elif not repeats.frozen:
            self.findings.pop("image_frozen", None)
        if repeats.looping and self.loops and not hidden:
            self.findings.setdefault("image_loop", ImageFinding(kind="image_loop", confidence=0.9, since_us=at_us))
        elif not repeats.looping:
            self.findings.pop("image_loop", None)

    def _shake(self, evidence: Evidence, base: View | None, at_us: int) -> None:
        """Strong vibration: the same view, at another place at each look. Of a bare view what moves may be its cars."""
        match = evidence.match
        kind = "image_vibrating"
        usual = evidence.usual
        least = max(0.15, (0.75 if self.goes_about else 0.6) * usual)  # less may be another of its views
        if match is None or match.best_sigmas < 8 or match.best < least or base is None or base.bare:
            return
        self._shifts.append((at_us, match.right_px, match.down_px))
        limit = max(2.5, 3 * self.sway_px)
        spread = self._spread_px()
        turns = max(_turns([shift[1] for shift in self._shifts], limit), _turns([s[2] for s in self._shifts], limit))
        self._shaking = turns if spread > limit else 0
        if kind in self.findings:
            if spread < 0.7 * limit:
                del self.findings[kind]
        elif spread > limit and turns >= 2 and at_us - self._shifts[0][0] <= _SHIFTS_US:
            confidence = 0.5 + 0.45 * ramp(spread, limit, 2 * limit)
            self._find(kind, confidence, self._shifts[0][0], evidence, spread_px=spread)

    def _step_px(self) -> float:
        if len(self._shifts) < 2:
            return 0.0
        (_, right, down), (_, right_now, down_now) = self._shifts[-2], self._shifts[-1]
        return float(np.hypot(right_now - right, down_now - down))

    def _spread_px(self) -> float:
        if len(self._shifts) < 3:
            return 0.0
        places = np.array([shift[1:] for shift in self._shifts])
        return float(np.hypot(*places.std(axis=0)))

    def _find(self, kind: str, confidence: float, since_us: int, evidence: Evidence, **more: float) -> None:
        confidence = round(min(0.99, confidence), 2)
        before = self.findings.get(kind)
        if before is not None and abs(before.confidence - confidence) < 0.2:
            return
        detail = {
            "flat_share": round(evidence.flat_share, 3),
            "sharpness": round(evidence.sharpness, 3),
            **{name: round(value, 2) for name, value in more.items()},
        }
        if evidence.match is not None:
            detail |= {
                "match": round(evidence.match.score, 3),
                "right_px": round(evidence.match.right_px, 1),
                "down_px": round(evidence.match.down_px, 1),
            }
        self.findings[kind] = ImageFinding(
            kind=kind, confidence=confidence, since_us=before.since_us if before else since_us, detail=detail
        )

    def _learn(self, look: Look, evidence: Evidence, hour: int) -> View | None:
        """Learn from a look that nothing speaks against."""
        at_us = look.at_us
        streaks = self._streak.looks or self._colour.looks or self._shaking
        if self.findings or streaks or any(value >= 0.3 for value in evidence.kinds.values()):
            self._calm, self._odd_us = 0, 0
            return None
        if self.recent is None:
            if evidence.changed and self.references.of(self.preset) and self.preset != FREE:
                # It is not what any reference shows, though nothing has a name: wait before learning from it.
                self._odd_us = self._odd_us or at_us
                if at_us - self._odd_us < _ODD_US:
                    return None
            self.recent, self._calm, self._odd_us = View.of(look, self.preset), 0, 0
            self._arrived = True
            known, _ = self.references.best(look, self.preset)
            if known is not None and self.preset != FREE:
                self.recent.as_sure_as(known)
            return None
        if not evidence.changed:
            self.spans.learn(look)
        blink = abs(look.mean - self.recent.mean) > ANOTHER_LIGHT
        if (evidence.changed or blink) and self.recent.looks >= LEARNING_LOOKS:
            self._odd_us = self._odd_us or at_us
            match = evidence.match
            there = match is not None and match.sigmas >= 6
            if at_us - self._odd_us > (_ODD_US if there else _ODD_MOST_US):
                before, self.recent = self.recent, View.of(look, self.preset)
                self.recent.as_sure_as(before)
                self._odd_us = 0
            self._calm = 0
            return None
        self._odd_us = 0
        self.restless_us *= 1 - _RESTLESS_FORGET
        if self.recent.looks >= 3:
            self.recent.learn_score(self.recent.score_of(look))
            if evidence.match is not None:
                self.recent.learn_match(evidence.match.sigmas, self.recent.kept_in(look))
        self.recent.learn(look, at_us, RECENT_LOOKS)
        if evidence.match is not None and evidence.match.best_sigmas >= 8:
            shift = min(4.0, float(np.hypot(evidence.match.right_px, evidence.match.down_px)))
            self.sway_px += (shift - self.sway_px) * 0.02
        if not self._colourless_us:
            self._learn_hour(look, hour)
        self._calm += 1
        if (
            self.preset != FREE
            and self._calm >= REFERENCE_LOOKS
            and at_us - self._learned_us >= REFERENCE_EVERY_US
            and not self.recent.bare  # a car that stood there is no reference
        ):
            self._learned_us = at_us
            return self.references.learn(self.recent, self.preset, at_us)
        return None

    def _learn_hour(self, look: Look, hour: int) -> None:
        self.hours_seen[hour] += 1
        if look.at_us // _DAY_US != self.hours_last[hour]:
            self.hours_last[hour] = look.at_us // _DAY_US
            self.hours_days[hour] += 1
        part = max(1 / self.hours_seen[hour], 1 / 2000)
        self.hours_colour[hour] += (float(look.colour > 2.0) - self.hours_colour[hour]) * part

    def _set_reference(self, look: Look) -> Judged:
        view = self.references.set_by(look, self.preset, self._take_reference_by)
        self._take_reference_by, self._moving_us = "", 0
        self.recent = View.of(look, self.preset)
        self.findings.clear()
        self._streak, self._colour = _Streak(), _Streak()
        self._shifts.clear()
        self._calm = 0
        self.picture = ""
        return self._said(look.at_us, True, "", view, view, begun=False)

    def _settled(self, look: Look) -> bool:
        """Whether the camera has stopped: this look shows what the last one did, or it took too long to wait."""
        since_us = look.at_us - self._moving_us
        before, self._settling = self._settling, look
        if since_us < SETTLE_US:
            return False
        same = before is not None and before.at_us >= self._moving_us and View.of(before).score_of(look) >= 0.35
        if same or since_us > SETTLE_MOST_US:
            self._moving_us, self._settling = 0, None
            return True
        return False

    def _day(self, hour: int) -> float:
        """How surely there is daylight, from when this camera sends colour; before that is known, from the clock."""
        if self.hours_days[hour] >= _HOUR_DAYS:
            return ramp(self.hours_colour[hour], 0.8, 0.97)
        return 1.0 if 8 <= hour < 16 else 0.0

    def _always_colour(self, hour: int) -> bool:
        return self.hours_days[hour] >= _HOUR_DAYS and self._day(hour) >= 1.0

    def _said(
        self,
        at_us: int,
        trusted: bool,
        why: str,
        base: View | None,
        learned: View | None,
        *,
        begun: bool,
        hurry: bool = False,
    ) -> Judged:
        findings = list(self.findings.values())
        verdict = ImageVerdict(
            camera_id=self.camera_id,
            at_us=at_us,
            findings=findings,
            trusted=trusted,
            why=why,
            picture=self.picture if findings else "",
            reference=self.reference if findings else "",
        )
        told = (trusted, why, tuple((found.kind, found.confidence) for found in findings))
        changed, self._told = told != self._told, told
        return Judged(verdict, changed, hurry, begun, base, learned)


def _beside(evidence: Evidence) -> bool:
    """Whether a look lies better beside its place than in it: more likely another view than dirt."""
    match = evidence.match
    return match is not None and match.best > 1.05 * match.score and abs(match.right_px) + abs(match.down_px) >= 3


def _turns(places: list[float], limit_px: float) -> int:
    """How often a movement of at least about the limit turned back: a view that was turned once never does."""
    steps = [b - a for a, b in itertools.pairwise(places) if abs(b - a) > 0.8 * limit_px]
    return sum(a * b < 0 for a, b in itertools.pairwise(steps))
