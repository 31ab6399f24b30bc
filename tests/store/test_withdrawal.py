"""What waits for a chat is taken back: parked, and something else is told instead. On every database."""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from bot.domain.chats import ChatState
from bot.domain.deliveries import Delivery
from bot.store import outbox, schema
from bot.store.statements import Statement, mine
from bot.store.store import SqlStore
from tests.store.conftest import Open, Watch
from tests.store.examples import GROUP, OTHER, chat
from tests.waiting import LIMIT, soon

LEASE = 1000
INSTEAD = {"text": "instead"}
MESSAGES = Statement(lambda _: select(schema.outbox).where(mine(schema.outbox)).order_by(schema.outbox.c.number))


async def tell(store: SqlStore, *messages: tuple[str, str], lease: int = 0) -> list[int]:
    """Save messages `(chat, text)`; their numbers."""

    def work(tx):
        for chat_id in {chat_id for chat_id, _ in messages}:
            tx.put_chat(tx.chat(chat_id) or chat(chat_id))
        return [tx.tell(chat_id, {"text": text}, lease=lease) for chat_id, text in messages]

    return await store.write(work)


async def withdraw(store: SqlStore, chat_id: str | None = None) -> int:
    return await store.write(lambda tx: tx.withdraw_messages(chat_id, instead=INSTEAD, error="why"))


async def claim(store: SqlStore, most: int = 9) -> list[Delivery]:
    return await store.write(lambda tx: tx.claim_deliveries(limit=9, most=most, lease=LEASE))


async def claimed(store: SqlStore) -> dict[str, list[str]]:
    """By chat the texts that would be delivered now."""
    return {held.chat.id: [message.message["text"] for message in held.messages] for held in await claim(store)}


async def parked(store: SqlStore) -> list[tuple[str, str]]:
    """Whatever was given up, and why."""
    rows = await store.read(lambda tx: tx._all(MESSAGES))
    return [(row.message, row.error) for row in rows if row.state == "parked"]


async def test_what_waits_for_a_chat_is_parked_and_one_message_told_instead(store: SqlStore) -> None:
    await tell(store, (GROUP, "a1"), (GROUP, "a2"), (OTHER, "b1"))
    assert await withdraw(store, GROUP) == 2
    assert await parked(store) == [('{"text":"a1"}', "why"), ('{"text":"a2"}', "why")]
    status = await store.read(lambda tx: tx.outbox_status())
    assert (status["chat"].waiting, status["chat"].parked) == (2, 2)
    assert await claimed(store) == {GROUP: ["instead"], OTHER: ["b1"]}


async def test_what_waits_for_every_chat_is_taken_back_also_where_the_bot_can_not_speak(
    store: SqlStore, open_another: Open
) -> None:
    theirs = await open_another("theirs")
    for tenant in (store, theirs):
        await tell(tenant, (GROUP, "a1"), (GROUP, "a2"), (OTHER, "b1"))
    await store.write(lambda tx: tx.put_chat(chat(OTHER, state=ChatState.SUSPENDED)))
    assert await withdraw(store) == 3
    await store.write(lambda tx: tx.put_chat(chat(OTHER)))
    assert await claimed(store) == {GROUP: ["instead"], OTHER: ["instead"]}
    assert await claimed(theirs) == {GROUP: ["a1", "a2"], OTHER: ["b1"]}


async def test_where_nothing_waits_nothing_is_told(store: SqlStore) -> None:
    (sent,) = await tell(store, (GROUP, "sent"))
    (held,) = await claim(store)
    await store.write(lambda tx: tx.finish_delivery(sent, held.messages[0].fence))
    assert await withdraw(store, GROUP) == 0
    assert await withdraw(store) == 0
    assert await claimed(store) == {}
    assert await parked(store) == []


async def test_what_was_told_instead_stays_however_often_it_happens(store: SqlStore) -> None:
    await tell(store, (GROUP, "a1"))
    assert [await withdraw(store), await withdraw(store), await withdraw(store, GROUP)] == [1, 0, 0]
    assert await claimed(store) == {GROUP: ["instead"]}


