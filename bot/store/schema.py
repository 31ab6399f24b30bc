"""The tables. The same types on both databases: ids as text, times as microseconds since the epoch (UTC), documents as
JSON text.

Every table carries the tenant, in every key that people or systems can choose a value of. Whoever changes a table here
adds a version in `migrations/versions`; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _key(name: str) -> Column[str]:
    return Column(name, Text, primary_key=True)


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _number(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


def _counted(name: str) -> Column[int]:
    return Column(name, BigInteger().with_variant(Integer, "sqlite"), primary_key=True)


settings = Table(
    "settings",
    metadata,
    _key("tenant"),
    _number("version"),
    _text("admins"),
    Column("admin_names", Text, nullable=False, server_default=text("'{}'")),
)
"""One row per tenant, from its first start on. `version` counts every change of a setting; `admins` is a JSON list of
ids, `admin_names` a JSON object of those whose names are known."""

record_types = Table("record_types", metadata, _key("tenant"), _key("name"), _number("position"), _text("document"))
"""The admin's settings of each record type, as `bot.domain.settings_json` writes them; `position` is the order in which
they were created."""

apps = Table("apps", metadata, _key("tenant"), _key("id"), _number("position"), _text("document"))
"""The record systems' apps, as `bot.domain.settings_json` writes them; `position` is the order of creation."""

records = Table(
    "records",
    metadata,
    _key("tenant"),
    _key("type"),
    _key("id"),
    _text("title"),
    _text("url", null=True),
    _text("fields"),
    *(_text(name, null=True) for name in ("owner_id", "owner_name", "app")),
    _number("version"),
)
"""The records that exist now. `fields` is a JSON object in the order of display; no owner is a NULL `owner_name`."""

access = Table(
    "access",
    metadata,
    _key("tenant"),
    _key("type"),
    _key("id"),
    _key("person"),
    Column("level", Integer, nullable=False),
    ForeignKeyConstraint(
        ["tenant", "type", "id"], ["records.tenant", "records.type", "records.id"], ondelete="CASCADE"
    ),
)
"""Who may do what with a record: `person` is an Entra object id or `*`, `level` a `Privilege`."""

timelines = Table(
    "timelines",
    metadata,
    _key("tenant"),
    _key("type"),
    _key("id"),
    _number("last_seq"),
    _number("last_version"),
)
"""The counters of every record that ever was. They outlive the record, so that a new one goes on where it ended."""

feeds = Table(
    "feeds",
    metadata,
    _key("tenant"),
    _number("last_position"),
    Column("webhooks", BigInteger, nullable=False, server_default=text("0")),
)
"""The counter of the feed of all events: taken last in a transaction, so that positions appear in their order.
`webhooks` counts the changes of who is told: it is in this row because whoever adds events holds it."""

events = Table(
    "events",
    metadata,
    _key("tenant"),
    _key("type"),
    _key("id"),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    _text("event"),
    _number("position"),
    _number("at"),
    _text("kind"),
    *(_text(name, null=True) for name in ("actor_id", "actor_name", "chat_id", "chat_kind", "chat_topic")),
    _text("data"),
    UniqueConstraint("tenant", "event"),
    UniqueConstraint("tenant", "position"),
)
"""Facts, never changed. `event` is the ULID, `kind` an `EventType`; no actor is a NULL `actor_name`, no chat a NULL
`chat_id`."""

chats = Table(
    "chats",
    metadata,
    _key("tenant"),
    _key("id"),
    *map(_text, ("kind", "topic", "state", "audience")),
    _text("team", null=True),
    *map(_text, ("service_url", "bot")),
    Column("rostered", Boolean, nullable=False),
    Column("roster_at", BigInteger, nullable=False),
    Index(None, "tenant", "team", "id"),
)
"""The conversations the bot is or was in. Never deleted: one that is gone has the state `gone`."""

members = Table(
    "members",
    metadata,
    _key("tenant"),
    _key("chat"),
    _key("account"),
    _text("person", null=True),
    _text("name"),
    _text("home", null=True),
    Column("guest", Boolean, nullable=False),
    ForeignKeyConstraint(["tenant", "chat"], ["chats.tenant", "chats.id"]),
    # Programs of version 0002 ask it who is a guest. Only guests are in it, so that SQLite has none to prefer wrongly.
    Index("ix_members_guests", "tenant", "person", sqlite_where=text("guest = 1"), postgresql_where=text("guest")),
)
"""The rosters. `account` is the id Teams uses in the chat, `person` the Entra object id, `home` the person's tenant."""

guests = Table("guests", metadata, _key("tenant"), _key("person"), _number("seen_at"), Index(None, "tenant", "seen_at"))
"""Whom some roster showed as a guest, and when last. It outlives the rosters: who leaves a chat is a guest still."""

connections = Table(
    "connections",
    metadata,
    _key("tenant"),
    _key("chat"),
    _key("type"),
    _key("id"),
    _number("since"),
    _text("by_id", null=True),
    _text("by_name", null=True),
    ForeignKeyConstraint(["tenant", "chat"], ["chats.tenant", "chats.id"]),
    Index(None, "tenant", "type", "id", "since", "chat"),
)
"""Chats tied to records. The primary key is the rule that a chat is connected to a record once."""

