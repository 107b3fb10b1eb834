"""Who acts: what every action and every look is attributed to."""

from dataclasses import dataclass

from manara.access.roles import Role


@dataclass(frozen=True, slots=True)
class Who:
    """A signed-in person, or the program itself. `sector_ids` None means all sectors."""

    account_id: str
    name: str
    roles: frozenset[Role] = frozenset()
    sector_ids: frozenset[str] | None = None
    address: str = ""
    session_id: str = ""

    @classmethod
    def system(cls, part: str) -> "Who":
        """A part of the program acting by itself, such as `retention` or `command line`."""
        return cls(account_id=f"system:{part}"[:32], name=part)

    def may_see_sector(self, sector_id: str | None) -> bool:
        """True where this person's sectors include it; a thing without a sector is seen only by those who see all."""
        return self.sector_ids is None or (sector_id is not None and sector_id in self.sector_ids)
