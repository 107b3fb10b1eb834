"""What a camera's picture is when it is well: the recent picture, and reference views by preset and by light. Pure.

A `View` is a running mean of looks: what stays (edges of buildings, kerbs, poles) remains, what passes averages away.
`Recent` follows the light through dusk and rain within a minute or two, and stops the moment a look is suspicious.
`References` keeps a few views a preset, each learned over minutes of a healthy picture, so that a camera that was
turned or covered while nobody looked is still found, by day and by night. Nothing is learned from a sick picture.
Bounds: `MOST_VIEWS` views a preset, `MOST_PRESETS` presets a camera.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from manara.vision.picture import (
    BLOCKS_ACROSS,
    BLOCKS_DOWN,
    EDGE_ACROSS,
    EDGE_DOWN,
    Field,
    Floats,
    Look,
    over_blocks,
)

Mask = NDArray[np.bool_]

MOST_VIEWS = 6
MOST_PRESETS = 16
RECENT_LOOKS = 7.0
VIEW_LOOKS = 60.0
SAME_VIEW = 0.6  # of its own usual score: a look that matches so well belongs to the view
LEAST_TEXTURED = 60  # of 144 blocks: with fewer a view is too poor to say that it lost something
_DISTINCT_SIGMAS = 7.0  # a view that healthy looks lie on no more surely than this could lie anywhere
_TEXTURED = 0.012
_LASTING_SHARE = 0.55
ANOTHER_LIGHT = 35.0  # grey levels of the mean: brighter or darker by more is another light
_GREY = 1.5  # colour below which a picture is grey
_ALONE = 0.7  # a live look lies on a view less surely than the view itself


@dataclass(slots=True, eq=False)  # one view is another only if it is the same object
class View:
    """A running mean of healthy looks."""

    edges: Field
    block_edges: Floats
    block_mean: Floats
    block_std: Floats
    block_fine: Floats
    mean: float
    low: float
    high: float
    chroma_u: float
    chroma_v: float
    colour: float
    looks: int = 1
    first_us: int = 0
    last_us: int = 0
    score: float = 0.0  # usual match of a live look with it; 0 = not yet known
    scatter: float = 0.1
    sigmas: float = 0.0  # usual surety of the match, over all other places; 0 = not yet known
    white_share: float = 0.0
    kept: Floats = field(default_factory=lambda: np.ones((BLOCKS_DOWN, BLOCKS_ACROSS), np.float32))
    preset: str = ""
    by: str = ""  # who set it, "" = learned
    picture: str = ""
    _power: float = 0.0
    _block_power: Floats | None = None
    _spectrum: Field | None = None

    @classmethod
    def of(cls, look: Look, preset: str = "") -> "View":
        """A view of one look."""
        return cls(
            edges=look.edges.copy(),
            block_edges=look.block_edges.copy(),
            block_mean=look.block_mean.copy(),
            block_std=look.block_std.copy(),
            block_fine=look.block_fine.copy(),
            mean=look.mean,
            low=look.low,
            high=look.high,
            chroma_u=look.chroma_u,
            chroma_v=look.chroma_v,
            colour=look.colour,
            white_share=look.white_share,
            first_us=look.at_us,
            last_us=look.at_us,
            preset=preset,
        )

    def learn(self, look: "Look | View", at_us: int, most_looks: float) -> None:
        """Take a healthy look (or the recent view) into the mean."""
        part = max(1.0 / (self.looks + 1), 1.0 / most_looks)
        for name in ("edges", "block_edges", "block_mean", "block_std", "block_fine"):
            mine = getattr(self, name)
            mine += (getattr(look, name) - mine) * part
        for name in ("mean", "low", "high", "chroma_u", "chroma_v", "colour", "white_share"):
            setattr(self, name, getattr(self, name) + (getattr(look, name) - getattr(self, name)) * part)
        self.looks += 1
        self.last_us = at_us
        self._power, self._block_power, self._spectrum = 0.0, None, None

    def learn_score(self, score: float) -> None:
        """How well a live look matched it."""
        if self.score == 0.0:
            self.score = score
        part = 0.05
        self.scatter += (abs(score - self.score) - self.scatter) * part
        self.score += (score - self.score) * part

    def learn_match(self, sigmas: float, kept: Floats) -> None:
        """How surely a healthy look lay on it, and how much of each block's structure was there."""
        self.sigmas += (sigmas - self.sigmas) * (0.05 if self.sigmas else 1.0)
        self.kept += (np.clip(kept, 0.0, 1.0) - self.kept) * np.float32(0.05)

    def as_sure_as(self, other: "View") -> None:
        """Take over what is known of how healthy looks match."""
        self.score, self.scatter, self.sigmas, self.kept = other.score, other.scatter, other.sigmas, other.kept.copy()

    @property
    def distinct(self) -> float:
        """How surely a healthy look lies on it where it should, over all other places (sigmas)."""
        if self.sigmas:
            return self.sigmas
        alone = np.fft.ifft2(np.abs(self.spectrum) ** 2).real  # not known yet: as the view lies on itself
        return _ALONE * float(alone[0, 0]) / (float(alone.std()) + 1e-6)

    @property
    def bare(self) -> bool:
        """Whether it has too little that lasts to judge a look by."""
        return int(self.textured.sum()) < LEAST_TEXTURED or self.distinct < _DISTINCT_SIGMAS

    @property
    def power(self) -> float:
        """How much lasting structure it has."""
        if self._power == 0.0:
            self._power = float(np.vdot(self.edges, self.edges).real) + 1e-6
        return self._power

    @property
    def spectrum(self) -> Field:
        """Of `edges`, conjugated, for registration."""
        if self._spectrum is None:
            self._spectrum = np.conj(np.fft.fft2(self.edges))
        return self._spectrum

    @property
    def textured(self) -> Mask:
        """Blocks (9, 16) that have structure, and the same one in look after look."""
        mask: Mask = np.logical_and(self.block_power > _TEXTURED, self.kept > _LASTING_SHARE)
        return mask

    @property
    def block_power(self) -> Floats:
        """How much lasting structure each block (9, 16) has."""
        if self._block_power is None:
            self._block_power = over_blocks(self.edges.real**2 + self.edges.imag**2)
        return self._block_power

    def kept_in(self, look: Look) -> Floats:
        """For each block, how much of this view's structure lies where it lay; about 1 = all."""
        kept: Floats = over_blocks((self.edges.conj() * look.edges).real) / (self.block_power + 1e-4)
        return kept

    def lit_like(self, other: "Look | View") -> bool:
        """Whether light and colour are alike: day and night, sun and lamps are not."""
        return abs(self.mean - other.mean) < ANOTHER_LIGHT and (self.colour < _GREY) == (other.colour < _GREY)

    def score_of(self, look: Look) -> float:
        """How well a look's structure lies on this view's, -1 to 1; 0 = not at all."""
        power = float(np.vdot(look.edges, look.edges).real) + 1e-6
        return float(np.vdot(self.edges, look.edges).real) / float(np.sqrt(power * self.power))


