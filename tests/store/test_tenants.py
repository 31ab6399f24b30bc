"""Two tenants in one database never see each other's rows."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from bot.domain.catalogue import Catalogue
from bot.domain.deliveries import Delivery, EventDelivery, PendingMessage
from bot.domain.settings import App, RecordType
from bot.ports import Transaction
from bot.store.schema import metadata, outbox, refusals, settings_changes
from bot.store.store import SqlStore
from tests.store.conftest import Open, Watch
from tests.store.examples import (
    ACCOUNT,
    ALEX,
    GROUP,
    RECORD,
    chat,
    connection,
    member,
    noted,
    refused,
    settings_change,
    webhook,
)

TEAM = "19:team@thread.tacv2"
HOOK, PARKED = "01WEBHOOK", "01PARKED"

READS = {
    "catalogue": lambda tx: (dict(tx.catalogue().types), dict(tx.catalogue().apps), dict(tx.catalogue().admins)),
    "settings_changes": lambda tx: tx.settings_changes(limit=9),
    "refusals": lambda tx: tx.refusals(limit=9),
    "record": lambda tx: tx.record(ACCOUNT),
    "record_for": lambda tx: tx.record_for(ACCOUNT, ALEX),
    "last_version": lambda tx: tx.last_version(ACCOUNT),
    "chat": lambda tx: tx.chat(GROUP),
    "channels_of": lambda tx: tx.channels_of(TEAM),
    "members": lambda tx: tx.members(GROUP),
    "is_guest": lambda tx: tx.is_guest(ALEX),
    "connection": lambda tx: tx.connection(GROUP, ACCOUNT),
    "connections_of_chat": lambda tx: tx.connections_of_chat(GROUP),
    "connections_of_record": lambda tx: tx.connections_of_record(ACCOUNT),
    "events": lambda tx: tx.events(ACCOUNT, limit=9),
    "last_seq": lambda tx: tx.last_seq(ACCOUNT),
    "last_position": lambda tx: tx.last_position(),
    "feed": lambda tx: tx.feed(after=0, limit=9),
    "noted_since": lambda tx: tx.noted_since(GROUP, ALEX, 0),
    "recent_note": lambda tx: tx.recent_note(GROUP, ALEX),
    "idempotent_response": lambda tx: tx.idempotent_response("key"),
    "outbox_backlog": lambda tx: tx.outbox_backlog(),
    "outbox_status": lambda tx: tx.outbox_status(),
    "webhooks": lambda tx: tx.webhooks(),
    "webhook": lambda tx: tx.webhook(HOOK),
    "webhook_status": lambda tx: tx.webhook_status(HOOK),
    "parked_events": lambda tx: tx.parked_events(PARKED, limit=9),
    "due_webhooks": lambda tx: tx.due_webhooks(),
    "refusals_of": lambda tx: tx.refusals_of(refused().by.id, since=0, limit=9),
}
CHANGES = {
    "lock_settings": lambda tx: tx.lock_settings(),
    "put_record_type": lambda tx: tx.put_record_type(RecordType(name="account", label="Account")),
    "put_app": lambda tx: tx.put_app(App(id="x", label="X")),
    "put_admins": lambda tx: tx.put_admins({ALEX: ""}),
    "add_settings_change": lambda tx: tx.add_settings_change(settings_change()),
    "add_refusal": lambda tx: tx.add_refusal(refused()),
    "lock_record": lambda tx: tx.lock_record(ACCOUNT),
    "put_record": lambda tx: tx.put_record(RECORD),
    "lock_chat": lambda tx: tx.lock_chat(GROUP),
    "put_chat": lambda tx: tx.put_chat(chat(team=TEAM)),
    "put_members": lambda tx: tx.put_members(GROUP, [member("29:a", ALEX, guest=True)]),
    "add_connection": lambda tx: tx.add_connection(connection()),
    "forget_guests": lambda tx: tx.forget_guests(before=1),
    "put_webhook": lambda tx: [tx.put_webhook(webhook(name)) for name in (HOOK, PARKED)],
    "add_event": lambda tx: tx.add_event(noted()),
    "claim_turn": lambda tx: tx.claim_turn("activity", GROUP),
    "save_turn": lambda tx: tx.save_turn("activity", GROUP, {"status": 200}),
    "remember_note": lambda tx: tx.remember_note(GROUP, ALEX, "digest", 1),
    "save_idempotent_response": lambda tx: tx.save_idempotent_response("key", "digest", {}),
    "tell": lambda tx: tx.tell(GROUP, {"text": "hi"}),
    "claim_events": lambda tx: give_up(tx),
}
TAKES = {
    "finish_delivery": lambda tx, it: tx.finish_delivery(it.message.id, it.message.fence),
    "postpone_delivery": lambda tx, it: tx.postpone_delivery(it.message.id, it.message.fence, until=0, error=""),
    "park_delivery": lambda tx, it: tx.park_delivery(it.message.id, it.message.fence, error=""),
    "claim_deliveries": lambda tx, it: tx.claim_deliveries(limit=9, most=9, lease=1),
    "withdraw_messages": lambda tx, it: [
        it for it in (GROUP, None) if tx.withdraw_messages(it, instead={"text": "x"}, error="")
    ],
    "renew_delivery": lambda tx, it: tx.renew_delivery(it.delivery, lease=1),
    "renew_events": lambda tx, it: tx.renew_events([it.event], lease=1),
    "delivered_events": lambda tx, it: tx.delivered_events([it.event]) != [it.event],
    "postpone_event": lambda tx, it: tx.postpone_event(it.event, until=0, error=""),
    "park_event": lambda tx, it: tx.park_event(it.event, error=""),
    "replay_events": lambda tx, it: tx.replay_events(PARKED),
    "remove_webhook": lambda tx, it: tx.remove_webhook(HOOK),
    "remove_connection": lambda tx, it: tx.remove_connection(GROUP, ACCOUNT),
    "forget_refusals": lambda tx, it: tx.forget_refusals(before=tx.now + 1),
    "expire": lambda tx, it: tx.expire(before=tx.now + 1),
    "delete_record": lambda tx, it: tx.delete_record(ACCOUNT),
    "replace_members": lambda tx, it: tx.replace_members(GROUP, []),
    "remove_members": lambda tx, it: tx.remove_members(GROUP, ["29:a"]),
    "forget_note": lambda tx, it: tx.forget_note(GROUP, ALEX),
}


@dataclass(frozen=True, slots=True)
class Held:
    """What one tenant holds and another tries to take."""

    delivery: Delivery
    event: EventDelivery

    @property
    def message(self) -> PendingMessage:
        return self.delivery.messages[0]


def give_up(tx) -> None:
    tx.feed(after=0, limit=1)  # has the events written that were added before
    for held in tx.claim_events(PARKED, limit=9, lease=1):
        tx.park_event(held, error="refused")


def test_every_method_of_a_transaction_is_tried_here() -> None:
    methods = {name for name, _ in inspect.getmembers(Transaction, inspect.isfunction) if not name.startswith("_")}
    assert methods == {*READS, *CHANGES, *TAKES}


def test_every_key_that_somebody_can_choose_a_value_of_carries_the_tenant() -> None:
    for table in metadata.sorted_tables:
        assert "tenant" in table.c
        if table not in (outbox, settings_changes, refusals):  # numbered by the database
            assert next(iter(table.primary_key)).name == "tenant"
        for index in [*table.indexes, *(item for item in table.constraints if item is not table.primary_key)]:
            assert next(iter(index.columns)).name == "tenant", index


async def everything(store: SqlStore) -> dict[str, object]:
    return await store.write(lambda tx: {name: read(tx) for name, read in READS.items()})


async def test_no_read_of_one_tenant_shows_what_another_wrote(open_another: Open) -> None:
    ours, theirs = await open_another("ours"), await open_another("theirs")
    empty = await everything(theirs)
    await ours.write(lambda tx: [change(tx) for change in CHANGES.values()])
    assert await everything(theirs) == empty
    facts = await theirs.unfurl_facts(ACCOUNT, person=ALEX, chat=GROUP)
    assert (facts.record, facts.chat, facts.connected, facts.guest) == (
        None,
        None,
        False,
        False,
    )
    assert facts.catalogue.version == 0
    full = await everything(ours)
    assert [name for name in READS if full[name] == empty[name]] == [], "each read has something to show"


async def test_no_change_by_one_tenant_touches_what_another_wrote(open_another: Open, watch: Watch) -> None:
    ours, theirs = await open_another("ours"), await open_another("theirs")
    await ours.seed(Catalogue(admins={"a": ""}))
    await ours.write(lambda tx: [change(tx) for change in CHANGES.values()])
    (delivery,) = await ours.write(lambda tx: tx.claim_deliveries(limit=9, most=9, lease=0))
    (event,) = await ours.write(lambda tx: tx.claim_events(HOOK, limit=9, lease=0))
    held = Held(delivery, event)
    before = await everything(ours)
    await theirs.write(lambda tx: tx.put_chat(chat()))
    for take in TAKES.values():
        assert not await theirs.write(lambda tx, take=take: take(tx, held))
    assert await theirs.write(lambda tx: tx.claim_turn("activity", GROUP)) is None
    assert await everything(ours) == before
    assert await ours.write(lambda tx: tx.claim_turn("activity", GROUP)) is not None
    assert await ours.write(lambda tx: tx.finish_delivery(held.message.id, held.message.fence))
    assert await ours.write(lambda tx: tx.delivered_events([event])) == []
