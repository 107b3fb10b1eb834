"""A played province and cameras that only write down what they are told, for tests without sockets."""

from datetime import UTC, datetime

from manara.base.clock import to_us
from manara.simulate.estate import Estate
from manara.simulate.infrastructure import Infrastructure, make_infrastructure
from manara.simulate.province import Province, make_province

NOON_US = to_us(datetime(2026, 11, 22, 9, 0, tzinfo=UTC))  # of Nasiriyah
MIDNIGHT_US = to_us(datetime(2026, 11, 22, 21, 0, tzinfo=UTC))


def province(streaming: int = 24) -> tuple[Province, Infrastructure]:
    """Rows of both."""
    made = make_province(7, streaming=streaming)
    return made, make_infrastructure(made)


def estate(at_us: int = NOON_US, *, streaming: int = 24, outages: bool = False) -> Estate:
    """A played province that has just begun."""
    return Estate(*province(streaming), at_us, outages=outages)


def let_pass(played: Estate, seconds: float, step_s: float = 1.0) -> None:
    """Time passes in steps."""
    for _ in range(round(seconds / step_s)):
        played.step(played.now_us + round(step_s * 1_000_000), step_s)


class PaperCameras:
    """Cameras on paper."""

    def __init__(self) -> None:
        self.wire: dict[str, set[str]] = {}
        self.picture: dict[str, str] = {}
        self.wrong_password: set[str] = set()

    def order(self, code: str, kind: str, value: float | None = None) -> None:
        self.wire.setdefault(code, set()).add(kind)

    def lift(self, code: str, kind: str) -> None:
        self.wire.get(code, set()).discard(kind)

    def spoil(self, code: str, kind: str) -> None:
        self.picture[code] = kind

    def mend(self, code: str) -> None:
        self.picture.pop(code, None)

    def shows(self, code: str) -> bool:
        return True

    def change_password(self, code: str, wrong: bool) -> None:
        (self.wrong_password.add if wrong else self.wrong_password.discard)(code)
