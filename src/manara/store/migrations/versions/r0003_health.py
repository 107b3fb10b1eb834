"""Conditions, causes, outages of cameras, battery forecasts."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "condition",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=320), nullable=False),
        sa.Column("site_id", sa.String(length=12), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("known_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_condition")),
    )
    op.create_index(op.f("ix_condition_subject"), "condition", ["subject"])
    op.create_index(op.f("ix_condition_ended_us"), "condition", ["ended_us"])

    op.create_table(
        "cause",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=320), nullable=False),
        sa.Column("rule", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=320), nullable=False),
        sa.Column("site_id", sa.String(length=12), nullable=False),
        sa.Column("sector_id", sa.String(length=12), nullable=False),
        sa.Column("direct", sa.Boolean(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("opened_us", sa.BigInteger(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.Column("closed_us", sa.BigInteger(), nullable=True),
        sa.Column("absorbed_into", sa.String(length=12), nullable=False),
        sa.Column("camera_ids", sa.JSON(), nullable=False),
        sa.Column("site_ids", sa.JSON(), nullable=False),
        sa.Column("condition_ids", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("pictures", sa.JSON(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("exercise", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cause")),
    )
    op.create_index("ix_cause_site", "cause", ["site_id", "opened_us"])
    op.create_index("ix_cause_changed", "cause", ["changed_us"])
    op.create_index(op.f("ix_cause_closed_us"), "cause", ["closed_us"])

    op.create_table(
        "camera_outage",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("camera_id", sa.String(length=12), nullable=False),
        sa.Column("site_id", sa.String(length=12), nullable=False),
        sa.Column("sector_id", sa.String(length=12), nullable=False),
        sa.Column("start_us", sa.BigInteger(), nullable=False),
        sa.Column("known_us", sa.BigInteger(), nullable=False),
        sa.Column("end_us", sa.BigInteger(), nullable=True),
        sa.Column("condition", sa.String(length=40), nullable=False),
        sa.Column("cause_id", sa.String(length=12), nullable=False),
        sa.Column("cause_kind", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_camera_outage")),
    )
    op.create_index(op.f("ix_camera_outage_camera_id"), "camera_outage", ["camera_id"])
    op.create_index(op.f("ix_camera_outage_end_us"), "camera_outage", ["end_us"])
    op.create_index("ix_camera_outage_span", "camera_outage", ["start_us", "end_us"])

    op.create_table(
        "battery_forecast",
        sa.Column("site_id", sa.String(length=12), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("state_of_charge_pct", sa.Float(), nullable=True),
        sa.Column("load_power_w", sa.Float(), nullable=True),
        sa.Column("hours_left", sa.Float(), nullable=True),
        sa.Column("hours_left_low", sa.Float(), nullable=True),
        sa.Column("hours_left_high", sa.Float(), nullable=True),
        sa.Column("dark_at_us", sa.BigInteger(), nullable=True),
        sa.Column("dark_before_morning", sa.Boolean(), nullable=False),
        sa.Column("curve", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_battery_forecast")),
    )
