"""Messages into chats: nothing is lost, in order, at its time, and several at once where that is possible."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from bot.domain.chats import ChatState
from bot.domain.deliveries import PendingMessage
from bot.errors import ChatGone, ChatUnreachable, SendFailed
from bot.outbox import chats
from bot.outbox.chats import FEW, MOST_BYTES, MOST_MESSAGES
from bot.outbox.schedule import HOUR, SECOND, WAITS, WHOLE
from bot.store.store import SqlStore
from tests.outbox.conftest import Open
from tests.outbox.stage import Chats, Worker, backlog, card, say
from tests.store.conftest import Watch
from tests.store.examples import GROUP, OTHER
from tests.waiting import until

BUSY = SendFailed("503", status=503, retryable=True)


@pytest.fixture
def worker(store: SqlStore, watch: Watch) -> Worker:
    return Worker(store, watch)


# In order ------------------------------------------------------------------------------------------------------------


async def test_each_chat_gets_its_messages_in_order_and_chats_do_not_wait_for_one_another(worker: Worker) -> None:
    await say(worker.store, "a1", "a2", "a3")
    await say(worker.store, "b1", "b2", to=OTHER)
    slow = asyncio.Event()
    worker.chats.steps = [slow.wait]
    speaking = asyncio.create_task(worker.speak())
    await until(lambda: len(worker.chats.sent) == 2)
    slow.set()
    await speaking
    assert worker.chats.sent == [(OTHER, "b1"), (OTHER, "b2"), (GROUP, "a1"), (GROUP, "a2"), (GROUP, "a3")]
    assert await backlog(worker.store) == 0


async def test_many_workers_on_replicas_send_everything_once_and_one_at_a_time_per_chat(
    replica: Open, watch: Watch
) -> None:
    first, second = await replica(), await replica()
    places = [f"19:{number}@thread.v2" for number in range(6)]
    sender = Chats()
    workers = [Worker(store, watch, sender) for store in (first, second, first)]
    async with asyncio.timeout(30):
        for text in "12345":
            for where in places:
                await say(first, text, to=where)
            await asyncio.gather(*(worker.speak() for worker in workers))
        while await backlog(first):
            await asyncio.gather(*(worker.speak() for worker in workers))
    for where in places:
        assert [text for to, text in sender.sent if to == where] == list("12345")
    assert sum((worker.attempts for worker in workers), start=type(workers[0].attempts)()) == {
        ("chat", "delivered"): 30
    }


async def test_a_message_that_waits_for_its_next_try_is_not_overtaken(worker: Worker, watch: Watch) -> None:
    await say(worker.store, "first")
    worker.chats.steps = [BUSY]
    await worker.speak()
    await say(worker.store, "second")
    await worker.speak()
    assert worker.chats.texts == []
    watch.now += WAITS[0]
    await worker.speak()
    assert worker.chats.texts == ["first", "second"]


# Several as one ------------------------------------------------------------------------------------------------------


async def test_a_few_messages_go_out_one_by_one(worker: Worker) -> None:
    await say(worker.store, *(texts := [f"m{number}" for number in range(FEW)]))
    await worker.speak()
    assert [tried for _, tried in worker.chats.tried] == [[text] for text in texts]


async def test_a_crowd_that_waits_for_a_chat_goes_out_together_and_shows_everything(worker: Worker) -> None:
    texts = [f"m{number}" for number in range(MOST_MESSAGES + FEW + 1)]
    await say(worker.store, *texts)
    await worker.speak()
    assert [len(activity["attachments"]) for activity in worker.chats.activities] == [MOST_MESSAGES, FEW + 1]
    assert worker.chats.texts == texts
    assert worker.chats.activities[1] == {
        "type": "message",
        "summary": "m10 · m11 · m12 · m13",
        "attachments": [attachment for text in texts[MOST_MESSAGES:] for attachment in card(text)["attachments"]],
    }
    assert worker.attempts == {("chat", "delivered"): len(texts)}


def pending(*messages: dict) -> list[PendingMessage]:
    return [
        PendingMessage(id=number, message=message, attempts=1, since=0, fence=1)
        for number, message in enumerate(messages)
    ]


def test_an_activity_stays_below_what_teams_takes_and_the_order_is_kept() -> None:
    third = MOST_BYTES // 3
    sizes = [third, third, third, third - 3000, 10, 10, 2 * MOST_BYTES, 10]
    parts = chats.coalesced(pending(*(card("m", more="é" * (size // 2)) for size in sizes)))
    assert [[message.id for message in part] for part in parts] == [[0, 1], [2, 3, 4, 5], [6], [7]]


def test_a_message_that_is_more_than_its_cards_goes_alone() -> None:
    reply, text = card("reply") | {"replyToId": "1"}, {"type": "message", "text": "just text"}
    messages = pending(card("a"), reply, card("b"), card("c"), text, card("d"))
    assert [[message.id for message in part] for part in chats.coalesced(messages)] == [[0], [1], [2, 3], [4], [5]]
    assert chats.activity_of((messages[1],)) is reply


async def test_big_messages_go_one_after_the_other_and_what_follows_a_failed_one_waits_for_it(
    worker: Worker, watch: Watch
) -> None:
    big = "x" * (MOST_BYTES * 2 // 3)
    await say(worker.store, *(card(text, more=big) for text in "abc"))
    worker.chats.steps = [lambda: None, BUSY]
    await worker.speak()
    assert worker.chats.texts == ["a"]
    watch.now += WAITS[0] - 1
    await worker.speak()
    assert worker.chats.texts == ["a"]
    watch.now += 1
    await worker.speak()
    assert worker.chats.texts == ["a", "b", "c"]


async def test_when_several_are_refused_together_only_the_one_that_is_to_blame_is_given_up(worker: Worker) -> None:
    await say(worker.store, "a", "bad", "c", "d")
    too_big = SendFailed("413", status=413, reason="MessageSizeTooBig")
    worker.chats.steps = [too_big, lambda: None, too_big]
    await worker.speak()
    assert [texts for _, texts in worker.chats.tried] == [["a", "bad", "c", "d"], ["a"], ["bad"], ["c"], ["d"]]
    assert worker.chats.texts == ["a", "c", "d"]
    assert worker.attempts == {("chat", "delivered"): 3, ("chat", "parked"): 1}


# Later ---------------------------------------------------------------------------------------------------------------


async def test_a_failed_message_is_tried_on_schedule_and_then_parked(worker: Worker, watch: Watch) -> None:
    await say(worker.store, "never")
    worker.chats.steps = [BUSY] * (len(WAITS) + 1)
    await worker.speak()
    for number, wait in enumerate(WAITS, 1):
        watch.now += wait - 1
        await worker.speak()
        assert len(worker.chats.tried) == number, "not before its time"
        watch.now += 1
        await worker.speak()
    assert len(worker.chats.tried) == len(WAITS) + 1
    assert worker.attempts == {("chat", "failed"): len(WAITS), ("chat", "parked"): 1}
    await say(worker.store, "next")
    watch.now += 100 * 24 * HOUR
    await worker.speak()
    assert worker.chats.texts == ["next"], "a message that was given up holds the others back no longer"


async def test_of_several_those_that_waited_for_the_whole_schedule_are_parked(worker: Worker, watch: Watch) -> None:
    await say(worker.store, "old")
    watch.now += SECOND
    await say(worker.store, *(young := ["young", "and", "free"]))
    watch.now += WHOLE - SECOND
    worker.chats.steps = [BUSY]
    await worker.speak()
    assert worker.attempts == {("chat", "failed"): 3, ("chat", "parked"): 1}
    watch.now += WAITS[0]
    await worker.speak()
    assert worker.chats.texts == young


@pytest.mark.parametrize(("asked", "waited"), [(600.0, 600 * SECOND), (1.0, WAITS[0])])
async def test_who_asks_for_more_time_gets_it_and_never_less_than_the_schedule(
    worker: Worker, watch: Watch, asked: float, waited: int
) -> None:
    """Teams asks for it by 429, and the chat's own budget does."""
    await say(worker.store, "x")
    worker.chats.steps = [SendFailed("429", status=429, retryable=True, retry_after=asked)]
    await worker.speak()
    watch.now += waited - 1
    await worker.speak()
    assert worker.chats.texts == []
    watch.now += 1
    await worker.speak()
    assert worker.chats.texts == ["x"]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (SendFailed("no answer", retryable=True, ambiguous=True), "ambiguous"),
        (SendFailed("400", status=400), "parked"),
        (SendFailed("413", status=413, reason="MessageSizeTooBig"), "parked"),
    ],
)
async def test_what_may_have_arrived_or_would_always_fail_is_parked_at_once(
    worker: Worker, watch: Watch, error: SendFailed, outcome: str
) -> None:
    await say(worker.store, "given up")
    worker.chats.steps = [error]
    await worker.speak()
    await say(worker.store, "next")
    watch.now += 48 * HOUR
    await worker.store.write(lambda tx: tx.expire(before=tx.now))
    await worker.speak()
    assert worker.chats.tried == [(GROUP, ["given up"]), (GROUP, ["next"])]
    assert worker.attempts == {("chat", outcome): 1, ("chat", "delivered"): 1}
    status = await worker.store.read(lambda tx: tx.outbox_status())
    assert status["chat"].parked == 1, "it stays, visible"


