"""Alembic's entry: it runs this file with `context` set up by `tocsin.store.upgrade`."""

from alembic import context

from tocsin.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
