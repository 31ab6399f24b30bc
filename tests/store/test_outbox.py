"""What must still be told: one worker at a time, in order per chat, on every database."""

from __future__ import annotations

import asyncio
from collections import Counter

from bot.domain.chats import ChatState
from bot.ports import Delivery
from bot.store.store import SqlStore
from tests.store.conftest import Open, Watch
from tests.store.examples import GROUP, OTHER, chat

LEASE = 1000


async def tell(store: SqlStore, *messages: tuple[str, str], lease: int = 0) -> list[int]:
    """Save messages `(chat, text)`; their numbers."""

    def work(tx):
        for chat_id in {chat_id for chat_id, _ in messages}:
            tx.put_chat(chat(chat_id))
        return [tx.tell(chat_id, {"text": text}, lease=lease) for chat_id, text in messages]

    return await store.write(work)


async def claim(store: SqlStore, limit: int = 9) -> list[Delivery]:
    return await store.write(lambda tx: tx.claim_deliveries(limit=limit, lease=LEASE))


async def texts(store: SqlStore, limit: int = 9) -> list[str]:
    return [delivery.message["text"] for delivery in await claim(store, limit)]


async def test_the_oldest_message_of_each_chat_is_claimed_and_the_next_one_when_it_is_done(store: SqlStore) -> None:
    await tell(store, (GROUP, "a1"), (GROUP, "a2"), (OTHER, "b1"))
    first, other = await claim(store)
    assert (first.message, first.chat, first.attempts) == ({"text": "a1"}, chat(GROUP), 1)
    assert other.message == {"text": "b1"}
    assert await texts(store) == [], "both chats are being spoken to"
    assert await store.write(lambda tx: tx.finish_delivery(first.id, first.fence))
    assert await texts(store) == ["a2"]


async def test_a_limit_is_kept_and_who_waits_longest_comes_first(store: SqlStore, watch: Watch) -> None:
    await tell(store, (OTHER, "first"))
    watch.now += 1
    await tell(store, (GROUP, "second"))
    assert await texts(store, limit=1) == ["first"]
    assert await texts(store, limit=1) == ["second"]


async def test_when_a_lease_runs_out_the_message_goes_to_another_and_the_late_one_is_refused(
    store: SqlStore, watch: Watch
) -> None:
    await tell(store, (GROUP, "a1"))
    (late,) = await claim(store)
    watch.now += LEASE - 1
    assert await claim(store) == []
    watch.now += 1
    (second,) = await claim(store)
    assert (second.id, second.attempts) == (late.id, 2)
    assert second.fence != late.fence

    def all_of(tx, delivery):
        return (
            tx.postpone_delivery(delivery.id, delivery.fence, until=0, error="x"),
            tx.park_delivery(delivery.id, delivery.fence, error="x"),
            tx.finish_delivery(delivery.id, delivery.fence),
        )

    assert await store.write(lambda tx: all_of(tx, late)) == (False, False, False)
    assert await store.write(lambda tx: tx.finish_delivery(late.id)) is False
    assert await store.write(lambda tx: tx.finish_delivery(second.id, second.fence)) is True
    assert await store.write(lambda tx: all_of(tx, second)) == (False, False, False), "it is done"


async def test_a_message_told_under_a_lease_is_its_tellers_until_that_runs_out(store: SqlStore, watch: Watch) -> None:
    mine, forgotten = await tell(store, (GROUP, "mine"), (OTHER, "forgotten"), lease=LEASE)
    assert await claim(store) == []
    assert await store.write(lambda tx: tx.finish_delivery(mine)) is True
    watch.now += LEASE
    (claimed,) = await claim(store)
    assert (claimed.id, claimed.attempts) == (forgotten, 2), "its teller's attempt counts"
    assert await store.write(lambda tx: tx.finish_delivery(forgotten)) is False, "somebody else has it now"


