"""The roles to begin with. What each may do is decided per route in `web/permissions.py`."""

from enum import StrEnum


class Role(StrEnum):
    """A role of an account; one account may have several."""

    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    COMMANDER = "commander"  # of sectors: an escalation's last step
    TECHNICIAN = "technician"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"
