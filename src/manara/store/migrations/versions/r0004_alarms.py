"""Alarms, their lives, their kinds, the account of signals, suppressions."""

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
