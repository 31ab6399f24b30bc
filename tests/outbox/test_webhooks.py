"""Events to webhooks: in order per record, by the schedule, given up visibly and told after a replay."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import pytest

from bot.domain.records import RecordId
from bot.domain.webhooks import WebhookState
from bot.errors import ReceiverGone, SendFailed
from bot.outbox.schedule import HOUR, MINUTE, SECOND, WAITS, WHOLE
from bot.store.store import SqlStore
from tests.outbox.conftest import Open
from tests.outbox.stage import HOOK, OTHER_HOOK, Receivers, Told, Worker, happen, subscribe
from tests.store.conftest import Watch

A, B, C = (RecordId("account", name) for name in ("A-1", "B-2", "C-3"))
REFUSED = SendFailed("500", status=500, retryable=True)


@pytest.fixture
async def worker(store: SqlStore, watch: Watch) -> Worker:
    await subscribe(store, HOOK)
    return Worker(store, watch, receivers=Receivers(watch))


def taken(worker: Worker) -> Receivers:
    assert worker.receivers is not None
    return worker.receivers


def inversions(told: list[Told]) -> int:
    """How often something was taken after a later event of the same record."""
    by_record: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in told:
        by_record[one.webhook, one.record].append(one.seq)
    return sum(later <= earlier for seqs in by_record.values() for earlier, later in pairwise(seqs))


class Days:
    """Days pass in no time: the clock jumps from one moment at which something is tried to the next.

    Each failed try names its next one by the schedule; in between, one microsecond before, nothing may happen.
    """

    def __init__(self, worker: Worker, watch: Watch, jitter: float) -> None:
        self.worker, self.watch, self.jitter = worker, watch, jitter
        worker.jitter = lambda: jitter

    async def pass_until(self, end: int) -> None:
        receivers = taken(self.worker)
        while True:
            seen = len(receivers.tried)
            await self.worker.tell()
            moment = min((one for one in self._next_tries() if one > self.watch.now), default=end)
            if moment >= end:
                break
            self.watch.now, seen = moment - 1, len(receivers.tried)
            await self.worker.tell()
            assert len(receivers.tried) == seen, "not before its time"
            self.watch.now = moment
            await self.worker.tell()
            assert len(receivers.tried) > seen, "at its time"
        self.watch.now = end
        await self.worker.tell()

    def _next_tries(self) -> list[int]:
        """Of each record's last event that was tried, unless it was taken or given up."""
        receivers = taken(self.worker)
        done = set(receivers.taken)
        last = {one.record: one for one in receivers.tried}.values()
        return [
            one.at + round(WAITS[min(one.attempt, len(WAITS)) - 1] * self.jitter)
            for one in last
            if one not in done and one.at - one.since < WHOLE
        ]


# Down ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jitter", [1.0, 1.1])
async def test_a_receiver_that_was_down_for_an_hour_gets_everything_in_order(
    worker: Worker, watch: Watch, jitter: float
) -> None:
    start, days, chance = watch.now, Days(worker, watch, jitter), random.Random(20261122)
    receivers = taken(worker)
    receivers.down = REFUSED
    for minute in sorted(chance.sample(range(60), 12)):
        await days.pass_until(start + minute * MINUTE)
        await happen(worker.store, chance.choice((A, B)), C)
    await days.pass_until(start + HOUR)
    assert not receivers.taken
    receivers.down = None
    await days.pass_until(start + 5 * HOUR)
    assert sum(len(receivers.seqs(record)) for record in (A, B, C)) == 24
    assert receivers.seqs(C) == list(range(1, 13))
    assert inversions(receivers.taken) == 0
    assert worker.attempts["webhook", "delivered"] == 24
    assert worker.attempts["webhook", "parked"] == worker.attempts["webhook", "overtaken"] == 0


@pytest.mark.parametrize("jitter", [1.0, 1.1])
async def test_after_75_hours_what_waited_so_long_is_parked_and_the_rest_told_in_order(
    worker: Worker, watch: Watch, jitter: float
) -> None:
    start, days = watch.now, Days(worker, watch, jitter)
    receivers = taken(worker)
    receivers.down = REFUSED
    await happen(worker.store, A, B)
    await days.pass_until(start + 10 * MINUTE)
    await happen(worker.store, A)
    await days.pass_until(start + 30 * HOUR)
    await happen(worker.store, A, C)
    await days.pass_until(start + WHOLE - 1)
    assert await parked(worker) == []
    await days.pass_until(start + 84 * HOUR)
    assert await parked(worker) == [(A, 1), (B, 1), (A, 2)], "the second waited behind the first, and as long"
    first = [told for told in receivers.tried if (told.record, told.seq) == (str(A), 1)]
    assert [later.at - earlier.at for earlier, later in pairwise(first)] == [round(wait * jitter) for wait in WAITS]
    receivers.down = None
    await days.pass_until(start + 120 * HOUR)
    assert (receivers.seqs(A), receivers.seqs(B), receivers.seqs(C)) == ([3], [], [1])
    assert inversions(receivers.taken) == 0

    assert await worker.store.write(lambda tx: tx.replay_events(HOOK)) == 3
    receivers.taken.clear()
    await worker.tell()
    assert (receivers.seqs(A), receivers.seqs(B)) == ([1, 2], [1])
    assert await parked(worker) == []


async def parked(worker: Worker) -> list[tuple[RecordId, int]]:
    events = await worker.store.read(lambda tx: tx.parked_events(HOOK, limit=100))
    return [(one.event.fact.record, one.event.seq) for one in events]


