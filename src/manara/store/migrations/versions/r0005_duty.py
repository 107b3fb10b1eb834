"""Consoles, shifts, notifications."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_APPEND_ONLY_SQLITE = (
    "CREATE TRIGGER shift_entry_no_update BEFORE UPDATE ON shift_entry "
    "BEGIN SELECT RAISE(ABORT, 'a shift log is append-only'); END",
    "CREATE TRIGGER shift_entry_no_delete BEFORE DELETE ON shift_entry "
    "BEGIN SELECT RAISE(ABORT, 'a shift log is append-only'); END",
    "CREATE TRIGGER shift_handed_no_update BEFORE UPDATE OF note, carried, carried_sha256, handed_us, account_id "
    "ON shift WHEN OLD.handed_us IS NOT NULL "
    "BEGIN SELECT RAISE(ABORT, 'a shift log that was handed over is closed'); END",
)
_APPEND_ONLY_POSTGRESQL = (
    "CREATE FUNCTION shift_entry_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'a shift log is append-only'; END $$",
    "CREATE TRIGGER shift_entry_no_change BEFORE UPDATE OR DELETE ON shift_entry "
    "FOR EACH ROW EXECUTE FUNCTION shift_entry_append_only()",
    "CREATE TRIGGER shift_entry_no_truncate BEFORE TRUNCATE ON shift_entry EXECUTE FUNCTION shift_entry_append_only()",
    "CREATE TRIGGER shift_handed_no_update BEFORE UPDATE OF note, carried, carried_sha256, handed_us, account_id "
    "ON shift FOR EACH ROW WHEN (OLD.handed_us IS NOT NULL) EXECUTE FUNCTION shift_entry_append_only()",
)


def upgrade() -> None:
    op.create_table(
        "console",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name_ar", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("sector_ids", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("skills", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_console")),
        sa.UniqueConstraint("code", name=op.f("uq_console_code")),
    )
    op.create_table(
        "notification_route",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=2048), nullable=False),
        sa.Column("secret_sealed", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("priorities", sa.JSON(), nullable=False),
        sa.Column("sector_ids", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("kinds", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("escalated_min", sa.Integer(), nullable=False),
        sa.Column("tell_end", sa.Boolean(), nullable=False),
        sa.Column("quiet_from_min", sa.Integer(), nullable=True),
        sa.Column("quiet_until_min", sa.Integer(), nullable=True),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("removed_us", sa.BigInteger(), nullable=True),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_route")),
    )
    op.create_table(
        "notification",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("route_id", sa.String(length=12), nullable=False),
        sa.Column("alarm_id", sa.String(length=12), nullable=False),
        sa.Column("occasion", sa.String(length=16), nullable=False),
        sa.Column("occasion_us", sa.BigInteger(), nullable=False),
        sa.Column("priority", sa.String(length=16), nullable=False),
        sa.Column("sector_id", sa.String(length=12), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_us", sa.BigInteger(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("sent_us", sa.BigInteger(), nullable=True),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["route_id"], ["notification_route.id"], name=op.f("fk_notification_route_id_notification_route")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification")),
        sa.UniqueConstraint("route_id", "alarm_id", "occasion", "occasion_us", name="uq_notification_once"),
    )
    with op.batch_alter_table("notification", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notification_alarm_id"), ["alarm_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_notification_created_us"), ["created_us"], unique=False)
        batch_op.create_index("ix_notification_due", ["state", "next_us"], unique=False)
        batch_op.create_index(batch_op.f("ix_notification_route_id"), ["route_id"], unique=False)

    op.create_table(
        "shift",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("console_id", sa.String(length=12), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("account_name", sa.String(length=200), nullable=False),
        sa.Column("started_us", sa.BigInteger(), nullable=False),
        sa.Column("previous_id", sa.String(length=12), nullable=True),
        sa.Column("handed_us", sa.BigInteger(), nullable=True),
        sa.Column("handed_by", sa.String(length=200), nullable=False),
        sa.Column("to_account_id", sa.String(length=32), nullable=True),
        sa.Column("to_account_name", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("carried", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("carried_sha256", sa.String(length=64), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["console_id"], ["console.id"], name=op.f("fk_shift_console_id_console")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift")),
    )
    with op.batch_alter_table("shift", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_shift_console_id"), ["console_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_shift_ended_us"), ["ended_us"], unique=False)
        batch_op.create_index(
            "ix_shift_one_at_a_console",
            ["console_id"],
            unique=True,
            sqlite_where=sa.text("ended_us IS NULL"),
            postgresql_where=sa.text("ended_us IS NULL"),
        )
        batch_op.create_index(batch_op.f("ix_shift_started_us"), ["started_us"], unique=False)

    op.create_table(
        "shift_entry",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("shift_id", sa.String(length=12), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("account_name", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["shift_id"], ["shift.id"], name=op.f("fk_shift_entry_shift_id_shift")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_shift_entry")),
    )
    with op.batch_alter_table("shift_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_shift_entry_shift_id"), ["shift_id"], unique=False)

    postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in _APPEND_ONLY_POSTGRESQL if postgresql else _APPEND_ONLY_SQLITE:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("the log of shifts is not taken back: restore a backup instead")
