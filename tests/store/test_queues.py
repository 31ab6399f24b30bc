"""Telling webhooks: in order per stream, one worker at a time, on every database."""

from __future__ import annotations

import asyncio
import threading
import time

from bot.domain.deliveries import EventDelivery
from bot.domain.records import RecordId
from bot.store.store import SqlStore
from tests.store.conftest import Open, Watch
from tests.store.examples import ACCOUNT, CASE, noted, webhook
from tests.waiting import LIMIT

LEASE = 1000
HOOK = "01WEBHOOK"


async def owe(store: SqlStore, *records: RecordId) -> None:
    """A webhook, and one more event of each record."""
    if not await store.read(lambda tx: tx.webhooks()):
        await store.write(lambda tx: tx.put_webhook(webhook(HOOK)))
    await store.write(lambda tx: [tx.add_event(noted(record)) for record in records])


async def claim(store: SqlStore, limit: int = 9) -> list[EventDelivery]:
    return await store.write(lambda tx: tx.claim_events(HOOK, limit=limit, lease=LEASE))


async def due(store: SqlStore) -> bool:
    return await store.read(lambda tx: tx.due_webhooks()) == [HOOK]


async def test_the_oldest_event_of_each_stream_is_claimed_and_the_next_one_when_it_was_told(
    store: SqlStore, watch: Watch
) -> None:
    assert not await due(store)
    await owe(store, ACCOUNT, CASE, ACCOUNT)
    since, watch.now = watch.now, watch.now + 5
    assert await due(store)
    held = await claim(store)
    assert [(one.event.fact.record, one.event.seq) for one in held] == [(ACCOUNT, 1), (CASE, 1)]
    assert [event for _, event in await store.read(lambda tx: tx.feed(after=0, limit=2))] == [one.event for one in held]
    for one in held:
        assert (one.webhook, one.attempts, one.since, one.lease_until) == (webhook(HOOK), 1, since, watch.now + LEASE)
    assert await claim(store) == [], "both records are being told"
    assert not await due(store)
    assert await store.write(lambda tx: tx.delivered_events(held)) == []
    (second,) = await claim(store)
    assert (second.event.fact.record, second.event.seq, second.attempts) == (ACCOUNT, 2, 1)
    await store.write(lambda tx: tx.delivered_events([second]))
    assert await claim(store) == []
    assert not await due(store)
    assert (await store.read(lambda tx: tx.webhook_status(HOOK))).waiting == 0


async def test_a_limit_is_kept_and_who_waits_longest_comes_first(store: SqlStore, watch: Watch) -> None:
    await owe(store, CASE)
    watch.now += 1
    await owe(store, ACCOUNT)
    assert [one.event.fact.record for one in await claim(store, limit=1)] == [CASE]
    assert [one.event.fact.record for one in await claim(store, limit=1)] == [ACCOUNT]


async def test_a_stream_goes_on_with_an_event_that_was_added_while_its_last_one_was_told(store: SqlStore) -> None:
    await owe(store, ACCOUNT)
    held = await claim(store)
    await owe(store, ACCOUNT)
    assert await claim(store) == [], "it is being told"
    await store.write(lambda tx: tx.delivered_events(held))
    assert [one.event.seq for one in await claim(store)] == [2]


def in_order(claimed: list[EventDelivery]) -> list[EventDelivery]:
    """By record: streams that became due at the same moment are claimed in any order."""
    return sorted(claimed, key=lambda one: one.event.fact.record)


async def test_when_a_lease_runs_out_the_stream_goes_to_another_and_the_late_one_is_refused(
    store: SqlStore, watch: Watch
) -> None:
    await owe(store, ACCOUNT, CASE)
    late = in_order(await claim(store))
    watch.now += LEASE - 1
    assert await claim(store) == []
    assert not await due(store)
    watch.now += 1
    assert await due(store)
    second = in_order(await claim(store))
    assert [one.event for one in second] == [one.event for one in late]
    assert [one.attempts for one in second] == [2, 2], "it may have arrived"
    assert not {one.fence for one in second} & {one.fence for one in late}

    def all_of(tx, held: list[EventDelivery]):
        return (
            tx.renew_events(held, lease=LEASE),
            tx.postpone_event(held[0], until=0, error="x"),
            tx.park_event(held[0], error="x"),
            tx.delivered_events(held),
        )

    assert await store.write(lambda tx: all_of(tx, late)) == ([], False, False, late)
    assert await store.write(lambda tx: tx.delivered_events([*second, late[0]])) == [late[0]]
    assert await store.write(lambda tx: all_of(tx, second)) == ([], False, False, second), "they were told"
    assert await claim(store) == []
    assert (await store.read(lambda tx: tx.webhook_status(HOOK))).error == "", "who is refused changes nothing"


async def test_who_comes_back_when_nobody_took_over_still_settles(store: SqlStore, watch: Watch) -> None:
    await owe(store, ACCOUNT)
    held = await claim(store)
    watch.now += 5 * LEASE
    assert await store.write(lambda tx: tx.delivered_events(held)) == []
    assert await claim(store) == []