@pytest.mark.parametrize(("asked", "waited"), [(7200.0, 2 * HOUR), (1.0, WAITS[0]), (1e6, 24 * HOUR)])
async def test_a_receiver_gets_the_time_it_asks_for_but_no_more_than_a_day(
    worker: Worker, watch: Watch, asked: float, waited: int
) -> None:
    taken(worker).steps = [SendFailed("429", status=429, retryable=True, retry_after=asked)]
    await happen(worker.store, A)
    await worker.tell()
    watch.now += waited - 1
    await worker.tell()
    assert taken(worker).seqs(A) == []
    watch.now += 1
    await worker.tell()
    assert taken(worker).seqs(A) == [1]


async def test_an_event_that_fails_holds_back_its_own_record_only(worker: Worker, watch: Watch) -> None:
    taken(worker).steps = [REFUSED]
    await happen(worker.store, A)
    await worker.tell()
    await happen(worker.store, A, B, B)
    await worker.tell()
    assert (taken(worker).seqs(A), taken(worker).seqs(B)) == ([], [1, 2])
    watch.now += WAITS[0]
    await worker.tell()
    assert taken(worker).seqs(A) == [1, 2]
    assert [told.attempt for told in taken(worker).taken if told.record == str(A)] == [2, 1]


# Gone ----------------------------------------------------------------------------------------------------------------


async def test_after_410_nothing_is_sent_until_a_replay_and_then_everything(worker: Worker, watch: Watch) -> None:
    taken(worker).steps = [ReceiverGone("It wants no more.", status=410)]
    await happen(worker.store, A)
    await worker.tell()
    webhook = await worker.store.read(lambda tx: tx.webhook(HOOK))
    assert webhook is not None
    assert webhook.state is WebhookState.DISABLED
    assert worker.attempts == {("webhook", "disabled"): 1}
    await happen(worker.store, A, B)
    watch.now += 24 * HOUR
    await worker.tell()
    assert len(taken(worker).tried) == 1
    assert await worker.store.read(lambda tx: tx.due_webhooks()) == []

    def replay(tx) -> None:
        tx.put_webhook(replace(tx.webhook(HOOK), state=WebhookState.ACTIVE))
        tx.replay_events(HOOK)

    await worker.store.write(replay)
    await worker.tell()
    assert (taken(worker).seqs(A), taken(worker).seqs(B)) == ([1, 2], [1])


async def test_410_to_a_webhook_that_was_removed_meanwhile_brings_it_not_back(worker: Worker) -> None:
    async def remove() -> None:
        await worker.store.write(lambda tx: tx.remove_webhook(HOOK))
        raise ReceiverGone("It wants no more.", status=410)

    taken(worker).steps = [remove]
    await happen(worker.store, A)
    await worker.tell()
    assert await worker.store.read(lambda tx: tx.webhooks()) == []


@pytest.mark.parametrize("outage", [24 * HOUR, 2 * WHOLE])
async def test_a_replay_during_a_try_that_fails_has_it_told_now_and_not_by_the_old_schedule(
    worker: Worker, watch: Watch, outage: int
) -> None:
    """A receiver that hangs is what replays are asked for: the last try is most often still on its way."""

    async def hang() -> None:
        watch.now += SECOND
        await worker.store.write(lambda tx: tx.replay_events(HOOK))
        raise REFUSED

    taken(worker).steps = [REFUSED, hang]
    await happen(worker.store, A)
    await worker.tell()
    watch.now += outage
    await worker.tell()
    assert taken(worker).seqs(A) == [1]
    assert (await worker.store.read(lambda tx: tx.webhook_status(HOOK))).parked == 0


@pytest.mark.parametrize("ending", [None, REFUSED])
async def test_what_was_being_told_to_a_webhook_that_was_removed_was_overtaken_by_nobody(
    worker: Worker, ending: SendFailed | None
) -> None:
    async def remove() -> None:
        await worker.store.write(lambda tx: tx.remove_webhook(HOOK))
        if ending:
            raise ending

    taken(worker).steps = [remove]
    await happen(worker.store, A)
    await worker.tell()
    assert worker.attempts == {("webhook", "failed" if ending else "delivered"): 1}


# Together ------------------------------------------------------------------------------------------------------------


async def test_replicas_tell_each_webhook_everything_once_and_in_order(replica: Open, watch: Watch) -> None:
    """n = 180 deliveries by three workers on two replicas; a tenth of the tries fail. Seed 20261122."""
    first, second = await replica(), await replica()
    await subscribe(first, HOOK, OTHER_HOOK)
    chance = random.Random(20261122)
    receivers = Receivers(watch, *(REFUSED if chance.random() < 0.1 else (lambda: None) for _ in range(150)))
    workers = [Worker(store, watch, receivers=receivers) for store in (first, second, first)]
    records = [RecordId("account", f"A-{number}") for number in range(10)]
    async with asyncio.timeout(60):
        for _ in range(9):
            await happen(first, *records)
            await asyncio.gather(*(worker.tell(hook) for worker in workers for hook in (HOOK, OTHER_HOOK)))
        while len(receivers.taken) < 180:
            watch.now += SECOND
            await asyncio.gather(*(worker.tell(hook) for worker in workers for hook in (HOOK, OTHER_HOOK)))
    for hook in (HOOK, OTHER_HOOK):
        assert all(receivers.seqs(record, hook) == list(range(1, 10)) for record in records)
    assert sum(worker.attempts["webhook", "delivered"] for worker in workers) == 180
    assert sum(worker.attempts["webhook", "overtaken"] for worker in workers) == 0
