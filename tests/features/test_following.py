"""Following what happens: each event once and in order, from memory or from the store."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.records import RecordId
from bot.errors import Invalid, NotFound, Unavailable
from bot.features import following as module
from tests.features.followed import NEVER, ONE, OTHER, Watched, following, hear, watched
from tests.waiting import LIMIT, until

SEED = 7


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Watched]:
    async with watched(tmp_path) as store:
        yield store


async def test_a_follower_of_everything_hears_what_is_added_from_now_on(store: Watched) -> None:
    await store.add(ONE, OTHER)
    with await following(store).everything(None) as follower:
        assert await follower.next(within=NEVER) == []
        await store.add(ONE, OTHER, ONE)
        assert await hear(follower, 3) == [3, 4, 5]
        assert await follower.next(within=NEVER) == []


async def test_a_follower_of_a_record_hears_only_its_events(store: Watched) -> None:
    await store.add(ONE, OTHER, ONE)
    with await following(store).one_record(ONE, None) as follower:
        await store.add(OTHER, ONE, OTHER, ONE)
        assert await hear(follower, 2) == [3, 4]
        await store.add(OTHER)
        assert await follower.next(within=NEVER) == []


@pytest.mark.parametrize("keep", [1, 3, 10, 100])
async def test_from_every_place_exactly_what_follows_is_heard_however_little_is_kept(
    store: Watched, monkeypatch: pytest.MonkeyPatch, keep: int
) -> None:
    """Every place is tried while the end of the feed moves: the one before, at and after the oldest event kept, too."""
    monkeypatch.setattr(module, "PAGE", 4)
    everybody = following(store, keep=keep)
    await store.add(*[ONE, OTHER] * 6)
    with await everybody.everything(0) as first:
        await hear(first, 12)
        for last in (14, 16, 18):
            await store.add(ONE, OTHER)
            await hear(first, 2)
            for after in range(last + 1):
                with await everybody.everything(after) as follower:
                    assert await hear(follower, last - after) == list(range(after + 1, last + 1))
                    assert await follower.next(within=0.001) == []
            for after in range(last // 2 + 1):
                with await everybody.one_record(ONE, after) as follower:
                    assert await hear(follower, last // 2 - after) == list(range(after + 1, last // 2 + 1))
                    assert await follower.next(within=0.001) == []


async def test_many_come_and_go_at_any_time_while_many_write(store: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is missed or doubled although hardly anything is kept and pages are tiny; seeded."""
    monkeypatch.setattr(module, "PAGE", 3)
    monkeypatch.setattr(module, "GATHER", 0.0)
    chance, everybody = random.Random(SEED), following(store, keep=5)
    records = [RecordId("account", f"R-{number}") for number in range(4)]
    await store.add(*records)
    plan = [chance.choice(records) for _ in range(600)]

    async def write() -> None:
        while plan:
            count = chance.randint(1, 4)
            together = sorted((plan.pop() for _ in range(min(count, len(plan)))), key=str)
            await store.add(*together)
            await asyncio.sleep(chance.uniform(0, 0.004))

    async def listen(record: RecordId | None, expected: int) -> None:
        heard: list[int] = []
        while len(heard) < expected:
            after = heard[-1] if heard else 0
            enter = everybody.everything(after) if record is None else everybody.one_record(record, after)
            with await enter as follower:
                for _ in range(chance.choice((1, 2, 20))):
                    heard += [told.place for told in await follower.next(within=chance.choice((0.001, 0.05)))]
            await asyncio.sleep(chance.uniform(0, 0.02))
        assert heard == list(range(1, expected + 1)), record

    counts = {record: plan.count(record) + 1 for record in records}
    async with asyncio.timeout(4 * LIMIT), asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(write())
        for _ in range(10):
            tasks.create_task(listen(None, 604))
        for record in records * 2:
            tasks.create_task(listen(record, counts[record]))
    assert everybody.readers == 0


# Refusals and ends ---------------------------------------------------------------------------------------------------


async def test_a_place_that_was_not_reached_yet_is_refused(store: Watched) -> None:
    """It is from elsewhere: whoever waited there would miss what happens until then."""
    await store.add(ONE)
    everybody = following(store)
    for enter in (everybody.everything(2), everybody.one_record(ONE, 2)):
        with pytest.raises(Invalid, match="begin anew"):
            await enter


async def test_a_record_that_never_was_is_unknown(store: Watched) -> None:
    with pytest.raises(NotFound):
        await following(store).one_record(ONE, None)


async def test_there_are_so_many_followers_and_no_more_until_one_leaves(store: Watched) -> None:
    everybody = following(store, most=2)
    one, two, three = [await everybody.everything(None) for _ in range(3)]
    with one:
        with two, pytest.raises(Unavailable, match="2 streams"):
            three.__enter__()
        assert everybody.readers == 1
        with three:
            assert everybody.readers == 2


async def test_closing_ends_everybody_at_once_and_lets_nobody_in(store: Watched) -> None:
    await store.add(ONE)
    everybody = following(store)
    with await everybody.everything(None) as of_all, await everybody.one_record(ONE, None) as of_one:
        await until(lambda: store.listening and store.reads)
        await asyncio.sleep(NEVER)  # the task has begun and rung
        assert await of_all.next(within=0) == await of_one.next(within=0) == []
        waiting = asyncio.gather(of_all.next(within=60), of_one.next(within=60))
        await asyncio.sleep(NEVER)
        assert not waiting.done()
        with await everybody.everything(0) as behind:
            everybody.close()
            assert await asyncio.wait_for(waiting, LIMIT) == [[], []]
            assert await behind.next(within=60) == []
        assert of_all.ended
        assert of_one.ended
    with pytest.raises(Unavailable, match="ending"):
        (await everybody.everything(None)).__enter__()


async def test_a_database_that_is_down_for_a_while_costs_time_only(
    store: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POLL", 0.02)
    with await following(store).everything(None) as follower:
        await store.add(ONE)
        await hear(follower, 1)
        store.down = True
        await store.add(ONE, ONE)
        assert await follower.next(within=NEVER) == []
        store.down = False
        assert await hear(follower, 2) == [2, 3]
