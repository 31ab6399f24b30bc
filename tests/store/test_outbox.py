"""What must still be told: one worker at a time, in order per chat, on every database."""

from __future__ import annotations

import asyncio
from collections import Counter

from bot.domain.chats import ChatState
from bot.domain.deliveries import Delivery, OutboxStatus, PendingMessage
from bot.store import outbox
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


async def claim_chats(store: SqlStore, limit: int = 9, most: int = 1) -> list[Delivery]:
    return await store.write(lambda tx: tx.claim_deliveries(limit=limit, most=most, lease=LEASE))


async def claim(store: SqlStore, limit: int = 9) -> list[PendingMessage]:
    """One message of each chat."""
    return [message for held in await claim_chats(store, limit) for message in held.messages]


async def texts(store: SqlStore, limit: int = 9) -> list[str]:
    return [message.message["text"] for message in await claim(store, limit)]


async def test_the_oldest_message_of_each_chat_is_claimed_and_the_next_one_when_it_is_done(
    store: SqlStore, watch: Watch
) -> None:
    await tell(store, (GROUP, "a1"), (GROUP, "a2"), (OTHER, "b1"))
    first, other = sorted(await claim(store), key=lambda message: message.id)  # both were due at once
    assert (first.message, first.attempts, first.since) == ({"text": "a1"}, 1, watch.now)
    assert other.message == {"text": "b1"}
    assert await texts(store) == [], "both chats are being spoken to"
    assert await store.write(lambda tx: tx.finish_delivery(first.id, first.fence))
    assert await texts(store) == ["a2"]


async def test_the_oldest_messages_of_a_chat_are_claimed_together_and_settled_one_by_one(
    store: SqlStore, watch: Watch
) -> None:
    await tell(store, *((GROUP, text) for text in ("a1", "a2", "a3", "a4")))
    (held,) = await claim_chats(store, most=3)
    assert [message.message["text"] for message in held.messages] == ["a1", "a2", "a3"]
    assert (held.chat, held.lease_until) == (chat(GROUP), watch.now + LEASE)
    assert await claim_chats(store, most=3) == [], "the chat is being spoken to"
    a1, a2, a3 = held.messages
    assert await store.write(lambda tx: tx.finish_delivery(a1.id, a1.fence))
    for later in (a2, a3):
        assert await store.write(
            lambda tx, it=later: tx.postpone_delivery(it.id, it.fence, until=watch.now + 50, error="429")
        )
    assert await claim_chats(store, most=3) == [], "a4 waits behind them"
    watch.now += 50
    (again,) = await claim_chats(store, most=9)
    assert [(message.message["text"], message.attempts) for message in again.messages] == [
        ("a2", 2),
        ("a3", 2),
        ("a4", 1),
    ]


async def test_a_chat_is_left_alone_while_a_turn_delivers_its_own_answer_there(store: SqlStore, watch: Watch) -> None:
    await tell(store, (GROUP, "a1"))
    (answer,) = await tell(store, (GROUP, "answer"), lease=LEASE)
    assert await claim_chats(store, most=9) == []
    await store.write(lambda tx: tx.finish_delivery(answer))
    assert await texts(store) == ["a1"]


async def test_between_seeing_that_a_chat_is_due_and_claiming_it_another_replica_may_have_been_there(
    store: SqlStore, watch: Watch
) -> None:
    """The second statement of a claim looks again."""
    await tell(store, (GROUP, "a1"), (GROUP, "a2"))

    def claim_now(tx):
        return tx._all(outbox._CLAIM, chat=GROUP, now=watch.now, until=watch.now + LEASE, most=1)

    (a1,) = await store.write(claim_now)
    assert await store.write(claim_now) == [], "it is held"
    await store.write(lambda tx: tx.postpone_delivery(a1.number, a1.fence, until=watch.now + 1, error="429"))
    assert await store.write(claim_now) == [], "it is not due"
    await store.write(lambda tx: tx.park_delivery(a1.number, a1.fence, error="refused"))
    assert len(await store.write(claim_now)) == 1


async def test_a_lease_is_renewed_by_who_holds_all_of_it(store: SqlStore, watch: Watch) -> None:
    await tell(store, (GROUP, "a1"), (GROUP, "a2"))
    (held,) = await claim_chats(store, most=2)
    watch.now += LEASE - 1
    renewed = await store.write(lambda tx: tx.renew_delivery(held, lease=LEASE))
    assert (renewed.lease_until, renewed.messages) == (watch.now + LEASE, held.messages)
    watch.now += LEASE - 1
    assert await claim_chats(store, most=2) == []
    watch.now += 1
    (second,) = await claim_chats(store, most=1)
    assert [message.attempts for message in second.messages] == [2]
    assert await store.write(lambda tx: tx.renew_delivery(renewed, lease=LEASE)) is None, "another has its first"
    assert await store.write(lambda tx: tx.finish_delivery(held.messages[0].id, held.messages[0].fence)) is False


async def test_the_status_counts_what_waits_in_active_chats_and_what_was_given_up(
    store: SqlStore, watch: Watch
) -> None:
    async def status() -> OutboxStatus:
        return (await store.read(lambda tx: tx.outbox_status()))["chat"]

    assert await status() == OutboxStatus()
    oldest = watch.now
    await tell(store, (GROUP, "a1"), (GROUP, "a2"), (OTHER, "b1"))
    assert await status() == OutboxStatus(waiting=3, oldest=oldest)
    watch.now += 1
    await tell(store, (GROUP, "a3"))
    for message in await claim(store):
        await store.write(lambda tx, it=message: tx.park_delivery(it.id, it.fence, error="refused"))
    assert await status() == OutboxStatus(waiting=2, parked=2, oldest=oldest)
    await store.write(lambda tx: tx.put_chat(chat(GROUP, state=ChatState.SUSPENDED)))
    assert await status() == OutboxStatus(parked=2), "nobody takes them now"


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
    a1, b1 = sorted(await claim(store), key=lambda message: message.id)  # both were due at once
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
    await store.write(lambda tx: tx.save_turn("activity", GROUP, {}))
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
            for held in await claim_chats(store, limit=4, most=2):
                speaking[held.chat.id] += 1
                assert speaking[held.chat.id] == 1, "two at the same time in one chat"
                await asyncio.sleep(0.001)
                delivered.extend((held.chat.id, message.message["text"]) for message in held.messages)
                speaking[held.chat.id] -= 1
                for message in held.messages:
                    assert await store.write(lambda tx, it=message: tx.finish_delivery(it.id, it.fence))

    async with asyncio.timeout(30):
        await asyncio.gather(*(work(store) for store in (here, there) for _ in range(3)))
    assert len(delivered) == 60
    for chat_id in chats:
        assert [text for where, text in delivered if where == chat_id] == ["0", "1", "2", "3", "4"]