async def test_who_waits_for_news_is_woken(store: SqlStore) -> None:
    woken = asyncio.Event()
    await tell(store, (GROUP, "a1"))
    await asyncio.sleep(0.05)
    end = store.on_change(woken.set)
    await withdraw(store)
    async with soon():
        await woken.wait()
    end()


async def test_an_answer_that_its_turn_is_sending_stays_the_turn_s(store: SqlStore) -> None:
    await tell(store, (GROUP, "a1"))
    (answer,) = await tell(store, (GROUP, "answer"), lease=LEASE)
    assert await withdraw(store, GROUP) == 1
    assert await store.write(lambda tx: tx.finish_delivery(answer))
    assert await claimed(store) == {GROUP: ["instead"]}


async def test_an_answer_that_its_turn_could_not_send_goes_out_as_what_is_told_instead(
    store: SqlStore, watch: Watch
) -> None:
    await tell(store, (GROUP, "answer"), lease=LEASE)
    assert await withdraw(store) == 0, "it may be on its way"
    watch.now += LEASE
    assert await claimed(store) == {GROUP: ["instead"]}


async def test_a_message_that_is_being_sent_is_delivered_or_does_not_go_out_again(
    store: SqlStore, watch: Watch
) -> None:
    await tell(store, (GROUP, "a1"), (GROUP, "a2"), (OTHER, "b1"))
    one, other = sorted(await claim(store, most=1), key=lambda held: held.chat.id != GROUP)  # both were due at once
    assert await withdraw(store) == 1, "only a2 is not on its way"
    assert await store.write(lambda tx: tx.renew_delivery(one, lease=LEASE))
    (a1,), (b1,) = one.messages, other.messages
    assert await store.write(lambda tx: tx.finish_delivery(a1.id, a1.fence))
    assert await store.write(lambda tx: tx.postpone_delivery(b1.id, b1.fence, until=watch.now, error="503"))
    assert await claimed(store) == {GROUP: ["instead"], OTHER: ["instead"]}


async def test_what_another_transaction_is_just_telling_a_chat_is_waited_for(open_another: Open) -> None:
    here, there = await open_another(), await open_another()
    await tell(here, (GROUP, "a1"))
    told = threading.Event()
    telling = asyncio.create_task(there.write(lambda tx: (tx.tell(GROUP, {"text": "a2"}), told.set(), time.sleep(0.2))))
    assert await asyncio.to_thread(told.wait, LIMIT)
    assert await withdraw(here, GROUP) == 2
    await telling
    assert await claimed(here) == {GROUP: ["instead"]}


async def test_a_claim_and_a_withdrawal_of_the_same_chats_never_meet_half_way(open_another: Open, watch: Watch) -> None:
    """A claim takes chats in the order in which they wait, which is not that of their names."""
    here, there = await open_another(), await open_another()
    for chat_id in (OTHER, GROUP):
        watch.now += 1
        await tell(here, (chat_id, "a1"))
    runs: list[str] = []

    claimed_one = threading.Event()

    def claim_slowly(tx: Any) -> None:
        runs.append("claim")
        for held in tx._all(outbox._HOLD, now=watch.now, limit=9):
            claimed_one.set()
            tx._all(outbox._CLAIM, chat=held.id, now=watch.now, until=watch.now + LEASE, most=9)
            time.sleep(0.2)

    def withdraw_all(tx: Any) -> int:
        runs.append("withdrawal")
        return tx.withdraw_messages(None, instead=INSTEAD, error="why")

    claiming = asyncio.create_task(here.write(claim_slowly))
    assert await asyncio.to_thread(claimed_one.wait, LIMIT)
    assert await there.write(withdraw_all) == 0, "all of it is being sent"
    await claiming
    assert runs == ["claim", "withdrawal"], "the database ended one of them"


# Many at once ---------------------------------------------------------------------------------------------------------


