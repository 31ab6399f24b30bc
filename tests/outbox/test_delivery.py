"""The outbox on the real store, with a sender that fails as it is told: nothing is lost, in order, at its time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.domain.chats import Chat, ChatState
from bot.errors import ChatGone, ChatUnreachable, SendFailed, Unavailable
from bot.features import lifecycle
from bot.outbox import delivery
from bot.outbox.delivery import LEASE, SCHEDULE, SECOND, Outbox
from bot.ports import Json
from bot.store.store import SqlStore, open_store
from tests.store.conftest import Watch
from tests.store.examples import GROUP, OTHER, chat

DAY = 24 * 3600 * SECOND
JITTER = 1.2
"""Waiting times are up to a fifth longer than the schedule says."""


class Script:
    """A sender that does what it was told, in turn: an error to raise, or a number of seconds to take; then it sends.

    Attributes:
        sent: (chat, text) of what was sent; tried: of every attempt.
        most: how many sendings there were at once, by chat.
    """

    def __init__(self, *steps: Exception | float) -> None:
        self.steps = list(steps)
        self.sent: list[tuple[str, str]] = []
        self.tried: list[tuple[str, str]] = []
        self.most: Counter[str] = Counter()
        self._now: Counter[str] = Counter()

    async def send(self, chat: Chat, message: Json) -> str:
        self.tried.append((chat.id, message["text"]))
        self._now[chat.id] += 1
        self.most[chat.id] = max(self.most[chat.id], self._now[chat.id])
        try:
            step = self.steps.pop(0) if self.steps else 0.0
            if isinstance(step, Exception):
                raise step
            await asyncio.sleep(step)
        finally:
            self._now[chat.id] -= 1
        self.sent.append((chat.id, message["text"]))
        return "1"

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.sent]


Open = Callable[[], Awaitable[SqlStore]]


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture(params=["sqlite", "postgresql"])
async def replica(request: pytest.FixtureRequest, tmp_path: Path, watch: Watch) -> AsyncIterator[Open]:
    """Opens the test's database once more, as another replica would."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/outbox.db" if sqlite else request.getfixturevalue("postgres_url")
    opened: list[SqlStore] = []

    async def open_one() -> SqlStore:
        opened.append(open_store(url, tenant="contoso", clock=watch))
        await opened[-1].start()
        return opened[-1]

    yield open_one
    for store in opened:
        await store.close()


@pytest.fixture
async def store(replica: Open) -> SqlStore:
    return await replica()


def outbox(store: SqlStore, sender: Script) -> Outbox:
    return Outbox(store=store, sender=sender, unreachable=lifecycle.suspend)


async def tell(store: SqlStore, *texts: str, to: str = GROUP) -> None:
    def work(tx) -> None:
        tx.put_chat(tx.chat(to) or chat(to))
        for text in texts:
            tx.tell(to, {"text": text})

    await store.write(work)


async def backlog(store: SqlStore) -> int:
    waiting, _ = await store.read(lambda tx: tx.outbox_backlog())
    return waiting


async def deliver_all(worker: Outbox) -> None:
    """Until nothing is due."""
    for _ in range(100):
        if not await worker.deliver_due():
            return
    raise AssertionError("it never ends")


# In order ------------------------------------------------------------------------------------------------------------


async def test_each_chat_gets_its_messages_in_order_and_chats_do_not_wait_for_one_another(store: SqlStore) -> None:
    await tell(store, "a1", "a2", "a3")
    await tell(store, "b1", "b2", to=OTHER)
    sender = Script(0.02, 0.0)
    worker = outbox(store, sender)
    assert await worker.deliver_due() == 2
    assert sender.sent == [(OTHER, "b1"), (GROUP, "a1")], "both at the same time, the quick one first"
    await deliver_all(worker)
    assert [text for where, text in sender.sent if where == GROUP] == ["a1", "a2", "a3"]
    assert [text for where, text in sender.sent if where == OTHER] == ["b1", "b2"]
    assert await backlog(store) == 0


async def test_many_workers_on_replicas_send_everything_once_and_one_at_a_time_per_chat(replica: Open) -> None:
    first, second = await replica(), await replica()
    chats = [f"19:{number}@thread.v2" for number in range(6)]
    for where in chats:
        await tell(first, *"12345", to=where)
    sender = Script()
    workers = [outbox(store, sender) for store in (first, second, first)]
    async with asyncio.timeout(30):
        while await backlog(first):
            await asyncio.gather(*(worker.deliver_due() for worker in workers))
    assert len(sender.sent) == 30
    assert set(sender.most.values()) == {1}
    for where in chats:
        assert [text for to, text in sender.sent if to == where] == list("12345")


