"""What a newer program may write into each column, and a store with one of everything.

Every column that holds a document or an enumeration is listed with what a newer program might put there.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import text

from bot.domain.catalogue import Catalogue
from bot.domain.people import Audience
from bot.domain.settings import App, RecordType
from bot.store.engine import open_engines
from bot.store.store import SqlStore
from tests.store.examples import (
    ACCOUNT,
    ALEX,
    GROUP,
    MEGAN,
    RECORD,
    chat,
    connection,
    member,
    noted,
    refused,
    settings_change,
    webhook,
)

NEWER_TYPE = {
    "name": "account",
    "label": "Account",
    "links": ["https://crm.example.com/{id:tree}/**", "https://crm.example.com/records/account/{id}"],
    "key": {"patterns": ["A-#", "B-#"]},
    "apps": ["sales-hub", {"id": "service", "since": 2}, "{7}"],
    "disclosure": "summary",
    "disclosure_external": ["type", "for partners"],
    "connect": "own",
    "join": {"least": "read"},
    "join_history": "a week",
    "enabled": "on weekdays",
    "note": None,
    "card_fields": ["Status", {"name": "Value", "shown": "rounded"}],
    "reactions": {"enabled": True},
}
DOCUMENTS: dict[str, Any] = {
    "settings.admins": [ALEX, {"group": "all of finance"}],
    "settings.admin_names": {ALEX: {"given": "Alex", "family": "Wilber"}, MEGAN: "Megan"},
    "record_types.document": NEWER_TYPE,
    "apps.document": {"id": "sales-hub", "label": 7, "enabled": "maybe", "embed": ["https://crm.example.com"]},
    "records.fields": {"Status": "Open", "Value": {"amount": 7, "currency": "EUR"}, "Tags": ["a"]},
    "events.data": ["not", "an", "object"],
    "turns.response": ["several", "messages"],
    "idempotency_keys.response": {"status": 202, "job": "01J"},
    "outbox.message": {"type": "typing", "more": [1]},
    "webhooks.secrets": [["whsec_c2VjcmV0", None, "ed25519"]],
    "webhooks.types": ["note.added", "record.merged", {"prefix": "chat."}],
    "webhooks.record_types": ["account", {"not": "case"}],
    "settings_changes.before": ["a", "list"],
    "settings_changes.after": "a text",
}
ENUMERATIONS = {
    "events.kind": "record.merged",
    "events.chat_kind": "community",
    "chats.kind": "community",
    "chats.state": "archived",
    "chats.audience": "partners",
    "outbox.state": "scheduled",
    "outbox.kind": "reaction",
    "webhooks.state": "paused",
    "settings_changes.subject": "webhook",
    "settings_changes.via": "page",
    "refusals.action": "archive",
    "refusals.reason": "too-late",
}
PLAIN = {
    *("record_types.name", "apps.id", "events.event", "events.chat_id", "events.chat_topic", "turns.activity"),
    *("records.title", "records.url", "records.app", "members.account", "members.home", "chats.topic", "chats.team"),
    *("chats.service_url", "chats.bot", "last_notes.digest", "idempotency_keys.key", "idempotency_keys.digest"),
    *("outbox.error", "webhooks.url", "webhooks.error", "parked.error", "refusals.setting", "settings_changes.name"),
}
PLAIN_EVERYWHERE = {"tenant", "type", "id", "name", "chat", "person", "webhook"} | {
    f"{who}_{what}" for who in ("owner", "actor", "by") for what in ("id", "name")
}
FUTURE = {**{column: json.dumps(value) for column, value in DOCUMENTS.items()}, **ENUMERATIONS}


class Rows:
    """Statements of a newer program, each in a transaction of its own."""

    def __init__(self, url: str) -> None:
        self._url = url

    def write(self, column: str, value: str) -> None:
        """Put the value into this column of every row."""
        table, _, name = column.partition(".")
        changed = self._execute(f"UPDATE {table} SET {name} = :value", value=value)
        assert changed.rowcount >= 1, f"there must be a row in {table}"

    def read(self, column: str) -> list[str]:
        table, _, name = column.partition(".")
        return list(self._execute(f"SELECT {name} FROM {table}").scalars())

    def run(self, statement: str) -> None:
        self._execute(statement)

    def _execute(self, statement: str, **values: str) -> Any:
        engines = open_engines(self._url)
        try:
            with engines.writer.begin() as connection:
                found = connection.execute(text(statement), values)
                return found.freeze()() if found.returns_rows else found
        finally:
            engines.dispose()


async def fill(store: SqlStore) -> None:
    """One of everything."""
    account = RecordType(name="account", label="Account", links=("https://crm.example.com/records/account/{id}",))
    await store.seed(Catalogue(types=[account], apps=[App(id="sales-hub", label="Sales")], admins={ALEX: "Alex"}))

    def work(tx: Any) -> None:
        tx.put_chat(chat(topic="Renewal", team="19:team", rostered=True, audience=Audience.INTERNAL))
        tx.put_members(GROUP, [member("29:alex", ALEX)])
        tx.put_webhook(webhook())
        tx.put_record(RECORD)
        tx.add_connection(connection())
        tx.add_event(noted(text="hello"))
        tx.add_settings_change(settings_change(before={"id": "x"}))
        tx.add_refusal(refused())
        tx.tell(GROUP, {"text": "waits"})
        assert tx.claim_turn("activity", GROUP) is None
        tx.save_turn("activity", GROUP, {"text": "answer"})
        tx.remember_note(GROUP, ALEX, "digest", 1)
        assert tx.idempotent_response("key") is None
        tx.save_idempotent_response("key", "digest", {"a": 1})

    await store.write(work)


async def read_everything(store: SqlStore, watch: Any) -> dict[str, Any]:
    """By everything that reads."""
    await store.ping()
    found: dict[str, Any] = {"unfurl_facts": await store.unfurl_facts(ACCOUNT, person=ALEX, chat=GROUP)}

    def read(tx: Any) -> None:
        found["catalogue"] = tx.catalogue()
        found["record"], found["record for"] = tx.record(ACCOUNT), tx.record_for(ACCOUNT, ALEX)
        found["chat"], found["channels"] = tx.chat(GROUP), tx.channels_of("19:team")
        found["members"], found["guest"] = tx.members(GROUP), tx.is_guest(ALEX)
        found["connections"] = tx.connections_of_chat(GROUP), tx.connections_of_record(ACCOUNT)
        found["events"], found["feed"] = tx.events(ACCOUNT, limit=9), tx.feed(after=0, limit=9)
        found["changes"], found["refusals"] = tx.settings_changes(limit=9), tx.refusals(limit=9)
        found["refusals of"] = tx.refusals_of(ALEX, since=0, limit=9)
        found["webhooks"], found["status"] = tx.webhooks(), tx.webhook_status("01WEBHOOK")
        found["parked"] = tx.parked_events("01WEBHOOK", limit=9)
        found["outbox"], found["backlog"] = tx.outbox_status(), tx.outbox_backlog()
        found["due"] = tx.due_webhooks()

    def write(tx: Any) -> None:
        found["turn"] = tx.claim_turn("activity", GROUP)
        found["idempotent"] = tx.idempotent_response("key")
        found["note"] = tx.recent_note(GROUP, ALEX)
        found["deliveries"] = tx.claim_deliveries(limit=9, most=9, lease=1)
        found["told"] = tx.claim_events("01WEBHOOK", limit=9, lease=1)
        tx.add_event(noted(text="goes on"))

    await store.read(read)
    await store.write(write)
    watch.now += 10
    await store.write(lambda tx: tx.expire(before=watch.now))
    return found


async def newer_settings(store: SqlStore, rows: Any) -> Catalogue:
    await fill(store)
    for column in ("record_types.document", "apps.document", "settings.admins", "settings.admin_names"):
        rows.write(column, FUTURE[column])
    rows.run("UPDATE settings SET version = version + 1")
    return await store.read(lambda tx: tx.catalogue())
