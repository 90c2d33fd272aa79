"""Runs the migrations on the connection that `catalog.opening` gives."""

from alembic import context

from catalog.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
