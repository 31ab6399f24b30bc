"""Webhooks: who is told of events, and what each of them is still owed.

Only adds, so that a program of version 0001 serves on while this runs and after it. What such a program adds is owed to
nobody: it does not know of webhooks. Frozen: later changes are later versions.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _number(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=null)


def upgrade() -> None:
    op.add_column("feeds", sa.Column("webhooks", sa.BigInteger, nullable=False, server_default=sa.text("0")))
    op.create_index(
        "ix_outbox_parked",
        "outbox",
        ["tenant"],
        sqlite_where=sa.text("state = 'parked'"),
        postgresql_where=sa.text("state = 'parked'"),
    )
    _webhooks()
    _owed()


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        _key("tenant"),
        _key("id"),
        _text("url"),
        _text("secrets"),
        _text("types"),
        _text("record_types"),
        _text("state"),
        _number("created_at"),
        _number("delivered_at", null=True),
        _number("failed_at", null=True),
        _text("error"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_webhooks"),
    )
    op.create_table(
        "streams",
        _key("tenant"),
        _key("webhook"),
        _key("type"),
        _key("id"),
        _number("due_at", null=True),
        _number("lease_until"),
        _number("fence"),
        sa.PrimaryKeyConstraint("tenant", "webhook", "type", "id", name="pk_streams"),
        sa.ForeignKeyConstraint(["tenant", "webhook"], ["webhooks.tenant", "webhooks.id"], name="fk_streams_webhooks"),
    )
    op.create_index(
        "ix_streams_due",
        "streams",
        ["tenant", "webhook", "due_at"],
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )


def _owed() -> None:
    op.create_table(
        "owed",
        _key("tenant"),
        _key("webhook"),
        _key("type"),
        _key("id"),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        _number("at"),
        _number("since"),
        _number("attempts"),
        sa.PrimaryKeyConstraint("tenant", "webhook", "type", "id", "seq", name="pk_owed"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "parked",
        _key("tenant"),
        _key("webhook"),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        _number("attempts"),
        _number("parked_at"),
        _text("error"),
        sa.PrimaryKeyConstraint("tenant", "webhook", "position", name="pk_parked"),
    )
