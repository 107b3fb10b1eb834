"""Work orders, teams, planned outages, preventive rounds."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outage",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("site_ids", sa.JSON(), nullable=False),
        sa.Column("camera_ids", sa.JSON(), nullable=False),
        sa.Column("from_us", sa.BigInteger(), nullable=False),
        sa.Column("until_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("by", sa.String(length=32), nullable=False),
        sa.Column("by_name", sa.String(length=200), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outage")),
    )
    op.create_index(op.f("ix_outage_from_us"), "outage", ["from_us"], unique=False)
    op.create_index(op.f("ix_outage_until_us"), "outage", ["until_us"], unique=False)
    op.create_table(
        "team",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name_ar", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("sector_ids", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
        sa.UniqueConstraint("code", name=op.f("uq_team_code")),
    )
    op.create_table(
        "preventive_round",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("name_ar", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("site_ids", sa.JSON(), nullable=False),
        sa.Column("every_days", sa.Integer(), nullable=False),
        sa.Column("first_due_us", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.JSON(), nullable=False),
        sa.Column("team_id", sa.String(length=12), nullable=True),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_preventive_round_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preventive_round")),
    )
    op.create_table(
        "work_order",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("priority", sa.String(length=10), nullable=False),
        sa.Column("site_id", sa.String(length=12), nullable=False),
        sa.Column("sector_id", sa.String(length=12), nullable=False),
        sa.Column("camera_ids", sa.JSON(), nullable=False),
        sa.Column("cause_id", sa.String(length=12), nullable=False),
        sa.Column("open_cause_id", sa.String(length=12), nullable=True),
        sa.Column("cause_kind", sa.String(length=40), nullable=False),
        sa.Column("alarm_id", sa.String(length=12), nullable=False),
        sa.Column("round_id", sa.String(length=12), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("team_id", sa.String(length=12), nullable=True),
        sa.Column("parts_used", sa.JSON(), nullable=False),
        sa.Column("work_min", sa.Integer(), nullable=False),
        sa.Column("opened_us", sa.BigInteger(), nullable=False),
        sa.Column("opened_by", sa.String(length=32), nullable=False),
        sa.Column("opened_by_name", sa.String(length=200), nullable=False),
        sa.Column("due_us", sa.BigInteger(), nullable=True),
        sa.Column("accepted_us", sa.BigInteger(), nullable=True),
        sa.Column("arrived_us", sa.BigInteger(), nullable=True),
        sa.Column("done_us", sa.BigInteger(), nullable=True),
        sa.Column("closed_us", sa.BigInteger(), nullable=True),
        sa.Column("reopened_count", sa.Integer(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_work_order_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_order")),
        sa.UniqueConstraint("number", name=op.f("uq_work_order_number")),
        sa.UniqueConstraint("open_cause_id", name=op.f("uq_work_order_open_cause_id")),
    )
    op.create_index(op.f("ix_work_order_cause_id"), "work_order", ["cause_id"], unique=False)
    op.create_index(op.f("ix_work_order_closed_us"), "work_order", ["closed_us"], unique=False)
    op.create_index(op.f("ix_work_order_opened_us"), "work_order", ["opened_us"], unique=False)
    op.create_index("ix_work_order_site", "work_order", ["site_id", "opened_us"], unique=False)
    op.create_index(op.f("ix_work_order_state"), "work_order", ["state"], unique=False)
    op.create_index(op.f("ix_work_order_team_id"), "work_order", ["team_id"], unique=False)
    op.create_table(
        "work_order_entry",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("work_order_id", sa.String(length=12), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=False),
        sa.Column("by_name", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["work_order_id"], ["work_order.id"], name=op.f("fk_work_order_entry_work_order_id_work_order")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_order_entry")),
    )
    op.create_index(op.f("ix_work_order_entry_work_order_id"), "work_order_entry", ["work_order_id"], unique=False)
    op.create_table(
        "work_order_photo",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("work_order_id", sa.String(length=12), nullable=False),
        sa.Column("taken", sa.String(length=8), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=False),
        sa.Column("by_name", sa.String(length=200), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["work_order_id"], ["work_order.id"], name=op.f("fk_work_order_photo_work_order_id_work_order")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_order_photo")),
    )
    op.create_index(op.f("ix_work_order_photo_work_order_id"), "work_order_photo", ["work_order_id"], unique=False)
