"""What a newer program wrote outlives what this one saves and is done by those who know how. On every database."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from bot.domain.records import Disclosure, Requirement
from bot.domain.settings_json import to_json
from bot.domain.webhooks import Webhook, WebhookState
from bot.store.store import SqlStore
from tests.store.conftest import Watch
from tests.store.examples import (
    ALEX,
    GROUP,
    MEGAN,
    chat,
    noted,
)
from tests.store.future import DOCUMENTS, FUTURE, NEWER_TYPE, Rows, fill, newer_settings

# nothing is lost -----------------------------------------------------------------------------------------------------


async def test_a_later_save_writes_back_what_it_could_not_read(store: SqlStore, rows: Rows) -> None:
    catalogue = await newer_settings(store, rows)
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
    assert saved.keys() - NEWER_TYPE.keys() == to_json(account).keys() - NEWER_TYPE.keys()
    (app,) = map(json.loads, rows.read("apps.document"))
    assert app == {**DOCUMENTS["apps.document"], "label": "Sales"}
    assert json.loads(rows.read("settings.admins")[0]) == [ALEX, MEGAN, {"group": "all of finance"}]


async def test_what_an_administrator_changes_replaces_what_could_not_be_read(store: SqlStore, rows: Rows) -> None:
    account = (await newer_settings(store, rows)).types["account"]
    changed = replace(account, disclosure=Disclosure.NAME, connect=Requirement.WRITE, enabled=True, card_fields=())
    await store.write(lambda tx: tx.put_record_type(changed))
    assert (await store.read(lambda tx: tx.catalogue())).types["account"] == changed
    (saved,) = map(json.loads, rows.read("record_types.document"))
    assert (saved["disclosure"], saved["connect"], saved["enabled"]) == ("name", "write", True)
    assert saved["card_fields"] == [{"name": "Value", "shown": "rounded"}], "Status was taken out, the other was not"
    assert saved["disclosure_external"] == NEWER_TYPE["disclosure_external"]


async def test_who_is_no_administrator_any_more_leaves_no_name_behind(store: SqlStore, rows: Rows) -> None:
    await fill(store)
    await store.write(lambda tx: tx.put_admins({MEGAN: "Megan"}))
    assert json.loads(rows.read("settings.admin_names")[0]) == {MEGAN: "Megan"}


async def test_a_chat_whose_kind_or_state_is_not_known_keeps_them(store: SqlStore, rows: Rows) -> None:
    await fill(store)
    for column in ("chats.kind", "chats.state", "chats.audience"):
        rows.write(column, FUTURE[column])
    known = await store.read(lambda tx: tx.chat(GROUP))
    assert known is not None
    await store.write(lambda tx: tx.put_chat(replace(known, topic="Another")))
    found = [rows.read(column)[0] for column in ("chats.kind", "chats.state", "chats.audience", "chats.topic")]
    assert found == ["community", "archived", "partners", "Another"]


async def test_filters_that_cannot_be_read_let_nothing_more_through_and_are_kept(store: SqlStore, rows: Rows) -> None:
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


async def test_a_kind_that_is_not_known_is_left_to_those_who_know_it(store: SqlStore, rows: Rows, watch: Watch) -> None:
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