@dataclass(frozen=True, slots=True)
class Match:
    """How a look lies on a view: here, and at the best place."""

    score: float
    sigmas: float  # of the match here, over that at all other places
    best: float
    best_sigmas: float
    right_px: float  # where the best place is, in px of 320
    down_px: float


def register(look: Look, view: View) -> Match:
    """Where the look lies best on the view."""
    surface: Floats = np.fft.ifft2(np.fft.fft2(look.edges) * view.spectrum).real.astype(np.float32)
    power = float(np.vdot(look.edges, look.edges).real) + 1e-6
    surface /= float(np.sqrt(power * view.power))
    spread = float(surface.std()) + 1e-6
    place = int(surface.argmax())
    down, right = divmod(place, EDGE_ACROSS)
    best = float(surface[down, right])
    down_px = _fine(surface[:, right], down)
    right_px = _fine(surface[down], right)
    here = float(surface[0, 0])
    return Match(
        here,
        here / spread,
        best,
        best / spread,
        2 * _signed(right_px, EDGE_ACROSS),
        2 * _signed(down_px, EDGE_DOWN),
    )


def _fine(line: Floats, at: int) -> float:
    """The top of a parabola through a peak and its neighbours."""
    before, here, after = float(line[at - 1]), float(line[at]), float(line[(at + 1) % len(line)])
    bend = before - 2 * here + after
    return at + (0.0 if abs(bend) < 1e-9 else max(-0.5, min(0.5, 0.5 * (before - after) / bend)))


