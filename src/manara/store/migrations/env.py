"""Alembic's environment: runs the migrations on the connection that `Database.migrate` hands in."""

from typing import cast

from alembic import context
from sqlalchemy import Connection

from manara.store.base import Base

connection = cast(Connection, context.config.attributes["connection"])
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
connection.commit()
