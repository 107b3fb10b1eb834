"""Alarms, their lives, their kinds, the account of signals, suppressions."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_APPEND_ONLY_SQLITE = (
    "CREATE TRIGGER alarm_entry_no_update BEFORE UPDATE ON alarm_entry "
    "BEGIN SELECT RAISE(ABORT, 'the life of an alarm is append-only'); END",
    "CREATE TRIGGER alarm_entry_no_delete BEFORE DELETE ON alarm_entry "
    "BEGIN SELECT RAISE(ABORT, 'the life of an alarm is append-only'); END",
)
_APPEND_ONLY_POSTGRESQL = (
    "CREATE FUNCTION alarm_entry_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the life of an alarm is append-only'; END $$",
    "CREATE TRIGGER alarm_entry_no_change BEFORE UPDATE OR DELETE ON alarm_entry "
    "FOR EACH ROW EXECUTE FUNCTION alarm_entry_append_only()",
)


def upgrade() -> None:
    op.create_table(
        "alarm",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("priority", sa.String(length=10), nullable=False),
        sa.Column("signal_id", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("site_id", sa.String(length=12), nullable=True),
        sa.Column("sector_id", sa.String(length=12), nullable=True),
        sa.Column("sector_ids", sa.JSON(), nullable=False),
        sa.Column("camera_ids", sa.JSON(), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("annunciated_us", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_us", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=32), nullable=True),
        sa.Column("acknowledged_by_name", sa.String(length=200), nullable=False),
        sa.Column("returned_us", sa.BigInteger(), nullable=True),
        sa.Column("closed_us", sa.BigInteger(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("owed", sa.Boolean(), nullable=False),
        sa.Column("latched", sa.Boolean(), nullable=False),
        sa.Column("latch_holds", sa.Boolean(), nullable=False),
        sa.Column("shelved", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("suppressed", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("out_of_service", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("group_id", sa.String(length=12), nullable=True),
        sa.Column("group_scope", sa.String(length=10), nullable=False),
        sa.Column("joined_us", sa.BigInteger(), nullable=False),
        sa.Column("released_us", sa.BigInteger(), nullable=True),
        sa.Column("told_count", sa.Integer(), nullable=False),
        sa.Column("flooded", sa.Boolean(), nullable=False),
        sa.Column("live_signals", sa.JSON(), nullable=False),
        sa.Column("off_us", sa.BigInteger(), nullable=True),
        sa.Column("on_us", sa.BigInteger(), nullable=True),
        sa.Column("due_us", sa.BigInteger(), nullable=True),
        sa.Column("members_count", sa.Integer(), nullable=False),
        sa.Column("grouped_count", sa.Integer(), nullable=False),
        sa.Column("respond_by_us", sa.BigInteger(), nullable=True),
        sa.Column("escalated", sa.Integer(), nullable=False),
        sa.Column("owner_role", sa.String(length=20), nullable=False),
        sa.Column("console_id", sa.String(length=12), nullable=True),
        sa.Column("direct", sa.Boolean(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("pictures", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("count_24h", sa.Integer(), nullable=False),
        sa.Column("chattering", sa.Boolean(), nullable=False),
        sa.Column("work_order_id", sa.String(length=12), nullable=True),
        sa.Column("exercise", sa.Boolean(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
    )
    with op.batch_alter_table("alarm", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alarm_annunciated_us"), ["annunciated_us"], unique=False)
        batch_op.create_index(batch_op.f("ix_alarm_changed_us"), ["changed_us"], unique=False)
        batch_op.create_index(batch_op.f("ix_alarm_closed_us"), ["closed_us"], unique=False)
        batch_op.create_index(batch_op.f("ix_alarm_console_id"), ["console_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_alarm_due_us"), ["due_us"], unique=False)
        batch_op.create_index(batch_op.f("ix_alarm_group_id"), ["group_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_alarm_kind"), ["kind"], unique=False)
        batch_op.create_index(batch_op.f("ix_alarm_sector_id"), ["sector_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_alarm_since_us"), ["since_us"], unique=False)
        batch_op.create_index(batch_op.f("ix_alarm_site_id"), ["site_id"], unique=False)
        batch_op.create_index("ix_alarm_source", ["subject", "kind"], unique=False)
        batch_op.create_index(batch_op.f("ix_alarm_state"), ["state"], unique=False)

    op.create_table(
        "alarm_entry",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("alarm_id", sa.String(length=12), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(length=24), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=False),
        sa.Column("by_name", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("annunciated", sa.Boolean(), nullable=False),
        sa.Column("console_id", sa.String(length=12), nullable=True),
        sa.Column("priority", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_alarm_entry")),
    )
    with op.batch_alter_table("alarm_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alarm_entry_alarm_id"), ["alarm_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_alarm_entry_annunciated"), ["annunciated"], unique=False)
        batch_op.create_index(batch_op.f("ix_alarm_entry_at_us"), ["at_us"], unique=False)

    op.create_table(
        "alarm_flood",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("console_id", sa.String(length=12), nullable=True),
        sa.Column("began_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_flood")),
    )
    with op.batch_alter_table("alarm_flood", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alarm_flood_began_us"), ["began_us"], unique=False)
        batch_op.create_index(batch_op.f("ix_alarm_flood_console_id"), ["console_id"], unique=False)

    op.create_table(
        "alarm_kind",
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_alarm_kind")),
    )
    op.create_table(
        "alarm_kind_history",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=False),
        sa.Column("by_name", sa.String(length=200), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_alarm_kind_history")),
    )
    with op.batch_alter_table("alarm_kind_history", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alarm_kind_history_kind"), ["kind"], unique=False)

    op.create_table(
        "alarm_signal",
        sa.Column("signal_id", sa.String(length=40), nullable=False),
        sa.Column("member_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("site_id", sa.String(length=12), nullable=True),
        sa.Column("sector_id", sa.String(length=12), nullable=True),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("seen_us", sa.BigInteger(), nullable=False),
        sa.Column("disposition", sa.String(length=16), nullable=False),
        sa.Column("alarm_id", sa.String(length=12), nullable=True),
        sa.Column("by_id", sa.String(length=12), nullable=False),
        sa.Column("due_us", sa.BigInteger(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("exercise", sa.Boolean(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("signal_id", "member_id", name=op.f("pk_alarm_signal")),
    )
    with op.batch_alter_table("alarm_signal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alarm_signal_alarm_id"), ["alarm_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_alarm_signal_disposition"), ["disposition"], unique=False)
        batch_op.create_index(batch_op.f("ix_alarm_signal_due_us"), ["due_us"], unique=False)
        batch_op.create_index(batch_op.f("ix_alarm_signal_seen_us"), ["seen_us"], unique=False)
        batch_op.create_index("ix_alarm_signal_source", ["subject", "kind", "seen_us"], unique=False)

    op.create_table(
        "suppression",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("site_ids", sa.JSON(), nullable=False),
        sa.Column("camera_ids", sa.JSON(), nullable=False),
        sa.Column("sector_ids", sa.JSON(), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("from_us", sa.BigInteger(), nullable=False),
        sa.Column("until_us", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("ended_by_name", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=32), nullable=False),
        sa.Column("created_by_name", sa.String(length=200), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression")),
    )
    with op.batch_alter_table("suppression", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_suppression_from_us"), ["from_us"], unique=False)
        batch_op.create_index(batch_op.f("ix_suppression_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_suppression_until_us"), ["until_us"], unique=False)

    postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in _APPEND_ONLY_POSTGRESQL if postgresql else _APPEND_ONLY_SQLITE:
        op.execute(statement)
