"""What the played devices need to know of the installation they speak to: ids, tokens, ports. A file beside the data.

Written once by `app/demo.py` when it seeds the state (`<data>/simulate/estate.json`, 0600: it holds tokens), read by
`role.py`. The simulation speaks in codes, which never change; Manara's subjects are ids. Without the file (an
installation that was not seeded by the demo) the sites are played and nobody is told.
"""

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from manara.base.errors import InvalidInput


@dataclass(slots=True)
class Directory:
    """`ids`: subject in codes → subject in ids (a port has its switch's). `tokens`: by device."""

    ids: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    modbus_port: int = 0
    snmp_port: int = 0

    def subject(self, in_codes: str) -> str:
        """The subject in ids, "" for what Manara does not know."""
        noun, _, code = in_codes.partition(":")
        if noun == "port":
            switch, _, number = code.partition("/")
            known = self.ids.get(f"switch:{switch}", "")
            return f"port:{known.partition(':')[2]}/{number}" if known else ""
        return self.ids.get(in_codes, "")

    def write(self, folder: Path) -> None:
        """Keep it, for the simulation alone."""
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / "estate.json.part"
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(asdict(self), out)
        part.replace(folder / "estate.json")

    @classmethod
    def read(cls, folder: Path) -> "Directory | None":
        """What `write` kept, None where there is none. Raises `InvalidInput` where it cannot be read."""
        path = folder / "estate.json"
        if not path.exists():
            return None
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{one.name: kept[one.name] for one in fields(cls) if one.name in kept})
        except (OSError, ValueError, TypeError) as error:
            raise InvalidInput(f"{path} cannot be read: {error}", code="estate_unreadable") from error
