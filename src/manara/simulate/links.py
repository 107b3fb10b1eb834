"""Which site reaches the control room: links and switches, up or down, and the way that is left. Pure.

A link carries when it is whole and the switches at both ends have power and work; a reserve carries whenever it is up.
Called by `estate.py`. Bounds: a few thousand links, walked once a second.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from manara.simulate.power import noise


@dataclass(slots=True)
class LinkState:
    """One link. `loss_db` is what a bent or dirty fibre costs on top of its length."""

    code: str
    kind: str
    role: str
    a_site: str
    b_site: str
    ring: str
    length_km: float
    cut: bool = False
    loss_db: float = 0.0
    loss_pct: float = 0.0
    up: bool = True

    @property
    def rx_dbm(self) -> float:
        """Light that arrives, at either end; -40 is darkness."""
        if not self.up:
            return -40.0
        length_db = min(0.35 * self.length_km, 12.0)  # long ones have amplifiers
        return -5.0 - length_db - self.loss_db + 0.15 * noise(self.code, round(self.loss_db))


def reach(links: Iterable[LinkState], works: Mapping[str, bool], root: str) -> set[str]:
    """Set every link's `up` and find the sites that reach `root`. `works` = the site's switch works, power included."""
    beside: dict[str, list[str]] = {}
    for link in links:
        link.up = not link.cut and works.get(link.a_site, True) and works.get(link.b_site, True)
        if link.up:
            beside.setdefault(link.a_site, []).append(link.b_site)
            beside.setdefault(link.b_site, []).append(link.a_site)
    seen = {root}
    edge = [root]
    while edge:
        for there in beside.get(edge.pop(), ()):
            if there not in seen:
                seen.add(there)
                edge.append(there)
    return seen
