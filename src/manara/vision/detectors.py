"""What a look says against a healthy view: evidence for each kind of fault, 0 to 1. Pure; remembers nothing.

Each function is about one look. That a thing must last before it is believed is `judge.py`'s business, and so are
frozen, looping and vibrating pictures, which show only over several looks (`repeats.py`). Thresholds were found on the
clips named in `docs/design/image-health.md`, which also says which clips were held out.
"""

from dataclasses import dataclass

import numpy as np

from manara.vision.picture import Floats, Look
from manara.vision.references import ANOTHER_LIGHT, LEAST_TEXTURED, Mask, Match, View, register

_KNOWN_LOOKS = 40  # before so many healthy looks, between what they lie is not known
_FORGET = 0.0005  # a look: how soon the extremes are forgotten, half in three hours
_FORGET_MOST = 0.00005  # the largest outlast a night: at dawn there is no more than there was the day before
_GLARE_SHARE = 0.01  # more of the picture burnt out than usual
_GAIN, _GAINED = 2.0, 0.02  # a block of a bare view has something new: so many times its structure, and so much more
_NOISE_FINE = 0.2  # grey levels: what rounding and coding leave in a flat block


def ramp(value: float, none: float, full: float) -> float:
    """0 at `none`, 1 at `full`, straight between; either may be the larger."""
    return max(0.0, min(1.0, (value - none) / (full - none)))


