"""Run by alembic: migrates on the connection that it is handed, inside the transaction that is open there."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
