"""What a newer program may have written: reading it never fails. On every database."""

from __future__ import annotations

import pytest
from sqlalchemy import Text

from bot.domain.chats import ChatKind, ChatState
from bot.domain.decisions import Action, Reason
from bot.domain.events import EventType
from bot.domain.history import Subject, Via
from bot.domain.people import Audience
from bot.domain.records import Disclosure, Privilege, Requirement
from bot.domain.settings import App, RecordType
from bot.domain.webhooks import WebhookState
from bot.store.peek import peek_settings
from bot.store.schema import metadata
from bot.store.store import SqlStore
from tests.store.conftest import Open, Watch
from tests.store.examples import (
    ACCOUNT,
    ALEX,
    GROUP,
)
from tests.store.future import (
    ENUMERATIONS,
    FUTURE,
    PLAIN,
    PLAIN_EVERYWHERE,
    Rows,
    fill,
    newer_settings,
    read_everything,
)


def test_every_column_of_text_is_known_here() -> None:
    columns = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.c
        if isinstance(column.type, Text) and column.name not in PLAIN_EVERYWHERE
    }
    assert columns - PLAIN == set(FUTURE), "a document, an enumeration, or plain text?"


@pytest.mark.parametrize("column", FUTURE)
async def test_what_a_newer_program_wrote_is_read_and_left_as_it_is(
    column: str, open_another: Open, rows: Rows, watch: Watch, database: str
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


async def test_settings_that_cannot_be_read_permit_and_show_nothing(store: SqlStore, rows: Rows) -> None:
    catalogue = await newer_settings(store, rows)
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
    document: str, store: SqlStore, rows: Rows
) -> None:
    await fill(store)
    for table in ("record_types", "apps"):
        rows.write(f"{table}.document", document)
    rows.run("UPDATE settings SET version = version + 1")
    catalogue = await store.read(lambda tx: tx.catalogue())
    assert (catalogue.types["account"].enabled, catalogue.apps["sales-hub"].enabled) == (False, False)


async def test_a_level_of_access_that_is_not_known_gives_no_right(store: SqlStore, rows: Rows) -> None:
    await fill(store)
    rows.run("UPDATE access SET level = 9")
    found = (await store.unfurl_facts(ACCOUNT, person=ALEX, chat=GROUP)).record
    assert found is not None
    assert set(found.access.values()) == {Privilege.NONE}
    record = await store.read(lambda tx: tx.record(ACCOUNT))
    assert record is not None
    assert set(record.access.values()) == {Privilege.NONE}


async def test_fields_that_are_no_text_are_not_shown(store: SqlStore, rows: Rows) -> None:
    await fill(store)
    rows.write("records.fields", FUTURE["records.fields"])
    found = (await store.unfurl_facts(ACCOUNT, person=ALEX, chat=GROUP)).record
    assert found is not None
    assert found.fields == {"Status": "Open"}


async def test_words_of_a_newer_program_are_passed_on_as_they_are(store: SqlStore, rows: Rows, watch: Watch) -> None:
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
    assert (found["unfurl_facts"].chat.audience.value, found["unfurl_facts"].chat.audience.known) == ("partners", False)


async def test_the_door_knows_only_what_it_knows() -> None:
    for kind in (EventType, ChatKind, ChatState, Audience, WebhookState, Subject, Via, Action, Reason):
        assert all(kind.stored(item.value) is item for item in kind)
        with pytest.raises(ValueError, match="future"):
            kind("future")
