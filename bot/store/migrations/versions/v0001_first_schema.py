"""The first schema: settings, records, timelines, chats, connections, what must happen once, and the outbox.

Frozen: later changes are later versions.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True)


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def _number(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=null)


def upgrade() -> None:
    _settings()
    _records()
    _chats()
    _once()


def _settings() -> None:
    op.create_table(
        "settings",
        _key("tenant"),
        _number("version"),
        _text("admins"),
        sa.PrimaryKeyConstraint("tenant", name="pk_settings"),
    )
    op.create_table(
        "record_types",
        _key("tenant"),
        _key("name"),
        _number("position"),
        _text("document"),
        sa.PrimaryKeyConstraint("tenant", "name", name="pk_record_types"),
    )
    op.create_table(
        "apps",
        _key("tenant"),
        _key("id"),
        _number("position"),
        _text("document"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_apps"),
    )


def _records() -> None:
    op.create_table(
        "records",
        _key("tenant"),
        _key("type"),
        _key("id"),
        _text("title"),
        _text("url", null=True),
        _text("fields"),
        _text("owner_id", null=True),
        _text("owner_name", null=True),
        _text("app", null=True),
        _number("version"),
        sa.PrimaryKeyConstraint("tenant", "type", "id", name="pk_records"),
    )
    op.create_table(
        "access",
        _key("tenant"),
        _key("type"),
        _key("id"),
        _key("person"),
        sa.Column("level", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "type", "id", "person", name="pk_access"),
        sa.ForeignKeyConstraint(
            ["tenant", "type", "id"],
            ["records.tenant", "records.type", "records.id"],
            name="fk_access_records",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "timelines",
        _key("tenant"),
        _key("type"),
        _key("id"),
        _number("last_seq"),
        _number("last_version"),
        sa.PrimaryKeyConstraint("tenant", "type", "id", name="pk_timelines"),
    )
    op.create_table(
        "feeds",
        _key("tenant"),
        _number("last_position"),
        sa.PrimaryKeyConstraint("tenant", name="pk_feeds"),
    )
    op.create_table(
        "events",
        _key("tenant"),
        _key("type"),
        _key("id"),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        _text("event"),
        _number("position"),
        _number("at"),
        _text("kind"),
        _text("actor_id", null=True),
        _text("actor_name", null=True),
        _text("chat_id", null=True),
        _text("chat_kind", null=True),
        _text("chat_topic", null=True),
        _text("data"),
        sa.PrimaryKeyConstraint("tenant", "type", "id", "seq", name="pk_events"),
        sa.UniqueConstraint("tenant", "event", name="uq_events_tenant_event"),
        sa.UniqueConstraint("tenant", "position", name="uq_events_tenant_position"),
    )


def _chats() -> None:
    op.create_table(
        "chats",
        _key("tenant"),
        _key("id"),
        _text("kind"),
        _text("topic"),
        _text("state"),
        _text("audience"),
        _text("team", null=True),
        _text("service_url"),
        _text("bot"),
        sa.Column("rostered", sa.Boolean, nullable=False),
        _number("roster_at"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_chats"),
    )
    op.create_index("ix_chats_tenant_team_id", "chats", ["tenant", "team", "id"])
    op.create_table(
        "members",
        _key("tenant"),
        _key("chat"),
        _key("account"),
        _text("person", null=True),
        _text("name"),
        _text("home", null=True),
        sa.Column("guest", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "chat", "account", name="pk_members"),
        sa.ForeignKeyConstraint(["tenant", "chat"], ["chats.tenant", "chats.id"], name="fk_members_chats"),
    )
    op.create_index(
        "ix_members_guests",
        "members",
        ["tenant", "person"],
        sqlite_where=sa.text("guest = 1"),
        postgresql_where=sa.text("guest"),
    )
    op.create_table(
        "connections",
        _key("tenant"),
        _key("chat"),
        _key("type"),
        _key("id"),
        _number("since"),
        _text("by_id", null=True),
        _text("by_name", null=True),
        sa.PrimaryKeyConstraint("tenant", "chat", "type", "id", name="pk_connections"),
        sa.ForeignKeyConstraint(["tenant", "chat"], ["chats.tenant", "chats.id"], name="fk_connections_chats"),
    )
    op.create_index(
        "ix_connections_tenant_type_id_since_chat", "connections", ["tenant", "type", "id", "since", "chat"]
    )


def _once() -> None:
    op.create_table(
        "turns",
        _key("tenant"),
        _key("activity"),
        _key("chat"),
        _text("response", null=True),
        _number("delivery", null=True),
        _number("at"),
        sa.PrimaryKeyConstraint("tenant", "activity", "chat", name="pk_turns"),
    )
    op.create_index("ix_turns_tenant_at", "turns", ["tenant", "at"])
    op.create_table(
        "last_notes",
        _key("tenant"),
        _key("chat"),
        _key("person"),
        _text("digest"),
        _number("at"),
        _number("seq"),
        sa.PrimaryKeyConstraint("tenant", "chat", "person", name="pk_last_notes"),
    )
    op.create_table(
        "idempotency_keys",
        _key("tenant"),
        _key("key"),
        _text("digest"),
        _text("response"),
        _number("at"),
        sa.PrimaryKeyConstraint("tenant", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_tenant_at", "idempotency_keys", ["tenant", "at"])
    op.create_table(
        "outbox",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        _text("tenant"),
        _text("chat"),
        _text("message"),
        _text("state"),
        _number("due_at"),
        _number("lease_until"),
        _number("fence"),
        _number("attempts"),
        _text("error"),
        _number("created_at"),
        sa.PrimaryKeyConstraint("number", name="pk_outbox"),
        sa.ForeignKeyConstraint(["tenant", "chat"], ["chats.tenant", "chats.id"], name="fk_outbox_chats"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_outbox_undone",
        "outbox",
        ["tenant", "chat", "number"],
        sqlite_where=sa.text("state = 'ready'"),
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.create_index(
        "ix_outbox_done",
        "outbox",
        ["tenant", "created_at"],
        sqlite_where=sa.text("state = 'done'"),
        postgresql_where=sa.text("state = 'done'"),
    )
