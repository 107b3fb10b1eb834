"""What carries the virtual cameras: power sources, cabinets, switches, links and telemetry devices of every site. Pure.

Seeded by the province: the same province gives the same rows. Rows have the shape of the contract's tables
(`docs/design/interfaces-health.md`) and refer to each other by code. Six hubs, one a section, hang on two fibre rings
that meet in the control room; the sites of a section hang on their hub in rings and trees; some have a radio link in
reserve. Sites whose cameras stream come first and share a ring or tree, so that a cut can be seen; they and the hubs
have devices that speak, every other one of them over a modem of its own; the other sites are not connected yet.
Called by `estate.py` (to simulate them) and by `app/demo.py` (to seed them).
"""

import random
from dataclasses import dataclass, field
from typing import Any, Literal

from manara.simulate.places import SECTIONS, TOWNS, VIRTUAL
from manara.simulate.province import Province

CONTROL_CODE = "CTRL-01"
HOT_C = 55.0
RX_LOW_DBM = -22.0
CAMERA_PORTS, SITE_PORTS, HUB_PORTS = 8, 12, 48
_RINGS = (("BALDA", "SHATRA", "RIFAI", "QADHA"), ("SUQ", "CHIBAYISH"))
_GROUP = 5  # sites on one ring
_SUPPLIERS = ("أور للأعمال الفنية", "شبكات سومر", "الأهوار للطاقة والإنارة")
_SWITCHES = (("Hikvision", "DS-3T VP12"), ("Moxa", "EDS VP12"), ("Planet", "IGS VP12"))
Protocol = Literal["push", "mqtt", "modbus", "snmp"]


@dataclass(slots=True)
class Infrastructure:
    """All rows. Every one but cameras' and devices' is there for every site; `live` names the sites that are played."""

    sites: list[dict[str, Any]] = field(default_factory=list)  # hubs and the control room, to be added
    power_sources: list[dict[str, Any]] = field(default_factory=list)
    cabinets: list[dict[str, Any]] = field(default_factory=list)
    switches: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)
    devices: list[dict[str, Any]] = field(default_factory=list)
    camera_ports: dict[str, tuple[str, int]] = field(default_factory=dict)  # camera → switch and port
    suppliers: dict[str, str] = field(default_factory=dict)  # site → who built it and minds it
    live: list[str] = field(default_factory=list)


def switch_code(site: str) -> str:
    """The code of a site's switch."""
    return f"SW-{site.removeprefix('SITE-')}"


def make_infrastructure(province: Province, seed: int = 7) -> Infrastructure:
    """Everything that the province's cameras stand on."""
    chance = random.Random(seed * 1009 + 5)
    made = Infrastructure()
    by_code = {camera["code"]: camera for camera in province.cameras}
    made.live = list(dict.fromkeys(by_code[code]["site"] for code in province.streams))
    made.sites = _hubs()
    for site in [*made.sites, *province.sites]:
        _equip(made, site, chance)
    used: dict[str, int] = {}
    for camera in province.cameras:
        code = camera["site"]
        used[code] = used.get(code, 0) + 1
        made.camera_ports[camera["code"]] = (switch_code(code), used[code])
    _Links(made, province, chance).make()
    _devices(made)
    return made


def _hubs() -> list[dict[str, Any]]:
    rows = [
        {
            "code": CONTROL_CODE,
            "name_ar": "غرفة السيطرة، قيادة الشرطة",
            "name_en": "Control room, police headquarters",
            "kind": "control_room",
            "lat": 31.0452,
            "lon": 46.2581,
            "sector": "SEC-BALDA",
            "town": "TWN-JAZIRA",
            "notes": VIRTUAL + "غرفة السيطرة",
        }
    ]
    for section in SECTIONS:
        town = max((town for town in TOWNS if town.section == section.code), key=lambda one: one.sites)
        rows.append(
            {
                "code": f"HUB-{section.code.removeprefix('SEC-')}",
                "name_ar": f"مقسم {section.name_ar.removeprefix('قسم ')}",
                "name_en": f"Hub {section.name_en}",
                "kind": "hub",
                "lat": round(town.lat + 0.004, 6),
                "lon": round(town.lon - 0.004, 6),
                "sector": section.code,
                "town": town.code,
                "notes": VIRTUAL + "مقسم القسم",
            }
        )
    return rows


def _equip(made: Infrastructure, site: dict[str, Any], chance: random.Random) -> None:
    """Power, cabinet and switch of one site."""
    code, kind = site["code"], site["kind"]
    central = kind in ("hub", "control_room")
    made.suppliers[code] = chance.choice(_SUPPLIERS)
    solar = not central and chance.random() < 0.75
    capacity_wh = 48_000 if kind == "control_room" else 9_600 if kind == "hub" else chance.choice((1280, 1920, 2560))
    installed_us = 1_680_000_000_000_000 + chance.randrange(24) * 2_592_000_000_000
    sources = [("grid", "Grid", 0, 0, 230.0), ("battery", "Battery", capacity_wh, 0, 48.0 if central else 24.0)]
    if solar:
        sources.append(("solar", "Solar panel", 0, chance.choice((330, 440, 550)), 24.0))
    for source, name, wh, peak_w, nominal_v in sources:
        made.power_sources.append(
            {
                "site": code,
                "kind": source,
                "name": name,
                "capacity_wh": float(wh) or None,
                "peak_w": float(peak_w) or None,
                "nominal_v": nominal_v,
                "installed_us": installed_us,
                "notes": "",
            }
        )
    made.cabinets.append({"site": code, "has_fan": True, "has_door_sensor": True, "hot_c": HOT_C})
    make, model = ("Moxa", "IKS VP48") if central else chance.choice(_SWITCHES)
    ports = HUB_PORTS if central else SITE_PORTS
    made.switches.append({"site": code, "code": switch_code(code), "make": make, "model": model, "ports": ports})