def _signed(place: float, size: int) -> float:
    return (place + size / 2) % size - size / 2


@dataclass(slots=True)
class References:
    """The reference views of a camera."""

    views: list[View] = field(default_factory=list)

    @property
    def still(self) -> bool:
        """Whether all are of one preset: the camera does not go about."""
        return len({view.preset for view in self.views}) <= 1

    def of(self, preset: str) -> list[View]:
        """Those of a preset ("" = the camera stands still)."""
        return [view for view in self.views if view.preset == preset]

    def best(self, look: Look, preset: str) -> tuple[View | None, float]:
        """The view of a preset that a look matches best, by the view's own usual score, and that share of it."""
        found: View | None = None
        most = -1.0
        for view in self.of(preset):
            share = view.score_of(look) / max(0.05, view.score or 0.5)
            if share > most:
                found, most = view, share
        return found, most

    def elsewhere(self, look: Look, preset: str) -> str | None:
        """Another preset whose view this look clearly is."""
        for view in self.views:
            if view.preset != preset and view.score_of(look) >= SAME_VIEW * max(0.2, view.score or 0.5):
                match = register(look, view)
                if match.sigmas >= 8 and abs(match.right_px) + abs(match.down_px) < 6:
                    return view.preset
        return None

    def learn(self, recent: View, preset: str, at_us: int) -> View | None:
        """Learn from a recent view that has been healthy for minutes. Returns the view if it is a new one."""
        probe = _as_look(recent)
        for view in sorted(self.of(preset), key=lambda view: -view.score_of(probe)):
            if view.lit_like(recent) and view.score_of(probe) >= 0.5:
                view.learn(recent, at_us, VIEW_LOOKS)
                if recent.score:
                    view.learn_score(max(0.05, min(recent.score, view.score_of(probe))))
                return None
        made = View.of(probe, preset)
        made.as_sure_as(recent)
        made.score = recent.score or 0.5
        made.looks, made.first_us, made.last_us = 1, at_us, at_us
        self.views.append(made)
        self._bound(preset)
        return made

    def set_by(self, look: Look, preset: str, who: str) -> View:
        """Take a look as the reference of a preset: what was learned of it before is forgotten."""
        self.views = [view for view in self.views if view.preset != preset]
        made = View.of(look, preset)
        made.by = who
        self.views.append(made)
        self._bound(preset)
        return made

    def _bound(self, preset: str) -> None:
        mine = self.of(preset)
        while len(mine) > MOST_VIEWS:
            oldest = min((view for view in mine if not view.by), key=lambda view: view.last_us)
            self.views.remove(oldest)
            mine.remove(oldest)
        presets = {view.preset: 0 for view in self.views}
        while len(presets) > MOST_PRESETS:
            for name in presets:
                presets[name] = max(view.last_us for view in self.of(name))
            gone = min((name for name in presets if name != preset), key=lambda name: presets[name])
            self.views = [view for view in self.views if view.preset != gone]
            del presets[gone]


def _as_look(view: View) -> Look:
    empty = np.zeros((0, 0), np.uint8)
    return Look(
        at_us=view.last_us,
        luma=empty,
        mean=view.mean,
        low=view.low,
        middle=view.mean,
        high=view.high,
        dark_share=0.0,
        white_share=0.0,
        block_mean=view.block_mean,
        block_std=view.block_std,
        block_fine=view.block_fine,
        edges=view.edges,
        block_edges=view.block_edges,
        chroma_u=view.chroma_u,
        chroma_v=view.chroma_v,
        colour=view.colour,
        grain=empty,
    )
