"""Many at once, on every database: nothing lost, nothing twice, nothing half."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict

import pytest

from bot.domain.records import RecordId
from bot.store.store import SqlStore
from tests.store.conftest import Open
from tests.store.examples import ACCOUNT, ALEX, CASE, GROUP, OTHER, RECORD, chat, connection, noted, webhook
from tests.waiting import LIMIT, Stop, soon


async def test_a_thousand_connects_of_one_chat_make_one_connection_and_one_event(open_another: Open) -> None:
    stores = [await open_another(), await open_another()]
    await stores[0].write(lambda tx: (tx.put_chat(chat()), tx.put_record(RECORD)))

    def connect(tx):
        tx.lock_chat(GROUP)
        tx.lock_record(ACCOUNT)
        added = tx.add_connection(connection())
        if added:
            tx.add_event(noted())
        return added

    added = await asyncio.gather(*(stores[number % 2].write(connect) for number in range(1000)))
    assert added.count(True) == 1
    assert await stores[0].read(lambda tx: tx.last_seq(ACCOUNT)) == 1
    assert len(await stores[0].read(lambda tx: tx.connections_of_chat(GROUP))) == 1


async def test_a_reader_of_the_feed_misses_nothing_while_twenty_write(open_another: Open) -> None:
    stores = [await open_another(), await open_another()]
    records = [RecordId("account", f"A-{number}") for number in range(6)]
    each, writers = 10, 20
    ended = asyncio.Event()

    def add(tx, dice):
        events = [tx.add_event(noted(record)) for record in sorted(dice.sample(records, 2))]
        time.sleep(dice.random() * 0.002)  # keeps numbers taken and not yet visible
        if dice.random() < 0.1:
            raise LookupError
        return events

    async def write(number: int) -> int:
        dice, added = random.Random(number), 0
        for _ in range(each):
            try:
                added += len(await stores[number % 2].write(lambda tx: add(tx, dice)))
            except LookupError:
                continue
        return added

    async def read() -> list[tuple[int, str, RecordId, int]]:
        seen, last = [], 0
        while True:
            final = ended.is_set()
            page = await stores[0].read(lambda tx, last=last: tx.feed(after=last, limit=7))
            seen += [(position, event.id, event.fact.record, event.seq) for position, event in page]
            if page:
                last = page[-1][0]
            elif final:
                return seen

    async with asyncio.timeout(60):
        reader = asyncio.create_task(read())
        added = sum(await asyncio.gather(*map(write, range(writers))))
        ended.set()
        seen = await reader
    assert [position for position, *_ in seen] == list(range(1, added + 1))
    assert len({event for _, event, *_ in seen}) == added
    per_record = defaultdict(list)
    for _, _, record, seq in seen:
        per_record[record].append(seq)
    assert all(seqs == list(range(1, len(seqs) + 1)) for seqs in per_record.values())


async def test_an_event_is_owed_to_a_webhook_exactly_when_it_was_added_after_it(open_another: Open) -> None:
    """Whoever reads the feed until a webhook is put, and takes the rest from the webhook, has all events once."""
    stores = [await open_another(), await open_another()]

    async def write(number: int) -> None:
        dice = random.Random(number)
        for _ in range(15):
            record = RecordId("account", f"A-{dice.randrange(9)}")
            await stores[number % 2].write(lambda tx, at=record: (tx.add_event(noted(at)), time.sleep(0.001)))

    async def put(name: str) -> int:
        """The position after which events are owed to it."""
        await asyncio.sleep(0.02)
        return await stores[0].write(lambda tx: (tx.put_webhook(webhook(name)), tx.last_position())[1])

    async with asyncio.timeout(60):
        writers = [asyncio.create_task(write(number)) for number in range(8)]
        begins = {name: await put(name) for name in ("01A", "01B", "01C")}
        assert await stores[1].write(lambda tx: tx.remove_webhook("01B"))
        await asyncio.gather(*writers)
    events = 8 * 15
    assert 0 < begins["01A"] < begins["01C"] < events, "they were put while others wrote"
    for name in ("01A", "01C"):
        assert (await stores[0].read(lambda tx, it=name: tx.webhook_status(it))).waiting == events - begins[name]
    assert (await stores[0].read(lambda tx: tx.outbox_status()))["webhook"].waiting == sum(
        events - begins[name] for name in ("01A", "01C")
    ), "nothing of what was removed is left"


async def test_a_replay_while_others_give_up_loses_nothing(open_another: Open) -> None:
    stores = [await open_another(), await open_another()]
    await stores[0].write(lambda tx: tx.put_webhook(webhook("01A")))
    records = [RecordId("account", f"A-{number}") for number in range(20)]
    await stores[0].write(lambda tx: [tx.add_event(noted(record)) for record in records for _ in range(5)])

    async def give_up(store: SqlStore) -> None:
        for _ in range(20):
            for held in await store.write(lambda tx: tx.claim_events("01A", limit=4, lease=60_000_000)):
                assert await store.write(lambda tx, it=held: tx.park_event(it, error="refused"))

    async def replay() -> None:
        for _ in range(10):
            await stores[0].write(lambda tx: tx.replay_events("01A"))
            await asyncio.sleep(0.01)

    async with asyncio.timeout(60):
        await asyncio.gather(replay(), *(give_up(store) for store in stores for _ in range(2)))
    status = await stores[0].read(lambda tx: tx.webhook_status("01A"))
    assert status.waiting + status.parked == 100
    await stores[0].write(lambda tx: tx.replay_events("01A"))
    told: dict[RecordId, list[int]] = defaultdict(list)
    while held := await stores[1].write(lambda tx: tx.claim_events("01A", limit=99, lease=1)):
        for one in held:
            told[one.event.fact.record].append(one.event.seq)
        await stores[1].write(lambda tx, held=held: tx.delivered_events(held))
    assert told == {record: [1, 2, 3, 4, 5] for record in records}


async def test_updates_that_read_before_they_write_are_not_lost(open_another: Open) -> None:
    stores = [await open_another(), await open_another()]
    await stores[0].write(lambda tx: tx.put_chat(chat(topic="0")))

    def count(tx):
        tx.lock_chat(GROUP)
        tx.put_chat(chat(topic=str(int(tx.chat(GROUP).topic) + 1)))

    await asyncio.gather(*(stores[number % 2].write(count) for number in range(60)))
    assert (await stores[0].read(lambda tx: tx.chat(GROUP))).topic == "60"


async def test_what_is_not_there_yet_can_be_locked(open_another: Open) -> None:
    stores = [await open_another(), await open_another()]

    def note_once(tx):
        if tx.recent_note(GROUP, ALEX) is None:
            tx.add_event(noted())
            tx.remember_note(GROUP, ALEX, "digest", 1)

    def answer_once(tx):
        if tx.idempotent_response("key") is None:
            tx.add_event(noted(CASE))
            tx.save_idempotent_response("key", "digest", {})

    await asyncio.gather(*(stores[number % 2].write(work) for number in range(10) for work in (note_once, answer_once)))
    assert await stores[0].read(lambda tx: (tx.last_seq(ACCOUNT), tx.last_seq(CASE))) == (1, 1)


async def test_transactions_that_lock_in_opposite_orders_both_succeed(open_another: Open) -> None:
    stores = [await open_another(), await open_another()]

    def work(tx, order):
        for record in order:
            tx.add_event(noted(record))
            time.sleep(0.05)

    async with soon():
        await asyncio.gather(
            stores[0].write(lambda tx: work(tx, (ACCOUNT, CASE))), stores[1].write(lambda tx: work(tx, (CASE, ACCOUNT)))
        )
    assert await stores[0].read(lambda tx: (tx.last_seq(ACCOUNT), tx.last_seq(CASE))) == (2, 2)


async def test_two_first_starts_at_once_write_the_settings_once(open_another: Open) -> None:
    from bot.domain.catalogue import Catalogue
    from bot.domain.settings import App

    first, second = await open_another(), await open_another()
    catalogue = Catalogue(apps=[App(id="x", label="X")])
    await asyncio.gather(*(store.seed(catalogue) for store in (first, second) for _ in range(4)))
    assert (await second.read(lambda tx: tx.catalogue())).version == 1


async def test_a_cancelled_task_does_not_break_the_store(store: SqlStore) -> None:
    async def write(number: int) -> None:
        await store.write(lambda tx: (tx.put_chat(chat(f"19:{number}@thread.v2")), time.sleep(0.01)))

    tasks = [asyncio.create_task(write(number)) for number in range(12)]
    unfurls = [asyncio.create_task(store.unfurl_facts(None, person=None, chat=GROUP)) for _ in range(12)]
    await asyncio.sleep(0.015)
    for task in tasks + unfurls:
        task.cancel()
    await asyncio.gather(*tasks, *unfurls, return_exceptions=True)
    await store.write(lambda tx: tx.put_chat(chat()))
    assert (await store.unfurl_facts(None, person=None, chat=GROUP)).chat == chat()


async def test_a_long_page_does_not_hold_up_a_glimpse_or_a_write(store: SqlStore) -> None:
    await store.write(lambda tx: tx.put_chat(chat()))
    stop = Stop()
    page = asyncio.create_task(store.read(lambda tx: stop.here()))
    await stop.reached()
    await store.unfurl_facts(None, person=None, chat=GROUP)
    await store.write(lambda tx: tx.put_chat(chat(OTHER)))
    assert not page.done()
    stop.go_on()
    await page


async def test_a_reading_transaction_sees_one_instant(store: SqlStore) -> None:
    await store.write(lambda tx: tx.put_chat(chat(topic="before")))
    loop = asyncio.get_running_loop()

    def read(tx):
        first = tx.chat(GROUP).topic
        asyncio.run_coroutine_threadsafe(store.write(lambda tx: tx.put_chat(chat(topic="after"))), loop).result(LIMIT)
        return first, tx.chat(GROUP).topic

    assert await store.read(read) == ("before", "before")
    assert (await store.unfurl_facts(None, person=None, chat=GROUP)).chat.topic == "after"


async def test_a_broken_promise_of_a_lock_is_seen_by_the_key(store: SqlStore) -> None:
    """Rules live in unique constraints: whoever forgets to lock still can't connect twice."""
    await store.write(lambda tx: tx.put_chat(chat()))
    added = await asyncio.gather(*(store.write(lambda tx: tx.add_connection(connection())) for _ in range(20)))
    assert added.count(True) == 1
    with pytest.raises(Exception, match=r"(?i)foreign"):
        await store.write(lambda tx: tx.add_connection(connection("19:never seen@thread.v2")))
