"""Where a virtual PTZ camera looks: pan, tilt, zoom that move in time, presets, home.

Pure; the clock comes from outside.

ONVIF's generic spaces: pan and tilt -1 to 1, zoom 0 to 1; velocities -1 to 1 of the fastest. Called by `onvif.py`
(orders) and `live.py` (the picture follows). Bounds: `MAX_PRESETS`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from manara.base.errors import InvalidInput

MAX_PRESETS = 64
_PAN_TILT_PER_S = 0.35  # at full speed: from end to end in 6 s
_ZOOM_PER_S = 0.4


@dataclass(frozen=True, slots=True)
class Position:
    """Where it looks."""

    pan: float = 0.0
    tilt: float = 0.0
    zoom: float = 0.0


@dataclass(slots=True)
class PtzState:
    """One camera's head. `clock` gives monotonic seconds."""

    clock: Callable[[], float]
    home: Position = Position()
    presets: dict[str, tuple[str, Position]] = field(default_factory=dict)
    _position: Position = Position()
    _velocity: Position = Position()
    _target: Position | None = None
    _until_s: float = 0.0
    _at_s: float | None = None
    _count: int = 0

    def position(self) -> Position:
        """Where it looks now."""
        now_s = self.clock()
        passed_s = 0.0 if self._at_s is None else max(0.0, now_s - self._at_s)
        self._at_s = now_s
        here = self._position
        if self._target is not None:
            step, zoom_step = _PAN_TILT_PER_S * 2 * passed_s, _ZOOM_PER_S * 2 * passed_s
            goal = self._target
            here = Position(
                _towards(here.pan, goal.pan, step),
                _towards(here.tilt, goal.tilt, step),
                _towards(here.zoom, goal.zoom, zoom_step),
            )
            if here == goal:
                self._target = None
        elif self._velocity != Position():
            if self._until_s and now_s > self._until_s:
                passed_s = max(0.0, passed_s - (now_s - self._until_s))
            speed = self._velocity
            here = Position(
                _clip(here.pan + speed.pan * _PAN_TILT_PER_S * passed_s, -1, 1),
                _clip(here.tilt + speed.tilt * _PAN_TILT_PER_S * passed_s, -1, 1),
                _clip(here.zoom + speed.zoom * _ZOOM_PER_S * passed_s, 0, 1),
            )
            if self._until_s and now_s >= self._until_s:
                self._velocity = Position()
        self._position = here
        return here

    @property
    def moving(self) -> bool:
        """Whether it moves."""
        self.position()
        return self._target is not None or self._velocity != Position()

    def move(self, pan: float, tilt: float, zoom: float, timeout_s: float | None = None) -> None:
        """Move at these speeds until told otherwise, or for `timeout_s`."""
        self.position()
        self._target = None
        self._velocity = Position(_clip(pan, -1, 1), _clip(tilt, -1, 1), _clip(zoom, -1, 1))
        self._until_s = self.clock() + timeout_s if timeout_s else 0.0

    def stop(self) -> None:
        """Stand still."""
        self.position()
        self._target, self._velocity = None, Position()

    def go(self, target: Position) -> None:
        """Move to a place."""
        self.stop()
        self._target = Position(_clip(target.pan, -1, 1), _clip(target.tilt, -1, 1), _clip(target.zoom, 0, 1))

    def set_preset(self, token: str, name: str) -> str:
        """Keep the place under a token (a new one where empty). Raises `InvalidInput` where the camera is full."""
        if token and token not in self.presets:
            raise InvalidInput(f"there is no preset {token}", code="preset_unknown")
        if not token:
            if len(self.presets) >= MAX_PRESETS:
                raise InvalidInput("the camera keeps no more presets", code="presets_full")
            self._count += 1
            token = f"preset-{self._count}"
        self.presets[token] = (name or self.presets.get(token, (token,))[0], self.position())
        return token

    def goto_preset(self, token: str) -> None:
        """Move to a preset. Raises `InvalidInput` for an unknown one."""
        if token not in self.presets:
            raise InvalidInput(f"there is no preset {token}", code="preset_unknown")
        self.go(self.presets[token][1])

    def remove_preset(self, token: str) -> None:
        """Forget a preset. Raises `InvalidInput` for an unknown one."""
        if self.presets.pop(token, None) is None:
            raise InvalidInput(f"there is no preset {token}", code="preset_unknown")


def _clip(value: float, low: float, high: float) -> float:
    return min(high, max(low, value))


def _towards(here: float, goal: float, step: float) -> float:
    return goal if abs(goal - here) <= step else here + (step if goal > here else -step)
