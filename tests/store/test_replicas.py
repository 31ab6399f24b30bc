"""Waking those who wait: here on every database, on other replicas on PostgreSQL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.domain.webhooks import WebhookState
from bot.store import replicas
from bot.store.store import SqlStore, open_store
from tests.store.conftest import Open, Watch
from tests.store.examples import GROUP, chat, noted, webhook
from tests.store.test_failures import end_connections
from tests.waiting import LIMIT, soon


class Rings:
    """Counts how often it was rung."""

    def __init__(self) -> None:
        self.count = 0
        self._rung = asyncio.Event()

    def __call__(self) -> None:
        self.count += 1
        self._rung.set()

    async def heard(self, within: float = LIMIT) -> bool:
        """Whether it is rung by then."""
        try:
            await asyncio.wait_for(self._rung.wait(), within)
        except TimeoutError:
            return False
        self._rung.clear()
        return True


def rings_of(store: SqlStore) -> Rings:
    rings = Rings()
    store.on_change(rings)
    return rings


@pytest.fixture
async def store(database: str) -> AsyncIterator[SqlStore]:
    """One that rings for nothing but what happens from now on: those on PostgreSQL ring when they begin to listen."""
    store = open_store(database, tenant="contoso", clock=Watch())
    listens = rings_of(store)
    await store.start()
    if database.startswith("postgres"):
        assert await listens.heard()
    yield store
    await store.close()


def listening() -> int:
    """How many stores listen, or try to."""
    return sum(task.get_coro().__qualname__ == "Replicas._listen" for task in asyncio.all_tasks())


async def test_what_somebody_waits_for_rings_and_nothing_else_does(store: SqlStore) -> None:
    await store.write(lambda tx: tx.put_chat(chat()))
    rings = rings_of(store)
    for work in (
        lambda tx: tx.add_event(noted()),
        lambda tx: tx.tell(GROUP, {"text": "hi"}),
        lambda tx: tx.put_webhook(webhook()),
        lambda tx: tx.put_webhook(webhook(state=WebhookState.DISABLED)),
        lambda tx: tx.replay_events("01WEBHOOK"),
    ):
        await store.write(work)
        assert await rings.heard()

    def fail(tx):
        tx.add_event(noted())
        raise LookupError

    before = rings.count
    with pytest.raises(LookupError):
        await store.write(fail)
    await store.write(lambda tx: tx.put_chat(chat(topic="x")))
    await store.write(lambda tx: tx.tell(GROUP, {"text": "by its turn"}, lease=60))
    await store.read(lambda tx: tx.feed(after=0, limit=9))
    await asyncio.sleep(0.1)
    assert rings.count == before


async def test_many_changes_ring_less_often_and_who_left_is_not_rung(store: SqlStore) -> None:
    rings, gone = Rings(), Rings()
    store.on_change(rings)
    end = store.on_change(gone)
    end()
    end()

    def add_ten(tx):
        return [tx.add_event(noted()) for _ in range(10)]

    await store.write(add_ten)
    assert await rings.heard()
    assert (rings.count, gone.count) == (1, 0)


async def test_it_rings_after_the_commit(store: SqlStore) -> None:
    """Whoever looks when it rings sees what it rang for."""
    seen: list[asyncio.Task] = []
    store.on_change(lambda: seen.append(asyncio.create_task(store.read(lambda tx: tx.last_seq(noted().record)))))
    for number in range(1, 20):
        await store.write(lambda tx: (tx.add_event(noted()), time.sleep(0.002)))
        await asyncio.sleep(0)
        assert await seen[-1] == number


# Other replicas ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def two_replicas(url: str) -> AsyncIterator[tuple[SqlStore, SqlStore]]:
    """Both listening."""
    stores = [open_store(url, tenant="contoso", clock=Watch()) for _ in range(2)]
    try:
        for store in stores:
            listens = rings_of(store)
            await store.start()
            assert await listens.heard(), "it rings when it begins to listen, for what it missed"
        yield stores[0], stores[1]
    finally:
        for store in stores:
            await store.close()


async def test_another_replica_is_woken_at_once_and_its_own_changes_wake_it_once(postgres_url: str) -> None:
    async with two_replicas(postgres_url) as (here, there):
        rings_here, rings_there = rings_of(here), rings_of(there)
        for _ in range(5):
            await here.write(lambda tx: tx.add_event(noted()))
            assert await rings_there.heard()
        await asyncio.sleep(0.1)
        assert rings_here.count == 5, "what it told the others it does not hear itself"


async def test_a_replica_is_not_woken_by_what_was_rolled_back_or_by_another_tenant(postgres_url: str) -> None:
    async with two_replicas(postgres_url) as (here, there):
        other = open_store(postgres_url, tenant="fabrikam", clock=Watch())
        await other.start()
        rings = rings_of(there)

        def fail(tx):
            tx.add_event(noted())
            raise LookupError

        with pytest.raises(LookupError):
            await here.write(fail)
        await other.write(lambda tx: tx.add_event(noted()))
        assert not await rings.heard(0.2)
        await other.close()


async def test_a_replica_listens_again_after_its_connection_was_lost_and_looks_for_what_it_missed(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicas, "FIRST_PAUSE_S", 0.05)
    async with two_replicas(postgres_url) as (here, there):
        rings = rings_of(there)
        end_connections(postgres_url)
        assert await rings.heard(), "when it is back"
        await here.write(lambda tx: tx.add_event(noted()))
        assert await rings.heard()


async def test_a_store_closes_while_it_can_not_listen(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas, "FIRST_PAUSE_S", 60)
    async with two_replicas(postgres_url) as (here, _):
        end_connections(postgres_url)
        await asyncio.sleep(0.05)
        async with soon():
            await here.close()
        assert listening() == 1


async def test_listening_ends_with_the_store(open_another: Open, database: str) -> None:
    store = await open_another()
    assert listening() == (0 if database.startswith("sqlite") else 1)
    await store.close()
    assert listening() == 0
