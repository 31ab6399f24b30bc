"""Following what happens: how followers wake, and what they cost the store, which is nearly nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from bot.features import following as module
from bot.features.following import Following, StreamItem
from bot.ports import Transaction
from tests.features.followed import NEVER, ONE, OTHER, Watched, following, hear, watched
from tests.waiting import until


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Watched]:
    async with watched(tmp_path) as store:
        yield store


async def test_news_comes_at_once_when_the_store_rings(store: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL", 60.0)
    everybody = following(store)
    await store.add(ONE)
    with await everybody.everything(None) as of_all, await everybody.one_record(ONE, None) as of_one:
        await asyncio.sleep(NEVER)
        for number in range(2, 7):
            await store.add(ONE)
            assert await hear(of_all, 1) == [number]
            assert await hear(of_one, 1) == [number]


async def test_news_comes_by_the_next_poll_when_the_store_does_not_ring(
    store: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POLL", 0.05)
    store.silent = True
    with await following(store).everything(None) as follower:
        await asyncio.sleep(NEVER)
        await store.add(ONE)
        assert await hear(follower, 1) == [1]


async def test_who_is_not_behind_costs_the_store_nothing(store: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten followers of all and ten of one record hear ten events: the feed is read once for all of them."""
    monkeypatch.setattr(module, "POLL", 60.0)
    everybody = following(store)
    await store.add(ONE)
    followers = [await everybody.everything(None) for _ in range(10)]
    followers += [await everybody.one_record(ONE, None) for _ in range(10)]
    with ExitStack() as entered:
        for follower in followers:
            entered.enter_context(follower)
            await follower.next(within=NEVER / 10)
        before = store.reads
        for _ in range(10):
            await store.add(ONE, OTHER)
            for follower in followers:
                await hear(follower, 1 if follower.record else 2)
        assert store.reads - before <= 20


async def test_the_store_is_left_alone_while_nobody_follows(store: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL", 0.01)
    everybody = following(store)
    with await everybody.everything(None):
        await until(lambda: store.listening == 1)
    await asyncio.sleep(0)
    reads = store.reads
    await asyncio.sleep(NEVER)
    assert (store.listening, store.reads) == (0, reads)


@pytest.mark.parametrize("meanwhile", [1, 30])
async def test_what_was_added_while_nobody_followed_is_heard_by_who_comes_back(store: Watched, meanwhile: int) -> None:
    everybody = following(store, keep=10)
    with await everybody.everything(0) as follower:
        await store.add(*[ONE] * 20)
        await hear(follower, 20)
    await store.add(*[ONE] * meanwhile)
    with await everybody.everything(20) as follower, await everybody.one_record(ONE, 20) as of_record:
        assert await hear(follower, meanwhile) == list(range(21, 21 + meanwhile))
        assert await hear(of_record, meanwhile) == list(range(21, 21 + meanwhile))
        await store.add(ONE)
        assert await hear(follower, 1) == await hear(of_record, 1) == [21 + meanwhile]


async def test_a_quiet_record_is_not_forgotten_while_nobody_followed_and_much_else_happened(store: Watched) -> None:
    await store.add(ONE)
    everybody = following(store, keep=10)
    with await everybody.one_record(ONE, 1) as follower:
        await store.add(*[ONE] * 19)
        await hear(follower, 19)
    await store.add(ONE, *[OTHER] * 30)
    with await everybody.one_record(ONE, 20) as follower:
        assert await hear(follower, 1) == [21]


async def test_who_comes_back_hardly_behind_costs_the_store_nothing(store: Watched) -> None:
    """As they all do when the program was restarted: the end of the feed is read once, not by each of them."""
    await store.add(*[ONE] * 50)
    everybody = following(store)
    followers = [await everybody.everything(45) for _ in range(20)]
    before = store.reads
    with ExitStack() as entered:
        for follower in followers:
            entered.enter_context(follower)
        for follower in followers:
            assert await hear(follower, 5) == [46, 47, 48, 49, 50]
        assert store.reads - before < 5


async def test_after_a_long_time_without_followers_only_the_end_is_read(
    store: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 10)
    everybody = following(store, keep=10)
    with await everybody.everything(0) as follower:
        await store.add(ONE)
        await hear(follower, 1)
    await store.add(*[ONE] * 500)
    with await everybody.everything(None) as follower:
        before = store.reads
        await store.add(ONE)
        assert await hear(follower, 1) == [502]
        assert store.reads - before < 10


async def test_news_that_comes_while_a_page_is_read_is_not_lost(store: Watched) -> None:
    """The page was read before; who only waited for more news now would wait for the next but one."""
    go_on = asyncio.Event()

    class Slow(Following):
        async def read(self, page: Callable[[Transaction], list[StreamItem]]) -> list[StreamItem]:
            told = await super().read(page)
            await go_on.wait()
            return told

    await store.add(*[ONE] * 20)
    everybody = Slow(store, keep=2)  # type: ignore[arg-type]
    with await everybody.everything(20) as of_end, await everybody.everything(10) as behind:
        await asyncio.sleep(NEVER)
        reading = asyncio.create_task(hear(behind, 10))
        await asyncio.sleep(NEVER)
        await store.add(ONE)
        assert await hear(of_end, 1) == [21]
        go_on.set()
        assert await reading == list(range(11, 21))
        assert await hear(behind, 1) == [21]


async def test_no_more_is_kept_than_asked_for(store: Watched) -> None:
    everybody = following(store, keep=10)
    with await everybody.everything(0) as follower:
        await store.add(*[ONE, OTHER] * 20)
        await hear(follower, 40)
        await asyncio.sleep(NEVER)
        recent = everybody.recent
        assert (recent.floor, recent.head, len(recent.after(30) or ())) == (30, 40, 10)
        assert [entry.seq for entry in recent.of_record(ONE, 15) or ()] == [16, 17, 18, 19, 20]
        assert recent.after(29) is recent.of_record(ONE, 14) is None