async def test_a_lease_is_renewed_by_its_holder(store: SqlStore, watch: Watch) -> None:
    await owe(store, ACCOUNT, CASE)
    held = await claim(store)
    watch.now += LEASE - 1
    renewed = await store.write(lambda tx: tx.renew_events(held, lease=LEASE))
    assert [one.lease_until for one in renewed] == [watch.now + LEASE] * 2
    watch.now += LEASE - 1
    assert await claim(store) == []
    watch.now += 1
    assert [one.attempts for one in await claim(store, limit=1)] == [2]
    still = await store.write(lambda tx: tx.renew_events(renewed, lease=LEASE))
    assert len(still) == 1, "the other one was taken over"
    assert await store.write(lambda tx: tx.delivered_events(still)) == []


async def test_a_postponed_event_holds_back_its_stream_only_and_counts_its_tries(store: SqlStore, watch: Watch) -> None:
    await owe(store, ACCOUNT, ACCOUNT, CASE)
    account, case = sorted(await claim(store), key=lambda held: held.event.fact.record)  # both were due at once
    until = watch.now + 50
    assert await store.write(lambda tx: tx.postpone_event(account, until=until, error="503"))
    await store.write(lambda tx: tx.delivered_events([case]))
    await owe(store, ACCOUNT)
    assert await claim(store) == [], "one more event does not end its waiting"
    watch.now = until
    (again,) = await claim(store)
    assert (again.event, again.attempts, again.since) == (account.event, 2, account.since)
    await store.write(lambda tx: tx.delivered_events([again]))
    assert [(one.event.seq, one.attempts) for one in await claim(store)] == [(2, 1)]


async def test_a_parked_event_lets_the_next_one_pass(store: SqlStore) -> None:
    await owe(store, ACCOUNT, ACCOUNT)
    (first,) = await claim(store)
    assert await store.write(lambda tx: tx.park_event(first, error="gave up"))
    (second,) = await claim(store)
    assert (second.event.seq, second.attempts) == (2, 1)
    assert [one.event for one in await store.read(lambda tx: tx.parked_events(HOOK, limit=9))] == [first.event]
    assert await store.write(lambda tx: tx.park_event(second, error="gave up"))
    assert not await due(store)


async def test_each_webhook_has_its_own_streams(store: SqlStore) -> None:
    await store.write(lambda tx: [tx.put_webhook(webhook(name)) for name in ("01A", "01B")])
    await store.write(lambda tx: tx.add_event(noted()))
    (a,) = await store.write(lambda tx: tx.claim_events("01A", limit=9, lease=LEASE))
    await store.write(lambda tx: tx.postpone_event(a, until=tx.now + 10**12, error="503"))
    assert await store.read(lambda tx: tx.due_webhooks()) == ["01B"]
    (b,) = await store.write(lambda tx: tx.claim_events("01B", limit=9, lease=LEASE))
    assert (b.event, b.webhook.id) == (a.event, "01B")
    assert await store.write(lambda tx: tx.claim_events("01C", limit=9, lease=LEASE)) == []


async def test_an_event_that_is_being_added_while_its_stream_is_settled_is_not_forgotten(open_another: Open) -> None:
    here, there = await open_another(), await open_another()
    await owe(here, ACCOUNT)
    held = await claim(here)
    written = threading.Event()

    def add(tx) -> None:
        tx.add_event(noted())
        tx.feed(after=0, limit=1)  # has it written
        written.set()
        time.sleep(0.2)

    adding = asyncio.create_task(there.write(add))
    await asyncio.to_thread(written.wait, LIMIT)
    assert await here.write(lambda tx: tx.delivered_events(held)) == []
    await adding
    assert [one.event.seq for one in await claim(here)] == [2]


async def test_many_workers_on_two_replicas_tell_each_event_once_and_in_order_while_more_are_added(
    open_another: Open,
) -> None:
    stores = [await open_another(), await open_another()]
    records, rounds, writers = [RecordId("account", f"A-{number}") for number in range(50)], 10, 4
    await stores[0].write(lambda tx: tx.put_webhook(webhook(HOOK)))
    told: dict[RecordId, list[int]] = {record: [] for record in records}
    speaking: set[RecordId] = set()
    total = len(records) * rounds * writers

    async def write(number: int) -> None:
        for _ in range(rounds):
            for start in range(0, len(records), 10):
                some = records[start : start + 10]
                await stores[number % 2].write(lambda tx, some=some: [tx.add_event(noted(record)) for record in some])

    async def work(store: SqlStore) -> None:
        held: list[EventDelivery] = []

        def settle_and_claim(tx) -> tuple[list[EventDelivery], list[EventDelivery]]:
            return tx.delivered_events(held), tx.claim_events(HOOK, limit=16, lease=60_000_000)

        while sum(map(len, told.values())) < total or held:
            lost, held = await store.write(settle_and_claim)
            assert lost == []
            for one in held:
                record = one.event.fact.record
                assert record not in speaking, "two at the same time in one stream"
                speaking.add(record)
                told[record].append(one.event.seq)
            await asyncio.sleep(0.001 if held else 0.01)
            speaking.difference_update(one.event.fact.record for one in held)

    async with asyncio.timeout(60):
        await asyncio.gather(*map(write, range(writers)), *(work(store) for store in stores for _ in range(3)))
    assert total == 2000
    assert all(seqs == list(range(1, rounds * writers + 1)) for seqs in told.values())
    assert (await stores[0].read(lambda tx: tx.webhook_status(HOOK))).waiting == 0
    assert await stores[0].read(lambda tx: tx.due_webhooks()) == [], "nothing was forgotten"