class _Links:
    """Lays fibre and modems, port by port."""

    def __init__(self, made: Infrastructure, province: Province, chance: random.Random) -> None:
        self._made = made
        self._province = province
        self._chance = chance
        self._ports: dict[str, int] = {}
        self._rings = 0
        self._places = {row["code"]: row for row in [*made.sites, *province.sites]}

    def make(self) -> None:
        """All of them: core rings, rings and trees of every section, modems."""
        for ring in _RINGS:
            self._ring([CONTROL_CODE, *(f"HUB-{name}" for name in ring)], capacity_mbps=10_000)
        for index, section in enumerate(SECTIONS):
            hub = f"HUB-{section.code.removeprefix('SEC-')}"
            codes = [row["code"] for row in self._province.sites if row["sector"] == section.code]
            live = [code for code in self._made.live if code in codes]
            others = [code for code in codes if code not in live]
            groups = [live[at : at + _GROUP] for at in range(0, len(live), _GROUP)]
            groups += [others[at : at + _GROUP] for at in range(0, len(others), _GROUP)]
            for number, group in enumerate(groups):
                if len(group) > 1 and (number + index) % 2 == 0:
                    self._ring([hub, *group], capacity_mbps=1000)
                else:
                    self._tree(hub, group)
        for index, row in enumerate(self._province.sites):
            if (self._made.live.index(row["code"]) if row["code"] in self._made.live else index) % 6 == 5:
                hub = f"HUB-{row['sector'].removeprefix('SEC-')}"
                self._link("radio", "reserve", hub, row["code"], "", 100)

    def _ring(self, codes: list[str], *, capacity_mbps: int) -> None:
        self._rings += 1
        name = f"R{self._rings:02d}"
        for here, there in zip(codes, [*codes[1:], codes[0]], strict=True):
            ends = (there, here) if there == codes[0] else (here, there)
            self._link("fibre", "main", *ends, name, capacity_mbps)

    def _tree(self, hub: str, codes: list[str]) -> None:
        """The first hangs on the hub, the next two on it, the others on those."""
        for index, code in enumerate(codes):
            parent = hub if index == 0 else codes[(index - 1) // 2]
            self._link("fibre", "main", parent, code, "", 1000)

    def _link(self, kind: str, role: str, a: str, b: str, ring: str, capacity_mbps: int) -> None:
        first, second = self._places[a], self._places[b]
        east_km = (first["lon"] - second["lon"]) * 95.3
        north_km = (first["lat"] - second["lat"]) * 111.3
        fibre = kind == "fibre"
        self._made.links.append(
            {
                "code": f"LNK-{len(self._made.links) + 1:04d}",
                "kind": kind,
                "role": role,
                "a_site": a,
                "b_site": b,
                "ring": ring,
                "length_km": round((east_km**2 + north_km**2) ** 0.5 * 1.25 + 0.1, 1) if fibre else None,
                "capacity_mbps": float(capacity_mbps),
                "rx_low_dbm": RX_LOW_DBM if fibre else None,
                "a_switch": switch_code(a),
                "a_port": self._port(a),
                "b_switch": switch_code(b),
                "b_port": self._port(b),
            }
        )

    def _port(self, site: str) -> int:
        first = CAMERA_PORTS + 1 if site.startswith("SITE-") else 1
        number = self._ports.get(site, first)
        self._ports[site] = number + 1
        return number


def _devices(made: Infrastructure) -> None:
    """What speaks at the sites that are played, by turns over the protocols, and at the hubs.

    `_speaks` says which parts of the site a device tells of (grid, charger, cabinet, ports, links), `_modem` that it
    does not need the site's switch and fibre; both are the simulation's own.
    """
    for index, site in enumerate(made.live):
        number = site.removeprefix("SITE-")
        turn = index % 4
        solar = any(row["site"] == site and row["kind"] == "solar" for row in made.power_sources)
        box_speaks = ["grid", "charger", "cabinet", "ports", "links"]
        if turn == 2 and solar:
            box_speaks.remove("charger")
            made.devices.append(_device(site, f"MPPT-{number}", "modbus", ["charger"], 10.0))
        if turn == 3:
            box_speaks.remove("ports")
            made.devices.append(_device(site, f"SNMP-{number}", "snmp", ["ports"], 10.0))
        protocol: Protocol = "mqtt" if turn == 1 else "push"
        made.devices.append(_device(site, f"RTU-{number}", protocol, box_speaks, 10.0, modem=turn < 2))
    for row in made.sites if made.live else ():
        made.devices.append(
            _device(row["code"], f"RTU-{row['code']}", "push", ["grid", "charger", "cabinet", "links"], 10.0)
        )


def _device(
    site: str, code: str, protocol: Protocol, speaks: list[str], every_s: float, *, modem: bool = False
) -> dict[str, Any]:
    return {
        "site": site,
        "code": code,
        "protocol": protocol,
        "poll_s": every_s,
        "enabled": True,
        "_speaks": speaks,
        "_modem": modem,
    }
