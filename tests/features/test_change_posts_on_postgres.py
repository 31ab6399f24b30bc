"""Records change while chats come and go, on PostgreSQL, where transactions run beside each other."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bot.domain.answers import Answer, RecordChanged
from bot.domain.catalogue import Catalogue
from bot.domain.chats import Chat, ChatKind, Connection
from bot.domain.people import Audience
from bot.domain.records import Record, RecordId
from bot.domain.settings import RecordType
from bot.features.connections import connect_by_system, disconnect_by_system
from bot.features.records import delete_record, put_record
from bot.ports import Json, Transaction
from bot.store.store import SqlStore, open_store
from tests.waiting import LIMIT, until

FIRST, SECOND = RecordId("account", "A-1"), RecordId("account", "A-2")
ONE, OTHER, COMING = "19:one@thread.v2", "19:other@thread.v2", "19:coming@thread.v2"
ACCOUNT = RecordType(name="account", label="Account", watch_fields=("Step",))


def rendered(answer: Answer) -> Json:
    """What is told; of a change, the record's step before and after it."""
    changes = answer.changes if isinstance(answer, RecordChanged) else ()
    return {"told": type(answer).__name__, "steps": [(change.before, change.after) for change in changes]}


def slowly(answer: Answer) -> Json:
    """As long as it takes, what was told before is locked: time enough for another to want it."""
    time.sleep(0.05)
    return rendered(answer)


class Counted:
    """A store that counts how often it is asked to write, and how often it repeats that: the database ended it."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.asked = 0
        self.ran = 0

    @property
    def repeated(self) -> int:
        return self.ran - self.asked

    async def write(self, work: Callable[[Transaction], Any]) -> None:
        def counting(tx: Transaction) -> None:
            self.ran += 1
            work(tx)

        self.asked += 1
        await self.store.write(counting)

    async def put(self, record: RecordId, step: int, *, render: Callable[[Answer], Json] = rendered) -> None:
        changed = Record(record=record, title=record.id, fields={"Step": f"step {step}"})
        await self.write(lambda tx: put_record(tx, changed, actor=None, render=render))


@pytest.fixture
async def replicas(postgres_url: str) -> AsyncIterator[list[Counted]]:
    """Two stores on one database with two records and three chats; Step is watched."""
    stores = [open_store(postgres_url, tenant="contoso", clock=time.monotonic_ns) for _ in range(2)]
    for store in stores:
        await store.start()
    await stores[0].seed(Catalogue(types=[ACCOUNT]))
    for chat in (ONE, OTHER, COMING):
        known = Chat(id=chat, kind=ChatKind.GROUP, audience=Audience.INTERNAL)
        await stores[0].write(lambda tx, known=known: tx.put_chat(known))
    yield [Counted(store) for store in stores]
    for store in stores:
        await store.close()


async def told_in(store: SqlStore, chat: str) -> list[tuple[str, list[list[str]]]]:
    """What was told there, in its order: nobody delivers here."""
    held = await store.write(lambda tx: tx.claim_deliveries(limit=10, most=1000, lease=1))
    messages = [message for delivery in held if delivery.chat.id == chat for message in delivery.messages]
    return [(message.message["told"], message.message["steps"]) for message in messages]


async def test_changes_and_deletions_of_records_in_the_same_chats_never_end_each_other(replicas: list[Counted]) -> None:
    """Their chats were connected in opposite order; all tell them in the same one."""
    for record, chats in ((FIRST, (ONE, OTHER)), (SECOND, (OTHER, ONE))):
        await replicas[0].put(record, 0)
        for since, chat in enumerate(chats):
            connection = Connection(chat=chat, record=record, since=since, by=None)
            await replicas[0].store.write(lambda tx, connection=connection: tx.add_connection(connection))
    for step in range(1, 4):
        await asyncio.gather(replicas[0].put(FIRST, step, render=slowly), replicas[1].put(SECOND, step, render=slowly))
    await asyncio.gather(
        replicas[0].put(FIRST, 4, render=slowly),
        replicas[1].write(lambda tx: delete_record(tx, SECOND, actor=None, expected=None, render=slowly)),
    )
    assert [replica.repeated for replica in replicas] == [0, 0]
    assert len(await told_in(replicas[0].store, ONE)) == 8


async def test_a_chat_that_is_connected_meanwhile_hears_of_just_those_changes_that_come_after(
    replicas: list[Counted],
) -> None:
    """What it is told is, in the same order, what the timeline tells between its connection and its end."""
    await replicas[0].put(FIRST, 0)

    async def change() -> None:
        for step in range(1, 61):
            await replicas[0].put(FIRST, step)

    async def some_change() -> None:
        """Returns when one has begun and ended, or all have."""
        before = replicas[0].ran
        await until(lambda: changing.done() or replicas[0].ran > before + 1)

    changing = asyncio.create_task(change())
    while not changing.done():
        await some_change()
        await replicas[1].write(lambda tx: connect_by_system(tx, FIRST, COMING, actor=None, render=rendered))
        await some_change()
        await replicas[1].write(lambda tx: disconnect_by_system(tx, FIRST, COMING, actor=None, render=rendered))
    events = await replicas[0].store.read(lambda tx: tx.events(FIRST, limit=1000))
    expected: list[tuple[str, list[list[str]]]] = []
    step, connected = 0, False
    for event in events:
        match event.fact.type.value:
            case "chat.connected":
                connected = True
                expected.append(("Connected", []))
            case "chat.disconnected":
                connected = False
                expected.append(("Disconnected", []))
            case "record.updated":
                step += 1
                expected += [("RecordChanged", [[f"step {step - 1}", f"step {step}"]])] * connected
    assert await told_in(replicas[0].store, COMING) == expected
    assert 0 < sum(told == "RecordChanged" for told, _ in expected) < 60, "some came while it was connected, not all"
    assert [replica.repeated for replica in replicas] == [0, 0]


async def test_a_guest_who_comes_while_a_change_is_being_told_waits_until_it_can_be_taken_back(
    replicas: list[Counted],
) -> None:
    await replicas[0].put(FIRST, 0)
    await replicas[0].write(lambda tx: connect_by_system(tx, FIRST, ONE, actor=None, render=rendered))
    telling, order = threading.Event(), []

    def told(answer: Answer) -> Json:
        telling.set()
        time.sleep(0.3)
        order.append("told")
        return rendered(answer)

    def guest(tx: Transaction) -> None:
        tx.lock_chat(ONE)
        order.append("guest")

    change = asyncio.create_task(replicas[0].put(FIRST, 1, render=told))
    assert await asyncio.to_thread(telling.wait, LIMIT)
    await asyncio.gather(change, replicas[1].write(guest))
    assert order == ["told", "guest"]


async def test_of_changes_that_come_at_once_each_begins_where_the_one_told_before_ended(
    replicas: list[Counted],
) -> None:
    await replicas[0].put(FIRST, 0)
    await replicas[0].write(lambda tx: connect_by_system(tx, FIRST, ONE, actor=None, render=rendered))
    await asyncio.gather(*(replicas[step % 2].put(FIRST, step) for step in range(1, 41)))
    (_, *told) = await told_in(replicas[0].store, ONE)
    before, after = zip(*(steps[0] for _, steps in told), strict=True)
    assert before == ("step 0", *after[:-1])
    assert len(told) == 40
