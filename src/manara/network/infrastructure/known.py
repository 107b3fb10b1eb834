"""What rows of the infrastructure may refer to, read once: sites, switches and their ports, links, cameras.

Writes nothing. Turns codes of files into ids, resolves the subjects of devices, and judges a row against all others
(`judge`). Used by `actions.py` and `imports.py`; the fields themselves are `rules.py`.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from manara.access.who import Who
from manara.base.errors import FieldError
from manara.network.infrastructure import rules
from manara.network.infrastructure.tables import Link, PowerSource, Switch
from manara.network.references import taken_ports
from manara.network.rules import check_fields
from manara.network.tables import Camera, Site

_REFERENCES = {"site_id": "site", "a_site_id": "site", "b_site_id": "site"} | {
    "a_switch_id": "switch",
    "b_switch_id": "switch",
}


def value_of(row: Any, name: str) -> Any:
    """A value of a table's row or of a mapping; None where there is none."""
    return row.get(name) if isinstance(row, Mapping) else getattr(row, name, None)


class Known:
    """All that rows may refer to, and what they take while being judged."""

    def __init__(self, session: Session) -> None:
        sites = session.execute(select(Site.id, Site.code, Site.sector_id)).all()
        switches = session.execute(select(Switch.id, Switch.code, Switch.site_id, Switch.ports)).all()
        self.sector_of: dict[str, str | None] = {row.id: row.sector_id for row in sites}
        self.codes: dict[str, dict[str, str]] = {  # noun → code → id
            "site": {row.code: row.id for row in sites},
            "switch": {row.code: row.id for row in switches},
            "link": {row.code: row.id for row in session.execute(select(Link.code, Link.id))},
            "camera": {row.code: row.id for row in session.execute(select(Camera.code, Camera.id))},
        }
        self._ids = {noun: set(codes.values()) for noun, codes in self.codes.items()}
        self._switches = {row.id: (row.site_id, row.ports) for row in switches}
        self._sources = {
            (row.site_id, row.kind): row.id
            for row in session.execute(select(PowerSource.site_id, PowerSource.kind, PowerSource.id))
        }
        self._source_ids = set(self._sources.values())
        self._ports = taken_ports(session)

    def learn(self, noun: str, values: Mapping[str, Any]) -> None:
        """A row that comes into being in the same action."""
        if noun in ("switch", "link"):
            self.codes[noun][values["code"]] = values["id"]
            self._ids[noun].add(values["id"])
        if noun == "switch":
            self._switches[values["id"]] = (values["site_id"], values["ports"])
        if noun == "power_source":
            self._sources[values["site_id"], values["kind"]] = values["id"]
            self._source_ids.add(values["id"])

    def by_code(self, noun: str, values: dict[str, Any], row: int | None) -> list[FieldError]:
        """Replace `site`, `a_site`, `a_switch` … codes in `values` by ids; faults where there is no such row."""
        faults = []
        for field, kind in _REFERENCES.items():
            name = field.removesuffix("_id")
            if name not in values or field not in rules.FIELDS[noun]:
                continue
            code = str(values.pop(name) or "").strip()
            if not code:
                values[field] = None
            elif code in self.codes[kind]:
                values[field] = self.codes[kind][code]
            else:
                faults.append(FieldError(name, f"there is no {kind} with this code", row=row, value=code[:80]))
        return faults

    def sites_of(self, noun: str, row: Any) -> list[str]:
        """The sites that a row (or a mapping of its values) belongs to."""
        names = ("a_site_id", "b_site_id") if noun == "link" else ("site_id",)
        return [str(value_of(row, name)) for name in names if value_of(row, name)]

    def seen_by(self, who: Who, noun: str, row: Any) -> bool:
        """True where one of the row's sites lies in this person's sectors."""
        return any(who.may_see_sector(self.sector_of.get(site_id)) for site_id in self.sites_of(noun, row))

    def release(self, link: Link) -> None:
        """A link whose ports are judged anew: others may take them."""
        for key in ((link.a_switch_id, link.a_port), (link.b_switch_id, link.b_port)):
            if key[0] and key[1] and self._ports.get((key[0], key[1]), ("", ""))[0] == link.id:
                del self._ports[key[0], key[1]]

    def ends(self, whole: Mapping[str, Any], link_id: str, row: int | None) -> list[FieldError]:
        """What is wrong with the ends of a link; free ports are taken from here on."""
        faults = []
        for end in "ab":
            switch_id, port = whole.get(f"{end}_switch_id"), whole.get(f"{end}_port")
            if not switch_id or switch_id not in self._switches:
                continue
            site_id, ports = self._switches[switch_id]
            if whole.get(f"{end}_site_id") and site_id != whole[f"{end}_site_id"]:
                faults.append(FieldError(f"{end}_switch_id", "stands at another site", row=row))
            if port is None:
                continue
            holder_id, holder = self._ports.get((switch_id, port), (link_id, ""))
            if port > ports:
                faults.append(FieldError(f"{end}_port", f"the switch has {ports} ports", row=row, value=str(port)))
            elif holder_id != link_id:
                faults.append(FieldError(f"{end}_port", f"is taken by {holder}", row=row, value=str(port)))
            else:
                self._ports[switch_id, port] = (link_id, str(whole.get("code") or "another row"))
        return faults

    def most_used_port(self, switch_id: str) -> int:
        """The highest port of a switch that something hangs on, 0 where there is none."""
        return max((port for used_id, port in self._ports if used_id == switch_id), default=0)

    def resolve(
        self, subjects: Mapping[str, str], site_id: str, row: int | None
    ) -> tuple[dict[str, str], list[FieldError]]:
        """Subjects with ids in place of codes, and those that lead nowhere."""
        found, faults = {}, []
        for part, subject in subjects.items():
            noun, _, which = subject.partition(":")
            resolved = self._resolve(noun, which.strip(), site_id)
            if resolved is None:
                faults.append(FieldError("subjects", f"{part}: there is no such {noun}", row=row, value=subject[:80]))
            else:
                found[part] = f"{noun}:{resolved}"
        return found, faults

    def _resolve(self, noun: str, which: str, site_id: str) -> str | None:
        if noun in ("site", "cabinet"):
            return self._one("site", which) if which else site_id
        if noun == "port":
            switch, _, number = which.rpartition("/")
            switch_id = self._one("switch", switch)
            if switch_id is None or not number.isascii() or not number.isdigit():
                return None
            return f"{switch_id}/{int(number)}" if 1 <= int(number[:6]) <= self._switches[switch_id][1] else None
        if noun == "power_source":
            if which in self._source_ids:
                return which
            code, _, kind = which.rpartition("/")
            return self._sources.get((self._one("site", code) or "" if code else site_id, kind))
        return self._one(noun, which)

    def _one(self, noun: str, which: str) -> str | None:
        return which if which in self._ids[noun] else self.codes[noun].get(which)

    def reference_faults(self, clean: Mapping[str, Any], row: int | None) -> list[FieldError]:
        """Ids that lead nowhere."""
        return [
            FieldError(field, f"there is no such {kind}", row=row, value=str(clean[field])[:80])
            for field, kind in _REFERENCES.items()
            if clean.get(field) and clean[field] not in self._ids[kind]
        ]