turns = Table(
    "turns",
    metadata,
    _key("tenant"),
    _key("activity"),
    _key("chat"),
    _text("response", null=True),
    _number("delivery", null=True),  # written by older programs, which may share the database
    _number("at"),
    Index(None, "tenant", "at"),
)
"""The activities that were taken, with what was answered. The primary key is the rule that each has one effect."""

last_notes = Table(
    "last_notes",
    metadata,
    _key("tenant"),
    _key("chat"),
    _key("person"),
    _text("digest"),
    _number("at"),
    _number("seq"),
)
"""A person's last command in a chat where that was a note: Teams redelivers it under a new activity id."""

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    _key("tenant"),
    _key("key"),
    _text("digest"),
    _text("response"),
    _number("at"),
    Index(None, "tenant", "at"),
)
"""What was answered under an `Idempotency-Key`, with the digest of the request."""

outbox = Table(
    "outbox",
    metadata,
    _counted("number"),
    *map(_text, ("tenant", "chat", "message", "state")),
    *map(_number, ("due_at", "lease_until", "fence", "attempts")),
    _text("error"),
    _number("created_at"),
    Column("kind", Text, nullable=False, server_default=text("'message'")),
    ForeignKeyConstraint(["tenant", "chat"], ["chats.tenant", "chats.id"]),
    Index(
        "ix_outbox_undone",
        "tenant",
        "chat",
        "number",
        sqlite_where=text("state = 'ready'"),
        postgresql_where=text("state = 'ready'"),
    ),
    Index(
        "ix_outbox_done",
        "tenant",
        "created_at",
        sqlite_where=text("state = 'done'"),
        postgresql_where=text("state = 'done'"),
    ),
    Index(
        "ix_outbox_parked",
        "tenant",
        sqlite_where=text("state = 'parked'"),
        postgresql_where=text("state = 'parked'"),
    ),
    sqlite_autoincrement=True,
)
"""What must still be told or done: `ready`, then `done` or `parked`. `kind` says what a row is, so who may touch it:
a program leaves kinds that it does not know to those that do. A `message` is for a chat. `number` is drawn from one
sequence, never used again; it is the order within a chat. It is the one key without the tenant: nobody chooses it, and
every statement asks for both."""

webhooks = Table(
    "webhooks",
    metadata,
    _key("tenant"),
    _key("id"),
    *map(_text, ("url", "secrets", "types", "record_types", "state")),
    _number("created_at"),
    _number("delivered_at", null=True),
    _number("failed_at", null=True),
    _text("error"),
)
"""Who is told of events. `secrets`, `types` and `record_types` are JSON lists, the first of `[text, until]`."""

streams = Table(
    "streams",
    metadata,
    _key("tenant"),
    _key("webhook"),
    _key("type"),
    _key("id"),
    _number("due_at", null=True),
    _number("lease_until"),
    _number("fence"),
    ForeignKeyConstraint(["tenant", "webhook"], ["webhooks.tenant", "webhooks.id"]),
    Index(
        "ix_streams_due",
        "tenant",
        "webhook",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
)
"""What a webhook is told of one record. `due_at` is when it may be claimed: NULL when nothing waits, and while somebody
holds it the end of the lease. `lease_until` is 0 when nobody holds it; `fence` counts the claims."""

owed = Table(
    "owed",
    metadata,
    _key("tenant"),
    _key("webhook"),
    _key("type"),
    _key("id"),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    _number("at"),
    _number("since"),
    _number("attempts"),
    sqlite_with_rowid=False,  # hardly more than its key: one tree instead of two
)
"""Events that wait for being told to a webhook; told ones are deleted. `at` is the event's, `since` when its schedule
began. No foreign keys: its rows are written and deleted more than any others, always together with their stream's."""

parked = Table(
    "parked",
    metadata,
    _key("tenant"),
    _key("webhook"),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    _number("attempts"),
    _number("parked_at"),
    _text("error"),
)
"""Events given up, by their position in the feed: kept aside, so that what waits is found as fast as without them."""

settings_changes = Table(
    "settings_changes",
    metadata,
    _counted("number"),
    _text("tenant"),
    _number("at"),
    *map(_text, ("subject", "name", "via")),
    *(_text("by_id", null=True), _text("by_name", null=True), _text("before", null=True), _text("after")),
    Index(None, "tenant", "number"),
    sqlite_autoincrement=True,
)
"""Who changed a setting: `subject` is a `Subject`, `via` a `Via`, `before` (NULL when it is new) and `after` documents;
nobody named is a NULL `by_name`. `number` is as in `outbox`, in the order of the changes."""

refusals = Table(
    "refusals",
    metadata,
    _counted("number"),
    _text("tenant"),
    _number("at"),
    *map(_text, ("action", "reason", "chat", "by_name")),
    *(_text(name, null=True) for name in ("by_id", "setting", "type", "id")),
    Index(None, "tenant", "number"),
    Index(None, "tenant", "at"),
    sqlite_autoincrement=True,
)
"""Whom the rules refused what: `action` is an `Action`, `reason` a `Reason`; no record is a NULL `type`. `number` is as
in `outbox`, taken under a lock, so that a reader who goes on after the last one misses none."""