async def test_a_message_that_waits_for_its_next_attempt_is_not_overtaken(store: SqlStore, watch: Watch) -> None:
    await tell(store, "first", "second")
    sender = Script(SendFailed("503", status=503, retryable=True))
    worker = outbox(store, sender)
    await deliver_all(worker)
    assert sender.texts == []
    watch.now += round(SCHEDULE[0] * JITTER)
    await deliver_all(worker)
    assert sender.texts == ["first", "second"]


# Later ---------------------------------------------------------------------------------------------------------------


async def test_a_failed_message_is_tried_on_schedule_and_then_parked(store: SqlStore, watch: Watch) -> None:
    await tell(store, "never", "next")
    sender = Script(*[SendFailed("503", status=503, retryable=True)] * (len(SCHEDULE) + 1))
    worker = outbox(store, sender)
    await deliver_all(worker)
    for attempt, wait in enumerate(SCHEDULE, 1):
        assert len(sender.tried) == attempt
        watch.now += wait - 1
        await deliver_all(worker)
        assert len(sender.tried) == attempt, "not before its time"
        watch.now += 1 + round(wait * (JITTER - 1))
        await deliver_all(worker)
    assert sender.tried == [(GROUP, "never")] * (len(SCHEDULE) + 1) + [(GROUP, "next")]
    assert sender.texts == ["next"], "a message that was given up holds the others back no longer"
    assert await backlog(store) == 0
    watch.now += 100 * DAY
    await deliver_all(worker)
    assert sender.texts == ["next"]


async def test_who_asks_for_more_time_gets_it_and_never_less_than_the_schedule(store: SqlStore, watch: Watch) -> None:
    for asked, expected in ((600.0, 600 * SECOND), (1.0, SCHEDULE[0])):
        await tell(store, "x")
        sender = Script(SendFailed("429", status=429, retryable=True, retry_after=asked))
        worker = outbox(store, sender)
        await deliver_all(worker)
        watch.now += expected - 1
        await deliver_all(worker)
        assert sender.texts == []
        watch.now += 1 + round(expected * (JITTER - 1))
        await deliver_all(worker)
        assert sender.texts == ["x"]


@pytest.mark.parametrize(
    "error",
    [
        SendFailed("no answer", retryable=True, ambiguous=True),
        SendFailed("400", status=400),
        SendFailed("413", status=413, reason="MessageSizeTooBig"),
    ],
)
async def test_what_may_have_arrived_or_would_always_fail_is_parked_at_once(
    store: SqlStore, watch: Watch, error: SendFailed
) -> None:
    await tell(store, "given up", "next")
    sender = Script(error)
    worker = outbox(store, sender)
    await deliver_all(worker)
    watch.now += 2 * DAY
    await store.write(lambda tx: tx.expire(before=tx.now))
    await deliver_all(worker)
    assert sender.tried == [(GROUP, "given up"), (GROUP, "next")]


# Chats that can't be spoken to ---------------------------------------------------------------------------------------


async def test_a_suspended_chat_keeps_its_messages_until_the_bot_is_back(store: SqlStore, watch: Watch) -> None:
    await tell(store, "a1", "a2")
    await tell(store, "b1", to=OTHER)
    sender = Script(ChatUnreachable("403", status=403, reason="BotNotInConversationRoster"))
    worker = outbox(store, sender)
    await deliver_all(worker)
    known = await store.read(lambda tx: tx.chat(GROUP))
    assert known is not None
    assert known.state is ChatState.SUSPENDED
    watch.now += 30 * DAY
    await deliver_all(worker)
    assert sender.sent == [(OTHER, "b1")]
    assert await backlog(store) == 0, "it waits for somebody, not for us"
    await store.write(lambda tx: tx.put_chat(replace(known, state=ChatState.ACTIVE)))
    await deliver_all(worker)
    assert sender.sent == [(OTHER, "b1"), (GROUP, "a1"), (GROUP, "a2")]


async def test_a_chat_that_is_gone_gets_nothing_even_if_it_comes_back(store: SqlStore) -> None:
    await tell(store, "for the old one")
    sender = Script(ChatGone("404", status=404, reason="ConversationNotFound"))
    worker = outbox(store, sender)
    await deliver_all(worker)
    known = await store.read(lambda tx: tx.chat(GROUP))
    assert known is not None
    assert known.state is ChatState.GONE
    await store.write(lambda tx: tx.put_chat(replace(known, state=ChatState.ACTIVE)))
    await tell(store, "for the new one")
    await deliver_all(worker)
    assert sender.texts == ["for the new one"]


