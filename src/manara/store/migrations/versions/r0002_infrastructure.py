"""Power, cabinets, switches, links and telemetry devices of sites; shedding policies."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _id(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=12), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "power_source",
        _id("id"),
        _id("site_id"),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("capacity_wh", sa.Float(), nullable=True),
        sa.Column("peak_w", sa.Float(), nullable=True),
        sa.Column("nominal_v", sa.Float(), nullable=True),
        sa.Column("installed_us", sa.BigInteger(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_power_source_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_power_source")),
        sa.UniqueConstraint("site_id", "kind", name=op.f("uq_power_source_site_id")),
    )
    op.create_table(
        "cabinet",
        _id("site_id"),
        sa.Column("has_fan", sa.Boolean(), nullable=False),
        sa.Column("has_door_sensor", sa.Boolean(), nullable=False),
        sa.Column("hot_c", sa.Float(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_cabinet_site_id_site")),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_cabinet")),
    )
    op.create_table(
        "switch",
        _id("id"),
        _id("site_id"),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("make", sa.String(length=120), nullable=False),
        sa.Column("model", sa.String(length=120), nullable=False),
        sa.Column("ports", sa.Integer(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_switch_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_switch")),
        sa.UniqueConstraint("code", name=op.f("uq_switch_code")),
    )
    op.create_index(op.f("ix_switch_site_id"), "switch", ["site_id"])
    op.create_table(
        "link",
        _id("id"),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        _id("a_site_id"),
        _id("b_site_id"),
        sa.Column("ring", sa.String(length=64), nullable=False),
        sa.Column("length_km", sa.Float(), nullable=True),
        sa.Column("capacity_mbps", sa.Float(), nullable=True),
        sa.Column("rx_low_dbm", sa.Float(), nullable=True),
        _id("a_switch_id", nullable=True),
        sa.Column("a_port", sa.Integer(), nullable=True),
        _id("b_switch_id", nullable=True),
        sa.Column("b_port", sa.Integer(), nullable=True),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["a_site_id"], ["site.id"], name=op.f("fk_link_a_site_id_site")),
        sa.ForeignKeyConstraint(["b_site_id"], ["site.id"], name=op.f("fk_link_b_site_id_site")),
        sa.ForeignKeyConstraint(["a_switch_id"], ["switch.id"], name=op.f("fk_link_a_switch_id_switch")),
        sa.ForeignKeyConstraint(["b_switch_id"], ["switch.id"], name=op.f("fk_link_b_switch_id_switch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link")),
        sa.UniqueConstraint("code", name=op.f("uq_link_code")),
    )
    op.create_index(op.f("ix_link_a_site_id"), "link", ["a_site_id"])
    op.create_index(op.f("ix_link_b_site_id"), "link", ["b_site_id"])
    op.create_table(
        "device",
        _id("id"),
        _id("site_id"),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("protocol", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=False),
        sa.Column("profile", sa.String(length=64), nullable=False),
        sa.Column("subjects", sa.JSON(), nullable=False),
        sa.Column("poll_s", sa.Float(), nullable=False),
        sa.Column("credentials_sealed", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_device_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("code", name=op.f("uq_device_code")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_device_token_hash")),
    )
    op.create_index(op.f("ix_device_site_id"), "device", ["site_id"])
    op.create_table(
        "shed_policy",
        _id("site_id"),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("hysteresis_h", sa.Float(), nullable=False),
        sa.Column("hysteresis_pct", sa.Float(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("step_since_us", sa.BigInteger(), nullable=True),
        sa.Column("step_soc_pct", sa.Float(), nullable=True),
        sa.Column("manual", sa.Boolean(), nullable=False),
        sa.Column("step_by", sa.String(length=200), nullable=False),
        sa.Column("frame_rates", sa.JSON(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_shed_policy_site_id_site")),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_shed_policy")),
    )
    op.add_column("site", sa.Column("supplier", sa.String(length=120), nullable=False, server_default=""))
    # In one statement that both engines know: rebuilding the table, as SQLite would else need, would lose what hangs
    # on the cameras.
    op.execute(
        "ALTER TABLE camera ADD COLUMN switch_id VARCHAR(12)"
        " CONSTRAINT fk_camera_switch_id_switch REFERENCES switch (id)"
    )
    op.add_column("camera", sa.Column("switch_port", sa.Integer(), nullable=True))
    op.add_column("camera", sa.Column("supplier", sa.String(length=120), nullable=False, server_default=""))
    op.create_index(op.f("ix_camera_switch_id"), "camera", ["switch_id"])


def downgrade() -> None:
    raise RuntimeError("taken back by restoring a backup, not by a migration")
