"""What a newer program may have written: reading it never fails, and nothing of it is lost. On every database.

Every column that holds a document or an enumeration is listed with what a newer program might put there; a column that
is not listed anywhere fails the first test.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, Text, text

from bot.domain.catalogue import Catalogue
from bot.domain.chats import ChatKind, ChatState
from bot.domain.decisions import Action, Reason
from bot.domain.events import EventType
from bot.domain.history import Subject, Via
from bot.domain.people import Audience
from bot.domain.records import App, Disclosure, Privilege, RecordType, Requirement
from bot.domain.webhooks import Webhook, WebhookState
from bot.domain.wire import record_type_to_json
from bot.store.engine import open_engines
from bot.store.peek import peek_settings
from bot.store.schema import metadata
from bot.store.store import SqlStore
from tests.store.conftest import Open, Watch
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


def test_every_column_of_text_is_known_here() -> None:
    columns = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.c
        if isinstance(column.type, Text) and column.name not in PLAIN_EVERYWHERE
    }
    assert columns - PLAIN == set(FUTURE), "a document, an enumeration, or plain text?"


@pytest.fixture
def rows(database: str) -> Any:
    """Statements of a newer program, each in a transaction of its own."""

    @contextmanager
    def connected() -> Iterator[Connection]:
        engines = open_engines(database)
        try:
            with engines.writer.begin() as connection:
                yield connection
        finally:
            engines.dispose()

    class Rows:
        def write(self, column: str, value: str) -> None:
            table, _, name = column.partition(".")
            with connected() as connection:
                changed = connection.execute(text(f"UPDATE {table} SET {name} = :value"), {"value": value})
                assert changed.rowcount >= 1, f"there must be a row in {table}"

        def read(self, column: str) -> list[str]:
            table, _, name = column.partition(".")
            with connected() as connection:
                return list(connection.execute(text(f"SELECT {name} FROM {table}")).scalars())

        def run(self, statement: str) -> None:
            with connected() as connection:
                connection.execute(text(statement))

    return Rows()


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


async def read_everything(store: SqlStore, watch: Watch) -> dict[str, Any]:
    """By everything that reads."""
    await store.ping()
    found: dict[str, Any] = {"glimpse": await store.glimpse(ACCOUNT, person=ALEX, chat=GROUP)}

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


@pytest.mark.parametrize("column", FUTURE)
async def test_what_a_newer_program_wrote_is_read_and_left_as_it_is(
    column: str, open_another: Open, rows: Any, watch: Watch, database: str
) -> None:
    store = await open_another()
    await fill(store)
    rows.write(column, FUTURE[column])
    await store.write(lambda tx: tx.lock_settings())
    if column.partition(".")[0] in ("settings", "record_types", "apps"):
        rows.run("UPDATE settings SET version = version + 1")
    before = rows.read(column)
    await read_everything(store, watch)
    await read_everything(await open_another(), watch)
    assert peek_settings(database, tenant="contoso") is not None
    after = rows.read(column)
    gone = {"turns.response", "idempotency_keys.response"}  # both are forgotten after a day: `expire` was asked to
    assert set(after) >= (set() if column in gone else set(before))
    assert column not in gone or not after


# what it counts as ---------------------------------------------------------------------------------------------------


async def _newer_settings(store: SqlStore, rows: Any) -> Catalogue:
    await fill(store)
    for column in ("record_types.document", "apps.document", "settings.admins", "settings.admin_names"):
        rows.write(column, FUTURE[column])
    rows.run("UPDATE settings SET version = version + 1")
    return await store.read(lambda tx: tx.catalogue())


async def test_settings_that_cannot_be_read_permit_and_show_nothing(store: SqlStore, rows: Any) -> None:
    catalogue = await _newer_settings(store, rows)
    assert catalogue.types["account"] == RecordType(
        name="account",
        label="Account",
        links=("https://crm.example.com/records/account/{id}",),
        key=None,
        apps=("sales-hub",),
        disclosure=Disclosure.NOTHING,
        disclosure_external=Disclosure.NOTHING,
        connect=Requirement.NOBODY,
        join=Requirement.NOBODY,
        join_history="none",
        enabled=False,
        note=False,
        card_fields=("Status",),
    )
    assert catalogue.apps["sales-hub"] == App(id="sales-hub", label="sales-hub", enabled=False)
    assert catalogue.admins == {ALEX: ""}
    assert catalogue.reference("https://crm.example.com/records/account/A-1") is not None


@pytest.mark.parametrize("document", ["[]", '"text"', "null", "7"])
async def test_settings_that_are_no_object_are_those_of_a_type_that_is_off(
    document: str, store: SqlStore, rows: Any
) -> None:
    await fill(store)
    for table in ("record_types", "apps"):
        rows.write(f"{table}.document", document)
    rows.run("UPDATE settings SET version = version + 1")
    catalogue = await store.read(lambda tx: tx.catalogue())
    assert (catalogue.types["account"].enabled, catalogue.apps["sales-hub"].enabled) == (False, False)


async def test_a_level_of_access_that_is_not_known_gives_no_right(store: SqlStore, rows: Any) -> None:
    await fill(store)
    rows.run("UPDATE access SET level = 9")
    found = (await store.glimpse(ACCOUNT, person=ALEX, chat=GROUP)).record
    assert found is not None
    assert set(found.access.values()) == {Privilege.NONE}
    record = await store.read(lambda tx: tx.record(ACCOUNT))
    assert record is not None
    assert set(record.access.values()) == {Privilege.NONE}


async def test_fields_that_are_no_text_are_not_shown(store: SqlStore, rows: Any) -> None:
    await fill(store)
    rows.write("records.fields", FUTURE["records.fields"])
    found = (await store.glimpse(ACCOUNT, person=ALEX, chat=GROUP)).record
    assert found is not None
    assert found.fields == {"Status": "Open"}


async def test_words_of_a_newer_program_are_passed_on_as_they_are(store: SqlStore, rows: Any, watch: Watch) -> None:
    await fill(store)
    for column, value in ENUMERATIONS.items():
        if column not in ("chats.state", "outbox.state", "outbox.kind", "webhooks.state"):
            rows.write(column, value)
    found = await read_everything(store, watch)
    (event,) = found["events"]
    assert event.to_wire()["type"] == "record.merged"
    assert event.to_wire()["chat"] is None
    (told,) = found["told"]
    assert (told.event.fact.type, told.event.fact.type.known) == (EventType.stored("record.merged"), False)
    (change,), (no,) = found["changes"][-1:], found["refusals"]
    assert (change.subject.value, change.via.value) == ("webhook", "page")
    assert (no.action.value, no.reason.value) == ("archive", "too-late")
    assert found["chat"].kind.value == "community"
    assert (found["glimpse"].chat.audience.value, found["glimpse"].chat.audience.known) == ("partners", False)


async def test_the_door_knows_only_what_it_knows() -> None:
    for kind in (EventType, ChatKind, ChatState, Audience, WebhookState, Subject, Via, Action, Reason):
        assert all(kind.stored(item.value) is item for item in kind)
        with pytest.raises(ValueError, match="future"):
            kind("future")


# nothing is lost -----------------------------------------------------------------------------------------------------


async def test_a_later_save_writes_back_what_it_could_not_read(store: SqlStore, rows: Any) -> None:
    catalogue = await _newer_settings(store, rows)
    account, hub = catalogue.types["account"], catalogue.apps["sales-hub"]

    def save(tx: Any) -> None:
        tx.put_record_type(replace(account, label="Customer", links=(*account.links, "https://x.example/{id}")))
        tx.put_app(replace(hub, label="Sales"))
        tx.put_admins({ALEX: "Alex Wilber", MEGAN: "Megan Bowen"})

    await store.write(save)
    (saved,) = map(json.loads, rows.read("record_types.document"))
    stored_links = NEWER_TYPE["links"]
    assert {name: value for name, value in saved.items() if name in NEWER_TYPE} == {
        **NEWER_TYPE,
        "label": "Customer",
        "links": [stored_links[1], "https://x.example/{id}", stored_links[0]],
    }
    assert saved.keys() - NEWER_TYPE.keys() == record_type_to_json(account).keys() - NEWER_TYPE.keys()
    (app,) = map(json.loads, rows.read("apps.document"))
    assert app == {**DOCUMENTS["apps.document"], "label": "Sales"}
    assert json.loads(rows.read("settings.admins")[0]) == [ALEX, MEGAN, {"group": "all of finance"}]


async def test_what_an_administrator_changes_replaces_what_could_not_be_read(store: SqlStore, rows: Any) -> None:
    account = (await _newer_settings(store, rows)).types["account"]
    changed = replace(account, disclosure=Disclosure.NAME, connect=Requirement.WRITE, enabled=True, card_fields=())
    await store.write(lambda tx: tx.put_record_type(changed))
    assert (await store.read(lambda tx: tx.catalogue())).types["account"] == changed
    (saved,) = map(json.loads, rows.read("record_types.document"))
    assert (saved["disclosure"], saved["connect"], saved["enabled"]) == ("name", "write", True)
    assert saved["card_fields"] == [{"name": "Value", "shown": "rounded"}], "Status was taken out, the other was not"
    assert saved["disclosure_external"] == NEWER_TYPE["disclosure_external"]


async def test_who_is_no_administrator_any_more_leaves_no_name_behind(store: SqlStore, rows: Any) -> None:
    await fill(store)
    await store.write(lambda tx: tx.put_admins({MEGAN: "Megan"}))
    assert json.loads(rows.read("settings.admin_names")[0]) == {MEGAN: "Megan"}


async def test_a_chat_whose_kind_or_state_is_not_known_keeps_them(store: SqlStore, rows: Any) -> None:
    await fill(store)
    for column in ("chats.kind", "chats.state", "chats.audience"):
        rows.write(column, FUTURE[column])
    known = await store.read(lambda tx: tx.chat(GROUP))
    assert known is not None
    await store.write(lambda tx: tx.put_chat(replace(known, topic="Another")))
    found = [rows.read(column)[0] for column in ("chats.kind", "chats.state", "chats.audience", "chats.topic")]
    assert found == ["community", "archived", "partners", "Another"]


async def test_filters_that_cannot_be_read_let_nothing_more_through_and_are_kept(store: SqlStore, rows: Any) -> None:
    await fill(store)
    rows.write("webhooks.types", json.dumps([{"prefix": "chat."}]))
    rows.write("webhooks.record_types", FUTURE["webhooks.record_types"])
    rows.write("webhooks.secrets", FUTURE["webhooks.secrets"])
    rows.run("UPDATE feeds SET webhooks = webhooks + 1")
    before = (await store.read(lambda tx: tx.webhook_status("01WEBHOOK"))).waiting
    await store.write(lambda tx: tx.add_event(noted(text="not for it")))
    assert (await store.read(lambda tx: tx.webhook_status("01WEBHOOK"))).waiting == before

    def disable(tx: Any) -> Webhook:
        found = tx.webhook("01WEBHOOK")
        tx.put_webhook(replace(found, state=WebhookState.DISABLED))
        return found

    assert (await store.write(disable)).types != ()
    assert json.loads(rows.read("webhooks.types")[0]) == [{"prefix": "chat."}]
    assert json.loads(rows.read("webhooks.record_types")[0]) == DOCUMENTS["webhooks.record_types"]
    assert json.loads(rows.read("webhooks.secrets")[0]) == DOCUMENTS["webhooks.secrets"]


# the outbox ----------------------------------------------------------------------------------------------------------


async def test_a_kind_that_is_not_known_is_left_to_those_who_know_it(store: SqlStore, rows: Any, watch: Watch) -> None:
    await store.write(lambda tx: (tx.put_chat(chat()), tx.tell(GROUP, {"text": "theirs"})))
    rows.write("outbox.kind", "reaction")
    await store.write(lambda tx: tx.tell(GROUP, {"text": "ours"}))
    assert (await store.read(lambda tx: tx.outbox_status()))["chat"].waiting == 1

    def claim(tx: Any) -> list[str]:
        (held,) = tx.claim_deliveries(limit=9, most=9, lease=5)
        return [message.message["text"] for message in held.messages if tx.finish_delivery(message.id, message.fence)]

    assert await store.write(claim) == ["ours"], "what goes before it is no obstacle"
    assert await store.write(lambda tx: tx.withdraw_messages(None, instead={"text": "instead"}, error="why")) == 0
    assert await store.write(lambda tx: tx.withdraw_messages(GROUP, instead={"text": "instead"}, error="why")) == 0
    watch.now += 1_000_000
    await store.write(lambda tx: tx.expire(before=watch.now))
    assert rows.read("outbox.kind") == ["reaction"]
    assert rows.read("outbox.state") == ["ready"]
    rows.write("outbox.state", "done")
    await store.write(lambda tx: tx.expire(before=watch.now))
    assert rows.read("outbox.kind") == ["reaction"], "how long it is kept is theirs to say"
