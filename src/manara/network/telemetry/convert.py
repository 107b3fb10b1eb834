"""From a device's raw value to the number of a quantity: what a mapping says of one reading, and how it is applied.

Pure. Used by the mapping files (`profiles.py`) and by whoever reads devices (`mqtt`, `snmp`, `modbus`, `echo`).
"""

import math
import re
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from manara.network.telemetry.quantities import QUANTITIES

MOST_TEXT = 64

Raw = bool | int | float | str
Part = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}(/[0-9]{1,9})?$")]


class Strict(BaseModel):
    """Frozen, exact in types, and refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ReadingMap(Strict):
    """One reading of a device, whatever it speaks."""

    part: Part  # which of the device's `subjects` it is of
    quantity: str
    scale: float = 1.0
    offset: float = 0.0  # value = raw × scale + offset
    true_when: tuple[Raw, ...] = ()  # for what is 0 or 1: these raw values are 1 …
    false_when: tuple[Raw, ...] = ()  # … and these 0; without them every other one is 0
    no_value: tuple[Raw, ...] = ()  # raw values that mean "not known"
    rate: bool = False  # the raw value counts up: take its rise a second

    @model_validator(mode="after")
    def _fits(self) -> Self:
        quantity = QUANTITIES.get(self.quantity)
        if quantity is None:
            raise ValueError(f"quantity {self.quantity!r} is not known; known: {', '.join(sorted(QUANTITIES))}")
        if not (math.isfinite(self.scale) and self.scale and math.isfinite(self.offset)):
            raise ValueError("scale must be a number other than 0, offset a number")
        if self.rate and (quantity.boolean or self.true_when):
            raise ValueError("rate cannot be taken of what is 0 or 1")
        if self.true_when and not quantity.boolean:
            raise ValueError(f"true_when is for what is 0 or 1, and {self.quantity} is not")
        if self.false_when and not self.true_when:
            raise ValueError("false_when needs true_when")
        return self


_STEP = re.compile(r"(?:^|(?<=.)\.)([A-Za-z0-9_\-:]+)|\[(\d{1,4})\]")


def parse_path(path: str) -> tuple[str | int, ...]:
    """The steps of a JSON path such as `battery.cells[2].mv`. Raises `ValueError` where it is not one."""
    steps: list[str | int] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None or match.end() == at:
            raise ValueError(f"path {path!r} is not understood at {path[at : at + 20]!r}")
        steps.append(match[1] if match[1] is not None else int(match[2]))
        at = match.end()
    return tuple(steps)


def convert(entry: ReadingMap, raw: object) -> float | None:
    """A raw value as the quantity's number; None where the device says that it does not know.

    Raises `ValueError` where it is no value at all (text that is no number, a list). A value out of its range is not
    judged here.
    """
    if raw is None or _among(raw, entry.no_value):
        return None
    if entry.true_when:
        if _among(raw, entry.true_when):
            return 1.0
        return 0.0 if not entry.false_when or _among(raw, entry.false_when) else None
    if isinstance(raw, bool):
        number = float(raw)
    elif isinstance(raw, int | float):
        try:
            number = float(raw)
        except OverflowError:
            number = math.inf
    elif isinstance(raw, str) and len(raw) <= MOST_TEXT:
        number = float(raw)
    else:
        raise ValueError("is no number")
    return number * entry.scale + entry.offset


def _among(raw: object, values: tuple[Raw, ...]) -> bool:
    if isinstance(raw, str):
        folded = raw.strip().casefold()
        return any(isinstance(value, str) and value.casefold() == folded for value in values)
    if isinstance(raw, bool):
        return any(isinstance(value, bool) and value is raw for value in values)
    return any(not isinstance(value, bool | str) and value == raw for value in values)