@dataclass(slots=True)
class Spans:
    """Between what a camera's healthy looks lay lately; old extremes are slowly forgotten. For views that are bare."""

    least: float = 0.0  # structure
    most: float = 0.0
    colour: float = 0.0
    looks: int = 0

    @property
    def known(self) -> bool:
        """Whether there were enough looks to hold another against."""
        return self.looks >= _KNOWN_LOOKS

    def learn(self, look: Look) -> None:
        """A healthy look."""
        structure = float(look.block_edges.sum())
        if not self.looks:
            self.least = structure
        self.looks += 1
        self.least = min(self.least + (structure - self.least) * _FORGET, structure)
        self.most = max(self.most + (structure - self.most) * _FORGET_MOST, structure)
        self.colour = max(self.colour + (look.colour - self.colour) * _FORGET_MOST, look.colour)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one look says. `kinds` holds what was found with 0 to 1."""

    kinds: dict[str, float]
    match: Match | None
    flat_share: float  # of the structured blocks, how many lost their structure
    sharpness: float  # against the view, 1 = as it was
    usual: float  # how well a healthy look matches the view
    layout: float  # correlation of light and dark places with the view's
    hidden: Mask | None  # blocks (9, 16) of the view's structure that are not to be seen
    gained_share: float  # of a bare view's blocks, how many have much more structure than they had
    glare: bool  # more is burnt out than usual: lights into the lens, or white paint
    changed: bool  # the picture is not what it was a moment ago, so nothing is learned from it


def judge(look: Look, view: View | None, *, day: float, spans: Spans | None = None) -> Evidence:
    """Evidence of one look against the view that fits it best. `day` is how surely it is day here, 0 to 1; `spans`
    what the camera's healthy looks were, where that is known."""
    kinds: dict[str, float] = {}
    black, white = dark(look), bright(look)
    if view is None:
        if black > 0.5:
            kinds["image_black"] = black
        elif white > 0.5:
            kinds["image_white"] = white
        return Evidence(kinds, None, 0.0, 1.0, 0.0, 1.0, None, 0.0, glare=False, changed=bool(kinds))
    match = register(look, view)
    if black > 0.5 and view.high > 56:
        kinds["image_black"] = black
    if white > 0.5 and view.low < 190:
        kinds["image_white"] = white
    textured = view.textured
    bare = view.bare
    glare = look.white_share > view.white_share + _GLARE_SHARE
    count = int(textured.sum())
    hidden_blocks: Mask = (view.kept_in(look) < 0.35) & textured
    flat = _flat(look, view, textured)
    flat_share = float(flat[textured].mean()) if count else 0.0
    clear = textured & ~flat
    sharpness, blurred_share = _sharpness(look, view, clear if clear.sum() >= LEAST_TEXTURED // 2 else textured)
    layout = _layout(look.block_mean, view.block_mean)
    structure = float(look.block_edges[textured].sum() / max(1e-6, view.block_edges[textured].sum())) if count else 1.0
    usual = max(0.15, view.score or 0.5)
    kept = match.score / usual
    gained_share = 0.0
    if not kinds and bare:
        _bare(kinds, look, layout, spans)
        gained_share = float((look.block_edges > _GAIN * view.block_edges + _GAINED).mean())
    elif not kinds and count >= LEAST_TEXTURED:
        _moved(kinds, match, view, kept, structure, layout)
        if max(kinds.values(), default=0.0) < 0.3:
            kinds.clear()
            lost_share = float(hidden_blocks[textured].mean())
            hidden = lost_share if match.sigmas >= 5 and match.score > 0.8 * match.best else 0.0
            _lost_detail(kinds, flat_share, hidden, sharpness, blurred_share, layout, kept, structure)
    if max(kinds.values(), default=0.0) < 0.3 and kept > 0.5 and flat_share < 0.3:
        _colour(kinds, look, view, day)
    changed = max(kinds.values(), default=0.0) >= 0.15 or (not bare and (kept < 0.5 or flat_share > 0.3))
    return Evidence(kinds, match, flat_share, sharpness, usual, layout, hidden_blocks, gained_share, glare, changed)


def dark(look: Look) -> float:
    """Nothing but black."""
    return ramp(look.high, 46, 32) * ramp(look.dark_share, 0.93, 0.985)


def bright(look: Look) -> float:
    """Nothing but white."""
    return max(ramp(look.low, 195, 218), ramp(look.white_share, 0.86, 0.95))


def _bare(kinds: dict[str, float], look: Look, layout: float, spans: Spans | None) -> None:
    """A view of little: covered where less is left than there ever was, and otherwise laid out; moved where much more,
    or much more colour, is seen than ever."""
    if spans is None or not spans.known:
        return
    structure = float(look.block_edges.sum())
    covered = ramp(structure, 0.5 * spans.least, 0.25 * spans.least) * ramp(layout, 0.7, 0.4)
    moved = max(
        ramp(structure, 2 * spans.most, 3 * spans.most), ramp(look.colour, 2 * spans.colour + 4, 3 * spans.colour + 6)
    )
    if covered > max(moved, 0.05):
        kinds["image_covered"] = covered
    elif moved > 0.05:
        tinted = float(np.hypot(look.chroma_u, look.chroma_v)) > 0.8 * look.colour and structure < spans.most
        kinds["image_colour_lost" if tinted else "image_moved"] = moved


def _flat(look: Look, view: View, textured: Mask) -> Mask:
    """Blocks that lost their structure, more than the picture as a whole lost contrast."""
    contrast = look.block_std / (view.block_std + 0.5)
    whole = float(np.clip(np.percentile(contrast[textured], 80), 0.15, 1.0)) if textured.any() else 1.0
    edges = look.block_edges / (view.block_edges + 1e-4)
    gone = view.kept_in(look) < 0.35
    flat: Mask = gone & (((contrast < 0.4 * whole) & (edges < 0.7)) | (edges < 0.2))
    return flat


def _sharpness(look: Look, view: View, textured: Mask) -> tuple[float, float]:
    """Finest detail for the contrast there is, against the view's; and the share of blocks in which it fell."""
    usable = textured & (view.block_fine > 3 * _NOISE_FINE)
    if usable.sum() < LEAST_TEXTURED // 2:
        usable = textured & (view.block_fine > 1.5 * _NOISE_FINE)
    if usable.sum() < LEAST_TEXTURED // 2:
        return 1.0, 0.0
    # The calmest blocks show how much of it is the sensor's noise, which no lens blurs.
    calmest = min(float(np.percentile(look.block_fine, 10)), float(np.percentile(view.block_fine, 10)))
    noise = max(_NOISE_FINE, 0.9 * calmest)
    now = np.maximum(look.block_fine - noise, 0) / (look.block_std + 0.5)
    then = np.maximum(view.block_fine - noise, 0.05) / (view.block_std + 0.5)
    ratio = (now / then)[usable]
    return float(np.median(ratio)), float((ratio < 0.6).mean())


def _layout(now: Floats, then: Floats) -> float:
    left, right = now - now.mean(), then - then.mean()
    size = float(np.sqrt((left * left).sum() * (right * right).sum()))
    return float((left * right).sum() / size) if size > 1e-3 else 0.0


def _lost_detail(
    kinds: dict[str, float],
    flat_share: float,
    hidden_share: float,
    sharpness: float,
    blurred_share: float,
    layout: float,
    kept: float,
    structure: float,
) -> None:
    """Covered, blurred or dirty: detail is gone everywhere or in places; or it is another view of a like scene.

    Between dirty and covered there is no border: what is not surely covered is dirty by as much.
    """
    covered = 0.0
    gone = max(ramp(flat_share, 0.45, 0.68), ramp(structure, 0.3, 0.12) * ramp(kept, 0.6, 0.3))
    soft = ramp(sharpness, 0.65, 0.4) * ramp(blurred_share, 0.5, 0.75)
    if gone > 0.3 and layout < 0.72:
        covered = gone
    elif soft > 0.3 and layout >= 0.6:
        kinds["image_blurred"] = soft
    elif gone > 0.3:
        covered = gone * ramp(layout, 0.97, 0.85)
    elif hidden_share > 0.3 and flat_share < 0.45 * hidden_share and sharpness > 0.6:
        kinds["image_moved"] = ramp(hidden_share, 0.25, 0.45)  # not veiled: something else is seen there
    if not kinds:
        kinds["image_covered"] = covered
        kinds["image_dirty"] = max(ramp(flat_share, 0.09, 0.22), ramp(hidden_share, 0.22, 0.42)) * (1 - covered)
    for kind in [kind for kind, value in kinds.items() if value <= 0.05]:
        del kinds[kind]


def _moved(kinds: dict[str, float], match: Match, view: View, kept: float, structure: float, layout: float) -> None:
    """The structure is there and lies elsewhere, or is another."""
    shift_px = float(np.hypot(match.right_px, match.down_px))
    sure = min(8.0, max(5.5, 0.5 * view.distinct))  # of a view of few lines, half of it is less sure to be known
    elsewhere = (
        shift_px >= 5
        and match.best_sigmas >= sure
        and match.best > (1.1 if layout < 0.5 else 1.25) * match.score  # light and dark lie elsewhere too
        and match.best > 0.35 * view.score
    )
    if elsewhere:
        kinds["image_moved"] = ramp(shift_px, 3, 8) * ramp(match.best_sigmas, 0.75 * sure, 1.1 * sure)
    elif view.score >= 0.2:
        # Another picture altogether: nothing of it lies where it lay, though there is much to see.
        other = ramp(kept, 0.4, 0.15) * ramp(match.sigmas, 7, 4) * ramp(structure, 0.3, 0.6)
        if other > 0.05:
            kinds["image_moved"] = other


def _colour(kinds: dict[str, float], look: Look, view: View, day: float) -> None:
    # Of a bare view, what colour there is may be that of cars; and an exposure that swings takes colour with it.
    if (
        day <= 0
        or view.colour < (6.0 if view.bare else 2.0)
        or view.mean < 45
        or abs(look.mean - view.mean) > ANOTHER_LIGHT
    ):
        return
    grey = ramp(look.colour / view.colour, 0.3, 0.12)
    cast = ramp(float(np.hypot(look.chroma_u - view.chroma_u, look.chroma_v - view.chroma_v)), 9, 18)
    most = max(grey, cast * (1.0 if look.chroma_v > view.chroma_v + 4 else 0.0)) * day
    if most > 0.05:
        kinds["image_colour_lost"] = most