async def test_a_defect_in_one_sending_keeps_no_other_chat_waiting_and_is_tried_later(
    worker: Worker, watch: Watch
) -> None:
    await say(worker.store, "bad")
    await say(worker.store, "good", to=OTHER)
    worker.chats.steps = [ZeroDivisionError("a bug")]
    with capture_logs() as logs:
        await worker.speak()
    assert len(worker.chats.sent) == 1
    assert any(entry.get("exc_info") for entry in logs)
    watch.now += WAITS[0]
    await worker.speak()
    assert sorted(worker.chats.texts) == ["bad", "good"]


# Chats that can't be spoken to ---------------------------------------------------------------------------------------


async def test_a_suspended_chat_keeps_its_messages_until_the_bot_is_back(worker: Worker, watch: Watch) -> None:
    await say(worker.store, "a1", "a2")
    await say(worker.store, "b1", to=OTHER)
    worker.chats.steps = [ChatUnreachable("403", status=403, reason="BotNotInConversationRoster")]
    await worker.speak()
    known = await worker.store.read(lambda tx: tx.chat(GROUP))
    assert known is not None
    assert known.state is ChatState.SUSPENDED
    watch.now += 30 * 24 * HOUR
    await worker.speak()
    assert worker.chats.sent == [(OTHER, "b1")]
    assert await backlog(worker.store) == 0, "it waits for somebody, not for us"
    await worker.store.write(lambda tx: tx.put_chat(replace(known, state=ChatState.ACTIVE)))
    await worker.speak()
    assert worker.chats.sent == [(OTHER, "b1"), (GROUP, "a1"), (GROUP, "a2")]


async def test_a_chat_that_is_gone_gets_nothing_even_if_it_comes_back(worker: Worker) -> None:
    await say(worker.store, "for the", "old one")
    worker.chats.steps = [ChatGone("404", status=404, reason="ConversationNotFound")]
    await worker.speak()
    known = await worker.store.read(lambda tx: tx.chat(GROUP))
    assert known is not None
    assert known.state is ChatState.GONE
    await worker.store.write(lambda tx: tx.put_chat(replace(known, state=ChatState.ACTIVE)))
    await say(worker.store, "for the new one")
    await worker.speak()
    assert worker.chats.texts == ["for the new one"]