async def test_a_postponed_message_holds_back_the_later_ones_of_its_chat_only(store: SqlStore, watch: Watch) -> None:
    await tell(store, (GROUP, "a1"), (GROUP, "a2"), (OTHER, "b1"))
    a1, b1 = await claim(store)
    until = watch.now + 50
    assert await store.write(lambda tx: tx.postpone_delivery(a1.id, a1.fence, until=until, error="429"))
    assert await store.write(lambda tx: tx.finish_delivery(b1.id, b1.fence))
    assert await claim(store) == []
    watch.now = until
    assert await texts(store) == ["a1"]


async def test_a_parked_message_lets_the_next_one_pass_and_stays(store: SqlStore, watch: Watch) -> None:
    await tell(store, (GROUP, "a1"), (GROUP, "a2"))
    (a1,) = await claim(store)
    await store.write(lambda tx: tx.claim_turn("activity", GROUP))
    await store.write(lambda tx: tx.save_turn("activity", GROUP, None, a1.id))
    assert await store.write(lambda tx: tx.park_delivery(a1.id, a1.fence, error="gave up"))
    assert await texts(store) == ["a2"]
    watch.now += 1
    assert await store.write(lambda tx: tx.expire(before=watch.now)) == 1, "the turn only"


async def test_chats_that_are_suspended_or_gone_are_left_alone_until_they_are_back(store: SqlStore) -> None:
    await tell(store, (GROUP, "a1"), (OTHER, "b1"))
    await store.write(lambda tx: tx.put_chat(chat(GROUP, state=ChatState.SUSPENDED)))
    await store.write(lambda tx: tx.put_chat(chat(OTHER, state=ChatState.GONE)))
    assert await claim(store) == []
    assert await store.read(lambda tx: tx.outbox_backlog()) == (0, None)
    await store.write(lambda tx: tx.put_chat(chat(GROUP)))
    assert await texts(store) == ["a1"]


async def test_the_backlog_says_how_many_wait_and_since_when(store: SqlStore, watch: Watch) -> None:
    assert await store.read(lambda tx: tx.outbox_backlog()) == (0, None)
    oldest = watch.now
    (number,) = await tell(store, (GROUP, "a1"))
    watch.now += 1
    await tell(store, (GROUP, "a2"))
    assert await store.read(lambda tx: tx.outbox_backlog()) == (2, oldest)
    await store.write(lambda tx: tx.finish_delivery(number))
    assert await store.read(lambda tx: tx.outbox_backlog()) == (1, watch.now)


async def test_the_number_of_a_forgotten_message_is_never_given_again(store: SqlStore, watch: Watch) -> None:
    (number,) = await tell(store, (GROUP, "a1"))
    await store.write(lambda tx: tx.finish_delivery(number))
    watch.now += 1
    assert await store.write(lambda tx: tx.expire(before=watch.now)) == 1
    assert (await tell(store, (GROUP, "a2")))[0] > number


async def test_two_replicas_claim_no_message_twice_and_keep_each_chats_order(open_another: Open) -> None:
    here, there = await open_another(), await open_another()
    chats = [f"19:{number}@thread.v2" for number in range(12)]
    for text in range(5):
        await tell(here, *((chat_id, str(text)) for chat_id in chats))
    delivered: list[tuple[str, str]] = []
    speaking: Counter[str] = Counter()

    async def work(store: SqlStore) -> None:
        while len(delivered) < 60:
            for delivery in await claim(store, limit=4):
                speaking[delivery.chat.id] += 1
                assert speaking[delivery.chat.id] == 1, "two at the same time in one chat"
                await asyncio.sleep(0.001)
                delivered.append((delivery.chat.id, delivery.message["text"]))
                speaking[delivery.chat.id] -= 1
                assert await store.write(lambda tx, it=delivery: tx.finish_delivery(it.id, it.fence))

    async with asyncio.timeout(30):
        await asyncio.gather(*(work(store) for store in (here, there) for _ in range(3)))
    assert len(delivered) == 60
    for chat_id in chats:
        assert [text for where, text in delivered if where == chat_id] == ["0", "1", "2", "3", "4"]
