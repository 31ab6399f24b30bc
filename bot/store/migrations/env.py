"""Alembic's entry. `bot.store.migrate` hands over a connection whose transaction it ends itself."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
