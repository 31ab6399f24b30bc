"""The worker as a whole: one destination never waits for another, and it ends without leaving anybody waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from bot.domain.records import RecordId
from bot.errors import Unavailable
from bot.outbox import outbox as outbox_module
from bot.outbox import pump
from bot.outbox.outbox import Outbox
from bot.outbox.pump import LEASE
from bot.outbox.schedule import HOUR
from bot.outbox.webhooks import SLOTS
from bot.store.store import SqlStore
from tests.outbox.conftest import Open
from tests.outbox.stage import HOOK, OTHER_HOOK, Chats, Receivers, Worker, backlog, happen, say, subscribe
from tests.outbox.test_pump import Flaky, Meanwhile
from tests.store.conftest import Watch
from tests.store.examples import ACCOUNT, CASE, GROUP, chat
from tests.waiting import until

RECORDS = [RecordId("account", f"A-{number}") for number in range(SLOTS)]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polling is of no help where a test does not ask for it."""
    monkeypatch.setattr(outbox_module, "POLL", 60.0)


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[Outbox]:
    outbox = worker.outbox()
    task = asyncio.create_task(outbox.run())
    try:
        yield outbox
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


# Destinations --------------------------------------------------------------------------------------------------------


async def test_a_webhook_that_hangs_with_every_slot_taken_delays_no_other_and_no_chat(
    store: SqlStore, watch: Watch
) -> None:
    await subscribe(store, HOOK)
    await happen(store, *RECORDS)
    never = asyncio.Event()
    worker = Worker(store, watch, receivers=Receivers(watch, *[never.wait] * SLOTS))
    async with running(worker) as outbox:
        await until(lambda: len(worker.receivers.tried) == SLOTS)
        await subscribe(store, OTHER_HOOK)
        await happen(store, *RECORDS, *RECORDS)
        await say(store, "x")
        await until(lambda: outbox.attempts == {("webhook", "delivered"): 2 * SLOTS, ("chat", "delivered"): 1})
        assert all(worker.receivers.seqs(record, OTHER_HOOK) == [2, 3] for record in RECORDS)
        never.set()
        await until(lambda: len(worker.receivers.taken) == 5 * SLOTS)