class Crowd:
    """Turns and others tell, workers deliver, and all is taken back again and again; everything is timed.

    Attributes:
        told, numbers: when it was told and its number, by text.
        taken: when each withdrawal of everything began and ended.
        claims: text and when it was claimed; sent: how often each text was delivered.
        asked, ran: transactions that were asked for, and how often they had to be run.
    """

    def __init__(self, stores: list[SqlStore]) -> None:
        self._stores = itertools.cycle(stores)
        self._count = itertools.count()
        self.told: dict[str, int] = {}
        self.numbers: dict[str, int] = {}
        self.taken: list[tuple[int, int]] = []
        self.claims: list[tuple[str, int]] = []
        self.sent: Counter[str] = Counter()
        self.telling = True
        self.asked = self.ran = 0

    async def write(self, work: Callable[[Any], Any]) -> Any:
        def counting(tx: Any) -> Any:
            self.ran += 1
            return work(tx)

        self.asked += 1
        return await next(self._stores).write(counting)

    async def tell(self, dice: random.Random) -> None:
        for _ in range(40):
            text, to = f"m{next(self._count)}", dice.choice(CHATS)
            lease = dice.choice((0, 0, LEASE))
            number = await self.write(
                lambda tx, to=to, text=text, lease=lease: tx.tell(to, {"text": text}, lease=lease)
            )
            self.told[text], self.numbers[text] = next(self._count), number
            if lease:
                await self.write(lambda tx, number=number: tx.finish_delivery(number))
                self.sent[text] += 1

    async def deliver(self, dice: random.Random) -> None:
        idle = 0
        while self.telling or idle < 3:
            began = next(self._count)
            claims = await self.write(lambda tx: tx.claim_deliveries(limit=4, most=3, lease=LEASE))
            idle = 0 if claims else idle + 1
            for held in claims:
                await asyncio.sleep(dice.random() * 0.005)
                self.claims += [(message.message["text"], began) for message in held.messages]
                failed = dice.random() < 0.3 and self.telling
                self.sent.update(message.message["text"] for message in held.messages if not failed)
                await self.write(lambda tx, held=held, failed=failed: settle(tx, held, failed=failed))

    async def withdraw(self) -> None:
        for number in range(30):
            await asyncio.sleep(0.004)
            one = CHATS[number % len(CHATS)] if number % 2 else None
            began = next(self._count)
            await self.write(lambda tx, one=one: tx.withdraw_messages(one, instead=INSTEAD, error="why"))
            if one is None:
                self.taken.append((began, next(self._count)))


CHATS = [f"19:{number}@thread.v2" for number in range(6)]


def settle(tx: Any, held: Delivery, *, failed: bool) -> None:
    for message in held.messages:
        if failed:
            assert tx.postpone_delivery(message.id, message.fence, until=tx.now, error="503")
        else:
            assert tx.finish_delivery(message.id, message.fence)


@pytest.mark.parametrize("seed", range(3))
async def test_taken_back_while_others_tell_and_deliver_nothing_is_lost_or_told_twice_or_told_later(
    open_another: Open, seed: int
) -> None:
    stores = [await open_another(), await open_another()]
    await stores[0].write(lambda tx: [tx.put_chat(chat(chat_id)) for chat_id in CHATS])
    crowd = Crowd(stores)
    async with asyncio.timeout(60):
        delivering = [asyncio.create_task(crowd.deliver(random.Random(seed + number))) for number in range(3)]
        await asyncio.gather(crowd.withdraw(), *(crowd.tell(random.Random(seed + number)) for number in range(4)))
        crowd.telling = False
        await asyncio.gather(*delivering)

    rows = {row.number: row for row in await stores[0].read(lambda tx: tx._all(MESSAGES))}
    assert {row.state for row in rows.values()} == {"done", "parked"}
    for text, number in crowd.numbers.items():
        given_up, replaced = rows[number].state == "parked", "instead" in rows[number].message
        assert crowd.sent[text] <= (0 if given_up else 1), "given up, or told before"
        assert crowd.sent[text] or given_up or replaced, "lost"
    late = [
        text
        for text, began in crowd.claims
        for start, end in crowd.taken
        if end < began and crowd.told.get(text, began) < start
    ]
    assert late == [], "claimed though it was taken back before"
    assert crowd.sent["instead"]
    assert crowd.ran == crowd.asked, "the database ended a transaction: it met another half-way"