def judge(
    known: Known, noun: str, values: Mapping[str, Any], *, row: int | None = None, before: Any = None
) -> tuple[dict[str, Any], list[FieldError]]:
    """Clean values and all faults. `before` is the row that is changed, None for a new one."""
    fields = rules.FIELDS[noun]
    clean, faults = check_fields(fields, values, new=before is None, row=row)
    faults += known.reference_faults(clean, row)
    whole = {name: clean[name] if name in clean else getattr(before, name, None) for name in fields}
    bad = {fault.field for fault in faults}
    faults += [fault for fault in rules.together(noun, whole, row) if fault.field not in bad]
    if noun == "link":
        faults += known.ends(whole, before.id if before is not None else f"row {row}", row)
    if noun == "device" and clean.get("subjects"):
        clean["subjects"], wrong = known.resolve(clean["subjects"], str(whole.get("site_id") or ""), row)
        faults += wrong
    keeps_credentials = noun == "device" and before is not None and "credentials" not in clean
    if keeps_credentials and before.credentials_sealed and clean.get("address", before.address) != before.address:
        # Otherwise whoever may change an address could have the password sent to a machine of their own.
        faults.append(FieldError("credentials", "enter them again: the address has changed", row=row))
    if noun == "switch" and before is not None and "ports" in clean:
        used = known.most_used_port(before.id)
        if clean["ports"] < used:
            faults.append(FieldError("ports", f"port {used} is in use", row=row, value=str(clean["ports"])))
    return clean, faults