# Interruptions -------------------------------------------------------------------------------------------------------


async def test_a_worker_that_is_stopped_in_the_middle_loses_nothing(store: SqlStore, watch: Watch) -> None:
    await tell(store, "first", "second")
    stuck = Script(60.0)
    worker = asyncio.create_task(outbox(store, stuck).run())
    for _ in range(100):
        if stuck.tried:
            break
        await asyncio.sleep(0.02)
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    assert worker.cancelled()
    sender = Script()
    await deliver_all(outbox(store, sender))
    assert sender.texts == [], "the other one's lease is still good"
    watch.now += LEASE
    await deliver_all(outbox(store, sender))
    assert sender.texts == ["first", "second"]


async def test_a_worker_that_comes_back_too_late_changes_nothing(replica: Open, watch: Watch) -> None:
    """Its lease ran out while it was stuck; another one has the message now, and the late one must not settle it."""
    here, there = await replica(), await replica()
    await tell(here, "x")
    late = Script(0.3)
    stuck = asyncio.create_task(outbox(here, late).deliver_due())
    for _ in range(100):
        if late.tried:
            break
        await asyncio.sleep(0.01)
    watch.now += LEASE
    await outbox(there, Script(SendFailed("503", status=503, retryable=True))).deliver_due()
    await stuck
    assert await backlog(here) == 1


class Flaky:
    """A store whose next writes fail."""

    def __init__(self, store: SqlStore, *errors: Exception) -> None:
        self._store = store
        self._errors = list(errors)
        self.read = store.read

    async def write(self, work):
        if self._errors:
            raise self._errors.pop(0)
        return await self._store.write(work)


@pytest.mark.parametrize("error", [Unavailable("The database does not answer."), RuntimeError("a bug")])
async def test_the_worker_outlives_whatever_happens_to_the_store(store: SqlStore, error: Exception) -> None:
    await tell(store, "x")
    sender = Script()
    flaky = Flaky(store, error, error)  # one for housekeeping, one for claiming
    worker = Outbox(store=flaky, sender=sender, unreachable=lifecycle.suspend)  # type: ignore[arg-type]
    with capture_logs() as logs:
        task = asyncio.create_task(worker.run())
        for _ in range(100):
            worker.wake()
            if sender.texts:
                break
            await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert sender.texts == ["x"]
    assert len([entry for entry in logs if entry["log_level"] in ("warning", "error")]) == 2


async def test_a_defect_in_one_sending_keeps_no_other_chat_waiting_and_is_tried_later(
    store: SqlStore, watch: Watch
) -> None:
    await tell(store, "bad")
    await tell(store, "good", to=OTHER)
    sender = Script(ZeroDivisionError("a bug"))
    worker = outbox(store, sender)
    with capture_logs() as logs:
        await deliver_all(worker)
    assert len(sender.sent) == 1
    assert any(entry.get("exc_info") for entry in logs)
    watch.now += round(SCHEDULE[0] * JITTER)
    await deliver_all(worker)
    assert sorted(sender.texts) == ["bad", "good"]


# Housekeeping --------------------------------------------------------------------------------------------------------


async def test_what_was_done_a_day_ago_is_forgotten_and_nothing_younger(
    store: SqlStore, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Repeats are recognised for 24 hours."""
    monkeypatch.setattr(delivery, "HOUSEKEEPING", 0.01)
    await store.write(lambda tx: tx.put_chat(chat()))
    await store.write(lambda tx: tx.claim_turn("turn", GROUP))
    task = asyncio.create_task(outbox(store, Script()).run())
    known: list[bool] = []
    for shift in (DAY, 1):
        watch.now += shift
        await asyncio.sleep(0.2)
        known.append(await store.write(lambda tx: tx.claim_turn("turn", GROUP)) is not None)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert known == [True, False]


async def test_being_woken_it_does_not_wait_for_the_next_poll(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "POLL", 30.0)
    sender = Script()
    worker = outbox(store, sender)
    task = asyncio.create_task(worker.run())
    await asyncio.sleep(0.1)
    await tell(store, "x")
    worker.wake()
    for _ in range(100):
        if sender.texts:
            break
        await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert sender.texts == ["x"]
