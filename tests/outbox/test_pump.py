"""Leases: what is held is renewed, what is lost is not sent, and who comes back too late changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.domain.records import RecordId
from bot.errors import SendFailed, Unavailable
from bot.outbox import pump
from bot.outbox.chats import MOST_BYTES
from bot.outbox.pump import LEASE, RENEW
from bot.outbox.schedule import HOUR, WAITS
from bot.outbox.webhooks import SLOTS
from bot.store.store import SqlStore
from tests.outbox.conftest import Open
from tests.outbox.stage import HOOK, Chats, Receivers, Worker, card, happen, say, subscribe
from tests.store.conftest import Watch
from tests.store.examples import ACCOUNT, CASE
from tests.waiting import soon, until

BUSY = SendFailed("503", status=503, retryable=True)
ASLEEP = 0.1
"""Seconds after which a pump that has started all it claimed sleeps until it must renew."""


class Meanwhile:
    """A store. `moves`: what happens after each of the first writes, before the one who asked for it goes on."""

    def __init__(self, store: SqlStore, *moves: Callable[[], Any]) -> None:
        self._store = store
        self._moves = list(moves)
        self.read = store.read
        self.on_change = store.on_change

    async def write(self, work, *, durable=True):
        result = await self._store.write(work, durable=durable)
        if self._moves:
            waited = self._moves.pop(0)()
            if waited is not None:
                await waited
        return result


class Flaky:
    """A store whose next writes fail."""

    def __init__(self, store: SqlStore, *errors: Exception) -> None:
        self._store = store
        self.errors = list(errors)
        self.read = store.read
        self.on_change = store.on_change

    async def write(self, work, *, durable=True):
        if self.errors:
            raise self.errors.pop(0)
        return await self._store.write(work, durable=durable)


# Renewed -------------------------------------------------------------------------------------------------------------


async def test_what_takes_long_to_send_is_held_as_long_as_it_takes(replica: Open, watch: Watch) -> None:
    """n = 20 renewals of two seconds for a chat and a webhook; another replica looks on and gets nothing."""
    here, there = await replica(), await replica()
    await subscribe(here, HOOK)
    await happen(here, ACCOUNT)
    await say(here, "x")
    answered = asyncio.Event()
    slow = Worker(here, watch, Chats(answered.wait), Receivers(watch, answered.wait))
    other = Worker(there, watch, receivers=Receivers(watch))
    pumps = [slow.chat_pump(), slow.webhook_pump()]
    running = [asyncio.create_task(one.run()) for one in pumps]
    await until(lambda: slow.chats.tried and slow.receivers.tried)
    for _ in range(20):
        watch.now += RENEW
        for one in pumps:
            one.wake()
        await until(lambda: all(leases(one) == [watch.now + LEASE] for one in pumps))
        await other.speak()
        await other.tell()
    answered.set()
    await asyncio.gather(*running)
    assert other.chats.tried == other.receivers.tried == []
    assert slow.attempts == {("chat", "delivered"): 1, ("webhook", "delivered"): 1}


def leases(running: pump.Pump) -> list[int]:
    return [held.delivery.lease_until for held in running._sending]


async def test_leases_are_renewed_every_two_seconds_without_being_asked(
    store: SqlStore, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the machine's own clock, a hundred times as fast."""
    monkeypatch.setattr(pump, "RENEW", RENEW // 100)
    await subscribe(store, HOOK)
    await happen(store, ACCOUNT)
    answered = asyncio.Event()
    worker = Worker(store, watch, receivers=Receivers(watch, answered.wait))
    running = worker.webhook_pump()
    task = asyncio.create_task(running.run())
    for _ in range(5):
        watch.now += RENEW // 100
        moment = watch.now + LEASE
        await until(lambda moment=moment: leases(running) == [moment])
    answered.set()
    await task
    assert worker.receivers.seqs(ACCOUNT) == [1]


async def test_a_receiver_that_hangs_with_every_slot_taken_keeps_its_leases_too(store: SqlStore, watch: Watch) -> None:
    records = [RecordId("account", f"A-{number}") for number in range(SLOTS + 1)]
    await subscribe(store, HOOK)
    await happen(store, *records)
    answered = asyncio.Event()
    worker = Worker(store, watch, receivers=Receivers(watch, *[answered.wait] * SLOTS))
    running = worker.webhook_pump()
    task = asyncio.create_task(running.run())
    await until(lambda: len(worker.receivers.tried) == SLOTS)
    watch.now += RENEW
    running.wake()
    await until(lambda: set(leases(running)) == {watch.now + LEASE})
    assert len(worker.receivers.tried) == SLOTS, "no more at once"
    answered.set()
    await task
    assert all(worker.receivers.seqs(record) == [1] for record in records)


async def test_a_clock_that_is_put_back_keeps_no_lease_from_being_renewed(store: SqlStore, watch: Watch) -> None:
    await subscribe(store, HOOK)
    await happen(store, ACCOUNT)
    answered = asyncio.Event()
    worker = Worker(store, watch, receivers=Receivers(watch, answered.wait))
    running = worker.webhook_pump()
    task = asyncio.create_task(running.run())
    await until(lambda: worker.receivers.tried)
    watch.now -= HOUR
    running.wake()
    await until(lambda: leases(running) == [watch.now + LEASE])
    answered.set()
    await task


# Claimed -------------------------------------------------------------------------------------------------------------


async def test_what_becomes_due_while_it_claims_is_claimed_too(store: SqlStore, watch: Watch) -> None:
    """Else it would wait for the next poll."""

    async def something_happens() -> None:
        await happen(store, ACCOUNT)
        running.wake()

    await subscribe(store, HOOK)
    worker = Worker(Meanwhile(store, something_happens), watch, receivers=Receivers(watch))  # type: ignore[arg-type]
    running = worker.webhook_pump()
    await running.run()
    assert worker.receivers.seqs(ACCOUNT) == [1]


async def test_what_it_has_claimed_when_it_is_stopped_is_given_back_and_not_sent(store: SqlStore, watch: Watch) -> None:
    await subscribe(store, HOOK)
    await happen(store, ACCOUNT)
    worker = Worker(Meanwhile(store, lambda: running.stop()), watch, receivers=Receivers(watch))  # type: ignore[arg-type]
    running = worker.webhook_pump()
    await running.run()
    assert worker.receivers.tried == []
    other = Worker(store, watch, receivers=Receivers(watch))
    await other.tell()
    assert other.receivers.seqs(ACCOUNT) == [1]


# Lost ----------------------------------------------------------------------------------------------------------------


async def test_what_was_claimed_before_the_process_stood_still_is_not_sent_on_the_old_lease(
    store: SqlStore, watch: Watch
) -> None:
    def stand_still() -> None:
        watch.now += LEASE

    await subscribe(store, HOOK)
    await happen(store, ACCOUNT)
    await say(store, "x")
    worker = Worker(Meanwhile(store, stand_still), watch, receivers=Receivers(watch))  # type: ignore[arg-type]
    await worker.tell()
    (told,) = worker.receivers.tried
    assert told.attempt == 2, "it was claimed again"
    worker = Worker(Meanwhile(store, stand_still), watch)  # type: ignore[arg-type]
    await worker.speak()
    assert len(worker.chats.tried) == 1
    assert worker.attempts == {("chat", "delivered"): 1}


async def test_the_rest_of_a_chats_messages_is_not_sent_on_a_lease_that_ended_meanwhile(
    replica: Open, watch: Watch
) -> None:
    here, there = await replica(), await replica()
    big = "x" * MOST_BYTES
    await say(here, card("one", more=big), card("two", more=big))
    other = Worker(there, watch)

    async def stand_still() -> None:
        await asyncio.sleep(ASLEEP)
        watch.now += LEASE
        await other.speak()

    late = Worker(here, watch, Chats(stand_still))
    await late.speak()
    assert (late.chats.texts, other.chats.texts) == (["one"], ["one", "two"])
    assert late.attempts == {("chat", "overtaken"): 1}


@pytest.mark.parametrize("ending", [None, BUSY])
async def test_a_worker_that_comes_back_too_late_changes_nothing_and_says_so(
    replica: Open, watch: Watch, ending: Exception | None
) -> None:
    """Its leases ran out while it was stuck; another one tried the event and the message, and will again."""
    here, there = await replica(), await replica()
    await subscribe(here, HOOK)
    await happen(here, ACCOUNT, ACCOUNT)
    await say(here, "x")
    other = Worker(there, watch, Chats(BUSY), Receivers(watch, BUSY))

    async def too_late_for(others: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(ASLEEP)
        watch.now += LEASE
        await others()
        if ending:
            raise ending

    late = Worker(
        here,
        watch,
        Chats(lambda: too_late_for(other.speak)),
        Receivers(watch, lambda: too_late_for(other.tell)),
    )
    with capture_logs() as logs:
        await late.tell()
        await late.speak()
    assert late.attempts == {("webhook", "overtaken"): 1, ("chat", "overtaken"): 1}
    assert sum(entry["event"] == "it may have been told twice" for entry in logs) == 2
    assert other.attempts == {("webhook", "failed"): 1, ("chat", "failed"): 1}
    watch.now += WAITS[1]
    await other.speak()
    await other.tell()
    assert other.chats.texts == ["x"]
    assert [(told.seq, told.attempt) for told in other.receivers.taken] == [(1, 3), (2, 1)]


async def test_a_worker_that_is_killed_in_the_middle_loses_nothing(store: SqlStore, watch: Watch) -> None:
    await subscribe(store, HOOK)
    await happen(store, ACCOUNT, CASE)
    await say(store, "first", "second")
    never = asyncio.Event()
    killed = Worker(store, watch, Chats(never.wait), Receivers(watch, never.wait, never.wait))
    tasks = [asyncio.create_task(one.run()) for one in (killed.chat_pump(), killed.webhook_pump())]
    await until(lambda: killed.chats.tried and len(killed.receivers.tried) == 2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    other = Worker(store, watch, receivers=Receivers(watch))
    await other.speak()
    await other.tell()
    assert other.chats.tried == other.receivers.tried == [], "the other one's lease is still good"
    watch.now += LEASE
    await other.speak()
    await other.tell()
    assert other.chats.texts == ["first", "second"]
    assert [told.attempt for told in other.receivers.taken] == [2, 2], "it says that they may have arrived before"
    never.set()


# The store fails -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [Unavailable("The database does not answer."), RuntimeError("a bug")])
async def test_what_was_told_is_settled_when_the_store_is_back(
    store: SqlStore, watch: Watch, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(pump, "AGAIN", 0.01)
    await subscribe(store, HOOK)
    await happen(store, ACCOUNT)
    flaky = Flaky(store)

    def fail() -> None:
        flaky.errors += [error, error]

    worker = Worker(flaky, watch, receivers=Receivers(watch, fail))  # type: ignore[arg-type]
    with capture_logs() as logs:
        await worker.tell()
    assert worker.attempts == {("webhook", "delivered"): 1}
    assert len(worker.receivers.tried) == 1
    assert [entry["log_level"] for entry in logs] == ["warning" if isinstance(error, Unavailable) else "error"] * 2
    watch.now += 10 * LEASE
    await worker.tell()
    assert len(worker.receivers.tried) == 1


async def test_whatever_a_failure_says_can_be_noted(replica: Open, watch: Watch) -> None:
    """PostgreSQL refuses some characters; what can't be noted would be tried for ever."""
    store = await replica()
    await subscribe(store, HOOK)
    await happen(store, ACCOUNT)
    await say(store, "x")
    odd = SendFailed(f"half a \ud83d, none \0\n{'long ' * 1000}", ambiguous=True, retryable=True)
    worker = Worker(store, watch, Chats(odd), Receivers(watch, odd))
    async with soon():
        await worker.tell()
        await worker.speak()
    assert worker.attempts == {("webhook", "failed"): 1, ("chat", "ambiguous"): 1}
    status = await store.read(lambda tx: tx.webhook_status(HOOK))
    assert status.error.startswith("half a , none long long")
    assert len(status.error) <= 500


async def test_a_pump_that_can_claim_nothing_ends_and_leaves_trying_again_to_the_worker(
    store: SqlStore, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "AGAIN", 0.01)
    worker = Worker(Flaky(store, Unavailable("Down.")), watch, receivers=Receivers(watch))  # type: ignore[arg-type]
    await worker.tell()
    assert worker.attempts == {}
