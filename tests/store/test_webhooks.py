"""Who is told of events, and what they are owed, on every database."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.deliveries import OutboxStatus
from bot.domain.events import EventType, Fact
from bot.domain.records import RecordId
from bot.domain.webhooks import Secret, WebhookState, WebhookStatus
from bot.store.store import SqlStore
from tests.store.conftest import Open, Watch
from tests.store.examples import ACCOUNT, CASE, noted, webhook

FIRST, SECOND = webhook("01FIRST", created_at=1), webhook("01SECOND", created_at=2)


async def put(store: SqlStore, *webhooks) -> None:
    await store.write(lambda tx: [tx.put_webhook(one) for one in webhooks])


async def add(store: SqlStore, *facts: Fact) -> None:
    await store.write(lambda tx: [tx.add_event(fact) for fact in facts])


async def owed(store: SqlStore, webhook_id: str) -> list[str]:
    """What a webhook still must be told, each stream in its order, after telling it all."""
    told: list[str] = []
    while held := await store.write(lambda tx: tx.claim_events(webhook_id, limit=9, lease=1000)):
        told += [f"{one.event.fact.record}#{one.event.seq}" for one in held]
        assert await store.write(lambda tx, held=held: tx.delivered_events(held)) == []
    return told


async def test_a_webhook_comes_back_as_it_was_put_last(store: SqlStore) -> None:
    whole = webhook(
        "01WHOLE",
        url="https://example.org/ü?a=b",
        secrets=(Secret(text="whsec_new"), Secret(text="whsec_old", until=7)),
        types=(EventType.NOTE_ADDED, EventType.CHAT_CONNECTED),
        record_types=("case", "account"),
        state=WebhookState.DISABLED,
        created_at=3,
    )
    await put(store, SECOND, whole, FIRST)
    assert await store.read(lambda tx: tx.webhooks()) == [FIRST, SECOND, whole], "in the order of creation"
    changed = replace(whole, secrets=(Secret(text="whsec_x"),), types=(), state=WebhookState.ACTIVE)
    await put(store, changed)
    assert await store.read(lambda tx: tx.webhook("01WHOLE")) == changed
    assert await store.read(lambda tx: tx.webhook("01NEVER")) is None


async def test_an_event_is_owed_to_those_who_want_it(store: SqlStore) -> None:
    notes_of_accounts = webhook("01NOTES", types=(EventType.NOTE_ADDED,), record_types=("account",))
    await put(store, FIRST, notes_of_accounts, webhook("01CASES", record_types=("case", "order")))
    created = Fact(type=EventType.RECORD_CREATED, record=ACCOUNT)
    await add(store, created, noted(ACCOUNT), noted(CASE))
    assert sorted(await owed(store, "01FIRST")) == ["account/A-1001#1", "account/A-1001#2", "case/C-3001#1"]
    assert await owed(store, "01NOTES") == ["account/A-1001#2"]
    assert await owed(store, "01CASES") == ["case/C-3001#1"]


async def test_only_events_added_after_a_webhook_was_put_are_owed_to_it(store: SqlStore) -> None:
    await add(store, noted())

    def between(tx):
        tx.add_event(noted())
        tx.put_webhook(FIRST)
        tx.add_event(noted())

    await store.write(between)
    await add(store, noted())
    assert await owed(store, "01FIRST") == ["account/A-1001#3", "account/A-1001#4"]


async def test_every_replica_knows_at_once_who_is_told(open_another: Open) -> None:
    here, there = await open_another(), await open_another()
    await add(there, noted())
    await put(here, FIRST)
    await add(there, noted())
    await put(here, replace(FIRST, types=(EventType.RECORD_CREATED,)))
    await add(there, noted())
    await put(here, FIRST)
    await add(there, noted())
    assert await owed(here, "01FIRST") == ["account/A-1001#2", "account/A-1001#4"]
    assert await here.write(lambda tx: tx.remove_webhook("01FIRST"))
    await add(there, noted())


async def test_a_webhook_that_was_rolled_back_is_owed_nothing(store: SqlStore) -> None:
    def fail(tx):
        tx.put_webhook(FIRST)
        tx.add_event(noted())
        tx.feed(after=0, limit=1)  # has the event written
        raise LookupError

    for _ in range(2):
        try:
            await store.write(fail)
        except LookupError:
            await add(store, noted())
    await put(store, SECOND)
    await add(store, noted())
    assert await owed(store, "01SECOND") == ["account/A-1001#3"]


async def test_a_disabled_webhook_is_told_nothing_and_still_is_owed_everything(store: SqlStore) -> None:
    await put(store, replace(FIRST, state=WebhookState.DISABLED))
    await add(store, noted(), noted())
    assert await store.read(lambda tx: tx.due_webhooks()) == []
    assert await owed(store, "01FIRST") == []
    assert (await store.read(lambda tx: tx.webhook_status("01FIRST"))).waiting == 2
    assert (await store.read(lambda tx: tx.outbox_status()))["webhook"].waiting == 0, "nobody takes them now"
    await put(store, FIRST)
    assert await store.read(lambda tx: tx.due_webhooks()) == ["01FIRST"]
    assert await owed(store, "01FIRST") == ["account/A-1001#1", "account/A-1001#2"]


async def test_a_removed_webhook_takes_along_what_it_was_owed_and_what_was_given_up(store: SqlStore) -> None:
    await put(store, FIRST, SECOND)
    await add(store, noted(), noted())
    (held,) = await store.write(lambda tx: tx.claim_events("01FIRST", limit=9, lease=1000))
    assert await store.write(lambda tx: tx.park_event(held, error="refused"))
    assert await store.write(lambda tx: (tx.remove_webhook("01FIRST"), tx.remove_webhook("01FIRST"))) == (True, False)
    assert await store.read(lambda tx: tx.webhooks()) == [SECOND]
    assert await store.read(lambda tx: tx.webhook_status("01FIRST")) == WebhookStatus()
    assert await store.read(lambda tx: tx.parked_events("01FIRST", limit=9)) == []
    assert await store.read(lambda tx: tx.outbox_status()) == {
        "chat": OutboxStatus(),
        "webhook": OutboxStatus(waiting=2, oldest=held.event.at),
    }
    assert await store.write(lambda tx: tx.delivered_events([held])) == [held]
    assert await owed(store, "01SECOND") == ["account/A-1001#1", "account/A-1001#2"]


async def test_the_status_tells_what_waits_since_when_and_what_went_wrong_last(store: SqlStore, watch: Watch) -> None:
    async def status() -> WebhookStatus:
        return await store.read(lambda tx: tx.webhook_status("01FIRST"))

    await put(store, FIRST)
    assert await status() == WebhookStatus()
    oldest = watch.now
    await add(store, noted(), noted(CASE))
    watch.now += 10
    await add(store, noted())
    assert await status() == WebhookStatus(waiting=3, oldest=oldest)
    account, case = await store.write(lambda tx: tx.claim_events("01FIRST", limit=9, lease=1000))
    watch.now += 10
    await store.write(lambda tx: tx.delivered_events([account]))
    assert await status() == WebhookStatus(waiting=2, oldest=oldest, delivered_at=watch.now)
    delivered_at, watch.now = watch.now, watch.now + 10
    await store.write(lambda tx: tx.postpone_event(case, until=watch.now, error="503"))
    failed = WebhookStatus(waiting=2, oldest=oldest, delivered_at=delivered_at, failed_at=watch.now, error="503")
    assert await status() == failed
    await put(store, replace(FIRST, url="https://example.org/"))
    assert await status() == failed, "how it fares outlives a change of it"
    _, case = await store.write(lambda tx: tx.claim_events("01FIRST", limit=9, lease=1000))
    await store.write(lambda tx: tx.park_event(case, error="410"))
    assert ((await status()).parked, (await status()).error) == (1, "410")
    assert (await store.read(lambda tx: tx.outbox_status()))["webhook"] == OutboxStatus(
        waiting=1, parked=1, oldest=oldest + 10
    )


async def test_what_was_given_up_is_listed_in_the_order_of_the_feed(store: SqlStore, watch: Watch) -> None:
    await put(store, FIRST)
    records = [RecordId("case", "C-1"), RecordId("account", "A-2"), RecordId("order", "O-3")]
    await add(store, *map(noted, records))
    held = await store.write(lambda tx: tx.claim_events("01FIRST", limit=9, lease=1000))
    watch.now += 1
    await store.write(lambda tx: [tx.park_event(one, error=f"why {one.event.fact.record.id}") for one in held])
    given_up = await store.read(lambda tx: tx.parked_events("01FIRST", limit=9))
    assert [(one.event.fact.record, one.attempts, one.parked_at, one.error) for one in given_up] == [
        (record, 1, watch.now, f"why {record.id}") for record in records
    ]
    assert await store.read(lambda tx: tx.parked_events("01FIRST", limit=2)) == given_up[:2]
    assert await store.write(lambda tx: tx.expire(before=watch.now + 10)) == 0, "it stays until it is replayed"
    assert len(await store.read(lambda tx: tx.parked_events("01FIRST", limit=9))) == 3


async def test_a_replay_tells_all_again_in_order_with_a_fresh_schedule(store: SqlStore, watch: Watch) -> None:
    await put(store, FIRST, SECOND)
    await add(store, noted(), noted(), noted(), noted(CASE))

    def fail_often(tx):
        for _ in range(3):
            (held,) = tx.claim_events("01FIRST", limit=1, lease=1000)
            tx.postpone_event(held, until=tx.now - 1, error="503")
        (held,) = tx.claim_events("01FIRST", limit=1, lease=1000)
        tx.park_event(held, error="gave up")
        return held.event

    given_up = await store.write(fail_often)
    assert given_up.seq == 1
    for held in await store.write(lambda tx: tx.claim_events("01FIRST", limit=9, lease=1000)):
        await store.write(lambda tx, held=held: tx.postpone_event(held, until=tx.now + 10**12, error="503"))
    assert await store.read(lambda tx: tx.due_webhooks()) == ["01SECOND"]
    watch.now += 10
    assert await store.write(lambda tx: tx.replay_events("01FIRST")) == 1
    assert await store.write(lambda tx: tx.replay_events("01FIRST")) == 0
    assert await store.read(lambda tx: tx.due_webhooks()) == ["01FIRST", "01SECOND"]
    status = await store.read(lambda tx: tx.webhook_status("01FIRST"))
    assert (status.waiting, status.parked, status.error) == (4, 0, "")
    again = await store.write(lambda tx: tx.claim_events("01FIRST", limit=9, lease=1000))
    assert [one.since for one in again] == [watch.now] * 2
    assert [one.attempts for one in again] == [2, 2], "they may have arrived before, and wait hardly longer"
    assert given_up in [one.event for one in again]
    await store.write(lambda tx: tx.delivered_events(again))
    assert await owed(store, "01FIRST") == [f"{given_up.fact.record}#2", f"{given_up.fact.record}#3"]


async def test_a_replay_leaves_alone_what_is_being_told(store: SqlStore, watch: Watch) -> None:
    await put(store, FIRST)
    await add(store, noted(), noted())
    (first,) = await store.write(lambda tx: tx.claim_events("01FIRST", limit=9, lease=1000))
    await store.write(lambda tx: tx.replay_events("01FIRST"))
    assert await store.write(lambda tx: tx.claim_events("01FIRST", limit=9, lease=1000)) == []
    assert await store.write(lambda tx: tx.delivered_events([first])) == []
    assert await owed(store, "01FIRST") == ["account/A-1001#2"]
