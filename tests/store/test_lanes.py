"""Blocking work off the loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import pytest

from bot.errors import Unavailable
from bot.store.lanes import Lane
from tests.waiting import Stop


@pytest.fixture
async def lane() -> AsyncIterator[Lane]:
    lane = Lane("test", batch=8)
    lane.start()
    yield lane
    await lane.close()


async def test_work_runs_in_order_in_a_thread_of_the_lane(lane: Lane) -> None:
    done: list[int] = []
    names = await asyncio.gather(
        *(lane.run(lambda number: (done.append(number), threading.current_thread().name)[1], n) for n in range(50))
    )
    assert done == list(range(50))
    assert set(names) == {"test-0"}


async def test_each_gets_its_own_result_or_error(lane: Lane) -> None:
    def halve(number: int) -> int:
        if number % 2:
            raise ValueError(number)
        return number // 2

    results = await asyncio.gather(*(lane.run(halve, number) for number in range(20)), return_exceptions=True)
    assert [str(result) for result in results] == [str(number if number % 2 else number // 2) for number in range(20)]


async def test_an_error_that_futures_refuse_harms_nobody_else(lane: Lane) -> None:
    results = await asyncio.gather(lane.run(next, iter(())), lane.run(int, "7"), return_exceptions=True)
    assert isinstance(results[0], RuntimeError)
    assert results[1] == 7


async def test_cancelled_work_is_left_out_when_it_is_not_begun(lane: Lane) -> None:
    done: list[int] = []
    stop = Stop()
    tasks = [asyncio.create_task(lane.run(lambda: (stop.here(), done.append(0))))]
    tasks += [asyncio.create_task(lane.run(done.append, number)) for number in (1, 2)]
    await stop.reached()
    tasks[0].cancel()
    tasks[1].cancel()
    stop.go_on()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert done == [0, 2]


async def test_closing_finishes_what_was_asked_for_and_refuses_the_rest() -> None:
    lane = Lane("test", threads=3)
    with pytest.raises(Unavailable, match="Try again"):
        await lane.run(int)
    lane.start()
    running = [asyncio.create_task(lane.run(lambda: time.sleep(0.01) or "done")) for _ in range(9)]
    await asyncio.sleep(0)
    await lane.close()
    assert await asyncio.gather(*running) == ["done"] * 9
    with pytest.raises(Unavailable, match="Try again"):
        await lane.run(int)
    await lane.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("test-")]