async def test_a_chat_that_hangs_delays_no_other_and_no_webhook(
    store: SqlStore, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even until the next time its lease is renewed."""
    monkeypatch.setattr(pump, "RENEW", HOUR)
    await subscribe(store, HOOK)
    await say(store, "slow")
    never = asyncio.Event()
    worker = Worker(store, watch, Chats(never.wait), Receivers(watch))
    async with running(worker):
        await until(lambda: worker.chats.tried)
        await say(store, "quick", to="19:quick@thread.v2")
        await happen(store, ACCOUNT)
        await until(lambda: worker.chats.texts == ["quick"] and worker.receivers.taken)
        never.set()
        await until(lambda: worker.chats.texts == ["quick", "slow"])


async def test_events_of_one_record_follow_one_another_without_waiting_for_a_poll(
    store: SqlStore, watch: Watch
) -> None:
    await subscribe(store, HOOK)
    worker = Worker(store, watch, receivers=Receivers(watch))
    async with running(worker):
        for _ in range(5):
            await happen(store, *[ACCOUNT] * 4)
            await asyncio.sleep(0.01)
        await until(lambda: len(worker.receivers.taken) == 20)
    assert worker.receivers.seqs(ACCOUNT) == list(range(1, 21))


async def test_what_is_due_without_a_change_is_found_by_polling(
    store: SqlStore, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "POLL", 0.02)
    store.on_change = lambda ring: lambda: None  # type: ignore[method-assign]
    await subscribe(store, HOOK)
    worker = Worker(store, watch, receivers=Receivers(watch))
    async with running(worker):
        await asyncio.sleep(0.05)
        await happen(store, ACCOUNT)
        await say(store, "x")
        await until(lambda: worker.receivers.taken and worker.chats.texts)


# Stopping ------------------------------------------------------------------------------------------------------------


async def test_stopped_it_lets_what_is_being_sent_end_and_begins_nothing_more(store: SqlStore, watch: Watch) -> None:
    await subscribe(store, HOOK)
    await happen(store, ACCOUNT, ACCOUNT)
    await say(store, "x")
    answered = asyncio.Event()
    worker = Worker(store, watch, Chats(answered.wait), Receivers(watch, answered.wait))
    async with running(worker) as outbox:
        await until(lambda: worker.chats.tried and worker.receivers.tried)
        asyncio.get_running_loop().call_later(0.1, answered.set)
    assert worker.receivers.seqs(ACCOUNT) == [1], "the second was not begun"
    assert worker.chats.texts == ["x"]
    assert outbox.attempts == {("webhook", "delivered"): 1, ("chat", "delivered"): 1}
    other = Worker(store, watch, receivers=Receivers(watch))
    await other.tell()
    await other.speak()
    assert [(told.seq, told.attempt) for told in other.receivers.taken] == [(2, 1)]
    assert other.chats.tried == []


async def test_what_does_not_end_in_time_is_given_back_and_another_replica_need_not_wait(
    replica: Open, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "GRACE", 0.05)
    here, there = await replica(), await replica()
    await subscribe(here, HOOK)
    await happen(here, ACCOUNT, CASE)
    await say(here, "first", "second")
    never = asyncio.Event()
    worker = Worker(here, watch, Chats(never.wait), Receivers(watch, never.wait, never.wait))
    async with running(worker):
        await until(lambda: worker.chats.tried and len(worker.receivers.tried) == 2)
    other = Worker(there, watch, receivers=Receivers(watch))
    await other.tell()
    await other.speak()
    assert [told.attempt for told in other.receivers.taken] == [2, 2], "it says that they may have arrived before"
    assert other.chats.texts == ["first", "second"]
    never.set()


async def test_while_it_waits_for_the_last_sendings_their_leases_stay_good(store: SqlStore, watch: Watch) -> None:
    await subscribe(store, HOOK)
    await happen(store, ACCOUNT)
    answered = asyncio.Event()
    worker = Worker(store, watch, receivers=Receivers(watch, answered.wait))
    outbox = worker.outbox()
    task = asyncio.create_task(outbox.run())
    await until(lambda: worker.receivers.tried)
    task.cancel()
    other = Worker(store, watch, receivers=Receivers(watch))
    (one,) = outbox._pumps.values()
    for _ in range(5):
        watch.now += LEASE // 2
        one.wake()
        await until(lambda: [held.delivery.lease_until for held in one._sending] == [watch.now + LEASE])
        await other.tell()
    answered.set()
    await asyncio.gather(task, return_exceptions=True)
    assert other.receivers.tried == []
    assert outbox.attempts == {("webhook", "delivered"): 1}


# Whatever happens ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [Unavailable("The database does not answer."), RuntimeError("a bug")])
async def test_it_outlives_whatever_happens_to_the_store(
    store: SqlStore, watch: Watch, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(outbox_module, "POLL", 0.02)
    monkeypatch.setattr(pump, "AGAIN", 0.01)
    await say(store, "x")
    flaky = Flaky(store, error, error)  # one for housekeeping, one for claiming
    worker = Worker(flaky, watch)  # type: ignore[arg-type]
    reads = [error]

    async def read(work):
        if reads:
            raise reads.pop()
        return await store.read(work)

    flaky.read = read
    with capture_logs() as logs:
        async with running(worker):
            await until(lambda: worker.chats.texts == ["x"])
    assert len([entry for entry in logs if entry["log_level"] in ("warning", "error")]) == 3
    assert await backlog(store) == 0


async def test_what_was_done_a_day_ago_is_forgotten_and_nothing_younger(
    store: SqlStore, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Repeats are recognised for 24 hours."""
    monkeypatch.setattr(outbox_module, "HOUSEKEEPING", 0.01)
    await store.write(lambda tx: tx.put_chat(chat()))
    await store.write(lambda tx: tx.claim_turn("turn", GROUP))
    passes: list[None] = []
    known: list[bool] = []
    counting = Meanwhile(store, *[lambda: passes.append(None)] * 10_000)
    async with running(Worker(counting, watch)):  # type: ignore[arg-type]
        for shift in (24 * HOUR, 1):
            watch.now += shift
            seen = len(passes)
            await until(lambda seen=seen: len(passes) > seen + 1)
            known.append(await store.write(lambda tx: tx.claim_turn("turn", GROUP)) is not None)
    assert known == [True, False]
